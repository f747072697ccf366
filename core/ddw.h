// SPDX-License-Identifier: Apache-2.0
/*
 * The DMA windows of one guest host bridge: the default one that the plan gives it, and those that
 * the guest makes and removes itself (LoPAR, dynamic DMA windows). Below RTAS: status words are
 * made of these errors in core/rtas_ddw.c.
 *
 * Window 0 starts at bus address 0, window 1 at 1 << 59; their LIOBNs follow from the bridge's
 * index. A new window takes the first place that is free. When the guest has removed the default
 * window and then the last of its own, the default comes back, empty; removed last it stays away.
 *
 * A window is found by other virtual CPUs when it is complete, and by none from the first step of
 * its removal on. Only one change of a bridge's windows goes on at a time: a second one is told
 * -EBUSY.
 */
#ifndef CORE_DDW_H
#define CORE_DDW_H

#include "core/err.h"
#include "core/guest_mem.h"
#include "core/log.h"
#include "core/phb.h"
#include "core/vfio_bridge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A default window's page, if nothing else is said. */
#define DDW_DEFAULT_SHIFT 12u

/* What a bridge's windows are made with; all pointers live as long as the bridge. */
struct ddw_config {
	const char *owner; /* the partition's name, for the log */
	struct phb *phb;   /* placed */
	struct vfio_container *container;
	const struct guest_mem *mem; /* registered with the container */
	uint32_t page_shifts;	     /* of the host's bridge; bit n: TCE pages of 2^n bytes */
	uint64_t default_size;
	unsigned int default_shift; /* the default window's page; 0: DDW_DEFAULT_SHIFT */
	bool offered;		    /* the guest may change its windows */
};

struct ddw_slot {
	struct vfio_bridge_window bridge;
	bool lost; /* the hardware may still look at its last table: never used again */
};

/* Zeroed by its owner. */
struct ddw {
	struct ddw_config c; /* phb NULL: not set up */
	atomic_flag busy;    /* a change is going on */
	bool has_default;    /* window 0 is open and the default one */
	struct ddw_slot slots[PHB_MAX_WINDOWS];
	struct log_limit log;
};

struct ddw_query {
	unsigned int windows;	/* how many can be made now */
	uint64_t largest_block; /* TCEs, a power of two: see ddw_query() */
	uint32_t page_mask;	/* as LoPAR encodes page sizes */
};

/* Where the window of this number starts. */
ioba_t ddw_slot_base(unsigned int slot);

/* Opens the default window. -EINVAL: the host, or where the memory is, does not allow its page
 * size. -ENOMEM: the pool has no room for the bridge's roots. Others: of the bridge or of VFIO.
 * Nothing left behind then. */
int ddw_init(struct ddw *d, const struct ddw_config *config) must_check;

/* Closes every window, whoever made it, and bypass. The bridge's virtual CPUs are off their
 * threads. What was not set up, or is closed already, is left alone. */
void ddw_exit(struct ddw *d);

/* What can be made at this moment. A window of largest_block TCEs can be made and mapped in full
 * with what the pool has left, whatever page size of page_mask it has, as long as no other window
 * of the partition takes of the pool meanwhile. 0 if no window can be made. -EBUSY. */
int ddw_query(struct ddw *d, struct ddw_query *out) must_check;

/*
 * Makes a window of 2^window_shift bytes with pages of 2^page_shift bytes; both are the guest's
 * words, of any value. *slot is its number. Nothing has changed unless 0:
 * -EINVAL: a page size that is not in the mask, window_shift below page_shift or above 63.
 * -EBUSY.
 * Others: it cannot be made now, and a line in the log says why. -ENOSPC: no place is free, or
 * bypass has it (design decision 9), or it is larger than a place or than a table. -ENOMEM: VFIO
 * had no memory for it. -EIO: the hardware.
 */
int ddw_create(
	struct ddw *d, uint32_t page_shift, uint32_t window_shift, unsigned int *slot) must_check;

/* Removes window slot with all its TCEs. -EINVAL: it is not open. -EBUSY. -EIO, -ENOMEM: it is
 * gone, but the hardware did not confirm or the default window could not come back, and a line in
 * the log has said so. */
int ddw_remove(struct ddw *d, unsigned int slot) must_check;

/* All TCEs gone, the guest's windows gone, the default window there. -EBUSY. -EIO, -ENOMEM: done as
 * far as it went, and a line in the log has said so; it can be asked for again. Bypass stays as it
 * is: it is not the guest's. */
int ddw_reset(struct ddw *d) must_check;

/*
 * Bypass (design decision 9) on, for the owner of the machine: the second place maps exactly the
 * partition's memory. 0: it is on, and may have been before. Otherwise it is off, and *why says
 * why: -EBUSY: a change is going on, try again. -EEXIST: the guest has a window of its own.
 * -ENOSPC: a place is not as it must be. -ENOMEM: the pool. -EINVAL, -EIO: the host or its
 * hardware.
 */
int ddw_bypass_on(struct ddw *d, const char **why) must_check;

/* And off. 0: it is off, and may have been before. -EBUSY: as above, nothing changed. -EIO: no
 * window is there any more, but the hardware did not confirm: its place is not used again. */
int ddw_bypass_off(struct ddw *d, const char **why) must_check;

#endif
