// SPDX-License-Identifier: Apache-2.0
/* core/vfio_rom.c: the device's option ROM is on for the reads and at no other time. SEED-003.43,
 * CF-04; on the strict PHB model, whose functions have one decoder for ROM and BARs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/host_pci.h"
#include "core/log.h"
#include "core/pci.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define SIZE 0x2000u

static struct fake_machine m;
static struct host_phb_ops ops;
static struct vfio_container *c;
static struct vfio_group *g;
static struct vfio_device *d;
static struct fake_func *dev;
static uint8_t rom[SIZE], copy[SIZE], bar0[0x1000];
static unsigned int func, lines, nloads;
static bool stuck, forgets, validates;

static void count_line(const char *line, size_t len)
{
	(void)line;
	(void)len;
	lines++;
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {count_line, no_time};

/* A device of which the ROM cannot be switched off again, or on. */
static int write_cycle(
	struct host_phb *p, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	if (off == PCI_ROM_BAR && ((stuck && !val) || (forgets && val))) {
		return 0;
	}
	return fake_phb_ops.config_write(p, bdfn, off, size, val);
}

/* A device that says below the address whether it has found its ROM sound (PCI Express 5.0,
 * 7.5.1.2.4). */
static int read_cycle(
	struct host_phb *p, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	int err = fake_phb_ops.config_read(p, bdfn, off, size, val);

	if (off == PCI_ROM_BAR && validates && !err) {
		*val |= 0x4;
	}
	return err;
}

/* Every load meets the ROM on, and no BAR. */
static bool count_loads(void *arg, hpa_t at, unsigned int size, bool write, uint64_t *val)
{
	nloads++;
	assert_true(fake_get(dev, PCI_ROM_BAR, 4) & PCI_ROM_ENABLE);
	assert_int_equal(size, 4);
	return fake_phb_on_mmio(arg, at, size, write, val);
}

