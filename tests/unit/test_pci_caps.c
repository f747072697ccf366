// SPDX-License-Identifier: Apache-2.0
/*
 * core/pci_caps.c: what becomes of a device's lists of capabilities, and of those in them that
 * reach further than the function.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci_msi.h"
#include "tests/fake/fake_pci.h"
#include "tests/unit/caps_help.h"

#include <string.h>

/* --- the first list --- */

struct cap_case {
	const char *what;
	struct {
		uint8_t pos, id, next;
		uint16_t flags;
	} caps[6];
	bool no_flag;
	uint8_t ptr;
	uint8_t want[4]; /* positions shown, ends with 0 */
};

static const struct cap_case cap_cases[] = {
	{"none", {{0}}, false, 0, {0}},
	{"flag clear", {{0x40, 1, 0, 0}}, true, 0x40, {0}},
	{"PM alone", {{0x40, 1, 0, 0}}, false, 0x40, {0x40}},
	{"low bits of pointers", {{0x40, 1, 0x52, 0}, {0x50, 9, 1, 4}}, false, 0x43, {0x40, 0x50}},
	{"MSI before", {{0x40, 5, 0x50, 0}, {0x50, 1, 0, 0}}, false, 0x40, {0x40, 0x50}},
	{"MSI cut by a neighbour", {{0x40, 5, 0x48, 0}, {0x48, 1, 0, 0}}, false, 0x40, {0x48}},
	{"64-bit MSI cut", {{0x40, 5, 0x4c, 0x80}, {0x4c, 1, 0, 0}}, false, 0x40, {0x4c}},
	{"64-bit MSI", {{0x40, 5, 0x50, 0x80}, {0x50, 1, 0, 0}}, false, 0x40, {0x40, 0x50}},
	{"masks of MSI cut", {{0x40, 5, 0x50, 0x100}, {0x50, 1, 0, 0}}, false, 0x40, {0x50}},
	{"MSI of reserved size", {{0x40, 5, 0, 6 << 1}}, false, 0x40, {0}},
	{"second MSI", {{0x40, 5, 0x50, 0}, {0x50, 5, 0, 0}}, false, 0x40, {0x40}},
	{"MSI-X over the end", {{0xf8, 0x11, 0, 0}}, false, 0xf8, {0}},
	{"unknown between", {{0x40, 1, 0x50, 0}, {0x50, 9, 0x60, 0}, {0x60, 0x10, 0, 2}}, false,
		0x40, {0x40, 0x60}},
	{"VPD last", {{0x60, 1, 0x50, 0}, {0x50, 3, 0, 0}}, false, 0x60, {0x60, 0x50}},
	{"VPD cut", {{0x40, 3, 0x44, 0}, {0x44, 1, 0, 0}}, false, 0x40, {0x44}},
	{"vendor of no length", {{0x40, 9, 0, 0}}, false, 0x40, {0}},
	{"vendor of 1", {{0x40, 9, 0, 1}}, false, 0x40, {0}},
	{"vendor of 2", {{0x40, 9, 0, 2}}, false, 0x40, {0}},
	{"vendor of 3", {{0x40, 9, 0, 3}}, false, 0x40, {0x40}},
	{"vendor past the end", {{0x40, 9, 0, 0xff}}, false, 0x40, {0}},
	{"vendor to the end", {{0x40, 9, 0, 0xc0}}, false, 0x40, {0x40}},
	{"vendor over a neighbour", {{0x40, 9, 0x50, 0x11}, {0x50, 1, 0, 0}}, false, 0x40, {0x50}},
	{"vendor up to a neighbour", {{0x40, 9, 0x50, 0x10}, {0x50, 1, 0, 0}}, false, 0x40,
		{0x40, 0x50}},
	{"vendor inside MSI", {{0x40, 5, 0x4c, 0x80}, {0x4c, 9, 0, 8}}, false, 0x40, {0}},
	{"vendor behind MSI", {{0x40, 5, 0x50, 0x80}, {0x50, 9, 0, 8}}, false, 0x40, {0x40, 0x50}},
	{"vendor inside MSI's masks", {{0x40, 5, 0x54, 0x180}, {0x54, 9, 0, 8}}, false, 0x40, {0}},
	{"VPD behind them", {{0x40, 5, 0x58, 0x180}, {0x58, 3, 0, 0}}, false, 0x40, {0x40, 0x58}},
	{"VPD inside express 2", {{0x40, 0x10, 0x70, 2}, {0x70, 3, 0, 0}}, false, 0x40, {0}},
	{"VPD inside express 1", {{0x40, 0x10, 0x50, 1}, {0x50, 3, 0, 0}}, false, 0x40, {0}},
	{"VPD behind express 1", {{0x40, 0x10, 0x54, 1}, {0x54, 3, 0, 0}}, false, 0x40,
		{0x40, 0x54}},
	{"vendor inside a bridge's ids", {{0x40, 0x0d, 0x44, 0}, {0x44, 9, 0, 8}}, false, 0x40,
		{0}},
	{"vendor behind them", {{0x40, 0x0d, 0x48, 0}, {0x48, 9, 0, 8}}, false, 0x40, {0x48}},
	{"MSI inside MSI-X", {{0x40, 0x11, 0x48, 0}, {0x48, 5, 0, 0}}, false, 0x40, {0x48}},
	{"two vendors", {{0x40, 9, 0x50, 8}, {0x50, 9, 0, 8}}, false, 0x40, {0x40, 0x50}},
	{"two of PM", {{0x40, 1, 0x50, 0}, {0x50, 1, 0, 0}}, false, 0x40, {0x40}},
	{"PCI-X", {{0x40, 7, 0, 0}}, false, 0x40, {0x40}},
	{"PCI-X cut", {{0x40, 7, 0x44, 0}, {0x44, 1, 0, 0}}, false, 0x40, {0x44}},
	{"AF", {{0x40, 0x13, 0, 6}}, false, 0x40, {0x40}},
	{"AF of wrong length", {{0x40, 0x13, 0, 8}}, false, 0x40, {0}},
	{"order kept", {{0x80, 0x10, 0x40, 2}, {0x40, 1, 0, 0}}, false, 0x80, {0x80, 0x40}},
	{"self loop", {{0x40, 1, 0x40, 0}}, false, 0x40, {0x40}},
	{"loop", {{0x40, 1, 0x50, 0}, {0x50, 9, 0x40, 0}}, false, 0x40, {0x40}},
	{"into the header", {{0x40, 1, 0x3c, 0}}, false, 0x40, {0x40}},
	{"head in the header", {{0}}, false, 0x10, {0}},
	{"PM cut by a neighbour", {{0x40, 1, 0x44, 0}, {0x44, 9, 0, 0}}, false, 0x40, {0}},
	{"PM over the end", {{0xfc, 1, 0, 0}}, false, 0xfc, {0}},
	{"PM at the end", {{0xf8, 1, 0, 0}}, false, 0xf8, {0xf8}},
	{"express 1", {{0x40, 0x10, 0, 0x01}}, false, 0x40, {0x40}},
	{"express 1 cut", {{0x40, 0x10, 0x50, 0x01}, {0x50, 9, 0, 0}}, false, 0x40, {0}},
	{"express 2 of all", {{0xc4, 0x10, 0, 0x02}}, false, 0xc4, {0xc4}},
	{"express 2 of 0x34", {{0xcc, 0x10, 0, 0x02}}, false, 0xcc, {0xcc}},
	{"express 2 cut", {{0xd0, 0x10, 0, 0x02}}, false, 0xd0, {0}},
	{"express 0", {{0x40, 0x10, 0, 0x00}}, false, 0x40, {0}},
	{"express 3", {{0x40, 0x10, 0, 0x03}}, false, 0x40, {0}},
	{"express root port", {{0x40, 0x10, 0, 0x42}}, false, 0x40, {0}},
	{"express legacy endpoint", {{0x40, 0x10, 0, 0x12}}, false, 0x40, {0x40}},
	{"express root complex endpoint", {{0x40, 0x10, 0, 0x92}}, false, 0x40, {0x40}},
};

