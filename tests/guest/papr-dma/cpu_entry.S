/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the second CPU begins: in real mode, in whichever byte order, with interrupts off.
 */
#include "tests/guest/macros.S"

	.text
	.globl	cpu_entry
cpu_entry:
	to_native_order
	set_sf	0, 4
	enter_c	cpu_stack_top
	bl	cpu_main
	nop
1:	b	1b

	.section .bss
	.balign	16
	.space	16384
cpu_stack_top:

	.section .note.GNU-stack, "", @progbits
