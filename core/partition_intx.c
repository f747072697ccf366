// SPDX-License-Identifier: Apache-2.0
/*
 * The pins of a host bridge's functions: which are the guest's, and which of its sources they are.
 */
#include "core/partition_parts.h"
#include "core/xics.h"

/* Which of the host bridge's level sources a function's INTx is: pins turn by one from slot to
 * slot, for the guest as for the host, which see the same slot numbers. */
static unsigned int lsi_of(const struct pci_func *f, const struct host_func *host)
{
	return ((f->devfn >> 3) + host->int_pin - 1) % PCI_NUM_PINS;
}

/* A host bridge has four level sources for all that is below it: they can be one guest's only if
 * no other group there has a pin. */
static bool lsis_are_ours(const struct board *b, const struct vfio_group *g)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->phb == b->groups[g->host].phb && f->group >= 0 && f->group != (int)g->host &&
			f->int_pin) {
			return false;
		}
	}
	return b->phbs[b->groups[g->host].phb].lsi_first != 0;
}

void partition_route_intx(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];
	struct vfio_group *g = p->bound[n].group;
	uint32_t lsi_first = p->board->phbs[p->board->groups[g->host].phb].lsi_first;

	if (!lsis_are_ours(p->board, g)) {
		return;
	}
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct host_func *host = p->bound[n].funcs[i].host;
		unsigned int lsi = lsi_of(&phb->funcs[i], host);

		if (!host->int_pin || host->int_pin > PCI_NUM_PINS) {
			continue;
		}
		/* Functions share them: it may be there already. */
		int err = xics_add_source(p, phb->at.lsi + lsi, lsi_first + lsi, true);

		if (!err || err == -EBUSY) {
			pci_func_route_intx(&phb->funcs[i]);
		}
	}
}
