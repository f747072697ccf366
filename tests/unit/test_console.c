// SPDX-License-Identifier: Apache-2.0
/*
 * core/console.c: what partitions write on the one serial line, and who reads it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/console.h"
#include "tests/fake/fake_arch.h"

#include <string.h>

static struct console con, other;

static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	console_init(&con, "one", true);
	console_init(&other, "two", false);
	return 0;
}

static void put(struct console *c, const char *text)
{
	console_write(c, text, strlen(text));
}

static void test_raw_passes_every_byte_at_once(void **state)
{
	char all[256];

	(void)state;
	console_init(&con, NULL, true);
	for (size_t i = 0; i < sizeof(all); i++) {
		all[i] = (char)(uint8_t)i;
	}
	console_write(&con, all, sizeof(all));
	assert_int_equal(fake_arch.nwrites, 1);
	assert_int_equal(fake_arch.out_len, sizeof(all));
	assert_memory_equal(fake_arch.out, all, sizeof(all));
	put(&con, "x");
	assert_int_equal(fake_arch.nwrites, 2);
	console_write(&con, "", 0);
	console_flush(&con);
	assert_int_equal(fake_arch.nwrites, 2);
}

/* What a guest writes, and what is then on the line. */
static const struct {
	const char *in;
	const char *out;
} lines[] = {
	{"", ""},
	{"no end", ""},
	{"hello\n", "one| hello\n"},
	{"a\nb\n", "one| a\none| b\n"},
	{"a\nb", "one| a\n"},
	{"\n", "one| \n"},
	{"\n\n", "one| \none| \n"},
	/* Line ends of all kinds; a CR alone starts a new line, for it must not hide the old. */
	{"a\r\nb\r\n", "one| a\none| b\n"},
	{"a\n\rb\n\r", "one| a\none| b\n"},
	{"\r\n", "one| \n"},
	{"a\r\r\nb\n", "one| a\none| b\n"},
	{"10%\r20%\r\n", "one| 10%\none| 20%\n"},
	{"two| I am\rone| other\n", "one| two| I am\none| one| other\n"},
	{"\r\r\r", ""},
	/* No byte that a terminal acts on. */
	{"tab\tis kept\n", "one| tab\tis kept\n"},
	{"\x1b[2J\x07\x08\x7f\x80\xff\n", "one| ?[2J?????\n"},
};

static void test_lines_go_out_whole_with_the_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		setup(NULL);
		put(&con, lines[i].in);
		assert_string_equal(fake_arch.out, lines[i].out);
	}
}

/* A guest's early console makes one call per character. */
static void test_single_characters_give_the_same_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		setup(NULL);
		for (const char *p = lines[i].in; *p; p++) {
			console_write(&con, p, 1);
		}
		assert_string_equal(fake_arch.out, lines[i].out);
	}
}

static void test_zero_bytes_are_shown(void **state)
{
	(void)state;
	console_write(&con, "a\0b\n", 4);
	assert_string_equal(fake_arch.out, "one| a?b\n");
}

/* A line of each length, with each line end, whole or in pieces: nothing is lost, nothing too long.
 */
static void test_long_line_goes_out_in_pieces(void **state)
{
	static char text[3 * CONSOLE_LINE_MAX + 3], want[4 * CONSOLE_LINE_MAX];

	(void)state;
	for (size_t len = CONSOLE_LINE_MAX - 1; len <= 3 * CONSOLE_LINE_MAX; len++) {
		size_t used = 0;

		for (size_t i = 0; i < len; i++) {
			text[i] = (char)('a' + i % 26);
		}
		for (size_t i = 0; i < len; i += CONSOLE_LINE_MAX) {
			size_t n = len - i < CONSOLE_LINE_MAX ? len - i : CONSOLE_LINE_MAX;

			memcpy(want + used, "one| ", 5);
			memcpy(want + used + 5, text + i, n);
			want[used + 5 + n] = '\n';
			used += 6 + n;
		}
		want[used] = '\0';
		memcpy(text + len, "\r\n", 3);
		setup(NULL);
		put(&con, text);
		assert_string_equal(fake_arch.out, want);
	}
}

