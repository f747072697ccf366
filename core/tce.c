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

static uint64_t page_index(const struct tce_window *w, ioba_t at)
{
	return (at.v - w->base.v) >> w->page_shift;
}

int tce_window_init(struct tce_window *w, uint32_t liobn, ioba_t base, uint64_t size,
	unsigned int page_shift, const struct guest_mem *mem, const struct tce_backend_ops *ops,
	void *backend)
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
	w->page_mask = page - 1;
	w->undefined = (page - 1) & ~(uint64_t)TCE_PERM_MASK;
	w->last = mem->size < page ? 0 : (mem->size - page) | TCE_PERM_MASK;
	w->ops = ops;
	w->backend = backend;
	atomic_store(&w->npages, size >> page_shift);
	return 0;
}

static inline void leave(struct tce_window *w)
{
	atomic_fetch_sub_explicit(&w->users, 1, memory_order_release);
}

/* How many pages the window has; 0: it is closed, and the caller not inside.
 *
 * Either the one who closes sees this user, or the user sees the window closed: both write first
 * and look then, with a full barrier between. Who sees it open sees what it was opened with, and
 * nothing of a window that was there before it. */
static inline __attribute__((always_inline)) uint64_t enter(struct tce_window *w)
{
	uint64_t npages;

	atomic_fetch_add_explicit(&w->users, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	npages = atomic_load_explicit(&w->npages, memory_order_relaxed);
	if (npages) {
		/* What it was opened with is read after that it is open. */
		atomic_thread_fence(memory_order_acquire);
		return npages;
	}
	leave(w);
	return 0;
}

void tce_window_close(struct tce_window *w)
{
	atomic_store(&w->npages, 0);
	atomic_thread_fence(memory_order_seq_cst);
	while (atomic_load_explicit(&w->users, memory_order_acquire)) {
	}
}

/* The caller is inside, here and in all that is static below. A window that is being closed has no
 * pages any more, and every range is refused. An address below the window is far past its end, when
 * it is counted from the start, because a window does not pass 2^64. */
static inline int check_range(const struct tce_window *w, ioba_t at, uint64_t npages)
{
	uint64_t offset = at.v - w->base.v;
	uint64_t all = atomic_load_explicit(&w->npages, memory_order_relaxed);

	if (!npages || (offset & w->page_mask) ||
		!range_below(offset >> w->page_shift, npages, all)) {
		return -EINVAL;
	}
	return 0;
}

/*
 * A TCE becomes a word of the backend, in place; false if it is not right. What gives no access
 * names no page: its other bits are dropped here, and neither the hardware nor H_GET_TCE ever sees
 * them. This is the only check between a guest's TCE and the hardware's.
 */
static inline bool decode(uint64_t *tce, uint64_t undefined, uint64_t last)
{
	if (!(*tce & TCE_PERM_MASK)) {
		*tce = 0;
		return true;
	}
	return !(*tce & undefined) && *tce <= last;
}

static bool decode_all(const struct tce_window *w, uint64_t *tce, unsigned int n)
{
	const uint64_t undefined = w->undefined, last = w->last;

	for (unsigned int i = 0; i < n; i++) {
		if (!decode(&tce[i], undefined, last)) {
			return false;
		}
	}
	return true;
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

static int unmap(struct tce_window *w, uint64_t first, uint64_t npages)
{
	int err;

	lock_take(&w->lock);
	err = w->ops->unmap(w->backend, first, npages);
	lock_drop(&w->lock);
	return err;
}

static int map(struct tce_window *w, uint64_t first, const uint64_t *words, unsigned int n)
{
	int err;

	lock_take(&w->lock);
	err = w->ops->map(w->backend, first, words, n);
	lock_drop(&w->lock);
	return err;
}

static bool any_access(const uint64_t *words, unsigned int n)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < n; i++) {
		any |= words[i];
	}
	return any;
}

/* What the backend has missed is reserved, and the map made again. Taking access away needs no
 * memory, and must not fail for lack of it. */
