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

#include <pthread.h>
#include <string.h>

#define K4    0x1000ull
#define K64   0x10000ull
#define SIZE  0x400000ull
#define WIN1  (1ull << 59)
#define GUEST 0x400000ull /* bytes of the guest's memory */
#define LIOBN 0x80000600u
#define RW    (TCE_READ | TCE_WRITE)

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static struct guest_mem mem;
static struct tce_window w;
static struct vfio_bridge_window bw;
static struct tce_scratch scratch;
static uint64_t used_at_start;

/* The group comes (again) to the container, whose maps are about this memory. */
static void join(const struct guest_mem *about)
{
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	if (about) {
		assert_int_equal(vfio_register_memory(c, about), 0);
	}
	fake_machine_master(&m, 0, FAKE_DEV0);
}

static void join_again(const struct guest_mem *about)
{
	assert_int_equal(vfio_group_unset_container(g), 0);
	join(about);
}

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
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), 0);
	join(&mem);
	used_at_start = page_pool_used(&m.tables);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static int open_split(unsigned int page_shift, unsigned int host_shift)
{
	return vfio_bridge_open_window(&bw, &w, c, LIOBN, ioba(0), SIZE, page_shift, host_shift);
}

static int open_window(unsigned int page_shift)
{
	return open_split(page_shift, page_shift);
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
	return tce_put(&w, ioba(at), n, &scratch);
}

static int put1(uint64_t at, uint64_t tce)
{
	return tce_put_one(&w, ioba(at), tce);
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

/* One at a time is the same as one of many, also where a node is missing; and a refused one changes
 * nothing. */
static void test_one_tce_is_as_one_of_many(void **state)
{
	unsigned int kills;

	(void)state;
	for (unsigned int split = 0; split < 2; split++) {
		uint64_t page = split ? K64 : K4, at = SIZE - page;

		assert_int_equal(open_split(split ? 16 : 12, 12), 0);
		kills = m.phb[0].count[FAKE_TCE_KILL];
		assert_int_equal(put1(at, 3 * page | RW), 0);
		assert_int_equal(put1(0, 4 * page | TCE_READ), 0);
		assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills + 2);
		assert_true(page_pool_used(&m.tables) == used_at_start + 3 * K4);
		assert_true(get(at) == (3 * page | RW) && get(0) == (4 * page | TCE_READ));
		assert_int_equal(peek(SIZE - 1), (int)(4 * page / K4 - 1));
		assert_int_equal(peek(0), (int)(4 * page / K4));
		assert_int_equal(poke(0, 1), -EFAULT);
		assert_int_equal(put1(0, GUEST | RW), -EINVAL);
		assert_int_equal(put1(0, 4 | RW), -EINVAL);
		assert_int_equal(put1(SIZE, RW), -EINVAL);
		assert_int_equal(put1(0 - page, RW), -EINVAL);
		assert_int_equal(put1(0x800, RW), -EINVAL);
		assert_true(get(0) == (4 * page | TCE_READ));
		/* What gives no access names no page. */
		assert_int_equal(put1(0, ~0ull & ~(uint64_t)RW), 0);
		assert_true(get(0) == 0);
		assert_int_equal(peek(0), -EFAULT);
		assert_int_equal(vfio_bridge_close_window(&bw, &w), 0);
		assert_int_equal(put1(0, RW), -EINVAL);
		assert_true(page_pool_used(&m.tables) == used_at_start);
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

/* DM-13, SEED-001.65, SEED-001.59: what names a page outside the guest's memory, a hole or a BAR of
 * its own, is refused, with all that is beside it, and nothing below hears of it. */
static void test_nothing_outside_the_guest_is_mapped(void **state)
{
	static const uint64_t cases[] = {GUEST | RW, GUEST | TCE_READ, (GUEST + K4) | TCE_WRITE,
		~0xfffull | RW, 1ull << 52 | RW, 1ull << 63 | TCE_READ, (0 - GUEST) | RW,
		(GUEST - K4) | 4 | RW, 0x800 | TCE_READ, 0x200080000000 | RW};
	uint64_t kills = m.phb[0].count[FAKE_TCE_KILL];

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t tces[3] = {0 | RW, cases[i], K4 | RW};

		assert_int_equal(put(0, 3, tces), -EINVAL);
		assert_int_equal(put1(0, cases[i]), -EINVAL);
		assert_true(vfio_spapr_count_live(c) == 0);
		assert_true(page_pool_used(&m.tables) == used_at_start + K4);
	}
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills);
	assert_int_equal(put1(0, (GUEST - K4) | RW), 0);
	assert_int_equal(peek(0), (int)((GUEST / K4 - 1) & 0xff));
}

