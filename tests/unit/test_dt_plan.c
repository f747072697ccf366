// SPDX-License-Identifier: Apache-2.0
/* Tests of dt/dt_plan.c: the bundle's binding (docs/BOARDS.md). */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dt/dt_plan.h"

#include "tests/unit/dt_help.h"

#define SOURCE "tests/data/plan.dts"
#define ALPHA  "/partitions/alpha"
#define BETA   "/partitions/beta"
#define BRIDGE ALPHA "/bridge-0"
#define FUNC   BRIDGE "/function-0"
#define MIB    0x100000u

static struct help_tree bundle;
static struct plan plan;

static int compile_plan(void **state)
{
	(void)state;
	bundle = help_compile(SOURCE);
	return 0;
}

static int free_plan(void **state)
{
	(void)state;
	help_free(&bundle);
	return 0;
}

static void read_plan(void)
{
	memset(&plan, 0xa5, sizeof(plan));
	help_log_start();
	assert_int_equal(dt_plan_read(bundle.fdt, bundle.size, &plan), 0);
	assert_string_equal(help_log, "");
	assert_int_equal(plan.npartitions, 2);
}

static void test_every_key_of_a_partition_is_read(void **state)
{
	const struct plan_partition *alpha = &plan.partitions[0];

	(void)state;
	read_plan();
	assert_string_equal(alpha->name, "alpha");
	assert_string_equal(alpha->node, ALPHA);
	assert_false(alpha->refused);
	assert_int_equal(alpha->memory, 128 * MIB); /* SEED-001.3 */
	assert_int_equal(alpha->vcpus, 2);
	assert_true(alpha->console_input);
	assert_string_equal(alpha->bootargs, "console=hvc0 quiet");
	assert_int_equal(alpha->kernel.size, 5);
	assert_memory_equal(alpha->kernel.data,
		"\x7f"
		"ELF\x01",
		5);
	assert_int_equal(alpha->initrd.size, 2);
	assert_memory_equal(alpha->initrd.data, "\x1f\x8b", 2);
	assert_int_equal(alpha->nphbs, 2);
	assert_true(alpha->tables_said);
	assert_true(alpha->table_bytes == 0xffffffffull << 10); /* does not wrap */
}

static void test_keys_left_out_have_their_defaults(void **state)
{
	const struct plan_partition *beta = &plan.partitions[1];
	const struct plan_phb *phb = &plan.partitions[0].phbs[1];

	(void)state;
	read_plan();
	assert_string_equal(beta->name, "beta");
	assert_int_equal(beta->memory, 4095ull * MIB); /* does not wrap at 4 GiB */
	assert_int_equal(beta->vcpus, 1);
	assert_false(beta->console_input);
	assert_string_equal(beta->bootargs, "");
	assert_int_equal(beta->initrd.size, 0);
	assert_int_equal(beta->nphbs, 0);
	assert_false(beta->tables_said);
	assert_string_equal(phb->id, ""); /* plan_check makes one */
	assert_int_equal(phb->group, 27);
	assert_int_equal(phb->index, 0);
	assert_int_equal(phb->window_size, PLAN_WINDOW_DEFAULT);
	assert_int_equal(phb->window_page, 4096);
	assert_false(phb->bypass);
	assert_false(phb->no_ddw);
	assert_int_equal(phb->nfuncs, 0);
}

/* In the order in which they are written, as many as a bridge may have. */
static void test_bridge_may_have_several_groups(void **state)
{
	static const struct help_edit edit =
		HELP_CELLS(BRIDGE, "iommu", 3, 4, 0xffffffff, 6, 7, 8, 9, 0);
	static const uint32_t groups[PLAN_MAX_GROUPS] = {3, 4, 0xffffffff, 6, 7, 8, 9, 0};
	struct help_tree tree = help_edit(&bundle, &edit, 1);
	const struct plan_phb *phb = &plan.partitions[0].phbs[0];

	(void)state;
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_false(plan.partitions[0].refused);
	assert_int_equal(plan_ngroups(phb), PLAN_MAX_GROUPS);
	for (unsigned int i = 0; i < PLAN_MAX_GROUPS; i++) {
		assert_int_equal(plan_group(phb, i), groups[i]);
		assert_true(plan_has_group(phb, groups[i]));
	}
	assert_false(plan_has_group(phb, 26));
	help_free(&tree);
}

