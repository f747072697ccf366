// SPDX-License-Identifier: Apache-2.0
/*
 * core/mem.c: pools, by table and against a model of one byte per page.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/range.h"

#include <string.h>

#define P   ((uint64_t)MEM_PAGE)
#define TOP UINT64_MAX

static struct mem_pool pool;

static int setup(void **state)
{
	(void)state;
	mem_init(&pool, 0);
	return 0;
}

/* The pool holds exactly these ranges, and its lock is open. */
static void expect_ranges(const struct mem_range *want, unsigned int n)
{
	assert_int_equal(pool.nfree, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_true(pool.free[i].base == want[i].base);
		assert_true(pool.free[i].size == want[i].size);
	}
	assert_false(atomic_flag_test_and_set(&pool.lock.held));
	lock_drop(&pool.lock);
}

#define EXPECT(...)                                                   \
	do {                                                          \
		static const struct mem_range want[] = {__VA_ARGS__}; \
		expect_ranges(want, sizeof(want) / sizeof(want[0]));  \
	} while (0)

static void add(uint64_t base, uint64_t size)
{
	assert_int_equal(mem_add(&pool, hpa(base), size), 0);
}

static void test_empty_pool_has_nothing(void **state)
{
	hpa_t at = {77};

	(void)state;
	assert_int_equal(mem_alloc(&pool, 1, P, &at), -ENOMEM);
	assert_true(at.v == 77);
	assert_true(mem_free_bytes(&pool) == 0);
	assert_true(mem_largest(&pool, P) == 0);
}

static void test_add_leaves_out_parts_of_pages(void **state)
{
	(void)state;
	add(P + 1, 3 * P);
	EXPECT({2 * P, 2 * P});
	add(8 * P, P - 1);
	add(9 * P + 1, P);
	add(12 * P, 0);
	EXPECT({2 * P, 2 * P});
}

static void test_add_joins_neighbours_in_any_order(void **state)
{
	(void)state;
	add(0, P);
	add(2 * P, P);
	add(6 * P, P);
	EXPECT({0, P}, {2 * P, P}, {6 * P, P});
	add(P, P);
	EXPECT({0, 3 * P}, {6 * P, P});
	add(5 * P, P);
	add(3 * P, P);
	EXPECT({0, 4 * P}, {5 * P, 2 * P});
	add(4 * P, P);
	EXPECT({0, 7 * P});
}

static void test_add_of_what_is_free_or_wraps_is_refused(void **state)
{
	static const struct mem_range bad[] = {
		{4 * P, P},
		{3 * P, 2 * P},
		{7 * P, 2 * P},
		{0, 100 * P},
		{5 * P, P},
		{TOP, 2},
		{TOP - P + 1, P + 1},
		{P, TOP},
		{TOP, TOP},
	};

	(void)state;
	add(4 * P, 4 * P);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(mem_add(&pool, hpa(bad[i].base), bad[i].size), -EINVAL);
		EXPECT({4 * P, 4 * P});
	}
}

static void test_range_to_the_top_of_memory_does_not_wrap(void **state)
{
	hpa_t at;

	(void)state;
	/* The very last page is left out: its end is not a number. */
	add(TOP - 4 * P + 1, 4 * P);
	EXPECT({TOP - 4 * P + 1, 3 * P});
	assert_int_equal(mem_add(&pool, hpa(TOP - P + 1), P), 0);
	assert_int_equal(mem_free(&pool, hpa(TOP - P + 1), P), -EINVAL);
	EXPECT({TOP - 4 * P + 1, 3 * P});
	assert_int_equal(mem_alloc(&pool, 4 * P, P, &at), -ENOMEM);
	assert_int_equal(mem_reserve(&pool, hpa(TOP - 2 * P + 1), 2 * P), 0);
	EXPECT({TOP - 4 * P + 1, 2 * P});
	setup(NULL);
	add(0, TOP);
	assert_int_equal(mem_alloc(&pool, TOP, P, &at), -ENOMEM);
	assert_int_equal(mem_alloc(&pool, TOP - P + 2, P, &at), -ENOMEM);
	assert_true(mem_largest(&pool, (uint64_t)1 << 63) == TOP - P + 1);
	assert_int_equal(mem_alloc(&pool, TOP - P, P, &at), 0);
	assert_int_equal(pool.nfree, 0);
}

