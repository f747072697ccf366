// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_spapr.c on the strict PHB model: what a device reaches, what it does not, and that
 * nothing stays behind whatever fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define K4    0x1000ull
#define K64   0x10000ull
#define SIZE  0x400000ull /* of the windows here: 1024 pages of 4K */
#define WIN1  (1ull << 59)
#define R     VFIO_DMA_READ
#define W     VFIO_DMA_WRITE
#define RW    (R | W)
#define NPAGE 8u

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g0;  /* PHB 0, 01:00.0 */
static uint64_t page[NPAGE];   /* 4K pages; the n-th is full of n + 1 */
static uint64_t big;	       /* a 64K page, full of 0x64 */
static uint64_t used_at_start; /* of the table pages, with a container there */
static unsigned int lines;

/* The containers' memory is the arena, so that each page of it has a word. */
static const struct guest_mem arena = {.host = {FAKE_RAM_BASE}, .size = FAKE_MACHINE_RAM};

static void count_line(const char *line, size_t len)
{
	(void)line;
	(void)len;
	lines++;
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {count_line, no_time};

static uint64_t take(uint64_t size, int fill)
{
	hpa_t at;

	assert_int_equal(mem_alloc(&m.ram.pool, size, size, &at), 0);
	memset(mem_ptr(&m.ram.pool, at), fill, size);
	return at.v;
}

/* Free memory is full of what would be valid entries, so that a table not cleared shows. */
static void poison(void)
{
	static const uint8_t tce[8] = {0, 0, 2, 0, 0, 0, 0, 3};

	memcpy(m.ram.mem, tce, sizeof(tce));
	for (uint64_t done = sizeof(tce); done < FAKE_MACHINE_RAM; done *= 2) {
		memcpy(m.ram.mem + done, m.ram.mem, done);
	}
}

static int machine(void **state)
{
	(void)state;
	fake_machine_init(&m);
	poison();
	for (unsigned int i = 0; i < NPAGE; i++) {
		page[i] = take(K4, (int)i + 1);
	}
	big = take(K64, 0x64);
	lines = 0;
	log_set_sink(&sink);
	return 0;
}

static struct vfio_group *open_group(unsigned int id)
{
	struct vfio_group *g;

	assert_int_equal(vfio_open_group(&m.vfio, id, fake_owner, &g), 0);
	return g;
}

/* Group 0 alone in a container with its IOMMU set, all of the arena as its memory, and no window.
 */
static int setup(void **state)
{
	machine(state);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	g0 = open_group(0);
	assert_int_equal(vfio_group_set_container(g0, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(c, &arena), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	used_at_start = page_pool_used(&m.tables);
	return 0;
}

/* Group 0 comes anew to the container, which has this memory, or none. */
static void join_with(const struct guest_mem *mem)
{
	assert_int_equal(vfio_group_unset_container(g0), 0);
	assert_int_equal(vfio_group_set_container(g0, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	if (mem) {
		assert_int_equal(vfio_register_memory(c, mem), 0);
	}
	fake_machine_master(&m, 0, FAKE_DEV0);
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static int create(unsigned int shift, uint64_t size, uint64_t *start)
{
	struct vfio_window w = {.page_shift = shift, .size = size, .start = {1}};
	int err = vfio_create_window(c, &w);

	if (start) {
		*start = w.start.v;
	}
	return err;
}

static int setup_window(void **state)
{
	setup(state);
	assert_int_equal(create(12, SIZE, NULL), 0);
	return 0;
}

/* target is a host address in the arena, the first of n pages in a row. */
static uint64_t word_of(uint64_t target, unsigned int perm)
{
	return perm ? (target - FAKE_RAM_BASE) | perm : 0;
}

static int map_as(
	uint64_t iova, uint64_t target, unsigned int n, unsigned int perm, unsigned int shift)
{
	uint64_t words[VFIO_MAX_BATCH];

	for (unsigned int i = 0; i < n; i++) {
		words[i] = word_of(target + ((uint64_t)i << shift), perm);
	}
	return vfio_map(c, ioba(iova), words, n, shift);
}

/* A page of 4K. */
static int map(uint64_t iova, uint64_t target, unsigned int perm)
{
	return map_as(iova, target, 1, perm, 12);
}

static void map_now_as(
	uint64_t iova, uint64_t target, unsigned int n, unsigned int perm, unsigned int shift)
{
	uint64_t len = (uint64_t)n << shift;

	assert_int_equal(vfio_reserve(c, ioba(iova), len), 0);
	assert_int_equal(map_as(iova, target, n, perm, shift), 0);
	assert_int_equal(vfio_flush(c, ioba(iova), len), 0);
}

static void map_now(uint64_t iova, uint64_t target, unsigned int perm)
{
	map_now_as(iova, target, 1, perm, 12);
}

/* What device bdfn of a PHB reads at iova, or -EFAULT. */
static int peek_by(unsigned int phb, uint16_t bdfn, uint64_t iova)
{
	uint8_t byte = 0;
	int err = fake_machine_dma(&m, phb, bdfn, iova, &byte, 1, false);

	return err ? err : byte;
}

static int peek(uint64_t iova)
{
	return peek_by(0, FAKE_DEV0, iova);
}

static int poke(uint64_t iova, uint8_t byte)
{
	return fake_machine_dma(&m, 0, FAKE_DEV0, iova, &byte, 1, true);
}

static uint8_t byte_at(uint64_t host)
{
	return *(uint8_t *)mem_ptr(&m.ram.pool, hpa(host));
}

static struct host_group *host(unsigned int group)
{
	return &m.board.groups[group];
}

static void expect_baseline(void)
{
	assert_true(page_pool_used(&m.tables) == 0);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_false(fake_phb_any_window(&m.phb[i]));
	}
	for (unsigned int i = 0; i < m.board.ngroups; i++) {
		assert_true(m.board.groups[i].closed);
		assert_null(m.vfio.groups[i].container);
	}
}

/* No device reaches anything, even if it becomes bus master by itself. */
static void expect_no_dma(void)
{
	static const struct {
		unsigned int phb;
		uint16_t bdfn;
	} devices[] = {{0, FAKE_DEV0}, {1, FAKE_DEV0}, {1, FAKE_DEV1}, {1, FAKE_DEV2}};

	for (unsigned int i = 0; i < 4; i++) {
		fake_machine_master(&m, devices[i].phb, devices[i].bdfn);
		for (uint64_t at = 0; at < SIZE; at = at ? 2 * at : K4) {
			assert_int_equal(peek_by(devices[i].phb, devices[i].bdfn, at), -EFAULT);
			assert_int_equal(
				peek_by(devices[i].phb, devices[i].bdfn, WIN1 + at), -EFAULT);
		}
	}
}

static void test_serves_one_model(void **state)
{
	(void)state;
	assert_true(vfio_check_extension(c, VFIO_SPAPR_TCE_v2_IOMMU));
	assert_false(vfio_check_extension(c, VFIO_SPAPR_TCE_IOMMU));
	assert_false(vfio_check_extension(c, VFIO_TYPE1_IOMMU));
}

static void test_container_starts_without_windows(void **state)
{
	(void)state;
	assert_false(fake_phb_any_window(&m.phb[0]));
	assert_int_equal(vfio_reserve(c, ioba(0), K4), -EINVAL);
	assert_int_equal(map(0, page[0], RW), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
	assert_true(vfio_spapr_count_live(c) == 0);
}

/* VF-06, VF-07, SEED-001.62: an empty window costs its root, whatever its size. */
static void test_create_window_checks_what_is_asked(void **state)
{
	static const struct {
		unsigned int shift;
		uint64_t size;
		unsigned int levels;
		int err;
		unsigned int got; /* levels */
	} cases[] = {
		{12, 0, 0, -EINVAL, 0},
		{12, 0x3000, 0, -EINVAL, 0},
		{12, SIZE + 1, 0, -EINVAL, 0},
		{12, 0x800, 0, -EINVAL, 0},
		{16, 0x8000, 0, -EINVAL, 0},
		{13, SIZE, 0, -EINVAL, 0},
		{0, SIZE, 0, -EINVAL, 0},
		{24, SIZE, 0, -EINVAL, 0},
		{31, 1ull << 31, 0, -EINVAL, 0},
		{32, 1ull << 32, 0, -EINVAL, 0},
		{64 + 12, SIZE, 0, -EINVAL, 0},
		{UINT32_MAX, SIZE, 0, -EINVAL, 0},
		{12, SIZE, 1, -EINVAL, 0},
		{12, 1ull << 30, 1, -EINVAL, 0},
		{12, 1ull << 31, 2, -EINVAL, 0},
		{12, SIZE, 6, -EINVAL, 0},
		{12, SIZE, UINT32_MAX, -EINVAL, 0},
		{12, 1ull << 58, 0, -EINVAL, 0},
		{12, 1ull << 59, 0, -EINVAL, 0},
		{12, 1ull << 60, 0, -EINVAL, 0},
		{12, 1ull << 63, 0, -EINVAL, 0},
		{16, 1ull << 60, 0, -EINVAL, 0},
		{12, 0x1000, 0, 0, 1},
		{12, 0x1000, 1, 0, 1},
		{12, 0x1000, 5, 0, 5},
		{12, SIZE / 2, 0, 0, 1},
		{12, SIZE, 0, 0, 2},
		{12, SIZE, 2, 0, 2},
		{12, SIZE, 3, 0, 3},
		{12, 1ull << 30, 0, 0, 2},
		{12, 1ull << 31, 0, 0, 3},
		{12, 1ull << 40, 0, 0, 4},
		{12, 1ull << 57, 0, 0, 5},
		{16, 1ull << 25, 0, 0, 1},
		{16, 1ull << 32, 0, 0, 2},
		{16, 1ull << 59, 0, 0, 5},
		{21, 1ull << 40, 0, 0, 3},
		{21, 1ull << 59, 0, 0, 5},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_window w = {cases[i].shift, cases[i].size, cases[i].levels, ioba(1)};
		unsigned int told = m.phb[0].count[FAKE_WINDOW_SET];
		int err = vfio_create_window(c, &w);

		if (err != cases[i].err) {
			fail_msg("case %u: %d", i, err);
		}
		/* What is refused is so before the PHB hears of it. */
		assert_int_equal(m.phb[0].count[FAKE_WINDOW_SET], told + !err);
		if (!cases[i].err) {
			assert_true(w.start.v == 0);
			assert_int_equal(w.levels, cases[i].got);
			assert_int_equal(m.phb[0].windows[host(0)->pe][0].levels, cases[i].got);
			assert_true(page_pool_used(&m.tables) == used_at_start + K4);
			assert_int_equal(vfio_remove_window(c, w.start), 0);
		}
		assert_true(page_pool_used(&m.tables) == used_at_start);
		assert_false(fake_phb_any_window(&m.phb[0]));
	}
}

/* A window's page must be one of the memory's, too, or its entries would have to name parts. */
static void test_page_is_no_larger_than_the_memory_is_aligned(void **state)
{
	static const struct {
		uint64_t host;
		unsigned int largest;
	} cases[] = {{FAKE_RAM_BASE + K4, 12}, {FAKE_RAM_BASE + K64, 16},
		{FAKE_RAM_BASE + K64 + K4, 12}, {FAKE_RAM_BASE + 0x200000, 21},
		{FAKE_RAM_BASE + 0x100000, 16}, {FAKE_RAM_BASE, 30}};
	static const unsigned int shifts[] = {12, 16, 21, 30};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guest_mem mem = {.host = {cases[i].host}, .size = K64};

		join_with(&mem);
		for (unsigned int k = 0; k < 4; k++) {
			int err = create(shifts[k], 1ull << 30, NULL);

			assert_int_equal(err, shifts[k] > cases[i].largest ? -EINVAL : 0);
			if (!err) {
				assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
			}
		}
	}
	join_with(NULL);
	assert_int_equal(create(12, SIZE, NULL), -EPERM);
}

static void test_windows_are_at_0_and_at_bit_59(void **state)
{
	uint64_t start;

	(void)state;
	assert_int_equal(create(12, SIZE, &start), 0);
	assert_true(start == 0);
	assert_int_equal(create(16, SIZE, &start), 0);
	assert_true(start == WIN1);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 2 * K4);
	assert_int_equal(create(12, SIZE, &start), -ENOSPC);
	assert_int_equal(vfio_remove_window(c, ioba(K4)), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
	assert_int_equal(create(12, SIZE, &start), 0);
	assert_true(start == 0);
	assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 0);
}

/* SEED-001.26: nothing of what the memory held before is mapped. */
static void test_new_window_is_empty(void **state)
{
	(void)state;
	assert_true(vfio_spapr_count_live(c) == 0);
	for (uint64_t at = 0; at < SIZE; at += SIZE / 2) {
		/* With the nodes that it will have when it is used, too. */
		assert_int_equal(vfio_reserve(c, ioba(at), K4), 0);
	}
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 3 * K4);
	for (uint64_t at = 0; at < 2 * SIZE; at += K4) {
		uint64_t word = 1;

		assert_int_equal(peek(at), -EFAULT);
		assert_int_equal(vfio_lookup(c, ioba(at), &word), at < SIZE ? 0 : -EINVAL);
		assert_true(word == (at < SIZE ? 0 : 1));
	}
}

/* A window smaller than the smallest table: the rest of the table stays empty. */
static void test_small_window_ends_where_it_says(void **state)
{
	(void)state;
	assert_int_equal(create(12, 2 * K4, NULL), 0);
	map_now(0, page[0], RW);
	map_now(K4, page[1], RW);
	assert_int_equal(vfio_reserve(c, ioba(2 * K4), K4), -EINVAL);
	assert_int_equal(map(2 * K4, page[1], RW), -EINVAL);
	assert_int_equal(map_as(0, big, 3, RW, 12), -EINVAL);
	assert_int_equal(peek(K4), 2);
	for (uint64_t at = 2 * K4; at < 1024 * K4; at += K4) {
		assert_int_equal(peek(at), -EFAULT);
	}
}

/* Decision 5: the entry is what hardware reads, big-endian, host-real address and permission; and
 * so is the one above it, with both permissions and its node. */
static void test_entry_is_what_hardware_expects(void **state)
{
	const struct fake_window *w = &m.phb[0].windows[host(0)->pe][0];
	const uint8_t *root, *node;
	uint64_t upper = 0;

	(void)state;
	map_now((512 + 5) * K4, page[3], W);
	root = mem_ptr(&m.ram.pool, w->table);
	for (unsigned int i = 0; i < 8; i++) {
		upper = upper << 8 | root[8 + i];
		assert_int_equal(root[i], 0);
	}
	assert_true((upper & 0xfff) == 3);
	node = mem_ptr(&m.ram.pool, hpa(upper & ~0xfffull));
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(node[5 * 8 + i], (page[3] | 2) >> (56 - 8 * i) & 0xff);
	}
	/* Without access it is 0, and names no page. */
	map_now((512 + 5) * K4, page[3], 0);
	for (unsigned int i = 0; i < K4; i++) {
		assert_int_equal(node[i], 0);
	}
	assert_true(w->bytes == K4);
	assert_int_equal(w->page_shift, 12);
	assert_int_equal(w->levels, 2);
}

static void test_mapped_pages_move_bytes_both_ways(void **state)
{
	const uint64_t words[6] = {word_of(page[1], RW), 0, 0, word_of(big + K4, RW),
		word_of(big + 2 * K4, RW), word_of(big + 3 * K4, RW)};

	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(0x10000), 6 * K4), 0);
	assert_int_equal(vfio_map(c, ioba(0x10000), words, 6, 12), 0);
	assert_int_equal(vfio_flush(c, ioba(0x10000), 6 * K4), 0);
	assert_true(vfio_spapr_count_live(c) == 4);
	assert_int_equal(peek(0x10000), 2);
	assert_int_equal(peek(0x10fff), 2);
	assert_int_equal(peek(0x11000), -EFAULT);
	assert_int_equal(peek(0x12000), -EFAULT);
	assert_int_equal(peek(0x13000), 0x64);
	assert_int_equal(poke(0x15fff, 0x77), 0);
	assert_int_equal(byte_at(big + 4 * K4 - 1), 0x77);
	assert_int_equal(peek(0x16000), -EFAULT);
	assert_int_equal(peek(0xf000), -EFAULT);
}

