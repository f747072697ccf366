// SPDX-License-Identifier: Apache-2.0
/*
 * A machine for VFIO tests: two strict PHBs, scanned by core/host_pci.c, and VFIO with the sPAPR
 * driver on top.
 *   PHB 0: root port 00:00.0, behind it 01:00.0 with a BAR: group 0
 *   PHB 1: root port 00:00.0, behind it 01:00.0 and 01:00.1: group 1; root port 00:01.0, behind it
 *          02:00.0: group 2
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "core/vfio.h"
#include "tests/fake/fake_phb.h"

#define FAKE_MACHINE_RAM    0x1000000ull
#define FAKE_MACHINE_TABLES 0x100000ull
#define FAKE_DEV0	    0x100u /* 01:00.0 */
#define FAKE_DEV1	    0x101u /* 01:00.1 */
#define FAKE_DEV2	    0x200u /* 02:00.0 */

struct fake_machine {
	struct fake_ram ram;
	struct board board;
	struct fake_phb phb[2];
	struct vfio vfio;
	struct page_pool tables; /* for containers */
};

/* Who opens groups in tests. */
extern const struct vfio_owner fake_owner;

void fake_machine_init(struct fake_machine *m);
void fake_machine_free(struct fake_machine *m);

/* Calls of both PHBs so far, and: the n-th from now of either fails. */
unsigned int fake_machine_calls(const struct fake_machine *m);
void fake_machine_fail_at(struct fake_machine *m, unsigned int n);
/* Nothing fails any more. */
void fake_machine_heal(struct fake_machine *m);

/* The function becomes bus master, as its guest would make it, or a device that ignores us. */
void fake_machine_master(struct fake_machine *m, unsigned int phb, uint16_t bdfn);

/* As fake_phb_dma, with the PHB thawed first. */
int fake_machine_dma(struct fake_machine *m, unsigned int phb, uint16_t bdfn, uint64_t iova,
	void *buf, size_t len, bool write);

#endif
