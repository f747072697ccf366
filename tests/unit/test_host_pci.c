// SPDX-License-Identifier: Apache-2.0
/*
 * core/host_pci*.c: the scan of honest and hostile buses, groups, BAR placement, quarantine.
 */
#include "tests/unit/host_pci_help.h"

static void test_scan_finds_what_is_there(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	fake_put(func, PCI_REVISION, 4, 0x00ff0010);
	fake_put(func, PCI_SUBSYS_VENDOR, 4, 0x11001af4);
	fake_put(func, PCI_INTERRUPT_PIN, 1, 2);
	fake_set_bar(func, 0, 0x100000, false, false);
	fake_set_bar(func, 2, 0x4000, true, true);
	host_pci_scan(&board);
	assert_true(board.phbs[0].usable);
	assert_int_equal(board.nfuncs, 2);
	assert_int_equal(board.ngroups, 1);
	assert_int_equal(board.funcs[0].group, -1);
	assert_int_equal(board.funcs[0].header_type, 1);
	assert_int_equal(board.funcs[0].secondary, 1);
	assert_int_equal(board.groups[0].port, 0);
	assert_int_equal(board.groups[0].bus, 1);
	assert_int_equal(board.groups[0].nfuncs, 1);
	const struct host_func *h = found(0, 0x100);

	assert_int_equal(h->vendor, 0x1234);
	assert_int_equal(h->device, 0x11e8);
	assert_int_equal(h->class_code, 0x00ff00);
	assert_int_equal(h->revision, 0x10);
	assert_int_equal(h->subsys_vendor, 0x1af4);
	assert_int_equal(h->subsys, 0x1100);
	assert_int_equal(h->int_pin, 2);
	assert_true(h->masks_intx);
	assert_true(h->bars[0].size == 0x100000 && !h->bars[0].is64 && !h->bars[0].prefetch);
	assert_true(h->bars[2].size == 0x4000 && h->bars[2].is64 && h->bars[2].prefetch);
	assert_true(h->bars[1].size == 0 && h->bars[3].size == 0);
	expect_usable(0, 0x100);
}

static void test_empty_phb_is_usable_and_has_no_group(void **state)
{
	(void)state;
	fake_add_bridge(&f[0], 0, 1, 1);
	host_pci_scan(&board);
	assert_true(board.phbs[0].usable);
	assert_int_equal(board.ngroups, 0);
}

/* Decision 8: no bus master is on when the windows are closed, and none afterwards. */
static void test_bus_masters_go_off_before_the_reset(void **state)
{
	(void)state;
	add_link(0, 0, 1);
	add_link(0, 1, 2);
	fake_put(fake_find_func(&f[0], 0x200), PCI_HEADER_TYPE, 1, 0x80);
	fake_add_func(&f[0], 0x207, EDU);
	host_pci_scan(&board);
	assert_int_equal(f[0].log[0].op, FAKE_RESET_IOMMU);
	assert_int_equal(f[0].log[0].arg[0], 0);
	expect_no_masters(0);
	assert_int_equal(command_of(0, 0x100), 0x502);
	assert_int_equal(command_of(0, 0x000), 0x106);
	assert_false(fake_phb_any_window(&f[0]));
}

/* Decision 10 */
static void test_groups_are_numbered_by_phb_then_bus(void **state)
{
	static const uint64_t ids[NPHBS] = {7, 2, 5};
	static const struct {
		unsigned int phb;
		uint8_t bus;
	} want[] = {{1, 1}, {1, 3}, {2, 0}, {2, 1}, {0, 2}, {0, 9}};

	(void)state;
	board.nphbs = NPHBS;
	for (unsigned int i = 0; i < NPHBS; i++) {
		board.phbs[i].id = ids[i];
	}
	/* Root ports in another order than their buses. */
	add_link(0, 0, 9);
	add_link(0, 1, 2);
	add_link(1, 0, 3);
	add_link(1, 4, 1);
	add_link(2, 0, 1);
	fake_add_func(&f[2], 0x0f8, EDU);
	host_pci_scan(&board);
	assert_int_equal(board.ngroups, 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(board.groups[i].id, i);
		assert_int_equal(board.groups[i].phb, want[i].phb);
		assert_int_equal(board.groups[i].bus, want[i].bus);
		assert_null(board.groups[i].refuse);
	}
	assert_int_equal(board.groups[2].port, -1);
	/* Each PHB has PEs of its own, the lowest free first. */
	assert_int_equal(board.groups[0].pe, 0);
	assert_int_equal(board.groups[1].pe, 1);
	assert_int_equal(board.groups[4].pe, 0);
	expect_usable(0, 0x900);
	expect_usable(2, 0x0f8);
}

/* A PHB that cannot be used does not move the numbers of the others. */
static void test_unusable_phb_keeps_its_group_numbers(void **state)
{
	(void)state;
	board.nphbs = 2;
	add_link(0, 0, 1);
	add_link(1, 0, 1);
	f[0].fail_op[FAKE_RESET_IOMMU] = true;
	host_pci_scan(&board);
	assert_false(board.phbs[0].usable);
	assert_non_null(strstr(text, "PHB#0000: not used"));
	expect_refused(0, 0x100, "host bridge is not usable");
	assert_false(board.groups[0].closed);
	expect_no_masters(0);
	expect_usable(1, 0x100);
	assert_int_equal(board.groups[1].id, 1);
}

