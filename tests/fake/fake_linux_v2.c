// SPDX-License-Identifier: Apache-2.0
/*
 * The fake of Linux's sPAPR v2 container; see the header for what it keeps to.
 */
#include "tests/fake/fake_linux_v2.h"

#include "core/range.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK	    512u
#define WINDOW_BIT  59u
#define PERM	    3ull
#define PAGE_SHIFTS (1u << 12 | 1u << 16 | 1u << 21 | 1u << 30)
/* The largest piece of a table: 2^13 entries. */
#define LEVEL_BITS_MAX 13u
/* The default window: 2 GiB of 4 KiB pages. */
#define DEFAULT_SIZE (1ull << 31)

static struct fake_linux_v2 *next_instance;

/* Counts a call. 0, or the error of one that fails; *late: after its work. */
static int count_call(struct fake_linux_v2 *f, enum fake_linux_op op, bool *late)
{
	*late = f->fail.late;
	f->calls++;
	f->count[op]++;
	return fake_fail_next(&f->fail);
}

static struct fake_linux_window *window_at(const struct fake_linux_v2 *f, uint64_t iova)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct fake_linux_window *w = &f->windows[i];

		if (w->size && iova - w->start < w->size) {
			return (struct fake_linux_window *)w;
		}
	}
	return NULL;
}

static uint64_t *entry_at(const struct fake_linux_window *w, uint64_t iova)
{
	uint64_t index = (iova - w->start) >> w->page_shift;
	uint64_t *chunk = w->chunks[index / CHUNK];

	return chunk ? &chunk[index % CHUNK] : NULL;
}

static void store(struct fake_linux_window *w, uint64_t iova, uint64_t val)
{
	uint64_t index = (iova - w->start) >> w->page_shift;
	uint64_t **chunk = &w->chunks[index / CHUNK];

	if (!*chunk && val) {
		*chunk = calloc(CHUNK, sizeof(**chunk));
		if (!*chunk) {
			abort();
		}
	}
	if (*chunk) {
		(*chunk)[index % CHUNK] = val;
	}
}

static void clear(struct fake_linux_window *w, uint64_t iova, uint64_t len)
{
	for (uint64_t at = 0; at < len; at += 1ull << w->page_shift) {
		store(w, iova + at, 0);
	}
}

static void free_window(struct fake_linux_window *w)
{
	uint64_t pages = w->size >> w->page_shift;

	for (uint64_t i = 0; i < (pages + CHUNK - 1) / CHUNK; i++) {
		free(w->chunks[i]);
	}
	free(w->chunks);
	memset(w, 0, sizeof(*w));
}

static int make_window(struct fake_linux_v2 *f, struct vfio_window *ask)
{
	uint64_t pages = ask->size >> ask->page_shift;
	unsigned int win = f->windows[0].size ? 1 : 0;
	struct fake_linux_window *w = &f->windows[win];

	if (w->size) {
		return -ENOSPC;
	}
	if (ask->page_shift >= 32 || !(PAGE_SHIFTS >> ask->page_shift & 1)) {
		return -EINVAL;
	}
	if (!is_pow2(ask->size) || !pages || ask->levels < 1 || ask->levels > 5) {
		return -EINVAL;
	}
	if (pages > 1ull << (LEVEL_BITS_MAX * ask->levels)) {
		return -ENOMEM;
	}
	w->chunks = calloc((pages + CHUNK - 1) / CHUNK, sizeof(*w->chunks));
	if (!w->chunks) {
		return -ENOMEM;
	}
	w->start = (uint64_t)win << WINDOW_BIT;
	w->size = ask->size;
	w->page_shift = ask->page_shift;
	ask->start = ioba(w->start);
	return 0;
}

/* Linux makes it before the first command that has to do with windows. */
static int default_window(struct fake_linux_v2 *f)
{
	struct vfio_window w = {.page_shift = 12, .size = DEFAULT_SIZE, .levels = 2};

	if (!f->default_pending) {
		return 0;
	}
	f->default_pending = false;
	return make_window(f, &w);
}

static int linux_register(void *hw, const struct guest_mem *mem)
{
	struct fake_linux_v2 *f = hw;
	bool late;
	int err = count_call(f, FAKE_LINUX_REGISTER, &late);

	if (err && !late) {
		return err;
	}
	if (f->mem.size) {
		return -EBUSY;
	}
	f->mem = *mem;
	return err;
}

static int linux_create(void *hw, struct vfio_window *window)
{
	struct fake_linux_v2 *f = hw;
	struct vfio_window made = *window;
	bool late;
	int err = count_call(f, FAKE_LINUX_CREATE, &late), ret;

	if (!f->ngroups) {
		return -ENXIO;
	}
	if (err && !late) {
		return err;
	}
	ret = default_window(f);
	ret = ret ? ret : make_window(f, &made);
	if (ret) {
		return ret;
	}
	if (err) {
		/* Linux takes back what it could not finish. */
		free_window(window_at(f, made.start.v));
		return err;
	}
	*window = made;
	return 0;
}

static int linux_remove(void *hw, const struct vfio_window *window)
{
	struct fake_linux_v2 *f = hw;
	bool late;
	int err = count_call(f, FAKE_LINUX_REMOVE, &late);
	struct fake_linux_window *w;

	if (!f->ngroups) {
		return -ENXIO;
	}
	if (err && !late) {
		return err;
	}
	if (f->default_pending && !window->start.v) {
		f->default_pending = false;
		return err;
	}
	w = window_at(f, window->start.v);
	if (!w) {
		return -EINVAL;
	}
	free_window(w);
	return err;
}

