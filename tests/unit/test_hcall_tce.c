// SPDX-License-Identifier: Apache-2.0
/*
 * core/hcall_tce.c: every row of the table in docs/HCALLS.md that is about TCEs, by the handlers
 * and the real window code, on a backend that stays stale until flushed. Around each call the whole
 * of what guest and device can see is compared: all of it or nothing has changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/hcall.h"
#include "core/phb.h"
#include "tests/fake/fake_tce.h"

#include <string.h>

/* What core/hcall.c needs beside the handlers under test. */
bool partition_must_stop(const struct vcpu *vcpu)
{
	(void)vcpu;
	return false;
}

hret_t h_put_term_char(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	(void)vcpu;
	(void)args;
	return H_FUNCTION;
}

hret_t h_get_term_char(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	return h_put_term_char(vcpu, args);
}

hret_t h_rtas(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	return h_put_term_char(vcpu, args);
}

#define PAGE  ((uint64_t)0x1000)
#define RAM   (16 * PAGE)
#define LIST  (8 * PAGE) /* where the guest keeps its list */
#define RW    ((uint64_t)(TCE_READ | TCE_WRITE))
#define TOP   UINT64_MAX
#define BIT32 ((uint64_t)1 << 32)

/* Two windows of one partition, low and at 1 << 59; and one of another partition. */
#define LOW_LIOBN   0x80000100u
#define HIGH_LIOBN  0x80000101u
#define OTHER_LIOBN 0x80000200u
#define LOW_PAGES   2048u
#define HIGH_PAGES  16u
#define HIGH_BASE   PHB_BYPASS_BASE

enum { LOW, HIGH, OTHER, NWINDOWS };

static struct partition part, other_part;
static struct phb phbs[2], other_phbs[1];
static struct vcpu *const vcpu = &part.vcpus[0];
static _Alignas(4096) uint8_t ram[RAM], ram_before[RAM];
static struct fake_tce fakes[NWINDOWS];
static struct fake_tce_state before[NWINDOWS];
static uint64_t args[HCALL_NARGS], args_before[HCALL_NARGS];
static hret_t ret;

static char log_text[4096];

static void log_write(const char *line, size_t len)
{
	size_t used = strlen(log_text);

	assert_true(used + len < sizeof(log_text));
	memcpy(log_text + used, line, len);
}

static uint64_t log_now(void)
{
	return 0;
}

static const struct log_sink sink = {.write = log_write, .now_ns = log_now};

static struct tce_window *window_of(int which)
{
	return which == OTHER ? &other_part.phbs[0].windows[0] : &part.phbs[1].windows[which];
}

static void open_window(int which, uint32_t liobn, uint64_t base, uint64_t npages)
{
	assert_int_equal(tce_window_init(window_of(which), liobn, ioba(base), npages * PAGE, 12,
				 &part.mem, &fake_tce_ops, &fakes[which]),
		0);
	fake_tce_init(&fakes[which], window_of(which));
}

static void remember(void)
{
	for (int i = 0; i < NWINDOWS; i++) {
		before[i] = fakes[i].state;
		fakes[i].ncalls = 0;
	}
	memcpy(ram_before, ram, sizeof(ram));
}

static int setup(void **state)
{
	(void)state;
	memset(&part, 0, sizeof(part));
	memset(&other_part, 0, sizeof(other_part));
	memset(phbs, 0, sizeof(phbs));
	memset(other_phbs, 0, sizeof(other_phbs));
	memset(log_text, 0, sizeof(log_text));
	log_set_sink(&sink);
	memcpy(part.name, "one", sizeof("one"));
	vcpu->partition = &part;
	part.mem = (struct guest_mem){.ptr = ram, .host = {0x40000000}, .size = RAM};
	part.phbs = phbs;
	part.nphbs = 2;
	other_part.phbs = other_phbs;
	other_part.nphbs = 1;
	phbs[1].index = LOW_LIOBN >> 8 & 0xff;
	phb_map_add(&part.phb_map, &phbs[1]);
	other_phbs[0].index = OTHER_LIOBN >> 8 & 0xff;
	phb_map_add(&other_part.phb_map, &other_phbs[0]);
	open_window(LOW, LOW_LIOBN, 0, LOW_PAGES);
	open_window(HIGH, HIGH_LIOBN, HIGH_BASE, HIGH_PAGES);
	open_window(OTHER, OTHER_LIOBN, 0, 16);
	for (size_t i = 0; i < sizeof(ram); i++) {
		ram[i] = (uint8_t)(i * 13 + i / 256);
	}
	remember();
	return 0;
}

