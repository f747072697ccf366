// SPDX-License-Identifier: Apache-2.0
/*
 * What a plan may say about single functions, from the plan to what the guest reads in config space
 * and in its tree: ids, what to start from, the option ROM.
 */
#define _POSIX_C_SOURCE 200809L /* dt_help.h */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/host_pci.h"
#include "core/partition.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define MIB	 ((uint64_t)1 << 20)
#define RAM_SIZE (32 * MIB)
#define DEVICE	 0x0100u
#define SECOND	 0x0101u
#define PHB6	 "/pci@800000020000006"
#define ROM_SIZE 0x2000u
#define NODE	 PHB6 "/pci1234,11e8@0"

static struct fake_ram ram;
static struct fake_phb phb;
static struct board board;
static struct vfio vfio;
static struct plan_partition plan;
static struct partition *part;
static struct fake_func *dev, *second;
static uint8_t kernel[FAKE_KERNEL_SIZE], rom[ROM_SIZE];
static uint64_t free_at_start;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static void scan(void)
{
	memset(board.groups, 0, sizeof(board.groups));
	board.ngroups = 0;
	board.nfuncs = 0;
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
}

/* An image that fills all of it. */
static void make_rom(void)
{
	for (unsigned int i = 0; i < ROM_SIZE; i++) {
		rom[i] = (uint8_t)(i * 3 + i / 256);
	}
	memcpy(rom, "\x55\xaa", 2);
	memcpy(rom + 0x18, "\x40\x00", 2);
	memcpy(rom + 0x40, "PCIR", 4);
	memcpy(rom + 0x50, "\x10\x00", 2);
}

static void make_machine(void)
{
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = 1;
	board.threads[0].alive = true;
	board.nphbs = 1;
	fake_phb_init(&phb, &board.phbs[0], 0, &ram);
	fake_add_bridge(&phb, 0, 1, 1);
	dev = fake_add_func(&phb, DEVICE, 0x11e81234);
	fake_put(dev, PCI_HEADER_TYPE, 1, 0x80);
	fake_put(dev, PCI_SUBSYS_VENDOR, 4, 0x11001af4);
	fake_set_bar(dev, 0, MIB, false, false);
	make_rom();
	fake_set_rom(dev, ROM_SIZE, rom);
	second = fake_add_func(&phb, SECOND, 0x56781234);
	fake_put(second, PCI_REVISION, 4, 0x02000001);
	scan();
}

/* One function 01:00.0 and an ethernet 01:00.1 in one group, options for both. */
static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	fake_arch.tick_ns = 1000000;
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	make_machine();
	fake_arch.on_mmio = fake_phb_on_mmio;
	fake_arch.on_mmio_arg = &phb;
	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	memset(&plan, 0, sizeof(plan));
	strcpy(plan.name, "alpha");
	plan.memory = 4 * MIB;
	plan.vcpus = 1;
	plan.kernel = (struct plan_blob){kernel, sizeof(kernel)};
	plan.nphbs = 1;
	strcpy(plan.phbs[0].id, "CXGB3");
	plan.phbs[0].index = 6;
	plan.phbs[0].window_size = 64 * MIB;
	plan.nfuncs = plan.phbs[0].nfuncs = 2;
	plan.phbs[0].funcs = plan.funcs;
	plan.funcs[0].bdfn = DEVICE;
	plan.funcs[1].bdfn = SECOND;
	part = calloc(1, sizeof(*part));
	assert_non_null(part);
	part->lpid = 1;
	partition_on_stopped = NULL;
	partition_on_starting = NULL;
	partition_on_ending = NULL;
	free_at_start = mem_free_bytes(&ram.pool);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(part);
	fake_ram_free(&ram);
	return 0;
}

static int build(void)
{
	static const unsigned int threads[PARTITION_MAX_VCPUS];

	return partition_build(part, &plan, &board, &vfio, &ram.pool, threads, true);
}

static uint32_t read_config(unsigned int func, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	assert_int_equal(pci_config_read(&part->phbs[0].funcs[func], off, size, &v), 0);
	return v;
}

static const void *tree(void)
{
	return part->mem.ptr + part->tree.v;
}

/* The property's length, or -1; *data: its bytes. */
static int find(const char *path, const char *name, const void **data)
{
	int len = -1;

	*data = fdt_getprop(tree(), fdt_path_offset(tree(), path), name, &len);
	return *data ? len : -1;
}

