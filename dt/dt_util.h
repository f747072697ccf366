// SPDX-License-Identifier: Apache-2.0
/*
 * What the readers and the writer of device trees share: one check that makes a blob safe for
 * libfdt, readers of properties that never look past a property's end, and a bounded text.
 */
#ifndef DT_DT_UTIL_H
#define DT_DT_UTIL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest name of a property that a tree may hold. It bounds the work of looking names up. */
#define DT_NAME_LONGEST 255u

struct dt_prop {
	const uint8_t *data;
	size_t len;
};

/*
 * Whether the bytes at fdt are one whole flattened tree of version 17 that is no longer than size.
 * Until it says 0, no byte past the header, past the tree's own size or past size is read, and the
 * time it takes is proportional to the tree's size whatever is in it.
 * -EINVAL: no; *why says what is wrong.
 */
int dt_check_tree(const void *fdt, size_t size, const char **why) must_check;

/* False: the node has no such property. */
bool dt_prop_find(const void *fdt, int node, const char *name, struct dt_prop *out);

/* The big-endian number of ncells cells (1 or 2) that starts at cell first. False, and *out
 * untouched: the property ends before that. */
bool dt_prop_number(const struct dt_prop *prop, size_t first, unsigned int ncells, uint64_t *out);

/* A property that is exactly one cell, or exactly two. False: it is absent or another size. */
bool dt_read_u32(const void *fdt, int node, const char *name, uint32_t *out);
bool dt_read_u64(const void *fdt, int node, const char *name, uint64_t *out);

/* One string: its only NUL is its last byte. */
bool dt_prop_is_string(const struct dt_prop *prop);

/* Whether word is one of the NUL-terminated strings of that property. */
bool dt_lists(const void *fdt, int node, const char *name, const char *word);

/* A text in a buffer of size bytes (at least 1), always terminated; what does not fit is cut. */
struct dt_text {
	char *buf;
	size_t size;
	size_t used;
};

void dt_text_init(struct dt_text *t, char *buf, size_t size);
void dt_text_add(struct dt_text *t, const char *str);
/* base is 10 or 16; no leading zeros. */
void dt_text_add_number(struct dt_text *t, uint64_t v, unsigned int base);

#endif
