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

#include "core/pci.h"
#include "tests/fake/fake_pci.h"
#include "tests/unit/caps_help.h"

#include <string.h>

/* Ones and zeros to every register in every width. */
static void write_everything(unsigned int end)
{
	for (unsigned int size = 1; size <= 4; size *= 2) {
		for (unsigned int off = 0; off < end; off += size) {
			wr(off, size, 0xffffffff);
			wr(off, size, 0);
		}
	}
}

/* --- the extended list --- */

struct ext_case {
	const char *what;
	struct {
		uint16_t off;
		uint32_t val;
	} edits[2];	  /* dwords */
	uint16_t want[5]; /* positions shown, ends with 0 */
};

#define EXT(id, next) ((id) | 1u << 16 | (uint32_t)(next) << 20)

static const struct ext_case ext_cases[] = {
	{"sound", {{0}}, {0x100, 0x140, 0x150, 0x170}},
	{"onto itself", {{0x100, EXT(1, 0x100)}}, {0x100}},
	{"loop", {{0x170, EXT(4, 0x140)}}, {0x100, 0x140, 0x150, 0x170}},
	{"back to the start", {{0x170, EXT(4, 0x100)}}, {0x100, 0x140, 0x150, 0x170}},
	{"into the header", {{0x140, EXT(3, 0x04)}}, {0x100, 0x140}},
	{"into the first list", {{0x140, EXT(3, 0xfc)}}, {0x100, 0x140}},
	{"backward", {{0x140, EXT(3, 0x130)}}, {0}},
	{"not aligned", {{0x140, EXT(3, 0x151)}}, {0}},
	{"not aligned by 2", {{0x140, EXT(3, 0x152)}}, {0}},
	{"past the last header", {{0x140, EXT(3, 0xfff)}}, {0}},
	{"to where nothing is", {{0x140, EXT(3, 0x800)}}, {0x100, 0x140}},
	{"to all ones", {{0x140, EXT(3, 0x800)}, {0x800, 0xffffffff}}, {0x100, 0x140}},
	{"nothing at all", {{0x100, 0}}, {0}},
	{"all ones from the start", {{0x100, 0xffffffff}}, {0}},
	{"AER cut by the next", {{0x100, EXT(1, 0x120)}, {0x120, EXT(2, 0x140)}},
		{0x140, 0x150, 0x170}},
	{"AER past the end", {{0x170, EXT(2, 0xfd8)}, {0xfd8, EXT(1, 0)}}, {0x100, 0x140, 0x150}},
	{"record past the end", {{0x150, EXT(2, 0xff4)}, {0xff4, EXT(4, 0)}}, {0x100, 0x140}},
	{"serial number past the end", {{0x140, EXT(2, 0xff8)}, {0xff8, EXT(3, 0)}}, {0x100}},
	{"vendor's past the end", {{0x154, 0xfff01234}}, {0x100, 0x140, 0x170}},
	{"vendor's of no length", {{0x154, 0x00001234}}, {0x100, 0x140, 0x170}},
	{"vendor's shorter than its header", {{0x154, 0x00701234}}, {0x100, 0x140, 0x170}},
	{"vendor's over the next", {{0x154, 0x02101234}}, {0x100, 0x140, 0x170}},
	{"vendor's of 8", {{0x154, 0x00801234}}, {0x100, 0x140, 0x150, 0x170}},
	{"inside SR-IOV", {{0x140, EXT(0x10, 0x150)}}, {0x100}},
	{"inside ATS", {{0x140, EXT(0x0f, 0x150)}, {0x150, EXT(0x0f, 0x154)}}, {0x100}},
	{"second AER", {{0x140, EXT(1, 0x150)}}, {0x100, 0x170}},
};

