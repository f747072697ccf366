// SPDX-License-Identifier: Apache-2.0
/*
 * core/xics.c in long random runs with fixed seeds. The first kind compares every answer with a
 * small model of XICS. The second runs other CPUs and devices inside every call to the hardware, at
 * each point where they could come between on a real machine, and asks that nothing is lost.
 */
#include "core/be.h"
#include "tests/unit/xics_help.h"

#define NSOURCES 14u
#define NLEVELS	 4u
#define DEPTH	 16u
#define STEPS	 4000u
/* Under emulation, where the byte order is the question, fewer will do. */
#define SEEDS (BE_HOST_IS_LITTLE ? 24u : 6u)

static struct partition part;
static uint64_t random_state;

static unsigned int rnd(unsigned int n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(random_state >> 33) % n;
}

static uint32_t number_of(unsigned int i)
{
	return i < NLEVELS ? LSI + i : MSI + i - NLEVELS;
}

static uint32_t hw_of(unsigned int i)
{
	return i < NLEVELS ? HW_LSI + i : HW_MSI + i - NLEVELS;
}

static unsigned int index_of(uint32_t number)
{
	for (unsigned int i = 0; i < NSOURCES; i++) {
		if (number_of(i) == number) {
			return i;
		}
	}
	fail_msg("number %lx was delivered", (unsigned long)number);
	return 0;
}

/* What the guest's CPUs have accepted and not ended. */
static struct {
	uint32_t xirr[DEPTH];
	unsigned int n;
} stacks[HELP_VCPUS];

static bool is_in_service(uint32_t hw)
{
	for (unsigned int v = 0; v < HELP_VCPUS; v++) {
		for (unsigned int k = 0; k < stacks[v].n; k++) {
			uint32_t number = stacks[v].xirr[k] & 0xffffff;

			if (number != XICS_IPI && hw_of(index_of(number)) == hw) {
				return true;
			}
		}
	}
	return false;
}

static void check_nothing_lost(void)
{
	fake_irq_check(is_in_service);
	for (unsigned int v = 0; v < HELP_VCPUS; v++) {
		const struct xics_server *s = &part.vcpus[v].server;

		if (s->mfrr < s->cppr && !fake_irq_signal(&part.vcpus[v])) {
			fail_msg("CPU %u has a request at %u, and sleeps at %u", v, s->mfrr,
				s->cppr);
		}
	}
}

/* --- against a model --- */

static struct {
	struct {
		unsigned int server, prio, order;
		bool up, fired, again, queued;
	} src[NSOURCES];
	struct {
		unsigned int cppr, mfrr;
	} server[HELP_VCPUS];
	unsigned int order;
} model;

static void model_fire(unsigned int i)
{
	if (model.src[i].fired) {
		model.src[i].again = true;
	} else {
		model.src[i].fired = true;
		model.src[i].queued = true;
		model.src[i].order = ++model.order;
	}
}

static uint32_t model_next(unsigned int v, unsigned int *prio)
{
	unsigned int best = NSOURCES;

	for (unsigned int i = 0; i < NSOURCES; i++) {
		if (model.src[i].queued && model.src[i].server == v &&
			model.src[i].prio < model.server[v].cppr &&
			(best == NSOURCES || model.src[i].prio < model.src[best].prio ||
				(model.src[i].prio == model.src[best].prio &&
					model.src[i].order < model.src[best].order))) {
			best = i;
		}
	}
	if (best < NSOURCES && model.src[best].prio < model.server[v].mfrr) {
		*prio = model.src[best].prio;
		return number_of(best);
	}
	*prio = model.server[v].mfrr;
	return model.server[v].mfrr < model.server[v].cppr ? XICS_IPI : 0;
}

