// SPDX-License-Identifier: Apache-2.0
/*
 * core/plan.c and core/plan_legacy.c: one table of wrong plans with the words they get.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/partition.h"
#include "core/plan.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB	      0x100000ull
#define KIB	      0x400ull
#define FREE_MEM      (1024 * MIB)
/* Pages of 4K, 64K, 2M and 1G, as POWER9 and POWER10 have them. */
#define SHIFTS (1u << 12 | 1u << 16 | 1u << 21 | 1u << 30)

static char lines[8192];
static size_t lines_len;
static unsigned int nlines;

static void sink_write(const char *line, size_t len)
{
	nlines++;
	if (lines_len + len < sizeof(lines)) {
		memcpy(lines + lines_len, line, len);
		lines_len += len;
		lines[lines_len] = '\0';
	}
}

static uint64_t sink_now(void)
{
	return 0;
}

static const struct log_sink sink = {sink_write, sink_now};

static struct plan plan;
static struct board board;
static const uint8_t kernel[] = {0x7f, 'E', 'L', 'F'};

static void forget_lines(void)
{
	lines_len = 0;
	lines[0] = '\0';
	nlines = 0;
}

static void add_func(unsigned int phb, uint16_t bdfn, int group)
{
	board.funcs[board.nfuncs++] = (struct host_func){.phb = phb, .bdfn = bdfn, .group = group};
	if (group >= 0) {
		board.groups[group].nfuncs++;
	}
}

static void add_group(unsigned int id, unsigned int phb, uint8_t bus)
{
	board.groups[board.ngroups++] =
		(struct host_group){.id = id, .phb = phb, .bus = bus, .closed = true};
}

/*
 * Groups 0..2 and 26 on PHBs 0 and 0x1f: 26 has the functions 03:00.0, 00.1 and 01.0, 0 and 1 have
 * one each, 2 has ten. Cores 0 and 1 of two threads, 2 with one of its two dead, 3 of four.
 */
static void make_board(void)
{
	static const struct host_thread threads[] = {{0, 0, true}, {1, 0, true}, {4, 1, true},
		{5, 1, true}, {8, 2, true}, {9, 2, false}, {12, 3, true}, {13, 3, true},
		{14, 3, true}, {15, 3, true}};

	memset(&board, 0, sizeof(board));
	board.nthreads = ARRAY_SIZE(threads);
	memcpy(board.threads, threads, sizeof(threads));
	board.nphbs = 2;
	board.phbs[1].id = 0x1f;
	board.phbs[0].page_shifts = board.phbs[1].page_shifts = SHIFTS;
	add_group(0, 0, 1);
	add_group(1, 0, 2);
	add_group(2, 0, 3);
	add_group(26, 1, 3);
	add_func(0, 0x0000, -1);
	add_func(0, 0x0100, 0);
	add_func(0, 0x0200, 1);
	for (uint16_t i = 0; i < 10; i++) {
		add_func(0, (uint16_t)(0x0300 + i), 2);
	}
	add_func(1, 0x0300, 3);
	add_func(1, 0x0301, 3);
	add_func(1, 0x0308, 3);
}

/* Partition i is right: 64 MiB, one vCPU, and bridge 0 with group i. */
static void make_partition(unsigned int i)
{
	struct plan_partition *p = &plan.partitions[i];

	memset(p, 0, sizeof(*p));
	strcpy(p->node, i ? "/partitions/two" : "/partitions/one");
	strcpy(p->name, i ? "two" : "one");
	p->memory = 64 * MIB;
	p->vcpus = 1;
	p->kernel = (struct plan_blob){kernel, sizeof(kernel)};
	p->nphbs = 1;
	strcpy(p->phbs[0].node, i ? "/partitions/two/phb@3" : "/partitions/one/phb@3");
	strcpy(p->phbs[0].id, "net");
	p->phbs[0].index = 3;
	p->phbs[0].group = i;
	p->phbs[0].window_size = PLAN_WINDOW_DEFAULT;
	p->phbs[0].window_page = 4 * KIB;
}

static int setup(void **state)
{
	(void)state;
	log_set_sink(&sink);
	make_board();
	plan.npartitions = 2;
	make_partition(0);
	make_partition(1);
	forget_lines();
	return 0;
}

static struct plan_partition *const one = &plan.partitions[0];
static struct plan_partition *const two = &plan.partitions[1];

static struct plan_phb *add_phb(struct plan_partition *p, uint32_t index, uint32_t group)
{
	struct plan_phb *phb = &p->phbs[p->nphbs++];

	*phb = p->phbs[0];
	strcpy(phb->node, "/partitions/one/phb@4");
	phb->id[0] = '\0';
	phb->index = index;
	phb->group = group;
	return phb;
}

static struct plan_func *add_option(struct plan_phb *phb, uint16_t domain, uint16_t bdfn, bool hold)
{
	struct plan_partition *p = phb < two->phbs ? one : two;
	struct plan_func *f = &p->funcs[p->nfuncs++];

	if (!phb->nfuncs++) {
		phb->funcs = f;
	}

	*f = (struct plan_func){.domain = domain, .bdfn = bdfn, .hold = hold};
	strcpy(f->node, phb->nfuncs == 1 ? "/p/func@0" : "/p/func@1");
	return f;
}

/* --- right plans --- */

static void test_right_plan_passes_in_silence(void **state)
{
	(void)state;
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused || two->refused);
	assert_string_equal(lines, "");
}

static void edge_memory_min(void)
{
	one->memory = 16 * MIB;
}

static void edge_memory_all(void)
{
	one->memory = 960 * MIB;
}

static void edge_index_ends(void)
{
	one->phbs[0].index = 0;
	two->phbs[0].index = 30;
}

static void edge_window_min(void)
{
	one->phbs[0].window_size = PLAN_WINDOW_MIN;
	two->phbs[0].window_size = PLAN_WINDOW_MAX;
}

