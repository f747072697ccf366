// SPDX-License-Identifier: Apache-2.0
/*
 * arch/ppc64/radix_walk.c: a good tree gives the address the hardware would; every other tree gives
 * -EFAULT, soon, and without a look outside RAM.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/ppc64/radix_walk.h"
#include "core/be.h"

#include <string.h>

#define RAM	 0x60000u
#define GUARD	 64u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Where the good trees' tables are. */
#define PRTB	0x4000u
#define ROOT_K	0x10000u /* PID 0 */
#define ROOT_U	0x20000u /* PID 5 */
#define TAB_1G	0x30000u
#define TAB_2M	0x31000u
#define TAB_4K	0x32000u
#define TAB_64K 0x33000u
#define TAB_U1	0x34000u
#define TAB_U2	0x35000u
#define TAB_U3	0x36000u

#define RTS_52	    0x40000000000000a0ull
#define VALID	    0x8000000000000000ull
#define LEAF	    0xc000000000000000ull
#define RWX	    0x187ull
#define RW	    0x186ull
#define RO	    0x184ull
#define X_ONLY	    0x181ull
#define KERNEL	    0x8ull
#define KERNEL_BASE 0xc000000000000000ull

#define SF	 0x8000000000000000ull
#define PR	 0x4000ull
#define IR	 0x20ull
#define DR	 0x10ull
#define MSR_KERN (SF | IR | DR)
#define MSR_USER (SF | IR | DR | PR)

static uint8_t host[GUARD + RAM + GUARD];
static const struct guest_mem mem = {host + GUARD, {0x40000000}, RAM};
static const struct radix_ctx ctx = {.process_table = VALID | PRTB, .pid = 5};

static void put(uint64_t at, uint64_t v)
{
	be64_t raw = be64(v);

	memcpy(host + GUARD + at, &raw, sizeof(raw));
}

/* The kernel's tree has a leaf of every size, the user's four 4K pages. */
static int make_trees(void **state)
{
	(void)state;
	memset(host, 0, sizeof(host));
	put(PRTB, RTS_52 | ROOT_K | 13);
	put(PRTB + 5 * 16, RTS_52 | ROOT_U | 13);
	put(ROOT_K, VALID | TAB_1G | 9);
	put(ROOT_K + 8191 * 8, VALID | TAB_1G | 9);
	put(TAB_1G + 3 * 8, LEAF | 0x40000000 | RWX | KERNEL);
	put(TAB_1G, VALID | TAB_2M | 9);
	put(TAB_2M + 511 * 8, LEAF | 0x12345000 | RWX | KERNEL);
	put(TAB_2M, VALID | TAB_4K | 9);
	put(TAB_2M + 8, VALID | TAB_64K | 5);
	put(TAB_4K, LEAF | 0x7000 | RWX | KERNEL);
	put(TAB_4K + 511 * 8, LEAF | 0x01fffffffffff000 | RW | KERNEL);
	put(TAB_64K + 31 * 8, LEAF | 0x7ff0000 | RO | KERNEL);
	put(ROOT_U, VALID | TAB_U1 | 9);
	put(TAB_U1, VALID | TAB_U2 | 9);
	for (unsigned int i = 0; i < 512; i++) {
		put(TAB_U2 + i * 8, VALID | TAB_U3 | 9);
	}
	put(TAB_U3, LEAF | 0x9000 | RWX);
	put(TAB_U3 + 8, LEAF | 0xa000 | RWX | KERNEL);
	put(TAB_U3 + 2 * 8, LEAF | 0xb000 | X_ONLY);
	put(TAB_U3 + 3 * 8, LEAF | 0xc000 | RO);
	/* Who follows a misaligned table finds something there. */
	put(ROOT_U + 0x100, VALID | TAB_U1 | 9);
	put(ROOT_U + 0x1000, VALID | TAB_U1 | 9);
	put(TAB_U1 + 0x800, VALID | TAB_U2 | 9);
	put(TAB_U3 + 0x100, LEAF | 0x9000 | RWX);
	return 0;
}

struct walk_case {
	const char *name;
	uint64_t ea, msr;
	bool fetch;
	uint64_t gpa; /* TOP: -EFAULT */
};

#define TOP UINT64_MAX

