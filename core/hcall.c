// SPDX-License-Identifier: Apache-2.0
/*
 * The table of hypervisor calls and the way through it.
 */
#include "core/hcall.h"

#include <stdatomic.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* LoPAR numbers its calls in steps of 4, so number / 4 is an index. */
static hcall_fn *const papr_calls[] = {
	[H_GET_TCE / 4] = h_get_tce,
	[H_PUT_TCE / 4] = h_put_tce,
	[H_GET_TERM_CHAR / 4] = h_get_term_char,
	[H_PUT_TERM_CHAR / 4] = h_put_term_char,
	[H_EOI / 4] = h_eoi,
	[H_CPPR / 4] = h_cppr,
	[H_IPI / 4] = h_ipi,
	[H_IPOLL / 4] = h_ipoll,
	[H_XIRR / 4] = h_xirr,
	[H_REGISTER_VPA / 4] = h_register_vpa,
	[H_CEDE / 4] = h_cede,
	[H_CONFER / 4] = h_confer,
	[H_PROD / 4] = h_prod,
	[H_STUFF_TCE / 4] = h_stuff_tce,
	[H_PUT_TCE_INDIRECT / 4] = h_put_tce_indirect,
	[H_GET_CPU_CHARACTERISTICS / 4] = h_get_cpu_characteristics,
	[H_XIRR_X / 4] = h_xirr_x,
	[H_SET_MODE / 4] = h_set_mode,
	[H_REGISTER_PROC_TBL / 4] = h_register_proc_tbl,
};

/* Ours begin where no call of LoPAR is. */
#define PRIVATE_BASE 0xf000u
static hcall_fn *const private_calls[] = {
	[(H_RTAS - PRIVATE_BASE) / 4] = h_rtas,
};

struct status {
	int err;
	hret_t ret;
};

static const struct status statuses[] = {
	{-EINVAL, H_PARAMETER},
	{-EFAULT, H_PARAMETER},
	{-EIO, H_HARDWARE},
	{-ENODEV, H_HARDWARE},
};

hret_t hcall_error_status(int err)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].err == err) {
			return statuses[i].ret;
		}
	}
	return H_NOT_ENOUGH_RESOURCES;
}

static hcall_fn *find_private(uint64_t opcode)
{
	if (opcode % 4 == 0 && opcode >= PRIVATE_BASE &&
		(opcode - PRIVATE_BASE) / 4 < ARRAY_LEN(private_calls)) {
		return private_calls[(opcode - PRIVATE_BASE) / 4];
	}
	return NULL;
}

static hcall_fn *find(uint64_t opcode)
{
	/* Rotated, so that one that is no multiple of 4 is a very large index. */
	uint64_t index = opcode >> 2 | opcode << 62;

	return index < ARRAY_LEN(papr_calls) ? papr_calls[index] : find_private(opcode);
}

/* In 32-bit mode the upper halves are not the caller's words; whoever fills them (a 64-bit kernel
 * that called the RTAS blob) does not mean them for us. r3 is left, because a call that is to be
 * repeated leaves it as it was. */
static void mask_arguments(uint64_t regs[1 + HCALL_NARGS])
{
	for (size_t i = 1; i <= HCALL_NARGS; i++) {
		regs[i] = (uint32_t)regs[i];
	}
}

static hret_t call(struct vcpu *vcpu, uint64_t regs[1 + HCALL_NARGS], bool sf32)
{
	uint64_t opcode = regs[0];
	hcall_fn *fn;

	if (sf32) {
		opcode = (uint32_t)opcode;
		mask_arguments(regs);
	}
	fn = find(opcode);
	return fn ? fn(vcpu, &regs[1]) : H_FUNCTION;
}

/* partition_must_stop() without its ordering, which every call would pay for. What this thread has
 * asked for itself it sees; whoever asks on another kicks this one, and that exit looks again. */
static bool must_stop(const struct vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->partition->why, memory_order_relaxed) != STOP_NONE ||
	       atomic_load_explicit(&vcpu->state, memory_order_relaxed) == VCPU_STOPPING;
}

enum hcall_next hcall_dispatch(
	struct vcpu *vcpu, uint64_t regs[1 + HCALL_NARGS], bool problem, bool sf32)
{
	hret_t ret = problem ? H_PRIVILEGE : call(vcpu, regs, sf32);

	/* Asked last: the call itself may have been the request (power-off), and a long one that is
	 * to be repeated must not outlive its partition. */
	if (must_stop(vcpu)) {
		return HCALL_STOP;
	}
	if (ret == H_AGAIN_INTERNAL) {
		return HCALL_REPEAT;
	}
	regs[0] = (uint64_t)(int64_t)ret;
	return HCALL_RETURN;
}
