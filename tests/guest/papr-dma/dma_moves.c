// SPDX-License-Identifier: Apache-2.0
/*
 * What mapped pages must move: the right bytes, both ways, to the page that is mapped now, as far
 * as the permission goes and not a byte further.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/moves.h"
#include "tests/guest/edu.h"
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/tap.h"

#include <stddef.h>
#include <string.h>

#define HALF (EDU_BUFFER / 2)

static uint64_t at(unsigned int page)
{
	return window_page(PAGE_DMA + page);
}

bool out_arrives(uint64_t ioba, unsigned int page)
{
	const struct arena_change change = {page, 0, stage_bytes, EDU_BUFFER};
	bool good = edu_dma_out(ioba, 0, EDU_BUFFER) && arena_is(&change, 1);

	bench.dmas_verified += good;
	return good;
}

bool in_arrives(uint64_t ioba, unsigned int page)
{
	bool good = edu_dma_in(ioba, 0, EDU_BUFFER) && stage_fetch() &&
		    memcmp(stage_bytes, arena_page(page), EDU_BUFFER) == 0;

	bench.dmas_verified += good;
	return good;
}

bool out_vanishes(uint64_t ioba)
{
	bool good = edu_dma_out(ioba, 0, EDU_BUFFER) && arena_is(NULL, 0);

	bench.dmas_blocked += good;
	return good;
}

/* Whether the buffer from offset on is all zero or what it was. */
static bool zero_or_kept(const uint8_t *was, size_t offset, size_t len)
{
	static const uint8_t zeros[EDU_BUFFER];

	return memcmp(stage_bytes + offset, zeros, len) == 0 ||
	       memcmp(stage_bytes + offset, was + offset, len) == 0;
}

bool in_vanishes(uint64_t ioba)
{
	static uint8_t was[EDU_BUFFER];
	bool good;

	memcpy(was, stage_bytes, sizeof(was));
	good = edu_dma_in(ioba, 0, EDU_BUFFER) && stage_fetch() && zero_or_kept(was, 0, EDU_BUFFER);
	bench.dmas_blocked += good;
	return good;
}

bool both_arrive(uint64_t ioba, unsigned int page)
{
	arena_fill();
	return stage_fill() && out_arrives(ioba, page) && in_arrives(ioba, page);
}

bool both_vanish(uint64_t ioba)
{
	arena_fill();
	return stage_works() && out_vanishes(ioba) && in_vanishes(ioba);
}

static void test_put(void)
{
	bool good = tce_put(at(0), arena_gpa(0) | TCE_RW) == H_SUCCESS;

	arena_fill();
	tap_ok(good && in_arrives(at(0), 0), "PUT: memory to device");
	good = good && stage_fill();
	tap_ok(good && out_arrives(at(0), 0), "PUT: device to memory");
}

static void test_indirect(void)
{
	uint64_t tces[4];
	bool good;

	/* Backwards, so that neighbours on the bus are none in memory. */
	for (unsigned int i = 0; i < 4; i++) {
		tces[i] = arena_gpa(9 - i) | TCE_RW;
	}
	good = tce_put_list(at(4), tces, 4) == H_SUCCESS;
	arena_fill();
	tap_ok(good && in_arrives(at(5), 8), "INDIRECT: memory to device");
	good = good && stage_fill();
	tap_ok(good && out_arrives(at(7), 6), "INDIRECT: device to memory");
}

static void test_crossing(void)
{
	/* INDIRECT has put arena page 8 at bus page 5, and arena page 7 after it. */
	const uint64_t middle = at(5) + TCE_PAGE - HALF;
	struct arena_change changes[2] = {
		{8, TCE_PAGE - HALF, stage_bytes, HALF},
		{7, 0, stage_bytes + HALF, HALF},
	};
	bool good;

	arena_fill();
	good = edu_dma_in(middle, 0, EDU_BUFFER) && stage_fetch() &&
	       memcmp(stage_bytes, arena_page(8) + TCE_PAGE - HALF, HALF) == 0 &&
	       memcmp(stage_bytes + HALF, arena_page(7), HALF) == 0;
	bench.dmas_verified += good;
	tap_ok(good, "across two pages: memory to device");
	good = stage_fill() && edu_dma_out(middle, 0, EDU_BUFFER) && arena_is(changes, 2);
	bench.dmas_verified += good;
	tap_ok(good, "across two pages: device to memory");

	good = tce_put(at(6), 0) == H_SUCCESS && stage_fill();
	arena_fill();
	good = good && edu_dma_out(middle, 0, EDU_BUFFER) && arena_is(changes, 1);
	bench.dmas_blocked += good;
	tap_ok(good, "across into an unmapped page: device to memory stops at it");
	good = stage_fill();
	if (good) {
		static uint8_t was[EDU_BUFFER];

		memcpy(was, stage_bytes, sizeof(was));
		good = edu_dma_in(middle, 0, EDU_BUFFER) && stage_fetch() &&
		       zero_or_kept(was, HALF, HALF);
	}
	bench.dmas_blocked += good;
	tap_ok(good, "across into an unmapped page: memory to device stops at it");
}

