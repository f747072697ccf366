/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest `wake`: interrupts that return to where they came from, and how its second CPU begins.
 * Interrupts are taken in the guest's own byte order here.
 */
#include "tests/guest/macros.S"

/* Below what the interrupted code may use without moving its stack pointer (ELFv2: 512 bytes). */
#define FRAME	768
#define AT_GPR	64
#define AT_LR	200
#define AT_CTR	208
#define AT_XER	216
#define AT_CR	224
#define AT_SRR0 232
#define AT_SRR1 240

	.text

/* What is copied to the vector: r3, r4 and CTR are saved. */
	.macro	take vector
	stdu	1, -FRAME(1)
	std	3, AT_GPR + 24(1)
	std	4, AT_GPR + 32(1)
	mfctr	3
	std	3, AT_CTR(1)
	load_address 4, take_common
	mtctr	4
	li	3, \vector
	bctr
	.endm

	.globl	wake_take_500, wake_take_900, wake_take_end
wake_take_500:
	take	0x500
wake_take_900:
	take	0x900
wake_take_end:

take_common:
	.irp	n, 0, 2, 5, 6, 7, 8, 9, 10, 11, 12
	std	\n, AT_GPR + 8 * \n(1)
	.endr
	mflr	4
	std	4, AT_LR(1)
	mfxer	4
	std	4, AT_XER(1)
	mfcr	4
	std	4, AT_CR(1)
	mfsrr0	4
	std	4, AT_SRR0(1)
	mfsrr1	4
	std	4, AT_SRR1(1)
	load_address 2, .TOC.
	bl	wake_interrupt
	nop
	ld	4, AT_SRR1(1)
	mtsrr1	4
	ld	4, AT_SRR0(1)
	mtsrr0	4
	ld	4, AT_CR(1)
	mtcr	4
	ld	4, AT_XER(1)
	mtxer	4
	ld	4, AT_CTR(1)
	mtctr	4
	ld	4, AT_LR(1)
	mtlr	4
	.irp	n, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
	ld	\n, AT_GPR + 8 * \n(1)
	.endr
	addi	1, 1, FRAME
	rfid

/* start-cpu: r3 is the function to run, which does not return. */
	.globl	wake_other
wake_other:
	to_native_order
	set_sf	0, 4
	mr	31, 3
	enter_c	other_stack_top
	mr	12, 31
	mtctr	12
	bctrl
1:	b	1b

	.section .bss
	.balign	16
	.space	16384
other_stack_top:

	.section .note.GNU-stack, "", @progbits
