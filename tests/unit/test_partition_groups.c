// SPDX-License-Identifier: Apache-2.0
/*
 * A host bridge of a guest with several groups, of several bridges of the host: one address space,
 * one layout, one end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"
#include "core/msi.h"
#include "core/partition.h"
#include "core/xics.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"

#include <stdlib.h>
#include <string.h>

#define MIB   ((uint64_t)1 << 20)
#define LIOBN 0x80000300u

static struct fake_machine m;
static struct plan plan;
static struct plan_partition *const one = &plan.partitions[0];
static struct partition *part;
static uint8_t kernel[FAKE_KERNEL_SIZE];
static uint64_t free_at_start;
static unsigned int stopped;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static void count_stopped(struct partition *p)
{
	(void)p;
	stopped++;
}

/* Groups 1 and 0 behind one bridge, in this order. */
static void make_plan(void)
{
	memset(&plan, 0, sizeof(plan));
	plan.npartitions = 1;
	strcpy(one->node, "/partitions/alpha");
	strcpy(one->name, "alpha");
	one->memory = 2 * MIB;
	one->vcpus = 1;
	one->kernel = (struct plan_blob){kernel, sizeof(kernel)};
	one->nphbs = 1;
	strcpy(one->phbs[0].node, "/partitions/alpha/bridge-0");
	strcpy(one->phbs[0].id, "both");
	one->phbs[0].index = 3;
	one->phbs[0].window_size = MIB;
	one->phbs[0].group = 1;
	one->phbs[0].nmore = 1;
	one->phbs[0].more[0] = 0;
}

static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	fake_arch.tick_ns = 1000000; /* resets wait */
	fake_irq_reset();
	log_set_sink(&sink);
	fake_machine_init(&m);
	m.board.pvr = 0x004e1202;
	m.board.timebase_hz = 512000000;
	m.board.nthreads = 2;
	m.board.threads[0].alive = m.board.threads[1].alive = true;
	m.board.phbs[1].lsi_first = FAKE_LSI_FIRST + 0x100;
	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	make_plan();
	part = calloc(1, sizeof(*part));
	part->lpid = 1;
	partition_on_stopped = count_stopped;
	partition_on_starting = NULL;
	partition_on_ending = NULL;
	stopped = 0;
	free_at_start = mem_free_bytes(&m.ram.pool);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(part);
	fake_machine_free(&m);
	return 0;
}

static int build(void)
{
	static const unsigned int threads[] = {0, 1};

	return partition_build(part, one, &m.board, &m.vfio, &m.ram.pool, threads, true);
}

static void build_and_start(void)
{
	assert_int_equal(build(), 0);
	partition_start(part);
}

static void stop(void)
{
	partition_request_stop(part, STOP_POWER_OFF);
	fake_arch_leave(&part->vcpus[0]);
	partition_vcpu_exited(&part->vcpus[0]);
}

static void put_tce(uint64_t ioba, uint64_t tce)
{
	uint64_t regs[1 + HCALL_NARGS] = {H_PUT_TCE, LIOBN, ioba, tce};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	assert_int_equal(regs[0], H_SUCCESS);
}

static void set_master(unsigned int func)
{
	assert_int_equal(
		pci_config_write(&part->phbs[0].funcs[func], PCI_COMMAND, 2, PCI_COMMAND_MASTER),
		0);
}

/* SEED-000.21: one container, and what is mapped once every device has; what is mapped anew no
 * host bridge remembers as it was. */
