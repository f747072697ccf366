// SPDX-License-Identifier: Apache-2.0
/*
 * core/ddw.c over VFIO and the strict PHB model: which windows there are after which calls, what
 * they cost, what a device reaches through them, and that no refused or failed call leaves a trace.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/ddw.h"
#include "core/log.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_machine.h"

#include <pthread.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Under emulation, where the byte order is the question, fewer will do. */
#define MANY	     (BE_HOST_IS_LITTLE ? 100000u : 10000u)
#define MIB	     0x100000ull
#define RAM	     (4 * MIB)
#define WIN1	     (1ull << 59)
#define DEFAULT_SIZE (4 * MIB)
#define LIOBN0	     0x80000600u
#define LIOBN1	     0x80000601u
#define RW	     (TCE_READ | TCE_WRITE)

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static struct guest_mem mem;
static struct phb phb;
static struct ddw ddw;
static struct ddw_account account;
static struct tce_scratch scratch;
static struct host_phb_ops hooked;
static uint64_t free_before; /* the default window not yet there, */
static uint64_t free_at_start;
static uint64_t used_at_start; /* and with it */

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static struct ddw_config config_of(struct phb *p, struct vfio_container *container)
{
	return (struct ddw_config){
		.owner = "alpha",
		.phb = p,
		.container = container,
		.mem = &mem,
		.pool = &m.ram.pool,
		.account = &account,
		.page_shifts = m.board.phbs[0].page_shifts,
		.default_size = DEFAULT_SIZE,
		.offered = true,
	};
}

/* The host bridge of group n, with its windows. */
static int bring_up(struct phb *p, struct ddw *d, unsigned int n, struct vfio_container **container,
	struct vfio_group **group)
{
	struct ddw_config config;