static void start_cap_case(const struct cap_case *c, const struct pci_policy *policy)
{
	fake_pci_init(&dev, test_bars);
	if (!c->no_flag) {
		dev.config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	}
	dev.config[PCI_CAP_PTR] = c->ptr;
	for (size_t i = 0; i < ARRAY_SIZE(c->caps) && c->caps[i].pos; i++) {
		dev.config[c->caps[i].pos] = c->caps[i].id;
		dev.config[c->caps[i].pos + 1] = c->caps[i].next;
		if (c->caps[i].pos < 0xfe) {
			fake_pci_put(&dev, c->caps[i].pos + 2u, 2, c->caps[i].flags);
		}
		if (c->caps[i].id == PCI_CAP_MSIX && c->caps[i].pos < 0xf8) {
			fake_pci_put(&dev, c->caps[i].pos + 4u, 4, 0x1000);
			fake_pci_put(&dev, c->caps[i].pos + 8u, 4, 0x2000);
		}
	}
	start_policy(policy, 0x08);
}

static void check_cap_case(const struct cap_case *c, bool minimal)
{
	unsigned int link = PCI_CAP_PTR, n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(c->want) && c->want[i]; i++) {
		unsigned int id = dev.config[c->want[i]];

		/* SEED-003.14 */
		if (minimal && id == PCI_CAP_AF) {
			continue;
		}
		if (rd(link, 1) != c->want[i]) {
			fail_msg("%s: entry %u is at 0x%x", c->what, n, rd(link, 1));
		}
		assert_int_equal(rd(c->want[i], 1), id);
		link = c->want[i] + 1u;
		n++;
	}
	if (rd(link, 1)) {
		fail_msg("%s: goes on to 0x%x", c->what, rd(link, 1));
	}
	assert_int_equal(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, n ? PCI_STATUS_CAP_LIST : 0);
}

