// SPDX-License-Identifier: Apache-2.0
/*
 * The TCE audit: the isolation that the rest of the program is there for, checked from outside, on
 * the tables that the hardware walks and not on anybody's notes of them.
 *
 * It proves for every running partition that each live TCE, the bypass window's too, gives access
 * to whole pages of that partition's own memory and nothing else; that the windows of a PE are
 * disjoint and none of their tables is memory of a guest; and of what has stopped, that its groups
 * are closed and in no container, and that no container is left without an owner.
 *
 * A partition that is on its way up or down at that moment cannot be looked at; the result says how
 * many were.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "core/board.h"
#include "core/partition.h"
#include "core/vfio.h"

#include <stdbool.h>
#include <stdint.h>

/* Violations told one by one; the rest is counted. */
#define AUDIT_MAX_LINES 8u

/* What there is to look at. All of it lives for ever; partitions are at most PARTITION_MAX. */
struct audit_scope {
	const struct board *board;
	const struct vfio *vfio;
	struct mem_pool *pool;
	struct partition *const *partitions;
	unsigned int npartitions;
};

/* Gets one line, without its newline. */
typedef void (*audit_say_fn)(const char *line);

/* One audit, under way. */
struct audit {
	const struct audit_scope *scope;
	audit_say_fn say;
	unsigned int partition, phb, window; /* where it is, */
	uint64_t entry;			     /* the next of this window */
	unsigned int windows;		     /* and what it has seen */
	uint64_t live;
	uint64_t violations;
	unsigned int passed_over;
};

/* An audit in slices: step looks at about so many table entries and returns true when the audit is
 * over and its result, "tce audit: N windows, N live TCEs: clean" or how many violations, has been
 * said. What changes between two steps is seen as it is then. */
void audit_begin(struct audit *a, const struct audit_scope *scope, audit_say_fn say);
bool audit_step(struct audit *a, uint64_t budget);

/* A whole one; any thread. True: clean. */
bool audit_run(const struct audit_scope *scope, audit_say_fn say);

/* Of one partition, that has no running vCPU and has not been taken apart, by whoever will do that.
 * The result begins with its name. */
bool audit_run_one(const struct audit_scope *scope, struct partition *p, audit_say_fn say);

/*
 * A visit: as long as it lasts the partition, which runs, is not taken apart, as if one more vCPU
 * ran. False: it does not run. The end of the last visit may itself be what has it taken apart, or
 * started again: on the thread of its last vCPU, and leave returns at once.
 */
bool audit_visit(struct partition *p);
void audit_leave(struct partition *p);

#endif
