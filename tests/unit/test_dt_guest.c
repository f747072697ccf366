// SPDX-License-Identifier: Apache-2.0
/* Tests of dt/dt_guest.c: the tree a guest is started with. */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dt/dt_guest.h"

#include "tests/unit/dt_help.h"

#include <errno.h>
#include <unistd.h>

#define ROOM	 0x40000u
#define BUID6	 0x0800000020000006u
#define PHB6	 "/pci@800000020000006"
#define PHB0	 "/pci@800000020000000"
#define ETHERNET PHB6 "/ethernet@2,3"

static const uint32_t ap[] = {0x0000000c, 0xa0000010, 0x20000015, 0x4000001e};

static const struct dt_guest_phb full_phbs[] = {
	{
		.buid = BUID6,
		.mmio32 = 0x200380000000,
		.mmio32_size = 0x7fff0000,
		.liobn = 0x80000600,
		.window_size = 0x40000000,
		.bypass_base = 0x0800000000000000,
		.bypass_size = 0x108000000,
		.nfuncs = 2,
		.funcs = {{
				  .devfn = 0,
				  .vendor = 0x1234,
				  .device = 0x11e8,
				  .class_code = 0x00ff00,
				  .revision = 0x10,
				  .int_pin = 1,
				  .intx = 0x1218,
				  .bars = {{.size = 0x100000, .value = 0x80100000}},
			  },
			{
				.devfn = 2 << 3 | 3,
				.vendor = 0x1425,
				.device = 0x0030,
				.subsys_vendor = 0x1425,
				.subsys = 0x0001,
				.class_code = 0x020000,
				.bars = {{.size = 0x1000, .value = 0x80000000, .is64 = true},
					{.size = 0},
					{.size = 0x800000,
						.value = 0x80800000,
						.is64 = true,
						.prefetch = true},
					{.size = 0}, {.size = 0x2000, .value = 0x80004000}},
			}},
	},
	{
		.buid = 0x0800000020000000,
		.mmio32 = 0x200080000000,
		.mmio32_size = 0x7fff0000,
		.liobn = 0x80000000,
		.window_base = 0x10000000,
		.window_size = 0x80000000,
	}};

static const struct dt_guest full = {
	.memory = 0x108000000,
	.ncpus = 2,
	.pvr = 0x004e1202,
	.timebase_hz = 512000000,
	.nap = 4,
	.ap = ap,
	.bootargs = "console=hvc0",
	.initrd = 0x4000000,
	.initrd_size = 0x1234,
	.rtas = 0x3ff0000,
	.rtas_size = 20,
	.nservices = 2,
	.services = {{"ibm,read-pci-config", 0x2016}, {"power-off", 0x2022}},
	.vty = 0x71000000,
	.nphbs = 2,
	.phbs = full_phbs,
};

/* What a test may change: of the description, and of its bridges. */
#define MAX_PHBS 31u
static struct dt_guest_phb phbs[MAX_PHBS];

static struct dt_guest fresh(void)
{
	struct dt_guest g = full;

	memcpy(phbs, full_phbs, sizeof(full_phbs));
	g.phbs = phbs;
	return g;
}

static uint64_t buffer[ROOM / 8];

static void build(const struct dt_guest *g)
{
	memset(buffer, 0xa5, sizeof(buffer));
	assert_int_equal(dt_guest_build(g, buffer, sizeof(buffer)), 0);
	assert_int_equal(fdt_check_full(buffer, sizeof(buffer)), 0);
}

static const uint8_t *find(const char *path, const char *name, size_t *len)
{
	int n = 0;
	const uint8_t *data = fdt_getprop(buffer, fdt_path_offset(buffer, path), name, &n);

	if (!data) {
		fail_msg("%s has no %s", path, name);
	}
	*len = (size_t)n;
	return data;
}

static bool has(const char *path, const char *name)
{
	int node = fdt_path_offset(buffer, path);

	if (node < 0) {
		fail_msg("there is no %s", path);
	}
	return fdt_getprop(buffer, node, name, NULL);
}

