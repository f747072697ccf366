// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio_perm*.c: what the permission tables may say, what they say of an access, and the walk
 * through a device's lists.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pci_policy.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct pci_policy *const policies[] = {&pci_policy_full, &pci_policy_minimal};

static uint32_t ones(unsigned int size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/* --- the tables --- */

static void check_field(const struct vfio_perm *p, const struct vfio_perm_field *f)
{
	uint32_t all = f->len ? ones(f->len) : 0xff;

	if (f->len > 4 || f->len == 3 || (f->len && f->off % f->len) || !f->name) {
		fail_msg("%s: field at 0x%x", p->name, f->off);
	}
	/* Nothing outside the field; starts are of what is ours; a bit is one of ours or of those
	 * that clear by a 1, and only what is ours or the device's is acted upon. */
	if (((f->virt | f->write | f->w1c | f->keep | f->set | f->act_bits) & ~all) ||
		((f->keep | f->set) & ~f->virt) || (f->keep & f->set)) {
		fail_msg("%s: %s: masks", p->name, f->name);
	}
	/* A bit that clears by a 1 can be written as such, or not at all. */
	if (f->write & f->w1c & f->virt) {
		fail_msg("%s: %s: clears by a 1 in the copy", p->name, f->name);
	}
	/* What starts a reset or moves a BAR never reaches the device by itself. */
	if ((f->act == VFIO_PERM_FLR || f->act == VFIO_PERM_POWER) && (f->write & f->act_bits)) {
		fail_msg("%s: %s: acts and writes", p->name, f->name);
	}
}

static void check_table(const struct vfio_perm *p, unsigned int first_len)
{
	for (unsigned int i = 0; i < p->nfields; i++) {
		check_field(p, &p->fields[i]);
		/* In rising order, apart; one of no length is the last. */
		if (i && (!p->fields[i - 1].len ||
				 p->fields[i].off < p->fields[i - 1].off + p->fields[i - 1].len)) {
			fail_msg("%s: %s comes too early", p->name, p->fields[i].name);
		}
	}
	if (first_len) {
		/* The list is ours. */
		assert_int_equal(p->fields[0].off, 0);
		assert_int_equal(p->fields[0].len, first_len);
		assert_int_equal(p->fields[0].virt, ones(first_len));
		assert_int_equal(p->fields[0].write, 0);
	}
}

/* SEED-002.2: the tables are data, the same for all devices; they say nothing that has no
 * meaning. */
static void test_tables_are_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		const struct pci_policy *p = policies[i];

		check_table(p->header, 0);
		for (unsigned int k = 0; k < p->nstd; k++) {
			check_table(&p->std[k], 2);
		}
		for (unsigned int k = 0; k < p->next; k++) {
			check_table(&p->ext[k], 4);
			for (unsigned int n = 0; n < p->ext[k].nfields; n++) {
				const struct vfio_perm_field *f = &p->ext[k].fields[n];

				/* There is no copy of extended space. */
				assert_int_equal(f->virt & f->write, 0);
				assert_int_equal(f->keep | f->set, 0);
			}
		}
		assert_ptr_equal(pci_policy_find(p->name), p);
	}
	assert_null(pci_policy_find("none"));
	assert_null(pci_policy_find(""));
}

static const struct vfio_perm *find(const struct vfio_perm *rows, unsigned int n, unsigned int id)
{
	for (unsigned int i = 0; i < n; i++) {
		if (rows[i].id == id) {
			return &rows[i];
		}
	}
	return NULL;
}

