// SPDX-License-Identifier: Apache-2.0
/* A fake PCI function: registers by masks, every call checked against the contract and recorded. */
#include "tests/fake/fake_pci.h"

#include "core/mem.h"
#include "core/range.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

uint32_t fake_pci_get(const struct fake_pci *d, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < size; i++) {
		v |= (uint32_t)d->config[off + i] << (8 * i);
	}
	return v;
}

void fake_pci_put(struct fake_pci *d, unsigned int off, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++) {
		d->config[off + i] = (uint8_t)(val >> (8 * i));
	}
}

static void record(
	struct fake_pci *d, enum fake_pci_op op, unsigned int off, unsigned int size, uint64_t val)
{
	if (d->ncycles < FAKE_PCI_CYCLE_MAX) {
		d->cycles[d->ncycles++] = (struct fake_pci_cycle){op, off, size, val};
	}
}

static void check_cycle(unsigned int off, unsigned int size)
{
	assert_true(size == 1 || size == 2 || size == 4);
	assert_int_equal(off % size, 0);
	assert_in_range(off, 0, PCI_CONFIG_EXT_SIZE - size);
}

static bool fails(struct fake_pci *d)
{
	if (!d->fail_at) {
		return false;
	}
	if (d->fail_at > 1) {
		d->fail_at--;
		return false;
	}
	d->fail_at = d->fail_once ? 0 : 1;
	return true;
}

static int fake_read(void *dev, unsigned int off, unsigned int size, uint32_t *val)
{
	struct fake_pci *d = dev;

	check_cycle(off, size);
	assert_false(d->resetting);
	d->nreads++;
	if (d->on_read) {
		d->on_read(d->on_read_arg);
	}
	if (fails(d)) {
		*val = (uint32_t)-EIO;
		return -EIO;
	}
	*val = d->absent ? 0xffffffffu >> (32 - 8 * size) : fake_pci_get(d, off, size);
	record(d, FAKE_PCI_READ, off, size, *val);
	return 0;
}

static int fake_write(void *dev, unsigned int off, unsigned int size, uint32_t val)
{
	struct fake_pci *d = dev;

	check_cycle(off, size);
	assert_false(d->resetting);
	assert_false(range_overlaps(off, size, PCI_BAR0, 4 * PCI_NUM_BARS));
	assert_false(range_overlaps(off, size, PCI_ROM_BAR, 4));
	assert_false(range_overlaps(off, size, PCI_VENDOR_ID, 4));
	d->nwrites++;
	record(d, FAKE_PCI_WRITE, off, size, val);
	if (fails(d) || d->fail_writes) {
		return -EIO;
	}
	for (unsigned int i = 0; i < size && !d->absent; i++) {
		uint8_t byte = (uint8_t)(val >> (8 * i)), *reg = &d->config[off + i];

		d->touched[off + i] |=
			(uint8_t)(((*reg ^ byte) & d->sticks[off + i]) | (byte & d->w1c[off + i]));
		*reg = (uint8_t)((*reg & ~d->sticks[off + i]) | (byte & d->sticks[off + i]));
		*reg &= (uint8_t) ~(byte & d->w1c[off + i]);
	}
	return 0;
}

/* Whether len bytes of a BAR at off share a page with n bytes at where. */
static bool shares_page(uint64_t off, uint64_t len, uint64_t where, uint64_t n)
{
	return n && range_overlaps(off, len, align_down(where, MEM_PAGE),
			    align_down(where + n - 1, MEM_PAGE) + MEM_PAGE -
				    align_down(where, MEM_PAGE));
}

static void check_holes(const struct fake_pci *d, unsigned int bar, uint64_t off, uint64_t len)
{
	assert_false(bar == d->table_bar && shares_page(off, len, d->table, 16 * d->msix_entries));
	assert_false(bar == d->pba_bar && shares_page(off, len, d->pba, (d->msix_entries + 7) / 8));
}

static bool is_page_rest(const struct fake_pci *d, unsigned int bar, uint64_t off, uint64_t len)
{
	return d->bar_size[bar] < MEM_PAGE && !off && len == MEM_PAGE;
}

