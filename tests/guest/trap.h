// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts of the guest itself. None is expected in an ordinary run: one that comes is reported
 * and ends it. A test that wants one says so first.
 */
#ifndef TESTS_GUEST_TRAP_H
#define TESTS_GUEST_TRAP_H

#include <stdint.h>

/* Puts the vectors in place. */
void trap_install(void);

/* Runs fn(arg) and returns the vector of the interrupt that ended it, or 0 if it returned. */
uint64_t trap_catch(void (*fn)(void *arg), void *arg);

/* What entry.S calls. */
void trap_report(uint64_t vector, uint64_t srr0, uint64_t srr1, uint64_t lr)
	__attribute__((noreturn));

#endif
