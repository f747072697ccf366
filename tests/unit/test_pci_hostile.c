// SPDX-License-Identifier: Apache-2.0
/*
 * Any 4 KiB for a config space, under both policies, also such that change while they are looked
 * at: the function is refused, or its guest sees sound lists, costs few cycles, and changes no bit
 * of the device that it may not. What it may is worked out from the image in hostile_help.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/pci_msi.h"
#include "tests/unit/hostile_help.h"

/* Fewer under emulation, where the byte order is the question. */
#define ROUNDS	    (BE_HOST_IS_LITTLE ? 60000u : 2000u)
#define BAR_ROUNDS  4000u
#define ACCESSES    24u
#define SWEEP_EVERY 64u

/* The most cycles that one guest access and one init may cost: a read and its check that the device
 * is there, three times, for an access; both lists and all their registers for init. */
#define ACCESS_CYCLES 12u
#define INIT_CYCLES   800u

static struct pci_func func;

static const struct pci_bar sound_bars[PCI_NUM_BARS] = {
	{.size = 0x1000, .value = 0x80000000},
	{.size = 0x4000, .is64 = true, .value = 0x80010000},
	{.upper = true},
	{.size = 0x100, .value = 0x80020000},
};

/* --- the device, with an eye on who writes what --- */

/* What changes by itself: nothing; what no list and no flag is; anything. */
enum change { CHANGE_NOTHING, CHANGE_REGISTERS, CHANGE_ANYTHING };
static enum change change;

/* On whose behalf cycles are made: nobody judges the host, but where it writes is known. */
static enum { BY_INIT, BY_HOST, BY_GUEST, BY_GUEST_AFTER_RESET } who;

static bool is_msi_flags(unsigned int off, unsigned int size)
{
	return size == 2 && ((func.msi.pos && off == func.msi.pos + 2u) ||
				    (func.msix.pos && off == func.msix.pos + 2u));
}

static bool is_msi(unsigned int off)
{
	return func.msi.pos && off >= func.msi.pos && off < func.msi.pos + 24u;
}

/* Where a device changes what it says it is, what it said when it was assigned holds. */
static bool is_shown_place(unsigned int off, unsigned int size, bool minimal)
{
	if (off < PCI_CAP_FIRST) {
		return off / 4 == 1 || (minimal && off >= PCI_CACHE_LINE && off + size <= 0x0e);
	}
	for (unsigned int i = 0; i < func.ncaps; i++) {
		const struct pci_cap *c = &func.caps[i];

		if (c->perm && off >= c->pos + 2u && off < (unsigned int)c->pos + c->size) {
			return c->pos != func.msi.pos && c->pos != func.msix.pos;
		}
	}
	return false;
}

static void judge_write(unsigned int off, unsigned int size, uint32_t val)
{
	if (is_msi_flags(off, size) && change == CHANGE_ANYTHING) {
		return;
	}
	if (change == CHANGE_ANYTHING) {
		assert_true(is_shown_place(off, size, func.policy == &pci_policy_minimal));
		return;
	}
	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(val >> (8 * i)), at = dev.config[off + i];
		uint8_t changed =
			(uint8_t)(((at ^ byte) & dev.sticks[off + i]) | (byte & dev.w1c[off + i]));

		if (changed & ~may[off + i]) {
			fail_msg("%s: a cycle of %u bytes at 0x%x, 0x%x, changes 0x%x of 0x%x, "
				 "which may 0x%x",
				func.policy->name, size, off, val, changed, off + i, may[off + i]);
		}
	}
}

static int judged_write(void *arg, unsigned int off, unsigned int size, uint32_t val)
{
	bool ours = off == PCI_COMMAND && size == 2;

	switch (who) {
	case BY_INIT:
		assert_true(ours || is_msi_flags(off, size));
		break;
	case BY_HOST:
		assert_true(ours || is_msi_flags(off, size) || is_msi(off));
		break;
	case BY_GUEST_AFTER_RESET:
		if (ours || is_msi_flags(off, size) || is_msi(off)) {
			break;
		}
		judge_write(off, size, val);
		break;
	default:
		judge_write(off, size, val);
		break;
	}
	return fake_pci_ops.write(arg, off, size, val);
}

