// SPDX-License-Identifier: Apache-2.0
/*
 * Running a guest: what its thread's registers must be, and what each of its exits means. The
 * thread is the guest's alone as long as it runs (design decision 3), so registers that the
 * hypervisor does not use (floating point, SPRG, AMR ...) stay in place over an exit.
 */
#include "arch/ppc64/guest.h"

#include "arch/ppc64/console.h"
#include "arch/ppc64/opal.h"
#include "arch/ppc64/report.h"
#include "arch/ppc64/spr.h"
#include "core/arch.h"
#include "core/hcall.h"
#include "core/log.h"
#include "core/partition.h"

#include <string.h>

#define TICKS_PER_SECOND 10u

/* Floating point, vector, DSCR, PMU, BHRB, EBB, TAR; not msgsndp (it crosses threads) and not
 * transactional memory. */
#define HFSCR_GUEST 0x19full
/* Prefixed instructions, from POWER10 on. */
#define HFSCR_PREFIX 0x2000ull
#define PVR_POWER9   0x004eu

#define MSR_SF	  (1ull << MSR_SF_BIT)
#define MSR_EE	  (1ull << MSR_EE_BIT)
#define MSR_PR	  (1ull << MSR_PR_BIT)
#define MSR_ME	  (1ull << MSR_ME_BIT)
#define MSR_HV	  (1ull << MSR_HV_BIT)
#define MSR_GUEST (MSR_SF | MSR_ME)
/* Bits of SRR1/HSRR1 that say why, and are not the guest's MSR. */
#define SRR1_WHY 0x783f0000ull

#define SRR1_ILLEGAL   0x00080000ull
#define VECTOR_PROGRAM 0x700u

uint64_t timebase_hz = 512000000; /* what every POWER so far has; the tree's word replaces it */

uint64_t arch_time_ns(void)
{
	uint64_t tb = timebase();

	return tb / timebase_hz * 1000000000u + tb % timebase_hz * 1000000000u / timebase_hz;
}

static uint64_t tick(void)
{
	return timebase_hz / TICKS_PER_SECOND;
}

void guest_set_idle_tick(void)
{
	spr_write(SPR_DEC, tick());
}

/*
 * Registers that are the guest's while it runs, and what they are when it starts: nothing of
 * firmware's, ours or another guest's. Those that only newer processors have are ignored by
 * older ones in hypervisor state.
 */
static void clear_sprs(void)
{
	spr_write(SPR_SPRG0, 0);
	spr_write(SPR_SPRG1, 0);
	spr_write(SPR_SPRG2, 0);
	spr_write(SPR_SPRG3, 0);
	spr_write(SPR_DAR, 0);
	spr_write(SPR_DSISR, 0);
	spr_write(SPR_DSCR, 0);
	spr_write(SPR_FSCR, 0);
	spr_write(SPR_PIDR, 0);
	spr_write(SPR_TIDR, 0);
	spr_write(SPR_PSPB, 0);
	spr_write(SPR_TAR, 0);
	spr_write(SPR_VRSAVE, 0);
	spr_write(SPR_EBBHR, 0);
	spr_write(SPR_EBBRR, 0);
	spr_write(SPR_BESCR, 0);
	spr_write(SPR_AMR, 0);
	spr_write(SPR_IAMR, 0);
	spr_write(SPR_UAMOR, 0);
	spr_write(SPR_AMOR, ~0ull);
	spr_write(SPR_CIABR, 0);
	spr_write(SPR_DAWRX0, 0);
	spr_write(SPR_DPDES, 0);
	spr_write(SPR_MMCR0, MMCR0_FREEZE);
	spr_write(SPR_MMCR1, 0);
	spr_write(SPR_MMCR2, 0);
	spr_write(SPR_MMCRA, 0);
	spr_write(SPR_SIAR, 0);
	spr_write(SPR_SDAR, 0);
	spr_write(SPR_PMC1, 0);
	spr_write(SPR_PMC2, 0);
	spr_write(SPR_PMC3, 0);
	spr_write(SPR_PMC4, 0);
	spr_write(SPR_PMC5, 0);
	spr_write(SPR_PMC6, 0);
	spr_write(SPR_DEC, 0x7fffffff);
}