static void test_groups_share_one_address_space(void **state)
{
	static const struct {
		unsigned int phb;
		uint16_t bdfn;
	} devices[] = {{1, FAKE_DEV0}, {1, FAKE_DEV1}, {0, FAKE_DEV0}};
	char buf[8] = "shared!";

	(void)state;
	build_and_start();
	assert_int_equal(part->phbs[0].nfuncs, 3);
	assert_ptr_equal(m.vfio.groups[0].container, m.vfio.groups[1].container);
	assert_int_equal(m.vfio.groups[0].container->ngroups, 2);
	assert_null(m.vfio.groups[2].container);
	for (unsigned int i = 0; i < 3; i++) {
		set_master(i);
	}
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t page = 0x5000 + 0x1000 * i;

		put_tce(0x1000, page | 3);
		for (unsigned int k = 0; k < 3; k++) {
			memset(part->mem.ptr + page, 0, 0x1000);
			assert_int_equal(fake_machine_dma(&m, devices[k].phb, devices[k].bdfn,
						 0x1010, buf, 8, true),
				0);
			assert_memory_equal(part->mem.ptr + page + 0x10, buf, 8);
		}
	}
	stop();
	assert_int_equal(mem_free_bytes(&m.ram.pool), free_at_start);
}

/* SEED-001.74, SEED-001.12, SEED-001.18: each slot of the host is a slot of the guest, with its
 * functions' numbers; the first to come keeps the slot's number. */
static void test_slots_of_several_groups_do_not_meet(void **state)
{
	const struct phb *phb;
	uint32_t header = 0;

	(void)state;
	assert_int_equal(build(), 0);
	phb = &part->phbs[0];
	assert_int_equal(phb->funcs[0].devfn, 0x00);
	assert_int_equal(phb->funcs[1].devfn, 0x01);
	assert_int_equal(phb->funcs[2].devfn, 0x08);
	assert_ptr_equal(part->bound[0].funcs[2].host, &m.board.funcs[1]);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(
			pci_config_read(&part->phbs[0].funcs[i], PCI_HEADER_TYPE, 1, &header), 0);
		assert_int_equal(header, i < 2 ? 0x80 : 0);
	}
	/* The other way round it is the other that moves, whole. */
	partition_start(part);
	stop();
	memset(part, 0, sizeof(*part));
	part->lpid = 1;
	one->phbs[0].group = 0;
	one->phbs[0].more[0] = 1;
	assert_int_equal(build(), 0);
	assert_int_equal(part->phbs[0].funcs[0].devfn, 0x00);
	assert_int_equal(part->phbs[0].funcs[1].devfn, 0x08);
	assert_int_equal(part->phbs[0].funcs[2].devfn, 0x09);
}

/* Of one host bridge as of several. */
static void test_slots_of_one_host_bridge_do_not_meet(void **state)
{
	(void)state;
	one->phbs[0].more[0] = 2;
	assert_int_equal(build(), 0);
	assert_int_equal(part->phbs[0].funcs[1].devfn, 0x01);
	assert_int_equal(part->phbs[0].funcs[2].devfn, 0x08);
	assert_int_equal(part->bound[0].funcs[2].host->bdfn, FAKE_DEV2);
}

