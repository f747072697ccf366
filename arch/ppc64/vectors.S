// SPDX-License-Identifier: Apache-2.0
/*
 * The interrupt vectors and the switch between guest and hypervisor. This code is linked with the
 * image and copied to real address 0, where interrupts go with HRMOR = 0: it may branch only within
 * itself, or through pointers in struct cpu.
 *
 * The hypervisor runs in real mode with EE off, so every interrupt is either an exit of the guest, or
 * a fault of ours, or a machine check or system reset, which may come at any instruction. Whose it is
 * the MSR says that the interrupt left in (H)SRR1: a guest never has MSR[HV].
 *
 * A guest's registers are kept in struct cpu, at CPU_REGS. A hypercall has a way of its own, which
 * leaves r14 to r31 where they are: the C code preserves them, and nothing on that way looks at the
 * guest's. All other exits save everything.
 */
#include "arch/ppc64/layout.h"

	.machine power9
	.section .low, "ax"
	.balign 0x100

	.globl low_code
low_code:

/* 28 bytes: the vectors from 0xe00 stand 0x20 apart. CFAR is the guest's until our first branch. */
.macro vector at, flag = 0
	.org	low_code + \at
	mtspr	SPR_HSPRG1, %r13
	mfspr	%r13, SPR_HSPRG0
	std	%r3, CPU_SAVE_R3(%r13)
	mfspr	%r3, SPR_CFAR
	std	%r3, CPU_SAVE_CFAR(%r13)
	li	%r3, \at + \flag
	b	trap
.endm

.macro emergency at
	.org	low_code + \at
	mtspr	SPR_HSPRG1, %r13
	mfspr	%r13, SPR_HSPRG0
	std	%r3, CPU_EMERG_R3(%r13)
	mfspr	%r3, SPR_CFAR
	std	%r3, CPU_EMERG_CFAR(%r13)
	li	%r3, \at
	b	trap_emergency
.endm

/* r14 to r31 to or from the registers at r4. */
.macro nonvolatile op
	.irp n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	%r\n, REGS_GPR(\n)(%r4)
	.endr
.endm

	emergency 0x100			/* system reset */
	emergency 0x200			/* machine check */
	vector	0x300			/* data storage; these four in the hypervisor only */
	vector	0x380
	vector	0x400
	vector	0x480
	vector	0x500, TRAP_HSRR	/* external: the guest's own, LPCR[LPES] */
	vector	0x600
	vector	0x700
	vector	0x800
	vector	0x900
	vector	0x980, TRAP_HSRR	/* hypervisor decrementer */
	vector	0xa00
	.org	low_code + 0xc00
