// SPDX-License-Identifier: Apache-2.0
/*
 * core/ddw.c and the memory of its tables: what windows cost, what query promises, a pool that is
 * used up at each step, and hardware that fails at each.
 */
#include "tests/unit/ddw_help.h"

#include <pthread.h>
#include <stdlib.h>

/* Takes all that is left of the pool but for n pages. */
static hpa_t taken[POOL_PAGES];

static void leave_pages(uint64_t n)
{
	while (page_pool_left(&tables) > n * MEM_PAGE) {
		assert_int_equal(page_pool_take(&tables, 1, &taken[ntaken]), 0);
		ntaken++;
	}
}

static void give_pages_back(void)
{
	while (ntaken) {
		page_pool_give(&tables, taken[--ntaken]);
	}
}

/* A window of 2^40 bytes is one page, and what is mapped in it takes what lies on the way there. */
static void test_large_window_costs_what_is_in_it(void **state)
{
	static const struct {
		uint64_t at;
		uint64_t pages; /* more than before */
	} maps[] = {{0, 3}, {1, 0}, {511, 0}, {512, 1}, {1u << 18, 2}, {(1u << 28) - 1, 3},
		{1u << 27, 2}, {(1u << 27) + 5, 0}};

	(void)state;
	create_second(12, 40);
	assert_int_equal(held(1), MEM_PAGE);
	assert_int_equal(m.phb[0].windows[m.board.groups[0].pe][1].levels, 4);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		uint64_t before = held(1);

		assert_int_equal(put(1, maps[i].at, i + 1, 1), 0);
		assert_int_equal(held(1) - before, maps[i].pages * MEM_PAGE);
		assert_int_equal(peek(WIN1 + (maps[i].at << 12)), (int)i + 1);
		expect_exact();
	}
	assert_int_equal(vfio_spapr_count_live(c), ARRAY_SIZE(maps));
	assert_int_equal(peek(WIN1 + (2u << 12)), -EFAULT);
	assert_int_equal(peek(WIN1 + (1ull << 40)), -EFAULT);
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	expect_as_at_start();
}

/* As many levels as there are; one more is refused (test_ddw.c). */
static void test_largest_window_works_to_its_end(void **state)
{
	(void)state;
	create_second(12, 57);
	assert_int_equal(m.phb[0].windows[m.board.groups[0].pe][1].levels, 5);
	assert_int_equal(put(1, (1ull << 45) - 1, 9, 1), 0);
	assert_int_equal(put(1, (1ull << 45) - 1, 9, 2), -EINVAL);
	assert_int_equal(peek(WIN1 + (1ull << 57) - 0x1000), 9);
	assert_int_equal(peek(WIN1 + (1ull << 57)), -EFAULT);
	/* Clearing all of it is a handful of steps, not 2^45. */
	assert_int_equal(tce_clear(&phb.windows[1], ioba(WIN1), 1ull << 45), 0);
	assert_int_equal(peek(WIN1 + (1ull << 57) - 0x1000), -EFAULT);
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	create_second(16, 59);
	assert_int_equal(put(1, (1ull << 43) - 1, 5, 1), 0);
	assert_int_equal(peek(WIN1 + (1ull << 59) - 0x10000), mem.ptr[0x50000]);
	assert_int_equal(ddw_reset(&ddw), 0);
	expect_as_at_start();
}

/* Maps all of a window of so many TCEs, and takes it away again. */
static int try_in_full(unsigned int shift, uint64_t ntces)
{
	uint32_t window_shift = shift;
	int err;

	while (ntces >> (window_shift - shift) > 1) {
		window_shift++;
	}
	create_second(shift, window_shift);
	err = map_first(1, ntces);
	expect_exact();
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	return err;
}

/* What query answers can be mapped in full with every page size it offers, and twice as much not
 * with all of them. */
static void check_promise(const unsigned int *shifts, unsigned int n)
{
	uint64_t block = largest_block();
	bool twice = true;

	assert_true(block && !(block & (block - 1)));
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(try_in_full(shifts[i], block), 0);
		if (try_in_full(shifts[i], 2 * block)) {
			twice = false;
		}
	}
	assert_false(twice);
}

