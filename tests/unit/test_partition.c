// SPDX-License-Identifier: Apache-2.0
/*
 * A whole partition over the strict PHB model: built from a plan, hypercalls in, DMA through the
 * tables they made, and taken apart again with nothing left behind, at whatever step it fails. Its
 * vCPUs are what the test says they do: fake_arch's hooks put the acts of one into the middle of
 * another's.
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
#include "core/pci_policy.h"
#include "core/rtas.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <stdlib.h>
#include <string.h>

/* Under emulation, where the byte order is the question, fewer will do. */
#define REBOOTS		   (BE_HOST_IS_LITTLE ? 1000u : 100u)
#define MIB		   ((uint64_t)1 << 20)
#define RAM_SIZE	   (32 * MIB)
#define GUEST_SIZE	   (4 * MIB)
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
static uint8_t kernel[FAKE_KERNEL_SIZE];
static unsigned int stopped;
static uint64_t free_at_start;

/* Resets take time, which is no reason to say more. */
static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {arch_console_write, no_time};

static void count_stopped(struct partition *p)
{
	(void)p;
	stopped++;
}

static int setup(void **state)
{
	struct fake_func *f;

	(void)state;
	fake_arch_reset();
	fake_arch.tick_ns = 1000000;
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = PARTITION_MAX_VCPUS;
	for (unsigned int i = 0; i < board.nthreads; i++) {
		board.threads[i].alive = true;
	}
	board.nphbs = 1;
	fake_phb_init(&phb, &board.phbs[0], 0, &ram);
	fake_add_bridge(&phb, 0, 1, 1);
	f = fake_add_func(&phb, DEVICE, DEVICE_ID);
	fake_set_bar(f, 0, MIB, false, false);
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);

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
	part->lpid = 1;
	partition_on_stopped = count_stopped;
	partition_on_starting = NULL;
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
	static const unsigned int threads[PARTITION_MAX_VCPUS] = {0, 1, 2, 3, 4, 5, 6, 7};

	return partition_build(part, &plan, &board, &vfio, &ram.pool, threads, true);
}

static hret_t hcall4(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t regs[1 + HCALL_NARGS] = {op, a, b, c, d};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	return (hret_t)regs[0];
}

/* Puts a call of a service into the guest's memory, with nargs arguments and one result. */
static void put_rtas(const char *name, const uint32_t *args, uint32_t nargs)
{
	const uint32_t header[] = {0, nargs, 1};
	uint8_t *at = part->mem.ptr + RTAS_AT;

	for (uint32_t i = 0; i < 3 + nargs + 1; i++) {
		uint32_t w = i < 3 ? header[i] : i < 3 + nargs ? args[i - 3] : 0xdead;

		for (unsigned int s = 0; i == 0 && s < rtas_num_services; s++) {
			if (strcmp(rtas_services[s].name, name) == 0) {
				w = rtas_services[s].token;
			}
		}
		be32_t be = be32(w);

		memcpy(at + 4 * (size_t)i, &be, 4);
	}
}

static void write_config(uint32_t off, uint32_t size, uint32_t val)
{
	const uint64_t buid = 0x800000020000006u;
	const uint32_t args[] = {
		(DEVICE & 0xff) << 8 | off, (uint32_t)(buid >> 32), (uint32_t)buid, size, val};

	put_rtas("ibm,write-pci-config", args, 5);
	assert_int_equal(hcall4(H_RTAS, RTAS_AT, 0, 0, 0), H_SUCCESS);
	assert_int_equal(part->mem.ptr[RTAS_AT + 4 * 8 + 3], 0);
}

/* A call after which the vCPU must not go back into its guest. */
static void last_call(struct vcpu *vcpu, const char *service, uint32_t nargs)
{
	static const uint32_t args[] = {0xffffffff, 0xffffffff};
	uint64_t regs[1 + HCALL_NARGS] = {H_RTAS, RTAS_AT};

	put_rtas(service, args, nargs);
	fake_irq.running = vcpu;
	assert_int_equal(hcall_dispatch(vcpu, regs, false, true), HCALL_STOP);
}

/* What arch/ does with a vCPU that must not go back. */
static void leave(struct vcpu *vcpu)
{
	assert_true(partition_must_stop(vcpu));
	fake_arch_leave(vcpu);
	partition_vcpu_exited(vcpu);
}

static void reboot(void)
{
	last_call(&part->vcpus[0], "system-reboot", 0);
	leave(&part->vcpus[0]);
}

static void stop_running(void)
{
	last_call(&part->vcpus[0], "power-off", 2);
	leave(&part->vcpus[0]);
}

