// SPDX-License-Identifier: Apache-2.0
/*
 * The strict PHB model. It knows the operations' contract in core/board.h and nothing of their
 * callers.
 */
#include "tests/fake/fake_phb_parts.h"

#include "core/pci.h"
#include "core/range.h"

#include <stdlib.h>
#include <string.h>

void fake_ram_init(struct fake_ram *ram, uint64_t size)
{
	ram->mem = calloc(1, size);
	ram->size = size;
	mem_init(&ram->pool, (uintptr_t)ram->mem - (uintptr_t)FAKE_RAM_BASE);
	if (!ram->mem || mem_add(&ram->pool, hpa(FAKE_RAM_BASE), size)) {
		abort();
	}
}

void fake_ram_free(struct fake_ram *ram)
{
	free(ram->mem);
	ram->mem = NULL;
}

static struct fake_phb *model_of(struct host_phb *phb)
{
	return phb->hw;
}

static void record(
	struct fake_phb *f, enum fake_op op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	if (f->nlog < FAKE_MAX_LOG) {
		f->log[f->nlog++] = (struct fake_call){op, {a, b, c, d}};
	}
}

/* Counts a call; whether it is one that fails. */
static bool call_fails(struct fake_phb *f, enum fake_op op)
{
	struct fake_phb *counter = f->fail_with ? f->fail_with : f;
	bool fails = f->fail_op[op];

	f->calls++;
	f->count[op]++;
	if (counter->fail_at && --counter->fail_at == 0) {
		fails = true;
	}
	return fails;
}

static bool cycle_sound(unsigned int off, unsigned int size)
{
	return (size == 1 || size == 2 || size == 4) && !(off & (size - 1)) && off < 4096;
}

static bool is_bar(const struct fake_func *func, unsigned int off)
{
	unsigned int n = fake_phb_is_bridge(func) ? HOST_BRIDGE_BARS : PCI_NUM_BARS;

	return off >= PCI_BAR0 && off < PCI_BAR0 + 4 * n;
}

static uint32_t read_image(struct fake_func *func, unsigned int off, unsigned int size)
{
	uint32_t val;

	if (off >= sizeof(func->image)) {
		return 0;
	}
	val = fake_get(func, off, size);
	if (func->moody_bars && is_bar(func, off) && ++func->moods % 3 == 0) {
		val ^= 0x10000;
	}
	return val;
}

/* The answer comes behind what the function has posted, and so pushes it. */
static int fake_config_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_CONFIG_READ);
	struct fake_func *func;

	if (!cycle_sound(off, size)) {
		return -EINVAL;
	}
	if (fails && !f->fail_late) {
		return -EIO;
	}
	func = fake_phb_route(f, bdfn);
	if (func) {
		fake_phb_push_writes(f, bdfn, UINT64_MAX);
		*val = func->virtio_window && off == func->virtio_window + 16
			       ? fake_virtio_read(func)
			       : read_image(func, off, size);
	} else {
		*val = UINT32_MAX >> (32 - 8 * size);
	}
	return fails ? -EIO : 0;
}

static int fake_config_write(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_CONFIG_WRITE);
	struct fake_func *func;

	if (!cycle_sound(off, size)) {
		return -EINVAL;
	}
	func = fake_phb_route(f, bdfn);
	if (func && off < sizeof(func->image) && (!fails || f->fail_late)) {
		f->live_bar_writes += is_bar(func, off) && (func->image[PCI_COMMAND] & 3);
		for (unsigned int i = off; i < off + size; i++, val >>= 8) {
			uint8_t mask = func->wmask[i];

			func->image[i] = (uint8_t)((func->image[i] & ~mask) | (val & mask));
		}
		if (func->virtio_window && off == func->virtio_window + 16) {
			fake_virtio_write(func);
		}
		(void)fake_phb_send_pending(f, func);
	}
	return fails ? -EIO : 0;
}

static int fake_reset_iommu(struct host_phb *phb)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_RESET_IOMMU);
	uint64_t masters = 0;

	for (unsigned int i = 0; i < f->nfuncs; i++) {
		masters += (f->funcs[i].image[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
	}
	record(f, FAKE_RESET_IOMMU, masters, 0, 0, 0);
	if (fails && !f->fail_late) {
		return -EIO;
	}
	memset(f->windows, 0, sizeof(f->windows));
	fake_phb_forget(f, UINT32_MAX);
	for (unsigned int i = 0; i < 256; i++) {
		f->pe_of_bus[i] = phb->reserved_pe;
	}
	for (unsigned int i = 0; i < FAKE_MAX_PES; i++) {
		f->pe_of_segment[i] = phb->reserved_pe;
	}
	fake_phb_thaw(f);
	return fails ? -EIO : 0;
}

static bool pe_sound(const struct host_phb *phb, unsigned int pe)
{
	return pe < phb->num_pes && pe != phb->reserved_pe;
}

static int fake_pe_add_bus(struct host_phb *phb, unsigned int pe, uint8_t bus)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_PE_ADD_BUS);

	record(f, FAKE_PE_ADD_BUS, pe, bus, 0, 0);
	if (!pe_sound(phb, pe) ||
		(f->pe_of_bus[bus] != phb->reserved_pe && f->pe_of_bus[bus] != pe)) {
		return -EINVAL;
	}
	if (!fails || f->fail_late) {
		f->pe_of_bus[bus] = pe;
	}
	return fails ? -EIO : 0;
}

static int fake_pe_thaw(struct host_phb *phb, unsigned int pe)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_PE_THAW);

	record(f, FAKE_PE_THAW, pe, 0, 0, 0);
	if (!pe_sound(phb, pe)) {
		return -EINVAL;
	}
	if (!fails || f->fail_late) {
		f->frozen[pe] = false;
	}
	return fails ? -EIO : 0;
}

