// SPDX-License-Identifier: Apache-2.0
/*
 * Radix trees for partitions. RAM is mapped with the largest leaves that fit, device memory with
 * the smallest that are needed, cache-inhibited: memory the processor may cache must never be a
 * device's (a machine checkstops over it). Tables come from the pool and go back with the
 * partition.
 */
#include "arch/ppc64/mmu.h"

#include "arch/ppc64/spr.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/range.h"

#include <string.h>

#define PATB_SHIFT   16 /* the partition table's size; PTCR counts it from 2^12 */
#define PATB_ENTRIES ((1u << PATB_SHIFT) / 16)

#define ENTRY_VALID (1ull << 63)
#define ENTRY_LEAF  (1ull << 62)
#define ENTRY_ADDR  0x01fffffffffff000ull
/* Reference and change set: nobody collects them. */
#define LEAF_RAM (ENTRY_VALID | ENTRY_LEAF | 0x180 | 0x7)
#define LEAF_MMIO \
	(ENTRY_VALID | ENTRY_LEAF | 0x180 | 0x20 | 0x6) /* non-idempotent I/O, no execute */

#define PATE_HR	      (1ull << 63)
#define PATE_RTS_52   0x40000000000000a0ull /* radix tree size: 52 bits */
#define LEVELS	      4
#define TLBIE_IS_LPID 0x800

/* Of tlbiel: all translations, one congruence class at a time; POWER9 has 128, others fewer. */
#define TLBIEL_IS_ALL	 0xc00u
#define TLBIEL_SET_SHIFT 12
#define TLB_SETS	 128u

/* Bits translated by an entry of each level, from the root, and by the level itself. */
static const unsigned int level_shift[LEVELS] = {39, 30, 21, 12};
static const unsigned int level_bits[LEVELS] = {13, 9, 9, 9};

/* Hardware reads it; two big-endian doublewords per LPID. Entry 0 stays zero: no partition. */
static uint64_t partition_table[PATB_ENTRIES * 2]
	__attribute__((aligned(1 << PATB_SHIFT), section(".bss.aligned")));

static struct arch_partition partitions[PARTITION_MAX];

/* What firmware, or whoever ran before it, left in this thread's TLB. */
static void flush_thread(void)
{
	__asm__ volatile("ptesync" : : : "memory");
	for (uint64_t set = 0; set < TLB_SETS; set++) {
		uint64_t rb = TLBIEL_IS_ALL | set << TLBIEL_SET_SHIFT;

		__asm__ volatile(".machine push\n\t.machine power9\n\t"
				 "tlbiel %0, %1, 2, 1, 1\n\t"
				 "tlbiel %0, %1, 2, 0, 1\n\t"
				 ".machine pop"
				 :
				 : "r"(rb), "r"((uint64_t)0)
				 : "memory");
	}
	__asm__ volatile("ptesync; isync" : : : "memory");
}

void mmu_init_thread(void)
{
	spr_write(SPR_PTCR, (uintptr_t)partition_table | (PATB_SHIFT - 12));
	spr_write(SPR_LPIDR, 0);
	isync();
	flush_thread();
}

/* Everything cached of one partition's translations goes, on all threads: what its guest's own
 * trees gave (PRS = 1) and what ours did. The last one twice: a POWER9 may lose stores that race
 * with a single tlbie. */
static void flush_lpid(unsigned int lpid)
{
	__asm__ volatile(".machine push\n\t.machine power9\n\t"
			 "ptesync\n\t"
			 "tlbie %0, %1, 2, 1, 1\n\t"
			 "tlbie %0, %1, 2, 0, 1\n\t"
			 "eieio\n\ttlbsync\n\tptesync\n\t"
			 "tlbie %0, %1, 2, 0, 1\n\t"
			 "eieio\n\ttlbsync\n\tptesync\n\t"
			 ".machine pop"
			 :
			 : "r"((uint64_t)TLBIE_IS_LPID), "r"((uint64_t)lpid)
			 : "memory");
}

