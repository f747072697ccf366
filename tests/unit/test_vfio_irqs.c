// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_irqs.c: which interrupts a device has, and SET_IRQS with every pair of flags, on the
 * strict PHB model.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_pci_parts.h"
#include "tests/unit/dev_help.h"

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENT	VFIO_IRQ_SET_DATA_EVENTFD
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define MSI_FLAGS  (HELP_MSI + PCI_CAP_FLAGS)
#define MSIX_FLAGS (HELP_MSIX + PCI_CAP_FLAGS)

static unsigned int fired, fired_b;

static void fire(void *arg)
{
	*(unsigned int *)arg += 1;
}

static struct vfio_irq_set request(uint32_t kind, uint32_t flags, uint32_t start, uint32_t count)
{
	return (struct vfio_irq_set){.argsz = sizeof(struct vfio_irq_set) + 4096,
		.flags = flags,
		.index = kind,
		.start = start,
		.count = count};
}

static int set_irqs(struct vfio_device *d, uint32_t kind, uint32_t flags, uint32_t start,
	uint32_t count, const void *data)
{
	struct vfio_irq_set set = request(kind, flags, start, count);

	return vfio_set_irqs(d, &set, data);
}

static int arm(struct vfio_device *d, uint32_t kind, unsigned int *counter)
{
	const struct vfio_irq_event e = {counter ? fire : NULL, counter};

	return set_irqs(d, kind, EVENT | TRIGGER, 0, 1, &e);
}

static unsigned int kind_count(struct vfio_device *d, uint32_t kind)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = kind, .count = 99};
	int err = vfio_get_irq_info(d, &info);

	if (err) {
		assert_int_equal(err, -EINVAL);
		assert_int_equal(info.count, 99);
		return 0;
	}
	assert_int_equal(info.index, kind);
	assert_int_equal(info.argsz, sizeof(info));
	return info.count;
}

/* SEED-001.29: five kinds; SEED-001.32, SEED-000.15: that one has no info is normal, what has one
 * of its kind can be armed, and that another cannot be changes nothing. */
static void test_what_a_device_has(void **state)
{
	struct vfio_device *a = open_device(FAKE_DEV0), *b = open_device(FAKE_DEV1);
	static const unsigned int want_a[] = {1, 8, HELP_ENTRIES, 1, 0}, want_b[] = {0, 0, 0, 1, 0};

	(void)state;
	for (uint32_t kind = 0; kind < VFIO_PCI_NUM_IRQS; kind++) {
		assert_int_equal(kind_count(a, kind), want_a[kind]);
		assert_int_equal(kind_count(b, kind), want_b[kind]);
		assert_int_equal(arm(b, kind, &fired), kind == VFIO_PCI_ERR_IRQ ? 0 : -EINVAL);
	}
	assert_int_equal(kind_count(a, VFIO_PCI_NUM_IRQS), 0);
	assert_int_equal(kind_count(a, UINT32_MAX), 0);
}

/* VF-13 */
static void test_info_of_the_wrong_size(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);
	struct vfio_irq_info info;

	(void)state;
	for (uint32_t argsz = 0; argsz < sizeof(info); argsz++) {
		info = (struct vfio_irq_info){argsz, 7, 0, 9};
		assert_int_equal(vfio_get_irq_info(d, &info), -EINVAL);
		assert_true(info.argsz == argsz && info.flags == 7 && info.count == 9);
	}
	info = (struct vfio_irq_info){UINT32_MAX, UINT32_MAX, VFIO_PCI_INTX_IRQ, UINT32_MAX};
	assert_int_equal(vfio_get_irq_info(d, &info), 0);
	assert_true(info.argsz == sizeof(info) && info.flags == VFIO_IRQ_INFO_MASKABLE);
	info.index = VFIO_PCI_ERR_IRQ;
	assert_int_equal(vfio_get_irq_info(d, &info), 0);
	assert_int_equal(info.flags, VFIO_IRQ_INFO_EVENTFD);
	vfio_put_device(d);
	assert_int_equal(vfio_get_irq_info(d, &info), -EINVAL);
}

