// SPDX-License-Identifier: Apache-2.0
/*
 * The memory that DMA tests aim at. Every byte of it is known, so that a DMA that went to the wrong
 * place, or through a mapping that should have stopped it, cannot hide.
 */
#ifndef TESTS_GUEST_PAPR_DMA_ARENA_H
#define TESTS_GUEST_PAPR_DMA_ARENA_H

#include "tests/guest/papr-dma/dma.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_PAGES 32u

/* Bytes that a test expects to find changed. */
struct arena_change {
	unsigned int page, offset;
	const uint8_t *bytes;
	size_t len;
};

/* Fills all pages with bytes that are in no other page and were in none before. */
void arena_fill(void);

uint8_t *arena_page(unsigned int page);
uint64_t arena_gpa(unsigned int page);

/* Whether the arena is as arena_fill left it, but for the changes. Where not, says so. */
bool arena_is(const struct arena_change *changes, unsigned int n);

/* Fresh bytes, none of them zero. */
void fresh_bytes(uint8_t *to, size_t len);

#endif