/* Entries that no test writes, in all pages of all windows. */
static void fill(void)
{
	for (int w = 0; w < NWINDOWS; w++) {
		for (uint64_t i = 0; i < window_of(w)->npages; i++) {
			uint64_t at = window_of(w)->base.v + i * PAGE;

			vcpu->scratch.tce[0] = (13 + i % 2) * PAGE | RW;
			assert_int_equal(tce_put(window_of(w), ioba(at), 1, &vcpu->scratch), 0);
		}
	}
	remember();
}

static void call(hcall_fn *fn, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	for (uint64_t i = 0; i < HCALL_NARGS; i++) {
		args[i] = 0xa5a5000 + i;
	}
	args[0] = a0;
	args[1] = a1;
	args[2] = a2;
	args[3] = a3;
	memcpy(args_before, args, sizeof(args));
	ret = fn(vcpu, args);
}

/* A guest's list at LIST, big-endian whatever guest and host are. */
static void write_list(uint64_t at, const uint64_t *tces, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		be64_t entry = be64(tces[i]);

		memcpy(ram + at + i * sizeof(entry), &entry, sizeof(entry));
	}
	memcpy(ram_before, ram, sizeof(ram));
}

static void expect_args_unchanged(void)
{
	assert_memory_equal(args, args_before, sizeof(args));
}

/* Windows, guest memory and registers are as before the call. */
static void expect_unchanged(void)
{
	for (int i = 0; i < NWINDOWS; i++) {
		assert_memory_equal(&fakes[i].state, &before[i], sizeof(before[i]));
	}
	assert_memory_equal(ram, ram_before, sizeof(ram));
	expect_args_unchanged();
}

static void expect_refused(const char *what, size_t i, hret_t want)
{
	if (ret != want) {
		fail_msg("%s %zu: %d, not %d", what, i, (int)ret, (int)want);
	}
	expect_unchanged();
	for (int w = 0; w < NWINDOWS; w++) {
		assert_int_equal(fakes[w].ncalls, 0);
	}
	/* A wrong argument is the guest's own business. */
	assert_string_equal(log_text, "");
}

static uint64_t get(uint64_t liobn, uint64_t at)
{
	call(h_get_tce, liobn, at, 0, 0);
	assert_int_equal(ret, H_SUCCESS);
	return args[0];
}

/* --- what every call of the family refuses --- */

/* Arguments that are good for all four, but for window and address. */
static void call_each(size_t fn, uint64_t liobn, uint64_t at)
{
	static hcall_fn *const fns[] = {h_put_tce, h_get_tce, h_put_tce_indirect, h_stuff_tce};

	if (fns[fn] == h_put_tce) {
		call(h_put_tce, liobn, at, RW, 0);
	} else if (fns[fn] == h_put_tce_indirect) {
		call(h_put_tce_indirect, liobn, at, LIST, 1);
	} else {
		call(fns[fn], liobn, at, 0, 1);
	}
}

#define NFNS 4u

