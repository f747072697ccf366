// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments and numbers as tables of cases write them.
 */
#ifndef TESTS_GUEST_PAPR_DMA_WORDS_H
#define TESTS_GUEST_PAPR_DMA_WORDS_H

#include "tests/guest/papr-dma/args.h"
#include "tests/guest/papr-dma/dma.h"

/* clang-format off */
#define V(n)	     {SYM_NONE, (uint64_t)(n)}
#define LIOBN(n)     {SYM_LIOBN, (uint64_t)(n)}
#define BASE(n)	     {SYM_BASE, (uint64_t)(n)}
#define AT(n)	     {SYM_AT, (uint64_t)(n)}
#define LAST(n)	     {SYM_LAST, (uint64_t)(n)}
#define END(n)	     {SYM_END, (uint64_t)(n)}
#define NPAGES(n)    {SYM_NPAGES, (uint64_t)(n)}
#define PAGE(n)	     {SYM_PAGE, (uint64_t)(n)}
#define RAM(n)	     {SYM_RAM, (uint64_t)(n)}
#define ALIEN(n)     {SYM_ALIEN, (uint64_t)(n)}
#define BAR(n)	     {SYM_BAR, (uint64_t)(n)}
#define LIST(n)	     {SYM_LIST, (uint64_t)(n)}
#define LIST_RAM     {SYM_LIST_RAM, 0}
#define LIST_BIT     {SYM_LIST_BIT, 0}
#define LIST_SELF(n) {SYM_LIST_SELF, (uint64_t)(n)}
#define LIST_NONE(n) {SYM_LIST_NONE, (uint64_t)(n)}
#define VTY(n)	     {SYM_VTY, (uint64_t)(n)}
/* clang-format on */

#define RW     TCE_RW
#define K4     ((uint64_t)TCE_PAGE)
#define GIB    (1ull << 30)
#define BYPASS (1ull << 59)
#define TOP    (0 - K4) /* the last page of the address space */

#endif
