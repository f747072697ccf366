// SPDX-License-Identifier: Apache-2.0
/*
 * The lists of steps by which partitions and their bridges come and go: the walk over a list of the
 * test's own; the two lists row by row; and what the hardware and arch/ see of a whole life, kept
 * by a recorder in front of both.
 */
#include "core/partition_parts.h"
#include "core/pci_regs.h"
#include "core/xics.h"
#include "tests/unit/audit_help.h"

#define DEV	 0x100u
#define NSTEPS	 5u
#define TEXT_END 512u

/* What happened, a word for each act. */
static char seen[TEXT_END];

static void note(const char *word)
{
	assert_true(strlen(seen) + strlen(word) + 2 < sizeof(seen));
	strcat(seen, seen[0] ? " " : "");
	strcat(seen, word);
}

/* --- the walk --- */

static unsigned int fails; /* the number of the step that fails, from 1; 0: none */

static int make_nth(const char *word, unsigned int nth)
{
	note(word);
	return fails == nth ? -EIO : 0;
}

static int make_a(struct partition *p, unsigned int n)
{
	assert_ptr_equal(p, parts[0]);
	assert_int_equal(n, 7);
	return make_nth("+a", 1);
}

static void undo_a(struct partition *p, unsigned int n)
{
	assert_ptr_equal(p, parts[0]);
	assert_int_equal(n, 7);
	note("-a");
}

static int make_b(struct partition *p, unsigned int n)
{
	(void)p;
	(void)n;
	return make_nth("+b", 2);
}

static int make_c(struct partition *p, unsigned int n)
{
	(void)p;
	(void)n;
	return make_nth("+c", 3);
}

static void undo_c(struct partition *p, unsigned int n)
{
	(void)p;
	(void)n;
	note("-c");
}

static void undo_d(struct partition *p, unsigned int n)
{
	(void)p;
	(void)n;
	note("-d");
}

static int make_e(struct partition *p, unsigned int n)
{
	(void)p;
	(void)n;
	return make_nth("+e", 5);
}

static const struct partition_step letters[NSTEPS] = {
	{"a", make_a, undo_a},
	{"b", make_b, NULL},
	{"c", make_c, undo_c},
	{"d", NULL, undo_d},
	{"e", make_e, NULL},
};

/* SEED-001.8: a failure unwinds from where it stood; what has no making is undone with the rest. */
static void test_walk_goes_back_the_way_it_came(void **state)
{
	static const struct {
		const char *seen, *failed;
	} cases[] = {
		{"+a +b +c +e", NULL},
		{"+a", "a"},
		{"+a +b -a", "b"},
		{"+a +b +c -a", "c"},
		{"+a +b +c +e", NULL},
		{"+a +b +c +e -d -c -a", "e"},
	};

	(void)state;
	for (fails = 0; fails <= NSTEPS; fails++) {
		const char *failed = NULL;
		int err;

		seen[0] = '\0';
		err = partition_make_steps(letters, NSTEPS, parts[0], 7, &failed);
		assert_string_equal(seen, cases[fails].seen);
		assert_int_equal(err, cases[fails].failed ? -EIO : 0);
		if (err) {
			assert_string_equal(failed, cases[fails].failed);
		}
	}
	seen[0] = '\0';
	partition_undo_steps(letters, NSTEPS, parts[0], 7);
	assert_string_equal(seen, "-d -c -a");
}

/* --- the lists, row by row --- */

struct counts {
	uint64_t mem, tables;
	unsigned int partitions, irqs, containers, groups, devices, nphbs;
	bool windows;
};

static struct counts count(void)
{
	struct counts c;

	memset(&c, 0, sizeof(c));
	c.mem = mem_free_bytes(&ram.pool);
	c.tables = parts[0]->tables.npages ? page_pool_used(&parts[0]->tables) : 0;
	c.partitions = fake_arch_live_partitions();
	c.irqs = fake_irq_in_use();
	c.nphbs = parts[0]->nphbs;
	c.windows = fake_phb_any_window(&fake);
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		c.containers += atomic_load(&vfio.containers[i].opened);
	}
	for (unsigned int i = 0; i < board.ngroups; i++) {
		c.groups += (vfio.groups[i].opened ? 1u : 0) + (vfio.groups[i].container ? 1u : 0);
		c.devices += vfio.groups[i].ndevices_open;
	}
	return c;
}

/* Every row alone and undone at once, on top of those before it. */
static void climb(const struct partition_step *steps, unsigned int nsteps, unsigned int n)
{
	for (unsigned int i = 0; i < nsteps; i++) {
		struct counts before = count(), after;

		assert_int_equal(steps[i].make ? steps[i].make(parts[0], n) : 0, 0);
		if (steps[i].undo) {
			steps[i].undo(parts[0], n);
			after = count();
			/* What is open, one that has only an undoing may close. */
			before.windows = steps[i].make ? before.windows : after.windows;
			if (memcmp(&before, &after, sizeof(before))) {
				fail_msg("%s: not as it was", steps[i].name);
			}
			assert_int_equal(steps[i].make ? steps[i].make(parts[0], n) : 0, 0);
		}
	}
}