/* HC-01 HC-03; decision 14, liobn with high bits set. */
static void test_liobn_that_is_not_ours_is_refused(void **state)
{
	static const uint64_t liobns[] = {0, 1, LOW_LIOBN - 1, LOW_LIOBN + 2, OTHER_LIOBN,
		0x80000000, BIT32 | LOW_LIOBN, LOW_LIOBN | (uint64_t)1 << 63,
		0xffffffff00000000u | LOW_LIOBN, TOP, 0x100};
	static const uint64_t tce = RW;

	(void)state;
	fill();
	write_list(LIST, &tce, 1);
	for (size_t i = 0; i < sizeof(liobns) / sizeof(liobns[0]); i++) {
		for (size_t fn = 0; fn < NFNS; fn++) {
			call_each(fn, liobns[i], 0);
			expect_refused("liobn", i, H_PARAMETER);
		}
	}
}

/* HC-04 HC-05 HC-06; decision 14, ioba not aligned to the window's page. */
static void test_ioba_outside_the_window_or_askew_is_refused(void **state)
{
	static const struct {
		uint32_t liobn;
		uint64_t at;
	} cases[] = {
		{LOW_LIOBN, LOW_PAGES * PAGE},
		{LOW_LIOBN, 1},
		{LOW_LIOBN, 0xfff},
		{LOW_LIOBN, 0x1800},
		{LOW_LIOBN, (LOW_PAGES - 1) * PAGE + 8},
		{LOW_LIOBN, BIT32},
		{LOW_LIOBN, HIGH_BASE},
		{LOW_LIOBN, (uint64_t)1 << 63},
		{LOW_LIOBN, TOP - 0xfff},
		{LOW_LIOBN, TOP},
		{HIGH_LIOBN, 0},
		{HIGH_LIOBN, HIGH_BASE - PAGE},
		{HIGH_LIOBN, HIGH_BASE + HIGH_PAGES * PAGE},
		{HIGH_LIOBN, HIGH_BASE + 4},
		{HIGH_LIOBN, TOP - 0xfff},
	};
	static const uint64_t tce = RW;

	(void)state;
	fill();
	write_list(LIST, &tce, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t fn = 0; fn < NFNS; fn++) {
			call_each(fn, cases[i].liobn, cases[i].at);
			expect_refused("ioba", i, H_PARAMETER);
		}
	}
}

static void test_closed_window_is_refused(void **state)
{
	(void)state;
	window_of(LOW)->npages = 0;
	for (size_t fn = 0; fn < NFNS; fn++) {
		call_each(fn, LOW_LIOBN, 0);
		expect_refused("call", fn, H_PARAMETER);
	}
}

/* --- H_PUT_TCE and H_GET_TCE --- */

static void test_put_tce_on_first_and_last_page(void **state)
{
	static const struct {
		int window;
		uint32_t liobn;
		uint64_t at;
		uint64_t index;
	} cases[] = {
		{LOW, LOW_LIOBN, 0, 0},
		{LOW, LOW_LIOBN, (LOW_PAGES - 1) * PAGE, LOW_PAGES - 1},
		{HIGH, HIGH_LIOBN, HIGH_BASE, 0},
		{HIGH, HIGH_LIOBN, HIGH_BASE + (HIGH_PAGES - 1) * PAGE, HIGH_PAGES - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint64_t perm = 1; perm <= RW; perm++) {
			/* The last page of RAM. */
			uint64_t tce = (RAM - PAGE) | perm;

			call(h_put_tce, cases[i].liobn, cases[i].at, tce, 0);
			assert_int_equal(ret, H_SUCCESS);
			expect_args_unchanged();
			assert_true(get(cases[i].liobn, cases[i].at) == tce);
			assert_true(
				fake_tce_device(&fakes[cases[i].window], cases[i].index) == tce);
		}
	}
}

