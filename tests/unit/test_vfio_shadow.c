// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_shadow.c over fakes of Linux's containers: what is mapped is what the words say, a call
 * that fails has changed nothing, and what cannot be put back is closed and said. Most tests run
 * over both kinds; state says which.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/vfio_shadow.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_linux_v2.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_type1.h"

#include <stdlib.h>
#include <string.h>

#define K4    0x1000ull
#define K64   0x10000ull
#define SIZE  0x800000ull
#define WIN1  (1ull << 59)
#define PAGES 2048u /* of the window, and of the guest's memory four times less */
#define RW    (VFIO_DMA_READ | VFIO_DMA_WRITE)
#define GUEST 0x200000ull

enum kind { LINUX, TYPE1 };

static struct fake_machine m;
static struct fake_linux_v2 lin;
static struct fake_type1 t1;
static struct vfio_container *c;
static struct vfio_group *g;
static _Alignas(2 * GUEST) uint8_t memory[2 * GUEST];
/* Aligned to its size and to nothing above. */
static uint8_t *const guest = memory + GUEST;
static enum kind kind;
static unsigned int lines;
static char last_line[LOG_LINE_MAX + 1];

static void count_line(const char *line, size_t len)
{
	lines++;
	memcpy(last_line, line, len);
	last_line[len] = 0;
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {count_line, no_time};

static void open_container(void)
{
	static const struct vfio_iommu_driver *const drivers[] = {
		&fake_linux_v2_driver, &fake_type1_driver};
	static const unsigned int models[] = {VFIO_SPAPR_TCE_v2_IOMMU, VFIO_TYPE1v2_IOMMU};

	assert_int_equal(vfio_register_driver(&m.vfio, drivers[kind]), 0);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, models[kind]), 0);
}

static int create(unsigned int shift, uint64_t size, unsigned int levels, struct vfio_window *w)
{
	*w = (struct vfio_window){.page_shift = shift, .size = size, .levels = levels};
	return vfio_create_window(c, w);
}

static void register_guest(void)
{
	struct guest_mem mem = {guest, hpa(0x40000000), GUEST};

	assert_int_equal(vfio_register_memory(c, &mem), 0);
}

static int setup_bare(void **state)
{
	kind = *(enum kind *)*state;
	lines = 0;
	log_set_sink(&sink);
	fake_machine_init(&m);
	assert_int_equal(vfio_unregister_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	fake_linux_v2_init(&lin);
	fake_type1_init(&t1);
	open_container();
	return 0;
}

static int setup(void **state)
{
	struct vfio_window w;

	setup_bare(state);
	register_guest();
	assert_int_equal(create(12, SIZE, 0, &w), 0);
	assert_true(w.start.v == 0);
	lin.calls = t1.calls = 0;
	return 0;
}

/* However a test ends, the container goes with everything it had. */
static int teardown(void **state)
{
	(void)state;
	lin.fail = t1.fail = (struct fake_fail){0};
	assert_int_equal(vfio_close_group(g), 0);
	vfio_put_container(c);
	assert_true(page_pool_used(&m.tables) == 0);
	assert_int_equal(t1.nmaps, 0);
	fake_machine_free(&m);
	return 0;
}

static uint64_t device(uint64_t iova)
{
	return kind == LINUX ? fake_linux_v2_device(&lin, iova) : fake_type1_device(&t1, iova);
}

static uint64_t lookup(uint64_t iova)
{
	uint64_t word = 1;

	assert_int_equal(vfio_lookup(c, ioba(iova), &word), 0);
	return word;
}

static unsigned int maps(void)
{
	return kind == LINUX ? lin.count[FAKE_LINUX_MAP] : t1.count[FAKE_TYPE1_MAP];
}

static unsigned int unmaps(void)
{
	return kind == LINUX ? lin.count[FAKE_LINUX_UNMAP] : t1.count[FAKE_TYPE1_UNMAP];
}

static unsigned int calls(void)
{
	return kind == LINUX ? lin.calls : t1.calls;
}

static void fail_from(unsigned int at, uint64_t then, int err, bool late)
{
	lin.fail = (struct fake_fail){at, then, err, late};
	t1.fail = lin.fail;
}

static void heal(void)
{
	fail_from(0, 0, 0, false);
}

/* Whether the call that was to fail has been made. */
static bool has_failed(void)
{
	return !(kind == LINUX ? lin.fail.at : t1.fail.at);
}

static int map_at(uint64_t page, const uint64_t *words, unsigned int n)
{
	int err = vfio_map(c, ioba(page * K4), words, n, 12);

	if (err == -EAGAIN) {
		assert_int_equal(vfio_reserve(c, ioba(page * K4), n * K4), 0);
		err = vfio_map(c, ioba(page * K4), words, n, 12);
	}
	return err;
}

static int map1(uint64_t page, uint64_t word)
{
	return map_at(page, &word, 1);
}

static int unmap(uint64_t page, uint64_t n)
{
	return vfio_unmap(c, ioba(page * K4), n * K4);
}

static int flush(uint64_t page, uint64_t n)
{
	return vfio_flush(c, ioba(page * K4), n * K4);
}

static void contiguous(uint64_t *words, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		words[i] = i % (GUEST / K4) * K4 | RW;
	}
}

