// SPDX-License-Identifier: Apache-2.0
/*
 * arch/ppc64/emulate.c: every understood form does to registers and device what the processor
 * would, in both byte orders; everything else is refused with nothing changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/ppc64/emulate.h"
#include "core/be.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SF	 0x8000000000000000ull
#define IR	 0x20ull
#define LE	 1ull
#define PC	 0xc000000000123450ull
#define BAR	 0x20080000000ull /* guest-real; effective addresses differ above 12 bits */
#define EA	 0xc00a000000045000ull

/* --- instructions, put together by the manual's fields --- */

enum form { D, DS, X };

static uint32_t encode(enum form form, unsigned int op, unsigned int xo, unsigned int rt,
	unsigned int ra, uint32_t last)
{
	uint32_t insn = op << 26 | rt << 21 | ra << 16;

	switch (form) {
	case X:
		return insn | last << 11 | xo << 1;
	case DS:
		return insn | (last & 0xfffc) | xo;
	case D:
	default:
		return insn | (last & 0xffff);
	}
}

struct insn_case {
	const char *name;
	enum form form;
	unsigned int op, xo, size;
	bool store, update, reversed, is_signed;
};

static const struct insn_case insns[] = {
	{"lbz", D, 34, 0, 1, false, false, false, false},
	{"lbzu", D, 35, 0, 1, false, true, false, false},
	{"lhz", D, 40, 0, 2, false, false, false, false},
	{"lhzu", D, 41, 0, 2, false, true, false, false},
	{"lha", D, 42, 0, 2, false, false, false, true},
	{"lhau", D, 43, 0, 2, false, true, false, true},
	{"lwz", D, 32, 0, 4, false, false, false, false},
	{"lwzu", D, 33, 0, 4, false, true, false, false},
	{"lwa", DS, 58, 2, 4, false, false, false, true},
	{"ld", DS, 58, 0, 8, false, false, false, false},
	{"ldu", DS, 58, 1, 8, false, true, false, false},
	{"stb", D, 38, 0, 1, true, false, false, false},
	{"stbu", D, 39, 0, 1, true, true, false, false},
	{"sth", D, 44, 0, 2, true, false, false, false},
	{"sthu", D, 45, 0, 2, true, true, false, false},
	{"stw", D, 36, 0, 4, true, false, false, false},
	{"stwu", D, 37, 0, 4, true, true, false, false},
	{"std", DS, 62, 0, 8, true, false, false, false},
	{"stdu", DS, 62, 1, 8, true, true, false, false},
	{"lbzx", X, 31, 87, 1, false, false, false, false},
	{"lbzux", X, 31, 119, 1, false, true, false, false},
	{"lhzx", X, 31, 279, 2, false, false, false, false},
	{"lhzux", X, 31, 311, 2, false, true, false, false},
	{"lhax", X, 31, 343, 2, false, false, false, true},
	{"lhaux", X, 31, 375, 2, false, true, false, true},
	{"lwzx", X, 31, 23, 4, false, false, false, false},
	{"lwzux", X, 31, 55, 4, false, true, false, false},
	{"lwax", X, 31, 341, 4, false, false, false, true},
	{"lwaux", X, 31, 373, 4, false, true, false, true},
	{"ldx", X, 31, 21, 8, false, false, false, false},
	{"ldux", X, 31, 53, 8, false, true, false, false},
	{"lhbrx", X, 31, 790, 2, false, false, true, false},
	{"lwbrx", X, 31, 534, 4, false, false, true, false},
	{"ldbrx", X, 31, 532, 8, false, false, true, false},
	{"stbx", X, 31, 215, 1, true, false, false, false},
	{"stbux", X, 31, 247, 1, true, true, false, false},
	{"sthx", X, 31, 407, 2, true, false, false, false},
	{"sthux", X, 31, 439, 2, true, true, false, false},
	{"stwx", X, 31, 151, 4, true, false, false, false},
	{"stwux", X, 31, 183, 4, true, true, false, false},
	{"stdx", X, 31, 149, 8, true, false, false, false},
	{"stdux", X, 31, 181, 8, true, true, false, false},
	{"sthbrx", X, 31, 918, 2, true, false, true, false},
	{"stwbrx", X, 31, 662, 4, true, false, true, false},
	{"stdbrx", X, 31, 660, 8, true, false, true, false},
};

/* --- a device: bytes in address order, seen as a little-endian number --- */

