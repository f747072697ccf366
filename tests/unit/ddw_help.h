// SPDX-License-Identifier: Apache-2.0
/*
 * For tests of core/ddw.c over VFIO and the strict PHB model: one bridge with a default window of 4
 * MiB, a partition of 4 MiB, and a small pool for its tables. What happens is written as a string
 * of one-letter calls, so that tests can be tables.
 */
#ifndef TESTS_UNIT_DDW_HELP_H
#define TESTS_UNIT_DDW_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/ddw.h"
#include "core/log.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_machine.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Under emulation, where the byte order is the question, fewer will do. */
#define MANY	     (BE_HOST_IS_LITTLE ? 100000u : 10000u)
#define MIB	     0x100000ull
#define RAM	     (4 * MIB)
#define WIN1	     (1ull << 59)
#define DEFAULT_SIZE (4 * MIB)
#define LIOBN0	     0x80000600u
#define LIOBN1	     0x80000601u
#define RW	     (TCE_READ | TCE_WRITE)
#define POOL_PAGES   80u

static struct fake_machine m;
static struct page_pool tables;
static struct vfio_container *c;
static struct vfio_group *g;
static struct guest_mem mem;
static struct phb phb;
static struct ddw ddw;
static struct tce_scratch scratch;
static uint64_t free_at_start; /* of the host's memory */
static unsigned int ntaken;    /* pages of the pool that the test has */

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static inline struct ddw_config config_of(
	struct phb *p, struct vfio_container *container, uint32_t page_shifts)
{
	return (struct ddw_config){
		.owner = "alpha",
		.phb = p,
		.container = container,
		.mem = &mem,
		.page_shifts = page_shifts,
		.default_size = DEFAULT_SIZE,
		.offered = true,
	};
}

/* The host bridge of group n in a container; its windows are still to come. */
static inline void join(
	struct phb *p, unsigned int n, struct vfio_container **container, struct vfio_group **group)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(phb_place(6 + n, &p->at), 0);
	strcpy(p->id, "CXGB3");
	assert_int_equal(vfio_open_container(&m.vfio, &tables, container), 0);
	assert_int_equal(vfio_open_group(&m.vfio, n, fake_owner, group), 0);
	assert_int_equal(vfio_group_set_container(*group, *container), 0);
	assert_int_equal(vfio_set_iommu(*container, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(*container, &mem), 0);
}

static inline int bring_up(struct phb *p, struct ddw *d, unsigned int n,
	struct vfio_container **container, struct vfio_group **group)
{
	struct ddw_config config;

	join(p, n, container, group);
	memset(d, 0, sizeof(*d));
	config = config_of(p, *container, m.board.phbs[n ? 1 : 0].page_shifts);
	return ddw_init(d, &config);
}

/* All but the windows; page n of the guest's memory, of 4 KiB, is full of n; all that is not its is
 * 0xee. page_shifts 0: the PHB's own. */
static inline void set_up_machine(unsigned int pool_pages, uint32_t page_shifts)
{
	fake_arch_reset();
	log_set_sink(&sink);
	memset(&ddw, 0, sizeof(ddw));
	ntaken = 0;
	fake_machine_init(&m);
	if (page_shifts) {
		m.board.phbs[0].page_shifts = page_shifts;
	}
	assert_int_equal(mem_alloc(&m.ram.pool, RAM, RAM, &mem.host), 0);
	mem.ptr = mem_ptr(&m.ram.pool, mem.host);
	mem.size = RAM;
	memset(m.ram.mem, 0xee, FAKE_MACHINE_RAM);
	for (uint64_t i = 0; i < RAM; i++) {
		mem.ptr[i] = (uint8_t)(i >> 12 ^ i >> 20);
	}
	memset(&tables, 0, sizeof(tables));
	assert_int_equal(page_pool_init(&tables, &m.ram.pool, pool_pages * MEM_PAGE), 0);
}

static inline void set_up(unsigned int pool_pages, uint32_t page_shifts)
{
	set_up_machine(pool_pages, page_shifts);
	assert_int_equal(bring_up(&phb, &ddw, 0, &c, &g), 0);
	fake_machine_master(&m, 0, FAKE_DEV0);
	free_at_start = mem_free_bytes(&m.ram.pool);
}

