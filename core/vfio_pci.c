// SPDX-License-Identifier: Apache-2.0
/*
 * The devices of VFIO: a PCI function of a group, its life, its config space and its BARs. A
 * function that stops answering is said once and is gone from then on: nothing is asked of it any
 * more.
 */
#include "core/vfio.h"

#include "core/arch.h"
#include "core/log.h"
#include "core/pci.h"
#include "core/range.h"

#define CONFIG_BYTES 4096u

static const struct host_func *host_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->funcs[d->func];
}

static struct host_phb *phb_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->phbs[host_of(d)->phb];
}

static int device_lost(struct vfio_device *d)
{
	const struct vfio_group *g = d->group;
	uint16_t bdfn = host_of(d)->bdfn;

	if (!d->gone) {
		d->gone = true;
		log_msg(LOG_ERR, "PHB#%04x[%03x]: %02x:%02x.%x does not answer any more",
			(unsigned int)phb_of(d)->id, g->vfio->board->groups[g->host].pe,
			(unsigned int)bdfn >> 8, (unsigned int)(bdfn >> 3) & 0x1f,
			(unsigned int)bdfn & 7);
	}
	return -EIO;
}

static int read_cycle(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val)
{
	struct host_phb *phb = phb_of(d);

	return phb->ops->config_read(phb, host_of(d)->bdfn, off, size, val);
}

static bool access_sound(const struct vfio_device *d, unsigned int off, unsigned int size)
{
	return d->opened && (size == 1 || size == 2 || size == 4) && !(off & (size - 1)) &&
	       off < CONFIG_BYTES;
}

int vfio_config_read(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val)
{
	uint32_t answer, vendor;

	if (!access_sound(d, off, size)) {
		return -EINVAL;
	}
	if (d->gone || read_cycle(d, off, size, &answer)) {
		return device_lost(d);
	}
	/* All ones may be the register's value, or nobody's: only a vendor id is never all ones. */
	if (answer == UINT32_MAX >> (32 - 8 * size)) {
		if (read_cycle(d, PCI_VENDOR_ID, 2, &vendor) || vendor == 0xffff) {
			return device_lost(d);
		}
	}
	*val = answer;
	return 0;
}

int vfio_config_write(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val)
{
	struct host_phb *phb;

	if (!access_sound(d, off, size)) {
		return -EINVAL;
	}
	phb = phb_of(d);
	if (d->gone || phb->ops->config_write(phb, host_of(d)->bdfn, off, size, val)) {
		return device_lost(d);
	}
	return 0;
}

static bool bar_access_sound(
	const struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size)
{
	return d->opened && bar < PCI_NUM_BARS && is_pow2(size) && size <= 8 &&
	       is_aligned(off, size) && range_below(off, size, host_of(d)->bars[bar].size);
}

int vfio_bar_read(
	struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val)
{
	if (!bar_access_sound(d, bar, off, size)) {
		return -EINVAL;
	}
	if (d->gone) {
		return -EIO;
	}
	*val = arch_mmio_read(hpa(host_of(d)->bars[bar].cpu.v + off), size);
	return 0;
}

int vfio_bar_write(
	struct vfio_device *d, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	if (!bar_access_sound(d, bar, off, size)) {
		return -EINVAL;
	}
	if (d->gone) {
		return -EIO;
	}
	arch_mmio_write(hpa(host_of(d)->bars[bar].cpu.v + off), size, val);
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
		silence(d);
	}
	d->opened--;
	d->group->ndevices_open--;
}
