// SPDX-License-Identifier: Apache-2.0
/*
 * For tests of core/host_pci*.c: up to three host bridges, what is below them, and what has to be
 * so of a group that is usable.
 */
#ifndef TESTS_UNIT_HOST_PCI_HELP_H
#define TESTS_UNIT_HOST_PCI_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/host_pci.h"
#include "core/log.h"
#include "core/pci.h"
#include "core/range.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_phb.h"

#include <stdio.h>
#include <string.h>

#define NPHBS 3u
#define EDU   0x11e81234u

static struct fake_ram ram;
static struct board board;
static struct fake_phb f[NPHBS];

static char text[65536];
static size_t text_len;
static size_t longest;

static inline void keep_line(const char *line, size_t len)
{
	longest = len > longest ? len : longest;
	assert_true(text_len + len < sizeof(text));
	memcpy(text + text_len, line, len);
	text_len += len;
	text[text_len] = '\0';
}

static inline uint64_t no_time(void)
{
	return 0;
}

static const struct log_sink sink = {keep_line, no_time};

static inline void fresh_machine(void)
{
	memset(&board, 0, sizeof(board));
	board.nphbs = 1;
	for (unsigned int i = 0; i < NPHBS; i++) {
		fake_phb_init(&f[i], &board.phbs[i], i, &ram);
	}
	text_len = 0;
	text[0] = '\0';
	longest = 0;
}

static inline int setup(void **state)
{
	(void)state;
	fake_ram_init(&ram, 0x100000);
	fresh_machine();
	log_set_sink(&sink);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_ram_free(&ram);
	return 0;
}

/* Root port number n of PHB p leads to this bus, where there is a function. */
static inline struct fake_func *add_link(unsigned int p, unsigned int n, uint8_t bus)
{
	fake_add_bridge(&f[p], (uint16_t)(n << 3), bus, bus);
	return fake_add_func(&f[p], (uint16_t)(bus << 8), EDU);
}

static inline struct host_func *found(unsigned int p, uint16_t bdfn)
{
	for (unsigned int i = 0; i < board.nfuncs; i++) {
		if (board.funcs[i].phb == p && board.funcs[i].bdfn == bdfn) {
			return &board.funcs[i];
		}
	}
	return NULL;
}

static inline unsigned int command_of(unsigned int p, uint16_t bdfn)
{
	return fake_get(fake_find_func(&f[p], bdfn), PCI_COMMAND, 2);
}

static inline void expect_no_masters(unsigned int p)
{
	for (unsigned int i = 0; i < f[p].nfuncs; i++) {
		const struct fake_func *func = &f[p].funcs[i];

		if ((func->image[PCI_HEADER_TYPE] & 0x7f) == 0) {
			assert_false(func->image[PCI_COMMAND] & PCI_COMMAND_MASTER);
		}
	}
}

/* Every BAR is where the board says, aligned, alone on its 64 KiB, and in segments of its PE. */
static inline void expect_bars_reachable(const struct host_func *func)
{
	const struct host_group *g = &board.groups[func->group];
	const struct host_phb *phb = &board.phbs[func->phb];

	for (unsigned int i = 0; i < 6; i++) {
		const struct host_bar *bar = &func->bars[i];
		uint64_t last[2] = {0, bar->size - 1};
		uint16_t bdfn;
		unsigned int k, pe;

		for (unsigned int n = 0; bar->size && n < 2; n++) {
			uint32_t at = bar->bus + (uint32_t)last[n];

			assert_int_equal(fake_phb_mmio(&f[func->phb], at, &bdfn, &k, &pe), 0);
			assert_int_equal(bdfn, func->bdfn);
			assert_int_equal(k, i);
			assert_int_equal(pe, g->pe);
		}
		if (bar->size) {
			assert_true(
				is_aligned(bar->bus, bar->size < 0x10000 ? 0x10000 : bar->size));
			assert_true(bar->cpu.v - phb->m32_cpu.v == bar->bus - phb->m32_bus);
		}
	}
}

static inline void expect_usable(unsigned int p, uint16_t bdfn)
{
	const struct host_func *func = found(p, bdfn);
	const struct host_group *g;

	assert_non_null(func);
	assert_true(func->group >= 0);
	g = &board.groups[func->group];
	if (g->refuse) {
		fail_msg("%x refused: %s", bdfn, g->refuse);
	}
	assert_true(g->closed);
	assert_int_not_equal(g->pe, board.phbs[p].reserved_pe);
	assert_int_equal(f[p].pe_of_bus[bdfn >> 8], g->pe);
	expect_bars_reachable(func);
}

static inline void expect_refused(unsigned int p, uint16_t bdfn, const char *why)
{
	const struct host_func *func = found(p, bdfn);

	assert_non_null(func);
	assert_true(func->group >= 0);
	assert_non_null(board.groups[func->group].refuse);
	if (!strstr(board.groups[func->group].refuse, why)) {
		fail_msg("%x refused for \"%s\", not \"%s\"", bdfn,
			board.groups[func->group].refuse, why);
	}
}

static inline uint64_t pages_of(const struct host_bar *bar)
{
	return bar->size && bar->size < 0x10000 ? 0x10000 : bar->size;
}

/* What a bridge passes down is what is behind it, and no BAR. */
static inline bool is_window(unsigned int i)
{
	return board.funcs[i / 6].header_type == 1 && i % 6 == HOST_BRIDGE_WINDOW;
}

static inline void expect_bars_apart(void)
{
	for (unsigned int i = 0; i < board.nfuncs * 6; i++) {
		for (unsigned int k = 0; k < i; k++) {
			const struct host_bar *a = &board.funcs[i / 6].bars[i % 6];
			const struct host_bar *b = &board.funcs[k / 6].bars[k % 6];

			if (is_window(i) || is_window(k)) {
				continue;
			}
			assert_false(range_overlaps(a->bus, pages_of(a), b->bus, pages_of(b)));
		}
	}
}

/* A switch below root port 0: an upstream port, two downstream ports, a device behind each, and one
 * behind a bridge behind the second. Root port 1 leads to another group. */
static inline void build_switch(void)
{
	struct fake_func *func;

	fresh_machine();
	fake_add_bridge(&f[0], 0x000, 1, 5);
	fake_add_bridge(&f[0], 0x100, 2, 5);
	fake_add_bridge(&f[0], 0x200, 3, 3);
	fake_add_bridge(&f[0], 0x208, 4, 5);
	func = fake_add_func(&f[0], 0x300, EDU);
	fake_set_bar(func, 0, 0x100000, false, false);
	fake_set_bar(func, 1, 0x4000, true, true);
	func = fake_add_func(&f[0], 0x400, EDU);
	fake_set_bar(func, 0, 0x1000000, false, false);
	fake_set_bar(fake_add_bridge(&f[0], 0x408, 5, 5), 0, 0x1000, true, false);
	func = fake_add_func(&f[0], 0x510, EDU);
	fake_set_bar(func, 0, 0x200000, false, false);
	fake_set_bar(func, 5, 0x10, false, false);
	fake_set_bar(add_link(0, 1, 6), 0, 0x100000, false, false);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

#endif
