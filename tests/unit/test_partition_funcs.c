// SPDX-License-Identifier: Apache-2.0
/*
 * What a partition's functions do beside DMA, down to the device: resets and power states that the
 * guest asks for, its messages, 64-bit BARs, functions that the plan holds back, and what of
 * a guest does not fit into its memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"
#include "core/host_pci.h"
#include "core/msi.h"
#include "core/partition_parts.h"
#include "core/vfio_spapr.h"
#include "dt/dt_guest.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <stdlib.h>
#include <string.h>

#define MIB	   ((uint64_t)1 << 20)
#define RAM_SIZE   (32 * MIB)
#define GUEST_SIZE (4 * MIB)
#define DEVICE	   0x0100u
#define SECOND	   0x0101u
#define EXP	   0x40u
#define PM	   0x80u
#define AF	   0x90u
#define MSI	   0xa0u
#define MS	   1000000ull

static struct fake_ram ram;
static struct fake_phb phb;
static struct host_phb_ops ops;
static struct board board;
static struct vfio vfio;
static struct plan_partition plan;
static struct partition *part;
static struct fake_func *dev;
static uint8_t kernel[FAKE_KERNEL_SIZE];
static uint64_t free_at_start;
static unsigned int nflr, naf, nbus;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

/* What is below the root port forgets all it was told. */
static void reset_bus(void)
{
	nbus++;
	for (unsigned int i = 1; i < phb.nfuncs; i++) {
		struct fake_func *f = &phb.funcs[i];

		fake_put(f, PCI_COMMAND, 2, 0);
		if (f->image[PCI_HEADER_TYPE] == 1) {
			memset(f->image + 0x18, 0, 0x14);
			memset(f->wmask + 0x18, 0xff, 3);
		}
	}
}

static int count_resets(
	struct host_phb *p, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	if (!bdfn && off == 0x3e && val & 0x40) {
		reset_bus();
	}
	nflr += bdfn == DEVICE && off == EXP + PCI_EXP_DEVCTL && (val & PCI_EXP_DEVCTL_FLR);
	naf += bdfn == DEVICE && off == AF + PCI_AF_CTRL && (val & PCI_AF_FLR);
	return fake_phb_ops.config_write(p, bdfn, off, size, val);
}

static void scan(void)
{
	memset(board.groups, 0, sizeof(board.groups));
	board.ngroups = 0;
	board.nfuncs = 0;
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
}

static void add_caps(struct fake_func *f)
{
	fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(f, PCI_CAP_PTR, 1, EXP);
	fake_put(f, EXP, 4, 2u << 16 | PM << 8 | PCI_CAP_EXP);
	fake_put(f, EXP + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_put(f, PM, 4, 3u << 16 | AF << 8 | PCI_CAP_PM);
	f->wmask[PM + PCI_PM_CTRL] = PCI_PM_STATE;
	fake_put(f, AF, 4, (PCI_AF_CAP_TP | PCI_AF_CAP_FLR) << 24 | PCI_AF_SIZE << 16 | PCI_CAP_AF);
}

static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	fake_arch.tick_ns = 1000;
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = 1;
	board.threads[0].alive = true;
	board.nphbs = 1;
	fake_phb_init(&phb, &board.phbs[0], 0, &ram);
	ops = fake_phb_ops;
	ops.config_write = count_resets;
	board.phbs[0].ops = &ops;
	fake_add_bridge(&phb, 0, 1, 1);
	dev = fake_add_func(&phb, DEVICE, 0x11e81234);
	fake_set_bar(dev, 0, MIB, true, true);
	add_caps(dev);
	scan();

	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	memset(&plan, 0, sizeof(plan));
	strcpy(plan.name, "alpha");
	plan.memory = GUEST_SIZE;
	plan.vcpus = 1;
	plan.kernel = (struct plan_blob){kernel, sizeof(kernel)};
	plan.nphbs = 1;
	strcpy(plan.phbs[0].id, "CXGB3");
	plan.phbs[0].index = 6;
	plan.phbs[0].window_size = 64 * MIB;
	part = calloc(1, sizeof(*part));
	assert_non_null(part);
	part->lpid = 1;
	partition_on_stopped = NULL;
	partition_on_starting = NULL;
	partition_on_ending = NULL;
	free_at_start = mem_free_bytes(&ram.pool);
	nflr = naf = nbus = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	partition_on_ending = NULL;
	free(part);
	fake_ram_free(&ram);
	return 0;
}

