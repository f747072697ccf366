// SPDX-License-Identifier: Apache-2.0
/*
 * The commands of a container: what its IOMMU driver is asked to do. Here they are kept from
 * meeting what changes the container; how addresses are mapped is the driver's business.
 */
#include "core/range.h"
#include "core/vfio_gate.h"

/* A range may end at 2^64, but not pass it. */
static bool range_sound(uint64_t at, uint64_t len)
{
	return len && len - 1 <= UINT64_MAX - at;
}

static int register_memory(struct vfio_container *c, const struct guest_mem *mem)
{
	if (!c->driver || !range_sound(mem->host.v, mem->size) ||
		!is_aligned(mem->size | mem->host.v, MEM_PAGE)) {
		return -EINVAL;
	}
	if (c->memory.size) {
		return -EBUSY;
	}
	c->memory = *mem;
	return 0;
}

int vfio_register_memory(struct vfio_container *c, const struct guest_mem *mem)
{
	int err;

	vfio_shut(c);
	err = register_memory(c, mem);
	vfio_reopen(c);
	return err;
}

int vfio_create_window(struct vfio_container *c, struct vfio_window *window)
{
	int err = -EINVAL;

	vfio_shut(c);
	if (c->driver && c->driver->create_window) {
		err = c->driver->create_window(c->data, window);
	}
	vfio_reopen(c);
	return err;
}

int vfio_remove_window(struct vfio_container *c, ioba_t start)
{
	int err = -EINVAL;

	vfio_shut(c);
	if (c->driver && c->driver->remove_window) {
		err = c->driver->remove_window(c->data, start);
	}
	vfio_reopen(c);
	return err;
}

int vfio_reserve(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	int err;

	if (!range_sound(iova.v, len) || !vfio_enter(c)) {
		return -EINVAL;
	}
	err = c->driver->reserve(c->data, iova, len);
	vfio_leave(c);
	return err;
}

int vfio_map(struct vfio_container *c, ioba_t iova, const uint64_t *words, unsigned int n,
	unsigned int page_shift)
{
	int err = -EPERM;

	if (!n || n > VFIO_MAX_BATCH || !vfio_enter(c)) {
		return -EINVAL;
	}
	if (c->memory.size) {
		err = c->driver->map(c->data, iova, words, n, page_shift);
	}
	vfio_leave(c);
	return err;
}

int vfio_unmap(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	int err;

	if (!range_sound(iova.v, len) || !vfio_enter(c)) {
		return -EINVAL;
	}
	err = c->driver->unmap(c->data, iova, len);
	vfio_leave(c);
	return err;
}

int vfio_lookup(struct vfio_container *c, ioba_t iova, uint64_t *word)
{
	int err;

	if (!vfio_enter(c)) {
		return -EINVAL;
	}
	err = c->driver->lookup(c->data, iova, word);
	vfio_leave(c);
	return err;
}

uint64_t vfio_skip(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	uint64_t bytes;

	if (!range_sound(iova.v, len) || !vfio_enter(c)) {
		return 0;
	}
	bytes = c->driver->skip(c->data, iova, len);
	vfio_leave(c);
	return bytes;
}

int vfio_flush(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	int err;

	if (!range_sound(iova.v, len) || !vfio_enter(c)) {
		return -EINVAL;
	}
	err = c->driver->flush(c->data, iova, len);
	vfio_leave(c);
	return err;
}

int vfio_window_backend(
	struct vfio_container *c, ioba_t start, const struct tce_backend_ops **ops, void **backend)
{
	int err = -ENOTSUP;

	if (!vfio_enter(c)) {
		return -EINVAL;
	}
	if (c->driver->window_backend) {
		err = c->driver->window_backend(c->data, start, ops, backend);
	}
	vfio_leave(c);
	return err;
}

#define WORD_PERM ((uint64_t)(VFIO_DMA_READ | VFIO_DMA_WRITE))

bool vfio_next_run(const uint64_t *words, unsigned int n, unsigned int page_shift, unsigned int *i,
	struct vfio_run *run)
{
	uint64_t first, step;
	unsigned int k = 1;

	if (*i >= n) {
		return false;
	}
	first = words[*i];
	step = first ? 1ull << page_shift : 0;
	while (k < n - *i && words[*i + k] == first + k * step) {
		k++;
	}
	run->at = first & ~WORD_PERM;
	run->len = (uint64_t)k << page_shift;
	run->perm = (unsigned int)(first & WORD_PERM);
	*i += k;
	return true;
}
