// SPDX-License-Identifier: Apache-2.0
/*
 * MSI and MSI-X of an assigned function: the capabilities are checked and shown, a guest's accesses
 * to the table are answered from what it was granted, and the device's registers follow. A guest
 * that could write the real address would send its interrupts as anybody.
 */
#include "core/pci_msi.h"
#include "core/pci_parts.h"

#include "core/range.h"

#include <string.h>

/* Both capabilities have their flags behind id and pointer (PCI 3.0, 6.8.1 and 6.8.2). */
#define CAP_FLAGS PCI_CAP_FLAGS

#define MSI_ENABLE	0x0001u
#define MSI_CAN_SHIFT	1
#define MSI_COUNT	0x0070u
#define MSI_COUNT_SHIFT 4
#define MSI_64		0x0080u
#define MSI_MASKABLE	0x0100u
#define MSI_ADDR	4u
#define MSI_ADDR_HI	8u
#define MSI_DATA_32	8u
#define MSI_DATA_64	12u
#define MSI_MASK_32	12u
#define MSI_MASK_64	16u

#define MSIX_ENTRIES	 0x07ffu
#define MSIX_MASK_ALL	 0x4000u
#define MSIX_ENABLE	 0x8000u
#define MSIX_TABLE	 4u
#define MSIX_PBA	 8u
#define MSIX_BIR	 7u
#define ENTRY_DATA	 8u
#define ENTRY_CONTROL	 12u
#define ENTRY_MASKED	 1u
#define PBA_BYTES(count) (((count) + 63) / 64 * 8)

/* Functions that report pending bits behind the end of their BAR, and where they are (SEED-001.34):
 * virtual functions of Chelsio T5 adapters and of Baidu Kunlun. */
static const struct {
	uint16_t vendor, device, device_mask;
	uint32_t pba;
} wrong_pba[] = {{0x1425, 0x5800, 0xff00, 0x1000}, {0x1d22, 0x3685, 0xffff, 0xb400}};

static unsigned int msi_data(const struct pci_func *f)
{
	return f->msi.pos + (f->msi.is64 ? MSI_DATA_64 : MSI_DATA_32);
}

static unsigned int shown_msi_data(const struct pci_func *f)
{
	return f->msi.pos + (f->msi.shown64 ? MSI_DATA_64 : MSI_DATA_32);
}

/* Mask bits, if the device has them, are not shown: a guest masks at the interrupt source. How many
 * it can send is what the flags said when they were found sound. */
static void show_msi(struct pci_func *f, unsigned int pos, unsigned int size, uint32_t flags)
{
	unsigned int can = flags >> MSI_CAN_SHIFT & 7;

	f->msi = (struct pci_msi){.pos = (uint8_t)pos,
		.is64 = flags & MSI_64,
		.shown64 = size == PCI_MSI_SIZE_64,
		.maskable = flags & MSI_MASKABLE,
		.max = 1u << can};
	pci_put(f->image, pos + CAP_FLAGS, 2, can << MSI_CAN_SHIFT | (f->msi.shown64 ? MSI_64 : 0));
}

/* Whether len bytes at off are all in this memory BAR; BARs 6 and 7 are none (SEED-001.34). */
static bool in_bar(const struct pci_func *f, unsigned int bar, uint32_t off, uint32_t len)
{
	return bar < PCI_NUM_BARS && f->bars[bar].size && range_below(off, len, f->bars[bar].size);
}

/* The device's own ids, never what a guest is shown (SEED-001.35). */
static int fix_pba(struct pci_func *f, struct pci_msix *x)
{
	uint32_t vendor, device;

	if (x->pba_bar >= PCI_NUM_BARS || x->pba < f->bars[x->pba_bar].size) {
		return 0;
	}
	if (pci_live_read(f, PCI_VENDOR_ID, 2, &vendor) ||
		pci_live_read(f, PCI_DEVICE_ID, 2, &device)) {
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(wrong_pba) / sizeof(wrong_pba[0]); i++) {
		if (vendor == wrong_pba[i].vendor &&
			(device & wrong_pba[i].device_mask) == wrong_pba[i].device) {
			x->pba = wrong_pba[i].pba;
		}
	}
	return 0;
}

static bool msix_sound(const struct pci_func *f, const struct pci_msix *x)
{
	uint32_t table_bytes = x->entries * PCI_MSIX_ENTRY, pba_bytes = PBA_BYTES(x->entries);

	return in_bar(f, x->table_bar, x->table, table_bytes) &&
	       in_bar(f, x->pba_bar, x->pba, pba_bytes) &&
	       !(x->table_bar == x->pba_bar &&
		       range_overlaps(x->table, table_bytes, x->pba, pba_bytes));
}

