// SPDX-License-Identifier: Apache-2.0
/*
 * A dynamic window of each page size that the bridge offers: what its calls answer, and what the
 * device reaches through it.
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/moves.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_PAGES_SHIFT 6u
#define LIST_ENTRIES	   8u
#define BAD_ENTRY	   5u
/* Half of the device's buffer on either side of a page's end. */
#define HALF (EDU_BUFFER / 2)
/* The largest page of which the arena has two that are whole. */
#define CROSSING_SHIFT_MAX 16u
/* The smallest page that ends behind this program, which begins at 4 MiB. The tree is at the end of
 * memory. */
#define BEYOND_IMAGE_SHIFT 24u

static char prefix[24];
static struct window win;

static bool is(bool good, const char *name)
{
	return tap_ok(good, "%s%s", prefix, name);
}

/* The entry of this page of the window that maps what arena page n is in. */
static uint64_t entry(unsigned int n, unsigned int perm)
{
	return window_tce(&win, arena_gpa(n), perm);
}

/* Where arena page n is when page `page` of the window maps what it is in. */
static uint64_t through(uint64_t page, unsigned int n)
{
	return window_at(&win, page) + window_offset(&win, arena_gpa(n));
}

static bool empty(uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		if (!window_holds(&win, window_at(&win, i), 0)) {
			return false;
		}
	}
	return true;
}

static void test_place(void)
{
	struct window other = default_window();
	uint64_t end = win.base + (win.npages << win.shift);
	uint64_t other_end = other.base + (other.npages << other.shift);

	is(win.liobn && win.liobn != other.liobn && end > win.base &&
			(win.base >= other_end || end <= other.base),
		"its number and its place are its own");
	is(empty(0, win.npages), "it is empty at first");
}

static void test_entries(void)
{
	uint64_t at = window_at(&win, 1), last = window_last(&win);

	is(window_put(&win, at, entry(0, TCE_RW)) == H_SUCCESS &&
			window_holds(&win, at, entry(0, TCE_RW)),
		"GET gives what was PUT, guest-real (HC-11)");
	is(window_put(&win, at, entry(0, TCE_READ)) == H_SUCCESS &&
			window_holds(&win, at, entry(0, TCE_READ)),
		"PUT over a valid entry, read only (HC-12)");
	is(window_put(&win, last, entry(0, TCE_WRITE)) == H_SUCCESS &&
			window_holds(&win, last, entry(0, TCE_WRITE)) &&
			window_put(&win, last, 0) == H_SUCCESS && window_holds(&win, last, 0),
		"PUT at its last page, and 0 over it (HC-05)");
	is(window_put(&win, last + (1ull << win.shift), entry(0, TCE_RW)) == H_PARAMETER &&
			window_stuff(&win, last, 2) == H_PARAMETER &&
			window_holds(&win, at, entry(0, TCE_READ)),
		"PUT and STUFF past its end are refused (HC-05)");
	is(window_put(&win, win.base - (1ull << win.shift), entry(0, TCE_RW)) == H_PARAMETER,
		"PUT a page below it is refused (HC-04)");
	is(!win.base || window_put(&win, 0, entry(0, TCE_RW)) == H_PARAMETER,
		"PUT at bus address 0 by its number is refused (HC-04)");
	is(hv_call(H_PUT_TCE, bench.phb->liobn, at, entry(0, TCE_RW), 0) == H_PARAMETER ||
			!win.base,
		"PUT at its address by the default window's number is refused");
}

/* One entry is tried with a call that must be refused, and holds what it held before; or, where
 * that is known, what was given. */
static void test_bad_put(const char *name, uint64_t ioba, uint64_t tce)
{
	uint64_t at = window_at(&win, 1), old = entry(0, TCE_READ);
	bool known = differs(name), good = window_put(&win, at, old) == H_SUCCESS;

	good = window_put(&win, ioba, tce) == (known ? H_SUCCESS : H_PARAMETER) && good;
	tap_known(prefix, name, window_holds(&win, at, known ? tce : old) && good);
	window_put(&win, at, 0);
}

