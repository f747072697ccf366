// SPDX-License-Identifier: Apache-2.0
/*
 * The address kinds of this program, one C type each, so that mixing them is a compile error.
 *   gpa_t   guest-real address: what a partition calls real, 0 .. its memory size, and its MMIO
 *   hpa_t   host-real address: what the hardware calls real
 *   ioba_t  I/O bus address: what a device puts on the bus for a DMA
 */
#ifndef CORE_ADDR_H
#define CORE_ADDR_H

#include <stdint.h>

typedef struct {
	uint64_t v;
} gpa_t;

typedef struct {
	uint64_t v;
} hpa_t;

typedef struct {
	uint64_t v;
} ioba_t;

static inline gpa_t gpa(uint64_t v)
{
	return (gpa_t){v};
}

static inline hpa_t hpa(uint64_t v)
{
	return (hpa_t){v};
}

static inline ioba_t ioba(uint64_t v)
{
	return (ioba_t){v};
}

#endif
