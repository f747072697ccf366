// SPDX-License-Identifier: Apache-2.0
/*
 * core/tce_table.c against a model that is nothing but the sets of blocks that were reserved and
 * the list of entries that were stored, and against a walker that reads bytes as a PHB does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/tce_table.h"
#include "tests/fake/fake_phb.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NPAGES	  3072u
#define RAM	  ((uint64_t)NPAGES * MEM_PAGE)
#define NODE	  512ull
#define MAX_SET	  2048u
#define MAX_LEVEL 5u
/* Under emulation, where the byte order is the question, fewer will do. */
#define MANY(n) (BE_HOST_IS_LITTLE ? (n) : (n) / 10)

static struct fake_ram ram;
static struct page_pool pool;
static struct tce_table t;

/* A block of level l is 512^l entries; a node of level l maps one. The root is not in the sets. */
static struct {
	uint64_t nentries;
	unsigned int levels;
	unsigned int nblocks[MAX_LEVEL];
	uint64_t blocks[MAX_LEVEL][MAX_SET];
	unsigned int nstored;
	uint64_t index[MAX_SET], value[MAX_SET];
} model;

static hpa_t held[NPAGES];
static unsigned int nheld;

static int setup(void **state)
{
	(void)state;
	fake_ram_init(&ram, RAM);
	/* As valid entries, so that a node that was not cleared shows. */
	memset(ram.mem, 0x03, RAM);
	memset(&pool, 0, sizeof(pool));
	memset(&t, 0, sizeof(t));
	nheld = 0;
	return page_pool_init(&pool, &ram.pool, RAM);
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

static uint64_t used(void)
{
	return page_pool_used(&pool) / MEM_PAGE - nheld;
}

/* So many pages are left; and as many as there are. */
static void leave_pages(unsigned int n)
{
	while (page_pool_left(&pool) > (uint64_t)n * MEM_PAGE) {
		assert_int_equal(page_pool_take(&pool, 1, &held[nheld++]), 0);
	}
	while (page_pool_left(&pool) < (uint64_t)n * MEM_PAGE) {
		page_pool_give(&pool, held[--nheld]);
	}
}

static void leave_all(void)
{
	while (nheld) {
		page_pool_give(&pool, held[--nheld]);
	}
}

static void open_table(uint64_t nentries, unsigned int levels)
{
	memset(&model, 0, sizeof(model));
	assert_int_equal(tce_table_init(&t, &pool, nentries, levels), 0);
	model.nentries = nentries;
	model.levels = t.levels;
}

static void close_table(void)
{
	tce_table_exit(&t);
	assert_true(used() == 0);
	assert_int_equal(t.levels, 0);
	assert_true(tce_table_bytes(&t) == 0);
}

static bool model_has(unsigned int level, uint64_t block)
{
	for (unsigned int i = 0; i < model.nblocks[level]; i++) {
		if (model.blocks[level][i] == block) {
			return true;
		}
	}
	return false;
}

/* The nodes that this range still needs; they are there from now on if add says so. */
static unsigned int model_reserve(uint64_t first, uint64_t n, bool add)
{
	unsigned int missing = 0;

	for (unsigned int level = 1; level < model.levels; level++) {
		uint64_t last = (first + n - 1) >> 9 * level;

		for (uint64_t block = first >> 9 * level; block <= last; block++) {
			if (model_has(level, block)) {
				continue;
			}
			missing++;
			if (add) {
				assert_true(model.nblocks[level] < MAX_SET);
				model.blocks[level][model.nblocks[level]++] = block;
			}
		}
	}
	return missing;
}

static uint64_t model_nodes(void)
{
	uint64_t n = 1;

	for (unsigned int level = 1; level < model.levels; level++) {
		n += model.nblocks[level];
	}
	return n;
}

/* What tce_table_at should say: whether there is an entry, and how many are alike from it on. */
static bool model_at(uint64_t index, uint64_t *n)
{
	unsigned int level = model.levels - 1;
	uint64_t end;

	while (level && model_has(level, index >> 9 * level)) {
		level--;
	}
	end = level ? ((index >> 9 * level) + 1) << 9 * level : (index / NODE + 1) * NODE;
	*n = (end < model.nentries ? end : model.nentries) - index;
	return !level;
}

static uint64_t *model_slot(uint64_t index)
{
	for (unsigned int i = 0; i < model.nstored; i++) {
		if (model.index[i] == index) {
			return &model.value[i];
		}
	}
	return NULL;
}

static uint64_t model_load(uint64_t index)
{
	const uint64_t *slot = model_slot(index);

	return slot ? *slot : 0;
}

static void model_store(uint64_t index, uint64_t value)
{
	uint64_t *slot = model_slot(index);

	if (!slot) {
		assert_true(model.nstored < MAX_SET);
		model.index[model.nstored] = index;
		slot = &model.value[model.nstored++];
	}
	*slot = value;
}

static void model_clear(uint64_t first, uint64_t n)
{
	for (unsigned int i = 0; i < model.nstored; i++) {
		if (model.index[i] >= first && model.index[i] - first < n) {
			model.value[i] = 0;
		}
	}
}

/* Entries from index on that have no node. */
static uint64_t model_empty(uint64_t index)
{
	uint64_t next = model.nentries;

	if (model.levels == 1) {
		return 0;
	}
	for (unsigned int i = 0; i < model.nblocks[1]; i++) {
		uint64_t first = model.blocks[1][i] * NODE;

		if (index / NODE == model.blocks[1][i]) {
			return 0;
		}
		if (first > index && first < next) {
			next = first;
		}
	}
	return next - index;
}

/* As a PHB reads it: bytes, the most significant first. 0: there is no entry. */
static uint64_t walk(uint64_t index)
{
	uint64_t node = t.root.v;

	for (unsigned int level = t.levels; level-- > 0;) {
		const uint8_t *entry =
			ram.mem + (node - FAKE_RAM_BASE) + (index >> 9 * level & (NODE - 1)) * 8;
		uint64_t val = 0;

		for (unsigned int i = 0; i < 8; i++) {
			val = val << 8 | entry[i];
		}
		if (!level || !val) {
			return val;
		}
		/* Read and write, a page, and one of ours. */
		assert_true((val & 0xfff) == 3);
		node = val - 3;
		assert_true(node >= FAKE_RAM_BASE && node < FAKE_RAM_BASE + RAM);
	}
	return 0;
}

static void check_entry(uint64_t index)
{
	uint64_t n = 0, want_n;
	const be64_t *tce = tce_table_at(&t, index, &n);
	bool there = model_at(index, &want_n);
	be64_t *found;

	if ((tce != NULL) != there || n != want_n) {
		fail_msg("0x%llx: %s, 0x%llx in a row", (unsigned long long)index,
			tce ? "there" : "not there", (unsigned long long)n);
	}
	assert_true(tce_table_find(&t, index, &found) == there);
	if (tce) {
		assert_ptr_equal(found, tce);
		assert_true(tce_table_load(tce) == model_load(index));
	}
	assert_true(walk(index) == model_load(index));
}

/* Reserves it when k pages too few are there, for each k, and when there are just enough. */
static void reserve_at_every_k(uint64_t first, uint64_t n)
{
	unsigned int missing = model_reserve(first, n, false);
	uint64_t before = used();

	for (unsigned int k = 0; k < missing; k++) {
		leave_pages(k);
		assert_int_equal(tce_table_reserve(&t, first, n), -ENOMEM);
		assert_true(page_pool_left(&pool) == (uint64_t)k * MEM_PAGE);
		assert_true(tce_table_bytes(&t) == before * MEM_PAGE);
		check_entry(first);
		check_entry(first + n - 1);
	}
	leave_pages(missing);
	assert_int_equal(tce_table_reserve(&t, first, n), 0);
	assert_true(page_pool_left(&pool) == 0);
	(void)model_reserve(first, n, true);
	assert_true(tce_table_bytes(&t) == model_nodes() * MEM_PAGE);
	/* And it needs nothing when all is there. */
	assert_int_equal(tce_table_reserve(&t, first, n), 0);
	assert_true(tce_table_bytes(&t) == model_nodes() * MEM_PAGE);
	leave_all();
	assert_true(used() == model_nodes());
	check_entry(first);
	check_entry(first + n - 1);
	check_entry(first + n / 2);
	if (first) {
		check_entry(first - 1);
	}
	if (first + n < model.nentries) {
		check_entry(first + n);
	}
}

static void test_levels_are_as_few_as_will_do(void **state)
{
	(void)state;
	assert_int_equal(tce_table_levels(1), 1);
	assert_int_equal(tce_table_levels(2), 1);
	for (unsigned int k = 1; k <= 7; k++) {
		uint64_t full = 1ull << 9 * k;

		assert_int_equal(tce_table_levels(full - 1), k);
		assert_int_equal(tce_table_levels(full), k);
		assert_int_equal(tce_table_levels(full + 1), k + 1);
	}
	assert_true(tce_table_levels(UINT64_MAX) > TCE_TABLE_MAX_LEVELS);
}

static void test_init_takes_a_root_or_nothing(void **state)
{
	static const struct {
		uint64_t nentries;
		unsigned int levels;
		unsigned int got; /* 0: -EINVAL */
	} cases[] = {
		{0, 0, 0},
		{0, 1, 0},
		{1, 0, 1},
		{1, 1, 1},
		{1, 2, 2},
		{1, 5, 5},
		{1, 6, 0},
		{1, UINT32_MAX, 0},
		{512, 0, 1},
		{513, 0, 2},
		{513, 1, 0},
		{513, 2, 2},
		{513, 4, 4},
		{1ull << 18, 0, 2},
		{(1ull << 18) + 1, 0, 3},
		{(1ull << 18) + 1, 2, 0},
		{1ull << 27, 0, 3},
		{(1ull << 27) + 1, 0, 4},
		{(1ull << 27) + 1, 3, 0},
		{1ull << 28, 0, 4},
		{1ull << 36, 0, 4},
		{(1ull << 36) + 1, 0, 5},
		{(1ull << 36) + 1, 4, 0},
		{1ull << 45, 0, 5},
		{1ull << 45, 5, 5},
		{(1ull << 45) + 1, 0, 0},
		{(1ull << 45) + 1, 5, 0},
		{1ull << 46, 6, 0},
		{1ull << 63, 0, 0},
		{UINT64_MAX, 0, 0},
		{UINT64_MAX, 5, 0},
	};
	uint64_t n;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = tce_table_init(&t, &pool, cases[i].nentries, cases[i].levels);

		if (err != (cases[i].got ? 0 : -EINVAL)) {
			fail_msg("case %u: %d", i, err);
		}
		assert_true(used() == (cases[i].got ? 1 : 0));
		if (!err) {
			assert_int_equal(t.levels, cases[i].got);
			assert_true(tce_table_bytes(&t) == MEM_PAGE);
			assert_true(!(t.root.v & (MEM_PAGE - 1)));
			assert_true(walk(0) == 0 && walk(cases[i].nentries - 1) == 0);
			assert_true((tce_table_at(&t, 0, &n) != NULL) == (t.levels == 1));
			assert_true(n ==
				    (cases[i].nentries < 1ull << 9 * (t.levels - 1) || t.levels == 1
						    ? cases[i].nentries
						    : 1ull << 9 * (t.levels - 1)));
			close_table();
		}
	}
	leave_pages(0);
	assert_int_equal(tce_table_init(&t, &pool, 1, 0), -ENOMEM);
	leave_all();
	assert_true(used() == 0);
}

