// SPDX-License-Identifier: Apache-2.0
/*
 * core/init.c: a tree that cannot be read and a machine without a bundle both end in order, with
 * the reason said; and whole runs of partitions without devices, in memory that the test's own tree
 * describes. Each such run is a process of its own, since it fills what is there once a boot.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/board.h"
#include "core/irq.h"
#include "core/monitor.h"
#include "core/partition.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/dt_help.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB	  ((uint64_t)1 << 20)
#define RAM_SIZE  (128 * MIB)
#define BUNDLE_AT (96 * MIB) /* in it */

static unsigned int threads_started;
static int irq_result;
static bool ran;

void arch_board_init(struct board *b)
{
	b->pvr = 0x004e1202;
}

struct mem_range arch_image(void)
{
	return (struct mem_range){0x20000000, 0x60000};
}

uint64_t arch_low_memory(void)
{
	return 0x3000;
}

void arch_threads_start(struct board *b, struct mem_pool *pool)
{
	hpa_t at;

	threads_started++;
	/* Neither the image nor low memory may be handed out. */
	while (mem_alloc(pool, MEM_PAGE, MEM_PAGE, &at) == 0 && at.v < 0x100000) {
		assert_true(at.v >= 0x3000);
	}
	for (unsigned int i = 0; i < b->nthreads; i++) {
		b->threads[i].alive = true;
	}
}

int arch_irq_init(const struct board *b, struct mem_pool *pool)
{
	(void)b;
	(void)pool;
	return irq_result;
}

/* What the vCPUs do once all have been started. */
static void (*scenario)(void);

_Noreturn void arch_run(void)
{
	ran = true;
	if (scenario) {
		scenario();
	}
	longjmp(*fake_arch.power_off_to, 1);
}

/* core_main() until the machine is switched off. */
static void run(const void *tree)
{
	jmp_buf off;

	fake_arch_reset();
	fake_arch.power_off_to = &off;
	threads_started = 0;
	ran = false;
	if (setjmp(off) == 0) {
		core_main(tree);
	}
}

static void test_tree_that_cannot_be_read_ends_the_run(void **state)
{
	static const uint64_t nothing[8];

	(void)state;
	run(nothing);
	assert_non_null(strstr(fake_arch.out, "firmware's device tree cannot be read"));
	assert_non_null(strstr(fake_arch.out, "tcelot: finished: failed"));
	assert_int_equal(threads_started, 0);
	assert_false(ran);
}

static void test_machine_without_a_bundle_is_shown_and_ends(void **state)
{
	struct help_tree tree = help_compile("tests/data/host-powernv9.dts");
	int chosen = fdt_path_offset(tree.fdt, "/chosen");

	(void)state;
	assert_int_equal(fdt_delprop(tree.fdt, chosen, "linux,initrd-start"), 0);
	run(tree.fdt);
	assert_int_equal(threads_started, 1);
	assert_non_null(strstr(fake_arch.out, "memory: "));
	assert_non_null(strstr(fake_arch.out, "plan: there is no bundle"));
	assert_non_null(strstr(fake_arch.out, "finished: failed, there was no partition to run"));
	assert_false(ran);
	help_free(&tree);
}

/* A word by itself, wherever it is (SEED-001.78). */
static void test_debug_on_the_command_line_lowers_the_level(void **state)
{
	static const struct {
		const char *bootargs;
		bool debug;
	} cases[] = {{"", false}, {"debug", true}, {" quiet  debug ", true}, {"debug x", true},
		{"debugger", false}, {"nodebug", false}, {"debug=1 loglevel=debug", false}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct help_edit edits[] = {
			HELP_BYTES("/chosen", "bootargs", cases[i].bootargs,
				strlen(cases[i].bootargs) + 1),
			HELP_DELETE("/chosen", "linux,initrd-start")};
		struct help_tree plain = help_compile("tests/data/host-powernv9.dts");
		struct help_tree tree = help_edit(&plain, edits, 2);

		log_set_level(LOG_INFO);
		run(tree.fdt);
		assert_true(!strstr(fake_arch.out, "7] log: all of it") != cases[i].debug);
		help_free(&tree);
		help_free(&plain);
	}
	log_set_level(LOG_INFO);
}

static void test_unknown_interrupt_controller_is_said(void **state)
{
	struct help_tree tree = help_compile("tests/data/host-powernv9.dts");
	int chosen = fdt_path_offset(tree.fdt, "/chosen");

	(void)state;
	assert_int_equal(fdt_delprop(tree.fdt, chosen, "linux,initrd-start"), 0);
	irq_result = -ENOTSUP;
	run(tree.fdt);
	irq_result = 0;
	assert_non_null(strstr(fake_arch.out, "interrupts: no controller that can be used"));
	help_free(&tree);
}

