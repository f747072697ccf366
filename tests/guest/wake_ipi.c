// SPDX-License-Identifier: Apache-2.0
/*
 * Wake-ups by decrementer, by IPI, and by H_PROD, from the own CPU and from another; and what waits
 * because of its priority.
 */
#include "tests/guest/wake.h"

#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

#define IPI_PRIO 5u
/* Decrementers that run out anywhere from before H_CEDE is made to long after it waits. */
#define AHEAD_MAX  32768u
#define AHEAD_STEP 7919u
#define NAP_TICKS  50000u
/* How far one CPU's letters may be ahead of the other's. */
#define WINDOW 3u

/* --- decrementer --- */

struct dec_result {
	struct lateness late;
	bool complete;
	uint64_t early; /* H_CEDE came back and there was nothing */
};

static struct dec_result dec_results[WAKE_CPUS];

static void run_decrementer(void)
{
	struct dec_result *r = &dec_results[self_id()];
	struct wake_cpu *cpu = self();

	for (uint64_t i = 0; i < wake.n; i++) {
		uint64_t ahead = i * AHEAD_STEP % AHEAD_MAX;
		uint64_t before = cpu->decs, due = timebase() + ahead;

		set_dec(ahead);
		hcall(H_CEDE, 0, 0, 0);
		interrupts_off();
		while (cpu->decs == before) {
			r->early++;
			if (timebase() - due < UINT64_MAX / 2 &&
				timebase() - due > tree.timebase_hz) {
				return;
			}
			hcall(H_CEDE, 0, 0, 0);
			interrupts_off();
		}
		if (cpu->decs != before + 1) {
			return;
		}
		late_add(&r->late, cpu->at - due);
	}
	r->complete = true;
}

void test_decrementer(void)
{
	bool joined = true;

	interrupts_off();
	run_decrementer();
	late_report(&dec_results[0].late, dec_results[0].complete, "decrementer");
	tap_note("H_CEDE returned early %" PRIu64 " times", dec_results[0].early);
	interrupts_off();
	if (wake.ncpus < 2) {
		tap_skip("decrementer on two CPUs at once", "there is one");
		return;
	}
	for (unsigned int i = 0; i < WAKE_CPUS; i++) {
		dec_results[i] = (struct dec_result){0};
	}
	if (!tap_ok(other_start(run_decrementer) == 0, "a job for the other CPU")) {
		return;
	}
	interrupts_off();
	run_decrementer();
	joined = wake.n == 0 || other_join();
	late_report(&dec_results[0].late, dec_results[0].complete, "decrementer, CPU 0 of two");
	late_report(&dec_results[1].late, joined && dec_results[1].complete,
		"decrementer, CPU 1 of two");
}

/* --- priorities, with interrupts off and looked at by H_XIRR --- */

static uint32_t accept(void)
{
	uint64_t xirr;

	hcall_out(H_XIRR, 0, 0, &xirr);
	return (uint32_t)xirr;
}

static void poll(unsigned int cpu, uint32_t *xirr, uint32_t *mfrr)
{
	struct hv_regs regs = {.r = {H_IPOLL, cpu}};

	hv_trap(&regs);
	*xirr = (uint32_t)regs.r[1];
	*mfrr = (uint32_t)regs.r[2];
}

static bool one_priority(uint32_t cppr, uint32_t mfrr)
{
	uint32_t want = cppr << 24 | (mfrr < cppr ? IPI_NUMBER : 0);
	uint32_t polled, polled_mfrr, accepted, after, quiet;
	bool good;

	hcall(H_CPPR, cppr, 0, 0);
	hcall(H_IPI, self_id(), mfrr, 0);
	poll(self_id(), &polled, &polled_mfrr);
	accepted = accept();
	poll(self_id(), &after, &quiet);
	good = polled == want && polled_mfrr == mfrr && accepted == want &&
	       after >> 24 == (mfrr < cppr ? mfrr : cppr);
	hcall(H_IPI, self_id(), PRIO_ALL, 0);
	hcall(H_EOI, accepted, 0, 0);
	hcall(H_CPPR, PRIO_ALL, 0, 0);
	quiet = accept();
	if (!good || quiet != PRIO_ALL << 24) {
		tap_note("CPPR %02" PRIx32 " MFRR %02" PRIx32 ": H_IPOLL %08" PRIx32 " %02" PRIx32
			 ", H_XIRR %08" PRIx32 ", then CPPR %02" PRIx32 ", at the end %08" PRIx32,
			cppr, mfrr, polled, polled_mfrr, accepted, after >> 24, quiet);
		interrupts_off();
		return false;
	}
	return true;
}

