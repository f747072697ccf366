// SPDX-License-Identifier: Apache-2.0
/*
 * sPAPR TCE v2 over our own PHBs. The table a PHB walks is the only record of what is mapped:
 * entries are stored into it one by one, each in one piece, and read back from it.
 *
 * What hardware may look at is released late: a table is emptied, the windows of every PE that knew
 * it are turned off, their caches killed, and only if all of that was confirmed is it freed.
 */
#include "core/vfio_spapr.h"

#include "core/host_pci.h"
#include "core/log.h"
#include "core/range.h"
#include "core/vfio_spapr_parts.h"

#include <stdatomic.h>
#include <string.h>

static struct board *board_of(const struct spapr *s)
{
	return s->container->vfio->board;
}

static struct host_group *group_at(const struct spapr *s, unsigned int i)
{
	return &board_of(s)->groups[s->pes[i].group];
}

static struct host_phb *phb_of(const struct spapr *s, const struct host_group *g)
{
	return &board_of(s)->phbs[g->phb];
}

static bool spapr_check_extension(unsigned int extension)
{
	return extension == VFIO_SPAPR_TCE_v2_IOMMU;
}

static int spapr_open(struct vfio_container *c, unsigned int model, void **data)
{
	struct spapr *s;
	hpa_t at;
	int err;

	(void)model;
	err = page_pool_take(c->tables, 1, &at);
	if (err) {
		return err;
	}
	s = page_pool_ptr(c->tables, at);
	memset(s, 0, MEM_PAGE);
	s->container = c;
	*data = s;
	return 0;
}

static bool has_table(const struct spapr_window *w)
{
	return w->table.levels != 0;
}

static void empty_table(struct spapr_window *w)
{
	tce_table_clear(&w->table, 0, w->table.nentries);
}

/* What this PHB's walker and cache did with window win of the PE is over. */
static int close_on_group(const struct spapr *s, const struct host_group *g, unsigned int win)
{
	struct host_phb *phb = phb_of(s, g);
	int err = phb->ops->window_off(phb, g->pe, win);
	int kill_err = phb->ops->tce_kill(phb, g->pe);

	return err ? err : kill_err;
}

/* Ends a window known to the first ngroups groups. If one of them does not confirm, the table stays
 * ours, empty, until spapr_release: the groups' quarantine may still succeed. */
static int retire_window(struct spapr *s, unsigned int win, unsigned int ngroups)
{
	struct spapr_window *w = &s->windows[win];
	int err = 0;

	empty_table(w);
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
		tce_table_exit(&w->table);
	}
	return err;
}

static void spapr_release(void *data)
{
	struct spapr *s = data;
	struct page_pool *pool = s->container->tables;

	for (unsigned int i = 0; i < HOST_PHB_MAX_WINDOWS; i++) {
		struct spapr_window *w = &s->windows[i];

		if (!has_table(w)) {
			continue;
		}
		empty_table(w);
		if (s->stuck) {
			log_msg(LOG_ERR,
				"VFIO: a PE may still see a TCE table: 0x%llx bytes are kept out "
				"of use, empty",
				(unsigned long long)tce_table_bytes(&w->table));
		} else {
			tce_table_exit(&w->table);
		}
	}
	atomic_thread_fence(memory_order_seq_cst);
	page_pool_give(pool, hpa((uint64_t)((uintptr_t)s - pool->bias)));
}

/* The PE's window win is what the container's is. */
static int show_window(const struct spapr *s, const struct host_group *g, unsigned int win)
{
	const struct spapr_window *w = &s->windows[win];
	struct host_phb *phb = phb_of(s, g);

	if (!w->size) {
		return phb->ops->window_off(phb, g->pe, win);
	}
	return phb->ops->window_set(
		phb, g->pe, win, w->table.root, MEM_PAGE, w->table.levels, w->page_shift);
}

static int spapr_attach_group(void *data, struct vfio_group *group)
{
	struct spapr *s = data;
	struct host_group *g = &board_of(s)->groups[group->host];
	int err = 0;

	/* Open from the first step on, so that whoever stops half way has to close it. */
	g->closed = false;
	/* A vCPU may put words meanwhile. Either it finds the PE here and invalidates what that has
	 * cached, or its word was in the table before the PE could look. */
	s->pes[s->ngroups] = (struct spapr_pe){phb_of(s, g), g->pe, group->host};
	__atomic_store_n(&s->ngroups, s->ngroups + 1, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int win = 0; win < HOST_PHB_MAX_WINDOWS && !err; win++) {
		err = show_window(s, g, win);
	}
	/* Nothing of what it could reach before is left, whoever has shown it that (SEED-001.26).
	 */
	if (!err) {
		err = phb_of(s, g)->ops->tce_kill(phb_of(s, g), g->pe);
	}
	/* Nor what it did: one fault of an owner's stops its PE, for whoever comes next, too. */
	if (!err) {
		err = phb_of(s, g)->ops->pe_thaw(phb_of(s, g), g->pe);
	}
	if (err) {
		if (host_pci_quarantine(board_of(s), g)) {
			s->stuck = true;
		}
		__atomic_store_n(&s->ngroups, s->ngroups - 1, __ATOMIC_RELAXED);
	}
	return err;
}