/* Where the host has placed the BARs, and what messages are, no guest finds out. */
static int judged_read(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	for (unsigned int i = 0; i < size && who >= BY_GUEST; i++) {
		assert_false(secret[off + i]);
		assert_false(off + i >= PCI_CAP_FIRST && is_msi(off + i) &&
			     off + i - func.msi.pos >= 4 && off + i - func.msi.pos < 10);
	}
	return fake_pci_ops.read(arg, off, size, val);
}

/* MM-02: of the MSI-X table a guest's stores change mask bits alone, and of the pending bits none.
 */
static int judged_bar_write(
	void *arg, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	const struct pci_msix *x = &func.msix;

	if (who == BY_GUEST && bar == x->table_bar && off + size > x->table &&
		off < x->table + 16ull * x->entries) {
		assert_int_equal((off - x->table) % 16, 12);
		assert_true(size == 4 && val <= 1);
	}
	if (who == BY_GUEST && bar == x->pba_bar && x->entries) {
		assert_false(off + size > x->pba && off < x->pba + (x->entries + 7) / 8);
	}
	return fake_pci_ops.bar_write(arg, bar, off, size, val);
}

static void change_something(void *arg)
{
	unsigned int at = rnd(2) ? PCI_CAP_FIRST + rnd(0xc0) : rnd(0x1000);

	(void)arg;
	if (change == CHANGE_REGISTERS) {
		dev.config[at] ^= (uint8_t)(fixed[at] ? 0 : 1u << rnd(8));
		return;
	}
	dev.config[at] ^= (uint8_t)(1u << rnd(8));
	if (rnd(4)) {
		fake_pci_put(&dev, PCI_VENDOR_ID, 4, 0x11e81234);
	}
}

/* --- what a guest does --- */

static unsigned int cycles(void)
{
	return dev.nreads + dev.nwrites + dev.nlooks;
}

static void begin_access(unsigned int *before)
{
	who = dev.resetting ? BY_GUEST_AFTER_RESET : BY_GUEST;
	*before = cycles();
}

/* What puts things back after a reset is not counted. */
static void end_access(unsigned int before)
{
	if (who == BY_GUEST) {
		assert_in_range(cycles() - before, 0, ACCESS_CYCLES);
	}
	who = BY_HOST;
}

static uint32_t rd(unsigned int off, unsigned int size)
{
	uint32_t val = 0x5a5a5a5a;
	unsigned int before;

	begin_access(&before);
	assert_int_equal(pci_config_read(&func, off, size, &val), 0);
	end_access(before);
	return val;
}

static void wr(unsigned int off, unsigned int size, uint32_t val)
{
	unsigned int before;

	begin_access(&before);
	assert_int_equal(pci_config_write(&func, off, size, val), 0);
	end_access(before);
}

static unsigned int random_place(bool ext)
{
	if (func.ncaps && rnd(2)) {
		const struct pci_cap *c = &func.caps[rnd(func.ncaps)];

		return (c->pos + rnd(c->size + 4u)) % (ext ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE);
	}
	return rnd(ext && rnd(2) ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE);
}

static void random_config_access(bool ext)
{
	unsigned int size = 1u << rnd(3), off = random_place(ext) & ~(size - 1);

	if (rnd(4) == 0) {
		(void)rd(off, size);
	} else {
		wr(off, size, rnd(4) ? rnd32() : rnd(2) ? UINT32_MAX : 0);
	}
}

static void random_bar_access(void)
{
	unsigned int size = 1u << rnd(4);
	uint64_t at = 0x7ffff000ull + rnd(0x23000), val = rnd32();
	int err;

	if (func.msix.entries && rnd(2)) {
		at = func.bars[func.msix.table_bar].value + func.msix.table +
		     rnd(16 * func.msix.entries + 16);
	}
	at &= ~(uint64_t)(size - 1);
	who = dev.resetting ? BY_GUEST_AFTER_RESET : BY_GUEST;
	err = pci_bar_access(&func, at, size, rnd(2), &val);
	who = BY_HOST;
	assert_true(err == 0 || err == -ENOENT || err == -ENXIO);
}

