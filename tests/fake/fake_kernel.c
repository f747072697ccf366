// SPDX-License-Identifier: Apache-2.0
/*
 * Header and program header, field by field; the places are those of the ELF specification.
 */
#include "tests/fake/fake_kernel.h"

#include <stddef.h>
#include <string.h>

#define HEADER 64u

static const struct {
	unsigned int at, size;
	uint64_t value;
} fields[] = {
	{16, 2, 2},  /* executable */
	{18, 2, 21}, /* ppc64 */
	{24, 8, FAKE_KERNEL_ENTRY},
	{32, 8, HEADER}, /* where the program headers are, */
	{54, 2, 56},	 /* how long one is, */
	{56, 2, 1},	 /* and how many there are */
	{HEADER, 4, 1},	 /* to be loaded */
	{HEADER + 8, 8, FAKE_KERNEL_SIZE - FAKE_KERNEL_BYTES},
	{HEADER + 16, 8, FAKE_KERNEL_ENTRY},
	{HEADER + 24, 8, FAKE_KERNEL_ENTRY},
	{HEADER + 32, 8, FAKE_KERNEL_BYTES},
};

static void put(uint8_t *file, unsigned int at, unsigned int size, uint64_t value)
{
	for (unsigned int i = size; i-- > 0; value >>= 8) {
		file[at + i] = (uint8_t)value;
	}
}

void fake_kernel_make(uint8_t file[FAKE_KERNEL_SIZE], uint64_t memory)
{
	memset(file, 0, FAKE_KERNEL_SIZE);
	memcpy(file, "\177ELF\002\002", 6);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		put(file, fields[i].at, fields[i].size, fields[i].value);
	}
	put(file, HEADER + 40, 8, memory);
}
