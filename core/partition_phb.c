// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's host bridges: each is bound to one IOMMU group, in a container of its own, with its
 * windows and its functions. Binding is one list of steps; undoing is the same list backwards, as
 * far as it went, which is also how a partition that stops gives its devices back.
 */
#include "core/host_pci.h"
#include "core/msi.h"
#include "core/partition.h"
#include "core/pci_policy.h"
#include "core/range.h"
#include "core/vfio_spapr.h"
#include "core/xics.h"

#include <inttypes.h>
#include <string.h>

/* Guest BARs are apart by at least the largest page a guest kernel maps them with. */
#define BAR_ALIGN 0x10000u
#define NUM_PINS  4u

static uint64_t bar_bytes(const struct pci_bar *bar)
{
	return bar->size < MEM_PAGE ? MEM_PAGE : bar->size;
}

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

/* Gives every BAR of a function a bus address in the guest's window, from *next on. */
static int place_bars(
	const struct host_func *host, struct pci_bar bars[PCI_NUM_BARS], uint64_t *next)
{
	memset(bars, 0, PCI_NUM_BARS * sizeof(bars[0]));
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		struct pci_bar *bar = &bars[i];
		uint64_t at;

		if (!host->bars[i].size) {
			continue;
		}
		bar->size = host->bars[i].size;
		bar->is64 = host->bars[i].is64;
		bar->prefetch = host->bars[i].prefetch;
		if (bar->is64 && i + 1 < PCI_NUM_BARS) {
			bars[i + 1].upper = true;
		}
		if (!align_up(*next, bar->size < BAR_ALIGN ? BAR_ALIGN : bar->size, &at) ||
			!range_inside(at, bar_bytes(bar), PCI_BUS_FIRST,
				PCI_BUS_LAST - PCI_BUS_FIRST + 1)) {
			return -ENOSPC;
		}
		bar->value = at;
		*next = at + bar_bytes(bar);
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

/* One function: the guest sees slot 0 and the device's function number, or the next slot when that
 * is taken, as it is when a group spans several slots. */
static int bind_func(struct partition *p, unsigned int n, unsigned int func,
	const struct plan_func *options, uint64_t *next_bar)
{
	struct phb *phb = &p->phbs[n];
	struct partition_func *pf = &p->bound[n].funcs[phb->nfuncs];
	struct host_func *host = &p->board->funcs[func];
	struct pci_bar bars[PCI_NUM_BARS];
	int err = vfio_group_get_device(p->bound[n].group, func, &pf->device);

	if (err) {
		return err;
	}
	*pf = (struct partition_func){
		.partition = p, .device = pf->device, .host = host, .window = phb->at.mmio32};
	err = place_bars(host, bars, next_bar);
	if (!err) {
		/* Functions of one slot keep their numbers and stay together (SEED-001.74). */
		err = pci_func_init_policy(&phb->funcs[phb->nfuncs], policy_of(options),
			host->bdfn & 0xff, bars, &func_ops, pf);
	}
	if (err) {
		log_msg(LOG_ERR, "%s: function %02x:%02x.%x cannot be assigned (%s)", p->name,
			host->bdfn >> 8, host->bdfn >> 3 & 0x1f, host->bdfn & 7, err_name(err));
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

static int bind_funcs(struct partition *p, unsigned int n, const struct plan_phb *plan)
{
	struct board *b = p->board;
	uint64_t next_bar = PHB_MMIO32_BUS;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		struct host_func *f = &b->funcs[i];
		const struct plan_func *options = plan_find_func(plan, b, f);

		if (f->group < 0 || b->groups[f->group].id != plan->group ||
			(options && options->hold)) {
			continue;
		}
		if (p->phbs[n].nfuncs == PHB_MAX_FUNCS) {
			log_msg(LOG_ERR, "%s: group %" PRIu32 " has more than %u functions",
				p->name, plan->group, PHB_MAX_FUNCS);
			return -ENOSPC;
		}
		int err = bind_func(p, n, i, options, &next_bar);

		if (err) {
			return err;
		}
	}
	phb_settle_layout(&p->phbs[n]);
	return 0;
}

/* Opens group and container and joins them; the reasons are VFIO's. */
static int join(struct partition *p, struct partition_phb *bound, const struct plan_phb *plan)
{
	int err = vfio_open_group(p->vfio, plan->group, &bound->group);

	if (err) {
		bound->group = NULL;
		return err;
	}
	err = vfio_open_container(p->vfio, &p->tables, &bound->container);
	if (err) {
		bound->container = NULL;
		return err;
	}
	err = vfio_group_set_container(bound->group, bound->container);
	if (err) {
		return err;
	}
	err = vfio_set_iommu(bound->container, VFIO_SPAPR_TCE_v2_IOMMU);
	if (err) {
		return err;
	}
	return vfio_register_memory(bound->container, &p->mem);
}

/* A plan that was not checked may leave it open. */
static unsigned int window_shift(const struct plan_phb *plan)
{
	unsigned int shift = PLAN_PAGE_SHIFT;

	while (1ull << shift < plan->window_page) {
		shift++;
	}
	return shift;
}

static int open_windows(struct partition *p, unsigned int n, const struct plan_phb *plan)
{
	struct phb *phb = &p->phbs[n];
	struct partition_phb *bound = &p->bound[n];
	const struct host_phb *host = &p->board->phbs[p->board->groups[bound->group->host].phb];
	const struct ddw_config config = {
		.owner = p->name,
		.phb = phb,
		.container = bound->container,
		.mem = &p->mem,
		.page_shifts = host->page_shifts,
		.default_size = plan->window_size,
		.default_shift = window_shift(plan),
		.offered = !plan->no_ddw,
	};
	const char *why;
	int err = ddw_init(&bound->ddw, &config);

	if (!err && plan->bypass) {
		err = ddw_bypass_on(&bound->ddw, &why);
		if (err) {
			log_msg(LOG_ERR, "%s: host bridge %s: no bypass: %s (%s)", p->name, phb->id,
				why, err_name(err));
		}
	}
	return err;
}

/* Which of the host bridge's level sources a function's INTx is: pins turn by one from slot to
 * slot, for the guest as for the host, which see the same slot numbers. */
static unsigned int lsi_of(const struct pci_func *f, const struct host_func *host)
{
	return ((f->devfn >> 3) + host->int_pin - 1) % NUM_PINS;
}

/* A host bridge has four level sources for all that is below it: they can be one guest's only if
 * no other group there has a pin. */
static bool lsis_are_ours(const struct board *b, const struct vfio_group *g)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->phb == b->groups[g->host].phb && f->group >= 0 && f->group != (int)g->host &&
			f->int_pin) {
			return false;
		}
	}
	return b->phbs[b->groups[g->host].phb].lsi_first != 0;
}

