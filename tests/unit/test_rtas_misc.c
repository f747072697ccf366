// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_misc.c: power-off, system-reboot, display-character, ibm,os-term.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/rtas_help.h"

#include <string.h>

static struct help_guest one, two;
static const struct log_sink sink = {arch_console_write, arch_time_ns};

static int setup(void **state)
{
	(void)state;
	help_init(&one);
	help_init(&two);
	console_init(&one.part.console, "one", false);
	console_init(&two.part.console, "two", false);
	return 0;
}

static void call(struct help_guest *r, const char *name, uint32_t nargs, const uint32_t *args)
{
	assert_int_equal(help_call(r, help_token(name), nargs, 1, args), H_SUCCESS);
	assert_int_equal(help_ret(r, nargs, 0), 0);
	assert_true(help_same_but(r, HELP_ARGS + 12 + 4 * nargs, 4));
}

/* RT-20: only the one that asks. */
static void test_power_off_stops_its_own_partition(void **state)
{
	static const uint32_t mask[] = {0xffffffff, 0xffffffff};

	(void)state;
	call(&one, "power-off", 2, mask);
	assert_int_equal(one.part.state, PARTITION_STOPPING);
	assert_int_equal(one.part.why, STOP_POWER_OFF);
	assert_int_equal(two.part.state, PARTITION_RUNNING);
	assert_int_equal(two.part.why, STOP_NONE);
	assert_int_equal(fake_arch_count(FAKE_ARCH_POWER_OFF), 0);
}

/* RT-20 */
static void test_reboot_stops_its_own_partition(void **state)
{
	(void)state;
	call(&two, "system-reboot", 0, NULL);
	assert_int_equal(two.part.state, PARTITION_STOPPING);
	assert_int_equal(two.part.why, STOP_REBOOT);
	assert_int_equal(one.part.state, PARTITION_RUNNING);
}

static void test_first_reason_stays(void **state)
{
	static const uint32_t mask[] = {0, 0};

	(void)state;
	call(&one, "system-reboot", 0, NULL);
	call(&one, "power-off", 2, mask);
	assert_int_equal(one.part.why, STOP_REBOOT);
}

/* The character is the low byte of its cell, on either byte order. */
static void test_characters_go_to_the_partitions_console(void **state)
{
	static const uint32_t text[] = {'h', 0xffffff00u | 'i', '\n'};

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		call(&one, "display-character", 1, &text[i]);
	}
	assert_string_equal(fake_arch.out, "one| hi\n");
}

/* RT-20: the text is the guest's, so it is cut and cleaned. */
static void test_os_term_ends_its_own_partition_with_its_words(void **state)
{
	static const uint32_t at[] = {0x4000};
	const char *out;

	(void)state;
	log_set_sink(&sink);
	memcpy(one.part.name, "one", 4);
	memset(one.mem + 0x4000, 'x', 0x1000);
	memcpy(one.mem + 0x4000, "panic: \033[2J", 11);
	call(&one, "ibm,os-term", 1, at);
	assert_int_equal(one.part.why, STOP_CRASHED);
	assert_int_equal(two.part.why, STOP_NONE);
	out = strstr(fake_arch.out, "one: its kernel gave up: panic: ?[2Jxxx");
	assert_non_null(out);
	assert_true(strlen(out) < 160);
}

/* RT-19: the one buffer that an argument names. */
static void test_os_term_without_words_in_ram_is_refused(void **state)
{
	static const uint32_t at[] = {HELP_MEM, 0xffffffff, HELP_MEM - 4};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		assert_int_equal(
			help_call(&one, help_token("ibm,os-term"), 1, 1, &at[i]), H_SUCCESS);
		assert_int_equal((int32_t)help_ret(&one, 1, 0), RTAS_PARAM_ERROR);
		assert_int_equal(one.part.why, STOP_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_power_off_stops_its_own_partition, setup),
		cmocka_unit_test_setup(test_reboot_stops_its_own_partition, setup),
		cmocka_unit_test_setup(test_first_reason_stays, setup),
		cmocka_unit_test_setup(test_characters_go_to_the_partitions_console, setup),
		cmocka_unit_test_setup(test_os_term_ends_its_own_partition_with_its_words, setup),
		cmocka_unit_test_setup(test_os_term_without_words_in_ram_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
