// SPDX-License-Identifier: Apache-2.0
/* Tests of dt/dt_host.c and dt/dt_host_phb.c: the host's device tree. */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dt/dt_host.h"

#include "core/range.h"
#include "tests/unit/dt_help.h"

#define SOURCE "tests/data/host-powernv9.dts"
#define PHB0   "/pciex@600c3c0000000"
#define PHB1   "/pciex@600c3c0100000"
#define CPU0   "/cpus/PowerPC,POWER9@0"
#define CPU8   "/cpus/PowerPC,POWER9@8"

static struct help_tree host;
static struct board board;

static int compile_host(void **state)
{
	(void)state;
	host = help_compile(SOURCE);
	return 0;
}

static int free_host(void **state)
{
	(void)state;
	help_free(&host);
	return 0;
}

static void read_host(void)
{
	memset(&board, 0xa5, sizeof(board));
	board.pvr = 0x004e1202;
	help_log_start();
	assert_int_equal(dt_host_read(host.fdt, &board), 0);
}

static bool is_reserved(uint64_t base, uint64_t size)
{
	for (unsigned int i = 0; i < board.nreserved; i++) {
		if (range_inside(base, size, board.reserved[i].base, board.reserved[i].size)) {
			return true;
		}
	}
	return false;
}

static void test_cpus_in_order_give_their_threads_and_cores(void **state)
{
	static const struct host_thread want[] = {
		{0, 0, false},
		{1, 0, false},
		{2, 0, false},
		{3, 0, false},
		{8, 1, false},
		{9, 1, false},
		{10, 1, false},
		{11, 1, false},
	};

	(void)state;
	read_host();
	assert_int_equal(board.nthreads, 8);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(board.threads[i].pir, want[i].pir);
		assert_int_equal(board.threads[i].core, want[i].core);
		assert_false(board.threads[i].alive);
	}
	help_assert_logged("bad core", "PowerPC,POWER9@4: skipped: its status is not okay");
	assert_int_equal(board.timebase_hz, 512000000);
	assert_int_equal(board.nap, 4);
	assert_int_equal(board.ap[1], 0xa0000010u);
	assert_int_equal(board.pvr, 0x004e1202);
}

static void test_memory_of_chips_is_taken_and_of_devices_not(void **state)
{
	(void)state;
	read_host();
	assert_int_equal(board.nmem, 2);
	assert_int_equal(board.mem[0].base, 0);
	assert_int_equal(board.mem[0].size, 0x40000000);
	assert_int_equal(board.mem[1].base, 0x200000000000);
	assert_int_equal(board.mem[1].size, 0x80000000u);
	help_assert_logged("GPU", "memory@40000000000: skipped: memory of a device");
}

static void test_every_source_of_reserved_ranges_counts(void **state)
{
	(void)state;
	read_host();
	assert_true(is_reserved(0x30000000, 0x1c38000)); /* the last part by opal-runtime-size */
	assert_true(is_reserved(0x203ffd800000, 0x400000));
	assert_true(is_reserved(0x203fff800000, 0x800000)); /* of /reserved-memory */
	assert_false(is_reserved(0x32000000, 1));
	/* Neighbours and repetitions have become one. */
	assert_int_equal(board.nreserved, 3);
}

static void test_firmware_initrd_and_command_line_are_found(void **state)
{
	(void)state;
	read_host();
	assert_int_equal(board.opal_base, 0x30000000);
	assert_int_equal(board.opal_entry, 0x30003770);
	assert_int_equal(board.initrd.base, 0x28000000);
	assert_int_equal(board.initrd.size, 0x1000);
	assert_string_equal(board.bootargs, "spapr-pci-vfio-host-bridge,id=CXGB3,iommu=26,index=6");
	assert_false(board.bootargs_cut);
}

static void test_firmwares_features_are_read(void **state)
{
	static const struct help_edit edits[] = {
		HELP_ADD("/ibm,opal", "fw-features"),
		HELP_ADD("/ibm,opal/fw-features", "inst-spec-barrier-ori31,31,0"),
		HELP_BYTES("/ibm,opal/fw-features/inst-spec-barrier-ori31,31,0", "enabled", "", 0),
		HELP_ADD("/ibm,opal/fw-features", "no-need-store-drain-on-priv-state-switch"),
		HELP_BYTES("/ibm,opal/fw-features/no-need-store-drain-on-priv-state-switch",
			"disabled", "", 0),
		HELP_ADD("/ibm,opal/fw-features", "fw-bcctrl-serialized"),
		HELP_ADD("/ibm,opal/fw-features", "needs-what-nobody-knows"),
		HELP_BYTES("/ibm,opal/fw-features/needs-what-nobody-knows", "enabled", "", 0),
	};
	struct help_tree tree;

	(void)state;
	for (unsigned int n = 0; n <= sizeof(edits) / sizeof(edits[0]); n++) {
		tree = help_edit(&host, edits, n);
		assert_int_equal(dt_host_read(tree.fdt, &board), 0);
		help_free(&tree);
		assert_int_equal(board.features_known, n > 0);
		assert_int_equal(board.features_on, n > 2 ? 1u << BOARD_INST_SPEC_BARRIER : 0);
		assert_int_equal(board.features_off, n > 4 ? 1u << BOARD_NO_STORE_DRAIN : 0);
	}
}

