// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's tree, written from front to back. It says what a pseries guest must know and what is
 * true here: a property of a service that does not exist is left out, unless Linux falls over
 * without it, and then the comment beside it says so.
 */
#include "dt/dt_guest.h"

#include "core/range.h"
#include "dt/dt_util.h"

#include <libfdt.h>
#include <limits.h>
#include <string.h>

#define NAME_MAX_LEN 48u

/* QEMU's handle of the interrupt controller, which people know from dumps. */
#define XICS_PHANDLE 0x1111u
#define XICS_LEVEL   1u

/* RTAS runs in 32-bit mode. */
#define RTAS_LIMIT (UINT64_C(1) << 32)

#define PCI_SPACE_MEM32	   0x02000000u
#define PCI_SPACE_MEM64	   0x03000000u
#define PCI_PREFETCH	   0x40000000u
#define PCI_NON_RELOCATE   0x80000000u
#define PCI_BAR0	   0x10u
#define PCI_NUM_BARS	   6u
#define PCI_BUS_MMIO32	   0x80000000u
#define PCI_REG_CELLS	   5u
#define PCI_SLOT(devfn)	   ((devfn) >> 3)
#define PCI_FN(devfn)	   ((devfn)&7u)
#define PCI_CONFIG(devfn)  ((uint32_t)(devfn) << 8)
#define PCI_INTERRUPT_PINS 4u

/* Writes go through this and stop having an effect after the first that fails. */
struct writer {
	void *fdt;
	int err;
};

static void begin(struct writer *w, const char *name)
{
	if (!w->err) {
		w->err = fdt_begin_node(w->fdt, name);
	}
}

static void end(struct writer *w)
{
	if (!w->err) {
		w->err = fdt_end_node(w->fdt);
	}
}

static void put_bytes(struct writer *w, const char *name, const void *data, size_t len)
{
	if (!w->err) {
		w->err = fdt_property(w->fdt, name, data, (int)len);
	}
}

static void put_flag(struct writer *w, const char *name)
{
	put_bytes(w, name, "", 0);
}

static void put_string(struct writer *w, const char *name, const char *str)
{
	put_bytes(w, name, str, strlen(str) + 1);
}

static void put_cells(struct writer *w, const char *name, const uint32_t *cells, unsigned int n)
{
	void *at = NULL;

	if (!w->err) {
		w->err = fdt_property_placeholder(w->fdt, name, (int)(n * sizeof(*cells)), &at);
	}
	for (unsigned int i = 0; !w->err && i < n; i++) {
		fdt32_st((uint8_t *)at + i * sizeof(*cells), cells[i]);
	}
}

static void put_u32(struct writer *w, const char *name, uint32_t v)
{
	put_cells(w, name, &v, 1);
}

static uint32_t hi32(uint64_t v)
{
	return (uint32_t)(v >> 32);
}

static uint32_t lo32(uint64_t v)
{
	return (uint32_t)v;
}

static void put_u64(struct writer *w, const char *name, uint64_t v)
{
	put_cells(w, name, (uint32_t[]){hi32(v), lo32(v)}, 2);
}

static void put_u64_pair(struct writer *w, const char *name, uint64_t a, uint64_t b)
{
	put_cells(w, name, (uint32_t[]){hi32(a), lo32(a), hi32(b), lo32(b)}, 4);
}

static void put_cell_counts(struct writer *w, uint32_t addr_cells, uint32_t size_cells)
{
	put_u32(w, "#address-cells", addr_cells);
	put_u32(w, "#size-cells", size_cells);
}

static void begin_at(struct writer *w, const char *prefix, uint64_t unit)
{
	char name[NAME_MAX_LEN];
	struct dt_text t;

	dt_text_init(&t, name, sizeof(name));
	dt_text_add(&t, prefix);
	dt_text_add(&t, "@");
	dt_text_add_number(&t, unit, 16);
	begin(w, name);
}

/* The machine but for its bridges */

