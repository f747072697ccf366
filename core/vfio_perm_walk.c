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

/* How far each capability may reach is known when all are: their order is the device's. */
static void set_rooms(struct vfio_cap_list *l, unsigned int limit)
{
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
		err = read(arg, pos, 2, &v);
		l->caps[l->n++] = (struct vfio_cap){.pos = pos, .id = (uint8_t)v};
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
	while (l->n < PCI_EXT_MAX) {
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
			.version = (uint16_t)(v >> 16 & 0xf)};
		next = v >> PCI_EXT_NEXT_SHIFT;
		if (next <= pos || next % 4 || next > PCI_EXT_LIMIT - 4) {
			break;
		}
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
