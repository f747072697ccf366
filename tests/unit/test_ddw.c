// SPDX-License-Identifier: Apache-2.0
/*
 * core/ddw.c over VFIO and the strict PHB model: which windows there are after which calls, what
 * they cost, what a device reaches through them, and that no refused or failed call leaves a trace.
 */
#include "tests/unit/ddw_help.h"

#include <pthread.h>

static struct host_phb_ops hooked;

/* One page for its root, and another when something is mapped. */
static void test_default_window_is_there_at_first(void **state)
{
	(void)state;
	expect_as_at_start();
	assert_int_equal(phb.windows[0].liobn, LIOBN0);
	assert_int_equal(phb.windows[0].page_shift, 12);
	assert_true(phb.windows[0].base.v == 0);
	assert_int_equal(held(0), MEM_PAGE);
	assert_int_equal(put(0, 3, 5, 1), 0);
	assert_int_equal(peek(0x3000), 5);
	assert_int_equal(held(0), 2 * MEM_PAGE);
	expect_as_at_start();
}

#define S(n) (1u << (n))

/* Pages that the host's bridge has, or that can be made of up to sixteen of its; that LoPAR has a
 * bit for, which 1 GiB has not; and that all of the memory is made of. */
static void test_page_sizes_follow_host_and_memory(void **state)
{
	static const struct {
		uint32_t shifts;
		uint64_t host, size;
		uint32_t mask;
	} cases[] = {
		{S(12) | S(16) | S(21) | S(30), 0x20000000000, RAM, 0x103},
		{S(12) | S(16) | S(21) | S(30), 0x20000000000, 1ull << 36, 0x10f},
		{S(12) | S(16) | S(21) | S(30), 0x20000200000, 3ull << 24, 0x107},
		{S(12) | S(16) | S(21) | S(30), 0x20000200000, 5ull << 25, 0x10f},
		{S(12), 0x20000000000, RAM, 0x003},
		{S(12) | S(16) | S(24) | S(28), 0x20000000000, 1ull << 30, 0x07f},
		{S(12) | S(16) | S(24) | S(28), 0x20001000000, 1ull << 30, 0x07f},
		{S(12) | S(16) | S(24) | S(29), 0x20000800000, 1ull << 30, 0x003},
		{S(12) | S(16) | S(21), 0x20000100000, RAM, 0x003},
		{S(12) | S(16) | S(21), 0x20000000000, RAM + MIB, 0x003},
		{S(12) | S(16) | S(21), 0x20000001000, RAM, 0x003},
		{S(16), 0x20000001000, RAM, 0},
		{S(25) | S(26) | S(27), 0x20000000000, 1ull << 30, 0x078},
		{S(30) | S(31) | S(13), 0x20000000000, 1ull << 36, 0x002},
		{S(30) | S(31), 0x20000000000, 1ull << 36, 0},
		{UINT32_MAX, 0x20000000000, 1ull << 36, 0x17f},
		{UINT32_MAX, 0, 1ull << 36, 0x17f},
	};
	const struct guest_mem was = mem;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ddw_query q;

		ddw.c.page_shifts = cases[i].shifts;
		mem.host = hpa(cases[i].host);
		mem.size = cases[i].size;
		assert_int_equal(ddw_query(&ddw, &q), 0);
		if (q.page_mask != cases[i].mask) {
			fail_msg("case %zu: %x", i, (unsigned int)q.page_mask);
		}
		assert_true(!q.page_mask == !q.largest_block);
	}
	mem = was;
}

/* What a create with these words must come to, said apart from the code. split: what a page of
 * 2^page_shift is made of below is so much smaller. */
static int want(uint32_t page_shift, uint32_t window_shift, uint32_t split)
{
	if (window_shift < page_shift || window_shift >= 64) {
		return -EINVAL;
	}
	if (window_shift >= 60 || window_shift - page_shift + split > 5 * 9) {
		return -ENOSPC;
	}
	return 0;
}