static int show_msix(struct pci_func *f, unsigned int pos)
{
	struct pci_msix x = {.pos = (uint8_t)pos};
	uint32_t flags, table, pba;

	if (pci_live_read(f, pos + CAP_FLAGS, 2, &flags) ||
		pci_live_read(f, pos + MSIX_TABLE, 4, &table) ||
		pci_live_read(f, pos + MSIX_PBA, 4, &pba)) {
		return -EIO;
	}
	x.entries = (flags & MSIX_ENTRIES) + 1;
	x.table_bar = table & MSIX_BIR;
	x.table = table & ~MSIX_BIR;
	x.pba_bar = pba & MSIX_BIR;
	x.pba = pba & ~MSIX_BIR;
	if (fix_pba(f, &x)) {
		return -EIO;
	}
	if (!msix_sound(f, &x)) {
		return -EINVAL;
	}
	f->msix = x;
	pci_put(f->image, pos + CAP_FLAGS, 2, x.entries - 1);
	pci_put(f->image, pos + MSIX_TABLE, 4, table);
	pci_put(f->image, pos + MSIX_PBA, 4, x.pba | x.pba_bar);
	return 0;
}

int pci_msi_show(struct pci_func *f, unsigned int pos, unsigned int id, unsigned int size,
	uint32_t flags, bool *shown)
{
	*shown = id == PCI_CAP_MSI ? !f->msi.pos : !f->msix.entries;
	if (!*shown) {
		return 0;
	}
	if (id == PCI_CAP_MSI) {
		show_msi(f, pos, size, flags);
		return 0;
	}
	return show_msix(f, pos);
}

void pci_func_hide_msi(struct pci_func *f)
{
	if (f->msi.pos) {
		pci_caps_hide(f, f->msi.pos);
		f->msi.pos = 0;
	}
	if (f->msix.pos) {
		pci_caps_hide(f, f->msix.pos);
		f->msix.pos = 0;
	}
}

/* --- the device's registers --- */

static int write_flags(struct pci_func *f, unsigned int cap, uint32_t flags)
{
	return f->ops->write(f->dev, cap + CAP_FLAGS, 2, flags) ? -EIO : 0;
}

static int write_entry(struct pci_func *f, unsigned int v, unsigned int off, uint32_t val)
{
	return f->ops->bar_write(
		f->dev, f->msix.table_bar, f->msix.table + v * PCI_MSIX_ENTRY + off, 4, val);
}

static int mask_entries(struct pci_func *f, unsigned int n)
{
	int err = 0;

	for (unsigned int v = 0; v < n && !err; v++) {
		err = write_entry(f, v, ENTRY_CONTROL, ENTRY_MASKED) ? -EIO : 0;
	}
	return err;
}

int pci_msi_close(struct pci_func *f)
{
	int err = f->msi.pos ? write_flags(f, f->msi.pos, 0) : 0;

	if (!err && f->msix.pos) {
		err = write_flags(f, f->msix.pos, 0);
	}
	if (!err && f->msix.pos) {
		err = mask_entries(f, f->msix.entries);
	}
	return err;
}

/* The flags that the device is to have now. */
static uint32_t real_flags(const struct pci_func *f, unsigned int cap)
{
	uint32_t flags = pci_get(f->image, cap + CAP_FLAGS, 2);

	if (cap == f->msix.pos) {
		return f->grant.kind == PCI_IRQ_MSIX ? flags & (MSIX_ENABLE | MSIX_MASK_ALL) : 0;
	}
	if (f->grant.kind != PCI_IRQ_MSI) {
		return 0;
	}
	/* How many the device sends is what we hold, whatever the guest writes there. */
	return (flags & MSI_ENABLE) | (uint32_t)__builtin_ctz(f->grant.nmessages)
					      << MSI_COUNT_SHIFT;
}

/* A device that does not take it is found out by the next read. */
static void follow(struct pci_func *f, unsigned int cap)
{
	if (!pci_closed(f)) {
		(void)write_flags(f, cap, real_flags(f, cap));
	}
}

void pci_msi_follow(struct pci_func *f, unsigned int off, unsigned int size)
{
	const struct {
		enum pci_irq_kind kind;
		unsigned int cap;
	} caps[] = {{PCI_IRQ_MSI, f->msi.pos}, {PCI_IRQ_MSIX, f->msix.pos}};

	/* Without a grant the guest's bits are virtual only (CF-09). */
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (caps[i].cap && caps[i].kind == f->grant.kind &&
			range_overlaps(off, size, caps[i].cap + CAP_FLAGS, 2)) {
			follow(f, caps[i].cap);
		}
	}
}

