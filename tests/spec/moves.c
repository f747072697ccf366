// SPDX-License-Identifier: Apache-2.0
/*
 * See the header.
 */
#include "tests/spec/moves.h"

#include <string.h>

#define ONE_OF(m, a)   ((a)[moves_below((m), sizeof(a) / sizeof((a)[0]))])
#define SECOND_BASE    ((uint64_t)1 << 59)
#define HOST_RAM       0x0000020000000000u /* where host memory is: nothing a guest can name */
#define LIST_ENTRIES   512u
#define RTAS_MAX_CELLS 16u

uint64_t moves_below(struct moves *m, uint64_t n)
{
	uint64_t z = m->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return n ? z % n : z;
}

bool moves_rarely(struct moves *m, unsigned int n)
{
	return moves_below(m, n) == 0;
}

/* Any 64 bits, and often only a few of them. */
static uint64_t noise(struct moves *m)
{
	uint64_t v = moves_below(m, 0);

	v >>= moves_below(m, 64);
	return v << moves_below(m, 16);
}

static const struct spec_partition *self(struct moves *m)
{
	return &m->spec[m->who];
}

/* Its own, now and then the other partition's. */
static const struct spec_bridge *any_bridge(struct moves *m)
{
	const struct spec_partition *p = &m->spec[moves_rarely(m, 16) ? !m->who : m->who];

	return &p->bridges[moves_below(m, p->nbridges)];
}

static const struct spec_bridge *bridge_with_window(struct moves *m)
{
	const struct spec_bridge *b = any_bridge(m);

	for (unsigned int i = 0; i < 4 && !b->windows[0].open && !b->windows[1].open; i++) {
		b = any_bridge(m);
	}
	return b;
}

static const struct spec_bridge *bridge_with_ddw(struct moves *m)
{
	const struct spec_bridge *b = any_bridge(m);

	for (unsigned int i = 0; i < 4 && !b->ddw; i++) {
		b = any_bridge(m);
	}
	return b;
}

static uint64_t any_liobn(struct moves *m, const struct spec_bridge *b, unsigned int slot)
{
	static const uint64_t strange[] = {
		0, 0x80000800, 0x800006ff, 0x71000000, UINT32_MAX, UINT64_MAX, 0x80000602, 0x600};
	uint64_t liobn = spec_liobn(b, slot);

	if (moves_rarely(m, 40)) {
		return ONE_OF(m, strange);
	}
	return moves_rarely(m, 60) ? liobn | (uint64_t)1 << (32 + moves_below(m, 32)) : liobn;
}

static uint64_t near_an_edge(struct moves *m, const struct spec_window *w)
{
	switch (moves_below(m, 8)) {
	case 0:
		return w->npages - 1 - moves_below(m, 4);
	case 1:
		return moves_below(m, w->npages);
	case 2:
		return LIST_ENTRIES - 2 + moves_below(m, 4);
	case 3:
		return LIST_ENTRIES * LIST_ENTRIES - 1 + moves_below(m, 2);
	case 4:
		return w->npages / 2 - moves_below(m, 2);
	case 5:
		return w->npages - LIST_ENTRIES - moves_below(m, 2);
	default:
		return moves_below(m, 6);
	}
}

/* A page of the window; the one past its end now and then. */
static uint64_t any_page(struct moves *m, const struct spec_window *w)
{
	return moves_rarely(m, 40) ? w->npages : near_an_edge(m, w) % w->npages;
}

static uint64_t any_ioba(struct moves *m, const struct spec_window *w)
{
	uint64_t page = (uint64_t)1 << w->shift;
	uint64_t at = w->base + (any_page(m, w) << w->shift);

	switch (moves_below(m, 128)) {
	case 0:
		return at + 1;
	case 1:
		return at + page / 2;
	case 2:
		return w->base - page;
	case 3:
		return (uint64_t)0 - page;
	case 4:
		return at ^ SECOND_BASE;
	case 5:
		return at | (uint64_t)1 << (12 + moves_below(m, 52));
	case 6:
		return noise(m);
	default:
		return at;
	}
}

