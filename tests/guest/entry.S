/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the guest begins, its interrupt vectors, and the ways out of it: hypercalls and RTAS.
 *
 * Entered in real mode in either byte order with the flattened tree in r3. Interrupts arrive in
 * big-endian order whatever the guest is (LPCR[ILE] is 0 and stays 0).
 */
#include "tests/guest/macros.S"

#define MSR_PR	     0x4000
#define MSR_IR	     0x20
#define MSR_DR	     0x10

	.abiversion 2

	.section .head, "ax"
	.globl	_start
_start:
	to_native_order
	set_sf	0, 4
	mr	31, 3
	load_address 4, __bss_start
	load_address 5, __bss_end
1:	cmpld	4, 5
	bge	2f
	li	0, 0
	std	0, 0(4)
	addi	4, 4, 8
	b	1b
2:	enter_c	stack_top
	mr	3, 31
	bl	guest_main
	nop
3:	b	3b

	.text

/* void hv_trap(uint64_t regs[10]): sc 1 with r3..r12 from regs, and back into it. */
	.globl	hv_trap
	.type	hv_trap, @function
hv_trap:
	mflr	0
	std	0, 16(1)
	std	31, -8(1)
	stdu	1, -64(1)
	mr	31, 3
	bl	call_r31
	addi	1, 1, 64
	ld	31, -8(1)
	ld	0, 16(1)
	mtlr	0
	blr
	.size	hv_trap, . - hv_trap

/* void hv_trap_sf32(uint64_t regs[10]): the same as a caller in 32-bit mode. */
	.globl	hv_trap_sf32
	.type	hv_trap_sf32, @function
hv_trap_sf32:
	mflr	0
	std	0, 16(1)
	std	31, -8(1)
	stdu	1, -64(1)
	mr	31, 3
	mfmsr	0
	clrldi	0, 0, 1
	mtmsrd	0
	isync
	bl	call_r31
	set_sf	0, 4
	addi	1, 1, 64
	ld	31, -8(1)
	ld	0, 16(1)
	mtlr	0
	blr
	.size	hv_trap_sf32, . - hv_trap_sf32

/* The one `sc 1`. A hypervisor may change LR, so it is kept in the block's eleventh word. */
call_r31:
	mflr	0
	std	0, 80(31)
	ld	3, 0(31)
	ld	4, 8(31)
	ld	5, 16(31)
	ld	6, 24(31)
	ld	7, 32(31)
	ld	8, 40(31)
	ld	9, 48(31)
	ld	10, 56(31)
	ld	11, 64(31)
	ld	12, 72(31)
	.globl	hv_trap_sc
hv_trap_sc:
	sc	1
	std	3, 0(31)
	std	4, 8(31)
	std	5, 16(31)
	std	6, 24(31)
	std	7, 32(31)
	std	8, 40(31)
	std	9, 48(31)
	std	10, 56(31)
	std	11, 64(31)
	std	12, 72(31)
	ld	0, 80(31)
	mtlr	0
	blr

/*
 * void rtas_enter(uint64_t args, uint64_t entry): RTAS is called in real mode, 32-bit and
 * big-endian, and may use all of every register but keep only the low halves of the saved ones.
 */
	.globl	rtas_enter
	.type	rtas_enter, @function
rtas_enter:
	mflr	0
	std	0, 16(1)
	mfcr	0
	std	0, 8(1)
	stdu	1, -192(1)
	std	2, 24(1)
	.irp	n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, 32 + (\n - 14) * 8(1)
	.endr
	load_address 5, rtas_return
	mtlr	5
	interrupts_off 6
	mfmsr	6
	clrldi	6, 6, 1
	clrrdi	6, 6, 1
	mtsrr0	4
	mtsrr1	6
	rfid
rtas_return:
	to_native_order
	set_sf	0, 4
	clrldi	1, 1, 32
	ld	2, 24(1)
	.irp	n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 32 + (\n - 14) * 8(1)
	.endr
	addi	1, 1, 192
	ld	0, 8(1)
	mtcr	0
	ld	0, 16(1)
	mtlr	0
	blr
	.size	rtas_enter, . - rtas_enter

/*
 * An RTAS of our own, for a hypervisor that leaves it to firmware to place one (QEMU's pseries):
 * r3 becomes r4, and H_RTAS does the rest. Big-endian like every RTAS.
 */
	.balign	8
	.globl	own_rtas
own_rtas:
	.byte	0x7c, 0x64, 0x1b, 0x78	/* mr   r4,r3 */
	.byte	0x3c, 0x60, 0x00, 0x00	/* lis  r3,0 */
	.byte	0x60, 0x63, 0xf0, 0x00	/* ori  r3,r3,0xf000 */
	.byte	0x44, 0x00, 0x00, 0x22	/* sc   1 */
	.byte	0x4e, 0x80, 0x00, 0x20	/* blr */

/*
 * void problem_enter(struct hv_regs *regs): makes the call of regs in problem state, then a system
 * call, which comes back to us at vector 0xc00; so it does not return.
 */
	.globl	problem_enter
	.type	problem_enter, @function
problem_enter:
	mr	31, 3
	interrupts_off 5
	load_address 4, 1f
	mtsrr0	4
	mfmsr	5
	ori	5, 5, MSR_PR | MSR_IR | MSR_DR
	mtsrr1	5
	rfid
1:	bl	call_r31
	sc
2:	b	2b
	.size	problem_enter, . - problem_enter

/* void jump_to(uint64_t address) */
	.globl	jump_to
	.type	jump_to, @function
jump_to:
	mtctr	3
	bctr
	.size	jump_to, . - jump_to

/* void run_illegal_instruction(void): an opcode that no implementation defines. */
	.globl	run_illegal_instruction
	.type	run_illegal_instruction, @function
run_illegal_instruction:
	.long	0
	blr
	.size	run_illegal_instruction, . - run_illegal_instruction

/* trap_report(vector, srr0, srr1, lr) is fatal or jumps back to who expected the interrupt. */
trap_entry:
	enter_c	trap_stack_top
	mr	4, 8
	mr	5, 9
	mr	6, 12
	bl	trap_report
	nop
1:	b	1b

/* What is copied to guest-real 0x100 .. 0x1000. */
	.section .vectors, "ax"
	.balign	8
	.globl	vectors_start, vectors_end
vectors_start:
	.irp	vec, 0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0x980, 0xa00, 0xb00, 0xc00, 0xd00
	.org	\vec - 0x100
	to_native_order
	li	3, \vec
	load_address 4, trap_entry
	mtctr	4
	bctr
	.endr
vectors_end:

	.section .bss
	.balign	16
	.space	32768
stack_top:
	.space	8192
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