static int build(void)
{
	static const unsigned int threads[PARTITION_MAX_VCPUS];

	return partition_build(part, &plan, &board, &vfio, &ram.pool, threads, true);
}

static struct pci_func *func(unsigned int i)
{
	return &part->phbs[0].funcs[i];
}

static uint32_t read_config(unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	assert_int_equal(pci_config_read(func(0), off, size, &v), 0);
	return v;
}

static void write_config(unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pci_config_write(func(0), off, size, val), 0);
}

/* Looks until the device answers, which must not be at once. */
static void assert_comes_back(void)
{
	unsigned int looks = 0;
	uint32_t v = 0;

	for (; looks < 1000; looks++) {
		if (!pci_config_read(func(0), PCI_VENDOR_ID, 2, &v) && v == 0x1234) {
			break;
		}
		fake_arch.now_ns += 10 * MS;
	}
	assert_in_range(looks, 1, 999);
	assert_int_equal(v, 0x1234);
}

/* SEED-001.43, CF-11: one reset at the device for each that the guest asks for, of its kind. */
static void test_resets_reach_the_device(void **state)
{
	(void)state;
	assert_int_equal(build(), 0);
	write_config(EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR);
	assert_comes_back();
	assert_int_equal(nflr, 1);
	assert_int_equal(naf, 0);
	write_config(AF + PCI_AF_CTRL, 1, PCI_AF_FLR);
	assert_comes_back();
	assert_int_equal(nflr, 1);
	assert_int_equal(naf, 1);
	write_config(PM + PCI_PM_CTRL, 2, PCI_PM_D3HOT);
	fake_arch.now_ns += 1000 * MS;
	(void)read_config(PM + PCI_PM_CTRL, 2);
	assert_int_equal(fake_get(dev, PM + PCI_PM_CTRL, 2), PCI_PM_D3HOT);
	write_config(PM + PCI_PM_CTRL, 2, 0);
	fake_arch.now_ns += 1000 * MS;
	(void)read_config(PM + PCI_PM_CTRL, 2);
	assert_int_equal(fake_get(dev, PM + PCI_PM_CTRL, 2), 0);
}

static uint64_t h_tce(uint64_t op, uint64_t ioba, uint64_t tce)
{
	uint64_t regs[1 + HCALL_NARGS] = {op, part->phbs[0].at.liobn[0], ioba, tce};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	assert_int_equal(regs[0], H_SUCCESS);
	return regs[1];
}

static int dma(uint16_t bdfn, uint64_t iova)
{
	char buf[8] = "payload";
	int err = fake_phb_dma(&phb, bdfn, iova, buf, sizeof(buf), true);

	if (!err) {
		assert_memory_equal(part->mem.ptr + 0x5000 + iova % 0x1000, buf, sizeof(buf));
	}
	return err;
}

/* CF-11: both ways to reset, while both functions of a PE do DMA. What is mapped stays mapped, the
 * other function goes on, and this one is the master of its bus again when it is back. */
static void test_reset_leaves_tces_and_neighbours(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t val;
	} ways[] = {
		{EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR}, {AF + PCI_AF_CTRL, 1, PCI_AF_FLR}};

	(void)state;
	fake_put(dev, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTI);
	fake_add_func(&phb, SECOND, 0x11e85678);
	scan();
	assert_int_equal(build(), 0);
	(void)h_tce(H_PUT_TCE, 0x1000, 0x5003);
	assert_int_equal(pci_config_write(func(1), PCI_COMMAND, 2, PCI_COMMAND_MASTER), 0);
	write_config(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(dma(DEVICE, 0x1010), 0);
		assert_int_equal(dma(SECOND, 0x1020), 0);
		write_config(ways[i].off, ways[i].size, ways[i].val);
		assert_false(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
		assert_int_not_equal(dma(DEVICE, 0x1010), 0);
		assert_int_equal(dma(SECOND, 0x1030), 0);
		assert_int_equal(h_tce(H_GET_TCE, 0x1000, 0), 0x5003);
		assert_comes_back();
		assert_int_equal(h_tce(H_GET_TCE, 0x1000, 0), 0x5003);
		assert_int_equal(dma(DEVICE, 0x1040 + 8 * i), 0);
		assert_int_equal(dma(SECOND, 0x1060), 0);
	}
	assert_int_equal(nflr, 1);
	assert_int_equal(naf, 1);
}

