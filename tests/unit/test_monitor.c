// SPDX-License-Identifier: Apache-2.0
/*
 * core/monitor.c, with its keys coming through core/console.c as they do from the tick: what is
 * typed, and what is then on the line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/monitor.h"
#include "core/text.h"
#include "tests/unit/audit_help.h"

#include <stdio.h>

#define PROMPT "tcelot> "
#define LOST   "not a command; help lists them, back leaves the monitor\n"

static void tick(void)
{
	console_poll();
	monitor_run();
}

static void ticks(unsigned int n)
{
	while (n--) {
		tick();
	}
}

/* The tick's own order; enough of them for any command here. */
static void type(const char *keys)
{
	fake_arch_type(keys, strlen(keys));
	ticks(20);
}

static int setup_monitor(void **state)
{
	setup(state);
	start();
	monitor_init(&board, &scope);
	return 0;
}

static int open_monitor(void **state)
{
	setup_monitor(state);
	type("~");
	assert_string_equal(
		fake_arch.out, "\ntcelot monitor: help lists the commands, back leaves\n" PROMPT);
	fake_arch_clear_out();
	return 0;
}

/* What the partition gets to read. */
static void assert_guest_reads(const char *want)
{
	char buf[1024];
	size_t n = 0, got;

	do {
		got = console_read(&parts[0]->console, buf + n, CONSOLE_INPUT_MAX);
		n += got;
	} while (got && n + CONSOLE_INPUT_MAX < sizeof(buf));
	buf[n] = '\0';
	assert_string_equal(buf, want);
}

/* The command's answer, between the echo of its line and the next prompt. */
static void assert_answer(const char *command, const char *want)
{
	char line[256];

	fake_arch_clear_out();
	strcpy(line, command);
	strcat(line, "\r");
	type(line);
	strcpy(line, command);
	strcat(line, "\n");
	assert_int_equal(strncmp(fake_arch.out, line, strlen(line)), 0);
	if (strncmp(fake_arch.out + strlen(line), want, strlen(want))) {
		fail_msg("%s: \"%s\" was wanted, but:\n%s", command, want, fake_arch.out);
	}
	assert_string_equal(fake_arch.out + strlen(line) + strlen(want), PROMPT);
}

/* No line is wider than a serial terminal, whatever the command. */
static void assert_narrow(void)
{
	size_t column = 0;

	for (const char *p = fake_arch.out; *p; p++) {
		column = *p == '\n' ? 0 : column + 1;
		assert_true(column <= 80);
	}
}

static void test_memory_is_told_by_use(void **state)
{
	uint64_t ours = ram.pool.used[MEM_OURS] >> 10, most = ram.pool.most >> 10;
	char want[256];

	(void)state;
	mem_count_image(&ram.pool, 600 << 10);
	(void)snprintf(want, sizeof(want),
		"hypervisor memory: %u KiB now, %u KiB at most, 600 KiB of it the image\n"
		"apart from it: guests %u KiB, TCE tables %u KiB, given to firmware 0 KiB\n",
		(unsigned int)ours + 600, (unsigned int)most + 600,
		(unsigned int)(2 * GUEST_SIZE >> 10),
		(unsigned int)((parts[0]->tables.npages + parts[1]->tables.npages) << 2));
	assert_answer("memory", want);
	assert_narrow();
}

static void test_tilde_elsewhere_is_the_guests(void **state)
{
	(void)state;
	type("ls ~\rx~~\r");
	assert_guest_reads("ls ~\rx~~\r");
	assert_string_equal(fake_arch.out, "");
	type("\n~");
	assert_guest_reads("\n");
	assert_said("tcelot monitor");
}

static void test_guests_own_reading_opens_it_too(void **state)
{
	(void)state;
	fake_arch_type("a\r~help\r", 8);
	assert_guest_reads("a\r");
	assert_guest_reads("");
	assert_int_equal(fake_arch.in_len, 0);
	ticks(3);
	assert_said("tcelot monitor");
	assert_said("prove that every live TCE");
	assert_guest_reads("");
}

static void test_back_gives_the_input_to_the_guest(void **state)
{
	(void)state;
	type("back\rls\r");
	assert_guest_reads("ls\r");
	assert_said("back to the partition\n");
	assert_not_said(PROMPT);
	assert_false(console_in_monitor());
	/* And it can be opened again: even by what was typed ahead. */
	type("~back\r~");
	assert_true(console_in_monitor());
	assert_guest_reads("");
}

static void test_second_tilde_is_for_the_guest(void **state)
{
	(void)state;
	type("~\rbin\r");
	assert_guest_reads("~bin\r");
	assert_false(console_in_monitor());
}

