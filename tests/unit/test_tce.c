// SPDX-License-Identifier: Apache-2.0
/*
 * core/tce.c against a backend whose cache stays stale until it is flushed. What a refused or
 * failed operation left behind is compared byte by byte.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/tce.h"
#include "tests/fake/fake_tce.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define LIOBN 0x80000100u
#define TOP   UINT64_MAX
#define BIT59 ((uint64_t)1 << 59)
#define RW    (TCE_READ | TCE_WRITE)

static struct tce_window window;
static struct fake_tce fake;
static struct fake_tce_state before;
static struct tce_scratch scratch;
static struct guest_mem mem;

/* A window at base with RAM for ram_pages TCE pages and a bit. */
static void open_window(uint64_t base, unsigned int shift, uint64_t npages, uint64_t ram)
{
	mem = (struct guest_mem){.ptr = NULL, .host = {0x40000000}, .size = ram};
	assert_int_equal(tce_window_init(&window, LIOBN, ioba(base), npages << shift, shift, &mem,
				 &fake_tce_ops, &fake),
		0);
	fake_tce_init(&fake, &window);
}

#define SHIFT  12u
#define PAGE   ((uint64_t)1 << SHIFT)
#define NPAGES 1024u
#define RAM    ((uint64_t)0x1000000)

static int setup(void **state)
{
	(void)state;
	open_window(0, SHIFT, NPAGES, RAM);
	return 0;
}

/* Whatever a call did and said, nobody is left inside: the window can be closed. */
static int expect_nobody_inside(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&window.users), 0);
	return 0;
}

static int put_one(uint64_t at, uint64_t tce)
{
	scratch.tce[0] = tce;
	return tce_put(&window, ioba(at), 1, &scratch);
}

static uint64_t get(uint64_t at)
{
	uint64_t tce = 0x7777;

	assert_int_equal(tce_get(&window, ioba(at), &tce), 0);
	return tce;
}

/* Fills the whole window with entries that no test writes. */
static void fill_window(void)
{
	for (unsigned int i = 0; i < window.npages; i++) {
		uint64_t page = (RAM - PAGE) & ~(((uint64_t)1 << window.page_shift) - 1);

		assert_int_equal(put_one(window.base.v + ((uint64_t)i << window.page_shift),
					 (page - ((uint64_t)(i % 3) << window.page_shift)) | RW),
			0);
	}
}

static void remember(void)
{
	before = fake.state;
	fake.ncalls = 0;
}

/* What guest and device can see is as remember() found it. */
static void expect_unchanged(void)
{
	assert_memory_equal(&fake.state, &before, sizeof(before));
	assert_false(atomic_flag_test_and_set(&window.lock.held));
	lock_drop(&window.lock);
}

static void expect_untouched(void)
{
	expect_unchanged();
	assert_int_equal(fake.ncalls, 0);
}

/* The device sees what the table says. */
static void expect_no_stale_entry(void)
{
	assert_memory_equal(fake.state.cache, fake.state.table, sizeof(fake.state.table));
}

/* --- geometry --- */

static void test_window_of_wrong_geometry_is_refused(void **state)
{
	static const struct {
		uint64_t base, size;
		unsigned int shift;
	} cases[] = {
		{0, 0x1000, 0},
		{0, 0x1000, 11},
		{0, (uint64_t)1 << 40, 35},
		{0, (uint64_t)1 << 40, 63},
		{0, (uint64_t)1 << 40, 64},
		{0, (uint64_t)1 << 40, 76},
		{0, (uint64_t)1 << 40, UINT32_MAX},
		{0, 0, 12},
		{0, 0x1001, 12},
		{0, 0x800, 12},
		{0, 0x1000, 16},
		{0x800, 0x1000, 12},
		{0x1000, 0x10000, 16},
		{BIT59 + 1, 0x1000, 12},
		{TOP - 0xfff, 0x2000, 12},
		{TOP - 0xffff, TOP - 0xffff, 16},
		{0x2000, TOP - 0xfff, 12},
	};
	struct tce_window w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&w, 0x55, sizeof(w));
		if (tce_window_init(&w, LIOBN, ioba(cases[i].base), cases[i].size, cases[i].shift,
			    &mem, &fake_tce_ops, &fake) != -EINVAL) {
			fail_msg("case %zu is taken", i);
		}
		for (size_t k = 0; k < sizeof(w); k++) {
			assert_int_equal(((uint8_t *)&w)[k], 0x55);
		}
	}
}

