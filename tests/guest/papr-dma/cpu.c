// SPDX-License-Identifier: Apache-2.0
/*
 * Starting and stopping the second CPU by RTAS (LoPAR 7.3.8).
 */
#include "tests/guest/papr-dma/cpu.h"

#include "tests/guest/hv.h"
#include "tests/guest/tap.h"
#include "tests/guest/tree.h"

#include <inttypes.h>
#include <stddef.h>

#define JOIN_SECONDS 60u
#define POLL_TICKS   100000u

extern const uint8_t cpu_entry[];
void cpu_main(void) __attribute__((noreturn));

static void (*volatile cpu_job)(void);
static struct rtas_buffer buffer __attribute__((aligned(64)));

int64_t cpu_call(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6, uint64_t r7)
{
	struct hv_regs regs = {.r = {opcode, r4, r5, r6, r7}};

	hv_trap(&regs);
	return (int64_t)regs.r[0];
}

int32_t cpu_rtas(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret)
{
	return rtas_call_with(&buffer, service, args, nargs, rets, nret);
}

void cpu_main(void)
{
	uint32_t status;

	__asm__ volatile("mtdec %0" : : "r"(0x7fffffffull));
	cpu_job();
	cpu_sync();
	for (;;) {
		cpu_rtas("stop-self", NULL, 0, &status, 1);
	}
}

bool cpu_start(void (*job)(void))
{
	const uint32_t args[3] = {tree.second_cpu, (uint32_t)(uintptr_t)cpu_entry, 0};
	uint32_t status;

	if (tree.ncpus < 2) {
		return false;
	}
	cpu_job = job;
	cpu_sync();
	if (rtas_call("start-cpu", args, 3, &status, 1)) {
		tap_note("start-cpu of %" PRIu32 ": status %" PRId32, args[0], (int32_t)status);
		return false;
	}
	return true;
}

bool cpu_join(void)
{
	uint64_t begin = timebase();

	while (timebase() - begin < JOIN_SECONDS * tree.timebase_hz) {
		uint32_t rets[2], cpu = tree.second_cpu;
		uint64_t polled = timebase();

		if (!rtas_call("query-cpu-stopped-state", &cpu, 1, rets, 2) && !rets[1]) {
			return true;
		}
		while (timebase() - polled < POLL_TICKS) {
		}
	}
	tap_note("the second CPU does not stop");
	return false;
}