static void test_bridges_come_in_the_order_of_their_ids(void **state)
{
	(void)state;
	read_host();
	assert_int_equal(board.nphbs, 2);
	assert_int_equal(board.phbs[0].id, 0);
	assert_int_equal(board.phbs[0].m32_bus, 0x80000000u);
	assert_int_equal(board.phbs[0].m32_cpu.v, 0x600c000000000);
	assert_int_equal(board.phbs[0].m32_size, 0x7fff0000);
	assert_int_equal(board.phbs[0].num_pes, 0x200);
	assert_int_equal(board.phbs[0].reserved_pe, 0x1ff);
	assert_int_equal(board.phbs[0].page_shifts, 1u << 12 | 1u << 16 | 1u << 21 | 1u << 30);
	assert_null(board.phbs[0].ops);
	assert_false(board.phbs[0].usable);
	assert_int_equal(board.phbs[1].id, 1);
	assert_int_equal(board.phbs[1].m32_cpu.v, 0x600c080000000);
	assert_int_equal(board.phbs[1].num_pes, 0x100);
	assert_int_equal(board.phbs[1].page_shifts, 1u << 12); /* none said: 4K */
}

/* BB-04: what is not understood is skipped by name, and why. */
static void test_bridges_of_other_kinds_are_skipped_by_name(void **state)
{
	(void)state;
	read_host();
	help_assert_logged("broken", "pciex@600c3c0200000: skipped: its status is not okay");
	help_assert_logged("PHB3", "pciex@3fffe40000000: skipped: a PHB3 (POWER8)");
	help_assert_logged("NVLink", "pciex@600c000000000: skipped: an NVLink bridge");
	help_assert_logged(
		"new", "pciex@600c3c0400000: skipped: a kind of bridge that is not known");
}

