// SPDX-License-Identifier: Apache-2.0
/* OPAL: where it is and what its codes mean here. */
#include "arch/ppc64/opal.h"

#include "core/err.h"

#include <stddef.h>

struct opal_address opal_address;

_Static_assert(offsetof(struct opal_address, base) == OPAL_ADDRESS_BASE, "opal_address.base");
_Static_assert(offsetof(struct opal_address, entry) == OPAL_ADDRESS_ENTRY, "opal_address.entry");

int opal_failure(int64_t rc)
{
	switch (rc) {
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
