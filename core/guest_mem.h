// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's memory: guest-real 0 .. size, one contiguous host range (design decision 3), so
 * translation is a bounds check and an addition. Guest memory is untrusted and may change under us:
 * copy once, then look only at the copy.
 */
#ifndef CORE_GUEST_MEM_H
#define CORE_GUEST_MEM_H

#include "core/addr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_mem {
	uint8_t *ptr; /* our pointer to guest-real 0 */
	hpa_t host;   /* host-real address of guest-real 0 */
	uint64_t size;
};

/* Whether [at, at + len) is RAM. */
bool guest_mem_has(const struct guest_mem *m, gpa_t at, uint64_t len);

/* Copies; -EFAULT and nothing copied unless all of it is RAM. */
int guest_mem_read(const struct guest_mem *m, gpa_t at, void *buf, size_t len) must_check;
int guest_mem_write(const struct guest_mem *m, gpa_t at, const void *buf, size_t len) must_check;

#endif