static void test_largest_block_is_true_whatever_is_left(void **state)
{
	static const unsigned int shifts[] = {12, 16, 21};

	(void)state;
	for (unsigned int left = 0; left <= POOL_PAGES - 3; left++) {
		leave_pages(left);
		assert_int_equal(page_pool_left(&tables), left * MEM_PAGE);
		if (left < 2) {
			assert_int_equal(largest_block(), TCE_MAX_BATCH);
		}
		check_promise(shifts, ARRAY_SIZE(shifts));
		give_pages_back();
	}
	expect_as_at_start();
}

static void test_largest_block_holds_for_pages_that_are_split(void **state)
{
	static const unsigned int shifts[] = {12, 16};

	(void)state;
	teardown(state);
	set_up(POOL_PAGES, 1u << 12);
	for (unsigned int left = 0; left <= POOL_PAGES - 3; left += 3) {
		leave_pages(left);
		check_promise(shifts, ARRAY_SIZE(shifts));
		give_pages_back();
	}
}

/* With a pool of any size the answer is what a table can be at most. */
static void test_largest_block_ends_where_tables_and_places_do(void **state)
{
	static const struct {
		uint32_t shifts;
		unsigned int bits;
	} cases[] = {{1u << 12 | 1u << 16 | 1u << 21, 59 - 21}, {1u << 12, 5 * 9 - 4},
		{1u << 12 | 1u << 16, 59 - 16}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct page_pool was = tables;

		ddw.c.page_shifts = cases[i].shifts;
		tables.npages = 1ull << 50;
		assert_true(largest_block() == 1ull << cases[i].bits);
		tables = was;
	}
}

/* One step of the play below; the pages it takes of an empty pool at the most. */
static int step(unsigned int n)
{
	switch (n) {
	case 0:
		return put(0, 0, 0, 512);
	case 1:
		return call('c');
	case 2:
		return put(1, 1, 1, 8);
	case 3:
		return put(0, 300, 0, 512);
	case 4:
		return ddw_remove(&ddw, 0);
	case 5:
		return ddw_create(&ddw, 12, 40, &(unsigned int){0});
	case 6:
		return put(0, (1u << 18) - 256, 0, 512);
	case 7:
		return put(0, 1u << 27, 0, 1);
	case 8:
		return ddw_remove(&ddw, 1);
	case 9:
		return ddw_remove(&ddw, 0);
	case 10:
		return put(0, 800, 0, 100);
	case 11:
		return call('b');
	case 12:
		return call('B');
	case 13:
		return call('R');
	default:
		return 1;
	}
}

/* All that there is to see of the windows; two of these are alike or not. */
static uint64_t sum_of_entries;

static void add_entry(void *ctx, const struct vfio_spapr_entry *e)
{
	(void)ctx;
	sum_of_entries =
		(sum_of_entries + e->at.v + e->target.v + e->perm + e->len) * 0x9e3779b97f4a7c15u;
}

static uint64_t sum_of_state(void)
{
	sum_of_entries = page_pool_used(&tables);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t budget = UINT64_MAX;

		sum_of_entries = sum_of_entries * 31 + (uint64_t)kind_of(i == 1) + held(i);
		(void)vfio_spapr_walk(c, i, 0, &budget, add_entry, NULL);
	}
	return sum_of_entries;
}

/* A step that the pool has no page for says so and has changed nothing; making and removing
 * windows, the default one's return and reset always work. */
static void test_pool_used_up_at_every_step(void **state)
{
	unsigned int failed = 0, whole = 0;

	(void)state;
	for (unsigned int left = 0; left < 12; left++) {
		unsigned int n, before = failed;

		teardown(state);
		set_up(POOL_PAGES, 0);
		leave_pages(left);
		for (n = 0; n < 14; n++) {
			uint64_t sum;
			int err;

			/* The window of 2^40 bytes is in the first place; kind_of knows it not. */
			sum = n > 5 && n < 10 ? page_pool_used(&tables) : sum_of_state();
			err = step(n);
			if (err && err != -ENOMEM) {
				fail_msg("%u pages left, step %u: %d", left, n, err);
			}
			if (err) {
				assert_true(n == 0 || n == 2 || n == 3 || n == 6 || n == 7 ||
					    n == 10 || n == 11);
				assert_true(sum == (n > 5 && n < 10 ? page_pool_used(&tables)
								    : sum_of_state()));
				failed++;
			}
			expect_exact();
		}
		whole += failed == before;
		assert_int_equal(kind_of(0), 'D');
		assert_int_equal(kind_of(1), '-');
		give_pages_back();
		expect_nothing_kept();
	}
	assert_true(failed > 10);
	assert_true(whole > 0);
}