/* CF-10, DM-10, SEED-002.4: what would reach past the function is in no table. */
static void test_what_reaches_further_has_no_table(void **state)
{
	static const uint8_t hidden[] = {
		0x00, 0x02, 0x06, 0x08, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x14};
	static const uint8_t ext_hidden[] = {0x00, 0x02, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0c,
		PCI_EXT_CAP_ACS, PCI_EXT_CAP_ARI, PCI_EXT_CAP_ATS, 0x10, 0x11, 0x12,
		PCI_EXT_CAP_PRI, 0x14, PCI_EXT_CAP_REBAR, 0x16, PCI_EXT_CAP_TPH, PCI_EXT_CAP_LTR,
		0x19, 0x1a, PCI_EXT_CAP_PASID, 0x1c, PCI_EXT_CAP_DPC, PCI_EXT_CAP_L1PM,
		PCI_EXT_CAP_PTM, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a,
		0x2b, 0x2c, 0x2d, 0x2e, 0x2f};

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
			assert_null(find(policies[p]->std, policies[p]->nstd, hidden[i]));
		}
		for (size_t i = 0; i < ARRAY_SIZE(ext_hidden); i++) {
			assert_null(find(policies[p]->ext, policies[p]->next, ext_hidden[i]));
		}
	}
	/* SEED-002.3: of 0 .. 0x2f the others have one. */
	assert_int_equal(ARRAY_SIZE(ext_hidden) + pci_policy_full.next, 0x30);
}

/* --- an access --- */

/* SEED-002.14, SEED-002.15: bytes give the same as words and dwords, up to the end of a capability
 * whose length is no multiple of 4, and behind it is nothing. */
static void test_masks_of_any_width_agree(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		for (unsigned int k = 0; k < policies[p]->nstd; k++) {
			const struct vfio_perm *perm = &policies[p]->std[k];
			unsigned int len = 14;

			for (unsigned int off = 0; off < 16; off += 4) {
				struct vfio_perm_masks dword, byte;

				vfio_perm_get(perm, len, off, 4, &dword);
				for (unsigned int i = 0; i < 4; i++) {
					vfio_perm_get(perm, len, off + i, 1, &byte);
					assert_int_equal(byte.virt, dword.virt >> (8 * i) & 0xff);
					assert_int_equal(byte.write, dword.write >> (8 * i) & 0xff);
					assert_int_equal(byte.w1c, dword.w1c >> (8 * i) & 0xff);
				}
				if (off == 12) {
					assert_int_equal(dword.virt >> 16, 0xffff);
					assert_int_equal(dword.write >> 16, 0);
				}
			}
		}
	}
}

