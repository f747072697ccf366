// SPDX-License-Identifier: Apache-2.0
/*
 * The device's buffer, filled and read through a page of its own that stays mapped during all DMA
 * tests; and whole-buffer transfers, with the bookkeeping of what the buffer holds.
 */
#ifndef TESTS_GUEST_PAPR_DMA_STAGE_H
#define TESTS_GUEST_PAPR_DMA_STAGE_H

#include "tests/guest/edu.h"

#include <stdbool.h>
#include <stdint.h>

/* Maps the page. */
bool stage_open(void);

/* Fills the device's buffer with fresh bytes. */
bool stage_fill(void);

/* Reads the device's buffer. */
bool stage_fetch(void);

/* What the buffer held when last filled or fetched. */
extern uint8_t stage_bytes[EDU_BUFFER];

#endif
