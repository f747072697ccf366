// SPDX-License-Identifier: Apache-2.0
/*
 * The host memory that firmware left to us, handed out in pages: hypervisor structures, TCE tables,
 * page tables and partitions all come from here. A pool is a sorted list of free ranges; first fit,
 * neighbours are joined on free. Every caller knows the size it took, so nothing is stored in the
 * memory itself: what a pool hands out may be a guest's.
 */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include "core/addr.h"
#include "core/err.h"
#include "core/lock.h"
#include "core/text.h"

#include <stdint.h>

#define MEM_PAGE       0x1000u
#define MEM_MAX_RANGES 64

struct mem_range {
	uint64_t base;
	uint64_t size;
};

/* What memory is for. OURS, IMAGE (which is in no pool) and nothing else is what the hypervisor
 * itself costs; FIRMWARE is what was given to it for good. */
enum mem_use { MEM_OURS, MEM_IMAGE, MEM_GUEST, MEM_TABLES, MEM_FIRMWARE, MEM_USES };

struct mem_pool {
	struct lock lock;
	uint64_t used[MEM_USES]; /* bytes, whole pages */
	uint64_t most;		 /* that OURS has been */
	unsigned int nfree;
	struct mem_range free[MEM_MAX_RANGES];
	/* What to add to a host-real address to get our pointer: 0 on bare metal. */
	uintptr_t bias;
};

/* An empty pool. */
void mem_init(struct mem_pool *pool, uintptr_t bias);

/* Adds a free range; parts of pages at the ends are left out. -ENOSPC: too many ranges. -EINVAL: it
 * wraps or overlaps a free one. */
int mem_add(struct mem_pool *pool, hpa_t base, uint64_t size) must_check;

/* Takes a range out of the free ones, whole pages, wherever it overlaps them; what is not free is
 * left alone. -ENOSPC: too many ranges; nothing taken then. -EINVAL: wraps. */
int mem_reserve(struct mem_pool *pool, hpa_t base, uint64_t size) must_check;

/* size bytes, rounded up to pages, aligned to align (a power of two >= MEM_PAGE), not cleared.
 * -ENOMEM: no free range fits. -EINVAL: size 0 or bad align. */
int mem_alloc_for(struct mem_pool *pool, enum mem_use use, uint64_t size, uint64_t align,
	hpa_t *out) must_check;

/* Gives back what mem_alloc_for gave, with the same use and size. A free that fails (-ENOSPC,
 * -EINVAL) keeps the pages out of use for ever and is worth a log line; they stay counted. */
int mem_free_for(struct mem_pool *pool, enum mem_use use, hpa_t base, uint64_t size) must_check;

/* The same, for the hypervisor itself. */
static inline must_check int mem_alloc(
	struct mem_pool *pool, uint64_t size, uint64_t align, hpa_t *out)
{
	return mem_alloc_for(pool, MEM_OURS, size, align, out);
}

static inline must_check int mem_free(struct mem_pool *pool, hpa_t base, uint64_t size)
{
	return mem_free_for(pool, MEM_OURS, base, size);
}

/* Counts memory that comes from elsewhere. */
void mem_count_image(struct mem_pool *pool, uint64_t bytes);

/* What is in use, in two lines: the hypervisor itself, and the rest. */
void mem_describe(struct mem_pool *pool, struct text *own, struct text *rest);

/* Bytes free in all, and the largest piece that mem_alloc(align) could give. */
uint64_t mem_free_bytes(struct mem_pool *pool);
uint64_t mem_largest(struct mem_pool *pool, uint64_t align);

/* Our pointer to host memory of this pool. */
static inline void *mem_ptr(const struct mem_pool *pool, hpa_t at)
{
	return (void *)(uintptr_t)(at.v + pool->bias);
}

#endif
