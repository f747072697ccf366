// SPDX-License-Identifier: Apache-2.0
/*
 * core/msi.c and core/vfio_msi.c: who gets which messages, all or nothing, and that what was given
 * back is quiet before it is anybody else's.
 */
#include "tests/unit/msi_help.h"

#include "core/be.h"
#include "core/mmio.h"

/* Under emulation, where the byte order is the question, fewer will do. */
#define ROUNDS (BE_HOST_IS_LITTLE ? 10000u : 1000u)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MSIX_FLAGS 0x62u
#define ENABLE_X   0x8000u
#define MASK_ALL   0x4000u

static void assert_holds(unsigned int messages, unsigned int numbers)
{
	assert_int_equal(help_messages(), messages);
	assert_int_equal(help_numbers(), numbers);
}

static uint32_t number_of(unsigned int func, uint32_t index)
{
	uint32_t number = 0;

	assert_int_equal(msi_number(help_func(func), index, &number), 0);
	return number;
}

static void set_mask(unsigned int v, bool masked)
{
	uint64_t val = masked;

	assert_int_equal(
		mmio_access(&help_part->vcpus[0], help_at(HELP_TABLE + 16 * v + 12), 4, true, &val),
		0);
}

/* What a driver does: memory on, MSI-X on with all masked, messages, vectors open, go. */
static void start_msix(unsigned int n)
{
	help_write(0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	help_write(0, MSIX_FLAGS, 2, ENABLE_X | MASK_ALL);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, n), 0);
	for (unsigned int v = 0; v < n; v++) {
		set_mask(v, false);
	}
	help_write(0, MSIX_FLAGS, 2, ENABLE_X);
}

/* --- limits --- */

static void test_limits_are_the_devices_and_the_share(void **state)
{
	static const struct {
		unsigned int msis, quota, max[3][2]; /* by function: MSI, MSI-X */
	} cases[] = {
		{128, 128, {{32, 42}, {8, 0}, {0, 0}}},
		{64, 64, {{16, 21}, {8, 0}, {0, 0}}},
		{3, 3, {{1, 1}, {1, 0}, {0, 0}}},
		{0, 0, {{0, 0}, {0, 0}, {0, 0}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)help_setup_with(cases[i].msis);
		assert_int_equal(msi_quota(help_part, 0), cases[i].quota);
		for (unsigned int k = 0; k < 3; k++) {
			const struct pci_func *f = help_func(k);

			assert_int_equal(msi_max(help_part, f, PCI_IRQ_MSI), cases[i].max[k][0]);
			assert_int_equal(msi_max(help_part, f, PCI_IRQ_MSIX), cases[i].max[k][1]);
			assert_int_equal(msi_max(help_part, f, PCI_IRQ_NONE), 0);
		}
		help_teardown(state);
	}
}

/* SEED-001.44, last part: the device is there, its capabilities are not. */
static void test_bridge_without_messages_hides_the_capabilities(void **state)
{
	(void)help_setup_with(0);
	assert_int_equal(help_read(0, PCI_CAP_PTR, 1), 0);
	assert_int_equal(help_read(1, PCI_CAP_PTR, 1), 0);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 1), -EINVAL);
	help_teardown(state);
}

static void test_what_is_not_there_is_refused(void **state)
{
	static const struct {
		unsigned int func, n;
		enum pci_irq_kind kind;
	} cases[] = {
		{0, 0, PCI_IRQ_MSIX},
		{0, 43, PCI_IRQ_MSIX},
		{0, UINT32_MAX, PCI_IRQ_MSIX},
		{0, 33, PCI_IRQ_MSI},
		{1, 1, PCI_IRQ_MSIX},
		{1, 9, PCI_IRQ_MSI},
		{2, 1, PCI_IRQ_MSI},
		{2, 1, PCI_IRQ_MSIX},
		{0, 1, PCI_IRQ_NONE},
	};
	unsigned int calls = help_phb.calls;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			msi_request(help_part, help_func(cases[i].func), cases[i].kind, cases[i].n),
			-EINVAL);
	}
	assert_int_equal(help_phb.calls, calls);
	assert_holds(0, 0);
}

/* --- delivery --- */

