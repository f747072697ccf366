// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the RTAS calls of a table.
 */
#include "tests/guest/edu.h"
#include "tests/guest/papr-dma/differences.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/tap.h"
#include "tests/guest/tree.h"

#include <inttypes.h>
#include <string.h>

#define NO_TOKEN       0x7ffffff0u
#define NO_H_RTAS      "this hypervisor has no H_RTAS"
#define MARK	       0xc0ffee00u
#define CALL_BYTES_MAX 36u

static const char *const read_straddles =
	"RTAS: buffer whose last result is past the memory (RT-04)";
static const char *const write_straddles =
	"RTAS: write whose result is past the memory does not write (RT-04)";

static struct {
	struct rtas_buffer call;
	uint32_t after[8];
} buffer __attribute__((aligned(4096)));

#define BUFFER_CELLS (sizeof(buffer) / 4)

uint64_t rtas_case_buffer(void)
{
	return (uintptr_t)&buffer.call;
}

/* What the buffer holds now, a cell at a time from its header on. */
static uint32_t cell(size_t i)
{
	return be32(((const uint32_t *)&buffer)[i]);
}

/* A whole call, at an address that may be a few bytes off where the buffer is: what is wrong with
 * it is then nothing but its address. */
static void shift(const struct rtas_case *c)
{
	if (c->address.symbol == SYM_BUFFER && c->address.plus < 4) {
		memmove((uint8_t *)&buffer + c->address.plus, &buffer,
			sizeof(buffer) - c->address.plus);
	}
}

static void fill(const struct rtas_case *c, uint32_t token, const uint64_t *args)
{
	uint32_t *cells = (uint32_t *)&buffer;

	for (uint32_t i = 0; i < BUFFER_CELLS; i++) {
		cells[i] = be32(MARK + i);
	}
	buffer.call.token = be32(token);
	buffer.call.nargs = be32(c->nargs);
	buffer.call.nret = be32(c->nret);
	for (unsigned int i = 0; i < RTAS_CASE_ARGS && i < c->nargs; i++) {
		buffer.call.cells[i] = be32((uint32_t)args[i]);
	}
}

/* Cells from the first result on that may differ from before. */
static uint32_t may_write(const struct rtas_case *c, enum effect effect)
{
	switch (effect) {
	case ANSWERS:
		return c->nret;
	case STATUS_ONLY:
	case TOKEN_REFUSED:
		return 1;
	default:
		return 0;
	}
}

/* Where the results begin. Where nargs is absurd none may be written, and this is not used. */
static uint32_t first_result(const struct rtas_case *c)
{
	return 3 + (c->nargs <= RTAS_CELLS ? c->nargs : 0);
}

static bool judge(const struct rtas_case *c, const struct outcome *want, int64_t hcall,
	const uint32_t *before)
{
	bool refused = want->effect == CALL_REFUSED || want->effect == TOKEN_REFUSED;
	uint32_t first = first_result(c), n = may_write(c, want->effect);

	if (hcall != (refused ? H_PARAMETER : H_SUCCESS)) {
		tap_note("the hypercall gave %" PRId64, hcall);
		return false;
	}
	for (uint32_t i = 0; i < BUFFER_CELLS; i++) {
		if ((i < first || i >= first + n) && cell(i) != before[i]) {
			tap_note("cell %" PRIu32 " was written: %" PRIx32, i, cell(i));
			return false;
		}
	}
	if (n && (int32_t)cell(first) != want->status) {
		tap_note("status is %" PRId32 ", should be %" PRId64, (int32_t)cell(first),
			want->status);
		return false;
	}
	return true;
}