/* Capabilities that are too short or say nonsense are none, and a pin is one of four. */
static void test_unsound_kinds_are_not_there(void **state)
{
	struct fake_func *f = fake_at(FAKE_DEV0);
	struct vfio_device *d;

	(void)state;
	fake_put(f, MSI_FLAGS, 2, 0x008c);   /* 64 messages */
	fake_put(f, HELP_MSIX + 1, 1, 0x74); /* another begins inside */
	fake_put(f, 0x74, 2, HELP_MSI << 8 | PCI_CAP_VENDOR);
	m.board.funcs[func_at(1, FAKE_DEV0)].int_pin = 5;
	d = open_device(FAKE_DEV0);
	assert_int_equal(kind_count(d, VFIO_PCI_INTX_IRQ), 0);
	assert_int_equal(kind_count(d, VFIO_PCI_MSI_IRQ), 0);
	assert_int_equal(kind_count(d, VFIO_PCI_MSIX_IRQ), 0);
	vfio_put_device(d);
	fake_put(f, MSI_FLAGS, 2, 0x008a);
	m.board.funcs[func_at(1, FAKE_DEV0)].int_pin = 4;
	open_device(FAKE_DEV0);
	assert_int_equal(kind_count(d, VFIO_PCI_INTX_IRQ), 1);
	assert_int_equal(kind_count(d, VFIO_PCI_MSI_IRQ), 32);
}

/* SEED-001.33, SEED-000.7, SEED-002.22: each cycle of an open may fail. Then nothing is open, and
 * it can be tried again at once. */
static void test_open_that_fails_opens_nothing(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV1);
	unsigned int calls = m.phb[1].calls;

	(void)state;
	open_device(FAKE_DEV0);
	calls = m.phb[1].calls - calls;
	assert_in_range(calls, 10, 100);
	for (unsigned int k = 1; k <= calls; k++) {
		struct vfio_device *none = NULL;

		vfio_put_device(&m.vfio.devices[func_at(1, FAKE_DEV0)]);
		m.phb[1].fail_at = k;
		assert_int_equal(vfio_group_get_device(g, func_at(1, FAKE_DEV0), &none), -EIO);
		assert_null(none);
		assert_int_equal(g->ndevices_open, 1);
		assert_int_equal(m.phb[1].fail_at, 0);
		assert_int_equal(kind_count(open_device(FAKE_DEV0), VFIO_PCI_MSI_IRQ), 8);
	}
	assert_int_equal(d->opened, 1);
}

/* Which pairs of flags each kind takes, for one interrupt and for none. */
struct pairs {
	uint32_t kind, one, none;
};

#define PAIR(action, data) (1u << ((action)*3 + (data)))

static const struct pairs pairs[] = {
	{VFIO_PCI_INTX_IRQ, PAIR(0, 0) | PAIR(0, 1) | PAIR(1, 0) | PAIR(1, 1), PAIR(2, 0)},
	{VFIO_PCI_MSI_IRQ, 0, PAIR(2, 0)},
	{VFIO_PCI_MSIX_IRQ, 0, PAIR(2, 0)},
	{VFIO_PCI_ERR_IRQ, PAIR(2, 0) | PAIR(2, 1) | PAIR(2, 2), PAIR(2, 0)},
	{VFIO_PCI_REQ_IRQ, 0, 0},
};

/* VF-12, VF-13: all 256 values of the flags' low byte, and every bit above it, for every kind: what
 * is refused makes no cycle and calls nobody. */
static void test_every_pair_of_flags(void **state)
{
	static const struct vfio_irq_event e = {fire, &fired};
	struct vfio_device *d = open_device(FAKE_DEV0);
	unsigned int good = 0;

	(void)state;
	for (unsigned int n = 0; n < ARRAY_SIZE(pairs) * 2 * (256 + 26); n++) {
		unsigned int one = n & 1, at = n / 2 / ARRAY_SIZE(pairs);
		const struct pairs *p = &pairs[n / 2 % ARRAY_SIZE(pairs)];
		uint32_t flags = at < 256 ? at : (NONE | TRIGGER) | 1u << (at - 256 + 6);
		uint32_t data = flags & 7, action = flags >> 3 & 7;
		bool form = !(flags >> 6) && data && !(data & (data - 1)) && action &&
			    !(action & (action - 1));
		uint32_t bit = form ? PAIR(__builtin_ctz(action), __builtin_ctz(data)) : 0;
		bool sound = form && (one ? p->one : p->none) & bit;
		unsigned int before = touches(), calls = fired;
		struct vfio_irqs irqs = d->irqs;
		int err = set_irqs(d, p->kind, flags, 0, one, &e);

		if (err != (sound ? 0 : -EINVAL)) {
			fail_msg("kind %u flags %x count %u: %d", p->kind, flags, one, err);
		}
		good += sound;
		if (!sound) {
			assert_int_equal(touches(), before);
			assert_int_equal(fired, calls);
			assert_memory_equal(&irqs, &d->irqs, sizeof(irqs));
		}
	}
	assert_int_equal(good, 4 + 1 + 1 + 1 + 3 + 1);
}

