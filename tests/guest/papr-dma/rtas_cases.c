// SPDX-License-Identifier: Apache-2.0
/*
 * One RTAS call a line, made by H_RTAS so that the hypercall's own status is seen too. The buffer
 * is full of marks before each call, and what must not be written is compared afterwards.
 */
#include "tests/guest/papr-dma/rtas_cases.h"

#include "tests/guest/papr-dma/args.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/edu.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define READ_CONFIG  "ibm,read-pci-config"
#define WRITE_CONFIG "ibm,write-pci-config"
#define NO_SERVICE   "tcelot,no-such-service" /* its token is one that nobody has */
#define NO_TOKEN     0x7ffffff0u
#define MARK	     0xc0ffee00u
#define MAX_ARGS     6u

enum writes {
	NOTHING, /* no cell of the buffer changes */
	STATUS,	 /* only the first result, which is the status */
	DATA,	 /* status and second result */
	NOT_MADE,
};

struct rtas_outcome {
	int64_t hcall;
	int32_t status;
	enum writes writes;
};

struct rtas_case {
	const char *name;
	const char *service;
	struct arg address; /* of the buffer */
	uint32_t nargs, nret;
	struct arg args[MAX_ARGS];
	struct rtas_outcome tcelot, qemu;
};

static struct {
	struct rtas_buffer call;
	uint32_t after[8];
} buffer __attribute__((aligned(4096)));

uint64_t rtas_case_buffer(void)
{
	return (uintptr_t)&buffer.call;
}

/* clang-format off */
#define HERE		{SYM_BUFFER, 0}
#define AT_BUFFER(n)	{SYM_BUFFER, (uint64_t)(n)}
#define AT_RAM(n)	{SYM_RAM, (uint64_t)(n)}
#define AT_ALIEN(n)	{SYM_ALIEN, (uint64_t)(n)}
#define N(n)		{SYM_NONE, (n)}
#define CONFIG(n)	{SYM_CONFIG, (n)}
#define BUID		{SYM_BUID_HI, 0}, {SYM_BUID_LO, 0}
#define BUID_PLUS(n)	{SYM_BUID_HI, 0}, {SYM_BUID_LO, (n)}
#define FINE		{H_SUCCESS, 0, DATA}
#define FAILS(code)	{H_SUCCESS, code, STATUS}
#define REFUSED(w)	{H_PARAMETER, -3, w}
#define SKIP		{0, 0, NOT_MADE}
#define BOTH(...)	__VA_ARGS__, __VA_ARGS__

