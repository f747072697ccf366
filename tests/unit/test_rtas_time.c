// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_time.c: the time of day. The expected dates are the calendar's, checked with another
 * program.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/rtas_help.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NS	      1000000000u

static struct help_guest one, two;

static int setup(void **state)
{
	(void)state;
	help_init(&one);
	help_init(&two);
	return 0;
}

struct moment {
	uint64_t seconds;
	uint32_t date[6]; /* year, month, day, hour, minute, second */
};

static const struct moment moments[] = {
	{0, {1970, 1, 1, 0, 0, 0}},
	{59, {1970, 1, 1, 0, 0, 59}},
	{3599, {1970, 1, 1, 0, 59, 59}},
	{86399, {1970, 1, 1, 23, 59, 59}},
	{86400, {1970, 1, 2, 0, 0, 0}},
	{31535999, {1970, 12, 31, 23, 59, 59}},
	{31536000, {1971, 1, 1, 0, 0, 0}},
	{68169600, {1972, 2, 29, 0, 0, 0}},
	{94694399, {1972, 12, 31, 23, 59, 59}},
	{94694400, {1973, 1, 1, 0, 0, 0}},
	{951782400, {2000, 2, 29, 0, 0, 0}},
	{951868800, {2000, 3, 1, 0, 0, 0}},
	{978307199, {2000, 12, 31, 23, 59, 59}},
	{1709164800, {2024, 2, 29, 0, 0, 0}},
	{2147483647, {2038, 1, 19, 3, 14, 7}},
	{2147483648, {2038, 1, 19, 3, 14, 8}},
	{4107542399, {2100, 2, 28, 23, 59, 59}},
	{4107542400, {2100, 3, 1, 0, 0, 0}},
	{4294967296, {2106, 2, 7, 6, 28, 16}},
	{13574563200, {2400, 2, 29, 0, 0, 0}},
	{PARTITION_CLOCK_END - 1, {2499, 12, 31, 23, 59, 59}},
};

static void expect_now(struct help_guest *r, const uint32_t date[6], uint32_t ns)
{
	assert_int_equal(help_call(r, help_token("get-time-of-day"), 0, 8, NULL), H_SUCCESS);
	assert_int_equal(help_ret(r, 0, 0), 0);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(help_ret(r, 0, 1 + i), date[i]);
	}
	assert_int_equal(help_ret(r, 0, 7), ns);
	assert_true(help_same_but(r, HELP_ARGS + 12, 32));
}

static int32_t set_time(struct help_guest *r, const uint32_t args[7])
{
	assert_int_equal(help_call(r, help_token("set-time-of-day"), 7, 1, args), H_SUCCESS);
	assert_true(help_same_but(r, HELP_ARGS + 12 + 28, 4));
	return (int32_t)help_ret(r, 7, 0);
}

static void set_seconds(struct help_guest *r, uint64_t seconds)
{
	atomic_store(&r->part.clock_ns, seconds * NS);
	atomic_store(&r->part.clock_known, true);
}

static void test_seconds_become_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		set_seconds(&one, moments[i].seconds);
		expect_now(&one, moments[i].date, 0);
	}
}

static void test_dates_become_seconds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		uint32_t args[7] = {0};

		setup(state);
		fake_arch.now_ns = 77;
		memcpy(args, moments[i].date, sizeof(moments[i].date));
		args[6] = 999999999;
		assert_int_equal(set_time(&one, args), 0);
		assert_true(atomic_load(&one.part.clock_ns) + 77 ==
			    moments[i].seconds * NS + 999999999);
		expect_now(&one, moments[i].date, 999999999);
	}
}

