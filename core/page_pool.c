// SPDX-License-Identifier: Apache-2.0
/*
 * Pages of one size, so that nothing fragments: what was never handed out is a number, what was
 * given back is a list through the pages themselves, which are ours and no guest's.
 */
#include "core/page_pool.h"

#include "core/log.h"

#include <inttypes.h>

#define GIVEN_BACK 1ull

int page_pool_init(struct page_pool *p, struct mem_pool *mem, uint64_t bytes)
{
	uint64_t npages = bytes / MEM_PAGE + (bytes % MEM_PAGE != 0);
	hpa_t base;
	int err;

	if (npages > UINT64_MAX / MEM_PAGE) {
		return -ENOMEM;
	}
	err = mem_alloc_for(mem, MEM_TABLES, npages * MEM_PAGE, MEM_PAGE, &base);
	if (err) {
		return err;
	}
	p->bias = mem->bias;
	p->base = base;
	p->npages = npages;
	p->fresh = 0;
	p->given_back = 0;
	p->nused = 0;
	p->nroots = 0;
	p->promised = 0;
	return 0;
}

void page_pool_exit(struct page_pool *p, struct mem_pool *mem)
{
	if (!p->npages) {
		return;
	}
	if (p->nused) {
		log_msg(LOG_ERR,
			"%" PRIu64
			" pages of TCE tables may still be looked at by hardware: %" PRIu64
			" KiB at 0x%" PRIx64 " stay out of use",
			p->nused, p->npages * (MEM_PAGE / 1024), p->base.v);
	} else {
		int err = mem_free_for(mem, MEM_TABLES, p->base, p->npages * MEM_PAGE);

		if (err) {
			log_msg(LOG_WARN,
				"0x%" PRIx64 " bytes of table memory stay out of use (%s)",
				p->npages * MEM_PAGE, err_name(err));
		}
	}
	p->npages = 0;
	p->nused = 0;
	p->nroots = 0;
	p->promised = 0;
}

static hpa_t take_one(struct page_pool *p)
{
	hpa_t page;

	if (p->given_back) {
		page = hpa(p->given_back & ~GIVEN_BACK);
		p->given_back = *(const uint64_t *)page_pool_ptr(p, page);
	} else {
		page = hpa(p->base.v + p->fresh++ * MEM_PAGE);
	}
	p->nused++;
	return page;
}

/* Pages that only roots get. They and those in use are never more than there are. */
static uint64_t set_aside(const struct page_pool *p)
{
	return p->promised > p->nroots ? p->promised - p->nroots : 0;
}

static uint64_t pages_left(const struct page_pool *p)
{
	return p->npages - p->nused - set_aside(p);
}

int page_pool_take(struct page_pool *p, unsigned int n, hpa_t out[])
{
	int err = -ENOMEM;

	lock_take(&p->lock);
	if (n <= pages_left(p)) {
		for (unsigned int i = 0; i < n; i++) {
			out[i] = take_one(p);
		}
		err = 0;
	}
	lock_drop(&p->lock);
	return err;
}

static void give_one(struct page_pool *p, hpa_t page)
{
	*(uint64_t *)page_pool_ptr(p, page) = p->given_back;
	p->given_back = page.v | GIVEN_BACK;
	p->nused--;
}

void page_pool_give(struct page_pool *p, hpa_t page)
{
	lock_take(&p->lock);
	give_one(p, page);
	lock_drop(&p->lock);
}

int page_pool_reserve_roots(struct page_pool *p, unsigned int n)
{
	uint64_t more, before;
	int err = 0;

	lock_take(&p->lock);
	before = set_aside(p);
	p->promised += n;
	more = set_aside(p) - before;
	if (more > p->npages - p->nused - before) {
		p->promised -= n;
		err = -ENOMEM;
	}
	lock_drop(&p->lock);
	return err;
}

void page_pool_release_roots(struct page_pool *p, unsigned int n)
{
	lock_take(&p->lock);
	p->promised -= n;
	lock_drop(&p->lock);
}

int page_pool_take_root(struct page_pool *p, hpa_t *out)
{
	int err = -ENOMEM;

	lock_take(&p->lock);
	/* What is set aside is for this. */
	if (p->nused < p->npages) {
		*out = take_one(p);
		p->nroots++;
		err = 0;
	}
	lock_drop(&p->lock);
	return err;
}

void page_pool_give_root(struct page_pool *p, hpa_t page)
{
	lock_take(&p->lock);
	give_one(p, page);
	p->nroots--;
	lock_drop(&p->lock);
}

uint64_t page_pool_used(struct page_pool *p)
{
	uint64_t n;

	lock_take(&p->lock);
	n = p->nused;
	lock_drop(&p->lock);
	return n * MEM_PAGE;
}

uint64_t page_pool_left(struct page_pool *p)
{
	uint64_t n;

	lock_take(&p->lock);
	n = pages_left(p);
	lock_drop(&p->lock);
	return n * MEM_PAGE;
}
