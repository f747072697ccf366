// SPDX-License-Identifier: Apache-2.0
/*
 * The strict PHB model. It knows the operations' contract in core/board.h and nothing of their
 * callers.
 */
#include "tests/fake/fake_phb.h"

#include "core/be.h"
#include "core/pci.h"
#include "core/range.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BIT	  59u
#define BRIDGE_SECONDARY  0x19u
#define BRIDGE_SUBORD	  0x1au
#define BRIDGE_MEM_BASE	  0x20u
#define BRIDGE_MEM_LIMIT  0x22u
#define BRIDGE_PREF_BASE  0x24u
#define BRIDGE_PREF_LIMIT 0x26u
#define MSI_ADDR_64	  0x1000000000000000ull
#define MSI_ADDR_32	  0xffff0000ull
#define MSI_DATA_MASK	  0x1fu

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

static bool in_ram(const struct fake_phb *f, uint64_t at, uint64_t len)
{
	return range_inside(at, len, FAKE_RAM_BASE, f->ram->size);
}

static uint8_t *ram_ptr(const struct fake_phb *f, uint64_t at)
{
	return f->ram->mem + (at - FAKE_RAM_BASE);
}

static bool send_pending(struct fake_phb *f, struct fake_func *func);

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

static bool is_bridge(const struct fake_func *func)
{
	return (func->image[PCI_HEADER_TYPE] & 0x7f) == 1;
}

static bool leads_to(const struct fake_func *func, unsigned int bus)
{
	return !func->gone && is_bridge(func) && func->image[BRIDGE_SECONDARY] <= bus &&
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

/* The function that a config cycle reaches. */
static struct fake_func *route(struct fake_phb *f, uint16_t bdfn)
{
	struct fake_func *func = fake_find_func(f, bdfn);

	if (!func || func->gone || (bdfn >> 8 && !bridge_above(f, bdfn >> 8))) {
		return NULL;
	}
	return func;
}

static bool cycle_sound(unsigned int off, unsigned int size)
{
	return (size == 1 || size == 2 || size == 4) && !(off & (size - 1)) && off < 4096;
}

static bool is_bar(const struct fake_func *func, unsigned int off)
{
	return !is_bridge(func) && off >= PCI_BAR0 && off < PCI_BAR0 + 4 * PCI_NUM_BARS;
}

static int fake_config_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	struct fake_phb *f = model_of(phb);
	struct fake_func *func;

	if (call_fails(f, FAKE_CONFIG_READ)) {
		return -EIO;
	}
	if (!cycle_sound(off, size)) {
		return -EINVAL;
	}
	func = route(f, bdfn);
	if (!func) {
		*val = UINT32_MAX >> (32 - 8 * size);
	} else if (off >= sizeof(func->image)) {
		*val = 0;
	} else {
		*val = fake_get(func, off, size);
		if (func->moody_bars && is_bar(func, off) && ++func->moods % 3 == 0) {
			*val ^= 0x10000;
		}
	}
	return 0;
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
	func = route(f, bdfn);
	if (func && off < sizeof(func->image) && (!fails || f->fail_late)) {
		f->live_bar_writes += is_bar(func, off) && (func->image[PCI_COMMAND] & 3);
		for (unsigned int i = off; i < off + size; i++, val >>= 8) {
			uint8_t mask = func->wmask[i];

			func->image[i] = (uint8_t)((func->image[i] & ~mask) | (val & mask));
		}
		(void)send_pending(f, func);
	}
	return fails ? -EIO : 0;
}

static void forget(struct fake_phb *f, unsigned int pe)
{
	for (unsigned int i = 0; i < FAKE_CACHE; i++) {
		if (pe == UINT32_MAX || f->cache[i].pe == pe) {
			f->cache[i].valid = false;
		}
	}
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
	forget(f, UINT32_MAX);
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
		!is_aligned(table.v, table_bytes) || !in_ram(f, table.v, table_bytes) ||
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
		forget(f, pe);
	}
	return fails ? -EIO : 0;
}

/* As PHB4 has them: the low five bits of the number are data, the rest is in the address. */
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
	*addr = is64 ? MSI_ADDR_64 | (uint64_t)(n & ~MSI_DATA_MASK) << 4 : MSI_ADDR_32;
	*data = is64 ? n & MSI_DATA_MASK : n;
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
	put_mask(func, PCI_ROM_BAR, 4, 0xffff0001);
	return func;
}

struct fake_func *fake_add_bridge(
	struct fake_phb *f, uint16_t bdfn, uint8_t secondary, uint8_t subordinate)
{
	struct fake_func *func = fake_add_func(f, bdfn, 0x04c11014);

