// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of text for people, put together from words and numbers.
 */
#include "core/text.h"

#include <string.h>

static void add_char(struct text *t, char ch)
{
	if (t->used < TEXT_MAX - 1) {
		t->s[t->used++] = ch >= ' ' && ch <= '~' ? ch : '?';
		t->s[t->used] = '\0';
	}
}

void text_add(struct text *t, const char *s)
{
	while (*s) {
		add_char(t, *s++);
	}
}

void text_add_right(struct text *t, const char *s, size_t width)
{
	for (size_t n = strlen(s); n < width; n++) {
		add_char(t, ' ');
	}
	text_add(t, s);
}

void text_add_dec(struct text *t, uint64_t v)
{
	uint64_t div = 1;

	while (v / div >= 10) {
		div *= 10;
	}
	for (; div; div /= 10) {
		add_char(t, (char)('0' + v / div % 10));
	}
}

void text_add_hex(struct text *t, uint64_t v, unsigned int digits)
{
	unsigned int n = 16;

	text_add(t, "0x");
	while (n > 1 && n > digits && !(v >> (4 * (n - 1)))) {
		n--;
	}
	while (n--) {
		add_char(t, "0123456789abcdef"[v >> (4 * n) & 0xf]);
	}
}

void text_add_size(struct text *t, uint64_t bytes)
{
	static const char *const units[] = {"", "K", "M", "G", "T", "P", "E"};
	unsigned int i = 0;

	while (bytes && bytes % 1024 == 0 && i < 6) {
		bytes /= 1024;
		i++;
	}
	text_add_dec(t, bytes);
	text_add(t, units[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_parse_bdf(const char *s, size_t len, uint16_t *domain, uint16_t *bdfn)
{
	static const char form[] = "xxxx:xx:xx.x";
	uint64_t v = 0;
	unsigned int slot, fn;

	if (len != sizeof(form) - 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		int digit = hex_digit(s[i]);

		if (form[i] == 'x' ? digit < 0 : s[i] != form[i]) {
			return false;
		}
		if (form[i] == 'x') {
			v = v << 4 | (unsigned int)digit;
		}
	}
	/* v is domain (16 bits), bus (8), slot (8), function (4). */
	slot = (unsigned int)(v >> 4 & 0xff);
	fn = (unsigned int)(v & 0xf);
	if (slot > 0x1f || fn > 7) {
		return false;
	}
	*domain = (uint16_t)(v >> 20);
	*bdfn = (uint16_t)((v >> 12 & 0xff) << 8 | slot << 3 | fn);
	return true;
}
