// SPDX-License-Identifier: Apache-2.0
/*
 * tests/fake/fake_phb.c: that the strict model is strict. What passes here is what the tests of
 * VFIO rely on when they say that a device could not reach something.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/pci.h"
#include "tests/fake/fake_phb.h"

#include <string.h>

#define PE    3u
#define PE2   4u
#define DEV   0x100u
#define DEV2  0x200u
#define BIT59 (1ull << 59)
#define RW    3u

static struct fake_ram ram;
static struct fake_phb f;
static struct host_phb phb;
static hpa_t table, page[4];

static void put_tce(uint64_t index, uint64_t val)
{
	be64_t raw = be64(val);

	memcpy((uint8_t *)mem_ptr(&ram.pool, table) + 8 * index, &raw, 8);
}

/* Two open links with a function each; PE has window 0, 512 entries of 4K; nothing mapped. */
static int setup(void **state)
{
	(void)state;
	fake_ram_init(&ram, 0x100000);
	fake_phb_init(&f, &phb, 0, &ram);
	fake_add_bridge(&f, 0x000, 1, 1);
	fake_add_bridge(&f, 0x008, 2, 2);
	fake_add_func(&f, DEV, 0x11e81234);
	fake_add_func(&f, DEV2, 0x11e81234);
	assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &table), 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &page[i]), 0);
		memset(mem_ptr(&ram.pool, page[i]), (int)i + 1, 0x1000);
	}
	assert_int_equal(phb.ops->reset_iommu(&phb), 0);
	assert_int_equal(phb.ops->pe_add_bus(&phb, PE, 1), 0);
	assert_int_equal(phb.ops->pe_add_bus(&phb, PE2, 2), 0);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 1, 12), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

/* Reads len bytes at iova; the first byte, or the error. The PHB is thawed first. */
static int peek(uint16_t bdfn, uint64_t iova, size_t len)
{
	uint8_t buf[0x2000];
	int err;

	fake_phb_thaw(&f);
	err = fake_phb_dma(&f, bdfn, iova, buf, len, false);
	return err ? err : buf[0];
}

static int poke(uint16_t bdfn, uint64_t iova)
{
	uint8_t buf[4] = {9, 9, 9, 9};

	fake_phb_thaw(&f);
	return fake_phb_dma(&f, bdfn, iova, buf, sizeof(buf), true);
}

static int kill(void)
{
	return phb.ops->tce_kill(&phb, PE);
}

static void test_mapped_pages_move_bytes_both_ways(void **state)
{
	(void)state;
	put_tce(5, page[0].v | RW);
	put_tce(6, page[2].v | RW);
	assert_int_equal(peek(DEV, 0x5010, 16), 1);
	assert_int_equal(peek(DEV, 0x5ff0, 32), 1);
	assert_int_equal(poke(DEV, 0x5ffe), 0);
	assert_int_equal(((uint8_t *)mem_ptr(&ram.pool, page[0]))[0xfff], 9);
	assert_int_equal(((uint8_t *)mem_ptr(&ram.pool, page[2]))[1], 9);
	assert_int_equal(((uint8_t *)mem_ptr(&ram.pool, page[2]))[2], 3);
}

/* DM-02 */
static void test_permissions_are_apart(void **state)
{
	static const struct {
		unsigned int perm;
		bool reads, writes;
	} cases[] = {{0, false, false}, {1, true, false}, {2, false, true}, {3, true, true}};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		put_tce(i, page[i].v | cases[i].perm);
		assert_int_equal(peek(DEV, i << 12, 4), cases[i].reads ? (int)i + 1 : -EFAULT);
		assert_int_equal(poke(DEV, i << 12), cases[i].writes ? 0 : -EFAULT);
	}
}

/* DM-01, DM-05: an address that differs in any bit does not reach the page. */
static void test_no_address_bit_is_ignored(void **state)
{
	(void)state;
	put_tce(0, page[0].v | RW);
	for (unsigned int bit = 12; bit < 64; bit++) {
		assert_int_equal(peek(DEV, 1ull << bit, 4), -EFAULT);
	}
	assert_int_equal(peek(DEV, 0, 4), 1);
}