static void test_phb_without_ops_is_left_alone(void **state)
{
	(void)state;
	board.nphbs = 2;
	board.phbs[0].ops = NULL;
	board.phbs[0].usable = true;
	add_link(1, 0, 1);
	host_pci_scan(&board);
	assert_false(board.phbs[0].usable);
	expect_usable(1, 0x100);
	host_pci_print(&board);
	assert_non_null(strstr(text, "PHB#0000: not used"));
}

/* DT-01: whatever the tree says about the PHB, no division by it goes wrong. */
static void test_phb_with_senseless_numbers_is_not_used(void **state)
{
	static const struct {
		uint32_t bus;
		uint64_t cpu, size;
		unsigned int pes;
	} cases[] = {
		{0x80000000, 0x600c000000000, 0x7fff0000, 0},
		{0x80000000, 0x600c000000000, 0x7fff0000, 0x1ff},
		{0x80000000, 0x600c000000000, 0, 0x200},
		{0x80000000, 0x600c000000000, 0x1000, 0x200},
		{0x80010000, 0x600c000000000, 0x7ffe0000, 0x200},
		{0x80000000, 0x600c000001000, 0x7fff0000, 0x200},
		{0xc0000000, 0x600c000000000, 0x7fff0000, 0x200},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh_machine();
		add_link(0, 0, 1);
		board.phbs[0].m32_bus = cases[i].bus;
		board.phbs[0].m32_cpu = hpa(cases[i].cpu);
		board.phbs[0].m32_size = (uint32_t)cases[i].size;
		board.phbs[0].num_pes = cases[i].pes;
		host_pci_scan(&board);
		assert_false(board.phbs[0].usable);
		expect_no_masters(0);
	}
}

/* DF-01: bridges that lie about their buses. Nothing is visited twice, the walk stays short. */
static void test_hostile_bridges_are_not_followed(void **state)
{
	static const struct {
		uint8_t secondary, subordinate;
	} cases[] = {{0, 0}, {0, 255}, {4, 0}, {4, 4}, {6, 5}, {4, 255}, {255, 254}, {0, 9},
		{6, 10}, {2, 3}, {3, 9}};
	const unsigned int n = sizeof(cases) / sizeof(cases[0]);

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		fresh_machine();
		/* On bus 4, behind a link that is numbered 4 to 9. */
		add_link(0, 0, 4);
		fake_find_func(&f[0], 0)->image[0x1a] = 9;
		fake_put(fake_find_func(&f[0], 0x400), PCI_HEADER_TYPE, 1, 0x80);
		fake_add_bridge(&f[0], 0x401, cases[i].secondary, cases[i].subordinate);
		host_pci_scan(&board);
		assert_true(f[0].calls < 500);
		assert_int_equal(board.nfuncs, 3);
		assert_int_equal(found(0, 0x401)->secondary, 0);
		expect_refused(0, 0x400, "bus numbers that cannot be");
		assert_non_null(found(0, 0x401)->wrong);
		expect_no_masters(0);
		assert_non_null(strstr(text, "nothing behind it is looked at"));
	}
}

static void test_two_bridges_to_one_bus_are_followed_once(void **state)
{
	(void)state;
	add_link(0, 0, 1);
	fake_add_bridge(&f[0], 0x008, 1, 1);
	fake_add_bridge(&f[0], 0x010, 0xff, 0xff);
	host_pci_scan(&board);
	assert_int_equal(board.nfuncs, 4);
	assert_int_equal(board.ngroups, 1);
	assert_int_equal(board.groups[0].port, 0);
	assert_int_equal(found(0, 0x008)->secondary, 0);
	assert_int_equal(command_of(0, 0x008) & 7, 0);
	expect_usable(0, 0x100);
}

static void test_more_functions_than_room_refuses_the_group(void **state)
{
	(void)state;
	for (uint8_t n = 0; n < 4; n++) {
		struct fake_func *func = add_link(0, n, (uint8_t)(n + 1));

		fake_put(func, PCI_HEADER_TYPE, 1, 0x80);
		for (uint16_t fn = 1; fn < 8; fn++) {
			fake_add_func(&f[0], (uint16_t)(func->bdfn + fn), EDU);
		}
	}
	/* So many PHBs of the same hardware are enough to run out: 4 * (1 + 8) functions each. */
	board.nphbs = BOARD_MAX_FUNCS / 36 + 1;
	for (unsigned int i = 1; i < board.nphbs; i++) {
		board.phbs[i] = board.phbs[0];
		board.phbs[i].id = i;
	}
	host_pci_scan(&board);
	assert_int_equal(board.nfuncs, BOARD_MAX_FUNCS);
	assert_non_null(board.groups[board.ngroups - 1].refuse);
	assert_non_null(strstr(board.groups[board.ngroups - 1].refuse, "more functions"));
	expect_no_masters(0);
}

