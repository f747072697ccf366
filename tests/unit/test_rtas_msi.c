// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_msi.c: ibm,change-msi and ibm,query-interrupt-source-number as a guest calls them.
 */
#include "tests/unit/msi_help.h"

#include "core/be.h"
#include "core/rtas.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BUID_HI	  0x08000000u
#define BUID_LO	  0x20000006u
#define ARGS	  0x4000u
#define UNWRITTEN 0x5a5a5a5au
#define MAX_MSIX  42

static uint32_t rets[4];

static uint32_t token_of(const char *name)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, name)) {
			return rtas_services[i].token;
		}
	}
	fail_msg("there is no %s", name);
	return 0;
}

/* The call's status; all results in rets. */
static int32_t call(const char *name, const uint32_t *args, uint32_t nargs, uint32_t nret)
{
	uint64_t regs[HCALL_NARGS] = {ARGS};
	be32_t words[16];
	uint8_t *at = help_part->mem.ptr + ARGS;

	words[0] = be32(token_of(name));
	words[1] = be32(nargs);
	words[2] = be32(nret);
	for (unsigned int i = 0; i < nargs; i++) {
		words[3 + i] = be32(args[i]);
	}
	for (unsigned int i = 0; i < nret; i++) {
		words[3 + nargs + i] = be32(UNWRITTEN);
	}
	memcpy(at, words, 4 * (3 + nargs + nret));
	assert_int_equal(h_rtas(&help_part->vcpus[0], regs), H_SUCCESS);
	memcpy(words, at, 4 * (3 + nargs + nret));
	for (unsigned int i = 0; i < nret; i++) {
		rets[i] = be32_get(words[3 + nargs + i]);
	}
	return (int32_t)rets[0];
}

static int32_t change(unsigned int func, uint32_t function, uint32_t n)
{
	const uint32_t args[] = {func << 8, BUID_HI, BUID_LO, function, n, 1};

	return call("ibm,change-msi", args, 6, 4);
}

static int32_t query(unsigned int func, uint32_t index)
{
	const uint32_t args[] = {func << 8, BUID_HI, BUID_LO, index};

	return call("ibm,query-interrupt-source-number", args, 4, 3);
}

static void assert_only_status(unsigned int nret)
{
	for (unsigned int i = 1; i < nret; i++) {
		assert_int_equal(rets[i], UNWRITTEN);
	}
}

/* Function, number; status, granted, type. */
static void test_changes_by_function_and_kind(void **state)
{
	static const struct {
		unsigned int func;
		uint32_t function, n;
		int32_t status;
		uint32_t granted, type;
	} cases[] = {
		{0, 1, 4, 0, 4, 1}, /* MSI is preferred */
		{0, 3, 4, 0, 4, 1},
		{0, 4, 4, 0, 4, 2},
		{1, 1, 4, 0, 4, 1},
		{1, 3, 8, 0, 8, 1},
		{0, 3, 32, 0, 32, 1},
		{0, 5, 32, 0, 32, 1},
		{0, 6, 4, 0, 4, 2},
		{0, 4, MAX_MSIX, 0, MAX_MSIX, 2},
		/* RT-12 */
		{0, 0, 1, -3, 0, 0},
		{0, 2, 1, -3, 0, 0},
		{0, 9, 1, -3, 0, 0},
		{0, UINT32_MAX, 1, -3, 0, 0},
		{1, 4, 1, -3, 0, 0},
		{2, 1, 1, -3, 0, 0},
		{2, 3, 1, -3, 0, 0},
		{2, 4, 1, -3, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		help_setup(state);
		if (change(cases[i].func, cases[i].function, cases[i].n) != cases[i].status) {
			fail_msg("case %zu: %d", i, (int32_t)rets[0]);
		}
		assert_int_equal(help_numbers(), cases[i].granted);
		if (cases[i].status) {
			assert_only_status(4);
		} else {
			assert_int_equal(rets[1], cases[i].granted);
			assert_int_equal(rets[2], 2);
			assert_int_equal(rets[3], cases[i].type);
		}
		help_teardown(state);
	}
}

/* RT-12: MSI of a function with MSI-X alone; RT-15: but what it has is released by any. */
static void test_msix_only_function(void **state)
{
	static const uint32_t functions[] = {1, 3, 4};

	(void)state;
	help_func(0)->msi.pos = 0;
	assert_int_equal(change(0, 3, 1), -3);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		assert_int_equal(change(0, 1, 2), 0);
		assert_int_equal(rets[3], 2);
		assert_int_equal(change(0, functions[i], 0), 0);
		assert_int_equal(rets[1], 0);
		assert_int_equal(rets[2], 2);
		assert_int_equal(help_numbers() + help_messages(), 0);
	}
}

