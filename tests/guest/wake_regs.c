// SPDX-License-Identifier: Apache-2.0
/*
 * A hypercall changes what it says it changes and no other register, whatever the hypervisor and
 * firmware below it did meanwhile: the caller's values are kept, and none of theirs is left behind.
 */
#include "tests/guest/wake.h"

#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

#define NO_CALL	  0u
#define TCE_PAGE  4096u
#define TCE_RW	  3u
#define DMA_PAGE  0x1000000u /* any page of memory: no device is told of it */
#define MANY	  1200u	     /* TCEs: more than are cleared in one go */
#define R(n)	  (1u << (n))
#define XER_SO_CA 0xa0000000ull
#define PPR_LOW	  (2ull << 50)

enum { NAME_CR = 32, NAME_LR, NAME_CTR, NAME_XER, NAME_PPR, NAME_CFAR, NREGS };

/* wake_regs_entry.S knows the places: r0 to r31, and what the names above say. */
struct regs_block {
	uint64_t in[NREGS], out[NREGS];
};

_Static_assert(offsetof(struct regs_block, out) == 304, "out");

void regs_trap(struct regs_block *block);

struct call {
	const char *name;
	uint64_t opcode, r5, r6, r7;
	uint32_t results; /* registers that it may change; r3 always */
	int64_t status;
};

static const struct call calls[] = {
	{"a call that there is none of", NO_CALL, 1, 2, 3, 0, H_FUNCTION},
	{"a refused call", H_PUT_TCE, 1, TCE_RW, 3, 0, H_PARAMETER},
	{"H_PUT_TCE", H_PUT_TCE, 0, DMA_PAGE | TCE_RW, 3, 0, H_SUCCESS},
	{"H_GET_TCE", H_GET_TCE, 0, 2, 3, R(4), H_SUCCESS},
	{"H_STUFF_TCE in slices", H_STUFF_TCE, 0, 0, MANY, R(5) | R(7), H_SUCCESS},
	{"H_CEDE", H_CEDE, 1, 2, 3, 0, H_SUCCESS},
};

static struct regs_block block;

/* A value that is in no other register. */
static void fill(const struct call *c, uint64_t r4)
{
	for (unsigned int n = 0; n < 32; n++) {
		block.in[n] = 0x5aa5000000001000ull * (n + 1) + n;
	}
	block.in[3] = c->opcode;
	block.in[4] = r4;
	block.in[5] = c->r5;
	block.in[6] = c->r6;
	block.in[7] = c->r7;
	block.in[NAME_CR] = 0x84218421;
	block.in[NAME_LR] = 0x1234567812345678;
	block.in[NAME_CTR] = 0x8765432187654321;
	block.in[NAME_XER] = XER_SO_CA;
	block.in[NAME_PPR] = PPR_LOW;
}

static bool same(const struct call *c)
{
	static const char *const names[] = {"CR", "LR", "CTR", "XER", "PPR", "CFAR"};
	bool good = true;

	for (unsigned int n = 0; n < NREGS; n++) {
		if (n == 3 || (n < 32 && (c->results & R(n))) || block.in[n] == block.out[n]) {
			continue;
		}
		tap_note("%s%.0u was %016" PRIx64 ", is %016" PRIx64, n < 32 ? "r" : names[n - 32],
			n < 32 ? n : 0, block.in[n], block.out[n]);
		good = false;
	}
	return good;
}

void test_registers(void)
{
	const struct tree_phb *phb = &tree.phbs[0];
	uint64_t r4 = tree.nphbs ? phb->liobn : 0;

	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct call *c = &calls[i];

		if (!r4 && c->opcode >= H_GET_TCE && c->opcode != H_CEDE) {
			tap_skip(c->name, "there is no DMA window");
			continue;
		}
		/* So that it does not wait. */
		hcall(H_PROD, self_id(), 0, 0);
		dec_far();
		fill(c, r4);
		regs_trap(&block);
		interrupts_off();
		tap_ok((int64_t)block.out[3] == c->status && same(c),
			"%s changes no register but its results", c->name);
	}
}
