// SPDX-License-Identifier: Apache-2.0
/*
 * Config space of an assigned function. Which bits are ours and which the device's is said in const
 * tables and spread over four byte maps once; every access then walks those maps. A BAR of the
 * device is never touched by a guest: its registers are ours, and what it writes there moves our
 * mapping.
 */
#include "core/pci.h"
#include "core/pci_parts.h"

#include "core/range.h"

#include <string.h>

/* PCI Express capability: the register behind id and pointer, and FLR in the device capabilities,
 * which is hidden since the guest cannot start one. */
#define PCI_EXP_FLAGS	   2u
#define PCI_EXP_DEVCAP_TOP 7u
#define PCI_EXP_FLR	   0x10u
#define PCI_EXP_SIZE_V1	   0x14u
#define PCI_EXP_SIZE_V2	   0x3cu
#define PCI_EXP_MIN_V2	   0x34u
#define PCI_PM_SIZE	   8u

/*
 * A field that is not simply the device's. Bits as in the field's value: bit 0 is bit 0 of its
 * first byte. What no rule names is read from the device and not writable (SEED-002.13).
 */
struct pci_rule {
	uint8_t off, len;
	uint32_t virt;	/* ours */
	uint32_t wmask; /* of ours, what a guest changes */
	uint32_t pass;	/* of the device's, what a guest changes */
};

#define ALL32 0xffffffffu

/* BIST is ours and reads 0, "cannot": a guest must not take the device off the bus (CF-15). The BAR
 * registers get their wmask from the BARs. */
static const struct pci_rule header_rules[] = {
	{PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF,
		PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF, PCI_COMMAND_MASTER},
	{PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0, 0},
	{PCI_CACHE_LINE, 1, 0xff, 0xff, 0},
	{PCI_LATENCY, 1, 0xff, 0xff, 0},
	{PCI_HEADER_TYPE, 1, PCI_HEADER_MULTI, 0, 0},
	{PCI_BIST, 1, 0xff, 0, 0},
	{PCI_BAR0 + 0x00, 4, ALL32, 0, 0},
	{PCI_BAR0 + 0x04, 4, ALL32, 0, 0},
	{PCI_BAR0 + 0x08, 4, ALL32, 0, 0},
	{PCI_BAR0 + 0x0c, 4, ALL32, 0, 0},
	{PCI_BAR0 + 0x10, 4, ALL32, 0, 0},
	{PCI_BAR0 + 0x14, 4, ALL32, 0, 0},
	{PCI_ROM_BAR, 4, ALL32, 0, 0},
	{PCI_CAP_PTR, 1, 0xff, 0, 0},
	{PCI_INTERRUPT_LINE, 1, 0xff, 0xff, 0},
};

/* A capability as found in the device's list. */
struct pci_cap {
	uint8_t pos, id;
};

struct pci_cap_list {
	unsigned int n;
	struct pci_cap caps[PCI_CAP_MAX];
};

static uint32_t ones(unsigned int size)
{
	return ALL32 >> (32 - 8 * size);
}

int pci_live_read(struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val)
{
	uint32_t v = 0, vendor = 0;

	if (f->ops->read(f->dev, off, size, &v)) {
		f->gone = true;
		return -EIO;
	}
	*val = v & ones(size);
	if (*val != ones(size)) {
		return 0;
	}
	if (f->ops->read(f->dev, PCI_VENDOR_ID, 2, &vendor) || (vendor & 0xffff) == 0xffff) {
		f->gone = true;
		return -EIO;
	}
	return 0;
}

static void apply_rule(struct pci_func *f, const struct pci_rule *r)
{
	pci_put(f->virt, r->off, r->len, r->virt);
	pci_put(f->wmask, r->off, r->len, r->wmask);
	pci_put(f->pass, r->off, r->len, r->pass);
}

static bool cap_listed(const struct pci_cap_list *l, unsigned int pos)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->caps[i].pos == pos) {
			return true;
		}
	}
	return false;
}

/* The device's own list, in its order. It ends where the device says so, where a pointer leads into
 * the header or back to where we have been, and after as many as there is room for (CF-06). */
static int read_cap_list(struct pci_func *f, struct pci_cap_list *l)
{
	uint32_t v;
	int err;

	l->n = 0;
	err = pci_live_read(f, PCI_STATUS, 2, &v);
	if (err || !(v & PCI_STATUS_CAP_LIST)) {
		return err;
	}
	err = pci_live_read(f, PCI_CAP_PTR, 1, &v);
	while (!err && l->n < PCI_CAP_MAX) {
		uint8_t pos = (uint8_t)(v & 0xfc);

		if (pos < PCI_CAP_FIRST || cap_listed(l, pos)) {
			break;
		}
		err = pci_live_read(f, pos, 2, &v);
		l->caps[l->n++] = (struct pci_cap){.pos = pos, .id = (uint8_t)v};
		v >>= 8;
	}
	return err;
}