/* dcbz makes a whole line at once and reads none; both processors' lines have 128 bytes. */
#define LINE 128u

void arch_clear_memory(void *at, uint64_t size)
{
	for (uint64_t off = 0; off < size; off += LINE) {
		__asm__ volatile("dcbz 0, %0" : : "r"((uintptr_t)at + off) : "memory");
	}
}

static uint64_t *table_at(const struct arch_partition *a, uint64_t entry)
{
	return mem_ptr(a->pool, hpa(entry & ENTRY_ADDR));
}

static uint64_t table_bytes(unsigned int level)
{
	return 8ull << level_bits[level];
}

static unsigned int slot(gpa_t at, unsigned int level)
{
	return (unsigned int)(at.v >> level_shift[level]) & ((1u << level_bits[level]) - 1);
}

static int add_table(struct arch_partition *a, uint64_t *entry, unsigned int level)
{
	hpa_t page;
	int err = mem_alloc(a->pool, table_bytes(level), table_bytes(level), &page);

	if (err) {
		return err;
	}
	memset(mem_ptr(a->pool, page), 0, table_bytes(level));
	/* Walkers of other threads must find the table empty, not as its last owner left it. */
	__asm__ volatile("lwsync" : : : "memory");
	*(volatile uint64_t *)entry = ENTRY_VALID | page.v | level_bits[level];
	return 0;
}

/* The entry for at on the given level. Tables on the way are made if make is set; -ENOENT: one is
 * missing; -EEXIST: a larger leaf covers it. */
static int find_entry(
	struct arch_partition *a, gpa_t at, unsigned int level, bool make, uint64_t **out)
{
	uint64_t *table = mem_ptr(a->pool, a->root);

	for (unsigned int l = 0;; l++) {
		uint64_t *entry = &table[slot(at, l)];

		if (l == level) {
			*out = entry;
			return 0;
		}
		if (!*entry) {
			int err = make ? add_table(a, entry, l + 1) : -ENOENT;

			if (err) {
				return err;
			}
		}
		if (*entry & ENTRY_LEAF) {
			return -EEXIST;
		}
		table = table_at(a, *entry);
	}
}

/* The level whose leaf is the largest that at, to and size allow; the root holds no leaves. */
static unsigned int leaf_level(gpa_t at, hpa_t to, uint64_t size)
{
	unsigned int level = 1;

	while (level < LEVELS - 1 &&
		(size < 1ull << level_shift[level] ||
			!is_aligned(at.v | to.v, 1ull << level_shift[level]))) {
		level++;
	}
	return level;
}

static int map_range(struct arch_partition *a, gpa_t at, hpa_t to, uint64_t size, uint64_t flags)
{
	while (size) {
		unsigned int level = leaf_level(at, to, size);
		uint64_t step = 1ull << level_shift[level];
		uint64_t *entry;
		int err = find_entry(a, at, level, true, &entry);

		if (!err && *entry) {
			err = -EEXIST;
		}
		if (err) {
			return err;
		}
		*(volatile uint64_t *)entry = to.v | flags;
		at.v += step;
		to.v += step;
		size -= step;
	}
	__asm__ volatile("ptesync" : : : "memory");
	return 0;
}

/* Gives the tables below an entry back. Depth is at most LEVELS. */
static void free_tables(struct arch_partition *a, uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; i < 1u << level_bits[level]; i++) {
		if (!table[i] || (table[i] & ENTRY_LEAF)) {
			continue;
		}
		uint64_t *below = table_at(a, table[i]);

		if (level + 1 < LEVELS - 1) {
			free_tables(a, below, level + 1);
		}
		if (mem_free(a->pool, hpa(table[i] & ENTRY_ADDR), table_bytes(level + 1))) {
			log_msg(LOG_ERR, "mmu: a page table could not be given back");
		}
	}
}

