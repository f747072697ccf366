// SPDX-License-Identifier: Apache-2.0
/*
 * Walks a guest's radix tree. Only the shape that POWER9 and POWER10 implement is taken: 52 bits
 * in four levels of 13, 9, 9 and 9 or 5 bits. So the walk reads at most five entries whatever the
 * guest wrote, each of them once, since another vCPU may change it between two reads.
 */
#include "arch/ppc64/radix_walk.h"

#include "arch/ppc64/layout.h"
#include "core/be.h"
#include "core/range.h"

#include <stddef.h>

/* Effective address: two bits of quadrant, then zeros, then what the tree translates. */
#define EA_QUADRANT_SHIFT 62
#define EA_BITS		  52
#define EA_UNUSED	  0x3ff0000000000000ull
#define QUADRANT_USER	  0u
#define QUADRANT_KERNEL	  3u
#define REAL_MODE_MASK	  0x0fffffffffffffffull

/* Process table: as the partition table entry has it, and its own entries' first doubleword. */
#define PRTB_MASK      0x0ffffffffffff000ull
#define PRTS_MASK      0x1full
#define PRTS_MAX       24u
#define PRTS_UNIT      12u
#define PRTE_SIZE      16u
#define PRTE_RTS_MASK  0x60000000000000e0ull
#define PRTE_RTS_52    0x40000000000000a0ull
#define PRTE_RPDB_MASK 0x0fffffffffffff00ull
#define PRTE_RPDS_MASK 0x1full

/* An entry of the tree: a directory's, or a page's (leaf). */
#define ENTRY_VALID (1ull << 63)
#define ENTRY_LEAF  (1ull << 62)
#define PDE_NLB	    0x0fffffffffffff00ull
#define PDE_NLS	    0x1full
#define PTE_RPN	    0x01fffffffffff000ull
#define PTE_KERNEL  0x8ull
#define PTE_READ    0x6ull /* read, or read and write */
#define PTE_EXECUTE 0x1ull

#define LEVELS	      4u
#define ROOT	      0u
#define LAST	      (LEVELS - 1)
#define LAST_BITS_64K 5u

static const uint8_t level_bits[LEVELS] = {13, 9, 9, 9};

struct table {
	uint64_t base;
	unsigned int bits;
};

static int read_doubleword(const struct guest_mem *mem, uint64_t at, uint64_t *out)
{
	be64_t raw;

	if (guest_mem_read(mem, gpa(at), &raw, sizeof(raw))) {
		return -EFAULT;
	}
	*out = be64_get(raw);
	return 0;
}

/* The root of a process's tree. */
static int find_root(const struct guest_mem *mem, const struct radix_ctx *ctx,
	unsigned int quadrant, struct table *root)
{
	uint64_t base = ctx->process_table & PRTB_MASK;
	unsigned int shift = (unsigned int)(ctx->process_table & PRTS_MASK);
	uint64_t offset = quadrant == QUADRANT_KERNEL ? 0 : (uint64_t)ctx->pid * PRTE_SIZE;
	uint64_t entry;

	if (!ctx->process_table || shift > PRTS_MAX ||
		!range_below(offset, PRTE_SIZE, 1ull << (shift + PRTS_UNIT))) {
		return -EFAULT;
	}
	if (read_doubleword(mem, base + offset, &entry) || (entry & PRTE_RTS_MASK) != PRTE_RTS_52) {
		return -EFAULT;
	}
	root->base = entry & PRTE_RPDB_MASK;
	root->bits = (unsigned int)(entry & PRTE_RPDS_MASK);
	return 0;
}

static bool table_ok(const struct table *t, unsigned int level)
{
	if (t->bits != level_bits[level] && !(level == LAST && t->bits == LAST_BITS_64K)) {
		return false;
	}
	return is_aligned(t->base, 8ull << t->bits);
}

static bool leaf_ok(uint64_t entry, unsigned int level, uint64_t msr, bool fetch)
{
	uint64_t needs = fetch ? PTE_EXECUTE : PTE_READ;
	bool problem = msr >> MSR_PR_BIT & 1;

	return level != ROOT && (entry & needs) && !(problem && (entry & PTE_KERNEL));
}

static int walk(const struct guest_mem *mem, struct table t, uint64_t ea, uint64_t msr, bool fetch,
	gpa_t *out)
{
	unsigned int left = EA_BITS;

	for (unsigned int level = ROOT; level < LEVELS; level++) {
		uint64_t entry;

		if (!table_ok(&t, level)) {
			return -EFAULT;
		}
		left -= t.bits;
		uint64_t slot = ea >> left & ((1ull << t.bits) - 1);

		if (read_doubleword(mem, t.base + slot * 8, &entry) || !(entry & ENTRY_VALID)) {
			return -EFAULT;
		}
		if (entry & ENTRY_LEAF) {
			uint64_t inside = (1ull << left) - 1;

			if (!leaf_ok(entry, level, msr, fetch)) {
				return -EFAULT;
			}
			*out = gpa((entry & PTE_RPN & ~inside) | (ea & inside));
			return 0;
		}
		t.base = entry & PDE_NLB;
		t.bits = (unsigned int)(entry & PDE_NLS);
	}
	return -EFAULT;
}

int radix_walk_ea(const struct guest_mem *mem, const struct radix_ctx *ctx, uint64_t ea,
	uint64_t msr, bool fetch, gpa_t *out)
{
	unsigned int quadrant;
	struct table root;

	if (!(msr >> MSR_SF_BIT)) {
		ea &= UINT32_MAX;
	}
	if (!(msr >> (fetch ? MSR_IR_BIT : MSR_DR_BIT) & 1)) {
		*out = gpa(ea & REAL_MODE_MASK);
		return 0;
	}
	quadrant = (unsigned int)(ea >> EA_QUADRANT_SHIFT);
	/* The two quadrants between are the hypervisor's. */
	if ((quadrant != QUADRANT_USER && quadrant != QUADRANT_KERNEL) || (ea & EA_UNUSED)) {
		return -EFAULT;
	}
	if (find_root(mem, ctx, quadrant, &root)) {
		return -EFAULT;
	}
	return walk(mem, root, ea, msr, fetch, out);
}
