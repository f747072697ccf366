// SPDX-License-Identifier: Apache-2.0
/* How a guest's function reaches the real one, through VFIO. */
#include "core/partition_parts.h"
#include "core/range.h"

static int func_read(void *dev, unsigned int off, unsigned int size, uint32_t *val)
{
	struct partition_func *f = dev;

	return vfio_config_read(f->device, off, size, val);
}

static int func_write(void *dev, unsigned int off, unsigned int size, uint32_t val)
{
	struct partition_func *f = dev;

	return vfio_config_write(f->device, off, size, val);
}

/* The device's own BAR stays where it is; the guest's address moves (design decision 11). */
static int func_map_bar(
	void *dev, unsigned int bar, uint64_t off, uint64_t len, uint64_t value, bool mapped)
{
	struct partition_func *f = dev;
	gpa_t at = gpa(f->window.v + (value + off - PHB_MMIO32_BUS));
	hpa_t real;
	int err;

	if (!mapped) {
		arch_unmap_mmio(f->partition, at, len);
		return 0;
	}
	if (!range_inside(value + off, len, PHB_MMIO32_BUS, PHB_MMIO32_SIZE)) {
		return -EINVAL;
	}
	err = vfio_region_mmap(f->device, bar, off, len, &real);
	return err ? err : arch_map_mmio(f->partition, at, real, len);
}

static int func_bar_read(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val)
{
	struct partition_func *f = dev;

	return vfio_region_load(f->device, bar, off, size, val);
}

static int func_bar_write(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct partition_func *f = dev;

	return vfio_region_store(f->device, bar, off, size, val);
}

static int func_reset(void *dev, enum pci_reset how)
{
	struct partition_func *f = dev;

	switch (how) {
	case PCI_RESET_FLR:
		return vfio_begin_reset(f->device, VFIO_RESET_FLR);
	case PCI_RESET_AF_FLR:
		return vfio_begin_reset(f->device, VFIO_RESET_AF);
	default:
		return vfio_begin_power(f->device, how == PCI_RESET_D3HOT);
	}
}

static int func_settled(void *dev, bool wait)
{
	struct partition_func *f = dev;

	return wait ? vfio_wait_reset(f->device) : vfio_poll_reset(f->device);
}

static int func_message(void *dev, unsigned int message, bool is64, uint64_t *addr, uint32_t *data)
{
	struct partition_func *f = dev;

	return vfio_setup_msi(f->device, message, is64, addr, data);
}

const struct pci_func_ops partition_func_ops = {
	.read = func_read,
	.write = func_write,
	.map_bar = func_map_bar,
	.bar_read = func_bar_read,
	.bar_write = func_bar_write,
	.reset = func_reset,
	.settled = func_settled,
	.message = func_message,
};