/* Bytes from pos to the next capability of the device, shown or not, or to the end. */
static unsigned int cap_room(const struct pci_cap_list *l, unsigned int pos)
{
	unsigned int end = PCI_CAP_LIMIT;

	for (unsigned int i = 0; i < l->n; i++) {
		if (l->caps[i].pos > pos && l->caps[i].pos < end) {
			end = l->caps[i].pos;
		}
	}
	return end - pos;
}

/* How much of a capability the guest sees; 0: none of it. */
static unsigned int pm_size(uint32_t flags, unsigned int room)
{
	(void)flags;
	return room >= PCI_PM_SIZE ? PCI_PM_SIZE : 0;
}

/* Versions 1 and 2 are known; a type-0 header belongs to an endpoint, a legacy endpoint or an
 * endpoint of the root complex (SEED-003.18, SEED-003.19). */
static unsigned int exp_size(uint32_t flags, unsigned int room)
{
	unsigned int version = flags & 0xf, type = flags >> 4 & 0xf;

	if (type != 0 && type != 1 && type != 9) {
		return 0;
	}
	if (version == 1) {
		return room >= PCI_EXP_SIZE_V1 ? PCI_EXP_SIZE_V1 : 0;
	}
	if (version == 2 && room >= PCI_EXP_MIN_V2) {
		return room < PCI_EXP_SIZE_V2 ? room : PCI_EXP_SIZE_V2;
	}
	return 0;
}

/*
 * The capabilities that are shown as they are, all of them read-only. size is given the 16 bits
 * behind id and pointer. hide: bits, counted from the capability's start, that read 0.
 */
static const struct pci_cap_rule {
	uint8_t id;
	unsigned int (*size)(uint32_t flags, unsigned int room);
	uint8_t hide_off, hide_bits;
} cap_rules[] = {
	{PCI_CAP_PM, pm_size, 0, 0},
	{PCI_CAP_EXP, exp_size, PCI_EXP_DEVCAP_TOP, PCI_EXP_FLR},
};

static const struct pci_cap_rule *find_cap_rule(unsigned int id)
{
	for (unsigned int i = 0; i < sizeof(cap_rules) / sizeof(cap_rules[0]); i++) {
		if (cap_rules[i].id == id) {
			return &cap_rules[i];
		}
	}
	return NULL;
}

/* Shows one capability: its bytes become the device's, its next pointer stays ours. *size is 0 if
 * it is not shown after all. */
static int show_cap(
	struct pci_func *f, const struct pci_cap_list *l, unsigned int i, unsigned int *size)
{
	const struct pci_cap *c = &l->caps[i];
	const struct pci_cap_rule *r = find_cap_rule(c->id);
	uint32_t flags;
	int err;

	*size = 0;
	if (c->id == PCI_CAP_MSI || c->id == PCI_CAP_MSIX) {
		return pci_msi_show(f, c->pos, c->id, cap_room(l, c->pos), size);
	}
	if (!r) {
		return 0;
	}
	err = pci_live_read(f, c->pos + PCI_EXP_FLAGS, 2, &flags);
	if (err) {
		return err;
	}
	*size = r->size(flags, cap_room(l, c->pos));
	if (*size) {
		memset(f->virt + c->pos, 0, *size);
		f->virt[c->pos + r->hide_off] = r->hide_bits;
		f->virt[c->pos + 1] = 0xff;
	}
	return 0;
}

/* Everything behind the header is ours and 0, except what show_cap opens. Places and order of what
 * is shown stay the device's (SEED-001.41). */
static int init_caps(struct pci_func *f)
{
	struct pci_cap_list list;
	unsigned int link = PCI_CAP_PTR;
	int err = read_cap_list(f, &list);

	memset(f->virt + PCI_CAP_FIRST, 0xff, PCI_CAP_LIMIT - PCI_CAP_FIRST);
	for (unsigned int i = 0; i < list.n && !err; i++) {
		unsigned int size;

		err = show_cap(f, &list, i, &size);
		if (!err && size) {
			f->image[link] = list.caps[i].pos;
			link = list.caps[i].pos + 1u;
		}
	}
	if (f->image[PCI_CAP_PTR]) {
		f->image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	}
	return err;
}

static int check_header(struct pci_func *f)
{
	uint32_t v;

	if (f->ops->read(f->dev, PCI_VENDOR_ID, 2, &v)) {
		return -EIO;
	}
	if ((v & 0xffff) == 0xffff) {
		return -ENODEV;
	}
	if (pci_live_read(f, PCI_HEADER_TYPE, 1, &v)) {
		return -EIO;
	}
	return v & ~PCI_HEADER_MULTI ? -EINVAL : 0;
}

