// SPDX-License-Identifier: Apache-2.0
/*
 * Puts the parts together; see the header for what there is.
 */
#include "tests/fake/fake_machine.h"

#include "core/host_pci.h"
#include "core/pci.h"
#include "core/vfio_spapr.h"

#include <stdlib.h>
#include <string.h>

const struct vfio_owner fake_owner = {"test", "bridge"};

void fake_machine_init(struct fake_machine *m)
{
	struct fake_func *func;

	memset(m, 0, sizeof(*m));
	fake_ram_init(&m->ram, FAKE_MACHINE_RAM);
	m->board.nphbs = 2;
	fake_phb_init(&m->phb[0], &m->board.phbs[0], 0, &m->ram);
	fake_phb_init(&m->phb[1], &m->board.phbs[1], 1, &m->ram);
	fake_add_bridge(&m->phb[0], 0x000, 1, 1);
	fake_set_bar(fake_add_func(&m->phb[0], FAKE_DEV0, 0x11e81234), 0, 0x100000, false, false);
	fake_add_bridge(&m->phb[1], 0x000, 1, 1);
	fake_add_bridge(&m->phb[1], 0x008, 2, 2);
	func = fake_add_func(&m->phb[1], FAKE_DEV0, 0x16571014);
	fake_put(func, PCI_HEADER_TYPE, 1, 0x80);
	fake_add_func(&m->phb[1], FAKE_DEV1, 0x16571014);
	fake_add_func(&m->phb[1], FAKE_DEV2, 0x11e81234);
	host_pci_scan(&m->board);
	vfio_init(&m->vfio, &m->board);
	if (page_pool_init(&m->tables, &m->ram.pool, FAKE_MACHINE_TABLES) ||
		m->board.ngroups != 3 || vfio_register_driver(&m->vfio, &vfio_spapr_v2_driver)) {
		abort();
	}
}

void fake_machine_free(struct fake_machine *m)
{
	/* No test is about tables that hardware would not take: whoever made one has a bug. */
	if (m->phb[0].malformed || m->phb[1].malformed) {
		abort();
	}
	fake_ram_free(&m->ram);
}

unsigned int fake_machine_calls(const struct fake_machine *m)
{
	return m->phb[0].calls + m->phb[1].calls;
}

void fake_machine_fail_at(struct fake_machine *m, unsigned int n)
{
	/* One counter for both: the second continues where the first would have stopped. */
	m->phb[0].fail_at = n;
	m->phb[1].fail_with = &m->phb[0];
}

void fake_machine_heal(struct fake_machine *m)
{
	for (unsigned int i = 0; i < 2; i++) {
		m->phb[i].fail_at = 0;
		memset(m->phb[i].fail_op, 0, sizeof(m->phb[i].fail_op));
	}
}

void fake_machine_master(struct fake_machine *m, unsigned int phb, uint16_t bdfn)
{
	struct fake_func *func = fake_find_func(&m->phb[phb], bdfn);

	fake_put(func, PCI_COMMAND, 2, fake_get(func, PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
}

int fake_machine_dma(struct fake_machine *m, unsigned int phb, uint16_t bdfn, uint64_t iova,
	void *buf, size_t len, bool write)
{
	fake_phb_thaw(&m->phb[phb]);
	return fake_phb_dma(&m->phb[phb], bdfn, iova, buf, len, write);
}
