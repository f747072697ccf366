// SPDX-License-Identifier: Apache-2.0
/*
 * The real MSI and MSI-X registers of an assigned function, for who grants messages (core/msi.c).
 * The caller has claimed the function, so no config access of the guest runs; trapped accesses to
 * the MSI-X table may.
 *
 * A grant in its order: write every message, then make the grant known. From then on the device's
 * enable bits, its function mask and the mask bits of granted vectors follow the guest's. Revoke
 * comes before the messages' sources and numbers are used for anything else.
 */
#ifndef CORE_PCI_MSI_H
#define CORE_PCI_MSI_H

#include "core/pci.h"

/* The message of an MSI function, 2^log2n of them from data on. -EIO. The device stays disabled. */
int pci_msi_write(struct pci_func *f, uint64_t addr, uint32_t data, unsigned int log2n) must_check;

/* The message of vector v. -EIO. The entry stays masked. */
int pci_msix_write(struct pci_func *f, unsigned int v, uint64_t addr, uint32_t data) must_check;

/* Nothing was granted before. For MSI the guest's enable bit is set, too: that is firmware's part
 * (LoPAR 7.3.10.5.1). */
void pci_msi_grant(struct pci_func *f, const struct pci_grant *grant);

/* The device sends no message any more, as far as it answers; what it had sent is behind us. The
 * guest's bits stay. */
void pci_msi_revoke(struct pci_func *f);

/* The guest's enable bits go off, as they are in the device. */
void pci_msi_disable(struct pci_func *f);

/* What is granted at present; kind PCI_IRQ_NONE: nothing. Needs no claim. */
struct pci_grant pci_msi_granted(struct pci_func *f);

#endif
