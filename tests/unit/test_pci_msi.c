// SPDX-License-Identifier: Apache-2.0
/*
 * core/pci_msi.c and the pieces of core/pci_bars.c: capabilities, the split of BARs round the
 * MSI-X table, and what reaches the device. Who is granted what is in test_msi.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/pci_msi.h"
#include "tests/fake/fake_pci.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MSI	 0x40u
#define MSIX	 0x60u
#define ENABLE_X 0x8000u
#define MASK_ALL 0x4000u

/* BAR 0: 4 KiB; 1+2: 64-bit, 32 KiB; 4: 256 bytes; 5: 2 MiB, more than its fake has memory. */
static const struct pci_bar test_bars[PCI_NUM_BARS] = {
	{.size = 0x1000, .value = 0x80000000},
	{.size = 0x8000, .is64 = true, .value = 0x80010000},
	{.upper = true},
	{0},
	{.size = 0x100, .value = 0x80020000},
	{.size = 0x200000, .value = 0x80200000},
};

static struct fake_pci dev;
static struct pci_func func;

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

static int init_func(void)
{
	return pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev);
}

/* MSI with these flags and MSI-X of n entries. */
static void start_with(uint16_t msi, unsigned int n, uint32_t table, uint32_t pba)
{
	unsigned int link = PCI_CAP_PTR;

	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, MSI, PCI_CAP_MSI, 24, 0xee, &link);
	fake_pci_put(&dev, MSI + 2, 2, msi);
	fake_pci_add_msix(&dev, MSIX, n, table, pba, &link);
	dev.config[MSIX + 3] |= 0x80;
	assert_int_equal(init_func(), 0);
	fake_pci_forget(&dev);
}

/* 64-bit MSI of 8 with mask bits; 10 entries at 0x2000 of BAR 1, pending bits at 0x3000. */
static int setup(void **state)
{
	(void)state;
	start_with(0x0186, 10, 0x2001, 0x3001);
	return 0;
}

/* --- what may be --- */

struct place_case {
	unsigned int entries;
	uint32_t table, pba;
	int err;
};

/* SEED-001.34, SEED-001.36, SEED-001.44, SEED-003.16, MM-03: BAR and offset of both, each edge by
 * what is next. */
static const struct place_case places[] = {
	{1, 0x0000, 0x0010, 0},
	{1, 0x0000, 0x0008, -EINVAL}, /* over each other */
	{2, 0x0000, 0x0018, -EINVAL},
	{2, 0x0000, 0x0020, 0},
	{1, 0x0008, 0x0000, 0},
	{65, 0x0000, 0x0ff0, 0}, /* 16 bytes of pending bits */
	{65, 0x0000, 0x0ff8, -EINVAL},
	{64, 0x0000, 0x0ff8, 0},
	{1, 0x0ff0, 0x0000, 0},
	{1, 0x0ff8, 0x0000, -EINVAL},
	{1, 0x1000, 0x0000, -EINVAL},
	{255, 0x0000, 0x0ff0, -EINVAL}, /* 32 bytes of pending bits */
	{254, 0x0000, 0x0fe0, 0},
	{256, 0x0000, 0x0001, 0}, /* all of BAR 0, and the other elsewhere */
	{257, 0x0000, 0x0001, -EINVAL},
	{2048, 0x0001, 0x0000, 0},
	{2048, 0x0009, 0x0000, -EINVAL},
	{2048, 0x0000, 0x0001, -EINVAL}, /* size 2048 on a small BAR */
	{2048, 0x0004, 0x0000, -EINVAL},
	{1, 0x0002, 0x0000, -EINVAL}, /* the upper half of BAR 1 */
	{1, 0x0003, 0x0000, -EINVAL}, /* absent */
	{1, 0x0000, 0x0003, -EINVAL},
	{1, 0x0005, 0x0000, 0},
	{1, 0x0006, 0x0000, -EINVAL},
	{1, 0x0007, 0x0000, -EINVAL},
	{1, 0x0000, 0x0006, -EINVAL},
	{1, 0x0000, 0x0007, -EINVAL},
	{1, 0xfffffff8, 0x0001, -EINVAL},
	{1, 0x0001, 0xfffffff8, -EINVAL},
};