/* SEED-001.70, DM-02: a write-only page is not readable, a read-only one not writable. */
static void test_permissions_are_apart(void **state)
{
	(void)state;
	for (unsigned int perm = 0; perm < 4; perm++) {
		uint64_t at = perm * K4;

		map_now(at, page[perm], perm);
		assert_int_equal(peek(at), perm & R ? (int)perm + 1 : -EFAULT);
		assert_int_equal(poke(at, 0x99), perm & W ? 0 : -EFAULT);
		assert_int_equal(byte_at(page[perm]), perm & W ? 0x99 : perm + 1);
	}
	assert_true(vfio_spapr_count_live(c) == 3);
}

/* Decision 6: what the device uses changes when flush returns, and flush does it. */
static void test_flush_makes_map_and_unmap_seen(void **state)
{
	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(K4), K4), 0);
	assert_int_equal(peek(K4), -EFAULT);
	assert_int_equal(map(K4, page[0], RW), 0);
	/* The PHB remembers that there was nothing. */
	assert_int_equal(peek(K4), -EFAULT);
	assert_int_equal(vfio_flush(c, ioba(K4), K4), 0);
	assert_int_equal(peek(K4), 1);
	assert_int_equal(map(K4, page[1], RW), 0);
	assert_int_equal(peek(K4), 1);
	assert_int_equal(vfio_flush(c, ioba(K4), K4), 0);
	assert_int_equal(peek(K4), 2);
	assert_int_equal(vfio_unmap(c, ioba(K4), K4), 0);
	assert_int_equal(peek(K4), 2);
	assert_int_equal(vfio_flush(c, ioba(K4), K4), 0);
	assert_int_equal(peek(K4), -EFAULT);
}

