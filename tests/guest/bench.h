// SPDX-License-Identifier: Apache-2.0
/*
 * The loop that is timed. It is assembly, so that with and without the call it is the same
 * instructions and what is left after taking one from the other is the call.
 */
#ifndef TESTS_GUEST_BENCH_H
#define TESTS_GUEST_BENCH_H

#include <stdint.h>

/* One kind of call, made count times. bench_entry.S knows the places of the fields. */
struct bench_loop {
	uint64_t r3, r4, r5, r6, r7;
	uint64_t step5, step6; /* added to r5 and r6 after each call */
	uint64_t want;	       /* the status that is right */
	uint64_t count;	       /* at least 1 */
	uint64_t wrong;	       /* out: how many calls answered otherwise */
};

/* Ticks of the timebase that the loop took. */
uint64_t bench_calls(struct bench_loop *loop);

/* The same without the `sc 1`; want is not looked at. */
uint64_t bench_no_calls(struct bench_loop *loop);

#endif
