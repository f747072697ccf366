// SPDX-License-Identifier: Apache-2.0
/*
 * Sparse TCE tables. The way from the root to an entry is walked anew each time: five loads at the
 * most, and nothing to keep in step with what the hardware sees.
 */
#include "core/tce_table.h"

#include "core/range.h"

#include <stddef.h>
#include <string.h>

#define INDEX_MASK (TCE_TABLE_ENTRIES - 1)
/* Blocks of lowest nodes that one reserve can touch, and a path above each end of them. */
#define MAX_NEW_NODES \
	(TCE_TABLE_MAX_RESERVE / TCE_TABLE_ENTRIES + 1 + 2 * (TCE_TABLE_MAX_LEVELS - 2))

_Static_assert(TCE_TABLE_ENTRIES * sizeof(be64_t) == MEM_PAGE, "a node is a page");

static be64_t *node_ptr(const struct tce_table *t, uint64_t entry)
{
	return page_pool_ptr(t->pool, hpa(entry & ~TCE_TABLE_NODE));
}

/* Entries of the whole table that one entry of this level stands for. */
static unsigned int level_shift(unsigned int level)
{
	return level * TCE_TABLE_BITS;
}

unsigned int tce_table_levels(uint64_t nentries)
{
	unsigned int levels = 1;

	while (level_shift(levels) < 64 && nentries > 1ull << level_shift(levels)) {
		levels++;
	}
	return levels;
}

int tce_table_init(
	struct tce_table *t, struct page_pool *pool, uint64_t nentries, unsigned int levels)
{
	unsigned int need = tce_table_levels(nentries);
	int err;

	levels = levels ? levels : need;
	if (levels < need || levels > TCE_TABLE_MAX_LEVELS || !nentries) {
		return -EINVAL;
	}
	err = page_pool_take_root(pool, &t->root);
	if (err) {
		return err;
	}
	memset(page_pool_ptr(pool, t->root), 0, MEM_PAGE);
	t->pool = pool;
	t->nentries = nentries;
	t->levels = levels;
	t->top = page_pool_ptr(pool, t->root);
	t->bias = pool->bias;
	t->upper = levels - 1;
	atomic_store(&t->nnodes, 1);
	return 0;
}

/* What is below a node of this level; as deep as the table has levels. */
static void free_below(struct tce_table *t, hpa_t at, unsigned int level)
{
	const be64_t *node = page_pool_ptr(t->pool, at);

	for (unsigned int i = 0; level && i < TCE_TABLE_ENTRIES; i++) {
		uint64_t entry = tce_table_load(&node[i]);

		if (entry) {
			hpa_t below = hpa(entry & ~TCE_TABLE_NODE);

			free_below(t, below, level - 1);
			page_pool_give(t->pool, below);
		}
	}
}

void tce_table_exit(struct tce_table *t)
{
	free_below(t, t->root, t->levels - 1);
	page_pool_give_root(t->pool, t->root);
	t->levels = 0;
	atomic_store(&t->nnodes, 0);
}

/* From index to the end of its block of 2^shift entries, or of the table. */
static uint64_t rest_of_block(const struct tce_table *t, uint64_t index, unsigned int shift)
{
	uint64_t block = 1ull << shift;
	uint64_t n = block - (index & (block - 1));

	return n < t->nentries - index ? n : t->nentries - index;
}

be64_t *tce_table_at(const struct tce_table *t, uint64_t index, uint64_t *n)
{
	be64_t *node = page_pool_ptr(t->pool, t->root);

	for (unsigned int shift = level_shift(t->levels - 1); shift; shift -= TCE_TABLE_BITS) {
		uint64_t entry = tce_table_load(&node[index >> shift & INDEX_MASK]);

		if (!entry) {
			*n = rest_of_block(t, index, shift);
			return NULL;
		}
		node = node_ptr(t, entry);
	}
	*n = rest_of_block(t, index, TCE_TABLE_BITS);
	return &node[index & INDEX_MASK];
}

/* How many nodes the way to index lacks that the way to the block before it does not have or lack
 * as well. first: there is no block before it. */
