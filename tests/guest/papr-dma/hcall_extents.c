// SPDX-License-Identifier: Apache-2.0
/*
 * What hypercalls change when they succeed, entry by entry, and which windows are not ours.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"

#include <inttypes.h>

#define LIOBN_PCI     0x80000000u
#define LIOBN_INDICES 32u
#define LIOBN_WINDOWS 3u
#define INDEX_SHIFT   8u
#define LIST_MAX      512u
#define STUFF_MANY    1000u
#define REPEATED_PUTS 1000u

/* Whether the n entries from page on are as want says. */
static bool entries_are(uint64_t page, unsigned int n, uint64_t (*want)(unsigned int i))
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t now;

		if (tce_get(window_page(page + i), &now) != H_SUCCESS || now != want(i)) {
			tap_note("entry %u is %" PRIx64 ", should be %" PRIx64, i, now, want(i));
			return false;
		}
	}
	return true;
}

static uint64_t varied(unsigned int i)
{
	return arena_gpa(i % ARENA_PAGES) | (i % 4);
}

/* What H_GET_TCE gives for varied: nothing is left of a TCE without access. */
static uint64_t varied_as_read(unsigned int i)
{
	return i % 4 || tree.qemu ? varied(i) : 0;
}

static uint64_t none(unsigned int i)
{
	(void)i;
	return 0;
}

static void test_list(void)
{
	static uint64_t tces[LIST_MAX];
	uint64_t last;
	bool good;

	for (unsigned int i = 0; i < LIST_MAX; i++) {
		tces[i] = varied(i);
	}
	good = tce_put(window_page(PAGE_HCALL + LIST_MAX), arena_gpa(0) | TCE_RW) == H_SUCCESS;
	good = tce_put_list(window_page(PAGE_HCALL), tces, LIST_MAX) == H_SUCCESS && good;
	tap_ok(good && entries_are(PAGE_HCALL, LIST_MAX, varied_as_read),
		"INDIRECT: each of 512 entries is stored");
	good = tce_get(window_page(PAGE_HCALL + LIST_MAX), &last) == H_SUCCESS;
	tap_ok(good && last == (arena_gpa(0) | TCE_RW), "INDIRECT: the entry after them is not");
}

static void test_stuff(void)
{
	uint64_t before, after;
	bool good = true;

	for (unsigned int i = 0; i <= STUFF_MANY + 1; i++) {
		good = tce_put(window_page(PAGE_HCALL + i), arena_gpa(1) | TCE_RW) == H_SUCCESS &&
		       good;
	}
	good = tce_clear(window_page(PAGE_HCALL + 1), STUFF_MANY) == H_SUCCESS && good;
	tap_ok(good && entries_are(PAGE_HCALL + 1, STUFF_MANY, none),
		"STUFF: each of 1000 entries is cleared");
	good = tce_get(window_page(PAGE_HCALL), &before) == H_SUCCESS;
	good = tce_get(window_page(PAGE_HCALL + STUFF_MANY + 1), &after) == H_SUCCESS && good;
	tap_ok(good && before == (arena_gpa(1) | TCE_RW) && after == before,
		"STUFF: the entries before and after them are not");
	tce_clear(window_page(PAGE_HCALL), PAGE_HCALL_N);
}

static bool is_ours(uint32_t liobn)
{
	for (unsigned int i = 0; i < tree.nphbs; i++) {
		if (tree.phbs[i].liobn == liobn) {
			return true;
		}
	}
	return false;
}

static void test_other_windows(void)
{
	bool refused = true;

	for (uint32_t index = 0; index < LIOBN_INDICES; index++) {
		for (uint32_t window = 0; window < LIOBN_WINDOWS; window++) {
			uint32_t liobn = LIOBN_PCI | index << INDEX_SHIFT | window;

			if (!is_ours(liobn) && hv_call(H_PUT_TCE, liobn, 0, arena_gpa(0) | TCE_RW,
						       0) != H_PARAMETER) {
				tap_note("LIOBN %" PRIx32 " was not refused", liobn);
				refused = false;
			}
		}
	}
	tap_ok(refused, "PUT: every other bridge's LIOBN is refused (HC-03)");
}

static void test_repeated(void)
{
	uint64_t now;
	bool good = true;

	for (unsigned int i = 0; i < REPEATED_PUTS; i++) {
		good = hv_call(H_PUT_TCE, bench.phb->liobn, window_page(PAGE_HCALL),
			       arena_gpa(0) | TCE_RW, 0) == H_SUCCESS &&
		       good;
	}
	good = tce_get(window_page(PAGE_HCALL), &now) == H_SUCCESS && good;
	tap_ok(good && now == (arena_gpa(0) | TCE_RW), "PUT: the same a thousand times (HC-13)");
	tce_clear(window_page(PAGE_HCALL), 1);
}

void test_hcall_extents(void)
{
	test_other_windows();
	test_list();
	test_stuff();
	test_repeated();
}
