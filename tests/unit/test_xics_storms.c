// SPDX-License-Identifier: Apache-2.0
/*
 * core/xics.c under load: floods of messages, sources that are moved and freed again and again
 * while they are in service. Counts are exact: nothing is lost, doubled, or somebody else's.
 */
#include "tests/unit/xics_help.h"

#include "core/be.h"

/* Under emulation, where the byte order is the question, fewer will do. */
#define LESS (BE_HOST_IS_LITTLE ? 1u : 100u)

#define ALL 0xff000000u

static struct partition part;

static int setup(void **state)
{
	(void)state;
	help_init(&part);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	xics_exit(&part);
	assert_int_equal(fake_irq_in_use(), 0);
	return 0;
}

static uint32_t take(unsigned int vcpu)
{
	return xics_accept(help_on(&part, vcpu)) & ~ALL;
}

static void finish(unsigned int vcpu, uint32_t number)
{
	assert_int_equal(xics_end(help_on(&part, vcpu), ALL | number), 0);
}

static unsigned int calls(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_IRQ_NUM_OPS; i++) {
		n += fake_irq.ncalls[i];
	}
	return n;
}

/* IR-02: a million messages between two looks of the guest are one event in its queue and one more
 * after its end, and nobody but the guest does anything for them. */
static void test_flood_of_messages_is_two_interrupts(void **state)
{
	unsigned int before;

	(void)state;
	assert_int_equal(xics_set(&part, MSI, 0, 5), 0);
	before = calls();
	for (unsigned int i = 0; i < 1000000 / LESS; i++) {
		fake_irq_edge(HW_MSI);
	}
	assert_int_equal(calls(), before);
	assert_int_equal(fake_irq_waiting(&part.vcpus[0]), 1);
	assert_int_equal(take(0), MSI);
	assert_int_equal(take(0), 0);
	finish(0, MSI);
	assert_int_equal(take(0), MSI);
	finish(0, MSI);
	assert_int_equal(take(0), 0);
	fake_irq_check(NULL);
}

/* IR-02: while one vCPU is flooded without end, from all its sources, each request to another is
 * served at once, and each call does bounded work. */
static void test_flood_at_one_vcpu_is_not_felt_by_another(void **state)
{
	unsigned int served = 0;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(xics_set(&part, MSI + i, 0, 5), 0);
	}
	for (unsigned int round = 0; round < 10000 / LESS; round++) {
		unsigned int before;
		uint32_t number;

		for (unsigned int i = 0; i < 100; i++) {
			fake_irq_edge(HW_MSI + i % 10);
		}
		assert_in_range(fake_irq_waiting(&part.vcpus[0]), 1, 10);
		assert_int_equal(xics_ipi(&part, 1, 4), 0);
		before = calls();
		served += take(1) == XICS_IPI;
		assert_in_range(calls() - before, 1, 8);
		assert_int_equal(xics_ipi(&part, 1, 0xff), 0);
		finish(1, XICS_IPI);
		before = calls();
		number = take(0);
		assert_in_range(number, MSI, MSI + 9);
		finish(0, number);
		assert_in_range(calls() - before, 1, 8);
	}
	assert_int_equal(served, 10000 / LESS);
}

/* How many vCPUs have something to take, and who had it. */
static unsigned int take_all(uint32_t *number, unsigned int *who)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HELP_VCPUS; i++) {
		uint32_t got = take(i);

		if (got) {
			*number = got;
			*who = i;
			n++;
		}
	}
	return n;
}

/* SEED-001.46: a line that the guest moves a thousand times, before it is taken, in service, and
 * with the line still up at the end: one interrupt for each time it is up. */
static void test_moved_line_comes_once(void **state)
{
	uint32_t number = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		unsigned int from = i % HELP_VCPUS, to = (i / 3) % HELP_VCPUS, who = from;

		assert_int_equal(xics_set(&part, LSI, from, 5), 0);
		fake_irq_level(HW_LSI, true);
		if (i % 3) {
			assert_int_equal(take(from), LSI);
		}
		assert_int_equal(xics_set(&part, LSI, to, 5), 0);
		if (i % 3 == 0) {
			assert_int_equal(take_all(&number, &who), 1);
			assert_int_equal(number, LSI);
		}
		assert_int_equal(take_all(&number, &who), 0);
		if (i % 3 == 2) {
			finish(who, LSI);
			assert_int_equal(take(to), LSI);
			who = to;
		}
		fake_irq_level(HW_LSI, false);
		finish(who, LSI);
		assert_int_equal(take_all(&number, &who), 0);
		fake_irq_check(NULL);
	}
}

/* SEED-002.18, IR-06: a source is freed while its interrupt is in service, or in the queue, and its
 * number and the message behind it go to others at once: nothing of the old one comes, ever. */
static void test_source_freed_in_service_leaves_nothing(void **state)
{
	const unsigned int rounds = 100000 / LESS;
	unsigned int queued = 0;

	(void)state;
	xics_remove_source(&part, MSI + 1);
	for (unsigned int round = 0; round < rounds; round++) {
		uint32_t hw = HW_MSI + round % 2;
		bool in_service = round % 3;

		assert_int_equal(xics_set(&part, MSI, round % HELP_VCPUS, 5), 0);
		fake_irq_edge(hw);
		if (in_service) {
			assert_int_equal(take(round % HELP_VCPUS), MSI);
			fake_irq_edge(hw);
		}
		queued += !in_service;
		xics_remove_source(&part, MSI);
		fake_irq_edge(hw);
		if (in_service) {
			assert_int_equal(
				xics_end(help_on(&part, round % HELP_VCPUS), ALL | MSI), -EINVAL);
			finish(round % HELP_VCPUS, 0);
		}
		assert_int_equal(xics_add_source(&part, MSI, HW_MSI + (round + 1) % 2, false), 0);
		assert_int_equal(take(round % HELP_VCPUS), 0);
	}
	assert_int_equal(part.xics.dropped, queued);
	assert_int_equal(fake_irq_waiting(&part.vcpus[0]), 0);
	fake_irq_check(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_flood_of_messages_is_two_interrupts),
		TEST(test_flood_at_one_vcpu_is_not_felt_by_another),
		TEST(test_moved_line_comes_once),
		TEST(test_source_freed_in_service_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
