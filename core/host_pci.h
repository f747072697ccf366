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

/* Whether f is a bridge inside this group: in its PE, and never given to a guest. */
bool host_pci_is_inside(const struct host_group *g, const struct host_func *f);

/* The bridges inside a group let its DMA through, until host_pci_quarantine. -EIO: one of them is
 * not what it was at the scan, or does not do it; a log line has said so, and the group has a
 * reason in refuse. What is open then is closed by host_pci_quarantine. */
int host_pci_open_bridges(struct board *b, struct host_group *g) must_check;

/* The bus below a group's root port has just been reset: waits for the bridges inside and gives
 * them back what they had. -EIO: as above. */
int host_pci_restore_bridges(struct board *b, struct host_group *g) must_check;

/* The tree of PHBs, PEs, groups and functions, one log line each. */
void host_pci_print(const struct board *b);

/* Who keeps a group that is not usable from being so, up to HOST_PCI_MAX_BLOCKERS lines, and why
 * all of it is one group, one line. Each begins with prefix (SEED-000.19). */
#define HOST_PCI_MAX_BLOCKERS 8u
void host_pci_print_blockers(const struct board *b, const struct host_group *g, const char *prefix);

/* Bus master of every function of a group off, then of the bridges inside, its two windows off, its
 * translations killed, in the order of design decision 16. Every step is tried. 0, or the first
 * error, and then closed is false and a log line has said so. */
int host_pci_quarantine(struct board *b, struct host_group *g) must_check;

#endif
