// SPDX-License-Identifier: Apache-2.0
/* What happened, for a person: the cause in words, then the registers. */
#ifndef ARCH_PPC64_REPORT_H
#define ARCH_PPC64_REPORT_H

#include "arch/ppc64/cpu.h"

#include <stddef.h>

#define REPORT_MAX 2048

/* A guest's exit that has no answer. Reads the fault registers (HDAR, HDSISR, ASDR), so on the
 * guest's thread and before anything else can fault. why is NULL or more words about it. Lines end
 * with '\n'; always terminated. */
void report_guest(const struct vcpu_regs *regs, const char *why, char *buf, size_t size);

#define HDSISR_NOT_MAPPED 0x40000000u
#define HDSISR_PROTECTION 0x08000000u
#define HDSISR_STORE	  0x02000000u
#define PAGE_MASK	  (~(uint64_t)0xfff)

/* The same for a trap of our own (DAR, DSISR). */
void report_hypervisor(const struct vcpu_regs *regs, char *buf, size_t size);

#endif