static void test_every_key_of_a_bridge_is_read(void **state)
{
	const struct plan_phb *phb = &plan.partitions[0].phbs[0];

	(void)state;
	read_plan();
	assert_string_equal(phb->node, BRIDGE);
	assert_string_equal(phb->id, "CXGB3");
	assert_int_equal(phb->group, 26);
	assert_int_equal(phb->index, 6);
	assert_int_equal(phb->window_size, 512 * MIB);
	assert_int_equal(phb->window_page, 0x10000);
	assert_true(phb->bypass);
	assert_true(phb->no_ddw);
	assert_int_equal(phb->nfuncs, 2);
	assert_string_equal(phb->funcs[0].node, FUNC);
	assert_int_equal(phb->funcs[0].domain, 1);
	assert_int_equal(phb->funcs[0].bdfn, 0x02ff);
	assert_true(phb->funcs[0].hold);
	assert_false(phb->funcs[0].insist);
	assert_string_equal(phb->funcs[0].policy, "");
	assert_int_equal(phb->funcs[0].ids_given, 0xf);
	assert_int_equal(phb->funcs[0].ids[PLAN_VENDOR], 0x1014);
	assert_int_equal(phb->funcs[0].ids[PLAN_DEVICE], 0xffff);
	assert_int_equal(phb->funcs[0].ids[PLAN_SUBSYS_VENDOR], 0);
	assert_int_equal(phb->funcs[0].ids[PLAN_SUBSYS], 0x12345678); /* plan_check's */
	assert_true(phb->funcs[0].boots);
	assert_int_equal(phb->funcs[0].bootindex, 0);
	assert_int_equal(phb->funcs[0].rom, PLAN_ROM_DEVICE);
	/* Either case of hex digits (SEED-000.2). */
	assert_int_equal(phb->funcs[1].domain, 0xab);
	assert_int_equal(phb->funcs[1].bdfn, 0xff00);
	assert_false(phb->funcs[1].hold);
	assert_true(phb->funcs[1].insist);
	assert_string_equal(phb->funcs[1].policy, "minimal");
	assert_int_equal(phb->funcs[1].ids_given, 0);
	assert_false(phb->funcs[1].boots);
	assert_int_equal(phb->funcs[1].rom, PLAN_ROM_FILE);
	assert_int_equal(phb->funcs[1].rom_file.size, 3);
	assert_memory_equal(phb->funcs[1].rom_file.data, "\x55\xaa\x01", 3);
}

static const char too_long[PLAN_MATCH_MAX + 1];