static void stop(void)
{
	partition_start(part);
	stop_running();
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

/* LC-05 in small, RT-20: all is as before, its devices are quiet, and nothing of the guest is left
 * in memory. */
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
	assert_int_equal(fake_irq_in_use(), 0);
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

/* A window that the guest made goes with the partition, table and all. */
static void test_stop_takes_the_windows_that_the_guest_made(void **state)
{
	char buf[4] = "abc";
	unsigned int slot;

	(void)state;
	assert_int_equal(build(), 0);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(ddw_create(&part->bound[0].ddw, 21, 24, &slot), 0);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN + slot, PHB_BYPASS_BASE, 0x200003, 0), H_SUCCESS);
	assert_int_equal(
		fake_phb_dma(&phb, DEVICE, PHB_BYPASS_BASE + 0x70, buf, sizeof(buf), true), 0);
	assert_memory_equal(part->mem.ptr + 0x200070, buf, sizeof(buf));
	stop();
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_false(fake_phb_any_window(&phb));
	assert_null(phb_find_place(&part->phb_map, LIOBN));
	assert_null(phb_find(&part->phb_map, 0x800000020000006ull));
	assert_int_equal(part->tables.npages, 0);
	assert_non_null(strstr(fake_arch.out,
		"summary: alpha: CXGB3: window 0x800000000000000 + 16 MiB, 2048 KiB pages, LIOBN "
		"80000601"));
}

/* The plan says no: then the guest cannot, and is not told that it could. */
static void test_dynamic_windows_are_the_plans_to_offer(void **state)
{
	(void)state;
	assert_int_equal(build(), 0);
	assert_true(part->bound[0].ddw.c.offered);
	stop();
	memset(part, 0, sizeof(*part));
	part->lpid = 1;
	plan.phbs[0].no_ddw = true;
	assert_int_equal(build(), 0);
	assert_false(part->bound[0].ddw.c.offered);
}

/* SEED-003.6: what the plan says of a function is how the guest sees it. */
static void test_policy_is_the_plans_to_choose(void **state)
{
	static const char *const names[] = {"", "full", "minimal"};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct plan_func options = {.bdfn = DEVICE};

		strcpy(options.policy, names[i]);
		plan.phbs[0].funcs = &options;
		plan.phbs[0].nfuncs = 1;
		assert_int_equal(build(), 0);
		assert_ptr_equal(part->phbs[0].funcs[0].policy,
			i == 2 ? &pci_policy_minimal : &pci_policy_full);
		stop();
		memset(part, 0, sizeof(*part));
		part->lpid = 1;
	}
	plan.phbs[0].nfuncs = 0;
}

/* SEED-000.16, LC-06: whichever hardware or mapping step fails, what was taken is given back. A PE
 * that could not be closed keeps its group shut and may keep its table. */
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
			/* A step whose failure the function survives, with all that the plan wants.
			 */
			assert_true(part->phbs[0].bypass_size != 0);
			continue;
		}
		assert_int_equal(part->nphbs, 0);
		assert_int_equal(fake_arch_live_partitions(), 0);
		assert_int_equal(fake_irq_in_use(), 0);
		if (board.groups[0].closed) {
			assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
			assert_false(fake_phb_any_window(&phb));
		}
	}
	assert_true(n > 5);
}

#define MANY 20u

/* A machine with so many groups, and a plan that wants each behind a bridge of its own. */
static void make_many(void)
{
	for (uint8_t n = 1; n < MANY; n++) {
		fake_add_bridge(&phb, (uint16_t)(n << 3), (uint8_t)(n + 1), (uint8_t)(n + 1));
		(void)fake_add_func(&phb, (uint16_t)((n + 1) << 8), DEVICE_ID);
	}
	memset(board.funcs, 0, sizeof(board.funcs));
	board.nfuncs = board.ngroups = 0;
	host_pci_scan(&board);
	assert_int_equal(board.ngroups, MANY);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		plan.phbs[i] = (struct plan_phb){
			.index = i, .group = board.groups[i].id, .window_size = MIB};
	}
	plan.nphbs = MANY;
}

/* Room for bridges is taken as the plan asks for it, survives a reboot, and goes with the rest. */
static void test_many_bridges_take_memory_only_while_they_are_bound(void **state)
{
	(void)state;
	make_many();
	assert_int_equal(build(), 0);
	assert_int_equal(part->nphbs, MANY);
	partition_start(part);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(part->phbs[i].nfuncs, 1);
		assert_int_equal(
			hcall4(H_PUT_TCE, 0x80000000u + 0x100 * i, 0x1000, 0x5003, 0), H_SUCCESS);
	}
	reboot();
	assert_int_equal(part->nphbs, MANY);
	partition_request_stop(part, STOP_POWER_OFF);
	leave(&part->vcpus[0]);
	assert_int_equal(part->nphbs, 0);
	assert_null(part->phbs);
	assert_null(part->bound);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* LC-06: memory that runs out at whatever step. What is left grows by a page from try to try. */