/*
 * System call: sc 1 is the hypercall. The guest finds its registers as they were but for what the
 * call changes in memory at CPU_REGS, so nothing of ours is in any when it goes on.
 */
	mtspr	SPR_HSPRG1, %r13
	mfspr	%r13, SPR_HSPRG0
	std	%r3, CPU_REGS + REGS_GPR(3)(%r13)
	mfspr	%r3, SPR_CFAR
	.irp n, 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12
	std	%r\n, CPU_REGS + REGS_GPR(\n)(%r13)
	.endr
	mfspr	%r4, SPR_PPR
	/* The guest may have lowered its priority; ours is normal. */
	or	%r2, %r2, %r2
	mfspr	%r5, SPR_HSPRG1
	mfcr	%r6
	mflr	%r7
	mfctr	%r8
	mfxer	%r9
	mfspr	%r10, SPR_SRR0
	mfspr	%r11, SPR_SRR1
	std	%r3, CPU_REGS + REGS_CFAR(%r13)
	std	%r4, CPU_REGS + REGS_PPR(%r13)
	std	%r5, CPU_REGS + REGS_GPR(13)(%r13)
	std	%r6, CPU_REGS + REGS_CR(%r13)
	std	%r7, CPU_REGS + REGS_LR(%r13)
	std	%r8, CPU_REGS + REGS_CTR(%r13)
	std	%r9, CPU_REGS + REGS_XER(%r13)
	std	%r10, CPU_REGS + REGS_PC(%r13)
	std	%r11, CPU_REGS + REGS_MSR(%r13)
	rldicl.	%r0, %r11, 64 - MSR_HV_BIT, 63
	bne	system_call_in_hypervisor
	ld	%r12, CPU_HCALL_FN(%r13)
	ld	%r1, CPU_RUN_SP(%r13)
	mtctr	%r12
	addi	%r3, %r13, CPU_REGS
	bctrl
	cmpdi	%r3, 0
	beq	hypercall_return
	b	guest_over
	vector	0xd00
	vector	0xe00, TRAP_HSRR	/* hypervisor data storage */
	vector	0xe20, TRAP_HSRR	/* hypervisor instruction storage */
	vector	0xe40, TRAP_HSRR	/* hypervisor emulation assistance */
	vector	0xe60, TRAP_HSRR	/* hypervisor maintenance */
	vector	0xe80, TRAP_HSRR	/* hypervisor doorbell */
	vector	0xea0, TRAP_HSRR	/* hypervisor virtualization */
	vector	0xf00
	vector	0xf20
	vector	0xf40
	vector	0xf60
	vector	0xf80, TRAP_HSRR	/* hypervisor facility unavailable */
	vector	0x1500, TRAP_HSRR	/* soft patch */

	.org	low_code + 0x2000

/* r3 is what the call gave, in memory; r0 to r13 and all else that C code changes is the guest's
 * again. SRR0 and SRR1 are as the `sc 1` left them: firmware may have used them meanwhile. */
hypercall_return:
	ld	%r3, CPU_REGS + REGS_PC(%r13)
	ld	%r4, CPU_REGS + REGS_MSR(%r13)
	ld	%r5, CPU_REGS + REGS_LR(%r13)
	ld	%r6, CPU_REGS + REGS_CTR(%r13)
	ld	%r7, CPU_REGS + REGS_XER(%r13)
	ld	%r8, CPU_REGS + REGS_CR(%r13)
	ld	%r9, CPU_REGS + REGS_PPR(%r13)
	ld	%r10, CPU_REGS + REGS_CFAR(%r13)
	mtspr	SPR_HSRR0, %r3
	mtspr	SPR_HSRR1, %r4
	mtspr	SPR_SRR0, %r3
	mtspr	SPR_SRR1, %r4
	mtlr	%r5
	mtctr	%r6
	mtxer	%r7
	mtcr	%r8
	mtspr	SPR_PPR, %r9
	mtspr	SPR_CFAR, %r10
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
	ld	%r\n, CPU_REGS + REGS_GPR(\n)(%r13)
	.endr
	hrfid

/* r3: trap; r13: struct cpu; the interrupted r3 in CPU_SAVE_R3, r13 in HSPRG1. */
trap:
	std	%r4, CPU_SAVE_R4(%r13)
	mfcr	%r4
	std	%r4, CPU_SAVE_CR(%r13)
	andi.	%r4, %r3, TRAP_HSRR
	mfspr	%r4, SPR_SRR1
	beq	1f
	mfspr	%r4, SPR_HSRR1
1:	rldicl.	%r4, %r4, 64 - MSR_HV_BIT, 63
	bne	trap_in_hypervisor_state