/* One thing wrong: alpha is refused with this line and beta goes on. */
static const struct {
	struct help_edit edit;
	const char *says;
} cases[] = {
	{HELP_CELLS(ALPHA, "memroy-mib", 1),
		"plan: " ALPHA ": memroy-mib: unknown key, or said twice; known are memory-mib, "
		"vcpus, kernel, initrd, bootargs, console-input, tce-table-kib"},
	{HELP_DELETE(ALPHA, "memory-mib"), "memory-mib: is missing; memory-mib = <128>;"},
	{HELP_CELLS(ALPHA, "memory-mib", 0, 128), "memory-mib: is not one number of one cell"},
	{HELP_STRING(ALPHA, "memory-mib",
		 "128"
		 "M"),
		"memory-mib: is not one number of one cell"},
	{HELP_BYTES(ALPHA, "memory-mib", NULL, 0), "memory-mib: is not one number of one cell"},
	{HELP_BYTES(ALPHA, "vcpus", "\0\1", 2),
		"vcpus: is not one number of one cell; vcpus = <1>;"},
	{HELP_DELETE(ALPHA, "kernel"), "kernel: is missing; kernel = /incbin/(\"file\");"},
	{HELP_BYTES(ALPHA, "kernel", NULL, 0), "kernel: is empty"},
	{HELP_BYTES(ALPHA, "initrd", NULL, 0), "initrd: is empty"}, /* BB-03 */
	{HELP_BYTES(ALPHA, "bootargs", "quiet", 5), "bootargs: is not one text"},
	{HELP_BYTES(ALPHA, "bootargs", "a\0b", 4), "bootargs: is not one text"},
	{HELP_BYTES(ALPHA, "bootargs", NULL, 0), "bootargs: is not one text"},
	{HELP_CELLS(ALPHA, "console-input", 1),
		"console-input: is a flag and has no value; console-input;"},
	{HELP_RENAME(ALPHA, "al pha"),
		"plan: /partitions/al pha: name: \"al pha\" is no name; 1 to"},
	{HELP_RENAME(ALPHA, "alpha@0"), "name: \"alpha@0\" is no name"},
	{HELP_RENAME(ALPHA, "abcdefghijklmnopqrstuvwxyzabcdef"), "is no name"},
	{HELP_STRING(BRIDGE, "policy", "minimal"),
		"plan: " BRIDGE ": policy: unknown key, or said twice; known are id, iommu, index, "
		"dma-window-mib, dma-page-kib, bypass, no-ddw, match"},
	{HELP_DELETE(BRIDGE, "iommu"), "bridge-0: iommu: is missing; iommu = <group>;"},
	{HELP_DELETE(BRIDGE, "index"),
		"bridge-0: index: is missing; index = <0>; to index = <30>;"},
	{HELP_STRING(BRIDGE, "iommu", "26"), "iommu: is not numbers of one cell"},
	{HELP_BYTES(BRIDGE, "iommu", "", 0), "iommu: is not numbers of one cell; iommu = <group>"},
	{HELP_CELLS(BRIDGE, "iommu", 1, 2, 3, 4, 5, 6, 7, 8, 9), "iommu: has too many numbers; "},
	{HELP_CELLS(BRIDGE, "index", 6, 6), "index: is not one number"},
	{HELP_STRING(BRIDGE, "dma-window-mib", "1024m"), "dma-window-mib: is not one number"},
	{HELP_CELLS(BRIDGE, "dma-page-kib", 0, 64),
		"dma-page-kib: is not one number of one cell; dma-page-kib = <4>;"},
	{HELP_STRING(ALPHA, "tce-table-kib", "4M"),
		"tce-table-kib: is not one number of one cell; tce-table-kib = <4096>;"},
	{HELP_STRING(BRIDGE, "bypass", "off"), "bypass: is a flag and has no value; bypass;"},
	{HELP_CELLS(BRIDGE, "no-ddw", 1), "no-ddw: is a flag and has no value; no-ddw;"},
	{HELP_BYTES(BRIDGE, "match", NULL, 0), "match: is not texts; match = \"8086 10d3\";"},
	{HELP_BYTES(BRIDGE, "match", "8086 10d3", 9), "match: is not texts"},
	{HELP_CELLS(BRIDGE, "match", 0x80862222), "match: is not texts"},
	{HELP_BYTES(BRIDGE, "match", too_long, sizeof(too_long)), "match: is too long; match"},
	{HELP_CELLS(BRIDGE, "id", 1), "id: is not one text; 1 to 31 of a-z"},
	{HELP_STRING(BRIDGE, "id", "two words"), "id: \"two words\" is no name"},
	{HELP_STRING(BRIDGE, "id", ""), "id: \"\" is no name"},
	{HELP_STRING(BRIDGE, "id", "abcdefghijklmnopqrstuvwxyzabcdef"), "id: is too long; 1 to 31"},
	{HELP_CELLS(FUNC, "vga", 1),
		"plan: " FUNC ": vga: unknown key, or said twice; known are host, hold, insist, "
		"policy, vendor-id, device-id, subsystem-vendor-id, subsystem-id, bootindex, rom"},
	{HELP_STRING(FUNC, "vendor-id", "0x1014"),
		"function-0: vendor-id: is not one number of one cell; vendor-id = <0x1014>;"},
	{HELP_CELLS(FUNC, "device-id", 0, 1), "device-id: is not one number of one cell"},
	{HELP_CELLS(FUNC, "subsystem-vendor-id", 0, 1), "subsystem-vendor-id: is not one number"},
	{HELP_CELLS(FUNC, "subsystem-id", 0, 1), "subsystem-id: is not one number of one cell"},
	{HELP_STRING(FUNC, "bootindex", "first"),
		"bootindex: is not one number of one cell; bootindex = <1>;"},
	{HELP_ADD(FUNC, "more"), "plan: " FUNC ": more: unknown node"},
	{HELP_DELETE(FUNC, "host"), "function-0: host: is missing; domain:bus:slot.function"},
	{HELP_CELLS(FUNC, "host", 0x01000000), "function-0: host: is not one text"},
	{HELP_CELLS(FUNC, "hold", 1), "function-0: hold: is a flag"},
	{HELP_STRING(FUNC, "insist", "yes"), "function-0: insist: is a flag"},
	{HELP_CELLS(FUNC, "policy", 1), "function-0: policy: is not one text; policy = \"full\""},
	{HELP_STRING(FUNC, "policy", ""), "function-0: policy: is empty; policy = \"full\""},
	{HELP_STRING(FUNC, "policy", "0123456789abcdef"), "function-0: policy: is too long"},
	/* SEED-000.2 */
	{HELP_STRING(FUNC, "host", "01:00.0"), "host: \"01:00.0\" is not a function; domain:bus:"},
	{HELP_STRING(FUNC, "host", "0000:01:20.0"), "host: \"0000:01:20.0\" is not a function"},
	{HELP_STRING(FUNC, "host", "0000:01:00.8"), "host: \"0000:01:00.8\" is not a function"},
	{HELP_STRING(FUNC, "host", "0000:01:00-0"), "is not a function"},
	{HELP_STRING(FUNC, "host", "000g:01:00.0"), "is not a function"},
	{HELP_STRING(FUNC, "host", "0000:0:100.0"), "is not a function"},
	{HELP_STRING(FUNC, "host", " 000:01:00.0"), "is not a function"},
	{HELP_STRING(FUNC, "host", "0000:01:00.00"), "function-0: host: is too long"},
	{HELP_STRING(FUNC, "host", ""), "host: \"\" is not a function"},
};

