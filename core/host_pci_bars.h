// SPDX-License-Identifier: Apache-2.0
/*
 * The memory BARs of the host's functions: how large they are, where they go, and the bridges above
 * them. A part of host_pci.c; nobody else calls it.
 *
 * The functions return NULL, or why the group is not usable: a string for board.h's refuse.
 */
#ifndef CORE_HOST_PCI_BARS_H
#define CORE_HOST_PCI_BARS_H

#include "core/board.h"
#include "core/host_cycles.h"

/* Registers of the type-1 header (PCI-to-PCI bridge specification, 3.2). */
#define HOST_BRIDGE_BUSES   0x18u
#define HOST_BRIDGE_CONTROL 0x3eu

/* A PHB's 32-bit window while groups are being placed in it, in bus addresses. */
struct host_m32 {
	uint64_t next; /* first byte not given out; on a segment */
	uint64_t end;
	uint64_t segment; /* bytes */
};

/* Why this PHB's 32-bit window cannot be used; or NULL, and *m is all of it. */
const char *host_pci_open_m32(const struct host_phb *phb, struct host_m32 *m) must_check;

/* Fills f->bars sizes and f->rom.size. Decoding is off while sizing; COMMAND and BARs are as before
 * afterwards, but for the ROM, which is off. */
const char *host_pci_size_bars(struct host_phb *phb, struct host_func *f) must_check;

/* All groups from first on are sized, and none has a place. If option ROMs would take the room that
 * another group needs for its BARs, none of these groups has any. */
void host_pci_fit_roms(struct board *b, unsigned int first, const struct host_m32 *m);

/* Gives every BAR of group g (index) a place, in segments that belong to its PE alone and on 64 KiB
 * pages that no other BAR shares, and opens the way to it; of DMA, the bridges inside let none
 * through yet. */
const char *host_pci_place_bars(struct board *b, unsigned int group, struct host_m32 *m) must_check;

/* Writes the BARs of a function and, of a bridge, its window, sees that it keeps them, and lets it
 * decode. Its bus master is off afterwards. */
const char *host_pci_write_bars(struct host_phb *phb, const struct host_func *f) must_check;

/* A bridge passes nothing on, either way. 0 or a config cycle's error. */
int host_pci_shut_bridge(struct host_phb *phb, uint16_t bdfn) must_check;

/* Whether a bridge passes down what it was given to, and no more. */
bool host_pci_window_is_kept(struct host_cycles *c, const struct host_func *f);

/* Notes what a bus reset takes from a bridge. True: behind it is a link, with one device. */
bool host_pci_learn_bridge(struct host_cycles *c, struct host_func *f);

#endif