/* A few words by hand: CF-10, SEED-002.6, SEED-002.8, SEED-002.9, SEED-002.10, SEED-002.13. */
static void test_words_by_hand(void **state)
{
	static const struct {
		unsigned int id; /* 0: the header */
		unsigned int off, size;
		uint32_t virt, write, w1c;
	} cases[] = {
		{0, PCI_VENDOR_ID, 4, 0, 0, 0},
		{0, PCI_COMMAND, 4, 0x00100403, 0xf9000406, 0xf9000000},
		{0, PCI_CACHE_LINE, 4, 0xff80ffff, 0x0000ffff, 0},
		{0, PCI_ROM_BAR, 4, 0xffffffff, 0xffffffff, 0},
		{0, 0x34, 4, 0x000000ff, 0, 0},
		{0, PCI_INTERRUPT_LINE, 4, 0x000000ff, 0x000000ff, 0},
		{PCI_CAP_PM, 4, 4, 0x00008100, 0, 0x00008000},
		{PCI_CAP_VPD, 0, 4, 0x0000ffff, 0xffff0000, 0},
		{PCI_CAP_PCIX, 0, 4, 0x0000ffff, 0x007f0000, 0},
		{PCI_CAP_EXP, 4, 4, 0x00000018, 0, 0},
		{PCI_CAP_EXP, 8, 4, 0x0000800f, 0x000f781f, 0xffff8000},
		{PCI_CAP_EXP, 16, 4, 0, 0, 0xc0000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vfio_perm *p =
			cases[i].id ? find(vfio_perm_std, VFIO_PERM_NUM_STD, cases[i].id)
				    : &vfio_perm_header;
		struct vfio_perm_masks m;

		vfio_perm_get(p, 0x40, cases[i].off, cases[i].size, &m);
		if (m.virt != cases[i].virt || m.write != cases[i].write || m.w1c != cases[i].w1c) {
			fail_msg("case %zu: %x %x %x", i, m.virt, m.write, m.w1c);
		}
	}
}

/* --- sizes --- */

/* SEED-000.12, SEED-003.15, SEED-003.18, SEED-003.19, SEED-003.26: by id, flags and room. */
static void test_sizes(void **state)
{
	static const struct {
		unsigned int (*size)(const struct vfio_perm_probe *p);
		uint32_t flags;
		unsigned int room, want;
	} cases[] = {
		{vfio_perm_pm_size, 0, 8, 8},
		{vfio_perm_pm_size, 0, 7, 0},
		{vfio_perm_vpd_size, 0, 8, 8},
		{vfio_perm_vpd_size, 0, 4, 0},
		{vfio_perm_pcix_size, 0, 7, 0},
		{vfio_perm_vendor_size, 0x5500, 100, 0},
		{vfio_perm_vendor_size, 0x5501, 100, 0},
		{vfio_perm_vendor_size, 0x5502, 100, 0},
		{vfio_perm_vendor_size, 0x5503, 100, 3},
		{vfio_perm_vendor_size, 0x00ff, 255, 255},
		{vfio_perm_vendor_size, 0x00ff, 254, 0},
		{vfio_perm_msi_size, 0x0000, 100, 0},
		{vfio_perm_msi_size, 0x0080, 14, 14},
		{vfio_perm_msi_size, 0x0080, 13, 0},
		{vfio_perm_msi_size, 0x0180, 24, 14},
		{vfio_perm_msi_size, 0x0180, 23, 0},
		{vfio_perm_msi_size, 0x008c, 100, 0},
		{vfio_perm_msi_size_short, 0x0000, 10, 10},
		{vfio_perm_msi_size_short, 0x0000, 9, 0},
		{vfio_perm_msi_size_short, 0x0100, 20, 10},
		{vfio_perm_msi_size_short, 0x0100, 19, 0},
		{vfio_perm_msi_size_short, 0x0080, 14, 10},
		{vfio_perm_msi_size_short, 0x0080, 13, 0},
		{vfio_perm_msi_size_short, 0x000a, 10, 10},
		{vfio_perm_msi_size_short, 0x000c, 10, 0},
		{vfio_perm_msi_size_short, 0x000e, 10, 0},
		{vfio_perm_msix_size, 0, 12, 12},
		{vfio_perm_msix_size, 0, 11, 0},
		{vfio_perm_exp_size_v1, 0x0001, 0x14, 0x14},
		{vfio_perm_exp_size_v1, 0x0001, 0x13, 0},
		{vfio_perm_exp_size_v1, 0x0002, 0x40, 0},
		{vfio_perm_exp_size_v2, 0x0002, 0x33, 0},
		{vfio_perm_exp_size_v2, 0x0002, 0x34, 0x34},
		{vfio_perm_exp_size_v2, 0x0002, 0x3b, 0x3b},
		{vfio_perm_exp_size_v2, 0x0002, 0x40, 0x3c},
		{vfio_perm_exp_size_v2, 0x0003, 0x40, 0},
		{vfio_perm_exp_size_v2, 0x0000, 0x40, 0},
		{vfio_perm_exp_size_v2, 0x0001, 0x40, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vfio_perm_probe p = {.flags = cases[i].flags, .room = cases[i].room};

		if (cases[i].size(&p) != cases[i].want) {
			fail_msg("case %zu: %u", i, cases[i].size(&p));
		}
	}
	for (unsigned int type = 0; type < 16; type++) {
		const struct vfio_perm_probe p = {.flags = type << 4 | 1, .room = 0x40};
		const struct vfio_perm_probe q = {.flags = type << 4 | 2, .room = 0x40};
		bool want = type == 0 || type == 1 || type == 9;

		assert_int_equal(vfio_perm_exp_size_v1(&p), want ? 0x14 : 0);
		assert_int_equal(vfio_perm_exp_size_v2(&q), want ? 0x3c : 0);
	}
	/* The one function whose version 2 is called 0. */
	const struct vfio_perm_probe odd = {.room = 0x3c, .vendor = 0x8086, .device = 0x10ed};
	const struct vfio_perm_probe cut = {.room = 0x3b, .vendor = 0x8086, .device = 0x10ed};

	assert_int_equal(vfio_perm_exp_size_v2(&odd), 0x3c);
	assert_int_equal(vfio_perm_exp_size_v2(&cut), 0);
}

/* --- the walk --- */

static uint8_t config[4096];
static unsigned int nreads, fail_at;

static int read_config(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	(void)arg;
	assert_true(size == 1 || size == 2 || size == 4);
	assert_int_equal(off % size, 0);
	assert_in_range(off, 0, sizeof(config) - size);
	*val = 0;
	for (unsigned int i = 0; i < size; i++) {
		*val |= (uint32_t)config[off + i] << (8 * i);
	}
	return ++nreads == fail_at ? -EIO : 0;
}

static void put_ext(unsigned int pos, unsigned int id, unsigned int next)
{
	uint32_t v = id | 1u << 16 | next << 20;

	for (unsigned int i = 0; i < 4; i++) {
		config[pos + i] = (uint8_t)(v >> (8 * i));
	}
}

static void fresh(void)
{
	memset(config, 0, sizeof(config));
	nreads = fail_at = 0;
}

/* CF-07: next below 0x100, onto itself, back to what is listed, unaligned, past the end: the list
 * ends there; that it does not where the device says so is told. */
static void test_ext_list_ends(void **state)
{
	static const struct {
		unsigned int next, n;
		bool cut;
	} cases[] = {{0, 1, false}, {0x40, 1, false}, {0xfc, 1, false}, {0x100, 1, false},
		{0x140, 2, false}, {0x142, 1, true}, {0x141, 1, true}, {0x103, 1, false},
		{0xffc, 2, false}, {0xffd, 1, true}, {0xfff, 1, true}, {0x104, 2, false}};
	struct vfio_cap_list l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fresh();
		put_ext(0x100, 1, cases[i].next);
		for (unsigned int pos = 0x104; pos < 0x1000; pos += 4) {
			put_ext(pos, 3, 0x100); /* and all of them back again */
		}
		assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), 0);
		if (l.n != cases[i].n || l.cut != cases[i].cut) {
			fail_msg("next 0x%x: %u capabilities", cases[i].next, l.n);
		}
		assert_int_equal(l.caps[l.n - 1].room, 0x1000 - l.caps[l.n - 1].pos);
		assert_int_equal(nreads, l.n);
	}
}