/* A host address that is not the guest's is not told to it. */
static void test_lookup_tells_no_foreign_address(void **state)
{
	static const uint64_t foreign[] = {GUEST | RW, ~0xfffull | RW};
	uint64_t tce = 77;

	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(0), K4), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(vfio_map(c, ioba(0), &foreign[i], 1, 12), 0);
		assert_int_equal(tce_get(&w, ioba(0), &tce), -EFAULT);
		assert_true(tce == 0 || tce == 77);
	}
}

static void test_failed_kill_is_told(void **state)
{
	uint64_t tce = RW;

	(void)state;
	assert_int_equal(put1(K4, RW), 0);
	m.phb[0].fail_op[FAKE_TCE_KILL] = true;
	assert_int_equal(put1(0, RW), -EIO);
	assert_int_equal(put(0, 1, &tce), -EIO);
	/* The first of its node as well. */
	assert_int_equal(put1(SIZE - K4, RW), -EIO);
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

/* The same page size if the host has it, else the largest that a guest's page is at most 16 of. */
static void test_host_page_is_the_same_or_a_part_of_it(void **state)
{
	static const uint32_t power9 = 1u << 12 | 1u << 16 | 1u << 21 | 1u << 30;
	static const struct {
		uint32_t host;
		unsigned int guest, want;
	} cases[] = {
		{power9, 12, 12},
		{power9, 16, 16},
		{power9, 21, 21},
		{power9, 30, 30},
		{power9, 24, 21},
		{power9, 25, 21},
		{power9, 26, 0},
		{power9, 28, 0},
		{power9, 34, 30},
		{power9, 35, 0},
		{power9, 13, 12},
		{power9, 17, 16},
		{power9, 11, 0},
		{power9, 0, 0},
		{power9, 1, 0},
		{1u << 12, 16, 12},
		{1u << 12, 17, 0},
		{1u << 12 | 1u << 15, 16, 15},
		{0, 12, 0},
		{UINT32_MAX, 34, 31},
		{UINT32_MAX, 35, 31},
		{UINT32_MAX, 36, 0},
		{UINT32_MAX, 3, 3},
		{1u << 0, 3, 0},
		{UINT32_MAX, UINT32_MAX, 0},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int shift = vfio_bridge_host_page(cases[i].host, cases[i].guest);

		if (shift != cases[i].want) {
			fail_msg("case %u: %u", i, shift);
		}
	}
}

/* A guest's page of 64K over the host's of 4K: the device reaches every byte of it and no other,
 * the guest reads back what it wrote, and it is one kill a call. */
static void test_larger_pages_are_split_below(void **state)
{
	uint64_t tces[3] = {3 * K64 | RW, 1 * K64 | TCE_READ, 8 * K64 | TCE_WRITE};
	unsigned int kills;

	(void)state;
	assert_int_equal(open_split(16, 12), 0);
	assert_int_equal(m.phb[0].windows[m.board.groups[0].pe][0].page_shift, 12);
	kills = m.phb[0].count[FAKE_TCE_KILL];
	/* Around the border of two nodes, which is at 32 pages of 64K. */
	assert_int_equal(put(31 * K64, 3, tces), 0);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills + 1);
	assert_true(vfio_spapr_count_live(c) == 48);
	/* The root and two nodes. */
	assert_true(page_pool_used(&m.tables) == used_at_start + 3 * K4);
	for (uint64_t i = 0; i < 16; i++) {
		assert_int_equal(peek(31 * K64 + i * K4 + i), (int)(48 + i));
		assert_int_equal(peek(32 * K64 + i * K4), (int)(16 + i));
		assert_int_equal(poke(32 * K64 + i * K4, 1), -EFAULT);
		assert_int_equal(peek(33 * K64 + i * K4), -EFAULT);
		assert_int_equal(poke(33 * K64 + i * K4, 0x99), 0);
		assert_int_equal(mem.ptr[8 * K64 + i * K4], 0x99);
	}
	assert_int_equal(peek(31 * K64 - 1), -EFAULT);
	assert_int_equal(peek(34 * K64), -EFAULT);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(get((31 + i) * K64) == tces[i]);
	}
	assert_int_equal(put1(31 * K64, GUEST | RW), -EINVAL);
	assert_int_equal(put1(31 * K64 + K4, RW), -EINVAL);
	assert_int_equal(put1(31 * K64, K4 | RW), -EINVAL);
	assert_int_equal(tce_clear(&w, ioba(32 * K64), 1), 0);
	assert_true(vfio_spapr_count_live(c) == 32);
	assert_int_equal(peek(32 * K64), -EFAULT);
	assert_int_equal(peek(32 * K64 - 1), 63);
	assert_true(get(32 * K64) == 0);
	assert_int_equal(tce_clear(&w, ioba(0), SIZE / K64), 0);
	assert_true(vfio_spapr_count_live(c) == 0);
}

