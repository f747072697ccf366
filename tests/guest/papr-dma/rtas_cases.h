// SPDX-License-Identifier: Apache-2.0
/*
 * RTAS calls one by one, as tables: each is made by H_RTAS, so that the hypercall's own status is
 * seen too, and with its buffer full of marks, so that what must not be written is found.
 */
#ifndef TESTS_GUEST_PAPR_DMA_RTAS_CASES_H
#define TESTS_GUEST_PAPR_DMA_RTAS_CASES_H

#include "tests/guest/papr-dma/outcome.h"

#include <stddef.h>
#include <stdint.h>

#define READ_CONFIG   "ibm,read-pci-config"
#define WRITE_CONFIG  "ibm,write-pci-config"
#define CHANGE_MSI    "ibm,change-msi"
#define QUERY_SOURCE  "ibm,query-interrupt-source-number"
#define QUERY_WINDOW  "ibm,query-pe-dma-window"
#define CREATE_WINDOW "ibm,create-pe-dma-window"
#define REMOVE_WINDOW "ibm,remove-pe-dma-window"
#define RESET_WINDOW  "ibm,reset-pe-dma-window"
#define NO_SERVICE    "tcelot,no-such-service" /* its token is one that nobody has */

#define RTAS_CASE_ARGS 6u

struct rtas_case {
	const char *name;
	const char *service;
	struct arg address; /* of the buffer */
	uint32_t nargs, nret;
	struct arg args[RTAS_CASE_ARGS];
	struct outcome outcome;
};

/* clang-format off */
#define HERE		{SYM_BUFFER, 0}
#define AT_BUFFER(n)	{SYM_BUFFER, (uint64_t)(n)}
#define AT_RAM(n)	{SYM_RAM, (uint64_t)(n)}
#define AT_ALIEN(n)	{SYM_ALIEN, (uint64_t)(n)}
#define N(n)		{SYM_NONE, (n)}
#define CONFIG(n)	{SYM_CONFIG, (n)}
#define BUID		{SYM_BUID_HI, 0}, {SYM_BUID_LO, 0}
#define BUID_PLUS(n)	{SYM_BUID_HI, 0}, {SYM_BUID_LO, (n)}
/* clang-format on */

/* Makes n calls in their order. After each, whatever came of it, `after` (if any) is given its
 * status and its results, of which there are nret in the guest's own byte order; what it returns
 * counts. */
void rtas_run_cases(const struct rtas_case *cases, size_t n,
	bool (*after)(const struct rtas_case *c, const uint32_t *results));

/* A call whose buffer ends where the memory ends, and one whose last result does not fit. */
void rtas_test_end_of_memory(void);

uint64_t rtas_case_buffer(void);

#endif