static int map(struct fake_pci *d, unsigned int bar, uint64_t off, uint64_t len, uint64_t value)
{
	uint64_t size = d->bar_size[bar];

	assert_true(is_aligned(value, size));
	assert_true(is_aligned(off | len, MEM_PAGE) && len);
	assert_true(range_below(off, len, size) || is_page_rest(d, bar, off, len));
	assert_true(value >= 0x80000000u && value + size - 1 <= 0xfffeffffu);
	check_holes(d, bar, off, len);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		assert_false(i != bar && d->mapped[i] &&
			     range_overlaps(value, size, d->mapped_at[i], d->bar_size[i]));
	}
	for (unsigned int i = 0; i < d->npieces; i++) {
		assert_false(d->pieces[i].bar == bar &&
			     range_overlaps(off, len, d->pieces[i].off, d->pieces[i].len));
	}
	d->nmaps++;
	if (d->fail_map && !--d->fail_map) {
		return -EEXIST;
	}
	assert_true(!d->mapped[bar] || d->mapped_at[bar] == value);
	assert_true(d->npieces < FAKE_PCI_PIECE_MAX);
	d->pieces[d->npieces++] = (struct fake_pci_piece){bar, off, len};
	d->mapped[bar] = true;
	d->mapped_at[bar] = value;
	return 0;
}

static void unmap(struct fake_pci *d, unsigned int bar, uint64_t off, uint64_t len)
{
	bool more = false, found = false;

	for (unsigned int i = 0; i < d->npieces; i++) {
		struct fake_pci_piece *piece = &d->pieces[i];

		if (piece->bar == bar && piece->off == off && piece->len == len) {
			*piece = d->pieces[--d->npieces];
			found = true;
			i--;
		} else {
			more = more || piece->bar == bar;
		}
	}
	assert_true(found);
	d->mapped[bar] = more;
	d->nunmaps++;
}

static int fake_map_bar(
	void *dev, unsigned int bar, uint64_t off, uint64_t len, uint64_t value, bool mapped)
{
	struct fake_pci *d = dev;

	assert_in_range(bar, 0, PCI_NUM_BARS - 1);
	assert_int_not_equal(d->bar_size[bar], 0);
	record(d, mapped ? FAKE_PCI_MAP : FAKE_PCI_UNMAP, bar, 0, value);
	if (mapped) {
		return map(d, bar, off, len, value);
	}
	assert_true(d->mapped[bar]);
	assert_true(d->mapped_at[bar] == value);
	unmap(d, bar, off, len);
	return 0;
}

static void check_bar_access(
	const struct fake_pci *d, unsigned int bar, uint64_t off, unsigned int size)
{
	assert_in_range(bar, 0, PCI_NUM_BARS - 1);
	assert_true(is_pow2(size) && size <= 8 && is_aligned(off, size));
	assert_true(range_below(off, size, d->bar_size[bar]));
}

static int fake_bar_read(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val)
{
	struct fake_pci *d = dev;

	check_bar_access(d, bar, off, size);
	assert_false(d->resetting);
	d->nbar_reads++;
	if (d->absent) {
		return -EIO;
	}
	*val = 0;
	for (unsigned int i = 0; i < size && off + i < FAKE_PCI_BAR_MEM; i++) {
		*val |= (uint64_t)d->bar_mem[bar][off + i] << (8 * i);
	}
	return 0;
}

/* PCI 3.0, 6.8.3.5: software must not change address or data of an entry that is not masked. */
static void check_entry_write(
	const struct fake_pci *d, unsigned int bar, uint64_t off, unsigned int size)
{
	unsigned int v = (unsigned int)(off - d->table) / 16;

	if (bar == d->table_bar && range_inside(off, size, d->table, 16 * d->msix_entries) &&
		(off - d->table) % 16 < 12) {
		assert_int_equal(fake_pci_entry(d, v, 12) & 1, 1);
	}
}

