// SPDX-License-Identifier: Apache-2.0
/*
 * A strict model of a PowerNV host bridge, for tests: what hardware is entitled to do, this does.
 *
 * Translation. Every table entry that was fetched is cached, valid or not, of every level, and is
 * what counts until a kill of its PE: an entry that was taken away still works, one that was added
 * below a cached empty one does not. An address that differs from a mapped one in any bit is
 * another address, and past what the levels cover there is nothing. Nodes of a table are in RAM and
 * aligned to their size, and an entry has no bits but the address and its permissions: what is not
 * so counts in malformed, and the DMA faults.
 * A function is in the reserved PE, which has no windows, until its bus is given to another. A
 * fault freezes the PE: no DMA, no messages, loads from its BARs are all ones.
 *
 * Time. A DMA that was started (fake_phb_dma_start) has been translated and reaches memory when it
 * is finished, whatever has become of the table. A kill waits for reads of its PE, which it ends;
 * a posted write lands when the function answers a read (of config space, of a BAR), or when
 * something lands that it sent later: no kill does that by itself (design decision 16).
 *
 * A message from another PE than its own is dropped. Arguments that the hardware has no form for
 * are refused. Every operation can be made to fail, before its work or after it.
 *
 * There is no mode for PHB4's erratum of dropped kills by page: no operation kills by page. A kill
 * that is lost altogether is deaf_to_kills.
 *
 * Host memory is an arena seen through a mem_pool with a bias, so that host-real addresses look
 * like real ones and a pointer never works as one. DMA reaches the arena only.
 */
#ifndef TESTS_FAKE_PHB_H
#define TESTS_FAKE_PHB_H

#include "core/board.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_RAM_BASE  0x0000020000000000ull
#define FAKE_MAX_FUNCS 48u
#define FAKE_MAX_PES   512u
#define FAKE_CACHE     1024u
#define FAKE_WAYS      8u
#define FAKE_MAX_LOG   512u
#define FAKE_MSIS      512u
#define FAKE_LSI_FIRST 0xfeff8u
#define FAKE_FLIGHTS   16u

struct fake_ram {
	uint8_t *mem;
	uint64_t size;
	struct mem_pool pool;
};

/* An arena of size bytes from FAKE_RAM_BASE on, all of it free. */
void fake_ram_init(struct fake_ram *ram, uint64_t size);
void fake_ram_free(struct fake_ram *ram);

enum fake_op {
	FAKE_CONFIG_READ,
	FAKE_CONFIG_WRITE,
	FAKE_RESET_IOMMU,
	FAKE_PE_ADD_BUS,
	FAKE_PE_ADD_MMIO,
	FAKE_WINDOW_SET,
	FAKE_WINDOW_OFF,
	FAKE_TCE_KILL,
	FAKE_MSI_SETUP,
	FAKE_PE_THAW,
	FAKE_NUM_OPS,
};

/* A function. wmask has the bits that a config write changes; the rest is fixed. */
struct fake_func {
	uint16_t bdfn;
	bool gone;	 /* answers no more */
	bool moody_bars; /* its BARs have a mask that changes from read to read */
	unsigned int moods;
	/* A virtio function: where its window in config space is (0: it is none), and what it
	 * offers. */
	unsigned int virtio_window;
	uint64_t virtio_features;
	uint32_t virtio_select;
	uint8_t image[256];
	uint8_t wmask[256];
	uint8_t *bar_mem[6]; /* what is behind the BAR, the test's; NULL: nobody may touch it */
	uint64_t bar_bytes[6];
	const uint8_t *rom; /* what its option ROM reads, the test's; NULL: nobody may load it */
	uint32_t rom_bytes;
};

/* A call that was made: its operation and its first numbers, in the order of the prototype; of
 * reset_iommu: how many functions were bus masters then. */
struct fake_call {
	enum fake_op op;
	uint64_t arg[4];
};

struct fake_window {
	bool on;
	hpa_t table;
	uint64_t bytes;
	unsigned int levels;
	unsigned int page_shift;
};

struct fake_cached {
	uint64_t epoch; /* of its PE, when it was fetched, plus 1; other than now: not in use */
	unsigned int pe;
	unsigned int level; /* 0: the entry is a TCE */
	unsigned int shift; /* of the bus addresses that it covers */
	uint64_t page;	    /* the first of them */
	uint64_t entry;
};

/* A DMA that is under way. */
struct fake_flight {
	uint64_t started; /* its number; 0: there is none here */
	uint16_t bdfn;
	unsigned int pe;
	bool write;
	uint64_t at; /* host-real */
	void *buf;   /* where a read goes */
	size_t len;
	uint8_t data[64];
};

struct fake_phb {
	struct host_phb *phb;
	struct fake_ram *ram;
	unsigned int nfuncs;
	struct fake_func funcs[FAKE_MAX_FUNCS];
	unsigned int pe_of_bus[256];
	unsigned int pe_of_segment[FAKE_MAX_PES];
	struct fake_window windows[FAKE_MAX_PES][HOST_PHB_MAX_WINDOWS];
	bool frozen[FAKE_MAX_PES];
	/* Message n: who may send it (FAKE_MAX_PES: nobody was told), and how often it came. */
	unsigned int pe_of_msi[FAKE_MSIS];
	unsigned int msis[FAKE_MSIS];
	unsigned int msis_dropped; /* sent by another PE, or nobody's */
	struct fake_cached cache[FAKE_CACHE];
	unsigned int next_way;
	uint64_t epoch[FAKE_MAX_PES]; /* of a PE: how often all of it was forgotten */
	struct fake_flight flights[FAKE_FLIGHTS];
	uint64_t nstarted;

