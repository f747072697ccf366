// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_spapr.c with tables of several levels: maps across nodes, pages that are split below,
 * large windows with little in them, and walks. test_vfio_spapr.c has the rest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_spapr.h"
#include "tests/fake/fake_machine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define K4    0x1000ull
#define K64   0x10000ull
#define M2    0x200000ull
#define M16   0x1000000ull
#define LARGE (1ull << 40)
#define WIN1  (1ull << 59)
#define NODE  512u
#define R     VFIO_DMA_READ
#define W     VFIO_DMA_WRITE
#define RW    (R | W)

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static uint64_t area; /* 2M of the arena, as seen by words; each page starts with its number */
static uint64_t words[VFIO_MAX_BATCH];

static int setup(void **state)
{
	struct guest_mem all = {.host = {FAKE_RAM_BASE}, .size = 1ull << 44};
	hpa_t at;

	(void)state;
	fake_machine_init(&m);
	assert_int_equal(mem_alloc(&m.ram.pool, M2, M2, &at), 0);
	area = at.v - FAKE_RAM_BASE;
	for (uint32_t i = 0; i < NODE; i++) {
		memcpy((uint8_t *)mem_ptr(&m.ram.pool, at) + i * K4, &i, sizeof(i));
	}
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(c, &all), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	/* The container's own. */
	assert_true(page_pool_used(&m.tables) == K4);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static void create(unsigned int shift, uint64_t size, unsigned int levels)
{
	struct vfio_window w = {.page_shift = shift, .size = size, .levels = levels};

	assert_int_equal(vfio_create_window(c, &w), 0);
	assert_true(w.start.v == 0);
}

static int setup_large(void **state)
{
	setup(state);
	create(12, LARGE, 0);
	return 0;
}

static uint64_t nodes(void)
{
	return vfio_spapr_held_bytes(c, ioba(0)) / K4;
}

static uint64_t look(uint64_t iova)
{
	uint64_t word = 1;

	assert_int_equal(vfio_lookup(c, ioba(iova), &word), 0);
	return word;
}

/* Which page of the area the device reads at iova, or -EFAULT. */
static int peek(uint64_t iova)
{
	uint32_t number = 0;
	int err = fake_machine_dma(&m, 0, FAKE_DEV0, iova, &number, sizeof(number), false);

	return err ? err : (int)number;
}

/* n words for pages of the area in a mixed order, with every permission and none. */
static void mix_words(unsigned int n, unsigned int shift)
{
	unsigned int pages = (unsigned int)(M2 >> shift);

	for (unsigned int i = 0; i < n; i++) {
		unsigned int perm = (i + i / 7) % 4;

		words[i] = perm ? (area + ((uint64_t)(i * 5 % pages) << shift)) | perm : 0;
	}
}

/* What iova of a window with pages of 4K must be when words are mapped from base on. */
static void expect_word(uint64_t base, uint64_t iova, unsigned int shift)
{
	uint64_t word = words[(iova - base) >> shift];
	uint64_t in = (iova - base) & ((1ull << shift) - 1);

	word = word ? word + in : 0;
	if (look(iova) != word) {
		fail_msg("at 0x%llx: 0x%llx instead of 0x%llx", (unsigned long long)iova,
			(unsigned long long)look(iova), (unsigned long long)word);
	}
	assert_int_equal(peek(iova), word & R ? (int)((word - area) / K4) : -EFAULT);
}

static void map_now(uint64_t iova, unsigned int n, unsigned int shift)
{
	assert_int_equal(vfio_reserve(c, ioba(iova), (uint64_t)n << shift), 0);
	assert_int_equal(vfio_map(c, ioba(iova), words, n, shift), 0);
	assert_int_equal(vfio_flush(c, ioba(iova), (uint64_t)n << shift), 0);
}

/* A batch lies in one node or two, whatever levels are between the two. */
static void test_maps_cross_nodes(void **state)
{
	static const struct {
		uint64_t first;
		unsigned int n;
		unsigned int nodes; /* besides the root */
	} cases[] = {
		{0, 512, 3},
		{1, 512, 4},
		{511, 2, 4},
		{300, 512, 4},
		{(1u << 18) - 1, 2, 5},
		{(1u << 18) - 200, 512, 5},
		{(1u << 27) - 512, 512, 3},
		{(1u << 27) - 1, 512, 6},
		{(1u << 28) - 512, 512, 3},
		{(1u << 28) - 1, 1, 3},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t base = cases[i].first * K4;
		unsigned int live = 0;

		create(12, LARGE, 0);
		mix_words(cases[i].n, 12);
		map_now(base, cases[i].n, 12);
		assert_true(nodes() == 1 + cases[i].nodes);
		for (unsigned int k = 0; k < cases[i].n; k++) {
			expect_word(base, base + k * K4, 12);
			live += words[k] != 0;
		}
		assert_true(vfio_spapr_count_live(c) == live);
		assert_int_equal(peek(base + cases[i].n * K4), -EFAULT);
		assert_int_equal(vfio_unmap(c, ioba(base), cases[i].n * K4), 0);
		assert_true(vfio_spapr_count_live(c) == 0);
		assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
		assert_true(page_pool_used(&m.tables) == K4);
	}
}

/* More levels than it needs are what a window gets if it asks. */
static void test_device_walks_as_many_levels_as_were_asked_for(void **state)
{
	(void)state;
	for (unsigned int levels = 1; levels <= 5; levels++) {
		create(12, NODE * K4, levels);
		mix_words(NODE, 12);
		map_now(0, NODE, 12);
		assert_true(nodes() == levels);
		for (unsigned int k = 0; k < NODE; k++) {
			expect_word(0, k * K4, 12);
		}
		assert_int_equal(peek(NODE * K4), -EFAULT);
		assert_int_equal(peek(1ull << 48), -EFAULT);
		assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	}
}

/* Each 4K of each 64K, in 17 nodes, and nothing beside them. */
static void test_pages_of_64k_over_4k(void **state)
{
	uint64_t base = 3 * K64, end = base + VFIO_MAX_BATCH * K64;
	uint64_t live = 0;

	(void)state;
	mix_words(VFIO_MAX_BATCH, 16);
	map_now(base, VFIO_MAX_BATCH, 16);
	assert_true(nodes() == 3 + 17);
	for (uint64_t at = base; at < end; at += K4) {
		expect_word(base, at, 16);
		live += look(at) != 0;
	}
	assert_true(vfio_spapr_count_live(c) == live);
	assert_true(look(base - K4) == 0 && look(end) == 0);
	/* One of them changes, and only that one. */
	words[0] = (area + 7 * K64) | W;
	map_now(base + 200 * K64, 1, 16);
	mix_words(VFIO_MAX_BATCH, 16);
	for (uint64_t at = 0; at < K64; at += K4) {
		assert_true(look(base + 200 * K64 + at) == ((area + 7 * K64 + at) | W));
	}
	expect_word(base, base + 199 * K64 + 15 * K4, 16);
	expect_word(base, base + 201 * K64, 16);
}

/* 16M over 2M: the arena is one such page. */
static void test_pages_of_16m_over_2m(void **state)
{
	static const uint64_t pages[] = {0, 5, 0xffff, 1, 0xfffff};
	uint32_t base_number = 0xabcd0000;

	(void)state;
	create(21, LARGE, 0);
	for (unsigned int i = 0; i < 5; i++) {
		words[i] = (pages[i] * M16) | (1 + i % 3);
	}
	words[4] = 0;
	map_now(62 * M16, 5, 24);
	/* 62 * 8 pages from the start: the border of two nodes is after two of the five. */
	assert_true(nodes() == 2 + 2);
	for (uint64_t i = 0; i < 5 * 8; i++) {
		uint64_t word = words[i / 8] ? words[i / 8] + i % 8 * M2 : 0;

		assert_true(look(62 * M16 + i * M2) == word);
	}
	assert_true(look(62 * M16 - M2) == 0 && look(67 * M16) == 0);
	assert_true(vfio_spapr_count_live(c) == 4 * 8);
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t number = base_number + i, got = 0;
		uint64_t off = i * M2 + M2 - 8;

		memcpy(m.ram.mem + off, &number, sizeof(number));
		assert_int_equal(fake_machine_dma(&m, 0, FAKE_DEV0, 62 * M16 + off, &got,
					 sizeof(got), false),
			0);
		assert_true(got == number);
	}
}

