// SPDX-License-Identifier: Apache-2.0
/*
 * What the parts of the strict PHB model have in common; tests use fake_phb.h.
 */
#ifndef TESTS_FAKE_PHB_PARTS_H
#define TESTS_FAKE_PHB_PARTS_H

#include "tests/fake/fake_phb.h"

/* Bus addresses with this bit set are window 1's; those with a higher one are no memory. */
#define FAKE_WINDOW_BIT 59u

/* As PHB4 has them: the low five bits of a message's number are data, the rest is in the address.
 */
#define FAKE_MSI_ADDR_64   0x1000000000000000ull
#define FAKE_MSI_ADDR_32   0xffff0000ull
#define FAKE_MSI_DATA_MASK 0x1fu

/* fake_phb_func.c. The function that a config cycle reaches; NULL: none. Whether it and every
 * bridge above it are bus masters. */
struct fake_func *fake_phb_route(struct fake_phb *f, uint16_t bdfn);
bool fake_phb_may_master(struct fake_phb *f, const struct fake_func *func);
bool fake_phb_is_bridge(const struct fake_func *func);

/* fake_phb_msi.c. Vectors that are pending and no longer masked go out; whether any did. */
bool fake_phb_send_pending(struct fake_phb *f, struct fake_func *func);

/* fake_phb_dma.c. All that is cached of this PE (UINT32_MAX: of all) goes. The reads it has in
 * flight end. The writes of a function that are in flight land, up to the one that was started as
 * number `last`. */
void fake_phb_forget(struct fake_phb *f, unsigned int pe);
void fake_phb_end_reads(struct fake_phb *f, unsigned int pe);
void fake_phb_push_writes(struct fake_phb *f, uint16_t bdfn, uint64_t last);

bool fake_phb_in_ram(const struct fake_phb *f, uint64_t at, uint64_t len);

/* What a virtio function's window answers, and what was just written to it in the image means. */
uint32_t fake_virtio_read(const struct fake_func *func);
void fake_virtio_write(struct fake_func *func);

#endif
