// SPDX-License-Identifier: Apache-2.0
/*
 * A group comes into a container that maps already: its devices reach what the others' do, at once
 * and no more than that, and nothing of what they could reach before. Over our own driver, where
 * groups share tables, and over one with a table for each group, which has to map again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio_shadow.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_type1.h"

#include <string.h>

#define K4    0x1000ull
#define GUEST 0x400000ull
#define HUGE  (1ull << 45) /* 2^33 pages */
#define RW    (VFIO_DMA_READ | VFIO_DMA_WRITE)

static struct fake_machine m;
static struct vfio_container *c;
static struct vfio_group *g0, *g1;
static struct guest_mem mem;
static _Alignas(K4) uint8_t own_memory[GUEST]; /* for who maps by our address of it */

/* Pages of the window that are mapped; the first, the last, and one that is alone. */
static const uint64_t live[] = {0, 0x123456789, HUGE / K4 - 1};
#define NLIVE 3u

static uint64_t word_of(unsigned int i)
{
	return (i + 1) * K4 | RW;
}

static void open_with(const struct vfio_iommu_driver *driver, unsigned int model)
{
	fake_machine_init(&m);
	assert_int_equal(vfio_unregister_driver(&m.vfio, &vfio_spapr_v2_driver), 0);
	assert_int_equal(vfio_register_driver(&m.vfio, driver), 0);
	assert_int_equal(mem_alloc(&m.ram.pool, GUEST, GUEST, &mem.host), 0);
	mem.ptr = model == VFIO_TYPE1v2_IOMMU ? own_memory : mem_ptr(&m.ram.pool, mem.host);
	mem.size = GUEST;
	for (uint64_t i = 0; i < GUEST / K4; i++) {
		memset(mem.ptr + i * K4, (int)i, K4);
	}
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &c), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 0, fake_owner, &g0), 0);
	assert_int_equal(vfio_open_group(&m.vfio, 1, fake_owner, &g1), 0);
	assert_int_equal(vfio_group_set_container(g0, c), 0);
	assert_int_equal(vfio_set_iommu(c, model), 0);
	assert_int_equal(vfio_register_memory(c, &mem), 0);
}

static int put(uint64_t at, uint64_t word)
{
	int err = vfio_reserve(c, ioba(at), K4);

	err = err ? err : vfio_map(c, ioba(at), &word, 1, 12);
	return err ? err : vfio_flush(c, ioba(at), K4);
}

static void fill_window(void)
{
	struct vfio_window w = {.page_shift = 12, .size = HUGE};

	assert_int_equal(vfio_create_window(c, &w), 0);
	assert_true(w.start.v == 0);
	for (unsigned int i = 0; i < NLIVE; i++) {
		assert_int_equal(put(live[i] * K4, word_of(i)), 0);
	}
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(vfio_close_group(g0), 0);
	assert_int_equal(vfio_close_group(g1), 0);
	vfio_put_container(c);
	assert_true(page_pool_used(&m.tables) == 0);
	fake_machine_free(&m);
	return 0;
}

static int setup_native(void **state)
{
	(void)state;
	open_with(&vfio_spapr_v2_driver, VFIO_SPAPR_TCE_v2_IOMMU);
	fake_machine_master(&m, 0, FAKE_DEV0);
	fill_window();
	return 0;
}

/* What the byte at this bus address is to the second group's device, or -EFAULT. */
static int peek1(uint64_t iova)
{
	uint8_t byte = 0;
	int err;

	fake_machine_master(&m, 1, FAKE_DEV0);
	err = fake_machine_dma(&m, 1, FAKE_DEV0, iova, &byte, 1, false);
	return err ? err : byte;
}

/* SEED-001.61: three live TCEs in a huge window are what the newcomer's PHB translates, and no
 * page beside them; nothing is mapped for that, and no table grows. */
