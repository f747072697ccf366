// SPDX-License-Identifier: Apache-2.0
/* The options of single functions: each for itself, and those of a partition together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/pci_rom.h"
#include "core/plan.h"

#include <stdio.h>
#include <string.h>

static char lines[4096];
static size_t used;
static unsigned int nlines;

static void sink_write(const char *line, size_t len)
{
	assert_true(used + len < sizeof(lines));
	memcpy(lines + used, line, len);
	used += len;
	lines[used] = '\0';
	nlines++;
}

static uint64_t sink_now(void)
{
	return 0;
}

static const struct log_sink sink = {sink_write, sink_now};

static struct plan plan;
static struct plan_partition *const one = &plan.partitions[0];
static struct plan_partition *const two = &plan.partitions[1];

static void check(void)
{
	used = 0;
	lines[0] = '\0';
	nlines = 0;
	one->refused = two->refused = false;
	plan_check_options(one);
	plan_check_options(two);
}

/* Two partitions of three functions each, of which nothing is said. */
static int setup(void **state)
{
	(void)state;
	log_set_sink(&sink);
	memset(&plan, 0, sizeof(plan));
	for (unsigned int i = 0; i < 6; i++) {
		struct plan_partition *p = &plan.partitions[i / 3];

		(void)snprintf(p->funcs[i % 3].node, PLAN_NODE_MAX, "/%u/%u", i / 3, i % 3);
		p->nfuncs = 3;
	}
	return 0;
}

static void assert_says(const char *line)
{
	check();
	if (!strstr(lines, line) || nlines != 1) {
		fail_msg("wanted: %s\ngot: %s", line, lines);
	}
	assert_true(one->refused);
	assert_false(two->refused);
}

static void test_nothing_said_is_right(void **state)
{
	(void)state;
	check();
	assert_int_equal(nlines, 0);
	assert_false(one->refused || two->refused);
}

/* SEED-001.22: each of the four, at its limits. */
static void test_ids_have_limits(void **state)
{
	static const char *const keys[PLAN_IDS] = {
		"vendor-id", "device-id", "subsystem-vendor-id", "subsystem-id"};
	static const uint32_t vals[] = {0, 0xfffe, 0xffff, 0x10000, UINT32_MAX};
	char line[80];

	(void)state;
	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		uint32_t most = i == PLAN_VENDOR ? 0xfffe : 0xffff;

		for (unsigned int k = 0; k < 5; k++) {
			one->funcs[1].ids_given = (uint8_t)(1u << i);
			one->funcs[1].ids[i] = vals[k];
			if (vals[k] <= most) {
				check();
				assert_int_equal(nlines, 0);
				continue;
			}
			(void)snprintf(line, sizeof(line),
				"plan: /0/1: %s: 0x%x is no id; 0 to "
				"0x%x\n",
				keys[i], vals[k], most);
			assert_says(line);
		}
		/* What was not given is not looked at. */
		one->funcs[1].ids_given = 0;
		check();
		assert_int_equal(nlines, 0);
	}
}

/* SEED-003.44: by the names of both; another partition has numbers of its own. */
static void test_bootindex_is_unique_in_a_partition(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		one->funcs[i].boots = two->funcs[i].boots = true;
		one->funcs[i].bootindex = two->funcs[i].bootindex = i;
	}
	check();
	assert_int_equal(nlines, 0);
	one->funcs[2].bootindex = 0;
	assert_says("plan: /0/2: bootindex: 0 is used by /0/0; each number once in a partition\n");
	one->funcs[1].bootindex = 0;
	check();
	assert_int_equal(nlines, 2);
	/* A number that was not given is no number. */
	one->funcs[0].boots = one->funcs[1].boots = false;
	check();
	assert_int_equal(nlines, 0);
	one->funcs[2].bootindex = PLAN_BOOTINDEX_MAX;
	check();
	assert_int_equal(nlines, 0);
	one->funcs[2].bootindex++;
	assert_says("plan: /0/2: bootindex: 2147483648 is too large; 0 to 2147483647\n");
}

/* SEED-001.11: a file is a ROM, of a size that fits. */
static void test_rom_file_is_a_rom(void **state)
{
	static uint8_t rom[PCI_ROM_MAX + 1] = {
		0x55, 0xaa, [0x18] = 0x1c, [0x1c] = 'P', 'C', 'I', 'R', [0x2c] = 1};
	struct plan_func *f = &one->funcs[1];

	(void)state;
	f->rom = PLAN_ROM_FILE;
	f->rom_file = (struct plan_blob){rom, PCI_ROM_MAX};
	check();
	assert_int_equal(nlines, 0);
	f->rom_file.size++;
	assert_says("plan: /0/1: rom: 1048577 bytes are too many; at most 1048576\n");
	f->rom_file.size = 0x1ff;
	assert_says("plan: /0/1: rom: is no option ROM (its image has no length, or is not all "
		    "there); \"device\", \"off\" or a file by /incbin/\n");
	f->rom_file = (struct plan_blob){(const uint8_t *)"Device", 7};
	assert_says("plan: /0/1: rom: is no option ROM (it does not begin with 55 aa); \"dev");
	f->rom = PLAN_ROM_OFF;
	check();
	assert_int_equal(nlines, 0);
}

/* SEED-003.2, SEED-003.4: all that is wrong with a node is told, of the second of three, too. */
static void test_every_broken_rule_of_a_node_has_its_line(void **state)
{
	struct plan_func *f = &one->funcs[1];

	(void)state;
	strcpy(f->policy, "none");
	f->ids_given = 0xf;
	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		f->ids[i] = 0x10000;
	}
	f->boots = true;
	f->bootindex = UINT32_MAX;
	f->rom = PLAN_ROM_FILE;
	f->rom_file = (struct plan_blob){(const uint8_t *)"", 1};
	check();
	assert_int_equal(nlines, 7);
	assert_true(one->refused);
	assert_false(two->refused);
}

/* SEED-003.4: what the reader has refused is looked at for what else is wrong with its nodes, and
 * for nothing that needs the machine. */
static void test_refused_before_is_told_the_rest(void **state)
{
	static struct board board;

	(void)state;
	plan.npartitions = 1;
	one->funcs[1].ids_given = 1;
	one->funcs[1].ids[0] = 0xffff;
	used = nlines = 0;
	one->refused = true;
	plan_check(&plan, &board, 0);
	assert_int_equal(nlines, 1);
	assert_non_null(strstr(lines, "vendor-id: 0xffff is no id"));
	assert_true(one->refused);
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_said_is_right),
		TEST(test_ids_have_limits),
		TEST(test_bootindex_is_unique_in_a_partition),
		TEST(test_rom_file_is_a_rom),
		TEST(test_every_broken_rule_of_a_node_has_its_line),
		TEST(test_refused_before_is_told_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