static void test_second_window_is_selected_by_bit_59(void **state)
{
	(void)state;
	assert_int_equal(phb.ops->window_set(&phb, PE, 1, table, 0x1000, 1, 16), 0);
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), 0);
	put_tce(1, (page[0].v & ~0xffffull) | RW);
	assert_int_equal(peek(DEV, 0x10000, 4), -EFAULT);
	assert_int_not_equal(peek(DEV, BIT59 + 0x10000, 4), -EFAULT);
	assert_int_equal(peek(DEV, BIT59 + 0x20000, 4), -EFAULT);
}

static void test_two_levels_are_walked(void **state)
{
	hpa_t low;
	be64_t raw = be64(page[1].v | RW);

	(void)state;
	assert_int_equal(mem_alloc(&ram.pool, 0x1000, 0x1000, &low), 0);
	memset(mem_ptr(&ram.pool, low), 0, 0x1000);
	memcpy((uint8_t *)mem_ptr(&ram.pool, low) + 8, &raw, 8);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 2, 12), 0);
	put_tce(2, low.v | RW);
	assert_int_equal(peek(DEV, (2ull << 21) + 0x1000, 4), 2);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	assert_int_equal(peek(DEV, (1ull << 30) + (2ull << 21) + 0x1000, 4), -EFAULT);
	/* A directory entry without both permissions leads nowhere. */
	put_tce(3, low.v | 1);
	assert_int_equal(peek(DEV, (3ull << 21) + 0x1000, 4), -EFAULT);
}

static void test_cache_serves_old_entries_until_killed(void **state)
{
	(void)state;
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	put_tce(1, page[0].v | RW);
	/* The invalid entry is cached, too. */
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 1);
	put_tce(1, page[1].v | RW);
	assert_int_equal(peek(DEV, 0x1000, 4), 1);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	put_tce(1, 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	/* Another PE's kill is not ours. */
	assert_int_equal(phb.ops->tce_kill(&phb, PE2), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	assert_int_equal(phb.ops->tce_kill(&phb, PE), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
}

static void test_window_turned_on_again_serves_what_was_cached(void **state)
{
	(void)state;
	put_tce(1, page[0].v | RW);
	assert_int_equal(peek(DEV, 0x1000, 4), 1);
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	put_tce(1, 0);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 1, 12), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 1);
}

/* DM-08: a bus nobody claimed is in the reserved PE, which translates nothing. */
static void test_functions_belong_to_the_pe_of_their_bus(void **state)
{
	(void)state;
	put_tce(1, page[0].v | RW);
	assert_int_equal(peek(DEV2, 0x1000, 4), -EFAULT);
	assert_int_equal(phb.ops->reset_iommu(&phb), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	assert_int_equal(peek(0x300, 0x1000, 4), -EFAULT);
}

static void test_fault_freezes_only_its_pe_until_thawed(void **state)
{
	uint8_t buf[4];

	(void)state;
	put_tce(1, page[0].v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE2, 0, table, 0x1000, 1, 12), 0);
	assert_int_equal(fake_phb_dma(&f, DEV, 0x2000, buf, 4, false), -EFAULT);
	assert_int_equal(f.faults, 1);
	assert_int_equal(fake_phb_dma(&f, DEV, 0x1000, buf, 4, false), -EFAULT);
	assert_int_equal(fake_phb_dma(&f, DEV2, 0x1000, buf, 4, false), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 1);
}

static void test_no_dma_without_bus_master_all_the_way(void **state)
{
	static const uint16_t path[] = {DEV, 0x000};

	(void)state;
	put_tce(1, page[0].v | RW);
	for (unsigned int i = 0; i < 2; i++) {
		struct fake_func *func = fake_find_func(&f, path[i]);

		fake_put(func, PCI_COMMAND, 2, 0x103);
		assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
		assert_int_equal(f.faults, 0);
		fake_put(func, PCI_COMMAND, 2, 0x107);
		assert_int_equal(peek(DEV, 0x1000, 4), 1);
	}
}

