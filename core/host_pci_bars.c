// SPDX-License-Identifier: Apache-2.0
/*
 * BARs on the host: sizes are what devices say, so they are checked; places are ours. All BARs go
 * below 4 GiB, 64-bit ones too: that is where a guest without 64-bit windows reaches them.
 */
#include "core/host_pci_bars.h"

#include "core/host_cycles.h"
#include "core/host_pci.h"
#include "core/pci.h"
#include "core/range.h"

#include <stddef.h>

#define COMMAND_IO   0x0001u
#define BAR_IO	     0x1u
#define BAR_TYPE(v)  ((v) >> 1 & 3u)
#define BAR_TYPE_64  2u
#define BAR_PREFETCH 0x8u
#define BAR_FLAGS    0xfu

/* Registers of the type-1 header (PCI-to-PCI bridge specification, 3.2). */
#define BRIDGE_IO	      0x1cu
#define BRIDGE_MEM	      0x20u
#define BRIDGE_PREFETCH	      0x24u
#define BRIDGE_PREFETCH_BASE  0x28u
#define BRIDGE_PREFETCH_LIMIT 0x2cu
#define BRIDGE_ROM	      0x38u
/* A base above its limit: the window passes nothing. */
#define BRIDGE_IO_SHUT	0x00f0u
#define BRIDGE_MEM_SHUT 0x0000fff0u
/* The bits of base and limit that are an address; the others say of which width it is. */
#define BRIDGE_MEM_MASK 0xfff0fff0u
/* Bridges pass on whole ones of these. */
#define BRIDGE_UNIT_SHIFT 20u

/* No two BARs share a page that a partition may map. */
#define BAR_PAGE_SHIFT 16u
#define BAR_PAGE       (1u << BAR_PAGE_SHIFT)
#define BUSES	       256u

#define CYCLE_FAILED "a config cycle failed"
#define TOO_LARGE    "its BARs do not fit below 4 GiB"

const char *host_pci_open_m32(const struct host_phb *phb, struct host_m32 *m)
{
	uint64_t segment = 1;

	/* Firmware's size lacks the last 64 KiB, where MSIs are; segments divide the whole. */
	while (segment < phb->m32_size) {
		segment <<= 1;
	}
	if (!is_pow2(phb->num_pes) || !phb->m32_size) {
		return "no 32-bit window, or not 2^n PEs";
	}
	segment /= phb->num_pes;
	if (segment < 0x100000 || !is_aligned(phb->m32_bus | phb->m32_cpu.v, segment)) {
		return "its 32-bit window does not divide into segments";
	}
	if (!range_below(phb->m32_bus, phb->m32_size, 1ull << 32)) {
		return "its 32-bit window passes 4 GiB";
	}
	/* A root port that forwarded the cut last segment would swallow its devices' MSIs. */
	m->segment = segment;
	m->next = phb->m32_bus;
	m->end = align_down(phb->m32_bus + phb->m32_size, segment);
	return NULL;
}

/* What a BAR register reads after ones were written. *steady is cleared if it has two answers. */
static uint32_t probe_mask(struct host_cycles *c, unsigned int off, bool *steady)
{
	uint32_t before = host_cycles_read(c, off, 4);
	uint32_t mask;

	host_cycles_write(c, off, 4, UINT32_MAX);
	mask = host_cycles_read(c, off, 4);
	host_cycles_write(c, off, 4, 0);
	host_cycles_write(c, off, 4, UINT32_MAX);
	if (host_cycles_read(c, off, 4) != mask) {
		*steady = false;
	}
	host_cycles_write(c, off, 4, before);
	return mask;
}

static unsigned int num_bars(const struct host_func *f)
{
	return f->header_type == 1 ? HOST_BRIDGE_BARS : PCI_NUM_BARS;
}

/* Sizes BAR *i of n and moves *i past it. */
static const char *size_bar(
	struct host_cycles *c, struct host_bar bars[6], unsigned int *i, unsigned int n)
{
	struct host_bar *bar = &bars[(*i)++];
	unsigned int off = PCI_BAR0 + 4 * (unsigned int)(bar - bars);
	bool steady = true;
	uint32_t low = probe_mask(c, off, &steady);
	uint32_t high = UINT32_MAX;

