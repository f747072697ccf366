// SPDX-License-Identifier: Apache-2.0
/*
 * core/hcall.c: which handler gets a call, with which arguments, and what the caller gets back. The
 * handlers are this file's own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"

#include <string.h>

static struct partition part;
static struct vcpu *const vcpu = &part.vcpus[0];

static struct {
	hcall_fn *fn; /* who was called; NULL: nobody */
	unsigned int ncalls;
	uint64_t args[HCALL_NARGS];
	/* What it is to do. */
	hret_t ret;
	bool writes;
	bool stops;
} handler;

static hret_t handle(hcall_fn *self, struct vcpu *v, uint64_t args[HCALL_NARGS])
{
	assert_ptr_equal(v, vcpu);
	handler.fn = self;
	handler.ncalls++;
	memcpy(handler.args, args, sizeof(handler.args));
	for (size_t i = 0; handler.writes && i < HCALL_NARGS; i++) {
		args[i] = 0xaaaa0000 + i;
	}
	if (handler.stops) {
		part.why = STOP_POWER_OFF;
	}
	return handler.ret;
}

#define HANDLER(name)                                           \
	hret_t name(struct vcpu *v, uint64_t args[HCALL_NARGS]) \
	{                                                       \
		return handle(name, v, args);                   \
	}

HANDLER(h_put_tce)
HANDLER(h_get_tce)
HANDLER(h_put_tce_indirect)
HANDLER(h_stuff_tce)
HANDLER(h_put_term_char)
HANDLER(h_get_term_char)
HANDLER(h_eoi)
HANDLER(h_cppr)
HANDLER(h_ipi)
HANDLER(h_ipoll)
HANDLER(h_xirr)
HANDLER(h_xirr_x)
HANDLER(h_set_mode)
HANDLER(h_register_proc_tbl)
HANDLER(h_get_cpu_characteristics)
HANDLER(h_register_vpa)
HANDLER(h_cede)
HANDLER(h_confer)
HANDLER(h_prod)
HANDLER(h_rtas)

static const struct {
	uint64_t opcode;
	hcall_fn *fn;
} calls[] = {
	{0x1c, h_get_tce},
	{0x20, h_put_tce},
	{0x54, h_get_term_char},
	{0x58, h_put_term_char},
	{0x138, h_stuff_tce},
	{0x13c, h_put_tce_indirect},
	{0x64, h_eoi},
	{0x68, h_cppr},
	{0x6c, h_ipi},
	{0x70, h_ipoll},
	{0x74, h_xirr},
	{0xdc, h_register_vpa},
	{0xe0, h_cede},
	{0xe4, h_confer},
	{0xe8, h_prod},
	{0x1c8, h_get_cpu_characteristics},
	{0x2fc, h_xirr_x},
	{0x31c, h_set_mode},
	{0x37c, h_register_proc_tbl},
	{0xf000, h_rtas},
};

#define NCALLS (sizeof(calls) / sizeof(calls[0]))

static uint64_t regs[1 + HCALL_NARGS], before[1 + HCALL_NARGS];

static void prepare(uint64_t opcode)
{
	regs[0] = opcode;
	for (size_t i = 1; i <= HCALL_NARGS; i++) {
		regs[i] = 0x1111111100000000u * i + 0xffff0000u + i;
	}
	memcpy(before, regs, sizeof(before));
	memset(&handler, 0, sizeof(handler));
	part.why = STOP_NONE;
	vcpu->state = VCPU_RUNNING;
}

static int setup(void **state)
{
	(void)state;
	vcpu->partition = &part;
	return 0;
}

static void expect_args_unchanged(void)
{
	assert_memory_equal(&regs[1], &before[1], sizeof(regs) - sizeof(regs[0]));
}

static void expect_status(hret_t ret)
{
	assert_true(regs[0] == (uint64_t)(int64_t)ret);
}

