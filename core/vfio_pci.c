// SPDX-License-Identifier: Apache-2.0
/*
 * The devices of VFIO: a PCI function of a group, its life, its config space and its BARs. A
 * function that stops answering is said once and is gone from then on: nothing is asked of it any
 * more.
 */
#include "core/vfio_pci_parts.h"

#include "core/arch.h"
#include "core/log.h"
#include "core/pci_print.h"
#include "core/pci_regs.h"
#include "core/range.h"

const struct host_func *vfio_host_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->funcs[d->func];
}

struct host_phb *vfio_phb_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->phbs[vfio_host_of(d)->phb];
}

int vfio_device_lost(struct vfio_device *d, const char *why)
{
	const struct vfio_group *g = d->group;
	uint16_t bdfn = vfio_host_of(d)->bdfn;

	if (!d->gone) {
		d->gone = true;
		log_msg(LOG_ERR, "PHB#%04x[%03x]: %02x:%02x.%x %s",
			(unsigned int)vfio_phb_of(d)->id, g->vfio->board->groups[g->host].pe,
			(unsigned int)bdfn >> 8, (unsigned int)(bdfn >> 3) & 0x1f,
			(unsigned int)bdfn & 7, why);
	}
	return -EIO;
}

static int device_lost(struct vfio_device *d)
{
	return vfio_device_lost(d, "does not answer any more");
}

int vfio_cycle_read(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val)
{
	struct host_phb *phb = vfio_phb_of(d);

	return phb->ops->config_read(phb, vfio_host_of(d)->bdfn, off, size, val);
}

int vfio_cycle_write(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val)
{
	struct host_phb *phb = vfio_phb_of(d);

	return phb->ops->config_write(phb, vfio_host_of(d)->bdfn, off, size, val);
}

static bool access_sound(const struct vfio_device *d, unsigned int off, unsigned int size)
{
	return d->opened && (size == 1 || size == 2 || size == 4) && !(off & (size - 1)) &&
	       off < PCI_CONFIG_EXT_SIZE;
}

/* A vendor id is never all ones; where a function has none of its own, in COMMAND some bits are 0.
 */
bool vfio_device_answers(struct vfio_device *d)
{
	uint32_t v;

	if (d->no_ids) {
		return !vfio_cycle_read(d, PCI_COMMAND, 4, &v) && v != UINT32_MAX;
	}
	return !vfio_cycle_read(d, PCI_VENDOR_ID, 2, &v) && v != 0xffff;
}

/* The host has a record of it: that its ids read all ones makes it a virtual function, or one that
 * has left. Nobody reads as all ones everywhere, and that must not be saved as what it was. */
static int open_first(struct vfio_device *d)
{
	uint32_t v;

	if (d->gone || vfio_cycle_read(d, PCI_VENDOR_ID, 2, &v)) {
		return -EIO;
	}
	d->no_ids = v == 0xffff;
	return vfio_device_answers(d) ? vfio_save_device(d) : -EIO;
}

/* Ids are the host's record's: what a virtual function has there is all ones (SEED-003.13). */
static uint32_t with_ids(
	const struct vfio_device *d, unsigned int off, unsigned int size, uint32_t answer)
{
	const struct host_func *host = vfio_host_of(d);
	uint32_t ids = host->vendor | (uint32_t)host->device << 16;

	return off < PCI_COMMAND ? ids >> (8 * off) & UINT32_MAX >> (32 - 8 * size) : answer;
}

int vfio_config_read(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val)
{
	uint32_t answer;

	if (!access_sound(d, off, size)) {
		return -EINVAL;
	}
	if (vfio_reset_is_on(d)) {
		return -EBUSY;
	}
	if (d->gone || vfio_cycle_read(d, off, size, &answer)) {
		return device_lost(d);
	}
	/* All ones may be the register's value, or nobody's. */
	if (answer == UINT32_MAX >> (32 - 8 * size) && !vfio_device_answers(d)) {
		return device_lost(d);
	}
	*val = with_ids(d, off, size, answer);
	return 0;
}

