// SPDX-License-Identifier: Apache-2.0
/*
 * What is on the host's PCI buses: scan, quarantine, PEs and groups, BAR placement. Nothing a
 * device answers can stop the machine: what is not understood is left in quarantine and said by
 * name.
 */
#ifndef CORE_HOST_PCI_H
#define CORE_HOST_PCI_H

#include "core/board.h"

/*
 * For every PHB of b whose ops are set: bus master off in every function, all windows off, every
 * function scanned, one PE and group per root-port subtree, memory BARs sized and placed in the
 * 32-bit window, bridges opened for it. Groups are numbered by PHB id, then bus. A PHB that cannot
 * be reset or makes no sense ends up with usable = false, a group that fails a step with a reason
 * in refuse, and either with a log line; both keep their numbers, so that those of others do not
 * move.
 */
void host_pci_scan(struct board *b);

/* The tree of PHBs, PEs, groups and functions, one log line each. */
void host_pci_print(const struct board *b);

/* Bus master of every function of a group off, its two windows off, its translations killed, in the
 * order of design decision 16. Every step is tried. 0, or the first error, and then closed is false
 * and a log line has said so. */
int host_pci_quarantine(struct board *b, struct host_group *g) must_check;

#endif
