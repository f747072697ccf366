// SPDX-License-Identifier: Apache-2.0
/*
 * What assembly and C must agree on: special register numbers, MSR and LPCR bits, and the places of
 * fields in struct cpu and struct vcpu_regs (checked against the structs in cpu.c). Bit values are
 * Power ISA 3.0B's; numbers are plain so that the assembler takes them too.
 */
#ifndef ARCH_PPC64_LAYOUT_H
#define ARCH_PPC64_LAYOUT_H

#define SPR_DSCR   17
#define SPR_DSISR  18
#define SPR_DAR	   19
#define SPR_DEC	   22
#define SPR_SRR0   26
#define SPR_SRR1   27
#define SPR_CFAR   28
#define SPR_AMR	   29
#define SPR_PIDR   48
#define SPR_IAMR   61
#define SPR_TIDR   144
#define SPR_FSCR   153
#define SPR_UAMOR  157
#define SPR_PSPB   159
#define SPR_DPDES  176
#define SPR_DAWRX0 188
#define SPR_HFSCR  190
#define SPR_CIABR  187
#define SPR_TB	   268
#define SPR_VRSAVE 256
#define SPR_SPRG0  272
#define SPR_SPRG1  273
#define SPR_SPRG2  274
#define SPR_SPRG3  275
#define SPR_PVR	   287
#define SPR_HSPRG0 304
#define SPR_HSPRG1 305
#define SPR_HDSISR 306
#define SPR_HDAR   307
#define SPR_HDEC   310
#define SPR_HSRR0  314
#define SPR_HSRR1  315
#define SPR_LPCR   318
#define SPR_LPIDR  319
#define SPR_PCR	   338
#define SPR_AMOR   349
#define SPR_PTCR   464
#define SPR_MMCR2  785
#define SPR_MMCRA  786
#define SPR_PMC1   787
#define SPR_PMC2   788
#define SPR_PMC3   789
#define SPR_PMC4   790
#define SPR_PMC5   791
#define SPR_PMC6   792
#define SPR_MMCR0  795
#define SPR_SIAR   796
#define SPR_SDAR   797
#define SPR_MMCR1  798
#define SPR_EBBHR  804
#define SPR_EBBRR  805
#define SPR_BESCR  806
#define SPR_TAR	   815
#define SPR_ASDR   816
#define SPR_PSSCR  855
#define SPR_PPR	   896
#define SPR_PIR	   1023

/* MSR, by bit number from the right. */
#define MSR_SF_BIT 63
#define MSR_HV_BIT 60
#define MSR_EE_BIT 15
#define MSR_PR_BIT 14
#define MSR_ME_BIT 12
#define MSR_IR_BIT 5
#define MSR_DR_BIT 4
#define MSR_LE_BIT 0

/*
 * LPCR: DPFD 4 (the prefetch depth firmware uses) and radix translation, for us (who run with it
 * off) and guests alike, since threads of a core must agree; for a guest also ONL, GTSE, LPES0
 * (0x500 is its own) and HDICE. A guest chooses ILE (its interrupts are little-endian) and AIL
 * (they come with translation on).
 */
#define LPCR_HOST  0x0040000000500000
#define LPCR_GUEST 0x0040000000540409
#define LPCR_ILE   0x0000000002000000
#define LPCR_AIL_3 0x0000000001800000

/* struct cpu */
#define CPU_SAVE_R3    0
#define CPU_SAVE_R4    8
#define CPU_SAVE_CR    16
#define CPU_SAVE_CFAR  24
#define CPU_RUN_SP     32
#define CPU_EXIT_FN    40
#define CPU_HCALL_FN   48
#define CPU_LEAVE      56
#define CPU_TRAP_FN    64
#define CPU_EMERG_SP   72
#define CPU_EMERG_R3   80
#define CPU_EMERG_R4   88
#define CPU_EMERG_CR   96
#define CPU_EMERG_CFAR 104
#define CPU_MAIN_SP    112
#define CPU_ENTER      120
#define CPU_REGS       128
#define CPU_PIR	       (CPU_REGS + RUN_SIZE)

/* struct vcpu_regs */
#define REGS_GPR(n) ((n)*8)
#define REGS_PC	    256
#define REGS_MSR    264
#define REGS_CR	    272
#define REGS_LR	    280
#define REGS_CTR    288
#define REGS_XER    296
#define REGS_SRR0   304
#define REGS_SRR1   312
#define REGS_PPR    320
#define REGS_CFAR   328
#define REGS_TRAP   336
#define REGS_SIZE   352 /* a multiple of 16: it stands on a stack */

/* struct vcpu_run, which begins with them */
#define RUN_SIZE 376

/* struct opal_address, and the one token that assembly knows. */
#define OPAL_ADDRESS_BASE  0
#define OPAL_ADDRESS_ENTRY 8
#define OPAL_PCI_TCE_KILL  126

/* Added to a trap number in REGS_TRAP while the assembly carries it: the state is in HSRR0/1. */
#define TRAP_HSRR 2

/* The low memory the vectors and the guest switch are copied to; firmware leaves it to us. */
#define LOW_CODE_SIZE 0x3000

#endif
