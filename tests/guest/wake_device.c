// SPDX-License-Identifier: Apache-2.0
/*
 * Wake-ups by a device: QEMU's edu raises its interrupt when it is told to, as a message or,
 * without one, at its pin.
 */
#include "tests/guest/wake.h"

#include "tests/guest/edu.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stddef.h>

#define REG_RAISE  0x60u
#define PRIO	   5u
#define NAP_TICKS  50000u
#define CHANGE_MSI 3u
#define TRIES	   100u

/* An interrupt-map entry: address 3, pin 1, controller 1, source and its kind 2. */
#define MAP_STEP   7
#define MAP_PIN	   3
#define MAP_SOURCE 5
#define SLOT_MASK  0xf800u

static const struct tree_phb *phb;
static const struct tree_func *func;

static bool find_edu(void)
{
	for (unsigned int i = 0; i < tree.nphbs; i++) {
		for (unsigned int j = 0; j < tree.phbs[i].nfuncs; j++) {
			const struct tree_func *f = &tree.phbs[i].funcs[j];

			if (f->vendor == EDU_VENDOR && f->device == EDU_DEVICE) {
				phb = &tree.phbs[i];
				func = f;
				return true;
			}
		}
	}
	return false;
}

static void raise(void)
{
	uint64_t at = wake.bar + REG_RAISE;

	if (tree.qemu) {
		hcall(H_LOGICAL_CI_STORE, 4, at, 1);
		return;
	}
	*(volatile uint32_t *)(uintptr_t)at = be32(1);
	__asm__ volatile("sync" : : : "memory");
}

/* --- set-up --- */

static int32_t change_msi(uint32_t function, uint32_t n, uint32_t *granted)
{
	const uint32_t args[6] = {func->config_addr, (uint32_t)(phb->buid >> 32),
		(uint32_t)phb->buid, function, n, 1};
	uint32_t rets[4] = {0};
	int32_t status;

	for (unsigned int i = 0; i < TRIES; i++) {
		status = rtas("ibm,change-msi", args, 6, rets, 4);
		if (status != -2) {
			break;
		}
	}
	*granted = rets[1];
	return status;
}

static int32_t source_of(uint32_t index, uint32_t *source)
{
	const uint32_t args[4] = {
		func->config_addr, (uint32_t)(phb->buid >> 32), (uint32_t)phb->buid, index};
	uint32_t rets[3] = {0};
	int32_t status = rtas("ibm,query-interrupt-source-number", args, 4, rets, 3);

	*source = rets[1];
	return status;
}

static int32_t set_xive(uint32_t server, uint32_t prio)
{
	const uint32_t args[3] = {wake.source, server, prio};
	uint32_t status;

	return rtas("ibm,set-xive", args, 3, &status, 1);
}

static int32_t set_on(bool on)
{
	uint32_t status;

	return rtas(on ? "ibm,int-on" : "ibm,int-off", &wake.source, 1, &status, 1);
}

/* --- tests of a source that is set up --- */

static void fire(unsigned int cpu, const char *what)
{
	struct wake_cpu *to = &wake.cpus[cpu];
	struct lateness late = {0};
	bool complete = set_xive(cpu, PRIO) == 0;

	for (uint64_t i = 0; i < wake.ndev && complete; i++) {
		uint64_t before = to->devs, sent = timebase();

		raise();
		complete = wait_for(&to->devs, before + 1) && to->devs == before + 1;
		late_add(&late, timebase() - sent);
		if (!complete) {
			say_stuck(what, i, cpu);
		}
	}
	late_report(&late, complete, what);
}

static volatile uint64_t seen;

/* Takes what comes, and says so to the first CPU, which waits for it. */
static void run_handler(void)
{
	struct wake_cpu *cpu = self();
	uint64_t before = cpu->devs;

	for (uint64_t i = 1; i <= wake.ndev; i++) {
		if (!wait_for(&cpu->devs, before + i)) {
			return;
		}
		hcall(H_PROD, 0, 0, 0);
	}
	seen = 1;
}

static void fire_at_other(const char *what)
{
	seen = 0;
	if (wake.ncpus < 2) {
		return;
	}
	if (other_start(run_handler)) {
		tap_ok(false, "%s: a job for the other CPU", what);
		return;
	}
	fire(1, what);
	tap_ok(other_join() && seen, "%s: the other CPU has had them all", what);
	interrupts_off();
}

/* The source is moved while it is busy; each of its interrupts comes once, wherever. */
static volatile uint64_t leave;

