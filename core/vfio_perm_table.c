// SPDX-License-Identifier: Apache-2.0
/*
 * The permission tables: what a guest may do with the registers of a function that is its own. The
 * rule of thumb: what changes nothing but the function may be written; what the link, the slot, the
 * fabric or another function could feel is read-only, or ours.
 */
#include "core/vfio_perm.h"

#include "core/vfio_perm_fields.h"

/*
 * Memory decode of the device stays on or off as the host has it: a guest's MEM decides over its
 * mappings. There is no I/O space. STATUS errors are this function's own record, so who owns it may
 * clear them. BIST is not offered: it takes the function off the bus for seconds (CF-15). Cache
 * line size and latency timer mean nothing on PCI Express.
 */
static const struct vfio_perm_field header_fields[] = {
	{.off = PCI_VENDOR_ID, .len = 2, .name = "vendor id"},
	{.off = PCI_DEVICE_ID, .len = 2, .name = "device id"},
	{.off = PCI_COMMAND,
		.len = 2,
		.act = VFIO_PERM_COMMAND,
		.name = "command",
		.virt = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF,
		.write = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF | PCI_COMMAND_MASTER},
	{.off = PCI_STATUS,
		.len = 2,
		.name = "status",
		.virt = PCI_STATUS_CAP_LIST,
		.write = PCI_STATUS_ERRORS,
		.w1c = PCI_STATUS_ERRORS},
	{.off = PCI_REVISION, .len = 4, .name = "revision, class"},
	{.off = PCI_CACHE_LINE, .len = 1, .name = "cache line size", .virt = ALL8, .write = ALL8},
	{.off = PCI_LATENCY, .len = 1, .name = "latency timer", .virt = ALL8, .write = ALL8},
	{.off = PCI_HEADER_TYPE, .len = 1, .name = "header type", .virt = PCI_HEADER_MULTI},
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
	{.off = PCI_INTERRUPT_PIN, .len = 1, .name = "interrupt pin"},
	{.off = PCI_MIN_GNT, .len = 1, .name = "minimum grant"},
	{.off = PCI_MAX_LAT, .len = 1, .name = "maximum latency"},
};

const struct vfio_perm vfio_perm_header = {
	.name = "header", .fields = header_fields, .nfields = COUNT(header_fields)};

/* D1 and D2 are not offered, nor is PME, which nobody would take. */
static const struct vfio_perm_field pm_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS, .len = 2, .name = "PM capabilities", .virt = 0xffc8},
	{.off = PCI_PM_CTRL,
		.len = 2,
		.act = VFIO_PERM_POWER,
		.name = "PM control and status",
		.virt = PCI_PM_PME_ENABLE | PCI_PM_PME_STATUS,
		.w1c = PCI_PM_PME_STATUS,
		.act_bits = PCI_PM_STATE},
	{.off = 6, .len = 1, .name = "bridge extensions"},
	{.off = 7, .len = 1, .name = "data"},
};

/* Address and flag go to the device in one cycle, as the guest writes them: a device that never
 * answers keeps its guest waiting and nobody else (CF-13). */
static const struct vfio_perm_field vpd_fields[] = {
	LINK,
	{.off = PCI_VPD_ADDR, .len = 2, .name = "VPD address, flag", .write = ALL16},
	{.off = PCI_VPD_DATA, .len = 4, .name = "VPD data", .write = ALL32},
};

/* A message of another form than the one granted would be somebody else's: all of it is ours. */
static const struct vfio_perm_field msi_64_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS,
		.len = 2,
		.act = VFIO_PERM_MSI,
		.name = "message control",
		.virt = ALL16,
		.write = 0x0071,
		.keep = 0x000e,
		.set = 0x0080},
	{.off = 4, .len = 4, .name = "message address", .virt = ALL32, .write = 0xfffffffc},
	{.off = 8, .len = 4, .name = "message upper address", .virt = ALL32, .write = ALL32},
	{.off = 12, .len = 2, .name = "message data", .virt = ALL16, .write = ALL16},
};

static const struct vfio_perm_field msi_32_fields[] = {
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

static const struct vfio_perm_field msix_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS,
		.len = 2,
		.act = VFIO_PERM_MSI,
		.name = "message control",
		.virt = ALL16,
		.write = 0xc000,
		.keep = 0x07ff},
	{.off = 4, .len = 4, .name = "table offset, BIR", .virt = ALL32, .keep = ALL32},
	{.off = 8, .len = 4, .name = "PBA offset, BIR", .virt = ALL32, .keep = ALL32},
};

/* Bus and device number are the guest's own. */
static const struct vfio_perm_field pcix_fields[] = {
	LINK,
	{.off = PCI_PCIX_CMD, .len = 2, .name = "PCI-X command", .write = 0x007f},
	{.off = PCI_PCIX_STATUS,
		.len = 4,
		.name = "PCI-X status",
		.virt = 0x0000ffff,
		.write = 0x200c0000,
		.w1c = 0x200c0000},
};

