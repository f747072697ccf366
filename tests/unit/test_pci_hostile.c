// SPDX-License-Identifier: Apache-2.0
/*
 * Any 4 KiB for a config space, under both policies: the function is refused, or its guest sees
 * sound lists, costs few cycles, and changes no bit of the device that it may not. What it may is
 * written down here once more, by hand.
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

#define ROUNDS	 4000u
#define ACCESSES 120u

/* The most cycles that one guest access and one init may cost: a read and its check that the device
 * is there, three times, for an access; both lists and all their registers for init. */
#define ACCESS_CYCLES 12u
#define INIT_CYCLES   800u

static struct fake_pci dev;
static struct pci_func func;
static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static uint32_t rnd32(void)
{
	return rnd(0x10000) << 16 | rnd(0x10000);
}

/* --- images --- */

static void random_bytes(unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		dev.config[i] = (uint8_t)rnd(256);
	}
}

/* Known capabilities with plausible flags, at places that need not be apart. */
static void random_caps(void)
{
	static const struct {
		uint8_t id;
		uint16_t flags;
	} kinds[] = {{PCI_CAP_PM, 0x0003}, {PCI_CAP_VPD, 0}, {PCI_CAP_MSI, 0x0186},
		{PCI_CAP_MSI, 0x0006}, {PCI_CAP_PCIX, 0}, {PCI_CAP_VENDOR, 0x0010},
		{PCI_CAP_VENDOR, 0x00ff}, {PCI_CAP_EXP, 0x0002}, {PCI_CAP_EXP, 0x0001},
		{PCI_CAP_MSIX, 0x0003}, {PCI_CAP_AF, 0x0306}, {0x0c, 0}};
	unsigned int link = PCI_CAP_PTR, pos = PCI_CAP_FIRST;

	dev.config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	while (pos < 0xf0) {
		unsigned int k = rnd(ARRAY_SIZE(kinds));

		dev.config[link] = (uint8_t)pos;
		dev.config[pos] = kinds[k].id;
		dev.config[pos + 1] = 0;
		fake_pci_put(&dev, pos + 2, 2, kinds[k].flags);
		if (kinds[k].id == PCI_CAP_MSIX) {
			fake_pci_put(&dev, pos + 4, 4, rnd(4) ? rnd(64) * 16 : rnd32());
			fake_pci_put(&dev, pos + 8, 4, rnd(4) ? 0x800 + rnd(64) * 8 : rnd32());
		}
		link = pos + 1;
		pos += 4 + 4 * rnd(16);
	}
}

static void random_ext_caps(void)
{
	static const uint8_t ids[] = {PCI_EXT_CAP_AER, PCI_EXT_CAP_DSN, PCI_EXT_CAP_POWER,
		PCI_EXT_CAP_VENDOR, PCI_EXT_CAP_ACS, PCI_EXT_CAP_ATS, 0x10, PCI_EXT_CAP_REBAR};
	unsigned int pos = PCI_EXT_FIRST;

	while (pos < 0xff0) {
		unsigned int next = pos + 4 + 4 * rnd(40), id = ids[rnd(ARRAY_SIZE(ids))];

		fake_pci_put(&dev, pos, 4, id | 1u << 16 | (next < 0xffc ? next << 20 : 0));
		if (id == PCI_EXT_CAP_VENDOR) {
			fake_pci_put(&dev, pos + 4, 4, rnd(128) << 20 | 0x1234);
		}
		pos = next;
	}
}

