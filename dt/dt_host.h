// SPDX-License-Identifier: Apache-2.0
/* Reads the host's device tree, as OPAL hands it over, into struct board. */
#ifndef DT_DT_HOST_H
#define DT_DT_HOST_H

#include "core/board.h"

/* Firmware gives no size with its tree; one whose header claims more than this is not believed. */
#define DT_HOST_MAX (64u << 20)

/*
 * Fills threads, memory, reserved ranges, OPAL entry, initrd, bootargs, timebase and the PHBs (ops
 * not set, in the order of their ids). Nothing in the tree is trusted: a node that makes no sense
 * is skipped with a log line that names it and what is wrong, and the rest goes on. What cannot be
 * recorded is left unused: a core is taken with all its threads or not at all, and a reserved range
 * that has no place of its own widens the nearest one.
 * -EINVAL: not a flattened tree, or no /memory, no CPU or no /ibm,opal in it. The blob must stay
 * where it is no longer than the call.
 */
int dt_host_read(const void *fdt, struct board *board) must_check;

#endif
