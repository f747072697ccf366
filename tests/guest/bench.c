// SPDX-License-Identifier: Apache-2.0
/*
 * The guest `bench`: what hypercalls cost, in ticks of the timebase. It prints raw counts, one line
 * a case, and tools/bench makes figures of them.
 *
 * Each case is a loop of calls, timed as a whole and so often that a tick more or less is nothing;
 * of several repetitions the shortest counts. A repetition takes less than a millisecond under
 * -icount shift=0, so of all of them few contain the hypervisor's own tick (ten a second), and the
 * shortest never does. The first repetition also is the warm-up.
 */
#include "tests/guest/bench.h"

#include "tests/guest/con.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"
#include "tests/guest/trap.h"
#include "tests/guest/tree.h"

#include <inttypes.h>
#include <stdbool.h>

#define REPETITIONS    8u
#define NO_CALL	       0u /* an opcode that no specification has */
#define TCE_PAGE       4096u
#define TCE_PAGE_SHIFT 12u
#define TCE_RW	       3u
#define LIST_MAX       512u
#define WINDOW_PAGES   8192u	    /* what the cases use of a window */
#define DMA_MEMORY     0x1000000ull /* where the guest-real pages that are mapped begin */
#define HUGE_SHIFT     40u
#define STRIDE	       37u /* pages between neighbours of the scattered list; odd, so all are hit */

#define QUERY  "ibm,query-pe-dma-window"
#define CREATE "ibm,create-pe-dma-window"
#define REMOVE "ibm,remove-pe-dma-window"

/* Where the calls go: a window, as the figures name it. */
struct place {
	const char *name;
	uint64_t liobn, at; /* bus address of WINDOW_PAGES pages */
};

/* One timed loop and the shortest time of it so far. */
struct timing {
	const char *name;
	unsigned int entries; /* TCEs a call */
	struct bench_loop loop;
	uint64_t ticks, empty;
};

static uint64_t lists[2][LIST_MAX] __attribute__((aligned(TCE_PAGE)));
static const char *const list_names[2] = {"contiguous", "scattered"};

void guest_main(const void *fdt) __attribute__((noreturn));

static void fill_lists(void)
{
	for (unsigned int i = 0; i < LIST_MAX; i++) {
		lists[0][i] = be64((DMA_MEMORY + (uint64_t)i * TCE_PAGE) | TCE_RW);
		lists[1][i] =
			be64((DMA_MEMORY + (uint64_t)(i * STRIDE % LIST_MAX) * TCE_PAGE) | TCE_RW);
	}
}

static void start(
	struct timing *t, const char *name, unsigned int entries, const struct bench_loop *loop)
{
	*t = (struct timing){name, entries, *loop, UINT64_MAX, UINT64_MAX};
}

/* One repetition. */
static void run(struct timing *t)
{
	uint64_t ticks, empty;

	interrupts_on();
	ticks = bench_calls(&t->loop);
	if (t->loop.wrong) {
		tap_bail("%s: %" PRIu64 " of %" PRIu64 " calls gave another status than %" PRId64,
			t->name, t->loop.wrong, t->loop.count, (int64_t)t->loop.want);
	}
	empty = bench_no_calls(&t->loop);
	t->ticks = ticks < t->ticks ? ticks : t->ticks;
	t->empty = empty < t->empty ? empty : t->empty;
}

static void print(const struct place *place, const struct timing *t)
{
	con_line("bench: window=%s case=%s entries=%u calls=%" PRIu64 " ticks=%" PRIu64
		 " empty=%" PRIu64,
		place->name, t->name, t->entries, t->loop.count, t->ticks, t->empty);
}

/* Calls that change nothing. */
static void bench_null(const struct place *place)
{
	struct timing t;

	start(&t, "none", 0,
		&(struct bench_loop){.r3 = NO_CALL, .want = (uint64_t)H_FUNCTION, .count = 1024});
	for (unsigned int i = 0; i < REPETITIONS; i++) {
		run(&t);
	}
	print(place, &t);
}

