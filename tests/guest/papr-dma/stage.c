// SPDX-License-Identifier: Apache-2.0
/*
 * See stage.h. A DMA to or from the stage counts as verified only by what the caller compares.
 */
#include "tests/guest/papr-dma/stage.h"

#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"

#include <string.h>

/* One page is used; those around it take a DMA that misses. */
static uint8_t pages[3 * TCE_PAGE] __attribute__((aligned(TCE_PAGE)));
static uint64_t stage_ioba;
static uint8_t *const page = pages + TCE_PAGE;
uint8_t stage_bytes[EDU_BUFFER];

bool stage_open_in(const struct window *w, uint64_t ioba)
{
	stage_ioba = ioba + window_offset(w, (uintptr_t)page);
	return window_put(w, ioba, window_tce(w, (uintptr_t)page, TCE_RW)) == H_SUCCESS;
}

bool stage_open(void)
{
	struct window w = default_window();

	return stage_open_in(&w, window_page(PAGE_STAGE));
}

bool stage_works(void)
{
	static uint8_t filled[EDU_BUFFER];
	bool good = stage_fill();

	memcpy(filled, stage_bytes, sizeof(filled));
	good = good && stage_fetch() && memcmp(filled, stage_bytes, sizeof(filled)) == 0;
	if (!good) {
		tap_note("the device's buffer cannot be filled and fetched");
	}
	return good;
}

bool stage_fill(void)
{
	fresh_bytes(stage_bytes, sizeof(stage_bytes));
	memcpy(page, stage_bytes, sizeof(stage_bytes));
	return edu_dma_in(stage_ioba, 0, EDU_BUFFER);
}

bool stage_fetch(void)
{
	memset(pages, 0, sizeof(pages));
	if (!edu_dma_out(stage_ioba, 0, EDU_BUFFER)) {
		return false;
	}
	memcpy(stage_bytes, page, sizeof(stage_bytes));
	return true;
}
