// SPDX-License-Identifier: Apache-2.0
/*
 * What of an assigned function a guest is shown: which permission tables hold. A function has one
 * policy from pci_func_init on.
 */
#ifndef CORE_PCI_POLICY_H
#define CORE_PCI_POLICY_H

#include "core/vfio_perm.h"

struct pci_policy {
	const char *name; /* as a plan spells it */
	const struct vfio_perm *header;
	const struct vfio_perm *std;
	unsigned int nstd;
	const struct vfio_perm *ext; /* next 0: extended config space does not exist */
	unsigned int next;
};

/* The default: all that does no harm. */
extern const struct pci_policy pci_policy_full;

/* As pci-assign shows a function: a frozen copy of most of it, seven capabilities, no function
 * reset, no power states, and no extended space (SEED-003.6 to 003.27). */
extern const struct pci_policy pci_policy_minimal;

/* The policy of this name; NULL: there is none. */
const struct pci_policy *pci_policy_find(const char *name);

#endif
