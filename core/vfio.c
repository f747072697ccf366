// SPDX-License-Identifier: Apache-2.0
/*
 * Containers, groups and the registry of IOMMU drivers: who refers to whom, and which call is
 * allowed in which state. What is asked of a container's driver is in vfio_commands.c; devices are
 * in vfio_pci.c.
 */
#include "core/vfio.h"

#include "core/log.h"
#include "core/vfio_gate.h"

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
	int err;

	lock_take(&v->lock);
	err = v->ndrivers == VFIO_MAX_DRIVERS ? -ENOSPC : 0;
	for (unsigned int i = 0; i < v->ndrivers; i++) {
		const struct vfio_iommu_driver *other = v->drivers[i].driver;

		if (other == driver || !strcmp(other->name, driver->name)) {
			err = -EBUSY;
		}
	}
	if (!err) {
		v->drivers[v->ndrivers++] = (struct vfio_registered){driver, 0};
	}
	lock_drop(&v->lock);
	return err;
}

/* With the lock held. */
static struct vfio_registered *find_registered(
	struct vfio *v, const struct vfio_iommu_driver *driver)
{
	for (unsigned int i = 0; i < v->ndrivers; i++) {
		if (v->drivers[i].driver == driver) {
			return &v->drivers[i];
		}
	}
	return NULL;
}

int vfio_unregister_driver(struct vfio *v, const struct vfio_iommu_driver *driver)
{
	struct vfio_registered *r;
	int err = 0;

	lock_take(&v->lock);
	r = find_registered(v, driver);
	if (!r) {
		err = -ENOENT;
	} else if (r->users) {
		err = -EBUSY;
	} else {
		v->ndrivers--;
		memmove(r, r + 1, (size_t)(&v->drivers[v->ndrivers] - r) * sizeof(*r));
	}
	lock_drop(&v->lock);
	return err;
}

/* The first that serves the model, counted as used if it is to be; it is called without the lock
 * then. NULL: none does. */
static const struct vfio_iommu_driver *find_driver(struct vfio *v, unsigned int model, bool use)
{
	const struct vfio_iommu_driver *found = NULL;

	lock_take(&v->lock);
	for (unsigned int i = 0; i < v->ndrivers && !found; i++) {
		if (v->drivers[i].driver->check_extension(model)) {
			found = v->drivers[i].driver;
			v->drivers[i].users += use;
		}
	}
	lock_drop(&v->lock);
	return found;
}

static void put_driver(struct vfio *v, const struct vfio_iommu_driver *driver)
{
	lock_take(&v->lock);
	find_registered(v, driver)->users--;
	lock_drop(&v->lock);
}

int vfio_open_container(struct vfio *v, struct page_pool *tables, struct vfio_container **out)
{
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		struct vfio_container *c = &v->containers[i];
		unsigned int unused = 0;

		if (atomic_compare_exchange_strong(&c->refs, &unused, 1)) {
			c->vfio = v;
			c->tables = tables;
			c->memory = (struct guest_mem){0};
			atomic_store(&c->opened, true);
			*out = c;
			return 0;
		}
	}
	return -ENOSPC;
}

void vfio_put_container(struct vfio_container *c)
{
	if (atomic_exchange(&c->opened, false)) {
		atomic_fetch_sub(&c->refs, 1);
	}
}

int vfio_get_api_version(const struct vfio_container *c)
{
	(void)c;
	return VFIO_API_VERSION;
}

bool vfio_check_extension(struct vfio_container *c, unsigned int extension)
{
	bool yes;

	if (!vfio_enter(c)) {
		return find_driver(c->vfio, extension, false) != NULL;
	}
	yes = c->driver->check_extension(extension);
	vfio_leave(c);
	return yes;
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

/* The container is shut, and nobody sees driver or data before all groups are attached. */
static int set_iommu(struct vfio_container *c, unsigned int model)
{
	const struct vfio_iommu_driver *driver;
	void *data = NULL;
	int err;

	if (!c->ngroups || c->driver) {
		return -EINVAL;
	}
	driver = find_driver(c->vfio, model, true);
	if (!driver) {
		return -ENODEV;
	}
	err = driver->open(c, model, &data);
	if (!err) {
		err = attach_all(c, driver, data);
		if (err) {
			driver->release(data);
		}
	}
	if (err) {
		put_driver(c->vfio, driver);
		return err;
	}
	c->driver = driver;
	c->model = model;
	c->data = data;
	return 0;
}

int vfio_set_iommu(struct vfio_container *c, unsigned int model)
{
	int err;

	vfio_shut(c);
	err = set_iommu(c, model);
	vfio_reopen(c);
	return err;
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

/* A call about the group is to be the only one. -EINVAL: it is not open. */
static int claim_group(struct vfio_group *g)
{
	int err = 0;

	lock_take(&g->vfio->lock);
	if (!g->opened) {
		err = -EINVAL;
	} else if (g->claimed) {
		err = -EBUSY;
	} else {
		g->claimed = true;
	}
	lock_drop(&g->vfio->lock);
	return err;
}

static void drop_group(struct vfio_group *g, bool still_open)
{
	lock_take(&g->vfio->lock);
	g->claimed = false;
	g->opened = still_open;
	lock_drop(&g->vfio->lock);
}

/* The container is shut. */
static int join(struct vfio_group *g, struct vfio_container *c)
{
	int err = 0;

	if (c->ngroups && strcmp(c->partition, g->owner.partition)) {
		return -EPERM;
	}
	if (c->driver) {
		err = attach_group(c->driver, c->data, g);
	}
	if (!err) {
		c->partition = g->owner.partition;
		c->ngroups++;
		atomic_fetch_add(&c->refs, 1);
		g->container = c;
	}
	return err;
}

int vfio_group_set_container(struct vfio_group *g, struct vfio_container *c)
{
	int err = claim_group(g);

	if (err) {
		return err;
	}
	if (g->container) {
		err = -EINVAL;
	} else if (!group_viable(g)) {
		err = -EPERM;
	} else {
		vfio_shut(c);
		err = join(g, c);
		vfio_reopen(c);
	}
	drop_group(g, true);
	return err;
}

/* Nobody uses the container's IOMMU any more. */
static void end_rights(struct vfio_container *c)
{
	c->driver->release(c->data);
	put_driver(c->vfio, c->driver);
	c->driver = NULL;
	c->model = 0;
	c->data = NULL;
	c->memory = (struct guest_mem){0};
}

static int unset_container(struct vfio_group *g)
{
	struct vfio_container *c = g->container;

	if (!c) {
		return -EINVAL;
	}
	if (g->ndevices_open) {
		return -EBUSY;
	}
	vfio_shut(c);
	if (c->driver) {
		c->driver->detach_group(c->data, g);
	}
	g->container = NULL;
	c->ngroups--;
	if (!c->ngroups && c->driver) {
		end_rights(c);
	}
	vfio_reopen(c);
	/* Last: it may be somebody else's now. */
	atomic_fetch_sub(&c->refs, 1);
	return 0;
}

int vfio_group_unset_container(struct vfio_group *g)
{
	int err = claim_group(g);

	if (err) {
		return err;
	}
	err = unset_container(g);
	drop_group(g, true);
	return err;
}

int vfio_close_group(struct vfio_group *g)
{
	int err = claim_group(g);

	if (err) {
		/* One that is closed stays so. */
		return err == -EINVAL ? 0 : err;
	}
	if (g->container) {
		err = unset_container(g);
	}
	drop_group(g, err);
	return err;
}