	/* The fail_at-th call from now fails, counting from 1; 0: none. */
	unsigned int fail_at;
	struct fake_phb *fail_with; /* if set, that one's fail_at is counted instead */
	unsigned int fail_msi_at;   /* as fail_at, of msi_setup only */
	bool fail_op[FAKE_NUM_OPS]; /* every call of these fails */
	bool fail_late;		    /* what fails has done its work all the same */
	bool deaf_to_kills;	    /* tce_kill says 0 and does nothing */
	unsigned int calls;	    /* of all operations */
	unsigned int count[FAKE_NUM_OPS];
	unsigned int nlog;
	struct fake_call log[FAKE_MAX_LOG]; /* the first ones, config cycles left out */
	unsigned int faults;
	unsigned int malformed;	      /* entries that software must not make */
	unsigned int live_bar_writes; /* to a BAR of a function that was decoding */
};

extern const struct host_phb_ops fake_phb_ops;

/* A PHB4 as firmware leaves it: 512 PEs, MMIO 0x80000000-0xfffeffff, no function. Fills phb. */
void fake_phb_init(struct fake_phb *f, struct host_phb *phb, uint64_t id, struct fake_ram *ram);

/* A plain function: vendor and device id, and nothing else; COMMAND's bits 0, 1, 2, 8 and 10 can
 * be written and are set as firmware might leave them, bus master included. */
struct fake_func *fake_add_func(struct fake_phb *f, uint16_t bdfn, uint32_t id);
/* A bridge, open. */
struct fake_func *fake_add_bridge(
	struct fake_phb *f, uint16_t bdfn, uint8_t secondary, uint8_t subordinate);
/* A memory BAR of size bytes (a power of two >= 16); a 64-bit one takes bar and bar + 1. */
void fake_set_bar(struct fake_func *func, unsigned int bar, uint64_t size, bool is64, bool pref);
struct fake_func *fake_find_func(struct fake_phb *f, uint16_t bdfn);

uint32_t fake_get(const struct fake_func *func, unsigned int off, unsigned int size);
/* Straight into the image, masks do not count. */
void fake_put(struct fake_func *func, unsigned int off, unsigned int size, uint32_t val);

/* The device reads memory into buf (write false) or writes it from buf, at once. -EFAULT: it did
 * not get all of it; what came before the faulting page was done. A fault freezes the PE. */
int fake_phb_dma(
	struct fake_phb *f, uint16_t bdfn, uint64_t iova, void *buf, size_t len, bool write);

/* The same of up to 64 bytes in one page, to be finished later: translated now, in memory then. The
 * data of a write is taken now; buf of a read is filled then. To finish what has ended by itself
 * changes nothing. -EFAULT: as above. -EINVAL: len, or too many. */
int fake_phb_dma_start(struct fake_phb *f, uint16_t bdfn, uint64_t iova, void *buf, size_t len,
	bool write, uint64_t *id);
void fake_phb_dma_finish(struct fake_phb *f, uint64_t id);
/* How many are under way. */
unsigned int fake_phb_in_flight(const struct fake_phb *f);

/* Makes it a virtio function with these features: common configuration at bar 2, offset 0x1000, a
 * window in config space, and capabilities in front of them that mean something else. */
void fake_make_virtio(struct fake_func *func, uint16_t device, uint64_t features);

/* The memory behind a BAR; mem has all of its bytes and lives as long as the function. The MSI-X
 * table in it works: a vector that was pending and is unmasked is sent. */
void fake_set_bar_mem(struct fake_func *func, unsigned int bar, uint8_t *mem, uint64_t bytes);

/* An option ROM of size bytes (a power of two >= 2 KiB): it answers where its BAR says as long as
 * that is on, and as the decoder is shared, no BAR of the function does meanwhile (CF-04). */
void fake_set_rom(struct fake_func *func, uint32_t size, const uint8_t *rom);

/* Capabilities, at pos and with room for them: size of MSI by its flags; MSI-X with so many entries
 * and the registers that say where table and pending bits are. */
void fake_add_msi(struct fake_func *func, unsigned int pos, uint16_t flags);
void fake_add_msix(struct fake_func *func, unsigned int pos, unsigned int entries, uint32_t table,
	uint32_t pba);

/* The device has something to say: by its MSI-X vector, or by message v of its MSI. True: a message
 * went out, if only to be dropped. Masked vectors become pending. */
bool fake_phb_fire_msix(struct fake_phb *f, uint16_t bdfn, unsigned int v);
bool fake_phb_fire_msi(struct fake_phb *f, uint16_t bdfn, unsigned int v);
/* A DMA write to the addresses of messages. */
void fake_phb_send(struct fake_phb *f, uint16_t bdfn, uint64_t addr, uint32_t data);

/* For fake_arch.on_mmio; arg is the fake PHB. */
bool fake_phb_on_mmio(void *arg, hpa_t at, unsigned int size, bool write, uint64_t *val);

/* As if the EEH recovery had run. */
void fake_phb_thaw(struct fake_phb *f);

/* Who answers a load from this bus address: 0, its function, BAR (6: the option ROM) and the PE of
 * the segment; -ENODEV nobody; -EBUSY more than one. */
int fake_phb_mmio(
	struct fake_phb *f, uint32_t bus, uint16_t *bdfn, unsigned int *bar, unsigned int *pe);

/* Whether some window is on anywhere. */
bool fake_phb_any_window(const struct fake_phb *f);

#endif