/* SEED-001.41, SEED-001.42, SEED-003.18, SEED-003.19, SEED-003.26, SEED-003.28; CF-06: order and
 * places are the device's, what is not in the table is not there, and no list, however made, goes
 * on for ever. */
static void test_capability_lists(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		for (size_t i = 0; i < ARRAY_SIZE(cap_cases); i++) {
			start_cap_case(&cap_cases[i], policies[p]);
			check_cap_case(&cap_cases[i], policies[p] == &pci_policy_minimal);
		}
	}
}

/* SEED-001.42, SEED-002.3, SEED-003.28; CF-10: what is in no table, or is no endpoint's, reads 0
 * without a cycle and takes no write, and so does what is between capabilities. */
static void test_what_is_not_shown_is_not_there(void **state)
{
	unsigned int link = PCI_CAP_PTR;

	(void)state;
	fake_pci_init(&dev, test_bars);
	memset(dev.config + PCI_CAP_FIRST, 0xee, PCI_CAP_LIMIT - PCI_CAP_FIRST);
	fake_pci_add_cap(&dev, 0x40, 0x0c, 8, 0xa1, &link);
	fake_pci_add_cap(&dev, 0x48, PCI_CAP_VPD, 8, 0xa2, &link);
	fake_pci_add_cap(&dev, 0x60, PCI_CAP_EXP, 0x14, 0xb1, &link);
	fake_pci_put(&dev, 0x62, 2, 0x0041);
	start();
	for (unsigned int off = PCI_CAP_FIRST; off < PCI_CAP_LIMIT; off += 4) {
		bool shown = off == 0x48 || off == 0x4c;

		fake_pci_forget(&dev);
		assert_int_equal(rd(off, 4) == 0, !shown);
		assert_int_equal(dev.nreads, shown ? 1 : 0);
		wr(off, 4, 0xffffffff);
		wr(off, 4, 0);
		assert_int_equal(dev.nwrites, shown ? 2 : 0);
	}
}

/* SEED-002.3: of all 256 ids those with a table are shown, whatever the rest says. */
static void test_every_other_id_is_hidden(void **state)
{
	static const uint8_t shown[] = {PCI_CAP_PM, PCI_CAP_VPD, PCI_CAP_MSI, PCI_CAP_PCIX,
		PCI_CAP_VENDOR, PCI_CAP_EXP, PCI_CAP_AF};

	(void)state;
	for (unsigned int id = 0; id < 256; id++) {
		unsigned int link = PCI_CAP_PTR;
		bool want = memchr(shown, (int)id, sizeof(shown)) != NULL;

		if (id == PCI_CAP_MSIX) {
			continue; /* zeros are no sound table */
		}
		fake_pci_init(&dev, test_bars);
		fake_pci_add_cap(&dev, 0x40, id, 0x40, 0, &link);
		fake_pci_put(&dev, 0x42, 2, id == PCI_CAP_EXP ? 2 : 6);
		start();
		assert_int_equal(rd(PCI_CAP_PTR, 1), want ? 0x40 : 0);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* CF-06: any 192 bytes for a list. The walk ends, within 48 steps, and what the guest sees is a
 * list that ends too. */
static void test_random_lists_are_tamed(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 400; round++) {
		unsigned int pos, steps = 0;

		fake_pci_init(&dev, test_bars);
		dev.config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		dev.config[PCI_CAP_PTR] = (uint8_t)next_random(&seed);
		for (unsigned int i = PCI_CAP_FIRST; i < PCI_CAP_LIMIT; i++) {
			dev.config[i] = (uint8_t)next_random(&seed);
			if (i % 4 == 0 && round % 2) {
				dev.config[i] = i % 8 ? PCI_CAP_PM : PCI_CAP_EXP;
			}
		}
		/* SEED-001.44: an MSI-X capability that cannot be is no device for a guest. */
		if (pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev)) {
			assert_false(func.gone);
			continue;
		}
		assert_in_range(dev.nreads, 1, 8 + 4 * PCI_CAP_MAX);
		for (pos = rd(PCI_CAP_PTR, 1); pos; pos = rd(pos + 1, 1)) {
			assert_in_range(pos, PCI_CAP_FIRST, PCI_CAP_LIMIT - 4);
			assert_int_equal(pos % 4, 0);
			assert_in_range(++steps, 1, PCI_CAP_MAX);
		}
	}
}