static void test_reserve_takes_whole_pages_wherever_free(void **state)
{
	(void)state;
	add(0, 10 * P);
	add(20 * P, 10 * P);
	add(40 * P, P);
	/* Inside one, one byte: the page. */
	assert_int_equal(mem_reserve(&pool, hpa(4 * P + 5), 1), 0);
	EXPECT({0, 4 * P}, {5 * P, 5 * P}, {20 * P, 10 * P}, {40 * P, P});
	/* Over a gap: the end of one and the start of the next. */
	assert_int_equal(mem_reserve(&pool, hpa(9 * P - 1), 12 * P), 0);
	EXPECT({0, 4 * P}, {5 * P, 3 * P}, {21 * P, 9 * P}, {40 * P, P});
	/* Nothing free there, or nothing asked. */
	assert_int_equal(mem_reserve(&pool, hpa(10 * P), 5 * P), 0);
	assert_int_equal(mem_reserve(&pool, hpa(0), 0), 0);
	EXPECT({0, 4 * P}, {5 * P, 3 * P}, {21 * P, 9 * P}, {40 * P, P});
	/* Whole ranges. */
	assert_int_equal(mem_reserve(&pool, hpa(4 * P), 30 * P), 0);
	EXPECT({0, 4 * P}, {40 * P, P});
	assert_int_equal(mem_reserve(&pool, hpa(P), TOP), -EINVAL);
	assert_int_equal(mem_reserve(&pool, hpa(0), TOP), 0);
	assert_int_equal(pool.nfree, 0);
}

static void fill_list(void)
{
	setup(NULL);
	for (uint64_t i = 0; i < MEM_MAX_RANGES; i++) {
		add(i * 0x100 * P, 4 * P);
	}
}

static void test_full_list_refuses_and_stays(void **state)
{
	static struct mem_pool before;
	hpa_t at;

	(void)state;
	fill_list();
	before = pool;
	assert_int_equal(mem_add(&pool, hpa(0x80 * P), P), -ENOSPC);
	assert_int_equal(mem_free(&pool, hpa(0x80 * P), P), -ENOSPC);
	assert_int_equal(mem_reserve(&pool, hpa(0x100 * P + P), P), -ENOSPC);
	assert_memory_equal(&pool.free, &before.free, sizeof(before.free));
	assert_int_equal(pool.nfree, before.nfree);
	/* What needs no new slot still works. */
	add(4 * P, P);
	assert_int_equal(mem_reserve(&pool, hpa(0x100 * P), P), 0);
	assert_int_equal(mem_alloc(&pool, P, P, &at), 0);
	assert_int_equal(pool.nfree, MEM_MAX_RANGES);
}

static void test_full_list_gives_what_needs_no_cut(void **state)
{
	hpa_t at;

	(void)state;
	setup(NULL);
	for (uint64_t i = 0; i < MEM_MAX_RANGES - 1; i++) {
		add(i * 0x100 * P + P, 3 * P + P * (i == 0));
	}
	add(0x10000 * P, 2 * P);
	/* The only aligned place in the first range is its middle; the last range's is its start.
	 */
	assert_int_equal(pool.nfree, MEM_MAX_RANGES);
	assert_int_equal(mem_alloc(&pool, P, 2 * P, &at), 0);
	assert_int_equal(pool.nfree, MEM_MAX_RANGES);
	assert_true(at.v == 0x10000 * P);
	/* And the largest piece is one that can really be had. */
	assert_int_equal(mem_alloc(&pool, mem_largest(&pool, 4 * P), 4 * P, &at), 0);
}

static void test_alloc_takes_the_first_fit(void **state)
{
	hpa_t at;

	(void)state;
	add(P, 2 * P);
	add(8 * P, 8 * P);
	assert_int_equal(mem_alloc(&pool, 2 * P + 1, P, &at), 0);
	assert_true(at.v == 8 * P);
	assert_int_equal(mem_alloc(&pool, 1, P, &at), 0);
	assert_true(at.v == P);
	EXPECT({2 * P, P}, {11 * P, 5 * P});
	assert_int_equal(mem_alloc(&pool, P, 4 * P, &at), 0);
	assert_true(at.v == 12 * P);
	EXPECT({2 * P, P}, {11 * P, P}, {13 * P, 3 * P});
	assert_true(mem_free_bytes(&pool) == 5 * P);
	assert_true(mem_largest(&pool, P) == 3 * P);
	assert_true(mem_largest(&pool, 2 * P) == 2 * P);
	assert_true(mem_largest(&pool, 4 * P) == 0);
}

