// SPDX-License-Identifier: Apache-2.0
/*
 * The functions and bridges below the model: config images, how they are built, who forwards what.
 */
#include "tests/fake/fake_phb_parts.h"

#include "core/pci.h"

#include <stdlib.h>
#include <string.h>

#define BRIDGE_SECONDARY  0x19u
#define BRIDGE_SUBORD	  0x1au
#define BRIDGE_MEM_BASE	  0x20u
#define BRIDGE_MEM_LIMIT  0x22u
#define BRIDGE_PREF_BASE  0x24u
#define BRIDGE_PREF_LIMIT 0x26u

uint32_t fake_get(const struct fake_func *func, unsigned int off, unsigned int size)
{
	uint32_t val = 0;

	for (unsigned int i = size; i-- > 0;) {
		val = val << 8 | func->image[off + i];
	}
	return val;
}

void fake_put(struct fake_func *func, unsigned int off, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++, val >>= 8) {
		func->image[off + i] = (uint8_t)val;
	}
}

static void put_mask(struct fake_func *func, unsigned int off, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++, val >>= 8) {
		func->wmask[off + i] = (uint8_t)val;
	}
}

bool fake_phb_is_bridge(const struct fake_func *func)
{
	return (func->image[PCI_HEADER_TYPE] & 0x7f) == 1;
}

static bool leads_to(const struct fake_func *func, unsigned int bus)
{
	return !func->gone && fake_phb_is_bridge(func) && func->image[BRIDGE_SECONDARY] <= bus &&
	       bus <= func->image[BRIDGE_SUBORD];
}

/* The bridge right above a bus: of those that lead there, the one furthest down. */
static struct fake_func *bridge_above(struct fake_phb *f, unsigned int bus)
{
	struct fake_func *best = NULL;

	for (unsigned int i = 0; bus && i < f->nfuncs; i++) {
		struct fake_func *func = &f->funcs[i];

		if (leads_to(func, bus) && func->bdfn >> 8 < bus &&
			(!best || func->bdfn >> 8 > best->bdfn >> 8)) {
			best = func;
		}
	}
	return best;
}

struct fake_func *fake_find_func(struct fake_phb *f, uint16_t bdfn)
{
	for (unsigned int i = 0; i < f->nfuncs; i++) {
		if (f->funcs[i].bdfn == bdfn) {
			return &f->funcs[i];
		}
	}
	return NULL;
}

struct fake_func *fake_phb_route(struct fake_phb *f, uint16_t bdfn)
{
	struct fake_func *func = fake_find_func(f, bdfn);

	if (!func || func->gone || (bdfn >> 8 && !bridge_above(f, bdfn >> 8))) {
		return NULL;
	}
	return func;
}

bool fake_phb_may_master(struct fake_phb *f, const struct fake_func *func)
{
	while (func) {
		if (func->gone || !(func->image[PCI_COMMAND] & PCI_COMMAND_MASTER)) {
			return false;
		}
		if (!(func->bdfn >> 8)) {
			return true;
		}
		func = bridge_above(f, func->bdfn >> 8);
	}
	return false;
}

struct fake_func *fake_add_func(struct fake_phb *f, uint16_t bdfn, uint32_t id)
{
	struct fake_func *func = &f->funcs[f->nfuncs];

	if (f->nfuncs == FAKE_MAX_FUNCS) {
		abort();
	}
	f->nfuncs++;
	memset(func, 0, sizeof(*func));
	func->bdfn = bdfn;
	fake_put(func, PCI_VENDOR_ID, 4, id);
	fake_put(func, PCI_COMMAND, 2, 0x0107);
	put_mask(func, PCI_COMMAND, 2, 0x0507);
	return func;
}

struct fake_func *fake_add_bridge(
	struct fake_phb *f, uint16_t bdfn, uint8_t secondary, uint8_t subordinate)
{
	struct fake_func *func = fake_add_func(f, bdfn, 0x04c11014);

	fake_put(func, PCI_REVISION, 4, 0x06040000);
	fake_put(func, PCI_HEADER_TYPE, 1, 1);
	fake_put(func, 0x18, 1, bdfn >> 8);
	fake_put(func, BRIDGE_SECONDARY, 1, secondary);
	fake_put(func, BRIDGE_SUBORD, 1, subordinate);
	put_mask(func, 0x1c, 2, 0xf0f0);
	put_mask(func, BRIDGE_MEM_BASE, 4, 0xfff0fff0);
	put_mask(func, BRIDGE_PREF_BASE, 4, 0xfff0fff0);
	put_mask(func, 0x28, 4, UINT32_MAX);
	put_mask(func, 0x2c, 4, UINT32_MAX);
	return func;
}