/* A page of the guest lies on a border of its own size, and is not smaller than the window's. */
static void test_misaligned_or_smaller_pages_are_refused(void **state)
{
	static const struct {
		uint64_t iova;
		unsigned int n, shift;
	} cases[] = {
		{K4, 1, 16},
		{15 * K4, 1, 16},
		{8 * K4, 1, 16},
		{K64 + K4, 3, 16},
		{K4, 1, 13},
		{LARGE - K64 + K4, 1, 16},
		{LARGE - K64, 2, 16},
		{0, 2, 11},
		{0, 1, 41},
		{K64, 1, 24},
		{0, 512, 33},
		{0, 1, 22},
	};

	(void)state;
	mix_words(1, 16);
	words[0] = area | RW;
	map_now(0, 1, 16);
	map_now(K64, 1, 16);
	words[0] = (area + K64) | RW;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (vfio_map(c, ioba(cases[i].iova), words, cases[i].n, cases[i].shift) !=
			-EINVAL) {
			fail_msg("case %u", i);
		}
		for (uint64_t at = 0; at < 2 * K64; at += K4) {
			assert_true(look(at) == ((area + at % K64) | RW));
		}
		assert_true(vfio_spapr_count_live(c) == 32);
	}
}

/* Whichever node a map needs is not there: it says so, and all that is there stays as it was. */
static void test_map_of_what_is_not_reserved_changes_nothing(void **state)
{
	static const struct {
		uint64_t first; /* in pages of 4K */
		unsigned int n, shift;
		unsigned int nnodes;
	} cases[] = {
		{0, 1, 12, 1},
		{300, 512, 12, 2},
		{(1u << 18) - 5, 9, 12, 2},
		{(1u << 27) - 1, 2, 12, 2},
		{16, 1, 16, 1},
		{496, 2, 16, 2},
		{16, 100, 16, 4},
		{(1u << 27) - 1600, 200, 16, 7},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t base = cases[i].first * K4, len = (uint64_t)cases[i].n << cases[i].shift;
		uint64_t first = cases[i].first / NODE;

		for (unsigned int gap = 0; gap < cases[i].nnodes; gap++) {
			uint64_t before;

			create(12, LARGE, 0);
			/* The nodes besides this one, with an entry in each page of the range. */
			for (uint64_t at = base; at < base + len; at += K4) {
				uint64_t word = (area + at % M2) | R;

				if (at / K4 / NODE - first != gap) {
					assert_int_equal(vfio_reserve(c, ioba(at), K4), 0);
					assert_int_equal(vfio_map(c, ioba(at), &word, 1, 12), 0);
				}
			}
			before = nodes();
			mix_words(cases[i].n, cases[i].shift);
			assert_int_equal(vfio_map(c, ioba(base), words, cases[i].n, cases[i].shift),
				-EAGAIN);
			for (uint64_t at = base; at < base + len; at += K4) {
				bool there = at / K4 / NODE - first != gap;

				assert_true(look(at) == (there ? (area + at % M2) | R : 0));
			}
			assert_true(nodes() == before);
			map_now(base, cases[i].n, cases[i].shift);
			for (uint64_t at = base; at < base + len; at += K4) {
				expect_word(base, at, cases[i].shift);
			}
			assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
		}
	}
}