/* Sizes that fill their levels, that only just need them, and that have more than they need. */
static const struct {
	uint64_t nentries;
	unsigned int levels;
} shapes[] = {
	{1, 1},
	{512, 1},
	{512, 3},
	{513, 2},
	{100000, 2},
	{1ull << 18, 2},
	{1ull << 18, 5},
	{(1ull << 18) + 1, 3},
	{1ull << 27, 3},
	{(1ull << 27) + 700, 4},
	{1ull << 28, 4},
	{1ull << 36, 4},
	{(1ull << 36) + 9000, 5},
	{1ull << 45, 5},
};

/* HC-29 at every k, on an empty table, around every border that a range can lie across. */
static void test_reserve_takes_the_nodes_of_each_border(void **state)
{
	static const uint64_t lengths[] = {1, 2, 511, 512, 513, 1024, 8191, 8192};
	static const int before[] = {0, 1, 511, 512, 600, 8191};

	(void)state;
	for (unsigned int s = 0; s < ARRAY_SIZE(shapes); s++) {
		for (unsigned int level = 0; level <= shapes[s].levels; level++) {
			uint64_t border = level ? 1ull << 9 * level : 0;

			border = border < shapes[s].nentries ? border : shapes[s].nentries;
			for (unsigned int i = 0; i < ARRAY_SIZE(lengths) * 6; i++) {
				uint64_t n = lengths[i / 6];
				uint64_t first = border - (uint64_t)before[i % 6];

				if (first > border || first + n > shapes[s].nentries) {
					continue;
				}
				open_table(shapes[s].nentries, shapes[s].levels);
				reserve_at_every_k(first, n);
				close_table();
			}
		}
	}
}