/* --- whole runs --- */

static struct help_tree host, bundle;
static char *outcome; /* what the process that ran has logged */

static void put_cells(void *fdt, int node, const char *name, uint64_t a, uint64_t b)
{
	be64_t v[2] = {be64(a), be64(b)};

	assert_int_equal(fdt_setprop(fdt, node, name, v, b ? 16 : 8), 0);
}

/* The POWER9 with RAM_SIZE bytes of real memory, which this process has, and the bundle in it. */
static void make_host(uint8_t *ram)
{
	struct help_tree plain = help_compile("tests/data/host-powernv9.dts");
	static const struct help_edit edits[] = {
		HELP_DELETE("/memory@200000000000", NULL),
		HELP_DELETE("/chosen", "bootargs"),
	};
	void *room = malloc(plain.size + 8192);

	host = help_edit(&plain, edits, 2);
	assert_non_null(room);
	assert_int_equal(fdt_open_into(host.fdt, room, (int)(plain.size + 8192)), 0);
	help_free(&host);
	host.fdt = room;
	put_cells(room, fdt_path_offset(room, "/memory@0"), "reg", (uintptr_t)ram, RAM_SIZE);
	put_cells(room, fdt_path_offset(room, "/chosen"), "linux,initrd-start",
		(uintptr_t)ram + BUNDLE_AT, 0);
	put_cells(room, fdt_path_offset(room, "/chosen"), "linux,initrd-end",
		(uintptr_t)ram + BUNDLE_AT + bundle.size, 0);
	memcpy(ram + BUNDLE_AT, bundle.fdt, bundle.size);
	help_free(&plain);
}

static void add_partition(const char *name, uint32_t vcpus)
{
	/* One segment at 0x4000, entered at its start. */
	static const uint8_t kernel[0x200] = {[0] = 0x7f,
		'E',
		'L',
		'F',
		2,
		2,
		[17] = 2,
		[19] = 21,
		[30] = 0x40,
		[39] = 64,
		[55] = 56,
		[57] = 1,
		[67] = 1,
		[78] = 1,
		[86] = 0x40,
		[94] = 0x40,
		[102] = 1,
		[110] = 1};
	static const char initrd[] = "initrd";
	int node = fdt_path_offset(bundle.fdt, "/partitions");

	node = fdt_add_subnode(bundle.fdt, node, name);
	assert_true(node > 0);
	assert_int_equal(fdt_setprop_u32(bundle.fdt, node, "memory-mib", 16), 0);
	assert_int_equal(fdt_setprop_u32(bundle.fdt, node, "vcpus", vcpus), 0);
	assert_int_equal(fdt_setprop(bundle.fdt, node, "kernel", kernel, sizeof(kernel)), 0);
	assert_int_equal(fdt_setprop(bundle.fdt, node, "initrd", initrd, sizeof(initrd)), 0);
}

static void start_bundle(void)
{
	bundle.size = 16384;
	bundle.fdt = calloc(1, bundle.size);
	assert_non_null(bundle.fdt);
	assert_int_equal(fdt_create_empty_tree(bundle.fdt, (int)bundle.size), 0);
	assert_int_equal(fdt_setprop_string(bundle.fdt, 0, "compatible", "tcelot,plan"), 0);
	assert_true(fdt_add_subnode(bundle.fdt, 0, "partitions") > 0);
}

static void end_bundle(void)
{
	assert_int_equal(fdt_pack(bundle.fdt), 0);
	bundle.size = fdt_totalsize(bundle.fdt);
}