	assert_int_equal(phb_place(6 + n, &p->at), 0);
	strcpy(p->id, "CXGB3");
	assert_int_equal(vfio_open_container(&m.vfio, container), 0);
	assert_int_equal(vfio_open_group(&m.vfio, n, group), 0);
	assert_int_equal(vfio_group_set_container(*group, *container), 0);
	assert_int_equal(vfio_set_iommu(*container, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	free_before = mem_free_bytes(&m.ram.pool);
	config = config_of(p, *container);
	return ddw_init(d, &config);
}

/* Page n of the guest's memory, of 4 KiB, is full of n; all that is not its is 0xee. */
static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	log_set_sink(&sink);
	memset(&phb, 0, sizeof(phb));
	memset(&ddw, 0, sizeof(ddw));
	memset(&account, 0, sizeof(account));
	fake_machine_init(&m);
	assert_int_equal(mem_alloc(&m.ram.pool, RAM, RAM, &mem.host), 0);
	mem.ptr = mem_ptr(&m.ram.pool, mem.host);
	mem.size = RAM;
	memset(m.ram.mem, 0xee, FAKE_MACHINE_RAM);
	for (uint64_t i = 0; i < RAM; i++) {
		mem.ptr[i] = (uint8_t)(i >> 12 ^ i >> 20);
	}
	assert_int_equal(bring_up(&phb, &ddw, 0, &c, &g), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	free_at_start = mem_free_bytes(&m.ram.pool);
	used_at_start = account.used;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static int peek(uint64_t iova)
{
	uint8_t byte = 0;
	int err = fake_machine_dma(&m, 0, FAKE_DEV0, iova, &byte, 1, false);

	return err ? err : byte;
}

/* n pages of a window, from guest page first, at its page at. */
static int put(unsigned int slot, uint64_t at, uint64_t first, unsigned int n)
{
	unsigned int shift = phb.windows[slot].page_shift;

	for (unsigned int i = 0; i < n; i++) {
		scratch.tce[i] = ((first + i) << shift) | RW;
	}
	return tce_put(
		&phb.windows[slot], &mem, ioba(ddw_slot_base(slot).v + (at << shift)), n, &scratch);
}

static unsigned int windows_left(void)
{
	struct ddw_query q;

	assert_int_equal(ddw_query(&ddw, &q), 0);
	return q.windows;
}

static uint64_t largest_block(void)
{
	struct ddw_query q;

	assert_int_equal(ddw_query(&ddw, &q), 0);
	return q.largest_block;
}

/* Guest window 1 beside the default one. */
static void create_second(uint32_t page_shift, uint32_t window_shift)
{
	unsigned int slot = 99;

	assert_int_equal(ddw_create(&ddw, page_shift, window_shift, &slot), 0);
	assert_int_equal(slot, 1);
}

static void expect_as_at_start(void)
{
	assert_true(mem_free_bytes(&m.ram.pool) == free_at_start);
	assert_true(account.used == used_at_start);
	assert_true(ddw.has_default);
	assert_true(phb.windows[0].npages == DEFAULT_SIZE >> 12);
	assert_true(phb.windows[1].npages == 0);
	assert_int_equal(windows_left(), 1);
}

static void test_default_window_is_there_at_first(void **state)
{
	(void)state;
	expect_as_at_start();
	assert_int_equal(phb.windows[0].liobn, LIOBN0);
	assert_int_equal(phb.windows[0].page_shift, 12);
	assert_true(phb.windows[0].base.v == 0);
	assert_true(free_before - free_at_start == DEFAULT_SIZE / 4096 * 8);
	assert_true(account.used == DEFAULT_SIZE / 4096 * 8);
	assert_int_equal(put(0, 3, 5, 1), 0);
	assert_int_equal(peek(0x3000), 5);
}

/* Only pages that the host's bridge has, LoPAR has a bit for, and that all of the memory is made
 * of: 1 GiB has no bit. */
static void test_page_sizes_follow_host_and_memory(void **state)
{
	static const struct {
		uint32_t shifts;
		uint64_t host, size;
		uint32_t mask;
	} cases[] = {
		{1u << 12 | 1u << 16 | 1u << 21 | 1u << 30, 0x20000000000, RAM, 0x103},
		{1u << 12 | 1u << 16 | 1u << 21 | 1u << 30, 0x20000000000, 1ull << 36, 0x103},
		{1u << 12, 0x20000000000, RAM, 0x001},
		{1u << 12 | 1u << 16 | 1u << 24 | 1u << 28, 0x20000000000, 1ull << 30, 0x047},
		{1u << 12 | 1u << 16 | 1u << 24 | 1u << 28, 0x20001000000, 1ull << 30, 0x007},
		{1u << 12 | 1u << 16 | 1u << 21, 0x20000100000, RAM, 0x003},
		{1u << 12 | 1u << 16 | 1u << 21, 0x20000000000, RAM + MIB, 0x003},
		{1u << 12 | 1u << 16 | 1u << 21, 0x20000001000, RAM, 0x001},
		{1u << 25 | 1u << 26 | 1u << 27, 0x20000000000, 1ull << 30, 0x038},
		{1u << 30 | 1u << 31 | 1u << 13, 0x20000000000, 1ull << 36, 0},
		{UINT32_MAX, 0x20000000000, 1ull << 36, 0x17f},
	};
	const struct guest_mem was = mem;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ddw_query q;

		ddw.c.page_shifts = cases[i].shifts;
		mem.host = hpa(cases[i].host);
		mem.size = cases[i].size;
		assert_int_equal(ddw_query(&ddw, &q), 0);
		assert_int_equal(q.page_mask, cases[i].mask);
	}
	mem = was;
}

/* What a create with these words must come to, said apart from the code. */
static int want(uint32_t page_shift, uint32_t window_shift, uint64_t largest)
{
	if ((page_shift != 12 && page_shift != 16 && page_shift != 21) ||
		window_shift < page_shift || window_shift >= 64) {
		return -EINVAL;
	}
	if (window_shift >= 60) {
		return -ENOSPC;
	}
	for (uint32_t bits = window_shift - page_shift; bits; bits--) {
		largest /= 2;
	}
	return largest ? 0 : -ENOMEM;
}

static void check_pair(uint32_t page_shift, uint32_t window_shift, uint64_t largest)
{
	unsigned int slot = 99;
	int err = ddw_create(&ddw, page_shift, window_shift, &slot);

	if (err != want(page_shift, window_shift, largest)) {
		fail_msg("page shift %u, window shift %u: %d", (unsigned int)page_shift,
			(unsigned int)window_shift, err);
	}
	if (!err) {
		assert_true(phb.windows[1].npages << page_shift == 1ull << window_shift);
		assert_int_equal(ddw_remove(&ddw, slot), 0);
	}
	expect_as_at_start();
}

/* DW-02, DW-04, DW-06: every class of words, and none changes anything. */
static void test_every_pair_of_shifts_has_its_result(void **state)
{
	static const uint32_t special[] = {76, 80, 85, 90, 127, 128, 255, 256, 0x10000, 0x7fffffff,
		0x80000000, 0x8000000c, 0xfffffff4, 0xffffffff};
	uint32_t shifts[71 + ARRAY_SIZE(special)];
	uint64_t largest = largest_block();
	uint64_t random = 1;

	(void)state;
	for (uint32_t i = 0; i < 71; i++) {
		shifts[i] = i;
	}
	memcpy(&shifts[71], special, sizeof(special));
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(shifts); k++) {
			check_pair(shifts[i], shifts[k], largest);
		}
	}
	for (unsigned int i = 0; i < 10000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		check_pair((uint32_t)(random >> 32), (uint32_t)(random >> 16), largest);
	}
}