static void put_chosen(struct writer *w, const struct dt_guest *g)
{
	/* Byte 0 counts what follows. 1, 2: a logical partition. 0x17 = 00: interrupts by XICS
	 * calls. 0x18 = 40: radix only. 0x1a = 40: the guest invalidates its own translations; a
	 * kernel reads that byte without asking whether it is there. */
	static const uint8_t vec5[27] = {
		[0] = 0x1a, [1] = 0x80, [2] = 0x80, [0x18] = 0x40, [0x1a] = 0x40};
	char path[NAME_MAX_LEN];
	struct dt_text t;

	dt_text_init(&t, path, sizeof(path));
	dt_text_add(&t, "/vdevice/vty@");
	dt_text_add_number(&t, g->vty, 16);

	begin(w, "chosen");
	if (g->bootargs) {
		put_string(w, "bootargs", g->bootargs);
	}
	put_string(w, "stdout-path", path);
	if (g->initrd_size) {
		put_u64(w, "linux,initrd-start", g->initrd);
		put_u64(w, "linux,initrd-end", g->initrd + g->initrd_size);
	}
	/* BARs are placed and assigned-addresses tells, but the guest may move them. Absent, Linux
	 * before 6.12 takes it for 1 and then refuses to enable devices. */
	put_u32(w, "linux,pci-probe-only", 0);
	put_bytes(w, "ibm,architecture-vec-5", vec5, sizeof(vec5));
	end(w);
}

static void put_memory(struct writer *w, const struct dt_guest *g)
{
	begin(w, "memory@0");
	put_string(w, "device_type", "memory");
	put_u64_pair(w, "reg", 0, g->memory);
	end(w);
}

static const char *cpu_name(uint32_t pvr)
{
	static const struct {
		uint32_t version;
		const char *name;
	} names[] = {
		{0x004e, "PowerPC,POWER9"},
		{0x0080, "PowerPC,POWER10"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].version == pvr >> 16) {
			return names[i].name;
		}
	}
	return "PowerPC,POWER";
}

/* One thread a CPU: a guest that saw several would send doorbells between them. No ibm,dec-bits:
 * its decrementer is the 32-bit one. */
static void put_cpus(struct writer *w, const struct dt_guest *g)
{
	begin(w, "cpus");
	put_cell_counts(w, 1, 0);
	for (uint32_t i = 0; i < g->ncpus && !w->err; i++) {
		begin_at(w, cpu_name(g->pvr), i);
		put_string(w, "device_type", "cpu");
		put_u32(w, "reg", i);
		put_string(w, "status", "okay");
		put_u32(w, "ibm,ppc-interrupt-server#s", i);
		put_u32(w, "cpu-version", g->pvr);
		put_u32(w, "timebase-frequency", g->timebase_hz);
		put_u32(w, "ibm,vmx", 2); /* VMX and VSX */
		if (g->nap) {
			put_cells(w, "ibm,processor-radix-AP-encodings", g->ap, g->nap);
		}
		end(w);
	}
	end(w);
}

static void put_rtas(struct writer *w, const struct dt_guest *g)
{
	/* That the list is there tells Linux that it is a guest; what is in it must be answered. */
	static const char hypertas[] = "hcall-term\0hcall-tce\0hcall-multi-tce";

	begin(w, "rtas");
	put_bytes(w, "ibm,hypertas-functions", hypertas, sizeof(hypertas));
	put_u32(w, "linux,rtas-base", lo32(g->rtas));
	put_u32(w, "linux,rtas-entry", lo32(g->rtas));
	put_u32(w, "rtas-size", lo32(g->rtas_size));
	for (unsigned int i = 0; i < g->nservices; i++) {
		put_u32(w, g->services[i].name, g->services[i].token);
	}
	end(w);
}

static void put_interrupt_controller(struct writer *w, const struct dt_guest *g)
{
	begin(w, "interrupt-controller");
	put_string(w, "device_type", "PowerPC-External-Interrupt-Presentation");
	put_string(w, "compatible", "IBM,ppc-xicp");
	put_flag(w, "interrupt-controller");
	put_u32(w, "#interrupt-cells", 2);
	put_u32(w, "#address-cells", 0);
	put_cells(w, "ibm,interrupt-server-ranges", (uint32_t[]){0, g->ncpus}, 2);
	put_u32(w, "phandle", XICS_PHANDLE);
	end(w);
}

static void put_vdevice(struct writer *w, const struct dt_guest *g)
{
	begin(w, "vdevice");
	put_string(w, "device_type", "vdevice");
	put_string(w, "compatible", "IBM,vdevice");
	put_cell_counts(w, 1, 0);
	begin_at(w, "vty", g->vty);
	put_string(w, "device_type", "serial");
	put_string(w, "compatible", "hvterm1");
	put_u32(w, "reg", g->vty);
	end(w);
	end(w);
}

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

static void begin_func(struct writer *w, const struct dt_guest_func *f)
{
	char name[NAME_MAX_LEN];
	struct dt_text t;

	dt_text_init(&t, name, sizeof(name));
	add_func_name(&t, f);
	dt_text_add(&t, "@");
	dt_text_add_number(&t, PCI_SLOT(f->devfn), 16);
	if (PCI_FN(f->devfn)) {
		dt_text_add(&t, ",");
		dt_text_add_number(&t, PCI_FN(f->devfn), 16);
	}
	begin(w, name);
}

