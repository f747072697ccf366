// SPDX-License-Identifier: Apache-2.0
/*
 * VFIO: containers, groups, devices and a registry of IOMMU drivers, with the rules and error codes
 * of Linux's VFIO, as calls within one program. A container is one I/O address space; a group is
 * what the IOMMU can tell apart; a driver knows how a kind of IOMMU maps.
 *
 * Life of an assignment: vfio_open_container, vfio_open_group, vfio_group_set_container,
 * vfio_set_iommu, windows and maps, vfio_group_get_device; and back in any order: an object goes
 * when its last reference goes, and rights end when the last group leaves (SEED-004.15).
 *
 * Set-up calls (everything up to vfio_group_get_device, and their opposites) on one group and its
 * container are for one thread at a time; opening and registering are for the boot thread.
 * Map, unmap, lookup and flush on one container may run beside each other as far as the caller
 * keeps each window's map and unmap apart.
 */
#ifndef CORE_VFIO_H
#define CORE_VFIO_H

#include "core/addr.h"
#include "core/board.h"
#include "core/err.h"
#include "core/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFIO_API_VERSION 0

/* Extensions, which are also the models for vfio_set_iommu (SEED-004.8); the numbers are those of
 * Linux's UAPI. */
#define VFIO_TYPE1_IOMMU	1u
#define VFIO_SPAPR_TCE_IOMMU	2u
#define VFIO_TYPE1v2_IOMMU	3u
#define VFIO_SPAPR_TCE_v2_IOMMU 7u

#define VFIO_DMA_READ  1u /* the device may read */
#define VFIO_DMA_WRITE 2u /* the device may write */

#define VFIO_MAX_GROUPS	    BOARD_MAX_GROUPS
#define VFIO_MAX_CONTAINERS BOARD_MAX_GROUPS
#define VFIO_MAX_DRIVERS    4u

struct vfio;
struct vfio_container;
struct vfio_group;
struct vfio_device;

/* len bytes of host memory for the next len bytes of bus addresses; perm 0: no access, target means
 * nothing. R and W are apart: a write-only page is not readable (SEED-001.70). */
struct vfio_run {
	hpa_t target;
	uint64_t len;
	unsigned int perm;
};

/* A DMA window. page_shift and size are asked for; start is answered. */
struct vfio_window {
	unsigned int page_shift;
	uint64_t size;
	unsigned int levels; /* of the table; 0: the driver chooses */
	ioba_t start;
};

/*
 * A kind of IOMMU. data is what open gave. Errors go to the caller unchanged.
 *
 * check_extension: whether the driver serves this model.
 * open, release:   one per container. release is called after every group has been detached.
 * attach_group:    after it succeeds the group's devices see this container's windows and nothing
 *		    else; every window starts empty, or replays what the container already maps.
 * detach_group:    the devices of the group see nothing any more. Cannot fail: a hardware step that
 *		    does leaves the group closed for good, and said so.
 * create_window, remove_window: as VFIO_IOMMU_SPAPR_TCE_CREATE and _REMOVE. NULL: -EINVAL.
 * reserve .. flush: the contract of design decision 6; ranges are bytes and whole pages of one
 *		    window. After a successful reserve, map and unmap of a driver that writes the
 *		    hardware's own table cannot fail.
 */
struct vfio_iommu_driver {
	const char *name;
	bool (*check_extension)(unsigned int extension);
	int (*open)(struct vfio *vfio, unsigned int model, void **data);
	void (*release)(void *data);
	int (*attach_group)(void *data, struct vfio_group *group);
	void (*detach_group)(void *data, struct vfio_group *group);
	int (*create_window)(void *data, struct vfio_window *window);
	int (*remove_window)(void *data, ioba_t start);
	int (*reserve)(void *data, ioba_t iova, uint64_t len);
	int (*map)(void *data, ioba_t iova, const struct vfio_run *runs, unsigned int nruns);
	int (*unmap)(void *data, ioba_t iova, uint64_t len);
	int (*lookup)(void *data, ioba_t iova, struct vfio_run *out);
	int (*flush)(void *data, ioba_t iova, uint64_t len);
};

struct vfio_device {
	struct vfio_group *group;
	unsigned int func; /* index into board.funcs */
	unsigned int opened;
	bool gone; /* its vendor id read as all ones */
};

struct vfio_group {
	struct vfio *vfio;
	unsigned int host; /* index into board.groups, and of this object */
	bool opened;	   /* by at most one owner (SEED-004.19) */
	struct vfio_container *container;
	unsigned int ndevices_open;
};

/* Lives while its opener or a group refers to it. */
struct vfio_container {
	atomic_bool opened; /* partitions that start again at once may look for one at once */
	struct vfio *vfio;
	unsigned int ngroups;
	const struct vfio_iommu_driver *driver; /* NULL: unprivileged */
	unsigned int model;
	void *data;
};

/* Zeroed by vfio_init. */
struct vfio {
	struct board *board;
	struct mem_pool *pool; /* where drivers get table memory */
	unsigned int ndrivers;
	const struct vfio_iommu_driver *drivers[VFIO_MAX_DRIVERS];
	struct vfio_container containers[VFIO_MAX_CONTAINERS];
	struct vfio_group groups[VFIO_MAX_GROUPS];
	struct vfio_device devices[BOARD_MAX_FUNCS];
};