static void assert_cell(const char *path, const char *name, uint32_t want)
{
	const void *data;

	assert_int_equal(find(path, name, &data), 4);
	assert_int_equal(fdt32_ld(data), want);
}

/* SEED-001.22, SEED-001.21: config space and tree show the same ids, and the neighbour its own. */
static void test_ids_are_the_plans(void **state)
{
	static const char node[] = PHB6 "/pci1014,dead@0";

	(void)state;
	plan.funcs[0].ids_given = 0xf;
	plan.funcs[0].ids[PLAN_VENDOR] = 0x1014;
	plan.funcs[0].ids[PLAN_DEVICE] = 0xdead;
	plan.funcs[0].ids[PLAN_SUBSYS_VENDOR] = 0xffff;
	plan.funcs[0].ids[PLAN_SUBSYS] = 0x0001;
	assert_int_equal(build(), 0);
	assert_int_equal(read_config(0, PCI_VENDOR_ID, 4), 0xdead1014);
	assert_int_equal(read_config(0, PCI_SUBSYS_VENDOR, 4), 0x0001ffff);
	assert_cell(node, "vendor-id", 0x1014);
	assert_cell(node, "device-id", 0xdead);
	assert_cell(node, "subsystem-vendor-id", 0xffff);
	assert_cell(node, "subsystem-id", 0x0001);
	assert_int_equal(read_config(1, PCI_VENDOR_ID, 4), 0x56781234);
	assert_cell(PHB6 "/ethernet@0,1", "device-id", 0x5678);
	assert_int_equal(fake_get(dev, PCI_VENDOR_ID, 4), 0x11e81234);
}

/* SEED-001.22: what is not said is kept, each for itself. */
static void test_ids_not_given_are_the_devices(void **state)
{
	(void)state;
	plan.funcs[0].ids_given = 1u << PLAN_DEVICE | 1u << PLAN_SUBSYS_VENDOR;
	plan.funcs[0].ids[PLAN_VENDOR] = 0x9999;
	assert_int_equal(build(), 0);
	assert_int_equal(read_config(0, PCI_VENDOR_ID, 4), 0x00001234);
	assert_int_equal(read_config(0, PCI_SUBSYS_VENDOR, 4), 0x11000000);
	assert_cell(PHB6 "/pci1234,0@0", "vendor-id", 0x1234);
}

/* SEED-002.7, SEED-003.13: a virtual function, of which the host has a record, reads ffff where its
 * ids are. The guest reads those of the record, and cannot write them. */
static void test_virtual_function_has_the_records_ids(void **state)
{
	(void)state;
	fake_put(dev, PCI_VENDOR_ID, 4, UINT32_MAX);
	assert_int_equal(build(), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(read_config(0, PCI_VENDOR_ID, 4), 0x11e81234);
		assert_int_equal(read_config(0, PCI_DEVICE_ID, 2), 0x11e8);
		assert_int_equal(
			pci_config_write(&part->phbs[0].funcs[0], PCI_VENDOR_ID, 4, UINT32_MAX), 0);
	}
	assert_false(part->phbs[0].funcs[0].gone);
	assert_cell(PHB6 "/pci1234,11e8@0", "vendor-id", 0x1234);
}

/* SEED-003.44, SEED-000.15: in order, and only of what could be assigned. */
static void test_boot_list_follows_the_numbers(void **state)
{
	static const char want[] = PHB6 "/ethernet@0,1 " PHB6 "/pci1234,11e8@0";
	const void *data;

	(void)state;
	plan.funcs[0].boots = plan.funcs[1].boots = true;
	plan.funcs[0].bootindex = 2;
	plan.funcs[1].bootindex = 1;
	assert_int_equal(build(), 0);
	assert_int_equal(find("/chosen", "qemu,boot-list", &data), sizeof(want));
	assert_string_equal(data, want);
}

/* SEED-000.15: nothing is left of a set-up that fails, whichever step it is; the list is written
 * when all is done. */
static void test_failed_set_up_leaves_no_boot_list(void **state)
{
	bool built = false;

	plan.funcs[1].boots = true;
	for (unsigned int k = 1; !built; k++) {
		phb.fail_at = k;
		built = !build();
		if (!built) {
			assert_int_equal(part->tree.v, 0);
		}
		teardown(state);
		setup(state);
		plan.funcs[1].boots = true;
		assert_true(k < 1000);
	}
}

