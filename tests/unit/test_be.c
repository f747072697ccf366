// SPDX-License-Identifier: Apache-2.0
/*
 * core/be.h: fields are big-endian in memory on every host.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"

#include <string.h>

static void test_be32_is_stored_most_significant_byte_first(void **state)
{
	static const uint8_t bytes[4] = {0x12, 0x34, 0x56, 0x78};
	be32_t field = be32(0x12345678);

	(void)state;
	assert_memory_equal(&field, bytes, sizeof(bytes));
	assert_int_equal(be32_get(field), 0x12345678);
}

static void test_be64_is_stored_most_significant_byte_first(void **state)
{
	static const uint8_t bytes[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	be64_t field = be64(0x0123456789abcdefu);

	(void)state;
	assert_memory_equal(&field, bytes, sizeof(bytes));
	assert_true(be64_get(field) == 0x0123456789abcdefu);
}

static void test_be16_swap_gives_most_significant_byte_first(void **state)
{
	static const uint8_t bytes[2] = {0xab, 0xcd};
	uint16_t raw = be16_swap(0xabcd);

	(void)state;
	assert_memory_equal(&raw, bytes, sizeof(bytes));
	assert_int_equal(be16_swap(raw), 0xabcd);
}

static void test_fields_have_the_size_of_their_number(void **state)
{
	(void)state;
	assert_int_equal(sizeof(be32_t), 4);
	assert_int_equal(sizeof(be64_t), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_be32_is_stored_most_significant_byte_first),
		cmocka_unit_test(test_be64_is_stored_most_significant_byte_first),
		cmocka_unit_test(test_be16_swap_gives_most_significant_byte_first),
		cmocka_unit_test(test_fields_have_the_size_of_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