static void check_walks(const struct walk_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct walk_case *c = &cases[i];
		gpa_t at = gpa(0x5555);
		int err = radix_walk_ea(&mem, &ctx, c->ea, c->msr, c->fetch, &at);
		uint64_t want = c->gpa == TOP ? 0x5555 : c->gpa;

		if (err != (c->gpa == TOP ? -EFAULT : 0) || at.v != want) {
			fail_msg("%s: %d, %llx", c->name, err, (unsigned long long)at.v);
		}
	}
}

static const struct walk_case sizes[] = {
	{"1G", KERNEL_BASE + 0xdeadbee8, MSR_KERN, false, 0x5eadbee8},
	{"2M, low bits of the page number dropped", KERNEL_BASE + 0x3fe12344, MSR_KERN, true,
		0x12212344},
	{"4K", KERNEL_BASE + 0xff0, MSR_KERN, true, 0x7ff0},
	{"4K, last slot, highest page", KERNEL_BASE + 0x1ffabc, MSR_KERN, false,
		0x01fffffffffffabc},
	{"64K", KERNEL_BASE + 0x3f4564, MSR_KERN, false, 0x7ff4564},
	{"last slot of the root", KERNEL_BASE + 0x000fff8000000010, MSR_KERN, true, 0x7010},
	{"user", 0x10000678, MSR_USER, true, 0x9678},
	{"user's address used by the kernel", 0x10000678, MSR_KERN, false, 0x9678},
};

static void test_leaf_of_every_size_is_found(void **state)
{
	(void)state;
	check_walks(sizes, COUNT(sizes));
}

static const struct walk_case modes[] = {
	{"fetch, IR off", 0x10000678, SF | DR, true, 0x10000678},
	{"data, DR off", 0x10000678, SF | IR, false, 0x10000678},
	{"fetch, DR off, IR on", 0x10000678, SF | IR, true, 0x9678},
	{"data, IR off, DR on", 0x10000678, SF | DR, false, 0x9678},
	{"real mode drops the top", KERNEL_BASE + 0x1234, SF, true, 0x1234},
	{"real mode keeps the rest", 0xffffffffffffffff, SF, false, 0x0fffffffffffffff},
	{"32 bit, real", 0xffffffff00001234, 0, true, 0x1234},
	{"32 bit, translated", KERNEL_BASE + 0x10000678, IR, true, 0x9678},
};

static void test_mode_bits_choose_the_translation(void **state)
{
	(void)state;
	check_walks(modes, COUNT(modes));
}

static const struct walk_case denied[] = {
	{"quadrant 1", 0x4000000010000678, MSR_KERN, true, TOP},
	{"quadrant 2", 0x8000000010000678, MSR_KERN, true, TOP},
	{"bit above 52", 0x0010000010000678, MSR_USER, true, TOP},
	{"bit below the quadrant", 0x2000000010000678, MSR_USER, true, TOP},
	{"kernel page from problem state", KERNEL_BASE + 0xff0, MSR_USER, true, TOP},
	{"kernel page of the user's tree", 0x10001000, MSR_USER, false, TOP},
	{"fetch from what is not executable", 0x10003000, MSR_USER, true, TOP},
	{"data from what is only executable", 0x10002000, MSR_USER, false, TOP},
	{"no entry in the root", 0x8010000678, MSR_USER, true, TOP},
	{"no entry in the middle", 0x50000678, MSR_USER, true, TOP},
	{"no page", 0x10004000, MSR_USER, true, TOP},
};

static const struct walk_case permitted[] = {
	{"kernel page of the user's tree, kernel", 0x10001000, MSR_KERN, false, 0xa000},
	{"fetch from what is only executable", 0x10002000, MSR_USER, true, 0xb000},
	{"data from what is read-only", 0x10003000, MSR_USER, false, 0xc000},
};

static void test_no_translation_or_no_right_is_efault(void **state)
{
	(void)state;
	check_walks(permitted, COUNT(permitted));
	check_walks(denied, COUNT(denied));
}

static int walk_with(uint64_t process_table, uint32_t pid, uint64_t ea)
{
	const struct radix_ctx other = {process_table, pid};
	gpa_t at;

	return radix_walk_ea(&mem, &other, ea, MSR_KERN, true, &at);
}

