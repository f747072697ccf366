// SPDX-License-Identifier: Apache-2.0
/*
 * The sPAPR TCE v2 IOMMU driver for a host whose PHBs are ours: one TCE table per window, in memory
 * from vfio.pool, which is the very table the PHB walks (design decision 5). A container starts
 * with no window at all; a new one is window 0 (bus address 0) if that is free, else window 1 (1 <<
 * 59). Window sizes are powers of two; tables have one level.
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

#endif
