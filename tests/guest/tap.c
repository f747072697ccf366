// SPDX-License-Identifier: Apache-2.0
/*
 * TAP lines. The counts live here, so that the plan cannot disagree with what was printed.
 */
#include "tests/guest/tap.h"

#include "tests/guest/con.h"
#include "tests/guest/hv.h"

#include <stdio.h>

static unsigned int made, failed;

bool tap_ok(bool ok, const char *format, ...)
{
	char prefix[24];
	va_list args;

	made++;
	if (!ok) {
		failed++;
	}
	snprintf(prefix, sizeof(prefix), "%s %u - ", ok ? "ok" : "not ok", made);
	va_start(args, format);
	con_vline(prefix, format, args);
	va_end(args);
	return ok;
}

void tap_skip(const char *name, const char *reason)
{
	made++;
	con_line("ok %u - %s # SKIP %s", made, name, reason);
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	con_vline("# ", format, args);
	va_end(args);
}

void tap_bail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	con_vline("Bail out! ", format, args);
	va_end(args);
	power_off();
}

void tap_plan(void)
{
	con_line("1..%u", made);
	if (failed) {
		con_line("# FAIL: %u of %u tests failed", failed, made);
	} else {
		con_line("# PASS: %u tests", made);
	}
}
