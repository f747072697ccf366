// SPDX-License-Identifier: Apache-2.0
/*
 * Hypervisor calls: one table, opcode to handler. A handler gets the caller's registers r4..r12 as
 * args[0..8], may write results there, and returns a status for r3. Numbers and codes: LoPAR
 * chapter 14 and docs/HCALLS.md, which says what we chose where others differ.
 */
#ifndef CORE_HCALL_H
#define CORE_HCALL_H

#include "core/err.h"
#include "core/partition.h"

#include <stdbool.h>
#include <stdint.h>

#define H_GET_TCE		  0x1cu
#define H_PUT_TCE		  0x20u
#define H_GET_TERM_CHAR		  0x54u
#define H_PUT_TERM_CHAR		  0x58u
#define H_EOI			  0x64u
#define H_CPPR			  0x68u
#define H_IPI			  0x6cu
#define H_IPOLL			  0x70u
#define H_XIRR			  0x74u
#define H_REGISTER_VPA		  0xdcu
#define H_CEDE			  0xe0u
#define H_CONFER		  0xe4u
#define H_PROD			  0xe8u
#define H_STUFF_TCE		  0x138u
#define H_PUT_TCE_INDIRECT	  0x13cu
#define H_GET_CPU_CHARACTERISTICS 0x1c8u
#define H_XIRR_X		  0x2fcu
#define H_SET_MODE		  0x31cu
#define H_REGISTER_PROC_TBL	  0x37cu
#define H_RTAS			  0xf000u /* not of LoPAR: what the RTAS blob calls */

typedef enum {
	H_SUCCESS = 0,
	H_BUSY = 1,
	H_HARDWARE = -1,
	H_FUNCTION = -2,
	H_PRIVILEGE = -3,
	H_PARAMETER = -4,
	H_RESOURCE = -16,
	H_NOT_ENOUGH_RESOURCES = -44,
	H_P2 = -55,
	H_P3 = -56,
	H_P4 = -57,
	H_UNSUPPORTED_FLAG = -256, /* -256 to -511 are one code */
	/* Never seen by a guest: the call is not finished; its arguments have been advanced and it
	 * is to be made again, after pending interrupts (design decision 14). */
	H_AGAIN_INTERNAL = 0x7fff0000,
} hret_t;

/* What the trap code is to do next. */
enum hcall_next {
	HCALL_RETURN, /* go on in the guest; r3 is set */
	HCALL_REPEAT, /* go on at the `sc 1` itself; r3 is as the guest left it */
	HCALL_STOP,   /* the partition is to stop; nothing is returned */
};

#define HCALL_NARGS 9u

/* One call. regs[0] is r3 (opcode in, status out), regs[1..9] are r4..r12. problem: the caller was
 * in problem state (H_PRIVILEGE). sf32: it was in 32-bit mode, and its arguments are masked. */
enum hcall_next hcall_dispatch(
	struct vcpu *vcpu, uint64_t regs[1 + HCALL_NARGS], bool problem, bool sf32);

/* One translation of our errors for calls that map: -EINVAL and -EFAULT H_PARAMETER, -EIO and
 * -ENODEV H_HARDWARE, the rest H_NOT_ENOUGH_RESOURCES (design decision 7). */
hret_t hcall_error_status(int err);
static inline hret_t hcall_status(int err)
{
	return err ? hcall_error_status(err) : H_SUCCESS;
}

/* The handlers, by the specification's names. */
typedef hret_t hcall_fn(struct vcpu *vcpu, uint64_t args[HCALL_NARGS]);
hcall_fn h_put_tce, h_get_tce, h_put_tce_indirect, h_stuff_tce;
hcall_fn h_put_term_char, h_get_term_char;
hcall_fn h_cppr, h_eoi, h_ipi, h_ipoll, h_xirr, h_xirr_x;
hcall_fn h_set_mode, h_register_proc_tbl, h_get_cpu_characteristics, h_register_vpa;
hcall_fn h_cede, h_confer, h_prod;
hcall_fn h_rtas;

#endif
