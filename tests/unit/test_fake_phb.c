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

#define PE	  3u
#define PE2	  4u
#define DEV	  0x100u
#define DEV2	  0x200u
#define BIT59	  (1ull << 59)
#define RW	  3u
#define RAM_BYTES 0x800000u

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
	fake_ram_init(&ram, RAM_BYTES);
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

static hpa_t new_node(uint64_t bytes)
{
	hpa_t at;

	assert_int_equal(mem_alloc(&ram.pool, bytes, bytes, &at), 0);
	memset(mem_ptr(&ram.pool, at), 0, bytes);
	return at;
}

static void put_entry(hpa_t node, uint64_t index, uint64_t val)
{
	be64_t raw = be64(val);

	memcpy((uint8_t *)mem_ptr(&ram.pool, node) + 8 * index, &raw, 8);
}

static void test_two_levels_are_walked(void **state)
{
	hpa_t low = new_node(0x1000);

	(void)state;
	put_entry(low, 1, page[1].v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 2, 12), 0);
	put_tce(2, low.v | RW);
	assert_int_equal(peek(DEV, (2ull << 21) + 0x1000, 4), 2);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	assert_int_equal(peek(DEV, (1ull << 30) + (2ull << 21) + 0x1000, 4), -EFAULT);
	assert_int_equal(f.malformed, 0);
	/* A directory entry without both permissions leads nowhere. */
	put_tce(3, low.v | 1);
	assert_int_equal(peek(DEV, (3ull << 21) + 0x1000, 4), -EFAULT);
	assert_int_equal(f.malformed, 1);
}

/* Every level has nodes of the root's size: 9 bits of the address with 4 KiB, 11 with 16 KiB. The
 * entries on the way to the one that is asked for are number level + 1. */
static void test_every_depth_and_node_size_is_walked(void **state)
{
	static const struct {
		uint64_t bytes;
		unsigned int shift;
	} cases[] = {{0x1000, 12}, {0x4000, 12}, {0x1000, 16}, {0x10000, 16}};

	(void)state;
	for (unsigned int i = 0; i < 4 * 5; i++) {
		uint64_t bytes = cases[i / 5].bytes, iova = 0;
		unsigned int levels = i % 5 + 1, shift = cases[i / 5].shift;
		unsigned int bits = (unsigned int)__builtin_ctzll(bytes / 8);
		hpa_t root, node;

		if (shift + bits * (levels - 1) + 3 > 59) {
			/* More than a window can cover. */
			continue;
		}
		root = new_node(bytes);
		node = root;

		for (unsigned int level = levels; level-- > 0;) {
			hpa_t next = level ? new_node(bytes) : new_node(1ull << shift);

			put_entry(node, level + 1, next.v | RW);
			iova |= (uint64_t)(level + 1) << (shift + bits * level);
			node = next;
		}
		*(uint8_t *)mem_ptr(&ram.pool, node) = 0x77;
		assert_int_equal(phb.ops->window_set(&phb, PE, 0, root, bytes, levels, shift), 0);
		assert_int_equal(kill(), 0);
		assert_int_equal(peek(DEV, iova, 1), 0x77);
		for (unsigned int bit = shift; bit < 64; bit++) {
			assert_int_equal(peek(DEV, iova ^ 1ull << bit, 1), -EFAULT);
		}
	}
	assert_int_equal(f.malformed, 0);
}

/* A table of five levels of 64 KiB pages could cover 2^61 bytes: the window ends where the bit
 * begins that selects it. */
static void test_no_table_covers_more_than_a_window(void **state)
{
	hpa_t node = table;

	(void)state;
	for (unsigned int level = 5; level-- > 0;) {
		hpa_t next = level ? new_node(0x1000) : new_node(0x10000);

		for (uint64_t i = 0; i < 512; i++) {
			put_entry(node, i, next.v | RW);
		}
		node = next;
	}
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 5, 16), 0);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, BIT59 - 1, 1), 0);
	assert_int_equal(peek(DEV, BIT59, 1), -EFAULT);
	assert_int_equal(peek(DEV, 1ull << 60, 1), -EFAULT);
	assert_int_equal(peek(DEV, UINT64_MAX, 1), -EFAULT);
}

