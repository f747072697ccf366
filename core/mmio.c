// SPDX-License-Identifier: Apache-2.0
/* From a guest-real address to the function whose BAR is there. */
#include "core/mmio.h"

#include "core/partition.h"
#include "core/range.h"

int mmio_access(struct vcpu *vcpu, gpa_t at, unsigned int size, bool write, uint64_t *val)
{
	struct partition *p = vcpu->partition;

	for (unsigned int i = 0; i < p->nphbs; i++) {
		struct phb *phb = &p->phbs[i];
		uint64_t off = at.v - phb->at.mmio32.v;

		if (!range_inside(at.v, size, phb->at.mmio32.v, PHB_MMIO32_SIZE)) {
			continue;
		}
		for (unsigned int k = 0; k < phb->nfuncs; k++) {
			if (!pci_bar_access(
				    &phb->funcs[k], PHB_MMIO32_BUS + off, size, write, val)) {
				return 0;
			}
		}
	}
	return -ENOENT;
}
