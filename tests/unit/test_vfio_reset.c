// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_reset.c, on a device that loses its registers in a reset and answers nobody until it is
 * over: a cycle that comes too early fails the test.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/pci_regs.h"
#include "core/vfio_pci_parts.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define MS   1000000ull
#define PM   0x40u
#define EXP  0x50u
#define AF   0x90u
#define PCIX 0xa0u
#define AER  0x100u
#define LTR  0x140u
#define PORT 0x000u /* the root port above 01:00 */

static void look_from_outside(void);

/* One function of PHB 1, in front of the fake that is there. */
struct model {
	uint16_t bdfn;
	uint8_t reg[4096], sticks[4096], fresh[4096];
	uint64_t quiet_until; /* whoever makes a cycle before breaks the rules */
	uint64_t ready_at;    /* answers as not ready until then */
	uint32_t unready;     /* what a vendor id reads meanwhile */
	unsigned int losses, cycles;
	unsigned int fail_cycle; /* the one cycle that fails, counted by cycles; 0: none */
	bool fail, gone;
	bool in_bus_reset;
};

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g;
static struct model models[2];
static struct host_phb_ops ops;
static unsigned int lines;
static char last_line[LOG_LINE_MAX + 1];

static void keep_line(const char *line, size_t len)
{
	lines++;
	memcpy(last_line, line, len);
	last_line[len] = '\0';
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {keep_line, no_time};

static uint32_t get(const struct model *d, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < size; i++) {
		v |= (uint32_t)d->reg[off + i] << (8 * i);
	}
	return v;
}

static void put(struct model *d, unsigned int off, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++) {
		d->reg[off + i] = (uint8_t)(val >> (8 * i));
	}
}

static void lose(struct model *d)
{
	memcpy(d->reg, d->fresh, sizeof(d->reg));
	d->losses++;
}

static void check_time(const struct model *d)
{
	if (fake_arch.now_ns < d->quiet_until) {
		fail_msg("a cycle %llu ns too early",
			(unsigned long long)(d->quiet_until - fake_arch.now_ns));
	}
}

static struct model *model_at(uint16_t bdfn)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (models[i].bdfn == bdfn) {
			return &models[i];
		}
	}
	return NULL;
}

static int model_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	struct model *d = model_at(bdfn);

	if (!d) {
		return fake_phb_ops.config_read(phb, bdfn, off, size, val);
	}
	assert_int_equal(off % size, 0);
	check_time(d);
	d->cycles++;
	if (d->fail || d->cycles == d->fail_cycle) {
		return -EIO;
	}
	*val = d->gone || d->in_bus_reset ? UINT32_MAX >> (32 - 8 * size)
	       : fake_arch.now_ns < d->ready_at
		       ? (off == PCI_VENDOR_ID ? d->unready : UINT32_MAX) >> (32 - 8 * size)
		       : get(d, off, size);
	return 0;
}

static void start_reset(struct model *d, uint64_t takes)
{
	lose(d);
	d->quiet_until = fake_arch.now_ns + 100 * MS;
	d->ready_at = fake_arch.now_ns + takes;
}

static uint64_t reset_takes;

static int model_write(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	struct model *d = model_at(bdfn);
	unsigned int state;

	if (!d) {
		/* Secondary bus reset of the port above. */
		for (unsigned int i = 0; bdfn == PORT && off == 0x3e && i < 2; i++) {
			if (models[i].in_bus_reset && !(val & 0x40)) {
				start_reset(&models[i], reset_takes);
			}
			models[i].in_bus_reset = val & 0x40;
		}
		if (bdfn == PORT && off == 0x3e) {
			look_from_outside();
		}
		return fake_phb_ops.config_write(phb, bdfn, off, size, val);
	}
	assert_int_equal(off % size, 0);
	check_time(d);
	d->cycles++;
	if (d->fail || d->cycles == d->fail_cycle) {
		return -EIO;
	}
	state = get(d, PM + 4, 1) & 3;
	for (unsigned int i = 0; i < size; i++) {
		uint8_t s = d->sticks[off + i];

		d->reg[off + i] = (uint8_t)((d->reg[off + i] & ~s) | (val >> (8 * i) & s));
	}
	if (off == EXP + PCI_EXP_DEVCTL && val & PCI_EXP_DEVCTL_FLR &&
		get(d, EXP + 4, 4) & PCI_EXP_DEVCAP_FLR) {
		start_reset(d, reset_takes);
	} else if (off == AF + PCI_AF_CTRL && val & 1 && get(d, AF + 3, 1) & 2) {
		start_reset(d, reset_takes);
	} else if (off == PM + 4) {
		if ((val & 3) != state) {
			d->quiet_until = fake_arch.now_ns + 10 * MS;
		}
		if (state == 3 && !(val & 3) && !(get(d, PM + 4, 1) & PCI_PM_NO_SOFT_RESET)) {
			lose(d);
			d->ready_at = fake_arch.now_ns + reset_takes;
		}
	}
	return 0;
}

