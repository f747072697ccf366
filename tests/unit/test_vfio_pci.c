// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_pci.c: devices of a group and their config space, on the strict PHB model.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/pci.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static unsigned int lines;
static char last_line[LOG_LINE_MAX + 1];

static void count_line(const char *line, size_t len)
{
	lines++;
	memcpy(last_line, line, len);
	last_line[len] = '\0';
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {count_line, no_time};

/* Group 1 (01:00.0 and 01:00.1 of PHB 1) in a container, its IOMMU not set yet. */
static int setup(void **state)
{
	(void)state;
	fake_machine_init(&m);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	log_set_sink(&sink);
	lines = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static unsigned int func_at(unsigned int phb, uint16_t bdfn)
{
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		if (m.board.funcs[i].phb == phb && m.board.funcs[i].bdfn == bdfn) {
			return i;
		}
	}
	fail_msg("no function %x on PHB %u", bdfn, phb);
	return 0;
}

static struct vfio_device *open_device(uint16_t bdfn)
{
	struct vfio_device *d = NULL;

	if (!c->driver) {
		assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	}
	assert_int_equal(vfio_group_get_device(g, func_at(1, bdfn), &d), 0);
	return d;
}

static struct fake_func *fake_at(uint16_t bdfn)
{
	return fake_find_func(&m.phb[1], bdfn);
}

/* SEED-001.27 */
static void test_device_needs_a_container_with_iommu(void **state)
{
	struct vfio_device *d;

	(void)state;
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV0), &d), -EINVAL);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV0), &d), 0);
	assert_ptr_equal(d->group, g);
}

static void test_device_of_another_group_is_refused(void **state)
{
	struct vfio_device *d;

	(void)state;
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_group_get_device(g, func_at(0, FAKE_DEV0), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV2), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, func_at(1, 0x000), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, m.board.nfuncs, &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, UINT32_MAX, &d), -ENODEV);
	assert_int_equal(g->ndevices_open, 0);
}

/* SEED-000.17, SEED-004.18, SEED-004.19 */
static void test_group_stays_while_a_device_is_open(void **state)
{
	struct vfio_device *a = open_device(FAKE_DEV0), *b = open_device(FAKE_DEV1);

	(void)state;
	assert_ptr_equal(open_device(FAKE_DEV0), a);
	assert_int_equal(a->opened, 2);
	for (unsigned int i = 3; i > 0; i--) {
		assert_int_equal(g->ndevices_open, i);
		assert_int_equal(vfio_close_group(g), -EBUSY);
		assert_int_equal(vfio_group_unset_container(g), -EBUSY);
		assert_ptr_equal(g->container, c);
		vfio_put_device(i == 2 ? b : a);
	}
	assert_int_equal(g->ndevices_open, 0);
	/* One put too many is nothing. */
	vfio_put_device(a);
	assert_int_equal(g->ndevices_open, 0);
	assert_int_equal(vfio_close_group(g), 0);
}

/* SEED-001.27: the first open saves, the last close puts back; LC-04: nothing an owner has changed
 * is left to the next. */
static void test_last_put_turns_the_bus_master_off_and_puts_the_rest_back(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	open_device(FAKE_DEV0);
	assert_int_equal(vfio_config_write(d, PCI_COMMAND, 2, 6), 0);
	vfio_put_device(d);
	assert_int_equal(fake_get(fake_at(FAKE_DEV0), PCI_COMMAND, 2), 0x0006);
	vfio_put_device(d);
	assert_int_equal(fake_get(fake_at(FAKE_DEV0), PCI_COMMAND, 2), 0x0502);
}

static void test_config_reads_every_size(void **state)
{
	static const struct {
		unsigned int off, size;
		uint32_t val;
	} cases[] = {{0, 4, 0x16571014}, {0, 2, 0x1014}, {2, 2, 0x1657}, {0, 1, 0x14}, {3, 1, 0x16},
		{0x0e, 1, 0x80}, {0x100, 4, 0}, {0xffc, 4, 0}};
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t val = 99;

		assert_int_equal(vfio_config_read(d, cases[i].off, cases[i].size, &val), 0);
		assert_int_equal(val, cases[i].val);
	}
}

/* VF-14 */
static void test_config_refuses_bad_access(void **state)
{
	static const struct {
		unsigned int off, size;
	} cases[] = {{0, 0}, {0, 3}, {0, 8}, {1, 2}, {2, 4}, {3, 2}, {0x1000, 1}, {0x1000, 4},
		{UINT32_MAX, 1}, {UINT32_MAX - 3, 4}};
	struct vfio_device *d = open_device(FAKE_DEV0);
	unsigned int before = m.phb[1].calls;
	uint32_t val = 99;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(vfio_config_read(d, cases[i].off, cases[i].size, &val), -EINVAL);
		assert_int_equal(vfio_config_write(d, cases[i].off, cases[i].size, 0), -EINVAL);
	}
	assert_int_equal(val, 99);
	assert_int_equal(m.phb[1].calls, before);
	vfio_put_device(d);
	assert_int_equal(vfio_config_read(d, 0, 4, &val), -EINVAL);
	assert_int_equal(vfio_config_write(d, 4, 2, 0), -EINVAL);
}

