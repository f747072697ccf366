// SPDX-License-Identifier: Apache-2.0
/* Loads a guest's kernel: an ELF64 file for PowerPC of either byte order, untrusted. */
#ifndef CORE_ELF_H
#define CORE_ELF_H

#include "core/addr.h"
#include "core/err.h"
#include "core/guest_mem.h"

#include <stddef.h>
#include <stdint.h>

/* What was loaded: where to enter, and the end of the highest segment. */
struct elf_image {
	gpa_t entry;
	gpa_t end;
};

/*
 * Copies every PT_LOAD segment to its physical address in mem and clears what of it is not in the
 * file. On an error nothing has been copied and *why is a text for the log.
 * -EINVAL: not such a file, truncated, a segment with more file than memory, segments overlapping,
 * or an entry that is in no segment. -EFAULT: a segment does not fit into mem.
 */
int elf_load(const uint8_t *file, size_t size, const struct guest_mem *mem, struct elf_image *out,
	const char **why) must_check;

#endif