static uint32_t log2_of(uint64_t v)
{
	uint32_t n = 0;

	while (v >>= 1) {
		n++;
	}
	return n;
}

/* What query says can be made can be made, and twice as much cannot. */
static void check_honesty(void)
{
	unsigned int slot;
	uint64_t block = largest_block();
	uint32_t shift = log2_of(block) + 21;

	assert_true(block == 1ull << log2_of(block));
	assert_int_equal(ddw_create(&ddw, 21, shift + 1, &slot), -ENOMEM);
	assert_int_equal(ddw_create(&ddw, 21, shift, &slot), 0);
	assert_int_equal(ddw_remove(&ddw, slot), 0);
}

static void test_largest_block_is_true(void **state)
{
	hpa_t piece;

	(void)state;
	check_honesty();
	/* By what the host has: eleven pages at the end of nowhere near a power of two. */
	assert_int_equal(mem_alloc(&m.ram.pool, 0x3b000, MEM_PAGE, &piece), 0);
	check_honesty();
	/* By what the partition may have. */
	account.used = DDW_TABLE_LIMIT - 0x5000;
	assert_true(largest_block() == 0x4000 / 8);
	check_honesty();
	account.used = DDW_TABLE_LIMIT - 0x1000;
	assert_true(largest_block() == 0x1000 / 8);
	check_honesty();
	account.used = DDW_TABLE_LIMIT - 0xfff;
	assert_true(largest_block() == 0);
	account.used = DDW_TABLE_LIMIT;
	assert_true(largest_block() == 0);
}

/* What a partition of this size asks for, and what it costs it. */
static void test_memory_of_any_partition_needs_a_small_table(void **state)
{
	static const struct {
		uint32_t shift;
		uint64_t table;
	} cases[] = {{29, 0x1000}, {30, 0x1000}, {31, 0x2000}, {33, 0x8000}, {36, 0x40000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		create_second(21, cases[i].shift);
		assert_true(free_at_start - mem_free_bytes(&m.ram.pool) == cases[i].table);
		assert_true(account.used - used_at_start == cases[i].table);
		assert_int_equal(ddw_remove(&ddw, 1), 0);
		expect_as_at_start();
	}
}

/* DW-06: the log says which of the two it was, and for whom. */
static void test_window_too_large_is_refused_with_the_reason(void **state)
{
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_create(&ddw, 12, 36, &slot), -ENOMEM);
	assert_non_null(strstr(fake_arch.out,
		"alpha: host bridge CXGB3: no DMA window of 2^36 bytes with pages of 2^12: its "
		"table is more than the partition may have"));
	expect_as_at_start();
	fake_arch_clear_out();
	assert_int_equal(ddw_create(&ddw, 12, 34, &slot), -ENOMEM);
	assert_non_null(strstr(fake_arch.out, "the host could not make it (-ENOMEM)"));
	expect_as_at_start();
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(ddw_create(&ddw, 12, 34, &slot), -ENOMEM);
	}
	assert_true(fake_arch.nwrites <= LOG_BURST + 1);
}

/* DW-05 */
static void test_third_window_is_refused_and_two_are_intact(void **state)
{
	unsigned int slot = 99;

	(void)state;
	create_second(16, 22);
	assert_int_equal(put(0, 1, 7, 1), 0);
	assert_int_equal(put(1, 1, 3, 1), 0);
	assert_int_equal(windows_left(), 0);
	assert_true(largest_block() == 0);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOSPC);
	assert_int_equal(slot, 99);
	assert_int_equal(peek(0x1000), 7);
	assert_int_equal(peek(WIN1 + 0x15000), mem.ptr[0x35000]);
}

/* One sequence of calls and what is there then: D the default window, G one of the guest's, - none.
 */
struct story {
	const char *calls; /* c create, 0 and 1 remove, R reset */
	const char *windows;
	unsigned int left;
};

/* DW-11, and LIOBN 0's history does not stick to it. */
static const struct story stories[] = {
	{"", "D-", 1},
	{"c", "DG", 0},
	{"c1", "D-", 1},
	{"0", "--", 2},
	{"c10", "--", 2},
	{"0c", "G-", 1},
	{"0c0", "D-", 1},
	{"0c00", "--", 2},
	{"0c00c0", "D-", 1},
	{"0cc", "GG", 0},
	{"0cc0", "-G", 1},
	{"0cc01", "D-", 1},
	{"0cc1", "G-", 1},
	{"0cc10", "D-", 1},
	{"0cc0c", "GG", 0},
	{"c0", "-G", 1},
	{"c01", "D-", 1},
	{"c0c", "GG", 0},
	{"R", "D-", 1},
	{"cR", "D-", 1},
	{"0R", "D-", 1},
	{"0cR", "D-", 1},
	{"0ccR", "D-", 1},
	{"c0R", "D-", 1},
	{"c0Rc1", "D-", 1},
	{"RRR0R", "D-", 1},
};

