// SPDX-License-Identifier: Apache-2.0
/*
 * The tree of host bridges, groups and functions for people: who is where, which number the plan
 * calls it by, and if it cannot be assigned, why.
 */
#include "core/host_pci.h"

#include "core/log.h"

/* A size with its unit, "64K"; sizes of BARs and pages are powers of two. */
struct size_text {
	unsigned int value;
	char unit;
};

static struct size_text size_text(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int i = 0;

	while (bytes >= 1024) {
		bytes >>= 10;
		i++;
	}
	return (struct size_text){(unsigned int)bytes, units[i]};
}

/* Page sizes as " 4K 64K 2M 1G": at most 32 of them, five characters each. */
static void list_pages(uint32_t shifts, char text[32 * 5 + 1])
{
	for (unsigned int shift = 0; shift < 32; shift++) {
		struct size_text t = size_text(1ull << shift);
		unsigned int div = 100;

		if (!(shifts >> shift & 1)) {
			continue;
		}
		*text++ = ' ';
		/* Powers of two below 1024 that are not units: 512 has the most digits. */
		while (div > t.value) {
			div /= 10;
		}
		for (; div; div /= 10) {
			*text++ = (char)('0' + t.value / div % 10);
		}
		*text++ = t.unit;
	}
	*text = '\0';
}

static void print_phb(const struct host_phb *phb)
{
	unsigned int id = (unsigned int)phb->id;
	char pages[32 * 5 + 1];

	if (!phb->ops) {
		log_msg(LOG_NOTICE, "PHB#%04x: not used: its kind is not known", id);
		return;
	}
	list_pages(phb->page_shifts, pages);
	log_msg(LOG_NOTICE, "PHB#%04x: %u PEs, MMIO %08x-%08x, TCE pages%s%s", id, phb->num_pes,
		(unsigned int)phb->m32_bus, (unsigned int)(phb->m32_bus + (phb->m32_size - 1)),
		pages, phb->usable ? "" : ", not used");
}

/* Bridges have no PE and no group. */
static void print_bridges(const struct board *b, unsigned int phb)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];
		unsigned int bdfn = f->bdfn;

		if (f->phb != phb || f->header_type != 1) {
			continue;
		}
		log_msg(LOG_NOTICE,
			"PHB#%04x: bridge %02x:%02x.%x %04x:%04x class %06x to bus %02x-%02x",
			(unsigned int)b->phbs[phb].id, bdfn >> 8, bdfn >> 3 & 0x1f, bdfn & 7,
			f->vendor, f->device, (unsigned int)f->class_code, f->secondary,
			f->subordinate);
	}
}

static void print_bars(const struct board *b, const struct host_group *g, const struct host_func *f)
{
	for (unsigned int i = 0; i < 6; i++) {
		const struct host_bar *bar = &f->bars[i];
		struct size_text t = size_text(bar->size);

		if (!bar->size || g->refuse) {
			continue;
		}
		log_msg(LOG_NOTICE, "PHB#%04x[%03x]:   BAR%u %3u%c at %08x%s%s",
			(unsigned int)b->phbs[g->phb].id, g->pe, i, t.value, t.unit,
			(unsigned int)bar->bus, bar->is64 ? " 64-bit" : "",
			bar->prefetch ? " prefetchable" : "");
	}
}

/* What is in the way may be a bridge, which is in no group. */
static bool blocks(const struct board *b, const struct host_group *g, const struct host_func *f)
{
	return f->wrong && (f->group == (int)(g - b->groups) || host_pci_is_inside(g, f));
}

void host_pci_print_blockers(const struct board *b, const struct host_group *g, const char *prefix)
{
	unsigned int id = (unsigned int)b->phbs[g->phb].id, n = 0, bdfn;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		bdfn = f->bdfn;
		if (blocks(b, g, f) && n++ < HOST_PCI_MAX_BLOCKERS) {
			log_msg(LOG_WARN, "%sgroup %u: %s%02x:%02x.%x is in the way: %s", prefix,
				g->id, f->header_type == 1 ? "bridge " : "", bdfn >> 8,
				bdfn >> 3 & 0x1f, bdfn & 7, f->wrong);
		}
	}
	if (n > HOST_PCI_MAX_BLOCKERS) {
		log_msg(LOG_WARN, "%sgroup %u: %u more are in the way", prefix, g->id,
			n - HOST_PCI_MAX_BLOCKERS);
	}
	if (g->port < 0) {
		log_msg(LOG_WARN, "%sgroup %u: all on bus %02x of PHB#%04x shares one PE", prefix,
			g->id, g->bus, id);
	} else {
		bdfn = b->funcs[g->port].bdfn;
		log_msg(LOG_WARN,
			"%sgroup %u: all below root port %02x:%02x.%x of PHB#%04x shares one PE",
			prefix, g->id, bdfn >> 8, bdfn >> 3 & 0x1f, bdfn & 7, id);
	}
}

static void print_group(const struct board *b, unsigned int index)
{
	const struct host_group *g = &b->groups[index];
	unsigned int id = (unsigned int)b->phbs[g->phb].id;

	if (g->refuse || !g->closed) {
		log_msg(LOG_WARN, "PHB#%04x[%03x]: group %u: not usable: %s", id, g->pe, g->id,
			g->refuse ? g->refuse : "it could not be closed");
		host_pci_print_blockers(b, g, "");
	}
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];
		unsigned int bdfn = f->bdfn;

		if (f->group != (int)index) {
			continue;
		}
		log_msg(LOG_NOTICE,
			"PHB#%04x[%03x]: group %u: %02x:%02x.%x %04x:%04x class %06x rev %02x%s",
			id, g->pe, g->id, bdfn >> 8, bdfn >> 3 & 0x1f, bdfn & 7, f->vendor,
			f->device, (unsigned int)f->class_code, f->revision,
			f->gone ? " gone" : "");
		print_bars(b, g, f);
	}
}

void host_pci_print(const struct board *b)
{
	for (unsigned int phb = 0; phb < b->nphbs; phb++) {
		print_phb(&b->phbs[phb]);
		print_bridges(b, phb);
		for (unsigned int i = 0; i < b->ngroups; i++) {
			if (b->groups[i].phb == phb) {
				print_group(b, i);
			}
		}
	}
}
