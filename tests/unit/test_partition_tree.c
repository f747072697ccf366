// SPDX-License-Identifier: Apache-2.0
/*
 * DT-04: what a partition's device tree says of its host bridge is what calls and config space say
 * when the guest runs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/hcall.h"
#include "core/host_pci.h"
#include "core/partition.h"
#include "core/vfio_spapr.h"
#include "core/xics.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define MIB	   ((uint64_t)1 << 20)
#define RAM_SIZE   (32 * MIB)
#define GUEST_SIZE (4 * MIB)
#define DEVICE	   0x0100u
#define BRIDGE	   "/pci@800000020000006"

static struct fake_ram ram;
static struct fake_phb phb;
static struct board board;
static struct vfio vfio;
static struct plan_partition plan;
static struct partition *part;
static uint8_t kernel[FAKE_KERNEL_SIZE];
static const void *fdt;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

/* Two functions: a 64-bit BAR and pin A; two 32-bit BARs, one of less than a page, and pin B. And
 * a neighbour in a group of its own, with or without a pin. */
static void start(bool neighbour)
{
	static const unsigned int threads[PARTITION_MAX_VCPUS];
	struct fake_func *f[2];

	fake_arch_reset();
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = 1;
	board.threads[0].alive = true;
	board.nphbs = 1;
	fake_phb_init(&phb, &board.phbs[0], 0, &ram);
	fake_add_bridge(&phb, 0, 1, 1);
	f[0] = fake_add_func(&phb, DEVICE, 0x11e81234);
	f[1] = fake_add_func(&phb, DEVICE + 1, 0x5678abcd);
	fake_put(f[0], PCI_HEADER_TYPE, 1, PCI_HEADER_MULTI);
	fake_set_bar(f[0], 0, MIB, true, true);
	fake_set_bar(f[1], 0, 0x10000, false, false);
	fake_set_bar(f[1], 3, 0x100, false, false);
	fake_put(f[0], PCI_INTERRUPT_PIN, 1, 1);
	fake_put(f[1], PCI_INTERRUPT_PIN, 1, 2);
	fake_put(f[1], PCI_SUBSYS_VENDOR, 4, 0x00031425);
	fake_add_bridge(&phb, 8, 2, 2);
	f[0] = fake_add_func(&phb, 0x200, 0x11e81234);
	fake_put(f[0], PCI_INTERRUPT_PIN, 1, neighbour ? 1 : 0);
	/* Its pin cannot be kept quiet. */
	f[0]->wmask[PCI_COMMAND + 1] &= (uint8_t) ~(PCI_COMMAND_INTX_OFF >> 8);
	f[0]->image[PCI_COMMAND + 1] &= (uint8_t) ~(PCI_COMMAND_INTX_OFF >> 8);
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	memset(&plan, 0, sizeof(plan));
	strcpy(plan.name, "alpha");
	plan.memory = GUEST_SIZE;
	plan.vcpus = 1;
	plan.kernel = (struct plan_blob){kernel, sizeof(kernel)};
	plan.nphbs = 1;
	strcpy(plan.phbs[0].id, "CXGB3");
	plan.phbs[0].index = 6;
	plan.phbs[0].window_size = 64 * MIB;
	part = calloc(1, sizeof(*part));
	assert_non_null(part);
	part->lpid = 1;
	partition_on_stopped = NULL;
	partition_on_starting = NULL;
	partition_on_ending = NULL;
	assert_int_equal(partition_build(part, &plan, &board, &vfio, &ram.pool, threads, true), 0);
	fdt = part->mem.ptr + part->tree.v;
	/* DT-03, as it lies in the guest's memory. */
	assert_int_equal(fdt_check_full(fdt, GUEST_SIZE - part->tree.v), 0);
}

static int setup(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(part);
	fake_ram_free(&ram);
	return 0;
}

static const fdt32_t *cells_of(int node, const char *name, unsigned int *n)
{
	int len = 0;
	const void *data = fdt_getprop(fdt, node, name, &len);

	if (!data) {
		fail_msg("no %s", name);
	}
	*n = (unsigned int)len / 4;
	return data;
}