static const struct vfio_perm_field vendor_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS, .len = 1, .name = "length"},
	{.off = 3, .len = 0, .name = "vendor's own", .write = ALL8},
};

/*
 * Error reporting would send messages up to the root: a guest sees what it wrote, the device does
 * not. Payload size and extended tags are the fabric's, phantom functions would make requests in
 * the name of others (CF-10). Read request size, relaxed ordering, no-snoop and completion timeout
 * are about requests of this function.
 */
#define EXP_FIELDS_V1                                                                           \
	LINK, {.off = PCI_CAP_FLAGS, .len = 2, .name = "PCI Express capabilities"},             \
		{.off = PCI_EXP_DEVCAP, .len = 4, .name = "device capabilities", .virt = 0x18}, \
		{.off = PCI_EXP_DEVCTL,                                                         \
			.len = 2,                                                               \
			.act = VFIO_PERM_FLR,                                                   \
			.name = "device control",                                               \
			.virt = 0x000f | PCI_EXP_DEVCTL_FLR,                                    \
			.write = 0x781f,                                                        \
			.w1c = PCI_EXP_DEVCTL_FLR,                                              \
			.act_bits = PCI_EXP_DEVCTL_FLR},                                        \
		{.off = PCI_EXP_DEVSTA,                                                         \
			.len = 2,                                                               \
			.name = "device status",                                                \
			.write = 0x000f,                                                        \
			.w1c = ALL16},                                                          \
		{.off = PCI_EXP_LNKCAP, .len = 4, .name = "link capabilities"},                 \
		{.off = PCI_EXP_LNKCTL, .len = 2, .name = "link control"},                      \
	{                                                                                       \
		.off = PCI_EXP_LNKSTA, .len = 2, .name = "link status", .w1c = 0xc000           \
	}

static const struct vfio_perm_field exp_v1_fields[] = {EXP_FIELDS_V1};

static const struct vfio_perm_field exp_v2_fields[] = {
	EXP_FIELDS_V1,
	{.off = PCI_EXP_SLTCAP, .len = 4, .name = "slot capabilities"},
	{.off = PCI_EXP_SLTCTL, .len = 2, .name = "slot control"},
	{.off = PCI_EXP_SLTSTA, .len = 2, .name = "slot status", .w1c = 0x011f},
	{.off = PCI_EXP_RTCTL, .len = 2, .name = "root control"},
	{.off = PCI_EXP_RTCAP, .len = 2, .name = "root capabilities"},
	{.off = PCI_EXP_RTSTA, .len = 4, .name = "root status", .w1c = 0x00010000},
	/* LTR and OBFF are between the device and the root. */
	{.off = PCI_EXP_DEVCAP2, .len = 4, .name = "device capabilities 2", .virt = 0x000c0800},
	{.off = PCI_EXP_DEVCTL2, .len = 2, .name = "device control 2", .write = 0x001f},
	{.off = PCI_EXP_DEVSTA2, .len = 2, .name = "device status 2"},
	{.off = PCI_EXP_LNKCAP2, .len = 4, .name = "link capabilities 2"},
	{.off = PCI_EXP_LNKCTL2, .len = 2, .name = "link control 2"},
	{.off = PCI_EXP_LNKSTA2, .len = 2, .name = "link status 2"},
	{.off = PCI_EXP_SLTCAP2, .len = 4, .name = "slot capabilities 2"},
	{.off = PCI_EXP_SLTCTL2, .len = 2, .name = "slot control 2"},
	{.off = PCI_EXP_SLTSTA2, .len = 2, .name = "slot status 2"},
};

static const struct vfio_perm_field af_fields[] = {
	LINK,
	{.off = PCI_CAP_FLAGS, .len = 1, .name = "length"},
	{.off = PCI_AF_CAP, .len = 1, .name = "AF capabilities"},
	{.off = PCI_AF_CTRL,
		.len = 1,
		.act = VFIO_PERM_FLR,
		.name = "AF control",
		.virt = ALL8,
		.act_bits = PCI_AF_FLR},
	{.off = PCI_AF_STATUS, .len = 1, .name = "AF status"},
};

static unsigned int af_size(const struct vfio_perm_probe *p)
{
	return (p->flags & 0xff) == PCI_AF_SIZE && p->room >= PCI_AF_SIZE ? PCI_AF_SIZE : 0;
}

#define ROW(id_, name_, size_, fields_)                                             \
	{                                                                           \
		.id = (id_), .name = (name_), .size = (size_), .fields = (fields_), \
		.nfields = COUNT(fields_)                                           \
	}

