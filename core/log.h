// SPDX-License-Identifier: Apache-2.0
/*
 * The log: lines "[sec.nsec,level] text" as skiboot writes them, so that one pair of eyes and one
 * script read both. Text about a host bridge starts "PHB#0000[1fd]: " (PHB and PE in hex).
 *
 * What a guest, a device or a device tree can cause again and again goes through log_limited().
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* skiboot's numbers. */
enum log_level {
	LOG_EMERG = 0,
	LOG_ERR = 3,
	LOG_WARN = 4,
	LOG_NOTICE = 5,
	LOG_INFO = 6,
	LOG_DEBUG = 7,
};

#define LOG_LINE_MAX 256

/* Where lines go and what time it is. write gets whole lines, newline included, and may be called
 * from any thread; it is its business to keep a line in one piece. */
struct log_sink {
	void (*write)(const char *line, size_t len);
	uint64_t (*now_ns)(void);
};

/* How many lines one source may write: a zeroed struct starts with LOG_BURST, and the line after
 * the last allowed one says that the rest is dropped. */
#define LOG_BURST 8
struct log_limit {
	atomic_uint used;
};

/* Until this is called lines are dropped. The sink must live for ever. */
void log_set_sink(const struct log_sink *sink);

/* Lines above this level are dropped; LOG_INFO at first. */
void log_set_level(enum log_level level);

/* One line; the newline is ours. Longer than LOG_LINE_MAX: cut. Bytes outside printable ASCII are
 * written as '?', so that nothing untrusted reaches the terminal. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As log_msg, at most LOG_BURST times for this limit. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