static void model_accept(unsigned int v)
{
	unsigned int prio = 0;
	uint32_t number = model_next(v, &prio);
	uint32_t want = (uint32_t)model.server[v].cppr << 24 | number;
	uint32_t got = xics_accept(help_on(&part, v));

	if (got != want) {
		fail_msg("CPU %u got %08lx, not %08lx", v, (unsigned long)got, (unsigned long)want);
	}
	if (number) {
		model.server[v].cppr = prio;
		stacks[v].xirr[stacks[v].n++] = got;
		assert_in_range(stacks[v].n, 1, DEPTH - 1);
	}
	if (number > XICS_IPI) {
		model.src[index_of(number)].queued = false;
	}
}

static void model_end(unsigned int v)
{
	uint32_t xirr, number;

	if (!stacks[v].n) {
		return;
	}
	xirr = stacks[v].xirr[--stacks[v].n];
	number = xirr & 0xffffff;
	if (number == XICS_IPI) {
		assert_int_equal(xics_ipi(&part, v, 0xff), 0);
		model.server[v].mfrr = 0xff;
	} else {
		unsigned int i = index_of(number);

		model.src[i].fired = false;
		if (i < NLEVELS ? model.src[i].up : model.src[i].again) {
			model.src[i].again = false;
			model_fire(i);
		}
	}
	assert_int_equal(xics_end(help_on(&part, v), xirr), 0);
	model.server[v].cppr = xirr >> 24;
}

static void model_device(unsigned int i)
{
	if (i >= NLEVELS) {
		model_fire(i);
		fake_irq_edge(hw_of(i));
		return;
	}
	model.src[i].up = !model.src[i].up;
	if (model.src[i].up && !model.src[i].fired) {
		model_fire(i);
	}
	fake_irq_level(hw_of(i), model.src[i].up);
}

static void model_step(void)
{
	unsigned int v = rnd(HELP_VCPUS);
	unsigned int prio;

	switch (rnd(8)) {
	case 0:
	case 1:
		model_device(rnd(NSOURCES));
		break;
	case 2:
		model.server[v].mfrr = rnd(3) ? rnd(9) : 0xff;
		assert_int_equal(xics_ipi(&part, v, (uint8_t)model.server[v].mfrr), 0);
		break;
	case 3:
		if (!stacks[v].n) {
			model.server[v].cppr = rnd(2) ? rnd(9) : 0xff;
			xics_set_cppr(help_on(&part, v), (uint8_t)model.server[v].cppr);
		}
		break;
	case 4:
	case 5:
		model_accept(v);
		break;
	default:
		model_end(v);
		break;
	}
	for (v = 0; v < HELP_VCPUS; v++) {
		if (model_next(v, &prio)) {
			assert_true(fake_irq_signal(&part.vcpus[v]));
			assert_true(xics_pending(help_on(&part, v)));
		}
	}
}

static void test_every_answer_is_the_models(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		random_state = seed;
		memset(&model, 0, sizeof(model));
		memset(stacks, 0, sizeof(stacks));
		help_init(&part);
		for (unsigned int v = 0; v < HELP_VCPUS; v++) {
			model.server[v].cppr = 0xff;
			model.server[v].mfrr = 0xff;
		}
		for (unsigned int i = 0; i < NSOURCES; i++) {
			model.src[i].server = rnd(HELP_VCPUS);
			model.src[i].prio = rnd(IRQ_PRIO_LAST + 1);
			assert_int_equal(xics_set(&part, number_of(i), model.src[i].server,
						 (uint8_t)model.src[i].prio),
				0);
		}
		for (unsigned int step = 0; step < STEPS; step++) {
			model_step();
			check_nothing_lost();
		}
		xics_exit(&part);
		assert_int_equal(fake_irq_in_use(), 0);
	}
}

/* --- with everything in between --- */

static bool owed[NSOURCES];	 /* an edge has to be delivered still */
static bool wanted[HELP_VCPUS];	 /* an IPI was requested, and neither taken nor withdrawn */
static bool removed[NSOURCES];	 /* by the guest, for the moment */
static bool in_call[HELP_VCPUS]; /* the CPU is inside a call of ours */
static unsigned int deliveries;