static int fake_bar_write(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct fake_pci *d = dev;

	check_bar_access(d, bar, off, size);
	assert_false(d->resetting);
	check_entry_write(d, bar, off, size);
	d->nbar_writes++;
	if (d->absent) {
		return -EIO;
	}
	for (unsigned int i = 0; i < size && off + i < FAKE_PCI_BAR_MEM; i++) {
		d->bar_mem[bar][off + i] = (uint8_t)(val >> (8 * i));
	}
	return 0;
}

/* What a function loses; where it is put back, messages are off and it masters no bus. */
static void lose_state(struct fake_pci *d)
{
	memcpy(d->before, d->config, sizeof(d->before));
	for (unsigned int i = 0; i < sizeof(d->config); i++) {
		d->config[i] &= (uint8_t)~d->sticks[i];
	}
	for (unsigned int i = 0; i < 16 * d->msix_entries; i++) {
		if (d->table_bar < PCI_NUM_BARS && d->table + i < FAKE_PCI_BAR_MEM) {
			d->bar_mem[d->table_bar][d->table + i] = i % 16 == 12;
		}
	}
}

static void put_state_back(struct fake_pci *d)
{
	unsigned int pos = d->config[PCI_CAP_PTR];

	memcpy(d->config, d->before, sizeof(d->config));
	fake_pci_put(d, PCI_COMMAND, 2,
		(fake_pci_get(d, PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF);
	for (unsigned int n = 0; pos >= PCI_CAP_FIRST && n < PCI_CAP_MAX; n++) {
		if (d->config[pos] == PCI_CAP_MSI) {
			d->config[pos + 2] &= 0xfe;
		} else if (d->config[pos] == PCI_CAP_MSIX) {
			d->config[pos + 3] &= 0x3f;
		}
		pos = d->config[pos + 1] & 0xfcu;
	}
}

static int fake_reset(void *dev, enum pci_reset how)
{
	struct fake_pci *d = dev;

	assert_false(d->resetting);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		assert_false(d->mapped[i]);
	}
	record(d, FAKE_PCI_RESET, how, 0, 0);
	d->nresets++;
	if (d->fail_reset) {
		return -EIO;
	}
	d->resetting = true;
	d->how = how;
	d->looks_left = d->reset_lasts;
	if (how != PCI_RESET_D3HOT) {
		lose_state(d);
	}
	return 0;
}

static int fake_settled(void *dev, bool wait)
{
	struct fake_pci *d = dev;

	assert_true(d->resetting);
	d->nlooks++;
	if (!wait && d->looks_left) {
		d->looks_left--;
		return -EAGAIN;
	}
	d->resetting = false;
	if (d->dies) {
		d->absent = true;
		return -EIO;
	}
	if (d->how != PCI_RESET_D3HOT) {
		put_state_back(d);
	}
	return 0;
}

static int fake_message(void *dev, unsigned int message, bool is64, uint64_t *addr, uint32_t *data)
{
	(void)dev;
	*addr = (is64 ? 0x1000000000000000ull : 0xffff0000ull) + 0x100ull * message;
	*data = message;
	return 0;
}

const struct pci_func_ops fake_pci_ops = {
	.read = fake_read,
	.write = fake_write,
	.map_bar = fake_map_bar,
	.bar_read = fake_bar_read,
	.bar_write = fake_bar_write,
	.reset = fake_reset,
	.settled = fake_settled,
	.message = fake_message,
};

void fake_pci_init(struct fake_pci *d, const struct pci_bar bars[PCI_NUM_BARS])
{
	memset(d->bar_mem, 0, sizeof(d->bar_mem));
	fake_pci_renew(d, bars);
}

void fake_pci_renew(struct fake_pci *d, const struct pci_bar bars[PCI_NUM_BARS])
{
	memset(d, 0, offsetof(struct fake_pci, bar_mem));
	fake_pci_put(d, PCI_VENDOR_ID, 4, 0x11e81234);
	fake_pci_put(d, PCI_COMMAND, 4, 0x02100006);
	fake_pci_put(d, PCI_STATUS, 2, 0x0200);
	fake_pci_put(d, PCI_REVISION, 4, 0xff000010);
	fake_pci_put(d, PCI_CACHE_LINE, 1, 0x20);
	fake_pci_put(d, PCI_LATENCY, 1, 0x40);
	fake_pci_put(d, PCI_SUBSYS_VENDOR, 4, 0x11001af4);
	fake_pci_put(d, PCI_ROM_BAR, 4, 0x40000001);
	fake_pci_put(d, PCI_INTERRUPT_LINE, 2, 0x010b);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		/* Where the host has placed it: a guest must never see this. */
		fake_pci_put(d, PCI_BAR0 + 4 * i, 4, 0x5a5a0000u + (i << 12));
		d->bar_size[i] = bars[i].size;
	}
	d->sticks[PCI_COMMAND] = 0x46;
	d->sticks[PCI_COMMAND + 1] = 0x05;
	d->w1c[PCI_STATUS + 1] = 0xf9;
	d->sticks[PCI_CACHE_LINE] = 0xff;
	d->sticks[PCI_LATENCY] = 0xff;
	d->sticks[PCI_BIST] = 0xff;
	d->sticks[PCI_INTERRUPT_LINE] = 0xff;
	memset(d->sticks + PCI_CAP_FIRST, 0xff, PCI_CAP_LIMIT - PCI_CAP_FIRST);
}

