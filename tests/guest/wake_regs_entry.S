/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hypercall with every register of the guest at a known value. SPRG1 and SPRG2, which are the
 * guest's own, hold what no register can.
 */
#include "tests/guest/macros.S"

	.abiversion 2

#define FRAME 192
#define CFAR 28
#define PPR 896

	.text
/* void regs_trap(struct regs_block *block); the struct is in wake_regs.c. */
	.globl	regs_trap
	.type	regs_trap, @function
regs_trap:
	mflr	0
	std	0, 16(1)
	mfcr	0
	std	0, 8(1)
	stdu	1, -FRAME(1)
	.irp	n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, 32 + (\n - 14) * 8(1)
	.endr
	std	2, 24(1)
	std	13, 176(1)
	mtspr	273, 3
	std	1, 8(3)
	load_address 4, 1f
	std	4, 296(3)
	ld	4, 256(3)
	mtcr	4
	ld	4, 264(3)
	mtlr	4
	ld	4, 272(3)
	mtctr	4
	ld	4, 280(3)
	mtxer	4
	ld	4, 288(3)
	mtspr	PPR, 4
	mr	31, 3
	.irp	n, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, \n * 8(31)
	.endr
1:	b	2f
2:	sc	1
	mtspr	274, 31
	mfspr	31, 273
	addi	31, 31, 304
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	std	\n, \n * 8(31)
	.endr
	mfspr	4, 274
	std	4, 248(31)
	mfcr	4
	std	4, 256(31)
	mflr	4
	std	4, 264(31)
	mfctr	4
	std	4, 272(31)
	mfxer	4
	std	4, 280(31)
	mfspr	4, PPR
	std	4, 288(31)
	mfspr	4, CFAR
	std	4, 296(31)
	or	2, 2, 2
	ld	1, -296(31)
	.irp	n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 32 + (\n - 14) * 8(1)
	.endr
	ld	2, 24(1)
	ld	13, 176(1)
	addi	1, 1, FRAME
	ld	0, 8(1)
	mtcr	0
	ld	0, 16(1)
	mtlr	0
	blr
	.size	regs_trap, . - regs_trap

	.section .note.GNU-stack, "", @progbits