/* SEED-001.53, SEED-001.76: every vector arrives as its own message, and nobody else's is sent. */
static void test_each_vector_sends_its_message(void **state)
{
	(void)state;
	start_msix(5);
	assert_holds(5, 5);
	for (unsigned int v = 0; v < 5; v++) {
		uint32_t number = number_of(0, v);

		assert_true(fake_phb_fire_msix(&help_phb, 0x100, v));
		assert_int_equal(help_phb.msis[v], 1);
		assert_int_equal(number, XICS_MSI_FIRST + v);
		assert_int_equal(help_part->xics.msi[number - XICS_MSI_FIRST].hw, HELP_HW + v);
	}
	/* not granted: never open */
	set_mask(5, false);
	assert_false(fake_phb_fire_msix(&help_phb, 0x100, 5));
	assert_int_equal(help_phb.msis_dropped, 0);
}

/* SEED-001.53: with every vector masked the device's enable bit is set, and no message leaves. */
static void test_enable_follows_with_all_vectors_masked(void **state)
{
	const struct fake_func *f = fake_find_func(&help_phb, 0x100);

	(void)state;
	help_write(0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	help_write(0, MSIX_FLAGS, 2, ENABLE_X);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2) & ENABLE_X, 0); /* CF-09 */
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 8), 0);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2) & ENABLE_X, ENABLE_X);
	for (unsigned int v = 0; v < 8; v++) {
		assert_false(fake_phb_fire_msix(&help_phb, 0x100, v));
	}
	assert_int_equal(help_phb.msis[0] + help_phb.msis_dropped, 0);
}

/* SEED-001.56: 10^4 masks and unmasks call no firmware, and what came meanwhile comes after. */
static void test_masking_is_cheap_and_loses_nothing(void **state)
{
	unsigned int calls;

	(void)state;
	start_msix(4);
	calls = help_phb.calls;
	for (unsigned int i = 0; i < 10000; i++) {
		set_mask(2, true);
		assert_false(fake_phb_fire_msix(&help_phb, 0x100, 2));
		set_mask(2, false);
	}
	assert_int_equal(help_phb.msis[2], 10000);
	assert_int_equal(help_phb.calls, calls);
}

/* MSI: naturally aligned in the bridge and among the guest's numbers, the count a power of two. */
static void test_msi_blocks_are_aligned(void **state)
{
	static const struct {
		unsigned int n, block;
	} cases[] = {{1, 1}, {2, 2}, {3, 4}, {5, 8}, {32, 32}};

	(void)state;
	help_write(0, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	help_write(1, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	/* one in the way, at the front */
	assert_int_equal(msi_request(help_part, help_func(1), PCI_IRQ_MSI, 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pci_grant *g = &help_func(0)->grant;

		assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSI, cases[i].n), 0);
		assert_int_equal(g->message % cases[i].block, 0);
		assert_int_equal(g->number % cases[i].block, 0);
		assert_holds(1 + cases[i].block, 1 + cases[i].n);
		memset(help_phb.msis, 0, sizeof(help_phb.msis));
		for (unsigned int v = 0; v < cases[i].n; v++) {
			assert_true(fake_phb_fire_msi(&help_phb, 0x100, v));
			assert_int_equal(help_phb.msis[g->message + v], 1);
		}
	}
	assert_int_equal(help_phb.msis_dropped, 0);
	assert_true(fake_phb_fire_msi(&help_phb, 0x101, 0)); /* the 32-bit one */
	assert_int_equal(help_phb.msis[help_func(1)->grant.message], 1);
}

/* --- giving back --- */

/* RT-15 */
static void test_release_of_nothing_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(msi_release(help_part, help_func(0)), -ENOENT);
	start_msix(3);
	assert_int_equal(msi_release(help_part, help_func(1)), -ENOENT);
	assert_holds(3, 3);
	assert_int_equal(msi_release(help_part, help_func(0)), 0);
	assert_int_equal(msi_release(help_part, help_func(0)), -ENOENT);
	assert_holds(0, 0);
}