static void test_memory_that_runs_out_at_any_step_gives_the_rest_back(void **state)
{
	uint64_t left = 0, before;
	int err;

	(void)state;
	do {
		uint64_t end = GUEST_SIZE + left;

		teardown(state);
		setup(state);
		assert_int_equal(
			mem_reserve(&ram.pool, hpa(FAKE_RAM_BASE + end), RAM_SIZE - end), 0);
		before = mem_free_bytes(&ram.pool);
		err = build();
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(mem_free_bytes(&ram.pool), before);
			assert_int_equal(fake_arch_live_partitions(), 0);
			assert_int_equal(fake_irq_in_use(), 0);
			assert_false(fake_phb_any_window(&phb));
			assert_int_equal(part->nphbs, 0);
			assert_null(part->phbs);
		}
		left += MEM_PAGE;
	} while (err);
	assert_true(left > 10 * MEM_PAGE);
}

static void test_failure_of_any_arch_step_undoes_the_rest(void **state)
{
	(void)state;
	fake_arch_fail_at(1, -ENOMEM);
	assert_int_equal(build(), -ENOMEM);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* Attaching the servers and routing their IPIs, two steps for each vCPU. */
static void test_failure_of_any_interrupt_step_undoes_the_rest(void **state)
{
	for (unsigned int n = 1; n <= 4; n++) {
		teardown(state);
		setup(state);
		plan.vcpus = 2;
		fake_irq_fail_at(n, 0);
		assert_int_equal(build(), -EIO);
		assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
		assert_int_equal(fake_arch_live_partitions(), 0);
		assert_int_equal(fake_irq_in_use(), 0);
		assert_true(board.groups[0].closed);
		assert_non_null(strstr(fake_arch.out, "alpha: no interrupt servers"));
	}
}

/* SEED-003.35: a host bridge of which no window can be set has no group for anybody: nothing of it
 * is assigned, untranslated least of all, and the device stays shut. So with a bridge that did not
 * start, and without any driver of IOMMUs. */
static void test_without_an_iommu_nothing_is_assigned(void **state)
{
	for (unsigned int how = 0; how < 4; how++) {
		teardown(state);
		setup(state);
		switch (how) {
		case 0:
			phb.fail_op[FAKE_WINDOW_SET] = true;
			break;
		case 1:
			phb.fail_op[FAKE_WINDOW_SET] = phb.fail_late = true;
			break;
		case 2:
			assert_int_equal(vfio_unregister_driver(&vfio, &vfio_spapr_v2_driver), 0);
			break;
		default:
			fake_phb_init(&phb, &board.phbs[0], 0, &ram);
			fake_add_bridge(&phb, 0, 1, 1);
			fake_set_bar(fake_add_func(&phb, DEVICE, DEVICE_ID), 0, MIB, false, false);
			phb.fail_op[FAKE_RESET_IOMMU] = true;
			board.ngroups = board.nfuncs = 0;
			host_pci_scan(&board);
			vfio_init(&vfio, &board);
			assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
			break;
		}
		assert_true(build() < 0);
		assert_int_equal(part->nphbs, 0);
		assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 0);
		assert_false(fake_phb_any_window(&phb));
		assert_int_equal(
			fake_get(fake_find_func(&phb, DEVICE), PCI_COMMAND, 2) & PCI_COMMAND_MASTER,
			0);
	}
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
	assert_non_null(strstr(fake_arch.out, "do not fit into its 4 MiB"));
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	free(big);
}

