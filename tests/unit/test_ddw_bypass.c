// SPDX-License-Identifier: Apache-2.0
/*
 * core/ddw.c's bypass (design decision 9): exactly the partition's memory at the second place, on
 * and off while a guest runs, and never beside a window that the guest has made.
 */
#include "tests/unit/ddw_help.h"

#include <pthread.h>

#define BYPASS PHB_BYPASS_BASE

/* A device finds every byte of the memory at BYPASS + its guest-real address, and nothing else. */
static void expect_on(void)
{
	uint8_t byte = 0x5a;

	assert_true(phb.bypass_size == RAM);
	for (uint64_t at = 0x123; at < RAM; at += 0x10fff) {
		assert_int_equal(peek(BYPASS + at), mem.ptr[at]);
	}
	assert_int_equal(fake_machine_dma(&m, 0, FAKE_DEV0, BYPASS + RAM - 1, &byte, 1, true), 0);
	assert_int_equal(mem.ptr[RAM - 1], 0x5a);
	assert_int_equal(peek(BYPASS + RAM), -EFAULT);
	assert_int_equal(peek(BYPASS + 2 * RAM), -EFAULT);
	assert_int_equal(peek(BYPASS + (1ull << 40)), -EFAULT);
	assert_int_equal(peek(BYPASS - 1), -EFAULT);
	assert_int_equal(peek(BYPASS | 1ull << 60), -EFAULT);
	expect_exact();
}

static void expect_off(void)
{
	assert_true(phb.bypass_size == 0);
	assert_int_equal(peek(BYPASS), -EFAULT);
	assert_int_equal(peek(BYPASS + RAM - 1), -EFAULT);
	expect_exact();
}

/* The reason of a switch that does not happen. */
static void expect_refused(int err, const char *reason)
{
	const char *why = NULL;

	assert_int_equal(ddw_bypass_on(&ddw, &why), err);
	assert_string_equal(why, reason);
	expect_off();
}

static void test_bypass_maps_exactly_the_memory(void **state)
{
	static const uint32_t hosts[] = {
		1u << 12 | 1u << 16 | 1u << 21 | 1u << 30, 1u << 12 | 1u << 16, 1u << 12};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		teardown(state);
		set_up(POOL_PAGES, hosts[i]);
		expect_off();
		assert_int_equal(call('b'), 0);
		expect_on();
		assert_int_equal(call('B'), 0);
		expect_off();
		assert_false(m.phb[0].windows[m.board.groups[0].pe][1].on);
		expect_nothing_kept();
	}
}

static void test_switching_it_twice_is_once(void **state)
{
	unsigned int calls;

	(void)state;
	assert_int_equal(call('B'), 0);
	assert_int_equal(call('b'), 0);
	calls = fake_machine_calls(&m);
	assert_int_equal(call('b'), 0);
	assert_int_equal(fake_machine_calls(&m), calls);
	expect_on();
	assert_int_equal(call('B'), 0);
	calls = fake_machine_calls(&m);
	assert_int_equal(call('B'), 0);
	assert_int_equal(fake_machine_calls(&m), calls);
	expect_off();
	expect_as_at_start();
}

/* It owns the second place: nothing can be made while it is on, whatever the guest removes. */
static void test_bypass_leaves_no_window_to_make(void **state)
{
	unsigned int slot = 99;

	(void)state;
	assert_int_equal(call('b'), 0);
	assert_int_equal(windows_left(), 0);
	assert_true(largest_block() == 0);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOSPC);
	assert_non_null(strstr(fake_arch.out, "bypass is on"));
	assert_int_equal(ddw_create(&ddw, 20, 22, &slot), -EINVAL);
	assert_int_equal(ddw_remove(&ddw, 1), -EINVAL);
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(windows_left(), 0);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOSPC);
	expect_on();
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(kind_of(0), 'D');
	expect_on();
	assert_int_equal(call('B'), 0);
	assert_int_equal(ddw_create(&ddw, 16, 22, &slot), 0);
	assert_int_equal(slot, 1);
}

/* The default window removed, then bypass off: both places are the guest's to use. */
static void test_places_are_free_when_it_is_off(void **state)
{
	(void)state;
	play("b0B");
	assert_int_equal(windows_left(), 2);
	play("cc");
	assert_int_equal(kind_of(0), 'G');
	assert_int_equal(kind_of(1), 'G');
	play("10");
	expect_as_at_start();
}

struct state_before {
	const char *calls, *windows, *reason;
	int err;
};

