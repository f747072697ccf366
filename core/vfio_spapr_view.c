// SPDX-License-Identifier: Apache-2.0
/*
 * Looking at the windows of a container while they are in use: for summaries, the monitor and the
 * audit. Whoever looks counts himself in, and a window that is being removed waits for him.
 */
#include "core/vfio_spapr_parts.h"

#include <stddef.h>

static const struct spapr *spapr_of(const struct vfio_container *c)
{
	return c->driver == &vfio_spapr_v2_driver ? c->data : NULL;
}

static void count_entry(void *ctx, const struct vfio_spapr_entry *entry)
{
	uint64_t *live = ctx;

	(void)entry;
	++*live;
}

uint64_t vfio_spapr_count_live(const struct vfio_container *c)
{
	uint64_t live = 0;

	for (unsigned int i = 0; i < HOST_PHB_MAX_WINDOWS; i++) {
		uint64_t budget = UINT64_MAX;

		(void)vfio_spapr_walk(c, i, 0, &budget, count_entry, &live);
	}
	return live;
}

uint64_t vfio_spapr_table_bytes(const struct vfio *v)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		const struct spapr *s = spapr_of(&v->containers[i]);

		for (unsigned int k = 0; s && k < HOST_PHB_MAX_WINDOWS; k++) {
			bytes += tce_table_bytes(&s->windows[k].table);
		}
	}
	return bytes;
}

uint64_t vfio_spapr_held_bytes(const struct vfio_container *c, ioba_t start)
{
	const struct spapr *s = spapr_of(c);

	return s ? tce_table_bytes(&s->windows[start.v >> WINDOW_BIT & 1].table) : 0;
}

/* Counts a walker in; the window, or NULL, and then the walker is out again. The container is not
 * released meanwhile, and the count is no part of what a const container promises. */
static const struct spapr_window *enter_window(struct spapr *s, unsigned int win)
{
	const struct spapr_window *w = &s->windows[win];

	atomic_fetch_add(&s->walkers, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (__atomic_load_n(&w->size, __ATOMIC_ACQUIRE)) {
		return w;
	}
	atomic_fetch_sub(&s->walkers, 1);
	return NULL;
}

static void leave_window(struct spapr *s)
{
	atomic_fetch_sub(&s->walkers, 1);
}

bool vfio_spapr_view(const struct vfio_container *c, unsigned int win, struct vfio_spapr_view *out)
{
	const struct spapr_window *w;

	if (!spapr_of(c) || win >= HOST_PHB_MAX_WINDOWS) {
		return false;
	}
	w = enter_window(c->data, win);
	if (!w) {
		return false;
	}
	out->start = ioba(w->start);
	out->size = __atomic_load_n(&w->size, __ATOMIC_RELAXED);
	out->page_shift = w->page_shift;
	out->levels = w->table.levels;
	out->table = w->table.root;
	out->table_bytes = tce_table_bytes(&w->table);
	out->pool = c->tables->base;
	out->pool_bytes = c->tables->npages * MEM_PAGE;
	leave_window(c->data);
	/* It may have been closed while it was looked at. */
	return out->size != 0;
}

/* Up to n entries of one node. */
static void visit(const struct spapr_window *w, uint64_t first, const be64_t *tce, uint64_t n,
	void (*fn)(void *ctx, const struct vfio_spapr_entry *entry), void *ctx)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t val = tce_table_load(&tce[i]);
		struct vfio_spapr_entry entry = {ioba(w->start + ((first + i) << w->page_shift)),
			hpa(val & ~PERM_MASK), 1ull << w->page_shift,
			(unsigned int)(val & PERM_MASK)};

		if (entry.perm) {
			fn(ctx, &entry);
		}
	}
}

uint64_t vfio_spapr_walk(const struct vfio_container *c, unsigned int win, uint64_t first,
	uint64_t *budget, void (*fn)(void *ctx, const struct vfio_spapr_entry *entry), void *ctx)
{
	const struct spapr_window *w;
	uint64_t pages;

	if (!spapr_of(c) || win >= HOST_PHB_MAX_WINDOWS) {
		return 0;
	}
	w = enter_window(c->data, win);
	if (!w) {
		return 0;
	}
	pages = w->table.nentries;
	while (first < pages && *budget) {
		uint64_t k;
		const be64_t *tce = tce_table_at(&w->table, first, &k);

		if (tce) {
			k = k < *budget ? k : *budget;
			visit(w, first, tce, k, fn, ctx);
		}
		*budget -= tce ? k : 1;
		first += k;
	}
	leave_window(c->data);
	return first;
}
