// SPDX-License-Identifier: Apache-2.0
/*
 * ibm,set-xive, ibm,get-xive, ibm,int-off and ibm,int-on: where a source's interrupts go. LoPAR
 * wants all four reentrant, and Linux calls them on several CPUs at once: of two at one source at a
 * time the second is told to come again.
 */
#include "core/rtas.h"

#include "core/xics.h"

/* args: source, server, priority. */
void rtas_ibm_set_xive(struct rtas_call *call)
{
	int err = -EINVAL;

	if (call->args[2] <= UINT8_MAX) {
		err = xics_set(call->vcpu->partition, call->args[0], call->args[1],
			(uint8_t)call->args[2]);
	}
	call->rets[0] = rtas_status(err);
}

/* args: source. Results: status, server, priority. */
void rtas_ibm_get_xive(struct rtas_call *call)
{
	unsigned int server;
	uint8_t prio;
	int err = xics_get(call->vcpu->partition, call->args[0], &server, &prio);

	call->rets[0] = rtas_status(err);
	if (!err) {
		call->rets[1] = (int32_t)server;
		call->rets[2] = prio;
		call->nout = 3;
	}
}

void rtas_ibm_int_off(struct rtas_call *call)
{
	call->rets[0] = rtas_status(xics_set_enabled(call->vcpu->partition, call->args[0], false));
}

void rtas_ibm_int_on(struct rtas_call *call)
{
	call->rets[0] = rtas_status(xics_set_enabled(call->vcpu->partition, call->args[0], true));
}