/* The test above is worth something only if the model really needs the kill. */
static void test_without_kills_the_old_page_is_still_reached(void **state)
{
	(void)state;
	map_now(K4, page[0], RW);
	assert_int_equal(peek(K4), 1);
	m.phb[0].deaf_to_kills = true;
	map_now(K4, page[1], RW);
	assert_int_equal(peek(K4), 1);
}

/* One invalidation a call and PE, however many pages and nodes. */
static void test_flush_is_one_kill_of_the_pe(void **state)
{
	unsigned int at, others = m.phb[1].calls;
	const struct fake_call *call;

	(void)state;
	map_now(0, page[0], RW);
	assert_int_equal(peek(0), 1);
	at = m.phb[0].nlog;
	call = &m.phb[0].log[at];
	map_now_as(504 * K4, big, 16, RW, 12);
	assert_int_equal(m.phb[0].nlog, at + 1);
	assert_int_equal(call->op, FAKE_TCE_KILL);
	assert_true(call->arg[0] == host(0)->pe);
	assert_int_equal(m.phb[1].calls, others);
}

static uint64_t look(uint64_t iova)
{
	uint64_t word = 1;

	assert_int_equal(vfio_lookup(c, ioba(iova), &word), 0);
	return word;
}

static void test_lookup_tells_what_map_said(void **state)
{
	uint64_t word = 1;

	(void)state;
	assert_true(look(4 * K4) == 0);
	map_now(4 * K4, page[2], R);
	assert_true(look(4 * K4) == word_of(page[2], R));
	map_now(4 * K4, page[2], W);
	assert_true(look(4 * K4) == word_of(page[2], W));
	assert_int_equal(vfio_lookup(c, ioba(4 * K4 + 8), &word), -EINVAL);
	assert_int_equal(vfio_lookup(c, ioba(SIZE), &word), -EINVAL);
	assert_int_equal(vfio_lookup(c, ioba(WIN1), &word), -EINVAL);
	assert_true(word == 1);
	assert_int_equal(vfio_unmap(c, ioba(4 * K4), K4), 0);
	assert_true(look(4 * K4) == 0);
}

