// SPDX-License-Identifier: Apache-2.0
/*
 * A fake PCI function behind struct pci_func_ops: 4096 bytes of registers with what sticks and what
 * a written 1 clears, memory behind its BARs, a recorder of cycles, and faults on request.
 *
 * It is stricter than hardware: a cycle that is not naturally aligned, a write to a BAR or to the
 * header's ids, an unmap of what is not mapped, a second map of a BAR, a map outside the window or
 * over another BAR, of a page of the MSI-X table or of its pending bits, an access behind a BAR's
 * end, a change of the address or data of an MSI-X entry that is not masked, and anything but a
 * look at whether it is over while it is being reset, fail the test.
 */
#ifndef TESTS_FAKE_FAKE_PCI_H
#define TESTS_FAKE_FAKE_PCI_H

#include "core/pci.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_PCI_CYCLE_MAX 512u
#define FAKE_PCI_BAR_MEM   0xa000u

enum fake_pci_op { FAKE_PCI_READ, FAKE_PCI_WRITE, FAKE_PCI_MAP, FAKE_PCI_UNMAP, FAKE_PCI_RESET };

/* One call, in order. For MAP and UNMAP off is the BAR, for RESET which it is. */
struct fake_pci_cycle {
	enum fake_pci_op op;
	unsigned int off, size;
	uint64_t val;
};

/* Of a BAR; offsets in it. */
struct fake_pci_piece {
	unsigned int bar;
	uint64_t off, len;
};

#define FAKE_PCI_PIECE_MAX 18u

struct fake_pci {
	uint8_t config[PCI_CONFIG_EXT_SIZE];
	uint8_t sticks[PCI_CONFIG_EXT_SIZE]; /* bits a write sets or clears */
	uint8_t w1c[PCI_CONFIG_EXT_SIZE];    /* bits a written 1 clears */

	bool absent;	      /* answers all ones, with success */
	unsigned int fail_at; /* from this call of read or write on (1: the next) -EIO; 0: none */
	bool fail_once;
	bool fail_writes;
	unsigned int fail_map; /* the map so many calls from now (1: the next) fails; 0: none */

	uint64_t bar_size[PCI_NUM_BARS]; /* for the overlap check */
	bool mapped[PCI_NUM_BARS];	 /* some of it */
	uint64_t mapped_at[PCI_NUM_BARS];
	unsigned int npieces;
	struct fake_pci_piece pieces[FAKE_PCI_PIECE_MAX]; /* what is mapped, in no order */

	unsigned int msix_entries, table_bar, table, pba_bar, pba; /* where they are */

	/* reset: fails, or lasts for so many looks; then the device is not there any more. */
	bool resetting, fail_reset, dies;
	enum pci_reset how;
	unsigned int reset_lasts, looks_left, nlooks, nresets;
	uint8_t before[PCI_CONFIG_EXT_SIZE]; /* what is put back */

	/* Bits of the device that a write of the function's owner has changed or, where a written 1
	 * clears, has written as 1. */
	uint8_t touched[PCI_CONFIG_EXT_SIZE];

	unsigned int nreads, nwrites, nmaps, nunmaps;
	unsigned int nbar_reads, nbar_writes;
	unsigned int ncycles;
	struct fake_pci_cycle cycles[FAKE_PCI_CYCLE_MAX];

	/* Runs inside every read, for what another CPU does meanwhile, or the device with it. */
	void (*on_read)(void *arg);
	void *on_read_arg;

	/* The first bytes; the rest reads 0. The last member (fake_pci_renew). */
	uint8_t bar_mem[PCI_NUM_BARS][FAKE_PCI_BAR_MEM];
};

extern const struct pci_func_ops fake_pci_ops;

/* An endpoint 1234:11e8 revision 0x10, class ff0000, subsystem 1af4:1100, interrupt pin 1, bus
 * master and memory decode on, no capabilities; bars give sizes only. */
void fake_pci_init(struct fake_pci *d, const struct pci_bar bars[PCI_NUM_BARS]);

/* The same, but what is behind the BARs stays as it is; faster. */
void fake_pci_renew(struct fake_pci *d, const struct pci_bar bars[PCI_NUM_BARS]);

/* Appends a capability of len bytes of fill at pos to the device's list; the link is made from the
 * one before it. */
void fake_pci_add_cap(struct fake_pci *d, unsigned int pos, unsigned int id, unsigned int len,
	uint8_t fill, unsigned int *link);

/* Appends an MSI-X capability: entries, and BAR and offset of table and pending bits, which need
 * not make sense. All entries are as somebody has left them, not masked. */
void fake_pci_add_msix(struct fake_pci *d, unsigned int pos, unsigned int entries, uint32_t table,
	uint32_t pba, unsigned int *link);

/* A dword of an MSI-X entry of the device. */
uint32_t fake_pci_entry(const struct fake_pci *d, unsigned int v, unsigned int off);

/* Appends an extended capability; *last is where the one before it is, 0 at first. */
void fake_pci_add_ext_cap(struct fake_pci *d, unsigned int pos, unsigned int id, unsigned int len,
	uint8_t fill, unsigned int *last);

uint32_t fake_pci_get(const struct fake_pci *d, unsigned int off, unsigned int size);
void fake_pci_put(struct fake_pci *d, unsigned int off, unsigned int size, uint32_t val);

/* Forgets the cycles so far; what is mapped stays. */
void fake_pci_forget(struct fake_pci *d);

#endif
