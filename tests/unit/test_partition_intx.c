// SPDX-License-Identifier: Apache-2.0
/*
 * core/partition_intx.c: which of the host's four lines a function's pin is, whose a line is that
 * several functions share, and that the guest's tree says the same.
 */
#include "tests/unit/dt_help.h"

#include "core/dt_fill.h"
#include "core/partition_parts.h"
#include "core/xics.h"
#include "dt/dt_guest.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_pci.h"

#define LINES	  0x50u /* of the host bridge, the first */
#define PARTS	  2u
#define MAX_DEPTH 3u

static struct board board;
static struct vfio_group groups[PARTS + 1];
static struct vfio vfio;
static struct vfio_device devices[PARTS][PHB_MAX_FUNCS];
static struct phb phbs[PARTS];
static struct partition_phb bound[PARTS];
static struct partition *parts[PARTS];
static struct fake_pci devs[PARTS][PHB_MAX_FUNCS];
static const struct pci_bar no_bars[PCI_NUM_BARS];

static void empty_board(void)
{
	memset(&board, 0, sizeof(board));
	board.nphbs = 1;
	board.phbs[0].lsi_first = LINES;
	board.ngroups = PARTS + 1;
	vfio.board = &board;
	for (unsigned int i = 0; i < board.ngroups; i++) {
		board.groups[i] = (struct host_group){.id = i, .nfuncs = 1};
		groups[i] = (struct vfio_group){.vfio = &vfio, .host = i};
	}
	memset(bound, 0, sizeof(bound));
	memset(phbs, 0, sizeof(phbs));
	for (unsigned int i = 0; i < PARTS; i++) {
		struct partition *p = parts[i];

		memset(p, 0, sizeof(*p));
		strcpy(p->name, i ? "beta" : "alpha");
		p->board = &board;
		p->phbs = &phbs[i];
		p->bound = &bound[i];
		p->nphbs = 1;
		phbs[i].index = 6 + i;
		assert_int_equal(phb_place(phbs[i].index, &phbs[i].at), 0);
		bound[i].groups[0] = &groups[i];
		bound[i].ngroups = 1;
	}
}

static int setup(void **state)
{
	(void)state;
	help_log_start();
	fake_arch_reset();
	fake_irq_reset();
	for (unsigned int i = 0; i < PARTS; i++) {
		parts[i] = calloc(1, sizeof(*parts[i]));
		assert_non_null(parts[i]);
	}
	empty_board();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PARTS; i++) {
		free(parts[i]);
	}
	return 0;
}

static void add_bridge(uint16_t bdfn, uint8_t secondary)
{
	board.funcs[board.nfuncs++] = (struct host_func){
		.bdfn = bdfn, .header_type = 1, .secondary = secondary, .group = -1};
}

static struct host_func *add_func(uint16_t bdfn, uint8_t pin, int group)
{
	struct host_func *f = &board.funcs[board.nfuncs++];

	*f = (struct host_func){.bdfn = bdfn, .int_pin = pin, .group = group, .masks_intx = true};
	return f;
}

/* The function becomes a guest's, at devfn. */
static void give(unsigned int part, struct host_func *f, unsigned int devfn)
{
	unsigned int i = phbs[part].nfuncs++;

	fake_pci_init(&devs[part][i], no_bars);
	assert_int_equal(
		pci_func_init(&phbs[part].funcs[i], devfn, no_bars, &fake_pci_ops, &devs[part][i]),
		0);
	devices[part][i] = (struct vfio_device){
		.group = &groups[part], .func = (unsigned int)(f - board.funcs)};
	fake_pci_put(&devs[part][i], PCI_INTERRUPT_PIN, 1, f->int_pin);
	bound[part].funcs[i] = (struct partition_func){
		.partition = parts[part], .device = &devices[part][i], .host = f};
	fake_pci_forget(&devs[part][i]);
}

static bool is_quiet(unsigned int part, unsigned int func)
{
	return fake_pci_get(&devs[part][func], PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF;
}

static unsigned int used_sources(unsigned int part)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < XICS_LSI_COUNT; i++) {
		n += parts[part]->xics.lsi[i].used;
	}
	return n;
}

