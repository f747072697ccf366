// SPDX-License-Identifier: Apache-2.0
/*
 * sPAPR TCE v2 over our own PHBs. The table a PHB walks is the only record of what is mapped:
 * entries are stored into it one by one, each in one piece, and read back from it.
 *
 * What hardware may look at is released late: a table is emptied, the windows of every PE that knew
 * it are turned off, their caches killed, and only if all of that was confirmed is it freed.
 */
#include "core/vfio_spapr.h"

#include "core/be.h"
#include "core/host_pci.h"
#include "core/log.h"
#include "core/range.h"

#include <stdatomic.h>
#include <string.h>

/* Bus addresses with this bit set are window 1's. */
#define WINDOW_BIT 59u
/* The smallest table a PHB takes; a smaller window uses the start of one. */
#define TABLE_MIN MEM_PAGE
/* Above this many pages a PE's cache is killed as a whole: firmware kills page by page. */
#define KILL_PAGES_MAX 512u
/* Real addresses have at most 60 bits (Power ISA). */
#define REAL_LIMIT (1ull << 60)

#define PERM_MASK ((uint64_t)(VFIO_DMA_READ | VFIO_DMA_WRITE))

struct spapr_window {
	uint64_t start;
	uint64_t size; /* 0: not open */
	unsigned int page_shift;
	be64_t *tce;
	hpa_t table;
	/* 0: no table. A table without an open window is one that hardware may still look at. */
	uint64_t table_bytes;
};

/* A container's data, one page of the pool. */
struct spapr {
	struct vfio *vfio;
	struct log_limit log;
	bool stuck; /* a PE could not be closed: the tables are lost */
	unsigned int ngroups;
	unsigned int groups[VFIO_MAX_GROUPS]; /* indices into board.groups */
	atomic_uint walkers; /* who is inside a walk of a table: it stays until they are out */
	struct spapr_window windows[HOST_PHB_MAX_WINDOWS];
};

_Static_assert(sizeof(struct spapr) <= MEM_PAGE, "container data must fit the page it gets");

static struct host_group *group_at(const struct spapr *s, unsigned int i)
{
	return &s->vfio->board->groups[s->groups[i]];
}

static struct host_phb *phb_of(const struct spapr *s, const struct host_group *g)
{
	return &s->vfio->board->phbs[g->phb];
}

static bool spapr_check_extension(unsigned int extension)
{
	return extension == VFIO_SPAPR_TCE_v2_IOMMU;
}

static int spapr_open(struct vfio *vfio, unsigned int model, void **data)
{
	struct spapr *s;
	hpa_t at;
	int err;

	(void)model;
	err = mem_alloc(vfio->pool, MEM_PAGE, MEM_PAGE, &at);
	if (err) {
		return err;
	}
	s = mem_ptr(vfio->pool, at);
	memset(s, 0, MEM_PAGE);
	s->vfio = vfio;
	*data = s;
	return 0;
}

static void free_pages(struct mem_pool *pool, hpa_t at, uint64_t size)
{
	int err = mem_free(pool, at, size);

	if (err) {
		log_msg(LOG_WARN, "VFIO: 0x%llx bytes of table memory stay out of use (%s)",
			(unsigned long long)size, err_name(err));
	}
}

/* One 64-bit store: the PHB sees the old entry or the new one, never a mixture. */
static void store_tce(be64_t *tce, uint64_t val)
{
	__atomic_store_n(&tce->raw, be64(val).raw, __ATOMIC_RELAXED);
}

static uint64_t load_tce(const be64_t *tce)
{
	return be64_get((be64_t){__atomic_load_n(&tce->raw, __ATOMIC_RELAXED)});
}

static void clear_tces(be64_t *tce, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		store_tce(&tce[i], 0);
	}
}

static uint64_t window_pages(const struct spapr_window *w)
{
	return w->size >> w->page_shift;
}

/* What this PHB's walker and cache did with window win of the PE is over. */
static int close_on_group(const struct spapr *s, const struct host_group *g, unsigned int win)
{
	struct host_phb *phb = phb_of(s, g);
	int err = phb->ops->window_off(phb, g->pe, win);
	int kill_err = phb->ops->tce_kill(phb, g->pe, 0, ioba(0), 0);

	return err ? err : kill_err;
}

/* Ends a window known to the first ngroups groups. If one of them does not confirm, the table stays
 * ours, empty, until spapr_release: the groups' quarantine may still succeed. */