/* A guest whose driver cannot have addresses above 4 GiB asks by other numbers, and reads one that
 * every form of the capabilities holds. */
static void test_address_is_below_4_gib(void **state)
{
	(void)state;
	assert_int_equal(change(0, 6, 3), 0);
	assert_int_equal(change(0, 5, 2), 0);
	assert_int_equal(change(0, 5, 0), 0);
	assert_int_equal(help_numbers() + help_messages(), 0);
	assert_true(PCI_MSI_ADDRESS > PCI_BUS_LAST && PCI_MSI_ADDRESS <= UINT32_MAX);
}

/* RT-14: the limit for an answer, and nothing taken; the limit itself is granted. */
static void test_too_many_get_the_limit_for_an_answer(void **state)
{
	static const struct {
		unsigned int func;
		uint32_t function, n, limit;
	} cases[] = {
		{0, 4, 4096, MAX_MSIX},
		{0, 4, MAX_MSIX + 1, MAX_MSIX},
		{0, 4, UINT32_MAX, MAX_MSIX},
		{0, 3, 33, 32},
		{1, 1, 9, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		help_setup(state);
		assert_int_equal(change(cases[i].func, cases[i].function, cases[i].n), 0);
		assert_int_equal(rets[1], cases[i].limit);
		assert_int_equal(help_numbers() + help_messages(), 0);
		assert_int_equal(help_phb.count[FAKE_MSI_SETUP], 0);
		assert_int_equal(query(cases[i].func, 0), -1);
		assert_int_equal(change(cases[i].func, cases[i].function, cases[i].limit), 0);
		assert_int_equal(rets[1], cases[i].limit);
		help_teardown(state);
	}
}

/* RT-15 */
static void test_release_of_nothing_is_an_error(void **state)
{
	static const uint32_t functions[] = {1, 3, 4};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		assert_int_equal(change(0, functions[i], 0), -1);
		assert_only_status(4);
	}
	assert_int_equal(change(0, 4, 3), 0);
	assert_int_equal(change(1, 3, 0), -1);
	assert_int_equal(change(0, 9, 0), -3);
	assert_int_equal(help_numbers(), 3);
	assert_int_equal(change(0, 4, 0), 0);
	assert_int_equal(change(0, 4, 0), -1);
}

/* RT-16: no room in the bridge: -1, and what there was is as it was. */
static void test_no_room_is_a_hardware_error(void **state)
{
	unsigned int first;

	(void)state;
	assert_int_equal(change(0, 4, 3), 0);
	assert_int_equal(
		vfio_get_msis(help_part->bound[0].funcs[0].device, HELP_MSIS - 4, 1, &first), 0);
	assert_int_equal(change(0, 4, 2), -1);
	assert_only_status(4);
	assert_int_equal(help_numbers(), 3);
	assert_int_equal(query(0, 2), 0);
	assert_int_equal(change(1, 3, 1), 0);
}

