// SPDX-License-Identifier: Apache-2.0
/* The walk through a device's lists of capabilities, whatever they say. */
#include "core/vfio_perm.h"

#include <stddef.h>

static bool is_listed(const struct vfio_cap_list *l, unsigned int pos)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->caps[i].pos == pos) {
			return true;
		}
	}
	return false;
}

/* Bytes that a capability has at least, by its id; of what is not here nothing is known, or all of
 * it but the header is the vendor's or the reader's. */
static const uint8_t std_spans[] = {
	[PCI_CAP_PM] = PCI_PM_SIZE,
	[0x02] = 12, /* AGP */
	[PCI_CAP_PCIX] = PCI_PCIX_SIZE,
	[0x08] = 8,  /* HyperTransport */
	[0x0d] = 8,  /* a bridge's subsystem ids */
	[0x0e] = 12, /* AGP 8x */
	[PCI_CAP_EXP] = PCI_EXP_MIN_V2,
	[PCI_CAP_MSIX] = PCI_MSIX_SIZE,
	[0x12] = 8, /* SATA */
	[PCI_CAP_AF] = PCI_AF_SIZE,
	[0x14] = 8, /* enhanced allocation */
};
static const uint8_t ext_spans[] = {
	[PCI_EXT_CAP_AER] = PCI_AER_SIZE,
	[0x02] = 16, /* virtual channels */
	[PCI_EXT_CAP_DSN] = PCI_DSN_SIZE,
	[PCI_EXT_CAP_POWER] = PCI_POWER_SIZE,
	[0x05] = 16, /* root complex: links, */
	[0x06] = 12, /* a link's control, */
	[0x07] = 8,  /* event collector */
	[0x08] = 16, /* virtual channels, of many functions */
	[0x09] = 16, /* virtual channels, beside those */
	[0x0a] = 20, /* root complex: register block */
	[PCI_EXT_CAP_VENDOR] = PCI_VSEC_HEADER,
	[PCI_EXT_CAP_ACS] = 8,
	[PCI_EXT_CAP_ARI] = 8,
	[PCI_EXT_CAP_ATS] = 8,
	[0x10] = 64, /* SR-IOV */
	[0x11] = 64, /* MR-IOV */
	[0x12] = 48, /* multicast */
	[PCI_EXT_CAP_PRI] = 16,
	[PCI_EXT_CAP_REBAR] = 12,
	[0x16] = 16, /* power allocation */
	[PCI_EXT_CAP_TPH] = 12,
	[PCI_EXT_CAP_LTR] = 8,
	[0x19] = 16, /* secondary PCI Express */
	[0x1a] = 16, /* protocol multiplexing */
	[PCI_EXT_CAP_PASID] = 8,
	[PCI_EXT_CAP_DPC] = 16,
	[PCI_EXT_CAP_L1PM] = 16,
	[PCI_EXT_CAP_PTM] = 12,
	[0x23] = 12, /* designated vendor's */
	[0x24] = 12, /* resizable BARs of virtual functions */
	[0x25] = 12, /* data link features */
	[0x26] = 32, /* 16 GT/s */
	[0x27] = 8,  /* margining */
};

static unsigned int span_of(const uint8_t *spans, size_t n, unsigned int id)
{
	return id < n ? spans[id] : 0;
}

static unsigned int std_span(unsigned int id, unsigned int flags)
{
	if (id == PCI_CAP_MSI) {
		return vfio_perm_msi_span(flags);
	}
	if (id == PCI_CAP_EXP && (flags & 0xf) == 1) {
		return PCI_EXP_SIZE_V1;
	}
	return span_of(std_spans, sizeof(std_spans), id);
}

/* How far each capability may reach, and which of them start inside another, is known when all are:
 * their order is the device's. Until then room is what one has at least. */
static void set_rooms(struct vfio_cap_list *l, unsigned int limit)
{
	for (unsigned int i = 0; i < l->n; i++) {
		for (unsigned int k = 0; k < l->n; k++) {
			unsigned int from = l->caps[k].pos, at = l->caps[i].pos;

			l->caps[i].covered =
				l->caps[i].covered || (from < at && at < from + l->caps[k].room);
		}
	}
	for (unsigned int i = 0; i < l->n; i++) {
		unsigned int end = limit;

		for (unsigned int k = 0; k < l->n; k++) {
			if (l->caps[k].pos > l->caps[i].pos && l->caps[k].pos < end) {
				end = l->caps[k].pos;
			}
		}
		l->caps[i].room = (uint16_t)(end - l->caps[i].pos);
	}
}

int vfio_walk_caps(vfio_cap_read read, void *arg, struct vfio_cap_list *l)
{
	uint32_t v;
	int err;

	l->n = 0;
	l->cut = false;
	err = read(arg, PCI_STATUS, 2, &v);
	if (err || !(v & PCI_STATUS_CAP_LIST)) {
		return err;
	}
	err = read(arg, PCI_CAP_PTR, 1, &v);
	while (!err && l->n < PCI_CAP_MAX) {
		uint8_t pos = (uint8_t)(v & 0xfc);

		if (pos < PCI_CAP_FIRST || is_listed(l, pos)) {
			break;
		}
		err = read(arg, pos, 4, &v);
		l->caps[l->n++] = (struct vfio_cap){.pos = pos,
			.id = (uint8_t)v,
			.room = (uint16_t)std_span(v & 0xff, v >> 16)};
		v = v >> 8 & 0xff;
	}
	set_rooms(l, PCI_CAP_LIMIT);
	return err;
}

int vfio_walk_ext_caps(vfio_cap_read read, void *arg, struct vfio_cap_list *l)
{
	unsigned int pos = PCI_EXT_FIRST;
	uint32_t v;

	l->n = 0;
	l->cut = false;
	while (!l->cut) {
		unsigned int next;
		int err = read(arg, pos, 4, &v);

		if (err) {
			return err;
		}
		if (!v || v == UINT32_MAX) {
			break;
		}
		l->caps[l->n++] = (struct vfio_cap){.pos = (uint16_t)pos,
			.id = (uint16_t)(v & PCI_EXT_ID),
			.room = (uint16_t)span_of(ext_spans, sizeof(ext_spans), v & PCI_EXT_ID),
			.version = (uint8_t)(v >> 16 & 0xf)};
		next = v >> PCI_EXT_NEXT_SHIFT;
		if (next < PCI_EXT_FIRST || is_listed(l, next & ~3u)) {
			break;
		}
		l->cut = next < pos || next % 4 || l->n == PCI_EXT_MAX;
		pos = next;
	}
	set_rooms(l, PCI_EXT_LIMIT);
	return 0;
}

const struct vfio_cap *vfio_find_cap(const struct vfio_cap_list *l, unsigned int id)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->caps[i].id == id) {
			return &l->caps[i];
		}
	}
	return NULL;
}
