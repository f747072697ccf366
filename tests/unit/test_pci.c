// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/pci.h"
#include "tests/fake/fake_pci.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Fewer under emulation, which goes by the byte order. */
#define RACES (BE_HOST_IS_LITTLE ? 20000u : 500u)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALL_ONES(s)   (0xffffffffu >> (32 - 8 * (s)))

/* BAR 0: 1 MiB; 1+2: 64-bit prefetchable 64 KiB; 4+5: 64-bit 8 GiB, which can never be mapped. */
static const struct pci_bar test_bars[PCI_NUM_BARS] = {
	{.size = 0x100000, .value = 0x80000000},
	{.size = 0x10000, .is64 = true, .prefetch = true, .value = 0x80100000},
	{.upper = true},
	{0},
	{.size = 0x200000000, .is64 = true, .value = 0x600000000},
	{.upper = true},
};

static struct fake_pci dev;
static struct pci_func func;

static void start_with(const struct pci_bar bars[PCI_NUM_BARS])
{
	assert_int_equal(pci_func_init(&func, 0x08, bars, &fake_pci_ops, &dev), 0);
	fake_pci_forget(&dev);
}

static int setup(void **state)
{
	(void)state;
	fake_pci_init(&dev, test_bars);
	start_with(test_bars);
	return 0;
}

static uint32_t rd(unsigned int off, unsigned int size)
{
	uint32_t val = 0x5a5a5a5a;

	assert_int_equal(pci_config_read(&func, off, size, &val), 0);
	return val;
}

static void wr(unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pci_config_write(&func, off, size, val), 0);
}

/* --- set-up --- */

/* SEED-001.14, design decision 8 */
static void test_init_turns_bus_master_off_and_leaves_decode(void **state)
{
	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_put(&dev, PCI_COMMAND, 2, 0x0146);
	fake_pci_put(&dev, PCI_STATUS, 2, 0xf900);
	start_with(test_bars);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2), 0x0542);
	assert_int_equal(fake_pci_get(&dev, PCI_STATUS, 2), 0xf900);
	/* parity and SERR show as they are; the guest's own bits are off */
	assert_int_equal(rd(PCI_COMMAND, 2), 0x0140);
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		assert_false(dev.mapped[i]);
	}
}

/* SEED-002.20, CF-14: the low seven bits are compared, not masked with the register's number. */
static void test_only_type_0_headers_are_taken(void **state)
{
	static const struct {
		uint8_t type;
		int err;
	} cases[] = {{0x00, 0}, {0x80, 0}, {0x01, -EINVAL}, {0x81, -EINVAL}, {0x02, -EINVAL},
		{0x7f, -EINVAL}, {0x10, -EINVAL}, {0x40, -EINVAL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_pci_init(&dev, test_bars);
		fake_pci_put(&dev, PCI_HEADER_TYPE, 1, cases[i].type);
		assert_int_equal(
			pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev), cases[i].err);
		assert_int_equal(dev.nwrites, cases[i].err ? 0 : 1);
	}
}

/* DF-01 */
static void test_absent_device_is_no_device(void **state)
{
	(void)state;
	fake_pci_init(&dev, test_bars);
	dev.absent = true;
	assert_int_equal(pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev), -ENODEV);
	assert_int_equal(dev.nwrites, 0);
}

/* SEED-000.8: nothing is believed after a failed cycle, wherever it is. */
static void test_init_reports_a_failed_cycle_at_every_step(void **state)
{
	unsigned int link = PCI_CAP_PTR, n;

	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, 0x40, PCI_CAP_PM, 8, 0x11, &link);
	start_with(test_bars);
	for (n = 1; n < 100; n++) {
		int err;

		fake_pci_put(&dev, PCI_COMMAND, 2, 6);
		dev.fail_at = n;
		dev.fail_once = true;
		err = pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev);
		if (dev.fail_at) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, -EIO);
	}
	/* vendor, type, COMMAND twice, ids, STATUS, pointer, one capability twice */
	assert_int_equal(n, 10);
}

