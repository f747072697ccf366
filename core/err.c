// SPDX-License-Identifier: Apache-2.0
/*
 * Names of errors, for people who read the log.
 */
#include "core/err.h"

#include <stddef.h>

struct name {
	int err;
	const char *text;
};

#define NAME(e)            \
	{                  \
		-e, "-" #e \
	}

static const struct name names[] = {
	NAME(E2BIG),
	NAME(EACCES),
	NAME(EAGAIN),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(EFAULT),
	NAME(EINVAL),
	NAME(EIO),
	NAME(ENODEV),
	NAME(ENOENT),
	NAME(ENOMEM),
	NAME(ENOSPC),
	NAME(ENOSYS),
	NAME(ENOTSUP),
	NAME(ENXIO),
	NAME(EOVERFLOW),
	NAME(EPERM),
	NAME(ERANGE),
	NAME(ETIMEDOUT),
};

const char *err_name(int err)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].err == err) {
			return names[i].text;
		}
	}
	return "-E?";
}
