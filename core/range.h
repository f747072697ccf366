// SPDX-License-Identifier: Apache-2.0
/*
 * Arithmetic on ranges that never wraps (SEED-001.67). A range is a start and a length; an empty
 * one lies where its start does and overlaps nothing; a range may end at exactly 2^64.
 */
#ifndef CORE_RANGE_H
#define CORE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether [start, start + len) lies in [0, limit). */
static inline bool range_below(uint64_t start, uint64_t len, uint64_t limit)
{
	return len <= limit && start <= limit - len;
}

/* Whether [start, start + len) lies in [base, base + size). */
static inline bool range_inside(uint64_t start, uint64_t len, uint64_t base, uint64_t size)
{
	return start >= base && range_below(start - base, len, size);
}

/* Whether the two ranges share a byte. */
static inline bool range_overlaps(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	if (!alen || !blen) {
		return false;
	}
	return a <= b ? b - a < alen : a - b < blen;
}

static inline bool is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* align is a power of two. */
static inline bool is_aligned(uint64_t v, uint64_t align)
{
	return !(v & (align - 1));
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

/* False, and *out untouched, if the result would pass 2^64 - 1. align is a power of two. */
static inline bool align_up(uint64_t v, uint64_t align, uint64_t *out)
{
	if (v > UINT64_MAX - (align - 1)) {
		return false;
	}
	*out = align_down(v + align - 1, align);
	return true;
}

#endif
