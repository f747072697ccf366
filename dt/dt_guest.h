// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a guest's flattened device tree. What goes in is said here in full: nothing of the host
 * can reach a guest except through these fields, and the same description gives the same bytes.
 */
#ifndef DT_DT_GUEST_H
#define DT_DT_GUEST_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DT_GUEST_MAX_FUNCS    8u
#define DT_GUEST_MAX_SERVICES 32u
#define DT_GUEST_MAX_AP	      8u

struct dt_guest_bar {
	uint64_t size;	/* 0: none */
	uint64_t value; /* bus address */
	bool is64;
	bool prefetch;
};

struct dt_guest_func {
	unsigned int devfn;
	uint16_t vendor, device, subsys_vendor, subsys;
	uint32_t class_code;
	uint8_t revision, int_pin;
	uint32_t intx;			/* the source of its pin; 0: it has none */
	bool express;			/* it has extended config space */
	unsigned int req_msi, req_msix; /* the most it may ask for; 0: none of this kind */
	struct dt_guest_bar bars[6];
	struct dt_guest_bar rom; /* the option ROM */
	bool boots;		 /* firmware may start from it: a smaller number goes first */
	uint32_t bootindex;
};

/* The tokens of the services for dynamic DMA windows. */
struct dt_guest_ddw {
	bool offered; /* false: none, the rest means nothing */
	uint32_t query, create, remove, reset;
};

struct dt_guest_phb {
	uint64_t buid;
	uint64_t mmio32; /* guest-real address of bus address 0x80000000 */
	uint64_t mmio32_size;
	unsigned int total_msi; /* for all functions together */
	uint32_t liobn;
	uint64_t window_base, window_size;
	unsigned int window_shift;	   /* its TCE page */
	uint64_t bypass_base, bypass_size; /* size 0: none */
	struct dt_guest_ddw ddw;
	unsigned int nfuncs;
	struct dt_guest_func funcs[DT_GUEST_MAX_FUNCS];
};

struct dt_guest_service {
	const char *name;
	uint32_t token;
};

struct dt_guest {
	uint64_t memory;
	unsigned int ncpus;
	uint32_t pvr; /* decides the CPU's name */
	uint32_t timebase_hz;
	unsigned int nap; /* ibm,processor-radix-AP-encodings; 0: left out */
	const uint32_t *ap;
	const char *bootargs;
	uint64_t initrd, initrd_size; /* size 0: none */
	uint64_t rtas, rtas_size;     /* the blob, below 4 GiB */
	unsigned int nservices;
	struct dt_guest_service services[DT_GUEST_MAX_SERVICES];
	uint32_t vty;
	unsigned int nphbs;
	const struct dt_guest_phb *phbs;
};

/* Bytes that are enough for the tree of a guest with so many host bridges. */
static inline size_t dt_guest_size(unsigned int nphbs)
{
	return 0x10000u * (1 + (nphbs ? (nphbs - 1) / 8 : 0));
}

/*
 * What is in the tree, and why, is in dt_guest*.c; docs/BOARDS.md has the property of our own.
 * Nothing of buf but the tree itself means anything, and all of it is overwritten.
 * -ENOSPC: buf (8-byte aligned) is too small for it. -EINVAL: more of something than there is room
 * for, no CPU, a string that is missing, or two things of one address.
 */
int dt_guest_build(const struct dt_guest *guest, void *buf, size_t size) must_check;

#endif