void fake_set_bar(struct fake_func *func, unsigned int bar, uint64_t size, bool is64, bool pref)
{
	unsigned int off = PCI_BAR0 + 4 * bar;
	uint64_t mask = ~(size - 1);

	fake_put(func, off, 4, (is64 ? 4u : 0u) | (pref ? 8u : 0u));
	put_mask(func, off, 4, (uint32_t)mask & ~0xfu);
	if (is64) {
		put_mask(func, off + 4, 4, (uint32_t)(mask >> 32));
	}
}

void fake_set_rom(struct fake_func *func, uint32_t size, const uint8_t *rom)
{
	put_mask(func, PCI_ROM_BAR, 4, ~(size - 1) | 1);
	func->rom = rom;
	func->rom_bytes = size;
}

void fake_set_bar_mem(struct fake_func *func, unsigned int bar, uint8_t *mem, uint64_t bytes)
{
	func->bar_mem[bar] = mem;
	func->bar_bytes[bar] = bytes;
}

static void add_cap(struct fake_func *func, unsigned int pos, unsigned int id)
{
	fake_put(func, pos, 1, id);
	fake_put(func, pos + 1, 1, func->image[PCI_CAP_PTR]);
	fake_put(func, PCI_CAP_PTR, 1, pos);
	func->image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

void fake_add_msi(struct fake_func *func, unsigned int pos, uint16_t flags)
{
	unsigned int data = pos + (flags & 0x80 ? 12 : 8);

	add_cap(func, pos, PCI_CAP_MSI);
	fake_put(func, pos + 2, 2, flags);
	put_mask(func, pos + 2, 2, 0x0071);
	put_mask(func, pos + 4, 4, 0xfffffffc);
	if (flags & 0x80) {
		put_mask(func, pos + 8, 4, UINT32_MAX);
	}
	put_mask(func, data, 2, 0xffff);
	if (flags & 0x100) {
		put_mask(func, data + 4, 4, UINT32_MAX);
	}
}

void fake_add_msix(struct fake_func *func, unsigned int pos, unsigned int entries, uint32_t table,
	uint32_t pba)
{
	add_cap(func, pos, PCI_CAP_MSIX);
	fake_put(func, pos + 2, 2, entries - 1);
	put_mask(func, pos + 2, 2, 0xc000);
	fake_put(func, pos + 4, 4, table);
	fake_put(func, pos + 8, 4, pba);
}

#define VIRTIO_WINDOW 0x60u
#define VIRTIO_COMMON 0x50u
#define VIRTIO_OTHER  0x40u
#define VIRTIO_BAR    2u
#define VIRTIO_AT     0x1000u

static void add_virtio_cap(struct fake_func *func, unsigned int pos, unsigned int type)
{
	add_cap(func, pos, PCI_CAP_VENDOR);
	fake_put(func, pos + 2, 1, 16);
	fake_put(func, pos + 3, 1, type);
}

void fake_make_virtio(struct fake_func *func, uint16_t device, uint64_t features)
{
	fake_put(func, 0, 4, (uint32_t)device << 16 | 0x1af4);
	add_virtio_cap(func, VIRTIO_OTHER, 4);
	add_virtio_cap(func, VIRTIO_COMMON, 1);
	fake_put(func, VIRTIO_COMMON + 4, 1, VIRTIO_BAR);
	fake_put(func, VIRTIO_COMMON + 8, 4, VIRTIO_AT);
	fake_put(func, VIRTIO_COMMON + 12, 4, 0x1000);
	add_virtio_cap(func, VIRTIO_WINDOW, 5);
	put_mask(func, VIRTIO_WINDOW + 4, 1, 0xff);
	put_mask(func, VIRTIO_WINDOW + 8, 4, UINT32_MAX);
	put_mask(func, VIRTIO_WINDOW + 12, 4, UINT32_MAX);
	put_mask(func, VIRTIO_WINDOW + 16, 4, UINT32_MAX);
	func->virtio_window = VIRTIO_WINDOW;
	func->virtio_features = features;
}

/* The window looks at these 4 bytes of the common configuration. */
static bool window_at(const struct fake_func *func, uint32_t at)
{
	return fake_get(func, VIRTIO_WINDOW + 4, 1) == VIRTIO_BAR &&
	       fake_get(func, VIRTIO_WINDOW + 8, 4) == VIRTIO_AT + at &&
	       fake_get(func, VIRTIO_WINDOW + 12, 4) == 4;
}

uint32_t fake_virtio_read(const struct fake_func *func)
{
	if (!window_at(func, 4) || func->virtio_select > 1) {
		return 0;
	}
	return (uint32_t)(func->virtio_features >> 32 * func->virtio_select);
}

void fake_virtio_write(struct fake_func *func)
{
	if (window_at(func, 0)) {
		func->virtio_select = fake_get(func, VIRTIO_WINDOW + 16, 4);
	}
}

static bool bridge_passes(const struct fake_func *b, uint32_t bus)
{
	uint32_t mem_base = fake_get(b, BRIDGE_MEM_BASE, 2) << 16;
	uint32_t mem_end = fake_get(b, BRIDGE_MEM_LIMIT, 2) << 16 | 0xfffff;
	uint64_t pref_base = (uint64_t)fake_get(b, 0x28, 4) << 32 |
			     (fake_get(b, BRIDGE_PREF_BASE, 2) & 0xfff0) << 16;
	uint64_t pref_end = (uint64_t)fake_get(b, 0x2c, 4) << 32 |
			    (fake_get(b, BRIDGE_PREF_LIMIT, 2) & 0xfff0) << 16 | 0xfffff;

	return (b->image[PCI_COMMAND] & PCI_COMMAND_MEMORY) &&
	       ((mem_base <= bus && bus <= mem_end) || (pref_base <= bus && bus <= pref_end));
}

/* Whether the load gets down to the bus of this function. */
static bool mmio_reaches(struct fake_phb *f, const struct fake_func *func, uint32_t bus)
{
	while (func->bdfn >> 8) {
		func = bridge_above(f, func->bdfn >> 8);
		if (!func || !bridge_passes(func, bus)) {
			return false;
		}
	}
	return true;
}

static bool bar_answers(const struct fake_func *func, unsigned int bar, uint32_t bus)
{
	unsigned int off = PCI_BAR0 + 4 * bar;
	uint64_t base = fake_get(func, off, 4) & ~0xfu;
	uint64_t mask = 0;

	for (unsigned int i = 4; i-- > 0;) {
		mask = mask << 8 | func->wmask[off + i];
	}
	if (!mask || (fake_phb_is_bridge(func) && bar >= HOST_BRIDGE_BARS)) {
		return false;
	}
	if ((func->image[off] & 6) == 4) {
		base |= (uint64_t)fake_get(func, off + 4, 4) << 32;
	}
	return (bus & mask) == (base & UINT32_MAX) && !(base >> 32);
}

static bool rom_is_on(const struct fake_func *func)
{
	return func->rom_bytes && (func->image[PCI_ROM_BAR] & 1);
}

static bool rom_answers(const struct fake_func *func, uint32_t bus)
{
	return rom_is_on(func) &&
	       (bus & ~(func->rom_bytes - 1)) == (fake_get(func, PCI_ROM_BAR, 4) & ~0x7ffu);
}

int fake_phb_mmio(
	struct fake_phb *f, uint32_t bus, uint16_t *bdfn, unsigned int *bar, unsigned int *pe)
{
	uint32_t segment = (uint32_t)(0x80000000u / f->phb->num_pes);
	int found = 0;

	for (unsigned int i = 0; i < f->nfuncs; i++) {
		const struct fake_func *func = &f->funcs[i];

		if (func->gone || !(func->image[PCI_COMMAND] & PCI_COMMAND_MEMORY) ||
			!mmio_reaches(f, func, bus)) {
			continue;
		}
		if (rom_answers(func, bus)) {
			*bdfn = func->bdfn;
			*bar = PCI_NUM_BARS;
			*pe = f->pe_of_segment[(bus - f->phb->m32_bus) / segment];
			found++;
		}
		for (unsigned int k = 0; k < PCI_NUM_BARS && !rom_is_on(func); k++) {
			if (k && (func->image[PCI_BAR0 + 4 * (k - 1)] & 7) == 4) {
				continue;
			}
			if (bar_answers(func, k, bus)) {
				*bdfn = func->bdfn;
				*bar = k;
				*pe = f->pe_of_segment[(bus - f->phb->m32_bus) / segment];
				found++;
			}
		}
	}
	return found == 1 ? 0 : found ? -EBUSY : -ENODEV;
}
