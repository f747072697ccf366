// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of config space: the type-0 header (PCI 3.0, 6.1), the capabilities (PCI 3.0, 6.7 and
 * 6.8; PCI PM 1.2, 3.2; PCI-X 2.0, 7.2; Advanced Features ECN; PCI Express 4.0, 7.5) and the
 * extended ones (PCI Express 4.0, 7.6 and on). Names and numbers only.
 */
#ifndef CORE_PCI_REGS_H
#define CORE_PCI_REGS_H

#define PCI_CONFIG_SIZE	    256u
#define PCI_CONFIG_EXT_SIZE 4096u
#define PCI_NUM_BARS	    6u
#define PCI_NUM_PINS	    4u

#define PCI_VENDOR_ID	     0x00u
#define PCI_DEVICE_ID	     0x02u
#define PCI_COMMAND	     0x04u
#define PCI_COMMAND_IO	     0x0001u
#define PCI_COMMAND_MEMORY   0x0002u
#define PCI_COMMAND_MASTER   0x0004u
#define PCI_COMMAND_INTX_OFF 0x0400u
#define PCI_STATUS	     0x06u
#define PCI_STATUS_CAP_LIST  0x0010u
#define PCI_STATUS_ERRORS    0xf900u /* those that a written 1 clears */
#define PCI_REVISION	     0x08u
#define PCI_CACHE_LINE	     0x0cu
#define PCI_LATENCY	     0x0du
#define PCI_HEADER_TYPE	     0x0eu
#define PCI_HEADER_MULTI     0x80u
#define PCI_BIST	     0x0fu
#define PCI_BAR0	     0x10u
#define PCI_CIS_PTR	     0x28u
#define PCI_SUBSYS_VENDOR    0x2cu
#define PCI_SUBSYS_ID	     0x2eu
#define PCI_ROM_BAR	     0x30u
#define PCI_ROM_ENABLE	     0x00000001u
#define PCI_ROM_ADDRESS	     0xfffff800u
#define PCI_CAP_PTR	     0x34u
#define PCI_INTERRUPT_LINE   0x3cu
#define PCI_INTERRUPT_PIN    0x3du
#define PCI_MIN_GNT	     0x3eu
#define PCI_MAX_LAT	     0x3fu

/* Capabilities, and where they may lie. */
#define PCI_CAP_PM     0x01u
#define PCI_CAP_VPD    0x03u
#define PCI_CAP_MSI    0x05u
#define PCI_CAP_PCIX   0x07u
#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_EXP    0x10u
#define PCI_CAP_MSIX   0x11u
#define PCI_CAP_AF     0x13u
#define PCI_CAP_FIRST  0x40u
#define PCI_CAP_LIMIT  0x100u
#define PCI_CAP_MAX    48u /* no list of dword-aligned capabilities is longer */
#define PCI_CAP_FLAGS  2u  /* what is behind id and pointer in all of them */

#define PCI_PM_SIZE	     8u
#define PCI_PM_CTRL	     4u
#define PCI_PM_STATE	     0x0003u
#define PCI_PM_D3HOT	     0x0003u
#define PCI_PM_NO_SOFT_RESET 0x0008u
#define PCI_PM_PME_ENABLE    0x0100u
#define PCI_PM_PME_STATUS    0x8000u

#define PCI_VPD_SIZE 8u
#define PCI_VPD_ADDR 2u
#define PCI_VPD_DATA 4u

#define PCI_PCIX_SIZE	8u
#define PCI_PCIX_CMD	2u
#define PCI_PCIX_STATUS 4u

#define PCI_AF_SIZE	 6u
#define PCI_AF_CAP	 3u
#define PCI_AF_CAP_TP	 0x01u
#define PCI_AF_CAP_FLR	 0x02u
#define PCI_AF_CTRL	 4u
#define PCI_AF_FLR	 0x01u
#define PCI_AF_STATUS	 5u
#define PCI_AF_STATUS_TP 0x01u

