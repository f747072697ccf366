// SPDX-License-Identifier: Apache-2.0
/*
 * The host's PCI at boot: who is there, and everybody closed. Bus numbers are firmware's; each bus
 * is visited once, in rising order, so that no bridge, however it lies, can make the walk long.
 *
 * What may not be assigned has a reason in its group's refuse, and is as closed as the rest.
 */
#include "core/host_pci.h"

#include "core/host_cycles.h"
#include "core/host_pci_bars.h"
#include "core/host_pci_virtio.h"
#include "core/log.h"
#include "core/pci.h"

#include <string.h>

#define HEADER_MULTI 0x80u
#define HEADER_TYPE  0x7fu
#define BRIDGE_BUSES 0x18u
#define BUSES	     256u

/* A walk over one PHB. */
struct walk {
	struct board *b;
	unsigned int phb;
	bool root_bus_failed; /* a cycle to bus 0 did: there may be more than was found */
	/* By bus: the highest number a bridge on it may hand out; 0: no bridge leads here. */
	uint8_t limit[BUSES];
	/* By bus: the first bus below the same root port; 0 for bus 0. */
	uint8_t top[BUSES];
	/* By first bus: its group plus 1; 0: none yet. */
	uint8_t group[BUSES];
};

_Static_assert(BOARD_MAX_GROUPS < 256, "struct walk counts in bytes");

static struct host_phb *phb_of(const struct walk *w)
{
	return &w->b->phbs[w->phb];
}

static void refuse(struct host_group *g, const char *why)
{
	if (!g->refuse) {
		g->refuse = why;
	}
}

/* The root port that leads to bus top, as index into board.funcs; -1: none, it is bus 0. */
static int find_port(const struct walk *w, uint8_t top)
{
	for (unsigned int i = 0; top && i < w->b->nfuncs; i++) {
		const struct host_func *f = &w->b->funcs[i];

		if (f->phb == w->phb && f->secondary == top) {
			return (int)i;
		}
	}
	return -1;
}

/* The group of a bus, made when the first function below its root port is found. NULL: no room. */
static struct host_group *group_of(struct walk *w, uint8_t bus)
{
	uint8_t top = w->top[bus];
	struct host_group *g;

	if (w->group[top]) {
		return &w->b->groups[w->group[top] - 1];
	}
	if (w->b->ngroups == BOARD_MAX_GROUPS) {
		log_msg(LOG_ERR, "PHB#%04x: bus %02x: no room for another group, left closed",
			(unsigned int)phb_of(w)->id, bus);
		return NULL;
	}
	g = &w->b->groups[w->b->ngroups];
	*g = (struct host_group){
		.id = w->b->ngroups,
		.phb = w->phb,
		.pe = phb_of(w)->reserved_pe,
		.bus = top,
		.port = find_port(w, top),
	};
	w->group[top] = (uint8_t)++w->b->ngroups;
	return g;
}

static void refuse_bus(struct walk *w, uint8_t bus, const char *why)
{
	struct host_group *g = group_of(w, bus);

	if (g) {
		refuse(g, why);
	}
}

/* Lets the buses behind a bridge be visited if its numbers make sense: further down than its own,
 * inside what the bridge above has, and not taken. */
static void follow_bridge(struct walk *w, struct host_cycles *c, uint8_t bus, struct host_func *f)
{
	uint32_t buses = host_cycles_read(c, BRIDGE_BUSES, 4);
	uint8_t second = (uint8_t)(buses >> 8);
	uint8_t last = (uint8_t)(buses >> 16);

	if (c->err || second <= bus || last < second || last > w->limit[bus] || w->limit[second]) {
		log_msg(LOG_WARN,
			"PHB#%04x: %02x:%02x.%x: bridge with bus numbers %02x-%02x, nothing behind "
			"it is looked at",
			(unsigned int)phb_of(w)->id, bus, (unsigned int)(c->bdfn >> 3) & 0x1f,
			(unsigned int)c->bdfn & 7, second, last);
		return;
	}
	w->limit[second] = last;
	w->top[second] = bus ? w->top[bus] : second;
	f->secondary = second;
}

static void read_identity(struct host_cycles *c, struct host_func *f)
{
	uint32_t class_rev = host_cycles_read(c, PCI_REVISION, 4);

	f->class_code = class_rev >> 8;
	f->revision = (uint8_t)class_rev;
	f->int_pin = (uint8_t)host_cycles_read(c, PCI_INTERRUPT_PIN, 1);
	if (f->header_type == 0) {
		f->subsys_vendor = (uint16_t)host_cycles_read(c, PCI_SUBSYS_VENDOR, 2);
		f->subsys = (uint16_t)host_cycles_read(c, PCI_SUBSYS_ID, 2);
	}
}

