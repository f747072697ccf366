// SPDX-License-Identifier: Apache-2.0
/*
 * core/pci_reset.c: resets and power states as a guest starts and sees them. The fake fails the
 * test at any access to a device that is being reset.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci_msi.h"
#include "tests/fake/fake_pci.h"

#include <string.h>

#define PM   0x40u
#define EXP  0x50u
#define AF   0x90u
#define MSI  0xa0u
#define MSIX 0xc0u
#define CTRL (EXP + PCI_EXP_DEVCTL)

static const struct pci_bar test_bars[PCI_NUM_BARS] = {
	{.size = 0x1000, .value = 0x80000000},
	{.size = 0x4000, .value = 0x80010000},
};

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

static uint64_t load(uint64_t at)
{
	uint64_t val = 0x5a5a5a5a;
	int err = pci_bar_access(&func, at, 4, false, &val);

	/* What its caller makes of it (core/mmio.c). */
	assert_true(err == 0 || err == -ENXIO);
	return err ? 0xffffffff : val;
}

static void start_with(const struct pci_policy *policy, uint32_t devcap, unsigned int af)
{
	unsigned int link = PCI_CAP_PTR;

	fake_pci_init(&dev, test_bars);
	fake_pci_add_cap(&dev, PM, PCI_CAP_PM, 8, 0, &link);
	fake_pci_put(&dev, PM + 2, 2, 0xffff);
	fake_pci_put(&dev, PM + 4, 2, 0x8100);
	memset(dev.sticks + PM, 0, 8);
	dev.sticks[PM + 4] = 0x03;
	dev.sticks[PM + 5] = 0x01;
	dev.w1c[PM + 5] = 0x80;
	fake_pci_add_cap(&dev, EXP, PCI_CAP_EXP, 0x3c, 0, &link);
	fake_pci_put(&dev, EXP + 2, 2, 0x0002);
	fake_pci_put(&dev, EXP + 4, 4, devcap);
	fake_pci_add_cap(&dev, AF, PCI_CAP_AF, 6, 0, &link);
	fake_pci_put(&dev, AF + 2, 2, 0x0006 | af << 8);
	fake_pci_add_cap(&dev, MSI, PCI_CAP_MSI, 24, 0, &link);
	fake_pci_put(&dev, MSI + 2, 2, 0x0186);
	fake_pci_add_msix(&dev, MSIX, 8, 0x2001, 0x3001, &link);
	assert_int_equal(pci_func_init_policy(&func, policy, 0, test_bars, &fake_pci_ops, &dev), 0);
	fake_pci_forget(&dev);
}

static int setup(void **state)
{
	(void)state;
	start_with(&pci_policy_full, PCI_EXP_DEVCAP_FLR, 3);
	return 0;
}

/* As core/msi.c does it. */
static void grant(enum pci_irq_kind kind, unsigned int n)
{
	const struct pci_grant g = {
		.kind = kind, .n = n, .number = 0x40, .message = 16, .nmessages = n};
	uint64_t addr;
	uint32_t data;

	assert_true(pci_func_claim(&func));
	for (unsigned int v = 0; v < n && kind == PCI_IRQ_MSIX; v++) {
		assert_int_equal(fake_pci_ops.message(&dev, 16 + v, true, &addr, &data), 0);
		assert_int_equal(pci_msix_write(&func, v, addr, data), 0);
	}
	if (kind == PCI_IRQ_MSI) {
		assert_int_equal(fake_pci_ops.message(&dev, 16, true, &addr, &data), 0);
		assert_int_equal(
			pci_msi_write(&func, addr, data, (unsigned int)__builtin_ctz(n)), 0);
	}
	pci_msi_grant(&func, &g);
	pci_func_yield(&func);
}

static void start_flr(unsigned int lasts)
{
	dev.reset_lasts = lasts;
	wr(CTRL, 2, PCI_EXP_DEVCTL_FLR);
}

