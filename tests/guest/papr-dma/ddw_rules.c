// SPDX-License-Identifier: Apache-2.0
/*
 * How windows come and go: what query says of them, how many there can be, and when the default one
 * comes back (LoPAR 7.3.11 and the rules of its removal).
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/moves.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <inttypes.h>

#define SMALL	    24u /* log2 of a window's size */
#define MAX_WINDOWS 8u
#define ROUNDS	    200u

static const char *const in_its_place =
	"remove: a window of the guest's in the default one's place brings that back (DW-11)";

static struct window def;

static bool token_is(const char *service, uint32_t announced)
{
	uint32_t token;

	return tree_rtas_token(service, &token) && token == announced;
}

static void test_announced(void)
{
	const struct tree_phb *phb = bench.phb;

	tap_ok(token_is(QUERY_WINDOW, phb->ddw_query) && token_is(CREATE_WINDOW, phb->ddw_create) &&
			token_is(REMOVE_WINDOW, phb->ddw_remove),
		"the bridge's tokens for windows are RTAS's (DT-04)");
	if (phb->ddw_reset) {
		tap_ok(token_is(RESET_WINDOW, phb->ddw_reset),
			"the bridge's token for reset is RTAS's (DT-04)");
	}
}

static void test_query(const struct window_query *five)
{
	const char *largest = "query: five and six results agree on the largest window";
	struct window_query six;
	uint64_t saturated;
	uint32_t known = 0;
	int32_t status = ddw_query(&six, 6);

	tap_ok(!status && six.windows == five->windows && six.mask == five->mask,
		"query: five and six results agree on windows and pages");
	saturated = six.largest > UINT32_MAX ? UINT32_MAX : six.largest;
	tap_known("", largest,
		differs(largest) ? six.largest == 1ull << 37 && five->largest == 1u << 31
				 : saturated == five->largest);
	for (unsigned int i = 0; i < num_page_sizes; i++) {
		known |= page_sizes[i].bit;
	}
	tap_ok((five->mask & 1) && !(five->mask & ~known),
		"query: 4K pages are offered, and none of a size that there is not");
}

/* The largest window that query speaks of, with its largest page. */
static void test_promise(const struct window_query *q)
{
	const char *name = "create: the largest window that query offers";
	unsigned int page = 0, window = 0;
	struct window w;
	bool good;

	if (skipped_here(name)) {
		return;
	}
	for (unsigned int i = 0; i < num_page_sizes; i++) {
		page = q->mask & page_sizes[i].bit ? page_sizes[i].shift : page;
	}
	while (window < 31 && 2ull << window <= q->largest) {
		window++;
	}
	good = !ddw_create(page, page + window, &w) && window_holds(&w, window_last(&w), 0) &&
	       window_put(&w, window_last(&w), TCE_RW) == H_SUCCESS &&
	       window_holds(&w, window_last(&w), TCE_RW);
	good = !ddw_remove(w.liobn) && good;
	tap_ok(good && query_is(q), "%s", name);
}

static uint64_t live(unsigned int window)
{
	return arena_gpa(window + 1) | TCE_RW;
}

/* As many windows as query offers, each of them mapped, and one more. */
static void test_too_many(const struct window_query *q)
{
	struct window w[MAX_WINDOWS], more;
	unsigned int n = 0;
	int32_t status = 0;
	bool good = true;

	while (n < MAX_WINDOWS && n <= q->windows && !status) {
		status = ddw_create(12, SMALL, &w[n]);
		if (!status) {
			good = window_put(&w[n], window_at(&w[n], 1), live(n)) == H_SUCCESS && good;
			n++;
		}
	}
	good = good && tce_put(window_page(PAGE_HCALL), live(MAX_WINDOWS)) == H_SUCCESS;
	tap_ok(n == q->windows, "create: as many windows as query offers");
	status = ddw_create(12, SMALL, &more);
	good = good && window_holds(&def, window_page(PAGE_HCALL), live(MAX_WINDOWS));
	for (unsigned int i = 0; i < n; i++) {
		good = good && window_holds(&w[i], window_at(&w[i], 1), live(i));
	}
	tap_ok(status == -1 && good, "create: one window too many, and the others stay (DW-05)");
	if (bench.edu && n) {
		tap_ok(both_arrive(window_at(&w[0], 1), 1) &&
				both_arrive(window_page(PAGE_HCALL), MAX_WINDOWS + 1),
			"DMA through the default window and through one beside it (DW-05)");
	}
	for (unsigned int i = 0; i < n; i++) {
		good = !ddw_remove(w[i].liobn) && good;
	}
	tce_clear(window_page(PAGE_HCALL), 1);
	tap_ok(good && query_is(q), "remove: all of them");
}