/* The shadow and the device agree on every page of the window, and with what is expected. */
static void check_pages(const uint64_t *want)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		assert_true(lookup(i * K4) == want[i]);
		assert_true(device(i * K4) == want[i]);
	}
}

static void test_one_word_lives_from_map_to_unmap(void **state)
{
	(void)state;
	assert_true(lookup(5 * K4) == 0);
	assert_int_equal(map1(5, 7 * K4 | RW), 0);
	assert_true(lookup(5 * K4) == (7 * K4 | RW));
	assert_true(device(5 * K4) == (7 * K4 | RW));
	assert_true(device(4 * K4) == 0 && device(6 * K4) == 0);
	assert_int_equal(map1(5, 8 * K4 | VFIO_DMA_WRITE), 0);
	assert_true(lookup(5 * K4) == (8 * K4 | VFIO_DMA_WRITE));
	assert_true(device(5 * K4) == (8 * K4 | VFIO_DMA_WRITE));
	assert_int_equal(flush(5, 1), 0);
	assert_int_equal(unmap(5, 1), 0);
	assert_true(lookup(5 * K4) == 0);
	assert_true(device(5 * K4) == 0);
	assert_int_equal(lines, 0);
}

/* Design decision 6: 512 pages that follow on are one run and one range. Only who cannot split a
 * mapping has them one by one, and even there one range takes them away. */
static void test_runs_are_one_call(void **state)
{
	uint64_t words[VFIO_MAX_BATCH];

	(void)state;
	contiguous(words, VFIO_MAX_BATCH);
	assert_int_equal(map_at(100, words, VFIO_MAX_BATCH), 0);
	assert_int_equal(maps(), kind == LINUX ? 1 : VFIO_MAX_BATCH);
	assert_int_equal(unmaps(), 0);
	assert_true(kind == TYPE1 || lin.map_bytes_max == VFIO_MAX_BATCH * K4);
	assert_int_equal(unmap(100, VFIO_MAX_BATCH), 0);
	assert_int_equal(unmaps(), 1);
	/* Nothing is there: nobody is asked. */
	assert_int_equal(unmap(100, VFIO_MAX_BATCH), 0);
	assert_int_equal(unmap(0, PAGES), 0);
	assert_int_equal(unmaps(), 1);
}

/* A gap, a change of permission and a step that is not a page begin a run; entries without access
 * are unmapped where something is mapped, and nothing is done where not. */
static void test_runs_end_where_they_must(void **state)
{
	const uint64_t words[] = {5 * K4 | RW, 6 * K4 | RW, 8 * K4 | RW, 9 * K4 | 1, 10 * K4 | 1, 0,
		0, 3 * K4 | 2, 3 * K4 | 2};
	const uint64_t none[9] = {0};

	(void)state;
	assert_int_equal(map_at(0, words, 9), 0);
	assert_int_equal(maps(), kind == LINUX ? 5 : 7);
	assert_int_equal(unmaps(), 0);
	for (uint64_t i = 0; i < 9; i++) {
		assert_true(device(i * K4) == words[i]);
		assert_true(lookup(i * K4) == words[i]);
	}
	assert_int_equal(map_at(0, none, 9), 0);
	assert_int_equal(unmaps(), 1);
	for (uint64_t i = 0; i < 9; i++) {
		assert_true(device(i * K4) == 0 && lookup(i * K4) == 0);
	}
}

/* Linux's sPAPR replaces entries one by one; who does not is asked to unmap first. Old ones say
 * -EBUSY all the same (SEED-001.71). */
