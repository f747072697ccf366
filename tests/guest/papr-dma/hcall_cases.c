// SPDX-License-Identifier: Apache-2.0
/*
 * One hypercall a line: what it is given, and what it must answer and do. QEMU's pseries answers
 * some of them otherwise; what it does is in its own column, and a result that rests on that column
 * says so.
 *
 * Around every call the watched entries are read back, so that a refused call that changed
 * something, or an accepted one that changed the wrong thing, is found.
 */
#include "tests/guest/papr-dma/arena.h"
#include "tests/guest/papr-dma/args.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"
#include "tests/guest/problem.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>

enum effect {
	SAME,	 /* no watched entry changed */
	HOLDS,	 /* the entry at the call's address is now the value; no other changed */
	GIVES,	 /* r4 is the value; no entry changed */
	EMPTIES, /* every watched entry is now without access */
	CHANGES, /* not compared: more entries changed, as the name says */
	SKIPPED, /* not made here; reason says why */
};

struct outcome {
	int64_t status;
	enum effect effect;
	struct arg value;
	const char *reason;
};

struct hcall_case {
	const char *name;
	uint64_t opcode;
	enum hv_mode mode;
	struct arg args[4];
	struct outcome tcelot, qemu;
};

/* clang-format off */
/* Calls. */
#define OPCODE(n)	 (n), HV_NORMAL
#define PUT		 H_PUT_TCE, HV_NORMAL
#define PUT_SF32	 H_PUT_TCE, HV_SF32
#define PUT_PROBLEM	 H_PUT_TCE, HV_PROBLEM
#define GET		 H_GET_TCE, HV_NORMAL
#define GET_SF32	 H_GET_TCE, HV_SF32
#define GET_PROBLEM	 H_GET_TCE, HV_PROBLEM
#define INDIRECT	 H_PUT_TCE_INDIRECT, HV_NORMAL
#define INDIRECT_PROBLEM H_PUT_TCE_INDIRECT, HV_PROBLEM
#define STUFF		 H_STUFF_TCE, HV_NORMAL
#define STUFF_PROBLEM	 H_STUFF_TCE, HV_PROBLEM
#define PUT_TERM	 H_PUT_TERM_CHAR, HV_NORMAL
#define GET_TERM	 H_GET_TERM_CHAR, HV_NORMAL

/* Arguments. */
#define V(n)	   {SYM_NONE, (uint64_t)(n)}
#define LIOBN(n)   {SYM_LIOBN, (uint64_t)(n)}
#define BASE(n)	   {SYM_BASE, (uint64_t)(n)}
#define AT(n)	   {SYM_AT, (uint64_t)(n)}
#define LAST(n)	   {SYM_LAST, (uint64_t)(n)}
#define END(n)	   {SYM_END, (uint64_t)(n)}
#define NPAGES(n)  {SYM_NPAGES, (uint64_t)(n)}
#define PAGE(n)	   {SYM_PAGE, (uint64_t)(n)}
#define RAM(n)	   {SYM_RAM, (uint64_t)(n)}
#define ALIEN(n)   {SYM_ALIEN, (uint64_t)(n)}
#define BAR(n)	   {SYM_BAR, (uint64_t)(n)}
#define LIST(n)	   {SYM_LIST, (uint64_t)(n)}
#define LIST_RAM   {SYM_LIST_RAM, 0}
#define LIST_BIT   {SYM_LIST_BIT, 0}
#define LIST_SELF(n) {SYM_LIST_SELF, (uint64_t)(n)}
#define VTY(n)	   {SYM_VTY, (uint64_t)(n)}

/* Outcomes. */
#define REFUSED(code)	 {code, SAME, {SYM_NONE, 0}, NULL}
#define DONE		 {H_SUCCESS, SAME, {SYM_NONE, 0}, NULL}
#define STORED(...)	 {H_SUCCESS, HOLDS, __VA_ARGS__, NULL}
#define GIVEN(...)	 {H_SUCCESS, GIVES, __VA_ARGS__, NULL}
#define PARTLY(code)	 {code, CHANGES, {SYM_NONE, 0}, NULL}
#define EMPTIED		 {H_SUCCESS, EMPTIES, {SYM_NONE, 0}, NULL}
#define NOT_HERE(why)	 {0, SKIPPED, {SYM_NONE, 0}, why}
#define BOTH(...)	 __VA_ARGS__, __VA_ARGS__
/* clang-format on */