static void cap(struct model *d, unsigned int at, unsigned int id, unsigned int next)
{
	put(d, at, 2, id | next << 8);
}

/* Registers that survive nothing: value v in all the tables know. */
static const struct {
	unsigned int off, size;
	uint32_t val;
	bool back; /* a reset must not lose it */
} kept[] = {
	{PCI_CACHE_LINE, 1, 0x10, true}, {PCI_LATENCY, 1, 0x40, true},
	{PCI_INTERRUPT_LINE, 1, 0x0b, true}, {PCI_ROM_BAR, 4, 0x91000000, true},
	{EXP + PCI_EXP_DEVCTL, 2, 0x2810, true}, {EXP + PCI_EXP_LNKCTL, 2, 0x0040, true},
	{EXP + PCI_EXP_DEVCTL2, 2, 0x0009, true}, {EXP + PCI_EXP_LNKCTL2, 2, 0x0003, true},
	{PCIX + 2, 2, 0x0022, true}, {AER + PCI_AER_UNC_MASK, 4, 0x00100000, true},
	{AER + PCI_AER_UNC_SEVER, 4, 0x00462030, true},
	{AER + PCI_AER_COR_MASK, 4, 0x00002000, true}, {AER + PCI_AER_CTRL, 4, 0x00000140, true},
	{LTR + 4, 4, 0x10031003, true}, {0xe0, 4, 0x12345678, false}, /* nobody's */
};

#define NUM_KEPT (sizeof(kept) / sizeof(kept[0]))

static void model_init(struct model *d, uint16_t bdfn, uint32_t devcap)
{
	memset(d, 0, sizeof(*d));
	d->bdfn = bdfn;
	d->unready = 0xffff0001;
	put(d, PCI_VENDOR_ID, 4, 0x16571014);
	put(d, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	put(d, PCI_CAP_PTR, 1, PM);
	cap(d, PM, PCI_CAP_PM, EXP);
	cap(d, EXP, PCI_CAP_EXP, AF);
	put(d, EXP + 2, 2, 0x0002);
	put(d, EXP + 4, 4, devcap);
	cap(d, AF, PCI_CAP_AF, PCIX);
	put(d, AF + 2, 2, 0x0306);
	cap(d, PCIX, PCI_CAP_PCIX, 0);
	put(d, AER, 4, PCI_EXT_CAP_AER | 1u << 16 | LTR << 20);
	put(d, LTR, 4, PCI_EXT_CAP_LTR | 1u << 16);
	memcpy(d->fresh, d->reg, sizeof(d->reg));
	for (unsigned int i = 0; i < NUM_KEPT; i++) {
		put(d, kept[i].off, kept[i].size, kept[i].val);
		memset(d->sticks + kept[i].off, 0xff, kept[i].size);
	}
	put(d, PCI_COMMAND, 2, 0x0146);
	d->sticks[PCI_COMMAND] = d->sticks[PCI_COMMAND + 1] = 0xff;
	d->sticks[EXP + PCI_EXP_DEVCTL + 1] = 0x7f;
	d->sticks[PM + 4] = 3;
	memset(d->sticks + PCI_BAR0, 0xff, 24);
}

static unsigned int func_at(uint16_t bdfn)
{
	for (unsigned int i = 0; i < m.board.nfuncs; i++) {
		if (m.board.funcs[i].phb == 1 && m.board.funcs[i].bdfn == bdfn) {
			return i;
		}
	}
	fail_msg("no function %x", bdfn);
	return 0;
}

static struct vfio_device *device(unsigned int i)
{
	return &m.vfio.devices[func_at(models[i].bdfn)];
}

static void start(uint32_t devcap)
{
	struct vfio_device *d;

	fake_arch_reset();
	fake_arch.tick_ns = 1000;
	fake_machine_init(&m);
	model_init(&models[0], FAKE_DEV0, devcap);
	model_init(&models[1], FAKE_DEV1, devcap);
	ops = fake_phb_ops;
	ops.config_read = model_read;
	ops.config_write = model_write;
	m.board.phbs[1].ops = &ops;
	/* Where the board has placed a BAR; the device's own word for it counts for nothing. */
	m.board.funcs[func_at(FAKE_DEV0)].bars[0] =
		(struct host_bar){.size = 0x1000, .bus = 0x90000000};
	m.board.funcs[func_at(FAKE_DEV0)].bars[2] =
		(struct host_bar){.size = 0x1000, .bus = 0x90010000, .is64 = true};
	put(&models[0], PCI_BAR0, 4, 0xdeadbeef);
	reset_takes = 0;
	log_set_sink(&sink);
	lines = 0;
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_group_get_device(g, func_at(FAKE_DEV0), &d), 0);
	put(&models[0], PCI_COMMAND, 2, 0x0146);
}