/* SEED-001.54: all freed, enable off as the guest reads it, nothing sent any more. */
static void test_release_closes_the_device_first(void **state)
{
	const struct fake_func *f = fake_find_func(&help_phb, 0x100);
	uint32_t number;

	(void)state;
	start_msix(8);
	assert_int_equal(msi_release(help_part, help_func(0)), 0);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2) & ENABLE_X, 0);
	assert_int_equal(help_read(0, MSIX_FLAGS, 2) & ENABLE_X, 0);
	for (unsigned int v = 0; v < HELP_VECTORS; v++) {
		assert_int_equal(help_entry(v, 12) & 1, 1);
		assert_false(fake_phb_fire_msix(&help_phb, 0x100, v));
	}
	assert_int_equal(msi_number(help_func(0), 0, &number), -ENOENT);
	assert_holds(0, 0);
}

/* RT-18: another count, and another kind, while the driver runs: the old ones are quiet. */
static void test_new_request_replaces_the_old(void **state)
{
	(void)state;
	start_msix(4);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 6), 0);
	assert_holds(6, 6);
	for (unsigned int v = 0; v < 4; v++) {
		assert_true(fake_phb_fire_msix(&help_phb, 0x100, v));
		assert_int_equal(help_phb.msis[v], 0);
		assert_int_equal(help_phb.msis[4 + v], 1);
	}
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSI, 2), 0);
	assert_holds(2, 2);
	assert_false(fake_phb_fire_msix(&help_phb, 0x100, 0));
	assert_true(fake_phb_fire_msi(&help_phb, 0x100, 1));
	assert_int_equal(help_phb.msis[1], 1);
}

/* RT-16, SEED-001.76: exhausted with blocks of every size, freed, and full again, 10^4 times. */
static void test_pool_is_exact(void **state)
{
	static const unsigned int sizes[] = {1, 2, 3, 5, 32};
	uint64_t full[BOARD_MAX_MSIS / 64];

	(void)state;
	memcpy(full, help_board.phbs[0].msi_used, sizeof(full));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int n = sizes[round % ARRAY_SIZE(sizes)], taken = 0;
		unsigned int first[HELP_MSIS], align = n == 3 ? 4 : n == 5 ? 8 : n;
		struct vfio_device *d = help_part->bound[0].funcs[0].device;

		while (!vfio_get_msis(d, n, round % 2 ? align : 1, &first[taken])) {
			assert_int_equal(round % 2 ? first[taken] % align : 0, 0);
			assert_in_range(first[taken], 0, HELP_MSIS - n);
			taken++;
		}
		assert_int_equal(taken, HELP_MSIS / (round % 2 ? align : n));
		assert_int_equal(help_messages(), taken * n);
		while (taken) {
			vfio_put_msis(d, first[--taken], n);
		}
		assert_memory_equal(full, help_board.phbs[0].msi_used, sizeof(full));
	}
}

static void test_bad_pool_requests_are_refused(void **state)
{
	struct vfio_device *d = help_part->bound[0].funcs[0].device;
	unsigned int first;

	(void)state;
	assert_int_equal(vfio_get_msis(d, 0, 1, &first), -EINVAL);
	assert_int_equal(vfio_get_msis(d, 1, 0, &first), -EINVAL);
	assert_int_equal(vfio_get_msis(d, 1, 3, &first), -EINVAL);
	assert_int_equal(vfio_get_msis(d, HELP_MSIS + 1, 1, &first), -ENOSPC);
	assert_int_equal(vfio_get_msis(d, UINT32_MAX, 1, &first), -ENOSPC);
	assert_int_equal(help_messages(), 0);
}

/* --- failing --- */

static void test_full_pool_leaves_what_there_was(void **state)
{
	unsigned int first;

	(void)state;
	start_msix(4);
	assert_int_equal(
		vfio_get_msis(help_part->bound[0].funcs[0].device, HELP_MSIS - 4 - 2, 1, &first),
		0);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 3), -ENOSPC);
	assert_int_equal(msi_request(help_part, help_func(1), PCI_IRQ_MSI, 4), -ENOSPC);
	assert_holds(HELP_MSIS - 2, 4);
	assert_true(fake_phb_fire_msix(&help_phb, 0x100, 3));
	assert_int_equal(help_phb.msis[3], 1);
	assert_int_equal(msi_request(help_part, help_func(1), PCI_IRQ_MSI, 2), 0);
}

