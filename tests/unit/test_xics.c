// SPDX-License-Identifier: Apache-2.0
/*
 * core/xics.c: sources, servers and what is delivered, rule by rule. test_xics_random.c has the
 * interleavings.
 */
#include "tests/unit/xics_help.h"

#include <pthread.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct partition part;

static int setup(void **state)
{
	(void)state;
	help_init(&part);
	return 0;
}

/* Nothing was lost, and nothing is left behind. */
static int teardown(void **state)
{
	(void)state;
	fake_irq.hook = NULL;
	xics_exit(&part);
	assert_int_equal(fake_irq_in_use(), 0);
	return 0;
}

static struct vcpu *on(unsigned int vcpu)
{
	return help_on(&part, vcpu);
}

static void expect_accept(unsigned int vcpu, uint32_t xirr)
{
	uint32_t got = xics_accept(on(vcpu));

	if (got != xirr) {
		fail_msg("accepted %08lx, not %08lx", (unsigned long)got, (unsigned long)xirr);
	}
	fake_irq_check(NULL);
}

/* As expect_accept, when sources are in service. */
static void expect_taken(unsigned int vcpu, uint32_t xirr)
{
	assert_int_equal(xics_accept(on(vcpu)), xirr);
}

static void finish(unsigned int vcpu, uint32_t xirr)
{
	assert_int_equal(xics_end(on(vcpu), xirr), 0);
}

static void set(uint32_t number, unsigned int server, uint8_t prio)
{
	assert_int_equal(xics_set(&part, number, server, prio), 0);
}

static void enable(uint32_t number, bool is_on)
{
	assert_int_equal(xics_set_enabled(&part, number, is_on), 0);
}

static void request(unsigned int server, uint8_t mfrr)
{
	assert_int_equal(xics_ipi(&part, server, mfrr), 0);
}

static void expect_setting(uint32_t number, unsigned int server, uint8_t prio)
{
	unsigned int got_server;
	uint8_t got_prio;

	assert_int_equal(xics_get(&part, number, &got_server, &got_prio), 0);
	assert_int_equal(got_server, server);
	assert_int_equal(got_prio, prio);
}

/* --- life --- */

static void test_failure_of_any_step_of_init_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 2 * HELP_VCPUS; n++) {
		help_prepare(&part);
		fake_irq_fail_at(n, 0);
		assert_int_equal(xics_init(&part), -EIO);
		assert_int_equal(fake_irq_in_use(), 0);
	}
	help_prepare(&part);
	fake_irq_fail_at(2 * HELP_VCPUS + 1, 0);
	assert_int_equal(xics_init(&part), 0);
	assert_int_equal(teardown(NULL), 0);
}

/* LC-03: with everything in every state. */
static void test_exit_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		setup(state);
		set(MSI, 1, 5);
		set(MSI + 1, 1, 5);
		set(LSI, 2, 5);
		set(LSI + 1, 2, 5);
		fake_irq_edge(HW_MSI);
		fake_irq_edge(HW_MSI);
		fake_irq_level(HW_LSI, true);
		expect_taken(2, 0xff000000 | LSI);
		enable(MSI + 1, false);
		fake_irq_edge(HW_MSI + 1);
		request(3, 4);
		teardown(state);
	}
}

static void test_new_server_takes_nothing_until_its_cppr_says_so(void **state)
{
	(void)state;
	help_prepare(&part);
	assert_int_equal(xics_init(&part), 0);
	request(0, 0);
	assert_false(fake_irq_signal(on(0)));
	expect_accept(0, 0);
	xics_set_cppr(on(0), 0xff);
	assert_true(fake_irq_signal(on(0)));
	expect_accept(0, 0xff000000 | XICS_IPI);
}

/* --- sources --- */

