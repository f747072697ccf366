// SPDX-License-Identifier: Apache-2.0
/*
 * Bridges inside a group. They stay the host's: a guest never sees one. What they say of themselves
 * is believed at the scan, once, and has to be the same whenever it counts again.
 *
 * Memory goes down through them from the scan on. DMA comes up only while the group has an owner,
 * so that a function that ignores its own bus master bit has one more barrier before it.
 */
#include "core/arch.h"
#include "core/host_cycles.h"
#include "core/host_pci.h"
#include "core/host_pci_bars.h"
#include "core/log.h"
#include "core/vfio_perm.h"

#define MS	 1000000ull
#define RESET_NS (100 * MS)
#define LOOK_NS	 (10 * MS)
/* As for the functions behind them (core/vfio_reset.c). */
#define GIVEUP_NS (60000 * MS)

#define CONTROL_RESET 0x0040u

/* The kind of port, in the first register of the PCI Express capability. */
#define EXP_TYPE(v)    ((v) >> 4 & 0xfu)
#define EXP_ROOT       4u
#define EXP_DOWNSTREAM 6u
#define EXP_FROM_PCI   8u
#define BRIDGE_CHANGED "a bridge is not what it was"
#define BRIDGE_STAYS   "a bridge does not let DMA through"

bool host_pci_is_inside(const struct host_group *g, const struct host_func *f)
{
	unsigned int bus = f->bdfn >> 8;

	return f->header_type == 1 && f->phb == g->phb && g->bus && bus >= g->bus && bus <= g->last;
}

static int cycle(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	struct host_cycles *c = arg;

	*val = host_cycles_read(c, off, size);
	return c->err;
}

bool host_pci_learn_bridge(struct host_cycles *c, struct host_func *f)
{
	struct vfio_cap_list l;
	const struct vfio_cap *exp;
	uint32_t type;

	f->control = (uint16_t)host_cycles_read(c, HOST_BRIDGE_CONTROL, 2);
	if (vfio_walk_caps(cycle, c, &l)) {
		return false;
	}
	exp = vfio_find_cap(&l, PCI_CAP_EXP);
	if (!exp || exp->room < PCI_EXP_SIZE_V1) {
		return false;
	}
	f->exp = (uint8_t)exp->pos;
	f->devctl = (uint16_t)host_cycles_read(c, exp->pos + PCI_EXP_DEVCTL, 2);
	type = EXP_TYPE(host_cycles_read(c, exp->pos + PCI_CAP_FLAGS, 2));
	return type == EXP_ROOT || type == EXP_DOWNSTREAM || type == EXP_FROM_PCI;
}

/* Where config cycles and loads go is still what the scan found and set. */
static bool is_as_it_was(struct host_cycles *c, const struct host_func *f)
{
	uint32_t id = host_cycles_read(c, PCI_VENDOR_ID, 4);
	uint32_t type = host_cycles_read(c, PCI_HEADER_TYPE, 1);
	uint32_t buses = host_cycles_read(c, HOST_BRIDGE_BUSES, 4);

	return !c->err && id == ((uint32_t)f->device << 16 | f->vendor) && (type & 0x7f) == 1 &&
	       (uint8_t)(buses >> 8) == f->secondary && (uint8_t)(buses >> 16) == f->subordinate &&
	       host_pci_window_is_kept(c, f);
}

static int let_through(struct host_cycles *c)
{
	uint32_t command = host_cycles_read(c, PCI_COMMAND, 2);

	host_cycles_write(c, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
	command = host_cycles_read(c, PCI_COMMAND, 2);
	return !c->err && command != 0xffff && (command & PCI_COMMAND_MASTER) ? 0 : -EIO;
}

/* It is never assigned again: who lies once is not asked twice. */
static int blame(
	struct host_group *g, struct host_func *f, const struct host_phb *phb, const char *why)
{
	f->wrong = why;
	g->refuse = g->refuse ? g->refuse : why;
	log_msg(LOG_ERR, "PHB#%04x[%03x]: %02x:%02x.%x: %s: group %u is not assigned again",
		(unsigned int)phb->id, g->pe, (unsigned int)f->bdfn >> 8,
		(unsigned int)(f->bdfn >> 3) & 0x1f, (unsigned int)f->bdfn & 7, why, g->id);
	return -EIO;
}

int host_pci_open_bridges(struct board *b, struct host_group *g)
{
	struct host_phb *phb = &b->phbs[g->phb];

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		struct host_func *f = &b->funcs[i];
		struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};

		if (!host_pci_is_inside(g, f)) {
			continue;
		}
		if (!is_as_it_was(&c, f)) {
			return blame(g, f, phb, BRIDGE_CHANGED);
		}
		/* Before the first step, so that whoever stops half way closes it. */
		f->opened = true;
		if (let_through(&c)) {
			return blame(g, f, phb, BRIDGE_STAYS);
		}
	}
	return 0;
}

static bool wait_for(struct host_cycles *c, const struct host_func *f, uint64_t limit)
{
	while (host_cycles_read(c, PCI_VENDOR_ID, 2) != f->vendor) {
		uint64_t now = arch_time_ns();

		if (c->err || now >= limit) {
			return false;
		}
		while (arch_time_ns() < now + LOOK_NS) {
		}
	}
	return true;
}

static bool restore(struct host_cycles *c, const struct host_func *f)
{
	uint32_t buses = (uint32_t)f->subordinate << 16 | (uint32_t)f->secondary << 8 |
			 (uint32_t)f->bdfn >> 8;

	if (host_pci_shut_bridge(c->phb, c->bdfn)) {
		return false;
	}
	host_cycles_write(c, HOST_BRIDGE_BUSES, 4, buses);
	host_cycles_write(c, HOST_BRIDGE_CONTROL, 2, f->control & ~CONTROL_RESET);
	if (f->exp) {
		host_cycles_write(c, f->exp + PCI_EXP_DEVCTL, 2, f->devctl);
	}
	return !host_pci_write_bars(c->phb, f) && is_as_it_was(c, f) &&
	       (!f->opened || !let_through(c));
}

int host_pci_restore_bridges(struct board *b, struct host_group *g)
{
	struct host_phb *phb = &b->phbs[g->phb];
	uint64_t start = arch_time_ns();

	/* From the root port down: each is reached through those before it. */
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		struct host_func *f = &b->funcs[i];
		struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};

		if (!host_pci_is_inside(g, f)) {
			continue;
		}
		while (arch_time_ns() < start + RESET_NS) {
		}
		if (!wait_for(&c, f, start + GIVEUP_NS) || !restore(&c, f)) {
			return blame(g, f, phb, "a bridge did not come back from a reset");
		}
	}
	return 0;
}