static void test_what_is_wrong_is_named_and_refuses_its_partition_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct help_tree tree = help_edit(&bundle, &cases[i].edit, 1);

		help_log_start();
		assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
		help_assert_logged("case", cases[i].says);
		if (help_log_lines() != 1 || plan.npartitions != 2 || !plan.partitions[0].refused ||
			plan.partitions[1].refused) {
			fail_msg("case %zu: %s", i, help_log);
		}
		help_free(&tree);
	}
}

/* SEED-003.4: nobody wants to find the second mistake after mending the first. */
static void test_all_errors_are_reported_together(void **state)
{
	static const struct help_edit edits[] = {
		HELP_CELLS(ALPHA, "foo", 1),
		HELP_CELLS(ALPHA, "bar", 1),
		HELP_STRING(ALPHA, "vcpus", "four"),
		HELP_DELETE(ALPHA, "memory-mib"),
		HELP_DELETE(BRIDGE, "iommu"),
		HELP_STRING(BRIDGE, "index", "6"),
		HELP_STRING(FUNC, "host", "x"),
		HELP_DELETE(BETA, "kernel"),
	};
	static const char *const says[] = {"alpha: foo: unknown", "alpha: bar: unknown",
		"alpha: vcpus: is not", "alpha: memory-mib: is missing", "iommu: is missing",
		"index: is not", "host: \"x\" is not", "beta: kernel: is missing"};
	struct help_tree tree = help_edit(&bundle, edits, 8);

	(void)state;
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		help_assert_logged("together", says[i]);
	}
	assert_int_equal(help_log_lines(), 8);
	assert_true(plan.partitions[0].refused);
	assert_true(plan.partitions[1].refused);
	help_free(&tree);
}

/* SEED-001.11: two words; what is neither is a file, about which plan_check has a word. */
static void test_rom_is_a_word_or_a_file(void **state)
{
	static const struct {
		const char *text;
		enum plan_rom rom;
	} roms[] = {{"off", PLAN_ROM_OFF}, {"device", PLAN_ROM_DEVICE}, {"devic", PLAN_ROM_FILE},
		{"offs", PLAN_ROM_FILE}, {"", PLAN_ROM_FILE}};

	(void)state;
	for (size_t i = 0; i < sizeof(roms) / sizeof(roms[0]); i++) {
		struct help_edit edit = HELP_STRING(FUNC, "rom", "");
		struct help_tree tree;

		edit.text = roms[i].text;
		edit.len = strlen(roms[i].text) + 1;
		tree = help_edit(&bundle, &edit, 1);
		assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
		assert_int_equal(plan.partitions[0].funcs[0].rom, roms[i].rom);
		assert_false(plan.partitions[0].refused);
		help_free(&tree);
	}
}

/* SEED-002.23: which texts, only the plan's check asks. */
static void test_list_of_matches_is_read_whole(void **state)
{
	const struct help_edit edit = HELP_STRING(BRIDGE, "match", "8086 10d3\0-x");
	struct help_tree tree = help_edit(&bundle, &edit, 1);

	(void)state;
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_int_equal(help_log_lines(), 0);
	assert_int_equal(plan.partitions[0].phbs[0].match_bytes, 13);
	assert_memory_equal(plan.partitions[0].phbs[0].match, "8086 10d3\0-x", 13);
	assert_int_equal(plan.partitions[0].phbs[1].match_bytes, 0);
	help_free(&tree);
}

