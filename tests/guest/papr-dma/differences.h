// SPDX-License-Identifier: Apache-2.0
/*
 * Tests that a hypervisor is known to answer otherwise, by name. Everything else has one outcome
 * everywhere. The list is in differences_list.h.
 */
#ifndef TESTS_GUEST_PAPR_DMA_DIFFERENCES_H
#define TESTS_GUEST_PAPR_DMA_DIFFERENCES_H

#include "tests/guest/papr-dma/outcome.h"

#include <stdbool.h>

/* The outcome of the test called name, where it is here unless the list has another. */
const struct outcome *expected(const char *name, const struct outcome *here);

/* What follows the name of a test that is passed in another hypervisor's way. */
const char *whose(const struct outcome *want, const struct outcome *here);

/* For a test that is no table's: whether this hypervisor is known to do otherwise. */
bool differs(const char *name);

/* The result of a test that is no table's, its name behind a prefix. good: it was as it must be
 * here, or, if differs(name), as it is known to be on this hypervisor. */
bool tap_known(const char *prefix, const char *name, bool good);

/* For any test: whether it must not be made on this hypervisor. The reason is printed then. */
bool skipped_here(const char *name);

/* Whether the list and the tests agree, after all tests were made: the list says of each test what
 * the test's table says, and no entry names a test that is none. */
void test_differences(void);

#endif
