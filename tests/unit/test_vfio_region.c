// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_region.c: what a device says it has, and every access to it, on the strict PHB model.
 *
 * SEED-001.58 asks for a test file for each part that it names: BAR registration is in test_pci.c,
 * the mapping of a region and its reads and writes here, the PCI Express capability in
 * test_vfio_perm.c, disabling a kind of interrupt in test_vfio_irqs.c, MSI and MSI-X in
 * test_pci_msi.c and test_msi.c, INTx in test_partition_funcs.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/dev_help.h"

static struct vfio_region_info region(struct vfio_device *d, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	assert_int_equal(vfio_get_region_info(d, &info), 0);
	assert_int_equal(info.argsz, sizeof(info));
	assert_int_equal(info.index, index);
	return info;
}

/* SEED-001.27: flags and counts; reset ability is one of the flags. */
static void test_device_info(void **state)
{
	struct vfio_device *a = open_device(FAKE_DEV0), *b = open_device(FAKE_DEV1);
	struct vfio_device_info info = {.argsz = UINT32_MAX, .flags = UINT32_MAX};

	(void)state;
	assert_int_equal(vfio_get_device_info(a, &info), 0);
	assert_int_equal(info.argsz, sizeof(info));
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 5);
	/* One that resets on its way from D3hot. */
	fake_at(FAKE_DEV1)->image[PCI_CAP_PTR] = 0x40;
	fake_at(FAKE_DEV1)->image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	fake_put(fake_at(FAKE_DEV1), 0x40, 4, PCI_CAP_PM);
	info.argsz = sizeof(info);
	assert_int_equal(vfio_get_device_info(b, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	/* The bus would reset a neighbour, too; without one it is a way. */
	m.board.groups[1].nfuncs = 1;
	assert_int_equal(vfio_get_device_info(a, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	m.board.groups[1].port = -1;
	assert_int_equal(vfio_get_device_info(a, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI);
	fake_at(FAKE_DEV0)->gone = true;
	assert_int_equal(vfio_config_read(a, 0, 4, &(uint32_t){0}), -EIO);
	assert_int_equal(vfio_get_device_info(a, &info), -EIO);
}

/* SEED-001.29: each of the three, by one too few. */
static void test_insane_device_info_is_named(void **state)
{
	static const struct {
		struct vfio_device_info info;
		const char *why;
	} cases[] = {
		{{.flags = VFIO_DEVICE_FLAGS_PCI, .num_regions = 8, .num_irqs = 3}, NULL},
		{{.flags = UINT32_MAX, .num_regions = UINT32_MAX, .num_irqs = UINT32_MAX}, NULL},
		{{.flags = VFIO_DEVICE_FLAGS_RESET, .num_regions = 9, .num_irqs = 5}, "not PCI"},
		{{.flags = VFIO_DEVICE_FLAGS_PCI, .num_regions = 7, .num_irqs = 5}, "region"},
		{{.flags = VFIO_DEVICE_FLAGS_PCI, .num_regions = 8, .num_irqs = 2}, "interrupt"},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why = vfio_check_device_info(&cases[i].info);

		assert_int_equal(!why, !cases[i].why);
		assert_true(!why || strstr(why, cases[i].why));
	}
}

static void test_regions(void **state)
{
	static const struct {
		uint32_t index, flags;
		uint64_t size;
	} cases[] = {{0, 7, HELP_BAR0}, {1, 0, 0}, {2, 7, HELP_BAR2}, {3, 0, 0}, {4, 0, 0},
		{5, 0, 0}, {VFIO_PCI_ROM_REGION, 0, 0}, {VFIO_PCI_CONFIG_REGION, 3, 256},
		{VFIO_PCI_VGA_REGION, 0, 0}};
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	assert_int_equal(ARRAY_SIZE(cases), VFIO_PCI_NUM_REGIONS);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_region_info info = region(d, cases[i].index);

		assert_int_equal(info.flags, cases[i].flags);
		assert_int_equal(info.size, cases[i].size);
		for (unsigned int k = 0; k < i; k++) {
			struct vfio_region_info o = region(d, k);

			assert_true(o.offset + o.size <= info.offset);
		}
	}
}

/* SEED-001.30: what is not PCI Express has 256 bytes of config space. */
static void test_config_region_is_as_long_as_the_device_has_it(void **state)
{
	struct fake_func *f = fake_at(FAKE_DEV1);
	struct vfio_device *d = open_device(FAKE_DEV1);
	uint32_t val = 99;

	(void)state;
	assert_int_equal(region(d, VFIO_PCI_CONFIG_REGION).size, 256);
	assert_int_equal(vfio_config_read(d, 0x100, 4, &val), -EINVAL);
	assert_int_equal(val, 99);
	vfio_put_device(d);
	f->image[PCI_CAP_PTR] = HELP_EXP;
	f->image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	fake_put(f, HELP_EXP, 4, PCI_CAP_EXP | 0x00020000);
	assert_ptr_equal(open_device(FAKE_DEV1), d);
	assert_int_equal(region(d, VFIO_PCI_CONFIG_REGION).size, 4096);
	assert_int_equal(vfio_config_read(d, 0x100, 4, &val), 0);
	assert_int_equal(vfio_config_read(d, 0x1000, 4, &val), -EINVAL);
}

/* VF-13: too little room is refused and nothing is written; too much is what we have. */
static void test_info_of_the_wrong_size(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	for (uint32_t argsz = 0; argsz < sizeof(struct vfio_region_info); argsz++) {
		struct vfio_device_info di = {argsz, 1, 2, 3};
		struct vfio_region_info ri = {argsz, 1, 2, 3, 4};

		if (argsz < sizeof(di)) {
			assert_int_equal(vfio_get_device_info(d, &di), -EINVAL);
			assert_true(di.flags == 1 && di.num_regions == 2 && di.num_irqs == 3);
		}
		assert_int_equal(vfio_get_region_info(d, &ri), -EINVAL);
		assert_true(ri.flags == 1 && ri.size == 3 && ri.offset == 4);
		assert_int_equal(ri.argsz, argsz);
	}
	vfio_put_device(d);
	assert_int_equal(vfio_get_device_info(d, &(struct vfio_device_info){.argsz = 16}), -EINVAL);
	assert_int_equal(vfio_get_region_info(d, &(struct vfio_region_info){.argsz = 64}), -EINVAL);
}

/* VF-14 */
static void test_index_out_of_range(void **state)
{
	static const uint32_t bad[] = {9, 10, 0xff, 0x80000000, UINT32_MAX};
	struct vfio_device *d = open_device(FAKE_DEV0);
	unsigned int before = touches();
	uint64_t val = 99;
	size_t done = 99;
	hpa_t at;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vfio_region_info info = {.argsz = sizeof(info), .index = bad[i], .size = 7};

		assert_int_equal(vfio_get_region_info(d, &info), -EINVAL);
		assert_int_equal(info.size, 7);
		assert_int_equal(vfio_region_load(d, bad[i], 0, 4, &val), -EINVAL);
		assert_int_equal(vfio_region_store(d, bad[i], 0, 4, 0), -EINVAL);
		assert_int_equal(vfio_region_mmap(d, bad[i], 0, MEM_PAGE, &at), -EINVAL);
	}
	/* Regions that are there and empty, and what lies beyond the last. */
	for (uint32_t i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info info = region(d, i);

		if (!info.size) {
			assert_int_equal(vfio_region_load(d, i, 0, 1, &val), -EINVAL);
			assert_int_equal(vfio_region_store(d, i, 0, 1, 0), -EINVAL);
		}
		assert_int_equal(
			vfio_region_read(d, info.offset + info.size, &val, 1, &done), -EINVAL);
		assert_int_equal(done, 0);
		assert_int_equal(
			vfio_region_write(d, info.offset + info.size, &val, 1, &done), -EINVAL);
	}
	assert_int_equal(vfio_region_read(d, UINT64_MAX, &val, 1, &done), -EINVAL);
	assert_int_equal(vfio_region_write(d, UINT64_MAX, &val, 1, &done), -EINVAL);
	assert_int_equal(val, 99);
	assert_int_equal(touches(), before);
}

/* RT-10, SEED-002.16: sizes and alignment, and both ends of each region. */
static void test_only_whole_accesses_inside(void **state)
{
	static const struct {
		unsigned int index;
		uint64_t off;
		unsigned int size;
	} cases[] = {{0, 0, 0}, {0, 0, 3}, {0, 0, 16}, {0, 0, UINT32_MAX}, {0, 1, 2}, {0, 4, 8},
		{0, HELP_BAR0, 1}, {0, HELP_BAR0 - 4, 8}, {0, UINT64_MAX, 1},
		{0, UINT64_MAX - 7, 8}, {2, HELP_BAR2, 4}, {VFIO_PCI_CONFIG_REGION, 0, 8},
		{VFIO_PCI_CONFIG_REGION, 2, 4}, {VFIO_PCI_CONFIG_REGION, 256, 1},
		{VFIO_PCI_CONFIG_REGION, UINT64_MAX - 3, 4}};
	struct vfio_device *d = open_device(FAKE_DEV0);
	unsigned int before = touches();
	uint64_t val = 99;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			vfio_region_load(d, cases[i].index, cases[i].off, cases[i].size, &val),
			-EINVAL);
		assert_int_equal(
			vfio_region_store(d, cases[i].index, cases[i].off, cases[i].size, 0),
			-EINVAL);
	}
	assert_int_equal(val, 99);
	assert_int_equal(touches(), before);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		assert_int_equal(vfio_region_store(d, 0, HELP_BAR0 - size, size, UINT64_MAX), 0);
		assert_int_equal(vfio_region_load(d, 0, HELP_BAR0 - size, size, &val), 0);
		assert_int_equal(val, UINT64_MAX >> (64 - 8 * size));
	}
	vfio_put_device(d);
	assert_int_equal(vfio_region_read(d, 0, &val, 4, &(size_t){0}), -EINVAL);
	assert_int_equal(vfio_region_write(d, 0, &val, 4, &(size_t){0}), -EINVAL);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), -EINVAL);
	assert_int_equal(vfio_region_store(d, 0, 0, 4, 0), -EINVAL);
}