static uint64_t word_at_kill;

static int kill_and_look(struct host_phb *phb, unsigned int pe)
{
	assert_int_equal(vfio_lookup(c, ioba(0), &word_at_kill), 0);
	return fake_phb_ops.tce_kill(phb, pe);
}

/* What is invalidated before it is stored could be fetched again, as it was, in between. */
static void test_entry_is_there_when_the_old_one_is_killed(void **state)
{
	struct host_phb_ops hooked = fake_phb_ops;
	const struct tce_backend_ops *ops = NULL;
	void *backend = NULL;

	(void)state;
	hooked.tce_kill = kill_and_look;
	m.board.phbs[0].ops = &hooked;
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), 0);
	for (uint64_t i = 1; i < 4; i++) {
		assert_int_equal(ops->put(backend, 0, (i * K4) | 3), 0);
		assert_true(word_at_kill == ((i * K4) | 3));
	}
	assert_int_equal(ops->put(backend, 0, 0), 0);
	assert_true(word_at_kill == 0);
	m.board.phbs[0].ops = &fake_phb_ops;
}

/* The same by the window's own pages, for who has asked once where it is. */
static void test_window_backend_does_the_same(void **state)
{
	const struct tce_backend_ops *ops = NULL;
	void *backend = NULL;
	unsigned int kills;
	uint64_t word = 1;

	(void)state;
	assert_int_equal(vfio_window_backend(c, ioba(K4), &ops, &backend), -EINVAL);
	assert_int_equal(vfio_window_backend(c, ioba(WIN1), &ops, &backend), -EINVAL);
	assert_true(!ops && !backend);
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), 0);
	kills = m.phb[0].count[FAKE_TCE_KILL];
	mix_words(5, 12);
	assert_int_equal(ops->map(backend, 510, words, 5), -EAGAIN);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills);
	/* To take access away where there is none needs nothing. */
	assert_int_equal(ops->put(backend, 510, 0), 0);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], ++kills);
	assert_true((ops->skip)(backend, 0, LARGE / K4) == LARGE / K4);
	assert_int_equal(ops->reserve(backend, 510, 5), 0);
	assert_true((ops->skip)(backend, 0, LARGE / K4) == 0);
	assert_true(nodes() == 5);
	assert_int_equal(ops->map(backend, 510, words, 5), 0);
	assert_int_equal(ops->flush(backend, 510, 5), 0);
	for (uint64_t i = 0; i < 5; i++) {
		expect_word(510 * K4, (510 + i) * K4, 12);
		assert_int_equal(ops->lookup(backend, 510 + i, &word), 0);
		assert_true(word == words[i]);
	}
	assert_int_equal(ops->lookup(backend, 1 << 20, &word), 0);
	assert_true(word == 0);
	assert_int_equal(ops->put(backend, 513, words[1]), 0);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills + 2);
	assert_true(look(513 * K4) == words[1] && look(512 * K4) == words[2]);
	assert_int_equal(ops->unmap(backend, 0, LARGE / K4), 0);
	assert_true(vfio_spapr_count_live(c) == 0);
	/* A foreign page, as by address. */
	words[0] = 1ull << 44 | RW;
	assert_int_equal(ops->put(backend, 510, words[0]), 0);
	assert_int_equal(ops->lookup(backend, 510, &word), -EFAULT);
	assert_true(word == 0);
	m.phb[0].fail_op[FAKE_TCE_KILL] = true;
	assert_int_equal(ops->put(backend, 510, 0), -EIO);
	assert_int_equal(ops->flush(backend, 510, 1), -EIO);
	assert_true(look(510 * K4) == 0);
}