static int linux_map(void *hw, ioba_t iova, const void *ptr, uint64_t len, unsigned int perm)
{
	struct fake_linux_v2 *f = hw;
	uint64_t at = (uint64_t)(uintptr_t)ptr, page, stop;
	struct fake_linux_window *w;
	bool late;
	int err = count_call(f, FAKE_LINUX_MAP, &late), ret;

	if (!f->mem.size) {
		return -EPERM;
	}
	ret = default_window(f);
	if (ret) {
		return ret;
	}
	w = window_at(f, iova.v);
	if (!w) {
		return -ENXIO;
	}
	page = 1ull << w->page_shift;
	if (!is_aligned(iova.v | at | len, page) || !perm || perm > PERM) {
		return -EINVAL;
	}
	if (!range_inside(iova.v, len, w->start, w->size)) {
		/* Linux would write past its table: a driver must not come here. */
		abort();
	}
	f->map_bytes_max = len > f->map_bytes_max ? len : f->map_bytes_max;
	stop = err && !late ? align_down(len / 2, page) : len;
	for (uint64_t i = 0; i < stop; i += page) {
		const uint64_t *old = entry_at(w, iova.v + i);

		ret = range_inside(at + i, page, (uintptr_t)f->mem.ptr, f->mem.size) ? 0 : -EINVAL;
		if (!ret && f->busy && old && *old) {
			ret = -EBUSY;
		}
		if (ret) {
			clear(w, iova.v, i);
			return ret;
		}
		store(w, iova.v + i, (at + i) | perm);
	}
	if (err && !late) {
		clear(w, iova.v, stop);
	}
	return err;
}

static int linux_unmap(void *hw, ioba_t iova, uint64_t len, uint64_t *gone)
{
	struct fake_linux_v2 *f = hw;
	struct fake_linux_window *w;
	bool late;
	int err = count_call(f, FAKE_LINUX_UNMAP, &late), ret;

	(void)gone;
	if (!f->mem.size) {
		return -EPERM;
	}
	ret = default_window(f);
	if (ret) {
		return ret;
	}
	w = window_at(f, iova.v);
	if (!w) {
		return -ENXIO;
	}
	if (!is_aligned(iova.v | len, 1ull << w->page_shift) ||
		!range_inside(iova.v, len, w->start, w->size)) {
		return -EINVAL;
	}
	if (!err || late) {
		clear(w, iova.v, len);
	}
	return err;
}

const struct vfio_shadow_ops fake_linux_v2_ops = {
	.replaces = true,
	.register_memory = linux_register,
	.create_window = linux_create,
	.remove_window = linux_remove,
	.map = linux_map,
	.unmap = linux_unmap,
};

static bool linux_check_extension(unsigned int extension)
{
	return extension == VFIO_SPAPR_TCE_v2_IOMMU;
}

static int linux_open(struct vfio_container *c, unsigned int model, void **data)
{
	struct vfio_shadow *s = NULL;
	int err = vfio_shadow_open(c, &fake_linux_v2_ops, next_instance, &s);

	(void)model;
	*data = s;
	return err;
}

/* The end of a container is the end of all that is mapped in it. */
static void linux_release(void *data)
{
	fake_linux_v2_free(vfio_shadow_hw(data));
	vfio_shadow_release(data);
}

/* A container comes with a window that nobody has asked for: it goes before it can be made. */
static int linux_attach_group(void *data, struct vfio_group *group)
{
	struct fake_linux_v2 *f = vfio_shadow_hw(data);

	(void)group;
	if (!f->ngroups && !f->windows[0].size) {
		f->default_pending = true;
	}
	f->ngroups++;
	if (f->default_pending && linux_remove(f, &(struct vfio_window){.start = ioba(0)})) {
		f->ngroups--;
		return -EIO;
	}
	return 0;
}

static void linux_detach_group(void *data, struct vfio_group *group)
{
	struct fake_linux_v2 *f = vfio_shadow_hw(data);

	(void)group;
	f->ngroups--;
}

const struct vfio_iommu_driver fake_linux_v2_driver = {
	.name = "fake-linux-v2",
	.check_extension = linux_check_extension,
	.open = linux_open,
	.release = linux_release,
	.attach_group = linux_attach_group,
	.detach_group = linux_detach_group,
	.create_window = vfio_shadow_create_window,
	.remove_window = vfio_shadow_remove_window,
	.reserve = vfio_shadow_reserve,
	.map = vfio_shadow_map,
	.unmap = vfio_shadow_unmap,
	.lookup = vfio_shadow_lookup,
	.skip = vfio_shadow_skip,
	.flush = vfio_shadow_flush,
};

void fake_linux_v2_init(struct fake_linux_v2 *f)
{
	memset(f, 0, sizeof(*f));
	next_instance = f;
}

void fake_linux_v2_free(struct fake_linux_v2 *f)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (f->windows[i].size) {
			free_window(&f->windows[i]);
		}
	}
	f->mem = (struct guest_mem){0};
}

uint64_t fake_linux_v2_device(const struct fake_linux_v2 *f, uint64_t iova)
{
	const struct fake_linux_window *w = window_at(f, iova);
	const uint64_t *entry = w && f->ngroups ? entry_at(w, iova) : NULL;

	return entry && *entry ? *entry - (uintptr_t)f->mem.ptr : 0;
}