static void run_case(const struct rtas_case *c,
	bool (*after)(const struct rtas_case *c, const uint32_t *results))
{
	const struct outcome *want = expected(c->name, &c->outcome);
	uint32_t before[BUFFER_CELLS], results[RTAS_CELLS], token = NO_TOKEN;
	uint64_t args[RTAS_CASE_ARGS], address;
	bool known = arg_value(c->address, &address), good;

	if (skipped_here(c->name)) {
		return;
	}
	for (unsigned int i = 0; i < RTAS_CASE_ARGS; i++) {
		known = arg_value(c->args[i], &args[i]) && known;
	}
	if (!known) {
		tap_skip(c->name, "this machine has no such address");
		return;
	}
	if (strcmp(c->service, NO_SERVICE) != 0 && !tree_rtas_token(c->service, &token)) {
		tap_skip(c->name, "the tree does not name the service");
		return;
	}
	fill(c, token, args);
	shift(c);
	for (size_t i = 0; i < BUFFER_CELLS; i++) {
		before[i] = cell(i);
	}
	good = judge(c, want, hv_call(H_RTAS, address, 0, 0, 0), before);
	for (unsigned int i = 0; i < c->nret && i < RTAS_CELLS; i++) {
		results[i] = cell(first_result(c) + i);
	}
	good = (!after || after(c, results)) && good;
	tap_ok(good, "%s%s", c->name, whose(want, &c->outcome));
}

/* PowerVM's RTAS is entered in the partition's own memory and has no hypercall for all of it. */
static bool by_hypercall(void)
{
	return hv_call(H_RTAS, tree.memory, 0, 0, 0) != H_FUNCTION;
}

void rtas_run_cases(const struct rtas_case *cases, size_t n,
	bool (*after)(const struct rtas_case *c, const uint32_t *results))
{
	if (!by_hypercall()) {
		tap_skip("RTAS calls of a table", NO_H_RTAS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		run_case(&cases[i], after);
	}
}

/* Makes a call with its buffer that far from the end of memory, and puts back what is there. *last
 * is the last of its cells that is in memory. */
static int64_t call_at_end(const struct rtas_case *c, uint64_t distance, uint32_t *last)
{
	uint64_t address = tree.memory - distance, args[RTAS_CASE_ARGS];
	uint8_t *there = (uint8_t *)(uintptr_t)address;
	uint8_t kept[CALL_BYTES_MAX];
	uint32_t token = NO_TOKEN;
	int64_t status;

	for (unsigned int i = 0; i < RTAS_CASE_ARGS; i++) {
		arg_value(c->args[i], &args[i]);
	}
	tree_rtas_token(c->service, &token);
	fill(c, token, args);
	memcpy(kept, there, distance);
	memcpy(there, &buffer, distance);
	status = hv_call(H_RTAS, address, 0, 0, 0);
	memcpy(last, there + distance - 4, 4);
	*last = be32(*last);
	memcpy(there, kept, distance);
	return status;
}

/* A write of the command register whose result would be the first cell past the memory. */
static void test_straddling_write(void)
{
	const struct tree_func *f = &bench.phb->funcs[0];
	uint32_t before, after = 0, last;
	struct rtas_case c = {
		.service = WRITE_CONFIG,
		.nargs = 5,
		.nret = 1,
		.args = {{SYM_CONFIG, PCI_COMMAND}, BUID, N(2)},
	};
	bool good = !pci_read(bench.phb, f, PCI_COMMAND, 2, &before);

	c.args[4] = (struct arg){SYM_NONE, before ^ PCI_COMMAND_MASTER};
	good = good && call_at_end(&c, 32, &last) == H_PARAMETER &&
	       !pci_read(bench.phb, f, PCI_COMMAND, 2, &after);
	if (!tap_ok(good && after == before, "%s", write_straddles)) {
		pci_write(bench.phb, f, PCI_COMMAND, 2, before);
	}
}

void rtas_test_end_of_memory(void)
{
	static const struct rtas_case read_id = {
		.service = READ_CONFIG,
		.nargs = 4,
		.nret = 2,
		.args = {CONFIG(0), BUID, N(4)},
	};
	const struct tree_func *f = &bench.phb->funcs[0];
	uint32_t last;

	if (!bench.phb->nfuncs || !by_hypercall()) {
		return;
	}
	tap_ok(call_at_end(&read_id, 36, &last) == H_SUCCESS &&
			last == (f->device << 16 | f->vendor),
		"RTAS: buffer that ends where the memory ends is served (RT-04)");
	if (!skipped_here(read_straddles)) {
		/* The status would fit, and is as before. */
		tap_ok(call_at_end(&read_id, 32, &last) == H_PARAMETER && last == MARK + 7, "%s",
			read_straddles);
	}
	if (!skipped_here(write_straddles)) {
		test_straddling_write();
	}
}