/* Runs them in a process of its own until the machine is off; the log is in outcome then. */
static void run_partitions(void (*what)(void))
{
	uint8_t *ram = mmap(NULL, RAM_SIZE + 2 * MIB, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pid_t child;
	int status;

	assert_true(ram != MAP_FAILED);
	outcome = mmap(NULL, FAKE_ARCH_OUT_MAX + 1, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true((void *)outcome != MAP_FAILED);
	make_host(ram + (2 * MIB - (uintptr_t)ram % (2 * MIB)));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		scenario = what;
		run(host.fdt);
		memcpy(outcome, fake_arch.out, FAKE_ARCH_OUT_MAX);
		help_free(&host);
		help_free(&bundle);
		exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	help_free(&host);
	help_free(&bundle);
	assert_int_equal(munmap(ram, RAM_SIZE + 2 * MIB), 0);
}

static void assert_outcome(const char *text)
{
	if (!strstr(outcome, text)) {
		fail_msg("no \"%s\" in:\n%s", text, outcome);
	}
}

static void forget_outcome(void)
{
	assert_int_equal(munmap(outcome, FAKE_ARCH_OUT_MAX + 1), 0);
}

/* The n-th vCPU that was started leaves, its partition for this reason. */
static void end_nth(unsigned int n, enum partition_stop why)
{
	const struct fake_arch_call *call = fake_arch_nth(FAKE_ARCH_VCPU_START, n);
	struct vcpu *vcpu = call ? call->vcpu : NULL;

	if (!vcpu) {
		exit(2);
	}
	partition_request_stop(vcpu->partition, why);
	fake_arch_leave(vcpu);
	partition_vcpu_exited(vcpu);
}

/* The first ends, is started again by hand, and both end: only then is the machine off. */
static void both_end_in_order(void)
{
	static const char keys[] = "\r~start alpha\r";

	end_nth(0, STOP_POWER_OFF);
	fake_arch_type(keys, sizeof(keys) - 1);
	for (unsigned int i = 0; i < 20; i++) {
		core_tick();
	}
	fake_arch_run_call();
	end_nth(1, STOP_POWER_OFF);
	if (fake_arch.powered_off) {
		exit(3);
	}
	end_nth(2, STOP_POWER_OFF);
	exit(4);
}

/* LC-04: the machine is off when the last partition has ended, and says that all did in order. */
static void test_partitions_run_and_end_in_order(void **state)
{
	(void)state;
	start_bundle();
	/* Subnodes are added in front. */
	add_partition("beta", 1);
	add_partition("alpha", 1);
	end_bundle();
	run_partitions(both_end_in_order);
	assert_outcome("hypervisor memory: ");
	assert_outcome("apart from it: guests 32768 KiB");
	assert_outcome("tce audit: ");
	assert_outcome("tcelot: finished: 2 partitions ended in order: ok");
	forget_outcome();
}

static void crash_the_first(void)
{
	end_nth(0, STOP_CRASHED);
	exit(4);
}

/* Two partitions' plans cannot be: the others run, and the end says what was not. */
static void test_what_is_wrong_with_one_stops_that_one(void **state)
{
	(void)state;
	start_bundle();
	add_partition("gamma", 0);
	add_partition("beta", 8);
	add_partition("alpha", 1);
	end_bundle();
	run_partitions(crash_the_first);
	assert_outcome("beta: vcpus: 8 wanted");
	assert_outcome("tcelot: finished: failed, 3 of 3 partitions did not end in order");
	forget_outcome();
}

/* No vCPU may have been started. */
static void must_not_run(void)
{
	exit(5);
}

/* A kernel that cannot be loaded is no partition, and without one there is nothing to run. */
static void test_no_partition_that_starts_ends_the_run(void **state)
{
	int node;

	(void)state;
	start_bundle();
	add_partition("alpha", 1);
	node = fdt_path_offset(bundle.fdt, "/partitions/alpha");
	assert_int_equal(fdt_setprop_string(bundle.fdt, node, "kernel", "no ELF file"), 0);
	end_bundle();
	run_partitions(must_not_run);
	assert_outcome("alpha: not started");
	assert_outcome("tcelot: finished: failed, 1 of 1 partitions did not end in order");
	forget_outcome();
}

static void test_bundle_that_is_no_tree_is_said(void **state)
{
	(void)state;
	bundle.size = 4096;
	bundle.fdt = calloc(1, bundle.size);
	assert_non_null(bundle.fdt);
	run_partitions(must_not_run);
	assert_outcome("plan: no partition can be read from the bundle");
	assert_outcome("tcelot: finished: failed, there was no partition to run");
	forget_outcome();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_that_cannot_be_read_ends_the_run),
		cmocka_unit_test(test_machine_without_a_bundle_is_shown_and_ends),
		cmocka_unit_test(test_debug_on_the_command_line_lowers_the_level),
		cmocka_unit_test(test_unknown_interrupt_controller_is_said),
		cmocka_unit_test(test_partitions_run_and_end_in_order),
		cmocka_unit_test(test_what_is_wrong_with_one_stops_that_one),
		cmocka_unit_test(test_no_partition_that_starts_ends_the_run),
		cmocka_unit_test(test_bundle_that_is_no_tree_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
