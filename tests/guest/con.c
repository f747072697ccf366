// SPDX-License-Identifier: Apache-2.0
/*
 * Lines to the virtual terminal by H_PUT_TERM_CHAR, 16 characters a call, the first in the most
 * significant byte whatever our own byte order.
 */
#include "tests/guest/con.h"

#include "tests/guest/hv.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_CHARS	240u
#define CHARS_PER_CALL	16u
#define TRIES_WHEN_BUSY 1000000u

static uint32_t unit;

void con_init(uint32_t vty)
{
	unit = vty;
}

static void put(const char *text, size_t len)
{
	while (len) {
		size_t n = len < CHARS_PER_CALL ? len : CHARS_PER_CALL;
		uint64_t word[2] = {0, 0};
		unsigned int tries = TRIES_WHEN_BUSY;

		memcpy(word, text, n);
		while (hv_call(H_PUT_TERM_CHAR, unit, n, be64(word[0]), be64(word[1])) == H_BUSY &&
			--tries) {
		}
		text += n;
		len -= n;
	}
}

void con_vline(const char *prefix, const char *format, va_list args)
{
	char line[LINE_MAX_CHARS + 2];
	size_t used = strlen(prefix);
	int n;

	memcpy(line, prefix, used);
	n = vsnprintf(line + used, LINE_MAX_CHARS + 1 - used, format, args);
	if (n > 0) {
		used += (size_t)n;
	}
	if (used > LINE_MAX_CHARS) {
		used = LINE_MAX_CHARS;
	}
	line[used++] = '\n';
	put(line, used);
}

void con_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	con_vline("", format, args);
	va_end(args);
}