static void test_target_outside_ram_or_page_faults(void **state)
{
	(void)state;
	put_tce(1, (FAKE_RAM_BASE + 0x100000) | RW);
	put_tce(2, (FAKE_RAM_BASE - 0x1000) | RW);
	put_tce(3, (page[0].v + 0x10) | RW);
	for (uint64_t i = 1; i < 4; i++) {
		assert_int_equal(peek(DEV, i << 12, 4), -EFAULT);
	}
}

static void test_bad_arguments_are_refused(void **state)
{
	(void)state;
	const struct host_phb_ops *o = phb.ops;
	uint32_t val;

	assert_int_equal(o->window_set(&phb, 0x1ff, 0, table, 0x1000, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, 0x200, 0, table, 0x1000, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 2, table, 0x1000, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, table, 0x800, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, table, 0x3000, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, table, 0x1000, 0, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, table, 0x1000, 6, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, table, 0x1000, 1, 13), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, hpa(table.v + 8), 0x1000, 1, 12), -EINVAL);
	assert_int_equal(o->window_set(&phb, PE, 0, hpa(0x1000), 0x1000, 1, 12), -EINVAL);
	assert_int_equal(o->pe_add_bus(&phb, PE2, 1), -EINVAL);
	assert_int_equal(o->pe_add_mmio(&phb, PE, 0x1ff, 2), -EINVAL);
	assert_int_equal(o->tce_kill(&phb, 0x1ff), -EINVAL);
	assert_int_equal(o->tce_kill(&phb, 0x200), -EINVAL);
	assert_int_equal(o->config_read(&phb, DEV, 1, 2, &val), -EINVAL);
	assert_int_equal(o->config_read(&phb, DEV, 0, 3, &val), -EINVAL);
}

static void test_config_cycles_follow_bridges_and_masks(void **state)
{
	uint32_t val;

	(void)state;
	assert_int_equal(phb.ops->config_read(&phb, DEV, 0, 4, &val), 0);
	assert_int_equal(val, 0x11e81234);
	assert_int_equal(phb.ops->config_write(&phb, DEV, 0, 4, 0), 0);
	assert_int_equal(phb.ops->config_read(&phb, DEV, 2, 2, &val), 0);
	assert_int_equal(val, 0x11e8);
	assert_int_equal(phb.ops->config_read(&phb, 0x300, 0, 2, &val), 0);
	assert_int_equal(val, 0xffff);
	fake_find_func(&f, 0x000)->gone = true;
	assert_int_equal(phb.ops->config_read(&phb, DEV, 0, 4, &val), 0);
	assert_int_equal(val, UINT32_MAX);
}

static void test_nth_call_fails_once_and_does_nothing(void **state)
{
	(void)state;
	f.fail_at = 2;
	assert_int_equal(kill(), 0);
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), -EIO);
	assert_true(f.windows[PE][0].on);
	f.fail_at = 1;
	f.fail_late = true;
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), -EIO);
	assert_false(fake_phb_any_window(&f));
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mapped_pages_move_bytes_both_ways),
		TEST(test_permissions_are_apart),
		TEST(test_no_address_bit_is_ignored),
		TEST(test_second_window_is_selected_by_bit_59),
		TEST(test_two_levels_are_walked),
		TEST(test_cache_serves_old_entries_until_killed),
		TEST(test_window_turned_on_again_serves_what_was_cached),
		TEST(test_functions_belong_to_the_pe_of_their_bus),
		TEST(test_fault_freezes_only_its_pe_until_thawed),
		TEST(test_no_dma_without_bus_master_all_the_way),
		TEST(test_target_outside_ram_or_page_faults),
		TEST(test_bad_arguments_are_refused),
		TEST(test_config_cycles_follow_bridges_and_masks),
		TEST(test_nth_call_fails_once_and_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