static void make_express(void)
{
	unsigned int link = PCI_CAP_PTR, last = 0;

	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, 0x40, PCI_CAP_EXP, 0x3c, 0, &link);
	fake_pci_put(&dev, 0x42, 2, 2);
	fake_pci_add_ext_cap(&dev, 0x100, PCI_EXT_CAP_AER, 0x2c, 0, &last);
	fake_pci_add_ext_cap(&dev, 0x140, PCI_EXT_CAP_DSN, 12, 0, &last);
	fake_pci_add_ext_cap(&dev, 0x150, PCI_EXT_CAP_VENDOR, 0x20, 0, &last);
	fake_pci_put(&dev, 0x154, 4, 0x02001234);
	fake_pci_add_ext_cap(&dev, 0x170, PCI_EXT_CAP_POWER, 16, 0, &last);
}

static void check_ext_case(const struct ext_case *c)
{
	unsigned int pos = PCI_EXT_FIRST, n = 0;

	/* What comes first may be a place that only leads on. */
	for (uint32_t link = rd(pos, 4); link; link = rd(pos, 4)) {
		if (link & PCI_EXT_ID) {
			if (n >= ARRAY_SIZE(c->want) || c->want[n] != pos) {
				fail_msg("%s: 0x%x is shown", c->what, pos);
			}
			assert_int_equal(link & 0xfffff, fake_pci_get(&dev, pos, 4) & 0xfffff);
			n++;
		}
		pos = link >> PCI_EXT_NEXT_SHIFT;
		if (!pos) {
			break;
		}
	}
	if (n < ARRAY_SIZE(c->want) && c->want[n]) {
		fail_msg("%s: 0x%x is not shown", c->what, c->want[n]);
	}
}

/* CF-07, SEED-003.28: each way in which a list of extended capabilities can be wrong. */
static void test_extended_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ext_cases); i++) {
		const struct ext_case *c = &ext_cases[i];

		make_express();
		for (size_t k = 0; k < ARRAY_SIZE(c->edits) && c->edits[k].off; k++) {
			fake_pci_put(&dev, c->edits[k].off, 4, c->edits[k].val);
		}
		start();
		check_ext_case(c);
	}
}

/* CF-07: one more than is walked, and nobody knows what the rest is. */
static void test_extended_list_without_an_end_is_not_shown(void **state)
{
	(void)state;
	for (unsigned int n = PCI_EXT_MAX; n <= PCI_EXT_MAX + 1; n++) {
		make_express();
		for (unsigned int i = 0; i < n; i++) {
			unsigned int pos = 0x100 + 12 * i;

			fake_pci_put(&dev, pos, 4, EXT(i ? 2 : 3, i + 1 < n ? pos + 12 : 0));
		}
		start();
		assert_int_equal(rd(0x100, 4), n == PCI_EXT_MAX ? 0x00010003 : 0);
	}
}

/* So many as there is room for; the last of them is the end of the list. */
static void test_more_extended_capabilities_than_are_shown(void **state)
{
	unsigned int n = 0, pos = PCI_EXT_FIRST;

	(void)state;
	make_express();
	for (unsigned int i = 0; i < 40; i++) {
		fake_pci_put(&dev, 0x100 + 12 * i, 4,
			EXT(PCI_EXT_CAP_VENDOR, i < 39 ? 0x100 + 12 * (i + 1) : 0));
		fake_pci_put(&dev, 0x104 + 12 * i, 4, 0x00c01234);
	}
	start();
	for (; pos; n++) {
		assert_int_equal(pos, 0x100 + 12 * n);
		assert_int_equal(rd(pos, 4) & PCI_EXT_ID, PCI_EXT_CAP_VENDOR);
		pos = rd(pos, 4) >> PCI_EXT_NEXT_SHIFT;
	}
	assert_int_equal(n, PCI_SHOWN_EXT_MAX - 1);
	assert_int_equal(rd(0x100 + 12 * n, 4), 0);
	fake_pci_forget(&dev);
	for (unsigned int off = 0x100 + 12 * n; off < 0x1000; off += 4) {
		wr(off, 4, 0xffffffff);
	}
	assert_int_equal(dev.nwrites, 0);
}

/* --- what reaches further than the function --- */

#define EXP 0x40u

