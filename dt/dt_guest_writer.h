// SPDX-License-Identifier: Apache-2.0
/* How the guest's tree is written, front to back; for dt_guest*.c only. */
#ifndef DT_DT_GUEST_WRITER_H
#define DT_DT_GUEST_WRITER_H

#include "dt/dt_guest.h"

#include <stddef.h>
#include <stdint.h>

#define DT_NODE_NAME_MAX 48u

/* The interrupt controller's handle; QEMU's, which people know from dumps. */
#define DT_XICS_PHANDLE 0x1111u

/* Writes go through this and stop having an effect after the first that fails. */
struct dt_writer {
	void *fdt;
	int err; /* libfdt's */
};

/* Properties of a node come before its children. */
void dt_begin(struct dt_writer *w, const char *name);
void dt_end(struct dt_writer *w);

/* Node "prefix@unit", the unit in hex. */
void dt_begin_at(struct dt_writer *w, const char *prefix, uint64_t unit);

void dt_put_bytes(struct dt_writer *w, const char *name, const void *data, size_t len);
void dt_put_flag(struct dt_writer *w, const char *name);
void dt_put_string(struct dt_writer *w, const char *name, const char *str);
void dt_put_cells(struct dt_writer *w, const char *name, const uint32_t *cells, unsigned int n);
void dt_put_u32(struct dt_writer *w, const char *name, uint32_t v);
void dt_put_u64(struct dt_writer *w, const char *name, uint64_t v);
void dt_put_u64_pair(struct dt_writer *w, const char *name, uint64_t a, uint64_t b);
void dt_put_cell_counts(struct dt_writer *w, uint32_t addr_cells, uint32_t size_cells);

/* A host bridge and its functions. */
void dt_put_phb(struct dt_writer *w, const struct dt_guest_phb *phb);

/* The property of /chosen that says which functions firmware is to start from, if any. */
void dt_put_boot_list(struct dt_writer *w, const struct dt_guest *g);

static inline uint32_t dt_hi32(uint64_t v)
{
	return (uint32_t)(v >> 32);
}

static inline uint32_t dt_lo32(uint64_t v)
{
	return (uint32_t)v;
}

#endif