/* Reading and taking away need nothing and take nothing. */
static void test_only_reserve_takes_nodes(void **state)
{
	(void)state;
	assert_true(look(12345 * K4) == 0);
	assert_int_equal(vfio_unmap(c, ioba(0), LARGE), 0);
	assert_int_equal(vfio_flush(c, ioba(0), LARGE), 0);
	assert_true(vfio_skip(c, ioba(0), LARGE) == LARGE);
	assert_int_equal(peek(12345 * K4), -EFAULT);
	words[0] = 0;
	assert_int_equal(vfio_map(c, ioba(0), words, 1, 12), -EAGAIN);
	assert_true(nodes() == 1);
	/* One call's worth, and no more in one. */
	assert_int_equal(vfio_reserve(c, ioba(0), 8193 * K4), -EINVAL);
	assert_true(nodes() == 1);
	assert_int_equal(vfio_reserve(c, ioba(0), 8192 * K4), 0);
	assert_true(nodes() == 3 + 16);
	assert_true(vfio_skip(c, ioba(0), LARGE) == 0);
	assert_true(vfio_skip(c, ioba(8192 * K4), 5 * K4) == 5 * K4);
}

/* HC-29: at every k. */
static void test_reserve_without_memory_takes_nothing(void **state)
{
	uint64_t base = (1ull << 39) - K4;
	hpa_t at, held[6];

	(void)state;
	assert_int_equal(page_pool_take(&m.tables, 6, held), 0);
	while (!page_pool_take(&m.tables, 1, &at)) {
	}
	for (unsigned int k = 0; k < 6; k++) {
		assert_int_equal(vfio_reserve(c, ioba(base), 2 * K4), -ENOMEM);
		assert_true(page_pool_left(&m.tables) == k * K4);
		assert_true(nodes() == 1);
		page_pool_give(&m.tables, held[k]);
	}
	assert_int_equal(vfio_reserve(c, ioba(base), 2 * K4), 0);
	assert_true(page_pool_left(&m.tables) == 0);
	assert_true(nodes() == 7);
}