/* The host's own pages, and those made of them. */
static void edge_pages_of_the_host(void)
{
	one->phbs[0].window_page = 2 * MIB;
	two->phbs[0].window_page = 64 * KIB;
}

static void edge_page_is_made_of_smaller_ones(void)
{
	one->phbs[0].window_page = 16 * MIB;
	two->phbs[0].window_page = 32 * MIB;
}

static void edge_page_is_the_window_and_the_memory(void)
{
	one->memory = 32 * MIB;
	one->phbs[0].window_page = one->phbs[0].window_size = 32 * MIB;
}

/* A container's page, two roots, and a node for a page of a window of two levels. */
static void edge_tables_least(void)
{
	one->tables_said = two->tables_said = true;
	one->table_bytes = 16 * KIB;
	two->phbs[0].window_size = 2 * MIB;
	two->table_bytes = 12 * KIB;
}

static void edge_tables_of_any_size(void)
{
	one->tables_said = two->tables_said = true;
	one->table_bytes = 0xffffffff000;
	two->nphbs = 0;
	two->table_bytes = 4 * KIB;
}

static void edge_vcpus(void)
{
	one->vcpus = 4; /* cores 0, 1 */
	two->vcpus = 5; /* what is left: one of core 2, four of core 3 */
}

static void edge_same_index_and_id_in_two_partitions(void)
{
	assert_int_equal(one->phbs[0].index, two->phbs[0].index);
	assert_string_equal(one->phbs[0].id, two->phbs[0].id);
}

static void edge_input(void)
{
	two->console_input = true;
}

static void edge_no_bridge(void)
{
	one->nphbs = two->nphbs = 0;
}

static void edge_bypass(void)
{
	one->phbs[0].bypass = true;
}

static void edge_held_one_of_three(void)
{
	one->phbs[0].group = 26;
	add_option(&one->phbs[0], 0x1f, 0x0301, true);
	add_option(&one->phbs[0], 0x1f, 0x0308, false);
}

static void edge_eight_of_ten(void)
{
	one->phbs[0].group = 2;
	add_option(&one->phbs[0], 0, 0x0308, true);
	add_option(&one->phbs[0], 0, 0x0309, true);
}

static void test_edges_of_the_rules_pass(void **state)
{
	static void (*const edges[])(void) = {edge_memory_min, edge_memory_all, edge_index_ends,
		edge_window_min, edge_pages_of_the_host, edge_page_is_made_of_smaller_ones,
		edge_page_is_the_window_and_the_memory, edge_tables_least, edge_tables_of_any_size,
		edge_vcpus, edge_same_index_and_id_in_two_partitions, edge_input, edge_no_bridge,
		edge_bypass, edge_held_one_of_three, edge_eight_of_ten};

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		setup(state);
		edges[i]();
		plan_check(&plan, &board, FREE_MEM);
		if (one->refused || two->refused || nlines) {
			fail_msg("edge %zu: %s", i, lines);
		}
	}
}

/* --- wrong plans --- */

static void bad_name_empty(void)
{
	one->name[0] = '\0';
}

static void bad_name_chars(void)
{
	strcpy(one->name, "a\033[2J");
}

static void bad_name_long(void)
{
	memset(one->name, 'a', sizeof(one->name));
}

static void bad_memory_small(void)
{
	one->memory = 15 * MIB;
}

static void bad_memory_odd(void)
{
	one->memory = 17 * MIB;
}

static void bad_memory_unit(void)
{
	one->memory = 512; /* MiB where bytes are meant: SEED-001.3 */
}

static void bad_memory_big(void)
{
	one->memory = 4096 * MIB;
}

static void bad_memory_huge(void)
{
	one->memory = 0xffffffffffe00000;
}

static void bad_vcpus_none(void)
{
	one->vcpus = 0;
}

static void bad_vcpus_many(void)
{
	one->vcpus = 9;
}

static void bad_vcpus_cores(void)
{
	board.nthreads = 5;
	one->vcpus = 6;
	two->refused = true;
}

static void bad_kernel_missing(void)
{
	one->kernel = (struct plan_blob){NULL, 0};
}

static void bad_kernel_empty(void)
{
	one->kernel.size = 0;
}

static void bad_index_31(void)
{
	one->phbs[0].index = 31;
}

static void bad_index_max(void)
{
	one->phbs[0].index = 0xffffffff;
}

static void bad_index_twice(void)
{
	add_phb(one, 3, 26);
}

static void bad_id_chars(void)
{
	strcpy(one->phbs[0].id, "a b");
}

static void bad_id_twice(void)
{
	strcpy(add_phb(one, 4, 26)->id, "net");
}

static void bad_id_like_a_made_one(void)
{
	strcpy(one->phbs[0].id, "phb4");
	add_phb(one, 4, 26);
}

static void bad_group_unknown(void)
{
	one->phbs[0].group = 7;
}

static void bad_group_minus_one(void)
{
	one->phbs[0].group = 0xffffffff;
}

static void bad_group_none_here(void)
{
	board.ngroups = 0;
	two->nphbs = 0;
}

static void bad_group_refused(void)
{
	board.groups[0].refuse = "it holds a type-1 header";
}

static void bad_group_open(void)
{
	board.groups[0].closed = false;
}

static void bad_group_twice(void)
{
	add_phb(one, 4, 0);
}

static void bad_group_incomplete(void)
{
	board.groups[0].nfuncs = 2;
}

static void bad_group_large(void)
{
	one->phbs[0].group = 2;
}

static void bad_group_all_held(void)
{
	add_option(&one->phbs[0], 0, 0x0100, true);
}

static void match(struct plan_phb *phb, const char *texts, size_t len)
{
	phb->match = texts;
	phb->match_bytes = (uint16_t)len;
}

static void bad_match(void)
{
	static const char texts[] = "ffffffff ffffffff\0"
				    "8086\0"
				    "no hex";

	match(&one->phbs[0], texts, sizeof(texts));
}

