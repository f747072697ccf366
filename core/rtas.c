// SPDX-License-Identifier: Apache-2.0
/*
 * H_RTAS: reads one call out of guest memory, finds its service, and writes the results back. Each
 * word of the buffer is read once and the bounds are known before the first is acted on.
 */
#include "core/rtas.h"

#include "core/be.h"
#include "core/guest_mem.h"
#include "core/range.h"

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
};

const unsigned int rtas_num_services = sizeof(rtas_services) / sizeof(rtas_services[0]);

static const struct rtas_service *find_service(uint32_t token)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (rtas_services[i].token == token) {
			return &rtas_services[i];
		}
	}
	return NULL;
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
	svc = find_service(token);
	if (!svc) {
		call.rets[0] = RTAS_PARAM_ERROR;
	} else if (call.nargs != svc->nargs || call.nret != svc->nret) {
		call.rets[0] = svc->bad_count;
	} else {
		svc->fn(&call);
	}
	if (write_results(mem, at, &call)) {
		return H_PARAMETER;
	}
	return svc ? H_SUCCESS : H_PARAMETER;
}
