// SPDX-License-Identifier: Apache-2.0
/*
 * Hardware threads: started once through OPAL, parked in `stop`, given a vCPU with a doorbell. A
 * parked thread has EE = 0 and PSSCR = 0: any pending exception ends `stop` and none is taken.
 */
#include "arch/ppc64/cpu.h"

#include "arch/ppc64/console.h"
#include "arch/ppc64/guest.h"
#include "arch/ppc64/mmu.h"
#include "arch/ppc64/opal.h"
#include "arch/ppc64/spr.h"
#include "core/arch.h"
#include "core/board.h"
#include "core/log.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define STACK_SIZE 16384u
#define EMERG_SIZE 8192u
#define MSR_HYP	   ((1ull << MSR_SF_BIT) | (1ull << MSR_HV_BIT) | (1ull << MSR_ME_BIT))
/* The farthest that either can be set without being negative at once. */
#define DEC_FAR	      0x7fffffffull
#define START_WAIT_NS 1000000000ull

#define CHECK_AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
CHECK_AT(cpu, save_r3, CPU_SAVE_R3);
CHECK_AT(cpu, save_r4, CPU_SAVE_R4);
CHECK_AT(cpu, save_cr, CPU_SAVE_CR);
CHECK_AT(cpu, save_cfar, CPU_SAVE_CFAR);
CHECK_AT(cpu, run_sp, CPU_RUN_SP);
CHECK_AT(cpu, exit_fn, CPU_EXIT_FN);
CHECK_AT(cpu, hcall_fn, CPU_HCALL_FN);
CHECK_AT(cpu, leave, CPU_LEAVE);
CHECK_AT(cpu, trap_fn, CPU_TRAP_FN);
CHECK_AT(cpu, emerg_sp, CPU_EMERG_SP);
CHECK_AT(cpu, emerg_r3, CPU_EMERG_R3);
CHECK_AT(cpu, emerg_r4, CPU_EMERG_R4);
CHECK_AT(cpu, emerg_cr, CPU_EMERG_CR);
CHECK_AT(cpu, emerg_cfar, CPU_EMERG_CFAR);
CHECK_AT(cpu, main_sp, CPU_MAIN_SP);
CHECK_AT(cpu, enter, CPU_ENTER);
CHECK_AT(cpu, run, CPU_REGS);
CHECK_AT(cpu, pir, CPU_PIR);
CHECK_AT(vcpu_run, regs, 0);
CHECK_AT(vcpu_regs, pc, REGS_PC);
CHECK_AT(vcpu_regs, msr, REGS_MSR);
CHECK_AT(vcpu_regs, cr, REGS_CR);
CHECK_AT(vcpu_regs, lr, REGS_LR);
CHECK_AT(vcpu_regs, ctr, REGS_CTR);
CHECK_AT(vcpu_regs, xer, REGS_XER);
CHECK_AT(vcpu_regs, srr0, REGS_SRR0);
CHECK_AT(vcpu_regs, srr1, REGS_SRR1);
CHECK_AT(vcpu_regs, ppr, REGS_PPR);
CHECK_AT(vcpu_regs, cfar, REGS_CFAR);
CHECK_AT(vcpu_regs, trap, REGS_TRAP);
_Static_assert(sizeof(struct vcpu_regs) <= REGS_SIZE && REGS_SIZE % 16 == 0, "frame of a trap");

/* Read by head.S: the boot thread's, and those that a starting thread looks for itself in; the last
 * is null. */
struct cpu boot_cpu;
struct cpu *cpu_table[BOARD_MAX_THREADS + 1];
extern uint8_t boot_stack_end[];

static struct cpu *cpus[BOARD_MAX_THREADS]; /* by index into board.threads; null: not started */
static uint8_t boot_emergency[EMERG_SIZE] __attribute__((aligned(16)));

extern const uint8_t low_code[], low_guest_load[], low_code_end[];
void guest_leave(void);
void secondary_start(void);
void secondary_main(void);