static void run_wait(void)
{
	while (!leave) {
		uint64_t before = self()->devs;

		nap(NAP_TICKS);
		if (self()->devs != before) {
			hcall(H_PROD, 0, 0, 0);
		}
	}
}

static uint64_t devs_of_all(void)
{
	return wake.cpus[0].devs + wake.cpus[1].devs;
}

static void fire_and_move(const char *what)
{
	bool complete;

	if (wake.ncpus < 2) {
		return;
	}
	leave = 0;
	complete = other_start(run_wait) == 0;
	for (uint64_t i = 0; i < wake.ndev / 10 && complete; i++) {
		uint64_t before = devs_of_all(), start = timebase();

		raise();
		complete = set_xive(i % 2 ? 0 : 1, PRIO) == 0;
		while (devs_of_all() == before && timebase() - start < tree.timebase_hz) {
			nap(NAP_TICKS);
		}
		complete = complete && devs_of_all() == before + 1;
		if (!complete) {
			say_stuck(what, i, 0);
			say_stuck(what, i, 1);
		}
	}
	leave = 1;
	tap_ok(other_join() && complete, "%s: moved while it is raised, it comes once", what);
	interrupts_off();
	(void)set_xive(0, PRIO);
}

/* Raised while `hold` is done, before it or after it; comes once when `let` is done. */
struct holding {
	const char *name;
	int32_t (*hold)(void);
	int32_t (*let)(void);
};

static int32_t cppr_up(void)
{
	return (int32_t)hcall(H_CPPR, PRIO, 0, 0);
}

static int32_t cppr_down(void)
{
	return (int32_t)hcall(H_CPPR, PRIO_ALL, 0, 0);
}

static int32_t turn_off(void)
{
	return set_on(false);
}

static int32_t turn_on(void)
{
	return set_on(true);
}

static int32_t prio_off(void)
{
	return set_xive(0, PRIO_ALL);
}

static int32_t prio_on(void)
{
	return set_xive(0, PRIO);
}

static const struct holding holdings[] = {
	{"while the CPPR is its own priority", cppr_up, cppr_down},
	{"while it is off", turn_off, turn_on},
	{"while its priority is 0xff", prio_off, prio_on},
};

static bool hold(const struct holding *h, bool raise_first)
{
	struct wake_cpu *cpu = self();
	uint64_t devs = cpu->devs;
	bool good;

	if (raise_first) {
		raise();
	}
	good = h->hold() == 0;
	if (!raise_first) {
		raise();
	}
	nap(NAP_TICKS);
	good = good && cpu->devs == devs;
	good = h->let() == 0 && good;
	good = wait_for(&cpu->devs, devs + 1) && good;
	nap(NAP_TICKS);
	return good && cpu->devs == devs + 1;
}

static void hold_back(const char *what)
{
	(void)set_xive(0, PRIO);
	for (size_t i = 0; i < sizeof(holdings) / sizeof(holdings[0]); i++) {
		tap_ok(hold(&holdings[i], false), "%s: waits %s, then comes once", what,
			holdings[i].name);
		interrupts_off();
		tap_ok(hold(&holdings[i], true), "%s: raised before, it waits %s, too", what,
			holdings[i].name);
		interrupts_off();
	}
}

/* Two at the hardware's most favoured priority: the second must not be forgotten for the first. */
static void two_at_once(const char *what)
{
	struct wake_cpu *cpu = self();
	uint64_t devs = cpu->devs, ipis = cpu->ipis;
	bool good = set_xive(0, 0) == 0;

	hcall(H_CPPR, 0, 0, 0);
	raise();
	hcall(H_IPI, 0, PRIO, 0);
	hcall(H_CPPR, PRIO_ALL, 0, 0);
	good = wait_for(&cpu->devs, devs + 1) && good;
	good = wait_for(&cpu->ipis, ipis + 1) && good;
	tap_ok(good && cpu->devs == devs + 1 && cpu->ipis == ipis + 1,
		"%s: it and an IPI at once come one after the other", what);
	interrupts_off();
	(void)set_xive(0, PRIO);
}

static void bad_settings(const char *what)
{
	const uint32_t source = wake.source;
	uint32_t rets[3];

	if (tree.qemu) {
		return;
	}
	tap_ok(set_xive(wake.ncpus, PRIO) == -3 && set_xive(UINT32_MAX, PRIO) == -3 &&
			set_xive(0, 256) == -3 && set_xive(0, UINT32_MAX) == -3 &&
			rtas("ibm,get-xive", &source, 1, rets, 3) == 0 && rets[1] == 0 &&
			rets[2] == PRIO,
		"%s: a server or priority that is none is refused, and nothing changes", what);
	interrupts_off();
}

