// SPDX-License-Identifier: Apache-2.0
/*
 * A fake of Linux's sPAPR TCE v1 container (VFIO_SPAPR_TCE_IOMMU), behind core/vfio_shadow.c. What
 * of Linux it keeps to:
 *   - one group, a second is -EBUSY (VF-08); its one window is there from the start, at 0, of fixed
 *     pages, and is emptied when the group comes and when it goes (SEED-001.26);
 *   - nothing is mapped or unmapped (-EPERM) before the window is enabled, which counts all of it
 *     as locked memory (-ENOMEM over the limit); twice is -EBUSY; disabling counts it back;
 *   - memory is not registered: each map pins the pages it names, each unmap and each replacement
 *     lets them go. A page of the host that does not hold a whole page of the IOMMU is -EPERM, and
 *     not pinned (VF-03);
 *   - a map of many pages that fails takes away all that it has got to.
 */
#ifndef TESTS_FAKE_LINUX_V1_H
#define TESTS_FAKE_LINUX_V1_H

#include "core/vfio_shadow.h"
#include "tests/fake/fake_fail.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_LINUX_V1_ENTRIES 0x1000u

struct fake_linux_v1 {
	unsigned int page_shift; /* of the window, */
	unsigned int host_shift; /* and of the host's memory */
	uint64_t lock_limit;	 /* bytes */
	unsigned int ngroups;
	bool enabled;
	uint64_t locked;
	unsigned int pins;
	uint64_t entries[FAKE_LINUX_V1_ENTRIES]; /* address | permission */
	struct fake_fail fail;			 /* of maps */
};

extern const struct vfio_iommu_driver fake_linux_v1_driver;
/* What is below the shadow, for those who test the fake. */
extern const struct vfio_shadow_ops fake_linux_v1_ops;

/* Poisons the window; the next container that is opened with the driver gets it. */
void fake_linux_v1_init(struct fake_linux_v1 *f);

/* VFIO_IOMMU_ENABLE and _DISABLE. */
int fake_linux_v1_enable(struct fake_linux_v1 *f) must_check;
int fake_linux_v1_disable(struct fake_linux_v1 *f) must_check;

#endif
