// SPDX-License-Identifier: Apache-2.0
/*
 * Config spaces that nobody has built, and what a guest may change of them. The second is worked
 * out from the image alone, by the specifications and by hand: it knows nothing of the permission
 * tables, nor of what core/pci_caps.c has made of the image.
 */
#ifndef TESTS_UNIT_HOSTILE_HELP_H
#define TESTS_UNIT_HOSTILE_HELP_H

#include "core/pci.h"
#include "tests/fake/fake_pci.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct fake_pci dev;
static uint32_t seed;

static inline uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static inline uint32_t rnd32(void)
{
	return rnd(0x10000) << 16 | rnd(0x10000);
}

/* --- images --- */

static inline void random_bytes(unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i += 4) {
		fake_pci_put(&dev, i, 4, rnd32());
	}
}

/* Known capabilities with plausible flags, at places that need not be apart. */
static inline void random_caps(void)
{
	static const struct {
		uint8_t id;
		uint16_t flags;
	} kinds[] = {{PCI_CAP_PM, 0x0003}, {PCI_CAP_VPD, 0}, {PCI_CAP_MSI, 0x0186},
		{PCI_CAP_MSI, 0x0006}, {PCI_CAP_PCIX, 0}, {PCI_CAP_VENDOR, 0x0010},
		{PCI_CAP_VENDOR, 0x00ff}, {PCI_CAP_VENDOR, 0x0008}, {PCI_CAP_EXP, 0x0002},
		{PCI_CAP_EXP, 0x0001}, {PCI_CAP_MSIX, 0x0003}, {PCI_CAP_AF, 0x0306}, {0x0c, 0},
		{0x0d, 0}, {0x08, 0x8000}, {0x14, 1}};
	unsigned int link = PCI_CAP_PTR, pos = PCI_CAP_FIRST;

	dev.config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	while (pos < 0xf0) {
		unsigned int k = rnd(ARRAY_SIZE(kinds));

		dev.config[link] = (uint8_t)pos;
		dev.config[pos] = kinds[k].id;
		dev.config[pos + 1] = 0;
		fake_pci_put(&dev, pos + 2, 2, kinds[k].flags);
		if (kinds[k].id == PCI_CAP_MSIX) {
			fake_pci_put(&dev, pos + 4, 4, rnd(8) ? rnd(64) * 16 : rnd32());
			fake_pci_put(&dev, pos + 8, 4, rnd(8) ? 0x800 + rnd(64) * 8 : rnd32());
		}
		link = pos + 1;
		pos += 4 + 4 * rnd(rnd(2) ? 6 : 20);
	}
}

static inline void random_ext_caps(void)
{
	static const uint8_t ids[] = {PCI_EXT_CAP_AER, PCI_EXT_CAP_DSN, PCI_EXT_CAP_POWER,
		PCI_EXT_CAP_VENDOR, PCI_EXT_CAP_VENDOR, PCI_EXT_CAP_ACS, PCI_EXT_CAP_ATS, 0x10,
		PCI_EXT_CAP_REBAR, PCI_EXT_CAP_LTR, PCI_EXT_CAP_PASID};
	unsigned int pos = PCI_EXT_FIRST, most = rnd(3) ? 100 : 20;

	while (pos < 0xff0) {
		unsigned int next = pos + 4 + 4 * rnd(most), id = ids[rnd(ARRAY_SIZE(ids))];

		fake_pci_put(&dev, pos, 4, id | 1u << 16 | (next < 0xffc ? next << 20 : 0));
		if (id == PCI_EXT_CAP_VENDOR) {
			fake_pci_put(&dev, pos + 4, 4, rnd(most * 5) << 20 | 0x1234);
		}
		pos = next;
	}
}