static void route_intx(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];
	struct vfio_group *g = p->bound[n].group;
	uint32_t lsi_first = p->board->phbs[p->board->groups[g->host].phb].lsi_first;

	if (!lsis_are_ours(p->board, g)) {
		return;
	}
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct host_func *host = p->bound[n].funcs[i].host;
		unsigned int lsi = lsi_of(&phb->funcs[i], host);

		if (!host->int_pin || host->int_pin > NUM_PINS) {
			continue;
		}
		/* Functions share them: it may be there already. */
		int err = xics_add_source(p, phb->at.lsi + lsi, lsi_first + lsi, true);

		if (!err || err == -EBUSY) {
			pci_func_route_intx(&phb->funcs[i]);
		}
	}
}

static int bind_phb(struct partition *p, unsigned int n, const struct plan_phb *plan)
{
	struct phb *phb = &p->phbs[n];
	int err = phb_place(plan->index, &phb->at);

	if (!err) {
		memcpy(phb->id, plan->id, sizeof(phb->id));
		phb->index = plan->index;
		phb_map_add(&p->phb_map, phb);
		err = join(p, &p->bound[n], plan);
	}
	if (!err) {
		err = open_windows(p, n, plan);
	}
	if (err == -ENOMEM) {
		log_msg(LOG_ERR,
			"%s: host bridge %s: tce-table-kib: %" PRIu64
			" KiB do not hold its windows; more of them",
			p->name, plan->id, plan_table_bytes(p->plan) >> 10);
	}
	if (!err) {
		err = bind_funcs(p, n, plan);
	}
	if (!err) {
		route_intx(p, n);
	}
	if (err) {
		log_msg(LOG_ERR, "%s: host bridge %s cannot have group %" PRIu32 " (%s)", p->name,
			plan->id, plan->group, err_name(err));
	}
	return err;
}

