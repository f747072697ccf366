// SPDX-License-Identifier: Apache-2.0
/*
 * A partition whose device stops answering: who is told, and how often.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/msi_help.h"

static unsigned int count_in_log(const char *words)
{
	unsigned int n = 0;

	for (const char *at = strstr(fake_arch.out, words); at; at = strstr(at + 1, words)) {
		n++;
	}
	return n;
}

/* SEED-001.47, SEED-000.15: the error event is there from the attach on; one line names the
 * partition, once, and the monitor's list shows who is gone. */
static void test_partition_is_told_of_a_lost_function(void **state)
{
	struct vfio_device *d = help_part->bound[0].funcs[1].device;

	(void)state;
	assert_non_null(d->irqs.err.fn);
	assert_int_equal(count_in_log("is lost"), 0);
	host_pci_print(&help_board);
	assert_int_equal(count_in_log(" gone\n"), 0);
	fake_find_func(&help_phb, 0x101)->gone = true;
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(help_read(1, PCI_REVISION, 4), UINT32_MAX);
	}
	assert_int_equal(count_in_log("01:00.1 does not answer any more\n"), 1);
	assert_int_equal(count_in_log("alpha: its function 01:00.1 is lost\n"), 1);
	assert_int_equal(count_in_log("is lost"), 1);
	host_pci_print(&help_board);
	assert_int_equal(count_in_log(" gone\n"), 1);
	assert_int_equal(count_in_log("01:00.1 1234:11e9 class 000000 rev 00 gone\n"), 1);
	/* Its neighbour works on. */
	assert_int_equal(help_read(0, PCI_VENDOR_ID, 4), 0x11e81234);
}

/* Nobody listens for a partition that has let go of its devices. */
static void test_nobody_is_told_after_the_end(void **state)
{
	struct vfio_device *d = help_part->bound[0].funcs[1].device;

	(void)state;
	assert_true(partition_unbind_phbs(help_part));
	assert_int_equal(d->opened, 0);
	assert_null(d->irqs.err.fn);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_partition_is_told_of_a_lost_function),
		TEST(test_nobody_is_told_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
