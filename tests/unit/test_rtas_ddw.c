// SPDX-License-Identifier: Apache-2.0
/*
 * core/rtas_ddw.c: dynamic DMA windows as a guest with two bridges asks for them, through H_RTAS
 * and the TCE calls, down to the strict PHB model.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/hcall.h"
#include "core/rtas.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_machine.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIB	   0x100000ull
#define RAM	   (4 * MIB)
#define WIN1	   (1ull << 59)
#define WIN1_HI	   0x08000000u
#define BUID_HI	   0x08000000u
#define BUID_LO	   0x20000000u
#define ARGS	   0x2000u
#define LIST	   0x3000u
#define NRETS	   8u
#define POOL_PAGES 64u
#define UNSET	   0x5e5e5e5eu

/* Index 6 has functions 00.0 and 00.1, index 0 has 01.1. */
#define BRIDGE_A BUID_HI, BUID_LO + 6
#define BRIDGE_B BUID_HI, BUID_LO

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static struct fake_machine m;
static struct partition *p;
static uint64_t used_at_start;
static uint32_t rets[NRETS];

static void bring_up(unsigned int n, unsigned int index, bool offered)
{
	struct partition_phb *bound = &p->bound[n];
	struct ddw_config config = {
		.owner = p->name,
		.phb = &p->phbs[n],
		.mem = &p->mem,
		.page_shifts = m.board.phbs[n].page_shifts,
		.default_size = 4 * MIB,
		.offered = offered,
	};

	assert_int_equal(phb_place(index, &p->phbs[n].at), 0);
	p->phbs[n].index = index;
	phb_map_add(&p->phb_map, &p->phbs[n]);
	assert_int_equal(vfio_open_container(&m.vfio, &p->tables, &bound->container), 0);
	assert_int_equal(
		vfio_open_group(&m.vfio, n, fake_owner, &bound->groups[bound->ngroups++]), 0);
	assert_int_equal(vfio_group_set_container(bound->groups[0], bound->container), 0);
	assert_int_equal(vfio_set_iommu(bound->container, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_int_equal(vfio_register_memory(bound->container, &p->mem), 0);
	config.container = bound->container;
	assert_int_equal(ddw_init(&bound->ddw, &config), 0);
}

static int set_up(bool offered)
{
	fake_arch_reset();
	log_set_sink(&sink);
	fake_machine_init(&m);
	p = calloc(1, sizeof(*p));
	strcpy(p->name, "alpha");
	assert_int_equal(mem_alloc(&m.ram.pool, RAM, RAM, &p->mem.host), 0);
	p->mem.ptr = mem_ptr(&m.ram.pool, p->mem.host);
	p->mem.size = RAM;
	assert_int_equal(page_pool_init(&p->tables, &m.ram.pool, POOL_PAGES * MEM_PAGE), 0);
	p->state = PARTITION_RUNNING;
	p->nvcpus = 1;
	p->vcpus[0].partition = p;
	p->pool = &m.ram.pool;
	assert_int_equal(partition_alloc_phbs(p, 2), 0);
	p->nphbs = 2;
	bring_up(0, 6, offered);
	bring_up(1, 0, true);
	p->phbs[0].nfuncs = 2;
	p->phbs[0].funcs[1].devfn = 1;
	p->phbs[1].nfuncs = 1;
	p->phbs[1].funcs[0].devfn = 1 << 3 | 1;
	fake_machine_master(&m, 0, FAKE_DEV0);
	fake_machine_master(&m, 1, FAKE_DEV0);
	used_at_start = page_pool_used(&p->tables);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return set_up(true);
}

static int setup_not_offered(void **state)
{
	(void)state;
	return set_up(false);
}

static int teardown(void **state)
{
	(void)state;
	free(p);
	fake_machine_free(&m);
	return 0;
}

static void poke32(uint64_t at, uint32_t v)
{
	be32_t w = be32(v);

	memcpy(p->mem.ptr + at, &w, sizeof(w));
}

/* The status; all results are in rets, UNSET where none was written. */
static int32_t call_counted(
	const char *name, unsigned int nargs, unsigned int nret, const uint32_t *args)
{
	uint64_t regs[HCALL_NARGS] = {ARGS};
	uint32_t token = 0;

	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, name)) {
			token = rtas_services[i].token;
		}
	}
	poke32(ARGS, token);
	poke32(ARGS + 4, nargs);
	poke32(ARGS + 8, nret);
	for (unsigned int i = 0; i < nargs; i++) {
		poke32(ARGS + 12 + 4 * i, args[i]);
	}
	for (unsigned int i = 0; i < NRETS; i++) {
		poke32(ARGS + 12 + 4 * (nargs + i), UNSET);
	}
	assert_int_equal(h_rtas(&p->vcpus[0], regs), H_SUCCESS);
	for (unsigned int i = 0; i < NRETS; i++) {
		be32_t w;

		memcpy(&w, p->mem.ptr + ARGS + 12 + 4 * (nargs + i), sizeof(w));
		rets[i] = be32_get(w);
		/* An error is one word, and nothing is written past what was asked for. */
		if (i >= nret || (i && rets[0])) {
			assert_int_equal(rets[i], UNSET);
		} else {
			assert_int_not_equal(rets[i], UNSET);
		}
	}
	return (int32_t)rets[0];
}