static void test_newcomer_sees_the_live_tces(void **state)
{
	uint64_t bytes = vfio_spapr_table_bytes(&m.vfio);
	unsigned int before = m.phb[0].calls;

	(void)state;
	for (unsigned int i = 0; i < NLIVE; i++) {
		assert_int_equal(peek1(live[i] * K4), -EFAULT);
	}
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	for (unsigned int i = 0; i < NLIVE; i++) {
		assert_int_equal(peek1(live[i] * K4), (int)i + 1);
		assert_int_equal(peek1(live[i] * K4 + K4 - 1), (int)i + 1);
		assert_int_equal(peek1((live[i] ^ 1) * K4), -EFAULT);
		assert_int_equal(peek1(live[i] * K4 | 1ull << 59), -EFAULT);
	}
	assert_int_equal(peek1(HUGE), -EFAULT);
	assert_true(vfio_spapr_count_live(c) == NLIVE);
	assert_true(vfio_spapr_table_bytes(&m.vfio) == bytes);
	/* The first group is not asked, nor told. */
	assert_int_equal(m.phb[0].calls, before);
	assert_int_equal(m.phb[1].count[FAKE_WINDOW_SET], 1);
}

/* SEED-001.26: windows that somebody has left on for its PE, with a table full of entries that give
 * access, are gone once it is attached, also where the container has none of its own. */
static void test_attach_ends_what_was_there_before(void **state)
{
	static const uint8_t tce[8] = {0, 0, 2, 0, 0, 0, 0, 3};
	struct host_phb *phb = &m.board.phbs[1];
	unsigned int pe = m.board.groups[1].pe;
	hpa_t poison;

	(void)state;
	assert_int_equal(page_pool_take(&m.tables, 1, &poison), 0);
	for (uint64_t i = 0; i < K4; i += sizeof(tce)) {
		memcpy((uint8_t *)page_pool_ptr(&m.tables, poison) + i, tce, sizeof(tce));
	}
	for (unsigned int win = 0; win < HOST_PHB_MAX_WINDOWS; win++) {
		assert_int_equal(phb->ops->window_set(phb, pe, win, poison, K4, 1, 12), 0);
	}
	assert_int_not_equal(peek1(2 * K4), -EFAULT);
	assert_int_not_equal(peek1(1ull << 59 | 2 * K4), -EFAULT);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(peek1(0), 1);
	assert_int_equal(peek1(2 * K4), -EFAULT);
	assert_int_equal(peek1(1ull << 59 | 2 * K4), -EFAULT);
	assert_int_equal(peek1(1ull << 59), -EFAULT);
	page_pool_give(&m.tables, poison);
}

/* What another vCPU does between two calls of firmware. */
static const struct tce_backend_ops *window_ops;
static void *window;
static struct host_phb_ops hooked;
static const struct host_phb_ops *real;

static int set_and_race(struct host_phb *phb, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t table_bytes, unsigned int levels, unsigned int page_shift)
{
	int err = real->window_set(phb, pe, win, table, table_bytes, levels, page_shift);

	/* The PE looks, and caches; then the guest puts something else. */
	assert_int_equal(peek1(0), 1);
	assert_int_equal(peek1(5 * K4), -EFAULT);
	assert_int_equal(window_ops->put(window, 0, 9 * K4 | RW), 0);
	assert_int_equal(window_ops->put(window, 5, 8 * K4 | RW), 0);
	assert_int_equal(peek1(0), 9);
	assert_int_equal(peek1(5 * K4), 8);
	return err;
}

/* SEED-004.14: a vCPU that has the window for itself waits for no attach, and what it puts while
 * the group is half in is what the group sees. */
static void test_words_put_while_a_group_joins_are_seen(void **state)
{
	struct host_phb *phb = &m.board.phbs[1];

	(void)state;
	assert_int_equal(vfio_window_backend(c, ioba(0), &window_ops, &window), 0);
	real = phb->ops;
	hooked = *real;
	hooked.window_set = set_and_race;
	phb->ops = &hooked;
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	phb->ops = real;
	assert_int_equal(peek1(0), 9);
	assert_int_equal(peek1(5 * K4), 8);
}