/* Four pages far apart, and one beside the first. */
static const uint64_t lone[] = {0, K4, 1ull << 21, 1ull << 39, LARGE - K4};
/* The root, two nodes below it, three below those, four of the lowest level. */
#define LONE_NODES (1 + 2 + 3 + 4)
/* What a walk of them looks at: all of the lowest nodes, and what is empty in those above; both
 * entries that the root has are in use. */
#define LONE_COST (4 * 512 + (3 * 512 - 4) + (2 * 512 - 3))

static void map_lone(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lone); i++) {
		words[0] = (area + i * K4) | RW;
		map_now(lone[i], 1, 12);
	}
}

/* They come in their order and once. */
static void see(void *ctx, const struct vfio_spapr_entry *entry)
{
	unsigned int *n = ctx;

	assert_true(*n < ARRAY_SIZE(lone));
	assert_true(entry->at.v == lone[*n]);
	assert_true(entry->target.v == FAKE_RAM_BASE + area + *n * K4);
	assert_true(entry->len == K4);
	assert_int_equal(entry->perm, RW);
	++*n;
}

/* A terabyte of addresses, five pages: what it costs is what is there. */
static void test_large_window_costs_what_is_in_it(void **state)
{
	uint64_t budget = UINT64_MAX, pages = LARGE / K4;
	struct vfio_spapr_view view;
	unsigned int n = 0;

	(void)state;
	assert_true(nodes() == 1);
	map_lone();
	assert_true(nodes() == LONE_NODES);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == LONE_NODES * K4);
	assert_true(page_pool_used(&m.tables) == (LONE_NODES + 1) * K4);
	assert_true(vfio_spapr_view(c, 0, &view));
	assert_true(view.start.v == 0 && view.size == LARGE && view.page_shift == 12);
	assert_true(view.levels == 4 && view.table_bytes == LONE_NODES * K4);
	assert_true(view.pool.v == m.tables.base.v && view.pool_bytes == FAKE_MACHINE_TABLES);
	assert_true(view.table.v == m.phb[0].windows[m.board.groups[0].pe][0].table.v);
	assert_false(vfio_spapr_view(c, 1, &view));
	assert_false(vfio_spapr_view(c, 2, &view));
	assert_false(vfio_spapr_view(c, 99, &view));
	assert_true(vfio_spapr_count_live(c) == 5);
	for (unsigned int i = 0; i < ARRAY_SIZE(lone); i++) {
		assert_int_equal(peek(lone[i]), (int)i);
		assert_int_equal(peek(lone[i] ^ K4 << 3), -EFAULT);
	}
	assert_true(vfio_spapr_walk(c, 0, 0, &budget, see, &n) == pages);
	assert_int_equal(n, 5);
	assert_true(UINT64_MAX - budget == LONE_COST);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(page_pool_used(&m.tables) == K4);
	assert_true(vfio_spapr_walk(c, 0, 0, &budget, see, &n) == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(lone); i++) {
		assert_int_equal(peek(lone[i]), -EFAULT);
	}
}

