// SPDX-License-Identifier: Apache-2.0
/*
 * RTAS itself, and config space by RTAS: one call a line.
 */
#include "tests/guest/edu.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/tap.h"

#include <string.h>

/* clang-format off */
static const struct rtas_case cases[] = {
	{"RTAS: read the vendor and device", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(4)}, ANSWERED},

	/* The buffer. */
	{"RTAS: buffer past the memory (RT-01)", READ_CONFIG, AT_RAM(0), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: buffer whose header passes the memory (RT-01)", READ_CONFIG, AT_RAM(-4), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: buffer in OPAL (RT-01)", READ_CONFIG, AT_ALIEN(0x30000000), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: buffer at the end of the address space (RT-01)", READ_CONFIG, N((uint64_t)-12), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: buffer not on a cell (RT-01)", READ_CONFIG, AT_BUFFER(2), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: buffer 4 GiB above ours (RT-01)", READ_CONFIG, AT_BUFFER(1ull << 32), 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},

	/* The counts. */
	{"RTAS: 17 arguments (RT-02)", READ_CONFIG, HERE, 17, 0,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 17 results (RT-02)", READ_CONFIG, HERE, 0, 17,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 15 arguments and 2 results (RT-02)", READ_CONFIG, HERE, 15, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 0x3fffffff arguments (RT-02)", READ_CONFIG, HERE, 0x3fffffff, 1,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 0x40000000 arguments, the length wraps (RT-02)", READ_CONFIG, HERE, 0x40000000, 1,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 2^32 - 1 arguments and 2 results, the sum wraps (RT-02)", READ_CONFIG, HERE, 0xffffffff, 2,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 2^32 - 1 results (RT-02)", READ_CONFIG, HERE, 4, 0xffffffff,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: 16 arguments and no result (RT-02)", READ_CONFIG, HERE, 16, 0,
		{CONFIG(0), BUID, N(4)}, SILENT},
	{"RTAS: 16 arguments and 1 result (RT-02)", READ_CONFIG, HERE, 16, 1,
		{CONFIG(0), BUID, N(4)}, BAD_CALL},
	{"RTAS: no argument and 16 results (RT-02)", READ_CONFIG, HERE, 0, 16,
		{CONFIG(0), BUID, N(4)}, STATUS(-1)},
	{"RTAS: 15 arguments and 1 result (RT-02)", READ_CONFIG, HERE, 15, 1,
		{CONFIG(0), BUID, N(4)}, STATUS(-1)},
	{"RTAS: one argument more than the call takes (RT-05)", READ_CONFIG, HERE, 5, 2,
		{CONFIG(0), BUID, N(4), N(0)}, STATUS(-1)},
	{"RTAS: one result more than the call gives (RT-06)", READ_CONFIG, HERE, 4, 3,
		{CONFIG(0), BUID, N(4)}, STATUS(-1)},
	{"RTAS: one result less than the call gives (RT-06)", READ_CONFIG, HERE, 4, 1,
		{CONFIG(0), BUID, N(4)}, STATUS(-1)},
	{"RTAS: one argument less than the call needs (RT-05)", READ_CONFIG, HERE, 3, 2,
		{CONFIG(0), BUID, N(4)}, STATUS(-1)},
	{"RTAS: no results (RT-06)", READ_CONFIG, HERE, 4, 0,
		{CONFIG(0), BUID, N(4)}, SILENT},
	{"RTAS: unknown token (RT-07)", NO_SERVICE, HERE, 4, 2,
		{CONFIG(0), BUID, N(4)}, BAD_TOKEN},

	/* Config space: who is meant. */
	{"RTAS: BUID of no bridge (RT-08)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID_PLUS(0x1000), N(4)}, STATUS(-1)},
	{"RTAS: BUID 0 (RT-08)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), N(0), N(0), N(4)}, STATUS(-1)},
	{"RTAS: a device that is not there (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0x15 << 11), BUID, N(4)}, STATUS(-1)},
	{"RTAS: a function that is not there (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(7 << 8), BUID, N(4)}, STATUS(-1)},
	{"RTAS: the host's bus number (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1 << 16), BUID, N(4)}, STATUS(-1)},
	{"RTAS: bus 255 (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xff << 16), BUID, N(4)}, STATUS(-1)},
	{"RTAS: a reserved bit of the address (RT-09)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1 << 24), BUID, N(4)}, STATUS(-1)},

	/* Config space: size and offset. */
	{"RTAS: read of 0 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(0)}, STATUS(-1)},
	{"RTAS: read of 3 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(3)}, STATUS(-1)},
	{"RTAS: read of 8 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(8)}, STATUS(-1)},
	{"RTAS: read of 2^32 - 1 bytes (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0), BUID, N(0xffffffff)}, STATUS(-1)},
	{"RTAS: read of 2 bytes at 1 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(1), BUID, N(2)}, STATUS(-1)},
	{"RTAS: read of 2 bytes at 0xff (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xff), BUID, N(2)}, STATUS(-1)},
	{"RTAS: read of 1 byte at 0xff", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xff), BUID, N(1)}, ANSWERED},
	{"RTAS: read of 4 bytes at 2 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(2), BUID, N(4)}, STATUS(-1)},
	{"RTAS: read of 4 bytes at 0x100 (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0x10000000), BUID, N(4)}, STATUS(-1)},
	{"RTAS: read of 4 bytes at 0xffc (RT-10)", READ_CONFIG, HERE, 4, 2,
		{CONFIG(0xf00000fc), BUID, N(4)}, STATUS(-1)},
	{"RTAS: write of 0 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(0), N(0)}, STATUS(-1)},
	{"RTAS: write of 8 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(8), N(0)}, STATUS(-1)},
	{"RTAS: write of 3 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(3), N(0)}, STATUS(-1)},
	{"RTAS: write of 2^32 - 1 bytes (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID, N(0xffffffff), N(0)}, STATUS(-1)},
	{"RTAS: write of 2 bytes at 5 (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND + 1), BUID, N(2), N(0)}, STATUS(-1)},
	{"RTAS: write with four arguments (RT-05)", WRITE_CONFIG, HERE, 4, 1,
		{CONFIG(PCI_COMMAND), BUID, N(2)}, STATUS(-1)},
	{"RTAS: write to a device that is not there (RT-09)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0x15 << 11 | PCI_COMMAND), BUID, N(2), N(0)}, STATUS(-1)},
	{"RTAS: write to bus 255 (RT-09)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0xff << 16 | PCI_COMMAND), BUID, N(2), N(0)}, STATUS(-1)},
	{"RTAS: write of 4 bytes at 2 (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND + 2), BUID, N(4), N(0)}, STATUS(-1)},
	{"RTAS: write at 0x100 (RT-10)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0x10000000), BUID, N(4), N(0)}, STATUS(-1)},
	{"RTAS: write to BUID of no bridge (RT-08)", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(PCI_COMMAND), BUID_PLUS(0x1000), N(2), N(0)}, STATUS(-1)},
	{"RTAS: write to the vendor changes nothing, and is no error", WRITE_CONFIG, HERE, 5, 1,
		{CONFIG(0), BUID, N(4), N(0)}, STATUS(0)},
};
/* clang-format on */

/* What the function's command register is, which no refused write may change. */
static uint32_t command;

static bool command_as_before(const struct rtas_case *c, const uint32_t *results)
{
	uint32_t now;

	(void)results;
	if (strcmp(c->service, WRITE_CONFIG) != 0) {
		return true;
	}
	return !pci_read(bench.phb, &bench.phb->funcs[0], PCI_COMMAND, 2, &now) && now == command;
}

void test_rtas_cases(void)
{
	if (bench.phb->nfuncs &&
		pci_read(bench.phb, &bench.phb->funcs[0], PCI_COMMAND, 2, &command)) {
		tap_ok(false, "RTAS: read the command register");
		return;
	}
	rtas_run_cases(cases, sizeof(cases) / sizeof(cases[0]),
		bench.phb->nfuncs ? command_as_before : NULL);
	rtas_test_end_of_memory();
}
