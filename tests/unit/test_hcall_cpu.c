// SPDX-License-Identifier: Apache-2.0
/*
 * core/hcall_cpu.c: modes, process table, shared areas, waiting and waking. Every call is made
 * through hcall_dispatch as a guest makes it, and a refused one must have asked nothing of arch/.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/rtas_help.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NVCPUS	      4u

static struct help_guest r;
static struct board board;
static struct vcpu *const self = &r.part.vcpus[1];

static int setup(void **state)
{
	(void)state;
	help_init(&r);
	memset(&board, 0, sizeof(board));
	r.part.board = &board;
	r.part.nvcpus = NVCPUS;
	for (unsigned int i = 0; i < NVCPUS; i++) {
		r.part.vcpus[i].partition = &r.part;
		r.part.vcpus[i].id = i;
		r.part.vcpus[i].state = VCPU_RUNNING;
	}
	memcpy(r.before, r.mem, sizeof(r.mem));
	return 0;
}

static uint64_t regs[1 + HCALL_NARGS];

static hret_t hcall(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t in[1 + HCALL_NARGS] = {op, a, b, c, d, 5, 6, 7, 8, 9};

	memcpy(regs, in, sizeof(regs));
	assert_int_equal(hcall_dispatch(self, regs, false, false), HCALL_RETURN);
	/* None of these calls writes to the guest's memory. */
	assert_true(help_same_but(&r, 0, 0));
	return (hret_t)regs[0];
}

static void expect_one_call(enum fake_arch_op op, uint64_t value)
{
	assert_int_equal(fake_arch.ncalls, 1);
	assert_int_equal(fake_arch.calls[0].op, op);
	assert_ptr_equal(fake_arch.calls[0].partition, &r.part);
	assert_true(fake_arch.calls[0].value == value);
}

static void test_codes_are_those_of_the_specification(void **state)
{
	(void)state;
	assert_int_equal(H_RESOURCE, -16);
	assert_int_equal(H_P2, -55);
	assert_int_equal(H_P3, -56);
	assert_int_equal(H_P4, -57);
	assert_int_equal(H_UNSUPPORTED_FLAG, -256);
}

