// SPDX-License-Identifier: Apache-2.0
/* OPAL: where it is and what its codes mean here. */
#include "arch/ppc64/opal.h"

#include "core/err.h"

uint64_t opal_base, opal_entry;

int opal_error(int64_t rc)
{
	switch (rc) {
	case OPAL_SUCCESS:
		return 0;
	case OPAL_PARAMETER:
		return -EINVAL;
	case OPAL_UNSUPPORTED:
		return -ENOTSUP;
	case OPAL_CLOSED:
		return -ENODEV;
	case OPAL_BUSY:
	case OPAL_BUSY_EVENT:
		return -EBUSY;
	default:
		return -EIO;
	}
}