/* Before each call every window that is open has an entry: what is not emptied shows. */
static void play(const char *calls)
{
	for (; *calls; calls++) {
		unsigned int slot;

		for (slot = 0; slot < PHB_MAX_WINDOWS; slot++) {
			if (phb.windows[slot].npages) {
				assert_int_equal(put(slot, 2, 3, 1), 0);
			}
		}
		switch (*calls) {
		case 'c':
			assert_int_equal(ddw_create(&ddw, 16, 22, &slot), 0);
			break;
		case 'R':
			assert_int_equal(ddw_reset(&ddw), 0);
			break;
		default:
			assert_int_equal(ddw_remove(&ddw, (unsigned int)(*calls - '0')), 0);
		}
	}
}

static char kind_of(unsigned int slot)
{
	const struct tce_window *w = &phb.windows[slot];

	if (!w->npages) {
		return '-';
	}
	assert_int_equal(w->liobn, slot ? LIOBN1 : LIOBN0);
	assert_true(w->base.v == ddw_slot_base(slot).v);
	if (w->page_shift == 12 && w->npages << 12 == DEFAULT_SIZE) {
		return 'D';
	}
	assert_int_equal(w->page_shift, 16);
	return 'G';
}

static void test_removal_follows_the_default_window_rule(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(stories); i++) {
		const struct story *s = &stories[i];

		teardown(state);
		setup(state);
		play(s->calls);
		if (kind_of(0) != s->windows[0] || kind_of(1) != s->windows[1] ||
			windows_left() != s->left) {
			fail_msg("after \"%s\": %c%c, %u left", s->calls, kind_of(0), kind_of(1),
				windows_left());
		}
		for (unsigned int slot = 0; slot < PHB_MAX_WINDOWS; slot++) {
			if (s->windows[slot] == '-') {
				assert_int_equal(peek(ddw_slot_base(slot).v + 0x20000), -EFAULT);
				assert_int_equal(ddw_remove(&ddw, slot), -EINVAL);
			}
		}
		assert_int_equal(ddw_reset(&ddw), 0);
		expect_as_at_start();
	}
}

/* DW-11, DW-12: neither what comes back nor what was reset has an entry. */
static void test_default_window_comes_back_empty(void **state)
{
	static const char *const ways[] = {"R", "cR", "0R", "c0R", "c01", "0c0"};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		teardown(state);
		setup(state);
		assert_int_equal(put(0, 0, 0, 512), 0);
		assert_int_equal(put(0, 512, 512, 512), 0);
		assert_int_equal(peek(0x5000), 5);
		play(ways[i]);
		assert_true(vfio_spapr_count_live(c) == 0);
		for (uint64_t page = 0; page < DEFAULT_SIZE >> 12; page += 5) {
			uint64_t tce = 1;

			assert_int_equal(tce_get(&phb.windows[0], ioba(page << 12), &tce), 0);
			assert_true(tce == 0);
		}
		assert_int_equal(peek(0x5000), -EFAULT);
	}
}

/* One invalidation for many entries: firmware takes its time for each page. */
static void test_reset_kills_the_cache_as_a_whole(void **state)
{
	unsigned int kills = m.phb[0].count[FAKE_TCE_KILL];

	(void)state;
	assert_int_equal(put(0, 0, 0, 512), 0);
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(m.phb[0].count[FAKE_TCE_KILL], kills + 2);
	assert_true(m.phb[0].log[m.phb[0].nlog - 1].arg[3] == 0);
}

static const unsigned int shifts_of_pages[] = {12, 16, 21};

