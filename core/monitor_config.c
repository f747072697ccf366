// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor's config command: a few lines each tick, so that a slow console holds up nobody.
 */
#include "core/audit.h"
#include "core/monitor.h"
#include "core/text.h"

#include <string.h>

#define SLICE_LINES 16u

/* The monitor runs on one thread at a time. */
static struct {
	const struct vfio *vfio;
	unsigned int func, at;
} job;

bool monitor_config(const struct audit_scope *scope, const char *bdf)
{
	const struct board *b = scope->board;
	uint16_t domain, bdfn;

	if (!text_parse_bdf(bdf, strlen(bdf), &domain, &bdfn)) {
		monitor_say("config: a function is domain:bus:slot.function, as 0000:01:00.0");
		return false;
	}
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (b->funcs[i].bdfn == bdfn && (uint16_t)b->phbs[b->funcs[i].phb].id == domain) {
			job.vfio = scope->vfio;
			job.func = i;
			job.at = 0;
			return true;
		}
	}
	monitor_say("there is no such function; try: list");
	return false;
}

bool monitor_config_step(void)
{
	return vfio_print_slice(job.vfio, job.func, &job.at, SLICE_LINES, monitor_say) != -EAGAIN;
}