/* The address of a function's code; what a pointer to it is in the ELFv2 ABI. */
static uint64_t code_of(void (*fn)(void))
{
	return (uintptr_t)fn;
}

static void cpu_fill(struct cpu *cpu, uint8_t *stack_end, uint8_t *emergency_end)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->exit_fn = (uintptr_t)guest_exit;
	cpu->hcall_fn = (uintptr_t)guest_hcall;
	cpu->leave = code_of(guest_leave);
	cpu->trap_fn = (uintptr_t)trap_in_hypervisor;
	cpu->enter = (uint64_t)(low_guest_load - low_code);
	cpu->main_sp = (uintptr_t)stack_end - 64;
	cpu->emerg_sp = ((uintptr_t)emergency_end - REGS_SIZE) & ~15ull;
}

static void init_sprs(void)
{
	spr_write(SPR_LPCR, LPCR_HOST);
	spr_write(SPR_PSSCR, 0);
	spr_write(SPR_PCR, 0);
	isync();
	mmu_init_thread();
	/* From here on a machine check is reported instead of stopping the machine. */
	msr_write(MSR_HYP);
}

void cpu_init_boot(void)
{
	/* Real address 0 is a place like another; the compiler has to be kept from reasoning. */
	volatile uint64_t *low = (volatile uint64_t *)(uintptr_t)0;
	const uint64_t *from = (const uint64_t *)(uintptr_t)low_code;
	size_t words = (size_t)(low_code_end - low_code + 7) / 8;

	__asm__("" : "+r"(low));
	for (size_t i = 0; i < words; i++) {
		low[i] = from[i];
	}
	__asm__ volatile("sync" : : : "memory");
	for (size_t i = 0; i < words * 8; i += 32) {
		__asm__ volatile("dcbst 0, %0; sync; icbi 0, %0"
				 :
				 : "r"((uintptr_t)low + i)
				 : "memory");
	}
	__asm__ volatile("sync; isync" : : : "memory");

	cpu_fill(&boot_cpu, boot_stack_end, boot_emergency + sizeof(boot_emergency));
	boot_cpu.pir = (uint32_t)spr_read(SPR_PIR);
	boot_cpu.alive = true;
	init_sprs();
}

/* Called by head.S on the new thread. */
void secondary_main(void)
{
	init_sprs();
	atomic_store(&cpu_self()->alive, true);
	cpu_main();
}

/* Makes what a thread needs before it can run; false: no memory. */
static bool make_cpu(const struct board *b, unsigned int i, struct mem_pool *pool)
{
	hpa_t at;

	if (mem_alloc(pool, STACK_SIZE + EMERG_SIZE + sizeof(struct cpu), MEM_PAGE, &at)) {
		return false;
	}
	uint8_t *mem = mem_ptr(pool, at);
	struct cpu *cpu = (struct cpu *)(void *)(mem + STACK_SIZE + EMERG_SIZE);

	cpu_fill(cpu, mem + STACK_SIZE, mem + STACK_SIZE + EMERG_SIZE);
	cpu->pir = b->threads[i].pir;
	cpu->index = i;
	cpus[i] = cpu;
	return true;
}

static bool wait_alive(const struct cpu *cpu)
{
	uint64_t began = arch_time_ns();

	while (!atomic_load(&cpu->alive)) {
		if (arch_time_ns() - began > START_WAIT_NS) {
			return false;
		}
	}
	return true;
}

static bool start_one(const struct board *b, unsigned int i)
{
	uint32_t pir = b->threads[i].pir;
	int64_t rc;

	if (cpus[i] == &boot_cpu) {
		return true;
	}
	if (!cpus[i]) {
		log_msg(LOG_ERR, "CPU: no memory for the thread with PIR 0x%" PRIx32, pir);
		return false;
	}
	rc = opal_call2(OPAL_START_CPU, pir, code_of(secondary_start));
	if (rc) {
		log_msg(LOG_WARN, "CPU: firmware does not start PIR 0x%" PRIx32 " (OPAL %d)", pir,
			(int)rc);
		return false;
	}
	if (!wait_alive(cpus[i])) {
		log_msg(LOG_WARN, "CPU: PIR 0x%" PRIx32 " did not come up in a second", pir);
		return false;
	}
	return true;
}

