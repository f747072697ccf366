// SPDX-License-Identifier: Apache-2.0
/*
 * Between two owners of a group: what its functions keep inside does not go from one to the other
 * (LC-04). Each by its own reset if all have one, since that leaves the link alone; else all by
 * their bus. The waits for the functions of a group run beside each other.
 */
#include "core/vfio.h"

#include "core/log.h"

/* The next open device of the group from *i on; NULL: there is none. One that is held back has no
 * owner, and nothing of one. */
static struct vfio_device *next_open(struct vfio_group *g, unsigned int *i)
{
	while (*i < g->vfio->board->nfuncs) {
		struct vfio_device *d = &g->vfio->devices[(*i)++];

		if (d->group == g && d->opened) {
			return d;
		}
	}
	return NULL;
}

/* Whether each has a reset of its own. -EIO: one is gone. */
static int all_can(struct vfio_group *g, bool *can)
{
	struct vfio_device *d;
	unsigned int kinds, i = 0;

	*can = true;
	while ((d = next_open(g, &i))) {
		int err = vfio_probe_resets(d, &kinds);

		if (err) {
			return err;
		}
		*can = *can && kinds;
	}
	return 0;
}

/* Its owner may be followed by another all the same: nothing it can do reaches past its PE. */
static void flag(struct vfio_device *d)
{
	const struct board *b = d->group->vfio->board;
	const struct host_group *host = &b->groups[d->group->host];
	uint16_t bdfn = b->funcs[d->func].bdfn;

	if (!d->reset.flagged) {
		d->reset.flagged = true;
		log_msg(LOG_WARN,
			"PHB#%04x[%03x]: %02x:%02x.%x has no reset: what it holds of its partition "
			"stays in it",
			(unsigned int)b->phbs[host->phb].id, host->pe, (unsigned int)bdfn >> 8,
			(unsigned int)(bdfn >> 3) & 0x1f, (unsigned int)bdfn & 7);
	}
}

static int begin_one(struct vfio_device *d)
{
	for (unsigned int k = 0; k < VFIO_RESET_KINDS; k++) {
		int err = vfio_begin_reset(d, k);

		if (err != -ENOTTY) {
			return err;
		}
	}
	flag(d);
	return 0;
}

/* Every device is tried, whatever has become of another. */
static int reset_each(struct vfio_group *g)
{
	struct vfio_device *d;
	unsigned int i = 0;
	int err, first = 0;

	while ((d = next_open(g, &i))) {
		err = begin_one(d);
		first = first ? first : err;
	}
	for (i = 0; (d = next_open(g, &i));) {
		err = vfio_wait_reset(d);
		first = first ? first : err;
	}
	return first;
}

int vfio_clean_group(struct vfio_group *g)
{
	struct board *b = g->vfio->board;
	struct host_group *host = &b->groups[g->host];
	bool can;
	int err = all_can(g, &can);

	if (!err && !can && host->port >= 0) {
		err = vfio_reset_group(g);
	} else {
		int reset_err = reset_each(g);

		err = err ? err : reset_err;
	}
	if (err) {
		host->refuse = host->refuse ? host->refuse : "a function of it was not reset";
		log_msg(LOG_ERR, "PHB#%04x[%03x]: group %u was not reset (%s): not assigned again",
			(unsigned int)b->phbs[host->phb].id, host->pe, host->id, err_name(err));
	}
	return err;
}