static void test_remap_of_what_is_mapped(void **state)
{
	uint64_t words[8], again[8];

	(void)state;
	contiguous(words, 8);
	for (unsigned int busy = 0; busy < 2; busy++) {
		unsigned int before;

		lin.busy = busy;
		assert_int_equal(unmap(0, 8), 0);
		assert_int_equal(map_at(0, words, 8), 0);
		before = unmaps();
		for (unsigned int i = 0; i < 8; i++) {
			again[i] = words[7 - i];
		}
		assert_int_equal(map_at(0, again, 8), 0);
		assert_int_equal(unmaps() - before, kind == LINUX && !busy ? 0 : 8);
		for (uint64_t i = 0; i < 8; i++) {
			assert_true(device(i * K4) == again[i] && lookup(i * K4) == again[i]);
		}
	}
}

/* SEED-001.71: busy once is no matter; busy twice, or not to be unmapped, is told as busy, whatever
 * the second error was, and everything is as before. */
static void test_busy_map_is_tried_once_more(void **state)
{
	/* Calls of one remap: map, which is busy, unmap, map. */
	static const struct {
		unsigned int at;
		int err;
		bool late;
		int want;
	} cases[] = {{0, 0, false, 0}, {3, -EBUSY, false, -EBUSY}, {3, -EIO, false, -EBUSY},
		{3, -ENOMEM, true, -EBUSY}, {2, -EIO, false, -EBUSY}, {2, -EIO, true, -EBUSY}};

	(void)state;
	lin.busy = true;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int before;

		assert_int_equal(map1(3, 3 * K4 | RW), 0);
		before = lin.calls;
		fail_from(cases[i].at, 0, cases[i].err, cases[i].late);
		assert_int_equal(map1(3, 5 * K4 | RW), cases[i].want);
		assert_true(cases[i].want || lin.calls - before == 3);
		heal();
		assert_true(lookup(3 * K4) == (cases[i].want ? 3 * K4 | RW : 5 * K4 | RW));
		assert_true(device(3 * K4) == lookup(3 * K4));
		assert_int_equal(flush(3, 1), 0);
	}
	assert_int_equal(lines, 0);
}

/* Who replaces nothing has unmapped already: busy is an error like others. */
static void test_busy_is_final_where_nothing_is_replaced(void **state)
{
	unsigned int before = maps();

	(void)state;
	fail_from(1, 0, -EBUSY, false);
	assert_int_equal(map1(3, 3 * K4 | RW), -EBUSY);
	assert_int_equal(maps() - before, 1);
	assert_true(lookup(3 * K4) == 0 && device(3 * K4) == 0);
}

/* Each page can go alone, whatever it was mapped with. */
static void test_every_page_can_be_unmapped_alone(void **state)
{
	uint64_t words[64], want[PAGES] = {0};

	(void)state;
	contiguous(words, 64);
	assert_int_equal(map_at(10, words, 64), 0);
	memcpy(&want[10], words, sizeof(words));
	for (unsigned int i = 0; i < 64; i += 3) {
		assert_int_equal(unmap(10 + i, 1), 0);
		want[10 + i] = 0;
	}
	check_pages(want);
}

static void test_nothing_is_mapped_without_reserve(void **state)
{
	uint64_t words[2] = {RW, K4 | RW};

	(void)state;
	assert_int_equal(vfio_map(c, ioba(511 * K4), words, 2, 12), -EAGAIN);
	assert_int_equal(vfio_reserve(c, ioba(0), K4), 0);
	assert_int_equal(vfio_map(c, ioba(511 * K4), words, 2, 12), -EAGAIN);
	assert_int_equal(calls(), 0);
	assert_true(lookup(511 * K4) == 0);
	assert_int_equal(vfio_reserve(c, ioba(511 * K4), 2 * K4), 0);
	assert_int_equal(vfio_map(c, ioba(511 * K4), words, 2, 12), 0);
	assert_true(device(512 * K4) == (K4 | RW));
}

static void test_ranges_are_whole_pages_of_one_window(void **state)
{
	static const struct {
		uint64_t at, len;
	} cases[] = {{1, K4}, {0, K4 + 1}, {SIZE, K4}, {SIZE - K4, 2 * K4}, {WIN1, K4},
		{UINT64_MAX - K4 + 1, K4}, {0, 0}};
	uint64_t word = RW, words[16] = {0};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ioba_t at = ioba(cases[i].at);

		assert_int_equal(vfio_reserve(c, at, cases[i].len), -EINVAL);
		assert_int_equal(vfio_unmap(c, at, cases[i].len), -EINVAL);
		assert_int_equal(vfio_flush(c, at, cases[i].len), -EINVAL);
		assert_true(vfio_skip(c, at, cases[i].len) == 0);
	}
	assert_int_equal(vfio_lookup(c, ioba(SIZE), &word), -EINVAL);
	assert_int_equal(vfio_lookup(c, ioba(8), &word), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(SIZE), &word, 1, 12), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(SIZE - K4), words, 2, 12), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(0), words, 1, 11), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(K4), words, 1, 16), -EINVAL);
	assert_int_equal(calls(), 0);
}