static void test_window_of_right_geometry_is_filled(void **state)
{
	static const struct {
		uint64_t base, size;
		unsigned int shift;
	} cases[] = {
		{0, 0x1000, 12},
		{0, 0x40000000, 12},
		{0, 0x80000000, 16},
		{BIT59, (uint64_t)1 << 50, 30},
		{BIT59, (uint64_t)1 << 34, 34},
		{TOP - 0xfff, 0x1000, 12},
		{TOP - 0x1fffff, 0x200000, 21},
	};
	struct tce_window w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(tce_window_init(&w, LIOBN, ioba(cases[i].base), cases[i].size,
					 cases[i].shift, &mem, &fake_tce_ops, &fake),
			0);
		assert_int_equal(w.liobn, LIOBN);
		assert_true(w.base.v == cases[i].base);
		assert_true(w.npages == cases[i].size >> cases[i].shift);
		assert_int_equal(w.page_shift, cases[i].shift);
		assert_ptr_equal(w.ops, &fake_tce_ops);
		assert_ptr_equal(w.backend, &fake);
	}
}

/* SEED-001.69: offset relative to the base, any shift. HC-04 HC-05 HC-06 HC-24 */
static const struct {
	uint64_t base;
	unsigned int shift;
	uint64_t npages; /* of the window */
	uint64_t at, n;
	bool ok;
} ranges[] = {
	{0, 12, 16, 0, 1, true},
	{0, 12, 16, 0, 16, true},
	{0, 12, 16, 0, 17, false},
	{0, 12, 16, 0xf000, 1, true},
	{0, 12, 16, 0xf000, 2, false},
	{0, 12, 16, 0x10000, 1, false},
	{0, 12, 16, 1, 1, false},
	{0, 12, 16, 0x800, 1, false},
	{0, 12, 16, TOP - 0xfff, 1, false},
	{0, 12, 16, TOP - 0xfff, 2, false},
	{0, 12, 16, 0, 0, false},
	{0, 12, 16, 0, (uint64_t)1 << 32, false},
	{0, 12, 16, 0x1000, TOP, false},
	{0, 12, 16, 0xf000, TOP - 14, false},
	{0, 12, 16, 0, (uint64_t)1 << 52, false},
	{0, 12, 16, BIT59, 1, false},
	{0, 16, 16, 0x1000, 1, false},
	{0, 16, 16, 0xf0000, 1, true},
	{0, 16, 16, 0x100000, 1, false},
	{BIT59, 12, 16, 0, 1, false},
	{BIT59, 12, 16, BIT59 - 0x1000, 1, false},
	{BIT59, 12, 16, BIT59 - 0x1000, 2, false},
	{BIT59, 12, 16, BIT59, 16, true},
	{BIT59, 12, 16, BIT59 + 0xf000, 1, true},
	{BIT59, 12, 16, BIT59 + 0x10000, 1, false},
	{BIT59, 12, 16, BIT59 + 0x1001, 1, false},
	{BIT59, 12, 16, TOP - 0xfff, 1, false},
	{TOP - 0xffff, 12, 16, TOP - 0xffff, 16, true},
	{TOP - 0xffff, 12, 16, TOP - 0xffff, 17, false},
	{TOP - 0xffff, 12, 16, TOP - 0xfff, 1, true},
	{TOP - 0xffff, 12, 16, TOP - 0xfff, 2, false},
	{TOP - 0xffff, 12, 16, 0, 1, false},
};