/* VF-12 (CVE-2016-9083): starts and counts that are past what there is, or wrap. */
static void test_start_and_count_never_wrap(void **state)
{
	static const uint32_t numbers[] = {0, 1, 2, 7, 8, 9, HELP_ENTRIES - 1, HELP_ENTRIES,
		HELP_ENTRIES + 1, 0x7fffffff, 0x80000000, UINT32_MAX - 7, UINT32_MAX - 1,
		UINT32_MAX};
	static const uint32_t flags[] = {NONE | TRIGGER, BOOL | TRIGGER, EVENT | TRIGGER,
		NONE | MASK, BOOL | MASK, NONE | UNMASK};
	static const struct vfio_irq_event none;
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers) * ARRAY_SIZE(numbers); i++) {
		uint32_t start = numbers[i / ARRAY_SIZE(numbers)];
		uint32_t count = numbers[i % ARRAY_SIZE(numbers)];

		for (unsigned int k = 0; k < VFIO_PCI_NUM_IRQS * ARRAY_SIZE(flags); k++) {
			uint32_t kind = k / ARRAY_SIZE(flags), f = flags[k % ARRAY_SIZE(flags)];
			unsigned int before = touches();

			if (start == 0 && count <= 1) {
				continue;
			}
			if (set_irqs(d, kind, f, start, count, &none) != -EINVAL) {
				fail_msg("kind %u flags %x: %x + %x", kind, f, start, count);
			}
			assert_int_equal(touches(), before);
		}
	}
	assert_int_equal(set_irqs(d, VFIO_PCI_NUM_IRQS, NONE | TRIGGER, 0, 0, NULL), -EINVAL);
	assert_int_equal(set_irqs(d, UINT32_MAX, NONE | TRIGGER, 0, 0, NULL), -EINVAL);
}

/* VF-13: the data has to be there for as many as are counted. */
static void test_argsz_covers_the_data(void **state)
{
	static const struct {
		uint32_t kind, flags;
		unsigned int data;
	} cases[] = {{VFIO_PCI_INTX_IRQ, NONE | MASK, 0}, {VFIO_PCI_INTX_IRQ, BOOL | MASK, 1},
		{VFIO_PCI_ERR_IRQ, EVENT | TRIGGER, sizeof(struct vfio_irq_event)}};
	static const struct vfio_irq_event e = {fire, &fired};
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_irq_set set = request(cases[i].kind, cases[i].flags, 0, 1);
		unsigned int enough = sizeof(set) + cases[i].data, before = touches();

		for (set.argsz = 0; set.argsz < enough; set.argsz++) {
			assert_int_equal(vfio_set_irqs(d, &set, &e), -EINVAL);
		}
		assert_int_equal(touches(), before);
		assert_int_equal(vfio_set_irqs(d, &set, &e), 0);
		set.argsz = UINT32_MAX;
		assert_int_equal(vfio_set_irqs(d, &set, &e), 0);
	}
	vfio_put_device(d);
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired), -EINVAL);
}

static uint32_t intx_off(void)
{
	return fake_get(fake_at(FAKE_DEV0), PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF;
}

static void test_intx_is_masked_in_the_device(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV0);
	uint32_t command = fake_get(fake_at(FAKE_DEV0), PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_OFF;
	uint8_t yes = 1, no = 0;

	(void)state;
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, NONE | UNMASK, 0, 1, NULL), 0);
	assert_int_equal(intx_off(), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, BOOL | MASK, 0, 1, &no), 0);
	assert_int_equal(intx_off(), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, BOOL | MASK, 0, 1, &yes), 0);
	assert_int_not_equal(intx_off(), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, BOOL | UNMASK, 0, 1, &no), 0);
	assert_int_not_equal(intx_off(), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, BOOL | UNMASK, 0, 1, &yes), 0);
	assert_int_equal(intx_off(), 0);
	/* Nothing else of COMMAND has changed. */
	assert_int_equal(fake_get(fake_at(FAKE_DEV0), PCI_COMMAND, 2), command);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, NONE | TRIGGER, 0, 0, NULL), 0);
	assert_int_not_equal(intx_off(), 0);
}