static void assert_cells(const char *path, const char *name, const uint32_t *want, size_t n)
{
	size_t len;
	const uint8_t *data = find(path, name, &len);

	if (len != n * 4) {
		fail_msg("%s: %s has %zu bytes, not %zu", path, name, len, n * 4);
	}
	for (size_t i = 0; i < n; i++) {
		if (fdt32_ld((const fdt32_t *)(const void *)(data + i * 4)) != want[i]) {
			fail_msg("%s: %s: cell %zu is not 0x%x", path, name, i, want[i]);
		}
	}
}

#define ASSERT_CELLS(path, name, ...)                             \
	assert_cells(path, name, (const uint32_t[]){__VA_ARGS__}, \
		sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void assert_string(const char *path, const char *name, const char *want)
{
	size_t len;
	const char *data = (const char *)find(path, name, &len);

	assert_int_equal(len, strlen(want) + 1);
	assert_string_equal(data, want);
}

static void test_root_is_a_pseries_machine(void **state)
{
	(void)state;
	build(&full);
	assert_string("/", "device_type", "chrp");
	assert_string("/", "model", "tcelot pseries");
	assert_string("/", "compatible", "tcelot,pseries");
	ASSERT_CELLS("/", "#address-cells", 2);
	ASSERT_CELLS("/", "#size-cells", 2);
}

static void test_chosen_says_how_to_start(void **state)
{
	uint8_t vec5[27] = {0x1a, 0x80, 0x80};
	const uint8_t *data;
	size_t len;

	(void)state;
	build(&full);
	assert_string("/chosen", "bootargs", "console=hvc0");
	assert_string("/chosen", "stdout-path", "/vdevice/vty@71000000");
	ASSERT_CELLS("/chosen", "linux,initrd-start", 0, 0x4000000);
	ASSERT_CELLS("/chosen", "linux,initrd-end", 0, 0x4001234);
	ASSERT_CELLS("/chosen", "linux,pci-probe-only", 0);
	vec5[0x18] = 0x40;
	vec5[0x1a] = 0x40;
	data = find("/chosen", "ibm,architecture-vec-5", &len);
	assert_int_equal(len, sizeof(vec5));
	assert_memory_equal(data, vec5, sizeof(vec5));
}

/* SEED-003.44: sorted, in the form that firmware of a pseries machine reads. */
static void test_chosen_says_what_to_start_from(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	build(&g);
	assert_false(has("/chosen", "qemu,boot-list"));
	phbs[0].funcs[1].boots = true;
	phbs[0].funcs[1].bootindex = 7;
	build(&g);
	assert_string("/chosen", "qemu,boot-list", ETHERNET);
	phbs[0].funcs[0].boots = true;
	phbs[0].funcs[0].bootindex = 8;
	phbs[1].nfuncs = 1;
	phbs[1].funcs[0] = phbs[0].funcs[0];
	phbs[1].funcs[0].class_code = 0x010802;
	phbs[1].funcs[0].bootindex = 0;
	build(&g);
	assert_string("/chosen", "qemu,boot-list",
		PHB0 "/mass-storage@0 " ETHERNET " " PHB6 "/pci1234,11e8@0");
	/* None is lost where two have one number. */
	phbs[0].funcs[0].bootindex = 0;
	build(&g);
	assert_string("/chosen", "qemu,boot-list",
		PHB6 "/pci1234,11e8@0 " PHB0 "/mass-storage@0 " ETHERNET);
}

static void test_memory_starts_at_0_and_is_all_there_is(void **state)
{
	(void)state;
	build(&full);
	assert_string("/memory@0", "device_type", "memory");
	ASSERT_CELLS("/memory@0", "reg", 0, 0, 1, 0x08000000);
}

static void test_cpus_have_the_name_of_their_pvr(void **state)
{
	static const struct {
		uint32_t pvr, told;
		const char *path;
	} names[] = {
		{0x004e1202, 0x0f000005, "/cpus/PowerPC,POWER9@1"},
		{0x00801200, 0x0f000006, "/cpus/PowerPC,POWER10@1"},
		{0x00820100, 0x00820100, "/cpus/PowerPC,POWER@1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct dt_guest g = fresh();

		g.pvr = names[i].pvr;
		build(&g);
		assert_string(names[i].path, "device_type", "cpu");
		ASSERT_CELLS(names[i].path, "reg", 1);
		ASSERT_CELLS(names[i].path, "ibm,ppc-interrupt-server#s", 1);
		ASSERT_CELLS(names[i].path, "cpu-version", names[i].told);
		ASSERT_CELLS(names[i].path, "timebase-frequency", 512000000);
		ASSERT_CELLS(names[i].path, "ibm,vmx", 2);
		assert_cells(names[i].path, "ibm,processor-radix-AP-encodings", ap, 4);
		/* Linux stops when this is not the number of a CPU. */
		assert_int_equal(fdt_boot_cpuid_phys(buffer), 0);
	}
}

static void test_rtas_has_its_blob_reserved_and_a_token_each(void **state)
{
	static const char hypertas[] = "hcall-term\0hcall-tce\0hcall-multi-tce\0hcall-set-mode";
	uint64_t at, size;
	const uint8_t *data;
	size_t len;

	(void)state;
	build(&full);
	ASSERT_CELLS("/rtas", "linux,rtas-base", 0x3ff0000);
	ASSERT_CELLS("/rtas", "linux,rtas-entry", 0x3ff0000);
	ASSERT_CELLS("/rtas", "rtas-size", 20);
	ASSERT_CELLS("/rtas", "ibm,read-pci-config", 0x2016);
	ASSERT_CELLS("/rtas", "power-off", 0x2022);
	ASSERT_CELLS("/rtas", "ibm,lrdr-capacity", (uint32_t)(full.memory >> 32),
		(uint32_t)full.memory, 0, 0x200000, 2);
	data = find("/rtas", "ibm,hypertas-functions", &len);
	assert_int_equal(len, sizeof(hypertas));
	assert_memory_equal(data, hypertas, sizeof(hypertas));
	assert_int_equal(fdt_num_mem_rsv(buffer), 1);
	assert_int_equal(fdt_get_mem_rsv(buffer, 0, &at, &size), 0);
	assert_int_equal(at, 0x3ff0000);
	assert_int_equal(size, 20);
}

static void test_console_and_interrupt_controller_are_known_ones(void **state)
{
	(void)state;
	build(&full);
	assert_string("/vdevice", "device_type", "vdevice");
	assert_string("/vdevice/vty@71000000", "device_type", "serial");
	assert_string("/vdevice/vty@71000000", "compatible", "hvterm1");
	ASSERT_CELLS("/vdevice/vty@71000000", "reg", 0x71000000);
	assert_string("/interrupt-controller", "compatible", "IBM,ppc-xicp");
	ASSERT_CELLS("/interrupt-controller", "phandle", 0x1111);
	ASSERT_CELLS("/interrupt-controller", "#interrupt-cells", 2);
	assert_true(has("/interrupt-controller", "interrupt-controller"));
}

/* DT-04: what the tree says of windows is what the description says. */
static void test_bridge_has_its_windows(void **state)
{
	(void)state;
	build(&full);
	assert_string(PHB6, "device_type", "pci");
	assert_string(PHB6, "compatible", "IBM,Logical_PHB");
	ASSERT_CELLS(PHB6, "#address-cells", 3);
	ASSERT_CELLS(PHB6, "#size-cells", 2);
	ASSERT_CELLS(PHB6, "#interrupt-cells", 1);
	ASSERT_CELLS(PHB6, "bus-range", 0, 0xff);
	ASSERT_CELLS(PHB6, "reg", 0x08000000, 0x20000006, 0, 0);
	ASSERT_CELLS(PHB6, "ranges", 0x02000000, 0, 0x80000000, 0x2003, 0x80000000, 0, 0x7fff0000);
	ASSERT_CELLS(PHB6, "ibm,#dma-address-cells", 2);
	ASSERT_CELLS(PHB6, "ibm,#dma-size-cells", 2);
	ASSERT_CELLS(PHB6, "ibm,dma-window", 0x80000600, 0, 0, 0, 0x40000000);
	ASSERT_CELLS(PHB0, "ibm,dma-window", 0x80000000, 0, 0x10000000, 0, 0x80000000);
	ASSERT_CELLS(PHB6, "tcelot,bypass-window", 0x08000000, 0, 1, 0x08000000);
	assert_false(has(PHB0, "tcelot,bypass-window"));
}

/* PAPR has no word for the page of the first window, which is 4 KiB if none of ours is there. */
static void test_larger_page_of_the_window_is_told(void **state)
{
	const struct dt_guest g = fresh();

	(void)state;
	phbs[0].window_shift = 21;
	phbs[1].window_shift = 12;
	build(&g);
	ASSERT_CELLS(PHB6, "tcelot,dma-window-page-shift", 21);
	assert_false(has(PHB0, "tcelot,dma-window-page-shift"));
}

static struct dt_guest with_ddw(void)
{
	struct dt_guest g = fresh();

	phbs[0].ddw = (struct dt_guest_ddw){true, 0x2031, 0x2032, 0x2033, 0x2034};
	return g;
}

/* Query, create, remove; two extensions: the token of reset, and that query has a form with six
 * results. On the bridges that have it, and on no other. */
static void test_dynamic_windows_are_announced_where_they_are_offered(void **state)
{
	const struct dt_guest g = with_ddw();

	(void)state;
	build(&g);
	ASSERT_CELLS(PHB6, "ibm,ddw-applicable", 0x2031, 0x2032, 0x2033);
	ASSERT_CELLS(PHB6, "ibm,ddw-extensions", 2, 0x2034, 1);
	assert_false(has(PHB0, "ibm,ddw-applicable"));
	assert_false(has(PHB0, "ibm,ddw-extensions"));
}

/* SEED-001.44: the most of each kind where there is some, and the sum for Linux to share out. */
static void test_messages_are_announced_as_far_as_there_are_any(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	phbs[0].total_msi = 128;
	phbs[0].funcs[0].req_msi = 4;
	phbs[0].funcs[1].req_msix = 65;
	phbs[0].funcs[1].express = true;
	build(&g);
	/* SEED-000.1, SEED-001.10: who has extended config space is told, each by itself. */
	ASSERT_CELLS(ETHERNET, "ibm,pci-config-space-type", 1);
	assert_false(has(PHB6 "/pci1234,11e8@0", "ibm,pci-config-space-type"));
	ASSERT_CELLS(PHB6, "ibm,pe-total-#msi", 128);
	ASSERT_CELLS(PHB0, "ibm,pe-total-#msi", 0);
	ASSERT_CELLS(PHB6 "/pci1234,11e8@0", "ibm,req#msi", 4);
	assert_false(has(PHB6 "/pci1234,11e8@0", "ibm,req#msi-x"));
	ASSERT_CELLS(ETHERNET, "ibm,req#msi-x", 65);
	assert_false(has(ETHERNET, "ibm,req#msi"));
}

/* What a guest must not be told: services that are not there. The exception is a number of MSIs,
 * without which Linux dereferences NULL. */
static void test_services_that_do_not_exist_are_not_announced(void **state)
{
	static const char *const absent[] = {"ibm,ddw-applicable", "ibm,ddw-extensions",
		"ibm,my-drc-index", "ibm,drc-indexes", "ibm,pci-config-space-type"};

	(void)state;
	build(&full);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		assert_false(has(PHB6, absent[i]));
		assert_false(has(ETHERNET, absent[i]));
	}
	assert_false(has(ETHERNET, "ibm,req#msi"));
	assert_false(has(ETHERNET, "ibm,req#msi-x"));
	ASSERT_CELLS(PHB6, "ibm,pe-total-#msi", 0);
}

/* Resolves an interrupt as a guest does: mask, compare, take. 0: there is none. */
static uint32_t resolve(unsigned int devfn, uint32_t pin)
{
	size_t len, masklen;
	const fdt32_t *mask = (const void *)find(PHB6, "interrupt-map-mask", &masklen);
	const fdt32_t *map = (const void *)find(PHB6, "interrupt-map", &len);

	assert_int_equal(masklen, 16);
	assert_int_equal(len % 28, 0);
	for (size_t i = 0; i < len / 28; i++) {
		const fdt32_t *e = map + i * 7;

		if (fdt32_ld(e) == (devfn << 8 & fdt32_ld(mask)) &&
			fdt32_ld(e + 3) == (pin & fdt32_ld(mask + 3))) {
			assert_int_equal(fdt32_ld(e + 4), 0x1111);
			assert_int_equal(fdt32_ld(e + 6), 1);
			return fdt32_ld(e + 5);
		}
	}
	return 0;
}

/* Functions of one slot with one pin may have two sources, and those of two slots the same: what
 * the host wires, not what slots say. */
static void test_each_pin_has_the_source_it_is_given(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	phbs[0].nfuncs = DT_GUEST_MAX_FUNCS;
	for (unsigned int i = 0; i < DT_GUEST_MAX_FUNCS; i++) {
		phbs[0].funcs[i] = (struct dt_guest_func){
			.devfn = i / 2 << 3 | (i % 2 * 5), .int_pin = 2, .intx = 0x1218 + i % 4};
	}
	phbs[0].funcs[7].int_pin = 4;
	build(&g);
	for (unsigned int devfn = 0; devfn < 256; devfn++) {
		for (uint32_t pin = 1; pin <= 4; pin++) {
			uint32_t want = 0;

			for (unsigned int i = 0; i < DT_GUEST_MAX_FUNCS; i++) {
				if (phbs[0].funcs[i].devfn == devfn &&
					phbs[0].funcs[i].int_pin == pin) {
					want = phbs[0].funcs[i].intx;
				}
			}
			assert_int_equal(resolve(devfn, pin), want);
		}
	}
}

/* A pin whose line is somebody else's is not there; and a map of nothing is none. */
static void test_pin_that_leads_nowhere_is_left_out(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	phbs[0].funcs[0].intx = 0;
	build(&g);
	assert_false(has(PHB6 "/pci1234,11e8@0", "interrupts"));
	assert_false(has(PHB6, "interrupt-map"));
	assert_false(has(PHB6, "interrupt-map-mask"));
}

static void test_function_has_its_ids_and_bars(void **state)
{
	static const char edu[] = PHB6 "/pci1234,11e8@0";

	(void)state;
	build(&full);
	ASSERT_CELLS(edu, "vendor-id", 0x1234);
	ASSERT_CELLS(edu, "device-id", 0x11e8);
	ASSERT_CELLS(edu, "revision-id", 0x10);
	ASSERT_CELLS(edu, "class-code", 0x00ff00);
	ASSERT_CELLS(edu, "interrupts", 1);
	assert_false(has(edu, "subsystem-id"));
	ASSERT_CELLS(edu, "reg", 0, 0, 0, 0, 0, 0x02000010, 0, 0, 0, 0x100000);
	ASSERT_CELLS(edu, "assigned-addresses", 0x82000010, 0, 0x80100000, 0, 0x100000);
	ASSERT_CELLS(ETHERNET, "subsystem-vendor-id", 0x1425);
	ASSERT_CELLS(ETHERNET, "subsystem-id", 1);
	assert_false(has(ETHERNET, "interrupts"));
	ASSERT_CELLS(ETHERNET, "reg", 0x1300, 0, 0, 0, 0, 0x03001310, 0, 0, 0, 0x1000, 0x43001318,
		0, 0, 0, 0x800000, 0x02001320, 0, 0, 0, 0x2000);
	ASSERT_CELLS(ETHERNET, "assigned-addresses", 0x83001310, 0, 0x80000000, 0, 0x1000,
		0xc3001318, 0, 0x80800000, 0, 0x800000, 0x82001320, 0, 0x80004000, 0, 0x2000);
}

/* The binding counts the ROM's register with the BARs, behind them. */
static void test_option_rom_has_its_entries(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	phbs[0].funcs[1].rom = (struct dt_guest_bar){.size = 0x8000, .value = 0x80810000};
	build(&g);
	ASSERT_CELLS(ETHERNET, "reg", 0x1300, 0, 0, 0, 0, 0x03001310, 0, 0, 0, 0x1000, 0x43001318,
		0, 0, 0, 0x800000, 0x02001320, 0, 0, 0, 0x2000, 0x02001330, 0, 0, 0, 0x8000);
	ASSERT_CELLS(ETHERNET, "assigned-addresses", 0x83001310, 0, 0x80000000, 0, 0x1000,
		0xc3001318, 0, 0x80800000, 0, 0x800000, 0x82001320, 0, 0x80004000, 0, 0x2000,
		0x82001330, 0, 0x80810000, 0, 0x8000);
}

/* The device's config space says the pin and the class, and may say anything. */
static void test_pin_that_no_device_has_is_none(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	for (unsigned int pin = 0; pin < 256; pin++) {
		phbs[0].funcs[0].int_pin = (uint8_t)pin;
		phbs[0].funcs[0].intx = 0x1218;
		build(&g);
		assert_int_equal(has(PHB6 "/pci1234,11e8@0", "interrupts"), pin >= 1 && pin <= 4);
	}
}

static void test_what_is_optional_is_left_out(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	g.bootargs = NULL;
	g.initrd_size = 0;
	g.nap = 0;
	g.ap = NULL;
	g.rtas_size = 0;
	phbs[0].funcs[0].bars[0].size = 0;
	build(&g);
	assert_false(has("/chosen", "bootargs"));
	assert_false(has("/chosen", "linux,initrd-start"));
	assert_false(has("/cpus/PowerPC,POWER9@0", "ibm,processor-radix-AP-encodings"));
	assert_false(has(PHB6 "/pci1234,11e8@0", "assigned-addresses"));
	assert_int_equal(fdt_num_mem_rsv(buffer), 0);
}

static char dtc_said[4096];

/* Gives the tree to dtc and keeps what it complains about; its exit status. */
static int run_dtc(void)
{
	char file[] = "/tmp/tcelot-guest-XXXXXX";
	char command[128];
	size_t used = 0;
	FILE *f;
	int fd = mkstemp(file);
	int status;

	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(buffer, 1, fdt_totalsize(buffer), f), fdt_totalsize(buffer));
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command), "dtc -I dtb -O dts -o /dev/null %s 2>&1", file);
	f = popen(command, "r");
	assert_non_null(f);
	used = fread(dtc_said, 1, sizeof(dtc_said) - 1, f);
	dtc_said[used] = '\0';
	status = pclose(f);
	assert_int_equal(remove(file), 0);
	return status;
}

