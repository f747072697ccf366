// SPDX-License-Identifier: Apache-2.0
/*
 * Many lives in a row (LC-05): each looks whether anything of the one before is left, leaves as
 * much behind as it can, and reboots. Memory does not outlive a reboot; the time of day does, so
 * the number of the life is in the date: so many days, each the 28th part of a month, after 2100.
 */
#include "tests/guest/edu.h"
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/window.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stdlib.h>

#define FIRST_YEAR  2100u
#define LEFT_PAGES  8u
#define MSI	    3u
#define SAY_EACH    100u
#define WINDOW_BITS 30u

/* Year, month, day, hour, minute, second, nanosecond. */
#define DATE_CELLS 7u

static bool read_life(uint32_t *life)
{
	uint32_t date[1 + DATE_CELLS];

	if (rtas_call("get-time-of-day", NULL, 0, date, 1 + DATE_CELLS)) {
		return false;
	}
	*life = date[1] < FIRST_YEAR
			? 0
			: ((date[1] - FIRST_YEAR) * 12 + date[2] - 1) * 28 + date[3] - 1;
	return true;
}

static bool write_life(uint32_t life)
{
	const uint32_t date[DATE_CELLS] = {
		FIRST_YEAR + life / (28 * 12), life / 28 % 12 + 1, life % 28 + 1, 12};
	uint32_t status;

	return rtas_call("set-time-of-day", date, DATE_CELLS, &status, 1) == 0;
}

/* One message; whether it was granted. */
static bool get_message(void)
{
	const uint32_t args[6] = {bench_config_addr(), (uint32_t)(bench.phb->buid >> 32),
		(uint32_t)bench.phb->buid, MSI, 1, 0};
	uint32_t rets[4];

	return rtas_call("ibm,change-msi", args, 6, rets, 4) == 0 && rets[1] == 1;
}

/* NULL, or what is not as a first life finds it. */
static const char *find_traces(void)
{
	struct window_query q;
	uint32_t command = 0;
	uint64_t tce;

	for (unsigned int i = 0; i < LEFT_PAGES; i++) {
		if (tce_get(window_page(i), &tce) || tce) {
			return "the default window is not empty";
		}
	}
	if (ddw_query(&q, 6) || q.windows != 1) {
		return "there is not room for one more window";
	}
	if (pci_read(bench.phb, bench.edu, PCI_COMMAND, 2, &command) ||
		(command & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER))) {
		return "the device is on";
	}
	return NULL;
}

static const char *leave_traces(void)
{
	struct window w;

	if (!edu_open(bench.phb, bench.edu)) {
		return "the device could not be turned on";
	}
	if (!get_message()) {
		return "no message was granted";
	}
	for (unsigned int i = 0; i < LEFT_PAGES; i++) {
		if (tce_put(window_page(i), i * TCE_PAGE | TCE_RW)) {
			return "a page could not be mapped";
		}
	}
	if (ddw_create(16, WINDOW_BITS, &w) || window_put(&w, w.base, TCE_RW)) {
		return "no window could be made";
	}
	return NULL;
}

static void live(uint32_t lives)
{
	uint32_t life = 0, status;
	const char *wrong = read_life(&life) ? find_traces() : "the clock cannot be read";

	if (!wrong && life < lives) {
		wrong = leave_traces();
	}
	if (!wrong && life < lives) {
		if (life % SAY_EACH == 0) {
			tap_note("life %" PRIu32, life);
		}
		if (write_life(life + 1)) {
			(void)rtas_call("system-reboot", NULL, 0, &status, 1);
		}
		wrong = "it could not be rebooted";
	}
	if (wrong) {
		tap_note("life %" PRIu32 ": %s", life, wrong);
	}
	tap_ok(!wrong, "%" PRIu32 " reboots leave nothing behind", lives);
	tap_plan();
}

void run_lives(const char *value)
{
	bench.phb = &tree.phbs[0];
	for (unsigned int i = 0; tree.nphbs && i < bench.phb->nfuncs; i++) {
		const struct tree_func *f = &bench.phb->funcs[i];

		if (f->vendor == EDU_VENDOR && f->device == EDU_DEVICE) {
			bench.edu = f;
		}
	}
	if (!bench.edu) {
		tap_bail("no edu device");
	}
	live((uint32_t)strtoul(value, NULL, 10));
}