/* SEED-001.58: a kind is disabled by a TRIGGER of none; it alone, and in the device. */
static void test_kind_is_disabled_alone(void **state)
{
	struct fake_func *f = fake_at(FAKE_DEV0);
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	fake_put(f, MSI_FLAGS, 2, 0x00a7);
	fake_put(f, MSIX_FLAGS, 2, 0xc100);
	assert_int_equal(set_irqs(d, VFIO_PCI_MSI_IRQ, NONE | TRIGGER, 0, 0, NULL), 0);
	assert_int_equal(fake_get(f, MSI_FLAGS, 2), 0x00a6);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2), 0xc100);
	assert_int_equal(set_irqs(d, VFIO_PCI_MSIX_IRQ, NONE | TRIGGER, 0, 0, NULL), 0);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2), 0x4100);
	m.phb[1].fail_at = 1;
	assert_int_equal(set_irqs(d, VFIO_PCI_MSI_IRQ, NONE | TRIGGER, 0, 0, NULL), -EIO);
	assert_true(d->gone);
}

/* Whoever lets go of a device leaves no kind of interrupt on, nor anybody to be called. */
static void test_last_put_disables_every_kind(void **state)
{
	struct fake_func *f = fake_at(FAKE_DEV0);
	struct vfio_device *d = open_device(FAKE_DEV0);

	(void)state;
	fired = 0;
	open_device(FAKE_DEV0);
	assert_int_equal(set_irqs(d, VFIO_PCI_INTX_IRQ, NONE | UNMASK, 0, 1, NULL), 0);
	fake_put(f, MSI_FLAGS, 2, 0x00a7);
	fake_put(f, MSIX_FLAGS, 2, 0xc100);
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired), 0);
	vfio_put_device(d);
	assert_int_equal(fake_get(f, MSI_FLAGS, 2), 0x00a7);
	assert_int_equal(intx_off(), 0);
	vfio_put_device(d);
	assert_int_equal(fake_get(f, MSI_FLAGS, 2), 0x00a6);
	assert_int_equal(fake_get(f, MSIX_FLAGS, 2), 0x4100);
	assert_int_not_equal(intx_off(), 0);
	open_device(FAKE_DEV0);
	f->gone = true;
	assert_int_equal(vfio_config_read(d, 0, 4, &(uint32_t){0}), -EIO);
	assert_int_equal(fired, 0);
}

/* SEED-001.47: armed with start 0, count 1; fired once when the device is lost, and never for
 * nothing. */
static void test_error_event(void **state)
{
	struct vfio_device *d = open_device(FAKE_DEV1);
	uint8_t yes = 1, no = 0;
	uint32_t val;

	(void)state;
	fired = fired_b = 0;
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired), 0);
	/* By hand, as a test of who listens. */
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, NONE | TRIGGER, 0, 1, NULL), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, BOOL | TRIGGER, 0, 1, &yes), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, BOOL | TRIGGER, 0, 1, &no), 0);
	assert_int_equal(fired, 2);
	assert_false(d->gone);
	/* Another listener takes its place; none at all is no error. */
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired_b), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, NONE | TRIGGER, 0, 1, NULL), 0);
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, NULL), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, NONE | TRIGGER, 0, 1, NULL), 0);
	assert_true(fired == 2 && fired_b == 1);
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, NONE | TRIGGER, 0, 0, NULL), 0);
	assert_int_equal(set_irqs(d, VFIO_PCI_ERR_IRQ, NONE | TRIGGER, 0, 1, NULL), 0);
	assert_int_equal(fired, 2);
	assert_int_equal(arm(d, VFIO_PCI_ERR_IRQ, &fired), 0);
	fake_at(FAKE_DEV1)->gone = true;
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(vfio_config_read(d, 0, 4, &val), -EIO);
	}
	assert_int_equal(fired, 3);
	assert_int_equal(lines, 1);
	assert_true(m.board.funcs[func_at(1, FAKE_DEV1)].gone);
	assert_false(m.board.funcs[func_at(1, FAKE_DEV0)].gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_device_has),
		TEST(test_info_of_the_wrong_size),
		TEST(test_unsound_kinds_are_not_there),
		TEST(test_open_that_fails_opens_nothing),
		TEST(test_every_pair_of_flags),
		TEST(test_start_and_count_never_wrap),
		TEST(test_argsz_covers_the_data),
		TEST(test_intx_is_masked_in_the_device),
		TEST(test_kind_is_disabled_alone),
		TEST(test_last_put_disables_every_kind),
		TEST(test_error_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
