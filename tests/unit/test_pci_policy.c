// SPDX-License-Identifier: Apache-2.0
/*
 * What a guest reads and what its writes do, register by register, under both policies; ids;
 * extended space.
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

#define PM     0x40u
#define MSI    0x48u
#define VENDOR 0x60u
#define VPD    0x70u
#define PCIX   0x78u
#define EXP    0x80u
#define AF     0xc0u
#define MSIX   0xd0u
#define AER    0x100u
#define DSN    0x140u
#define ACS    0x150u
#define POWER  0x160u
#define VSEC   0x170u

static const struct pci_bar test_bars[PCI_NUM_BARS] = {{.size = 0x1000, .value = 0x80000000}};

static struct fake_pci dev;
static struct pci_func func;

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

/* One of everything, each byte its own. */
static void make_device(void)
{
	unsigned int link = PCI_CAP_PTR, last = 0;

	fake_pci_init(&dev, test_bars);
	fake_pci_put(&dev, PCI_STATUS, 2, 0x0290);
	fake_pci_put(&dev, PCI_CACHE_LINE, 4, 0x80804010);
	fake_pci_put(&dev, PCI_CIS_PTR, 4, 0xc1c2c3c4);
	fake_pci_put(&dev, 0x38, 4, 0x38393a3b);
	fake_pci_put(&dev, PCI_INTERRUPT_LINE, 4, 0x0605010b);
	for (unsigned int i = 0x35; i < 0x38; i++) {
		dev.config[i] = (uint8_t)i;
	}
	fake_pci_add_cap(&dev, PM, PCI_CAP_PM, 8, 0, &link);
	fake_pci_put(&dev, PM + 2, 2, 0xffff);
	fake_pci_put(&dev, PM + 4, 4, 0x77c07f08);
	fake_pci_add_cap(&dev, MSI, PCI_CAP_MSI, 24, 0xee, &link);
	fake_pci_put(&dev, MSI + 2, 2, 0x0186);
	fake_pci_add_cap(&dev, VENDOR, PCI_CAP_VENDOR, 11, 0x99, &link);
	fake_pci_put(&dev, VENDOR + 2, 1, 11);
	fake_pci_add_cap(&dev, VPD, PCI_CAP_VPD, 8, 0x33, &link);
	fake_pci_add_cap(&dev, PCIX, PCI_CAP_PCIX, 8, 0, &link);
	fake_pci_put(&dev, PCIX + 2, 2, 0xff35);
	fake_pci_put(&dev, PCIX + 4, 4, 0xffff1210);
	fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0xe1, &link);
	fake_pci_put(&dev, EXP + 2, 2, 0x3e02);
	fake_pci_put(&dev, EXP + 4, 4, 0xffffffff);
	fake_pci_put(&dev, EXP + 8, 4, 0x003f6fef);
	fake_pci_add_cap(&dev, AF, PCI_CAP_AF, 6, 0, &link);
	fake_pci_put(&dev, AF + 2, 4, 0x01000306);
	fake_pci_add_msix(&dev, MSIX, 4, 0x0000, 0x0800, &link);
	fake_pci_add_ext_cap(&dev, AER, PCI_EXT_CAP_AER, 0x40, 0xa5, &last);
	fake_pci_add_ext_cap(&dev, DSN, PCI_EXT_CAP_DSN, 12, 0xd5, &last);
	fake_pci_add_ext_cap(&dev, ACS, PCI_EXT_CAP_ACS, 8, 0xac, &last);
	fake_pci_add_ext_cap(&dev, POWER, PCI_EXT_CAP_POWER, 16, 0xb0, &last);
	fake_pci_add_ext_cap(&dev, VSEC, PCI_EXT_CAP_VENDOR, 22, 0x5e, &last);
	fake_pci_put(&dev, VSEC + 4, 4, 22u << 20 | 0x1234);
}

static void start(const struct pci_policy *policy, unsigned int devfn)
{
	make_device();
	assert_int_equal(
		pci_func_init_policy(&func, policy, devfn, test_bars, &fake_pci_ops, &dev), 0);
	fake_pci_forget(&dev);
}