static uint32_t cell(int node, const char *name, unsigned int at)
{
	unsigned int n;
	const fdt32_t *cells = cells_of(node, name, &n);

	assert_in_range(at, 0, n - 1);
	return fdt32_ld(cells + at);
}

static int bridge(void)
{
	int node = fdt_path_offset(fdt, BRIDGE);

	assert_true(node > 0);
	return node;
}

/* The node of a function, by what its reg says of its place. */
static int node_of(const struct pci_func *f)
{
	int node;

	fdt_for_each_subnode(node, fdt, bridge())
	{
		if (cell(node, "reg", 0) == f->devfn << 8) {
			return node;
		}
	}
	fail_msg("no node of %x", f->devfn);
	return 0;
}

static uint32_t rd(struct pci_func *f, unsigned int off, unsigned int size)
{
	uint32_t v = 0;

	assert_int_equal(pci_config_read(f, off, size, &v), 0);
	return v;
}

static void wr(struct pci_func *f, unsigned int off, uint32_t val)
{
	assert_int_equal(pci_config_write(f, off, 4, val), 0);
}

static void test_ids_are_those_of_config_space(void **state)
{
	static const struct {
		const char *name;
		unsigned int off, size;
	} ids[] = {{"vendor-id", PCI_VENDOR_ID, 2}, {"device-id", PCI_DEVICE_ID, 2},
		{"revision-id", PCI_REVISION, 1}, {"interrupts", PCI_INTERRUPT_PIN, 1}};

	(void)state;
	assert_int_equal(part->phbs[0].nfuncs, 2);
	for (unsigned int i = 0; i < 2; i++) {
		struct pci_func *f = &part->phbs[0].funcs[i];

		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			assert_int_equal(
				cell(node_of(f), ids[k].name, 0), rd(f, ids[k].off, ids[k].size));
		}
		assert_int_equal(cell(node_of(f), "class-code", 0), rd(f, PCI_REVISION, 4) >> 8);
	}
	assert_int_equal(cell(node_of(&part->phbs[0].funcs[1]), "subsystem-vendor-id", 0), 0x1425);
	assert_int_equal(cell(node_of(&part->phbs[0].funcs[1]), "subsystem-id", 0), 3);
}

/* As a guest sizes it, which leaves it where it is. */
static uint64_t size_of_bar(struct pci_func *f, unsigned int reg, bool is64, uint64_t *value)
{
	uint32_t low = rd(f, reg, 4), high = is64 ? rd(f, reg + 4, 4) : 0;
	uint64_t mask;

	*value = (uint64_t)high << 32 | (low & ~0xfu);
	wr(f, reg, 0xffffffff);
	mask = rd(f, reg, 4) & ~0xfu;
	wr(f, reg, low);
	if (is64) {
		wr(f, reg + 4, 0xffffffff);
		mask |= (uint64_t)rd(f, reg + 4, 4) << 32;
		wr(f, reg + 4, high);
	} else {
		mask |= 0xffffffff00000000;
	}
	return ~mask + 1;
}

static void test_addresses_are_those_of_the_bars(void **state)
{
	unsigned int nbars = 0;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct pci_func *f = &part->phbs[0].funcs[i];
		unsigned int n;
		const fdt32_t *a = cells_of(node_of(f), "assigned-addresses", &n);

		assert_int_equal(n % 5, 0);
		for (unsigned int k = 0; k < n; k += 5, nbars++) {
			uint32_t hi = fdt32_ld(a + k);
			bool is64 = (hi >> 24 & 3) == 3;
			uint64_t value, size = size_of_bar(f, hi & 0xff, is64, &value);

			assert_int_equal(hi >> 8 & 0xff, f->devfn);
			assert_int_equal(rd(f, hi & 0xff, 4) >> 2 & 1, is64);
			assert_int_equal(rd(f, hi & 0xff, 4) >> 3 & 1, hi >> 30 & 1);
			assert_int_equal(
				(uint64_t)fdt32_ld(a + k + 1) << 32 | fdt32_ld(a + k + 2), value);
			assert_int_equal(
				(uint64_t)fdt32_ld(a + k + 3) << 32 | fdt32_ld(a + k + 4), size);
			/* And reg says the same sizes. */
			assert_int_equal(cell(node_of(f), "reg", 5 + k + 4), size);
		}
	}
	assert_int_equal(nbars, 3);
}