static void chaos_device(void)
{
	unsigned int i = rnd(NSOURCES);

	if (i < NLEVELS) {
		fake_irq_level(hw_of(i), rnd(2));
	} else {
		fake_irq_edge(hw_of(i));
		owed[i] = fake_irq.sources[hw_of(i)].to && !removed[i];
	}
}

/* Withdrawing is the business of the server itself: another's would hide a request. */
static void chaos_request(unsigned int v)
{
	wanted[v] = true;
	assert_int_equal(xics_ipi(&part, v, (uint8_t)rnd(8)), 0);
}

static void chaos_taken(unsigned int v, uint32_t xirr)
{
	uint32_t number = xirr & 0xffffff;

	deliveries++;
	assert_true(part.vcpus[v].server.cppr < xirr >> 24);
	stacks[v].xirr[stacks[v].n++] = xirr;
	assert_in_range(stacks[v].n, 1, DEPTH - 1);
	if (number == XICS_IPI) {
		/* As Linux does it: withdrawn first, then looked for work. */
		assert_int_equal(xics_ipi(&part, v, 0xff), 0);
		wanted[v] = false;
	} else if (index_of(number) >= NLEVELS) {
		/* One that came since is the hardware's to bring again. */
		owed[index_of(number)] = fake_irq.sources[hw_of(index_of(number))].again;
	}
}

static void chaos_accept(unsigned int v)
{
	uint32_t xirr;

	in_call[v] = true;
	xirr = xics_accept(help_on(&part, v));
	in_call[v] = false;
	if (xirr & 0xffffff) {
		chaos_taken(v, xirr);
	}
}

static void chaos_end(unsigned int v)
{
	uint32_t xirr;

	if (!stacks[v].n) {
		return;
	}
	xirr = stacks[v].xirr[--stacks[v].n];
	in_call[v] = true;
	if (xics_end(help_on(&part, v), xirr)) {
		assert_true(removed[index_of(xirr & 0xffffff)]);
		xics_set_cppr(help_on(&part, v), (uint8_t)(xirr >> 24));
	}
	in_call[v] = false;
}

static void chaos_set(void)
{
	uint32_t number = number_of(rnd(NSOURCES));
	int err;

	switch (rnd(4)) {
	case 0:
		err = xics_set_enabled(&part, number, false);
		break;
	case 1:
		err = xics_set_enabled(&part, number, true);
		break;
	default:
		err = xics_set(&part, number, rnd(HELP_VCPUS), rnd(5) ? (uint8_t)rnd(9) : 0xff);
		break;
	}
	assert_true(!err || err == -EBUSY || err == -EINVAL);
}

/* The one that is removed must not be busy: its remover would wait for a CPU that is not there. */
static void chaos_replace(void)
{
	unsigned int i = rnd(NSOURCES);

	if (removed[i]) {
		assert_int_equal(xics_add_source(&part, number_of(i), hw_of(i), i < NLEVELS), 0);
		removed[i] = false;
	} else if (i < NLEVELS ? !part.xics.lsi[i].busy : !part.xics.msi[i - NLEVELS].busy) {
		removed[i] = true;
		xics_remove_source(&part, number_of(i));
		owed[i] = false;
	}
}

/* What a CPU may do that is not inside a call, while nobody holds the lock. */
static void chaos_cpu(unsigned int v)
{
	switch (rnd(10)) {
	case 0:
		chaos_set();
		break;
	case 1:
		if (!rnd(8)) {
			chaos_replace();
		}
		break;
	case 2:
		if (!stacks[v].n) {
			in_call[v] = true;
			xics_set_cppr(help_on(&part, v), rnd(2) ? (uint8_t)rnd(9) : 0xff);
			in_call[v] = false;
		}
		break;
	case 3:
	case 4:
	case 5:
		chaos_accept(v);
		break;
	default:
		chaos_end(v);
		break;
	}
}