struct device {
	uint8_t bytes[8];
	unsigned int calls, size;
	uint64_t at;
	bool write;
	int err;
};

static int device_access(void *arg, gpa_t at, unsigned int size, bool write, uint64_t *val)
{
	struct device *dev = arg;
	uint64_t v = 0;

	dev->calls++;
	dev->at = at.v;
	dev->size = size;
	dev->write = write;
	if (dev->err) {
		return dev->err;
	}
	for (unsigned int i = 0; i < size; i++) {
		if (write) {
			dev->bytes[i] = (uint8_t)(*val >> (8 * i));
		} else {
			v |= (uint64_t)dev->bytes[i] << (8 * i);
		}
	}
	if (!write) {
		*val = v;
	} else {
		assert_true(size == 8 || *val >> (8 * size) == 0);
	}
	return 0;
}

static const struct device device = {.bytes = {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8}};

/* The number that bytes in address order are in one byte order. */
static uint64_t number_of(const uint8_t *bytes, unsigned int size, bool little)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < size; i++) {
		v = v << 8 | bytes[little ? size - 1 - i : i];
	}
	return v;
}

static struct vcpu_regs some_regs(uint64_t msr)
{
	struct vcpu_regs r;

	memset(&r, 0, sizeof(r));
	for (unsigned int i = 0; i < 32; i++) {
		r.gpr[i] = 0x0123456789abcdefull * (i + 1);
	}
	r.pc = PC;
	r.msr = msr;
	return r;
}

static uint64_t loaded_value(const struct insn_case *c, bool little)
{
	uint64_t v = number_of(device.bytes, c->size, little != c->reversed);

	/* The device's every byte has its top bit set. */
	return c->is_signed ? v | ~0ull << (8 * c->size) : v;
}

/* One form, RT 7, RA 4, RB 5 or an offset of -8, in one byte order, against what the manual says.
 */
static void check_insn(const struct insn_case *c, bool little)
{
	struct vcpu_regs r = some_regs(SF | (little ? LE : 0)), want;
	uint32_t insn = encode(c->form, c->op, c->xo, 7, 4, c->form == X ? 5 : 0xfff8);
	struct device dev = device;
	const char *why = "unset";

	r.gpr[4] = EA + 0x7f8;
	r.gpr[5] = 0xfffffffffffffff8ull;
	want = r;
	want.pc = PC + 4;
	if (!c->store) {
		want.gpr[7] = loaded_value(c, little);
	}
	if (c->update) {
		want.gpr[4] = EA + 0x7f0;
	}
	if (emulate_mmio(&r, insn, BAR + 0x7f0, device_access, &dev, &why) || why) {
		fail_msg("%s: refused, %s", c->name, why ? why : "no reason");
	}
	if (dev.calls != 1 || dev.at != BAR + 0x7f0 || dev.size != c->size ||
		dev.write != c->store) {
		fail_msg("%s: wrong access of %u at %llx", c->name, dev.size,
			(unsigned long long)dev.at);
	}
	if (memcmp(&r, &want, sizeof(r))) {
		fail_msg("%s: wrong registers, %llx", c->name, (unsigned long long)r.gpr[7]);
	}
	if (c->store) {
		uint64_t low = r.gpr[7] & ~0ull >> (64 - 8 * c->size);

		if (number_of(dev.bytes, c->size, little != c->reversed) != low) {
			fail_msg("%s: wrong bytes at the device", c->name);
		}
	}
}

static void test_every_form_in_little_endian_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(insns); i++) {
		check_insn(&insns[i], true);
	}
}

static void test_every_form_in_big_endian_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(insns); i++) {
		check_insn(&insns[i], false);
	}
}

/* What an assembler made of these, so that the encoder above is not the only witness. */
static const struct {
	const char *text;
	uint32_t insn;
	uint64_t r7;
} words[] = {
	{"lwz 7,8(4)", 0x80e40008, 0xb4a39281},
	{"lwbrx 7,4,5", 0x7ce42c2c, 0x8192a3b4},
	{"lha 7,8(4)", 0xa8e40008, 0xffffffffffff9281},
	{"ld 7,8(4)", 0xe8e40008, 0xf8e7d6c5b4a39281},
	{"lwa 7,8(4)", 0xe8e4000a, 0xffffffffb4a39281},
	{"ldbrx 7,4,5", 0x7ce42c28, 0x8192a3b4c5d6e7f8},
	{"lhbrx 7,4,5", 0x7ce42e2c, 0x8192},
	{"lbzx 7,4,5", 0x7ce428ae, 0x81},
	{"lwzux 7,4,5", 0x7ce4286e, 0xb4a39281},
};

