// SPDX-License-Identifier: Apache-2.0
/*
 * Partition consoles on the one serial line.
 *
 * Writing to the line is a firmware call, so the lock is never held there: a complete line is
 * copied out, the lock dropped, the copy written. Reading is one, too: whoever polls takes bytes
 * without the lock, one poller at a time so that they stay in order, and sorts them under it into
 * what is the owner's and what is the monitor's.
 */
#include "core/console.h"

#include "core/arch.h"

#include <stdatomic.h>
#include <string.h>

#define OUT_MAX (sizeof(((struct console *)0)->prefix) + CONSOLE_LINE_MAX + 1)

static const char separator[] = "| ";

struct ring {
	size_t in, out; /* free-running */
	char bytes[CONSOLE_RING];
};

static struct {
	atomic_flag polling;
	struct lock lock; /* of what follows */
	bool mid_line;	  /* the owner's line of input has begun */
	bool monitor;
	unsigned int deaf; /* ticks since the owner read */
	struct ring owner, monitors;
} typed;

static size_t ring_room(const struct ring *r)
{
	return CONSOLE_RING - (r->in - r->out);
}

/* A byte without a place is dropped. */
static void ring_put(struct ring *r, char ch)
{
	if (ring_room(r)) {
		r->bytes[r->in++ % CONSOLE_RING] = ch;
	}
}

static size_t ring_take(struct ring *r, char *buf, size_t len)
{
	size_t n = 0;

	while (n < len && r->in != r->out) {
		buf[n++] = r->bytes[r->out++ % CONSOLE_RING];
	}
	return n;
}

/* Under the lock. */
static void sort_byte(char ch)
{
	if (typed.monitor) {
		ring_put(&typed.monitors, ch);
	} else if (ch == '~' && !typed.mid_line) {
		typed.monitor = true;
	} else {
		typed.mid_line = ch != '\r' && ch != '\n';
		ring_put(&typed.owner, ch);
	}
}

/* How many bytes may be taken from the line now. Under the lock. */
static size_t wanted(void)
{
	size_t room = ring_room(typed.monitor ? &typed.monitors : &typed.owner);

	if (!typed.monitor && typed.deaf >= CONSOLE_DEAF_TICKS) {
		room = CONSOLE_INPUT_MAX;
	}
	return room < CONSOLE_INPUT_MAX ? room : CONSOLE_INPUT_MAX;
}

/* Takes what firmware has, a few bytes at most; false: it had none, or somebody else is at it. */
static bool poll_line(void)
{
	char buf[CONSOLE_INPUT_MAX];
	size_t n;

	if (atomic_flag_test_and_set(&typed.polling)) {
		return false;
	}
	lock_take(&typed.lock);
	n = wanted();
	lock_drop(&typed.lock);
	if (n) {
		n = arch_console_read(buf, n);
	}
	lock_take(&typed.lock);
	for (size_t i = 0; i < n; i++) {
		sort_byte(buf[i]);
	}
	lock_drop(&typed.lock);
	atomic_flag_clear(&typed.polling);
	return n != 0;
}

static void forget_typed(void)
{
	lock_take(&typed.lock);
	typed.owner = typed.monitors = (struct ring){0};
	typed.mid_line = typed.monitor = false;
	typed.deaf = 0;
	lock_drop(&typed.lock);
}

static bool is_printable(char ch)
{
	return ch >= ' ' && ch <= '~';
}

void console_init(struct console *c, const char *name, bool input)
{
	size_t n = 0;

	memset(c, 0, sizeof(*c));
	c->input = input;
	if (input) {
		forget_typed();
	}
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

static size_t take_typed(char *buf, size_t len)
{
	size_t n;

	lock_take(&typed.lock);
	typed.deaf = 0;
	n = ring_take(&typed.owner, buf, len);
	lock_drop(&typed.lock);
	return n;
}

size_t console_read(struct console *c, char *buf, size_t len)
{
	size_t n;

	if (!c->input || !len) {
		return 0;
	}
	n = take_typed(buf, len);
	if (!n && poll_line()) {
		n = take_typed(buf, len);
	}
	return n;
}

void console_poll(void)
{
	/* One ring's worth: a line that never falls silent must not keep the caller. */
	for (unsigned int i = 0; i < CONSOLE_RING / CONSOLE_INPUT_MAX && poll_line(); i++) {
	}
	lock_take(&typed.lock);
	if (typed.deaf < CONSOLE_DEAF_TICKS) {
		typed.deaf++;
	}
	lock_drop(&typed.lock);
}

bool console_in_monitor(void)
{
	bool in;

	lock_take(&typed.lock);
	in = typed.monitor;
	lock_drop(&typed.lock);
	return in;
}

bool console_read_monitor(char *ch)
{
	size_t n;

	lock_take(&typed.lock);
	n = ring_take(&typed.monitors, ch, 1);
	lock_drop(&typed.lock);
	return n != 0;
}

void console_leave_monitor(bool tilde)
{
	size_t left;

	lock_take(&typed.lock);
	typed.monitor = false;
	typed.mid_line = tilde;
	if (tilde) {
		ring_put(&typed.owner, '~');
	}
	/* Typed ahead: sorted anew, and some of it may come back for the monitor. */
	for (left = typed.monitors.in - typed.monitors.out; left; left--) {
		sort_byte(typed.monitors.bytes[typed.monitors.out++ % CONSOLE_RING]);
	}
	lock_drop(&typed.lock);
}
