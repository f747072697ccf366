// SPDX-License-Identifier: Apache-2.0
/*
 * ibm,change-msi and ibm,query-interrupt-source-number on the device, which has one MSI vector and
 * no MSI-X: one call a line, in an order that matters.
 */
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <string.h>

#define ROUNDS 1000u

/* Functions of ibm,change-msi. */
#define ANY  N(1)
#define MSI  N(3)
#define MSIX N(4)

/* clang-format off */
static const struct rtas_case cases[] = {
	{"source: before anything is granted (RT-17)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, STATUS(-1)},
	{"MSI: release of what was never granted (RT-15)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSI, N(0), N(0)}, STATUS(-1)},
	{"MSI: function 0 (RT-12)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, N(0), N(1), N(0)}, STATUS(-3)},
	{"MSI: function 2 (RT-12)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, N(2), N(1), N(0)}, STATUS(-3)},
	{"MSI: function 9 (RT-12)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, N(9), N(1), N(0)}, STATUS(-3)},
	{"MSI: function 2^32 - 1 (RT-12)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, N(0xffffffff), N(1), N(0)}, STATUS(-3)},
	{"MSI: MSI-X of a device that has MSI only (RT-12)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSIX, N(1), N(0)}, STATUS(-3)},
	{"MSI: a function that is not there (RT-09)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0x15 << 11), BUID, MSI, N(1), N(0)}, STATUS(-3)},
	{"MSI: a register for a function (RT-09)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0x10), BUID, MSI, N(1), N(0)}, STATUS(-3)},
	{"MSI: BUID of no bridge (RT-08)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID_PLUS(0x1000), MSI, N(1), N(0)}, STATUS(-3)},
	{"MSI: three arguments (RT-05)", CHANGE_MSI, HERE, 3, 4,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"MSI: seven arguments", CHANGE_MSI, HERE, 7, 4,
		{CONFIG(0), BUID, MSI, N(1), N(0)}, STATUS(-3)},
	{"MSI: two results (RT-06)", CHANGE_MSI, HERE, 6, 2,
		{CONFIG(0), BUID, MSI, N(1), N(0)}, STATUS(-3)},
	{"source: BUID of no bridge (RT-08)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID_PLUS(0x1000), N(0)}, STATUS(-3)},
	{"source: a function that is not there (RT-09)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0x15 << 11), BUID, N(0)}, STATUS(-3)},
	{"source: a register for a function (RT-09)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0x10), BUID, N(0)}, STATUS(-3)},
	{"source: three arguments (RT-05)", QUERY_SOURCE, HERE, 3, 3,
		{CONFIG(0), BUID}, STATUS(-3)},
	{"source: still nothing granted (RT-17)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, STATUS(-1)},

	{"MSI: 4096 vectors get the number there is, and none (RT-14)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSI, N(4096), N(0)}, ANSWERED},
	{"source: nothing was granted by that (RT-14)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, STATUS(-1)},
	{"MSI: one vector (RT-14)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSI, N(1), N(0)}, ANSWERED},
	{"source: of the first vector", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, ANSWERED},
	{"source: of the vector after the last (RT-17)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(1)}, STATUS(-1)},
	{"source: of vector 2^32 - 1 (RT-17)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0xffffffff)}, STATUS(-1)},
	{"MSI: one vector again, any kind (RT-18)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, ANY, N(1), N(0)}, ANSWERED},
	{"source: of the first vector, again (RT-18)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, ANSWERED},
	{"MSI: release", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSI, N(0), N(0)}, ANSWERED},
	{"MSI: release twice (RT-15)", CHANGE_MSI, HERE, 6, 4,
		{CONFIG(0), BUID, MSI, N(0), N(0)}, STATUS(-1)},
	{"source: after the release (RT-17)", QUERY_SOURCE, HERE, 4, 3,
		{CONFIG(0), BUID, N(0)}, STATUS(-1)},
};
/* clang-format on */

/* Where a number of vectors was asked for and given, it is the one that the device has, or 0. */
static bool numbers_fit(const struct rtas_case *c, const uint32_t *results)
{
	bool answered = strcmp(c->service, CHANGE_MSI) == 0 && c->outcome.effect == ANSWERS;
	uint32_t want = c->args[4].plus ? 1 : 0;

	if (answered && results[1] != want) {
		tap_note("%" PRIu32 " vectors were given, should be %" PRIu32, results[1], want);
		return false;
	}
	return true;
}

static int32_t change(uint32_t n)
{
	const uint32_t args[6] = {bench_config_addr(), (uint32_t)(bench.phb->buid >> 32),
		(uint32_t)bench.phb->buid, 3, n, 0};
	uint32_t rets[4];
	int32_t status = rtas_call(CHANGE_MSI, args, 6, rets, 4);

	return status ? status : (int32_t)(rets[1] ^ n);
}

void test_msi_cases(void)
{
	bool good = true;

	if (!bench.edu) {
		tap_skip("messages", "no edu device");
		return;
	}
	rtas_run_cases(cases, sizeof(cases) / sizeof(cases[0]), numbers_fit);
	for (unsigned int i = 0; i < ROUNDS && good; i++) {
		good = !change(1) && !change(0);
	}
	tap_ok(good, "MSI: a vector granted and released, a thousand times (RT-16)");
}
