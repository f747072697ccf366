// SPDX-License-Identifier: Apache-2.0
/*
 * A fake of core/irq.h: sources with the two bits of state that the hardware has (fired; fired
 * again meanwhile), presenters with a queue for each priority, and the signal that interrupts the
 * guest.
 *
 * It is stricter than the hardware. The signal is taken back by every pop and given again by
 * arch_irq_set_priority only. What the contract forbids fails the test: routing a source that is
 * not masked, eoi or trigger of one that is, a presenter used from another thread than its own,
 * firmware called with the lock held, detaching what sources are still sent to, more events than a
 * queue holds.
 *
 * hook, if set, runs before and after the effect of every call but attach and detach, as another
 * CPU or a device may; it is not called again for calls that it makes itself.
 */
#ifndef TESTS_FAKE_FAKE_IRQ_H
#define TESTS_FAKE_FAKE_IRQ_H

#include "core/irq.h"
#include "core/lock.h"
#include "core/partition.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_IRQ_SOURCES   256u
#define FAKE_IRQ_IPI_FIRST 200u /* those that attach gives out; the others are the test's */
#define FAKE_IRQ_QUEUE	   64u
#define FAKE_IRQ_SERVERS   16u

enum fake_irq_op {
	FAKE_IRQ_ATTACH,
	FAKE_IRQ_DETACH,
	FAKE_IRQ_ROUTE,
	FAKE_IRQ_MASK,
	FAKE_IRQ_TRIGGER,
	FAKE_IRQ_EOI,
	FAKE_IRQ_POP,
	FAKE_IRQ_SET_PRIORITY,
	FAKE_IRQ_PENDING,
	FAKE_IRQ_NUM_OPS,
};

struct fake_irq_source {
	bool exists, level, ipi;
	bool live; /* routed and not masked */
	bool up;   /* a level is asserted */
	bool fired, again;
	struct vcpu *to;
	unsigned int prio;
	uint32_t number;
	unsigned int events; /* how many times it was queued */
};

struct fake_irq_event {
	uint32_t source, number;
};

struct fake_irq_queue {
	struct fake_irq_event events[FAKE_IRQ_QUEUE];
	unsigned int first, count;
};

struct fake_irq_server {
	struct vcpu *vcpu; /* NULL: free */
	unsigned int prio;
	bool signal; /* the guest is being interrupted */
	struct fake_irq_queue queues[IRQ_PRIO_LAST + 1];
};

struct fake_irq {
	struct fake_irq_source sources[FAKE_IRQ_SOURCES];
	struct fake_irq_server servers[FAKE_IRQ_SERVERS];

	struct vcpu *running;	 /* whose thread the test is on */
	const struct lock *lock; /* must be open when firmware is called; may be NULL */

	/* The sloppier hardware that there is: routing forgets that a source has fired. */
	bool forgets;

	/* Of the calls that can fail (attach, route) the fail_at-th (from 1; 0: none) and the
	 * fail_more that follow fail with -EIO. */
	unsigned int fail_at, fail_more, nfallible;

	unsigned int ncalls[FAKE_IRQ_NUM_OPS];
	void (*hook)(enum fake_irq_op op, bool locked);
	bool in_hook;
};

extern struct fake_irq fake_irq;

/* Everything as at the start. */
void fake_irq_reset(void);

/* The n-th fallible call from now on (from 1) and the more after it fail. */
void fake_irq_fail_at(unsigned int n, unsigned int more);

/* A device's source: masked, as firmware leaves it. */
void fake_irq_add(uint32_t source, bool level);

/* A device sends a message; raises or drops its line. */
void fake_irq_edge(uint32_t source);
void fake_irq_level(uint32_t source, bool up);

/* Whether the guest on this vCPU is being interrupted; events in its queues. */
bool fake_irq_signal(const struct vcpu *vcpu);
unsigned int fake_irq_waiting(const struct vcpu *vcpu);

/* Fails the test if a wake-up was lost: a presenter has something more favoured than its priority
 * and gives no signal; or a live source has fired, no event of it is in any queue, and held(),
 * which may be NULL, does not say that a guest has it. Between calls only. */
void fake_irq_check(bool (*held)(uint32_t source));

/* Attached presenters and live sources: 0 when everything was given back. */
unsigned int fake_irq_in_use(void);

#endif