static void test_numbers_are_those_of_the_two_ranges(void **state)
{
	static const struct {
		uint32_t number;
		int want;
	} cases[] = {
		{0, -EINVAL},
		{XICS_IPI, -EINVAL},
		{XICS_LSI_FIRST - 1, -EINVAL},
		{XICS_LSI_FIRST + XICS_LSI_COUNT - 1, 0},
		{XICS_LSI_FIRST + XICS_LSI_COUNT, -EINVAL},
		{XICS_MSI_FIRST - 1, -EINVAL},
		{XICS_MSI_FIRST, -EBUSY},
		{XICS_LSI_FIRST, -EBUSY},
		{XICS_MSI_FIRST + XICS_MSI_COUNT - 1, 0},
		{XICS_MSI_FIRST + XICS_MSI_COUNT, -EINVAL},
		{XICS_MSI_FIRST | 0x10000, -EINVAL},
		{UINT32_MAX, -EINVAL},
	};
	unsigned int server;
	uint8_t prio;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t number = cases[i].number;

		assert_int_equal(xics_add_source(&part, number, 100, false), cases[i].want);
		if (cases[i].want == -EINVAL) {
			assert_int_equal(xics_set(&part, number, 0, 5), -EINVAL);
			assert_int_equal(xics_get(&part, number, &server, &prio), -EINVAL);
			assert_int_equal(xics_set_enabled(&part, number, true), -EINVAL);
			xics_remove_source(&part, number);
		}
	}
	assert_int_equal(xics_set(&part, MSI + 10, 0, 5), -EINVAL);
	assert_int_equal(xics_get(&part, MSI + 10, &server, &prio), -EINVAL);
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_MASK], 0);
}

static void test_server_that_does_not_exist_is_refused(void **state)
{
	(void)state;
	set(MSI, 1, 5);
	assert_int_equal(xics_set(&part, MSI, HELP_VCPUS, 5), -EINVAL);
	assert_int_equal(xics_set(&part, MSI, UINT32_MAX, 5), -EINVAL);
	assert_int_equal(xics_ipi(&part, HELP_VCPUS, 4), -EINVAL);
	assert_int_equal(xics_ipi(&part, (uint64_t)1 << 32, 4), -EINVAL);
	expect_setting(MSI, 1, 5);
}

static void test_source_is_off_until_it_has_a_priority(void **state)
{
	(void)state;
	expect_setting(MSI, 0, 0xff);
	fake_irq_edge(HW_MSI);
	enable(MSI, true);
	expect_accept(0, 0xff000000);
	set(MSI, 1, 5);
	expect_setting(MSI, 1, 5);
	fake_irq_edge(HW_MSI);
	expect_taken(1, 0xff000000 | MSI);
}

static void test_int_on_brings_back_what_set_xive_said(void **state)
{
	(void)state;
	set(MSI, 1, 5);
	enable(MSI, false);
	expect_setting(MSI, 1, 0xff);
	set(MSI, 2, 3);
	expect_setting(MSI, 2, 0xff);
	assert_false(fake_irq.sources[HW_MSI].live);
	enable(MSI, true);
	expect_setting(MSI, 2, 3);
	assert_ptr_equal(fake_irq.sources[HW_MSI].to, &part.vcpus[2]);
	assert_int_equal(fake_irq.sources[HW_MSI].prio, 3);
	set(MSI, 2, 0xff);
	enable(MSI, true);
	assert_false(fake_irq.sources[HW_MSI].live);
}

/* SEED-001.56 */
static void test_setting_what_is_set_makes_no_firmware_call(void **state)
{
	unsigned int before;

	(void)state;
	set(MSI, 1, 6);
	before = fake_irq.ncalls[FAKE_IRQ_ROUTE];
	set(MSI, 1, 6);
	set(MSI, 1, 7);
	enable(MSI, true);
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_ROUTE], before);
	expect_setting(MSI, 1, 7);
}

