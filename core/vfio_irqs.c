// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts of a device. What is asked for is held against one table, of which pair of data and
 * action each kind has a form for, before anything is done.
 */
#include "core/vfio_irqs.h"

#include "core/vfio_perm.h"
#include "core/vfio_pci_parts.h"

#define MSI_ENABLE    0x0001u
#define MSI_CAN	      0x000eu
#define MSI_CAN_SHIFT 1
#define MSIX_ENABLE   0x8000u
#define MSIX_ENTRIES  0x07ffu
#define MSIX_TABLE    4u

#define NONE  VFIO_IRQ_SET_DATA_NONE
#define BOOL  VFIO_IRQ_SET_DATA_BOOL
#define EVENT VFIO_IRQ_SET_DATA_EVENTFD

#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define DATA_BITS   (NONE | BOOL | EVENT)
#define ACTION_BITS (MASK | UNMASK | TRIGGER)

/* What a kind takes for one of its interrupts: any of these data with any of these actions. All can
 * be switched off besides. */
struct kind {
	uint32_t info, flags;
};

static const struct kind kinds[VFIO_PCI_NUM_IRQS] = {
	[VFIO_PCI_INTX_IRQ] = {VFIO_IRQ_INFO_MASKABLE, NONE | BOOL | MASK | UNMASK},
	[VFIO_PCI_ERR_IRQ] = {VFIO_IRQ_INFO_EVENTFD, NONE | BOOL | EVENT | TRIGGER},
};

int vfio_get_irq_info(const struct vfio_device *d, struct vfio_irq_info *info)
{
	unsigned int index = info->index;

	if (!d->opened || info->argsz < sizeof(*info) || index >= VFIO_PCI_NUM_IRQS ||
		!d->irqs.count[index]) {
		return -EINVAL;
	}
	*info = (struct vfio_irq_info){
		sizeof(*info), kinds[index].info, index, d->irqs.count[index]};
	return 0;
}

static bool one_bit_of(uint32_t flags, uint32_t bits)
{
	flags &= bits;
	return flags && !(flags & (flags - 1));
}

static uint64_t data_bytes(const struct vfio_irq_set *set)
{
	switch (set->flags & DATA_BITS) {
	case BOOL:
		return set->count;
	case EVENT:
		return set->count * (uint64_t)sizeof(struct vfio_irq_event);
	default:
		return 0;
	}
}

/* What the request says of itself, whatever the kind. */
static bool form_sound(const struct vfio_irq_set *set)
{
	return set->argsz >= sizeof(*set) && set->index < VFIO_PCI_NUM_IRQS &&
	       one_bit_of(set->flags, DATA_BITS) && one_bit_of(set->flags, ACTION_BITS) &&
	       set->argsz - sizeof(*set) >= data_bytes(set);
}

/* What the kind has; no kind has flags of no meaning. A start past its end is none of its, with a
 * count of 0 as well; and no sum is made that could wrap (VF-12). To switch off is said of a whole
 * kind. */
static bool kind_sound(const struct vfio_irq_set *set, unsigned int n)
{
	if (set->start >= n || set->count > n - set->start) {
		return false;
	}
	return set->count ? !(set->flags & ~kinds[set->index].flags)
			  : !set->start && set->flags == (NONE | TRIGGER);
}

/* Bits of a 16-bit register on or off. */
static int change_bits(struct vfio_device *d, unsigned int off, uint32_t bits, bool on)
{
	uint32_t v;
	int err = vfio_config_read(d, off, 2, &v);

	return err ? err : vfio_config_write(d, off, 2, on ? v | bits : v & ~bits);
}

static int switch_off(struct vfio_device *d, uint32_t kind)
{
	switch (kind) {
	case VFIO_PCI_INTX_IRQ:
		return change_bits(d, PCI_COMMAND, PCI_COMMAND_INTX_OFF, true);
	case VFIO_PCI_MSI_IRQ:
		return change_bits(d, d->irqs.msi + PCI_CAP_FLAGS, MSI_ENABLE, false);
	case VFIO_PCI_MSIX_IRQ:
		return change_bits(d, d->irqs.msix + PCI_CAP_FLAGS, MSIX_ENABLE, false);
	default:
		d->irqs.err = (struct vfio_irq_event){0};
		return 0;
	}
}