/* DM-13: what is in the table and not in the container's memory is nobody's to know. */
static void test_lookup_of_foreign_memory_is_an_error(void **state)
{
	struct guest_mem mine = {.host = {big}, .size = 4 * K4};
	/* The page before, the page after, and what only seems to be inside. */
	static const uint64_t foreign[] = {0 - K4, 4 * K4, 0 - K64, 1ull << 44};
	uint64_t word;

	(void)state;
	join_with(&mine);
	assert_int_equal(create(12, SIZE, NULL), 0);
	assert_int_equal(vfio_reserve(c, ioba(0), K4), 0);
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		word = foreign[i] | RW;
		assert_int_equal(vfio_map(c, ioba(0), &word, 1, 12), 0);
		assert_int_equal(vfio_lookup(c, ioba(0), &word), -EFAULT);
	}
	for (uint64_t at = 0; at < 4 * K4; at += K4) {
		word = at | R;
		assert_int_equal(vfio_map(c, ioba(0), &word, 1, 12), 0);
		assert_true(look(0) == (at | R));
	}
}

/* DM-01, DM-05: bounds do not wrap, and no address bit is ignored. */
static void test_addresses_outside_the_window_reach_nothing(void **state)
{
	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(0), SIZE), 0);
	for (uint64_t at = 0; at < SIZE; at += K4) {
		assert_int_equal(map(at, page[0], RW), 0);
	}
	assert_int_equal(vfio_flush(c, ioba(0), SIZE), 0);
	assert_int_equal(peek(SIZE - 1), 1);
	for (unsigned int bit = 22; bit < 64; bit++) {
		assert_int_equal(peek(1ull << bit), -EFAULT);
		assert_int_equal(map(1ull << bit, page[0], RW), -EINVAL);
	}
	assert_int_equal(peek(UINT64_MAX), -EFAULT);
}

/* SEED-001.65, SEED-001.67, SEED-001.72: refused, and nothing changed. What a word says is checked
 * by who makes it (core/tce.c). */
static void test_bad_ranges_change_nothing(void **state)
{
	static const struct {
		uint64_t iova;
		unsigned int n;
		unsigned int shift;
		int err;
	} cases[] = {
		{0x800, 1, 12, -EINVAL},
		{1, 1, 12, -EINVAL},
		{0, 0, 12, -EINVAL},
		{0, VFIO_MAX_BATCH + 1, 12, -EINVAL},
		{0, UINT32_MAX, 12, -EINVAL},
		{0, 1, 11, -EINVAL},
		{0, 2, 11, -EINVAL},
		{0, 1, 0, -EINVAL},
		{0, 1, 24, -EINVAL},
		{SIZE, 1, 12, -EINVAL},
		{SIZE - K4, 2, 12, -EINVAL},
		{SIZE - K4, 1, 13, -EINVAL},
		{SIZE - 256 * K4, 512, 12, -EINVAL},
		{WIN1, 1, 12, -EINVAL},
		{WIN1 - K4, 2, 12, -EINVAL},
		{WIN1 + SIZE - K4, 1, 12, -EINVAL},
		{0 - K4, 1, 12, -EINVAL},
		{0 - K4, 2, 12, -EINVAL},
		/* One of its nodes is not there. */
		{511 * K4, 2, 12, -EAGAIN},
		{513 * K4, 1, 12, -EAGAIN},
		{0x1f0000, 2, 16, -EAGAIN},
		/* Larger pages of the guest lie on their own borders. */
		{K4, 1, 13, -EINVAL},
		{K64 + K4, 1, 16, -EINVAL},
		{0x8000, 2, 16, -EINVAL},
	};
	uint64_t words[VFIO_MAX_BATCH + 1];

	(void)state;
	map_now(0, page[0], RW);
	map_now(511 * K4, page[1], R);
	for (unsigned int i = 0; i <= VFIO_MAX_BATCH; i++) {
		words[i] = word_of(big, RW);
	}
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = vfio_map(c, ioba(cases[i].iova), words, cases[i].n, cases[i].shift);

		if (err != cases[i].err) {
			fail_msg("case %u: %d", i, err);
		}
		assert_int_equal(vfio_flush(c, ioba(0), SIZE), 0);
		assert_true(vfio_spapr_count_live(c) == 2);
		assert_true(vfio_spapr_table_bytes(&m.vfio) == 2 * K4);
		assert_int_equal(peek(0), 1);
		assert_int_equal(peek(511 * K4), 2);
	}
	for (unsigned int i = 0; i < 4; i++) {
		static const uint64_t bad[4][2] = {
			{0x800, K4}, {0, 0x800}, {SIZE - K4, 2 * K4}, {WIN1 - K4, 2 * K4}};
		ioba_t at = ioba(bad[i][0]);

		assert_int_equal(vfio_unmap(c, at, bad[i][1]), -EINVAL);
		assert_int_equal(vfio_reserve(c, at, bad[i][1]), -EINVAL);
		assert_int_equal(vfio_flush(c, at, bad[i][1]), -EINVAL);
		assert_true(vfio_skip(c, at, bad[i][1]) == 0);
	}
	assert_true(vfio_spapr_count_live(c) == 2);
}