static void test_alloc_with_bad_arguments_is_refused(void **state)
{
	static const struct {
		uint64_t size, align;
		int err;
	} cases[] = {
		{0, P, -EINVAL},
		{P, 0, -EINVAL},
		{P, 1, -EINVAL},
		{P, P / 2, -EINVAL},
		{P, 3 * P, -EINVAL},
		{P, TOP, -EINVAL},
		{TOP, P, -ENOMEM},
		{5 * P, P, -ENOMEM},
		{P, (uint64_t)1 << 63, -ENOMEM},
	};

	(void)state;
	add(P, 4 * P);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hpa_t at = {77};

		assert_int_equal(
			mem_alloc(&pool, cases[i].size, cases[i].align, &at), cases[i].err);
		assert_true(at.v == 77);
		EXPECT({P, 4 * P});
	}
	assert_true(mem_largest(&pool, 3 * P) == 0);
	assert_true(mem_largest(&pool, 0) == 0);
}

static void test_free_twice_or_askew_is_refused(void **state)
{
	hpa_t at;

	(void)state;
	add(0, 8 * P);
	assert_int_equal(mem_alloc(&pool, 3 * P, P, &at), 0);
	assert_int_equal(mem_free(&pool, at, 0), -EINVAL);
	assert_int_equal(mem_free(&pool, hpa(1), P), -EINVAL);
	assert_int_equal(mem_free(&pool, at, 4 * P), -EINVAL);
	assert_int_equal(mem_free(&pool, at, TOP), -EINVAL);
	assert_int_equal(mem_free(&pool, hpa(TOP - 2 * P + 1), 3 * P), -EINVAL);
	EXPECT({3 * P, 5 * P});
	assert_int_equal(mem_free(&pool, at, 2 * P + 1), 0);
	EXPECT({0, 8 * P});
	assert_int_equal(mem_free(&pool, at, P), -EINVAL);
	EXPECT({0, 8 * P});
}

static void test_pointer_is_address_plus_bias(void **state)
{
	static uint8_t bytes[16];

	(void)state;
	mem_init(&pool, (uintptr_t)bytes - 0x1000);
	assert_ptr_equal(mem_ptr(&pool, hpa(0x1004)), bytes + 4);
}

/* --- against a model --- */

#define MODEL_PAGES 256u
#define MODEL_HELD  64u
#define MODEL_STEPS 20000u

static uint32_t seed;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static uint8_t model[MODEL_PAGES]; /* 1: free */

static void mark(uint64_t base, uint64_t size, uint8_t from, uint8_t to)
{
	for (uint64_t p = base / P; p < (base + size + P - 1) / P; p++) {
		assert_true(p < MODEL_PAGES);
		assert_int_equal(model[p], from);
		model[p] = to;
	}
}

/* Sorted, not touching, and the same pages as the model. */
static void compare(void)
{
	unsigned int page = 0;

	for (unsigned int i = 0; i < pool.nfree; i++) {
		const struct mem_range *r = &pool.free[i];

		assert_true(r->size && is_aligned(r->base | r->size, P));
		assert_true(i == 0 || pool.free[i - 1].base + pool.free[i - 1].size < r->base);
		for (; page < r->base / P; page++) {
			assert_int_equal(model[page], 0);
		}
		for (; page < (r->base + r->size) / P; page++) {
			assert_int_equal(model[page], 1);
		}
	}
	for (; page < MODEL_PAGES; page++) {
		assert_int_equal(model[page], 0);
	}
}