static int close_device(struct pci_func *f)
{
	uint32_t command;

	if (pci_live_read(f, PCI_COMMAND, 2, &command)) {
		return -EIO;
	}
	command = (command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF;
	return f->ops->write(f->dev, PCI_COMMAND, 2, command) ? -EIO : 0;
}

int pci_func_init(struct pci_func *f, unsigned int devfn, const struct pci_bar bars[PCI_NUM_BARS],
	const struct pci_func_ops *ops, void *dev)
{
	int err;

	memset(f, 0, sizeof(*f));
	atomic_flag_clear(&f->busy);
	f->devfn = devfn;
	f->ops = ops;
	f->dev = dev;
	for (unsigned int i = 0; i < sizeof(header_rules) / sizeof(header_rules[0]); i++) {
		apply_rule(f, &header_rules[i]);
	}
	err = check_header(f);
	if (!err) {
		err = pci_bars_init(f, bars);
	}
	if (!err) {
		err = close_device(f);
	}
	if (!err) {
		err = init_caps(f);
	}
	if (!err) {
		err = pci_msi_close(f);
	}
	return err;
}

/* The device's INTx-disable becomes what the guest's is. */
static void follow_intx(struct pci_func *f)
{
	uint32_t command;

	if (!f->intx || pci_live_read(f, PCI_COMMAND, 2, &command)) {
		return;
	}
	command &= ~PCI_COMMAND_INTX_OFF;
	command |= pci_get(f->image, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF;
	(void)f->ops->write(f->dev, PCI_COMMAND, 2, command);
}

void pci_func_route_intx(struct pci_func *f)
{
	f->intx = true;
	follow_intx(f);
}

bool pci_func_claim(struct pci_func *f)
{
	return !atomic_flag_test_and_set_explicit(&f->busy, memory_order_acquire);
}

void pci_func_yield(struct pci_func *f)
{
	atomic_flag_clear_explicit(&f->busy, memory_order_release);
}

void pci_func_set_multi(struct pci_func *f, bool multi)
{
	f->image[PCI_HEADER_TYPE] = multi ? PCI_HEADER_MULTI : 0;
}

static int check_access(unsigned int off, unsigned int size)
{
	if (size != 1 && size != 2 && size != 4) {
		return -EINVAL;
	}
	return off % size || off >= PCI_CONFIG_SIZE ? -EINVAL : 0;
}

static uint32_t read_func(struct pci_func *f, unsigned int off, unsigned int size)
{
	uint32_t virt = pci_get(f->virt, off, size);
	uint32_t image = pci_get(f->image, off, size);
	uint32_t live = 0;

	if (f->gone) {
		return ones(size);
	}
	if (virt != ones(size) && pci_live_read(f, off, size, &live)) {
		return ones(size);
	}
	return (image & virt) | (live & ~virt);
}

int pci_config_read(struct pci_func *f, unsigned int off, unsigned int size, uint32_t *val)
{
	int err = check_access(off, size);

	if (err) {
		return err;
	}
	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	*val = read_func(f, off, size);
	pci_func_yield(f);
	return 0;
}

/* Byte by byte and read first, so that neighbours keep what they are: STATUS beside COMMAND has
 * bits that a written 1 clears. A failed write changes nothing for the guest (SEED-001.50); if the
 * device is gone the next read finds out. */
static void write_device(struct pci_func *f, unsigned int off, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++) {
		uint32_t pass = f->pass[off + i], old;

		if (!pass) {
			continue;
		}
		if (pci_live_read(f, off + i, 1, &old)) {
			return;
		}
		(void)f->ops->write(
			f->dev, off + i, 1, (old & ~pass) | (val >> (8 * i) & pass & 0xff));
	}
}

static void write_image(struct pci_func *f, unsigned int off, unsigned int size, uint32_t val)
{
	uint32_t mask = pci_get(f->wmask, off, size);

	pci_put(f->image, off, size, (pci_get(f->image, off, size) & ~mask) | (val & mask));
}

int pci_config_write(struct pci_func *f, unsigned int off, unsigned int size, uint32_t val)
{
	int err = check_access(off, size);

	if (err) {
		return err;
	}
	if (!pci_func_claim(f)) {
		return -EBUSY;
	}
	if (!f->gone) {
		write_device(f, off, size, val);
	}
	if (!f->gone) {
		write_image(f, off, size, val);
		if (range_overlaps(off, size, PCI_COMMAND, 2)) {
			follow_intx(f);
		}
		if (range_overlaps(off, size, PCI_COMMAND, 2) ||
			range_overlaps(off, size, PCI_BAR0, 4 * PCI_NUM_BARS)) {
			pci_bars_update(f);
		}
		pci_msi_follow(f, off, size);
	}
	pci_func_yield(f);
	return 0;
}

void pci_func_quiesce(struct pci_func *f)
{
	/* A device that does not say what its COMMAND is gets one with everything off. */
	if (close_device(f)) {
		(void)f->ops->write(f->dev, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	}
	f->image[PCI_COMMAND] &= (uint8_t)~PCI_COMMAND_MEMORY;
	pci_bars_update(f);
}