/* One thing wrong in a tree (DT-01): what is left, and what is said. */
static const struct {
	const char *rule;
	struct help_edit edit;
	int ret;
	unsigned int nthreads, nmem, nphbs;
	const char *says;
} cases[] = {
	{"nothing wrong", {.op = HELP_OP_NOTHING}, 0, 8, 2, 2, "skipped"},
	{"root cells of 3", HELP_CELLS("/", "#address-cells", 3), -EINVAL, 0, 0, 0,
		"#address-cells and #size-cells must be 1 or 2"},
	{"root cells of 0", HELP_CELLS("/", "#size-cells", 0), -EINVAL, 0, 0, 0, "must be 1 or 2"},
	{"no OPAL", HELP_DELETE("/ibm,opal", NULL), -EINVAL, 8, 2, 0, "no /ibm,opal"},
	{"no entry", HELP_DELETE("/ibm,opal", "opal-entry-address"), -EINVAL, 8, 2, 0,
		"no /ibm,opal"},
	{"entry below the base", HELP_CELLS("/ibm,opal", "opal-entry-address", 0, 0x100), -EINVAL,
		8, 2, 0, "an entry outside of OPAL"},
	{"no CPU", HELP_DELETE("/cpus", NULL), -EINVAL, 0, 2, 2, "no CPU in it"},
	{"no memory", HELP_CELLS("/", "#size-cells", 1), -EINVAL, 8, 0, 2, "no memory in it"},
	{"memory of size 0", HELP_CELLS("/memory@200000000000", "reg", 0x2000, 0, 0, 0), 0, 8, 1, 2,
		"memory@200000000000: 0x0000200000000000 + 0x0: skipped: its size is 0"},
	{"memory that wraps",
		HELP_CELLS("/memory@200000000000", "reg", 0xffffffff, 0xf0000000, 0, 0x20000000), 0,
		8, 1, 2, "reaches past the largest real address"},
	{"memory of 2^60", HELP_CELLS("/memory@200000000000", "reg", 0x2000, 0, 0x10000000, 0), 0,
		8, 1, 2, "reaches past the largest real address"},
	{"memory that overlaps",
		HELP_CELLS("/memory@200000000000", "reg", 0, 0x3ffff000, 0, 0x2000), 0, 8, 1, 2,
		"it overlaps other memory"},
	{"memory of half an address", HELP_CELLS("/memory@200000000000", "reg", 0x2000, 0, 0), 0, 8,
		1, 2, "its addresses are not whole"},
	{"memory of nowhere", HELP_DELETE("/memory@200000000000", "reg"), 0, 8, 1, 2,
		"it does not say where it is"},
	{"memory switched off", HELP_BYTES("/memory@200000000000", "status", "disabled", 9), 0, 8,
		1, 2, "memory@200000000000: skipped: its status"},
	{"core without threads", HELP_DELETE(CPU8, "ibm,ppc-interrupt-server#s"), 0, 4, 2, 2,
		"no ibm,ppc-interrupt-server#s"},
	{"core with half a thread", HELP_BYTES(CPU8, "ibm,ppc-interrupt-server#s", "abcdef", 6), 0,
		4, 2, 2, "not a list of 1 to 8 threads"},
	{"core of nine threads",
		HELP_CELLS(CPU8, "ibm,ppc-interrupt-server#s", 8, 9, 10, 11, 12, 13, 14, 15, 16), 0,
		4, 2, 2, "not a list of 1 to 8 threads"},
	{"a thread of two cores", HELP_CELLS(CPU8, "ibm,ppc-interrupt-server#s", 8, 3), 0, 4, 2, 2,
		"a thread that was named before"},
	{"a thread twice in a core", HELP_CELLS(CPU8, "ibm,ppc-interrupt-server#s", 8, 8), 0, 4, 2,
		2, "a thread that was named before"},
	{"nine page sizes",
		HELP_CELLS(CPU0, "ibm,processor-radix-AP-encodings", 0, 0, 0, 0, 0, 0, 0, 0, 0), 0,
		8, 2, 2, "ibm,processor-radix-AP-encodings is not a list"},
	{"bridge without cells", HELP_DELETE(PHB1, "#address-cells"), 0, 8, 2, 1,
		"pciex@600c3c0100000: skipped: #address-cells and #size-cells must be 3 and 2"},
	{"bridge with cells of 2", HELP_CELLS(PHB1, "#address-cells", 2), 0, 8, 2, 1,
		"must be 3 and 2"},
	{"bridge without ranges", HELP_DELETE(PHB1, "ranges"), 0, 8, 2, 1,
		"ranges is absent or not whole"},
	{"bridge with half a range", HELP_CELLS(PHB1, "ranges", 0, 0, 0, 0, 0, 0), 0, 8, 2, 1,
		"ranges is absent or not whole"},
	{"bridge without 32-bit MMIO", HELP_CELLS(PHB1, "ranges", 0x03000000, 0, 0, 0, 0, 0, 0), 0,
		8, 2, 1, "ranges has no 32-bit MMIO window"},
	{"empty window",
		HELP_CELLS(PHB1, "ranges", 0x02000000, 0, 0x80000000, 0x600c0, 0x80000000, 0, 0), 0,
		8, 2, 1, "is empty or passes 4 GiB"},
	{"window that passes 4 GiB on the bus",
		HELP_CELLS(PHB1, "ranges", 0x02000000, 0, 0x80000000, 0x600c0, 0x80000000, 0,
			0x80000001),
		0, 8, 2, 1, "is empty or passes 4 GiB"},
	{"window above 4 GiB on the bus",
		HELP_CELLS(PHB1, "ranges", 0x02000000, 1, 0, 0x600c0, 0x80000000, 0, 0x1000), 0, 8,
		2, 1, "is empty or passes 4 GiB"},
	{"window that wraps",
		HELP_CELLS(PHB1, "ranges", 0x02000000, 0, 0x80000000, 0xffffffff, 0xfffff000, 0,
			0x2000),
		0, 8, 2, 1, "reaches past the largest real address"},
	{"window over memory",
		HELP_CELLS(PHB1, "ranges", 0x02000000, 0, 0x80000000, 0, 0x3fff0000, 0, 0x7fff0000),
		0, 8, 2, 1, "overlaps memory"},
	{"window over another bridge's",
		HELP_CELLS(
			PHB0, "ranges", 0x02000000, 0, 0x80000000, 0x600c0, 0x80000000, 0, 0x1000),
		0, 8, 2, 1,
		"pciex@600c3c0000000: skipped: its 32-bit MMIO window overlaps another"},
	{"id of another", HELP_CELLS(PHB0, "ibm,opal-phbid", 0, 1), 0, 8, 2, 1,
		"pciex@600c3c0000000: skipped: its ibm,opal-phbid is another bridge's"},
	{"id of 17 bits", HELP_CELLS(PHB0, "ibm,opal-phbid", 0, 0x10000), 0, 8, 2, 1,
		"not a number up to ffff"},
	{"id of one cell", HELP_CELLS(PHB0, "ibm,opal-phbid", 0), 0, 8, 2, 1,
		"ibm,opal-phbid is absent"},
	{"no PEs", HELP_CELLS(PHB0, "ibm,opal-num-pes", 0), 0, 8, 2, 1,
		"ibm,opal-num-pes is absent or makes no sense"},
	{"2^31 PEs", HELP_CELLS(PHB0, "ibm,opal-num-pes", 0x80000000), 0, 8, 2, 1,
		"ibm,opal-num-pes is absent or makes no sense"},
	{"reserved PE outside", HELP_CELLS(PHB0, "ibm,opal-reserved-pe", 0x200), 0, 8, 2, 1,
		"ibm,opal-reserved-pe is absent or not one of its PEs"},
	{"no reserved PE", HELP_DELETE(PHB0, "ibm,opal-reserved-pe"), 0, 8, 2, 1,
		"ibm,opal-reserved-pe"},
	{"initrd outside memory", HELP_CELLS("/chosen", "linux,initrd-end", 0, 0x40000001), 0, 8, 2,
		2, "is empty or not in memory: ignored"},
	{"initrd of no length", HELP_CELLS("/chosen", "linux,initrd-end", 0x28000000), 0, 8, 2, 2,
		"is empty or not in memory: ignored"},
};