static void test_more_groups_than_room_are_left_closed(void **state)
{
	(void)state;
	for (uint8_t n = 0; n < 16; n++) {
		add_link(0, n, (uint8_t)(n + 1));
	}
	/* All but one make as many groups, and as many functions, as there can be. */
	board.nphbs = BOARD_MAX_GROUPS / 16 + 1;
	for (unsigned int i = 1; i < board.nphbs; i++) {
		board.phbs[i] = board.phbs[0];
		board.phbs[i].id = i;
	}
	host_pci_scan(&board);
	assert_int_equal(board.ngroups, BOARD_MAX_GROUPS);
	assert_int_equal(board.nfuncs, BOARD_MAX_FUNCS);
	assert_null(board.groups[BOARD_MAX_GROUPS - 1].refuse);
	assert_non_null(strstr(text, "no room for another group"));
	expect_no_masters(0);
}

static void test_single_function_device_has_no_others(void **state)
{
	(void)state;
	add_link(0, 0, 1);
	fake_add_func(&f[0], 0x101, EDU);
	/* A link has one device. */
	fake_add_func(&f[0], 0x108, EDU);
	host_pci_scan(&board);
	assert_non_null(found(0, 0x100));
	assert_null(found(0, 0x101));
	assert_null(found(0, 0x108));
}

/* SEED-003.36: the INTx-disable bit is tried on every function, and the rest of COMMAND is as it
 * was; all ones is no answer. */
static void test_what_cannot_keep_its_pin_quiet_is_known(void **state)
{
	struct fake_func *func;

	(void)state;
	func = add_link(0, 0, 1);
	fake_put(func, PCI_COMMAND, 2, 0x0146);
	host_pci_scan(&board);
	assert_true(found(0, 0x100)->masks_intx);
	assert_int_equal(command_of(0, 0x100), 0x0542);
	func->wmask[PCI_COMMAND + 1] &= (uint8_t) ~(PCI_COMMAND_INTX_OFF >> 8);
	fake_put(func, PCI_COMMAND, 2, 0x0146);
	host_pci_scan(&board);
	assert_false(found(0, 0x100)->masks_intx);
	assert_int_equal(command_of(0, 0x100), 0x0142);
	fake_put(func, PCI_COMMAND, 2, 0xffff);
	func->wmask[PCI_COMMAND] = func->wmask[PCI_COMMAND + 1] = 0;
	host_pci_scan(&board);
	assert_false(found(0, 0x100)->masks_intx);
}

static void test_unknown_header_type_refuses_the_group(void **state)
{
	(void)state;
	fake_put(add_link(0, 0, 1), PCI_HEADER_TYPE, 1, 2);
	host_pci_scan(&board);
	expect_refused(0, 0x100, "header type");
	assert_int_equal(command_of(0, 0x100) & PCI_COMMAND_MASTER, 0);
}

/* DF-03, SEED-003.31: value and writable bits of BAR 0 and 1, and what becomes of the group. An I/O
 * BAR is none (SEED-001.75, SEED-003.32). */
static void test_bars_are_believed_only_if_they_make_sense(void **state)
{
	static const struct {
		uint32_t value[2], mask[2];
		const char *why; /* NULL: usable */
		uint64_t size;
	} cases[] = {
		{{0, 0}, {0, 0}, NULL, 0},
		{{1, 0}, {0xfffffff0, 0}, NULL, 0},
		{{0, 0}, {0xfffffff0, 0}, NULL, 0x10},
		{{8, 0}, {0xf0000000, 0}, NULL, 0x10000000},
		{{4, 0}, {0xfffff000, 0xffffffff}, NULL, 0x1000},
		{{0, 0}, {0xfff0f000, 0}, "power of two", 0},
		{{0, 0}, {0x7ffff000, 0}, "power of two", 0},
		{{8, 0}, {0, 0}, "no size", 0},
		{{4, 0}, {0, 0}, "power of two", 0},
		{{4, 0}, {0xfffff000, 0x0fffffff}, "power of two", 0},
		{{4, 0}, {0xfffff000, 0}, "power of two", 0},
		{{2, 0}, {0xfff00000, 0}, "no known type", 0},
		{{6, 0}, {0xfff00000, 0}, "no known type", 0},
		{{0xf, 0}, {0xfffffff0, 0}, "all ones", 0},
		{{4, 0}, {0, 0xffffffff}, "do not fit", 0},
		{{4, 0}, {0, 0x80000000}, "do not fit", 0},
		{{0, 0}, {0x80000000, 0}, "do not fit", 0},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_func *func;

		fresh_machine();
		func = add_link(0, 0, 1);
		for (unsigned int k = 0; k < 8; k++) {
			func->image[PCI_BAR0 + k] = (uint8_t)(cases[i].value[k / 4] >> 8 * (k % 4));
			func->wmask[PCI_BAR0 + k] = (uint8_t)(cases[i].mask[k / 4] >> 8 * (k % 4));
		}
		host_pci_scan(&board);
		if (cases[i].why) {
			expect_refused(0, 0x100, cases[i].why);
			assert_true(board.groups[0].closed);
		} else {
			expect_usable(0, 0x100);
			assert_true(found(0, 0x100)->bars[0].size == cases[i].size);
		}
		expect_no_masters(0);
	}
}

static void test_last_bar_cannot_be_64_bit(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	fake_put(func, PCI_BAR0 + 20, 4, 4);
	host_pci_scan(&board);
	expect_refused(0, 0x100, "last BAR");
}

