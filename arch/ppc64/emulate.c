// SPDX-License-Identifier: Apache-2.0
/*
 * Decodes the loads and stores that drivers use for device registers and does them through the
 * caller's access function. What is understood, and what is refused by name, are tables.
 */
#include "arch/ppc64/emulate.h"

#include "core/be.h"

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PAGE_OFFSET 0xfffull

#define STORE	 1u
#define UPDATE	 2u /* RA gets the effective address */
#define REVERSED 4u /* the other byte order than MSR[LE] says */
#define SIGNED	 8u

/* Primary opcodes with an extended opcode: X form, and DS form loads and stores. */
#define OP_X	    31u
#define OP_DS_LOAD  58u
#define OP_DS_STORE 62u

struct kind {
	uint8_t primary;
	uint16_t extended;
	uint8_t size;
	uint8_t flags;
};

static const struct kind kinds[] = {
	{32, 0, 4, 0},			     /* lwz */
	{33, 0, 4, UPDATE},		     /* lwzu */
	{34, 0, 1, 0},			     /* lbz */
	{35, 0, 1, UPDATE},		     /* lbzu */
	{36, 0, 4, STORE},		     /* stw */
	{37, 0, 4, STORE | UPDATE},	     /* stwu */
	{38, 0, 1, STORE},		     /* stb */
	{39, 0, 1, STORE | UPDATE},	     /* stbu */
	{40, 0, 2, 0},			     /* lhz */
	{41, 0, 2, UPDATE},		     /* lhzu */
	{42, 0, 2, SIGNED},		     /* lha */
	{43, 0, 2, SIGNED | UPDATE},	     /* lhau */
	{44, 0, 2, STORE},		     /* sth */
	{45, 0, 2, STORE | UPDATE},	     /* sthu */
	{OP_DS_LOAD, 0, 8, 0},		     /* ld */
	{OP_DS_LOAD, 1, 8, UPDATE},	     /* ldu */
	{OP_DS_LOAD, 2, 4, SIGNED},	     /* lwa */
	{OP_DS_STORE, 0, 8, STORE},	     /* std */
	{OP_DS_STORE, 1, 8, STORE | UPDATE}, /* stdu */
	{OP_X, 21, 8, 0},		     /* ldx */
	{OP_X, 23, 4, 0},		     /* lwzx */
	{OP_X, 53, 8, UPDATE},		     /* ldux */
	{OP_X, 55, 4, UPDATE},		     /* lwzux */
	{OP_X, 87, 1, 0},		     /* lbzx */
	{OP_X, 119, 1, UPDATE},		     /* lbzux */
	{OP_X, 149, 8, STORE},		     /* stdx */
	{OP_X, 151, 4, STORE},		     /* stwx */
	{OP_X, 181, 8, STORE | UPDATE},	     /* stdux */
	{OP_X, 183, 4, STORE | UPDATE},	     /* stwux */
	{OP_X, 215, 1, STORE},		     /* stbx */
	{OP_X, 247, 1, STORE | UPDATE},	     /* stbux */
	{OP_X, 279, 2, 0},		     /* lhzx */
	{OP_X, 311, 2, UPDATE},		     /* lhzux */
	{OP_X, 341, 4, SIGNED},		     /* lwax */
	{OP_X, 343, 2, SIGNED},		     /* lhax */
	{OP_X, 373, 4, SIGNED | UPDATE},     /* lwaux */
	{OP_X, 375, 2, SIGNED | UPDATE},     /* lhaux */
	{OP_X, 407, 2, STORE},		     /* sthx */
	{OP_X, 439, 2, STORE | UPDATE},	     /* sthux */
	{OP_X, 532, 8, REVERSED},	     /* ldbrx */
	{OP_X, 534, 4, REVERSED},	     /* lwbrx */
	{OP_X, 660, 8, STORE | REVERSED},    /* stdbrx */
	{OP_X, 662, 4, STORE | REVERSED},    /* stwbrx */
	{OP_X, 790, 2, REVERSED},	     /* lhbrx */
	{OP_X, 918, 2, STORE | REVERSED},    /* sthbrx */
};

static const char why_vector[] = "vector load or store";
static const char why_float[] = "floating-point load or store";
static const char why_quadword[] = "quadword load or store";
static const char why_multiple[] = "load or store of several registers";

/* Why whole ranges of primary opcodes are refused; for the report only. */
static const struct {
	uint8_t first, last;
	const char *why;
} refused_primary[] = {
	{1, 1, "prefixed instruction"},
	{6, 6, why_vector},
	{46, 47, why_multiple},
	{48, 55, why_float},
	{56, 56, why_quadword},
	{57, 57, why_float},
	{61, 61, why_vector},
	{62, 62, why_quadword},
};

/* The same by extended opcodes of the X form; a list ends at 0. */
static const struct {
	const char *why;
	uint16_t extended[48];
} refused_x[] = {
	{"cache block instruction", {54, 86, 246, 278, 470, 758, 982, 1014}},
	{"load and reserve, or store conditional", {20, 52, 84, 116, 150, 182, 214, 276, 694, 726}},
	{"atomic memory operation", {582, 614, 710, 742}},
	{"copy or paste", {774, 902}},
	{why_multiple, {533, 597, 661, 725}},
	{why_float, {535, 567, 599, 631, 663, 695, 727, 759, 791, 855, 887, 919, 983}},
	{why_vector, {7, 12, 13, 39, 45, 71, 76, 77, 103, 109, 135, 140, 141, 167, 173, 199, 205,
			     231, 237, 268, 269, 300, 301, 332, 333, 359, 364, 396, 397, 429, 461,
			     487, 524, 588, 652, 716, 780, 781, 812, 813, 844, 876, 908, 909, 940,
			     941, 972, 1004}},
};