/* A guest that reads nothing must not keep its owner from the monitor. */
static void test_monitor_is_reached_past_a_deaf_guest(void **state)
{
	static char flood[2 * CONSOLE_RING + 3];

	(void)state;
	memset(flood, 'x', sizeof(flood) - 3);
	strcpy(flood + sizeof(flood) - 3, "\r~");
	fake_arch_type(flood, sizeof(flood) - 1);
	ticks(CONSOLE_DEAF_TICKS - 1);
	assert_int_equal(fake_arch.in_len, sizeof(flood) - 1 - CONSOLE_RING);
	assert_false(console_in_monitor());
	ticks(3);
	assert_true(console_in_monitor());
	assert_int_equal(fake_arch.in_len, 0);
}

/* A paste into a guest that reads slowly arrives whole. */
static void test_slow_guest_loses_nothing(void **state)
{
	static char paste[8 * CONSOLE_RING + 1];
	size_t got = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(paste) - 1; i++) {
		paste[i] = (char)('a' + i % 26);
	}
	fake_arch_type(paste, sizeof(paste) - 1);
	while (got < sizeof(paste) - 1) {
		char buf[CONSOLE_INPUT_MAX];
		size_t n = 0;

		ticks(3);
		n = console_read(&parts[0]->console, buf, sizeof(buf));
		assert_true(n > 0);
		assert_memory_equal(buf, paste + got, n);
		got += n;
	}
}

static void test_one_line_each_tick(void **state)
{
	(void)state;
	fake_arch_type("bad\rworse\r", 10);
	tick();
	assert_string_equal(fake_arch.out, "bad\n" LOST PROMPT);
	tick();
	assert_string_equal(fake_arch.out, "bad\n" LOST PROMPT "worse\n" LOST PROMPT);
}

static void test_line_can_be_edited(void **state)
{
	static const char *const keys[] = {"bx\x7f"
					   "ack\r",
		"\b\b  back \r",
		"nonsense\x15"
		"back\r",
		"\x1b"
		"back\r",
		"ba\tck\r", "\r\n\r\nback\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		type(keys[i]);
		if (console_in_monitor()) {
			fail_msg("keys %zu were not taken for back", i);
		}
		assert_not_said("not a command");
		fake_arch_type("\r", 1);
		tick();
		type("~");
	}
}

static void test_long_line_is_cut_and_harmless(void **state)
{
	char keys[400];

	(void)state;
	memset(keys, 'a', sizeof(keys));
	strcpy(keys + sizeof(keys) - 6, "\rback");
	type(keys);
	assert_said(LOST);
	assert_narrow();
}

static void test_unknown_commands_get_a_line_of_help(void **state)
{
	static const char *const bad[] = {"hel", "helpme", "help me", "windows", "windows maps",
		"tce", "tce walk", "stop", "reset", "HELP", "%s%n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_answer(bad[i], LOST);
	}
	assert_answer("", "");
	assert_answer("   ", "");
}

static void test_help_names_every_command(void **state)
{
	static const char *const words[] = {"help ", "list ", "partitions ", "memory ",
		"windows map ", "tce walk ADDR ", "tce audit ", "stop NAME ", "start NAME ",
		"reset NAME ", "back ", "~ "};

	(void)state;
	type("help\r");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char line[32] = "\n";

		strcat(line, words[i]);
		assert_said(line);
	}
	assert_narrow();
}

static void test_list_shows_the_host(void **state)
{
	(void)state;
	type("list\r");
	assert_said("PHB#0000: 512 PEs");
	assert_said("group 0: 01:00.0 1234:11e8");
	assert_non_null(
		strstr(fake_arch.out, "PHB#0000: 01:00.0 is 00:00.0 of alpha, host bridge"));
}

static void test_partitions_says_what_each_does(void **state)
{
	(void)state;
	assert_answer("partitions",
		"alpha: running, 2 vCPUs, 16M, 1 bridge\n  CXGB3: index 6, group 0\n"
		"beta: running, 1 vCPU, 16M, 0 bridges\n");
	partition_request_stop(parts[1], STOP_CRASHED);
	assert_answer("partitions",
		"alpha: running, 2 vCPUs, 16M, 1 bridge\n  CXGB3: index 6, group 0\n"
		"beta: stopping, 1 vCPU, 16M, 0 bridges\n");
	leave(&parts[1]->vcpus[0]);
	assert_answer("partitions",
		"alpha: running, 2 vCPUs, 16M, 1 bridge\n  CXGB3: index 6, group 0\n"
		"beta: crashed, 1 vCPU, 16M, 0 bridges\n");
}

#define LEGEND                                                                              \
	"# window, page, size, and 64 cells: ' ' no TCE gives access, '.' few, ':' half,\n" \
	"# '*' most, '#' all\n"