static void test_known_words_load_known_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct vcpu_regs r = some_regs(SF | LE);
		struct device dev = device;
		const char *why;

		r.gpr[4] = EA;
		r.gpr[5] = 8;
		if (emulate_mmio(&r, words[i].insn, BAR + 8, device_access, &dev, &why) ||
			r.gpr[7] != words[i].r7) {
			fail_msg("%s: %llx", words[i].text, (unsigned long long)r.gpr[7]);
		}
	}
}

static void test_positive_value_is_extended_with_zeros(void **state)
{
	struct vcpu_regs r = some_regs(SF | LE);
	struct device dev = {.bytes = {0xff, 0x7f, 0xff, 0x7f}};
	const char *why;

	(void)state;
	r.gpr[4] = EA;
	assert_int_equal(
		emulate_mmio(&r, encode(D, 42, 0, 7, 4, 0), BAR, device_access, &dev, &why), 0);
	assert_true(r.gpr[7] == 0x7fff);
	assert_int_equal(
		emulate_mmio(&r, encode(DS, 58, 2, 7, 4, 0), BAR, device_access, &dev, &why), 0);
	assert_true(r.gpr[7] == 0x7fff7fff);
}

/* RA = 0 is the number 0, not register 0; register 0 is a good RT and RB. */
static void test_ra_0_is_zero(void **state)
{
	for (size_t i = 0; i < COUNT(insns); i++) {
		const struct insn_case *c = &insns[i];
		struct vcpu_regs r = some_regs(SF | LE);
		uint32_t insn = encode(c->form, c->op, c->xo, 0, 0, c->form == X ? 9 : 0x7f8);
		struct device dev = device;
		const char *why;

		(void)state;
		r.gpr[9] = EA + 0x7f8;
		int err = emulate_mmio(&r, insn, BAR + 0x7f8, device_access, &dev, &why);

		if (err != (c->update ? -ENOSYS : 0) || dev.calls != !c->update) {
			fail_msg("%s with RA=0: %d", c->name, err);
		}
	}
}

static void test_rb_0_is_register_0(void **state)
{
	struct vcpu_regs r = some_regs(SF | LE);
	struct device dev = device;
	const char *why;

	(void)state;
	r.gpr[0] = 0x10;
	r.gpr[4] = EA;
	assert_int_equal(
		emulate_mmio(&r, encode(X, 31, 23, 7, 4, 0), BAR + 0x10, device_access, &dev, &why),
		0);
	assert_true(r.gpr[7] == 0xb4a39281);
}

/* A load may not update the register it loads; a store stores the old value, then updates. */
static void test_update_of_the_same_register(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(insns); i++) {
		const struct insn_case *c = &insns[i];
		struct vcpu_regs r = some_regs(SF | LE);
		uint32_t insn = encode(c->form, c->op, c->xo, 4, 4, c->form == X ? 5 : 8);
		struct device dev = device;
		const char *why;

		if (!c->update) {
			continue;
		}
		r.gpr[4] = EA;
		r.gpr[5] = 8;
		int err = emulate_mmio(&r, insn, BAR + 8, device_access, &dev, &why);

		if (err != (c->store ? 0 : -ENOSYS) || r.gpr[4] != EA + (c->store ? 8 : 0)) {
			fail_msg("%s with RA=RT: %d", c->name, err);
		}
		if (c->store) {
			assert_true(number_of(dev.bytes, c->size, true) ==
				    (EA & ~0ull >> (64 - 8 * c->size)));
		}
	}
}

static void test_32bit_mode_truncates_addresses(void **state)
{
	struct vcpu_regs r = some_regs(LE);
	struct device dev = device;
	const char *why;

	(void)state;
	r.pc = 0xfffffffc;
	r.gpr[4] = 0xffffffff80000ff8;
	assert_int_equal(
		emulate_mmio(&r, encode(D, 33, 0, 7, 4, 8), BAR, device_access, &dev, &why), 0);
	assert_true(r.gpr[4] == 0x80001000);
	assert_true(r.pc == 0);
}