static int retire_window(struct spapr *s, unsigned int win, unsigned int ngroups)
{
	struct spapr_window *w = &s->windows[win];
	int err = 0;

	clear_tces(w->tce, window_pages(w));
	__atomic_store_n(&w->size, 0, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	/* Whoever walks it has counted himself in before he looked at the size. */
	while (atomic_load(&s->walkers)) {
	}
	for (unsigned int i = 0; i < ngroups; i++) {
		int e = close_on_group(s, group_at(s, i), win);

		err = err ? err : e;
	}
	/* A PE that has left without being closed may look, too. */
	if (!err && !s->stuck) {
		free_pages(s->vfio->pool, w->table, w->table_bytes);
		w->table_bytes = 0;
	}
	return err;
}

static void spapr_release(void *data)
{
	struct spapr *s = data;
	hpa_t self = hpa((uint64_t)((uintptr_t)s - s->vfio->pool->bias));

	for (unsigned int i = 0; i < HOST_PHB_MAX_WINDOWS; i++) {
		struct spapr_window *w = &s->windows[i];

		if (!w->table_bytes) {
			continue;
		}
		clear_tces(w->tce, window_pages(w));
		if (s->stuck) {
			log_msg(LOG_ERR,
				"VFIO: a PE may still see a TCE table: 0x%llx bytes are kept out "
				"of "
				"use, empty",
				(unsigned long long)w->table_bytes);
		} else {
			free_pages(s->vfio->pool, w->table, w->table_bytes);
		}
	}
	atomic_thread_fence(memory_order_seq_cst);
	free_pages(s->vfio->pool, self, MEM_PAGE);
}

/* The PE's window win is what the container's is. */
static int show_window(const struct spapr *s, const struct host_group *g, unsigned int win)
{
	const struct spapr_window *w = &s->windows[win];
	struct host_phb *phb = phb_of(s, g);

	if (!w->size) {
		return phb->ops->window_off(phb, g->pe, win);
	}
	return phb->ops->window_set(phb, g->pe, win, w->table, w->table_bytes, 1, w->page_shift);
}

static int spapr_attach_group(void *data, struct vfio_group *group)
{
	struct spapr *s = data;
	struct host_group *g = &s->vfio->board->groups[group->host];
	int err = 0;

	/* Open from the first step on, so that whoever stops half way has to close it. */
	g->closed = false;
	for (unsigned int win = 0; win < HOST_PHB_MAX_WINDOWS && !err; win++) {
		err = show_window(s, g, win);
	}
	if (err) {
		if (host_pci_quarantine(s->vfio->board, g)) {
			s->stuck = true;
		}
		return err;
	}
	s->groups[s->ngroups++] = group->host;
	return 0;
}

static void spapr_detach_group(void *data, struct vfio_group *group)
{
	struct spapr *s = data;
	unsigned int i = 0;

	if (host_pci_quarantine(s->vfio->board, &s->vfio->board->groups[group->host])) {
		s->stuck = true;
	}
	while (i < s->ngroups && s->groups[i] != group->host) {
		i++;
	}
	if (i < s->ngroups) {
		s->groups[i] = s->groups[--s->ngroups];
	}
}

static uint32_t common_page_shifts(const struct spapr *s)
{
	uint32_t shifts = UINT32_MAX;

	for (unsigned int i = 0; i < s->ngroups; i++) {
		shifts &= phb_of(s, group_at(s, i))->page_shifts;
	}
	return shifts;
}

static bool window_sound(const struct spapr *s, const struct vfio_window *ask)
{
	return ask->levels <= 1 && ask->page_shift >= 12 && ask->page_shift < 32 &&
	       (common_page_shifts(s) >> ask->page_shift & 1) && is_pow2(ask->size) &&
	       ask->size >> ask->page_shift && ask->size <= 1ull << WINDOW_BIT;
}

uint64_t vfio_spapr_table_size(uint64_t size, unsigned int page_shift)
{
	uint64_t bytes = (size >> page_shift) * sizeof(be64_t);

	return bytes < TABLE_MIN ? TABLE_MIN : bytes;
}

static int alloc_table(struct spapr *s, struct spapr_window *w, const struct vfio_window *ask)
{
	uint64_t bytes = vfio_spapr_table_size(ask->size, ask->page_shift);
	int err;

	err = mem_alloc(s->vfio->pool, bytes, bytes, &w->table);
	if (err) {
		return err;
	}
	w->tce = mem_ptr(s->vfio->pool, w->table);
	w->table_bytes = bytes;
	memset(w->tce, 0, bytes);
	return 0;
}

static int spapr_create_window(void *data, struct vfio_window *ask)
{
	struct spapr *s = data;
	struct spapr_window *w;
	unsigned int win = 0;
	int err;

	if (!window_sound(s, ask)) {
		return -EINVAL;
	}
	while (win < HOST_PHB_MAX_WINDOWS && s->windows[win].table_bytes) {
		win++;
	}
	if (win == HOST_PHB_MAX_WINDOWS) {
		return -ENOSPC;
	}
	w = &s->windows[win];
	err = alloc_table(s, w, ask);
	if (err) {
		return err;
	}
	w->start = (uint64_t)win << WINDOW_BIT;
	w->page_shift = ask->page_shift;
	/* Last: a walker that sees it sees the others. */
	__atomic_store_n(&w->size, ask->size, __ATOMIC_RELEASE);
	/* The table is empty in memory before any PHB can look. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < s->ngroups; i++) {
		err = show_window(s, group_at(s, i), win);
		if (err) {
			/* The one that failed may have heard of it, too. The first error counts. */
			(void)!retire_window(s, win, i + 1);
			return err;
		}
	}
	ask->levels = 1;
	ask->start = ioba(w->start);
	return 0;
}

