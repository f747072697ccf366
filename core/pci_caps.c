// SPDX-License-Identifier: Apache-2.0
/*
 * The capabilities of an assigned function: found once in the device's own lists, held against the
 * tables of the policy, and shown as lists of ours. Places and order of what is shown stay the
 * device's (SEED-001.41).
 */
#include "core/pci.h"
#include "core/pci_parts.h"

#include <string.h>

static int read_device(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	struct pci_func *f = arg;

	return pci_live_read(f, off, size, val);
}

/* The start values of what is ours. */
static int init_fields(
	struct pci_func *f, const struct vfio_perm *p, unsigned int base, unsigned int len)
{
	for (unsigned int i = 0; i < p->nfields; i++) {
		const struct vfio_perm_field *field = &p->fields[i];
		uint32_t v = 0;
		int err = 0;

		/* The BARs start where the caller has placed them (core/pci_bars.c). */
		if (!field->virt || !field->len || field->act == VFIO_PERM_BAR ||
			(unsigned int)field->off + field->len > len) {
			continue;
		}
		if (field->keep) {
			err = pci_live_read(f, base + field->off, field->len, &v);
		}
		if (err) {
			return err;
		}
		pci_put(f->image, base + field->off, field->len, (v & field->keep) | field->set);
	}
	return 0;
}

static bool is_listed(const struct pci_func *f, const struct vfio_cap *c, unsigned int vendor_id)
{
	for (unsigned int i = 0; i < f->ncaps; i++) {
		const struct pci_cap *have = &f->caps[i];

		if (have->perm && have->perm->id == c->id &&
			(have->pos < PCI_CAP_LIMIT) == (c->pos < PCI_CAP_LIMIT)) {
			return c->id != vendor_id;
		}
	}
	return false;
}

static const struct vfio_perm *find_row(const struct vfio_perm *rows, unsigned int n,
	unsigned int id, const struct vfio_perm_probe *probe, unsigned int *size)
{
	for (unsigned int i = 0; i < n; i++) {
		if (rows[i].id == id) {
			*size = rows[i].size(probe);
			if (*size) {
				return &rows[i];
			}
		}
	}
	return NULL;
}

static bool acts(const struct vfio_perm *p, enum vfio_perm_act act)
{
	for (unsigned int i = 0; i < p->nfields; i++) {
		if (p->fields[i].act == act) {
			return true;
		}
	}
	return false;
}

/* Whether a guest's write to it may be a write to the device. */
static bool writes_device(const struct vfio_perm *p)
{
	for (unsigned int i = 0; i < p->nfields; i++) {
		if (p->fields[i].write & ~p->fields[i].virt) {
			return true;
		}
	}
	return false;
}

/* Which resets this capability offers, if its table lets a guest ask (SEED-001.43). */
static int note_resets(struct pci_func *f, const struct pci_cap *c)
{
	uint32_t v = 0;
	int err = 0;

	if (!f->ops->reset) {
		return 0;
	}
	if (acts(c->perm, VFIO_PERM_POWER)) {
		f->resets |= 1u << PCI_RESET_D3HOT | 1u << PCI_RESET_D0;
	}
	if (!acts(c->perm, VFIO_PERM_FLR)) {
		return 0;
	}
	if (c->perm->id == PCI_CAP_EXP) {
		err = pci_live_read(f, c->pos + PCI_EXP_DEVCAP, 4, &v);
		f->resets |= v & PCI_EXP_DEVCAP_FLR ? 1u << PCI_RESET_FLR : 0;
	} else {
		err = pci_live_read(f, c->pos + PCI_AF_CAP, 1, &v);
		f->resets |= v & PCI_AF_CAP_FLR ? 1u << PCI_RESET_AF_FLR : 0;
	}
	return err;
}

/* What no table can say: messages are checked, and of PCI-X the guest sees where it is itself. */
static int show_special(struct pci_func *f, const struct pci_cap *c, uint32_t flags, bool *shown)
{
	*shown = true;
	if (c->perm->id == PCI_CAP_MSI || c->perm->id == PCI_CAP_MSIX) {
		return pci_msi_show(f, c->pos, c->perm->id, c->size, flags, shown);
	}
	if (c->perm->id == PCI_CAP_PCIX) {
		f->image[c->pos + PCI_PCIX_STATUS] = (uint8_t)f->devfn;
	}
	return note_resets(f, c);
}

/* Shows one capability if there is a row for it; *shown: there was. A second one of the same kind
 * is hidden, except a vendor's. */
static int show_cap(
	struct pci_func *f, const struct vfio_cap *c, struct vfio_perm_probe *probe, bool *shown)
{
	struct pci_cap cap = {.pos = c->pos};
	unsigned int size = 0;
	int err;

	*shown = false;
	probe->room = c->room;
	if (c->room < 4 || is_listed(f, c, PCI_CAP_VENDOR)) {
		return 0;
	}
	err = pci_live_read(f, c->pos + PCI_CAP_FLAGS, 2, &probe->flags);
	if (err) {
		return err;
	}
	cap.perm = find_row(f->policy->std, f->policy->nstd, c->id, probe, &size);
	if (!cap.perm || (c->covered && writes_device(cap.perm))) {
		return 0;
	}
	cap.size = (uint16_t)size;
	err = init_fields(f, cap.perm, c->pos, size);
	if (!err) {
		err = show_special(f, &cap, probe->flags, shown);
	}
	if (*shown) {
		f->image[c->pos] = (uint8_t)c->id;
		f->caps[f->ncaps++] = cap;
	} else {
		memset(f->image + c->pos, 0, size);
	}
	return err;
}