/* DT-03 */
static void test_dtc_reads_it_without_a_word(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	build(&full);
	assert_int_equal(run_dtc(), 0);
	assert_string_equal(dtc_said, "");
	g.nphbs = 0;
	g.ncpus = 1;
	build(&g);
	assert_int_equal(run_dtc(), 0);
	assert_string_equal(dtc_said, "");
	/* The test itself can fail: a node with reg and no unit address is complained about. */
	memcpy((char *)buffer + fdt_off_dt_struct(buffer) +
			(size_t)fdt_path_offset(buffer, "/memory@0") + 4,
		"memory_0", 8);
	(void)run_dtc();
	assert_string_not_equal(dtc_said, "");
}

/* DT-03 */
static void test_two_builds_are_the_same_bytes(void **state)
{
	static uint64_t other[ROOM / 8];
	static uint64_t larger[ROOM / 4];

	(void)state;
	build(&full);
	memset(other, 0x5a, sizeof(other));
	assert_int_equal(dt_guest_build(&full, other, sizeof(other)), 0);
	assert_memory_equal(buffer, other, sizeof(other));
	memset(larger, 0xff, sizeof(larger));
	assert_int_equal(dt_guest_build(&full, larger, sizeof(larger)), 0);
	assert_memory_equal(buffer, larger, fdt_totalsize(buffer));
}