/* DW-13 with something in the window each time, and with a pool that is full each time. */
static void test_many_rounds_come_back_to_the_same_pool(void **state)
{
	uint64_t used;

	(void)state;
	assert_int_equal(map_first(0, DEFAULT_SIZE >> 12), 0);
	used = page_pool_used(&tables);
	for (unsigned int i = 0; i < MANY / 8; i++) {
		unsigned int shift = i & 1 ? 12 : 16;
		uint64_t at = (uint64_t)i * 0x9e3779b97f4a7c15u >> 40;

		create_second(shift, 40);
		assert_int_equal(put(1, at & ((1u << 24) - 1), i, 1), 0);
		assert_int_equal(put(1, ~at & ((1u << 24) - 1), i, 1), 0);
		assert_int_equal(i % 3 ? ddw_remove(&ddw, 1) : ddw_reset(&ddw), 0);
		assert_int_equal(page_pool_used(&tables), used);
	}
	for (unsigned int i = 0; i < MANY / 1000; i++) {
		uint64_t at = 0;

		create_second(12, 40);
		while (!put(1, at, 0, 1)) {
			at += 512;
		}
		assert_int_equal(page_pool_left(&tables), 0);
		assert_int_equal(ddw_remove(&ddw, 1), 0);
		assert_int_equal(page_pool_used(&tables), used);
	}
	expect_as_at_start();
}

/* A second bridge of the same partition. */
static struct phb other;
static struct ddw second;
static struct vfio_container *other_c;
static struct vfio_group *other_g;
static struct tce_scratch other_scratch;

static int put_other(uint64_t at)
{
	other_scratch.tce[0] = RW;
	return tce_put(&other.windows[1], ioba(WIN1 + (at << 12)), 1, &other_scratch);
}

/* One limit; and what one bridge takes of it, the other does not have. */
static void test_bridges_of_a_partition_share_the_pool(void **state)
{
	unsigned int slot;
	uint64_t at = 0;

	(void)state;
	assert_int_equal(bring_up(&other, &second, 1, &other_c, &other_g), 0);
	assert_int_equal(ddw_create(&second, 12, 40, &slot), 0);
	while (!put_other(at)) {
		at += 512;
	}
	assert_int_equal(page_pool_left(&tables), 0);
	assert_int_equal(put(0, 0, 0, 1), -ENOMEM);
	assert_int_equal(largest_block(), 512);
	create_second(12, 21);
	assert_int_equal(put(1, 0, 0, 512), 0);
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	ddw_exit(&second);
	assert_int_equal(put(0, 0, 0, 1), 0);
	assert_int_equal(vfio_close_group(other_g), 0);
	vfio_put_container(other_c);
	expect_nothing_kept();
}

static atomic_bool done;
static unsigned int refused;

/* Uses the pool up, gives it back, and so on. */
static void *use_all(void *arg)
{
	while (!atomic_load(&done)) {
		unsigned int slot;
		uint64_t at = 0;

		if (ddw_create(&second, 12, 40, &slot)) {
			*(bool *)arg = true;
			break;
		}
		for (unsigned int i = 0; i < 300; i++) {
			refused += put_other(at) != 0;
			at += 512;
		}
		if (ddw_remove(&second, slot)) {
			*(bool *)arg = true;
			break;
		}
	}
	return NULL;
}

