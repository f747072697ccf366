// SPDX-License-Identifier: Apache-2.0
/*
 * ibm,query-, create-, remove- and reset-pe-dma-window: from the guest's words to core/ddw.c. A
 * bridge is named by BUID and by the address of a function on it; a window by its LIOBN.
 */
#include "core/rtas.h"

/* Of a config address, what names a function: bus and devfn. */
#define CONFIG_ADDR_FUNC 0x00ffff00u

/* args: config address, BUID high, BUID low. NULL: not a function of the caller's, or its bridge
 * has no dynamic windows. */
static struct partition_phb *find_bridge(const struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	uint64_t buid = (uint64_t)call->args[1] << 32 | call->args[2];
	struct phb *phb = phb_find(&p->phb_map, buid);
	struct partition_phb *bound;

	if ((call->args[0] & ~CONFIG_ADDR_FUNC) || !phb ||
		!phb_find_func(&p->phb_map, buid, call->args[0])) {
		return NULL;
	}
	bound = &p->bound[phb - p->phbs];
	return bound->ddw.c.offered ? bound : NULL;
}

/* Two forms: status, windows, largest block in one cell or two, page sizes, migration. */
void rtas_ibm_query_pe_dma_window(struct rtas_call *call)
{
	struct partition_phb *bound = find_bridge(call);
	struct ddw_query q = {0};
	int err = bound ? ddw_query(&bound->ddw, &q) : -EINVAL;
	unsigned int n = 1;

	call->rets[0] = rtas_status(err);
	if (err) {
		return;
	}
	call->rets[n++] = (int32_t)q.windows;
	if (call->nret == 6) {
		call->rets[n++] = (int32_t)(q.largest_block >> 32);
	} else if (q.largest_block > UINT32_MAX) {
		q.largest_block = UINT32_MAX;
	}
	call->rets[n++] = (int32_t)(uint32_t)q.largest_block;
	call->rets[n++] = (int32_t)q.page_mask;
	call->rets[n++] = 0;
	call->nout = n;
}

void rtas_ibm_create_pe_dma_window(struct rtas_call *call)
{
	struct partition_phb *bound = find_bridge(call);
	unsigned int slot = 0;
	int err = bound ? ddw_create(&bound->ddw, call->args[3], call->args[4], &slot) : -EINVAL;
	const struct phb *phb;

	call->rets[0] = rtas_status(err);
	if (err) {
		return;
	}
	phb = bound->ddw.c.phb;
	call->rets[1] = (int32_t)phb->at.liobn[slot];
	call->rets[2] = (int32_t)(uint32_t)(ddw_slot_base(slot).v >> 32);
	call->rets[3] = (int32_t)(uint32_t)ddw_slot_base(slot).v;
	call->nout = 4;
}

void rtas_ibm_remove_pe_dma_window(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;

	call->rets[0] = RTAS_PARAM_ERROR;
	for (unsigned int i = 0; i < p->nphbs; i++) {
		struct ddw *d = &p->bound[i].ddw;

		for (unsigned int slot = 0; slot < PHB_MAX_WINDOWS && d->c.offered; slot++) {
			if (p->phbs[i].at.liobn[slot] == call->args[0]) {
				call->rets[0] = rtas_status(ddw_remove(d, slot));
				return;
			}
		}
	}
}

void rtas_ibm_reset_pe_dma_window(struct rtas_call *call)
{
	struct partition_phb *bound = find_bridge(call);

	call->rets[0] = rtas_status(bound ? ddw_reset(&bound->ddw) : -EINVAL);
}