static void bad_match_data(void)
{
	static const char text[] = "ffffffff ffffffff 0 0 0 0 1\0ffffffff ffffffff";

	match(&one->phbs[0], text, sizeof(text));
}

static void bad_match_nothing(void)
{
	static const char text[] = "8086 10d3";

	match(&one->phbs[0], text, sizeof(text));
}

static void bad_option_foreign(void)
{
	add_option(&one->phbs[0], 0, 0x0200, false);
}

static void bad_option_domain(void)
{
	one->phbs[0].group = 26;
	add_option(&one->phbs[0], 0, 0x0300, false);
}

static void bad_option_twice(void)
{
	one->phbs[0].group = 26;
	add_option(&one->phbs[0], 0x1f, 0x0301, false);
	add_option(&one->phbs[0], 0x1f, 0x0301, true);
}

static void bad_policy(void)
{
	strcpy(add_option(&one->phbs[0], 0, 0x0100, false)->policy, "Minimal");
}

static void bad_policy_long(void)
{
	memset(add_option(&one->phbs[0], 0, 0x0100, false)->policy, 'a', PLAN_POLICY_MAX);
}

static void bad_rom_of_device(void)
{
	add_option(&one->phbs[0], 0, 0x0100, false)->rom = PLAN_ROM_DEVICE;
	board.funcs[1].rom.size = 0x200000;
}

/* A BMC's graphics; to be insisted on by its own node. */
static void bad_danger(void)
{
	board.funcs[1].vendor = 0x1a03;
	board.funcs[1].device = 0x2000;
}

static void bad_virtio(void)
{
	board.funcs[1].passes_iommu = true;
}

static void bad_danger_with_options(void)
{
	bad_danger();
	strcpy(add_option(&one->phbs[0], 0, 0x0100, false)->policy, "minimal");
}

static void bad_window_zero(void)
{
	one->phbs[0].window_size = 0;
}

static void bad_window_odd(void)
{
	one->phbs[0].window_size = 0x30000000;
}

static void bad_window_small(void)
{
	one->phbs[0].window_size = 0x80000;
}

static void bad_window_large(void)
{
	one->phbs[0].window_size = 0x100000000;
}

static void bad_page_zero(void)
{
	one->phbs[0].window_page = 0;
}

static void bad_page_odd(void)
{
	one->phbs[0].window_page = 12 * KIB;
}

static void bad_page_that_no_one_asks_for(void)
{
	one->phbs[0].window_page = 8 * KIB;
}

static void bad_page_of_another_host(void)
{
	board.phbs[0].page_shifts = 1u << 12;
	one->phbs[0].window_page = 2 * MIB;
	two->phbs[0].window_page = 64 * KIB;
}

static void bad_page_huge(void)
{
	one->phbs[0].window_page = 0x3fffffffc00;
}

static void bad_page_and_memory(void)
{
	one->memory = 72 * MIB;
	one->phbs[0].window_page = 16 * MIB;
}

static void bad_page_and_window(void)
{
	one->phbs[0].window_size = MIB;
	one->phbs[0].window_page = 2 * MIB;
}

static void bad_tables_zero(void)
{
	one->tables_said = true;
}

static void bad_tables_few(void)
{
	one->tables_said = true;
	one->table_bytes = 12 * KIB;
}

static void bad_tables_odd(void)
{
	one->tables_said = true;
	one->table_bytes = 1022 * KIB;
}

/* Two bridges, twice as much. */
static void bad_tables_of_two(void)
{
	add_phb(one, 4, 26);
	one->tables_said = true;
	one->table_bytes = 28 * KIB;
}

#define P "plan: /partitions/one: "
#define B "plan: /partitions/one/phb@3: "
#define C "plan: /partitions/one/phb@4: "

/* What makes partition one wrong, and the one line it gets. SEED-001.12, SEED-001.28, SEED-001.77,
 * SEED-001.79; DF-06, DF-07, CF-14. */
