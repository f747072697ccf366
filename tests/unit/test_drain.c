// SPDX-License-Identifier: Apache-2.0
/*
 * DMA that is on its way when something is taken from a device (design decision 16), on the strict
 * PHB model: after an unmap nothing is read any more with the old translation; after a group was
 * closed nothing lands any more either.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_bridge.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define K4    0x1000ull
#define GUEST 0x100000ull
#define SIZE  0x400000ull
#define RW    (TCE_READ | TCE_WRITE)

static struct fake_machine m;
static struct fake_phb *phb;
static struct vfio_container *c;
static struct vfio_group *g;
static struct guest_mem mem;
static struct tce_window w;
static struct vfio_bridge_window bw;
static struct tce_scratch scratch;

/* Group 1: two functions behind one port, both bus masters. */
static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	fake_machine_init(&m);
	phb = &m.phb[1];
	assert_int_equal(mem_alloc(&m.ram.pool, GUEST, GUEST, &mem.host), 0);
	mem.ptr = mem_ptr(&m.ram.pool, mem.host);
	mem.size = GUEST;
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g), 0);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(c, &mem), 0);
	assert_int_equal(vfio_bridge_open_window(&bw, &w, c, 0x80000600, ioba(0), SIZE, 12, 12), 0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	fake_machine_master(&m, 1, FAKE_DEV1);
	scratch.tce[0] = 5 * K4 | RW;
	assert_int_equal(tce_put(&w, ioba(0), 1, &scratch), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static uint64_t start(uint16_t bdfn, uint8_t *byte, bool write)
{
	uint64_t id;

	assert_int_equal(fake_phb_dma_start(phb, bdfn, 0, byte, 1, write, &id), 0);
	return id;
}

static int clear_tce(void)
{
	return tce_clear(&w, ioba(0), 1);
}

static int replace_tce(void)
{
	scratch.tce[0] = 6 * K4 | RW;
	return tce_put(&w, ioba(0), 1, &scratch);
}

static int close_window(void)
{
	return vfio_bridge_close_window(&bw, &w);
}

static int (*const changes[])(void) = {clear_tce, replace_tce, close_window};

/* What a device still reads has been read when the call returns: the guest may use the page. */
static void test_reads_are_over_when_a_call_returns(void **state)
{
	for (unsigned int i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t a = 0, b = 0;

		teardown(state);
		setup(state);
		mem.ptr[5 * K4] = 0x11;
		(void)start(FAKE_DEV0, &a, false);
		(void)start(FAKE_DEV1, &b, false);
		assert_int_equal(changes[i](), 0);
		assert_int_equal(fake_phb_in_flight(phb), 0);
		assert_int_equal(a, 0x11);
		assert_int_equal(b, 0x11);
	}
}

/* A write that was posted before may still land after: in the page that it was translated to, which
 * is the guest's own. To know that it has, a driver reads from its device, as it must anywhere. */
static void test_posted_writes_land_in_the_guest_they_were_for(void **state)
{
	for (unsigned int i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t byte = 0x77;
		uint64_t id;

		teardown(state);
		setup(state);
		id = start(FAKE_DEV0, &byte, true);
		assert_int_equal(changes[i](), 0);
		assert_int_equal(mem.ptr[5 * K4], 0);
		fake_phb_dma_finish(phb, id);
		assert_int_equal(mem.ptr[5 * K4], 0x77);
	}
}

/* Memory is given to somebody else after this: of no function may anything be on its way. */
static void test_closed_group_has_nothing_in_flight(void **state)
{
	uint8_t bytes[4] = {1, 2, 3, 4};

	(void)state;
	(void)start(FAKE_DEV0, &bytes[0], true);
	(void)start(FAKE_DEV1, &bytes[1], true);
	(void)start(FAKE_DEV0, &bytes[2], false);
	(void)start(FAKE_DEV1, &bytes[3], false);
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(fake_phb_in_flight(phb), 0);
	/* And nothing comes: no bus master, no window, no cache. */
	for (uint16_t bdfn = FAKE_DEV0; bdfn <= FAKE_DEV1; bdfn++) {
		assert_int_equal(fake_machine_dma(&m, 1, bdfn, 0, bytes, 1, true), -EFAULT);
		fake_machine_master(&m, 1, bdfn);
		assert_int_equal(fake_machine_dma(&m, 1, bdfn, 0, bytes, 1, true), -EFAULT);
	}
	assert_false(fake_phb_any_window(phb));
}

/* A device that goes on until its bus master bit is off: whatever it has started by then is over
 * when the group is closed, at whichever call of the closing it came in. */
static uint8_t late_byte = 0x99;
static unsigned int late_at, cycles;

static int late_dma(void)
{
	uint64_t id;

	return ++cycles == late_at &&
	       !fake_phb_dma_start(phb, FAKE_DEV1, 0, &late_byte, 1, true, &id);
}

static int hooked_read(
	struct host_phb *host, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	(void)late_dma();
	return fake_phb_ops.config_read(host, bdfn, off, size, val);
}

static int hooked_write(
	struct host_phb *host, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	(void)late_dma();
	return fake_phb_ops.config_write(host, bdfn, off, size, val);
}

static int hooked_off(struct host_phb *host, unsigned int pe, unsigned int win)
{
	(void)late_dma();
	return fake_phb_ops.window_off(host, pe, win);
}

static int hooked_kill(struct host_phb *host, unsigned int pe)
{
	(void)late_dma();
	return fake_phb_ops.tce_kill(host, pe);
}

static void test_closing_outlasts_a_busy_device(void **state)
{
	struct host_phb_ops ops = fake_phb_ops;

	ops.config_read = hooked_read;
	ops.config_write = hooked_write;
	ops.window_off = hooked_off;
	ops.tce_kill = hooked_kill;
	for (late_at = 1;; late_at++) {
		teardown(state);
		setup(state);
		m.board.phbs[1].ops = &ops;
		cycles = 0;
		assert_int_equal(vfio_close_group(g), 0);
		assert_int_equal(fake_phb_in_flight(phb), 0);
		if (cycles < late_at) {
			break;
		}
	}
	/* Two functions and two windows were closed, each with several calls. */
	assert_true(late_at > 8);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_are_over_when_a_call_returns),
		TEST(test_posted_writes_land_in_the_guest_they_were_for),
		TEST(test_closed_group_has_nothing_in_flight),
		TEST(test_closing_outlasts_a_busy_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