/* One group object and one device per host group and function of the scanned board. */
void vfio_init(struct vfio *v, struct board *board, struct mem_pool *pool);

/* -EBUSY: already there (by address or name). -ENOSPC. Unregister: -ENOENT; -EBUSY: in use by a
 * container (SEED-004.10). */
int vfio_register_driver(struct vfio *v, const struct vfio_iommu_driver *driver) must_check;
int vfio_unregister_driver(struct vfio *v, const struct vfio_iommu_driver *driver) must_check;

/* A fresh container: no group, no rights. -ENOSPC. Put: the opener lets go; its groups keep it
 * until the last has left. */
int vfio_open_container(struct vfio *v, struct vfio_container **out) must_check;
void vfio_put_container(struct vfio_container *c);

/* In every state. check_extension: without a driver all registered ones are asked, with one only
 * that one (SEED-004.6). */
int vfio_get_api_version(const struct vfio_container *c);
bool vfio_check_extension(const struct vfio_container *c, unsigned int extension);

/* -EINVAL: no group, or already set. -ENODEV: no driver serves the model. -EPERM: a group is no
 * longer viable. The first driver that
 * does decides (SEED-004.9); if attaching the k-th group fails, those before are detached in
 * reverse and the container stays unset (SEED-004.12). */
int vfio_set_iommu(struct vfio_container *c, unsigned int model) must_check;

/* By group id. -ENOENT; -EBUSY: already open; -EPERM: not viable (refused or not quarantined). */
int vfio_open_group(struct vfio *v, unsigned int id, struct vfio_group **out) must_check;
/* Closes the group; it leaves its container first. -EBUSY: a device is open. */
int vfio_close_group(struct vfio_group *g) must_check;

/* -EINVAL: it has one already. -EPERM: no longer viable. If the container's IOMMU is set the group
 * is attached at once and its error returned. */
int vfio_group_set_container(struct vfio_group *g, struct vfio_container *c) must_check;
/* -EINVAL: it has none. -EBUSY: a device is open. The last group to leave takes driver and rights
 * with it. */
int vfio_group_unset_container(struct vfio_group *g) must_check;

/* The device of function func (index into board.funcs) of this group. -EINVAL: the group has no
 * container with an IOMMU; -ENODEV: not of this group. Opened once per call; the last put turns the
 * bus master off. */
int vfio_group_get_device(
	struct vfio_group *g, unsigned int func, struct vfio_device **out) must_check;
void vfio_put_device(struct vfio_device *d);

/* The IOMMU commands of a container; -EINVAL before vfio_set_iommu and after the last group left.
 * create_window: -EINVAL bad page size, size or levels; -ENOSPC no window free; -ENOMEM.
 * remove_window: -EINVAL no window starts there; -EIO the window is gone, but the hardware did not
 *	confirm it: its table stays out of use until every group has been closed.
 * reserve, map, unmap, lookup, flush: -EINVAL unless whole pages inside one window, run lengths
 * whole pages, and permissions known. */
int vfio_create_window(struct vfio_container *c, struct vfio_window *window) must_check;
int vfio_remove_window(struct vfio_container *c, ioba_t start) must_check;
int vfio_reserve(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;
int vfio_map(struct vfio_container *c, ioba_t iova, const struct vfio_run *runs,
	unsigned int nruns) must_check;
int vfio_unmap(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;
int vfio_lookup(struct vfio_container *c, ioba_t iova, struct vfio_run *out) must_check;
int vfio_flush(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;

/* Config space (4096 bytes) of an open device: 1, 2 or 4 bytes, naturally aligned, little-endian
 * value as a number. -EINVAL: size, alignment, offset, not open. -EIO: no answer; the device is
 * gone from then on and a log line has said so. */
int vfio_config_read(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val) must_check;
int vfio_config_write(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val) must_check;

/* A memory BAR of an open device: 1, 2, 4 or 8 bytes, naturally aligned, little-endian value as a
 * number. -EINVAL: size, alignment, not inside the BAR, not open. -EIO: the device is gone. May be
 * called with a lock held. */
int vfio_bar_read(struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size,
	uint64_t *val) must_check;
int vfio_bar_write(struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size,
	uint64_t val) must_check;

/* Messages of the host bridge of an open device, which are shared by all devices below it. get: n
 * in a row, the first a multiple of align (a power of two), in *first. -EINVAL: n is 0, or not
 * open; -ENOSPC. put: the device sends them no more and nobody listens to them. */
int vfio_get_msis(
	struct vfio_device *d, unsigned int n, unsigned int align, unsigned int *first) must_check;
void vfio_put_msis(struct vfio_device *d, unsigned int first, unsigned int n);
/* How many there are in all; the number of one's interrupt source. */
unsigned int vfio_count_msis(const struct vfio_device *d);
uint32_t vfio_msi_source(const struct vfio_device *d, unsigned int message);

/* A message may come from this device's PE and from no other; what a device writes for it. -EIO. */
int vfio_setup_msi(struct vfio_device *d, unsigned int message, bool is64, uint64_t *addr,
	uint32_t *data) must_check;

#endif