/* Calls it and demands a refusal that did nothing and says why. Returns the reason. */
static const char *refused(const char *name, uint64_t ra, uint32_t insn, uint64_t fault)
{
	struct vcpu_regs r = some_regs(SF | LE), before;
	struct device dev = device;
	const char *why = NULL;

	r.gpr[4] = ra;
	r.gpr[5] = 0;
	before = r;
	if (emulate_mmio(&r, insn, fault, device_access, &dev, &why) != -ENOSYS || !why) {
		fail_msg("%s: not refused", name);
	}
	if (dev.calls || memcmp(&r, &before, sizeof(r))) {
		fail_msg("%s: refused, but something was done", name);
	}
	return why;
}

/* MM-04 */
static void test_misaligned_access_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(insns); i++) {
		const struct insn_case *c = &insns[i];
		uint32_t insn = encode(c->form, c->op, c->xo, 7, 4, c->form == X ? 5 : 0);

		for (unsigned int off = 1; off < c->size; off++) {
			assert_non_null(
				strstr(refused(c->name, EA + off, insn, BAR + off), "misaligned"));
			/* The last of these cross into the next page. */
			refused(c->name, EA + 0x1000 - off, insn, BAR + 0x1000 - off);
			refused(c->name, EA + 0x1000 - off, insn, BAR + 0x1000);
		}
	}
}

static void test_other_address_than_the_fault_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(insns); i++) {
		const struct insn_case *c = &insns[i];
		uint32_t insn = encode(c->form, c->op, c->xo, 7, 4, c->form == X ? 5 : 0);

		refused(c->name, EA + 0x10, insn, BAR + 0x18);
		refused(c->name, EA + 0x10, insn, BAR + 0x810);
		refused(c->name, EA + 0x10, insn, BAR + 0x11);
		refused(c->name, EA, insn, BAR + 0xff8);
	}
}

/* MM-04. Words an assembler made, with RT 7 (or 6), RA 4 and RB 5 where there are such fields. */
static const struct {
	const char *name;
	uint32_t insn;
	const char *why;
} others[] = {
	{"paddi (prefix)", 0x06000000, "prefixed"},
	{"plwz (prefix)", 0x07ffffff, "prefixed"},
	{"lxvp", 0x18e40000, "vector"},
	{"lmw", 0xb8e40000, "several"},
	{"stmw", 0xbce40000, "several"},
	{"lfs", 0xc0e40000, "floating"},
	{"lfd", 0xc8e40000, "floating"},
	{"stfs", 0xd0e40000, "floating"},
	{"stfdu", 0xdce40000, "floating"},
	{"lq", 0xe0c40000, "quadword"},
	{"lxsd", 0xe4e40002, "floating"},
	{"58 with extended opcode 3", 0xe8e40003, "not a known"},
	{"lxv", 0xf4e40001, "vector"},
	{"stxv", 0xf4e40005, "vector"},
	{"stq", 0xf8c40002, "quadword"},
	{"62 with extended opcode 3", 0xf8e40003, "quadword"},
	{"lwarx", 0x7ce42828, "reserve"},
	{"ldarx", 0x7ce428a8, "reserve"},
	{"lqarx", 0x7cc42a28, "reserve"},
	{"stwcx.", 0x7ce4292d, "reserve"},
	{"stdcx.", 0x7ce429ad, "reserve"},
	{"dcbz", 0x7c042fec, "cache"},
	{"dcbf", 0x7c0428ac, "cache"},
	{"icbi", 0x7c042fac, "cache"},
	{"lwat", 0x7ce42c8c, "atomic"},
	{"stdat", 0x7ce42dcc, "atomic"},
	{"copy", 0x7c242e0c, "copy"},
	{"paste.", 0x7c242f0d, "paste"},
	{"lswi", 0x7ce42caa, "several"},
	{"stswx", 0x7ce42d2a, "several"},
	{"lvx", 0x7ce428ce, "vector"},
	{"stvewx", 0x7ce4298e, "vector"},
	{"lxvd2x", 0x7ce42e98, "vector"},
	{"stxvd2x, upper half", 0x7ce42f99, "vector"},
	{"stxvw4x", 0x7ce42f18, "vector"},
	{"lfdx", 0x7ce42cae, "floating"},
	{"stfiwx", 0x7ce42fae, "floating"},
	{"lwzcix", 0x7ce42e2a, "not a known"},
	{"stdcix", 0x7ce42fea, "not a known"},
	{"lwzx with its reserved bit", 0x7ce4282f, "not a known"},
	{"nop", 0x60000000, "not a known"},
	{"add", 0x7ce42a14, "not a known"},
	{"sc 1", 0x44000022, "not a known"},
	{"zeros", 0x00000000, "not a known"},
	{"ones", 0xffffffff, "not a known"},
};