/* All of it in one device. Bits of the registers named, none of which a guest changes. */
static const struct {
	const char *what;
	uint16_t pos, id, size, off;
	uint32_t bits;
} reach[] = {
	{"device control: error reporting", EXP, 0, 0, 8, 0x000f},
	{"device control: payload size", EXP, 0, 0, 8, 0x00e0},
	{"device control: extended tags", EXP, 0, 0, 8, 0x0100},
	{"device control: phantom functions", EXP, 0, 0, 8, 0x0200},
	{"device control: aux power", EXP, 0, 0, 8, 0x0400},
	{"device control: FLR", EXP, 0, 0, 8, 0x8000},
	{"link control", EXP, 0, 0, 0x10, 0xffff},
	{"slot control", EXP, 0, 0, 0x18, 0xffff},
	{"root control", EXP, 0, 0, 0x1c, 0xffff},
	{"device control 2: ARI forwarding", EXP, 0, 0, 0x28, 0x0020},
	{"device control 2: atomics, ordering", EXP, 0, 0, 0x28, 0x03c0},
	{"device control 2: LTR", EXP, 0, 0, 0x28, 0x0400},
	{"device control 2: OBFF and prefixes", EXP, 0, 0, 0x28, 0xf800},
	{"link control 2", EXP, 0, 0, 0x30, 0xffff},
	{"AER: uncorrectable mask", 0x100, PCI_EXT_CAP_AER, 0x40, 8, 0xffffffff},
	{"AER: severity", 0x100, 0, 0, 12, 0xffffffff},
	{"AER: correctable mask", 0x100, 0, 0, 20, 0xffffffff},
	{"AER: control", 0x100, 0, 0, 24, 0xffffffff},
	{"AER: root command", 0x100, 0, 0, 0x2c, 0xffffffff},
	{"SR-IOV: control", 0x140, 0x10, 0x40, 8, 0xffffffff},
	{"SR-IOV: NumVFs", 0x140, 0, 0, 0x10, 0xffffffff},
	{"SR-IOV: page size", 0x140, 0, 0, 0x20, 0xffffffff},
	{"SR-IOV: VF BAR 0", 0x140, 0, 0, 0x24, 0xffffffff},
	{"SR-IOV: VF BAR 5", 0x140, 0, 0, 0x38, 0xffffffff},
	{"ACS: control", 0x180, PCI_EXT_CAP_ACS, 8, 4, 0xffffffff},
	{"ARI: control", 0x188, PCI_EXT_CAP_ARI, 8, 4, 0xffffffff},
	{"ATS: control", 0x190, PCI_EXT_CAP_ATS, 8, 4, 0xffffffff},
	{"PRI: control", 0x198, PCI_EXT_CAP_PRI, 16, 4, 0xffffffff},
	{"PRI: allocation", 0x198, 0, 0, 12, 0xffffffff},
	{"PASID: control", 0x1a8, PCI_EXT_CAP_PASID, 8, 4, 0xffffffff},
	{"resizable BAR: control", 0x1b0, PCI_EXT_CAP_REBAR, 12, 8, 0xffffffff},
	{"LTR: latencies", 0x1bc, PCI_EXT_CAP_LTR, 8, 4, 0xffffffff},
	{"DPC: control", 0x1c4, PCI_EXT_CAP_DPC, 16, 4, 0xffffffff},
	{"DPC: trigger", 0x1c4, 0, 0, 8, 0xffffffff},
	{"TPH: control", 0x1d4, PCI_EXT_CAP_TPH, 12, 8, 0xffffffff},
	{"L1 PM substates: control", 0x1e0, PCI_EXT_CAP_L1PM, 16, 8, 0xffffffff},
	{"PTM: control", 0x1f0, PCI_EXT_CAP_PTM, 12, 8, 0xffffffff},
	{"multicast: control", 0x200, 0x12, 0x30, 4, 0xffffffff},
	{"virtual channel: resource", 0x240, 0x02, 0x1c, 0x14, 0xffffffff},
};

