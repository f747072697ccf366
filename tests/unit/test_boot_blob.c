// SPDX-License-Identifier: Apache-2.0
/*
 * Flattened trees that are broken in one way each, for both that read what nobody vouches for: the
 * host's tree (dt/dt_host.c) and the bundle with the plan (dt/dt_plan.c). BB-01, form by form.
 */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dt/dt_host.h"
#include "dt/dt_plan.h"

#include "tests/unit/dt_help.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ROOM 0x400u

static struct board board;
static struct plan plan;
static uint64_t tree[ROOM / 8];

static uint8_t *structure(void)
{
	return (uint8_t *)tree + fdt_off_dt_struct(tree);
}

/* A root with a property and a node, in the structure block:
 *   0 begin, name; 8 property, length, name, value; 24 begin, name; 32 end; 36 end; 40 END */
enum {
	AT_PROP = 8,
	AT_PROP_LEN = 12,
	AT_PROP_NAME = 16,
	AT_NODE = 24,
	AT_NODE_END = 32,
	AT_END = 40
};

static void make_tree(void)
{
	memset(tree, 0, sizeof(tree));
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_add_reservemap_entry(tree, 0x1000, 0x1000), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	assert_int_equal(fdt_begin_node(tree, ""), 0);
	assert_int_equal(fdt_property_u32(tree, "word", 1), 0);
	assert_int_equal(fdt_begin_node(tree, "n"), 0);
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	assert_int_equal(fdt32_ld((fdt32_t *)(void *)(structure() + AT_PROP)), FDT_PROP);
	assert_int_equal(fdt32_ld((fdt32_t *)(void *)(structure() + AT_NODE_END)), FDT_END_NODE);
	assert_int_equal(fdt32_ld((fdt32_t *)(void *)(structure() + AT_END)), FDT_END);
}

/* Refused by both, with a line that says why; nothing is taken. The copy has no byte to spare. */
static void expect_refused(const char *what, const void *fdt, size_t size, const char *says)
{
	void *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, fdt, size);
	memset(&board, 0, sizeof(board));
	memset(&plan, 0, sizeof(plan));
	help_log_start();
	if (dt_plan_read(copy, size, &plan) != -EINVAL) {
		fail_msg("%s is a plan", what);
	}
	help_assert_logged(what, says);
	assert_int_equal(help_log_lines(), 1);
	assert_int_equal(plan.npartitions, 0);
	help_log_start();
	if (dt_host_read(copy, &board) != -EINVAL) {
		fail_msg("%s is a host's tree", what);
	}
	help_assert_logged(what, says);
	assert_int_equal(help_log_lines(), 1);
	assert_int_equal(board.nthreads + board.nmem + board.nphbs, 0);
	free(copy);
}

#define OUTSIDE "its header names blocks outside the tree"
#define BROKEN	"its structure is broken"

static const struct {
	const char *what;
	unsigned int field; /* of the header, bytes */
	uint32_t value;
	const char *says;
} headers[] = {
	{"a total size of nothing", 4, 0, OUTSIDE},
	{"a total size short of the header", 4, 39, OUTSIDE},
	{"a total size short of the structure", 4, 64, OUTSIDE},
	{"a structure past the end", 8, ROOM, OUTSIDE},
	{"a structure that wraps", 8, 0xfffffff8, OUTSIDE},
	{"a structure in the header", 8, 8, OUTSIDE},
	{"strings past the end", 12, ROOM, OUTSIDE},
	{"strings that wrap", 12, 0xffffffff, OUTSIDE},
	{"a reserve map past the end", 16, ROOM, OUTSIDE},
	{"a reserve map in the header", 16, 8, OUTSIDE},
	{"strings longer than the tree", 32, ROOM, OUTSIDE},
	{"strings of 4 GiB", 32, 0xffffffff, OUTSIDE},
	{"a structure longer than the tree", 36, ROOM, OUTSIDE},
	{"a structure of nothing", 36, 0, BROKEN},
	{"a structure without its last word", 36, AT_END, BROKEN},
};

static void test_headers_that_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		make_tree();
		fdt32_st((uint8_t *)tree + headers[i].field, headers[i].value);
		expect_refused(headers[i].what, tree,
			fdt_totalsize(tree) > ROOM || headers[i].field == 4 ? ROOM
									    : fdt_totalsize(tree),
			headers[i].says);
	}
}