/* DF-03, SEED-003.31, SEED-001.36: BARs that cannot be are refused before anything is written. */
static void test_impossible_bars_are_refused(void **state)
{
	static const struct {
		struct pci_bar bars[PCI_NUM_BARS];
		int err;
	} cases[] = {
		{{{0}}, 0},
		{{{.size = 16}}, 0},
		{{{.size = 0x80000000, .value = 0x80000000}}, 0},
		{{{.size = 1ull << 63, .is64 = true}, {.upper = true}}, 0},
		{{{0}, {0}, {0}, {0}, {0}, {.size = 0x1000}}, 0},
		{{{.size = 0x18}}, -EINVAL},
		{{{.size = 3}}, -EINVAL},
		{{{.size = 8}}, -EINVAL},
		{{{.size = 0xffffffffffffffff}}, -EINVAL},
		{{{.size = 1ull << 32}}, -EINVAL},
		{{{.size = 1ull << 63}}, -EINVAL},
		{{{.size = 0x2000, .value = 0x80001000}}, -EINVAL},
		{{{.size = 0x1000, .value = 0x100000000}}, -EINVAL},
		{{{.size = 0x1000, .is64 = true}}, -EINVAL},
		{{{.size = 0x1000}, {.upper = true}}, -EINVAL},
		{{{.upper = true}}, -EINVAL},
		{{{.size = 0x1000, .is64 = true}, {.upper = true, .size = 0x1000}}, -EINVAL},
		{{{.size = 0x1000, .is64 = true}, {.size = 0x1000}}, -EINVAL},
		{{{.size = 0x1000, .is64 = true}, {.upper = true}, {.upper = true}}, -EINVAL},
		{{{0}, {0}, {0}, {0}, {0}, {.size = 0x1000, .is64 = true}}, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_pci_init(&dev, cases[i].bars);
		assert_int_equal(
			pci_func_init(&func, 0, cases[i].bars, &fake_pci_ops, &dev), cases[i].err);
		assert_int_equal(dev.nwrites, cases[i].err ? 0 : 1);
	}
}

/* --- header --- */

/*
 * What a fresh function reads, what it reads after ones are written to it, and which bits of the
 * device that changes. SEED-000.9, SEED-000.10, SEED-002.7, SEED-002.8, SEED-002.9, SEED-002.10,
 * SEED-002.11, SEED-002.12, SEED-002.13; CF-04, CF-15.
 */
static void test_header_register_by_register(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t fresh, ones, device;
	} cases[] = {
		{PCI_VENDOR_ID, 4, 0x11e81234, 0x11e81234, 0},
		{PCI_COMMAND, 2, 0x0000, 0x0406, 0x0004},
		{PCI_STATUS, 2, 0x0200, 0x0200, 0},
		{PCI_REVISION, 4, 0xff000010, 0xff000010, 0},
		{PCI_CACHE_LINE, 1, 0x00, 0xff, 0},
		{PCI_LATENCY, 1, 0x00, 0xff, 0},
		{PCI_HEADER_TYPE, 1, 0x00, 0x00, 0},
		{PCI_BIST, 1, 0x00, 0x00, 0},
		{0x10, 4, 0x80000000, 0xfff00000, 0},
		{0x14, 4, 0x8010000c, 0xffff000c, 0},
		{0x18, 4, 0, 0xffffffff, 0},
		{0x1c, 4, 0, 0, 0},
		{0x20, 4, 0x00000004, 0x00000004, 0},
		{0x24, 4, 6, 0xfffffffe, 0},
		{0x28, 4, 0, 0, 0},
		{PCI_SUBSYS_VENDOR, 4, 0x11001af4, 0x11001af4, 0},
		{PCI_ROM_BAR, 4, 0, 0, 0},
		{PCI_CAP_PTR, 4, 0, 0, 0},
		{0x38, 4, 0, 0, 0},
		{PCI_INTERRUPT_LINE, 1, 0x00, 0xff, 0},
		{PCI_INTERRUPT_PIN, 1, 0x00, 0x00, 0},
		{0x3e, 2, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t before;

		setup(state);
		before = fake_pci_get(&dev, cases[i].off, cases[i].size);
		assert_int_equal(rd(cases[i].off, cases[i].size), cases[i].fresh);
		wr(cases[i].off, cases[i].size, 0xffffffff);
		assert_int_equal(rd(cases[i].off, cases[i].size), cases[i].ones);
		assert_int_equal(
			fake_pci_get(&dev, cases[i].off, cases[i].size), before | cases[i].device);
		assert_int_equal(
			dev.nwrites, cases[i].device || cases[i].off == PCI_STATUS ? 1 : 0);
	}
}

/* SEED-000.10: nothing of the host's placement shows, in any width at any place. */
static void test_no_host_bar_address_is_readable(void **state)
{
	(void)state;
	for (unsigned int off = PCI_BAR0; off < PCI_BAR0 + 24; off++) {
		assert_int_not_equal(rd(off, 1), 0x5a);
	}
	assert_int_equal(dev.nreads, 0);
}

/* SEED-001.48: cycles only for bits that are the device's. */
static void test_read_makes_cycles_only_for_the_devices_bits(void **state)
{
	static const struct {
		unsigned int off, size, cycles;
	} cases[] = {{PCI_VENDOR_ID, 2, 1}, {PCI_COMMAND, 2, 1}, {PCI_COMMAND, 4, 1},
		{PCI_CACHE_LINE, 1, 0}, {PCI_CACHE_LINE, 2, 0}, {PCI_CACHE_LINE, 4, 1},
		{PCI_BIST, 1, 0}, {0x10, 4, 0}, {0x16, 2, 0}, {0x27, 1, 0}, {PCI_ROM_BAR, 4, 0},
		{PCI_CAP_PTR, 1, 0}, {PCI_INTERRUPT_LINE, 1, 0}, {PCI_INTERRUPT_LINE, 2, 0},
		{0x40, 4, 0}, {0xfc, 4, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_pci_forget(&dev);
		(void)rd(cases[i].off, cases[i].size);
		assert_int_equal(dev.nreads, cases[i].cycles);
		assert_int_equal(dev.nwrites, 0);
	}
}

/* RT-10, SEED-002.16 */
static void test_bad_access_is_refused_without_a_cycle(void **state)
{
	static const struct {
		unsigned int off, size;
	} bad[] = {{0, 0}, {0, 3}, {0, 8}, {0, 0xffffffff}, {1, 2}, {2, 4}, {3, 2}, {0xfe, 4},
		{0xff, 2}, {0x100, 1}, {0x100, 4}, {0xffc, 4}, {0x1000, 4}, {0xfffffffc, 4},
		{0xffffffff, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t val = 0x5a5a5a5a;

		assert_int_equal(pci_config_read(&func, bad[i].off, bad[i].size, &val), -EINVAL);
		assert_int_equal(val, 0x5a5a5a5a);
		assert_int_equal(pci_config_write(&func, bad[i].off, bad[i].size, 0), -EINVAL);
	}
	assert_int_equal(dev.nreads + dev.nwrites, 0);
}

/* SEED-002.15: any width gives the same bytes. */
static void test_all_widths_give_the_same_bytes(void **state)
{
	(void)state;
	wr(PCI_BAR0, 4, 0xabc00000);
	for (unsigned int off = 0; off < PCI_CONFIG_SIZE; off += 4) {
		uint32_t dword = rd(off, 4);

		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(rd(off + i, 1), dword >> (8 * i) & 0xff);
		}
		assert_int_equal(rd(off, 2), dword & 0xffff);
		assert_int_equal(rd(off + 2, 2), dword >> 16);
	}
}

/* SEED-001.18 */
static void test_multifunction_bit_is_ours(void **state)
{
	(void)state;
	fake_pci_put(&dev, PCI_HEADER_TYPE, 1, 0x80);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0x00);
	pci_func_set_multi(&func, true);
	fake_pci_put(&dev, PCI_HEADER_TYPE, 1, 0x00);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0x80);
	pci_func_set_multi(&func, false);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0x00);
}