static void test_what_makes_no_sense_is_skipped_and_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct help_tree tree = help_edit(&host, &cases[i].edit, 1);
		int ret;

		help_log_start();
		ret = dt_host_read(tree.fdt, &board);
		help_assert_logged(cases[i].rule, cases[i].says);
		if (ret != cases[i].ret || board.nthreads != cases[i].nthreads ||
			board.nmem != cases[i].nmem || board.nphbs != cases[i].nphbs) {
			fail_msg("%s: got %d, %u threads, %u memory, %u bridges\n%s", cases[i].rule,
				ret, board.nthreads, board.nmem, board.nphbs, help_log);
		}
		help_free(&tree);
	}
}

/* A root port's interrupt-map: for each pin three cells of address, the pin, the parent's phandle,
 * its source and a sense. */
static struct help_tree with_map(const uint32_t *cells, unsigned int n)
{
	static uint8_t bytes[4 * 28];
	const struct help_edit edits[] = {
		HELP_ADD(PHB0, "pci@0"),
		HELP_BYTES(PHB0 "/pci@0", "interrupt-map", (const char *)bytes, 4 * n),
	};

	for (unsigned int i = 0; i < n; i++) {
		fdt32_st(bytes + 4 * i, cells[i]);
	}
	return help_edit(&host, edits, 2);
}

/* DT-01: level sources come as four in a row or not at all. No phandle is followed: one of nobody
 * is as good as another. A bridge without sources stays. */
