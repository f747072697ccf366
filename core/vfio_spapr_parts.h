// SPDX-License-Identifier: Apache-2.0
/*
 * What a container of the sPAPR driver consists of; for the driver's own files.
 */
#ifndef CORE_VFIO_SPAPR_PARTS_H
#define CORE_VFIO_SPAPR_PARTS_H

#include "core/log.h"
#include "core/tce_table.h"
#include "core/vfio_spapr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Bus addresses with this bit set are window 1's. */
#define WINDOW_BIT 59u

#define PERM_MASK ((uint64_t)(VFIO_DMA_READ | VFIO_DMA_WRITE))

struct spapr;

/* A group's, as an invalidation wants it. */
struct spapr_pe {
	struct host_phb *phb;
	unsigned int pe;
	unsigned int group; /* index into board.groups */
};

struct spapr_window {
	struct spapr *owner;
	uint64_t host; /* host-real address of the registered memory */
	uint64_t start;
	uint64_t size; /* 0: not open */
	unsigned int page_shift;
	/* A table without an open window is one that hardware may still look at. */
	struct tce_table table;
};

/* A container's data, one page of its pool. */
struct spapr {
	struct vfio_container *container;
	struct log_limit log;
	bool stuck; /* a PE could not be closed: the tables are lost */
	unsigned int ngroups;
	struct spapr_pe pes[VFIO_MAX_GROUPS];
	struct spapr_window windows[HOST_PHB_MAX_WINDOWS];
	atomic_uint walkers; /* who is inside a walk of a table: it stays until they are out */
};

_Static_assert(sizeof(struct spapr) <= MEM_PAGE, "container data must fit the page it gets");

#endif
