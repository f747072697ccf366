// SPDX-License-Identifier: Apache-2.0
/*
 * core/host_pci_bridge.c and the bridges of the scan: groups with bridges inside, who lets what
 * through when, bridges that lie or change, bus resets, and how a refusal names who is in the way.
 */
#include "tests/unit/host_pci_help.h"

/* DM-09, SEED-001.2: one PE for all buses, windows for each bridge, and no way for DMA yet. */
static void test_bridges_inside_a_group_are_opened(void **state)
{
	static const uint16_t inside[] = {0x100, 0x200, 0x208, 0x408};

	(void)state;
	build_switch();
	host_pci_scan(&board);
	assert_int_equal(board.ngroups, 2);
	assert_int_equal(board.groups[0].nfuncs, 3);
	assert_int_equal(board.groups[0].bus, 1);
	assert_int_equal(board.groups[0].last, 5);
	for (unsigned int bus = 1; bus <= 5; bus++) {
		assert_int_equal(f[0].pe_of_bus[bus], board.groups[0].pe);
	}
	expect_usable(0, 0x300);
	expect_usable(0, 0x400);
	expect_usable(0, 0x510);
	expect_usable(0, 0x600);
	expect_bars_apart();
	assert_int_equal(f[0].live_bar_writes, 0);
	expect_no_masters(0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(found(0, inside[i])->group, -1);
		assert_int_equal(command_of(0, inside[i]) & 7, PCI_COMMAND_MEMORY);
	}
	assert_int_equal(command_of(0, 0x000) & 7, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* Bus numbers are each host bridge's own. */
static void test_bridges_of_two_host_bridges_are_apart(void **state)
{
	(void)state;
	build_switch();
	board.nphbs = 2;
	board.phbs[0].id = 9;
	fake_set_bar(add_link(1, 0, 3), 0, 0x100000, false, false);
	/* One without a prefetchable window, which reads 0 there. */
	memset(fake_find_func(&f[0], 0x208)->wmask + 0x24, 0, 4);
	host_pci_scan(&board);
	expect_usable(1, 0x300);
	expect_usable(0, 0x300);
	expect_usable(0, 0x400);
	expect_usable(0, 0x510);
}

static bool may_dma(uint16_t bdfn)
{
	uint8_t byte;
	bool ok;

	fake_put(fake_find_func(&f[0], bdfn), PCI_COMMAND, 2, 6);
	fake_phb_thaw(&f[0]);
	f[0].faults = 0;
	ok = !fake_phb_dma(&f[0], bdfn, 0, &byte, 1, false);
	/* It fails for its bus master bits, and not for what it reads. */
	assert_true(ok || !f[0].faults);
	fake_put(fake_find_func(&f[0], bdfn), PCI_COMMAND, 2, 2);
	return ok;
}

static void open_first(void)
{
	hpa_t table, page;

	build_switch();
	host_pci_scan(&board);
	assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &table), 0);
	assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &page), 0);
	*(be64_t *)mem_ptr(&ram.pool, table) = be64(page.v | 3);
	assert_int_equal(fake_phb_ops.window_set(
				 &board.phbs[0], board.groups[0].pe, 0, table, 0x1000, 1, 12),
		0);
}

/* What a function sends gets through its bridges while its group has an owner. */
static void test_bridges_let_dma_through_until_quarantine(void **state)
{
	struct host_group *g = &board.groups[0];

	(void)state;
	open_first();
	assert_false(may_dma(0x300));
	assert_int_equal(host_pci_open_bridges(&board, g), 0);
	assert_true(may_dma(0x300));
	assert_true(may_dma(0x510));
	/* Functions first: one that does not obey has its bridge before it. */
	fake_put(fake_find_func(&f[0], 0x300), PCI_COMMAND, 2, 6);
	fake_find_func(&f[0], 0x300)->wmask[PCI_COMMAND] = 0;
	assert_int_equal(host_pci_quarantine(&board, g), -EBUSY);
	assert_false(g->closed);
	assert_int_equal(command_of(0, 0x200) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(command_of(0, 0x408) & PCI_COMMAND_MASTER, 0);
	assert_string_equal(found(0, 0x300)->wrong, "a bus master that stays on");
	assert_int_equal(host_pci_quarantine(&board, g), -EBUSY);
	assert_string_equal(found(0, 0x300)->wrong, "a bus master that stays on");
}

static void test_bridges_open_all_or_are_told(void **state)
{
	unsigned int ncalls;

	(void)state;
	build_switch();
	host_pci_scan(&board);
	ncalls = f[0].calls;
	assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), 0);
	ncalls = f[0].calls - ncalls;
	for (unsigned int n = 1; n <= ncalls; n++) {
		build_switch();
		host_pci_scan(&board);
		f[0].fail_at = n;
		assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), -EIO);
		assert_non_null(board.groups[0].refuse);
		assert_int_equal(host_pci_quarantine(&board, &board.groups[0]), 0);
		assert_int_equal(command_of(0, 0x100) & PCI_COMMAND_MASTER, 0);
		assert_int_equal(command_of(0, 0x408) & PCI_COMMAND_MASTER, 0);
	}
}