static uint64_t skip_pages(uint64_t first, uint64_t n)
{
	/* In brackets, because cmocka has a macro of that name. */
	return (vfio_bridge_tce_ops.skip)(&bw, first, n);
}

/* In the guest's pages, whatever they are below. */
static void test_skip_counts_the_guests_pages(void **state)
{
	uint64_t tce = RW;

	(void)state;
	assert_int_equal(open_split(16, 12), 0);
	assert_true(skip_pages(0, 64) == 64);
	assert_true(skip_pages(5, 1) == 1);
	assert_int_equal(put(40 * K64, 1, &tce), 0);
	assert_true(skip_pages(0, 64) == 32);
	assert_true(skip_pages(31, 33) == 1);
	assert_true(skip_pages(32, 32) == 0);
	assert_true(skip_pages(41, 1) == 0);
}

/* SEED-001.62: a window that the host cannot make as asked is not made. */
static void test_window_is_made_as_asked_or_not_at_all(void **state)
{
	static const struct {
		uint64_t base, size;
		unsigned int shift, host_shift;
	} cases[] = {{WIN1, SIZE, 12, 12}, {K4, SIZE, 12, 12}, {0, 0, 12, 12},
		{0, SIZE + K4, 12, 12}, {0, SIZE, 13, 13}, {0, SIZE, 11, 11}, {0, SIZE, 11, 12},
		{0, SIZE, 12, 16}, {0, SIZE, 17, 12}, {0, SIZE, 64 + 12, 12},
		{0, 1ull << 60, 12, 12}, {0, SIZE, 64 + 12, 64 + 12}, {0, 0x8000, 16, 12}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(vfio_bridge_open_window(&bw, &w, c, LIOBN, ioba(cases[i].base),
					 cases[i].size, cases[i].shift, cases[i].host_shift),
			-EINVAL);
		assert_true(page_pool_used(&m.tables) == used_at_start);
		assert_false(fake_phb_any_window(&m.phb[0]));
		assert_true(w.npages == 0);
	}
}

/* HC-29 through the guest's window: no memory for the nodes of a call is that call's error, and
 * what was there before it stays. */
