// SPDX-License-Identifier: Apache-2.0
/*
 * The interrupts of an open device of VFIO: VFIO_DEVICE_GET_IRQ_INFO and VFIO_DEVICE_SET_IRQS, with
 * the numbers and the rules of Linux's UAPI.
 *
 * INTx, MSI and MSI-X go from the device to an interrupt source of the host with no code of ours
 * between, so nobody can be called for them: they have no eventfd. Which messages a device has is
 * said with vfio_get_msis and vfio_setup_msi; here they are taken from the device. The error event
 * is software's: its eventfd is a function and an argument.
 */
#ifndef CORE_VFIO_IRQS_H
#define CORE_VFIO_IRQS_H

#include "core/err.h"

#include <stdint.h>

struct vfio_device;

enum vfio_irq_kind {
	VFIO_PCI_INTX_IRQ,
	VFIO_PCI_MSI_IRQ,
	VFIO_PCI_MSIX_IRQ,
	VFIO_PCI_ERR_IRQ, /* the device is lost */
	VFIO_PCI_REQ_IRQ, /* the host wants it back: it never does, so nothing has one */
	VFIO_PCI_NUM_IRQS,
};

#define VFIO_IRQ_INFO_EVENTFD  1u
#define VFIO_IRQ_INFO_MASKABLE 2u

/* argsz is the caller's sizeof; what is answered is ours. */
struct vfio_irq_info {
	uint32_t argsz, flags, index, count;
};

#define VFIO_IRQ_SET_DATA_NONE	    1u
#define VFIO_IRQ_SET_DATA_BOOL	    2u /* bytes: 0, nothing for this one; else, it is meant */
#define VFIO_IRQ_SET_DATA_EVENTFD   4u /* struct vfio_irq_event */
#define VFIO_IRQ_SET_ACTION_MASK    8u
#define VFIO_IRQ_SET_ACTION_UNMASK  16u
#define VFIO_IRQ_SET_ACTION_TRIGGER 32u

/* Who is called, on whichever thread; may not wait, nor call anything about the device. fn NULL:
 * nobody. */
typedef void (*vfio_irq_fn)(void *arg);
struct vfio_irq_event {
	vfio_irq_fn fn;
	void *arg;
};

/* flags: one of DATA and one of ACTION. argsz: this and the data behind it. */
struct vfio_irq_set {
	uint32_t argsz, flags, index, start, count;
};

/* A part of struct vfio_device; core/vfio_irqs.c's own. */
struct vfio_irqs {
	uint16_t count[VFIO_PCI_NUM_IRQS]; /* how many of a kind; 0: it has not this kind */
	uint8_t msi, msix;		   /* where those capabilities are */
	uint32_t table; /* of MSI-X: its BAR in the low three bits, and where in it */
	struct vfio_irq_event err;
};

/* -EINVAL: argsz is too small, no such index, a kind that the device has not, or not open. */
int vfio_get_irq_info(const struct vfio_device *d, struct vfio_irq_info *info) must_check;

/*
 * data is what follows set in the UAPI; argsz counts both.
 *
 * MASK, UNMASK of INTx: the device's INTx-disable bit.
 * TRIGGER with no data and count 0: the kind is switched off. INTx is masked, MSI or MSI-X disabled
 *	in the device, the event's listener forgotten.
 * TRIGGER of the error event with an eventfd: that one is called from now on; with count 1 and no
 *	data, or a byte that is not 0: it is called now.
 *
 * -EINVAL, and nothing has changed: not open, argsz, flags other than one of each sort, a start or
 * count past what the kind has, in whatever way they wrap (VF-12), less data than count says, or a
 * pair that the kind has no form for. -EBUSY, -EIO: as of vfio_config_write.
 */
int vfio_set_irqs(
	struct vfio_device *d, const struct vfio_irq_set *set, const void *data) must_check;

/* For core/vfio_pci.c. probe: what a device that is being opened has. -EIO. Disable: every kind, as
 * far as the device answers. */
int vfio_probe_irqs(struct vfio_device *d) must_check;
void vfio_disable_irqs(struct vfio_device *d);

#endif
