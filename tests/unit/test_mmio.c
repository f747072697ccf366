// SPDX-License-Identifier: Apache-2.0
/*
 * core/mmio.c, and below it all that a trapped load or store goes through: which bytes of which
 * function a guest-real address is.
 */
#include "tests/unit/msi_help.h"

#include "core/mmio.h"
#include "tests/fake/fake_pci.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MMIO_SIZE 0x80000000ull

static int access_at(gpa_t at, unsigned int size, bool write, uint64_t *val)
{
	return mmio_access(&help_part->vcpus[1], at, size, write, val);
}

static uint64_t load(uint64_t off, unsigned int size)
{
	uint64_t val = 0x5a5a5a5a5a5a5a5a;

	assert_int_equal(access_at(help_at(off), size, false, &val), 0);
	return val;
}

static void store(uint64_t off, unsigned int size, uint64_t val)
{
	assert_int_equal(access_at(help_at(off), size, true, &val), 0);
}

static int setup(void **state)
{
	help_setup(state);
	help_write(0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	return 0;
}

/* What is not a BAR of the caller's has no answer. */
static void test_addresses_without_a_bar_have_no_answer(void **state)
{
	const uint64_t base = help_part->phbs[0].at.mmio32.v;
	const struct {
		uint64_t at;
		unsigned int size;
		int err;
	} cases[] = {
		{base, 4, 0}, {base + HELP_BAR - 8, 8, 0}, {base + HELP_BAR, 4, 0}, /* another's */
		{base + HELP_BAR + 0x4000, 4, -ENOENT}, {base - 4, 4, -ENOENT},
		{base + MMIO_SIZE - 4, 4, -ENOENT}, {base + MMIO_SIZE, 4, -ENOENT},
		{base + HELP_TABLE + 1, 2, -ENOENT}, {0, 8, -ENOENT}, {HELP_MEM, 8, -ENOENT},
		{UINT64_MAX, 1, -ENOENT}, {UINT64_MAX - 7, 8, -ENOENT},
		{0x600c000000000, 4, -ENOENT}, /* host-real */
	};
	uint64_t val = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			access_at(gpa(cases[i].at), cases[i].size, false, &val), cases[i].err);
		assert_int_equal(
			access_at(gpa(cases[i].at), cases[i].size, true, &val), cases[i].err);
	}
}

/* SEED-001.38: all of the BAR is mapped to the device but the two pages, and those answer. */
static void test_bar_is_mapped_but_for_table_and_pending_bits(void **state)
{
	const uint64_t cpu = help_board.funcs[1].bars[0].cpu.v;

	(void)state;
	for (uint64_t off = 0; off < HELP_BAR; off += MEM_PAGE) {
		const struct fake_arch_mmio *m = fake_arch_find_mmio(help_part, help_at(off));

		if (off == HELP_TABLE || off == 0x3000) {
			assert_null(m);
		} else {
			assert_non_null(m);
			assert_true(m->to.v + (help_at(off).v - m->at.v) == cpu + off);
		}
	}
	assert_int_equal(fake_arch.nmmio, 2);
}

/* SEED-001.37: each byte is the device's, but the table's. */
static void test_each_byte_is_the_devices_but_the_tables(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HELP_BAR; i++) {
		if (i < HELP_TABLE || i >= HELP_TABLE + 16 * HELP_VECTORS) {
			help_bar[i] = (uint8_t)(i * 5 + (i >> 8));
		}
	}
	for (unsigned int off = 0; off < HELP_BAR; off += 8) {
		uint64_t val = load(off, 8), want = 0;

		for (unsigned int i = 0; i < 8; i++) {
			want |= (uint64_t)help_bar[off + i] << (8 * i);
		}
		if (off >= HELP_TABLE && off < HELP_TABLE + 16 * HELP_VECTORS) {
			want = off % 16 ? 0x100000000 : 0;
		}
		assert_true(val == want);
	}
	store(0x2400, 4, 0x11223344);
	assert_int_equal(help_bar[0x2400], 0x44);
	assert_int_equal(help_bar[0x2403], 0x11);
	assert_int_equal(help_bar[0x2404], (uint8_t)(0x2404 * 5 + 0x24));
}