static void test_pairs(void)
{
	static const uint8_t levels[] = {0, 1, 3, 4, 5, 6, 7, 8, 0x7f, 0x80, 0xfe, 0xff};
	const unsigned int n = sizeof(levels);
	bool good = true;

	interrupts_off();
	for (unsigned int i = 0; i < n * n; i++) {
		good = one_priority(levels[i / n], levels[i % n]) && good;
	}
	tap_ok(good, "an IPI comes when it is more favoured than the CPPR, and else not");
	interrupts_off();
}

static void test_nested(void)
{
	uint32_t outer, same, less, inner, end;

	interrupts_off();
	hcall(H_IPI, self_id(), IPI_PRIO, 0);
	outer = accept();
	same = accept();
	hcall(H_IPI, self_id(), IPI_PRIO + 1, 0);
	less = accept();
	hcall(H_IPI, self_id(), IPI_PRIO - 2, 0);
	inner = accept();
	hcall(H_IPI, self_id(), PRIO_ALL, 0);
	hcall(H_EOI, inner, 0, 0);
	hcall(H_EOI, outer, 0, 0);
	end = accept();
	if (!tap_ok(outer == (PRIO_ALL << 24 | IPI_NUMBER) && same == IPI_PRIO << 24 &&
			    less == IPI_PRIO << 24 && inner == (IPI_PRIO << 24 | IPI_NUMBER) &&
			    end == PRIO_ALL << 24,
		    "a more favoured IPI nests, others wait for H_EOI")) {
		tap_note("%08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32,
			outer, same, less, inner, end);
	}
	interrupts_off();
}

/* Whatever waits must not end H_CEDE, and must come when the CPPR is lowered. */
static void test_held_back(void)
{
	struct wake_cpu *cpu = self();
	uint64_t ipis, start;
	bool waited, slept;

	interrupts_off();
	ipis = cpu->ipis;
	hcall(H_CPPR, IPI_PRIO - 1, 0, 0);
	hcall(H_IPI, self_id(), IPI_PRIO, 0);
	start = timebase();
	nap(NAP_TICKS);
	slept = timebase() - start >= NAP_TICKS;
	waited = cpu->ipis == ipis;
	hcall(H_CPPR, PRIO_ALL, 0, 0);
	tap_ok(slept && waited && wait_for(&cpu->ipis, ipis + 1) && cpu->ipis == ipis + 1,
		"a less favoured IPI does not interrupt, and comes when the CPPR is lowered");
	interrupts_off();
	hcall(H_IPI, self_id(), IPI_PRIO, 0);
	hcall(H_IPI, self_id(), PRIO_ALL, 0);
	ipis = cpu->ipis;
	nap(NAP_TICKS);
	tap_ok(cpu->ipis == ipis, "an IPI that was withdrawn does not come");
	interrupts_off();
}

void test_priorities(void)
{
	test_pairs();
	test_nested();
	test_held_back();
}

/* --- IPIs --- */

static void test_self_ipi(void)
{
	struct lateness late = {0};
	struct wake_cpu *cpu = self();
	uint64_t empty;
	bool complete = true;

	interrupts_off();
	empty = cpu->empty;
	for (uint64_t i = 0; i < wake.n && complete; i++) {
		uint64_t before = cpu->ipis, sent = timebase();

		hcall(H_IPI, self_id(), IPI_PRIO, 0);
		complete = wait_for(&cpu->ipis, before + 1) && cpu->ipis == before + 1;
		late_add(&late, cpu->at - sent);
		if (!complete) {
			say_stuck("IPI to itself", i, 0);
		}
	}
	late_report(&late, complete, "IPI to itself");
	tap_note("H_XIRR had nothing %" PRIu64 " times", cpu->empty - empty);
}

static struct lateness pong_late;
static bool pong_complete;

static void run_pong(void)
{
	struct wake_cpu *cpu = self();
	uint64_t before = cpu->ipis;

	for (uint64_t i = 0; i < wake.n; i++) {
		if (!wait_for(&cpu->ipis, before + i + 1)) {
			return;
		}
		hcall(H_IPI, 0, IPI_PRIO, 0);
	}
	pong_complete = true;
}

static void test_ping_pong(void)
{
	struct wake_cpu *cpu = self();
	bool complete = other_start(run_pong) == 0;
	uint64_t before;

	interrupts_off();
	before = cpu->ipis;
	for (uint64_t i = 0; i < wake.n && complete; i++) {
		uint64_t sent = timebase();

		hcall(H_IPI, 1, IPI_PRIO, 0);
		complete = wait_for(&cpu->ipis, before + i + 1);
		late_add(&pong_late, timebase() - sent);
		if (!complete) {
			say_stuck("ping-pong", i, 0);
			say_stuck("ping-pong", i, 1);
		}
	}
	complete = other_join() && pong_complete && complete;
	late_report(&pong_late, complete, "IPI there and back");
}

