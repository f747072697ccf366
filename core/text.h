// SPDX-License-Identifier: Apache-2.0
/*
 * A line of text put together piece by piece, without formats and without allocation. What does not
 * fit is cut; what is no printable ASCII is shown as '?'. A zeroed struct is an empty line.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX 160u

struct text {
	size_t used;
	char s[TEXT_MAX]; /* a zero follows the text */
};

void text_add(struct text *t, const char *s);
/* At least width places, spaces in front. */
void text_add_right(struct text *t, const char *s, size_t width);
void text_add_dec(struct text *t, uint64_t v);
/* "0x" and at least digits digits. */
void text_add_hex(struct text *t, uint64_t v, unsigned int digits);
/* Bytes in the largest unit that leaves a whole number: "64K", "2M", "1025". */
void text_add_size(struct text *t, uint64_t bytes);

/* dddd:bb:ss.f in hexadecimal, of either case, and nothing else, as len bytes of s: a domain, and
 * bus << 8 | slot << 3 | function. */
bool text_parse_bdf(const char *s, size_t len, uint16_t *domain, uint16_t *bdfn);

#endif