static void test_skip_tells_what_is_empty(void **state)
{
	(void)state;
	assert_int_equal(map1(600, RW), 0);
	assert_true(vfio_skip(c, ioba(0), SIZE) == 512 * K4);
	assert_true(vfio_skip(c, ioba(0), 100 * K4) == 100 * K4);
	assert_true(vfio_skip(c, ioba(512 * K4), 512 * K4) == 0);
	assert_true(vfio_skip(c, ioba(1024 * K4), 1024 * K4) == 1024 * K4);
}

/* A guest's page of 64 KiB over pages of 4 KiB is still a run; its parts can be looked up. */
static void test_larger_pages_are_split(void **state)
{
	const uint64_t words[] = {2 * K64 | RW, 3 * K64 | RW, 0, K64 | VFIO_DMA_READ};

	(void)state;
	assert_int_equal(vfio_reserve(c, ioba(0), 4 * K64), 0);
	assert_int_equal(vfio_map(c, ioba(0), words, 4, 16), 0);
	assert_int_equal(maps(), kind == LINUX ? 2 : 48);
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t word = words[i / 16];

		word = word ? word + i % 16 * K4 : 0;
		assert_true(lookup(i * K4) == word);
		assert_true(device(i * K4) == word);
	}
}

/* What the window holds when a call is made to fail: runs, gaps, several permissions. */
static void fill(uint64_t *want)
{
	memset(want, 0, PAGES * sizeof(*want));
	for (unsigned int i = 0; i < 24; i++) {
		want[i] = i % 7 == 3 ? 0 : ((i < 12 ? i : 60 - i) * K4 | (i % 5 ? RW : 1));
	}
	/* The same page twice in a row is no run. */
	want[14] = want[15];
	assert_int_equal(map_at(0, want, 24), 0);
	assert_int_equal(map_at(512, want, 4), 0);
	memcpy(&want[512], want, 4 * sizeof(*want));
}

/* A map or unmap that fails at any of its calls, before or after that call's work and with whatever
 * error, has changed nothing: not what is looked up, not what the device reaches. */
static void fail_each_call(int (*change)(void), int err)
{
	static uint64_t want[PAGES];

	for (unsigned int late = 0; late < 2; late++) {
		unsigned int n = 1;

		for (;; n++) {
			int ret;

			heal();
			assert_int_equal(unmap(0, PAGES), 0);
			fill(want);
			fail_from(n, 0, err, late);
			ret = change();
			if (!has_failed()) {
				break;
			}
			assert_int_equal(ret, err == -ENOMEM || err == -ENOSPC ? err : -EIO);
			check_pages(want);
			assert_int_equal(flush(0, PAGES), 0);
		}
		heal();
		assert_true(n > 1);
	}
	assert_int_equal(lines, 0);
}

/* Over old entries and new ones, contiguous and not, some without access. */
static int change_map(void)
{
	uint64_t words[20];

	for (unsigned int i = 0; i < 20; i++) {
		words[i] = i % 6 == 5 ? 0 : ((100 + (i < 9 ? i : 3 * i)) * K4 | RW);
	}
	return map_at(8, words, 20);
}

static int change_unmap(void)
{
	return unmap(2, 600);
}

/* What is put back is put back in runs, too. */
static void test_put_back_is_one_call_for_a_run(void **state)
{
	uint64_t words[64], other[64];

	(void)state;
	contiguous(words, 64);
	for (unsigned int i = 0; i < 64; i++) {
		other[i] = words[(i + 7) % 64];
	}
	assert_int_equal(map_at(0, words, 64), 0);
	fail_from(1, 0, -EIO, false);
	assert_int_equal(map_at(0, other, 64), -EIO);
	assert_int_equal(maps(), 3);
	assert_int_equal(unmaps(), 0);
	for (uint64_t i = 0; i < 64; i++) {
		assert_true(device(i * K4) == words[i]);
	}
	/* Nothing was mapped before: one unmap. */
	fail_from(1, 0, -EIO, false);
	assert_int_equal(map_at(100, other, 64), -EIO);
	assert_int_equal(maps(), 4);
	assert_int_equal(unmaps(), 1);
}

