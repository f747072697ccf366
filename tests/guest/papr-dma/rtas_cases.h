// SPDX-License-Identifier: Apache-2.0
/*
 * Where the RTAS cases keep their argument buffer, for the language of arguments.
 */
#ifndef TESTS_GUEST_PAPR_DMA_RTAS_CASES_H
#define TESTS_GUEST_PAPR_DMA_RTAS_CASES_H

#include <stdint.h>

uint64_t rtas_case_buffer(void);

#endif
