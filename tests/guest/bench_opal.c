// SPDX-License-Identifier: Apache-2.0
/*
 * The payload `bench-opal`: what firmware takes for the call that a TCE hypercall makes of it. It
 * is started by firmware as the hypervisor is, times OPAL_PCI_TCE_KILL in a loop, prints raw counts
 * for tools/bench, and switches off.
 *
 * Firmware clears no .bss, so nothing here is read before it is written.
 */
#include "tests/guest/bench_opal.h"

#include <stddef.h>

#define OPAL_CONSOLE_WRITE  1u
#define OPAL_CEC_POWER_DOWN 5u
#define OPAL_POLL_EVENTS    10u
#define OPAL_PCI_TCE_KILL   126u

#define KILL_PAGES  0u
#define KILL_PE	    1u
#define PAGE	    4096u
#define CALLS	    1024u
#define REPETITIONS 4u

static uint64_t base, entry;

void opal_main(uint64_t opal_base, uint64_t opal_entry) __attribute__((noreturn));

static uint64_t call(uint64_t token, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct opal_loop loop = {token, {a1, a2, a3}, base, entry, 1, 0};

	opal_calls(&loop);
	return loop.wrong;
}

static char *put_text(char *to, const char *text)
{
	while (*text) {
		*to++ = *text++;
	}
	return to;
}

static char *put_number(char *to, uint64_t n)
{
	char digits[20];
	unsigned int used = 0;

	do {
		digits[used++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (used) {
		*to++ = digits[--used];
	}
	return to;
}

static void write_line(const char *line, size_t len)
{
	uint64_t length = len;

	while (call(OPAL_CONSOLE_WRITE, 0, (uintptr_t)&length, (uintptr_t)line)) {
		call(OPAL_POLL_EVENTS, 0, 0, 0);
	}
}

/* The shortest of several, so that nothing else that firmware does in between is in it. */
static uint64_t shortest(struct opal_loop *loop)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < REPETITIONS; i++) {
		uint64_t ticks = opal_calls(loop);

		best = ticks < best ? ticks : best;
	}
	return best;
}

static void measure(const char *name, uint64_t kind, uint64_t pages)
{
	struct opal_loop loop = {
		OPAL_PCI_TCE_KILL, {0, kind, 0, PAGE, 0, pages}, base, entry, CALLS, 0};
	uint64_t ticks = shortest(&loop), wrong = loop.wrong;
	char line[160], *end = line;

	loop.entry = (uintptr_t)opal_nothing;
	loop.args[0] = 0;
	end = put_text(end, "bench-opal: case=");
	end = put_text(end, name);
	end = put_text(end, wrong ? " failed calls=" : " calls=");
	end = put_number(end, CALLS);
	end = put_text(end, " ticks=");
	end = put_number(end, ticks);
	end = put_text(end, " empty=");
	end = put_number(end, shortest(&loop));
	*end++ = '\n';
	write_line(line, (size_t)(end - line));
}

void opal_main(uint64_t opal_base, uint64_t opal_entry)
{
	base = opal_base;
	entry = opal_entry;
	measure("kill-pe", KILL_PE, 0);
	measure("kill-1-page", KILL_PAGES, 1);
	measure("kill-512-pages", KILL_PAGES, 512);
	while (call(OPAL_CEC_POWER_DOWN, 0, 0, 0)) {
		call(OPAL_POLL_EVENTS, 0, 0, 0);
	}
	for (;;) {
		call(OPAL_POLL_EVENTS, 0, 0, 0);
	}
}
