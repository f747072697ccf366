// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_xics.c: ibm,set-xive, ibm,get-xive, ibm,int-off and ibm,int-on through the argument
 * buffer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "core/xics.h"
#include "tests/fake/fake_irq.h"
#include "tests/unit/rtas_help.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NVCPUS 2u
#define MSI    XICS_MSI_FIRST
#define LSI    XICS_LSI_FIRST
#define HW_MSI 20u
#define HW_LSI 10u

static struct help_guest r;
static uint32_t set_token, get_token, off_token, on_token;

static int setup(void **state)
{
	(void)state;
	help_init(&r);
	fake_irq_reset();
	set_token = help_token("ibm,set-xive");
	get_token = help_token("ibm,get-xive");
	off_token = help_token("ibm,int-off");
	on_token = help_token("ibm,int-on");
	r.part.nvcpus = NVCPUS;
	for (unsigned int i = 0; i < NVCPUS; i++) {
		r.part.vcpus[i].partition = &r.part;
		r.part.vcpus[i].id = i;
	}
	fake_irq.lock = &r.part.xics.lock;
	assert_int_equal(xics_init(&r.part), 0);
	fake_irq_add(HW_MSI, false);
	fake_irq_add(HW_LSI, true);
	assert_int_equal(xics_add_source(&r.part, MSI, HW_MSI, false), 0);
	assert_int_equal(xics_add_source(&r.part, LSI, HW_LSI, true), 0);
	return 0;
}

/* A call with one result, which alone is written. */
static int32_t call(uint32_t token, uint32_t nargs, uint32_t source, uint32_t server, uint32_t prio)
{
	const uint32_t args[] = {source, server, prio};

	assert_int_equal(help_call(&r, token, nargs, 1, args), H_SUCCESS);
	assert_true(help_same_but(&r, HELP_ARGS + 12 + 4 * nargs, 4));
	return (int32_t)help_ret(&r, nargs, 0);
}

static int32_t set_xive(uint32_t source, uint32_t server, uint32_t prio)
{
	return call(set_token, 3, source, server, prio);
}

static int32_t int_off(uint32_t source)
{
	return call(off_token, 1, source, 0, 0);
}

static int32_t int_on(uint32_t source)
{
	return call(on_token, 1, source, 0, 0);
}

static void expect_xive(uint32_t source, uint32_t server, uint32_t prio)
{
	assert_int_equal(help_call(&r, get_token, 1, 3, &source), H_SUCCESS);
	assert_true(help_same_but(&r, HELP_ARGS + 16, 12));
	assert_int_equal(help_ret(&r, 1, 0), 0);
	assert_int_equal(help_ret(&r, 1, 1), server);
	assert_int_equal(help_ret(&r, 1, 2), prio);
}

/* As Linux turns an interrupt on, and off. */
static void test_source_is_turned_on_and_off(void **state)
{
	static const uint32_t sources[] = {MSI, LSI};
	static const uint32_t hw[] = {HW_MSI, HW_LSI};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		expect_xive(sources[i], 0, 0xff);
		assert_int_equal(set_xive(sources[i], 1, 5), 0);
		assert_int_equal(int_on(sources[i]), 0);
		expect_xive(sources[i], 1, 5);
		assert_true(fake_irq.sources[hw[i]].live);
		assert_int_equal(int_off(sources[i]), 0);
		expect_xive(sources[i], 1, 0xff);
		assert_false(fake_irq.sources[hw[i]].live);
		assert_int_equal(int_on(sources[i]), 0);
		expect_xive(sources[i], 1, 5);
		assert_int_equal(set_xive(sources[i], 0, 0xff), 0);
		expect_xive(sources[i], 0, 0xff);
		assert_false(fake_irq.sources[hw[i]].live);
	}
}

