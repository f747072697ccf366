// SPDX-License-Identifier: Apache-2.0
/*
 * The machine, as found: plain facts that dt/ reads from the host's device tree and core/host_pci.c
 * from config space, and the operations by which core reaches its PCI hardware. arch/ (and the
 * strict model in tests/fake/) implement struct host_phb_ops.
 */
#ifndef CORE_BOARD_H
#define CORE_BOARD_H

#include "core/addr.h"
#include "core/err.h"
#include "core/lock.h"
#include "core/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BOARD_MAX_THREADS    128u
#define BOARD_MAX_PHBS	     64u
#define BOARD_MAX_FUNCS	     256u
#define BOARD_MAX_GROUPS     128u
#define BOARD_MAX_RESERVED   64u
#define BOARD_MAX_AP	     8u
#define BOARD_MAX_MSIS	     4096u /* of one PHB; more are not used */
#define HOST_PHB_MAX_WINDOWS 2u

struct host_phb;

/*
 * A host bridge's hardware. bdfn is bus << 8 | device << 3 | function. Every operation returns 0 or
 * -EIO (firmware or hardware refused; the state is then unknown and the PE is to stay closed),
 * -EINVAL (an argument the hardware has no form for), -ENODEV (no answer).
 *
 * config_read, config_write: one cycle of 1, 2 or 4 bytes. A function that is not there reads as
 *	all ones with 0.
 * reset_iommu: every PE's windows closed, every function in the reserved PE.
 * pe_add_bus:	all functions of a bus belong to this PE from now on.
 * pe_add_mmio: 32-bit MMIO segments [first, first + n) belong to this PE.
 * pe_thaw:	what a fault of the PE has stopped, its loads, stores and DMA, goes on. Nothing
 *stopped is not an error. window_set:	the PE's window number win (0: bus addresses with bit 59
 *clear, 1: with it set) is translated by the table levels deep whose root, of table_bytes (2^k, as
 *all of its nodes), is at table. The table stays the caller's and must outlive the window.
 * window_off:	that window answers nothing. Already off is not an error.
 * msi_setup:	message number n (0 .. msi_count - 1) of this PHB may come from this PE only; addr
 *	and data are what a device of it writes. is64 false: an address below 4 GiB.
 * tce_kill:	all that is cached of this PE's tables is forgotten, invalid entries as well. On
 *	return no DMA uses any of it. There is no kill by page: PHB4 may drop those (erratum
 *	HW560152), and firmware that knows makes each of them one of these.
 */
struct host_phb_ops {
	int (*config_read)(struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size,
		uint32_t *val);
	int (*config_write)(struct host_phb *phb, uint16_t bdfn, unsigned int off,
		unsigned int size, uint32_t val);
	int (*reset_iommu)(struct host_phb *phb);
	int (*pe_add_bus)(struct host_phb *phb, unsigned int pe, uint8_t bus);
	int (*pe_add_mmio)(
		struct host_phb *phb, unsigned int pe, unsigned int first, unsigned int n);
	int (*pe_thaw)(struct host_phb *phb, unsigned int pe);
	int (*window_set)(struct host_phb *phb, unsigned int pe, unsigned int win, hpa_t table,
		uint64_t table_bytes, unsigned int levels, unsigned int page_shift);
	int (*window_off)(struct host_phb *phb, unsigned int pe, unsigned int win);
	int (*tce_kill)(struct host_phb *phb, unsigned int pe);
	int (*msi_setup)(struct host_phb *phb, unsigned int pe, unsigned int n, bool is64,
		uint64_t *addr, uint32_t *data);
};

struct host_phb {
	uint64_t id; /* firmware's number, "PHB#%04x" */
	const struct host_phb_ops *ops;
	void *hw;
	bool usable;	      /* scanned, and its windows are known closed */
	uint32_t m32_bus;     /* 32-bit MMIO: bus address, */
	hpa_t m32_cpu;	      /* host-real address of it, */
	uint64_t m32_size;    /* bytes */
	unsigned int num_pes; /* 32-bit MMIO has as many segments */
	unsigned int reserved_pe;
	uint32_t page_shifts; /* bit n: TCE pages of 2^n bytes */
	uint32_t msi_first;   /* source number of message 0, */
	unsigned int msi_count;
	uint32_t lsi_first; /* and of the first of four level sources; 0: not known */
	/* One bit a message: somebody has it. core/vfio_msi.c's own. */
	struct lock msi_lock;
	uint64_t msi_used[BOARD_MAX_MSIS / 64];
	/* Of each level source: the first group of the guest bridge that it is given to, plus 1;
	 * 0: none yet. Only core/partition_intx.c gives one. */
	_Atomic uint8_t lsi_group[4];
};

