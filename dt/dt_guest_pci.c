// SPDX-License-Identifier: Apache-2.0
/* Host bridges and functions in the guest's tree: the PCI bus binding as PAPR has it. */
#include "dt/dt_guest_writer.h"

#include "dt/dt_util.h"

#include <libfdt.h>
#include <string.h>

#define XICS_LEVEL 1u

#define PCI_SPACE_MEM32	   0x02000000u
#define PCI_SPACE_MEM64	   0x03000000u
#define PCI_PREFETCH	   0x40000000u
#define PCI_NON_RELOCATE   0x80000000u
#define PCI_BAR0	   0x10u
#define PCI_NUM_BARS	   6u
#define PCI_ROM_BAR	   0x30u
#define PCI_BUS_MMIO32	   0x80000000u
#define PCI_REG_CELLS	   5u
#define PCI_SLOT(devfn)	   ((devfn) >> 3)
#define PCI_FN(devfn)	   ((devfn)&7u)
#define PCI_CONFIG(devfn)  ((uint32_t)(devfn) << 8)
#define PCI_INTERRUPT_PINS 4u

/* Functions */

/* The PCI bus binding's names for classes, most telling first: a class matches if the bits of the
 * mask agree. */
static const struct {
	uint32_t class_code, mask;
	const char *name;
} class_names[] = {
	{0x000100, 0xffff00, "display"},
	{0x010000, 0xffff00, "scsi"},
	{0x010100, 0xffff00, "ide"},
	{0x010400, 0xffff00, "raid"},
	{0x010500, 0xffff00, "ata"},
	{0x010600, 0xffff00, "sata"},
	{0x010700, 0xffff00, "sas"},
	{0x010000, 0xff0000, "mass-storage"},
	{0x020000, 0xffff00, "ethernet"},
	{0x020700, 0xffff00, "infiniband"},
	{0x020000, 0xff0000, "network"},
	{0x030000, 0xff0000, "display"},
	{0x040000, 0xffff00, "video"},
	{0x040100, 0xffff00, "sound"},
	{0x040000, 0xff0000, "multimedia-device"},
	{0x050100, 0xffff00, "flash"},
	{0x050000, 0xff0000, "memory"},
	{0x070000, 0xffff00, "serial"},
	{0x070000, 0xff0000, "communication-controller"},
	{0x0c0300, 0xffff00, "usb"},
	{0x0c0400, 0xffff00, "fibre-channel"},
	{0x0c0600, 0xffff00, "infiniband"},
	{0x0d0000, 0xff0000, "wireless-controller"},
	{0x100000, 0xff0000, "encryption"},
	{0x120000, 0xff0000, "accelerator"},
};

/* A class without a name of its own gives pciVVVV,DDDD, as the binding has it. */
static void add_func_name(struct dt_text *t, const struct dt_guest_func *f)
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++) {
		if ((f->class_code & class_names[i].mask) == class_names[i].class_code) {
			dt_text_add(t, class_names[i].name);
			return;
		}
	}
	dt_text_add(t, "pci");
	dt_text_add_number(t, f->vendor, 16);
	dt_text_add(t, ",");
	dt_text_add_number(t, f->device, 16);
}

static void add_func_node(struct dt_text *t, const struct dt_guest_func *f)
{
	add_func_name(t, f);
	dt_text_add(t, "@");
	dt_text_add_number(t, PCI_SLOT(f->devfn), 16);
	if (PCI_FN(f->devfn)) {
		dt_text_add(t, ",");
		dt_text_add_number(t, PCI_FN(f->devfn), 16);
	}
}

static void begin_func(struct dt_writer *w, const struct dt_guest_func *f)
{
	char name[DT_NODE_NAME_MAX];
	struct dt_text t;

	dt_text_init(&t, name, sizeof(name));
	add_func_node(&t, f);
	dt_begin(w, name);
}

/* The entries of one BAR, whose register is at off: its size in reg, and its place in assigned. */
static void add_bar(const struct dt_guest_func *f, const struct dt_guest_bar *bar, uint32_t off,
	uint32_t *reg, uint32_t *assigned)
{
	reg[0] = PCI_CONFIG(f->devfn) | off | (bar->is64 ? PCI_SPACE_MEM64 : PCI_SPACE_MEM32) |
		 (bar->prefetch ? PCI_PREFETCH : 0);
	assigned[0] = reg[0] | PCI_NON_RELOCATE;
	assigned[1] = dt_hi32(bar->value);
	assigned[2] = dt_lo32(bar->value);
	reg[3] = assigned[3] = dt_hi32(bar->size);
	reg[4] = assigned[4] = dt_lo32(bar->size);
}

