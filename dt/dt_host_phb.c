// SPDX-License-Identifier: Apache-2.0
/*
 * The host bridges in the host's device tree. One is taken only if everything we must know of it is
 * there and makes sense together with the memory and the bridges already taken.
 */
#include "dt/dt_host_reader.h"

#include "core/range.h"
#include "dt/dt_util.h"

#include <libfdt.h>
#include <stddef.h>

#define PHB_ID_MAX    0xffffu
#define PES_MAX	      0x10000u
#define BUS32_LIMIT   (UINT64_C(1) << 32)
#define TCE_SHIFT_MIN 12u
#define TCE_SHIFT_MAX 31u
#define CELL	      4u

/* The PCI bus binding's address: the space is in two bits of the first of three cells. */
#define PCI_ADDR_CELLS	3u
#define PCI_SIZE_CELLS	2u
#define PCI_SPACE(hi)	(((hi) >> 24) & 3u)
#define PCI_SPACE_MEM32 2u

/* The kinds of bridge that firmware drives, by the word that tells its programming model. */
static const struct {
	const char *compatible;
	const char *refuse; /* NULL: we can use it */
} phb_kinds[] = {
	{"ibm,ioda3-phb", NULL},
	{"ibm,ioda2-phb", "a PHB3 (POWER8) is not supported: firmware cannot invalidate its TCEs"},
	{"ibm,ioda-phb", "a P7IOC (POWER7) is not supported"},
	{"ibm,ioda2-npu-phb", "an NVLink bridge is not supported"},
	{"ibm,ioda2-npu2-phb", "an NVLink bridge is not supported"},
	{"ibm,ioda2-npu2-opencapi-phb", "an OpenCAPI bridge is not supported"},
};

static const char *check_kind(const struct dt_host_reader *r, int node)
{
	for (size_t i = 0; i < sizeof(phb_kinds) / sizeof(phb_kinds[0]); i++) {
		if (dt_lists(r->fdt, node, "compatible", phb_kinds[i].compatible)) {
			return phb_kinds[i].refuse;
		}
	}
	return "a kind of bridge that is not known";
}

static const char *check_m32(const struct board *b, const struct host_phb *phb)
{
	if (!phb->m32_size || phb->m32_bus + phb->m32_size > BUS32_LIMIT) {
		return "its 32-bit MMIO window is empty or passes 4 GiB on the bus";
	}
	if (!range_below(phb->m32_cpu.v, phb->m32_size, DT_HOST_REAL_LIMIT)) {
		return "its 32-bit MMIO window reaches past the largest real address";
	}
	for (unsigned int i = 0; i < b->nmem; i++) {
		if (range_overlaps(phb->m32_cpu.v, phb->m32_size, b->mem[i].base, b->mem[i].size)) {
			return "its 32-bit MMIO window overlaps memory";
		}
	}
	for (unsigned int i = 0; i < b->nphbs; i++) {
		if (range_overlaps(phb->m32_cpu.v, phb->m32_size, b->phbs[i].m32_cpu.v,
			    b->phbs[i].m32_size)) {
			return "its 32-bit MMIO window overlaps another bridge's";
		}
	}
	return NULL;
}

static const char *read_m32(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	size_t step = PCI_ADDR_CELLS + r->addr_cells + PCI_SIZE_CELLS;
	struct dt_prop prop;
	uint64_t hi, bus, cpu, size;
	uint32_t addr_cells = 0;
	uint32_t size_cells = 0;

	if (!dt_read_u32(r->fdt, node, "#address-cells", &addr_cells) ||
		!dt_read_u32(r->fdt, node, "#size-cells", &size_cells) ||
		addr_cells != PCI_ADDR_CELLS || size_cells != PCI_SIZE_CELLS) {
		return "#address-cells and #size-cells must be 3 and 2";
	}
	if (!dt_prop_find(r->fdt, node, "ranges", &prop) || prop.len % (step * CELL)) {
		return "ranges is absent or not whole";
	}
	for (size_t at = 0; dt_prop_number(&prop, at, 1, &hi); at += step) {
		if (PCI_SPACE(hi) != PCI_SPACE_MEM32) {
			continue;
		}
		if (!dt_prop_number(&prop, at + 1, 2, &bus) ||
			!dt_prop_number(&prop, at + PCI_ADDR_CELLS, r->addr_cells, &cpu) ||
			!dt_prop_number(&prop, at + step - PCI_SIZE_CELLS, 2, &size)) {
			break;
		}
		if (bus >= BUS32_LIMIT || size > BUS32_LIMIT) {
			return "its 32-bit MMIO window is empty or passes 4 GiB on the bus";
		}
		phb->m32_bus = (uint32_t)bus;
		phb->m32_cpu = hpa(cpu);
		phb->m32_size = size;
		return check_m32(r->b, phb);
	}
	return "ranges has no 32-bit MMIO window";
}

