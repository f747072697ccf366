// SPDX-License-Identifier: Apache-2.0
/*
 * What runs beside the specification: two partitions with two host bridges each, over two strict
 * PHBs that both have a device of either partition, so that only the PE keeps them apart.
 */
#ifndef TESTS_SPEC_MACHINE_H
#define TESTS_SPEC_MACHINE_H

#include "tests/spec/spec.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_PARTITIONS 2u

/* The four bridges, two a partition. */
struct machine_bridge {
	unsigned int owner, phb;
	unsigned int index;
	uint64_t window_size;
	unsigned int window_shift; /* of its TCE pages */
	uint32_t pages;		   /* that the guest is offered: bit n, of 2^n bytes */
	bool ddw, bypass;
};

extern const struct machine_bridge machine_bridges[MACHINE_PARTITIONS * SPEC_MAX_BRIDGES];
extern const uint32_t machine_host_pages[2]; /* of each PHB */
extern const uint64_t machine_ram_size[MACHINE_PARTITIONS];

/* Everything as after power on, no partition running. */
void machine_init(void);
void machine_exit(void);

/* Lets a partition that is not there run. */
void machine_start(unsigned int who);

/* Its guest asks for a reboot, or to be powered off; false: that left something behind. */
bool machine_reboot(unsigned int who);
bool machine_stop(unsigned int who);

/* Guest memory of a running partition, and the token of a service. */
uint8_t *machine_ram(unsigned int who);
uint32_t machine_token(enum spec_service s);

/* Whether the partition may have too little left for the tables of one more call. */
bool machine_tables_end(unsigned int who);

void machine_trap(unsigned int who, struct spec_trap *t);

/* A device of bridge (index into machine_bridges) moves one byte; it is bus master, whatever its
 * guest says. False: blocked. */
bool machine_dma(unsigned int bridge, uint64_t iova, uint8_t *byte, bool write);

/* The owner of the machine switches bypass of a bridge; false: refused. */
bool machine_bypass(unsigned int bridge, bool on);

/* The n-th call of a PHB operation from now fails (0: none does any more), late: after its work. */
void machine_fail_at(unsigned int n, bool late);

/* The audit of all tables. */
bool machine_audit(void);

#endif
