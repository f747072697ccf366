// SPDX-License-Identifier: Apache-2.0
/*
 * The arena and a copy of what it should hold.
 */
#include "tests/guest/papr-dma/arena.h"

#include "tests/guest/tap.h"

#include <string.h>

/* Pages before and after those that are used, filled and compared like them: a DMA that misses by
 * a little is to be seen, and not to hit this program. */
#define GUARD_PAGES 16u
#define ALL_PAGES   (GUARD_PAGES + ARENA_PAGES + GUARD_PAGES)

static uint8_t arena[ALL_PAGES * TCE_PAGE] __attribute__((aligned(TCE_PAGE)));
static uint8_t should[ALL_PAGES * TCE_PAGE];
static uint64_t state = 0x9e3779b97f4a7c15ull;

/* A xorshift generator (Marsaglia 2003): long, cheap, the same in every run. */
static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void fresh_bytes(uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		to[i] = (uint8_t)(next() >> 32) | 1u;
	}
}

void arena_fill(void)
{
	fresh_bytes(should, sizeof(should));
	memcpy(arena, should, sizeof(arena));
}

uint8_t *arena_page(unsigned int page)
{
	return arena + (size_t)(GUARD_PAGES + page) * TCE_PAGE;
}

uint64_t arena_gpa(unsigned int page)
{
	return (uintptr_t)arena_page(page);
}

bool arena_is(const struct arena_change *changes, unsigned int n)
{
	__asm__ volatile("sync" : : : "memory");
	for (unsigned int i = 0; i < n; i++) {
		size_t at = (size_t)(GUARD_PAGES + changes[i].page) * TCE_PAGE + changes[i].offset;

		memcpy(should + at, changes[i].bytes, changes[i].len);
	}
	if (memcmp(arena, should, sizeof(arena)) == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(arena); i++) {
		if (arena[i] != should[i]) {
			tap_note("page %d offset %u holds %02x, should be %02x",
				(int)(i / TCE_PAGE) - (int)GUARD_PAGES,
				(unsigned int)(i % TCE_PAGE), arena[i], should[i]);
			return false;
		}
	}
	return true;
}