void fake_pci_add_cap(struct fake_pci *d, unsigned int pos, unsigned int id, unsigned int len,
	uint8_t fill, unsigned int *link)
{
	d->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	memset(d->config + pos, fill, len);
	d->config[pos] = (uint8_t)id;
	d->config[pos + 1] = 0;
	d->config[*link] = (uint8_t)pos;
	*link = pos + 1;
}

void fake_pci_add_ext_cap(struct fake_pci *d, unsigned int pos, unsigned int id, unsigned int len,
	uint8_t fill, unsigned int *last)
{
	memset(d->config + pos, fill, len);
	memset(d->sticks + pos + 4, 0xff, len - 4);
	fake_pci_put(d, pos, 4, id | 1u << 16);
	if (*last) {
		fake_pci_put(d, *last, 4, fake_pci_get(d, *last, 2) | 1u << 16 | pos << 20);
	}
	*last = pos;
}

void fake_pci_add_msix(struct fake_pci *d, unsigned int pos, unsigned int entries, uint32_t table,
	uint32_t pba, unsigned int *link)
{
	fake_pci_add_cap(d, pos, PCI_CAP_MSIX, 12, 0, link);
	fake_pci_put(d, pos + 2, 2, entries - 1);
	fake_pci_put(d, pos + 4, 4, table);
	fake_pci_put(d, pos + 8, 4, pba);
	d->sticks[pos + 2] = 0;
	d->sticks[pos + 3] = 0xc0;
	memset(d->sticks + pos + 4, 0, 8);
	d->msix_entries = entries;
	d->table_bar = table & 7;
	d->table = table & ~7u;
	d->pba_bar = pba & 7;
	d->pba = pba & ~7u;
	if (d->table_bar < PCI_NUM_BARS && d->table < FAKE_PCI_BAR_MEM &&
		16 * entries <= FAKE_PCI_BAR_MEM - d->table) {
		memset(d->bar_mem[d->table_bar] + d->table, 0xee, 16 * entries);
	}
}

uint32_t fake_pci_entry(const struct fake_pci *d, unsigned int v, unsigned int off)
{
	uint32_t val = 0;

	assert_in_range(v, 0, d->msix_entries - 1);
	for (unsigned int i = 0; i < 4; i++) {
		val |= (uint32_t)d->bar_mem[d->table_bar][d->table + 16 * v + off + i] << (8 * i);
	}
	return val;
}

void fake_pci_forget(struct fake_pci *d)
{
	d->nreads = d->nwrites = d->nmaps = d->nunmaps = d->ncycles = 0;
	d->nbar_reads = d->nbar_writes = d->nlooks = d->nresets = 0;
	memset(d->touched, 0, sizeof(d->touched));
}
