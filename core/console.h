// SPDX-License-Identifier: Apache-2.0
/*
 * One serial line for the log and all partitions. With one partition its bytes go out as they are;
 * with several each line is written whole and starts "name| ". One partition owns the input, but
 * for the monitor: '~' as the first byte of a line opens it, and what is typed is then the
 * monitor's until it gives the input back.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_LINE_MAX   240u
#define CONSOLE_INPUT_MAX  16u
#define CONSOLE_RING	   256u /* bytes typed and not read */
#define CONSOLE_DEAF_TICKS 50u

struct console {
	struct lock lock;
	char prefix[40]; /* "name| ", or empty: raw */
	bool input;
	bool cr; /* the started line ends with a CR that may be half of a line end */
	size_t used;
	char line[CONSOLE_LINE_MAX];
};

/* name NULL: raw. input: what was typed for the owner before is forgotten. */
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

/* Looks at the line for a partition that does not read; called from the housekeeping tick, ten
 * times a second. What a partition has not read for CONSOLE_DEAF_TICKS and has no room for is
 * dropped, so that the monitor can be reached past it. */
void console_poll(void);

/* Whether the monitor has the input; the next byte typed for it, false: none; and giving the input
 * back: what was typed after that is the partition's, with a '~' in front if tilde is set. */
bool console_in_monitor(void);
bool console_read_monitor(char *ch);
void console_leave_monitor(bool tilde);

#endif
