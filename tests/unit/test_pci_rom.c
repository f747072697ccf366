// SPDX-License-Identifier: Apache-2.0
/*
 * core/pci_rom.c: the option ROM that a guest sees. SEED-000.9, SEED-000.10, SEED-002.11,
 * SEED-003.43; CF-04. Under both policies; the fake fails the test for any write to the device's
 * own ROM register.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci.h"
#include "tests/fake/fake_pci.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROM_AT	      0x80200000u
#define ROM_LEN	      0x2801u
#define ROM_BAR_SIZE  0x4000u

static const struct pci_bar bars[PCI_NUM_BARS] = {{.size = 0x1000, .value = 0x80000000}};

static struct fake_pci dev;
static struct pci_func func;
static uint8_t rom[PCI_ROM_MAX];

static void make_rom(uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		rom[i] = (uint8_t)(i * 7 + i / 256);
	}
}

static void start(const struct pci_policy *policy)
{
	make_rom(ROM_LEN);
	fake_pci_init(&dev, bars);
	assert_int_equal(pci_func_init_policy(&func, policy, 0, bars, &fake_pci_ops, &dev), 0);
	assert_int_equal(pci_func_set_rom(&func, rom, ROM_LEN, ROM_AT), 0);
	fake_pci_forget(&dev);
}

static int setup(void **state)
{
	(void)state;
	start(&pci_policy_full);
	return 0;
}

static uint32_t rd(unsigned int off, unsigned int size)
{
	uint32_t val = 0x5a5a5a5a;

	assert_int_equal(pci_config_read(&func, off, size, &val), 0);
	return val;
}

static void wr(unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pci_config_write(&func, off, size, val), 0);
}

static uint64_t load(uint64_t bus, unsigned int size)
{
	uint64_t val = 0x5a;

	assert_int_equal(pci_bar_access(&func, bus, size, false, &val), 0);
	return val;
}

static int probe(uint64_t bus)
{
	uint64_t val;

	return pci_bar_access(&func, bus, 4, false, &val);
}

static void switch_on(void)
{
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	wr(PCI_ROM_BAR, 4, ROM_AT | PCI_ROM_ENABLE);
}

/* A function without one has none, whatever the device's register says. */
static void test_without_a_rom_the_register_is_0(void **state)
{
	(void)state;
	assert_int_equal(pci_func_init(&func, 0, bars, &fake_pci_ops, &dev), 0);
	assert_int_equal(rd(PCI_ROM_BAR, 4), 0);
	wr(PCI_ROM_BAR, 4, UINT32_MAX);
	assert_int_equal(rd(PCI_ROM_BAR, 4), 0);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(probe(0), -ENOENT);
	assert_int_equal(probe(ROM_AT), -ENOENT);
}

/* The mask in any width; what lies between address and enable bit does not stick. */
static void test_register_tells_its_size(void **state)
{
	static const struct pci_policy *const policies[] = {&pci_policy_full, &pci_policy_minimal};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		for (unsigned int size = 1; size <= 4; size *= 2) {
			start(policies[i]);
			assert_int_equal(rd(PCI_ROM_BAR, 4), ROM_AT);
			for (unsigned int off = 0; off < 4; off += size) {
				wr(PCI_ROM_BAR + off, size, UINT32_MAX);
			}
			assert_int_equal(rd(PCI_ROM_BAR, 4), ~(ROM_BAR_SIZE - 1) | PCI_ROM_ENABLE);
			wr(PCI_ROM_BAR, 4, PCI_ROM_ADDRESS);
			assert_int_equal(rd(PCI_ROM_BAR, 4), ~(ROM_BAR_SIZE - 1));
			wr(PCI_ROM_BAR, 4, 0);
			assert_int_equal(rd(PCI_ROM_BAR, 4), 0);
		}
		assert_int_equal(dev.nwrites, 0);
		assert_int_equal(fake_pci_get(&dev, PCI_ROM_BAR, 4), 0x40000001);
	}
}