/* A register: what it reads at first, after ones were written and then zeros, and which of the
 * device's bits ones and zeros have changed. */
struct reg_case {
	unsigned int off, size;
	uint32_t fresh, ones, zeros, touched;
};

/* In the device itself these clear by a 1, and the rest of their registers is fixed. */
static void fix_w1c(void)
{
	static const struct {
		unsigned int off, size;
		uint32_t mask;
	} w1c[] = {{PCIX + 4, 4, 0x200c0000}, {EXP + 10, 2, 0x000f}, {AER + 0x04, 4, 0x07fff030},
		{AER + 0x10, 4, 0x0000f1c1}};

	for (size_t k = 0; k < ARRAY_SIZE(w1c); k++) {
		for (unsigned int n = 0; n < w1c[k].size; n++) {
			dev.w1c[w1c[k].off + n] = (uint8_t)(w1c[k].mask >> (8 * n));
			dev.sticks[w1c[k].off + n] = 0;
		}
	}
}

static void check_registers(const struct pci_policy *policy, const struct reg_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct reg_case *c = &cases[i];
		uint32_t touched = 0, got[3];

		start(policy, 0x18);
		fix_w1c();
		got[0] = rd(c->off, c->size);
		wr(c->off, c->size, 0xffffffff);
		got[1] = rd(c->off, c->size);
		wr(c->off, c->size, 0);
		got[2] = rd(c->off, c->size);
		for (unsigned int k = 0; k < c->size; k++) {
			touched |= (uint32_t)dev.touched[c->off + k] << (8 * k);
			dev.touched[c->off + k] = 0;
		}
		if (got[0] != c->fresh || got[1] != c->ones || got[2] != c->zeros ||
			touched != c->touched) {
			fail_msg("%s: 0x%x: %x, %x, %x, touches %x", policy->name, c->off, got[0],
				got[1], got[2], touched);
		}
		for (unsigned int k = 0; k < PCI_CONFIG_EXT_SIZE; k++) {
			assert_int_equal(dev.touched[k], 0);
		}
		assert_int_equal(dev.nresets, 0);
	}
}

/* The strict policy's bytes: SEED-003.6, SEED-003.7, SEED-003.8, SEED-003.13, SEED-003.14,
 * SEED-003.15, SEED-003.16, SEED-003.17, SEED-003.20, SEED-003.21, SEED-003.22, SEED-003.23,
 * SEED-003.24, SEED-003.25, SEED-003.26, SEED-003.45; SEED-000.12. */