/* CF-11, CF-12, SEED-002.17, RT-11: all ones without a cycle, writes dropped, no BAR mapped; then
 * everything as it was, as a guest sees it, its interrupt line too, of which the device knows
 * nothing (SEED-002.12). */
static void shut_and_back(unsigned int lasts, void (*start)(unsigned int))
{
	uint8_t before[PCI_CONFIG_SIZE];
	uint32_t line = fake_pci_get(&dev, PCI_INTERRUPT_LINE, 1);

	wr(PCI_COMMAND, 2, 0x0406);
	wr(PCI_CACHE_LINE, 1, 0x20);
	wr(PCI_INTERRUPT_LINE, 1, line ^ 0x2b);
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++) {
		before[i] = (uint8_t)rd(i, 1);
	}
	start(lasts);
	assert_int_equal(dev.nresets, 1);
	for (unsigned int i = 0; i < lasts; i++) {
		switch (i % 3) {
		case 0:
			assert_int_equal(rd(4 * i % PCI_CONFIG_SIZE, 4), 0xffffffff);
			break;
		case 1:
			wr(PCI_COMMAND, 2, 0);
			break;
		default:
			assert_int_equal(load(0x80000000), 0xffffffff);
			break;
		}
		assert_false(dev.mapped[0] || dev.mapped[1]);
	}
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++) {
		if (rd(i, 1) != before[i]) {
			fail_msg("0x%x was 0x%x, is 0x%x", i, before[i], rd(i, 1));
		}
	}
	assert_true(dev.mapped[0] && dev.mapped[1]);
	assert_int_equal(before[PCI_INTERRUPT_LINE], line ^ 0x2b);
	assert_int_equal(fake_pci_get(&dev, PCI_INTERRUPT_LINE, 1), line);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2) & 0x0406, 0x0406);
	assert_false(func.gone);
}

static void start_af(unsigned int lasts)
{
	dev.reset_lasts = lasts;
	wr(AF + PCI_AF_CTRL, 1, PCI_AF_FLR);
}

static void test_function_reset(void **state)
{
	for (unsigned int lasts = 0; lasts < 64; lasts += 21) {
		setup(state);
		shut_and_back(lasts, start_flr);
		assert_int_equal(dev.how, PCI_RESET_FLR);
		setup(state);
		shut_and_back(lasts, start_af);
		assert_int_equal(dev.how, PCI_RESET_AF_FLR);
	}
}

/* A guest may wait by looking at a register alone. */
static void test_access_to_memory_sees_the_end_too(void **state)
{
	setup(state);
	dev.bar_mem[0][0] = 0x77;
	wr(PCI_COMMAND, 2, 2);
	start_flr(2);
	assert_int_equal(load(0x80000000), 0xffffffff);
	assert_int_equal(load(0x80000000), 0xffffffff);
	assert_int_equal(load(0x80000000), 0x77);
	assert_true(dev.mapped[0]);
}

/* The bits that start a reset are read as 0, and nothing else starts one. */
static void test_only_a_written_1_starts_a_reset(void **state)
{
	setup(state);
	wr(CTRL, 2, 0x7fff);
	wr(CTRL, 1, 0xff);
	wr(CTRL + 1, 1, 0x7f);
	wr(CTRL, 4, 0xffff7fff);
	wr(AF + PCI_AF_CTRL, 1, 0xfe);
	wr(AF, 4, 0xffffffff);
	wr(AF + 5, 1, 0xff);
	assert_int_equal(dev.nresets, 0);
	assert_int_equal(rd(CTRL, 2) & PCI_EXP_DEVCTL_FLR, 0);
	wr(CTRL + 1, 1, 0x80);
	assert_int_equal(dev.nresets, 1);
	assert_int_equal(rd(CTRL, 2) & PCI_EXP_DEVCTL_FLR, 0);
	/* Bits beside it are the device's first. */
	wr(CTRL, 2, 0x2000 | PCI_EXP_DEVCTL_FLR);
	assert_int_equal(dev.nresets, 2);
	assert_int_equal(rd(CTRL, 2) & 0x7000, 0x2000);
	wr(AF + PCI_AF_CTRL, 2, 0x0001);
	assert_int_equal(dev.nresets, 3);
}

