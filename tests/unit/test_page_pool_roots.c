// SPDX-License-Identifier: Apache-2.0
/*
 * core/page_pool.c: pages set aside for roots are there for roots, and for nothing else, to the
 * page.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/page_pool.h"
#include "tests/fake/fake_phb.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define PAGES 16u

static struct fake_ram ram;
static struct page_pool pool;
static hpa_t out[PAGES];

static int setup(void **state)
{
	(void)state;
	fake_ram_init(&ram, 0x100000);
	memset(&pool, 0, sizeof(pool));
	assert_int_equal(page_pool_init(&pool, &ram.pool, PAGES * MEM_PAGE), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

static unsigned int left(void)
{
	return (unsigned int)(page_pool_left(&pool) / MEM_PAGE);
}

/* For every number set aside: so many roots can be had when all else is gone, and not one more. */
static void test_roots_are_there_when_all_else_is_gone(void **state)
{
	for (unsigned int n = 0; n <= PAGES; n++) {
		hpa_t root[PAGES], more;

		teardown(state);
		setup(state);
		assert_int_equal(page_pool_reserve_roots(&pool, n), 0);
		assert_int_equal(left(), PAGES - n);
		assert_int_equal(page_pool_take(&pool, PAGES - n + 1, out), -ENOMEM);
		if (n < PAGES) {
			assert_int_equal(page_pool_take(&pool, PAGES - n, out), 0);
		}
		assert_int_equal(left(), 0);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(page_pool_take(&pool, 1, &more), -ENOMEM);
			assert_int_equal(page_pool_take_root(&pool, &root[i]), 0);
			assert_int_equal(left(), 0);
		}
		assert_int_equal(page_pool_take_root(&pool, &more), -ENOMEM);
		assert_int_equal(page_pool_used(&pool), PAGES * MEM_PAGE);
		/* A root that comes back is set aside again; another page is not. */
		for (unsigned int i = 0; i < n; i++) {
			page_pool_give_root(&pool, root[i]);
			assert_int_equal(left(), 0);
		}
		for (unsigned int i = 0; i < PAGES - n; i++) {
			page_pool_give(&pool, out[i]);
			assert_int_equal(left(), i + 1);
		}
		page_pool_release_roots(&pool, n);
		assert_int_equal(left(), PAGES);
		assert_int_equal(page_pool_used(&pool), 0);
	}
}

static void test_more_than_is_left_cannot_be_set_aside(void **state)
{
	(void)state;
	assert_int_equal(page_pool_reserve_roots(&pool, PAGES + 1), -ENOMEM);
	assert_int_equal(page_pool_reserve_roots(&pool, UINT32_MAX), -ENOMEM);
	assert_int_equal(left(), PAGES);
	assert_int_equal(page_pool_take(&pool, 6, out), 0);
	assert_int_equal(page_pool_reserve_roots(&pool, 8), 0);
	assert_int_equal(page_pool_reserve_roots(&pool, 3), -ENOMEM);
	assert_int_equal(left(), 2);
	assert_int_equal(page_pool_reserve_roots(&pool, 2), 0);
	assert_int_equal(left(), 0);
	page_pool_release_roots(&pool, 10);
	assert_int_equal(left(), PAGES - 6);
}

/* Beyond what is promised a root is a page like any other, and counts for a later promise. */
static void test_roots_beyond_the_promise_are_pages(void **state)
{
	hpa_t root[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(page_pool_take_root(&pool, &root[i]), 0);
	}
	assert_int_equal(left(), PAGES - 4);
	assert_int_equal(page_pool_reserve_roots(&pool, 3), 0);
	assert_int_equal(left(), PAGES - 4);
	page_pool_give_root(&pool, root[0]);
	assert_int_equal(left(), PAGES - 3);
	page_pool_give_root(&pool, root[1]);
	assert_int_equal(left(), PAGES - 3);
	assert_int_equal(page_pool_take(&pool, PAGES - 3, out), 0);
	assert_int_equal(page_pool_take_root(&pool, &root[0]), 0);
	assert_int_equal(page_pool_take_root(&pool, &root[1]), -ENOMEM);
}

/* A promise ends with the pool: what is none any more has nothing. */
static void test_promise_ends_with_the_pool(void **state)
{
	hpa_t root;

	(void)state;
	assert_int_equal(page_pool_reserve_roots(&pool, 3), 0);
	page_pool_exit(&pool, &ram.pool);
	assert_int_equal(left(), 0);
	assert_int_equal(page_pool_take(&pool, 1, out), -ENOMEM);
	assert_int_equal(page_pool_take_root(&pool, &root), -ENOMEM);
	assert_int_equal(page_pool_reserve_roots(&pool, 1), -ENOMEM);
	assert_int_equal(page_pool_init(&pool, &ram.pool, PAGES * MEM_PAGE), 0);
	assert_int_equal(left(), PAGES);
}

#define ROUNDS 50000

static atomic_bool done;

static void *take_all(void *arg)
{
	hpa_t got[PAGES];

	while (!atomic_load(&done)) {
		unsigned int n = 0;

		while (n < PAGES && !page_pool_take(&pool, 1, &got[n])) {
			n++;
		}
		if (n > PAGES - 2) {
			*(bool *)arg = true;
		}
		while (n) {
			page_pool_give(&pool, got[--n]);
		}
	}
	return NULL;
}

static void test_promise_holds_beside_another_thread(void **state)
{
	bool failed = false;
	pthread_t thread;
	hpa_t root[2];

	(void)state;
	assert_int_equal(page_pool_reserve_roots(&pool, 2), 0);
	atomic_store(&done, false);
	assert_int_equal(pthread_create(&thread, NULL, take_all, &failed), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		assert_int_equal(page_pool_take_root(&pool, &root[0]), 0);
		assert_int_equal(page_pool_take_root(&pool, &root[1]), 0);
		page_pool_give_root(&pool, root[i & 1]);
		page_pool_give_root(&pool, root[~i & 1]);
	}
	atomic_store(&done, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(failed);
	assert_int_equal(left(), PAGES - 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_roots_are_there_when_all_else_is_gone),
		TEST(test_more_than_is_left_cannot_be_set_aside),
		TEST(test_roots_beyond_the_promise_are_pages),
		TEST(test_promise_ends_with_the_pool),
		TEST(test_promise_holds_beside_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