static void test_bar_is_the_power_of_two_that_holds_it(void **state)
{
	static const uint32_t sizes[][2] = {{1, 0x800}, {0x7ff, 0x800}, {0x800, 0x800},
		{0x801, 0x1000}, {0x4001, 0x8000}, {PCI_ROM_MAX - 1, PCI_ROM_MAX},
		{PCI_ROM_MAX, PCI_ROM_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(pci_func_set_rom(&func, rom, sizes[i][0], 0x80200000), 0);
		wr(PCI_ROM_BAR, 4, PCI_ROM_ADDRESS);
		assert_int_equal(rd(PCI_ROM_BAR, 4), ~(sizes[i][1] - 1));
	}
	assert_int_equal(pci_func_set_rom(&func, rom, 0, ROM_AT), -EINVAL);
	assert_int_equal(pci_func_set_rom(&func, rom, PCI_ROM_MAX + 1, 0), -EINVAL);
	assert_int_equal(pci_func_set_rom(&func, rom, 0x1001, 0x80201000), -EINVAL);
}

/* It answers with MEM and the enable bit, not with one of them. */
static void test_it_answers_when_both_bits_are_on(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		wr(PCI_COMMAND, 2, i & 1 ? PCI_COMMAND_MEMORY : 0);
		wr(PCI_ROM_BAR, 4, ROM_AT | (i & 2 ? PCI_ROM_ENABLE : 0));
		assert_int_equal(probe(ROM_AT), i == 3 ? 0 : -ENXIO);
	}
	/* In the other order, and by the byte. */
	wr(PCI_COMMAND, 2, 0);
	assert_int_equal(probe(ROM_AT), -ENXIO);
	wr(PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_int_equal(probe(ROM_AT), 0);
	wr(PCI_ROM_BAR, 1, 0);
	assert_int_equal(probe(ROM_AT), -ENXIO);
	pci_func_quiesce(&func);
	wr(PCI_ROM_BAR, 1, PCI_ROM_ENABLE);
	assert_int_equal(probe(ROM_AT), -ENXIO);
}

/* Every byte in every width, and behind the image all ones, to the BAR's end and no further. */
static void test_loads_are_the_image(void **state)
{
	(void)state;
	switch_on();
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (uint32_t off = 0; off < ROM_BAR_SIZE; off += size) {
			uint64_t want = 0;

			for (unsigned int i = 0; i < size; i++) {
				uint8_t byte = off + i < ROM_LEN ? rom[off + i] : 0xff;

				want |= (uint64_t)byte << (8 * i);
			}
			if (load(ROM_AT + off, size) != want) {
				fail_msg("%u bytes at 0x%x", size, off);
			}
		}
	}
	assert_int_equal(probe(ROM_AT - 4), -ENOENT);
	assert_int_equal(probe(ROM_AT + ROM_BAR_SIZE), -ENOENT);
	assert_int_equal(dev.nbar_reads, 0);
}

/* One of less than a page has it to itself, as a BAR has. */
static void test_small_rom_fills_its_page(void **state)
{
	(void)state;
	assert_int_equal(pci_func_set_rom(&func, rom, 0x800, ROM_AT), 0);
	switch_on();
	assert_int_equal(load(ROM_AT + 0x7ff, 1), rom[0x7ff]);
	assert_int_equal(load(ROM_AT + 0x800, 8), UINT64_MAX);
	assert_int_equal(load(ROM_AT + 0xffc, 4), UINT32_MAX);
	assert_int_equal(probe(ROM_AT + 0x1000), -ENOENT);
}

static void test_stores_are_dropped(void **state)
{
	static uint8_t before[ROM_LEN];

	(void)state;
	memcpy(before, rom, sizeof(before));
	switch_on();
	fake_pci_forget(&dev);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		uint64_t val = UINT64_MAX;

		assert_int_equal(pci_bar_access(&func, ROM_AT + 8, size, true, &val), 0);
		assert_true(val == UINT64_MAX);
	}
	assert_memory_equal(rom, before, sizeof(before));
	assert_int_equal(dev.nbar_writes + dev.nwrites, 0);
}

