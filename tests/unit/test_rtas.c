// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas.c: the argument buffer, whatever a guest puts there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/rtas_help.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RETS(nargs)   (HELP_ARGS + 12 + 4 * (nargs))

static struct help_guest r;

static int setup(void **state)
{
	(void)state;
	help_init(&r);
	return 0;
}

static const uint32_t letter[] = {'x'};

static uint32_t display(void)
{
	return help_token("display-character");
}

static void test_call_is_made_and_its_status_written(void **state)
{
	(void)state;
	assert_int_equal(help_call(&r, display(), 1, 1, letter), H_SUCCESS);
	assert_int_equal(help_ret(&r, 1, 0), 0);
	assert_true(help_same_but(&r, RETS(1), 4));
	assert_string_equal(fake_arch.out, "x");
}

/* RT-01, RT-04 */
static void test_buffer_that_is_not_all_in_ram_is_refused(void **state)
{
	static const struct {
		uint64_t at;
		hret_t want;
	} cases[] = {
		{0, H_SUCCESS},
		{HELP_MEM - 20, H_SUCCESS},   /* its last word is the last of RAM */
		{HELP_MEM - 16, H_PARAMETER}, /* the result would not fit */
		{HELP_MEM - 12, H_PARAMETER}, /* the header only */
		{HELP_MEM - 4, H_PARAMETER},
		{HELP_MEM, H_PARAMETER},
		{HELP_ARGS + 1, H_PARAMETER},
		{HELP_ARGS + 2, H_PARAMETER},
		{HELP_ARGS + 3, H_PARAMETER},
		{0x40000000, H_PARAMETER}, /* RAM, host-real */
		{0x30000000, H_PARAMETER},
		{0xfffffffffffffffc, H_PARAMETER},
		{0xfffffffffffffff4, H_PARAMETER},
		{0xf000000000002000, H_PARAMETER}, /* the top nibble is not cut off */
		{0x8000000000000000, H_PARAMETER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t at = cases[i].at;

		setup(state);
		assert_int_equal(help_call_at(&r, at, display(), 1, 1, letter), cases[i].want);
		if (cases[i].want == H_SUCCESS) {
			assert_true(help_same_but(&r, at + 16, 4));
			assert_int_equal(help_peek(&r, at + 16), 0);
		} else {
			assert_true(help_same_but(&r, 0, 0));
			assert_int_equal(fake_arch.out_len, 0);
		}
	}
}

/* RT-02: each count, their sum, and sums that wrap in 32 bits. */
static void test_too_many_cells_are_refused(void **state)
{
	static const struct {
		uint32_t nargs, nret;
		hret_t want;
	} cases[] = {
		{16, 0, H_SUCCESS},
		{0, 16, H_SUCCESS},
		{8, 8, H_SUCCESS},
		{17, 0, H_PARAMETER},
		{0, 17, H_PARAMETER},
		{16, 1, H_PARAMETER},
		{1, 16, H_PARAMETER},
		{9, 8, H_PARAMETER},
		{0x3fffffff, 1, H_PARAMETER},
		{1, 0x3fffffff, H_PARAMETER},
		{0x40000000, 1, H_PARAMETER},
		{0xffffffff, 1, H_PARAMETER},
		{1, 0xffffffff, H_PARAMETER},
		{0xffffffff, 0xffffffff, H_PARAMETER},
		{0x80000000, 0x80000000, H_PARAMETER},
		{0x80000001, 0x80000000, H_PARAMETER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		assert_int_equal(help_call(&r, display(), cases[i].nargs, cases[i].nret, NULL),
			cases[i].want);
		assert_int_equal(fake_arch.out_len, 0);
		if (cases[i].want != H_SUCCESS) {
			assert_true(help_same_but(&r, 0, 0));
		}
	}
}

/* RT-02: the buffer's length counts, not the largest one's. */
static void test_counts_decide_how_much_must_be_ram(void **state)
{
	uint64_t at = HELP_MEM - 12 - 64;

	(void)state;
	assert_int_equal(help_call_at(&r, at, display(), 15, 1, NULL), H_SUCCESS);
	assert_true(help_same_but(&r, HELP_MEM - 4, 4));
	assert_int_equal(help_call_at(&r, at + 4, display(), 15, 1, NULL), H_PARAMETER);
	assert_true(help_same_but(&r, 0, 0));
	assert_int_equal(help_call_at(&r, at + 4, display(), 15, 0, NULL), H_SUCCESS);
}

/* RT-07 */
static void test_unknown_token_is_told_twice(void **state)
{
	static const uint32_t tokens[] = {0, 0xa, 0x2000, 0x20ff, 0x80002001, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		setup(state);
		assert_int_equal(help_call(&r, tokens[i], 1, 3, letter), H_PARAMETER);
		assert_int_equal((int32_t)help_ret(&r, 1, 0), RTAS_PARAM_ERROR);
		assert_true(help_same_but(&r, RETS(1), 4));
		assert_int_equal(help_call(&r, tokens[i], 1, 0, letter), H_PARAMETER);
		assert_true(help_same_but(&r, 0, 0));
	}
}

/* RT-19: services with a buffer of the guest's for an answer, whose length it says itself, are not
 * there; nothing announces them. */
static void test_services_with_answers_in_buffers_are_not_there(void **state)
{
	static const char *const names[] = {"ibm,get-system-parameter", "ibm,set-system-parameter",
		"rtas-last-error", "check-exception", "event-scan", "ibm,slot-error-detail",
		"ibm,get-vpd", "nvram-fetch", "ibm,platform-dump"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (unsigned int k = 0; k < rtas_num_services; k++) {
			assert_string_not_equal(rtas_services[k].name, names[i]);
		}
	}
}

/* RT-05, RT-06: every service with every other pair of counts: only the status is written, and
 * nothing happens. */
static void check_counts(const struct rtas_service *svc, uint32_t nargs, uint32_t nret)
{
	static const uint32_t args[RTAS_MAX_CELLS] = {'y', 'y', 'y', 'y', 'y'};

	assert_int_equal(help_call(&r, svc->token, nargs, nret, args), H_SUCCESS);
	if (nret) {
		assert_int_equal((int32_t)help_ret(&r, nargs, 0), svc->bad_count);
	}
	assert_true(help_same_but(&r, RETS(nargs), nret ? 4 : 0));
	assert_int_equal(fake_arch.out_len, 0);
	assert_int_equal(r.part.why, STOP_NONE);
}

static bool has_form(uint32_t token, uint32_t nargs, uint32_t nret)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];

		if (svc->token == token && svc->nargs == nargs && svc->nret == nret) {
			return true;
		}
	}
	return false;
}