/* Whatever another bridge takes at whatever moment: the roots are there. */
static void test_default_window_comes_back_beside_a_greedy_bridge(void **state)
{
	unsigned int rounds = BE_HOST_IS_LITTLE ? 3000 : 300;
	bool failed = false;
	pthread_t thread;

	(void)state;
	assert_int_equal(bring_up(&other, &second, 1, &other_c, &other_g), 0);
	atomic_store(&done, false);
	refused = 0;
	assert_int_equal(pthread_create(&thread, NULL, use_all, &failed), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned int slot;

		assert_int_equal(ddw_remove(&ddw, 0), 0);
		assert_int_equal(ddw_create(&ddw, 12, 40, &slot), 0);
		assert_int_equal(ddw_create(&ddw, 16, 30, &slot), 0);
		(void)put(0, i, 0, 1);
		assert_int_equal(i % 2 ? ddw_reset(&ddw) : ddw_remove(&ddw, 1), 0);
		if (i % 2 == 0) {
			assert_int_equal(ddw_remove(&ddw, 0), 0);
		}
		assert_int_equal(kind_of(0), 'D');
	}
	atomic_store(&done, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(failed);
}

/* Three bridges' roots do not fit into what two need. */
static void test_pool_without_room_for_the_roots_is_refused(void **state)
{
	(void)state;
	for (unsigned int pages = 1; pages < 6; pages++) {
		struct ddw_config config;
		int err;

		teardown(state);
		set_up_machine(pages, 0);
		join(&phb, 0, &c, &g);
		free_at_start = mem_free_bytes(&m.ram.pool);
		config = config_of(&phb, c, m.board.phbs[0].page_shifts);
		err = ddw_init(&ddw, &config);
		assert_int_equal(err, pages < 3 ? -ENOMEM : 0);
		if (!err) {
			expect_as_at_start();
			create_second(12, 21);
			assert_int_equal(put(1, 0, 0, 512), 0);
			assert_int_equal(put(0, 0, 0, 1), pages == 3 ? -ENOMEM : 0);
		}
		expect_nothing_kept();
	}
}

/* --- Hardware that fails -----------------------------------------------------------------------
 */

/* Sound whatever happened: pages are counted, and after the end none is out. */
static void expect_sound(void)
{
	expect_exact();
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		bool open = phb.windows[i].npages != 0 || (i && phb.bypass_size);

		assert_int_equal(ddw.slots[i].lost, !open && held(i) != 0);
	}
	fake_machine_heal(&m);
	expect_nothing_kept();
}

struct failing {
	const char *before;
	char call;
};

/* A create or a bypass that failed has left the other window as it was. */
static void expect_only_that_failed(const struct failing *f, const char *was)
{
	if (f->call == 'c' || f->call == 'b') {
		assert_int_equal(kind_of(0), was[0]);
		assert_int_equal(kind_of(1), was[1]);
		if (was[0] == 'D') {
			fake_machine_heal(&m);
			assert_int_equal(put(0, 9, 6, 1), 0);
			assert_int_equal(peek(0x9000), 6);
		}
	}
}

/* The first call of the PHB that fails, then the second, and so on until none is left. */
static void fail_each_step(void **state, const struct failing *f, bool late)
{
	for (unsigned int n = 1;; n++) {
		char was[2];
		bool all_made;
		int err;

		teardown(state);
		setup(state);
		play(f->before);
		fill_windows();
		was[0] = kind_of(0);
		was[1] = kind_of(1);
		m.phb[0].fail_late = late;
		fake_machine_fail_at(&m, n);
		err = call(f->call);
		all_made = m.phb[0].fail_at != 0;
		if (!all_made && err != -EIO) {
			fail_msg("\"%s\", then %c with step %u failing: %d", f->before, f->call, n,
				err);
		}
		assert_true(!all_made || !err);
		if (err) {
			expect_only_that_failed(f, was);
		}
		expect_sound();
		if (all_made) {
			assert_true(n > 1);
			return;
		}
	}
}

static void test_step_that_fails_is_told_and_nothing_is_lost_count_of(void **state)
{
	static const struct failing cases[] = {{"", 'c'}, {"c", '1'}, {"c", '0'}, {"", '0'},
		{"0", 'c'}, {"c0", '1'}, {"0c", '0'}, {"", 'R'}, {"c", 'R'}, {"0", 'R'},
		{"0cc", 'R'}, {"", 'b'}, {"b", 'B'}, {"b", 'R'}, {"b0", 'R'}, {"b0", 'B'}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_each_step(state, &cases[i], false);
		fail_each_step(state, &cases[i], true);
	}
}

