// SPDX-License-Identifier: Apache-2.0
/*
 * Messages of assigned functions: taken from the host bridge's, given numbers among the guest's
 * interrupts, and written into the device. A function holds messages of one kind at a time, in one
 * block. A request that fails has changed nothing, unless the hardware went back on its word: then
 * the function holds nothing.
 */
#ifndef CORE_MSI_H
#define CORE_MSI_H

#include "core/err.h"
#include "core/partition.h"
#include "core/pci.h"

#include <stdint.h>

/* What a guest is told that the functions of its host bridge phb (an index) may have in all. */
unsigned int msi_quota(const struct partition *p, unsigned int phb);

/* The most messages of a kind that a function may be granted; 0: none of this kind. The largest
 * grants of all functions of a partition have room together, as far as other partitions below the
 * same host bridges leave it. */
unsigned int msi_max(const struct partition *p, const struct pci_func *f, enum pci_irq_kind kind);

/* n messages instead of what it has, which is given back after the new ones were found: both must
 * have room. If it has so many of this kind it keeps them. -EINVAL: n is 0 or above msi_max;
 * -ENOSPC; -EBUSY: another CPU is at this function or at interrupt numbers, to be tried again;
 * -EIO. */
int msi_request(
	struct partition *p, struct pci_func *f, enum pci_irq_kind kind, unsigned int n) must_check;

/* Gives all back; the guest's enable bits go off. -ENOENT: it has none. -EBUSY. */
int msi_release(struct partition *p, struct pci_func *f) must_check;

/* As release, when the partition runs no more and its bus masters are off. */
void msi_release_all(struct partition *p, struct pci_func *f);

/* The guest's interrupt number of a function's index-th message. -ENOENT. */
int msi_number(struct pci_func *f, uint32_t index, uint32_t *number) must_check;

#endif