/* SEED-000.16, SEED-001.7: whatever is counted is after each row's undoing what it was before. */
static void test_every_row_undoes_what_it_made(void **state)
{
	struct counts at_start;

	(void)state;
	build();
	partition_undo_steps(partition_steps, PARTITION_STEPS, parts[0], 0);
	at_start = count();
	/* Up to the bridges, which are made by their own list. */
	climb(partition_steps, 6, 0);
	assert_string_equal(partition_steps[6].name, "host bridges");
	parts[0]->nphbs = 1;
	climb(partition_phb_steps, PARTITION_PHB_STEPS, 0);
	partition_undo_steps(partition_phb_steps, PARTITION_PHB_STEPS, parts[0], 0);
	parts[0]->nphbs = 0;
	climb(partition_steps + 6, PARTITION_STEPS - 6, 0);
	partition_undo_steps(partition_steps, PARTITION_STEPS, parts[0], 0);
	struct counts at_end = count();

	assert_memory_equal(&at_start, &at_end, sizeof(at_start));
	assert_false(parts[0]->exposed);
}

/* --- the whole life, from outside --- */

static struct host_phb_ops ops;
static bool on;

/* The same act again says nothing new. */
static void record(const char *word)
{
	size_t len = strlen(seen), n = strlen(word);

	if (on && (len < n || strcmp(seen + len - n, word))) {
		note(word);
	}
}

static int rec_write(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	if (bdfn == DEV && off == PCI_COMMAND) {
		record(val & PCI_COMMAND_MASTER ? "master" : "quiet");
	}
	if (!bdfn && off == 0x3e && val & 0x40) {
		record("reset");
	}
	return fake_phb_ops.config_write(phb, bdfn, off, size, val);
}

static int rec_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	const size_t len = strlen(seen);

	/* The read behind it brings in what the device has posted. */
	if (bdfn == DEV && off == PCI_COMMAND && len >= 5 && !strcmp(seen + len - 5, "quiet")) {
		record("drain");
	}
	return fake_phb_ops.config_read(phb, bdfn, off, size, val);
}

static int rec_window_set(struct host_phb *phb, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t table_bytes, unsigned int levels, unsigned int page_shift)
{
	record("window");
	return fake_phb_ops.window_set(phb, pe, win, table, table_bytes, levels, page_shift);
}

static int rec_window_off(struct host_phb *phb, unsigned int pe, unsigned int win)
{
	record("off");
	return fake_phb_ops.window_off(phb, pe, win);
}

static int rec_tce_kill(struct host_phb *phb, unsigned int pe)
{
	record("kill");
	return fake_phb_ops.tce_kill(phb, pe);
}

static void start_recorded(void)
{
	ops = fake_phb_ops;
	ops.config_read = rec_read;
	ops.config_write = rec_write;
	ops.window_set = rec_window_set;
	ops.window_off = rec_window_off;
	ops.tce_kill = rec_tce_kill;
	board.phbs[0].ops = &ops;
	seen[0] = '\0';
	on = true;
	start();
	on = false;
}

static void record_end(enum partition_stop why)
{
	assert_int_equal(pci_config_write(&parts[0]->phbs[0].funcs[0], PCI_COMMAND, 2, 6), 0);
	seen[0] = '\0';
	on = true;
	partition_request_stop(parts[0], why);
	leave(&parts[0]->vcpus[0]);
	on = false;
}

#define MADE "off kill window quiet"
/* The function stopped, and what it has posted brought in; the same of the whole PE, its windows
 * off, its translations forgotten; the reset, and the host's registers put back; the function as it
 * was at first; the end of its windows; and the PE once more, as its group leaves the container. */
#define ENDED                               \
	"quiet drain quiet drain off kill " \
	"quiet drain reset quiet drain "    \
	"quiet drain quiet "                \
	"off kill "                         \
	"quiet drain off kill"

/* SEED-000.5, SEED-001.21, SEED-001.6, SEED-001.7, SEED-003.9, and design decision 16: attach never
 * resets; detach is closed before it resets; and a guest that starts again sees the one and then
 * the other. */
static void test_order_of_a_life(void **state)
{
	(void)state;
	start_recorded();
	assert_string_equal(seen, MADE);
	record_end(STOP_REBOOT);
	assert_string_equal(seen, ENDED " " MADE);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	record_end(STOP_POWER_OFF);
	assert_string_equal(seen, ENDED);
}

/* The lists as they are to be read. */
static void test_lists_have_their_order(void **state)
{
	static const char *const partition[PARTITION_STEPS] = {"memory", "table memory",
		"room for bridges", "scrub", "translation", "interrupts", "host bridges", "guest"};
	static const char *const bridge[PARTITION_PHB_STEPS] = {"its place", "container", "groups",
		"windows", "functions", "reset", "pins", "DMA", "bus masters and messages"};

	(void)state;
	for (unsigned int i = 0; i < PARTITION_STEPS; i++) {
		assert_string_equal(partition_steps[i].name, partition[i]);
	}
	for (unsigned int i = 0; i < PARTITION_PHB_STEPS; i++) {
		assert_string_equal(partition_phb_steps[i].name, bridge[i]);
	}
	assert_string_equal(partition_steps[PARTITION_KEPT].name, "scrub");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_walk_goes_back_the_way_it_came),
		T(test_lists_have_their_order),
		T(test_every_row_undoes_what_it_made),
		T(test_order_of_a_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