static void test_every_operation_keeps_to_the_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		ioba_t at = ioba(ranges[i].at);
		int want = ranges[i].ok ? 0 : -EINVAL;
		uint64_t tce = 0x7777;

		open_window(ranges[i].base, ranges[i].shift, ranges[i].npages, RAM);
		fill_window();
		remember();
		if (tce_check_range(&window, at, ranges[i].n) != want ||
			tce_clear(&window, at, ranges[i].n) != want) {
			fail_msg("range %zu is not %d", i, want);
		}
		if (!ranges[i].ok) {
			expect_untouched();
		}
		if (ranges[i].n == 1) {
			assert_int_equal(put_one(ranges[i].at, RW), want);
			assert_int_equal(tce_get(&window, at, &tce), want);
			assert_true(tce == (ranges[i].ok ? RW : 0x7777));
		}
	}
}

static void test_closed_window_takes_nothing(void **state)
{
	uint64_t tce = 0x7777;

	(void)state;
	window.npages = 0;
	remember();
	assert_int_equal(put_one(0, RW), -EINVAL);
	assert_int_equal(tce_clear(&window, ioba(0), 1), -EINVAL);
	assert_int_equal(tce_get(&window, ioba(0), &tce), -EINVAL);
	assert_true(tce == 0x7777);
	expect_untouched();
}

static atomic_bool closed;

static void *close_window(void *arg)
{
	tce_window_close(arg);
	atomic_store(&closed, true);
	return NULL;
}

/* Whoever is inside when a window is closed is waited for: what is below may go after that. */
static void test_closing_waits_for_who_is_inside(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&closed, false);
	atomic_fetch_add(&window.users, 1);
	assert_int_equal(pthread_create(&thread, NULL, close_window, &window), 0);
	while (atomic_load(&window.npages)) {
		sched_yield();
	}
	for (unsigned int i = 0; i < 10000; i++) {
		assert_false(atomic_load(&closed));
		sched_yield();
	}
	atomic_fetch_sub(&window.users, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(atomic_load(&closed));
}

/* --- one TCE --- */

static void test_put_is_read_back_and_reaches_the_device(void **state)
{
	static const unsigned int shifts[] = {12, 16, 21, 24}; /* HC-11 */

	(void)state;
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		uint64_t page = (uint64_t)1 << shifts[i];

		open_window(BIT59, shifts[i], 8, 8 * page);
		for (uint64_t perm = 1; perm <= RW; perm++) {
			/* The last page of the window, the last of RAM. */
			uint64_t tce = (7 * page) | perm;

			assert_int_equal(put_one(BIT59 + 7 * page, tce), 0);
			assert_true(get(BIT59 + 7 * page) == tce);
			assert_true(fake_tce_device(&fake, 7) == tce);
			assert_true(fake_tce_device(&fake, 6) == 0);
		}
	}
}

static void test_put_follows_a_remap(void **state)
{
	(void)state;
	assert_int_equal(put_one(5 * PAGE, 0x1000 | RW), 0);
	assert_int_equal(put_one(5 * PAGE, 0x2000 | TCE_READ), 0); /* HC-12 */
	assert_true(fake_tce_device(&fake, 5) == (0x2000 | TCE_READ));
	assert_int_equal(put_one(5 * PAGE, 0), 0);
	assert_true(fake_tce_device(&fake, 5) == 0);
	assert_true(get(5 * PAGE) == 0);
}

/* HC-10: decision 14, R/W = 00 and other bits set. */
static void test_tce_without_access_is_stored_as_zero(void **state)
{
	static const uint64_t tces[] = {0, 0x4, 0xffc, 0x5000, RAM, TOP & ~(uint64_t)RW,
		(uint64_t)1 << 63, 0xabcdef0000000ff0};

	(void)state;
	for (size_t i = 0; i < sizeof(tces) / sizeof(tces[0]); i++) {
		assert_int_equal(put_one(3 * PAGE, 0x1000 | RW), 0);
		assert_int_equal(put_one(3 * PAGE, tces[i]), 0);
		assert_true(fake.state.table[3].gpa == 0);
		assert_true(get(3 * PAGE) == 0);
		assert_true(fake_tce_device(&fake, 3) == 0);
	}
}

