// SPDX-License-Identifier: Apache-2.0
/* PHB3/4/5 through OPAL's IODA calls. */
#ifndef ARCH_PPC64_IODA_H
#define ARCH_PPC64_IODA_H

#include "core/board.h"

extern const struct host_phb_ops ioda_phb_ops;

#endif