static inline void spoil(void)
{
	switch (rnd(8)) {
	case 0: /* pointers into the header, backward, onto themselves */
		for (unsigned int i = 0; i < 8; i++) {
			dev.config[PCI_CAP_FIRST + 4 * rnd(48) + 1] = (uint8_t)rnd(256);
		}
		break;
	case 1:
		memset(dev.config + PCI_CAP_FIRST + rnd(190), 0xff, 1 + rnd(2));
		break;
	case 2: /* all ones from somewhere on */
		memset(dev.config + 0x34 + rnd(0x100), 0xff, 0xe00);
		break;
	case 3:
		for (unsigned int i = 0; i < 20; i++) {
			unsigned int pos = PCI_EXT_FIRST + 4 * rnd(0x3c0);

			fake_pci_put(&dev, pos, 4, rnd32());
		}
		break;
	case 4: /* every dword of the list leads to the next: 48 capabilities of 4 bytes */
		for (unsigned int pos = PCI_CAP_FIRST; pos < PCI_CAP_LIMIT; pos += 4) {
			dev.config[pos + 1] = (uint8_t)(pos + 4);
		}
		break;
	case 5: /* the extended list turns back, or is not aligned, at its third capability */
		for (unsigned int pos = PCI_EXT_FIRST, n = 0; n < 3 && pos; n++) {
			unsigned int next = fake_pci_get(&dev, pos + 2, 2) >> 4 & ~3u;

			if (n == 2) {
				fake_pci_put(&dev, pos, 4,
					(fake_pci_get(&dev, pos, 4) & 0xfffff) |
						(PCI_EXT_FIRST + rnd(0x100) * (1 + 3 * rnd(2)))
							<< 20);
			}
			pos = next >= PCI_EXT_FIRST ? next : 0;
		}
		break;
	default:
		for (unsigned int i = rnd(30); i; i--) {
			dev.config[rnd(0x1000)] = (uint8_t)rnd(256);
		}
		break;
	}
}

/* A quarter is random from end to end; of the others, some are as a device could be. */
static inline void make_image(unsigned int kind)
{
	random_bytes(kind % 4 ? PCI_CAP_FIRST : 0, PCI_CONFIG_EXT_SIZE);
	if (kind % 4) {
		random_caps();
		random_ext_caps();
	}
	if (kind % 4 > 1) {
		spoil();
	}
	if (rnd(16)) {
		dev.config[PCI_HEADER_TYPE] &= PCI_HEADER_MULTI;
	}
	/* Every bit of it sticks. */
	memset(dev.sticks, 0xff, sizeof(dev.sticks));
	memset(dev.w1c, 0, sizeof(dev.w1c));
}

/* --- what a guest may change --- */

/* may: bits that writes of a guest may change. kept: bits that some capability of the device says
 * are its own and no guest's; where two claim one place, it is kept. secret: bytes that no read of
 * a guest may reach: where the host has placed things. */
static uint8_t may[PCI_CONFIG_EXT_SIZE], kept[PCI_CONFIG_EXT_SIZE], secret[PCI_CONFIG_EXT_SIZE];

/* Bytes that say what the device is: ids, lists, and the flags of what is in them. */
static bool fixed[PCI_CONFIG_EXT_SIZE];

static inline void allow(unsigned int off, unsigned int size, uint32_t mask)
{
	for (unsigned int i = 0; i < size; i++) {
		may[off + i] |= (uint8_t)(mask >> (8 * i));
	}
}

/* A capability of size bytes at pos: all of it is kept but for these bits. */
static inline void keep(
	unsigned int pos, unsigned int size, unsigned int off, unsigned int n, uint32_t but)
{
	unsigned int end = pos < PCI_CAP_LIMIT ? PCI_CAP_LIMIT : PCI_EXT_LIMIT;

	for (unsigned int i = 0; i < size && pos + i < end; i++) {
		uint32_t not_kept = i >= off && i < off + n ? but >> (8 * (i - off)) : 0;

		kept[pos + i] |= (uint8_t)~not_kept;
	}
}

/* These are cleared by a written 1. */
static inline void clear_by_1(unsigned int off, unsigned int size, uint32_t mask)
{
	for (unsigned int i = 0; i < size && off + i < PCI_CONFIG_EXT_SIZE; i++) {
		dev.w1c[off + i] |= (uint8_t)(mask >> (8 * i));
		dev.sticks[off + i] &= (uint8_t) ~(mask >> (8 * i));
	}
}

/* Bits at off of a capability that a guest may change, if all of it is there. */
static inline void give(
	unsigned int pos, unsigned int size, unsigned int off, unsigned int n, uint32_t mask)
{
	if (pos + size <= (pos < PCI_CAP_LIMIT ? PCI_CAP_LIMIT : PCI_EXT_LIMIT)) {
		allow(pos + off, n, mask);
	}
}