static const struct {
	void (*make)(void);
	const char *line;
} wrong[] = {
	{bad_name_empty, P "name: \"\" is no name; 1 to 31 of"},
	{bad_name_chars, P "name: \"a?[2J\" is no name; 1 to 31 of"},
	{bad_name_long, P "name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is no name; "},
	{bad_memory_small, P "memory-mib: 15 is out of rule; a multiple of 2, at least 16\n"},
	{bad_memory_odd, P "memory-mib: 17 is out of rule; a multiple of 2"},
	{bad_memory_unit, P "memory-mib: 0 is out of rule; a multiple of 2, at least 16"},
	{bad_memory_big, P "memory-mib: 4096 do not fit; at most 1024 are left"},
	{bad_memory_huge, P "memory-mib: 17592186044414 do not fit; at most 1024"},
	{bad_vcpus_none, P "vcpus: 0 is out of range; 1 to 8"},
	{bad_vcpus_many, P "vcpus: 9 is out of range; 1 to 8"},
	{bad_vcpus_cores, P "vcpus: 6 wanted, and the cores left run 5 threads; a partition owns"},
	{bad_kernel_missing, P "kernel: missing or empty; an ELF file"},
	{bad_kernel_empty, P "kernel: missing or empty; an ELF file"},
	{bad_index_31, B "index: 31 is too large; 0 to 30"},
	{bad_index_max, B "index: 4294967295 is too large; 0 to 30"},
	{bad_index_twice, C "index: 3 is used by /partitions/one/phb@3 (id net); each bridge"},
	{bad_id_chars, B "id: \"a b\" is no name; 1 to 31 of"},
	{bad_id_twice, C "id: /partitions/one/phb@3 has the id \"net\"; ids of a partition"},
	{bad_id_like_a_made_one, C "id: /partitions/one/phb@3 has the id \"phb4\"; ids"},
	{bad_group_unknown, B "iommu: there is no group 7; this machine has groups 0-2, 26\n"},
	{bad_group_minus_one, B "iommu: there is no group 4294967295; this machine has groups"},
	{bad_group_none_here, B "iommu: there is no group 0; this machine has none\n"},
	{bad_group_refused, B "iommu: group 0 cannot be assigned (it holds a type-1 header); an"},
	{bad_group_open, B "iommu: group 0 could not be closed (bus masters and windows off); an"},
	{bad_group_twice, C "iommu: group 0 is taken by /partitions/one/phb@3 (id net); a group "
			    "belongs to one"},
	{bad_group_incomplete, B "iommu: functions of group 0 are incomplete, 1 of 2 known; a"},
	{bad_group_large, B "iommu: 10 functions in all; at most 8, the others with hold"},
	{bad_group_all_held, B "iommu: group 0 has no function left to give, 1 held of 1; at"},
	{bad_option_foreign,
		"plan: /p/func@0: host: 0000:02:00.0 is in no group of the bridge; options are"},
	{bad_option_domain,
		"plan: /p/func@0: host: 0000:03:00.0 is in no group of the bridge; options"},
	{bad_match, B "match: \"8086\" names no functions; vendor device [subvendor subdevice"},
	{bad_match_data, B "match: \"ffffffff ffffffff 0 0 0 0 1\" names no functions; vendor"},
	{bad_match_nothing, B "iommu: group 0 has no function left to give, 1 held of 1; at least "
			      "one that matches, without hold\n"},
	{bad_option_twice, "plan: /p/func@1: host: 001f:03:00.1 has options in /p/func@0 already"},
	{bad_policy, "plan: /p/func@0: policy: \"Minimal\" is no policy; full or minimal\n"},
	{bad_policy_long, "plan: /p/func@0: policy: \"aaaaaaaaaaaaaaa\" is no policy; full"},
	{bad_rom_of_device, "plan: /p/func@0: rom: that of 0000:01:00.0 is of 2097152 bytes; at "
			    "most 1048576, or a file\n"},
	{bad_danger, B "iommu: 0000:01:00.0 of group 0 is a BMC's graphics, a way into the memory "
		       "of the BMC; hold, or insist in a node of its own\n"},
	{bad_virtio, B "iommu: 0000:01:00.0 of group 0 is a virtio device whose DMA no IOMMU sees"},
	{bad_danger_with_options, B "iommu: 0000:01:00.0 of group 0 is a BMC's graphics"},
	{bad_window_zero, B "dma-window-mib: 0 is out of rule; a power of two, 1 to 2048\n"},
	{bad_window_odd, B "dma-window-mib: 768 is out of rule; a power of two"},
	{bad_window_small, B "dma-window-mib: 0 is out of rule; a power of two"},
	{bad_window_large, B "dma-window-mib: 4096 is out of rule; a power of two"},
	{bad_page_zero, B "dma-page-kib: 0 is no page of its host bridge; 4, 64, 2048, 16384, "
			  "32768, 1048576\n"},
	{bad_page_odd, B "dma-page-kib: 12 is no page of its host bridge; 4, 64, 2048,"},
	{bad_page_that_no_one_asks_for, B "dma-page-kib: 8 is no page of its host bridge; 4, 64"},
	{bad_page_of_another_host, B "dma-page-kib: 2048 is no page of its host bridge; 4, 64\n"},
	{bad_page_huge, B "dma-page-kib: 4294967295 is no page of its host bridge; 4"},
	{bad_page_and_memory, B "dma-page-kib: 16384 does not divide the 72 MiB of memory; a page"},
	{bad_page_and_window, B "dma-page-kib: 2048 is more than the window of 1 MiB; a smaller"},
	{bad_tables_zero, P "tce-table-kib: 0 is out of rule; a multiple of 4, at least 16\n"},
	{bad_tables_few, P "tce-table-kib: 12 is out of rule; a multiple of 4, at least 16\n"},
	{bad_tables_odd, P "tce-table-kib: 1022 is out of rule; a multiple of 4, at least 16"},
	{bad_tables_of_two, P "tce-table-kib: 28 is out of rule; a multiple of 4, at least 32"},
};

static void test_wrong_plan_is_told_and_stops_only_its_partition(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		bool other;

		setup(state);
		wrong[i].make();
		other = two->refused;
		plan_check(&plan, &board, FREE_MEM);
		/* Of a group that is not usable a second line says why it is one. */
		if (!strstr(lines, wrong[i].line) ||
			nlines != 1u + !!strstr(lines, "shares one PE\n")) {
			fail_msg("wanted: %s\ngot: %s", wrong[i].line, lines);
		}
		assert_true(one->refused);
		assert_true(two->refused == other);
	}
}

/* SEED-000.19: who is in the way, bridges too, and why that is the whole group's matter. */
static void test_group_that_is_refused_has_its_blockers_named(void **state)
{
	(void)state;
	board.groups[0].refuse = "a BAR has no size";
	board.groups[0].last = 1;
	board.funcs[1].wrong = "a BAR has no size";
	add_func(0, 0x0108, -1);
	board.funcs[board.nfuncs - 1].header_type = 1;
	board.funcs[board.nfuncs - 1].wrong = "a bridge with bus numbers that cannot be";
	plan_check(&plan, &board, FREE_MEM);
	assert_non_null(strstr(lines, B "iommu: group 0 cannot be assigned (a BAR has no size); "));
	assert_non_null(strstr(lines, B "iommu: group 0: 01:00.0 is in the way: a BAR has no"));
	assert_non_null(strstr(lines, B "iommu: group 0: bridge 01:01.0 is in the way: a bridge "));
	assert_non_null(strstr(lines, B "iommu: group 0: all below root port 00:00.0 of PHB#0000"));
	assert_int_equal(nlines, 4);
	assert_true(one->refused);
	assert_false(two->refused);
}

