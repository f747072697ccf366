// SPDX-License-Identifier: Apache-2.0
/*
 * The specification and the program side by side: the same traps, the same reboots, and after each
 * of them the same answers, the same memory, and devices that reach the same bytes.
 *
 *   lockstep [--seed N] [--steps N] [--from K] [--faults]
 *
 * --faults lets operations of the PHBs fail. --from says every step from number K on and looks at
 * everything after each. The first difference ends the run with status 1 and the command line that
 * shows it again.
 */
#include "tests/spec/both.h"
#include "tests/spec/machine.h"
#include "tests/spec/moves.h"
#include "tests/spec/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY 1000u
#define LOOK_PAGES 128u
#define NPROBES	   3u
#define LIST_AT	   0x20000u
#define FILL_MAX   0x10000u /* pages of a window that is filled */

struct probe {
	unsigned int bridge; /* of machine_bridges */
	uint64_t iova;
};

static uint8_t *image[MACHINE_PARTITIONS]; /* memory as each first started */
static struct spec_trap unfinished[MACHINE_PARTITIONS];
static bool has_unfinished[MACHINE_PARTITIONS];
static struct moves moves;
static uint64_t filled; /* windows */

static const struct {
	uint64_t op;
	const char *name;
} ops[] = {{0x1c, "H_GET_TCE"}, {0x20, "H_PUT_TCE"}, {0x13c, "H_PUT_TCE_INDIRECT"},
	{0x138, "H_STUFF_TCE"}, {0xf000, "H_RTAS"}, {0, "others"}};

#define NOPS (sizeof(ops) / sizeof(ops[0]))
static uint64_t calls[NOPS][3];

/* --- devices --- */

/* Places that the trap is about: its page and one within its count, of the bridge that it names;
 * and one anywhere. */
static void aim(struct probe probes[NPROBES], const struct spec_trap *t)
{
	unsigned int i, slot = t->regs[1] & 1;
	uint64_t ioba = t->regs[2], count = t->regs[4] < 512 ? t->regs[4] : 512;

	for (i = 0; i < NBRIDGES - 1 && (spec_liobn(both_bridge(i), 0) ^ t->regs[1]) >> 1; i++) {
	}
	probes[0] = (struct probe){i, ioba + moves_below(&moves, 0x1000)};
	probes[1] = (struct probe){
		i, ioba + (moves_below(&moves, count + 1) << both_bridge(i)->windows[slot].shift)};
	i = (unsigned int)moves_below(&moves, NBRIDGES);
	probes[2] = (struct probe){i, moves_iova(&moves, both_bridge(i))};
}

static void use(const struct probe probes[NPROBES], bool write)
{
	for (unsigned int i = 0; i < NPROBES; i++) {
		both_dma(probes[i].bridge, probes[i].iova, false, 0x5e);
		if (write) {
			both_dma(probes[i].bridge, probes[i].iova, true,
				(uint8_t)moves_below(&moves, 0));
		}
	}
}

/* --- life --- */

/* It starts in the memory that it had when it started first. */
static void check_image(unsigned int who)
{
	if (memcmp(image[who], machine_ram(who), (size_t)both.spec[who].ram_size) != 0) {
		both_differ("memory is not as at the first start");
	}
	memcpy(both.spec[who].ram, image[who], (size_t)both.spec[who].ram_size);
	spec_start(&both.spec[who]);
	has_unfinished[who] = false;
}

static void reboot(unsigned int who)
{
	if (!machine_reboot(who)) {
		both_differ("a reboot");
	}
	check_image(who);
}

/* --- traps --- */

/* What came of a call, for the last line: a run in which nothing succeeds proves little. */
static void note_answer(const struct spec_trap *got)
{
	uint64_t op = got->sf32 ? (uint32_t)both.asked.regs[0] : both.asked.regs[0];
	unsigned int i = 0;

	while (i < NOPS - 1 && ops[i].op != op) {
		i++;
	}
	calls[i][got->next == SPEC_REPEAT ? 1 : got->regs[0] ? 2 : 0]++;
}

