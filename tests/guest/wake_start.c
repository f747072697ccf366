// SPDX-License-Identifier: Apache-2.0
/*
 * CPUs that start and stop, and calls with arguments that nobody should make.
 */
#include "tests/guest/wake.h"

#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define STARTS	  1000u
#define NAP_TICKS 5000u

/* --- start-cpu and stop-self --- */

static volatile uint64_t lives;
static volatile uint64_t let_go;

static void run_short(void)
{
	lives++;
	__asm__ volatile("sync" : : : "memory");
	hcall(H_IPI, 0, 4, 0);
}

static void run_long(void)
{
	run_short();
	(void)wait_for(&let_go, 1);
}

static void run_got_ipi(void)
{
	if (wait_for(&self()->ipis, 1)) {
		run_short();
	}
}

static bool start_and_stop(uint64_t i)
{
	struct wake_cpu *cpu = self();
	uint64_t ipis = cpu->ipis;
	int32_t status = other_start(run_short);

	if (status || !wait_for(&cpu->ipis, ipis + 1) || !other_join() || lives != i) {
		tap_note("start %" PRIu64 ": status %" PRId32 ", state %" PRId32 ", lives %" PRIu64,
			i, status, other_state(), lives);
		interrupts_off();
		say_stuck("start", i, 0);
		return false;
	}
	return true;
}

static void test_running(void)
{
	uint64_t before = self()->ipis;
	bool good = other_start(run_long) == 0 && wait_for(&self()->ipis, before + 1);

	tap_ok(good && other_state() == 2, "a CPU that runs is said to run");
	interrupts_off();
	tap_ok(other_start(run_short) == -1, "it cannot be started again");
	interrupts_off();
	let_go = 1;
	hcall(H_PROD, 1, 0, 0);
	tap_ok(other_join(), "it stops itself");
	interrupts_off();
}

/* What was asked of it while it was stopped waits for it. */
static void test_asked_while_stopped(void)
{
	uint64_t before;

	wake.cpus[1].ipis = 0;
	hcall(H_IPI, 1, 4, 0);
	nap(NAP_TICKS);
	before = self()->ipis;
	tap_ok(other_start(run_got_ipi) == 0 && wait_for(&self()->ipis, before + 1) && other_join(),
		"an IPI to a stopped CPU comes when it runs");
	interrupts_off();
}

void test_start_stop(void)
{
	uint64_t i;
	bool good = true;

	if (wake.ncpus < 2) {
		tap_skip("start-cpu and stop-self", "there is one CPU");
		return;
	}
	interrupts_off();
	tap_ok(other_state() == 0, "the second CPU is stopped at first");
	interrupts_off();
	for (i = 1; i <= STARTS && good; i++) {
		good = start_and_stop(i);
	}
	tap_ok(good, "start-cpu and stop-self, %u times", STARTS);
	interrupts_off();
	test_running();
	test_asked_while_stopped();
}

/* --- bad calls --- */

struct bad_hcall {
	const char *name;
	uint64_t opcode;
	uint64_t args[2];
};

struct bad_rtas {
	const char *name;
	const char *service;
	unsigned int nargs, nret;
	uint32_t args[3];
	int32_t status;
};

#define NCPUS 0xc0c0c0c0u /* stands for the number of CPUs, the first that is none */

/* clang-format off */
static const struct bad_hcall bad_hcalls[] = {
	{"H_CPPR of 256", H_CPPR, {0x100, 0}},
	{"H_CPPR of all ones", H_CPPR, {UINT64_MAX, 0}},
	{"H_EOI of more than a word", H_EOI, {0x1ff000000, 0}},
	{"H_EOI of a source that is nobody's (IR-08)", H_EOI, {0x00ffffff, 0}},
	{"H_EOI of a message that is not ours (IR-08)", H_EOI, {0x00001300, 0}},
	{"H_EOI of a level source that is not ours (IR-08)", H_EOI, {0x0000127b, 0}},
	{"H_EOI of source 1 (IR-08)", H_EOI, {0x00000001, 0}},
	{"H_EOI of one past the last message (IR-08)", H_EOI, {0x00001400, 0}},
	{"H_IPI to a CPU that is none", H_IPI, {NCPUS, 5}},
	{"H_IPI to CPU 2^32", H_IPI, {1ull << 32, 5}},
	{"H_IPI to CPU 2^64 - 1", H_IPI, {UINT64_MAX, 5}},
	{"H_IPI at priority 256", H_IPI, {0, 0x100}},
	{"H_IPI at priority 2^32 + 5", H_IPI, {0, 0x100000005}},
	{"H_IPOLL of a CPU that is none", H_IPOLL, {NCPUS, 0}},
	{"H_IPOLL of CPU 2^64 - 1", H_IPOLL, {UINT64_MAX, 0}},
	{"H_PROD of a CPU that is none", H_PROD, {NCPUS, 0}},
	{"H_PROD of CPU 2^64 - 1", H_PROD, {UINT64_MAX, 0}},
	{"H_CONFER to a CPU that is none", H_CONFER, {NCPUS, 0}},
};

