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
#define BUSES	     256u

#define CYCLE_FAILED "a config cycle failed"
#define STAYS_ON     "a bus master that stays on"

/* A walk over one PHB. */
struct walk {
	struct board *b;
	unsigned int phb;
	bool root_bus_failed; /* a cycle to bus 0 did: there may be more than was found */
	/* By bus: the secondary bus of the last bridge on the way there; 0: no bridge has it. */
	uint8_t owner[BUSES];
	bool link[BUSES]; /* By bus: it is a link, which has one device. */
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
	g->last = g->port < 0 ? top : w->b->funcs[g->port].subordinate;
	w->group[top] = (uint8_t)++w->b->ngroups;
	return g;
}

/* The first reason is the one that counts, and that is logged: who it is about
 * may leave no other trace, if there was no room for it or it did not answer. */
static void refuse_group_of(struct walk *w, uint16_t bdfn, const char *why)
{
	struct host_group *g = group_of(w, (uint8_t)(bdfn >> 8));

	if (g && !g->refuse) {
		g->refuse = why;
		log_msg(LOG_WARN, "PHB#%04x: %02x:%02x.%x: %s", (unsigned int)phb_of(w)->id,
			(unsigned int)bdfn >> 8, (unsigned int)(bdfn >> 3) & 0x1f,
			(unsigned int)bdfn & 7, why);
	}
}

/* A function has something that keeps its group from being assigned. The first is the one said. */
static void blame(struct walk *w, struct host_func *f, const char *why)
{
	f->wrong = f->wrong ? f->wrong : why;
	refuse_group_of(w, f->bdfn, why);
}

/* Whether a bridge's numbers make sense: further down than its own bus, and out of what the bridge
 * above has and gave to nobody yet. */
static bool numbers_are_sound(const struct walk *w, const struct host_func *f)
{
	uint8_t bus = (uint8_t)(f->bdfn >> 8);

	if (f->secondary <= bus || f->subordinate < f->secondary) {
		return false;
	}
	for (unsigned int i = f->secondary; i <= f->subordinate; i++) {
		if (w->owner[i] != bus) {
			return false;
		}
	}
	return true;
}

/* Lets the bus behind a bridge be visited, if the numbers are sound. */
static void follow_bridge(struct walk *w, struct host_cycles *c, struct host_func *f)
{
	uint32_t buses = host_cycles_read(c, HOST_BRIDGE_BUSES, 4);
	unsigned int bus = f->bdfn >> 8;
	bool link = host_pci_learn_bridge(c, f);

	f->secondary = (uint8_t)(buses >> 8);
	f->subordinate = (uint8_t)(buses >> 16);
	if (c->err || !numbers_are_sound(w, f)) {
		log_msg(LOG_WARN,
			"PHB#%04x: %02x:%02x.%x: bridge with bus numbers %02x-%02x, nothing behind "
			"it is looked at",
			(unsigned int)phb_of(w)->id, bus, (unsigned int)(f->bdfn >> 3) & 0x1f,
			(unsigned int)f->bdfn & 7, f->secondary, f->subordinate);
		f->secondary = f->subordinate = 0;
		if (bus) {
			blame(w, f, "a bridge with bus numbers that cannot be");
		}
		return;
	}
	for (unsigned int i = f->secondary; i <= f->subordinate; i++) {
		w->owner[i] = f->secondary;
		w->top[i] = bus ? w->top[bus] : f->secondary;
	}
	/* So it is behind a root port, whatever that says. */
	w->link[f->secondary] = !bus || link;
}

static void read_identity(struct host_cycles *c, struct host_func *f)
{
	uint32_t class_rev = host_cycles_read(c, PCI_REVISION, 4), command;

	f->class_code = class_rev >> 8;
	f->revision = (uint8_t)class_rev;
	f->int_pin = (uint8_t)host_cycles_read(c, PCI_INTERRUPT_PIN, 1);
	command = host_cycles_read(c, PCI_COMMAND, 2);
	f->masks_intx = command != 0xffff && (command & PCI_COMMAND_INTX_OFF);
	if (f->header_type == 0) {
		f->subsys_vendor = (uint16_t)host_cycles_read(c, PCI_SUBSYS_VENDOR, 2);
		f->subsys = (uint16_t)host_cycles_read(c, PCI_SUBSYS_ID, 2);
	}
}

