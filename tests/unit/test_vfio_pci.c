// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_pci.c: devices of a group and their config space, on the strict PHB model.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/dev_help.h"

#include <stdlib.h>
#include <string.h>

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

/* SEED-000.3: nothing is taken for a function that is not there; nor for one without a group, which
 * no group has in its list (SEED-002.21). */
static void test_device_of_another_group_is_refused(void **state)
{
	struct vfio_device *d;
	unsigned int before;

	(void)state;
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	before = touches();
	assert_int_equal(vfio_group_get_device(g, func_at(0, FAKE_DEV0), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV2), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, func_at(1, 0x000), &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, m.board.nfuncs, &d), -ENODEV);
	assert_int_equal(vfio_group_get_device(g, UINT32_MAX, &d), -ENODEV);
	assert_int_equal(g->ndevices_open, 0);
	assert_int_equal(touches(), before);
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		assert_int_equal(m.vfio.devices[i].opened, 0);
	}
}

/* SEED-002.20: the low seven bits of the header type, as the device has them now. */
static void test_only_a_normal_header_is_a_device(void **state)
{
	static const struct {
		uint8_t type;
		int err;
	} cases[] = {{0x00, 0}, {0x80, 0}, {0x01, -EINVAL}, {0x81, -EINVAL}, {0x02, -EINVAL},
		{0x0e, -EINVAL}, {0x7f, -EINVAL}, {0xff, -EINVAL}};
	struct vfio_device *d;

	(void)state;
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		d = NULL;
		fake_put(fake_at(FAKE_DEV0), PCI_HEADER_TYPE, 1, cases[i].type);
		assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV0), &d), cases[i].err);
		assert_int_equal(g->ndevices_open, cases[i].err ? 0 : 1);
		vfio_put_device(&m.vfio.devices[func_at(1, FAKE_DEV0)]);
	}
	fake_at(FAKE_DEV0)->gone = true;
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV0), &d), -EIO);
	assert_int_equal(g->ndevices_open, 0);
}

/* SEED-002.21: nothing of an earlier owner is in what is opened again. */
static void test_state_is_fresh_when_opened(void **state)
{
	struct fake_func *f = fake_at(FAKE_DEV0);
	struct vfio_device *d = open_device(FAKE_DEV0), old;

	(void)state;
	assert_int_equal(d->opened, 1);
	assert_true(d->decodes);
	assert_false(vfio_reset_is_on(d));
	assert_null(d->irqs.err.fn);
	assert_int_equal(d->irqs.count[VFIO_PCI_MSIX_IRQ], HELP_ENTRIES);
	old = *d;
	d->irqs.err.fn = (vfio_irq_fn)abort;
	assert_int_equal(vfio_config_write(d, PCI_COMMAND, 2, 0), 0);
	vfio_put_device(d);
	assert_ptr_equal(open_device(FAKE_DEV0), d);
	assert_memory_equal(&d->irqs, &old.irqs, sizeof(old.irqs));
	assert_true(d->decodes);
	vfio_put_device(d);
	/* A device that has changed is what it is now. */
	f->image[PCI_CAP_PTR] = 0;
	open_device(FAKE_DEV0);
	assert_int_equal(d->irqs.count[VFIO_PCI_MSIX_IRQ], 0);
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
	unsigned int before = touches();

	(void)state;
	open_device(FAKE_DEV0);
	assert_int_equal(touches(), before);
	assert_int_equal(vfio_config_write(d, PCI_COMMAND, 2, 6), 0);
	before = touches();
	vfio_put_device(d);
	assert_int_equal(touches(), before);
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
		{0x0e, 1, 0x80}, {0xfc, 4, 0}, {0xff, 1, 0}};
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

/* SEED-002.7, SEED-003.13: a virtual function's own ids are all ones. Which it is, the host's
 * record says, in any width, and whether it is there, its COMMAND. */
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
	/* Nor is it opened again. */
	assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV1), &d), -EIO);
	assert_int_equal(m.phb[1].calls, before);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_device_needs_a_container_with_iommu),
		TEST(test_device_of_another_group_is_refused),
		TEST(test_only_a_normal_header_is_a_device),
		TEST(test_state_is_fresh_when_opened),
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
