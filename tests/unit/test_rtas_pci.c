// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_pci.c: config space by RTAS, from a guest with two bridges of two functions each.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rtas.h"
#include "tests/fake/fake_pci.h"
#include "tests/unit/rtas_help.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BUID_HI 0x08000000u
#define BUID_LO 0x20000000u
#define NPHBS	2u
#define NFUNCS	2u

static struct help_guest r;
static struct phb phbs[NPHBS];
static struct fake_pci devs[NPHBS][NFUNCS];
static uint32_t read_token, write_token;

static const struct pci_bar bars[PCI_NUM_BARS] = {{.size = 0x1000, .value = 0x80000000}};

/* Functions 00.0 and 01.1 on each bridge, index 0 and 6; the last byte of the subsystem id tells
 * them apart. */
static int setup(void **state)
{
	(void)state;
	help_init(&r);
	read_token = help_token("ibm,read-pci-config");
	write_token = help_token("ibm,write-pci-config");
	memset(phbs, 0, sizeof(phbs));
	r.part.phbs = phbs;
	r.part.nphbs = NPHBS;
	for (unsigned int i = 0; i < NPHBS; i++) {
		struct phb *phb = &r.part.phbs[i];

		assert_int_equal(phb_place(6 * i, &phb->at), 0);
		phb->index = 6 * i;
		phb_map_add(&r.part.phb_map, phb);
		phb->nfuncs = NFUNCS;
		for (unsigned int k = 0; k < NFUNCS; k++) {
			struct fake_pci *d = &devs[i][k];

			fake_pci_init(d, bars);
			fake_pci_put(d, PCI_SUBSYS_ID, 2, 0x1100 + 0x10 * i + k);
			assert_int_equal(
				pci_func_init(&phb->funcs[k], 9 * k, bars, &fake_pci_ops, d), 0);
			fake_pci_forget(d);
		}
	}
	return 0;
}

static int32_t config_read(const uint32_t args[4])
{
	assert_int_equal(help_call(&r, read_token, 4, 2, args), H_SUCCESS);
	return (int32_t)help_ret(&r, 4, 0);
}

static int32_t config_write(const uint32_t args[5])
{
	assert_int_equal(help_call(&r, write_token, 5, 1, args), H_SUCCESS);
	assert_true(help_same_but(&r, HELP_ARGS + 12 + 20, 4));
	return (int32_t)help_ret(&r, 5, 0);
}

static unsigned int cycles(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < NPHBS; i++) {
		for (unsigned int k = 0; k < NFUNCS; k++) {
			n += devs[i][k].nreads + devs[i][k].nwrites + devs[i][k].ncycles;
		}
	}
	return n;
}

