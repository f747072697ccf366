// SPDX-License-Identifier: Apache-2.0
/*
 * From a partition to the plain description that dt/ writes out. This is the list of all that a
 * guest is told; of the host it has the CPU's version, the timebase and its radix page sizes, which
 * the guest could measure anyway.
 */
#include "core/dt_fill.h"

#include "core/rtas.h"

#include <string.h>

static struct dt_guest tree;

static void fill_func(
	struct dt_guest_func *to, const struct pci_func *f, const struct host_func *host)
{
	to->devfn = f->devfn;
	to->vendor = host->vendor;
	to->device = host->device;
	to->subsys_vendor = host->subsys_vendor;
	to->subsys = host->subsys;
	to->class_code = host->class_code;
	to->revision = host->revision;
	to->int_pin = host->int_pin;
	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		to->bars[i] = (struct dt_guest_bar){
			f->bars[i].size, f->bars[i].value, f->bars[i].is64, f->bars[i].prefetch};
	}
}

static void fill_phb(
	struct dt_guest_phb *to, const struct phb *phb, const struct partition_phb *bound)
{
	const struct tce_window *w = &phb->windows[0];

	to->buid = phb->at.buid;
	to->mmio32 = phb->at.mmio32.v;
	to->mmio32_size = PHB_MMIO32_SIZE - 0x10000; /* the MSI doorbell's 64 KiB are not memory */
	to->lsi = phb->at.lsi;
	to->liobn = w->liobn;
	to->window_base = w->base.v;
	to->window_size = w->npages << w->page_shift;
	to->bypass_base = PHB_BYPASS_BASE;
	to->bypass_size = phb->bypass_size;
	to->nfuncs = phb->nfuncs;
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		fill_func(&to->funcs[i], &phb->funcs[i], bound->funcs[i].host);
	}
}

struct dt_guest *dt_fill(const struct partition *p, const struct plan_partition *plan)
{
	memset(&tree, 0, sizeof(tree));
	tree.memory = p->mem.size;
	tree.ncpus = p->nvcpus;
	tree.pvr = p->board->pvr;
	tree.timebase_hz = (uint32_t)p->board->timebase_hz;
	tree.nap = p->board->nap;
	tree.ap = p->board->ap;
	tree.bootargs = plan->bootargs;
	tree.vty = PARTITION_VTY;
	for (unsigned int i = 0; i < rtas_num_services && i < DT_GUEST_MAX_SERVICES; i++) {
		tree.services[tree.nservices++] =
			(struct dt_guest_service){rtas_services[i].name, rtas_services[i].token};
	}
	tree.nphbs = p->nphbs;
	for (unsigned int i = 0; i < p->nphbs; i++) {
		fill_phb(&tree.phbs[i], &p->phbs[i], &p->bound[i]);
	}
	return &tree;
}
