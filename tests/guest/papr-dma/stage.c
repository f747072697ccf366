// SPDX-License-Identifier: Apache-2.0
/*
 * See stage.h. A DMA to or from the stage counts as verified only by what the caller compares.
 */
#include "tests/guest/papr-dma/stage.h"

#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"

#include <string.h>

/* One page is used; those around it take a DMA that misses. */
static uint8_t pages[3 * TCE_PAGE] __attribute__((aligned(TCE_PAGE)));
static uint8_t *const page = pages + TCE_PAGE;
uint8_t stage_bytes[EDU_BUFFER];

bool stage_open(void)
{
	return tce_put(window_page(PAGE_STAGE), (uintptr_t)page | TCE_RW) == H_SUCCESS;
}

bool stage_fill(void)
{
	fresh_bytes(stage_bytes, sizeof(stage_bytes));
	memcpy(page, stage_bytes, sizeof(stage_bytes));
	return edu_dma_in(window_page(PAGE_STAGE), 0, EDU_BUFFER);
}

bool stage_fetch(void)
{
	memset(pages, 0, sizeof(pages));
	if (!edu_dma_out(window_page(PAGE_STAGE), 0, EDU_BUFFER)) {
		return false;
	}
	memcpy(stage_bytes, page, sizeof(stage_bytes));
	return true;
}