static void test_minimal_policy_register_by_register(void **state)
{
	static const struct reg_case cases[] = {
		{PCI_VENDOR_ID, 4, 0x11e81234, 0x11e81234, 0x11e81234, 0},
		{PCI_COMMAND, 2, 0x0000, 0x0406, 0x0000, 0x0004},
		{PCI_STATUS, 2, 0x0290, 0x0290, 0x0290, 0xf900},
		{PCI_REVISION, 4, 0xff000010, 0xff000010, 0xff000010, 0},
		{PCI_CACHE_LINE, 1, 0x10, 0xff, 0x00, 0xff},
		{PCI_LATENCY, 1, 0x40, 0xff, 0x00, 0xff},
		{PCI_HEADER_TYPE, 1, 0, 0, 0, 0},
		{PCI_BIST, 1, 0, 0, 0, 0},
		{PCI_BAR0, 4, 0x80000000, 0xfffff000, 0, 0},
		{PCI_BAR0 + 4, 4, 0, 0, 0, 0},
		{PCI_CIS_PTR, 4, 0xc1c2c3c4, 0xc1c2c3c4, 0xc1c2c3c4, 0},
		{PCI_SUBSYS_VENDOR, 4, 0x11001af4, 0x11001af4, 0x11001af4, 0},
		{PCI_ROM_BAR, 4, 0, 0, 0, 0},
		{0x34, 4, 0x37363540, 0x37363540, 0x37363540, 0},
		{0x38, 4, 0x38393a3b, 0x38393a3b, 0x38393a3b, 0},
		{PCI_INTERRUPT_LINE, 4, 0x06050000, 0x060500ff, 0x06050000, 0},
		/* PM: version, DSI, no soft reset */
		{PM, 4, 0x00274801, 0x00274801, 0x00274801, 0},
		{PM + 4, 4, 0x00000008, 0x00000008, 0x00000008, 0},
		/* MSI: ten bytes, whatever the device has */
		{MSI, 4, 0x00066005, 0x00776005, 0x00066005, 0},
		{MSI + 4, 4, 0, 0xfffffffc, 0, 0},
		{MSI + 8, 4, 0, 0x0000ffff, 0, 0},
		{MSI + 12, 4, 0, 0, 0, 0},
		{MSI + 16, 4, 0, 0, 0, 0},
		/* vendor: content both ways, length and what is behind it not */
		{VENDOR, 4, 0x990b7009, 0xff0b7009, 0x000b7009, 0xff000000},
		{VENDOR + 4, 4, 0x99999999, 0xffffffff, 0, 0xffffffff},
		{VENDOR + 8, 4, 0x00999999, 0x00ffffff, 0, 0x00ffffff},
		/* VPD: all but the list */
		{VPD, 4, 0x33337803, 0xffff7803, 0x00007803, 0xffff0000},
		{VPD + 4, 4, 0x33333333, 0xffffffff, 0, 0xffffffff},
		/* PCI-X: where the guest sees it, and no error */
		{PCIX, 4, 0x00358007, 0x00358007, 0x00358007, 0},
		{PCIX + 4, 4, 0xdff30018, 0xdff30018, 0xdff30018, 0},
		/* Express */
		{EXP, 4, 0x3e02d010, 0x3e02d010, 0x3e02d010, 0},
		{EXP + 4, 4, 0xefffffff, 0xefffffff, 0xefffffff, 0},
		{EXP + 8, 4, 0x000068f0, 0x00007bff, 0x00000000, 0},
		{EXP + 12, 4, 0x0001e1e1, 0x0001e1e1, 0x0001e1e1, 0},
		{EXP + 16, 4, 0x01e1e1e1, 0x01e1e1e1, 0x01e1e1e1, 0},
		{EXP + 0x14, 4, 0, 0, 0, 0},
		{EXP + 0x18, 4, 0, 0, 0, 0},
		{EXP + 0x1c, 4, 0, 0, 0, 0},
		{EXP + 0x20, 4, 0, 0, 0, 0},
		{EXP + 0x24, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x28, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x2c, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x30, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x34, 4, 0, 0, 0, 0},
		{EXP + 0x38, 4, 0, 0, 0, 0},
		/* no Advanced Features */
		{AF, 4, 0, 0, 0, 0},
		{AF + 4, 4, 0, 0, 0, 0},
		{MSIX, 4, 0x00030011, 0xc0030011, 0x00030011, 0},
		{MSIX + 4, 4, 0, 0, 0, 0},
		{MSIX + 8, 4, 0x00000800, 0x00000800, 0x00000800, 0},
	};

	(void)state;
	check_registers(&pci_policy_minimal, cases, ARRAY_SIZE(cases));
}

/* SEED-003.21 and SEED-003.23: what is a copy stays one, what is live is live. */
static void test_minimal_policy_shows_copies(void **state)
{
	(void)state;
	start(&pci_policy_minimal, 0);
	memset(dev.config + EXP + 2, 0x11, 0x3a);
	fake_pci_put(&dev, PCI_SUBSYS_VENDOR, 4, 0xaabbccdd);
	fake_pci_put(&dev, PM + 4, 2, 0);
	assert_int_equal(rd(EXP + 2, 2), 0x1002);
	assert_int_equal(rd(EXP + 4, 4), 0xefffffff);
	assert_int_equal(rd(EXP + 0x24, 4), 0xe1e1e1e1);
	assert_int_equal(rd(PM + 4, 2), 8);
	assert_int_equal(rd(PCI_SUBSYS_VENDOR, 4), 0xaabbccdd);
}

