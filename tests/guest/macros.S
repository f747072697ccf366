/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the assembler files of the guests share.
 */

#define MSR_SF_SHIFT 63

.macro	load_address reg, symbol
	lis	\reg, \symbol@h
	ori	\reg, \reg, \symbol@l
.endm

/* A word as the CPU wants it when it runs in the byte order that is not ours. */
.macro	foreign word
#ifdef __LITTLE_ENDIAN__
	.byte	((\word) >> 24) & 0xff, ((\word) >> 16) & 0xff, ((\word) >> 8) & 0xff, (\word) & 0xff
#else
	.byte	(\word) & 0xff, ((\word) >> 8) & 0xff, ((\word) >> 16) & 0xff, ((\word) >> 24) & 0xff
#endif
.endm

/*
 * Goes on in this image's own byte order, whichever order the CPU is in.
 *
 * The first word is `tdi 0,r0,0x48`, a trap that is never taken. Read in the other byte order it
 * is `b .+8`, which lands on words that were stored for that order: they flip MSR[LE] and return
 * from interrupt to the common point. Everywhere else in the image there is only native code.
 *
 * Afterwards r8 and r9 hold what SRR0 and SRR1 were, r12 what LR was. r10, r11, LR and the SRRs
 * are lost. Works at any address, so that it can be copied to an interrupt vector.
 */
.macro	to_native_order
	tdi	0, 0, 0x48
	b	991f
	foreign	0x7d1a02a6	/* mfsrr0 r8 */
	foreign	0x7d3b02a6	/* mfsrr1 r9 */
	foreign	0x7d8802a6	/* mflr   r12 */
	foreign	0x429f0005	/* bcl    20,31,.+4 */
	foreign	0x7d4802a6	/* mflr   r10: the address of this word */
	foreign	0x394a002c	/* addi   r10,r10,44: to 992 */
	foreign	0x7d6000a6	/* mfmsr  r11 */
	foreign	0x696b0001	/* xori   r11,r11,1: MSR[LE] */
	foreign	0x7d5a03a6	/* mtsrr0 r10 */
	foreign	0x7d7b03a6	/* mtsrr1 r11 */
	foreign	0x4c000024	/* rfid */
991:	mfsrr0	8
	mfsrr1	9
	mflr	12
	nop
992:
.endm

/* Leaves 32-bit mode. */
.macro	set_sf reg, scratch
	li	\scratch, 1
	sldi	\scratch, \scratch, MSR_SF_SHIFT
	mfmsr	\reg
	or	\reg, \reg, \scratch
	mtmsrd	\reg
	isync
.endm

/* An interrupt after SRR0 and SRR1 are set would lose them. */
.macro	interrupts_off scratch
	li	\scratch, 0
	mtmsrd	\scratch, 1
.endm

.macro	enter_c stack
	load_address 2, .TOC.
	load_address 1, \stack
	li	0, 0
	stdu	0, -32(1)
.endm