static void test_all_ones_in_a_register_is_not_gone(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);
	uint32_t val = 0;

	(void)state;
	fake_put(fake_at(FAKE_DEV0), 0x40, 4, UINT32_MAX);
	assert_int_equal(vfio_config_read(d, 0x40, 4, &val), 0);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(vfio_config_read(d, 0x42, 1, &val), 0);
	assert_int_equal(val, 0xff);
	assert_false(d->gone);
}

static void assert_ids(struct vfio_device *d, uint32_t ids)
{
	uint32_t val = 0;

	for (unsigned int size = 1; size <= 4; size *= 2) {
		for (unsigned int off = 0; off < 4; off += size) {
			assert_int_equal(vfio_config_read(d, off, size, &val), 0);
			assert_int_equal(val, ids >> (8 * off) & UINT32_MAX >> (32 - 8 * size));
		}
	}
}

/* SEED-002.7, 003.13: a virtual function's own ids are all ones. Which it is, the host's record
 * says, in any width, and whether it is there, its COMMAND. */
static void test_ids_are_those_of_the_record(void **state)
{
	struct vfio_device *d, *other = open_device(FAKE_DEV1);
	const struct host_func *host = &m.board.funcs[func_at(1, FAKE_DEV0)];
	uint32_t ids = host->vendor | (uint32_t)host->device << 16, val = 0;

	(void)state;
	assert_ids(other, fake_get(fake_at(FAKE_DEV1), PCI_VENDOR_ID, 4));
	fake_put(fake_at(FAKE_DEV0), PCI_VENDOR_ID, 4, UINT32_MAX);
	fake_put(fake_at(FAKE_DEV0), 0x40, 4, UINT32_MAX);
	d = open_device(FAKE_DEV0);
	assert_ids(d, ids);
	assert_int_equal(vfio_config_read(d, 0x40, 4, &val), 0);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(vfio_reset_device(d), -ENOTTY);
	assert_false(d->gone);
	fake_put(fake_at(FAKE_DEV0), PCI_COMMAND, 4, UINT32_MAX);
	assert_int_equal(vfio_config_read(d, 0x40, 4, &val), -EIO);
	assert_true(d->gone);
	/* One that had ids, and has none any more, has left. */
	fake_put(fake_at(FAKE_DEV1), PCI_VENDOR_ID, 4, UINT32_MAX);
	assert_int_equal(vfio_config_read(other, PCI_DEVICE_ID, 2, &val), -EIO);
	assert_true(other->gone);
}

/* DF-01, SEED-001.49: told once, then nothing is asked of it. */
static void test_device_that_left_is_gone_for_good(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV1);
	unsigned int before;
	uint32_t val = 99;

	(void)state;
	fake_at(FAKE_DEV1)->gone = true;
	assert_int_equal(vfio_config_read(d, 0x10, 1, &val), -EIO);
	assert_int_equal(val, 99);
	assert_true(d->gone);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "PHB#0001[000]: 01:00.1"));
	fake_at(FAKE_DEV1)->gone = false;
	before = m.phb[1].calls;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(vfio_config_read(d, 0, 4, &val), -EIO);
		assert_int_equal(vfio_config_write(d, 4, 2, 4), -EIO);
	}
	assert_int_equal(m.phb[1].calls, before);
	assert_int_equal(lines, 1);
	vfio_put_device(d);
	assert_int_equal(vfio_close_group(g), 0);
}

static void test_failed_cycle_is_gone_too(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0), *e = open_device(FAKE_DEV1);
	uint32_t val;

	(void)state;
	m.phb[1].fail_at = 1;
	assert_int_equal(vfio_config_read(d, 0, 4, &val), -EIO);
	m.phb[1].fail_at = 1;
	assert_int_equal(vfio_config_write(e, 4, 2, 0), -EIO);
	assert_true(d->gone && e->gone);
	assert_int_equal(lines, 2);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_device_needs_a_container_with_iommu),
		TEST(test_device_of_another_group_is_refused),
		TEST(test_group_stays_while_a_device_is_open),
		TEST(test_last_put_turns_the_bus_master_off_and_puts_the_rest_back),
		TEST(test_config_reads_every_size),
		TEST(test_config_refuses_bad_access),
		TEST(test_all_ones_in_a_register_is_not_gone),
		TEST(test_ids_are_those_of_the_record),
		TEST(test_device_that_left_is_gone_for_good),
		TEST(test_failed_cycle_is_gone_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