/* A message goes from the device to the source that the guest was told. */
static void test_message_is_set_up_down_to_the_device(void **state)
{
	uint32_t address;

	(void)state;
	fake_add_msi(dev, MSI, 0x0080);
	scan();
	assert_int_equal(build(), 0);
	assert_int_equal(msi_request(part, func(0), PCI_IRQ_MSI, 1), 0);
	assert_true(fake_phb_fire_msi(&phb, DEVICE, 0));
	assert_int_equal(phb.msis_dropped, 0);
	/* A reset loses it at the device; it is back when the device is. */
	address = fake_get(dev, MSI + 4, 4);
	write_config(EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR);
	fake_arch.now_ns += MS;
	fake_put(dev, MSI + 4, 4, 0);
	assert_comes_back();
	assert_int_equal(fake_get(dev, MSI + 4, 4), address);
	assert_true(fake_phb_fire_msi(&phb, DEVICE, 0));
	assert_int_equal(phb.msis_dropped, 0);
}

/* The second half of a 64-bit BAR is no BAR of its own, in what the guest sees. */
static void test_64_bit_bar_takes_two(void **state)
{
	(void)state;
	assert_int_equal(build(), 0);
	assert_int_equal(read_config(PCI_BAR0, 4) & 0xf, 0xc);
	assert_int_equal(read_config(PCI_BAR0 + 4, 4), 0);
	write_config(PCI_BAR0 + 4, 4, 0xffffffff);
	assert_int_equal(read_config(PCI_BAR0 + 4, 4), 0xffffffff);
	/* Outside the window it is not mapped, whatever the guest says. */
	write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(fake_arch.nmmio, 0);
}

/* SEED-001.28: what the plan holds is not the guest's, and its neighbour is. */
static void test_function_on_hold_is_not_shown(void **state)
{
	struct plan_func held = {.hold = true, .bdfn = DEVICE};

	(void)state;
	fake_put(dev, PCI_HEADER_TYPE, 1, 0x80);
	fake_add_func(&phb, SECOND, 0x11e85678);
	scan();
	plan.phbs[0].nfuncs = 1;
	plan.phbs[0].funcs = &held;
	assert_int_equal(build(), 0);
	assert_int_equal(part->phbs[0].nfuncs, 1);
	assert_int_equal(read_config(PCI_VENDOR_ID, 4), 0x11e85678);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
}

/* SEED-002.19, SEED-002.25: nor is what the plan's match does not name; the group is there whole.
 */
static void test_function_without_a_match_is_not_shown(void **state)
{
	static const char texts[] = "ffffffff ffffffff\0-1234 11e8";
	unsigned int open = 0;

	(void)state;
	fake_put(dev, PCI_HEADER_TYPE, 1, 0x80);
	fake_add_func(&phb, SECOND, 0x11e85678);
	scan();
	plan.phbs[0].match = texts;
	plan.phbs[0].match_bytes = sizeof(texts);
	assert_int_equal(build(), 0);
	assert_int_equal(part->phbs[0].nfuncs, 1);
	assert_int_equal(read_config(PCI_VENDOR_ID, 4), 0x11e85678);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	for (unsigned int i = 0; i < board.nfuncs; i++) {
		open += vfio.devices[i].opened;
	}
	assert_int_equal(open, 1);
}

static uint32_t read_at(unsigned int devfn, unsigned int off)
{
	struct pci_func *at = phb_find_func(&part->phb_map, part->phbs[0].at.buid, devfn << 8);
	uint32_t v = 0;

	if (!at || pci_config_read(at, off, 4, &v)) {
		return UINT32_MAX;
	}
	return v;
}

/* Root port - bridge - 02:03.0, 02:07.1 (one of many, the others held), 02:07.2, and 03:00.0 behind
 * one more bridge. */