static void print_calls(void)
{
	printf("  %" PRIu64 " windows filled that a query had promised\n", filled);
	for (unsigned int i = 0; i < NOPS; i++) {
		printf("  %s: %" PRIu64 " good, %" PRIu64 " unfinished, %" PRIu64 " refused\n",
			ops[i].name, calls[i][0], calls[i][1], calls[i][2]);
	}
}

/* What was not confirmed is both.asked for again, with hardware that works. */
static void repeat(unsigned int who, const struct spec_trap *first)
{
	struct spec_trap t = *first;

	do {
		both_trap(who, &t, false);
	} while (t.next == SPEC_REPEAT);
	if (t.regs[0]) {
		both_differ("a call that was not confirmed cannot be made again");
	}
}

/* After a failed remove or reset: the window is gone, and the next start puts all in order. */
static void start_over(unsigned int who, unsigned int bridge)
{
	struct spec_bridge *b = &both.spec[who].bridges[bridge];
	struct spec_trap t = {.regs = {0x1c, spec_liobn(b, 1), (uint64_t)1 << 59}};

	if (!b->windows[1].open) {
		both_trap(who, &t, false);
	}
	reboot(who);
}

static void settle(unsigned int who, const struct spec_trap *t)
{
	if (both.spec[who].unconfirmed) {
		both.spec[who].unconfirmed = false;
		repeat(who, t);
	}
	for (unsigned int i = 0; i < both.spec[who].nbridges; i++) {
		if (both.spec[who].bridges[i].unknown) {
			start_over(who, i);
		}
	}
}

static void trap_step(unsigned int who)
{
	struct probe probes[NPROBES];
	struct spec_trap t, first;
	bool armed = both.faults && moves_rarely(&moves, 4);

	if (has_unfinished[who] && !moves_rarely(&moves, 4)) {
		t = unfinished[who];
		has_unfinished[who] = false;
	} else {
		moves_trap(&moves, &t);
	}
	both.asked = first = t;
	aim(probes, &t);
	use(probes, false);
	if (armed) {
		unsigned int nth = 1 + (unsigned int)moves_below(&moves, 3);

		machine_fail_at(nth, moves_rarely(&moves, 2));
	}
	both_trap(who, &t, armed);
	machine_fail_at(0, false);
	note_answer(&t);
	settle(who, &first);
	if (t.next == SPEC_REPEAT) {
		unfinished[who] = t;
		has_unfinished[who] = true;
	}
	use(probes, true);
}

/* A window that a query has promised is mapped in full, 512 pages a call. */
static void fill_step(unsigned int who, unsigned int bridge, unsigned int slot)
{
	const struct spec_window *w = &both.spec[who].bridges[bridge].windows[slot];

	for (uint64_t i = 0; i < 512; i++) {
		both_poke(who, LIST_AT + 8 * i, i % 4, 8);
	}
	for (uint64_t page = 0; page < w->npages; page += 512) {
		uint64_t left = w->npages - page;
		struct spec_trap t = {
			.regs = {0x13c, spec_liobn(&both.spec[who].bridges[bridge], slot),
				w->base + (page << w->shift), LIST_AT, left < 512 ? left : 512}};

		both_trap(who, &t, false);
	}
}

static bool may_fill(unsigned int who)
{
	for (unsigned int i = 0; i < SPEC_MAX_BRIDGES * SPEC_WINDOWS; i++) {
		const struct spec_window *w =
			&both.spec[who].bridges[i / SPEC_WINDOWS].windows[i % SPEC_WINDOWS];

		if (w->open && w->promised && w->npages <= FILL_MAX) {
			fill_step(who, i / SPEC_WINDOWS, i % SPEC_WINDOWS);
			return true;
		}
	}
	return false;
}

/* --- steps --- */

static void start(unsigned int who)
{
	machine_start(who);
	check_image(who);
}

static void bypass_step(unsigned int who)
{
	unsigned int bridge = (unsigned int)moves_below(&moves, NBRIDGES);
	bool on = moves_rarely(&moves, 2), may_run_out, got;

	if (machine_bridges[bridge].owner != who) {
		return;
	}
	may_run_out = machine_tables_end(who);
	got = machine_bypass(bridge, on);
	if (got != spec_bypass(&both.spec[who], both_bridge(bridge), on, !got && may_run_out)) {
		both_differ("bypass of bridge %u %s %s", bridge, on ? "on" : "off",
			got ? "succeeds" : "is refused");
	}
}