/* Its pin goes quiet, too, if the device has a bit for that (SEED-003.36). */
static int master_off(struct host_phb *phb, uint16_t bdfn)
{
	struct host_cycles c = {.phb = phb, .bdfn = bdfn};
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2);

	if (c.err || command == 0xffff) {
		/* All ones: the device has left, and its DMA with it. */
		return c.err;
	}
	command = (command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF;
	host_cycles_write(&c, PCI_COMMAND, 2, command);
	/* The answer comes behind whatever the device had posted before. */
	command = host_cycles_read(&c, PCI_COMMAND, 2);
	if (!c.err && command != 0xffff && (command & PCI_COMMAND_MASTER)) {
		return -EBUSY;
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
		refuse_group_of(w, c->bdfn, "more functions than there is room for");
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
		follow_bridge(w, c, f);
	}
	/* A root port is in no group. */
	if (type == 1 && !bus) {
		return;
	}
	if (group_of(w, bus) && type != 1) {
		f->group = w->group[w->top[bus]] - 1;
		w->b->groups[f->group].nfuncs++;
	}
	if (type > 1) {
		blame(w, f, "a function with an unknown header type");
	}
	if (err || c->err) {
		blame(w, f, err == -EBUSY ? STAYS_ON : CYCLE_FAILED);
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
			refuse_group_of(w, bdfn, CYCLE_FAILED);
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
	unsigned int ndevices = w->link[bus] ? 1 : 32;

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
	for (unsigned int bus = 0; bus < BUSES; bus++) {
		/* Bus 0 owns itself; any other one only if a bridge leads right to it. */
		if (w.owner[bus] == bus) {
			visit_bus(&w, (uint8_t)bus);
		}
	}
	if (w.root_bus_failed) {
		log_msg(LOG_WARN, "PHB#%04x: bus 00: " CYCLE_FAILED, (unsigned int)phb_of(&w)->id);
	}
	if (w.root_bus_failed && w.group[0]) {
		refuse_group_of(&w, 0, CYCLE_FAILED);
	}
}

/* Its bus master is off, or it is said to be in the way. */
static int silence(struct host_phb *phb, struct host_func *f)
{
	int err = master_off(phb, f->bdfn);

	if (err && !f->wrong) {
		f->wrong = err == -EBUSY ? STAYS_ON : CYCLE_FAILED;
	}
	return err;
}

int host_pci_quarantine(struct board *b, struct host_group *g)
{
	struct host_phb *phb = &b->phbs[g->phb];
	int err = 0;
	int e;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (b->funcs[i].group == (int)(g - b->groups)) {
			e = silence(phb, &b->funcs[i]);
			err = err ? err : e;
		}
	}
	/* Only when nobody sends any more, so that what was sent gets in before it counts. */
	for (unsigned int i = b->nfuncs; i-- > 0;) {
		if (host_pci_is_inside(g, &b->funcs[i])) {
			e = silence(phb, &b->funcs[i]);
			err = err ? err : e;
			b->funcs[i].opened = false;
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
	/* All that the root port may send, also what is numbered by a bridge of conventional PCI.
	 */
	for (unsigned int bus = g->bus; bus <= g->last; bus++) {
		if (phb->ops->pe_add_bus(phb, g->pe, (uint8_t)bus)) {
			return "its PE could not be set up";
		}
	}
	return NULL;
}

static void size_group(struct board *b, unsigned int group)
{
	struct host_group *g = &b->groups[group];
	struct host_phb *phb = &b->phbs[g->phb];
	const char *why = g->refuse;

	for (unsigned int i = 0; i < b->nfuncs && !why; i++) {
		bool ours = b->funcs[i].group == (int)group;

		if (ours) {
			b->funcs[i].passes_iommu = host_pci_passes_iommu(phb, &b->funcs[i]);
		}
		if (ours || host_pci_is_inside(g, &b->funcs[i])) {
			why = host_pci_size_bars(phb, &b->funcs[i]);
			b->funcs[i].wrong = why;
		}
	}
	g->refuse = why;
}

static void set_up_group(
	struct board *b, unsigned int group, unsigned int *next_pe, struct host_m32 *m)
{
	struct host_group *g = &b->groups[group];
	const char *why = g->refuse;

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
			size_group(b, i);
		} else {
			b->groups[i].refuse = "its host bridge is not usable";
		}
	}
	if (phb->usable) {
		host_pci_fit_roms(b, first_group, &m32);
	}
	for (unsigned int i = first_group; i < b->ngroups && phb->usable; i++) {
		set_up_group(b, i, &next_pe, &m32);
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
		for (unsigned int line = 0; line < PCI_NUM_PINS; line++) {
			atomic_store(&b->phbs[i].lsi_group[line], 0);
		}
		if (!b->phbs[i].ops) {
			continue;
		}
		walk_buses(b, i);
		set_up_phb(b, i, first_group);
	}
}
