// SPDX-License-Identifier: Apache-2.0
/* The day's clock, from firmware's real-time clock, which speaks binary-coded decimal. */
#include "arch/ppc64/opal.h"
#include "core/arch.h"

/* Firmware asks a service processor, and is busy until it has answered. */
#define MAX_POLLS 1000000u

static unsigned int bcd(uint64_t word, unsigned int shift)
{
	return (unsigned int)(word >> (shift + 4) & 0xf) * 10 + (unsigned int)(word >> shift & 0xf);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years count from March, so that the
 * leap day is the last. */
static uint64_t days_of(unsigned int year, unsigned int month, unsigned int day)
{
	uint64_t y = month > 2 ? year : year - 1;
	uint64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

int arch_clock_read(uint64_t *seconds_since_1970)
{
	uint32_t date = 0;
	uint64_t time = 0;
	int64_t rc = OPAL_BUSY;

	for (unsigned int i = 0; i < MAX_POLLS && (rc == OPAL_BUSY || rc == OPAL_BUSY_EVENT); i++) {
		rc = opal_call2(OPAL_RTC_READ, (uintptr_t)&date, (uintptr_t)&time);
		opal_call1(OPAL_POLL_EVENTS, 0);
	}
	unsigned int year = bcd(date, 24) * 100 + bcd(date, 16);

	if (rc || year < 1970 || bcd(date, 8) < 1 || bcd(date, 8) > 12) {
		return -EIO;
	}
	*seconds_since_1970 = days_of(year, bcd(date, 8), bcd(date, 0)) * 86400 +
			      bcd(time, 56) * 3600u + bcd(time, 48) * 60u + bcd(time, 40);
	return 0;
}