/* SEED-001.20, SEED-003.37 */
static void test_group_of_another_partition_is_refused(void **state)
{
	struct partition *first = part;
	struct partition *second = calloc(1, sizeof(*second));
	static const unsigned int thread = 1;
	struct plan_partition other = plan;

	(void)state;
	assert_int_equal(build(), 0);
	part = second;
	part->lpid = 2;
	strcpy(other.name, "beta");
	strcpy(other.phbs[0].id, "net");
	assert_int_equal(
		partition_build(part, &other, &board, &vfio, &ram.pool, &thread, true), -EBUSY);
	assert_non_null(strstr(fake_arch.out,
		"group 0 is in alpha's bridge 'CXGB3', not free for beta's bridge 'net'"));
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

/* --- starting again --- */

static void build_and_start(unsigned int nvcpus)
{
	plan.vcpus = nvcpus;
	assert_int_equal(build(), 0);
	partition_start(part);
	fake_arch_clear_calls();
}

/* DT-05: what the guest makes of its tree changes nothing, neither the calls after it nor what it
 * finds when it starts again. */
static void test_reboot_starts_again_as_at_first(void **state)
{
	struct fake_arch_call first;
	uint8_t *at;
	hpa_t host;

	(void)state;
	assert_int_equal(build(), 0);
	partition_start(part);
	first = *fake_arch_nth(FAKE_ARCH_VCPU_START, 0);
	host = part->mem.host;
	at = part->mem.ptr;
	uint8_t *image = malloc(GUEST_SIZE);

	memcpy(image, at, GUEST_SIZE);
	memset(at + 0x100000, 0x77, 0x7777);
	memset(at + 0x4000, 0x77, 0x100);
	memset(at + part->tree.v, 0x77, GUEST_SIZE - part->tree.v);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x5003, 0), H_SUCCESS);
	assert_int_equal(hcall4(H_SET_MODE, 1, 4, 0, 0), H_SUCCESS);
	part->vcpus[0].areas[AREA_VPA].size = 640;
	fake_arch_clear_calls();
	reboot();

	assert_int_equal(stopped, 0);
	assert_int_equal(part->state, PARTITION_RUNNING);
	assert_int_equal(part->why, STOP_NONE);
	assert_int_equal(part->running, 1);
	assert_int_equal(part->vcpus[0].state, VCPU_RUNNING);
	assert_false(partition_must_stop(&part->vcpus[0]));
	assert_true(part->mem.host.v == host.v);
	assert_memory_equal(at, image, GUEST_SIZE);
	free(image);
	assert_int_equal(part->vcpus[0].areas[AREA_VPA].size, 0);
	/* Translation, and with it the modes and the process table, is arch/'s anew. */
	assert_int_equal(fake_arch_count(FAKE_ARCH_PARTITION_FREE), 1);
	assert_int_equal(fake_arch_count(FAKE_ARCH_PARTITION_INIT), 1);
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 1);
	assert_ptr_equal(fake_arch_nth(FAKE_ARCH_VCPU_START, 0)->vcpu, first.vcpu);
	assert_true(fake_arch_nth(FAKE_ARCH_VCPU_START, 0)->at.v == first.at.v);
	assert_true(fake_arch_nth(FAKE_ARCH_VCPU_START, 0)->tree.v == first.tree.v);
	/* Closed to the device, until the guest opens it again. */
	assert_int_equal(
		fake_get(fake_find_func(&phb, DEVICE), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_null(fake_arch_find_mmio(part, gpa(0x200000000000u + 7 * (uint64_t)0x80000000u)));
	uint64_t regs[1 + HCALL_NARGS] = {H_GET_TCE, LIOBN, 0x1000};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	assert_int_equal(regs[0], H_SUCCESS);
	assert_int_equal(regs[1], 0);
	stop_running();
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* LC-05: a thousand times, and everything that is counted is where it was; nor does a guest that
 * does nothing else fill the log. */
static void test_reboot_loop_leaves_every_count_as_it_was(void **state)
{
	uint64_t free_once;
	size_t out_len = 0;

	(void)state;
	plan.memory = 2 * MIB;
	plan.phbs[0].window_size = MIB;
	plan.phbs[0].bypass = true;
	build_and_start(2);
	free_once = mem_free_bytes(&ram.pool);
	for (unsigned int i = 0; i < REBOOTS; i++) {
		write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
		assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x5003, 0), H_SUCCESS);
		reboot();
		assert_int_equal(mem_free_bytes(&ram.pool), free_once);
		assert_int_equal(fake_arch_live_partitions(), 1);
		assert_int_equal(fake_irq_in_use(), 4);
		assert_int_equal(part->running, 1);
		assert_int_equal(stopped, 0);
		fake_arch_clear_calls();
		if (i == 2 * LOG_BURST) {
			out_len = fake_arch.out_len;
		}
	}
	assert_int_equal(fake_arch.out_len, out_len);
	stop_running();
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_int_equal(fake_arch_live_partitions(), 0);
	assert_int_equal(fake_irq_in_use(), 0);
	assert_int_equal(stopped, 1);
}

/* --- built again after a stop --- */

static bool may_start;
static unsigned int starts;

static bool on_starting(struct partition *p)
{
	assert_ptr_equal(p, part);
	starts++;
	return may_start;
}

static void set_starting(bool may)
{
	partition_on_starting = on_starting;
	may_start = may;
	starts = 0;
}

