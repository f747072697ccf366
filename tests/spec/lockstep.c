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
#include "tests/spec/machine.h"
#include "tests/spec/moves.h"
#include "tests/spec/spec.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBRIDGES   (MACHINE_PARTITIONS * SPEC_MAX_BRIDGES)
#define LOOK_EVERY 1000u
#define LOOK_PAGES 128u
#define NPROBES	   3u
#define LIST_AT	   0x20000u
#define FILL_MAX   0x10000u /* pages of a window that is filled */

struct probe {
	unsigned int bridge; /* of machine_bridges */
	uint64_t iova;
};

static struct {
	const char *program;
	uint64_t seed, steps, from;
	bool faults;
} options = {.seed = 1, .steps = 100000, .from = UINT64_MAX};

static struct spec_partition spec[MACHINE_PARTITIONS];
static uint8_t *image[MACHINE_PARTITIONS]; /* memory as each first started */
static struct spec_trap unfinished[MACHINE_PARTITIONS];
static bool has_unfinished[MACHINE_PARTITIONS];
static struct moves moves;
static uint64_t step, filled;
static struct spec_trap asked; /* the trap of this step */

static const struct {
	uint64_t op;
	const char *name;
} ops[] = {{0x1c, "H_GET_TCE"}, {0x20, "H_PUT_TCE"}, {0x13c, "H_PUT_TCE_INDIRECT"},
	{0x138, "H_STUFF_TCE"}, {0xf000, "H_RTAS"}, {0, "others"}};

#define NOPS (sizeof(ops) / sizeof(ops[0]))
static uint64_t calls[NOPS][3];