/* SEED-001.43: what the device does not have is not started. */
static void test_absent_resets_are_not_started(void **state)
{
	(void)state;
	start_with(&pci_policy_full, 0, 1);
	wr(CTRL, 2, 0xffff);
	wr(AF + PCI_AF_CTRL, 1, 0xff);
	assert_int_equal(dev.nresets, 0);
	assert_int_equal(rd(EXP + 4, 4) & PCI_EXP_DEVCAP_FLR, 0);
}

/* SEED-003.17, SEED-003.20, SEED-003.21: the strict policy knows no reset and no power state. */
static void test_minimal_policy_has_none(void **state)
{
	(void)state;
	start_with(&pci_policy_minimal, PCI_EXP_DEVCAP_FLR, 3);
	wr(CTRL, 2, 0xffff);
	wr(AF + PCI_AF_CTRL, 1, 0xff);
	wr(PM + 4, 2, 3);
	assert_int_equal(dev.nresets, 0);
	assert_int_equal(rd(PM + 4, 2), 0);
	assert_int_equal(rd(EXP + 4, 4) & PCI_EXP_DEVCAP_FLR, 0);
	assert_int_equal(dev.nwrites, 0);
}

static void test_reset_that_does_not_begin_changes_nothing(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, 6);
	dev.fail_reset = true;
	start_flr(5);
	assert_int_equal(dev.nresets, 1);
	assert_int_equal(rd(PCI_COMMAND, 2) & 6, 6);
	assert_true(dev.mapped[0] && dev.mapped[1]);
}

/* DF-02 */
static void test_device_that_dies_in_a_reset_is_gone(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, 6);
	dev.dies = true;
	start_flr(1);
	assert_int_equal(rd(0, 4), 0xffffffff);
	assert_int_equal(rd(0, 4), 0xffffffff);
	assert_true(func.gone);
	assert_false(dev.mapped[0]);
	fake_pci_forget(&dev);
	assert_int_equal(rd(0, 4), 0xffffffff);
	wr(PCI_COMMAND, 2, 0);
	assert_int_equal(dev.nlooks + dev.nreads + dev.nwrites, 0);
	assert_int_equal(load(0x80000000), 0xffffffff);
	pci_func_quiesce(&func);
}

/* --- messages --- */

static void check_entries(unsigned int n, unsigned int unmasked)
{
	for (unsigned int v = 0; v < 8; v++) {
		uint64_t addr = 0x1000000000000000ull + 0x100ull * (16 + v);

		if (v < n) {
			assert_int_equal(fake_pci_entry(&dev, v, 0), (uint32_t)addr);
			assert_int_equal(fake_pci_entry(&dev, v, 4), addr >> 32);
			assert_int_equal(fake_pci_entry(&dev, v, 8), 16 + v);
		}
		assert_int_equal(fake_pci_entry(&dev, v, 12), !(v < n && unmasked >> v & 1));
	}
}

/* CF-11: messages that were granted come as before, masked as the guest has them, and what it masks
 * while the device is away counts. */
static void test_msix_is_brought_back(void **state)
{
	uint64_t val = 0;

	setup(state);
	wr(PCI_COMMAND, 2, 6);
	for (unsigned int v = 0; v < 4; v++) {
		assert_int_equal(pci_bar_access(&func, 0x8001200c + 16 * v, 4, true, &val), 0);
	}
	grant(PCI_IRQ_MSIX, 6);
	wr(MSIX + 2, 2, 0x8000);
	check_entries(6, 0x0f);
	start_flr(3);
	assert_int_equal(rd(MSIX + 2, 2), 0xffff);
	assert_int_equal(fake_pci_entry(&dev, 0, 0), 0);
	rd(0, 4);
	rd(0, 4);
	assert_int_equal(rd(MSIX + 2, 2), 0x8007);
	check_entries(6, 0x0f);
	assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2) & 0xc000, 0x8000);
	assert_int_equal(rd(PCI_COMMAND, 2) & 6, 6);
}

