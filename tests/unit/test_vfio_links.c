// SPDX-License-Identifier: Apache-2.0
/*
 * Any sequence of calls about containers, groups, devices, windows and maps, some of which the
 * hardware refuses: links and counts are sound after each, what is mapped is what a device reaches,
 * and all can be closed again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/fake_machine.h"
#include "tests/unit/vfio_links.h"

#include <string.h>

#define K4    0x1000ull
#define GUEST 0x100000ull
#define RW    (VFIO_DMA_READ | VFIO_DMA_WRITE)
#define STEPS 100000u
#define NC    4u /* containers that are held at once */
#define NG    3u

static struct fake_machine m;
static struct vfio_container *c[NC];
static struct vfio_device *devices[8];
static unsigned int ndevices;
static struct guest_mem mem;
static uint64_t seed;
static unsigned int ok[16], refused[16];

static unsigned int pick(unsigned int n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(seed >> 33) % n;
}

/* Group 2 is another partition's. */
static int op_open_group(void)
{
	static const struct vfio_owner owners[] = {{"P", "disk"}, {"P", "net"}, {"Q", "disk"}};
	struct vfio_group *g;
	unsigned int n = pick(NG + 1);

	return vfio_open_group(&m.vfio, n, owners[n % NG], &g);
}

static int op_close_group(void)
{
	return vfio_close_group(&m.vfio.groups[pick(NG)]);
}

static int op_set_container(void)
{
	return vfio_group_set_container(&m.vfio.groups[pick(NG)], c[pick(NC)]);
}

static int op_unset_container(void)
{
	return vfio_group_unset_container(&m.vfio.groups[pick(NG)]);
}

static int op_set_iommu(void)
{
	return vfio_set_iommu(c[pick(NC)], pick(4) ? VFIO_SPAPR_TCE_v2_IOMMU : VFIO_TYPE1_IOMMU);
}

/* Its groups keep the old one, if it has any. */
static int op_new_container(void)
{
	unsigned int n = pick(NC);

	vfio_put_container(c[n]);
	return vfio_open_container(&m.vfio, &m.tables, &c[n]);
}

static int op_register(void)
{
	return vfio_register_memory(c[pick(NC)], &mem);
}

static int op_create(void)
{
	struct vfio_window w = {.page_shift = pick(4) ? 12 : 16, .size = 1ull << (12 + pick(20))};

	return vfio_create_window(c[pick(NC)], &w);
}

static int op_remove(void)
{
	return vfio_remove_window(c[pick(NC)], ioba(pick(2) ? 1ull << 59 : 0));
}

static int op_map(void)
{
	uint64_t word = pick(GUEST / K4) * K4 | RW;
	ioba_t at = ioba(pick(32) * K4);
	struct vfio_container *to = c[pick(NC)];
	int err = vfio_reserve(to, at, K4);

	err = err ? err : vfio_map(to, at, &word, 1, 12);
	return err ? err : vfio_flush(to, at, K4);
}

static int op_unmap(void)
{
	ioba_t at = ioba(pick(32) * K4);
	struct vfio_container *from = c[pick(NC)];
	int err = vfio_unmap(from, at, K4);

	return err ? err : vfio_flush(from, at, K4);
}

static int op_get_device(void)
{
	struct vfio_device *d;
	int err;

	if (ndevices == 8) {
		return -ENOSPC;
	}
	err = vfio_group_get_device(&m.vfio.groups[pick(NG)], pick(m.board.nfuncs + 1), &d);
	if (!err) {
		devices[ndevices++] = d;
	}
	return err;
}

static int op_put_device(void)
{
	unsigned int n;

	if (!ndevices) {
		return -ENOENT;
	}
	n = pick(ndevices);
	vfio_put_device(devices[n]);
	devices[n] = devices[--ndevices];
	return 0;
}

