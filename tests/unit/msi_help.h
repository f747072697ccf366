// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of messages share: a partition whose host bridge has the two functions of a group
 * on the strict PHB model, with the interrupts of tests/fake/fake_irq.h.
 *   0: 01:00.0, MSI (64-bit, 32 messages, mask bits), MSI-X of 64 vectors in BAR 0: table at
 *      0x2000, pending bits at 0x3000; pin A
 *   1: 01:00.1, MSI (32-bit, 8 messages) alone; no pin
 *   2: 01:00.2, neither; a 64-bit BAR
 * The host bridge has HELP_MSIS messages, sources from HELP_HW on.
 */
#ifndef TESTS_UNIT_MSI_HELP_H
#define TESTS_UNIT_MSI_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/host_pci.h"
#include "core/msi.h"
#include "core/partition.h"
#include "core/vfio_spapr.h"
#include "core/xics.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_phb.h"

#include <stdlib.h>
#include <string.h>

#define HELP_RAM     ((uint64_t)32 << 20)
#define HELP_TABLES  0x40000
#define HELP_MEM     ((uint64_t)16 << 20)
#define HELP_MSIS    128u
#define HELP_HW	     16u
#define HELP_LSI_HW  4u
#define HELP_VECTORS 64u
#define HELP_TABLE   0x2000u
#define HELP_BAR     0x10000u

static struct fake_ram help_ram;
static struct fake_phb help_phb;
static struct board help_board;
static struct vfio help_vfio;
static struct partition *help_part;
static uint8_t help_bar[HELP_BAR];

static const struct log_sink help_sink = {arch_console_write, arch_time_ns};

static inline void help_add_funcs(void)
{
	struct fake_func *f = fake_add_func(&help_phb, 0x100, 0x11e81234);

	fake_put(f, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTI);
	fake_put(f, PCI_INTERRUPT_PIN, 1, 1);
	fake_set_bar(f, 0, HELP_BAR, false, false);
	fake_set_bar_mem(f, 0, help_bar, HELP_BAR);
	fake_add_msi(f, 0x40, 0x018a);
	fake_add_msix(f, 0x60, HELP_VECTORS, HELP_TABLE, 0x3000);
	f = fake_add_func(&help_phb, 0x101, 0x11e91234);
	fake_add_msi(f, 0x40, 0x0006);
	f = fake_add_func(&help_phb, 0x102, 0x11ea1234);
	fake_set_bar(f, 2, 0x4000, true, true);
}

static inline void help_bind(void)
{
	static const struct plan_partition plan = {
		.name = "alpha",
		.memory = HELP_MEM,
		.nphbs = 1,
		.phbs = {{.id = "CXGB3", .index = 6, .window_size = 0x1000000}},
	};
	struct partition *p = help_part;
	hpa_t at;

	p->lpid = 1;
	strcpy(p->name, "alpha");
	p->plan = &plan;
	p->board = &help_board;
	p->vfio = &help_vfio;
	p->pool = &help_ram.pool;
	p->nvcpus = 2;
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		p->vcpus[i].partition = p;
		p->vcpus[i].id = i;
	}
	assert_int_equal(mem_alloc(p->pool, HELP_MEM, HELP_MEM, &at), 0);
	p->mem = (struct guest_mem){mem_ptr(p->pool, at), at, HELP_MEM};
	assert_int_equal(arch_partition_init(p, p->pool), 0);
	assert_int_equal(xics_init(p), 0);
	assert_int_equal(page_pool_init(&p->tables, p->pool, HELP_TABLES), 0);
	fake_irq.lock = &p->xics.lock;
	assert_int_equal(partition_alloc_phbs(p, plan.nphbs), 0);
	assert_int_equal(partition_bind_phbs(p), 0);
}

/* The bridge's number of messages may be made smaller. */
static inline int help_setup_with(unsigned int msis)
{
	fake_arch_reset();
	fake_arch.tick_ns = 1000000; /* resets wait */
	fake_irq_reset();
	log_set_sink(&help_sink);
	memset(&help_board, 0, sizeof(help_board));
	memset(help_bar, 0xee, sizeof(help_bar));
	memset(help_bar + 0x3000, 0, 8);
	fake_ram_init(&help_ram, HELP_RAM);
	help_board.nphbs = 1;
	fake_phb_init(&help_phb, &help_board.phbs[0], 0, &help_ram);
	help_board.phbs[0].msi_first = HELP_HW;
	help_board.phbs[0].msi_count = msis;
	help_board.phbs[0].lsi_first = HELP_LSI_HW;
	for (uint32_t i = 0; i < HELP_MSIS; i++) {
		fake_irq_add(HELP_HW + i, false);
	}
	for (uint32_t i = 0; i < 4; i++) {
		fake_irq_add(HELP_LSI_HW + i, true);
	}
	fake_add_bridge(&help_phb, 0, 1, 1);
	help_add_funcs();
	fake_arch.on_mmio = fake_phb_on_mmio;
	fake_arch.on_mmio_arg = &help_phb;
	host_pci_scan(&help_board);
	vfio_init(&help_vfio, &help_board);
	assert_int_equal(vfio_register_driver(&help_vfio, &vfio_spapr_v2_driver), 0);
	help_part = calloc(1, sizeof(*help_part));
	help_bind();
	return 0;
}

static inline int help_setup(void **state)
{
	(void)state;
	return help_setup_with(HELP_MSIS);
}

static inline int help_teardown(void **state)
{
	(void)state;
	free(help_part);
	fake_ram_free(&help_ram);
	return 0;
}

static inline struct pci_func *help_func(unsigned int i)
{
	return &help_part->phbs[0].funcs[i];
}

static inline void help_write(unsigned int func, unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pci_config_write(help_func(func), off, size, val), 0);
}

static inline uint32_t help_read(unsigned int func, unsigned int off, unsigned int size)
{
	uint32_t val = 0;

	assert_int_equal(pci_config_read(help_func(func), off, size, &val), 0);
	return val;
}

/* Messages of the bridge that are given out; the guest's numbers that are used. */
static inline unsigned int help_messages(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < BOARD_MAX_MSIS / 64; i++) {
		n += (unsigned int)__builtin_popcountll(help_board.phbs[0].msi_used[i]);
	}
	return n;
}

static inline unsigned int help_numbers(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < XICS_MSI_COUNT; i++) {
		n += help_part->xics.msi[i].used;
	}
	return n;
}

/* The device's own table. */
static inline uint32_t help_entry(unsigned int v, unsigned int off)
{
	const uint8_t *at = help_bar + HELP_TABLE + 16 * v + off;

	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Guest-real address of an offset in BAR 0 of function 0, which is the first BAR in the window. */
static inline gpa_t help_at(uint64_t off)
{
	return gpa(help_part->phbs[0].at.mmio32.v + off);
}

#endif
