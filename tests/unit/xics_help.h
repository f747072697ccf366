// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of XICS share: a partition of four vCPUs with its interrupts up, and calls made on
 * the threads they belong to.
 */
#ifndef TESTS_UNIT_XICS_HELP_H
#define TESTS_UNIT_XICS_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/partition.h"
#include "core/xics.h"
#include "tests/fake/fake_irq.h"

#include <stdbool.h>
#include <string.h>

#define HELP_VCPUS 4u

/* Numbers of the guest's, and the sources of the fake's that stand behind them. */
#define LSI    XICS_LSI_FIRST
#define MSI    XICS_MSI_FIRST
#define HW_LSI 10u
#define HW_MSI 20u

static inline void help_prepare(struct partition *p)
{
	fake_irq_reset();
	memset(p, 0, sizeof(*p));
	p->nvcpus = HELP_VCPUS;
	for (unsigned int i = 0; i < HELP_VCPUS; i++) {
		p->vcpus[i].partition = p;
		p->vcpus[i].id = i;
	}
	fake_irq.lock = &p->xics.lock;
}

static inline struct vcpu *help_on(struct partition *p, unsigned int vcpu)
{
	fake_irq.running = &p->vcpus[vcpu];
	return fake_irq.running;
}

/* Sources LSI..LSI+3 and MSI..MSI+9; every vCPU lets everything through. */
static inline void help_init(struct partition *p)
{
	help_prepare(p);
	assert_int_equal(xics_init(p), 0);
	for (uint32_t i = 0; i < 4; i++) {
		fake_irq_add(HW_LSI + i, true);
		assert_int_equal(xics_add_source(p, LSI + i, HW_LSI + i, true), 0);
	}
	for (uint32_t i = 0; i < 10; i++) {
		fake_irq_add(HW_MSI + i, false);
		assert_int_equal(xics_add_source(p, MSI + i, HW_MSI + i, false), 0);
	}
	for (unsigned int i = 0; i < HELP_VCPUS; i++) {
		xics_set_cppr(help_on(p, i), 0xff);
	}
}

#endif