static void test_bar_that_changes_its_mask_is_refused(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	fake_set_bar(func, 0, 0x1000, false, false);
	func->moody_bars = true;
	add_link(0, 1, 2);
	host_pci_scan(&board);
	expect_refused(0, 0x100, "changes its size");
	expect_usable(0, 0x200);
}

static void test_sizing_is_done_with_decode_off_and_restores(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	/* Refused, so nothing is placed: what is seen is what sizing left. */
	fake_set_bar(func, 0, 0x100000, false, false);
	fake_set_bar(func, 1, 0x80000000, false, false);
	fake_put(func, PCI_BAR0, 4, 0x12300000);
	host_pci_scan(&board);
	expect_refused(0, 0x100, "do not fit");
	assert_int_equal(fake_get(func, PCI_BAR0, 4), 0x12300000);
	assert_int_equal(command_of(0, 0x100), 0x503);
}

static void test_expansion_rom_is_shut(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	fake_set_rom(func, 0x10000, NULL);
	fake_put(func, PCI_ROM_BAR, 4, 0x80000001);
	host_pci_scan(&board);
	assert_int_equal(fake_get(func, PCI_ROM_BAR, 4), 0);
}

/* Where the ROM of this size would answer if it were on; the BARs are elsewhere. */
static void expect_rom(uint16_t bdfn, uint32_t size)
{
	struct fake_func *func = fake_find_func(&f[0], bdfn);
	const struct host_func *h = found(0, bdfn);
	unsigned int bar, pe;
	uint16_t who;

	assert_int_equal(h->rom.size, size);
	assert_int_equal(fake_get(func, PCI_ROM_BAR, 4), 0);
	assert_true(is_aligned(h->rom.bus, size < 0x10000 ? 0x10000 : size));
	assert_int_equal(fake_phb_mmio(&f[0], h->rom.bus, &who, &bar, &pe), -ENODEV);
	fake_put(func, PCI_ROM_BAR, 4, h->rom.bus | PCI_ROM_ENABLE);
	for (uint32_t off = 0; off < size; off += size - 1) {
		assert_int_equal(fake_phb_mmio(&f[0], h->rom.bus + off, &who, &bar, &pe), 0);
		assert_int_equal(who, bdfn);
		assert_int_equal(bar, PCI_NUM_BARS);
		assert_int_equal(pe, board.groups[h->group].pe);
	}
	fake_put(func, PCI_ROM_BAR, 4, 0);
}

/* SEED-003.43: each has a place of its own in the segments of its PE. */
static void test_expansion_roms_have_places(void **state)
{
	static const uint32_t sizes[] = {0x800, 0x10000, 0x100000};

	(void)state;
	for (uint8_t bus = 1; bus <= 3; bus++) {
		struct fake_func *a = add_link(0, bus - 1u, bus);
		struct fake_func *b = fake_add_func(&f[0], (uint16_t)(bus << 8 | 1), EDU);

		fake_put(a, PCI_HEADER_TYPE, 1, 0x80);
		fake_set_bar(a, 0, 0x400000u >> bus, false, false);
		fake_set_bar(b, 0, 0x1000, true, false);
		fake_set_rom(a, sizes[bus - 1], NULL);
		fake_set_rom(b, 0x4000, NULL);
	}
	host_pci_scan(&board);
	for (uint16_t bus = 1; bus <= 3; bus++) {
		expect_usable(0, (uint16_t)(bus << 8));
		expect_usable(0, (uint16_t)(bus << 8 | 1));
		expect_rom((uint16_t)(bus << 8), sizes[bus - 1]);
		expect_rom((uint16_t)(bus << 8 | 1), 0x4000);
	}
	expect_bars_apart();
}

/* One that lies is none, one that is too large has no place, and neither matters to its group. */
static void test_expansion_roms_that_cannot_be_are_left_out(void **state)
{
	static const struct {
		uint32_t mask, size;
	} cases[] = {{0, 0}, {1, 0}, {0xffff0001, 0x10000}, {0xfffe8001, 0}, {0x7fff0001, 0},
		{0xffe00001, 0x200000}, {0xff000001, 0x1000000}, {0x80000001, 0x80000000}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_func *func;

		(void)state;
		fresh_machine();
		func = add_link(0, 0, 1);
		fake_set_bar(func, 0, 0x100000, false, false);
		for (unsigned int k = 0; k < 4; k++) {
			func->wmask[PCI_ROM_BAR + k] = (uint8_t)(cases[i].mask >> (8 * k));
		}
		fake_put(func, PCI_ROM_BAR, 4, cases[i].mask & 0x80000001);
		host_pci_scan(&board);
		expect_usable(0, 0x100);
		assert_int_equal(found(0, 0x100)->rom.size, cases[i].size);
		assert_int_equal(found(0, 0x100)->rom.bus != 0, cases[i].size == 0x10000);
		assert_int_equal(fake_get(func, PCI_ROM_BAR, 4) & 1, 0);
	}
}