/* --- option ROM --- */

static struct pci_func *guest_func(void)
{
	return &part->phbs[0].funcs[0];
}

/* Switches it on as a guest does, and compares all that it can load. */
static void assert_guest_reads(const uint8_t *want, uint32_t len, uint32_t size)
{
	uint32_t at = read_config(0, PCI_ROM_BAR, 4);

	assert_int_equal(at & PCI_ROM_ENABLE, 0);
	assert_int_equal(pci_config_write(guest_func(), PCI_ROM_BAR, 4, UINT32_MAX), 0);
	assert_int_equal(read_config(0, PCI_ROM_BAR, 4), ~(size - 1) | PCI_ROM_ENABLE);
	assert_int_equal(pci_config_write(guest_func(), PCI_ROM_BAR, 4, at | PCI_ROM_ENABLE), 0);
	assert_int_equal(pci_config_write(guest_func(), PCI_COMMAND, 2, PCI_COMMAND_MEMORY), 0);
	for (uint32_t off = 0; off < size; off += 4) {
		uint64_t val = 0;

		assert_int_equal(pci_bar_access(guest_func(), at + off, 4, false, &val), 0);
		for (uint32_t i = 0; i < 4; i++) {
			uint8_t byte = off + i < len ? want[off + i] : 0xff;

			assert_int_equal(val >> (8 * i) & 0xff, byte);
		}
	}
	assert_int_equal(fake_get(dev, PCI_ROM_BAR, 4), 0);
}

/* The tree promises what is there: the register in reg, with its size, and where it starts. */
static void assert_tree_has_rom(uint32_t size)
{
	const void *reg, *assigned;

	assert_int_equal(find(NODE, "reg", &reg), 3 * 20);
	assert_int_equal(fdt32_ld((const fdt32_t *)reg + 10), 0x02000030);
	assert_int_equal(fdt32_ld((const fdt32_t *)reg + 14), size);
	assert_int_equal(find(NODE, "assigned-addresses", &assigned), 2 * 20);
	assert_int_equal(fdt32_ld((const fdt32_t *)assigned + 5), 0x82000030);
	assert_int_equal(fdt32_ld((const fdt32_t *)assigned + 7), read_config(0, PCI_ROM_BAR, 4));
	assert_int_equal(fdt32_ld((const fdt32_t *)assigned + 9), size);
}

static void assert_no_rom(void)
{
	const void *reg;

	assert_int_equal(find(NODE, "reg", &reg), 2 * 20);
	assert_int_equal(pci_config_write(guest_func(), PCI_ROM_BAR, 4, UINT32_MAX), 0);
	assert_int_equal(read_config(0, PCI_ROM_BAR, 4), 0);
	assert_int_equal(fake_get(dev, PCI_ROM_BAR, 4), 0);
}

