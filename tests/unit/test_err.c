// SPDX-License-Identifier: Apache-2.0
/*
 * core/err.c: the names of errors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/err.h"

#include <limits.h>

static void test_known_error_has_its_name(void **state)
{
	static const struct {
		int err;
		const char *name;
	} cases[] = {
		{-EINVAL, "-EINVAL"},
		{-ENOMEM, "-ENOMEM"},
		{-EIO, "-EIO"},
		{-ENODEV, "-ENODEV"},
		{-EFAULT, "-EFAULT"},
		{-ENOSPC, "-ENOSPC"},
		{-EBUSY, "-EBUSY"},
		{-EEXIST, "-EEXIST"},
		{-ENOENT, "-ENOENT"},
		{-EPERM, "-EPERM"},
		{-ENOTSUP, "-ENOTSUP"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(err_name(cases[i].err), cases[i].name);
	}
}

static void test_any_other_number_has_the_unknown_name(void **state)
{
	static const int numbers[] = {0, 1, EINVAL, -4000, INT_MAX, INT_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_string_equal(err_name(numbers[i]), "-E?");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_error_has_its_name),
		cmocka_unit_test(test_any_other_number_has_the_unknown_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