static int setup(void **state)
{
	(void)state;
	start(PCI_EXP_DEVCAP_FLR);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

/* Config space is what the board and the owner made it. */
static void assert_put_back(const struct model *d, bool bars)
{
	for (unsigned int i = 0; i < NUM_KEPT; i++) {
		uint32_t want = kept[i].back ? kept[i].val : 0;

		if (get(d, kept[i].off, kept[i].size) != want) {
			fail_msg("0x%x is 0x%x", kept[i].off, get(d, kept[i].off, kept[i].size));
		}
	}
	assert_int_equal(get(d, PCI_COMMAND, 2), 0x0542);
	if (bars) {
		assert_int_equal(get(d, PCI_BAR0, 4), 0x90000000);
		assert_int_equal(get(d, PCI_BAR0 + 8, 4), 0x90010000);
		assert_int_equal(get(d, PCI_BAR0 + 12, 4), 0);
	}
}

/* CF-11, SEED-001.43: each way there is, and what it takes away is put back. */
static void test_each_kind_saves_and_puts_back(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < VFIO_RESET_KINDS; kind++) {
		struct vfio_device *d;
		uint64_t before;

		start(PCI_EXP_DEVCAP_FLR);
		d = device(0);
		before = fake_arch.now_ns;
		assert_int_equal(vfio_begin_reset(d, kind), 0);
		assert_false(get(&models[0], PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
		assert_int_equal(vfio_begin_reset(d, kind), -EBUSY);
		assert_int_equal(vfio_wait_reset(d), 0);
		assert_int_equal(models[0].losses, 1);
		assert_put_back(&models[0], true);
		assert_true(fake_arch.now_ns - before < 150 * MS);
		assert_int_equal(vfio_poll_reset(d), 0);
		assert_int_equal(models[1].losses, 0);
		assert_int_equal(lines, 0);
		teardown(state);
	}
}

/* SEED-001.43: found by capability, and used in that order. */
static void test_kinds_are_found(void **state)
{
	static const struct {
		uint32_t devcap;
		uint8_t af, pm;
		unsigned int kinds;
	} cases[] = {
		{PCI_EXP_DEVCAP_FLR, 3, 0, 7},
		{0, 3, 0, 6},
		{0, 2, 0, 4}, /* without a bit for pending requests it is no reset to use */
		{0, 1, 0, 4},
		{0, 0, PCI_PM_NO_SOFT_RESET, 0},
		{PCI_EXP_DEVCAP_FLR, 0, PCI_PM_NO_SOFT_RESET, 1},
	};
	unsigned int kinds;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(cases[i].devcap);
		models[0].reg[AF + 3] = cases[i].af;
		models[0].reg[PM + 4] = cases[i].pm;
		assert_int_equal(vfio_probe_resets(device(0), &kinds), 0);
		assert_int_equal(kinds, cases[i].kinds);
		for (unsigned int k = 0; k < VFIO_RESET_KINDS; k++) {
			if (!(kinds >> k & 1)) {
				assert_int_equal(vfio_begin_reset(device(0), k), -ENOTTY);
			}
		}
		assert_int_equal(models[0].losses, 0);
		/* Two functions share the bus, so that is no way for one. */
		assert_int_equal(vfio_reset_device(device(0)), kinds ? 0 : -ENOTTY);
		assert_int_equal(models[0].losses, kinds ? 1 : 0);
		assert_int_equal(models[1].losses, 0);
		teardown(state);
	}
}

/* A capability that is cut by the next one is none that a reset could be asked of. */
static void test_kinds_are_not_found_in_what_is_too_short(void **state)
{
	static const struct {
		unsigned int from, next, id; /* the one before ends at next, which is of id */
		unsigned int kinds;
	} cases[] = {{EXP, EXP + 0x10, 0x0f, 6}, {EXP, EXP + 0x14, 0x0f, 7}, {AF, AF + 4, 0x0f, 5},
		{AF, AF + 8, 0x0f, 7}, {PM, PM + 4, 0x0f, 3}, {PM, PM + 8, 0x0f, 7}};
	unsigned int kinds;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *d = &models[0];

		start(PCI_EXP_DEVCAP_FLR);
		if (d->reg[cases[i].from + 1] != cases[i].next) {
			cap(d, cases[i].next, cases[i].id, d->reg[cases[i].from + 1]);
			d->reg[cases[i].from + 1] = (uint8_t)cases[i].next;
		}
		assert_int_equal(vfio_probe_resets(device(0), &kinds), 0);
		if (kinds != cases[i].kinds) {
			fail_msg("0x%x, and then 0x%x: %u", cases[i].from, cases[i].next, kinds);
		}
		teardown(state);
	}
	start(PCI_EXP_DEVCAP_FLR);
}