void cpu_start_all(struct board *b, struct mem_pool *pool)
{
	unsigned int n = 0, up = 0;

	for (unsigned int i = 0; i < b->nthreads; i++) {
		if (b->threads[i].pir == boot_cpu.pir) {
			boot_cpu.index = i;
			cpus[i] = &boot_cpu;
		} else if (make_cpu(b, i, pool)) {
			cpu_table[n++] = cpus[i];
		}
	}
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < b->nthreads; i++) {
		b->threads[i].alive = start_one(b, i);
		up += b->threads[i].alive;
	}
	log_msg(LOG_NOTICE, "CPU: %u of %u threads are up; all but this one are parked", up,
		b->nthreads);
}

/* Nothing may be pending that ends `stop` at once and for ever: the decrementers run out only in
 * seconds, the PMU is frozen, and what a guest has set in PSSCR is gone. */
static void quiet(bool housekeeper)
{
	spr_write(SPR_HDEC, HDEC_FAR);
	spr_write(SPR_DEC, DEC_FAR);
	spr_write(SPR_DPDES, 0);
	spr_write(SPR_MMCR0, MMCR0_FREEZE);
	spr_write(SPR_PSSCR, 0);
	if (housekeeper) {
		guest_set_idle_tick();
	}
}

void cpu_clear_doorbell(void)
{
	__asm__ volatile(".machine push\n\t.machine power9\n\t"
			 "msgclr %0; msgsync; lwsync\n\t.machine pop"
			 :
			 : "r"(DOORBELL)
			 : "memory");
}

void cpu_stop(void)
{
	spr_write(SPR_PSSCR, 0);
	__asm__ volatile(".machine push\n\t.machine power9\n\tstop\n\t.machine pop" : : : "memory");
	/* What ended it is not taken, EE being off; a doorbell left pending would end the next. */
	cpu_clear_doorbell();
}

static void park(bool housekeeper)
{
	quiet(housekeeper);
	cpu_stop();
}

_Noreturn void cpu_main(void)
{
	struct cpu *self = cpu_self();
	bool housekeeper = self == &boot_cpu;

	for (;;) {
		cpu_call_fn call = atomic_exchange(&self->call, NULL);
		struct vcpu_run *run;

		if (call) {
			call(self->call_arg);
		}
		run = atomic_exchange(&self->work, NULL);
		if (run) {
			guest_prepare(run);
			/* A kick may have come while this thread was still parked. */
			if (!partition_must_stop(run->vcpu)) {
				guest_run();
			}
			guest_finish(run);
			continue;
		}
		if (housekeeper) {
			opal_call1(OPAL_POLL_EVENTS, 0);
			console_drain();
			core_tick();
		}
		park(housekeeper);
	}
}

struct vcpu_run *cpu_run_of(unsigned int index)
{
	return &cpus[index]->run;
}

void cpu_give(unsigned int index, struct vcpu_run *run)
{
	struct cpu *cpu = cpus[index];

	atomic_store(&cpu->work, run);
	if (cpu != cpu_self()) {
		cpu_kick(index);
	}
}

void arch_call_on(unsigned int thread, void (*fn)(void *arg), void *arg)
{
	struct cpu *cpu = cpus[thread];

	cpu->call_arg = arg;
	atomic_store(&cpu->call, fn);
	if (cpu != cpu_self()) {
		cpu_kick(thread);
	}
}

void cpu_kick(unsigned int index)
{
	__asm__ volatile("sync; msgsnd %0" : : "r"(DOORBELL | cpus[index]->pir) : "memory");
}
