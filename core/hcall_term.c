// SPDX-License-Identifier: Apache-2.0
/*
 * H_PUT_TERM_CHAR and H_GET_TERM_CHAR: up to 16 bytes in two registers, the first byte in the most
 * significant place.
 */
#include "core/hcall.h"

#include "core/console.h"

#include <stddef.h>

#define TERM_MAX 16u
#define PER_REG	 8u

_Static_assert(TERM_MAX == CONSOLE_INPUT_MAX, "one read fills the registers");

/* 0 is the partition's first terminal, and it has one. */
static bool is_terminal(uint64_t termno)
{
	return termno == PARTITION_VTY || termno == 0;
}

static unsigned int shift_of(size_t i)
{
	return (unsigned int)(8 * (PER_REG - 1 - i % PER_REG));
}

/* H_PUT_TERM_CHAR(termno, len, bytes 0-7, bytes 8-15) */
hret_t h_put_term_char(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	char buf[TERM_MAX];
	uint64_t len = args[1];

	if (!is_terminal(args[0]) || len > TERM_MAX) {
		return H_PARAMETER;
	}
	for (size_t i = 0; i < len; i++) {
		buf[i] = (char)(uint8_t)(args[2 + i / PER_REG] >> shift_of(i));
	}
	console_write(&vcpu->partition->console, buf, (size_t)len);
	return H_SUCCESS;
}

/* H_GET_TERM_CHAR(termno): length in r4, bytes in r5 and r6 */
hret_t h_get_term_char(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	char buf[TERM_MAX];
	uint64_t regs[TERM_MAX / PER_REG] = {0};
	size_t len;

	if (!is_terminal(args[0])) {
		return H_PARAMETER;
	}
	len = console_read(&vcpu->partition->console, buf, sizeof(buf));
	for (size_t i = 0; i < len; i++) {
		regs[i / PER_REG] |= (uint64_t)(uint8_t)buf[i] << shift_of(i);
	}
	args[0] = len;
	args[1] = regs[0];
	args[2] = regs[1];
	return H_SUCCESS;
}
