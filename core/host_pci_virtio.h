// SPDX-License-Identifier: Apache-2.0
/* A part of host_pci.c; nobody else calls it. */
#ifndef CORE_HOST_PCI_VIRTIO_H
#define CORE_HOST_PCI_VIRTIO_H

#include "core/board.h"

#include <stdbool.h>

/* Whether the function is of the kind whose DMA no IOMMU sees: a virtio function that does not say
 * that it keeps to the platform's rules, by silence or an error, too. Config cycles only; the
 * window in its config space is left pointing somewhere. */
bool host_pci_passes_iommu(struct host_phb *phb, const struct host_func *f);

#endif
