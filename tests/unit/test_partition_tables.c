// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's table memory from its plan to its end: how much there is, what is said when it is
 * too little, and that every page of it comes back.
 */
#include "tests/unit/audit_help.h"

#include <stdio.h>

#define KIB 0x400ull

/* Of the host's memory, when no partition is there. */
static uint64_t free_at_first;

static int setup_tables(void **state)
{
	setup(state);
	free_at_first = mem_free_bytes(&ram.pool);
	return 0;
}

static void fake_master(void)
{
	struct fake_func *func = fake_find_func(&fake, 0x100);

	fake_put(func, PCI_COMMAND, 2, fake_get(func, PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
}

static int build_first(void)
{
	static const unsigned int threads[] = {0, 1};

	parts[0] = calloc(1, sizeof(*parts[0]));
	parts[0]->lpid = 1;
	return partition_build(parts[0], &plans[0], &board, &vfio, &ram.pool, threads, false);
}

/* Maps at every 2 MiB of a window of 64 MiB until there is no more memory; how many it were. */
static unsigned int fill(void)
{
	struct tce_window *w = &parts[0]->phbs[0].windows[0];

	for (unsigned int i = 0; i < 32; i++) {
		if (tce_put_one(w, ioba((uint64_t)i << 21), 3)) {
			return i;
		}
	}
	return 32;
}

/* 64 MiB of window and 16 of memory in 4 KiB pages: 32 and 8 nodes, two roots, and a page for the
 * container. */
static void test_default_is_enough_and_no_more(void **state)
{
	unsigned int slot;

	(void)state;
	build();
	assert_int_equal(parts[0]->tables.npages, 32 + 8 + 2 + 1);
	assert_int_equal(parts[1]->tables.npages, 1);
	assert_int_equal(fill(), 32);
	assert_int_equal(ddw_create(&parts[0]->bound[0].ddw, 12, 24, &slot), 0);
	for (uint64_t at = 0; at < GUEST_SIZE; at += 2 * MIB) {
		assert_int_equal(
			tce_put_one(&parts[0]->phbs[0].windows[1], ioba(BYPASS + at), at | 3), 0);
	}
	assert_int_equal(page_pool_left(&parts[0]->tables), 0);
}

/* The least that a plan can say: a page of the default window can be mapped. */
static void test_limit_of_the_plan_holds_to_the_page(void **state)
{
	(void)state;
	for (unsigned int pages = 4; pages < 12; pages++) {
		teardown(state);
		setup_tables(state);
		plans[0].tables_said = true;
		plans[0].table_bytes = pages * MEM_PAGE;
		build();
		assert_int_equal(fill(), pages - 3);
		assert_int_equal(page_pool_left(&parts[0]->tables), 0);
		partition_start(parts[0]);
		stop(parts[0]);
		assert_int_equal(nstopped, 1);
		assert_said("alpha: TCE tables: ");
	}
}

static void test_too_little_names_the_property(void **state)
{
	char want[128];

	(void)state;
	for (unsigned int pages = 1; pages < 3; pages++) {
		teardown(state);
		setup_tables(state);
		plans[0].tables_said = true;
		plans[0].table_bytes = pages * MEM_PAGE;
		assert_int_equal(build_first(), -ENOMEM);
		(void)snprintf(want, sizeof(want),
			"alpha: host bridge CXGB3: tce-table-kib: %u KiB do not hold its windows",
			4 * pages);
		assert_said(want);
		assert_true(mem_free_bytes(&ram.pool) == free_at_first);
	}
}

/* Bypass on a host with pages of 4 KiB only: eight nodes that are not there. */
static void test_bypass_without_memory_names_the_property(void **state)
{
	(void)state;
	board.phbs[0].page_shifts = 1u << 12;
	plans[0].tables_said = true;
	plans[0].table_bytes = 8 * MEM_PAGE;
	plans[0].phbs[0].bypass = true;
	assert_int_equal(build_first(), -ENOMEM);
	assert_said("alpha: host bridge CXGB3: no bypass: its table is more than tce-table-kib has "
		    "left (-ENOMEM)");
	assert_true(mem_free_bytes(&ram.pool) == free_at_first);
	assert_false(fake_phb_any_window(&fake));
}

static void test_too_much_names_the_property(void **state)
{
	(void)state;
	plans[0].tables_said = true;
	plans[0].table_bytes = 1024 * MIB;
	assert_int_equal(build_first(), -ENOMEM);
	assert_said("alpha: tce-table-kib: no 1048576 KiB in one piece; the largest left is ");
	assert_true(mem_free_bytes(&ram.pool) == free_at_first);
}

/* A reboot finds the same memory, with nothing in it. */
static void test_reboot_and_end_give_every_page_back(void **state)
{
	struct page_pool *tables;
	hpa_t base;

	(void)state;
	start();
	tables = &parts[0]->tables;
	base = tables->base;
	for (unsigned int i = 0; i < 20; i++) {
		const char *why;

		assert_int_equal(fill(), 32);
		if (i % 2) {
			assert_int_equal(ddw_bypass_on(&parts[0]->bound[0].ddw, &why), 0);
		}
		partition_request_stop(parts[0], STOP_REBOOT);
		leave(&parts[0]->vcpus[0]);
		assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
		assert_true(tables->base.v == base.v);
		/* The container's page, and a root. */
		assert_int_equal(page_pool_used(tables), 2 * MEM_PAGE);
	}
	stop(parts[0]);
	stop(parts[1]);
	assert_true(mem_free_bytes(&ram.pool) == free_at_first);
}

/* What hardware may still look at is not given to anybody: the piece stays out of use, and the log
 * says so. */
static void test_tables_that_hardware_may_see_are_kept(void **state)
{
	(void)state;
	start();
	fake_master();
	assert_int_equal(fill(), 32);
	fake.fail_op[FAKE_WINDOW_OFF] = true;
	stop(parts[0]);
	assert_said("may still be looked at by hardware");
	assert_said("its memory stays out of use");
	stop(parts[1]);
	assert_true(free_at_first - mem_free_bytes(&ram.pool) >= GUEST_SIZE + 43 * MEM_PAGE);
}

/* The plan's page for the default window is the window's, and the guest's tree says so. */
static void test_page_of_the_plan_is_the_windows(void **state)
{
	static const struct {
		uint64_t page;
		unsigned int shift;
	} cases[] = {{0, 12}, {4 * KIB, 12}, {64 * KIB, 16}, {2 * MIB, 21}, {16 * MIB, 24}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		teardown(state);
		setup_tables(state);
		plans[0].phbs[0].window_page = cases[i].page;
		build();
		assert_int_equal(parts[0]->phbs[0].windows[0].page_shift, cases[i].shift);
		assert_int_equal(parts[0]->phbs[0].windows[0].npages << cases[i].shift, WINDOW);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_tables, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_default_is_enough_and_no_more),
		TEST(test_limit_of_the_plan_holds_to_the_page),
		TEST(test_too_little_names_the_property),
		TEST(test_bypass_without_memory_names_the_property),
		TEST(test_too_much_names_the_property),
		TEST(test_reboot_and_end_give_every_page_back),
		TEST(test_tables_that_hardware_may_see_are_kept),
		TEST(test_page_of_the_plan_is_the_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
