// SPDX-License-Identifier: Apache-2.0
/*
 * What the guests do next: random, but mostly from small pools of values where things meet, so that
 * calls collide with what earlier calls have left. Everything follows from the seed.
 */
#ifndef TESTS_SPEC_MOVES_H
#define TESTS_SPEC_MOVES_H

#include "tests/spec/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct moves {
	uint64_t rng;
	const struct spec_partition *spec; /* of all partitions, to aim at what is there */
	unsigned int who;		   /* whose turn it is */
	/* Writes guest memory of the partition whose turn it is, bytes big-endian. */
	void (*poke)(unsigned int who, uint64_t at, uint64_t val, unsigned int bytes);
};

/* A number below n; whether 1 in n has come up. */
uint64_t moves_below(struct moves *m, uint64_t n);
bool moves_rarely(struct moves *m, unsigned int n);

/* Registers of the next trap of m->who; its buffers have been written. */
void moves_trap(struct moves *m, struct spec_trap *t);

/* A bus address of a bridge that is worth a look. */
uint64_t moves_iova(struct moves *m, const struct spec_bridge *b);

#endif
