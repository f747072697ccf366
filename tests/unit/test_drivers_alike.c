// SPDX-License-Identifier: Apache-2.0
/*
 * The same calls of a guest over three kinds of IOMMU driver: our own sPAPR v2 over the strict PHB
 * model, Linux's sPAPR v2 and Linux's type1, both faked, behind core/vfio_shadow.c. A guest cannot
 * tell which it is on: the same results, the same H_GET_TCE, and its devices reach the same pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/range.h"
#include "core/vfio_bridge.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_linux_v2.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_type1.h"

#include <string.h>

#define K4    0x1000ull
#define GUEST 0x400000ull /* bytes of the guest's memory */
#define SIZE0 0x1000000ull
#define WIN1  (1ull << 59)
#define RW    (TCE_READ | TCE_WRITE)
#define STEPS 4000u
/* Table pages that are left: few enough that they run out now and then. */
#define POOL_PAGES 24u

enum kind { NATIVE, LINUX, TYPE1, NKINDS };

/* One hypervisor, as far as TCEs go. */
struct sys {
	enum kind kind;
	struct fake_machine m;
	struct vfio_container *c;
	struct vfio_group *g;
	struct guest_mem mem;
	struct tce_window w[2];
	struct vfio_bridge_window bw[2];
	struct tce_scratch scratch;
};

static struct sys systems[NKINDS];
static struct fake_linux_v2 lin;
static struct fake_type1 t1;
static _Alignas(GUEST) uint8_t memory[NKINDS][GUEST];
static unsigned int host_shift[2];
static uint64_t seed, stamp;

static uint64_t rnd(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 .. n - 1 */
static uint64_t below(uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rnd() * n) >> 64);
}

static bool one_in(unsigned int n)
{
	return below(n) == 0;
}

static struct sys *each_sys(struct sys *s)
{
	s = s ? s + 1 : systems;
	return s == systems + NKINDS ? NULL : s;
}

#define FOR_EACH(s) for (struct sys *s = NULL; (s = each_sys(s));)

static void set_memory(struct sys *s)
{
	s->mem = (struct guest_mem){memory[s->kind], hpa(0x80000000), GUEST};
	if (s->kind == NATIVE) {
		assert_int_equal(mem_alloc(&s->m.ram.pool, GUEST, GUEST, &s->mem.host), 0);
		s->mem.ptr = mem_ptr(&s->m.ram.pool, s->mem.host);
	}
	/* Every page begins with its number. */
	for (uint64_t i = 0; i < GUEST / K4; i++) {
		memcpy(s->mem.ptr + i * K4, &i, sizeof(i));
	}
}

static void open_sys(struct sys *s, enum kind kind)
{
	static const struct vfio_iommu_driver *const drivers[] = {
		&vfio_spapr_v2_driver, &fake_linux_v2_driver, &fake_type1_driver};
	static const unsigned int models[] = {
		VFIO_SPAPR_TCE_v2_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU, VFIO_TYPE1v2_IOMMU};
	hpa_t page;

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	fake_machine_init(&s->m);
	set_memory(s);
	assert_int_equal(vfio_unregister_driver(&s->m.vfio, &vfio_spapr_v2_driver), 0);
	assert_int_equal(vfio_register_driver(&s->m.vfio, drivers[kind]), 0);
	while (page_pool_left(&s->m.tables) > POOL_PAGES * K4) {
		assert_int_equal(page_pool_take(&s->m.tables, 1, &page), 0);
	}
	assert_int_equal(vfio_open_container(&s->m.vfio, &s->m.tables, &s->c), 0);
	assert_int_equal(vfio_open_group(&s->m.vfio, 0, fake_owner, &s->g), 0);
	assert_int_equal(vfio_group_set_container(s->g, s->c), 0);
	assert_int_equal(vfio_set_iommu(s->c, models[kind]), 0);
	assert_int_equal(vfio_register_memory(s->c, &s->mem), 0);
	fake_machine_master(&s->m, 0, FAKE_DEV0);
}

