// SPDX-License-Identifier: Apache-2.0
/*
 * A fake of Linux's type1 container (VFIO_TYPE1_IOMMU and v2), behind core/vfio_shadow.c. What of
 * Linux it keeps to:
 *   - one aperture and no windows: a window is only an agreement about a part of it;
 *   - a map that overlaps another is -EEXIST, one past the aperture, not of whole pages or past
 *     2^64 -EINVAL, one too many -ENOSPC (VF-09);
 *   - what was mapped in one call cannot be unmapped in parts. An unmap that would have to is
 *     refused with -EINVAL (v2), or succeeds and has unmapped nothing (v1); either way the size it
 *     answers is 0 (VF-11). One over several whole mappings, with holes or without, is fine.
 */
#ifndef TESTS_FAKE_TYPE1_H
#define TESTS_FAKE_TYPE1_H

#include "core/vfio_shadow.h"
#include "tests/fake/fake_fail.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_TYPE1_MAPS 65535u /* Linux has that limit, too */

enum fake_type1_op {
	FAKE_TYPE1_MAP,
	FAKE_TYPE1_UNMAP,
	FAKE_TYPE1_NUM_OPS,
};

struct fake_type1_map {
	uint64_t iova;
	uint64_t len;
	uint64_t ptr;
	unsigned int perm;
};

struct fake_type1 {
	uint64_t aperture_last; /* the last address in it; it begins at 0 */
	unsigned int limit;	/* of mappings */
	unsigned int ngroups;
	bool v2;
	unsigned int nmaps;
	unsigned int gap;
	struct fake_type1_map maps[FAKE_TYPE1_MAPS]; /* by rising iova, with a gap */
	const uint8_t *mem; /* where the container's memory is for us, for tests to compare */

	ioba_t place_at; /* not 0: windows are put there, wherever they were asked for */
	struct fake_fail fail;
	bool fail_short; /* an unmap that fails says that it has succeeded, with a size of 0 */
	unsigned int calls;
	unsigned int count[FAKE_TYPE1_NUM_OPS];
};

extern const struct vfio_iommu_driver fake_type1_driver;
/* What is below the shadow, for those who test the fake. */
extern const struct vfio_shadow_ops fake_type1_ops;

/* Empties f, with an aperture of all there is and room for FAKE_TYPE1_MAPS; the next container that
 * is opened with the driver gets it. */
void fake_type1_init(struct fake_type1 *f);

/* What a device reaches through the page at iova: 0, or address in the registered memory | perm. */
uint64_t fake_type1_device(const struct fake_type1 *f, uint64_t iova);

#endif
