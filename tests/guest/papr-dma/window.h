// SPDX-License-Identifier: Apache-2.0
/*
 * DMA windows that the guest makes (LoPAR, dynamic DMA windows), and the TCE hypercalls on any
 * window. RTAS statuses and hypercall statuses as they come.
 */
#ifndef TESTS_GUEST_PAPR_DMA_WINDOW_H
#define TESTS_GUEST_PAPR_DMA_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	uint32_t liobn;
	uint64_t base;
	unsigned int shift; /* log2 of its page */
	uint64_t npages;
};

struct window_query {
	uint32_t windows; /* that can be made now */
	uint64_t largest; /* TCEs in the largest of them */
	uint32_t mask;	  /* page sizes, as LoPAR encodes them */
	uint32_t migration;
};

/* Page sizes LoPAR has a bit for, smallest first. */
struct page_size {
	unsigned int shift;
	uint32_t bit;
	const char *name;
};

extern const struct page_size page_sizes[];
extern const unsigned int num_page_sizes;

/* The window that the tree announces. */
struct window default_window(void);

/* nret is 5 or 6. */
int32_t ddw_query(struct window_query *q, unsigned int nret);
int32_t ddw_create(unsigned int shift, unsigned int window_shift, struct window *w);
int32_t ddw_remove(uint32_t liobn);
int32_t ddw_reset(void);

/* Whether q is what a query says now. Where not, says so. */
bool query_is(const struct window_query *q);

static inline uint64_t window_at(const struct window *w, uint64_t page)
{
	return w->base + (page << w->shift);
}

static inline uint64_t window_last(const struct window *w)
{
	return window_at(w, w->npages - 1);
}

/* The TCE that maps the page of w's size that gpa is in, and where gpa is in that page. */
static inline uint64_t window_tce(const struct window *w, uint64_t gpa, unsigned int perm)
{
	return (gpa & ~((1ull << w->shift) - 1)) | perm;
}

static inline uint64_t window_offset(const struct window *w, uint64_t gpa)
{
	return gpa & ((1ull << w->shift) - 1);
}

int64_t window_put(const struct window *w, uint64_t ioba, uint64_t tce);
int64_t window_get(const struct window *w, uint64_t ioba, uint64_t *tce);
/* tce_list holds the entries, big-endian. */
int64_t window_put_list(const struct window *w, uint64_t ioba, uint64_t n);
int64_t window_stuff(const struct window *w, uint64_t ioba, uint64_t n);
/* Whether the entry is tce. Where not, says so. */
bool window_holds(const struct window *w, uint64_t ioba, uint64_t tce);

#endif