/* CF-07: backward, to a place where it has not been. */
static void test_ext_list_does_not_turn_back(void **state)
{
	struct vfio_cap_list l;

	(void)state;
	fresh();
	put_ext(0x100, 1, 0x200);
	put_ext(0x200, 1, 0x1fc);
	put_ext(0x1fc, 1, 0);
	assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), 0);
	assert_int_equal(l.n, 2);
	assert_true(l.cut);
}

/* SEED-003.28: what starts before another's registers end is marked, whatever order the list is in;
 * exact neighbours are not. */
static void test_capabilities_over_others_are_marked(void **state)
{
	static const struct {
		uint8_t id;
		uint16_t flags;
		unsigned int size; /* in whole dwords */
	} first[] = {{PCI_CAP_PM, 0, 8}, {PCI_CAP_MSI, 0, 12}, {PCI_CAP_MSI, 0x80, 16},
		{PCI_CAP_MSI, 0x100, 20}, {PCI_CAP_MSI, 0x180, 24}, {PCI_CAP_PCIX, 0, 8},
		{PCI_CAP_EXP, 1, 0x14}, {PCI_CAP_EXP, 2, 0x34}, {PCI_CAP_MSIX, 0, 12},
		{PCI_CAP_AF, 6, 8}, {0x0d, 0, 8}, {PCI_CAP_VENDOR, 0x40, 4}, {0xf0, 0, 4}};
	struct vfio_cap_list l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		for (unsigned int gap = 4; gap <= first[i].size; gap += 4) {
			fresh();
			config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
			config[PCI_CAP_PTR] = (uint8_t)(0x80 + gap);
			config[0x80 + gap] = PCI_CAP_VENDOR;
			config[0x80 + gap + 1] = 0x80;
			config[0x80] = first[i].id;
			config[0x82] = (uint8_t)first[i].flags;
			config[0x83] = (uint8_t)(first[i].flags >> 8);
			assert_int_equal(vfio_walk_caps(read_config, NULL, &l), 0);
			assert_int_equal(l.n, 2);
			if (l.caps[0].covered != (gap < first[i].size) || l.caps[1].covered) {
				fail_msg("id 0x%x, flags 0x%x, 0x%x behind it", first[i].id,
					first[i].flags, gap);
			}
		}
	}
}