/* SEED-002.17, VF-15: while it lasts nobody makes a cycle, and nobody waits. */
static void test_config_space_is_shut_meanwhile(void **state)
{
	struct vfio_device *d = device(0);
	uint32_t val = 99;
	uint64_t bar;
	unsigned int before;

	(void)state;
	assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
	assert_int_equal(vfio_poll_reset(d), -EAGAIN); /* drained, and begun */
	before = models[0].cycles;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(vfio_config_read(d, 0, 4, &val), -EBUSY);
		assert_int_equal(vfio_config_write(d, 4, 2, 7), -EBUSY);
		assert_int_equal(vfio_region_load(d, 0, 0, 4, &bar), -EIO);
		assert_int_equal(vfio_region_store(d, 0, 0, 4, 0), -EIO);
		assert_int_equal(vfio_poll_reset(d), -EAGAIN);
	}
	assert_int_equal(val, 99);
	assert_int_equal(models[0].cycles, before);
	fake_arch.now_ns += 100 * MS;
	assert_int_equal(vfio_poll_reset(d), 0);
	assert_int_equal(vfio_config_read(d, 0, 4, &val), 0);
	assert_int_equal(val, 0x16571014);
}

/* A device that says it is not ready is believed; one look every 10 ms. */
static void test_slow_device_is_waited_for(void **state)
{
	static const uint32_t unready[] = {0xffff0001, 0xffffffff, 0};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		start(PCI_EXP_DEVCAP_FLR);
		reset_takes = 20000 * MS;
		models[0].unready = unready[i];
		assert_int_equal(vfio_begin_reset(device(0), VFIO_RESET_FLR), 0);
		models[0].cycles = 0;
		fake_arch.tick_ns = MS;
		assert_int_equal(vfio_wait_reset(device(0)), 0);
		assert_in_range(models[0].cycles, 1000, 2100);
		assert_put_back(&models[0], true);
		teardown(state);
	}
}

/* DF-02: a device that never comes back is given up within a minute and a bit, with its group. */
static void test_device_that_never_comes_back_is_given_up(void **state)
{
	struct vfio_device *d = device(0);
	struct vfio_group *other;
	uint64_t before = fake_arch.now_ns;
	unsigned int cycles;

	(void)state;
	reset_takes = UINT64_MAX / 2;
	assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
	fake_arch.tick_ns = MS;
	assert_int_equal(vfio_wait_reset(d), -EIO);
	assert_true(fake_arch.now_ns - before <= 60300 * MS);
	assert_true(d->gone);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "01:00.0 did not come back from a reset"));
	cycles = models[0].cycles;
	assert_int_equal(vfio_poll_reset(d), -EIO);
	assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), -EIO);
	assert_int_equal(vfio_begin_power(d, true), -EIO);
	assert_int_equal(vfio_reset_device(d), -EIO);
	assert_int_equal(models[0].cycles, cycles);
	vfio_put_device(d);
	assert_int_equal(models[0].cycles, cycles);
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &other), -EPERM);
}

