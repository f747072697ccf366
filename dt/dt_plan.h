// SPDX-License-Identifier: Apache-2.0
/* Reads the bundle (plan, kernels, initial ramdisks in one flattened tree) into struct plan. */
#ifndef DT_DT_PLAN_H
#define DT_DT_PLAN_H

#include "core/plan.h"

#include <stddef.h>

/*
 * The binding is docs/BOARDS.md. Kernel and initrd stay in the bundle: it must outlive the plan.
 * A partition with an unknown key or a value of the wrong shape is refused (plan_check's words) and
 * the others go on; all errors of a node are reported. What the values mean for the machine is
 * plan_check's business. A partition beyond PLAN_MAX_PARTITIONS is left out with a log line.
 * -EINVAL: not a whole flattened tree within size bytes, or not "tcelot,plan"; a log line has said
 * which. -ENOENT: it holds no partition. The plan is empty then.
 */
int dt_plan_read(const void *bundle, size_t size, struct plan *plan) must_check;

#endif