static void test_no_node_for_a_put_changes_nothing(void **state)
{
	uint64_t tces[2] = {7 * K4 | RW, 8 * K4 | RW};
	uint64_t at = 511 * K4;
	hpa_t page;

	(void)state;
	while (page_pool_left(&m.tables) > K4) {
		assert_int_equal(page_pool_take(&m.tables, 1, &page), 0);
	}
	assert_int_equal(put(at, 2, tces), -ENOMEM);
	assert_true(page_pool_left(&m.tables) == K4);
	assert_true(get(at) == 0 && get(at + K4) == 0);
	assert_int_equal(put1(at, tces[0]), 0);
	assert_int_equal(put(at, 2, tces), -ENOMEM);
	assert_true(page_pool_left(&m.tables) == 0);
	assert_int_equal(peek(at), 7);
	assert_int_equal(peek(at + K4), -EFAULT);
	page_pool_give(&m.tables, page);
	assert_int_equal(put(at, 2, tces), 0);
	assert_int_equal(peek(at + K4), 8);
}

#define FRESH 200u /* nodes that a round uses; as many as the pool has room for */
#define TURNS 20u

static int quiet_kill(struct host_phb *phb, unsigned int pe)
{
	(void)phb;
	(void)pe;
	return 0;
}

static pthread_barrier_t barrier;

/* Puts the entries of all fresh nodes that are this one's, in the same order as the other. */
static int put_mine(uint64_t mine)
{
	int ret = 0;

	(void)pthread_barrier_wait(&barrier);
	for (uint64_t i = 0; i < FRESH; i++) {
		int err = tce_put_one(
			&w, ioba((i * 512 + mine) * K4), ((i * 2 + mine) % 1000) * K4 | RW);

		ret = ret ? ret : err;
	}
	(void)pthread_barrier_wait(&barrier);
	return ret;
}

static void *put_odd(void *arg)
{
	for (unsigned int i = 0; i < TURNS; i++) {
		int err = put_mine(1);

		*(int *)arg = *(int *)arg ? *(int *)arg : err;
		/* The window is closed and opened between these two. */
		(void)pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* HC-27 in its kind: two virtual CPUs that put into the same nodes, none of which is there yet. */
static void test_two_threads_put_into_fresh_nodes(void **state)
{
	struct host_phb_ops ops = fake_phb_ops;
	pthread_t thread;
	int err = 0;

	(void)state;
	/* The model counts, and is for one thread. */
	ops.tce_kill = quiet_kill;
	m.board.phbs[0].ops = &ops;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, put_odd, &err), 0);
	for (unsigned int turn = 0; turn < TURNS; turn++) {
		assert_int_equal(
			vfio_bridge_open_window(&bw, &w, c, LIOBN, ioba(0), 1ull << 30, 12, 12), 0);
		assert_int_equal(put_mine(0), 0);
		for (uint64_t i = 0; i < 2 * FRESH; i++) {
			assert_true(get((i / 2 * 512 + i % 2) * K4) == (i % 1000 * K4 | RW));
		}
		assert_true(page_pool_used(&m.tables) == used_at_start + (1 + FRESH) * K4);
		assert_true(vfio_spapr_count_live(c) == 2 * FRESH);
		assert_int_equal(vfio_bridge_close_window(&bw, &w), 0);
		assert_true(page_pool_used(&m.tables) == used_at_start);
		(void)pthread_barrier_wait(&barrier);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err, 0);
	assert_int_equal(pthread_barrier_destroy(&barrier), 0);
	m.board.phbs[0].ops = &fake_phb_ops;
}