static void chaos_step(bool locked)
{
	unsigned int v = rnd(HELP_VCPUS);

	switch (rnd(4)) {
	case 0:
		chaos_request(v);
		break;
	case 1:
		chaos_device();
		break;
	default:
		if (!locked && !in_call[v]) {
			chaos_cpu(v);
		}
		break;
	}
}

static void chaos_between(enum fake_irq_op op, bool locked)
{
	(void)op;
	for (unsigned int n = rnd(3); n; n--) {
		chaos_step(locked);
	}
}

/* Everything on and open, and then nothing new: all that is owed has to come. */
static void settle(void)
{
	fake_irq.hook = NULL;
	for (unsigned int i = 0; i < NSOURCES; i++) {
		if (removed[i]) {
			assert_int_equal(
				xics_add_source(&part, number_of(i), hw_of(i), i < NLEVELS), 0);
			removed[i] = false;
		}
		assert_int_equal(xics_set_enabled(&part, number_of(i), true), 0);
		assert_int_equal(xics_set(&part, number_of(i), rnd(HELP_VCPUS), 5), 0);
	}
	for (unsigned int v = 0; v < HELP_VCPUS; v++) {
		while (stacks[v].n) {
			chaos_end(v);
		}
		xics_set_cppr(help_on(&part, v), 0xff);
	}
	for (unsigned int n = 0; n < 1000; n++) {
		unsigned int v = n % HELP_VCPUS;

		if (fake_irq_signal(&part.vcpus[v])) {
			chaos_accept(v);
		}
		for (unsigned int i = 0; i < NLEVELS && stacks[v].n; i++) {
			if (stacks[v].xirr[0] == (0xff000000 | number_of(i))) {
				fake_irq_level(hw_of(i), false);
			}
		}
		chaos_end(v);
		check_nothing_lost();
	}
}

static void check_settled(unsigned int seed)
{
	for (unsigned int i = 0; i < NSOURCES; i++) {
		if (owed[i] || fake_irq.sources[hw_of(i)].up) {
			fail_msg("seed %u: source %u was lost", seed, i);
		}
	}
	for (unsigned int v = 0; v < HELP_VCPUS; v++) {
		assert_false(wanted[v]);
		assert_false(fake_irq_signal(&part.vcpus[v]));
		assert_false(xics_pending(help_on(&part, v)));
		assert_int_equal(fake_irq_waiting(&part.vcpus[v]), 0);
	}
}

static void run_chaos(unsigned int seed, bool forgets)
{
	random_state = seed;
	memset(stacks, 0, sizeof(stacks));
	memset(owed, 0, sizeof(owed));
	memset(wanted, 0, sizeof(wanted));
	memset(removed, 0, sizeof(removed));
	help_init(&part);
	fake_irq.forgets = forgets;
	for (unsigned int round = 0; round < 20; round++) {
		fake_irq.hook = chaos_between;
		for (unsigned int step = 0; step < STEPS / 20; step++) {
			chaos_step(false);
			check_nothing_lost();
		}
		settle();
		check_settled(seed);
	}
	xics_exit(&part);
	assert_int_equal(fake_irq_in_use(), 0);
}

static void test_nothing_is_lost_whatever_comes_between(void **state)
{
	(void)state;
	deliveries = 0;
	for (unsigned int seed = 100; seed < 100 + SEEDS; seed++) {
		run_chaos(seed, false);
	}
	assert_true(deliveries > SEEDS * STEPS / 10);
}

/* IR-05: with hardware that lets a moved source fire before its end. */
static void test_nothing_is_lost_on_hardware_that_forgets(void **state)
{
	(void)state;
	for (unsigned int seed = 200; seed < 200 + SEEDS; seed++) {
		run_chaos(seed, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_answer_is_the_models),
		cmocka_unit_test(test_nothing_is_lost_whatever_comes_between),
		cmocka_unit_test(test_nothing_is_lost_on_hardware_that_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