/* reg: config space, then the size of each BAR, the option ROM's last. assigned-addresses: where
 * each is. */
static void put_bars(struct dt_writer *w, const struct dt_guest_func *f)
{
	uint32_t reg[(2 + PCI_NUM_BARS) * PCI_REG_CELLS] = {PCI_CONFIG(f->devfn)};
	uint32_t assigned[(1 + PCI_NUM_BARS) * PCI_REG_CELLS] = {0};
	unsigned int n = 0;

	for (unsigned int i = 0; i <= PCI_NUM_BARS; i++) {
		const struct dt_guest_bar *bar = i < PCI_NUM_BARS ? &f->bars[i] : &f->rom;

		if (bar->size) {
			add_bar(f, bar, i < PCI_NUM_BARS ? PCI_BAR0 + 4 * i : PCI_ROM_BAR,
				&reg[(1 + n) * PCI_REG_CELLS], &assigned[n * PCI_REG_CELLS]);
			n++;
		}
	}
	dt_put_cells(w, "reg", reg, (1 + n) * PCI_REG_CELLS);
	if (n) {
		dt_put_cells(w, "assigned-addresses", assigned, n * PCI_REG_CELLS);
	}
}

/* The pin is the device's word: one that no device can have is none, and so is one that leads
 * nowhere. */
static bool has_pin(const struct dt_guest_func *f)
{
	return f->int_pin && f->int_pin <= PCI_INTERRUPT_PINS && f->intx;
}

/* Without ibm,pci-config-space-type a guest takes config space to have 256 bytes. */
static void put_func(struct dt_writer *w, const struct dt_guest_func *f)
{
	begin_func(w, f);
	dt_put_u32(w, "vendor-id", f->vendor);
	dt_put_u32(w, "device-id", f->device);
	dt_put_u32(w, "revision-id", f->revision);
	dt_put_u32(w, "class-code", f->class_code);
	if (f->subsys_vendor) {
		dt_put_u32(w, "subsystem-vendor-id", f->subsys_vendor);
		dt_put_u32(w, "subsystem-id", f->subsys);
	}
	if (has_pin(f)) {
		dt_put_u32(w, "interrupts", f->int_pin);
	}
	/* Linux asks for no more than these say, and for none of a kind that is not named. */
	if (f->req_msi) {
		dt_put_u32(w, "ibm,req#msi", f->req_msi);
	}
	if (f->req_msix) {
		dt_put_u32(w, "ibm,req#msi-x", f->req_msix);
	}
	if (f->express) {
		dt_put_u32(w, "ibm,pci-config-space-type", 1);
	}
	put_bars(w, f);
	dt_end(w);
}

/* Host bridges */

/* A function's pin is a line of the host's, whichever slot the guest sees it in: the map has an
 * entry for each function, and its mask leaves all of slot and function number. */
static void put_interrupt_map(struct dt_writer *w, const struct dt_guest_phb *phb)
{
	uint32_t map[DT_GUEST_MAX_FUNCS * 7];
	uint32_t n = 0;

	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct dt_guest_func *f = &phb->funcs[i];
		uint32_t *entry = map + n;

		if (!has_pin(f)) {
			continue;
		}
		entry[0] = PCI_CONFIG(f->devfn);
		entry[1] = 0;
		entry[2] = 0;
		entry[3] = f->int_pin;
		entry[4] = DT_XICS_PHANDLE;
		entry[5] = f->intx;
		entry[6] = XICS_LEVEL;
		n += 7;
	}
	/* A bridge without a pin below it is nobody's way to a source. */
	if (n) {
		dt_put_u32(w, "#interrupt-cells", 1);
		dt_put_cells(w, "interrupt-map-mask", (uint32_t[]){PCI_CONFIG(0xff), 0, 0, 7}, 4);
		dt_put_cells(w, "interrupt-map", map, n);
	}
}

/* Two extensions: windows can be reset, and query answers the largest block in two cells if it is
 * asked with six results. */
static void put_ddw(struct dt_writer *w, const struct dt_guest_ddw *ddw)
{
	const uint32_t applicable[] = {ddw->query, ddw->create, ddw->remove};
	const uint32_t extensions[] = {2, ddw->reset, 1};

	if (ddw->offered) {
		dt_put_cells(w, "ibm,ddw-applicable", applicable, 3);
		dt_put_cells(w, "ibm,ddw-extensions", extensions, 3);
	}
}