/* HC-07 HC-08 HC-30; decision 14, page outside RAM or undefined bit set with R/W. */
static void test_put_tce_of_a_wrong_tce_is_refused(void **state)
{
	static const uint64_t tces[] = {RAM, RAM + PAGE, 0x30000000, 0x40000000, BIT32,
		(uint64_t)1 << 60, (uint64_t)1 << 61, (uint64_t)1 << 62, (uint64_t)1 << 63,
		TOP & ~RW, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800, 0x1004};

	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(tces) / sizeof(tces[0]); i++) {
		for (uint64_t perm = 1; perm <= RW; perm++) {
			call(h_put_tce, LOW_LIOBN, 0, tces[i] | perm, 0);
			expect_refused("tce", i, H_PARAMETER);
		}
	}
}

/* HC-10; decision 14, TCE with R/W = 00 and other bits set. */
static void test_put_tce_without_access_reads_back_as_0(void **state)
{
	static const uint64_t tces[] = {0, 0x1000, 0xffc, RAM, TOP & ~RW};

	(void)state;
	for (size_t i = 0; i < sizeof(tces) / sizeof(tces[0]); i++) {
		call(h_put_tce, LOW_LIOBN, PAGE, 0x2000 | RW, 0);
		call(h_put_tce, LOW_LIOBN, PAGE, tces[i], 0);
		assert_int_equal(ret, H_SUCCESS);
		assert_true(get(LOW_LIOBN, PAGE) == 0);
		assert_true(fake_tce_device(&fakes[LOW], 1) == 0);
	}
}

/* HC-11, U6: r4 is the guest's own TCE, and no other register changes. */
static void test_get_tce_answers_in_r4_only(void **state)
{
	(void)state;
	call(h_put_tce, LOW_LIOBN, 0, 0x3000 | TCE_WRITE, 0);
	call(h_get_tce, LOW_LIOBN, 0, 7, 7);
	assert_int_equal(ret, H_SUCCESS);
	assert_true(args[0] == (0x3000 | TCE_WRITE));
	args[0] = args_before[0];
	expect_args_unchanged();
}

/* --- H_PUT_TCE_INDIRECT --- */

static void test_indirect_stores_big_endian_entries_in_order(void **state)
{
	static const uint8_t list[] = {
		0, 0, 0, 0, 0, 0, 0x10, 0x01, /* page 1, read */
		0, 0, 0, 0, 0, 0, 0x20, 0x02, /* page 2, write */
		0, 0, 0, 0, 0, 0, 0xf0, 0x03, /* page 15, both */
		0, 0, 0, 0, 0, 0, 0x40, 0x00, /* nothing */
	};
	static const uint64_t want[] = {0x1001, 0x2002, 0xf003, 0};

	(void)state;
	fill();
	memcpy(ram + LIST, list, sizeof(list));
	call(h_put_tce_indirect, LOW_LIOBN, 5 * PAGE, LIST, 4);
	assert_int_equal(ret, H_SUCCESS);
	expect_args_unchanged();
	for (uint64_t i = 0; i < 4; i++) {
		assert_true(get(LOW_LIOBN, (5 + i) * PAGE) == want[i]);
		assert_true(fake_tce_device(&fakes[LOW], 5 + i) == want[i]);
	}
	assert_true(get(LOW_LIOBN, 4 * PAGE) == (13 * PAGE | RW));
	assert_true(get(LOW_LIOBN, 9 * PAGE) == (14 * PAGE | RW));
}

static void full_list(uint64_t tces[TCE_MAX_BATCH])
{
	for (uint64_t i = 0; i < TCE_MAX_BATCH; i++) {
		tces[i] = (i * 5 % 12) * PAGE | (1 + i % 3);
	}
	write_list(LIST, tces, TCE_MAX_BATCH);
}

static void test_indirect_of_512_entries_is_one_map_and_one_flush(void **state)
{
	static uint64_t tces[TCE_MAX_BATCH];

	(void)state;
	full_list(tces);
	fill();
	remember();
	call(h_put_tce_indirect, LOW_LIOBN, 0, LIST, TCE_MAX_BATCH);
	assert_int_equal(ret, H_SUCCESS);
	assert_int_equal(fakes[LOW].ncalls, 2);
	assert_int_equal(fake_tce_count(&fakes[LOW], FAKE_TCE_MAP), 1);
	assert_int_equal(fake_tce_count(&fakes[LOW], FAKE_TCE_FLUSH), 1);
	for (uint64_t i = 0; i < TCE_MAX_BATCH; i++) {
		assert_true(fake_tce_device(&fakes[LOW], i) == tces[i]);
	}
}