static bool known_id(const struct vfio_perm *rows, unsigned int n, unsigned int id)
{
	for (unsigned int i = 0; i < n; i++) {
		if (rows[i].id == id) {
			return true;
		}
	}
	return false;
}

static int show_list(struct pci_func *f, struct vfio_perm_probe *probe)
{
	struct vfio_cap_list list;
	unsigned int link = PCI_CAP_PTR;
	int err = vfio_walk_caps(read_device, f, &list);

	for (unsigned int i = 0; i < list.n && !err; i++) {
		bool shown;

		f->express = f->express || list.caps[i].id == PCI_CAP_EXP;
		if (!known_id(f->policy->std, f->policy->nstd, list.caps[i].id)) {
			continue;
		}
		err = show_cap(f, &list.caps[i], probe, &shown);
		if (!err && shown) {
			f->image[link] = (uint8_t)list.caps[i].pos;
			link = list.caps[i].pos + 1u;
		}
	}
	if (f->image[PCI_CAP_PTR]) {
		f->image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	}
	return err;
}

static int show_ext_cap(struct pci_func *f, const struct vfio_cap *c, struct vfio_perm_probe *probe)
{
	struct pci_cap cap = {.pos = c->pos, .link = c->id | (uint32_t)c->version << 16};
	unsigned int size = 0;
	int err;

	if (c->room < 8 || is_listed(f, c, PCI_EXT_CAP_VENDOR)) {
		return 0;
	}
	probe->room = c->room;
	err = pci_live_read(f, c->pos + 4u, 4, &probe->flags);
	if (err) {
		return err;
	}
	cap.perm = find_row(f->policy->ext, f->policy->next, c->id, probe, &size);
	if (cap.perm && !(c->covered && writes_device(cap.perm))) {
		cap.size = (uint16_t)size;
		f->caps[f->ncaps++] = cap;
	}
	return 0;
}

/* The list has to start at its start: if nothing is shown there, an empty capability is (id 0). */
static void link_ext_caps(struct pci_func *f, unsigned int first)
{
	if (f->ncaps > first && f->caps[first].pos != PCI_EXT_FIRST) {
		memmove(&f->caps[first + 1], &f->caps[first],
			(f->ncaps - first) * sizeof(f->caps[0]));
		f->caps[first] = (struct pci_cap){.pos = PCI_EXT_FIRST, .size = 4};
		f->ncaps++;
	}
	for (unsigned int i = first; i + 1 < f->ncaps; i++) {
		f->caps[i].link |= (uint32_t)f->caps[i + 1].pos << PCI_EXT_NEXT_SHIFT;
	}
}

static int show_ext_list(struct pci_func *f, struct vfio_perm_probe *probe)
{
	struct vfio_cap_list list;
	unsigned int first = f->ncaps;
	int err = vfio_walk_ext_caps(read_device, f, &list);

	/* Of a list that is cut nobody knows what its capabilities lie over. One place is kept for
	 * the list's start. */
	for (unsigned int i = 0;
		i < list.n && !list.cut && !err && f->ncaps - first + 1 < PCI_SHOWN_EXT_MAX; i++) {
		if (known_id(f->policy->ext, f->policy->next, list.caps[i].id)) {
			err = show_ext_cap(f, &list.caps[i], probe);
		}
	}
	link_ext_caps(f, first);
	return err;
}

int pci_caps_init(struct pci_func *f)
{
	struct vfio_perm_probe probe = {0};
	uint32_t ids = 0;
	int err = pci_live_read(f, PCI_VENDOR_ID, 4, &ids);

	probe.vendor = (uint16_t)ids;
	probe.device = (uint16_t)(ids >> 16);
	if (!err) {
		err = init_fields(f, f->policy->header, 0, PCI_CAP_FIRST);
	}
	if (!err) {
		err = show_list(f, &probe);
	}
	f->express = f->express && f->policy->next;
	if (!err && f->express) {
		err = show_ext_list(f, &probe);
	}
	return err;
}

const struct pci_cap *pci_caps_find(const struct pci_func *f, unsigned int off)
{
	for (unsigned int i = 0; i < f->ncaps; i++) {
		if (off >= f->caps[i].pos && off - f->caps[i].pos < f->caps[i].size) {
			return &f->caps[i];
		}
	}
	return NULL;
}

void pci_caps_hide(struct pci_func *f, unsigned int pos)
{
	unsigned int link = PCI_CAP_PTR, n = 0;

	while (f->image[link] != pos) {
		link = f->image[link] + 1u;
	}
	f->image[link] = f->image[pos + 1];
	for (unsigned int i = 0; i < f->ncaps; i++) {
		if (f->caps[i].pos == pos) {
			memset(f->image + pos, 0, f->caps[i].size);
		} else {
			f->caps[n++] = f->caps[i];
		}
	}
	f->ncaps = n;
	if (!f->image[PCI_CAP_PTR]) {
		f->image[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
	}
}