static int open_window(struct sys *s, unsigned int win, uint64_t size, unsigned int shift)
{
	return vfio_bridge_open_window(&s->bw[win], &s->w[win], s->c, 0x80000000 + win,
		ioba(win ? WIN1 : 0), size, shift, host_shift[win]);
}

static int setup(void **state)
{
	(void)state;
	seed = 1;
	stamp = 0;
	host_shift[0] = 12;
	fake_linux_v2_init(&lin);
	fake_type1_init(&t1);
	for (unsigned int i = 0; i < NKINDS; i++) {
		open_sys(&systems[i], (enum kind)i);
		assert_int_equal(open_window(&systems[i], 0, SIZE0, 12), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	FOR_EACH(s)
	{
		assert_int_equal(vfio_close_group(s->g), 0);
		vfio_put_container(s->c);
		/* All that was taken since has been given back. */
		assert_true(page_pool_left(&s->m.tables) == POOL_PAGES * K4);
		fake_machine_free(&s->m);
	}
	return 0;
}

/* Whether the device reaches through the host page at iova what this word says: that page, for
 * reading and for writing, and for nothing else. */
static bool native_is(struct sys *s, uint64_t iova, uint64_t word)
{
	uint64_t page = word & ~(uint64_t)RW, number, mark = ++stamp;
	bool reads = !fake_machine_dma(&s->m, 0, FAKE_DEV0, iova, &number, 8, false);
	bool writes = !fake_machine_dma(&s->m, 0, FAKE_DEV0, iova + 8, &mark, 8, true);

	if (reads != !!(word & TCE_READ) || writes != !!(word & TCE_WRITE)) {
		return false;
	}
	return (!reads || number == page / K4) &&
	       (!writes || !memcmp(s->mem.ptr + page + 8, &mark, 8));
}

static bool device_is(struct sys *s, uint64_t iova, uint64_t word)
{
	switch (s->kind) {
	case NATIVE:
		return native_is(s, iova, word);
	case LINUX:
		return fake_linux_v2_device(&lin, iova) == word;
	default:
		return fake_type1_device(&t1, iova) == word;
	}
}

static uint64_t get(struct sys *s, unsigned int win, uint64_t index)
{
	struct tce_window *w = &s->w[win];
	uint64_t tce = 1;

	assert_int_equal(tce_get(w, ioba(w->base.v + (index << w->page_shift)), &tce), 0);
	return tce;
}

/* A page of a window: one word for all, and the devices reach it, somewhere in the page. */
static void check_page(unsigned int win, uint64_t index)
{
	const struct tce_window *w = &systems[NATIVE].w[win];
	uint64_t want = get(&systems[NATIVE], win, index);
	uint64_t part = below(1ull << (w->page_shift - host_shift[win])) << host_shift[win];
	uint64_t iova = w->base.v + (index << w->page_shift) + part;

	FOR_EACH(s)
	{
		assert_true(get(s, win, index) == want);
		assert_true(device_is(s, iova, want ? want + part : 0));
	}
}

static void check_window(unsigned int win, uint64_t limit)
{
	uint64_t n = systems[NATIVE].w[win].npages;

	for (uint64_t i = 0; i < n && i < limit; i++) {
		check_page(win, i);
	}
}

/* A TCE that may be anything; mostly a good one. */
static uint64_t some_tce(const struct tce_window *w)
{
	uint64_t page = below(GUEST >> w->page_shift) << w->page_shift;

	switch (below(60)) {
	case 0:
		return GUEST | RW;
	case 1:
		return page | RW | 1ull << (2 + below(w->page_shift - 2));
	case 2:
		return rnd();
	case 3:
		return page | 1ull << 63 | TCE_READ;
	default:
		return page | (one_in(8) ? 0 : below(4));
	}
}

static void make_tces(const struct tce_window *w, uint64_t *tces, unsigned int n)
{
	bool straight = one_in(2), sound = !one_in(8);
	uint64_t pages = GUEST >> w->page_shift, first = below(pages);

	for (unsigned int i = 0; i < n; i++) {
		if (straight && !one_in(64)) {
			tces[i] = ((first + i) % pages) << w->page_shift | RW;
		} else {
			do {
				tces[i] = some_tce(w);
			} while (sound && (tces[i] & 3) &&
				 ((tces[i] & ~3ull & ((1ull << w->page_shift) - 1)) ||
					 tces[i] >= GUEST));
		}
	}
}

/* Pages of the window in few places, so that calls meet. */
static uint64_t some_index(const struct tce_window *w)
{
	uint64_t n = w->npages, place = below(3) * (n / 3);

	return one_in(20) ? below(n + 2) : (place + below(1200)) % n;
}

static void step_put(unsigned int win, unsigned int max)
{
	static uint64_t tces[TCE_MAX_BATCH];
	const struct tce_window *w = &systems[NATIVE].w[win];
	unsigned int n = one_in(3) ? 1 : one_in(4) ? max : (unsigned int)below(max) + 1;
	uint64_t index = some_index(w), odd = one_in(50) ? below(1ull << w->page_shift) : 0;
	int want = 1;

	make_tces(w, tces, n);
	FOR_EACH(s)
	{
		ioba_t at = ioba(w->base.v + (index << w->page_shift) + odd);
		int ret;

		memcpy(s->scratch.tce, tces, n * sizeof(tces[0]));
		ret = n == 1 ? tce_put_one(&s->w[win], at, tces[0])
			     : tce_put(&s->w[win], at, n, &s->scratch);
		want = s->kind == NATIVE ? ret : want;
		assert_int_equal(ret, want);
	}
	for (unsigned int i = 0; i < 12; i++) {
		check_page(win, (index + below(n)) % w->npages);
	}
}

/* As H_STUFF_TCE: slice by slice. */
static int stuff(struct sys *s, unsigned int win, ioba_t at, uint64_t n)
{
	int err;

	do {
		err = tce_clear_step(&s->w[win], &at, &n);
	} while (!err && n);
	return err;
}

static void step_stuff(unsigned int win)
{
	const struct tce_window *w = &systems[NATIVE].w[win];
	uint64_t index = some_index(w);
	uint64_t n = one_in(3) ? below(600) : one_in(12) ? below(w->npages + 3) : below(20);
	int want = 1;

	FOR_EACH(s)
	{
		int ret = stuff(s, win, ioba(w->base.v + (index << w->page_shift)), n);

		want = s->kind == NATIVE ? ret : want;
		assert_int_equal(ret, want);
	}
	for (unsigned int i = 0; i < 12; i++) {
		check_page(win, (index + below(n + 1)) % w->npages);
	}
}

/* The second window goes, and comes back with other pages, another size, split or not. */
static void step_window(void)
{
	static const unsigned int shifts[][2] = {{12, 12}, {16, 16}, {16, 12}, {21, 21}, {20, 16}};
	unsigned int shape = (unsigned int)below(5);
	uint64_t size = 1ull << (21 + below(15));
	int want = 1;

	FOR_EACH(s)
	{
		int ret;

		if (s->w[1].npages) {
			assert_int_equal(vfio_bridge_close_window(&s->bw[1], &s->w[1]), 0);
			assert_true(device_is(s, WIN1, 0));
		}
		host_shift[1] = shifts[shape][1];
		ret = open_window(s, 1, size, shifts[shape][0]);
		want = s->kind == NATIVE ? ret : want;
		assert_int_equal(ret, want);
	}
}

static void random_steps(uint64_t from)
{
	unsigned int refused = 0;

	seed = from;
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int win = systems[NATIVE].w[1].npages ? (unsigned int)below(2) : 0;
		uint64_t out_of = page_pool_left(&systems[NATIVE].m.tables);

		if (one_in(24)) {
			step_window();
		} else if (one_in(3)) {
			step_stuff(win);
		} else {
			step_put(win, win ? 100 : TCE_MAX_BATCH);
		}
		refused += out_of == 0;
		check_page(0, below(systems[NATIVE].w[0].npages));
		FOR_EACH(s)
		{
			/* Sparse tables and shadows of them grow alike. */
			assert_true(page_pool_left(&s->m.tables) ==
				    page_pool_left(&systems[NATIVE].m.tables));
		}
	}
	assert_true(refused > 0);
	check_window(0, UINT64_MAX);
	check_window(1, 4096);
}

static void test_random_calls_are_alike(void **state)
{
	for (uint64_t i = 1; i <= 3; i++) {
		if (i > 1) {
			teardown(state);
			setup(state);
		}
		random_steps(i * 1000003);
	}
	/* The strict model has seen no table that hardware would not take. */
	assert_int_equal(systems[NATIVE].m.phb[0].malformed, 0);
}

/* Design decision 6. */
static void test_a_call_of_512_pages_is_one_below(void **state)
{
	static uint64_t tces[TCE_MAX_BATCH];
	const unsigned int *kills = &systems[NATIVE].m.phb[0].count[FAKE_TCE_KILL];
	unsigned int before = *kills;

	(void)state;
	for (unsigned int i = 0; i < TCE_MAX_BATCH; i++) {
		tces[i] = i * K4 | RW;
	}
	FOR_EACH(s)
	{
		memcpy(s->scratch.tce, tces, sizeof(tces));
		assert_int_equal(tce_put(&s->w[0], ioba(0), TCE_MAX_BATCH, &s->scratch), 0);
	}
	check_window(0, 600);
	assert_int_equal(lin.count[FAKE_LINUX_MAP], 1);
	assert_int_equal(lin.count[FAKE_LINUX_UNMAP], 0);
	assert_int_equal(t1.count[FAKE_TYPE1_MAP], TCE_MAX_BATCH);
	assert_int_equal(*kills, before + 1);
	FOR_EACH(s)
	{
		assert_int_equal(stuff(s, 0, ioba(0), TCE_MAX_BATCH), 0);
	}
	check_window(0, 600);
	assert_int_equal(lin.count[FAKE_LINUX_UNMAP], 1);
	assert_int_equal(t1.count[FAKE_TYPE1_UNMAP], 1);
	assert_int_equal(*kills, before + 2);
}

/* What the guest can see of the first pages of a window. */
#define SEEN 64u

static void look(struct sys *s, uint64_t *tces)
{
	for (uint64_t i = 0; i < SEEN; i++) {
		tces[i] = get(s, 0, i);
		assert_true(device_is(s, i * K4, tces[i]));
	}
}

static int do_change(struct sys *s, unsigned int change)
{
	static const unsigned int first[] = {3, 8, 0, 20, 500};

	switch (change) {
	case 0: /* H_PUT_TCE */
		return tce_put_one(&s->w[0], ioba(first[0] * K4), 9 * K4 | RW);
	case 1: /* H_PUT_TCE_INDIRECT, contiguous, and the last of it scattered */
	case 4: /* where there is no table yet */
		for (unsigned int i = 0; i < 40; i++) {
			s->scratch.tce[i] = i % 11 == 10 ? 0 : (i < 30 ? i : 300 - i) * K4 | RW;
		}
		return tce_put(&s->w[0], ioba(first[change] * K4), 40, &s->scratch);
	case 2: /* H_STUFF_TCE */
		return stuff(s, 0, ioba(first[2]), 50);
	default: /* H_PUT_TCE_INDIRECT that only unmaps */
		memset(s->scratch.tce, 0, 8 * sizeof(uint64_t));
		return tce_put(&s->w[0], ioba(first[3] * K4), 8, &s->scratch);
	}
}

#define CHANGES 5u

static void fill(struct sys *s)
{
	assert_int_equal(stuff(s, 0, ioba(0), SEEN), 0);
	for (unsigned int i = 0; i < 48; i++) {
		s->scratch.tce[i] = i % 9 == 4 ? 0 : (100 + (i % 5 ? i : 2 * i)) * K4 | (i % 4);
	}
	assert_int_equal(tce_put(&s->w[0], ioba(0), 48, &s->scratch), 0);
}

static struct fake_fail *fail_of(const struct sys *s)
{
	return s->kind == LINUX ? &lin.fail : &t1.fail;
}

/* Every call below fails once, early and late, by a negative and by a positive number. */
static void fail_below(struct sys *s, unsigned int change, int err, bool late)
{
	uint64_t before[SEEN], after[SEEN];
	struct fake_fail *fail = fail_of(s);
	bool failed = true;

	for (unsigned int n = 1; failed; n++) {
		int ret;

		fill(s);
		look(s, before);
		*fail = (struct fake_fail){.at = n, .err = err, .late = late};
		ret = do_change(s, change);
		failed = fail->at == 0;
		*fail = (struct fake_fail){0};
		assert_true(failed ? ret < 0 : ret == 0);
		look(s, after);
		if (failed) {
			assert_memory_equal(before, after, sizeof(before));
		}
		assert_true(n > 1 || failed);
	}
}

static void test_failure_below_changes_nothing(void **state)
{
	(void)state;
	for (unsigned int change = 0; change < CHANGES; change++) {
		for (unsigned int kind = LINUX; kind <= TYPE1; kind++) {
			for (unsigned int late = 0; late < 2; late++) {
				fail_below(&systems[kind], change, -EIO, late);
				fail_below(&systems[kind], change, 4, late);
			}
		}
	}
}

/* The only thing that fails before our own driver's map is table memory, as it does for all. */
static void test_no_table_memory_changes_nothing(void **state)
{
	uint64_t before[SEEN], after[SEEN];
	hpa_t pages[POOL_PAGES];

	(void)state;
	FOR_EACH(s)
	{
		unsigned int n = 0;

		fill(s);
		look(s, before);
		while (page_pool_left(&s->m.tables)) {
			assert_int_equal(page_pool_take(&s->m.tables, 1, &pages[n++]), 0);
		}
		assert_int_equal(do_change(s, 4), -ENOMEM);
		look(s, after);
		assert_memory_equal(before, after, sizeof(before));
		for (uint64_t i = 500; i < 540; i++) {
			assert_true(get(s, 0, i) == 0);
			assert_true(device_is(s, i * K4, 0));
		}
		while (n) {
			page_pool_give(&s->m.tables, pages[--n]);
		}
		assert_int_equal(do_change(s, 4), 0);
	}
	for (uint64_t i = 500; i < 540; i++) {
		check_page(0, i);
	}
}

/* Our own driver's stores cannot fail. An invalidation can: the guest is told, what it reads is
 * what it has asked for, and the device reaches the old page, the new one, or none. The next
 * invalidation that works settles it. */
static void test_failed_invalidation_is_told(void **state)
{
	struct sys *s = &systems[NATIVE];
	struct fake_phb *f = &s->m.phb[0];
	uint64_t before[SEEN];

	(void)state;
	for (unsigned int change = 0; change < CHANGES - 1; change++) {
		for (unsigned int late = 0; late < 2; late++) {
			fill(s);
			look(s, before);
			f->fail_late = late;
			f->fail_at = 1;
			assert_int_equal(do_change(s, change), -EIO);
			assert_int_equal(f->fail_at, 0);
			for (uint64_t i = 0; i < SEEN; i++) {
				assert_true(device_is(s, i * K4, get(s, 0, i)) ||
					    (!late && device_is(s, i * K4, before[i])));
			}
			assert_int_equal(do_change(s, change), 0);
			look(s, before);
		}
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_calls_are_alike),
		TEST(test_a_call_of_512_pages_is_one_below),
		TEST(test_failure_below_changes_nothing),
		TEST(test_no_table_memory_changes_nothing),
		TEST(test_failed_invalidation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
