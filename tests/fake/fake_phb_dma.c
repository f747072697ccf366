// SPDX-License-Identifier: Apache-2.0
/*
 * DMA through the strict model: the walk of the table, the cache of what was walked, faults, and
 * transfers that are translated and have not reached memory yet.
 */
#include "tests/fake/fake_phb_parts.h"

#include "core/be.h"
#include "core/range.h"

#include <string.h>

#define PERM_BOTH 3u

bool fake_phb_in_ram(const struct fake_phb *f, uint64_t at, uint64_t len)
{
	return range_inside(at, len, FAKE_RAM_BASE, f->ram->size);
}

static uint8_t *ram_ptr(const struct fake_phb *f, uint64_t at)
{
	return f->ram->mem + (at - FAKE_RAM_BASE);
}

void fake_phb_forget(struct fake_phb *f, unsigned int pe)
{
	for (unsigned int i = 0; i < FAKE_MAX_PES; i++) {
		f->epoch[i] += pe == UINT32_MAX || pe == i;
	}
}

static bool same_entry(const struct fake_cached *a, const struct fake_cached *b)
{
	return a->page == b->page && a->pe == b->pe && a->level == b->level &&
	       a->shift == b->shift && a->epoch == b->epoch;
}

/* The entry at host address at, of a level where one covers 2^shift bytes of bus addresses; from
 * the cache if it has been fetched before, whatever it said. An entry has FAKE_WAYS places. */
static uint64_t load_entry(struct fake_phb *f, unsigned int pe, unsigned int level,
	unsigned int shift, uint64_t iova, uint64_t at)
{
	struct fake_cached key = {
		f->epoch[pe] + 1, pe, level, shift, align_down(iova, 1ull << shift), 0};
	uint64_t set = ((iova >> shift) + pe * 17ull) % (FAKE_CACHE / FAKE_WAYS);
	struct fake_cached *line = &f->cache[set * FAKE_WAYS];
	be64_t raw;

	for (unsigned int i = 0; i < FAKE_WAYS; i++) {
		if (same_entry(&line[i], &key)) {
			return line[i].entry;
		}
	}
	memcpy(&raw, ram_ptr(f, at), sizeof(raw));
	key.entry = be64_get(raw);
	line[f->next_way++ % FAKE_WAYS] = key;
	return key.entry;
}

/* The node that an upper entry leads to. Hardware would ignore what is wrong with it and read
 * something; who wrote it has made a mistake, which is counted, and the DMA faults. */
static bool follow(struct fake_phb *f, const struct fake_window *w, uint64_t entry, uint64_t *node)
{
	*node = entry & ~(uint64_t)PERM_BOTH;
	if ((entry & PERM_BOTH) != PERM_BOTH) {
		f->malformed += entry != 0;
		return false;
	}
	if (!is_aligned(*node, w->bytes) || !fake_phb_in_ram(f, *node, w->bytes)) {
		f->malformed++;
		return false;
	}
	return true;
}

/* Walks the table. 0: there is no such entry, or it leads nowhere. */
static uint64_t walk(
	struct fake_phb *f, unsigned int pe, const struct fake_window *w, uint64_t iova)
{
	unsigned int bits = (unsigned int)__builtin_ctzll(w->bytes / 8);
	unsigned int shift = w->page_shift + bits * w->levels;
	uint64_t offset = iova & ~(1ull << FAKE_WINDOW_BIT);
	uint64_t node = w->table.v;
	uint64_t entry = 0;

	/* Nothing wraps: what the levels do not cover is outside, and so is what is no memory. */
	if (offset >> FAKE_WINDOW_BIT || (shift < FAKE_WINDOW_BIT && offset >> shift)) {
		return 0;
	}
	for (unsigned int level = w->levels; level-- > 0;) {
		uint64_t index;

		/* Upper entries of a table that could cover more have only the bits there are. */
		shift = w->page_shift + bits * level;
		index = shift < 64 ? offset >> shift & ((1ull << bits) - 1) : 0;
		entry = load_entry(f, pe, level, shift < 63 ? shift : 63, iova, node + index * 8);
		if (level && !follow(f, w, entry, &node)) {
			return 0;
		}
	}
	return entry;
}

/* Where a transfer within one page goes; false: it faults. */
static bool translate(
	struct fake_phb *f, unsigned int pe, uint64_t iova, uint64_t len, bool write, uint64_t *at)
{
	const struct fake_window *w = &f->windows[pe][iova >> FAKE_WINDOW_BIT & 1];
	uint64_t page = 1ull << w->page_shift;
	uint64_t tce, target;

