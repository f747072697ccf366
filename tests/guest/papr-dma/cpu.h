// SPDX-License-Identifier: Apache-2.0
/*
 * A second CPU for one job at a time. It makes hypercalls only, by cpu_call, with interrupts off;
 * it prints nothing.
 */
#ifndef TESTS_GUEST_PAPR_DMA_CPU_H
#define TESTS_GUEST_PAPR_DMA_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* Runs job there. False: there is no second CPU, or it does not start. */
bool cpu_start(void (*job)(void));

/* Waits until the job has returned and the CPU has stopped. False after a minute. */
bool cpu_join(void);

/* A hypercall that leaves MSR and decrementer as they are; for either CPU. */
int64_t cpu_call(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6, uint64_t r7);

/* An RTAS call on the second CPU, which has a buffer of its own. The status. */
int32_t cpu_rtas(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret);

static inline void cpu_sync(void)
{
	__asm__ volatile("sync" : : : "memory");
}

#endif
