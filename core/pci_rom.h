// SPDX-License-Identifier: Apache-2.0
/*
 * An option ROM as a guest sees it: bytes of ours behind a BAR register of ours. Nothing that a
 * guest does to it reaches the device, whose own ROM stays off (core/vfio_rom.c).
 */
#ifndef CORE_PCI_ROM_H
#define CORE_PCI_ROM_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_ROM_MIN 0x800u    /* bytes of the smallest ROM BAR */
#define PCI_ROM_MAX 0x100000u /* and of the largest ROM that we keep */

struct pci_rom {
	const uint8_t *image; /* len bytes; what is behind them in the BAR reads all ones */
	uint32_t len;
	uint32_t size;	/* of the BAR, a power of two; 0: there is no ROM */
	uint32_t value; /* the guest's bus address */
	bool on;	/* it answers there */
};

/* Whether len bytes begin with an image as PCI has it: its signature, its PCI data structure, and
 * all of it there (PCI 3.0, 6.3.1). -EINVAL: no, and *why. */
int pci_rom_check(const uint8_t *rom, uint64_t len, const char **why) must_check;

/* The BAR of a ROM of len bytes, up to PCI_ROM_MAX. */
uint32_t pci_rom_bar_size(uint32_t len);

#endif
