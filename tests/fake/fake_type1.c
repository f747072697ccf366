// SPDX-License-Identifier: Apache-2.0
/*
 * The fake of Linux's type1 container; see the header for what it keeps to.
 */
#include "tests/fake/fake_type1.h"

#include "core/range.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 0x1000ull

static struct fake_type1 *next_instance;

/* Counts a call. 0, or the error of one that fails; *late: after its work. */
static int count_call(struct fake_type1 *f, enum fake_type1_op op, bool *late)
{
	*late = f->fail.late;
	f->calls++;
	f->count[op]++;
	return fake_fail_next(&f->fail);
}

/* The free part of the array lies where the last change was, at number gap: what is above it is
 * found that much further on, and changes that follow on move nothing. */
static unsigned int place(const struct fake_type1 *f, unsigned int i)
{
	return i < f->gap ? i : i + (FAKE_TYPE1_MAPS - f->nmaps);
}

static const struct fake_type1_map *map_nr(const struct fake_type1 *f, unsigned int i)
{
	return &f->maps[place(f, i)];
}

static void move_gap(struct fake_type1 *f, unsigned int to)
{
	unsigned int size = FAKE_TYPE1_MAPS - f->nmaps;

	for (; f->gap < to; f->gap++) {
		f->maps[f->gap] = f->maps[f->gap + size];
	}
	for (; f->gap > to; f->gap--) {
		f->maps[f->gap - 1 + size] = f->maps[f->gap - 1];
	}
}

/* The first mapping that ends above iova. */
static unsigned int find(const struct fake_type1 *f, uint64_t iova)
{
	unsigned int low = 0, high = f->nmaps;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		const struct fake_type1_map *m = map_nr(f, mid);

		if (m->iova + (m->len - 1) < iova) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static bool range_good(uint64_t iova, uint64_t len)
{
	return len && is_aligned(iova | len, PAGE) && len - 1 <= UINT64_MAX - iova;
}

static int add_map(
	struct fake_type1 *f, uint64_t iova, uint64_t ptr, uint64_t len, unsigned int perm)
{
	unsigned int at = find(f, iova);

	if (!range_good(iova, len) || !is_aligned(ptr, PAGE) || !perm || perm > 3 ||
		iova + (len - 1) > f->aperture_last) {
		return -EINVAL;
	}
	if (at < f->nmaps && map_nr(f, at)->iova <= iova + (len - 1)) {
		return -EEXIST;
	}
	if (f->nmaps >= f->limit || f->nmaps == FAKE_TYPE1_MAPS) {
		return -ENOSPC;
	}
	move_gap(f, at);
	f->maps[f->gap++] = (struct fake_type1_map){iova, len, ptr, perm};
	f->nmaps++;
	return 0;
}

static int remove_maps(struct fake_type1 *f, uint64_t iova, uint64_t len, uint64_t *gone)
{
	uint64_t last = iova + (len - 1);
	unsigned int at, end;

	*gone = 0;
	if (!range_good(iova, len)) {
		return -EINVAL;
	}
	at = find(f, iova);
	for (end = at; end < f->nmaps && map_nr(f, end)->iova <= last; end++) {
		const struct fake_type1_map *m = map_nr(f, end);

		if (m->iova < iova || m->iova + (m->len - 1) > last) {
			return f->v2 ? -EINVAL : 0;
		}
	}
	for (unsigned int i = at; i < end; i++) {
		*gone += map_nr(f, i)->len;
	}
	move_gap(f, end);
	f->gap = at;
	f->nmaps -= end - at;
	return 0;
}

static int type1_register(void *hw, const struct guest_mem *mem)
{
	struct fake_type1 *f = hw;

	f->mem = mem->ptr;
	return 0;
}

/* Where it is asked for, if the IOMMU has such addresses. */
static int type1_create_window(void *hw, struct vfio_window *window)
{
	const struct fake_type1 *f = hw;

	if (f->place_at.v) {
		window->start = f->place_at;
	}
	return window->start.v + (window->size - 1) > f->aperture_last ? -EINVAL : 0;
}

static int type1_map(void *hw, ioba_t iova, const void *ptr, uint64_t len, unsigned int perm)
{
	struct fake_type1 *f = hw;
	bool late;
	int err = count_call(f, FAKE_TYPE1_MAP, &late);
	int ret = 0;

	if (!err || late) {
		ret = add_map(f, iova.v, (uintptr_t)ptr, len, perm);
	}
	return ret ? ret : err;
}

static int type1_unmap(void *hw, ioba_t iova, uint64_t len, uint64_t *gone)
{
	struct fake_type1 *f = hw;
	bool late;
	int err = count_call(f, FAKE_TYPE1_UNMAP, &late);
	int ret = 0;

	if (!err || late) {
		ret = remove_maps(f, iova.v, len, gone);
	}
	if (err && f->fail_short) {
		*gone = 0;
		return 0;
	}
	return ret ? ret : err;
}

static int type1_remove_window(void *hw, const struct vfio_window *window)
{
	uint64_t gone;

	return type1_unmap(hw, window->start, window->size, &gone);
}

const struct vfio_shadow_ops fake_type1_ops = {
	.cannot_split = true,
	.register_memory = type1_register,
	.create_window = type1_create_window,
	.remove_window = type1_remove_window,
	.map = type1_map,
	.unmap = type1_unmap,
};

static bool type1_check_extension(unsigned int extension)
{
	return extension == VFIO_TYPE1_IOMMU || extension == VFIO_TYPE1v2_IOMMU;
}

static int type1_open(struct vfio_container *c, unsigned int model, void **data)
{
	struct vfio_shadow *s = NULL;
	int err = vfio_shadow_open(c, &fake_type1_ops, next_instance, &s);

	next_instance->v2 = model == VFIO_TYPE1v2_IOMMU;
	*data = s;
	return err;
}

static void type1_release(void *data)
{
	struct fake_type1 *f = vfio_shadow_hw(data);

	f->nmaps = f->gap = 0;
	vfio_shadow_release(data);
}

static int type1_attach_group(void *data, struct vfio_group *group)
{
	struct fake_type1 *f = vfio_shadow_hw(data);

	(void)group;
	f->ngroups++;
	return 0;
}

static void type1_detach_group(void *data, struct vfio_group *group)
{
	struct fake_type1 *f = vfio_shadow_hw(data);

	(void)group;
	f->ngroups--;
}

const struct vfio_iommu_driver fake_type1_driver = {
	.name = "fake-type1",
	.check_extension = type1_check_extension,
	.open = type1_open,
	.release = type1_release,
	.attach_group = type1_attach_group,
	.detach_group = type1_detach_group,
	.create_window = vfio_shadow_create_window,
	.remove_window = vfio_shadow_remove_window,
	.reserve = vfio_shadow_reserve,
	.map = vfio_shadow_map,
	.unmap = vfio_shadow_unmap,
	.lookup = vfio_shadow_lookup,
	.skip = vfio_shadow_skip,
	.flush = vfio_shadow_flush,
};

void fake_type1_init(struct fake_type1 *f)
{
	memset(f, 0, sizeof(*f));
	f->aperture_last = UINT64_MAX;
	f->limit = FAKE_TYPE1_MAPS;
	next_instance = f;
}

uint64_t fake_type1_device(const struct fake_type1 *f, uint64_t iova)
{
	unsigned int at = find(f, iova);
	const struct fake_type1_map *m;

	if (!f->ngroups || at == f->nmaps || map_nr(f, at)->iova > iova) {
		return 0;
	}
	m = map_nr(f, at);
	return (m->ptr - (uintptr_t)f->mem + (iova - m->iova)) | m->perm;
}