static int fake_pe_add_mmio(
	struct host_phb *phb, unsigned int pe, unsigned int first, unsigned int n)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_PE_ADD_MMIO);

	record(f, FAKE_PE_ADD_MMIO, pe, first, n, 0);
	if (!pe_sound(phb, pe) || !n || !range_below(first, n, phb->num_pes)) {
		return -EINVAL;
	}
	for (unsigned int i = first; i < first + n; i++) {
		if (f->pe_of_segment[i] != phb->reserved_pe) {
			return -EINVAL;
		}
	}
	for (unsigned int i = first; (!fails || f->fail_late) && i < first + n; i++) {
		f->pe_of_segment[i] = pe;
	}
	return fails ? -EIO : 0;
}

static int fake_window_set(struct host_phb *phb, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t table_bytes, unsigned int levels, unsigned int page_shift)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_WINDOW_SET);

	record(f, FAKE_WINDOW_SET, pe, win, table.v, table_bytes);
	if (!pe_sound(phb, pe) || win >= HOST_PHB_MAX_WINDOWS || levels < 1 || levels > 5 ||
		!is_pow2(table_bytes) || table_bytes < 0x1000 ||
		!is_aligned(table.v, table_bytes) || !fake_phb_in_ram(f, table.v, table_bytes) ||
		page_shift >= 32 || !(phb->page_shifts >> page_shift & 1)) {
		return -EINVAL;
	}
	if (!fails || f->fail_late) {
		f->windows[pe][win] =
			(struct fake_window){true, table, table_bytes, levels, page_shift};
	}
	return fails ? -EIO : 0;
}

static int fake_window_off(struct host_phb *phb, unsigned int pe, unsigned int win)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_WINDOW_OFF);

	record(f, FAKE_WINDOW_OFF, pe, win, 0, 0);
	if (!pe_sound(phb, pe) || win >= HOST_PHB_MAX_WINDOWS) {
		return -EINVAL;
	}
	if (!fails || f->fail_late) {
		f->windows[pe][win].on = false;
	}
	return fails ? -EIO : 0;
}

static int fake_tce_kill(struct host_phb *phb, unsigned int pe)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_TCE_KILL);

	record(f, FAKE_TCE_KILL, pe, 0, 0, 0);
	if (!pe_sound(phb, pe)) {
		return -EINVAL;
	}
	if ((!fails || f->fail_late) && !f->deaf_to_kills) {
		fake_phb_forget(f, pe);
		fake_phb_end_reads(f, pe);
	}
	return fails ? -EIO : 0;
}

static int fake_msi_setup(struct host_phb *phb, unsigned int pe, unsigned int n, bool is64,
	uint64_t *addr, uint32_t *data)
{
	struct fake_phb *f = model_of(phb);
	bool fails = call_fails(f, FAKE_MSI_SETUP);

	if (f->fail_msi_at && --f->fail_msi_at == 0) {
		fails = true;
	}
	record(f, FAKE_MSI_SETUP, pe, n, is64, 0);
	if (!pe_sound(phb, pe) || n >= phb->msi_count || n >= FAKE_MSIS) {
		return -EINVAL;
	}
	if (fails && !f->fail_late) {
		return -EIO;
	}
	f->pe_of_msi[n] = pe;
	*addr = is64 ? FAKE_MSI_ADDR_64 | (uint64_t)(n & ~FAKE_MSI_DATA_MASK) << 4
		     : FAKE_MSI_ADDR_32;
	*data = is64 ? n & FAKE_MSI_DATA_MASK : n;
	return fails ? -EIO : 0;
}

const struct host_phb_ops fake_phb_ops = {
	.config_read = fake_config_read,
	.config_write = fake_config_write,
	.reset_iommu = fake_reset_iommu,
	.pe_add_bus = fake_pe_add_bus,
	.pe_add_mmio = fake_pe_add_mmio,
	.window_set = fake_window_set,
	.window_off = fake_window_off,
	.tce_kill = fake_tce_kill,
	.pe_thaw = fake_pe_thaw,
	.msi_setup = fake_msi_setup,
};

void fake_phb_init(struct fake_phb *f, struct host_phb *phb, uint64_t id, struct fake_ram *ram)
{
	memset(f, 0, sizeof(*f));
	f->phb = phb;
	f->ram = ram;
	*phb = (struct host_phb){
		.id = id,
		.ops = &fake_phb_ops,
		.hw = f,
		.m32_bus = 0x80000000u,
		.m32_cpu = hpa(0x600c000000000ull + (id << 38)),
		.m32_size = 0x7fff0000u,
		.num_pes = 0x200,
		.reserved_pe = 0x1ff,
		.page_shifts = 1u << 12 | 1u << 16 | 1u << 21 | 1u << 30,
		.msi_first = 0xfe000,
		.msi_count = FAKE_MSIS,
		.lsi_first = FAKE_LSI_FIRST,
	};
	for (unsigned int i = 0; i < FAKE_MSIS; i++) {
		f->pe_of_msi[i] = FAKE_MAX_PES;
	}
	for (unsigned int i = 0; i < 256; i++) {
		f->pe_of_bus[i] = phb->reserved_pe;
	}
	for (unsigned int i = 0; i < FAKE_MAX_PES; i++) {
		f->pe_of_segment[i] = phb->reserved_pe;
	}
}

bool fake_phb_any_window(const struct fake_phb *f)
{
	for (unsigned int i = 0; i < FAKE_MAX_PES; i++) {
		if (f->windows[i][0].on || f->windows[i][1].on) {
			return true;
		}
	}
	return false;
}