/* Requests that stay open do not hold a reset up for ever; ones that end are waited for. */
static void test_pending_requests_are_drained_or_given_up(void **state)
{
	struct vfio_device *d = device(0);
	uint64_t before;

	(void)state;
	put(&models[0], EXP + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_PENDING);
	before = fake_arch.now_ns;
	assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
	assert_int_equal(vfio_poll_reset(d), -EAGAIN);
	assert_int_equal(models[0].losses, 0);
	fake_arch.now_ns += 50 * MS;
	assert_int_equal(vfio_poll_reset(d), -EAGAIN);
	assert_int_equal(models[0].losses, 0);
	fake_arch.now_ns = before + 101 * MS;
	assert_int_equal(vfio_poll_reset(d), -EAGAIN);
	assert_int_equal(models[0].losses, 1);
	assert_int_equal(vfio_wait_reset(d), 0);
	put(&models[0], EXP + PCI_EXP_DEVSTA, 2, 0);
	assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
	assert_int_equal(vfio_poll_reset(d), -EAGAIN);
	assert_int_equal(models[0].losses, 2);
	assert_int_equal(vfio_wait_reset(d), 0);
}

/* CF-12: D3hot, memory closed, config open; D0, and all is back, whether or not it was lost. */
static void test_power_states(void **state)
{
	(void)state;
	for (unsigned int nsr = 0; nsr < 2; nsr++) {
		struct vfio_device *d;
		uint32_t val;
		uint64_t bar;

		start(PCI_EXP_DEVCAP_FLR);
		d = device(0);
		models[0].reg[PM + 4] = models[0].fresh[PM + 4] = nsr ? PCI_PM_NO_SOFT_RESET : 0;
		assert_int_equal(vfio_begin_power(d, false), -EALREADY);
		assert_int_equal(vfio_begin_power(d, true), 0);
		assert_int_equal(vfio_config_read(d, 0, 4, &val), -EBUSY);
		assert_int_equal(vfio_wait_reset(d), 0);
		assert_int_equal(vfio_config_read(d, PM + 4, 2, &val), 0);
		assert_int_equal(val & PCI_PM_STATE, PCI_PM_D3HOT);
		assert_false(get(&models[0], PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
		assert_int_equal(vfio_region_load(d, 0, 0, 4, &bar), -EIO);
		assert_int_equal(vfio_begin_power(d, true), -EALREADY);
		assert_int_equal(vfio_begin_power(d, false), 0);
		assert_int_equal(vfio_wait_reset(d), 0);
		assert_int_equal(models[0].losses, nsr ? 0 : 1);
		assert_int_equal(get(&models[0], PM + 4, 1) & PCI_PM_STATE, 0);
		/* What a function reset saved while asleep is from before. */
		assert_int_equal(vfio_begin_power(d, true), 0);
		assert_int_equal(vfio_wait_reset(d), 0);
		assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
		assert_int_equal(vfio_wait_reset(d), 0);
		assert_put_back(&models[0], true);
		assert_false(d->reset.asleep);
		teardown(state);
	}
}

/* SEED-001.27, LC-04: whoever lets go of a device in the middle of something leaves it awake, and
 * as it was. */
static void test_last_put_wakes_and_puts_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct vfio_device *d;

		start(PCI_EXP_DEVCAP_FLR);
		d = device(0);
		assert_int_equal(vfio_config_write(d, EXP + PCI_EXP_DEVCTL, 2, 0x5000), 0);
		assert_int_equal(vfio_config_write(d, PCIX + 2, 2, 0x7f), 0);
		if (i == 2) {
			assert_int_equal(vfio_begin_reset(d, VFIO_RESET_FLR), 0);
		} else {
			assert_int_equal(vfio_begin_power(d, true), 0);
		}
		if (i == 1) {
			assert_int_equal(vfio_wait_reset(d), 0);
		}
		vfio_put_device(d);
		assert_put_back(&models[0], false);
		assert_int_equal(get(&models[0], PM + 4, 1) & PCI_PM_STATE, 0);
		assert_false(d->gone);
		assert_int_equal(vfio_close_group(g), 0);
		teardown(state);
	}
}