/* RT-17 */
static void test_numbers_are_told_of_what_was_granted(void **state)
{
	static const uint32_t bad[] = {4, 5, 0x80000000, UINT32_MAX};

	(void)state;
	assert_int_equal(query(0, 0), -1);
	assert_only_status(3);
	assert_int_equal(change(0, 4, 4), 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(query(0, i), 0);
		assert_int_equal(rets[1], XICS_MSI_FIRST + i);
		assert_int_equal(rets[2], 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(query(0, bad[i]), -1);
		assert_only_status(3);
	}
	assert_int_equal(query(1, 0), -1);
	assert_int_equal(change(0, 4, 0), 0);
	assert_int_equal(query(0, 0), -1);
}

/* A number is the guest's to use at once, and nothing of it comes before it is. */
static void test_numbers_are_sources_that_are_off(void **state)
{
	unsigned int server;
	uint8_t prio = 0;

	(void)state;
	assert_int_equal(change(1, 3, 1), 0);
	assert_int_equal(query(1, 0), 0);
	assert_int_equal(xics_get(help_part, rets[1], &server, &prio), 0);
	assert_int_equal(prio, 0xff);
	fake_irq_edge(HELP_HW);
	assert_int_equal(fake_irq_waiting(&help_part->vcpus[0]), 0);
}

/* Everything that names no function of the caller's. */
static void test_unknown_functions_are_bad_parameters(void **state)
{
	static const uint32_t bad[][3] = {
		{0x000, BUID_HI, BUID_LO + 1},
		{0x000, BUID_LO, BUID_HI},
		{0x000, 0, 0},
		{0x300, BUID_HI, BUID_LO},
		{0x800, BUID_HI, BUID_LO},
		{0x010000, BUID_HI, BUID_LO},
		{0x001, BUID_HI, BUID_LO}, /* a register */
		{0x0fc, BUID_HI, BUID_LO},
		{0x10000000, BUID_HI, BUID_LO},
		{0x01000000, BUID_HI, BUID_LO},
	};

	(void)state;
	assert_int_equal(change(0, 4, 2), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t args[] = {bad[i][0], bad[i][1], bad[i][2], 4, 1, 1};

		assert_int_equal(call("ibm,change-msi", args, 6, 4), -3);
		assert_only_status(4);
		args[3] = 0;
		assert_int_equal(call("ibm,query-interrupt-source-number", args, 4, 3), -3);
		assert_only_status(3);
	}
	assert_int_equal(help_numbers(), 2);
}

/* The older form: function 1, three results. */
static void test_short_form_has_no_type(void **state)
{
	static const uint32_t any[] = {0, BUID_HI, BUID_LO, 1, 4, 7};
	static const uint32_t msix[] = {0, BUID_HI, BUID_LO, 4, 4, 1};
	static const uint32_t none[] = {0, BUID_HI, BUID_LO, 1, 0, 1};

	(void)state;
	assert_int_equal(call("ibm,change-msi", msix, 6, 3), -3);
	assert_int_equal(help_numbers(), 0);
	assert_int_equal(call("ibm,change-msi", any, 6, 3), 0);
	assert_int_equal(rets[1], 4);
	assert_int_equal(rets[2], 8);
	assert_int_equal(help_func(0)->grant.kind, PCI_IRQ_MSI);
	assert_int_equal(call("ibm,change-msi", none, 6, 3), 0);
	assert_int_equal(help_numbers(), 0);
}

/* Another CPU inside the function: come again, with the sequence number as it was. */
static void test_busy_function_is_told_to_come_again(void **state)
{
	static const uint32_t args[] = {0, BUID_HI, BUID_LO, 4, 2, 0x41};

	(void)state;
	assert_true(pci_func_claim(help_func(0)));
	assert_int_equal(call("ibm,change-msi", args, 6, 4), -2);
	assert_int_equal(rets[1], 0);
	assert_int_equal(rets[2], 0x41);
	assert_int_equal(help_numbers(), 0);
	pci_func_yield(help_func(0));
	assert_int_equal(call("ibm,change-msi", args, 6, 4), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_by_function_and_kind),
		TEST(test_msix_only_function),
		TEST(test_address_is_below_4_gib),
		cmocka_unit_test(test_too_many_get_the_limit_for_an_answer),
		TEST(test_release_of_nothing_is_an_error),
		TEST(test_no_room_is_a_hardware_error),
		TEST(test_numbers_are_told_of_what_was_granted),
		TEST(test_numbers_are_sources_that_are_off),
		TEST(test_unknown_functions_are_bad_parameters),
		TEST(test_short_form_has_no_type),
		TEST(test_busy_function_is_told_to_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