static void test_remap(void)
{
	bool good = tce_put(at(0), arena_gpa(1) | TCE_RW) == H_SUCCESS && stage_fill();

	arena_fill();
	tap_ok(good && out_arrives(at(0), 1), "before a remap: device to memory");
	good = good && tce_put(at(0), arena_gpa(2) | TCE_RW) == H_SUCCESS && stage_fill();
	tap_ok(good && out_arrives(at(0), 2), "after a remap: the new page, the old one untouched");
	arena_fill();
	tap_ok(good && in_arrives(at(0), 2), "after a remap: memory to device, from the new page");
}

static void test_permissions(void)
{
	bool good = tce_put(at(0), arena_gpa(3) | TCE_READ) == H_SUCCESS;

	arena_fill();
	tap_ok(good && in_arrives(at(0), 3), "read only: memory to device");
	good = good && stage_fill();
	tap_ok(good && out_vanishes(at(0)), "read only: device to memory is stopped (DM-02)");

	good = tce_put(at(0), arena_gpa(4) | TCE_WRITE) == H_SUCCESS && stage_fill();
	tap_ok(good && out_arrives(at(0), 4), "write only: device to memory");
	good = good && stage_fill();
	arena_fill();
	tap_ok(good && in_vanishes(at(0)), "write only: memory to device is stopped (DM-02)");

	good = tce_put(at(0), arena_gpa(5)) == H_SUCCESS && stage_fill();
	tap_ok(good && out_vanishes(at(0)),
		"no access but a page: device to memory is stopped (HC-10)");
	tap_ok(good && in_vanishes(at(0)),
		"no access but a page: memory to device is stopped (HC-10)");
}

static void test_stuff(void)
{
	const uint64_t tces[2] = {arena_gpa(10) | TCE_RW, arena_gpa(11) | TCE_RW};
	bool good = tce_put_list(at(8), tces, 2) == H_SUCCESS && stage_fill();

	arena_fill();
	tap_ok(good && out_arrives(at(9), 11), "before STUFF: device to memory");
	good = good && tce_clear(at(8), 2) == H_SUCCESS && stage_fill();
	arena_fill();
	tap_ok(good && out_vanishes(at(9)), "after STUFF: device to memory is stopped");
	tap_ok(good && in_vanishes(at(9)), "after STUFF: memory to device is stopped");
}

static void test_bus_master(void)
{
	uint32_t command;
	bool good = tce_put(at(0), arena_gpa(6) | TCE_RW) == H_SUCCESS && stage_fill() &&
		    !pci_read(bench.phb, bench.edu, PCI_COMMAND, 2, &command) &&
		    !pci_write(bench.phb, bench.edu, PCI_COMMAND, 2,
			    command & ~(uint32_t)PCI_COMMAND_MASTER);

	arena_fill();
	tap_ok(good && out_vanishes(at(0)), "bus master off: device to memory is stopped");
	good = good && !pci_write(bench.phb, bench.edu, PCI_COMMAND, 2, command);
	tap_ok(good && out_arrives(at(0), 6), "bus master on again: device to memory");
}

void test_dma_moves(void)
{
	if (!tap_ok(stage_open(), "a page for the device's buffer can be mapped")) {
		return;
	}
	test_put();
	test_indirect();
	test_crossing();
	test_remap();
	test_permissions();
	test_stuff();
	test_bus_master();
	tce_clear(at(0), PAGE_NEVER - PAGE_DMA);
}