/* HC-14 HC-15 HC-16 HC-20; decision 14, INDIRECT with 0 entries, and list outside RAM. */
static void test_indirect_with_wrong_arguments_is_refused(void **state)
{
	static const struct {
		uint64_t at, list, n;
	} cases[] = {
		{0, LIST, 0},
		{0, LIST, 513},
		{0, LIST, BIT32},
		{0, LIST, BIT32 + 1},
		{0, LIST, (uint64_t)1 << 63},
		{0, LIST, TOP},
		{0, LIST + 8, 1},
		{0, LIST + 1, 1},
		{0, LIST + 0x800, 1},
		{0, LIST | (uint64_t)1 << 60, 1},
		{0, LIST | BIT32, 1},
		{0, RAM, 1},
		{0, RAM, 512},
		{0, TOP - 0xfff, 1},
		{0, TOP - 0xfff, 512},
		{0, 0x40000000, 1},
		{(LOW_PAGES - 1) * PAGE, LIST, 2},
		{(LOW_PAGES - 511) * PAGE, LIST, 512},
		{LOW_PAGES * PAGE, LIST, 1},
		{TOP - 0xfff, LIST, 2},
	};
	static uint64_t tces[TCE_MAX_BATCH];

	(void)state;
	fill();
	full_list(tces);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		call(h_put_tce_indirect, LOW_LIOBN, cases[i].at, cases[i].list, cases[i].n);
		expect_refused("arguments", i, H_PARAMETER);
	}
}

/* A list at the end of RAM is read as far as it goes, and not a byte further. */
static void test_indirect_list_must_be_ram_to_its_last_entry(void **state)
{
	static const uint64_t tce = RW;

	(void)state;
	write_list(RAM - PAGE, &tce, 1);
	part.mem.size = RAM - PAGE + 8;
	call(h_put_tce_indirect, LOW_LIOBN, 0, RAM - PAGE, 1);
	assert_int_equal(ret, H_SUCCESS);
	remember();
	call(h_put_tce_indirect, LOW_LIOBN, 0, RAM - PAGE, 2);
	expect_refused("entry", 1, H_PARAMETER);
	part.mem.size = RAM - PAGE + 7;
	call(h_put_tce_indirect, LOW_LIOBN, 0, RAM - PAGE, 1);
	expect_refused("entry", 0, H_PARAMETER);
}

/* Decision 14, INDIRECT that fails half way: each place, each kind of bad TCE. */
static void test_indirect_with_one_bad_entry_stores_none(void **state)
{
	static const uint64_t bad[] = {RAM | TCE_READ, 0x1004 | TCE_WRITE, (uint64_t)1 << 63 | RW};
	static const unsigned int places[] = {0, 1, 256, 511};
	static uint64_t tces[TCE_MAX_BATCH];

	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
			full_list(tces);
			write_list(LIST + places[k] * 8, &bad[i], 1);
			call(h_put_tce_indirect, LOW_LIOBN, 0, LIST, TCE_MAX_BATCH);
			expect_refused("bad tce", i, H_PARAMETER);
		}
	}
}

/* HC-21: the list's own page is among those mapped, and the device could write it from then on. */
static void test_indirect_list_may_be_one_of_the_pages_it_maps(void **state)
{
	static const uint64_t tces[] = {LIST | RW, LIST | RW};

	(void)state;
	write_list(LIST, tces, 2);
	call(h_put_tce_indirect, LOW_LIOBN, 0, LIST, 2);
	assert_int_equal(ret, H_SUCCESS);
	assert_true(get(LOW_LIOBN, PAGE) == (LIST | RW));
	assert_memory_equal(ram, ram_before, sizeof(ram));
}

