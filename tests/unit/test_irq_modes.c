// SPDX-License-Identifier: Apache-2.0
/*
 * How a function interrupts its guest, and how that changes: not at all, by its pin, by MSI, by
 * MSI-X; from each to each, and while others change it, too.
 */
#include "tests/unit/msi_help.h"

#include "core/be.h"
#include "core/mmio.h"

#include <pthread.h>
#include <sched.h>

/* Under emulation, where the byte order is the question, fewer will do. */
#define ROUNDS (BE_HOST_IS_LITTLE ? 1000000u : 1000u)

#define MSI_CTRL   0x42u
#define MSIX_FLAGS 0x62u
#define ENABLE_X   0x8000u
#define MASK_ALL   0x4000u
#define ALL	   0xff000000u
#define LSI	   (XICS_LSI_FIRST + 24)
#define NMSI	   2u
#define NMSIX	   8u

enum mode { MODE_NONE, MODE_PIN, MODE_MSI, MODE_MSIX, MODES };

static struct fake_func *device(void)
{
	return fake_find_func(&help_phb, 0x100);
}

static int setup(void **state)
{
	help_setup(state);
	for (unsigned int i = 0; i < help_part->nvcpus; i++) {
		fake_irq.running = &help_part->vcpus[i];
		xics_set_cppr(&help_part->vcpus[i], 0xff);
	}
	return 0;
}

static uint32_t take(void)
{
	uint32_t number;

	fake_irq.running = &help_part->vcpus[0];
	number = xics_accept(&help_part->vcpus[0]) & ~ALL;
	if (number) {
		assert_int_equal(xics_end(&help_part->vcpus[0], ALL | number), 0);
	}
	return number;
}

static void mask_vector(unsigned int v, bool masked)
{
	uint64_t val = masked;

	assert_int_equal(
		mmio_access(&help_part->vcpus[0], help_at(HELP_TABLE + 16 * v + 12), 4, true, &val),
		0);
}

static void let_through(unsigned int n)
{
	for (unsigned int v = 0; v < n; v++) {
		uint32_t number;

		assert_int_equal(msi_number(help_func(0), v, &number), 0);
		assert_int_equal(xics_set(help_part, number, 0, 5), 0);
	}
}

/* What a driver does to have this mode, whatever there was. */
static void go(enum mode mode)
{
	const uint32_t on = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (mode == MODE_NONE || mode == MODE_PIN) {
		int err = msi_release(help_part, help_func(0));

		assert_true(!err || err == -ENOENT);
		help_write(0, PCI_COMMAND, 2, mode == MODE_PIN ? on : on | PCI_COMMAND_INTX_OFF);
		assert_int_equal(xics_set(help_part, LSI, 0, mode == MODE_PIN ? 5 : 0xff), 0);
		return;
	}
	help_write(0, PCI_COMMAND, 2, on | PCI_COMMAND_INTX_OFF);
	if (mode == MODE_MSI) {
		assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSI, NMSI), 0);
		let_through(NMSI);
		return;
	}
	help_write(0, MSIX_FLAGS, 2, ENABLE_X | MASK_ALL);
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, NMSIX), 0);
	let_through(NMSIX);
	for (unsigned int v = 0; v < NMSIX; v++) {
		mask_vector(v, false);
	}
	help_write(0, MSIX_FLAGS, 2, ENABLE_X);
}