/* HC-07 HC-08 HC-30, SEED-001.65: pages that are not whole in RAM, undefined bits. */
static void test_tce_with_wrong_page_or_bits_is_refused(void **state)
{
	static const struct {
		unsigned int shift;
		uint64_t ram;
		uint64_t page;
		bool ok;
	} cases[] = {
		{12, RAM, RAM - 0x1000, true},
		{12, RAM, RAM, false},
		{12, RAM, (uint64_t)1 << 60, false},
		{12, RAM, (uint64_t)1 << 61, false},
		{12, RAM, (uint64_t)1 << 62, false},
		{12, RAM, (uint64_t)1 << 63, false},
		{12, RAM, TOP - 0xfff, false},
		{12, RAM, 0x40000000, false}, /* where the host keeps guest-real 0 */
		{12, RAM, 0x30000000, false}, /* where firmware is */
		{12, RAM, 0x1004, false},
		{12, RAM, 0x1800, false},
		{12, 0x1800, 0x1000, false}, /* half a page of RAM */
		{12, 0xfff, 0, false},
		{12, 0, 0, false},
		{16, 0x20000, 0x10000, true},
		{16, 0x1f000, 0x10000, false}, /* the tail of a 64K page in a hole */
		{16, 0x20000, 0x11000, false},
		{16, 0x20000, 0x18000, false},
		{16, 0x20000, 0x20000, false},
		{21, 0x600000, 0x400000, true},
		{21, 0x600000, 0x500000, false},
		{21, 0x5ff000, 0x400000, false},
		{21, 0x600000, 0x400000 | 0x1000, false},
		{21, 0x600000, 0x600000, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint64_t perm = 1; perm <= RW; perm++) {
			open_window(0, cases[i].shift, 8, cases[i].ram);
			remember();
			if (put_one(0, cases[i].page | perm) != (cases[i].ok ? 0 : -EINVAL)) {
				fail_msg("case %zu with permission %d is not %s", i, (int)perm,
					cases[i].ok ? "taken" : "refused");
			}
			if (!cases[i].ok) {
				expect_untouched();
			}
		}
	}
}

static void test_each_undefined_bit_is_refused(void **state)
{
	static const unsigned int shifts[] = {12, 16, 21, 24};

	(void)state;
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		open_window(0, shifts[i], 8, (uint64_t)4 << shifts[i]);
		remember();
		for (unsigned int bit = 2; bit < 64; bit++) {
			/* The two page numbers that are in RAM. */
			if (bit == shifts[i] || bit == shifts[i] + 1) {
				continue;
			}
			assert_int_equal(put_one(0, (uint64_t)1 << bit | TCE_READ), -EINVAL);
			assert_int_equal(put_one(0, (uint64_t)1 << bit | TCE_WRITE), -EINVAL);
			expect_untouched();
		}
	}
}

/* HC-13: the same call again and again takes nothing more. */
static void test_same_put_again_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(put_one(0, 0x1000 | RW), 0);
	remember();
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(put_one(0, 0x1000 | RW), 0);
		expect_unchanged();
	}
	assert_int_equal(fake.ncalls, 2000);
}