/* In pieces of any budget a walk sees the same, and never does more than it may. */
static void test_walk_goes_on_where_its_budget_ended(void **state)
{
	static const uint64_t budgets[] = {1, 2, 100, 511, 512, 513, LONE_COST - 1, LONE_COST};
	uint64_t pages = LARGE / K4;

	(void)state;
	map_lone();
	for (unsigned int i = 0; i < ARRAY_SIZE(budgets); i++) {
		uint64_t at = 0, cost = 0;
		unsigned int n = 0;

		while (at < pages) {
			uint64_t budget = budgets[i], next;

			next = vfio_spapr_walk(c, 0, at, &budget, see, &n);
			assert_true(budget < budgets[i] && next > at && next <= pages);
			assert_true(budget == 0 || next == pages);
			cost += budgets[i] - budget;
			at = next;
		}
		assert_int_equal(n, 5);
		assert_true(cost == LONE_COST);
	}
	for (uint64_t first = 0; first < 2000; first += 400) {
		uint64_t budget = 0;

		assert_true(vfio_spapr_walk(c, 0, first, &budget, see, NULL) == first);
		budget = 9;
		assert_true(vfio_spapr_walk(c, 0, pages, &budget, see, NULL) == pages);
		assert_true(vfio_spapr_walk(c, 1, first, &budget, see, NULL) == 0);
		assert_true(vfio_spapr_walk(c, 2, first, &budget, see, NULL) == 0);
		assert_true(vfio_spapr_walk(c, 99, first, &budget, see, NULL) == 0);
		assert_true(budget == 9);
	}
}

/* In bytes and whole pages, as far as one call looks, and no live page is ever passed over. */
static void test_skip_finds_what_is_there(void **state)
{
	uint64_t at = 0;
	unsigned int calls = 0, found = 0;

	(void)state;
	map_lone();
	while (at < LARGE) {
		uint64_t got = vfio_skip(c, ioba(at), LARGE - at);

		assert_true(got % K4 == 0 && got <= LARGE - at);
		while (found < ARRAY_SIZE(lone) && lone[found] < at + got) {
			fail_msg("0x%llx was passed over", (unsigned long long)lone[found]);
		}
		at += got;
		if (!got) {
			/* A node: all of it is looked at, as the caller would. */
			for (unsigned int i = 0; i < NODE; i++, at += K4) {
				found += look(at) != 0;
			}
		}
		assert_true(++calls < 20);
	}
	assert_int_equal(found, 5);
}

static pthread_t remover;
static int removed;
static atomic_uint visits;

static void *remove_it(void *arg)
{
	removed = vfio_remove_window(c, ioba(0));
	return arg;
}

/* The first entry that is seen starts a removal, and waits until that has got as far as it can. */
static void remove_under_walk(void *ctx, const struct vfio_spapr_entry *entry)
{
	struct vfio_spapr_view view;

	(void)ctx;
	(void)entry;
	atomic_fetch_add(&visits, 1);
	assert_int_equal(pthread_create(&remover, NULL, remove_it, NULL), 0);
	while (vfio_spapr_view(c, 0, &view)) {
		(void)sched_yield();
	}
	for (unsigned int i = 0; i < 1000; i++) {
		(void)sched_yield();
		assert_true(page_pool_used(&m.tables) == (LONE_NODES + 1) * K4);
	}
}