uint64_t moves_iova(struct moves *m, const struct spec_bridge *b)
{
	const struct spec_window *w = &b->windows[moves_below(m, SPEC_WINDOWS)];
	uint64_t in_page = moves_below(m, (uint64_t)1 << (w->open ? w->shift : 12));

	if (!w->open) {
		return (w == &b->windows[1] ? SECOND_BASE : 0) + (moves_below(m, 1100) << 12);
	}
	return moves_rarely(m, 8) ? any_ioba(m, w)
				  : w->base + (any_page(m, w) << w->shift) + in_page;
}

/* One that is right for the window. */
static uint64_t good_tce(struct moves *m, const struct spec_window *w)
{
	uint64_t npages = self(m)->ram_size >> w->shift;
	uint64_t page = moves_rarely(m, 3) ? npages - 1 : moves_below(m, npages);

	page <<= w->shift;
	return page | moves_below(m, 4);
}

static uint64_t bad_tce(struct moves *m, const struct spec_window *w)
{
	uint64_t perm = 1 + moves_below(m, 3);
	uint64_t good = good_tce(m, w) | perm;

	switch (moves_below(m, 6)) {
	case 0:
		return self(m)->ram_size | perm;
	case 1:
		return (HOST_RAM + (moves_below(m, 0x100) << 21)) | perm;
	case 2:
		return good | (uint64_t)1 << (2 + moves_below(m, w->shift - 2u));
	case 3:
		return good | (uint64_t)1 << (60 + moves_below(m, 4));
	case 4:
		return noise(m) | perm;
	default:
		return ((uint64_t)0 - ((uint64_t)1 << w->shift)) | perm;
	}
}

static uint64_t any_tce(struct moves *m, const struct spec_window *w)
{
	if (moves_rarely(m, 16)) {
		return noise(m) & ~(uint64_t)3;
	}
	return moves_rarely(m, 12) ? bad_tce(m, w) : good_tce(m, w);
}

/* In left pages: all of them, 512, a few; one too many now and then, or nonsense. */
static uint64_t any_count(struct moves *m, uint64_t left)
{
	static const uint64_t strange[] = {0, 0, LIST_ENTRIES + 1, (uint64_t)1 << 32,
		((uint64_t)1 << 32) + 1, (uint64_t)1 << 63, UINT64_MAX, (uint64_t)1 << 52};
	uint64_t most = left < LIST_ENTRIES ? left : LIST_ENTRIES;

	switch (moves_below(m, 24)) {
	case 0:
		return ONE_OF(m, strange);
	case 1:
		return left + 1;
	case 2:
		return left;
	case 3:
		return left - moves_below(m, left);
	case 4:
		return LIST_ENTRIES + moves_below(m, 2);
	case 5:
	case 6:
		return most - moves_below(m, 2);
	case 7:
	case 8:
	case 9:
		return 1 + moves_below(m, most);
	default:
		return 1 + moves_below(m, most < 8 ? most : 8);
	}
}

static uint64_t pages_from(const struct spec_window *w, uint64_t ioba)
{
	uint64_t page = (ioba - w->base) >> w->shift;

	return page < w->npages ? w->npages - page : 1;
}

static uint64_t any_list(struct moves *m)
{
	uint64_t end = self(m)->ram_size;

	switch (moves_below(m, 32)) {
	case 0:
		return end;
	case 1:
		return HOST_RAM;
	case 2:
		return 0x20000 + 8;
	case 3:
		return noise(m);
	case 4:
	case 5:
		return end - 0x1000;
	case 6:
		return 0;
	default:
		return 0x20000 + (moves_below(m, 3) << 12);
	}
}