static void test_table_and_pending_bits_must_be_in_memory_bars_and_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place_case *c = &places[i];
		unsigned int link = PCI_CAP_PTR;
		int err;

		fake_pci_init(&dev, test_bars);
		fake_pci_add_msix(&dev, MSIX, c->entries, c->table, c->pba, &link);
		err = init_func();
		if (err != c->err) {
			fail_msg("case %zu: %d", i, err);
		}
		if (err) {
			assert_int_equal(dev.nbar_writes, 0);
		}
	}
}

/* SEED-001.34, SEED-001.35: by the device's own ids, and only where its word is impossible. */
static void test_pending_bits_reported_wrong_are_found(void **state)
{
	static const struct {
		uint32_t ids, pba, want;
		int err;
	} cases[] = {
		{0x58001425, 0x8001, 0x1001, 0}, {0x58ff1425, 0xfff9, 0x1001, 0},
		{0x58001425, 0x4001, 0x4001, 0}, /* possible: believed */
		{0x57001425, 0x8001, 0, -EINVAL}, {0x58001424, 0x8001, 0, -EINVAL},
		{0x58001425, 0x1000, 0, -EINVAL}, /* its BAR 0 has no 0x1000 either */
		{0x58001425, 0x8006, 0, -EINVAL}, {0x36851d22, 0x200005, 0xb405, 0},
		{0x36851d22, 0x1ffff5, 0x1ffff5, 0}, {0x36841d22, 0x200005, 0, -EINVAL},
		{0x36851d22, 0x8001, 0, -EINVAL}, /* nor has its BAR 1 0xb400 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int link = PCI_CAP_PTR;

		fake_pci_init(&dev, test_bars);
		fake_pci_put(&dev, PCI_VENDOR_ID, 4, cases[i].ids);
		fake_pci_add_msix(&dev, MSIX, 4, 0x2001, cases[i].pba, &link);
		assert_int_equal(init_func(), cases[i].err);
		if (!cases[i].err) {
			assert_int_equal(rd(MSIX + 8, 4), cases[i].want);
		}
	}
}

/* SEED-001.35: ids that replace the device's change nothing, neither to those of a quirk nor from
 * them, and whatever is done to the function after. */
static void test_ids_of_a_guest_are_no_quirks(void **state)
{
	static const struct {
		uint32_t device;
		int32_t vendor, id;
		uint32_t pba;
	} cases[] = {{0x58001425, 0x1234, 0x11e8, 0x1001}, {0x11e81234, 0x1425, 0x5800, 0x3001}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pci_ids ids = {cases[i].vendor, cases[i].id, -1, -1};
		unsigned int link = PCI_CAP_PTR;

		fake_pci_init(&dev, test_bars);
		fake_pci_put(&dev, PCI_VENDOR_ID, 4, cases[i].device);
		fake_pci_add_msix(&dev, MSIX, 4, 0x2001, i ? 0x3001 : 0x8001, &link);
		assert_int_equal(init_func(), 0);
		assert_int_equal(pci_func_override_ids(&func, &ids), 0);
		assert_int_equal(rd(PCI_VENDOR_ID, 2), (uint32_t)cases[i].vendor);
		assert_int_equal(rd(MSIX + 8, 4), cases[i].pba);
		assert_int_equal(func.msix.pba, cases[i].pba & ~7u);
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		for (unsigned int k = 0; k < dev.npieces; k++) {
			assert_false(dev.pieces[k].bar == 1 &&
				     func.msix.pba - dev.pieces[k].off < dev.pieces[k].len);
		}
	}
}

/* SEED-001.33: nothing is believed after a failed cycle. */
static void test_failed_cycle_at_every_step_of_set_up(void **state)
{
	unsigned int n = 1;
	int err;

	do {
		setup(state);
		dev.fail_at = n++;
		dev.fail_once = true;
		err = init_func();
		assert_int_equal(err, dev.fail_at ? 0 : -EIO);
	} while (err);
	/* 5 of the header, 3 of the list, twice 2; MSI and MSI-X keep 4, 3 are checked; both off */
	assert_int_equal(n, 22);
}

/* SEED-001.45: whoever had it before, no vector is open and nothing is sent. */
static void test_start_state_is_off_and_masked(void **state)
{
	setup(state);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 1, 0);
	assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), 9);
	assert_int_equal(rd(MSIX + 2, 2), 9);
	for (unsigned int v = 0; v < 10; v++) {
		assert_int_equal(fake_pci_entry(&dev, v, 12), 1);
	}
	/* and not one write further */
	assert_int_equal(dev.bar_mem[1][0x2000 + 160], 0);
}

