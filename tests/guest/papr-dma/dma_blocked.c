// SPDX-License-Identifier: Apache-2.0
/*
 * Where a device must not reach. All addresses of a table are tried in one go: each gets its own
 * part of the device's buffer, so that one fetch at the end shows which of them gave anything.
 *
 * A blocked read gives the device zeroes, ones or nothing. A blocked write vanishes: the arena,
 * which is what most of these addresses would alias to, must be untouched.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/edu.h"
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/stage.h"
#include "tests/guest/tap.h"

#include <stddef.h>
#include <string.h>

#define PART	    128u /* bytes of the buffer for one address */
#define MAX_PLACES  (EDU_BUFFER / PART)
#define BYPASS_BASE (1ull << 59)

enum space {
	IN_WINDOW,	/* bus address, only if it is in the window and unmapped */
	PAST_WINDOW,	/* added to a page of the window that is never mapped */
	PAST_MAPPED,	/* added to a page of the window that is mapped to the arena */
	ARENA_BYPASSED, /* added to a guest-real address of the arena */
	ABSOLUTE,
	PAST_BYPASS, /* added to the end of the bypass window */
};

/* Where a place is out of reach: always, or only if the tree announces no bypass window, or only if
 * it does. */
enum when {
	ALWAYS,
	CLOSED,
	OPEN,
	READ_ONLY, /* always, but a write there would be a message */
	NO_WRAP,   /* not if the boot arguments say that the machine's PHBs ignore these bits */
};

struct place {
	const char *name;
	enum space space;
	uint64_t value;
	enum when when;
};

