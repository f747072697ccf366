// SPDX-License-Identifier: Apache-2.0
/*
 * Config space of an assigned function. Which bits are ours and which the device's, the permission
 * tables say at every access (core/vfio_perm.h). A BAR of the device is never touched by a guest:
 * its registers are ours, and what it writes there moves our mapping.
 */
#include "core/pci.h"
#include "core/pci_parts.h"

#include "core/range.h"

#include <string.h>

static uint32_t ones(unsigned int size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

int pci_live_read(struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val)
{
	uint32_t v = 0, vendor = 0;

	if (f->ops->read(f->dev, off, size, &v)) {
		f->gone = true;
		return -EIO;
	}
	*val = v & ones(size);
	if (*val != ones(size)) {
		return 0;
	}
	if (f->ops->read(f->dev, PCI_VENDOR_ID, 2, &vendor) || (vendor & 0xffff) == 0xffff) {
		f->gone = true;
		return -EIO;
	}
	return 0;
}

static int check_header(struct pci_func *f)
{
	uint32_t v;

	if (f->ops->read(f->dev, PCI_VENDOR_ID, 2, &v)) {
		return -EIO;
	}
	if ((v & 0xffff) == 0xffff) {
		return -ENODEV;
	}
	if (pci_live_read(f, PCI_HEADER_TYPE, 1, &v)) {
		return -EIO;
	}
	return v & ~PCI_HEADER_MULTI ? -EINVAL : 0;
}

static int close_device(struct pci_func *f)
{
	uint32_t command;

	if (pci_live_read(f, PCI_COMMAND, 2, &command)) {
		return -EIO;
	}
	command = (command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF;
	return f->ops->write(f->dev, PCI_COMMAND, 2, command) ? -EIO : 0;
}

int pci_func_init_policy(struct pci_func *f, const struct pci_policy *policy, unsigned int devfn,
	const struct pci_bar bars[PCI_NUM_BARS], const struct pci_func_ops *ops, void *dev)
{
	int err;

	memset(f, 0, sizeof(*f));
	atomic_flag_clear(&f->busy);
	f->devfn = devfn;
	f->policy = policy;
	f->ops = ops;
	f->dev = dev;
	err = check_header(f);
	if (!err) {
		err = pci_bars_check(bars);
	}
	if (!err) {
		err = close_device(f);
	}
	if (!err) {
		pci_bars_init(f, bars);
		err = pci_caps_init(f);
	}
	if (!err) {
		err = pci_msi_close(f);
	}
	return err;
}

int pci_func_init(struct pci_func *f, unsigned int devfn, const struct pci_bar bars[PCI_NUM_BARS],
	const struct pci_func_ops *ops, void *dev)
{
	return pci_func_init_policy(f, &pci_policy_full, devfn, bars, ops, dev);
}

/* The words that an override can replace; bit n of own_ids is the n-th. */
static const uint8_t id_regs[] = {PCI_VENDOR_ID, PCI_DEVICE_ID, PCI_SUBSYS_VENDOR, PCI_SUBSYS_ID};
#define NUM_IDS (sizeof(id_regs) / sizeof(id_regs[0]))

int pci_func_override_ids(struct pci_func *f, const struct pci_ids *ids)
{
	const int32_t vals[NUM_IDS] = {ids->vendor, ids->device, ids->subsys_vendor, ids->subsys};

	for (size_t i = 0; i < NUM_IDS; i++) {
		if (vals[i] < -1 || vals[i] > (id_regs[i] == PCI_VENDOR_ID ? 0xfffe : 0xffff)) {
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < NUM_IDS; i++) {
		if (vals[i] != -1) {
			pci_put(f->image, id_regs[i], 2, (uint32_t)vals[i]);
			f->own_ids |= 1u << i;
		}
	}
	return 0;
}

void pci_func_shown_ids(const struct pci_func *f, struct pci_ids *ids)
{
	int32_t *const vals[NUM_IDS] = {
		&ids->vendor, &ids->device, &ids->subsys_vendor, &ids->subsys};

	for (size_t i = 0; i < NUM_IDS; i++) {
		if (f->own_ids >> i & 1) {
			*vals[i] = (int32_t)pci_get(f->image, id_regs[i], 2);
		}
	}
}

void pci_command_follow(struct pci_func *f)
{
	uint32_t command, want = pci_get(f->image, PCI_COMMAND, 2);
	uint32_t mask = PCI_COMMAND_MASTER | (f->intx ? PCI_COMMAND_INTX_OFF : 0);

	if (pci_live_read(f, PCI_COMMAND, 2, &command)) {
		return;
	}
	(void)f->ops->write(f->dev, PCI_COMMAND, 2, (command & ~mask) | (want & mask));
}

void pci_func_route_intx(struct pci_func *f)
{
	f->intx = true;
	pci_command_follow(f);
}

bool pci_func_claim(struct pci_func *f)
{
	return !atomic_flag_test_and_set_explicit(&f->busy, memory_order_acquire);
}

void pci_func_yield(struct pci_func *f)
{
	atomic_flag_clear_explicit(&f->busy, memory_order_release);
}

void pci_func_set_multi(struct pci_func *f, bool multi)
{
	f->image[PCI_HEADER_TYPE] = multi ? PCI_HEADER_MULTI : 0;
}

/* A capability never starts in the dword in which another ends, so that one access meets one of
 * them; what it meets of the header may be several fields. */
struct access {
	unsigned int off, size;
	const struct vfio_perm *perm; /* NULL: nothing is there to be changed */
	unsigned int base;
	struct vfio_perm_masks masks;
	uint32_t image;
};

static void find_ids(const struct pci_func *f, struct access *a)
{
	for (size_t i = 0; i < NUM_IDS; i++) {
		for (unsigned int k = 0; k < a->size && f->own_ids >> i & 1; k++) {
			if (a->off + k - id_regs[i] < 2) {
				a->masks.virt |= 0xffu << (8 * k);
			}
		}
	}
}

/* A pin that leads nowhere is none, whatever the device says (SEED-000.13). */
static void hide_pin(const struct pci_func *f, struct access *a)
{
	unsigned int shift = 8 * (PCI_INTERRUPT_PIN - a->off);

	if (!f->intx && PCI_INTERRUPT_PIN - a->off < a->size) {
		a->masks.virt |= 0xffu << shift;
		a->image &= ~(0xffu << shift);
	}
}

static void find_access(
	const struct pci_func *f, unsigned int off, unsigned int size, struct access *a)
{
	const struct pci_cap *c = off < PCI_CAP_FIRST ? NULL : pci_caps_find(f, off & ~3u);
	unsigned int len = PCI_CAP_FIRST;

	*a = (struct access){.off = off, .size = size, .masks = {.virt = ones(size)}};
	if (off < PCI_CONFIG_SIZE) {
		a->image = pci_get(f->image, off, size);
	} else if (c && off - c->pos < 4) {
		a->image = c->link >> (8 * (off - c->pos)) & ones(size);
	}
	if (off < PCI_CAP_FIRST) {
		a->perm = f->policy->header;
	} else if (c) {
		a->perm = c->perm;
		a->base = c->pos;
		len = c->size;
	}
	if (a->perm) {
		vfio_perm_get(a->perm, len, off - a->base, size, &a->masks);
		find_ids(f, a);
		hide_pin(f, a);
	}
}

static int check_access(const struct pci_func *f, unsigned int off, unsigned int size)
{
	unsigned int end = f->express ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE;

	if (size != 1 && size != 2 && size != 4) {
		return -EINVAL;
	}
	return off % size || off >= end ? -EINVAL : 0;
}

static uint32_t read_func(struct pci_func *f, unsigned int off, unsigned int size)
{
	struct access a;
	uint32_t live = 0;

	if (f->gone || !pci_reset_settle(f)) {
		return ones(size);
	}
	find_access(f, off, size, &a);
	if (a.masks.virt != ones(size) && pci_live_read(f, off, size, &live)) {
		return ones(size);
	}
	return (a.image & a.masks.virt) | (live & ~a.masks.virt);
}

int pci_config_read(struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val)
{
	int err = check_access(f, off, size);

	if (err) {
		return err;
	}
	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	*val = read_func(f, off, size);
	pci_func_yield(f);
	return 0;
}

/*
 * In one cycle, the smallest that has all bits a guest may change there: registers like the address
 * of vital product data must not be written in parts. Bits beside them are written as they are, but
 * those that a written 1 clears are left as they are by a 0. A failed write changes nothing for the
 * guest (SEED-001.50); if the device is gone the next read finds out.
 */
static void write_device(struct pci_func *f, const struct access *a, uint32_t val)
{
	uint32_t pass = a->masks.write & ~a->masks.virt, w1c = a->masks.w1c, old = 0;
	unsigned int off = a->off, size = a->size;

	if (!pass) {
		return;
	}
	while (size > 1) {
		unsigned int half = size / 2;

		if (!(pass & ones(half))) {
			pass >>= 8 * half;
			w1c >>= 8 * half;
			val >>= 8 * half;
			off += half;
		} else if (pass & ~ones(half)) {
			break;
		}
		size = half;
	}
	if (pass != ones(size) && pci_live_read(f, off, size, &old)) {
		return;
	}
	(void)f->ops->write(f->dev, off, size, ((old & ~pass & ~w1c) | (val & pass)) & ones(size));
}

/* What a guest wrote to bits of the device is kept, too: bus master is put back after a reset. */
static void write_image(struct pci_func *f, const struct access *a, uint32_t val)
{
	uint32_t mask = a->masks.write & ~a->masks.w1c;

	if (a->off < PCI_CONFIG_SIZE) {
		pci_put(f->image, a->off, a->size, (a->image & ~mask) | (val & mask));
	}
}

/* Which act_bits of a field the guest has written as 1, and whether it has written any at all. */
static bool written_bits(
	const struct vfio_perm_field *field, const struct access *a, uint32_t val, uint32_t *bits)
{
	uint32_t mask = 0, v = 0;

	for (unsigned int i = 0; i < a->size; i++) {
		unsigned int at = a->off + i - a->base;

		if (at >= field->off && at - field->off < field->len) {
			mask |= 0xffu << (8 * (at - field->off));
			v |= (val >> (8 * i) & 0xff) << (8 * (at - field->off));
		}
	}
	*bits = v & field->act_bits;
	return mask && (mask & field->act_bits) == field->act_bits;
}

static void act_on_field(struct pci_func *f, const struct vfio_perm_field *field,
	const struct access *a, uint32_t val)
{
	uint32_t bits;
	bool met = written_bits(field, a, val, &bits);

	switch (field->act) {
	case VFIO_PERM_COMMAND:
		if (met && f->intx) {
			pci_command_follow(f);
		}
		if (met) {
			pci_bars_update(f);
		}
		break;
	case VFIO_PERM_MSI:
		pci_msi_follow(f, a->off, a->size);
		break;
	case VFIO_PERM_FLR:
		if (met && bits) {
			pci_reset_start(
				f, a->perm->id == PCI_CAP_EXP ? PCI_RESET_FLR : PCI_RESET_AF_FLR);
		}
		break;
	case VFIO_PERM_POWER:
		if (met && (bits == 0 || bits == PCI_PM_D3HOT)) {
			pci_reset_start(f, bits ? PCI_RESET_D3HOT : PCI_RESET_D0);
		}
		break;
	default:
		break;
	}
}

static void act(struct pci_func *f, const struct access *a, uint32_t val)
{
	if (a->perm == f->policy->header &&
		(range_overlaps(a->off, a->size, PCI_BAR0, 4 * PCI_NUM_BARS) ||
			range_overlaps(a->off, a->size, PCI_ROM_BAR, 4))) {
		pci_bars_settle(f);
		pci_bars_update(f);
	}
	for (unsigned int i = 0; a->perm && i < a->perm->nfields; i++) {
		if (a->perm->fields[i].act &&
			range_overlaps(a->off - a->base, a->size, a->perm->fields[i].off,
				a->perm->fields[i].len)) {
			act_on_field(f, &a->perm->fields[i], a, val);
		}
	}
}

int pci_config_write(struct pci_func *f, unsigned int off, unsigned int size, uint32_t val)
{
	int err = check_access(f, off, size);
	struct access a;

	if (err) {
		return err;
	}
	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	if (!f->gone && pci_reset_settle(f)) {
		find_access(f, off, size, &a);
		write_device(f, &a, val);
		if (!f->gone) {
			write_image(f, &a, val);
			act(f, &a, val);
		}
	}
	pci_func_yield(f);
	return 0;
}

void pci_func_quiesce(struct pci_func *f)
{
	/* The guest's view first: nothing of it comes back with a device that is being reset. */
	f->image[PCI_COMMAND] &= (uint8_t) ~(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_reset_abandon(f);
	/* A device that does not say what its COMMAND is gets one with everything off. */
	if (close_device(f)) {
		(void)f->ops->write(f->dev, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	}
	pci_bars_update(f);
}
