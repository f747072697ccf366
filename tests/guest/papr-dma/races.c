// SPDX-License-Identifier: Apache-2.0
/*
 * Two CPUs that change the same windows at once. What one of them sees may be one or the other's
 * work, but nothing else; and when both are done, calls and device agree on what is there.
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/cpu.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/moves.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

#define PUT_ROUNDS    20000u
#define WINDOW_ROUNDS 200u
#define RESET_ROUNDS  100u
#define CREATE_ROUNDS 100u
#define CREATE_TRIES  20000u
#define STUFF_ROUNDS  50u
#define SHIFT	      28u /* of a window that is removed: its table is worth clearing */
#define LIST_MAX      512u
#define BACKGROUND    8u /* calls at once that the second CPU makes between looks */

/* What both CPUs know; the second writes the counts, the first everything else. */
static struct {
	volatile bool stop;
	/* Odd while the window may be there: the first CPU counts up before create and after
	 * remove. */
	volatile uint64_t phase;
	volatile uint64_t calls, good, refused, wrong;
	volatile int64_t status; /* the first that was wrong */
	struct window w;
	uint64_t tce;
} shared;

static void begin(const struct window *w, uint64_t tce)
{
	shared.stop = false;
	shared.phase = 0;
	shared.calls = shared.good = shared.refused = shared.wrong = 0;
	shared.w = *w;
	shared.tce = tce;
	cpu_sync();
}

/* Waits until the second CPU is at work. */
static void meet(void)
{
	uint64_t start = timebase();

	while (!shared.calls && timebase() - start < tree.timebase_hz) {
	}
}

static bool end(const char *what)
{
	bool good;

	shared.stop = true;
	cpu_sync();
	good = cpu_join();
	tap_note("%s: %" PRIu64 " calls of the other CPU, %" PRIu64 " good, %" PRIu64
		 " refused, %" PRIu64 " wrong (%" PRId64 ")",
		what, shared.calls, shared.good, shared.refused, shared.wrong,
		shared.wrong ? shared.status : 0);
	return good && shared.calls && !shared.wrong;
}

/* Counts a call of the second CPU; it may be refused or not, but not fail otherwise. */
static void note(int64_t status, bool may_work)
{
	shared.calls++;
	if (status == H_PARAMETER) {
		shared.refused++;
	} else if (status == H_SUCCESS && may_work) {
		shared.good++;
	} else {
		shared.status = shared.wrong++ ? shared.status : status;
	}
}

/* --- two PUTs at one address (HC-27) --- */

static void put_job(void)
{
	while (!shared.stop) {
		note(cpu_call(H_PUT_TCE, shared.w.liobn, window_page(PAGE_HCALL), shared.tce, 0),
			true);
	}
}

static void test_put_put(void)
{
	struct window w = default_window();
	uint64_t ours = arena_gpa(1) | TCE_RW, theirs = arena_gpa(2) | TCE_RW, tce = 0;
	bool good = true, both;

	begin(&w, theirs);
	if (!tap_ok(cpu_start(put_job), "the second CPU starts")) {
		return;
	}
	meet();
	for (unsigned int i = 0; i < PUT_ROUNDS && good; i++) {
		good = window_put(&w, window_page(PAGE_HCALL), ours) == H_SUCCESS &&
		       window_get(&w, window_page(PAGE_HCALL), &tce) == H_SUCCESS &&
		       (tce == ours || tce == theirs);
	}
	both = end("PUT against PUT") && !shared.refused;
	tap_ok(good && both,
		"PUT against PUT: each call works, the entry is one's or the other's (HC-27)");
	good = window_get(&w, window_page(PAGE_HCALL), &tce) == H_SUCCESS;
	if (bench.edu && stage_open()) {
		tap_ok(good && both_arrive(window_page(PAGE_HCALL), tce == ours ? 1 : 2),
			"PUT against PUT: the device reaches the page that GET says (HC-27)");
	}
	tce_clear(window_page(PAGE_HCALL), 1);
}

/* --- calls on a window that comes and goes (HC-28, DW-07) --- */

static void window_job(void)
{
	const struct window *w = &shared.w;

	for (unsigned int i = 0; !shared.stop; i++) {
		uint64_t phase = shared.phase, at = window_at(w, i * 7919u % w->npages);
		int64_t status;
		bool away;

		cpu_sync();
		switch (i % 3) {
		case 0:
			status = cpu_call(H_PUT_TCE, w->liobn, at, shared.tce, 0);
			break;
		case 1:
			status = cpu_call(H_PUT_TCE_INDIRECT, w->liobn, w->base,
				(uintptr_t)tce_list, LIST_MAX);
			break;
		default:
			status = cpu_call(H_STUFF_TCE, w->liobn, w->base, 0, w->npages / 8);
			break;
		}
		cpu_sync();
		away = shared.phase == phase && !(phase & 1);
		note(status, !away);
	}
}

static void fill_list(uint64_t tce)
{
	for (unsigned int i = 0; i < LIST_MAX; i++) {
		tce_list[i] = be64(tce);
	}
}

