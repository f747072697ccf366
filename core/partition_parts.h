// SPDX-License-Identifier: Apache-2.0
/* What the parts of a partition have from each other: its life in core/partition.c, its making in
 * core/partition_build.c, its host bridges in core/partition_phb.c, and of a bridge its functions
 * in core/partition_func.c and their pins in core/partition_intx.c. Nobody else includes this. */
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

/* Gives host bridge n the functions of its group, which is in a container with an IOMMU, but for
 * those that the plan holds back. An error has been said in the log; those bound before it are in
 * phbs[n].funcs, and are to be put by the caller. -ENOSPC, or what made a function unfit. */
int partition_bind_funcs(
	struct partition *p, unsigned int n, const struct plan_phb *plan) must_check;

/* The pins of bridge n's functions become sources of the guest, where no other group shares them.
 */
void partition_route_intx(struct partition *p, unsigned int n);

/* The rest of the way; the memory stays out of use if it is not clean. */
void partition_give_memory_back(struct partition *p, bool clean);

#endif
