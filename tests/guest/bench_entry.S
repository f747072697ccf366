/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timed loops of the guest `bench`. Everything the loop keeps is in r20 to r31, which a
 * hypercall preserves.
 */
#include "tests/guest/macros.S"

	.abiversion 2

#define FRAME 160

/* uint64_t \name(struct bench_loop *) */
.macro	timed_loop name, want, call:vararg
	.globl	\name
	.type	\name, @function
\name:
	mflr	0
	std	0, 16(1)
	mfcr	0
	std	0, 8(1)
	stdu	1, -FRAME(1)
	.irp	n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, 32 + (\n - 20) * 8(1)
	.endr
	mr	31, 3
	ld	20, 0(31)
	ld	21, 8(31)
	ld	22, 16(31)
	ld	23, 24(31)
	ld	24, 32(31)
	ld	25, 40(31)
	ld	26, 48(31)
	ld	27, \want(31)
	ld	30, 64(31)
	li	29, 0
	mfspr	28, 268
1:	mr	3, 20
	mr	4, 21
	mr	5, 22
	mr	6, 23
	mr	7, 24
	\call
	cmpd	3, 27
	beq	2f
	addi	29, 29, 1
2:	add	22, 22, 25
	add	23, 23, 26
	addi	30, 30, -1
	cmpdi	30, 0
	bne	1b
	mfspr	3, 268
	subf	3, 28, 3
	std	29, 72(31)
	.irp	n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 32 + (\n - 20) * 8(1)
	.endr
	addi	1, 1, FRAME
	ld	0, 8(1)
	mtcr	0
	ld	0, 16(1)
	mtlr	0
	blr
	.size	\name, . - \name
.endm

	.text
	timed_loop bench_calls, 56, sc 1
	/* Without a call r3 stays the opcode, and is what is wanted. */
	timed_loop bench_no_calls, 0

	.section .note.GNU-stack, "", @progbits