static void test_reserve_needs_a_range_it_can_do(void **state)
{
	(void)state;
	open_table(1ull << 20, 0);
	assert_int_equal(tce_table_reserve(&t, 0, 0), -EINVAL);
	assert_int_equal(tce_table_reserve(&t, 0, TCE_TABLE_MAX_RESERVE + 1), -EINVAL);
	assert_int_equal(tce_table_reserve(&t, 0, UINT64_MAX), -EINVAL);
	assert_true(used() == 1);
	close_table();
}

static uint64_t seed;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 20 | seed << 44;
}

static uint64_t pick(uint64_t n)
{
	return draw() % n;
}

/* Anywhere, but often near a few places, so that ways are shared. */
static uint64_t pick_index(void)
{
	uint64_t near = pick(4) * (model.nentries / 4);

	if (pick(3)) {
		near += pick(1ull << 9 * (1 + pick(model.levels)));
	} else {
		near = pick(model.nentries);
	}
	return near % model.nentries;
}

/* A table that fills up in every order has the nodes of what was reserved and no other. */
static void test_reserve_is_exact_in_any_order(void **state)
{
	(void)state;
	seed = 11;
	for (unsigned int s = 0; s < ARRAY_SIZE(shapes); s++) {
		open_table(shapes[s].nentries, shapes[s].levels);
		for (unsigned int i = 0; i < MANY(60u); i++) {
			uint64_t first = pick_index();
			uint64_t n = 1 + pick(pick(2) ? 600 : TCE_TABLE_MAX_RESERVE);

			n = n < model.nentries - first ? n : model.nentries - first;
			reserve_at_every_k(first, n);
		}
		close_table();
	}
}

