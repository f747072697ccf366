// SPDX-License-Identifier: Apache-2.0
/*
 * A shadow of what is mapped below. It is changed after the IOMMU, never before, so that until the
 * end of a call it says what to go back to; nothing else has to be kept for that.
 */
#include "core/vfio_shadow.h"

#include "core/log.h"
#include "core/range.h"
#include "core/tce_table.h"

#include <stdatomic.h>
#include <string.h>

#define NWINDOWS   2u
#define WINDOW_BIT 59u
#define MIN_SHIFT  12u
#define MAX_SHIFT  34u

#define PERM_MASK ((uint64_t)(VFIO_DMA_READ | VFIO_DMA_WRITE))
/* In an entry without access: what is below is not known. Words have nothing in this bit. */
#define STALE 4ull

struct shadow_window {
	struct vfio_window shape;
	bool open;
	bool lost; /* it was removed, and nobody knows whether it is gone */
	struct tce_table table;
	atomic_bool was_stale; /* some entry has been STALE */
};

struct vfio_shadow {
	struct vfio_container *container;
	const struct vfio_shadow_ops *ops;
	void *hw;
	bool registered;
	struct log_limit log;
	struct shadow_window windows[NWINDOWS];
};

_Static_assert(sizeof(struct vfio_shadow) <= MEM_PAGE, "container data must fit the page it gets");

/* n entries of a window from number first on, none of them past its end. */
struct span {
	struct vfio_shadow *s;
	struct shadow_window *w;
	uint64_t first;
	uint64_t n;
};

int vfio_shadow_open(struct vfio_container *c, const struct vfio_shadow_ops *ops, void *hw,
	struct vfio_shadow **out)
{
	hpa_t at;
	int err = page_pool_take(c->tables, 1, &at);

	if (err) {
		return err;
	}
	*out = page_pool_ptr(c->tables, at);
	memset(*out, 0, sizeof(**out));
	(*out)->container = c;
	(*out)->ops = ops;
	(*out)->hw = hw;
	return 0;
}

void vfio_shadow_release(struct vfio_shadow *s)
{
	struct page_pool *pool = s->container->tables;

	for (unsigned int i = 0; i < NWINDOWS; i++) {
		if (s->windows[i].open) {
			tce_table_exit(&s->windows[i].table);
		}
	}
	page_pool_give(pool, hpa((uint64_t)((uintptr_t)s - pool->bias)));
}

void *vfio_shadow_hw(void *data)
{
	const struct vfio_shadow *s = data;

	return s->hw;
}

static int as_error(int ret)
{
	return ret > 0 ? -EIO : ret;
}

/* The same of a map or unmap. Whatever is wrong with it, the caller's words and ranges are not:
 * -EINVAL or -EAGAIN from below must not look like ours. */
static int map_error(int ret)
{
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -ENOSPC:
	case -EBUSY:
		return ret;
	default:
		return -EIO;
	}
}

/* Linux maps by our pointer, which therefore must be aligned as the pages are. */
static bool shape_sound(const struct vfio_shadow *s, const struct vfio_window *ask)
{
	return ask->page_shift >= MIN_SHIFT && ask->page_shift <= MAX_SHIFT &&
	       ask->levels <= TCE_TABLE_MAX_LEVELS && is_pow2(ask->size) &&
	       ask->size >> ask->page_shift && ask->size <= 1ull << WINDOW_BIT &&
	       is_aligned((uintptr_t)s->container->memory.ptr, 1ull << ask->page_shift);
}

static int register_memory(struct vfio_shadow *s)
{
	int err = 0;

	if (!s->registered && s->ops->register_memory) {
		err = as_error(s->ops->register_memory(s->hw, &s->container->memory));
	}
	s->registered = !err;
	return err;
}

/* Deeper tables have smaller pieces, which there may be memory for. */
static int create_below(struct vfio_shadow *s, struct vfio_window *ask, ioba_t start)
{
	unsigned int last = ask->levels ? ask->levels : TCE_TABLE_MAX_LEVELS;
	int err = -ENOMEM;

	for (unsigned int levels = ask->levels ? ask->levels : 1; levels <= last; levels++) {
		struct vfio_window window = *ask;

		window.levels = levels;
		window.start = start;
		err = as_error(s->ops->create_window(s->hw, &window));
		if (!err) {
			*ask = window;
		}
		if (err != -ENOMEM) {
			break;
		}
	}
	return err;
}