/* --- COMMAND --- */

/* SEED-001.14, SEED-001.50: bus master follows the guest, and the bits beside it stay. */
static void test_bus_master_reaches_the_device_and_nothing_else_does(void **state)
{
	(void)state;
	fake_pci_put(&dev, PCI_COMMAND, 4, 0xf9100542);
	wr(PCI_COMMAND, 2, 0xffff);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0xf9100546);
	wr(PCI_COMMAND, 4, 0);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0xf9100542);
	wr(PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0xf9100546);
	assert_int_equal(rd(PCI_COMMAND, 2), 0x0144);
	wr(PCI_COMMAND + 1, 1, 0xff);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0xf9100546);
	assert_int_equal(rd(PCI_COMMAND, 2), 0x0544);
}

/* SEED-001.16, SEED-002.9: the error bits of STATUS clear by a written 1, no other bit changes, and
 * nothing clears that the guest did not name. */
static void test_status_errors_are_cleared_by_a_written_1(void **state)
{
	(void)state;
	fake_pci_put(&dev, PCI_COMMAND, 4, 0xffff0142);
	dev.w1c[PCI_STATUS + 1] = 0xf9;
	wr(PCI_STATUS, 2, 0x8100);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0x7eff0142);
	wr(PCI_STATUS, 1, 0xff);
	wr(PCI_COMMAND, 4, 0x00ff0004);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0x7eff0146);
	wr(PCI_COMMAND, 4, 0xffff0004);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0x06ff0146);
	assert_int_equal(rd(PCI_STATUS, 2), 0x06ef); /* no capabilities are shown */
}

