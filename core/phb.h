// SPDX-License-Identifier: Apache-2.0
/*
 * A PCI host bridge as its guest sees it. Where it is follows from its index alone, by the rules
 * QEMU's pseries machine uses, so that guests, scripts and people find things where they expect
 * them (design decision 11).
 */
#ifndef CORE_PHB_H
#define CORE_PHB_H

#include "core/addr.h"
#include "core/err.h"
#include "core/pci.h"
#include "core/tce.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PHB_MAX_INDEX	30u
#define PHB_MAX_FUNCS	8u
#define PHB_MAX_WINDOWS 2u

/* LIOBNs: this | index << shift | window. */
#define PHB_LIOBN_BASE	      0x80000000u
#define PHB_LIOBN_INDEX_SHIFT 8u

/* The bus addresses of the 32-bit MMIO window, the same for every PHB. */
#define PHB_MMIO32_BUS	0x80000000u
#define PHB_MMIO32_SIZE 0x80000000u
/* Where the bypass window starts on the bus (design decision 9), and what it announces itself as.
 */
#define PHB_BYPASS_BASE 0x0800000000000000u

struct phb_placement {
	uint64_t buid;
	gpa_t mmio32;			 /* guest-real address of bus address PHB_MMIO32_BUS */
	uint32_t liobn[PHB_MAX_WINDOWS]; /* 0x80000000 | index << 8 | window */
	uint32_t lsi;			 /* the first of four interrupt numbers */
};

struct phb {
	char id[32];
	unsigned int index;
	struct phb_placement at;
	struct tce_window windows[PHB_MAX_WINDOWS];
	uint64_t bypass_size; /* bytes from PHB_BYPASS_BASE; 0: none */
	unsigned int nfuncs;
	struct pci_func funcs[PHB_MAX_FUNCS];
};

/* -EINVAL: index above PHB_MAX_INDEX. */
int phb_place(unsigned int index, struct phb_placement *out) must_check;

/* Gives every function the multi-function bit that the layout of all of them asks for. Called when
 * the last function has its devfn. */
void phb_settle_layout(struct phb *phb);

/* Which bridge of a partition has an index, so that what names one (LIOBN, BUID) is found as fast
 * among 31 as alone. Zeroed: none has. */
struct phb_map {
	struct phb *at[PHB_MAX_INDEX + 1];
	struct tce_window *windows[PHB_MAX_INDEX + 1][PHB_MAX_WINDOWS];
};

/* The bridge, whose index is set, is in the map from now on. */
void phb_map_add(struct phb_map *map, struct phb *phb);
/* And no more. */
void phb_map_remove(struct phb_map *map, const struct phb *phb);

/* The place of the window of this LIOBN among the bridges of the map, open or not; NULL if no
 * bridge has it. A liobn with high bits set is never found. The number says all. */
static inline struct tce_window *phb_find_place(const struct phb_map *map, uint64_t liobn)
{
	uint64_t offset = liobn - PHB_LIOBN_BASE;
	uint64_t index = offset >> PHB_LIOBN_INDEX_SHIFT;
	uint64_t window = offset % (1u << PHB_LIOBN_INDEX_SHIFT);

	if (index > PHB_MAX_INDEX || window >= PHB_MAX_WINDOWS) {
		return NULL;
	}
	return map->windows[index][window];
}

/* The same, and NULL as well if the window is not open now. */
static inline struct tce_window *phb_find_window(const struct phb_map *map, uint64_t liobn)
{
	struct tce_window *w = phb_find_place(map, liobn);

	return w && atomic_load_explicit(&w->npages, memory_order_relaxed) ? w : NULL;
}

/* The bridge with this BUID; NULL if there is none. */
struct phb *phb_find(const struct phb_map *map, uint64_t buid);

/* The function at an RTAS config address of the PHB with this BUID; NULL if there is none.
 * config_addr: bits 23..16 bus, 15..8 devfn; the guest's functions are all on bus 0. The other bits
 * are the caller's to look at. */
struct pci_func *phb_find_func(const struct phb_map *map, uint64_t buid, uint32_t config_addr);

#endif