/* DT-02: every property there is has been thought about, and none of them tells of the host. */
static void test_no_property_but_these_is_ever_written(void **state)
{
	static const char *const known[] = {"device_type", "model", "compatible", "#address-cells",
		"#size-cells", "#interrupt-cells", "bootargs", "stdout-path", "linux,initrd-start",
		"linux,initrd-end", "linux,pci-probe-only", "ibm,architecture-vec-5", "reg",
		"status", "ibm,ppc-interrupt-server#s", "cpu-version", "timebase-frequency",
		"ibm,vmx", "ibm,processor-radix-AP-encodings", "ibm,hypertas-functions",
		"linux,rtas-base", "linux,rtas-entry", "rtas-size", "ibm,extended-os-term",
		"ibm,read-pci-config", "power-off", "interrupt-controller",
		"ibm,interrupt-server-ranges", "phandle", "used-by-rtas", "bus-range",
		"ibm,pe-total-#msi", "ranges", "ibm,#dma-address-cells", "ibm,#dma-size-cells",
		"ibm,dma-window", "ibm,ddw-applicable", "ibm,ddw-extensions", "ibm,lrdr-capacity",
		"tcelot,bypass-window", "interrupt-map-mask", "interrupt-map", "vendor-id",
		"device-id", "revision-id", "class-code", "subsystem-vendor-id", "subsystem-id",
		"interrupts", "assigned-addresses", "ibm,req#msi", "ibm,req#msi-x",
		"qemu,boot-list"};
	const size_t nknown = sizeof(known) / sizeof(known[0]);
	struct dt_guest g = with_ddw();
	const char *at;

	(void)state;
	phbs[0].funcs[0].req_msi = phbs[0].funcs[0].req_msix = 1;
	phbs[0].funcs[0].boots = true;
	build(&g);
	at = (const char *)buffer + fdt_off_dt_strings(buffer);
	while (at <
		(const char *)buffer + fdt_off_dt_strings(buffer) + fdt_size_dt_strings(buffer)) {
		size_t i = 0;

		while (i < nknown && strcmp(known[i], at)) {
			i++;
		}
		if (i == nknown) {
			fail_msg("a property %s", at);
		}
		at += strlen(at) + 1;
	}
}