enum service { QUERY5, QUERY6, CREATE, REMOVE, RESET, NSERVICES };

static const struct {
	const char *name;
	unsigned int nargs, nret;
} services[NSERVICES] = {
	[QUERY5] = {"ibm,query-pe-dma-window", 3, 5},
	[QUERY6] = {"ibm,query-pe-dma-window", 3, 6},
	[CREATE] = {"ibm,create-pe-dma-window", 5, 4},
	[REMOVE] = {"ibm,remove-pe-dma-window", 1, 1},
	[RESET] = {"ibm,reset-pe-dma-window", 3, 1},
};

static int32_t call(enum service s, const uint32_t *args)
{
	return call_counted(services[s].name, services[s].nargs, services[s].nret, args);
}

#define CALL(s, ...) call((s), (const uint32_t[]){__VA_ARGS__})

static int peek(unsigned int phb, uint64_t iova)
{
	uint8_t byte = 0;
	int err = fake_machine_dma(&m, phb, FAKE_DEV0, iova, &byte, 1, false);

	return err ? err : byte;
}

/* Maps n pages of the window from guest page first on, by one H_PUT_TCE_INDIRECT. */
static hret_t put_indirect(
	uint32_t liobn, uint64_t at, unsigned int shift, uint64_t first, unsigned int n)
{
	uint64_t regs[HCALL_NARGS] = {liobn, at, LIST, n};

	for (unsigned int i = 0; i < n; i++) {
		be64_t tce = be64(((first + i) << shift) | TCE_READ | TCE_WRITE);

		memcpy(p->mem.ptr + LIST + 8 * i, &tce, sizeof(tce));
	}
	return h_put_tce_indirect(&p->vcpus[0], regs);
}

/* Nodes that the default windows have come to have since. */
static uint64_t default_nodes(void)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < 2; i++) {
		bytes += vfio_spapr_held_bytes(p->bound[i].container, ioba(0)) - MEM_PAGE;
	}
	return bytes;
}

static void expect_as_at_start(void)
{
	static const uint32_t liobns[] = {0x80000600, 0x80000000};

	assert_int_equal(page_pool_used(&p->tables), used_at_start + default_nodes());
	for (unsigned int i = 0; i < 2; i++) {
		assert_ptr_equal(phb_find_window(&p->phb_map, liobns[i]), &p->phbs[i].windows[0]);
		assert_null(phb_find_window(&p->phb_map, liobns[i] + 1));
	}
}

