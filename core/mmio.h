// SPDX-License-Identifier: Apache-2.0
/*
 * Trapped device memory: parts of BARs that a guest may not touch directly, above all MSI-X tables
 * (design decision 17). arch/ takes the fault, finds the instruction, and asks here.
 */
#ifndef CORE_MMIO_H
#define CORE_MMIO_H

#include "core/addr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* One access of 1, 2, 4 or 8 bytes by a vCPU at a guest-real address that is not mapped. val is the
 * number in the register, as the processor's byte order of the access makes it of memory: the
 * device is little-endian, so the caller has swapped for a big-endian access. -ENOENT: nothing
 * trapped is there: the guest is to be stopped with a report. */
int mmio_access(
	struct vcpu *vcpu, gpa_t at, unsigned int size, bool write, uint64_t *val) must_check;

#endif
