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

/* The device's registers are let alone: it is gone, or being reset. */
static inline bool pci_closed(const struct pci_func *f)
{
	return f->gone || f->shut;
}

/* And of its memory that is so while it sleeps, too. */
static inline bool pci_memory_closed(const struct pci_func *f)
{
	return pci_closed(f) || f->asleep;
}

/* core/pci_caps.c. Fills in header and capabilities, by the tables of the policy. -EIO; -EINVAL: an
 * MSI-X capability that cannot be. */
int pci_caps_init(struct pci_func *f) must_check;

/* The capability of which off is a byte; NULL: none. */
const struct pci_cap *pci_caps_find(const struct pci_func *f, unsigned int off);
/* Takes a capability of the first list out of what the guest sees. */
void pci_caps_hide(struct pci_func *f, unsigned int pos);

/* core/pci_reset.c, with the function claimed. settle: false: it is shut. act: what a guest's write
 * of val to a field asks for. abandon: waits until it is over, and wakes the device. */
bool pci_reset_settle(struct pci_func *f);
void pci_reset_start(struct pci_func *f, enum pci_reset how);
void pci_reset_abandon(struct pci_func *f);

/* core/pci.c. The device's bus master and INTx disable become what the guest's are. */
void pci_command_follow(struct pci_func *f);

/* core/pci_bars.c. check: -EINVAL as pci_func_init says. settle: the BAR registers keep what no
 * write changes. update makes the mappings what COMMAND and the BAR registers say. */
int pci_bars_check(const struct pci_bar bars[PCI_NUM_BARS]) must_check;
void pci_bars_init(struct pci_func *f, const struct pci_bar bars[PCI_NUM_BARS]);
void pci_bars_settle(struct pci_func *f);
void pci_bars_update(struct pci_func *f);

/* core/pci_rom.c. settle and update: as of the BARs; decodes: memory is on. access: a load or store
 * at a bus address; 0, -ENXIO: it is there, and off, -ENOENT: it is not there. update and access
 * with the lock held. */
void pci_rom_settle(struct pci_func *f);
void pci_rom_update(struct pci_func *f, bool decodes);
int pci_rom_access(const struct pci_func *f, uint64_t bus, unsigned int size, bool write,
	uint64_t *val) must_check;

/* core/pci_msi.c. show: an MSI or MSI-X capability with these flags (MSI only), of which the guest
 * sees size bytes; *shown: it does. -EIO; -EINVAL: it cannot be. close: the device sends no
 * message, and every entry of its table is masked. -EIO. follow: the device's enable bits are what
 * the grant and the guest's bits say. restore: after a reset, all that was granted; the caller
 * lifts shut with lift(), which brings the masks to where the guest has them meanwhile. */
int pci_msi_show(struct pci_func *f, unsigned int pos, unsigned int id, unsigned int size,
	uint32_t flags, bool *shown) must_check;
int pci_msi_close(struct pci_func *f) must_check;
void pci_msi_follow(struct pci_func *f, unsigned int off, unsigned int size);
int pci_msi_restore(struct pci_func *f) must_check;
void pci_msi_lift(struct pci_func *f);

/* An access to a BAR that meets the MSI-X table or the pending bits is done there: true. The lock
 * is held. */
bool pci_msi_access(struct pci_func *f, unsigned int bar, uint64_t off, unsigned int size,
	bool write, uint64_t *val);

#endif