/* One that did not get in after all is told of nothing any more. */
static void test_group_that_did_not_join_is_not_invalidated(void **state)
{
	unsigned int before;

	(void)state;
	m.phb[1].fail_op[FAKE_WINDOW_SET] = true;
	assert_int_equal(vfio_group_set_container(g1, c), -EIO);
	fake_machine_heal(&m);
	before = m.phb[1].count[FAKE_TCE_KILL];
	assert_int_equal(put(0, word_of(5)), 0);
	assert_int_equal(m.phb[1].count[FAKE_TCE_KILL], before);
}

/* SEED-000.21, VF-08: a group whose PHB lacks a page size of the container's windows does not get
 * in, and can have a container of its own at once. */
static void test_group_that_does_not_fit_has_its_own_container(void **state)
{
	struct vfio_window wide = {.page_shift = 16, .size = 1ull << 30};
	struct vfio_container *own;

	(void)state;
	m.board.phbs[1].page_shifts = 1u << 12;
	assert_int_equal(vfio_create_window(c, &wide), 0);
	assert_int_equal(vfio_group_set_container(g1, c), -EINVAL);
	assert_int_equal(peek1(0), -EFAULT);
	assert_int_equal(vfio_open_container(&m.vfio, &m.tables, &own), 0);
	assert_int_equal(vfio_group_set_container(g1, own), 0);
	assert_int_equal(vfio_set_iommu(own, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	vfio_put_container(own);
	assert_int_equal(peek1(0), -EFAULT);
	assert_true(vfio_spapr_count_live(c) == NLIVE);
}

/* A driver with a table for each group, which cannot be read back: type1's, one a group. */
static struct fake_type1 t1[2];
static bool in[2];
static struct vfio_window shape; /* of the only window; size 0: there is none */

static int each_map(void *hw, ioba_t iova, const void *ptr, uint64_t len, unsigned int perm)
{
	int err = 0;

	(void)hw;
	for (unsigned int i = 0; i < 2 && !err; i++) {
		err = in[i] ? fake_type1_ops.map(&t1[i], iova, ptr, len, perm) : 0;
	}
	return err;
}

static int each_unmap(void *hw, ioba_t iova, uint64_t len, uint64_t *gone)
{
	int err = 0;

	(void)hw;
	for (unsigned int i = 0; i < 2 && !err; i++) {
		err = in[i] ? fake_type1_ops.unmap(&t1[i], iova, len, gone) : 0;
	}
	return err;
}

static int each_create(void *hw, struct vfio_window *window_asked)
{
	(void)hw;
	shape = *window_asked;
	return 0;
}

static int each_remove(void *hw, const struct vfio_window *window_gone)
{
	uint64_t gone;

	shape.size = 0;
	return each_unmap(hw, window_gone->start, window_gone->size, &gone);
}

static const struct vfio_shadow_ops each_ops = {
	.cannot_split = true,
	.create_window = each_create,
	.remove_window = each_remove,
	.map = each_map,
	.unmap = each_unmap,
};

static bool each_extension(unsigned int extension)
{
	return extension == VFIO_TYPE1v2_IOMMU;
}

static int each_open(struct vfio_container *container, unsigned int model, void **data)
{
	struct vfio_shadow *s = NULL;
	int err = vfio_shadow_open(container, &each_ops, NULL, &s);

	(void)model;
	*data = s;
	return err;
}

static unsigned int lookups;

/* Page by page only where something may be: by the contract's own skip and lookup. */
static int replay(void *data, struct fake_type1 *to)
{
	uint64_t page = 1ull << shape.page_shift, end = shape.start.v + shape.size, word;
	int err = 0;

	for (uint64_t at = shape.start.v; at < end && !err;) {
		uint64_t empty = vfio_shadow_skip(data, ioba(at), end - at);

		at += empty;
		if (empty) {
			continue;
		}
		lookups++;
		err = vfio_shadow_lookup(data, ioba(at), &word);
		if (!err && word) {
			err = fake_type1_ops.map(
				to, ioba(at), mem.ptr + (word & ~(uint64_t)RW), page, word & RW);
		}
		at += page;
	}
	return err;
}

static int each_attach(void *data, struct vfio_group *group)
{
	unsigned int n = group->host;
	uint64_t gone;
	int err;

	t1[n].ngroups = 1;
	t1[n].mem = mem.ptr;
	err = replay(data, &t1[n]);
	if (err) {
		assert_int_equal(fake_type1_ops.unmap(&t1[n], shape.start, shape.size, &gone), 0);
		t1[n].ngroups = 0;
	}
	in[n] = !err;
	return err;
}

static void each_detach(void *data, struct vfio_group *group)
{
	uint64_t gone;

	(void)data;
	in[group->host] = false;
	t1[group->host].ngroups = 0;
	if (shape.size) {
		assert_int_equal(
			fake_type1_ops.unmap(&t1[group->host], shape.start, shape.size, &gone), 0);
	}
}

static void each_release(void *data)
{
	vfio_shadow_release(data);
	shape.size = 0;
}

static const struct vfio_iommu_driver each_driver = {
	.name = "table-per-group",
	.check_extension = each_extension,
	.open = each_open,
	.release = each_release,
	.attach_group = each_attach,
	.detach_group = each_detach,
	.create_window = vfio_shadow_create_window,
	.remove_window = vfio_shadow_remove_window,
	.reserve = vfio_shadow_reserve,
	.map = vfio_shadow_map,
	.unmap = vfio_shadow_unmap,
	.lookup = vfio_shadow_lookup,
	.skip = vfio_shadow_skip,
	.flush = vfio_shadow_flush,
};

static int setup_each(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		fake_type1_init(&t1[i]);
		in[i] = false;
		t1[i].v2 = true;
	}
	shape.size = 0;
	open_with(&each_driver, VFIO_TYPE1v2_IOMMU);
	fill_window();
	return 0;
}

static int teardown_each(void **state)
{
	teardown(state);
	assert_int_equal(t1[0].nmaps, 0);
	assert_int_equal(t1[1].nmaps, 0);
	return 0;
}

static uint64_t device_word(unsigned int group, uint64_t page)
{
	return fake_type1_device(&t1[group], page * K4);
}

/* SEED-001.61: the same three are three maps, and some thousand looks at 2^33 pages. */
static void test_live_tces_are_replayed_sparsely(void **state)
{
	(void)state;
	lookups = 0;
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(t1[1].count[FAKE_TYPE1_MAP], NLIVE);
	assert_int_equal(t1[1].count[FAKE_TYPE1_UNMAP], 0);
	assert_true(lookups >= NLIVE && lookups <= 2048);
	for (unsigned int i = 0; i < NLIVE; i++) {
		assert_true(device_word(0, live[i]) == word_of(i));
		assert_true(device_word(1, live[i]) == word_of(i));
	}
	/* From now on one call is for both. */
	assert_int_equal(put(7 * K4, word_of(9)), 0);
	assert_int_equal(vfio_unmap(c, ioba(0), K4), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(device_word(i, 7) == word_of(9));
		assert_true(device_word(i, 0) == 0);
	}
}

/* Whichever of them fails: the group is not in, reaches nothing, and may try again. */
static void test_failed_replay_keeps_the_group_out(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= NLIVE; n++) {
		t1[1].fail = (struct fake_fail){.at = n, .err = -ENOMEM, .late = n & 1};
		assert_int_equal(vfio_group_set_container(g1, c), -ENOMEM);
		assert_null(g1->container);
		assert_int_equal(t1[1].nmaps, 0);
		assert_int_equal(c->ngroups, 1);
		assert_int_equal(t1[0].nmaps, NLIVE);
	}
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(t1[1].nmaps, NLIVE);
}

#define NATIVE(t) cmocka_unit_test_setup_teardown(t, setup_native, teardown)
#define EACH(t)	  cmocka_unit_test_setup_teardown(t, setup_each, teardown_each)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NATIVE(test_newcomer_sees_the_live_tces),
		NATIVE(test_attach_ends_what_was_there_before),
		NATIVE(test_words_put_while_a_group_joins_are_seen),
		NATIVE(test_group_that_did_not_join_is_not_invalidated),
		NATIVE(test_group_that_does_not_fit_has_its_own_container),
		EACH(test_live_tces_are_replayed_sparsely),
		EACH(test_failed_replay_keeps_the_group_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
