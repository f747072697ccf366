// SPDX-License-Identifier: Apache-2.0
/*
 * ibm,read-pci-config and ibm,write-pci-config. An address that names no function of the caller's
 * own host bridges makes no cycle on any bus.
 */
#include "core/rtas.h"

/* A config address: bits 7..0 and, as bits 11..8 of the offset, 31..28. Bits 27..24 are reserved.
 */
#define CONFIG_ADDR_RESERVED 0x0f000000u

static unsigned int config_offset(uint32_t addr)
{
	return (addr & 0xff) | (addr >> 28) << 8;
}

/* args: config address, BUID high, BUID low. */
static struct pci_func *find_func(const struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	uint64_t buid = (uint64_t)call->args[1] << 32 | call->args[2];

	if (call->args[0] & CONFIG_ADDR_RESERVED) {
		return NULL;
	}
	return phb_find_func(&p->phb_map, buid, call->args[0]);
}

/* Two CPUs in one function at a time is what LoPAR forbids; the second is told to come again. */
static int32_t config_status(int err)
{
	if (err == -EBUSY) {
		return RTAS_BUSY;
	}
	return err ? RTAS_HARDWARE : RTAS_SUCCESS;
}

void rtas_ibm_read_pci_config(struct rtas_call *call)
{
	struct pci_func *f = find_func(call);
	uint32_t val = 0;
	int err = -ENODEV;

	if (f) {
		err = pci_config_read(f, config_offset(call->args[0]), call->args[3], &val);
	}
	call->rets[0] = config_status(err);
	if (!err) {
		call->rets[1] = (int32_t)val;
		call->nout = 2;
	}
}

void rtas_ibm_write_pci_config(struct rtas_call *call)
{
	struct pci_func *f = find_func(call);
	int err = -ENODEV;

	if (f) {
		err = pci_config_write(
			f, config_offset(call->args[0]), call->args[3], call->args[4]);
	}
	call->rets[0] = config_status(err);
}
