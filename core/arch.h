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

/* One load or store of device memory at a host-real address: 1, 2, 4 or 8 bytes, naturally aligned,
 * the device's little-endian bytes as a number. In order with those before and after it. */
uint64_t arch_mmio_read(hpa_t at, unsigned int size);
void arch_mmio_write(hpa_t at, unsigned int size, uint64_t val);

/* Memory to zero, faster than memset; whole units of MEM_PAGE, aligned to it. */
void arch_clear_memory(void *at, uint64_t size);

/* Runs a vCPU on its thread: real mode, big-endian, r3 = tree, r5 = 0, the rest zero. Returns at
 * once; partition_vcpu_exited is called, on that thread, when it is over. */
void arch_vcpu_start(struct vcpu *vcpu, gpa_t entry, gpa_t tree);

/* Runs fn(arg) on a thread of the board on which no vCPU is, and which nothing else is asked of
 * meanwhile; returns at once, or on that thread itself, if it is the caller's, after the caller's
 * own work. */
void arch_call_on(unsigned int thread, void (*fn)(void *arg), void *arg);

/* What H_SET_MODE, H_REGISTER_PROC_TBL and H_CEDE ask of the processor. All are about the calling
 * vCPU, on its own thread, but that the process table and the interrupt byte order are the
 * partition's: vCPUs started later have them, too, and those already running from their next exit.
 * set_ail: 0 or 3; -ENOTSUP: 3 cannot be had on this processor. */
void arch_set_little_interrupts(struct vcpu *vcpu, bool little);
int arch_set_ail(struct vcpu *vcpu, unsigned int ail) must_check;
/* entry is the second doubleword of a partition table entry; 0 takes the table away. */
void arch_set_process_table(struct partition *p, uint64_t entry);
/* Turns the guest's interrupts on and waits until the decrementer or an interrupt is pending, the
 * vCPU is prodded, or its partition is to stop. May return early. */
void arch_cede(struct vcpu *vcpu);
/* Ends arch_cede() of another vCPU soon. */
void arch_kick(struct vcpu *vcpu);

/* Seconds and nanoseconds of the day's clock, UTC, as firmware's real-time clock has it. -EIO. */
int arch_clock_read(uint64_t *seconds_since_1970) must_check;

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

/* The housekeeping of whoever sits at the console, ten times a second on the boot thread, with no
 * lock held, whether that runs a vCPU or not: input, monitor. Partitions may be taken apart or
 * started in here. */
void core_tick(void);

#endif
