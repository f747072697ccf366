// SPDX-License-Identifier: Apache-2.0
/*
 * core/hcall_term.c: characters in registers, most significant byte first on every host.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"
#include "tests/fake/fake_arch.h"

#include <string.h>

static struct partition part;
static struct vcpu *const vcpu = &part.vcpus[0];
static uint64_t args[HCALL_NARGS];

static int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	memset(&part, 0, sizeof(part));
	vcpu->partition = &part;
	console_init(&part.console, NULL, true);
	return 0;
}

static hret_t put_chars(uint64_t termno, uint64_t len, uint64_t first, uint64_t second)
{
	memset(args, 0, sizeof(args));
	args[0] = termno;
	args[1] = len;
	args[2] = first;
	args[3] = second;
	return h_put_term_char(vcpu, args);
}

static hret_t get_chars(uint64_t termno)
{
	for (size_t i = 0; i < HCALL_NARGS; i++) {
		args[i] = 0x7777;
	}
	args[0] = termno;
	return h_get_term_char(vcpu, args);
}

#define FIRST  0x6162636465666768u
#define SECOND 0x696a6b6c6d6e6f70u

static void test_put_term_char_writes_len_bytes_in_order(void **state)
{
	(void)state;
	for (uint64_t len = 0; len <= 16; len++) {
		fake_arch_clear_out();
		assert_int_equal(put_chars(PARTITION_VTY, len, FIRST, SECOND), H_SUCCESS);
		assert_int_equal(fake_arch.out_len, len);
		assert_memory_equal(fake_arch.out, "abcdefghijklmnop", len);
	}
}

static void test_put_term_char_passes_every_byte(void **state)
{
	static const uint8_t want[16] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x1b, 0xfe, 0xdc,
		0xba, 0x98, 0x76, 0x54, 0x32, 0x10};

	(void)state;
	assert_int_equal(
		put_chars(PARTITION_VTY, 16, 0x00017f80ff0a0d1bu, 0xfedcba9876543210u), H_SUCCESS);
	assert_memory_equal(fake_arch.out, want, 16);
}

static void test_terminal_is_the_vty_or_the_first(void **state)
{
	static const struct {
		uint64_t termno;
		hret_t ret;
	} cases[] = {
		{PARTITION_VTY, H_SUCCESS},
		{0, H_SUCCESS},
		{1, H_PARAMETER},
		{PARTITION_VTY + 1, H_PARAMETER},
		{(uint64_t)1 << 32, H_PARAMETER},
		{(uint64_t)1 << 32 | PARTITION_VTY, H_PARAMETER},
		{UINT64_MAX, H_PARAMETER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		fake_arch_type("k", 1);
		assert_int_equal(put_chars(cases[i].termno, 1, FIRST, 0), cases[i].ret);
		assert_int_equal(fake_arch.out_len, cases[i].ret == H_SUCCESS ? 1 : 0);
		assert_int_equal(get_chars(cases[i].termno), cases[i].ret);
		assert_int_equal(fake_arch.in_len, cases[i].ret == H_SUCCESS ? 0 : 1);
		if (cases[i].ret != H_SUCCESS) {
			assert_true(args[0] == cases[i].termno);
			assert_true(args[1] == 0x7777 && args[2] == 0x7777);
		}
	}
}

static void test_put_term_char_of_more_than_16_is_refused(void **state)
{
	static const uint64_t lens[] = {
		17, 255, (uint64_t)1 << 32, ((uint64_t)1 << 32) + 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(put_chars(PARTITION_VTY, lens[i], FIRST, SECOND), H_PARAMETER);
		assert_int_equal(fake_arch.nwrites, 0);
	}
}

static void test_get_term_char_gives_at_most_16_bytes_in_order(void **state)
{
	static const char typed[] = "abcdefghijklmnopqr\xff";

	(void)state;
	fake_arch_type(typed, 19);
	assert_int_equal(get_chars(PARTITION_VTY), H_SUCCESS);
	assert_int_equal(args[0], 16);
	assert_true(args[1] == FIRST && args[2] == SECOND);
	assert_int_equal(get_chars(PARTITION_VTY), H_SUCCESS);
	assert_int_equal(args[0], 3);
	assert_true(args[1] == 0x7172ff0000000000u && args[2] == 0);
	/* Nothing else of the caller's is touched. */
	for (size_t i = 3; i < HCALL_NARGS; i++) {
		assert_true(args[i] == 0x7777);
	}
}

static void test_get_term_char_without_input_is_length_0(void **state)
{
	(void)state;
	assert_int_equal(get_chars(PARTITION_VTY), H_SUCCESS);
	assert_true(args[0] == 0 && args[1] == 0 && args[2] == 0);
	console_init(&part.console, NULL, false);
	fake_arch_type("not yours", 9);
	assert_int_equal(get_chars(PARTITION_VTY), H_SUCCESS);
	assert_true(args[0] == 0 && args[1] == 0 && args[2] == 0);
	assert_int_equal(fake_arch.in_len, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_put_term_char_writes_len_bytes_in_order, setup),
		cmocka_unit_test_setup(test_put_term_char_passes_every_byte, setup),
		cmocka_unit_test_setup(test_terminal_is_the_vty_or_the_first, setup),
		cmocka_unit_test_setup(test_put_term_char_of_more_than_16_is_refused, setup),
		cmocka_unit_test_setup(test_get_term_char_gives_at_most_16_bytes_in_order, setup),
		cmocka_unit_test_setup(test_get_term_char_without_input_is_length_0, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
