// SPDX-License-Identifier: Apache-2.0
/*
 * The policies. The tables of the full one are core/vfio_perm_table.c; here are those of the
 * minimal one: closed by default, opened byte by byte.
 */
#include "core/pci_policy.h"

#include "core/vfio_perm_fields.h"

#include <string.h>

#define FROZEN32(off_, name_)                                                          \
	{                                                                              \
		.off = (off_), .len = 4, .name = (name_), .virt = ALL32, .keep = ALL32 \
	}
#define FROZEN16(off_, name_)                                                          \
	{                                                                              \
		.off = (off_), .len = 2, .name = (name_), .virt = ALL16, .keep = ALL16 \
	}
#define FROZEN8(off_, name_)                                                         \
	{                                                                            \
		.off = (off_), .len = 1, .name = (name_), .virt = ALL8, .keep = ALL8 \
	}
#define ZERO32(off_, name_)                                             \
	{                                                               \
		.off = (off_), .len = 4, .name = (name_), .virt = ALL32 \
	}
#define ZERO16(off_, name_)                                             \
	{                                                               \
		.off = (off_), .len = 2, .name = (name_), .virt = ALL16 \
	}
/*
 * Read live are status, revision, class, cache line size, latency timer, CIS pointer, subsystem
 * ids, 0x35 to 0x3b, minimum grant and maximum latency (SEED-003.7), and what of these can be
 * written is written (SEED-003.8); of COMMAND only bus master reaches the device as it is written,
 * and INTx disable once INTx is routed. BIST would be among them; it is closed under every policy
 * (CF-15).
 */
static const struct vfio_perm_field header_fields[] = {
	FROZEN16(PCI_VENDOR_ID, "vendor id"),
	FROZEN16(PCI_DEVICE_ID, "device id"),
	{.off = PCI_COMMAND,
		.len = 2,
		.act = VFIO_PERM_COMMAND,
		.name = "command",
		.virt = ALL16 & ~PCI_COMMAND_MASTER,
		.write = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF | PCI_COMMAND_MASTER},
	{.off = PCI_STATUS,
		.len = 2,
		.name = "status",
		.virt = PCI_STATUS_CAP_LIST,
		.write = PCI_STATUS_ERRORS,
		.w1c = PCI_STATUS_ERRORS},
	{.off = PCI_REVISION, .len = 4, .name = "revision, class"},
	{.off = PCI_CACHE_LINE, .len = 1, .name = "cache line size", .write = ALL8},
	{.off = PCI_LATENCY, .len = 1, .name = "latency timer", .write = ALL8},
	{.off = PCI_HEADER_TYPE, .len = 1, .name = "header type", .virt = ALL8},
	{.off = PCI_BIST, .len = 1, .name = "BIST", .virt = ALL8},
	BAR(0),
	BAR(1),
	BAR(2),
	BAR(3),
	BAR(4),
	BAR(5),
	{.off = PCI_CIS_PTR, .len = 4, .name = "CardBus CIS pointer"},
	{.off = PCI_SUBSYS_VENDOR, .len = 2, .name = "subsystem vendor id"},
	{.off = PCI_SUBSYS_ID, .len = 2, .name = "subsystem id"},
	ROM_BAR,
	{.off = PCI_CAP_PTR, .len = 1, .name = "capability pointer", .virt = ALL8},
	{.off = PCI_INTERRUPT_LINE,
		.len = 1,
		.name = "interrupt line",
		.virt = ALL8,
		.write = ALL8},
	FROZEN8(PCI_INTERRUPT_PIN, "interrupt pin"),
	{.off = PCI_MIN_GNT, .len = 1, .name = "minimum grant"},
	{.off = PCI_MAX_LAT, .len = 1, .name = "maximum latency"},
};

static const struct vfio_perm header = {
	.name = "header", .fields = header_fields, .nfields = COUNT(header_fields)};

/* SEED-003.17: it stays in D0. */
static const struct vfio_perm_field pm_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS, .len = 2, .name = "PM capabilities", .virt = ALL16, .keep = 0x0027},
	{.off = PCI_PM_CTRL,
		.len = 2,
		.name = "PM control and status",
		.virt = ALL16,
		.keep = PCI_PM_NO_SOFT_RESET},
	ZERO16(6, "bridge extensions, data"),
};

/* SEED-003.15: the short form, whatever the device has. */
static const struct vfio_perm_field msi_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS,
		.len = 2,
		.act = VFIO_PERM_MSI,
		.name = "message control",
		.virt = ALL16,
		.write = 0x0071,
		.keep = 0x000e},
	{.off = 4, .len = 4, .name = "message address", .virt = ALL32, .write = 0xfffffffc},
	{.off = 8, .len = 2, .name = "message data", .virt = ALL16, .write = ALL16},
};

/* SEED-003.16 */
static const struct vfio_perm_field msix_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS,
		.len = 2,
		.act = VFIO_PERM_MSI,
		.name = "message control",
		.virt = ALL16,
		.write = 0xc000,
		.keep = 0x07ff},
	FROZEN32(4, "table offset, BIR"),
	FROZEN32(8, "PBA offset, BIR"),
};

/* SEED-003.24: what can be set is shown as it is, and nothing can be written; status has the
 * guest's bus, device and function numbers, and no error. */
static const struct vfio_perm_field pcix_fields[] = {
	LINK,
	{.off = PCI_PCIX_CMD, .len = 2, .name = "PCI-X command", .virt = ALL16, .keep = 0x007f},
	{.off = PCI_PCIX_STATUS,
		.len = 4,
		.name = "PCI-X status",
		.virt = ALL32,
		.keep = 0xdff30000},
};

