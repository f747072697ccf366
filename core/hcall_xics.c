// SPDX-License-Identifier: Apache-2.0
/*
 * The interrupt presentation calls: H_CPPR, H_EOI, H_IPI, H_IPOLL, H_XIRR and H_XIRR_X. A register
 * that holds more than its byte or word can is refused, not cut.
 */
#include "core/hcall.h"

#include "core/arch.h"
#include "core/xics.h"

#define NS_PER_SEC 1000000000u

/* H_CPPR(cppr) */
hret_t h_cppr(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	if (args[0] > UINT8_MAX) {
		return H_PARAMETER;
	}
	xics_set_cppr(vcpu, (uint8_t)args[0]);
	return H_SUCCESS;
}

/* H_EOI(xirr) */
hret_t h_eoi(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	return args[0] > UINT32_MAX ? H_PARAMETER : hcall_status(xics_end(vcpu, (uint32_t)args[0]));
}

/* H_IPI(server, mfrr) */
hret_t h_ipi(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	return args[1] > UINT8_MAX
		       ? H_PARAMETER
		       : hcall_status(xics_ipi(vcpu->partition, args[0], (uint8_t)args[1]));
}

/* H_IPOLL(server): XIRR in r4, MFRR in r5; nothing is accepted */
hret_t h_ipoll(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	uint32_t xirr;
	uint8_t mfrr;
	int err = xics_poll(vcpu->partition, args[0], &xirr, &mfrr);

	if (!err) {
		args[0] = xirr;
		args[1] = mfrr;
	}
	return hcall_status(err);
}

/* H_XIRR(): XIRR in r4. Linux hands over its CPPR; LoPAR has no argument here, and ours is the one
 * that counts. */
hret_t h_xirr(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	args[0] = xics_accept(vcpu);
	return H_SUCCESS;
}

static uint64_t timebase_now(const struct board *b)
{
	uint64_t ns = arch_time_ns();

	return ns / NS_PER_SEC * b->timebase_hz + ns % NS_PER_SEC * b->timebase_hz / NS_PER_SEC;
}

/* H_XIRR_X(): XIRR in r4, the timebase in r5 */
hret_t h_xirr_x(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	args[0] = xics_accept(vcpu);
	args[1] = timebase_now(vcpu->partition->board);
	return H_SUCCESS;
}