static inline unsigned int msi_size(unsigned int flags)
{
	return flags & 0x100 ? (flags & 0x80 ? 24 : 20) : flags & 0x80 ? 14 : 10;
}

/* What may be written of Express: read requests, ordering, no-snoop; errors; completion timeout. */
static inline void judge_express(unsigned int pos, unsigned int flags, bool minimal)
{
	unsigned int size = (flags & 0xf) == 1 ? 0x14 : 0x34;

	keep(pos, 8, 0, 0, 0);
	kept[pos + 8] |= 0xef;
	kept[pos + 9] |= 0x87;
	for (unsigned int i = 10; i < size && pos + i < PCI_CAP_LIMIT; i++) {
		kept[pos + i] |= i == 10 ? 0xf0 : i == 0x28 ? 0xe0 : 0xff;
	}
	if (minimal) {
		return;
	}
	give(pos, 0x14, 8, 4, 0x000f7810);
	if (size == 0x34) {
		give(pos, 0x34, 0x28, 1, 0x1f);
	}
	/* A 1 must never be written to what starts a reset, read as it may. */
	if (pos + 0x14 <= PCI_CAP_LIMIT) {
		clear_by_1(pos + 9, 1, 0x80);
		clear_by_1(pos + 10, 2, 0xffff);
		clear_by_1(pos + 18, 2, 0xc000);
	}
}

/* Sizes of what is shown to nobody: AGP, slot numbers, CompactPCI (two), debug port, hot-plug,
 * bridge ids, AGP 8x, secure device, SATA, enhanced allocation. */
static inline unsigned int hidden_size(unsigned int id)
{
	static const uint8_t sizes[] = {[0x02] = 12,
		[0x04] = 4,
		[0x06] = 4,
		[0x08] = 8,
		[0x0a] = 4,
		[0x0b] = 4,
		[0x0c] = 4,
		[0x0d] = 8,
		[0x0e] = 12,
		[0x0f] = 4,
		[0x12] = 8,
		[0x14] = 8};

	return id < sizeof(sizes) ? sizes[id] : 0;
}

static inline void judge_cap(unsigned int pos, bool minimal)
{
	unsigned int id = dev.config[pos], flags = fake_pci_get(&dev, pos + 2, 2);
	unsigned int len = flags & 0xff;

	switch (id) {
	case PCI_CAP_PM:
		keep(pos, 8, 0, 0, 0);
		clear_by_1(pos + 5, 1, 0x80);
		break;
	case PCI_CAP_VPD:
		keep(pos, 2, 0, 0, 0);
		give(pos, 8, 2, 2, 0xffff);
		give(pos, 8, 4, 4, 0xffffffff);
		break;
	case PCI_CAP_MSI:
		keep(pos, msi_size(flags), 0, 0, 0);
		break;
	case PCI_CAP_MSIX:
		keep(pos, 12, 0, 0, 0);
		break;
	case PCI_CAP_PCIX:
		keep(pos, 4, 2, 2, minimal ? 0 : 0x7f);
		if (pos + 8 <= PCI_CAP_LIMIT) {
			keep(pos + 4, 4, 0, 4, minimal ? 0 : 0x200c0000);
		}
		give(pos, 8, 2, 2, minimal ? 0 : 0x7f);
		give(pos, 8, 4, 4, minimal ? 0 : 0x200c0000);
		clear_by_1(pos + 4, 4, 0x200c0000);
		break;
	case PCI_CAP_VENDOR:
		keep(pos, 3, 0, 0, 0);
		if (len >= 3 && pos + len <= PCI_CAP_LIMIT) {
			memset(may + pos + 3, 0xff, len - 3);
		}
		break;
	case PCI_CAP_EXP:
		judge_express(pos, flags, minimal);
		break;
	case PCI_CAP_AF:
		keep(pos, 6, 0, 0, 0);
		break;
	default:
		keep(pos, hidden_size(id), 0, 0, 0);
		break;
	}
}

/* Virtual channels, root complex things, access control, routing ids, address translation, SR-IOV
 * and MR-IOV, multicast, page requests, BAR sizes, power allocation, hints, latency, and so on. */
