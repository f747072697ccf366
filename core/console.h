// SPDX-License-Identifier: Apache-2.0
/*
 * One serial line for the log and all partitions. With one partition its bytes go out as they are;
 * with several each line is written whole and starts "name| ". One partition owns the input.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_LINE_MAX  240u
#define CONSOLE_INPUT_MAX 16u

struct console {
	struct lock lock;
	char prefix[40]; /* "name| ", or empty: raw */
	bool input;
	bool cr; /* the started line ends with a CR that may be half of a line end */
	size_t used;
	char line[CONSOLE_LINE_MAX];
};

/* name NULL: raw. */
void console_init(struct console *c, const char *name, bool input);

/* What a guest wrote; any vCPU of the partition may call. Raw: at once, every byte as it is. With a
 * prefix: when the line is complete. A line that is too long goes out in pieces, each with the
 * prefix; "\r\n" ends one line and a lone CR one that has text; bytes other than tab and printable
 * ASCII are shown as '?', so that one partition cannot steer the terminal that all share. */
void console_write(struct console *c, const char *buf, size_t len);

/* Writes out a started line. */
void console_flush(struct console *c);

/* What was typed, at most len bytes; 0 if nothing, or if the input is another's. */
size_t console_read(struct console *c, char *buf, size_t len);

#endif
