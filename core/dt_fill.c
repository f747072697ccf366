// SPDX-License-Identifier: Apache-2.0
/*
 * From a partition to the plain description that dt/ writes out. This is the list of all that a
 * guest is told; of the host it has the CPU's version, the timebase and its radix page sizes, which
 * the guest could measure anyway.
 */
#include "core/dt_fill.h"

#include "core/msi.h"
#include "core/rtas.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Radix page sizes of POWER9 and POWER10, for a host tree that does not say: 4K, 64K, 2M and 1G,
 * each with its AP code in the top three bits. Without them a guest maps all its memory with its
 * smallest page. */
static const uint32_t default_ap[] = {0x0000000c, 0xa0000010, 0x20000015, 0x4000001e};

static void fill_func(struct dt_guest_func *to, const struct pci_func *f,
	const struct partition_func *bound, const struct plan_func *options)
{
	const struct host_func *host = bound->host;
	struct pci_ids ids = {host->vendor, host->device, host->subsys_vendor, host->subsys};

	pci_func_shown_ids(f, &ids);
	to->devfn = f->devfn;
	to->vendor = (uint16_t)ids.vendor;
	to->device = (uint16_t)ids.device;
	to->subsys_vendor = (uint16_t)ids.subsys_vendor;
	to->subsys = (uint16_t)ids.subsys;
	to->class_code = host->class_code;
	to->revision = host->revision;
	to->int_pin = host->int_pin;
	to->intx = bound->intx;
	to->express = f->express;
	to->rom = (struct dt_guest_bar){.size = f->rom.size, .value = f->rom.value};
	to->boots = options && options->boots;
	to->bootindex = options ? options->bootindex : 0;
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		to->bars[i] = (struct dt_guest_bar){
			f->bars[i].size, f->bars[i].value, f->bars[i].is64, f->bars[i].prefetch};
	}
}

static uint32_t token_of(const char *name)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, name)) {
			return rtas_services[i].token;
		}
	}
	return 0;
}

static void fill_ddw(struct dt_guest_ddw *to, const struct ddw *ddw)
{
	*to = (struct dt_guest_ddw){
		.offered = ddw->c.offered,
		.query = token_of("ibm,query-pe-dma-window"),
		.create = token_of("ibm,create-pe-dma-window"),
		.remove = token_of("ibm,remove-pe-dma-window"),
		.reset = token_of("ibm,reset-pe-dma-window"),
	};
}

/* A service of two forms has two rows, but one property. */
static void fill_services(struct dt_guest *to)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		const struct rtas_service *svc = &rtas_services[i];

		if (i && svc->token == rtas_services[i - 1].token) {
			continue;
		}
		if (to->nservices < DT_GUEST_MAX_SERVICES) {
			to->services[to->nservices++] =
				(struct dt_guest_service){svc->name, svc->token};
		}
	}
}

static void fill_phb(struct dt_guest_phb *to, const struct partition *p, unsigned int n,
	const struct plan_phb *plan)
{
	const struct phb *phb = &p->phbs[n];
	const struct partition_phb *bound = &p->bound[n];
	const struct tce_window *w = &phb->windows[0];

	to->buid = phb->at.buid;
	to->mmio32 = phb->at.mmio32.v;
	to->mmio32_size = PHB_MMIO32_SIZE - 0x10000; /* the MSI doorbell's 64 KiB are not memory */
	to->liobn = w->liobn;
	to->window_base = w->base.v;
	to->window_size = w->npages << w->page_shift;
	to->window_shift = w->page_shift;
	to->bypass_base = PHB_BYPASS_BASE;
	to->bypass_size = phb->bypass_size;
	fill_ddw(&to->ddw, &bound->ddw);
	to->total_msi = msi_quota(p, n);
	to->nfuncs = phb->nfuncs;
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct partition_func *pf = &bound->funcs[i];

		fill_func(&to->funcs[i], &phb->funcs[i], pf,
			plan_find_func(plan, p->board, pf->host));
		to->funcs[i].req_msi = msi_max(p, &phb->funcs[i], PCI_IRQ_MSI);
		to->funcs[i].req_msix = msi_max(p, &phb->funcs[i], PCI_IRQ_MSIX);
	}
}

void dt_fill(struct dt_guest *to, struct dt_guest_phb *phbs, const struct partition *p,
	const struct plan_partition *plan)
{
	memset(to, 0, sizeof(*to));
	memset(phbs, 0, p->nphbs * sizeof(*phbs));
	to->memory = p->mem.size;
	to->ncpus = p->nvcpus;
	to->pvr = p->board->pvr;
	to->timebase_hz = (uint32_t)p->board->timebase_hz;
	to->nap = p->board->nap ? p->board->nap : ARRAY_LEN(default_ap);
	to->ap = p->board->nap ? p->board->ap : default_ap;
	to->bootargs = plan->bootargs;
	to->vty = PARTITION_VTY;
	fill_services(to);
	to->nphbs = p->nphbs;
	to->phbs = phbs;
	for (unsigned int i = 0; i < p->nphbs; i++) {
		fill_phb(&phbs[i], p, i, &plan->phbs[i]);
	}
}
