// SPDX-License-Identifier: Apache-2.0
/*
 * A whole partition over the strict PHB model: built from a plan, hypercalls in, DMA through the
 * tables they made, and taken apart again with nothing left behind, at whatever step it fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/hcall.h"
#include "core/host_pci.h"
#include "core/partition.h"
#include "core/rtas.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_phb.h"

#include <stdlib.h>
#include <string.h>

#define MIB		   ((uint64_t)1 << 20)
#define RAM_SIZE	   (128 * MIB)
#define GUEST_SIZE	   (16 * MIB)
#define DEVICE		   0x0100u
#define DEVICE_ID	   0x11e81234u
#define LIOBN		   0x80000600u
#define RTAS_AT		   0x8000u
#define COMMAND_MEM_MASTER 6u

static struct fake_ram ram;
static struct fake_phb phb;
static struct board board;
static struct vfio vfio;
static struct plan_partition plan;
static struct partition *part;
static uint8_t kernel[0x200];
static unsigned int stopped;
static uint64_t free_at_start;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static void count_stopped(struct partition *p)
{
	(void)p;
	stopped++;
}

static void put(unsigned int at, unsigned int n, uint64_t v)
{
	for (unsigned int i = 0; i < n; i++) {
		kernel[at + n - 1 - i] = (uint8_t)(v >> (8 * i));
	}
}

/* One segment at 0x4000, entered at its start. */
static void make_kernel(void)
{
	memset(kernel, 0, sizeof(kernel));
	memcpy(kernel, "\177ELF\002\002", 6);
	put(16, 2, 2);
	put(18, 2, 21);
	put(24, 8, 0x4000);
	put(32, 8, 64);
	put(54, 2, 56);
	put(56, 2, 1);
	put(64, 4, 1);
	put(64 + 8, 8, 0x100);
	put(64 + 16, 8, 0x4000);
	put(64 + 24, 8, 0x4000);
	put(64 + 32, 8, 0x100);
	put(64 + 40, 8, 0x100);
}

static int setup(void **state)
{
	struct fake_func *f;

	(void)state;
	fake_arch_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = 1;
	board.threads[0].alive = true;
	board.nphbs = 1;
	fake_phb_init(&phb, &board.phbs[0], 0, &ram);
	fake_add_bridge(&phb, 0, 1, 1);
	f = fake_add_func(&phb, DEVICE, DEVICE_ID);
	fake_set_bar(f, 0, MIB, false, false);
	host_pci_scan(&board);
	vfio_init(&vfio, &board, &ram.pool);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);

	make_kernel();
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
	part->lpid = 1;
	partition_on_stopped = count_stopped;
	stopped = 0;
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
	const unsigned int thread = 0;

	return partition_build(part, &plan, &board, &vfio, &ram.pool, &thread, true);
}

static hret_t hcall4(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t regs[1 + HCALL_NARGS] = {op, a, b, c, d};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	return (hret_t)regs[0];
}

static void write_config(uint32_t off, uint32_t size, uint32_t val)
{
	const uint64_t buid = 0x800000020000006u;
	const uint32_t words[] = {0, 5, 1, (DEVICE & 0xff) << 8 | off, (uint32_t)(buid >> 32),
		(uint32_t)buid, size, val, 0xdead};
	uint8_t *at = part->mem.ptr + RTAS_AT;

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint32_t w = words[i];

		if (i == 0) {
			for (unsigned int s = 0; s < rtas_num_services; s++) {
				if (strcmp(rtas_services[s].name, "ibm,write-pci-config") == 0) {
					w = rtas_services[s].token;
				}
			}
		}
		be32_t be = be32(w);

		memcpy(at + 4 * i, &be, 4);
	}
	assert_int_equal(hcall4(H_RTAS, RTAS_AT, 0, 0, 0), H_SUCCESS);
	assert_int_equal(at[4 * 8 + 3], 0);
}

static void stop(void)
{
	partition_request_stop(part, STOP_POWER_OFF);
	atomic_store(&part->running, 1);
	partition_vcpu_exited(&part->vcpus[0]);
}

static void test_dma_goes_where_the_guest_says(void **state)
{
	char buf[16] = "from the device";
	uint8_t *ram_at = NULL;

	(void)state;
	assert_int_equal(build(), 0);
	ram_at = part->mem.ptr;
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x5003, 0), H_SUCCESS);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0x1010, buf, sizeof(buf), true), 0);
	assert_memory_equal(ram_at + 0x5010, buf, sizeof(buf));

	/* A remapped TCE follows; the strict cache would still have the old one. */
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x7003, 0), H_SUCCESS);
	memset(ram_at + 0x5000, 0x11, 0x1000);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0x1010, buf, sizeof(buf), true), 0);
	assert_memory_equal(ram_at + 0x7010, buf, sizeof(buf));
	assert_int_equal(ram_at[0x5010], 0x11);

	assert_int_equal(hcall4(H_STUFF_TCE, LIOBN, 0x1000, 0, 1), H_SUCCESS);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0x1010, buf, sizeof(buf), true), -EFAULT);
}

