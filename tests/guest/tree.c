// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the flattened tree. A property that is missing leaves its field 0; only what the guest
 * cannot live without is an error.
 */
#include "tests/guest/tree.h"

#include <libfdt.h>
#include <string.h>

/* Space codes in the first cell of a PCI address (IEEE 1275 PCI binding 2.2.1.1). */
#define SPACE_SHIFT    24
#define SPACE_MASK     0x3u
#define SPACE_MEM32    0x2u
#define SPACE_MEM64    0x3u
#define REGISTER_MASK  0xffu
#define CONFIG_MASK    0xffff00u
#define BAR0_REGISTER  0x10u
#define ADDRESS_CELLS  5 /* phys.hi .mid .lo, size hi, lo */
#define RANGE_CELLS    7
#define WINDOW_CELLS   5 /* liobn, bus hi, lo, size hi, lo */
#define BYPASS_CELLS   4
#define DDW_CELLS      3 /* tokens of query, create, remove */
#define PHB_COMPATIBLE "IBM,Logical_PHB"

struct tree tree;

static const void *fdt;

/* Cell i of a property of ncells cells; false if there is no such cell. */
static bool cell_at(int node, const char *name, int i, uint32_t *out)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	if (!p || len < (i + 1) * 4) {
		return false;
	}
	*out = fdt32_ld(p + i);
	return true;
}

static uint32_t cell_or_0(int node, const char *name, int i)
{
	uint32_t v = 0;

	cell_at(node, name, i, &v);
	return v;
}

static uint64_t two_cells(int node, const char *name, int i)
{
	return (uint64_t)cell_or_0(node, name, i) << 32 | cell_or_0(node, name, i + 1);
}

static int cells_in(int node, const char *name)
{
	int len;

	return fdt_getprop(fdt, node, name, &len) ? len / 4 : 0;
}

static bool type_is(int node, const char *type)
{
	const char *p = fdt_getprop(fdt, node, "device_type", NULL);

	return p && strcmp(p, type) == 0;
}

static void copy_string(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len) {
		memcpy(to, from, len);
	}
	to[len] = '\0';
}

static void read_func(struct tree_phb *phb, int node)
{
	struct tree_func *f = &phb->funcs[phb->nfuncs];

	if (phb->nfuncs >= TREE_MAX_FUNCS || cells_in(node, "reg") < ADDRESS_CELLS) {
		return;
	}
	phb->nfuncs++;
	f->config_addr = cell_or_0(node, "reg", 0) & CONFIG_MASK;
	f->vendor = cell_or_0(node, "vendor-id", 0);
	f->device = cell_or_0(node, "device-id", 0);
	f->class_code = cell_or_0(node, "class-code", 0);
	f->revision = cell_or_0(node, "revision-id", 0);
	for (int i = 0; i + ADDRESS_CELLS <= cells_in(node, "reg"); i += ADDRESS_CELLS) {
		if ((cell_or_0(node, "reg", i) & REGISTER_MASK) == BAR0_REGISTER) {
			f->bar0_size = two_cells(node, "reg", i + 3);
		}
	}
	for (int i = 0; i + ADDRESS_CELLS <= cells_in(node, "assigned-addresses");
		i += ADDRESS_CELLS) {
		if ((cell_or_0(node, "assigned-addresses", i) & REGISTER_MASK) == BAR0_REGISTER) {
			f->bar0_bus = two_cells(node, "assigned-addresses", i + 1);
		}
	}
}

static void read_window(struct tree_phb *phb, int node, const char *name)
{
	phb->liobn = cell_or_0(node, name, 0);
	phb->window_base = two_cells(node, name, 1);
	phb->window_size = two_cells(node, name, 3);
}

static void read_phb(int node)
{
	struct tree_phb *phb = &tree.phbs[tree.nphbs];
	int child;

	if (tree.nphbs >= TREE_MAX_PHBS) {
		return;
	}
	tree.nphbs++;
	copy_string(phb->name, sizeof(phb->name), fdt_get_name(fdt, node, NULL));
	phb->buid = two_cells(node, "reg", 0);
	if (cells_in(node, "ibm,dma-window") >= WINDOW_CELLS) {
		read_window(phb, node, "ibm,dma-window");
	}
	if (cells_in(node, "tcelot,bypass-window") >= BYPASS_CELLS) {
		phb->bypass_base = two_cells(node, "tcelot,bypass-window", 0);
		phb->bypass_size = two_cells(node, "tcelot,bypass-window", 2);
	}
	for (int i = 0; i + RANGE_CELLS <= cells_in(node, "ranges"); i += RANGE_CELLS) {
		if ((cell_or_0(node, "ranges", i) >> SPACE_SHIFT & SPACE_MASK) == SPACE_MEM32) {
			phb->mem32_bus = two_cells(node, "ranges", i + 1);
			phb->mem32_cpu = two_cells(node, "ranges", i + 3);
			phb->mem32_size = two_cells(node, "ranges", i + 5);
		}
	}
	phb->ddw = cells_in(node, "ibm,ddw-applicable") >= DDW_CELLS;
	phb->ddw_query = cell_or_0(node, "ibm,ddw-applicable", 0);
	phb->ddw_create = cell_or_0(node, "ibm,ddw-applicable", 1);
	phb->ddw_remove = cell_or_0(node, "ibm,ddw-applicable", 2);
	phb->ddw_reset = cell_or_0(node, "ibm,ddw-extensions", 1);
	fdt_for_each_subnode(child, fdt, node)
	{
		read_func(phb, child);
	}
}

