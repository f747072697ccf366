// SPDX-License-Identifier: Apache-2.0
/*
 * The contract between core and the architecture it runs on. The first half is what core asks of
 * arch/, the second what arch/'s trap code may ask of core. Neither knows more of the other.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include "core/addr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mem.h"

struct board;
struct partition;
struct vcpu;
struct arch_partition;

/* --- core asks, arch/ answers --- */

/* The serial line. write sends all of it, in one piece as far as other writers go; read never
 * waits. */
void arch_console_write(const char *buf, size_t len);
size_t arch_console_read(char *buf, size_t len);

/* Nanoseconds of the timebase. */
uint64_t arch_time_ns(void);

/* The end of the machine's run; does not return. */
_Noreturn void arch_power_off(void);

/* Facts that the tree does not hold, and the operations of its PHBs, into the board just read. */
void arch_board_init(struct board *b);

/* Host memory that is ours already: the image with its .bss, and real addresses from 0 up to what
 * arch_low_memory() says. */
struct mem_range arch_image(void);
uint64_t arch_low_memory(void);

/* Starts every thread of the board but the boot thread and parks it; those that came up are alive
 * in the board from then on. */
void arch_threads_start(struct board *b, struct mem_pool *pool);

/* The boot thread's life after set-up: runs a vCPU if it is given one, and does the housekeeping.
 */
_Noreturn void arch_run(void);

/* Second-level translation for a partition whose memory is set: its RAM is mapped read, write and
 * execute at guest-real 0. -ENOMEM. free gives everything back and forgets cached translations. */
int arch_partition_init(struct partition *p, struct mem_pool *pool) must_check;
void arch_partition_free(struct partition *p, struct mem_pool *pool);

/* Device memory at a guest-real address: cache-inhibited, read and write, in units of MEM_PAGE.
 * -EINVAL: not whole pages, or outside what guest-real addresses can be. -EEXIST: something is
 * mapped there. -ENOMEM. Unmap cannot fail; on return no vCPU reaches it. */
int arch_map_mmio(struct partition *p, gpa_t at, hpa_t to, uint64_t size) must_check;
void arch_unmap_mmio(struct partition *p, gpa_t at, uint64_t size);

/* Runs a vCPU on its thread: real mode, big-endian, r3 = tree, r5 = 0, the rest zero. Returns at
 * once; partition_vcpu_exited is called, on that thread, when it is over. */
void arch_vcpu_start(struct vcpu *vcpu, gpa_t entry, gpa_t tree);

/* --- arch/'s trap code asks, core answers --- */

/* Set-up, in one visible list, on the boot thread; tree is the host's. Ends in arch_run(). */
_Noreturn void core_main(const void *tree);

/* Whether this vCPU must not go back into its guest. */
bool partition_must_stop(const struct vcpu *vcpu);

/* The guest did something that has no answer; report is a whole text, lines separated by '\n'. */
void partition_crashed(struct vcpu *vcpu, const char *report);

/* The vCPU's last act, on its own thread. When it was the partition's last, the partition is taken
 * apart here. */
void partition_vcpu_exited(struct vcpu *vcpu);

/* Ten times a second on every thread that runs a vCPU: where the guest was and whether it takes
 * interrupts there. */
void partition_sample(struct vcpu *vcpu, uint64_t pc, bool interrupts_on);

#endif
