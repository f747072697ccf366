// SPDX-License-Identifier: Apache-2.0
/* What goes into a partition's device tree. */
#ifndef CORE_DT_FILL_H
#define CORE_DT_FILL_H

#include "core/partition.h"
#include "core/plan.h"
#include "dt/dt_guest.h"

/* Fills to with the description of p's tree but for what loading decides (initrd, RTAS blob). phbs
 * is room for p->nphbs of them, and like plan has to live as long as the description. */
void dt_fill(struct dt_guest *to, struct dt_guest_phb *phbs, const struct partition *p,
	const struct plan_partition *plan);

#endif