/* One invalidation that is not confirmed is told, and the entries behind it go all the same. */
static void test_reset_goes_on_behind_a_step_that_fails(void **state)
{
	(void)state;
	assert_int_equal(put(0, 0, 0, 1), 0);
	assert_int_equal(put(0, 1000, 5, 1), 0);
	fake_machine_fail_at(&m, 1);
	assert_int_equal(ddw_reset(&ddw), -EIO);
	assert_true(vfio_spapr_count_live(c) == 0);
	fake_machine_heal(&m);
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(peek(1000 << 12), -EFAULT);
	expect_as_at_start();
}

/* A place whose table hardware may still see is nobody's. */
static void test_place_that_was_not_confirmed_closed_is_not_used_again(void **state)
{
	unsigned int slot;

	(void)state;
	create_second(16, 22);
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(ddw_remove(&ddw, 1), -EIO);
	assert_int_equal(held(1), MEM_PAGE);
	fake_machine_heal(&m);
	assert_int_equal(windows_left(), 0);
	assert_int_equal(ddw_create(&ddw, 16, 22, &slot), -ENOSPC);
	assert_int_equal(call('b'), -ENOSPC);
	assert_int_equal(kind_of(0), 'D');
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(put(0, 1, 9, 1), 0);
	assert_int_equal(peek(0x1000), 9);
	expect_nothing_kept();
}

static void test_default_window_that_cannot_be_made_leaves_nothing(void **state)
{
	uint64_t left = page_pool_left(&tables);

	(void)state;
	m.phb[1].fail_op[FAKE_WINDOW_SET] = true;
	assert_int_equal(bring_up(&other, &second, 1, &other_c, &other_g), -EIO);
	/* The container's own page. */
	assert_int_equal(page_pool_left(&tables), left - MEM_PAGE);
	ddw_exit(&second);
	fake_machine_heal(&m);
	assert_int_equal(vfio_close_group(other_g), 0);
	vfio_put_container(other_c);
	assert_int_equal(page_pool_left(&tables), left);
}

/* The hardware has said no to the default window's return; it is told, and can be asked for again.
 */
static void test_default_window_that_cannot_come_back_is_said(void **state)
{
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(ddw_create(&ddw, 21, 23, &slot), 0);
	m.phb[0].fail_op[FAKE_WINDOW_SET] = true;
	assert_int_equal(ddw_remove(&ddw, slot), -EIO);
	assert_non_null(strstr(fake_arch.out, "alpha: host bridge CXGB3: no default DMA window"));
	assert_int_equal(windows_left(), 2);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(ddw_reset(&ddw), -EIO);
	fake_machine_heal(&m);
	assert_int_equal(ddw_reset(&ddw), 0);
	expect_as_at_start();
}

/* A place that hardware may still look at is passed over, the first one as well. */
static void test_lost_first_place_is_not_chosen(void **state)
{
	unsigned int slot = 7;

	(void)state;
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(ddw_remove(&ddw, 0), -EIO);
	fake_machine_heal(&m);
	assert_true(held(0) != 0);
	assert_int_equal(windows_left(), 1);
	assert_int_equal(ddw_create(&ddw, 16, 24, &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(windows_left(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_large_window_costs_what_is_in_it),
		TEST(test_largest_window_works_to_its_end),
		TEST(test_largest_block_is_true_whatever_is_left),
		TEST(test_largest_block_holds_for_pages_that_are_split),
		TEST(test_largest_block_ends_where_tables_and_places_do),
		TEST(test_pool_used_up_at_every_step),
		TEST(test_many_rounds_come_back_to_the_same_pool),
		TEST(test_bridges_of_a_partition_share_the_pool),
		TEST(test_default_window_comes_back_beside_a_greedy_bridge),
		TEST(test_pool_without_room_for_the_roots_is_refused),
		TEST(test_lost_first_place_is_not_chosen),
		TEST(test_step_that_fails_is_told_and_nothing_is_lost_count_of),
		TEST(test_reset_goes_on_behind_a_step_that_fails),
		TEST(test_place_that_was_not_confirmed_closed_is_not_used_again),
		TEST(test_default_window_that_cannot_be_made_leaves_nothing),
		TEST(test_default_window_that_cannot_come_back_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