/* CF-14: what a bridge said at the scan has to be so when it is opened. */
static void test_bridge_that_changes_is_not_opened(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t val;
	} cases[] = {{PCI_HEADER_TYPE, 1, 0}, {PCI_HEADER_TYPE, 1, 0x82}, {0x19, 1, 6},
		{0x1a, 1, 6}, {0x20, 4, 0xfff00000}, {PCI_VENDOR_ID, 4, UINT32_MAX},
		{PCI_DEVICE_ID, 2, 1}, {0x24, 4, 0xfff00010}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build_switch();
		host_pci_scan(&board);
		fake_put(fake_find_func(&f[0], 0x208), cases[i].off, cases[i].size, cases[i].val);
		assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), -EIO);
		assert_int_equal(command_of(0, 0x208) & PCI_COMMAND_MASTER, 0);
		assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), -EIO);
		assert_string_equal(board.groups[0].refuse, "a bridge is not what it was");
		assert_non_null(strstr(text, "02:01.0: a bridge is not what it was: group 0"));
		assert_int_equal(host_pci_quarantine(&board, &board.groups[0]), 0);
		assert_int_equal(command_of(0, 0x100) & PCI_COMMAND_MASTER, 0);
	}
	build_switch();
	host_pci_scan(&board);
	fake_find_func(&f[0], 0x200)->wmask[PCI_COMMAND] = 2;
	assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), -EIO);
	assert_string_equal(found(0, 0x200)->wrong, "a bridge does not let DMA through");
}

/* What a bus reset leaves of the bridges behind the root port. */
static void forget_bridges(void)
{
	static const uint16_t inside[] = {0x100, 0x200, 0x208, 0x408};

	for (unsigned int i = 0; i < 4; i++) {
		struct fake_func *func = fake_find_func(&f[0], inside[i]);

		fake_put(func, PCI_COMMAND, 2, 0);
		memset(func->image + PCI_BAR0, 0, 0x20);
		memset(func->image + 0x48, 0, 2);
		func->image[PCI_BAR0] = inside[i] == 0x408 ? 4 : 0;
		memset(func->wmask + 0x18, 0xff, 3);
		memset(func->wmask + 0x48, 0xff, 2);
	}
}

static void build_reset_switch(void)
{
	struct fake_func *port;

	build_switch();
	port = fake_find_func(&f[0], 0x200);
	fake_put(port, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(port, PCI_CAP_PTR, 1, 0x40);
	fake_put(port, 0x40, 4, 0x00620010);
	fake_put(port, 0x48, 2, 0x2830);
	host_pci_scan(&board);
	fake_arch.now_ns = 5;
	fake_arch.tick_ns = 1000000;
}

static void test_bridges_come_back_from_a_reset(void **state)
{
	(void)state;
	build_reset_switch();
	for (unsigned int opened = 0; opened < 2; opened++) {
		uint64_t start = fake_arch.now_ns;

		if (opened) {
			assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), 0);
		}
		forget_bridges();
		assert_int_equal(host_pci_restore_bridges(&board, &board.groups[0]), 0);
		assert_true(fake_arch.now_ns - start >= 100000000u);
		assert_int_equal(fake_get(fake_find_func(&f[0], 0x408), 0x18, 4), 0x00050504);
		assert_int_equal(fake_get(fake_find_func(&f[0], 0x200), 0x48, 2), 0x2830);
		assert_int_equal(command_of(0, 0x100) & 7, opened ? 6 : 2);
		assert_int_equal(command_of(0, 0x408) & 7, opened ? 6 : 2);
		expect_usable(0, 0x300);
		expect_usable(0, 0x400);
		expect_usable(0, 0x510);
	}
}