/* A list through all 48 places is walked to its end. */
static void test_longest_list_is_walked(void **state)
{
	unsigned int link = PCI_CAP_PTR;

	(void)state;
	fake_pci_init(&dev, test_bars);
	for (unsigned int pos = PCI_CAP_FIRST; pos < 0xf8; pos += 4) {
		fake_pci_add_cap(&dev, pos, 9, 4, 0, &link);
	}
	fake_pci_add_cap(&dev, 0xf8, PCI_CAP_PM, 8, 0, &link);
	start();
	assert_int_equal(rd(PCI_CAP_PTR, 1), 0xf8);
}

/* SEED-001.52, SEED-002.14: two capabilities with nothing between them. Each write serves the one
 * it meets, and no aligned one meets both: the first ends in the dword before the second. */
static void test_neighbours_are_served_each_for_itself(void **state)
{
	unsigned int link = PCI_CAP_PTR;
	struct pci_grant g = {.kind = PCI_IRQ_MSIX, .n = 1, .number = 5, .nmessages = 1};

	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, 0x40, PCI_CAP_VENDOR, 3, 0, &link);
	fake_pci_put(&dev, 0x42, 1, 3);
	fake_pci_add_cap(&dev, 0x44, PCI_CAP_MSI, 10, 0, &link);
	fake_pci_add_msix(&dev, 0x50, 1, 0x1000, 0x2000, &link);
	fake_pci_add_cap(&dev, 0x5c, PCI_CAP_VENDOR, 5, 0x77, &link);
	fake_pci_put(&dev, 0x5e, 1, 5);
	start();
	pci_msi_grant(&func, &g);
	fake_pci_forget(&dev);
	wr(0x40, 4, 0xffffffff);
	assert_int_equal(dev.nwrites, 0);
	wr(0x4c, 4, 0xffffffff);
	assert_int_equal(rd(0x4c, 4), 0x0000ffff);
	assert_int_equal(dev.nwrites, 0);
	wr(0x50, 4, 0xffffffff);
	assert_int_equal(fake_pci_get(&dev, 0x52, 2) & 0xc000, 0xc000);
	assert_int_equal(rd(0x44, 4) >> 16 & 1, 0);
	wr(0x44, 4, 0x00010000);
	assert_int_equal(rd(0x44, 4) >> 16 & 1, 1);
	assert_int_equal(fake_pci_get(&dev, 0x46, 2), 0); /* not granted */
	fake_pci_forget(&dev);
	wr(0x5c, 4, 0xffffffff);
	wr(0x60, 4, 0xffffffff);
	assert_int_equal(fake_pci_get(&dev, 0x5c, 4), 0xff050009);
	assert_int_equal(fake_pci_get(&dev, 0x60, 4), 0x000000ff);
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++) {
		assert_int_equal(dev.touched[i] != 0, i == 0x5f || i == 0x60);
	}
}

/* --- devices that fail --- */

static unsigned int bar_writes_left;

static int stop_answering_bars(
	void *arg, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	if (!bar_writes_left) {
		return -EIO;
	}
	bar_writes_left--;
	return fake_pci_ops.bar_write(arg, bar, off, size, val);
}