static void make_far_reaching(void)
{
	unsigned int link = PCI_CAP_PTR, last = 0;

	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0x5a, &link);
	fake_pci_put(&dev, EXP + 2, 2, 2);
	fake_pci_put(&dev, EXP + 4, 4, 0); /* no function reset */
	for (size_t i = 0; i < ARRAY_SIZE(reach); i++) {
		if (reach[i].id) {
			fake_pci_add_ext_cap(
				&dev, reach[i].pos, reach[i].id, reach[i].size, 0x5a, &last);
		}
	}
}

/* CF-10, DM-10: under both policies, whatever is written anywhere. */
static void test_what_reaches_further_is_not_the_guests(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		make_far_reaching();
		start_policy(policies[p], 0x08);
		write_everything(policies[p]->next ? 0x1000 : 0x100);
		for (size_t i = 0; i < ARRAY_SIZE(reach); i++) {
			for (unsigned int k = 0; k < 4; k++) {
				unsigned int at = reach[i].pos + reach[i].off + k;

				if (dev.touched[at] & reach[i].bits >> (8 * k)) {
					fail_msg("%s: %s", policies[p]->name, reach[i].what);
				}
			}
		}
		/* And yet something was written. */
		assert_int_not_equal(dev.nwrites, 0);
		assert_int_equal(dev.touched[EXP + 9], policies[p]->next ? 0x78 : 0);
	}
}

/* --- single ones --- */

/* SEED-003.18: of version 1 so much is shown as it has, under both policies, and nothing behind it
 * is written; and of the one function whose version 2 is called 0, all. */
static void test_express_of_each_version_is_as_long_as_it_is(void **state)
{
	static const struct {
		uint32_t ids, flags;
		unsigned int shown;
	} cases[] = {{0x11e81234, 1, 0x14}, {0x11e81234, 2, 0x3c}, {0x10ed8086, 0, 0x3c},
		{0x10ee8086, 0, 0}, {0x10ed8087, 0, 0}, {0x10ed8086, 1, 0x14},
		{0x11e81234, 0x41, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
			unsigned int link = PCI_CAP_PTR;

			fake_pci_init(&dev, test_bars);
			fake_pci_put(&dev, PCI_VENDOR_ID, 4, cases[i].ids);
			fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0x5a, &link);
			fake_pci_put(&dev, EXP + 2, 2, cases[i].flags);
			fake_pci_put(&dev, EXP + 4, 4, 0);
			start_policy(policies[p], 0x08);
			assert_int_equal(rd(PCI_CAP_PTR, 1), cases[i].shown ? EXP : 0);
			assert_int_equal(rd(EXP + 0x10, 4) != 0, cases[i].shown != 0);
			assert_int_equal(rd(EXP + 0x24, 4) != 0, cases[i].shown > 0x24);
			write_everything(0x100);
			for (unsigned int at = 0; at < 0x3c; at++) {
				if (at >= cases[i].shown) {
					assert_int_equal(dev.touched[EXP + at], 0);
				}
			}
		}
	}
}

/* --- the minimal policy's Express and PCI-X --- */

/* SEED-003.20, SEED-003.22, SEED-003.23: of registers that are all ones. */
static void test_minimal_express_of_all_ones(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t want;
	} regs[] = {{4, 4, 0xefffffff}, {8, 2, 0x78f0}, {10, 2, 0}, {12, 4, 0x0003ffff},
		{16, 2, 0xffff}, {18, 2, 0x03ff}, {0x14, 4, 0}, {0x18, 4, 0}, {0x1c, 4, 0},
		{0x20, 4, 0}, {0x24, 4, 0xffffffff}, {0x28, 4, 0xffffffff}, {0x2c, 4, 0xffffffff},
		{0x30, 4, 0xffffffff}, {0x34, 4, 0}, {0x38, 4, 0}};
	unsigned int link = PCI_CAP_PTR;

	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0xff, &link);
	fake_pci_put(&dev, EXP + 2, 2, 0x3e02);
	start_policy(&pci_policy_minimal, 0x08);
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		if (rd(EXP + regs[i].off, regs[i].size) != regs[i].want) {
			fail_msg("0x%x: 0x%x", regs[i].off, rd(EXP + regs[i].off, regs[i].size));
		}
	}
	/* SEED-003.23: the number of its interrupt message alone is the device's of now. */
	fake_pci_put(&dev, EXP + 2, 2, 0x0002);
	assert_int_equal(rd(EXP + 2, 2), 0x0002);
	for (unsigned int i = 4; i < 0x3c; i++) {
		fake_pci_forget(&dev);
		(void)rd(EXP + i, 1);
		assert_int_equal(dev.nreads, 0);
	}
}