static void test_partitions_do_not_mix_within_a_line(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		put(&con, "ab");
		put(&other, "xy");
	}
	put(&other, "\n");
	put(&con, "\n");
	assert_string_equal(fake_arch.out, "two| xyxyxy\none| ababab\n");
	assert_int_equal(fake_arch.nwrites, 2);
}

static void test_flush_ends_a_started_line_only(void **state)
{
	(void)state;
	console_flush(&con);
	assert_string_equal(fake_arch.out, "");
	put(&con, "last words\r");
	console_flush(&con);
	console_flush(&con);
	assert_string_equal(fake_arch.out, "one| last words\n");
	put(&con, "\n");
	assert_string_equal(fake_arch.out, "one| last words\none| \n");
}

static unsigned int depth;

/* Another vCPU of the same partition writes while the first is in firmware. */
static void write_from_another_vcpu(void)
{
	assert_false(atomic_flag_test_and_set(&con.lock.held));
	lock_drop(&con.lock);
	if (depth++ == 0) {
		put(&con, "second\n");
	}
}

static void test_lock_is_not_held_while_firmware_writes(void **state)
{
	(void)state;
	depth = 0;
	fake_arch.on_write = write_from_another_vcpu;
	put(&con, "first\nthird\n");
	put(&con, "fourth");
	console_flush(&con);
	assert_int_equal(depth, 4);
	assert_string_equal(fake_arch.out, "one| second\none| first\none| third\none| fourth\n");
}

static void test_prefix_is_cut_and_cleaned(void **state)
{
	static const struct {
		const char *name;
		const char *out;
	} cases[] = {
		{"", "| x\n"},
		{"linux", "linux| x\n"},
		{"a\x1b[2J\n\xc3", "a?[2J??| x\n"},
		{"0123456789012345678901234567890", "0123456789012345678901234567890| x\n"},
		{"0123456789012345678901234567890123456789",
			"0123456789012345678901234567890123456| x\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_arch_clear_out();
		console_init(&con, cases[i].name, false);
		put(&con, "x\n");
		assert_string_equal(fake_arch.out, cases[i].out);
	}
}

static void test_only_the_owner_of_the_input_reads_it(void **state)
{
	char buf[CONSOLE_INPUT_MAX];

	(void)state;
	fake_arch_type("typed", 5);
	assert_int_equal(console_read(&other, buf, sizeof(buf)), 0);
	assert_int_equal(fake_arch.nreads, 0);
	assert_int_equal(console_read(&con, buf, 2), 2);
	assert_memory_equal(buf, "ty", 2);
	assert_int_equal(console_read(&con, buf, 0), 0);
	assert_int_equal(console_read(&con, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "ped", 3);
	assert_int_equal(console_read(&con, buf, sizeof(buf)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_raw_passes_every_byte_at_once, setup),
		cmocka_unit_test_setup(test_lines_go_out_whole_with_the_prefix, setup),
		cmocka_unit_test_setup(test_single_characters_give_the_same_lines, setup),
		cmocka_unit_test_setup(test_zero_bytes_are_shown, setup),
		cmocka_unit_test_setup(test_long_line_goes_out_in_pieces, setup),
		cmocka_unit_test_setup(test_partitions_do_not_mix_within_a_line, setup),
		cmocka_unit_test_setup(test_flush_ends_a_started_line_only, setup),
		cmocka_unit_test_setup(test_lock_is_not_held_while_firmware_writes, setup),
		cmocka_unit_test_setup(test_prefix_is_cut_and_cleaned, setup),
		cmocka_unit_test_setup(test_only_the_owner_of_the_input_reads_it, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