static void test_query_has_two_forms(void **state)
{
	uint32_t block;

	(void)state;
	assert_int_equal(CALL(QUERY5, 0, BRIDGE_A), 0);
	assert_int_equal(rets[1], 1);
	block = rets[2];
	/* Two containers and their default windows' roots take four pages, two roots more are set
	 * aside: 58 are left, for 32 nodes below a root. */
	assert_int_equal(block, 32 * 512);
	assert_int_equal(rets[3], 0x103);
	assert_int_equal(rets[4], 0);
	assert_int_equal(CALL(QUERY6, 0, BRIDGE_A), 0);
	assert_int_equal(rets[1], 1);
	assert_int_equal(rets[2], 0);
	assert_int_equal(rets[3], block);
	assert_int_equal(rets[4], 0x103);
	assert_int_equal(rets[5], 0);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), 0);
	assert_int_equal(CALL(QUERY6, 0, BRIDGE_A), 0);
	assert_int_equal(rets[1], 0);
	assert_int_equal(rets[3], 0);
	assert_int_equal(rets[4], 0x103);
	assert_int_equal(CALL(QUERY5, 0x900, BRIDGE_B), 0);
	assert_int_equal(rets[1], 1);
}

/* A count that one cell does not hold: all of it in two, as much as goes in one. */
static void test_query_of_a_large_pool_fills_two_cells(void **state)
{
	struct page_pool was = p->tables;

	(void)state;
	p->tables.npages = 1ull << 50;
	assert_int_equal(CALL(QUERY6, 0, BRIDGE_A), 0);
	assert_int_equal(rets[2], 1u << (59 - 21 - 32));
	assert_int_equal(rets[3], 0);
	assert_int_equal(CALL(QUERY5, 0, BRIDGE_A), 0);
	assert_int_equal(rets[2], 0xffffffff);
	assert_int_equal(rets[3], 0x103);
	p->tables = was;
}

/* A window far larger than the memory is made, and costs what is mapped in it. */
static void test_sparse_window_is_made_and_used(void **state)
{
	(void)state;
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 12, 40), 0);
	assert_int_equal(page_pool_used(&p->tables), used_at_start + MEM_PAGE);
	p->mem.ptr[0x5000] = 0x42;
	assert_int_equal(put_indirect(0x80000601, WIN1 + (1ull << 39), 12, 5, 1), H_SUCCESS);
	assert_int_equal(peek(0, WIN1 + (1ull << 39)), 0x42);
	assert_int_equal(page_pool_used(&p->tables), used_at_start + 4 * MEM_PAGE);
	/* Until the pool is used up, which is a failed map and not the end. */
	for (uint64_t at = 0;; at += 1ull << 30) {
		hret_t ret = put_indirect(0x80000601, WIN1 + at, 12, 5, 1);

		if (ret != H_SUCCESS) {
			assert_int_equal(ret, H_NOT_ENOUGH_RESOURCES);
			break;
		}
	}
	assert_int_equal(CALL(QUERY6, 0x900, BRIDGE_B), 0);
	assert_int_equal(rets[3], 512);
	assert_int_equal(CALL(REMOVE, 0x80000601), 0);
	expect_as_at_start();
}

/* Decision 9, as a guest sees it. */
static void test_bypass_leaves_nothing_to_ask_for(void **state)
{
	const char *why = NULL;

	(void)state;
	assert_int_equal(ddw_bypass_on(&p->bound[0].ddw, &why), 0);
	assert_int_equal(CALL(QUERY6, 0, BRIDGE_A), 0);
	assert_int_equal(rets[1], 0);
	assert_int_equal(rets[2], 0);
	assert_int_equal(rets[3], 0);
	assert_int_equal(rets[4], 0x103);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), RTAS_HARDWARE);
	assert_int_equal(CALL(REMOVE, 0x80000601), RTAS_PARAM_ERROR);
	assert_int_equal(CALL(CREATE, 0x900, BRIDGE_B, 21, 22), 0);
	assert_int_equal(CALL(REMOVE, 0x80000001), 0);
	assert_int_equal(ddw_bypass_off(&p->bound[0].ddw, &why), 0);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), 0);
	assert_int_equal(CALL(REMOVE, 0x80000601), 0);
	expect_as_at_start();
}