static void test_set_mode(void **state)
{
	static const struct {
		uint64_t flags, resource, value1, value2;
		hret_t want;
		enum fake_arch_op op;
		uint64_t value;
	} cases[] = {
		{0, 3, 0, 0, H_SUCCESS, FAKE_ARCH_SET_AIL, 0},
		{3, 3, 0, 0, H_SUCCESS, FAKE_ARCH_SET_AIL, 3},
		{1, 3, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{2, 3, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{4, 3, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{0x100000003, 3, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{3, 3, 1, 0, H_P3, 0, 0},
		{3, 3, 0, 1, H_P4, 0, 0},
		{0, 4, 0, 0, H_SUCCESS, FAKE_ARCH_SET_LITTLE, 0},
		{1, 4, 0, 0, H_SUCCESS, FAKE_ARCH_SET_LITTLE, 1},
		{2, 4, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{UINT64_MAX, 4, 0, 0, H_UNSUPPORTED_FLAG, 0, 0},
		{1, 4, 1, 0, H_P3, 0, 0},
		{1, 4, 0, UINT64_MAX, H_P4, 0, 0},
		/* CIABR, DAWR0, DAWR1 and what there never was */
		{0, 1, 0, 0, H_P2, 0, 0},
		{0, 2, 0, 0, H_P2, 0, 0},
		{0, 5, 0, 0, H_P2, 0, 0},
		{0, 0, 0, 0, H_P2, 0, 0},
		{0, 6, 0, 0, H_P2, 0, 0},
		{0, UINT64_MAX, 0, 0, H_P2, 0, 0},
		{3, 0x100000003, 0, 0, H_P2, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		assert_int_equal(hcall(H_SET_MODE, cases[i].flags, cases[i].resource,
					 cases[i].value1, cases[i].value2),
			cases[i].want);
		if (cases[i].want == H_SUCCESS) {
			expect_one_call(cases[i].op, cases[i].value);
			assert_ptr_equal(fake_arch.calls[0].vcpu, self);
		} else {
			assert_int_equal(fake_arch.ncalls, 0);
		}
	}
}

#define GR 0x8000000000000000u

/* The guest has 64 KiB: HELP_MEM. */
static void test_register_proc_tbl(void **state)
{
	static const struct {
		uint64_t flags, base, page_size, size;
		hret_t want;
		uint64_t entry;
	} cases[] = {
		{0x1d, 0x8000, 0, 3, H_SUCCESS, GR | 0x8000 | 3},
		{0x1c, 0x8000, 0, 3, H_SUCCESS, GR | 0x8000 | 3},
		{0x1d, 0, 0, 4, H_SUCCESS, GR | 4}, /* all of RAM */
		{0x1d, 0xf000, 0, 0, H_SUCCESS, GR | 0xf000},
		{0x10, 0, 0, 0, H_SUCCESS, 0},
		{0x10, 0x123, 4, 99, H_SUCCESS, 0}, /* nothing else counts */
		{0x1d, 0x8000, 0, 4, H_P4, 0},	    /* the end is outside */
		{0x1d, 0xf000, 0, 1, H_P4, 0},
		{0x1d, 0, 0, 5, H_P4, 0},
		{0x1d, 0, 0, 24, H_P4, 0},
		{0x1d, 0, 0, 25, H_P4, 0},
		{0x1d, 0, 0, 52, H_P4, 0}, /* 2^64 */
		{0x1d, 0, 0, 64, H_P4, 0},
		{0x1d, 0, 0, UINT64_MAX, H_P4, 0},
		{0x1d, 0x8000, 1, 0, H_P3, 0},
		{0x1d, 0x10000, 0, 0, H_P2, 0}, /* the first byte past RAM */
		{0x1d, 0x8800, 0, 0, H_P2, 0},
		{0x1d, 0x8001, 0, 0, H_P2, 0},
		{0x1d, 0xfffffffffffff000, 0, 0, H_P2, 0},
		{0x1d, GR | 0x8000, 0, 0, H_P2, 0}, /* the top bits are not cut off */
		{0x1d, 0x40000000, 0, 0, H_P2, 0},  /* RAM, host-real */
		{0x18, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x19, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x1a, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x1e, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x1f, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x14, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x11, 0, 0, 0, H_PARAMETER, 0},
		{0, 0, 0, 0, H_PARAMETER, 0},
		{8, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x3d, 0x8000, 0, 3, H_PARAMETER, 0},
		{0x10000001d, 0x8000, 0, 3, H_PARAMETER, 0},
		{UINT64_MAX, 0x8000, 0, 3, H_PARAMETER, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		assert_int_equal(hcall(H_REGISTER_PROC_TBL, cases[i].flags, cases[i].base,
					 cases[i].page_size, cases[i].size),
			cases[i].want);
		if (cases[i].want == H_SUCCESS) {
			expect_one_call(FAKE_ARCH_SET_PROCESS_TABLE, cases[i].entry);
		} else {
			assert_int_equal(fake_arch.ncalls, 0);
		}
	}
}

/* Firmware's word: what the chip has is there if enabled, what it needs unless disabled. */
static void test_cpu_characteristics_are_firmwares(void **state)
{
	static const struct {
		enum board_feature feature;
		bool on;
		uint64_t character, behaviour; /* besides the duties */
	} cases[] = {
		{BOARD_INST_SPEC_BARRIER, true, 1ull << 63, 0},
		{BOARD_BCCTRL_SERIALIZED, true, 1ull << 62, 0},
		{BOARD_INST_L1D_FLUSH_ORI, true, 1ull << 61, 0},
		{BOARD_INST_L1D_FLUSH_TRIG2, true, 1ull << 60, 0},
		{BOARD_L1D_THREAD_SPLIT, true, 1ull << 59, 0},
		{BOARD_COUNT_CACHE_DISABLED, true, 1ull << 56, 0},
		{BOARD_COUNT_CACHE_FLUSH, true, 1ull << 54, 0},
		{BOARD_NEEDS_COUNT_CACHE_FLUSH, true, 0, 1ull << 58},
		{BOARD_NO_L1D_FLUSH_ENTRY, true, 0, 1ull << 56},
		{BOARD_NO_L1D_FLUSH_UACCESS, true, 0, 1ull << 55},
		{BOARD_NO_STORE_DRAIN, true, 0, 1ull << 54},
		{BOARD_FAVOR_SECURITY, false, 0, 1ull << 63},
		{BOARD_NEEDS_L1D_FLUSH_PR, false, 0, 1ull << 62},
		{BOARD_NEEDS_SPEC_BARRIER, false, 0, 1ull << 61},
	};
	const uint64_t duties = 7ull << 61;

	(void)state;
	board.features_known = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t mask = 1u << cases[i].feature;

		board.features_on = cases[i].on ? mask : 0;
		board.features_off = cases[i].on ? 0 : mask;
		assert_int_equal(hcall(H_GET_CPU_CHARACTERISTICS, 1, 2, 3, 4), H_SUCCESS);
		assert_true(regs[1] == cases[i].character);
		assert_true(regs[2] == (duties ^ cases[i].behaviour));
		/* Said the other way round it is as if it had not been mentioned. */
		board.features_on = cases[i].on ? 0 : mask;
		board.features_off = cases[i].on ? mask : 0;
		assert_int_equal(hcall(H_GET_CPU_CHARACTERISTICS, 1, 2, 3, 4), H_SUCCESS);
		assert_true(regs[1] == 0 && regs[2] == duties);
	}
	assert_int_equal(ARRAY_SIZE(cases), BOARD_FEATURES);
}

static void test_cpu_characteristics_without_firmwares_word(void **state)
{
	(void)state;
	assert_int_equal(hcall(H_GET_CPU_CHARACTERISTICS, 1, 2, 3, 4), H_SUCCESS);
	assert_int_equal(regs[1], 0);
	assert_true(regs[2] == 0x01c0000000000000u);
	assert_int_equal(regs[3], 3);
}

#define FN(n) ((uint64_t)(n) << 45)

/* The first 8 bytes of an area. */
static void put_area(uint64_t at, unsigned int bytes, uint32_t size)
{
	memset(r.mem + at, 0, 8);
	for (unsigned int i = 0; i < bytes; i++) {
		r.mem[at + 4 + bytes - 1 - i] = (uint8_t)(size >> (8 * i));
	}
	memcpy(r.before, r.mem, sizeof(r.mem));
}

struct area_case {
	uint64_t fn;
	uint64_t at;
	uint32_t size; /* what the area says; it is put there if that is RAM or just behind */
	hret_t want;
};

static void test_areas_are_checked_before_they_are_kept(void **state)
{
	static const struct area_case cases[] = {
		{FN(1), 0x2000, 0x400, H_SUCCESS},
		{FN(1), 0x2000, 640, H_SUCCESS},
		{FN(1), 0x2c00, 0x400, H_SUCCESS}, /* up to the page's end */
		{FN(1), 0xfc00, 0x400, H_SUCCESS}, /* and the memory's */
		{FN(1), 0x2c80, 0x400, H_PARAMETER},
		{FN(1), 0x2000, 0x1001, H_PARAMETER},
		{FN(1), 0x2000, 639, H_PARAMETER},
		{FN(1), 0x2000, 0, H_PARAMETER},
		{FN(1), 0x2008, 0x400, H_PARAMETER},
		{FN(1), 0, 0x400, H_PARAMETER},
		{FN(1), 0x10000, 0x400, H_PARAMETER},
		{FN(1), 0xff80, 0x400, H_PARAMETER},
		{FN(1), 0xffffffffffffff80, 0x400, H_PARAMETER},
		{FN(1), 0xf000000000002000, 0x400, H_PARAMETER},
		{FN(2), 0x2000, 48, H_SUCCESS},
		{FN(2), 0x2000, 0xe000, H_SUCCESS}, /* many pages, to the end of RAM */
		{FN(2), 0x2000, 0xe001, H_PARAMETER},
		{FN(2), 0x2000, 0xffffffff, H_PARAMETER},
		{FN(2), 0x2000, 47, H_PARAMETER},
		{FN(2), 0x2004, 48, H_PARAMETER},
		{FN(3), 0x2000, 8, H_SUCCESS},
		{FN(3), 0x2000, 7, H_PARAMETER},
		{FN(3), 0x2f80, 0x80, H_SUCCESS},
		{FN(3), 0x2f80, 0x81, H_PARAMETER},
		{FN(3), 0x2000, 0xffffff80, H_PARAMETER},
		/* no such function, or bits beside it */
		{FN(0), 0x2000, 0x400, H_PARAMETER},
		{FN(4), 0x2000, 0x400, H_PARAMETER},
		{FN(8), 0x2000, 0x400, H_PARAMETER},
		{FN(9), 0x2000, 0x400, H_PARAMETER},
		{FN(0x7ffff), 0x2000, 0x400, H_PARAMETER},
		{FN(1) | 1, 0x2000, 0x400, H_PARAMETER},
		{1, 0x2000, 0x400, H_PARAMETER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct area_case *c = &cases[i];
		struct vcpu_area want[AREA_KINDS] = {{{0}, 0}};
		unsigned int kind = (unsigned int)(c->fn >> 45) - 1;

		setup(state);
		if (c->at < HELP_MEM + 0x800) {
			put_area(c->at, c->fn == FN(1) ? 2 : 4, c->size);
		}
		if (c->fn == FN(2) || c->fn == FN(3)) {
			r.part.vcpus[2].areas[AREA_VPA] = (struct vcpu_area){{0x3000}, 0x400};
			want[AREA_VPA] = r.part.vcpus[2].areas[AREA_VPA];
		}
		assert_int_equal(hcall(H_REGISTER_VPA, c->fn, 2, c->at, 0), c->want);
		if (c->want == H_SUCCESS) {
			want[kind] = (struct vcpu_area){{c->at}, c->size};
		}
		for (unsigned int k = 0; k < AREA_KINDS; k++) {
			assert_true(r.part.vcpus[2].areas[k].at.v == want[k].at.v);
			assert_true(r.part.vcpus[2].areas[k].size == want[k].size);
			assert_true(r.part.vcpus[1].areas[k].size == 0);
		}
	}
}

static void test_areas_hang_on_the_vpa(void **state)
{
	static const struct {
		uint64_t fn;
		hret_t want;
	} steps[] = {
		{FN(2), H_RESOURCE},
		{FN(3), H_RESOURCE},
		{FN(6), H_SUCCESS}, /* not there: nothing to do */
		{FN(7), H_SUCCESS},
		{FN(5), H_SUCCESS},
		{FN(1), H_SUCCESS},
		{FN(1), H_SUCCESS}, /* a kernel does it twice for its boot CPU */
		{FN(2), H_SUCCESS},
		{FN(5), H_RESOURCE},
		{FN(3), H_SUCCESS},
		{FN(6), H_SUCCESS},
		{FN(5), H_RESOURCE},
		{FN(7), H_SUCCESS},
		{FN(5), H_SUCCESS},
		{FN(2), H_RESOURCE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		put_area(0x2000, steps[i].fn == FN(1) ? 2 : 4, 0x400);
		if (hcall(H_REGISTER_VPA, steps[i].fn, 3, 0x2000, 0) != steps[i].want) {
			fail_msg("step %zu", i);
		}
	}
}

static void test_area_of_no_vcpu_is_refused(void **state)
{
	static const uint64_t ids[] = {NVCPUS, PARTITION_MAX_VCPUS, 0x100000000, UINT64_MAX};

	(void)state;
	put_area(0x2000, 2, 0x400);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(hcall(H_REGISTER_VPA, FN(1), ids[i], 0x2000, 0), H_PARAMETER);
		assert_int_equal(hcall(H_REGISTER_VPA, FN(5), ids[i], 0x2000, 0), H_PARAMETER);
	}
}

static void test_cede_waits_on_the_own_thread(void **state)
{
	(void)state;
	assert_int_equal(hcall(H_CEDE, 0, 0, 0, 0), H_SUCCESS);
	expect_one_call(FAKE_ARCH_CEDE, 0);
	assert_ptr_equal(fake_arch.calls[0].vcpu, self);
}

static void request_stop(struct vcpu *vcpu)
{
	partition_request_stop(vcpu->partition, STOP_POWER_OFF);
}

static void test_cede_of_a_stopping_partition_does_not_return(void **state)
{
	uint64_t in[1 + HCALL_NARGS] = {H_CEDE};

	(void)state;
	fake_arch.on_cede = request_stop;
	assert_int_equal(hcall_dispatch(self, in, false, false), HCALL_STOP);
}

static bool prodded_at_kick;

static void look_at_prod(struct vcpu *vcpu)
{
	prodded_at_kick = atomic_load(&vcpu->prodded);
}

/* Woken without the flag, the vCPU would go back to sleep. */
static void test_prod_sets_its_flag_before_it_kicks(void **state)
{
	(void)state;
	prodded_at_kick = false;
	fake_arch.on_kick = look_at_prod;
	assert_int_equal(hcall(H_PROD, 3, 0, 0, 0), H_SUCCESS);
	expect_one_call(FAKE_ARCH_KICK, 0);
	assert_ptr_equal(fake_arch.calls[0].vcpu, &r.part.vcpus[3]);
	assert_true(prodded_at_kick);
}

static void test_prod_of_oneself_is_kept_for_the_next_cede(void **state)
{
	(void)state;
	assert_int_equal(hcall(H_PROD, 1, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake_arch.ncalls, 0);
	assert_true(atomic_load(&self->prodded));
}

static void test_prod_of_a_stopped_vcpu_is_nothing(void **state)
{
	(void)state;
	r.part.vcpus[2].state = VCPU_STOPPED;
	assert_int_equal(hcall(H_PROD, 2, 0, 0, 0), H_SUCCESS);
	assert_false(atomic_load(&r.part.vcpus[2].prodded));
	assert_int_equal(fake_arch.ncalls, 0);
}

static void test_prod_and_confer_know_who_there_is(void **state)
{
	static const struct {
		uint64_t id;
		hret_t prod, confer;
	} cases[] = {
		{0, H_SUCCESS, H_SUCCESS},
		{NVCPUS - 1, H_SUCCESS, H_SUCCESS},
		{NVCPUS, H_PARAMETER, H_PARAMETER},
		{0x100000000, H_PARAMETER, H_PARAMETER},
		{UINT64_MAX - 1, H_PARAMETER, H_PARAMETER},
		{UINT64_MAX, H_PARAMETER, H_SUCCESS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		assert_int_equal(hcall(H_CONFER, cases[i].id, 0, 0, 0), cases[i].confer);
		assert_int_equal(fake_arch.ncalls, 0);
		assert_int_equal(hcall(H_PROD, cases[i].id, 0, 0, 0), cases[i].prod);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes_are_those_of_the_specification),
		cmocka_unit_test(test_set_mode),
		cmocka_unit_test(test_register_proc_tbl),
		cmocka_unit_test_setup(test_cpu_characteristics_are_firmwares, setup),
		cmocka_unit_test_setup(test_cpu_characteristics_without_firmwares_word, setup),
		cmocka_unit_test(test_areas_are_checked_before_they_are_kept),
		cmocka_unit_test_setup(test_areas_hang_on_the_vpa, setup),
		cmocka_unit_test_setup(test_area_of_no_vcpu_is_refused, setup),
		cmocka_unit_test_setup(test_cede_waits_on_the_own_thread, setup),
		cmocka_unit_test_setup(test_cede_of_a_stopping_partition_does_not_return, setup),
		cmocka_unit_test_setup(test_prod_sets_its_flag_before_it_kicks, setup),
		cmocka_unit_test_setup(test_prod_of_oneself_is_kept_for_the_next_cede, setup),
		cmocka_unit_test_setup(test_prod_of_a_stopped_vcpu_is_nothing, setup),
		cmocka_unit_test(test_prod_and_confer_know_who_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
