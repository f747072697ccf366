// SPDX-License-Identifier: Apache-2.0
/*
 * What hypercalls change when they succeed, entry by entry, and which windows are not ours.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"

#include <inttypes.h>

#define LIOBN_PCI     0x80000000u
#define LIOBN_INDICES 32u
#define LIOBN_WINDOWS 3u
#define INDEX_SHIFT   8u
#define LIST_MAX      512u
#define STUFF_MANY    1000u
#define TABLE_PIECE   8192u
#define REPEATED_PUTS 10000u
#define REGISTER_MARK 0x5a5a00000000c0deull

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

/* A table may be in pieces of 64 KiB: entries on both sides of where the second begins. */
static void test_list_across(void)
{
	static uint64_t tces[LIST_MAX];
	const uint64_t first = TABLE_PIECE - LIST_MAX / 2;
	bool good;

	if (window_pages() < TABLE_PIECE + LIST_MAX) {
		return;
	}
	for (unsigned int i = 0; i < LIST_MAX; i++) {
		tces[i] = arena_gpa(i * 7 % ARENA_PAGES) | (i % 3 + 1);
	}
	good = tce_put_list(window_page(first), tces, LIST_MAX) == H_SUCCESS;
	for (unsigned int i = 0; i < LIST_MAX && good; i++) {
		uint64_t now;

		good = tce_get(window_page(first + i), &now) == H_SUCCESS && now == tces[i];
	}
	tap_ok(good, "INDIRECT: each of 512 entries across entry 8192 is stored");
	good = tce_clear(window_page(first), LIST_MAX) == H_SUCCESS;
	tap_ok(good && entries_are(first, LIST_MAX, none),
		"STUFF: each of 512 entries across entry 8192 is cleared");
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

/* Whether each of the four calls refuses this window; on page 0, which every window has. */
static bool is_refused(uint32_t liobn)
{
	const struct window w = {.liobn = liobn, .shift = 12, .npages = 1};
	uint64_t tce;

	tce_list[0] = be64(arena_gpa(0) | TCE_RW);
	return window_put(&w, 0, arena_gpa(0) | TCE_RW) == H_PARAMETER &&
	       window_get(&w, 0, &tce) == H_PARAMETER && window_put_list(&w, 0, 1) == H_PARAMETER &&
	       window_stuff(&w, 0, 1) == H_PARAMETER;
}

static void test_other_windows(void)
{
	bool refused = true;

	for (uint32_t index = 0; index < LIOBN_INDICES; index++) {
		for (uint32_t window = 0; window < LIOBN_WINDOWS; window++) {
			uint32_t liobn = LIOBN_PCI | index << INDEX_SHIFT | window;

			if (!is_ours(liobn) && !is_refused(liobn)) {
				tap_note("LIOBN %" PRIx32 " was not refused", liobn);
				refused = false;
			}
		}
	}
	tap_ok(refused, "every other bridge's LIOBN is refused by all four calls (HC-03)");
}

static void test_repeated(void)
{
	struct window w = default_window();
	uint64_t at = window_page(PAGE_HCALL), tce = arena_gpa(0) | TCE_RW;
	struct window_query q;
	bool queried = bench.phb->ddw && !ddw_query(&q, 5), good = true;

	for (unsigned int i = 0; i < REPEATED_PUTS; i++) {
		good = window_put(&w, at, tce) == H_SUCCESS && good;
	}
	good = good && window_holds(&w, at, tce) && (!queried || query_is(&q));
	tap_ok(good, "PUT: the same ten thousand times (HC-13)");
	tce_clear(at, 1);
}

/* A list in a page that the device can reach, and that the call takes away from it, or gives to it
 * again; the list's other entries are done all the same. */
static void test_own_list(void)
{
	struct window w = default_window();
	uint64_t at = window_page(PAGE_HCALL), self = (uintptr_t)tce_list | TCE_RW;
	bool good = window_put(&w, at, self) == H_SUCCESS;

	tce_list[0] = 0;
	tce_list[1] = be64(self);
	good = good && window_put_list(&w, at, 2) == H_SUCCESS && window_holds(&w, at, 0) &&
	       window_holds(&w, at + TCE_PAGE, self);
	tap_ok(good, "INDIRECT: unmaps its own list, and maps it again (HC-21)");
	tce_clear(at, 2);
}

/* Every bit between the permissions and the page number, with every kind of access. */
static void test_undefined_bits(void)
{
	const char *name = "PUT: each of the undefined bits 2 to 11, with each access (HC-30)";
	struct window w = default_window();
	uint64_t at = window_page(PAGE_HCALL), old = arena_gpa(1) | TCE_READ;
	bool known = differs(name), good = window_put(&w, at, old) == H_SUCCESS;

	for (unsigned int bit = 2; bit < 12; bit++) {
		for (uint64_t perm = 1; perm <= TCE_RW; perm++) {
			uint64_t tce = arena_gpa(0) | 1ull << bit | perm;

			good = window_put(&w, at, tce) == (known ? H_SUCCESS : H_PARAMETER) &&
			       window_holds(&w, at, known ? tce : old) && good;
		}
	}
	tap_known("", name, good);
	tce_clear(at, 1);
}

/* What a register that is no result may hold afterwards: what it held, or nothing. Other numbers
 * would be the hypervisor's own. */
static void test_registers(void)
{
	const uint64_t at = window_page(PAGE_HCALL), list = (uintptr_t)tce_list;
	const uint64_t liobn = bench.phb->liobn;
	const struct {
		const char *name;
		uint64_t r[5];
		bool gives_r4;
	} calls[] = {
		{"PUT", {H_PUT_TCE, liobn, at, arena_gpa(0) | TCE_RW}, false},
		{"PUT that is refused", {H_PUT_TCE, liobn + 0x7f, at, 0}, false},
		{"GET", {H_GET_TCE, liobn, at}, true},
		{"GET that is refused", {H_GET_TCE, liobn + 0x7f, at}, false},
		{"INDIRECT", {H_PUT_TCE_INDIRECT, liobn, at, list, 1}, false},
		{"STUFF", {H_STUFF_TCE, liobn, at, 0, 1}, false},
		{"no hypercall", {0xfffc, liobn, at, list, 1}, false},
		{"unaligned hypercall", {H_PUT_TCE + 1, liobn, at, list, 1}, false},
	};

	tce_list[0] = 0;
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct hv_regs regs, before;
		bool good = true;

		for (unsigned int k = 0; k < 10; k++) {
			regs.r[k] = k < 5 && calls[i].r[k] ? calls[i].r[k] : REGISTER_MARK + k;
		}
		regs.r[3] = calls[i].r[0] == H_STUFF_TCE ? 0 : regs.r[3];
		before = regs;
		hv_call_regs(&regs, HV_NORMAL);
		for (unsigned int k = calls[i].gives_r4 ? 2 : 1; k < 10; k++) {
			if (regs.r[k] && regs.r[k] != before.r[k]) {
				tap_note("r%u is %" PRIx64, k + 3, regs.r[k]);
				good = false;
			}
		}
		tap_ok(good, "registers that are no results say nothing: %s (HC-25)",
			calls[i].name);
	}
	tce_clear(at, 1);
}

void test_hcall_extents(void)
{
	test_other_windows();
	test_list();
	test_list_across();
	test_stuff();
	test_repeated();
	test_own_list();
	test_undefined_bits();
	test_registers();
}