/* Its memory has been another's meanwhile; everything is as at the first start. */
static void test_stopped_partition_starts_again_from_its_plan(void **state)
{
	uint8_t *image = malloc(GUEST_SIZE);
	struct fake_arch_call first;
	hpa_t at;

	(void)state;
	set_starting(true);
	build_and_start(2);
	assert_int_equal(part->vcpus[0].thread, 0);
	memcpy(image, part->mem.ptr, GUEST_SIZE);
	memset(part->mem.ptr + 0x4000, 0x77, 0x100);
	write_config(PCI_COMMAND, 2, COMMAND_MEM_MASTER);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x5003, 0), H_SUCCESS);
	part->vcpus[0].areas[AREA_VPA].size = 640;
	assert_int_equal(partition_restart(part), -EBUSY);
	stop_running();
	assert_int_equal(stopped, 1);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_int_equal(mem_alloc(&ram.pool, GUEST_SIZE, GUEST_SIZE, &at), 0);
	memset(mem_ptr(&ram.pool, at), 0x99, GUEST_SIZE);
	fake_arch_clear_calls();

	assert_int_equal(partition_restart(part), 0);
	assert_int_equal(part->state, PARTITION_STARTING);
	assert_int_equal(partition_restart(part), -EBUSY);
	assert_int_equal(starts, 1);
	assert_int_equal(fake_arch_nth(FAKE_ARCH_CALL_ON, 0)->value, 0);
	fake_arch_run_call();
	first = *fake_arch_nth(FAKE_ARCH_VCPU_START, 0);
	assert_ptr_equal(first.vcpu, &part->vcpus[0]);
	assert_true(first.at.v == part->entry.v && first.tree.v == part->tree.v);
	assert_int_equal(part->state, PARTITION_RUNNING);
	assert_int_equal(part->why, STOP_NONE);
	assert_int_equal(part->running, 1);
	assert_int_equal(part->vcpus[0].areas[AREA_VPA].size, 0);
	assert_memory_equal(part->mem.ptr, image, GUEST_SIZE);
	free(image);
	assert_int_equal(
		fake_get(fake_find_func(&phb, DEVICE), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(hcall4(H_PUT_TCE, LIOBN, 0x1000, 0x5003, 0), H_SUCCESS);
	stop_running();
	assert_int_equal(stopped, 2);
	assert_int_equal(mem_free(&ram.pool, at, GUEST_SIZE), 0);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* The last partition has stopped: the machine is on its way off. */
static void test_start_that_is_forbidden_changes_nothing(void **state)
{
	(void)state;
	set_starting(false);
	build_and_start(1);
	stop_running();
	assert_int_equal(partition_restart(part), -EPERM);
	assert_int_equal(part->state, PARTITION_STOPPED);
	assert_int_equal(fake_arch_count(FAKE_ARCH_CALL_ON), 0);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

static void test_start_without_memory_fails_and_can_be_tried_again(void **state)
{
	hpa_t at;

	(void)state;
	set_starting(true);
	build_and_start(1);
	stop_running();
	assert_int_equal(mem_alloc(&ram.pool, RAM_SIZE - MIB, MEM_PAGE, &at), 0);
	assert_int_equal(partition_restart(part), 0);
	fake_arch_run_call();
	assert_int_equal(part->state, PARTITION_STOPPED);
	assert_int_equal(part->why, STOP_CRASHED);
	assert_int_equal(stopped, 2);
	assert_non_null(strstr(fake_arch.out, "alpha: no 4 MiB of memory in one piece"));
	assert_non_null(strstr(fake_arch.out, "alpha: could not be started again"));
	assert_int_equal(mem_free(&ram.pool, at, RAM_SIZE - MIB), 0);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_int_equal(partition_restart(part), 0);
	fake_arch_run_call();
	assert_int_equal(part->state, PARTITION_RUNNING);
	stop_running();
	assert_int_equal(part->why, STOP_POWER_OFF);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* A group that could not be closed is nobody's any more. */
static void test_start_does_not_get_a_group_that_is_not_closed(void **state)
{
	(void)state;
	set_starting(true);
	build_and_start(1);
	phb.fail_op[FAKE_WINDOW_OFF] = true;
	stop_running();
	assert_false(board.groups[0].closed);
	phb.fail_op[FAKE_WINDOW_OFF] = false;
	assert_int_equal(partition_restart(part), 0);
	fake_arch_run_call();
	assert_int_equal(part->state, PARTITION_STOPPED);
	assert_int_equal(part->why, STOP_CRASHED);
}

/* LC-05, the long way: a thousand times stopped and started. */
static void test_stop_and_start_loop_leaves_every_count_as_it_was(void **state)
{
	(void)state;
	set_starting(true);
	plan.memory = 2 * MIB;
	plan.phbs[0].window_size = MIB;
	build_and_start(2);
	for (unsigned int i = 0; i < REBOOTS; i++) {
		stop_running();
		assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
		assert_int_equal(fake_arch_live_partitions(), 0);
		assert_int_equal(fake_irq_in_use(), 0);
		assert_int_equal(stopped, i + 1);
		assert_int_equal(partition_restart(part), 0);
		fake_arch_run_call();
		fake_arch_clear_calls();
		fake_arch_clear_out();
	}
	stop_running();
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

static void expect_ended_by_a_failed_restart(void)
{
	assert_int_equal(stopped, 1);
	assert_int_equal(part->state, PARTITION_STOPPED);
	assert_int_equal(part->why, STOP_CRASHED);
	assert_int_equal(fake_arch_live_partitions(), 0);
	assert_int_equal(fake_irq_in_use(), 0);
	assert_non_null(strstr(fake_arch.out, "alpha: could not be started again"));
}

/* A guest that cannot be started again has not ended in order, and what it had is free. */
static void test_restart_that_fails_ends_the_partition(void **state)
{
	for (unsigned int step = 0; step < 3; step++) {
		teardown(state);
		setup(state);
		build_and_start(1);
		if (step == 0) {
			fake_arch_fail_at(1, -ENOMEM);
		} else if (step == 1) {
			fake_irq_fail_at(1, 0);
		} else {
			kernel[0] = 0;
		}
		reboot();
		expect_ended_by_a_failed_restart();
		assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 0);
		assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	}
}

/* Its devices may still reach its memory: neither it nor another gets that again. */
static void test_restart_without_quarantine_keeps_the_memory_out_of_use(void **state)
{
	(void)state;
	build_and_start(1);
	phb.fail_op[FAKE_TCE_KILL] = true;
	reboot();
	expect_ended_by_a_failed_restart();
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 0);
	assert_true(mem_free_bytes(&ram.pool) + GUEST_SIZE <= free_at_start);
	assert_non_null(strstr(fake_arch.out, "its memory stays out of use"));
}

/* --- several vCPUs --- */

static void start_vcpu(unsigned int id)
{
	assert_int_equal(partition_start_vcpu(part, id, gpa(0x4000), id), 0);
}

static void test_others_start_when_they_are_asked_to(void **state)
{
	(void)state;
	build_and_start(4);
	for (unsigned int i = 1; i < 4; i++) {
		assert_false(fake_arch_on_thread(&part->vcpus[i]));
		assert_int_equal(part->vcpus[i].state, VCPU_STOPPED);
	}
	assert_int_equal(partition_start_vcpu(part, 4, gpa(0), 0), -EINVAL);
	assert_int_equal(partition_start_vcpu(part, UINT64_MAX, gpa(0), 0), -EINVAL);
	assert_int_equal(partition_start_vcpu(part, 0, gpa(0), 0), -EBUSY);
	start_vcpu(2);
	assert_int_equal(partition_start_vcpu(part, 2, gpa(0), 0), -EBUSY);
	assert_int_equal(part->running, 2);
}

/* Every order in which four vCPUs can leave: the last takes the partition apart, once, or starts it
 * again, once, and before it nothing is given back. */
static void leave_in_order(const unsigned int order[4], bool again)
{
	build_and_start(4);
	for (unsigned int i = 1; i < 4; i++) {
		start_vcpu(i);
	}
	fake_arch_clear_calls();
	last_call(&part->vcpus[order[0]], again ? "system-reboot" : "power-off", again ? 0 : 2);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(fake_arch_count(FAKE_ARCH_PARTITION_FREE), 0);
		assert_int_equal(stopped, 0);
		leave(&part->vcpus[order[i]]);
	}
	assert_int_equal(fake_arch_count(FAKE_ARCH_PARTITION_FREE), 1);
	assert_int_equal(stopped, again ? 0 : 1);
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), again ? 1 : 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(
			part->vcpus[i].state, again && i == 0 ? VCPU_RUNNING : VCPU_STOPPED);
	}
}

