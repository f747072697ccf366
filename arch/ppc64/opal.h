// SPDX-License-Identifier: Apache-2.0
/*
 * The OPAL calls we use. Tokens and codes are OPAL's (skiboot doc/opal-api); codes are translated
 * to ours in opal_error() and nowhere else.
 */
#ifndef ARCH_PPC64_OPAL_H
#define ARCH_PPC64_OPAL_H

#include "arch/ppc64/layout.h"

#include <stdint.h>

#define OPAL_CONSOLE_WRITE	    1
#define OPAL_CONSOLE_READ	    2
#define OPAL_RTC_READ		    3
#define OPAL_CEC_POWER_DOWN	    5
#define OPAL_POLL_EVENTS	    10
#define OPAL_PCI_CONFIG_READ_BYTE   13
#define OPAL_PCI_CONFIG_READ_HALF   14
#define OPAL_PCI_CONFIG_READ_WORD   15
#define OPAL_PCI_CONFIG_WRITE_BYTE  16
#define OPAL_PCI_CONFIG_WRITE_HALF  17
#define OPAL_PCI_CONFIG_WRITE_WORD  18
#define OPAL_PCI_EEH_FREEZE_CLEAR   26
#define OPAL_PCI_MAP_PE_MMIO_WINDOW 29
#define OPAL_PCI_SET_PE		    31
#define OPAL_PCI_SET_PELTV	    32
#define OPAL_PCI_SET_XIVE_PE	    37
#define OPAL_GET_MSI_32		    39
#define OPAL_GET_MSI_64		    40
#define OPAL_START_CPU		    41
#define OPAL_PCI_MAP_PE_DMA_WINDOW  44
#define OPAL_PCI_RESET		    49
#define OPAL_REINIT_CPUS	    70
#define OPAL_HANDLE_HMI		    98
#define OPAL_CONSOLE_FLUSH	    117
#define OPAL_XIVE_RESET		    128
#define OPAL_XIVE_GET_IRQ_INFO	    129
#define OPAL_XIVE_SET_IRQ_CONFIG    131
#define OPAL_XIVE_SET_QUEUE_INFO    133
#define OPAL_XIVE_DONATE_PAGE	    134
#define OPAL_XIVE_ALLOCATE_VP_BLOCK 135
#define OPAL_XIVE_FREE_VP_BLOCK	    136
#define OPAL_XIVE_GET_VP_INFO	    137
#define OPAL_XIVE_SET_VP_INFO	    138
#define OPAL_XIVE_ALLOCATE_IRQ	    139
#define OPAL_XIVE_FREE_IRQ	    140

#define OPAL_SUCCESS	 0
#define OPAL_PARAMETER	 (-1)
#define OPAL_BUSY	 (-2)
#define OPAL_PARTIAL	 (-3)
#define OPAL_CLOSED	 (-5)
#define OPAL_HARDWARE	 (-6)
#define OPAL_UNSUPPORTED (-7)
#define OPAL_BUSY_EVENT	 (-12)

/* Where firmware is; set once at entry. Aligned, so that both are reached from one base. */
struct opal_address {
	uint64_t base, entry;
} __attribute__((aligned(16)));
extern struct opal_address opal_address;

int64_t opal_call(uint64_t token, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
	uint64_t a6, uint64_t a7);

/* OPAL_PCI_TCE_KILL of a whole PE or PHB, which looks at no further argument. */
int64_t opal_pci_tce_kill(uint64_t phb, uint64_t kind, uint64_t pe);

#define opal_call0(t)		     opal_call(t, 0, 0, 0, 0, 0, 0, 0)
#define opal_call1(t, a)	     opal_call(t, a, 0, 0, 0, 0, 0, 0)
#define opal_call2(t, a, b)	     opal_call(t, a, b, 0, 0, 0, 0, 0)
#define opal_call3(t, a, b, c)	     opal_call(t, a, b, c, 0, 0, 0, 0)
#define opal_call4(t, a, b, c, d)    opal_call(t, a, b, c, d, 0, 0, 0)
#define opal_call5(t, a, b, c, d, e) opal_call(t, a, b, c, d, e, 0, 0)

/* OPAL_SUCCESS 0; PARAMETER -EINVAL; UNSUPPORTED -ENOTSUP; CLOSED -ENODEV; BUSY and BUSY_EVENT
 * -EBUSY; everything else -EIO. */
int opal_failure(int64_t rc);
static inline int opal_error(int64_t rc)
{
	return rc == OPAL_SUCCESS ? 0 : opal_failure(rc);
}

#endif
