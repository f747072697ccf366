// SPDX-License-Identifier: Apache-2.0
/*
 * An assigned PCI function as its guest sees it in config space: a type-0 header of which some bits
 * are ours (virtual), some are the device's (read live), and few of the guest's writes reach the
 * device. Everything else is closed: capabilities not in the table are not there, and the 4 KiB of
 * extended space is not there.
 *
 * MSI and MSI-X (design decision 17): the guest sees capabilities and a table of which every bit is
 * ours. The real address and data are written by us alone, when messages are granted
 * (core/pci_msi.h); from then on the device's enable and mask bits follow the guest's.
 */
#ifndef CORE_PCI_H
#define CORE_PCI_H

#include "core/addr.h"
#include "core/err.h"
#include "core/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE 256u
#define PCI_NUM_BARS	6u

/* Registers of the type-0 header (PCI 3.0, 6.1). */
#define PCI_VENDOR_ID	     0x00u
#define PCI_DEVICE_ID	     0x02u
#define PCI_COMMAND	     0x04u
#define PCI_COMMAND_IO	     0x0001u
#define PCI_COMMAND_MEMORY   0x0002u
#define PCI_COMMAND_MASTER   0x0004u
#define PCI_COMMAND_INTX_OFF 0x0400u
#define PCI_STATUS	     0x06u
#define PCI_STATUS_CAP_LIST  0x0010u
#define PCI_REVISION	     0x08u
#define PCI_CACHE_LINE	     0x0cu
#define PCI_LATENCY	     0x0du
#define PCI_HEADER_TYPE	     0x0eu
#define PCI_HEADER_MULTI     0x80u
#define PCI_BIST	     0x0fu
#define PCI_BAR0	     0x10u
#define PCI_SUBSYS_VENDOR    0x2cu
#define PCI_SUBSYS_ID	     0x2eu
#define PCI_ROM_BAR	     0x30u
#define PCI_CAP_PTR	     0x34u
#define PCI_INTERRUPT_LINE   0x3cu
#define PCI_INTERRUPT_PIN    0x3du

/* Capabilities that a guest may see, and where they may lie. */
#define PCI_CAP_PM    0x01u
#define PCI_CAP_MSI   0x05u
#define PCI_CAP_EXP   0x10u
#define PCI_CAP_MSIX  0x11u
#define PCI_CAP_FIRST 0x40u
#define PCI_CAP_LIMIT 0x100u
#define PCI_CAP_MAX   48u /* no list of dword-aligned capabilities is longer */

#define PCI_MSI_MAX    32u
#define PCI_MSIX_MAX   2048u
#define PCI_MSIX_ENTRY 16u /* bytes */
/* The message that guests read: the address where QEMU's pseries machine has it, and the interrupt
 * number for data. */
#define PCI_MSI_ADDRESS 0x40000000000ull

/* Where a memory BAR may answer: the 32-bit MMIO window less its last 64 KiB, which are the bus
 * addresses of MSIs. */
#define PCI_BUS_FIRST 0x80000000u
#define PCI_BUS_LAST  0xfffeffffu

/* A memory BAR. A 64-bit BAR takes two slots; the second has size 0 and upper set. */
struct pci_bar {
	uint64_t size; /* bytes, a power of two; 0: no BAR */
	bool is64;
	bool prefetch;
	bool upper;	/* the high half of the BAR before it */
	uint64_t value; /* the guest's bus address, flag bits clear */
};

/* The MSI capability that the guest sees. */
struct pci_msi {
	uint8_t pos;	  /* 0: none */
	bool is64;	  /* the device takes 64-bit addresses */
	bool maskable;	  /* it has mask bits, which the guest does not see */
	unsigned int max; /* messages it can send */
};

/* The MSI-X capability. Table and pending bits lie wholly inside memory BARs, apart; they are kept
 * from the guest whether it sees the capability or not. */
struct pci_msix {
	uint8_t pos;	      /* 0: not shown */
	unsigned int entries; /* 0: the device has none */
	unsigned int table_bar, pba_bar;
	uint32_t table, pba; /* offsets into those BARs */
};

enum pci_irq_kind { PCI_IRQ_NONE, PCI_IRQ_MSI, PCI_IRQ_MSIX };

/* The messages a function has been granted; core/msi.c decides. */
struct pci_grant {
	enum pci_irq_kind kind;
	unsigned int n;
	uint32_t number;	/* of the guest's interrupts, the first */
	unsigned int message;	/* of the host bridge's messages, the first, */
	unsigned int nmessages; /* and how many are held: n, or for MSI the next power of two */
};

struct pci_func;

/*
 * What a function reaches the real device by.
 *
 * read, write: one naturally aligned config cycle of 1, 2 or 4 bytes. An error (-EIO) means that
 *	the device did not answer.
 * map_bar: len bytes of the BAR from off on answer at the guest's bus address value + off from now
 *	on, or, with mapped false, answer there no more. off and len are whole pages; of a BAR of
 *	less than a page, off is 0 and len is a page. What is given lies inside PCI_BUS_FIRST ..
 *	PCI_BUS_LAST but for such a page's rest, no piece is mapped at two addresses, and BARs of
 *	one function never overlap; those of two functions may, and value may be not aligned to a
 *	page: refuse what cannot be. An error leaves the piece unmapped; the BAR is tried again when
 *	the guest next writes COMMAND or a BAR.
 * bar_read, bar_write: one naturally aligned access of 1, 2, 4 or 8 bytes inside a BAR, the
 *	device's little-endian bytes as a number. -EIO: the device is gone. Called with a lock held.
 */