static void test_second_window_is_another_table(void **state)
{
	(void)state;
	assert_int_equal(create(16, 0x10000000, NULL), 0);
	map_now(0, page[0], RW);
	map_now_as(WIN1 + K64, big, 1, RW, 16);
	assert_int_equal(peek(0), 1);
	assert_int_equal(peek(WIN1), -EFAULT);
	assert_int_equal(peek(K64), -EFAULT);
	assert_int_equal(peek(WIN1 + K64), 0x64);
	assert_int_equal(peek(WIN1 + 2 * K64 - 1), 0x64);
	assert_int_equal(map_as(WIN1 + K4, big, 1, RW, 16), -EINVAL);
	assert_int_equal(map(WIN1, big, RW), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(peek(WIN1 + K64), 0x64);
	assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	assert_int_equal(peek(WIN1 + K64), -EFAULT);
}

static void test_removed_window_leaves_nothing(void **state)
{
	(void)state;
	map_now(0, page[0], RW);
	assert_int_equal(peek(0), 1);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(create(12, SIZE, NULL), 0);
	assert_int_equal(peek(0), -EFAULT);
	assert_true(vfio_spapr_count_live(c) == 0);
}

/* SEED-000.21: one container, two groups of two PHBs: one map call, both devices. */
static void test_groups_of_one_container_share_its_maps(void **state)
{
	struct vfio_group *g1 = open_group(1);
	unsigned int kills;

	(void)state;
	map_now(0, page[0], RW);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	fake_machine_master(&m, 1, FAKE_DEV1);
	/* It joins what is mapped already (SEED-001.61). */
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), 1);
	assert_int_equal(peek_by(1, FAKE_DEV1, 0), 1);
	kills = m.phb[0].count[FAKE_TCE_KILL] + m.phb[1].count[FAKE_TCE_KILL];
	map_now(0, page[1], RW);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL] + m.phb[1].count[FAKE_TCE_KILL], kills + 2);
	assert_int_equal(peek(0), 2);
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), 2);
	assert_int_equal(create(16, SIZE, NULL), 0);
	map_now_as(WIN1, big, 1, RW, 16);
	assert_int_equal(peek(WIN1), 0x64);
	assert_int_equal(peek_by(1, FAKE_DEV1, WIN1), 0x64);
	/* It leaves, and only it sees nothing any more. */
	assert_int_equal(vfio_close_group(g1), 0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), -EFAULT);
	assert_int_equal(peek_by(1, FAKE_DEV0, WIN1), -EFAULT);
	assert_int_equal(peek(0), 2);
	assert_int_equal(peek(WIN1), 0x64);
}

/* DM-13: a device of another group, in another container or in none. */
static void test_other_groups_see_nothing(void **state)
{
	struct vfio_container *mine = c, *other;
	struct vfio_group *g1 = open_group(1);

	(void)state;
	map_now(0, page[0], RW);
	fake_machine_master(&m, 1, FAKE_DEV0);
	fake_machine_master(&m, 1, FAKE_DEV2);
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), -EFAULT);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &other), 0);
	assert_int_equal(vfio_group_set_container(g1, other), 0);
	assert_int_equal(vfio_set_iommu(other, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(other, &arena), 0);
	c = other;
	assert_int_equal(create(12, SIZE, NULL), 0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), -EFAULT);
	map_now(0, page[1], RW);
	assert_int_equal(peek_by(1, FAKE_DEV0, 0), 2);
	/* The PE next door on the same PHB. */
	assert_int_equal(peek_by(1, FAKE_DEV2, 0), -EFAULT);
	assert_int_equal(peek(0), 1);
	c = mine;
	assert_true(vfio_spapr_count_live(c) == 1);
}

/* VF-08 */
static void test_page_sizes_are_what_all_phbs_have(void **state)
{
	struct vfio_group *g1 = open_group(1);
	unsigned int told;

	(void)state;
	m.board.phbs[1].page_shifts = 1u << 12 | 1u << 24;
	assert_int_equal(create(16, SIZE, NULL), 0);
	assert_int_equal(vfio_group_set_container(g1, c), -EINVAL);
	assert_null(g1->container);
	assert_true(host(1)->closed);
	assert_false(fake_phb_any_window(&m.phb[1]));
	assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	told = m.phb[0].count[FAKE_WINDOW_SET] + m.phb[1].count[FAKE_WINDOW_SET];
	assert_int_equal(create(16, SIZE, NULL), -EINVAL);
	assert_int_equal(create(24, 1ull << 28, NULL), -EINVAL);
	/* Whatever a PHB says it has, nothing is smaller than a page of the table's words. */
	m.board.phbs[0].page_shifts |= 1u << 11;
	m.board.phbs[1].page_shifts |= 1u << 11;
	assert_int_equal(create(11, SIZE, NULL), -EINVAL);
	assert_int_equal(m.phb[0].count[FAKE_WINDOW_SET] + m.phb[1].count[FAKE_WINDOW_SET], told);
	assert_int_equal(create(12, SIZE, NULL), 0);
}

static void test_group_in_use_is_not_closed(void **state)
{
	(void)state;
	assert_false(host(0)->closed);
	assert_true(host(1)->closed);
	assert_int_equal(vfio_close_group(g0), 0);
	assert_true(host(0)->closed);
}

/* LC-06 */
static void test_no_memory_is_an_error_and_no_more(void **state)
{
	struct vfio_container *other;
	struct vfio_group *g1 = open_group(1);
	hpa_t at;

	(void)state;
	while (!page_pool_take(&m.tables, 1, &at)) {
	}
	assert_int_equal(create(12, SIZE, NULL), -ENOMEM);
	assert_false(fake_phb_any_window(&m.phb[0]));
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &other), 0);
	assert_int_equal(vfio_group_set_container(g1, other), 0);
	assert_int_equal(vfio_set_iommu(other, VFIO_SPAPR_TCE_v2_IOMMU), -ENOMEM);
	assert_null(other->driver);
	assert_true(host(1)->closed);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 0);
	page_pool_give(&m.tables, at);
	assert_int_equal(create(12, SIZE, NULL), 0);
	assert_int_equal(vfio_reserve(c, ioba(0), K4), -ENOMEM);
	assert_int_equal(map(0, page[0], RW), -EAGAIN);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == K4);
}

/* VF-06 and LC-03, many times over. */
static void test_windows_come_and_go_without_loss(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(create(12, 1ull << 40, NULL), 0);
		assert_int_equal(create(16, SIZE, NULL), 0);
		assert_int_equal(create(12, SIZE, NULL), -ENOSPC);
		assert_int_equal(vfio_reserve(c, ioba((uint64_t)i << 27), 2 * SIZE), 0);
		assert_int_equal(map((uint64_t)i << 27, page[0], RW), 0);
		assert_true(page_pool_used(&m.tables) == used_at_start + (1 + 2 + 4 + 1) * K4);
		assert_int_equal(vfio_remove_window(c, ioba(i & 1 ? 0 : WIN1)), 0);
		assert_int_equal(vfio_remove_window(c, ioba(i & 1 ? WIN1 : 0)), 0);
		assert_true(page_pool_used(&m.tables) == used_at_start);
	}
}

