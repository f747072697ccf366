// SPDX-License-Identifier: Apache-2.0
/*
 * The memory BARs of an assigned function: checked once, sized and moved by the guest in registers
 * of ours, and mapped where those say, in pieces that leave out the pages of the MSI-X table and of
 * its pending bits. Every BAR can also be reached by single accesses; the mapping only makes most
 * of them unnecessary.
 */
#include "core/pci.h"
#include "core/pci_parts.h"

#include "core/mem.h"
#include "core/range.h"

#include <string.h>

#define PCI_BAR_FLAG_64	      0x4u
#define PCI_BAR_FLAG_PREFETCH 0x8u
#define PCI_BAR_MIN_SIZE      16u

/* Before, between and behind two holes. */
#define MAX_PIECES 3u

/* Offsets in a BAR. */
struct piece {
	uint64_t start, end;
};

static unsigned int bar_reg(unsigned int bar)
{
	return PCI_BAR0 + 4 * bar;
}

static int check_bar(const struct pci_bar bars[PCI_NUM_BARS], unsigned int i)
{
	const struct pci_bar *b = &bars[i];
	bool low = i > 0 && bars[i - 1].is64 && bars[i - 1].size && !bars[i - 1].upper;

	if (b->upper != low || (b->upper && b->size)) {
		return -EINVAL;
	}
	if (!b->size) {
		return 0;
	}
	if (!is_pow2(b->size) || b->size < PCI_BAR_MIN_SIZE || !is_aligned(b->value, b->size)) {
		return -EINVAL;
	}
	if (b->is64) {
		return i + 1 < PCI_NUM_BARS ? 0 : -EINVAL;
	}
	/* One of 4 GiB would have no address bit left. */
	return b->size < 1ull << 32 && b->value < 1ull << 32 ? 0 : -EINVAL;
}

static uint32_t bar_flags(const struct pci_bar *b)
{
	return (b->is64 ? PCI_BAR_FLAG_64 : 0) | (b->prefetch ? PCI_BAR_FLAG_PREFETCH : 0);
}

/* A BAR register as it reads when a guest has written v (SEED-002.11): the bits below the size are
 * 0 and the kind, and where there is no BAR all are. */
static uint32_t bar_register(const struct pci_func *f, unsigned int i, uint32_t v)
{
	const struct pci_bar *b = &f->bars[i];

	if (b->upper) {
		return v & (uint32_t)(~(f->bars[i - 1].size - 1) >> 32);
	}
	return b->size ? (v & (uint32_t) ~(b->size - 1)) | bar_flags(b) : 0;
}

void pci_bars_settle(struct pci_func *f)
{
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		uint32_t v = pci_get(f->image, bar_reg(i), 4);

		pci_put(f->image, bar_reg(i), 4, bar_register(f, i, v));
	}
	pci_rom_settle(f);
}

int pci_bars_check(const struct pci_bar bars[PCI_NUM_BARS])
{
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		int err = check_bar(bars, i);

		if (err) {
			return err;
		}
	}
	return 0;
}

void pci_bars_init(struct pci_func *f, const struct pci_bar bars[PCI_NUM_BARS])
{
	memcpy(f->bars, bars, sizeof(f->bars));
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		uint64_t value = bars[i].upper ? bars[i - 1].value >> 32 : bars[i].value;

		pci_put(f->image, bar_reg(i), 4, (uint32_t)value);
	}
	pci_bars_settle(f);
}

/* What the guest's registers say the BAR's address is. */
static uint64_t bar_value(const struct pci_func *f, unsigned int i)
{
	uint64_t v = pci_get(f->image, bar_reg(i), 4) & ~0xfu;

	if (f->bars[i].is64) {
		v |= (uint64_t)pci_get(f->image, bar_reg(i) + 4, 4) << 32;
	}
	return v;
}

static bool bar_fits(const struct pci_func *f, unsigned int i)
{
	const struct pci_bar *b = &f->bars[i];

	if (!range_inside(b->value, b->size, PCI_BUS_FIRST, PCI_BUS_LAST - PCI_BUS_FIRST + 1ull)) {
		return false;
	}
	for (unsigned int k = 0; k < PCI_NUM_BARS; k++) {
		if (f->decodes[k] &&
			range_overlaps(b->value, b->size, f->bars[k].value, f->bars[k].size)) {
			return false;
		}
	}
	return true;
}

/* A BAR of less than a page is mapped as one: the host lets no other BAR share it. */
static uint64_t bar_bytes(const struct pci_bar *b)
{
	return b->size < MEM_PAGE ? MEM_PAGE : b->size;
}

/* The whole pages of len bytes at off. */
static struct piece pages_of(uint64_t off, uint64_t len)
{
	return (struct piece){
		align_down(off, MEM_PAGE), align_down(off + len + MEM_PAGE - 1, MEM_PAGE)};
}