/* --- H_STUFF_TCE --- */

/* HC-22 HC-24; decision 14, STUFF of 0 entries, and with R/W bits. */
static void test_stuff_with_wrong_arguments_is_refused(void **state)
{
	static const struct {
		uint64_t at, value, n;
	} cases[] = {
		{0, 0, 0},
		{0, 1, 1},
		{0, 2, 1},
		{0, 3, 1},
		{0, 0x1003, 1},
		{0, TOP, 1},
		{0, 0, LOW_PAGES + 1},
		{0, 0, BIT32},
		{0, 0, TOP},
		{PAGE, 0, LOW_PAGES},
		{PAGE, 0, TOP},
		{(LOW_PAGES - 1) * PAGE, 0, 2},
		{0, 0, (uint64_t)1 << 52},
		{0, 0, ((uint64_t)1 << 52) + 1},
		{0x800, 0, 1},
		{LOW_PAGES * PAGE, 0, 1},
	};

	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		call(h_stuff_tce, LOW_LIOBN, cases[i].at, cases[i].value, cases[i].n);
		expect_refused("arguments", i, H_PARAMETER);
	}
}

static void forget_pages(uint64_t first, uint64_t n)
{
	memset(&before[LOW].table[first], 0, (size_t)n * sizeof(before[LOW].table[0]));
	memset(&before[LOW].cache[first], 0, (size_t)n * sizeof(before[LOW].cache[0]));
}

static void test_stuff_clears_the_range_and_nothing_else(void **state)
{
	static const uint64_t values[] = {0, 0x1000, 0xffc, TOP & ~RW};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		setup(NULL);
		fill();
		call(h_stuff_tce, LOW_LIOBN, 3 * PAGE, values[i], TCE_MAX_BATCH);
		assert_int_equal(ret, H_SUCCESS);
		forget_pages(3, TCE_MAX_BATCH);
		expect_unchanged();
		assert_true(get(LOW_LIOBN, 3 * PAGE) == 0);
	}
}

/* Decision 14, STUFF of more than 512: each trap does one slice with one flush and moves r5 and r7
 * on, and the whole range is refused before the first. */
static void test_stuff_of_many_goes_slice_by_slice(void **state)
{
	static const struct {
		uint64_t first, n;
	} cases[] = {{0, 513}, {1, 1024}, {0, LOW_PAGES}, {7, LOW_PAGES - 7}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t left = cases[i].n, first = cases[i].first;

		setup(NULL);
		fill();
		call(h_stuff_tce, LOW_LIOBN, first * PAGE, 0, left);
		while (left > TCE_MAX_BATCH) {
			assert_int_equal(ret, H_AGAIN_INTERNAL);
			forget_pages(first, TCE_MAX_BATCH);
			first += TCE_MAX_BATCH;
			left -= TCE_MAX_BATCH;
			args_before[1] = first * PAGE;
			args_before[3] = left;
			expect_unchanged();
			assert_int_equal(fake_tce_count(&fakes[LOW], FAKE_TCE_UNMAP), 1);
			assert_int_equal(fake_tce_count(&fakes[LOW], FAKE_TCE_FLUSH), 1);
			fakes[LOW].ncalls = 0;
			ret = h_stuff_tce(vcpu, args);
		}
		assert_int_equal(ret, H_SUCCESS);
		forget_pages(first, left);
		expect_unchanged();
		assert_int_equal(fakes[LOW].ncalls, 2);
	}
}

static void test_stuff_notices_a_window_that_went_away_between_slices(void **state)
{
	(void)state;
	fill();
	call(h_stuff_tce, LOW_LIOBN, 0, 0, 1300);
	assert_int_equal(ret, H_AGAIN_INTERNAL);
	remember();
	memcpy(args_before, args, sizeof(args));
	window_of(LOW)->npages = 0;
	ret = h_stuff_tce(vcpu, args);
	expect_refused("slice", 2, H_PARAMETER);
	/* Or became smaller than what is left. */
	window_of(LOW)->npages = 1299;
	ret = h_stuff_tce(vcpu, args);
	expect_refused("slice", 2, H_PARAMETER);
}