struct decoded {
	const struct kind *kind;
	unsigned int rt, ra;
	uint64_t ea;
};

static unsigned int primary_of(uint32_t insn)
{
	return insn >> 26;
}

static uint32_t extended_of(uint32_t insn)
{
	switch (primary_of(insn)) {
	case OP_X:
		return insn >> 1 & 0x3ff;
	case OP_DS_LOAD:
	case OP_DS_STORE:
		return insn & 3;
	default:
		return 0;
	}
}

static const struct kind *find_kind(uint32_t insn)
{
	uint32_t extended = extended_of(insn);

	/* The last bit of the X form is reserved in all we know. */
	if (primary_of(insn) == OP_X && (insn & 1)) {
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].primary == primary_of(insn) && kinds[i].extended == extended) {
			return &kinds[i];
		}
	}
	return NULL;
}

static const char *why_x_refused(uint32_t extended)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_x); i++) {
		const uint16_t *list = refused_x[i].extended;

		for (size_t k = 0; k < ARRAY_SIZE(refused_x[i].extended) && list[k]; k++) {
			if (list[k] == extended) {
				return refused_x[i].why;
			}
		}
	}
	return NULL;
}

static const char *why_refused(uint32_t insn)
{
	unsigned int primary = primary_of(insn);
	const char *why = primary == OP_X ? why_x_refused(extended_of(insn)) : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(refused_primary) && !why; i++) {
		if (primary >= refused_primary[i].first && primary <= refused_primary[i].last) {
			why = refused_primary[i].why;
		}
	}
	return why ? why : "not a known load or store";
}

static bool is_64bit(const struct vcpu_regs *regs)
{
	return regs->msr >> MSR_SF_BIT;
}

static uint64_t truncated(const struct vcpu_regs *regs, uint64_t address)
{
	return is_64bit(regs) ? address : address & UINT32_MAX;
}

static uint64_t effective_address(const struct vcpu_regs *regs, uint32_t insn, unsigned int ra)
{
	uint64_t base = ra ? regs->gpr[ra] : 0;
	uint64_t offset = (uint64_t)(int64_t)(int16_t)(uint16_t)insn;

	switch (primary_of(insn)) {
	case OP_X:
		offset = regs->gpr[insn >> 11 & 31];
		break;
	case OP_DS_LOAD:
	case OP_DS_STORE:
		offset &= ~3ull;
		break;
	default:
		break;
	}
	return truncated(regs, base + offset);
}

/* NULL, or why not. */
static const char *decode(
	const struct vcpu_regs *regs, uint32_t insn, uint64_t fault_gpa, struct decoded *d)
{
	d->kind = find_kind(insn);
	if (!d->kind) {
		return why_refused(insn);
	}
	d->rt = insn >> 21 & 31;
	d->ra = insn >> 16 & 31;
	if ((d->kind->flags & UPDATE) &&
		(d->ra == 0 || (!(d->kind->flags & STORE) && d->ra == d->rt))) {
		return "invalid update form";
	}
	d->ea = effective_address(regs, insn, d->ra);
	if (d->ea & (d->kind->size - 1u)) {
		return "misaligned access";
	}
	/* Translation keeps these bits: another instruction than this one faulted. */
	if ((d->ea ^ fault_gpa) & PAGE_OFFSET) {
		return "the instruction's address is not where the fault was";
	}
	return NULL;
}

static uint64_t low_bytes(uint64_t v, unsigned int size)
{
	return v & UINT64_MAX >> (64 - 8 * size);
}

/* From the number in the register to the little-endian device's, and back: the same both ways. */
static uint64_t reorder(const struct vcpu_regs *regs, const struct kind *kind, uint64_t v)
{
	bool little = regs->msr >> MSR_LE_BIT & 1;

	if (kind->flags & REVERSED) {
		little = !little;
	}
	return little ? low_bytes(v, kind->size) : __builtin_bswap64(v) >> (64 - 8 * kind->size);
}

static uint64_t sign_extended(uint64_t v, unsigned int size)
{
	uint64_t sign = 1ull << (8 * size - 1);

	return (v ^ sign) - sign;
}

int emulate_mmio(struct vcpu_regs *regs, uint32_t insn, uint64_t fault_gpa,
	emulate_access_fn *access, void *ctx, const char **why)
{
	struct decoded d;
	uint64_t val = 0;
	bool store;
	int err;

	*why = decode(regs, insn, fault_gpa, &d);
	if (*why) {
		return -ENOSYS;
	}
	store = d.kind->flags & STORE;
	if (store) {
		val = reorder(regs, d.kind, regs->gpr[d.rt]);
	}
	err = access(ctx, gpa(fault_gpa), d.kind->size, store, &val);
	if (err) {
		*why = "the access was refused";
		return err;
	}
	if (!store) {
		val = reorder(regs, d.kind, val);
		regs->gpr[d.rt] = d.kind->flags & SIGNED ? sign_extended(val, d.kind->size) : val;
	}
	if (d.kind->flags & UPDATE) {
		regs->gpr[d.ra] = d.ea;
	}
	regs->pc = truncated(regs, regs->pc + 4);
	return 0;
}

int emulate_fetch(const struct guest_mem *mem, const struct radix_ctx *ctx, uint64_t pc,
	uint64_t msr, uint32_t *insn)
{
	uint32_t word;
	be32_t raw;
	gpa_t at;

	if (pc & 3 || radix_walk_ea(mem, ctx, pc, msr, true, &at) ||
		guest_mem_read(mem, at, &raw, sizeof(raw))) {
		return -EFAULT;
	}
	word = be32_get(raw);
	*insn = msr >> MSR_LE_BIT & 1 ? __builtin_bswap32(word) : word;
	return 0;
}
