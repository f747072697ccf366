// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/phb.h"

#include <stdlib.h>
#include <string.h>

#define NPHBS 2u

/* Two bridges, index 0 and 6, with functions 00.0, 02.0, 02.1 and 1f.7. */
static struct phb_map map;
static const struct phb_map none;

static struct phb *make_phbs(void)
{
	static const unsigned int devfns[] = {0x00, 0x10, 0x11, 0xff};
	struct phb *phbs = calloc(NPHBS, sizeof(*phbs));

	assert_non_null(phbs);
	memset(&map, 0, sizeof(map));
	for (unsigned int i = 0; i < NPHBS; i++) {
		struct phb *p = &phbs[i];

		p->index = 6 * i;
		assert_int_equal(phb_place(p->index, &p->at), 0);
		phb_map_add(&map, p);
		p->nfuncs = 4;
		for (unsigned int k = 0; k < p->nfuncs; k++) {
			p->funcs[k].devfn = devfns[k];
		}
		for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
			p->windows[w].liobn = p->at.liobn[w];
		}
	}
	return phbs;
}

/* The numbers of QEMU's pseries machine. */
static void test_placement_follows_from_index(void **state)
{
	static const struct {
		unsigned int index;
		uint64_t buid, mmio32;
		uint32_t liobn0, liobn1, lsi;
	} cases[] = {
		{0, 0x800000020000000, 0x200080000000, 0x80000000, 0x80000001, 0x1200},
		{1, 0x800000020000001, 0x200100000000, 0x80000100, 0x80000101, 0x1204},
		{6, 0x800000020000006, 0x200380000000, 0x80000600, 0x80000601, 0x1218},
		{30, 0x80000002000001e, 0x200f80000000, 0x80001e00, 0x80001e01, 0x1278},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct phb_placement at;

		assert_int_equal(phb_place(cases[i].index, &at), 0);
		assert_true(at.buid == cases[i].buid);
		assert_true(at.mmio32.v == cases[i].mmio32);
		assert_int_equal(at.liobn[0], cases[i].liobn0);
		assert_int_equal(at.liobn[1], cases[i].liobn1);
		assert_int_equal(at.lsi, cases[i].lsi);
	}
}

static void test_placements_never_overlap(void **state)
{
	struct phb_placement a, b;

	(void)state;
	for (unsigned int i = 0; i < PHB_MAX_INDEX; i++) {
		assert_int_equal(phb_place(i, &a), 0);
		assert_int_equal(phb_place(i + 1, &b), 0);
		assert_true(a.mmio32.v + PHB_MMIO32_SIZE <= b.mmio32.v);
		assert_true(a.lsi + 4 <= b.lsi);
		assert_true(a.liobn[1] < b.liobn[0]);
	}
}

static void test_index_above_30_is_refused(void **state)
{
	static const unsigned int bad[] = {31, 32, 256, 0x80000000u, 0xffffffffu};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct phb_placement at = {.lsi = 0x5a};

		assert_int_equal(phb_place(bad[i], &at), -EINVAL);
		assert_int_equal(at.lsi, 0x5a);
	}
}

/* HC-01 */
static void test_window_is_found_by_its_liobn_only(void **state)
{
	struct phb *phbs = make_phbs();

	(void)state;
	phbs[0].windows[0].npages = 1;
	phbs[1].windows[1].npages = 1;
	assert_ptr_equal(phb_find_window(&map, 0x80000000), &phbs[0].windows[0]);
	assert_ptr_equal(phb_find_window(&map, 0x80000601), &phbs[1].windows[1]);
	assert_null(phb_find_window(&none, 0x80000601));
	assert_null(phb_find_window(&none, 0x80000000));
	free(phbs);
}

/* HC-01, HC-03: unknown, closed, and with bits above the 32. */
static void test_other_liobns_find_nothing(void **state)
{
	static const uint64_t bad[] = {0, 0x80000001, 0x80000600, 0x80000602, 0x180000000,
		0xffffffff80000000, 0x8000000080000000, 0x7fffffff, 0x80000100, 0x80000002,
		0x800000ff, 0x80001f00, 0x80010000, 0x80060000, 0x90000600, 0x100000600};
	struct phb *phbs = make_phbs();

	(void)state;
	phbs[0].windows[0].npages = 1;
	phbs[1].windows[1].npages = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(phb_find_window(&map, bad[i]));
	}
	free(phbs);
}