/* CF-01: the device goes on decoding; the guest's MEM is ours. */
static void test_memory_enable_maps_bars_and_stays_ours(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(dev.mapped[0] && dev.mapped[1] && !dev.mapped[4]);
	assert_true(dev.mapped_at[0] == 0x80000000 && dev.mapped_at[1] == 0x80100000);
	assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_false(dev.mapped[0] || dev.mapped[1]);
	assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	assert_int_equal(dev.nmaps, 2);
	assert_int_equal(dev.nunmaps, 2);
}

static void test_repeated_enable_maps_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		wr(PCI_BAR0, 4, 0x80000000);
	}
	assert_int_equal(dev.nmaps, 2);
	assert_int_equal(dev.nunmaps, 0);
}

/* SEED-001.50: device first, then the copy and what follows from it. */
static void test_device_is_written_before_mappings_change(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(dev.ncycles, 4);
	assert_int_equal(dev.cycles[0].op, FAKE_PCI_READ);
	assert_int_equal(dev.cycles[1].op, FAKE_PCI_WRITE);
	assert_int_equal(dev.cycles[2].op, FAKE_PCI_MAP);
	assert_int_equal(dev.cycles[3].op, FAKE_PCI_MAP);
}

static void test_failed_device_write_still_updates_the_copy(void **state)
{
	(void)state;
	dev.fail_writes = true;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
	assert_int_equal(rd(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF);
	assert_true(dev.mapped[0]);
	assert_false(func.gone);
}

/* --- BARs --- */

/* CF-03, SEED-002.11: both halves in both orders, in dwords, words and bytes, MEM on or off. */
static void size_bar1(unsigned int width, bool high_first)
{
	for (unsigned int half = 0; half < 2; half++) {
		unsigned int reg = 0x14 + (high_first ? 4 - 4 * half : 4 * half);

		for (unsigned int i = 0; i < 4; i += width) {
			wr(reg + i, width, ALL_ONES(width));
		}
		assert_false(dev.mapped[1]);
	}
	assert_int_equal(rd(0x14, 4), 0xffff000c);
	assert_int_equal(rd(0x18, 4), 0xffffffff);
	for (unsigned int i = 0; i < 4; i += width) {
		wr(0x14 + i, width, 0x80100000u >> (8 * i) & ALL_ONES(width));
		wr(0x18 + i, width, 0);
	}
	assert_int_equal(rd(0x14, 4), 0x8010000c);
	assert_int_equal(rd(0x18, 4), 0);
}

static void test_64_bit_bar_is_sized_in_any_width_and_order(void **state)
{
	static const unsigned int widths[] = {1, 2, 4};

	(void)state;
	for (unsigned int mem = 0; mem < 2; mem++) {
		wr(PCI_COMMAND, 2, mem ? PCI_COMMAND_MEMORY : 0);
		for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
			dev.nwrites = 0;
			size_bar1(widths[i], false);
			wr(PCI_BAR0 + 8, 4, 0xffffffff);
			size_bar1(widths[i], true);
			assert_int_equal(dev.nwrites, 0);
			assert_true(dev.mapped[1] == (mem == 1));
		}
	}
}

