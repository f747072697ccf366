// SPDX-License-Identifier: Apache-2.0
/*
 * What a guest may read and write in the config space of an assigned function, as data: a table a
 * capability, shared by all devices (SEED-002.2), and lists of those tables that make a policy
 * (core/pci_policy.h). What no field names is the device's, read live and not writable
 * (SEED-002.13); what no table names is not there.
 *
 * docs/CONFIG-SPACE.md is made from these tables by tools/config-space.c.
 *
 * Below them, the walk through a device's own lists of capabilities, which believes nothing.
 */
#ifndef CORE_VFIO_PERM_H
#define CORE_VFIO_PERM_H

#include "core/err.h"
#include "core/pci_regs.h"

#include <stdbool.h>
#include <stdint.h>

/* What a write to a field does besides changing bits. */
enum vfio_perm_act {
	VFIO_PERM_NONE,
	VFIO_PERM_COMMAND, /* mappings and INTx follow */
	VFIO_PERM_BAR,	   /* the bits below the BAR's size are not writable; mappings follow */
	VFIO_PERM_MSI,	   /* the device's enable follows, as far as messages are granted */
	VFIO_PERM_FLR,	   /* a 1 in act_bits starts a function reset */
	VFIO_PERM_POWER,   /* act_bits are the power state asked for */
};

/*
 * A register. Bits as in its value: bit 0 is bit 0 of its first byte (SEED-002.15). len is 1, 2 or
 * 4; 0: everything from off to the end of the capability, and the masks are those of each byte.
 */
struct vfio_perm_field {
	uint16_t off;
	uint8_t len;
	uint8_t act;
	const char *name;
	uint32_t virt;	/* ours; the other bits are the device's, read live */
	uint32_t write; /* what a guest changes: of ours in the copy, of the device's in the device
			 */
	uint32_t w1c;	/* of the device's: a written 1 clears; never written back by accident */
	uint32_t keep;	/* of ours: starts as the device has it when it is assigned */
	uint32_t set;	/* of ours: starts as 1; the rest of ours starts as 0 */
	uint32_t act_bits;
};

/* What decides whether a capability is sound, and how long it is. */
struct vfio_perm_probe {
	uint32_t flags;	   /* the 16 bits behind id and pointer; extended: the second dword */
	unsigned int room; /* bytes to the next capability of the device, or to the end */
	uint16_t vendor, device;
};

/* A capability that is shown. Several rows may have one id: the first whose size is not 0 holds. */
struct vfio_perm {
	uint16_t id;
	const char *name;
	unsigned int (*size)(const struct vfio_perm_probe *p); /* bytes shown; 0: not by this row */
	const struct vfio_perm_field *fields;
	unsigned int nfields;
};

/* The tables that the policies are made of. */
extern const struct vfio_perm vfio_perm_header;
#define VFIO_PERM_NUM_STD 10u
#define VFIO_PERM_NUM_EXT 4u
extern const struct vfio_perm vfio_perm_std[VFIO_PERM_NUM_STD];
extern const struct vfio_perm vfio_perm_ext[VFIO_PERM_NUM_EXT];

/* Sizes, for tables elsewhere. PCI Express: versions 1 and 2 of an endpoint, legacy endpoint or
 * endpoint of the root complex (SEED-003.18, 003.19). */
unsigned int vfio_perm_pm_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_vpd_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_pcix_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_vendor_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_msi_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_msi_size_short(const struct vfio_perm_probe *p);
unsigned int vfio_perm_msix_size(const struct vfio_perm_probe *p);
unsigned int vfio_perm_exp_size_v1(const struct vfio_perm_probe *p);
unsigned int vfio_perm_exp_size_v2(const struct vfio_perm_probe *p);

/* Bytes that an MSI capability with these flags has, shown or not. */
unsigned int vfio_perm_msi_span(uint32_t flags);

/* The masks of size bytes (up to 4) at off, counted from the start of a capability of len bytes. */
struct vfio_perm_masks {
	uint32_t virt, write, w1c;
};
void vfio_perm_get(const struct vfio_perm *p, unsigned int len, unsigned int off, unsigned int size,
	struct vfio_perm_masks *out);

/* --- the device's own lists --- */

struct vfio_cap {
	uint16_t pos, id;
	uint16_t room;	 /* bytes to the next one of the list, whichever that is, or to the end */
	uint8_t version; /* of an extended one */
	bool covered;	 /* it starts where the registers of another one are (SEED-003.28) */
};

struct vfio_cap_list {
	unsigned int n;
	bool cut; /* it goes on where the walk does not */
	struct vfio_cap caps[PCI_EXT_MAX];
};

_Static_assert(PCI_EXT_MAX >= PCI_CAP_MAX, "one list for both");

/* Config cycles for the walk: 0, or an error, which ends it. */
typedef int (*vfio_cap_read)(void *arg, unsigned int off, unsigned int size, uint32_t *val);

/* The capabilities in the device's order. The walk ends where the device says so, where a pointer
 * leads into the header or back to where it has been, and after PCI_CAP_MAX (CF-06). Error: read's.
 */
int vfio_walk_caps(vfio_cap_read read, void *arg, struct vfio_cap_list *l) must_check;

/* The same of the extended ones: also where a pointer does not lead upwards or is not aligned, and
 * after PCI_EXT_MAX (CF-07); what is behind such a cut may lie anywhere. A list that starts with
 * all ones or with 0 is empty. */
int vfio_walk_ext_caps(vfio_cap_read read, void *arg, struct vfio_cap_list *l) must_check;

/* The first of this id; NULL: none. */
const struct vfio_cap *vfio_find_cap(const struct vfio_cap_list *l, unsigned int id);

#endif
