// SPDX-License-Identifier: Apache-2.0
/* core/vfio_match.c: ids as text, and lists of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_match.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ANY	      VFIO_ID_ANY

/* SEED-002.23: two to seven words, and what the others are without them. */
static void test_words_and_their_defaults(void **state)
{
	static const struct {
		const char *text;
		struct vfio_id id;
	} cases[] = {
		{"8086 10d3", {0x8086, 0x10d3, ANY, ANY, 0, 0}},
		{"8086 10d3 1af4", {0x8086, 0x10d3, 0x1af4, ANY, 0, 0}},
		{"8086 10d3 1af4 1100", {0x8086, 0x10d3, 0x1af4, 0x1100, 0, 0}},
		{"8086 10d3 1af4 1100 20000", {0x8086, 0x10d3, 0x1af4, 0x1100, 0x20000, 0}},
		{"8086 10d3 1af4 1100 20000 ff0000",
			{0x8086, 0x10d3, 0x1af4, 0x1100, 0x20000, 0xff0000}},
		{"8086 10d3 1af4 1100 20000 ff0000 0",
			{0x8086, 0x10d3, 0x1af4, 0x1100, 0x20000, 0xff0000}},
		{"0 ffff FFFFFFFF ffffffff ffffff ffffff 00000000",
			{0, 0xffff, ANY, ANY, 0xffffff, 0xffffff}},
		{"0008086  aBcD ", {0x8086, 0xabcd, ANY, ANY, 0, 0}},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_id id;

		memset(&id, 0x5a, sizeof(id));
		assert_int_equal(vfio_parse_id(cases[i].text, &id), 0);
		assert_memory_equal(&id, &cases[i].id, sizeof(id));
	}
}

/* SEED-002.23, SEED-002.24 */
static void test_what_is_no_id_is_refused(void **state)
{
	static const char *const bad[] = {"", " ", "8086", "8086 ", " 8086 10d3", "8086:10d3",
		"0x8086 0x10d3", "8086 10dg", "8086 -1", "8086,10d3", "8086 10d3\n", "8086\t10d3",
		"10000 1", "1 10000", "1 1 10000", "1 1 1 10000", "fffffffe 1", "100000000 1",
		"ffffffff ffffffff0", "000008086 10d3", "1 1 1 1 1000000", "1 1 1 1 ffffffff",
		"1 1 1 1 0 1000000", "1 1 1 1 0 0 1", "1 1 1 1 0 0 ffffffff", "1 1 1 1 0 0 0 0",
		"8086 10d3 x", "8086 10d3 1af4 1100 20000 ff0000 0 junk", "-8086 10d3"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vfio_id id = {.vendor = 7};

		if (vfio_parse_id(bad[i], &id) != -EINVAL || id.vendor != 7) {
			fail_msg("\"%s\" is taken", bad[i]);
		}
	}
	assert_int_equal(vfio_check_match("-8086 10d3"), 0);
	assert_int_equal(vfio_check_match("8086 10d3"), 0);
	assert_int_equal(vfio_check_match("--8086 10d3"), -EINVAL);
	assert_int_equal(vfio_check_match("- 8086 10d3"), -EINVAL);
	assert_int_equal(vfio_check_match("-"), -EINVAL);
}

static const struct host_func nic = {.vendor = 0x8086,
	.device = 0x10d3,
	.subsys_vendor = 0x1af4,
	.subsys = 0x1100,
	.class_code = 0x020000};

static void test_every_word_counts(void **state)
{
	static const struct {
		const char *text;
		bool fits;
	} cases[] = {{"8086 10d3", true}, {"8087 10d3", false}, {"8086 10d4", false},
		{"ffffffff 10d3", true}, {"8086 ffffffff", true}, {"ffff ffff", false},
		{"8086 10d3 1af4 1100", true}, {"8086 10d3 1af5", false},
		{"8086 10d3 ffffffff 1101", false}, {"8086 10d3 ffffffff ffffffff 20000", true},
		{"8086 10d3 ffffffff ffffffff 10000", true},
		{"8086 10d3 ffffffff ffffffff 20000 ff0000", true},
		{"8086 10d3 ffffffff ffffffff 20001 ffff00", true},
		{"8086 10d3 ffffffff ffffffff 20001 ffffff", false},
		{"8086 10d3 ffffffff ffffffff 10000 ff0000", false}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_id id;

		assert_int_equal(vfio_parse_id(cases[i].text, &id), 0);
		if (vfio_id_fits(&id, &nic) != cases[i].fits) {
			fail_msg("\"%s\"", cases[i].text);
		}
	}
}

/* SEED-002.25: adding and taking out in the order in which they are said. */
static void test_last_that_fits_decides(void **state)
{
	static const struct {
		const char *texts;
		bool nic, other;
	} cases[] = {
		{"8086 10d3\0", true, false},
		{"-8086 10d3\0", false, true},
		{"ffffffff ffffffff\0-8086 10d3\0", false, true},
		{"-8086 10d3\0ffffffff ffffffff\0", true, true},
		{"8086 10d3\0-8086 10d3\0", false, false},
		{"-8086 10d3\0-1b36 10\0", false, false},
		{"1b36 10\0-ffffffff 10d3\0008086 ffffffff\0", true, true},
		{"8086 10d3\0nonsense\0", true, false},
		{"nonsense\0", false, false},
	};
	static const struct host_func other = {.vendor = 0x1b36, .device = 0x0010};

	(void)state;
	assert_true(vfio_match(NULL, 0, &nic));
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *end = cases[i].texts;

		while (*end) {
			end += strlen(end) + 1;
		}
		if (vfio_match(cases[i].texts, (size_t)(end - cases[i].texts), &nic) !=
				cases[i].nic ||
			vfio_match(cases[i].texts, (size_t)(end - cases[i].texts), &other) !=
				cases[i].other) {
			fail_msg("case %u", i);
		}
	}
	/* Nothing behind the end is looked at. */
	assert_false(vfio_match("8086 10d3", 9, &nic));
	assert_false(vfio_match("8086 10d3\0-8086 10d3", 20, &nic));
	assert_true(vfio_match("8086 10d3\0-8086 10d3", 10, &nic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_their_defaults),
		cmocka_unit_test(test_what_is_no_id_is_refused),
		cmocka_unit_test(test_every_word_counts),
		cmocka_unit_test(test_last_that_fits_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
