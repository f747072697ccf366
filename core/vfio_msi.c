// SPDX-License-Identifier: Apache-2.0
/*
 * The messages of a host bridge: which are given out, to whichever partition, and how one is bound
 * to a PE. The bitmap is the only thing here that partitions share, so it has a lock; firmware is
 * called without it.
 */
#include "core/vfio.h"

#include "core/range.h"

static struct host_phb *phb_of(const struct vfio_device *d)
{
	const struct board *b = d->group->vfio->board;

	return &d->group->vfio->board->phbs[b->funcs[d->func].phb];
}

unsigned int vfio_count_msis(const struct vfio_device *d)
{
	unsigned int n = phb_of(d)->msi_count;

	return n < BOARD_MAX_MSIS ? n : BOARD_MAX_MSIS;
}

static bool is_used(const struct host_phb *phb, unsigned int i)
{
	return phb->msi_used[i / 64] >> (i % 64) & 1;
}

static void set_used(struct host_phb *phb, unsigned int first, unsigned int n, bool used)
{
	for (unsigned int i = first; i < first + n; i++) {
		uint64_t bit = 1ull << (i % 64);

		phb->msi_used[i / 64] =
			used ? phb->msi_used[i / 64] | bit : phb->msi_used[i / 64] & ~bit;
	}
}

/* The first that fits. */
static int find_run(const struct host_phb *phb, unsigned int count, unsigned int n,
	unsigned int align, unsigned int *first)
{
	unsigned int run = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (is_used(phb, i) || (!run && !is_aligned(i, align))) {
			run = 0;
		} else if (++run == n) {
			*first = i + 1 - n;
			return 0;
		}
	}
	return -ENOSPC;
}

int vfio_get_msis(struct vfio_device *d, unsigned int n, unsigned int align, unsigned int *first)
{
	struct host_phb *phb = phb_of(d);
	int err;

	if (!n || !is_pow2(align) || !d->opened) {
		return -EINVAL;
	}
	lock_take(&phb->msi_lock);
	err = find_run(phb, vfio_count_msis(d), n, align, first);
	if (!err) {
		set_used(phb, *first, n, true);
	}
	lock_drop(&phb->msi_lock);
	return err;
}

void vfio_put_msis(struct vfio_device *d, unsigned int first, unsigned int n)
{
	struct host_phb *phb = phb_of(d);

	lock_take(&phb->msi_lock);
	set_used(phb, first, n, false);
	lock_drop(&phb->msi_lock);
}

uint32_t vfio_msi_source(const struct vfio_device *d, unsigned int message)
{
	return phb_of(d)->msi_first + message;
}

int vfio_setup_msi(
	struct vfio_device *d, unsigned int message, bool is64, uint64_t *addr, uint32_t *data)
{
	const struct vfio_group *g = d->group;
	struct host_phb *phb = phb_of(d);

	return phb->ops->msi_setup(
		phb, g->vfio->board->groups[g->host].pe, message, is64, addr, data);
}