/* What software must not make: a node outside memory, at its end, or askew; a bit that means
 * nothing. It faults, and the test that made it can see that. */
static void test_malformed_tables_fault_and_are_counted(void **state)
{
	hpa_t node = new_node(0x4000);
	const uint64_t upper[] = {FAKE_RAM_BASE - 0x4000, FAKE_RAM_BASE + RAM_BYTES,
		node.v + 0x1000, node.v + 8, node.v | 1ull << 63, 0};
	const uint64_t leaf[] = {page[0].v | 4, page[0].v | 0x800, page[0].v | 1ull << 62,
		FAKE_RAM_BASE + RAM_BYTES, 0};
	unsigned int n = 0;

	(void)state;
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, node, 0x4000, 2, 12), 0);
	for (unsigned int i = 0; i < 6; i++) {
		put_entry(node, 0, upper[i] | RW);
		assert_int_equal(kill(), 0);
		assert_int_equal(peek(DEV, 0, 1), -EFAULT);
		assert_int_equal(f.malformed, ++n);
	}
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 1, 12), 0);
	for (unsigned int i = 0; i < 5; i++) {
		put_tce(0, leaf[i] | RW);
		assert_int_equal(kill(), 0);
		assert_int_equal(peek(DEV, 0, 1), -EFAULT);
		assert_int_equal(f.malformed, ++n);
	}
	/* Nothing at all is an empty entry, and no mistake. */
	put_tce(0, 0);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0, 1), -EFAULT);
	assert_int_equal(f.malformed, n);
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
	/* Another PE's kill is not ours, and a lost one is none. */
	assert_int_equal(phb.ops->tce_kill(&phb, PE2), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	f.deaf_to_kills = true;
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	f.deaf_to_kills = false;
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
}

/* A node that was linked where there was none is not seen before a kill, and one that was taken out
 * is still walked. */
static void test_upper_entries_are_cached_like_the_others(void **state)
{
	hpa_t low = new_node(0x1000), other = new_node(0x1000);

	(void)state;
	put_entry(low, 1, page[1].v | RW);
	put_entry(low, 2, page[2].v | RW);
	put_entry(other, 2, page[3].v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 2, 12), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	put_tce(0, low.v | RW);
	assert_int_equal(peek(DEV, 0x1000, 4), -EFAULT);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x1000, 4), 2);
	/* Never fetched before, but by the node that is cached. */
	put_tce(0, other.v | RW);
	assert_int_equal(peek(DEV, 0x2000, 4), 3);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x2000, 4), 4);
	put_tce(0, 0);
	assert_int_equal(peek(DEV, 0x2000, 4), 4);
	assert_int_equal(kill(), 0);
	assert_int_equal(peek(DEV, 0x2000, 4), -EFAULT);
}

/* Of another PE, or of another level of a window that has changed its shape, nothing is taken. */
static void test_cached_entries_are_of_one_pe_and_level(void **state)
{
	unsigned int far_pe = PE + FAKE_CACHE / FAKE_WAYS;
	hpa_t other = new_node(0x1000), large = new_node(0x200000);

	(void)state;
	assert_int_equal(phb.ops->reset_iommu(&phb), 0);
	assert_int_equal(phb.ops->pe_add_bus(&phb, PE, 1), 0);
	assert_int_equal(phb.ops->pe_add_bus(&phb, far_pe, 2), 0);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 1, 12), 0);
	assert_int_equal(phb.ops->window_set(&phb, far_pe, 0, other, 0x1000, 1, 12), 0);
	put_tce(1, page[0].v | RW);
	put_entry(other, 1, page[1].v | RW);
	assert_int_equal(peek(DEV, 0x1000, 1), 1);
	assert_int_equal(peek(DEV2, 0x1000, 1), 2);
	/* Two levels of 4 KiB pages, then one level of 2 MiB pages, and no kill between. */
	put_tce(3, other.v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 2, 12), 0);
	assert_int_equal(peek(DEV, 0x601000, 1), 2);
	put_tce(3, large.v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE, 0, table, 0x1000, 1, 21), 0);
	memset(mem_ptr(&ram.pool, large), 0x66, 0x200000);
	assert_int_equal(peek(DEV, 0x601000, 1), 0x66);
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
	put_tce(1, (FAKE_RAM_BASE + RAM_BYTES) | RW);
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