/* HC-28 for those who only look: no node goes while one of them is inside. */
static void test_window_stays_until_the_walk_is_over(void **state)
{
	uint64_t budget = UINT64_MAX;

	(void)state;
	map_lone();
	atomic_store(&visits, 0);
	(void)vfio_spapr_walk(c, 0, 0, &budget, remove_under_walk, NULL);
	assert_int_equal(pthread_join(remover, NULL), 0);
	assert_int_equal(removed, 0);
	/* It was emptied first: there was nothing more to see. */
	assert_int_equal(atomic_load(&visits), 1);
	assert_true(page_pool_used(&m.tables) == K4);
}

/* What a planner is told is what a window takes when all of it is in use. */
static void test_table_size_is_that_of_a_full_window(void **state)
{
	static const struct {
		unsigned int shift;
		uint64_t size;
	} cases[] = {{12, K4}, {12, NODE * K4}, {12, 2 * NODE * K4}, {12, 1ull << 30},
		{16, 1ull << 25}, {16, 1ull << 26}, {16, 1ull << 32}, {21, 1ull << 36},
		{30, 1ull << 40}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t step = 8192ull << cases[i].shift;

		step = step < cases[i].size ? step : cases[i].size;
		if (vfio_spapr_table_size(cases[i].size, cases[i].shift) > FAKE_MACHINE_TABLES) {
			assert_int_equal(i, 3);
			continue;
		}
		create(cases[i].shift, cases[i].size, 0);
		for (uint64_t at = 0; at < cases[i].size; at += step) {
			assert_int_equal(vfio_reserve(c, ioba(at), step), 0);
		}
		assert_true(vfio_spapr_held_bytes(c, ioba(0)) ==
			    vfio_spapr_table_size(cases[i].size, cases[i].shift));
		assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	}
	/* 2^18 entries: 512 nodes and a root. The largest: five full levels. */
	assert_true(vfio_spapr_table_size(1ull << 30, 12) == 513 * K4);
	assert_true(vfio_spapr_table_size(1ull << 57, 12) ==
		    ((1ull << 36) + (1ull << 27) + (1ull << 18) + (1ull << 9) + 1) * K4);
}

/* A page of the table that is not all the container's memory is not told of. */
static void test_lookup_needs_the_whole_page_to_be_the_containers(void **state)
{
	struct guest_mem odd = {.host = {FAKE_RAM_BASE}, .size = 3 * M2 / 2};
	uint64_t word;

	(void)state;
	assert_int_equal(vfio_group_unset_container(g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(c, &odd), 0);
	create(21, LARGE, 0);
	words[0] = 0 | RW;
	words[1] = M2 | RW;
	map_now(0, 2, 21);
	assert_true(look(0) == RW);
	assert_int_equal(vfio_lookup(c, ioba(M2), &word), -EFAULT);
}

#define TEST(t)	    cmocka_unit_test_setup_teardown(t, setup, teardown)
#define IN_LARGE(t) cmocka_unit_test_setup_teardown(t, setup_large, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_maps_cross_nodes),
		TEST(test_device_walks_as_many_levels_as_were_asked_for),
		IN_LARGE(test_pages_of_64k_over_4k),
		TEST(test_pages_of_16m_over_2m),
		IN_LARGE(test_misaligned_or_smaller_pages_are_refused),
		TEST(test_map_of_what_is_not_reserved_changes_nothing),
		IN_LARGE(test_entry_is_there_when_the_old_one_is_killed),
		IN_LARGE(test_window_backend_does_the_same),
		IN_LARGE(test_only_reserve_takes_nodes),
		IN_LARGE(test_reserve_without_memory_takes_nothing),
		IN_LARGE(test_large_window_costs_what_is_in_it),
		IN_LARGE(test_walk_goes_on_where_its_budget_ended),
		IN_LARGE(test_skip_finds_what_is_there),
		IN_LARGE(test_window_stays_until_the_walk_is_over),
		TEST(test_table_size_is_that_of_a_full_window),
		TEST(test_lookup_needs_the_whole_page_to_be_the_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