static bool place_sound(const struct vfio_shadow *s, const struct vfio_window *window)
{
	if (!is_aligned(window->start.v, 1ull << window->page_shift) ||
		window->size - 1 > UINT64_MAX - window->start.v) {
		return false;
	}
	for (unsigned int i = 0; i < NWINDOWS; i++) {
		const struct vfio_window *other = &s->windows[i].shape;

		if ((s->windows[i].open || s->windows[i].lost) &&
			range_overlaps(
				window->start.v, window->size, other->start.v, other->size)) {
			return false;
		}
	}
	return true;
}

static int open_window(struct vfio_shadow *s, unsigned int win, struct vfio_window *ask)
{
	struct shadow_window *w = &s->windows[win];
	int err = create_below(s, ask, ioba((uint64_t)win << WINDOW_BIT));

	if (err) {
		return err;
	}
	w->shape = *ask;
	if (!place_sound(s, ask)) {
		/* To remove it might remove what is in the other one. */
		log_msg(LOG_ERR, "DMA window at 0x%llx: no window can be there",
			(unsigned long long)ask->start.v);
		w->lost = true;
		return -EIO;
	}
	atomic_store(&w->was_stale, false);
	w->open = true;
	return 0;
}

int vfio_shadow_create_window(void *data, struct vfio_window *ask)
{
	struct vfio_shadow *s = data;
	unsigned int win = 0;
	int err;

	if (!s->container->memory.size) {
		return -EPERM;
	}
	if (!shape_sound(s, ask)) {
		return -EINVAL;
	}
	while (win < NWINDOWS && (s->windows[win].open || s->windows[win].lost)) {
		win++;
	}
	if (win == NWINDOWS) {
		return -ENOSPC;
	}
	err = register_memory(s);
	if (!err) {
		err = tce_table_init(&s->windows[win].table, s->container->tables,
			ask->size >> ask->page_shift, 0);
	}
	if (err) {
		return err;
	}
	err = open_window(s, win, ask);
	if (err) {
		tce_table_exit(&s->windows[win].table);
	}
	return err;
}

int vfio_shadow_remove_window(void *data, ioba_t start)
{
	struct vfio_shadow *s = data;

	for (unsigned int win = 0; win < NWINDOWS; win++) {
		struct shadow_window *w = &s->windows[win];

		if (!w->open || w->shape.start.v != start.v) {
			continue;
		}
		w->open = false;
		tce_table_exit(&w->table);
		w->lost = s->ops->remove_window(s->hw, &w->shape) != 0;
		return w->lost ? -EIO : 0;
	}
	return -EINVAL;
}

/* Whole pages inside one window, len 0 being one of its pages; false: they are not. */
static bool find_span(struct vfio_shadow *s, ioba_t iova, uint64_t len, struct span *out)
{
	for (unsigned int win = 0; win < NWINDOWS; win++) {
		struct shadow_window *w = &s->windows[win];
		unsigned int shift = w->shape.page_shift;
		uint64_t bytes = len ? len : 1ull << shift;

		if (w->open && is_aligned(iova.v | bytes, 1ull << shift) &&
			range_inside(iova.v, bytes, w->shape.start.v, w->shape.size)) {
			*out = (struct span){
				s, w, (iova.v - w->shape.start.v) >> shift, bytes >> shift};
			return true;
		}
	}
	return false;
}

static ioba_t iova_of(const struct shadow_window *w, uint64_t index)
{
	return ioba(w->shape.start.v + (index << w->shape.page_shift));
}

int vfio_shadow_reserve(void *data, ioba_t iova, uint64_t len)
{
	struct span p;

	if (!len || !find_span(data, iova, len, &p)) {
		return -EINVAL;
	}
	return tce_table_reserve(&p.w->table, p.first, p.n);
}