static void check_pair(uint32_t page_shift, uint32_t window_shift)
{
	bool small_only = m.board.phbs[0].page_shifts == 1u << 12;
	bool offered = page_shift == 12 || page_shift == 16 || (page_shift == 21 && !small_only);
	int right = offered ? want(page_shift, window_shift, small_only && page_shift == 16 ? 4 : 0)
			    : -EINVAL;
	unsigned int slot = 99;
	int err = ddw_create(&ddw, page_shift, window_shift, &slot);

	if (err != right) {
		fail_msg("page shift %u, window shift %u: %d", (unsigned int)page_shift,
			(unsigned int)window_shift, err);
	}
	if (!err) {
		assert_true(phb.windows[1].npages << page_shift == 1ull << window_shift);
		assert_int_equal(held(1), MEM_PAGE);
		assert_int_equal(ddw_remove(&ddw, slot), 0);
	}
	expect_as_at_start();
}

/* Every small number, and each power of two with its neighbours. */
static unsigned int fill_shifts(uint32_t *shifts)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < 71; i++) {
		shifts[n++] = i;
	}
	for (unsigned int k = 7; k <= 32; k++) {
		for (uint32_t d = 0; d < 3; d++) {
			shifts[n++] = (uint32_t)(1ull << k) - 1 + d;
		}
	}
	/* What is one of ours when its high bits fall off. */
	for (unsigned int k = 6; k < 32; k++) {
		shifts[n++] = (1u << k) + 12;
		shifts[n++] = (1u << k) + 21;
	}
	return n;
}

/* DW-02, DW-04, DW-06: every class of words, and none changes anything. */
static void test_every_pair_of_shifts_has_its_result(void **state)
{
	uint32_t shifts[256];
	unsigned int n = fill_shifts(shifts);
	uint64_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int k = 0; k < n; k++) {
			check_pair(shifts[i], shifts[k]);
		}
	}
	for (unsigned int i = 0; i < 10000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		check_pair((uint32_t)(random >> 32), (uint32_t)(random >> 16));
	}
}

/* A page of 64 KiB is then made of sixteen: the table has sixteen times the entries. */
static void test_every_pair_on_a_host_with_small_pages_only(void **state)
{
	(void)state;
	teardown(state);
	set_up(POOL_PAGES, 1u << 12);
	for (uint32_t i = 0; i < 71; i++) {
		for (uint32_t k = 0; k < 71; k++) {
			check_pair(i, k);
		}
	}
}

/* DW-06: the log says why, and for whom. */
static void test_window_too_large_is_refused_with_the_reason(void **state)
{
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_create(&ddw, 12, 58, &slot), -ENOSPC);
	assert_non_null(strstr(fake_arch.out,
		"alpha: host bridge CXGB3: no DMA window of 2^58 bytes with pages of 2^12: its "
		"table would need more than five levels (-ENOSPC)"));
	expect_as_at_start();
	fake_arch_clear_out();
	assert_int_equal(ddw_create(&ddw, 21, 60, &slot), -ENOSPC);
	assert_non_null(strstr(fake_arch.out, "it is longer than a window's place on the bus"));
	expect_as_at_start();
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(ddw_create(&ddw, 12, 59, &slot), -ENOSPC);
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