/* What a Linux guest does at a driver's first 64-bit mask, with each page size there is. */
static void test_guest_maps_all_its_memory_once(void **state)
{
	static const unsigned int shifts[] = {12, 16, 21};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		unsigned int shift = shifts[i];

		assert_int_equal(CALL(QUERY6, 0x100, BRIDGE_A), 0);
		assert_int_equal(CALL(CREATE, 0x100, BRIDGE_A, shift, 22), 0);
		assert_int_equal(rets[1], 0x80000601);
		assert_int_equal(rets[2], WIN1_HI);
		assert_int_equal(rets[3], 0);
		for (uint64_t at = 0; at < RAM >> shift; at += 512) {
			uint64_t n = (RAM >> shift) - at < 512 ? (RAM >> shift) - at : 512;

			assert_int_equal(put_indirect(0x80000601, WIN1 + (at << shift), shift, at,
						 (unsigned int)n),
				H_SUCCESS);
		}
		for (uint64_t at = 0x40; at < RAM; at += 0x20fff) {
			p->mem.ptr[at] = (uint8_t)(at >> 4);
			assert_int_equal(peek(0, WIN1 + at), (uint8_t)(at >> 4));
		}
		assert_int_equal(peek(0, WIN1 + RAM), -EFAULT);
		assert_int_equal(CALL(REMOVE, 0x80000601), 0);
		assert_int_equal(peek(0, WIN1), -EFAULT);
		assert_int_equal(put_indirect(0x80000601, WIN1, shift, 0, 1), H_PARAMETER);
		expect_as_at_start();
	}
}

/* DW-01: an address that is no function of that bridge, or a bridge that is not the guest's. */
static const uint32_t strangers[][3] = {
	{0x0900, BRIDGE_A}, /* the other bridge's function */
	{0x0000, BRIDGE_B},
	{0x0200, BRIDGE_A}, /* no such function */
	{0xff00, BRIDGE_A},
	{0x010000, BRIDGE_A}, /* no such bus */
	{0xff0000, BRIDGE_A},
	{0x01000000, BRIDGE_A}, /* bits that are no address */
	{0x10000000, BRIDGE_A},
	{0x80000000, BRIDGE_A},
	{0x0004, BRIDGE_A},
	{0xffffffff, BRIDGE_A},
	{0x0000, BUID_HI, BUID_LO + 1},
	{0x0000, 0, BUID_LO + 6},
	{0x0000, BUID_LO + 6, BUID_HI},
	{0x0000, 0xffffffff, 0xffffffff},
};

static void test_address_that_is_not_of_the_bridge_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		uint32_t args[5] = {0, 0, 0, 21, 22};

		memcpy(args, strangers[i], sizeof(strangers[i]));
		assert_int_equal(call(QUERY5, args), RTAS_PARAM_ERROR);
		assert_int_equal(call(QUERY6, args), RTAS_PARAM_ERROR);
		assert_int_equal(call(CREATE, args), RTAS_PARAM_ERROR);
		assert_int_equal(call(RESET, args), RTAS_PARAM_ERROR);
		expect_as_at_start();
	}
}

/* DW-02, DW-04, DW-06 */
static void test_create_has_a_status_for_every_word(void **state)
{
	static const struct {
		uint32_t page, window;
		int32_t status;
	} cases[] = {
		{80, 85, RTAS_PARAM_ERROR},
		{63, 64, RTAS_PARAM_ERROR},
		{0xffffffff, 0xffffffff, RTAS_PARAM_ERROR},
		{0, 30, RTAS_PARAM_ERROR},
		{21, 20, RTAS_PARAM_ERROR},
		{24, 30, RTAS_PARAM_ERROR},
		{30, 31, RTAS_PARAM_ERROR},
		{12, 76, RTAS_PARAM_ERROR},
		{21, 64, RTAS_PARAM_ERROR},
		{12, 58, RTAS_HARDWARE},
		{12, 63, RTAS_HARDWARE},
		{21, 63, RTAS_HARDWARE},
		{21, 60, RTAS_HARDWARE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			CALL(CREATE, 0, BRIDGE_A, cases[i].page, cases[i].window), cases[i].status);
		expect_as_at_start();
	}
}