/* All rules that a partition breaks are told in one go. */
static void test_every_broken_rule_has_its_line(void **state)
{
	(void)state;
	one->memory = 0;
	one->vcpus = 0;
	one->kernel.size = 0;
	one->phbs[0].index = 99;
	one->phbs[0].group = 99;
	one->phbs[0].window_size = 99;
	plan_check(&plan, &board, FREE_MEM);
	assert_int_equal(nlines, 6);
	assert_false(two->refused);
}

/* What is not said is enough: every bridge's default window in full, and all memory once more in
 * pages of 4 KiB. */
static void test_tables_left_out_are_enough_for_all_bridges(void **state)
{
	(void)state;
	/* 1 GiB in pages of 4 KiB is 512 nodes and their root; 64 MiB are 32 and theirs; and the
	 * container's page. */
	assert_int_equal(plan_table_bytes(one), (512 + 1 + 32 + 1 + 1) * 4 * KIB);
	add_phb(one, 4, 26);
	assert_int_equal(plan_table_bytes(one), 2 * (512 + 1 + 32 + 1 + 1) * 4 * KIB);
	/* 2 MiB are made of pages of 128 KiB at the worst: 16384 of them. */
	one->phbs[1].window_page = 2 * MIB;
	one->phbs[1].window_size = 2048 * MIB;
	assert_int_equal(
		plan_table_bytes(one), (512 + 1 + 32 + 1 + 1 + 32 + 1 + 32 + 1 + 1) * 4 * KIB);
	one->nphbs = 1;
	one->memory = 1ull << 36;
	assert_int_equal(plan_table_bytes(one), (512 + 1 + 32768 + 64 + 1 + 1) * 4 * KIB);
	one->nphbs = 0;
	assert_int_equal(plan_table_bytes(one), 4 * KIB);
	one->tables_said = true;
	one->table_bytes = 64 * KIB;
	assert_int_equal(plan_table_bytes(one), 64 * KIB);
}

/* --- two partitions --- */

static void check_second(const char *line)
{
	plan_check(&plan, &board, FREE_MEM);
	if (!strstr(lines, line) || nlines != 1) {
		fail_msg("wanted: %s\ngot: %s", line, lines);
	}
	assert_false(one->refused);
	assert_true(two->refused);
}

/* SEED-001.20, SEED-003.37: the first in plan order keeps it, and is named. */
static void test_group_wanted_by_two_stays_with_the_first(void **state)
{
	(void)state;
	two->phbs[0].group = 0;
	check_second("plan: /partitions/two/phb@3: iommu: group 0 is taken by "
		     "/partitions/one/phb@3 (id net); "
		     "a group belongs to one bridge of one partition");
}

static void test_second_console_input_is_refused_naming_the_first(void **state)
{
	(void)state;
	one->console_input = two->console_input = true;
	check_second("plan: /partitions/two: console-input: /partitions/one has the input already; "
		     "one partition");
}

static void test_name_used_twice_is_refused(void **state)
{
	(void)state;
	strcpy(two->name, "one");
	check_second("plan: /partitions/two: name: /partitions/one has the name \"one\"; names");
}

static void test_memory_of_the_first_counts(void **state)
{
	(void)state;
	one->memory = 962 * MIB;
	check_second("plan: /partitions/two: memory-mib: 64 do not fit; at most 62 are left");
}

/* Design decision 3: what the first does not use of its last core is lost to the second. */
static void test_cores_are_owned_whole(void **state)
{
	(void)state;
	one->vcpus = 3;
	two->vcpus = 6;
	check_second("plan: /partitions/two: vcpus: 6 wanted, and the cores left run 5 threads; ");
}

/* DF-07: given with a word about it, and kept without one. */
static void test_dangerous_function_is_given_to_who_insists(void **state)
{
	struct plan_func *f;

	(void)state;
	bad_danger();
	f = add_option(&one->phbs[0], 0, 0x0100, false);
	f->insist = true;
	strcpy(f->policy, "full");
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused);
	assert_int_equal(nlines, 1);
	assert_non_null(strstr(lines, "4] plan: /p/func@0: insist: 0000:01:00.0 is given to a "
				      "guest; it is a BMC's graphics, a way into the memory of the "
				      "BMC\n"));
	/* Another function of that maker is none. */
	forget_lines();
	f->insist = false;
	board.funcs[1].device = 0x1150;
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused);
	assert_int_equal(nlines, 0);
	/* Held it is nobody's danger; and then no longer. */
	one->nfuncs = one->phbs[0].nfuncs = 0;
	one->phbs[0].group = 26;
	f = add_option(&one->phbs[0], 0x1f, 0x0301, true);
	for (unsigned int i = 0; i < board.nfuncs; i++) {
		if (board.funcs[i].bdfn == 0x0301) {
			board.funcs[i].vendor = 0x1a03;
			board.funcs[i].device = 0x2000;
		}
	}
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused);
	assert_int_equal(nlines, 0);
	f->hold = false;
	plan_check(&plan, &board, FREE_MEM);
	assert_true(one->refused);
}

/* SEED-002.19, SEED-002.23, SEED-002.25: of a group that has too many, or a dangerous one, those
 * that match are given. */