static void test_bad(void)
{
	uint64_t at = window_at(&win, 1), size = 1ull << win.shift, tce;
	uint64_t past = (tree.memory + size - 1) & ~(size - 1);

	test_bad_put("PUT 1 past a page is refused (HC-06)", at + 1, entry(0, TCE_RW));
	test_bad_put(
		"PUT half a page past a page is refused (HC-06)", at + size / 2, entry(0, TCE_RW));
	test_bad_put(
		"PUT of half a page's address is refused (HC-30)", at, entry(0, TCE_RW) | size / 2);
	test_bad_put("PUT of an undefined bit is refused (HC-30)", at, entry(0, TCE_RW) | 4);
	test_bad_put("PUT of the page past the memory is refused (HC-07)", at, past | TCE_RW);
	tap_known(prefix, "GET 1 past a page is refused (HC-06)",
		window_get(&win, at + 1, &tce) == (differs("GET 1 past a page is refused (HC-06)")
								  ? H_SUCCESS
								  : H_PARAMETER));
}

static void test_lists(void)
{
	const char *one_bad = "INDIRECT with one bad entry of eight stores none (HC-30)";
	uint64_t at = window_at(&win, 4);
	bool good = true;

	for (unsigned int i = 0; i < LIST_ENTRIES; i++) {
		tce_list[i] = be64(entry(i % 2 * 16, i % 3 + 1));
	}
	good = window_put_list(&win, at, LIST_ENTRIES) == H_SUCCESS;
	for (unsigned int i = 0; i < LIST_ENTRIES; i++) {
		good = window_holds(&win, window_at(&win, 4 + i), be64(tce_list[i])) && good;
	}
	is(good && empty(4 + LIST_ENTRIES, 1), "INDIRECT stores each entry, and none after them");
	is(window_stuff(&win, at, LIST_ENTRIES) == H_SUCCESS && empty(4, LIST_ENTRIES),
		"STUFF clears them");
	tce_list[BAD_ENTRY] = be64(entry(0, TCE_RW) | 8);
	if (differs(one_bad)) {
		good = window_put_list(&win, at, LIST_ENTRIES) == H_SUCCESS &&
		       window_holds(
			       &win, window_at(&win, 4 + BAD_ENTRY), be64(tce_list[BAD_ENTRY]));
	} else {
		good = window_put_list(&win, at, LIST_ENTRIES) == H_PARAMETER &&
		       empty(4, LIST_ENTRIES);
	}
	tap_known(prefix, one_bad, good);
	is(window_stuff(&win, win.base, win.npages) == H_SUCCESS && empty(0, win.npages),
		"STUFF clears all of it");
}

/* Out of one page of the window into the next, which is other memory; and into one that is not
 * mapped. The last arena page of the first block, and the first of the one before it. */
static void test_crossing(void)
{
	unsigned int per_block = 1u << (win.shift - 12);
	unsigned int upper = per_block, last = 2 * per_block - 1;
	uint64_t middle = window_at(&win, 3) - HALF;
	struct arena_change changes[2] = {
		{last, TCE_PAGE - HALF, stage_bytes, HALF},
		{0, 0, stage_bytes + HALF, HALF},
	};
	bool good = window_put(&win, window_at(&win, 2), entry(upper, TCE_RW)) == H_SUCCESS &&
		    window_put(&win, window_at(&win, 3), entry(0, TCE_RW)) == H_SUCCESS;

	arena_fill();
	good = good && stage_fill() && edu_dma_out(middle, 0, EDU_BUFFER) && arena_is(changes, 2);
	bench.dmas_verified += good;
	is(good, "DMA across two pages");
	good = window_put(&win, window_at(&win, 3), 0) == H_SUCCESS && stage_fill();
	arena_fill();
	good = good && edu_dma_out(middle, 0, EDU_BUFFER) && arena_is(changes, 1);
	bench.dmas_blocked += good;
	is(good, "DMA across into an unmapped page stops at it (DM-01)");
}