/* VF-14: bytes as a file's; what is over the end is cut, to the byte. */
static void test_bytes_of_the_file(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);
	uint64_t at = region(d, 0).offset, config = region(d, VFIO_PCI_CONFIG_REGION).offset;
	uint8_t buf[64], want[64];
	size_t done;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bar0); i++) {
		bar0[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	for (unsigned int from = 0; from < 16; from++) {
		for (size_t n = 0; n <= 32; n++) {
			memset(buf, 0xaa, sizeof(buf));
			memset(want, 0xaa, sizeof(want));
			memcpy(want, bar0 + 0x100 + from, n);
			assert_int_equal(vfio_region_read(d, at + 0x100 + from, buf, n, &done), 0);
			assert_int_equal(done, n);
			assert_memory_equal(buf, want, sizeof(buf));
			for (unsigned int i = 0; i < n; i++) {
				buf[i] ^= 0x5a;
				want[i] ^= 0x5a;
			}
			assert_int_equal(vfio_region_write(d, at + 0x100 + from, buf, n, &done), 0);
			assert_int_equal(done, n);
			assert_memory_equal(bar0 + 0x100 + from, want, n);
		}
	}
	for (unsigned int left = 1; left < 20; left++) {
		memset(buf, 0xaa, sizeof(buf));
		assert_int_equal(
			vfio_region_read(d, at + HELP_BAR0 - left, buf, sizeof(buf), &done), 0);
		assert_int_equal(done, left);
		assert_memory_equal(buf, bar0 + HELP_BAR0 - left, left);
		assert_int_equal(buf[left], 0xaa);
		assert_int_equal(
			vfio_region_write(d, at + HELP_BAR0 - left, buf, SIZE_MAX, &done), 0);
		assert_int_equal(done, left);
	}
	assert_int_equal(vfio_region_read(d, config, buf, 7, &done), 0);
	assert_int_equal(done, 7);
	assert_memory_equal(buf, "\x14\x10\x57\x16", 4);
	/* An error tells how far it came. */
	m.phb[1].fail_at = 3;
	assert_int_equal(vfio_region_read(d, config, buf, sizeof(buf), &done), -EIO);
	assert_int_equal(done, 8);
	assert_int_equal(vfio_region_write(d, config + 4, buf, 4, &done), -EIO);
	assert_int_equal(done, 0);
}

/* VF-15: whoever switches memory decode off gets no more answers, nor a cycle. */
static void test_memory_off_is_refused(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);
	unsigned int before;
	uint64_t val = 99;
	size_t done;

	(void)state;
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), 0);
	assert_int_equal(vfio_config_write(d, PCI_COMMAND, 2, PCI_COMMAND_MASTER), 0);
	before = mmios;
	val = 99;
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), -EIO);
	assert_int_equal(vfio_region_store(d, 0, 0, 4, 1), -EIO);
	assert_int_equal(vfio_region_read(d, 0, &val, 8, &done), -EIO);
	assert_int_equal(done, 0);
	assert_int_equal(val, 99);
	assert_int_equal(mmios, before);
	/* Another byte of the register says nothing about it; its own byte does. */
	assert_int_equal(vfio_config_write(d, PCI_COMMAND + 1, 1, 0x06), 0);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), -EIO);
	assert_int_equal(vfio_config_write(d, PCI_COMMAND, 1, PCI_COMMAND_MEMORY), 0);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), 0);
}

