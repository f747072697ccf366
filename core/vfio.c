// SPDX-License-Identifier: Apache-2.0
/*
 * Containers, groups and the registry of IOMMU drivers: who refers to whom, and which call is
 * allowed in which state. How addresses are mapped is the driver's business; devices are in
 * vfio_pci.c.
 */
#include "core/vfio.h"

#include "core/log.h"
#include "core/range.h"

#include <string.h>

static struct host_group *host_of(const struct vfio_group *g)
{
	return &g->vfio->board->groups[g->host];
}

static bool group_viable(const struct vfio_group *g)
{
	const struct host_group *h = host_of(g);

	return h->closed && !h->refuse;
}

void vfio_init(struct vfio *v, struct board *board)
{
	memset(v, 0, sizeof(*v));
	v->board = board;
	for (unsigned int i = 0; i < board->ngroups; i++) {
		v->groups[i].vfio = v;
		v->groups[i].host = i;
	}
	for (unsigned int i = 0; i < board->nfuncs; i++) {
		v->devices[i].func = i;
		if (board->funcs[i].group >= 0) {
			v->devices[i].group = &v->groups[board->funcs[i].group];
		}
	}
}

int vfio_register_driver(struct vfio *v, const struct vfio_iommu_driver *driver)
{
	for (unsigned int i = 0; i < v->ndrivers; i++) {
		if (v->drivers[i] == driver || !strcmp(v->drivers[i]->name, driver->name)) {
			return -EBUSY;
		}
	}
	if (v->ndrivers == VFIO_MAX_DRIVERS) {
		return -ENOSPC;
	}
	v->drivers[v->ndrivers++] = driver;
	return 0;
}

int vfio_unregister_driver(struct vfio *v, const struct vfio_iommu_driver *driver)
{
	unsigned int i = 0;

	while (i < v->ndrivers && v->drivers[i] != driver) {
		i++;
	}
	if (i == v->ndrivers) {
		return -ENOENT;
	}
	for (unsigned int k = 0; k < VFIO_MAX_CONTAINERS; k++) {
		if (v->containers[k].driver == driver) {
			return -EBUSY;
		}
	}
	v->ndrivers--;
	memmove(&v->drivers[i], &v->drivers[i + 1], (v->ndrivers - i) * sizeof(v->drivers[0]));
	return 0;
}

int vfio_open_container(struct vfio *v, struct page_pool *tables, struct vfio_container **out)
{
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		struct vfio_container *c = &v->containers[i];

		/* Taken first and looked at then: only who has it may. */
		if (atomic_exchange(&c->opened, true)) {
			continue;
		}
		if (!c->ngroups) {
			c->vfio = v;
			c->tables = tables;
			c->memory = (struct guest_mem){0};
			*out = c;
			return 0;
		}
		atomic_store(&c->opened, false);
	}
	return -ENOSPC;
}

void vfio_put_container(struct vfio_container *c)
{
	c->opened = false;
}

int vfio_get_api_version(const struct vfio_container *c)
{
	(void)c;
	return VFIO_API_VERSION;
}

static const struct vfio_iommu_driver *find_driver(const struct vfio *v, unsigned int model)
{
	for (unsigned int i = 0; i < v->ndrivers; i++) {
		if (v->drivers[i]->check_extension(model)) {
			return v->drivers[i];
		}
	}
	return NULL;
}

bool vfio_check_extension(const struct vfio_container *c, unsigned int extension)
{
	if (c->driver) {
		return c->driver->check_extension(extension);
	}
	return find_driver(c->vfio, extension) != NULL;
}

/* A group may have lost its viability since it was opened: leaving a container can fail to close
 * its PE. */
static int attach_group(const struct vfio_iommu_driver *driver, void *data, struct vfio_group *g)
{
	if (!group_viable(g)) {
		return -EPERM;
	}
	return driver->attach_group(data, g);
}

static int attach_all(struct vfio_container *c, const struct vfio_iommu_driver *driver, void *data)
{
	struct vfio *v = c->vfio;
	unsigned int i;
	int err = 0;

	for (i = 0; i < v->board->ngroups; i++) {
		if (v->groups[i].container != c) {
			continue;
		}
		err = attach_group(driver, data, &v->groups[i]);
		if (err) {
			break;
		}
	}
	while (err && i-- > 0) {
		if (v->groups[i].container == c) {
			driver->detach_group(data, &v->groups[i]);
		}
	}
	return err;
}

int vfio_set_iommu(struct vfio_container *c, unsigned int model)
{
	const struct vfio_iommu_driver *driver;
	void *data = NULL;
	int err;

	if (!c->ngroups || c->driver) {
		return -EINVAL;
	}
	driver = find_driver(c->vfio, model);
	if (!driver) {
		return -ENODEV;
	}
	err = driver->open(c, model, &data);
	if (err) {
		return err;
	}
	err = attach_all(c, driver, data);
	if (err) {
		driver->release(data);
		return err;
	}
	c->driver = driver;
	c->model = model;
	c->data = data;
	return 0;
}