/* --- config space --- */

/* CF-09, SEED-001.45: what a fresh register reads, and after ones were written; never a write to
 * the device, and no read of it. */
static void test_capabilities_are_all_ours_until_a_grant(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t fresh, ones;
	} cases[] = {
		{MSI, 2, 0x6005, 0x6005},
		{MSI + 2, 2, 0x0086, 0x00f7}, /* no mask bits are shown */
		{MSI + 4, 4, 0, 0xfffffffc},
		{MSI + 8, 4, 0, 0xffffffff},
		{MSI + 12, 4, 0, 0x0000ffff},
		{MSI + 16, 4, 0, 0},
		{MSI + 20, 4, 0, 0},
		{MSIX, 2, 0x0011, 0x0011},
		{MSIX + 2, 2, 0x0009, 0xc009},
		{MSIX + 4, 4, 0x2001, 0x2001},
		{MSIX + 8, 4, 0x3001, 0x3001},
	};
	uint8_t before[PCI_CONFIG_SIZE];

	setup(state);
	memcpy(before, dev.config, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(rd(cases[i].off, cases[i].size), cases[i].fresh);
		wr(cases[i].off, cases[i].size, 0xffffffff);
		if (rd(cases[i].off, cases[i].size) != cases[i].ones) {
			fail_msg("0x%x reads 0x%x", cases[i].off, rd(cases[i].off, cases[i].size));
		}
	}
	assert_memory_equal(before, dev.config, sizeof(before));
	assert_int_equal(dev.nreads + dev.nwrites, 0);
}

/* SEED-001.44, last part */
static void test_without_messages_both_are_hidden(void **state)
{
	setup(state);
	pci_func_hide_msi(&func);
	assert_int_equal(rd(PCI_CAP_PTR, 1), 0);
	assert_int_equal(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, 0);
	for (unsigned int off = PCI_CAP_FIRST; off < PCI_CAP_LIMIT; off += 4) {
		wr(off, 4, 0xffffffff);
		assert_int_equal(rd(off, 4), 0);
	}
	/* The table may hold messages of whoever had the device before. */
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(dev.npieces, 5);
}

static void test_hiding_keeps_what_is_between(void **state)
{
	unsigned int link = PCI_CAP_PTR;

	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_add_msix(&dev, 0x40, 1, 0, 0x100, &link);
	fake_pci_add_cap(&dev, 0x50, PCI_CAP_VENDOR, 8, 8, &link);
	fake_pci_add_cap(&dev, 0x60, PCI_CAP_MSI, 24, 0, &link);
	fake_pci_add_cap(&dev, 0x80, PCI_CAP_VENDOR, 8, 8, &link);
	assert_int_equal(init_func(), 0);
	pci_func_hide_msi(&func);
	assert_int_equal(rd(PCI_CAP_PTR, 1), 0x50);
	assert_int_equal(rd(0x51, 1), 0x80);
	assert_int_equal(rd(0x81, 1), 0);
}

/* --- mappings --- */