static inline unsigned int hidden_ext_size(unsigned int id)
{
	static const uint8_t sizes[] = {[0x02] = 16,
		[0x05] = 16,
		[0x06] = 12,
		[0x07] = 8,
		[0x08] = 16,
		[0x09] = 16,
		[0x0a] = 20,
		[0x0d] = 8,
		[0x0e] = 8,
		[0x0f] = 8,
		[0x10] = 64,
		[0x11] = 64,
		[0x12] = 48,
		[0x13] = 16,
		[0x15] = 12,
		[0x16] = 16,
		[0x17] = 12,
		[0x18] = 8,
		[0x19] = 16,
		[0x1a] = 16,
		[0x1b] = 8,
		[0x1d] = 16,
		[0x1e] = 16,
		[0x1f] = 12,
		[0x23] = 12,
		[0x24] = 12,
		[0x25] = 12,
		[0x26] = 32,
		[0x27] = 8};

	return id < sizeof(sizes) ? sizes[id] : 0;
}

static inline void judge_ext_cap(unsigned int pos)
{
	unsigned int id = fake_pci_get(&dev, pos, 2), len;

	switch (id) {
	case PCI_EXT_CAP_AER:
		keep(pos, 4, 0, 0, 0);
		keep(pos + 4, 4, 0, 4, 0x07fff030);
		keep(pos + 8, 8, 0, 0, 0);
		keep(pos + 16, 4, 0, 4, 0x0000f1c1);
		keep(pos + 20, 0x2c - 20, 0, 0, 0);
		give(pos, 0x2c, 4, 4, 0x07fff030);
		give(pos, 0x2c, 16, 4, 0x0000f1c1);
		clear_by_1(pos + 4, 4, 0xffffffff);
		clear_by_1(pos + 16, 4, 0xffffffff);
		break;
	case PCI_EXT_CAP_DSN:
		keep(pos, 12, 0, 0, 0);
		break;
	case PCI_EXT_CAP_POWER:
		keep(pos, 16, 4, 1, 0xff);
		give(pos, 16, 4, 1, 0xff);
		break;
	case PCI_EXT_CAP_VENDOR:
		keep(pos, 8, 0, 0, 0);
		len = pos + 8 <= PCI_EXT_LIMIT ? fake_pci_get(&dev, pos + 6, 2) >> 4 : 0;
		if (len >= 8 && pos + len <= PCI_EXT_LIMIT) {
			memset(may + pos + 8, 0xff, len - 8);
		}
		break;
	default:
		keep(pos, hidden_ext_size(id), 0, 0, 0);
		break;
	}
}

/* All that can be reached by the device's pointers, in whatever order they go. */
static inline void judge_image(bool minimal)
{
	bool seen[PCI_CONFIG_EXT_SIZE] = {false};
	unsigned int pos = dev.config[PCI_CAP_PTR] & 0xfcu;

	memset(may, 0, sizeof(may));
	memset(kept, 0, sizeof(kept));
	memset(secret, 0, sizeof(secret));
	memset(fixed, 0, sizeof(fixed));
	memset(fixed, true, PCI_BAR0);
	fixed[PCI_CAP_PTR] = true;
	memset(secret + PCI_BAR0, 1, 4 * PCI_NUM_BARS);
	memset(secret + PCI_ROM_BAR, 1, 4);
	allow(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	allow(PCI_STATUS, 2, 0xf900);
	clear_by_1(PCI_STATUS, 2, 0xf900);
	allow(PCI_CACHE_LINE, 2, minimal ? 0xffff : 0);
	for (; pos >= PCI_CAP_FIRST && !seen[pos]; pos = dev.config[pos + 1] & 0xfcu) {
		seen[pos] = true;
		memset(fixed + pos, true, dev.config[pos] == PCI_CAP_MSIX ? 12 : 4);
		judge_cap(pos, minimal);
	}
	pos = PCI_EXT_FIRST;
	while (!minimal && pos >= PCI_EXT_FIRST && !seen[pos]) {
		uint32_t link = fake_pci_get(&dev, pos, 4);

		seen[pos] = true;
		memset(fixed + pos, true, pos + 8 <= PCI_EXT_LIMIT ? 8 : 4);
		if (link && link != UINT32_MAX) {
			judge_ext_cap(pos);
			pos = link >> 20 & ~3u;
		}
	}
	for (unsigned int i = 0; i < sizeof(may); i++) {
		may[i] &= (uint8_t)~kept[i];
	}
}

#endif