/* MM-02: storms on the table and behind its end leave real messages and the books alone. */
static void test_writes_never_reach_a_message(void **state)
{
	static uint8_t before[16 * HELP_VECTORS];
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(msi_request(help_part, help_func(0), PCI_IRQ_MSIX, 8), 0);
	memcpy(before, help_bar + HELP_TABLE, sizeof(before));
	for (unsigned int i = 0; i < 20000; i++) {
		seed = seed * 1664525u + 1013904223u;
		unsigned int size = 1u << (seed >> 28 & 3);
		uint64_t off = (seed >> 8) % (16 * HELP_VECTORS + 64) & ~(uint64_t)(size - 1);

		store(HELP_TABLE + off, size, seed * 0x9e3779b97f4a7c15ull);
		store(0x3000 + (off & 0x38), size, UINT64_MAX);
	}
	for (unsigned int v = 0; v < HELP_VECTORS; v++) {
		assert_memory_equal(before + 16 * v, help_bar + HELP_TABLE + 16 * v, 12);
		assert_int_equal(help_entry(v, 12) & ~1u, 0);
		assert_int_equal(v < 8 ? 1 : help_entry(v, 12), 1);
		assert_true(load(HELP_TABLE + 16 * v + 8, 4) == (v < 8 ? XICS_MSI_FIRST + v : 0));
	}
	assert_int_equal(help_bar[0x3000], 0);
}

/* CF-02: the address follows the BAR, the memory enable decides, and a gone device is all ones. */
static void test_address_follows_the_guests_bar(void **state)
{
	uint64_t val;

	(void)state;
	help_write(0, PCI_BAR0, 4, 0x90000000);
	assert_int_equal(access_at(help_at(HELP_TABLE), 4, false, &val), -ENOENT);
	assert_true(load(0x10000000 + HELP_TABLE + 12, 4) == 1);
	fake_find_func(&help_phb, 0x100)->gone = true;
	(void)help_read(0, PCI_VENDOR_ID, 2);
	assert_true(load(0x10000000 + 0x2800, 4) == 0xffffffff);
	help_write(0, PCI_COMMAND, 2, 0);
	assert_true(load(0x10000000 + HELP_TABLE + 12, 4) == 1);
}

/* CF-01, CF-02: a BAR that is off gives all ones and takes what is stored; over one of another
 * function that is on it has no say, whichever comes first. */
static void test_a_bar_that_is_off_hides_nobody(void **state)
{
	static const struct pci_bar bars[PCI_NUM_BARS] = {{.size = 0x1000, .value = 0x80000000}};
	static struct fake_pci devs[2];
	static struct partition p;
	static struct phb bridge;
	struct vcpu *vcpu = &p.vcpus[0];
	struct phb *phb = &bridge;
	uint64_t val;

	(void)state;
	memset(&p, 0, sizeof(p));
	memset(&bridge, 0, sizeof(bridge));
	vcpu->partition = &p;
	p.phbs = phb;
	p.nphbs = 1;
	phb->nfuncs = 2;
	assert_int_equal(phb_place(0, &phb->at), 0);
	for (unsigned int i = 0; i < 2; i++) {
		fake_pci_init(&devs[i], bars);
		devs[i].bar_mem[0][8] = (uint8_t)(0x70 + i);
		assert_int_equal(
			pci_func_init(&phb->funcs[i], i, bars, &fake_pci_ops, &devs[i]), 0);
	}
	for (unsigned int on = 0; on < 4; on++) {
		gpa_t at = gpa(phb->at.mmio32.v + 8);

		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(pci_config_write(&phb->funcs[i], PCI_COMMAND, 2,
						 on >> i & 1 ? PCI_COMMAND_MEMORY : 0),
				0);
			fake_pci_forget(&devs[i]);
		}
		val = 0;
		assert_int_equal(mmio_access(vcpu, at, 1, false, &val), 0);
		assert_int_equal(val, on == 0 ? 0xff : on == 2 ? 0x71 : 0x70);
		val = on == 2 ? 0x71 : 0x70;
		assert_int_equal(mmio_access(vcpu, at, 1, true, &val), 0);
		assert_int_equal(devs[0].nbar_writes, on & 1);
		assert_int_equal(devs[1].nbar_writes, on == 2);
	}
	assert_int_equal(
		mmio_access(vcpu, gpa(phb->at.mmio32.v + 0x1000), 1, false, &val), -ENOENT);
}

/* --- devices that die, and those that go to others --- */

/* MM-06, SEED-001.79: loads from a device that is frozen, or gone: all ones, 10^5 of them and as
 * many stores, and nothing is done for them but the load itself, nor written into the log. */
