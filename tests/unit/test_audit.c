// SPDX-License-Identifier: Apache-2.0
/*
 * core/audit.c over the strict PHB model: it is silent about what is right, and finds every kind of
 * wrong that is planted behind the program's back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_spapr_parts.h" /* a container's windows are nobody else's to change */
#include "tests/unit/audit_help.h"

static void print(const char *line)
{
	arch_console_write(line, strlen(line));
	arch_console_write("\n", 1);
}

/* The whole of what an audit says now. */
static void assert_audit(const char *want)
{
	fake_arch_clear_out();
	assert_int_equal(audit_run(&scope, print), strstr(want, "clean") != NULL);
	assert_string_equal(fake_arch.out, want);
}

static uint64_t host_of(const struct partition *p, uint64_t gpa_at)
{
	return p->mem.host.v + gpa_at;
}

static void test_running_partitions_are_clean(void **state)
{
	(void)state;
	start();
	assert_audit("tce audit: 1 window, 0 live TCEs: clean\n");
	map_pages(0, 5, 1);
	assert_audit("tce audit: 1 window, 1 live TCE: clean\n");
	map_pages(0x3ff0, 0xff0, 16); /* the last pages of window and memory */
	assert_audit("tce audit: 1 window, 17 live TCEs: clean\n");
}

static void test_bypass_window_is_audited_too(void **state)
{
	(void)state;
	plans[0].phbs[0].bypass = true;
	start();
	assert_audit("tce audit: 2 windows, 8 live TCEs: clean\n");
	plant(1, 7, host_of(parts[0], GUEST_SIZE) | 1);
	fake_arch_clear_out();
	assert_false(audit_run(&scope, print));
	assert_said("tce audit: alpha: CXGB3: a TCE leaves the owner's memory at "
		    "0x800000000e00000: 0x2");
	assert_said("tce audit: 2 windows, 8 live TCEs: 1 VIOLATION\n");
}

/* Every way out of a partition's memory by one page, and where each is seen. */
static void test_tce_outside_the_owners_memory_is_found(void **state)
{
	uint64_t wrong[5];

	(void)state;
	start();
	wrong[0] = 0;
	wrong[1] = host_of(parts[0], 0) - 0x1000;
	wrong[2] = host_of(parts[0], GUEST_SIZE);
	wrong[3] = host_of(parts[1], 0x5000);
	wrong[4] = 0x0ffffffffffff000;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (uint64_t perm = 1; perm <= 3; perm++) {
			plant(0, 0x3fff, wrong[i] | perm);
			fake_arch_clear_out();
			assert_false(audit_run(&scope, print));
			assert_said("alpha: CXGB3: a TCE leaves the owner's memory at 0x3fff000: ");
			assert_said("tce audit: 1 window, 1 live TCE: 1 VIOLATION\n");
		}
		/* Without a permission the hardware does not look at the rest. */
		plant(0, 0x3fff, wrong[i]);
		assert_audit("tce audit: 1 window, 0 live TCEs: clean\n");
	}
}

static void test_violations_are_counted_and_not_all_told(void **state)
{
	unsigned int lines = 0;

	(void)state;
	start();
	for (uint64_t i = 0; i < 100; i++) {
		plant(0, i, 3);
	}
	fake_arch_clear_out();
	assert_false(audit_run(&scope, print));
	assert_said("tce audit: 1 window, 100 live TCEs: 100 VIOLATIONS\n");
	for (const char *p = fake_arch.out; *p; p++) {
		lines += *p == '\n';
	}
	assert_int_equal(lines, AUDIT_MAX_LINES + 1);
}

static struct spapr_window *window(unsigned int win)
{
	return &((struct spapr *)parts[0]->bound[0].container->data)->windows[win];
}

static void test_overlapping_windows_are_found(void **state)
{
	unsigned int slot;

	(void)state;
	start();
	assert_int_equal(ddw_create(&parts[0]->bound[0].ddw, 12, 24, &slot), 0);
	assert_audit("tce audit: 2 windows, 0 live TCEs: clean\n");
	window(1)->start = WINDOW - 0x1000;
	assert_audit("tce audit: alpha: CXGB3: two windows overlap at 0x3fff000: 0x0\n"
		     "tce audit: 2 windows, 0 live TCEs: 1 VIOLATION\n");
	window(1)->start = WINDOW;
	assert_audit("tce audit: 2 windows, 0 live TCEs: clean\n");
	window(1)->start = BYPASS;
}