trap_in_guest:
	addi	%r4, %r13, CPU_REGS
	std	%r0, REGS_GPR(0)(%r4)
	std	%r1, REGS_GPR(1)(%r4)
	std	%r2, REGS_GPR(2)(%r4)
	.irp n, 5, 6, 7, 8, 9, 10, 11, 12
	std	%r\n, REGS_GPR(\n)(%r4)
	.endr
	nonvolatile std
	ld	%r5, CPU_SAVE_R3(%r13)
	ld	%r6, CPU_SAVE_R4(%r13)
	ld	%r7, CPU_SAVE_CR(%r13)
	mfspr	%r8, SPR_HSPRG1
	std	%r5, REGS_GPR(3)(%r4)
	std	%r6, REGS_GPR(4)(%r4)
	std	%r7, REGS_CR(%r4)
	std	%r8, REGS_GPR(13)(%r4)
	ld	%r5, CPU_SAVE_CFAR(%r13)
	std	%r5, REGS_CFAR(%r4)
	mfspr	%r5, SPR_PPR
	/* The guest may have lowered its priority; ours is normal. */
	or	%r2, %r2, %r2
	mflr	%r6
	mfctr	%r7
	mfxer	%r8
	std	%r5, REGS_PPR(%r4)
	std	%r6, REGS_LR(%r4)
	std	%r7, REGS_CTR(%r4)
	std	%r8, REGS_XER(%r4)
	mfspr	%r5, SPR_SRR0
	mfspr	%r6, SPR_SRR1
	std	%r5, REGS_SRR0(%r4)
	std	%r6, REGS_SRR1(%r4)
	andi.	%r0, %r3, TRAP_HSRR
	beq	1f
	mfspr	%r5, SPR_HSRR0
	mfspr	%r6, SPR_HSRR1
1:	std	%r5, REGS_PC(%r4)
	std	%r6, REGS_MSR(%r4)
	clrrdi	%r3, %r3, 2
	std	%r3, REGS_TRAP(%r4)
	ld	%r1, CPU_RUN_SP(%r13)
	ld	%r12, CPU_EXIT_FN(%r13)
	mtctr	%r12
	mr	%r3, %r4
	bctrl
	cmpdi	%r3, 0
	bne	guest_over

	.globl low_guest_load
low_guest_load:
	addi	%r4, %r13, CPU_REGS
	ld	%r5, REGS_PC(%r4)
	ld	%r6, REGS_MSR(%r4)
	mtspr	SPR_HSRR0, %r5
	mtspr	SPR_HSRR1, %r6
	ld	%r5, REGS_SRR0(%r4)
	ld	%r6, REGS_SRR1(%r4)
	mtspr	SPR_SRR0, %r5
	mtspr	SPR_SRR1, %r6
	ld	%r5, REGS_LR(%r4)
	ld	%r6, REGS_CTR(%r4)
	ld	%r7, REGS_XER(%r4)
	ld	%r8, REGS_CR(%r4)
	ld	%r9, REGS_PPR(%r4)
	ld	%r10, REGS_CFAR(%r4)
	mtlr	%r5
	mtctr	%r6
	mtxer	%r7
	mtcr	%r8
	mtspr	SPR_PPR, %r9
	mtspr	SPR_CFAR, %r10
	ld	%r0, REGS_GPR(0)(%r4)
	ld	%r1, REGS_GPR(1)(%r4)
	ld	%r2, REGS_GPR(2)(%r4)
	ld	%r3, REGS_GPR(3)(%r4)
	.irp n, 5, 6, 7, 8, 9, 10, 11, 12
	ld	%r\n, REGS_GPR(\n)(%r4)
	.endr
	nonvolatile ld
	ld	%r13, REGS_GPR(13)(%r4)
	ld	%r4, REGS_GPR(4)(%r4)
	hrfid

guest_over:
	ld	%r12, CPU_LEAVE(%r13)
	mtctr	%r12
	bctr

/*
 * Machine check or system reset. From the guest it is an exit like another; from ourselves it may
 * have hit any code, the above included, so nothing but its own scratch is touched.
 */