static void test_everything_else_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		const char *why = refused(others[i].name, EA, others[i].insn, BAR);

		if (!strstr(why, others[i].why)) {
			fail_msg("%s: called %s", others[i].name, why);
		}
	}
}

/* The forms of the X table and no more: all 2048 values of opcode 31, and all of the DS forms. */
static void test_no_opcode_is_taken_by_chance(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (uint32_t op = 0; op < 64; op++) {
		for (uint32_t low = 0; low < 2048; low++) {
			uint32_t insn = op << 26 | 7 << 21 | 4 << 16 | 5 << 11 | low;
			struct vcpu_regs r = some_regs(SF | LE);
			struct device dev = device;
			const char *why;

			if (op != 31 && low > 3) {
				break;
			}
			r.gpr[4] = EA;
			r.gpr[5] = 0;
			if (op != 31) {
				insn &= ~0xfffcu;
			}
			/* Displacements 1 to 3 of the D form fit no fault at a page's begin. */
			taken += !emulate_mmio(&r, insn, BAR, device_access, &dev, &why);
		}
	}
	assert_int_equal(taken, COUNT(insns));
}

static void test_refused_access_changes_no_register(void **state)
{
	static const int errors[] = {-ENOENT, -EACCES, -EIO};

	(void)state;
	for (size_t i = 0; i < COUNT(insns) * COUNT(errors); i++) {
		const struct insn_case *c = &insns[i / COUNT(errors)];
		uint32_t insn = encode(c->form, c->op, c->xo, 7, 4, c->form == X ? 5 : 8);
		struct vcpu_regs r = some_regs(SF), before;
		struct device dev = device;
		const char *why = NULL;

		dev.err = errors[i % COUNT(errors)];
		r.gpr[4] = EA;
		r.gpr[5] = 8;
		before = r;
		assert_int_equal(
			emulate_mmio(&r, insn, BAR + 8, device_access, &dev, &why), dev.err);
		assert_non_null(why);
		assert_int_equal(dev.calls, 1);
		if (memcmp(&r, &before, sizeof(r))) {
			fail_msg("%s: registers changed", c->name);
		}
	}
}

/* --- fetch --- */

#define RAM 0x20000u

static uint8_t ram[RAM];
static const struct guest_mem mem = {ram, {0x40000000}, RAM};

static void put64(unsigned int at, uint64_t v)
{
	be64_t raw = be64(v);

	memcpy(ram + at, &raw, sizeof(raw));
}

static int make_ram(void **state)
{
	static const uint8_t code[] = {0x80, 0xe4, 0x00, 0x08};

	(void)state;
	memset(ram, 0, sizeof(ram));
	memcpy(ram + 0x3450, code, sizeof(code));
	memcpy(ram + RAM - 4, code, sizeof(code));
	/* Process 0: 1 GiB of guest-real 0 at the kernel's base; there is no process 1. */
	put64(0x1000, 0x40000000000000a0 | 0x10000 | 13);
	put64(0x10000, 0x8000000000000000 | 0x2000 | 9);
	put64(0x2000, 0xc000000000000000 | 0x18f);
	return 0;
}

static const struct radix_ctx ctx = {.process_table = 0x1000, .pid = 1};

static const struct {
	const char *name;
	uint64_t pc, msr;
	uint32_t insn; /* 0: -EFAULT */
} fetches[] = {
	{"real mode, big-endian", 0x3450, SF, 0x80e40008},
	{"real mode, little-endian", 0x3450, SF | LE, 0x0800e480},
	{"real mode, top bits", 0xc000000000003450, SF, 0x80e40008},
	{"32 bit", 0xffffffff00003450, 0, 0x80e40008},
	{"translated, big-endian", 0xc000000000003450, SF | IR, 0x80e40008},
	{"translated, little-endian", 0xc000000000003450, SF | IR | LE, 0x0800e480},
	{"last word", RAM - 4, SF, 0x80e40008},
	{"past RAM", RAM, SF, 0},
	{"device", BAR, SF, 0},
	{"translated past RAM", 0xc000000000000000 + RAM, SF | IR, 0},
	{"no translation", 0xc000000040000000, SF | IR, 0},
	{"no such process", 0x3450, SF | IR, 0},
	{"misaligned", 0x3452, SF, 0},
	{"misaligned by 1", 0x3451, SF, 0},
};

