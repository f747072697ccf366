// SPDX-License-Identifier: Apache-2.0
/*
 * The device's buffer, filled and read through a page of its own that stays mapped during all DMA
 * tests; and whole-buffer transfers, with the bookkeeping of what the buffer holds.
 */
#ifndef TESTS_GUEST_PAPR_DMA_STAGE_H
#define TESTS_GUEST_PAPR_DMA_STAGE_H

#include "tests/guest/edu.h"
#include "tests/guest/papr-dma/window.h"

#include <stdbool.h>
#include <stdint.h>

/* Maps the page in the default window; or at an address of another one. */
bool stage_open(void);
bool stage_open_in(const struct window *w, uint64_t ioba);

/* Whether what the buffer is filled with can be fetched from it again: without that, nothing that
 * is not seen to move proves anything. The buffer is full then. */
bool stage_works(void);

/* Fills the device's buffer with fresh bytes. */
bool stage_fill(void);

/* Reads the device's buffer. */
bool stage_fetch(void);

/* What the buffer held when last filled or fetched. */
extern uint8_t stage_bytes[EDU_BUFFER];

#endif
