// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of a partition's devices when it ends: the order of it, told by a recorder in front
 * of the strict PHB, and what is left when a step of it fails.
 */
#include "core/msi.h"
#include "core/pci_regs.h"
#include "tests/unit/audit_help.h"

#define DEV	    0x100u
#define PORT	    0x000u
#define EXP	    0x40u
#define DEVCTL	    (EXP + PCI_EXP_DEVCTL)
#define BRIDGE_CTRL 0x3eu
#define BUS_RESET   0x0040u
#define MSI	    0x80u
#define VPD	    0xa0u
/* Under emulation, where the byte order is the question, fewer will do. */
#define LOOPS (BE_HOST_IS_LITTLE ? 10000u : 100u)

enum act {
	MASTER_OFF = 1,
	WINDOW_OFF,
	FORGET,
	BAR_GONE,
	RESET,
	NUM_ACTS,
};

/* The acts in the order in which each came first, since the partition was asked to stop. */
static struct {
	bool on;
	unsigned int n;
	enum act acts[NUM_ACTS];
	unsigned int resets, bus_resets;
	bool hangs, hung;   /* after its reset the device answers nobody any more */
	bool open_at_reset; /* a reset met a window, or a bus master, or an open BAR */
	bool forgets;	    /* a reset makes of the device what it was when power came, */
	uint8_t first[256]; /* this, without BARs and with COMMAND off */
} rec;

static struct host_phb_ops ops;

static void record(enum act act)
{
	for (unsigned int i = 0; i < rec.n; i++) {
		if (rec.acts[i] == act) {
			return;
		}
	}
	if (rec.on) {
		rec.acts[rec.n++] = act;
	}
}

static bool bar_is_mapped(void)
{
	return fake_arch_find_mmio(parts[0], gpa(0x200000000000u + 7 * (uint64_t)0x80000000u));
}

static void record_reset(void)
{
	if (!rec.on) {
		return;
	}
	if (!bar_is_mapped()) {
		record(BAR_GONE);
	}
	record(RESET);
	rec.hung = rec.hangs;
	if (fake_phb_any_window(&fake) || bar_is_mapped() ||
		fake_get(fake_find_func(&fake, DEV), PCI_COMMAND, 2) & PCI_COMMAND_MASTER) {
		rec.open_at_reset = true;
	}
	if (rec.forgets) {
		memcpy(fake_find_func(&fake, DEV)->image, rec.first, sizeof(rec.first));
	}
}

static int rec_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	int err = fake_phb_ops.config_read(phb, bdfn, off, size, val);

	if (bdfn == DEV && rec.hung) {
		*val = UINT32_MAX >> (32 - 8 * size);
	}
	return err;
}

static int rec_write(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	int err = fake_phb_ops.config_write(phb, bdfn, off, size, val);

	if (bdfn == DEV && off == PCI_COMMAND && !(val & PCI_COMMAND_MASTER)) {
		record(MASTER_OFF);
	}
	if (bdfn == DEV && off == DEVCTL && val & PCI_EXP_DEVCTL_FLR) {
		rec.resets++;
		record_reset();
	}
	if (bdfn == PORT && off == BRIDGE_CTRL && val & BUS_RESET) {
		rec.bus_resets++;
		record_reset();
	}
	return err;
}

static int rec_window_off(struct host_phb *phb, unsigned int pe, unsigned int win)
{
	record(WINDOW_OFF);
	return fake_phb_ops.window_off(phb, pe, win);
}

static int rec_tce_kill(struct host_phb *phb, unsigned int pe)
{
	record(FORGET);
	return fake_phb_ops.tce_kill(phb, pe);
}