/* SEED-001.28: what is held back stays closed, and is let alone at the end. */
static void test_held_function_of_a_group_is_let_alone(void **state)
{
	struct fake_func *f = fake_find_func(&m.phb[1], FAKE_DEV1);
	struct plan_func held = {.domain = 1, .bdfn = FAKE_DEV1, .hold = true};

	(void)state;
	one->phbs[0].funcs = &held;
	one->phbs[0].nfuncs = 1;
	f->wmask[PCI_CACHE_LINE] = 0xff;
	fake_put(f, PCI_CACHE_LINE, 1, 0x20);
	build_and_start();
	assert_int_equal(part->phbs[0].nfuncs, 2);
	assert_int_equal(part->bound[0].funcs[1].host->bdfn, FAKE_DEV0);
	stop();
	assert_int_equal(fake_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(fake_get(f, PCI_CACHE_LINE, 1), 0x20);
	assert_int_equal(mem_free_bytes(&m.ram.pool), free_at_start);
}

/* A page that one of the host bridges has not could not be mapped for its device. */
static void test_pages_are_those_that_all_have(void **state)
{
	struct ddw_query q;

	(void)state;
	m.board.phbs[0].page_shifts = 1u << 12 | 1u << 16;
	m.board.phbs[1].page_shifts = 1u << 12 | 1u << 21;
	assert_int_equal(build(), 0);
	assert_int_equal(part->bound[0].ddw.c.page_shifts, 1u << 12);
	assert_int_equal(ddw_query(&part->bound[0].ddw, &q), 0);
	assert_int_equal(q.page_mask, 0x003); /* 4 KiB, and 64 KiB made of them */
}

/* The guest's pins and the host's are one to one: two devices in slots of one number, but of two
 * host bridges, have pins of their own. */
static void test_pins_of_two_host_bridges(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		struct host_func *f = &m.board.funcs[i];

		f->int_pin = f->group == 0 || f->group == 1;
	}
	assert_int_equal(build(), 0);
	assert_true(part->phbs[0].funcs[0].intx);
	/* The second function of the slot has the same pin, and the same source. */
	assert_true(part->phbs[0].funcs[1].intx);
	assert_true(part->phbs[0].funcs[2].intx);
	assert_int_equal(xics_add_source(part, part->phbs[0].at.lsi, 1, true), -EBUSY);
	assert_int_equal(xics_add_source(part, part->phbs[0].at.lsi + 1, 1, true), -EBUSY);
	assert_int_equal(xics_add_source(part, part->phbs[0].at.lsi + 2, 1, true), 0);
}

/* The same line of two host bridges is two of the guest's sources. */
static void test_same_line_of_two_host_bridges_does_not_mix(void **state)
{
	uint32_t first, second;

	(void)state;
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		m.board.funcs[i].int_pin = 1;
	}
	assert_int_equal(build(), 0);
	assert_true(part->phbs[0].funcs[0].intx);
	assert_true(part->phbs[0].funcs[2].intx);
	first = part->bound[0].funcs[0].intx;
	second = part->bound[0].funcs[2].intx;
	assert_int_not_equal(part->bound[0].funcs[0].host->phb, part->bound[0].funcs[2].host->phb);
	assert_int_not_equal(first, second);
	assert_in_range(second, part->phbs[0].at.lsi, part->phbs[0].at.lsi + PCI_NUM_PINS - 1);
	assert_int_equal(xics_add_source(part, first, 1, true), -EBUSY);
	assert_int_equal(xics_add_source(part, second, 1, true), -EBUSY);
}

/* One of the host's feeds one of the guest's, whoever of the guest's functions shares it. */
static void test_pin_of_one_source_feeds_one(void **state)
{
	(void)state;
	one->phbs[0].more[0] = 2;
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		m.board.funcs[i].int_pin = m.board.funcs[i].group > 0;
	}
	assert_int_equal(build(), 0);
	assert_true(part->phbs[0].funcs[0].intx);
	assert_true(part->phbs[0].funcs[2].intx);
	assert_int_equal(part->bound[0].funcs[0].intx, part->bound[0].funcs[2].intx);
	assert_int_equal(xics_add_source(part, part->phbs[0].at.lsi + 1, 1, true), 0);
}

/* Each device's messages are its own host bridge's. */
static void test_messages_come_from_the_devices_own_host_bridge(void **state)
{
	struct fake_func *f = fake_find_func(&m.phb[0], FAKE_DEV0);

	(void)state;
	fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(f, PCI_CAP_PTR, 1, 0x40);
	fake_add_msi(f, 0x40, 0x0080);
	m.board.phbs[1].msi_count = 0;
	build_and_start();
	assert_true(msi_quota(part, 0) != 0);
	assert_int_equal(msi_max(part, &part->phbs[0].funcs[2], PCI_IRQ_MSI), 1);
	assert_int_equal(msi_request(part, &part->phbs[0].funcs[2], PCI_IRQ_MSI, 1), 0);
	assert_true(fake_phb_fire_msi(&m.phb[0], FAKE_DEV0, 0));
	assert_int_equal(m.phb[0].msis_dropped, 0);
	assert_int_equal(m.board.phbs[0].msi_used[0], 1);
	stop();
	assert_int_equal(m.board.phbs[0].msi_used[0], 0);
}

