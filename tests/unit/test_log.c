// SPDX-License-Identifier: Apache-2.0
/*
 * core/log.c: the form of a line, what is cut, cleaned, dropped and limited.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"

#include <limits.h>
#include <string.h>

static struct {
	char text[8192];
	size_t used;
	unsigned int nlines;
	uint64_t now;
} out;

static void sink_write(const char *line, size_t len)
{
	assert_true(len <= LOG_LINE_MAX);
	assert_true(out.used + len < sizeof(out.text));
	/* One call is one whole line, and holds nothing that a terminal would act on. */
	for (size_t i = 0; i + 1 < len; i++) {
		assert_true(line[i] >= ' ' && line[i] <= '~');
	}
	assert_int_equal(line[len - 1], '\n');
	memcpy(out.text + out.used, line, len);
	out.used += len;
	out.nlines++;
}

static uint64_t sink_now(void)
{
	return out.now;
}

static const struct log_sink sink = {.write = sink_write, .now_ns = sink_now};

static int setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	log_set_sink(&sink);
	log_set_level(LOG_INFO);
	return 0;
}

static void test_line_looks_like_skiboots(void **state)
{
	static const struct {
		uint64_t now;
		enum log_level level;
		const char *line;
	} cases[] = {
		{0, LOG_INFO, "[    0.000000000,6] hello 7\n"},
		{1234567890, LOG_NOTICE, "[    1.234567890,5] hello 7\n"},
		{99999999999999, LOG_ERR, "[99999.999999999,3] hello 7\n"},
		{123456000000001, LOG_EMERG, "[123456.000000001,0] hello 7\n"},
		{UINT64_MAX, LOG_WARN, "[18446744073.709551615,4] hello 7\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&out, 0, sizeof(out));
		out.now = cases[i].now;
		log_msg(cases[i].level, "hello %d", 7);
		assert_string_equal(out.text, cases[i].line);
		assert_int_equal(out.nlines, 1);
	}
}

static void test_lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	log_msg(LOG_DEBUG, "not at first");
	assert_int_equal(out.nlines, 0);
	log_set_level(LOG_DEBUG);
	log_msg(LOG_DEBUG, "now");
	assert_int_equal(out.nlines, 1);
	log_set_level(LOG_ERR);
	log_msg(LOG_WARN, "no");
	log_msg(LOG_ERR, "yes");
	assert_int_equal(out.nlines, 2);
}

static void test_lines_without_a_sink_are_dropped(void **state)
{
	struct log_limit limit = {0};

	(void)state;
	log_set_sink(NULL);
	log_msg(LOG_ERR, "nobody hears");
	for (int i = 0; i < 100; i++) {
		log_limited(&limit, LOG_ERR, "nobody hears");
	}
	log_set_sink(&sink);
	log_limited(&limit, LOG_ERR, "the burst is still whole");
	assert_int_equal(out.nlines, 1);
}

static void test_line_of_every_length_is_whole_or_cut_at_the_limit(void **state)
{
	static char text[2 * LOG_LINE_MAX];
	const size_t head = strlen("[    0.000000000,6] ");

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		size_t whole = head + len + 1;

		memset(text, 'x', len);
		text[len] = '\0';
		memset(&out, 0, sizeof(out));
		log_msg(LOG_INFO, "%s", text);
		assert_int_equal(out.nlines, 1);
		assert_int_equal(out.used, whole < LOG_LINE_MAX ? whole : LOG_LINE_MAX);
		assert_int_equal(out.text[out.used - 1], '\n');
	}
}

static void test_bytes_that_are_not_printable_become_question_marks(void **state)
{
	(void)state;
	log_msg(LOG_INFO, "a\nb\rc\td\x1b[31m\x7f\x80\xff%c.", 0);
	assert_string_equal(out.text, "[    0.000000000,6] a?b?c?d?[31m????.\n");
}

static void test_untrusted_text_is_not_a_format(void **state)
{
	(void)state;
	log_msg(LOG_INFO, "%s", "%n%s%s%s%x");
	assert_string_equal(out.text, "[    0.000000000,6] %n%s%s%s%x\n");
}

static void test_limited_source_writes_a_burst_and_says_that_the_rest_is_dropped(void **state)
{
	struct log_limit limit = {0};

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		log_limited(&limit, LOG_WARN, "guest did %u", i);
	}
	assert_int_equal(out.nlines, LOG_BURST + 1);
	assert_non_null(strstr(out.text, "guest did 0\n"));
	assert_non_null(strstr(out.text, "guest did 7\n"));
	assert_null(strstr(out.text, "guest did 8"));
	assert_non_null(strstr(out.text, "more lines like \"guest did %u\" are dropped\n"));
}

static void test_limited_source_never_starts_again(void **state)
{
	struct log_limit limit = {0};

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		log_limited(&limit, LOG_WARN, "x");
	}
	/* A count that went on would have been 100 and, one day, 2^32. */
	assert_int_equal(atomic_load(&limit.used), LOG_BURST + 1);
	atomic_store(&limit.used, UINT_MAX);
	out.nlines = 0;
	log_limited(&limit, LOG_WARN, "x");
	log_limited(&limit, LOG_WARN, "x");
	assert_int_equal(out.nlines, 0);
}

static void test_limits_are_apart_and_unwanted_lines_use_nothing_up(void **state)
{
	struct log_limit one = {0}, other = {0};

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		log_limited(&one, LOG_DEBUG, "unwanted");
		log_limited(&other, LOG_WARN, "wanted");
	}
	assert_int_equal(out.nlines, LOG_BURST + 1);
	log_limited(&one, LOG_WARN, "still all there");
	assert_int_equal(out.nlines, LOG_BURST + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line_looks_like_skiboots, setup),
		cmocka_unit_test_setup(test_lines_above_the_level_are_dropped, setup),
		cmocka_unit_test_setup(test_lines_without_a_sink_are_dropped, setup),
		cmocka_unit_test_setup(
			test_line_of_every_length_is_whole_or_cut_at_the_limit, setup),
		cmocka_unit_test_setup(
			test_bytes_that_are_not_printable_become_question_marks, setup),
		cmocka_unit_test_setup(test_untrusted_text_is_not_a_format, setup),
		cmocka_unit_test_setup(
			test_limited_source_writes_a_burst_and_says_that_the_rest_is_dropped,
			setup),
		cmocka_unit_test_setup(test_limited_source_never_starts_again, setup),
		cmocka_unit_test_setup(
			test_limits_are_apart_and_unwanted_lines_use_nothing_up, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