/* One that does not come back is waited for, but not for ever; whatever else fails is an error. */
static void test_bridge_that_does_not_come_back_is_told(void **state)
{
	unsigned int ncalls;

	(void)state;
	build_reset_switch();
	forget_bridges();
	ncalls = f[0].calls;
	assert_int_equal(host_pci_restore_bridges(&board, &board.groups[0]), 0);
	ncalls = f[0].calls - ncalls;
	for (unsigned int n = 1; n <= 2 * ncalls; n++) {
		build_reset_switch();
		if (n > ncalls) {
			assert_int_equal(host_pci_open_bridges(&board, &board.groups[0]), 0);
		}
		forget_bridges();
		f[0].fail_at = n > ncalls ? n - ncalls : n;
		assert_int_equal(host_pci_restore_bridges(&board, &board.groups[0]), -EIO);
		assert_string_equal(
			board.groups[0].refuse, "a bridge did not come back from a reset");
	}
	build_reset_switch();
	forget_bridges();
	fake_find_func(&f[0], 0x208)->gone = true;
	assert_int_equal(host_pci_restore_bridges(&board, &board.groups[0]), -EIO);
	assert_in_range(fake_arch.now_ns / 1000000000, 60, 61);
	assert_non_null(strstr(text, "02:01.0: a bridge did not come back from a reset: group 0"));
}

/* A window or a BAR that a bridge does not take: nothing behind it can be reached for sure. */
static void test_bridge_that_cannot_be_set_refuses_its_group(void **state)
{
	(void)state;
	build_switch();
	fake_find_func(&f[0], 0x208)->wmask[0x21] = 0;
	host_pci_scan(&board);
	expect_refused(0, 0x300, "does not keep its address");
	assert_non_null(found(0, 0x208)->wrong);
	assert_null(found(0, 0x300)->wrong);
	expect_usable(0, 0x600);
	build_switch();
	fake_find_func(&f[0], 0x408)->moody_bars = true;
	host_pci_scan(&board);
	expect_refused(0, 0x300, "changes its size");
	assert_non_null(found(0, 0x408)->wrong);
	/* One that masters the bus for ever, and a function that does. */
	build_switch();
	fake_find_func(&f[0], 0x400)->wmask[PCI_COMMAND] = 0;
	host_pci_scan(&board);
	assert_string_equal(found(0, 0x400)->wrong, "a bus master that stays on");
	build_switch();
	fake_find_func(&f[0], 0x100)->wmask[PCI_COMMAND] = 0;
	host_pci_scan(&board);
	assert_non_null(board.groups[0].refuse);
	assert_string_equal(found(0, 0x100)->wrong, "a bus master that stays on");
	assert_false(board.groups[0].closed);
	expect_usable(0, 0x600);
}

/* Two bridges that are given one range: who comes second is not followed. */
static void test_bridges_beside_each_other_do_not_share_buses(void **state)
{
	(void)state;
	build_switch();
	fake_find_func(&f[0], 0x208)->image[0x19] = 3;
	host_pci_scan(&board);
	assert_int_equal(found(0, 0x208)->secondary, 0);
	assert_null(found(0, 0x400));
	expect_refused(0, 0x300, "bus numbers");
	/* A range in the middle of another's is one, too. */
	build_switch();
	fake_find_func(&f[0], 0x200)->image[0x1a] = 5;
	host_pci_scan(&board);
	assert_int_equal(found(0, 0x208)->secondary, 0);
	expect_refused(0, 0x300, "bus numbers");
	expect_usable(0, 0x600);
}