static void test_opcode_finds_its_handler(void **state)
{
	(void)state;
	for (size_t i = 0; i < NCALLS; i++) {
		prepare(calls[i].opcode);
		assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_RETURN);
		assert_int_equal(handler.ncalls, 1);
		assert_ptr_equal(handler.fn, calls[i].fn);
		assert_memory_equal(handler.args, &before[1], sizeof(handler.args));
		expect_status(H_SUCCESS);
		expect_args_unchanged();
	}
}

static bool is_known(uint64_t opcode)
{
	for (size_t i = 0; i < NCALLS; i++) {
		if (calls[i].opcode == opcode) {
			return true;
		}
	}
	return false;
}

static void expect_no_function(uint64_t opcode)
{
	prepare(opcode);
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_RETURN);
	if (handler.ncalls) {
		fail_msg("opcode %llx has a handler", (unsigned long long)opcode);
	}
	expect_status(H_FUNCTION);
	expect_args_unchanged();
}

/* HC-25 */
static void test_any_other_opcode_is_h_function(void **state)
{
	(void)state;
	for (uint64_t opcode = 0; opcode < 0x20000; opcode++) {
		if (!is_known(opcode)) {
			expect_no_function(opcode);
		}
	}
	expect_no_function(0xfffff0);
	for (size_t i = 0; i < NCALLS; i++) {
		for (unsigned int bit = 17; bit < 64; bit++) {
			expect_no_function(calls[i].opcode | (uint64_t)1 << bit);
		}
		expect_no_function(-calls[i].opcode);
		expect_no_function(calls[i].opcode << 32);
	}
	expect_no_function(UINT64_MAX);
	expect_no_function(UINT64_MAX - 3);
}

/* HC-26: decision 14, hcall from problem state. */
static void test_problem_state_is_h_privilege_and_nothing_is_executed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NCALLS; i++) {
		for (int sf32 = 0; sf32 <= 1; sf32++) {
			prepare(calls[i].opcode);
			assert_int_equal(hcall_dispatch(vcpu, regs, true, sf32), HCALL_RETURN);
			assert_int_equal(handler.ncalls, 0);
			expect_status(H_PRIVILEGE);
			expect_args_unchanged();
		}
	}
	prepare(0xfffff0);
	assert_int_equal(hcall_dispatch(vcpu, regs, true, false), HCALL_RETURN);
	expect_status(H_PRIVILEGE);
}

/* Decision 14, hcall from a 32-bit caller. */
static void test_32_bit_caller_has_opcode_and_arguments_masked(void **state)
{
	(void)state;
	for (size_t i = 0; i < NCALLS; i++) {
		prepare(calls[i].opcode | 0xdeadbeef00000000u);
		assert_int_equal(hcall_dispatch(vcpu, regs, false, true), HCALL_RETURN);
		assert_ptr_equal(handler.fn, calls[i].fn);
		for (size_t k = 0; k < HCALL_NARGS; k++) {
			assert_true(handler.args[k] == (uint32_t)before[1 + k]);
		}
		/* The status is the whole of r3, sign included. */
		expect_status(H_SUCCESS);
	}
	prepare(0xfffff0 | 0xdeadbeef00000000u);
	assert_int_equal(hcall_dispatch(vcpu, regs, false, true), HCALL_RETURN);
	expect_status(H_FUNCTION);
}

static void test_status_and_results_reach_the_caller(void **state)
{
	static const hret_t rets[] = {H_SUCCESS, H_BUSY, H_HARDWARE, H_FUNCTION, H_PRIVILEGE,
		H_PARAMETER, H_RESOURCE, H_NOT_ENOUGH_RESOURCES, H_P2, H_P3, H_P4,
		H_UNSUPPORTED_FLAG};

	(void)state;
	for (size_t i = 0; i < sizeof(rets) / sizeof(rets[0]); i++) {
		prepare(H_GET_TCE);
		handler.ret = rets[i];
		handler.writes = true;
		assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_RETURN);
		expect_status(rets[i]);
		for (size_t k = 0; k < HCALL_NARGS; k++) {
			assert_true(regs[1 + k] == 0xaaaa0000 + k);
		}
	}
	assert_true((uint64_t)(int64_t)H_NOT_ENOUGH_RESOURCES == UINT64_MAX - 43);
}