/* Everything goes back: the partition ends as when its guest has powered off. */
static void end_partition(void)
{
	partition_request_stop(part, STOP_POWER_OFF);
	fake_arch_leave(&part->vcpus[0]);
	partition_vcpu_exited(&part->vcpus[0]);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

static void ignore_end(struct partition *p)
{
	(void)p;
}

/* SEED-001.11, SEED-003.43: its bytes, read once, and given back at the end. */
static void test_device_rom_is_the_guests(void **state)
{
	(void)state;
	partition_on_stopped = ignore_end;
	plan.funcs[0].rom = PLAN_ROM_DEVICE;
	fake_arch_clear_out();
	assert_int_equal(build(), 0);
	assert_null(strstr(fake_arch.out, "option ROM"));
	assert_tree_has_rom(ROM_SIZE);
	/* What the device has there later is not asked. */
	dev->rom = NULL;
	assert_guest_reads(rom, ROM_SIZE, ROM_SIZE);
	partition_start(part);
	end_partition();
}

/* SEED-001.11: the user's file wins, and nothing of the device's is read or patched. */
static void test_file_goes_before_the_device(void **state)
{
	static uint8_t file[0x2201];

	(void)state;
	memcpy(file, rom, 0x1000);
	memset(file + 0x1000, 0x66, sizeof(file) - 0x1000);
	dev->rom = NULL;
	plan.funcs[0].rom = PLAN_ROM_FILE;
	plan.funcs[0].rom_file = (struct plan_blob){file, sizeof(file)};
	plan.funcs[0].ids_given = 1u << PLAN_SUBSYS;
	plan.funcs[0].ids[PLAN_SUBSYS] = 0x77;
	assert_int_equal(build(), 0);
	assert_tree_has_rom(0x4000);
	assert_guest_reads(file, sizeof(file), 0x4000);
}

/* SEED-001.11: nobody has asked, or has said "off". */
static void test_without_a_word_there_is_no_rom(void **state)
{
	(void)state;
	dev->rom = NULL;
	fake_arch_clear_out();
	assert_int_equal(build(), 0);
	assert_null(strstr(fake_arch.out, "option ROM"));
	assert_no_rom();
}

static void make_ones(void)
{
	memset(rom, 0xff, sizeof(rom));
}

static void make_other(void)
{
	rom[0] = 0;
}

static void make_cut(void)
{
	rom[0x50]++;
}

static void make_absent(void)
{
	fake_set_rom(dev, ROM_SIZE, NULL);
	memset(dev->wmask + PCI_ROM_BAR, 0, 4);
	dev->rom_bytes = 0;
	scan();
}

static void make_unplaceable(void)
{
	fake_set_rom(dev, ROM_SIZE, NULL);
	board.funcs[1].rom.bus = 0;
}

static void make_deaf(void)
{
	/* It does not keep the address. */
	memset(dev->wmask + PCI_ROM_BAR, 0, 4);
}

/* SEED-003.43: said once, and the guest has none; it is given the function all the same. */
static void test_rom_that_is_none_is_told(void **state)
{
	static const struct {
		void (*make)(void);
		const char *why;
	} cases[] = {{make_ones, "it does not begin with 55 aa"},
		{make_other, "it does not begin with 55 aa"},
		{make_cut, "its image has no length, or is not all there"},
		{make_absent, "the device has none"}, {make_unplaceable, "the device has none"},
		{make_deaf, "the device's cannot be read"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[128] = "alpha: function 01:00.0: no option ROM for its guest: ";
		const char *at;

		teardown(state);
		setup(state);
		plan.funcs[0].rom = PLAN_ROM_DEVICE;
		cases[i].make();
		free_at_start = mem_free_bytes(&ram.pool);
		fake_arch_clear_out();
		assert_int_equal(build(), 0);
		at = strstr(fake_arch.out, strcat(line, cases[i].why));
		if (!at) {
			fail_msg("wanted: %s\ngot: %s", line, fake_arch.out);
		}
		assert_null(strstr(at + strlen(line), "option ROM"));
		assert_no_rom();
		partition_on_stopped = ignore_end;
		partition_start(part);
		end_partition();
	}
}

/* SEED-003.43, SEED-001.10, SEED-000.16: whatever fails of setting it all up, the ROM is off, and
 * what was taken is given back. */
static void test_rom_is_off_whatever_fails(void **state)
{
	for (unsigned int late = 0; late < 2; late++) {
		bool failed = true;

		for (unsigned int k = 1; failed; k++) {
			int err;

			teardown(state);
			setup(state);
			plan.funcs[0].rom = PLAN_ROM_DEVICE;
			phb.fail_late = late;
			phb.fail_at = k;
			err = build();
			failed = !phb.fail_at;
			assert_int_equal(fake_get(dev, PCI_ROM_BAR, 4) & PCI_ROM_ENABLE, 0);
			if (err) {
				uint64_t left = mem_free_bytes(&ram.pool);

				/* Of a device that cannot be quarantined the memory is lost. */
				assert_true(left == free_at_start ||
					    strstr(fake_arch.out, "stays out of use"));
			}
			assert_true(k < 1000);
		}
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids_are_the_plans),
		TEST(test_ids_not_given_are_the_devices),
		TEST(test_virtual_function_has_the_records_ids),
		TEST(test_boot_list_follows_the_numbers),
		TEST(test_failed_set_up_leaves_no_boot_list),
		TEST(test_device_rom_is_the_guests),
		TEST(test_file_goes_before_the_device),
		TEST(test_without_a_word_there_is_no_rom),
		TEST(test_rom_that_is_none_is_told),
		TEST(test_rom_is_off_whatever_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
