// SPDX-License-Identifier: Apache-2.0
/*
 * SEED-002.17, SEED-002.16, RT-11, from two threads: while one vCPU has its function reset, or its
 * power state changed, another reads and writes the function's config space and BARs. It gets all
 * ones in bounded time, and no cycle is made.
 *
 * A reset of the whole bus is not among them: one begins when no vCPU of the partition runs.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/unit/msi_help.h"

#define FUNC	2u
#define BDFN	0x102u
#define ID	0x11ea1234u
#define EXP	0x40u
#define PM	0x80u
#define AF	0x90u
#define PM_CTRL (PM + PCI_PM_CTRL)
#define ROUNDS	300u
#define LOOKS	5u
#define MS	1000000ull

/* What the second thread is entitled to see. */
enum phase { OPEN, SHUT, OVER };

static struct host_phb_ops ops;
static pthread_t second;
static atomic_uint phase, looks, cycles, started, wrong;

static int count_read(
	struct host_phb *p, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	cycles += bdfn == BDFN;
	return fake_phb_ops.config_read(p, bdfn, off, size, val);
}

static int count_write(
	struct host_phb *p, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	cycles += bdfn == BDFN;
	started += bdfn == BDFN &&
		   ((off == EXP + PCI_EXP_DEVCTL && val & PCI_EXP_DEVCTL_FLR) ||
			   (off == AF + PCI_AF_CTRL && val & PCI_AF_FLR) || off == PM_CTRL);
	return fake_phb_ops.config_write(p, bdfn, off, size, val);
}

static void add_caps(struct fake_func *f)
{
	fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(f, PCI_CAP_PTR, 1, EXP);
	fake_put(f, EXP, 4, 2u << 16 | PM << 8 | PCI_CAP_EXP);
	fake_put(f, EXP + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_put(f, PM, 4, 3u << 16 | AF << 8 | PCI_CAP_PM);
	f->wmask[PM_CTRL] = PCI_PM_STATE;
	fake_put(f, AF, 4, (PCI_AF_CAP_TP | PCI_AF_CAP_FLR) << 24 | PCI_AF_SIZE << 16 | PCI_CAP_AF);
}

/* The partition of msi_help.h, its third function with three ways to be busy. */
static int setup(void **state)
{
	static const struct plan_partition plan = {.name = "alpha",
		.nphbs = 1,
		.phbs = {{.id = "CXGB3", .index = 6, .window_size = 0x1000000}}};

	assert_int_equal(help_setup(state), 0);
	assert_true(partition_unbind_phbs(help_part));
	add_caps(fake_find_func(&help_phb, BDFN));
	ops = fake_phb_ops;
	ops.config_read = count_read;
	ops.config_write = count_write;
	help_board.phbs[0].ops = &ops;
	help_part->plan = &plan;
	assert_int_equal(partition_bind_phbs(help_part), 0);
	fake_arch.tick_ns = 0;
	phase = OPEN;
	looks = started = wrong = 0;
	return 0;
}

/* One look: an access that another is in the middle of is none. While the function is shut from
 * before the look until after it, there is one right answer. */
static bool look(unsigned int n)
{
	bool shut = phase == SHUT;
	uint32_t val = 0;
	int err;

	if (n % 4 == 3) {
		err = pci_config_write(help_func(FUNC), PCI_COMMAND, 2, 0);
		val = UINT32_MAX;
	} else {
		err = pci_config_read(help_func(FUNC), PCI_VENDOR_ID, 4, &val);
	}
	if (err == -EBUSY) {
		return false;
	}
	wrong += err != 0 || (val != UINT32_MAX && (val != ID || (shut && phase == SHUT)));
	return true;
}

static void *second_vcpu(void *arg)
{
	for (unsigned int n = 0; phase != OVER; n++) {
		looks += look(n);
		sched_yield();
	}
	return arg;
}

static int start(void **state)
{
	assert_int_equal(setup(state), 0);
	assert_int_equal(pthread_create(&second, NULL, second_vcpu, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	phase = OVER;
	assert_int_equal(pthread_join(second, NULL), 0);
	return help_teardown(state);
}

static void wait_for_looks(void)
{
	unsigned int from = looks;

	while (looks - from < LOOKS) {
		sched_yield();
	}
}

/* As a guest does it, whose accesses may meet the other vCPU's. */
static void write_config(unsigned int off, unsigned int size, uint32_t val)
{
	int err;

	while ((err = pci_config_write(help_func(FUNC), off, size, val)) == -EBUSY) {
		sched_yield();
	}
	assert_int_equal(err, 0);
}

static uint32_t read_config(unsigned int off, unsigned int size)
{
	uint32_t val = 0;
	int err;

	while ((err = pci_config_read(help_func(FUNC), off, size, &val)) == -EBUSY) {
		sched_yield();
	}
	assert_int_equal(err, 0);
	return val;
}

/* Whoever has claimed the function is alone with the clock, which is no atomic one. */
static void advance(void)
{
	while (!pci_func_claim(help_func(FUNC))) {
		sched_yield();
	}
	fake_arch.now_ns += 100 * MS;
	pci_func_yield(help_func(FUNC));
}

/* From where the device has been told, until its time is over: the clock stands still, so nothing
 * may happen, however often the other looks. */
static void hold_shut(unsigned int told)
{
	unsigned int before;

	while (started == told) {
		assert_int_equal(read_config(PCI_VENDOR_ID, 4), UINT32_MAX);
	}
	before = cycles;
	phase = SHUT;
	wait_for_looks();
	assert_int_equal(read_config(PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(cycles, before);
	phase = OPEN;
	advance();
	wait_for_looks();
}

static void test_second_vcpu_meets_a_closed_door(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t val;
	} ways[] = {{EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR},
		{AF + PCI_AF_CTRL, 1, PCI_AF_FLR}, {PM_CTRL, 2, PCI_PM_D3HOT}, {PM_CTRL, 2, 0}};

	(void)state;
	for (unsigned int i = 0; i < ROUNDS * 4; i++) {
		unsigned int told = started;

		write_config(ways[i % 4].off, ways[i % 4].size, ways[i % 4].val);
		hold_shut(told);
		assert_int_equal(read_config(PCI_VENDOR_ID, 4), ID);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(started, ROUNDS * 4);
	assert_false(help_func(FUNC)->gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_second_vcpu_meets_a_closed_door, start, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