static void test_loads_of_a_dead_device_are_cheap(void **state)
{
	struct host_group *g = &help_board.groups[0];

	(void)state;
	for (unsigned int way = 0; way < 2; way++) {
		unsigned int cycles, lines;

		help_phb.frozen[g->pe] = way == 0;
		if (way == 1) {
			fake_find_func(&help_phb, 0x100)->gone = true;
			(void)help_read(0, PCI_VENDOR_ID, 2);
		}
		cycles = help_phb.calls;
		lines = fake_arch.nwrites;
		for (unsigned int i = 0; i < 100000; i++) {
			unsigned int size = 1u << i % 4;

			if (load(0x2800, size) != UINT64_MAX >> (64 - 8 * size)) {
				fail_msg("load %u of %u bytes is not all ones", i, size);
			}
			store(0x2800, size, 0);
		}
		assert_int_equal(help_phb.calls, cycles);
		assert_int_equal(fake_arch.nwrites, lines);
	}
}

static unsigned int mapped_at_close;
static struct host_phb_ops ops;

static int count_at_close(struct host_phb *p, unsigned int pe, unsigned int win)
{
	mapped_at_close += fake_arch.nmmio;
	return fake_phb_ops.window_off(p, pe, win);
}

/* MM-07: when a function is taken away nothing of its BARs, 64-bit ones too, is mapped any more
 * (which takes the processors' translations with it) before its windows close; whoever gets it
 * then is the only one that reaches it. */
static void test_nothing_is_mapped_when_a_function_changes_hands(void **state)
{
	const struct plan_partition plan = {.name = "beta",
		.memory = HELP_MEM,
		.nphbs = 1,
		.phbs = {{.id = "CXGB3", .index = 2, .window_size = 0x1000000}}};
	struct partition *old = help_part, *next = calloc(1, sizeof(*next));
	const uint64_t wide = old->phbs[0].funcs[2].bars[2].value - PHB_MMIO32_BUS;
	const gpa_t stale[] = {help_at(0), help_at(HELP_TABLE), help_at(wide)};
	const struct fake_arch_mmio *m;
	uint64_t val;

	(void)state;
	assert_non_null(next);
	help_write(2, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	m = fake_arch_find_mmio(old, stale[2]);
	assert_non_null(m);
	assert_int_equal(m->size, 0x4000);
	ops = fake_phb_ops;
	ops.window_off = count_at_close;
	help_board.phbs[0].ops = &ops;
	mapped_at_close = 0;
	assert_true(partition_unbind_phbs(old));
	assert_int_equal(mapped_at_close, 0);
	assert_int_equal(fake_arch.nmmio, 0);
	assert_int_equal(
		fake_arch_count(FAKE_ARCH_MAP_MMIO), fake_arch_count(FAKE_ARCH_UNMAP_MMIO));

	next->lpid = 2;
	strcpy(next->name, "beta");
	next->board = &help_board;
	next->vfio = &help_vfio;
	next->pool = &help_ram.pool;
	next->mem = old->mem;
	assert_int_equal(arch_partition_init(next, next->pool), 0);
	assert_int_equal(page_pool_init(&next->tables, next->pool, HELP_TABLES), 0);
	assert_int_equal(partition_alloc_phbs(next, 1), 0);
	next->plan = &plan;
	assert_int_equal(partition_bind_phbs(next), 0);
	assert_int_equal(
		pci_config_write(&next->phbs[0].funcs[2], PCI_COMMAND, 2, PCI_COMMAND_MEMORY), 0);
	assert_int_equal(fake_arch.nmmio, 1);
	assert_non_null(fake_arch_find_mmio(next, gpa(next->phbs[0].at.mmio32.v + wide)));
	for (size_t i = 0; i < ARRAY_SIZE(stale); i++) {
		assert_null(fake_arch_find_mmio(old, stale[i]));
		assert_int_equal(access_at(stale[i], 4, false, &val), -ENOENT);
		assert_int_equal(access_at(stale[i], 4, true, &val), -ENOENT);
	}
	assert_true(partition_unbind_phbs(next));
	free(next);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_addresses_without_a_bar_have_no_answer),
		TEST(test_bar_is_mapped_but_for_table_and_pending_bits),
		TEST(test_each_byte_is_the_devices_but_the_tables),
		TEST(test_writes_never_reach_a_message),
		TEST(test_address_follows_the_guests_bar),
		TEST(test_loads_of_a_dead_device_are_cheap),
		TEST(test_nothing_is_mapped_when_a_function_changes_hands),
		cmocka_unit_test(test_a_bar_that_is_off_hides_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