/* The BARs take all there is: the group goes without its ROMs. */
static void test_expansion_rom_without_room_is_given_up(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	fake_set_rom(func, 0x1000, NULL);
	for (unsigned int i = 0; i < 6; i++) {
		fake_set_bar(func, i, 0x40000000u >> i, false, false);
	}
	fake_put(func, PCI_HEADER_TYPE, 1, 0x80);
	func = fake_add_func(&f[0], 0x101, EDU);
	fake_set_bar(func, 0, 0x1000000, false, false);
	fake_set_bar(func, 1, 0x800000, false, false);
	fake_set_bar(func, 2, 0x400000, false, false);
	host_pci_scan(&board);
	expect_usable(0, 0x100);
	assert_int_equal(found(0, 0x100)->rom.size, 0);
	assert_int_equal(found(0, 0x100)->rom.bus, 0);
	/* With one BAR less there is room. */
	fresh_machine();
	func = add_link(0, 0, 1);
	fake_set_rom(func, 0x1000, NULL);
	fake_set_bar(func, 0, 0x40000000, false, false);
	host_pci_scan(&board);
	expect_rom(0x100, 0x1000);
}

/* Of a group that has room for them, too, if another one's BARs would have none then. */
static void test_expansion_roms_take_no_other_groups_room(void **state)
{
	(void)state;
	for (unsigned int nroms = 0; nroms <= 3; nroms++) {
		fresh_machine();
		for (uint8_t bus = 1; bus <= 3; bus++) {
			struct fake_func *func = add_link(0, bus - 1u, bus);

			fake_set_bar(func, 0, 0x20000000, false, false);
			if (bus <= nroms) {
				fake_set_rom(func, 0x1000, NULL);
			}
		}
		host_pci_scan(&board);
		for (uint16_t bus = 1; bus <= 3; bus++) {
			expect_usable(0, (uint16_t)(bus << 8));
			assert_int_equal(found(0, (uint16_t)(bus << 8))->rom.size, 0);
		}
	}
	/* One that does not fit in any case takes nobody's ROM away. */
	fresh_machine();
	for (uint8_t bus = 1; bus <= 3; bus++) {
		struct fake_func *func = add_link(0, bus - 1u, bus);

		fake_set_bar(func, 0, bus == 3 ? 0x80000000 : 0x20000000, false, false);
		fake_set_rom(func, 0x1000, NULL);
	}
	host_pci_scan(&board);
	expect_rom(0x100, 0x1000);
	expect_rom(0x200, 0x1000);
	assert_non_null(board.groups[2].refuse);
}

/* SEED-003.43: whatever cycle of the scan fails, no ROM is on. */
static void test_expansion_rom_is_shut_whatever_fails(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned int k = 1; failed; k++) {
		struct fake_func *func;

		fresh_machine();
		func = add_link(0, 0, 1);
		fake_set_bar(func, 0, 0x1000, false, false);
		fake_set_rom(func, 0x1000, NULL);
		f[0].fail_at = k;
		host_pci_scan(&board);
		failed = !f[0].fail_at;
		assert_int_equal(fake_get(func, PCI_ROM_BAR, 4) & PCI_ROM_ENABLE, 0);
		assert_true(k < 1000);
	}
}

/* All BARs of all groups of a PHB, of many sizes: apart, aligned, reachable, of the right PE. */
static void test_bars_of_all_sizes_are_placed_apart(void **state)
{
	(void)state;
	for (uint8_t bus = 1; bus <= 3; bus++) {
		struct fake_func *a = add_link(0, bus - 1u, bus);
		struct fake_func *b = fake_add_func(&f[0], (uint16_t)(bus << 8 | 1), EDU);

		fake_put(a, PCI_HEADER_TYPE, 1, 0x80);
		fake_set_bar(a, 0, 0x10, false, false);
		fake_set_bar(a, 1, 0x2000000, true, true);
		fake_set_bar(a, 3, 0x10000, false, false);
		fake_set_bar(a, 4, 0x1000, true, false);
		fake_set_bar(b, 0, 0x400000, false, false);
		fake_set_bar(b, 2, 0x100000u << bus, false, false);
		fake_set_bar(b, 5, 0x8000, false, true);
	}
	host_pci_scan(&board);
	assert_int_equal(board.ngroups, 3);
	for (uint16_t bus = 1; bus <= 3; bus++) {
		expect_usable(0, (uint16_t)(bus << 8));
		expect_usable(0, (uint16_t)(bus << 8 | 1));
	}
	expect_bars_apart();
	assert_int_equal(f[0].live_bar_writes, 0);
	/* What lies between is nobody's. */
	uint16_t bdfn;
	unsigned int bar, pe;

	assert_int_equal(fake_phb_mmio(&f[0], 0xffff0000, &bdfn, &bar, &pe), -ENODEV);
}

/* The last segment is cut short by the MSI addresses: a root port must not cover those. */
static void test_placement_stops_before_the_msi_addresses(void **state)
{
	struct fake_func *a = add_link(0, 0, 1), *b = add_link(0, 1, 2), *c = add_link(0, 2, 3);

	(void)state;
	/* 1 GiB, then all but 4 MiB of the other, then what would fit into the 4 MiB - 64 KiB. */
	fake_set_bar(a, 0, 0x40000000, false, false);
	for (unsigned int i = 0; i < 4; i++) {
		fake_set_bar(b, i, 0x20000000u >> i, false, false);
	}
	fake_set_bar(b, 4, 0x2000000, false, false);
	fake_set_bar(b, 5, 0x1000000, false, false);
	fake_put(b, PCI_HEADER_TYPE, 1, 0x80);
	b = fake_add_func(&f[0], 0x201, EDU);
	fake_set_bar(b, 0, 0x800000, false, false);
	fake_set_bar(b, 1, 0x400000, false, false);
	fake_set_bar(c, 0, 0x10000, false, false);
	host_pci_scan(&board);
	expect_usable(0, 0x100);
	expect_usable(0, 0x200);
	expect_usable(0, 0x201);
	expect_refused(0, 0x300, "do not fit");
	for (uint16_t port = 0; port < 3; port++) {
		const struct fake_func *func = fake_find_func(&f[0], (uint16_t)(port << 3));

		assert_true(fake_get(func, 0x22, 2) <= 0xffb0);
		assert_true(fake_get(func, 0x24, 2) > fake_get(func, 0x26, 2));
	}
}

