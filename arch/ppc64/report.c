// SPDX-License-Identifier: Apache-2.0
/* Reports of traps: one table of causes, one layout of registers. */
#include "arch/ppc64/report.h"

#include "arch/ppc64/spr.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	uint64_t trap;
	const char *words;
} causes[] = {
	{0x100, "system reset"},
	{0x200, "machine check"},
	{0x300, "data storage interrupt"},
	{0x380, "data segment interrupt"},
	{0x400, "instruction storage interrupt"},
	{0x480, "instruction segment interrupt"},
	{0x500, "external interrupt"},
	{0x600, "alignment interrupt"},
	{0x700, "program interrupt"},
	{0x800, "floating point unavailable"},
	{0x900, "decrementer"},
	{0x980, "hypervisor decrementer"},
	{0xc00, "system call"},
	{0xd00, "trace"},
	{0xe00, "it touched memory that it does not have"},
	{0xe20, "it jumped to memory that it does not have"},
	{0xe40, "an instruction that this processor does not know"},
	{0xe60, "hypervisor maintenance interrupt"},
	{0xe80, "hypervisor doorbell"},
	{0xea0, "hypervisor virtualization interrupt"},
	{0xf80, "a facility that it is not given"},
	{0x1500, "soft patch"},
};

struct text {
	char *buf;
	size_t size, used;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	if (n > 0) {
		size_t room = t->size - t->used - 1;

		t->used += (size_t)n < room ? (size_t)n : room;
	}
}

static const char *cause_of(uint64_t trap)
{
	for (unsigned int i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (causes[i].trap == trap) {
			return causes[i].words;
		}
	}
	return "a trap without a name";
}

static void add_registers(struct text *t, const struct vcpu_regs *r)
{
	add(t, "pc  %016" PRIx64 "  msr %016" PRIx64 "  lr  %016" PRIx64 "  ctr %016" PRIx64 "\n",
		r->pc, r->msr, r->lr, r->ctr);
	add(t,
		"cr  %08" PRIx64 "          xer %016" PRIx64 "  srr %016" PRIx64 "  %016" PRIx64
		"\n",
		r->cr, r->xer, r->srr0, r->srr1);
	for (unsigned int i = 0; i < 32; i += 4) {
		add(t, "r%-2u %016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 "\n", i,
			r->gpr[i], r->gpr[i + 1], r->gpr[i + 2], r->gpr[i + 3]);
	}
}

static void add_storage_cause(struct text *t, const struct vcpu_regs *r)
{
	uint64_t hdsisr = spr_read(SPR_HDSISR);

	/* ASDR has the guest-real page; the low bits come from the address used. */
	if (r->trap == 0xe00) {
		uint64_t at = (spr_read(SPR_ASDR) & PAGE_MASK) | (spr_read(SPR_HDAR) & 0xfff);

		add(t, "%s at guest-real 0x%" PRIx64 ", %s (HDSISR %08" PRIx64 ")\n",
			hdsisr & HDSISR_STORE ? "a store" : "a load", at,
			hdsisr & HDSISR_PROTECTION   ? "which it may not do there"
			: hdsisr & HDSISR_NOT_MAPPED ? "where nothing is"
						     : "which failed",
			hdsisr);
	} else {
		add(t, "a fetch at 0x%" PRIx64 " (guest-real page 0x%" PRIx64 ")\n", r->pc,
			spr_read(SPR_ASDR) & PAGE_MASK);
	}
}

void report_guest(const struct vcpu_regs *r, const char *why, char *buf, size_t size)
{
	struct text t = {buf, size, 0};

	buf[0] = '\0';
	add(&t, "%s (trap 0x%" PRIx64 ")\n", cause_of(r->trap), r->trap);
	if (r->trap == 0xe00 || r->trap == 0xe20) {
		add_storage_cause(&t, r);
		if (why) {
			add(&t, "not emulated: %s\n", why);
		}
	} else if (r->trap == 0x200) {
		add(&t, "DAR %016" PRIx64 "  DSISR %08" PRIx64 "\n", spr_read(SPR_DAR),
			spr_read(SPR_DSISR));
	}
	add_registers(&t, r);
}

void report_hypervisor(const struct vcpu_regs *r, char *buf, size_t size)
{
	struct text t = {buf, size, 0};

	buf[0] = '\0';
	add(&t, "hypervisor: %s (trap 0x%" PRIx64 ")\n", cause_of(r->trap), r->trap);
	add(&t, "DAR %016" PRIx64 "  DSISR %08" PRIx64 "  HDAR %016" PRIx64 "\n", spr_read(SPR_DAR),
		spr_read(SPR_DSISR), spr_read(SPR_HDAR));
	add_registers(&t, r);
}