/* The first cell of a BAR's entry. */
static uint32_t bar_phys_hi(const struct dt_guest_func *f, unsigned int i)
{
	const struct dt_guest_bar *bar = &f->bars[i];

	return PCI_CONFIG(f->devfn) | (PCI_BAR0 + 4 * i) |
	       (bar->is64 ? PCI_SPACE_MEM64 : PCI_SPACE_MEM32) | (bar->prefetch ? PCI_PREFETCH : 0);
}

/* reg: config space, then the size of each BAR. assigned-addresses: where each BAR is. */
static void put_bars(struct writer *w, const struct dt_guest_func *f)
{
	uint32_t reg[(1 + PCI_NUM_BARS) * PCI_REG_CELLS] = {PCI_CONFIG(f->devfn)};
	uint32_t assigned[PCI_NUM_BARS * PCI_REG_CELLS] = {0};
	unsigned int n = 0;

	for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
		const struct dt_guest_bar *bar = &f->bars[i];
		uint32_t *r = &reg[(1 + n) * PCI_REG_CELLS];
		uint32_t *a = &assigned[n * PCI_REG_CELLS];

		if (!bar->size) {
			continue;
		}
		r[0] = bar_phys_hi(f, i);
		a[0] = r[0] | PCI_NON_RELOCATE;
		a[1] = hi32(bar->value);
		a[2] = lo32(bar->value);
		r[3] = a[3] = hi32(bar->size);
		r[4] = a[4] = lo32(bar->size);
		n++;
	}
	put_cells(w, "reg", reg, (1 + n) * PCI_REG_CELLS);
	if (n) {
		put_cells(w, "assigned-addresses", assigned, n * PCI_REG_CELLS);
	}
}

/* No ibm,req#msi: there are no MSI services. No ibm,pci-config-space-type: config space is the 256
 * bytes that its absence means. */
static void put_func(struct writer *w, const struct dt_guest_func *f)
{
	begin_func(w, f);
	put_u32(w, "vendor-id", f->vendor);
	put_u32(w, "device-id", f->device);
	put_u32(w, "revision-id", f->revision);
	put_u32(w, "class-code", f->class_code);
	if (f->subsys_vendor) {
		put_u32(w, "subsystem-vendor-id", f->subsys_vendor);
		put_u32(w, "subsystem-id", f->subsys);
	}
	/* The pin is the device's word: one that no device can have is none. */
	if (f->int_pin && f->int_pin <= PCI_INTERRUPT_PINS) {
		put_u32(w, "interrupts", f->int_pin);
	}
	put_bars(w, f);
	end(w);
}

/* Host bridges */

/* Pins of neighbouring slots are turned by one, so four slots say it all and the mask leaves only
 * the slot number's low two bits. */
static void put_interrupt_map(struct writer *w, const struct dt_guest_phb *phb)
{
	uint32_t map[4 * PCI_INTERRUPT_PINS * 7];
	uint32_t *entry = map;

	for (uint32_t slot = 0; slot < 4; slot++) {
		for (uint32_t pin = 1; pin <= PCI_INTERRUPT_PINS; pin++) {
			entry[0] = PCI_CONFIG(slot << 3);
			entry[1] = 0;
			entry[2] = 0;
			entry[3] = pin;
			entry[4] = XICS_PHANDLE;
			entry[5] = phb->lsi + (slot + pin - 1) % PCI_INTERRUPT_PINS;
			entry[6] = XICS_LEVEL;
			entry += 7;
		}
	}
	put_cells(w, "interrupt-map-mask", (uint32_t[]){PCI_CONFIG(3u << 3), 0, 0, 7}, 4);
	put_cells(w, "interrupt-map", map, sizeof(map) / sizeof(map[0]));
}

static void put_windows(struct writer *w, const struct dt_guest_phb *phb)
{
	/* No I/O space and no 64-bit window: the host's bridge has none for us. */
	const uint32_t ranges[] = {PCI_SPACE_MEM32, 0, PCI_BUS_MMIO32, hi32(phb->mmio32),
		lo32(phb->mmio32), hi32(phb->mmio32_size), lo32(phb->mmio32_size)};
	const uint32_t window[] = {phb->liobn, hi32(phb->window_base), lo32(phb->window_base),
		hi32(phb->window_size), lo32(phb->window_size)};

	put_cells(w, "ranges", ranges, sizeof(ranges) / sizeof(ranges[0]));
	put_u32(w, "ibm,#dma-address-cells", 2);
	put_u32(w, "ibm,#dma-size-cells", 2);
	put_cells(w, "ibm,dma-window", window, sizeof(window) / sizeof(window[0]));
	if (phb->bypass_size) {
		put_u64_pair(w, "tcelot,bypass-window", phb->bypass_base, phb->bypass_size);
	}
}