trap_emergency:
	std	%r4, CPU_EMERG_R4(%r13)
	mfcr	%r4
	std	%r4, CPU_EMERG_CR(%r13)
	mfspr	%r4, SPR_SRR1
	rldicl.	%r4, %r4, 64 - MSR_HV_BIT, 63
	bne	1f
	ld	%r4, CPU_EMERG_R3(%r13)
	std	%r4, CPU_SAVE_R3(%r13)
	ld	%r4, CPU_EMERG_R4(%r13)
	std	%r4, CPU_SAVE_R4(%r13)
	ld	%r4, CPU_EMERG_CR(%r13)
	std	%r4, CPU_SAVE_CR(%r13)
	ld	%r4, CPU_EMERG_CFAR(%r13)
	std	%r4, CPU_SAVE_CFAR(%r13)
	b	trap_in_guest
1:	ld	%r4, CPU_EMERG_SP(%r13)
	std	%r5, REGS_GPR(5)(%r4)
	ld	%r5, CPU_EMERG_R3(%r13)
	std	%r5, REGS_GPR(3)(%r4)
	ld	%r5, CPU_EMERG_R4(%r13)
	std	%r5, REGS_GPR(4)(%r4)
	ld	%r5, CPU_EMERG_CR(%r13)
	std	%r5, REGS_CR(%r4)
	b	2f

/* A system call of our own, which nothing in us makes: a fault like another. */
system_call_in_hypervisor:
	ld	%r0, CPU_REGS + REGS_CR(%r13)
	std	%r0, CPU_SAVE_CR(%r13)
	ld	%r3, CPU_REGS + REGS_GPR(3)(%r13)
	std	%r3, CPU_SAVE_R3(%r13)
	ld	%r3, CPU_REGS + REGS_GPR(4)(%r13)
	std	%r3, CPU_SAVE_R4(%r13)
	.irp n, 0, 5, 6, 7, 8, 9, 10, 11, 12
	ld	%r\n, CPU_REGS + REGS_GPR(\n)(%r13)
	.endr
	li	%r3, 0xc00

/* A fault of our own. It is reported from a stack of its own and ends the machine. */
trap_in_hypervisor_state:
	ld	%r4, CPU_EMERG_SP(%r13)
	std	%r5, REGS_GPR(5)(%r4)
	ld	%r5, CPU_SAVE_R3(%r13)
	std	%r5, REGS_GPR(3)(%r4)
	ld	%r5, CPU_SAVE_R4(%r13)
	std	%r5, REGS_GPR(4)(%r4)
	ld	%r5, CPU_SAVE_CR(%r13)
	std	%r5, REGS_CR(%r4)
2:	std	%r0, REGS_GPR(0)(%r4)
	std	%r1, REGS_GPR(1)(%r4)
	std	%r2, REGS_GPR(2)(%r4)
	.irp n, 6, 7, 8, 9, 10, 11, 12
	std	%r\n, REGS_GPR(\n)(%r4)
	.endr
	nonvolatile std
	mfspr	%r5, SPR_HSPRG1
	std	%r5, REGS_GPR(13)(%r4)
	mflr	%r5
	std	%r5, REGS_LR(%r4)
	mfctr	%r5
	std	%r5, REGS_CTR(%r4)
	mfxer	%r5
	std	%r5, REGS_XER(%r4)
	mfspr	%r5, SPR_SRR0
	mfspr	%r6, SPR_SRR1
	std	%r5, REGS_SRR0(%r4)
	std	%r6, REGS_SRR1(%r4)
	andi.	%r0, %r3, TRAP_HSRR
	beq	3f
	mfspr	%r5, SPR_HSRR0
	mfspr	%r6, SPR_HSRR1
3:	std	%r5, REGS_PC(%r4)
	std	%r6, REGS_MSR(%r4)
	clrrdi	%r3, %r3, 2
	std	%r3, REGS_TRAP(%r4)
	addi	%r1, %r4, -128
	li	%r0, 0
	std	%r0, 0(%r1)
	ld	%r12, CPU_TRAP_FN(%r13)
	mtctr	%r12
	mr	%r3, %r4
	bctrl
4:	b	4b

	.globl low_code_end
low_code_end:

	.section .note.GNU-stack, "", @progbits