static void test_longest_texts_are_read_whole(void **state)
{
	static char text[PLAN_BOOTARGS_MAX + 1];
	const struct help_edit fits[] = {
		HELP_BYTES(ALPHA, "bootargs", text + 1, PLAN_BOOTARGS_MAX),
		HELP_STRING(BRIDGE, "id", "abcdefghijklmnopqrstuvwxyzabcde"),
		HELP_RENAME(BETA, "Abcdefghijklmnopqrstuvwxyz-_.12"),
	};
	const struct help_edit over = HELP_BYTES(ALPHA, "bootargs", text, PLAN_BOOTARGS_MAX + 1);
	struct help_tree tree;

	(void)state;
	memset(text, 'x', PLAN_BOOTARGS_MAX);
	tree = help_edit(&bundle, fits, 3);
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_string_equal(help_log, "");
	assert_int_equal(strlen(plan.partitions[0].bootargs), PLAN_BOOTARGS_MAX - 1);
	assert_int_equal(strlen(plan.partitions[0].phbs[0].id), PLAN_NAME_MAX - 1);
	assert_string_equal(plan.partitions[1].name, "Abcdefghijklmnopqrstuvwxyz-_.12");
	help_free(&tree);
	tree = help_edit(&bundle, &over, 1);
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	help_assert_logged("over", "bootargs: is too long; one text of at most 2047 characters");
	assert_true(plan.partitions[0].refused);
	help_free(&tree);
}

/* A copy of the bundle with n children of parent called x0, x1... */
static struct help_tree many_nodes(const char *parent, unsigned int n)
{
	struct help_tree tree = {.fdt = malloc(1 << 20), .size = 1 << 20};

	assert_non_null(tree.fdt);
	assert_int_equal(fdt_open_into(bundle.fdt, tree.fdt, 1 << 20), 0);
	for (unsigned int i = 0; i < n; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "x%u", i);
		assert_true(
			fdt_add_subnode(tree.fdt, fdt_path_offset(tree.fdt, parent), name) >= 0);
	}
	return tree;
}

static void test_more_nodes_than_there_is_room_for_are_said(void **state)
{
	static const struct {
		const char *parent, *says;
	} full[] = {
		{"/partitions", "at most 8 partitions"},
		{ALPHA, "at most 31 host bridges"},
		{BRIDGE, "options for at most 32 functions of a partition"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct help_tree tree = many_nodes(full[i].parent, 1000);

		help_log_start();
		assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
		help_assert_logged("full", full[i].says);
		/* No flood: two keys that are missing in each, and the line asked for. */
		assert_in_range(help_log_lines(), 1, 2 * PLAN_MAX_PHBS + 1);
		assert_true(plan.partitions[0].refused);
		assert_int_equal(plan.npartitions, i ? 2 : PLAN_MAX_PARTITIONS);
		help_free(&tree);
	}
}

/* dtc joins such; a tree made otherwise may have them. */
static void test_key_said_twice_is_refused(void **state)
{
	static const struct help_edit nothing = {.op = HELP_OP_NOTHING};
	struct help_tree tree = help_edit(&bundle, &nothing, 1);
	int alpha = fdt_path_offset(tree.fdt, ALPHA);
	struct fdt_property *vcpus = fdt_get_property_w(tree.fdt, alpha, "vcpus", NULL);

	(void)state;
	assert_non_null(vcpus);
	vcpus->nameoff = fdt_get_property(tree.fdt, alpha, "memory-mib", NULL)->nameoff;
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	help_assert_logged("twice", "memory-mib: unknown key, or said twice");
	assert_true(plan.partitions[0].refused);
	assert_int_equal(plan.partitions[0].memory, 128 * MIB);
	help_free(&tree);
}

static void test_thousand_unknown_keys_do_not_flood_the_log(void **state)
{
	struct help_tree tree = many_nodes("/", 0);

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "x%u", i);
		assert_int_equal(
			fdt_setprop_u32(tree.fdt, fdt_path_offset(tree.fdt, ALPHA), name, i), 0);
	}
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_int_equal(help_log_lines(), LOG_BURST + 1);
	assert_true(plan.partitions[0].refused);
	help_free(&tree);
}

