// SPDX-License-Identifier: Apache-2.0
/* A fake PCI function: registers by masks, every call checked against the contract and recorded. */
#include "tests/fake/fake_pci.h"

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
	assert_in_range(off, 0, PCI_CONFIG_SIZE - size);
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

		*reg = (uint8_t)((*reg & ~d->sticks[off + i]) | (byte & d->sticks[off + i]));
		*reg &= (uint8_t) ~(byte & d->w1c[off + i]);
	}
	return 0;
}

static int map(struct fake_pci *d, unsigned int bar, uint64_t value)
{
	uint64_t size = d->bar_size[bar];

	assert_false(d->mapped[bar]);
	assert_true(is_aligned(value, size));
	assert_true(value >= 0x80000000u && value + size - 1 <= 0xfffeffffu);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		assert_false(d->mapped[i] &&
			     range_overlaps(value, size, d->mapped_at[i], d->bar_size[i]));
	}
	d->nmaps++;
	if (d->fail_map) {
		d->fail_map--;
		return -EEXIST;
	}
	d->mapped[bar] = true;
	d->mapped_at[bar] = value;
	return 0;
}

static int fake_map_bar(void *dev, unsigned int bar, uint64_t value, bool mapped)
{
	struct fake_pci *d = dev;

	assert_in_range(bar, 0, PCI_NUM_BARS - 1);
	assert_int_not_equal(d->bar_size[bar], 0);
	record(d, mapped ? FAKE_PCI_MAP : FAKE_PCI_UNMAP, bar, 0, value);
	if (mapped) {
		return map(d, bar, value);
	}
	assert_true(d->mapped[bar]);
	assert_true(d->mapped_at[bar] == value);
	d->mapped[bar] = false;
	d->nunmaps++;
	return 0;
}

const struct pci_func_ops fake_pci_ops = {fake_read, fake_write, fake_map_bar};

void fake_pci_init(struct fake_pci *d, const struct pci_bar bars[PCI_NUM_BARS])
{
	memset(d, 0, sizeof(*d));
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

void fake_pci_forget(struct fake_pci *d)
{
	d->nreads = d->nwrites = d->nmaps = d->nunmaps = d->ncycles = 0;
}