/* How many entries without a node, above the lowest level, make up this range. */
static uint64_t upper_entries(uint64_t index, uint64_t n)
{
	uint64_t count = 0, k;

	for (uint64_t at = index; at < index + n; at += k) {
		assert_false(model_at(at, &k));
		count++;
	}
	return count;
}

/* Never too much, never nothing where there is something, and no more looks than a node has
 * entries; it gives up before the end only when it has made them. */
static void check_skip(uint64_t index, uint64_t n)
{
	uint64_t got = tce_table_skip(&t, index, n);
	uint64_t empty = model_empty(index);

	empty = empty < n ? empty : n;
	if (got > empty) {
		fail_msg("0x%llx + 0x%llx: 0x%llx are said to be empty, 0x%llx are",
			(unsigned long long)index, (unsigned long long)n, (unsigned long long)got,
			(unsigned long long)empty);
	}
	if (got < empty) {
		assert_true(upper_entries(index, got) >= NODE);
	}
	if (got) {
		assert_true(upper_entries(index, got) <= NODE + 1);
	}
}

static void test_skip_is_bounded_and_says_the_truth(void **state)
{
	uint64_t at = 512, end = 1ull << 28, steps = 0;

	(void)state;
	open_table(end, 0);
	check_skip(0, end);
	assert_true(tce_table_skip(&t, 0, end) == end);
	assert_true(tce_table_skip(&t, 5, 7) == 7);
	assert_true(tce_table_skip(&t, end - 1, 1) == 1);
	/* Two nodes with 511 empty places each between them: more than one call looks at. */
	reserve_at_every_k(0, 1);
	reserve_at_every_k((1ull << 19) - 1, 1);
	assert_true(tce_table_skip(&t, 0, end) == 0);
	assert_true(tce_table_skip(&t, 511, 2) == 0);
	while (at < (1ull << 19) - 512) {
		uint64_t got = tce_table_skip(&t, at, end - at);

		check_skip(at, end - at);
		assert_true(got > 0);
		at += got;
		steps++;
	}
	assert_true(at == (1ull << 19) - 512);
	assert_true(steps >= 2 && steps <= 3);
	assert_true(tce_table_skip(&t, at, 1) == 0);
	assert_true(tce_table_skip(&t, 1ull << 19, 99) == 99);
	/* A node without a live entry is none that can be passed over unseen: it says too few. */
	check_skip(511, 2);
	close_table();
}