/* A backend that stores a word in one piece is called once, without the lock, and not flushed. */
static void test_one_tce_goes_the_short_way(void **state)
{
	static const struct {
		uint64_t tce;
		int want;
		uint64_t word;
	} cases[] = {
		{0x3000 | RW, 0, 0x3000 | RW},
		{0x4000 | TCE_READ, 0, 0x4000 | TCE_READ},
		{0x5000, 0, 0},
		{(RAM - PAGE) | TCE_WRITE, 0, (RAM - PAGE) | TCE_WRITE},
		{RAM | TCE_WRITE, -EINVAL, 0},
		{0x3004 | TCE_READ, -EINVAL, 0},
	};

	(void)state;
	fill_window();
	window.ops = &fake_tce_put_ops;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		remember();
		assert_int_equal(tce_put_one(&window, ioba(7 * PAGE), cases[i].tce), cases[i].want);
		if (cases[i].want) {
			expect_untouched();
			continue;
		}
		assert_int_equal(fake.ncalls, 1);
		assert_int_equal(fake.calls[0].op, FAKE_TCE_PUT);
		assert_true(get(7 * PAGE) == cases[i].word);
		expect_no_stale_entry();
	}
	assert_int_equal(tce_put_one(&window, ioba(NPAGES * PAGE), 0x3003), -EINVAL);
	assert_int_equal(tce_put_one(&window, ioba(PAGE + 8), 0x3003), -EINVAL);
}

static void test_short_way_that_fails_is_said(void **state)
{
	(void)state;
	window.ops = &fake_tce_put_ops;
	remember();
	fake_tce_fail_at(&fake, 1, -EIO);
	assert_int_equal(tce_put_one(&window, ioba(0), 0x4003), -EIO);
	assert_int_equal(fake.ncalls, 1);
	expect_unchanged();
}

/* --- many TCEs --- */

static void test_put_of_wrong_count_is_refused(void **state)
{
	static const unsigned int counts[] = {0, TCE_MAX_BATCH + 1, 1u << 31, UINT32_MAX};

	(void)state;
	memset(&scratch, 0, sizeof(scratch));
	remember();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(tce_put(&window, ioba(0), counts[i], &scratch), -EINVAL);
		expect_untouched();
	}
}

/* HC-20 */
static void test_batch_past_the_end_is_refused_whole(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < TCE_MAX_BATCH; i++) {
		scratch.tce[i] = 0x1000 | RW;
	}
	remember();
	assert_int_equal(tce_put(&window, ioba((NPAGES - TCE_MAX_BATCH + 1) * PAGE), TCE_MAX_BATCH,
				 &scratch),
		-EINVAL);
	expect_untouched();
	assert_int_equal(
		tce_put(&window, ioba((NPAGES - TCE_MAX_BATCH) * PAGE), TCE_MAX_BATCH, &scratch),
		0);
	expect_no_stale_entry();
}

static void test_batch_with_one_bad_tce_is_refused_whole(void **state)
{
	static const unsigned int places[] = {0, 1, 255, 510, 511};

	(void)state;
	fill_window();
	remember();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (unsigned int k = 0; k < TCE_MAX_BATCH; k++) {
			scratch.tce[k] = (uint64_t)k * PAGE | RW;
		}
		scratch.tce[places[i]] = RAM | TCE_READ;
		assert_int_equal(tce_put(&window, ioba(0), TCE_MAX_BATCH, &scratch), -EINVAL);
		expect_untouched();
	}
}