int vfio_config_write(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val)
{
	if (!access_sound(d, off, size)) {
		return -EINVAL;
	}
	if (vfio_reset_is_on(d)) {
		return -EBUSY;
	}
	if (d->gone || vfio_cycle_write(d, off, size, val)) {
		return device_lost(d);
	}
	return 0;
}

static bool bar_access_sound(
	const struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size)
{
	return d->opened && bar < PCI_NUM_BARS && is_pow2(size) && size <= 8 &&
	       is_aligned(off, size) && range_below(off, size, vfio_host_of(d)->bars[bar].size);
}

/* A load from a device that is not there would be the host's machine check (VF-15). */
static bool memory_answers(const struct vfio_device *d)
{
	return !d->gone && !d->reset.asleep && !vfio_reset_is_on(d);
}

int vfio_bar_read(
	struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val)
{
	if (!bar_access_sound(d, bar, off, size)) {
		return -EINVAL;
	}
	if (!memory_answers(d)) {
		return -EIO;
	}
	*val = arch_mmio_read(hpa(vfio_host_of(d)->bars[bar].cpu.v + off), size);
	return 0;
}

int vfio_bar_write(
	struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	if (!bar_access_sound(d, bar, off, size)) {
		return -EINVAL;
	}
	if (!memory_answers(d)) {
		return -EIO;
	}
	arch_mmio_write(hpa(vfio_host_of(d)->bars[bar].cpu.v + off), size, val);
	return 0;
}

int vfio_group_get_device(struct vfio_group *g, unsigned int func, struct vfio_device **out)
{
	struct vfio_device *d;

	if (!g->container || !g->container->driver) {
		return -EINVAL;
	}
	if (func >= g->vfio->board->nfuncs || g->vfio->devices[func].group != g) {
		return -ENODEV;
	}
	d = &g->vfio->devices[func];
	if (!d->opened && open_first(d)) {
		return -EIO;
	}
	d->opened++;
	g->ndevices_open++;
	*out = d;
	return 0;
}

/* Its owner is gone: it starts no DMA and no interrupt any more. The read after the write brings
 * in what it had posted. A failure is not told: the group cannot leave its container without being
 * quarantined, which does this again and judges it. */
static void silence(struct vfio_device *d)
{
	uint32_t command;

	if (vfio_config_read(d, PCI_COMMAND, 2, &command) ||
		vfio_config_write(d, PCI_COMMAND, 2,
			(command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF) ||
		vfio_config_read(d, PCI_COMMAND, 2, &command)) {
		return;
	}
}

void vfio_put_device(struct vfio_device *d)
{
	if (!d->opened) {
		return;
	}
	if (d->opened == 1) {
		vfio_wake_device(d);
		silence(d);
		vfio_restore_device(d);
	}
	d->opened--;
	d->group->ndevices_open--;
}

struct print_arg {
	const struct vfio *v;
	unsigned int func;
};

/* A bridge or a function of no group is no device of VFIO, but has a config space. What is being
 * reset is let alone. */
static int print_read(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	const struct print_arg *p = arg;
	const struct host_func *host = &p->v->board->funcs[p->func];
	struct host_phb *phb = &p->v->board->phbs[host->phb];

	if (!phb->ops || vfio_reset_is_on(&p->v->devices[p->func])) {
		return -EBUSY;
	}
	return phb->ops->config_read(phb, host->bdfn, off, size, val);
}

int vfio_print_slice(const struct vfio *v, unsigned int func, unsigned int *at, unsigned int nlines,
	void (*line)(const char *text))
{
	const struct host_func *host;
	struct pci_print p = {.line = line, .read = print_read};

	if (func >= v->board->nfuncs) {
		return -ENODEV;
	}
	host = &v->board->funcs[func];
	p.arg = &(struct print_arg){v, func};
	p.domain = (uint16_t)v->board->phbs[host->phb].id;
	p.bdfn = host->bdfn;
	return pci_print_slice(&p, at, nlines) ? -EAGAIN : 0;
}

int vfio_print_config(const struct vfio *v, unsigned int func, void (*line)(const char *text))
{
	unsigned int at = 0;
	int err;

	do {
		err = vfio_print_slice(v, func, &at, PCI_CONFIG_EXT_SIZE, line);
	} while (err == -EAGAIN);
	return err;
}
