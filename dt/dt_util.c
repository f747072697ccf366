// SPDX-License-Identifier: Apache-2.0
/*
 * Bounded access to flattened trees that nobody vouches for. libfdt is safe on any bytes once
 * fdt_check_full() has accepted them; what it lacks is a bound on time, which is added here.
 */
#include "dt/dt_util.h"

#include <libfdt.h>
#include <string.h>

#define DT_ALIGN   8u
#define DT_VERSION 17u
#define CELL	   4u

/*
 * Every look at a property measures its name, up to the next NUL of the strings block. Millions of
 * properties that share one name of megabytes would keep us busy for hours, so such a block is
 * refused before anything measures a name in it.
 */
static bool names_are_short(const void *fdt)
{
	const char *names = (const char *)fdt + fdt_off_dt_strings(fdt);
	size_t len = fdt_size_dt_strings(fdt);
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		run = names[i] ? run + 1 : 0;
		if (run > DT_NAME_LONGEST) {
			return false;
		}
	}
	return true;
}

static const char *what_is_wrong(const void *fdt, size_t size)
{
	if (!fdt || (uintptr_t)fdt % DT_ALIGN) {
		return "not at an address that is a multiple of 8";
	}
	if (size < sizeof(struct fdt_header)) {
		return "too short for a flattened tree's header";
	}
	if (fdt_magic(fdt) != FDT_MAGIC) {
		return "does not begin with a flattened tree's magic number d00dfeed";
	}
	if (fdt_version(fdt) < DT_VERSION || fdt_last_comp_version(fdt) > DT_VERSION) {
		return "a flattened tree of another version than 17";
	}
	if (fdt_totalsize(fdt) > size) {
		return "its header says it is longer than what is there or allowed";
	}
	if (fdt_check_header(fdt)) {
		return "its header names blocks outside the tree";
	}
	if (fdt_off_dt_struct(fdt) % CELL || fdt_off_mem_rsvmap(fdt) % DT_ALIGN) {
		return "its header names blocks that are not aligned";
	}
	if (!names_are_short(fdt)) {
		return "it has a property name of more than 255 characters";
	}
	if (fdt_check_full(fdt, size)) {
		return "its structure is broken";
	}
	return NULL;
}

int dt_check_tree(const void *fdt, size_t size, const char **why)
{
	*why = what_is_wrong(fdt, size);
	return *why ? -EINVAL : 0;
}

bool dt_prop_find(const void *fdt, int node, const char *name, struct dt_prop *out)
{
	int len = 0;
	const void *data = fdt_getprop(fdt, node, name, &len);

	if (!data || len < 0) {
		return false;
	}
	*out = (struct dt_prop){.data = data, .len = (size_t)len};
	return true;
}

static uint32_t load_cell(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool dt_prop_number(const struct dt_prop *prop, size_t first, unsigned int ncells, uint64_t *out)
{
	size_t cells = prop->len / CELL;
	uint64_t v = 0;

	if (first > cells || ncells > cells - first) {
		return false;
	}
	for (size_t i = first; i < first + ncells; i++) {
		v = v << 32 | load_cell(prop->data + i * CELL);
	}
	*out = v;
	return true;
}

static bool read_number(
	const void *fdt, int node, const char *name, unsigned int ncells, uint64_t *out)
{
	struct dt_prop prop;

	return dt_prop_find(fdt, node, name, &prop) && prop.len == (size_t)ncells * CELL &&
	       dt_prop_number(&prop, 0, ncells, out);
}

bool dt_read_u32(const void *fdt, int node, const char *name, uint32_t *out)
{
	uint64_t v;

	if (!read_number(fdt, node, name, 1, &v)) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

bool dt_read_u64(const void *fdt, int node, const char *name, uint64_t *out)
{
	return read_number(fdt, node, name, 2, out);
}

bool dt_prop_is_string(const struct dt_prop *prop)
{
	return prop->len && memchr(prop->data, 0, prop->len) == prop->data + prop->len - 1;
}

bool dt_lists(const void *fdt, int node, const char *name, const char *word)
{
	size_t wordlen = strlen(word) + 1;
	struct dt_prop prop;
	const uint8_t *at;
	const uint8_t *end;

	if (!dt_prop_find(fdt, node, name, &prop)) {
		return false;
	}
	at = prop.data;
	end = prop.data + prop.len;
	while (at < end) {
		const uint8_t *nul = memchr(at, 0, (size_t)(end - at));

		if (!nul) {
			return false;
		}
		if ((size_t)(nul - at) + 1 == wordlen && !memcmp(at, word, wordlen)) {
			return true;
		}
		at = nul + 1;
	}
	return false;
}

void dt_text_init(struct dt_text *t, char *buf, size_t size)
{
	*t = (struct dt_text){.buf = buf, .size = size};
	buf[0] = '\0';
}

static void add_char(struct dt_text *t, char c)
{
	if (t->used + 1 < t->size) {
		t->buf[t->used++] = c;
		t->buf[t->used] = '\0';
	}
}

void dt_text_add(struct dt_text *t, const char *str)
{
	while (*str) {
		add_char(t, *str++);
	}
}

void dt_text_add_number(struct dt_text *t, uint64_t v, unsigned int base)
{
	char digits[20]; /* 2^64 - 1 in decimal */
	size_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n) {
		add_char(t, digits[--n]);
	}
}
