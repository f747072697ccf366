// SPDX-License-Identifier: Apache-2.0
/*
 * Where firmware enters us: the boot thread once, every other thread when OPAL starts it. Big-endian,
 * real mode, MSR = SF | HV; r3 is the device tree (boot) or the PIR (others). Firmware runs the ELF
 * file in place and clears no .bss.
 */
#include "arch/ppc64/layout.h"

	.machine power9
	.section .head, "ax"

/* Where we were linked is where we are (tcelot.lds), so the address can be loaded whole. */
.macro load_toc
	lis	%r2, .TOC.@highest
	ori	%r2, %r2, .TOC.@higher
	sldi	%r2, %r2, 32
	oris	%r2, %r2, .TOC.@h
	ori	%r2, %r2, .TOC.@l
.endm

	.globl _start
_start:
	load_toc

	addis	%r4, %r2, __bss_start@toc@ha
	addi	%r4, %r4, __bss_start@toc@l
	addis	%r5, %r2, __bss_end@toc@ha
	addi	%r5, %r5, __bss_end@toc@l
	li	%r0, 0
1:	cmpld	%r4, %r5
	bge	2f
	std	%r0, 0(%r4)
	addi	%r4, %r4, 8
	b	1b
2:
	addis	%r13, %r2, boot_cpu@toc@ha
	addi	%r13, %r13, boot_cpu@toc@l
	mtspr	SPR_HSPRG0, %r13
	addis	%r1, %r2, boot_stack_end@toc@ha
	addi	%r1, %r1, boot_stack_end@toc@l
	addi	%r1, %r1, -64
	li	%r0, 0
	std	%r0, 0(%r1)
	mr	%r4, %r8
	mr	%r5, %r9
	bl	boot_main
	nop
3:	b	3b

/* A thread started by OPAL: finds its struct cpu by PIR. One that is in no table waits for ever. */
	.globl secondary_start
secondary_start:
	load_toc
	addis	%r4, %r2, cpu_table@toc@ha
	addi	%r4, %r4, cpu_table@toc@l
1:	ld	%r13, 0(%r4)
	addi	%r4, %r4, 8
	cmpdi	%r13, 0
	beq	3f
	lwz	%r5, CPU_PIR(%r13)
	cmpw	%r5, %r3
	bne	1b
	mtspr	SPR_HSPRG0, %r13
	ld	%r1, CPU_MAIN_SP(%r13)
	bl	secondary_main
	nop
3:	b	3b

	.text
/*
 * int64_t opal_call(uint64_t token, uint64_t a1 .. a7). The ABI of OPAL: token in r0, arguments from
 * r3, r2 = its base, called in real mode with interrupts off, which is how we always are.
 */
	.globl opal_call
	.type opal_call, @function
opal_call:
	mr	%r0, %r3
	mr	%r3, %r4
	mr	%r4, %r5
	mr	%r5, %r6
	mr	%r6, %r7
	mr	%r7, %r8
	mr	%r8, %r9
	mr	%r9, %r10
	b	opal_enter
	.size opal_call, . - opal_call

/* int64_t opal_pci_tce_kill(phb, kind, pe): the one call that a guest waits for so
 * often that moving its arguments would show. */
	.globl opal_pci_tce_kill
	.type opal_pci_tce_kill, @function
opal_pci_tce_kill:
	li	%r0, OPAL_PCI_TCE_KILL
opal_enter:
	mflr	%r11
	std	%r11, 16(%r1)
	std	%r2, 24(%r1)
	stdu	%r1, -64(%r1)
	addis	%r11, %r2, opal_address@toc@ha
	ld	%r12, opal_address@toc@l+OPAL_ADDRESS_ENTRY(%r11)
	ld	%r2, opal_address@toc@l+OPAL_ADDRESS_BASE(%r11)
	mtctr	%r12
	bctrl
	addi	%r1, %r1, 64
	ld	%r2, 24(%r1)
	ld	%r0, 16(%r1)
	mtlr	%r0
	blr
	.size opal_pci_tce_kill, . - opal_pci_tce_kill

/* void msr_write(uint64_t msr): the way that can also turn ME on. */
	.globl msr_write
	.type msr_write, @function
msr_write:
	mflr	%r0
	mtspr	SPR_HSRR0, %r0
	mtspr	SPR_HSRR1, %r3
	hrfid
	.size msr_write, . - msr_write

.macro nonvolatile op
	.irp n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	%r\n, (32 + (\n - 14) * 8)(%r1)
	.endr
.endm

/*
 * void guest_run(void). The hypervisor's registers are kept once, here; the switch code returns to
 * the same stack pointer at each exit and comes back through guest_leave when the guest is over.
 */
	.globl guest_run
	.type guest_run, @function
guest_run:
	mflr	%r0
	std	%r0, 16(%r1)
	mfcr	%r0
	std	%r0, 8(%r1)
	stdu	%r1, -256(%r1)
	nonvolatile std
	std	%r1, CPU_RUN_SP(%r13)
	ld	%r12, CPU_ENTER(%r13)
	mtctr	%r12
	bctr

	.globl guest_leave
guest_leave:
	nonvolatile ld
	addi	%r1, %r1, 256
	ld	%r0, 8(%r1)
	mtcr	%r0
	ld	%r0, 16(%r1)
	mtlr	%r0
	blr
	.size guest_run, . - guest_run

	.section .bss.stack, "aw", @nobits
	.balign 16
	.space	32768
	.globl boot_stack_end
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