static void test_long_ext_list_is_cut(void **state)
{
	struct vfio_cap_list l;

	(void)state;
	fresh();
	for (unsigned int pos = 0x100; pos < 0x1000; pos += 4) {
		put_ext(pos, 0x0b, (pos + 4) & 0xfff);
	}
	assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), 0);
	assert_int_equal(l.n, PCI_EXT_MAX);
	assert_int_equal(nreads, PCI_EXT_MAX);
	assert_true(l.cut);
	assert_int_equal(l.caps[0].room, 4);
}

static void test_empty_ext_lists(void **state)
{
	struct vfio_cap_list l;

	(void)state;
	fresh();
	assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), 0);
	assert_int_equal(l.n, 0);
	memset(config, 0xff, sizeof(config));
	assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(nreads, 2);
}

/* CF-06: 200 random permutations of places come in their order, with their rooms. */
static void test_std_list_is_walked_in_order(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		struct vfio_cap_list l;
		uint8_t order[PCI_CAP_MAX];
		unsigned int n, link = PCI_CAP_PTR;

		fresh();
		config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
		for (n = 0; n < PCI_CAP_MAX; n++) {
			order[n] = (uint8_t)(0x40 + 4 * n);
		}
		for (unsigned int i = n - 1; i; i--) {
			seed = seed * 1664525u + 1013904223u;
			unsigned int k = (seed >> 8) % (i + 1);
			uint8_t t = order[i];

			order[i] = order[k];
			order[k] = t;
		}
		n = 1 + (seed >> 16) % PCI_CAP_MAX;
		for (unsigned int i = 0; i < n; i++) {
			config[link] = (uint8_t)(order[i] | (seed >> (i % 30) & 3));
			config[order[i]] = (uint8_t)(i + 1);
			link = order[i] + 1u;
		}
		assert_int_equal(vfio_walk_caps(read_config, NULL, &l), 0);
		assert_int_equal(l.n, n);
		for (unsigned int i = 0; i < n; i++) {
			unsigned int end = 0x100;

			for (unsigned int k = 0; k < n; k++) {
				if (order[k] > order[i] && order[k] < end) {
					end = order[k];
				}
			}
			assert_int_equal(l.caps[i].pos, order[i]);
			assert_int_equal(l.caps[i].id, i + 1);
			assert_int_equal(l.caps[i].room, end - order[i]);
			assert_ptr_equal(vfio_find_cap(&l, i + 1), &l.caps[i]);
		}
		assert_null(vfio_find_cap(&l, 0xff));
		assert_in_range(nreads, n + 2, n + 2);
	}
}

/* SEED-001.33 */
static void test_failed_cycle_ends_the_walk(void **state)
{
	struct vfio_cap_list l;

	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		fresh();
		config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
		config[PCI_CAP_PTR] = 0x40;
		config[0x41] = 0x50;
		put_ext(0x100, 1, 0x200);
		put_ext(0x200, 1, 0x300);
		put_ext(0x300, 1, 0x400);
		put_ext(0x400, 1, 0);
		fail_at = n;
		assert_int_equal(vfio_walk_caps(read_config, NULL, &l), -EIO);
		assert_int_equal(nreads, n);
		nreads = 0;
		assert_int_equal(vfio_walk_ext_caps(read_config, NULL, &l), -EIO);
		assert_int_equal(nreads, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_what_reaches_further_has_no_table),
		cmocka_unit_test(test_masks_of_any_width_agree),
		cmocka_unit_test(test_words_by_hand),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ext_list_ends),
		cmocka_unit_test(test_ext_list_does_not_turn_back),
		cmocka_unit_test(test_capabilities_over_others_are_marked),
		cmocka_unit_test(test_long_ext_list_is_cut),
		cmocka_unit_test(test_empty_ext_lists),
		cmocka_unit_test(test_std_list_is_walked_in_order),
		cmocka_unit_test(test_failed_cycle_ends_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
