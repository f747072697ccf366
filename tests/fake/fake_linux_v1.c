// SPDX-License-Identifier: Apache-2.0
/*
 * The fake of Linux's sPAPR TCE v1 container; see the header for what it keeps to.
 */
#include "tests/fake/fake_linux_v1.h"

#include "core/range.h"

#include <string.h>

#define PERM ((uint64_t)(VFIO_DMA_READ | VFIO_DMA_WRITE))

static struct fake_linux_v1 *next_instance;

static uint64_t window_bytes(const struct fake_linux_v1 *f)
{
	return (uint64_t)FAKE_LINUX_V1_ENTRIES << f->page_shift;
}

int fake_linux_v1_enable(struct fake_linux_v1 *f)
{
	if (!f->ngroups) {
		return -ENXIO;
	}
	if (f->enabled) {
		return -EBUSY;
	}
	if (f->locked + window_bytes(f) > f->lock_limit) {
		return -ENOMEM;
	}
	f->locked += window_bytes(f);
	f->enabled = true;
	return 0;
}

int fake_linux_v1_disable(struct fake_linux_v1 *f)
{
	if (!f->enabled) {
		return -EPERM;
	}
	f->locked -= window_bytes(f);
	f->enabled = false;
	return 0;
}

static void clear(struct fake_linux_v1 *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		f->pins -= f->entries[i] != 0;
		f->entries[i] = 0;
	}
}

static int range_of(const struct fake_linux_v1 *f, ioba_t iova, uint64_t len)
{
	if (!f->enabled) {
		return -EPERM;
	}
	return is_aligned(iova.v | len, 1ull << f->page_shift) && len &&
			       range_inside(iova.v, len, 0, window_bytes(f))
		       ? 0
		       : -EINVAL;
}

static int v1_map(void *hw, ioba_t iova, const void *ptr, uint64_t len, unsigned int perm)
{
	struct fake_linux_v1 *f = hw;
	uint64_t page = 1ull << f->page_shift, first = iova.v >> f->page_shift;
	int made = fake_fail_next(&f->fail), err = range_of(f, iova, len);

	if (err || !perm || perm > PERM || !is_aligned((uintptr_t)ptr, page)) {
		return err ? err : -EINVAL;
	}
	for (uint64_t i = 0; i < len >> f->page_shift; i++) {
		err = f->host_shift < f->page_shift ? -EPERM : 0;
		err = made && i == len >> (f->page_shift + 1) ? made : err;
		if (err) {
			clear(f, first, i);
			return err;
		}
		clear(f, first + i, 1);
		f->entries[first + i] = ((uintptr_t)ptr + i * page) | perm;
		f->pins++;
	}
	return 0;
}

static int v1_unmap(void *hw, ioba_t iova, uint64_t len, uint64_t *gone)
{
	struct fake_linux_v1 *f = hw;
	int err = range_of(f, iova, len);

	(void)gone;
	if (!err) {
		clear(f, iova.v >> f->page_shift, len >> f->page_shift);
	}
	return err;
}

/* The window that is there, or none. */
static int v1_create_window(void *hw, struct vfio_window *window)
{
	struct fake_linux_v1 *f = hw;

	if (window->start.v || window->page_shift != f->page_shift ||
		window->size > window_bytes(f)) {
		return -EINVAL;
	}
	return fake_linux_v1_enable(f);
}

static int v1_remove_window(void *hw, const struct vfio_window *window)
{
	uint64_t gone;
	int err = v1_unmap(hw, window->start, window->size, &gone);

	return err ? err : fake_linux_v1_disable(hw);
}

const struct vfio_shadow_ops fake_linux_v1_ops = {
	.replaces = true,
	.create_window = v1_create_window,
	.remove_window = v1_remove_window,
	.map = v1_map,
	.unmap = v1_unmap,
};

static bool v1_check_extension(unsigned int extension)
{
	return extension == VFIO_SPAPR_TCE_IOMMU;
}

static int v1_open(struct vfio_container *c, unsigned int model, void **data)
{
	struct vfio_shadow *s = NULL;
	int err = vfio_shadow_open(c, &fake_linux_v1_ops, next_instance, &s);

	(void)model;
	*data = s;
	return err;
}

static void empty(struct fake_linux_v1 *f)
{
	memset(f->entries, 0, sizeof(f->entries));
	f->pins = 0;
}

static void v1_release(void *data)
{
	struct fake_linux_v1 *f = vfio_shadow_hw(data);

	if (f->enabled) {
		f->enabled = false;
		f->locked -= window_bytes(f);
	}
	vfio_shadow_release(data);
}

static int v1_attach_group(void *data, struct vfio_group *group)
{
	struct fake_linux_v1 *f = vfio_shadow_hw(data);

	(void)group;
	if (f->ngroups) {
		return -EBUSY;
	}
	f->ngroups = 1;
	empty(f);
	return 0;
}

static void v1_detach_group(void *data, struct vfio_group *group)
{
	struct fake_linux_v1 *f = vfio_shadow_hw(data);

	(void)group;
	f->ngroups = 0;
	empty(f);
}

const struct vfio_iommu_driver fake_linux_v1_driver = {
	.name = "fake-linux-v1",
	.check_extension = v1_check_extension,
	.open = v1_open,
	.release = v1_release,
	.attach_group = v1_attach_group,
	.detach_group = v1_detach_group,
	.create_window = vfio_shadow_create_window,
	.remove_window = vfio_shadow_remove_window,
	.reserve = vfio_shadow_reserve,
	.map = vfio_shadow_map,
	.unmap = vfio_shadow_unmap,
	.lookup = vfio_shadow_lookup,
	.skip = vfio_shadow_skip,
	.flush = vfio_shadow_flush,
};

void fake_linux_v1_init(struct fake_linux_v1 *f)
{
	memset(f, 0, sizeof(*f));
	f->page_shift = 12;
	f->host_shift = 16;
	f->lock_limit = UINT64_MAX;
	/* As firmware or an earlier kernel may have left it. */
	for (unsigned int i = 0; i < FAKE_LINUX_V1_ENTRIES; i++) {
		f->entries[i] = (uint64_t)(i + 1) << 12 | PERM;
	}
	next_instance = f;
}