static void test_functions_without_a_match_are_held(void **state)
{
	static const char one_kind[] = "1a03 2000", but_one[] = "ffffffff ffffffff\0-1a03 2000";
	static const char open_end[] = {'1', ' '};
	struct plan_phb *phb = &one->phbs[0];

	(void)state;
	phb->group = 2;
	for (unsigned int i = 0; i < board.nfuncs; i++) {
		board.funcs[i].vendor = board.funcs[i].bdfn < 0x0304 ? 0x1a03 : 0x8086;
		board.funcs[i].device = board.funcs[i].bdfn < 0x0304 ? 0x2001 : 0x10d3;
	}
	board.funcs[4].device = 0x2000;
	match(phb, one_kind, sizeof(one_kind));
	plan_check(&plan, &board, FREE_MEM);
	assert_true(one->refused);
	assert_non_null(strstr(lines, "iommu: 0000:03:00.1 of group 2 is a BMC's graphics"));
	assert_int_equal(nlines, 1);
	/* All but that one are still nine. */
	forget_lines();
	one->refused = false;
	match(phb, but_one, sizeof(but_one));
	plan_check(&plan, &board, FREE_MEM);
	assert_true(one->refused);
	assert_non_null(strstr(lines, "iommu: 9 functions in all; at most 8"));
	forget_lines();
	one->refused = false;
	board.funcs[3].device = 0x2000;
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused);
	assert_int_equal(nlines, 0);
	assert_false(plan_gives(phb, &board, &board.funcs[3]));
	assert_false(plan_gives(phb, &board, &board.funcs[4]));
	assert_true(plan_gives(phb, &board, &board.funcs[5]));
	/* Bytes that are no text are not looked behind. */
	match(phb, open_end, sizeof(open_end));
	plan_check(&plan, &board, FREE_MEM);
	assert_true(one->refused);
	assert_non_null(strstr(lines, B "match: is not texts; match = \"8086 10d3\";\n"));
}

/* Whoever is refused holds nothing that another could have. */
static void test_refused_partition_holds_nothing(void **state)
{
	for (unsigned int earlier = 0; earlier < 2; earlier++) {
		setup(state);
		one->memory = 960 * MIB;
		one->vcpus = 8;
		one->console_input = two->console_input = true;
		two->memory = 1024 * MIB;
		two->vcpus = 8;
		two->phbs[0].group = 0;
		strcpy(two->name, "one");
		if (earlier) {
			one->refused = true;
		} else {
			one->kernel.size = 0;
		}
		plan_check(&plan, &board, FREE_MEM);
		assert_true(one->refused);
		assert_false(two->refused);
		assert_int_equal(nlines, earlier ? 0 : 1);
	}
}

/* SEED-001.9 */
static void test_bridges_without_id_are_named_after_their_index(void **state)
{
	(void)state;
	one->phbs[0].id[0] = '\0';
	add_phb(one, 30, 26);
	plan_check(&plan, &board, FREE_MEM);
	assert_string_equal(one->phbs[0].id, "phb3");
	assert_string_equal(one->phbs[1].id, "phb30");
	assert_false(one->refused);
}

/* Ids so far apart that no range helps: the line stays bounded and says that there are more. */
static void test_many_groups_are_listed_as_far_as_there_is_room(void **state)
{
	(void)state;
	board.ngroups = 0;
	for (unsigned int i = 0; i < BOARD_MAX_GROUPS; i++) {
		add_group(4000000000u + 3 * i, 0, 0);
	}
	two->nphbs = 0;
	plan_check(&plan, &board, FREE_MEM);
	assert_non_null(strstr(lines, "has groups 4000000000, 4000000003, 4000000006, "));
	assert_non_null(strstr(lines, ", ...\n"));
	assert_int_equal(nlines, 1);
}

/* --- the command line --- */

static void legacy(const char *cmdline)
{
	plan.npartitions = 1;
	one->nphbs = 0;
	plan_add_legacy(&plan, cmdline);
}

/* SEED-001.1: the historic form, keys in any order, among other words. */
static void test_legacy_words_make_bridges(void **state)
{
	static const struct {
		const char *cmdline, *id;
		uint32_t group, index;
	} cases[] = {
		{"spapr-pci-vfio-host-bridge,id=CXGB3,iommu=26,index=6", "CXGB3", 26, 6},
		{"spapr-pci-host-bridge,index=6,iommu=26,id=CXGB3", "CXGB3", 26, 6},
		{"-device spapr-pci-vfio-host-bridge,iommu=26,id=a.b,index=6", "a.b", 26, 6},
		{"\tquiet  spapr-pci-host-bridge,iommu=0,index=0\nx=y,z", "", 0, 0},
		{"spapr-pci-host-bridge,iommu=4294967295,index=30", "", 4294967295u, 30},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		legacy(cases[i].cmdline);
		assert_string_equal(lines, "");
		assert_false(one->refused);
		assert_int_equal(one->nphbs, 1);
		assert_string_equal(one->phbs[0].id, cases[i].id);
		assert_string_equal(one->phbs[0].node, "command line");
		assert_true(one->phbs[0].group == cases[i].group);
		assert_int_equal(one->phbs[0].index, cases[i].index);
		assert_true(one->phbs[0].window_size == PLAN_WINDOW_DEFAULT);
		assert_true(one->phbs[0].window_page == 4 * KIB);
		assert_false(one->phbs[0].bypass);
		assert_int_equal(one->phbs[0].nfuncs, 0);
	}
}

static void test_other_words_are_not_ours(void **state)
{
	static const char *const words[] = {"", " \t\n ", "console=hvc0", "-device", "spapr-pci",
		"spapr-pci-vfio-host-bridges,iommu=1,index=1", "vfio-pci,host=0001:03:00.0",
		"x-spapr-pci-host-bridge,iommu=1", "=spapr-pci-host-bridge,iommu=1,index=1", ",,,"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		setup(state);
		legacy(words[i]);
		assert_int_equal(one->nphbs, 0);
		assert_false(one->refused);
		assert_string_equal(lines, "");
	}
}

#define W "spapr-pci-vfio-host-bridge,"
#define L "plan: command line: "

