// SPDX-License-Identifier: Apache-2.0
/*
 * DMA of the whole buffer, to and from the start of an arena page. The stage must be open, and the
 * arena full.
 */
#ifndef TESTS_GUEST_PAPR_DMA_MOVES_H
#define TESTS_GUEST_PAPR_DMA_MOVES_H

#include <stdbool.h>
#include <stdint.h>

/* Device to memory: stage_bytes arrive at the page, and nothing else changes. */
bool out_arrives(uint64_t ioba, unsigned int page);

/* Memory to device: the page arrives in the buffer, and stage_bytes are it. */
bool in_arrives(uint64_t ioba, unsigned int page);

/* The same, and nothing arrives. */
bool out_vanishes(uint64_t ioba);
bool in_vanishes(uint64_t ioba);

/* A fresh arena and a fresh buffer, then out and in, through a page that is mapped; or that is not.
 */
bool both_arrive(uint64_t ioba, unsigned int page);
bool both_vanish(uint64_t ioba);

#endif
