// SPDX-License-Identifier: Apache-2.0
/* What the parts of the host tree's reader share; for dt_host*.c only. */
#ifndef DT_DT_HOST_READER_H
#define DT_DT_HOST_READER_H

#include "core/board.h"
#include "core/log.h"

#include <stdbool.h>
#include <stdint.h>

/* A radix table's leaf holds real addresses below this. */
#define DT_HOST_REAL_LIMIT (UINT64_C(1) << 56)

struct dt_host_reader {
	const void *fdt;
	struct board *b;
	unsigned int addr_cells, size_cells; /* of the root's children */
	unsigned int ncores;
	struct log_limit limit; /* of the kind of node that is being read */
};

/* Another kind of node follows, with a log limit of its own. */
void dt_host_next_kind(struct dt_host_reader *r);

void dt_host_say_skipped(struct dt_host_reader *r, int node, const char *why);

bool dt_host_is_type(const struct dt_host_reader *r, int node, const char *type);

/* A node without status is in order. */
bool dt_host_is_okay(const struct dt_host_reader *r, int node);

/* What /ibm,opal/fw-features says. */
void dt_host_read_features(struct dt_host_reader *r);

/* Adds the bridges to the board, whose memory is known by now. */
void dt_host_read_phbs(struct dt_host_reader *r);

#endif
