// SPDX-License-Identifier: Apache-2.0
/*
 * The time of day, UTC, as the partition has it: read from firmware when it started, counted by the
 * timebase from there, and set by the guest for itself only. One 64-bit word holds it, so that
 * vCPUs that set and read it at once see one time or the other.
 */
#include "core/arch.h"
#include "core/rtas.h"

#define NS_PER_SECOND	1000000000u
#define SECONDS_PER_DAY 86400u
#define FIRST_YEAR	1970u
#define LAST_YEAR	2499u /* the year before PARTITION_CLOCK_END */

struct date {
	uint32_t year, month, day; /* month and day from 1 */
};

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Leap days in the years 1 to year. */
static uint32_t leap_days(uint32_t year)
{
	return year / 4 - year / 100 + year / 400;
}

/* Days from 1970-01-01 to January 1st of a year. */
static uint64_t days_before(uint32_t year)
{
	return 365 * (uint64_t)(year - FIRST_YEAR) + leap_days(year - 1) -
	       leap_days(FIRST_YEAR - 1);
}

static struct date date_of(uint64_t days)
{
	/* As if all years were leap years: never too late, and at most two years too early. */
	struct date d = {FIRST_YEAR + (uint32_t)(days / 366), 1, 1};

	while (days >= days_before(d.year + 1)) {
		d.year++;
	}
	days -= days_before(d.year);
	while (days >= days_in_month(d.year, d.month)) {
		days -= days_in_month(d.year, d.month++);
	}
	d.day += (uint32_t)days;
	return d;
}

static uint64_t days_of(const struct date *d)
{
	uint64_t days = days_before(d->year) + d->day - 1;

	for (uint32_t month = 1; month < d->month; month++) {
		days += days_in_month(d->year, month);
	}
	return days;
}

static bool date_is_good(const struct date *d)
{
	return d->year >= FIRST_YEAR && d->year <= LAST_YEAR && d->month >= 1 && d->month <= 12 &&
	       d->day >= 1 && d->day <= days_in_month(d->year, d->month);
}

/* get-time-of-day: year, month, day, hour, minute, second, nanosecond */
void rtas_get_time_of_day(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;

	if (!atomic_load(&p->clock_known)) {
		call->rets[0] = RTAS_HARDWARE;
		return;
	}
	uint64_t now = atomic_load(&p->clock_ns) + arch_time_ns();
	uint64_t seconds = now / NS_PER_SECOND;
	struct date d = date_of(seconds / SECONDS_PER_DAY);
	uint32_t second = (uint32_t)(seconds % SECONDS_PER_DAY);

	call->rets[1] = (int32_t)d.year;
	call->rets[2] = (int32_t)d.month;
	call->rets[3] = (int32_t)d.day;
	call->rets[4] = (int32_t)(second / 3600);
	call->rets[5] = (int32_t)(second / 60 % 60);
	call->rets[6] = (int32_t)(second % 60);
	call->rets[7] = (int32_t)(now % NS_PER_SECOND);
	call->nout = 8;
}

/* set-time-of-day: the same seven. Firmware's own clock is not the guest's to set. */
void rtas_set_time_of_day(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	const uint32_t *a = call->args;
	const struct date d = {a[0], a[1], a[2]};

	if (!date_is_good(&d) || a[3] > 23 || a[4] > 59 || a[5] > 59 || a[6] >= NS_PER_SECOND) {
		call->rets[0] = RTAS_PARAM_ERROR;
		return;
	}
	uint64_t seconds = days_of(&d) * SECONDS_PER_DAY + a[3] * 3600 + a[4] * 60 + a[5];

	atomic_store(&p->clock_ns, seconds * NS_PER_SECOND + a[6] - arch_time_ns());
	atomic_store(&p->clock_known, true);
}
