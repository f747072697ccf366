// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_cpu.c: query-cpu-stopped-state, start-cpu, stop-self. The races are in
 * test_partition.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_phb.h"
#include "tests/unit/rtas_help.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NVCPUS	      3u
#define POOL_SIZE     0x200000u

static struct help_guest r;
static struct fake_ram ram;

static int setup(void **state)
{
	(void)state;
	help_init(&r);
	fake_ram_init(&ram, POOL_SIZE);
	r.part.nvcpus = NVCPUS;
	for (unsigned int i = 0; i < NVCPUS; i++) {
		r.part.vcpus[i].partition = &r.part;
		r.part.vcpus[i].id = i;
	}
	fake_irq_reset();
	assert_int_equal(arch_partition_init(&r.part, &ram.pool), 0);
	assert_int_equal(xics_init(&r.part), 0);
	partition_start(&r.part);
	fake_arch_clear_calls();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

static int32_t query(uint32_t cpu, int32_t *state)
{
	assert_int_equal(
		help_call(&r, help_token("query-cpu-stopped-state"), 1, 2, &cpu), H_SUCCESS);
	*state = (int32_t)help_ret(&r, 1, 1);
	return (int32_t)help_ret(&r, 1, 0);
}

static int32_t start(uint32_t cpu, uint32_t entry, uint32_t r3)
{
	const uint32_t args[] = {cpu, entry, r3};

	assert_int_equal(help_call(&r, help_token("start-cpu"), 3, 1, args), H_SUCCESS);
	assert_true(help_same_but(&r, HELP_ARGS + 24, 4));
	return (int32_t)help_ret(&r, 3, 0);
}

/* 0 stopped, 1 stopping, 2 running; the numbers are LoPAR's. */
static void test_query_tells_each_state(void **state)
{
	static const struct {
		enum vcpu_state is;
		int32_t told;
	} cases[] = {{VCPU_STOPPED, 0}, {VCPU_STOPPING, 1}, {VCPU_RUNNING, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int32_t told;

		r.part.vcpus[2].state = cases[i].is;
		assert_int_equal(query(2, &told), 0);
		assert_int_equal(told, cases[i].told);
		assert_true(help_same_but(&r, HELP_ARGS + 16, 8));
	}
}

static void test_query_of_no_vcpu_is_refused(void **state)
{
	static const uint32_t ids[] = {NVCPUS, PARTITION_MAX_VCPUS, 0x80000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		int32_t told;

		assert_int_equal(query(ids[i], &told), RTAS_PARAM_ERROR);
		assert_true(help_same_but(&r, HELP_ARGS + 16, 4));
	}
}

static void test_start_gives_the_thread_entry_and_r3(void **state)
{
	const struct fake_arch_call *call;
	int32_t told;

	(void)state;
	assert_int_equal(start(2, 0x8000, 0xfffffff2), 0);
	call = fake_arch_nth(FAKE_ARCH_VCPU_START, 0);
	assert_non_null(call);
	assert_ptr_equal(call->vcpu, &r.part.vcpus[2]);
	assert_int_equal(call->at.v, 0x8000);
	assert_true(call->tree.v == 0xfffffff2);
	assert_int_equal(r.part.running, 2);
	assert_int_equal(query(2, &told), 0);
	assert_int_equal(told, 2);
}

static void test_bad_start_changes_nothing(void **state)
{
	static const struct {
		uint32_t cpu, entry;
		int32_t want;
	} cases[] = {
		{0, 0x8000, RTAS_HARDWARE}, /* the caller itself */
		{NVCPUS, 0x8000, RTAS_PARAM_ERROR},
		{0xffffffff, 0x8000, RTAS_PARAM_ERROR},
		{1, 0x8002, RTAS_PARAM_ERROR},
		{1, 0x8001, RTAS_PARAM_ERROR},
		{1, HELP_MEM, RTAS_PARAM_ERROR},
		{1, 0xfffffffc, RTAS_PARAM_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(start(cases[i].cpu, cases[i].entry, 1), cases[i].want);
		assert_int_equal(fake_arch.ncalls, 0);
		assert_int_equal(r.part.running, 1);
	}
	assert_int_equal(start(1, HELP_MEM - 4, 1), 0);
	assert_int_equal(start(1, 0x8000, 1), RTAS_HARDWARE);
	assert_int_equal(fake_arch_count(FAKE_ARCH_VCPU_START), 1);
}

static enum hcall_next stop_self(struct vcpu *vcpu)
{
	const uint32_t words[] = {help_token("stop-self"), 0, 1};
	uint64_t regs[1 + HCALL_NARGS] = {H_RTAS, HELP_ARGS};

	help_poke(&r, HELP_ARGS, words, 3);
	fake_irq.running = vcpu;
	return hcall_dispatch(vcpu, regs, false, true);
}

/* Only the one that asks, and it can be started again when it is off its thread. */
static void test_stop_self_ends_one_vcpu(void **state)
{
	struct vcpu *vcpu = &r.part.vcpus[1];
	int32_t told;

	(void)state;
	assert_int_equal(start(1, 0x8000, 1), 0);
	assert_int_equal(stop_self(vcpu), HCALL_STOP);
	assert_true(partition_must_stop(vcpu));
	assert_false(partition_must_stop(&r.part.vcpus[0]));
	assert_int_equal(r.part.why, STOP_NONE);
	assert_int_equal(query(1, &told), 0);
	assert_int_equal(told, 1);
	assert_int_equal(start(1, 0x9000, 1), RTAS_HARDWARE);

	atomic_store(&vcpu->prodded, true);
	fake_arch_leave(vcpu);
	partition_vcpu_exited(vcpu);
	assert_int_equal(r.part.running, 1);
	assert_int_equal(query(1, &told), 0);
	assert_int_equal(told, 0);

	assert_int_equal(start(1, 0x9000, 7), 0);
	assert_false(partition_must_stop(vcpu));
	assert_false(atomic_load(&vcpu->prodded));
	assert_int_equal(fake_arch_nth(FAKE_ARCH_VCPU_START, 1)->at.v, 0x9000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_query_tells_each_state),
		TEST(test_query_of_no_vcpu_is_refused),
		TEST(test_start_gives_the_thread_entry_and_r3),
		TEST(test_bad_start_changes_nothing),
		TEST(test_stop_self_ends_one_vcpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
