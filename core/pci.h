// SPDX-License-Identifier: Apache-2.0
/*
 * An assigned PCI function as its guest sees it in config space. Some bits are ours (virtual), some
 * are the device's (read live), and few of the guest's writes reach the device: which, is said in
 * permission tables (core/vfio_perm.h), and which tables hold, by the function's policy. Everything
 * else is closed: a capability in no table is not there, and between those that are is nothing.
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
#include "core/log.h"
#include "core/pci_policy.h"
#include "core/pci_regs.h"
#include "core/pci_rom.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PCI_MSI_MAX  32u
#define PCI_MSIX_MAX 2048u
/* The message that guests read: an address that every form of the capabilities holds, since Linux
 * uses neither MSI nor MSI-X of a function that could not hold it; and the interrupt number for
 * data. */
#define PCI_MSI_ADDRESS 0xffff0000u

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
	bool shown64;	  /* and the guest sees that */
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

/* How a guest may reset its function or change its power state. */
enum pci_reset { PCI_RESET_FLR, PCI_RESET_AF_FLR, PCI_RESET_D3HOT, PCI_RESET_D0 };

/* A capability as the guest sees it. */
struct pci_cap {
	uint16_t pos, size;
	uint32_t link;		      /* of an extended one: its first dword; else 0 */
	const struct vfio_perm *perm; /* NULL: only the link is there */
};

/* All of the header's list, and so many extended ones; what comes behind is not shown. */
#define PCI_SHOWN_EXT_MAX 16u

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
 * reset: begins it, never waits, and leaves the device alone until settled says 0. D3HOT and D0 are
 *	changes of power state. An error: nothing has begun. NULL: none is offered.
 * settled: whether what was begun is over, config space as it was before but for bus master, off,
 *	INTx disable, set, and messages, disabled. -EAGAIN: not yet; anything else: the device is
 *	gone. wait: as long as it takes, which is at most a minute.
 * message: what a device writes for this message of its host bridge.
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
	int (*reset)(void *dev, enum pci_reset how);
	int (*settled)(void *dev, bool wait);
	int (*message)(void *dev, unsigned int message, bool is64, uint64_t *addr, uint32_t *data);
};

struct pci_func {
	unsigned int devfn; /* where the guest sees it, on bus 0 of its PHB */
	const struct pci_policy *policy;
	const struct pci_func_ops *ops;
	void *dev;
	atomic_flag busy; /* a call is under way; a second one gets -EBUSY */
	bool gone;	  /* the device stopped answering; reads give all ones */
	bool intx;	  /* its INTx is routed to the guest */
	bool express;	  /* it has extended config space, and the policy shows it */
	/* Changed under lock as well: a reset or change of power state is under way, and the device
	 * is left alone; it sleeps, and answers config cycles only. */
	bool shut, asleep;
	unsigned int resets;  /* those that its guest may start: 1 << enum pci_reset */
	unsigned int own_ids; /* bit n: word n of vendor, device, subsystem ids is image's */
	uint8_t image[PCI_CONFIG_SIZE]; /* the virtual bits; and what a guest wrote to others */
	unsigned int ncaps;
	struct pci_cap caps[PCI_CAP_MAX + PCI_SHOWN_EXT_MAX];
	struct pci_msi msi;
	struct pci_msix msix;
	/* Of what is below, and of the device's MSI-X table. A trapped access has no other way in
	 * than this lock, and it is never held across a config cycle. */
	struct lock lock;
	struct pci_bar bars[PCI_NUM_BARS];
	bool decodes[PCI_NUM_BARS]; /* answers the guest, trapped if not mapped */
	bool mapped[PCI_NUM_BARS];  /* all of it that may be */
	struct pci_rom rom;
	struct log_limit log;
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

/* The same under another policy than the full one. */
int pci_func_init_policy(struct pci_func *f, const struct pci_policy *policy, unsigned int devfn,
	const struct pci_bar bars[PCI_NUM_BARS], const struct pci_func_ops *ops,
	void *dev) must_check;

/* The guest sees these ids, whatever the device has; -1: the device's own. Quirks go by the
 * device's (SEED-001.35). -EINVAL: a vendor id above 0xfffe, another above 0xffff; nothing is
 * changed then (SEED-001.22). */
struct pci_ids {
	int32_t vendor, device, subsys_vendor, subsys;
};
int pci_func_override_ids(struct pci_func *f, const struct pci_ids *ids) must_check;

/* ids is what the device has, and becomes what the guest sees. */
void pci_func_shown_ids(const struct pci_func *f, struct pci_ids *ids);

/* The guest has an option ROM: these len bytes, which live as long as f. value is where its BAR
 * starts; it is off. -EINVAL: len is 0 or above PCI_ROM_MAX, or value not aligned to the BAR. */
int pci_func_set_rom(
	struct pci_func *f, const uint8_t *image, uint32_t len, uint32_t value) must_check;

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
 * all ones and writes are dropped, both with 0 (SEED-001.49). So it is while it is reset or changes
 * its power state, without a cycle of the guest's (SEED-002.17).
 */
int pci_config_read(
	struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val) must_check;
int pci_config_write(
	struct pci_func *f, unsigned int off, unsigned int size, uint32_t val) must_check;

/* A load or store of 1, 2, 4 or 8 bytes, naturally aligned, by the guest at a bus address inside
 * one of its BARs, or its option ROM, which takes no store. From a device that is gone, and behind
 * a BAR's end, come all ones; writes there are dropped. -ENXIO: a BAR is there, but switched off by
 * MEM, asleep or being reset, and if nobody else answers that is all ones, too (CF-01). -ENOENT: no
 * BAR is there. */
int pci_bar_access(
	struct pci_func *f, uint64_t bus, unsigned int size, bool write, uint64_t *val) must_check;

/* Bus master, memory decode of the guest and BAR mappings off: what reset and detach begin with.
 * No access may be under way. */
void pci_func_quiesce(struct pci_func *f);

#endif