int partition_bind_phbs(struct partition *p, const struct plan_partition *plan)
{
	for (unsigned int i = 0; i < plan->nphbs; i++) {
		p->nphbs++;
		int err = bind_phb(p, i, &plan->phbs[i]);

		if (err) {
			return err;
		}
	}
	return 0;
}

/* Nobody starts anything any more: bus masters off, BARs unmapped, messages and pins taken away. */
static void silence_funcs(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];

	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		pci_func_quiesce(&phb->funcs[i]);
		msi_release_all(p, &phb->funcs[i]);
	}
	for (unsigned int i = 0; i < NUM_PINS && phb->at.lsi; i++) {
		xics_remove_source(p, phb->at.lsi + i);
	}
}

/* Windows off, translations forgotten, posted writes drained; then what the functions hold is
 * forgotten, too: behind closed windows, since a reset may end a DMA anywhere. False: something may
 * still get through. That a reset failed does not make it so: the group stays closed, for ever. */
static bool close_group(struct partition *p, struct vfio_group *group)
{
	bool closed = !host_pci_quarantine(p->board, &p->board->groups[group->host]);

	if (vfio_clean_group(group)) {
		log_msg(LOG_ERR, "%s: group %u is lost to it", p->name,
			p->board->groups[group->host].id);
	}
	return closed;
}

/* The order is design decision 16's; the partition's memory is cleared after it. */
static bool unbind_phb(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];
	struct partition_phb *bound = &p->bound[n];
	struct host_group *host = NULL;
	bool quarantined = true;

	silence_funcs(p, n);
	if (bound->group) {
		host = &p->board->groups[bound->group->host];
		quarantined = close_group(p, bound->group);
	}
	ddw_exit(&bound->ddw);
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		vfio_put_device(bound->funcs[i].device);
	}
	phb->nfuncs = 0;
	if (bound->group && vfio_close_group(bound->group)) {
		quarantined = false;
	}
	if (bound->container) {
		vfio_put_container(bound->container);
	}
	memset(bound, 0, sizeof(*bound));
	return quarantined && (!host || host->closed);
}

bool partition_unbind_phbs(struct partition *p)
{
	bool quarantined = true;

	while (p->nphbs) {
		if (!unbind_phb(p, --p->nphbs)) {
			quarantined = false;
		}
	}
	memset(&p->phb_map, 0, sizeof(p->phb_map));
	return quarantined;
}

static void print_window(const struct partition *p, const struct phb *phb, unsigned int n)
{
	const struct tce_window *w = &phb->windows[n];

	if (w->npages) {
		log_msg(LOG_NOTICE,
			"summary: %s: %s: window 0x%" PRIx64 " + %" PRIu64
			" MiB, %u KiB pages, LIOBN %08" PRIx32,
			p->name, phb->id, w->base.v, w->npages << w->page_shift >> 20,
			1u << (w->page_shift - 10), w->liobn);
	}
}

void partition_print_summary(struct partition *p)
{
	if (p->nphbs) {
		log_msg(LOG_NOTICE,
			"summary: %s: TCE tables: %" PRIu64 " KiB of %" PRIu64 " in use", p->name,
			page_pool_used(&p->tables) >> 10, plan_table_bytes(p->plan) >> 10);
	}
	for (unsigned int i = 0; i < p->nphbs; i++) {
		const struct phb *phb = &p->phbs[i];
		const struct partition_phb *bound = &p->bound[i];
		const struct host_group *g = &p->board->groups[bound->group->host];

		log_msg(LOG_NOTICE,
			"summary: %s: group %u (PHB#%04" PRIx64
			"[%03x]) was host bridge %s, index %u",
			p->name, g->id, p->board->phbs[g->phb].id, g->pe, phb->id, phb->index);
		for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
			print_window(p, phb, w);
		}
		log_msg(LOG_NOTICE, "summary: %s: %s: bypass %s; %" PRIu64 " TCEs live", p->name,
			phb->id, phb->bypass_size ? "on" : "off",
			vfio_spapr_count_live(bound->container));
	}
}
