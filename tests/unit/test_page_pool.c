// SPDX-License-Identifier: Apache-2.0
/*
 * core/page_pool.c: every page once, all or none, and numbers that are exact at every moment.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/page_pool.h"
#include "core/range.h"
#include "tests/fake/fake_phb.h"

#include <pthread.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#define RAM    0x100000ull
#define NPAGES 64u
#define BYTES  ((uint64_t)NPAGES * MEM_PAGE)

static struct fake_ram ram;
static struct page_pool pool;
static char line[LOG_LINE_MAX + 1];
static unsigned int lines;

static void keep_line(const char *text, size_t len)
{
	memcpy(line, text, len);
	line[len] = '\0';
	lines++;
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {keep_line, no_time};

static int setup(void **state)
{
	(void)state;
	fake_ram_init(&ram, RAM);
	/* What was there before is not what the pool relies on. */
	memset(ram.mem, 0xee, RAM);
	memset(&pool, 0, sizeof(pool));
	lines = 0;
	log_set_sink(&sink);
	return 0;
}

static int setup_pool(void **state)
{
	setup(state);
	assert_int_equal(page_pool_init(&pool, &ram.pool, BYTES), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

static void expect_used(uint64_t pages)
{
	assert_true(page_pool_used(&pool) == pages * MEM_PAGE);
	assert_true(page_pool_left(&pool) == BYTES - pages * MEM_PAGE);
}

static bool is_of_pool(hpa_t page)
{
	return is_aligned(page.v, MEM_PAGE) && range_inside(page.v, MEM_PAGE, pool.base.v, BYTES);
}

static void fill(hpa_t page, int byte)
{
	memset(page_pool_ptr(&pool, page), byte, MEM_PAGE);
}

static bool is_full_of(hpa_t page, uint8_t byte)
{
	const uint8_t *p = page_pool_ptr(&pool, page);

	return p[0] == byte && !memcmp(p, p + 1, MEM_PAGE - 1);
}

static void test_sizes_round_up_to_pages(void **state)
{
	static const struct {
		uint64_t bytes, pages;
	} cases[] = {{1, 1}, {MEM_PAGE - 1, 1}, {MEM_PAGE, 1}, {MEM_PAGE + 1, 2},
		{RAM - 1, RAM / MEM_PAGE}, {RAM, RAM / MEM_PAGE}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(page_pool_init(&pool, &ram.pool, cases[i].bytes), 0);
		assert_true(page_pool_left(&pool) == cases[i].pages * MEM_PAGE);
		assert_true(page_pool_used(&pool) == 0);
		assert_true(mem_free_bytes(&ram.pool) == RAM - cases[i].pages * MEM_PAGE);
		page_pool_exit(&pool, &ram.pool);
		assert_true(mem_free_bytes(&ram.pool) == RAM);
	}
	assert_int_equal(lines, 0);
}

static void test_sizes_that_cannot_be_take_nothing(void **state)
{
	static const struct {
		uint64_t bytes;
		int err;
	} cases[] = {{0, -EINVAL}, {RAM + 1, -ENOMEM}, {1ull << 52, -ENOMEM}, {1ull << 63, -ENOMEM},
		{UINT64_MAX, -ENOMEM}, {UINT64_MAX - 1, -ENOMEM}, {UINT64_MAX - MEM_PAGE, -ENOMEM},
		{UINT64_MAX - MEM_PAGE + 1, -ENOMEM}, {UINT64_MAX - MEM_PAGE + 2, -ENOMEM}};
	hpa_t page;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(page_pool_init(&pool, &ram.pool, cases[i].bytes), cases[i].err);
		assert_true(mem_free_bytes(&ram.pool) == RAM);
		/* And there is no pool. */
		assert_int_equal(page_pool_take(&pool, 1, &page), -ENOMEM);
		assert_true(page_pool_left(&pool) == 0 && page_pool_used(&pool) == 0);
		page_pool_exit(&pool, &ram.pool);
	}
	assert_int_equal(lines, 0);
}

/* Each of them once, inside the piece, ours to write to. */
static void test_pages_are_of_the_piece_and_apart(void **state)
{
	hpa_t pages[NPAGES], more;

	(void)state;
	assert_int_equal(page_pool_take(&pool, NPAGES, pages), 0);
	for (unsigned int i = 0; i < NPAGES; i++) {
		assert_true(is_of_pool(pages[i]));
		assert_ptr_equal(page_pool_ptr(&pool, pages[i]), mem_ptr(&ram.pool, pages[i]));
		fill(pages[i], (int)i);
	}
	for (unsigned int i = 0; i < NPAGES; i++) {
		assert_true(is_full_of(pages[i], (uint8_t)i));
	}
	expect_used(NPAGES);
	assert_int_equal(page_pool_take(&pool, 1, &more), -ENOMEM);
	assert_int_equal(page_pool_take(&pool, 0, &more), 0);
}

/* At each n: with n pages left, n + 1 are refused whole, and n come; from pages that were never out
 * and from pages that were. */
static void test_all_or_none_at_every_n(void **state)
{
	hpa_t pages[NPAGES], got[NPAGES + 1];

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int n = 0; n <= NPAGES; n++) {
			assert_int_equal(page_pool_take(&pool, NPAGES - n, pages), 0);
			got[0] = hpa(1);
			assert_int_equal(page_pool_take(&pool, n + 1, got), -ENOMEM);
			assert_int_equal(page_pool_take(&pool, UINT32_MAX, got), -ENOMEM);
			assert_true(got[0].v == 1);
			expect_used(NPAGES - n);
			assert_int_equal(page_pool_take(&pool, n, got), 0);
			expect_used(NPAGES);
			for (unsigned int i = 0; i < n; i++) {
				page_pool_give(&pool, got[i]);
			}
			expect_used(NPAGES - n);
			for (unsigned int i = 0; i < NPAGES - n; i++) {
				page_pool_give(&pool, pages[i]);
			}
			expect_used(0);
		}
	}
}

