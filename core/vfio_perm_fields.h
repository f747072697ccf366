// SPDX-License-Identifier: Apache-2.0
/*
 * Spellings of fields that the permission tables of both policies have. For their files only.
 */
#ifndef CORE_VFIO_PERM_FIELDS_H
#define CORE_VFIO_PERM_FIELDS_H

#include "core/vfio_perm.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ALL32	 0xffffffffu
#define ALL16	 0xffffu
#define ALL8	 0xffu

/* The places of id and pointer are ours in every capability: the list a guest sees is ours. */
#define LINK                                                          \
	{                                                             \
		.off = 0, .len = 2, .name = "id, next", .virt = ALL16 \
	}

/* The guest's own; the device's stays where the host has put it. */
#define ROM_BAR                                                                               \
	{                                                                                     \
		.off = PCI_ROM_BAR, .len = 4, .act = VFIO_PERM_BAR, .name = "option ROM BAR", \
		.virt = ALL32, .write = ALL32                                                 \
	}
#define BAR(n)                                                                                \
	{                                                                                     \
		.off = PCI_BAR0 + 4 * (n), .len = 4, .act = VFIO_PERM_BAR, .name = "BAR " #n, \
		.virt = ALL32, .write = ALL32                                                 \
	}

#endif