static void test_group_that_does_not_fit_leaves_room_for_others(void **state)
{
	struct fake_func *a = add_link(0, 0, 1), *b = add_link(0, 1, 2);

	(void)state;
	fake_set_bar(a, 0, 1ull << 35, true, true);
	fake_set_bar(b, 0, 0x40000000, false, false);
	host_pci_scan(&board);
	expect_refused(0, 0x100, "do not fit below 4 GiB");
	expect_usable(0, 0x200);
	assert_int_equal(command_of(0, 0x100) & PCI_COMMAND_MASTER, 0);
}

static void test_bar_that_does_not_keep_its_address_is_refused(void **state)
{
	struct fake_func *func = add_link(0, 0, 1);

	(void)state;
	/* The placed address needs bit 31, and moods set in after sizing. */
	fake_set_bar(func, 0, 0x10000, false, false);
	func->moody_bars = true;
	func->moods = 1;
	host_pci_scan(&board);
	assert_non_null(board.groups[0].refuse);
	assert_int_equal(command_of(0, 0x100) & PCI_COMMAND_MASTER, 0);
}

static void test_pes_run_out(void **state)
{
	(void)state;
	board.phbs[0].num_pes = 4;
	board.phbs[0].reserved_pe = 1;
	for (uint8_t n = 0; n < 4; n++) {
		add_link(0, n, (uint8_t)(n + 1));
	}
	for (unsigned int i = 0; i < 256; i++) {
		f[0].pe_of_bus[i] = 1;
	}
	host_pci_scan(&board);
	assert_int_equal(board.groups[0].pe, 0);
	assert_int_equal(board.groups[1].pe, 2);
	assert_int_equal(board.groups[2].pe, 3);
	expect_refused(0, 0x400, "no PE left");
	assert_true(board.groups[3].closed);
}

static void build_two_links(void)
{
	struct fake_func *func;

	fresh_machine();
	func = add_link(0, 0, 1);
	fake_set_bar(func, 0, 0x100000, false, false);
	fake_put(func, PCI_HEADER_TYPE, 1, 0x80);
	fake_set_bar(fake_add_func(&f[0], 0x101, EDU), 0, 0x1000, true, false);
	fake_set_bar(add_link(0, 1, 2), 0, 0x100000, false, false);
}

/* LC-06 for hardware: whatever call fails, what is called usable is, and no window is on. */
static void fail_each_call(void (*build)(void))
{
	unsigned int ncalls, nrefused = 0;

	build();
	host_pci_scan(&board);
	ncalls = f[0].calls;
	for (unsigned int n = 1; n <= 2 * ncalls; n++) {
		build();
		f[0].fail_late = n > ncalls;
		f[0].fail_at = n > ncalls ? n - ncalls : n;
		host_pci_scan(&board);
		assert_false(fake_phb_any_window(&f[0]));
		for (unsigned int i = 0; i < board.nfuncs; i++) {
			const struct host_func *func = &board.funcs[i];

			if (func->group < 0) {
				continue;
			}
			const struct host_group *g = &board.groups[func->group];

			if (!g->refuse && g->closed) {
				expect_usable(0, func->bdfn);
				assert_false(command_of(0, func->bdfn) & PCI_COMMAND_MASTER);
			} else {
				nrefused++;
			}
		}
	}
	assert_true(nrefused > ncalls / 2);
}

static void test_any_failing_call_leaves_groups_right_or_refused(void **state)
{
	(void)state;
	fail_each_call(build_two_links);
	fail_each_call(build_switch);
}

/* A slot that could not be asked is not taken for a function: the numbers of others stay. */
static void test_failed_cycle_on_an_empty_slot_makes_no_group(void **state)
{
	(void)state;
	for (unsigned int n = 1; n < 200; n++) {
		fresh_machine();
		f[0].fail_at = n;
		host_pci_scan(&board);
		assert_int_equal(board.ngroups, 0);
	}
	/* But where there is a group, it is not known to be complete. */
	fresh_machine();
	fake_add_func(&f[0], 0x0f8, EDU);
	f[0].fail_at = 3;
	host_pci_scan(&board);
	expect_refused(0, 0x0f8, "config cycle");
}

static void open_windows(unsigned int pe)
{
	hpa_t table;

	assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &table), 0);
	for (unsigned int win = 0; win < 2; win++) {
		assert_int_equal(
			fake_phb_ops.window_set(&board.phbs[0], pe, win, table, 0x1000, 1, 12), 0);
	}
}

