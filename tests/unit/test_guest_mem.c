// SPDX-License-Identifier: Apache-2.0
/*
 * core/guest_mem.c: nothing is copied unless all of it is RAM.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/guest_mem.h"

#include <string.h>

#define SIZE  0x3000u
#define GUARD 0x100u
#define TOP   UINT64_MAX

/* RAM with a canary before and behind. */
static uint8_t host[GUARD + SIZE + GUARD], before[sizeof(host)];
static const struct guest_mem mem = {.ptr = host + GUARD, .host = {0x40000000}, .size = SIZE};

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(host); i++) {
		host[i] = (uint8_t)(i * 7 + i / 256);
	}
	memcpy(before, host, sizeof(host));
	return 0;
}

struct span {
	uint64_t at;
	uint64_t len;
};

static const struct span inside[] = {
	{0, 1},
	{0, SIZE},
	{SIZE - 1, 1},
	{0xfff, 2},
	{0, 0},
	{SIZE, 0},
	{1, SIZE - 1},
};

static const struct span outside[] = {
	{SIZE, 1},
	{SIZE - 1, 2},
	{0, SIZE + 1},
	{1, SIZE},
	{TOP, 1},
	{TOP, 2},
	{TOP - 7, 8},
	{TOP - 7, 16},
	{1, TOP},
	{0, TOP},
	{SIZE, TOP - SIZE + 1},
	{(uint64_t)1 << 63, 1},
	/* The host-real address of RAM is not an address of the guest. HC-08 */
	{0x40000000, 1},
};

static void test_ram_is_0_to_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		assert_true(guest_mem_has(&mem, gpa(inside[i].at), inside[i].len));
	}
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		if (guest_mem_has(&mem, gpa(outside[i].at), outside[i].len)) {
			fail_msg("case %zu is taken for RAM", i);
		}
	}
}

static void test_read_copies_what_is_there(void **state)
{
	uint8_t buf[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		assert_int_equal(
			guest_mem_read(&mem, gpa(inside[i].at), buf, (size_t)inside[i].len), 0);
		assert_memory_equal(buf, mem.ptr + inside[i].at, inside[i].len);
	}
}

static void test_write_changes_those_bytes_and_no_other(void **state)
{
	uint8_t buf[SIZE];

	(void)state;
	memset(buf, 0xa5, sizeof(buf));
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		setup(NULL);
		assert_int_equal(
			guest_mem_write(&mem, gpa(inside[i].at), buf, (size_t)inside[i].len), 0);
		memset(before + GUARD + inside[i].at, 0xa5, (size_t)inside[i].len);
		assert_memory_equal(host, before, sizeof(host));
	}
}

static void test_access_outside_ram_copies_nothing(void **state)
{
	uint8_t buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		memset(buf, 0x11, sizeof(buf));
		assert_int_equal(
			guest_mem_read(&mem, gpa(outside[i].at), buf, (size_t)outside[i].len),
			-EFAULT);
		for (size_t k = 0; k < sizeof(buf); k++) {
			assert_int_equal(buf[k], 0x11);
		}
		assert_int_equal(
			guest_mem_write(&mem, gpa(outside[i].at), buf, (size_t)outside[i].len),
			-EFAULT);
		assert_memory_equal(host, before, sizeof(host));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ram_is_0_to_size, setup),
		cmocka_unit_test_setup(test_read_copies_what_is_there, setup),
		cmocka_unit_test_setup(test_write_changes_those_bytes_and_no_other, setup),
		cmocka_unit_test_setup(test_access_outside_ram_copies_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