static void test_keys_outside_of_partitions_are_said(void **state)
{
	static const struct help_edit edits[] = {
		HELP_CELLS("/partitions", "memory-mib", 128),
		HELP_CELLS("/", "vcpus", 1),
		HELP_ADD("/", "gamma"),
	};
	struct help_tree tree = help_edit(&bundle, edits, 3);

	(void)state;
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	help_assert_logged("partitions", "plan: /partitions: memory-mib: unknown key, ignored");
	help_assert_logged("root", "plan: /: vcpus: unknown key, ignored");
	help_assert_logged("node", "plan: /: gamma: unknown node, ignored");
	assert_false(plan.partitions[0].refused);
	help_free(&tree);
}

static void test_name_that_is_no_text_for_a_terminal_stays_out_of_the_log(void **state)
{
	static const struct help_edit edit = HELP_RENAME(ALPHA, "al\033[31mpha");
	struct help_tree tree = help_edit(&bundle, &edit, 1);

	(void)state;
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_true(plan.partitions[0].refused);
	assert_null(strchr(help_log, '\033'));
	help_free(&tree);
}

static void test_long_path_is_cut(void **state)
{
	static char name[200];
	const struct help_edit edit = HELP_RENAME(BRIDGE, name);
	struct help_tree tree;

	(void)state;
	memset(name, 'b', sizeof(name) - 1);
	tree = help_edit(&bundle, &edit, 1);
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), 0);
	assert_int_equal(strlen(plan.partitions[0].phbs[0].node), PLAN_NODE_MAX - 1);
	assert_int_equal(strlen(plan.partitions[0].phbs[0].funcs[0].node), PLAN_NODE_MAX - 1);
	assert_false(plan.partitions[0].refused);
	help_free(&tree);
}

static void test_bundle_that_is_no_plan_is_refused(void **state)
{
	static const struct {
		struct help_edit edit;
		int ret;
		const char *says;
	} wrong[] = {
		{HELP_DELETE("/", "compatible"), -EINVAL,
			"plan: /: compatible: is not a plan's; compatible = \"tcelot,plan\";"},
		{HELP_STRING("/", "compatible", "tcelot,planet"), -EINVAL, "is not a plan's"},
		{HELP_BYTES("/", "compatible", "tcelot,plan", 11), -EINVAL, "is not a plan's"},
		{HELP_DELETE("/partitions", NULL), -ENOENT, "holds no partition"},
		{HELP_RENAME("/partitions", "partition"), -ENOENT, "holds no partition"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct help_tree tree = help_edit(&bundle, &wrong[i].edit, 1);

		help_log_start();
		assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), wrong[i].ret);
		assert_int_equal(plan.npartitions, 0);
		help_assert_logged("no plan", wrong[i].says);
		help_free(&tree);
	}
}

/* BB-01: both the size we are told and the header's own. */
static void test_bundle_cut_anywhere_is_refused(void **state)
{
	(void)state;
	help_log_silence();
	for (size_t n = 0; n < bundle.size; n += HELP_STEP) {
		void *cut = malloc(n ? n : 1);

		assert_non_null(cut);
		memcpy(cut, bundle.fdt, n);
		assert_int_equal(dt_plan_read(cut, n, &plan), -EINVAL);
		if (n >= sizeof(struct fdt_header)) {
			fdt_set_totalsize(cut, (uint32_t)n);
			assert_int_equal(dt_plan_read(cut, n, &plan), -EINVAL);
		}
		free(cut);
	}
}

/* What is before the break may be in order; nothing of it is taken. */
static void test_bundle_with_a_broken_end_is_refused_whole(void **state)
{
	static const struct help_edit nothing = {.op = HELP_OP_NOTHING};
	struct help_tree tree = help_edit(&bundle, &nothing, 1);
	uint8_t *end = (uint8_t *)tree.fdt + fdt_off_dt_struct(tree.fdt) +
		       fdt_size_dt_struct(tree.fdt) - 4;

	(void)state;
	assert_int_equal(fdt32_ld((const fdt32_t *)(const void *)end), FDT_END);
	fdt32_st(end, FDT_PROP);
	help_log_start();
	assert_int_equal(dt_plan_read(tree.fdt, tree.size, &plan), -EINVAL);
	help_assert_logged("end", "plan: bundle: its structure is broken; a .dtb made by dtc");
	help_free(&tree);
}

