// SPDX-License-Identifier: Apache-2.0
/*
 * What the parts of core/pci*.c share: the byte maps of a function and how its device is read.
 * Nobody else includes this.
 */
#ifndef CORE_PCI_PARTS_H
#define CORE_PCI_PARTS_H

#include "core/pci.h"

/* The bytes at off as a little-endian value, whatever our own order is (SEED-002.15). */
static inline uint32_t pci_get(const uint8_t *map, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < size; i++) {
		v |= (uint32_t)map[off + i] << (8 * i);
	}
	return v;
}

static inline void pci_put(uint8_t *map, unsigned int off, unsigned int size, uint32_t v)
{
	for (unsigned int i = 0; i < size; i++) {
		map[off + i] = (uint8_t)(v >> (8 * i));
	}
}

/* One config read cycle of the device. All ones is an answer that a missing device gives too, so it
 * is believed only while the vendor id, which cannot be all ones, reads as something else. -EIO:
 * the device is gone. */
int pci_live_read(
	struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val) must_check;

/* core/pci_bars.c. init: -EINVAL as pci_func_init says. update makes the mappings what COMMAND and
 * the BAR registers say. */
int pci_bars_init(struct pci_func *f, const struct pci_bar bars[PCI_NUM_BARS]) must_check;
void pci_bars_update(struct pci_func *f);

/* core/pci_msi.c. show: an MSI or MSI-X capability with room bytes up to the next; *size is how
 * much of it the guest sees, 0 none. -EIO; -EINVAL: it cannot be. close: the device sends no
 * message, and every entry of its table is masked. -EIO. follow: the device's enable bits are what
 * the grant and the guest's bits say. */
int pci_msi_show(struct pci_func *f, unsigned int pos, unsigned int id, unsigned int room,
	unsigned int *size) must_check;
int pci_msi_close(struct pci_func *f) must_check;
void pci_msi_follow(struct pci_func *f, unsigned int off, unsigned int size);

/* An access to a BAR that meets the MSI-X table or the pending bits is done there: true. The lock
 * is held. */
bool pci_msi_access(struct pci_func *f, unsigned int bar, uint64_t off, unsigned int size,
	bool write, uint64_t *val);

#endif