/* The device has something to say in every way that it has, and what of it comes is taken. */
static unsigned int say_everything(uint32_t *number)
{
	const struct pci_grant *g = &help_func(0)->grant;
	unsigned int n = 0;
	bool pin = !(fake_get(device(), PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);

	memset(help_phb.msis, 0, sizeof(help_phb.msis));
	fake_irq_level(HELP_LSI_HW, pin);
	(void)fake_phb_fire_msi(&help_phb, 0x100, 1);
	(void)fake_phb_fire_msix(&help_phb, 0x100, 1);
	for (unsigned int i = 0; i < HELP_MSIS; i++) {
		for (unsigned int k = 0; k < help_phb.msis[i]; k++) {
			assert_in_range(i, g->message, g->message + g->n - 1);
			fake_irq_edge(HELP_HW + i);
		}
	}
	fake_irq_level(HELP_LSI_HW, false);
	for (uint32_t got = take(); got; got = take()) {
		*number = got;
		n++;
	}
	return n;
}

/* The books say this mode and no other, and one interrupt comes of all that the device says. */
static void expect(enum mode mode)
{
	static const unsigned int held[MODES] = {0, 0, NMSI, NMSIX};
	uint32_t number = 0, want = 0;

	assert_int_equal(help_messages(), held[mode]);
	assert_int_equal(help_numbers(), held[mode]);
	assert_int_equal(fake_get(device(), MSI_CTRL, 2) & 1, mode == MODE_MSI);
	assert_int_equal(
		fake_get(device(), MSIX_FLAGS, 2) & ENABLE_X, mode == MODE_MSIX ? ENABLE_X : 0);
	assert_int_equal(say_everything(&number), mode != MODE_NONE);
	if (mode == MODE_PIN) {
		want = LSI;
	} else if (mode != MODE_NONE) {
		assert_int_equal(msi_number(help_func(0), 1, &want), 0);
	}
	assert_int_equal(number, want);
	assert_int_equal(help_phb.msis_dropped, 0);
}

/* SEED-003.40: 4 x 4; what there was is gone first, what is so already stays, nothing is left. */
static void test_each_mode_follows_each(void **state)
{
	for (unsigned int from = 0; from < MODES; from++) {
		for (unsigned int to = 0; to < MODES; to++) {
			struct pci_grant before;
			unsigned int calls;

			setup(state);
			go(from);
			expect(from);
			before = help_func(0)->grant;
			calls = help_phb.count[FAKE_MSI_SETUP];
			go(to);
			if (from == to) {
				assert_memory_equal(&before, &help_func(0)->grant, sizeof(before));
				assert_int_equal(help_phb.count[FAKE_MSI_SETUP], calls);
			}
			expect(to);
			go(from);
			expect(from);
			assert_true(partition_unbind_phbs(help_part));
			assert_int_equal(help_messages() + help_numbers(), 0);
			for (unsigned int i = 0; i < XICS_LSI_COUNT; i++) {
				assert_false(help_part->xics.lsi[i].used);
			}
			xics_exit(help_part);
			assert_int_equal(fake_irq_in_use(), 0);
			help_teardown(state);
		}
	}
}

/* SEED-001.54: three of eight vectors are live when MSI-X goes: all are freed, one that was pending
 * is forgotten with them, and the pin works again. */
static void test_pin_works_again_after_messages(void **state)
{
	(void)state;
	go(MODE_MSIX);
	for (unsigned int v = 3; v < NMSIX; v++) {
		mask_vector(v, true);
	}
	assert_false(fake_phb_fire_msix(&help_phb, 0x100, 5));
	go(MODE_PIN);
	expect(MODE_PIN);
	for (unsigned int v = 0; v < HELP_VECTORS; v++) {
		assert_int_equal(help_entry(v, 12) & 1, 1);
	}
	go(MODE_MSIX);
	expect(MODE_MSIX);
}

/* SEED-001.55: MSI-X that goes while the function is masked as a whole, or off, or with some of its
 * vectors masked: each vector is closed once, each number given back once, and a second time there
 * is nothing to do. */
static void test_vectors_are_closed_once(void **state)
{
	static const uint32_t flags[] = {ENABLE_X, ENABLE_X | MASK_ALL, MASK_ALL, 0};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int cycles;

		go(MODE_MSIX);
		mask_vector(i, true);
		help_write(0, MSIX_FLAGS, 2, flags[i]);
		assert_int_equal(msi_release(help_part, help_func(0)), 0);
		assert_int_equal(help_messages() + help_numbers(), 0);
		cycles = help_phb.calls;
		memset(help_bar + HELP_TABLE, 0x5a, 16 * NMSIX);
		assert_int_equal(msi_release(help_part, help_func(0)), -ENOENT);
		assert_int_equal(help_phb.calls, cycles);
		assert_int_equal(help_entry(0, 12), 0x5a5a5a5a);
	}
}

/* SEED-001.57: a mask bit is what was written last, not a count of writes; what was pending at the
 * end is nobody's after it; a vector that there is not is nothing. */
static void test_mask_is_a_state(void **state)
{
	(void)state;
	go(MODE_MSIX);
	mask_vector(2, false);
	mask_vector(2, false);
	mask_vector(2, true);
	assert_false(fake_phb_fire_msix(&help_phb, 0x100, 2));
	mask_vector(2, true);
	mask_vector(2, false);
	assert_int_equal(help_phb.msis[help_func(0)->grant.message + 2], 1);
	mask_vector(NMSIX + 1, false);
	assert_false(fake_phb_fire_msix(&help_phb, 0x100, NMSIX + 1));
	assert_int_equal(help_messages(), NMSIX);
}

static atomic_bool stop;

/* The guest's other CPU: masks and unmasks the line's source. */
static void *toggle_source(void *arg)
{
	bool is_on = false;

	while (!atomic_load(&stop)) {
		assert_int_equal(xics_set_enabled(help_part, LSI, is_on), 0);
		is_on = !is_on;
	}
	assert_int_equal(xics_set_enabled(help_part, LSI, true), 0);
	return arg;
}

/* And a third: takes messages and gives them back, as far as it gets at the function. */
static void *toggle_messages(void *arg)
{
	while (!atomic_load(&stop)) {
		(void)!msi_request(help_part, help_func(0), PCI_IRQ_MSI, NMSI);
		/* What it got it gives back, at the end as well. */
		while (msi_release(help_part, help_func(0)) == -EBUSY) {
			sched_yield();
		}
		sched_yield();
	}
	return arg;
}

/* IR-04: INTx-disable through config space, a million times, against masking at the source and
 * against messages that come and go: each has its own state, and at the end all are what was said
 * last. */
static void test_intx_disable_races_masking(void **state)
{
	const uint32_t on = PCI_COMMAND_MASTER;
	pthread_t threads[2];

	(void)state;
	go(MODE_PIN);
	/* Which of the threads holds the lock the fake cannot say. */
	fake_irq.lock = NULL;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&threads[0], NULL, toggle_source, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, toggle_messages, NULL), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t want = i & 1 ? 0 : PCI_COMMAND_INTX_OFF;

		while (pci_config_write(help_func(0), PCI_COMMAND, 2, on | want)) {
			sched_yield();
		}
		if ((fake_get(device(), PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF) != want) {
			fail_msg("round %u: the device does not have it", i);
		}
	}
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(threads[0], NULL), 0);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	assert_true(help_part->xics.lsi[24].live);
	assert_true(pci_func_claim(help_func(0)));
	pci_func_yield(help_func(0));
	expect(MODE_PIN);
	go(MODE_MSIX);
	expect(MODE_MSIX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_mode_follows_each),
		TEST(test_pin_works_again_after_messages),
		TEST(test_vectors_are_closed_once),
		TEST(test_mask_is_a_state),
		TEST(test_intx_disable_races_masking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
