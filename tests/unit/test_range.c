// SPDX-License-Identifier: Apache-2.0
/*
 * core/range.h: arithmetic that never wraps (SEED-001.67).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/range.h"

#define TOP UINT64_MAX

/* Every case is written as it reads: [start, +len) in [base, +size). */
static void test_range_inside(void **state)
{
	static const struct {
		uint64_t start, len, base, size;
		bool inside;
	} cases[] = {
		{0, 1, 0, 1, true},
		{0, 2, 0, 1, false},
		{1, 1, 0, 1, false},
		{0x1000, 0x1000, 0x1000, 0x1000, true},
		{0xfff, 0x1000, 0x1000, 0x1000, false},
		{0x1000, 0x1001, 0x1000, 0x1000, false},
		{0x1fff, 1, 0x1000, 0x1000, true},
		{0x2000, 1, 0x1000, 0x1000, false},
		{0x1000, 0, 0x1000, 0x1000, true},
		{0x1000, 1, 0x1000, 0, false},
		/* A length or a sum that would come round past 2^64. */
		{0x1000, TOP, 0x1000, 0x1000, false},
		{0x1800, TOP - 0x7ff, 0x1000, 0x1000, false},
		{0, 0x1000, 0x1000, 0x1000, false},
		{TOP, 2, 0, 0x1000, false},
		{0x800, TOP, 0, TOP, false},
		/* A region that ends at exactly 2^64. SEED-001.67 */
		{TOP, 1, TOP - 0xfff, 0x1000, true},
		{TOP - 0xfff, 0x1000, TOP - 0xfff, 0x1000, true},
		{TOP - 0xfff, 0x1001, TOP - 0xfff, 0x1000, false},
		{TOP, 2, TOP - 0xfff, 0x1000, false},
		{0, 1, TOP - 0xfff, 0x1000, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool inside =
			range_inside(cases[i].start, cases[i].len, cases[i].base, cases[i].size);

		if (inside != cases[i].inside) {
			fail_msg("case %zu: inside is %d", i, inside);
		}
	}
}

static void test_range_below(void **state)
{
	static const struct {
		uint64_t start, len, limit;
		bool below;
	} cases[] = {
		{0, 0, 0, true},
		{0, 1, 0, false},
		{0, 10, 10, true},
		{1, 10, 10, false},
		{10, 0, 10, true},
		{10, 1, 10, false},
		{TOP, 1, 10, false},
		{1, TOP, TOP, false},
		{0, TOP, TOP, true},
		{TOP, TOP, TOP, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool below = range_below(cases[i].start, cases[i].len, cases[i].limit);

		if (below != cases[i].below) {
			fail_msg("case %zu: below is %d", i, below);
		}
	}
}

static void test_range_overlaps_both_ways_round(void **state)
{
	static const struct {
		uint64_t a, alen, b, blen;
		bool overlaps;
	} cases[] = {
		{0, 1, 0, 1, true},
		{0, 1, 1, 1, false},
		{0, 2, 1, 1, true},
		{0, 10, 3, 2, true},
		{5, 0, 0, 10, false},
		{5, 0, 5, 0, false},
		{0, 10, 10, 10, false},
		{0, 11, 10, 10, true},
		{TOP, 1, 0, 1, false},
		{TOP, 1, 0, TOP, false},
		{TOP - 1, 2, TOP, 1, true},
		{TOP - 9, 10, 0, 10, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool there = range_overlaps(cases[i].a, cases[i].alen, cases[i].b, cases[i].blen);
		bool back = range_overlaps(cases[i].b, cases[i].blen, cases[i].a, cases[i].alen);

		if (there != cases[i].overlaps || back != cases[i].overlaps) {
			fail_msg("case %zu: overlaps is %d and %d", i, there, back);
		}
	}
}

static void test_is_pow2(void **state)
{
	(void)state;
	assert_false(is_pow2(0));
	for (unsigned int i = 0; i < 64; i++) {
		assert_true(is_pow2((uint64_t)1 << i));
	}
	assert_false(is_pow2(3));
	assert_false(is_pow2(TOP));
	assert_false(is_pow2(((uint64_t)1 << 63) + 1));
}

static void test_alignment(void **state)
{
	(void)state;
	assert_true(is_aligned(0, 0x1000));
	assert_true(is_aligned(0x3000, 0x1000));
	assert_false(is_aligned(0x3001, 0x1000));
	assert_true(is_aligned((uint64_t)3 << 62, (uint64_t)1 << 62));
	assert_true(align_down(0x1fff, 0x1000) == 0x1000);
	assert_true(align_down(TOP, 0x1000) == TOP - 0xfff);
}

static void test_align_up_refuses_to_pass_the_top(void **state)
{
	uint64_t out = 7;

	(void)state;
	assert_true(align_up(0, 0x1000, &out) && out == 0);
	assert_true(align_up(1, 0x1000, &out) && out == 0x1000);
	assert_true(align_up(0x1000, 0x1000, &out) && out == 0x1000);
	assert_true(align_up(TOP, 1, &out) && out == TOP);
	assert_true(align_up(TOP - 0xfff, 0x1000, &out) && out == TOP - 0xfff);
	out = 7;
	assert_false(align_up(TOP - 0xffe, 0x1000, &out));
	assert_false(align_up(TOP, 0x1000, &out));
	assert_int_equal(out, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_inside),
		cmocka_unit_test(test_range_below),
		cmocka_unit_test(test_range_overlaps_both_ways_round),
		cmocka_unit_test(test_is_pow2),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_align_up_refuses_to_pass_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