static unsigned int count_missing(const struct tce_table *t, uint64_t index, bool first)
{
	be64_t *node = page_pool_ptr(t->pool, t->root);
	unsigned int missing = 0;
	bool gone = false;

	for (unsigned int shift = level_shift(t->levels - 1); shift; shift -= TCE_TABLE_BITS) {
		bool shared = !first && !is_aligned(index, 1ull << shift);

		if (!gone) {
			uint64_t entry = tce_table_load(&node[index >> shift & INDEX_MASK]);

			gone = !entry;
			node = gone ? NULL : node_ptr(t, entry);
		}
		missing += gone && !shared;
	}
	return missing;
}

/* The block of lowest-level entries after the one of index. */
static uint64_t next_block(uint64_t index)
{
	return align_down(index, TCE_TABLE_ENTRIES) + TCE_TABLE_ENTRIES;
}

/* Nodes that are ready to be linked: empty, and how many are left. */
struct spares {
	hpa_t nodes[MAX_NEW_NODES];
	unsigned int n;
};

/* A node below this entry, which has none. It is empty before anybody can see it. */
static be64_t *link_node(struct tce_table *t, be64_t *entry, struct spares *s)
{
	hpa_t node = s->nodes[--s->n];

	__atomic_store_n(&entry->raw, be64(node.v | TCE_TABLE_NODE).raw, __ATOMIC_RELEASE);
	atomic_fetch_add(&t->nnodes, 1);
	return page_pool_ptr(t->pool, node);
}

static void link_way(struct tce_table *t, uint64_t index, struct spares *s)
{
	be64_t *node = page_pool_ptr(t->pool, t->root);

	for (unsigned int shift = level_shift(t->levels - 1); shift; shift -= TCE_TABLE_BITS) {
		be64_t *entry = &node[index >> shift & INDEX_MASK];
		uint64_t below = tce_table_load(entry);

		node = below ? node_ptr(t, below) : link_node(t, entry, s);
	}
}

/* The lock is held, so that what is missing is exactly what is taken. Two threads that each took
 * what both need would want more than the caller has been promised (core/ddw.h). */
static int reserve(struct tce_table *t, uint64_t first, uint64_t n)
{
	struct spares s = {.n = 0};
	int err;

	for (uint64_t at = first; at < first + n; at = next_block(at)) {
		s.n += count_missing(t, at, at == first);
	}
	if (!s.n) {
		return 0;
	}
	err = page_pool_take(t->pool, s.n, s.nodes);
	if (err) {
		return err;
	}
	for (unsigned int i = 0; i < s.n; i++) {
		memset(page_pool_ptr(t->pool, s.nodes[i]), 0, MEM_PAGE);
	}
	for (uint64_t at = first; at < first + n; at = next_block(at)) {
		link_way(t, at, &s);
	}
	return 0;
}

int tce_table_reserve(struct tce_table *t, uint64_t first, uint64_t n)
{
	int err;

	if (!n || n > TCE_TABLE_MAX_RESERVE) {
		return -EINVAL;
	}
	lock_take(&t->growing);
	err = reserve(t, first, n);
	lock_drop(&t->growing);
	return err;
}

uint64_t tce_table_skip(const struct tce_table *t, uint64_t index, uint64_t n)
{
	uint64_t empty = 0, k;

	for (unsigned int i = 0; i < TCE_TABLE_ENTRIES && empty < n; i++) {
		if (tce_table_at(t, index + empty, &k)) {
			break;
		}
		empty += k;
	}
	return empty < n ? empty : n;
}

/* Eight at a time: most of what a clearing costs is the loop. */
static void clear_entries(be64_t *tce, uint64_t n)
{
	for (; n >= 8; n -= 8, tce += 8) {
		tce_table_store(&tce[0], 0);
		tce_table_store(&tce[1], 0);
		tce_table_store(&tce[2], 0);
		tce_table_store(&tce[3], 0);
		tce_table_store(&tce[4], 0);
		tce_table_store(&tce[5], 0);
		tce_table_store(&tce[6], 0);
		tce_table_store(&tce[7], 0);
	}
	for (; n; n--) {
		tce_table_store(tce++, 0);
	}
}

void tce_table_clear(struct tce_table *t, uint64_t first, uint64_t n)
{
	while (n) {
		uint64_t k;
		be64_t *tce = tce_table_at(t, first, &k);

		k = k < n ? k : n;
		if (tce) {
			clear_entries(tce, k);
		}
		first += k;
		n -= k;
	}
}

uint64_t tce_table_bytes(const struct tce_table *t)
{
	return (uint64_t)atomic_load(&t->nnodes) * MEM_PAGE;
}
