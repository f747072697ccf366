// SPDX-License-Identifier: Apache-2.0
/*
 * A guest's kernel for tests that start partitions: an ELF file for big-endian ppc64, whose one
 * segment is at FAKE_KERNEL_ENTRY, where it is entered.
 */
#ifndef TESTS_FAKE_FAKE_KERNEL_H
#define TESTS_FAKE_FAKE_KERNEL_H

#include <stdint.h>

#define FAKE_KERNEL_SIZE  0x200u
#define FAKE_KERNEL_ENTRY 0x4000u
#define FAKE_KERNEL_BYTES 0x100u /* of the segment, in the file */

/* The file; the segment takes memory bytes, FAKE_KERNEL_BYTES or more, of the guest's. */
void fake_kernel_make(uint8_t file[FAKE_KERNEL_SIZE], uint64_t memory);

#endif
