// SPDX-License-Identifier: Apache-2.0
/*
 * core/text.c: lines made of words and numbers, and what happens at their end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/text.h"

#include <string.h>

static void test_decimal(void **state)
{
	static const struct {
		uint64_t v;
		const char *s;
	} cases[] = {{0, "0"}, {9, "9"}, {10, "10"}, {1234567890, "1234567890"},
		{UINT64_MAX, "18446744073709551615"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = {0};

		text_add_dec(&t, cases[i].v);
		assert_string_equal(t.s, cases[i].s);
	}
}

static void test_hexadecimal(void **state)
{
	static const struct {
		uint64_t v;
		unsigned int digits;
		const char *s;
	} cases[] = {{0, 0, "0x0"}, {0, 1, "0x0"}, {0x10, 1, "0x10"}, {0xabcdef, 8, "0x00abcdef"},
		{0x123456789, 8, "0x123456789"}, {5, 16, "0x0000000000000005"},
		{UINT64_MAX, 99, "0xffffffffffffffff"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = {0};

		text_add_hex(&t, cases[i].v, cases[i].digits);
		assert_string_equal(t.s, cases[i].s);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t v;
		const char *s;
	} cases[] = {{0, "0"}, {1023, "1023"}, {1024, "1K"}, {0x10000, "64K"}, {0x180000, "1536K"},
		{1ull << 21, "2M"}, {1ull << 59, "512P"}, {1ull << 63, "8E"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = {0};

		text_add_size(&t, cases[i].v);
		assert_string_equal(t.s, cases[i].s);
	}
}

static void test_pieces_follow_each_other(void **state)
{
	struct text t = {0};

	(void)state;
	text_add(&t, "a");
	text_add_right(&t, "bc", 4);
	text_add_right(&t, "defgh", 4);
	assert_string_equal(t.s, "a  bcdefgh");
	assert_int_equal(t.used, strlen(t.s));
}

static void test_too_long_is_cut(void **state)
{
	struct text t = {0};

	(void)state;
	for (unsigned int i = 0; i < 2 * TEXT_MAX; i++) {
		text_add(&t, "xyz");
		text_add_dec(&t, 7);
	}
	assert_int_equal(t.used, TEXT_MAX - 1);
	assert_int_equal(strlen(t.s), TEXT_MAX - 1);
}

static void test_terminal_is_not_commanded(void **state)
{
	struct text t = {0};

	(void)state;
	text_add(&t, "a\x1b[2J\n\t\x80");
	assert_string_equal(t.s, "a?[2J???");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_hexadecimal),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_pieces_follow_each_other),
		cmocka_unit_test(test_too_long_is_cut),
		cmocka_unit_test(test_terminal_is_not_commanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