static const struct {
	const char *what;
	unsigned int at;
	uint32_t value;
} structures[] = {
	{"no END", AT_END, FDT_NOP},
	{"no END but a property", AT_END, FDT_PROP},
	{"a node that does not end", AT_NODE_END, FDT_NOP},
	{"a node that ends before it begins", AT_NODE, FDT_END_NODE},
	{"a token of no kind", AT_PROP, 7},
	{"END in the middle", AT_NODE_END, FDT_END},
	{"a property of 2 GiB", AT_PROP_LEN, 0x7fffffff},
	{"a property of 4 GiB", AT_PROP_LEN, 0xffffffff},
	{"a property up to the end", AT_PROP_LEN, AT_END - 20},
	{"a property over the end by a word", AT_PROP_LEN, AT_END - 12},
	{"a name outside the strings", AT_PROP_NAME, ROOM},
	{"a name before the strings", AT_PROP_NAME, 0xfffffff0},
	{"a node's name without an end", AT_NODE + 4, 0x61616161},
};

static void test_structures_that_are_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(structures); i++) {
		make_tree();
		fdt32_st(structure() + structures[i].at, structures[i].value);
		expect_refused(structures[i].what, tree, fdt_totalsize(tree), BROKEN);
	}
}

/* A reserve map ends with an entry of zeros; this one runs into what is behind it. */
static void test_reserve_map_without_an_end(void **state)
{
	(void)state;
	make_tree();
	memset((uint8_t *)tree + fdt_off_mem_rsvmap(tree) + 16, 0x11,
		fdt_totalsize(tree) - fdt_off_mem_rsvmap(tree) - 16);
	expect_refused("reserve map", tree, fdt_totalsize(tree), BROKEN);
}

/* Ends in time, in a bundle as in the host's tree. */
static void test_depth_of_a_million(void **state)
{
	enum { DEPTH = 1000000 };
	size_t nstruct = DEPTH * 12 + 4, size = 56 + nstruct + 4;
	uint8_t *deep = calloc(1, size), *at;

	(void)state;
	assert_non_null(deep);
	fdt_set_magic(deep, FDT_MAGIC);
	fdt_set_totalsize(deep, (uint32_t)size);
	fdt_set_version(deep, 17);
	fdt_set_last_comp_version(deep, 16);
	fdt_set_off_mem_rsvmap(deep, 40);
	fdt_set_off_dt_struct(deep, 56);
	fdt_set_size_dt_struct(deep, (uint32_t)nstruct);
	fdt_set_off_dt_strings(deep, (uint32_t)(56 + nstruct));
	fdt_set_size_dt_strings(deep, 4);
	at = deep + 56;
	for (unsigned int i = 0; i < DEPTH; i++, at += 8) {
		fdt32_st(at, FDT_BEGIN_NODE);
		at[4] = i ? 'a' : 0;
	}
	for (unsigned int i = 0; i < DEPTH; i++, at += 4) {
		fdt32_st(at, FDT_END_NODE);
	}
	fdt32_st(at, FDT_END);
	help_log_start();
	assert_int_equal(dt_plan_read(deep, size, &plan), -EINVAL);
	help_assert_logged("deep", "compatible: is not a plan's");
	assert_int_equal(help_log_lines(), 1);
	/* The last END_NODE is missing: the whole depth is looked at, and refused. */
	fdt32_st(at - 4, FDT_NOP);
	expect_refused("deep and open", deep, size, BROKEN);
	free(deep);
}

/* A property of megabytes is no plan's, and costs nothing but its bytes. */
static void test_huge_property_is_passed_over(void **state)
{
	enum { HUGE = 8 << 20 };
	size_t room = HUGE + 0x1000;
	uint8_t *fdt = calloc(1, room);
	void *value;

	(void)state;
	assert_non_null(fdt);
	assert_int_equal(fdt_create(fdt, (int)room), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, ""), 0);
	assert_int_equal(fdt_property_placeholder(fdt, "compatible", HUGE, &value), 0);
	memset(value, 'x', HUGE);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_finish(fdt), 0);
	help_log_start();
	assert_int_equal(dt_plan_read(fdt, fdt_totalsize(fdt), &plan), -EINVAL);
	help_assert_logged("huge", "compatible: is not a plan's");
	assert_in_range(help_log_used, 1, 400);
	help_log_start();
	assert_int_equal(dt_host_read(fdt, &board), -EINVAL);
	assert_in_range(help_log_used, 1, 400);
	free(fdt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_that_lie),
		cmocka_unit_test(test_structures_that_are_broken),
		cmocka_unit_test(test_reserve_map_without_an_end),
		cmocka_unit_test(test_depth_of_a_million),
		cmocka_unit_test(test_huge_property_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