/* Stored values are as TCEs are, and no two alike. */
static uint64_t some_tce(uint64_t index)
{
	return (index * 0x9e3779b97f4a7c15ull & 0x0ffffffffffff000ull) | (1 + index % 3);
}

static void put_random(void)
{
	uint64_t first = pick_index(), n = 1 + pick(40), k;

	n = n < model.nentries - first ? n : model.nentries - first;
	assert_int_equal(tce_table_reserve(&t, first, n), 0);
	(void)model_reserve(first, n, true);
	for (uint64_t i = first; i < first + n; i += 1 + n / 3) {
		uint64_t val = some_tce(i + draw());

		tce_table_store(tce_table_at(&t, i, &k), val);
		model_store(i, val);
	}
}

static void clear_random(void)
{
	uint64_t first = pick_index(), n = 1 + pick(2ull << pick(45));

	n = n < model.nentries - first ? n : model.nentries - first;
	tce_table_clear(&t, first, n);
	model_clear(first, n);
}

static void check_random(void)
{
	uint64_t first = pick_index();

	check_entry(first);
	check_skip(first, 1 + pick(model.nentries - first));
	check_skip(first, model.nentries - first);
}

static void check_all(void)
{
	for (unsigned int i = 0; i < model.nstored; i++) {
		check_entry(model.index[i]);
	}
	assert_true(used() == model_nodes());
	assert_true(tce_table_bytes(&t) == model_nodes() * MEM_PAGE);
}

/* SEED-001.66: a walk makes as many steps as the table has levels, also where an entry leads back
 * to its own node, and what it says of a range ends with the node. */
static void test_walk_is_as_deep_as_the_table(void **state)
{
	(void)state;
	for (unsigned int levels = 2; levels <= TCE_TABLE_MAX_LEVELS; levels++) {
		be64_t *top, *tce;
		uint64_t n = 0, before;

		assert_int_equal(tce_table_init(&t, &pool, 1ull << 9 * levels, levels), 0);
		assert_int_equal(tce_table_reserve(&t, 0, 2 * TCE_TABLE_ENTRIES), 0);
		for (uint64_t i = 0; i < 2 * TCE_TABLE_ENTRIES; i += 73) {
			assert_true(tce_table_find(&t, i, &tce));
			assert_ptr_equal(tce_table_at(&t, i, &n), tce);
			assert_int_equal(n, TCE_TABLE_ENTRIES - i % TCE_TABLE_ENTRIES);
		}
		top = t.top;
		before = tce_table_load(&top[0]);
		tce_table_store(&top[0], t.root.v | TCE_TABLE_NODE);
		assert_true(tce_table_find(&t, 5, &tce));
		assert_ptr_equal(tce, &top[5]);
		assert_ptr_equal(tce_table_at(&t, 5, &n), &top[5]);
		assert_int_equal(n, TCE_TABLE_ENTRIES - 5);
		tce_table_store(&top[0], before);
		tce_table_exit(&t);
	}
	assert_int_equal(used(), 0);
}