/* SEED-001.38, in pages of 4 KiB: the pieces of BAR 1 for places of table and pending bits. */
static void test_mapping_leaves_out_table_and_pending_bits(void **state)
{
	static const struct {
		unsigned int entries;
		uint32_t table, pba;
		struct {
			uint64_t off, len;
		} want[3];
	} cases[] = {
		{10, 0x0001, 0x0101, {{0x1000, 0x7000}}},
		{10, 0x7001, 0x7101, {{0, 0x7000}}},
		{10, 0x2001, 0x3001, {{0, 0x2000}, {0x4000, 0x4000}}},
		{10, 0x3001, 0x2001, {{0, 0x2000}, {0x4000, 0x4000}}},
		{10, 0x2001, 0x5001, {{0, 0x2000}, {0x3000, 0x2000}, {0x6000, 0x2000}}},
		{10, 0x2ff9, 0x5001, {{0, 0x2000}, {0x4000, 0x1000}, {0x6000, 0x2000}}},
		{256, 0x1001, 0x2001, {{0, 0x1000}, {0x3000, 0x5000}}},
		{257, 0x1001, 0x3001, {{0, 0x1000}, {0x4000, 0x4000}}},
		{10, 0x2001, 0x0000, {{0, 0x2000}, {0x3000, 0x5000}}},
		{10, 0x0000, 0x2001, {{0, 0x2000}, {0x3000, 0x5000}}},
		{2048, 0x0001, 0x0000, {{0, 0}}},
		{10, 0x0000, 0x0100, {{0, 0x8000}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int n = 0, found = 0, want = 0;

		start_with(0, cases[i].entries, cases[i].table, cases[i].pba);
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		for (unsigned int k = 0; k < dev.npieces; k++) {
			n += dev.pieces[k].bar == 1;
		}
		for (unsigned int w = 0; w < 3 && cases[i].want[w].len; w++, want++) {
			for (unsigned int k = 0; k < dev.npieces; k++) {
				found += dev.pieces[k].bar == 1 &&
					 dev.pieces[k].off == cases[i].want[w].off &&
					 dev.pieces[k].len == cases[i].want[w].len;
			}
		}
		if (n != want || found != want) {
			fail_msg("case %zu: %u pieces, %u of them right", i, n, found);
		}
		wr(PCI_BAR0 + 4, 4, 0x90000000);
		wr(PCI_COMMAND, 2, 0);
		assert_int_equal(dev.npieces, 0);
	}
}

static void test_bar_is_mapped_in_all_its_pieces_or_not(void **state)
{
	for (unsigned int n = 2; n <= 4; n++) {
		(void)state;
		start_with(0, 10, 0x2001, 0x5001);
		dev.fail_map = n; /* BAR 0 is the first */
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		assert_false(dev.mapped[1]);
		assert_true(dev.mapped[0] && dev.mapped[5]);
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		assert_true(dev.mapped[1]);
		assert_int_equal(dev.npieces, 6);
	}
}

/* --- accesses --- */

static uint64_t load(uint64_t bus, unsigned int size)
{
	uint64_t val = 0x5a5a5a5a5a5a5a5a;

	assert_int_equal(pci_bar_access(&func, bus, size, false, &val), 0);
	return val;
}

static void store(uint64_t bus, unsigned int size, uint64_t val)
{
	assert_int_equal(pci_bar_access(&func, bus, size, true, &val), 0);
}

#define BAR1   0x80010000u
#define ENTRY0 (BAR1 + 0x2000)
#define PBA    (BAR1 + 0x3000)

static void test_accesses_need_a_bar_that_is_enabled(void **state)
{
	/* SEED-003.30: a BAR of less than a page has a page to itself, the rest is empty. */
	static const struct {
		uint64_t bus;
		unsigned int size;
		int err;
	} cases[] = {
		{ENTRY0, 4, 0},
		{BAR1, 8, 0},
		{BAR1 + 0x7ff8, 8, 0},
		{BAR1 + 0x8000, 4, -ENOENT},
		{BAR1 - 4, 4, -ENOENT},
		{0x80000000, 4, 0},
		{0x80020ffc, 4, 0}, /* the rest of the page of a small BAR */
		{0x80021000, 4, -ENOENT},
		{0, 4, -ENOENT},
		{UINT64_MAX - 3, 4, -ENOENT},
		{BAR1 + 1, 2, -ENOENT},
		{BAR1 + 4, 8, -ENOENT},
		{BAR1, 3, -ENOENT},
		{BAR1, 0, -ENOENT},
		{BAR1, 16, -ENOENT},
	};
	uint64_t val;

	setup(state);
	for (unsigned int on = 0; on < 2; on++) {
		wr(PCI_COMMAND, 2, on ? PCI_COMMAND_MEMORY : 0);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			int err = pci_bar_access(&func, cases[i].bus, cases[i].size, false, &val);

			/* CF-01, VF-15: with memory off nothing answers, and nothing breaks. */
			assert_int_equal(err, on || cases[i].err ? cases[i].err : -ENXIO);
			if (!on) {
				err = pci_bar_access(
					&func, cases[i].bus, cases[i].size, true, &val);
				assert_int_not_equal(err, 0);
				assert_int_equal(dev.nbar_reads + dev.nbar_writes, 0);
			}
		}
	}
}

/* SEED-003.33: no MSI-X is no table at offset 0 of BAR 0, nor at bus address 0. */
static void test_no_msix_is_no_table_at_zero(void **state)
{
	uint64_t val = 0x55;

	(void)state;
	fake_pci_init(&dev, test_bars);
	assert_int_equal(init_func(), 0);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(dev.mapped[0] && dev.npieces == 4);
	assert_int_equal(pci_bar_access(&func, 0x8000000c, 4, true, &val), 0);
	assert_int_equal(dev.bar_mem[0][0xc], 0x55);
	wr(PCI_BAR0, 4, 0);
	assert_false(dev.mapped[0]);
	assert_int_equal(pci_bar_access(&func, 0xc, 4, false, &val), -ENXIO);
}

static char said[200];
static unsigned int nsaid;

static void say(const char *text, size_t len)
{
	assert_true(len < sizeof(said));
	memcpy(said, text, len);
	said[len] = '\0';
	nsaid++;
}

static uint64_t no_time(void)
{
	return 0;
}

/* SEED-001.37, SEED-001.39: a BAR that cannot be mapped answers all the same, and that is said. */
static void test_bar_that_is_not_mapped_is_trapped(void **state)
{
	static const struct log_sink sink = {say, no_time};
	uint64_t val = 0x1122334455667788;

	setup(state);
	dev.fail_map = 1; /* BAR 0 */
	log_set_sink(&sink);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	log_set_sink(NULL);
	assert_int_equal(nsaid, 1);
	assert_non_null(strstr(said, ": BAR 0 cannot be mapped (-"));
	assert_false(dev.mapped[0]);
	assert_int_equal(pci_bar_access(&func, 0x80000108, 8, true, &val), 0);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(dev.bar_mem[0][0x108 + i], 0x88 - 0x11 * i);
		assert_int_equal(pci_bar_access(&func, 0x80000108 + i, 1, false, &val), 0);
		assert_int_equal(val, 0x88 - 0x11 * i);
	}
	wr(PCI_COMMAND, 2, 0);
	assert_int_equal(pci_bar_access(&func, 0x80000108, 4, false, &val), -ENXIO);
}

