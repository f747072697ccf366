// SPDX-License-Identifier: Apache-2.0
/*
 * The language in which the tables of cases write down arguments: a symbol, known when the program
 * runs, and an offset.
 */
#ifndef TESTS_GUEST_PAPR_DMA_ARGS_H
#define TESTS_GUEST_PAPR_DMA_ARGS_H

#include <stdbool.h>
#include <stdint.h>

enum symbol {
	SYM_NONE, /* 0 */
	SYM_LIOBN,
	SYM_BASE,      /* bus address of the window's first page */
	SYM_AT,	       /* of the first page that hypercall tests change */
	SYM_LAST,      /* of the last page of the window */
	SYM_END,       /* the first bus address past the window */
	SYM_NPAGES,    /* pages of the window */
	SYM_PAGE,      /* guest-real address of a page of ours */
	SYM_RAM,       /* the first guest-real address past the memory */
	SYM_ALIEN,     /* 0, but the sum must be past the memory, or the case cannot be made */
	SYM_BAR,       /* guest-real address of the device's registers */
	SYM_LIST,      /* guest-real address of a list of 512 TCEs that are all right */
	SYM_LIST_RAM,  /* of one whose sixth names a page past the memory */
	SYM_LIST_BIT,  /* of one whose sixth has an undefined bit set */
	SYM_LIST_NONE, /* of one whose entries are all 0 */
	SYM_LIST_SELF, /* of one whose entries all map the list itself */
	SYM_VTY,
	SYM_CONFIG, /* config address of the function under test */
	SYM_BUID_HI,
	SYM_BUID_LO,
	SYM_BUFFER,  /* guest-real address of the RTAS buffer */
	SYM_NO_PAGE, /* log2 of a page size that query-pe-dma-window does not offer */
};

struct arg {
	enum symbol symbol;
	uint64_t plus;
};

/* False: this machine has no such value. */
bool arg_value(struct arg arg, uint64_t *value);

/* Makes the lists. Once for each bridge. */
void args_prepare(void);

#endif
