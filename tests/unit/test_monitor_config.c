// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor's config command, typed as its user types it.
 */
#include "core/monitor.h"
#include "core/pci_regs.h"
#include "tests/unit/audit_help.h"

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
	fake_arch_clear_out();
	return 0;
}

static unsigned int count_lines(void)
{
	unsigned int n = 0;

	for (const char *s = fake_arch.out; *s; s++) {
		n += *s == '\n';
	}
	return n;
}

/* Of a function that a partition has, and of the port above it, which nobody has. */
static void test_config_is_as_lspci_writes_it(void **state)
{
	(void)state;
	type("config 0000:01:00.0\r");
	assert_said("\n0000:01:00.0 0000: 1234:11e8 (rev 00)\n00: 34 12 e8 11 ");
	assert_said("\nf0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n\ntcelot> ");
	assert_int_equal(count_lines(), 1 + 1 + 16 + 1);
	fake_arch_clear_out();
	type("config 0000:00:00.0\r");
	assert_said("\n0000:00:00.0 0604: ");
	assert_said("\n\ntcelot> ");
}

/* It goes on from tick to tick, and ends with the prompt; what is typed meanwhile waits. */
static void test_config_comes_in_slices(void **state)
{
	unsigned int before;

	(void)state;
	fake_arch_type("config 0000:01:00.0\r", 20);
	tick();
	before = count_lines();
	assert_true(before <= 18);
	assert_not_said("tcelot> ");
	for (unsigned int i = 0; i < 3; i++) {
		tick();
	}
	assert_said("\n\ntcelot> ");
}

static void test_wrong_words_reach_no_device(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"config 01:00.0\r", "\nconfig: a function is domain:bus:slot.function"},
		{"config 0000:01:00.0 x\r", "\nconfig: a function is"},
		{"config 0000:02:00.0\r", "\nthere is no such function; try: list\n"},
		{"config 0001:01:00.0\r", "\nthere is no such function; try: list\n"},
		{"config\r", "\nnot a command"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int calls = fake.calls;

		fake_arch_clear_out();
		type(cases[i].line);
		assert_said(cases[i].says);
		assert_int_equal(fake.calls, calls);
	}
	type("help\r");
	assert_said("\nconfig BDF ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_monitor, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_is_as_lspci_writes_it),
		TEST(test_config_comes_in_slices),
		TEST(test_wrong_words_reach_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