#define PCI_EXP_SIZE_V1	       0x14u
#define PCI_EXP_SIZE_V2	       0x3cu
#define PCI_EXP_MIN_V2	       0x34u
#define PCI_EXP_DEVCAP	       4u
#define PCI_EXP_DEVCAP_FLR     0x10000000u
#define PCI_EXP_DEVCTL	       8u
#define PCI_EXP_DEVCTL_FLR     0x8000u
#define PCI_EXP_DEVSTA	       10u
#define PCI_EXP_DEVSTA_PENDING 0x0020u
#define PCI_EXP_LNKCAP	       12u
#define PCI_EXP_LNKCTL	       16u
#define PCI_EXP_LNKSTA	       18u
#define PCI_EXP_SLTCAP	       0x14u
#define PCI_EXP_SLTCTL	       0x18u
#define PCI_EXP_SLTSTA	       0x1au
#define PCI_EXP_RTCTL	       0x1cu
#define PCI_EXP_RTCAP	       0x1eu
#define PCI_EXP_RTSTA	       0x20u
#define PCI_EXP_DEVCAP2	       0x24u
#define PCI_EXP_DEVCTL2	       0x28u
#define PCI_EXP_DEVSTA2	       0x2au
#define PCI_EXP_LNKCAP2	       0x2cu
#define PCI_EXP_LNKCTL2	       0x30u
#define PCI_EXP_LNKSTA2	       0x32u
#define PCI_EXP_SLTCAP2	       0x34u
#define PCI_EXP_SLTCTL2	       0x38u
#define PCI_EXP_SLTSTA2	       0x3au

#define PCI_MSI_SIZE_32 10u
#define PCI_MSI_SIZE_64 14u
#define PCI_MSIX_SIZE	12u
#define PCI_MSIX_BIR	7u  /* of the words that say where table and pending bits are */
#define PCI_MSIX_ENTRY	16u /* bytes of the table */

/* Extended capabilities: a dword of id, version and next, then what the id says. */
#define PCI_EXT_FIRST	   0x100u
#define PCI_EXT_LIMIT	   0x1000u
#define PCI_EXT_MAX	   64u /* how many we walk */
#define PCI_EXT_ID	   0x0000ffffu
#define PCI_EXT_NEXT_SHIFT 20
#define PCI_EXT_CAP_AER	   0x01u
#define PCI_EXT_CAP_DSN	   0x03u
#define PCI_EXT_CAP_POWER  0x04u
#define PCI_EXT_CAP_VENDOR 0x0bu
#define PCI_EXT_CAP_ACS	   0x0du
#define PCI_EXT_CAP_ARI	   0x0eu
#define PCI_EXT_CAP_ATS	   0x0fu
#define PCI_EXT_CAP_PRI	   0x13u
#define PCI_EXT_CAP_REBAR  0x15u
#define PCI_EXT_CAP_TPH	   0x17u
#define PCI_EXT_CAP_LTR	   0x18u
#define PCI_EXT_CAP_PASID  0x1bu
#define PCI_EXT_CAP_DPC	   0x1du
#define PCI_EXT_CAP_L1PM   0x1eu
#define PCI_EXT_CAP_PTM	   0x1fu

#define PCI_AER_SIZE	   0x2cu
#define PCI_AER_UNC_STATUS 0x04u
#define PCI_AER_UNC_MASK   0x08u
#define PCI_AER_UNC_SEVER  0x0cu
#define PCI_AER_COR_STATUS 0x10u
#define PCI_AER_COR_MASK   0x14u
#define PCI_AER_CTRL	   0x18u
#define PCI_AER_HEADER	   0x1cu
#define PCI_DSN_SIZE	   0x0cu
#define PCI_POWER_SIZE	   0x10u
#define PCI_VSEC_HEADER	   0x08u /* of the 4 bytes before it, the top 12 bits are the length */

#endif
