// SPDX-License-Identifier: Apache-2.0
/* Tests of dt/dt_util.c: property readers and texts that keep inside their bounds. */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dt/dt_util.h"

#include "tests/unit/dt_help.h"

static uint64_t tree[64];

static int make_tree(void **state)
{
	static const uint8_t five[] = {0, 0, 0, 1, 2};

	(void)state;
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	assert_int_equal(fdt_begin_node(tree, ""), 0);
	assert_int_equal(fdt_property(tree, "five", five, 5), 0);
	assert_int_equal(fdt_property_u32(tree, "one", 0x12345678), 0);
	assert_int_equal(fdt_property_u64(tree, "two", 0x123456789abcdef0), 0);
	assert_int_equal(fdt_property(tree, "none", "", 0), 0);
	assert_int_equal(fdt_property(tree, "words", "ab\0abc\0d", 9), 0);
	assert_int_equal(fdt_property(tree, "open", "ab\0abc", 6), 0);
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	return 0;
}

static void test_number_ends_with_its_property(void **state)
{
	/* The bytes behind belong to somebody else: the sanitizer looks. */
	uint8_t *bytes = malloc(11);
	struct dt_prop prop = {.data = bytes, .len = 11};
	uint64_t v = 7;

	(void)state;
	assert_non_null(bytes);
	for (uint8_t i = 0; i < 11; i++) {
		bytes[i] = i;
	}
	assert_true(dt_prop_number(&prop, 1, 1, &v));
	assert_int_equal(v, 0x04050607);
	assert_true(dt_prop_number(&prop, 0, 2, &v));
	assert_int_equal(v, 0x0001020304050607);
	v = 7;
	assert_false(dt_prop_number(&prop, 2, 1, &v));
	assert_false(dt_prop_number(&prop, 1, 2, &v));
	assert_false(dt_prop_number(&prop, SIZE_MAX, 2, &v));
	assert_false(dt_prop_number(&prop, SIZE_MAX / 4, 2, &v));
	assert_int_equal(v, 7);
	free(bytes);
}

static void test_number_of_another_size_is_none(void **state)
{
	uint32_t v32 = 7;
	uint64_t v64 = 7;

	(void)state;
	assert_true(dt_read_u32(tree, 0, "one", &v32));
	assert_int_equal(v32, 0x12345678);
	assert_true(dt_read_u64(tree, 0, "two", &v64));
	assert_int_equal(v64, 0x123456789abcdef0);
	assert_false(dt_read_u32(tree, 0, "two", &v32));
	assert_false(dt_read_u32(tree, 0, "five", &v32));
	assert_false(dt_read_u32(tree, 0, "none", &v32));
	assert_false(dt_read_u32(tree, 0, "nothing", &v32));
	assert_false(dt_read_u64(tree, 0, "one", &v64));
	assert_int_equal(v32, 0x12345678);
	assert_int_equal(v64, 0x123456789abcdef0);
}

static void test_word_is_found_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_true(dt_lists(tree, 0, "words", "ab"));
	assert_true(dt_lists(tree, 0, "words", "abc"));
	assert_true(dt_lists(tree, 0, "words", "d"));
	assert_false(dt_lists(tree, 0, "words", "a"));
	assert_false(dt_lists(tree, 0, "words", "bc"));
	assert_false(dt_lists(tree, 0, "words", ""));
	assert_true(dt_lists(tree, 0, "open", "ab"));
	assert_false(dt_lists(tree, 0, "open", "abc")); /* has no end */
	assert_false(dt_lists(tree, 0, "none", ""));
	assert_false(dt_lists(tree, 0, "nothing", "ab"));
}

static void test_string_has_its_only_nul_at_its_end(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		bool is;
	} cases[] = {
		{"abc", 4, true},
		{"", 1, true},
		{"abc", 3, false},
		{"", 0, false},
		{"a\0b", 4, false},
		{"ab\0", 4, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dt_prop prop = {.data = (const uint8_t *)cases[i].data, .len = cases[i].len};

		assert_int_equal(dt_prop_is_string(&prop), cases[i].is);
	}
}

static void test_text_is_cut_and_always_ended(void **state)
{
	char buf[8];
	struct dt_text t;

	(void)state;
	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, '!', sizeof(buf));
		dt_text_init(&t, buf, size);
		dt_text_add(&t, "abcd");
		dt_text_add_number(&t, 1234, 10);
		assert_int_equal(strlen(buf), size - 1);
		assert_memory_equal(buf, "abcd1234", size - 1);
		assert_int_equal(buf[size], '!');
	}
}

static void test_numbers_are_written_whole(void **state)
{
	static const struct {
		uint64_t v;
		unsigned int base;
		const char *text;
	} cases[] = {
		{0, 10, "0"},
		{0, 16, "0"},
		{31, 16, "1f"},
		{UINT64_MAX, 10, "18446744073709551615"},
		{UINT64_MAX, 16, "ffffffffffffffff"},
		{0x800000020000006, 16, "800000020000006"},
	};
	char buf[32];
	struct dt_text t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dt_text_init(&t, buf, sizeof(buf));
		dt_text_add_number(&t, cases[i].v, cases[i].base);
		assert_string_equal(buf, cases[i].text);
	}
}

static void test_longest_name_is_taken_and_a_longer_one_not(void **state)
{
	static uint64_t fdt[256];
	const char *why;

	(void)state;
	for (size_t len = DT_NAME_LONGEST; len <= DT_NAME_LONGEST + 1; len++) {
		char name[DT_NAME_LONGEST + 2] = {0};

		memset(name, 'n', len);
		assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
		assert_int_equal(fdt_finish_reservemap(fdt), 0);
		assert_int_equal(fdt_begin_node(fdt, ""), 0);
		assert_int_equal(fdt_property_u32(fdt, name, 1), 0);
		assert_int_equal(fdt_end_node(fdt), 0);
		assert_int_equal(fdt_finish(fdt), 0);
		assert_int_equal(dt_check_tree(fdt, sizeof(fdt), &why),
			len == DT_NAME_LONGEST ? 0 : -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_ends_with_its_property),
		cmocka_unit_test(test_number_of_another_size_is_none),
		cmocka_unit_test(test_word_is_found_whole_or_not_at_all),
		cmocka_unit_test(test_string_has_its_only_nul_at_its_end),
		cmocka_unit_test(test_text_is_cut_and_always_ended),
		cmocka_unit_test(test_numbers_are_written_whole),
		cmocka_unit_test(test_longest_name_is_taken_and_a_longer_one_not),
	};

	return cmocka_run_group_tests(tests, make_tree, NULL);
}
