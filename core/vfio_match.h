// SPDX-License-Identifier: Apache-2.0
/*
 * Functions named by their ids, in the words that Linux's vfio-pci takes in new_id and remove_id:
 *
 *   vendor device [subvendor subdevice [class class_mask [data]]]
 *
 * in hexadecimal, with spaces between. What is left out is any subvendor and subdevice (ffffffff),
 * and class and mask 0, which is any class (SEED-002.23).
 */
#ifndef CORE_VFIO_MATCH_H
#define CORE_VFIO_MATCH_H

#include "core/board.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFIO_ID_ANY UINT32_MAX

struct vfio_id {
	uint32_t vendor, device, subvendor, subdevice;
	uint32_t class_code, class_mask;
};

/* -EINVAL: fewer than two words or more than seven, one that is no hexadecimal number, an id above
 * ffff that is not ffffffff, a class above ffffff; or data other than 0: no driver of ours has any
 * (SEED-002.24). */
int vfio_parse_id(const char *text, struct vfio_id *id) must_check;

bool vfio_id_fits(const struct vfio_id *id, const struct host_func *f);

/*
 * texts is len bytes, one text after another, each with its NUL. One without '-' in front adds the
 * functions that it fits, as new_id does; one with it takes them out again, as remove_id
 * (SEED-002.25). The last that fits a function decides; if none does, it is meant only if none adds
 * any. A list whose last byte is no NUL fits nothing.
 */
bool vfio_match(const char *texts, size_t len, const struct host_func *f);

/* Whether a text of such a list is right, '-' included. -EINVAL: as above. */
int vfio_check_match(const char *text) must_check;

#endif