static void test_window(const struct window_query *q)
{
	uint64_t tce = arena_gpa(3) | TCE_RW;
	struct window w, now;
	bool good = !ddw_create(12, SHIFT, &w) && !ddw_remove(w.liobn);

	fill_list(tce);
	begin(&w, tce);
	good = good && cpu_start(window_job);
	meet();
	for (unsigned int i = 0; i < WINDOW_ROUNDS && good; i++) {
		shared.phase++;
		cpu_sync();
		good = !ddw_create(12, SHIFT, &now) && now.liobn == w.liobn && now.base == w.base;
		good = good && window_put(&w, window_last(&w), tce) == H_SUCCESS;
		good = good && !ddw_remove(w.liobn);
		cpu_sync();
		shared.phase++;
		good = good && window_put(&w, w.base, tce) == H_PARAMETER;
	}
	good = end("windows that come and go") && good;
	tap_ok(good && query_is(q),
		"windows that come and go: no call works on one that is away (HC-28, DW-07)");
	if (bench.edu && stage_open()) {
		tap_ok(both_vanish(w.base) && both_vanish(window_last(&w)),
			"windows that come and go: the device reaches nothing afterwards (HC-28)");
	}
}

/* --- STUFF of many entries against remove --- */

static void stuff_job(void)
{
	while (!shared.stop) {
		note(cpu_call(H_STUFF_TCE, shared.w.liobn, shared.w.base, 0, shared.w.npages),
			true);
	}
}

static void test_stuff(const struct window_query *q)
{
	uint64_t tce = arena_gpa(3) | TCE_RW;
	struct window w;
	bool good = !ddw_create(12, SHIFT, &w) && !ddw_remove(w.liobn);

	fill_list(tce);
	begin(&w, tce);
	good = good && cpu_start(stuff_job);
	meet();
	for (unsigned int i = 0; i < STUFF_ROUNDS && good; i++) {
		good = !ddw_create(12, SHIFT, &w);
		for (unsigned int k = 0; k < BACKGROUND; k++) {
			window_put_list(&w, window_at(&w, k * LIST_MAX), LIST_MAX);
		}
		good = good && !ddw_remove(w.liobn);
	}
	good = end("STUFF against remove") && good;
	tap_ok(good && query_is(q),
		"STUFF of a whole window against remove: it ends, or is refused (HC-28)");
}

/* --- reset against PUT --- */

static void test_reset(const struct window_query *q)
{
	struct window w = default_window();
	bool good;

	begin(&w, arena_gpa(2) | TCE_RW);
	good = cpu_start(put_job);
	meet();
	for (unsigned int i = 0; i < RESET_ROUNDS && good; i++) {
		good = !ddw_reset();
	}
	good = end("PUT against reset") && good;
	tap_ok(good, "PUT against reset: each works or is refused (HC-28)");
	tap_ok(!ddw_reset() && window_holds(&w, window_page(PAGE_HCALL), 0) && query_is(q),
		"PUT against reset: a last reset leaves nothing (DW-12)");
}

/* --- two that create --- */

#define RTAS_HARDWARE (-1)
#define RTAS_BUSY     (-2)

static void create_job(void)
{
	uint32_t args[5] = {bench_config_addr(), (uint32_t)(bench.phb->buid >> 32),
		(uint32_t)bench.phb->buid, 16, SHIFT};
	uint32_t rets[4];
	uint64_t at;

	while (!shared.stop) {
		int32_t status = cpu_rtas(CREATE_WINDOW, args, 5, rets, 4);

		shared.calls++;
		if (status == RTAS_HARDWARE || status == RTAS_BUSY) {
			shared.refused++;
			continue;
		}
		if (status) {
			shared.status = shared.wrong++ ? shared.status : status;
			continue;
		}
		shared.good++;
		/* While it is ours, nobody else's window is under its number. */
		at = (uint64_t)rets[2] << 32 | rets[3];
		if (cpu_call(H_PUT_TCE, rets[1], at, shared.tce, 0) != H_SUCCESS) {
			shared.wrong++;
		}
		do {
			status = cpu_rtas(REMOVE_WINDOW, &rets[1], 1, &args[4], 1);
			args[4] = SHIFT;
		} while (status == RTAS_BUSY && !shared.stop);
		if (status) {
			shared.status = shared.wrong++ ? shared.status : status;
		}
	}
}

static void test_create(const struct window_query *q)
{
	struct window w = default_window();
	uint64_t tce = arena_gpa(1) | TCE_RW;
	unsigned int made = 0;
	bool good;

	/* A page that both sizes of page can name; theirs is 64K, ours is 4K. */
	begin(&w, TCE_RW);
	good = cpu_start(create_job);
	meet();
	for (unsigned int i = 0; i < CREATE_TRIES && made < CREATE_ROUNDS && good; i++) {
		int32_t status = ddw_create(12, SHIFT, &w);

		good = !status || status == RTAS_HARDWARE || status == RTAS_BUSY;
		if (status) {
			continue;
		}
		made++;
		good = good && window_put(&w, w.base, tce) == H_SUCCESS &&
		       window_holds(&w, w.base, tce);
		do {
			status = ddw_remove(w.liobn);
		} while (status == RTAS_BUSY);
		good = good && !status;
	}
	good = end("create against create") && good;
	tap_note("create against create: %u made here", made);
	/* One of the second CPU's may be left. */
	tap_ok(good && made && !ddw_reset() && query_is(q),
		"create against create: each works, or is told to wait, or that there is no room");
}

void test_races(void)
{
	struct window_query q;

	if (tree.ncpus < 2) {
		tap_skip("races", "there is one CPU");
		return;
	}
	test_put_put();
	if (!bench.phb->ddw || !bench.phb->nfuncs || ddw_query(&q, 5) || !q.windows) {
		tap_skip("races with dynamic windows", "there is no room for one");
		return;
	}
	test_window(&q);
	test_stuff(&q);
	test_reset(&q);
	test_create(&q);
	tce_clear(window_page(PAGE_STAGE), 1);
}