static bool default_is_empty(void)
{
	return window_holds(&def, window_page(PAGE_HCALL), 0) &&
	       window_holds(&def, window_last(&def), 0);
}

static bool default_is_gone(void)
{
	uint64_t tce;

	return window_get(&def, window_page(PAGE_HCALL), &tce) == H_PARAMETER &&
	       window_put(&def, window_page(PAGE_HCALL), live(0)) == H_PARAMETER;
}

static bool fill_default(void)
{
	return tce_put(window_page(PAGE_HCALL), live(0)) == H_SUCCESS;
}

/* The guest's own window stays when the default one goes, and brings it back when it goes. */
static void test_restored(const struct window_query *q)
{
	struct window w = {0};
	bool good = fill_default() && !ddw_create(12, SMALL, &w) &&
		    window_put(&w, window_at(&w, 1), live(1)) == H_SUCCESS;

	tap_ok(good && !ddw_remove(def.liobn) && default_is_gone(),
		"remove: the default window, beside another");
	tap_ok(window_holds(&w, window_at(&w, 1), live(1)), "the other one stays as it was");
	if (bench.edu) {
		tap_ok(stage_open_in(&w, window_at(&w, 2)) &&
				both_vanish(window_page(PAGE_HCALL)) &&
				both_arrive(window_at(&w, 1), 2),
			"DMA through the other one only");
	}
	tap_ok(!ddw_remove(w.liobn) && default_is_empty() && query_is(q),
		"remove: the last window of the guest's brings the default back, empty (DW-11)");
	if (bench.edu) {
		tap_ok(stage_open() && both_vanish(window_page(PAGE_HCALL)),
			"DMA through the default window that came back is stopped (DW-11)");
	}
}

static void test_not_restored(const struct window_query *q)
{
	struct window_query now;
	bool good = fill_default() && !ddw_remove(def.liobn);

	tap_ok(good && default_is_gone() && !ddw_query(&now, 5) && now.windows == q->windows + 1,
		"remove: the default window last; it stays away (DW-11)");
	tap_ok(ddw_remove(def.liobn) == -3, "remove: the default window twice");
	tap_ok(!ddw_reset() && default_is_empty() && query_is(q),
		"reset: the default window comes back, empty");
}

/* The guest's window may get the place, and the number, that the default one had. */
static void test_in_its_place(const struct window_query *q)
{
	struct window w = {0};
	bool good = !ddw_remove(def.liobn) && !ddw_create(12, SMALL, &w) &&
		    window_put(&w, window_at(&w, 1), live(1)) == H_SUCCESS;
	bool known = differs(in_its_place);

	tap_ok(good && window_holds(&w, window_at(&w, 1), live(1)),
		"create: a window when there is none");
	good = !ddw_remove(w.liobn);
	tap_known("", in_its_place,
		good && (known ? default_is_gone() : default_is_empty() && query_is(q)));
	if (known) {
		ddw_reset();
	}
}

static void test_reset(const struct window_query *q)
{
	struct window w = {0};
	bool good = fill_default() && !ddw_create(12, SMALL, &w) &&
		    window_put(&w, window_at(&w, 1), live(1)) == H_SUCCESS && !ddw_reset();
	uint64_t tce;

	tap_ok(good && default_is_empty() && window_get(&w, window_at(&w, 1), &tce) == H_PARAMETER,
		"reset: every TCE is gone, and every window but the default (DW-12)");
	tap_ok(query_is(q), "reset: query says what it said at first");
	tap_ok(!ddw_reset() && query_is(q), "reset: again, with nothing to do");
}