/* DT-02, CVE-2019-8934: neither words nor addresses of a host. */
static void test_nothing_but_the_description_is_in_the_tree(void **state)
{
	static const char *const words[] = {"IBM PowerNV", "powernv", "opal", "serial-number",
		"loc-code", "vpd", "uuid", "host", "pciex", "chip"};
	const char *bytes = (const char *)buffer;

	(void)state;
	build(&full);
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		size_t len = strlen(words[w]);

		for (size_t i = 0; i + len <= fdt_totalsize(buffer); i++) {
			if (!memcmp(bytes + i, words[w], len)) {
				fail_msg("\"%s\" is in the tree", words[w]);
			}
		}
	}
	/* PHB4 windows and firmware are at 0x0006... and 0x3000.... */
	for (size_t i = 0; i + 8 <= fdt_totalsize(buffer); i += 4) {
		uint64_t v = fdt64_ld((const fdt64_t *)(const void *)(bytes + i));

		assert_true(v >> 48 != 0x0006);
	}
}

static void test_buffer_that_is_too_small_is_refused_at_any_size(void **state)
{
	size_t need;

	(void)state;
	build(&full);
	need = fdt_totalsize(buffer);
	for (size_t n = 0; n < need; n += HELP_STEP) {
		uint8_t *small = malloc(n + 8);

		assert_non_null(small);
		memset(small + n, 0xee, 8);
		assert_int_equal(dt_guest_build(&full, small, n), -ENOSPC);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(small[n + i], 0xee);
		}
		free(small);
	}
}