static void add_bridges(void)
{
	phb.funcs[0].image[0x1a] = 3;
	phb.nfuncs = 1;
	fake_add_bridge(&phb, 0x100, 2, 3);
	fake_add_func(&phb, 0x218, 0xaaaa1234);
	fake_put(fake_add_func(&phb, 0x238, 0xbbb01234), PCI_HEADER_TYPE, 1, 0x80);
	fake_add_func(&phb, 0x239, 0xbbb11234);
	fake_add_func(&phb, 0x23a, 0xbbb21234);
	fake_add_bridge(&phb, 0x240, 3, 3);
	fake_add_func(&phb, 0x300, 0xcccc1234);
	scan();
}

/* SEED-001.74, SEED-001.2, SEED-001.12, SEED-001.18, DF-06: all functions of the group and nothing
 * else, in slots of ours from 0 on; those of one slot of the host stay together, with their
 * numbers, and are many only if the guest sees many. */
static void test_functions_behind_bridges_get_slots_of_the_guest(void **state)
{
	struct plan_func held = {.hold = true, .bdfn = 0x238};
	static const struct {
		unsigned int devfn;
		uint32_t id;
		bool multi;
	} want[] = {{0x00, 0xaaaa1234, false}, {0x09, 0xbbb11234, true}, {0x0a, 0xbbb21234, true},
		{0x10, 0xcccc1234, false}};
	unsigned int n = 0;

	(void)state;
	add_bridges();
	assert_int_equal(board.ngroups, 1);
	plan.phbs[0].nfuncs = 1;
	plan.phbs[0].funcs = &held;
	assert_int_equal(build(), 0);
	for (unsigned int devfn = 0; devfn < 256; devfn++) {
		uint32_t id = read_at(devfn, PCI_VENDOR_ID);

		if (id == UINT32_MAX) {
			continue;
		}
		assert_in_range(n, 0, 3);
		assert_int_equal(devfn, want[n].devfn);
		assert_int_equal(id, want[n].id);
		assert_int_equal(read_at(devfn, PCI_CACHE_LINE) >> 23 & 1, want[n].multi);
		n++;
	}
	assert_int_equal(n, 4);
	partition_print_funcs(part);
	assert_non_null(strstr(
		fake_arch.out, "PHB#0000: 02:07.2 is 00:01.2 of alpha, host bridge CXGB3\n"));
	assert_non_null(strstr(fake_arch.out, "PHB#0000: 03:00.0 is 00:02.0 of alpha, "));
	assert_null(strstr(fake_arch.out, "02:07.0 is"));
	/* The bridges are open while the guest has what is behind them. */
	assert_true(fake_get(fake_find_func(&phb, 0x100), PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_true(fake_get(fake_find_func(&phb, 0x240), PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_true(partition_unbind_phbs(part));
	assert_false(fake_get(fake_find_func(&phb, 0x100), PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_false(fake_get(fake_find_func(&phb, 0x240), PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

/* SEED-001.24: the way to its functions is there again after the bus of a group was reset, for the
 * next who gets it. */
static void test_bus_reset_leaves_the_bridges_as_they_were(void **state)
{
	const struct partition_step *anew = partition_steps + PARTITION_KEPT;
	const char *failed;

	(void)state;
	add_bridges();
	assert_int_equal(build(), 0);
	for (unsigned int life = 1; life <= 3; life++) {
		assert_int_equal(read_at(0x10, PCI_VENDOR_ID), 0xcccc1234);
		partition_undo_steps(anew, PARTITION_STEPS - PARTITION_KEPT, part, 0);
		assert_false(part->exposed);
		assert_int_equal(nbus, life);
		assert_int_equal(fake_get(fake_find_func(&phb, 0x100), 0x18, 4), 0x00030201);
		assert_int_equal(fake_get(fake_find_func(&phb, 0x240), 0x18, 4), 0x00030302);
		assert_int_equal(fake_get(fake_find_func(&phb, 0x240), PCI_COMMAND, 2) & 7, 2);
		assert_null(board.groups[0].refuse);
		assert_int_equal(partition_make_steps(
					 anew, PARTITION_STEPS - PARTITION_KEPT, part, 0, &failed),
			0);
	}
}

/* SEED-001.18: a function that is alone is so for the guest, whatever its number and its device. */
static void test_single_function_of_many_is_single(void **state)
{
	struct plan_func held = {.hold = true, .bdfn = DEVICE};

	(void)state;
	fake_put(dev, PCI_HEADER_TYPE, 1, 0x80);
	fake_put(fake_add_func(&phb, SECOND, 0x11e85678), PCI_HEADER_TYPE, 1, 0x80);
	scan();
	plan.phbs[0].nfuncs = 1;
	plan.phbs[0].funcs = &held;
	assert_int_equal(build(), 0);
	assert_int_equal(func(0)->devfn, 1);
	assert_int_equal(read_config(PCI_HEADER_TYPE, 1), 0);
}

/* SEED-001.19: the message has the function and the cause, and nothing is left of it. */
static void test_function_that_cannot_be_set_up_is_named(void **state)
{
	(void)state;
	add_bridges();
	/* A bridge by now: CF-14. */
	fake_put(fake_find_func(&phb, 0x23a), PCI_HEADER_TYPE, 1, 0x81);
	fake_arch_clear_out();
	assert_int_not_equal(build(), 0);
	assert_non_null(strstr(fake_arch.out, "function 02:07.2 cannot be assigned: device (-E"));
	assert_int_equal(part->nphbs, 0);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_false(fake_get(fake_find_func(&phb, 0x100), PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	/* The same of a bridge that has become something else. */
	fake_put(fake_find_func(&phb, 0x23a), PCI_HEADER_TYPE, 1, 0);
	fake_put(fake_find_func(&phb, 0x100), PCI_HEADER_TYPE, 1, 0);
	fake_arch_clear_out();
	assert_int_not_equal(build(), 0);
	assert_non_null(strstr(fake_arch.out, "01:00.0: a bridge is not what it was"));
	assert_int_not_equal(build(), 0);
}

/* Whatever is too large for the guest's memory, the partition is not built and nothing is kept. */
static void test_what_does_not_fit_is_refused_and_undone(void **state)
{
	static uint8_t initrd[MIB];
	const uint64_t all = GUEST_SIZE - 0x4000, tree = dt_guest_size(1) + 0xffff;
	const struct {
		uint64_t kernel, initrd;
	} cases[] = {{all, 0}, {all - tree, 0}, {all - tree - 0x10000, MIB}, {0x100, 0}};
	const unsigned int n = sizeof(cases) / sizeof(cases[0]);

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		fake_kernel_make(kernel, cases[i].kernel);
		plan.initrd = (struct plan_blob){initrd, cases[i].initrd};
		fake_arch_clear_out();
		assert_int_equal(build(), i + 1 < n ? -ENOSPC : 0);
		if (i + 1 < n) {
			assert_non_null(strstr(fake_arch.out, "do not fit into its 4 MiB"));
			assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
		}
	}
}

static void test_initrd_is_below_what_we_make(void **state)
{
	static const uint8_t initrd[] = "the disk of the guest";

	(void)state;
	plan.initrd = (struct plan_blob){initrd, sizeof(initrd)};
	assert_int_equal(build(), 0);
	for (uint64_t at = part->tree.v; at >= 0x5000; at -= 0x1000) {
		if (!memcmp(part->mem.ptr + at, initrd, sizeof(initrd))) {
			return;
		}
	}
	fail_msg("the initial ramdisk is nowhere below the device tree");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resets_reach_the_device),
		TEST(test_reset_leaves_tces_and_neighbours),
		TEST(test_message_is_set_up_down_to_the_device),
		TEST(test_64_bit_bar_takes_two),
		TEST(test_function_on_hold_is_not_shown),
		TEST(test_functions_behind_bridges_get_slots_of_the_guest),
		TEST(test_bus_reset_leaves_the_bridges_as_they_were),
		TEST(test_single_function_of_many_is_single),
		TEST(test_function_that_cannot_be_set_up_is_named),
		TEST(test_function_without_a_match_is_not_shown),
		TEST(test_what_does_not_fit_is_refused_and_undone),
		TEST(test_initrd_is_below_what_we_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