static const struct rtas_case cases[] = {
	{"RTAS: read the vendor and device", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(4)}, BOTH(FINE)},

	/* The buffer. */
	{"RTAS: buffer past the memory (RT-01)", READ_CONFIG, AT_RAM(0), 4, 2,
		{CONFIG(0), BUID, N(4)}, BOTH(REFUSED(NOTHING))},
	{"RTAS: buffer whose header passes the memory (RT-01)", READ_CONFIG, AT_RAM(-4), 4, 2,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: buffer in OPAL (RT-01)", READ_CONFIG, AT_ALIEN(0x30000000), 4, 2,
		{CONFIG(0), BUID, N(4)}, BOTH(REFUSED(NOTHING))},
	{"RTAS: buffer at the end of the address space (RT-01)", READ_CONFIG, N((uint64_t)-12), 4, 2,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: buffer not on a cell (RT-01)", READ_CONFIG, AT_BUFFER(2), 4, 2,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},

	/* The counts. */
	{"RTAS: 17 arguments (RT-02)", READ_CONFIG, HERE, 17, 0,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), FAILS(-1)},
	{"RTAS: 17 results (RT-02)", READ_CONFIG, HERE, 0, 17,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), FAILS(-1)},
	{"RTAS: 15 arguments and 2 results (RT-02)", READ_CONFIG, HERE, 15, 2,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), FAILS(-1)},
	{"RTAS: 0x3fffffff arguments (RT-02)", READ_CONFIG, HERE, 0x3fffffff, 1,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: 0x40000000 arguments, the length wraps (RT-02)", READ_CONFIG, HERE, 0x40000000, 1,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: 2^32 - 1 arguments and 2 results, the sum wraps (RT-02)", READ_CONFIG, HERE,
		0xffffffff, 2, {CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: 2^32 - 1 results (RT-02)", READ_CONFIG, HERE, 4, 0xffffffff,
		{CONFIG(0), BUID, N(4)}, REFUSED(NOTHING), SKIP},
	{"RTAS: one argument less than the call needs (RT-05)", READ_CONFIG, HERE, 3, 2,
		{CONFIG(0), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: no results (RT-06)", READ_CONFIG, HERE, 4, 0,
		{CONFIG(0), BUID, N(4)}, {H_SUCCESS, 0, NOTHING}, FAILS(-1)},
	{"RTAS: unknown token (RT-07)", NO_SERVICE, HERE, 4, 2,
		{CONFIG(0), BUID, N(4)}, BOTH(REFUSED(STATUS))},

	/* Config space: who is meant. */
	{"RTAS: BUID of no bridge (RT-08)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID_PLUS(0x1000), N(4)}, BOTH(FAILS(-1))},
	{"RTAS: BUID 0 (RT-08)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), N(0), N(0), N(4)}, BOTH(FAILS(-1))},
	{"RTAS: a device that is not there (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0x15 << 11), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: a function that is not there (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(7 << 8), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: the host's bus number (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1 << 16), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: bus 255 (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xff << 16), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: a reserved bit of the address (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1 << 24), BUID, N(4)}, FAILS(-1), SKIP},

	/* Config space: size and offset. */
	{"RTAS: read of 0 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(0)}, BOTH(FAILS(-1))},
	{"RTAS: read of 3 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(3)}, BOTH(FAILS(-1))},
	{"RTAS: read of 8 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(8)}, BOTH(FAILS(-1))},
	{"RTAS: read of 2^32 - 1 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(0xffffffff)}, BOTH(FAILS(-1))},
	{"RTAS: read of 2 bytes at 1 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1), BUID, N(2)}, BOTH(FAILS(-1))},
	{"RTAS: read of 4 bytes at 2 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(2), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: read of 4 bytes at 0x100 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0x10000000), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: read of 4 bytes at 0xffc (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xf00000fc), BUID, N(4)}, BOTH(FAILS(-1))},
	{"RTAS: write of 0 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(0), N(0)}, BOTH(FAILS(-1))},
	{"RTAS: write of 8 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(8), N(0)}, BOTH(FAILS(-1))},
	{"RTAS: write of 4 bytes at 2 (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND + 2), BUID, N(4), N(0)}, BOTH(FAILS(-1))},
	{"RTAS: write at 0x100 (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0x10000000), BUID, N(4), N(0)}, BOTH(FAILS(-1))},
	{"RTAS: write to BUID of no bridge (RT-08)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID_PLUS(0x1000), N(2), N(0)}, BOTH(FAILS(-1))},
	{"RTAS: write to the vendor changes nothing, and is no error", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0), BUID, N(4), N(0)}, BOTH(FAILS(0))},
};
/* clang-format on */

/* What the buffer holds now, a cell at a time from its header on. */
static uint32_t cell(size_t i)
{
	return be32(((const uint32_t *)&buffer)[i]);
}

static void fill(const struct rtas_case *c, uint32_t token, const uint64_t *args)
{
	uint32_t *cells = (uint32_t *)&buffer;

	for (uint32_t i = 0; i < sizeof(buffer) / 4; i++) {
		cells[i] = be32(MARK + i);
	}
	buffer.call.token = be32(token);
	buffer.call.nargs = be32(c->nargs);
	buffer.call.nret = be32(c->nret);
	for (unsigned int i = 0; i < MAX_ARGS && i < c->nargs; i++) {
		buffer.call.cells[i] = be32((uint32_t)args[i]);
	}
}

/* Cells from the first result on that may differ from before. */
static uint32_t may_write(const struct rtas_outcome *want)
{
	return want->writes == STATUS ? 1 : want->writes == DATA ? 2 : 0;
}

static bool judge(const struct rtas_case *c, const struct rtas_outcome *want, int64_t hcall,
	const uint32_t *before)
{
	/* Where nargs is absurd, no result may be written, and this is not used. */
	uint32_t first = 3 + (c->nargs <= RTAS_CELLS ? c->nargs : 0);

	if (hcall != want->hcall) {
		tap_note("the hypercall gave %" PRId64 ", should be %" PRId64, hcall, want->hcall);
		return false;
	}
	for (uint32_t i = 0; i < sizeof(buffer) / 4; i++) {
		bool written = i >= first && i < first + may_write(want);

		if (!written && cell(i) != before[i]) {
			tap_note("cell %" PRIu32 " was written: %" PRIx32, i, cell(i));
			return false;
		}
	}
	if (may_write(want) && (int32_t)cell(first) != want->status) {
		tap_note("status is %" PRId32 ", should be %" PRId32, (int32_t)cell(first),
			want->status);
		return false;
	}
	return true;
}

static bool as_tcelot(const struct rtas_case *c)
{
	return c->tcelot.hcall == c->qemu.hcall && c->tcelot.status == c->qemu.status &&
	       c->tcelot.writes == c->qemu.writes;
}

static void run_case(const struct rtas_case *c)
{
	const struct rtas_outcome *want = tree.qemu ? &c->qemu : &c->tcelot;
	uint32_t before[sizeof(buffer) / 4], token = NO_TOKEN;
	uint64_t args[MAX_ARGS], address;
	bool known = arg_value(c->address, &address);

	for (unsigned int i = 0; i < MAX_ARGS; i++) {
		known = arg_value(c->args[i], &args[i]) && known;
	}
	if (!known) {
		tap_skip(c->name, "this machine has no such address");
		return;
	}
	if (want->writes == NOT_MADE) {
		tap_skip(c->name, "QEMU looks at no such bound");
		return;
	}
	if (strcmp(c->service, NO_SERVICE) != 0 && !tree_rtas_token(c->service, &token)) {
		tap_ok(false, "%s: the tree names no %s", c->name, c->service);
		return;
	}
	fill(c, token, args);
	for (size_t i = 0; i < sizeof(before) / 4; i++) {
		before[i] = cell(i);
	}
	tap_ok(judge(c, want, hv_call(H_RTAS, address, 0, 0, 0), before), "%s%s", c->name,
		tree.qemu && !as_tcelot(c) ? " [as QEMU has it]" : "");
}

void test_rtas_cases(void)
{
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_case(&cases[i]);
	}
}