static void test_bad_arguments_are_told_and_change_nothing(void **state)
{
	static const uint32_t sets[][3] = {
		{MSI, NVCPUS, 5},
		{MSI, UINT32_MAX, 5},
		{MSI, 0x100, 5},
		{MSI, 0, 0x100},
		{MSI, 0, 0x105},
		{MSI, 0, UINT32_MAX},
		{MSI + 1, 0, 5},
	};
	static const uint32_t sources[] = {0, 1, XICS_IPI, HW_MSI, LSI - 1, LSI + 1,
		LSI + XICS_LSI_COUNT, MSI - 1, MSI + 1, MSI + XICS_MSI_COUNT, 0x10000 | MSI,
		0x80000000 | MSI, UINT32_MAX};

	(void)state;
	assert_int_equal(set_xive(MSI, 1, 3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		assert_int_equal(set_xive(sets[i][0], sets[i][1], sets[i][2]), RTAS_PARAM_ERROR);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		assert_int_equal(set_xive(sources[i], 0, 5), RTAS_PARAM_ERROR);
		assert_int_equal(int_on(sources[i]), RTAS_PARAM_ERROR);
		assert_int_equal(int_off(sources[i]), RTAS_PARAM_ERROR);
		/* No server and no priority are disclosed. */
		assert_int_equal(help_call(&r, get_token, 1, 3, &sources[i]), H_SUCCESS);
		assert_int_equal((int32_t)help_ret(&r, 1, 0), RTAS_PARAM_ERROR);
		assert_true(help_same_but(&r, HELP_ARGS + 16, 4));
	}
	expect_xive(MSI, 1, 3);
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_ROUTE], NVCPUS + 1);
}

/* RT-05, RT-06 */
static void test_wrong_counts_are_a_parameter_error(void **state)
{
	static const uint32_t args[] = {MSI, 1, 3, 0};
	const uint32_t tokens[] = {set_token, get_token, off_token, on_token};
	static const uint32_t nargs[] = {3, 1, 1, 1}, nret[] = {1, 3, 1, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		for (uint32_t a = 0; a <= 4; a++) {
			for (uint32_t n = 1; n <= 4; n++) {
				if (a == nargs[i] && n == nret[i]) {
					continue;
				}
				assert_int_equal(help_call(&r, tokens[i], a, n, args), H_SUCCESS);
				assert_int_equal((int32_t)help_ret(&r, a, 0), RTAS_PARAM_ERROR);
				assert_true(help_same_but(&r, HELP_ARGS + 12 + 4 * a, 4));
			}
		}
	}
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_ROUTE], NVCPUS);
}

static void test_hardware_that_refuses_is_a_hardware_error(void **state)
{
	(void)state;
	fake_irq_fail_at(1, 0);
	assert_int_equal(set_xive(MSI, 1, 5), RTAS_HARDWARE);
	expect_xive(MSI, 0, 0xff);
	assert_int_equal(set_xive(MSI, 1, 5), 0);
	assert_int_equal(int_off(MSI), 0);
	fake_irq_fail_at(1, 0);
	assert_int_equal(int_on(MSI), RTAS_HARDWARE);
	expect_xive(MSI, 1, 0xff);
	assert_int_equal(int_on(MSI), 0);
	expect_xive(MSI, 1, 5);
}

static unsigned int met;

static void other_cpu(enum fake_irq_op op, bool locked)
{
	(void)locked;
	if (op == FAKE_IRQ_ROUTE && !met++) {
		assert_int_equal(set_xive(MSI, 0, 2), RTAS_BUSY);
		assert_int_equal(int_off(MSI), RTAS_BUSY);
		assert_int_equal(int_on(MSI), RTAS_BUSY);
		assert_int_equal(set_xive(LSI, 0, 2), 0);
	}
}

/* LoPAR: reentrant. Only two CPUs at one source have to come one after the other. */
static void test_calls_are_reentrant(void **state)
{
	(void)state;
	met = 0;
	fake_irq.hook = other_cpu;
	assert_int_equal(xics_set(&r.part, MSI, 1, 5), 0);
	fake_irq.hook = NULL;
	assert_int_equal(met, 2);
	expect_xive(MSI, 1, 5);
	expect_xive(LSI, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_source_is_turned_on_and_off, setup),
		cmocka_unit_test_setup(test_bad_arguments_are_told_and_change_nothing, setup),
		cmocka_unit_test_setup(test_wrong_counts_are_a_parameter_error, setup),
		cmocka_unit_test_setup(test_hardware_that_refuses_is_a_hardware_error, setup),
		cmocka_unit_test_setup(test_calls_are_reentrant, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