static uint32_t shown_pin(unsigned int part, unsigned int func)
{
	uint32_t val = 0;

	assert_int_equal(pci_config_read(&phbs[part].funcs[func], PCI_INTERRUPT_PIN, 1, &val), 0);
	return val;
}

/* The host's line that a guest's function ends at; -1: it has none, and is quiet. */
static int line_of_func(unsigned int part, unsigned int func)
{
	uint32_t number = bound[part].funcs[func].intx;
	const struct xics_source *s;

	if (!number) {
		assert_true(is_quiet(part, func));
		assert_int_equal(shown_pin(part, func), 0);
		return -1;
	}
	assert_int_equal(shown_pin(part, func), bound[part].funcs[func].host->int_pin);
	assert_in_range(number, phbs[part].at.lsi, phbs[part].at.lsi + 3);
	s = &parts[part]->xics.lsi[number - XICS_LSI_FIRST];
	assert_true(s->used && s->level);
	assert_in_range(s->hw, LINES, LINES + 3);
	assert_false(is_quiet(part, func));
	return (int)(s->hw - LINES);
}

/* What the tree that the guest is given says of a function's pin; 0: nothing. */
static uint32_t source_in_tree(unsigned int part, const struct pci_func *f, uint32_t pin)
{
	static struct dt_guest_phb dt_phb;
	static uint8_t tree[0x10000] __attribute__((aligned(8)));
	static const struct plan_partition plan;
	struct partition *p = parts[part];
	struct dt_guest guest;
	const fdt32_t *map, *mask;
	int len, node;

	p->nvcpus = 1;
	p->mem.size = 0x10000000;
	board.pvr = 0x004e1202;
	dt_fill(&guest, &dt_phb, p, &plan);
	assert_int_equal(dt_guest_build(&guest, tree, sizeof(tree)), 0);
	node = fdt_node_offset_by_prop_value(tree, -1, "device_type", "pci", 4);
	assert_true(node >= 0);
	map = fdt_getprop(tree, node, "interrupt-map", &len);
	mask = fdt_getprop(tree, node, "interrupt-map-mask", NULL);
	for (int i = 0; map && i < len / 4; i += 7) {
		if (fdt32_ld(map + i) == ((uint32_t)f->devfn << 8 & fdt32_ld(mask)) &&
			fdt32_ld(map + i + 3) == (pin & fdt32_ld(mask + 3))) {
			return fdt32_ld(map + i + 5);
		}
	}
	return 0;
}

/* The line, as wires go: behind bus 0 each bridge's connector turns by the device number. */
static unsigned int wired(unsigned int depth, const unsigned int slots[], unsigned int pin)
{
	return depth ? wired(depth - 1, slots, (pin + slots[depth]) % 4) : pin;
}

/* SEED-003.39: every pin in every slot, 0 to 3 bridges down, the bridges in slots of their own; the
 * tree's map, the guest's source and the host's line are one thing, whatever slot the guest sees.
 */
static void test_pin_slot_and_depth_agree_with_the_map(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < (MAX_DEPTH + 1) * 32 * 4; n++) {
		unsigned int pin = n % 4, slot = n / 4 % 32, depth = n / 128;
		/* by bus: the slot of what leads on from there, at last of the function */
		unsigned int slots[MAX_DEPTH + 1] = {3, n % 5, n % 7, n % 11};
		struct pci_func *f = &phbs[0].funcs[0];
		struct host_func *host;
		uint32_t number;

		empty_board();
		slots[depth] = slot;
		for (uint8_t bus = 0; bus < depth; bus++) {
			add_bridge((uint16_t)((unsigned int)bus << 8 | slots[bus] << 3),
				(uint8_t)(bus + 1));
		}
		host = add_func((uint16_t)(depth << 8 | slot << 3), (uint8_t)(pin + 1), 0);
		give(0, host, n % 256);
		partition_route_intx(parts[0], 0);
		number = bound[0].funcs[0].intx;
		if (line_of_func(0, 0) != (int)wired(depth, slots, pin)) {
			fail_msg("pin %u slot %u depth %u: line %d", pin, slot, depth,
				line_of_func(0, 0));
		}
		assert_int_equal(source_in_tree(0, f, pin + 1), number);
		assert_int_equal(source_in_tree(0, f, (pin + 1) % 4 + 1), 0);
		assert_int_equal(used_sources(0), 1);
	}
}

