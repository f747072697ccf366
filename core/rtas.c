// SPDX-License-Identifier: Apache-2.0
/*
 * H_RTAS: reads one call out of guest memory, finds its service, and writes the results back. Each
 * word of the buffer is read once and the bounds are known before the first is acted on.
 */
#include "core/rtas.h"

#include "core/be.h"
#include "core/guest_mem.h"
#include "core/range.h"

#include <stdbool.h>
#include <stddef.h>

/* mr r4,r3; lis r3,0; ori r3,r3,0xf000; sc 1; blr. Big-endian, whatever the guest's kernel is. */
const uint8_t rtas_blob[RTAS_BLOB_SIZE] = {0x7c, 0x64, 0x1b, 0x78, 0x3c, 0x60, 0x00, 0x00, 0x60,
	0x63, 0xf0, 0x00, 0x44, 0x00, 0x00, 0x22, 0x4e, 0x80, 0x00, 0x20};

/* A PCI config call has no "bad parameter" among its results: everything wrong is -1. */
const struct rtas_service rtas_services[] = {
	{"ibm,read-pci-config", 0x2001, 4, 2, RTAS_HARDWARE, rtas_ibm_read_pci_config},
	{"ibm,write-pci-config", 0x2002, 5, 1, RTAS_HARDWARE, rtas_ibm_write_pci_config},
	{"power-off", 0x2003, 2, 1, RTAS_PARAM_ERROR, rtas_power_off},
	{"system-reboot", 0x2004, 0, 1, RTAS_PARAM_ERROR, rtas_system_reboot},
	{"display-character", 0x2005, 1, 1, RTAS_PARAM_ERROR, rtas_display_character},
	{"get-time-of-day", 0x2006, 0, 8, RTAS_PARAM_ERROR, rtas_get_time_of_day},
	{"set-time-of-day", 0x2007, 7, 1, RTAS_PARAM_ERROR, rtas_set_time_of_day},
	{"ibm,os-term", 0x2008, 1, 1, RTAS_PARAM_ERROR, rtas_ibm_os_term},
	{"query-cpu-stopped-state", 0x2009, 1, 2, RTAS_PARAM_ERROR, rtas_query_cpu_stopped_state},
	{"start-cpu", 0x200a, 3, 1, RTAS_PARAM_ERROR, rtas_start_cpu},
	{"stop-self", 0x200b, 0, 1, RTAS_PARAM_ERROR, rtas_stop_self},
	{"ibm,query-pe-dma-window", 0x2020, 3, 5, RTAS_PARAM_ERROR, rtas_ibm_query_pe_dma_window},
	{"ibm,query-pe-dma-window", 0x2020, 3, 6, RTAS_PARAM_ERROR, rtas_ibm_query_pe_dma_window},
	{"ibm,create-pe-dma-window", 0x2021, 5, 4, RTAS_PARAM_ERROR, rtas_ibm_create_pe_dma_window},
	{"ibm,remove-pe-dma-window", 0x2022, 1, 1, RTAS_PARAM_ERROR, rtas_ibm_remove_pe_dma_window},
	{"ibm,reset-pe-dma-window", 0x2023, 3, 1, RTAS_PARAM_ERROR, rtas_ibm_reset_pe_dma_window},
	{"ibm,set-xive", 0x2010, 3, 1, RTAS_PARAM_ERROR, rtas_ibm_set_xive},
	{"ibm,get-xive", 0x2011, 1, 3, RTAS_PARAM_ERROR, rtas_ibm_get_xive},
	{"ibm,int-off", 0x2012, 1, 1, RTAS_PARAM_ERROR, rtas_ibm_int_off},
	{"ibm,int-on", 0x2013, 1, 1, RTAS_PARAM_ERROR, rtas_ibm_int_on},
	{"ibm,change-msi", 0x2030, 6, 4, RTAS_PARAM_ERROR, rtas_ibm_change_msi},
	{"ibm,change-msi", 0x2030, 6, 3, RTAS_PARAM_ERROR, rtas_ibm_change_msi},
	{"ibm,query-interrupt-source-number", 0x2031, 4, 3, RTAS_PARAM_ERROR,
		rtas_ibm_query_interrupt_source_number},
};

int32_t rtas_status(int err)
{
	switch (err) {
	case 0:
		return RTAS_SUCCESS;
	case -EINVAL:
		return RTAS_PARAM_ERROR;
	case -EBUSY:
		return RTAS_BUSY;
	default:
		return RTAS_HARDWARE;
	}
}

const unsigned int rtas_num_services = sizeof(rtas_services) / sizeof(rtas_services[0]);

static bool counts_fit(const struct rtas_service *svc, const struct rtas_call *call)
{
	return call->nargs == svc->nargs && call->nret == svc->nret;
}

/* The form of the service that fits the call; if none does, the first. */
static const struct rtas_service *find_service(uint32_t token, const struct rtas_call *call)
{
	const struct rtas_service *found = NULL;

	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];

		if (svc->token == token && (!found || counts_fit(svc, call))) {
			found = svc;
		}
	}
	return found;
}

/* -EINVAL: the buffer is not one, or not all in RAM. */
static int read_call(const struct guest_mem *mem, gpa_t at, struct rtas_call *call, uint32_t *token)
{
	be32_t words[RTAS_MAX_CELLS];
	uint32_t nargs, nret;

	if (!is_aligned(at.v, 4) || guest_mem_read(mem, at, words, RTAS_HEADER_SIZE)) {
		return -EINVAL;
	}
	*token = be32_get(words[0]);
	nargs = be32_get(words[1]);
	nret = be32_get(words[2]);
	/* Each is compared on its own first, so that the sum cannot wrap (RT-02). */
	if (nargs > RTAS_MAX_CELLS || nret > RTAS_MAX_CELLS || nargs + nret > RTAS_MAX_CELLS ||
		!guest_mem_has(mem, at, RTAS_HEADER_SIZE + 4ull * (nargs + nret)) ||
		guest_mem_read(mem, gpa(at.v + RTAS_HEADER_SIZE), words, 4 * (size_t)nargs)) {
		return -EINVAL;
	}
	call->nargs = nargs;
	call->nret = nret;
	for (unsigned int i = 0; i < nargs; i++) {
		call->args[i] = be32_get(words[i]);
	}
	return 0;
}

static int write_results(const struct guest_mem *mem, gpa_t at, const struct rtas_call *call)
{
	unsigned int n = call->nout < call->nret ? call->nout : call->nret;
	be32_t words[RTAS_MAX_CELLS];

	for (unsigned int i = 0; i < n; i++) {
		words[i] = be32((uint32_t)call->rets[i]);
	}
	return n ? guest_mem_write(mem, gpa(at.v + RTAS_HEADER_SIZE + 4ull * call->nargs), words,
			   4 * (size_t)n)
		 : 0;
}

hret_t h_rtas(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	const struct guest_mem *mem = &vcpu->partition->mem;
	struct rtas_call call = {.vcpu = vcpu, .nout = 1, .rets = {RTAS_SUCCESS}};
	const struct rtas_service *svc;
	gpa_t at = gpa(args[0]);
	uint32_t token;

	if (read_call(mem, at, &call, &token)) {
		return H_PARAMETER;
	}
	svc = find_service(token, &call);
	if (!svc) {
		call.rets[0] = RTAS_PARAM_ERROR;
	} else if (!counts_fit(svc, &call)) {
		call.rets[0] = svc->bad_count;
	} else {
		svc->fn(&call);
	}
	if (write_results(mem, at, &call)) {
		return H_PARAMETER;
	}
	return svc ? H_SUCCESS : H_PARAMETER;
}
