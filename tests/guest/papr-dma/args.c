// SPDX-License-Identifier: Apache-2.0
/*
 * What the symbols stand for on this machine.
 */
#include "tests/guest/papr-dma/args.h"

#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/papr-dma/window.h"

#define LIST_ENTRIES (TCE_PAGE / 8)
#define BAD_ENTRY    5u
#define LIST_PAGE    8u /* the first arena page that lists map; the cases' own are below */

enum { GOOD, BAD_RAM, BAD_BIT, SELF, NONE, NUM_LISTS };

static uint64_t lists[NUM_LISTS][LIST_ENTRIES] __attribute__((aligned(TCE_PAGE)));

void args_prepare(void)
{
	for (unsigned int i = 0; i < LIST_ENTRIES; i++) {
		uint64_t page = arena_gpa(LIST_PAGE + i % 16) | TCE_RW;

		lists[GOOD][i] = be64(page);
		lists[BAD_RAM][i] = be64(i == BAD_ENTRY ? tree.memory | TCE_RW : page);
		lists[BAD_BIT][i] = be64(i == BAD_ENTRY ? page | 4 : page);
		lists[SELF][i] = be64((uintptr_t)lists[SELF] | TCE_RW);
	}
}

/* The log2 of a page size that LoPAR has and this bridge has not; 0: it has all, or no windows. */
static uint64_t unoffered_page(void)
{
	struct window_query q;

	if (ddw_query(&q, 5)) {
		return 0;
	}
	for (unsigned int i = num_page_sizes; i-- > 0;) {
		if (!(q.mask & page_sizes[i].bit)) {
			return page_sizes[i].shift;
		}
	}
	return 0;
}

static uint64_t symbol_value(enum symbol symbol)
{
	switch (symbol) {
	case SYM_LIOBN:
		return bench.phb->liobn;
	case SYM_BASE:
		return window_page(0);
	case SYM_AT:
		return window_page(PAGE_HCALL);
	case SYM_LAST:
		return window_page(window_pages() - 1);
	case SYM_END:
		return window_page(window_pages());
	case SYM_NPAGES:
		return window_pages();
	case SYM_PAGE:
		return arena_gpa(0);
	case SYM_RAM:
		return tree.memory;
	case SYM_BAR:
		return bench.bar;
	case SYM_LIST:
		return (uintptr_t)lists[GOOD];
	case SYM_LIST_RAM:
		return (uintptr_t)lists[BAD_RAM];
	case SYM_LIST_BIT:
		return (uintptr_t)lists[BAD_BIT];
	case SYM_LIST_NONE:
		return (uintptr_t)lists[NONE];
	case SYM_LIST_SELF:
		return (uintptr_t)lists[SELF];
	case SYM_VTY:
		return tree.vty;
	case SYM_CONFIG:
		return bench_config_addr();
	case SYM_BUID_HI:
		return bench.phb->buid >> 32;
	case SYM_BUID_LO:
		return (uint32_t)bench.phb->buid;
	case SYM_BUFFER:
		return rtas_case_buffer();
	case SYM_NO_PAGE:
		return unoffered_page();
	case SYM_NONE:
	case SYM_ALIEN:
	default:
		return 0;
	}
}

bool arg_value(struct arg arg, uint64_t *value)
{
	*value = symbol_value(arg.symbol) + arg.plus;
	switch (arg.symbol) {
	case SYM_ALIEN:
		return (*value & ~(uint64_t)TCE_RW) >= tree.memory;
	case SYM_BAR:
		return bench.bar != 0;
	case SYM_CONFIG:
		return bench.phb->nfuncs != 0;
	case SYM_NO_PAGE:
		return *value != 0;
	default:
		return true;
	}
}