static void test_failed_map_changes_nothing(void **state)
{
	(void)state;
	fail_each_call(change_map, -EIO);
	fail_each_call(change_map, -ENOMEM);
}

static void test_failed_unmap_changes_nothing(void **state)
{
	(void)state;
	fail_each_call(change_unmap, -EIO);
}

/* Positive numbers are errors; -EAGAIN and -EINVAL must not look like our own, for the words were
 * sound. */
static void test_errors_from_below_are_told_as_ours(void **state)
{
	(void)state;
	fail_each_call(change_map, 1);
	fail_each_call(change_unmap, 5);
	fail_each_call(change_map, -EAGAIN);
	fail_each_call(change_map, -EINVAL);
	fail_each_call(change_map, -EFAULT);
	fail_each_call(change_map, -ENOSPC);
	fail_each_call(change_unmap, -EINVAL);
}

/* An unmap that unmaps less than was there has failed, whatever it says. */
static void test_short_unmap_is_a_failure(void **state)
{
	(void)state;
	t1.fail_short = true;
	fail_each_call(change_unmap, -EIO);
	/* As version 1 does when a mapping would have to be cut that is not ours. */
	t1.v2 = false;
	assert_int_equal(unmap(0, PAGES), 0);
	assert_int_equal(map1(4, 4 * K4 | RW), 0);
	assert_int_equal(fake_type1_ops.map(&t1, ioba(5 * K4), guest, 4 * K4, RW), 0);
	assert_int_equal(unmap(4, 2), -EIO);
	assert_true(lookup(4 * K4) == (4 * K4 | RW) && device(4 * K4) == (4 * K4 | RW));
	assert_int_equal(unmap(4, 1), 0);
}

/* Nothing works any more after the first failure. What was touched reads as empty, flush says that
 * it may not be, and what comes later finds it and settles it. */
static void test_what_cannot_be_taken_away_is_told_until_it_is(void **state)
{
	static uint64_t want[PAGES];

	(void)state;
	for (unsigned int late = 0; late < 2; late++) {
		for (unsigned int n = 1; n < 6; n++) {
			unsigned int lost = 0;

			heal();
			assert_int_equal(unmap(0, PAGES), 0);
			fill(want);
			fail_from(n, UINT64_MAX, -EIO, late);
			assert_int_equal(change_map(), -EIO);
			for (uint64_t i = 0; i < PAGES; i++) {
				uint64_t word = lookup(i * K4);

				assert_true(word == want[i] || word == 0);
				/* Untouched and known, or told as not known. */
				if (flush(i, 1)) {
					assert_int_equal(flush(i, 1), -EIO);
					assert_true(word == 0);
					assert_true(i >= 8 && i < 28);
					lost++;
				} else {
					assert_true(device(i * K4) == word);
				}
			}
			assert_true(lost > 0);
			assert_int_equal(flush(0, PAGES), -EIO);
			assert_int_equal(flush(28, PAGES - 28), 0);
			assert_int_equal(unmap(8, 20), -EIO);
			assert_int_equal(flush(0, PAGES), -EIO);
			heal();
			/* A map settles what it covers, an unmap the rest. */
			assert_int_equal(map1(8, 77 * K4 | RW), 0);
			assert_true(device(8 * K4) == (77 * K4 | RW));
			assert_int_equal(flush(8, 1), 0);
			assert_int_equal(unmap(9, 19), 0);
			assert_int_equal(flush(0, PAGES), 0);
			memset(&want[9], 0, 19 * sizeof(*want));
			want[8] = 77 * K4 | RW;
			check_pages(want);
		}
	}
	assert_true(strstr(last_line, "dropped") != NULL);
	assert_true(lines <= LOG_BURST + 1);
}

/* The first map fails, and so does the one that is to put the old entry back; taking away works. */
static void test_what_cannot_be_put_back_has_no_access(void **state)
{
	(void)state;
	assert_int_equal(map1(3, 3 * K4 | RW), 0);
	assert_int_equal(map1(4, 9 * K4 | RW), 0);
	/* Linux: map, map the old one. Type1: unmap, map, unmap, map the old one. */
	fail_from(kind == LINUX ? 1 : 2, kind == LINUX ? 1 : 2, -EIO, false);
	assert_int_equal(map1(3, 5 * K4 | RW), -EIO);
	heal();
	assert_true(lookup(3 * K4) == 0);
	assert_true(device(3 * K4) == 0);
	assert_int_equal(flush(3, 1), 0);
	assert_true(lookup(4 * K4) == (9 * K4 | RW));
	assert_true(device(4 * K4) == (9 * K4 | RW));
	assert_int_equal(lines, 1);
	assert_true(strstr(last_line, "no access now") != NULL);
	assert_true(strstr(last_line, "0x1000 bytes from 0x3000 on") != NULL);
}

