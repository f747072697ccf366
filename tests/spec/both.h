// SPDX-License-Identifier: Apache-2.0
/*
 * The specification and the program as one: what is done to one is done to the other, and held
 * against it. The first difference ends the run with status 1 and the command line that shows it
 * again.
 */
#ifndef TESTS_SPEC_BOTH_H
#define TESTS_SPEC_BOTH_H

#include "tests/spec/machine.h"
#include "tests/spec/spec.h"

#include <stdbool.h>
#include <stdint.h>

#define NBRIDGES (MACHINE_PARTITIONS * SPEC_MAX_BRIDGES)

struct both {
	/* The command line. */
	const char *program;
	uint64_t seed, steps, from;
	bool faults;

	uint64_t step;		/* the one that is under way, */
	unsigned int who;	/* whose it is, */
	struct spec_trap asked; /* and its last trap */
	struct spec_partition spec[MACHINE_PARTITIONS];
};

extern struct both both;

void both_differ(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Whether this step is to be said. */
bool both_said(void);

/* The specification's side of a bridge of the machine. */
struct spec_bridge *both_bridge(unsigned int i);

/* Writes guest memory, big-endian. */
void both_poke(unsigned int who, uint64_t at, uint64_t val, unsigned int bytes);

/* The guest traps; *t becomes what came of it. */
void both_trap(unsigned int who, struct spec_trap *t, bool may_fail);

/* A device of a bridge reads a byte, or writes val. */
void both_dma(unsigned int bridge, uint64_t iova, bool write, uint8_t val);

/* Everything, without changing anything; at most about so many pages of each window. */
void both_look(unsigned int most);

#endif