/* SEED-003.27, SEED-001.30: no extended space, no access; RTAS makes -1 of it, which is all ones to
 * its caller. */
static void test_extended_space_is_the_full_policys_and_expresss(void **state)
{
	unsigned int link = PCI_CAP_PTR;
	uint32_t val;

	(void)state;
	start(&pci_policy_minimal, 0);
	assert_int_equal(pci_config_read(&func, 0x100, 4, &val), -EINVAL);
	assert_int_equal(pci_config_write(&func, 0x100, 4, 0), -EINVAL);
	assert_int_equal(dev.ncycles, 0);
	start(&pci_policy_full, 0);
	assert_int_equal(pci_config_read(&func, 0x100, 4, &val), 0);
	assert_int_equal(pci_config_read(&func, 0xffc, 4, &val), 0);
	assert_int_equal(pci_config_read(&func, 0x1000, 4, &val), -EINVAL);
	/* SEED-000.1: a conventional function has 256 bytes, whatever is behind them. */
	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, PM, PCI_CAP_PM, 8, 0, &link);
	fake_pci_put(&dev, 0x100, 4, 0x00010001);
	assert_int_equal(pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev), 0);
	assert_int_equal(pci_config_read(&func, 0x100, 4, &val), -EINVAL);
	assert_int_equal(pci_config_write(&func, 0xffc, 4, 0), -EINVAL);
}

/* CF-10, SEED-001.15, SEED-002.4; the power state is not touched here, 0 and ones would sleep and
 * wake. */