	if (c->err) {
		return CYCLE_FAILED;
	}
	if (low == UINT32_MAX) {
		return "a BAR reads all ones";
	}
	if (steady && (!low || (low & BAR_IO))) {
		return NULL;
	}
	if (BAR_TYPE(low) == BAR_TYPE_64) {
		if (*i == n) {
			return "its last BAR claims to be 64-bit";
		}
		high = probe_mask(c, off + 4, &steady);
		(*i)++;
		bar->is64 = true;
	} else if (BAR_TYPE(low)) {
		return "a BAR is of no known type";
	} else if (!(low & ~BAR_FLAGS)) {
		return "a BAR has no size";
	}
	if (!steady) {
		return "a BAR changes its size between reads";
	}
	bar->prefetch = low & BAR_PREFETCH;
	bar->size = ~((uint64_t)high << 32 | (low & ~BAR_FLAGS)) + 1;
	return is_pow2(bar->size) ? NULL : "a BAR's size is not a power of two";
}

/* The ROM is off all the time, and one that cannot be is none: nobody has to have it. A bridge has
 * something else in this place. */
static void size_rom(struct host_cycles *c, struct host_func *f)
{
	uint32_t before, mask, size;

	if (f->header_type != 0) {
		return;
	}
	before = host_cycles_read(c, PCI_ROM_BAR, 4);
	host_cycles_write(c, PCI_ROM_BAR, 4, PCI_ROM_ADDRESS);
	mask = host_cycles_read(c, PCI_ROM_BAR, 4) & PCI_ROM_ADDRESS;
	host_cycles_write(c, PCI_ROM_BAR, 4, 0);
	host_cycles_write(c, PCI_ROM_BAR, 4, PCI_ROM_ADDRESS);
	size = ~mask + 1;
	if ((host_cycles_read(c, PCI_ROM_BAR, 4) & PCI_ROM_ADDRESS) == mask && is_pow2(size) &&
		!c->err) {
		f->rom = (struct host_bar){.size = size};
	}
	host_cycles_write(c, PCI_ROM_BAR, 4, before & ~PCI_ROM_ENABLE);
}

const char *host_pci_size_bars(struct host_phb *phb, struct host_func *f)
{
	struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2);
	const char *why = NULL;

	host_cycles_write(&c, PCI_COMMAND, 2, command & ~(COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned int i = 0; i < num_bars(f) && !why;) {
		why = size_bar(&c, f->bars, &i, num_bars(f));
	}
	size_rom(&c, f);
	host_cycles_write(&c, PCI_COMMAND, 2, command);
	return c.err ? CYCLE_FAILED : why;
}

/* --- where they go --- */

/* A group while it is laid out: of each of its buses, what is on it is aligned to 2^shift. */
struct layout {
	struct board *b;
	const struct host_group *g;
	bool roms; /* they have places, too */
	uint8_t shift[BUSES];
};

static bool is_member(const struct layout *l, const struct host_func *f)
{
	return f->group == (int)(l->g - l->b->groups) || host_pci_is_inside(l->g, f);
}

static unsigned int log2_up(uint64_t size)
{
	unsigned int shift = 0;

	while (size >> shift > 1) {
		shift++;
	}
	return shift;
}

/* What needs a place: the BARs, and as one more an option ROM of which a guest may be given a copy.
 */
#define NUM_PLACES (PCI_NUM_BARS + 1)

static struct host_bar *place_of(struct host_func *f, unsigned int k)
{
	return k < PCI_NUM_BARS ? &f->bars[k] : &f->rom;
}

static bool needs_place(const struct layout *l, const struct host_func *f, unsigned int k)
{
	return k < PCI_NUM_BARS ? f->bars[k].size
				: l->roms && f->rom.size && f->rom.size <= PCI_ROM_MAX;
}

