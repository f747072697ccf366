// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor's bypass command, typed as its user types it, on a partition that runs.
 */
#include "core/monitor.h"
#include "tests/unit/audit_help.h"

#include <stdio.h>

static void tick(void)
{
	console_poll();
	monitor_run();
}

static void type(const char *keys)
{
	fake_arch_type(keys, strlen(keys));
	for (unsigned int i = 0; i < 20; i++) {
		tick();
	}
}

static int open_monitor(void **state)
{
	setup(state);
	start();
	monitor_init(&board, &scope);
	type("~");
	return 0;
}

/* What a command says is this one line. */
static void assert_answer(const char *command, const char *want)
{
	char line[256];

	fake_arch_clear_out();
	(void)snprintf(line, sizeof(line), "%s\r", command);
	type(line);
	(void)snprintf(line, sizeof(line), "%s\n%s\ntcelot> ", command, want);
	assert_string_equal(fake_arch.out, line);
}

/* The device of alpha reads a byte. */
static int peek(uint64_t iova)
{
	uint8_t byte = 0;
	struct fake_func *func = fake_find_func(&fake, 0x100);
	int err;

	fake_put(func, PCI_COMMAND, 2, fake_get(func, PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
	fake_phb_thaw(&fake);
	err = fake_phb_dma(&fake, 0x100, iova, &byte, 1, false);
	return err ? err : byte;
}

static void test_bypass_is_switched_while_the_partition_runs(void **state)
{
	struct partition *p = parts[0];

	(void)state;
	p->mem.ptr[0x123456] = 0x77;
	assert_int_equal(peek(BYPASS + 0x123456), -EFAULT);
	for (unsigned int i = 0; i < 3; i++) {
		assert_answer("bypass alpha CXGB3 on", "alpha: CXGB3: bypass is on");
		assert_int_equal(peek(BYPASS + 0x123456), 0x77);
		assert_int_equal(peek(BYPASS + GUEST_SIZE), -EFAULT);
		assert_answer("tce audit", "tce audit: 2 windows, 8 live TCEs: clean");
		assert_answer("bypass alpha CXGB3 on", "alpha: CXGB3: bypass is on");
		assert_answer("bypass alpha CXGB3 off", "alpha: CXGB3: bypass is off");
		assert_int_equal(peek(BYPASS + 0x123456), -EFAULT);
		assert_answer("tce audit", "tce audit: 1 window, 0 live TCEs: clean");
		assert_answer("bypass alpha CXGB3 off", "alpha: CXGB3: bypass is off");
	}
	assert_int_equal(atomic_load(&p->state), PARTITION_RUNNING);
}

/* The plan's is on from the start, and can be taken away; a reboot brings it back. */
static void test_bypass_of_the_plan_is_switched_as_well(void **state)
{
	teardown(state);
	setup(state);
	plans[0].phbs[0].bypass = true;
	start();
	monitor_init(&board, &scope);
	type("~");
	assert_int_equal(peek(BYPASS), parts[0]->mem.ptr[0]);
	assert_answer("bypass alpha CXGB3 off", "alpha: CXGB3: bypass is off");
	assert_int_equal(peek(BYPASS), -EFAULT);
	type("reset alpha\r");
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	assert_int_equal(peek(BYPASS), parts[0]->mem.ptr[0]);
	assert_answer("bypass alpha CXGB3 off", "alpha: CXGB3: bypass is off");
}

/* And what the monitor has switched on goes with the partition. */
static void test_switched_bypass_ends_with_the_partition(void **state)
{
	(void)state;
	type("bypass alpha CXGB3 on\r");
	assert_int_equal(peek(BYPASS), parts[0]->mem.ptr[0]);
	type("reset alpha\r");
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(peek(BYPASS), -EFAULT);
	type("bypass alpha CXGB3 on\r");
	stop(parts[0]);
	assert_int_equal(peek(BYPASS), -EFAULT);
	assert_false(fake_phb_any_window(&fake));
	assert_answer("bypass alpha CXGB3 on", "it does not run");
}

static void test_what_is_in_the_way_is_named(void **state)
{
	struct ddw *d = &parts[0]->bound[0].ddw;
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_create(d, 21, 24, &slot), 0);
	assert_answer("bypass alpha CXGB3 on",
		"alpha: CXGB3: bypass is not switched on: the guest has a DMA window of its own "
		"(-EEXIST)");
	assert_int_equal(ddw_remove(d, slot), 0);
	assert_false(atomic_flag_test_and_set(&d->busy));
	assert_answer("bypass alpha CXGB3 on",
		"alpha: CXGB3: bypass is not switched on: its windows are being changed; try again "
		"(-EBUSY)");
	assert_answer("bypass alpha CXGB3 off", "alpha: CXGB3: bypass is not switched off: its "
						"windows are being changed; try again "
						"(-EBUSY)");
	atomic_flag_clear(&d->busy);
	fake.fail_op[FAKE_WINDOW_SET] = true;
	assert_answer("bypass alpha CXGB3 on",
		"alpha: CXGB3: bypass is not switched on: the host's bridge refused it (-EIO)");
	fake.fail_op[FAKE_WINDOW_SET] = false;
	assert_int_equal(peek(BYPASS), -EFAULT);
	assert_answer("bypass alpha CXGB3 on", "alpha: CXGB3: bypass is on");
	fake.fail_op[FAKE_WINDOW_OFF] = true;
	fake_arch_clear_out();
	type("bypass alpha CXGB3 off\r");
	assert_said("\nalpha: CXGB3: bypass is off: the hardware did not confirm; its place is not "
		    "used again (-EIO)\n");
	fake.fail_op[FAKE_WINDOW_OFF] = false;
	assert_answer("tce audit", "tce audit: 1 window, 0 live TCEs: clean");
}

static void test_wrong_words_change_nothing(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"bypass gamma CXGB3 on", "no partition has this name; try: partitions"},
		{"bypass alph CXGB3 on", "no partition has this name; try: partitions"},
		{"bypass alphabet CXGB3 on", "no partition has this name; try: partitions"},
		{"bypass alpha", "it has no bridge of this name; try: partitions"},
		{"bypass alpha on", "it has no bridge of this name; try: partitions"},
		{"bypass beta CXGB3 on", "it has no bridge of this name; try: partitions"},
		{"bypass alpha CXGB on", "it has no bridge of this name; try: partitions"},
		{"bypass alpha CXGB3", "bypass: what is wanted is said by on or off"},
		{"bypass alpha CXGB3 On", "bypass: what is wanted is said by on or off"},
		{"bypass alpha CXGB3 onoff", "bypass: what is wanted is said by on or off"},
		{"bypass alpha CXGB3 on off", "bypass: what is wanted is said by on or off"},
		{"bypass", "not a command; help lists them, back leaves the monitor"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int calls = fake.calls;

		assert_answer(cases[i].line, cases[i].says);
		assert_int_equal(fake.calls, calls);
	}
}

static void test_help_has_a_line_for_it(void **state)
{
	(void)state;
	type("help\r");
	assert_said("\nbypass NAME BRIDGE on|off ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_monitor, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bypass_is_switched_while_the_partition_runs),
		TEST(test_bypass_of_the_plan_is_switched_as_well),
		TEST(test_switched_bypass_ends_with_the_partition),
		TEST(test_what_is_in_the_way_is_named),
		TEST(test_wrong_words_change_nothing),
		TEST(test_help_has_a_line_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
