// SPDX-License-Identifier: Apache-2.0
/*
 * The console, in whole lines: a hypervisor that prefixes lines of several guests can keep them
 * apart, and a judge of the output never sees half of one.
 */
#ifndef TESTS_GUEST_CON_H
#define TESTS_GUEST_CON_H

#include <stdarg.h>
#include <stdint.h>

/* The terminal's unit address. */
void con_init(uint32_t vty);

/* Prints one line; the newline is added. What does not fit in 240 characters is cut. */
void con_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void con_vline(const char *prefix, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
