// SPDX-License-Identifier: Apache-2.0
/*
 * Granting messages: everything that can be refused is asked for before the device or what it holds
 * is touched. Sources are masked before their messages can be anybody else's.
 */
#include "core/msi.h"

#include "core/pci_msi.h"
#include "core/vfio.h"
#include "core/xics.h"

/* Which host bridge of the partition a function is on. */
static unsigned int phb_of(const struct partition *p, const struct pci_func *f)
{
	unsigned int i = 0;

	while (f < p->phbs[i].funcs || f >= p->phbs[i].funcs + PHB_MAX_FUNCS) {
		i++;
	}
	return i;
}

static struct vfio_device *device_of(const struct partition *p, const struct pci_func *f)
{
	unsigned int i = phb_of(p, f);

	return p->bound[i].funcs[f - p->phbs[i].funcs].device;
}

static unsigned int lesser(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int msi_quota(const struct partition *p, unsigned int phb)
{
	unsigned int most = 0;

	/* Its groups may be below several bridges of the host. */
	for (unsigned int i = 0; i < p->phbs[phb].nfuncs; i++) {
		unsigned int count = vfio_count_msis(p->bound[phb].funcs[i].device);

		most = count > most ? count : most;
	}
	return lesser(XICS_MSI_COUNT / p->nphbs, most);
}

/* The largest power of two that is not above v; 0 of 0. */
static unsigned int pow2_down(unsigned int v)
{
	return v ? 1u << (31 - __builtin_clz(v)) : 0;
}

static unsigned int pow2_up(unsigned int v)
{
	return pow2_down(2 * v - 1);
}

unsigned int msi_max(const struct partition *p, const struct pci_func *f, enum pci_irq_kind kind)
{
	unsigned int phb = phb_of(p, f);
	unsigned int share =
		lesser(msi_quota(p, phb), vfio_count_msis(device_of(p, f))) / p->phbs[phb].nfuncs;

	if (kind == PCI_IRQ_MSI && f->msi.pos) {
		return lesser(f->msi.max, pow2_down(share));
	}
	return kind == PCI_IRQ_MSIX && f->msix.pos ? lesser(f->msix.entries, share) : 0;
}

static bool takes_64(const struct pci_func *f, enum pci_irq_kind kind)
{
	return kind == PCI_IRQ_MSIX || f->msi.is64;
}

static void remove_sources(struct partition *p, uint32_t first, unsigned int n)
{
	while (n--) {
		xics_remove_source(p, first + n);
	}
}

/* Numbers are free when they are found and may be taken when they are added: -EBUSY then. */
static int add_sources(
	struct partition *p, uint32_t hw, unsigned int n, unsigned int align, uint32_t *first)
{
	int err = xics_find_msi_block(p, n, align, first);

	for (unsigned int i = 0; i < n && !err; i++) {
		err = xics_add_source(p, *first + i, hw + i, false);
		if (err) {
			remove_sources(p, *first, i);
		}
	}
	return err;
}

/* Holds messages and numbers of a grant whose kind and n are given. A message is bound to the PE
 * before it has a source, so that none can come from who had it before. */
static int reserve(struct partition *p, struct pci_func *f, struct pci_grant *g)
{
	struct vfio_device *d = device_of(p, f);
	/* An MSI function makes the message's low bits itself. */
	unsigned int align = g->kind == PCI_IRQ_MSI ? pow2_up(g->n) : 1;
	uint64_t addr;
	uint32_t data;
	int err;

	g->nmessages = g->kind == PCI_IRQ_MSI ? align : g->n;
	err = vfio_get_msis(d, g->nmessages, align, &g->message);
	if (err) {
		return err;
	}
	for (unsigned int i = 0; i < g->nmessages && !err; i++) {
		err = vfio_setup_msi(d, g->message + i, takes_64(f, g->kind), &addr, &data);
	}
	if (!err) {
		err = add_sources(p, vfio_msi_source(d, g->message), g->n, align, &g->number);
	}
	if (err) {
		vfio_put_msis(d, g->message, g->nmessages);
	}
	return err;
}

static void give_back(struct partition *p, struct pci_func *f, const struct pci_grant *g)
{
	remove_sources(p, g->number, g->n);
	vfio_put_msis(device_of(p, f), g->message, g->nmessages);
}

static void take_back(struct partition *p, struct pci_func *f)
{
	struct pci_grant old = f->grant;

	if (old.kind != PCI_IRQ_NONE) {
		pci_msi_revoke(f);
		give_back(p, f, &old);
	}
}

/* Firmware says the same about a message every time, so it is asked again rather than remembered.
 */
static int write_message(
	struct partition *p, struct pci_func *f, const struct pci_grant *g, unsigned int i)
{
	uint64_t addr;
	uint32_t data;
	int err =
		vfio_setup_msi(device_of(p, f), g->message + i, takes_64(f, g->kind), &addr, &data);

	if (err) {
		return err;
	}
	return g->kind == PCI_IRQ_MSIX
		       ? pci_msix_write(f, i, addr, data)
		       : pci_msi_write(f, addr, data, (unsigned int)__builtin_ctz(g->nmessages));
}

static int change(struct partition *p, struct pci_func *f, struct pci_grant *g)
{
	/* Of MSI there is one message; the others follow from it. */
	unsigned int nwrites = g->kind == PCI_IRQ_MSIX ? g->n : 1;
	int err = reserve(p, f, g);

	if (err) {
		return err;
	}
	take_back(p, f);
	for (unsigned int i = 0; i < nwrites && !err; i++) {
		err = write_message(p, f, g, i);
	}
	if (err) {
		give_back(p, f, g);
		return -EIO;
	}
	pci_msi_grant(f, g);
	return 0;
}

/* What is so already is said to the device once more, and nothing is taken away (SEED-003.40). */
static int change_if_other(struct partition *p, struct pci_func *f, struct pci_grant *g)
{
	const struct pci_grant old = f->grant;

	if (old.kind != g->kind || old.n != g->n || f->gone) {
		return change(p, f, g);
	}
	pci_msi_grant(f, &old);
	return 0;
}

int msi_request(struct partition *p, struct pci_func *f, enum pci_irq_kind kind, unsigned int n)
{
	struct pci_grant g = {.kind = kind, .n = n};
	int err;

	if (!n || n > msi_max(p, f, kind)) {
		return -EINVAL;
	}
	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	err = change_if_other(p, f, &g);
	pci_func_yield(f);
	return err;
}

int msi_release(struct partition *p, struct pci_func *f)
{
	int err = -ENOENT;

	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	if (f->grant.kind != PCI_IRQ_NONE) {
		take_back(p, f);
		pci_msi_disable(f);
		err = 0;
	}
	pci_func_yield(f);
	return err;
}

void msi_release_all(struct partition *p, struct pci_func *f)
{
	take_back(p, f);
	pci_msi_disable(f);
}

int msi_number(struct pci_func *f, uint32_t index, uint32_t *number)
{
	struct pci_grant g = pci_msi_granted(f);

	if (g.kind == PCI_IRQ_NONE || index >= g.n) {
		return -ENOENT;
	}
	*number = g.number + index;
	return 0;
}