	put_mask(func, PCI_ROM_BAR, 4, 0);
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

static unsigned int find_cap(const struct fake_func *func, unsigned int id)
{
	unsigned int pos = func->image[PCI_CAP_PTR];

	while (pos && func->image[pos] != id) {
		pos = func->image[pos + 1];
	}
	return pos;
}

void fake_phb_thaw(struct fake_phb *f)
{
	memset(f->frozen, 0, sizeof(f->frozen));
}

/* Every bridge on the way up must be a bus master, too. */
static bool may_master(struct fake_phb *f, const struct fake_func *func)
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

/* Walks the table. 0: no such entry. */
static uint64_t fetch_tce(const struct fake_phb *f, const struct fake_window *w, uint64_t offset)
{
	unsigned int bits = (unsigned int)__builtin_ctzll(w->bytes / 8);
	unsigned int shift = w->page_shift + bits * w->levels;
	uint64_t table = w->table.v;
	uint64_t entry = 0;

	/* Nothing wraps: what the levels do not cover is outside. */
	if (shift < 64 && offset >> shift) {
		return 0;
	}
	for (unsigned int level = w->levels; level-- > 0;) {
		uint64_t index;

		shift -= bits;
		index = offset >> shift & ((1ull << bits) - 1);
		if (!in_ram(f, table + index * 8, 8)) {
			return 0;
		}
		memcpy(&entry, ram_ptr(f, table + index * 8), 8);
		entry = be64_get((be64_t){entry});
		if (level && (entry & 3) != 3) {
			return 0;
		}
		table = entry & ~0xfffull;
	}
	return entry;
}

static uint64_t translate(
	struct fake_phb *f, unsigned int pe, const struct fake_window *w, uint64_t iova)
{
	uint64_t page = align_down(iova, 1ull << w->page_shift);
	struct fake_cached *line;

	for (unsigned int i = 0; i < FAKE_CACHE; i++) {
		struct fake_cached *c = &f->cache[i];

		if (c->valid && c->pe == pe && c->page == page && c->page_shift == w->page_shift) {
			return c->tce;
		}
	}
	line = &f->cache[f->next_line++ % FAKE_CACHE];
	*line = (struct fake_cached){
		true, pe, w->page_shift, page, fetch_tce(f, w, iova & ~(1ull << WINDOW_BIT))};
	return line->tce;
}

/* One piece of a transfer, within a page. */
static int dma_piece(
	struct fake_phb *f, unsigned int pe, uint64_t iova, uint8_t *buf, uint64_t len, bool write)
{
	const struct fake_window *w = &f->windows[pe][iova >> WINDOW_BIT & 1];
	uint64_t page = 1ull << w->page_shift;
	uint64_t tce, at;

	if (!w->on) {
		return -EFAULT;
	}
	tce = translate(f, pe, w, iova);
	at = (tce & ~3ull) + (iova & (page - 1));
	if (!(tce & (write ? 2 : 1)) || !is_aligned(tce & ~3ull, page) || !in_ram(f, at, len)) {
		return -EFAULT;
	}
	if (write) {
		memcpy(ram_ptr(f, at), buf, len);
	} else {
		memcpy(buf, ram_ptr(f, at), len);
	}
	return 0;
}

int fake_phb_dma(
	struct fake_phb *f, uint16_t bdfn, uint64_t iova, void *buf, size_t len, bool write)
{
	struct fake_func *func = route(f, bdfn);
	unsigned int pe = f->pe_of_bus[bdfn >> 8];
	uint8_t *p = buf;

	if (!func || !may_master(f, func)) {
		return -EFAULT;
	}
	while (len) {
		uint64_t page = 1ull << f->windows[pe][iova >> WINDOW_BIT & 1].page_shift;
		uint64_t n = page - (iova & (page - 1));

		n = n < len ? n : len;
		if (pe == f->phb->reserved_pe || f->frozen[pe] ||
			dma_piece(f, pe, iova, p, n, write)) {
			f->frozen[pe] = true;
			f->faults++;
			return -EFAULT;
		}
		iova += n;
		p += n;
		len -= n;
	}
	return 0;
}

void fake_phb_send(struct fake_phb *f, uint16_t bdfn, uint64_t addr, uint32_t data)
{
	struct fake_func *func = route(f, bdfn);
	unsigned int pe = f->pe_of_bus[bdfn >> 8];
	uint64_t n = addr == MSI_ADDR_32 ? data : ((addr ^ MSI_ADDR_64) >> 4) + data;

	if (!func || !may_master(f, func)) {
		return;
	}
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

/* Vectors that are pending and not masked any more go out. */
static bool send_pending(struct fake_phb *f, struct fake_func *func)
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
	return send_pending(f, func);
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
	off = bus - (fake_get(func, PCI_BAR0 + 4 * bar, 4) & ~0xfu);
	if (!func->bar_mem[bar] || !range_below(off, size, func->bar_bytes[bar])) {
		return false;
	}
	*val = write ? *val : 0;
	for (unsigned int i = 0; i < size; i++) {
		uint8_t *byte = func->bar_mem[bar] + off + i;

		if (write) {
			*byte = (uint8_t)(*val >> (8 * i));
		} else {
			*val |= (uint64_t)*byte << (8 * i);
		}
	}
	(void)send_pending(f, func);
	return true;
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
	if (!mask || is_bridge(func)) {
		return false;
	}
	if ((func->image[off] & 6) == 4) {
		base |= (uint64_t)fake_get(func, off + 4, 4) << 32;
	}
	return (bus & mask) == (base & UINT32_MAX) && !(base >> 32);
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
		for (unsigned int k = 0; k < PCI_NUM_BARS; k++) {
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

bool fake_phb_any_window(const struct fake_phb *f)
{
	for (unsigned int i = 0; i < FAKE_MAX_PES; i++) {
		if (f->windows[i][0].on || f->windows[i][1].on) {
			return true;
		}
	}
	return false;
}