static void test_full_policy_register_by_register(void **state)
{
	static const struct reg_case cases[] = {
		{PM, 4, 0x00374801, 0x00374801, 0x00374801, 0},
		{PM + 6, 2, 0x77c0, 0x77c0, 0x77c0, 0},
		{MSI, 4, 0x00866005, 0x00f76005, 0x00866005, 0},
		{MSI + 4, 4, 0, 0xfffffffc, 0, 0},
		{MSI + 8, 4, 0, 0xffffffff, 0, 0},
		{MSI + 12, 4, 0, 0x0000ffff, 0, 0},
		{MSI + 16, 4, 0, 0, 0, 0},
		{VENDOR, 4, 0x990b7009, 0xff0b7009, 0x000b7009, 0xff000000},
		{VENDOR + 8, 4, 0x00999999, 0x00ffffff, 0, 0x00ffffff},
		{VPD, 4, 0x33337803, 0xffff7803, 0x00007803, 0xffff0000},
		{VPD + 4, 4, 0x33333333, 0xffffffff, 0, 0xffffffff},
		{PCIX, 4, 0xff358007, 0xff7f8007, 0xff008007, 0x007f0000},
		{PCIX + 4, 4, 0xffff0018, 0xdff30018, 0xdff30018, 0x200c0000},
		{EXP, 4, 0x3e02c010, 0x3e02c010, 0x3e02c010, 0},
		{EXP + 4, 4, 0xffffffe7, 0xffffffe7, 0xffffffe7, 0},
		{EXP + 8, 1, 0xe0, 0xff, 0xe0, 0x10},
		{EXP + 10, 2, 0x003f, 0x0030, 0x0030, 0x000f},
		{EXP + 12, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 16, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x18, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x24, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x28, 4, 0xe1e1e1e1, 0xe1e1e1ff, 0xe1e1e1e0, 0x1f},
		{EXP + 0x30, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{EXP + 0x38, 4, 0xe1e1e1e1, 0xe1e1e1e1, 0xe1e1e1e1, 0},
		{AF + 2, 2, 0x0306, 0x0306, 0x0306, 0},
		{AF + 5, 1, 0x01, 0x01, 0x01, 0},
		{MSIX, 4, 0x00030011, 0xc0030011, 0x00030011, 0},
		{AER, 4, 0x14010001, 0x14010001, 0x14010001, 0},
		{AER + 0x04, 4, 0xa5a5a5a5, 0xa0000585, 0xa0000585, 0x07fff030},
		{AER + 0x08, 4, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0},
		{AER + 0x0c, 4, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0},
		{AER + 0x10, 4, 0xa5a5a5a5, 0xa5a50424, 0xa5a50424, 0x0000f1c1},
		{AER + 0x14, 4, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0},
		{AER + 0x18, 4, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0},
		{AER + 0x28, 4, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0},
		{AER + 0x2c, 4, 0, 0, 0, 0},
		{DSN, 4, 0x16010003, 0x16010003, 0x16010003, 0},
		{DSN + 4, 4, 0xd5d5d5d5, 0xd5d5d5d5, 0xd5d5d5d5, 0},
		{ACS, 4, 0, 0, 0, 0},
		{ACS + 4, 4, 0, 0, 0, 0},
		{POWER, 4, 0x17010004, 0x17010004, 0x17010004, 0},
		{POWER + 4, 4, 0xb0b0b0b0, 0xb0b0b0ff, 0xb0b0b000, 0xff},
		{POWER + 8, 4, 0xb0b0b0b0, 0xb0b0b0b0, 0xb0b0b0b0, 0},
		{VSEC, 4, 0x0001000b, 0x0001000b, 0x0001000b, 0},
		{VSEC + 4, 4, 0x01601234, 0x01601234, 0x01601234, 0},
		{VSEC + 8, 4, 0x5e5e5e5e, 0xffffffff, 0, 0xffffffff},
		{VSEC + 20, 4, 0x00005e5e, 0x0000ffff, 0, 0x0000ffff},
		{VSEC + 24, 4, 0, 0, 0, 0},
	};

	(void)state;
	check_registers(&pci_policy_full, cases, ARRAY_SIZE(cases));
}

/* One cycle, whole: the address of vital product data with its flag, CF-13. A device that never
 * sets the flag costs one cycle a look, and its guest waits alone. */
static void test_vpd_is_one_cycle_each(void **state)
{
	(void)state;
	start(&pci_policy_full, 0);
	wr(VPD + 2, 2, 0x0010);
	assert_int_equal(dev.ncycles, 1);
	assert_int_equal(dev.cycles[0].op, FAKE_PCI_WRITE);
	assert_int_equal(dev.cycles[0].off, VPD + 2);
	assert_int_equal(dev.cycles[0].size, 2);
	assert_int_equal(dev.cycles[0].val, 0x0010);
	fake_pci_forget(&dev);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(rd(VPD + 2, 2) & 0x8000, 0);
	}
	assert_int_equal(dev.nreads, 1000);
	/* A dword over the list's byte and the address writes the address alone. */
	fake_pci_forget(&dev);
	wr(VPD, 4, 0x80200000);
	assert_int_equal(dev.ncycles, 1);
	assert_int_equal(dev.cycles[0].size, 2);
	assert_int_equal(dev.cycles[0].val, 0x8020);
}

/* CF-09, SEED-001.52: one write over several registers serves each. */
static void test_a_write_serves_every_register_it_meets(void **state)
{
	(void)state;
	start(&pci_policy_full, 0);
	fake_pci_put(&dev, PCI_STATUS, 2, 0xf910);
	wr(PCI_COMMAND, 4, 0x80000006);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 4), 0x79100406 | 2);
	assert_int_equal(rd(PCI_COMMAND, 2) & 6, 6);
	/* Control beside status of Express: sizes and what clears by a 1. */
	dev.w1c[EXP + 10] = 0x0f;
	dev.sticks[EXP + 10] = dev.sticks[EXP + 11] = 0;
	wr(EXP + 8, 4, 0x00052815);
	assert_int_equal(fake_pci_get(&dev, EXP + 8, 2), 0x2fff); /* was 0x6fef */
	assert_int_equal(fake_pci_get(&dev, EXP + 10, 2) & 0xf, 0xa);
	assert_int_equal(rd(EXP + 8, 2) & 0xf, 0x5);
}

