// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's host bridges: each has one or more IOMMU groups in a container of its own, with its
 * windows and its functions. How a bridge comes to be is one list of steps, partition_phb_steps;
 * how it goes is the same list backwards.
 */
#include "core/host_pci.h"
#include "core/msi.h"
#include "core/partition_parts.h"
#include "core/text.h"
#include "core/vfio_spapr.h"
#include "core/xics.h"

#include <inttypes.h>
#include <string.h>

static const struct plan_phb *plan_of(const struct partition *p, unsigned int n)
{
	return &p->plan->phbs[n];
}

static struct host_group *host_of(const struct partition *p, const struct vfio_group *group)
{
	return &p->board->groups[group->host];
}

/* Its place in the guest */

static int place(struct partition *p, unsigned int n)
{
	const struct plan_phb *plan = plan_of(p, n);
	struct phb *phb = &p->phbs[n];
	int err = phb_place(plan->index, &phb->at);

	if (!err) {
		memcpy(phb->id, plan->id, sizeof(phb->id));
		phb->index = plan->index;
		phb_map_add(&p->phb_map, phb);
	}
	return err;
}

static void forget_place(struct partition *p, unsigned int n)
{
	phb_map_remove(&p->phb_map, &p->phbs[n]);
	memset(&p->bound[n], 0, sizeof(p->bound[n]));
}

/* Container and groups */

static int open_container(struct partition *p, unsigned int n)
{
	return vfio_open_container(p->vfio, &p->tables, &p->bound[n].container);
}

static void put_container(struct partition *p, unsigned int n)
{
	vfio_put_container(p->bound[n].container);
}

/* Whoever leaves is quarantined once more; what cannot be may still reach the memory. */
static void part_groups(struct partition *p, unsigned int n)
{
	struct partition_phb *bound = &p->bound[n];

	while (bound->ngroups) {
		struct vfio_group *group = bound->groups[--bound->ngroups];

		if (vfio_close_group(group) || !host_of(p, group)->closed) {
			p->exposed = true;
		}
	}
}

static int join_group(struct partition *p, unsigned int n, uint32_t id)
{
	const struct vfio_owner owner = {p->name, plan_of(p, n)->id};
	struct partition_phb *bound = &p->bound[n];
	struct vfio_group **group = &bound->groups[bound->ngroups];
	int err = vfio_open_group(p->vfio, id, owner, group);

	if (err) {
		return err;
	}
	bound->ngroups++;
	return vfio_group_set_container(*group, bound->container);
}

/* All into the bridge's container, and then the IOMMU, which attaches them (SEED-001.26); the
 * reasons are VFIO's. */
static int join_groups(struct partition *p, unsigned int n)
{
	const struct plan_phb *plan = plan_of(p, n);
	struct partition_phb *bound = &p->bound[n];
	unsigned int i = 0;
	int err;

	do {
		err = join_group(p, n, plan_group(plan, i));
	} while (!err && ++i < plan_ngroups(plan));
	if (!err) {
		err = vfio_set_iommu(bound->container, VFIO_SPAPR_TCE_v2_IOMMU);
	}
	if (!err) {
		err = vfio_register_memory(bound->container, &p->mem);
	}
	if (err) {
		part_groups(p, n);
	}
	return err;
}

/* Windows */

/* A plan that was not checked may leave it open. */
static unsigned int window_shift(const struct plan_phb *plan)
{
	unsigned int shift = PLAN_PAGE_SHIFT;

	while (1ull << shift < plan->window_page) {
		shift++;
	}
	return shift;
}

/* The TCE pages that the host bridges of all groups have: they share their windows. */
static uint32_t common_page_shifts(const struct partition *p, const struct partition_phb *bound)
{
	uint32_t shifts = UINT32_MAX;

	for (unsigned int i = 0; i < bound->ngroups; i++) {
		shifts &= p->board->phbs[host_of(p, bound->groups[i])->phb].page_shifts;
	}
	return shifts;
}

static int turn_bypass_on(struct partition *p, unsigned int n)
{
	const char *why;
	int err = ddw_bypass_on(&p->bound[n].ddw, &why);

	if (err) {
		log_msg(LOG_ERR, "%s: host bridge %s: no bypass: %s (%s)", p->name, p->phbs[n].id,
			why, err_name(err));
	}
	return err;
}

static void close_windows(struct partition *p, unsigned int n)
{
	ddw_exit(&p->bound[n].ddw);
}

static int open_windows(struct partition *p, unsigned int n)
{
	const struct plan_phb *plan = plan_of(p, n);
	struct partition_phb *bound = &p->bound[n];
	const struct ddw_config config = {
		.owner = p->name,
		.phb = &p->phbs[n],
		.container = bound->container,
		.mem = &p->mem,
		.page_shifts = common_page_shifts(p, bound),
		.default_size = plan->window_size,
		.default_shift = window_shift(plan),
		.offered = !plan->no_ddw,
	};
	int err = ddw_init(&bound->ddw, &config);

	if (!err && plan->bypass) {
		err = turn_bypass_on(p, n);
		if (err) {
			close_windows(p, n);
		}
	}
	if (err == -ENOMEM) {
		log_msg(LOG_ERR,
			"%s: host bridge %s: tce-table-kib: %" PRIu64
			" KiB do not hold its windows; more of them",
			p->name, plan->id, plan_table_bytes(p->plan) >> 10);
	}
	return err;
}

