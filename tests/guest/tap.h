// SPDX-License-Identifier: Apache-2.0
/*
 * Results in the Test Anything Protocol: one line per test, the plan at the end.
 */
#ifndef TESTS_GUEST_TAP_H
#define TESTS_GUEST_TAP_H

#include <stdbool.h>

/* One result; the format says what was tested. Returns ok. */
bool tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A test that cannot be made here, and why not. */
void tap_skip(const char *name, const char *reason);

/* A comment; after a failure, what was seen. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The run cannot go on. Powers off. */
void tap_bail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The plan, and one comment with the verdict. */
void tap_plan(void);

#endif