static void test_interrupt_maps_are_believed_only_whole(void **state)
{
	static const struct {
		const char *what;
		unsigned int n, at; /* cells, and which of them is another */
		uint32_t value, want;
	} maps[] = {
		{"sound", 28, 0, 0, 0x1234},
		{"a phandle of nobody", 28, 4, 0xdeadbeef, 0x1234},
		{"no phandle", 28, 11, 0, 0x1234},
		{"nothing", 0, 0, 0, 0},
		{"three pins", 21, 0, 0, 0},
		{"half a cell row", 26, 0, 0, 0},
		{"pin 2 first", 28, 3, 2, 0},
		{"pin 0", 28, 3, 0, 0},
		{"pin 3 twice", 28, 24, 3, 0},
		{"sources that are not in a row", 28, 19, 0x1299, 0},
		{"one source for two pins", 28, 12, 0x1234, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		uint32_t cells[28] = {0};
		struct help_tree tree;

		for (unsigned int pin = 0; pin < 4; pin++) {
			cells[7 * pin + 3] = pin + 1;
			cells[7 * pin + 4] = 0x77;
			cells[7 * pin + 5] = 0x1234 + pin;
		}
		if (maps[i].at) {
			cells[maps[i].at] = maps[i].value;
		}
		tree = with_map(cells, maps[i].n);
		help_log_silence();
		assert_int_equal(dt_host_read(tree.fdt, &board), 0);
		assert_int_equal(board.nphbs, 2);
		if (board.phbs[0].lsi_first != maps[i].want) {
			fail_msg("%s: 0x%x", maps[i].what, board.phbs[0].lsi_first);
		}
		help_free(&tree);
	}
}

/* DT-01: so with the sources of messages. */
static void test_message_ranges_are_believed_only_if_they_fit(void **state)
{
	static const struct {
		struct help_edit edit;
		uint32_t first, count;
	} ranges[] = {
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 0x100, 0x400), 0x100, 0x400},
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 0x7ffffc00, 0x400), 0x7ffffc00, 0x400},
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 0x7ffffc01, 0x400), 0, 0},
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 0xffffffff, 2), 0, 0},
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 2, 0xffffffff), 0, 0},
		{HELP_CELLS(PHB0, "ibm,opal-msi-ranges", 0x100), 0, 0},
		{HELP_BYTES(PHB0, "ibm,opal-msi-ranges", "", 0), 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct help_tree tree = help_edit(&host, &ranges[i].edit, 1);

		help_log_silence();
		assert_int_equal(dt_host_read(tree.fdt, &board), 0);
		assert_int_equal(board.nphbs, 2);
		assert_int_equal(board.phbs[0].msi_first, ranges[i].first);
		assert_int_equal(board.phbs[0].msi_count, ranges[i].count);
		help_free(&tree);
	}
}

static void test_core_numbers_have_no_gap_where_a_core_is_skipped(void **state)
{
	static const struct help_edit edit = HELP_DELETE(CPU0, "ibm,ppc-interrupt-server#s");
	struct help_tree tree = help_edit(&host, &edit, 1);

	(void)state;
	help_log_silence();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.threads[0].pir, 8);
	assert_int_equal(board.threads[0].core, 0);
	help_free(&tree);
}

static void test_timebase_has_a_default_and_the_long_form_wins(void **state)
{
	static const struct help_edit none[] = {
		HELP_DELETE(CPU0, "timebase-frequency"),
		HELP_CELLS(CPU8, "timebase-frequency", 0),
	};
	static const struct help_edit longer =
		HELP_CELLS(CPU0, "ibm,extended-timebase-frequency", 1, 2);
	struct help_tree tree = help_edit(&host, none, 2);

	(void)state;
	help_log_start();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.timebase_hz, 512000000);
	help_assert_logged("default", "no CPU has a timebase-frequency: 512000000 Hz");
	help_free(&tree);
	tree = help_edit(&host, &longer, 1);
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.timebase_hz, 0x100000002);
	help_free(&tree);
}

/* BB-05: any length, any bytes, with or without a NUL at its end. */
static void test_long_command_line_is_cut_and_marked(void **state)
{
	static char text[0x10000];
	static const struct {
		size_t len, kept;
		bool cut;
	} lengths[] = {
		{1, 1, false},
		{1023, 1023, false},
		{1024, 1023, true},
		{sizeof(text), 1023, true},
	};

	(void)state;
	memset(text, 0xc3, sizeof(text));
	help_log_silence();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct help_edit edit =
			HELP_BYTES("/chosen", "bootargs", text, lengths[i].len);
		struct help_tree tree = help_edit(&host, &edit, 1);

		assert_int_equal(dt_host_read(tree.fdt, &board), 0);
		assert_int_equal(board.bootargs_cut, lengths[i].cut);
		assert_int_equal(strlen(board.bootargs), lengths[i].kept);
		help_free(&tree);
	}
}

/* What has no place of its own must stay reserved all the same. */
static void test_too_many_reserved_ranges_reserve_more_not_less(void **state)
{
	enum { N = 200 };
	static char text[N * 16];
	const struct help_edit edit = HELP_BYTES("/", "reserved-ranges", text, sizeof(text));
	struct help_tree tree;

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		fdt64_st(text + i * 16, (uint64_t)(i * 7 % N) * 0x10000);
		fdt64_st(text + i * 16 + 8, 0x1000);
	}
	tree = help_edit(&host, &edit, 1);
	help_log_silence();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.nreserved, BOARD_MAX_RESERVED);
	for (unsigned int i = 0; i < N; i++) {
		assert_true(is_reserved((uint64_t)i * 0x10000, 0x1000));
	}
	assert_true(is_reserved(0x30000000, 0x1c38000));
	assert_true(is_reserved(0x203fff800000, 0x800000));
	help_free(&tree);
}