static void test_route_that_fails_changes_nothing(void **state)
{
	(void)state;
	set(MSI, 1, 5);
	fake_irq_fail_at(1, 0);
	assert_int_equal(xics_set(&part, MSI, 2, 3), -EIO);
	expect_setting(MSI, 1, 5);
	fake_irq_edge(HW_MSI);
	expect_taken(1, 0xff000000 | MSI);
	/* A source that was off stays off. */
	fake_irq_fail_at(1, 0);
	assert_int_equal(xics_set(&part, MSI + 1, 2, 3), -EIO);
	expect_setting(MSI + 1, 0, 0xff);
	enable(MSI, false);
	fake_irq_fail_at(1, 0);
	assert_int_equal(xics_set_enabled(&part, MSI, true), -EIO);
	expect_setting(MSI, 1, 0xff);
}

static void test_source_that_cannot_go_back_is_off(void **state)
{
	(void)state;
	set(MSI, 1, 5);
	fake_irq_fail_at(1, 1);
	assert_int_equal(xics_set(&part, MSI, 2, 3), -EIO);
	expect_setting(MSI, 1, 0xff);
	fake_irq_edge(HW_MSI);
	expect_accept(1, 0xff000000);
	set(MSI, 1, 5);
	expect_taken(1, 0xff000000 | MSI);
}

static unsigned int met;

static void other_cpu_sets(enum fake_irq_op op, bool locked)
{
	(void)locked;
	if (op == FAKE_IRQ_ROUTE) {
		met++;
		assert_int_equal(xics_set(&part, MSI, 3, 2), -EBUSY);
		assert_int_equal(xics_set_enabled(&part, MSI, false), -EBUSY);
		assert_int_equal(xics_add_source(&part, MSI, 30, false), -EBUSY);
		set(MSI + 1, met % HELP_VCPUS, 2);
	}
}

/* LoPAR wants the calls reentrant: two sources do not meet. */
static void test_second_cpu_at_one_source_is_told_to_come_again(void **state)
{
	(void)state;
	met = 0;
	fake_irq.hook = other_cpu_sets;
	set(MSI, 1, 5);
	fake_irq.hook = NULL;
	assert_int_equal(met, 2);
	expect_setting(MSI, 1, 5);
	expect_setting(MSI + 1, 2, 2);
}

static void test_msi_blocks_are_aligned_runs_of_free_numbers(void **state)
{
	static const struct {
		unsigned int n, align;
		int want;
		uint32_t first;
	} cases[] = {
		/* Ten are used, and the last but two, by the test. */
		{1, 1, 0, 0x130a},
		{3, 4, 0, 0x130c},
		{32, 32, 0, 0x1320},
		{128, 128, -ENOSPC, 0},
		{64, 64, 0, 0x1340},
		{243, 1, 0, 0x130a},
		{244, 1, -ENOSPC, 0},
		{256, 1, -ENOSPC, 0},
		{257, 1, -ENOSPC, 0},
		{UINT32_MAX, 1, -ENOSPC, 0},
		{1, 512, -ENOSPC, 0},
		{1, 0x80000000, -ENOSPC, 0},
		{0, 1, -EINVAL, 0},
		{1, 0, -EINVAL, 0},
		{1, 3, -EINVAL, 0},
	};

	(void)state;
	assert_int_equal(xics_add_source(&part, 0x13fd, 100, false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t first = 0;

		assert_int_equal(xics_find_msi_block(&part, cases[i].n, cases[i].align, &first),
			cases[i].want);
		assert_int_equal(first, cases[i].first);
	}
}

/* RT-16: the pool is full again after each round, however it was cut up. */
static void test_msi_pool_is_exhausted_and_whole_again(void **state)
{
	static const unsigned int sizes[] = {1, 2, 3, 5, 32};

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		unsigned int n = sizes[round % ARRAY_SIZE(sizes)];
		unsigned int align = n == 3 || n == 5 ? 1 : n;
		unsigned int got = 0;
		uint32_t first;

		help_prepare(&part);
		assert_int_equal(xics_init(&part), 0);
		while (!xics_find_msi_block(&part, n, align, &first)) {
			assert_int_equal(first % align, 0);
			for (unsigned int i = 0; i < n; i++) {
				assert_int_equal(xics_add_source(&part, first + i, 100, false), 0);
			}
			got += n;
		}
		assert_int_equal(got, XICS_MSI_COUNT - XICS_MSI_COUNT % n);
		for (uint32_t i = 0; i < XICS_MSI_COUNT; i++) {
			xics_remove_source(&part, XICS_MSI_FIRST + i);
		}
		assert_int_equal(xics_find_msi_block(&part, XICS_MSI_COUNT, 1, &first), 0);
	}
}

