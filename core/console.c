// SPDX-License-Identifier: Apache-2.0
/*
 * Partition consoles on the one serial line.
 *
 * Writing to the line is a firmware call, so the lock is never held there: a complete line is
 * copied out, the lock dropped, the copy written.
 */
#include "core/console.h"

#include "core/arch.h"

#include <string.h>

#define OUT_MAX (sizeof(((struct console *)0)->prefix) + CONSOLE_LINE_MAX + 1)

static const char separator[] = "| ";

static bool is_printable(char ch)
{
	return ch >= ' ' && ch <= '~';
}

void console_init(struct console *c, const char *name, bool input)
{
	size_t n = 0;

	memset(c, 0, sizeof(*c));
	c->input = input;
	if (!name) {
		return;
	}
	while (name[n] && n < sizeof(c->prefix) - sizeof(separator)) {
		c->prefix[n] = is_printable(name[n]) ? name[n] : '?';
		n++;
	}
	memcpy(c->prefix + n, separator, sizeof(separator));
}

/* Moves the started line, prefix and newline included, to out. Under the lock. */
static size_t take_line(struct console *c, char out[OUT_MAX])
{
	size_t n = strlen(c->prefix);

	memcpy(out, c->prefix, n);
	memcpy(out + n, c->line, c->used);
	n += c->used;
	out[n++] = '\n';
	c->used = 0;
	c->cr = false;
	return n;
}

/*
 * Adds bytes to the started line until it has to go out (*full). Under the lock. Returns how many
 * were used up; a byte that did not fit is left for the next line.
 *
 * "\r\n" and "\n\r" end one line, and a lone CR ends a line that has text: behind a prefix nothing
 * can be overwritten. All that a terminal could take for a command is shown as '?'.
 */
static size_t fill_line(struct console *c, const char *buf, size_t len, bool *full)
{
	*full = true;
	for (size_t i = 0; i < len; i++) {
		char ch = buf[i];

		if (ch == '\n') {
			return i + 1;
		}
		if (ch == '\r') {
			c->cr = c->used > 0;
			continue;
		}
		if (c->cr || c->used == CONSOLE_LINE_MAX) {
			return i;
		}
		c->line[c->used++] = is_printable(ch) || ch == '\t' ? ch : '?';
	}
	*full = false;
	return len;
}

void console_write(struct console *c, const char *buf, size_t len)
{
	char out[OUT_MAX];

	if (!c->prefix[0]) {
		if (len) {
			arch_console_write(buf, len);
		}
		return;
	}
	while (len) {
		size_t used, n = 0;
		bool full;

		lock_take(&c->lock);
		used = fill_line(c, buf, len, &full);
		if (full) {
			n = take_line(c, out);
		}
		lock_drop(&c->lock);
		if (n) {
			arch_console_write(out, n);
		}
		buf += used;
		len -= used;
	}
}

void console_flush(struct console *c)
{
	char out[OUT_MAX];
	size_t n = 0;

	lock_take(&c->lock);
	if (c->used) {
		n = take_line(c, out);
	}
	lock_drop(&c->lock);
	if (n) {
		arch_console_write(out, n);
	}
}

size_t console_read(struct console *c, char *buf, size_t len)
{
	if (!c->input || !len) {
		return 0;
	}
	return arch_console_read(buf, len);
}