static int write_msi(struct pci_func *f, uint64_t addr, uint32_t data, unsigned int log2n)
{
	const struct pci_func_ops *ops = f->ops;
	unsigned int pos = f->msi.pos;

	if (write_flags(f, pos, log2n << MSI_COUNT_SHIFT) ||
		ops->write(f->dev, pos + MSI_ADDR, 4, (uint32_t)addr) ||
		(f->msi.is64 && ops->write(f->dev, pos + MSI_ADDR_HI, 4, (uint32_t)(addr >> 32))) ||
		ops->write(f->dev, msi_data(f), 2, data & 0xffff)) {
		return -EIO;
	}
	if (f->msi.maskable &&
		ops->write(f->dev, pos + (f->msi.is64 ? MSI_MASK_64 : MSI_MASK_32), 4, 0)) {
		return -EIO;
	}
	return 0;
}

int pci_msi_write(struct pci_func *f, uint64_t addr, uint32_t data, unsigned int log2n)
{
	return pci_closed(f) ? -EIO : write_msi(f, addr, data, log2n);
}

/* The lock is held. */
static int write_message(struct pci_func *f, unsigned int v, uint64_t addr, uint32_t data)
{
	if (write_entry(f, v, ENTRY_CONTROL, ENTRY_MASKED) ||
		write_entry(f, v, 0, (uint32_t)addr) ||
		write_entry(f, v, 4, (uint32_t)(addr >> 32)) ||
		write_entry(f, v, ENTRY_DATA, data)) {
		return -EIO;
	}
	return 0;
}

int pci_msix_write(struct pci_func *f, unsigned int v, uint64_t addr, uint32_t data)
{
	int err;

	lock_take(&f->lock);
	err = pci_memory_closed(f) ? -EIO : write_message(f, v, addr, data);
	lock_drop(&f->lock);
	return err;
}

static bool is_unmasked(const struct pci_func *f, unsigned int v)
{
	return f->unmasked[v / 8] >> (v % 8) & 1;
}

void pci_msi_grant(struct pci_func *f, const struct pci_grant *grant)
{
	lock_take(&f->lock);
	f->grant = *grant;
	for (unsigned int v = 0; grant->kind == PCI_IRQ_MSIX && v < grant->n; v++) {
		if (is_unmasked(f, v) && !pci_memory_closed(f)) {
			(void)write_entry(f, v, ENTRY_CONTROL, 0);
		}
	}
	lock_drop(&f->lock);
	if (grant->kind == PCI_IRQ_MSIX) {
		follow(f, f->msix.pos);
		return;
	}
	pci_put(f->image, f->msi.pos + CAP_FLAGS, 2,
		(pci_get(f->image, f->msi.pos + CAP_FLAGS, 2) & ~MSI_COUNT) | MSI_ENABLE |
			(uint32_t)__builtin_ctz(grant->nmessages) << MSI_COUNT_SHIFT);
	pci_put(f->image, f->msi.pos + MSI_ADDR, 4, PCI_MSI_ADDRESS);
	if (f->msi.shown64) {
		pci_put(f->image, f->msi.pos + MSI_ADDR_HI, 4, 0);
	}
	pci_put(f->image, shown_msi_data(f), 2, grant->number);
	follow(f, f->msi.pos);
}

void pci_msi_revoke(struct pci_func *f)
{
	enum pci_irq_kind kind = f->grant.kind;
	unsigned int n = f->grant.n, cap = kind == PCI_IRQ_MSI ? f->msi.pos : f->msix.pos;
	uint32_t flags;

	if (kind == PCI_IRQ_NONE) {
		return;
	}
	lock_take(&f->lock);
	f->grant = (struct pci_grant){.kind = PCI_IRQ_NONE};
	if (kind == PCI_IRQ_MSIX && !pci_memory_closed(f)) {
		(void)mask_entries(f, n);
	}
	lock_drop(&f->lock);
	follow(f, cap);
	/* Messages are posted writes: the answer, whatever it is, comes behind them. */
	if (!pci_closed(f) && pci_live_read(f, cap + CAP_FLAGS, 2, &flags)) {
		return;
	}
}

void pci_msi_disable(struct pci_func *f)
{
	if (f->msi.pos) {
		f->image[f->msi.pos + CAP_FLAGS] &= (uint8_t)~MSI_ENABLE;
	}
	if (f->msix.pos) {
		f->image[f->msix.pos + CAP_FLAGS + 1] &= (uint8_t) ~(MSIX_ENABLE >> 8);
	}
}

/* --- after a reset --- */

