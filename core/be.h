// SPDX-License-Identifier: Apache-2.0
/*
 * Big-endian fields of structures shared with firmware, guests and hardware. They are structs so
 * that a plain read does not compile: the accessors are the only way in, on either host order.
 */
#ifndef CORE_BE_H
#define CORE_BE_H

#include <stdint.h>

typedef struct {
	uint32_t raw;
} be32_t;

typedef struct {
	uint64_t raw;
} be64_t;

#define BE_HOST_IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline uint16_t be16_swap(uint16_t v)
{
	return BE_HOST_IS_LITTLE ? __builtin_bswap16(v) : v;
}

static inline uint32_t be32_get(be32_t f)
{
	return BE_HOST_IS_LITTLE ? __builtin_bswap32(f.raw) : f.raw;
}

static inline be32_t be32(uint32_t v)
{
	return (be32_t){BE_HOST_IS_LITTLE ? __builtin_bswap32(v) : v};
}

static inline uint64_t be64_get(be64_t f)
{
	return BE_HOST_IS_LITTLE ? __builtin_bswap64(f.raw) : f.raw;
}

static inline be64_t be64(uint64_t v)
{
	return (be64_t){BE_HOST_IS_LITTLE ? __builtin_bswap64(v) : v};
}

#endif