/* No number left: the messages go back. */
static void test_numbers_used_up_leave_what_there_was(void **state)
{
	(void)state;
	start_msix(4);
	for (uint32_t i = 4; i < XICS_MSI_COUNT - 2; i++) {
		assert_int_equal(
			xics_add_source(help_part, XICS_MSI_FIRST + i, HELP_HW + 100, false), 0);
	}
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 3), -ENOSPC);
	assert_holds(4, XICS_MSI_COUNT - 2);
	assert_true(fake_phb_fire_msix(&help_phb, 0x100, 3));
}

/* IR-07: firmware fails at call k of a request for n, for all k. In the first half nothing has
 * changed; later the function holds nothing, and the device is quiet. */
static void fail_at(unsigned int k, enum pci_irq_kind kind, bool late, bool held)
{
	unsigned int calls = help_phb.count[FAKE_MSI_SETUP];
	int err;

	if (held) {
		start_msix(3);
		calls = help_phb.count[FAKE_MSI_SETUP];
	}
	help_phb.fail_late = late;
	help_phb.fail_msi_at = k;
	err = msi_request(help_part, help_func(0), kind, 4);
	help_phb.fail_msi_at = 0;
	assert_int_equal(err, -EIO);
	assert_int_equal(help_phb.count[FAKE_MSI_SETUP] - calls, k);
	if (held && k <= 4) {
		assert_holds(3, 3);
		assert_true(fake_phb_fire_msix(&help_phb, 0x100, 2));
		assert_int_equal(help_phb.msis[2], 1);
	} else {
		assert_holds(0, 0);
		assert_false(fake_phb_fire_msix(&help_phb, 0x100, 2));
		assert_false(fake_phb_fire_msi(&help_phb, 0x100, 0));
	}
	/* and all of it works again */
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 42), 0);
}

static void test_failure_at_every_vector_is_undone(void **state)
{
	static const struct {
		enum pci_irq_kind kind;
		unsigned int calls;
	} kinds[] = {{PCI_IRQ_MSIX, 8}, {PCI_IRQ_MSI, 5}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned int k = 1; k <= kinds[i].calls; k++) {
			for (unsigned int how = 0; how < 4; how++) {
				(void)help_setup_with(HELP_MSIS);
				fail_at(k, kinds[i].kind, how & 1, how & 2);
				help_teardown(state);
			}
		}
	}
}

/* Whatever config cycle fails: messages and numbers are exact, and a device that is gone holds
 * nothing that could be sent. */
static void test_failed_cycle_at_every_step_keeps_books_exact(void **state)
{
	for (unsigned int k = 1;; k++) {
		int err;

		(void)help_setup_with(HELP_MSIS);
		help_phb.fail_at = k;
		err = msi_request(help_part, help_func(0), PCI_IRQ_MSI, 4);
		assert_int_equal(help_messages(), help_func(0)->grant.nmessages);
		assert_int_equal(help_numbers(), help_func(0)->grant.n);
		if (err) {
			assert_holds(0, 0);
		}
		if (help_phb.fail_at) {
			help_teardown(state);
			break;
		}
		assert_int_equal(err == 0, help_func(0)->grant.n != 0);
		help_teardown(state);
	}
}

static void test_dead_device_gets_nothing(void **state)
{
	(void)state;
	start_msix(2);
	fake_find_func(&help_phb, 0x100)->gone = true;
	assert_int_equal(help_read(0, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 2), -EIO);
	assert_holds(0, 0);
	assert_int_equal(msi_release(help_part, help_func(0)), -ENOENT);
}

static void test_busy_function_is_to_be_tried_again(void **state)
{
	(void)state;
	assert_true(pci_func_claim(help_func(0)));
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 1), -EBUSY);
	assert_int_equal(msi_release(help_part, help_func(0)), -EBUSY);
	assert_holds(0, 0);
	pci_func_yield(help_func(0));
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 1), 0);
}

/* --- ownership and the end --- */

