// SPDX-License-Identifier: Apache-2.0
/*
 * A fake backend of one TCE window: an array of entries, and beside it what the device would use,
 * which is a cache that stays as it was until flush is called, for entries that give access and for
 * those that give none.
 *
 * It fails the test when its caller breaks the contract of struct tce_backend_ops: a range outside
 * the window, words that no TCE may become, the lock held or not held. A map of what is not
 * reserved is -EAGAIN.
 */
#ifndef TESTS_FAKE_FAKE_TCE_H
#define TESTS_FAKE_FAKE_TCE_H

#include "core/tce.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_TCE_PAGES	  2048u
#define FAKE_TCE_CALL_MAX 64u

enum fake_tce_op {
	FAKE_TCE_RESERVE,
	FAKE_TCE_MAP,
	FAKE_TCE_UNMAP,
	FAKE_TCE_LOOKUP,
	FAKE_TCE_SKIP,
	FAKE_TCE_FLUSH,
	FAKE_TCE_PUT,
};

struct fake_tce_call {
	enum fake_tce_op op;
	uint64_t first;
	uint64_t npages;
	int result;
};

struct fake_tce_entry {
	uint64_t gpa;
	uint64_t perm;
};

/* What a guest or a device can see: the part to compare before and after. */
struct fake_tce_state {
	struct fake_tce_entry table[FAKE_TCE_PAGES];
	struct fake_tce_entry cache[FAKE_TCE_PAGES];
};

struct fake_tce {
	struct tce_window *window; /* whose lock and size are checked */
	struct fake_tce_state state;
	bool reserved[FAKE_TCE_PAGES];
	uint64_t skips; /* what skip may say at most; what is reserved ends it */

	/* The first FAKE_TCE_CALL_MAX calls; ncalls goes on counting. */
	unsigned int ncalls;
	struct fake_tce_call calls[FAKE_TCE_CALL_MAX];

	/* The fail_at-th call (from 1; 0: none) fails with fail_err. A failing map or unmap leaves
	 * its new entries in the cache, as hardware may that saw them before they were taken back.
	 */
	unsigned int fail_at;
	int fail_err;
};

extern const struct tce_backend_ops fake_tce_ops;
/* The same, with put. */
extern const struct tce_backend_ops fake_tce_put_ops;

/* Empties f and makes it the backend of a window that tce_window_init made with it. */
void fake_tce_init(struct fake_tce *f, struct tce_window *window);

/* The n-th call from now on (from 1) fails; earlier calls are forgotten. */
void fake_tce_fail_at(struct fake_tce *f, unsigned int n, int err);

/* What the device can do now through this page: 0, or gpa | TCE_*. */
uint64_t fake_tce_device(const struct fake_tce *f, uint64_t index);

/* How many calls of this kind are among the recorded. */
unsigned int fake_tce_count(const struct fake_tce *f, enum fake_tce_op op);

#endif
