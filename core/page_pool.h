// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of one partition's tables: one piece of host memory, taken when the partition is built,
 * handed out in pages of 4 KiB. The piece is the limit. A pool is for one partition, so that its
 * lock is never waited for by another (design decision 14: bounded time whatever others do).
 */
#ifndef CORE_PAGE_POOL_H
#define CORE_PAGE_POOL_H

#include "core/addr.h"
#include "core/err.h"
#include "core/lock.h"
#include "core/mem.h"

#include <stdint.h>

struct page_pool {
	struct lock lock;
	uintptr_t bias; /* what to add to a host-real address to get our pointer */
	hpa_t base;
	uint64_t npages; /* 0: not set up */
	uint64_t fresh;	 /* pages from this one on have never been handed out */
	/* The last page given back, with bit 0 set because a page may be at 0; its first word says
	 * in the same way which came before it. 0: none. */
	uint64_t given_back;
	uint64_t nused;
	uint64_t nroots;   /* of those, */
	uint64_t promised; /* and how many of them there will always be room for */
};

/* Takes bytes, rounded up to pages, from mem. -ENOMEM, -EINVAL: 0 bytes. */
int page_pool_init(struct page_pool *p, struct mem_pool *mem, uint64_t bytes) must_check;

/* Gives all of it back to mem, unless pages are still out: those may be looked at by hardware, and
 * then the whole piece stays out of use, which a line in the log says. Either way there is no pool
 * any more: nothing can be taken, and nothing is to be given back. */
void page_pool_exit(struct page_pool *p, struct mem_pool *mem);

/* n pages, all or none, not cleared: -ENOMEM. */
int page_pool_take(struct page_pool *p, unsigned int n, hpa_t out[]) must_check;
void page_pool_give(struct page_pool *p, hpa_t page);

/*
 * Roots: pages that must be there whatever else has been taken. reserve sets n more aside, which
 * page_pool_take does not touch (-ENOMEM: there are not so many), release gives up as many. As long
 * as no more roots are out than are promised, page_pool_take_root cannot fail; beyond that it is
 * page_pool_take of one page. What it gave goes back with page_pool_give_root.
 */
int page_pool_reserve_roots(struct page_pool *p, unsigned int n) must_check;
void page_pool_release_roots(struct page_pool *p, unsigned int n);
int page_pool_take_root(struct page_pool *p, hpa_t *out) must_check;
void page_pool_give_root(struct page_pool *p, hpa_t page);

/* Bytes in use, and left for page_pool_take. */
uint64_t page_pool_used(struct page_pool *p);
uint64_t page_pool_left(struct page_pool *p);

static inline void *page_pool_ptr(const struct page_pool *p, hpa_t at)
{
	return (void *)(uintptr_t)(at.v + p->bias);
}

#endif