static const char *read_pes(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	uint32_t num, reserved;

	if (!dt_read_u32(r->fdt, node, "ibm,opal-num-pes", &num) || !num || num > PES_MAX) {
		return "ibm,opal-num-pes is absent or makes no sense";
	}
	if (!dt_read_u32(r->fdt, node, "ibm,opal-reserved-pe", &reserved) || reserved >= num) {
		return "ibm,opal-reserved-pe is absent or not one of its PEs";
	}
	phb->num_pes = num;
	phb->reserved_pe = reserved;
	return NULL;
}

/* 4K pages are what every bridge has; more only if firmware says so. */
static void read_page_shifts(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	struct dt_prop prop;
	uint64_t shift;

	phb->page_shifts = 0;
	if (dt_prop_find(r->fdt, node, "ibm,supported-tce-sizes", &prop)) {
		for (size_t i = 0; dt_prop_number(&prop, i, 1, &shift); i++) {
			if (shift >= TCE_SHIFT_MIN && shift <= TCE_SHIFT_MAX) {
				phb->page_shifts |= UINT32_C(1) << shift;
			}
		}
	}
	if (!phb->page_shifts) {
		phb->page_shifts = UINT32_C(1) << TCE_SHIFT_MIN;
	}
}

/* The four level sources are in the root port's interrupt-map: for pin 1 to 4 of any device, the
 * parent's source number is the cell after its phandle. */
#define LSI_MAP_STEP 7u
#define LSI_MAP_PIN  3u
#define LSI_MAP_IRQ  5u
#define LSI_PINS     4u

static void read_lsi(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	struct dt_prop prop;
	uint64_t pin, irq;
	int port = fdt_first_subnode(r->fdt, node);

	phb->lsi_first = 0;
	if (port < 0 || !dt_prop_find(r->fdt, port, "interrupt-map", &prop)) {
		return;
	}
	for (unsigned int i = 0; i < LSI_PINS; i++) {
		if (!dt_prop_number(&prop, i * LSI_MAP_STEP + LSI_MAP_PIN, 1, &pin) ||
			!dt_prop_number(&prop, i * LSI_MAP_STEP + LSI_MAP_IRQ, 1, &irq) ||
			pin != i + 1 || (i && irq != phb->lsi_first + i)) {
			phb->lsi_first = 0;
			return;
		}
		if (!i) {
			phb->lsi_first = (uint32_t)irq;
		}
	}
}

/* Without them the bridge can be used all the same, but its functions have no interrupts. */
static void read_interrupts(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	struct dt_prop prop;
	uint64_t first, count;

	phb->msi_first = 0;
	phb->msi_count = 0;
	if (dt_prop_find(r->fdt, node, "ibm,opal-msi-ranges", &prop) &&
		dt_prop_number(&prop, 0, 1, &first) && dt_prop_number(&prop, 1, 1, &count) &&
		range_below(first, count, UINT64_C(1) << 31)) {
		phb->msi_first = (uint32_t)first;
		phb->msi_count = (unsigned int)count;
	}
	read_lsi(r, node, phb);
}

static const char *read_id(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	const struct board *b = r->b;

	if (!dt_read_u64(r->fdt, node, "ibm,opal-phbid", &phb->id) || phb->id > PHB_ID_MAX) {
		return "ibm,opal-phbid is absent or not a number up to ffff";
	}
	for (unsigned int i = 0; i < b->nphbs; i++) {
		if (b->phbs[i].id == phb->id) {
			return "its ibm,opal-phbid is another bridge's";
		}
	}
	return b->nphbs == BOARD_MAX_PHBS ? "there are more bridges than there is room for" : NULL;
}

static const char *read_phb(const struct dt_host_reader *r, int node, struct host_phb *phb)
{
	const char *why = check_kind(r, node);

	if (!why && !dt_host_is_okay(r, node)) {
		why = "its status is not okay";
	}
	if (!why) {
		why = read_id(r, node, phb);
	}
	if (!why) {
		why = read_m32(r, node, phb);
	}
	if (!why) {
		why = read_pes(r, node, phb);
	}
	if (!why) {
		read_page_shifts(r, node, phb);
		read_interrupts(r, node, phb);
	}
	return why;
}

static void insert_phb(struct board *b, const struct host_phb *phb)
{
	unsigned int at = b->nphbs++;

	while (at && b->phbs[at - 1].id > phb->id) {
		b->phbs[at] = b->phbs[at - 1];
		at--;
	}
	b->phbs[at] = *phb;
}

void dt_host_read_phbs(struct dt_host_reader *r)
{
	struct dt_prop prop;
	int node;

	dt_host_next_kind(r);
	fdt_for_each_subnode(node, r->fdt, 0)
	{
		struct host_phb phb = {.id = 0};
		const char *why;

		if (!dt_prop_find(r->fdt, node, "ibm,opal-phbid", &prop) &&
			!dt_host_is_type(r, node, "pciex")) {
			continue;
		}
		why = read_phb(r, node, &phb);
		if (why) {
			dt_host_say_skipped(r, node, why);
		} else {
			insert_phb(r->b, &phb);
		}
	}
}