/* Random maps and unmaps, one in three of which fails somewhere. */
static void test_random_failures_leave_the_two_in_step(void **state)
{
	static uint64_t want[PAGES];
	uint64_t words[16], seed = 12345;

	(void)state;
	memset(want, 0, sizeof(want));
	for (unsigned int step = 0; step < 3000; step++) {
		uint64_t r = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		unsigned int n = (unsigned int)(r >> 60) + 1;
		uint64_t at = (r >> 33) % (64 - n);
		bool is_map = r >> 59 & 1;
		int err;

		for (unsigned int i = 0; i < n; i++) {
			words[i] = (r >> (i + 5) & 3) ? ((r >> 40) + i) % 512 * K4 | RW : 0;
		}
		fail_from((r >> 20) % 3 ? 0 : (unsigned int)(r >> 24) % 12 + 1, 0, -EIO, r & 1);
		err = is_map ? map_at(at, words, n) : unmap(at, n);
		if (!err) {
			for (unsigned int i = 0; i < n; i++) {
				want[at + i] = is_map ? words[i] : 0;
			}
		}
		for (uint64_t i = 0; i < 64; i++) {
			assert_true(lookup(i * K4) == want[i]);
			assert_true(device(i * K4) == want[i]);
		}
	}
	assert_int_equal(lines, 0);
}

static void test_type1_limit_is_told_and_changes_nothing(void **state)
{
	static uint64_t want[PAGES];
	uint64_t words[32];

	(void)state;
	fill(want);
	t1.limit = t1.nmaps + 10;
	contiguous(words, 32);
	assert_int_equal(map_at(100, words, 32), -ENOSPC);
	check_pages(want);
	assert_int_equal(map_at(100, words, 10), 0);
	assert_int_equal(map1(200, RW), -ENOSPC);
	assert_true(lookup(200 * K4) == 0);
	assert_int_equal(unmap(100, 1), 0);
	assert_int_equal(map1(200, RW), 0);
	assert_int_equal(lines, 0);
}

/* VF-06, VF-07, DW-05: what is asked for is made, or nothing is. */
static void test_windows_come_and_go(void **state)
{
	struct vfio_window a, b, w;
	uint64_t used;

	(void)state;
	assert_int_equal(create(12, SIZE, 0, &a), -EPERM);
	register_guest();
	used = page_pool_used(&m.tables);
	assert_int_equal(create(12, SIZE, 0, &a), 0);
	assert_int_equal(create(16, 1ull << 30, 0, &b), 0);
	assert_true(a.start.v == 0 && b.start.v == WIN1);
	assert_int_equal(create(12, SIZE, 0, &w), -ENOSPC);
	assert_int_equal(vfio_remove_window(c, ioba(K4)), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
	assert_int_equal(create(12, 2 * SIZE, 1, &a), 0);
	assert_true(a.start.v == 0 && a.levels == 1);
	assert_int_equal(vfio_remove_window(c, ioba(WIN1)), 0);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(page_pool_used(&m.tables) == used);
	assert_true(kind == TYPE1 || (!lin.windows[0].size && !lin.windows[1].size));
}

static void test_windows_that_cannot_be_are_not_made(void **state)
{
	static const struct {
		unsigned int shift;
		uint64_t size;
		unsigned int levels;
	} cases[] = {{11, SIZE, 0}, {35, 1ull << 40, 0}, {64 + 12, SIZE, 0}, {12, 0, 0},
		{12, SIZE + K4, 0}, {12, 0x800, 0}, {16, K4, 0}, {12, 1ull << 60, 0}, {12, SIZE, 6},
		{22, 1ull << 30, 0} /* the memory lies askew for it */};
	static hpa_t pages[FAKE_MACHINE_TABLES / K4];
	struct vfio_window w;
	unsigned int n = 0;
	uint64_t used;

	(void)state;
	register_guest();
	used = page_pool_used(&m.tables);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			create(cases[i].shift, cases[i].size, cases[i].levels, &w), -EINVAL);
		assert_true(page_pool_used(&m.tables) == used);
	}
	/* No table memory of our own. */
	while (page_pool_left(&m.tables)) {
		assert_int_equal(page_pool_take(&m.tables, 1, &pages[n++]), 0);
	}
	assert_int_equal(create(12, SIZE, 0, &w), -ENOMEM);
	while (n) {
		page_pool_give(&m.tables, pages[--n]);
	}
}