/* SEED-001.14 */
static void test_bus_master_is_off_until_the_guest_sets_it(void **state)
{
	char buf[4] = "abc";

	(void)state;
	assert_int_equal(build(), 0);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0, 0x5003, 0), H_SUCCESS);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0, buf, sizeof(buf), true), -EFAULT);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	fake_phb_thaw(&phb);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0, buf, sizeof(buf), true), 0);
}

/* CF-01, CF-02: the guest's mapping follows its BAR and its memory enable; the device's BAR stays.
 */
static void test_bar_mapping_follows_the_guest(void **state)
{
	const gpa_t window = gpa(0x200000000000u + 7 * (uint64_t)0x80000000u);
	const struct fake_arch_mmio *m;
	uint32_t host_bar = 0;

	(void)state;
	assert_int_equal(build(), 0);
	host_bar = fake_get(fake_find_func(&phb, DEVICE), PCI_BAR0, 4);
	assert_null(fake_arch_find_mmio(part, window));
	write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	m = fake_arch_find_mmio(part, window);
	assert_non_null(m);
	assert_int_equal(m->size, MIB);
	assert_int_equal(m->to.v, board.funcs[1].bars[0].cpu.v);
	write_config(PCI_BAR0, 4, 0x90000000u);
	assert_null(fake_arch_find_mmio(part, window));
	assert_non_null(fake_arch_find_mmio(part, gpa(window.v + 0x10000000u)));
	write_config(PCI_COMMAND, 2, 0);
	assert_null(fake_arch_find_mmio(part, gpa(window.v + 0x10000000u)));
	assert_int_equal(fake_get(fake_find_func(&phb, DEVICE), PCI_BAR0, 4), host_bar);
}

/* Design decision 9: RAM is there at once, and not one byte more. */
static void test_bypass_maps_exactly_ram(void **state)
{
	char buf[8] = "bypass!";

	(void)state;
	plan.phbs[0].bypass = true;
	assert_int_equal(build(), 0);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(
		fake_phb_dma(&phb, DEVICE, PHB_BYPASS_BASE + 0x6000, buf, sizeof(buf), true), 0);
	assert_memory_equal(part->mem.ptr + 0x6000, buf, sizeof(buf));
	assert_int_equal(
		fake_phb_dma(&phb, DEVICE, PHB_BYPASS_BASE + GUEST_SIZE, buf, 1, true), -EFAULT);
}

static void test_without_bypass_its_addresses_move_nothing(void **state)
{
	char buf[8] = "bypass!";

	(void)state;
	assert_int_equal(build(), 0);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(
		fake_phb_dma(&phb, DEVICE, PHB_BYPASS_BASE + 0x6000, buf, 8, true), -EFAULT);
}