/* SEED-003.24: on bus 0, where the guest has it, and no error; so under the full policy, but for
 * errors. */
static void test_pcix_is_where_the_guest_sees_it(void **state)
{
	static const unsigned int devfns[] = {0x00, 0x08, 0x1f, 0xff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(devfns); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
			unsigned int link = PCI_CAP_PTR;
			bool minimal = policies[p] == &pci_policy_minimal;

			fake_pci_init(&dev, test_bars);
			fake_pci_add_cap(&dev, 0x40, PCI_CAP_PCIX, 8, 0xff, &link);
			start_policy(policies[p], devfns[i]);
			assert_int_equal(
				rd(0x44, 4), (minimal ? 0xdff30000 : 0xffff0000) | devfns[i]);
			assert_int_equal(rd(0x42, 2), minimal ? 0x007f : 0xffff);
			fake_pci_forget(&dev);
			wr(0x42, 2, 0);
			assert_int_equal(dev.nwrites, minimal ? 0 : 1);
		}
	}
}

/* --- vital product data --- */

static const char product[] = "EXAMPLE ADAPTER";

/* Four bytes are there once the address has been written with the flag clear. */
static void serve_vpd(void *arg)
{
	unsigned int at = fake_pci_get(&dev, 0x42, 2);

	(void)arg;
	if (!(at & 0x8000) && at + 4 <= sizeof(product)) {
		memcpy(dev.config + 0x44, product + at, 4);
		fake_pci_put(&dev, 0x42, 2, at | 0x8000);
	}
}

/* SEED-003.25, CF-13: a string read through the window; of a device that never sets the flag each
 * look costs a cycle, no more, and nobody waits but who looks. The list's byte stays ours. */
static void test_vital_product_data_is_read(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		unsigned int link = PCI_CAP_PTR;
		char got[sizeof(product)];

		fake_pci_init(&dev, test_bars);
		fake_pci_add_cap(&dev, 0x40, PCI_CAP_VPD, 8, 0, &link);
		dev.config[0x41] = 0x01; /* of the low bits of a pointer nothing is said */
		start_policy(policies[p], 0x08);
		dev.on_read = serve_vpd;
		for (unsigned int at = 0; at < sizeof(product); at += 4) {
			uint32_t four;

			wr(0x42, 2, at);
			assert_int_equal(rd(0x42, 2), at | 0x8000);
			four = rd(0x44, 4);
			for (unsigned int i = 0; i < 4; i++) {
				got[at + i] = (char)(four >> (8 * i));
			}
		}
		assert_string_equal(got, product);
		dev.on_read = NULL;
		wr(0x40, 4, 0x0010ffff);
		assert_int_equal(rd(0x40, 4), 0x00100003);
		assert_int_equal(dev.config[0x41], 0x01);
		fake_pci_forget(&dev);
		for (unsigned int i = 0; i < 10000; i++) {
			assert_int_equal(rd(0x42, 2), 0x0010);
		}
		assert_int_equal(dev.nreads, 10000);
		assert_false(func.gone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extended_lists),
		cmocka_unit_test(test_extended_list_without_an_end_is_not_shown),
		cmocka_unit_test(test_more_extended_capabilities_than_are_shown),
		cmocka_unit_test(test_what_reaches_further_is_not_the_guests),
		cmocka_unit_test(test_express_of_each_version_is_as_long_as_it_is),
		cmocka_unit_test(test_minimal_express_of_all_ones),
		cmocka_unit_test(test_pcix_is_where_the_guest_sees_it),
		cmocka_unit_test(test_vital_product_data_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