static void test_stuff_to_the_very_end_of_the_address_space(void **state)
{
	(void)state;
	open_window(LOW, LOW_LIOBN, TOP - 1024 * PAGE + 1, 1024);
	fill();
	call(h_stuff_tce, LOW_LIOBN, TOP - 1024 * PAGE + 1, 0, 1024);
	assert_int_equal(ret, H_AGAIN_INTERNAL);
	ret = h_stuff_tce(vcpu, args);
	assert_int_equal(ret, H_SUCCESS);
	assert_true(fake_tce_device(&fakes[LOW], 1023) == 0);
}

/* --- the backend fails --- */

/* HC-29, decision 7: every call fails at each of its steps with each error; the guest is told, sees
 * nothing changed, and a line names partition, window and error. A flush that fails comes when all
 * is done: that one is told too. */
static void test_each_failure_is_told_and_changes_nothing(void **state)
{
	static const struct {
		size_t fn;
		unsigned int step;
	} steps[] = {{0, 1}, {1, 1}, {2, 1}, {3, 1}};
	static const struct {
		int err;
		hret_t ret;
		const char *name;
	} errors[] = {
		{-ENOMEM, H_NOT_ENOUGH_RESOURCES, "-ENOMEM"},
		{-ENOSPC, H_NOT_ENOUGH_RESOURCES, "-ENOSPC"},
		{-EBUSY, H_NOT_ENOUGH_RESOURCES, "-EBUSY"},
		{-EIO, H_HARDWARE, "-EIO"},
		{-ENODEV, H_HARDWARE, "-ENODEV"},
	};
	static const uint64_t tce = RW;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (size_t k = 0; k < sizeof(errors) / sizeof(errors[0]); k++) {
			setup(NULL);
			fill();
			write_list(LIST, &tce, 1);
			fake_tce_fail_at(&fakes[LOW], steps[i].step, errors[k].err);
			call_each(steps[i].fn, LOW_LIOBN, 5 * PAGE);
			if (ret != errors[k].ret) {
				fail_msg("step %zu, %s: %d", i, errors[k].name, (int)ret);
			}
			expect_unchanged();
			assert_non_null(strstr(log_text, "one: LIOBN 80000100: TCE at 5000: "));
			assert_non_null(strstr(log_text, errors[k].name));
		}
	}
}

static void test_failed_flush_is_h_hardware(void **state)
{
	static const struct {
		size_t fn;
		unsigned int step;
	} steps[] = {{0, 4}, {2, 4}, {3, 2}};
	static const uint64_t tce = RW;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		setup(NULL);
		write_list(LIST, &tce, 1);
		fake_tce_fail_at(&fakes[LOW], steps[i].step, -ETIMEDOUT);
		call_each(steps[i].fn, LOW_LIOBN, 0);
		assert_int_equal(ret, H_HARDWARE);
	}
}

static void test_slice_that_fails_ends_the_call(void **state)
{
	(void)state;
	fill();
	call(h_stuff_tce, LOW_LIOBN, 0, 0, 1300);
	assert_int_equal(ret, H_AGAIN_INTERNAL);
	remember();
	memcpy(args_before, args, sizeof(args));
	fake_tce_fail_at(&fakes[LOW], 2, -EIO);
	ret = h_stuff_tce(vcpu, args);
	assert_int_equal(ret, H_HARDWARE);
	expect_unchanged();
}

static void test_failures_do_not_flood_the_log(void **state)
{
	unsigned int nlines = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		fake_tce_fail_at(&fakes[LOW], 1, -ENOMEM);
		call(h_put_tce, LOW_LIOBN, 0, RW, 0);
		assert_int_equal(ret, H_NOT_ENOUGH_RESOURCES);
	}
	for (const char *p = log_text; *p; p++) {
		nlines += *p == '\n';
	}
	assert_int_equal(nlines, LOG_BURST + 1);
}

