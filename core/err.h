// SPDX-License-Identifier: Apache-2.0
/*
 * Internal results. A function that can fail returns int: 0 or a negative Exxx constant, and its
 * data goes out by pointer. The variable errno is not used anywhere. Guest-visible codes (H_*,
 * RTAS status), OPAL codes and libfdt codes are other things and never mix with these: each is
 * translated once, at its border.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <errno.h>

#define must_check __attribute__((warn_unused_result))

/* The name of a negative error ("-EINVAL"), for messages; "-E?" for a number not used here. */
const char *err_name(int err);

#endif
