// SPDX-License-Identifier: Apache-2.0
/*
 * For IOMMU drivers that cannot read back what they have mapped and whose calls can fail, as those
 * over Linux's /dev/vfio are: the reserve, map, unmap, lookup, skip and flush of struct
 * vfio_iommu_driver over a handful of operations, which are about Linux's ioctls.
 *
 * What is mapped is remembered in a shadow, a sparse table of words in the container's table
 * memory, and a call is all or nothing by it: the shadow changes when every operation below has
 * succeeded; when one fails, what was touched is made again what the shadow says. One operation
 * maps a run, however long; entries without access are unmapped, if there is something to unmap.
 *
 * Where putting back fails as well the entries have no access any more, in the shadow as below, and
 * a line in the log says so. Where even taking access away fails nobody knows what the device can
 * reach there (of this container's memory, which is all that is ever mapped): such an entry reads
 * as empty, a flush of it is -EIO, and the next map or unmap of it begins with unmapping it.
 */
#ifndef CORE_VFIO_SHADOW_H
#define CORE_VFIO_SHADOW_H

#include "core/vfio.h"

struct vfio_shadow;

/*
 * The driver's own part. Each operation returns 0 or an error; a positive number is an error too
 * (ioctls of sPAPR drivers have returned such), and is told as -EIO. An operation that failed may
 * have done all, some or nothing of its work, and may have unmapped what was in its range before.
 *
 * replaces:	    map over what is mapped replaces it, entry by entry. Not set: what is mapped is
 *		    unmapped before. If it is set and map says -EBUSY, that is done all the same,
 *		    once; if it does not help, -EBUSY it stays (SEED-001.71).
 * cannot_split:    what one map has mapped can only be unmapped together. Each page of the window
 *		    gets a map of its own, so that each can go alone.
 * register_memory: the container's memory is about to be mapped; before the first window. NULL:
 *		    nobody needs to know.
 * create_window:   page_shift, size and levels (1..5) are asked for. start says where sPAPR has its
 *		    window of that number (0, 1 << 59); the driver changes it if its own is
 *		    elsewhere. -ENOMEM: another number of levels may do.
 *
 * remove_window:   that window, with all that is mapped in it.
 *
 * map:		    len bytes of our memory at ptr for the bus addresses from iova on; perm not 0.
 *
 * unmap:	    no device reaches [iova, iova + len) when this returns 0, of which some or
 *		    all may not have been mapped. *gone: how many bytes were; left alone if nobody
 *		    can say.
 */
struct vfio_shadow_ops {
	bool replaces;
	bool cannot_split;
	int (*register_memory)(void *hw, const struct guest_mem *mem);
	int (*create_window)(void *hw, struct vfio_window *window);
	int (*remove_window)(void *hw, const struct vfio_window *window);
	int (*map)(void *hw, ioba_t iova, const void *ptr, uint64_t len, unsigned int perm);
	int (*unmap)(void *hw, ioba_t iova, uint64_t len, uint64_t *gone);
};

/* For the driver's open: *out is what it gives as its data, and what all below take. hw goes to the
 * operations. -ENOMEM. */
int vfio_shadow_open(struct vfio_container *c, const struct vfio_shadow_ops *ops, void *hw,
	struct vfio_shadow **out) must_check;
/* For its release, which has seen to it that nothing is mapped any more: only memory is freed. */
void vfio_shadow_release(struct vfio_shadow *s);
void *vfio_shadow_hw(void *data);

/* For struct vfio_iommu_driver, with its errors. data is a struct vfio_shadow. What goes wrong
 *below is -ENOMEM, -ENOSPC, -EBUSY or -EIO for map and unmap, whatever it is called there.
 * create_window: -EPERM: no memory is registered; -EINVAL also for memory that lies askew for the
 *	page size; -EIO: the driver put it where none can be, and it is one of the two from now on.
 * remove_window: -EIO: gone, but not confirmed below; it stays one of the two. */
int vfio_shadow_create_window(void *data, struct vfio_window *ask) must_check;
int vfio_shadow_remove_window(void *data, ioba_t start) must_check;
int vfio_shadow_reserve(void *data, ioba_t iova, uint64_t len) must_check;
int vfio_shadow_map(void *data, ioba_t iova, const uint64_t *words, unsigned int n,
	unsigned int page_shift) must_check;
int vfio_shadow_unmap(void *data, ioba_t iova, uint64_t len) must_check;
int vfio_shadow_lookup(void *data, ioba_t iova, uint64_t *word) must_check;
uint64_t vfio_shadow_skip(void *data, ioba_t iova, uint64_t len);
int vfio_shadow_flush(void *data, ioba_t iova, uint64_t len) must_check;

#endif