int arch_partition_init(struct partition *p, struct mem_pool *pool)
{
	struct arch_partition *a;
	int err;

	if (p->lpid == 0 || p->lpid > PARTITION_MAX) {
		return -EINVAL;
	}
	a = &partitions[p->lpid - 1];
	memset(a, 0, sizeof(*a));
	a->pool = pool;
	a->lpid = p->lpid;
	a->lpcr = LPCR_GUEST;
	err = mem_alloc(pool, table_bytes(0), table_bytes(0), &a->root);
	if (err) {
		return err;
	}
	memset(mem_ptr(pool, a->root), 0, table_bytes(0));
	p->arch = a;
	err = map_range(a, gpa(0), p->mem.host, p->mem.size, LEAF_RAM);
	if (err) {
		arch_partition_free(p, pool);
		return err;
	}
	/* The process table stays empty: the guest registers one, or runs with translation off. */
	partition_table[p->lpid * 2 + 1] = 0;
	partition_table[p->lpid * 2] = PATE_HR | PATE_RTS_52 | a->root.v | level_bits[0];
	flush_lpid(p->lpid);
	return 0;
}

void arch_set_process_table(struct partition *p, uint64_t entry)
{
	struct arch_partition *a = p->arch;

	a->process_table = entry;
	partition_table[a->lpid * 2 + 1] = entry;
	flush_lpid(a->lpid);
}

void arch_partition_free(struct partition *p, struct mem_pool *pool)
{
	struct arch_partition *a = p->arch;

	if (!a) {
		return;
	}
	partition_table[a->lpid * 2] = 0;
	partition_table[a->lpid * 2 + 1] = 0;
	flush_lpid(a->lpid);
	free_tables(a, mem_ptr(pool, a->root), 0);
	if (mem_free(pool, a->root, table_bytes(0))) {
		log_msg(LOG_ERR, "mmu: a page table could not be given back");
	}
	p->arch = NULL;
}

static void unmap_pages(struct arch_partition *a, gpa_t at, uint64_t size)
{
	while (size) {
		unsigned int level = 1;
		uint64_t *entry;
		uint64_t step;

		/* The leaf may be of any size; -EEXIST says that it lies higher. */
		while (level < LEVELS - 1 &&
			(find_entry(a, at, level, false, &entry) || !(*entry & ENTRY_LEAF))) {
			level++;
		}
		step = 1ull << level_shift[level];
		if (!find_entry(a, at, level, false, &entry)) {
			*(volatile uint64_t *)entry = 0;
		}
		at.v += step;
		size -= step < size ? step : size;
	}
}

static bool mmio_ok(gpa_t at, hpa_t to, uint64_t size)
{
	return size && is_aligned(at.v | to.v | size, MEM_PAGE) &&
	       range_below(at.v, size, 1ull << MMU_GPA_BITS) &&
	       range_below(to.v, size, 1ull << MMU_GPA_BITS);
}

int arch_map_mmio(struct partition *p, gpa_t at, hpa_t to, uint64_t size)
{
	struct arch_partition *a = p->arch;
	uint64_t *entry;
	int err = 0;

	if (!mmio_ok(at, to, size)) {
		return -EINVAL;
	}
	lock_take(&a->lock);
	/* Nothing of the range may be there, so that undoing takes only what was ours. */
	for (uint64_t off = 0; off < size && !err; off += MEM_PAGE) {
		int found = find_entry(a, gpa(at.v + off), LEVELS - 1, false, &entry);

		if (found == -EEXIST || (!found && *entry)) {
			err = -EEXIST;
		}
	}
	if (!err) {
		err = map_range(a, at, to, size, LEAF_MMIO);
		if (err) {
			unmap_pages(a, at, size);
			flush_lpid(a->lpid);
		}
	}
	lock_drop(&a->lock);
	return err;
}

void arch_unmap_mmio(struct partition *p, gpa_t at, uint64_t size)
{
	struct arch_partition *a = p->arch;

	lock_take(&a->lock);
	unmap_pages(a, at, size);
	flush_lpid(a->lpid);
	lock_drop(&a->lock);
}
