// SPDX-License-Identifier: Apache-2.0
/* What goes into a partition's device tree. */
#ifndef CORE_DT_FILL_H
#define CORE_DT_FILL_H

#include "core/partition.h"
#include "core/plan.h"
#include "dt/dt_guest.h"

/* The description of p's tree but for what loading decides (initrd, RTAS blob). One buffer, for
 * set-up on the boot thread; the next call overwrites it. */
struct dt_guest *dt_fill(const struct partition *p, const struct plan_partition *plan);

#endif