static int spapr_remove_window(void *data, ioba_t start)
{
	struct spapr *s = data;

	for (unsigned int win = 0; win < HOST_PHB_MAX_WINDOWS; win++) {
		if (s->windows[win].size && s->windows[win].start == start.v) {
			return retire_window(s, win, s->ngroups);
		}
	}
	return -EINVAL;
}

/* The window that has all of [iova, iova + len), whole pages; NULL if there is none. */
static struct spapr_window *find_window(struct spapr *s, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = &s->windows[iova.v >> WINDOW_BIT & 1];

	if (!len || !is_aligned(iova.v | len, 1ull << w->page_shift) ||
		!range_inside(iova.v, len, w->start, w->size)) {
		return NULL;
	}
	return w;
}

static be64_t *tce_at(const struct spapr_window *w, ioba_t iova)
{
	return &w->tce[(iova.v - w->start) >> w->page_shift];
}

static int spapr_reserve(void *data, ioba_t iova, uint64_t len)
{
	return find_window(data, iova, len) ? 0 : -EINVAL;
}

/* The length of all runs together; 0 if one of them is not as it should be. */
static uint64_t sum_runs(const struct vfio_run *runs, unsigned int nruns, unsigned int page_shift)
{
	uint64_t page = 1ull << page_shift;
	uint64_t total = 0;

	for (unsigned int i = 0; i < nruns; i++) {
		const struct vfio_run *r = &runs[i];

		if (!r->len || !is_aligned(r->len, page) || r->len > UINT64_MAX - total ||
			(r->perm & ~PERM_MASK)) {
			return 0;
		}
		if (r->perm && (!is_aligned(r->target.v, page) ||
				       !range_below(r->target.v, r->len, REAL_LIMIT))) {
			return 0;
		}
		total += r->len;
	}
	return total;
}

static int spapr_map(void *data, ioba_t iova, const struct vfio_run *runs, unsigned int nruns)
{
	struct spapr *s = data;
	unsigned int shift = s->windows[iova.v >> WINDOW_BIT & 1].page_shift;
	struct spapr_window *w = find_window(s, iova, sum_runs(runs, nruns, shift));
	be64_t *tce;

	if (!w) {
		return -EINVAL;
	}
	tce = tce_at(w, iova);
	for (unsigned int i = 0; i < nruns; i++) {
		uint64_t n = runs[i].len >> shift;
		uint64_t val = runs[i].perm ? runs[i].target.v | runs[i].perm : 0;
		uint64_t step = runs[i].perm ? 1ull << shift : 0;

		for (; n; n--, val += step) {
			store_tce(tce++, val);
		}
	}
	return 0;
}

static int spapr_unmap(void *data, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = find_window(data, iova, len);

	if (!w) {
		return -EINVAL;
	}
	clear_tces(tce_at(w, iova), len >> w->page_shift);
	return 0;
}

static int spapr_lookup(void *data, ioba_t iova, struct vfio_run *out)
{
	struct spapr *s = data;
	uint64_t page = 1ull << s->windows[iova.v >> WINDOW_BIT & 1].page_shift;
	struct spapr_window *w = find_window(s, iova, page);
	uint64_t val;

	if (!w) {
		return -EINVAL;
	}
	val = load_tce(tce_at(w, iova));
	out->perm = (unsigned int)(val & PERM_MASK);
	out->target = hpa(out->perm ? align_down(val, page) : 0);
	out->len = page;
	return 0;
}