/* All memory at base + guest address, and not one byte beside it. */
static void check_direct_mapping(unsigned int slot)
{
	unsigned int shift = phb.windows[slot].page_shift;
	uint64_t base = ddw_slot_base(slot).v;
	uint8_t byte = 0x5a;

	for (uint64_t at = 0; at < RAM >> shift; at += TCE_MAX_BATCH) {
		uint64_t n = (RAM >> shift) - at;

		assert_int_equal(
			put(slot, at, at, (unsigned int)(n < TCE_MAX_BATCH ? n : TCE_MAX_BATCH)),
			0);
	}
	for (uint64_t at = 0x123; at < RAM; at += 0x10fff) {
		assert_int_equal(peek(base + at), mem.ptr[at]);
	}
	assert_int_equal(fake_machine_dma(&m, 0, FAKE_DEV0, base + RAM - 1, &byte, 1, true), 0);
	assert_int_equal(mem.ptr[RAM - 1], 0x5a);
	assert_int_equal(peek(base + RAM), -EFAULT);
	assert_int_equal(peek(base + (1ull << 40)), -EFAULT);
	assert_int_equal(peek(base | 1ull << 60), -EFAULT);
}

static void test_device_reaches_memory_through_each_page_size(void **state)
{
	const struct host_group *host = &m.board.groups[0];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shifts_of_pages); i++) {
		create_second(shifts_of_pages[i], 23);
		assert_int_equal(peek(WIN1), -EFAULT);
		check_direct_mapping(1);
		/* DW-14: what the PHB decodes with. */
		assert_int_equal(m.phb[0].windows[host->pe][1].page_shift, shifts_of_pages[i]);
		assert_int_equal(ddw_remove(&ddw, 1), 0);
		assert_int_equal(peek(WIN1), -EFAULT);
		assert_false(m.phb[0].windows[host->pe][1].on);
	}
	expect_as_at_start();
}

/* The first place works as well, once the guest has removed the default. */
static void test_large_pages_work_in_the_first_place(void **state)
{
	unsigned int slot = 99;

	(void)state;
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(ddw_create(&ddw, 21, 23, &slot), 0);
	assert_int_equal(slot, 0);
	check_direct_mapping(0);
}

/* DW-14: an entry cached under the old size is not used under the new one. */
static void test_window_of_another_page_size_decodes_nothing_of_the_old(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shifts_of_pages); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(shifts_of_pages); k++) {
			create_second(shifts_of_pages[i], 22);
			assert_int_equal(put(1, 0, 0, 1), 0);
			assert_int_equal(peek(WIN1 + 0x800), 0);
			assert_int_equal(ddw_remove(&ddw, 1), 0);
			create_second(shifts_of_pages[k], 22);
			assert_int_equal(peek(WIN1 + 0x800), -EFAULT);
			assert_int_equal(put(1, 0, 1, 1), 0);
			assert_int_equal(
				peek(WIN1 + 0x800), mem.ptr[(1ull << shifts_of_pages[k]) + 0x800]);
			assert_int_equal(ddw_remove(&ddw, 1), 0);
		}
	}
}

/* A TCE must name a whole page of the window's size inside the memory. */
static void test_large_tce_must_be_aligned_and_inside(void **state)
{
	static const uint64_t bad[] = {0x1000, 0x10000, 0x100000, RAM, RAM - 0x1000, 1ull << 63};

	(void)state;
	create_second(21, 23);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		scratch.tce[0] = bad[i] | RW;
		assert_int_equal(tce_put(&phb.windows[1], &mem, ioba(WIN1), 1, &scratch), -EINVAL);
	}
	assert_int_equal(put(1, 4, 0, 1), -EINVAL);
	assert_true(vfio_spapr_count_live(c) == 0);
}

/* DW-13 */
static void test_creating_and_removing_many_times_leaks_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		unsigned int slot;

		assert_int_equal(ddw_create(&ddw, shifts_of_pages[i % 3], 21 + i % 2, &slot), 0);
		assert_int_equal(slot, 1);
		assert_int_equal(ddw_remove(&ddw, slot), 0);
	}
	expect_as_at_start();
	create_second(21, 23);
	check_direct_mapping(1);
}

/* The default window's bytes are kept for it: whatever the guest does, it fits. */
static void test_default_window_fits_the_account_again(void **state)
{
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_true(account.used == used_at_start);
	account.used = DDW_TABLE_LIMIT - 0x1000;
	assert_int_equal(ddw_create(&ddw, 21, 23, &slot), 0);
	assert_true(account.used == DDW_TABLE_LIMIT);
	assert_int_equal(ddw_create(&ddw, 21, 23, &slot), -ENOMEM);
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(kind_of(0), 'D');
	assert_true(account.used == DDW_TABLE_LIMIT - 0x1000);
}