/* One sequence of calls, as in ddw_help.h, and what is there then. */
struct story {
	const char *calls;
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

/* A window of 524288 pages of which one is mapped: what has no node is not looked at, and is not
 * worth an invalidation. */
static void test_reset_passes_over_what_is_empty(void **state)
{
	struct ddw_config config;
	unsigned int kills;

	(void)state;
	teardown(state);
	set_up_machine(POOL_PAGES, 0);
	join(&phb, 0, &c, &g);
	config = config_of(&phb, c, m.board.phbs[0].page_shifts);
	config.default_size = 1ull << 31;
	assert_int_equal(ddw_init(&ddw, &config), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	assert_int_equal(put(0, 300000, 7, 1), 0);
	assert_int_equal(peek(300000ull << 12), 7);
	assert_int_equal(held(0), 3 * MEM_PAGE);
	kills = m.phb[0].count[FAKE_TCE_KILL];
	assert_int_equal(ddw_reset(&ddw), 0);
	assert_in_range(m.phb[0].count[FAKE_TCE_KILL], kills + 1, kills + 2);
	assert_int_equal(peek(300000ull << 12), -EFAULT);
	assert_true(vfio_spapr_count_live(c) == 0);
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
		assert_int_equal(tce_put(&phb.windows[1], ioba(WIN1), 1, &scratch), -EINVAL);
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

static void test_exit_closes_every_window(void **state)
{
	static const char *const ways[] = {"", "c", "0", "0c", "c0", "0cc", "b", "b0", "bB"};
	static struct ddw never;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		teardown(state);
		setup(state);
		play(ways[i]);
		ddw_exit(&ddw);
		assert_int_equal(page_pool_used(&tables), MEM_PAGE);
		ddw_exit(&ddw);
		expect_nothing_kept();
	}
	ddw_exit(&never);
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
	assert_int_equal(call('b'), -EBUSY);
	assert_int_equal(call('B'), -EBUSY);
	/* Wrong words are wrong all the same. */
	assert_int_equal(ddw_create(&ddw, 13, 22, &slot), -EINVAL);
}

static const struct phb_map only_phb = {
	.at = {[6] = &phb}, .windows = {[6] = {&phb.windows[0], &phb.windows[1]}}};

static void expect_not_there(unsigned int slot)
{
	assert_null(phb_find_window(&only_phb, slot ? LIOBN1 : LIOBN0));
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
	assert_non_null(phb_find_window(&only_phb, LIOBN1));
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	assert_int_equal(met, 2);
}

static int refuse_set(struct host_phb *host, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t bytes, unsigned int levels, unsigned int shift)
{
	(void)host;
	(void)pe;
	(void)win;
	(void)table;
	(void)bytes;
	(void)levels;
	(void)shift;
	return -EINVAL;
}

/* What the guest asked for was right: a host that calls it invalid is broken. */
static void test_what_the_host_calls_invalid_is_its_own_fault(void **state)
{
	unsigned int slot;

	(void)state;
	hooked = fake_phb_ops;
	hooked.window_set = refuse_set;
	m.board.phbs[0].ops = &hooked;
	assert_int_equal(ddw_create(&ddw, 12, 24, &slot), -EIO);
	m.board.phbs[0].ops = &fake_phb_ops;
	expect_as_at_start();
}

/* A place where hardware may still look at the table of a window that never was: no other comes
 * there, and the guest is not told that one could. */
static void test_place_that_is_lost_is_not_offered(void **state)
{
	struct ddw_query q;
	unsigned int slot;

	(void)state;
	m.phb[0].fail_op[FAKE_WINDOW_SET] = true;
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	assert_int_equal(ddw_create(&ddw, 12, 24, &slot), -EIO);
	fake_machine_heal(&m);
	assert_int_equal(ddw_query(&ddw, &q), 0);
	assert_int_equal(q.windows, 0);
	assert_int_equal(ddw_create(&ddw, 12, 24, &slot), -ENOSPC);
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
static int kill_and_linger(struct host_phb *host, unsigned int pe)
{
	m.board.phbs[0].ops = &fake_phb_ops;
	assert_int_equal(pthread_create(&remover, NULL, remove_it, NULL), 0);
	while (atomic_load(&phb.windows[1].npages)) {
	}
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(atomic_load(&phb.windows[1].users), 1);
		offs += m.phb[0].count[FAKE_WINDOW_OFF];
	}
	return fake_phb_ops.tce_kill(host, pe);
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
		int err = tce_put(&phb.windows[1], ioba(WIN1), 1, &scratch);

		assert_true(err == 0 || err == -EINVAL);
		err = tce_clear(&phb.windows[1], ioba(WIN1), 1);
		assert_true(err == 0 || err == -EINVAL);
	}
	assert_int_equal(pthread_join(changer, NULL), 0);
	assert_false(failed);
	assert_true(vfio_spapr_count_live(c) == 0);
	expect_as_at_start();
}

/* The plan's page for the default window: the host's own, or made of its. */
static void test_default_window_has_the_page_it_is_given(void **state)
{
	static const struct {
		unsigned int shift;
		uint32_t host;
		unsigned int below; /* 0: it cannot be */
	} cases[] = {{0, S(12) | S(16) | S(21), 12}, {12, S(12), 12},
		{16, S(12) | S(16) | S(21), 16}, {16, S(12), 12}, {21, S(12) | S(16) | S(21), 21},
		{21, S(12), 0}, {30, S(12) | S(30), 0}, {13, S(16), 0}, {11, S(12), 0},
		{64, S(12), 0}, {200, S(12), 0}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int shift = cases[i].shift ? cases[i].shift : 12;
		struct ddw_config config;

		teardown(state);
		set_up_machine(POOL_PAGES, cases[i].host);
		join(&phb, 0, &c, &g);
		free_at_start = mem_free_bytes(&m.ram.pool);
		config = config_of(&phb, c, cases[i].host);
		config.default_shift = cases[i].shift;
		if (!cases[i].below) {
			assert_int_equal(ddw_init(&ddw, &config), -EINVAL);
			expect_nothing_kept();
			continue;
		}
		assert_int_equal(ddw_init(&ddw, &config), 0);
		fake_machine_master(&m, 0, FAKE_DEV0);
		assert_int_equal(phb.windows[0].page_shift, shift);
		assert_int_equal(
			m.phb[0].windows[m.board.groups[0].pe][0].page_shift, cases[i].below);
		check_direct_mapping(0);
		assert_int_equal(ddw_reset(&ddw), 0);
		assert_int_equal(peek(0x123), -EFAULT);
		expect_exact();
		expect_nothing_kept();
	}
}

/* The guest's page of 64 KiB over the host's of 4: all of it is there, and H_GET_TCE says what was
 * put. */
static void test_larger_page_is_made_of_the_hosts(void **state)
{
	uint64_t tce = 0;

	(void)state;
	teardown(state);
	set_up(POOL_PAGES, 1u << 12);
	create_second(16, 23);
	assert_int_equal(m.phb[0].windows[m.board.groups[0].pe][1].page_shift, 12);
	check_direct_mapping(1);
	assert_int_equal(tce_get(&phb.windows[1], ioba(WIN1 + 0x30000), &tce), 0);
	assert_true(tce == (0x30000 | RW));
	scratch.tce[0] = 0x31000 | RW;
	assert_int_equal(tce_put(&phb.windows[1], ioba(WIN1), 1, &scratch), -EINVAL);
	assert_int_equal(tce_clear(&phb.windows[1], ioba(WIN1 + 0x30000), 1), 0);
	assert_int_equal(peek(WIN1 + 0x2ffff), 0x2f);
	assert_int_equal(peek(WIN1 + 0x30000), -EFAULT);
	assert_int_equal(peek(WIN1 + 0x3ffff), -EFAULT);
	assert_int_equal(peek(WIN1 + 0x40000), 0x40);
	assert_int_equal(ddw_remove(&ddw, 1), 0);
	expect_as_at_start();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_default_window_is_there_at_first),
		TEST(test_page_sizes_follow_host_and_memory),
		TEST(test_every_pair_of_shifts_has_its_result),
		TEST(test_every_pair_on_a_host_with_small_pages_only),
		TEST(test_window_too_large_is_refused_with_the_reason),
		TEST(test_third_window_is_refused_and_two_are_intact),
		TEST(test_removal_follows_the_default_window_rule),
		TEST(test_default_window_comes_back_empty),
		TEST(test_reset_passes_over_what_is_empty),
		TEST(test_device_reaches_memory_through_each_page_size),
		TEST(test_large_pages_work_in_the_first_place),
		TEST(test_window_of_another_page_size_decodes_nothing_of_the_old),
		TEST(test_large_tce_must_be_aligned_and_inside),
		TEST(test_creating_and_removing_many_times_leaks_nothing),
		TEST(test_exit_closes_every_window),
		TEST(test_what_the_host_calls_invalid_is_its_own_fault),
		TEST(test_place_that_is_lost_is_not_offered),
		TEST(test_window_is_seen_only_while_it_is_complete),
		TEST(test_removal_waits_for_a_call_that_is_inside),
		TEST(test_puts_and_changes_race_to_a_clean_end),
		TEST(test_default_window_has_the_page_it_is_given),
		TEST(test_larger_page_is_made_of_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