/* Decision 6: one call of the backend, with every word as it should be. */
static void test_batch_becomes_one_map_of_its_words(void **state)
{
	static const struct {
		unsigned int n;
		uint64_t tce[8];
	} cases[] = {
		{1, {0x1003}},
		{4, {0x1003, 0x2003, 0x3003, 0x4003}},
		{4, {0x4003, 0x3003, 0x2003, 0x1003}},
		{4, {0x1003, 0x1003, 0x1003, 0x1003}},
		{4, {0x1001, 0x2003, 0x3001, 0x4002}},
		{4, {0, 0, 0, 0}},
		{4, {0x1000, 0x9000, 0x5000, 0xff0}},
		{5, {0x1003, 0, 0x2000, 0x3003, 0x4003}},
		{3, {0, 0x1001, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		fill_window();
		remember();
		memcpy(scratch.tce, cases[i].tce, sizeof(cases[i].tce));
		assert_int_equal(tce_put(&window, ioba(16 * PAGE), cases[i].n, &scratch), 0);
		assert_int_equal(fake_tce_count(&fake, FAKE_TCE_MAP), 1);
		assert_int_equal(fake.ncalls, 2);
		for (unsigned int k = 0; k < cases[i].n; k++) {
			uint64_t want = cases[i].tce[k] & RW ? cases[i].tce[k] : 0;

			assert_true(get((16 + k) * PAGE) == want);
		}
		expect_no_stale_entry();
	}
}

static void expect_call(unsigned int n, enum fake_tce_op op, uint64_t first, uint64_t npages)
{
	assert_int_equal(fake.calls[n].op, op);
	assert_true(fake.calls[n].first == first);
	assert_true(fake.calls[n].npages == npages);
}

static int put_batch(unsigned int step)
{
	for (unsigned int i = 0; i < TCE_MAX_BATCH; i++) {
		scratch.tce[i] = (uint64_t)(i * step % 512) * PAGE | (1 + i % 3);
	}
	return tce_put(&window, ioba(100 * PAGE), TCE_MAX_BATCH, &scratch);
}

/* What is reserved is mapped and flushed, once, exactly the range; what is not is reserved when the
 * map has found that out. The fake checks where the lock is held. */
static void test_put_is_map_and_one_flush(void **state)
{
	(void)state;
	assert_int_equal(put_batch(7), 0);
	assert_int_equal(fake.ncalls, 4);
	expect_call(0, FAKE_TCE_MAP, 100, TCE_MAX_BATCH);
	expect_call(1, FAKE_TCE_RESERVE, 100, TCE_MAX_BATCH);
	expect_call(2, FAKE_TCE_MAP, 100, TCE_MAX_BATCH);
	expect_call(3, FAKE_TCE_FLUSH, 100, TCE_MAX_BATCH);
	expect_no_stale_entry();
	fake.ncalls = 0;
	assert_int_equal(put_batch(5), 0);
	assert_int_equal(fake.ncalls, 2);
	expect_call(0, FAKE_TCE_MAP, 100, TCE_MAX_BATCH);
	expect_call(1, FAKE_TCE_FLUSH, 100, TCE_MAX_BATCH);
	expect_no_stale_entry();
}

/* HC-29, decision 7: each step fails once, with each error; what the caller sees is the error, what
 * guest and device see is nothing. */
static void test_put_that_fails_in_reserve_or_map_changes_nothing(void **state)
{
	static const int errors[] = {-ENOMEM, -EIO, -ENODEV, -ENOSPC, -EBUSY};

	(void)state;
	for (unsigned int step = 1; step <= 3; step++) {
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			setup(NULL);
			remember();
			fake_tce_fail_at(&fake, step, errors[i]);
			assert_int_equal(put_batch(3), errors[i]);
			expect_unchanged();
		}
	}
	setup(NULL);
	fill_window();
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		remember();
		fake_tce_fail_at(&fake, 1, errors[i]);
		assert_int_equal(put_batch(3), errors[i]);
		expect_unchanged();
		/* What was there for a moment is flushed, too. */
		assert_int_equal(fake_tce_count(&fake, FAKE_TCE_FLUSH), 1);
	}
}

/* A backend that never has enough is no reason to try for ever. */
static void test_put_gives_up_when_reserving_did_not_help(void **state)
{
	(void)state;
	remember();
	fake_tce_fail_at(&fake, 3, -EAGAIN);
	assert_int_equal(put_one(0, RW), -EAGAIN);
	expect_unchanged();
	assert_int_equal(fake.ncalls, 4);
}

/* HC-29: taking access away needs no memory, and so cannot fail for lack of it. */
static void test_list_without_access_reserves_nothing(void **state)
{
	(void)state;
	memset(scratch.tce, 0, sizeof(scratch.tce));
	assert_int_equal(tce_put(&window, ioba(0), 3, &scratch), 0);
	assert_int_equal(fake_tce_count(&fake, FAKE_TCE_RESERVE), 0);
	assert_int_equal(fake_tce_count(&fake, FAKE_TCE_UNMAP), 1);
	assert_int_equal(fake_tce_count(&fake, FAKE_TCE_FLUSH), 1);
	expect_no_stale_entry();
}

