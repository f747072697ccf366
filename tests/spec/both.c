// SPDX-License-Identifier: Apache-2.0
/*
 * See the header.
 */
#include "tests/spec/both.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct both both = {.seed = 1, .steps = 100000, .from = UINT64_MAX};

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
	uint64_t size = both.spec[both.who].ram_size;

	if (op != 0xf000 || at > size) {
		return;
	}
	printf("  buffer  ");
	for (unsigned int i = 0; i < 0x30 && i < size - at; i++) {
		printf(i % 4 ? "%02x" : " %02x", machine_ram(both.who)[at + i]);
	}
	printf("\n");
}

void both_differ(const char *format, ...)
{
	va_list ap;

	printf("lockstep: seed %" PRIu64 ", step %" PRIu64 ", partition %u: ", both.seed, both.step,
		both.who);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	print_regs("call    ", &both.asked);
	print_buffer(&both.asked);
	printf("again: %s --seed %" PRIu64 " --steps %" PRIu64 "%s --from %" PRIu64 "\n",
		both.program, both.seed, both.step + 1, both.faults ? " --faults" : "",
		both.step < 10 ? 0 : both.step - 10);
	exit(1);
}

bool both_said(void)
{
	return both.step >= both.from;
}

struct spec_bridge *both_bridge(unsigned int i)
{
	return &both.spec[machine_bridges[i].owner].bridges[i % SPEC_MAX_BRIDGES];
}

void both_poke(unsigned int who, uint64_t at, uint64_t val, unsigned int bytes)
{
	for (unsigned int i = bytes; i-- > 0; val >>= 8) {
		both.spec[who].ram[at + i] = (uint8_t)val;
		machine_ram(who)[at + i] = (uint8_t)val;
	}
}

/* --- devices --- */

/* The device moves a byte; what it writes goes into both memories. */
void both_dma(unsigned int bridge, uint64_t iova, bool write, uint8_t val)
{
	unsigned int owner = machine_bridges[bridge].owner;
	uint8_t *want = spec_dma(&both.spec[owner], both_bridge(bridge), iova, write);
	uint8_t byte = val;
	bool got = machine_dma(bridge, iova, &byte, write);

	if (got != (want != NULL)) {
		both_differ("a device of bridge %u %s 0x%" PRIx64 ", and should%s", bridge,
			got ? write ? "writes" : "reads" : "cannot reach", iova, got ? " not" : "");
	}
	if (want && write) {
		*want = byte;
		byte = machine_ram(owner)[want - both.spec[owner].ram];
	}
	if (want && byte != *want) {
		both_differ("a device of bridge %u %s 0x%" PRIx64
			    " elsewhere than at guest 0x%" PRIx64,
			bridge, write ? "writes" : "reads", iova,
			(uint64_t)(want - both.spec[owner].ram));
	}
}

/* As above, without changing anything. */
static void look_at(unsigned int bridge, uint64_t iova)
{
	unsigned int owner = machine_bridges[bridge].owner;
	const uint8_t *now = spec_dma(&both.spec[owner], both_bridge(bridge), iova, true);

	both_dma(bridge, iova, false, 0x5e);
	both_dma(bridge, iova, true, now ? *now : 0x5e);
}

/* --- traps --- */

static void compare(unsigned int who, const struct spec_trap *want, const struct spec_trap *got)
{
	uint64_t at = got->sf32 ? (uint32_t)both.asked.regs[1] : both.asked.regs[1];

	if (want->next != got->next || memcmp(want->regs, got->regs, sizeof(want->regs))) {
		print_regs("expected", want);
		print_regs("got     ", got);
		both_differ("registers");
	}
	for (unsigned int i = 0; i < 0x60 && at < both.spec[who].ram_size - i; i++) {
		if (both.spec[who].ram[at + i] != machine_ram(who)[at + i]) {
			both_differ("guest memory at 0x%" PRIx64 " is %02x, not %02x", at + i,
				machine_ram(who)[at + i], both.spec[who].ram[at + i]);
		}
	}
}

void both_trap(unsigned int who, struct spec_trap *t, bool may_fail)
{
	struct spec_trap want, got;
	struct spec_seen seen = {&got, machine_ram(who), may_fail, machine_tables_end(who)};

	both.asked = want = got = *t;
	machine_trap(who, &got);
	spec_trap(&both.spec[who], &want, &seen);
	if (both_said()) {
		printf("step %" PRIu64 ", partition %u\n", both.step, who);
		print_regs("call    ", t);
		print_regs("answer  ", &got);
		print_buffer(t);
	}
	compare(who, &want, &got);
	*t = got;
}

/* --- the whole state --- */

static void look_at_page(unsigned int bridge, unsigned int slot, uint64_t page)
{
	const struct spec_window *w = &both_bridge(bridge)->windows[slot];
	uint64_t iova = w->base + (page << w->shift);
	struct spec_trap t = {.regs = {0x1c, spec_liobn(both_bridge(bridge), slot), iova}};

	both_trap(machine_bridges[bridge].owner, &t, false);
	look_at(bridge, iova);
	look_at(bridge, iova + ((uint64_t)1 << w->shift) - 1);
}

/* Pages that have ever had a TCE and what is beside them, every n-th of them if they are many, and
 * the window's ends. */
static void look_at_window(unsigned int bridge, unsigned int slot, unsigned int most)
{
	const struct spec_window *w = &both_bridge(bridge)->windows[slot];
	unsigned int stride = w->open ? w->nentries / most + 1 : 1;

	if (!w->open) {
		look_at_page(bridge, slot, 0);
		return;
	}
	look_at_page(bridge, slot, 0);
	look_at_page(bridge, slot, w->npages - 1);
	look_at_page(bridge, slot, w->npages);
	for (unsigned int i = (unsigned int)(both.step / 1000 % stride); i < w->nentries;
		i += stride) {
		look_at_page(bridge, slot, w->entries[i].page);
		if (i + 1 == w->nentries || w->entries[i + 1].page != w->entries[i].page + 1) {
			look_at_page(bridge, slot, w->entries[i].page + 1);
		}
	}
}

void both_look(unsigned int most)
{
	for (unsigned int i = 0; i < NBRIDGES; i++) {
		unsigned int owner = machine_bridges[i].owner;

		look_at(i, machine_ram_size[owner] - 1 + ((uint64_t)1 << 59));
		look_at(i, machine_ram_size[owner] + ((uint64_t)1 << 59));
		for (unsigned int k = 0; k < SPEC_WINDOWS && both.spec[owner].running; k++) {
			look_at_window(i, k, most);
		}
	}
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		if (both.spec[i].running && memcmp(both.spec[i].ram, machine_ram(i),
						    (size_t)both.spec[i].ram_size) != 0) {
			both_differ("memory of partition %u", i);
		}
	}
	if (!machine_audit()) {
		both_differ("the audit is not clean");
	}
}