static void test_random_alloc_and_free_agree_with_a_model(void **state)
{
	struct mem_range held[MODEL_HELD];
	unsigned int nheld = 0;

	(void)state;
	seed = 1;
	add(0, MODEL_PAGES * P);
	memset(model, 1, sizeof(model));
	for (unsigned int step = 0; step < MODEL_STEPS; step++) {
		if (nheld < MODEL_HELD && pick(2)) {
			uint64_t size = 1 + pick(12 * MEM_PAGE), align = P << pick(4);
			uint64_t largest = mem_largest(&pool, align);
			hpa_t at;
			int err = mem_alloc(&pool, size, align, &at);

			if (err) {
				assert_int_equal(err, -ENOMEM);
				assert_true(largest < size);
				continue;
			}
			assert_true(is_aligned(at.v, align));
			mark(at.v, size, 1, 0);
			held[nheld++] = (struct mem_range){at.v, size};
		} else if (nheld) {
			unsigned int i = pick(nheld);

			assert_int_equal(mem_free(&pool, hpa(held[i].base), held[i].size), 0);
			mark(held[i].base, held[i].size, 0, 1);
			held[i] = held[--nheld];
		}
		compare();
	}
	while (nheld) {
		nheld--;
		assert_int_equal(mem_free(&pool, hpa(held[nheld].base), held[nheld].size), 0);
	}
	EXPECT({0, MODEL_PAGES * P});
}

/* Whole pages are counted, for whom they are, as long as they are out; a failed call counts none.
 */
static void test_memory_is_counted_by_use(void **state)
{
	struct text own = {0}, rest = {0};
	hpa_t ours, guest, none;

	(void)state;
	add(0x100000, 64 * P);
	mem_count_image(&pool, 10 * P);
	assert_int_equal(mem_alloc(&pool, P + 1, P, &ours), 0);
	assert_int_equal(mem_alloc_for(&pool, MEM_GUEST, 8 * P, P, &guest), 0);
	assert_int_equal(mem_alloc_for(&pool, MEM_TABLES, 80 * P, P, &none), -ENOMEM);
	assert_int_equal(mem_free_for(&pool, MEM_GUEST, hpa(0x13f000), 2 * P), -EINVAL);
	assert_true(pool.used[MEM_OURS] == 2 * P);
	assert_true(pool.used[MEM_IMAGE] == 10 * P);
	assert_true(pool.used[MEM_GUEST] == 8 * P);
	assert_true(pool.used[MEM_TABLES] == 0);
	assert_int_equal(mem_alloc_for(&pool, MEM_TABLES, P, P, &none), 0);
	assert_int_equal(mem_alloc_for(&pool, MEM_FIRMWARE, 3 * P, P, &none), 0);
	assert_int_equal(mem_free(&pool, ours, P + 1), 0);
	mem_describe(&pool, &own, &rest);
	assert_string_equal(
		own.s, "hypervisor memory: 40 KiB now, 48 KiB at most, 40 KiB of it the image");
	assert_string_equal(
		rest.s, "apart from it: guests 32 KiB, TCE tables 4 KiB, given to firmware 12 KiB");
	assert_int_equal(mem_free_for(&pool, MEM_GUEST, guest, 8 * P), 0);
	assert_true(pool.used[MEM_GUEST] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty_pool_has_nothing, setup),
		cmocka_unit_test_setup(test_add_leaves_out_parts_of_pages, setup),
		cmocka_unit_test_setup(test_add_joins_neighbours_in_any_order, setup),
		cmocka_unit_test_setup(test_add_of_what_is_free_or_wraps_is_refused, setup),
		cmocka_unit_test_setup(test_range_to_the_top_of_memory_does_not_wrap, setup),
		cmocka_unit_test_setup(test_reserve_takes_whole_pages_wherever_free, setup),
		cmocka_unit_test_setup(test_full_list_refuses_and_stays, setup),
		cmocka_unit_test_setup(test_full_list_gives_what_needs_no_cut, setup),
		cmocka_unit_test_setup(test_alloc_takes_the_first_fit, setup),
		cmocka_unit_test_setup(test_alloc_with_bad_arguments_is_refused, setup),
		cmocka_unit_test_setup(test_free_twice_or_askew_is_refused, setup),
		cmocka_unit_test_setup(test_pointer_is_address_plus_bias, setup),
		cmocka_unit_test_setup(test_memory_is_counted_by_use, setup),
		cmocka_unit_test_setup(test_random_alloc_and_free_agree_with_a_model, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
