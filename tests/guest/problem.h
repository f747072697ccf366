// SPDX-License-Identifier: Apache-2.0
/*
 * Problem state, for one purpose: to make a hypercall from it. Translation is on there, so the
 * guest needs a small radix tree first.
 */
#ifndef TESTS_GUEST_PROBLEM_H
#define TESTS_GUEST_PROBLEM_H

#include "tests/guest/hv.h"

#include <stdbool.h>

/* Builds the tree and tries it. False: this hypervisor gives us no process table. */
bool problem_prepare(void);

/* The hypercall of regs, made in problem state. */
void problem_trap(struct hv_regs *regs);

/* entry.S */
void problem_enter(struct hv_regs *regs) __attribute__((noreturn));

#endif