/* SEED-001.24: all functions of the bus are quiet before it is reset, and all are put back. */
static void test_bus_reset_takes_the_whole_group(void **state)
{
	(void)state;
	put(&models[1], PCI_COMMAND, 2, 0x0146);
	assert_int_equal(vfio_reset_group(g), 0);
	assert_int_equal(models[0].losses, 1);
	assert_int_equal(models[1].losses, 1);
	assert_put_back(&models[0], true);
	assert_put_back(&models[1], false);
	assert_int_equal(vfio_begin_reset(device(1), VFIO_RESET_FLR), 0);
	assert_int_equal(vfio_reset_group(g), -EBUSY);
	assert_int_equal(models[0].losses, 1);
	assert_int_equal(vfio_wait_reset(device(1)), 0);
	/* One of the two stays away: the other is put back all the same. */
	models[1].gone = true;
	assert_int_equal(vfio_reset_group(g), -EIO);
	assert_true(device(1)->gone);
	assert_false(device(0)->gone);
}

static bool looks;

static void no_line(const char *text)
{
	(void)text;
}

/* As the monitor would, on another thread, for every function. */
static void look_from_outside(void)
{
	for (unsigned int i = 0; i < 2 && looks; i++) {
		unsigned int cycles = models[i].cycles, at = 0;

		(void)!vfio_print_slice(&m.vfio, func_at(models[i].bdfn), &at, 4, no_line);
		assert_int_equal(models[i].cycles, cycles);
	}
}

/* SEED-002.17: nor do those who print config space, from when the port resets on. */
static void test_nobody_looks_at_a_bus_in_reset(void **state)
{
	unsigned int at = 0, cycles = models[0].cycles;

	(void)state;
	assert_int_equal(vfio_print_slice(&m.vfio, func_at(FAKE_DEV0), &at, 4, no_line), -EAGAIN);
	assert_true(models[0].cycles > cycles);
	looks = true;
	assert_int_equal(vfio_reset_group(g), 0);
	looks = false;
	assert_false(vfio_reset_is_on(device(0)));
	assert_false(vfio_reset_is_on(device(1)));
	assert_put_back(&models[0], true);
}

static void test_group_without_a_port_has_no_bus_to_reset(void **state)
{
	(void)state;
	m.board.groups[1].port = -1;
	assert_int_equal(vfio_reset_group(g), -ENOTTY);
	assert_int_equal(models[0].losses, 0);
}

/* Whatever cycle of a reset fails, it ends, and the device is either back or known to be gone. */
static void test_failing_cycles_end_in_gone(void **state)
{
	for (unsigned int n = 0; n < 200; n++) {
		struct vfio_device *d;
		int err;

		start(PCI_EXP_DEVCAP_FLR);
		d = device(0);
		fake_arch.tick_ns = MS;
		err = vfio_begin_reset(d, n % VFIO_RESET_KINDS);
		for (unsigned int i = 0; i < n / VFIO_RESET_KINDS && !err; i++) {
			err = vfio_poll_reset(d);
			err = err == -EAGAIN ? 0 : err;
		}
		models[0].fail = true;
		assert_int_equal(err, 0);
		err = vfio_wait_reset(d);
		assert_true(err == 0 || (err == -EIO && d->gone && lines == 1));
		teardown(state);
	}
	start(0);
}

/* Everything there is to do with the first device, to its end. */
static int do_flr(struct vfio_device *d)
{
	int err = vfio_begin_reset(d, VFIO_RESET_FLR);

	return err ? err : vfio_wait_reset(d);
}

static int do_af(struct vfio_device *d)
{
	int err = vfio_begin_reset(d, VFIO_RESET_AF);

	return err ? err : vfio_wait_reset(d);
}

static int do_pm(struct vfio_device *d)
{
	int err = vfio_begin_reset(d, VFIO_RESET_PM);

	return err ? err : vfio_wait_reset(d);
}