static int map_anew(struct tce_window *w, uint64_t first, const uint64_t *words, unsigned int n)
{
	int err;

	if (!any_access(words, n)) {
		return unmap(w, first, n);
	}
	err = w->ops->reserve(w->backend, first, n);
	return err ? err : map(w, first, words, n);
}

/* Words that are right. Most of the time what they need is there. */
static int put_words(struct tce_window *w, uint64_t first, const uint64_t *words, unsigned int n)
{
	int err = map(w, first, words, n);

	if (err == -EAGAIN) {
		err = map_anew(w, first, words, n);
	}
	return finish(w, first, n, err);
}

int tce_put(struct tce_window *w, ioba_t at, unsigned int n, struct tce_scratch *s)
{
	int err = -EINVAL;

	if (n > TCE_MAX_BATCH || !enter(w)) {
		return err;
	}
	if (!check_range(w, at, n) && decode_all(w, s->tce, n)) {
		err = put_words(w, page_index(w, at), s->tce, n);
	}
	leave(w);
	return err;
}

static __attribute__((noinline)) int put_word(struct tce_window *w, uint64_t index, uint64_t word)
{
	return put_words(w, index, &word, 1);
}

/* check_range of one page, and its index. */
static inline bool find_page(
	const struct tce_window *w, uint64_t npages, ioba_t at, uint64_t *index)
{
	uint64_t offset = at.v - w->base.v;

	*index = offset >> w->page_shift;
	return !(offset & w->page_mask) && *index < npages;
}

int tce_put_one(struct tce_window *w, ioba_t at, uint64_t tce)
{
	uint64_t npages = enter(w), index;
	int err = -EINVAL;

	if (!npages) {
		return err;
	}
	if (find_page(w, npages, at, &index) && decode(&tce, w->undefined, w->last)) {
		err = w->ops->put ? w->ops->put(w->backend, index, tce) : put_word(w, index, tce);
	}
	leave(w);
	return err;
}

/* How many of npages from first on, all in the window, need no clearing. Short ranges are cleared
 * without asking. */
static uint64_t skip(struct tce_window *w, uint64_t first, uint64_t npages)
{
	return npages > TCE_MAX_BATCH ? w->ops->skip(w->backend, first, npages) : 0;
}

/* Clears a step of the range and moves it on, also if that failed; nothing of it is left when
 * *npages is 0. */
static int clear_step(struct tce_window *w, uint64_t *first, uint64_t *npages)
{
	uint64_t empty = skip(w, *first, *npages);
	uint64_t n = *npages - empty < TCE_MAX_BATCH ? *npages - empty : TCE_MAX_BATCH;
	int err = 0;

	if (n) {
		err = finish(w, *first + empty, n, unmap(w, *first + empty, n));
	}
	*first += empty + n;
	*npages -= empty + n;
	return err;
}

int tce_clear(struct tce_window *w, ioba_t at, uint64_t npages)
{
	int err = -EINVAL;
	uint64_t first;

	if (!enter(w)) {
		return err;
	}
	err = check_range(w, at, npages);
	if (!err) {
		first = page_index(w, at);
		/* What cannot be invalidated is no reason to leave the rest mapped. */
		while (npages) {
			int e = clear_step(w, &first, &npages);

			err = err ? err : e;
		}
	}
	leave(w);
	return err;
}

int tce_clear_step(struct tce_window *w, ioba_t *at, uint64_t *npages)
{
	uint64_t first, n = *npages;
	int err = -EINVAL;

	if (!enter(w)) {
		return err;
	}
	err = check_range(w, *at, n);
	if (!err) {
		first = page_index(w, *at);
		err = clear_step(w, &first, &n);
	}
	if (!err) {
		at->v = w->base.v + (first << w->page_shift);
		*npages = n;
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
	int err = check_range(w, at, 1);

	if (err) {
		return err;
	}
	lock_take(&w->lock);
	err = w->ops->lookup(w->backend, page_index(w, at), tce);
	lock_drop(&w->lock);
	return err;
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
