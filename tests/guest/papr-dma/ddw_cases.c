// SPDX-License-Identifier: Apache-2.0
/*
 * The calls that change a bridge's windows, with arguments that nobody should give: one call a
 * line. Around each the windows and what they map stay as they were.
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <string.h>

/* Config addresses: of no function, and of a register of one. */
#define ABSENT	 CONFIG(0x15 << 11)
#define REGISTER CONFIG(0x10)

/* clang-format off */
#define NO_PAGE {SYM_NO_PAGE, 0}
#define LIOBN_PLUS(n) {SYM_LIOBN, (uint64_t)(n)}
#define TERMINAL {SYM_VTY, 0}

static const struct rtas_case cases[] = {
	{"query: a function that is not there (DW-01)", QUERY_WINDOW, HERE, 3, 5,
		{ABSENT, BUID}, STATUS(-3)},
	{"query: a register for a function (DW-01)", QUERY_WINDOW, HERE, 3, 5,
		{REGISTER, BUID}, STATUS(-3)},
	{"query: BUID of no bridge (RT-08)", QUERY_WINDOW, HERE, 3, 5,
		{CONFIG(0), BUID_PLUS(0x1000)}, STATUS(-3)},
	{"query: BUID 0 (RT-08)", QUERY_WINDOW, HERE, 3, 5,
		{CONFIG(0), N(0), N(0)}, STATUS(-3)},
	{"query: two arguments (RT-05)", QUERY_WINDOW, HERE, 2, 5,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"query: four arguments", QUERY_WINDOW, HERE, 4, 5,
		{CONFIG(0), BUID, N(0)}, STATUS(-3)},
	{"query: four results (RT-06)", QUERY_WINDOW, HERE, 3, 4,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"query: seven results (RT-06)", QUERY_WINDOW, HERE, 3, 7,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"query: no results (RT-06)", QUERY_WINDOW, HERE, 3, 0,
		{CONFIG(0), BUID}, SILENT},

	{"create: a function that is not there (DW-01)", CREATE_WINDOW, HERE, 5, 4,
		{ABSENT, BUID, N(12), N(24)}, STATUS(-3)},
	{"create: a register for a function (DW-01)", CREATE_WINDOW, HERE, 5, 4,
		{REGISTER, BUID, N(12), N(24)}, STATUS(-3)},
	{"create: BUID of no bridge (RT-08)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID_PLUS(0x1000), N(12), N(24)}, STATUS(-3)},
	{"create: pages of 2^0 (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(0), N(24)}, STATUS(-3)},
	{"create: pages of 2^11 (DW-04)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(11), N(24)}, STATUS(-3)},
	{"create: pages of 2^13 (DW-04)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(13), N(24)}, STATUS(-3)},
	{"create: pages of a size that query does not offer (DW-04)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, NO_PAGE, N(40)}, STATUS(-3)},
	{"create: pages of 2^63 (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(63), N(63)}, STATUS(-3)},
	{"create: pages of 2^64 (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(64), N(64)}, STATUS(-3)},
	{"create: pages of 2^76, which is 12 when cut to six bits (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(76), N(90)}, STATUS(-3)},
	{"create: pages of 2^80, which is 16 when cut to six bits (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(80), N(90)}, STATUS(-3)},
	{"create: pages of 2^(2^32 - 1) (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(0xffffffff), N(0xffffffff)}, STATUS(-3)},
	{"create: a window smaller than its page (DW-04)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(11)}, STATUS(-3)},
	{"create: a window of 2^0 (DW-04)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(0)}, STATUS(-3)},
	{"create: a window of 2^64 (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(64)}, STATUS(-3)},
	{"create: a window of 2^88, which is 24 when cut to six bits (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(88)}, STATUS(-3)},
	{"create: a window of 2^(2^32 - 1) (DW-02)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(0xffffffff)}, STATUS(-3)},
	{"create: a window of 2^63, which no host has room for (DW-06)", CREATE_WINDOW, HERE, 5, 4,
		{CONFIG(0), BUID, N(12), N(63)}, STATUS(-1)},
	{"create: four arguments (RT-05)", CREATE_WINDOW, HERE, 4, 4,
		{CONFIG(0), BUID, N(12)}, STATUS(-3)},
	{"create: six arguments", CREATE_WINDOW, HERE, 6, 4,
		{CONFIG(0), BUID, N(12), N(24), N(0)}, STATUS(-3)},
	{"create: three results (RT-06)", CREATE_WINDOW, HERE, 5, 3,
		{CONFIG(0), BUID, N(12), N(24)}, STATUS(-3)},
	{"create: five results (RT-06)", CREATE_WINDOW, HERE, 5, 5,
		{CONFIG(0), BUID, N(12), N(24)}, STATUS(-3)},
	{"create: no results (RT-06)", CREATE_WINDOW, HERE, 5, 0,
		{CONFIG(0), BUID, N(12), N(24)}, SILENT},

	{"remove: LIOBN 0", REMOVE_WINDOW, HERE, 1, 1,
		{N(0)}, STATUS(-3)},
	{"remove: LIOBN 2^32 - 1", REMOVE_WINDOW, HERE, 1, 1,
		{N(0xffffffff)}, STATUS(-3)},
	{"remove: a window that is not there", REMOVE_WINDOW, HERE, 1, 1,
		{LIOBN_PLUS(1)}, STATUS(-3)},
	{"remove: the number after the last window's", REMOVE_WINDOW, HERE, 1, 1,
		{LIOBN_PLUS(2)}, STATUS(-3)},
	{"remove: the terminal's address", REMOVE_WINDOW, HERE, 1, 1,
		{TERMINAL}, STATUS(-3)},
	{"remove: no argument (RT-05)", REMOVE_WINDOW, HERE, 0, 1,
		{N(0)}, STATUS(-3)},
	{"remove: two arguments", REMOVE_WINDOW, HERE, 2, 1,
		{LIOBN_PLUS(0), N(0)}, STATUS(-3)},
	{"remove: two results (RT-06)", REMOVE_WINDOW, HERE, 1, 2,
		{LIOBN_PLUS(0)}, STATUS(-3)},

	{"reset: a function that is not there (DW-01)", RESET_WINDOW, HERE, 3, 1,
		{ABSENT, BUID}, STATUS(-3)},
	{"reset: BUID of no bridge (RT-08)", RESET_WINDOW, HERE, 3, 1,
		{CONFIG(0), BUID_PLUS(0x1000)}, STATUS(-3)},
	{"reset: two arguments (RT-05)", RESET_WINDOW, HERE, 2, 1,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"reset: four arguments", RESET_WINDOW, HERE, 4, 1,
		{CONFIG(0), BUID, N(0)}, STATUS(-3)},
	{"reset: two results (RT-06)", RESET_WINDOW, HERE, 3, 2,
		{CONFIG(0), BUID}, STATUS(-3)},
};
/* clang-format on */

static struct window_query before;

static uint64_t mark(void)
{
	return arena_gpa(3) | TCE_RW;
}

/* Takes away what a hypervisor made all the same, and puts back what it took. */
static bool windows_as_before(const struct rtas_case *c, const uint32_t *results)
{
	struct window w = default_window();
	bool made = strcmp(c->service, CREATE_WINDOW) == 0 && c->nret == 4 && !results[0];
	bool good;

	if (made) {
		ddw_remove(results[1]);
	}
	if (strcmp(c->service, RESET_WINDOW) == 0 && !results[0]) {
		return window_put(&w, window_page(PAGE_HCALL), mark()) == H_SUCCESS;
	}
	good = query_is(&before);
	return window_holds(&w, window_page(PAGE_HCALL), mark()) && good;
}

void test_ddw_cases(void)
{
	if (!bench.phb->ddw || !bench.phb->nfuncs) {
		tap_skip(
			"dynamic windows: bad arguments", "none are announced for a function here");
		return;
	}
	if (ddw_query(&before, 5) || tce_put(window_page(PAGE_HCALL), mark()) != H_SUCCESS) {
		tap_ok(false, "query before bad arguments");
		return;
	}
	rtas_run_cases(cases, sizeof(cases) / sizeof(cases[0]), windows_as_before);
	tce_clear(window_page(PAGE_HCALL), 1);
}