static void test_process_table_bounds_the_pid(void **state)
{
	(void)state;
	put(PRTB + 255 * 16, RTS_52 | ROOT_U | 13);
	put(PRTB + 256 * 16, RTS_52 | ROOT_U | 13);
	assert_int_equal(walk_with(PRTB, 255, 0x10000000), 0);
	assert_int_equal(walk_with(PRTB, 256, 0x10000000), -EFAULT);
	assert_int_equal(walk_with(PRTB | 1, 256, 0x10000000), 0);
	/* The kernel's quadrant is process 0's whatever the PID. */
	assert_int_equal(walk_with(PRTB, 256, KERNEL_BASE), 0);
	assert_int_equal(walk_with(PRTB, UINT32_MAX, KERNEL_BASE), 0);
	assert_int_equal(walk_with(PRTB | 24, UINT32_MAX, 0x10000000), -EFAULT);
	assert_int_equal(walk_with(PRTB | 25, 5, 0x10000000), -EFAULT);
	assert_int_equal(walk_with(PRTB | 31, 5, 0x10000000), -EFAULT);
	/* No table, though there would be an entry at guest-real 0. */
	put(5 * 16, RTS_52 | ROOT_U | 13);
	assert_int_equal(walk_with(VALID, 5, 0x10000000), 0);
	assert_int_equal(walk_with(0, 5, 0x10000000), -EFAULT);
	assert_int_equal(walk_with(RAM, 0, KERNEL_BASE), -EFAULT);
	assert_int_equal(walk_with(0x0ffffffffffff018, UINT32_MAX, 0x10000000), -EFAULT);
}

/* One doubleword changed in the user's good tree. HC-08 is the model: the guest's addresses are its
 * own RAM's or nothing. */
static const struct {
	const char *name;
	uint64_t at, v;
} hostile[] = {
	{"process entry empty", PRTB + 80, 0},
	{"tree of 31 bits", PRTB + 80, ROOT_U | 13},
	{"tree of 53 bits", PRTB + 80, RTS_52 | 0xc0 | ROOT_U | 13},
	{"tree of 62 bits", PRTB + 80, 0x60000000000000e0 | ROOT_U | 13},
	{"root of 0 bits", PRTB + 80, RTS_52 | ROOT_U},
	{"root of 12 bits", PRTB + 80, RTS_52 | ROOT_U | 12},
	{"root of 16 bits", PRTB + 80, RTS_52 | ROOT_U | 16},
	{"root of 31 bits", PRTB + 80, RTS_52 | ROOT_U | 31},
	{"root misaligned", PRTB + 80, RTS_52 | (ROOT_U + 0x1000) | 13},
	{"root misaligned by little", PRTB + 80, RTS_52 | (ROOT_U + 0x100) | 13},
	{"root past RAM", PRTB + 80, RTS_52 | RAM | 13},
	{"root far away", PRTB + 80, RTS_52 | 0x0fffffffffff0000 | 13},
	{"root at the host's address", PRTB + 80, RTS_52 | 0x40020000 | 13},
	{"512G leaf in the root", ROOT_U, LEAF | RWX},
	{"second level of 0 bits", ROOT_U, VALID | TAB_U1},
	{"second level of 5 bits", ROOT_U, VALID | TAB_U1 | 5},
	{"second level of 10 bits", ROOT_U, VALID | TAB_U1 | 10},
	{"second level of 13 bits: the root", ROOT_U, VALID | ROOT_U | 13},
	{"second level misaligned", ROOT_U, VALID | (TAB_U1 + 0x800) | 9},
	{"second level past RAM", ROOT_U, VALID | RAM | 9},
	{"second level far away", ROOT_U, VALID | 0x0ffffffffffff000 | 9},
	{"not valid", ROOT_U, TAB_U1 | 9},
	{"loop of the second level", TAB_U1, VALID | TAB_U1 | 9},
	{"loop back to the second level", TAB_U2 + 0x80 * 8, VALID | TAB_U1 | 9},
	{"third level of 5 bits", TAB_U1, VALID | TAB_U2 | 5},
	{"third level of 31 bits", TAB_U1, VALID | TAB_U2 | 31},
	{"fourth level of 8 bits", TAB_U2 + 0x80 * 8, VALID | TAB_U3 | 8},
	{"fourth level of 13 bits", TAB_U2 + 0x80 * 8, VALID | ROOT_U | 13},
	{"fourth level misaligned", TAB_U2 + 0x80 * 8, VALID | (TAB_U3 + 0x100) | 9},
	{"fifth level", TAB_U3, VALID | TAB_U3 | 9},
	{"leaf, not valid", TAB_U3, 0x4000000000009000 | RWX},
	{"leaf without rights", TAB_U3, LEAF | 0x9180},
};

