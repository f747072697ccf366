// SPDX-License-Identifier: Apache-2.0
/*
 * Loads and stores to trapped device memory (design decision 17). A data storage interrupt to the
 * hypervisor brings no instruction, so it is fetched by the guest's own translation, decoded and
 * done here. Understood are the forms that drivers use for registers; anything else is refused with
 * a reason and the guest's registers as they were. Pure C: registers come in as arguments.
 */
#ifndef ARCH_PPC64_EMULATE_H
#define ARCH_PPC64_EMULATE_H

#include "arch/ppc64/cpu.h"
#include "arch/ppc64/radix_walk.h"
#include "core/addr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

/* One aligned access of 1, 2, 4 or 8 bytes, as mmio_access() wants it. The guest can exchange the
 * instruction between its fault and our fetch, and only the faulting access passed its page
 * protection. So the function must refuse (-EACCES) a write where the interrupt said that a load
 * faulted, and the other way round. Any error is handed on. */
typedef int emulate_access_fn(void *ctx, gpa_t at, unsigned int size, bool write, uint64_t *val);

/* Does one instruction that faulted at a guest-real address, all 64 bits of it: where ASDR gives
 * only the page, the low 12 bits are HDAR's. 0: the register is written, pc is past the
 * instruction, *why is NULL. On error no register has changed and *why says why, in words that
 * follow "not emulated: ". -ENOSYS: not understood, misaligned, or not the instruction that
 * faulted; access was not called. Else what access returned. */
int emulate_mmio(struct vcpu_regs *regs, uint32_t insn, uint64_t fault_gpa,
	emulate_access_fn *access, void *ctx, const char **why) must_check;

/* The instruction at pc, in the byte order of msr. -EFAULT: pc does not lead to RAM any more; the
 * guest changed its tree meanwhile or runs from a device. */
int emulate_fetch(const struct guest_mem *mem, const struct radix_ctx *ctx, uint64_t pc,
	uint64_t msr, uint32_t *insn) must_check;

#endif