/* SEED-003.25 */
static const struct vfio_perm_field vpd_fields[] = {
	LINK,
	{.off = PCI_VPD_ADDR, .len = 2, .name = "VPD address, flag", .write = ALL16},
	{.off = PCI_VPD_DATA, .len = 4, .name = "VPD data", .write = ALL32},
};

/* SEED-003.26 */
static const struct vfio_perm_field vendor_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS, .len = 1, .name = "length"},
	{.off = 3, .len = 0, .name = "vendor's own", .write = ALL8},
};

/* SEED-003.20, 003.21, 003.22: the message number alone is live. Control starts with the device's
 * sizes, relaxed ordering and no-snoop, and goes nowhere. */
#define EXP_FIELDS_V1                                                                  \
	LINK,                                                                          \
		{.off = PCI_CAP_FLAGS,                                                 \
			.len = 2,                                                      \
			.name = "PCI Express capabilities",                            \
			.virt = 0xc1ff,                                                \
			.keep = 0xc1ff},                                               \
		{.off = PCI_EXP_DEVCAP,                                                \
			.len = 4,                                                      \
			.name = "device capabilities",                                 \
			.virt = ALL32,                                                 \
			.keep = ~PCI_EXP_DEVCAP_FLR},                                  \
		{.off = PCI_EXP_DEVCTL,                                                \
			.len = 2,                                                      \
			.name = "device control",                                      \
			.virt = ALL16,                                                 \
			.write = 0x7bff,                                               \
			.keep = 0x70e0,                                                \
			.set = 0x0810},                                                \
		ZERO16(PCI_EXP_DEVSTA, "device status"),                               \
		{.off = PCI_EXP_LNKCAP,                                                \
			.len = 4,                                                      \
			.name = "link capabilities",                                   \
			.virt = ALL32,                                                 \
			.keep = 0x0003ffff},                                           \
		FROZEN16(PCI_EXP_LNKCTL, "link control"),                              \
	{                                                                              \
		.off = PCI_EXP_LNKSTA, .len = 2, .name = "link status", .virt = ALL16, \
		.keep = 0x03ff                                                         \
	}

static const struct vfio_perm_field exp_v1_fields[] = {EXP_FIELDS_V1};

/* SEED-003.23 */
static const struct vfio_perm_field exp_v2_fields[] = {
	EXP_FIELDS_V1,
	ZERO32(PCI_EXP_SLTCAP, "slot capabilities"),
	ZERO16(PCI_EXP_SLTCTL, "slot control"),
	ZERO16(PCI_EXP_SLTSTA, "slot status"),
	ZERO16(PCI_EXP_RTCTL, "root control"),
	ZERO16(PCI_EXP_RTCAP, "root capabilities"),
	ZERO32(PCI_EXP_RTSTA, "root status"),
	FROZEN32(PCI_EXP_DEVCAP2, "device capabilities 2"),
	FROZEN16(PCI_EXP_DEVCTL2, "device control 2"),
	FROZEN16(PCI_EXP_DEVSTA2, "device status 2"),
	FROZEN32(PCI_EXP_LNKCAP2, "link capabilities 2"),
	FROZEN16(PCI_EXP_LNKCTL2, "link control 2"),
	FROZEN16(PCI_EXP_LNKSTA2, "link status 2"),
	ZERO32(PCI_EXP_SLTCAP2, "slot capabilities 2"),
	ZERO16(PCI_EXP_SLTCTL2, "slot control 2"),
	ZERO16(PCI_EXP_SLTSTA2, "slot status 2"),
};

#define ROW(id_, name_, size_, fields_)                                             \
	{                                                                           \
		.id = (id_), .name = (name_), .size = (size_), .fields = (fields_), \
		.nfields = COUNT(fields_)                                           \
	}

/* SEED-003.14 */
static const struct vfio_perm std[] = {
	ROW(PCI_CAP_PM, "Power Management", vfio_perm_pm_size, pm_fields),
	ROW(PCI_CAP_VPD, "Vital Product Data", vfio_perm_vpd_size, vpd_fields),
	ROW(PCI_CAP_MSI, "MSI", vfio_perm_msi_size_short, msi_fields),
	ROW(PCI_CAP_PCIX, "PCI-X", vfio_perm_pcix_size, pcix_fields),
	ROW(PCI_CAP_VENDOR, "Vendor Specific", vfio_perm_vendor_size, vendor_fields),
	ROW(PCI_CAP_EXP, "PCI Express, version 1", vfio_perm_exp_size_v1, exp_v1_fields),
	ROW(PCI_CAP_EXP, "PCI Express, version 2", vfio_perm_exp_size_v2, exp_v2_fields),
	ROW(PCI_CAP_MSIX, "MSI-X", vfio_perm_msix_size, msix_fields),
};

const struct pci_policy pci_policy_full = {
	.name = "full",
	.header = &vfio_perm_header,
	.std = vfio_perm_std,
	.nstd = VFIO_PERM_NUM_STD,
	.ext = vfio_perm_ext,
	.next = VFIO_PERM_NUM_EXT,
};

const struct pci_policy pci_policy_minimal = {
	.name = "minimal",
	.header = &header,
	.std = std,
	.nstd = COUNT(std),
};

static const struct pci_policy *const policies[] = {&pci_policy_full, &pci_policy_minimal};

const struct pci_policy *pci_policy_find(const char *name)
{
	for (size_t i = 0; i < COUNT(policies); i++) {
		if (!strcmp(policies[i]->name, name)) {
			return policies[i];
		}
	}
	return NULL;
}