static void life_step(unsigned int who)
{
	if (both_said()) {
		printf("step %" PRIu64 ", partition %u: life\n", both.step, who);
	}
	if (!both.spec[who].running) {
		start(who);
	} else if (moves_rarely(&moves, 2)) {
		reboot(who);
	} else {
		spec_stop(&both.spec[who]);
		if (!machine_stop(who)) {
			both_differ("a stop leaves something behind");
		}
	}
	both_look(8);
}

static void one_step(void)
{
	both.who = moves.who = (unsigned int)moves_below(&moves, MACHINE_PARTITIONS);
	if (moves_rarely(&moves, both.spec[both.who].running ? 2000 : 20)) {
		life_step(both.who);
	} else if (both.spec[both.who].running && moves_rarely(&moves, 500)) {
		bypass_step(both.who);
	} else if (both.spec[both.who].running && moves_rarely(&moves, 100) && may_fill(both.who)) {
		filled++;
	} else if (both.spec[both.who].running) {
		trap_step(both.who);
	}
	if (both_said()) {
		both_look(UINT32_MAX);
	} else if (both.step % LOOK_EVERY == LOOK_EVERY - 1) {
		both_look(LOOK_PAGES);
	}
}

static void set_up(void)
{
	machine_init();
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		both.spec[i].ram_size = machine_ram_size[i];
		both.spec[i].ram = malloc(machine_ram_size[i]);
		image[i] = malloc(machine_ram_size[i]);
		if (!both.spec[i].ram || !image[i]) {
			abort();
		}
		for (unsigned int s = 0; s < SPEC_SERVICES; s++) {
			both.spec[i].tokens[s] = machine_token(s);
		}
	}
	for (unsigned int i = 0; i < NBRIDGES; i++) {
		const struct machine_bridge *m = &machine_bridges[i];
		struct spec_partition *p = &both.spec[m->owner];

		p->bridges[p->nbridges++] = (struct spec_bridge){.index = m->index,
			.default_size = m->window_size,
			.default_shift = m->window_shift,
			.pages = m->pages,
			.host_pages = machine_host_pages[m->phb],
			.ddw = m->ddw,
			.plan_bypass = m->bypass};
	}
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		machine_start(i);
		memcpy(image[i], machine_ram(i), (size_t)machine_ram_size[i]);
		check_image(i);
	}
	moves = (struct moves){.rng = both.seed << 32, .spec = both.spec, .poke = both_poke};
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		both.who = i;
		if (both.spec[i].running && !machine_stop(i)) {
			both_differ("the end leaves something behind");
		}
		for (unsigned int k = 0; k < SPEC_MAX_BRIDGES * SPEC_WINDOWS; k++) {
			free(both.spec[i]
					.bridges[k / SPEC_WINDOWS]
					.windows[k % SPEC_WINDOWS]
					.entries);
		}
		free(both.spec[i].ram);
		free(image[i]);
	}
	machine_exit();
}

static int usage(void)
{
	fprintf(stderr, "usage: %s [--seed N] [--steps N] [--from K] [--faults]\n", both.program);
	return 2;
}

static bool parse(int argc, char **argv)
{
	both.program = argv[0];
	for (int i = 1; i < argc; i++) {
		uint64_t *to = !strcmp(argv[i], "--seed")    ? &both.seed
			       : !strcmp(argv[i], "--steps") ? &both.steps
			       : !strcmp(argv[i], "--from")  ? &both.from
							     : NULL;
		char *end;

		if (!strcmp(argv[i], "--faults")) {
			both.faults = true;
			continue;
		}
		if (!to || ++i == argc) {
			return false;
		}
		*to = strtoull(argv[i], &end, 0);
		if (*end) {
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	if (!parse(argc, argv)) {
		return usage();
	}
	set_up();
	for (both.step = 0; both.step < both.steps; both.step++) {
		one_step();
	}
	both_look(UINT32_MAX);
	tear_down();
	printf("seed %" PRIu64 ", %" PRIu64 " steps, no difference\n", both.seed, both.step);
	print_calls();
	return 0;
}