/* 16384 pages: 256 to a cell. */
static void test_map_shows_where_it_is_full(void **state)
{
	static const unsigned int fill[] = {1, 84, 85, 169, 170, 255, 256};

	(void)state;
	for (unsigned int i = 0; i < 7; i++) {
		map_pages(256 * i, 0, fill[i]);
	}
	map_pages(16383, 0, 1);
	assert_answer("windows map",
		LEGEND "alpha: CXGB3: group 0, PE 0x0\n"
		       "0   4K  64M |..::**#"
		       "                                                        .|\n");
	assert_narrow();
}

static void test_map_of_a_small_window_and_bypass(void **state)
{
	teardown(state);
	setup(state);
	plans[0].phbs[0].bypass = true;
	start();
	monitor_init(&board, &scope);
	type("~");
	plant(1, 7, 0);
	assert_answer("windows map",
		LEGEND "alpha: CXGB3: group 0, PE 0x0, bypass\n"
		       "0   4K  64M |                                                        "
		       "        |\n"
		       "1   2M  16M |########################################################"
		       "        |\n");
}

/* Between the look at a window and the walk of it the guest has put another in its place. */
static void put_large_for_small(void)
{
	fake_arch.on_write = NULL;
	assert_int_equal(ddw_remove(&parts[0]->bound[0].ddw, 0), 0);
	map_pages(512, 0, 1);
}

static void test_map_of_a_window_that_grows_meanwhile(void **state)
{
	struct ddw *d = &parts[0]->bound[0].ddw;
	unsigned int slot;

	(void)state;
	assert_int_equal(ddw_remove(d, 0), 0);
	assert_int_equal(ddw_create(d, 21, 21, &slot), 0);
	assert_int_equal(slot, 0);
	fake_arch_clear_out();
	type("windows map");
	fake_arch_type("\r", 1);
	/* The command itself; what is said next is the bridge, before its window is walked. */
	tick();
	fake_arch.on_write = put_large_for_small;
	ticks(20);
	assert_null(fake_arch.on_write);
	assert_said("alpha: CXGB3: group 0, PE 0x0\n");
}

static void test_walk_names_every_step(void **state)
{
	char want[512];
	struct text t = {0};

	(void)state;
	map_pages(0x123, 0x45, 1);
	strcpy(want, "alpha: CXGB3: bus 0x0000000000123abc\n"
		     "  -> window 0, LIOBN 0x80000600, pages of 4K -> entry 0x123\n  -> TCE ");
	text_add_hex(&t, parts[0]->mem.host.v + 0x45003, 16);
	text_add(&t, ", read write");
	strcat(want, t.s);
	strcat(want, "\n  -> guest 0x0000000000045abc -> host ");
	t = (struct text){0};
	text_add_hex(&t, parts[0]->mem.host.v + 0x45abc, 16);
	strcat(want, t.s);
	strcat(want, "\n");
	assert_answer("tce walk 0x123abc", want);
	assert_answer("tce  walk  123ABC", want);
	assert_narrow();
}

static void test_walk_names_the_failing_step(void **state)
{
	(void)state;
	assert_answer("tce walk 1000", "alpha: CXGB3: bus 0x0000000000001000\n"
				       "  -> window 0, LIOBN 0x80000600, pages of 4K -> entry 0x1\n"
				       "  -> TCE 0x0000000000000000: it gives no access\n");
	assert_answer("tce walk 4000000",
		"alpha: CXGB3: bus 0x0000000004000000\n"
		"  -> window 0, LIOBN 0x80000600, pages of 4K: ends at 0x3ffffff\n");
	assert_answer("tce walk 0800000000000000",
		"alpha: CXGB3: bus 0x0800000000000000\n"
		"  -> window 1 (bit 59 is set): there is none\n");
	plant(0, 2, 0x3001);
	assert_answer("tce walk 2010",
		"alpha: CXGB3: bus 0x0000000000002010\n"
		"  -> window 0, LIOBN 0x80000600, pages of 4K -> entry 0x2\n"
		"  -> TCE 0x0000000000003001, read\n"
		"  -> host 0x0000000000003010: NOT this partition's memory\n");
}

static void test_walk_takes_hexadecimal_only(void **state)
{
	static const char *const bad[] = {"0x", "12g", "-1", "12345678901234567", "1 2"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64] = "tce walk ";

		strcat(line, bad[i]);
		assert_answer(line, "tce walk: ADDR is up to 16 hexadecimal digits\n");
	}
}

static void test_audit_finds_what_is_planted(void **state)
{
	(void)state;
	map_pages(0, 5, 7);
	assert_answer("tce audit", "tce audit: 1 window, 7 live TCEs: clean\n");
	plant(0, 9, 0x3001);
	assert_answer("tce audit",
		"tce audit: alpha: CXGB3: a TCE leaves the owner's memory at 0x9000: 0x3001\n"
		"tce audit: 1 window, 8 live TCEs: 1 VIOLATION\n");
}

