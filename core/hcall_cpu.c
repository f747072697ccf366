// SPDX-License-Identifier: Apache-2.0
/*
 * Hypercalls about the processor: its modes, the process table, waiting and waking, and the areas
 * that a guest shares with a hypervisor. Numbers and codes: LoPAR chapter 14.
 */
#include "core/hcall.h"

#include "core/arch.h"
#include "core/be.h"
#include "core/guest_mem.h"
#include "core/range.h"

#include <stddef.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* H_SET_MODE */

#define MODE_AIL    3u /* where interrupts go, and with translation on or off */
#define MODE_ENDIAN 4u /* byte order of interrupts */

/* 1 and 2 are reserved for radix guests, and no value asks for anything else. */
static hret_t set_ail(struct vcpu *vcpu, uint64_t flags)
{
	if (flags != 0 && flags != 3) {
		return H_UNSUPPORTED_FLAG;
	}
	/* H_P2 is what Linux takes for "not here" and goes on without a word. */
	return arch_set_ail(vcpu, (unsigned int)flags) ? H_P2 : H_SUCCESS;
}

static hret_t set_endian(struct vcpu *vcpu, uint64_t flags)
{
	if (flags > 1) {
		return H_UNSUPPORTED_FLAG;
	}
	arch_set_little_interrupts(vcpu, flags == 1);
	return H_SUCCESS;
}

/* H_SET_MODE(flags, resource, value 1, value 2). The other resources are debug registers, which a
 * guest does without: they are not there, and that is the resource's fault (H_P2). */
hret_t h_set_mode(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	uint64_t resource = args[1];

	if (resource != MODE_AIL && resource != MODE_ENDIAN) {
		return H_P2;
	}
	if (args[2]) {
		return H_P3;
	}
	if (args[3]) {
		return H_P4;
	}
	return resource == MODE_AIL ? set_ail(vcpu, args[0]) : set_endian(vcpu, args[0]);
}

/* H_REGISTER_PROC_TBL */

#define TABLE_DEREGISTER 0x10u
#define TABLE_RADIX	 0x1cu /* a new table, of radix trees */
#define TABLE_GTSE	 0x01u /* the guest invalidates its own translations: it always may */
/* The second doubleword of a partition table entry: radix, base, log2 of the size less 12. */
#define ENTRY_RADIX    (1ull << 63)
#define TABLE_UNIT     4096u
#define TABLE_SIZE_MAX 24u

/* H_REGISTER_PROC_TBL(flags, base, page size, size). The table is read by hardware through the
 * partition's own translation, so a wrong base could reach nothing that is not the guest's; it is
 * refused all the same, because the guest would only find out at its first access. */
hret_t h_register_proc_tbl(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct partition *p = vcpu->partition;
	uint64_t base = args[1], size = args[3];

	if (args[0] == TABLE_DEREGISTER) {
		arch_set_process_table(p, 0);
		return H_SUCCESS;
	}
	if ((args[0] & ~(uint64_t)TABLE_GTSE) != TABLE_RADIX) {
		return H_PARAMETER;
	}
	if (!is_aligned(base, TABLE_UNIT) || !guest_mem_has(&p->mem, gpa(base), TABLE_UNIT)) {
		return H_P2;
	}
	if (args[2]) {
		return H_P3;
	}
	if (size > TABLE_SIZE_MAX ||
		!guest_mem_has(&p->mem, gpa(base), (uint64_t)TABLE_UNIT << size)) {
		return H_P4;
	}
	arch_set_process_table(p, ENTRY_RADIX | base | size);
	return H_SUCCESS;
}

/*
 * What the processor has against speculation, and what the kernel should do about its own
 * processes: firmware's word, handed on (PAPR's bits). A duty that firmware does not take away
 * stays. Firmware that says nothing, as QEMU's, runs on a processor that does not speculate: no
 * duty then. Between partitions none is needed (docs/THREATS.md, "Cores").
 */
enum answer { CHARACTER, BEHAVIOUR };
#define BIT(n) (1ull << (63 - (n)))

static const struct {
	enum board_feature feature;
	enum answer reg;
	bool unless_off; /* set unless the feature is disabled; else if it is enabled */
	uint64_t bit;
} characteristics[] = {
	{BOARD_INST_SPEC_BARRIER, CHARACTER, false, BIT(0)},
	{BOARD_BCCTRL_SERIALIZED, CHARACTER, false, BIT(1)},
	{BOARD_INST_L1D_FLUSH_ORI, CHARACTER, false, BIT(2)},
	{BOARD_INST_L1D_FLUSH_TRIG2, CHARACTER, false, BIT(3)},
	{BOARD_L1D_THREAD_SPLIT, CHARACTER, false, BIT(4)},
	{BOARD_COUNT_CACHE_DISABLED, CHARACTER, false, BIT(7)},
	{BOARD_COUNT_CACHE_FLUSH, CHARACTER, false, BIT(9)},
	{BOARD_FAVOR_SECURITY, BEHAVIOUR, true, BIT(0)},
	{BOARD_NEEDS_L1D_FLUSH_PR, BEHAVIOUR, true, BIT(1)},
	{BOARD_NEEDS_SPEC_BARRIER, BEHAVIOUR, true, BIT(2)},
	{BOARD_NEEDS_COUNT_CACHE_FLUSH, BEHAVIOUR, false, BIT(5)},
	{BOARD_NO_L1D_FLUSH_ENTRY, BEHAVIOUR, false, BIT(7)},
	{BOARD_NO_L1D_FLUSH_UACCESS, BEHAVIOUR, false, BIT(8)},
	{BOARD_NO_STORE_DRAIN, BEHAVIOUR, false, BIT(9)},
};