static void test_reserved_range_that_wraps_reserves_to_the_end(void **state)
{
	static const struct help_edit edit =
		HELP_CELLS("/", "reserved-ranges", 0, 0x38000000, 0xffffffff, 0xffffffff);
	struct help_tree tree = help_edit(&host, &edit, 1);

	(void)state;
	help_log_silence();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_true(is_reserved(0x38000000, UINT64_MAX - 0x38000000));
	help_free(&tree);
}

/* A tree with n children of parent, each a copy of one property set. */
static struct help_tree many_nodes(
	const char *parent, unsigned int n, const struct help_edit *props, unsigned int nprops)
{
	struct help_tree tree = {.fdt = malloc(1 << 20), .size = 1 << 20};

	assert_non_null(tree.fdt);
	assert_int_equal(fdt_open_into(host.fdt, tree.fdt, 1 << 20), 0);
	for (unsigned int i = 0; i < n; i++) {
		char name[32];
		int node;

		(void)snprintf(name, sizeof(name), "many@%x", i);
		node = fdt_add_subnode(tree.fdt, fdt_path_offset(tree.fdt, parent), name);
		assert_true(node >= 0);
		for (unsigned int k = 0; k < nprops; k++) {
			struct help_edit e = props[k];

			/* ~0 stands for a number that no other node has. */
			for (unsigned int c = 0; c < e.ncells; c++) {
				e.cells[c] = e.cells[c] == ~0u ? 0x100 + i * 0x100 : e.cells[c];
			}
			assert_int_equal(help_apply_one(tree.fdt, node, &e), 0);
		}
	}
	return tree;
}

static void test_more_cores_than_there_is_room_for_are_left_out_whole(void **state)
{
	static const struct help_edit props[] = {
		HELP_BYTES("", "device_type", "cpu", 4),
		HELP_CELLS("", "ibm,ppc-interrupt-server#s", ~0u, 0x20, 0x21),
	};
	static const struct help_edit one[] = {
		HELP_BYTES("", "device_type", "cpu", 4),
		HELP_CELLS("", "ibm,ppc-interrupt-server#s", ~0u),
	};
	struct help_tree tree = many_nodes("/cpus", 500, one, 2);

	(void)state;
	help_log_start();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.nthreads, BOARD_MAX_THREADS);
	help_assert_logged("full", "there are more threads than there is room for");
	assert_in_range(help_log_lines(), 1, 30); /* no flood */
	help_free(&tree);
	tree = many_nodes("/cpus", 2, props, 2);
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	/* The second names threads of the first: not even its own thread is taken. */
	assert_int_equal(board.nthreads, 8 + 3);
	help_free(&tree);
}

static void test_more_memory_and_bridges_than_there_is_room_for_are_left_out(void **state)
{
	static const struct help_edit memory[] = {
		HELP_BYTES("", "device_type", "memory", 7),
		HELP_CELLS("", "reg", ~0u, 0, 0, 0x1000),
	};
	static const struct help_edit bridge[] = {
		HELP_STRING("", "compatible", "ibm,ioda3-phb"),
		HELP_CELLS("", "#address-cells", 3),
		HELP_CELLS("", "#size-cells", 2),
		HELP_CELLS("", "ibm,opal-phbid", 0, ~0u),
		HELP_CELLS("", "ranges", 0x02000000, 0, 0x80000000, ~0u, 0, 0, 0x1000),
		HELP_CELLS("", "ibm,opal-num-pes", 8),
		HELP_CELLS("", "ibm,opal-reserved-pe", 0),
	};
	struct help_tree tree = many_nodes("/", 200, memory, 2);

	(void)state;
	help_log_start();
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.nmem, BOARD_MAX_RESERVED);
	help_assert_logged("memory", "more pieces of memory than there is room for");
	help_free(&tree);
	tree = many_nodes("/", 100, bridge, 7);
	assert_int_equal(dt_host_read(tree.fdt, &board), 0);
	assert_int_equal(board.nphbs, BOARD_MAX_PHBS);
	help_assert_logged("bridges", "more bridges than there is room for");
	for (unsigned int i = 1; i < board.nphbs; i++) {
		assert_true(board.phbs[i - 1].id < board.phbs[i].id);
	}
	help_free(&tree);
}

