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
 * Calls may come from any thread (SEED-004.14). What changes who is in a container, its driver, its
 * memory or its windows has the container alone; map, unmap and the other commands share it, and
 * each waits for what it may not meet: as long as firmware takes for the groups of this container,
 * never for another container (SEED-004.11). Two calls about one group do not wait: the second is
 * -EBUSY. Left to the caller: the map and unmap of one window, and the devices of one group, each
 * for one thread at a time. Who has a window from vfio_window_backend waits for nothing; a group
 * that comes meanwhile sees every word that he puts, but none may leave meanwhile.
 */
#ifndef CORE_VFIO_H
#define CORE_VFIO_H

#include "core/addr.h"
#include "core/board.h"
#include "core/err.h"
#include "core/guest_mem.h"
#include "core/lock.h"
#include "core/page_pool.h"
#include "core/tce.h"
#include "core/vfio_irqs.h"
#include "core/vfio_region.h"
#include "core/vfio_reset.h"

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

/* The most pages that one map takes. */
#define VFIO_MAX_BATCH 512u

/*
 * What vfio_map maps is an array of words, one a page: the page's address in the memory that was
 * registered with the container (for a guest's, its guest-real address) with what the device may do
 * (VFIO_DMA_*) in the low bits, which is the form of a TCE; 0 without access. R and W are apart: a
 * write-only page is not readable (SEED-001.70). Measured, words cost less than runs where pages
 * are scattered; a driver to which a call below it is dear asks vfio_next_run for runs.
 */
struct vfio_run {
	uint64_t at; /* in the registered memory; perm 0: means nothing */
	uint64_t len;
	unsigned int perm;
};

/* A DMA window. page_shift and size are asked for; levels, 0 for what the driver thinks best, is
 * asked for and answered; start is answered. */
struct vfio_window {
	unsigned int page_shift;
	uint64_t size;
	unsigned int levels; /* of the table */
	ioba_t start;
};

/*
 * A kind of IOMMU. data is what open gave. Errors go to the caller unchanged.
 *
 * check_extension: whether the driver serves this model.
 * open, release:   one per container. release is called after every group has been detached.
 * attach_group:    after it succeeds the group's devices see this container's windows and nothing
 *		    else; every window starts empty, or replays what the container already maps. No
 *		    command of the container runs beside it, but what window_backend gave may.
 * detach_group:    the devices of the group see nothing any more. Cannot fail: a hardware step that
 *		    does leaves the group closed for good, and said so.
 * create_window, remove_window: as VFIO_IOMMU_SPAPR_TCE_CREATE and _REMOVE, alone as attach_group
 *		    is. NULL: -EINVAL.
 *
 * reserve, map, unmap, lookup, skip and flush are the contract of design decision 6; their ranges
 * are bytes, and whole pages of one window.
 *
 * map:		    the words are sound: aligned, known permissions, in the registered memory.
 *		    page_shift is that of the words, the window's or a larger one: such a word
 *		    maps several pages of the window. A range that is not reserved is -EAGAIN,
 *		    nothing changed; in one that is, a driver that writes the hardware's own
 *		    table cannot fail.
 * lookup:	    the word of the window's page at iova.
 * skip:	    how many bytes from iova on, whole pages and up to len, are certain to be
 *		    without access, so that nobody needs to look at them. Takes bounded time, and
 *		    may therefore say too few, or 0.
 * window_backend:  for who uses one window a lot: what does the same for the window at start, by
 *		    its pages, without asking each time where it is. Ends with the window. NULL:
 *		    there is no such thing.
 */
struct vfio_iommu_driver {
	const char *name;
	bool (*check_extension)(unsigned int extension);
	int (*open)(struct vfio_container *c, unsigned int model, void **data);
	void (*release)(void *data);
	int (*attach_group)(void *data, struct vfio_group *group);
	void (*detach_group)(void *data, struct vfio_group *group);
	int (*create_window)(void *data, struct vfio_window *window);
	int (*remove_window)(void *data, ioba_t start);
	int (*reserve)(void *data, ioba_t iova, uint64_t len);
	int (*map)(void *data, ioba_t iova, const uint64_t *words, unsigned int n,
		unsigned int page_shift);
	int (*unmap)(void *data, ioba_t iova, uint64_t len);
	int (*lookup)(void *data, ioba_t iova, uint64_t *word);
	uint64_t (*skip)(void *data, ioba_t iova, uint64_t len);
	int (*flush)(void *data, ioba_t iova, uint64_t len);
	int (*window_backend)(
		void *data, ioba_t start, const struct tce_backend_ops **ops, void **backend);
};