/* Runs one operation, and says whether its work was done (it may be done once in a test). */
static bool work_done(enum fake_op op, int want)
{
	const struct host_phb_ops *o = phb.ops;
	uint64_t id, addr;
	uint32_t val, data;
	uint8_t byte = 0x5a;

	switch (op) {
	case FAKE_CONFIG_READ:
		assert_int_equal(fake_phb_dma_start(&f, DEV, 0x1000, &byte, 1, true, &id), 0);
		assert_int_equal(o->config_read(&phb, DEV, 0, 4, &val), want);
		return !fake_phb_in_flight(&f);
	case FAKE_CONFIG_WRITE:
		assert_int_equal(o->config_write(&phb, DEV, PCI_COMMAND, 2, 0), want);
		return !(fake_get(fake_find_func(&f, DEV), PCI_COMMAND, 2) & 4);
	case FAKE_RESET_IOMMU:
		assert_int_equal(o->reset_iommu(&phb), want);
		return !fake_phb_any_window(&f);
	case FAKE_PE_ADD_BUS:
		assert_int_equal(o->pe_add_bus(&phb, PE, 9), want);
		return f.pe_of_bus[9] == PE;
	case FAKE_PE_ADD_MMIO:
		assert_int_equal(o->pe_add_mmio(&phb, PE, 7, 2), want);
		return f.pe_of_segment[7] == PE && f.pe_of_segment[8] == PE;
	case FAKE_WINDOW_SET:
		assert_int_equal(o->window_set(&phb, PE2, 1, table, 0x1000, 1, 12), want);
		return f.windows[PE2][1].on;
	case FAKE_WINDOW_OFF:
		assert_int_equal(o->window_off(&phb, PE, 0), want);
		return !f.windows[PE][0].on;
	case FAKE_TCE_KILL:
		put_tce(1, 0);
		assert_int_equal(kill(), want);
		return peek(DEV, 0x1000, 1) == -EFAULT;
	default:
		assert_int_equal(o->msi_setup(&phb, PE, 40, true, &addr, &data), want);
		return f.pe_of_msi[40] == PE;
	}
}

static void test_every_operation_fails_before_or_after_its_work(void **state)
{
	for (unsigned int op = 0; op < FAKE_NUM_OPS; op++) {
		for (unsigned int late = 0; late < 2; late++) {
			teardown(state);
			setup(state);
			put_tce(1, page[0].v | RW);
			assert_int_equal(peek(DEV, 0x1000, 1), 1);
			f.fail_late = late;
			f.fail_at = 1;
			assert_int_equal(work_done((enum fake_op)op, -EIO), late);
			assert_int_equal(f.fail_at, 0);
		}
		teardown(state);
		setup(state);
		put_tce(1, page[0].v | RW);
		assert_int_equal(peek(DEV, 0x1000, 1), 1);
		assert_true(work_done((enum fake_op)op, 0));
	}
}

static uint64_t start(uint16_t bdfn, uint64_t iova, void *buf, bool write)
{
	uint64_t id = 0;

	assert_int_equal(fake_phb_dma_start(&f, bdfn, iova, buf, 1, write, &id), 0);
	return id;
}

static uint8_t *byte_of(unsigned int i)
{
	return mem_ptr(&ram.pool, page[i]);
}

/* Between the unmap and the return of the kill a device may still use what was mapped; the kill
 * waits for what reads, and what it has read then is what was there before the kill. */
static void test_kill_waits_for_reads_in_flight(void **state)
{
	uint8_t buf = 0xff, other = 0xff;
	uint64_t id, id2;

	(void)state;
	put_tce(1, page[0].v | RW);
	assert_int_equal(phb.ops->window_set(&phb, PE2, 0, table, 0x1000, 1, 12), 0);
	id = start(DEV, 0x1000, &buf, false);
	id2 = start(DEV2, 0x1000, &other, false);
	put_tce(1, 0);
	*byte_of(0) = 0x11;
	assert_int_equal(buf, 0xff);
	assert_int_equal(kill(), 0);
	assert_int_equal(buf, 0x11);
	assert_int_equal(other, 0xff);
	/* It is over: what comes later is not seen. */
	*byte_of(0) = 0x22;
	fake_phb_dma_finish(&f, id);
	assert_int_equal(buf, 0x11);
	fake_phb_dma_finish(&f, id2);
	assert_int_equal(other, 0x22);
	assert_int_equal(fake_phb_in_flight(&f), 0);
}