static void read_memory(int node)
{
	for (int i = 0; i + 4 <= cells_in(node, "reg"); i += 4) {
		uint64_t end = two_cells(node, "reg", i) + two_cells(node, "reg", i + 2);

		if (end > tree.memory) {
			tree.memory = end;
		}
	}
}

/* A node is a core; its threads are in a list, or it has one. The boot CPU is the first of all. */
static void read_threads(int cpu)
{
	const char *list = "ibm,ppc-interrupt-server#s";
	int n = cells_in(cpu, list);

	for (int i = 0; i < (n ? n : 1); i++) {
		if (tree.ncpus++ == 1) {
			tree.second_cpu = cell_or_0(cpu, n ? list : "reg", i);
		}
	}
}

static void read_cpus(int cpus)
{
	int cpu;

	fdt_for_each_subnode(cpu, fdt, cpus)
	{
		if (!type_is(cpu, "cpu")) {
			continue;
		}
		if (!tree.ncpus) {
			tree.timebase_hz = cell_or_0(cpu, "timebase-frequency", 0);
		}
		read_threads(cpu);
	}
}

static void read_vio(int node)
{
	struct tree_phb *phb = &tree.phbs[tree.nphbs];

	if (tree.nphbs >= TREE_MAX_PHBS || cells_in(node, "ibm,my-dma-window") < WINDOW_CELLS) {
		return;
	}
	tree.nphbs++;
	copy_string(phb->name, sizeof(phb->name), fdt_get_name(fdt, node, NULL));
	phb->vio = true;
	read_window(phb, node, "ibm,my-dma-window");
}

static void read_vdevice(int bus)
{
	int node;

	fdt_for_each_subnode(node, fdt, bus)
	{
		if (!tree.vty && fdt_node_check_compatible(fdt, node, "hvterm1") == 0) {
			tree.vty = cell_or_0(node, "reg", 0);
		}
		read_vio(node);
	}
}

bool tree_rtas_token(const char *service, uint32_t *token)
{
	return cell_at(fdt_path_offset(fdt, "/rtas"), service, 0, token);
}

bool tree_has_bootarg(const char *word)
{
	size_t len = strlen(word);
	const char *p = tree.bootargs;

	while ((p = strstr(p, word))) {
		if ((p == tree.bootargs || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' ')) {
			return true;
		}
		p += len;
	}
	return false;
}

const char *tree_read(const void *blob)
{
	int node;

	fdt = blob;
	if (fdt_check_header(fdt)) {
		return "r3 does not point at a flattened device tree";
	}
	tree.blob = (uintptr_t)fdt;
	tree.blob_size = fdt_totalsize(fdt);
	tree.qemu = fdt_node_check_compatible(fdt, 0, "qemu,pseries") == 0;
	fdt_for_each_subnode(node, fdt, 0)
	{
		if (type_is(node, "memory")) {
			read_memory(node);
		} else if (fdt_node_check_compatible(fdt, node, PHB_COMPATIBLE) == 0) {
			read_phb(node);
		}
	}
	read_cpus(fdt_path_offset(fdt, "/cpus"));
	read_vdevice(fdt_path_offset(fdt, "/vdevice"));
	node = fdt_path_offset(fdt, "/rtas");
	tree.rtas_base = cell_or_0(node, "linux,rtas-base", 0);
	tree.rtas_entry = cell_or_0(node, "linux,rtas-entry", 0);
	tree.rtas_size = cell_or_0(node, "rtas-size", 0);
	node = fdt_path_offset(fdt, "/chosen");
	copy_string(tree.bootargs, sizeof(tree.bootargs), fdt_getprop(fdt, node, "bootargs", NULL));
	if (!tree.memory) {
		return "the tree has no memory";
	}
	return tree.timebase_hz ? NULL : "the tree has no timebase-frequency";
}
