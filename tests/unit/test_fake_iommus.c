// SPDX-License-Identifier: Apache-2.0
/*
 * The fakes of Linux's containers do what Linux does, also where core/vfio_shadow.c never goes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/fake_linux_v2.h"
#include "tests/fake/fake_type1.h"

#include <string.h>

#define K4   0x1000ull
#define K64  0x10000ull
#define WIN1 (1ull << 59)
#define RW   (VFIO_DMA_READ | VFIO_DMA_WRITE)
#define SIZE 0x100000ull

static struct fake_linux_v2 lin;
static struct fake_type1 t1;
static _Alignas(2 * K64) uint8_t memory[4 * K64];
/* Half of it is registered. */
static const struct guest_mem mem = {memory, {0x1000000}, 2 * K64};

static int setup_linux(void **state)
{
	struct vfio_window w = {.page_shift = 12, .size = SIZE, .levels = 1};

	(void)state;
	fake_linux_v2_init(&lin);
	lin.ngroups = 1;
	assert_int_equal(fake_linux_v2_ops.register_memory(&lin, &mem), 0);
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), 0);
	return 0;
}

static int teardown_linux(void **state)
{
	(void)state;
	fake_linux_v2_free(&lin);
	return 0;
}

static int lmap(uint64_t iova, const void *ptr, uint64_t len, unsigned int perm)
{
	return fake_linux_v2_ops.map(&lin, ioba(iova), ptr, len, perm);
}

static int lunmap(uint64_t iova, uint64_t len)
{
	uint64_t gone = 77;
	int err = fake_linux_v2_ops.unmap(&lin, ioba(iova), len, &gone);

	/* It does not say. */
	assert_true(gone == 77);
	return err;
}

static uint64_t ldev(uint64_t iova)
{
	return fake_linux_v2_device(&lin, iova);
}

/* VF-07, VF-08. */
static void test_linux_maps_registered_memory_only(void **state)
{
	(void)state;
	assert_int_equal(lmap(0, memory + 2 * K64 - K4, K4, RW), 0);
	assert_true(ldev(0) == (2 * K64 - K4 + RW));
	assert_int_equal(lmap(K4, memory + 2 * K64, K4, RW), -EINVAL);
	assert_int_equal(lmap(K4, memory, K4, 0), -EINVAL);
	assert_int_equal(lmap(K4, memory + 8, K4, RW), -EINVAL);
	assert_int_equal(lmap(K4, memory, K4 - 8, RW), -EINVAL);
	assert_int_equal(lmap(SIZE, memory, K4, RW), -ENXIO);
	assert_int_equal(lmap(WIN1, memory, K4, RW), -ENXIO);
	assert_int_equal(lunmap(SIZE, K4), -ENXIO);
	assert_int_equal(lunmap(SIZE - K4, 2 * K4), -EINVAL);
	assert_true(ldev(K4) == 0);
	assert_int_equal(fake_linux_v2_ops.register_memory(&lin, &mem), -EBUSY);
	lin.mem.size = 0;
	assert_int_equal(lmap(0, memory, K4, RW), -EPERM);
	assert_int_equal(lunmap(0, K4), -EPERM);
}

/* It stops at the first page that cannot be, and takes away what it has got to. */
static void test_linux_clears_the_prefix_of_a_failed_map(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(lmap(i * K4, memory, K4, VFIO_DMA_READ), 0);
	}
	assert_int_equal(lmap(0, memory + 2 * K64 - 2 * K4, 4 * K4, RW), -EINVAL);
	assert_true(ldev(0) == 0 && ldev(K4) == 0);
	assert_true(ldev(2 * K4) == VFIO_DMA_READ && ldev(3 * K4) == VFIO_DMA_READ);
	/* Made to fail: in the middle, or after all. */
	lin.fail = (struct fake_fail){.at = 1, .err = 1};
	assert_int_equal(lmap(2 * K4, memory, 2 * K4, RW), 1);
	assert_true(ldev(2 * K4) == 0 && ldev(3 * K4) == VFIO_DMA_READ);
	lin.fail = (struct fake_fail){.at = 2, .err = -EIO, .late = true};
	assert_int_equal(lmap(0, memory, K4, RW), 0);
	assert_int_equal(lmap(2 * K4, memory, 2 * K4, RW), -EIO);
	assert_true(ldev(2 * K4) == RW && ldev(3 * K4) == (K4 | RW));
}