/* Sparse use as drivers make of it, entry by entry against the model; nothing is lost, nothing
 * shows up elsewhere, and the PHB's walk says the same. */
static void test_entries_are_those_that_were_stored(void **state)
{
	static const uint64_t sizes[] = {300, 5000, 1ull << 28, (1ull << 28) - 12345, 1ull << 45,
		(1ull << 45) - 1, (1ull << 36) + 1};

	(void)state;
	seed = 23;
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		open_table(sizes[s], s == 0 ? 4 : 0);
		for (unsigned int i = 0; i < MANY(240u); i++) {
			put_random();
			check_random();
			if (i % 16 == 0) {
				clear_random();
				check_all();
			}
		}
		check_all();
		/* Clearing empties; the nodes stay until the table goes. */
		tce_table_clear(&t, 0, model.nentries);
		model_clear(0, model.nentries);
		check_all();
		assert_true(model_nodes() > 3);
		close_table();
	}
}

/* Ends of clear, to the entry, within a node and across a place where there is none. */
static void test_clear_ends_where_it_is_told(void **state)
{
	static const uint64_t ranges[][2] = {{0, 1}, {511, 1}, {511, 2}, {511, 514}, {1, 510},
		{1024, 512}, {300, 1000}, {0, 4096}, {513, 0}};

	(void)state;
	for (unsigned int r = 0; r < ARRAY_SIZE(ranges); r++) {
		open_table(1ull << 28, 0);
		/* Nodes 0, 2 and 3. */
		reserve_at_every_k(0, 512);
		reserve_at_every_k(1024, 1024);
		for (uint64_t i = 0; i < 2048; i++) {
			uint64_t k;

			if (i / 512 != 1) {
				tce_table_store(tce_table_at(&t, i, &k), some_tce(i));
				model_store(i, some_tce(i));
			}
		}
		tce_table_clear(&t, ranges[r][0], ranges[r][1]);
		model_clear(ranges[r][0], ranges[r][1]);
		for (uint64_t i = 0; i < 2100; i++) {
			check_entry(i);
		}
		assert_true(used() == model_nodes());
		close_table();
	}
}

struct reserver {
	pthread_t thread;
	pthread_barrier_t *start;
	uint64_t first, n, mine;
	int err;
};

static void *reserve_and_store(void *arg)
{
	struct reserver *me = arg;
	uint64_t k;

	(void)pthread_barrier_wait(me->start);
	me->err = tce_table_reserve(&t, me->first, me->n);
	for (uint64_t i = me->mine; !me->err && i < me->n; i += 2) {
		be64_t *tce = tce_table_at(&t, me->first + i, &k);

		if (!tce) {
			me->err = -EAGAIN;
			break;
		}
		tce_table_store(tce, some_tce(me->first + i));
	}
	return NULL;
}

/* Two virtual CPUs that need the same nodes at the same moment get them once, and neither loses
 * what it stores. The range lies across the border of all levels but the root's. */
