// SPDX-License-Identifier: Apache-2.0
/*
 * A radix tree that maps the first 1 GiB to itself for problem state (Power ISA 3.0B, Book III
 * 5.7.10): 13 bits, then 9, then a level of 2 MiB leaves.
 *
 * The process table has one entry, for PID 0. A hypervisor that has H_REGISTER_PROC_TBL is told
 * where it is; one that has not leaves the partition's table at guest-real 0, which is ours.
 */
#include "tests/guest/problem.h"

#include "tests/guest/trap.h"

#include <stddef.h>
#include <string.h>

#define ROOT_ENTRIES	8192u
#define LEVEL_ENTRIES	512u
#define LEAF_SHIFT	21u
#define PTE_VALID	(1ull << 63)
#define PTE_LEAF	(1ull << 62)
#define PTE_USER_RWX	0x187ull /* referenced, changed, read, write, execute */
#define NEXT_LEVEL_BITS 9ull
#define PRTE_52_BITS	0x40000000000000a0ull
#define PRTE_ROOT_BITS	13ull

/* Register a radix process table, guest translation shootdown allowed (LoPAR 14.15.4). */
#define REGISTER_FLAGS 0x1du

#define SYSTEM_CALL_VECTOR 0xc00u

static uint64_t root[ROOT_ENTRIES] __attribute__((aligned(65536)));
static uint64_t level1[LEVEL_ENTRIES] __attribute__((aligned(4096)));
static uint64_t level2[LEVEL_ENTRIES] __attribute__((aligned(4096)));
static uint64_t device_level2[LEVEL_ENTRIES] __attribute__((aligned(4096)));
static uint64_t process_table[LEVEL_ENTRIES] __attribute__((aligned(4096)));

static void build_tree(void)
{
	root[0] = be64(PTE_VALID | (uintptr_t)level1 | NEXT_LEVEL_BITS);
	level1[0] = be64(PTE_VALID | (uintptr_t)level2 | NEXT_LEVEL_BITS);
	for (uint64_t i = 0; i < LEVEL_ENTRIES; i++) {
		level2[i] = be64(PTE_VALID | PTE_LEAF | i << LEAF_SHIFT | PTE_USER_RWX);
	}
	process_table[0] = be64(PRTE_52_BITS | (uintptr_t)root | PRTE_ROOT_BITS);
	process_table[1] = 0;
}

static void enter(void *regs)
{
	/* Problem state cannot hold off the decrementer; the last hypercall has set it far off. */
	problem_enter(regs);
}

void problem_trap(struct hv_regs *regs)
{
	trap_catch(enter, regs);
}

uint64_t problem_map(uint64_t real)
{
	const uint64_t within = real & ((1ull << LEAF_SHIFT) - 1);

	device_level2[0] = be64(PTE_VALID | PTE_LEAF | (real - within) | PTE_USER_RWX);
	level1[1] = be64(PTE_VALID | (uintptr_t)device_level2 | NEXT_LEVEL_BITS);
	__asm__ volatile("ptesync; isync" : : : "memory");
	return PROBLEM_DEVICE + within;
}

bool problem_prepare(void)
{
	struct hv_regs regs = {.r = {H_GET_TCE}};
	uintptr_t zero = 0;

	build_tree();
	if (hv_call(H_REGISTER_PROC_TBL, REGISTER_FLAGS, (uintptr_t)process_table, 0, 0) !=
		H_SUCCESS) {
		__asm__("" : "+r"(zero));
		memcpy((void *)zero, process_table, 16);
	}
	__asm__ volatile("mtspr 48, %0; ptesync; isync" : : "r"(0ull) : "memory");
	return trap_catch(enter, &regs) == SYSTEM_CALL_VECTOR;
}