/* A BAR as found and placed. */
struct host_bar {
	uint64_t size; /* 0: none, or not memory */
	uint32_t bus;  /* bus address */
	hpa_t cpu;     /* host-real address */
	bool is64;
	bool prefetch;
};

struct host_func {
	unsigned int phb; /* index into board.phbs */
	uint16_t bdfn;
	uint16_t vendor, device;
	uint32_t class_code; /* 24 bits */
	uint8_t revision, header_type, int_pin;
	bool masks_intx; /* its INTx-disable bit was set, and stayed */
	uint16_t subsys_vendor, subsys;
	uint8_t secondary;   /* of a bridge: the bus behind it, if that was looked at; else 0 */
	uint8_t subordinate; /* and the last one */
	/* Of a bridge inside a group: where its PCI Express capability is (0: none), what a bus
	 * reset takes away, and whether it lets DMA through. */
	uint8_t exp;
	uint16_t devctl, control;
	bool opened;
	int group;	   /* index into board.groups; -1: a bridge, or in none */
	const char *wrong; /* why its group may not be assigned; NULL: not because of it */
	bool gone;	   /* it has stopped answering */
	struct host_bar bars[6];
	/* The option ROM: size 0: none, or no room for it; bus: where it answers while it is read;
	 * 0: it has no place. */
	struct host_bar rom;
	bool passes_iommu; /* its DMA is not translated by any IOMMU, whatever its PE */
};

/* A bridge has two BARs, and this is what it passes down, as one more. */
#define HOST_BRIDGE_BARS   2u
#define HOST_BRIDGE_WINDOW 2u

/* An IOMMU group: a PE (design decision 10). Its functions are those whose group is this one. */
struct host_group {
	unsigned int id; /* what the plan says: iommu = <id> */
	unsigned int phb;
	unsigned int pe;   /* the PHB's reserved_pe: it has none of its own, and never gets DMA */
	uint8_t bus, last; /* all of these buses are in the PE */
	int port; /* the root port above it, index into board.funcs; -1: none, it is on bus 0 */
	unsigned int nfuncs;
	bool closed;	    /* bus masters off, windows off: may be assigned */
	const char *refuse; /* why it may not be assigned; NULL: it may */
};

struct host_thread {
	uint32_t pir;
	unsigned int core; /* number of its core, from 0 */
	bool alive;	   /* it runs our code */
};

/* What firmware may say of the processor's speculation, as its tree names it. */
enum board_feature {
	BOARD_INST_SPEC_BARRIER,
	BOARD_BCCTRL_SERIALIZED,
	BOARD_INST_L1D_FLUSH_ORI,
	BOARD_INST_L1D_FLUSH_TRIG2,
	BOARD_L1D_THREAD_SPLIT,
	BOARD_COUNT_CACHE_DISABLED,
	BOARD_COUNT_CACHE_FLUSH,
	BOARD_NEEDS_COUNT_CACHE_FLUSH,
	BOARD_FAVOR_SECURITY,
	BOARD_NEEDS_L1D_FLUSH_PR,
	BOARD_NEEDS_SPEC_BARRIER,
	BOARD_NO_L1D_FLUSH_ENTRY,
	BOARD_NO_L1D_FLUSH_UACCESS,
	BOARD_NO_STORE_DRAIN,
	BOARD_FEATURES,
};

struct board {
	uint32_t pvr; /* not from the tree: arch/ fills it in */
	uint64_t timebase_hz;
	unsigned int nthreads;
	struct host_thread threads[BOARD_MAX_THREADS]; /* cores in rising order */
	unsigned int nmem;
	struct mem_range mem[BOARD_MAX_RESERVED];
	unsigned int nreserved;
	struct mem_range reserved[BOARD_MAX_RESERVED];
	uint64_t opal_base, opal_entry;
	hpa_t tima;		 /* XIVE's thread interrupt management area; 0: none */
	uint32_t xive_chip;	 /* which chip wants memory for XIVE's tables */
	struct mem_range initrd; /* size 0: none */
	char bootargs[1024];	 /* longer: cut, and bootargs_cut set */
	bool bootargs_cut;
	unsigned int nap; /* ibm,processor-radix-AP-encodings, as in the tree */
	uint32_t ap[BOARD_MAX_AP];
	bool features_known;   /* firmware has said anything of them; */
	uint32_t features_on;  /* bit n: feature n is enabled, */
	uint32_t features_off; /* or disabled; in neither: not mentioned */
	unsigned int nphbs;
	struct host_phb phbs[BOARD_MAX_PHBS];
	unsigned int nfuncs;
	struct host_func funcs[BOARD_MAX_FUNCS];
	unsigned int ngroups;
	struct host_group groups[BOARD_MAX_GROUPS];
};

#endif
