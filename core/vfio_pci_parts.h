// SPDX-License-Identifier: Apache-2.0
/*
 * What core/vfio_pci.c, vfio_region.c, vfio_irqs.c, vfio_reset.c and vfio_rom.c share: cycles to
 * the real device, whatever state it is in. Nobody else includes this.
 */
#ifndef CORE_VFIO_PCI_PARTS_H
#define CORE_VFIO_PCI_PARTS_H

#include "core/vfio.h"

const struct host_func *vfio_host_of(const struct vfio_device *d);
struct host_phb *vfio_phb_of(const struct vfio_device *d);

/* One naturally aligned cycle. The PHB's errors. */
int vfio_cycle_read(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val) must_check;
int vfio_cycle_write(
	struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val) must_check;

/* Whether it answers config cycles at all. */
bool vfio_device_answers(struct vfio_device *d);

/* The device is gone from now on; said once, with why, and its listener is called. -EIO. */
int vfio_device_lost(struct vfio_device *d, const char *why);
void vfio_fire_error(struct vfio_device *d);

/* What the device has when it is opened, and puts back when its last owner has let go of it. wake:
 * waits for the end of what is under way, and for D0. */
int vfio_save_device(struct vfio_device *d) must_check;
void vfio_wake_device(struct vfio_device *d);
void vfio_restore_device(struct vfio_device *d);

#endif