static hret_t put_tce(uint64_t liobn, uint64_t ioba)
{
	uint64_t regs[1 + HCALL_NARGS] = {H_PUT_TCE, liobn, ioba, 0x5003};

	assert_int_equal(hcall_dispatch(&part->vcpus[0], regs, false, false), HCALL_RETURN);
	return (hret_t)regs[0];
}

static void test_window_is_where_the_tree_says(void **state)
{
	uint64_t liobn = cell(bridge(), "ibm,dma-window", 0);
	uint64_t base = (uint64_t)cell(bridge(), "ibm,dma-window", 1) << 32 |
			cell(bridge(), "ibm,dma-window", 2);
	uint64_t size = (uint64_t)cell(bridge(), "ibm,dma-window", 3) << 32 |
			cell(bridge(), "ibm,dma-window", 4);

	(void)state;
	assert_int_equal(size, 64 * MIB);
	assert_int_equal(put_tce(liobn, base), H_SUCCESS);
	assert_int_equal(put_tce(liobn, base + size - 0x1000), H_SUCCESS);
	assert_int_equal(put_tce(liobn, base + size), H_PARAMETER);
	assert_int_equal(put_tce(liobn + 1, base), H_PARAMETER);
}

static void test_calls_for_windows_are_rtas_services(void **state)
{
	static const char *const names[] = {
		"ibm,query-pe-dma-window", "ibm,create-pe-dma-window", "ibm,remove-pe-dma-window"};
	int rtas = fdt_path_offset(fdt, "/rtas");

	(void)state;
	assert_true(part->bound[0].ddw.c.offered);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(cell(bridge(), "ibm,ddw-applicable", i), cell(rtas, names[i], 0));
	}
	assert_int_equal(
		cell(bridge(), "ibm,ddw-extensions", 1), cell(rtas, "ibm,reset-pe-dma-window", 0));
}

/* Mask, compare, take: what a guest makes of a pin is a source that is there. */
static void test_pins_lead_to_sources(void **state)
{
	unsigned int n, found = 0;
	const fdt32_t *map = cells_of(bridge(), "interrupt-map", &n);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct pci_func *f = &part->phbs[0].funcs[i];
		uint32_t where = f->devfn << 8 & cell(bridge(), "interrupt-map-mask", 0);
		uint32_t pin = rd(f, PCI_INTERRUPT_PIN, 1);

		for (unsigned int k = 0; k + 6 < n; k += 7) {
			if (fdt32_ld(map + k) == where && fdt32_ld(map + k + 3) == pin) {
				assert_int_equal(
					xics_add_source(part, fdt32_ld(map + k + 5), 1, true),
					-EBUSY);
				found++;
			}
		}
	}
	assert_int_equal(found, 2);
	/* A source that is not there would be news. */
	assert_int_equal(
		xics_add_source(part, part->phbs[0].at.lsi + 3, FAKE_LSI_FIRST + 3, true), 0);
}

/* Line A is shared with a function that cannot be kept quiet: nobody has the pin, and nothing says
 * that there is one. Line B is as it was. */
static void test_pin_that_leads_nowhere_is_none(void **state)
{
	struct pci_func *f;

	teardown(state);
	start(true);
	f = &part->phbs[0].funcs[0];
	assert_int_equal(rd(f, PCI_INTERRUPT_PIN, 1), 0);
	assert_null(fdt_getprop(fdt, node_of(f), "interrupts", NULL));
	assert_int_equal(xics_add_source(part, part->phbs[0].at.lsi, FAKE_LSI_FIRST, true), 0);
	f = &part->phbs[0].funcs[1];
	assert_int_equal(rd(f, PCI_INTERRUPT_PIN, 1), 2);
	assert_non_null(fdt_getprop(fdt, node_of(f), "interrupts", NULL));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids_are_those_of_config_space),
		TEST(test_addresses_are_those_of_the_bars),
		TEST(test_window_is_where_the_tree_says),
		TEST(test_calls_for_windows_are_rtas_services),
		TEST(test_pins_lead_to_sources),
		TEST(test_pin_that_leads_nowhere_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