/* DW-05, and the bridge beside it is not concerned. */
static void test_third_window_is_a_hardware_error(void **state)
{
	(void)state;
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), 0);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), RTAS_HARDWARE);
	assert_int_equal(put_indirect(0x80000601, WIN1, 21, 1, 1), H_SUCCESS);
	p->mem.ptr[0x200000] = 0x77;
	assert_int_equal(peek(0, WIN1), 0x77);
	assert_int_equal(peek(1, WIN1), -EFAULT);
	assert_int_equal(CALL(CREATE, 0x900, BRIDGE_B, 16, 22), 0);
	assert_int_equal(rets[1], 0x80000001);
	assert_int_equal(CALL(REMOVE, 0x80000001), 0);
	assert_int_equal(peek(0, WIN1), 0x77);
}

static void test_remove_takes_open_windows_of_the_guest_only(void **state)
{
	static const uint32_t bad[] = {
		0, 0x601, 0x80000601, 0x80000602, 0x80000100, 0x80000001, 0x71000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(CALL(REMOVE, bad[i]), RTAS_PARAM_ERROR);
		expect_as_at_start();
	}
	assert_int_equal(CALL(REMOVE, 0x80000600), 0);
	assert_int_equal(CALL(REMOVE, 0x80000600), RTAS_PARAM_ERROR);
	assert_int_equal(put_indirect(0x80000600, 0, 12, 1, 1), H_PARAMETER);
	assert_int_equal(CALL(QUERY5, 0, BRIDGE_A), 0);
	assert_int_equal(rets[1], 2);
}

/* DW-11, DW-12 as a guest sees them. */
static void test_default_window_comes_back_empty(void **state)
{
	(void)state;
	assert_int_equal(put_indirect(0x80000600, 0, 12, 1, 512), H_SUCCESS);
	assert_int_equal(CALL(RESET, 0, BRIDGE_A), 0);
	assert_int_equal(peek(0, 0x5000), -EFAULT);
	expect_as_at_start();
	assert_int_equal(put_indirect(0x80000600, 0, 12, 1, 512), H_SUCCESS);
	assert_int_equal(CALL(REMOVE, 0x80000600), 0);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), 0);
	assert_int_equal(rets[1], 0x80000600);
	assert_int_equal(rets[2], 0);
	assert_int_equal(rets[3], 0);
	assert_int_equal(CALL(REMOVE, 0x80000600), 0);
	expect_as_at_start();
	assert_int_equal(peek(0, 0x5000), -EFAULT);
	assert_int_equal(put_indirect(0x80000600, 0, 12, 1, 1), H_SUCCESS);
	assert_int_equal(peek(0, 0), p->mem.ptr[0x1000]);
}

/* RT-05: limited mode's fourth argument is not one of ours; nothing beyond nargs is looked at. */
static void test_other_counts_are_refused(void **state)
{
	static const uint32_t args[8] = {0, BRIDGE_A, 21, 22, 0, 0, 0};

	(void)state;
	for (enum service s = 0; s < NSERVICES; s++) {
		for (unsigned int nargs = 0; nargs <= 7; nargs++) {
			for (unsigned int nret = 1; nret <= 7; nret++) {
				bool query = s <= QUERY6 && nargs == 3 && nret >= 5 && nret <= 6;

				if (query ||
					(nargs == services[s].nargs && nret == services[s].nret)) {
					continue;
				}
				assert_int_equal(call_counted(services[s].name, nargs, nret, args),
					RTAS_PARAM_ERROR);
			}
		}
	}
	assert_int_equal(call_counted("ibm,reset-pe-dma-window", 4, 1, args), RTAS_PARAM_ERROR);
	expect_as_at_start();
}