static int do_sleep_and_wake(struct vfio_device *d)
{
	int err = vfio_begin_power(d, true);

	err = err ? err : vfio_wait_reset(d);
	vfio_wake_device(d);
	return err ? err : d->gone ? -EIO : 0;
}

static int do_whichever(struct vfio_device *d)
{
	return vfio_reset_device(d);
}

static int do_bus(struct vfio_device *d)
{
	return vfio_reset_group(d->group);
}

/* One cycle fails, and every one in its turn: then the device is gone, which is said once, or it
 * is what it was. Nothing in between, and no end of waiting. */
static void test_any_one_failing_cycle_is_gone_or_made_good(void **state)
{
	static int (*const acts[])(struct vfio_device *) = {
		do_flr, do_af, do_pm, do_sleep_and_wake, do_whichever, do_bus};

	for (unsigned int i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		unsigned int gone = 0, n = 0;
		bool failed = true;

		while (failed) {
			struct vfio_device *d;
			int err;

			start(PCI_EXP_DEVCAP_FLR);
			d = device(0);
			models[0].cycles = 0;
			models[0].fail_cycle = ++n;
			err = acts[i](d);
			failed = models[0].cycles >= n;
			if (err) {
				assert_int_equal(err, -EIO);
				assert_true(d->gone);
				assert_int_equal(lines, 1);
				gone++;
			} else {
				assert_false(d->gone);
				assert_put_back(&models[0], models[0].losses);
			}
			teardown(state);
		}
		/* Each of them needs some dozen cycles, most of which are not made twice. */
		assert_true(gone > 12);
		assert_true(n < 400);
	}
	start(0);
}

/* The port does not do what a reset of its bus needs: the reset has failed, and that is said to who
 * asked. */
static void test_port_that_fails_has_no_reset(void **state)
{
	for (unsigned int n = 1; n <= 3; n++) {
		start(PCI_EXP_DEVCAP_FLR);
		m.phb[1].fail_at = n;
		assert_int_equal(vfio_reset_group(g), -EIO);
		assert_int_equal(m.phb[1].fail_at, 0);
		assert_false(vfio_reset_is_on(device(0)));
		teardown(state);
	}
	start(0);
}

/* Of two functions on a bus neither is reset with the bus for the other's sake; one alone is. */
static void test_device_without_a_reset_of_its_own_has_its_bus(void **state)
{
	start(0);
	put(&models[0], AF + 2, 2, 0x0006);
	put(&models[0], PM + 4, 2, PCI_PM_NO_SOFT_RESET);
	assert_int_equal(vfio_reset_device(device(0)), -ENOTTY);
	assert_int_equal(models[0].losses, 0);
	teardown(state);
}

/* A device without power management stays in D0. */
static void test_device_without_power_management_stays_awake(void **state)
{
	(void)state;
	put(&models[0], PCI_CAP_PTR, 1, EXP);
	assert_int_equal(vfio_begin_power(device(0), true), -ENOTTY);
	assert_false(device(0)->gone);
	vfio_wake_device(device(0));
	assert_int_equal(get(&models[0], PCI_COMMAND, 2), 0x0146);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_saves_and_puts_back),
		cmocka_unit_test(test_kinds_are_found),
		cmocka_unit_test_teardown(test_kinds_are_not_found_in_what_is_too_short, teardown),
		TEST(test_config_space_is_shut_meanwhile),
		cmocka_unit_test(test_slow_device_is_waited_for),
		TEST(test_device_that_never_comes_back_is_given_up),
		TEST(test_pending_requests_are_drained_or_given_up),
		cmocka_unit_test(test_power_states),
		cmocka_unit_test(test_last_put_wakes_and_puts_back),
		TEST(test_bus_reset_takes_the_whole_group),
		TEST(test_nobody_looks_at_a_bus_in_reset),
		TEST(test_group_without_a_port_has_no_bus_to_reset),
		cmocka_unit_test_teardown(test_failing_cycles_end_in_gone, teardown),
		cmocka_unit_test_teardown(
			test_any_one_failing_cycle_is_gone_or_made_good, teardown),
		cmocka_unit_test_teardown(test_port_that_fails_has_no_reset, teardown),
		cmocka_unit_test(test_device_without_a_reset_of_its_own_has_its_bus),
		TEST(test_device_without_power_management_stays_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
