// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_bridge.c: from a guest's TCEs to what its device reaches, all the way down to the
 * strict PHB model. The first test is the life of one H_PUT_TCE below its handler.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_bridge.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define K4    0x1000ull
#define K64   0x10000ull
#define SIZE  0x400000ull
#define WIN1  (1ull << 59)
#define GUEST 0x200000ull /* bytes of the guest's memory */
#define LIOBN 0x80000600u
#define RW    (TCE_READ | TCE_WRITE)

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static struct guest_mem mem;
static struct tce_window w;
static struct vfio_bridge_window bw;
static struct tce_scratch scratch;
static uint64_t free_at_start;

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	memset(&bw, 0, sizeof(bw));
	fake_machine_init(&m);
	assert_int_equal(mem_alloc(&m.ram.pool, GUEST, GUEST, &mem.host), 0);
	mem.ptr = mem_ptr(&m.ram.pool, mem.host);
	mem.size = GUEST;
	/* Page n of the guest is full of n; everything else is 0xee. */
	memset(m.ram.mem, 0xee, FAKE_MACHINE_RAM);
	for (uint64_t i = 0; i < GUEST / K4; i++) {
		memset(mem.ptr + i * K4, (int)(i & 0xff), K4);
	}
	assert_int_equal(vfio_open_container(&m.vfio, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	free_at_start = mem_free_bytes(&m.ram.pool);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static int open_window(unsigned int page_shift)
{
	return vfio_bridge_open_window(&bw, &w, c, &mem, LIOBN, ioba(0), SIZE, page_shift);
}

static int setup_window(void **state)
{
	setup(state);
	assert_int_equal(open_window(12), 0);
	return 0;
}

static int put(uint64_t at, unsigned int n, const uint64_t *tces)
{
	memcpy(scratch.tce, tces, n * sizeof(*tces));
	return tce_put(&w, &mem, ioba(at), n, &scratch);
}

static int put1(uint64_t at, uint64_t tce)
{
	return put(at, 1, &tce);
}

static int peek(uint64_t iova)
{
	uint8_t byte = 0;
	int err = fake_machine_dma(&m, 0, FAKE_DEV0, iova, &byte, 1, false);

	return err ? err : byte;
}

static int poke(uint64_t iova, uint8_t byte)
{
	return fake_machine_dma(&m, 0, FAKE_DEV0, iova, &byte, 1, true);
}

static uint64_t get(uint64_t at)
{
	uint64_t tce = 1;

	assert_int_equal(tce_get(&w, ioba(at), &tce), 0);
	return tce;
}

static void test_one_tce_lives_from_put_to_clear(void **state)
{
	(void)state;
	assert_int_equal(peek(0x3000), -EFAULT);
	assert_int_equal(put1(0x3000, 5 * K4 | RW), 0);
	assert_true(get(0x3000) == (5 * K4 | RW));
	assert_int_equal(peek(0x3123), 5);
	assert_int_equal(poke(0x3fff, 0x55), 0);
	assert_int_equal(mem.ptr[6 * K4 - 1], 0x55);
	assert_int_equal(put1(0x3000, 7 * K4 | TCE_READ), 0);
	assert_int_equal(peek(0x3000), 7);
	assert_int_equal(poke(0x3000, 1), -EFAULT);
	assert_int_equal(tce_clear(&w, ioba(0x3000), 1), 0);
	assert_true(get(0x3000) == 0);
	assert_int_equal(peek(0x3000), -EFAULT);
}

/* Decision 6: one invalidation for a call of 512 scattered pages, and none to the other PHB. */
static void test_many_tces_are_one_call_and_one_kill(void **state)
{
	uint64_t tces[TCE_MAX_BATCH];
	unsigned int kills = m.phb[0].count[FAKE_TCE_KILL];

	(void)state;
	for (unsigned int i = 0; i < TCE_MAX_BATCH; i++) {
		tces[i] = (uint64_t)(511 - i) * K4 | (i % 3 ? RW : TCE_WRITE);
	}
	assert_int_equal(put(SIZE - TCE_MAX_BATCH * K4, TCE_MAX_BATCH, tces), 0);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills + 1);
	assert_true(vfio_spapr_count_live(c) == TCE_MAX_BATCH);
	for (unsigned int i = 0; i < TCE_MAX_BATCH; i++) {
		uint64_t at = SIZE - TCE_MAX_BATCH * K4 + i * K4;

		assert_true(get(at) == tces[i]);
		assert_int_equal(peek(at), i % 3 ? (int)((511 - i) & 0xff) : -EFAULT);
	}
}

/* SEED-001.64: four permissions. */
static void test_permissions_reach_the_hardware(void **state)
{
	(void)state;
	for (unsigned int perm = 0; perm < 4; perm++) {
		assert_int_equal(put1(perm * K4, (perm + 1) * K4 | perm), 0);
		assert_int_equal(peek(perm * K4), perm & TCE_READ ? (int)perm + 1 : -EFAULT);
		assert_int_equal(poke(perm * K4, 0x99), perm & TCE_WRITE ? 0 : -EFAULT);
		assert_true(get(perm * K4) == (perm ? (perm + 1) * K4 | perm : 0));
	}
}

/* DM-13, SEED-001.65: the bridge checks again what TCE code has checked. */
static void test_bridge_maps_nothing_outside_the_guest(void **state)
{
	static const struct tce_run cases[][2] = {
		{{{GUEST}, 1, RW}, {{0}, 1, RW}},
		{{{0}, 1, RW}, {{GUEST - K4}, 2, RW}},
		{{{0}, 1, RW}, {{~0xfffull}, 1, RW}},
		{{{0}, 1, RW}, {{~0xfffull}, 2, RW}},
		{{{0}, 1, RW}, {{0}, 1ull << 52, RW}},
		{{{0}, 1, RW}, {{0}, 1ull << 52, 0}},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(vfio_bridge_tce_ops.map(&bw, 0, cases[i], 2), -EFAULT);
		assert_true(vfio_spapr_count_live(c) == 0);
	}
	assert_int_equal(vfio_bridge_tce_ops.map(&bw, 0, cases[0], TCE_MAX_BATCH + 1), -EINVAL);
}

/* A host address that is not the guest's is not told to it. */
static void test_lookup_tells_no_foreign_address(void **state)
{
	struct vfio_run run = {hpa(mem.host.v + GUEST), K4, RW};
	uint64_t tce = 77;

	(void)state;
	assert_int_equal(vfio_map(c, ioba(0), &run, 1), 0);
	assert_int_not_equal(tce_get(&w, ioba(0), &tce), 0);
	assert_true(tce == 77);
}

static void test_failed_kill_is_told(void **state)
{
	(void)state;
	m.phb[0].fail_op[FAKE_TCE_KILL] = true;
	assert_int_equal(put1(0, RW), -EIO);
	assert_int_equal(tce_clear(&w, ioba(0), 1), -EIO);
}

static void test_larger_pages_are_mapped_whole(void **state)
{
	(void)state;
	assert_int_equal(open_window(16), 0);
	assert_int_equal(put1(2 * K64, 3 * K64 | RW), 0);
	assert_int_equal(peek(2 * K64), 48);
	assert_int_equal(peek(3 * K64 - 1), 63);
	assert_int_equal(peek(3 * K64), -EFAULT);
	assert_true(get(2 * K64) == (3 * K64 | RW));
}

/* SEED-001.62: a window that the host cannot make as asked is not made. */
static void test_window_is_made_as_asked_or_not_at_all(void **state)
{
	static const struct {
		uint64_t base, size;
		unsigned int shift;
	} cases[] = {{WIN1, SIZE, 12}, {K4, SIZE, 12}, {0, 0, 12}, {0, SIZE + K4, 12},
		{0, SIZE, 13}, {0, SIZE, 11}, {0, 1ull << 60, 12}, {0, SIZE, 64 + 12}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(vfio_bridge_open_window(&bw, &w, c, &mem, LIOBN,
					 ioba(cases[i].base), cases[i].size, cases[i].shift),
			-EINVAL);
		assert_true(mem_free_bytes(&m.ram.pool) == free_at_start);
		assert_false(fake_phb_any_window(&m.phb[0]));
		assert_true(w.npages == 0);
	}
}

static void test_closed_window_has_no_liobn_and_no_table(void **state)
{
	uint64_t tce;

	(void)state;
	assert_int_equal(put1(0, RW), 0);
	assert_int_equal(peek(0), 0);
	vfio_bridge_close_window(&bw, &w);
	assert_true(w.npages == 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(put1(0, RW), -EINVAL);
	assert_int_equal(tce_get(&w, ioba(0), &tce), -EINVAL);
	assert_true(mem_free_bytes(&m.ram.pool) == free_at_start);
	assert_int_equal(open_window(12), 0);
	assert_true(get(0) == 0);
}

static int open_bypass(void)
{
	return vfio_bridge_open_bypass(c, &mem, ioba(WIN1), m.board.phbs[0].page_shifts);
}

/* Decision 9, SEED-001.68, SEED-000.24: the partition's RAM and nothing else. */
static void test_bypass_maps_exactly_the_partition(void **state)
{
	(void)state;
	assert_int_equal(open_bypass(), 0);
	assert_int_equal(peek(WIN1), 0);
	assert_int_equal(peek(WIN1 + 5 * K4), 5);
	assert_int_equal(peek(WIN1 + GUEST - 1), 0xff);
	assert_int_equal(peek(WIN1 + GUEST), -EFAULT);
	assert_int_equal(peek(0), -EFAULT);
	for (unsigned int bit = 21; bit < 64; bit++) {
		assert_int_equal(peek(WIN1 ^ 1ull << bit), -EFAULT);
	}
	assert_int_equal(poke(WIN1 + GUEST - 1, 0x12), 0);
	assert_int_equal(mem.ptr[GUEST - 1], 0x12);
	assert_true(vfio_spapr_count_live(c) == 1);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 0x2000 + 0x1000);
}

/* SEED-001.60: the largest page that divides address and size; memory that is no power of two ends
 * where it ends. */
static void test_bypass_takes_the_largest_page_that_fits(void **state)
{
	static const struct {
		uint64_t skip, size, live;
	} cases[] = {{0, GUEST, 1}, {0, 3 * K64, 3}, {K64, 5 * K64, 5}, {K4, 6 * K4, 6},
		{K64, K64 + K4, 17}};
	struct guest_mem part;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		part = (struct guest_mem){
			mem.ptr + cases[i].skip, hpa(mem.host.v + cases[i].skip), cases[i].size};
		assert_int_equal(
			vfio_bridge_open_bypass(c, &part, ioba(WIN1), m.board.phbs[0].page_shifts),
			0);
		assert_true(vfio_spapr_count_live(c) == cases[i].live);
		assert_int_equal(peek(WIN1), (int)(cases[i].skip / K4));
		assert_int_equal(peek(WIN1 + cases[i].size - 1),
			(int)((cases[i].skip + cases[i].size - 1) / K4 & 0xff));
		assert_int_equal(peek(WIN1 + cases[i].size), -EFAULT);
		assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	}
}