struct pci_func_ops {
	int (*read)(void *dev, unsigned int off, unsigned int size, uint32_t *val);
	int (*write)(void *dev, unsigned int off, unsigned int size, uint32_t val);
	int (*map_bar)(void *dev, unsigned int bar, uint64_t off, uint64_t len, uint64_t value,
		bool mapped);
	int (*bar_read)(
		void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val);
	int (*bar_write)(
		void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t val);
};

struct pci_func {
	unsigned int devfn; /* where the guest sees it, on bus 0 of its PHB */
	const struct pci_func_ops *ops;
	void *dev;
	atomic_flag busy;		/* a call is under way; a second one gets -EBUSY */
	bool gone;			/* the device stopped answering; reads give all ones */
	bool intx;			/* its INTx is routed to the guest */
	uint8_t image[PCI_CONFIG_SIZE]; /* the virtual bits */
	uint8_t virt[PCI_CONFIG_SIZE];	/* 1: this bit is image's; 0: the device's, read live */
	uint8_t wmask[PCI_CONFIG_SIZE]; /* virtual bits that a guest's write changes */
	uint8_t pass[PCI_CONFIG_SIZE];	/* physical bits that a guest's write changes */
	struct pci_msi msi;
	struct pci_msix msix;
	/* Of what is below, and of the device's MSI-X table. A trapped access has no other way in
	 * than this lock, and it is never held across a config cycle. */
	struct lock lock;
	struct pci_bar bars[PCI_NUM_BARS];
	bool mapped[PCI_NUM_BARS];
	struct pci_grant grant;
	uint8_t unmasked[PCI_MSIX_MAX / 8]; /* vectors that the guest has not masked */
};

/*
 * Reads the device's header and capabilities once and fills f; bars as found and placed by the
 * caller, value included (it becomes the register's start value).
 *
 * The guest's COMMAND starts with everything off and no BAR mapped. In the device bus master is
 * cleared and INTx-disable set, messages are off and every MSI-X entry masked; memory decode stays
 * as the host placed it, on or off, for ever: MEM of the guest decides over its own mappings only,
 * so an access by another function or CPU never meets a decoder that a guest has switched off.
 *
 * -ENODEV: it reads all ones. -EINVAL: not a type-0 header (SEED-002.20), a BAR size that is not a
 * power of two, a value not aligned to it, halves of a 64-bit BAR that do not belong together, or
 * an MSI-X table or its pending bits not inside a memory BAR, or over each other (SEED-001.44).
 * -EIO: a cycle failed. f is not to be used then.
 */
int pci_func_init(struct pci_func *f, unsigned int devfn, const struct pci_bar bars[PCI_NUM_BARS],
	const struct pci_func_ops *ops, void *dev) must_check;

/* Whether the guest sees the multi-function bit; off at first. It follows the guest's layout, not
 * the host's (SEED-001.18). */
void pci_func_set_multi(struct pci_func *f, bool multi);

/* The guest sees neither MSI nor MSI-X: nobody could take the messages (SEED-001.44). */
void pci_func_hide_msi(struct pci_func *f);

/* INTx is routed to the guest: the device's INTx-disable follows the guest's from now on. Without
 * this it stays set. */
void pci_func_route_intx(struct pci_func *f);

/* Keeps config accesses and other claims out until yield; false: one is under way. */
bool pci_func_claim(struct pci_func *f) must_check;
void pci_func_yield(struct pci_func *f);

/*
 * A config read or write by the guest; size 1, 2 or 4. Only what is the device's is read from it
 * (SEED-001.48), only what is marked so is written to it, and before our copy (SEED-001.50).
 *
 * -EINVAL: size or alignment wrong, or offset past the end of what this function shows. -EBUSY:
 * another CPU is in the middle of an access to this function; nothing happened. A device that does
 * not answer, or whose vendor id has become all ones, is gone from then on: everything reads as
 * all ones and writes are dropped, both with 0 (SEED-001.49).
 */
int pci_config_read(
	struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val) must_check;
int pci_config_write(
	struct pci_func *f, unsigned int off, unsigned int size, uint32_t val) must_check;

/* A load or store of 1, 2, 4 or 8 bytes, naturally aligned, by the guest at a bus address that is
 * mapped for it or would be but for the MSI-X table. From a device that is gone, and behind a BAR's
 * end, come all ones; writes there are dropped. -ENOENT: no BAR answers there. */
int pci_bar_access(
	struct pci_func *f, uint64_t bus, unsigned int size, bool write, uint64_t *val) must_check;

/* Bus master, memory decode of the guest and BAR mappings off: what reset and detach begin with.
 * No access may be under way. */
void pci_func_quiesce(struct pci_func *f);

#endif
