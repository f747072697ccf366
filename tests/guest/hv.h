// SPDX-License-Identifier: Apache-2.0
/*
 * How the guest reaches its hypervisor: hypercalls and RTAS. Numbers and codes are the
 * specification's (LoPAR), written down here again on purpose: this program is the other side, and
 * must not agree with the hypervisor by sharing its header.
 */
#ifndef TESTS_GUEST_HV_H
#define TESTS_GUEST_HV_H

#include <stdbool.h>
#include <stdint.h>

#define H_GET_TCE	    0x1cu
#define H_PUT_TCE	    0x20u
#define H_LOGICAL_CI_LOAD   0x3cu
#define H_LOGICAL_CI_STORE  0x40u
#define H_GET_TERM_CHAR	    0x54u
#define H_PUT_TERM_CHAR	    0x58u
#define H_STUFF_TCE	    0x138u
#define H_PUT_TCE_INDIRECT  0x13cu
#define H_REGISTER_PROC_TBL 0x37cu
#define H_RTAS		    0xf000u

#define H_SUCCESS	       0
#define H_BUSY		       1
#define H_FUNCTION	       (-2)
#define H_PRIVILEGE	       (-3)
#define H_PARAMETER	       (-4)
#define H_NOT_ENOUGH_RESOURCES (-44)

/* r3..r12 before and after a call; the last word is the trap's own. */
struct hv_regs {
	uint64_t r[10];
	uint64_t lr;
};

/* How a call is made: as the specification says, in 32-bit mode, or from problem state. */
enum hv_mode {
	HV_NORMAL,
	HV_SF32,
	HV_PROBLEM,
};

/* One hypercall; r4..r12 out replace those in. Problem state must have been prepared. */
int64_t hv_call_regs(struct hv_regs *regs, enum hv_mode mode);
int64_t hv_call(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6, uint64_t r7);

/* The whole of an RTAS call: at most 16 cells of arguments and results together (LoPAR 7.2.8); the
 * buffer has more, to see what is written past them. */
#define RTAS_CELLS 24u

struct rtas_buffer {
	uint32_t token, nargs, nret; /* all cells big-endian */
	uint32_t cells[RTAS_CELLS];
};

/* Calls a service that takes nargs cells and gives nret; -1 if the tree does not name it. */
int32_t rtas_call(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret);

/* The same with a buffer of the caller's, below 4 GiB: for a CPU that is not the only one. */
int32_t rtas_call_with(struct rtas_buffer *b, const char *service, const uint32_t *args,
	unsigned int nargs, uint32_t *rets, unsigned int nret);

/* Where RTAS is; entry 0: the tree names none, and our own blob is used. */
void rtas_init(uint32_t entry);

/* Does not return. */
void power_off(void) __attribute__((noreturn));

uint32_t be32(uint32_t v);
uint64_t be64(uint64_t v);

static inline uint64_t timebase(void)
{
	uint64_t tb;

	__asm__ volatile("mfspr %0, 268" : "=r"(tb));
	return tb;
}

/* The guest runs with interrupts on, as a guest that is well does, and sets the decrementer so far
 * off that none comes. Every hypercall does this again; a loop that makes none must, too, once a
 * second. */
void interrupts_on(void);
void interrupts_off(void);

/* entry.S */
void hv_trap(struct hv_regs *regs);
void hv_trap_sf32(struct hv_regs *regs);
void rtas_enter(uint64_t args, uint64_t entry);
void jump_to(uint64_t address);
void run_illegal_instruction(void);
extern const uint8_t own_rtas[];
extern const uint8_t hv_trap_sc[]; /* the `sc 1` of all three */

#endif