/* --- delivery --- */

static void test_interrupt_is_accepted_and_ended(void **state)
{
	(void)state;
	set(MSI, 0, 5);
	expect_accept(0, 0xff000000);
	fake_irq_edge(HW_MSI);
	assert_true(fake_irq_signal(on(0)));
	assert_true(xics_pending(on(0)));
	assert_false(xics_pending(on(1)));
	expect_taken(0, 0xff000000 | MSI);
	assert_false(fake_irq_signal(on(0)));
	assert_false(xics_pending(on(0)));
	/* It fires again meanwhile: once, after its end. */
	fake_irq_edge(HW_MSI);
	fake_irq_edge(HW_MSI);
	expect_taken(0, 0x05000000);
	finish(0, 0xff000000 | MSI);
	assert_true(fake_irq_signal(on(0)));
	expect_taken(0, 0xff000000 | MSI);
	finish(0, 0xff000000 | MSI);
	expect_accept(0, 0xff000000);
}

static void test_more_favoured_interrupts_less_favoured(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 7; i++) {
		set(MSI + i, 0, (uint8_t)i);
		fake_irq_edge(HW_MSI + i);
	}
	xics_set_cppr(on(0), 5);
	expect_taken(0, 0x05000000 | MSI);
	expect_taken(0, 0);
	finish(0, 0x05000000 | MSI);
	for (uint32_t i = 1; i < 5; i++) {
		expect_taken(0, 0x05000000 | (MSI + i));
		assert_false(fake_irq_signal(on(0)));
		finish(0, 0x05000000 | (MSI + i));
	}
	/* 5 and 6 wait. */
	expect_accept(0, 0x05000000);
	xics_set_cppr(on(0), 6);
	expect_taken(0, 0x06000000 | (MSI + 5));
	finish(0, 0x06000000 | (MSI + 5));
	expect_accept(0, 0x06000000);
	xics_set_cppr(on(0), 7);
	expect_taken(0, 0x07000000 | (MSI + 6));
}

static void test_priorities_from_7_are_served_as_6(void **state)
{
	static const uint8_t prios[] = {6, 7, 8, 0x7f, 0xfe};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prios); i++) {
		set(MSI, 0, prios[i]);
		expect_setting(MSI, 0, prios[i]);
		fake_irq_edge(HW_MSI);
		expect_taken(0, 0xff000000 | MSI);
		assert_int_equal(part.vcpus[0].server.cppr, 6);
		finish(0, 0x06000000 | MSI);
		fake_irq_edge(HW_MSI);
		expect_accept(0, 0x06000000);
		xics_set_cppr(on(0), 7);
		expect_taken(0, 0x07000000 | MSI);
		finish(0, 0xff000000 | MSI);
		assert_int_equal(fake_irq_waiting(on(0)), 0);
	}
}

static void test_ipi_is_answered_while_it_is_requested(void **state)
{
	(void)state;
	request(1, 4);
	assert_false(fake_irq_signal(on(0)));
	assert_true(fake_irq_signal(on(1)));
	expect_accept(1, 0xff000000 | XICS_IPI);
	assert_int_equal(part.vcpus[1].server.cppr, 4);
	expect_accept(1, 0x04000000);
	finish(1, 0xff000000 | XICS_IPI);
	assert_true(fake_irq_signal(on(1)));
	expect_accept(1, 0xff000000 | XICS_IPI);
	request(1, 0xff);
	finish(1, 0xff000000 | XICS_IPI);
	expect_accept(1, 0xff000000);
	assert_false(fake_irq_signal(on(1)));
}

