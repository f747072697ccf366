// SPDX-License-Identifier: Apache-2.0
/*
 * The functions of a host bridge: how a guest's function reaches the real one, where its BARs lie,
 * and which functions of a group it gets.
 */
#include "core/host_pci.h"
#include "core/partition_parts.h"
#include "core/pci_policy.h"
#include "core/range.h"

#include <string.h>

/* Guest BARs are apart by at least the largest page a guest kernel maps them with. */
#define BAR_ALIGN 0x10000u

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

	if (!mapped) {
		arch_unmap_mmio(f->partition, at, len);
		return 0;
	}
	if (!range_inside(value + off, len, PHB_MMIO32_BUS, PHB_MMIO32_SIZE)) {
		return -EINVAL;
	}
	return arch_map_mmio(f->partition, at, hpa(f->host->bars[bar].cpu.v + off), len);
}

static int func_bar_read(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t *val)
{
	struct partition_func *f = dev;

	return vfio_bar_read(f->device, bar, off, size, val);
}

static int func_bar_write(
	void *dev, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct partition_func *f = dev;

	return vfio_bar_write(f->device, bar, off, size, val);
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

static const struct pci_func_ops func_ops = {
	.read = func_read,
	.write = func_write,
	.map_bar = func_map_bar,
	.bar_read = func_bar_read,
	.bar_write = func_bar_write,
	.reset = func_reset,
	.settled = func_settled,
	.message = func_message,
};

/* Gives a BAR of this size a bus address in the guest's window, from *next on. */
static int place_bar(uint64_t size, uint64_t *next, uint64_t *at)
{
	uint64_t bytes = size < MEM_PAGE ? MEM_PAGE : size;

	if (!align_up(*next, size < BAR_ALIGN ? BAR_ALIGN : size, at) ||
		!range_inside(*at, bytes, PCI_BUS_FIRST, PCI_BUS_LAST - PCI_BUS_FIRST + 1)) {
		return -ENOSPC;
	}
	*next = *at + bytes;
	return 0;
}

static int place_bars(
	const struct host_func *host, struct pci_bar bars[PCI_NUM_BARS], uint64_t *next)
{
	memset(bars, 0, PCI_NUM_BARS * sizeof(bars[0]));
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		struct pci_bar *bar = &bars[i];
		int err;

		if (!host->bars[i].size) {
			continue;
		}
		bar->size = host->bars[i].size;
		bar->is64 = host->bars[i].is64;
		bar->prefetch = host->bars[i].prefetch;
		if (bar->is64 && i + 1 < PCI_NUM_BARS) {
			bars[i + 1].upper = true;
		}
		err = place_bar(bar->size, next, &bar->value);
		if (err) {
			return err;
		}
	}
	return 0;
}

/* The plan is checked: a policy that it names is there. */
static const struct pci_policy *policy_of(const struct plan_func *options)
{
	const struct pci_policy *policy =
		options && options->policy[0] ? pci_policy_find(options->policy) : NULL;

	return policy ? policy : &pci_policy_full;
}

static bool same_slot(const struct host_func *a, const struct host_func *b)
{
	return a->phb == b->phb && a->bdfn >> 3 == b->bdfn >> 3;
}

/* Where the guest finds a function: slots from 0 on, in the order of the host's, and in a slot the
 * function numbers of the host. What the host calls them, and on which bus, does not matter
 * (SEED-001.74, 001.12). */
static unsigned int map_devfn(const struct partition *p, unsigned int n, const struct host_func *f)
{
	const struct phb *phb = &p->phbs[n];
	unsigned int slot = 0;

	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		unsigned int devfn = phb->funcs[i].devfn;

		if (same_slot(p->bound[n].funcs[i].host, f)) {
			slot = devfn >> 3;
			break;
		}
		slot = (devfn >> 3) + 1;
	}
	return slot << 3 | (f->bdfn & 7u);
}

/* What of its ids the plan replaces. */
static int override_ids(struct pci_func *f, const struct plan_func *options)
{
	int32_t ids[PLAN_IDS];

	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		bool given = options && options->ids_given >> i & 1;

		ids[i] = given ? (int32_t)options->ids[i] : -1;
	}
	return pci_func_override_ids(f, &(struct pci_ids){ids[PLAN_VENDOR], ids[PLAN_DEVICE],
						ids[PLAN_SUBSYS_VENDOR], ids[PLAN_SUBSYS]});
}