/* HC-29: any entry of a list that gives access is reason enough to reserve, not only the first. */
static void test_list_that_begins_without_access_is_reserved(void **state)
{
	(void)state;
	scratch.tce[0] = 0;
	scratch.tce[1] = 0;
	scratch.tce[2] = 0x3000 | RW;
	assert_int_equal(tce_put(&window, ioba(0), 3, &scratch), 0);
	assert_int_equal(fake_tce_count(&fake, FAKE_TCE_RESERVE), 1);
	assert_true(get(2 * PAGE) == (0x3000 | RW));
	expect_no_stale_entry();
}

static void test_flush_that_fails_is_an_io_error(void **state)
{
	(void)state;
	fake_tce_fail_at(&fake, 4, -ETIMEDOUT);
	assert_int_equal(put_one(0, RW), -EIO);
	fake_tce_fail_at(&fake, 2, -ETIMEDOUT);
	assert_int_equal(tce_clear(&window, ioba(0), 1), -EIO);
	fake_tce_fail_at(&fake, 0, 0);
	assert_int_equal(tce_clear(&window, ioba(0), 1), 0);
	expect_no_stale_entry();
}

/* --- clear and get --- */

static void test_clear_takes_any_number_of_pages(void **state)
{
	static const uint64_t counts[] = {1, TCE_MAX_BATCH, TCE_MAX_BATCH + 1, NPAGES - 2};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		setup(NULL);
		fill_window();
		remember();
		assert_int_equal(tce_clear(&window, ioba(PAGE), counts[i]), 0);
		memset(&before.table[1], 0, (size_t)counts[i] * sizeof(before.table[0]));
		memset(&before.cache[1], 0, (size_t)counts[i] * sizeof(before.cache[0]));
		expect_unchanged();
	}
}

/* One range, one flush: what H_STUFF_TCE of 512 is. */
static void test_step_is_one_unmap_and_one_flush(void **state)
{
	uint64_t n = TCE_MAX_BATCH;
	ioba_t at = ioba(PAGE);

	(void)state;
	fill_window();
	remember();
	assert_int_equal(tce_clear_step(&window, &at, &n), 0);
	assert_true(!n && at.v == (1 + TCE_MAX_BATCH) * PAGE);
	assert_int_equal(fake.ncalls, 2);
	expect_call(0, FAKE_TCE_UNMAP, 1, TCE_MAX_BATCH);
	expect_call(1, FAKE_TCE_FLUSH, 1, TCE_MAX_BATCH);
}

/* What is certain to be empty is neither cleared nor flushed, and costs no step of its own. */
static void test_step_passes_over_what_is_empty(void **state)
{
	uint64_t n = NPAGES;
	ioba_t at = ioba(0);

	(void)state;
	fake.skips = UINT64_MAX;
	assert_int_equal(put_one(700 * PAGE, RW), 0);
	remember();
	assert_int_equal(tce_clear_step(&window, &at, &n), 0);
	assert_int_equal(fake.ncalls, 3);
	expect_call(0, FAKE_TCE_SKIP, 0, NPAGES);
	expect_call(1, FAKE_TCE_UNMAP, 700, NPAGES - 700);
	expect_call(2, FAKE_TCE_FLUSH, 700, NPAGES - 700);
	assert_true(!n && at.v == NPAGES * PAGE);
	assert_true(fake_tce_device(&fake, 700) == 0);

	setup(NULL);
	fake.skips = 400;
	n = NPAGES;
	at = ioba(0);
	assert_int_equal(tce_clear_step(&window, &at, &n), 0);
	assert_true(n == NPAGES - 400 - TCE_MAX_BATCH);
	fake.skips = UINT64_MAX;
	fake.ncalls = 0;
	n = NPAGES;
	at = ioba(0);
	assert_int_equal(tce_clear_step(&window, &at, &n), 0);
	assert_true(!n);
	assert_int_equal(fake.ncalls, 1);
}