/* What place k of a function is aligned to, as a power of two; 0: there is nothing there. */
static unsigned int shift_of(const struct layout *l, struct host_func *f, unsigned int k)
{
	unsigned int shift = log2_up(place_of(f, k)->size);

	if (!needs_place(l, f, k)) {
		return 0;
	}
	if (f->header_type == 1 && k == HOST_BRIDGE_WINDOW) {
		return l->shift[f->secondary];
	}
	return shift < BAR_PAGE_SHIFT ? BAR_PAGE_SHIFT : shift;
}

/* Places all that is aligned to 2^shift on a bus, from *end on; counted from the start of what the
 * bus has. False: that is more than 4 GiB. */
static bool place_shift(struct layout *l, unsigned int bus, unsigned int shift, uint64_t *end)
{
	for (unsigned int i = 0; i < l->b->nfuncs; i++) {
		struct host_func *f = &l->b->funcs[i];

		if (f->bdfn >> 8 != bus || !is_member(l, f)) {
			continue;
		}
		for (unsigned int k = 0; k < NUM_PLACES; k++) {
			uint64_t at = align_down(*end + (1ull << shift) - 1, 1ull << shift);
			struct host_bar *bar = place_of(f, k);

			if (shift_of(l, f, k) != shift) {
				continue;
			}
			*end = at + (bar->size < BAR_PAGE ? BAR_PAGE : bar->size);
			if (*end > 1ull << 32) {
				return false;
			}
			bar->bus = (uint32_t)at;
			l->shift[bus] = shift > l->shift[bus] ? (uint8_t)shift : l->shift[bus];
		}
	}
	return true;
}

/* The bridge to a bus, if it is one inside the group; NULL: there is none. */
static struct host_func *bridge_to(const struct layout *l, unsigned int bus)
{
	for (unsigned int i = 0; i < l->b->nfuncs; i++) {
		struct host_func *f = &l->b->funcs[i];

		if (f->secondary == bus && host_pci_is_inside(l->g, f)) {
			return f;
		}
	}
	return NULL;
}

/* From the furthest bus up, what is behind a bridge is one more thing to place on the bus before
 * it. Larger before smaller leaves few gaps. *total is all of the group. */
static bool lay_out(struct layout *l, uint64_t *total)
{
	for (unsigned int bus = l->g->last + 1u; bus-- > l->g->bus;) {
		struct host_func *bridge = bus == l->g->bus ? NULL : bridge_to(l, bus);
		uint64_t end = 0;

		if (bus != l->g->bus && !bridge) {
			continue;
		}
		l->shift[bus] = bridge ? BRIDGE_UNIT_SHIFT : BAR_PAGE_SHIFT;
		for (unsigned int shift = 31; shift >= BAR_PAGE_SHIFT; shift--) {
			if (!place_shift(l, bus, shift, &end)) {
				return false;
			}
		}
		if (bridge) {
			bridge->bars[HOST_BRIDGE_WINDOW].size = align_down(
				end + (1u << BRIDGE_UNIT_SHIFT) - 1, 1u << BRIDGE_UNIT_SHIFT);
		}
		*total = end;
	}
	return true;
}

/* The group starts at this bus address: from there down all places are known. */
static void settle(struct layout *l, uint64_t start)
{
	const struct host_phb *phb = &l->b->phbs[l->g->phb];

	for (unsigned int i = 0; i < l->b->nfuncs; i++) {
		struct host_func *f = &l->b->funcs[i];
		const struct host_func *bridge;
		uint64_t base = start;

		if (!is_member(l, f)) {
			continue;
		}
		if (f->bdfn >> 8 != l->g->bus) {
			bridge = bridge_to(l, f->bdfn >> 8);
			base = bridge->bars[HOST_BRIDGE_WINDOW].bus;
		}
		for (unsigned int k = 0; k < NUM_PLACES; k++) {
			struct host_bar *bar = place_of(f, k);

			if (needs_place(l, f, k)) {
				bar->bus += (uint32_t)base;
				bar->cpu = hpa(phb->m32_cpu.v + (bar->bus - phb->m32_bus));
			}
		}
	}
}