static void test_ipi_goes_before_a_source_of_the_same_priority(void **state)
{
	static const struct {
		uint8_t prio, mfrr;
		bool ipi_first;
	} cases[] = {{5, 4, true}, {5, 5, true}, {5, 6, false}, {0, 0, true}, {6, 6, true},
		{6, 7, false}, {7, 7, false}, {6, 0xfe, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t first = cases[i].ipi_first ? XICS_IPI : MSI;
		uint32_t second = cases[i].ipi_first ? MSI : XICS_IPI;

		setup(state);
		set(MSI, 0, cases[i].prio);
		fake_irq_edge(HW_MSI);
		request(0, cases[i].mfrr);
		expect_taken(0, 0xff000000 | first);
		if (first == XICS_IPI) {
			request(0, 0xff);
		}
		finish(0, 0xff000000 | first);
		assert_true(fake_irq_signal(on(0)));
		expect_taken(0, 0xff000000 | second);
	}
}

/* The kick was taken, and found nothing, long before the request could be served. */
static void test_request_less_favoured_than_cppr_comes_later(void **state)
{
	static const uint8_t levels[] = {0, 1, 4, 5, 6, 7, 0x80, 0xfe};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		xics_set_cppr(on(0), levels[i]);
		request(0, levels[i]);
		expect_accept(0, (uint32_t)levels[i] << 24);
		assert_int_equal(fake_irq_waiting(on(0)), levels[i] ? 0 : 1);
		/* By H_CPPR, and by H_EOI. */
		if (i % 2) {
			xics_set_cppr(on(0), (uint8_t)(levels[i] + 1));
		} else {
			finish(0, ((uint32_t)levels[i] + 1) << 24 | XICS_IPI);
		}
		assert_true(fake_irq_signal(on(0)));
		assert_true(xics_pending(on(0)));
		expect_accept(0, ((uint32_t)levels[i] + 1) << 24 | XICS_IPI);
		request(0, 0xff);
		finish(0, 0xff000000 | XICS_IPI);
		expect_accept(0, 0xff000000);
	}
}

static void look_before_the_kick(enum fake_irq_op op, bool locked)
{
	(void)locked;
	if (op == FAKE_IRQ_TRIGGER && !met++) {
		assert_false(fake_irq_signal(on(1)));
		assert_true(xics_pending(on(1)));
		expect_accept(1, 0xff000000 | XICS_IPI);
	}
}

/* A CPU that is about to cede sees a request whose kick is still on its way. */
static void test_request_counts_before_its_kick_arrives(void **state)
{
	(void)state;
	met = 0;
	fake_irq.hook = look_before_the_kick;
	request(1, 4);
	assert_int_equal(met, 2);
	/* The kick then finds it taken. */
	expect_accept(1, 0x04000000);
}

static void test_withdrawn_request_is_nothing(void **state)
{
	(void)state;
	request(0, 4);
	request(0, 0xff);
	expect_accept(0, 0xff000000);
	assert_false(fake_irq_signal(on(0)));
}

static void test_poll_accepts_nothing(void **state)
{
	uint32_t xirr;
	uint8_t mfrr;

	(void)state;
	xics_set_cppr(on(1), 5);
	for (uint8_t m = 3; m < 8; m++) {
		request(1, m);
		assert_int_equal(xics_poll(&part, 1, &xirr, &mfrr), 0);
		assert_int_equal(xirr, 0x05000000 | (m < 5 ? XICS_IPI : 0));
		assert_int_equal(mfrr, m);
	}
	assert_int_equal(xics_poll(&part, HELP_VCPUS, &xirr, &mfrr), -EINVAL);
	assert_int_equal(xics_poll(&part, UINT64_MAX, &xirr, &mfrr), -EINVAL);
	request(1, 3);
	expect_accept(1, 0x05000000 | XICS_IPI);
}

/* --- what is masked, moved or gone while it is on its way --- */

