// SPDX-License-Identifier: Apache-2.0
/*
 * A sequence of config cycles to one function of the host, of which the first error sticks: after
 * it reads give all ones, writes do nothing, and err says what it was.
 */
#ifndef CORE_HOST_CYCLES_H
#define CORE_HOST_CYCLES_H

#include "core/board.h"

struct host_cycles {
	struct host_phb *phb;
	uint16_t bdfn;
	int err;
};

static inline uint32_t host_cycles_read(struct host_cycles *c, unsigned int off, unsigned int size)
{
	uint32_t val = UINT32_MAX;

	if (!c->err) {
		c->err = c->phb->ops->config_read(c->phb, c->bdfn, off, size, &val);
	}
	return c->err ? UINT32_MAX >> (32 - 8 * size) : val;
}

static inline void host_cycles_write(
	struct host_cycles *c, unsigned int off, unsigned int size, uint32_t val)
{
	if (!c->err) {
		c->err = c->phb->ops->config_write(c->phb, c->bdfn, off, size, val);
	}
}

#endif
