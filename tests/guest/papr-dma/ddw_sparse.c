// SPDX-License-Identifier: Apache-2.0
/*
 * A window of 2^40 bytes with 4K pages, of which a few are used. Whether there can be one is for
 * the hypervisor to say; if there can, its entries, clearing all of it, and DMA at its far end must
 * work.
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/moves.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <inttypes.h>

#define SIZE_SHIFT 40u
#define NPAGES	   (1ull << (SIZE_SHIFT - 12))
#define FAR_APART  4096u /* pages, evenly over all of it */

/* Where the hypervisor and its firmware are, on a machine that tcelot runs on. */
#define OPAL_ADDRESS  0x30000000u
#define IMAGE_ADDRESS 0x20010000u

/* Pages that are used: the ends, and both sides of where levels of a table may meet. */
static const uint64_t used[] = {0, 1, 511, 512, 8191, 8192, (1ull << 18) - 1, 1ull << 18,
	(1ull << 26) - 1, 1ull << 26, (1ull << 27) + 12345, NPAGES - 1};
/* Beside them: never used. */
static const uint64_t unused[] = {2, 510, 513, 8190, 8193, (1ull << 18) - 2, (1ull << 18) + 1,
	(1ull << 26) + 1, (1ull << 27) + 12344, (1ull << 27) + 12346, NPAGES - 2};

#define NUM_USED   (sizeof(used) / sizeof(used[0]))
#define NUM_UNUSED (sizeof(unused) / sizeof(unused[0]))

static struct window win;

static uint64_t tce_of(unsigned int i)
{
	return arena_gpa(i) | (i % 3 + 1);
}

static uint64_t far_page(unsigned int n)
{
	return window_at(&win, n * (NPAGES / FAR_APART));
}

static bool fill(void)
{
	bool good = true;

	for (unsigned int i = 0; i < NUM_USED; i++) {
		good = window_put(&win, window_at(&win, used[i]), tce_of(i)) == H_SUCCESS && good;
	}
	return good;
}

static bool is_filled(bool filled)
{
	bool good = true;

	for (unsigned int i = 0; i < NUM_USED; i++) {
		good = window_holds(&win, window_at(&win, used[i]), filled ? tce_of(i) : 0) && good;
	}
	for (unsigned int i = 0; i < NUM_UNUSED; i++) {
		good = window_holds(&win, window_at(&win, unused[i]), 0) && good;
	}
	return good;
}

static void test_far_dma(void)
{
	uint64_t far = window_last(&win);
	bool good = window_put(&win, far, arena_gpa(4) | TCE_RW) == H_SUCCESS;

	tap_ok(good && both_arrive(far, 4), "window of 2^40: DMA through its last page");
	tap_ok(both_vanish(window_at(&win, NPAGES / 2 + 7)),
		"window of 2^40: DMA where nothing is mapped is stopped (DM-01)");
	tap_ok(both_vanish(win.base + OPAL_ADDRESS) && both_vanish(win.base + IMAGE_ADDRESS) &&
			both_vanish(win.base + arena_gpa(0)),
		"window of 2^40: hypervisor, firmware and our own memory by their addresses "
		"(DM-13)");
	tap_ok(window_put(&win, far, 0) == H_SUCCESS && both_vanish(far),
		"window of 2^40: DMA through its last page, cleared, is stopped");
}

static void test_clearing(void)
{
	const char *name = "window of 2^40: STUFF of all of it";

	if (skipped_here(name)) {
		return;
	}
	tap_ok(fill() && window_stuff(&win, win.base, NPAGES) == H_SUCCESS && is_filled(false),
		"%s", name);
	tap_ok(window_stuff(&win, win.base, NPAGES) == H_SUCCESS && is_filled(false),
		"window of 2^40: STUFF of all of it, empty");
	tap_ok(fill() && window_stuff(&win, window_at(&win, 1), NPAGES) == H_PARAMETER &&
			is_filled(true),
		"window of 2^40: STUFF past its end clears nothing (HC-24)");
}

/*
 * Pages so far apart that each wants a part of the table to itself, until there is no memory for
 * one more. That call has changed nothing, the others stay, and the memory comes back with the
 * window.
 */
static void test_exhausted(void)
{
	const char *name = "window of 2^40: PUT says when there is no memory for its table (HC-29)";
	int64_t status = H_SUCCESS;
	unsigned int n = 0;
	bool good;

	if (skipped_here(name)) {
		return;
	}
	while (n < FAR_APART && status == H_SUCCESS) {
		status = window_put(&win, far_page(n), tce_of(n % ARENA_PAGES));
		n += status == H_SUCCESS;
	}
	if (status == H_SUCCESS) {
		tap_skip(name, "there is memory for all that was tried");
		return;
	}
	good = status == H_NOT_ENOUGH_RESOURCES && window_holds(&win, far_page(n), 0);
	for (unsigned int i = 0; i < n && good; i++) {
		good = window_holds(&win, far_page(i), tce_of(i % ARENA_PAGES));
	}
	tap_note("%u pages, and then status %" PRId64, n, status);
	tap_ok(good, "%s", name);
	/* Where there is a table already nothing is needed. */
	tap_ok(n && window_put(&win, far_page(n - 1) + TCE_PAGE, tce_of(0)) == H_SUCCESS &&
			window_stuff(&win, win.base, NPAGES) == H_SUCCESS &&
			window_holds(&win, far_page(0), 0) &&
			window_holds(&win, far_page(n - 1), 0),
		"window of 2^40: PUT beside a used page, and STUFF, need no memory (HC-29)");
}

void test_ddw_sparse(void)
{
	struct window_query q;
	int32_t status;

	if (!bench.phb->ddw || !bench.phb->nfuncs || ddw_query(&q, 5) || !q.windows) {
		return; /* test_ddw_windows has said so */
	}
	status = ddw_create(12, SIZE_SHIFT, &win);
	/* Query may speak of windows that can be filled, and there may be larger ones all the same.
	 */
	if (status == -1 && q.largest < NPAGES) {
		tap_skip("window of 2^40", "query offers none that large, and create makes none");
		return;
	}
	if (!tap_ok(!status, "window of 2^40: create")) {
		return;
	}
	tap_ok(is_filled(false), "window of 2^40: it is empty at first");
	tap_ok(fill() && is_filled(true), "window of 2^40: far entries hold what was PUT");
	if (bench.edu && stage_open()) {
		test_far_dma();
		tce_clear(window_page(PAGE_STAGE), 1);
	}
	test_clearing();
	test_exhausted();
	fill();
	tap_ok(!ddw_remove(win.liobn) && query_is(&q),
		"window of 2^40: remove, with live entries; query says what it said before");
}