static int setup(void **state)
{
	(void)state;
	fake_machine_init(&m);
	fake_arch_reset();
	for (uint32_t i = 0; i < SIZE; i++) {
		rom[i] = (uint8_t)(i * 5 + i / 256);
	}
	dev = fake_find_func(&m.phb[0], FAKE_DEV0);
	fake_set_rom(dev, SIZE, rom);
	fake_set_bar(dev, 0, sizeof(bar0), false, false);
	fake_set_bar_mem(dev, 0, bar0, sizeof(bar0));
	ops = fake_phb_ops;
	ops.config_write = write_cycle;
	ops.config_read = read_cycle;
	m.board.phbs[0].ops = &ops;
	stuck = forgets = validates = false;
	memset(m.board.groups, 0, sizeof(m.board.groups));
	m.board.ngroups = m.board.nfuncs = 0;
	host_pci_scan(&m.board);
	vfio_init(&m.vfio, &m.board);
	for (func = 0; m.board.funcs[func].bdfn != FAKE_DEV0; func++) {
	}
	assert_int_equal(vfio_register_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_group_get_device(g, func, &d), 0);
	fake_arch.on_mmio = count_loads;
	fake_arch.on_mmio_arg = &m.phb[0];
	memset(copy, 0, sizeof(copy));
	log_set_sink(&sink);
	lines = nloads = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static bool is_on(void)
{
	return fake_get(dev, PCI_ROM_BAR, 4) & PCI_ROM_ENABLE;
}

/* BAR 0 answers, and at the ROM's place nobody does. */
static void assert_as_before(void)
{
	uint16_t bdfn;
	unsigned int bar, pe;

	assert_false(is_on());
	assert_int_equal(
		fake_phb_mmio(&m.phb[0], m.board.funcs[func].bars[0].bus, &bdfn, &bar, &pe), 0);
	assert_int_equal(bar, 0);
	assert_int_equal(
		fake_phb_mmio(&m.phb[0], m.board.funcs[func].rom.bus, &bdfn, &bar, &pe), -ENODEV);
	assert_true(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	assert_false(fake_get(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static void test_all_of_it_is_read_and_it_is_off_again(void **state)
{
	(void)state;
	assert_int_equal(m.board.funcs[func].rom.size, SIZE);
	assert_as_before();
	assert_int_equal(vfio_read_rom(d, copy, SIZE), 0);
	assert_memory_equal(copy, rom, SIZE);
	assert_int_equal(nloads, SIZE / 4);
	assert_as_before();
	assert_int_equal(lines, 0);
}

static void test_wrong_calls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(vfio_read_rom(d, copy, SIZE / 2), -EINVAL);
	m.board.funcs[func].rom.bus = 0;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EINVAL);
	m.board.funcs[func].rom.bus = 0x80010000;
	vfio_put_device(d);
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EINVAL);
	assert_int_equal(nloads, 0);
}

/* Nothing is loaded from a device that would not answer. */
static void test_device_that_decodes_nothing_is_not_loaded_from(void **state)
{
	(void)state;
	fake_put(dev, PCI_COMMAND, 2, 0);
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	fake_put(dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	d->reset.asleep = true;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	d->reset.asleep = false;
	forgets = true;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	forgets = false;
	d->reset.phase = VFIO_RESET_SETTLE;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EBUSY);
	d->reset.phase = VFIO_RESET_NONE;
	assert_int_equal(nloads, 0);
	assert_as_before();
	assert_int_equal(lines, 0);
	dev->gone = true;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	assert_int_equal(nloads, 0);
	assert_int_equal(lines, 1);
}

/* Each cycle fails in its turn, before or after it has done its work. */
static void test_enable_bit_is_off_whatever_cycle_fails(void **state)
{
	for (unsigned int late = 0; late < 2; late++) {
		unsigned int k = 1, nfailed = 0;
		bool failed;

		do {
			int err;

			teardown(state);
			setup(state);
			m.phb[0].fail_late = late;
			m.phb[0].fail_at = k++;
			err = vfio_read_rom(d, copy, SIZE);
			failed = !m.phb[0].fail_at;
			nfailed += err != 0;
			assert_as_before();
			assert_true(!err || err == -EIO);
			assert_int_equal(d->gone, lines);
			if (!err) {
				assert_memory_equal(copy, rom, SIZE);
			}
		} while (failed);
		/* The first three are what cannot go on; what switches it off is made good. */
		assert_int_equal(nfailed, 3);
		assert_int_equal(k - 1, 6);
	}
}

static void test_rom_that_stays_on_makes_the_device_unfit(void **state)
{
	(void)state;
	stuck = true;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	assert_true(d->gone);
	assert_int_equal(lines, 1);
}

static void test_bits_below_the_address_do_not_matter(void **state)
{
	(void)state;
	validates = true;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), 0);
	assert_memory_equal(copy, rom, SIZE);
	assert_as_before();
}

/* A device may take its time with each load, and nobody's for all of them: others wait. */
static void test_slow_rom_is_given_up(void **state)
{
	(void)state;
	fake_arch.tick_ns = 40000000;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), -EIO);
	assert_in_range(nloads, 1, SIZE / 8);
	assert_false(d->gone);
	assert_as_before();
	fake_arch.tick_ns = 1000;
	assert_int_equal(vfio_read_rom(d, copy, SIZE), 0);
	assert_memory_equal(copy, rom, SIZE);
	assert_int_equal(lines, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_of_it_is_read_and_it_is_off_again),
		TEST(test_wrong_calls_are_refused),
		TEST(test_device_that_decodes_nothing_is_not_loaded_from),
		TEST(test_enable_bit_is_off_whatever_cycle_fails),
		TEST(test_rom_that_stays_on_makes_the_device_unfit),
		TEST(test_bits_below_the_address_do_not_matter),
		TEST(test_slow_rom_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