/* Both windows at once, with pages of different sizes. */
static void test_windows_are_apart(void **state)
{
	struct vfio_window b;
	uint64_t word = K64 | RW, out;

	(void)state;
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_int_equal(create(16, 1ull << 30, 0, &b), 0);
	assert_int_equal(create(12, SIZE, 0, &b), 0);
	assert_int_equal(vfio_reserve(c, ioba(0), K64), 0);
	assert_int_equal(vfio_reserve(c, ioba(WIN1 + K64), K64), 0);
	assert_int_equal(vfio_map(c, ioba(0), &word, 1, 16), 0);
	word = 5 * K4 | RW;
	assert_int_equal(vfio_map(c, ioba(WIN1 + K64), &word, 1, 12), 0);
	assert_int_equal(vfio_lookup(c, ioba(0), &out), 0);
	assert_true(out == (K64 | RW) && device(0x5000) != 0);
	assert_int_equal(vfio_lookup(c, ioba(WIN1 + K64), &out), 0);
	assert_true(out == (5 * K4 | RW) && device(WIN1 + K64) == out);
	assert_int_equal(vfio_lookup(c, ioba(K4), &out), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	assert_true(device(0) == 0 && device(WIN1 + K64) == out + 0);
}

/* SEED-004: a table of one level is refused for want of memory, deeper ones are tried. */
static void test_levels_are_found(void **state)
{
	struct vfio_window w;

	(void)state;
	register_guest();
	assert_int_equal(create(12, 1ull << 25, 0, &w), 0);
	assert_int_equal(w.levels, 1);
	assert_int_equal(create(12, 1ull << 31, 0, &w), 0);
	assert_int_equal(w.levels, 2);
	assert_int_equal(vfio_remove_window(c, w.start), 0);
	assert_int_equal(create(12, 1ull << 31, 1, &w), -ENOMEM);
	assert_int_equal(lin.count[FAKE_LINUX_CREATE], 4);
	assert_int_equal(create(12, 1ull << 31, 4, &w), 0);
	assert_int_equal(w.levels, 4);
}

/* Each step of making a window fails: nothing is left, and it works the next time. */
static void test_window_that_fails_below_leaves_nothing(void **state)
{
	struct vfio_window w;
	uint64_t used;

	(void)state;
	register_guest();
	used = page_pool_used(&m.tables);
	for (unsigned int late = 0; late < 2; late++) {
		for (unsigned int n = 1; n < 3; n++) {
			fail_from(n, 0, late ? 3 : -EIO, late);
			int ret = create(12, SIZE, 0, &w);

			if (!ret) {
				assert_false(has_failed());
				heal();
				assert_int_equal(vfio_remove_window(c, w.start), 0);
			} else {
				assert_int_equal(ret, -EIO);
				assert_true(has_failed());
				assert_false(lin.windows[0].size);
			}
			assert_true(page_pool_used(&m.tables) == used);
			/* Registered late and not told: Linux says it has it already. */
			lin.mem = lin.mem.size && late && n == 1 ? (struct guest_mem){0} : lin.mem;
		}
	}
	heal();
	assert_int_equal(create(12, SIZE, 0, &w), 0);
}

/* Not gone, or not known to be: its place stays empty until the container goes. */
static void test_window_that_cannot_be_removed_is_not_used_again(void **state)
{
	struct vfio_window w;
	uint64_t word;

	(void)state;
	assert_int_equal(map1(0, RW), 0);
	fail_from(1, 0, -EIO, false);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EIO);
	assert_int_equal(vfio_lookup(c, ioba(0), &word), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
	if (kind == TYPE1) {
		assert_int_equal(create(12, SIZE, 0, &w), 0);
		assert_true(w.start.v == WIN1);
	}
	assert_int_equal(create(12, SIZE, 0, &w), kind == TYPE1 ? -ENOSPC : 0);
	assert_true(w.start.v != 0 || kind == TYPE1);
}

/* The driver below has the last word on where, but not on top of another. */
static void test_window_elsewhere_is_fine_unless_it_cannot_be(void **state)
{
	static const uint64_t bad[] = {SIZE + SIZE - K4, 1, SIZE, SIZE - K4, 3 * SIZE + 1, 0};
	struct vfio_window w;

	(void)state;
	assert_int_equal(vfio_remove_window(c, ioba(0)), 0);
	t1.aperture_last = (1ull << 48) - 1;
	t1.place_at = ioba(SIZE);
	assert_int_equal(create(12, SIZE, 0, &w), 0);
	assert_true(w.start.v == SIZE);
	assert_int_equal(map1(SIZE / K4, K4 | RW), 0);
	assert_int_equal(map1(SIZE / K4 + SIZE / K4 - 1, K4 | RW), 0);
	assert_true(device(SIZE) == (K4 | RW) && device(0) == 0);
	/* Where 1 << 59 is asked for and nothing else offered. */
	t1.place_at = ioba(0);
	assert_int_equal(create(12, SIZE, 0, &w), -EINVAL);
	for (unsigned int i = 0; bad[i]; i++) {
		teardown(state);
		setup_bare(state);
		register_guest();
		t1.place_at = ioba(SIZE);
		assert_int_equal(create(12, SIZE, 0, &w), 0);
		assert_int_equal(map1(SIZE / K4, K4 | RW), 0);
		t1.place_at = ioba(bad[i]);
		assert_int_equal(create(12, SIZE, 0, &w), -EIO);
		assert_int_equal(lines, 1);
		t1.place_at = ioba(4 * SIZE);
		assert_int_equal(create(12, SIZE, 0, &w), -ENOSPC);
		assert_true(device(SIZE) == (K4 | RW) && lookup(SIZE) == (K4 | RW));
	}
}

/* Sixteen small pages are as long as a large one, and no map of it. */
static void test_pages_smaller_than_the_windows_are_refused(void **state)
{
	struct vfio_window w;
	uint64_t words[16];

	(void)state;
	register_guest();
	assert_int_equal(create(16, SIZE, 0, &w), 0);
	for (unsigned int i = 0; i < 16; i++) {
		words[i] = i * K4 | RW;
	}
	assert_int_equal(vfio_reserve(c, w.start, 16 * K4), 0);
	assert_int_equal(vfio_map(c, w.start, words, 16, 12), -EINVAL);
}

static enum kind kinds[] = {LINUX, TYPE1};

#define ON(t, k, s)                                       \
	{                                                 \
#t " (" #k ")", t, s, teardown, &kinds[k] \
	}
#define BOTH(t)	 ON(t, LINUX, setup), ON(t, TYPE1, setup)
#define BARE2(t) ON(t, LINUX, setup_bare), ON(t, TYPE1, setup_bare)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE2(test_pages_smaller_than_the_windows_are_refused),
		BOTH(test_one_word_lives_from_map_to_unmap),
		BOTH(test_runs_are_one_call),
		BOTH(test_runs_end_where_they_must),
		BOTH(test_remap_of_what_is_mapped),
		ON(test_busy_map_is_tried_once_more, LINUX, setup),
		ON(test_busy_is_final_where_nothing_is_replaced, TYPE1, setup),
		BOTH(test_every_page_can_be_unmapped_alone),
		BOTH(test_nothing_is_mapped_without_reserve),
		BOTH(test_ranges_are_whole_pages_of_one_window),
		BOTH(test_skip_tells_what_is_empty),
		BOTH(test_larger_pages_are_split),
		ON(test_put_back_is_one_call_for_a_run, LINUX, setup),
		BOTH(test_failed_map_changes_nothing),
		BOTH(test_failed_unmap_changes_nothing),
		BOTH(test_errors_from_below_are_told_as_ours),
		ON(test_short_unmap_is_a_failure, TYPE1, setup),
		BOTH(test_what_cannot_be_taken_away_is_told_until_it_is),
		BOTH(test_what_cannot_be_put_back_has_no_access),
		BOTH(test_random_failures_leave_the_two_in_step),
		ON(test_type1_limit_is_told_and_changes_nothing, TYPE1, setup),
		BARE2(test_windows_come_and_go),
		BARE2(test_windows_that_cannot_be_are_not_made),
		BOTH(test_windows_are_apart),
		ON(test_levels_are_found, LINUX, setup_bare),
		ON(test_window_that_fails_below_leaves_nothing, LINUX, setup_bare),
		BOTH(test_window_that_cannot_be_removed_is_not_used_again),
		ON(test_window_elsewhere_is_fine_unless_it_cannot_be, TYPE1, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