static void put_phb(struct writer *w, const struct dt_guest_phb *phb)
{
	begin_at(w, "pci", phb->buid);
	put_string(w, "device_type", "pci");
	put_string(w, "compatible", "IBM,Logical_PHB");
	put_cell_counts(w, 3, 2);
	put_u32(w, "#interrupt-cells", 1);
	put_flag(w, "used-by-rtas");
	put_cells(w, "bus-range", (uint32_t[]){0, 0xff}, 2);
	put_u64_pair(w, "reg", phb->buid, 0);
	/* There are no MSIs, and 0 says so. Left out, Linux makes no MSI domain for the bridge and
	 * its first driver that asks for MSIs dereferences NULL. */
	put_u32(w, "ibm,pe-total-#msi", 0);
	put_windows(w, phb);
	put_interrupt_map(w, phb);
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		put_func(w, &phb->funcs[i]);
	}
	end(w);
}

/* The description itself */

static bool phb_is_good(const struct dt_guest_phb *phb)
{
	if (phb->nfuncs > DT_GUEST_MAX_FUNCS) {
		return false;
	}
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		if (phb->funcs[i].devfn > 0xff) {
			return false;
		}
		for (unsigned int k = 0; k < i; k++) {
			if (phb->funcs[k].devfn == phb->funcs[i].devfn) {
				return false;
			}
		}
	}
	return true;
}

static bool phbs_are_good(const struct dt_guest *g)
{
	if (g->nphbs > DT_GUEST_MAX_PHBS) {
		return false;
	}
	for (unsigned int i = 0; i < g->nphbs; i++) {
		if (!phb_is_good(&g->phbs[i])) {
			return false;
		}
		for (unsigned int k = 0; k < i; k++) {
			if (g->phbs[k].buid == g->phbs[i].buid) {
				return false;
			}
		}
	}
	return true;
}

static bool services_are_good(const struct dt_guest *g)
{
	if (g->nservices > DT_GUEST_MAX_SERVICES) {
		return false;
	}
	for (unsigned int i = 0; i < g->nservices; i++) {
		if (!g->services[i].name) {
			return false;
		}
	}
	return true;
}

static bool is_good(const struct dt_guest *g)
{
	return g->ncpus && g->nap <= DT_GUEST_MAX_AP && (!g->nap || g->ap) &&
	       range_below(g->rtas, g->rtas_size, RTAS_LIMIT) && services_are_good(g) &&
	       phbs_are_good(g);
}

static void put_root(struct writer *w, const struct dt_guest *g)
{
	begin(w, "");
	/* By this Linux knows a pseries machine. */
	put_string(w, "device_type", "chrp");
	put_string(w, "model", "tcelot pseries");
	put_string(w, "compatible", "tcelot,pseries");
	put_cell_counts(w, 2, 2);
	put_chosen(w, g);
	put_memory(w, g);
	put_cpus(w, g);
	put_rtas(w, g);
	put_interrupt_controller(w, g);
	put_vdevice(w, g);
	for (unsigned int i = 0; i < g->nphbs; i++) {
		put_phb(w, &g->phbs[i]);
	}
	end(w);
}

/* A guest that does not know the blob's memory as reserved overwrites it. */
static void put_reserved(struct writer *w, const struct dt_guest *g)
{
	if (!w->err && g->rtas_size) {
		w->err = fdt_add_reservemap_entry(w->fdt, g->rtas, g->rtas_size);
	}
	if (!w->err) {
		w->err = fdt_finish_reservemap(w->fdt);
	}
}

int dt_guest_build(const struct dt_guest *guest, void *buf, size_t size)
{
	struct writer w = {.fdt = buf};

	if (!is_good(guest) || (uintptr_t)buf % 8 || size > INT_MAX) {
		return -EINVAL;
	}
	memset(buf, 0, size);
	w.err = fdt_create(buf, (int)size);
	put_reserved(&w, guest);
	put_root(&w, guest);
	if (!w.err) {
		w.err = fdt_finish(buf);
	}
	if (!w.err) {
		return 0;
	}
	return w.err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
}