	if (f->frozen[pe] || !w->on) {
		return false;
	}
	tce = walk(f, pe, w, iova);
	target = tce & ~(uint64_t)PERM_BOTH;
	*at = target + (iova & (page - 1));
	if (!(tce & PERM_BOTH)) {
		return false;
	}
	if (!is_aligned(target, page) || !fake_phb_in_ram(f, *at, len)) {
		f->malformed++;
		return false;
	}
	return tce & (write ? 2 : 1);
}

void fake_phb_thaw(struct fake_phb *f)
{
	memset(f->frozen, 0, sizeof(f->frozen));
}

static void freeze(struct fake_phb *f, unsigned int pe)
{
	f->frozen[pe] = true;
	f->faults++;
}

static bool device_may(struct fake_phb *f, uint16_t bdfn)
{
	struct fake_func *func = fake_phb_route(f, bdfn);

	return func && fake_phb_may_master(f, func);
}

int fake_phb_dma(
	struct fake_phb *f, uint16_t bdfn, uint64_t iova, void *buf, size_t len, bool write)
{
	unsigned int pe = f->pe_of_bus[bdfn >> 8];
	uint8_t *p = buf;

	if (!device_may(f, bdfn)) {
		return -EFAULT;
	}
	fake_phb_push_writes(f, bdfn, UINT64_MAX);
	while (len) {
		uint64_t page = 1ull << f->windows[pe][iova >> FAKE_WINDOW_BIT & 1].page_shift;
		uint64_t n = page - (iova & (page - 1));
		uint64_t at;

		n = n < len ? n : len;
		if (!translate(f, pe, iova, n, write, &at)) {
			freeze(f, pe);
			return -EFAULT;
		}
		if (write) {
			memcpy(ram_ptr(f, at), p, n);
		} else {
			memcpy(p, ram_ptr(f, at), n);
		}
		iova += n;
		p += n;
		len -= n;
	}
	return 0;
}

static void end_write(struct fake_phb *f, struct fake_flight *fl)
{
	memcpy(ram_ptr(f, fl->at), fl->data, fl->len);
	fl->started = 0;
}

/* Nothing of a function, not even a read, passes what it wrote before. */
static void end_read(struct fake_phb *f, struct fake_flight *fl)
{
	fake_phb_push_writes(f, fl->bdfn, fl->started);
	memcpy(fl->buf, ram_ptr(f, fl->at), fl->len);
	fl->started = 0;
}

int fake_phb_dma_start(struct fake_phb *f, uint16_t bdfn, uint64_t iova, void *buf, size_t len,
	bool write, uint64_t *id)
{
	unsigned int pe = f->pe_of_bus[bdfn >> 8];
	uint64_t page = 1ull << f->windows[pe][iova >> FAKE_WINDOW_BIT & 1].page_shift;
	struct fake_flight *fl = NULL;
	uint64_t at;

	for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
		fl = !f->flights[i].started ? &f->flights[i] : fl;
	}
	if (!fl || !len || len > sizeof(fl->data) || len > page - (iova & (page - 1))) {
		return -EINVAL;
	}
	if (!device_may(f, bdfn)) {
		return -EFAULT;
	}
	if (!translate(f, pe, iova, len, write, &at)) {
		freeze(f, pe);
		return -EFAULT;
	}
	*fl = (struct fake_flight){
		.started = ++f->nstarted,
		.bdfn = bdfn,
		.pe = pe,
		.write = write,
		.at = at,
		.buf = buf,
		.len = len,
	};
	if (write) {
		memcpy(fl->data, buf, len);
	}
	*id = fl->started;
	return 0;
}

void fake_phb_dma_finish(struct fake_phb *f, uint64_t id)
{
	for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
		struct fake_flight *fl = &f->flights[i];

		if (!id || fl->started != id) {
			continue;
		}
		if (fl->write) {
			fake_phb_push_writes(f, fl->bdfn, id);
		} else {
			end_read(f, fl);
		}
	}
}

unsigned int fake_phb_in_flight(const struct fake_phb *f)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
		n += f->flights[i].started != 0;
	}
	return n;
}

void fake_phb_end_reads(struct fake_phb *f, unsigned int pe)
{
	for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
		struct fake_flight *fl = &f->flights[i];

		if (fl->started && fl->pe == pe && !fl->write) {
			end_read(f, fl);
		}
	}
}

/* In the order they were started: nothing else may be seen in memory. */
void fake_phb_push_writes(struct fake_phb *f, uint16_t bdfn, uint64_t last)
{
	struct fake_flight *next;

	do {
		next = NULL;
		for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
			struct fake_flight *fl = &f->flights[i];

			if (fl->started && fl->write && fl->bdfn == bdfn && fl->started <= last &&
				(!next || fl->started < next->started)) {
				next = fl;
			}
		}
		if (next) {
			end_write(f, next);
		}
	} while (next);
}