/* Functions */

/* What the functions hold is forgotten: behind closed windows, since a reset may end a DMA
 * anywhere. That one fails keeps the group closed for ever, and nothing of the memory in reach. */
static void clean_groups(struct partition *p, unsigned int n)
{
	const struct partition_phb *bound = &p->bound[n];

	for (unsigned int i = bound->ngroups; i-- > 0;) {
		if (vfio_clean_group(bound->groups[i])) {
			log_msg(LOG_ERR, "%s: group %u is lost to it", p->name,
				host_of(p, bound->groups[i])->id);
		}
	}
}

static int route_pins(struct partition *p, unsigned int n)
{
	partition_route_intx(p, n);
	return 0;
}

static void take_pins_away(struct partition *p, unsigned int n)
{
	const struct phb *phb = &p->phbs[n];

	for (unsigned int i = 0; i < PCI_NUM_PINS && phb->at.lsi; i++) {
		xics_remove_source(p, phb->at.lsi + i);
	}
}

/* Bus masters off, what they have posted brought in, windows off, translations forgotten. */
static void close_groups(struct partition *p, unsigned int n)
{
	const struct partition_phb *bound = &p->bound[n];

	for (unsigned int i = bound->ngroups; i-- > 0;) {
		if (host_pci_quarantine(p->board, host_of(p, bound->groups[i]))) {
			p->exposed = true;
		}
	}
}

/* Nobody starts anything any more: bus masters off, and messages. BARs are unmapped, too: no vCPU
 * is left to miss them. */
static void silence_funcs(struct partition *p, unsigned int n)
{
	struct phb *phb = &p->phbs[n];

	for (unsigned int i = phb->nfuncs; i-- > 0;) {
		pci_func_quiesce(&phb->funcs[i]);
		msi_release_all(p, &phb->funcs[i]);
	}
}

/* A bridge is given its groups from the first row to the last, and loses them from the last to the
 * first: design decision 16. The partition's memory is cleared after that. */
const struct partition_step partition_phb_steps[PARTITION_PHB_STEPS] = {
	{"its place", place, forget_place},
	{"container", open_container, put_container},
	{"groups", join_groups, part_groups},
	{"windows", open_windows, close_windows},
	{"functions", partition_bind_funcs, partition_put_funcs},
	{"reset", NULL, clean_groups},
	{"pins", route_pins, take_pins_away},
	{"DMA", NULL, close_groups},
	{"bus masters and messages", NULL, silence_funcs},
};

static int bind_phb(struct partition *p, unsigned int n)
{
	const char *failed;
	int err = partition_make_steps(partition_phb_steps, PARTITION_PHB_STEPS, p, n, &failed);
	struct text groups = {0};

	if (err) {
		plan_put_groups(plan_of(p, n), &groups);
		log_msg(LOG_ERR, "%s: host bridge %s cannot have %s: %s (%s)", p->name,
			plan_of(p, n)->id, groups.s, failed, err_name(err));
	}
	return err;
}

int partition_bind_phbs(struct partition *p)
{
	while (p->nphbs < p->plan->nphbs) {
		int err = bind_phb(p, p->nphbs++);

		if (err) {
			p->nphbs--;
			(void)partition_unbind_phbs(p);
			return err;
		}
	}
	return 0;
}

bool partition_unbind_phbs(struct partition *p)
{
	while (p->nphbs) {
		partition_undo_steps(partition_phb_steps, PARTITION_PHB_STEPS, p, --p->nphbs);
	}
	return !p->exposed;
}

/* Summary */

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

static void print_groups(const struct partition *p, unsigned int n)
{
	const struct phb *phb = &p->phbs[n];

	for (unsigned int i = 0; i < p->bound[n].ngroups; i++) {
		const struct host_group *g = host_of(p, p->bound[n].groups[i]);

		log_msg(LOG_NOTICE,
			"summary: %s: group %u (PHB#%04" PRIx64
			"[%03x]) was host bridge %s, index %u",
			p->name, g->id, p->board->phbs[g->phb].id, g->pe, phb->id, phb->index);
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

		print_groups(p, i);
		for (unsigned int w = 0; w < PHB_MAX_WINDOWS; w++) {
			print_window(p, phb, w);
		}
		log_msg(LOG_NOTICE, "summary: %s: %s: bypass %s; %" PRIu64 " TCEs live", p->name,
			phb->id, phb->bypass_size ? "on" : "off",
			vfio_spapr_count_live(p->bound[i].container));
	}
}