static void grant(enum pci_irq_kind kind, unsigned int n, uint32_t number)
{
	unsigned int block = 1;

	while (block < n && kind == PCI_IRQ_MSI) {
		block *= 2;
	}
	assert_true(pci_func_claim(&func));
	for (unsigned int v = 0; kind == PCI_IRQ_MSIX && v < n; v++) {
		assert_int_equal(pci_msix_write(&func, v, 0x1000000000000200 + v, 0x70 + v), 0);
	}
	if (kind == PCI_IRQ_MSI) {
		assert_int_equal(pci_msi_write(&func, 0x1000000000000200, 0x78,
					 (unsigned int)__builtin_ctz(block)),
			0);
	}
	pci_msi_grant(&func, &(struct pci_grant){.kind = kind,
				     .n = n,
				     .number = number,
				     .nmessages = kind == PCI_IRQ_MSI ? block : n});
	pci_func_yield(&func);
}

static void revoke(void)
{
	assert_true(pci_func_claim(&func));
	pci_msi_revoke(&func);
	pci_func_yield(&func);
}

/* Design decision 17: a message made up, in any width; the real one is never read. */
static void test_table_reads_as_a_made_up_message(void **state)
{
	static const struct {
		unsigned int off, size;
		uint64_t want;
	} cases[] = {
		{0, 8, 0xffff0000},
		{0, 4, 0xffff0000},
		{2, 1, 0xff},
		{4, 4, 0},
		{8, 8, 0x100001303},
		{8, 4, 0x1303},
		{8, 2, 0x1303},
		{9, 1, 0x13},
		{12, 4, 1},
		{12, 1, 1},
		{14, 2, 0},
	};

	setup(state);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(load(ENTRY0, 8) == 0 && load(ENTRY0 + 8, 8) == 0x100000000);
	grant(PCI_IRQ_MSIX, 4, 0x1300);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(load(ENTRY0 + 0x30 + cases[i].off, cases[i].size) == cases[i].want);
	}
	/* what was not granted has none */
	assert_true(load(ENTRY0 + 0x40, 8) == 0 && load(ENTRY0 + 0x48, 8) == 0x100000000);
	assert_int_equal(dev.nbar_reads, 0);
	revoke();
	assert_true(load(ENTRY0 + 0x30, 8) == 0);
}

