// SPDX-License-Identifier: Apache-2.0
/*
 * The table of a DMA window in the form a PHB walks (IODA2/3): one to five levels of nodes of 512
 * big-endian entries of 8 bytes. An entry of the lowest level is a TCE; one above it is the
 * host-real address of a node, with both permissions, or 0. Nodes come when a range is reserved and
 * go with the table, so that a large window with little in it costs little; there is no other
 * record of what is mapped.
 *
 * Entries are stored in one piece each. Reserving may run beside everything else; what is stored
 * into one range at one time is the caller's to keep apart.
 */
#ifndef CORE_TCE_TABLE_H
#define CORE_TCE_TABLE_H

#include "core/be.h"
#include "core/lock.h"
#include "core/page_pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCE_TABLE_BITS	     9u /* of an index that one level looks at */
#define TCE_TABLE_ENTRIES    (1u << TCE_TABLE_BITS)
#define TCE_TABLE_MAX_LEVELS 5u
/* The most entries that one call reserves. */
#define TCE_TABLE_MAX_RESERVE 8192u

struct tce_table {
	struct lock growing; /* by whoever reserves; nobody else looks at it */
	struct page_pool *pool;
	uint64_t nentries;
	unsigned int levels; /* 0: there is no table */
	hpa_t root;
	/* For the way down: our pointer to the root, what makes pointers of
	 * addresses, and how many levels are below the root. */
	be64_t *top;
	uintptr_t bias;
	unsigned int upper;
	atomic_uint nnodes;
};

/* The levels that so many entries need; more than TCE_TABLE_MAX_LEVELS: no table has so many. */
unsigned int tce_table_levels(uint64_t nentries);

/* An empty table: its root. levels 0: as few as will do. -EINVAL: too few levels, or more than
 * TCE_TABLE_MAX_LEVELS. -ENOMEM. */
int tce_table_init(struct tce_table *t, struct page_pool *pool, uint64_t nentries,
	unsigned int levels) must_check;

/* All nodes go back. Nobody looks at them any more, hardware included. */
void tce_table_exit(struct tce_table *t);

/* Gets the nodes that [first, first + n) needs, n up to TCE_TABLE_MAX_RESERVE, inside the table.
 * -ENOMEM: none of them was taken. */
int tce_table_reserve(struct tce_table *t, uint64_t first, uint64_t n) must_check;

/* The entry at index, inside the table, and in *n how many follow in its node, itself included.
 * NULL: it has no node, so it is 0, and so are *n from it on (up to the end of the table). */
be64_t *tce_table_at(const struct tce_table *t, uint64_t index, uint64_t *n);

/* How many entries from index on, up to n, are 0 because they have no node; looks at no more than
 * about TCE_TABLE_ENTRIES entries above the lowest level, and may therefore say too few. */
uint64_t tce_table_skip(const struct tce_table *t, uint64_t index, uint64_t n);

/* Makes [first, first + n) 0 where there are nodes. */
void tce_table_clear(struct tce_table *t, uint64_t first, uint64_t n);

/* Bytes of all nodes. */
uint64_t tce_table_bytes(const struct tce_table *t);

static inline void tce_table_store(be64_t *tce, uint64_t val)
{
	__atomic_store_n(&tce->raw, be64(val).raw, __ATOMIC_RELAXED);
}

static inline uint64_t tce_table_load(const be64_t *tce)
{
	return be64_get((be64_t){__atomic_load_n(&tce->raw, __ATOMIC_RELAXED)});
}

/* An upper entry says with both permissions that there is a node. */
#define TCE_TABLE_NODE 3ull

/* One level down, or NULL; shift is how much of the index is below. */
static inline be64_t *tce_table_down(
	const be64_t *node, uint64_t index, unsigned int shift, uintptr_t bias)
{
	uint64_t entry = tce_table_load(&node[index >> shift & (TCE_TABLE_ENTRIES - 1)]);

	return entry ? (be64_t *)((entry ^ TCE_TABLE_NODE) + bias) : NULL;
}

/* The entry at index, inside the table, in *tce; false: it has no node. In line and without a loop,
 * because it is most of what H_PUT_TCE does. */
static inline bool tce_table_find(const struct tce_table *t, uint64_t index, be64_t **tce)
{
	const uintptr_t bias = t->bias;
	const unsigned int upper = t->upper;
	be64_t *node = t->top;

	if (upper > 1) {
		if (upper > 3 && !(node = tce_table_down(node, index, 4 * TCE_TABLE_BITS, bias))) {
			return false;
		}
		if (upper > 2 && !(node = tce_table_down(node, index, 3 * TCE_TABLE_BITS, bias))) {
			return false;
		}
		node = tce_table_down(node, index, 2 * TCE_TABLE_BITS, bias);
		if (!node) {
			return false;
		}
	}
	if (upper > 0 && !(node = tce_table_down(node, index, TCE_TABLE_BITS, bias))) {
		return false;
	}
	*tce = &node[index & (TCE_TABLE_ENTRIES - 1)];
	return true;
}

_Static_assert(TCE_TABLE_MAX_LEVELS == 5, "tce_table_find knows four levels above the lowest");

#endif