static void test_wrong_counts_get_a_status_and_nothing_else(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];

		for (uint32_t nargs = 0; nargs <= 8; nargs++) {
			for (uint32_t nret = 0; nret <= 8; nret++) {
				if (!has_form(svc->token, nargs, nret)) {
					check_counts(svc, nargs, nret);
				}
			}
		}
	}
}

/* RT-05: config calls have no "bad parameter"; it is what all others say. */
static void test_bad_count_status_is_the_services_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];
		bool config = svc->token == help_token("ibm,read-pci-config") ||
			      svc->token == help_token("ibm,write-pci-config");

		assert_int_equal(help_call(&r, svc->token, 12, 1, NULL), H_SUCCESS);
		assert_int_equal(
			(int32_t)help_ret(&r, 12, 0), config ? RTAS_HARDWARE : RTAS_PARAM_ERROR);
	}
}

/* Linux takes 0xffffffff for "no such service". Rows of one token are forms of one service, and
 * next to each other. */
static void test_table_has_no_name_or_token_twice(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];

		assert_int_not_equal(svc->token, 0xffffffff);
		assert_non_null(svc->fn);
		assert_in_range(svc->nret, 1, RTAS_MAX_CELLS);
		assert_in_range(svc->nargs + svc->nret, 1, RTAS_MAX_CELLS);
		for (unsigned int k = 0; k < i; k++) {
			const struct rtas_service *other = &rtas_services[k];
			bool form = svc->token == other->token;

			assert_int_equal(form, !strcmp(svc->name, other->name));
			if (form) {
				assert_int_equal(rtas_services[i - 1].token, svc->token);
				assert_ptr_equal(svc->fn, other->fn);
				assert_int_equal(svc->bad_count, other->bad_count);
				assert_false(
					svc->nargs == other->nargs && svc->nret == other->nret);
			}
		}
	}
}

/* What everybody but config cycles and MSIs says. */
static void test_every_error_has_its_status(void **state)
{
	static const int other[] = {-EIO, -ENOMEM, -ENOSPC, -EEXIST, -EPERM, -EAGAIN, -ENODEV, 1};

	(void)state;
	assert_int_equal(rtas_status(0), RTAS_SUCCESS);
	assert_int_equal(rtas_status(-EINVAL), RTAS_PARAM_ERROR);
	assert_int_equal(rtas_status(-EBUSY), RTAS_BUSY);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_equal(rtas_status(other[i]), RTAS_HARDWARE);
	}
}

/* The instructions, assembled by hand from the Power ISA's forms. */
static void test_blob_calls_h_rtas_with_the_buffer_in_r4(void **state)
{
	static const uint32_t want[] = {
		31u << 26 | 3u << 21 | 4u << 16 | 3u << 11 | 444u << 1, /* or r4,r3,r3 */
		15u << 26 | 3u << 21,					/* addis r3,0,0 */
		24u << 26 | 3u << 21 | 3u << 16 | H_RTAS,		/* ori r3,r3,H_RTAS */
		17u << 26 | 1u << 5 | 2u,				/* sc 1 */
		19u << 26 | 20u << 21 | 16u << 1,			/* bclr 20,0 */
	};

	(void)state;
	assert_int_equal(sizeof(want), RTAS_BLOB_SIZE);
	for (size_t i = 0; i < RTAS_BLOB_SIZE; i++) {
		assert_int_equal(rtas_blob[i], want[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_call_is_made_and_its_status_written, setup),
		cmocka_unit_test(test_buffer_that_is_not_all_in_ram_is_refused),
		cmocka_unit_test(test_too_many_cells_are_refused),
		cmocka_unit_test_setup(test_counts_decide_how_much_must_be_ram, setup),
		cmocka_unit_test(test_unknown_token_is_told_twice),
		cmocka_unit_test(test_services_with_answers_in_buffers_are_not_there),
		cmocka_unit_test_setup(test_wrong_counts_get_a_status_and_nothing_else, setup),
		cmocka_unit_test_setup(test_bad_count_status_is_the_services_own, setup),
		cmocka_unit_test(test_table_has_no_name_or_token_twice),
		cmocka_unit_test(test_every_error_has_its_status),
		cmocka_unit_test(test_blob_calls_h_rtas_with_the_buffer_in_r4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