static void test_fetch_reads_in_the_guests_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fetches); i++) {
		uint32_t want = fetches[i].insn ? fetches[i].insn : 0x55555555;
		uint32_t insn = 0x55555555;
		int err = emulate_fetch(&mem, &ctx, fetches[i].pc, fetches[i].msr, &insn);

		if (err != (fetches[i].insn ? 0 : -EFAULT) || insn != want) {
			fail_msg("%s: %d, %lx", fetches[i].name, err, (unsigned long)insn);
		}
	}
}

/* --- random words --- */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed ^ *seed >> 29;
}

/* Registers that may differ after a success: RT of a load, RA, pc. */
static void check_only_named_registers_changed(
	const struct vcpu_regs *was, const struct vcpu_regs *is, uint32_t insn)
{
	struct vcpu_regs expect = *was;
	unsigned int rt = insn >> 21 & 31, ra = insn >> 16 & 31;

	expect.gpr[rt] = is->gpr[rt];
	expect.gpr[ra] = is->gpr[ra];
	expect.pc = is->pc;
	assert_memory_equal(&expect, is, sizeof(expect));
}

/* One of ours with random registers; *offset is where in a page it goes if registers hold pages. */
static uint32_t random_known(uint64_t *seed, uint64_t *offset)
{
	uint64_t r = next_random(seed);
	const struct insn_case *c = &insns[(r >> 40) % COUNT(insns)];

	*offset = c->form == X ? 0 : r & 0x7f8;
	return encode(c->form, c->op, c->xo, r >> 32 & 31, r >> 16 & 31,
		c->form == X ? r >> 11 & 31 : (uint32_t)*offset);
}

static void random_regs(uint64_t *seed, struct vcpu_regs *r, bool pages)
{
	for (unsigned int i = 0; i < 32; i++) {
		r->gpr[i] = next_random(seed) & (pages ? ~0xfffull : ~0ull);
	}
	r->msr = next_random(seed);
}

/* A third is quite random, a third known words anywhere, a third known words that fit the fault. */
static void test_random_words_never_harm(void **state)
{
	uint64_t seed = 7;
	unsigned int done = 0;

	(void)state;
	for (unsigned int round = 0; round < 300000; round++) {
		struct vcpu_regs r = some_regs(0), before;
		uint64_t offset, fault = next_random(&seed);
		uint32_t insn = random_known(&seed, &offset);
		struct device dev = device;
		const char *why = "unset";

		random_regs(&seed, &r, round % 3 == 2);
		if (round % 3 == 0) {
			insn = (uint32_t)next_random(&seed);
		} else if (round % 3 == 2) {
			fault = (fault & ~0xfffull) | offset;
		}
		dev.err = next_random(&seed) >> 60 ? 0 : -ENOENT;
		before = r;
		int err = emulate_mmio(&r, insn, fault, device_access, &dev, &why);

		assert_true(err ? why != NULL : why == NULL);
		if (err) {
			assert_memory_equal(&before, &r, sizeof(r));
			assert_int_equal(dev.calls, err == -ENOENT);
			continue;
		}
		done++;
		assert_int_equal(dev.calls, 1);
		assert_true(dev.at == fault && !(fault & (dev.size - 1)));
		check_only_named_registers_changed(&before, &r, insn);
	}
	assert_in_range(done, 50000, 110000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_in_little_endian_mode),
		cmocka_unit_test(test_every_form_in_big_endian_mode),
		cmocka_unit_test(test_known_words_load_known_values),
		cmocka_unit_test(test_positive_value_is_extended_with_zeros),
		cmocka_unit_test(test_ra_0_is_zero),
		cmocka_unit_test(test_rb_0_is_register_0),
		cmocka_unit_test(test_update_of_the_same_register),
		cmocka_unit_test(test_32bit_mode_truncates_addresses),
		cmocka_unit_test(test_misaligned_access_is_refused),
		cmocka_unit_test(test_other_address_than_the_fault_is_refused),
		cmocka_unit_test(test_everything_else_is_refused_by_name),
		cmocka_unit_test(test_no_opcode_is_taken_by_chance),
		cmocka_unit_test(test_refused_access_changes_no_register),
		cmocka_unit_test_setup(test_fetch_reads_in_the_guests_order, make_ram),
		cmocka_unit_test(test_random_words_never_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
