// SPDX-License-Identifier: Apache-2.0
/*
 * Config space by RTAS against the tree, and the device's registers.
 */
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/edu.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

#define PCI_CLASS_REVISION 0x08u
#define BAR_ADDRESS	   0xfffffff0u
#define EDU_ID		   0x010000edu
#define REG_ID		   0x00u
#define REG_LIVENESS	   0x04u /* reads as the inverse of what was written */

static void test_header(const struct tree_func *f)
{
	uint32_t id, class_revision, byte, half;
	int32_t failed = pci_read(bench.phb, f, 0, 4, &id);

	failed |= pci_read(bench.phb, f, PCI_CLASS_REVISION, 4, &class_revision);
	tap_ok(!failed && id == (f->device << 16 | f->vendor) &&
			class_revision == (f->class_code << 8 | f->revision),
		"config space says what the tree says of %04" PRIx32 ":%04" PRIx32, f->vendor,
		f->device);
	failed = pci_read(bench.phb, f, 1, 1, &byte);
	failed |= pci_read(bench.phb, f, 2, 2, &half);
	tap_ok(!failed && byte == (f->vendor >> 8 & 0xff) && half == f->device,
		"config space reads by byte and half word");
}

static void test_bar(const struct tree_func *f)
{
	uint32_t before, sized, after;
	int32_t failed = pci_read(bench.phb, f, PCI_BAR0, 4, &before);

	if (f->bar0_bus) {
		tap_ok(!failed && (before & BAR_ADDRESS) == f->bar0_bus,
			"BAR 0 is where assigned-addresses says");
	}
	failed |= pci_write(bench.phb, f, PCI_BAR0, 4, 0xffffffffu);
	failed |= pci_read(bench.phb, f, PCI_BAR0, 4, &sized);
	failed |= pci_write(bench.phb, f, PCI_BAR0, 4, before);
	failed |= pci_read(bench.phb, f, PCI_BAR0, 4, &after);
	tap_ok(!failed && ~(sized & BAR_ADDRESS) + 1 == (uint32_t)f->bar0_size && after == before,
		"BAR 0 can be sized, and then is what it was");
}

static void test_registers(void)
{
	uint32_t id = edu_read32(REG_ID);

	if (!tap_ok(id == EDU_ID, "the device's identification register")) {
		tap_note("it reads %08" PRIx32 ", should be %08x", id, EDU_ID);
	}
	edu_write32(REG_LIVENESS, 0x12345678u);
	tap_ok(edu_read32(REG_LIVENESS) == ~0x12345678u, "a store to its registers arrives");
}

void test_config_space(void)
{
	for (unsigned int i = 0; i < bench.phb->nfuncs; i++) {
		test_header(&bench.phb->funcs[i]);
	}
	if (!bench.edu) {
		return;
	}
	test_bar(bench.edu);
	bench.bar = edu_open(bench.phb, bench.edu);
	if (tap_ok(bench.bar != 0, "its registers have a guest-real address")) {
		test_registers();
	} else {
		bench.edu = NULL;
	}
}