/* A guest's slots say one thing and the host's wires another: both ways round. */
static void test_lines_are_the_hosts_not_the_slots(void **state)
{
	(void)state;
	add_bridge(0x000, 1);
	add_bridge(0x100, 2);
	give(0, add_func(0x200, 1, 0), 0);
	give(0, add_func(0x208, 1, 0), 1); /* as neighbours in one slot */
	give(0, add_func(0x210, 3, 0), 8); /* and the first one's line again */
	partition_route_intx(parts[0], 0);
	assert_int_equal(line_of_func(0, 0), 0);
	assert_int_equal(line_of_func(0, 1), 1);
	assert_int_equal(line_of_func(0, 2), 0);
	assert_int_equal(bound[0].funcs[0].intx, bound[0].funcs[2].intx);
	assert_int_equal(used_sources(0), 2);
	assert_int_equal(source_in_tree(0, &phbs[0].funcs[1], 1), bound[0].funcs[1].intx);
}

/* SEED-000.13, SEED-003.38: no pin, or one that there is not, is no source and nothing is done to
 * the device; nor without a way up, or without lines. */
static void test_no_pin_claims_nothing(void **state)
{
	static const struct {
		uint8_t pin;
		uint16_t bdfn;
		uint32_t lsi_first;
	} cases[] = {{0, 0x100, LINES}, {5, 0x100, LINES}, {255, 0x100, LINES}, {1, 0x200, LINES},
		{1, 0x100, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		empty_board();
		board.phbs[0].lsi_first = cases[i].lsi_first;
		add_bridge(0x000, 1);
		add_bridge(0x300, 2); /* it leads upwards: not the way */
		add_bridge(0x008, 3);
		give(0, add_func(cases[i].bdfn, cases[i].pin, 0), 0);
		partition_route_intx(parts[0], 0);
		assert_int_equal(line_of_func(0, 0), -1);
		assert_int_equal(used_sources(0), 0);
		assert_int_equal(devs[0][0].ncycles, 0);
		assert_int_equal(source_in_tree(0, &phbs[0].funcs[0], 1), 0);
		for (unsigned int line = 0; line < 4; line++) {
			assert_int_equal(board.phbs[0].lsi_group[line], 0);
		}
	}
	assert_int_equal(help_log_used, 0);
}

/* SEED-003.41: two functions on one line in two partitions: the first has it, also after it has
 * started again; the other's stays quiet, and has messages. */
static void test_line_of_two_partitions_is_the_first_ones(void **state)
{
	(void)state;
	add_bridge(0x000, 1);
	add_bridge(0x008, 2);
	give(0, add_func(0x100, 1, 0), 0);
	give(1, add_func(0x200, 1, 1), 0);
	give(1, add_func(0x201, 2, 1), 1); /* another line: its own */
	partition_route_intx(parts[0], 0);
	partition_route_intx(parts[1], 0);
	assert_int_equal(line_of_func(0, 0), 0);
	assert_int_equal(line_of_func(1, 0), -1);
	assert_int_equal(line_of_func(1, 1), 1);
	assert_non_null(strstr(help_log, "beta: 02:00.0: no INTx"));
	assert_int_equal(source_in_tree(1, &phbs[1].funcs[0], 1), 0);
	/* A guest cannot change that. */
	assert_int_equal(pci_config_write(&phbs[1].funcs[0], PCI_COMMAND, 2, 0), 0);
	assert_true(is_quiet(1, 0));

	xics_remove_source(parts[0], bound[0].funcs[0].intx);
	bound[1].funcs[0].intx = 0;
	partition_route_intx(parts[1], 0);
	assert_int_equal(line_of_func(1, 0), -1);
	partition_route_intx(parts[0], 0);
	assert_int_equal(line_of_func(0, 0), 0);
}

/* SEED-003.36: by whose bit does not stick, and where it is. One that is alone on its line has it,
 * since that can be masked at its source. */
static void test_functions_that_cannot_be_quiet_share_with_nobody(void **state)
{
	static const struct {
		bool own, held, other;	/* their bits stick */
		bool is_held, is_other; /* they are there */
		int line;
	} cases[] = {
		{false, true, true, false, false, 0},
		{true, true, true, true, true, 0},
		{false, true, true, false, true, -1},
		{false, true, true, true, false, -1},
		{true, true, false, false, true, -1},
		{true, false, true, true, false, -1},
		{true, false, true, false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host_func *f;

		empty_board();
		add_bridge(0x018, 1); /* another host bridge's bus 1 */
		board.funcs[0].phb = 1;
		add_bridge(0x000, 1);
		add_bridge(0x008, 2);
		f = add_func(0x100, 1, 0);
		f->masks_intx = cases[i].own;
		give(0, f, 0);
		if (cases[i].is_held) {
			add_func(0x101, 1, 0)->masks_intx = cases[i].held;
		}
		if (cases[i].is_other) {
			add_func(0x200, 1, 2)->masks_intx = cases[i].other;
		}
		/* on other lines, or of another host bridge: no matter */
		add_func(0x102, 2, 0)->masks_intx = false;
		add_func(0x201, 4, 2)->masks_intx = false;
		f = add_func(0x018, 1, 2);
		f->phb = 1;
		f->masks_intx = false;
		partition_route_intx(parts[0], 0);
		if (line_of_func(0, 0) != cases[i].line) {
			fail_msg("case %zu: line %d", i, line_of_func(0, 0));
		}
		assert_int_equal(used_sources(0), cases[i].line == 0);
	}
}

/* Groups of several host bridges in one guest bridge: a line is told from the same one of another
 * by its source. When the guest's four are in use the fifth line is nobody's, and another bridge
 * may have it. */
static void test_lines_of_several_host_bridges_do_not_mix(void **state)
{
	static const uint32_t first[PARTS] = {LINES, LINES + 16};

	(void)state;
	for (unsigned int phb = 0; phb < PARTS; phb++) {
		add_bridge(0x000, 1);
		board.funcs[board.nfuncs - 1].phb = phb;
		board.phbs[phb].lsi_first = first[phb];
	}
	board.nphbs = PARTS;
	bound[0].groups[1] = &groups[2];
	bound[0].ngroups = 2;
	for (uint8_t fn = 0; fn < 6; fn++) {
		/* lines A, A of the other, B of the other, B, C, C of the other */
		static const uint8_t pins[6] = {1, 1, 2, 2, 3, 3};
		static const uint8_t on[6] = {0, 1, 1, 0, 0, 1};
		struct host_func *f = add_func(0x100 + fn, pins[fn], on[fn] ? 2 : 0);

		f->phb = on[fn];
		give(0, f, fn);
		devices[0][fn].group = &groups[on[fn] ? 2 : 0];
	}
	partition_route_intx(parts[0], 0);
	for (unsigned int fn = 0; fn < 4; fn++) {
		const struct partition_func *pf = &bound[0].funcs[fn];
		const struct xics_source *s = &parts[0]->xics.lsi[pf->intx - XICS_LSI_FIRST];

		assert_in_range(pf->intx, phbs[0].at.lsi, phbs[0].at.lsi + 3);
		assert_int_equal(s->hw, first[pf->host->phb] + pf->host->int_pin - 1);
		assert_int_equal(
			source_in_tree(0, &phbs[0].funcs[fn], pf->host->int_pin), pf->intx);
	}
	assert_int_equal(used_sources(0), 4);
	for (unsigned int fn = 4; fn < 6; fn++) {
		assert_int_equal(line_of_func(0, fn), -1);
	}
	assert_non_null(
		strstr(help_log, "alpha: 01:00.5: no INTx: no source of its guest is left for "
				 "line C\n"));

	give(1, add_func(0x106, 3, 1), 0);
	partition_route_intx(parts[1], 0);
	assert_int_equal(line_of_func(1, 0), 2);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pin_slot_and_depth_agree_with_the_map),
		TEST(test_lines_are_the_hosts_not_the_slots),
		TEST(test_no_pin_claims_nothing),
		TEST(test_line_of_two_partitions_is_the_first_ones),
		TEST(test_functions_that_cannot_be_quiet_share_with_nobody),
		TEST(test_lines_of_several_host_bridges_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