/* CF-02: only our mapping moves. */
static void test_moving_a_bar_moves_the_mapping(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fake_pci_forget(&dev);
	wr(PCI_BAR0, 4, 0x90000000);
	assert_int_equal(dev.ncycles, 2);
	assert_int_equal(dev.cycles[0].op, FAKE_PCI_UNMAP);
	assert_true(dev.cycles[0].val == 0x80000000);
	assert_int_equal(dev.cycles[1].op, FAKE_PCI_MAP);
	assert_true(dev.cycles[1].val == 0x90000000);
	assert_int_equal(rd(PCI_BAR0, 4), 0x90000000);
}

/* CF-02: outside the bridge's window, and over the addresses of MSIs, nothing answers. */
static void test_bar_is_mapped_only_wholly_inside_the_window(void **state)
{
	static const struct {
		uint32_t low, high;
		bool bar1; /* else BAR 0 */
		bool mapped;
	} cases[] = {
		{0x80000000, 0, false, true},
		{0xffe00000, 0, false, true},
		{0xfff00000, 0, false, false}, /* 1 MiB up to the end: over the MSIs */
		{0x7ff00000, 0, false, false},
		{0x00000000, 0, false, false},
		{0xffffffff, 0, false, false},
		{0x90012345, 0, false, true}, /* low bits cannot be written */
		{0xfffe0000, 0, true, true},
		{0xffff0000, 0, true, false},
		{0x90000000, 1, true, false},
		{0x90000000, 0x80000000, true, false},
		{0xffffffff, 0xffffffff, true, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int bar = cases[i].bar1 ? 1 : 0;

		setup(state);
		wr(PCI_BAR0 + 4 * bar, 4, cases[i].low);
		if (bar) {
			wr(0x18, 4, cases[i].high);
		}
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		assert_true(dev.mapped[bar] == cases[i].mapped);
	}
}

static void test_overlapping_bar_stays_unmapped_until_there_is_room(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	wr(0x14, 4, 0x80080000); /* into BAR 0 */
	assert_true(dev.mapped[0] && !dev.mapped[1]);
	wr(PCI_BAR0, 4, 0xa0000000);
	assert_true(dev.mapped[0] && dev.mapped[1]);
	wr(PCI_BAR0, 4, 0x80000000); /* over BAR 1, which was there first */
	assert_true(!dev.mapped[0] && dev.mapped[1]);
	wr(PCI_BAR0, 4, 0x80100000); /* its end touches nothing */
	assert_true(dev.mapped[0] && dev.mapped[1]);
}

static void test_failed_mapping_leaves_unmapped_and_is_tried_again(void **state)
{
	(void)state;
	dev.fail_map = 1;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(!dev.mapped[0] && dev.mapped[1]);
	assert_int_equal(rd(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(dev.mapped[0] && dev.mapped[1]);
}

/* A write that ends in the byte before the BARs or starts behind them moves nothing; one that
 * begins in COMMAND does. */
static void test_neighbours_of_bars_move_nothing(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 4, PCI_COMMAND_MEMORY);
	fake_pci_forget(&dev);
	wr(PCI_CACHE_LINE, 4, 0xffffffff);
	wr(0x28, 4, 0xffffffff);
	wr(PCI_STATUS, 2, 0xffff);
	assert_int_equal(dev.nmaps + dev.nunmaps, 0);
}

/* --- devices that fail --- */

static void assert_gone(void)
{
	static const unsigned int offs[] = {PCI_VENDOR_ID, PCI_COMMAND, PCI_BAR0, PCI_ROM_BAR,
		PCI_CAP_PTR, PCI_INTERRUPT_LINE, 0x40, 0xfc};

	assert_true(func.gone);
	fake_pci_forget(&dev);
	for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
		assert_int_equal(rd(offs[i], 4), 0xffffffff);
		wr(offs[i], 4, 0);
	}
	assert_int_equal(rd(PCI_BIST, 1), 0xff);
	assert_int_equal(dev.ncycles, 0);
}

/* SEED-001.49: all-ones, never an error number as data; and from then on everything is. */
static void test_failed_read_at_every_offset_means_gone(void **state)
{
	for (unsigned int off = 0; off < PCI_CONFIG_SIZE; off += 2) {
		setup(state);
		dev.fail_at = 1;
		dev.fail_once = true;
		if (rd(off, 2) == 0xffff && !dev.fail_at) {
			assert_gone();
		} else {
			assert_int_equal(dev.nreads, 0);
		}
	}
}

/* DF-01: surprise removal, met by reads of each kind and by a write. */
static void test_removed_device_is_noticed(void **state)
{
	static const struct {
		unsigned int off, size;
	} reads[] = {{PCI_VENDOR_ID, 2}, {PCI_VENDOR_ID, 4}, {PCI_VENDOR_ID, 1}, {PCI_STATUS, 2},
		{PCI_COMMAND, 4}, {PCI_SUBSYS_ID, 2}, {PCI_MIN_GNT, 1}, {PCI_CACHE_LINE, 4}};

	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		setup(state);
		dev.absent = true;
		assert_int_equal(rd(reads[i].off, reads[i].size), ALL_ONES(reads[i].size));
		assert_gone();
	}
	setup(state);
	dev.absent = true;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(dev.nwrites, 0);
	assert_false(dev.mapped[0]);
	assert_gone();
}

