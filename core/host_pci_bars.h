// SPDX-License-Identifier: Apache-2.0
/*
 * The memory BARs of the host's functions: how large they are, where they go, and the root ports
 * above them. A part of host_pci.c; nobody else calls it.
 *
 * The functions return NULL, or why the group is not usable: a string for board.h's refuse.
 */
#ifndef CORE_HOST_PCI_BARS_H
#define CORE_HOST_PCI_BARS_H

#include "core/board.h"

/* A PHB's 32-bit window while groups are being placed in it, in bus addresses. */
struct host_m32 {
	uint64_t next; /* first byte not given out; on a segment */
	uint64_t end;
	uint64_t segment; /* bytes */
};

/* Why this PHB's 32-bit window cannot be used; or NULL, and *m is all of it. */
const char *host_pci_open_m32(const struct host_phb *phb, struct host_m32 *m) must_check;

/* Fills f->bars sizes. Decoding is off while sizing; COMMAND and BARs are as before afterwards. */
const char *host_pci_size_bars(struct host_phb *phb, struct host_func *f) must_check;

/* Gives every BAR of group g (index) a place, in segments that belong to its PE alone and on 64 KiB
 * pages that no other BAR shares, and opens the way to it. */
const char *host_pci_place_bars(struct board *b, unsigned int group, struct host_m32 *m) must_check;

/* A bridge passes nothing on, either way. 0 or a config cycle's error. */
int host_pci_shut_bridge(struct host_phb *phb, uint16_t bdfn) must_check;

#endif