static void test_table_in_a_guests_memory_is_found(void **state)
{
	hpa_t at;

	(void)state;
	start();
	at = parts[0]->tables.base;
	for (unsigned int i = 0; i < 2; i++) {
		parts[0]->tables.base = hpa(host_of(parts[i], GUEST_SIZE - 0x1000));
		fake_arch_clear_out();
		assert_false(audit_run(&scope, print));
		assert_said("alpha: CXGB3: a guest's memory has the table of the window at 0x0: ");
	}
	parts[0]->tables.base = at;
	assert_audit("tce audit: 1 window, 0 live TCEs: clean\n");
}

static void test_nothing_is_left_of_a_stopped_partition(void **state)
{
	(void)state;
	start();
	map_pages(0, 5, 7);
	stop(parts[0]);
	assert_audit("tce audit: 0 windows, 0 live TCEs: clean\n");
	board.groups[0].closed = false;
	assert_audit("tce audit: alpha: it has stopped, and a group is not closed at 0x0: 0x0\n"
		     "tce audit: 0 windows, 0 live TCEs: 1 VIOLATION\n");
	board.groups[0].closed = true;
	vfio.groups[0].opened = true;
	assert_audit("tce audit: alpha: it has stopped, and still has a group at 0x0: 0x0\n"
		     "tce audit: 0 windows, 0 live TCEs: 1 VIOLATION\n");
	vfio.groups[0].opened = false;
	stop(parts[1]);
	assert_audit("tce audit: 0 windows, 0 live TCEs: clean\n");
}

/* Somebody starts alpha again as soon as the first thing of it has been said. */
static void print_and_start(const char *line)
{
	print(line);
	atomic_store(&parts[0]->state, PARTITION_STARTING);
}

/* What a partition takes that is being started meanwhile is no violation. */
static void test_start_meanwhile_is_no_violation(void **state)
{
	(void)state;
	start();
	stop(parts[0]);
	vfio.groups[0].opened = true;
	board.groups[0].closed = false;
	fake_arch_clear_out();
	assert_false(audit_run(&scope, print_and_start));
	assert_said("still has a group at 0x0");
	assert_not_said("not closed");
	assert_said(" 1 VIOLATION\n");

	atomic_store(&parts[0]->state, PARTITION_STOPPED);
	vfio.groups[0].opened = false;
	board.groups[0].closed = true;
	vfio.containers[0].ngroups = vfio.containers[1].ngroups = 1;
	fake_arch_clear_out();
	assert_false(audit_run(&scope, print_and_start));
	assert_said("a container is nobody's at 0x0");
	assert_not_said("nobody's at 0x1");
	vfio.containers[0].ngroups = vfio.containers[1].ngroups = 0;
}