static int add_rom(struct partition *p, struct partition_func *pf, struct pci_func *f,
	const struct plan_func *options, uint64_t *next_bar)
{
	struct plan_blob rom;
	uint64_t at = 0;
	int err = partition_load_rom(p, pf, options, &rom);

	if (err || !rom.size) {
		return err;
	}
	if (rom.size > PCI_ROM_MAX) {
		return -EINVAL;
	}
	err = place_bar(pci_rom_bar_size((uint32_t)rom.size), next_bar, &at);
	return err ? err : pci_func_set_rom(f, rom.data, (uint32_t)rom.size, (uint32_t)at);
}

static int bind_func(struct partition *p, unsigned int n, unsigned int func,
	const struct plan_func *options, uint64_t *next_bar)
{
	struct phb *phb = &p->phbs[n];
	struct partition_func *pf = &p->bound[n].funcs[phb->nfuncs];
	struct host_func *host = &p->board->funcs[func];
	struct pci_bar bars[PCI_NUM_BARS];
	int err = vfio_group_get_device(&p->vfio->groups[host->group], func, &pf->device);

	if (err) {
		return err;
	}
	*pf = (struct partition_func){
		.partition = p, .device = pf->device, .host = host, .window = phb->at.mmio32};
	err = place_bars(host, bars, next_bar);
	if (!err) {
		err = pci_func_init_policy(&phb->funcs[phb->nfuncs], policy_of(options),
			map_devfn(p, n, host), bars, &func_ops, pf);
	}
	if (!err) {
		err = override_ids(&phb->funcs[phb->nfuncs], options);
	}
	if (!err) {
		err = add_rom(p, pf, &phb->funcs[phb->nfuncs], options, next_bar);
	}
	if (err) {
		log_msg(LOG_ERR, "%s: function %02x:%02x.%x cannot be assigned (%s)", p->name,
			host->bdfn >> 8, host->bdfn >> 3 & 0x1f, host->bdfn & 7, err_name(err));
		partition_forget_rom(p, pf);
		vfio_put_device(pf->device);
		pf->device = NULL;
		return err;
	}
	if (!vfio_count_msis(pf->device)) {
		pci_func_hide_msi(&phb->funcs[phb->nfuncs]);
	}
	phb->nfuncs++;
	return 0;
}

static int bind_group(struct partition *p, unsigned int n, const struct vfio_group *group,
	const struct plan_phb *plan, uint64_t *next_bar)
{
	struct board *b = p->board;
	int err = host_pci_open_bridges(b, &b->groups[group->host]);

	if (err) {
		return err;
	}

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		struct host_func *f = &b->funcs[i];
		const struct plan_func *options = plan_find_func(plan, b, f);

		if (f->group != (int)group->host || (options && options->hold)) {
			continue;
		}
		if (p->phbs[n].nfuncs == PHB_MAX_FUNCS) {
			log_msg(LOG_ERR, "%s: host bridge %s has more than %u functions", p->name,
				plan->id, PHB_MAX_FUNCS);
			return -ENOSPC;
		}
		err = bind_func(p, n, i, options, next_bar);
		if (err) {
			return err;
		}
	}
	return 0;
}

int partition_bind_funcs(struct partition *p, unsigned int n, const struct plan_phb *plan)
{
	uint64_t next_bar = PHB_MMIO32_BUS;

	for (unsigned int i = 0; i < p->bound[n].ngroups; i++) {
		int err = bind_group(p, n, p->bound[n].groups[i], plan, &next_bar);

		if (err) {
			return err;
		}
	}
	phb_settle_layout(&p->phbs[n]);
	return 0;
}

void partition_print_funcs(const struct partition *p)
{
	for (unsigned int n = 0; n < p->nphbs; n++) {
		for (unsigned int i = 0; i < p->phbs[n].nfuncs; i++) {
			const struct host_func *host = p->bound[n].funcs[i].host;
			unsigned int bdfn = host->bdfn, devfn = p->phbs[n].funcs[i].devfn;

			log_msg(LOG_NOTICE,
				"PHB#%04x: %02x:%02x.%x is 00:%02x.%x of %s, host bridge %s",
				(unsigned int)p->board->phbs[host->phb].id, bdfn >> 8,
				bdfn >> 3 & 0x1f, bdfn & 7, devfn >> 3, devfn & 7, p->name,
				p->phbs[n].id);
		}
	}
}