static inline int setup(void **state)
{
	(void)state;
	set_up(POOL_PAGES, 0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_machine_free(&m);
	return 0;
}

static inline int peek(uint64_t iova)
{
	uint8_t byte = 0;
	int err = fake_machine_dma(&m, 0, FAKE_DEV0, iova, &byte, 1, false);

	return err ? err : byte;
}

/* n pages of a window, from guest page first on, at its page at. */
static inline int put_in(
	struct phb *p, unsigned int slot, uint64_t at, uint64_t first, unsigned int n)
{
	struct tce_window *w = &p->windows[slot];
	unsigned int shift = w->page_shift;
	uint64_t pages = RAM >> shift;

	for (unsigned int i = 0; i < n; i++) {
		scratch.tce[i] = ((first + i) % pages << shift) | RW;
	}
	return tce_put(w, ioba(ddw_slot_base(slot).v + (at << shift)), n, &scratch);
}

static inline int put(unsigned int slot, uint64_t at, uint64_t first, unsigned int n)
{
	return put_in(&phb, slot, at, first, n);
}

/* The first n pages of a window, as a guest would that maps all it has. */
static inline int map_first(unsigned int slot, uint64_t n)
{
	for (uint64_t at = 0; at < n; at += TCE_MAX_BATCH) {
		uint64_t k = n - at < TCE_MAX_BATCH ? n - at : TCE_MAX_BATCH;
		int err = put(slot, at, at, (unsigned int)k);

		if (err) {
			return err;
		}
	}
	return 0;
}

static inline unsigned int windows_left(void)
{
	struct ddw_query q;

	assert_int_equal(ddw_query(&ddw, &q), 0);
	return q.windows;
}

static inline uint64_t largest_block(void)
{
	struct ddw_query q;

	assert_int_equal(ddw_query(&ddw, &q), 0);
	return q.largest_block;
}

/* Guest window 1 beside the default one. */
static inline void create_second(uint32_t page_shift, uint32_t window_shift)
{
	unsigned int slot = 99;

	assert_int_equal(ddw_create(&ddw, page_shift, window_shift, &slot), 0);
	assert_int_equal(slot, 1);
}

static inline uint64_t held(unsigned int slot)
{
	return vfio_spapr_held_bytes(c, ddw_slot_base(slot));
}

/* Every page that is in use is the test's, the container's own, or of a table that it holds. */
static inline void expect_exact(void)
{
	assert_int_equal(page_pool_used(&tables), MEM_PAGE * (1 + ntaken) + held(0) + held(1));
	assert_true(mem_free_bytes(&m.ram.pool) == free_at_start);
}

/* But for nodes that the default window has come to have meanwhile. */
static inline void expect_as_at_start(void)
{
	expect_exact();
	assert_int_equal(held(1), 0);
	assert_true(ddw.has_default);
	assert_true(phb.windows[0].npages == DEFAULT_SIZE >> 12);
	assert_true(phb.windows[1].npages == 0);
	assert_int_equal(windows_left(), 1);
}

/* One call: c create, b bypass on, B bypass off, 0 and 1 remove, R reset. */
static inline int call(char what)
{
	const char *why = NULL;
	unsigned int slot;

	switch (what) {
	case 'c':
		return ddw_create(&ddw, 16, 22, &slot);
	case 'b':
		return ddw_bypass_on(&ddw, &why);
	case 'B':
		return ddw_bypass_off(&ddw, &why);
	case 'R':
		return ddw_reset(&ddw);
	default:
		return ddw_remove(&ddw, (unsigned int)(what - '0'));
	}
}

/* An entry in every window that is open. */
static inline void fill_windows(void)
{
	for (unsigned int slot = 0; slot < PHB_MAX_WINDOWS; slot++) {
		if (phb.windows[slot].npages) {
			assert_int_equal(put(slot, 2, 3, 1), 0);
		}
	}
}

/* Windows are filled before each call: what is not emptied shows. */
static inline void play(const char *calls)
{
	for (; *calls; calls++) {
		fill_windows();
		assert_int_equal(call(*calls), 0);
	}
}

/* D the default window, G one of the guest's, B bypass, - none. */
static inline char kind_of(unsigned int slot)
{
	const struct tce_window *w = &phb.windows[slot];

	if (slot && phb.bypass_size) {
		assert_true(w->npages == 0);
		return 'B';
	}
	if (!w->npages) {
		return '-';
	}
	assert_int_equal(w->liobn, slot ? LIOBN1 : LIOBN0);
	assert_true(w->base.v == ddw_slot_base(slot).v);
	if (w->page_shift == 12 && w->npages << 12 == DEFAULT_SIZE) {
		return 'D';
	}
	assert_int_equal(w->page_shift, 16);
	return 'G';
}

/* The end: whatever has happened, nothing of the pool is out then. */
static inline void expect_nothing_kept(void)
{
	ddw_exit(&ddw);
	assert_true(!phb.windows[0].npages && !phb.windows[1].npages);
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(page_pool_used(&tables), 0);
	assert_int_equal(page_pool_left(&tables), tables.npages * MEM_PAGE);
	assert_false(fake_phb_any_window(&m.phb[0]));
}

#endif