/* IR-01: an asserted line comes once for each end, and not at all while it is off. */
static void test_line_that_stays_up_comes_once_for_each_end(void **state)
{
	(void)state;
	set(LSI, 0, 5);
	fake_irq_level(HW_LSI, true);
	for (unsigned int i = 1; i <= 100; i++) {
		expect_taken(0, 0xff000000 | LSI);
		expect_taken(0, 0x05000000);
		assert_int_equal(fake_irq.sources[HW_LSI].events, i);
		finish(0, 0xff000000 | LSI);
	}
	enable(LSI, false);
	for (unsigned int i = 0; i < 100; i++) {
		expect_accept(0, 0xff000000);
		assert_false(fake_irq_signal(on(0)));
	}
	assert_int_equal(fake_irq.sources[HW_LSI].events, 101);
	enable(LSI, true);
	expect_taken(0, 0xff000000 | LSI);
}

/* IR-05: it fires between the request and the disable, before and after the guest looks. */
static void test_what_fires_around_int_off_comes_after_int_on(void **state)
{
	static const struct {
		uint32_t number, hw;
	} cases[] = {{LSI, HW_LSI}, {MSI, HW_MSI}};

	for (unsigned int way = 0; way < 16; way++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			uint32_t number = cases[i].number;

			setup(state);
			fake_irq.forgets = way & 8;
			set(number, 0, 5);
			if (!(way & 1)) {
				enable(number, false);
			}
			if (number == LSI) {
				fake_irq_level(HW_LSI, true);
			} else {
				fake_irq_edge(HW_MSI);
			}
			enable(number, false);
			if (way & 2) {
				expect_accept(0, 0xff000000);
			}
			set(number, way & 4 ? 1 : 0, 5);
			enable(number, true);
			/* Moved: the old server may have it still, from before. */
			if (way & 4 && !fake_irq_signal(on(1))) {
				expect_taken(0, 0xff000000 | number);
				finish(0, 0xff000000 | number);
			} else {
				expect_taken(way & 4 ? 1 : 0, 0xff000000 | number);
				finish(way & 4 ? 1 : 0, 0xff000000 | number);
			}
			teardown(state);
		}
	}
	setup(state);
}

static void test_source_masked_in_service_comes_again_after_its_end(void **state)
{
	(void)state;
	set(MSI, 0, 5);
	fake_irq_edge(HW_MSI);
	expect_taken(0, 0xff000000 | MSI);
	enable(MSI, false);
	fake_irq_edge(HW_MSI);
	finish(0, 0xff000000 | MSI);
	expect_accept(0, 0xff000000);
	enable(MSI, true);
	expect_taken(0, 0xff000000 | MSI);
	/* And the other way round: on again before the end. */
	enable(MSI, false);
	fake_irq_edge(HW_MSI);
	set(MSI, 1, 5);
	enable(MSI, true);
	expect_taken(1, 0xff000000);
	finish(0, 0xff000000 | MSI);
	expect_taken(1, 0xff000000 | MSI);
}

static void test_event_queued_before_a_move_is_delivered_where_it_is(void **state)
{
	(void)state;
	set(MSI, 0, 5);
	fake_irq_edge(HW_MSI);
	set(MSI, 1, 3);
	expect_taken(1, 0xff000000);
	expect_taken(0, 0xff000000 | MSI);
	assert_int_equal(part.vcpus[0].server.cppr, 5);
	fake_irq_edge(HW_MSI);
	finish(0, 0xff000000 | MSI);
	expect_taken(1, 0xff000000 | MSI);
	assert_int_equal(part.vcpus[1].server.cppr, 3);
}

/* IR-03, IR-06: no delivery after removal, queued or in service, and its successor at the same
 * number and the same source starts clean. */
static void test_removed_source_delivers_nothing(void **state)
{
	(void)state;
	set(MSI, 0, 5);
	set(MSI + 1, 0, 5);
	fake_irq_edge(HW_MSI);
	fake_irq_edge(HW_MSI + 1);
	expect_taken(0, 0xff000000 | MSI);
	xics_remove_source(&part, MSI);
	xics_remove_source(&part, MSI + 1);
	fake_irq_edge(HW_MSI);
	assert_int_equal(xics_end(on(0), 0xff000000 | MSI), -EINVAL);
	finish(0, 0xff000000);
	expect_accept(0, 0xff000000);
	assert_int_equal(part.xics.dropped, 1);
	assert_false(fake_irq_signal(on(0)));
	/* A vector that was never given out. */
	fake_irq_add(99, false);
	fake_irq_edge(99);
	expect_accept(0, 0xff000000);
}