/* Contiguous pages, one page again and again, or any; and one bad one in it, perhaps. */
static void write_list(struct moves *m, const struct spec_window *w, uint64_t at, uint64_t n)
{
	uint64_t step = moves_rarely(m, 2) ? 0 : (uint64_t)1 << w->shift;
	uint64_t tce = good_tce(m, w);
	bool scattered = moves_rarely(m, 3);

	n = n < LIST_ENTRIES ? n : LIST_ENTRIES;
	if (at > self(m)->ram_size || self(m)->ram_size - at < 8 * n) {
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t next = tce + step;

		m->poke(m->who, at + 8 * i, scattered ? good_tce(m, w) : tce, 8);
		tce = next < self(m)->ram_size ? next : next % ((uint64_t)1 << w->shift);
	}
	if (n && moves_rarely(m, 6)) {
		uint64_t i = moves_rarely(m, 2) ? n - 1 : moves_below(m, n);

		m->poke(m->who, at + 8 * i, bad_tce(m, w), 8);
	}
}

/* One that is open, mostly. */
static unsigned int any_slot(struct moves *m, const struct spec_bridge *b)
{
	unsigned int slot = (unsigned int)moves_below(m, SPEC_WINDOWS);

	return b->windows[slot].open || moves_rarely(m, 20) ? slot : !slot;
}

static void tce_call(struct moves *m, uint64_t op, uint64_t *regs)
{
	const struct spec_bridge *b = bridge_with_window(m);
	unsigned int slot = any_slot(m, b);
	const struct spec_window *w = &b->windows[slot];

	regs[0] = op;
	regs[1] = any_liobn(m, b, slot);
	regs[2] = any_ioba(m, w->shift ? w : &b->windows[0]);
	if (!w->shift) {
		return;
	}
	switch (op) {
	case 0x20:
		regs[3] = any_tce(m, w);
		break;
	case 0x13c:
		regs[4] = any_count(m, pages_from(w, regs[2]));
		regs[3] = any_list(m);
		if (!moves_rarely(m, 3)) {
			write_list(m, w, regs[3], regs[4]);
		}
		break;
	case 0x138:
		regs[3] = moves_rarely(m, 4) ? any_tce(m, w) : 0;
		regs[4] = any_count(m, pages_from(w, regs[2]));
		break;
	default:
		break;
	}
}

/* --- RTAS --- */

static void write_call(struct moves *m, uint64_t at, uint32_t token, unsigned int nargs,
	unsigned int nret, const uint32_t *args)
{
	const uint32_t header[] = {token, nargs, nret};
	unsigned int cells = nargs < RTAS_MAX_CELLS ? nargs : RTAS_MAX_CELLS;

	for (unsigned int i = 0; i < 3 + cells; i++) {
		if (at + 4 * i + 4 <= self(m)->ram_size && at % 4 == 0) {
			m->poke(m->who, at + 4 * i, i < 3 ? header[i] : args[i - 3], 4);
		}
	}
}

static void address(uint32_t *args, const struct spec_bridge *b)
{
	args[0] = 0;
	args[1] = 0x08000000;
	args[2] = 0x20000000 + b->index;
}

static void any_create(struct moves *m, uint32_t *args)
{
	static const uint32_t shifts[] = {
		12, 12, 16, 16, 21, 21, 12, 13, 24, 30, 80, 63, 0, 11, UINT32_MAX, 44, 76, 33};
	static const uint32_t sizes[] = {0, 31, 32, 40, 44, 53, 57, 59, 60, 63, 64, 80, UINT32_MAX};

	args[3] =
		shifts[moves_below(m, moves_rarely(m, 6) ? sizeof(shifts) / sizeof(shifts[0]) : 6)];
	args[4] = moves_rarely(m, 2) ? ONE_OF(m, sizes) : args[3] + (uint32_t)moves_below(m, 14);
	args[4] -= moves_rarely(m, 16);
}

/* What a query has just promised, in full. */
static bool promised_create(struct moves *m, uint32_t *args)
{
	const struct spec_bridge *b = self(m)->promised_to;

	if (!b || moves_rarely(m, 3)) {
		return false;
	}
	address(args, b);
	args[3] = b->pages >> 21 & moves_below(m, 2) ? 21 : moves_rarely(m, 2) ? 12 : 16;
	args[4] = args[3] + 63 - (uint32_t)__builtin_clzll(self(m)->promise);
	return true;
}