/* SEED-001.22: each of four, its limits, and wholly ours. */
static void test_ids_can_be_replaced(void **state)
{
	static const unsigned int regs[] = {
		PCI_VENDOR_ID, PCI_DEVICE_ID, PCI_SUBSYS_VENDOR, PCI_SUBSYS_ID};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int k = 0; k < 4; k++) {
			static const int32_t vals[] = {0, 0xfffe, 0xffff, 0x10000};
			int32_t v[4] = {-1, -1, -1, -1};
			int want = vals[k] > 0xffff || (i == 0 && vals[k] > 0xfffe) ? -EINVAL : 0;

			start(&pci_policy_full, 0);
			v[i] = vals[k];
			assert_int_equal(pci_func_override_ids(
						 &func, &(struct pci_ids){v[0], v[1], v[2], v[3]}),
				want);
			for (unsigned int n = 0; n < 4; n++) {
				uint32_t live = fake_pci_get(&dev, regs[n], 2);

				wr(regs[n], 2, 0x5555);
				assert_int_equal(
					rd(regs[n], 2), n == i && !want ? (uint32_t)vals[k] : live);
			}
			assert_int_equal(rd(regs[i] + 1, 1), rd(regs[i], 2) >> 8);
			assert_int_equal(dev.nwrites, 0);
		}
	}
	start(&pci_policy_full, 0);
	assert_int_equal(
		pci_func_override_ids(&func, &(struct pci_ids){0x1000, -2, -1, -1}), -EINVAL);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x11e81234);
	assert_int_equal(
		pci_func_override_ids(&func, &(struct pci_ids){0x1000, -1, 0x2000, 0x3000}), 0);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x11e81000);
	assert_int_equal(rd(PCI_SUBSYS_VENDOR, 4), 0x30002000);
}

/* What comes first in the extended list is hidden: the list starts with nothing, and goes on. */
static void test_hidden_start_of_the_extended_list(void **state)
{
	unsigned int link = PCI_CAP_PTR, last = 0;

	(void)state;
	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0, &link);
	fake_pci_put(&dev, EXP + 2, 2, 2);
	fake_pci_add_ext_cap(&dev, 0x100, PCI_EXT_CAP_ATS, 8, 0xff, &last);
	fake_pci_add_ext_cap(&dev, 0x200, 0x10, 0x40, 0xff, &last);
	fake_pci_add_ext_cap(&dev, 0x300, PCI_EXT_CAP_DSN, 12, 0x11, &last);
	fake_pci_add_ext_cap(&dev, 0x400, PCI_EXT_CAP_L1PM, 16, 0xff, &last);
	assert_int_equal(pci_func_init(&func, 0, test_bars, &fake_pci_ops, &dev), 0);
	assert_int_equal(rd(0x100, 4), 0x30000000);
	assert_int_equal(rd(0x104, 4), 0);
	assert_int_equal(rd(0x200, 4), 0);
	assert_int_equal(rd(0x300, 4), 0x00010003);
	assert_int_equal(rd(0x302, 2), 0x0001);
	assert_int_equal(rd(0x400, 4), 0);
	fake_pci_forget(&dev);
	for (unsigned int off = 0x100; off < 0x1000; off += 4) {
		wr(off, 4, 0xffffffff);
		wr(off, 4, 0);
	}
	assert_int_equal(dev.nwrites, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal_policy_register_by_register),
		cmocka_unit_test(test_minimal_policy_shows_copies),
		cmocka_unit_test(test_extended_space_is_the_full_policys_and_expresss),
		cmocka_unit_test(test_full_policy_register_by_register),
		cmocka_unit_test(test_vpd_is_one_cycle_each),
		cmocka_unit_test(test_a_write_serves_every_register_it_meets),
		cmocka_unit_test(test_ids_can_be_replaced),
		cmocka_unit_test(test_hidden_start_of_the_extended_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