static int master_off(struct host_phb *phb, uint16_t bdfn)
{
	struct host_cycles c = {.phb = phb, .bdfn = bdfn};
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2);

	if (c.err || command == 0xffff) {
		/* All ones: the device has left, and its DMA with it. */
		return c.err;
	}
	host_cycles_write(&c, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
	/* The answer comes behind whatever the device had posted before. */
	command = host_cycles_read(&c, PCI_COMMAND, 2);
	if (!c.err && command != 0xffff && (command & PCI_COMMAND_MASTER)) {
		return -EIO;
	}
	return c.err;
}

/* A function has answered with id. Its bus master goes off before anything else can fail. */
static void add_func(struct walk *w, struct host_cycles *c, uint32_t id, uint8_t header)
{
	uint8_t bus = (uint8_t)(c->bdfn >> 8);
	uint8_t type = header & HEADER_TYPE;
	unsigned int index = w->b->nfuncs;
	struct host_func *f = &w->b->funcs[index];
	int err = type == 1 ? host_pci_shut_bridge(c->phb, c->bdfn) : master_off(c->phb, c->bdfn);

	if (index == BOARD_MAX_FUNCS) {
		refuse_bus(w, bus, "has more functions than there is room for");
		return;
	}
	*f = (struct host_func){
		.phb = w->phb,
		.bdfn = c->bdfn,
		.vendor = (uint16_t)id,
		.device = (uint16_t)(id >> 16),
		.header_type = type,
		.group = -1,
	};
	w->b->nfuncs++;
	read_identity(c, f);
	if (type == 1) {
		follow_bridge(w, c, bus, f);
		if (bus) {
			refuse_bus(w, bus, "has bridges inside, not supported yet");
		}
		return;
	}
	if (group_of(w, bus)) {
		f->group = w->group[w->top[bus]] - 1;
		w->b->groups[f->group].nfuncs++;
	}
	if (type != 0) {
		refuse_bus(w, bus, "has a function with an unknown header type");
	}
	if (err || c->err) {
		refuse_bus(w, bus, "a config cycle failed, or the bus master stayed on");
	}
}

/* Whether there is a function, and in *multi, whether there may be more in the same device. */
static bool visit_func(struct walk *w, uint16_t bdfn, bool *multi)
{
	struct host_cycles c = {.phb = phb_of(w), .bdfn = bdfn};
	uint32_t id = host_cycles_read(&c, PCI_VENDOR_ID, 4);
	uint8_t header;

	*multi = false;
	if (c.err && c.err != -ENODEV) {
		/* On bus 0 there is mostly nobody: no group is made for an empty slot. */
		if (bdfn >> 8) {
			refuse_bus(w, (uint8_t)(bdfn >> 8), "a config cycle failed");
		} else {
			w->root_bus_failed = true;
		}
	}
	if (c.err) {
		return false;
	}
	if ((id & 0xffff) == 0xffff || !id) {
		return false;
	}
	header = (uint8_t)host_cycles_read(&c, PCI_HEADER_TYPE, 1);
	*multi = header & HEADER_MULTI;
	add_func(w, &c, id, header);
	return true;
}

static void visit_bus(struct walk *w, uint8_t bus)
{
	/* Behind a root port there is a link, and a link has one device. */
	unsigned int ndevices = bus && w->top[bus] == bus ? 1 : 32;

	for (unsigned int dev = 0; dev < ndevices; dev++) {
		uint16_t bdfn = (uint16_t)((unsigned int)bus << 8 | dev << 3);
		bool multi, ignored;

		if (!visit_func(w, bdfn, &multi)) {
			continue;
		}
		for (unsigned int fn = 1; multi && fn < 8; fn++) {
			visit_func(w, (uint16_t)(bdfn | fn), &ignored);
		}
	}
}

static void walk_buses(struct board *b, unsigned int phb)
{
	static struct walk w; /* large for a stack; the boot thread is alone */

	memset(&w, 0, sizeof(w));
	w.b = b;
	w.phb = phb;
	w.limit[0] = BUSES - 1;
	for (unsigned int bus = 0; bus < BUSES; bus++) {
		if (w.limit[bus]) {
			visit_bus(&w, (uint8_t)bus);
		}
	}
	if (w.root_bus_failed) {
		log_msg(LOG_WARN, "PHB#%04x: bus 00: a config cycle failed",
			(unsigned int)phb_of(&w)->id);
	}
	if (w.root_bus_failed && w.group[0]) {
		refuse_bus(&w, 0, "a config cycle failed");
	}
}