struct vfio_device {
	struct vfio_group *group;
	unsigned int func; /* index into board.funcs */
	unsigned int opened;
	bool gone;   /* it does not answer any more */
	bool no_ids; /* its own are all ones, as a virtual function's */
	/* Of an open one: whether its BARs answer, and how much config space it has. */
	bool decodes;
	uint16_t config_size;
	struct vfio_irqs irqs;
	struct vfio_reset reset;
};

/* Whose a group is, for messages. Neither text ever goes away. */
struct vfio_owner {
	const char *partition;
	const char *bridge;
};

struct vfio_group {
	struct vfio *vfio;
	unsigned int host; /* index into board.groups, and of this object */
	/* By at most one owner (SEED-004.19); under vfio.lock. */
	bool opened;
	bool claimed; /* by a call about it */
	struct vfio_owner owner;
	struct vfio_container *_Atomic container; /* changed by who has claimed it */
	unsigned int ndevices_open;
};

/* Lives while its opener or a group refers to it. */
struct vfio_container {
	atomic_uint refs; /* 0: free */
	atomic_bool opened;
	/* How many commands are inside, and whether it is shut for a call that has it alone, which
	 * everything below is changed by. */
	atomic_uint gate;
	struct vfio *vfio;
	struct page_pool *tables; /* where the driver gets table memory */
	struct guest_mem memory;  /* registered; size 0: none is */
	unsigned int ngroups;
	const char *partition;			/* whose they are */
	const struct vfio_iommu_driver *driver; /* NULL: unprivileged */
	unsigned int model;
	void *data;
};

struct vfio_registered {
	const struct vfio_iommu_driver *driver;
	unsigned int users; /* containers that have it, or are about to */
};

/* Zeroed by vfio_init. */
struct vfio {
	struct board *board;
	struct lock lock;      /* never held while a driver or firmware is called */
	unsigned int ndrivers; /* asked in this order (SEED-004.24) */
	struct vfio_registered drivers[VFIO_MAX_DRIVERS];
	struct vfio_container containers[VFIO_MAX_CONTAINERS];
	struct vfio_group groups[VFIO_MAX_GROUPS];
	struct vfio_device devices[BOARD_MAX_FUNCS];
};

/* One group object and one device per host group and function of the scanned board. */
void vfio_init(struct vfio *v, struct board *board);

/* -EBUSY: already there (by address or name). -ENOSPC. Unregister: -ENOENT; -EBUSY: in use by a
 * container (SEED-004.10). */
int vfio_register_driver(struct vfio *v, const struct vfio_iommu_driver *driver) must_check;
int vfio_unregister_driver(struct vfio *v, const struct vfio_iommu_driver *driver) must_check;

/* A fresh container: no group, no rights. tables: where its drivers get what they need; lives
 * longer than it. -ENOSPC. Put: the opener lets go; its groups keep it until the last has left. */
int vfio_open_container(
	struct vfio *v, struct page_pool *tables, struct vfio_container **out) must_check;
void vfio_put_container(struct vfio_container *c);

/* The memory that this container's maps are about, as VFIO_IOMMU_SPAPR_REGISTER_MEMORY; one piece,
 * until the container goes. -EINVAL: no IOMMU set, size 0, not whole pages or past 2^64. -EBUSY: it
 * has one. */
int vfio_register_memory(struct vfio_container *c, const struct guest_mem *mem) must_check;

/* In every state. check_extension: without a driver all registered ones are asked, with one only
 * that one (SEED-004.6). */
int vfio_get_api_version(const struct vfio_container *c);
bool vfio_check_extension(struct vfio_container *c, unsigned int extension);

/* -EINVAL: no group, or already set. -ENODEV: no driver serves the model. -EPERM: a group is no
 * longer viable. The first driver that
 * does decides (SEED-004.9); if attaching the k-th group fails, those before are detached in
 * reverse and the container stays unset (SEED-004.12). */
int vfio_set_iommu(struct vfio_container *c, unsigned int model) must_check;

/* By group id. -ENOENT; -EBUSY: already open, and a line in the log has named both owners: of two
 * who ask at once exactly one gets it; -EPERM: not viable (refused or not quarantined). */
int vfio_open_group(struct vfio *v, unsigned int id, struct vfio_owner owner,
	struct vfio_group **out) must_check;