/* A step that fails can be made again: nothing has moved. */
static void test_step_that_fails_does_not_move(void **state)
{
	uint64_t n = 600;
	ioba_t at = ioba(PAGE);

	(void)state;
	fill_window();
	remember();
	fake_tce_fail_at(&fake, 2, -EBUSY);
	assert_int_equal(tce_clear_step(&window, &at, &n), -EBUSY);
	assert_true(n == 600 && at.v == PAGE);
	expect_unchanged();
	/* Inside the window it begins, and outside it ends. */
	n = NPAGES;
	assert_int_equal(tce_clear_step(&window, &at, &n), -EINVAL);
	assert_true(n == NPAGES && at.v == PAGE);
	expect_unchanged();
}

static void test_clear_needs_no_reserve(void **state)
{
	(void)state;
	remember();
	assert_int_equal(tce_clear(&window, ioba(0), NPAGES), 0);
	assert_int_equal(fake_tce_count(&fake, FAKE_TCE_RESERVE), 0);
	expect_unchanged();
}

/* A step that fails is no reason to leave the other steps undone. */
static void test_clear_goes_on_over_a_failure(void **state)
{
	(void)state;
	fill_window();
	remember();
	fake_tce_fail_at(&fake, 2, -EBUSY);
	assert_int_equal(tce_clear(&window, ioba(0), NPAGES), -EBUSY);
	memset(&before.table[TCE_MAX_BATCH], 0, TCE_MAX_BATCH * sizeof(before.table[0]));
	memset(&before.cache[TCE_MAX_BATCH], 0, TCE_MAX_BATCH * sizeof(before.cache[0]));
	expect_unchanged();
}

static void test_get_of_an_empty_page_is_zero(void **state)
{
	(void)state;
	assert_true(get(0) == 0);
	assert_true(get((NPAGES - 1) * PAGE) == 0);
}

static void test_get_that_fails_gives_nothing(void **state)
{
	uint64_t tce = 0x7777;

	(void)state;
	assert_int_equal(put_one(0, 0x1000 | RW), 0);
	remember();
	fake_tce_fail_at(&fake, 1, -EIO);
	assert_int_equal(tce_get(&window, ioba(0), &tce), -EIO);
	assert_true(tce == 0x7777);
	expect_unchanged();
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, expect_nobody_inside)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_window_of_wrong_geometry_is_refused),
		T(test_window_of_right_geometry_is_filled),
		T(test_every_operation_keeps_to_the_window),
		T(test_closed_window_takes_nothing),
		T(test_closing_waits_for_who_is_inside),
		T(test_put_is_read_back_and_reaches_the_device),
		T(test_put_follows_a_remap),
		T(test_tce_without_access_is_stored_as_zero),
		T(test_tce_with_wrong_page_or_bits_is_refused),
		T(test_each_undefined_bit_is_refused),
		T(test_same_put_again_changes_nothing),
		T(test_one_tce_goes_the_short_way),
		T(test_short_way_that_fails_is_said),
		T(test_put_of_wrong_count_is_refused),
		T(test_batch_past_the_end_is_refused_whole),
		T(test_batch_with_one_bad_tce_is_refused_whole),
		T(test_batch_becomes_one_map_of_its_words),
		T(test_put_is_map_and_one_flush),
		T(test_put_that_fails_in_reserve_or_map_changes_nothing),
		T(test_put_gives_up_when_reserving_did_not_help),
		T(test_list_without_access_reserves_nothing),
		T(test_list_that_begins_without_access_is_reserved),
		T(test_flush_that_fails_is_an_io_error),
		T(test_clear_takes_any_number_of_pages),
		T(test_step_is_one_unmap_and_one_flush),
		T(test_step_passes_over_what_is_empty),
		T(test_step_that_fails_does_not_move),
		T(test_clear_needs_no_reserve),
		T(test_clear_goes_on_over_a_failure),
		T(test_get_of_an_empty_page_is_zero),
		T(test_get_that_fails_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
