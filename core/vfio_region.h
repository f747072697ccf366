// SPDX-License-Identifier: Apache-2.0
/*
 * What an open device of VFIO has, and the one way to its registers: regions, by the numbers of
 * Linux's UAPI. The device counts as one long file; a region begins in it where its info says.
 *
 * Calls that make config cycles are for one thread at a time on one device, as those of
 * core/vfio_reset.h; accesses to BARs may run beside them.
 */
#ifndef CORE_VFIO_REGION_H
#define CORE_VFIO_REGION_H

#include "core/addr.h"
#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct vfio_device;

/* BAR n is region n. There is no I/O space, and so no VGA: that region has size 0, as has the
 * option ROM, which is shut but for vfio_read_rom. */
#define VFIO_PCI_ROM_REGION    6u
#define VFIO_PCI_CONFIG_REGION 7u
#define VFIO_PCI_VGA_REGION    8u
#define VFIO_PCI_NUM_REGIONS   9u

#define VFIO_DEVICE_FLAGS_RESET 1u /* vfio_reset_device has a way */
#define VFIO_DEVICE_FLAGS_PCI	2u

#define VFIO_REGION_INFO_READ  1u
#define VFIO_REGION_INFO_WRITE 2u
#define VFIO_REGION_INFO_MMAP  4u

/* argsz is the caller's sizeof; what is answered is ours. */
struct vfio_device_info {
	uint32_t argsz, flags, num_regions, num_irqs;
};

struct vfio_region_info {
	uint32_t argsz, flags, index;
	uint64_t size;	 /* bytes; 0: there is nothing */
	uint64_t offset; /* where it begins, for vfio_region_read and _write */
};

/* Both: -EINVAL: argsz is too small (nothing is answered then), or the device is not open.
 * device_info: -EBUSY: it is being reset; -EIO: it is gone. region_info: -EINVAL: no such index. */
int vfio_get_device_info(struct vfio_device *d, struct vfio_device_info *info) must_check;
int vfio_get_region_info(const struct vfio_device *d, struct vfio_region_info *info) must_check;

/* Whether a device with this info is one that can be given to a guest (SEED-001.29): PCI, with all
 * BARs, ROM and config space, and the three kinds of interrupt. NULL: it is; else why not. */
const char *vfio_check_device_info(const struct vfio_device_info *info);

/*
 * One access of 1, 2, 4 or in a BAR 8 bytes, naturally aligned; the device's little-endian bytes as
 * a number. -EINVAL: size, alignment, no such region, not inside it, not open; no cycle was made.
 *
 * Config space: -EBUSY: it is being reset (SEED-002.17). -EIO: no answer; the device is gone from
 * then on, a log line has said so, and its error event has been fired.
 * A BAR: -EIO: nobody would answer (VF-15): its memory decode is off, or it is gone, being reset or
 * asleep. May be called with a lock held.
 */
int vfio_region_load(struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size,
	uint64_t *val) must_check;
int vfio_region_store(struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size,
	uint64_t val) must_check;

/*
 * Bytes of the device's file from pos on, in the largest naturally aligned accesses. A count that
 * leads over the end of the region is cut there. *done is how many bytes were moved, after an error
 * as well. -EINVAL: no such region, or pos at or past its end. Else as above.
 */
int vfio_region_read(
	struct vfio_device *d, uint64_t pos, void *buf, size_t count, size_t *done) must_check;
int vfio_region_write(struct vfio_device *d, uint64_t pos, const void *buf, size_t count,
	size_t *done) must_check;

/* Where len bytes of a BAR from off on are for a CPU to use directly, for as long as the device is
 * open. A BAR smaller than a page has that page for itself. -EINVAL: no BAR, not whole pages of it,
 * or pages that hold its MSI-X table, whose messages are the host's (VF-14). */
int vfio_region_mmap(const struct vfio_device *d, unsigned int index, uint64_t off, uint64_t len,
	hpa_t *at) must_check;

#endif
