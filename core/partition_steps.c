// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of steps, and the walk over them. The way back is the same list from its end, so that
 * nobody has to keep two lists alike, and a failure at whatever step leaves what was there before.
 */
#include "core/partition_parts.h"

void partition_undo_steps(const struct partition_step *steps, unsigned int nsteps,
	struct partition *p, unsigned int n)
{
	while (nsteps-- > 0) {
		if (steps[nsteps].undo) {
			steps[nsteps].undo(p, n);
		}
	}
}

int partition_make_steps(const struct partition_step *steps, unsigned int nsteps,
	struct partition *p, unsigned int n, const char **failed)
{
	for (unsigned int i = 0; i < nsteps; i++) {
		int err = steps[i].make ? steps[i].make(p, n) : 0;

		if (err) {
			*failed = steps[i].name;
			partition_undo_steps(steps, i, p, n);
			return err;
		}
	}
	return 0;
}