static uint32_t seed;

static unsigned int pick(unsigned int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 16) % n;
}

/* Whatever the order: no page is out twice, none changes while it is out, and the sums are right.
 */
static void test_random_cycles_lose_and_double_nothing(void **state)
{
	hpa_t out[NPAGES];
	unsigned int n = 0;

	(void)state;
	seed = 7;
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int k = 1 + pick(6);

		if (pick(2)) {
			int err = page_pool_take(&pool, k, &out[n < NPAGES ? n : 0]);

			assert_int_equal(err, n + k > NPAGES ? -ENOMEM : 0);
			for (; !err && k; k--, n++) {
				assert_true(is_of_pool(out[n]));
				fill(out[n], (int)(out[n].v / MEM_PAGE & 0xff));
			}
		}
		while (n && pick(2)) {
			unsigned int at = pick(n);

			assert_true(is_full_of(out[at], (uint8_t)(out[at].v / MEM_PAGE)));
			page_pool_give(&pool, out[at]);
			out[at] = out[--n];
		}
		expect_used(n);
	}
	while (n) {
		page_pool_give(&pool, out[--n]);
	}
	page_pool_exit(&pool, &ram.pool);
	assert_true(mem_free_bytes(&ram.pool) == RAM);
}

/* The first page of the machine is a page like others. */
static void test_piece_may_start_at_0(void **state)
{
	struct mem_pool low;
	hpa_t pages[4], again[4];

	(void)state;
	mem_init(&low, (uintptr_t)ram.mem);
	assert_int_equal(mem_add(&low, hpa(0), 4 * MEM_PAGE), 0);
	assert_int_equal(page_pool_init(&pool, &low, 4 * MEM_PAGE), 0);
	assert_true(pool.base.v == 0);
	assert_int_equal(page_pool_take(&pool, 4, pages), 0);
	for (unsigned int last = 0; last < 4; last++) {
		/* Given back in every place of the order. */
		for (unsigned int i = 1; i <= 4; i++) {
			page_pool_give(&pool, hpa((last + i) % 4 * MEM_PAGE));
		}
		assert_int_equal(page_pool_take(&pool, 4, again), 0);
		for (unsigned int i = 0; i < 4; i++) {
			uint64_t seen = 0;

			for (unsigned int k = 0; k < 4; k++) {
				seen += again[k].v == i * MEM_PAGE;
			}
			assert_true(seen == 1);
		}
	}
}