static void set_no_cpu(struct dt_guest *g)
{
	g->ncpus = 0;
}

static void set_missing_phbs(struct dt_guest *g)
{
	g->phbs = NULL;
}

static void set_many_funcs(struct dt_guest *g)
{
	(void)g;
	phbs[0].nfuncs = DT_GUEST_MAX_FUNCS + 1;
}

static void set_many_services(struct dt_guest *g)
{
	g->nservices = DT_GUEST_MAX_SERVICES + 1;
}

static void set_nameless_service(struct dt_guest *g)
{
	g->services[1].name = NULL;
}

static void set_many_ap(struct dt_guest *g)
{
	g->nap = DT_GUEST_MAX_AP + 1;
}

static void set_no_ap(struct dt_guest *g)
{
	g->ap = NULL;
}

static void set_rtas_above_4g(struct dt_guest *g)
{
	g->rtas = 0xfffffff0;
}

static void set_same_buid(struct dt_guest *g)
{
	(void)g;
	phbs[1].buid = phbs[0].buid;
}

static void set_same_devfn(struct dt_guest *g)
{
	(void)g;
	phbs[0].funcs[1].devfn = 0;
}

static void set_devfn_256(struct dt_guest *g)
{
	(void)g;
	phbs[0].funcs[1].devfn = 256;
}