/* Whatever was read, this holds. */
static void assert_sane(void)
{
	assert_in_range(board.nthreads, 0, BOARD_MAX_THREADS);
	assert_in_range(board.nreserved, 0, BOARD_MAX_RESERVED);
	assert_in_range(board.nphbs, 0, BOARD_MAX_PHBS);
	assert_in_range(board.nap, 0, BOARD_MAX_AP);
	assert_non_null(memchr(board.bootargs, 0, sizeof(board.bootargs)));
	for (unsigned int i = 0; i < board.nmem; i++) {
		const struct mem_range *m = &board.mem[i];

		assert_true(m->size && range_below(m->base, m->size, UINT64_C(1) << 56));
		for (unsigned int k = 0; k < i; k++) {
			assert_false(range_overlaps(
				m->base, m->size, board.mem[k].base, board.mem[k].size));
		}
	}
	for (unsigned int i = 0; i < board.nphbs; i++) {
		const struct host_phb *p = &board.phbs[i];

		assert_true(p->reserved_pe < p->num_pes && p->m32_size && p->page_shifts);
		assert_true(i == 0 || board.phbs[i - 1].id < p->id);
	}
}

static void read_any(const void *fdt)
{
	int ret = dt_host_read(fdt, &board);

	assert_true(ret == 0 || ret == -EINVAL);
	assert_sane();
}

/* BB-01. The header's size is made to fit, so that the cut is inside the tree and not before it;
 * the sanitizer watches the end of the copy. */
static void test_tree_cut_anywhere_is_refused(void **state)
{
	(void)state;
	help_log_silence();
	for (size_t n = sizeof(struct fdt_header); n < host.size; n += HELP_STEP) {
		void *cut = malloc(n);

		assert_non_null(cut);
		memcpy(cut, host.fdt, n);
		fdt_set_totalsize(cut, (uint32_t)n);
		assert_int_equal(dt_host_read(cut, &board), -EINVAL);
		free(cut);
	}
}

/* BB-01, DT-01 */
static void test_any_word_may_be_wrong(void **state)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000, 0xfffffffc, ~0u};
	uint8_t *copy = malloc(host.size);

	(void)state;
	assert_non_null(copy);
	help_log_silence();
	memcpy(copy, host.fdt, host.size);
	for (size_t at = 0; at + 4 <= host.size; at += HELP_STEP) {
		/* Two of the values each: trees have enough words alike. */
		for (size_t k = 0; k < 2; k++) {
			fdt32_st(copy + at, values[(at / 4 + k * 3) % 6]);
			/* A size beyond the copy's cannot be told from a true one. */
			if (fdt_totalsize(copy) <= host.size || fdt_totalsize(copy) > DT_HOST_MAX) {
				read_any(copy);
			}
		}
		memcpy(copy + at, (const uint8_t *)host.fdt + at, 4);
	}
	free(copy);
}

static void test_random_bytes_may_be_wrong(void **state)
{
	uint64_t seed = 0x7ce107;
	uint8_t *copy = malloc(host.size);

	(void)state;
	assert_non_null(copy);
	help_log_silence();
	for (unsigned int i = 0; i < 1000; i++) {
		memcpy(copy, host.fdt, host.size);
		for (unsigned int k = 0; k < 1 + i % 16; k++) {
			size_t at = 8 + help_random(&seed) % (host.size - 8);

			copy[at] = (uint8_t)help_random(&seed);
		}
		read_any(copy);
	}
	free(copy);
}

/* A tree of n bytes of structure made by hand. */
static struct help_tree by_hand(size_t nstruct, size_t nstrings)
{
	struct help_tree tree = {.size = 56 + nstruct + nstrings};

	tree.fdt = calloc(1, tree.size);
	assert_non_null(tree.fdt);
	fdt_set_magic(tree.fdt, FDT_MAGIC);
	fdt_set_totalsize(tree.fdt, (uint32_t)tree.size);
	fdt_set_version(tree.fdt, 17);
	fdt_set_last_comp_version(tree.fdt, 16);
	fdt_set_off_mem_rsvmap(tree.fdt, 40);
	fdt_set_off_dt_struct(tree.fdt, 56);
	fdt_set_size_dt_struct(tree.fdt, (uint32_t)nstruct);
	fdt_set_off_dt_strings(tree.fdt, (uint32_t)(56 + nstruct));
	fdt_set_size_dt_strings(tree.fdt, (uint32_t)nstrings);
	return tree;
}

/* BB-01: depth 10^6 */
static void test_deep_tree_ends_in_time(void **state)
{
	enum { DEPTH = 1000000 };
	struct help_tree tree = by_hand(DEPTH * 12 + 4, 4);
	uint8_t *at = (uint8_t *)tree.fdt + 56;

	(void)state;
	for (unsigned int i = 0; i < DEPTH; i++, at += 8) {
		fdt32_st(at, FDT_BEGIN_NODE);
		at[4] = i ? 'a' : 0;
	}
	for (unsigned int i = 0; i < DEPTH; i++, at += 4) {
		fdt32_st(at, FDT_END_NODE);
	}
	fdt32_st(at, FDT_END);
	help_log_start();
	assert_int_equal(dt_host_read(tree.fdt, &board), -EINVAL);
	help_assert_logged("deep", "no /ibm,opal");
	help_free(&tree);
}

