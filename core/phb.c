// SPDX-License-Identifier: Apache-2.0
/*
 * Placement and lookup of guest host bridges. The numbers are those of QEMU's pseries machine and
 * part of what guests, scripts and people rely on: they are never changed.
 */
#include "core/phb.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define PHB_BUID_BASE 0x800000020000000ull
#define PHB_MMIO_BASE (1ull << 45)
#define PHB_LSI_BASE  0x1200u
#define PHB_LSI_COUNT 4u

int phb_place(unsigned int index, struct phb_placement *out)
{
	if (index > PHB_MAX_INDEX) {
		return -EINVAL;
	}
	out->buid = PHB_BUID_BASE + index;
	out->mmio32 = gpa(PHB_MMIO_BASE + (index + 1ull) * PHB_MMIO32_SIZE);
	for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
		out->liobn[w] = PHB_LIOBN_BASE | index << PHB_LIOBN_INDEX_SHIFT | w;
	}
	out->lsi = PHB_LSI_BASE + index * PHB_LSI_COUNT;
	return 0;
}

static bool shares_slot(const struct phb *phb, unsigned int func)
{
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		if (i != func && phb->funcs[i].devfn >> 3 == phb->funcs[func].devfn >> 3) {
			return true;
		}
	}
	return false;
}

void phb_settle_layout(struct phb *phb)
{
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		pci_func_set_multi(&phb->funcs[i], shares_slot(phb, i));
	}
}

void phb_map_add(struct phb_map *map, struct phb *phb)
{
	map->at[phb->index] = phb;
	for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
		map->windows[phb->index][w] = &phb->windows[w];
	}
}

void phb_map_remove(struct phb_map *map, const struct phb *phb)
{
	map->at[phb->index] = NULL;
	for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
		map->windows[phb->index][w] = NULL;
	}
}

struct phb *phb_find(const struct phb_map *map, uint64_t buid)
{
	uint64_t index = buid - PHB_BUID_BASE;

	return index > PHB_MAX_INDEX ? NULL : map->at[index];
}

struct pci_func *phb_find_func(const struct phb_map *map, uint64_t buid, uint32_t config_addr)
{
	unsigned int bus = config_addr >> 16 & 0xff, devfn = config_addr >> 8 & 0xff;
	struct phb *phb = phb_find(map, buid);

	for (unsigned int k = 0; phb && k < phb->nfuncs && !bus; k++) {
		if (phb->funcs[k].devfn == devfn) {
			return &phb->funcs[k];
		}
	}
	return NULL;
}