static void test_switch_is_refused_where_a_window_of_the_guests_lives(void **state)
{
	static const struct state_before cases[] = {
		{"c", "DG", "the guest has a DMA window of its own", -EEXIST},
		{"0c", "G-", "the guest has a DMA window of its own", -EEXIST},
		{"0cc", "GG", "the guest has a DMA window of its own", -EEXIST},
		{"c0", "-G", "the guest has a DMA window of its own", -EEXIST},
		{"0", "--", "the guest has removed its default DMA window", -ENOSPC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t used;

		teardown(state);
		setup(state);
		play(cases[i].calls);
		used = page_pool_used(&tables);
		for (unsigned int n = 0; n < 3; n++) {
			const char *why = NULL;

			assert_int_equal(ddw_bypass_on(&ddw, &why), cases[i].err);
			assert_string_equal(why, cases[i].reason);
		}
		assert_int_equal(kind_of(0), cases[i].windows[0]);
		assert_int_equal(kind_of(1), cases[i].windows[1]);
		assert_int_equal(page_pool_used(&tables), used);
		/* After a reset it can be. */
		play("Rb");
		expect_on();
	}
}

/* The table of the bypass window does not fit: nothing is left of it. On a host with 4 KiB pages it
 * needs two nodes below its root. */
static void test_switch_without_table_memory_leaves_it_off(void **state)
{
	for (unsigned int left = 0; left <= 2; left++) {
		hpa_t page[POOL_PAGES];

		teardown(state);
		set_up(POOL_PAGES, 1u << 12);
		while (page_pool_left(&tables) > left * MEM_PAGE) {
			assert_int_equal(page_pool_take(&tables, 1, &page[ntaken]), 0);
			ntaken++;
		}
		if (left == 2) {
			assert_int_equal(call('b'), 0);
			expect_on();
			continue;
		}
		expect_refused(-ENOMEM, "its table is more than tce-table-kib has left");
		expect_as_at_start();
		while (ntaken) {
			page_pool_give(&tables, page[--ntaken]);
		}
		assert_int_equal(call('b'), 0);
		expect_on();
	}
}

/* Memory that no page of the host's divides cannot be mapped exactly. */
static void test_switch_without_a_page_that_fits_leaves_it_off(void **state)
{
	(void)state;
	ddw.c.page_shifts = 1u << 30;
	expect_refused(-EINVAL, "the host's bridge refused it");
	expect_as_at_start();
}

/* Each call of the firmware that turning it on makes, refused, with and without effect. */
static void test_switch_that_firmware_refuses_leaves_it_off(void **state)
{
	for (unsigned int late = 0; late < 2; late++) {
		for (unsigned int n = 1;; n++) {
			const char *why = NULL;
			bool all_made;
			int err;

			teardown(state);
			setup(state);
			assert_int_equal(put(0, 1, 9, 1), 0);
			m.phb[0].fail_late = late;
			fake_machine_fail_at(&m, n);
			err = ddw_bypass_on(&ddw, &why);
			all_made = m.phb[0].fail_at != 0;
			fake_machine_heal(&m);
			if (all_made) {
				assert_int_equal(err, 0);
				expect_on();
				assert_true(n > 2);
				break;
			}
			assert_int_equal(err, -EIO);
			assert_string_equal(why, "the host's bridge refused it");
			expect_off();
			assert_int_equal(peek(0x1000), 9);
			/* Clean, and then it can be tried again; or the place is out of use. */
			if (ddw.slots[1].lost) {
				assert_int_equal(windows_left(), 0);
				assert_int_equal(call('b'), -ENOSPC);
			} else {
				assert_int_equal(call('b'), 0);
				expect_on();
			}
			expect_nothing_kept();
		}
	}
}

/* Off is off, whatever firmware says: no entry gives access, and the place is not used again. */
static void test_end_that_is_not_confirmed_is_said(void **state)
{
	static const enum fake_op ops[] = {FAKE_WINDOW_OFF, FAKE_TCE_KILL};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		const char *why = NULL;

		teardown(state);
		setup(state);
		assert_int_equal(call('b'), 0);
		expect_on();
		m.phb[0].fail_op[ops[i]] = true;
		assert_int_equal(ddw_bypass_off(&ddw, &why), -EIO);
		assert_string_equal(
			why, "the hardware did not confirm; its place is not used again");
		assert_true(phb.bypass_size == 0);
		assert_true(vfio_spapr_count_live(c) == 0);
		expect_exact();
		fake_machine_heal(&m);
		assert_int_equal(windows_left(), 0);
		expect_refused(-ENOSPC, "the hardware has not confirmed the end of the last window "
					"in its place");
		assert_int_equal(call('B'), 0);
		expect_nothing_kept();
	}
}

