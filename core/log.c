// SPDX-License-Identifier: Apache-2.0
/*
 * The log: one line is formatted on the caller's stack, cleaned and given to the sink in one call,
 * so threads need no lock here and nothing allocates.
 */
#include "core/log.h"

#include <stdbool.h>
#include <stdio.h>

#define NS_PER_SEC 1000000000u

struct line {
	char text[LOG_LINE_MAX];
	size_t used;
};

static _Atomic(const struct log_sink *) the_sink;
static atomic_int max_level = LOG_INFO;

void log_set_sink(const struct log_sink *sink)
{
	atomic_store(&the_sink, sink);
}

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

static bool is_wanted(enum log_level level)
{
	return atomic_load(&the_sink) && (int)level <= atomic_load(&max_level);
}

__attribute__((format(printf, 2, 0))) static void add_args(
	struct line *l, const char *fmt, va_list args)
{
	size_t room = sizeof(l->text) - l->used;
	int n = vsnprintf(l->text + l->used, room, fmt, args);

	if (n > 0) {
		l->used += (size_t)n < room ? (size_t)n : room - 1;
	}
}

__attribute__((format(printf, 2, 3))) static void add_text(struct line *l, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_args(l, fmt, args);
	va_end(args);
}

static void clean(struct line *l)
{
	for (size_t i = 0; i < l->used; i++) {
		if (l->text[i] < ' ' || l->text[i] > '~') {
			l->text[i] = '?';
		}
	}
}

__attribute__((format(printf, 2, 0))) static void write_line(
	enum log_level level, const char *fmt, va_list args)
{
	const struct log_sink *sink = atomic_load(&the_sink);
	struct line l = {.used = 0};
	uint64_t now;

	if (!sink) {
		return;
	}
	now = sink->now_ns();
	add_text(&l, "[%5llu.%09llu,%d] ", (unsigned long long)(now / NS_PER_SEC),
		(unsigned long long)(now % NS_PER_SEC), (int)level);
	add_args(&l, fmt, args);
	clean(&l);
	/* The formatter's terminating zero always has a place, and the newline takes it. */
	l.text[l.used++] = '\n';
	sink->write(l.text, l.used);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (!is_wanted(level)) {
		return;
	}
	va_start(args, fmt);
	write_line(level, fmt, args);
	va_end(args);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	unsigned int used;
	va_list args;

	/* The count stops here once it is past the burst: one that went on would come round after
	 * 2^32 lines and let the flood in again. */
	if (!is_wanted(level) || atomic_load(&limit->used) > LOG_BURST) {
		return;
	}
	used = atomic_fetch_add(&limit->used, 1);
	if (used < LOG_BURST) {
		va_start(args, fmt);
		write_line(level, fmt, args);
		va_end(args);
	} else if (used == LOG_BURST) {
		/* The format is our own text and says what the rest would have been about. */
		log_msg(level, "more lines like \"%s\" are dropped", fmt);
	}
}
