// SPDX-License-Identifier: Apache-2.0
/*
 * What waiting costs: instructions that a thread runs while its CPU waits in H_CEDE, all of them
 * the hypervisor's. PMC5 counts instructions; here it goes on counting over an exit. Hardware may
 * stand still in the hypervisor, and then there is nothing to see.
 */
#include "tests/guest/tap.h"
#include "tests/guest/wake.h"

#include <inttypes.h>

#define PERCENT	    100u
#define MEASURE_PER 100u /* of a second: how long a thread that runs is watched */

struct idle {
	volatile uint64_t waited; /* instructions in a second of waiting */
	volatile uint64_t done;
};

static struct idle idle[WAKE_CPUS];

static uint32_t count(void)
{
	uint64_t v;

	__asm__ volatile("mfspr %0, 791" : "=r"(v) : : "memory");
	return (uint32_t)v;
}

static void count_on(bool on)
{
	uint64_t mmcr0 = on ? 0 : 0x80000000u;

	__asm__ volatile("mtspr 795, %0; isync" : : "r"(mmcr0) : "memory");
}

/* Instructions in a second of running. Where the machine's CPUs take turns, the other must not run
 * meanwhile. */
static uint64_t measure_running(void)
{
	uint32_t start;

	count_on(true);
	start = count();
	spin(tree.timebase_hz / MEASURE_PER);
	return (uint64_t)(uint32_t)(count() - start) * MEASURE_PER;
}

/* The other CPU waits longer, so that both wait while one is measured. */
static void measure(void)
{
	struct idle *i = &idle[self_id()];
	uint32_t start;

	count_on(true);
	start = count();
	nap(tree.timebase_hz);
	i->waited = (uint32_t)(count() - start);
	nap(tree.timebase_hz / 2);
	count_on(false);
	i->done = 1;
}

static void report(unsigned int cpu, uint64_t running)
{
	const struct idle *i = &idle[cpu];

	tap_note("CPU %u: %" PRIu64 " instructions in a second of waiting, of %" PRIu64, cpu,
		i->waited, running);
	tap_ok(i->done && running && i->waited < running / PERCENT,
		"CPU %u: a second of waiting takes less than 1 percent of its instructions", cpu);
	interrupts_off();
}

void test_idle(void)
{
	uint64_t running = measure_running();
	bool both = wake.ncpus > 1 && other_start(measure) == 0;

	measure();
	both = both && other_join();
	report(0, running);
	if (both) {
		report(1, running);
	} else {
		tap_skip("CPU 1: a second of waiting takes less than 1 percent of its instructions",
			"there is one CPU");
		interrupts_off();
	}
}