/* The host may have nothing left for it; the guest is told, and can ask again. */
static void test_default_window_that_cannot_come_back_is_said(void **state)
{
	unsigned int slot;
	hpa_t big, small;

	(void)state;
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(ddw_create(&ddw, 21, 23, &slot), 0);
	assert_int_equal(mem_alloc(&m.ram.pool, 2 * MEM_PAGE, 2 * MEM_PAGE, &big), 0);
	while (!mem_alloc(&m.ram.pool, MEM_PAGE, MEM_PAGE, &small)) {
	}
	assert_int_equal(ddw_remove(&ddw, slot), -ENOMEM);
	assert_non_null(strstr(fake_arch.out, "alpha: host bridge CXGB3: no default DMA window"));
	assert_int_equal(windows_left(), 2);
	assert_int_equal(peek(0), -EFAULT);
	assert_int_equal(ddw_reset(&ddw), -ENOMEM);
	assert_int_equal(mem_free(&m.ram.pool, big, 2 * MEM_PAGE), 0);
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(kind_of(0), 'D');
}

/* Two bridges, one partition, one limit. */
static void test_bridges_of_a_partition_share_the_limit(void **state)
{
	static struct phb other;
	static struct ddw second;
	struct vfio_container *container;
	struct vfio_group *group;
	unsigned int slot;

	(void)state;
	memset(&other, 0, sizeof(other));
	memset(&second, 0, sizeof(second));
	assert_int_equal(bring_up(&other, &second, 1, &container, &group), 0);
	assert_true(account.used == 2 * used_at_start);
	assert_int_equal(ddw_create(&second, 12, 22, &slot), 0);
	assert_true(account.used == 2 * used_at_start + 0x2000);
	account.used += DDW_TABLE_LIMIT - 2 * used_at_start - 0x2000;
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOMEM);
	ddw_exit(&second);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), 0);
}

static void test_exit_closes_every_window(void **state)
{
	static const char *const ways[] = {"", "c", "0", "0c", "c0", "0cc"};
	static struct ddw never;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		teardown(state);
		setup(state);
		play(ways[i]);
		ddw_exit(&ddw);
		assert_true(account.used == 0);
		assert_true(mem_free_bytes(&m.ram.pool) == free_before);
		assert_false(fake_phb_any_window(&m.phb[0]));
		assert_true(!phb.windows[0].npages && !phb.windows[1].npages);
		ddw_exit(&ddw);
		assert_true(account.used == 0);
	}
	ddw_exit(&never);
}

/* Decision 9 */
static void test_bypass_leaves_no_window_to_make(void **state)
{
	unsigned int slot = 99;

	(void)state;
	assert_int_equal(vfio_bridge_open_bypass(c, &mem, ioba(PHB_BYPASS_BASE), 1u << 21), 0);
	phb.bypass_size = RAM;
	assert_int_equal(windows_left(), 0);
	assert_true(largest_block() == 0);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOSPC);
	assert_non_null(strstr(fake_arch.out, "bypass is on"));
	assert_int_equal(ddw_create(&ddw, 20, 22, &slot), -EINVAL);
	assert_int_equal(ddw_remove(&ddw, 1), -EINVAL);
	assert_int_equal(ddw_remove(&ddw, 0), 0);
	assert_int_equal(windows_left(), 0);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -ENOSPC);
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(kind_of(0), 'D');
	assert_int_equal(peek(PHB_BYPASS_BASE + 0x7000), 7);
}

/* --- While a change goes on ------------------------------------------------------------------ */

static void expect_busy(void)
{
	struct ddw_query q;
	unsigned int slot;

	assert_int_equal(ddw_query(&ddw, &q), -EBUSY);
	assert_int_equal(ddw_create(&ddw, 21, 22, &slot), -EBUSY);
	assert_int_equal(ddw_remove(&ddw, 0), -EBUSY);
	assert_int_equal(ddw_remove(&ddw, 1), -EBUSY);
	assert_int_equal(ddw_reset(&ddw), -EBUSY);
	/* Wrong words are wrong all the same. */
	assert_int_equal(ddw_create(&ddw, 13, 22, &slot), -EINVAL);
}

static const struct phb_map only_phb = {.place = {[6] = 1}};

static void expect_not_there(unsigned int slot)
{
	assert_null(phb_find_window(&only_phb, &phb, slot ? LIOBN1 : LIOBN0));
	assert_int_equal(put(slot, 0, 0, 1), -EINVAL);
	assert_int_equal(tce_clear(&phb.windows[slot], ddw_slot_base(slot), 1), -EINVAL);
}

static unsigned int met;

/* DW-07: what another virtual CPU finds while firmware sets the window up. */
static int set_and_look(struct host_phb *host, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t bytes, unsigned int levels, unsigned int shift)
{
	int err = fake_phb_ops.window_set(host, pe, win, table, bytes, levels, shift);

	met++;
	expect_not_there(win);
	expect_busy();
	assert_int_equal(put(!win, 1, 1, 1), 0);
	return err;
}

