// SPDX-License-Identifier: Apache-2.0
/*
 * Messages of the model's functions and what is behind their BARs.
 */
#include "tests/fake/fake_phb_parts.h"

#include "core/pci.h"
#include "core/range.h"

/* As many capabilities as there is room for; a list that goes on is a loop. */
#define MAX_CAPS 48u

static unsigned int find_cap(const struct fake_func *func, unsigned int id)
{
	unsigned int pos = func->image[PCI_CAP_PTR];

	for (unsigned int i = 0; pos && i < MAX_CAPS; i++) {
		if (func->image[pos] == id) {
			return pos;
		}
		pos = func->image[pos + 1];
	}
	return 0;
}

void fake_phb_send(struct fake_phb *f, uint16_t bdfn, uint64_t addr, uint32_t data)
{
	struct fake_func *func = fake_phb_route(f, bdfn);
	unsigned int pe = f->pe_of_bus[bdfn >> 8];
	uint64_t n = addr == FAKE_MSI_ADDR_32 ? data : ((addr ^ FAKE_MSI_ADDR_64) >> 4) + data;

	if (!func || !fake_phb_may_master(f, func)) {
		return;
	}
	/* It is a write like others and passes none of them. */
	fake_phb_push_writes(f, bdfn, UINT64_MAX);
	if (n >= FAKE_MSIS || f->pe_of_msi[n] != pe || f->frozen[pe]) {
		f->msis_dropped++;
	} else {
		f->msis[n]++;
	}
}

static uint32_t mem_get(const uint8_t *mem, uint64_t off)
{
	return mem[off] | (uint32_t)mem[off + 1] << 8 | (uint32_t)mem[off + 2] << 16 |
	       (uint32_t)mem[off + 3] << 24;
}

bool fake_phb_send_pending(struct fake_phb *f, struct fake_func *func)
{
	unsigned int cap = find_cap(func, PCI_CAP_MSIX);
	uint32_t flags = cap ? fake_get(func, cap + 2, 2) : 0;
	uint32_t table = fake_get(func, cap + 4, 4), pba = fake_get(func, cap + 8, 4);
	bool sent = false;

	if (!(flags & 0x8000) || (flags & 0x4000)) {
		return false;
	}
	for (unsigned int v = 0; v <= (flags & 0x7ff); v++) {
		uint8_t *pending = func->bar_mem[pba & 7] + (pba & ~7u) + v / 8;
		const uint8_t *entry = func->bar_mem[table & 7] + (table & ~7u) + (size_t)16 * v;

		if ((*pending >> (v % 8) & 1) && !(mem_get(entry, 12) & 1)) {
			*pending = (uint8_t)(*pending & ~(1u << (v % 8)));
			fake_phb_send(f, func->bdfn,
				mem_get(entry, 0) | (uint64_t)mem_get(entry, 4) << 32,
				mem_get(entry, 8));
			sent = true;
		}
	}
	return sent;
}

bool fake_phb_fire_msix(struct fake_phb *f, uint16_t bdfn, unsigned int v)
{
	struct fake_func *func = fake_find_func(f, bdfn);
	unsigned int cap = find_cap(func, PCI_CAP_MSIX);
	uint32_t pba = fake_get(func, cap + 8, 4);
	uint8_t *pending = func->bar_mem[pba & 7] + (pba & ~7u) + v / 8;

	if (!(fake_get(func, cap + 2, 2) & 0x8000)) {
		return false;
	}
	*pending = (uint8_t)(*pending | 1u << (v % 8));
	return fake_phb_send_pending(f, func);
}

bool fake_phb_fire_msi(struct fake_phb *f, uint16_t bdfn, unsigned int v)
{
	struct fake_func *func = fake_find_func(f, bdfn);
	unsigned int cap = find_cap(func, PCI_CAP_MSI);
	uint32_t flags = fake_get(func, cap + 2, 2);
	bool is64 = flags & 0x80;
	uint32_t data = fake_get(func, cap + (is64 ? 12 : 8), 2);
	uint32_t low = (1u << (flags >> 4 & 7)) - 1;

	if (!(flags & 1)) {
		return false;
	}
	/* A device puts the number of its message into the low bits, whatever is there. */
	fake_phb_send(f, bdfn,
		fake_get(func, cap + 4, 4) |
			(is64 ? (uint64_t)fake_get(func, cap + 8, 4) << 32 : 0),
		(data & ~low) | (v & low));
	return true;
}

/* Of a ROM, four bytes at a time at most; nobody stores to it. */
static bool load_rom(struct fake_phb *f, const struct fake_func *func, unsigned int pe,
	uint32_t bus, unsigned int size, bool write, uint64_t *val)
{
	uint32_t off = bus & (func->rom_bytes - 1);

	if (write || size > 4 || !func->rom) {
		return false;
	}
	*val = f->frozen[pe] ? UINT32_MAX >> (32 - 8 * size) : 0;
	for (unsigned int i = 0; i < size && !f->frozen[pe]; i++) {
		*val |= (uint64_t)func->rom[off + i] << (8 * i);
	}
	return true;
}

bool fake_phb_on_mmio(void *arg, hpa_t at, unsigned int size, bool write, uint64_t *val)
{
	struct fake_phb *f = arg;
	uint64_t off = at.v - f->phb->m32_cpu.v;
	uint32_t bus = (uint32_t)(f->phb->m32_bus + off);
	struct fake_func *func;
	unsigned int bar, pe;
	uint16_t bdfn;

	if (!range_inside(at.v, size, f->phb->m32_cpu.v, f->phb->m32_size) ||
		fake_phb_mmio(f, bus, &bdfn, &bar, &pe)) {
		return false;
	}
	func = fake_find_func(f, bdfn);
	if (bar == PCI_NUM_BARS) {
		return load_rom(f, func, pe, bus, size, write, val);
	}
	off = bus - (fake_get(func, PCI_BAR0 + 4 * bar, 4) & ~0xfu);
	if (!func->bar_mem[bar] || !range_below(off, size, func->bar_bytes[bar])) {
		return false;
	}
	if (f->frozen[pe]) {
		*val = write ? *val : UINT64_MAX >> (64 - 8 * size);
		return true;
	}
	*val = write ? *val : 0;
	if (!write) {
		fake_phb_push_writes(f, bdfn, UINT64_MAX);
	}
	for (unsigned int i = 0; i < size; i++) {
		uint8_t *byte = func->bar_mem[bar] + off + i;

		if (write) {
			*byte = (uint8_t)(*val >> (8 * i));
		} else {
			*val |= (uint64_t)*byte << (8 * i);
		}
	}
	(void)fake_phb_send_pending(f, func);
	return true;
}