/* All ones that are the device's own are data. */
static void test_all_ones_of_a_living_device_are_data(void **state)
{
	(void)state;
	fake_pci_put(&dev, PCI_SUBSYS_VENDOR, 4, 0xffffffff);
	assert_int_equal(rd(PCI_SUBSYS_VENDOR, 4), 0xffffffff);
	assert_int_equal(dev.nreads, 2);
	assert_false(func.gone);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x11e81234);
}

/* What the guest has mapped stays: its loads answer all ones, not with a fault. */
static void test_mappings_of_a_gone_device_stay_until_quiesce(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	dev.absent = true;
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0xffffffff);
	assert_true(dev.mapped[0] && dev.mapped[1]);
	pci_func_quiesce(&func);
	assert_false(dev.mapped[0] || dev.mapped[1]);
}

/* --- INTx --- */

/* The device's INTx-disable is set until somebody takes its interrupt, and then the guest's. */
static void test_intx_disable_follows_the_guest_once_it_is_routed(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2), 0x0406);
	pci_func_route_intx(&func);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2), 0x0006);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
	assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);
	wr(PCI_COMMAND + 1, 1, 0);
	assert_false(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);
	assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	pci_func_quiesce(&func);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2) & 0x0404, PCI_COMMAND_INTX_OFF);
}