static void spoil(void)
{
	switch (rnd(8)) {
	case 0: /* pointers into the header, backward, onto themselves */
		for (unsigned int i = 0; i < 8; i++) {
			dev.config[PCI_CAP_FIRST + 4 * rnd(48) + 1] = (uint8_t)rnd(256);
		}
		break;
	case 1:
		memset(dev.config + PCI_CAP_FIRST + rnd(190), 0xff, 1 + rnd(2));
		break;
	case 2: /* all ones from somewhere on */
		memset(dev.config + 0x34 + rnd(0x100), 0xff, 0xe00);
		break;
	case 3:
		for (unsigned int i = 0; i < 20; i++) {
			unsigned int pos = PCI_EXT_FIRST + 4 * rnd(0x3c0);

			fake_pci_put(&dev, pos, 4, rnd32());
		}
		break;
	case 4: /* every dword of the list leads to the next: 48 capabilities of 4 bytes */
		for (unsigned int pos = PCI_CAP_FIRST; pos < PCI_CAP_LIMIT; pos += 4) {
			dev.config[pos + 1] = (uint8_t)(pos + 4);
		}
		break;
	default:
		for (unsigned int i = rnd(30); i; i--) {
			dev.config[rnd(0x1000)] = (uint8_t)rnd(256);
		}
		break;
	}
}

static void make_image(unsigned int round)
{
	random_bytes(round % 4 ? PCI_CAP_FIRST : 0, PCI_CONFIG_EXT_SIZE);
	if (round % 4) {
		random_caps();
		random_ext_caps();
	}
	if (round % 4 > 1) {
		spoil();
	}
	if (rnd(16)) {
		dev.config[PCI_HEADER_TYPE] &= PCI_HEADER_MULTI;
	}
	/* Every bit of it sticks. */
	memset(dev.sticks, 0xff, sizeof(dev.sticks));
	memset(dev.w1c, 0, sizeof(dev.w1c));
}

/* But for those that the specifications clear by a 1; beside them nothing can be written. */
static void clear_by_1(unsigned int off, unsigned int size, uint32_t mask)
{
	for (unsigned int i = 0; i < size; i++) {
		dev.w1c[off + i] = (uint8_t)(mask >> (8 * i));
		dev.sticks[off + i] = 0;
	}
}

static const struct pci_bar sound_bars[PCI_NUM_BARS] = {
	{.size = 0x1000, .value = 0x80000000},
	{.size = 0x4000, .is64 = true, .value = 0x80010000},
	{.upper = true},
	{.size = 0x100, .value = 0x80020000},
};

/* --- what a guest may change --- */

static uint8_t allowed[PCI_CONFIG_EXT_SIZE];

static void allow(unsigned int off, unsigned int size, uint32_t mask)
{
	for (unsigned int i = 0; i < size; i++) {
		allowed[off + i] |= (uint8_t)(mask >> (8 * i));
	}
}

static uint32_t rd(unsigned int off, unsigned int size)
{
	uint32_t val = 0x5a5a5a5a;
	unsigned int before = dev.nreads + dev.nwrites + dev.nlooks;

	assert_int_equal(pci_config_read(&func, off, size, &val), 0);
	assert_in_range(dev.nreads + dev.nwrites + dev.nlooks - before, 0, ACCESS_CYCLES);
	return val;
}

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

static void allow_cap(unsigned int id, unsigned int pos, unsigned int size, bool minimal)
{
	switch (id) {
	case PCI_CAP_PM:
		clear_by_1(pos + 5, 1, 0x80);
		break;
	case PCI_CAP_VPD:
		allow(pos + 2, 2, 0xffff);
		allow(pos + 4, 4, 0xffffffff);
		break;
	case PCI_CAP_PCIX:
		allow(pos + 2, 2, minimal ? 0 : 0x7f);
		allow(pos + 4, 4, minimal ? 0 : 0x200c0000);
		clear_by_1(pos + 4, 4, 0x200c0000);
		break;
	case PCI_CAP_VENDOR:
		memset(allowed + pos + 3, 0xff, size - 3);
		break;
	case PCI_CAP_EXP:
		allow(pos + 8, 4, minimal ? 0 : 0x000f7810);
		allow(pos + 0x28, 2, minimal || size < 0x2a ? 0 : 0x1f);
		/* A 1 must never be written to what starts a reset, read as it may. */
		dev.w1c[pos + 9] = 0x80;
		dev.sticks[pos + 9] = 0x7f;
		clear_by_1(pos + 10, 2, 0x000f);
		clear_by_1(pos + 18, 2, 0xc000);
		break;
	default:
		break;
	}
}

