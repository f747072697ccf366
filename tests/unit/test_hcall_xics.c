// SPDX-License-Identifier: Apache-2.0
/*
 * core/hcall_xics.c: registers of the interrupt calls, made through the table as a guest makes
 * them.
 */
#include "tests/unit/xics_help.h"

#include "core/hcall.h"
#include "tests/fake/fake_arch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED     0x7777777777777777u

static struct partition part;
static struct board board;
static uint64_t regs[1 + HCALL_NARGS];

static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	help_init(&part);
	part.board = &board;
	board.timebase_hz = 512000000;
	return 0;
}

static int64_t call(unsigned int vcpu, uint64_t opcode, uint64_t r4, uint64_t r5)
{
	for (size_t i = 3; i <= HCALL_NARGS; i++) {
		regs[i] = UNTOUCHED;
	}
	regs[0] = opcode;
	regs[1] = r4;
	regs[2] = r5;
	assert_int_equal(hcall_dispatch(help_on(&part, vcpu), regs, false, false), HCALL_RETURN);
	for (size_t i = 3; i <= HCALL_NARGS; i++) {
		assert_true(regs[i] == UNTOUCHED);
	}
	return (int64_t)regs[0];
}

static void expect_cppr(unsigned int vcpu, uint8_t cppr)
{
	assert_int_equal(part.vcpus[vcpu].server.cppr, cppr);
}

/* The sequence of Linux's boot, an interrupt and an IPI. */
static void test_linux_takes_an_interrupt_and_an_ipi(void **state)
{
	(void)state;
	assert_int_equal(call(0, 0x68, 0xff, UNTOUCHED), H_SUCCESS);
	assert_int_equal(xics_set(&part, MSI, 0, 5), 0);
	fake_irq_edge(HW_MSI);
	/* Its CPPR in r4 is not asked for. */
	assert_int_equal(call(0, 0x74, 0, UNTOUCHED), H_SUCCESS);
	assert_true(regs[1] == (0xff000000u | MSI));
	assert_true(regs[2] == UNTOUCHED);
	expect_cppr(0, 5);
	assert_int_equal(call(1, 0x6c, 0, 4), H_SUCCESS);
	assert_int_equal(call(0, 0x74, 5, UNTOUCHED), H_SUCCESS);
	assert_true(regs[1] == (0x05000000u | XICS_IPI));
	expect_cppr(0, 4);
	assert_int_equal(call(0, 0x6c, 0, 0xff), H_SUCCESS);
	assert_int_equal(call(0, 0x64, 0x05000000u | XICS_IPI, UNTOUCHED), H_SUCCESS);
	expect_cppr(0, 5);
	assert_int_equal(call(0, 0x64, 0xff000000u | MSI, UNTOUCHED), H_SUCCESS);
	expect_cppr(0, 0xff);
	assert_int_equal(call(0, 0x74, 0xff, UNTOUCHED), H_SUCCESS);
	assert_true(regs[1] == 0xff000000u);
	fake_irq_check(NULL);
}

static void test_xirr_x_says_when(void **state)
{
	static const struct {
		uint64_t ns, timebase;
	} cases[] = {
		{0, 0},
		{1000000000, 512000000},
		{3500000000, 1792000000},
		{125, 64},
		{10000000000000000, 5120000000000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_arch.now_ns = cases[i].ns;
		assert_int_equal(xics_ipi(&part, 2, 4), 0);
		assert_int_equal(call(2, 0x2fc, 0xff, UNTOUCHED), H_SUCCESS);
		assert_true(regs[1] == (0xff000000u | XICS_IPI));
		assert_true(regs[2] == cases[i].timebase);
		assert_int_equal(call(2, 0x64, regs[1], UNTOUCHED), H_SUCCESS);
	}
}

static void test_ipoll_answers_and_accepts_nothing(void **state)
{
	(void)state;
	assert_int_equal(call(3, 0x68, 5, UNTOUCHED), H_SUCCESS);
	assert_int_equal(call(0, 0x6c, 3, 6), H_SUCCESS);
	assert_int_equal(call(1, 0x70, 3, UNTOUCHED), H_SUCCESS);
	assert_true(regs[1] == 0x05000000 && regs[2] == 6);
	assert_int_equal(call(0, 0x6c, 3, 4), H_SUCCESS);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(call(1, 0x70, 3, UNTOUCHED), H_SUCCESS);
		assert_true(regs[1] == (0x05000000u | XICS_IPI) && regs[2] == 4);
		expect_cppr(3, 5);
	}
}

/* IR-08, and registers with more in them than their field. A refused call changes nothing. */
static void test_bad_arguments_are_refused(void **state)
{
	static const struct {
		uint64_t opcode, r4, r5;
	} cases[] = {
		{0x68, 0x100, UNTOUCHED},
		{0x68, UINT64_MAX, UNTOUCHED},
		{0x68, (uint64_t)1 << 32, UNTOUCHED},
		{0x64, 0xff000000u | (MSI + 10), UNTOUCHED},
		{0x64, 0xff000000u | HW_MSI, UNTOUCHED},
		{0x64, 0xffffffff, UNTOUCHED},
		{0x64, (uint64_t)1 << 32 | 0xff000000u | MSI, UNTOUCHED},
		{0x64, UINT64_MAX, UNTOUCHED},
		{0x6c, HELP_VCPUS, 4},
		{0x6c, (uint64_t)1 << 32, 4},
		{0x6c, UINT64_MAX, 4},
		{0x6c, 0, 0x100},
		{0x6c, 0, UINT64_MAX},
		{0x6c, 0, (uint64_t)1 << 32 | 4},
		{0x70, HELP_VCPUS, UNTOUCHED},
		{0x70, (uint64_t)1 << 32, UNTOUCHED},
	};

	(void)state;
	xics_set_cppr(help_on(&part, 0), 3);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (call(0, cases[i].opcode, cases[i].r4, cases[i].r5) != H_PARAMETER) {
			fail_msg("case %zu is not refused", i);
		}
		assert_true(regs[1] == cases[i].r4 && regs[2] == cases[i].r5);
		expect_cppr(0, 3);
		for (unsigned int v = 0; v < HELP_VCPUS; v++) {
			assert_int_equal(part.vcpus[v].server.mfrr, 0xff);
		}
	}
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_TRIGGER], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_linux_takes_an_interrupt_and_an_ipi, setup),
		cmocka_unit_test_setup(test_xirr_x_says_when, setup),
		cmocka_unit_test_setup(test_ipoll_answers_and_accepts_nothing, setup),
		cmocka_unit_test_setup(test_bad_arguments_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
