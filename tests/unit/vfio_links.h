// SPDX-License-Identifier: Apache-2.0
/*
 * SEED-001.73, SEED-004.26: whatever calls have been made, once they are over what points at each
 * other agrees, and every count is the number of what it counts.
 */
#ifndef TESTS_UNIT_VFIO_LINKS_H
#define TESTS_UNIT_VFIO_LINKS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_spapr_parts.h"

/* A device's function, its IOMMU group and its group object name the same group (SEED-002.26). */
static unsigned int links_of_devices(const struct vfio *v, const struct vfio_group *g)
{
	unsigned int opened = 0;

	for (unsigned int i = 0; i < v->board->nfuncs; i++) {
		const struct vfio_device *d = &v->devices[i];
		int group = v->board->funcs[i].group;

		assert_int_equal(d->func, i);
		assert_ptr_equal(d->group, group < 0 ? NULL : &v->groups[group]);
		if (d->group == g) {
			opened += d->opened;
		}
	}
	return opened;
}

static void links_of_group(const struct vfio *v, unsigned int i)
{
	const struct vfio_group *g = &v->groups[i];
	const struct vfio_container *c = g->container;

	assert_ptr_equal(g->vfio, v);
	assert_int_equal(g->host, i);
	assert_false(g->claimed);
	assert_int_equal(g->ndevices_open, links_of_devices(v, g));
	if (c) {
		assert_true(g->opened);
		assert_ptr_equal(c, &v->containers[c - v->containers]);
		assert_string_equal(c->partition, g->owner.partition);
	}
	/* A device is open by the right of its group's container. */
	assert_true(!g->ndevices_open || (c && c->driver));
}

/* What the sPAPR driver invalidates are the PEs of the container's groups. */
static void links_of_spapr(const struct vfio *v, const struct vfio_container *c)
{
	const struct spapr *s = c->data;

	assert_ptr_equal(s->container, c);
	assert_int_equal(s->ngroups, c->ngroups);
	assert_int_equal(s->walkers, 0);
	for (unsigned int i = 0; i < s->ngroups; i++) {
		const struct spapr_pe *pe = &s->pes[i];
		const struct host_group *host = &v->board->groups[pe->group];

		assert_ptr_equal(v->groups[pe->group].container, c);
		assert_ptr_equal(pe->phb, &v->board->phbs[host->phb]);
		assert_int_equal(pe->pe, host->pe);
		assert_false(host->closed);
		for (unsigned int k = 0; k < i; k++) {
			assert_int_not_equal(s->pes[k].group, pe->group);
		}
	}
	for (unsigned int i = 0; i < HOST_PHB_MAX_WINDOWS; i++) {
		const struct spapr_window *w = &s->windows[i];

		assert_true(!w->size || (w->owner == s && w->table.levels));
	}
}

static void links_of_container(const struct vfio *v, const struct vfio_container *c)
{
	unsigned int ngroups = 0;

	for (unsigned int i = 0; i < v->board->ngroups; i++) {
		ngroups += v->groups[i].container == c;
	}
	assert_int_equal(c->ngroups, ngroups);
	assert_int_equal(c->refs, ngroups + c->opened);
	assert_int_equal(c->gate, 0);
	if (!c->driver) {
		assert_null(c->data);
		assert_true(c->memory.size == 0);
		return;
	}
	assert_int_not_equal(c->ngroups, 0);
	assert_non_null(c->data);
	if (c->driver == &vfio_spapr_v2_driver) {
		links_of_spapr(v, c);
	}
}

static void links_of_registry(const struct vfio *v)
{
	for (unsigned int i = 0; i < v->ndrivers; i++) {
		unsigned int users = 0;

		for (unsigned int k = 0; k < VFIO_MAX_CONTAINERS; k++) {
			users += v->containers[k].driver == v->drivers[i].driver;
		}
		assert_int_equal(v->drivers[i].users, users);
		for (unsigned int k = 0; k < i; k++) {
			assert_string_not_equal(
				v->drivers[i].driver->name, v->drivers[k].driver->name);
		}
	}
}

static inline void vfio_check_links(const struct vfio *v)
{
	for (unsigned int i = 0; i < v->board->ngroups; i++) {
		links_of_group(v, i);
	}
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		links_of_container(v, &v->containers[i]);
	}
	links_of_registry(v);
}

#endif