/* Decisions 8 and 16 */
static void test_quarantine_goes_from_the_device_inwards(void **state)
{
	struct host_group *g;
	unsigned int at;

	(void)state;
	build_two_links();
	host_pci_scan(&board);
	g = &board.groups[0];
	open_windows(g->pe);
	open_windows(board.groups[1].pe);
	fake_put(fake_find_func(&f[0], 0x101), PCI_COMMAND, 2, 6);
	fake_put(fake_find_func(&f[0], 0x200), PCI_COMMAND, 2, 6);
	g->closed = false;
	at = f[0].nlog;
	assert_int_equal(host_pci_quarantine(&board, g), 0);
	assert_true(g->closed);
	assert_int_equal(command_of(0, 0x101), PCI_COMMAND_INTX_OFF | 2);
	assert_int_equal(f[0].nlog, at + 3);
	assert_int_equal(f[0].log[at].op, FAKE_WINDOW_OFF);
	assert_int_equal(f[0].log[at + 1].op, FAKE_WINDOW_OFF);
	assert_int_equal(f[0].log[at + 2].op, FAKE_TCE_KILL);
	assert_int_equal(f[0].log[at + 2].arg[3], 0);
	assert_false(f[0].windows[g->pe][0].on || f[0].windows[g->pe][1].on);
	/* Nobody else's. */
	assert_true(f[0].windows[board.groups[1].pe][0].on);
	assert_int_equal(command_of(0, 0x200), 6);
	/* Again is no error. */
	assert_int_equal(host_pci_quarantine(&board, g), 0);
}

/* Every step is tried, the first error is the answer, and the group is not closed. */
static void test_quarantine_tries_every_step(void **state)
{
	unsigned int ncalls;

	(void)state;
	build_two_links();
	host_pci_scan(&board);
	ncalls = f[0].calls;
	assert_int_equal(host_pci_quarantine(&board, &board.groups[0]), 0);
	ncalls = f[0].calls - ncalls;
	for (unsigned int n = 1; n <= ncalls; n++) {
		struct host_group *g = &board.groups[0];

		build_two_links();
		host_pci_scan(&board);
		open_windows(g->pe);
		fake_put(fake_find_func(&f[0], 0x100), PCI_COMMAND, 2, 6);
		f[0].fail_at = n;
		text_len = 0;
		assert_int_equal(host_pci_quarantine(&board, g), -EIO);
		assert_false(g->closed);
		assert_non_null(strstr(text, "PHB#0000[000]: group 0"));
		/* One failure costs one barrier at most. */
		assert_true((command_of(0, 0x100) & PCI_COMMAND_MASTER) +
				    f[0].windows[g->pe][0].on + f[0].windows[g->pe][1].on <=
			    PCI_COMMAND_MASTER);
		assert_int_equal(host_pci_quarantine(&board, g), 0);
		assert_true(g->closed);
	}
}

/* DF-04 */
static void test_device_that_ignores_us_is_cut_off_and_not_closed(void **state)
{
	struct fake_func *func;

	(void)state;
	build_two_links();
	func = fake_find_func(&f[0], 0x100);
	host_pci_scan(&board);
	open_windows(board.groups[0].pe);
	fake_put(func, PCI_COMMAND, 2, 6);
	func->wmask[PCI_COMMAND] = 0;
	assert_int_equal(host_pci_quarantine(&board, &board.groups[0]), -EBUSY);
	assert_false(board.groups[0].closed);
	assert_false(fake_phb_any_window(&f[0]));
}

static void test_device_that_left_is_closed(void **state)
{
	(void)state;
	build_two_links();
	host_pci_scan(&board);
	fake_find_func(&f[0], 0x100)->gone = true;
	assert_int_equal(host_pci_quarantine(&board, &board.groups[0]), 0);
	assert_true(board.groups[0].closed);
}

static void test_print_shows_the_tree_in_narrow_lines(void **state)
{
	static const char *const want[] = {
		"PHB#0000: 512 PEs, MMIO 80000000-fffeffff, TCE pages 4K 64K 2M 1G\n",
		"PHB#0000: bridge 00:00.0 1014:04c1 class 060400 to bus 01-01\n",
		"PHB#0000[000]: group 0: 01:00.0 1234:11e8 class 000000 rev 00\n",
		"PHB#0000[000]:   BAR0   1M at 80000000\n",
		"PHB#0000[000]:   BAR0   4K at 80100000 64-bit\n",
		"PHB#0000: bridge 03:00.0 1014:04c1 class 060400 to bus 04-04\n",
		"PHB#0000[1ff]: group 2: not usable: a function with an unknown header type\n",
		"group 2: 04:00.0 is in the way: a function with an unknown header type\n",
		"group 2: bridge 04:08.0 is in the way: a bridge with bus numbers that cannot be\n",
		"group 2: all below root port 00:02.0 of PHB#0000 shares one PE\n",
		"PHB#0000[1ff]: group 2: 04:00.0 1234:11e8",
	};

	(void)state;
	build_two_links();
	fake_add_bridge(&f[0], 0x010, 3, 4);
	fake_add_bridge(&f[0], 0x300, 4, 4);
	fake_put(fake_add_func(&f[0], 0x400, EDU), PCI_HEADER_TYPE, 1, 2);
	fake_add_bridge(&f[0], 0x440, 4, 4);
	host_pci_scan(&board);
	host_pci_print(&board);
	for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if (!strstr(text, want[i])) {
			fail_msg("no line \"%s\" in\n%s", want[i], text);
		}
	}
	assert_true(longest <= 100 + 1);
}

