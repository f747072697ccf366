// SPDX-License-Identifier: Apache-2.0
/* The option ROM that a guest sees: its register, where it answers, and what it reads. */
#include "core/pci_rom.h"

#include "core/mem.h"
#include "core/pci.h"
#include "core/pci_parts.h"
#include "core/range.h"

#include <string.h>

/* The header, and the structure it points to. */
#define ROM_HEADER   0x1au
#define ROM_PCIR     0x18u
#define PCIR_SIZE    0x18u
#define PCIR_LENGTH  0x10u
#define LENGTH_BYTES 512u

static unsigned int get16(const uint8_t *at)
{
	return at[0] | (unsigned int)at[1] << 8;
}

int pci_rom_check(const uint8_t *rom, uint64_t len, const char **why)
{
	uint64_t pcir, bytes;

	if (len < ROM_HEADER || rom[0] != 0x55 || rom[1] != 0xaa) {
		*why = "it does not begin with 55 aa";
		return -EINVAL;
	}
	pcir = get16(rom + ROM_PCIR);
	if (!range_below(pcir, PCIR_SIZE, len) || memcmp(rom + pcir, "PCIR", 4)) {
		*why = "it has no PCI data structure";
		return -EINVAL;
	}
	bytes = get16(rom + pcir + PCIR_LENGTH) * (uint64_t)LENGTH_BYTES;
	if (!bytes || bytes > len) {
		*why = "its image has no length, or is not all there";
		return -EINVAL;
	}
	return 0;
}

uint32_t pci_rom_bar_size(uint32_t len)
{
	uint32_t size = PCI_ROM_MIN;

	while (size < len) {
		size <<= 1;
	}
	return size;
}

int pci_func_set_rom(struct pci_func *f, const uint8_t *image, uint32_t len, uint32_t value)
{
	uint32_t size;

	if (!len || len > PCI_ROM_MAX) {
		return -EINVAL;
	}
	size = pci_rom_bar_size(len);
	if (!is_aligned(value, size)) {
		return -EINVAL;
	}
	f->rom = (struct pci_rom){.image = image, .len = len, .size = size, .value = value};
	pci_put(f->image, PCI_ROM_BAR, 4, value);
	return 0;
}

/* Address bits above the size, and the enable bit (PCI 3.0, 6.2.5.2). */
void pci_rom_settle(struct pci_func *f)
{
	uint32_t mask = f->rom.size ? ~(f->rom.size - 1) | PCI_ROM_ENABLE : 0;

	pci_put(f->image, PCI_ROM_BAR, 4, pci_get(f->image, PCI_ROM_BAR, 4) & mask);
}

void pci_rom_update(struct pci_func *f, bool decodes)
{
	struct pci_rom *r = &f->rom;
	uint32_t v = pci_get(f->image, PCI_ROM_BAR, 4);

	r->value = v & PCI_ROM_ADDRESS;
	r->on = r->size && decodes && (v & PCI_ROM_ENABLE) &&
		range_inside(r->value, r->size, PCI_BUS_FIRST, PCI_BUS_LAST - PCI_BUS_FIRST + 1ull);
}

int pci_rom_access(
	const struct pci_func *f, uint64_t bus, unsigned int size, bool write, uint64_t *val)
{
	const struct pci_rom *r = &f->rom;
	uint64_t bytes = r->size < MEM_PAGE ? MEM_PAGE : r->size, v = 0;

	if (!r->size || !range_inside(bus, size, r->value, bytes)) {
		return -ENOENT;
	}
	if (!r->on) {
		return -ENXIO;
	}
	for (unsigned int i = 0; i < size; i++) {
		uint64_t off = bus - r->value + i;

		v |= (uint64_t)(off < r->len ? r->image[off] : 0xff) << (8 * i);
	}
	*val = write ? *val : v;
	return 0;
}