/* A device that has been found without decode is left so. */
static void test_memory_that_the_host_left_off_is_refused(void **state)
{
	struct vfio_device *d;
	uint64_t val;

	(void)state;
	fake_put(fake_at(FAKE_DEV0), PCI_COMMAND, 2, 0);
	d = open_device(FAKE_DEV0);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), -EIO);
	vfio_put_device(d);
	fake_put(fake_at(FAKE_DEV0), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	open_device(FAKE_DEV0);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), 0);
	fake_at(FAKE_DEV0)->gone = true;
	assert_int_equal(vfio_config_read(d, 0, 4, &(uint32_t){0}), -EIO);
	assert_int_equal(vfio_region_load(d, 0, 0, 4, &val), -EIO);
	assert_int_equal(vfio_region_store(d, 0, 0, 4, 0), -EIO);
}

/* VF-14: whole pages of a BAR, but for those with the MSI-X table. */
static void test_pages_for_a_cpu(void **state)
{
	static const struct {
		unsigned int index;
		uint64_t off, len;
		bool good;
	} cases[] = {{0, 0, HELP_BAR0, true}, {0, 0xf000, 0x1000, true}, {0, 0, 0, false},
		{0, 0, 0x800, false}, {0, 0x800, 0x1000, false}, {0, 0, HELP_BAR0 + 0x1000, false},
		{0, 0xf000, 0x2000, false}, {0, HELP_BAR0, 0x1000, false},
		{0, UINT64_MAX - 0xfff, 0x1000, false}, {0, 0x1000, UINT64_MAX - 0xfff, false},
		{1, 0, 0x1000, false}, {VFIO_PCI_ROM_REGION, 0, 0x1000, false},
		{VFIO_PCI_CONFIG_REGION, 0, 0x1000, false}, {2, 0, 0x1000, true},
		{2, 0, 0x2000, false}, {2, 0x1000, 0x1000, false}, {2, 0x2000, 0x1000, false},
		{2, 0x2000, 0x2000, false}, {2, 0x3000, 0x1000, true}, {2, 0, HELP_BAR2, false}};
	struct vfio_device *d = open_device(FAKE_DEV0), *e = open_device(FAKE_DEV1);
	const struct host_func *host = &m.board.funcs[func_at(1, FAKE_DEV0)];
	hpa_t at = hpa(7);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = vfio_region_mmap(d, cases[i].index, cases[i].off, cases[i].len, &at);

		if (err != (cases[i].good ? 0 : -EINVAL)) {
			fail_msg("case %u: %d", i, err);
		}
		if (cases[i].good) {
			assert_int_equal(at.v, host->bars[cases[i].index].cpu.v + cases[i].off);
		}
	}
	/* One smaller than a page has a page. */
	assert_int_equal(vfio_region_mmap(e, 0, 0, MEM_PAGE, &at), 0);
	assert_int_equal(at.v, m.board.funcs[func_at(1, FAKE_DEV1)].bars[0].cpu.v);
	assert_int_equal(vfio_region_mmap(e, 0, 0, 2 * MEM_PAGE, &at), -EINVAL);
	vfio_put_device(e);
	assert_int_equal(vfio_region_mmap(e, 0, 0, MEM_PAGE, &at), -EINVAL);
}

