// SPDX-License-Identifier: Apache-2.0
/*
 * Pools of host memory: a sorted list of free ranges, whole pages, never touching each other.
 *
 * No range holds the last page of the address space, so that base + size is always a number.
 */
#include "core/mem.h"

#include "core/range.h"

#include <string.h>

#define MEM_TOP (UINT64_MAX - (MEM_PAGE - 1))

static uint64_t end_of(const struct mem_range *r)
{
	return r->base + r->size;
}

static bool wraps(uint64_t base, uint64_t size)
{
	return size && base > UINT64_MAX - (size - 1);
}

static void drop_slot(struct mem_pool *pool, unsigned int at)
{
	pool->nfree--;
	memmove(&pool->free[at], &pool->free[at + 1], (pool->nfree - at) * sizeof(pool->free[0]));
}

static int open_slot(struct mem_pool *pool, unsigned int at, struct mem_range r)
{
	if (pool->nfree == MEM_MAX_RANGES) {
		return -ENOSPC;
	}
	memmove(&pool->free[at + 1], &pool->free[at], (pool->nfree - at) * sizeof(pool->free[0]));
	pool->free[at] = r;
	pool->nfree++;
	return 0;
}

/* Puts whole pages below MEM_TOP among the free ones and joins what touches. */
static int insert(struct mem_pool *pool, struct mem_range r)
{
	struct mem_range *f = pool->free;
	unsigned int at = 0;
	bool joins_prev, joins_next;

	while (at < pool->nfree && f[at].base < r.base) {
		at++;
	}
	if (at > 0 && range_overlaps(f[at - 1].base, f[at - 1].size, r.base, r.size)) {
		return -EINVAL;
	}
	if (at < pool->nfree && range_overlaps(f[at].base, f[at].size, r.base, r.size)) {
		return -EINVAL;
	}
	joins_prev = at > 0 && end_of(&f[at - 1]) == r.base;
	joins_next = at < pool->nfree && end_of(&r) == f[at].base;
	if (!joins_prev && !joins_next) {
		return open_slot(pool, at, r);
	}
	if (joins_prev) {
		f[at - 1].size += r.size;
		if (joins_next) {
			f[at - 1].size += f[at].size;
			drop_slot(pool, at);
		}
	} else {
		f[at].base = r.base;
		f[at].size += r.size;
	}
	return 0;
}

/* Takes [base, end) out of slot at, with which it shares a page. True if the slot is still there
 * (as what lies before, or behind). -ENOSPC cannot be returned half way: only a cut out of the
 * middle needs a slot, and it is opened before anything is trimmed. */
static int cut(struct mem_pool *pool, unsigned int at, uint64_t base, uint64_t end, bool *gone)
{
	struct mem_range *r = &pool->free[at];
	uint64_t old_end = end_of(r);
	int err;

	*gone = false;
	if (r->base < base && end < old_end) {
		err = open_slot(pool, at + 1, (struct mem_range){end, old_end - end});
		if (err) {
			return err;
		}
		r->size = base - r->base;
	} else if (r->base < base) {
		r->size = base - r->base;
	} else if (end < old_end) {
		r->base = end;
		r->size = old_end - end;
	} else {
		drop_slot(pool, at);
		*gone = true;
	}
	return 0;
}

void mem_init(struct mem_pool *pool, uintptr_t bias)
{
	memset(pool, 0, sizeof(*pool));
	pool->bias = bias;
}

int mem_add(struct mem_pool *pool, hpa_t base, uint64_t size)
{
	struct mem_range r;
	uint64_t end;
	int err;

	if (wraps(base.v, size)) {
		return -EINVAL;
	}
	/* An end of 2^64 comes out as 0. */
	end = base.v + size;
	if (size && (!end || end > MEM_TOP)) {
		end = MEM_TOP;
	}
	end = align_down(end, MEM_PAGE);
	if (!align_up(base.v, MEM_PAGE, &r.base) || r.base >= end) {
		return 0;
	}
	r.size = end - r.base;
	lock_take(&pool->lock);
	err = insert(pool, r);
	lock_drop(&pool->lock);
	return err;
}