/* Design decision 16: neither bus master off, nor window off, nor a kill stop a write that is on
 * its way; only an answer from its function comes behind it. */
static void test_posted_write_lands_until_it_is_pushed(void **state)
{
	uint8_t byte = 0x99;
	uint32_t val;
	uint64_t id;

	(void)state;
	put_tce(1, page[0].v | RW);
	id = start(DEV, 0x1000, &byte, true);
	byte = 0;
	put_tce(1, 0);
	assert_int_equal(phb.ops->config_write(&phb, DEV, PCI_COMMAND, 2, 0), 0);
	assert_int_equal(phb.ops->window_off(&phb, PE, 0), 0);
	assert_int_equal(kill(), 0);
	assert_int_equal(*byte_of(0), 1);
	assert_int_equal(fake_phb_in_flight(&f), 1);
	assert_int_equal(phb.ops->config_read(&phb, DEV2, 0, 4, &val), 0);
	assert_int_equal(fake_phb_in_flight(&f), 1);
	assert_int_equal(phb.ops->config_read(&phb, DEV, 0, 4, &val), 0);
	assert_int_equal(*byte_of(0), 0x99);
	*byte_of(0) = 1;
	fake_phb_dma_finish(&f, id);
	assert_int_equal(*byte_of(0), 1);
}

/* Nothing of a function passes what it wrote before: later writes, reads, messages. */
static void test_a_function_keeps_its_order(void **state)
{
	uint8_t a = 0xa1, b = 0xa2, buf = 0;
	uint64_t addr, first, second;
	uint32_t data;

	(void)state;
	put_tce(1, page[0].v | RW);
	assert_int_equal(phb.ops->msi_setup(&phb, PE, 5, true, &addr, &data), 0);
	for (unsigned int how = 0; how < 5; how++) {
		*byte_of(0) = 0;
		first = start(DEV, 0x1000, &a, true);
		second = how == 1 ? start(DEV, 0x1000, &buf, false) : start(DEV, 0x1000, &b, true);
		switch (how) {
		case 0:
			fake_phb_dma_finish(&f, second);
			break;
		case 1:
			/* The kill ends the read, and the read comes behind the write. */
			assert_int_equal(kill(), 0);
			assert_int_equal(buf, 0xa1);
			break;
		case 2:
			fake_phb_send(&f, DEV, addr, data);
			break;
		case 3:
			assert_int_equal(peek(DEV, 0x1000, 1), 0xa2);
			break;
		default:
			fake_phb_dma_finish(&f, first);
			assert_int_equal(*byte_of(0), 0xa1);
			assert_int_equal(fake_phb_in_flight(&f), 1);
			fake_phb_dma_finish(&f, second);
			break;
		}
		assert_int_equal(*byte_of(0), how == 1 ? 0xa1 : 0xa2);
		assert_int_equal(fake_phb_in_flight(&f), 0);
		fake_phb_dma_finish(&f, first);
		assert_int_equal(*byte_of(0), how == 1 ? 0xa1 : 0xa2);
	}
	assert_int_equal(f.msis[5], 1);
}

static void test_dma_that_cannot_start_does_not(void **state)
{
	uint8_t buf[65] = {0};
	uint64_t id;

	(void)state;
	put_tce(1, page[0].v | 1);
	put_tce(2, page[1].v | RW);
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x2000, buf, 65, false, &id), -EINVAL);
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x2000, buf, 0, false, &id), -EINVAL);
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x2fff, buf, 2, false, &id), -EINVAL);
	assert_int_equal(f.faults, 0);
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x1000, buf, 1, true, &id), -EFAULT);
	assert_int_equal(f.faults, 1);
	assert_true(f.frozen[PE]);
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x2000, buf, 1, false, &id), -EFAULT);
	fake_phb_thaw(&f);
	for (unsigned int i = 0; i < FAKE_FLIGHTS; i++) {
		(void)start(DEV, 0x2000, buf, false);
	}
	assert_int_equal(fake_phb_dma_start(&f, DEV, 0x2000, buf, 1, false, &id), -EINVAL);
	assert_int_equal(fake_phb_in_flight(&f), FAKE_FLIGHTS);
}