/* Ones, zeros and something to every register in every width, and every register read. */
static void sweep(bool ext)
{
	for (unsigned int size = 1; size <= 4; size *= 2) {
		for (unsigned int off = 0; off < (ext ? 0x1000u : 0x100u); off += size) {
			wr(off, size, UINT32_MAX);
			wr(off, size, 0);
			wr(off, size, rnd32());
			(void)rd(off, size);
		}
	}
}

/* From now on the guest's enable bits are the device's. */
static void grant_messages(void)
{
	struct pci_grant g = {.n = 1, .number = 0x1200, .nmessages = 1};

	if (func.msix.pos && !pci_msix_write(&func, 0, 0x1000000000000000, 5)) {
		g.kind = PCI_IRQ_MSIX;
		may[func.msix.pos + 3] |= 0xc0;
	} else if (func.msi.pos && !pci_msi_write(&func, 0xffff0000, 5, 0)) {
		g.kind = PCI_IRQ_MSI;
		may[func.msi.pos + 2] |= 1;
	} else {
		return;
	}
	pci_msi_grant(&func, &g);
}

/* --- what a guest sees --- */

static unsigned int shown_size(unsigned int pos)
{
	for (unsigned int i = 0; i < func.ncaps; i++) {
		if (func.caps[i].pos == pos) {
			return func.caps[i].size;
		}
	}
	fail_msg("0x%x is in the list, but nothing is there", pos);
	return 0;
}

static void check_std_list(void)
{
	unsigned int pos = rd(PCI_CAP_PTR, 1), steps = 0;
	bool flag = rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST;
	uint8_t owner[PCI_CONFIG_SIZE] = {0};

	assert_int_equal(flag, pos != 0);
	for (; pos; pos = rd(pos + 1, 1)) {
		unsigned int size = shown_size(pos);

		assert_in_range(++steps, 1, PCI_CAP_MAX);
		assert_in_range(pos, PCI_CAP_FIRST, PCI_CAP_LIMIT - 4);
		assert_int_equal(pos % 4, 0);
		assert_in_range(size, 3, PCI_CAP_LIMIT - pos);
		/* SEED-001.52: whole dwords, so that no aligned access meets two of them. */
		for (unsigned int i = 0; i < (size + 3) / 4 * 4; i++) {
			assert_int_equal(owner[pos + i]++, 0);
		}
	}
}

static void check_ext_list(void)
{
	unsigned int pos = PCI_EXT_FIRST, steps = 0;
	uint32_t link = rd(pos, 4);

	while (link) {
		unsigned int next = link >> 20, size = shown_size(pos);

		assert_in_range(++steps, 1, PCI_SHOWN_EXT_MAX);
		assert_in_range(size, 4, PCI_EXT_LIMIT - pos);
		if (!next) {
			break;
		}
		assert_in_range(next, pos + size, PCI_EXT_LIMIT - 8);
		assert_int_equal(next % 4, 0);
		pos = next;
		link = rd(pos, 4);
		assert_int_not_equal(link, 0);
	}
}

static bool has_ext(void)
{
	uint32_t val;

	return !func.gone && !pci_config_read(&func, PCI_EXT_FIRST, 4, &val);
}

/* --- rounds --- */

static struct {
	unsigned int taken, extended, granted, wrote;
} met;

static int try_image(unsigned int round)
{
	static struct pci_func_ops ops;
	const struct pci_policy *policy = round % 2 ? &pci_policy_full : &pci_policy_minimal;
	int err;

	ops = fake_pci_ops;
	ops.read = judged_read;
	ops.write = judged_write;
	ops.bar_write = judged_bar_write;
	fake_pci_renew(&dev, sound_bars);
	make_image(round / 2);
	judge_image(policy == &pci_policy_minimal);
	dev.reset_lasts = rnd(4);
	dev.on_read = change == CHANGE_NOTHING ? NULL : change_something;
	who = BY_INIT;
	err = pci_func_init_policy(&func, policy, 0x18, sound_bars, &ops, &dev);
	assert_in_range(cycles(), 1, INIT_CYCLES);
	assert_true(err == 0 || err == -EINVAL || err == -ENODEV || err == -EIO);
	/* From now on no page of its table is mapped, and none of its entries changed unmasked. */
	dev.msix_entries = func.msix.entries;
	dev.table_bar = func.msix.table_bar;
	dev.table = func.msix.table;
	dev.pba_bar = func.msix.pba_bar;
	dev.pba = func.msix.pba;
	return err;
}