/* DF-07: who does not say that its DMA keeps to the platform's rules has DMA that no IOMMU sees. */
static void test_virtio_that_passes_the_iommu_is_found(void **state)
{
	static const struct {
		uint16_t device;
		uint64_t features;
		bool passes;
	} cases[] = {
		{0x1041, 1ull << 33 | 1ull << 32, false},
		{0x1000, 1ull << 33, false},
		{0x107f, 1ull << 33, false},
		{0x1041, 1ull << 32, true},
		{0x1041, 0, true},
		{0x1041, UINT64_MAX & ~(1ull << 33), true},
		/* All ones is nobody's answer. */
		{0x1041, UINT64_MAX, true},
		/* Another of that maker's devices is no virtio function. */
		{0x1100, 0, false},
		{0x0fff, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh_machine();
		fake_make_virtio(add_link(0, 0, 1), cases[i].device, cases[i].features);
		host_pci_scan(&board);
		assert_int_equal(found(0, 0x0100)->passes_iommu, cases[i].passes);
	}
}

/* The old interface only, no window to look through, a cycle that fails: all the same. */
static void test_virtio_that_does_not_say_passes(void **state)
{
	struct fake_func *func;

	(void)state;
	func = add_link(0, 0, 1);
	fake_put(func, 0, 4, 0x10001af4);
	host_pci_scan(&board);
	assert_true(found(0, 0x0100)->passes_iommu);
	for (unsigned int cap = 0x50; cap <= 0x60; cap += 0x10) {
		fresh_machine();
		func = add_link(0, 0, 1);
		fake_make_virtio(func, 0x1041, 1ull << 33);
		fake_put(func, cap + 3, 1, 9);
		host_pci_scan(&board);
		assert_true(found(0, 0x0100)->passes_iommu);
	}
	/* A list that does not end, or lies where a window does not fit. */
	fresh_machine();
	func = add_link(0, 0, 1);
	fake_make_virtio(func, 0x1041, 1ull << 33);
	fake_put(func, 0x63, 1, 9);
	fake_put(func, 0x41, 1, 0x60);
	host_pci_scan(&board);
	assert_true(found(0, 0x0100)->passes_iommu);
	fresh_machine();
	func = add_link(0, 0, 1);
	fake_make_virtio(func, 0x1041, 1ull << 33);
	fake_put(func, 0x63, 1, 9);
	fake_put(func, 0x41, 1, 0xf0);
	fake_put(func, 0xf0, 4, 0x05100009);
	host_pci_scan(&board);
	assert_true(found(0, 0x0100)->passes_iommu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scan_finds_what_is_there),
		TEST(test_empty_phb_is_usable_and_has_no_group),
		TEST(test_bus_masters_go_off_before_the_reset),
		TEST(test_groups_are_numbered_by_phb_then_bus),
		TEST(test_unusable_phb_keeps_its_group_numbers),
		TEST(test_phb_without_ops_is_left_alone),
		TEST(test_phb_with_senseless_numbers_is_not_used),
		TEST(test_hostile_bridges_are_not_followed),
		TEST(test_two_bridges_to_one_bus_are_followed_once),
		TEST(test_more_functions_than_room_refuses_the_group),
		TEST(test_more_groups_than_room_are_left_closed),
		TEST(test_single_function_device_has_no_others),
		TEST(test_what_cannot_keep_its_pin_quiet_is_known),
		TEST(test_unknown_header_type_refuses_the_group),
		TEST(test_bars_are_believed_only_if_they_make_sense),
		TEST(test_last_bar_cannot_be_64_bit),
		TEST(test_bar_that_changes_its_mask_is_refused),
		TEST(test_sizing_is_done_with_decode_off_and_restores),
		TEST(test_expansion_rom_is_shut),
		TEST(test_expansion_roms_have_places),
		TEST(test_expansion_roms_that_cannot_be_are_left_out),
		TEST(test_expansion_rom_without_room_is_given_up),
		TEST(test_expansion_roms_take_no_other_groups_room),
		TEST(test_expansion_rom_is_shut_whatever_fails),
		TEST(test_bars_of_all_sizes_are_placed_apart),
		TEST(test_placement_stops_before_the_msi_addresses),
		TEST(test_group_that_does_not_fit_leaves_room_for_others),
		TEST(test_bar_that_does_not_keep_its_address_is_refused),
		TEST(test_pes_run_out),
		TEST(test_any_failing_call_leaves_groups_right_or_refused),
		TEST(test_failed_cycle_on_an_empty_slot_makes_no_group),
		TEST(test_quarantine_goes_from_the_device_inwards),
		TEST(test_quarantine_tries_every_step),
		TEST(test_device_that_ignores_us_is_cut_off_and_not_closed),
		TEST(test_device_that_left_is_closed),
		TEST(test_print_shows_the_tree_in_narrow_lines),
		TEST(test_virtio_that_passes_the_iommu_is_found),
		TEST(test_virtio_that_does_not_say_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