/* --- quiesce, concurrency --- */

static void test_quiesce_closes_everything(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, 0xffff);
	fake_pci_forget(&dev);
	pci_func_quiesce(&func);
	assert_int_equal(dev.cycles[1].op, FAKE_PCI_WRITE); /* bus master goes before the BARs */
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2), 0x0402);
	assert_false(dev.mapped[0] || dev.mapped[1]);
	assert_int_equal(rd(PCI_COMMAND, 2) & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER), 0);
	pci_func_quiesce(&func);
	assert_int_equal(dev.nunmaps, 2);
}

/* The device fails to say what its COMMAND is: it is told all the same. */
static void test_quiesce_writes_even_if_the_read_fails(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, 0xffff);
	dev.fail_at = 1;
	dev.fail_once = true;
	pci_func_quiesce(&func);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_false(dev.mapped[0]);
}

static void other_cpu(void *arg)
{
	unsigned int *met = arg;
	uint32_t val = 0x5a;

	assert_int_equal(pci_config_read(&func, PCI_VENDOR_ID, 4, &val), -EBUSY);
	assert_int_equal(pci_config_write(&func, PCI_BAR0, 4, 0x90000000), -EBUSY);
	assert_int_equal(val, 0x5a);
	++*met;
}

/* CF-01: a second CPU inside the same function is told to wait; afterwards all goes on. */
static void test_second_access_at_a_time_is_busy(void **state)
{
	unsigned int met = 0;

	(void)state;
	dev.on_read = other_cpu;
	dev.on_read_arg = &met;
	(void)rd(PCI_VENDOR_ID, 4);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(met, 2);
	dev.on_read = NULL;
	assert_int_equal(rd(PCI_BAR0, 4), 0x80000000);
	assert_true(dev.mapped_at[0] == 0x80000000);
}

static void load_meanwhile(void *arg)
{
	unsigned int *met = arg;
	uint64_t val = 0x5a;
	int err = pci_bar_access(&func, 0x80000010, 4, false, &val);

	/* Either as before the write or as after it. */
	assert_true(err == 0 ? val == 0x77777777 : err == -ENXIO && val == 0x5a);
	met[err != 0]++;
}

/* CF-01: in the middle of each cycle of a write to COMMAND another CPU loads from the BAR. It never
 * waits for the cycle, and it never meets a decoder that is off. */
static void test_load_while_memory_is_switched_on_and_off(void **state)
{
	unsigned int met[2] = {0};

	(void)state;
	memset(dev.bar_mem[0] + 0x10, 0x77, 4);
	dev.on_read = load_meanwhile;
	dev.on_read_arg = met;
	for (unsigned int i = 0; i < 100; i++) {
		wr(PCI_COMMAND, 2, i % 2 ? PCI_COMMAND_MASTER : PCI_COMMAND_MEMORY);
		assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	}
	assert_true(met[0] && met[1]);
}

static atomic_bool toggled;

/* What a second CPU found: data, nothing, or what must not be. */
static void *load_and_store(void *arg)
{
	unsigned int *found = arg;

	while (!atomic_load(&toggled)) {
		uint64_t val = 0x5a;
		int err = pci_bar_access(&func, 0x80000010, 4, false, &val);

		if (err == 0 && val == 0x77777777) {
			found[0]++;
		} else if (err == -ENXIO && val == 0x5a) {
			found[1]++;
		} else {
			found[2]++;
		}
		val = 0x77777777;
		err = pci_bar_access(&func, 0x80000010, 4, true, &val);
		found[2] += err != 0 && err != -ENXIO;
	}
	return NULL;
}