/* SEED-001.20, SEED-000.20: a group lives in one bridge's address space; the second bridge, of
 * whichever partition, gets nothing, and its first group is free again. */
static void test_group_of_another_bridge_is_refused(void **state)
{
	(void)state;
	one->nphbs = 2;
	one->phbs[1] = one->phbs[0];
	strcpy(one->phbs[1].id, "thief");
	one->phbs[1].index = 4;
	one->phbs[1].group = 2;
	assert_int_equal(build(), -EBUSY);
	assert_non_null(strstr(fake_arch.out,
		"alpha: host bridge thief cannot have groups 2, 0: groups (-EBUSY)"));
	for (unsigned int i = 0; i < 3; i++) {
		assert_false(m.vfio.groups[i].opened);
		assert_null(m.vfio.groups[i].container);
		assert_true(m.board.groups[i].closed);
	}
	assert_int_equal(part->nphbs, 0);
	assert_int_equal(mem_free_bytes(&m.ram.pool), free_at_start);
}

/* The plan says so first, naming both bridges. */
static void test_plan_names_both_bridges_that_want_a_group(void **state)
{
	(void)state;
	one->nphbs = 2;
	one->phbs[1] = one->phbs[0];
	strcpy(one->phbs[1].node, "/partitions/alpha/bridge-1");
	strcpy(one->phbs[1].id, "thief");
	one->phbs[1].index = 4;
	one->phbs[1].group = 2;
	plan_check(&plan, &m.board, 16 * MIB);
	assert_true(one->refused);
	assert_non_null(strstr(fake_arch.out,
		"plan: /partitions/alpha/bridge-1: iommu: group 0 is taken by "
		"/partitions/alpha/bridge-0 (id both); a group belongs to one bridge"));
}

/* Wrong lists; each is one line. */
static void test_plan_of_several_groups_is_checked(void **state)
{
	static const struct {
		uint32_t more, nmore, window_page;
		const char *says;
	} cases[] = {
		{1, 1, 0x1000, "iommu: group 1 is named twice; each once"},
		{9, 1, 0x1000, "iommu: there is no group 9; this machine has groups 0-2"},
		{0, 1, 0x200000, "dma-page-kib: 2048 is no page of its host bridge; 4, 64\n"},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_plan();
		fake_arch_clear_out();
		one->memory = 16 * MIB;
		one->phbs[0].more[0] = cases[i].more;
		one->phbs[0].nmore = cases[i].nmore;
		one->phbs[0].window_page = cases[i].window_page;
		m.board.phbs[0].page_shifts = 1u << 12 | 1u << 16;
		plan_check(&plan, &m.board, 16 * MIB);
		assert_true(one->refused);
		if (!strstr(fake_arch.out, cases[i].says) ||
			strchr(fake_arch.out, '\n') != fake_arch.out + fake_arch.out_len - 1) {
			fail_msg("wanted %s, got %s", cases[i].says, fake_arch.out);
		}
	}
	(void)state;
	make_plan();
	one->memory = 16 * MIB;
	one->phbs[0].window_page = 0x1000;
	fake_arch_clear_out();
	plan_check(&plan, &m.board, 16 * MIB);
	assert_string_equal(fake_arch.out, "");
	assert_false(one->refused);
}

static bool told(void)
{
	return strstr(fake_arch.out, "never assigned again") ||
	       strstr(fake_arch.out, "not assigned again");
}

