// SPDX-License-Identifier: Apache-2.0
/*
 * PCI config space by RTAS, and QEMU's `edu` device: registers and its DMA engine, which copies
 * between bus addresses and a buffer of its own.
 */
#ifndef TESTS_GUEST_EDU_H
#define TESTS_GUEST_EDU_H

#include "tests/guest/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u

/* The buffer is 4096 bytes, but QEMU 7.2 stops when all of it is asked for at once. */
#define EDU_BUFFER 4088u

#define PCI_COMMAND	   0x04u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_BAR0	   0x10u

/* An RTAS status; all ones and -1 if it failed. */
int32_t pci_read(const struct tree_phb *phb, const struct tree_func *f, uint32_t offset,
	uint32_t size, uint32_t *value);
int32_t pci_write(const struct tree_phb *phb, const struct tree_func *f, uint32_t offset,
	uint32_t size, uint32_t value);

/* Places BAR0 if nobody has, and turns memory decoding and bus mastering on. The guest-real address
 * of the registers, or 0. */
uint64_t edu_open(const struct tree_phb *phb, const struct tree_func *f);

uint32_t edu_read32(uint32_t offset);
void edu_write32(uint32_t offset, uint32_t value);

/* Copies len bytes to or from offset of the device's buffer; false: it never finished, or the
 * arguments are none that the device survives. */
bool edu_dma_in(uint64_t ioba, uint32_t offset, uint32_t len);
bool edu_dma_out(uint64_t ioba, uint32_t offset, uint32_t len);

/* edu_dma_out in two steps: the transfer itself comes 100 ms after the first. */
bool edu_dma_start_out(uint64_t ioba, uint32_t offset, uint32_t len);
bool edu_dma_wait(void);

#endif