static void test_read_gives_status_and_value(void **state)
{
	static const struct {
		uint32_t args[4], value;
	} cases[] = {
		{{0x0000, BUID_HI, BUID_LO, 4}, 0x11e81234},
		{{0x0002, BUID_HI, BUID_LO, 2}, 0x11e8},
		{{0x0001, BUID_HI, BUID_LO, 1}, 0x12},
		{{0x002e, BUID_HI, BUID_LO, 2}, 0x1100},
		{{0x092e, BUID_HI, BUID_LO, 2}, 0x1101},
		{{0x002e, BUID_HI, BUID_LO + 6, 2}, 0x1110},
		{{0x092e, BUID_HI, BUID_LO + 6, 2}, 0x1111},
		{{0x0010, BUID_HI, BUID_LO, 4}, 0x80000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(config_read(cases[i].args), 0);
		assert_int_equal(help_ret(&r, 4, 1), cases[i].value);
		assert_true(help_same_but(&r, HELP_ARGS + 12 + 16, 8));
	}
}

static void test_write_reaches_its_function_only(void **state)
{
	static const uint32_t master[] = {0x0904, BUID_HI, BUID_LO + 6, 2, PCI_COMMAND_MASTER};
	static const uint32_t bar[] = {0x0910, BUID_HI, BUID_LO + 6, 4, 0x90000000};

	(void)state;
	assert_int_equal(config_write(master), 0);
	assert_int_equal(config_write(bar), 0);
	assert_true(fake_pci_get(&devs[1][1], PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(cycles(), devs[1][1].nreads + devs[1][1].nwrites + devs[1][1].ncycles);
	assert_true(r.part.phbs[1].funcs[1].bars[0].value == 0x90000000);
}

/* RT-08, RT-09, RT-10: everything wrong is -1, makes no cycle, and gives no data. */
static const uint32_t bad_args[][4] = {
	{0x0000, BUID_HI, BUID_LO + 1, 4}, /* no such bridge, or another guest's */
	{0x0000, 0, BUID_LO, 4},
	{0x0000, BUID_LO, BUID_HI, 4},
	{0x0000, 0, 0, 4},
	{0x0000, 0xffffffff, 0xffffffff, 4},
	{0x0100, BUID_HI, BUID_LO, 4}, /* no such function */
	{0x0800, BUID_HI, BUID_LO, 4}, /* nothing at that function number */
	{0xff00, BUID_HI, BUID_LO, 4},
	{0x010000, BUID_HI, BUID_LO, 4},   /* bus 1 */
	{0xff0000, BUID_HI, BUID_LO, 4},   /* bus 255 */
	{0x01000000, BUID_HI, BUID_LO, 4}, /* reserved bits */
	{0x08000000, BUID_HI, BUID_LO, 4},
	{0x10000000, BUID_HI, BUID_LO, 4}, /* offset 0x100 */
	{0xf00000fc, BUID_HI, BUID_LO, 4}, /* offset 0xffc */
	{0x0000, BUID_HI, BUID_LO, 0},
	{0x0000, BUID_HI, BUID_LO, 3},
	{0x0000, BUID_HI, BUID_LO, 8},
	{0x0000, BUID_HI, BUID_LO, 0x40000000},
	{0x0000, BUID_HI, BUID_LO, 0xffffffff},
	{0x0001, BUID_HI, BUID_LO, 2},
	{0x0002, BUID_HI, BUID_LO, 4},
	{0x00fe, BUID_HI, BUID_LO, 4},
	{0x00ff, BUID_HI, BUID_LO, 2},
};

static void test_bad_config_access_gets_hardware_error_and_no_cycle(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_args); i++) {
		uint32_t args[5];

		memcpy(args, bad_args[i], sizeof(bad_args[i]));
		args[4] = 0xffffffff;
		assert_int_equal(config_read(args), RTAS_HARDWARE);
		assert_true(help_same_but(&r, HELP_ARGS + 12 + 16, 4));
		assert_int_equal(config_write(args), RTAS_HARDWARE);
		if (cycles()) {
			fail_msg("case %zu made a cycle", i);
		}
	}
}

/* RT-11, DF-01, SEED-001.49: a device that is gone reads all ones, in as many bits as asked. */
static void test_gone_device_reads_all_ones(void **state)
{
	static const uint32_t dword[] = {0x0000, BUID_HI, BUID_LO, 4};
	static const uint32_t byte[] = {0x0010, BUID_HI, BUID_LO, 1};
	static const uint32_t write[] = {0x0004, BUID_HI, BUID_LO, 2, 7};

	(void)state;
	devs[0][0].absent = true;
	assert_int_equal(config_read(dword), 0);
	assert_int_equal(help_ret(&r, 4, 1), 0xffffffff);
	assert_int_equal(config_read(byte), 0);
	assert_int_equal(help_ret(&r, 4, 1), 0xff);
	assert_int_equal(config_write(write), 0);
	assert_int_equal(devs[0][0].nwrites, 0);
}

static void other_cpu(void *arg)
{
	static const uint32_t read[] = {0x0000, BUID_HI, BUID_LO, 4};
	static const uint32_t write[] = {0x0010, BUID_HI, BUID_LO, 4, 0x90000000};

	++*(unsigned int *)arg;
	assert_int_equal(config_read(read), RTAS_BUSY);
	assert_true(help_same_but(&r, HELP_ARGS + 12 + 16, 4));
	assert_int_equal(config_write(write), RTAS_BUSY);
}

/* Two calls into one function at once: the second is busy, and has done nothing. */
static void test_call_into_a_busy_function_is_told_to_come_again(void **state)
{
	static const uint32_t read[] = {0x0000, BUID_HI, BUID_LO, 4};
	unsigned int met = 0;
	uint32_t val;

	(void)state;
	devs[0][0].on_read = other_cpu;
	devs[0][0].on_read_arg = &met;
	assert_int_equal(pci_config_read(&r.part.phbs[0].funcs[0], 0, 4, &val), 0);
	assert_int_equal(met, 1);
	assert_true(r.part.phbs[0].funcs[0].bars[0].value == 0x80000000);
	devs[0][0].on_read = NULL;
	assert_int_equal(config_read(read), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_read_gives_status_and_value, setup),
		cmocka_unit_test_setup(test_write_reaches_its_function_only, setup),
		cmocka_unit_test_setup(
			test_bad_config_access_gets_hardware_error_and_no_cycle, setup),
		cmocka_unit_test_setup(test_gone_device_reads_all_ones, setup),
		cmocka_unit_test_setup(test_call_into_a_busy_function_is_told_to_come_again, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
