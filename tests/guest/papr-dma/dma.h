// SPDX-License-Identifier: Apache-2.0
/*
 * The tests of DMA and of the hypercalls that govern it: what they share.
 */
#ifndef TESTS_GUEST_PAPR_DMA_DMA_H
#define TESTS_GUEST_PAPR_DMA_DMA_H

#include "tests/guest/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define TCE_PAGE  4096u
#define TCE_READ  0x1u /* the device may read memory */
#define TCE_WRITE 0x2u /* the device may write memory */
#define TCE_RW	  (TCE_READ | TCE_WRITE)

/*
 * Pages of the window, by use. The first two and the last eight are watched by the hypercall tests,
 * too: that is where a wrong bound or a wrapped address would show.
 */
#define PAGE_STAGE                                                                                 \
	16u		 /* always mapped in DMA tests: how the device's buffer is filled and read \
			  */
#define PAGE_DMA     24u /* 24..39: what DMA tests map */
#define PAGE_NEVER   40u /* 40..47: never mapped */
#define PAGE_HCALL   64u /* what hypercall tests change: up to PAGE_HCALL_N from here */
#define PAGE_HCALL_N 1024u
#define WINDOW_MIN   2048u

/* What is being tested, and the totals for the summary. */
struct bench {
	const struct tree_phb *phb;
	const struct tree_func *edu; /* NULL: none below this bridge */
	uint64_t bar;		     /* its registers, guest-real */
	unsigned long tces_mapped, dmas_verified, dmas_blocked;
};

extern struct bench bench;

static inline uint64_t window_page(uint64_t page)
{
	return bench.phb->window_base + page * TCE_PAGE;
}

static inline uint64_t window_pages(void)
{
	return bench.phb->window_size / TCE_PAGE;
}

/* The function that calls name the bridge by: the device if there is one. */
static inline uint32_t bench_config_addr(void)
{
	const struct tree_func *f = bench.edu ? bench.edu : &bench.phb->funcs[0];

	return bench.phb->nfuncs ? f->config_addr : 0;
}

/* Runs everything that the tree makes possible and prints TAP. The argument is not used. */
void run_dma(const char *value);

/* Of all that, the calls and the DMA on the default window. */
void run_tce(const char *value);

/* Of all that, what two CPUs do at once. */
void run_races(const char *value);

/* What instructions do to a device's registers; then what has no answer, by name. */
void run_bar(const char *value);

/* As many reboots as the argument says, each of which finds nothing of the life before it. */
void run_lives(const char *value);

/* The groups of tests, in the order they run. The DMA tests need bench.edu. */
void test_config_space(void);
void test_rtas_cases(void);
void test_hcall_cases(void);
void test_hcall_extents(void);
void test_dma_moves(void);
void test_dma_blocked(void);
void test_msi_cases(void);
void test_ddw_cases(void);
void test_ddw_windows(void);
void test_ddw_rules(void);
void test_ddw_sparse(void);
void test_slices(void);
void test_races(void);

/* tce.c: the four hypercalls on the bench's window; a status. Entries that give access and were
 * accepted are counted. tce_put_list stores n entries of page gpa + i pages. */
int64_t tce_put(uint64_t ioba, uint64_t tce);
int64_t tce_get(uint64_t ioba, uint64_t *tce);
int64_t tce_put_list(uint64_t ioba, const uint64_t *tces, unsigned int n);
int64_t tce_clear(uint64_t ioba, uint64_t n);

/* A list page for tce_put_list and for calls that a test makes itself: 512 entries, big-endian. */
extern uint64_t tce_list[TCE_PAGE / 8];

#endif