static void allow_ext_cap(unsigned int id, unsigned int pos, unsigned int size)
{
	switch (id) {
	case PCI_EXT_CAP_AER:
		allow(pos + 4, 4, 0x07fff030);
		allow(pos + 0x10, 4, 0x0000f1c1);
		clear_by_1(pos + 4, 4, 0xffffffff);
		clear_by_1(pos + 0x10, 4, 0xffffffff);
		break;
	case PCI_EXT_CAP_POWER:
		allow(pos + 4, 1, 0xff);
		break;
	case PCI_EXT_CAP_VENDOR:
		memset(allowed + pos + 8, 0xff, size - 8);
		break;
	default:
		break;
	}
}

/* --- what a guest sees --- */

static void check_std_list(bool minimal)
{
	unsigned int pos = rd(PCI_CAP_PTR, 1), steps = 0;
	bool flag = rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST;
	uint8_t owner[PCI_CONFIG_SIZE] = {0};

	assert_int_equal(flag, pos != 0);
	for (; pos; pos = rd(pos + 1, 1)) {
		unsigned int id = rd(pos, 1), size = shown_size(pos);

		assert_in_range(++steps, 1, PCI_CAP_MAX);
		assert_in_range(pos, PCI_CAP_FIRST, PCI_CAP_LIMIT - 4);
		assert_int_equal(pos % 4, 0);
		assert_in_range(size, 3, PCI_CAP_LIMIT - pos);
		for (unsigned int i = 0; i < size; i++) {
			assert_int_equal(owner[pos + i]++, 0);
		}
		allow_cap(id, pos, size, minimal);
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
		allow_ext_cap(link & 0xffff, pos, size);
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

	return !pci_config_read(&func, PCI_EXT_FIRST, 4, &val);
}

static void check_touched(unsigned int off, unsigned int size, uint32_t val)
{
	static const uint8_t none[PCI_CONFIG_EXT_SIZE];

	if (!memcmp(dev.touched, none, sizeof(none))) {
		return;
	}
	for (unsigned int i = 0; i < PCI_CONFIG_EXT_SIZE; i++) {
		if (dev.touched[i] & ~allowed[i]) {
			fail_msg("a write of 0x%x, %u bytes at 0x%x touched 0x%x of 0x%x", val,
				size, off, dev.touched[i], i);
		}
	}
}

static void random_config_access(bool ext)
{
	unsigned int size = 1u << rnd(3);
	unsigned int off = rnd(ext && rnd(2) ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE) & ~(size - 1);
	unsigned int before = dev.nreads + dev.nwrites + dev.nlooks, resets = dev.nresets;
	bool resetting = dev.resetting;
	uint32_t val = rnd(4) ? rnd32() : rnd(2) ? UINT32_MAX : 0;

	if (rnd(3) == 0) {
		(void)rd(off, size);
	} else {
		assert_int_equal(pci_config_write(&func, off, size, val), 0);
	}
	if (resetting || dev.nresets != resets) {
		/* What puts things back is not the guest. */
		memset(dev.touched, 0, sizeof(dev.touched));
		return;
	}
	assert_in_range(dev.nreads + dev.nwrites + dev.nlooks - before, 0, ACCESS_CYCLES);
	check_touched(off, size, val);
	memset(dev.touched, 0, sizeof(dev.touched));
}

static void random_bar_access(void)
{
	unsigned int size = 1u << rnd(4);
	uint64_t at = 0x7ffff000ull + rnd(0x23000), val = rnd32();
	int err;

	at &= ~(uint64_t)(size - 1);
	err = pci_bar_access(&func, at, size, rnd(2), &val);
	assert_true(err == 0 || err == -ENOENT || err == -ENXIO);
}

static void change_answers(void *arg)
{
	(void)arg;
	dev.config[rnd(2) ? PCI_CAP_FIRST + rnd(0xc0) : rnd(0x1000)] ^= (uint8_t)(1u << rnd(8));
	if (rnd(4)) {
		fake_pci_put(&dev, PCI_VENDOR_ID, 4, 0x11e81234);
	}
}

static bool try_image(unsigned int round, bool changing)
{
	const struct pci_policy *policy = round % 2 ? &pci_policy_full : &pci_policy_minimal;
	int err;

	fake_pci_init(&dev, sound_bars);
	make_image(round);
	dev.reset_lasts = rnd(4);
	dev.on_read = changing ? change_answers : NULL;
	err = pci_func_init_policy(&func, policy, 0x18, sound_bars, &fake_pci_ops, &dev);
	assert_in_range(dev.nreads + dev.nwrites, 1, INIT_CYCLES);
	assert_true(err == 0 || err == -EINVAL || err == -ENODEV || err == -EIO);
	return err == 0;
}

/* CF-06, CF-07, CF-10, DF-01, MM-03, SEED-001.41, SEED-002.20 */
static void test_any_image_is_refused_or_tamed(void **state)
{
	unsigned int taken = 0, extended = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		bool minimal = round % 2 == 0, ext;

		seed = round;
		if (!try_image(round, false)) {
			continue;
		}
		taken++;
		ext = has_ext();
		extended += ext;
		memset(allowed, 0, sizeof(allowed));
		allow(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		allow(PCI_STATUS, 2, 0xf900);
		clear_by_1(PCI_STATUS, 2, 0xf900);
		allow(PCI_CACHE_LINE, 2, minimal ? 0xffff : 0);
		fake_pci_forget(&dev);
		check_std_list(minimal);
		if (ext) {
			check_ext_list();
		}
		for (unsigned int i = 0; i < ACCESSES && !func.gone; i++) {
			random_config_access(ext);
			random_bar_access();
		}
		pci_func_quiesce(&func);
		assert_false(dev.mapped[0] || dev.mapped[1] || dev.mapped[3]);
	}
	/* Enough of them got this far. */
	assert_in_range(taken, ROUNDS / 4, ROUNDS);
	assert_in_range(extended, ROUNDS / 40, ROUNDS);
}

/* A device whose registers change from read to read: nothing is believed twice. */
static void test_changing_answers_are_survived(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS / 4; round++) {
		unsigned int steps = 0;

		seed = ~round;
		if (!try_image(round | 1, true)) {
			continue;
		}
		taken++;
		for (unsigned int pos = func.image[PCI_CAP_PTR]; pos; pos = func.image[pos + 1]) {
			assert_in_range(++steps, 1, PCI_CAP_MAX);
		}
		for (unsigned int i = 0; i < ACCESSES && !func.gone; i++) {
			unsigned int size = 1u << rnd(3);
			unsigned int off = rnd(PCI_CONFIG_SIZE) & ~(size - 1);

			if (rnd(2)) {
				(void)rd(off, size);
			} else {
				assert_int_equal(pci_config_write(&func, off, size, rnd32()), 0);
			}
			random_bar_access();
		}
		pci_func_quiesce(&func);
	}
	assert_in_range(taken, ROUNDS / 64, ROUNDS);
}

/* DF-03, SEED-003.31: sizes, values and halves that are anything. */
static void test_any_bars_are_refused_or_sound(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
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
		fake_pci_init(&dev, bars);
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
	assert_in_range(taken, ROUNDS / 20, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_image_is_refused_or_tamed),
		cmocka_unit_test(test_changing_answers_are_survived),
		cmocka_unit_test(test_any_bars_are_refused_or_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
