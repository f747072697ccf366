// SPDX-License-Identifier: Apache-2.0
/*
 * core/pci_print.c and vfio_print_config: lines that lspci -F reads (its dump.c wants "dddd:bb:dd.f
 * ", then "oo: " or "ooo: " with bytes in hex, and an empty line at the end of a function).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci_print.h"
#include "tests/fake/fake_machine.h"

#include <stdio.h>
#include <string.h>

#define TEXT_LEN 80

static char lines[300][TEXT_LEN];
static unsigned int nlines;
static uint8_t config[4096];
static unsigned int nreads;
static bool failing;

static void keep(const char *text)
{
	assert_true(nlines < 300 && strlen(text) < TEXT_LEN);
	strcpy(lines[nlines++], text);
}

static int read_config(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	assert_ptr_equal(arg, config);
	assert_int_equal(off % size, 0);
	nreads++;
	*val = 0;
	for (unsigned int i = 0; i < size; i++) {
		*val |= (uint32_t)config[off + i] << (8 * i);
	}
	return failing ? -1 : 0;
}

static void print(void)
{
	const struct pci_print p = {
		.domain = 0xabcd, .bdfn = 0x1fb, .read = read_config, .arg = config, .line = keep};

	nlines = nreads = 0;
	pci_print_config(&p);
}

/* What a reader like lspci makes of the lines. */
static void read_back(uint8_t *out, unsigned int size)
{
	unsigned int off, at = 0;

	for (unsigned int i = 1; i + 1 < nlines; i++) {
		int used = 0;

		assert_int_equal(sscanf(lines[i], "%x:%n", &off, &used), 1);
		assert_int_equal(used, off < 0x100 ? 3 : 4);
		assert_int_equal(off, at);
		for (unsigned int k = 0; k < 16; k++, at++) {
			unsigned int byte;

			assert_int_equal(lines[i][used + 3 * (int)k], ' ');
			assert_int_equal(sscanf(lines[i] + used + 3 * k, " %2x", &byte), 1);
			out[at] = (uint8_t)byte;
		}
		assert_int_equal(strlen(lines[i]), (size_t)used + 48);
	}
	assert_int_equal(at, size);
	assert_string_equal(lines[nlines - 1], "");
}

static void test_256_bytes(void **state)
{
	static uint8_t out[4096];

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		config[i] = (uint8_t)(i * 7 + 3);
	}
	memset(config + 256, 0, sizeof(config) - 256);
	memcpy(config, "\x36\x1b\x10\x00", 4);
	memcpy(config + 8, "\x02\x02\x08\x01", 4);
	print();
	assert_string_equal(lines[0], "abcd:01:1f.3 0108: 1b36:0010 (rev 02)");
	assert_string_equal(lines[1], "00: 36 1b 10 00 1f 26 2d 34 02 02 08 01 57 5e 65 6c");
	assert_int_equal(nlines, 18);
	read_back(out, 256);
	assert_memory_equal(out, config, 256);
	memset(config + 256, 0xff, sizeof(config) - 256);
	print();
	assert_int_equal(nlines, 18);
}

static void test_4096_bytes(void **state)
{
	static uint8_t out[4096];

	(void)state;
	for (unsigned int i = 0; i < sizeof(config); i++) {
		config[i] = (uint8_t)(i * 5 + (i >> 8));
	}
	print();
	assert_int_equal(nlines, 258);
	read_back(out, 4096);
	assert_memory_equal(out, config, 4096);
	assert_int_equal(strncmp(lines[17], "100: 01 06 ", 11), 0);
	assert_int_equal(nreads, 1024 + 3);
}

static void test_what_cannot_be_read_is_all_ones(void **state)
{
	(void)state;
	failing = true;
	print();
	failing = false;
	assert_string_equal(lines[0], "abcd:01:1f.3 ffff: ffff:ffff (rev ff)");
	assert_string_equal(lines[1], "00: ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff");
	assert_int_equal(nlines, 18);
}

/* Any function of the board, bridges too; one that is being reset is let alone. */
static void test_functions_of_the_board(void **state)
{
	static struct fake_machine m;
	unsigned int before;

	(void)state;
	fake_machine_init(&m);
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		nlines = 0;
		assert_int_equal(vfio_print_config(&m.vfio, i, keep), 0);
		assert_int_equal(nlines, 18);
	}
	assert_int_equal(m.board.funcs[1].bdfn, FAKE_DEV0);
	nlines = 0;
	assert_int_equal(vfio_print_config(&m.vfio, 1, keep), 0);
	assert_string_equal(lines[0], "0000:01:00.0 0000: 1234:11e8 (rev 00)");
	m.vfio.devices[1].reset.phase = VFIO_RESET_SETTLE;
	before = m.phb[0].calls;
	nlines = 0;
	assert_int_equal(vfio_print_config(&m.vfio, 1, keep), 0);
	assert_int_equal(m.phb[0].calls, before);
	assert_int_equal(strncmp(lines[1], "00: ff ff", 9), 0);
	assert_int_equal(vfio_print_config(&m.vfio, m.board.nfuncs, keep), -ENODEV);
	assert_int_equal(vfio_print_config(&m.vfio, UINT32_MAX, keep), -ENODEV);
	fake_machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_256_bytes),
		cmocka_unit_test(test_4096_bytes),
		cmocka_unit_test(test_what_cannot_be_read_is_all_ones),
		cmocka_unit_test(test_functions_of_the_board),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