/* DM-11: a message counts for the PE it was given to, and only if that is not frozen. */
static void test_messages_come_from_their_own_pe(void **state)
{
	uint64_t addr;
	uint32_t data;

	(void)state;
	for (unsigned int wide = 0; wide < 2; wide++) {
		assert_int_equal(phb.ops->msi_setup(&phb, PE, 70, wide, &addr, &data), 0);
		assert_true(wide || addr <= UINT32_MAX);
		fake_phb_send(&f, DEV2, addr, data);
		fake_phb_send(&f, DEV, addr, data + 1);
		assert_int_equal(f.msis_dropped, 2 + 3 * wide);
		fake_phb_send(&f, DEV, addr, data);
		assert_int_equal(f.msis[70], wide + 1);
		f.frozen[PE] = true;
		fake_phb_send(&f, DEV, addr, data);
		fake_phb_thaw(&f);
		assert_int_equal(f.msis_dropped, 3 + 3 * wide);
	}
	assert_int_equal(f.msis[70], 2);
	assert_int_equal(f.msis[71], 0);
}

/* Loads from a frozen PE are all ones and stores are lost; a load pushes what was written. */
static void test_bars_of_a_frozen_pe_are_all_ones(void **state)
{
	static uint8_t bar[0x10000];
	struct fake_func *func = fake_find_func(&f, DEV);
	hpa_t at = hpa(phb.m32_cpu.v + 0x10000);
	uint8_t byte = 0x44;
	uint64_t val = 0x12345678;

	(void)state;
	fake_set_bar(func, 0, sizeof(bar), false, false);
	fake_set_bar_mem(func, 0, bar, sizeof(bar));
	fake_put(func, PCI_BAR0, 4, phb.m32_bus + 0x10000);
	fake_put(fake_find_func(&f, 0), 0x20, 4, 0x80108000);
	assert_int_equal(phb.ops->pe_add_mmio(&phb, PE, 0, 1), 0);
	assert_true(fake_phb_on_mmio(&f, at, 4, true, &val));
	put_tce(1, page[0].v | RW);
	(void)start(DEV, 0x1000, &byte, true);
	f.frozen[PE] = true;
	assert_true(fake_phb_on_mmio(&f, at, 4, false, &val));
	assert_true(val == UINT32_MAX);
	val = 0;
	assert_true(fake_phb_on_mmio(&f, at, 4, true, &val));
	assert_int_equal(fake_phb_in_flight(&f), 1);
	fake_phb_thaw(&f);
	assert_true(fake_phb_on_mmio(&f, at, 4, false, &val));
	assert_true(val == 0x12345678);
	assert_int_equal(fake_phb_in_flight(&f), 0);
	assert_int_equal(*byte_of(0), 0x44);
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
		TEST(test_every_depth_and_node_size_is_walked),
		TEST(test_no_table_covers_more_than_a_window),
		TEST(test_malformed_tables_fault_and_are_counted),
		TEST(test_cache_serves_old_entries_until_killed),
		TEST(test_upper_entries_are_cached_like_the_others),
		TEST(test_cached_entries_are_of_one_pe_and_level),
		TEST(test_window_turned_on_again_serves_what_was_cached),
		TEST(test_functions_belong_to_the_pe_of_their_bus),
		TEST(test_fault_freezes_only_its_pe_until_thawed),
		TEST(test_no_dma_without_bus_master_all_the_way),
		TEST(test_target_outside_ram_or_page_faults),
		TEST(test_bad_arguments_are_refused),
		TEST(test_config_cycles_follow_bridges_and_masks),
		TEST(test_nth_call_fails_once_and_does_nothing),
		TEST(test_every_operation_fails_before_or_after_its_work),
		TEST(test_kill_waits_for_reads_in_flight),
		TEST(test_posted_write_lands_until_it_is_pushed),
		TEST(test_a_function_keeps_its_order),
		TEST(test_dma_that_cannot_start_does_not),
		TEST(test_messages_come_from_their_own_pe),
		TEST(test_bars_of_a_frozen_pe_are_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