/* VF-06: ten thousand windows that cannot be cost nothing, and take no place. */
static void test_windows_that_cannot_be_cost_nothing(void **state)
{
	static const struct vfio_window bad[] = {{.page_shift = 12, .size = SIZE, .levels = 6},
		{.page_shift = 12, .size = 0}, {.page_shift = 12, .size = SIZE + K4},
		{.page_shift = 13, .size = SIZE}, {.page_shift = 12, .size = SIZE, .levels = 5}};
	unsigned int calls = fake_machine_calls(&m);
	static hpa_t pages[FAKE_MACHINE_TABLES / K4];
	unsigned int n = 0;

	(void)state;
	/* The last could be, if there were memory for five nodes. */
	while (page_pool_left(&m.tables) > 4 * K4) {
		assert_int_equal(page_pool_take(&m.tables, 1, &pages[n++]), 0);
	}
	for (unsigned int i = 0; i < 10000; i++) {
		struct vfio_window w = bad[i % 5];
		int err = vfio_create_window(c, &w);

		if (!err) {
			/* Only its root is taken at first. */
			assert_int_equal(i % 5, 4);
			assert_int_equal(vfio_reserve(c, w.start, K4), -ENOMEM);
			assert_int_equal(vfio_remove_window(c, w.start), 0);
		} else {
			assert_int_equal(err, -EINVAL);
		}
		assert_true(page_pool_left(&m.tables) == 4 * K4);
	}
	assert_false(fake_phb_any_window(&m.phb[0]));
	assert_true(fake_machine_calls(&m) > calls);
	while (n) {
		page_pool_give(&m.tables, pages[--n]);
	}
	assert_int_equal(create(12, SIZE, NULL), 0);
}

static void test_failed_flush_is_told_and_does_not_flood(void **state)
{
	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(0), K4), 0);
	assert_int_equal(map(0, page[0], RW), 0);
	m.phb[0].fail_op[FAKE_TCE_KILL] = true;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(vfio_flush(c, ioba(0), K4), -EIO);
	}
	assert_true(lines > 0 && lines <= LOG_BURST + 1);
}

/* A table that a PE may have heard of is not freed before the PE has been told otherwise. */
static void test_window_that_cannot_be_made_is_seen_by_nobody(void **state)
{
	(void)state;
	assert_int_equal(vfio_group_set_container(open_group(1), c), 0);
	for (unsigned int n = 0; n < 4; n++) {
		m.phb[n & 1].fail_at = 1;
		m.phb[n & 1].fail_late = n & 2;
		assert_int_equal(create(12, SIZE, NULL), -EIO);
		assert_false(fake_phb_any_window(&m.phb[0]));
		assert_false(fake_phb_any_window(&m.phb[1]));
		assert_true(page_pool_used(&m.tables) == used_at_start);
	}
	assert_int_equal(create(12, SIZE, NULL), 0);
}

/* The window is gone for its user; the table is not given to others before the PE confirmed. */
static void test_window_whose_end_is_not_confirmed_keeps_its_table(void **state)
{
	static const enum fake_op ops[] = {FAKE_WINDOW_OFF, FAKE_TCE_KILL};
	uint64_t start;

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t bytes;

		if (i) {
			teardown(state);
			setup_window(state);
		}
		map_now(0, page[0], RW);
		assert_int_equal(peek(0), 1);
		bytes = page_pool_used(&m.tables);
		m.phb[0].fail_op[ops[i]] = true;
		assert_int_equal(vfio_remove_window(c, ioba(0)), -EIO);
		assert_int_equal(peek(0), -EFAULT);
		assert_int_equal(map(0, page[0], RW), -EINVAL);
		assert_true(page_pool_used(&m.tables) == bytes);
		assert_true(vfio_spapr_table_bytes(&m.vfio) == 2 * K4);
		assert_true(vfio_spapr_held_bytes(c, ioba(0)) == 2 * K4);
		assert_true(vfio_spapr_held_bytes(c, ioba(WIN1)) == 0);
		/* Its place is not used again. */
		fake_machine_heal(&m);
		assert_int_equal(create(12, SIZE, &start), 0);
		assert_true(start == WIN1);
		assert_int_equal(vfio_close_group(g0), 0);
		vfio_put_container(c);
		expect_baseline();
	}
}

/* A PE that cannot be closed takes the tables with it, empty, and is never assigned again. */
static void test_pe_that_cannot_be_closed_keeps_the_tables(void **state)
{
	struct vfio_group *g;

	(void)state;
	map_now(0, page[0], RW);
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(vfio_close_group(g0), 0);
	vfio_put_container(c);
	fake_machine_heal(&m);
	assert_false(host(0)->closed);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), -EPERM);
	assert_true(page_pool_used(&m.tables) == 2 * K4);
	expect_no_dma();
}

/* As above, while another group goes on using the container: its tables stay out of the pool even
 * when their windows go. */
static void test_tables_seen_by_a_lost_pe_are_never_freed(void **state)
{
	struct vfio_group *g1 = open_group(1);

	(void)state;
	map_now(0, page[0], RW);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(vfio_close_group(g0), 0);
	fake_machine_heal(&m);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == 2 * K4);
	assert_int_equal(vfio_close_group(g1), 0);
	vfio_put_container(c);
	assert_true(page_pool_used(&m.tables) == 2 * K4);
	assert_true(host(1)->closed);
	expect_no_dma();
}

/* One group that does not confirm is no reason to leave the others open, and is not forgotten when
 * they do confirm. */
static void test_every_group_is_told_of_the_end_of_a_window(void **state)
{
	for (unsigned int bad = 0; bad < 2; bad++) {
		struct vfio_group *g1;

		if (bad) {
			teardown(state);
			setup_window(state);
		}
		g1 = open_group(1);
		assert_int_equal(vfio_group_set_container(g1, c), 0);
		map_now(0, page[0], RW);
		m.phb[bad].fail_op[FAKE_WINDOW_OFF] = true;
		assert_int_equal(vfio_remove_window(c, ioba(0)), -EIO);
		assert_false(fake_phb_any_window(&m.phb[!bad]));
		assert_true(vfio_spapr_held_bytes(c, ioba(0)) == 2 * K4);
		fake_machine_heal(&m);
		assert_int_equal(vfio_close_group(g1), 0);
		assert_int_equal(vfio_close_group(g0), 0);
		vfio_put_container(c);
		expect_baseline();
	}
}