/* The pages of a BAR that its guest may touch directly, in rising order (SEED-001.38). */
static unsigned int bar_pieces(const struct pci_func *f, unsigned int bar, struct piece *pieces)
{
	const struct pci_msix *x = &f->msix;
	struct piece holes[2];
	unsigned int nholes = 0, n = 0;
	uint64_t total = bar_bytes(&f->bars[bar]), at = 0;

	if (x->entries && x->table_bar == bar) {
		holes[nholes++] = pages_of(x->table, x->entries * PCI_MSIX_ENTRY);
	}
	if (x->entries && x->pba_bar == bar) {
		holes[nholes++] = pages_of(x->pba, (x->entries + 63) / 64 * 8);
	}
	while (at < total) {
		uint64_t end = total, next = total;

		for (unsigned int i = 0; i < nholes; i++) {
			if (holes[i].end > at && holes[i].start < end) {
				end = holes[i].start;
				next = holes[i].end;
			}
		}
		if (end > at) {
			pieces[n++] = (struct piece){at, end};
		}
		at = next;
	}
	return n;
}

static void unmap_pieces(
	struct pci_func *f, unsigned int bar, const struct piece *pieces, unsigned int n)
{
	while (n--) {
		(void)f->ops->map_bar(f->dev, bar, pieces[n].start, pieces[n].end - pieces[n].start,
			f->bars[bar].value, false);
	}
}

/* All pieces or none. What is not mapped is trapped, which is slow and not wrong (SEED-001.39). */
static bool map_bar(struct pci_func *f, unsigned int bar)
{
	struct piece pieces[MAX_PIECES];
	unsigned int n = bar_pieces(f, bar, pieces);

	for (unsigned int i = 0; i < n; i++) {
		int err = f->ops->map_bar(f->dev, bar, pieces[i].start,
			pieces[i].end - pieces[i].start, f->bars[bar].value, true);

		if (err) {
			unmap_pieces(f, bar, pieces, i);
			log_limited(&f->log, LOG_WARN,
				"guest function %02x.%x: BAR %u cannot be mapped (%s), every "
				"access traps",
				f->devfn >> 3, f->devfn & 7, bar, err_name(err));
			return false;
		}
	}
	return true;
}

static void unmap_bar(struct pci_func *f, unsigned int bar)
{
	struct piece pieces[MAX_PIECES];

	if (f->mapped[bar]) {
		unmap_pieces(f, bar, pieces, bar_pieces(f, bar, pieces));
		f->mapped[bar] = false;
	}
	f->decodes[bar] = false;
}

/* First everything that has to go, so that BARs may change places one register after the other. */
void pci_bars_update(struct pci_func *f)
{
	bool on;

	lock_take(&f->lock);
	on = f->image[PCI_COMMAND] & PCI_COMMAND_MEMORY && !f->shut && !f->asleep;
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		struct pci_bar *b = &f->bars[i];
		uint64_t value = b->size ? bar_value(f, i) : 0;

		if (!on || value != b->value) {
			unmap_bar(f, i);
		}
		b->value = value;
	}
	for (unsigned int i = 0; i < PCI_NUM_BARS && on; i++) {
		if (!f->bars[i].size || f->mapped[i]) {
			continue;
		}
		f->decodes[i] = f->decodes[i] || bar_fits(f, i);
		f->mapped[i] = f->decodes[i] && map_bar(f, i);
	}
	pci_rom_update(f, on);
	lock_drop(&f->lock);
}

static void access_bar(struct pci_func *f, unsigned int bar, uint64_t off, unsigned int size,
	bool write, uint64_t *val)
{
	bool answers = range_below(off, size, f->bars[bar].size);

	if (answers && pci_msi_access(f, bar, off, size, write, val)) {
		return;
	}
	if (write) {
		if (answers) {
			(void)f->ops->bar_write(f->dev, bar, off, size, *val);
		}
	} else if (!answers || f->ops->bar_read(f->dev, bar, off, size, val)) {
		*val = UINT64_MAX >> (64 - 8 * size);
	}
}

/* The BAR that has this address, one that decodes first; PCI_NUM_BARS: none. */
static unsigned int find_bar(const struct pci_func *f, uint64_t bus, unsigned int size)
{
	unsigned int found = PCI_NUM_BARS;

	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		const struct pci_bar *b = &f->bars[i];

		if (b->size && range_inside(bus, size, b->value, bar_bytes(b))) {
			if (f->decodes[i]) {
				return i;
			}
			found = i;
		}
	}
	return found;
}

/* A guest may wait for the end of a reset by looking at a register of the device. */
static void look_at_reset(struct pci_func *f)
{
	bool shut;

	lock_take(&f->lock);
	shut = f->shut;
	lock_drop(&f->lock);
	if (shut && pci_func_claim(f)) {
		(void)pci_reset_settle(f);
		pci_func_yield(f);
	}
}

int pci_bar_access(struct pci_func *f, uint64_t bus, unsigned int size, bool write, uint64_t *val)
{
	unsigned int bar;
	int err = 0;

	if (!is_pow2(size) || size > 8 || !is_aligned(bus, size)) {
		return -ENOENT;
	}
	look_at_reset(f);
	lock_take(&f->lock);
	bar = find_bar(f, bus, size);
	if (bar < PCI_NUM_BARS && f->decodes[bar]) {
		access_bar(f, bar, bus - f->bars[bar].value, size, write, val);
	} else {
		err = pci_rom_access(f, bus, size, write, val);
		err = err == -ENOENT && bar < PCI_NUM_BARS ? -ENXIO : err;
	}
	lock_drop(&f->lock);
	return err;
}