static void test_last_to_leave_takes_apart_whoever_it_is(void **state)
{
	for (unsigned int code = 0; code < 2 * 256; code++) {
		const unsigned int order[4] = {
			code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3};
		unsigned int seen = 0;

		for (unsigned int i = 0; i < 4; i++) {
			seen |= 1u << order[i];
		}
		if (seen != 0xf) {
			continue;
		}
		teardown(state);
		setup(state);
		plan.memory = 2 * MIB;
		leave_in_order(order, code >> 8);
	}
}

static void test_request_kicks_those_that_run(void **state)
{
	(void)state;
	build_and_start(5);
	start_vcpu(1);
	start_vcpu(3);
	start_vcpu(4);
	partition_stop_vcpu(&part->vcpus[4]); /* on its way out already */
	fake_arch_clear_calls();
	last_call(&part->vcpus[1], "power-off", 2);
	for (unsigned int id = 0; id < 5; id++) {
		unsigned int kicks = 0;

		for (unsigned int i = 0; i < fake_arch.ncalls; i++) {
			kicks += fake_arch.calls[i].op == FAKE_ARCH_KICK &&
				 fake_arch.calls[i].vcpu == &part->vcpus[id];
		}
		assert_int_equal(kicks, id == 0 || id == 1 || id == 3 ? 1 : 0);
	}
	/* The second who asks changes nothing and disturbs nobody. */
	fake_arch_clear_calls();
	partition_request_stop(part, STOP_REBOOT);
	assert_int_equal(fake_arch_count(FAKE_ARCH_KICK), 0);
	assert_int_equal(part->why, STOP_POWER_OFF);
}