/* Whichever of its windows it is: a group that was not told of one does not join, and keeps none.
 */
static void test_group_that_cannot_be_told_does_not_join(void **state)
{
	struct vfio_group *g1 = open_group(1);

	(void)state;
	for (unsigned int n = 1; n <= HOST_PHB_MAX_WINDOWS; n++) {
		m.phb[1].fail_at = n;
		assert_int_equal(vfio_group_set_container(g1, c), -EIO);
		assert_false(fake_phb_any_window(&m.phb[1]));
		assert_true(host(1)->closed);
	}
	assert_int_equal(vfio_group_set_container(g1, c), 0);
}

/* One that neither joined nor could be closed may have seen the tables. */
static void test_tables_seen_by_a_group_that_did_not_join_are_never_freed(void **state)
{
	(void)state;
	m.phb[1].fail_op[FAKE_WINDOW_SET] = true;
	m.phb[1].fail_op[FAKE_WINDOW_OFF] = true;
	m.phb[1].fail_late = true;
	assert_int_equal(vfio_group_set_container(open_group(1), c), -EIO);
	fake_machine_heal(&m);
	assert_false(host(1)->closed);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(vfio_spapr_held_bytes(c, ioba(0)) == K4);
}

/* Each group in its turn does not do it: it is an error, and the other one has done it. */
static void test_every_group_is_invalidated_whichever_fails(void **state)
{
	(void)state;
	assert_int_equal(vfio_group_set_container(open_group(1), c), 0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	for (unsigned int bad = 0; bad < 2; bad++) {
		map_now(0, page[0], RW);
		assert_int_equal(peek(0), 1);
		assert_int_equal(peek_by(1, FAKE_DEV0, 0), 1);
		m.phb[bad].fail_op[FAKE_TCE_KILL] = true;
		assert_int_equal(vfio_unmap(c, ioba(0), K4), 0);
		assert_int_equal(vfio_flush(c, ioba(0), K4), -EIO);
		assert_int_equal(peek_by(!bad, FAKE_DEV0, 0), -EFAULT);
		fake_machine_heal(&m);
		fake_machine_master(&m, 0, FAKE_DEV0);
		fake_machine_master(&m, 1, FAKE_DEV0);
		assert_int_equal(vfio_flush(c, ioba(0), K4), 0);
	}
}

/* Invalidations are for who is there: the first one to come may be the first to leave. */
static void test_group_that_left_is_not_invalidated(void **state)
{
	unsigned int before[2];

	(void)state;
	assert_int_equal(vfio_group_set_container(open_group(1), c), 0);
	assert_int_equal(vfio_close_group(g0), 0);
	before[0] = m.phb[0].count[FAKE_TCE_KILL];
	before[1] = m.phb[1].count[FAKE_TCE_KILL];
	map_now(0, page[0], RW);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], before[0]);
	assert_int_equal(m.phb[1].count[FAKE_TCE_KILL], before[1] + 1);
}

/* The window as one entry is put: stored where the memory is, and seen by the device at once. */
static void test_window_can_be_had_for_itself(void **state)
{
	const struct tce_backend_ops *ops = NULL;
	void *backend = NULL;

	(void)state;
	assert_int_equal(vfio_window_backend(c, ioba(K4), &ops, &backend), -EINVAL);
	assert_int_equal(vfio_window_backend(c, ioba(WIN1), &ops, &backend), -EINVAL);
	assert_null(ops);
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), 0);
	/* The first has no node yet. */
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(ops->put(backend, 5, word_of(page[i], RW)), 0);
		assert_int_equal(peek(5 * K4), (int)i + 1);
	}
	assert_int_equal(ops->put(backend, 5, 0), 0);
	assert_int_equal(peek(5 * K4), -EFAULT);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), -EINVAL);
}

/* Who looks and finds no window holds up nobody who removes one. Both windows' entries count. */
static void test_looking_holds_up_nobody(void **state)
{
	uint64_t budget = UINT64_MAX;
	struct vfio_spapr_view view;

	(void)state;
	for (unsigned int win = HOST_PHB_MAX_WINDOWS; win < 5; win++) {
		assert_false(vfio_spapr_view(c, win, &view));
		assert_true(vfio_spapr_walk(c, win, 0, &budget, NULL, NULL) == 0);
	}
	assert_false(vfio_spapr_view(c, 1, &view));
	assert_true(vfio_spapr_count_live(c) == 0);
	assert_int_equal(create(12, SIZE, NULL), 0);
	map_now(WIN1, page[0], RW);
	map_now(0, page[0], R);
	assert_true(vfio_spapr_count_live(c) == 2);
	assert_true(vfio_spapr_view(c, 1, &view));
	assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(vfio_spapr_count_live(c) == 0);
}

static struct vfio_device *device;

static int close_device(void)
{
	vfio_put_device(device);
	return 0;
}

static int close_group(void)
{
	return vfio_close_group(g0);
}

static int close_container(void)
{
	vfio_put_container(c);
	return 0;
}

static int close_window(void)
{
	/* Gone already, with the group that gave the right to it. */
	return g0->container ? vfio_remove_window(c, ioba(0)) : 0;
}

/* VF-16, SEED-004.16: every order in which device, group, container and window can be closed. */
static void test_every_close_order_leaves_nothing(void **state)
{
	static int (*const closers[4])(void) = {
		close_device, close_group, close_container, close_window};
	unsigned int orders = 0;

	(void)state;
	for (unsigned int order = 0; order < 256; order++) {
		unsigned int seq[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3};
		bool group_open = false;

		if ((1u << seq[0] | 1u << seq[1] | 1u << seq[2] | 1u << seq[3]) != 15) {
			continue;
		}
		orders++;
		setup_window(state);
		assert_int_equal(create(16, SIZE, NULL), 0);
		map_now(0, page[0], RW);
		map_now_as(WIN1, big, 1, RW, 16);
		assert_int_equal(vfio_group_get_device(g0, 1, &device), 0);
		assert_int_equal(peek(0), 1);
		assert_int_equal(peek(WIN1), 0x64);
		for (unsigned int i = 0; i < 4; i++) {
			int err = closers[seq[i]]();

			assert_true(err == 0 || (err == -EBUSY && seq[i] == 1));
			group_open = group_open || err;
		}
		if (group_open) {
			assert_int_equal(vfio_close_group(g0), 0);
		}
		expect_baseline();
		expect_no_dma();
		teardown(state);
	}
	assert_int_equal(orders, 24);
}