static const struct place places[] = {
	{"a page of the window that was never mapped (DM-01)", PAST_WINDOW, 0, ALWAYS},
	{"the hypervisor's image by its real address (DM-13)", IN_WINDOW, 0x20010000, ALWAYS},
	{"OPAL by its real address (DM-13)", IN_WINDOW, 0x30000000, ALWAYS},
	{"our memory by its guest-real address (DM-01)", ARENA_BYPASSED, 0, ALWAYS},
	{"4 GiB past the window (DM-05)", PAST_WINDOW, 1ull << 32, ALWAYS},
	{"bit 50 above the window (DM-05)", PAST_WINDOW, 1ull << 50, ALWAYS},
	{"bit 63 above the window (DM-05)", PAST_WINDOW, 1ull << 63, ALWAYS},
	{"bit 32 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 32, NO_WRAP},
	{"bit 40 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 40, NO_WRAP},
	{"bit 50 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 50, NO_WRAP},
	{"bit 55 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 55, NO_WRAP},
	{"bit 58 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 58, NO_WRAP},
	{"bit 61 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 61, ALWAYS},
	{"bit 62 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 62, ALWAYS},
	{"bit 63 above a mapped page (DM-05)", PAST_MAPPED, 1ull << 63, ALWAYS},
	{"the addresses of 32-bit messages (DM-12)", ABSOLUTE, 0xffff0000, READ_ONLY},
	{"the addresses of 64-bit messages (DM-12)", ABSOLUTE, 1ull << 60, READ_ONLY},
	{"bypass address of our memory", ARENA_BYPASSED, BYPASS_BASE, CLOSED},
	{"bypass address of OPAL (DM-13)", ABSOLUTE, BYPASS_BASE | 0x30000000, CLOSED},
	{"the first byte past the bypass window", PAST_BYPASS, 0, OPEN},
	{"bypass address of OPAL (DM-13)", PAST_BYPASS, 0x30000000, OPEN},
	{"bit 40 above the bypass window (DM-05)", PAST_BYPASS, 1ull << 40, OPEN},
};

#define NUM_PLACES (sizeof(places) / sizeof(places[0]))
_Static_assert(NUM_PLACES <= MAX_PLACES, "each place has a part of the buffer");

static bool place_address(const struct place *p, uint64_t *ioba)
{
	const struct tree_phb *phb = bench.phb;

	if ((p->when == CLOSED && phb->bypass_size) || (p->when == OPEN && !phb->bypass_size)) {
		return false;
	}
	if (p->when == NO_WRAP && tree_has_bootarg("phb=wraps")) {
		return false;
	}
	switch (p->space) {
	case IN_WINDOW:
		*ioba = p->value;
		return p->value >= window_page(PAGE_NEVER) &&
		       p->value < window_page(window_pages());
	case PAST_WINDOW:
		*ioba = window_page(PAGE_NEVER) + p->value;
		return true;
	case PAST_MAPPED:
		*ioba = window_page(PAGE_DMA) + p->value;
		return true;
	case ARENA_BYPASSED:
		*ioba = p->value + arena_gpa(0);
		return true;
	case PAST_BYPASS:
		/* Real hardware, and the guest's memory, end where the window does. */
		*ioba = phb->bypass_base + phb->bypass_size + p->value;
		return true;
	case ABSOLUTE:
	default:
		*ioba = p->value;
		return true;
	}
}

static bool part_is_clean(const uint8_t *was, size_t part)
{
	static const uint8_t zeros[PART];
	uint8_t ones[PART];
	const uint8_t *now = stage_bytes + part * PART;

	memset(ones, 0xff, PART);
	return memcmp(now, zeros, PART) == 0 || memcmp(now, ones, PART) == 0 ||
	       memcmp(now, was + part * PART, PART) == 0;
}

/* Only memory of our own can be watched: the arena, and the first page, which the vectors are in
 * and which an address that wraps would come out at. */
static bool write_vanishes(uint64_t ioba, size_t part)
{
	static uint8_t first[TCE_PAGE];
	uintptr_t zero = 0;

	__asm__("" : "+r"(zero));
	memcpy(first, (const void *)zero, sizeof(first));
	return edu_dma_out(ioba, (uint32_t)(part * PART), PART) && arena_is(NULL, 0) &&
	       memcmp(first, (const void *)zero, sizeof(first)) == 0;
}

static void test_places(void)
{
	static uint8_t was[EDU_BUFFER];
	bool tried[NUM_PLACES], read_done[NUM_PLACES], fetched;
	uint64_t ioba;

	fetched =
		tce_put(window_page(PAGE_DMA), arena_gpa(0) | TCE_RW) == H_SUCCESS && stage_works();
	arena_fill();
	memcpy(was, stage_bytes, sizeof(was));
	for (size_t i = 0; i < NUM_PLACES; i++) {
		tried[i] = place_address(&places[i], &ioba);
		read_done[i] = tried[i] && edu_dma_in(ioba, (uint32_t)(i * PART), PART);
	}
	fetched = fetched && stage_fetch();
	for (size_t i = 0; i < NUM_PLACES; i++) {
		if (tried[i]) {
			bool good = fetched && read_done[i] && part_is_clean(was, i);

			bench.dmas_blocked += good;
			tap_ok(good, "not read: %s", places[i].name);
		}
	}
	if (tree_has_bootarg("phb=wraps")) {
		tap_skip("not reached: high bits above a mapped page (DM-05)",
			"the machine's PHBs are said to ignore them");
	}
	fetched = stage_fill();
	for (size_t i = 0; i < NUM_PLACES; i++) {
		if (place_address(&places[i], &ioba) && places[i].when != READ_ONLY) {
			bool good = fetched && write_vanishes(ioba, i);

			bench.dmas_blocked += good;
			tap_ok(good, "not written: %s", places[i].name);
		}
	}
	tce_clear(window_page(PAGE_DMA), 1);
}

/* A refused H_PUT_TCE must not have opened anything. */
static void test_refused(void)
{
	const uint64_t ioba = window_page(PAGE_NEVER);
	static uint8_t was[EDU_BUFFER];
	bool good = tree.qemu || (tce_put(ioba, tree.memory | TCE_RW) == H_PARAMETER &&
					 tce_put(ioba, arena_gpa(0) | TCE_RW | 4) == H_PARAMETER);

	good = good && stage_fill();
	arena_fill();
	memcpy(was, stage_bytes, sizeof(was));
	good = good && edu_dma_out(ioba, 0, PART) && arena_is(NULL, 0) &&
	       edu_dma_in(ioba, 0, PART) && stage_fetch() && part_is_clean(was, 0);
	bench.dmas_blocked += 2ul * good;
	tap_ok(good, "a refused PUT opens nothing");
}

static void test_bypass_open(void)
{
	const uint64_t ioba = bench.phb->bypass_base + arena_gpa(12);
	const struct arena_change change = {12, 0, stage_bytes, EDU_BUFFER};
	bool good;

	tap_ok(bench.phb->bypass_size == tree.memory,
		"the bypass window is as large as our memory");
	arena_fill();
	good = edu_dma_in(ioba, 0, EDU_BUFFER) && stage_fetch() &&
	       memcmp(stage_bytes, arena_page(12), EDU_BUFFER) == 0;
	bench.dmas_verified += good;
	tap_ok(good, "bypass: memory to device");
	good = stage_fill() && edu_dma_out(ioba, 0, EDU_BUFFER) && arena_is(&change, 1);
	bench.dmas_verified += good;
	tap_ok(good, "bypass: device to memory");
}

void test_dma_blocked(void)
{
	if (!stage_open()) {
		return;
	}
	test_places();
	test_refused();
	if (bench.phb->bypass_size) {
		test_bypass_open();
	}
	tce_clear(window_page(PAGE_STAGE), 1);
}