/* CF-04: the guest's ROM is on, and its BAR 0 answers as before; the device hears of nothing. */
static void test_bar_0_is_undisturbed(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(dev.mapped[0]);
	fake_pci_forget(&dev);
	wr(PCI_ROM_BAR, 4, ROM_AT | PCI_ROM_ENABLE);
	wr(PCI_ROM_BAR, 4, UINT32_MAX);
	wr(PCI_ROM_BAR, 4, 0x80000000 | PCI_ROM_ENABLE); /* over it */
	assert_true(dev.mapped[0]);
	assert_int_equal(dev.nmaps + dev.nunmaps + dev.nwrites, 0);
	dev.bar_mem[0][4] = 0xa5;
	assert_int_equal(load(0x80000004, 1), 0xa5);
	/* Where the BAR ends the ROM goes on. */
	assert_int_equal(load(0x80001000, 1), rom[0x1000]);
	/* And with the BAR elsewhere it has all of the place. */
	wr(PCI_BAR0, 4, 0x80100000);
	assert_int_equal(load(0x80000004, 1), rom[4]);
}

/* It answers inside the window only: at no address of memory, nor of messages. */
static void test_it_answers_inside_the_window_only(void **state)
{
	static const uint32_t places[] = {0, 0x7fffc000, 0xffff0000, 0xffffc000};

	(void)state;
	switch_on();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		wr(PCI_ROM_BAR, 4, places[i] | PCI_ROM_ENABLE);
		assert_int_equal(probe(places[i]), -ENXIO);
		assert_int_equal(probe(ROM_AT), -ENOENT);
	}
	wr(PCI_ROM_BAR, 4, 0xfffec000 | PCI_ROM_ENABLE);
	assert_int_equal(load(0xfffec000, 1), rom[0]);
}

/* --- what is a ROM --- */

static const char *complaint(uint64_t len)
{
	const char *why = NULL;
	int err = pci_rom_check(rom, len, &why);

	assert_int_equal(err, why ? -EINVAL : 0);
	return why;
}

static void put_header(uint16_t pcir, uint16_t blocks)
{
	memset(rom, 0, 0x2000);
	rom[0] = 0x55;
	rom[1] = 0xaa;
	rom[0x18] = (uint8_t)pcir;
	rom[0x19] = (uint8_t)(pcir >> 8);
	if (pcir < 0x1f00) {
		memcpy(rom + pcir, "PCIR", 4);
		rom[pcir + 0x10] = (uint8_t)blocks;
		rom[pcir + 0x11] = (uint8_t)(blocks >> 8);
	}
}

/* SEED-003.43: signature, structure and length, at their limits; no byte behind the end is read. */
static void test_what_is_no_rom_is_told(void **state)
{
	(void)state;
	put_header(0x1c, 2);
	assert_null(complaint(0x400));
	assert_null(complaint(0x2000));
	assert_non_null(strstr(complaint(0x3ff), "not all there"));
	put_header(0x1c, 0);
	assert_non_null(strstr(complaint(0x400), "has no length"));
	put_header(0x1c, 0xffff);
	assert_non_null(strstr(complaint(0x2000), "not all there"));
	put_header(0x400 - 0x18, 2);
	assert_null(complaint(0x400));
	put_header(0x400 - 0x17, 2);
	assert_non_null(strstr(complaint(0x400), "no PCI data structure"));
	put_header(0xffff, 2);
	assert_non_null(strstr(complaint(0x2000), "no PCI data structure"));
	put_header(0x1c, 2);
	rom[0x1f] = 'r';
	assert_non_null(strstr(complaint(0x400), "no PCI data structure"));
	put_header(0x1c, 2);
	for (uint64_t len = 0; len < 0x1a; len++) {
		assert_non_null(strstr(complaint(len), "55 aa"));
	}
	rom[1] = 0x55;
	assert_non_null(strstr(complaint(0x400), "55 aa"));
	memset(rom, 0xff, sizeof(rom));
	assert_non_null(strstr(complaint(sizeof(rom)), "55 aa"));
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_rom_the_register_is_0),
		TEST(test_register_tells_its_size),
		TEST(test_bar_is_the_power_of_two_that_holds_it),
		TEST(test_it_answers_when_both_bits_are_on),
		TEST(test_loads_are_the_image),
		TEST(test_small_rom_fills_its_page),
		TEST(test_stores_are_dropped),
		TEST(test_bar_0_is_undisturbed),
		TEST(test_it_answers_inside_the_window_only),
		TEST(test_what_is_no_rom_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