/* A million properties that share one name of megabytes would take hours to look at. */
static void test_huge_property_name_is_refused(void **state)
{
	enum { NAME = 1 << 20, PROPS = 1 << 18 };
	struct help_tree tree = by_hand(8 + PROPS * 12 + 8, NAME);
	uint8_t *at = (uint8_t *)tree.fdt + 56;

	(void)state;
	fdt32_st(at, FDT_BEGIN_NODE);
	at += 8;
	for (unsigned int i = 0; i < PROPS; i++, at += 12) {
		fdt32_st(at, FDT_PROP);
	}
	fdt32_st(at, FDT_END_NODE);
	fdt32_st(at + 4, FDT_END);
	memset(at + 8, 'x', NAME - 1);
	help_log_start();
	assert_int_equal(dt_host_read(tree.fdt, &board), -EINVAL);
	help_assert_logged("name", "a property name of more than 255 characters");
	help_free(&tree);
}

static void test_what_is_no_tree_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *says;
		uint32_t field, value;
	} headers[] = {
		{"magic number", 0, 0x7f454c46},
		{"longer than what is there or allowed", 4, DT_HOST_MAX + 1},
		{"longer than what is there or allowed", 4, 0xffffffff},
		{"names blocks outside the tree", 4, 40},
		{"names blocks outside the tree", 8, 0x7ffffff8},
		{"names blocks outside the tree", 36, 0xffffffff},
		{"blocks that are not aligned", 8, 61},
		{"blocks that are not aligned", 16, 44},
		{"another version than 17", 20, 16},
		{"another version than 17", 24, 18},
	};

	(void)state;
	help_log_start();
	assert_int_equal(dt_host_read(NULL, &board), -EINVAL);
	assert_int_equal(dt_host_read((const char *)host.fdt + 4, &board), -EINVAL);
	help_assert_logged("pointer", "not at an address that is a multiple of 8");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		uint8_t *copy = malloc(host.size);

		assert_non_null(copy);
		memcpy(copy, host.fdt, host.size);
		fdt32_st(copy + headers[i].field, headers[i].value);
		help_log_start();
		assert_int_equal(dt_host_read(copy, &board), -EINVAL);
		help_assert_logged("header", headers[i].says);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus_in_order_give_their_threads_and_cores),
		cmocka_unit_test(test_memory_of_chips_is_taken_and_of_devices_not),
		cmocka_unit_test(test_every_source_of_reserved_ranges_counts),
		cmocka_unit_test(test_firmware_initrd_and_command_line_are_found),
		cmocka_unit_test(test_firmwares_features_are_read),
		cmocka_unit_test(test_bridges_come_in_the_order_of_their_ids),
		cmocka_unit_test(test_bridges_of_other_kinds_are_skipped_by_name),
		cmocka_unit_test(test_what_makes_no_sense_is_skipped_and_said),
		cmocka_unit_test(test_interrupt_maps_are_believed_only_whole),
		cmocka_unit_test(test_message_ranges_are_believed_only_if_they_fit),
		cmocka_unit_test(test_core_numbers_have_no_gap_where_a_core_is_skipped),
		cmocka_unit_test(test_timebase_has_a_default_and_the_long_form_wins),
		cmocka_unit_test(test_long_command_line_is_cut_and_marked),
		cmocka_unit_test(test_too_many_reserved_ranges_reserve_more_not_less),
		cmocka_unit_test(test_reserved_range_that_wraps_reserves_to_the_end),
		cmocka_unit_test(test_more_cores_than_there_is_room_for_are_left_out_whole),
		cmocka_unit_test(test_more_memory_and_bridges_than_there_is_room_for_are_left_out),
		cmocka_unit_test(test_tree_cut_anywhere_is_refused),
		cmocka_unit_test(test_any_word_may_be_wrong),
		cmocka_unit_test(test_random_bytes_may_be_wrong),
		cmocka_unit_test(test_deep_tree_ends_in_time),
		cmocka_unit_test(test_huge_property_name_is_refused),
		cmocka_unit_test(test_what_is_no_tree_is_refused_with_its_reason),
	};

	return cmocka_run_group_tests(tests, compile_host, free_host);
}
