// SPDX-License-Identifier: Apache-2.0
/*
 * RTAS, reached by H_RTAS from the blob in the guest's memory. The argument buffer is the guest's:
 * it is copied in once, handled on the copy, and the results written back last.
 */
#ifndef CORE_RTAS_H
#define CORE_RTAS_H

#include "core/hcall.h"
#include "core/partition.h"

#include <stdint.h>

/* LoPAR 7.2.8: token, nargs, nret, then at most 16 cells of arguments and results together. */
#define RTAS_MAX_CELLS	 16u
#define RTAS_HEADER_SIZE 12u /* token, nargs, nret */

#define RTAS_SUCCESS	 0
#define RTAS_HARDWARE	 (-1)
#define RTAS_BUSY	 (-2)
#define RTAS_PARAM_ERROR (-3)

/* The status word of an error of ours. -EBUSY, somebody else is at it: to come again. */
int32_t rtas_status(int err);

/*
 * rets[0] is the status, RTAS_SUCCESS unless a handler says otherwise. nout of the results are
 * written back, in the order of rets: 1 at first, and a handler that has data to give sets more, up
 * to nret. So a failed call writes its status and nothing else.
 */
struct rtas_call {
	struct vcpu *vcpu;
	unsigned int nargs, nret, nout;
	uint32_t args[RTAS_MAX_CELLS];
	int32_t rets[RTAS_MAX_CELLS];
};

typedef void rtas_fn(struct rtas_call *call);

/* One service: the name of its property of /rtas, its token, its exact counts. A call with other
 * counts gets bad_count as its status without reaching the handler. A service that has two forms
 * has two rows, one after the other, with different counts. */
struct rtas_service {
	const char *name;
	uint32_t token;
	unsigned int nargs, nret;
	int32_t bad_count;
	rtas_fn *fn;
};

/* The table that H_RTAS walks and the guest's /rtas node is made from. */
extern const struct rtas_service rtas_services[];
extern const unsigned int rtas_num_services;

rtas_fn rtas_ibm_read_pci_config, rtas_ibm_write_pci_config;
rtas_fn rtas_ibm_query_pe_dma_window, rtas_ibm_create_pe_dma_window;
rtas_fn rtas_ibm_remove_pe_dma_window, rtas_ibm_reset_pe_dma_window;
rtas_fn rtas_ibm_set_xive, rtas_ibm_get_xive, rtas_ibm_int_off, rtas_ibm_int_on;
rtas_fn rtas_ibm_change_msi, rtas_ibm_query_interrupt_source_number;
rtas_fn rtas_power_off, rtas_system_reboot, rtas_display_character, rtas_ibm_os_term;
rtas_fn rtas_query_cpu_stopped_state, rtas_start_cpu, rtas_stop_self;
rtas_fn rtas_get_time_of_day, rtas_set_time_of_day;

/* The blob at linux,rtas-entry: moves r3 to r4, loads H_RTAS, sc 1, returns. Big-endian. */
#define RTAS_BLOB_SIZE 20u
extern const uint8_t rtas_blob[RTAS_BLOB_SIZE];

#endif