/* And while firmware takes it away: nothing finds it any more. */
static int look_and_off(struct host_phb *host, unsigned int pe, unsigned int win)
{
	met++;
	expect_not_there(win);
	expect_busy();
	assert_int_equal(put(!win, 1, 1, 1), 0);
	return fake_phb_ops.window_off(host, pe, win);
}

static void test_window_is_seen_only_while_it_is_complete(void **state)
{
	(void)state;
	hooked = fake_phb_ops;
	hooked.window_set = set_and_look;
	hooked.window_off = look_and_off;
	m.board.phbs[0].ops = &hooked;
	met = 0;
	create_second(16, 22);
	assert_int_equal(met, 1);
	assert_non_null(phb_find_window(&only_phb, &phb, LIOBN1));
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	assert_int_equal(met, 2);
}

static int removed;

static void *remove_it(void *arg)
{
	removed = ddw_remove(&ddw, 1);
	return arg;
}

static pthread_t remover;
static unsigned int offs;

/* A removal that begins while this call is inside must wait until it is out again. */
static int kill_and_linger(
	struct host_phb *host, unsigned int pe, unsigned int shift, ioba_t at, uint64_t n)
{
	m.board.phbs[0].ops = &fake_phb_ops;
	assert_int_equal(pthread_create(&remover, NULL, remove_it, NULL), 0);
	while (atomic_load(&phb.windows[1].npages)) {
	}
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(atomic_load(&phb.windows[1].users), 1);
		offs += m.phb[0].count[FAKE_WINDOW_OFF];
	}
	return fake_phb_ops.tce_kill(host, pe, shift, at, n);
}

/* HC-28: success, and then the removal; never a window that goes while it is used. */
static void test_removal_waits_for_a_call_that_is_inside(void **state)
{
	unsigned int before;

	(void)state;
	create_second(16, 22);
	before = m.phb[0].count[FAKE_WINDOW_OFF];
	hooked = fake_phb_ops;
	hooked.tce_kill = kill_and_linger;
	m.board.phbs[0].ops = &hooked;
	offs = 0;
	assert_int_equal(put(1, 0, 0, 1), 0);
	assert_int_equal(offs, 1000 * before);
	assert_int_equal(pthread_join(remover, NULL), 0);
	assert_int_equal(removed, 0);
	expect_as_at_start();
}

#define ROUNDS 3000

static atomic_bool done;

static void *change_windows(void *arg)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int slot;

		if (ddw_create(&ddw, shifts_of_pages[i % 3], 22, &slot) || slot != 1 ||
			(i % 4 ? ddw_remove(&ddw, 1) : ddw_reset(&ddw))) {
			*(bool *)arg = true;
			break;
		}
	}
	atomic_store(&done, true);
	return NULL;
}

/* HC-28 as it comes: whatever the moment, success or a window that is not there. */
static void test_puts_and_changes_race_to_a_clean_end(void **state)
{
	bool failed = false;
	pthread_t changer;

	(void)state;
	atomic_store(&done, false);
	assert_int_equal(pthread_create(&changer, NULL, change_windows, &failed), 0);
	while (!atomic_load(&done)) {
		scratch.tce[0] = RW;
		int err = tce_put(&phb.windows[1], &mem, ioba(WIN1), 1, &scratch);

		assert_true(err == 0 || err == -EINVAL);
		err = tce_clear(&phb.windows[1], ioba(WIN1), 1);
		assert_true(err == 0 || err == -EINVAL);
	}
	assert_int_equal(pthread_join(changer, NULL), 0);
	assert_false(failed);
	assert_true(vfio_spapr_count_live(c) == 0);
	expect_as_at_start();
}

/* --- Hardware that fails -----------------------------------------------------------------------
 */

/* Sound whatever happened: bytes are counted, and after the end nothing is. */
static void expect_sound(void)
{
	uint64_t held = vfio_spapr_held_bytes(c, ioba(0)) + vfio_spapr_held_bytes(c, ioba(WIN1));

	assert_true(free_before - mem_free_bytes(&m.ram.pool) == held);
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		bool open = phb.windows[i].npages != 0;

		assert_int_equal(ddw.slots[i].lost,
			!open && vfio_spapr_held_bytes(c, ddw_slot_base(i)) != 0);
		assert_true(ddw.slots[i].charged == 0 || open || ddw.slots[i].lost);
	}
	fake_machine_heal(&m);
	ddw_exit(&ddw);
	assert_true(account.used == 0);
	assert_true(!phb.windows[0].npages && !phb.windows[1].npages);
	assert_int_equal(vfio_close_group(g), 0);
}

struct failing {
	const char *before;
	char call;
};

