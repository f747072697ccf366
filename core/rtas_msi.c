// SPDX-License-Identifier: Apache-2.0
/*
 * ibm,change-msi and ibm,query-interrupt-source-number (LoPAR 7.3.10.5). A change is made in one
 * call, so the sequence number says nothing; it is counted because guests hand it back.
 */
#include "core/msi.h"
#include "core/rtas.h"

/* The config address names a function, not a register. */
#define CONFIG_ADDR_FUNC 0x00ffff00u

/* Functions of ibm,change-msi; the others are not offered. Those for an address below 4 GiB are no
 * others: it always is (PCI_MSI_ADDRESS). */
#define CHANGE_ANY    1u
#define CHANGE_MSI    3u
#define CHANGE_MSIX   4u
#define CHANGE_32MSI  5u
#define CHANGE_32MSIX 6u
/* The older form of the call has no type among its results, and firmware chooses. */
#define SHORT_NRET 3u

#define TYPE_MSI  1
#define TYPE_MSIX 2
#define EDGE	  0

/* args: config address, BUID high, BUID low. */
static struct pci_func *find_func(const struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	uint64_t buid = (uint64_t)call->args[1] << 32 | call->args[2];

	if (call->args[0] & ~CONFIG_ADDR_FUNC) {
		return NULL;
	}
	return phb_find_func(&p->phb_map, buid, call->args[0]);
}

static enum pci_irq_kind kind_of(const struct pci_func *f, uint32_t function, unsigned int nret)
{
	if (function == CHANGE_ANY) {
		return f->msi.pos ? PCI_IRQ_MSI : PCI_IRQ_MSIX;
	}
	if (nret == SHORT_NRET) {
		return PCI_IRQ_NONE;
	}
	switch (function) {
	case CHANGE_MSI:
	case CHANGE_32MSI:
		return PCI_IRQ_MSI;
	case CHANGE_MSIX:
	case CHANGE_32MSIX:
		return PCI_IRQ_MSIX;
	default:
		return PCI_IRQ_NONE;
	}
}

static int32_t change_status(int err)
{
	if (err == -EBUSY) {
		return RTAS_BUSY;
	}
	return err ? RTAS_HARDWARE : RTAS_SUCCESS;
}

static void answer(struct rtas_call *call, uint32_t granted, uint32_t sequence, int32_t type)
{
	call->rets[1] = (int32_t)granted;
	call->rets[2] = (int32_t)sequence;
	call->rets[3] = type;
	call->nout = call->nret;
}

/* args: config address, BUID high, BUID low, function, number, sequence. Number 0 takes away what
 * there is, of either kind: Linux disables MSI-X by disabling MSI. A number above the function's
 * limit gets the limit for an answer and nothing else. */
void rtas_ibm_change_msi(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	struct pci_func *f = find_func(call);
	enum pci_irq_kind kind = f ? kind_of(f, call->args[3], call->nret) : PCI_IRQ_NONE;
	uint32_t n = call->args[4], sequence = call->args[5];
	unsigned int max = kind == PCI_IRQ_NONE ? 0 : msi_max(p, f, kind);
	int err = 0;

	if (kind == PCI_IRQ_NONE || (n && !max)) {
		call->rets[0] = RTAS_PARAM_ERROR;
		return;
	}
	if (!n) {
		err = msi_release(p, f);
	} else if (n <= max) {
		err = msi_request(p, f, kind, n);
	}
	call->rets[0] = change_status(err);
	if (err == -EBUSY) {
		answer(call, 0, sequence, 0);
	} else if (!err) {
		answer(call, n <= max ? n : max, sequence + 1,
			!n		      ? 0
			: kind == PCI_IRQ_MSI ? TYPE_MSI
					      : TYPE_MSIX);
	}
}

/* args: config address, BUID high, BUID low, index of the message. */
void rtas_ibm_query_interrupt_source_number(struct rtas_call *call)
{
	struct pci_func *f = find_func(call);
	uint32_t number = 0;

	if (!f) {
		call->rets[0] = RTAS_PARAM_ERROR;
	} else if (msi_number(f, call->args[3], &number)) {
		call->rets[0] = RTAS_HARDWARE;
	} else {
		call->rets[1] = (int32_t)number;
		call->rets[2] = EDGE;
		call->nout = 3;
	}
}