int host_pci_quarantine(struct board *b, struct host_group *g)
{
	struct host_phb *phb = &b->phbs[g->phb];
	int err = 0;
	int e;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (b->funcs[i].group == (int)(g - b->groups)) {
			e = master_off(phb, b->funcs[i].bdfn);
			err = err ? err : e;
		}
	}
	if (g->pe != phb->reserved_pe) {
		for (unsigned int win = 0; win < HOST_PHB_MAX_WINDOWS; win++) {
			e = phb->ops->window_off(phb, g->pe, win);
			err = err ? err : e;
		}
		e = phb->ops->tce_kill(phb, g->pe);
		err = err ? err : e;
	}
	g->closed = !err;
	if (err) {
		log_msg(LOG_ERR,
			"PHB#%04x[%03x]: group %u could not be closed (%s): never assigned again",
			(unsigned int)phb->id, g->pe, g->id, err_name(err));
	}
	return err;
}

static const char *give_pe(struct board *b, struct host_group *g, unsigned int *next_pe)
{
	struct host_phb *phb = &b->phbs[g->phb];

	if (*next_pe == phb->reserved_pe) {
		(*next_pe)++;
	}
	if (*next_pe >= phb->num_pes) {
		return "its host bridge has no PE left";
	}
	g->pe = (*next_pe)++;
	return phb->ops->pe_add_bus(phb, g->pe, g->bus) ? "its PE could not be set up" : NULL;
}

static void set_up_group(
	struct board *b, unsigned int group, unsigned int *next_pe, struct host_m32 *m)
{
	struct host_group *g = &b->groups[group];
	struct host_phb *phb = &b->phbs[g->phb];
	const char *why = g->refuse;

	for (unsigned int i = 0; i < b->nfuncs && !why; i++) {
		if (b->funcs[i].group == (int)group) {
			b->funcs[i].passes_iommu = host_pci_passes_iommu(phb, &b->funcs[i]);
			why = host_pci_size_bars(phb, &b->funcs[i]);
		}
	}
	if (!why) {
		why = give_pe(b, g, next_pe);
	}
	/* Closed before the root port lets its DMA through. */
	if (host_pci_quarantine(b, g) && !why) {
		why = "it could not be closed";
	}
	if (!why) {
		why = host_pci_place_bars(b, group, m);
	}
	g->refuse = why;
}

static void set_up_phb(struct board *b, unsigned int index, unsigned int first_group)
{
	struct host_phb *phb = &b->phbs[index];
	struct host_m32 m32;
	unsigned int next_pe = 0;
	int err = phb->ops->reset_iommu(phb);
	const char *why =
		err ? "its DMA windows could not be closed" : host_pci_open_m32(phb, &m32);

	phb->usable = !why;
	if (why) {
		log_msg(LOG_ERR, "PHB#%04x: not used: %s", (unsigned int)phb->id, why);
	}
	for (unsigned int i = first_group; i < b->ngroups; i++) {
		if (phb->usable) {
			set_up_group(b, i, &next_pe, &m32);
		} else {
			b->groups[i].refuse = "its host bridge is not usable";
		}
	}
}

/* The PHB that follows in the order of firmware's numbers; after == nphbs: the first. */
static unsigned int next_phb(const struct board *b, unsigned int after)
{
	unsigned int best = b->nphbs;

	for (unsigned int i = 0; i < b->nphbs; i++) {
		uint64_t id = b->phbs[i].id;

		if (after != b->nphbs &&
			(id < b->phbs[after].id || (id == b->phbs[after].id && i <= after))) {
			continue;
		}
		if (best == b->nphbs || id < b->phbs[best].id) {
			best = i;
		}
	}
	return best;
}

void host_pci_scan(struct board *b)
{
	b->nfuncs = 0;
	b->ngroups = 0;
	for (unsigned int i = next_phb(b, b->nphbs); i < b->nphbs; i = next_phb(b, i)) {
		unsigned int first_group = b->ngroups;

		b->phbs[i].usable = false;
		if (!b->phbs[i].ops) {
			continue;
		}
		walk_buses(b, i);
		set_up_phb(b, i, first_group);
	}
}