static struct vfio_group *find_group(struct vfio *v, unsigned int id)
{
	for (unsigned int i = 0; i < v->board->ngroups; i++) {
		if (v->board->groups[i].id == id) {
			return &v->groups[i];
		}
	}
	return NULL;
}

/* -EBUSY: *owner becomes who has it. */
static int take_group(struct vfio_group *g, struct vfio_owner *owner)
{
	int err = 0;

	lock_take(&g->vfio->lock);
	if (g->opened) {
		*owner = g->owner;
		err = -EBUSY;
	} else if (!group_viable(g)) {
		err = -EPERM;
	} else {
		g->opened = true;
		g->owner = *owner;
	}
	lock_drop(&g->vfio->lock);
	return err;
}

int vfio_open_group(
	struct vfio *v, unsigned int id, struct vfio_owner owner, struct vfio_group **out)
{
	struct vfio_group *g = find_group(v, id);
	struct vfio_owner has = owner;
	int err = g ? take_group(g, &has) : -ENOENT;

	if (err == -EBUSY) {
		log_msg(LOG_ERR, "group %u is in %s's bridge '%s', not free for %s's bridge '%s'",
			id, has.partition, has.bridge, owner.partition, owner.bridge);
	}
	if (!err) {
		*out = g;
	}
	return err;
}

int vfio_close_group(struct vfio_group *g)
{
	if (g->container) {
		int err = vfio_group_unset_container(g);

		if (err) {
			return err;
		}
	}
	lock_take(&g->vfio->lock);
	g->opened = false;
	lock_drop(&g->vfio->lock);
	return 0;
}

int vfio_group_set_container(struct vfio_group *g, struct vfio_container *c)
{
	int err;

	if (g->container || !g->opened) {
		return -EINVAL;
	}
	if (!group_viable(g)) {
		return -EPERM;
	}
	if (c->driver) {
		err = attach_group(c->driver, c->data, g);
		if (err) {
			return err;
		}
	}
	g->container = c;
	c->ngroups++;
	return 0;
}

int vfio_group_unset_container(struct vfio_group *g)
{
	struct vfio_container *c = g->container;

	if (!c) {
		return -EINVAL;
	}
	if (g->ndevices_open) {
		return -EBUSY;
	}
	if (c->driver) {
		c->driver->detach_group(c->data, g);
	}
	g->container = NULL;
	c->ngroups--;
	if (!c->ngroups && c->driver) {
		c->driver->release(c->data);
		c->driver = NULL;
		c->model = 0;
		c->data = NULL;
		c->memory = (struct guest_mem){0};
	}
	return 0;
}

int vfio_register_memory(struct vfio_container *c, const struct guest_mem *mem)
{
	if (!c->driver || !mem->size || !is_aligned(mem->size | mem->host.v, MEM_PAGE)) {
		return -EINVAL;
	}
	if (c->memory.size) {
		return -EBUSY;
	}
	c->memory = *mem;
	return 0;
}

int vfio_create_window(struct vfio_container *c, struct vfio_window *window)
{
	if (!c->driver || !c->driver->create_window) {
		return -EINVAL;
	}
	return c->driver->create_window(c->data, window);
}

int vfio_remove_window(struct vfio_container *c, ioba_t start)
{
	if (!c->driver || !c->driver->remove_window) {
		return -EINVAL;
	}
	return c->driver->remove_window(c->data, start);
}

/* A range may end at 2^64, but not pass it. */
static bool range_sound(ioba_t iova, uint64_t len)
{
	return len && len - 1 <= UINT64_MAX - iova.v;
}

int vfio_reserve(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	if (!c->driver || !range_sound(iova, len)) {
		return -EINVAL;
	}
	return c->driver->reserve(c->data, iova, len);
}

int vfio_map(struct vfio_container *c, ioba_t iova, const uint64_t *words, unsigned int n,
	unsigned int page_shift)
{
	if (!c->driver || !n || n > VFIO_MAX_BATCH) {
		return -EINVAL;
	}
	if (!c->memory.size) {
		return -EPERM;
	}
	return c->driver->map(c->data, iova, words, n, page_shift);
}

int vfio_unmap(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	if (!c->driver || !range_sound(iova, len)) {
		return -EINVAL;
	}
	return c->driver->unmap(c->data, iova, len);
}

int vfio_lookup(struct vfio_container *c, ioba_t iova, uint64_t *word)
{
	if (!c->driver) {
		return -EINVAL;
	}
	return c->driver->lookup(c->data, iova, word);
}

uint64_t vfio_skip(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	if (!c->driver || !range_sound(iova, len)) {
		return 0;
	}
	return c->driver->skip(c->data, iova, len);
}

int vfio_flush(struct vfio_container *c, ioba_t iova, uint64_t len)
{
	if (!c->driver || !range_sound(iova, len)) {
		return -EINVAL;
	}
	return c->driver->flush(c->data, iova, len);
}

int vfio_window_backend(
	struct vfio_container *c, ioba_t start, const struct tce_backend_ops **ops, void **backend)
{
	if (!c->driver) {
		return -EINVAL;
	}
	if (!c->driver->window_backend) {
		return -ENOTSUP;
	}
	return c->driver->window_backend(c->data, start, ops, backend);
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