hret_t h_get_cpu_characteristics(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	const struct board *b = vcpu->partition->board;

	args[CHARACTER] = 0;
	args[BEHAVIOUR] = b->features_known ? 0 : BIT(7) | BIT(8) | BIT(9);
	for (size_t i = 0; i < ARRAY_LEN(characteristics) && b->features_known; i++) {
		uint32_t mask = 1u << characteristics[i].feature;

		if (characteristics[i].unless_off ? !(b->features_off & mask)
						  : b->features_on & mask) {
			args[characteristics[i].reg] |= characteristics[i].bit;
		}
	}
	return H_SUCCESS;
}

/* H_REGISTER_VPA */

#define VPA_FUNCTION_SHIFT 45 /* bits 16 to 18, counted from the top */
#define AREA_HEADER	   8u
#define AREA_PAGE	   4096u
#define CACHE_LINE	   128u

/* How an area says how long it is, and what is right. */
struct area_rule {
	unsigned int size_offset, size_bytes;
	uint32_t min;
	uint64_t align;
	bool one_page; /* may not cross 4 KiB */
};

static const struct area_rule area_rules[AREA_KINDS] = {
	[AREA_VPA] = {4, 2, 640, CACHE_LINE, true},
	[AREA_DTL] = {4, 4, 48, 8, false},
	[AREA_SLB] = {4, 4, 8, CACHE_LINE, true},
};

struct area_function {
	enum vcpu_area_kind kind;
	bool add;
};

static const struct area_function area_functions[] = {
	[1] = {AREA_VPA, true},
	[2] = {AREA_DTL, true},
	[3] = {AREA_SLB, true},
	[5] = {AREA_VPA, false},
	[6] = {AREA_DTL, false},
	[7] = {AREA_SLB, false},
};

static uint32_t read_size(const uint8_t header[AREA_HEADER], const struct area_rule *rule)
{
	uint32_t size = 0;

	for (unsigned int i = 0; i < rule->size_bytes; i++) {
		size = size << 8 | header[rule->size_offset + i];
	}
	return size;
}

/* Looks at the area once; what is kept is what was checked. */
static bool find_area(
	const struct guest_mem *mem, gpa_t at, const struct area_rule *rule, struct vcpu_area *area)
{
	uint8_t header[AREA_HEADER];
	uint32_t size;

	if (!at.v || !is_aligned(at.v, rule->align) ||
		guest_mem_read(mem, at, header, sizeof(header))) {
		return false;
	}
	size = read_size(header, rule);
	if (size < rule->min || !guest_mem_has(mem, at, size) ||
		(rule->one_page && at.v % AREA_PAGE + size > AREA_PAGE)) {
		return false;
	}
	*area = (struct vcpu_area){at, size};
	return true;
}

static hret_t change_area(
	struct vcpu_area areas[AREA_KINDS], enum vcpu_area_kind kind, const struct vcpu_area *to)
{
	/* The others hang on the VPA: they come after it and go before it. */
	if (kind != AREA_VPA ? to->size && !areas[AREA_VPA].size
			     : !to->size && (areas[AREA_DTL].size || areas[AREA_SLB].size)) {
		return H_RESOURCE;
	}
	areas[kind] = *to;
	return H_SUCCESS;
}

/* H_REGISTER_VPA(function, vCPU, address). */
hret_t h_register_vpa(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct partition *p = vcpu->partition;
	uint64_t function = args[0] >> VPA_FUNCTION_SHIFT;
	struct vcpu_area area = {{0}, 0};
	hret_t ret;

	if (args[0] & ((1ull << VPA_FUNCTION_SHIFT) - 1) || function >= ARRAY_LEN(area_functions) ||
		function % 4 == 0 || args[1] >= p->nvcpus) {
		return H_PARAMETER;
	}
	const struct area_function *f = &area_functions[function];

	if (f->add && !find_area(&p->mem, gpa(args[2]), &area_rules[f->kind], &area)) {
		return H_PARAMETER;
	}
	lock_take(&p->area_lock);
	ret = change_area(p->vcpus[args[1]].areas, f->kind, &area);
	lock_drop(&p->area_lock);
	return ret;
}

/* Waiting and waking */

hret_t h_cede(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	(void)args;
	/* It takes its interrupts here, whatever its MSR said before. */
	vcpu->deaf = 0;
	arch_cede(vcpu);
	return H_SUCCESS;
}

/* H_PROD(vCPU). The flag comes before the kick: who is woken, or is just about to wait, finds it.
 * To prod a vCPU that is stopped is allowed, and forgotten when it starts. */
hret_t h_prod(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct partition *p = vcpu->partition;

	if (args[0] >= p->nvcpus) {
		return H_PARAMETER;
	}
	struct vcpu *target = &p->vcpus[args[0]];

	if (atomic_load(&target->state) == VCPU_RUNNING) {
		atomic_store(&target->prodded, true);
		if (target != vcpu) {
			arch_kick(target);
		}
	}
	return H_SUCCESS;
}

/* H_CONFER(vCPU or all ones, dispatch count). Every vCPU has a thread of its own, so there is no
 * time that one could give to another. */
hret_t h_confer(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	return args[0] == UINT64_MAX || args[0] < vcpu->partition->nvcpus ? H_SUCCESS : H_PARAMETER;
}
