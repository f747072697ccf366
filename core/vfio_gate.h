// SPDX-License-Identifier: Apache-2.0
/*
 * Who may be in a container at once (SEED-004.14): commands share it; what changes it waits until
 * they are out, and keeps new ones waiting. It is no lock, since firmware is called meanwhile: who
 * waits here is about this very container. A driver never calls back into its own container.
 */
#ifndef CORE_VFIO_GATE_H
#define CORE_VFIO_GATE_H

#include "core/vfio.h"

/* In vfio_container.gate, above the number of commands inside. */
#define VFIO_GATE_SHUT 0x80000000u

static inline void vfio_leave(struct vfio_container *c)
{
	atomic_fetch_sub(&c->gate, 1);
}

/* For a command. False, and the caller is not inside: the container has no IOMMU. */
static inline bool vfio_enter(struct vfio_container *c)
{
	while (atomic_fetch_add(&c->gate, 1) & VFIO_GATE_SHUT) {
		vfio_leave(c);
		while (atomic_load(&c->gate) & VFIO_GATE_SHUT) {
		}
	}
	if (!c->driver) {
		vfio_leave(c);
		return false;
	}
	return true;
}

/* For what changes the container. */
static inline void vfio_shut(struct vfio_container *c)
{
	while (atomic_fetch_or(&c->gate, VFIO_GATE_SHUT) & VFIO_GATE_SHUT) {
	}
	while (atomic_load(&c->gate) != VFIO_GATE_SHUT) {
	}
}

static inline void vfio_reopen(struct vfio_container *c)
{
	atomic_fetch_and(&c->gate, ~VFIO_GATE_SHUT);
}

#endif