/* RT-17 of the numbers; SEED-001.57 */
static void test_only_granted_indexes_have_numbers(void **state)
{
	static const uint32_t bad[] = {4, 5, 2048, UINT32_MAX};
	uint32_t number = 0x5a;

	(void)state;
	assert_int_equal(msi_number(help_func(0), 0, &number), -ENOENT);
	start_msix(4);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(msi_number(help_func(0), bad[i], &number), -ENOENT);
	}
	assert_int_equal(number, 0x5a);
	assert_int_equal(number_of(0, 3), XICS_MSI_FIRST + 3);
}

/* Design decision 13: a message that another PE was given is dropped; so is a made-up one. */
static void test_messages_of_others_are_dropped(void **state)
{
	(void)state;
	start_msix(4);
	help_phb.pe_of_msi[1] = 7;
	assert_true(fake_phb_fire_msix(&help_phb, 0x100, 1));
	fake_phb_send(&help_phb, 0x100, PCI_MSI_ADDRESS, XICS_MSI_FIRST);
	fake_phb_send(&help_phb, 0x100, 0x1000000000000000 + (100 << 4), 0);
	assert_int_equal(help_phb.msis_dropped, 3);
	assert_int_equal(help_phb.msis[1], 0);
}

/* The level source of the pin, and INTx-disable as the guest says; none for a function without. */
static void test_intx_is_routed(void **state)
{
	const struct fake_func *f = fake_find_func(&help_phb, 0x100);

	(void)state;
	assert_true(help_part->xics.lsi[6 * 4].used);
	assert_int_equal(help_part->xics.lsi[6 * 4].hw, HELP_LSI_HW);
	assert_false(help_part->xics.lsi[6 * 4 + 1].used);
	assert_int_equal(fake_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF, 0);
	assert_int_equal(
		fake_get(fake_find_func(&help_phb, 0x101), PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF,
		PCI_COMMAND_INTX_OFF);
}

/* LC-05 of interrupts: the end gives back everything, and the next one starts closed. */
static void test_unbind_gives_everything_back(void **state)
{
	const struct fake_func *f = fake_find_func(&help_phb, 0x100);

	(void)state;
	start_msix(8);
	assert_int_equal(xics_set(help_part, number_of(0, 0), 1, 5), 0);
	assert_int_equal(xics_set(help_part, XICS_LSI_FIRST + 24, 0, 5), 0);
	assert_true(partition_unbind_phbs(help_part));
	assert_holds(0, 0);
	assert_false(help_part->xics.lsi[24].used);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2) & ENABLE_X, 0);
	assert_int_equal(fake_get(f, PCI_COMMAND, 2) & 0x0404, PCI_COMMAND_INTX_OFF);
	assert_int_equal(fake_arch.nmmio, 0);
	for (unsigned int v = 0; v < HELP_VECTORS; v++) {
		assert_int_equal(help_entry(v, 12) & 1, 1);
	}
	xics_exit(help_part);
	assert_int_equal(fake_irq_in_use(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_are_the_devices_and_the_share),
		cmocka_unit_test(test_bridge_without_messages_hides_the_capabilities),
		TEST(test_what_is_not_there_is_refused),
		TEST(test_each_vector_sends_its_message),
		TEST(test_enable_follows_with_all_vectors_masked),
		TEST(test_masking_is_cheap_and_loses_nothing),
		TEST(test_msi_blocks_are_aligned),
		TEST(test_release_of_nothing_changes_nothing),
		TEST(test_release_closes_the_device_first),
		TEST(test_new_request_replaces_the_old),
		TEST(test_pool_is_exact),
		TEST(test_bad_pool_requests_are_refused),
		TEST(test_full_pool_leaves_what_there_was),
		TEST(test_numbers_used_up_leave_what_there_was),
		cmocka_unit_test(test_failure_at_every_vector_is_undone),
		cmocka_unit_test(test_failed_cycle_at_every_step_keeps_books_exact),
		TEST(test_dead_device_gets_nothing),
		TEST(test_busy_function_is_to_be_tried_again),
		TEST(test_only_granted_indexes_have_numbers),
		TEST(test_messages_of_others_are_dropped),
		TEST(test_intx_is_routed),
		TEST(test_unbind_gives_everything_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