/* The device has 100 ms between the command and the transfer. */
static void test_reset_during_dma(const struct window_query *q)
{
	uint64_t at = window_page(PAGE_HCALL);
	bool good = stage_open() && stage_fill() && fill_default();

	arena_fill();
	good = good && edu_dma_start_out(at, 0, EDU_BUFFER) && !ddw_reset() && edu_dma_wait() &&
	       arena_is(NULL, 0);
	bench.dmas_blocked += good;
	tap_ok(good && default_is_empty() && query_is(q),
		"reset: a DMA that is on its way is stopped (DW-12)");
	tap_ok(stage_open() && fill_default() && both_arrive(at, 1),
		"reset: the default window works afterwards (DW-12)");
	tce_clear(at, 1);
}

/* One number, another page size: an entry, and a DMA, of the one must not be read as of the other.
 */
static void test_other_size(void)
{
	struct window small = {0}, large = {0};
	uint64_t tce = arena_gpa(1) | TCE_RW;
	bool good = !ddw_create(12, SMALL, &small) &&
		    window_put(&small, window_at(&small, 17), tce) == H_SUCCESS &&
		    !ddw_remove(small.liobn) && !ddw_create(16, SMALL, &large);

	tap_ok(good && large.liobn == small.liobn &&
			window_holds(&large, window_at(&large, 1), 0) &&
			window_holds(&large, window_at(&large, 17), 0),
		"create: the same window with another page size is empty (DW-14)");
	if (bench.edu) {
		uint64_t at = window_at(&large, 1);

		tce = window_tce(&large, arena_gpa(1), TCE_RW);
		tap_ok(both_vanish(window_at(&small, 17)) &&
				window_put(&large, at, tce) == H_SUCCESS &&
				both_arrive(at + window_offset(&large, arena_gpa(1)), 1),
			"DMA goes by the new page size (DW-14)");
	}
	ddw_remove(large.liobn);
}

static void test_many_times(const struct window_query *q)
{
	bool good = true;

	for (unsigned int i = 0; i < ROUNDS && good; i++) {
		struct window w = {0};

		good = !ddw_create(i % 2 ? 12 : 16, SMALL, &w) &&
		       window_put(&w, window_last(&w),
			       window_tce(&w, arena_gpa(i % ARENA_PAGES), TCE_RW)) == H_SUCCESS &&
		       !ddw_remove(w.liobn);
		if (!good) {
			tap_note("round %u", i);
		}
	}
	tap_ok(good && query_is(q), "create and remove, 200 times (DW-13)");
}

/* While the hypervisor has given the bridge a bypass window, there is no room for the guest's. */
static void test_bypassed(const struct window_query *q)
{
	struct window w;

	tap_ok(!q->windows, "bypass: query offers no window");
	tap_ok(ddw_create(12, SMALL, &w) == -1 && query_is(q), "bypass: create is refused");
	tap_ok(fill_default() && !ddw_reset() && default_is_empty() && query_is(q),
		"bypass: reset empties the default window");
	if (bench.edu && stage_open()) {
		uint64_t at = bench.phb->bypass_base + arena_gpa(2);

		tap_ok(both_arrive(at, 2), "bypass: it is there after a reset");
		tce_clear(window_page(PAGE_STAGE), 1);
	}
}

void test_ddw_rules(void)
{
	struct window_query q;
	bool staged = bench.edu && stage_open();

	if (!bench.phb->ddw || !bench.phb->nfuncs || ddw_query(&q, 5)) {
		return; /* test_ddw_windows has said so */
	}
	def = default_window();
	test_announced();
	test_query(&q);
	if (bench.phb->bypass_size) {
		test_bypassed(&q);
		return;
	}
	test_promise(&q);
	test_too_many(&q);
	test_other_size();
	test_many_times(&q);
	if (staged) {
		test_reset_during_dma(&q);
	}
	test_reset(&q);
	test_restored(&q);
	test_not_restored(&q);
	test_in_its_place(&q);
	tce_clear(window_page(PAGE_STAGE), 1);
}