/* One of everything, pending bits where only a quirk finds them. */
static void make_everything(void)
{
	unsigned int link = PCI_CAP_PTR, last = 0;

	fake_pci_init(&dev, test_bars);
	fake_pci_put(&dev, PCI_VENDOR_ID, 4, 0x58011425);
	fake_pci_add_cap(&dev, 0x40, PCI_CAP_PM, 8, 0, &link);
	fake_pci_add_cap(&dev, 0x48, PCI_CAP_VPD, 8, 0, &link);
	fake_pci_add_cap(&dev, 0x50, PCI_CAP_MSI, 24, 0, &link);
	fake_pci_put(&dev, 0x52, 2, 0x0186);
	fake_pci_add_cap(&dev, 0x68, PCI_CAP_PCIX, 8, 0, &link);
	fake_pci_add_cap(&dev, 0x70, PCI_CAP_AF, 6, 0, &link);
	fake_pci_put(&dev, 0x72, 2, 0x0306);
	fake_pci_add_cap(&dev, 0x78, PCI_CAP_EXP, 0x3c, 0, &link);
	fake_pci_put(&dev, 0x7a, 2, 2);
	fake_pci_add_msix(&dev, 0xb4, 8, 0x2000, 0x8000, &link);
	fake_pci_add_cap(&dev, 0xc0, PCI_CAP_VENDOR, 8, 0, &link);
	fake_pci_put(&dev, 0xc2, 1, 8);
	fake_pci_add_ext_cap(&dev, 0x100, PCI_EXT_CAP_AER, 0x2c, 0, &last);
	fake_pci_add_ext_cap(&dev, 0x140, PCI_EXT_CAP_VENDOR, 0x10, 0, &last);
	fake_pci_put(&dev, 0x144, 4, 0x01001234);
	fake_pci_add_ext_cap(&dev, 0x150, PCI_EXT_CAP_DSN, 12, 0, &last);
}

static unsigned int reads_left;

static void die_at_a_read(void *arg)
{
	(void)arg;
	dev.absent = dev.absent || !reads_left;
	reads_left -= reads_left != 0;
}

/* DF-01, SEED-000.8, SEED-001.33: whichever cycle it is that a device does not answer, by an error
 * or by all ones, and whichever entry of its table: it is nobody's. */
static void test_device_that_fails_at_any_step_is_refused(void **state)
{
	struct pci_func_ops ops = fake_pci_ops;
	unsigned int ncycles, nreads;

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		make_everything();
		assert_int_equal(
			pci_func_init_policy(&func, policies[p], 8, test_bars, &fake_pci_ops, &dev),
			0);
		assert_int_equal(func.msix.pba, 0x1000);
		assert_int_equal(dev.nbar_writes, 8);
		ncycles = dev.nreads + dev.nwrites;
		nreads = dev.nreads;
		for (unsigned int n = 1; n <= 2 * ncycles; n++) {
			make_everything();
			dev.fail_at = (n + 1) / 2;
			dev.fail_once = n % 2;
			assert_int_equal(pci_func_init_policy(&func, policies[p], 8, test_bars,
						 &fake_pci_ops, &dev),
				-EIO);
		}
		for (unsigned int n = 0; n < nreads; n++) {
			make_everything();
			dev.on_read = die_at_a_read;
			reads_left = n;
			assert_int_equal(pci_func_init_policy(&func, policies[p], 8, test_bars,
						 &fake_pci_ops, &dev),
				n ? -EIO : -ENODEV);
		}
		ops.bar_write = stop_answering_bars;
		for (unsigned int n = 0; n < 8; n++) {
			make_everything();
			bar_writes_left = n;
			assert_int_equal(
				pci_func_init_policy(&func, policies[p], 8, test_bars, &ops, &dev),
				-EIO);
		}
	}
}

/* A register that is all ones, and then no answer to whether the device is there. */
static void test_no_answer_to_the_second_question_is_gone(void **state)
{
	uint32_t val = 0;

	(void)state;
	make_everything();
	start();
	fake_pci_put(&dev, PCI_SUBSYS_VENDOR, 4, 0xffffffff);
	dev.fail_at = 2;
	assert_int_equal(pci_config_read(&func, PCI_SUBSYS_VENDOR, 4, &val), 0);
	assert_int_equal(val, 0xffffffff);
	assert_true(func.gone);
	make_everything();
	start();
	dev.absent = true;
	pci_func_route_intx(&func);
	assert_true(func.gone);
	assert_int_equal(dev.nwrites, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capability_lists),
		cmocka_unit_test(test_what_is_not_shown_is_not_there),
		cmocka_unit_test(test_every_other_id_is_hidden),
		cmocka_unit_test(test_random_lists_are_tamed),
		cmocka_unit_test(test_longest_list_is_walked),
		cmocka_unit_test(test_neighbours_are_served_each_for_itself),
		cmocka_unit_test(test_device_that_fails_at_any_step_is_refused),
		cmocka_unit_test(test_no_answer_to_the_second_question_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