static void test_event_of_an_earlier_owner_of_the_number_is_dropped(void **state)
{
	(void)state;
	set(MSI, 0, 5);
	fake_irq_edge(HW_MSI);
	xics_remove_source(&part, MSI);
	fake_irq_add(50, false);
	assert_int_equal(xics_add_source(&part, MSI, 50, false), 0);
	set(MSI, 0, 5);
	expect_accept(0, 0xff000000);
	assert_int_equal(part.xics.dropped, 1);
	fake_irq_edge(50);
	expect_taken(0, 0xff000000 | MSI);
	finish(0, 0xff000000 | MSI);
	/* The source of the fake's that waited for an end serves its next owner. */
	assert_int_equal(xics_add_source(&part, MSI + 20, HW_MSI, false), 0);
	set(MSI + 20, 0, 5);
	fake_irq_edge(HW_MSI);
	expect_taken(0, 0xff000000 | (MSI + 20));
}

/* IR-08 */
static void test_end_of_what_is_not_the_callers_is_refused(void **state)
{
	static const uint32_t numbers[] = {1, 3, HW_MSI, LSI + 4, MSI + 10, MSI + 256,
		0x10000 | MSI, 0x800000 | MSI, 0xffffff};

	(void)state;
	xics_set_cppr(on(0), 3);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(xics_end(on(0), 0xff000000 | numbers[i]), -EINVAL);
		assert_int_equal(part.vcpus[0].server.cppr, 3);
	}
	assert_int_equal(fake_irq.ncalls[FAKE_IRQ_EOI], HELP_VCPUS);
}

/* A source that was not accepted has nothing to end: its event stays the only one. */
static void test_end_of_what_was_not_accepted_sets_the_cppr_only(void **state)
{
	(void)state;
	set(LSI, 0, 5);
	xics_set_cppr(on(0), 0);
	fake_irq_level(HW_LSI, true);
	for (unsigned int i = 0; i < 1000; i++) {
		finish(0, LSI);
	}
	assert_int_equal(fake_irq_waiting(on(0)), 1);
	finish(0, 0xff000000 | LSI);
	expect_taken(0, 0xff000000 | LSI);
	finish(0, 0x22000000);
	assert_int_equal(part.vcpus[0].server.cppr, 0x22);
}

static pthread_t remover;
static atomic_bool is_removed;

static void *remove_it(void *arg)
{
	xics_remove_source(&part, MSI);
	atomic_store(&is_removed, true);
	return arg;
}

/* In the middle of the route: the other CPU begins to remove the source, and waits. */
static void start_remover(enum fake_irq_op op, bool locked)
{
	bool leaving = false;

	(void)locked;
	if (op != FAKE_IRQ_ROUTE) {
		return;
	}
	fake_irq.hook = NULL;
	assert_int_equal(pthread_create(&remover, NULL, remove_it, NULL), 0);
	while (!leaving) {
		lock_take(&part.xics.lock);
		leaving = part.xics.msi[0].leaving;
		lock_drop(&part.xics.lock);
	}
	assert_int_equal(xics_set(&part, MSI, 0, 5), -EINVAL);
	assert_int_equal(xics_add_source(&part, MSI, 30, false), -EBUSY);
	assert_false(atomic_load(&is_removed));
}

/* IR-06: the number is not free before the other CPU is done with it. */
static void test_removal_waits_for_the_cpu_that_routes(void **state)
{
	(void)state;
	atomic_store(&is_removed, false);
	fake_irq.hook = start_remover;
	set(MSI, 1, 5);
	assert_int_equal(pthread_join(remover, NULL), 0);
	assert_false(fake_irq.sources[HW_MSI].live);
	fake_irq_edge(HW_MSI);
	expect_accept(1, 0xff000000);
	assert_int_equal(xics_add_source(&part, MSI, HW_MSI, false), 0);
}

