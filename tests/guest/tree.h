// SPDX-License-Identifier: Apache-2.0
/*
 * What the guest knows: its device tree, read once into plain structs.
 */
#ifndef TESTS_GUEST_TREE_H
#define TESTS_GUEST_TREE_H

#include <stdbool.h>
#include <stdint.h>

#define TREE_MAX_PHBS  31u
#define TREE_MAX_FUNCS 8u

struct tree_func {
	uint32_t config_addr; /* bus, device and function as `reg` has them */
	uint32_t vendor, device, class_code, revision;
	uint64_t bar0_bus, bar0_size; /* bus address 0: not assigned */
};

struct tree_phb {
	char name[40];
	uint64_t buid;
	uint32_t liobn;
	uint64_t window_base, window_size;
	uint64_t bypass_base, bypass_size; /* size 0: not announced */
	uint64_t mem32_bus, mem32_cpu, mem32_size;
	bool ddw; /* dynamic windows are announced, with these tokens */
	uint32_t ddw_query, ddw_create, ddw_remove, ddw_reset; /* 0: not announced */
	bool vio; /* a device of the virtual I/O bus, not a bridge: a window and nothing else */
	unsigned int nfuncs;
	struct tree_func funcs[TREE_MAX_FUNCS];
};

struct tree {
	bool qemu; /* QEMU's own pseries machine is the hypervisor */
	uint64_t memory;
	uint32_t vty;
	unsigned int ncpus;   /* threads */
	uint32_t second_cpu;  /* what start-cpu calls the one after the boot CPU */
	uint64_t timebase_hz; /* of the first */
	uint32_t rtas_base, rtas_entry, rtas_size;
	uint64_t blob, blob_size; /* the tree itself */
	char bootargs[128];
	unsigned int nphbs;
	struct tree_phb phbs[TREE_MAX_PHBS];
};

extern struct tree tree;

/* NULL, or what is wrong with it in words; as much as was understood is filled in. */
const char *tree_read(const void *fdt);

/* Whether this word is among the boot arguments. */
bool tree_has_bootarg(const char *word);

/* The token of an RTAS service. */
bool tree_rtas_token(const char *service, uint32_t *token);

#endif