static void test_hostile_tree_is_efault(void **state)
{
	gpa_t at;

	for (size_t i = 0; i < COUNT(hostile); i++) {
		make_trees(state);
		assert_int_equal(radix_walk_ea(&mem, &ctx, 0x10000678, MSR_USER, true, &at), 0);
		put(hostile[i].at, hostile[i].v);
		at = gpa(0x5555);
		if (radix_walk_ea(&mem, &ctx, 0x10000678, MSR_USER, true, &at) != -EFAULT ||
			at.v != 0x5555) {
			fail_msg("%s: taken, %llx", hostile[i].name, (unsigned long long)at.v);
		}
	}
}

/* RAM that ends inside a table: the table's part that is there counts, the rest is nowhere. */
static void test_table_across_the_end_of_ram(void **state)
{
	struct guest_mem less = mem;
	gpa_t at;

	(void)state;
	less.size = TAB_U3 + 16;
	assert_int_equal(radix_walk_ea(&less, &ctx, 0x10000000, MSR_KERN, true, &at), 0);
	assert_int_equal(radix_walk_ea(&less, &ctx, 0x10001000, MSR_KERN, true, &at), 0);
	assert_int_equal(radix_walk_ea(&less, &ctx, 0x10002000, MSR_KERN, true, &at), -EFAULT);
	less.size = TAB_U3 + 12;
	assert_int_equal(radix_walk_ea(&less, &ctx, 0x10001000, MSR_KERN, true, &at), -EFAULT);
	less.size = 0;
	assert_int_equal(radix_walk_ea(&less, &ctx, 0x10000000, MSR_KERN, true, &at), -EFAULT);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed ^ *seed >> 29;
}

/* An entry that often leads on: a table of ours, a plausible size, or anything. */
static uint64_t random_entry(uint64_t *seed)
{
	static const uint64_t tables[] = {ROOT_K, ROOT_U, TAB_1G, TAB_2M, TAB_4K, TAB_U1, RAM};
	static const uint64_t bits[] = {13, 9, 5, 9, 0, 31};
	uint64_t r = next_random(seed);

	if (r >> 60 == 0) {
		return next_random(seed);
	}
	return VALID | (r >> 59 & 1 ? LEAF | RWX : RTS_52) | tables[(r >> 40) % COUNT(tables)] |
	       bits[(r >> 32) % COUNT(bits)];
}

/* Sanitizers watch for accesses outside RAM; a walk that does not end shows by itself. */
static void test_random_trees_never_harm(void **state)
{
	static const uint64_t places[] = {
		PRTB, PRTB + 80, ROOT_K, ROOT_U, TAB_1G, TAB_2M, TAB_4K, TAB_U1, TAB_U2, TAB_U3};
	uint64_t seed = 3, found = 0;

	make_trees(state);
	for (unsigned int round = 0; round < 200000; round++) {
		const struct radix_ctx any = {round % 16 ? ctx.process_table : next_random(&seed),
			round % 8 ? 5 : (uint32_t)next_random(&seed)};
		uint64_t ea = round % 4 ? (round & 4 ? KERNEL_BASE : 0) : next_random(&seed);
		uint64_t msr = MSR_KERN ^ (round % 5 ? 0 : next_random(&seed));
		gpa_t at = gpa(TOP);

		put(places[next_random(&seed) % COUNT(places)], random_entry(&seed));
		if (round % 64 == 0) {
			make_trees(NULL);
		}
		if (!radix_walk_ea(&mem, &any, ea, msr, round & 8, &at)) {
			found++;
			assert_true(at.v <= 0x0fffffffffffffff);
		} else {
			assert_true(at.v == TOP);
		}
	}
	/* Both outcomes were met often enough to have been tried. */
	assert_in_range(found, 5000, 195000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_leaf_of_every_size_is_found, make_trees),
		cmocka_unit_test_setup(test_mode_bits_choose_the_translation, make_trees),
		cmocka_unit_test_setup(test_no_translation_or_no_right_is_efault, make_trees),
		cmocka_unit_test_setup(test_process_table_bounds_the_pid, make_trees),
		cmocka_unit_test_setup(test_hostile_tree_is_efault, make_trees),
		cmocka_unit_test_setup(test_table_across_the_end_of_ram, make_trees),
		cmocka_unit_test(test_random_trees_never_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
