// SPDX-License-Identifier: Apache-2.0
/*
 * For tests of one device of VFIO: group 1 of the fake machine, 01:00.0 and 01:00.1 of PHB 1, in a
 * container whose IOMMU is not set yet.
 *   01:00.0: BAR 0, 64 KiB; BAR 2, 64-bit, 16 KiB, with an MSI-X table of 257 entries in its second
 *	and third page; MSI with 8 messages; pin A
 *   01:00.1: BAR 0, 256 bytes; no capability
 */
#ifndef TESTS_UNIT_DEV_HELP_H
#define TESTS_UNIT_DEV_HELP_H

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

#define HELP_MSI      0x50u
#define HELP_MSIX     0x70u
#define HELP_EXP      0x80u
#define HELP_ENTRIES  257u
#define HELP_BAR0     0x10000u
#define HELP_BAR2     0x4000u
#define HELP_SMALL    0x100u
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static unsigned int lines, mmios;
static char last_line[LOG_LINE_MAX + 1], all_lines[4096];
static uint8_t bar0[HELP_BAR0], bar2[HELP_BAR2], small[HELP_SMALL];

static void keep_line(const char *line, size_t len)
{
	size_t used = strlen(all_lines);

	lines++;
	memcpy(last_line, line, len);
	last_line[len] = '\0';
	if (used + len < sizeof(all_lines)) {
		memcpy(all_lines + used, last_line, len + 1);
	}
}

static uint64_t no_time(void)
{
	return 0;
}

static inline struct fake_func *fake_at(uint16_t bdfn)
{
	return fake_find_func(&m.phb[1], bdfn);
}

/* Nothing answers that does not decode, and then the test fails. */
static bool count_mmio(void *arg, hpa_t at, unsigned int size, bool write, uint64_t *val)
{
	(void)arg;
	mmios++;
	return fake_phb_on_mmio(&m.phb[1], at, size, write, val);
}

static inline int help_setup(void **state)
{
	static const struct log_sink sink = {keep_line, no_time};
	struct fake_func *f;

	(void)state;
	fake_machine_init(&m);
	f = fake_at(FAKE_DEV0);
	fake_set_bar(f, 0, HELP_BAR0, false, false);
	fake_set_bar(f, 2, HELP_BAR2, true, false);
	fake_set_bar_mem(f, 0, bar0, sizeof(bar0));
	fake_set_bar_mem(f, 2, bar2, sizeof(bar2));
	fake_add_msi(f, HELP_MSI, 0x0086);
	fake_add_msix(f, HELP_MSIX, HELP_ENTRIES, 0x1000 | 2, 0x3000 | 2);
	fake_put(f, PCI_INTERRUPT_PIN, 1, 1);
	f = fake_at(FAKE_DEV1);
	fake_set_bar(f, 0, HELP_SMALL, false, false);
	fake_set_bar_mem(f, 0, small, sizeof(small));
	memset(bar0, 0, sizeof(bar0));
	memset(bar2, 0, sizeof(bar2));
	memset(small, 0, sizeof(small));
	host_pci_scan(&m.board);
	vfio_init(&m.vfio, &m.board);
	assert_int_equal(vfio_register_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	fake_arch_reset();
	fake_arch.on_mmio = count_mmio;
	log_set_sink(&sink);
	log_set_level(LOG_INFO);
	lines = 0;
	all_lines[0] = '\0';
	return 0;
}

static inline int help_teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static inline unsigned int func_at(unsigned int phb, uint16_t bdfn)
{
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		if (m.board.funcs[i].phb == phb && m.board.funcs[i].bdfn == bdfn) {
			return i;
		}
	}
	fail_msg("no function %x on PHB %u", bdfn, phb);
	return 0;
}

static inline struct vfio_device *open_device(uint16_t bdfn)
{
	struct vfio_device *d = NULL;

	if (!c->driver) {
		assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	}
	assert_int_equal(vfio_group_get_device(g, func_at(1, bdfn), &d), 0);
	return d;
}

/* Cycles, and accesses to BARs, so far. */
static inline unsigned int touches(void)
{
	return m.phb[1].calls + mmios;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, help_setup, help_teardown)

#endif