/* MM-02: every aligned access of every size to table and pending bits, with ones and with zeros:
 * real addresses and data stay, and bytes beside them, too. */
static void test_table_writes_reach_the_mask_bit_only(void **state)
{
	static uint8_t before[FAKE_PCI_BAR_MEM];

	setup(state);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	grant(PCI_IRQ_MSIX, 4, 0x1300);
	memcpy(before, dev.bar_mem[1], sizeof(before));
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (uint64_t off = 0; off < 160; off += size) {
			unsigned int v = (unsigned int)off / 16;
			bool control = off % 16 <= 12 && off % 16 + size > 12;

			fake_pci_forget(&dev);
			store(ENTRY0 + off, size, 0);
			assert_int_equal(dev.nbar_writes, control && v < 4);
			assert_int_equal(fake_pci_entry(&dev, v, 12), !(control && v < 4));
			assert_int_equal(load(ENTRY0 + 16 * v + 12, 4), !control);
			store(ENTRY0 + off, size, UINT64_MAX);
			assert_int_equal(load(ENTRY0 + 16 * v + 12, 4), 1);
		}
		for (uint64_t off = 0; off < 8; off += size) {
			fake_pci_forget(&dev);
			store(PBA + off, size, UINT64_MAX);
			assert_int_equal(dev.nbar_writes, 0);
		}
	}
	assert_memory_equal(before, dev.bar_mem[1], sizeof(before));
	/* the neighbours are registers like any other */
	store(ENTRY0 + 160, 4, 0x12345678);
	store(PBA + 8, 8, 0x1122334455667788);
	assert_int_equal(dev.bar_mem[1][0x20a3], 0x12);
	assert_int_equal(dev.bar_mem[1][0x300f], 0x11);
}

