// SPDX-License-Identifier: Apache-2.0
/* For tests of what a guest sees of one function: a fake device, and config accesses that work. */
#ifndef TESTS_UNIT_CAPS_HELP_H
#define TESTS_UNIT_CAPS_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci.h"
#include "tests/fake/fake_pci.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct pci_bar test_bars[PCI_NUM_BARS] = {{.size = 0x4000, .value = 0x80000000}};

static const struct pci_policy *const policies[] = {&pci_policy_full, &pci_policy_minimal};

static struct fake_pci dev;
static struct pci_func func;

static inline void start_policy(const struct pci_policy *policy, unsigned int devfn)
{
	assert_int_equal(
		pci_func_init_policy(&func, policy, devfn, test_bars, &fake_pci_ops, &dev), 0);
	fake_pci_forget(&dev);
}

static inline void start(void)
{
	start_policy(&pci_policy_full, 0x08);
}

static inline uint32_t rd(unsigned int off, unsigned int size)
{
	uint32_t val = 0x5a5a5a5a;

	assert_int_equal(pci_config_read(&func, off, size, &val), 0);
	return val;
}

static inline void wr(unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pci_config_write(&func, off, size, val), 0);
}

#endif