/* Calls fn for the entries of the span that have a node; false: some have none. */
static bool each(struct span p, void (*fn)(void *ctx, be64_t *entry), void *ctx)
{
	bool all = true;

	while (p.n) {
		uint64_t k;
		be64_t *entry = tce_table_at(&p.w->table, p.first, &k);

		k = k < p.n ? k : p.n;
		for (uint64_t i = 0; entry && fn && i < k; i++) {
			fn(ctx, &entry[i]);
		}
		all = all && entry;
		p.first += k;
		p.n -= k;
	}
	return all;
}

struct tally {
	uint64_t live;
	uint64_t stale;
};

static void tally_entry(void *ctx, be64_t *entry)
{
	struct tally *t = ctx;
	uint64_t word = tce_table_load(entry);

	t->live += (word & PERM_MASK) != 0;
	t->stale += (word & STALE) != 0;
}

static struct tally tally_of(struct span p)
{
	struct tally t = {0, 0};

	(void)each(p, tally_entry, &t);
	return t;
}

/* What has no node was never mapped, and needs no mark. */
static void mark_stale(void *ctx, be64_t *entry)
{
	(void)ctx;
	tce_table_store(entry, STALE);
}

/* live: how many of the entries are known to be mapped. */
static int unmap_below(struct span p, uint64_t live)
{
	unsigned int shift = p.w->shape.page_shift;
	uint64_t gone = UINT64_MAX;
	int err = map_error(p.s->ops->unmap(p.s->hw, iova_of(p.w, p.first), p.n << shift, &gone));

	/* Some refuse by unmapping nothing and calling it a success. */
	return !err && gone < live << shift ? -EIO : err;
}

/* The span becomes one run: the word of its first entry, and pages that follow on. */
static int map_below(struct span p, uint64_t word)
{
	const struct vfio_shadow_ops *ops = p.s->ops;
	const uint8_t *ptr = p.s->container->memory.ptr + (word & ~PERM_MASK);
	unsigned int perm = (unsigned int)(word & PERM_MASK), shift = p.w->shape.page_shift;
	uint64_t len = p.n << shift, step = ops->cannot_split ? 1ull << shift : len;
	int err = 0;

	for (uint64_t at = 0; at < len && !err; at += step) {
		ioba_t iova = ioba(iova_of(p.w, p.first).v + at);

		err = map_error(ops->map(p.s->hw, iova, ptr + at, step, perm));
	}
	return err;
}

/* The same; where a driver that replaces says that something is mapped there, that is unmapped and
 * the run mapped once more. The first error is the one that is told. */
static int map_or_retry(struct span p, uint64_t word)
{
	int err = map_below(p, word);

	if (err == -EBUSY && p.s->ops->replaces && !unmap_below(p, 0) && !map_below(p, word)) {
		err = 0;
	}
	return err;
}

/* Makes the span below the run of this word. The shadow is right about what is there. */
static int set_below(struct span p, uint64_t word)
{
	struct tally t = tally_of(p);
	int err = 0;

	if ((t.live || t.stale) && (!word || !p.s->ops->replaces)) {
		err = unmap_below(p, t.live);
	}
	return err || !word ? err : map_or_retry(p, word);
}

/* What was in this span is lost, or nobody knows what is. */
static void give_up(struct span p)
{
	const struct vfio_window *shape = &p.w->shape;
	bool known = !unmap_below(p, 0);

	if (known) {
		tce_table_clear(&p.w->table, p.first, p.n);
	} else {
		(void)each(p, mark_stale, NULL);
		atomic_store(&p.w->was_stale, true);
	}
	log_limited(&p.s->log, LOG_ERR,
		"DMA window at 0x%llx: 0x%llx bytes from 0x%llx on could not be put back: %s",
		(unsigned long long)shape->start.v, (unsigned long long)(p.n << shape->page_shift),
		(unsigned long long)iova_of(p.w, p.first).v,
		known ? "they have no access now" : "what the device can reach there is not known");
}

/* The longest run at the start of the span as the shadow has it; how long, and its word. */
static uint64_t first_run(struct span p, uint64_t *word)
{
	uint64_t n = 0;

	*word = 0;
	while (n < p.n) {
		uint64_t k;
		const be64_t *entry = tce_table_at(&p.w->table, p.first + n, &k);
		uint64_t val = entry ? tce_table_load(entry) & ~STALE : 0;

		if (!n) {
			*word = val;
		} else if (val != (*word ? *word + (n << p.w->shape.page_shift) : 0)) {
			break;
		}
		n += entry ? 1 : k;
	}
	return n < p.n ? n : p.n;
}

