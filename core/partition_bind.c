// SPDX-License-Identifier: Apache-2.0
/*
 * The functions of a host bridge, one by one: which of its groups' functions the guest gets, where
 * it sees them, and the list of steps by which it is given one. The one that is being made is
 * behind the last that the bridge has.
 */
#include "core/host_pci.h"
#include "core/partition_parts.h"
#include "core/pci_policy.h"
#include "core/pci_rom.h"
#include "core/range.h"

#include <string.h>

/* Guest BARs are apart by at least the largest page a guest kernel maps them with. */
#define BAR_ALIGN 0x10000u

static struct partition_func *next_of(struct partition *p, unsigned int n)
{
	return &p->bound[n].funcs[p->phbs[n].nfuncs];
}

static struct pci_func *shown_of(struct partition *p, unsigned int n)
{
	return &p->phbs[n].funcs[p->phbs[n].nfuncs];
}

/* What the plan says about it; NULL: nothing. */
static const struct plan_func *options_of(struct partition *p, unsigned int n)
{
	return plan_find_func(&p->plan->phbs[n], p->board, next_of(p, n)->host);
}

/* --- the real one --- */

static int open_device(struct partition *p, unsigned int n)
{
	struct partition_func *pf = next_of(p, n);
	int err = vfio_group_get_device(&p->vfio->groups[pf->host->group],
		(unsigned int)(pf->host - p->board->funcs), &pf->device);

	if (!err) {
		err = vfio_describe_device(pf->device);
		if (err) {
			vfio_put_device(pf->device);
		}
	}
	return err;
}

static void put_device(struct partition *p, unsigned int n)
{
	struct partition_func *pf = next_of(p, n);

	vfio_put_device(pf->device);
	pf->device = NULL;
}

/* --- what the guest sees of it --- */

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

static int show(struct partition *p, unsigned int n)
{
	struct partition_func *pf = next_of(p, n);
	struct pci_bar bars[PCI_NUM_BARS];
	int err = place_bars(pf->host, bars, &p->bound[n].next_bar);

	return err ? err
		   : pci_func_init_policy(shown_of(p, n), policy_of(options_of(p, n)),
			     map_devfn(p, n, pf->host), bars, &partition_func_ops, pf);
}

/* What of its ids the plan replaces. */
static int override_ids(struct partition *p, unsigned int n)
{
	const struct plan_func *options = options_of(p, n);
	int32_t ids[PLAN_IDS];

	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		bool given = options && options->ids_given >> i & 1;

		ids[i] = given ? (int32_t)options->ids[i] : -1;
	}
	return pci_func_override_ids(
		shown_of(p, n), &(struct pci_ids){ids[PLAN_VENDOR], ids[PLAN_DEVICE],
					ids[PLAN_SUBSYS_VENDOR], ids[PLAN_SUBSYS]});
}

static int add_rom(struct partition *p, unsigned int n)
{
	struct partition_func *pf = next_of(p, n);
	struct plan_blob rom;
	uint64_t at = 0;
	int err = partition_load_rom(p, pf, options_of(p, n), &rom);

	if (err || !rom.size) {
		return err;
	}
	err = rom.size > PCI_ROM_MAX
		      ? -EINVAL
		      : place_bar(pci_rom_bar_size((uint32_t)rom.size), &p->bound[n].next_bar, &at);
	if (!err) {
		err = pci_func_set_rom(shown_of(p, n), rom.data, (uint32_t)rom.size, (uint32_t)at);
	}
	if (err) {
		partition_forget_rom(p, pf);
	}
	return err;
}

static void forget_rom(struct partition *p, unsigned int n)
{
	partition_forget_rom(p, next_of(p, n));
}

/* Nobody could take them where the host bridge has none (SEED-001.44). */
static int hide_messages(struct partition *p, unsigned int n)
{
	if (!vfio_count_msis(next_of(p, n)->device)) {
		pci_func_hide_msi(shown_of(p, n));
	}
	return 0;
}

/* --- who hears of it --- */

static void device_lost(void *arg)
{
	const struct partition_func *f = arg;

	log_msg(LOG_ERR, "%s: its function %02x:%02x.%x is lost", f->partition->name,
		f->host->bdfn >> 8, f->host->bdfn >> 3 & 0x1f, f->host->bdfn & 7);
}

/* One that cannot tell of its loss works all the same (SEED-000.15). */
static int listen(struct partition *p, unsigned int n)
{
	struct partition_func *f = next_of(p, n);
	const struct vfio_irq_event event = {device_lost, f};
	const struct vfio_irq_set set = {.argsz = sizeof(set) + sizeof(event),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_ERR_IRQ,
		.count = 1};

	(void)!vfio_set_irqs(f->device, &set, &event);
	return 0;
}

/* SEED-000.5, SEED-001.21: the ROM is read while nobody uses the BARs, and what may fail comes
 * before what is told to somebody. */
const struct partition_step partition_func_steps[PARTITION_FUNC_STEPS] = {
	{"device", open_device, put_device},
	{"config space", show, NULL},
	{"ids", override_ids, NULL},
	{"option ROM", add_rom, forget_rom},
	{"messages", hide_messages, NULL},
	{"error event", listen, NULL},
};

static int bind_func(struct partition *p, unsigned int n, const struct host_func *host)
{
	const char *failed;
	int err;

	if (p->phbs[n].nfuncs == PHB_MAX_FUNCS) {
		log_msg(LOG_ERR, "%s: host bridge %s has more than %u functions", p->name,
			p->plan->phbs[n].id, PHB_MAX_FUNCS);
		return -ENOSPC;
	}
	*next_of(p, n) = (struct partition_func){
		.partition = p, .host = host, .window = p->phbs[n].at.mmio32};
	err = partition_make_steps(partition_func_steps, PARTITION_FUNC_STEPS, p, n, &failed);
	if (err) {
		log_msg(LOG_ERR, "%s: function %02x:%02x.%x cannot be assigned: %s (%s)", p->name,
			host->bdfn >> 8, host->bdfn >> 3 & 0x1f, host->bdfn & 7, failed,
			err_name(err));
		return err;
	}
	p->phbs[n].nfuncs++;
	return 0;
}

static int bind_group(struct partition *p, unsigned int n, const struct vfio_group *group)
{
	struct board *b = p->board;
	int err = host_pci_open_bridges(b, &b->groups[group->host]);

	for (unsigned int i = 0; i < b->nfuncs && !err; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->group == (int)group->host && plan_gives(&p->plan->phbs[n], b, f)) {
			err = bind_func(p, n, f);
		}
	}
	return err;
}

int partition_bind_funcs(struct partition *p, unsigned int n)
{
	struct partition_phb *bound = &p->bound[n];
	int err = 0;

	bound->next_bar = PHB_MMIO32_BUS;
	for (unsigned int i = 0; i < bound->ngroups && !err; i++) {
		err = bind_group(p, n, bound->groups[i]);
	}
	if (err) {
		partition_put_funcs(p, n);
		return err;
	}
	phb_settle_layout(&p->phbs[n]);
	return 0;
}

void partition_put_funcs(struct partition *p, unsigned int n)
{
	while (p->phbs[n].nfuncs) {
		p->phbs[n].nfuncs--;
		partition_undo_steps(partition_func_steps, PARTITION_FUNC_STEPS, p, n);
	}
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
