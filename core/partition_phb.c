// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's host bridges: each is bound to one IOMMU group, in a container of its own, with its
 * windows and its functions. Binding is one list of steps; undoing is the same list backwards, as
 * far as it went, which is also how a partition that stops gives its devices back.
 */
#include "core/host_pci.h"
#include "core/msi.h"
#include "core/partition_parts.h"
#include "core/vfio_spapr.h"
#include "core/xics.h"

#include <inttypes.h>
#include <string.h>

/* Opens group and container and joins them; the reasons are VFIO's. */
static int join(struct partition *p, struct partition_phb *bound, const struct plan_phb *plan)
{
	struct vfio_owner owner = {p->name, plan->id};
	int err = vfio_open_group(p->vfio, plan->group, owner, &bound->group);

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
		err = partition_bind_funcs(p, n, plan);
	}
	if (!err) {
		partition_route_intx(p, n);
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
	for (unsigned int i = 0; i < PCI_NUM_PINS && phb->at.lsi; i++) {
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