/* The bridges of a partition are in the order of its plan, whatever their indexes are. */
static void test_all_31_indexes_find_their_own_bridge(void **state)
{
	struct phb *phbs = calloc(PHB_MAX_INDEX + 1, sizeof(*phbs));
	struct phb_map all = {.at = {0}};

	(void)state;
	assert_non_null(phbs);
	for (unsigned int i = 0; i <= PHB_MAX_INDEX; i++) {
		phbs[i].index = PHB_MAX_INDEX - i;
		phb_map_add(&all, &phbs[i]);
		phbs[i].windows[0].npages = 1;
		phbs[i].windows[1].npages = i % 2;
	}
	for (unsigned int i = 0; i <= PHB_MAX_INDEX; i++) {
		struct phb *phb = &phbs[PHB_MAX_INDEX - i];
		struct phb_placement at;

		assert_int_equal(phb_place(i, &at), 0);
		assert_ptr_equal(phb_find(&all, at.buid), phb);
		assert_ptr_equal(phb_find_window(&all, at.liobn[0]), &phb->windows[0]);
		assert_ptr_equal(phb_find_window(&all, at.liobn[1]),
			(PHB_MAX_INDEX - i) % 2 ? &phb->windows[1] : NULL);
	}
	assert_null(phb_find(&all, 0x80000002000001f));
	assert_null(phb_find_window(&all, 0x80001f00));
	free(phbs);
}

/* RT-08, RT-09 */
static void test_function_is_found_by_buid_and_devfn_on_bus_0(void **state)
{
	static const struct {
		uint64_t buid;
		uint32_t addr;
		int phb, func;
	} cases[] = {
		{0x800000020000000, 0x00000000, 0, 0},
		{0x800000020000000, 0x00001000, 0, 1},
		{0x800000020000006, 0x00001100, 1, 2},
		{0x800000020000006, 0x0000ff00, 1, 3},
		{0x800000020000000, 0xf0001004, 0, 1},	/* offset bits are not ours */
		{0x800000020000000, 0x00011000, 0, -1}, /* bus 1 */
		{0x800000020000000, 0x00ff0000, 0, -1}, /* bus 255 */
		{0x800000020000000, 0x00000800, 0, -1}, /* no such device */
		{0x800000020000000, 0x00001200, 0, -1}, /* no such function */
		{0x800000020000001, 0x00000000, 0, -1}, /* no such bridge */
		{0x000000020000000, 0x00000000, 0, -1},
		{0, 0, 0, -1},
	};
	struct phb *phbs = make_phbs();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pci_func *f = phb_find_func(&map, cases[i].buid, cases[i].addr);

		if (cases[i].func < 0) {
			assert_null(f);
		} else {
			assert_ptr_equal(f, &phbs[cases[i].phb].funcs[cases[i].func]);
		}
	}
	free(phbs);
}

static void test_bridge_is_found_by_its_buid(void **state)
{
	static const uint64_t bad[] = {0, 0x800000020000001, 0x20000000, 0x80000002};
	struct phb *phbs = make_phbs();

	(void)state;
	assert_ptr_equal(phb_find(&map, 0x800000020000000), &phbs[0]);
	assert_ptr_equal(phb_find(&map, 0x800000020000006), &phbs[1]);
	assert_null(phb_find(&none, 0x800000020000006));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(phb_find(&map, bad[i]));
	}
	free(phbs);
}

/* SEED-001.18: the bit follows our layout. */
static void test_multifunction_bit_follows_the_layout(void **state)
{
	struct phb *phbs = make_phbs();
	static const uint8_t want[] = {0, 0x80, 0x80, 0};

	(void)state;
	phb_settle_layout(&phbs[0]);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(phbs[0].funcs[i].image[PCI_HEADER_TYPE], want[i]);
	}
	phbs[0].nfuncs = 2;
	phb_settle_layout(&phbs[0]);
	assert_int_equal(phbs[0].funcs[1].image[PCI_HEADER_TYPE], 0);
	free(phbs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement_follows_from_index),
		cmocka_unit_test(test_placements_never_overlap),
		cmocka_unit_test(test_index_above_30_is_refused),
		cmocka_unit_test(test_window_is_found_by_its_liobn_only),
		cmocka_unit_test(test_other_liobns_find_nothing),
		cmocka_unit_test(test_all_31_indexes_find_their_own_bridge),
		cmocka_unit_test(test_function_is_found_by_buid_and_devfn_on_bus_0),
		cmocka_unit_test(test_bridge_is_found_by_its_buid),
		cmocka_unit_test(test_multifunction_bit_follows_the_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
