// SPDX-License-Identifier: Apache-2.0
/*
 * BARs on the host: sizes are what devices say, so they are checked; places are ours. All BARs go
 * below 4 GiB, 64-bit ones too: that is where a guest without 64-bit windows reaches them.
 */
#include "core/host_pci_bars.h"

#include "core/host_cycles.h"
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
/* A base above its limit: the window passes nothing. */
#define BRIDGE_IO_SHUT	0x00f0u
#define BRIDGE_MEM_SHUT 0x0000fff0u

/* No two BARs share a page that a partition may map. */
#define BAR_PAGE 0x10000u

#define CYCLE_FAILED "a config cycle failed"

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

/* Sizes BAR *i and moves *i past it. */
static const char *size_bar(struct host_cycles *c, struct host_bar bars[6], unsigned int *i)
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
		if (*i == PCI_NUM_BARS) {
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

const char *host_pci_size_bars(struct host_phb *phb, struct host_func *f)
{
	struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2);
	const char *why = NULL;

	host_cycles_write(&c, PCI_COMMAND, 2, command & ~(COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned int i = 0; i < PCI_NUM_BARS && !why;) {
		why = size_bar(&c, f->bars, &i);
	}
	host_cycles_write(&c, PCI_COMMAND, 2, command);
	return c.err ? CYCLE_FAILED : why;
}

static uint64_t place_size(const struct host_bar *bar)
{
	return bar->size && bar->size < BAR_PAGE ? BAR_PAGE : bar->size;
}

/* Bytes all BARs of a group take, and the largest one. */
static uint64_t measure_group(const struct board *b, unsigned int group, uint64_t *largest)
{
	uint64_t total = 0;

	*largest = 0;
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		for (unsigned int k = 0; b->funcs[i].group == (int)group && k < PCI_NUM_BARS; k++) {
			uint64_t size = place_size(&b->funcs[i].bars[k]);

			*largest = size > *largest ? size : *largest;
			/* More than all of the space is as much as can be said. */
			total = size > UINT64_MAX - total ? UINT64_MAX : total + size;
		}
	}
	return total;
}

/* Every BAR of this size of the group, from at on. */
static uint64_t assign_size(struct board *b, unsigned int group, uint64_t size, uint64_t at)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		struct host_func *f = &b->funcs[i];
		const struct host_phb *phb = &b->phbs[f->phb];

		for (unsigned int k = 0; f->group == (int)group && k < PCI_NUM_BARS; k++) {
			if (place_size(&f->bars[k]) == size) {
				f->bars[k].bus = (uint32_t)at;
				f->bars[k].cpu = hpa(phb->m32_cpu.v + (at - phb->m32_bus));
				at += size;
			}
		}
	}
	return at;
}

static bool write_bar(struct host_cycles *c, unsigned int off, const struct host_bar *bar)
{
	host_cycles_write(c, off, 4, bar->bus);
	if (bar->is64) {
		host_cycles_write(c, off + 4, 4, 0);
	}
	return (host_cycles_read(c, off, 4) & ~BAR_FLAGS) == bar->bus &&
	       (!bar->is64 || host_cycles_read(c, off + 4, 4) == 0);
}

/* The device keeps what it was given, or it is not usable. The expansion ROM is shut: it would
 * answer in another BAR's place. Decoding starts when every BAR is in place. */
static const char *write_bars(struct host_phb *phb, const struct host_func *f)
{
	struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};
	uint32_t off = COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint32_t command = host_cycles_read(&c, PCI_COMMAND, 2) & ~off;
	bool kept = true;

	host_cycles_write(&c, PCI_COMMAND, 2, command);
	host_cycles_write(&c, PCI_ROM_BAR, 4, 0);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		if (f->bars[i].size) {
			kept = write_bar(&c, PCI_BAR0 + 4 * i, &f->bars[i]) && kept;
		}
	}
	if (kept) {
		host_cycles_write(&c, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
	}
	if (c.err) {
		return CYCLE_FAILED;
	}
	return kept ? NULL : "a BAR does not keep its address";
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
	uint32_t window = BRIDGE_MEM_SHUT;

	if (at != end) {
		window = (uint32_t)((at >> 16 & 0xfff0u) | ((end - 1) & 0xfff00000u));
	}
	host_cycles_write(&c, BRIDGE_MEM, 4, window);
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

const char *host_pci_place_bars(struct board *b, unsigned int group, struct host_m32 *m)
{
	const struct host_group *g = &b->groups[group];
	const char *why = NULL;
	uint64_t largest, at, end;
	uint64_t total = measure_group(b, group, &largest);

	if (largest > m->end ||
		!align_up(m->next, largest > m->segment ? largest : m->segment, &at) ||
		at > m->end || total > m->end - at) {
		return "its BARs do not fit below 4 GiB";
	}
	/* From an aligned start, larger before smaller keeps every BAR aligned to its size. */
	end = at;
	for (uint64_t size = largest; size >= BAR_PAGE; size >>= 1) {
		end = assign_size(b, group, size, end);
	}
	end = align_down(end + m->segment - 1, m->segment);
	for (unsigned int i = 0; i < b->nfuncs && !why; i++) {
		if (b->funcs[i].group == (int)group) {
			why = write_bars(&b->phbs[g->phb], &b->funcs[i]);
		}
	}
	if (!why) {
		why = open_way(b, g, m, at, end);
	}
	m->next = end;
	return why;
}
