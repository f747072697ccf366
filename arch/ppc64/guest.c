// SPDX-License-Identifier: Apache-2.0
/*
 * Running a guest: what its thread's registers must be, and what each of its exits means. The
 * thread is the guest's alone as long as it runs (design decision 3), so registers that the
 * hypervisor does not use (floating point, SPRG, AMR ...) stay in place over an exit.
 */
#include "arch/ppc64/guest.h"

#include "arch/ppc64/console.h"
#include "arch/ppc64/emulate.h"
#include "arch/ppc64/mmu.h"
#include "arch/ppc64/opal.h"
#include "arch/ppc64/report.h"
#include "arch/ppc64/spr.h"
#include "arch/ppc64/xive.h"
#include "core/arch.h"
#include "core/hcall.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/mmio.h"
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
#define MSR_LE	  (1ull << MSR_LE_BIT)
#define MSR_IR	  (1ull << MSR_IR_BIT)
#define MSR_DR	  (1ull << MSR_DR_BIT)
#define MSR_GUEST (MSR_SF | MSR_ME)
/* Bits of SRR1/HSRR1 that say why, and are not the guest's MSR. */
#define SRR1_WHY 0x783f0000ull

/* Where interrupts go with LPCR[AIL] = 3, less the vector. */
#define AIL_3_OFFSET 0xc000000000004000ull
/* HDEC has 56 bits; the sign is shifted to the top to be seen. */
#define HDEC_UNUSED 8

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
	run->partition_lpcr = &run->vcpu->partition->arch->lpcr;
	run->lpcr = *run->partition_lpcr;
	spr_write(SPR_LPCR, run->lpcr);
	xive_push(run->vcpu);
	spr_write(SPR_HDEC, tick());
	isync();
}