/* Every day there is, and back again. */
static void test_every_day_follows_the_one_before(void **state)
{
	uint32_t date[6] = {1970, 1, 1, 0, 0, 0};

	(void)state;
	for (uint64_t day = 0; day < PARTITION_CLOCK_END / 86400; day++) {
		uint32_t args[7] = {0};
		bool next_month, next_year;

		set_seconds(&one, day * 86400);
		one.part.vcpus[0].partition = &one.part;
		struct rtas_call call = {.vcpu = &one.part.vcpus[0]};

		rtas_get_time_of_day(&call);
		if (day) {
			next_month = call.rets[3] == 1;
			next_year = next_month && call.rets[2] == 1;
			assert_int_equal(call.rets[1], date[0] + next_year);
			assert_int_equal(
				call.rets[2], next_year ? 1 : date[1] + (next_month ? 1 : 0));
			assert_true(next_month ? date[2] >= 28 && date[2] <= 31
					       : call.rets[3] == (int32_t)date[2] + 1);
		}
		for (unsigned int i = 0; i < 3; i++) {
			date[i] = args[i] = (uint32_t)call.rets[1 + i];
		}
		memcpy(call.args, args, sizeof(args));
		rtas_set_time_of_day(&call);
		assert_int_equal(call.rets[0], 0);
		assert_true(atomic_load(&one.part.clock_ns) == day * 86400 * NS);
	}
	assert_int_equal(date[0], 2499);
	assert_int_equal(date[2], 31);
}

static void test_time_goes_on_with_the_timebase(void **state)
{
	static const uint32_t later[6] = {1970, 1, 2, 0, 0, 1};

	(void)state;
	set_seconds(&one, 86399);
	fake_arch.now_ns = 2 * (uint64_t)NS + 5;
	expect_now(&one, later, 5);
}

static void test_time_is_the_partitions_own(void **state)
{
	static const uint32_t args[7] = {2001, 2, 3, 4, 5, 6, 7};

	(void)state;
	set_seconds(&one, 0);
	set_seconds(&two, 0);
	assert_int_equal(set_time(&one, args), 0);
	expect_now(&one, args, 7);
	expect_now(&two, moments[0].date, 0);
}

static void test_no_clock_is_an_error_until_the_guest_sets_it(void **state)
{
	static const uint32_t args[7] = {1999, 12, 31, 23, 59, 59, 0};

	(void)state;
	assert_int_equal(help_call(&one, help_token("get-time-of-day"), 0, 8, NULL), H_SUCCESS);
	assert_int_equal((int32_t)help_ret(&one, 0, 0), RTAS_HARDWARE);
	assert_true(help_same_but(&one, HELP_ARGS + 12, 4));
	assert_int_equal(set_time(&one, args), 0);
	expect_now(&one, args, 0);
}

static void test_what_is_no_time_is_refused(void **state)
{
	static const uint32_t bad[][7] = {
		{1969, 12, 31, 0, 0, 0, 0},
		{2500, 1, 1, 0, 0, 0, 0},
		{0, 1, 1, 0, 0, 0, 0},
		{0xffffffff, 1, 1, 0, 0, 0, 0},
		{2000, 0, 1, 0, 0, 0, 0},
		{2000, 13, 1, 0, 0, 0, 0},
		{2000, 0xffffffff, 1, 0, 0, 0, 0},
		{2000, 1, 0, 0, 0, 0, 0},
		{2000, 1, 32, 0, 0, 0, 0},
		{2000, 4, 31, 0, 0, 0, 0},
		{2000, 2, 30, 0, 0, 0, 0},
		{2001, 2, 29, 0, 0, 0, 0},
		{2100, 2, 29, 0, 0, 0, 0},
		{2000, 1, 1, 24, 0, 0, 0},
		{2000, 1, 1, 0, 60, 0, 0},
		{2000, 1, 1, 0, 0, 60, 0},
		{2000, 1, 1, 0, 0, 0, 1000000000},
		{2000, 1, 1, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(state);
		set_seconds(&one, 86400);
		assert_int_equal(set_time(&one, bad[i]), RTAS_PARAM_ERROR);
		expect_now(&one, moments[4].date, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_seconds_become_dates, setup),
		cmocka_unit_test(test_dates_become_seconds),
		cmocka_unit_test_setup(test_every_day_follows_the_one_before, setup),
		cmocka_unit_test_setup(test_time_goes_on_with_the_timebase, setup),
		cmocka_unit_test_setup(test_time_is_the_partitions_own, setup),
		cmocka_unit_test_setup(test_no_clock_is_an_error_until_the_guest_sets_it, setup),
		cmocka_unit_test(test_what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
