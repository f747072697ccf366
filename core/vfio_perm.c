// SPDX-License-Identifier: Apache-2.0
/* What the permission tables say of an access, and how long each capability is. */
#include "core/vfio_perm.h"

#include "core/range.h"

#include <string.h>

/* The mask of one byte: at counts from the start of the capability. */
static uint32_t byte_of(const struct vfio_perm_field *f, uint32_t mask, unsigned int at)
{
	return (f->len ? mask >> (8 * (at - f->off)) : mask) & 0xff;
}

static void add_field(const struct vfio_perm_field *f, unsigned int len, unsigned int off,
	unsigned int size, struct vfio_perm_masks *out)
{
	unsigned int end = f->len ? (unsigned int)f->off + f->len : len;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int at = off + i;

		if (at >= f->off && at < end && at < len) {
			out->virt |= byte_of(f, f->virt, at) << (8 * i);
			out->write |= byte_of(f, f->write, at) << (8 * i);
			out->w1c |= byte_of(f, f->w1c, at) << (8 * i);
		}
	}
}

void vfio_perm_get(const struct vfio_perm *p, unsigned int len, unsigned int off, unsigned int size,
	struct vfio_perm_masks *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < p->nfields; i++) {
		add_field(&p->fields[i], len, off, size, out);
	}
	/* Behind the end of a capability is nothing, also where its last dword goes on. */
	for (unsigned int i = 0; i < size; i++) {
		if (off + i >= len) {
			out->virt |= 0xffu << (8 * i);
		}
	}
}

static unsigned int fixed(const struct vfio_perm_probe *p, unsigned int size)
{
	return p->room >= size ? size : 0;
}

unsigned int vfio_perm_pm_size(const struct vfio_perm_probe *p)
{
	return fixed(p, PCI_PM_SIZE);
}

unsigned int vfio_perm_vpd_size(const struct vfio_perm_probe *p)
{
	return fixed(p, PCI_VPD_SIZE);
}

unsigned int vfio_perm_pcix_size(const struct vfio_perm_probe *p)
{
	return fixed(p, PCI_PCIX_SIZE);
}

/* The first byte behind id and pointer is the length; one that does not reach behind itself, or
 * reaches into what comes next, is no length (SEED-003.26). */
unsigned int vfio_perm_vendor_size(const struct vfio_perm_probe *p)
{
	unsigned int len = p->flags & 0xff;

	return len >= 3 && len <= p->room ? len : 0;
}

/* Mask bits are not shown, but they must be there if the device says so. */
#define MSI_64	     0x0080u
#define MSI_MASKABLE 0x0100u
#define MSI_MASKS    8u

unsigned int vfio_perm_msi_span(uint32_t flags)
{
	unsigned int size = flags & MSI_64 ? PCI_MSI_SIZE_64 : PCI_MSI_SIZE_32;

	/* Rounded up to the dwords that mask and pending bits are. */
	return flags & MSI_MASKABLE ? (size + 3) / 4 * 4 + MSI_MASKS : size;
}

static bool msi_sound(const struct vfio_perm_probe *p)
{
	return (p->flags >> 1 & 7) <= 5 && p->room >= vfio_perm_msi_span(p->flags);
}

unsigned int vfio_perm_msi_size(const struct vfio_perm_probe *p)
{
	return p->flags & MSI_64 && msi_sound(p) ? PCI_MSI_SIZE_64 : 0;
}

unsigned int vfio_perm_msi_size_short(const struct vfio_perm_probe *p)
{
	return msi_sound(p) ? PCI_MSI_SIZE_32 : 0;
}

unsigned int vfio_perm_msix_size(const struct vfio_perm_probe *p)
{
	return fixed(p, PCI_MSIX_SIZE);
}

/* A type-0 header belongs to an endpoint, a legacy endpoint or an endpoint of the root complex. */
static bool is_endpoint(const struct vfio_perm_probe *p)
{
	unsigned int type = p->flags >> 4 & 0xf;

	return type == 0 || type == 1 || type == 9;
}

unsigned int vfio_perm_exp_size_v1(const struct vfio_perm_probe *p)
{
	return is_endpoint(p) && (p->flags & 0xf) == 1 ? fixed(p, PCI_EXP_SIZE_V1) : 0;
}

/* One function is known to call its version 2 a 0, and some end short of the slot registers. */
unsigned int vfio_perm_exp_size_v2(const struct vfio_perm_probe *p)
{
	unsigned int version = p->flags & 0xf;

	if (!is_endpoint(p)) {
		return 0;
	}
	if (version == 0 && p->vendor == 0x8086 && p->device == 0x10ed) {
		return fixed(p, PCI_EXP_SIZE_V2);
	}
	if (version != 2 || p->room < PCI_EXP_MIN_V2) {
		return 0;
	}
	return p->room < PCI_EXP_SIZE_V2 ? p->room : PCI_EXP_SIZE_V2;
}
