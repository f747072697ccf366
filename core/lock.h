// SPDX-License-Identifier: Apache-2.0
/*
 * A spin lock. Held for short, bounded work only; never across a firmware call, never by an
 * interrupt handler. A zeroed lock is open.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <stdatomic.h>

struct lock {
	atomic_flag held;
};

static inline void lock_take(struct lock *l)
{
	while (atomic_flag_test_and_set_explicit(&l->held, memory_order_acquire)) {
	}
}

static inline void lock_drop(struct lock *l)
{
	atomic_flag_clear_explicit(&l->held, memory_order_release);
}

#endif
