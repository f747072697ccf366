// SPDX-License-Identifier: Apache-2.0
/*
 * RTAS services that start and stop virtual CPUs. A vCPU's number is that of its interrupt server.
 */
#include "core/guest_mem.h"
#include "core/range.h"
#include "core/rtas.h"

/* query-cpu-stopped-state */
#define CPU_STOPPED	0
#define CPU_STOPPING	1
#define CPU_NOT_STOPPED 2

void rtas_query_cpu_stopped_state(struct rtas_call *call)
{
	static const int32_t words[] = {
		[VCPU_STOPPED] = CPU_STOPPED,
		[VCPU_RUNNING] = CPU_NOT_STOPPED,
		[VCPU_STOPPING] = CPU_STOPPING,
	};
	struct partition *p = call->vcpu->partition;

	if (call->args[0] >= p->nvcpus) {
		call->rets[0] = RTAS_PARAM_ERROR;
		return;
	}
	call->rets[1] = words[atomic_load(&p->vcpus[call->args[0]].state)];
	call->nout = 2;
}

/* start-cpu(CPU, address, r3) */
void rtas_start_cpu(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	gpa_t entry = gpa(call->args[1]);
	int err = -EINVAL;

	if (is_aligned(entry.v, 4) && guest_mem_has(&p->mem, entry, 4)) {
		err = partition_start_vcpu(p, call->args[0], entry, call->args[2]);
	}
	if (err) {
		call->rets[0] = err == -EINVAL ? RTAS_PARAM_ERROR : RTAS_HARDWARE;
	}
}

/* The status is written and never read: the caller leaves with this hypercall. */
void rtas_stop_self(struct rtas_call *call)
{
	/* A vCPU that is started again finds its server as it was the first time. */
	xics_reset_server(call->vcpu);
	partition_stop_vcpu(call->vcpu);
}
