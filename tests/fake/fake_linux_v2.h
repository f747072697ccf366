// SPDX-License-Identifier: Apache-2.0
/*
 * A fake of Linux's sPAPR TCE v2 container (VFIO_SPAPR_TCE_v2_IOMMU), behind core/vfio_shadow.c as
 * a driver over /dev/vfio would be. What of Linux it keeps to:
 *   - nothing is mapped or unmapped (-EPERM) before memory was registered, and nothing but that;
 *   - up to two windows, at 0 and 1 << 59 (-ENOSPC); a default one at 0 appears with the first
 *     command unless it is removed before (the driver here does that); outside of them -ENXIO;
 *   - a table of too few levels needs more memory in a piece than there is (-ENOMEM);
 *   - a map replaces what is mapped, entry by entry; one that fails half way takes everything away
 *     that it has got to, and whatever was there before;
 *   - an unmap of a range in one window succeeds, mapped or not, and says nothing about it;
 *   - errors may be positive numbers;
 *   - nothing can be read back.
 * What it does when it is used as its driver must not use it fails the test.
 */
#ifndef TESTS_FAKE_LINUX_V2_H
#define TESTS_FAKE_LINUX_V2_H

#include "core/vfio_shadow.h"
#include "tests/fake/fake_fail.h"

#include <stdbool.h>
#include <stdint.h>

enum fake_linux_op {
	FAKE_LINUX_REGISTER,
	FAKE_LINUX_CREATE,
	FAKE_LINUX_REMOVE,
	FAKE_LINUX_MAP,
	FAKE_LINUX_UNMAP,
	FAKE_LINUX_NUM_OPS,
};

struct fake_linux_window {
	uint64_t size; /* 0: there is none */
	uint64_t start;
	unsigned int page_shift;
	uint64_t **chunks; /* of 512 entries: address of memory | permission; NULL: all are empty */
};

struct fake_linux_v2 {
	struct guest_mem mem; /* registered; size 0: none is */
	bool default_pending;
	unsigned int ngroups;
	struct fake_linux_window windows[2];

	struct fake_fail fail; /* a map of many pages fails in their middle, if not late */
	bool busy;	       /* as old ones do, map says -EBUSY to what is mapped */
	unsigned int calls;
	unsigned int count[FAKE_LINUX_NUM_OPS];
	uint64_t map_bytes_max; /* of one map */
};

extern const struct vfio_iommu_driver fake_linux_v2_driver;
/* What is below the shadow, for those who test the fake. */
extern const struct vfio_shadow_ops fake_linux_v2_ops;

/* Empties f; the next container that is opened with the driver gets it. */
void fake_linux_v2_init(struct fake_linux_v2 *f);
/* What tests leave open. */
void fake_linux_v2_free(struct fake_linux_v2 *f);

/* What a device reaches through the page at iova: 0, or address in the registered memory | perm. */
uint64_t fake_linux_v2_device(const struct fake_linux_v2 *f, uint64_t iova);

#endif