void guest_prepare(struct vcpu_run *run)
{
	uint64_t hfscr = HFSCR_GUEST;

	if (spr_read(SPR_PVR) >> 16 != PVR_POWER9) {
		hfscr |= HFSCR_PREFIX;
	}
	spr_write(SPR_HFSCR, hfscr);
	clear_sprs();
	clear_vectors();
	spr_write(SPR_LPIDR, run->lpid);
	spr_write(SPR_LPCR, LPCR_GUEST);
	spr_write(SPR_HDEC, tick());
	isync();
}

void guest_finish(struct vcpu_run *run)
{
	struct vcpu *vcpu = run->vcpu;

	/* A machine check has turned ME off; the next one would stop the machine. */
	msr_write(MSR_HYP);
	spr_write(SPR_MMCR0, MMCR0_FREEZE);
	spr_write(SPR_LPCR, LPCR_HOST);
	spr_write(SPR_LPIDR, 0);
	isync();
	clear_vectors();
	partition_vcpu_exited(vcpu);
}

void arch_vcpu_start(struct vcpu *vcpu, gpa_t entry, gpa_t tree)
{
	struct vcpu_run *run = cpu_run_of(vcpu->thread);

	memset(run, 0, sizeof(*run));
	run->vcpu = vcpu;
	run->lpid = vcpu->partition->lpid;
	run->regs.pc = entry.v;
	run->regs.msr = MSR_GUEST;
	run->regs.gpr[3] = tree.v;
	run->regs.ppr = 0x4ull << 50; /* medium priority */
	cpu_give(vcpu->thread, run);
}

static bool stop_with_report(struct vcpu_run *run)
{
	char text[REPORT_MAX];

	report_guest(&run->regs, text, sizeof(text));
	partition_crashed(run->vcpu, text);
	return true;
}

/* The guest's own program interrupt: it did something this processor or we do not offer it, and has
 * a handler for that. */
static void inject_program(struct vcpu_regs *r)
{
	r->srr0 = r->pc;
	r->srr1 = (r->msr & ~SRR1_WHY) | SRR1_ILLEGAL;
	r->pc = VECTOR_PROGRAM;
	r->msr = MSR_GUEST;
}

static bool do_hcall(struct vcpu_run *run)
{
	struct vcpu_regs *r = &run->regs;

	switch (hcall_dispatch(run->vcpu, &r->gpr[3], r->msr & MSR_PR, !(r->msr & MSR_SF))) {
	case HCALL_RETURN:
		return false;
	case HCALL_REPEAT:
		r->pc -= 4;
		return false;
	case HCALL_STOP:
	default:
		return true;
	}
}

static bool do_tick(struct vcpu_run *run)
{
	spr_write(SPR_HDEC, tick());
	if (run->vcpu->thread == boot_cpu.index) {
		opal_call1(OPAL_POLL_EVENTS, 0);
		console_drain();
	}
	partition_sample(run->vcpu, run->regs.pc, run->regs.msr & MSR_EE);
	return partition_must_stop(run->vcpu);
}

bool guest_exit(struct vcpu_run *run)
{
	struct vcpu_regs *r = &run->regs;

	/* A machine check or system reset in the switch itself: the registers are ours. */
	if (r->msr & MSR_HV) {
		trap_in_hypervisor(r);
	}
	/* Why an interrupt came is in the same register as the guest's MSR; a machine check's bits
	 * are wanted by the report. */
	if (r->trap != 0x200) {
		r->msr &= ~SRR1_WHY;
	}
	switch (r->trap) {
	case 0xc00:
		return do_hcall(run);
	case 0x980:
		return do_tick(run);
	case 0xe40:
	case 0xf80:
		inject_program(r);
		return partition_must_stop(run->vcpu);
	case 0xe60:
		opal_call0(OPAL_HANDLE_HMI);
		return partition_must_stop(run->vcpu);
	case 0xe80:
		__asm__ volatile("msgclr %0" : : "r"(DOORBELL) : "memory");
		return partition_must_stop(run->vcpu);
	default:
		return stop_with_report(run);
	}
}