static void test_bypass_that_cannot_be_leaves_nothing(void **state)
{
	static const struct {
		uint64_t host, size;
		uint32_t shifts;
	} cases[] = {{0, GUEST + 1, UINT32_MAX & ~0xfffu}, {1, GUEST, UINT32_MAX & ~0xfffu},
		{0, GUEST, 0}, {0, GUEST, 1u << 30}, {0, 0, 1u << 12}, {0, GUEST, 1u << 13}};
	uint64_t before = mem_free_bytes(&m.ram.pool);

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guest_mem part = {mem.ptr, hpa(mem.host.v + cases[i].host), cases[i].size};

		assert_int_equal(
			vfio_bridge_open_bypass(c, &part, ioba(WIN1), cases[i].shifts), -EINVAL);
		assert_true(mem_free_bytes(&m.ram.pool) == before);
		assert_int_equal(peek(WIN1), -EFAULT);
	}
	/* No place but the second window's, and that only while it is free. */
	assert_int_equal(vfio_bridge_open_bypass(c, &mem, ioba(K4), 1u << 12), -EINVAL);
	for (unsigned int op = FAKE_WINDOW_SET; op < FAKE_NUM_OPS; op++) {
		if (op == FAKE_WINDOW_OFF) {
			continue;
		}
		m.phb[0].fail_at = op == FAKE_WINDOW_SET ? 1 : 2;
		assert_int_equal(open_bypass(), -EIO);
		assert_true(mem_free_bytes(&m.ram.pool) == before);
		assert_int_equal(peek(WIN1), -EFAULT);
	}
	assert_int_equal(open_bypass(), 0);
	assert_int_equal(open_bypass(), -ENOSPC);
	vfio_bridge_close_window(&bw, &w);
	assert_int_equal(open_bypass(), -EINVAL);
	assert_int_equal(peek(WIN1), 0);
}

#define TEST(t)	  cmocka_unit_test_setup_teardown(t, setup, teardown)
#define WINDOW(t) cmocka_unit_test_setup_teardown(t, setup_window, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WINDOW(test_one_tce_lives_from_put_to_clear),
		WINDOW(test_many_tces_are_one_call_and_one_kill),
		WINDOW(test_permissions_reach_the_hardware),
		WINDOW(test_bridge_maps_nothing_outside_the_guest),
		WINDOW(test_lookup_tells_no_foreign_address),
		WINDOW(test_failed_kill_is_told),
		TEST(test_larger_pages_are_mapped_whole),
		TEST(test_window_is_made_as_asked_or_not_at_all),
		WINDOW(test_closed_window_has_no_liobn_and_no_table),
		WINDOW(test_bypass_maps_exactly_the_partition),
		WINDOW(test_bypass_takes_the_largest_page_that_fits),
		WINDOW(test_bypass_that_cannot_be_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