/* SEED-001.37: the same bytes in any width, from a page that is mapped and from one that is not. */
static void test_trapped_bytes_are_the_devices(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (unsigned int i = 0; i < 0x8000; i++) {
		if (i < 0x2000 || i >= 0x2100) {
			dev.bar_mem[1][i] = (uint8_t)(i * 7 + (i >> 8));
		}
	}
	for (unsigned int at = 0x2100; at < 0x3100; at += 8) {
		uint64_t whole = load(BAR1 + at, 8);

		for (unsigned int i = 0; i < 8; i++) {
			assert_int_equal(whole >> (8 * i) & 0xff, dev.bar_mem[1][at + i]);
			assert_int_equal(load(BAR1 + at + i, 1), dev.bar_mem[1][at + i]);
		}
		assert_true(load(BAR1 + at + 4, 4) == whole >> 32);
	}
	assert_int_equal(
		load(BAR1 + 8, 1), 8 * 7); /* a page that is mapped can be reached so, too */
}

static void test_gone_device_and_the_space_behind_a_bar_read_ones(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(load(0x80020100, 4) == 0xffffffff);
	assert_true(load(0x80020ff8, 8) == UINT64_MAX);
	store(0x80020100, 4, 0);
	assert_int_equal(dev.nbar_writes, 0);
	dev.absent = true;
	assert_true(load(BAR1 + 0x2200, 2) == 0xffff);
	store(BAR1 + 0x2200, 2, 0);
}

/* --- grants --- */

/* The device's MSI-X flags word for what the guest writes, before, during and after a grant.
 * SEED-001.51, SEED-001.53: enabled with every vector masked is enabled; CF-09: not without a
 * grant. */
static void test_device_follows_the_guest_while_granted(void **state)
{
	static const uint16_t flags[] = {
		0, ENABLE_X | MASK_ALL, ENABLE_X, ENABLE_X | MASK_ALL, MASK_ALL, ENABLE_X, 0};

	setup(state);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		wr(MSIX + 2, 2, flags[i]);
		assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), 9);
	}
	assert_int_equal(dev.nwrites, 0);
	wr(MSIX + 2, 2, ENABLE_X | MASK_ALL);
	grant(PCI_IRQ_MSIX, 10, 0x1300);
	assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), ENABLE_X | MASK_ALL | 9);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		/* by halves as well as whole */
		wr(i % 2 ? MSIX + 3 : MSIX + 2, i % 2 ? 1 : 2, i % 2 ? flags[i] >> 8 : flags[i]);
		assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), flags[i] | 9);
		assert_int_equal(rd(MSIX + 2, 2), flags[i] | 9);
	}
	wr(MSIX + 2, 2, ENABLE_X);
	revoke();
	assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), 9);
	assert_int_equal(rd(MSIX + 2, 2), ENABLE_X | 9);
	wr(MSIX + 2, 2, MASK_ALL);
	assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2), 9);
}

/* Vectors the guest had unmasked before open with the grant; all close with its end. */
static void test_vectors_open_as_far_as_unmasked_and_granted(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	store(ENTRY0 + 0x1c, 4, 0);
	store(ENTRY0 + 0x5c, 4, 0);
	assert_int_equal(dev.nbar_writes, 0);
	grant(PCI_IRQ_MSIX, 4, 0x1300);
	for (unsigned int v = 0; v < 10; v++) {
		assert_int_equal(fake_pci_entry(&dev, v, 12), v != 1);
	}
	assert_int_equal(fake_pci_entry(&dev, 3, 0), 0x203);
	assert_int_equal(fake_pci_entry(&dev, 3, 4), 0x10000000);
	assert_int_equal(fake_pci_entry(&dev, 3, 8), 0x73);
	revoke();
	assert_int_equal(fake_pci_entry(&dev, 1, 12), 1);
	assert_int_equal(load(ENTRY0 + 0x1c, 4), 0);
}