/* No function may ask for more than half of all there is: its BARs could be anywhere. */
static const char *find_too_large(const struct layout *l)
{
	for (unsigned int i = 0; i < l->b->nfuncs; i++) {
		struct host_func *f = &l->b->funcs[i];

		for (unsigned int k = 0; is_member(l, f) && k < num_bars(f); k++) {
			if (f->bars[k].size > 1ull << 31) {
				f->wrong = TOO_LARGE;
				return TOO_LARGE;
			}
		}
	}
	return NULL;
}

/* --- writing them down --- */

static bool write_bar(struct host_cycles *c, unsigned int off, const struct host_bar *bar)
{
	host_cycles_write(c, off, 4, bar->bus);
	if (bar->is64) {
		host_cycles_write(c, off + 4, 4, 0);
	}
	return (host_cycles_read(c, off, 4) & ~BAR_FLAGS) == bar->bus &&
	       (!bar->is64 || host_cycles_read(c, off + 4, 4) == 0);
}

/* What a bridge is to pass down, as base and limit. */
static uint32_t mem_window(uint64_t at, uint64_t size)
{
	return size ? (uint32_t)((at >> 16 & 0xfff0u) | ((at + size - 1) & 0xfff00000u))
		    : BRIDGE_MEM_SHUT;
}

static uint32_t window_of(const struct host_func *f)
{
	return mem_window(f->bars[HOST_BRIDGE_WINDOW].bus, f->bars[HOST_BRIDGE_WINDOW].size);
}

bool host_pci_window_is_kept(struct host_cycles *c, const struct host_func *f)
{
	uint32_t prefetch = host_cycles_read(c, BRIDGE_PREFETCH, 4);

	return (host_cycles_read(c, BRIDGE_MEM, 4) & BRIDGE_MEM_MASK) == window_of(f) &&
	       /* A bridge without this window reads 0 there. */
	       (!prefetch || (prefetch & 0xfff0) > (prefetch >> 16 & 0xfff0));
}

/* The device keeps what it was given, or it is not usable. The expansion ROM is shut: it would
 * answer in another BAR's place. Decoding starts when every BAR is in place. */
const char *host_pci_write_bars(struct host_phb *phb, const struct host_func *f)
{
	struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};
	uint32_t off = COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2) & ~off;
	bool kept = true;

	host_cycles_write(&c, PCI_COMMAND, 2, command);
	host_cycles_write(&c, f->header_type == 1 ? BRIDGE_ROM : PCI_ROM_BAR, 4, 0);
	for (unsigned int i = 0; i < num_bars(f); i++) {
		if (f->bars[i].size) {
			kept = write_bar(&c, PCI_BAR0 + 4 * i, &f->bars[i]) && kept;
		}
	}
	if (kept && f->header_type == 1) {
		host_cycles_write(&c, BRIDGE_MEM, 4, window_of(f));
		kept = host_pci_window_is_kept(&c, f);
	}
	if (kept) {
		host_cycles_write(&c, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
	}
	if (c.err) {
		return CYCLE_FAILED;
	}
	return kept ? NULL : "a BAR or a bridge's window does not keep its address";
}

int host_pci_shut_bridge(struct host_phb *phb, uint16_t bdfn)
{
	struct host_cycles c = {.phb = phb, .bdfn = bdfn};
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2);
	uint32_t off = COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	host_cycles_write(&c, PCI_COMMAND, 2, command & ~off);
	host_cycles_write(&c, BRIDGE_IO, 2, BRIDGE_IO_SHUT);
	host_cycles_write(&c, BRIDGE_MEM, 4, BRIDGE_MEM_SHUT);
	host_cycles_write(&c, BRIDGE_PREFETCH, 4, BRIDGE_MEM_SHUT);
	host_cycles_write(&c, BRIDGE_PREFETCH_BASE, 4, UINT32_MAX);
	host_cycles_write(&c, BRIDGE_PREFETCH_LIMIT, 4, 0);
	return c.err;
}