/* One entry a call: stored, stored over, read, taken away. */
static void bench_single(const struct place *place)
{
	struct bench_loop put = {.r3 = H_PUT_TCE,
		.r4 = place->liobn,
		.r5 = place->at,
		.r6 = DMA_MEMORY | TCE_RW,
		.step5 = TCE_PAGE,
		.step6 = TCE_PAGE,
		.count = 512};
	struct bench_loop get = put, drop = put;
	struct timing map, again, read, unmap;

	get.r3 = H_GET_TCE;
	drop.r6 = drop.step6 = 0;
	start(&map, "put", 1, &put);
	start(&again, "put-over", 1, &put);
	start(&read, "get", 1, &get);
	start(&unmap, "put-0", 1, &drop);
	for (unsigned int i = 0; i < REPETITIONS; i++) {
		run(&map);
		run(&again);
		run(&read);
		run(&unmap);
	}
	print(place, &map);
	print(place, &again);
	print(place, &unmap);
	print(place, &read);
}

/* n entries a call, from one of the lists, and taken away again n a call. */
static void bench_many(const struct place *place, unsigned int list, unsigned int n)
{
	uint64_t calls = n < 8 ? 256 : n < LIST_MAX ? 64 : WINDOW_PAGES / n;
	struct bench_loop put = {.r3 = H_PUT_TCE_INDIRECT,
		.r4 = place->liobn,
		.r5 = place->at,
		.r6 = (uintptr_t)lists[list],
		.r7 = n,
		.step5 = (uint64_t)n * TCE_PAGE,
		.count = calls};
	struct bench_loop stuff = put;
	struct timing map, unmap;

	stuff.r3 = H_STUFF_TCE;
	stuff.r6 = 0;
	start(&map, list_names[list], n, &put);
	start(&unmap, "stuff", n, &stuff);
	for (unsigned int i = 0; i < REPETITIONS; i++) {
		run(&map);
		run(&unmap);
	}
	print(place, &map);
	if (list == 0) {
		print(place, &unmap);
	}
}

static void bench_window(const struct place *place)
{
	static const unsigned int sizes[] = {1, 8, 64, LIST_MAX};

	bench_null(place);
	bench_single(place);
	for (unsigned int list = 0; list < 2; list++) {
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			bench_many(place, list, sizes[i]);
		}
	}
}

static void bench_default(const char *name, const struct tree_phb *phb)
{
	if (phb->window_size < (uint64_t)WINDOW_PAGES * TCE_PAGE) {
		con_line("bench: window=%s not-offered: %s has no window of %u pages", name,
			phb->name, WINDOW_PAGES);
		return;
	}
	bench_window(&(struct place){name, phb->liobn, phb->window_base});
}

/* Makes the window of 2^40 bytes in 4 KiB pages; false, and says so, if it cannot be had. */
static bool make_huge(const struct tree_phb *phb, struct place *place)
{
	uint32_t args[5] = {phb->funcs[0].config_addr, (uint32_t)(phb->buid >> 32),
		(uint32_t)phb->buid, TCE_PAGE_SHIFT, HUGE_SHIFT};
	uint32_t rets[4];
	int32_t status = phb->nfuncs ? rtas_call(CREATE, args, 5, rets, 4) : -1;

	if (status) {
		con_line("bench: window=%s not-offered: " CREATE " answers %" PRId32, place->name,
			status);
		return false;
	}
	place->liobn = rets[1];
	/* The far end, below the highest entries of every level. */
	place->at = ((uint64_t)rets[2] << 32 | rets[3]) + (1ull << HUGE_SHIFT) -
		    (uint64_t)WINDOW_PAGES * TCE_PAGE;
	return true;
}

static void bench_huge(const struct tree_phb *phb)
{
	struct place place = {.name = "2^40"};
	uint32_t liobn, status;

	if (make_huge(phb, &place)) {
		bench_window(&place);
		liobn = (uint32_t)place.liobn;
		rtas_call(REMOVE, &liobn, 1, &status, 1);
	}
}

void guest_main(const void *fdt)
{
	const char *wrong;

	trap_install();
	wrong = tree_read(fdt);
	con_init(tree.vty);
	rtas_init(tree.rtas_entry);
	if (wrong) {
		tap_bail("%s", wrong);
	}
	if (!tree.nphbs) {
		tap_bail("there is no host bridge");
	}
	con_line("bench: timebase=%" PRIu64 " bridges=%u", tree.timebase_hz, tree.nphbs);
	fill_lists();
	bench_default("first", &tree.phbs[0]);
	if (tree.nphbs > 1) {
		bench_default("last", &tree.phbs[tree.nphbs - 1]);
	}
	bench_huge(&tree.phbs[0]);
	con_line("bench: done");
	power_off();
}