/* The device gets a function reset, if it is to have one. */
static void start_with(bool flr)
{
	struct fake_func *f = fake_find_func(&fake, DEV);

	if (flr) {
		fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
		fake_put(f, PCI_CAP_PTR, 1, EXP);
		fake_put(f, EXP, 4, 0x00020000 | PCI_CAP_EXP);
		fake_put(f, EXP + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	}
	ops = fake_phb_ops;
	ops.config_read = rec_read;
	ops.config_write = rec_write;
	ops.window_off = rec_window_off;
	ops.tce_kill = rec_tce_kill;
	board.phbs[0].ops = &ops;
	memset(&rec, 0, sizeof(rec));
	start();
}

/* As the guest would: memory and bus master on, and something to reach. */
static void use_device(void)
{
	struct pci_func *f = &parts[0]->phbs[0].funcs[0];

	assert_int_equal(pci_config_write(f, PCI_COMMAND, 2, 6), 0);
	assert_true(bar_is_mapped());
	map_pages(0, 5, 4);
}

static void end_alpha(void)
{
	rec.on = true;
	stop(parts[0]);
	rec.on = false;
}

static const enum act order[] = {MASTER_OFF, WINDOW_OFF, FORGET, BAR_GONE, RESET};

static void assert_order(void)
{
	assert_int_equal(rec.n, sizeof(order) / sizeof(order[0]));
	assert_memory_equal(rec.acts, order, sizeof(order));
	assert_false(rec.open_at_reset);
}

/* LC-04. And nothing is reset before there is anything to forget (design decision 16). */
static void test_end_closes_resets_and_gives_back_in_order(void **state)
{
	uint64_t free_at_start = mem_free_bytes(&ram.pool);

	(void)state;
	start_with(true);
	use_device();
	assert_int_equal(rec.resets + rec.bus_resets, 0);
	end_alpha();
	assert_order();
	assert_int_equal(rec.resets, 1);
	assert_int_equal(rec.bus_resets, 0);
	assert_true(board.groups[0].closed);
	assert_null(board.groups[0].refuse);
	stop(parts[1]);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	assert_not_said("not assigned again");
}

/* LC-04: what has no reset of its own is alone on its bus. */
static void test_device_without_function_reset_is_reset_by_its_bus(void **state)
{
	(void)state;
	start_with(false);
	use_device();
	end_alpha();
	assert_order();
	assert_int_equal(rec.bus_resets, 1);
	assert_null(board.groups[0].refuse);
}

/* LC-04: flagged, once, and given to the next all the same. */
static void test_device_that_nothing_resets_is_flagged_once(void **state)
{
	(void)state;
	start_with(false);
	board.groups[0].port = -1;
	for (unsigned int i = 0; i < 3; i++) {
		use_device();
		partition_request_stop(parts[0], STOP_REBOOT);
		leave(&parts[0]->vcpus[0]);
		assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
		if (i == 0) {
			assert_said("PHB#0000[000]: 01:00.0 has no reset: what it holds of its "
				    "partition stays in it");
		} else {
			assert_not_said("has no reset");
		}
		fake_arch_clear_out();
	}
	assert_int_equal(rec.resets + rec.bus_resets, 0);
	assert_null(board.groups[0].refuse);
}

/* LC-04: config space is what it was when the device was first opened, whoever had it. */
static void test_config_space_is_as_it_was_at_first(void **state)
{
	struct fake_func *f = fake_find_func(&fake, DEV);
	uint8_t first[sizeof(f->image)];

	(void)state;
	f->wmask[PCI_CACHE_LINE] = 0xff;
	f->wmask[DEVCTL] = f->wmask[DEVCTL + 1] = 0x7f;
	fake_put(f, PCI_CACHE_LINE, 1, 0x20);
	fake_put(f, DEVCTL, 2, 0x2810);
	start_with(true);
	memcpy(first, f->image, sizeof(first));
	assert_int_equal(first[PCI_COMMAND] & PCI_COMMAND_MASTER, 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct vfio_device *d = parts[0]->bound[0].funcs[0].device;

		use_device();
		assert_int_equal(vfio_config_write(d, PCI_CACHE_LINE, 1, 0x40), 0);
		assert_int_equal(vfio_config_write(d, DEVCTL, 2, 0x5000), 0);
		partition_request_stop(parts[0], STOP_REBOOT);
		leave(&parts[0]->vcpus[0]);
		assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
		first[PCI_COMMAND + 1] |= PCI_COMMAND_INTX_OFF >> 8;
		first[PCI_COMMAND] = f->image[PCI_COMMAND] & (uint8_t)~PCI_COMMAND_MASTER;
		assert_memory_equal(f->image, first, sizeof(first));
	}
}

/* What a guest can leave its traces in. */
static const struct {
	unsigned int off, size;
} traces[] = {{PCI_COMMAND, 2}, {PCI_BAR0, 4}, {PCI_INTERRUPT_LINE, 1}, {VPD + PCI_VPD_ADDR, 2},
	{MSI + 2, 2}, {MSI + 4, 4}, {MSI + 12, 2}};

#define NUM_TRACES (sizeof(traces) / sizeof(traces[0]))

static void see(struct partition *p, uint32_t vals[NUM_TRACES])
{
	for (size_t i = 0; i < NUM_TRACES; i++) {
		assert_int_equal(pci_config_read(&p->phbs[0].funcs[0], traces[i].off,
					 traces[i].size, &vals[i]),
			0);
	}
}

static void leave_traces(void)
{
	struct pci_func *f = &parts[0]->phbs[0].funcs[0];

	assert_int_equal(pci_config_write(f, PCI_BAR0, 4, 0x90000000), 0);
	assert_int_equal(pci_config_write(f, PCI_COMMAND, 2, 6), 0);
	assert_int_equal(pci_config_write(f, PCI_INTERRUPT_LINE, 1, 0x77), 0);
	assert_int_equal(pci_config_write(f, VPD + PCI_VPD_ADDR, 2, 0x123), 0);
	assert_int_equal(msi_request(parts[0], f, PCI_IRQ_MSI, 1), 0);
	assert_int_equal(pci_config_write(f, MSI + 2, 2, 1), 0);
	assert_true(fake_phb_fire_msi(&fake, DEV, 0));
	assert_int_equal(fake.msis[0], 1);
	map_pages(0, 5, 4);
}

/* At the device, and in what is behind it. */
static void assert_no_traces(void)
{
	const struct fake_func *dev = fake_find_func(&fake, DEV);
	char buf[4] = "abc";

	assert_int_equal(fake_get(dev, VPD + PCI_VPD_ADDR, 2), 0);
	assert_int_equal(fake_get(dev, MSI + 2, 2) & 1, 0);
	assert_int_equal(fake_get(dev, PCI_BAR0, 4), board.funcs[1].bars[0].bus);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(board.phbs[0].msi_used[0], 0);
	assert_int_equal(fake_arch.nmmio, 0);
	/* Nor does it reach anything by an address of guest 1's. */
	assert_int_equal(pci_config_write(&parts[1]->phbs[0].funcs[0], PCI_COMMAND, 2, 4), 0);
	assert_int_equal(fake_phb_dma(&fake, DEV, 0x10, buf, sizeof(buf), true), -EFAULT);
}

/* LC-04: the group goes to another partition, by a reset of its own or by its bus. */
static void test_device_moves_from_one_guest_to_another(void **state)
{
	for (unsigned int flr = 0; flr < 2; flr++) {
		uint32_t first[NUM_TRACES], left[NUM_TRACES], then[NUM_TRACES];
		struct fake_func *f;

		teardown(state);
		setup(state);
		plans[1].phbs[0] = plans[0].phbs[0];
		f = fake_find_func(&fake, DEV);
		fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
		fake_put(f, PCI_CAP_PTR, 1, MSI);
		fake_add_msi(f, MSI, 0x0080);
		fake_put(f, MSI + 1, 1, VPD);
		fake_put(f, VPD, 1, PCI_CAP_VPD);
		memset(f->wmask + VPD + PCI_VPD_ADDR, 0xff, 2);
		f->wmask[PCI_INTERRUPT_LINE] = 0xff;
		start_with(false);
		if (flr) {
			fake_put(f, VPD + 1, 1, EXP);
			fake_put(f, EXP, 4, 0x00020000 | PCI_CAP_EXP);
			fake_put(f, EXP + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
		}
		memcpy(rec.first, f->image, sizeof(rec.first));
		memset(rec.first + PCI_COMMAND, 0, 2);
		memset(rec.first + PCI_BAR0, 0, 24);
		rec.forgets = true;
		see(parts[0], first);
		leave_traces();
		see(parts[0], left);
		for (size_t i = 0; i < 4; i++) {
			assert_true(first[i] != left[i]);
		}
		end_alpha();
		assert_int_equal(flr ? rec.resets : rec.bus_resets, 1);
		stop(parts[1]);
		plans[1].nphbs = 1;
		assert_int_equal(partition_restart(parts[1]), 0);
		fake_arch_run_call();
		assert_int_equal(atomic_load(&parts[1]->state), PARTITION_RUNNING);
		see(parts[1], then);
		assert_memory_equal(then, first, sizeof(first));
		assert_no_traces();
	}
}

/* DF-01, DF-02: the memory is free, since the PE is closed; nobody gets the device. */
static void test_device_that_is_gone_keeps_its_group_closed(void **state)
{
	uint64_t free_at_start = mem_free_bytes(&ram.pool);

	(void)state;
	start_with(true);
	use_device();
	fake_find_func(&fake, DEV)->gone = true;
	end_alpha();
	assert_said("group 0 was not reset");
	assert_said("not assigned again");
	assert_non_null(board.groups[0].refuse);
	assert_true(board.groups[0].closed);
	assert_false(fake_phb_any_window(&fake));
	stop(parts[1]);
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	/* And once more: said by name, nothing taken. */
	assert_int_equal(partition_restart(parts[0]), 0);
	fake_arch_run_call();
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
	assert_said("host bridge CXGB3 cannot have group 0");
	assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
}

/* DF-02: a minute, and then it is nobody's any more; so for either kind of reset. */
static void test_device_that_does_not_come_back_keeps_its_group_closed(void **state)
{
	for (unsigned int flr = 0; flr < 2; flr++) {
		uint64_t free_at_start, began;

		teardown(state);
		setup(state);
		free_at_start = mem_free_bytes(&ram.pool);
		start_with(flr);
		use_device();
		rec.hangs = true;
		began = fake_arch.now_ns;
		end_alpha();
		assert_int_equal(rec.resets + rec.bus_resets, 1);
		assert_true(fake_arch.now_ns - began < 62 * (uint64_t)1000000000);
		assert_said("01:00.0 did not come back from a reset");
		assert_said("group 0 was not reset (-EIO): not assigned again");
		assert_said("alpha: group 0 is lost to it");
		assert_non_null(board.groups[0].refuse);
		assert_false(fake_phb_any_window(&fake));
		/* It may have come back later. */
		rec.hung = false;
		assert_int_equal(partition_restart(parts[0]), 0);
		fake_arch_run_call();
		assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
		stop(parts[1]);
		assert_int_equal(mem_free_bytes(&ram.pool), free_at_start);
	}
}

/* Counters are where they began; or what is not is closed, out of use, and has been told. */
static void judge_failed_end(uint64_t free_at_start)
{
	const struct host_group *g = &board.groups[0];
	bool told = strstr(fake_arch.out, "never assigned again") ||
		    strstr(fake_arch.out, "not assigned again") ||
		    strstr(fake_arch.out, "stays out of use");

	assert_int_equal(nstopped, 2);
	assert_int_equal(fake_arch_live_partitions(), 0);
	assert_int_equal(fake_irq_in_use(), 0);
	if (mem_free_bytes(&ram.pool) != free_at_start) {
		assert_true(told && strstr(fake_arch.out, "out of use"));
	}
	if (g->refuse || !g->closed) {
		assert_true(told);
	} else {
		assert_false(fake_phb_any_window(&fake));
		assert_int_equal(
			fake_get(fake_find_func(&fake, DEV), PCI_COMMAND, 2) & PCI_COMMAND_MASTER,
			0);
	}
}

/* DW-22, LC-04: each firmware call of the way back in turn, with either kind of reset. */
static void test_failure_of_any_step_of_the_end(void **state)
{
	for (unsigned int flr = 0; flr < 2; flr++) {
		unsigned int n = 0;

		do {
			uint64_t free_at_start;

			teardown(state);
			setup(state);
			free_at_start = mem_free_bytes(&ram.pool);
			start_with(flr);
			use_device();
			fake.fail_at = ++n;
			end_alpha();
			stop(parts[1]);
			judge_failed_end(free_at_start);
		} while (!fake.fail_at);
		assert_true(n > 20);
		fake.fail_at = 0;
	}
}

/* DM-01: a fault stops the PE of who made it, but not for who has it next. */
static void test_fault_of_one_life_does_not_stop_the_next(void **state)
{
	char buf[4] = "abc";

	(void)state;
	start_with(true);
	use_device();
	assert_int_equal(fake_phb_dma(&fake, DEV, 0x100000, buf, sizeof(buf), true), -EFAULT);
	assert_int_equal(fake_phb_dma(&fake, DEV, 0x1000, buf, sizeof(buf), true), -EFAULT);
	partition_request_stop(parts[0], STOP_REBOOT);
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	use_device();
	assert_int_equal(fake_phb_dma(&fake, DEV, 0x1000, buf, sizeof(buf), true), 0);
}

/* LC-03: and nothing is counted that is not given back. */
static void test_attach_and_detach_many_times(void **state)
{
	struct partition *p;
	uint64_t free_between;

	(void)state;
	plans[0].memory = 2 * MIB;
	plans[0].phbs[0].window_size = MIB;
	start_with(true);
	p = parts[0];
	free_between = mem_free_bytes(&ram.pool);
	for (unsigned int i = 0; i < LOOPS; i++) {
		assert_true(partition_unbind_phbs(p));
		assert_int_equal(page_pool_used(&p->tables), 0);
		assert_int_equal(vfio.groups[0].opened, 0);
		assert_int_equal(vfio.groups[0].ndevices_open, 0);
		assert_int_equal(vfio.devices[1].opened, 0);
		assert_int_equal(partition_bind_phbs(p), 0);
		fake_arch_clear_calls();
	}
	assert_int_equal(rec.resets, LOOPS);
	assert_int_equal(mem_free_bytes(&ram.pool), free_between);
	assert_int_equal(fake_arch_live_partitions(), 2);
	assert_int_equal(fake_arch.out_len, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_end_closes_resets_and_gives_back_in_order),
		TEST(test_device_without_function_reset_is_reset_by_its_bus),
		TEST(test_device_that_nothing_resets_is_flagged_once),
		TEST(test_config_space_is_as_it_was_at_first),
		TEST(test_device_moves_from_one_guest_to_another),
		TEST(test_device_that_is_gone_keeps_its_group_closed),
		TEST(test_device_that_does_not_come_back_keeps_its_group_closed),
		TEST(test_failure_of_any_step_of_the_end),
		TEST(test_fault_of_one_life_does_not_stop_the_next),
		TEST(test_attach_and_detach_many_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