static int spapr_flush(void *data, ioba_t iova, uint64_t len)
{
	struct spapr *s = data;
	struct spapr_window *w = find_window(s, iova, len);
	uint64_t npages;
	int err = 0;

	if (!w) {
		return -EINVAL;
	}
	npages = len >> w->page_shift;
	npages = npages > KILL_PAGES_MAX ? 0 : npages;
	/* The PHB fetches from memory as soon as it has forgotten: the stores must be there. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < s->ngroups; i++) {
		struct host_group *g = group_at(s, i);
		struct host_phb *phb = phb_of(s, g);
		int e = phb->ops->tce_kill(phb, g->pe, w->page_shift, iova, npages);

		if (e) {
			log_limited(&s->log, LOG_ERR,
				"PHB#%04x[%03x]: TCE invalidation failed (%s)",
				(unsigned int)phb->id, g->pe, err_name(e));
			err = err ? err : -EIO;
		}
	}
	return err;
}

const struct vfio_iommu_driver vfio_spapr_v2_driver = {
	.name = "spapr-tce-v2",
	.check_extension = spapr_check_extension,
	.open = spapr_open,
	.release = spapr_release,
	.attach_group = spapr_attach_group,
	.detach_group = spapr_detach_group,
	.create_window = spapr_create_window,
	.remove_window = spapr_remove_window,
	.reserve = spapr_reserve,
	.map = spapr_map,
	.unmap = spapr_unmap,
	.lookup = spapr_lookup,
	.flush = spapr_flush,
};

uint64_t vfio_spapr_count_live(const struct vfio_container *c)
{
	const struct spapr *s = c->data;
	uint64_t live = 0;

	if (c->driver != &vfio_spapr_v2_driver) {
		return 0;
	}
	for (unsigned int i = 0; i < HOST_PHB_MAX_WINDOWS; i++) {
		const struct spapr_window *w = &s->windows[i];

		for (uint64_t k = 0; k < window_pages(w); k++) {
			live += (load_tce(&w->tce[k]) & PERM_MASK) != 0;
		}
	}
	return live;
}

uint64_t vfio_spapr_table_bytes(const struct vfio *v)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		const struct vfio_container *c = &v->containers[i];
		const struct spapr *s = c->data;

		if (c->driver != &vfio_spapr_v2_driver) {
			continue;
		}
		for (unsigned int k = 0; k < HOST_PHB_MAX_WINDOWS; k++) {
			bytes += s->windows[k].table_bytes;
		}
	}
	return bytes;
}

uint64_t vfio_spapr_held_bytes(const struct vfio_container *c, ioba_t start)
{
	const struct spapr *s = c->data;

	if (c->driver != &vfio_spapr_v2_driver) {
		return 0;
	}
	return s->windows[start.v >> WINDOW_BIT & 1].table_bytes;
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

	if (c->driver != &vfio_spapr_v2_driver || win >= HOST_PHB_MAX_WINDOWS) {
		return false;
	}
	w = enter_window(c->data, win);
	if (!w) {
		return false;
	}
	out->start = ioba(w->start);
	out->size = __atomic_load_n(&w->size, __ATOMIC_RELAXED);
	out->page_shift = w->page_shift;
	out->table = w->table;
	out->table_bytes = w->table_bytes;
	leave_window(c->data);
	/* It may have been closed while it was looked at. */
	return out->size != 0;
}

uint64_t vfio_spapr_walk(const struct vfio_container *c, unsigned int win, uint64_t first,
	uint64_t n, void (*fn)(void *ctx, ioba_t at, const struct vfio_run *run), void *ctx)
{
	const struct spapr_window *w;
	uint64_t pages, i;

	if (c->driver != &vfio_spapr_v2_driver || win >= HOST_PHB_MAX_WINDOWS) {
		return 0;
	}
	w = enter_window(c->data, win);
	if (!w) {
		return 0;
	}
	pages = __atomic_load_n(&w->size, __ATOMIC_RELAXED) >> w->page_shift;
	for (i = 0; i < n && first < pages && i < pages - first; i++) {
		uint64_t val = load_tce(&w->tce[first + i]);
		struct vfio_run run = {hpa(val & ~PERM_MASK), 1ull << w->page_shift,
			(unsigned int)(val & PERM_MASK)};

		if (run.perm) {
			fn(ctx, ioba(w->start + ((first + i) << w->page_shift)), &run);
		}
	}
	leave_window(c->data);
	return i;
}