/* Closes the group; it leaves its container first. -EBUSY: a device is open, or another call about
 * the group is under way. */
int vfio_close_group(struct vfio_group *g) must_check;

/* -EINVAL: it has one already. -EPERM: no longer viable, or the container has a group of another
 * partition (VF-17). -EBUSY: another call about the group is under way. If the container's IOMMU is
 * set the group is attached at once and its error returned. */
int vfio_group_set_container(struct vfio_group *g, struct vfio_container *c) must_check;
/* -EINVAL: it has none. -EBUSY: as vfio_close_group. The last group to leave takes driver and
 * rights with it. */
int vfio_group_unset_container(struct vfio_group *g) must_check;

/* The device of function func (index into board.funcs) of this group. -EINVAL: the group has no
 * container with an IOMMU, or it has no type-0 header; -ENODEV: not of this group; -EIO: it does
 * not answer. Opened once per call: the first saves its config space, the last put switches
 * interrupts and bus master off and puts back what was saved (SEED-001.27). */
int vfio_group_get_device(
	struct vfio_group *g, unsigned int func, struct vfio_device **out) must_check;
void vfio_put_device(struct vfio_device *d);

/* Before an open device is given to a guest: that it has what one must have, and what it has is
 * said in the log, at its lowest level (SEED-001.78). -EINVAL: a line has said what is missing.
 * -EBUSY, -EIO: as of vfio_get_device_info. */
int vfio_describe_device(struct vfio_device *d) must_check;

/* The IOMMU commands of a container; -EINVAL before vfio_set_iommu and after the last group left.
 * create_window: -EINVAL bad page size, size or levels; -ENOSPC no window free; -ENOMEM.
 * remove_window: -EINVAL no window starts there; -EIO the window is gone, but the hardware did not
 *	confirm it: its table stays out of use until every group has been closed.
 * map: up to VFIO_MAX_BATCH words, already sound (see struct vfio_iommu_driver): who makes them
 *	checks them, once. -EPERM: no memory is registered. -EAGAIN: reserve first.
 * reserve, map, unmap, lookup, flush: -EINVAL unless whole pages inside one window. */
int vfio_create_window(struct vfio_container *c, struct vfio_window *window) must_check;
int vfio_remove_window(struct vfio_container *c, ioba_t start) must_check;
int vfio_reserve(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;
int vfio_map(struct vfio_container *c, ioba_t iova, const uint64_t *words, unsigned int n,
	unsigned int page_shift) must_check;
int vfio_unmap(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;
int vfio_lookup(struct vfio_container *c, ioba_t iova, uint64_t *word) must_check;
uint64_t vfio_skip(struct vfio_container *c, ioba_t iova, uint64_t len);
int vfio_flush(struct vfio_container *c, ioba_t iova, uint64_t len) must_check;

/* See window_backend of struct vfio_iommu_driver. -EINVAL: no window starts there. -ENOTSUP. */
int vfio_window_backend(struct vfio_container *c, ioba_t start, const struct tce_backend_ops **ops,
	void **backend) must_check;

/* The longest run from words[*i] on; *i becomes the word after it. False: there is none left. */
bool vfio_next_run(const uint64_t *words, unsigned int n, unsigned int page_shift, unsigned int *i,
	struct vfio_run *run);

/* The config region of core/vfio_region.h, values of 32 bits. Vendor and device id are those of the
 * board's record (SEED-002.7). Errors as of vfio_region_load. */
int vfio_config_read(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val) must_check;
int vfio_config_write(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val) must_check;

/* The config space of any function of the board (an index into board.funcs), open or not, as lines
 * without newline that `lspci -F` reads. -ENODEV: there is no such function. */
int vfio_print_config(
	const struct vfio *v, unsigned int func, void (*line)(const char *text)) must_check;

/* The same in slices: nlines lines of bytes from *at on, 0 at first. 0: that was all; -EAGAIN: it
 * is not. */
int vfio_print_slice(const struct vfio *v, unsigned int func, unsigned int *at, unsigned int nlines,
	void (*line)(const char *text)) must_check;

/* All bytes of the option ROM of an open device, as many as the board's record says: size. For when
 * nobody uses its BARs, which may not answer meanwhile. -EINVAL: size, there is no ROM, not open.
 * -EBUSY: it is being reset. -EIO: it could not be read; the ROM is off as it was, or the device is
 * gone from then on and a log line has said so. */
int vfio_read_rom(struct vfio_device *d, uint8_t *buf, uint32_t size) must_check;

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
