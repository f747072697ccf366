// SPDX-License-Identifier: Apache-2.0
/*
 * Virtio functions. The DMA of one that does not offer VIRTIO_F_ACCESS_PLATFORM takes addresses for
 * the host's own and goes past every IOMMU, which is how software models of them are made: who has
 * such a function has the machine (Virtio 1.2, 6.1). What it offers is read through the window that
 * it has in its config space (4.1.4.9), so that nothing has to be mapped.
 */
#include "core/host_pci_virtio.h"

#include "core/host_cycles.h"
#include "core/pci_regs.h"

#define VIRTIO_VENDOR	    0x1af4u
#define VIRTIO_DEVICE_FIRST 0x1000u
#define VIRTIO_DEVICE_LAST  0x107fu

/* A vendor capability of virtio: what it is for, and of which BAR which bytes. */
#define CAP_TYPE	  3u
#define CAP_BAR		  4u
#define CAP_OFFSET	  8u
#define CAP_LENGTH	  12u
#define CAP_DATA	  16u /* of the window: the bytes themselves */
#define CAP_TYPE_COMMON	  1u
#define CAP_TYPE_WINDOW	  5u
#define CAP_POINTER_FLAGS 3u

/* In the common configuration. */
#define DEVICE_FEATURE_SELECT 0u
#define DEVICE_FEATURE	      4u
#define ACCESS_PLATFORM_WORD  1u /* feature 33 */
#define ACCESS_PLATFORM_BIT   (1u << 1)

/* The first capability of this type; 0: there is none. */
static unsigned int find_cap(struct host_cycles *c, unsigned int type)
{
	unsigned int pos = PCI_CAP_PTR;

	if (!(host_cycles_read(c, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST)) {
		return 0;
	}
	for (unsigned int i = 0; i < PCI_CAP_MAX; i++) {
		pos = host_cycles_read(c, pos, 1) & ~CAP_POINTER_FLAGS;
		if (pos < PCI_CAP_FIRST || c->err) {
			return 0;
		}
		if (host_cycles_read(c, pos, 1) == PCI_CAP_VENDOR &&
			host_cycles_read(c, pos + CAP_TYPE, 1) == type) {
			return pos;
		}
		pos++;
	}
	return 0;
}

/* Points the window at 4 bytes of the common configuration. */
static void aim(struct host_cycles *c, unsigned int window, unsigned int common, uint32_t at)
{
	host_cycles_write(c, window + CAP_BAR, 1, host_cycles_read(c, common + CAP_BAR, 1));
	host_cycles_write(
		c, window + CAP_OFFSET, 4, host_cycles_read(c, common + CAP_OFFSET, 4) + at);
	host_cycles_write(c, window + CAP_LENGTH, 4, 4);
}

bool host_pci_passes_iommu(struct host_phb *phb, const struct host_func *f)
{
	struct host_cycles c = {.phb = phb, .bdfn = f->bdfn};
	unsigned int common, window;
	uint32_t features;

	if (f->vendor != VIRTIO_VENDOR || f->device < VIRTIO_DEVICE_FIRST ||
		f->device > VIRTIO_DEVICE_LAST) {
		return false;
	}
	common = find_cap(&c, CAP_TYPE_COMMON);
	window = find_cap(&c, CAP_TYPE_WINDOW);
	if (!common || !window || window + CAP_DATA + 4 > PCI_CONFIG_SIZE ||
		common + CAP_DATA > PCI_CONFIG_SIZE) {
		return true;
	}
	aim(&c, window, common, DEVICE_FEATURE_SELECT);
	host_cycles_write(&c, window + CAP_DATA, 4, ACCESS_PLATFORM_WORD);
	aim(&c, window, common, DEVICE_FEATURE);
	features = host_cycles_read(&c, window + CAP_DATA, 4);
	return c.err || features == UINT32_MAX || !(features & ACCESS_PLATFORM_BIT);
}
