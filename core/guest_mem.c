// SPDX-License-Identifier: Apache-2.0
/*
 * Copies in and out of a partition's memory; the only code that follows a guest's pointer.
 */
#include "core/guest_mem.h"

#include "core/range.h"

#include <stdatomic.h>
#include <string.h>

bool guest_mem_has(const struct guest_mem *m, gpa_t at, uint64_t len)
{
	return range_below(at.v, len, m->size);
}

int guest_mem_read(const struct guest_mem *m, gpa_t at, void *buf, size_t len)
{
	if (!guest_mem_has(m, at, len)) {
		return -EFAULT;
	}
	memcpy(buf, m->ptr + at.v, len);
	/* Linked as one piece, a short copy may be a register: it must not be fetched again where
	 * the compiler runs out of them, for the guest may have changed what is there. */
	atomic_signal_fence(memory_order_seq_cst);
	return 0;
}

int guest_mem_write(const struct guest_mem *m, gpa_t at, const void *buf, size_t len)
{
	if (!guest_mem_has(m, at, len)) {
		return -EFAULT;
	}
	memcpy(m->ptr + at.v, buf, len);
	return 0;
}