/* From nothing to DMA and back, giving up at the first error but closing what is open. */
static void live_and_die(void)
{
	struct vfio_window w0 = {.page_shift = 12, .size = SIZE};
	struct vfio_window w1 = {.page_shift = 16, .size = SIZE};
	struct vfio_group *g[2] = {NULL, NULL};

	if (vfio_open_container(&m.vfio, &m.tables, &c)) {
		return;
	}
	bool ok = !vfio_open_group(&m.vfio, 0, fake_owner, &g[0]) &&
		  !vfio_group_set_container(g[0], c) &&
		  !vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU) && !vfio_register_memory(c, &arena) &&
		  !vfio_create_window(c, &w0) && !vfio_open_group(&m.vfio, 1, fake_owner, &g[1]) &&
		  !vfio_group_set_container(g[1], c) && !vfio_create_window(c, &w1) &&
		  !vfio_reserve(c, w0.start, K4) && !map(w0.start.v, page[0], RW) &&
		  !vfio_flush(c, w0.start, K4);

	ok = ok && !vfio_reserve(c, w1.start, K64) && !map_as(w1.start.v, big, 1, RW, 16) &&
	     !vfio_flush(c, w1.start, K64);
	fake_machine_master(&m, 0, FAKE_DEV0);
	fake_machine_master(&m, 1, FAKE_DEV1);
	if (ok) {
		assert_int_equal(peek(w0.start.v), 1);
		assert_int_equal(peek_by(1, FAKE_DEV1, w1.start.v), 0x64);
		ok = !vfio_remove_window(c, w1.start);
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (g[i]) {
			assert_int_equal(vfio_close_group(g[i]), 0);
		}
	}
	vfio_put_container(c);
}

/* SEED-000.16, SEED-000.20, LC-06: whatever single call to the hardware fails, with or without
 * effect, it ends with everything as before, or with the PE shut for ever. */
static void test_any_failing_call_ends_closed(void **state)
{
	unsigned int ncalls, nshut = 0;

	machine(state);
	ncalls = fake_machine_calls(&m);
	live_and_die();
	ncalls = fake_machine_calls(&m) - ncalls;
	expect_baseline();
	teardown(state);
	for (unsigned int n = 1; n <= 2 * ncalls; n++) {
		bool shut;

		machine(state);
		m.phb[0].fail_late = m.phb[1].fail_late = n > ncalls;
		fake_machine_fail_at(&m, n > ncalls ? n - ncalls : n);
		live_and_die();
		fake_machine_heal(&m);
		shut = !host(0)->closed || !host(1)->closed;
		if (shut) {
			nshut++;
			/* Both tables at the most: the first has a root and a node. */
			assert_true(page_pool_used(&m.tables) <= 3 * K4);
		} else {
			expect_baseline();
		}
		expect_no_dma();
		teardown(state);
	}
	/* Most calls are those of closing, and a failure of one of them is never taken lightly. */
	assert_true(nshut > 0 && nshut < 2 * ncalls);
}

/* The same with an operation that never works again from some point on. */
static void test_operation_that_stays_broken_ends_closed(void **state)
{
	for (unsigned int op = 0; op < FAKE_NUM_OPS; op++) {
		struct vfio_group *g;

		setup_window(state);
		map_now(0, page[0], RW);
		assert_int_equal(peek(0), 1);
		m.phb[0].fail_op[op] = true;
		assert_int_equal(vfio_close_group(g0), 0);
		vfio_put_container(c);
		fake_machine_heal(&m);
		if (host(0)->closed) {
			expect_baseline();
			assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), 0);
		} else {
			assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), -EPERM);
		}
		expect_no_dma();
		teardown(state);
	}
}

#define TEST(t)	  cmocka_unit_test_setup_teardown(t, setup, teardown)
#define WINDOW(t) cmocka_unit_test_setup_teardown(t, setup_window, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_serves_one_model),
		TEST(test_container_starts_without_windows),
		TEST(test_create_window_checks_what_is_asked),
		TEST(test_page_is_no_larger_than_the_memory_is_aligned),
		TEST(test_windows_are_at_0_and_at_bit_59),
		WINDOW(test_new_window_is_empty),
		TEST(test_small_window_ends_where_it_says),
		WINDOW(test_entry_is_what_hardware_expects),
		WINDOW(test_mapped_pages_move_bytes_both_ways),
		WINDOW(test_permissions_are_apart),
		WINDOW(test_flush_makes_map_and_unmap_seen),
		WINDOW(test_without_kills_the_old_page_is_still_reached),
		WINDOW(test_flush_is_one_kill_of_the_pe),
		WINDOW(test_lookup_tells_what_map_said),
		TEST(test_lookup_of_foreign_memory_is_an_error),
		WINDOW(test_addresses_outside_the_window_reach_nothing),
		WINDOW(test_bad_ranges_change_nothing),
		WINDOW(test_second_window_is_another_table),
		WINDOW(test_removed_window_leaves_nothing),
		WINDOW(test_groups_of_one_container_share_its_maps),
		WINDOW(test_other_groups_see_nothing),
		WINDOW(test_page_sizes_are_what_all_phbs_have),
		TEST(test_group_in_use_is_not_closed),
		TEST(test_no_memory_is_an_error_and_no_more),
		TEST(test_windows_come_and_go_without_loss),
		TEST(test_windows_that_cannot_be_cost_nothing),
		WINDOW(test_failed_flush_is_told_and_does_not_flood),
		TEST(test_window_that_cannot_be_made_is_seen_by_nobody),
		WINDOW(test_window_whose_end_is_not_confirmed_keeps_its_table),
		WINDOW(test_pe_that_cannot_be_closed_keeps_the_tables),
		WINDOW(test_tables_seen_by_a_lost_pe_are_never_freed),
		WINDOW(test_every_group_is_told_of_the_end_of_a_window),
		WINDOW(test_group_that_cannot_be_told_does_not_join),
		WINDOW(test_tables_seen_by_a_group_that_did_not_join_are_never_freed),
		WINDOW(test_every_group_is_invalidated_whichever_fails),
		WINDOW(test_group_that_left_is_not_invalidated),
		WINDOW(test_window_can_be_had_for_itself),
		WINDOW(test_looking_holds_up_nobody),
		cmocka_unit_test(test_every_close_order_leaves_nothing),
		cmocka_unit_test(test_any_failing_call_ends_closed),
		cmocka_unit_test(test_operation_that_stays_broken_ends_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