/* SEED-001.45: a reset leaves entries open, and without messages all are masked again and both
 * capabilities off, whatever the guest has in its own bits. */
static void test_reset_without_messages_leaves_all_masked(void **state)
{
	uint64_t val = 0;

	setup(state);
	wr(PCI_COMMAND, 2, 6);
	wr(MSIX + 2, 2, 0x8000);
	assert_int_equal(pci_bar_access(&func, 0x8001200c, 4, true, &val), 0);
	for (unsigned int n = 0; n < 3; n++) {
		start_flr(1);
		fake_pci_put(&dev, MSIX + 2, 2, 0x8007);
		memset(dev.bar_mem[1] + 0x2000, 0, 8 * 16);
		rd(0, 4);
		assert_int_equal(rd(MSIX + 2, 2), 0x8007);
		assert_int_equal(fake_pci_get(&dev, MSIX + 2, 2) & 0xc000, 0);
		assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 1, 0);
		check_entries(0, 0);
	}
}

static struct pci_func_ops failing;
static unsigned int calls_left;

static int stop_answering_bars(
	void *arg, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	if (!calls_left) {
		return -EIO;
	}
	calls_left--;
	return fake_pci_ops.bar_write(arg, bar, off, size, val);
}

static int run_out_of_messages(
	void *arg, unsigned int message, bool is64, uint64_t *addr, uint32_t *data)
{
	if (!calls_left) {
		return -EIO;
	}
	calls_left--;
	return fake_pci_ops.message(arg, message, is64, addr, data);
}

/* CF-11: messages that cannot be brought back, at whichever of them it is: the device is gone,
 * which its guest sees, and no master of its bus. */
