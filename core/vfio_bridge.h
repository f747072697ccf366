// SPDX-License-Identifier: Apache-2.0
/*
 * Between a guest's host bridge and VFIO: TCE windows become windows of a container, and ranges of
 * their pages bus addresses.
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
	ioba_t start;
	unsigned int page_shift; /* the guest's */
};

/* For struct tce_window; backend is a struct vfio_bridge_window. */
extern const struct tce_backend_ops vfio_bridge_tce_ops;

/* The most pages of the host's IOMMU that one page of the guest may be split into (16), as a shift:
 * a call of 512 pages stays bounded. */
#define VFIO_BRIDGE_SPLIT_SHIFT 4u

/* The page size to use below for the guest's: the same if the host has it, else the largest that it
 * can be split into; 0: there is none. Both as shifts; host_shifts has bit n for pages of 2^n. */
unsigned int vfio_bridge_host_page(uint32_t host_shifts, unsigned int page_shift);

/* Opens a window in the container, whose memory is registered, and makes it the guest's; host_shift
 * as vfio_bridge_host_page says. -EINVAL with the window taken back if the driver put it elsewhere
 * than at base (SEED-001.62); else the driver's errors. */
int vfio_bridge_open_window(struct vfio_bridge_window *bw, struct tce_window *w,
	struct vfio_container *c, uint32_t liobn, ioba_t base, uint64_t size,
	unsigned int page_shift, unsigned int host_shift) must_check;

/* Closes it: no LIOBN, no entry, no table. Waits for virtual CPUs that are inside a call on it. Not
 * 0: it is closed all the same, but the hardware did not confirm, the container still holds its
 * table, and a line in the log has said so. */
int vfio_bridge_close_window(struct vfio_bridge_window *bw, struct tce_window *w);

/*
 * The bypass window (design decision 9): a window at base whose entries map exactly the container's
 * memory, read and write, with the largest pages that divide its size and host address. -EINVAL,
 * -ENOMEM, -EIO: nothing left behind.
 */
int vfio_bridge_open_bypass(struct vfio_container *c, ioba_t base, uint32_t page_shifts) must_check;

/* And its end; errors as vfio_bridge_close_window. */
int vfio_bridge_close_bypass(struct vfio_container *c, ioba_t base);

#endif