/* The span below becomes what the shadow says, whatever it is now. */
static void put_back(struct span p)
{
	while (p.n) {
		struct span run = p;
		uint64_t word;
		int err = 0;

		run.n = first_run(p, &word);
		if (!word || !p.s->ops->replaces) {
			err = unmap_below(run, 0);
		}
		if (!err && word) {
			err = map_or_retry(run, word);
		}
		if (err) {
			give_up(run);
		}
		p.first += run.n;
		p.n -= run.n;
	}
}

/* Below becomes what the words say, or stays as it was. */
static int map_runs(struct span p, const uint64_t *words, unsigned int n, unsigned int page_shift)
{
	struct span run = p;
	struct vfio_run r;
	unsigned int i = 0;

	while (vfio_next_run(words, n, page_shift, &i, &r)) {
		int err;

		run.n = r.len >> p.w->shape.page_shift;
		err = set_below(run, r.perm ? r.at | r.perm : 0);
		run.first += run.n;
		if (err) {
			p.n = run.first - p.first;
			put_back(p);
			return err;
		}
	}
	return 0;
}

/* Words to write into the entries of a span, one after the other. */
struct writer {
	const uint64_t *words;
	unsigned int split;
	unsigned int page_shift; /* the window's */
	uint64_t done;
};

static void write_entry(void *ctx, be64_t *entry)
{
	struct writer *wr = ctx;
	uint64_t word = wr->words[wr->done >> wr->split];
	uint64_t part = wr->done & ((1ull << wr->split) - 1);

	tce_table_store(entry, word ? word + (part << wr->page_shift) : 0);
	wr->done++;
}

int vfio_shadow_map(
	void *data, ioba_t iova, const uint64_t *words, unsigned int n, unsigned int page_shift)
{
	struct writer wr = {.words = words};
	struct span p;
	int err;

	if (!n || !find_span(data, iova, (uint64_t)n << page_shift, &p) ||
		page_shift < p.w->shape.page_shift) {
		return -EINVAL;
	}
	wr.page_shift = p.w->shape.page_shift;
	wr.split = page_shift - wr.page_shift;
	if (!is_aligned(p.first, 1ull << wr.split)) {
		return -EINVAL;
	}
	if (!each(p, NULL, NULL)) {
		return -EAGAIN;
	}
	err = map_runs(p, words, n, page_shift);
	if (!err) {
		(void)each(p, write_entry, &wr);
	}
	return err;
}

int vfio_shadow_unmap(void *data, ioba_t iova, uint64_t len)
{
	struct span p;
	int err;

	if (!len || !find_span(data, iova, len, &p)) {
		return -EINVAL;
	}
	err = set_below(p, 0);
	if (err) {
		put_back(p);
		return err;
	}
	tce_table_clear(&p.w->table, p.first, p.n);
	return 0;
}

int vfio_shadow_lookup(void *data, ioba_t iova, uint64_t *word)
{
	struct span p;
	const be64_t *entry;
	uint64_t k;

	if (!find_span(data, iova, 0, &p)) {
		return -EINVAL;
	}
	entry = tce_table_at(&p.w->table, p.first, &k);
	*word = entry ? tce_table_load(entry) & ~STALE : 0;
	return 0;
}

uint64_t vfio_shadow_skip(void *data, ioba_t iova, uint64_t len)
{
	struct span p;

	if (!len || !find_span(data, iova, len, &p)) {
		return 0;
	}
	return tce_table_skip(&p.w->table, p.first, p.n) << p.w->shape.page_shift;
}

/* Linux has invalidated when a call returns. What it could not take away it still maps. */
int vfio_shadow_flush(void *data, ioba_t iova, uint64_t len)
{
	struct span p;

	if (!len || !find_span(data, iova, len, &p)) {
		return -EINVAL;
	}
	return atomic_load(&p.w->was_stale) && tally_of(p).stale ? -EIO : 0;
}
