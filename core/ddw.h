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
#include "core/lock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/phb.h"
#include "core/vfio_bridge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What all windows of a partition may take in tables, and a default window's page. */
#define DDW_TABLE_LIMIT	  0x4000000u
#define DDW_DEFAULT_SHIFT 12u

/* The tables of a partition's bridges together. A default window's counts from ddw_init to
 * ddw_exit, whether it is there or not, so that it can always come back. */
struct ddw_account {
	struct lock lock;
	uint64_t used;
};

/* What a bridge's windows are made with; all pointers live as long as the bridge. */
struct ddw_config {
	const char *owner; /* the partition's name, for the log */
	struct phb *phb;   /* placed */
	struct vfio_container *container;
	const struct guest_mem *mem;
	struct mem_pool *pool; /* where the container's tables come from */
	struct ddw_account *account;
	uint32_t page_shifts; /* of the host's bridge; bit n: TCE pages of 2^n bytes */
	uint64_t default_size;
	bool offered; /* the guest may change its windows */
};

struct ddw_slot {
	struct vfio_bridge_window bridge;
	uint64_t charged; /* bytes of the account, of a window that is not the default one */
	bool lost;	  /* the hardware may still look at its last table: never used again */
};

/* Zeroed by its owner. */
struct ddw {
	struct ddw_config c; /* phb NULL: not set up */
	atomic_flag busy;    /* a change is going on */
	bool has_default;    /* window 0 is open and the default one */
	uint64_t default_bytes;
	struct ddw_slot slots[PHB_MAX_WINDOWS];
	struct log_limit log;
};

struct ddw_query {
	unsigned int windows;	/* how many can be made now */
	uint64_t largest_block; /* TCEs, of the largest page, of the largest that can be made */
	uint32_t page_mask;	/* as LoPAR encodes page sizes */
};

/* Where the window of this number starts. */
ioba_t ddw_slot_base(unsigned int slot);

/* Opens the default window. An error of the bridge or of VFIO; nothing left behind then. */
int ddw_init(struct ddw *d, const struct ddw_config *config) must_check;

/* Closes every window, whoever made it. The bridge's virtual CPUs are off their threads. What was
 * not set up, or is closed already, is left alone. */
void ddw_exit(struct ddw *d);

/* What can be made at this moment; another CPU or partition may be faster. -EBUSY. */
int ddw_query(struct ddw *d, struct ddw_query *out) must_check;

/*
 * Makes a window of 2^window_shift bytes with pages of 2^page_shift bytes; both are the guest's
 * words, of any value. *slot is its number. Nothing has changed unless 0:
 * -EINVAL: a page size that is not in the mask, window_shift below page_shift or above 63.
 * -EBUSY.
 * Others: it cannot be made now, and a line in the log says why. -ENOSPC: no place is free, or
 * bypass has it (design decision 9), or it is larger than a place. -ENOMEM: its table is more than
 * the partition may have or the host can give. -EIO: the hardware.
 */
int ddw_create(
	struct ddw *d, uint32_t page_shift, uint32_t window_shift, unsigned int *slot) must_check;

/* Removes window slot with all its TCEs. -EINVAL: it is not open. -EBUSY. -EIO, -ENOMEM: it is
 * gone, but the hardware did not confirm or the default window could not come back, and a line in
 * the log has said so. */
int ddw_remove(struct ddw *d, unsigned int slot) must_check;

/* All TCEs gone, the guest's windows gone, the default window there. -EBUSY. -EIO, -ENOMEM: done as
 * far as it went, and a line in the log has said so; it can be asked for again. */
int ddw_reset(struct ddw *d) must_check;

#endif