static void test_linux_replaces_unless_it_is_old(void **state)
{
	(void)state;
	assert_int_equal(lmap(0, memory, 2 * K4, RW), 0);
	assert_int_equal(lmap(K4, memory + 5 * K4, K4, VFIO_DMA_WRITE), 0);
	assert_true(ldev(0) == RW && ldev(K4) == (5 * K4 | VFIO_DMA_WRITE));
	lin.busy = true;
	assert_int_equal(lmap(K4, memory, K4, RW), -EBUSY);
	assert_int_equal(lunmap(0, 16 * K4), 0);
	assert_true(ldev(0) == 0 && ldev(K4) == 0);
	assert_int_equal(lmap(K4, memory, K4, RW), 0);
}

/* VF-06, VF-07. A default window nobody removed takes the first place. */
static void test_linux_has_two_windows(void **state)
{
	struct vfio_window w = {.page_shift = 16, .size = 1ull << 40, .levels = 1};

	(void)state;
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), -ENOMEM);
	w.levels = 2;
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), 0);
	assert_true(w.start.v == WIN1);
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), -ENOSPC);
	assert_int_equal(lmap(WIN1 + K64, memory, K64, RW), 0);
	assert_int_equal(lmap(WIN1, memory + K4, K64, RW), -EINVAL);
	assert_int_equal(fake_linux_v2_ops.remove_window(&lin, &w), 0);
	assert_int_equal(fake_linux_v2_ops.remove_window(&lin, &w), -EINVAL);
	assert_true(ldev(WIN1 + K64) == 0);
	for (unsigned int levels = 0; levels < 7; levels += 6) {
		w.levels = levels;
		assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), -EINVAL);
	}
	fake_linux_v2_free(&lin);
	lin.default_pending = true;
	w = (struct vfio_window){.page_shift = 12, .size = SIZE, .levels = 1};
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), 0);
	assert_true(w.start.v == WIN1);
	fake_linux_v2_free(&lin);
	lin.default_pending = true;
	assert_int_equal(
		fake_linux_v2_ops.remove_window(&lin, &(struct vfio_window){.size = 0}), 0);
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), 0);
	assert_true(w.start.v == 0);
	lin.ngroups = 0;
	assert_int_equal(fake_linux_v2_ops.create_window(&lin, &w), -ENXIO);
	assert_int_equal(fake_linux_v2_ops.remove_window(&lin, &w), -ENXIO);
}

static int setup_type1(void **state)
{
	(void)state;
	fake_type1_init(&t1);
	t1.ngroups = 1;
	t1.v2 = true;
	assert_int_equal(fake_type1_ops.register_memory(&t1, &mem), 0);
	return 0;
}

static int tmap(uint64_t iova, uint64_t at, uint64_t len)
{
	return fake_type1_ops.map(&t1, ioba(iova), memory + at, len, RW);
}

static uint64_t gone;

static int tunmap(uint64_t iova, uint64_t len)
{
	gone = 77;
	return fake_type1_ops.unmap(&t1, ioba(iova), len, &gone);
}

static uint64_t tdev(uint64_t iova)
{
	return fake_type1_device(&t1, iova);
}

