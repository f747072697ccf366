// SPDX-License-Identifier: Apache-2.0
/*
 * Translation, for two purposes: to make a hypercall from problem state, where it is on, and to
 * reach a device through a page that is none of a device's. The guest needs a small radix tree.
 */
#ifndef TESTS_GUEST_PROBLEM_H
#define TESTS_GUEST_PROBLEM_H

#include "tests/guest/hv.h"

#include <stdbool.h>

/* Builds the tree and tries it. False: this hypervisor gives us no process table. */
bool problem_prepare(void);

/* The hypercall of regs, made in problem state. */
void problem_trap(struct hv_regs *regs);

/* The tree is there: the 2 MiB round a guest-real address are mapped as ordinary memory, cached and
 * executable, in place of those of the last call. The effective address of it. */
#define PROBLEM_DEVICE 0x40000000ull
uint64_t problem_map(uint64_t real);

/* entry.S */
void problem_enter(struct hv_regs *regs) __attribute__((noreturn));

#endif