/* Both CPUs write letters and send an IPI for each; IPIs may come together, but never too few. */
static volatile uint64_t letters[WAKE_CPUS];
static bool storm_complete[WAKE_CPUS];

static void run_storm(void)
{
	unsigned int me = self_id();

	for (uint64_t i = 1; i <= wake.n; i++) {
		letters[1 - me] = i;
		__asm__ volatile("sync" : : : "memory");
		hcall(H_IPI, 1 - me, IPI_PRIO, 0);
		if (i > WINDOW && !wait_for(&letters[me], i - WINDOW)) {
			say_stuck("letters", i, me);
			return;
		}
	}
	storm_complete[me] = wait_for(&letters[me], wake.n);
}

static void test_storm(void)
{
	bool complete = other_start(run_storm) == 0;

	interrupts_off();
	run_storm();
	complete = other_join() && complete;
	tap_ok(complete && storm_complete[0] && storm_complete[1],
		"IPIs crossing each other: %" PRIu64 " letters each way, none without its wake-up",
		wake.n);
	interrupts_off();
}

/* The other's IPI meets a CPPR that is just being lowered. */
static volatile uint64_t asked;
static bool answer_complete;

static void run_answer(void)
{
	for (uint64_t i = 1; i <= wake.n / 10; i++) {
		if (!wait_for(&asked, i)) {
			return;
		}
		hcall(H_IPI, 0, IPI_PRIO, 0);
	}
	answer_complete = true;
}

static void test_lowering(void)
{
	struct wake_cpu *cpu = self();
	bool complete = other_start(run_answer) == 0;
	uint64_t before;

	interrupts_off();
	before = cpu->ipis;
	for (uint64_t i = 1; i <= wake.n / 10 && complete; i++) {
		hcall(H_CPPR, i % 2 ? 0 : IPI_PRIO, 0, 0);
		asked = i;
		hcall(H_IPI, 1, IPI_PRIO, 0);
		interrupts_on();
		spin(i * AHEAD_STEP % AHEAD_MAX);
		interrupts_off();
		complete = cpu->ipis == before + i - 1;
		hcall(H_CPPR, PRIO_ALL, 0, 0);
		complete = complete && wait_for(&cpu->ipis, before + i);
		if (!complete) {
			say_stuck("lowering", i, 0);
		}
	}
	complete = other_join() && answer_complete && complete;
	tap_ok(complete, "an IPI that meets the CPPR while it is lowered comes once");
	interrupts_off();
}

void test_ipis(void)
{
	test_self_ipi();
	if (wake.ncpus < 2) {
		tap_skip("IPIs between two CPUs", "there is one");
		return;
	}
	test_ping_pong();
	test_storm();
	test_lowering();
}

/* --- H_PROD --- */

static volatile uint64_t turn[WAKE_CPUS];
static bool prod_complete[WAKE_CPUS];
static struct lateness prod_late;

static void run_prod(void)
{
	unsigned int me = self_id();

	for (uint64_t i = 1; i <= wake.n / 10; i++) {
		uint64_t sent = timebase();

		if (me == 0) {
			turn[1] = i;
			__asm__ volatile("sync" : : : "memory");
			hcall(H_PROD, 1, 0, 0);
		}
		if (!wait_for(&turn[me], i)) {
			say_stuck("H_PROD", i, me);
			return;
		}
		if (me == 0) {
			late_add(&prod_late, timebase() - sent);
		} else {
			turn[0] = i;
			__asm__ volatile("sync" : : : "memory");
			hcall(H_PROD, 0, 0, 0);
		}
	}
	prod_complete[me] = true;
}

void test_prod(void)
{
	uint64_t start;
	bool complete;

	interrupts_off();
	dec_far();
	hcall(H_PROD, self_id(), 0, 0);
	start = timebase();
	set_dec(tree.timebase_hz);
	hcall(H_CEDE, 0, 0, 0);
	interrupts_off();
	tap_ok(timebase() - start < tree.timebase_hz / 2, "H_PROD before H_CEDE is not forgotten");
	interrupts_off();
	if (wake.ncpus < 2) {
		tap_skip("H_PROD of another CPU", "there is one");
		return;
	}
	complete = other_start(run_prod) == 0;
	run_prod();
	complete = other_join() && complete;
	late_report(&prod_late, complete && prod_complete[0] && prod_complete[1],
		"H_PROD there and back");
}
