// SPDX-License-Identifier: Apache-2.0
/* What core/partition.c, a partition's life, has from core/partition_build.c, its making. */
#ifndef CORE_PARTITION_PARTS_H
#define CORE_PARTITION_PARTS_H

#include "core/err.h"
#include "core/partition.h"

#include <stdbool.h>

/* All that the plan says, from nothing; the guest may be started then. An error has been said in
 * the log, and everything taken has been given back. */
int partition_make(struct partition *p) must_check;

/* The same but for the memory, and room for its bridges, which are there. On an error everything
 * has been given back, but for a device that could not be quarantined: then *clean is false, and
 * nothing may use the memory. */
int partition_bring_up(struct partition *p, bool *clean) must_check;

/* The way back to where bring_up began; the memory is all zero. False: something may still reach
 * it. */
bool partition_wind_down(struct partition *p) must_check;

/* The rest of the way; the memory stays out of use if it is not clean. */
void partition_give_memory_back(struct partition *p, bool clean);

#endif