void guest_finish(struct vcpu_run *run)
{
	struct vcpu *vcpu = run->vcpu;

	xive_pull(vcpu);
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

static bool stop_with_report(struct vcpu_run *run, const char *why)
{
	char text[REPORT_MAX];

	report_guest(&run->regs, why, text, sizeof(text));
	partition_crashed(run->vcpu, text);
	return true;
}

/* The guest's own program interrupt: it did something this processor or we do not offer it, and has
 * a handler for that. It finds what hardware would leave: byte order by ILE, place and translation
 * by AIL. */
static void inject_program(struct vcpu_run *run)
{
	struct vcpu_regs *r = &run->regs;
	bool high = (run->lpcr & LPCR_AIL_3) && (r->msr & MSR_IR) && (r->msr & MSR_DR);

	r->srr0 = r->pc;
	r->srr1 = (r->msr & ~SRR1_WHY) | SRR1_ILLEGAL;
	r->pc = VECTOR_PROGRAM + (high ? AIL_3_OFFSET : 0);
	r->msr = MSR_GUEST | (high ? MSR_IR | MSR_DR : 0) | (run->lpcr & LPCR_ILE ? MSR_LE : 0);
}

static struct vcpu_run *run_of(struct vcpu *vcpu)
{
	return cpu_run_of(vcpu->thread);
}

/* All vCPUs have one LPCR. Each loads it itself: this one now, the others at their next exit. */
static void change_lpcr(struct vcpu *vcpu, uint64_t mask, uint64_t bits)
{
	struct arch_partition *a = vcpu->partition->arch;
	uint64_t old = atomic_load(&a->lpcr);
	uint64_t lpcr;

	do {
		lpcr = (old & ~mask) | bits;
	} while (!atomic_compare_exchange_weak(&a->lpcr, &old, lpcr));
	run_of(vcpu)->lpcr = lpcr;
	spr_write(SPR_LPCR, lpcr);
	isync();
}

void arch_set_little_interrupts(struct vcpu *vcpu, bool little)
{
	change_lpcr(vcpu, LPCR_ILE, little ? LPCR_ILE : 0);
}

/* With AIL = 3 a POWER9 takes even hypercalls of a radix guest at AIL's place with translation on,
 * as its hypervisor's own tables have it; we have none and run in real mode. Later processors have
 * a bit of their own for that (LPCR[HAIL]). */
int arch_set_ail(struct vcpu *vcpu, unsigned int ail)
{
	if (ail == 3 && spr_read(SPR_PVR) >> 16 == PVR_POWER9) {
		return -ENOTSUP;
	}
	change_lpcr(vcpu, LPCR_AIL_3, ail == 3 ? LPCR_AIL_3 : 0);
	return 0;
}

void arch_kick(struct vcpu *vcpu)
{
	cpu_kick(vcpu->thread);
}

/* A trapped access, and what the interrupt said of it. */
struct trapped {
	struct vcpu *vcpu;
	bool store;
};

static int access_trapped(void *ctx, gpa_t at, unsigned int size, bool write, uint64_t *val)
{
	const struct trapped *t = ctx;

	/* Only what faulted has passed the guest's own page protection. */
	return write == t->store ? mmio_access(t->vcpu, at, size, write, val) : -EACCES;
}

/* The guest touched what is not mapped: a part of a BAR that we stand in for, or nothing at all. */
static bool do_data_storage(struct vcpu_run *run)
{
	uint64_t hdsisr = spr_read(SPR_HDSISR);
	uint64_t at = (spr_read(SPR_ASDR) & PAGE_MASK) | (spr_read(SPR_HDAR) & ~PAGE_MASK);
	struct trapped t = {run->vcpu, (hdsisr & HDSISR_STORE) != 0};
	const struct partition *p = run->vcpu->partition;
	struct radix_ctx radix = {p->arch->process_table, (uint32_t)spr_read(SPR_PIDR)};
	const char *why = NULL;
	uint32_t insn;

	if (!(hdsisr & HDSISR_NOT_MAPPED)) {
		return stop_with_report(run, NULL);
	}
	/* Its own translation of the code may have gone meanwhile: then it faults in the guest. */
	if (emulate_fetch(&p->mem, &radix, run->regs.pc, run->regs.msr, &insn)) {
		return partition_must_stop(run->vcpu);
	}
	if (emulate_mmio(&run->regs, insn, at, access_trapped, &t, &why)) {
		return stop_with_report(run, why);
	}
	return partition_must_stop(run->vcpu);
}

static bool do_tick(struct vcpu_run *run)
{
	spr_write(SPR_HDEC, tick());
	if (run->vcpu->thread == boot_cpu.index) {
		opal_call1(OPAL_POLL_EVENTS, 0);
		console_drain();
		core_tick();
	}
	partition_sample(run->vcpu, run->regs.pc, run->regs.msr & MSR_EE);
	return partition_must_stop(run->vcpu);
}

static bool decrementer_waits(void)
{
	return (int32_t)spr_read(SPR_DEC) < 0;
}

static bool tick_waits(void)
{
	return (int64_t)(spr_read(SPR_HDEC) << HDEC_UNUSED) < 0;
}

/*
 * DEC and the presenter are this thread's own registers, so what comes while we look ends `stop` at
 * once. So does a hypervisor decrementer that has run out, but unlike DEC it goes on doing so until
 * its interrupt has been taken, whatever is written to it. That can only be in the guest, which is
 * let go for it; it finds nothing to do and waits again.
 *
 * Only the boot thread has something to do at a tick while its guest waits. The others sleep on, so
 * that nothing but what it waits for wakes a vCPU there: a wake-up that got lost would show.
 */
void arch_cede(struct vcpu *vcpu)
{
	struct vcpu_run *run = run_of(vcpu);
	bool housekeeper = vcpu->thread == boot_cpu.index;

	run->regs.msr |= MSR_EE;
	if (partition_must_stop(vcpu) || atomic_exchange(&vcpu->prodded, false) ||
		decrementer_waits() || arch_irq_pending(vcpu) || tick_waits()) {
		return;
	}
	if (!housekeeper) {
		spr_write(SPR_HDEC, HDEC_FAR);
	}
	cpu_stop();
	if (!housekeeper) {
		spr_write(SPR_HDEC, tick());
	}
	/* A prod that ended this wait is not one for the next. */
	(void)atomic_exchange(&vcpu->prodded, false);
}

/* Each thread loads the partition's LPCR itself, before it goes back into the guest. What another
 * vCPU has just stored may be seen one exit later: it has not said so to this one. */
static inline void follow_lpcr(struct vcpu_run *run)
{
	uint64_t lpcr = atomic_load_explicit(run->partition_lpcr, memory_order_relaxed);

	if (run->lpcr != lpcr) {
		run->lpcr = lpcr;
		spr_write(SPR_LPCR, lpcr);
		isync();
	}
}

/* A system call sets no bits of its own in SRR1, and its number is not in regs.trap. */
bool guest_hcall(struct vcpu_run *run)
{
	struct vcpu_regs *r = &run->regs;

	follow_lpcr(run);
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

bool guest_exit(struct vcpu_run *run)
{
	struct vcpu_regs *r = &run->regs;

	follow_lpcr(run);
	/* Why an interrupt came is in the same register as the guest's MSR; a machine check's bits
	 * are wanted by the report. */
	if (r->trap != 0x200) {
		r->msr &= ~SRR1_WHY;
	}
	switch (r->trap) {
	case 0x980:
		return do_tick(run);
	case 0xe00:
		return do_data_storage(run);
	case 0xe40:
	case 0xf80:
		inject_program(run);
		return partition_must_stop(run->vcpu);
	case 0xe60:
		opal_call0(OPAL_HANDLE_HMI);
		return partition_must_stop(run->vcpu);
	case 0xe80:
		cpu_clear_doorbell();
		return partition_must_stop(run->vcpu);
	default:
		return stop_with_report(run, NULL);
	}
}