/* A change is going on, on another virtual CPU. */
static void test_second_change_at_a_time_is_told_to_come_again(void **state)
{
	(void)state;
	assert_false(atomic_flag_test_and_set(&p->bound[0].ddw.busy));
	assert_int_equal(CALL(QUERY5, 0, BRIDGE_A), RTAS_BUSY);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), RTAS_BUSY);
	assert_int_equal(CALL(REMOVE, 0x80000600), RTAS_BUSY);
	assert_int_equal(CALL(RESET, 0, BRIDGE_A), RTAS_BUSY);
	assert_int_equal(CALL(QUERY5, 0x900, BRIDGE_B), 0);
	atomic_flag_clear(&p->bound[0].ddw.busy);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), 0);
}

/* The plan's no-ddw: all four, on that bridge, and its default window stays. */
static void test_bridge_without_dynamic_windows_refuses_all_four(void **state)
{
	(void)state;
	assert_int_equal(CALL(QUERY5, 0, BRIDGE_A), RTAS_PARAM_ERROR);
	assert_int_equal(CALL(QUERY6, 0, BRIDGE_A), RTAS_PARAM_ERROR);
	assert_int_equal(CALL(CREATE, 0, BRIDGE_A, 21, 22), RTAS_PARAM_ERROR);
	assert_int_equal(CALL(REMOVE, 0x80000600), RTAS_PARAM_ERROR);
	assert_int_equal(CALL(RESET, 0, BRIDGE_A), RTAS_PARAM_ERROR);
	expect_as_at_start();
	assert_int_equal(CALL(CREATE, 0x900, BRIDGE_B, 21, 22), 0);
}

static uint32_t random_word(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 32);
}

/* Mostly sense, to get somewhere, and now and then any word at all. */
static uint32_t some_of(uint64_t *seed, const uint32_t *words, unsigned int n)
{
	uint32_t r = random_word(seed);

	return r % 16 ? words[(r >> 8) % n] : random_word(seed);
}

/* Whatever is asked in whatever order: one of four statuses, and reset makes it good. */
static void test_random_calls_leave_everything_in_order(void **state)
{
	static const uint32_t addrs[] = {0, 0x100, 0x900}, los[] = {BUID_LO, BUID_LO + 6},
			      pages[] = {12, 16, 21}, windows[] = {20, 22, 23, 33, 57},
			      liobns[] = {0x80000600, 0x80000601, 0x80000000, 0x80000001};
	uint64_t seed = 7;
	unsigned int good = 0;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		enum service s = random_word(&seed) % NSERVICES;
		uint32_t args[5] = {some_of(&seed, addrs, 3), BUID_HI, some_of(&seed, los, 2),
			some_of(&seed, pages, 3), some_of(&seed, windows, 5)};
		int32_t status;

		if (s == REMOVE) {
			args[0] = some_of(&seed, liobns, 4);
		}
		status = call(s, args);
		assert_true(status == 0 || status == RTAS_HARDWARE || status == RTAS_PARAM_ERROR);
		good += !status;
		(void)put_indirect(some_of(&seed, liobns, 4), 0, 12, 1, 8);
	}
	assert_true(good > 5000);
	assert_int_equal(CALL(RESET, 0, BRIDGE_A), 0);
	assert_int_equal(CALL(RESET, 0x900, BRIDGE_B), 0);
	expect_as_at_start();
	assert_true(vfio_spapr_count_live(p->bound[0].container) == 0);
	assert_true(vfio_spapr_count_live(p->bound[1].container) == 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_query_has_two_forms),
		TEST(test_query_of_a_large_pool_fills_two_cells),
		TEST(test_sparse_window_is_made_and_used),
		TEST(test_bypass_leaves_nothing_to_ask_for),
		TEST(test_guest_maps_all_its_memory_once),
		TEST(test_address_that_is_not_of_the_bridge_is_refused),
		TEST(test_create_has_a_status_for_every_word),
		TEST(test_third_window_is_a_hardware_error),
		TEST(test_remove_takes_open_windows_of_the_guest_only),
		TEST(test_default_window_comes_back_empty),
		TEST(test_other_counts_are_refused),
		TEST(test_second_change_at_a_time_is_told_to_come_again),
		cmocka_unit_test_setup_teardown(
			test_bridge_without_dynamic_windows_refuses_all_four, setup_not_offered,
			teardown),
		TEST(test_random_calls_leave_everything_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