static void differs(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void print_regs(const char *what, const struct spec_trap *t)
{
	static const char *const nexts[] = {"return", "repeat", "stop"};

	printf("  %s", what);
	for (unsigned int i = 0; i < SPEC_NREGS; i++) {
		printf(" r%u=%" PRIx64, i + 3, t->regs[i]);
	}
	printf(" %s%s%s\n", nexts[t->next], t->sf32 ? " 32-bit" : "",
		t->problem ? " problem-state" : "");
}

/* The argument buffer of an RTAS call as it is now. */
static void print_buffer(const struct spec_trap *t)
{
	uint64_t op = t->sf32 ? (uint32_t)t->regs[0] : t->regs[0];
	uint64_t at = t->sf32 ? (uint32_t)t->regs[1] : t->regs[1];
	uint64_t size = spec[moves.who].ram_size;

	if (op != 0xf000 || at > size) {
		return;
	}
	printf("  buffer  ");
	for (unsigned int i = 0; i < 0x30 && i < size - at; i++) {
		printf(i % 4 ? "%02x" : " %02x", machine_ram(moves.who)[at + i]);
	}
	printf("\n");
}

static void differs(const char *format, ...)
{
	va_list ap;

	printf("lockstep: seed %" PRIu64 ", step %" PRIu64 ", partition %u: ", options.seed, step,
		moves.who);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	print_regs("call    ", &asked);
	print_buffer(&asked);
	printf("again: %s --seed %" PRIu64 " --steps %" PRIu64 "%s --from %" PRIu64 "\n",
		options.program, options.seed, step + 1, options.faults ? " --faults" : "",
		step < 10 ? 0 : step - 10);
	exit(1);
}

static bool said(void)
{
	return step >= options.from;
}

static struct spec_bridge *bridge_of(unsigned int i)
{
	return &spec[machine_bridges[i].owner].bridges[i % SPEC_MAX_BRIDGES];
}

static void poke(unsigned int who, uint64_t at, uint64_t val, unsigned int bytes)
{
	for (unsigned int i = bytes; i-- > 0; val >>= 8) {
		spec[who].ram[at + i] = (uint8_t)val;
		machine_ram(who)[at + i] = (uint8_t)val;
	}
}

/* --- devices --- */

/* The device moves a byte; what it writes goes into both memories. */
static void probe(unsigned int bridge, uint64_t iova, bool write, uint8_t val)
{
	unsigned int owner = machine_bridges[bridge].owner;
	uint8_t *want = spec_dma(&spec[owner], bridge_of(bridge), iova, write);
	uint8_t byte = val;
	bool got = machine_dma(bridge, iova, &byte, write);

	if (got != (want != NULL)) {
		differs("a device of bridge %u %s 0x%" PRIx64 ", and should%s", bridge,
			got ? write ? "writes" : "reads" : "cannot reach", iova, got ? " not" : "");
	}
	if (want && write) {
		*want = byte;
		byte = machine_ram(owner)[want - spec[owner].ram];
	}
	if (want && byte != *want) {
		differs("a device of bridge %u %s 0x%" PRIx64 " elsewhere than at guest 0x%" PRIx64,
			bridge, write ? "writes" : "reads", iova,
			(uint64_t)(want - spec[owner].ram));
	}
}

/* As above, without changing anything. */
static void look_at(unsigned int bridge, uint64_t iova)
{
	unsigned int owner = machine_bridges[bridge].owner;
	const uint8_t *now = spec_dma(&spec[owner], bridge_of(bridge), iova, true);

	probe(bridge, iova, false, 0x5e);
	probe(bridge, iova, true, now ? *now : 0x5e);
}

/* Places that the trap is about: its page and one within its count, of the bridge that it names;
 * and one anywhere. */
static void aim(struct probe probes[NPROBES], const struct spec_trap *t)
{
	unsigned int i, slot = t->regs[1] & 1;
	uint64_t ioba = t->regs[2], count = t->regs[4] < 512 ? t->regs[4] : 512;

	for (i = 0; i < NBRIDGES - 1 && (spec_liobn(bridge_of(i), 0) ^ t->regs[1]) >> 1; i++) {
	}
	probes[0] = (struct probe){i, ioba + moves_below(&moves, 0x1000)};
	probes[1] = (struct probe){
		i, ioba + (moves_below(&moves, count + 1) << bridge_of(i)->windows[slot].shift)};
	i = (unsigned int)moves_below(&moves, NBRIDGES);
	probes[2] = (struct probe){i, moves_iova(&moves, bridge_of(i))};
}

static void use(const struct probe probes[NPROBES], bool write)
{
	for (unsigned int i = 0; i < NPROBES; i++) {
		probe(probes[i].bridge, probes[i].iova, false, 0x5e);
		if (write) {
			probe(probes[i].bridge, probes[i].iova, true,
				(uint8_t)moves_below(&moves, 0));
		}
	}
}

/* --- life --- */

/* It starts in the memory that it had when it started first. */
static void check_image(unsigned int who)
{
	if (memcmp(image[who], machine_ram(who), (size_t)spec[who].ram_size) != 0) {
		differs("memory is not as at the first start");
	}
	memcpy(spec[who].ram, image[who], (size_t)spec[who].ram_size);
	spec_start(&spec[who]);
	has_unfinished[who] = false;
}

static void reboot(unsigned int who)
{
	if (!machine_reboot(who)) {
		differs("a reboot");
	}
	check_image(who);
}

/* --- traps --- */

static void compare(unsigned int who, const struct spec_trap *want, const struct spec_trap *got)
{
	uint64_t at = got->sf32 ? (uint32_t)asked.regs[1] : asked.regs[1];

	if (want->next != got->next || memcmp(want->regs, got->regs, sizeof(want->regs))) {
		print_regs("expected", want);
		print_regs("got     ", got);
		differs("registers");
	}
	for (unsigned int i = 0; i < 0x60 && at < spec[who].ram_size - i; i++) {
		if (spec[who].ram[at + i] != machine_ram(who)[at + i]) {
			differs("guest memory at 0x%" PRIx64 " is %02x, not %02x", at + i,
				machine_ram(who)[at + i], spec[who].ram[at + i]);
		}
	}
}

/* What came of a call, for the last line: a run in which nothing succeeds proves little. */
static void note_answer(const struct spec_trap *got)
{
	uint64_t op = got->sf32 ? (uint32_t)asked.regs[0] : asked.regs[0];
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

static void trap(unsigned int who, struct spec_trap *t, bool may_fail)
{
	struct spec_trap want, got;
	struct spec_seen seen = {&got, machine_ram(who), may_fail, machine_tables_end(who)};

	asked = want = got = *t;
	machine_trap(who, &got);
	spec_trap(&spec[who], &want, &seen);
	if (said()) {
		printf("step %" PRIu64 ", partition %u\n", step, who);
		print_regs("call    ", t);
		print_regs("answer  ", &got);
		print_buffer(t);
	}
	compare(who, &want, &got);
	*t = got;
}

/* What was not confirmed is asked for again, with hardware that works. */
static void repeat(unsigned int who, const struct spec_trap *first)
{
	struct spec_trap t = *first;

	do {
		trap(who, &t, false);
	} while (t.next == SPEC_REPEAT);
	if (t.regs[0]) {
		differs("a call that was not confirmed cannot be made again");
	}
}

/* After a failed remove or reset: the window is gone, and the next start puts all in order. */
static void start_over(unsigned int who, unsigned int bridge)
{
	struct spec_bridge *b = &spec[who].bridges[bridge];
	struct spec_trap t = {.regs = {0x1c, spec_liobn(b, 1), (uint64_t)1 << 59}};

	if (!b->windows[1].open) {
		trap(who, &t, false);
	}
	reboot(who);
}

static void settle(unsigned int who, const struct spec_trap *t)
{
	if (spec[who].unconfirmed) {
		spec[who].unconfirmed = false;
		repeat(who, t);
	}
	for (unsigned int i = 0; i < spec[who].nbridges; i++) {
		if (spec[who].bridges[i].unknown) {
			start_over(who, i);
		}
	}
}

static void trap_step(unsigned int who)
{
	struct probe probes[NPROBES];
	struct spec_trap t, first;
	bool armed = options.faults && moves_rarely(&moves, 4);

	if (has_unfinished[who] && !moves_rarely(&moves, 4)) {
		t = unfinished[who];
		has_unfinished[who] = false;
	} else {
		moves_trap(&moves, &t);
	}
	asked = first = t;
	aim(probes, &t);
	use(probes, false);
	if (armed) {
		unsigned int nth = 1 + (unsigned int)moves_below(&moves, 3);

		machine_fail_at(nth, moves_rarely(&moves, 2));
	}
	trap(who, &t, armed);
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
	const struct spec_window *w = &spec[who].bridges[bridge].windows[slot];

	for (uint64_t i = 0; i < 512; i++) {
		poke(who, LIST_AT + 8 * i, i % 4, 8);
	}
	for (uint64_t page = 0; page < w->npages; page += 512) {
		uint64_t left = w->npages - page;
		struct spec_trap t = {
			.regs = {0x13c, spec_liobn(&spec[who].bridges[bridge], slot),
				w->base + (page << w->shift), LIST_AT, left < 512 ? left : 512}};

		trap(who, &t, false);
	}
}

static bool may_fill(unsigned int who)
{
	for (unsigned int i = 0; i < SPEC_MAX_BRIDGES * SPEC_WINDOWS; i++) {
		const struct spec_window *w =
			&spec[who].bridges[i / SPEC_WINDOWS].windows[i % SPEC_WINDOWS];

		if (w->open && w->promised && w->npages <= FILL_MAX) {
			fill_step(who, i / SPEC_WINDOWS, i % SPEC_WINDOWS);
			return true;
		}
	}
	return false;
}

/* --- the whole state --- */

static void look_at_page(unsigned int bridge, unsigned int slot, uint64_t page)
{
	const struct spec_window *w = &bridge_of(bridge)->windows[slot];
	uint64_t iova = w->base + (page << w->shift);
	struct spec_trap t = {.regs = {0x1c, spec_liobn(bridge_of(bridge), slot), iova}};

	trap(machine_bridges[bridge].owner, &t, false);
	look_at(bridge, iova);
	look_at(bridge, iova + ((uint64_t)1 << w->shift) - 1);
}

/* Pages that have ever had a TCE and what is beside them, every n-th of them if they are many, and
 * the window's ends. */
static void look_at_window(unsigned int bridge, unsigned int slot, unsigned int most)
{
	const struct spec_window *w = &bridge_of(bridge)->windows[slot];
	unsigned int stride = w->open ? w->nentries / most + 1 : 1;

	if (!w->open) {
		look_at_page(bridge, slot, 0);
		return;
	}
	look_at_page(bridge, slot, 0);
	look_at_page(bridge, slot, w->npages - 1);
	look_at_page(bridge, slot, w->npages);
	for (unsigned int i = (unsigned int)(step / LOOK_EVERY % stride); i < w->nentries;
		i += stride) {
		look_at_page(bridge, slot, w->entries[i].page);
		if (i + 1 == w->nentries || w->entries[i + 1].page != w->entries[i].page + 1) {
			look_at_page(bridge, slot, w->entries[i].page + 1);
		}
	}
}

static void look_at_all(unsigned int most)
{
	for (unsigned int i = 0; i < NBRIDGES; i++) {
		unsigned int owner = machine_bridges[i].owner;

		look_at(i, machine_ram_size[owner] - 1 + ((uint64_t)1 << 59));
		look_at(i, machine_ram_size[owner] + ((uint64_t)1 << 59));
		for (unsigned int k = 0; k < SPEC_WINDOWS && spec[owner].running; k++) {
			look_at_window(i, k, most);
		}
	}
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		if (spec[i].running &&
			memcmp(spec[i].ram, machine_ram(i), (size_t)spec[i].ram_size) != 0) {
			differs("memory of partition %u", i);
		}
	}
	if (!machine_audit()) {
		differs("the audit is not clean");
	}
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
	if (got != spec_bypass(&spec[who], bridge_of(bridge), on, !got && may_run_out)) {
		differs("bypass of bridge %u %s %s", bridge, on ? "on" : "off",
			got ? "succeeds" : "is refused");
	}
}

static void life_step(unsigned int who)
{
	if (said()) {
		printf("step %" PRIu64 ", partition %u: life\n", step, who);
	}
	if (!spec[who].running) {
		start(who);
	} else if (moves_rarely(&moves, 2)) {
		reboot(who);
	} else {
		spec_stop(&spec[who]);
		if (!machine_stop(who)) {
			differs("a stop leaves something behind");
		}
	}
	look_at_all(8);
}

static void one_step(void)
{
	moves.who = (unsigned int)moves_below(&moves, MACHINE_PARTITIONS);
	if (moves_rarely(&moves, spec[moves.who].running ? 2000 : 20)) {
		life_step(moves.who);
	} else if (spec[moves.who].running && moves_rarely(&moves, 500)) {
		bypass_step(moves.who);
	} else if (spec[moves.who].running && moves_rarely(&moves, 100) && may_fill(moves.who)) {
		filled++;
	} else if (spec[moves.who].running) {
		trap_step(moves.who);
	}
	if (said()) {
		look_at_all(UINT32_MAX);
	} else if (step % LOOK_EVERY == LOOK_EVERY - 1) {
		look_at_all(LOOK_PAGES);
	}
}

static void set_up(void)
{
	machine_init();
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		spec[i].ram_size = machine_ram_size[i];
		spec[i].ram = malloc(machine_ram_size[i]);
		image[i] = malloc(machine_ram_size[i]);
		if (!spec[i].ram || !image[i]) {
			abort();
		}
		for (unsigned int s = 0; s < SPEC_SERVICES; s++) {
			spec[i].tokens[s] = machine_token(s);
		}
	}
	for (unsigned int i = 0; i < NBRIDGES; i++) {
		const struct machine_bridge *m = &machine_bridges[i];
		struct spec_partition *p = &spec[m->owner];

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
	moves = (struct moves){.rng = options.seed << 32, .spec = spec, .poke = poke};
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		moves.who = i;
		if (spec[i].running && !machine_stop(i)) {
			differs("the end leaves something behind");
		}
		for (unsigned int k = 0; k < SPEC_MAX_BRIDGES * SPEC_WINDOWS; k++) {
			free(spec[i].bridges[k / SPEC_WINDOWS].windows[k % SPEC_WINDOWS].entries);
		}
		free(spec[i].ram);
		free(image[i]);
	}
	machine_exit();
}

static int usage(void)
{
	fprintf(stderr, "usage: %s [--seed N] [--steps N] [--from K] [--faults]\n",
		options.program);
	return 2;
}

static bool parse(int argc, char **argv)
{
	options.program = argv[0];
	for (int i = 1; i < argc; i++) {
		uint64_t *to = !strcmp(argv[i], "--seed")    ? &options.seed
			       : !strcmp(argv[i], "--steps") ? &options.steps
			       : !strcmp(argv[i], "--from")  ? &options.from
							     : NULL;
		char *end;

		if (!strcmp(argv[i], "--faults")) {
			options.faults = true;
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
	for (step = 0; step < options.steps; step++) {
		one_step();
	}
	look_at_all(UINT32_MAX);
	tear_down();
	printf("seed %" PRIu64 ", %" PRIu64 " steps, no difference\n", options.seed, step);
	print_calls();
	return 0;
}
