// SPDX-License-Identifier: Apache-2.0
/* A thin layer over libfdt's sequential writer that keeps the first error and goes quiet. */
#include "dt/dt_guest_writer.h"

#include "dt/dt_util.h"

#include <libfdt.h>
#include <string.h>

void dt_begin(struct dt_writer *w, const char *name)
{
	if (!w->err) {
		w->err = fdt_begin_node(w->fdt, name);
	}
}

void dt_end(struct dt_writer *w)
{
	if (!w->err) {
		w->err = fdt_end_node(w->fdt);
	}
}

void dt_put_bytes(struct dt_writer *w, const char *name, const void *data, size_t len)
{
	if (!w->err) {
		w->err = fdt_property(w->fdt, name, data, (int)len);
	}
}

void dt_put_flag(struct dt_writer *w, const char *name)
{
	dt_put_bytes(w, name, "", 0);
}

void dt_put_string(struct dt_writer *w, const char *name, const char *str)
{
	dt_put_bytes(w, name, str, strlen(str) + 1);
}

void dt_put_cells(struct dt_writer *w, const char *name, const uint32_t *cells, unsigned int n)
{
	void *at = NULL;

	if (!w->err) {
		w->err = fdt_property_placeholder(w->fdt, name, (int)(n * sizeof(*cells)), &at);
	}
	for (unsigned int i = 0; !w->err && i < n; i++) {
		fdt32_st((uint8_t *)at + i * sizeof(*cells), cells[i]);
	}
}

void dt_put_u32(struct dt_writer *w, const char *name, uint32_t v)
{
	dt_put_cells(w, name, &v, 1);
}

void dt_put_u64(struct dt_writer *w, const char *name, uint64_t v)
{
	dt_put_cells(w, name, (uint32_t[]){dt_hi32(v), dt_lo32(v)}, 2);
}

void dt_put_u64_pair(struct dt_writer *w, const char *name, uint64_t a, uint64_t b)
{
	dt_put_cells(w, name, (uint32_t[]){dt_hi32(a), dt_lo32(a), dt_hi32(b), dt_lo32(b)}, 4);
}

void dt_put_cell_counts(struct dt_writer *w, uint32_t addr_cells, uint32_t size_cells)
{
	dt_put_u32(w, "#address-cells", addr_cells);
	dt_put_u32(w, "#size-cells", size_cells);
}

void dt_begin_at(struct dt_writer *w, const char *prefix, uint64_t unit)
{
	char name[DT_NODE_NAME_MAX];
	struct dt_text t;

	dt_text_init(&t, name, sizeof(name));
	dt_text_add(&t, prefix);
	dt_text_add(&t, "@");
	dt_text_add_number(&t, unit, 16);
	dt_begin(w, name);
}
