/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware for QEMU's pseries machine that is no more than a jump: the machine starts it at 0x100
 * with the flattened tree in r3, and the guest image is entered at its first byte, 4 MiB, with
 * the same register. r5 is 0: there is no Open Firmware.
 */
	.text
	.org	0x100
	li	5, 0
	lis	4, 0x400000@h
	mtctr	4
	bctr