static void assert_blob_inside(const struct plan_blob *blob, const uint8_t *tree)
{
	if (blob->size) {
		assert_true(blob->data >= tree && blob->data + blob->size <= tree + bundle.size);
	}
}

/* Reads what may be broken in any way; what comes out can be used without looking twice. */
static void read_any(const uint8_t *tree)
{
	int ret = dt_plan_read(tree, bundle.size, &plan);

	assert_true(ret == 0 || ((ret == -EINVAL || ret == -ENOENT) && !plan.npartitions));
	assert_in_range(plan.npartitions, 0, PLAN_MAX_PARTITIONS);
	for (unsigned int i = 0; i < plan.npartitions; i++) {
		const struct plan_partition *p = &plan.partitions[i];

		assert_in_range(p->nphbs, 0, PLAN_MAX_PHBS);
		assert_non_null(memchr(p->name, 0, sizeof(p->name)));
		assert_non_null(memchr(p->node, 0, sizeof(p->node)));
		assert_non_null(memchr(p->bootargs, 0, sizeof(p->bootargs)));
		assert_blob_inside(&p->kernel, tree);
		assert_blob_inside(&p->initrd, tree);
		assert_true(p->refused || p->kernel.size);
		for (unsigned int k = 0; k < p->nphbs; k++) {
			assert_in_range(p->phbs[k].nfuncs, 0, PLAN_MAX_FUNCS);
			assert_non_null(memchr(p->phbs[k].id, 0, sizeof(p->phbs[k].id)));
		}
	}
}

/* BB-01 */
static void test_any_word_may_be_wrong(void **state)
{
	static const uint32_t values[] = {0, 1, 2, 3, 4, 9, 0x7ffffffc, ~0u};
	uint8_t *copy = malloc(bundle.size);

	(void)state;
	assert_non_null(copy);
	help_log_silence();
	memcpy(copy, bundle.fdt, bundle.size);
	for (size_t at = 0; at + 4 <= bundle.size; at += HELP_STEP) {
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			fdt32_st(copy + at, values[v]);
			read_any(copy);
		}
		memcpy(copy + at, (const uint8_t *)bundle.fdt + at, 4);
	}
	free(copy);
}

static void test_random_bytes_may_be_wrong(void **state)
{
	uint64_t seed = 0x0ce107;
	uint8_t *copy = malloc(bundle.size);

	(void)state;
	assert_non_null(copy);
	help_log_silence();
	for (unsigned int i = 0; i < 2000; i++) {
		memcpy(copy, bundle.fdt, bundle.size);
		for (unsigned int k = 0; k < 1 + i % 16; k++) {
			copy[help_random(&seed) % bundle.size] = (uint8_t)help_random(&seed);
		}
		read_any(copy);
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_of_a_partition_is_read),
		cmocka_unit_test(test_keys_left_out_have_their_defaults),
		cmocka_unit_test(test_every_key_of_a_bridge_is_read),
		cmocka_unit_test(test_bridge_may_have_several_groups),
		cmocka_unit_test(test_what_is_wrong_is_named_and_refuses_its_partition_only),
		cmocka_unit_test(test_all_errors_are_reported_together),
		cmocka_unit_test(test_list_of_matches_is_read_whole),
		cmocka_unit_test(test_longest_texts_are_read_whole),
		cmocka_unit_test(test_rom_is_a_word_or_a_file),
		cmocka_unit_test(test_more_nodes_than_there_is_room_for_are_said),
		cmocka_unit_test(test_key_said_twice_is_refused),
		cmocka_unit_test(test_thousand_unknown_keys_do_not_flood_the_log),
		cmocka_unit_test(test_keys_outside_of_partitions_are_said),
		cmocka_unit_test(test_name_that_is_no_text_for_a_terminal_stays_out_of_the_log),
		cmocka_unit_test(test_long_path_is_cut),
		cmocka_unit_test(test_bundle_that_is_no_plan_is_refused),
		cmocka_unit_test(test_bundle_cut_anywhere_is_refused),
		cmocka_unit_test(test_bundle_with_a_broken_end_is_refused_whole),
		cmocka_unit_test(test_any_word_may_be_wrong),
		cmocka_unit_test(test_random_bytes_may_be_wrong),
	};

	return cmocka_run_group_tests(tests, compile_plan, free_plan);
}
