// SPDX-License-Identifier: Apache-2.0
/*
 * A guest's own (process-scoped) radix tree, walked in software: where the hardware says which
 * guest-real address faulted but not which instruction did it (Power ISA 3.0B book III, 5.7). The
 * tree is untrusted guest memory. Pure C: registers come in as arguments.
 */
#ifndef ARCH_PPC64_RADIX_WALK_H
#define ARCH_PPC64_RADIX_WALK_H

#include "core/addr.h"
#include "core/err.h"
#include "core/guest_mem.h"

#include <stdbool.h>
#include <stdint.h>

struct radix_ctx {
	/* The second doubleword of the partition table entry, as arch_set_process_table() has it;
	 * 0: the guest has no process table. */
	uint64_t process_table;
	uint32_t pid; /* PIDR */
};

/* The guest-real address behind an effective address, as the vCPU with this MSR fetches an
 * instruction from it (fetch) or reads data. It need not be RAM. -EFAULT, and *out untouched: the
 * guest has no such translation, no right to it, or a tree the hardware would not take. The
 * hardware may still hold a translation whose entry the guest has since changed: then its next try
 * faults in the guest. */
int radix_walk_ea(const struct guest_mem *mem, const struct radix_ctx *ctx, uint64_t ea,
	uint64_t msr, bool fetch, gpa_t *out) must_check;

#endif