/* CF-01: the same by two CPUs that know nothing of each other. */
static void test_two_cpus_race_for_memory_enable(void **state)
{
	unsigned int found[3] = {0};
	pthread_t other;

	(void)state;
	memset(dev.bar_mem[0] + 0x10, 0x77, 4);
	atomic_store(&toggled, false);
	assert_int_equal(pthread_create(&other, NULL, load_and_store, found), 0);
	for (unsigned int i = 0; i < RACES; i++) {
		uint64_t val = 0x5a;

		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		assert_int_equal(pci_bar_access(&func, 0x80000010, 4, false, &val), 0);
		assert_int_equal(val, 0x77777777);
		wr(PCI_COMMAND, 2, 0);
		assert_false(dev.mapped[0]);
		assert_int_equal(pci_bar_access(&func, 0x80000010, 4, false, &val), -ENXIO);
		assert_true(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	}
	atomic_store(&toggled, true);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(found[2], 0);
	assert_int_equal(dev.nmaps, dev.nunmaps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_turns_bus_master_off_and_leaves_decode),
		cmocka_unit_test(test_only_type_0_headers_are_taken),
		cmocka_unit_test(test_absent_device_is_no_device),
		cmocka_unit_test(test_init_reports_a_failed_cycle_at_every_step),
		cmocka_unit_test(test_impossible_bars_are_refused),
		cmocka_unit_test(test_header_register_by_register),
		cmocka_unit_test_setup(test_no_host_bar_address_is_readable, setup),
		cmocka_unit_test_setup(test_read_makes_cycles_only_for_the_devices_bits, setup),
		cmocka_unit_test_setup(test_bad_access_is_refused_without_a_cycle, setup),
		cmocka_unit_test_setup(test_all_widths_give_the_same_bytes, setup),
		cmocka_unit_test_setup(test_multifunction_bit_is_ours, setup),
		cmocka_unit_test_setup(
			test_bus_master_reaches_the_device_and_nothing_else_does, setup),
		cmocka_unit_test_setup(test_status_errors_are_cleared_by_a_written_1, setup),
		cmocka_unit_test_setup(test_memory_enable_maps_bars_and_stays_ours, setup),
		cmocka_unit_test_setup(test_repeated_enable_maps_once, setup),
		cmocka_unit_test_setup(test_device_is_written_before_mappings_change, setup),
		cmocka_unit_test_setup(test_failed_device_write_still_updates_the_copy, setup),
		cmocka_unit_test_setup(test_64_bit_bar_is_sized_in_any_width_and_order, setup),
		cmocka_unit_test_setup(test_moving_a_bar_moves_the_mapping, setup),
		cmocka_unit_test(test_bar_is_mapped_only_wholly_inside_the_window),
		cmocka_unit_test_setup(
			test_overlapping_bar_stays_unmapped_until_there_is_room, setup),
		cmocka_unit_test_setup(
			test_failed_mapping_leaves_unmapped_and_is_tried_again, setup),
		cmocka_unit_test_setup(test_neighbours_of_bars_move_nothing, setup),
		cmocka_unit_test(test_failed_read_at_every_offset_means_gone),
		cmocka_unit_test(test_removed_device_is_noticed),
		cmocka_unit_test_setup(test_all_ones_of_a_living_device_are_data, setup),
		cmocka_unit_test_setup(test_mappings_of_a_gone_device_stay_until_quiesce, setup),
		cmocka_unit_test_setup(
			test_intx_disable_follows_the_guest_once_it_is_routed, setup),
		cmocka_unit_test_setup(test_quiesce_closes_everything, setup),
		cmocka_unit_test_setup(test_quiesce_writes_even_if_the_read_fails, setup),
		cmocka_unit_test_setup(test_second_access_at_a_time_is_busy, setup),
		cmocka_unit_test_setup(test_load_while_memory_is_switched_on_and_off, setup),
		cmocka_unit_test_setup(test_two_cpus_race_for_memory_enable, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
