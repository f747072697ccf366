// SPDX-License-Identifier: Apache-2.0
/*
 * Partition-scoped radix translation (Power ISA 3.0B book III, 5.7): one tree per partition, found
 * by the hardware through the partition table and LPIDR.
 */
#ifndef ARCH_PPC64_MMU_H
#define ARCH_PPC64_MMU_H

#include "core/addr.h"
#include "core/err.h"
#include "core/lock.h"
#include "core/mem.h"

#include <stdatomic.h>
#include <stdint.h>

/* Guest-real addresses have so many bits; the tree's root takes the top 13, three levels 9 each. */
#define MMU_GPA_BITS 52

struct arch_partition {
	struct mem_pool *pool;
	struct lock lock; /* the tree */
	unsigned int lpid;
	hpa_t root;
	/* LPCR of the partition's vCPUs, as H_SET_MODE has left it. */
	_Atomic uint64_t lpcr;
	/* The second doubleword of its partition table entry. */
	uint64_t process_table;
};

/* Makes this thread use the partition table. */
void mmu_init_thread(void);

#endif
