// SPDX-License-Identifier: Apache-2.0
/*
 * void clear_vectors(void): nothing of one guest in the floating-point and vector registers when the
 * next one starts. This is the only code of ours that touches them.
 */
#include "arch/ppc64/layout.h"

#define MSR_FP_BIT  13
#define MSR_VSX_BIT 23
#define MSR_VEC_BIT 25

	.machine power9
	.text
	.globl clear_vectors
	.type clear_vectors, @function
clear_vectors:
	mfmsr	%r3
	li	%r4, 1
	rldimi	%r3, %r4, MSR_FP_BIT, 63 - MSR_FP_BIT
	rldimi	%r3, %r4, MSR_VSX_BIT, 63 - MSR_VSX_BIT
	rldimi	%r3, %r4, MSR_VEC_BIT, 63 - MSR_VEC_BIT
	mfmsr	%r5
	mtmsrd	%r3
	isync
	.set n, 0
	.rept 64
	xxlxor	n, n, n
	.set n, n + 1
	.endr
	mtvscr	0
	mtfsf	255, 0, 1, 0
	mtmsrd	%r5
	isync
	blr
	.size clear_vectors, . - clear_vectors

	.section .note.GNU-stack, "", @progbits