static void test_container_without_an_owner_is_found(void **state)
{
	struct page_pool pages = {.npages = 0};
	struct vfio_container *c;
	struct vfio_group *g;

	(void)state;
	start();
	stop(parts[0]);
	assert_int_equal(page_pool_init(&pages, &ram.pool, 0x10000), 0);
	assert_int_equal(vfio_open_container(&vfio, &pages, &c), 0);
	assert_int_equal(vfio_open_group(&vfio, 0, (struct vfio_owner){"audit", "none"}, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	fake_arch_clear_out();
	assert_false(audit_run(&scope, print));
	assert_said("tce audit: a container is nobody's at 0x0: 0x1\n");
	assert_int_equal(vfio_close_group(g), 0);
	vfio_put_container(c);
}

/* Whose vCPUs have all left is being taken apart by somebody: its tables may be gone. */
static void test_partition_on_its_way_is_passed_over(void **state)
{
	(void)state;
	build();
	assert_audit(
		"tce audit: 0 windows, 0 live TCEs: clean (2 on the way up or down, not looked "
		"at)\n");
	partition_start(parts[0]);
	partition_start(parts[1]);
	atomic_store(&parts[0]->running, 0);
	plant(0, 1, 3);
	assert_audit(
		"tce audit: 0 windows, 0 live TCEs: clean (1 on the way up or down, not looked "
		"at)\n");
	fake_arch_clear_out();
	assert_false(audit_run_one(&scope, parts[0], print));
	assert_said("alpha: tce audit: 1 window, 1 live TCE: 1 VIOLATION\n");
}

static void test_slices_say_the_same_as_one_piece(void **state)
{
	static const uint64_t slices[] = {1, 63, 64, 65, 4096, 16383, 16384, 16385, 1u << 20};
	struct audit a;

	(void)state;
	plans[0].phbs[0].bypass = true;
	start();
	map_pages(0x1ff0, 5, 32);
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		unsigned int steps = 0;

		fake_arch_clear_out();
		audit_begin(&a, &scope, print);
		while (!audit_step(&a, slices[i])) {
			assert_true(++steps < 20000);
		}
		assert_string_equal(fake_arch.out, "tce audit: 2 windows, 40 live TCEs: clean\n");
		assert_true(steps >= 1024 / slices[i]);
	}
}

/* Everything may have changed between two slices. */
static void test_partition_may_stop_between_slices(void **state)
{
	struct audit a;

	(void)state;
	start();
	map_pages(0, 5, 7);
	fake_arch_clear_out();
	audit_begin(&a, &scope, print);
	assert_false(audit_step(&a, 100));
	stop(parts[0]);
	fake_arch_clear_out();
	while (!audit_step(&a, 100)) {
	}
	assert_string_equal(fake_arch.out, "tce audit: 1 window, 7 live TCEs: clean\n");
}

/* The last to leave takes it apart, whoever that is; until then all of it is there. */
static void test_visit_keeps_a_partition_from_being_taken_apart(void **state)
{
	(void)state;
	start();
	assert_true(audit_visit(parts[0]));
	assert_true(audit_visit(parts[0]));
	stop(parts[0]);
	assert_int_equal(nstopped, 0);
	assert_true(fake_phb_any_window(&fake));
	audit_leave(parts[0]);
	assert_int_equal(nstopped, 0);
	audit_leave(parts[0]);
	assert_int_equal(nstopped, 0);
	assert_true(fake_phb_any_window(&fake));
	fake_arch_run_call();
	assert_int_equal(nstopped, 1);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_STOPPED);
	assert_false(fake_phb_any_window(&fake));
	assert_false(audit_visit(parts[0]));
}

/* A visit that came while the end was waiting for its thread is waited for, and ends it then. */
static void test_visit_before_the_end_has_begun_is_waited_for(void **state)
{
	(void)state;
	start();
	assert_true(audit_visit(parts[0]));
	stop(parts[0]);
	audit_leave(parts[0]);
	assert_true(audit_visit(parts[0]));
	fake_arch_run_call();
	assert_int_equal(nstopped, 0);
	assert_true(fake_phb_any_window(&fake));
	audit_leave(parts[0]);
	fake_arch_run_call();
	assert_int_equal(nstopped, 1);
	assert_false(fake_phb_any_window(&fake));
}

static void test_end_of_a_visit_may_start_it_again(void **state)
{
	(void)state;
	start();
	assert_true(audit_visit(parts[0]));
	partition_request_stop(parts[0], STOP_REBOOT);
	leave(&parts[0]->vcpus[0]);
	audit_leave(parts[0]);
	fake_arch_run_call();
	assert_int_equal(nstopped, 0);
	assert_int_equal(atomic_load(&parts[0]->state), PARTITION_RUNNING);
	assert_int_equal(atomic_load(&parts[0]->running), 1);
	assert_audit("tce audit: 1 window, 0 live TCEs: clean\n");
}

static void test_visit_leaves_no_trace_while_it_runs(void **state)
{
	(void)state;
	start();
	assert_true(audit_visit(parts[0]));
	audit_leave(parts[0]);
	assert_int_equal(atomic_load(&parts[0]->running), 1);
	assert_int_equal(atomic_load(&parts[0]->vcpus[0].state), VCPU_RUNNING);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_running_partitions_are_clean),
		T(test_bypass_window_is_audited_too),
		T(test_tce_outside_the_owners_memory_is_found),
		T(test_violations_are_counted_and_not_all_told),
		T(test_overlapping_windows_are_found),
		T(test_table_in_a_guests_memory_is_found),
		T(test_nothing_is_left_of_a_stopped_partition),
		T(test_start_meanwhile_is_no_violation),
		T(test_container_without_an_owner_is_found),
		T(test_partition_on_its_way_is_passed_over),
		T(test_slices_say_the_same_as_one_piece),
		T(test_partition_may_stop_between_slices),
		T(test_visit_keeps_a_partition_from_being_taken_apart),
		T(test_visit_before_the_end_has_begun_is_waited_for),
		T(test_end_of_a_visit_may_start_it_again),
		T(test_visit_leaves_no_trace_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