/* It was not made, and could not be taken back for certain either: off, and its place is lost. */
static void test_half_made_switch_loses_the_place(void **state)
{
	(void)state;
	m.phb[0].fail_op[FAKE_WINDOW_SET] = true;
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	expect_refused(-EIO, "the host's bridge refused it");
	assert_int_equal(held(1), MEM_PAGE);
	fake_machine_heal(&m);
	assert_int_equal(windows_left(), 0);
	expect_refused(-ENOSPC, "the hardware has not confirmed the end of the last window in its "
				"place");
	assert_int_equal(put(0, 1, 9, 1), 0);
	assert_int_equal(peek(0x1000), 9);
	expect_nothing_kept();
}

static void test_switch_waits_for_nobody(void **state)
{
	const char *why = NULL;

	(void)state;
	assert_false(atomic_flag_test_and_set(&ddw.busy));
	assert_int_equal(ddw_bypass_on(&ddw, &why), -EBUSY);
	assert_string_equal(why, "its windows are being changed; try again");
	assert_int_equal(ddw_bypass_off(&ddw, &why), -EBUSY);
	assert_string_equal(why, "its windows are being changed; try again");
	atomic_flag_clear(&ddw.busy);
	expect_off();
	assert_int_equal(call('b'), 0);
	expect_on();
}

static void test_many_switches_leak_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(call('b'), 0);
		assert_int_equal(call('B'), 0);
	}
	expect_as_at_start();
	assert_int_equal(call('b'), 0);
	expect_on();
}

#define ROUNDS 3000

static atomic_bool done;

/* As the monitor does, on its thread. */
static void *switch_it(void *arg)
{
	unsigned int switched = 0;

	while (switched < ROUNDS) {
		int err = call('b');

		if (!err) {
			switched++;
			while ((err = call('B')) == -EBUSY) {
			}
		}
		if (err && err != -EBUSY && err != -EEXIST && err != -ENOSPC) {
			*(bool *)arg = true;
			break;
		}
	}
	atomic_store(&done, true);
	return NULL;
}

/* A guest that maps and changes its windows meanwhile: each call has one of its results, and both
 * sides are right in the end. */
static void test_switches_race_with_a_guest_to_a_clean_end(void **state)
{
	bool failed = false;
	pthread_t switcher;

	(void)state;
	atomic_store(&done, false);
	assert_int_equal(pthread_create(&switcher, NULL, switch_it, &failed), 0);
	for (unsigned int i = 0; !atomic_load(&done); i++) {
		unsigned int slot;
		int err;

		assert_int_equal(put(0, i % 1024, i, 1), 0);
		assert_int_equal(tce_clear(&phb.windows[0], ioba((i % 1024) << 12), 1), 0);
		err = ddw_create(&ddw, 16, 22, &slot);
		assert_true(err == 0 || err == -EBUSY || err == -ENOSPC);
		if (!err) {
			assert_int_equal(slot, 1);
			assert_int_equal(put(1, 3, 3, 1), 0);
			while ((err = ddw_remove(&ddw, 1)) == -EBUSY) {
			}
			assert_int_equal(err, 0);
		}
	}
	assert_int_equal(pthread_join(switcher, NULL), 0);
	assert_false(failed);
	assert_true(vfio_spapr_count_live(c) == 0);
	expect_as_at_start();
	assert_int_equal(call('b'), 0);
	expect_on();
	expect_nothing_kept();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bypass_maps_exactly_the_memory),
		TEST(test_switching_it_twice_is_once),
		TEST(test_bypass_leaves_no_window_to_make),
		TEST(test_places_are_free_when_it_is_off),
		TEST(test_switch_is_refused_where_a_window_of_the_guests_lives),
		TEST(test_switch_without_table_memory_leaves_it_off),
		TEST(test_switch_without_a_page_that_fits_leaves_it_off),
		TEST(test_switch_that_firmware_refuses_leaves_it_off),
		TEST(test_end_that_is_not_confirmed_is_said),
		TEST(test_half_made_switch_loses_the_place),
		TEST(test_switch_waits_for_nobody),
		TEST(test_many_switches_leak_nothing),
		TEST(test_switches_race_with_a_guest_to_a_clean_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