static void test_msi_is_written_and_enabled_by_the_grant(void **state)
{
	setup(state);
	grant(PCI_IRQ_MSI, 3, 0x1304);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 0x71, 0x21);
	assert_int_equal(fake_pci_get(&dev, MSI + 4, 4), 0x200);
	assert_int_equal(fake_pci_get(&dev, MSI + 8, 4), 0x10000000);
	assert_int_equal(fake_pci_get(&dev, MSI + 12, 2), 0x78);
	assert_int_equal(fake_pci_get(&dev, MSI + 16, 4), 0); /* the masks nobody sees */
	assert_int_equal(rd(MSI + 2, 2), 0x00a7);
	assert_int_equal(rd(MSI + 4, 4), 0xffff0000);
	assert_int_equal(rd(MSI + 8, 4), 0);
	assert_int_equal(rd(MSI + 12, 2), 0x1304);
	/* The guest's own count, address and data go no further. */
	wr(MSI + 2, 2, 0x0001);
	wr(MSI + 4, 4, 0xdeadbeef);
	wr(MSI + 8, 4, 0xdeadbeef);
	wr(MSI + 12, 2, 0xbeef);
	for (unsigned int off = MSI + 4; off < MSI + 14; off++) {
		wr(off, 1, 0x5a); /* nor in parts (SEED-001.51) */
	}
	assert_int_equal(rd(MSI + 8, 4), 0x5a5a5a5a);
	assert_int_equal(fake_pci_get(&dev, MSI + 8, 4), 0x10000000);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 0x71, 0x21);
	assert_int_equal(fake_pci_get(&dev, MSI + 4, 4), 0x200);
	assert_int_equal(fake_pci_get(&dev, MSI + 12, 2), 0x78);
	wr(MSI + 2, 1, 0);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 1, 0);
	wr(MSI + 2, 1, 1);
	revoke();
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 0x71, 0);
	pci_msi_disable(&func);
	assert_int_equal(rd(MSI + 2, 2) & 1, 0);
}

/* A 32-bit function has its data, and its masks, four bytes earlier. */
static void test_msi_of_32_bits(void **state)
{
	(void)state;
	start_with(0x0106, 10, 0x2001, 0x3001);
	assert_true(pci_func_claim(&func));
	assert_int_equal(pci_msi_write(&func, 0xffff0000, 5, 0), 0);
	pci_func_yield(&func);
	assert_int_equal(fake_pci_get(&dev, MSI + 4, 4), 0xffff0000);
	assert_int_equal(fake_pci_get(&dev, MSI + 8, 4), 0xeeee0005);
	assert_int_equal(fake_pci_get(&dev, MSI + 12, 4), 0);
	assert_int_equal(fake_pci_get(&dev, MSI + 16, 4), 0xeeeeeeee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_and_pending_bits_must_be_in_memory_bars_and_apart),
		cmocka_unit_test(test_pending_bits_reported_wrong_are_found),
		cmocka_unit_test(test_ids_of_a_guest_are_no_quirks),
		cmocka_unit_test(test_failed_cycle_at_every_step_of_set_up),
		cmocka_unit_test(test_start_state_is_off_and_masked),
		cmocka_unit_test(test_capabilities_are_all_ours_until_a_grant),
		cmocka_unit_test(test_without_messages_both_are_hidden),
		cmocka_unit_test(test_hiding_keeps_what_is_between),
		cmocka_unit_test(test_mapping_leaves_out_table_and_pending_bits),
		cmocka_unit_test(test_bar_is_mapped_in_all_its_pieces_or_not),
		cmocka_unit_test(test_accesses_need_a_bar_that_is_enabled),
		cmocka_unit_test(test_no_msix_is_no_table_at_zero),
		cmocka_unit_test(test_bar_that_is_not_mapped_is_trapped),
		cmocka_unit_test(test_table_reads_as_a_made_up_message),
		cmocka_unit_test(test_table_writes_reach_the_mask_bit_only),
		cmocka_unit_test(test_trapped_bytes_are_the_devices),
		cmocka_unit_test(test_gone_device_and_the_space_behind_a_bar_read_ones),
		cmocka_unit_test(test_device_follows_the_guest_while_granted),
		cmocka_unit_test(test_vectors_open_as_far_as_unmasked_and_granted),
		cmocka_unit_test(test_msi_is_written_and_enabled_by_the_grant),
		cmocka_unit_test(test_msi_of_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
