// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the hypercalls of the table. Around every call the watched entries are read back, so that
 * a refused call that changed something, or an accepted one that changed the wrong thing, is found.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/hcall_cases.h"
#include "tests/guest/problem.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

/* The entries that are looked at around every call, and what they are before it. */
#define EDGE_LOW  2u
#define EDGE_HIGH 8u
#define INSIDE	  8u
#define WATCHED	  (EDGE_LOW + INSIDE + EDGE_HIGH)

struct watched {
	uint64_t ioba, before;
};

static struct watched watched[WATCHED];

static void watch(unsigned int i, uint64_t page)
{
	static const uint64_t perms[] = {
		TCE_RW, TCE_READ, 0, TCE_WRITE, TCE_RW, 0, TCE_READ, TCE_RW};
	unsigned int k = i < EDGE_LOW ? i : (i - EDGE_LOW) % INSIDE;

	watched[i].ioba = window_page(page);
	watched[i].before = perms[k] ? arena_gpa(k) | perms[k] : 0;
}

static void watch_start(void)
{
	unsigned int i = 0;

	for (unsigned int k = 0; k < EDGE_LOW; k++) {
		watch(i++, k);
	}
	for (unsigned int k = 0; k < INSIDE; k++) {
		watch(i++, PAGE_HCALL + k);
	}
	for (unsigned int k = 0; k < EDGE_HIGH; k++) {
		watch(i++, window_pages() - EDGE_HIGH + k);
	}
}

/* Puts the watched entries back, and clears what else a case may have set. */
static bool watch_restore(void)
{
	bool good = tce_clear(window_page(PAGE_HCALL), PAGE_HCALL_N) == H_SUCCESS;

	for (unsigned int i = 0; i < WATCHED; i++) {
		good = tce_put(watched[i].ioba, watched[i].before) == H_SUCCESS && good;
	}
	return good;
}

static void watch_end(void)
{
	tce_clear(window_page(PAGE_HCALL), PAGE_HCALL_N);
	for (unsigned int i = 0; i < WATCHED; i++) {
		tce_put(watched[i].ioba, 0);
	}
}

/* What a watched entry should be after a call at ioba. */
static uint64_t should_be(
	const struct watched *w, enum effect effect, uint64_t ioba, uint64_t value)
{
	if (effect == EMPTIES) {
		return 0;
	}
	if (effect == HOLDS && w->ioba == (ioba & ~(uint64_t)(TCE_PAGE - 1))) {
		return value;
	}
	return w->before;
}

static bool watch_is(enum effect effect, uint64_t ioba, uint64_t value)
{
	bool good = true;

	for (unsigned int i = 0; i < WATCHED; i++) {
		uint64_t want = should_be(&watched[i], effect, ioba, value), now;

		if (tce_get(watched[i].ioba, &now) != H_SUCCESS || now != want) {
			tap_note("the entry at %" PRIx64 " is %" PRIx64 ", should be %" PRIx64,
				watched[i].ioba, now, want);
			good = false;
		}
	}
	return good;
}

static bool judge(const struct outcome *want, uint64_t ioba, const struct hv_regs *out)
{
	int64_t status = (int64_t)out->r[0];
	uint64_t value;

	arg_value(want->value, &value);
	if (status != want->status) {
		tap_note("status is %" PRId64 ", should be %" PRId64, status, want->status);
		return false;
	}
	if (want->effect == GIVES && out->r[1] != value) {
		tap_note("r4 is %" PRIx64 ", should be %" PRIx64, out->r[1], value);
		return false;
	}
	if (want->effect == CHANGES) {
		return true;
	}
	return watch_is(want->effect, ioba, value);
}

static void run_case(const struct hcall_case *c, bool problem_state)
{
	const struct outcome *want = expected(c->name, &c->outcome);
	struct hv_regs regs = {.r = {c->opcode}};
	uint64_t ioba;

	if (skipped_here(c->name)) {
		return;
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (!arg_value(c->args[i], &regs.r[1 + i])) {
			tap_skip(c->name, "this machine has no such address");
			return;
		}
	}
	if (c->mode == HV_PROBLEM && !problem_state) {
		tap_skip(c->name, "no process table, so no problem state");
		return;
	}
	ioba = c->mode == HV_SF32 ? (uint32_t)regs.r[2] : regs.r[2];
	hv_call_regs(&regs, c->mode);
	tap_ok(judge(want, ioba, &regs), "%s%s", c->name, whose(want, &c->outcome));
	if (!watch_restore()) {
		tap_bail("the window cannot be set up again after: %s", c->name);
	}
}

void test_hcall_cases(void)
{
	bool problem_state = problem_prepare();

	watch_start();
	if (!watch_restore()) {
		tap_bail("the window cannot be set up for hypercall tests");
	}
	for (unsigned int i = 0; i < num_hcall_cases; i++) {
		run_case(&hcall_cases[i], problem_state);
	}
	watch_end();
}
