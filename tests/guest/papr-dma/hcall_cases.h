// SPDX-License-Identifier: Apache-2.0
/*
 * Hypercalls one by one, as a table.
 */
#ifndef TESTS_GUEST_PAPR_DMA_HCALL_CASES_H
#define TESTS_GUEST_PAPR_DMA_HCALL_CASES_H

#include "tests/guest/papr-dma/outcome.h"

struct hcall_case {
	const char *name;
	uint64_t opcode;
	enum hv_mode mode;
	struct arg args[4];
	struct outcome outcome;
};

extern const struct hcall_case hcall_cases[];
extern const unsigned int num_hcall_cases;

#endif