static void test_two_threads_reserve_the_same_range(void **state)
{
	uint64_t n = TCE_TABLE_MAX_RESERVE, first = (1ull << 36) - n / 2 - 7;
	pthread_barrier_t start;

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (unsigned int round = 0; round < MANY(200u); round++) {
		/* In every other round only half of it is the same. */
		uint64_t other = first + (round & 1 ? n / 2 : 0);
		struct reserver both[2] = {{.start = &start, .first = first, .n = n, .mine = 0},
			{.start = &start, .first = other, .n = n, .mine = 1}};

		open_table(1ull << 37, 0);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(
				pthread_create(&both[i].thread, NULL, reserve_and_store, &both[i]),
				0);
			(void)model_reserve(both[i].first, n, true);
		}
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(pthread_join(both[i].thread, NULL), 0);
			assert_int_equal(both[i].err, 0);
		}
		assert_true(used() == model_nodes());
		assert_true(tce_table_bytes(&t) == model_nodes() * MEM_PAGE);
		for (unsigned int i = 0; i < 2; i++) {
			for (uint64_t k = both[i].mine; k < n; k += 2) {
				uint64_t at = both[i].first + k;

				assert_true(walk(at) == some_tce(at));
			}
		}
		close_table();
	}
	assert_int_equal(pthread_barrier_destroy(&start), 0);
}

/* What is left is enough for both, since both need the same: a query has promised it. */
static void test_two_threads_share_the_last_pages(void **state)
{
	uint64_t n = TCE_TABLE_MAX_RESERVE, first = (1ull << 36) - n / 2 - 7;
	pthread_barrier_t start;

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	open_table(1ull << 37, 0);
	leave_pages(model_reserve(first, n, true));
	close_table();
	for (unsigned int round = 0; round < MANY(1000u); round++) {
		struct reserver both[2] = {{.start = &start, .first = first, .n = n, .mine = 0},
			{.start = &start, .first = first, .n = n, .mine = 1}};

		open_table(1ull << 37, 0);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(
				pthread_create(&both[i].thread, NULL, reserve_and_store, &both[i]),
				0);
		}
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(pthread_join(both[i].thread, NULL), 0);
			assert_int_equal(both[i].err, 0);
		}
		assert_true(page_pool_left(&pool) == 0);
		close_table();
	}
	leave_pages(NPAGES);
	assert_int_equal(pthread_barrier_destroy(&start), 0);
}

static atomic_uint turn, turn_done;

/* Entry 1 of what main has entry 0 of. */
static void *reserve_in_turns(void *arg)
{
	uint64_t k;

	for (unsigned int i = 1; i <= MANY(10000u); i++) {
		while (atomic_load(&turn) < i) {
			(void)sched_yield();
		}
		if (tce_table_reserve(&t, 1, 1)) {
			*(int *)arg = -ENOMEM;
		} else {
			tce_table_store(tce_table_at(&t, 1, &k), some_tce(1));
		}
		atomic_store(&turn_done, i);
	}
	return NULL;
}

/* The same so often that they meet at every link of the way. */
static void test_two_threads_link_the_same_way(void **state)
{
	pthread_t thread;
	int err = 0;
	uint64_t k;

	(void)state;
	atomic_store(&turn, 0);
	atomic_store(&turn_done, 0);
	assert_int_equal(pthread_create(&thread, NULL, reserve_in_turns, &err), 0);
	for (unsigned int i = 1; i <= MANY(10000u); i++) {
		open_table(1ull << 45, 0);
		atomic_store(&turn, i);
		assert_int_equal(tce_table_reserve(&t, 0, 1), 0);
		tce_table_store(tce_table_at(&t, 0, &k), some_tce(0));
		while (atomic_load(&turn_done) < i) {
			(void)sched_yield();
		}
		assert_true(walk(0) == some_tce(0) && walk(1) == some_tce(1));
		assert_true(used() == 5);
		close_table();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_levels_are_as_few_as_will_do),
		TEST(test_init_takes_a_root_or_nothing),
		TEST(test_reserve_takes_the_nodes_of_each_border),
		TEST(test_reserve_needs_a_range_it_can_do),
		TEST(test_reserve_is_exact_in_any_order),
		TEST(test_skip_is_bounded_and_says_the_truth),
		TEST(test_walk_is_as_deep_as_the_table),
		TEST(test_entries_are_those_that_were_stored),
		TEST(test_clear_ends_where_it_is_told),
		TEST(test_two_threads_reserve_the_same_range),
		TEST(test_two_threads_share_the_last_pages),
		TEST(test_two_threads_link_the_same_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
