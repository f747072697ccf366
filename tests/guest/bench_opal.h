// SPDX-License-Identifier: Apache-2.0
/*
 * The assembly of the payload `bench-opal`: calls of firmware, one by one and in a timed loop.
 */
#ifndef TESTS_GUEST_BENCH_OPAL_H
#define TESTS_GUEST_BENCH_OPAL_H

#include <stdint.h>

/* One kind of call, made count times. bench_opal_entry.S knows the places of the fields. */
struct opal_loop {
	uint64_t token, args[6];
	uint64_t base, entry; /* firmware's; or an entry that only returns */
	uint64_t count;	      /* at least 1 */
	uint64_t wrong;	      /* out: how many calls did not give 0 */
};

/* Ticks of the timebase that the loop took. */
uint64_t opal_calls(struct opal_loop *loop);

/* One instruction, blr, for opal_loop.entry. */
void opal_nothing(void);

#endif