static const struct bad_rtas bad_rtas[] = {
	{"set-xive of a message that is not ours", "ibm,set-xive", 3, 1, {0x1300, 0, 5}, -3},
	{"set-xive of the IPI", "ibm,set-xive", 3, 1, {2, 0, 5}, -3},
	{"set-xive of source 0", "ibm,set-xive", 3, 1, {0, 0, 5}, -3},
	{"set-xive of source 2^32 - 1", "ibm,set-xive", 3, 1, {UINT32_MAX, 0, 5}, -3},
	{"set-xive with two arguments", "ibm,set-xive", 2, 1, {2, 0}, -3},
	{"get-xive of a message that is not ours", "ibm,get-xive", 1, 3, {0x1300}, -3},
	{"get-xive of the IPI", "ibm,get-xive", 1, 3, {2}, -3},
	{"get-xive with one result", "ibm,get-xive", 1, 1, {2}, -3},
	{"int-on of a message that is not ours", "ibm,int-on", 1, 1, {0x1300}, -3},
	{"int-on of source 2^32 - 1", "ibm,int-on", 1, 1, {UINT32_MAX}, -3},
	{"int-off of a message that is not ours", "ibm,int-off", 1, 1, {0x1300}, -3},
	{"int-off of the IPI", "ibm,int-off", 1, 1, {2}, -3},
	{"query of a CPU that is none", "query-cpu-stopped-state", 1, 2, {NCPUS}, -3},
	{"query of CPU 2^32 - 1", "query-cpu-stopped-state", 1, 2, {UINT32_MAX}, -3},
	{"query with one result", "query-cpu-stopped-state", 1, 1, {0}, -3},
	{"start-cpu of a CPU that is none", "start-cpu", 3, 1, {NCPUS, 0x400000, 0}, -3},
	{"start-cpu of CPU 2^32 - 1", "start-cpu", 3, 1, {UINT32_MAX, 0x400000, 0}, -3},
	{"start-cpu of itself", "start-cpu", 3, 1, {0, 0x400000, 0}, -1},
	{"start-cpu past the memory", "start-cpu", 3, 1, {1, 0xfffffffc, 0}, -3},
	{"start-cpu between two instructions", "start-cpu", 3, 1, {1, 0x400002, 0}, -3},
	{"start-cpu with two arguments", "start-cpu", 2, 1, {1, 0x400000}, -3},
	{"stop-self with an argument", "stop-self", 1, 1, {0}, -3},
};
/* clang-format on */

static uint64_t stand_in(uint64_t arg)
{
	return arg == NCPUS ? wake.ncpus : arg;
}

static bool is_as_before(void)
{
	struct hv_regs regs = {.r = {H_IPOLL, 0}};

	hv_trap(&regs);
	return regs.r[1] == (uint64_t)PRIO_ALL << 24 && regs.r[2] == PRIO_ALL;
}

static void try_hcall(const struct bad_hcall *c)
{
	int64_t ret = hcall(c->opcode, stand_in(c->args[0]), c->args[1], 0);

	if (!tap_ok(ret == H_PARAMETER && is_as_before(), "%s", c->name)) {
		tap_note("it gave %" PRId64, ret);
	}
	interrupts_off();
}

static void try_rtas(const struct bad_rtas *c)
{
	uint32_t args[3], rets[3] = {0};
	int32_t status;

	for (unsigned int i = 0; i < 3; i++) {
		args[i] = (uint32_t)stand_in(c->args[i]);
	}
	status = rtas(c->service, args, c->nargs, rets, c->nret);
	if (!tap_ok(status == c->status && is_as_before(), "%s", c->name)) {
		tap_note("it gave %" PRId32 ", should be %" PRId32, status, c->status);
	}
	interrupts_off();
}

void test_bad_calls(void)
{
	if (tree.qemu) {
		tap_skip("bad calls", "QEMU has answers of its own");
		return;
	}
	interrupts_off();
	for (size_t i = 0; i < sizeof(bad_hcalls) / sizeof(bad_hcalls[0]); i++) {
		try_hcall(&bad_hcalls[i]);
	}
	for (size_t i = 0; i < sizeof(bad_rtas) / sizeof(bad_rtas[0]); i++) {
		try_rtas(&bad_rtas[i]);
	}
}