static struct vcpu *requester;

/* Whoever is kicked finds the reason and is gone before the next is kicked. */
static void leave_when_kicked(struct vcpu *vcpu)
{
	if (vcpu != requester) {
		leave(vcpu);
		assert_int_equal(stopped, 0);
		assert_int_equal(part->state, PARTITION_STOPPING);
	}
}

static void test_those_kicked_may_leave_before_the_request_is_over(void **state)
{
	for (unsigned int who = 0; who < 4; who++) {
		teardown(state);
		setup(state);
		build_and_start(4);
		for (unsigned int i = 1; i < 4; i++) {
			start_vcpu(i);
		}
		requester = &part->vcpus[who];
		fake_arch.on_kick = leave_when_kicked;
		last_call(requester, "power-off", 2);
		assert_int_equal(part->running, 1);
		leave(requester);
		assert_int_equal(stopped, 1);
		assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	}
}

static unsigned int starts_left;

/* The vCPU stops itself and is off its thread before start-cpu has returned to its caller; another
 * vCPU sees that and starts it again at once. */
static void stop_at_once(struct vcpu *vcpu)
{
	partition_stop_vcpu(vcpu);
	leave(vcpu);
	if (starts_left) {
		starts_left--;
		start_vcpu(vcpu->id);
	}
}

static void test_vcpu_may_be_gone_before_its_start_returns(void **state)
{
	(void)state;
	build_and_start(2);
	starts_left = 20;
	fake_arch.on_start = stop_at_once;
	start_vcpu(1);
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 21);
	assert_int_equal(part->running, 1);
	assert_int_equal(part->vcpus[1].state, VCPU_STOPPED);
	assert_int_equal(part->why, STOP_NONE);
	assert_int_equal(stopped, 0);
}

static void request_reboot(struct vcpu *vcpu)
{
	fake_arch.on_start = NULL;
	partition_request_stop(vcpu->partition, STOP_REBOOT);
}

/* The request comes between the start and its return, from the vCPU just started, or just before
 * the start, from another: in both cases it runs, must stop, and is waited for. */
static void test_start_and_request_at_once_wait_for_each_other(void **state)
{
	for (int before = 0; before <= 1; before++) {
		teardown(state);
		setup(state);
		build_and_start(2);
		if (before) {
			partition_request_stop(part, STOP_REBOOT);
		} else {
			fake_arch.on_start = request_reboot;
		}
		start_vcpu(1);
		assert_true(partition_must_stop(&part->vcpus[1]));
		leave(&part->vcpus[0]);
		assert_int_equal(fake_arch_count(FAKE_ARCH_PARTITION_FREE), 0);
		leave(&part->vcpus[1]);
		assert_int_equal(part->state, PARTITION_RUNNING);
		assert_true(fake_arch_on_thread(&part->vcpus[0]));
		assert_false(fake_arch_on_thread(&part->vcpus[1]));
		/* And after that it is as any other. */
		start_vcpu(1);
		assert_int_equal(part->running, 2);
	}
}

/* The starter wins the race between the two last acts of a vCPU that leaves: its state says
 * STOPPED, and the count has not gone down yet. */
static void test_start_between_the_last_two_acts_of_a_leaving_vcpu(void **state)
{
	(void)state;
	build_and_start(2);
	start_vcpu(1);
	partition_stop_vcpu(&part->vcpus[1]);
	fake_arch_leave(&part->vcpus[1]);
	/* The first half of partition_vcpu_exited(), as it is written. */
	atomic_store(&part->vcpus[1].state, VCPU_STOPPED);
	start_vcpu(1);
	assert_int_equal(part->running, 3);
	/* The boot vCPU leaves, too, before the second half comes. */
	partition_stop_vcpu(&part->vcpus[0]);
	leave(&part->vcpus[0]);
	assert_int_equal(atomic_fetch_sub(&part->running, 1), 2);
	assert_int_equal(stopped, 0);
	last_call(&part->vcpus[1], "power-off", 2);
	leave(&part->vcpus[1]);
	assert_int_equal(stopped, 1);
}

