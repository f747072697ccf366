// SPDX-License-Identifier: Apache-2.0
/*
 * The PHB operations of core/board.h as OPAL calls (skiboot doc/opal-api, "opal-pci-*"). Firmware
 * keeps the tables of a PHB (which function is in which PE, the TVEs) and has a lock per PHB; we
 * hold none here.
 */
#include "arch/ppc64/ioda.h"

#include "arch/ppc64/opal.h"
#include "core/range.h"

/* Arguments of the calls. */
#define EEH_CLEAR_ALL	3 /* both the MMIO and the DMA freeze */
#define SET_PE_BUS_ALL	7 /* compare all bits of the bus number, */
#define SET_PE_IGNORE	0 /* none of device and function */
#define SET_PE_MAP	1
#define PELTV_ADD	1
#define MMIO_WINDOW_M32 1
#define RESET_IODA	6
#define RESET_ASSERT	1
#define TCE_KILL_PE	1

static int config_read(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t *val)
{
	uint8_t byte = 0xff;
	uint16_t half = 0xffff;
	uint32_t word = 0xffffffff;
	int64_t rc;

	switch (size) {
	case 1:
		rc = opal_call4(OPAL_PCI_CONFIG_READ_BYTE, phb->id, bdfn, off, (uintptr_t)&byte);
		*val = byte;
		break;
	case 2:
		rc = opal_call4(OPAL_PCI_CONFIG_READ_HALF, phb->id, bdfn, off, (uintptr_t)&half);
		*val = half;
		break;
	case 4:
		rc = opal_call4(OPAL_PCI_CONFIG_READ_WORD, phb->id, bdfn, off, (uintptr_t)&word);
		*val = word;
		break;
	default:
		return -EINVAL;
	}
	/* Where nothing can be (a second device on the root bus), firmware answers this and makes
	 * no cycle; on the bus it would be all ones. Elsewhere a bridge is fenced. */
	if (rc == OPAL_HARDWARE && bdfn >> 8 == 0 && bdfn >> 3 != 0) {
		*val = size == 4 ? 0xffffffffu : (1u << (8 * size)) - 1;
		return 0;
	}
	return rc ? -EIO : 0;
}

static int config_write(
	struct host_phb *phb, uint16_t bdfn, unsigned int off, unsigned int size, uint32_t val)
{
	uint64_t token;

	switch (size) {
	case 1:
		token = OPAL_PCI_CONFIG_WRITE_BYTE;
		break;
	case 2:
		token = OPAL_PCI_CONFIG_WRITE_HALF;
		break;
	case 4:
		token = OPAL_PCI_CONFIG_WRITE_WORD;
		break;
	default:
		return -EINVAL;
	}
	return opal_call4(token, phb->id, bdfn, off, val) ? -EIO : 0;
}

static int reset_iommu(struct host_phb *phb)
{
	return opal_error(opal_call3(OPAL_PCI_RESET, phb->id, RESET_IODA, RESET_ASSERT));
}

static int pe_thaw(struct host_phb *phb, unsigned int pe)
{
	return opal_error(opal_call3(OPAL_PCI_EEH_FREEZE_CLEAR, phb->id, pe, EEH_CLEAR_ALL));
}

static int pe_add_bus(struct host_phb *phb, unsigned int pe, uint8_t bus)
{
	int err = pe_thaw(phb, pe);
	int64_t rc;

	if (err) {
		return err;
	}
	rc = opal_call(OPAL_PCI_SET_PE, phb->id, pe, (uint64_t)bus << 8, SET_PE_BUS_ALL,
		SET_PE_IGNORE, SET_PE_IGNORE, SET_PE_MAP);
	if (!rc) {
		rc = opal_call4(OPAL_PCI_SET_PELTV, phb->id, pe, pe, PELTV_ADD);
	}
	return opal_error(rc);
}

static int pe_add_mmio(struct host_phb *phb, unsigned int pe, unsigned int first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		int64_t rc = opal_call5(
			OPAL_PCI_MAP_PE_MMIO_WINDOW, phb->id, pe, MMIO_WINDOW_M32, 0, first + i);

		if (rc) {
			return opal_error(rc);
		}
	}
	return 0;
}

static int map_window(struct host_phb *phb, unsigned int pe, unsigned int win, unsigned int levels,
	hpa_t table, uint64_t bytes, uint64_t page)
{
	/* Two TVEs per PE; the window number counts through all of them. */
	return opal_error(opal_call(OPAL_PCI_MAP_PE_DMA_WINDOW, phb->id, pe, pe * 2 + win, levels,
		table.v, bytes, page));
}

static int window_set(struct host_phb *phb, unsigned int pe, unsigned int win, hpa_t table,
	uint64_t table_bytes, unsigned int levels, unsigned int page_shift)
{
	if (win >= HOST_PHB_MAX_WINDOWS || !table_bytes) {
		return -EINVAL;
	}
	return map_window(phb, pe, win, levels, table, table_bytes, 1ull << page_shift);
}

static int window_off(struct host_phb *phb, unsigned int pe, unsigned int win)
{
	if (win >= HOST_PHB_MAX_WINDOWS) {
		return -EINVAL;
	}
	/* Size 0 clears the TVE; the other arguments are not looked at, but must be well formed. */
	return map_window(phb, pe, win, 1, hpa(0), 0, 0x1000);
}

static int tce_kill(struct host_phb *phb, unsigned int pe)
{
	return opal_error(opal_pci_tce_kill(phb->id, TCE_KILL_PE, pe));
}

static int msi_setup(struct host_phb *phb, unsigned int pe, unsigned int n, bool is64,
	uint64_t *addr, uint32_t *data)
{
	uint32_t addr32 = 0;
	int64_t rc = opal_call3(OPAL_PCI_SET_XIVE_PE, phb->id, pe, n);

	if (!rc && is64) {
		rc = opal_call(
			OPAL_GET_MSI_64, phb->id, pe, n, 1, (uintptr_t)addr, (uintptr_t)data, 0);
	} else if (!rc) {
		rc = opal_call(
			OPAL_GET_MSI_32, phb->id, pe, n, 1, (uintptr_t)&addr32, (uintptr_t)data, 0);
		*addr = addr32;
	}
	return opal_error(rc);
}

const struct host_phb_ops ioda_phb_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.reset_iommu = reset_iommu,
	.pe_add_bus = pe_add_bus,
	.pe_add_mmio = pe_add_mmio,
	.pe_thaw = pe_thaw,
	.window_set = window_set,
	.window_off = window_off,
	.tce_kill = tce_kill,
	.msi_setup = msi_setup,
};