/* Reset has left every entry masked, or so the device says. */
static int restore_entries(struct pci_func *f)
{
	int err = 0;

	lock_take(&f->lock);
	err = mask_entries(f, f->msix.entries);
	lock_drop(&f->lock);
	for (unsigned int v = 0; v < f->grant.n && !err; v++) {
		uint64_t addr;
		uint32_t data;

		err = f->ops->message(f->dev, f->grant.message + v, true, &addr, &data);
		if (!err) {
			lock_take(&f->lock);
			err = write_message(f, v, addr, data);
			lock_drop(&f->lock);
		}
	}
	return err;
}

int pci_msi_restore(struct pci_func *f)
{
	uint64_t addr;
	uint32_t data;
	int err;

	if (f->grant.kind == PCI_IRQ_MSIX) {
		return restore_entries(f);
	}
	if (f->grant.kind == PCI_IRQ_NONE) {
		return pci_msi_close(f);
	}
	err = f->ops->message(f->dev, f->grant.message, f->msi.is64, &addr, &data);
	return err ? err
		   : write_msi(f, addr, data, (unsigned int)__builtin_ctz(f->grant.nmessages));
}

void pci_msi_lift(struct pci_func *f)
{
	lock_take(&f->lock);
	f->shut = false;
	for (unsigned int v = 0; f->grant.kind == PCI_IRQ_MSIX && v < f->grant.n; v++) {
		if (is_unmasked(f, v)) {
			(void)write_entry(f, v, ENTRY_CONTROL, 0);
		}
	}
	lock_drop(&f->lock);
	if (f->grant.kind != PCI_IRQ_NONE) {
		follow(f, f->grant.kind == PCI_IRQ_MSI ? f->msi.pos : f->msix.pos);
	}
}

struct pci_grant pci_msi_granted(struct pci_func *f)
{
	struct pci_grant g;

	lock_take(&f->lock);
	g = f->grant;
	lock_drop(&f->lock);
	return g;
}

/* --- the guest's accesses to the table --- */

/* The entry as the guest sees it. */
static void get_entry(const struct pci_func *f, unsigned int v, uint8_t entry[PCI_MSIX_ENTRY])
{
	memset(entry, 0, PCI_MSIX_ENTRY);
	if (f->grant.kind == PCI_IRQ_MSIX && v < f->grant.n) {
		pci_put(entry, 0, 4, PCI_MSI_ADDRESS);
		pci_put(entry, ENTRY_DATA, 4, f->grant.number + v);
	}
	pci_put(entry, ENTRY_CONTROL, 4, is_unmasked(f, v) ? 0 : ENTRY_MASKED);
}

/* The mask bit is the device's own where a message was granted, so masking is one store and an
 * interrupt that comes meanwhile waits in the device's pending bits (SEED-001.56). */
static void set_mask(struct pci_func *f, unsigned int v, bool masked)
{
	uint8_t bit = (uint8_t)(1u << (v % 8));

	if (masked == !is_unmasked(f, v)) {
		return;
	}
	f->unmasked[v / 8] =
		(uint8_t)(masked ? f->unmasked[v / 8] & ~bit : f->unmasked[v / 8] | bit);
	if (f->grant.kind == PCI_IRQ_MSIX && v < f->grant.n && !pci_memory_closed(f)) {
		(void)write_entry(f, v, ENTRY_CONTROL, masked ? ENTRY_MASKED : 0);
	}
}

/* Naturally aligned and no larger than half an entry, so it is all in one. */
static void access_table(
	struct pci_func *f, uint32_t off, unsigned int size, bool write, uint64_t *val)
{
	unsigned int v = off / PCI_MSIX_ENTRY, at = off % PCI_MSIX_ENTRY;
	uint8_t entry[PCI_MSIX_ENTRY];

	if (write) {
		if (range_overlaps(ENTRY_CONTROL, 1, at, size)) {
			set_mask(f, v, *val >> (8 * (ENTRY_CONTROL - at)) & ENTRY_MASKED);
		}
		return;
	}
	get_entry(f, v, entry);
	*val = 0;
	for (unsigned int i = 0; i < size; i++) {
		*val |= (uint64_t)entry[at + i] << (8 * i);
	}
}

bool pci_msi_access(struct pci_func *f, unsigned int bar, uint64_t off, unsigned int size,
	bool write, uint64_t *val)
{
	const struct pci_msix *x = &f->msix;

	/* Both are aligned to 8 bytes and whole numbers of 8 bytes long, so nothing straddles. */
	if (bar == x->table_bar && range_inside(off, size, x->table, x->entries * PCI_MSIX_ENTRY)) {
		access_table(f, (uint32_t)(off - x->table), size, write, val);
		return true;
	}
	/* Pending bits are the device's to write; reading goes to it like any register. */
	return write && bar == x->pba_bar && range_inside(off, size, x->pba, PBA_BYTES(x->entries));
}
