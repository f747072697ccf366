// SPDX-License-Identifier: Apache-2.0
/*
 * The oldest of Linux's sPAPR containers, faked, behind the contract: one group, one window that
 * has to be enabled, and pages that are pinned one by one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_spapr.h"
#include "tests/fake/fake_linux_v1.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define K4   0x1000ull
#define SIZE ((uint64_t)FAKE_LINUX_V1_ENTRIES * K4)
#define RW   (VFIO_DMA_READ | VFIO_DMA_WRITE)

static struct fake_machine m;
static struct fake_linux_v1 v1;
static struct vfio_container *c;
static struct vfio_group *g0, *g1;
static _Alignas(0x10000) uint8_t memory[0x40000];
static const struct guest_mem mem = {memory, {0x1000000}, sizeof(memory)};

static int setup(void **state)
{
	(void)state;
	fake_machine_init(&m);
	fake_linux_v1_init(&v1);
	assert_int_equal(vfio_unregister_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	assert_int_equal(vfio_register_driver(&m.vfio, &fake_linux_v1_driver), 0);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g0), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g1), 0);
	assert_int_equal(vfio_group_set_container(g0, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_IOMMU), 0);
	assert_int_equal(vfio_register_memory(c, &mem), 0);
	return 0;
}

/* Whatever happened: nothing pinned, nothing locked, no table. */
static int teardown(void **state)
{
	(void)state;
	assert_int_equal(vfio_close_group(g0), 0);
	assert_int_equal(vfio_close_group(g1), 0);
	vfio_put_container(c);
	assert_int_equal(v1.pins, 0);
	assert_true(v1.locked == 0 && !v1.enabled);
	assert_true(page_pool_used(&m.tables) == 0);
	fake_machine_free(&m);
	return 0;
}

static int create(unsigned int shift, uint64_t size)
{
	struct vfio_window w = {.page_shift = shift, .size = size};

	return vfio_create_window(c, &w);
}

static int raw_map(uint64_t iova, uint64_t at, uint64_t len)
{
	return fake_linux_v1_ops.map(&v1, ioba(iova), memory + at, len, RW);
}

static int raw_unmap(uint64_t iova, uint64_t len)
{
	uint64_t gone = 0;

	return fake_linux_v1_ops.unmap(&v1, ioba(iova), len, &gone);
}

static int put(uint64_t at, const uint64_t *words, unsigned int n)
{
	int err = vfio_reserve(c, ioba(at), n * K4);

	return err ? err : vfio_map(c, ioba(at), words, n, 12);
}

/* SEED-001.26: it was full of what firmware left. */
static void test_attach_empties_the_table(void **state)
{
	static const uint64_t none[FAKE_LINUX_V1_ENTRIES];

	(void)state;
	assert_memory_equal(v1.entries, none, sizeof(none));
}

/* VF-08, SEED-001.26. */
static void test_nothing_is_mapped_before_the_window_is_enabled(void **state)
{
	(void)state;
	assert_int_equal(raw_map(0, 0, K4), -EPERM);
	assert_int_equal(raw_unmap(0, K4), -EPERM);
	assert_int_equal(fake_linux_v1_disable(&v1), -EPERM);
	/* By the contract: no window, no place to map at. */
	assert_int_equal(put(0, &(uint64_t){RW}, 1), -EINVAL);
	assert_int_equal(v1.pins, 0);
	assert_int_equal(fake_linux_v1_enable(&v1), 0);
	assert_int_equal(fake_linux_v1_enable(&v1), -EBUSY);
	assert_true(v1.locked == SIZE);
	assert_int_equal(raw_map(0, 0, K4), 0);
	assert_int_equal(v1.pins, 1);
	assert_int_equal(raw_unmap(0, K4), 0);
	assert_int_equal(fake_linux_v1_disable(&v1), 0);
	assert_true(v1.locked == 0);
}

/* VF-08 */
static void test_second_group_is_busy(void **state)
{
	(void)state;
	assert_int_equal(vfio_group_set_container(g1, c), -EBUSY);
	assert_null(g1->container);
	assert_int_equal(c->ngroups, 1);
	assert_int_equal(vfio_close_group(g0), 0);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_IOMMU), 0);
}

static void test_the_window_is_the_one_there_is(void **state)
{
	(void)state;
	assert_int_equal(create(16, SIZE), -EINVAL);
	assert_int_equal(create(12, 2 * SIZE), -EINVAL);
	v1.lock_limit = SIZE - 1;
	assert_int_equal(create(12, SIZE), -ENOMEM);
	assert_true(v1.locked == 0);
	v1.lock_limit = SIZE;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(create(12, SIZE), 0);
		assert_true(v1.locked == SIZE);
		assert_int_equal(create(12, SIZE), -EINVAL);
		assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
		assert_true(v1.locked == 0);
	}
}

/* VF-03: what a page of the IOMMU would reach past the page that is pinned is somebody else's. */
static void test_page_that_is_not_all_in_a_host_page_is_refused(void **state)
{
	(void)state;
	v1.page_shift = 16;
	v1.host_shift = 12;
	assert_int_equal(create(16, 0x100000), 0);
	assert_int_equal(raw_map(0, 0, 0x10000), -EPERM);
	assert_int_equal(v1.pins, 0);
	assert_int_equal(vfio_reserve(c, ioba(0), 0x10000), 0);
	assert_int_equal(vfio_map(c, ioba(0), &(uint64_t){RW}, 1, 16), -EIO);
	assert_int_equal(v1.pins, 0);
	assert_true(v1.entries[0] == 0);
	v1.host_shift = 16;
	assert_int_equal(vfio_map(c, ioba(0), &(uint64_t){RW}, 1, 16), 0);
	assert_int_equal(v1.pins, 1);
}

/* A pin for each page that is mapped, whatever was there before and whatever fails. */
static void test_pins_are_the_pages_mapped(void **state)
{
	uint64_t words[8];

	(void)state;
	assert_int_equal(create(12, SIZE), 0);
	for (unsigned int i = 0; i < 8; i++) {
		words[i] = i * K4 | RW;
	}
	assert_int_equal(put(0, words, 8), 0);
	assert_int_equal(v1.pins, 8);
	assert_int_equal(put(4 * K4, words, 8), 0);
	assert_int_equal(v1.pins, 12);
	v1.fail = (struct fake_fail){.at = 1, .err = -ENOMEM};
	assert_int_equal(put(2 * K4, words, 8), -ENOMEM);
	assert_int_equal(v1.pins, 12);
	for (unsigned int i = 0; i < 12; i++) {
		uint64_t at = (i < 4 ? i : i - 4) * K4;

		assert_true(v1.entries[i] == ((uintptr_t)(memory + at) | RW));
	}
	assert_int_equal(vfio_unmap(c, ioba(0), 6 * K4), 0);
	assert_int_equal(v1.pins, 6);
	assert_int_equal(raw_map(SIZE, 0, K4), -EINVAL);
	assert_int_equal(raw_map(8, 0, K4), -EINVAL);
	assert_int_equal(raw_map(0, 8, K4), -EINVAL);
	assert_int_equal(raw_unmap(SIZE - K4, 2 * K4), -EINVAL);
	assert_int_equal(v1.pins, 6);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attach_empties_the_table),
		TEST(test_nothing_is_mapped_before_the_window_is_enabled),
		TEST(test_second_group_is_busy),
		TEST(test_the_window_is_the_one_there_is),
		TEST(test_page_that_is_not_all_in_a_host_page_is_refused),
		TEST(test_pins_are_the_pages_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