/* Hardware may look at what is still out: nobody else gets any of the piece, and the log says so.
 */
static void test_exit_with_pages_out_keeps_the_piece(void **state)
{
	char want[64];
	hpa_t pages[3], page;

	(void)state;
	assert_int_equal(page_pool_take(&pool, 3, pages), 0);
	page_pool_give(&pool, pages[1]);
	page_pool_exit(&pool, &ram.pool);
	assert_true(mem_free_bytes(&ram.pool) == RAM - BYTES);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(line, "2 pages"));
	snprintf(want, sizeof(want), "256 KiB at 0x%llx", (unsigned long long)FAKE_RAM_BASE);
	assert_non_null(strstr(line, want));
	/* What is no pool any more gives nothing. */
	assert_int_equal(page_pool_take(&pool, 1, &page), -ENOMEM);
	assert_true(page_pool_left(&pool) == 0);
	page_pool_exit(&pool, &ram.pool);
	assert_int_equal(lines, 1);
	/* And the next one is another piece. */
	assert_int_equal(page_pool_init(&pool, &ram.pool, BYTES), 0);
	assert_true(pool.base.v == FAKE_RAM_BASE + BYTES);
	expect_used(0);
	page_pool_exit(&pool, &ram.pool);
	assert_true(mem_free_bytes(&ram.pool) == RAM - BYTES);
}

/* The next pool of the same partition knows nothing of the pages of the last one. */
static void test_pool_that_is_set_up_again_begins_anew(void **state)
{
	hpa_t pages[NPAGES];

	(void)state;
	assert_int_equal(page_pool_take(&pool, 3, pages), 0);
	for (unsigned int i = 0; i < 3; i++) {
		page_pool_give(&pool, pages[i]);
	}
	page_pool_exit(&pool, &ram.pool);
	memset(ram.mem, 0xee, RAM);
	assert_int_equal(page_pool_init(&pool, &ram.pool, BYTES), 0);
	expect_used(0);
	assert_int_equal(page_pool_take(&pool, NPAGES, pages), 0);
	for (unsigned int i = 0; i < NPAGES; i++) {
		assert_true(is_of_pool(pages[i]));
		for (unsigned int k = 0; k < i; k++) {
			assert_true(pages[k].v != pages[i].v);
		}
	}
}

#define THREADS 4u
#define ROUNDS	5000u

struct worker {
	pthread_t thread;
	uint8_t mark;
	unsigned int bad;
};

static void *take_and_give(void *arg)
{
	struct worker *me = arg;
	hpa_t pages[NPAGES / THREADS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int n = 1 + i % (NPAGES / THREADS);

		/* There is enough for all of them at once. */
		if (page_pool_take(&pool, n, pages)) {
			me->bad++;
			continue;
		}
		for (unsigned int k = 0; k < n; k++) {
			*(volatile uint8_t *)page_pool_ptr(&pool, pages[k]) = me->mark;
		}
		for (unsigned int k = 0; k < n; k++) {
			me->bad += *(volatile uint8_t *)page_pool_ptr(&pool, pages[k]) != me->mark;
			page_pool_give(&pool, pages[k]);
		}
	}
	return NULL;
}

static void test_threads_get_pages_of_their_own(void **state)
{
	struct worker workers[THREADS] = {0};

	(void)state;
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].mark = (uint8_t)(i + 1);
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, take_and_give, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_int_equal(workers[i].bad, 0);
	}
	expect_used(0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define POOL(t) cmocka_unit_test_setup_teardown(t, setup_pool, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sizes_round_up_to_pages),
		TEST(test_sizes_that_cannot_be_take_nothing),
		POOL(test_pages_are_of_the_piece_and_apart),
		POOL(test_all_or_none_at_every_n),
		POOL(test_random_cycles_lose_and_double_nothing),
		TEST(test_piece_may_start_at_0),
		POOL(test_exit_with_pages_out_keeps_the_piece),
		POOL(test_pool_that_is_set_up_again_begins_anew),
		POOL(test_threads_get_pages_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