/* Behind a downstream port is a link, too. */
static void test_downstream_port_has_one_device(void **state)
{
	struct fake_func *port;

	(void)state;
	build_switch();
	fake_add_func(&f[0], 0x308, EDU);
	port = fake_find_func(&f[0], 0x200);
	fake_put(port, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(port, PCI_CAP_PTR, 1, 0x40);
	fake_put(port, 0x40, 4, 0x00620010);
	/* Ports of a root and a switch, and a bridge from PCI to PCI Express; not one from it. */
	for (uint8_t type = 0; type < 16; type++) {
		bool link = type == 4 || type == 6 || type == 8;

		port->image[0x42] = (uint8_t)(type << 4 | 2);
		host_pci_scan(&board);
		assert_int_equal(!found(0, 0x308), link);
		expect_usable(0, 0x300);
	}
	/* A capability that does not fit says nothing. */
	fake_put(port, PCI_CAP_PTR, 1, 0xf0);
	fake_put(port, 0xf0, 4, 0x00620010);
	host_pci_scan(&board);
	assert_non_null(found(0, 0x308));
}

/* The far end of a chain of bridges, and BARs as large as can be. */
static void test_long_chain_and_large_bars(void **state)
{
	struct fake_func *func;
	uint8_t n;

	(void)state;
	for (n = 0; n < 40; n++) {
		fake_add_bridge(&f[0], (uint16_t)(n << 8), (uint8_t)(n + 1), 0xff);
	}
	func = fake_add_func(&f[0], (uint16_t)(n << 8), EDU);
	fake_set_bar(func, 0, 0x20000000, false, false);
	fake_set_bar(func, 1, 0x10, false, false);
	host_pci_scan(&board);
	assert_int_equal(board.groups[0].last, 0xff);
	expect_usable(0, func->bdfn);
	/* Twice as much as there is room for, by one BAR or by two. */
	fake_set_bar(func, 0, 0x80000000, false, false);
	host_pci_scan(&board);
	expect_refused(0, func->bdfn, "do not fit");
	fake_set_bar(func, 0, 0x40000000, false, false);
	fake_set_bar(func, 1, 0x80000000, false, false);
	host_pci_scan(&board);
	expect_refused(0, func->bdfn, "do not fit");
	/* More than can be counted in bus addresses. */
	fake_set_bar(func, 0, 0x80000000, false, false);
	fake_set_bar(func, 2, 0x80000000, false, false);
	host_pci_scan(&board);
	expect_refused(0, func->bdfn, "do not fit");
	fake_set_bar(func, 1, 1ull << 32, true, false);
	host_pci_scan(&board);
	expect_refused(0, func->bdfn, "do not fit");
	assert_string_equal(found(0, func->bdfn)->wrong, "its BARs do not fit below 4 GiB");
}

/* SEED-000.19: everybody who is in the way is named, but the log is not flooded. */
static void test_blockers_are_named_in_a_few_lines(void **state)
{
	unsigned int n = 0, ncalls;

	(void)state;
	fake_add_bridge(&f[0], 0x000, 1, 2);
	fake_add_bridge(&f[0], 0x100, 2, 2);
	for (uint16_t dev = 0; dev < 10; dev++) {
		fake_put(fake_add_func(&f[0], (uint16_t)(0x200 | dev << 3), EDU), PCI_HEADER_TYPE,
			1, 2);
	}
	/* Another group has its own. */
	fake_put(add_link(0, 1, 3), PCI_HEADER_TYPE, 1, 2);
	host_pci_scan(&board);
	text_len = 0;
	host_pci_print_blockers(&board, &board.groups[0], "who: ");
	for (const char *at = text; (at = strstr(at, "who: group 0: 02:")); at++) {
		n++;
	}
	assert_int_equal(n, HOST_PCI_MAX_BLOCKERS);
	assert_non_null(strstr(text, "who: group 0: 02:07.0 is in the way"));
	assert_non_null(strstr(text, "who: group 0: 2 more are in the way\n"));
	/* Of an empty slot that cannot be asked the scan says which one it was. */
	build_switch();
	host_pci_scan(&board);
	ncalls = f[0].calls;
	for (unsigned int at = 1; at < ncalls && !strstr(text, "03:1f.0: a config cycle"); at++) {
		build_switch();
		f[0].fail_at = at;
		host_pci_scan(&board);
	}
	assert_non_null(strstr(text, "PHB#0000: 03:1f.0: a config cycle failed\n"));
	expect_refused(0, 0x300, "a config cycle failed");
	/* On bus 0 there is no root port to name. */
	fresh_machine();
	fake_put(fake_add_func(&f[0], 0x008, EDU), PCI_HEADER_TYPE, 1, 2);
	host_pci_scan(&board);
	host_pci_print(&board);
	assert_non_null(strstr(text, "group 0: all on bus 00 of PHB#0000 shares one PE\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bridges_inside_a_group_are_opened),
		TEST(test_bridges_of_two_host_bridges_are_apart),
		TEST(test_bridges_open_all_or_are_told),
		TEST(test_bridges_let_dma_through_until_quarantine),
		TEST(test_bridge_that_changes_is_not_opened),
		TEST(test_bridges_come_back_from_a_reset),
		TEST(test_bridge_that_does_not_come_back_is_told),
		TEST(test_bridge_that_cannot_be_set_refuses_its_group),
		TEST(test_bridges_beside_each_other_do_not_share_buses),
		TEST(test_downstream_port_has_one_device),
		TEST(test_long_chain_and_large_bars),
		TEST(test_blockers_are_named_in_a_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