static void test_messages_that_do_not_come_back_end_the_device(void **state)
{
	for (unsigned int n = 0; n < 8 + 6 * 4 + 6; n++) {
		bool message = n >= 8 + 6 * 4;

		setup(state);
		wr(PCI_COMMAND, 2, 6);
		grant(PCI_IRQ_MSIX, 6);
		failing = fake_pci_ops;
		calls_left = message ? n - 8 - 6 * 4 : n;
		if (message) {
			failing.message = run_out_of_messages;
		} else {
			failing.bar_write = stop_answering_bars;
		}
		start_flr(0);
		func.ops = &failing;
		assert_int_equal(rd(0, 4), 0xffffffff);
		assert_true(func.gone);
		assert_false(fake_pci_get(&dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
		fake_pci_forget(&dev);
		assert_int_equal(rd(PCI_BAR0, 4), 0xffffffff);
		assert_int_equal(dev.ncycles, 0);
		pci_func_quiesce(&func);
	}
	/* So with MSI, whichever of its writes fails. */
	for (unsigned int n = 1; n <= 6; n++) {
		setup(state);
		grant(PCI_IRQ_MSI, 2);
		start_flr(0);
		dev.fail_at = n;
		dev.fail_once = true;
		(void)rd(PCI_CACHE_LINE, 1);
		assert_true(func.gone || n == 6);
	}
}

/* What is gone is not woken, and what was never granted is not taken back. */
static void test_gone_device_is_let_alone(void **state)
{
	setup(state);
	pci_msi_revoke(&func);
	assert_int_equal(dev.ncycles, 0);
	grant(PCI_IRQ_MSI, 1);
	dev.absent = true;
	pci_msi_revoke(&func);
	assert_true(func.gone);

	setup(state);
	wr(PM + 4, 2, 3);
	(void)rd(0, 4);
	assert_true(func.asleep);
	dev.absent = true;
	assert_int_equal(rd(0, 4), 0xffffffff);
	fake_pci_forget(&dev);
	pci_func_quiesce(&func);
	assert_int_equal(dev.nresets, 0);
	assert_false(func.asleep);
}

static void test_msi_is_brought_back(void **state)
{
	setup(state);
	grant(PCI_IRQ_MSI, 4);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 0x71, 0x21);
	start_flr(0);
	assert_int_equal(rd(MSI + 2, 2) & 0x71, 0x21);
	assert_int_equal(fake_pci_get(&dev, MSI + 2, 2) & 0x71, 0x21);
	assert_int_equal(fake_pci_get(&dev, MSI + 4, 4), 0x1000);
	assert_int_equal(fake_pci_get(&dev, MSI + 8, 4), 0x10000000);
	assert_int_equal(fake_pci_get(&dev, MSI + 12, 2), 16);
}

/* Bus master comes last: no request before the messages are right. */
static void test_bus_master_comes_back_last(void **state)
{
	unsigned int last = 0;

	setup(state);
	wr(PCI_COMMAND, 2, 6);
	grant(PCI_IRQ_MSI, 1);
	start_flr(0);
	fake_pci_forget(&dev);
	rd(0, 4);
	for (unsigned int i = 0; i < dev.ncycles; i++) {
		if (dev.cycles[i].op == FAKE_PCI_WRITE) {
			last = i;
		}
	}
	assert_int_equal(dev.cycles[last].off, PCI_COMMAND);
	assert_int_equal(dev.cycles[last].val & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	for (unsigned int i = 0; i < last; i++) {
		assert_false(dev.cycles[i].op == FAKE_PCI_WRITE &&
			     dev.cycles[i].off == PCI_COMMAND &&
			     dev.cycles[i].val & PCI_COMMAND_MASTER);
	}
}

/* No message is granted or changed in a device that is away. */
static void test_no_grant_meanwhile(void **state)
{
	setup(state);
	start_flr(100);
	assert_int_equal(pci_msix_write(&func, 0, 0x1000, 1), -EIO);
	assert_int_equal(pci_msi_write(&func, 0x1000, 1, 0), -EIO);
	setup(state);
	grant(PCI_IRQ_MSIX, 4);
	start_flr(100);
	pci_msi_revoke(&func);
	assert_int_equal(pci_msi_granted(&func).kind, PCI_IRQ_NONE);
	dev.looks_left = 0;
	assert_int_equal(rd(MSIX + 2, 2), 7);
	for (unsigned int v = 0; v < 8; v++) {
		assert_int_equal(fake_pci_entry(&dev, v, 12), 1);
	}
}

/* --- power --- */

static void start_wake(unsigned int lasts)
{
	dev.reset_lasts = 0;
	wr(PM + 4, 2, 3);
	assert_int_equal(rd(0, 4), 0x11e81234);
	fake_pci_forget(&dev);
	dev.reset_lasts = lasts;
	wr(PM + 4, 2, 0);
}

/* CF-12: asleep, its memory is closed and config space answers; awake, all is as before. */
static void test_sleep_and_wake(void **state)
{
	setup(state);
	wr(PCI_COMMAND, 2, 6);
	dev.reset_lasts = 2;
	wr(PM + 4, 2, 3);
	assert_int_equal(dev.how, PCI_RESET_D3HOT);
	assert_int_equal(rd(PM + 4, 2), 0xffff);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0xffffffff);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x11e81234);
	assert_false(dev.mapped[0] || dev.mapped[1]);
	assert_int_equal(load(0x80000000), 0xffffffff);
	wr(PM + 4, 1, 3);
	assert_int_equal(dev.nresets, 1);
	wr(PCI_COMMAND, 2, 2);
	assert_false(dev.mapped[0]);
	wr(PCI_COMMAND, 2, 6);
	wr(PM + 4, 2, 0);
	assert_int_equal(dev.how, PCI_RESET_D0);
	assert_int_equal(rd(PM + 4, 2), 0xffff);
	rd(0, 4);
	rd(0, 4);
	assert_true(dev.mapped[0] && dev.mapped[1]);
	assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2) & 6, 6);
	for (unsigned int lasts = 0; lasts < 64; lasts += 21) {
		setup(state);
		shut_and_back(lasts, start_wake);
	}
}

