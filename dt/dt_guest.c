// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's tree, written from front to back. It says what a pseries guest must know and what is
 * true here: a property of a service that does not exist is left out, unless Linux falls over
 * without it, and then the comment beside it says so.
 */
#include "dt/dt_guest.h"

#include "core/range.h"
#include "dt/dt_guest_writer.h"
#include "dt/dt_util.h"

#include <libfdt.h>
#include <limits.h>
#include <string.h>

/* RTAS runs in 32-bit mode. */
#define RTAS_LIMIT (UINT64_C(1) << 32)

#define MEMORY_UNIT 0x200000u

/* The machine but for its bridges */

static void put_chosen(struct dt_writer *w, const struct dt_guest *g)
{
	/* Byte 0 counts what follows. 1, 2: a logical partition. 0x17 = 00: interrupts by XICS
	 * calls. 0x18 = 40: radix only. 0x1a = 40: the guest invalidates its own translations; a
	 * kernel reads that byte without asking whether it is there. */
	static const uint8_t vec5[27] = {
		[0] = 0x1a, [1] = 0x80, [2] = 0x80, [0x18] = 0x40, [0x1a] = 0x40};
	char path[DT_NODE_NAME_MAX];
	struct dt_text t;

	dt_text_init(&t, path, sizeof(path));
	dt_text_add(&t, "/vdevice/vty@");
	dt_text_add_number(&t, g->vty, 16);

	dt_begin(w, "chosen");
	if (g->bootargs) {
		dt_put_string(w, "bootargs", g->bootargs);
	}
	dt_put_string(w, "stdout-path", path);
	if (g->initrd_size) {
		dt_put_u64(w, "linux,initrd-start", g->initrd);
		dt_put_u64(w, "linux,initrd-end", g->initrd + g->initrd_size);
	}
	/* By the name that a pseries machine's firmware looks for. */
	dt_put_boot_list(w, g);
	/* BARs are placed and assigned-addresses tells, but the guest may move them. Absent, Linux
	 * before 6.12 takes it for 1 and then refuses to enable devices. */
	dt_put_u32(w, "linux,pci-probe-only", 0);
	dt_put_bytes(w, "ibm,architecture-vec-5", vec5, sizeof(vec5));
	dt_end(w);
}

static void put_memory(struct dt_writer *w, const struct dt_guest *g)
{
	dt_begin(w, "memory@0");
	dt_put_string(w, "device_type", "memory");
	dt_put_u64_pair(w, "reg", 0, g->memory);
	dt_end(w);
}

/* What a guest is told of its processor: the architecture, not the chip and its revision, for
 * whose faults it would look. cpu-version of one that is not known here is its PVR. */
struct cpu_kind {
	uint32_t version; /* upper half of the PVR */
	const char *name;
	uint32_t architected;
};

static const struct cpu_kind *find_cpu_kind(uint32_t pvr)
{
	static const struct cpu_kind kinds[] = {
		{0x004e, "PowerPC,POWER9", 0x0f000005},
		{0x0080, "PowerPC,POWER10", 0x0f000006},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].version == pvr >> 16) {
			return &kinds[i];
		}
	}
	return NULL;
}

/* One thread a CPU: a guest that saw several would send doorbells between them. No ibm,dec-bits:
 * its decrementer is the 32-bit one. */
static void put_cpus(struct dt_writer *w, const struct dt_guest *g)
{
	const struct cpu_kind *kind = find_cpu_kind(g->pvr);

	dt_begin(w, "cpus");
	dt_put_cell_counts(w, 1, 0);
	for (uint32_t i = 0; i < g->ncpus && !w->err; i++) {
		dt_begin_at(w, kind ? kind->name : "PowerPC,POWER", i);
		dt_put_string(w, "device_type", "cpu");
		dt_put_u32(w, "reg", i);
		dt_put_string(w, "status", "okay");
		dt_put_u32(w, "ibm,ppc-interrupt-server#s", i);
		dt_put_u32(w, "cpu-version", kind ? kind->architected : g->pvr);
		dt_put_u32(w, "timebase-frequency", g->timebase_hz);
		dt_put_u32(w, "ibm,vmx", 2); /* VMX and VSX */
		if (g->nap) {
			dt_put_cells(w, "ibm,processor-radix-AP-encodings", g->ap, g->nap);
		}
		dt_end(w);
	}
	dt_end(w);
}