/* --- bounds --- */

static void kick_at_once(enum fake_irq_op op, bool locked)
{
	(void)locked;
	if (op == FAKE_IRQ_EOI) {
		request(0, 0xfe);
		request(0, 0xff);
	}
}

static void test_cpu_kicked_without_end_gets_an_answer(void **state)
{
	unsigned int before = fake_irq.ncalls[FAKE_IRQ_POP];

	(void)state;
	request(0, 4);
	request(0, 0xff);
	fake_irq.hook = kick_at_once;
	expect_accept(0, 0xff000000);
	assert_in_range(fake_irq.ncalls[FAKE_IRQ_POP] - before, 1, 64);
	/* And it is not left alone with what is still there. */
	assert_true(fake_irq_signal(on(0)));
}

static void test_queue_full_of_what_is_gone_is_worked_off_in_pieces(void **state)
{
	unsigned int tries = 0;

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		fake_irq_add(100 + i, false);
		assert_int_equal(xics_add_source(&part, MSI + 100 + i, 100 + i, false), 0);
		set(MSI + 100 + i, 0, 2);
		fake_irq_edge(100 + i);
		xics_remove_source(&part, MSI + 100 + i);
	}
	set(MSI, 0, 5);
	fake_irq_edge(HW_MSI);
	while (xics_accept(on(0)) != (0xff000000 | MSI)) {
		assert_true(fake_irq_signal(on(0)));
		assert_in_range(++tries, 1, 2);
	}
	assert_int_equal(part.xics.dropped, 60);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_of_any_step_of_init_leaves_nothing),
		cmocka_unit_test(test_exit_leaves_nothing),
		cmocka_unit_test(test_new_server_takes_nothing_until_its_cppr_says_so),
		TEST(test_numbers_are_those_of_the_two_ranges),
		TEST(test_server_that_does_not_exist_is_refused),
		TEST(test_source_is_off_until_it_has_a_priority),
		TEST(test_int_on_brings_back_what_set_xive_said),
		TEST(test_setting_what_is_set_makes_no_firmware_call),
		TEST(test_route_that_fails_changes_nothing),
		TEST(test_source_that_cannot_go_back_is_off),
		TEST(test_second_cpu_at_one_source_is_told_to_come_again),
		TEST(test_msi_blocks_are_aligned_runs_of_free_numbers),
		cmocka_unit_test(test_msi_pool_is_exhausted_and_whole_again),
		TEST(test_interrupt_is_accepted_and_ended),
		TEST(test_more_favoured_interrupts_less_favoured),
		TEST(test_priorities_from_7_are_served_as_6),
		TEST(test_ipi_is_answered_while_it_is_requested),
		cmocka_unit_test(test_ipi_goes_before_a_source_of_the_same_priority),
		TEST(test_request_less_favoured_than_cppr_comes_later),
		TEST(test_request_counts_before_its_kick_arrives),
		TEST(test_withdrawn_request_is_nothing),
		TEST(test_poll_accepts_nothing),
		TEST(test_line_that_stays_up_comes_once_for_each_end),
		cmocka_unit_test(test_what_fires_around_int_off_comes_after_int_on),
		TEST(test_source_masked_in_service_comes_again_after_its_end),
		TEST(test_event_queued_before_a_move_is_delivered_where_it_is),
		TEST(test_removed_source_delivers_nothing),
		TEST(test_event_of_an_earlier_owner_of_the_number_is_dropped),
		TEST(test_end_of_what_is_not_the_callers_is_refused),
		TEST(test_end_of_what_was_not_accepted_sets_the_cppr_only),
		TEST(test_removal_waits_for_the_cpu_that_routes),
		TEST(test_cpu_kicked_without_end_gets_an_answer),
		TEST(test_queue_full_of_what_is_gone_is_worked_off_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
