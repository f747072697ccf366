// SPDX-License-Identifier: Apache-2.0
/*
 * The devices of VFIO: a PCI function of a group and its life. A function that stops answering is
 * said once and is gone from then on: nothing is asked of it any more.
 */
#include "core/vfio_pci_parts.h"

#include "core/log.h"
#include "core/pci_print.h"
#include "core/pci_regs.h"

#include <inttypes.h>

const struct host_func *vfio_host_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->funcs[d->func];
}

struct host_phb *vfio_phb_of(const struct vfio_device *d)
{
	return &d->group->vfio->board->phbs[vfio_host_of(d)->phb];
}

/* A device as in "PHB#0001[000]: 01:00.0", for arguments of log_msg. */
#define DEV_FMT "PHB#%04x[%03x]: %02x:%02x.%x"
#define DEV_ARGS(d)                                                                             \
	(unsigned int)vfio_phb_of(d)->id, (d)->group->vfio->board->groups[(d)->group->host].pe, \
		vfio_host_of(d)->bdfn >> 8, vfio_host_of(d)->bdfn >> 3 & 0x1f,                  \
		vfio_host_of(d)->bdfn & 7

int vfio_device_lost(struct vfio_device *d, const char *why)
{
	const struct vfio_group *g = d->group;

	if (!d->gone) {
		d->gone = true;
		g->vfio->board->funcs[d->func].gone = true; /* for people */
		log_msg(LOG_ERR, DEV_FMT " %s", DEV_ARGS(d), why);
		vfio_fire_error(d);
	}
	return -EIO;
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

/* Only what has a type-0 header is a device here: the low seven bits, the eighth says that there
 * are more functions (SEED-002.20). It may have changed since the scan. The host has a record of
 * it: that its ids read all ones makes it a virtual function, or one that has left; nobody reads as
 * all ones everywhere, and that must not be saved as what it was. */
static int check_header(struct vfio_device *d)
{
	uint32_t vendor, type;

	if (vfio_cycle_read(d, PCI_VENDOR_ID, 2, &vendor)) {
		return -EIO;
	}
	d->no_ids = vendor == 0xffff;
	if (!vfio_device_answers(d) || vfio_cycle_read(d, PCI_HEADER_TYPE, 1, &type)) {
		return -EIO;
	}
	return type & (PCI_HEADER_MULTI - 1) ? -EINVAL : 0;
}

static int read_command(struct vfio_device *d)
{
	uint32_t command;
	int err = vfio_cycle_read(d, PCI_COMMAND, 2, &command);

	d->decodes = !err && command & PCI_COMMAND_MEMORY;
	return err ? -EIO : 0;
}

/* The first open: state as new, whoever had it before; what an owner may change is saved. */
static int enable(struct vfio_device *d)
{
	int err = d->gone ? -EIO : check_header(d);

	if (!err) {
		err = vfio_save_device(d);
	}
	if (!err) {
		err = read_command(d);
	}
	return err ? err : vfio_probe_irqs(d);
}

int vfio_group_get_device(struct vfio_group *g, unsigned int func, struct vfio_device **out)
{
	struct vfio_device *d;
	int err;

	if (!g->container || !g->container->driver) {
		return -EINVAL;
	}
	if (func >= g->vfio->board->nfuncs || g->vfio->devices[func].group != g) {
		return -ENODEV;
	}
	d = &g->vfio->devices[func];
	err = d->opened ? 0 : enable(d);
	if (err) {
		return err;
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

	vfio_disable_irqs(d);
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

static void describe_regions(const struct vfio_device *d)
{
	for (unsigned int i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info info = {.argsz = sizeof(info), .index = i};

		if (!vfio_get_region_info(d, &info) && info.size) {
			log_msg(LOG_DEBUG, DEV_FMT ": region %u: flags %u, 0x%" PRIx64 " bytes",
				DEV_ARGS(d), i, (unsigned int)info.flags, info.size);
		}
	}
}

int vfio_describe_device(struct vfio_device *d)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	const char *why;
	int err = vfio_get_device_info(d, &info);

	if (err) {
		return err;
	}
	why = vfio_check_device_info(&info);
	if (why) {
		log_msg(LOG_ERR, DEV_FMT " is not given to a guest: %s", DEV_ARGS(d), why);
		return -EINVAL;
	}
	log_msg(LOG_DEBUG, DEV_FMT " of group %u: flags %u, %u regions, %u kinds of interrupt",
		DEV_ARGS(d), d->group->vfio->board->groups[d->group->host].id,
		(unsigned int)info.flags, (unsigned int)info.num_regions,
		(unsigned int)info.num_irqs);
	describe_regions(d);
	if (d->irqs.count[VFIO_PCI_MSIX_IRQ]) {
		log_msg(LOG_DEBUG, DEV_FMT ": MSI-X: %u messages, table in BAR %u at 0x%x",
			DEV_ARGS(d), d->irqs.count[VFIO_PCI_MSIX_IRQ],
			(unsigned int)(d->irqs.table & PCI_MSIX_BIR),
			(unsigned int)(d->irqs.table & ~PCI_MSIX_BIR));
	}
	return 0;
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