/* SEED-001.78: one attach says each once, at the lowest level; and no access says anything. */
static void test_attach_is_told_once(void **state)
{
	static const char *const want[] = {
		"PHB#0001[000]: 01:00.0 of group 1: flags 2, 9 regions, 5 kinds of interrupt\n",
		"PHB#0001[000]: 01:00.0: region 0: flags 7, 0x10000 bytes\n",
		"PHB#0001[000]: 01:00.0: region 2: flags 7, 0x4000 bytes\n",
		"PHB#0001[000]: 01:00.0: region 7: flags 3, 0x100 bytes\n",
		"PHB#0001[000]: 01:00.0: MSI-X: 257 messages, table in BAR 2 at 0x1000\n"};
	struct vfio_device *d = open_device(FAKE_DEV0);
	uint64_t val;

	(void)state;
	assert_int_equal(vfio_describe_device(d), 0);
	assert_int_equal(lines, 0);
	log_set_level(LOG_DEBUG);
	assert_int_equal(vfio_describe_device(d), 0);
	assert_int_equal(lines, ARRAY_SIZE(want));
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		assert_non_null(strstr(all_lines, want[i]));
	}
	assert_int_equal(vfio_region_load(d, VFIO_PCI_CONFIG_REGION, 0, 4, &val), 0);
	assert_int_equal(vfio_region_store(d, 0, 0, 4, val), 0);
	assert_int_equal(vfio_describe_device(open_device(FAKE_DEV1)), 0);
	assert_int_equal(lines, ARRAY_SIZE(want) + 3);
	log_set_level(LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_device_info),
		TEST(test_insane_device_info_is_named),
		TEST(test_regions),
		TEST(test_config_region_is_as_long_as_the_device_has_it),
		TEST(test_info_of_the_wrong_size),
		TEST(test_index_out_of_range),
		TEST(test_only_whole_accesses_inside),
		TEST(test_bytes_of_the_file),
		TEST(test_memory_off_is_refused),
		TEST(test_memory_that_the_host_left_off_is_refused),
		TEST(test_pages_for_a_cpu),
		TEST(test_attach_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
