// SPDX-License-Identifier: Apache-2.0
/* A vCPU on its thread: what is set up before, and taken down after, guest_run(). */
#ifndef ARCH_PPC64_GUEST_H
#define ARCH_PPC64_GUEST_H

#include "arch/ppc64/cpu.h"

/* Ticks of the timebase in a second, for arch_time_ns(). */
extern uint64_t timebase_hz;

/* Floating point, vector and their status registers to 0; in vectors_clear.S. */
void clear_vectors(void);

/* Loads the registers that only the guest uses, LPIDR and LPCR. On the guest's thread. */
void guest_prepare(struct vcpu_run *run);

/* Takes them away again and tells core that the vCPU is over. */
void guest_finish(struct vcpu_run *run);

/* Lets `stop` on this thread end at the next housekeeping tick. */
void guest_set_idle_tick(void);

#endif