/* --- through the dispatcher, as a 32-bit caller --- */

static void test_long_stuff_is_repeated_by_the_dispatcher(void **state)
{
	uint64_t regs[1 + HCALL_NARGS] = {H_STUFF_TCE, LOW_LIOBN, 0, 0, 1025};

	(void)state;
	fill();
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_REPEAT);
	assert_true(regs[0] == H_STUFF_TCE && regs[2] == 512 * PAGE && regs[4] == 513);
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_REPEAT);
	assert_true(regs[0] == H_STUFF_TCE && regs[2] == 1024 * PAGE && regs[4] == 1);
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_RETURN);
	assert_true(regs[0] == H_SUCCESS);
	assert_true(fake_tce_device(&fakes[LOW], 1024) == 0);
	assert_true(fake_tce_device(&fakes[LOW], 1025) != 0);
}

static void test_32_bit_caller_reaches_the_low_window(void **state)
{
	uint64_t regs[1 + HCALL_NARGS] = {
		H_PUT_TCE, TOP << 32 | LOW_LIOBN, TOP << 32 | PAGE, TOP << 32 | 0x2003};

	(void)state;
	assert_int_equal(hcall_dispatch(vcpu, regs, false, true), HCALL_RETURN);
	assert_true(regs[0] == H_SUCCESS);
	assert_true(fake_tce_device(&fakes[LOW], 1) == 0x2003);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_liobn_that_is_not_ours_is_refused, setup),
		cmocka_unit_test_setup(test_ioba_outside_the_window_or_askew_is_refused, setup),
		cmocka_unit_test_setup(test_closed_window_is_refused, setup),
		cmocka_unit_test_setup(test_put_tce_on_first_and_last_page, setup),
		cmocka_unit_test_setup(test_put_tce_of_a_wrong_tce_is_refused, setup),
		cmocka_unit_test_setup(test_put_tce_without_access_reads_back_as_0, setup),
		cmocka_unit_test_setup(test_get_tce_answers_in_r4_only, setup),
		cmocka_unit_test_setup(test_indirect_stores_big_endian_entries_in_order, setup),
		cmocka_unit_test_setup(
			test_indirect_of_512_entries_is_one_map_and_one_flush, setup),
		cmocka_unit_test_setup(test_indirect_with_wrong_arguments_is_refused, setup),
		cmocka_unit_test_setup(test_indirect_list_must_be_ram_to_its_last_entry, setup),
		cmocka_unit_test_setup(test_indirect_with_one_bad_entry_stores_none, setup),
		cmocka_unit_test_setup(test_indirect_list_may_be_one_of_the_pages_it_maps, setup),
		cmocka_unit_test_setup(test_stuff_with_wrong_arguments_is_refused, setup),
		cmocka_unit_test_setup(test_stuff_clears_the_range_and_nothing_else, setup),
		cmocka_unit_test_setup(test_stuff_of_many_goes_slice_by_slice, setup),
		cmocka_unit_test_setup(
			test_stuff_notices_a_window_that_went_away_between_slices, setup),
		cmocka_unit_test_setup(test_stuff_to_the_very_end_of_the_address_space, setup),
		cmocka_unit_test_setup(test_each_failure_is_told_and_changes_nothing, setup),
		cmocka_unit_test_setup(test_failed_flush_is_h_hardware, setup),
		cmocka_unit_test_setup(test_slice_that_fails_ends_the_call, setup),
		cmocka_unit_test_setup(test_failures_do_not_flood_the_log, setup),
		cmocka_unit_test_setup(test_long_stuff_is_repeated_by_the_dispatcher, setup),
		cmocka_unit_test_setup(test_32_bit_caller_reaches_the_low_window, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
