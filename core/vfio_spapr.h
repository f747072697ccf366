// SPDX-License-Identifier: Apache-2.0
/*
 * The sPAPR TCE v2 IOMMU driver for a host whose PHBs are ours: one TCE table per window, in memory
 * from the container's page pool, which is the very table the PHB walks (design decision 5). A
 * container starts with no window at all; a new one is window 0 (bus address 0) if that is free,
 * else window 1 (1 << 59). Window sizes are powers of two.
 *
 * A table goes back to the pool only when every PE that was told of it has confirmed that it walks
 * and caches it no more; where that is never confirmed the table stays out of use for good, empty.
 */
#ifndef CORE_VFIO_SPAPR_H
#define CORE_VFIO_SPAPR_H

#include "core/vfio.h"

extern const struct vfio_iommu_driver vfio_spapr_v2_driver;

/* Walks a container's tables: how many entries give access. For summaries and audit, not for hot
 * paths. 0 for a container of another driver. */
uint64_t vfio_spapr_count_live(const struct vfio_container *c);

/* Bytes of table memory all containers of v hold together. */
uint64_t vfio_spapr_table_bytes(const struct vfio *v);

/* What the table of a window takes when every page of it is mapped. Both numbers are sane: size is
 * a power of two, its pages at most 2^45. */
uint64_t vfio_spapr_table_size(uint64_t size, unsigned int page_shift);

/* Bytes of the table that the container holds for the window at start: not 0 for one that is open,
 * and for one that was closed and may still be looked at. */
uint64_t vfio_spapr_held_bytes(const struct vfio_container *c, ioba_t start);

/* An open window as it is in the container: where, and which table. */
struct vfio_spapr_view {
	ioba_t start;
	uint64_t size;
	unsigned int page_shift;
	unsigned int levels;
	hpa_t table;	      /* its root */
	uint64_t table_bytes; /* of all its nodes, */
	hpa_t pool;	      /* which lie somewhere in here */
	uint64_t pool_bytes;
};

/* One entry that gives access, in the host's terms. */
struct vfio_spapr_entry {
	ioba_t at;
	hpa_t target;
	uint64_t len;
	unsigned int perm;
};

/* Window win (0 or 1) of a container; false: it is not open, or there is none. */
bool vfio_spapr_view(const struct vfio_container *c, unsigned int win, struct vfio_spapr_view *out);

/* Calls fn for the entries of window win from number first on that give access. Every entry that is
 * looked at costs 1 of *budget, and so does everything that is empty without looking, however
 * large. Returns the number to go on with; the number of entries of the window, or 0 if it is not
 * open: that was all. May run beside everything but the release of the container; a window that is
 * being removed stays until the walk is over, which is why the budget should be small while a guest
 * runs.
 */
uint64_t vfio_spapr_walk(const struct vfio_container *c, unsigned int win, uint64_t first,
	uint64_t *budget, void (*fn)(void *ctx, const struct vfio_spapr_entry *entry), void *ctx);

#endif