static void test_partition_without_vcpus_ends(void **state)
{
	(void)state;
	build_and_start(2);
	start_vcpu(1);
	last_call(&part->vcpus[0], "stop-self", 0);
	assert_false(partition_must_stop(&part->vcpus[1]));
	leave(&part->vcpus[0]);
	assert_int_equal(stopped, 0);
	/* Any vCPU may start any other, the boot vCPU included. */
	start_vcpu(0);
	last_call(&part->vcpus[0], "stop-self", 0);
	leave(&part->vcpus[0]);
	last_call(&part->vcpus[1], "stop-self", 0);
	leave(&part->vcpus[1]);
	assert_int_equal(stopped, 1);
	assert_int_equal(part->why, STOP_NO_VCPU);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_non_null(strstr(fake_arch.out, "alpha: its last vCPU stopped itself"));
}

/* --- the clock --- */

static void test_firmwares_clock_is_read_once(void **state)
{
	(void)state;
	fake_arch.clock_seconds = 1000;
	fake_arch.now_ns = 5;
	assert_int_equal(build(), 0);
	partition_start(part);
	assert_true(atomic_load(&part->clock_ns) + 5 == 1000000000000u);
	fake_arch.clock_seconds = 7;
	reboot();
	assert_int_equal(fake_arch_count(FAKE_ARCH_CLOCK_READ), 1);
	assert_true(atomic_load(&part->clock_ns) + 5 == 1000000000000u);
}

static void test_bad_clock_is_said_and_tried_again(void **state)
{
	(void)state;
	fake_arch.clock_err = -EIO;
	assert_int_equal(build(), 0);
	partition_start(part);
	assert_false(atomic_load(&part->clock_known));
	assert_non_null(strstr(fake_arch.out, "alpha: firmware's clock cannot be read"));
	fake_arch.clock_err = 0;
	fake_arch.clock_seconds = PARTITION_CLOCK_END;
	reboot();
	assert_false(atomic_load(&part->clock_known));
	fake_arch.clock_seconds = PARTITION_CLOCK_END - 1;
	reboot();
	assert_true(atomic_load(&part->clock_known));
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
		TEST(test_stop_takes_the_windows_that_the_guest_made),
		TEST(test_policy_is_the_plans_to_choose),
		TEST(test_dynamic_windows_are_the_plans_to_offer),
		TEST(test_failure_of_any_step_undoes_the_rest),
		TEST(test_many_bridges_take_memory_only_while_they_are_bound),
		TEST(test_memory_that_runs_out_at_any_step_gives_the_rest_back),
		TEST(test_failure_of_any_arch_step_undoes_the_rest),
		TEST(test_without_an_iommu_nothing_is_assigned),
		TEST(test_kernel_that_does_not_load_is_said_and_undone),
		TEST(test_initrd_over_the_kernel_is_refused),
		TEST(test_group_of_another_partition_is_refused),
		TEST(test_deaf_guest_is_reported_once),
		TEST(test_first_reason_to_stop_stays),
		TEST(test_failure_of_any_interrupt_step_undoes_the_rest),
		TEST(test_reboot_starts_again_as_at_first),
		TEST(test_reboot_loop_leaves_every_count_as_it_was),
		TEST(test_stopped_partition_starts_again_from_its_plan),
		TEST(test_start_that_is_forbidden_changes_nothing),
		TEST(test_start_without_memory_fails_and_can_be_tried_again),
		TEST(test_start_does_not_get_a_group_that_is_not_closed),
		TEST(test_stop_and_start_loop_leaves_every_count_as_it_was),
		TEST(test_restart_that_fails_ends_the_partition),
		TEST(test_restart_without_quarantine_keeps_the_memory_out_of_use),
		TEST(test_others_start_when_they_are_asked_to),
		TEST(test_last_to_leave_takes_apart_whoever_it_is),
		TEST(test_request_kicks_those_that_run),
		TEST(test_those_kicked_may_leave_before_the_request_is_over),
		TEST(test_vcpu_may_be_gone_before_its_start_returns),
		TEST(test_start_and_request_at_once_wait_for_each_other),
		TEST(test_start_between_the_last_two_acts_of_a_leaving_vcpu),
		TEST(test_partition_without_vcpus_ends),
		TEST(test_firmwares_clock_is_read_once),
		TEST(test_bad_clock_is_said_and_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