/* D1 and D2 are not offered, PME is not there, and what is beside stays. */
static void test_other_states_and_pme_are_not_there(void **state)
{
	setup(state);
	assert_int_equal(rd(PM + 2, 2), 0x0037);
	assert_int_equal(rd(PM + 4, 2), 0x0000);
	wr(PM + 4, 2, 0xff01);
	wr(PM + 4, 2, 0xff02);
	wr(PM + 4, 1, 0x01);
	wr(PM + 5, 1, 0xff);
	wr(PM, 4, 0xffffffff);
	wr(PM + 4, 2, 0xfffc);
	assert_int_equal(dev.nresets, 0);
	assert_int_equal(dev.nwrites, 0);
	assert_int_equal(fake_pci_get(&dev, PM + 4, 2), 0x8100);
}

/* A message that is granted while the device sleeps cannot be written. */
static void test_no_table_write_while_asleep(void **state)
{
	unsigned int before;

	setup(state);
	grant(PCI_IRQ_MSIX, 4);
	dev.reset_lasts = 0;
	wr(PM + 4, 2, 3);
	rd(0, 4);
	before = dev.nbar_writes;
	assert_int_equal(pci_msix_write(&func, 0, 0x1000, 1), -EIO);
	pci_msi_revoke(&func);
	assert_int_equal(dev.nbar_writes, before);
}

/* --- the end --- */

/* Whatever its guest has left it in, it ends awake and quiet. */
static void test_quiesce_ends_every_state(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		setup(state);
		wr(PCI_COMMAND, 2, 6);
		dev.reset_lasts = 1000;
		wr(i == 0 ? CTRL : PM + 4, 2, i == 0 ? PCI_EXP_DEVCTL_FLR : 3);
		if (i >= 2) {
			dev.looks_left = 0;
			rd(0, 4);
		}
		if (i == 3) {
			wr(PM + 4, 2, 0);
		}
		pci_func_quiesce(&func);
		assert_false(dev.resetting || func.shut || func.asleep);
		assert_int_equal(dev.how, i == 0 ? PCI_RESET_FLR : PCI_RESET_D0);
		assert_int_equal(fake_pci_get(&dev, PCI_COMMAND, 2) & 0x0404, 0x0400);
		assert_false(dev.mapped[0] || dev.mapped[1]);
		assert_int_equal(rd(PCI_COMMAND, 2) & 6, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_function_reset),
		cmocka_unit_test(test_access_to_memory_sees_the_end_too),
		cmocka_unit_test(test_only_a_written_1_starts_a_reset),
		cmocka_unit_test(test_absent_resets_are_not_started),
		cmocka_unit_test(test_minimal_policy_has_none),
		cmocka_unit_test(test_reset_that_does_not_begin_changes_nothing),
		cmocka_unit_test(test_device_that_dies_in_a_reset_is_gone),
		cmocka_unit_test(test_msix_is_brought_back),
		cmocka_unit_test(test_reset_without_messages_leaves_all_masked),
		cmocka_unit_test(test_msi_is_brought_back),
		cmocka_unit_test(test_gone_device_is_let_alone),
		cmocka_unit_test(test_messages_that_do_not_come_back_end_the_device),
		cmocka_unit_test(test_bus_master_comes_back_last),
		cmocka_unit_test(test_no_grant_meanwhile),
		cmocka_unit_test(test_sleep_and_wake),
		cmocka_unit_test(test_other_states_and_pme_are_not_there),
		cmocka_unit_test(test_no_table_write_while_asleep),
		cmocka_unit_test(test_quiesce_ends_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