static void test_stop_ends_a_partition_in_order(void **state)
{
	(void)state;
	assert_answer("stop alpha", "");
	assert_int_equal(atomic_load(&parts[0]->why), STOP_POWER_OFF);
	assert_int_equal(nstopped, 0);
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(nstopped, 1);
	assert_answer("stop alpha", "it does not run\n");
	assert_answer("reset alpha", "it does not run\n");
	assert_answer("stop gamma", "no partition has this name; try: partitions\n");
	assert_answer("tce audit", "tce audit: 0 windows, 0 live TCEs: clean\n");
	assert_answer("windows map", LEGEND);
	assert_answer("tce walk 0", "");
	assert_int_equal(atomic_load(&parts[1]->why), STOP_NONE);
}

/* The vCPU leaves as soon as it is kicked, so that the monitor's own visit is the last. What
 * follows may wait for devices: it is done on a thread of the partition's own. */
static void leave_at_once(struct vcpu *vcpu)
{
	fake_arch.on_kick = NULL;
	leave(vcpu);
}

static void test_monitor_itself_may_end_a_partition(void **state)
{
	(void)state;
	fake_arch.on_kick = leave_at_once;
	type("stop alpha\r");
	assert_int_equal(nstopped, 0);
	assert_int_equal(fake_arch_nth(FAKE_ARCH_CALL_ON, 0)->value, parts[0]->vcpus[1].thread);
	fake_arch_run_call();
	assert_int_equal(nstopped, 1);
	assert_said("alpha: powered off");
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
}

static void test_reset_starts_it_again(void **state)
{
	(void)state;
	map_pages(0, 5, 7);
	assert_answer("reset alpha", "");
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(nstopped, 0);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	assert_answer("tce audit", "tce audit: 1 window, 0 live TCEs: clean\n");
}

static void test_start_brings_a_stopped_one_back(void **state)
{
	(void)state;
	assert_answer("start gamma", "no partition has this name; try: partitions\n");
	assert_answer("start alpha", "it has not stopped\n");
	type("stop alpha\r");
	assert_answer("start alpha", "it has not stopped\n");
	leave(&parts[0]->vcpus[0]);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
	assert_answer("start alpha", "");
	fake_arch_clear_out();
	type("partitions\r");
	assert_said("alpha: starting, 2 vCPUs");
	fake_arch_run_call();
	assert_int_equal(nstopped, 1);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	map_pages(0, 5, 7);
	assert_answer("tce audit", "tce audit: 1 window, 7 live TCEs: clean\n");
	assert_int_equal(atomic_load(&parts[1]->state), PARTITION_RUNNING);
}

static bool no_start(struct partition *p)
{
	(void)p;
	return false;
}

static void test_start_when_the_machine_goes_off_is_refused(void **state)
{
	(void)state;
	stop(parts[0]);
	partition_on_starting = no_start;
	assert_answer("start alpha", "the machine is being switched off\n");
	partition_on_starting = NULL;
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
}

#define T(setup_fn, f) cmocka_unit_test_setup_teardown(f, setup_fn, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(setup_monitor, test_tilde_elsewhere_is_the_guests),
		T(setup_monitor, test_guests_own_reading_opens_it_too),
		T(setup_monitor, test_monitor_is_reached_past_a_deaf_guest),
		T(setup_monitor, test_slow_guest_loses_nothing),
		T(open_monitor, test_back_gives_the_input_to_the_guest),
		T(open_monitor, test_second_tilde_is_for_the_guest),
		T(open_monitor, test_one_line_each_tick),
		T(open_monitor, test_line_can_be_edited),
		T(open_monitor, test_long_line_is_cut_and_harmless),
		T(open_monitor, test_unknown_commands_get_a_line_of_help),
		T(open_monitor, test_help_names_every_command),
		T(open_monitor, test_list_shows_the_host),
		T(open_monitor, test_partitions_says_what_each_does),
		T(open_monitor, test_memory_is_told_by_use),
		T(open_monitor, test_map_shows_where_it_is_full),
		T(open_monitor, test_map_of_a_small_window_and_bypass),
		T(open_monitor, test_map_of_a_window_that_grows_meanwhile),
		T(open_monitor, test_walk_names_every_step),
		T(open_monitor, test_walk_names_the_failing_step),
		T(open_monitor, test_walk_takes_hexadecimal_only),
		T(open_monitor, test_audit_finds_what_is_planted),
		T(open_monitor, test_stop_ends_a_partition_in_order),
		T(open_monitor, test_monitor_itself_may_end_a_partition),
		T(open_monitor, test_reset_starts_it_again),
		T(open_monitor, test_start_brings_a_stopped_one_back),
		T(open_monitor, test_start_when_the_machine_goes_off_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