/* Whatever is not as it was at the start is closed, kept out of use, and has been told. */
static void assert_as_at_the_start_or_told(void)
{
	assert_int_equal(fake_arch_live_partitions(), 0);
	assert_int_equal(fake_irq_in_use(), 0);
	assert_int_equal(m.board.phbs[0].msi_used[0] | m.board.phbs[1].msi_used[0], 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(m.vfio.groups[i].ndevices_open, 0);
		assert_false(m.vfio.groups[i].opened);
		assert_null(m.vfio.groups[i].container);
		if (!m.board.groups[i].closed || m.board.groups[i].refuse) {
			assert_true(told());
		}
	}
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		assert_false(m.vfio.containers[i].opened);
	}
	if (mem_free_bytes(&m.ram.pool) != free_at_start) {
		assert_non_null(strstr(fake_arch.out, "out of use"));
		assert_true(told());
	} else if (!told()) {
		assert_false(fake_phb_any_window(&m.phb[0]) || fake_phb_any_window(&m.phb[1]));
	}
}

/* SEED-000.16, SEED-001.23, SEED-003.9, LC-06: the n-th call of firmware, config cycles included,
 * fails, on the way up or on the way down, before its work or after it. */
static void fail_nth(unsigned int n, bool on_the_way_down, bool late)
{
	int err;

	m.phb[0].fail_late = m.phb[1].fail_late = late;
	if (!on_the_way_down) {
		fake_machine_fail_at(&m, n);
	}
	err = build();
	if (!err) {
		partition_start(part);
		for (unsigned int i = 0; i < part->phbs[0].nfuncs && on_the_way_down; i++) {
			set_master(i);
		}
		if (on_the_way_down) {
			put_tce(0x1000, 0x5003);
			fake_machine_fail_at(&m, n);
		}
		stop();
		assert_int_equal(stopped, 1);
	}
	assert_as_at_the_start_or_told();
}

static void test_failure_of_any_step(void **state)
{
	for (unsigned int kind = 0; kind < 4; kind++) {
		unsigned int n = 0;
		bool over;

		do {
			teardown(state);
			setup(state);
			fail_nth(++n, kind & 1, kind & 2);
			over = m.phb[0].fail_at != 0;
			fake_machine_heal(&m);
		} while (!over);
		assert_true(n > 40);
	}
}

/* One of the groups does not close: the memory stays out of use, and the other group is free. */
static void test_group_that_does_not_close_keeps_the_memory(void **state)
{
	(void)state;
	build_and_start();
	m.phb[0].fail_op[FAKE_WINDOW_OFF] = true;
	stop();
	fake_machine_heal(&m);
	assert_false(m.board.groups[0].closed);
	assert_true(m.board.groups[1].closed);
	assert_true(mem_free_bytes(&m.ram.pool) + 2 * MIB <= free_at_start);
	assert_non_null(strstr(fake_arch.out, "alpha: a device could not be quarantined; its "
					      "memory stays out of use"));
	memset(part, 0, sizeof(*part));
	part->lpid = 1;
	one->phbs[0].nmore = 0;
	assert_int_equal(build(), 0);
}

static void test_summary_names_every_group(void **state)
{
	(void)state;
	build_and_start();
	fake_arch_clear_out();
	stop();
	assert_non_null(strstr(fake_arch.out,
		"summary: alpha: group 1 (PHB#0001[000]) was host bridge both, index 3"));
	assert_non_null(strstr(fake_arch.out,
		"summary: alpha: group 0 (PHB#0000[000]) was host bridge both, index 3"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_groups_share_one_address_space),
		TEST(test_slots_of_several_groups_do_not_meet),
		TEST(test_slots_of_one_host_bridge_do_not_meet),
		TEST(test_held_function_of_a_group_is_let_alone),
		TEST(test_pin_of_one_source_feeds_one),
		TEST(test_pages_are_those_that_all_have),
		TEST(test_pins_of_two_host_bridges),
		TEST(test_same_line_of_two_host_bridges_does_not_mix),
		TEST(test_messages_come_from_the_devices_own_host_bridge),
		TEST(test_group_of_another_bridge_is_refused),
		TEST(test_plan_names_both_bridges_that_want_a_group),
		TEST(test_plan_of_several_groups_is_checked),
		TEST(test_failure_of_any_step),
		TEST(test_group_that_does_not_close_keeps_the_memory),
		TEST(test_summary_names_every_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