/* LC-05 in small: all is as before, and nothing of the guest is left in memory. */
static void test_stop_gives_everything_back_clean(void **state)
{
	char buf[4] = "abc";
	uint64_t host = 0;

	(void)state;
	assert_int_equal(build(), 0);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0, 0x5003, 0), H_SUCCESS);
	memset(part->mem.ptr, 0x77, GUEST_SIZE);
	host = part->mem.host.v;
	stop();
	assert_int_equal(stopped, 1);
	assert_int_equal(atomic_load(&part->state), PARTITION_STOPPED);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_int_equal(fake_arch_live_partitions(), 0);
	assert_false(fake_phb_any_window(&phb));
	assert_int_equal(
		fake_get(fake_find_func(&phb, DEVICE), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(fake_phb_dma(&phb, DEVICE, 0, buf, sizeof(buf), true), -EFAULT);
	for (uint64_t i = 0; i < GUEST_SIZE; i += 8) {
		uint64_t word;

		memcpy(&word, ram.mem + (host - FAKE_RAM_BASE) + i, 8);
		assert_int_equal(word, 0);
	}
	assert_non_null(strstr(fake_arch.out, "summary: alpha: group 0 (PHB#0000[000]) was host "
					      "bridge CXGB3, index 6"));
	assert_non_null(strstr(fake_arch.out, "1 TCEs live"));

	/* And it can be built again. */
	memset(part, 0, sizeof(*part));
	part->lpid = 1;
	assert_int_equal(build(), 0);
}

/* 000.16, LC-06: whichever hardware or mapping step fails, what was taken is given back. A PE that
 * could not be closed keeps its group shut and may keep its table. */
static void test_failure_of_any_step_undoes_the_rest(void **state)
{
	unsigned int n = 1;

	for (;; n++) {
		teardown(state);
		setup(state);
		plan.phbs[0].bypass = true;
		phb.fail_at = n;
		int err = build();

		if (phb.fail_at) {
			/* The build made fewer calls than that. */
			assert_int_equal(err, 0);
			break;
		}
		if (err == 0) {
			continue; /* a step whose failure the function survives */
		}
		assert_int_equal(part->nphbs, 0);
		assert_int_equal(fake_arch_live_partitions(), 0);
		if (board.groups[0].closed) {
			assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
			assert_false(fake_phb_any_window(&phb));
		}
	}
	assert_true(n > 5);
}

static void test_failure_of_any_arch_step_undoes_the_rest(void **state)
{
	(void)state;
	fake_arch_fail_at(1, -ENOMEM);
	assert_int_equal(build(), -ENOMEM);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

static void test_kernel_that_does_not_load_is_said_and_undone(void **state)
{
	(void)state;
	kernel[0] = 0;
	assert_int_equal(build(), -EINVAL);
	assert_non_null(
		strstr(fake_arch.out, "alpha: its kernel cannot be loaded: it is not an ELF"));
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_true(board.groups[0].closed);
}

/* BB-03 */
static void test_initrd_over_the_kernel_is_refused(void **state)
{
	uint8_t *big = calloc(1, GUEST_SIZE);

	(void)state;
	plan.initrd = (struct plan_blob){big, GUEST_SIZE - 0x4000};
	assert_int_equal(build(), -ENOSPC);
	assert_non_null(strstr(fake_arch.out, "do not fit into its 16 MiB"));
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	free(big);
}

/* SEED-001.20, 003.37 */
static void test_group_of_another_partition_is_refused(void **state)
{
	struct partition *first = part;
	struct partition *second = calloc(1, sizeof(*second));

	(void)state;
	assert_int_equal(build(), 0);
	part = second;
	part->lpid = 2;
	assert_int_equal(build(), -EBUSY);
	part = first;
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0, 0x5003, 0), H_SUCCESS);
	free(second);
}

static void test_deaf_guest_is_reported_once(void **state)
{
	const char *first;

	(void)state;
	assert_int_equal(build(), 0);
	for (unsigned int i = 0; i < 9; i++) {
		partition_sample(&part->vcpus[0], 0x1234, false);
	}
	partition_sample(&part->vcpus[0], 0x1234, true);
	for (unsigned int i = 0; i < 9; i++) {
		partition_sample(&part->vcpus[0], 0x1234, false);
	}
	assert_null(strstr(fake_arch.out, "interrupts off"));
	for (unsigned int i = 0; i < 50; i++) {
		partition_sample(&part->vcpus[0], 0x1234, false);
	}
	first = strstr(fake_arch.out, "interrupts off");
	assert_non_null(first);
	assert_null(strstr(first + 1, "interrupts off"));
	assert_false(partition_must_stop(&part->vcpus[0]));
}

static void test_first_reason_to_stop_stays(void **state)
{
	(void)state;
	assert_int_equal(build(), 0);
	partition_start(part);
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 1);
	partition_crashed(&part->vcpus[0], "cause\nregisters\n");
	partition_request_stop(part, STOP_POWER_OFF);
	assert_int_equal(part->why, STOP_CRASHED);
	assert_true(partition_must_stop(&part->vcpus[0]));
	assert_non_null(strstr(fake_arch.out, "alpha: cause\n"));
	assert_non_null(strstr(fake_arch.out, "alpha: registers\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dma_goes_where_the_guest_says),
		TEST(test_bus_master_is_off_until_the_guest_sets_it),
		TEST(test_bar_mapping_follows_the_guest),
		TEST(test_bypass_maps_exactly_ram),
		TEST(test_without_bypass_its_addresses_move_nothing),
		TEST(test_stop_gives_everything_back_clean),
		TEST(test_failure_of_any_step_undoes_the_rest),
		TEST(test_failure_of_any_arch_step_undoes_the_rest),
		TEST(test_kernel_that_does_not_load_is_said_and_undone),
		TEST(test_initrd_over_the_kernel_is_refused),
		TEST(test_group_of_another_partition_is_refused),
		TEST(test_deaf_guest_is_reported_once),
		TEST(test_first_reason_to_stop_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
