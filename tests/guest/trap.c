// SPDX-License-Identifier: Apache-2.0
/*
 * The vectors are copied to their fixed places in guest-real memory. They work in either byte
 * order, because interrupts arrive big-endian.
 */
#include "tests/guest/trap.h"

#include "tests/guest/tap.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define VECTORS_BASE 0x100u
#define SPR_DSISR    18
#define SPR_DAR	     19

extern const uint8_t vectors_start[], vectors_end[];

static jmp_buf resume;
static bool armed, in_report;
static uint64_t caught;

static uint64_t read_dar(void)
{
	uint64_t v;

	__asm__ volatile("mfspr %0, %1" : "=r"(v) : "i"(SPR_DAR));
	return v;
}

static uint64_t read_dsisr(void)
{
	uint64_t v;

	__asm__ volatile("mfspr %0, %1" : "=r"(v) : "i"(SPR_DSISR));
	return v;
}

void trap_install(void)
{
	uintptr_t base = VECTORS_BASE;
	size_t size = (size_t)(vectors_end - vectors_start);

	/* The compiler must not know that this is a small constant address. */
	__asm__("" : "+r"(base));
	memcpy((void *)base, vectors_start, size);
	for (uintptr_t line = base & ~(uintptr_t)127; line < base + size; line += 128) {
		__asm__ volatile("dcbst 0, %0; sync; icbi 0, %0" : : "r"(line) : "memory");
	}
	__asm__ volatile("sync; isync" : : : "memory");
}

uint64_t trap_catch(void (*fn)(void *arg), void *arg)
{
	caught = 0;
	armed = true;
	if (setjmp(resume) == 0) {
		fn(arg);
	}
	armed = false;
	return caught;
}

void trap_report(uint64_t vector, uint64_t srr0, uint64_t srr1, uint64_t lr)
{
	if (armed) {
		armed = false;
		caught = vector;
		longjmp(resume, 1);
	}
	if (!in_report) {
		in_report = true;
		tap_note("lr %016llx dar %016llx dsisr %08llx", (unsigned long long)lr,
			(unsigned long long)read_dar(), (unsigned long long)read_dsisr());
		tap_bail("interrupt %03llx at %016llx, msr %016llx", (unsigned long long)vector,
			(unsigned long long)srr0, (unsigned long long)srr1);
	}
	for (;;) {
	}
}