/* Where memory can end at most, the unit it comes in, and how many CPUs there can be. Nothing is
 * added to a partition, so these are what it has. Linux makes its dynamic DMA window as large as
 * the first says: more than the memory would only cost tables. */
static void put_capacity(struct dt_writer *w, const struct dt_guest *g)
{
	const uint32_t cells[] = {dt_hi32(g->memory), dt_lo32(g->memory), 0, MEMORY_UNIT, g->ncpus};

	dt_put_cells(w, "ibm,lrdr-capacity", cells, sizeof(cells) / sizeof(cells[0]));
}

static void put_rtas(struct dt_writer *w, const struct dt_guest *g)
{
	/* That the list is there tells Linux that it is a guest; what is in it must be answered. */
	static const char hypertas[] = "hcall-term\0hcall-tce\0hcall-multi-tce\0hcall-set-mode";

	dt_begin(w, "rtas");
	dt_put_bytes(w, "ibm,hypertas-functions", hypertas, sizeof(hypertas));
	dt_put_u32(w, "linux,rtas-base", dt_lo32(g->rtas));
	dt_put_u32(w, "linux,rtas-entry", dt_lo32(g->rtas));
	dt_put_u32(w, "rtas-size", dt_lo32(g->rtas_size));
	/* Without it a kernel that panics does not call ibm,os-term. */
	dt_put_flag(w, "ibm,extended-os-term");
	put_capacity(w, g);
	for (unsigned int i = 0; i < g->nservices; i++) {
		dt_put_u32(w, g->services[i].name, g->services[i].token);
	}
	dt_end(w);
}

static void put_interrupt_controller(struct dt_writer *w, const struct dt_guest *g)
{
	dt_begin(w, "interrupt-controller");
	dt_put_string(w, "device_type", "PowerPC-External-Interrupt-Presentation");
	dt_put_string(w, "compatible", "IBM,ppc-xicp");
	dt_put_flag(w, "interrupt-controller");
	dt_put_u32(w, "#interrupt-cells", 2);
	dt_put_u32(w, "#address-cells", 0);
	dt_put_cells(w, "ibm,interrupt-server-ranges", (uint32_t[]){0, g->ncpus}, 2);
	dt_put_u32(w, "phandle", DT_XICS_PHANDLE);
	dt_end(w);
}

static void put_vdevice(struct dt_writer *w, const struct dt_guest *g)
{
	dt_begin(w, "vdevice");
	dt_put_string(w, "device_type", "vdevice");
	dt_put_string(w, "compatible", "IBM,vdevice");
	dt_put_cell_counts(w, 1, 0);
	dt_begin_at(w, "vty", g->vty);
	dt_put_string(w, "device_type", "serial");
	dt_put_string(w, "compatible", "hvterm1");
	dt_put_u32(w, "reg", g->vty);
	dt_end(w);
	dt_end(w);
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
	if (g->nphbs && !g->phbs) {
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

static void put_root(struct dt_writer *w, const struct dt_guest *g)
{
	dt_begin(w, "");
	/* By this Linux knows a pseries machine. */
	dt_put_string(w, "device_type", "chrp");
	dt_put_string(w, "model", "tcelot pseries");
	dt_put_string(w, "compatible", "tcelot,pseries");
	dt_put_cell_counts(w, 2, 2);
	put_chosen(w, g);
	put_memory(w, g);
	put_cpus(w, g);
	put_rtas(w, g);
	put_interrupt_controller(w, g);
	put_vdevice(w, g);
	for (unsigned int i = 0; i < g->nphbs; i++) {
		dt_put_phb(w, &g->phbs[i]);
	}
	dt_end(w);
}

/* A guest that does not know the blob's memory as reserved overwrites it. */
static void put_reserved(struct dt_writer *w, const struct dt_guest *g)
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
	struct dt_writer w = {.fdt = buf};

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