/* A large page may be made of smaller ones: its last quarter, in memory that nothing else uses. */
static void test_last_quarter(void)
{
	uint64_t size = 1ull << win.shift;
	uint64_t gpa = (arena_gpa(0) & ~(size - 1)) + size / 4 * 3;
	bool good;

	if (win.shift < BEYOND_IMAGE_SHIFT || gpa + TCE_PAGE > tree.memory / 2) {
		return;
	}
	good = window_put(&win, window_at(&win, 2), window_tce(&win, gpa, TCE_RW)) == H_SUCCESS &&
	       stage_works();
	arena_fill();
	good = good && edu_dma_out(window_at(&win, 2) + size / 4 * 3, 0, EDU_BUFFER) &&
	       arena_is(NULL, 0) &&
	       memcmp((const void *)(uintptr_t)gpa, stage_bytes, EDU_BUFFER) == 0;
	bench.dmas_verified += good;
	is(good, "DMA to the last quarter of a page");
}

static void test_moves(void)
{
	uint64_t here = through(2, 5), after = through(3, 5), past = through(win.npages, 5);
	bool good = window_put(&win, window_at(&win, 2), entry(5, TCE_RW)) == H_SUCCESS;

	is(good && both_arrive(here, 5), "DMA through it, both ways");
	is(both_vanish(after), "DMA at its next page is stopped (DM-01)");
	is(both_vanish(past), "DMA past its end is stopped (DM-01)");
	good = window_put(&win, window_at(&win, 2), entry(5, TCE_READ)) == H_SUCCESS;
	arena_fill();
	good = good && stage_fill() && out_vanishes(here) && in_arrives(here, 5);
	is(good, "DMA through a read-only page goes one way (DM-02)");
	good = window_put(&win, window_at(&win, 2), entry(5, TCE_WRITE)) == H_SUCCESS;
	arena_fill();
	good = good && stage_fill() && in_vanishes(here) && stage_fill() && out_arrives(here, 5);
	is(good, "DMA through a write-only page goes the other way (DM-02)");
	if (win.shift <= CROSSING_SHIFT_MAX) {
		test_crossing();
	}
	test_last_quarter();
	good = window_put(&win, window_at(&win, 2), entry(5, TCE_RW)) == H_SUCCESS;
	is(good && both_arrive(here, 5), "DMA through it again");
}

/* It goes with a live entry in it. */
static void test_removal(void)
{
	uint64_t at = window_at(&win, 2), here = through(2, 5), tce;

	window_put(&win, at, entry(5, TCE_RW));
	is(ddw_remove(win.liobn) == 0, "remove");
	tce_list[0] = be64(entry(5, TCE_RW));
	is(window_put(&win, at, entry(5, TCE_RW)) == H_PARAMETER &&
			window_get(&win, at, &tce) == H_PARAMETER &&
			window_put_list(&win, at, 1) == H_PARAMETER &&
			window_stuff(&win, at, 1) == H_PARAMETER,
		"no call knows it afterwards (HC-01)");
	is(ddw_remove(win.liobn) == -3, "it cannot be removed twice");
	if (bench.edu) {
		is(both_vanish(here), "DMA through it is stopped afterwards");
	}
}

static void test_size(const struct page_size *page)
{
	struct window_query before;
	int32_t status = ddw_query(&before, 5);

	snprintf(prefix, sizeof(prefix), "window of %s pages: ", page->name);
	if (status ||
		!is(!ddw_create(page->shift, page->shift + WINDOW_PAGES_SHIFT, &win), "create")) {
		return;
	}
	test_place();
	if (1ull << page->shift <= tree.memory) {
		test_entries();
		test_bad();
		test_lists();
		if (bench.edu && stage_open()) {
			test_moves();
		}
	}
	test_removal();
	is(query_is(&before), "query says afterwards what it said before");
	tce_clear(window_page(PAGE_STAGE), 1);
}

void test_ddw_windows(void)
{
	struct window_query q;

	if (!bench.phb->ddw || !bench.phb->nfuncs) {
		tap_skip("dynamic windows", "none are announced for a function here");
		return;
	}
	if (ddw_query(&q, 5)) {
		tap_ok(false, "query of dynamic windows");
		return;
	}
	if (!q.windows) {
		tap_skip("dynamic windows", "there is no room for one");
		return;
	}
	for (unsigned int i = 0; i < num_page_sizes; i++) {
		if (q.mask & page_sizes[i].bit) {
			test_size(&page_sizes[i]);
		}
	}
}