int mem_reserve(struct mem_pool *pool, hpa_t base, uint64_t size)
{
	uint64_t start = align_down(base.v, MEM_PAGE);
	uint64_t end;
	unsigned int at = 0;
	bool gone;
	int err = 0;

	if (wraps(base.v, size)) {
		return -EINVAL;
	}
	if (!size) {
		return 0;
	}
	/* As in mem_add. */
	if (!align_up(base.v + size, MEM_PAGE, &end) || !end) {
		end = MEM_TOP;
	}
	lock_take(&pool->lock);
	while (at < pool->nfree && !err) {
		struct mem_range *r = &pool->free[at];

		gone = false;
		if (r->base < end && start < end_of(r)) {
			err = cut(pool, at, start, end, &gone);
		}
		at += gone ? 0 : 1;
	}
	lock_drop(&pool->lock);
	return err;
}

static void count(struct mem_pool *pool, enum mem_use use, uint64_t size)
{
	pool->used[use] += size;
	if (pool->used[MEM_OURS] > pool->most) {
		pool->most = pool->used[MEM_OURS];
	}
}

int mem_alloc_for(
	struct mem_pool *pool, enum mem_use use, uint64_t size, uint64_t align, hpa_t *out)
{
	uint64_t at;
	bool gone;
	int err = -ENOMEM;

	if (!size || !is_pow2(align) || align < MEM_PAGE) {
		return -EINVAL;
	}
	if (!align_up(size, MEM_PAGE, &size)) {
		return -ENOMEM;
	}
	lock_take(&pool->lock);
	for (unsigned int i = 0; i < pool->nfree; i++) {
		struct mem_range *r = &pool->free[i];

		if (!align_up(r->base, align, &at) || !range_inside(at, size, r->base, r->size)) {
			continue;
		}
		/* With the list full a cut out of the middle fails, and a later range may do. */
		if (!cut(pool, i, at, at + size, &gone)) {
			*out = hpa(at);
			count(pool, use, size);
			err = 0;
			break;
		}
	}
	lock_drop(&pool->lock);
	return err;
}

int mem_free_for(struct mem_pool *pool, enum mem_use use, hpa_t base, uint64_t size)
{
	int err;

	if (!size || !is_aligned(base.v, MEM_PAGE) || !align_up(size, MEM_PAGE, &size) ||
		!range_below(base.v, size, MEM_TOP)) {
		return -EINVAL;
	}
	lock_take(&pool->lock);
	err = insert(pool, (struct mem_range){base.v, size});
	if (!err) {
		pool->used[use] -= size;
	}
	lock_drop(&pool->lock);
	return err;
}

void mem_count_image(struct mem_pool *pool, uint64_t bytes)
{
	lock_take(&pool->lock);
	count(pool, MEM_IMAGE, bytes);
	lock_drop(&pool->lock);
}

static void add_kib(struct text *t, const char *what, uint64_t bytes)
{
	text_add(t, what);
	text_add_dec(t, bytes >> 10);
	text_add(t, " KiB");
}

void mem_describe(struct mem_pool *pool, struct text *own, struct text *rest)
{
	uint64_t used[MEM_USES], most;

	lock_take(&pool->lock);
	memcpy(used, pool->used, sizeof(used));
	most = pool->most;
	lock_drop(&pool->lock);
	add_kib(own, "hypervisor memory: ", used[MEM_IMAGE] + used[MEM_OURS]);
	add_kib(own, " now, ", used[MEM_IMAGE] + most);
	add_kib(own, " at most, ", used[MEM_IMAGE]);
	text_add(own, " of it the image");
	add_kib(rest, "apart from it: guests ", used[MEM_GUEST]);
	add_kib(rest, ", TCE tables ", used[MEM_TABLES]);
	add_kib(rest, ", given to firmware ", used[MEM_FIRMWARE]);
}

uint64_t mem_free_bytes(struct mem_pool *pool)
{
	uint64_t sum = 0;

	lock_take(&pool->lock);
	for (unsigned int i = 0; i < pool->nfree; i++) {
		sum += pool->free[i].size;
	}
	lock_drop(&pool->lock);
	return sum;
}

uint64_t mem_largest(struct mem_pool *pool, uint64_t align)
{
	uint64_t at, best = 0;

	if (!is_pow2(align) || align < MEM_PAGE) {
		return 0;
	}
	lock_take(&pool->lock);
	for (unsigned int i = 0; i < pool->nfree; i++) {
		const struct mem_range *r = &pool->free[i];

		if (align_up(r->base, align, &at) && at < end_of(r) && end_of(r) - at > best) {
			best = end_of(r) - at;
		}
	}
	lock_drop(&pool->lock);
	return best;
}