static void put_windows(struct dt_writer *w, const struct dt_guest_phb *phb)
{
	/* No I/O space and no 64-bit window: the host's bridge has none for us. */
	const uint32_t ranges[] = {PCI_SPACE_MEM32, 0, PCI_BUS_MMIO32, dt_hi32(phb->mmio32),
		dt_lo32(phb->mmio32), dt_hi32(phb->mmio32_size), dt_lo32(phb->mmio32_size)};
	const uint32_t window[] = {phb->liobn, dt_hi32(phb->window_base), dt_lo32(phb->window_base),
		dt_hi32(phb->window_size), dt_lo32(phb->window_size)};

	dt_put_cells(w, "ranges", ranges, sizeof(ranges) / sizeof(ranges[0]));
	dt_put_u32(w, "ibm,#dma-address-cells", 2);
	dt_put_u32(w, "ibm,#dma-size-cells", 2);
	dt_put_cells(w, "ibm,dma-window", window, sizeof(window) / sizeof(window[0]));
	put_ddw(w, &phb->ddw);
	/* A window of which nothing is said has pages of 4 KiB. */
	if (phb->window_shift > 12) {
		dt_put_cells(w, "tcelot,dma-window-page-shift", &phb->window_shift, 1);
	}
	if (phb->bypass_size) {
		dt_put_u64_pair(w, "tcelot,bypass-window", phb->bypass_base, phb->bypass_size);
	}
}

void dt_put_phb(struct dt_writer *w, const struct dt_guest_phb *phb)
{
	dt_begin_at(w, "pci", phb->buid);
	dt_put_string(w, "device_type", "pci");
	dt_put_string(w, "compatible", "IBM,Logical_PHB");
	dt_put_cell_counts(w, 3, 2);
	dt_put_flag(w, "used-by-rtas");
	dt_put_cells(w, "bus-range", (uint32_t[]){0, 0xff}, 2);
	dt_put_u64_pair(w, "reg", phb->buid, 0);
	/* Also when there are none, and 0 says so. Left out, Linux makes no MSI domain for the
	 * bridge and its first driver that asks for MSIs dereferences NULL. */
	dt_put_u32(w, "ibm,pe-total-#msi", phb->total_msi);
	put_windows(w, phb);
	put_interrupt_map(w, phb);
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		put_func(w, &phb->funcs[i]);
	}
	dt_end(w);
}

/* What to start from */

struct boot {
	const struct dt_guest_phb *phb;
	const struct dt_guest_func *func; /* NULL: before the first */
};

static bool goes_before(const struct dt_guest_func *a, const struct dt_guest_func *b)
{
	return a->bootindex != b->bootindex ? a->bootindex < b->bootindex : a < b;
}

/* Moves on to the next function that is to be tried; false: there is none. */
static bool next_boot(const struct dt_guest *g, struct boot *at)
{
	struct boot next = {NULL, NULL};

	for (unsigned int i = 0; i < g->nphbs; i++) {
		for (unsigned int k = 0; k < g->phbs[i].nfuncs; k++) {
			const struct dt_guest_func *f = &g->phbs[i].funcs[k];

			if (f->boots && (!at->func || goes_before(at->func, f)) &&
				(!next.func || goes_before(f, next.func))) {
				next = (struct boot){&g->phbs[i], f};
			}
		}
	}
	*at = next;
	return next.func;
}

/* Paths apart by spaces, and a NUL; out NULL: only how many bytes that takes. */
static size_t write_boot_list(const struct dt_guest *g, char *out)
{
	char path[2 * DT_NODE_NAME_MAX];
	struct boot at = {NULL, NULL};
	size_t len = 0;

	while (next_boot(g, &at)) {
		struct dt_text t;

		dt_text_init(&t, path, sizeof(path));
		dt_text_add(&t, len ? " /pci@" : "/pci@");
		dt_text_add_number(&t, at.phb->buid, 16);
		dt_text_add(&t, "/");
		add_func_node(&t, at.func);
		if (out) {
			memcpy(out + len, path, t.used + 1);
		}
		len += t.used;
	}
	return len ? len + 1 : 0;
}

void dt_put_boot_list(struct dt_writer *w, const struct dt_guest *g)
{
	size_t len = write_boot_list(g, NULL);
	void *at = NULL;

	if (!w->err && len) {
		w->err = fdt_property_placeholder(w->fdt, "qemu,boot-list", (int)len, &at);
	}
	if (!w->err && len) {
		(void)write_boot_list(g, at);
	}
}
