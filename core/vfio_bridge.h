// SPDX-License-Identifier: Apache-2.0
/*
 * Between a guest's host bridge and VFIO: TCE windows become windows of a container, guest-real
 * runs become host runs, config accesses and BARs of a guest function become those of a VFIO
 * device.
 */
#ifndef CORE_VFIO_BRIDGE_H
#define CORE_VFIO_BRIDGE_H

#include "core/guest_mem.h"
#include "core/pci.h"
#include "core/tce.h"
#include "core/vfio.h"

/* The backend of one TCE window; lives as long as the window. */
struct vfio_bridge_window {
	struct vfio_container *container;
	struct guest_mem mem;
	ioba_t start;
	unsigned int page_shift;
	/* The runs of one map in host terms, so that the driver sees the whole call at once and all
	 * or nothing is its to keep. Guarded by the TCE window's lock. */
	struct vfio_run runs[TCE_MAX_BATCH];
};

/* For struct tce_window; backend is a struct vfio_bridge_window. The guest pages of a run have been
 * checked by tce_put, and are checked again here: -EFAULT, nothing mapped. */
extern const struct tce_backend_ops vfio_bridge_tce_ops;

/* Opens a window in the container and makes it the guest's. -EINVAL with the window taken back if
 * the driver put it elsewhere than at base (SEED-001.62); else the driver's errors. */
int vfio_bridge_open_window(struct vfio_bridge_window *bw, struct tce_window *w,
	struct vfio_container *c, const struct guest_mem *mem, uint32_t liobn, ioba_t base,
	uint64_t size, unsigned int page_shift) must_check;

/* Closes it: no LIOBN, no entry, no table. Waits for virtual CPUs that are inside a call on it. Not
 * 0: it is closed all the same, but the hardware did not confirm, the container still holds its
 * table, and a line in the log has said so. */
int vfio_bridge_close_window(struct vfio_bridge_window *bw, struct tce_window *w);

/*
 * The bypass window (design decision 9): a window at base whose entries map exactly mem, read and
 * write, with the largest pages that divide mem's size and host address. -EINVAL, -ENOMEM, -EIO:
 * nothing left behind.
 */
int vfio_bridge_open_bypass(struct vfio_container *c, const struct guest_mem *mem, ioba_t base,
	uint32_t page_shifts) must_check;

#endif
