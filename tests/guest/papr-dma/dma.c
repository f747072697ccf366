// SPDX-License-Identifier: Apache-2.0
/*
 * All tests on each host bridge of the tree, in one order: what is said of it, the calls, and then
 * what a device can really reach.
 */
#include "tests/guest/papr-dma/dma.h"

#include "tests/guest/papr-dma/args.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/con.h"
#include "tests/guest/edu.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

struct bench bench;

/* The first edu of a bridge; NULL if it has none. */
static const struct tree_func *find_edu(const struct tree_phb *phb)
{
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		if (phb->funcs[i].vendor == EDU_VENDOR && phb->funcs[i].device == EDU_DEVICE) {
			return &phb->funcs[i];
		}
	}
	return NULL;
}

static void describe(const struct tree_phb *phb)
{
	con_line("# %s: LIOBN %08" PRIx32 ", window %" PRIx64 " + %" PRIu64 " MiB, %s", phb->name,
		phb->liobn, phb->window_base, phb->window_size >> 20,
		phb->bypass_size ? "bypass" : "no bypass");
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct tree_func *f = &phb->funcs[i];

		con_line("#   %02" PRIx32 ":%02" PRIx32 ".%" PRIx32 " %04" PRIx32 ":%04" PRIx32,
			f->config_addr >> 16 & 0xff, f->config_addr >> 11 & 0x1f,
			f->config_addr >> 8 & 0x7, f->vendor, f->device);
	}
}

static bool open_bench(const struct tree_phb *phb)
{
	describe(phb);
	if (!phb->window_size) {
		tap_skip(phb->name, "it has no DMA window");
		return false;
	}
	bench.phb = phb;
	bench.edu = find_edu(phb);
	bench.bar = 0;
	if (window_pages() < WINDOW_MIN) {
		tap_bail("%s: a window of %" PRIu64 " pages is too small for these tests",
			phb->name, window_pages());
	}
	args_prepare();
	test_config_space();
	return true;
}

static void test_default_window(void)
{
	test_rtas_cases();
	test_hcall_cases();
	test_hcall_extents();
	if (bench.edu) {
		test_dma_moves();
		test_dma_blocked();
	} else {
		tap_skip("DMA", "no edu device");
	}
}

static void test_all(void)
{
	test_default_window();
	test_msi_cases();
	test_ddw_cases();
	test_ddw_windows();
	test_ddw_rules();
	test_ddw_sparse();
	test_slices();
	test_races();
	test_differences();
}

static void run(void (*tests)(void))
{
	if (!tree.nphbs) {
		con_line("1..0 # SKIP no host bridge in the tree");
		return;
	}
	for (unsigned int i = 0; i < tree.nphbs; i++) {
		if (open_bench(&tree.phbs[i])) {
			tests();
		}
	}
	con_line("# %lu TCEs mapped, %lu DMAs verified, %lu DMAs blocked", bench.tces_mapped,
		bench.dmas_verified, bench.dmas_blocked);
	tap_plan();
}

void run_dma(const char *value)
{
	(void)value;
	run(test_all);
}

void run_tce(const char *value)
{
	(void)value;
	run(test_default_window);
}

void run_races(const char *value)
{
	(void)value;
	run(test_races);
}