static void spapr_detach_group(void *data, struct vfio_group *group)
{
	struct spapr *s = data;
	unsigned int i = 0;

	if (host_pci_quarantine(board_of(s), &board_of(s)->groups[group->host])) {
		s->stuck = true;
	}
	while (i < s->ngroups && s->pes[i].group != group->host) {
		i++;
	}
	if (i < s->ngroups) {
		s->pes[i] = s->pes[--s->ngroups];
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
	return ask->page_shift >= 12 && ask->page_shift < 32 &&
	       (common_page_shifts(s) >> ask->page_shift & 1) && is_pow2(ask->size) &&
	       ask->size >> ask->page_shift && ask->size <= 1ull << WINDOW_BIT &&
	       is_aligned(s->container->memory.host.v, 1ull << ask->page_shift);
}

uint64_t vfio_spapr_table_size(uint64_t size, unsigned int page_shift)
{
	uint64_t entries = size >> page_shift;
	uint64_t nodes = 0;

	for (unsigned int i = tce_table_levels(entries); i > 0; i--) {
		entries = (entries + TCE_TABLE_ENTRIES - 1) >> TCE_TABLE_BITS;
		nodes += entries;
	}
	return nodes * MEM_PAGE;
}

static int spapr_create_window(void *data, struct vfio_window *ask)
{
	struct spapr *s = data;
	struct spapr_window *w;
	unsigned int win = 0;
	int err;

	if (!s->container->memory.size) {
		return -EPERM;
	}
	if (!window_sound(s, ask)) {
		return -EINVAL;
	}
	while (win < HOST_PHB_MAX_WINDOWS && has_table(&s->windows[win])) {
		win++;
	}
	if (win == HOST_PHB_MAX_WINDOWS) {
		return -ENOSPC;
	}
	w = &s->windows[win];
	err = tce_table_init(
		&w->table, s->container->tables, ask->size >> ask->page_shift, ask->levels);
	if (err) {
		return err;
	}
	w->owner = s;
	w->host = s->container->memory.host.v;
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
	ask->levels = w->table.levels;
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

static uint64_t index_of(const struct spapr_window *w, ioba_t iova)
{
	return (iova.v - w->start) >> w->page_shift;
}

/* One window, by its pages: what a struct tce_backend_ops is. Its caller keeps to the window. */

static int window_reserve(void *backend, uint64_t first, uint64_t n)
{
	struct spapr_window *w = backend;

	return tce_table_reserve(&w->table, first, n);
}

static bool all_reserved(const struct spapr_window *w, uint64_t first, uint64_t n)
{
	while (n) {
		uint64_t k;

		if (!tce_table_at(&w->table, first, &k)) {
			return false;
		}
		k = k < n ? k : n;
		first += k;
		n -= k;
	}
	return true;
}

/* From the registered memory to the host's. */
static uint64_t host_word(uint64_t word, uint64_t host)
{
	return word ? word + host : 0;
}

static void store_words(be64_t *tce, const uint64_t *words, uint64_t n, uint64_t host)
{
	for (uint64_t i = 0; i < n; i++) {
		tce_table_store(&tce[i], host_word(words[i], host));
	}
}

/* The way to an entry is looked up once for all that are in its node. */
static int window_map(void *backend, uint64_t first, const uint64_t *words, unsigned int n)
{
	struct spapr_window *w = backend;
	uint64_t left = n, k;
	be64_t *tce = tce_table_at(&w->table, first, &k);

	if (!tce || (k < left && !all_reserved(w, first + k, left - k))) {
		return -EAGAIN;
	}
	while (k < left) {
		store_words(tce, words, k, w->host);
		words += k;
		first += k;
		left -= k;
		tce = tce_table_at(&w->table, first, &k);
	}
	store_words(tce, words, left, w->host);
	return 0;
}

static int window_unmap(void *backend, uint64_t first, uint64_t n)
{
	struct spapr_window *w = backend;

	tce_table_clear(&w->table, first, n);
	return 0;
}

static int window_lookup(void *backend, uint64_t index, uint64_t *word)
{
	struct spapr_window *w = backend;
	const struct guest_mem *mem = &w->owner->container->memory;
	be64_t *tce;
	uint64_t val = tce_table_find(&w->table, index, &tce) ? tce_table_load(tce) : 0;

	*word = 0;
	if (val & PERM_MASK) {
		uint64_t page = 1ull << w->page_shift;

		/* A host address that is not this container's memory is nobody's to know. */
		if (!range_inside(align_down(val, page), page, w->host, mem->size)) {
			return -EFAULT;
		}
		*word = val - w->host;
	}
	return 0;
}

static uint64_t window_skip(void *backend, uint64_t first, uint64_t n)
{
	const struct spapr_window *w = backend;

	return tce_table_skip(&w->table, first, n);
}

static __attribute__((noinline)) int kill_failed(
	struct spapr *s, const struct spapr_pe *pe, int err)
{
	log_limited(&s->log, LOG_ERR, "PHB#%04x[%03x]: TCE invalidation failed (%s)",
		(unsigned int)pe->phb->id, pe->pe, err_name(err));
	return -EIO;
}

static int kill_one(struct spapr *s, const struct spapr_pe *pe)
{
	int err = pe->phb->ops->tce_kill(pe->phb, pe->pe);

	return err ? kill_failed(s, pe, err) : 0;
}

static __attribute__((noinline)) int kill_all(struct spapr *s)
{
	int ret = 0;

	for (unsigned int i = s->ngroups; i-- > 0;) {
		int err = kill_one(s, &s->pes[i]);

		ret = err ? err : ret;
	}
	return ret;
}

/* One group is what a container nearly always has. */
static inline int invalidate(struct spapr *s)
{
	/* The PHB fetches from memory as soon as it has forgotten: the stores must be there. */
	atomic_thread_fence(memory_order_seq_cst);
	return s->ngroups == 1 ? kill_one(s, &s->pes[0]) : kill_all(s);
}

static int window_flush(void *backend, uint64_t first, uint64_t n)
{
	const struct spapr_window *w = backend;

	(void)first;
	(void)n;
	return invalidate(w->owner);
}

/* What has no node yet gets one. */
static __attribute__((noinline)) int put_anew(struct spapr_window *w, uint64_t index, uint64_t word)
{
	/* Taking access away needs no memory. */
	int err = word ? tce_table_reserve(&w->table, index, 1) : 0;

	if (!err && word) {
		err = window_map(w, index, &word, 1);
	}
	return err ? err : invalidate(w->owner);
}

static int window_put(void *backend, uint64_t index, uint64_t word)
{
	struct spapr_window *w = backend;
	be64_t *tce;

	if (!tce_table_find(&w->table, index, &tce)) {
		return put_anew(w, index, word);
	}
	tce_table_store(tce, host_word(word, w->host));
	return invalidate(w->owner);
}

static const struct tce_backend_ops window_ops = {
	.reserve = window_reserve,
	.map = window_map,
	.put = window_put,
	.unmap = window_unmap,
	.lookup = window_lookup,
	.skip = window_skip,
	.flush = window_flush,
};

static int spapr_window_backend(
	void *data, ioba_t start, const struct tce_backend_ops **ops, void **backend)
{
	struct spapr *s = data;
	struct spapr_window *w = &s->windows[start.v >> WINDOW_BIT & 1];

	if (!w->size || w->start != start.v) {
		return -EINVAL;
	}
	*ops = &window_ops;
	*backend = w;
	return 0;
}

/* The same by bus address. */

static int spapr_reserve(void *data, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = find_window(data, iova, len);

	return w ? window_reserve(w, index_of(w, iova), len >> w->page_shift) : -EINVAL;
}

/* One word for 2^split pages of the window, aligned and therefore in one node. They are reserved.
 */
static void map_split(struct spapr_window *w, uint64_t first, uint64_t word, unsigned int split)
{
	uint64_t step = word ? 1ull << w->page_shift : 0, n;
	be64_t *tce = tce_table_at(&w->table, first, &n);

	for (uint64_t i = 0; i < 1ull << split; i++, word += step) {
		tce_table_store(&tce[i], word);
	}
}

static int spapr_map(
	void *data, ioba_t iova, const uint64_t *words, unsigned int n, unsigned int page_shift)
{
	struct spapr_window *w = find_window(data, iova, (uint64_t)n << page_shift);
	unsigned int split;
	uint64_t first;

	if (!w || page_shift < w->page_shift || !is_aligned(iova.v, 1ull << page_shift)) {
		return -EINVAL;
	}
	split = page_shift - w->page_shift;
	if (split > TCE_TABLE_BITS) {
		return -EINVAL;
	}
	first = index_of(w, iova);
	if (!split) {
		return window_map(w, first, words, n);
	}
	if (!all_reserved(w, first, (uint64_t)n << split)) {
		return -EAGAIN;
	}
	for (unsigned int i = 0; i < n; i++) {
		map_split(w, first + ((uint64_t)i << split), host_word(words[i], w->host), split);
	}
	return 0;
}

static int spapr_unmap(void *data, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = find_window(data, iova, len);

	return w ? window_unmap(w, index_of(w, iova), len >> w->page_shift) : -EINVAL;
}

static int spapr_lookup(void *data, ioba_t iova, uint64_t *word)
{
	struct spapr *s = data;
	uint64_t page = 1ull << s->windows[iova.v >> WINDOW_BIT & 1].page_shift;
	struct spapr_window *w = find_window(s, iova, page);

	return w ? window_lookup(w, index_of(w, iova), word) : -EINVAL;
}

static uint64_t spapr_skip(void *data, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = find_window(data, iova, len);

	return w ? window_skip(w, index_of(w, iova), len >> w->page_shift) << w->page_shift : 0;
}

static int spapr_flush(void *data, ioba_t iova, uint64_t len)
{
	struct spapr_window *w = find_window(data, iova, len);

	return w ? window_flush(w, 0, 0) : -EINVAL;
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
	.skip = spapr_skip,
	.flush = spapr_flush,
	.window_backend = spapr_window_backend,
};