int vfio_set_irqs(struct vfio_device *d, const struct vfio_irq_set *set, const void *data)
{
	if (!d->opened || !form_sound(set) || !kind_sound(set, d->irqs.count[set->index])) {
		return -EINVAL;
	}
	if (!set->count) {
		return switch_off(d, set->index);
	}
	if (set->flags & EVENT) {
		d->irqs.err = *(const struct vfio_irq_event *)data;
		return 0;
	}
	/* A byte of 0: this interrupt is not meant. */
	if (set->flags & BOOL && !*(const uint8_t *)data) {
		return 0;
	}
	if (set->index == VFIO_PCI_INTX_IRQ) {
		return change_bits(d, PCI_COMMAND, PCI_COMMAND_INTX_OFF, set->flags & MASK);
	}
	vfio_fire_error(d);
	return 0;
}

/* --- for the device's life --- */

/* A copy: whoever is called may be replaced meanwhile. */
void vfio_fire_error(struct vfio_device *d)
{
	struct vfio_irq_event e = d->irqs.err;

	if (e.fn) {
		e.fn(e.arg);
	}
}

static int cycle(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	return vfio_cycle_read(arg, off, size, val);
}

static int probe_msi(struct vfio_device *d, const struct vfio_cap *c)
{
	struct vfio_perm_probe p = {.room = c->room};
	int err = vfio_cycle_read(d, c->pos + PCI_CAP_FLAGS, 2, &p.flags);

	if (!err && vfio_perm_msi_size_short(&p)) {
		d->irqs.msi = (uint8_t)c->pos;
		d->irqs.count[VFIO_PCI_MSI_IRQ] =
			(uint16_t)(1u << ((p.flags & MSI_CAN) >> MSI_CAN_SHIFT));
	}
	return err;
}

static int probe_msix(struct vfio_device *d, const struct vfio_cap *c)
{
	struct vfio_perm_probe p = {.room = c->room};
	int err = vfio_cycle_read(d, c->pos + PCI_CAP_FLAGS, 2, &p.flags);

	if (err || !vfio_perm_msix_size(&p)) {
		return err;
	}
	d->irqs.msix = (uint8_t)c->pos;
	d->irqs.count[VFIO_PCI_MSIX_IRQ] = (uint16_t)((p.flags & MSIX_ENTRIES) + 1);
	return vfio_cycle_read(d, c->pos + MSIX_TABLE, 4, &d->irqs.table);
}

int vfio_probe_irqs(struct vfio_device *d)
{
	const struct vfio_cap *msi, *msix;
	struct vfio_cap_list l;
	unsigned int pin = vfio_host_of(d)->int_pin;
	int err = vfio_walk_caps(cycle, d, &l);

	d->irqs = (struct vfio_irqs){0};
	d->irqs.count[VFIO_PCI_INTX_IRQ] = pin && pin <= PCI_NUM_PINS;
	d->irqs.count[VFIO_PCI_ERR_IRQ] = 1;
	if (err) {
		return -EIO;
	}
	msi = vfio_find_cap(&l, PCI_CAP_MSI);
	msix = vfio_find_cap(&l, PCI_CAP_MSIX);
	d->config_size = vfio_find_cap(&l, PCI_CAP_EXP) ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE;
	return (msi && probe_msi(d, msi)) || (msix && probe_msix(d, msix)) ? -EIO : 0;
}

void vfio_disable_irqs(struct vfio_device *d)
{
	struct vfio_irq_set set = {.argsz = sizeof(set), .flags = NONE | TRIGGER};

	/* A kind that it has not is refused, and a device that is gone sends nothing. */
	for (set.index = 0; set.index < VFIO_PCI_NUM_IRQS; set.index++) {
		if (vfio_set_irqs(d, &set, NULL)) {
			continue;
		}
	}
}
