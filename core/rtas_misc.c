// SPDX-License-Identifier: Apache-2.0
/*
 * The small RTAS services. What a guest asks for here happens to its own partition only (RT-20).
 */
#include "core/console.h"
#include "core/rtas.h"

/* The arguments say which events may switch the machine on again; there are none. */
void rtas_power_off(struct rtas_call *call)
{
	partition_request_stop(call->vcpu->partition, STOP_POWER_OFF);
}

void rtas_system_reboot(struct rtas_call *call)
{
	partition_request_stop(call->vcpu->partition, STOP_REBOOT);
}

void rtas_display_character(struct rtas_call *call)
{
	char c = (char)(call->args[0] & 0xff);

	console_write(&call->vcpu->partition->console, &c, 1);
}
