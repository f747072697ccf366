// SPDX-License-Identifier: Apache-2.0
/*
 * What a guest may do to the registers of its device with any instruction there is, by any page it
 * likes: in real mode, and through a page that says ordinary memory, cached and executable. Each
 * either is done or is the guest's own interrupt, and the device is as alive after it. What has no
 * answer comes last, if asked for: a jump into the registers, a load over their end, and what this
 * device does not take, a load of a byte and one that is misaligned, which is a machine check.
 */
#include "tests/guest/edu.h"
#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/problem.h"
#include "tests/guest/tap.h"
#include "tests/guest/trap.h"

#include <string.h>

#define MSR_DR	   0x10ull
#define EDU_ID	   0x010000edu
#define EDU_ECHO   4u	   /* answers the complement of what is stored */
#define EDU_NOBODY 0x1000u /* where there is no register */

#define DSI	     0x300u
#define ALIGNMENT    0x600u
#define PROGRAM	     0x700u
#define FP_OFF	     0x800u
#define FACILITY_OFF 0xf00u

static void do_lwarx(void *at)
{
	__asm__ volatile("lwarx 6, 0, %0; stwcx. 6, 0, %0" : : "r"(at) : "r6", "cr0", "memory");
}

static void do_ldarx(void *at)
{
	__asm__ volatile("ldarx 6, 0, %0; stdcx. 6, 0, %0" : : "r"(at) : "r6", "cr0", "memory");
}

static void do_lq(void *at)
{
	__asm__ volatile("lq 6, 0(%0)" : : "b"(at) : "r6", "r7", "memory");
}

static void do_stq(void *at)
{
	__asm__ volatile("stq 6, 0(%0)" : : "b"(at) : "memory");
}

static void do_dcbz(void *at)
{
	__asm__ volatile("dcbz 0, %0" : : "r"(at) : "memory");
}

static void do_lfd(void *at)
{
	__asm__ volatile("lfd 0, 0(%0)" : : "b"(at) : "memory");
}

static void do_ld(void *at)
{
	__asm__ volatile("ld 6, 0(%0)" : : "b"(at) : "r6", "memory");
}

static void do_lbz(void *at)
{
	__asm__ volatile("lbz 6, 0(%0)" : : "b"(at) : "r6", "memory");
}

static const struct {
	const char *name;
	void (*run)(void *at);
	uint32_t offset;
} cases[] = {
	{"lwarx and stwcx.", do_lwarx, 0},
	{"ldarx and stdcx.", do_ldarx, 0},
	{"lq", do_lq, 0},
	{"stq", do_stq, EDU_NOBODY},
	{"dcbz", do_dcbz, EDU_NOBODY},
	{"lfd", do_lfd, 0},
	{"ld", do_ld, 0},
};

static void translate(bool on)
{
	uint64_t msr;

	__asm__ volatile("mfmsr %0" : "=r"(msr));
	msr = on ? msr | MSR_DR : msr & ~MSR_DR;
	__asm__ volatile("mtmsrd %0; isync" : : "r"(msr) : "memory");
}

struct access {
	unsigned int i;
	uint64_t at;
	bool translated;
};

/* An interrupt turns translation off. */
static void run_case(void *arg)
{
	const struct access *a = arg;

	translate(a->translated);
	cases[a->i].run((void *)(uintptr_t)(a->at + cases[a->i].offset));
	translate(false);
}

static bool is_guests_own(uint64_t vector)
{
	return !vector || vector == DSI || vector == ALIGNMENT || vector == PROGRAM ||
	       vector == FP_OFF || (vector & ~0xffull) == FACILITY_OFF;
}

/* MM-04 */
static void test_instructions(uint64_t at, bool translated)
{
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct access a = {i, at, translated};
		uint64_t vector = trap_catch(run_case, &a);
		uint32_t id = edu_read32(0);

		if (!tap_ok(is_guests_own(vector) && id == EDU_ID,
			    "%s of a register, %s: done or the guest's interrupt", cases[i].name,
			    translated ? "as ordinary memory" : "in real mode")) {
			tap_note("vector %llx, id %08x", (unsigned long long)vector, id);
		}
	}
}

/* MM-05: what is stored through the one way is read through the other at once, so nothing stays in
 * a cache. */
static void test_page_of_memory(uint64_t bar)
{
	volatile uint32_t *echo = (volatile uint32_t *)(uintptr_t)(problem_map(bar) + EDU_ECHO);
	unsigned int right = 0;

	for (uint32_t i = 0; i < 100; i++) {
		uint32_t seen;

		translate(true);
		*echo = be32(i * 0x01010101);
		seen = be32(*echo);
		translate(false);
		right += seen == ~(i * 0x01010101) && edu_read32(EDU_ECHO) == seen;
	}
	tap_ok(right == 100, "a page that is said to be ordinary memory is the device");
	test_instructions(problem_map(bar), true);
}

static const struct tree_func *find_edu(const struct tree_phb **phb)
{
	for (unsigned int i = 0; i < tree.nphbs; i++) {
		*phb = &tree.phbs[i];
		for (unsigned int k = 0; k < tree.phbs[i].nfuncs; k++) {
			const struct tree_func *f = &tree.phbs[i].funcs[k];

			if (f->vendor == EDU_VENDOR && f->device == EDU_DEVICE) {
				return f;
			}
		}
	}
	return NULL;
}

/* So that of two guests one ends after the other. */
static void wait_a_second(void)
{
	uint64_t start = timebase();

	interrupts_on();
	while (timebase() - start < tree.timebase_hz) {
	}
}

void run_bar(const char *value)
{
	const struct tree_phb *phb = NULL;
	const struct tree_func *edu = find_edu(&phb);
	uint64_t bar = edu ? edu_open(phb, edu) : 0;

	if (!bar || !problem_prepare()) {
		tap_bail("no edu device, or no translation");
	}
	test_instructions(bar, false);
	test_page_of_memory(bar);
	tap_plan();
	if (strncmp(value, "jump", 4) == 0) {
		jump_to(bar);
	} else if (strncmp(value, "byte", 4) == 0) {
		do_lbz((void *)(uintptr_t)bar);
	}
	wait_a_second();
	if (strncmp(value, "end", 3) == 0) {
		do_ld((void *)(uintptr_t)(bar + edu->bar0_size - 4));
	} else if (strncmp(value, "misaligned", 10) == 0) {
		do_ld((void *)(uintptr_t)(bar + 1));
	}
}
