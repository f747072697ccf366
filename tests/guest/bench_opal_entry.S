/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where firmware enters the payload `bench-opal`: big-endian, real mode, r3 the tree, r8 the base of
 * OPAL and r9 its entry. .bss is not cleared.
 */
	.abiversion 2

#define FRAME 160

.macro	load_address reg, symbol
	lis	\reg, \symbol@h
	ori	\reg, \reg, \symbol@l
.endm

	.section .head, "ax"
	.globl	_start
_start:
	load_address 2, .TOC.
	load_address 1, stack_top - 64
	li	0, 0
	std	0, 0(1)
	mr	3, 8
	mr	4, 9
	bl	opal_main
	nop
1:	b	1b

	.text
/* uint64_t opal_calls(struct opal_loop *) */
	.globl	opal_calls
	.type	opal_calls, @function
opal_calls:
	mflr	0
	std	0, 16(1)
	mfcr	0
	std	0, 8(1)
	std	2, 24(1)
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
	ld	27, 64(31)
	ld	30, 72(31)
	li	29, 0
	mfspr	28, 268
1:	mr	0, 20
	mr	3, 21
	mr	4, 22
	mr	5, 23
	mr	6, 24
	mr	7, 25
	mr	8, 26
	ld	2, 56(31)
	mtctr	27
	bctrl
	cmpdi	3, 0
	beq	2f
	addi	29, 29, 1
2:	addi	30, 30, -1
	cmpdi	30, 0
	bne	1b
	mfspr	3, 268
	subf	3, 28, 3
	std	29, 80(31)
	.irp	n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 32 + (\n - 20) * 8(1)
	.endr
	addi	1, 1, FRAME
	ld	2, 24(1)
	ld	0, 8(1)
	mtcr	0
	ld	0, 16(1)
	mtlr	0
	blr
	.size	opal_calls, . - opal_calls

	.globl	opal_nothing
	.type	opal_nothing, @function
opal_nothing:
	blr
	.size	opal_nothing, . - opal_nothing

	.section .bss
	.balign	16
	.space	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