const struct vfio_perm vfio_perm_std[VFIO_PERM_NUM_STD] = {
	ROW(PCI_CAP_PM, "Power Management", vfio_perm_pm_size, pm_fields),
	ROW(PCI_CAP_VPD, "Vital Product Data", vfio_perm_vpd_size, vpd_fields),
	ROW(PCI_CAP_MSI, "MSI, 64-bit", vfio_perm_msi_size, msi_64_fields),
	ROW(PCI_CAP_MSI, "MSI, 32-bit", vfio_perm_msi_size_short, msi_32_fields),
	ROW(PCI_CAP_PCIX, "PCI-X", vfio_perm_pcix_size, pcix_fields),
	ROW(PCI_CAP_VENDOR, "Vendor Specific", vfio_perm_vendor_size, vendor_fields),
	ROW(PCI_CAP_EXP, "PCI Express, version 1", vfio_perm_exp_size_v1, exp_v1_fields),
	ROW(PCI_CAP_EXP, "PCI Express, version 2", vfio_perm_exp_size_v2, exp_v2_fields),
	ROW(PCI_CAP_MSIX, "MSI-X", vfio_perm_msix_size, msix_fields),
	ROW(PCI_CAP_AF, "Advanced Features", af_size, af_fields),
};

/* --- extended capabilities --- */

/* Of these no virtual bit can be written or starts as anything but 0, so there is no copy of them;
 * a test holds the tables to it. */
#define EXT_LINK                                                               \
	{                                                                      \
		.off = 0, .len = 4, .name = "id, version, next", .virt = ALL32 \
	}

/* What the device has recorded may be cleared; what it reports, how, and whether it checks CRCs is
 * the host's (CF-10). The prefix log behind the header log is not shown. */
static const struct vfio_perm_field aer_fields[] = {
	EXT_LINK,
	{.off = PCI_AER_UNC_STATUS,
		.len = 4,
		.name = "uncorrectable error status",
		.write = 0x07fff030,
		.w1c = ALL32},
	{.off = PCI_AER_UNC_MASK, .len = 4, .name = "uncorrectable error mask"},
	{.off = PCI_AER_UNC_SEVER, .len = 4, .name = "uncorrectable error severity"},
	{.off = PCI_AER_COR_STATUS,
		.len = 4,
		.name = "correctable error status",
		.write = 0x0000f1c1,
		.w1c = ALL32},
	{.off = PCI_AER_COR_MASK, .len = 4, .name = "correctable error mask"},
	{.off = PCI_AER_CTRL, .len = 4, .name = "capabilities and control", .virt = 0x800},
	{.off = PCI_AER_HEADER + 0x0, .len = 4, .name = "header log 0"},
	{.off = PCI_AER_HEADER + 0x4, .len = 4, .name = "header log 1"},
	{.off = PCI_AER_HEADER + 0x8, .len = 4, .name = "header log 2"},
	{.off = PCI_AER_HEADER + 0xc, .len = 4, .name = "header log 3"},
};

static const struct vfio_perm_field dsn_fields[] = {
	EXT_LINK,
	{.off = 4, .len = 4, .name = "serial number, low"},
	{.off = 8, .len = 4, .name = "serial number, high"},
};

/* Which record is read is the reader's choice. */
static const struct vfio_perm_field power_fields[] = {
	EXT_LINK,
	{.off = 4, .len = 1, .name = "data select", .write = ALL8},
	{.off = 8, .len = 4, .name = "data"},
	{.off = 12, .len = 1, .name = "budget capability"},
};

static const struct vfio_perm_field ext_vendor_fields[] = {
	EXT_LINK,
	{.off = 4, .len = 4, .name = "vendor's id, revision, length"},
	{.off = PCI_VSEC_HEADER, .len = 0, .name = "vendor's own", .write = ALL8},
};

static unsigned int aer_size(const struct vfio_perm_probe *p)
{
	return p->room >= PCI_AER_SIZE ? PCI_AER_SIZE : 0;
}

static unsigned int dsn_size(const struct vfio_perm_probe *p)
{
	return p->room >= PCI_DSN_SIZE ? PCI_DSN_SIZE : 0;
}

static unsigned int power_size(const struct vfio_perm_probe *p)
{
	return p->room >= PCI_POWER_SIZE ? PCI_POWER_SIZE : 0;
}

static unsigned int ext_vendor_size(const struct vfio_perm_probe *p)
{
	unsigned int len = p->flags >> 20;

	return len >= PCI_VSEC_HEADER && len <= p->room ? len : 0;
}

const struct vfio_perm vfio_perm_ext[VFIO_PERM_NUM_EXT] = {
	ROW(PCI_EXT_CAP_AER, "Advanced Error Reporting", aer_size, aer_fields),
	ROW(PCI_EXT_CAP_DSN, "Device Serial Number", dsn_size, dsn_fields),
	ROW(PCI_EXT_CAP_POWER, "Power Budgeting", power_size, power_fields),
	ROW(PCI_EXT_CAP_VENDOR, "Vendor Specific", ext_vendor_size, ext_vendor_fields),
};
