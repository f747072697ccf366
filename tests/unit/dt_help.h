// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of dt/ share: trees made by dtc from source, edits of a tree by a table, and the
 * lines of the log.
 */
#ifndef TESTS_UNIT_DT_HELP_H
#define TESTS_UNIT_DT_HELP_H

/* For popen; a test that includes other headers first says it before them. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/log.h"

#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The log */

static char help_log[1 << 16];
static size_t help_log_used;

static inline void help_log_write(const char *line, size_t len)
{
	assert_true(help_log_used + len < sizeof(help_log));
	memcpy(help_log + help_log_used, line, len);
	help_log_used += len;
	help_log[help_log_used] = '\0';
}

static inline uint64_t help_log_now(void)
{
	return 0;
}

static inline void help_log_drop(const char *line, size_t len)
{
	(void)line;
	(void)len;
}

static inline void help_log_start(void)
{
	static const struct log_sink sink = {.write = help_log_write, .now_ns = help_log_now};

	help_log_used = 0;
	help_log[0] = '\0';
	log_set_sink(&sink);
}

/* Lines go through the formatter and nowhere. */
static inline void help_log_silence(void)
{
	static const struct log_sink sink = {.write = help_log_drop, .now_ns = help_log_now};

	log_set_sink(&sink);
}

static inline unsigned int help_log_lines(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < help_log_used; i++) {
		n += help_log[i] == '\n';
	}
	return n;
}

/* Says what was logged if text is not part of it. */
static inline void help_assert_logged(const char *rule, const char *text)
{
	if (!strstr(help_log, text)) {
		fail_msg("%s: no line with \"%s\" in:\n%s", rule, text, help_log);
	}
}

/* How far apart the places are at which a blob is cut or changed: all of them natively; under
 * emulation, where the byte order is the question, some will do. */
#define HELP_STEP (BE_HOST_IS_LITTLE ? 4u : 64u)

/* Trees */

struct help_tree {
	void *fdt; /* of malloc, with size bytes exactly */
	size_t size;
};

static inline void help_free(struct help_tree *tree)
{
	free(tree->fdt);
	tree->fdt = NULL;
}

static inline struct help_tree help_compile(const char *source)
{
	struct help_tree tree = {.fdt = NULL};
	char command[256];
	FILE *dtc;

	assert_true(snprintf(command, sizeof(command), "dtc -qq -I dts -O dtb -o - %s", source) <
		    (int)sizeof(command));
	dtc = popen(command, "r");
	assert_non_null(dtc);
	for (size_t n = 1; n;) {
		tree.fdt = realloc(tree.fdt, tree.size + 4096);
		assert_non_null(tree.fdt);
		n = fread((char *)tree.fdt + tree.size, 1, 4096, dtc);
		tree.size += n;
	}
	assert_int_equal(pclose(dtc), 0);
	assert_int_equal(fdt_check_full(tree.fdt, tree.size), 0);
	return tree;
}

/* One change of a tree. */
enum help_op {
	HELP_OP_NOTHING,
	HELP_OP_SET,	   /* prop of path becomes the cells */
	HELP_OP_SET_BYTES, /* prop of path becomes the len bytes at text */
	HELP_OP_DELETE,	   /* prop of path, or with prop NULL the node, goes away */
	HELP_OP_RENAME,	   /* the node at path gets the name text */
	HELP_OP_ADD,	   /* path gets a child called text */
};

struct help_edit {
	enum help_op op;
	const char *path;
	const char *prop;
	const char *text;
	size_t len;
	unsigned int ncells;
	uint32_t cells[12];
};

#define HELP_CELLS(path_, prop_, ...)                                                      \
	{                                                                                  \
		.op = HELP_OP_SET, .path = (path_), .prop = (prop_),                       \
		.ncells = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), .cells = { \
			__VA_ARGS__                                                        \
		}                                                                          \
	}
#define HELP_BYTES(path_, prop_, text_, len_)                                               \
	{                                                                                   \
		.op = HELP_OP_SET_BYTES, .path = (path_), .prop = (prop_), .text = (text_), \
		.len = (len_)                                                               \
	}
#define HELP_STRING(path_, prop_, text_) HELP_BYTES(path_, prop_, text_, sizeof(text_))
#define HELP_DELETE(path_, prop_)                                      \
	{                                                              \
		.op = HELP_OP_DELETE, .path = (path_), .prop = (prop_) \
	}
#define HELP_RENAME(path_, text_)                                      \
	{                                                              \
		.op = HELP_OP_RENAME, .path = (path_), .text = (text_) \
	}
#define HELP_ADD(path_, text_)                                      \
	{                                                           \
		.op = HELP_OP_ADD, .path = (path_), .text = (text_) \
	}

static inline void help_set_cells(void *fdt, int node, const struct help_edit *e)
{
	uint8_t *at = NULL;

	assert_int_equal(fdt_setprop_placeholder(
				 fdt, node, e->prop, (int)(e->ncells * 4), (void **)(void *)&at),
		0);
	for (unsigned int i = 0; i < e->ncells; i++) {
		fdt32_st(at + i * sizeof(uint32_t), e->cells[i]);
	}
}

static inline int help_apply_one(void *fdt, int node, const struct help_edit *e)
{
	switch (e->op) {
	case HELP_OP_SET_BYTES:
		return fdt_setprop(fdt, node, e->prop, e->text, (int)e->len);
	case HELP_OP_DELETE:
		return e->prop ? fdt_delprop(fdt, node, e->prop) : fdt_del_node(fdt, node);
	case HELP_OP_RENAME:
		return fdt_set_name(fdt, node, e->text);
	case HELP_OP_ADD:
		node = fdt_add_subnode(fdt, node, e->text);
		return node < 0 ? node : 0;
	default:
		help_set_cells(fdt, node, e);
		return 0;
	}
}

/* A packed copy of base with n changes made. */
static inline struct help_tree help_edit(
	const struct help_tree *base, const struct help_edit *edits, unsigned int n)
{
	size_t room = base->size + 8192;
	struct help_tree tree = {.fdt = malloc(room)};

	for (unsigned int i = 0; i < n; i++) {
		room += edits[i].len;
	}
	tree.fdt = realloc(tree.fdt, room);
	assert_non_null(tree.fdt);
	assert_int_equal(fdt_open_into(base->fdt, tree.fdt, (int)room), 0);
	for (unsigned int i = 0; i < n && edits[i].op != HELP_OP_NOTHING; i++) {
		int node = fdt_path_offset(tree.fdt, edits[i].path);

		if (node < 0) {
			fail_msg("no node %s to change", edits[i].path);
		}
		assert_int_equal(help_apply_one(tree.fdt, node, &edits[i]), 0);
	}
	assert_int_equal(fdt_pack(tree.fdt), 0);
	tree.size = fdt_totalsize(tree.fdt);
	tree.fdt = realloc(tree.fdt, tree.size);
	assert_non_null(tree.fdt);
	return tree;
}

/* Numbers that are the same on every run (xorshift64). */
static inline uint64_t help_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
