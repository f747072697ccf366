// SPDX-License-Identifier: Apache-2.0
/*
 * The pins of a host bridge's functions: which are the guest's, and which of its sources they are.
 */
#include "core/partition_parts.h"
#include "core/xics.h"

/* Which of the four level sources of its bridge a function's INTx is: pins turn by one from slot to
 * slot, for the guest as for the host, each by the slot numbers that it sees. */
static unsigned int lsi_of(unsigned int slot, const struct host_func *host)
{
	return ((slot & 0x1f) + host->int_pin - 1) % PCI_NUM_PINS;
}

static bool is_ours(const struct partition *p, unsigned int n, int group)
{
	for (unsigned int i = 0; i < p->bound[n].ngroups; i++) {
		if ((int)p->bound[n].groups[i]->host == group) {
			return true;
		}
	}
	return false;
}

/* A host bridge has four level sources for all that is below it: they can be one guest's only if
 * no group of another has a pin. */
static bool lsis_are_ours(const struct partition *p, unsigned int n, unsigned int phb)
{
	const struct board *b = p->board;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->phb == phb && f->group >= 0 && f->int_pin && !is_ours(p, n, f->group)) {
			return false;
		}
	}
	return b->phbs[phb].lsi_first != 0;
}

/* What feeds the guest's four; 0: nothing yet. */
struct feeds {
	uint32_t from[PCI_NUM_PINS];
};

/* A source of the host feeds one of the guest, and each of the guest's has one that feeds it.
 * Functions share both; one that would mix them up, as it may be with groups of several host
 * bridges, has no pin. */
static bool feed(
	struct partition *p, unsigned int n, struct feeds *feeds, unsigned int lsi, uint32_t source)
{
	if (feeds->from[lsi]) {
		return feeds->from[lsi] == source;
	}
	for (unsigned int i = 0; i < PCI_NUM_PINS; i++) {
		if (feeds->from[i] == source) {
			return false;
		}
	}
	if (xics_add_source(p, p->phbs[n].at.lsi + lsi, source, true)) {
		return false;
	}
	feeds->from[lsi] = source;
	return true;
}

void partition_route_intx(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];
	struct feeds feeds = {{0}};

	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct host_func *host = p->bound[n].funcs[i].host;
		uint32_t first = p->board->phbs[host->phb].lsi_first;

		if (!host->int_pin || host->int_pin > PCI_NUM_PINS ||
			!lsis_are_ours(p, n, host->phb)) {
			continue;
		}
		if (feed(p, n, &feeds, lsi_of(phb->funcs[i].devfn >> 3, host),
			    first + lsi_of(host->bdfn >> 3, host))) {
			pci_func_route_intx(&phb->funcs[i]);
		}
	}
}
