// SPDX-License-Identifier: Apache-2.0
/*
 * TCE windows: geometry, which TCEs are right, and the order check, reserve, commit, flush.
 *
 * Everything that can be refused is refused before the backend hears of the call.
 */
#include "core/tce.h"

#include "core/range.h"

#define TCE_MIN_SHIFT 12u
#define TCE_MAX_SHIFT 34u

static uint64_t page_size(const struct tce_window *w)
{
	return (uint64_t)1 << w->page_shift;
}

static uint64_t page_index(const struct tce_window *w, ioba_t at)
{
	return (at.v - w->base.v) >> w->page_shift;
}

int tce_window_init(struct tce_window *w, uint32_t liobn, ioba_t base, uint64_t size,
	unsigned int page_shift, const struct tce_backend_ops *ops, void *backend)
{
	uint64_t page;

	if (page_shift < TCE_MIN_SHIFT || page_shift > TCE_MAX_SHIFT) {
		return -EINVAL;
	}
	page = (uint64_t)1 << page_shift;
	if (!size || !is_aligned(size, page) || !is_aligned(base.v, page) ||
		base.v > UINT64_MAX - (size - 1)) {
		return -EINVAL;
	}
	/* Users and lock are left alone: others may be looking whether there is a window. */
	w->liobn = liobn;
	w->base = base;
	w->page_shift = page_shift;
	w->ops = ops;
	w->backend = backend;
	atomic_store(&w->npages, size >> page_shift);
	return 0;
}

static void leave(struct tce_window *w)
{
	atomic_fetch_sub(&w->users, 1);
}

/* Either the one who closes sees this user, or the user sees the window closed: both write first
 * and look then, in one order for all. */
static bool enter(struct tce_window *w)
{
	atomic_fetch_add(&w->users, 1);
	if (atomic_load(&w->npages)) {
		return true;
	}
	leave(w);
	return false;
}

void tce_window_close(struct tce_window *w)
{
	atomic_store(&w->npages, 0);
	while (atomic_load(&w->users)) {
	}
}

/* The caller is inside, here and in all that is static below. A window that is being closed has no
 * pages any more, and every range is refused. */
static int check_range(const struct tce_window *w, ioba_t at, uint64_t npages)
{
	if (!npages || at.v < w->base.v) {
		return -EINVAL;
	}
	if (!is_aligned(at.v - w->base.v, page_size(w))) {
		return -EINVAL;
	}
	if (!range_below(page_index(w, at), npages, w->npages)) {
		return -EINVAL;
	}
	return 0;
}

/* One TCE as a run of one page. What gives no access names no page: its other bits are dropped
 * here, and neither the hardware nor H_GET_TCE ever sees them. */
static int decode(
	const struct tce_window *w, const struct guest_mem *mem, uint64_t tce, struct tce_run *run)
{
	uint64_t page = tce & ~(uint64_t)TCE_PERM_MASK;

	run->npages = 1;
	run->perm = (unsigned int)(tce & TCE_PERM_MASK);
	run->gpa = gpa(0);
	if (!run->perm) {
		return 0;
	}
	if (!is_aligned(page, page_size(w)) || !guest_mem_has(mem, gpa(page), page_size(w))) {
		return -EINVAL;
	}
	run->gpa = gpa(page);
	return 0;
}

static bool continues(
	const struct tce_window *w, const struct tce_run *run, const struct tce_run *next)
{
	if (run->perm != next->perm) {
		return false;
	}
	return !run->perm || run->gpa.v + (run->npages << w->page_shift) == next->gpa.v;
}

/* All n TCEs, or -EINVAL. Runs, not entries, are what the backend is called with: one call per
 * page was measured at four times the cost. */
static int decode_all(const struct tce_window *w, const struct guest_mem *mem, unsigned int n,
	struct tce_scratch *s, unsigned int *nruns)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct tce_run run;
		int err = decode(w, mem, s->tce[i], &run);

		if (err) {
			return err;
		}
		if (used && continues(w, &s->runs[used - 1], &run)) {
			s->runs[used - 1].npages++;
		} else {
			s->runs[used++] = run;
		}
	}
	*nruns = used;
	return 0;
}

/* The end of every change. The flush is made for a failed one too: entries that were there for a
 * moment before they were taken back may be in the hardware's cache. The lock is not held, so that
 * other threads can go on while the hardware works. */
static int finish(struct tce_window *w, uint64_t first, uint64_t npages, int err)
{
	int flush_err = w->ops->flush(w->backend, first, npages);

	if (err) {
		return err;
	}
	return flush_err ? -EIO : 0;
}

static int put(struct tce_window *w, const struct guest_mem *mem, ioba_t at, unsigned int n,
	struct tce_scratch *s)
{
	uint64_t first;
	unsigned int nruns;
	int err = check_range(w, at, n);

	if (err) {
		return err;
	}
	err = decode_all(w, mem, n, s, &nruns);
	if (err) {
		return err;
	}
	first = page_index(w, at);
	err = w->ops->reserve(w->backend, first, n);
	if (err) {
		return err;
	}
	lock_take(&w->lock);
	err = w->ops->map(w->backend, first, s->runs, nruns);
	lock_drop(&w->lock);
	return finish(w, first, n, err);
}

int tce_put(struct tce_window *w, const struct guest_mem *mem, ioba_t at, unsigned int n,
	struct tce_scratch *s)
{
	int err;

	if (n > TCE_MAX_BATCH || !enter(w)) {
		return -EINVAL;
	}
	err = put(w, mem, at, n, s);
	leave(w);
	return err;
}

/* The range has been checked. */
static int clear(struct tce_window *w, ioba_t at, uint64_t npages)
{
	uint64_t first = page_index(w, at);
	int err;

	lock_take(&w->lock);
	err = w->ops->unmap(w->backend, first, npages);
	lock_drop(&w->lock);
	return finish(w, first, npages, err);
}

int tce_clear(struct tce_window *w, ioba_t at, uint64_t npages)
{
	int err = -EINVAL;

	if (enter(w)) {
		err = check_range(w, at, npages);
		if (!err) {
			err = clear(w, at, npages);
		}
		leave(w);
	}
	return err;
}

int tce_clear_step(struct tce_window *w, ioba_t *at, uint64_t *npages)
{
	uint64_t n = *npages < TCE_MAX_BATCH ? *npages : TCE_MAX_BATCH;
	int err = -EINVAL;

	if (!enter(w)) {
		return err;
	}
	err = check_range(w, *at, *npages);
	if (!err) {
		err = clear(w, *at, n);
	}
	if (!err) {
		at->v += n << w->page_shift;
		*npages -= n;
	}
	leave(w);
	return err;
}

int tce_check_range(struct tce_window *w, ioba_t at, uint64_t npages)
{
	int err = -EINVAL;

	if (enter(w)) {
		err = check_range(w, at, npages);
		leave(w);
	}
	return err;
}

static int get(struct tce_window *w, ioba_t at, uint64_t *tce)
{
	gpa_t page = {0};
	unsigned int perm = 0;
	int err = check_range(w, at, 1);

	if (err) {
		return err;
	}
	lock_take(&w->lock);
	err = w->ops->lookup(w->backend, page_index(w, at), &page, &perm);
	lock_drop(&w->lock);
	if (err) {
		return err;
	}
	perm &= TCE_PERM_MASK;
	*tce = perm ? page.v | perm : 0;
	return 0;
}

int tce_get(struct tce_window *w, ioba_t at, uint64_t *tce)
{
	int err = -EINVAL;

	if (enter(w)) {
		err = get(w, at, tce);
		leave(w);
	}
	return err;
}