static void test_source(const char *what)
{
	uint64_t alien = wake.cpus[0].alien + wake.cpus[1].alien;

	interrupts_off();
	fire(0, what);
	bad_settings(what);
	hold_back(what);
	two_at_once(what);
	fire_at_other(what);
	fire_and_move(what);
	tap_ok(wake.cpus[0].alien + wake.cpus[1].alien == alien, "%s: no other source came", what);
	interrupts_off();
}

/* --- messages --- */

static void bad_messages(void)
{
	uint32_t granted, source;

	if (tree.qemu) {
		return;
	}
	tap_ok(change_msi(2, 1, &granted) == -3 && change_msi(7, 1, &granted) == -3 &&
			change_msi(UINT32_MAX, 1, &granted) == -3,
		"ibm,change-msi: a function that is none is refused");
	interrupts_off();
	tap_ok(change_msi(4, 1, &granted) == -3, "ibm,change-msi: MSI-X of a device that has none");
	interrupts_off();
	tap_ok(change_msi(CHANGE_MSI, 33, &granted) == 0 && granted == 1,
		"ibm,change-msi: more than it has gets the number it may have");
	interrupts_off();
	tap_ok(source_of(0, &source) == -1, "and grants none");
	interrupts_off();
}

static void test_message(void)
{
	struct hv_regs eoi = {.r = {H_EOI}};
	uint32_t granted, source;
	int32_t status;

	bad_messages();
	status = change_msi(CHANGE_MSI, 1, &granted);
	if (!tap_ok(status == 0 && granted == 1, "ibm,change-msi grants a message")) {
		tap_note("status %" PRId32 ", granted %" PRIu32, status, granted);
		return;
	}
	interrupts_off();
	status = source_of(0, &wake.source);
	tap_ok(status == 0 && wake.source && source_of(1, &source) != 0,
		"it has a number, and there is no second");
	interrupts_off();
	test_source("message");
	eoi.r[1] = PRIO_ALL << 24 | wake.source;
	status = change_msi(CHANGE_MSI, 0, &granted);
	tap_ok(status == 0, "ibm,change-msi takes it back");
	interrupts_off();
	if (!tree.qemu) {
		hv_trap(&eoi);
		tap_ok((int64_t)eoi.r[0] == H_PARAMETER && set_xive(0, PRIO) == -3,
			"then its number is nobody's (IR-08)");
		interrupts_off();
	}
	wake.source = 0;
}

/* --- the pin --- */

static uint32_t pin_source(void)
{
	const void *fdt = (const void *)(uintptr_t)tree.blob;
	uint32_t slot = func->config_addr & SLOT_MASK;
	int node = -1, len;

	fdt_for_each_subnode(node, fdt, 0)
	{
		const char *name = fdt_get_name(fdt, node, NULL);
		const fdt32_t *map = fdt_getprop(fdt, node, "interrupt-map", &len);
		const fdt32_t *mask = fdt_getprop(fdt, node, "interrupt-map-mask", NULL);
		const fdt32_t *buid = fdt_getprop(fdt, node, "reg", NULL);

		if (!name || !map || !mask || !buid ||
			((uint64_t)fdt32_ld(buid) << 32 | fdt32_ld(buid + 1)) != phb->buid) {
			continue;
		}
		for (int i = 0; i + MAP_STEP <= len / 4; i += MAP_STEP) {
			if (((fdt32_ld(map + i) ^ slot) & fdt32_ld(mask)) == 0 &&
				fdt32_ld(map + i + MAP_PIN) == 1) {
				return fdt32_ld(map + i + MAP_SOURCE);
			}
		}
	}
	return 0;
}

static void test_pin(void)
{
	wake.source = pin_source();
	if (!wake.source) {
		tap_skip("pin", "the tree has no interrupt-map for it");
		return;
	}
	interrupts_off();
	test_source("pin");
	(void)set_on(false);
}

void test_device(void)
{
	if (!find_edu()) {
		tap_skip("device", "there is no edu");
		return;
	}
	wake.bar = edu_open(phb, func);
	if (!tap_ok(wake.bar != 0, "the device's registers have an address")) {
		return;
	}
	test_message();
	test_pin();
}
