// SPDX-License-Identifier: Apache-2.0
/*
 * A hardware thread. Each has one struct cpu, in HSPRG0 and, while the hypervisor runs, in r13. A
 * thread runs at most one vCPU, to its end; in between it is parked in `stop`.
 */
#ifndef ARCH_PPC64_CPU_H
#define ARCH_PPC64_CPU_H

#include "arch/ppc64/layout.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct mem_pool;
struct vcpu;

/* What the guest had at its exit; also the frame of a trap in the hypervisor itself. A hypercall
 * leaves r14 to r31 in the processor, SRR0 and SRR1 in pc and msr, and its number in no trap: here
 * those are as the last exit of another kind left them. */
struct vcpu_regs {
	uint64_t gpr[32];
	uint64_t pc, msr, cr, lr, ctr, xer;
	uint64_t srr0, srr1, ppr, cfar;
	uint64_t trap;
};

/* One vCPU's run on one thread. */
struct vcpu_run {
	struct vcpu_regs regs; /* first: assembly has its address */
	struct vcpu *vcpu;
	uint64_t lpcr; /* what the thread has; the partition's may have changed since */
	const _Atomic uint64_t *partition_lpcr;
	unsigned int lpid;
};

typedef void (*cpu_call_fn)(void *arg);

struct cpu {
	/* The vector stubs' scratch, and the same for machine check and system reset, which can
	 * come while a stub uses the first. */
	uint64_t save_r3, save_r4, save_cr, save_cfar;
	uint64_t run_sp, exit_fn, hcall_fn, leave, trap_fn, emerg_sp;
	uint64_t emerg_r3, emerg_r4, emerg_cr, emerg_cfar;
	uint64_t main_sp, enter;
	struct vcpu_run run; /* whom guest_run() runs */
	uint32_t pir;
	/* C only from here. */
	unsigned int index; /* into board.threads */
	atomic_bool alive;
	_Atomic(struct vcpu_run *) work; /* what to run next; 0: park */
	/* Or what to call before that; call_arg is set first. */
	_Atomic(cpu_call_fn) call;
	void *call_arg;
	unsigned int trap_depth;
};

/* This thread. */
static inline struct cpu *cpu_self(void)
{
	struct cpu *self;

	__asm__("mr %0, 13" : "=r"(self));
	return self;
}

/* Our own MSR: 64-bit, hypervisor, machine checks on. */
#define MSR_HYP ((1ull << MSR_SF_BIT) | (1ull << MSR_HV_BIT) | (1ull << MSR_ME_BIT))
/* msgsnd and msgclr: hypervisor doorbell to a server, by PIR. */
#define DOORBELL (5ull << 27)
/* The hypervisor decrementer, of 56 bits, as far from running out as can be: two years. */
#define HDEC_FAR 0x007fffffffffffffull
/* MMCR0: all counters stand still. */
#define MMCR0_FREEZE 0x80000000ull

void msr_write(uint64_t msr);

extern struct cpu boot_cpu;

/* Fills the boot thread's struct and copies the vectors to low memory. */
void cpu_init_boot(void);

/* Starts every thread of the board but the one we are on; those that come up are parked and marked
 * alive, the others are said by name. */
void cpu_start_all(struct board *board, struct mem_pool *pool);

/* The thread's life: runs what it is given, parks in between. The boot thread also does the
 * housekeeping. Does not return. */
_Noreturn void cpu_main(void);

/* Takes back a doorbell. Stores that its sender made before it are seen from here on, which without
 * msgsync they need not be: a prod whose kick is taken in the guest would be slept over. */
void cpu_clear_doorbell(void);

/* Waits in `stop` until some exception is pending on this thread; none is taken. */
void cpu_stop(void);

/* Ends `stop` on a thread, or does nothing much. */
void cpu_kick(unsigned int index);

/* Gives a parked thread a vCPU to run. */
void cpu_give(unsigned int index, struct vcpu_run *run);
struct vcpu_run *cpu_run_of(unsigned int index);

/* Enters the guest of cpu_self()->run again and again until guest_exit() or guest_hcall() says that
 * it is over. */
void guest_run(void);

/* One exit of the guest, called by the switch code: a hypercall, and any other. True: it is over.
 */
bool guest_hcall(struct vcpu_run *run);
bool guest_exit(struct vcpu_run *run);

/* A trap taken in hypervisor state: reports and ends the machine. */
_Noreturn void trap_in_hypervisor(struct vcpu_regs *regs);

#endif