/* SEED-001.1: each wrong word is refused by the name of what is wrong. */
static void test_wrong_legacy_word_is_refused_by_name(void **state)
{
	static const struct {
		const char *cmdline, *line;
	} cases[] = {
		{W "iommu=-1,index=6", L "iommu: \"-1\" is no number; decimal"},
		{W "iommu=+1,index=6", L "iommu: \"+1\" is no number; decimal"},
		{W "iommu=26", L "index: missing; index=<number>"},
		{W "index=6", L "iommu: missing; iommu=<number>"},
		{W "iommu=26,index=6,index=6", L "index: given twice; once"},
		{W "iommu=26,iommu=27,index=6", L "iommu: given twice; once"},
		{W "id=a,id=b,iommu=26,index=6", L "id: given twice; once"},
		{W "iommu=26,index=6,host=1", L "host: unknown key; id=, iommu= and index="},
		{W "iommu=26,index=6,IOMMU=1", L "IOMMU: unknown key"},
		{W "iommu=26,index=6,iommu ", L "iommu: given twice"},
		{W "iommu=,index=6", L "iommu: \"\" is no number"},
		{W "iommu,index=6", L "iommu: \"\" is no number"},
		{W "iommu=0x1a,index=6", L "iommu: \"0x1a\" is no number"},
		{W "iommu=26a,index=6", L "iommu: \"26a\" is no number"},
		{W "iommu=26,index=06", L "index: \"06\" is no number"},
		{W "iommu=4294967296,index=6", L "iommu: \"4294967296\" is no number"},
		{W "iommu=18446744073709551642,index=6", L "iommu: \"18446744073709551642\" is"},
		{W "iommu==26,index=6", L "iommu: \"=26\" is no number"},
		{W "iommu=26,,index=6", L ": unknown key"},
		{W "iommu=26,index=6,", L "a host bridge ends in a comma"},
		{W "id=,iommu=26,index=6", L "id: \"\" is no name; 1 to 31"},
		{W "id=-x,iommu=26,index=6", L "id: \"-x\" is no name; 1 to 31"},
		{W "id=\xc3\xa9,iommu=26,index=6", L "id: \"\?\?\" is no name; 1 to 31"},
		{W "id=0123456789012345678901234567890X,iommu=26,index=6", L "id: \"01234"},
		{W "\xff\x01=2,iommu=26,index=6", L "?\?: unknown key"},
		{"spapr-pci-host-bridge", L "iommu: missing"},
		{"spapr-pci-host-bridge,a,b,c,d,e,f,g,h,i", L "too many keys"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		legacy(cases[i].cmdline);
		if (!strstr(lines, cases[i].line)) {
			fail_msg("%s\nwanted: %s\ngot: %s", cases[i].cmdline, cases[i].line, lines);
		}
		assert_true(one->refused);
		assert_int_equal(one->nphbs, 0);
	}
}

/* A wrong word adds nothing; the right ones beside it are still there to be looked at. */
static void test_wrong_word_does_not_spoil_the_right_one(void **state)
{
	(void)state;
	legacy("spapr-pci-host-bridge,iommu=x,index=1 spapr-pci-host-bridge,iommu=1,index=2");
	assert_int_equal(one->nphbs, 1);
	assert_int_equal(one->phbs[0].index, 2);
	assert_true(one->refused);
	assert_int_equal(nlines, 1);
}

/* SEED-003.1: the historic word for the stricter exposure; of the bridge named last. */
static void test_pci_assign_puts_a_function_under_the_minimal_policy(void **state)
{
	(void)state;
	legacy(W "iommu=0,index=1 " W "iommu=26,index=2 -device pci-assign,host=001f:03:00.1 "
		 "pci-assign,host=001f:03:01.0");
	assert_int_equal(nlines, 0);
	assert_int_equal(one->nphbs, 2);
	assert_int_equal(one->phbs[0].nfuncs, 0);
	assert_int_equal(one->phbs[1].nfuncs, 2);
	assert_int_equal(one->phbs[1].funcs[0].domain, 0x1f);
	assert_int_equal(one->phbs[1].funcs[0].bdfn, 0x0301);
	assert_int_equal(one->phbs[1].funcs[1].bdfn, 0x0308);
	assert_string_equal(one->phbs[1].funcs[1].policy, "minimal");
	plan_check(&plan, &board, FREE_MEM);
	assert_false(one->refused);
}

static void test_pci_assign_may_leave_the_domain_out(void **state)
{
	(void)state;
	legacy(W "iommu=0,index=1 pci-assign,host=01:00.0");
	assert_int_equal(nlines, 0);
	assert_int_equal(one->phbs[0].nfuncs, 1);
	assert_int_equal(one->phbs[0].funcs[0].domain, 0);
	assert_int_equal(one->phbs[0].funcs[0].bdfn, 0x0100);
}

static void test_wrong_pci_assign_is_refused_by_name(void **state)
{
	static const struct {
		const char *words, *line;
	} cases[] = {
		{"pci-assign,host=01:00.0", L "pci-assign: no host bridge before it; after"},
		{W "iommu=0,index=1 pci-assign", L "pci-assign: \"\" is not its host; host=0000:"},
		{W "iommu=0,index=1 pci-assign,", L "pci-assign: \"\" is not its host"},
		{W "iommu=0,index=1 pci-assign,iommu=3", L "pci-assign: \"iommu=3\" is not its"},
		{W "iommu=0,index=1 pci-assign,host=",
			L "pci-assign: host: \"\" is not a function"},
		{W "iommu=0,index=1 pci-assign,host=01:20.0", L "pci-assign: host: \"01:20.0\""},
		{W "iommu=0,index=1 pci-assign,host=01:00.0,id=x",
			L "pci-assign: host: \"01:00.0,"},
		{W "iommu=0,index=1 pci-assign,host=00000:01:00.0", L "pci-assign: host: \"0000"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		legacy(cases[i].words);
		assert_true(one->refused);
		assert_int_equal(nlines, 1);
		assert_non_null(strstr(lines, cases[i].line));
		assert_int_equal(one->nfuncs, 0);
	}
	/* A bridge that is wrong has said all there is to say; one too many is one too many. */
	setup(state);
	legacy(W "iommu=x,index=1 pci-assign,host=01:00.0");
	assert_int_equal(nlines, 1);
	setup(state);
	legacy(W "iommu=0,index=1");
	one->nfuncs = PLAN_MAX_FUNCS;
	plan_add_legacy(&plan, W "iommu=1,index=2 pci-assign,host=01:00.0");
	assert_int_equal(nlines, 1);
	assert_non_null(strstr(lines, L "pci-assign: one too many; options for at most 32"));
}

/* BB-05: the same bridge twice is two bridges with one index and one group. */
static void test_same_bridge_twice_is_refused(void **state)
{
	(void)state;
	legacy(W "iommu=26,index=6 " W "iommu=26,index=6");
	plan_check(&plan, &board, FREE_MEM);
	assert_true(one->refused);
	assert_non_null(strstr(lines, L "index: 6 is used by command line (id phb6); each"));
	assert_non_null(strstr(lines, L "iommu: group 26 is taken by command line (id phb6);"));
	assert_int_equal(nlines, 2);
}

static void test_more_bridges_than_there_is_room_for_are_refused(void **state)
{
	char cmdline[2048] = "";

	(void)state;
	for (unsigned int i = 0; i <= PLAN_MAX_PHBS; i++) {
		strcat(cmdline, "spapr-pci-host-bridge,iommu=1,index=2 ");
	}
	legacy(cmdline);
	assert_int_equal(one->nphbs, PLAN_MAX_PHBS);
	assert_true(one->refused);
	assert_non_null(strstr(lines, L "too many host bridges; at most 31 in a partition"));
}

/* As many bridges as there can be, each with the largest window: their tables follow. */
static void test_windows_of_all_bridges_may_be_the_largest(void **state)
{
	(void)state;
	two->nphbs = 0;
	one->phbs[0].window_size = PLAN_WINDOW_MAX;
	one->phbs[0].index = 0;
	board.ngroups = board.nfuncs = 0;
	for (unsigned int i = 0; i < PLAN_MAX_PHBS; i++) {
		add_group(i, 0, 0);
		add_func(0, 0x100, (int)i);
		if (i) {
			add_phb(one, i, i);
		}
	}
	plan_check(&plan, &board, FREE_MEM);
	assert_string_equal(lines, "");
	assert_false(one->refused);
	assert_int_equal(
		plan_table_bytes(one), PLAN_MAX_PHBS * (1024 + 2 + 1 + 32 + 1 + 1) * 4 * KIB);
}

static void test_bridge_without_any_partition_is_told(void **state)
{
	(void)state;
	plan.npartitions = 0;
	plan_add_legacy(&plan, W "iommu=26,index=6");
	assert_non_null(strstr(lines, L "host bridge without a partition to give it to; "));
}

/* BB-05: 64 KiB of it, in one word and in many: bounded lines, nothing added. */
static void test_huge_command_line_is_bounded(void **state)
{
	static const char *const units[] = {"x", "\xff", ",", "spapr-pci-host-bridge ",
		"spapr-pci-host-bridge,a=b,c=d,e=f,g=h,i=j,k=l,m=n,o=p,q=r,s=t "};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i]), n = 65536 / len;
		char *line = malloc(64 + n * len);

		assert_non_null(line);
		setup(state);
		strcpy(line, i < 3 ? "spapr-pci-host-bridge,iommu=1,index=" : "");
		for (size_t k = 0, at = strlen(line); k < n; k++, at += len) {
			memcpy(line + at, units[i], len + 1);
		}
		legacy(line);
		free(line);
		assert_int_equal(one->nphbs, 0);
		assert_true(one->refused);
		assert_in_range(nlines, 1, 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_right_plan_passes_in_silence, setup),
		cmocka_unit_test(test_edges_of_the_rules_pass),
		cmocka_unit_test(test_wrong_plan_is_told_and_stops_only_its_partition),
		cmocka_unit_test_setup(test_group_that_is_refused_has_its_blockers_named, setup),
		cmocka_unit_test_setup(test_every_broken_rule_has_its_line, setup),
		cmocka_unit_test_setup(test_tables_left_out_are_enough_for_all_bridges, setup),
		cmocka_unit_test_setup(test_group_wanted_by_two_stays_with_the_first, setup),
		cmocka_unit_test_setup(
			test_second_console_input_is_refused_naming_the_first, setup),
		cmocka_unit_test_setup(test_dangerous_function_is_given_to_who_insists, setup),
		cmocka_unit_test_setup(test_name_used_twice_is_refused, setup),
		cmocka_unit_test_setup(test_memory_of_the_first_counts, setup),
		cmocka_unit_test_setup(test_cores_are_owned_whole, setup),
		cmocka_unit_test_setup(test_functions_without_a_match_are_held, setup),
		cmocka_unit_test(test_refused_partition_holds_nothing),
		cmocka_unit_test_setup(test_bridges_without_id_are_named_after_their_index, setup),
		cmocka_unit_test_setup(test_many_groups_are_listed_as_far_as_there_is_room, setup),
		cmocka_unit_test(test_legacy_words_make_bridges),
		cmocka_unit_test(test_other_words_are_not_ours),
		cmocka_unit_test(test_wrong_legacy_word_is_refused_by_name),
		cmocka_unit_test_setup(test_wrong_word_does_not_spoil_the_right_one, setup),
		cmocka_unit_test_setup(
			test_pci_assign_puts_a_function_under_the_minimal_policy, setup),
		cmocka_unit_test_setup(test_pci_assign_may_leave_the_domain_out, setup),
		cmocka_unit_test_setup(test_wrong_pci_assign_is_refused_by_name, setup),
		cmocka_unit_test_setup(test_same_bridge_twice_is_refused, setup),
		cmocka_unit_test_setup(test_more_bridges_than_there_is_room_for_are_refused, setup),
		cmocka_unit_test_setup(test_windows_of_all_bridges_may_be_the_largest, setup),
		cmocka_unit_test_setup(test_bridge_without_any_partition_is_told, setup),
		cmocka_unit_test(test_huge_command_line_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
