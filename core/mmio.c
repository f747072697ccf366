// SPDX-License-Identifier: Apache-2.0
/* From a guest-real address to the function whose BAR is there. */
#include "core/mmio.h"

#include "core/partition.h"
#include "core/range.h"

/* A BAR that answers goes before one that is there and does not, whichever function has it. */
static int access_phb(struct phb *phb, uint64_t bus, unsigned int size, bool write, uint64_t *val)
{
	bool off = false;

	for (unsigned int k = 0; k < phb->nfuncs; k++) {
		int err = pci_bar_access(&phb->funcs[k], bus, size, write, val);

		if (!err) {
			return 0;
		}
		off = off || err == -ENXIO;
	}
	if (!off) {
		return -ENOENT;
	}
	if (!write) {
		*val = UINT64_MAX >> (64 - 8 * size);
	}
	return 0;
}

int mmio_access(struct vcpu *vcpu, gpa_t at, unsigned int size, bool write, uint64_t *val)
{
	struct partition *p = vcpu->partition;

	for (unsigned int i = 0; i < p->nphbs; i++) {
		struct phb *phb = &p->phbs[i];
		uint64_t off = at.v - phb->at.mmio32.v;

		if (range_inside(at.v, size, phb->at.mmio32.v, PHB_MMIO32_SIZE)) {
			return access_phb(phb, PHB_MMIO32_BUS + off, size, write, val);
		}
	}
	return -ENOENT;
}