static void test_closed_window_has_no_liobn_and_no_table(void **state)
{
	uint64_t tce;

	(void)state;
	assert_int_equal(put1(0, RW), 0);
	assert_int_equal(peek(0), 0);
	assert_int_equal(vfio_bridge_close_window(&bw, &w), 0);
	assert_true(w.npages == 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(put1(0, RW), -EINVAL);
	assert_int_equal(tce_get(&w, ioba(0), &tce), -EINVAL);
	assert_true(page_pool_used(&m.tables) == used_at_start);
	assert_int_equal(open_window(12), 0);
	assert_true(get(0) == 0);
}

static int open_bypass(void)
{
	return vfio_bridge_open_bypass(c, ioba(WIN1), m.board.phbs[0].page_shifts);
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
	for (unsigned int bit = 22; bit < 64; bit++) {
		assert_int_equal(peek(WIN1 ^ 1ull << bit), -EFAULT);
	}
	assert_int_equal(poke(WIN1 + GUEST - 1, 0x12), 0);
	assert_int_equal(mem.ptr[GUEST - 1], 0x12);
	/* Two pages of 2M, and a node for each window. */
	assert_true(vfio_spapr_count_live(c) == 2);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 2 * K4);
	assert_int_equal(vfio_bridge_close_bypass(c, ioba(WIN1)), 0);
	assert_int_equal(peek(WIN1), -EFAULT);
	assert_int_equal(vfio_bridge_close_bypass(c, ioba(WIN1)), -EINVAL);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == K4);
}

static int byte_of(uint64_t at)
{
	return (int)(at / K4 & 0xff);
}

/* SEED-001.60: the largest page that divides address and size; memory that is no power of two ends
 * where it ends. Nodes are those of the pages that are mapped. */
static void test_bypass_takes_the_largest_page_that_fits(void **state)
{
	static const uint32_t all = 1u << 12 | 1u << 16 | 1u << 21 | 1u << 30;
	static const struct {
		uint64_t skip, size, live;
		uint32_t shifts;
		unsigned int nodes;
	} cases[] = {
		{0, GUEST, 2, all, 1},
		{0, 3 * K64, 3, all, 1},
		{K64, 5 * K64, 5, all, 1},
		{K4, 6 * K4, 6, all, 1},
		{K64, K64 + K4, 17, all, 1},
		{0, GUEST, GUEST / K64, 1u << 12 | 1u << 16, 1},
		{0, GUEST, GUEST / K4, 1u << 12, 3},
		{K4, GUEST - K4, GUEST / K4 - 1, all, 3},
		{K4, 512 * K4, 512, all, 1},
		{K4, 513 * K4, 513, all, 3},
	};
	struct guest_mem part;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t end = cases[i].skip + cases[i].size;

		part = (struct guest_mem){
			mem.ptr + cases[i].skip, hpa(mem.host.v + cases[i].skip), cases[i].size};
		join_again(&part);
		/* Window 0, of a page, so that the bypass gets its place. */
		assert_int_equal(
			vfio_create_window(c, &(struct vfio_window){.page_shift = 12, .size = K4}),
			0);
		assert_int_equal(vfio_bridge_open_bypass(c, ioba(WIN1), cases[i].shifts), 0);
		assert_true(vfio_spapr_count_live(c) == cases[i].live);
		assert_true(vfio_spapr_held_bytes(c, ioba(WIN1)) == cases[i].nodes * K4);
		for (uint64_t at = cases[i].skip; at < end; at += K4) {
			assert_int_equal(peek(WIN1 + at - cases[i].skip), byte_of(at));
		}
		assert_int_equal(peek(WIN1 + cases[i].size - 1), byte_of(end - 1));
		assert_int_equal(peek(WIN1 + cases[i].size), -EFAULT);
	}
}