static uint64_t any_buffer(struct moves *m)
{
	uint64_t end = self(m)->ram_size;

	switch (moves_below(m, 24)) {
	case 0:
		return end - 4 * moves_below(m, 16);
	case 1:
		return 0x8000 + moves_below(m, 8);
	case 2:
		return noise(m);
	case 3:
		return HOST_RAM + 0x8000;
	default:
		return 0x8000 + (moves_below(m, 4) << 2);
	}
}

static void rtas_call(struct moves *m, uint64_t *regs)
{
	static const unsigned int nargs_of[] = {3, 5, 1, 3}, nret_of[] = {5, 4, 1, 1};
	static const uint32_t strange[] = {0, 16, 17, 0x3fffffff, 0x40000000, UINT32_MAX, 7, 12};
	/* Reset is the rarest: it undoes all. */
	static const enum spec_service services[] = {SPEC_QUERY, SPEC_QUERY, SPEC_CREATE,
		SPEC_CREATE, SPEC_CREATE, SPEC_CREATE, SPEC_REMOVE, SPEC_REMOVE, SPEC_REMOVE,
		SPEC_RESET};
	enum spec_service s = self(m)->promised_to ? SPEC_CREATE : ONE_OF(m, services);
	const struct spec_bridge *b = bridge_with_ddw(m);
	uint32_t token = self(m)->tokens[s], args[RTAS_MAX_CELLS];
	unsigned int nargs = nargs_of[s], nret = nret_of[s];

	for (unsigned int i = 0; i < RTAS_MAX_CELLS; i++) {
		args[i] = (uint32_t)noise(m);
	}
	address(args, b);
	if (moves_rarely(m, 24)) {
		uint32_t bit = (uint32_t)1 << moves_below(m, 32);

		args[moves_below(m, 3)] ^= bit;
	}
	if (s == SPEC_CREATE) {
		if (!promised_create(m, args)) {
			any_create(m, args);
		}
	} else if (s == SPEC_REMOVE) {
		args[0] = (uint32_t)any_liobn(m, b, any_slot(m, b));
	} else if (s == SPEC_QUERY) {
		nret += moves_rarely(m, 2);
	}
	if (moves_rarely(m, 16)) {
		nargs = ONE_OF(m, strange);
	}
	if (moves_rarely(m, 16)) {
		nret = ONE_OF(m, strange);
	}
	if (moves_rarely(m, 30)) {
		token ^= (uint32_t)0x5a000000 << moves_below(m, 2);
	}
	regs[0] = 0xf000;
	regs[1] = any_buffer(m);
	write_call(m, regs[1], token, nargs, nret, args);
}

/* --- all --- */

static void unknown_call(struct moves *m, uint64_t *regs)
{
	static const uint64_t ops[] = {0, 0x18, 0x1d, 0x21, 0x22, 0x13a, 0xf001, 0xf004, 0xfffff0,
		UINT64_MAX, 0x10000001c, 0x100000020, 0x8000000000000138};

	tce_call(m, 0x20, regs);
	regs[0] = ONE_OF(m, ops);
}

void moves_trap(struct moves *m, struct spec_trap *t)
{
	for (unsigned int i = 0; i < SPEC_NREGS; i++) {
		t->regs[i] = noise(m);
	}
	switch (self(m)->promised_to ? 1 : moves_below(m, 32)) {
	case 0:
		unknown_call(m, t->regs);
		break;
	case 1:
	case 2:
	case 3:
		rtas_call(m, t->regs);
		break;
	case 4:
	case 5:
	case 6:
		tce_call(m, 0x1c, t->regs);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
	case 12:
		tce_call(m, 0x138, t->regs);
		break;
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
		tce_call(m, 0x13c, t->regs);
		break;
	default:
		tce_call(m, 0x20, t->regs);
		break;
	}
	t->problem = moves_rarely(m, 200);
	t->sf32 = moves_rarely(m, 20) || (t->regs[0] == 0xf000 && !moves_rarely(m, 4));
	/* High halves that a 32-bit caller does not know of. */
	for (unsigned int i = 0; t->sf32 && i < SPEC_NREGS && moves_rarely(m, 2); i++) {
		t->regs[i] |= noise(m) << 32;
	}
}
