// SPDX-License-Identifier: Apache-2.0
/*
 * What a plan says of DMA: default windows, their pages, and the memory of all tables.
 */
#include "core/plan.h"

#include "core/log.h"
#include "core/mem.h"
#include "core/phb.h"
#include "core/range.h"
#include "core/tce_table.h"
#include "core/text.h"
#include "core/vfio_bridge.h"

#include <inttypes.h>

#define KIB 0x400u
#define MIB 0x100000u

/* Pages that a default window may have: those that LoPAR has a word for, and 1 GiB. */
static const unsigned int page_shifts_known[] = {12, 16, 21, 24, 25, 26, 27, 28, 30};

#define NUM_PAGES (sizeof(page_shifts_known) / sizeof(page_shifts_known[0]))

static bool page_known(uint64_t page, uint32_t host_shifts)
{
	for (size_t i = 0; i < NUM_PAGES; i++) {
		unsigned int shift = page_shifts_known[i];

		if (page == 1ull << shift) {
			return vfio_bridge_host_page(host_shifts, shift) != 0;
		}
	}
	return false;
}

/* "4, 64, 2048" */
static void put_pages(struct text *t, uint32_t host_shifts)
{
	for (size_t i = 0; i < NUM_PAGES; i++) {
		uint64_t page = 1ull << page_shifts_known[i];

		if (page_known(page, host_shifts)) {
			text_add(t, t->used ? ", " : "");
			text_add_dec(t, page / KIB);
		}
	}
}

static void check_page(struct plan_partition *p, const struct plan_phb *phb, uint32_t host_shifts)
{
	uint64_t page = phb->window_page;

	if (!page_known(page, host_shifts)) {
		struct text t = {0};

		put_pages(&t, host_shifts);
		plan_refuse(p, "%s: dma-page-kib: %" PRIu64 " is no page of its host bridge; %s",
			phb->node, page / KIB, t.s);
	} else if (is_aligned(p->memory, PLAN_MEMORY_UNIT) && !is_aligned(p->memory, page)) {
		/* Memory that is out of its own rule has been told of. */
		plan_refuse(p,
			"%s: dma-page-kib: %" PRIu64 " does not divide the %" PRIu64
			" MiB of memory; a page that does",
			phb->node, page / KIB, p->memory / MIB);
	} else if (page > phb->window_size) {
		plan_refuse(p,
			"%s: dma-page-kib: %" PRIu64 " is more than the window of %" PRIu64
			" MiB; a smaller page",
			phb->node, page / KIB, phb->window_size / MIB);
	}
}

void plan_check_window(struct plan_partition *p, const struct plan_phb *phb, uint32_t page_shifts)
{
	if (!is_pow2(phb->window_size) || phb->window_size < PLAN_WINDOW_MIN ||
		phb->window_size > PLAN_WINDOW_MAX) {
		plan_refuse(p,
			"%s: dma-window-mib: %" PRIu64 " is out of rule; a power of two, %u to %u",
			phb->node, phb->window_size / MIB, PLAN_WINDOW_MIN / MIB,
			PLAN_WINDOW_MAX / MIB);
		return;
	}
	check_page(p, phb, page_shifts);
}

/* Tables */

/* What VFIO wants of the pool for a container. */
#define CONTAINER_PAGES 1u

/* Nodes of a table with so many entries, all of them in use. */
static uint64_t count_nodes(uint64_t entries)
{
	uint64_t nodes = 0;

	do {
		entries = (entries + TCE_TABLE_ENTRIES - 1) / TCE_TABLE_ENTRIES;
		nodes += entries;
	} while (entries > 1);
	return nodes;
}

/* Entries of a default window's table, if its pages are split as far as they can be. */
static uint64_t window_entries(const struct plan_phb *phb)
{
	uint64_t page = phb->window_page >> VFIO_BRIDGE_SPLIT_SHIFT;

	return phb->window_size / (page < MEM_PAGE ? MEM_PAGE : page);
}

static uint64_t default_tables(const struct plan_partition *p)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < p->nphbs; i++) {
		pages += CONTAINER_PAGES + count_nodes(window_entries(&p->phbs[i])) +
			 count_nodes(p->memory / MEM_PAGE);
	}
	/* A partition without bridges has tables, too, of which it needs none. */
	return (pages ? pages : 1) * MEM_PAGE;
}

uint64_t plan_table_bytes(const struct plan_partition *p)
{
	return p->tables_said ? p->table_bytes : default_tables(p);
}

/* With less the bridges cannot be bound, or no page of a default window mapped. */
static uint64_t least_tables(const struct plan_partition *p)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < p->nphbs; i++) {
		pages += CONTAINER_PAGES + PHB_MAX_WINDOWS +
			 tce_table_levels(window_entries(&p->phbs[i])) - 1;
	}
	return (pages ? pages : 1) * MEM_PAGE;
}

void plan_check_tables(struct plan_partition *p)
{
	uint64_t least = least_tables(p);

	if (p->tables_said && (p->table_bytes < least || !is_aligned(p->table_bytes, MEM_PAGE))) {
		plan_refuse(p,
			"%s: tce-table-kib: %" PRIu64
			" is out of rule; a multiple of %u, at least %" PRIu64,
			p->node, p->table_bytes / KIB, MEM_PAGE / KIB, least / KIB);
	}
}