static int op_driver(void)
{
	int err = vfio_unregister_driver(&m.vfio, &vfio_spapr_v2_driver);

	if (!err) {
		assert_int_equal(vfio_register_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	}
	return err;
}

/* What ends things comes less often than what begins them. */
static const struct {
	int (*fn)(void);
	unsigned int often;
} ops[] = {{op_open_group, 6}, {op_close_group, 1}, {op_set_container, 8}, {op_unset_container, 1},
	{op_set_iommu, 8}, {op_new_container, 1}, {op_register, 6}, {op_create, 4}, {op_remove, 2},
	{op_map, 12}, {op_unmap, 4}, {op_get_device, 4}, {op_put_device, 3}, {op_driver, 1}};

#define NOPS (sizeof(ops) / sizeof(ops[0]))

/* A group's device reaches what the container maps, and nothing if it has none. */
static void check_device(unsigned int group)
{
	static const struct {
		unsigned int phb;
		uint16_t bdfn;
	} at[NG] = {{0, FAKE_DEV0}, {1, FAKE_DEV0}, {1, FAKE_DEV2}};
	struct vfio_container *in = m.vfio.groups[group].container;
	uint64_t iova = pick(32) * K4, word = 0, number;
	int err;

	if (!in || vfio_lookup(in, ioba(iova), &word)) {
		word = 0;
	}
	fake_machine_master(&m, at[group].phb, at[group].bdfn);
	err = fake_machine_dma(&m, at[group].phb, at[group].bdfn, iova, &number, 8, false);
	assert_int_equal(err, word ? 0 : -EFAULT);
	assert_true(!word || number == word / K4);
}

static unsigned int pick_op(void)
{
	unsigned int sum = 0, at, op = 0;

	for (unsigned int i = 0; i < NOPS; i++) {
		sum += ops[i].often;
	}
	for (at = pick(sum); at >= ops[op].often; op++) {
		at -= ops[op].often;
	}
	return op;
}

/* Sometimes the hardware does not take a window. */
static void one_step(void)
{
	unsigned int op = pick_op();
	bool fails = !pick(8);
	int err;

	m.phb[0].fail_op[FAKE_WINDOW_SET] = m.phb[1].fail_op[FAKE_WINDOW_SET] = fails;
	err = ops[op].fn();
	fake_machine_heal(&m);
	ok[op] += !err;
	refused[op] += err != 0;
	vfio_check_links(&m.vfio);
}

static void test_random_calls_keep_links_sound(void **state)
{
	(void)state;
	fake_machine_init(&m);
	assert_int_equal(mem_alloc(&m.ram.pool, GUEST, GUEST, &mem.host), 0);
	mem.size = GUEST;
	mem.ptr = mem_ptr(&m.ram.pool, mem.host);
	for (uint64_t i = 0; i < GUEST / K4; i++) {
		memcpy(mem.ptr + i * K4, &i, sizeof(i));
	}
	seed = 20;
	for (unsigned int i = 0; i < NC; i++) {
		assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c[i]), 0);
	}
	for (unsigned int i = 0; i < STEPS; i++) {
		one_step();
		check_device(pick(NG));
	}
	/* All of them have been done, and all but opening a container have been refused. */
	for (unsigned int i = 0; i < NOPS; i++) {
		assert_true(ok[i] > 100);
		assert_true(refused[i] > 20 || ops[i].fn == op_new_container);
	}
	while (ndevices) {
		assert_int_equal(op_put_device(), 0);
	}
	for (unsigned int i = 0; i < NG; i++) {
		assert_int_equal(vfio_close_group(&m.vfio.groups[i]), 0);
		assert_true(m.board.groups[i].closed);
	}
	for (unsigned int i = 0; i < NC; i++) {
		vfio_put_container(c[i]);
	}
	vfio_check_links(&m.vfio);
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		assert_int_equal(m.vfio.containers[i].refs, 0);
	}
	assert_true(page_pool_used(&m.tables) == 0);
	fake_machine_free(&m);
}

/* SEED-002.22, SEED-000.7: a device that does not answer is not had, and no count has moved; its
 * neighbour is, and then both are told of in the links. */
static void test_device_that_cannot_be_had_leaves_no_count(void **state)
{
	struct vfio_container *only;
	struct vfio_device *d = NULL;
	struct vfio_group *g;
	unsigned int func = 0, calls;

	(void)state;
	fake_machine_init(&m);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &only), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g), 0);
	while (m.vfio.devices[func].group != g) {
		func++;
	}
	assert_int_equal(vfio_group_get_device(g, func, &d), -EINVAL);
	assert_int_equal(vfio_group_set_container(g, only), 0);
	assert_int_equal(vfio_set_iommu(only, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	fake_find_func(&m.phb[1], m.board.funcs[func].bdfn)->gone = true;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(vfio_group_get_device(g, func, &d), -EIO);
		assert_null(d);
		assert_int_equal(g->ndevices_open, 0);
	}
	fake_find_func(&m.phb[1], m.board.funcs[func].bdfn)->gone = false;
	m.phb[1].fail_at = 1;
	assert_int_equal(vfio_group_get_device(g, func, &d), -EIO);
	/* Of one that is known to be gone nobody asks any more. */
	m.vfio.devices[func].gone = true;
	calls = m.phb[1].calls;
	assert_int_equal(vfio_group_get_device(g, func, &d), -EIO);
	assert_int_equal(m.phb[1].calls, calls);
	assert_null(d);
	vfio_check_links(&m.vfio);
	assert_int_equal(vfio_group_get_device(g, func + 1, &d), 0);
	assert_ptr_equal(d, &m.vfio.devices[func + 1]);
	vfio_check_links(&m.vfio);
	vfio_put_device(d);
	assert_int_equal(vfio_close_group(g), 0);
	vfio_put_container(only);
	vfio_check_links(&m.vfio);
	fake_machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_calls_keep_links_sound),
		cmocka_unit_test(test_device_that_cannot_be_had_leaves_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