/* [at, end) goes down through the root port; the devices' DMA comes up. at == end: only DMA. */
static int open_port(struct host_phb *phb, uint16_t bdfn, uint64_t at, uint64_t end)
{
	struct host_cycles c = {.phb = phb, .bdfn = bdfn};
	uint32_t on = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	host_cycles_write(&c, BRIDGE_MEM, 4, mem_window(at, end - at));
	host_cycles_write(&c, PCI_COMMAND, 2, host_cycles_read(&c, PCI_COMMAND, 2) | on);
	return c.err;
}

static const char *open_way(struct board *b, const struct host_group *g, const struct host_m32 *m,
	uint64_t at, uint64_t end)
{
	struct host_phb *phb = &b->phbs[g->phb];
	unsigned int first = (unsigned int)((at - phb->m32_bus) / m->segment);
	unsigned int n = (unsigned int)((end - at) / m->segment);

	if (n && phb->ops->pe_add_mmio(phb, g->pe, first, n)) {
		return "its MMIO segments could not be given to its PE";
	}
	if (g->port >= 0 && open_port(phb, b->funcs[g->port].bdfn, at, end)) {
		return CYCLE_FAILED;
	}
	return NULL;
}

/* All of the group's functions and bridges, those nearer to the root port first. */
static const char *write_all(struct layout *l)
{
	const char *why = NULL;

	for (unsigned int i = 0; i < l->b->nfuncs && !why; i++) {
		struct host_func *f = &l->b->funcs[i];

		if (is_member(l, f)) {
			why = host_pci_write_bars(&l->b->phbs[l->g->phb], f);
			f->wrong = why;
		}
	}
	return why;
}

/* Lays the group out in what is left of the PHB's window; false: it does not fit. */
static bool find_room(
	struct layout *l, const struct host_m32 *m, bool roms, uint64_t *at, uint64_t *end)
{
	uint64_t align, total = 0;

	l->roms = roms;
	if (!lay_out(l, &total)) {
		return false;
	}
	align = 1ull << l->shift[l->g->bus];
	if (!align_up(m->next, align > m->segment ? align : m->segment, at) || *at > m->end ||
		total > m->end - *at) {
		return false;
	}
	*end = align_down(*at + total + m->segment - 1, m->segment);
	return true;
}

/* How many groups fit, from first on: with their ROMs if there is room for those, or all without.
 */
static unsigned int count_fitting(struct board *b, unsigned int first, struct host_m32 m, bool roms)
{
	unsigned int n = 0;

	for (unsigned int i = first; i < b->ngroups; i++) {
		struct layout l = {.b = b, .g = &b->groups[i]};
		uint64_t at, end;

		if (!l.g->refuse && !find_too_large(&l) &&
			((roms && find_room(&l, &m, true, &at, &end)) ||
				find_room(&l, &m, false, &at, &end))) {
			m.next = end;
			n++;
		}
	}
	return n;
}

/* A guest can do without, so no group is refused because of them. */
static void give_up_roms(const struct layout *l)
{
	for (unsigned int i = 0; i < l->b->nfuncs; i++) {
		if (is_member(l, &l->b->funcs[i])) {
			l->b->funcs[i].rom = (struct host_bar){0};
		}
	}
}

void host_pci_fit_roms(struct board *b, unsigned int first, const struct host_m32 *m)
{
	if (count_fitting(b, first, *m, true) >= count_fitting(b, first, *m, false)) {
		return;
	}
	for (unsigned int i = first; i < b->ngroups; i++) {
		give_up_roms(&(struct layout){.b = b, .g = &b->groups[i]});
	}
}

const char *host_pci_place_bars(struct board *b, unsigned int group, struct host_m32 *m)
{
	struct layout l = {.b = b, .g = &b->groups[group]};
	uint64_t at, end;
	const char *why = find_too_large(&l);

	if (why) {
		return why;
	}
	if (!find_room(&l, m, true, &at, &end)) {
		give_up_roms(&l);
		if (!find_room(&l, m, false, &at, &end)) {
			return TOO_LARGE;
		}
	}
	settle(&l, at);
	why = write_all(&l);
	if (!why) {
		why = open_way(b, l.g, m, at, end);
	}
	m->next = end;
	return why;
}
