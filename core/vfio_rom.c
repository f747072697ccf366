// SPDX-License-Identifier: Apache-2.0
/*
 * The option ROM of a device, read once while its guest does not run yet: a device may use one
 * decoder for its ROM and its BARs, which then do not answer (CF-04). It is switched on for the
 * reads alone, at a place that is no BAR's, and off again whatever happens in between.
 */
#include "core/vfio_pci_parts.h"

#include "core/arch.h"
#include "core/pci_regs.h"

#define TRIES 2u

/* For all loads together. A device may take its time with each of them, and whoever waits for the
 * partition waits for it. */
#define LIMIT_NS 10000000000ull

/* An error does not say that the write has had no effect, so it is read back, and tried again. */
static int switch_off(struct vfio_device *d)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		uint32_t v = PCI_ROM_ENABLE;

		if (!vfio_cycle_write(d, PCI_ROM_BAR, 4, 0) &&
			!vfio_cycle_read(d, PCI_ROM_BAR, 4, &v) && !(v & PCI_ROM_ENABLE)) {
			return 0;
		}
	}
	return vfio_device_lost(d, "does not let its option ROM be switched off");
}

/* Between address and enable bit a device may say whether it has found its ROM sound. */
static int switch_on(struct vfio_device *d)
{
	uint32_t want = vfio_host_of(d)->rom.bus | PCI_ROM_ENABLE, v;
	int err = vfio_cycle_write(d, PCI_ROM_BAR, 4, want);

	if (!err) {
		err = vfio_cycle_read(d, PCI_ROM_BAR, 4, &v);
	}
	return err || (v & (PCI_ROM_ADDRESS | PCI_ROM_ENABLE)) != want ? -EIO : 0;
}

/* Four bytes at a time, which every ROM can. */
static int load(const struct vfio_device *d, uint8_t *buf)
{
	const struct host_func *host = vfio_host_of(d);
	const struct host_phb *phb = vfio_phb_of(d);
	uint64_t start = arch_time_ns();
	uint64_t cpu = phb->m32_cpu.v + (host->rom.bus - phb->m32_bus);

	for (uint32_t off = 0; off < host->rom.size; off += 4) {
		uint64_t v = arch_mmio_read(hpa(cpu + off), 4);

		for (unsigned int i = 0; i < 4; i++) {
			buf[off + i] = (uint8_t)(v >> (8 * i));
		}
		if (arch_time_ns() - start > LIMIT_NS) {
			return -EIO;
		}
	}
	return 0;
}

int vfio_read_rom(struct vfio_device *d, uint8_t *buf, uint32_t size)
{
	const struct host_func *host = vfio_host_of(d);
	uint32_t command = 0;
	int err, off_err;

	if (!d->opened || !host->rom.bus || size != host->rom.size) {
		return -EINVAL;
	}
	err = vfio_config_read(d, PCI_COMMAND, 2, &command);
	if (err) {
		return err;
	}
	/* On as the host placed it; a device that sleeps or has lost it has no memory to load. */
	if (d->reset.asleep || !(command & PCI_COMMAND_MEMORY)) {
		return -EIO;
	}
	err = switch_on(d);
	if (!err) {
		err = load(d, buf);
	}
	off_err = switch_off(d);
	return off_err ? off_err : err;
}