static void one_round(unsigned int round)
{
	unsigned int nwrites;
	bool ext;

	seed = round * 3 + change;
	if (try_image(round)) {
		return;
	}
	who = BY_HOST;
	met.taken++;
	ext = has_ext();
	met.extended += ext;
	if (change != CHANGE_ANYTHING) {
		check_std_list();
	}
	if (ext && change != CHANGE_ANYTHING) {
		check_ext_list();
	}
	if (rnd(2)) {
		grant_messages();
	} else if (rnd(4) == 0) {
		pci_func_hide_msi(&func);
	}
	if (rnd(4) == 0) {
		pci_func_route_intx(&func);
		allow(PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	}
	met.granted += func.grant.kind != PCI_IRQ_NONE;
	fake_pci_forget(&dev);
	for (unsigned int i = 0; i < ACCESSES && !func.gone; i++) {
		random_config_access(ext);
		random_bar_access();
	}
	if (round % SWEEP_EVERY < 2) {
		sweep(ext);
	}
	nwrites = dev.nwrites;
	met.wrote += nwrites != 0;
	who = BY_HOST;
	pci_func_quiesce(&func);
	assert_false(dev.mapped[0] || dev.mapped[1] || dev.mapped[3]);
}

static void run(enum change c, unsigned int rounds)
{
	change = c;
	memset(&met, 0, sizeof(met));
	fake_pci_init(&dev, sound_bars);
	for (unsigned int round = 0; round < rounds; round++) {
		one_round(round);
	}
	/* Enough of them got this far. */
	assert_in_range(met.taken, rounds / 8, rounds);
	assert_in_range(met.extended, rounds / 80, rounds);
	assert_in_range(met.granted, rounds / 80, rounds);
	assert_in_range(met.wrote, rounds / 20, rounds);
}

/* CF-06, CF-07, CF-10, DF-01, MM-03, SEED-001.41, SEED-002.20, SEED-003.28 */
static void test_any_image_is_refused_or_tamed(void **state)
{
	(void)state;
	run(CHANGE_NOTHING, ROUNDS);
}

/* DF-03: a device whose registers change from read to read, but not what it says it is. */
static void test_changing_registers_change_no_rule(void **state)
{
	(void)state;
	run(CHANGE_REGISTERS, ROUNDS / 2);
}

/* DF-03: nothing is believed twice. What it was when it was assigned is what a guest may write. */
static void test_changing_answers_are_survived(void **state)
{
	(void)state;
	run(CHANGE_ANYTHING, ROUNDS / 3);
}

/* DF-03, SEED-003.31: sizes, values and halves that are anything. */
static void test_any_bars_are_refused_or_sound(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (unsigned int round = 0; round < BAR_ROUNDS; round++) {
		struct pci_bar bars[PCI_NUM_BARS] = {{0}};

		seed = round * 77;
		for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
			if (rnd(2)) {
				bars[i] =
					(struct pci_bar){.size = rnd(4) ? 1ull << rnd(64) : rnd32(),
						.is64 = rnd(3) == 0,
						.prefetch = rnd(2),
						.upper = rnd(12) == 0};
				bars[i].value = bars[i].size ? (uint64_t)rnd32() / bars[i].size *
								       bars[i].size
							     : 0;
			}
		}
		fake_pci_renew(&dev, bars);
		if (pci_func_init(&func, 0, bars, &fake_pci_ops, &dev)) {
			assert_int_equal(dev.nwrites, 0);
			continue;
		}
		taken++;
		assert_int_equal(pci_config_write(&func, PCI_COMMAND, 2, 6), 0);
		for (unsigned int i = 0; i < 40; i++) {
			assert_int_equal(pci_config_write(&func, PCI_BAR0 + 4 * rnd(6), 4,
						 rnd(2) ? UINT32_MAX : rnd32() | 0x80000000),
				0);
		}
		pci_func_quiesce(&func);
	}
	assert_in_range(taken, BAR_ROUNDS / 20, BAR_ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_image_is_refused_or_tamed),
		cmocka_unit_test(test_changing_registers_change_no_rule),
		cmocka_unit_test(test_changing_answers_are_survived),
		cmocka_unit_test(test_any_bars_are_refused_or_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