#define RW     TCE_RW
#define K4     ((uint64_t)TCE_PAGE)
#define GIB    (1ull << 30)
#define BYPASS (1ull << 59)
#define TOP    (0 - K4) /* the last page of the address space */
#define P      H_PARAMETER

/* clang-format off */
static const struct hcall_case cases[] = {
	/* H_PUT_TCE(liobn, ioba, tce) */
	{"PUT: a page, read and write", PUT,
		{LIOBN(0), AT(0), PAGE(3 * K4 + RW)}, BOTH(STORED(PAGE(3 * K4 + RW)))},
	{"PUT: a page, read only, over a valid entry (HC-12)", PUT,
		{LIOBN(0), AT(K4), PAGE(3 * K4 + TCE_READ)}, BOTH(STORED(PAGE(3 * K4 + TCE_READ)))},
	{"PUT: a page, write only", PUT,
		{LIOBN(0), AT(2 * K4), PAGE(4 * K4 + TCE_WRITE)}, BOTH(STORED(PAGE(4 * K4 + TCE_WRITE)))},
	{"PUT: guest-real page 0", PUT,
		{LIOBN(0), AT(0), V(RW)}, BOTH(STORED(V(RW)))},
	{"PUT: the last page of memory", PUT,
		{LIOBN(0), AT(0), RAM(RW - K4)}, BOTH(STORED(RAM(RW - K4)))},
	{"PUT: at the first page of the window", PUT,
		{LIOBN(0), BASE(0), PAGE(3 * K4 + RW)}, BOTH(STORED(PAGE(3 * K4 + RW)))},
	{"PUT: at the last page of the window (HC-05)", PUT,
		{LIOBN(0), LAST(0), PAGE(3 * K4 + RW)}, BOTH(STORED(PAGE(3 * K4 + RW)))},
	{"PUT: at the end of the window (HC-05)", PUT,
		{LIOBN(0), END(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: a page below the window (HC-04)", PUT,
		{LIOBN(0), BASE(0 - K4), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: at the last page of the address space (HC-04)", PUT,
		{LIOBN(0), V(TOP), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: 4 GiB above a page of the window", PUT,
		{LIOBN(0), AT(4 * GIB), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: bit 63 above a page of the window", PUT,
		{LIOBN(0), AT(1ull << 63), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: at a bypass address by the window's LIOBN (HC-04)", PUT,
		{LIOBN(0), V(BYPASS), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: address 1 past a page (HC-06)", PUT,
		{LIOBN(0), AT(1), PAGE(3 * K4 + RW)}, REFUSED(P), STORED(PAGE(3 * K4 + RW))},
	{"PUT: address half a page past a page (HC-06)", PUT,
		{LIOBN(0), AT(0x800), PAGE(3 * K4 + RW)}, REFUSED(P), STORED(PAGE(3 * K4 + RW))},
	{"PUT: address 1 before a page (HC-06)", PUT,
		{LIOBN(0), AT(K4 - 1), PAGE(3 * K4 + RW)}, REFUSED(P), STORED(PAGE(3 * K4 + RW))},
	{"PUT: unknown LIOBN (HC-01)", PUT,
		{LIOBN(0x7f), AT(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: LIOBN 0 (HC-01)", PUT,
		{V(0), AT(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: the terminal's address as LIOBN (HC-01)", PUT,
		{VTY(0), AT(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: LIOBN with bit 32 set", PUT,
		{LIOBN(1ull << 32), AT(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: LIOBN with bit 63 set", PUT,
		{LIOBN(1ull << 63), AT(0), PAGE(RW)}, BOTH(REFUSED(P))},
	{"PUT: the page past the memory (HC-07)", PUT,
		{LIOBN(0), AT(0), RAM(RW)}, REFUSED(P), STORED(RAM(RW))},
	{"PUT: the page past the memory, read only (HC-07)", PUT,
		{LIOBN(0), AT(0), RAM(TCE_READ)}, REFUSED(P), STORED(RAM(TCE_READ))},
	{"PUT: the page past the memory, write only (HC-07)", PUT,
		{LIOBN(0), AT(0), RAM(TCE_WRITE)}, REFUSED(P), STORED(RAM(TCE_WRITE))},
	{"PUT: a page of the hypervisor's image (HC-08)", PUT,
		{LIOBN(0), AT(0), ALIEN(0x20010000 + RW)}, REFUSED(P), STORED(V(0x20010000 + RW))},
	{"PUT: a page of OPAL (HC-08)", PUT,
		{LIOBN(0), AT(0), ALIEN(0x30000000 + RW)}, REFUSED(P), STORED(V(0x30000000 + RW))},
	{"PUT: the host's registers of a PHB (HC-08)", PUT,
		{LIOBN(0), AT(0), ALIEN(0x600c3c0000000 + RW)}, REFUSED(P),
		STORED(V(0x600c3c0000000 + RW))},
	{"PUT: the device's own registers (HC-07)", PUT,
		{LIOBN(0), AT(0), BAR(RW)}, REFUSED(P), STORED(BAR(RW))},
	{"PUT: page number with bit 60 set (HC-07)", PUT,
		{LIOBN(0), AT(0), PAGE(1ull << 60 | RW)}, REFUSED(P), STORED(PAGE(1ull << 60 | RW))},
	{"PUT: page number with bit 63 set (HC-07)", PUT,
		{LIOBN(0), AT(0), PAGE(1ull << 63 | RW)}, REFUSED(P), STORED(PAGE(1ull << 63 | RW))},
	{"PUT: every bit set (HC-30)", PUT,
		{LIOBN(0), AT(0), V(-1)}, REFUSED(P), STORED(V(-1))},
	{"PUT: undefined bit 2 set (HC-30)", PUT,
		{LIOBN(0), AT(0), PAGE(RW + 4)}, REFUSED(P), STORED(PAGE(RW + 4))},
	{"PUT: undefined bit 7 set, read only (HC-30)", PUT,
		{LIOBN(0), AT(0), PAGE(TCE_READ + 0x80)}, REFUSED(P), STORED(PAGE(TCE_READ + 0x80))},
	{"PUT: undefined bit 11 set, write only (HC-30)", PUT,
		{LIOBN(0), AT(0), PAGE(TCE_WRITE + 0x800)}, REFUSED(P),
		STORED(PAGE(TCE_WRITE + 0x800))},
	{"PUT: no access, a page number (HC-10)", PUT,
		{LIOBN(0), AT(0), PAGE(3 * K4)}, STORED(V(0)), STORED(PAGE(3 * K4))},
	{"PUT: no access, a page number past the memory (HC-10)", PUT,
		{LIOBN(0), AT(0), RAM(0)}, STORED(V(0)), STORED(RAM(0))},
	{"PUT: no access, undefined bits (HC-10)", PUT,
		{LIOBN(0), AT(0), V(0xffc)}, STORED(V(0)), STORED(V(0xffc))},
	{"PUT: 0 over a valid entry", PUT,
		{LIOBN(0), AT(0), V(0)}, BOTH(STORED(V(0)))},
	{"PUT: from 32-bit mode, high halves ignored", PUT_SF32,
		{LIOBN(0xdeadull << 32), AT(0xdeadull << 32), PAGE((0xdeadull << 32) + 3 * K4 + RW)},
		STORED(PAGE(3 * K4 + RW)), REFUSED(P)},
	{"PUT: from problem state (HC-26)", PUT_PROBLEM,
		{LIOBN(0), AT(0), PAGE(3 * K4 + RW)}, BOTH(REFUSED(H_PRIVILEGE))},

	/* H_GET_TCE(liobn, ioba) */
	{"GET: a valid entry, guest-real (HC-11)", GET,
		{LIOBN(0), AT(0)}, BOTH(GIVEN(PAGE(RW)))},
	{"GET: a read-only entry", GET,
		{LIOBN(0), AT(K4)}, BOTH(GIVEN(PAGE(K4 + TCE_READ)))},
	{"GET: an entry without access", GET,
		{LIOBN(0), AT(2 * K4)}, BOTH(GIVEN(V(0)))},
	{"GET: from 32-bit mode, high halves ignored", GET_SF32,
		{LIOBN(0xdeadull << 32), AT(0xdeadull << 32)}, GIVEN(PAGE(RW)), REFUSED(P)},
	{"GET: address 1 past a page (HC-06)", GET,
		{LIOBN(0), AT(1)}, REFUSED(P), GIVEN(PAGE(RW))},
	{"GET: at the end of the window", GET,
		{LIOBN(0), END(0)}, BOTH(REFUSED(P))},
	{"GET: a page below the window (HC-04)", GET,
		{LIOBN(0), BASE(0 - K4)}, BOTH(REFUSED(P))},
	{"GET: at the last page of the address space (HC-04)", GET,
		{LIOBN(0), V(TOP)}, BOTH(REFUSED(P))},
	{"GET: 4 GiB above a page of the window", GET,
		{LIOBN(0), AT(4 * GIB)}, BOTH(REFUSED(P))},
	{"GET: unknown LIOBN (HC-01)", GET,
		{LIOBN(0x7f), AT(0)}, BOTH(REFUSED(P))},
	{"GET: LIOBN with bit 32 set", GET,
		{LIOBN(1ull << 32), AT(0)}, BOTH(REFUSED(P))},
	{"GET: from problem state (HC-26)", GET_PROBLEM,
		{LIOBN(0), AT(0)}, BOTH(REFUSED(H_PRIVILEGE))},

	/* H_PUT_TCE_INDIRECT(liobn, ioba, list, n) */
	{"INDIRECT: 1 entry", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(1)}, BOTH(STORED(PAGE(8 * K4 + RW)))},
	{"INDIRECT: 512 entries", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(512)}, BOTH(PARTLY(H_SUCCESS))},
	{"INDIRECT: 0 entries (HC-15)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(0)}, BOTH(REFUSED(P))},
	{"INDIRECT: 513 entries (HC-14)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(513)}, BOTH(REFUSED(P))},
	{"INDIRECT: 2^32 entries (HC-14)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(1ull << 32)}, BOTH(REFUSED(P))},
	{"INDIRECT: 2^32 + 1 entries (HC-14)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V((1ull << 32) + 1)}, BOTH(REFUSED(P))},
	{"INDIRECT: 2^63 entries (HC-14)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(1ull << 63)}, BOTH(REFUSED(P))},
	{"INDIRECT: -1 entries (HC-14)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0), V(-1)}, BOTH(REFUSED(P))},
	{"INDIRECT: list 8 past a page (HC-16)", INDIRECT,
		{LIOBN(0), AT(0), LIST(8), V(1)}, BOTH(REFUSED(P))},
	{"INDIRECT: list half a page past a page (HC-16)", INDIRECT,
		{LIOBN(0), AT(0), LIST(0x800), V(1)}, BOTH(REFUSED(P))},
	{"INDIRECT: list past the memory", INDIRECT,
		{LIOBN(0), AT(0), RAM(0), V(1)}, REFUSED(P), STORED(V(0))},
	{"INDIRECT: list in OPAL", INDIRECT,
		{LIOBN(0), AT(0), ALIEN(0x30000000), V(8)}, REFUSED(P), PARTLY(H_SUCCESS)},
	{"INDIRECT: list at the last page of the address space", INDIRECT,
		{LIOBN(0), AT(0), V(TOP), V(1)}, REFUSED(P), STORED(V(0))},
	{"INDIRECT: list in the device's registers", INDIRECT,
		{LIOBN(0), AT(0), BAR(0), V(1)}, REFUSED(P), PARTLY(H_SUCCESS)},
	{"INDIRECT: the sixth entry past the memory (HC-07)", INDIRECT,
		{LIOBN(0), AT(0), LIST_RAM, V(8)}, REFUSED(P), PARTLY(H_SUCCESS)},
	{"INDIRECT: the sixth entry with an undefined bit (HC-30)", INDIRECT,
		{LIOBN(0), AT(0), LIST_BIT, V(8)}, REFUSED(P), PARTLY(H_SUCCESS)},
	{"INDIRECT: a bad sixth entry of five is not looked at", INDIRECT,
		{LIOBN(0), AT(0), LIST_RAM, V(5)}, BOTH(PARTLY(H_SUCCESS))},
	{"INDIRECT: passes the end of the window by one (HC-20)", INDIRECT,
		{LIOBN(0), LAST(0 - 3 * K4), LIST(0), V(5)}, REFUSED(P), PARTLY(P)},
	{"INDIRECT: at the end of the window", INDIRECT,
		{LIOBN(0), END(0), LIST(0), V(1)}, BOTH(REFUSED(P))},
	{"INDIRECT: wraps the address space", INDIRECT,
		{LIOBN(0), V(TOP), LIST(0), V(2)}, BOTH(REFUSED(P))},
	{"INDIRECT: address 1 past a page (HC-06)", INDIRECT,
		{LIOBN(0), AT(1), LIST(0), V(1)}, REFUSED(P), STORED(PAGE(8 * K4 + RW))},
	{"INDIRECT: maps its own list (HC-21)", INDIRECT,
		{LIOBN(0), AT(0), LIST_SELF(0), V(1)}, BOTH(STORED(LIST_SELF(RW)))},
	{"INDIRECT: unknown LIOBN (HC-01)", INDIRECT,
		{LIOBN(0x7f), AT(0), LIST(0), V(1)}, BOTH(REFUSED(P))},
	{"INDIRECT: LIOBN with bit 32 set", INDIRECT,
		{LIOBN(1ull << 32), AT(0), LIST(0), V(1)}, BOTH(REFUSED(P))},
	{"INDIRECT: from problem state (HC-26)", INDIRECT_PROBLEM,
		{LIOBN(0), AT(0), LIST(0), V(1)}, BOTH(REFUSED(H_PRIVILEGE))},

	/* H_STUFF_TCE(liobn, ioba, tce, n) */
	{"STUFF: 1 entry", STUFF,
		{LIOBN(0), AT(0), V(0), V(1)}, BOTH(STORED(V(0)))},
	{"STUFF: 0 entries (HC-24)", STUFF,
		{LIOBN(0), AT(0), V(0), V(0)}, BOTH(REFUSED(P))},
	{"STUFF: 513 entries", STUFF,
		{LIOBN(0), AT(0), V(0), V(513)}, BOTH(PARTLY(H_SUCCESS))},
	{"STUFF: the whole window", STUFF,
		{LIOBN(0), BASE(0), V(0), NPAGES(0)}, BOTH(EMPTIED)},
	{"STUFF: one more than the window has", STUFF,
		{LIOBN(0), BASE(0), V(0), NPAGES(1)}, BOTH(REFUSED(P))},
	{"STUFF: passes the end of the window by one", STUFF,
		{LIOBN(0), LAST(0 - 3 * K4), V(0), V(5)}, REFUSED(P), PARTLY(P)},
	{"STUFF: passes the end of the window by one after 600", STUFF,
		{LIOBN(0), LAST(0 - 599 * K4), V(0), V(601)}, REFUSED(P), PARTLY(P)},
	{"STUFF: at the end of the window", STUFF,
		{LIOBN(0), END(0), V(0), V(1)}, BOTH(REFUSED(P))},
	{"STUFF: 2^32 entries (HC-24)", STUFF,
		{LIOBN(0), AT(0), V(0), V(1ull << 32)}, BOTH(REFUSED(P))},
	{"STUFF: -1 entries (HC-24)", STUFF,
		{LIOBN(0), AT(0), V(0), V(-1)}, BOTH(REFUSED(P))},
	{"STUFF: 2^52 + 1 entries, the length wraps to one page (HC-24)", STUFF,
		{LIOBN(0), AT(0), V(0), V((1ull << 52) + 1)}, BOTH(REFUSED(P))},
	{"STUFF: the end wraps into the window (HC-24)", STUFF,
		{LIOBN(0), AT(0), V(0), V(1ull << 52)}, BOTH(REFUSED(P))},
	{"STUFF: from the end of the address space into the window", STUFF,
		{LIOBN(0), V(TOP), V(0), V(3)}, BOTH(REFUSED(P))},
	{"STUFF: a page with access (HC-22)", STUFF,
		{LIOBN(0), AT(0), PAGE(3 * K4 + RW), V(1)}, REFUSED(P), STORED(PAGE(3 * K4 + RW))},
	{"STUFF: read permission alone (HC-22)", STUFF,
		{LIOBN(0), AT(0), V(TCE_READ), V(1)}, REFUSED(P), STORED(V(TCE_READ))},
	{"STUFF: write permission alone (HC-22)", STUFF,
		{LIOBN(0), AT(0), V(TCE_WRITE), V(1)}, REFUSED(P), STORED(V(TCE_WRITE))},
	{"STUFF: no access, a page number (HC-10)", STUFF,
		{LIOBN(0), AT(0), PAGE(3 * K4), V(1)}, STORED(V(0)), STORED(PAGE(3 * K4))},
	{"STUFF: address 1 past a page (HC-06)", STUFF,
		{LIOBN(0), AT(1), V(0), V(1)}, REFUSED(P), STORED(V(0))},
	{"STUFF: unknown LIOBN (HC-01)", STUFF,
		{LIOBN(0x7f), AT(0), V(0), V(1)}, BOTH(REFUSED(P))},
	{"STUFF: LIOBN with bit 32 set", STUFF,
		{LIOBN(1ull << 32), AT(0), V(0), V(1)}, BOTH(REFUSED(P))},
	{"STUFF: from problem state (HC-26)", STUFF_PROBLEM,
		{LIOBN(0), AT(0), V(0), V(1)}, BOTH(REFUSED(H_PRIVILEGE))},

	/* Opcodes that are none (HC-25). */
	{"opcode 0", OPCODE(0), {LIOBN(0), AT(0), V(0), V(1)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode of PUT + 1", OPCODE(H_PUT_TCE + 1),
		{LIOBN(0), AT(0), V(0)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode of PUT + 2^32", OPCODE(H_PUT_TCE + (1ull << 32)),
		{LIOBN(0), AT(0), V(0)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode of PUT + 2^63", OPCODE(H_PUT_TCE + (1ull << 63)),
		{LIOBN(0), AT(0), V(0)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode 0xfffff0", OPCODE(0xfffff0), {LIOBN(0), AT(0), V(0), V(1)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode 0xfffc", OPCODE(0xfffc), {LIOBN(0), AT(0), V(0), V(1)}, BOTH(REFUSED(H_FUNCTION))},
	{"opcode -4", OPCODE((uint64_t)-4), {LIOBN(0), AT(0), V(0), V(1)}, BOTH(REFUSED(H_FUNCTION))},

	/* H_PUT_TERM_CHAR(unit, n, characters), H_GET_TERM_CHAR(unit) */
	{"PUT_TERM: no characters", PUT_TERM, {VTY(0), V(0)}, BOTH(DONE)},
	{"PUT_TERM: 17 characters", PUT_TERM, {VTY(0), V(17)}, BOTH(REFUSED(P))},
	{"PUT_TERM: -1 characters", PUT_TERM, {VTY(0), V(-1)}, BOTH(REFUSED(P))},
	{"PUT_TERM: unknown terminal", PUT_TERM, {VTY(1), V(1)}, BOTH(REFUSED(P))},
	{"PUT_TERM: terminal with bit 32 set", PUT_TERM,
		{VTY(1ull << 32), V(1)}, REFUSED(P), NOT_HERE("takes the low half of the number")},
	{"GET_TERM: nothing typed", GET_TERM, {VTY(0)}, BOTH(GIVEN(V(0)))},
	{"GET_TERM: unknown terminal", GET_TERM, {VTY(1)}, BOTH(REFUSED(P))},
};
/* clang-format on */

/* The entries that are looked at around every call, and what they are before it. */
#define EDGE_LOW  2u
#define EDGE_HIGH 8u
#define INSIDE	  8u
#define WATCHED	  (EDGE_LOW + INSIDE + EDGE_HIGH)

struct watched {
	uint64_t ioba, before;
};

static struct watched watched[WATCHED];

static void watch(unsigned int i, uint64_t page)
{
	static const uint64_t perms[] = {
		TCE_RW, TCE_READ, 0, TCE_WRITE, TCE_RW, 0, TCE_READ, TCE_RW};
	unsigned int k = i < EDGE_LOW ? i : (i - EDGE_LOW) % INSIDE;

	watched[i].ioba = window_page(page);
	watched[i].before = perms[k] ? arena_gpa(k) | perms[k] : 0;
}

static void watch_start(void)
{
	unsigned int i = 0;

	for (unsigned int k = 0; k < EDGE_LOW; k++) {
		watch(i++, k);
	}
	for (unsigned int k = 0; k < INSIDE; k++) {
		watch(i++, PAGE_HCALL + k);
	}
	for (unsigned int k = 0; k < EDGE_HIGH; k++) {
		watch(i++, window_pages() - EDGE_HIGH + k);
	}
}

/* Puts the watched entries back, and clears what else a case may have set. */
static bool watch_restore(void)
{
	bool good = tce_clear(window_page(PAGE_HCALL), PAGE_HCALL_N) == H_SUCCESS;

	for (unsigned int i = 0; i < WATCHED; i++) {
		good = tce_put(watched[i].ioba, watched[i].before) == H_SUCCESS && good;
	}
	return good;
}

static void watch_end(void)
{
	tce_clear(window_page(PAGE_HCALL), PAGE_HCALL_N);
	for (unsigned int i = 0; i < WATCHED; i++) {
		tce_put(watched[i].ioba, 0);
	}
}

/* What a watched entry should be after a call at ioba. */
static uint64_t should_be(
	const struct watched *w, enum effect effect, uint64_t ioba, uint64_t value)
{
	if (effect == EMPTIES) {
		return 0;
	}
	if (effect == HOLDS && w->ioba == (ioba & ~(uint64_t)(TCE_PAGE - 1))) {
		return value;
	}
	return w->before;
}

static bool watch_is(enum effect effect, uint64_t ioba, uint64_t value)
{
	bool good = true;

	for (unsigned int i = 0; i < WATCHED; i++) {
		uint64_t want = should_be(&watched[i], effect, ioba, value), now;

		if (tce_get(watched[i].ioba, &now) != H_SUCCESS || now != want) {
			tap_note("the entry at %" PRIx64 " is %" PRIx64 ", should be %" PRIx64,
				watched[i].ioba, now, want);
			good = false;
		}
	}
	return good;
}

static bool judge(const struct outcome *want, uint64_t ioba, const struct hv_regs *out)
{
	int64_t status = (int64_t)out->r[0];
	uint64_t value;

	arg_value(want->value, &value);
	if (status != want->status) {
		tap_note("status is %" PRId64 ", should be %" PRId64, status, want->status);
		return false;
	}
	if (want->effect == GIVES && out->r[1] != value) {
		tap_note("r4 is %" PRIx64 ", should be %" PRIx64, out->r[1], value);
		return false;
	}
	if (want->effect == CHANGES) {
		return true;
	}
	return watch_is(want->effect, ioba, value);
}

static bool as_tcelot(const struct hcall_case *c)
{
	const struct outcome *a = &c->tcelot, *b = &c->qemu;

	return a->status == b->status && a->effect == b->effect &&
	       a->value.symbol == b->value.symbol && a->value.plus == b->value.plus;
}

static void run_case(const struct hcall_case *c, bool problem_state)
{
	const struct outcome *want = tree.qemu ? &c->qemu : &c->tcelot;
	struct hv_regs regs = {.r = {c->opcode}};
	uint64_t ioba;

	for (unsigned int i = 0; i < 4; i++) {
		if (!arg_value(c->args[i], &regs.r[1 + i])) {
			tap_skip(c->name, "this machine has no such address");
			return;
		}
	}
	if (want->effect == SKIPPED) {
		tap_skip(c->name, want->reason);
		return;
	}
	if (c->mode == HV_PROBLEM && !problem_state) {
		tap_skip(c->name, "no process table, so no problem state");
		return;
	}
	ioba = c->mode == HV_SF32 ? (uint32_t)regs.r[2] : regs.r[2];
	hv_call_regs(&regs, c->mode);
	tap_ok(judge(want, ioba, &regs), "%s%s", c->name,
		tree.qemu && !as_tcelot(c) ? " [as QEMU has it]" : "");
	if (!watch_restore()) {
		tap_bail("the window cannot be set up again after: %s", c->name);
	}
}

void test_hcall_cases(void)
{
	bool problem_state = problem_prepare();

	watch_start();
	if (!watch_restore()) {
		tap_bail("the window cannot be set up for hypercall tests");
	}
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_case(&cases[i], problem_state);
	}
	watch_end();
}
