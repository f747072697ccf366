// SPDX-License-Identifier: Apache-2.0
/*
 * Hypercalls and RTAS. RTAS is big-endian and addressed by 32 bits; everything of ours is below
 * 4 GiB.
 */
#include "tests/guest/hv.h"

#include "tests/guest/problem.h"
#include "tests/guest/tree.h"

#include <string.h>

#define MSR_EE	     0x8000ull
#define DEC_FAR_AWAY 0x7fffffffull /* four seconds */

static uintptr_t rtas_entry;
static struct rtas_buffer buffer __attribute__((aligned(64)));

uint32_t be32(uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

uint64_t be64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(v);
#else
	return v;
#endif
}

void interrupts_on(void)
{
	__asm__ volatile("mtdec %0; mtmsrd %1, 1" : : "r"(DEC_FAR_AWAY), "r"(MSR_EE) : "memory");
}

void interrupts_off(void)
{
	__asm__ volatile("mtmsrd %0, 1" : : "r"(0ull) : "memory");
}

int64_t hv_call_regs(struct hv_regs *regs, enum hv_mode mode)
{
	interrupts_on();
	switch (mode) {
	case HV_SF32:
		hv_trap_sf32(regs);
		break;
	case HV_PROBLEM:
		problem_trap(regs);
		break;
	case HV_NORMAL:
	default:
		hv_trap(regs);
		break;
	}
	return (int64_t)regs->r[0];
}

int64_t hv_call(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6, uint64_t r7)
{
	struct hv_regs regs = {.r = {opcode, r4, r5, r6, r7}};

	return hv_call_regs(&regs, HV_NORMAL);
}

void rtas_init(uint32_t entry)
{
	rtas_entry = entry ? entry : (uintptr_t)own_rtas;
}

int32_t rtas_call_with(struct rtas_buffer *b, const char *service, const uint32_t *args,
	unsigned int nargs, uint32_t *rets, unsigned int nret)
{
	uint32_t token;

	if (!tree_rtas_token(service, &token) || nargs + nret > RTAS_CELLS) {
		return -1;
	}
	memset(b, 0, sizeof(*b));
	b->token = be32(token);
	b->nargs = be32(nargs);
	b->nret = be32(nret);
	for (unsigned int i = 0; i < nargs; i++) {
		b->cells[i] = be32(args[i]);
	}
	/* The call reads and writes memory that the compiler sees no pointer of go there. */
	__asm__ volatile("" : : : "memory");
	rtas_enter((uintptr_t)b, rtas_entry);
	__asm__ volatile("" : : : "memory");
	for (unsigned int i = 0; i < nret; i++) {
		rets[i] = be32(b->cells[nargs + i]);
	}
	return nret ? (int32_t)rets[0] : 0;
}

int32_t rtas_call(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret)
{
	return rtas_call_with(&buffer, service, args, nargs, rets, nret);
}

void power_off(void)
{
	const uint32_t mask[2] = {0, 0};
	uint32_t status;

	for (;;) {
		rtas_call("power-off", mask, 2, &status, 1);
	}
}