/* SEED-001.63: a memory that cannot be mapped whole is no bypass at all, and the caller is told. */
static void test_bypass_that_cannot_be_leaves_nothing(void **state)
{
	static const uint32_t shifts[] = {0, 1u << 30, 1u << 13, 1u << 22, 1u << 31, 1u << 1};
	uint64_t before = page_pool_used(&m.tables);
	struct guest_mem part = {mem.ptr + K4, hpa(mem.host.v + K4), GUEST - K4};

	(void)state;
	for (unsigned int i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		assert_int_equal(vfio_bridge_open_bypass(c, ioba(WIN1), shifts[i]), -EINVAL);
		assert_true(page_pool_used(&m.tables) == before);
		assert_int_equal(peek(WIN1), -EFAULT);
	}
	/* No place but the second window's, and that only while it is free. */
	assert_int_equal(vfio_bridge_open_bypass(c, ioba(K4), 1u << 12), -EINVAL);
	assert_true(page_pool_used(&m.tables) == before);
	for (unsigned int n = 1; n <= 2; n++) {
		/* The window, then the flush of what was mapped. */
		m.phb[0].fail_at = n;
		assert_int_equal(open_bypass(), -EIO);
		assert_int_equal(m.phb[0].fail_at, 0);
		assert_true(page_pool_used(&m.tables) == before);
		assert_int_equal(peek(WIN1), -EFAULT);
	}
	assert_int_equal(open_bypass(), 0);
	assert_int_equal(open_bypass(), -ENOSPC);
	assert_int_equal(vfio_bridge_close_window(&bw, &w), 0);
	assert_int_equal(open_bypass(), -EINVAL);
	assert_int_equal(peek(WIN1), 0);
	/* Memory that no page divides, and none at all. */
	join_again(&part);
	assert_int_equal(vfio_bridge_open_bypass(c, ioba(0), 1u << 16), -EINVAL);
	assert_int_equal(vfio_bridge_open_bypass(c, ioba(0), 1u << 12), 0);
	join_again(NULL);
	assert_int_equal(vfio_bridge_open_bypass(c, ioba(0), 1u << 12), -EINVAL);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 0);
}

/* LC-06: whichever node of it there is no memory for. */
static void test_bypass_without_memory_leaves_nothing(void **state)
{
	hpa_t pages[3];
	unsigned int n = 0;
	hpa_t page;

	(void)state;
	while (!page_pool_take(&m.tables, 1, &page)) {
		pages[n++ % 3] = page;
	}
	for (unsigned int left = 0; left < 3; left++) {
		assert_int_equal(vfio_bridge_open_bypass(c, ioba(WIN1), 1u << 12), -ENOMEM);
		assert_true(page_pool_left(&m.tables) == left * K4);
		assert_int_equal(peek(WIN1), -EFAULT);
		page_pool_give(&m.tables, pages[left]);
	}
	assert_int_equal(vfio_bridge_open_bypass(c, ioba(WIN1), 1u << 12), 0);
	assert_true(page_pool_left(&m.tables) == 0);
	assert_int_equal(peek(WIN1 + GUEST - 1), 0xff);
}

#define TEST(t)	  cmocka_unit_test_setup_teardown(t, setup, teardown)
#define WINDOW(t) cmocka_unit_test_setup_teardown(t, setup_window, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WINDOW(test_one_tce_lives_from_put_to_clear),
		WINDOW(test_many_tces_are_one_call_and_one_kill),
		TEST(test_one_tce_is_as_one_of_many),
		WINDOW(test_permissions_reach_the_hardware),
		WINDOW(test_nothing_outside_the_guest_is_mapped),
		WINDOW(test_lookup_tells_no_foreign_address),
		WINDOW(test_failed_kill_is_told),
		TEST(test_larger_pages_are_mapped_whole),
		TEST(test_host_page_is_the_same_or_a_part_of_it),
		TEST(test_larger_pages_are_split_below),
		TEST(test_skip_counts_the_guests_pages),
		TEST(test_window_is_made_as_asked_or_not_at_all),
		WINDOW(test_no_node_for_a_put_changes_nothing),
		TEST(test_two_threads_put_into_fresh_nodes),
		WINDOW(test_closed_window_has_no_liobn_and_no_table),
		WINDOW(test_bypass_maps_exactly_the_partition),
		WINDOW(test_bypass_takes_the_largest_page_that_fits),
		WINDOW(test_bypass_that_cannot_be_leaves_nothing),
		WINDOW(test_bypass_without_memory_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