/* The first call of the PHB that fails, then the second, and so on until none is left. */
static void fail_each_step(void **state, const struct failing *f, bool late)
{
	for (unsigned int n = 1;; n++) {
		const char one[] = {f->call, '\0'};
		unsigned int slot;
		bool all_made;
		int err;

		teardown(state);
		setup(state);
		play(f->before);
		m.phb[0].fail_late = late;
		fake_machine_fail_at(&m, n);
		err = one[0] == 'c'   ? ddw_create(&ddw, 16, 22, &slot)
		      : one[0] == 'R' ? ddw_reset(&ddw)
				      : ddw_remove(&ddw, (unsigned int)(one[0] - '0'));
		all_made = m.phb[0].fail_at != 0;
		if (!all_made && err != -EIO) {
			fail_msg("\"%s\", then %c with step %u failing: %d", f->before, f->call, n,
				err);
		}
		assert_true(!all_made || !err);
		expect_sound();
		if (all_made) {
			assert_true(n > 1);
			return;
		}
	}
}

static void test_step_that_fails_is_told_and_nothing_is_lost_count_of(void **state)
{
	static const struct failing cases[] = {{"", 'c'}, {"c", '1'}, {"c", '0'}, {"", '0'},
		{"0", 'c'}, {"c0", '1'}, {"0c", '0'}, {"", 'R'}, {"c", 'R'}, {"0", 'R'},
		{"0cc", 'R'}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_each_step(state, &cases[i], false);
		fail_each_step(state, &cases[i], true);
	}
}

/* A place whose table hardware may still see is nobody's. */
static void test_place_that_was_not_confirmed_closed_is_not_used_again(void **state)
{
	unsigned int slot;

	(void)state;
	create_second(16, 22);
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(ddw_remove(&ddw, 1), -EIO);
	assert_true(account.used == used_at_start + 0x1000);
	fake_machine_heal(&m);
	assert_int_equal(windows_left(), 0);
	assert_int_equal(ddw_create(&ddw, 16, 22, &slot), -ENOSPC);
	assert_int_equal(kind_of(0), 'D');
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_int_equal(put(0, 1, 9, 1), 0);
	assert_int_equal(peek(0x1000), 9);
	ddw_exit(&ddw);
	assert_true(account.used == 0);
}

static void test_default_window_that_cannot_be_made_leaves_nothing(void **state)
{
	static struct phb other;
	static struct ddw second;
	struct vfio_container *container;
	struct vfio_group *group;

	(void)state;
	memset(&other, 0, sizeof(other));
	memset(&second, 0, sizeof(second));
	m.phb[1].fail_op[FAKE_WINDOW_SET] = true;
	assert_int_equal(bring_up(&other, &second, 1, &container, &group), -EIO);
	assert_true(account.used == used_at_start);
	assert_true(mem_free_bytes(&m.ram.pool) == free_before);
	ddw_exit(&second);
	assert_true(account.used == used_at_start);
	account.used = DDW_TABLE_LIMIT;
	fake_machine_heal(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_default_window_is_there_at_first),
		TEST(test_page_sizes_follow_host_and_memory),
		TEST(test_every_pair_of_shifts_has_its_result),
		TEST(test_largest_block_is_true),
		TEST(test_memory_of_any_partition_needs_a_small_table),
		TEST(test_window_too_large_is_refused_with_the_reason),
		TEST(test_third_window_is_refused_and_two_are_intact),
		TEST(test_removal_follows_the_default_window_rule),
		TEST(test_default_window_comes_back_empty),
		TEST(test_reset_kills_the_cache_as_a_whole),
		TEST(test_device_reaches_memory_through_each_page_size),
		TEST(test_large_pages_work_in_the_first_place),
		TEST(test_window_of_another_page_size_decodes_nothing_of_the_old),
		TEST(test_large_tce_must_be_aligned_and_inside),
		TEST(test_creating_and_removing_many_times_leaks_nothing),
		TEST(test_default_window_fits_the_account_again),
		TEST(test_default_window_that_cannot_come_back_is_said),
		TEST(test_bridges_of_a_partition_share_the_limit),
		TEST(test_exit_closes_every_window),
		TEST(test_bypass_leaves_no_window_to_make),
		TEST(test_window_is_seen_only_while_it_is_complete),
		TEST(test_removal_waits_for_a_call_that_is_inside),
		TEST(test_puts_and_changes_race_to_a_clean_end),
		TEST(test_step_that_fails_is_told_and_nothing_is_lost_count_of),
		TEST(test_place_that_was_not_confirmed_closed_is_not_used_again),
		TEST(test_default_window_that_cannot_be_made_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