static void test_unfinished_call_is_repeated_with_r3_as_it_was(void **state)
{
	(void)state;
	for (int sf32 = 0; sf32 <= 1; sf32++) {
		prepare(H_STUFF_TCE | (sf32 ? 0xdeadbeef00000000u : 0));
		handler.ret = H_AGAIN_INTERNAL;
		handler.writes = true;
		assert_int_equal(hcall_dispatch(vcpu, regs, false, sf32), HCALL_REPEAT);
		assert_true(regs[0] == before[0]);
		for (size_t k = 0; k < HCALL_NARGS; k++) {
			assert_true(regs[1 + k] == 0xaaaa0000 + k);
		}
	}
}

static void test_stopping_partition_gets_no_answer(void **state)
{
	static const hret_t rets[] = {H_SUCCESS, H_PARAMETER, H_AGAIN_INTERNAL};

	(void)state;
	for (size_t i = 0; i < sizeof(rets) / sizeof(rets[0]); i++) {
		/* The call itself asks for the stop, as power-off does. */
		prepare(H_RTAS);
		handler.ret = rets[i];
		handler.stops = true;
		assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_STOP);
		assert_int_equal(handler.ncalls, 1);
		assert_true(regs[0] == before[0]);
	}
	/* Another vCPU did. */
	prepare(0xfffff0);
	part.why = STOP_CRASHED;
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_STOP);
	prepare(H_PUT_TCE);
	part.why = STOP_REBOOT;
	assert_int_equal(hcall_dispatch(vcpu, regs, true, false), HCALL_STOP);
	assert_int_equal(handler.ncalls, 0);
	/* This one alone, as stop-self does. */
	prepare(H_RTAS);
	vcpu->state = VCPU_STOPPING;
	assert_int_equal(hcall_dispatch(vcpu, regs, false, false), HCALL_STOP);
	assert_true(regs[0] == before[0]);
}

/* Decision 7: no error reads as success. */
static void test_errors_have_their_status(void **state)
{
	static const struct {
		int err;
		hret_t ret;
	} cases[] = {
		{0, H_SUCCESS},
		{-EINVAL, H_PARAMETER},
		{-EFAULT, H_PARAMETER},
		{-EIO, H_HARDWARE},
		{-ENODEV, H_HARDWARE},
		{-ENOMEM, H_NOT_ENOUGH_RESOURCES},
		{-ENOSPC, H_NOT_ENOUGH_RESOURCES},
		{-EBUSY, H_NOT_ENOUGH_RESOURCES},
		{-EEXIST, H_NOT_ENOUGH_RESOURCES},
		{-EPERM, H_NOT_ENOUGH_RESOURCES},
		{1, H_NOT_ENOUGH_RESOURCES},
		{-100000, H_NOT_ENOUGH_RESOURCES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(hcall_status(cases[i].err), cases[i].ret);
	}
	assert_int_equal(H_NOT_ENOUGH_RESOURCES, -44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_opcode_finds_its_handler, setup),
		cmocka_unit_test_setup(test_any_other_opcode_is_h_function, setup),
		cmocka_unit_test_setup(
			test_problem_state_is_h_privilege_and_nothing_is_executed, setup),
		cmocka_unit_test_setup(test_32_bit_caller_has_opcode_and_arguments_masked, setup),
		cmocka_unit_test_setup(test_status_and_results_reach_the_caller, setup),
		cmocka_unit_test_setup(test_unfinished_call_is_repeated_with_r3_as_it_was, setup),
		cmocka_unit_test_setup(test_stopping_partition_gets_no_answer, setup),
		cmocka_unit_test_setup(test_errors_have_their_status, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