static void test_description_that_cannot_be_written_is_refused(void **state)
{
	static void (*const wrong[])(struct dt_guest *) = {set_no_cpu, set_missing_phbs,
		set_many_funcs, set_many_services, set_nameless_service, set_many_ap, set_no_ap,
		set_rtas_above_4g, set_same_buid, set_same_devfn, set_devfn_256};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct dt_guest g = fresh();

		wrong[i](&g);
		if (dt_guest_build(&g, buffer, sizeof(buffer)) != -EINVAL) {
			fail_msg("description %zu was taken", i);
		}
	}
	assert_int_equal(dt_guest_build(&full, (char *)buffer + 4, sizeof(buffer) - 4), -EINVAL);
}

static void test_everything_at_its_most_fits_in_what_is_said_to_be_enough(void **state)
{
	struct dt_guest g = fresh();

	(void)state;
	g.ncpus = 8;
	for (unsigned int i = 0; i < MAX_PHBS; i++) {
		phbs[i] = full_phbs[0];
		phbs[i].buid += i;
		phbs[i].nfuncs = DT_GUEST_MAX_FUNCS;
		for (unsigned int k = 0; k < DT_GUEST_MAX_FUNCS; k++) {
			phbs[i].funcs[k] = full_phbs[0].funcs[1];
			phbs[i].funcs[k].devfn = k;
			phbs[i].funcs[k].boots = true;
			phbs[i].funcs[k].rom = full_phbs[0].funcs[1].bars[4];
			for (unsigned int b = 0; b < 6; b++) {
				phbs[i].funcs[k].bars[b] = full_phbs[0].funcs[1].bars[4];
			}
		}
	}
	for (g.nphbs = 0; g.nphbs <= MAX_PHBS; g.nphbs++) {
		assert_int_equal(dt_guest_build(&g, buffer, dt_guest_size(g.nphbs)), 0);
	}
	g.nphbs = MAX_PHBS;
	build(&g);
	assert_int_equal(run_dtc(), 0);
	assert_string_equal(dtc_said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_is_a_pseries_machine),
		cmocka_unit_test(test_chosen_says_how_to_start),
		cmocka_unit_test(test_chosen_says_what_to_start_from),
		cmocka_unit_test(test_memory_starts_at_0_and_is_all_there_is),
		cmocka_unit_test(test_cpus_have_the_name_of_their_pvr),
		cmocka_unit_test(test_rtas_has_its_blob_reserved_and_a_token_each),
		cmocka_unit_test(test_console_and_interrupt_controller_are_known_ones),
		cmocka_unit_test(test_bridge_has_its_windows),
		cmocka_unit_test(test_larger_page_of_the_window_is_told),
		cmocka_unit_test(test_dynamic_windows_are_announced_where_they_are_offered),
		cmocka_unit_test(test_messages_are_announced_as_far_as_there_are_any),
		cmocka_unit_test(test_services_that_do_not_exist_are_not_announced),
		cmocka_unit_test(test_each_pin_has_the_source_it_is_given),
		cmocka_unit_test(test_pin_that_leads_nowhere_is_left_out),
		cmocka_unit_test(test_function_has_its_ids_and_bars),
		cmocka_unit_test(test_option_rom_has_its_entries),
		cmocka_unit_test(test_pin_that_no_device_has_is_none),
		cmocka_unit_test(test_what_is_optional_is_left_out),
		cmocka_unit_test(test_dtc_reads_it_without_a_word),
		cmocka_unit_test(test_two_builds_are_the_same_bytes),
		cmocka_unit_test(test_no_property_but_these_is_ever_written),
		cmocka_unit_test(test_nothing_but_the_description_is_in_the_tree),
		cmocka_unit_test(test_buffer_that_is_too_small_is_refused_at_any_size),
		cmocka_unit_test(test_description_that_cannot_be_written_is_refused),
		cmocka_unit_test(test_everything_at_its_most_fits_in_what_is_said_to_be_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