/* VF-09. */
static void test_type1_refuses_what_it_must(void **state)
{
	(void)state;
	t1.aperture_last = WIN1 - 1;
	assert_int_equal(tmap(4 * K4, 0, 4 * K4), 0);
	assert_int_equal(tmap(4 * K4, 0, 4 * K4), -EEXIST);
	assert_int_equal(tmap(3 * K4, 0, 2 * K4), -EEXIST);
	assert_int_equal(tmap(7 * K4, 0, K4), -EEXIST);
	assert_int_equal(tmap(3 * K4, 0, 9 * K4), -EEXIST);
	assert_int_equal(tmap(8, 0, K4), -EINVAL);
	assert_int_equal(tmap(0, 8, K4), -EINVAL);
	assert_int_equal(tmap(0, 0, 8), -EINVAL);
	assert_int_equal(tmap(0, 0, 0), -EINVAL);
	assert_int_equal(tmap(WIN1 - K4, 0, 2 * K4), -EINVAL);
	assert_int_equal(tmap(UINT64_MAX - K4 + 1, 0, 2 * K4), -EINVAL);
	assert_int_equal(fake_type1_ops.map(&t1, ioba(0), memory, K4, 0), -EINVAL);
	t1.limit = 2;
	assert_int_equal(tmap(3 * K4, 9 * K4, K4), 0);
	assert_int_equal(tmap(0, 0, K4), -ENOSPC);
	assert_true(tdev(3 * K4) == (9 * K4 | RW) && tdev(4 * K4) == RW);
	assert_true(tdev(7 * K4) == (3 * K4 | RW) && tdev(8 * K4) == 0 && tdev(0) == 0);
}

/* VF-11: both versions, each in its way. */
static void test_type1_does_not_cut_a_mapping(void **state)
{
	static const uint64_t cuts[][2] = {{4, 1}, {5, 1}, {7, 1}, {0, 5}, {7, 9}, {4, 3}};

	(void)state;
	for (unsigned int v2 = 0; v2 < 2; v2++) {
		t1.v2 = v2;
		assert_int_equal(tmap(4 * K4, 0, 4 * K4), 0);
		assert_int_equal(tmap(9 * K4, 0, K4), 0);
		for (unsigned int i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			assert_int_equal(
				tunmap(cuts[i][0] * K4, cuts[i][1] * K4), v2 ? -EINVAL : 0);
			assert_true(gone == 0);
			assert_int_equal(t1.nmaps, 2);
		}
		assert_int_equal(tunmap(0, 16 * K4), 0);
		assert_true(gone == 5 * K4);
		assert_int_equal(tunmap(0, 16 * K4), 0);
		assert_true(gone == 0);
		assert_int_equal(tunmap(0, 0), -EINVAL);
		assert_int_equal(tunmap(4, K4), -EINVAL);
	}
}

/* VF-10. */
static void test_type1_maps_up_to_the_end(void **state)
{
	uint64_t last = UINT64_MAX - K4 + 1;

	(void)state;
	assert_int_equal(tmap(last, 0, K4), 0);
	assert_true(tdev(last) == RW && tdev(last - K4) == 0);
	assert_int_equal(tmap(last - K4, 0, 2 * K4), -EEXIST);
	assert_int_equal(tunmap(last, 2 * K4), -EINVAL);
	assert_int_equal(tunmap(last - K4, 2 * K4), 0);
	assert_true(gone == K4);
}

/* Against an array, in every order of coming and going. */
static void test_type1_keeps_its_mappings_apart(void **state)
{
	uint64_t want[64] = {0}, seed = 7;

	(void)state;
	for (unsigned int step = 0; step < 20000; step++) {
		uint64_t r = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		uint64_t i = r >> 58, page = (r >> 50 & 31) * K4;

		if (r >> 49 & 1) {
			assert_int_equal(tmap(i * K4, page, K4), want[i] ? -EEXIST : 0);
			want[i] = want[i] ? want[i] : page | RW;
		} else {
			assert_int_equal(tunmap(i * K4, K4), 0);
			assert_true(gone == (want[i] ? K4 : 0));
			want[i] = 0;
		}
		assert_true(tdev(i * K4) == want[i]);
		assert_true(tdev(i * 5 % 64 * K4) == want[i * 5 % 64]);
	}
}

#define LINUX(t) cmocka_unit_test_setup_teardown(t, setup_linux, teardown_linux)
#define TYPE1(t) cmocka_unit_test_setup(t, setup_type1)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINUX(test_linux_maps_registered_memory_only),
		LINUX(test_linux_clears_the_prefix_of_a_failed_map),
		LINUX(test_linux_replaces_unless_it_is_old),
		LINUX(test_linux_has_two_windows),
		TYPE1(test_type1_refuses_what_it_must),
		TYPE1(test_type1_does_not_cut_a_mapping),
		TYPE1(test_type1_maps_up_to_the_end),
		TYPE1(test_type1_keeps_its_mappings_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
