// SPDX-License-Identifier: Apache-2.0
/* XIVE, the interrupt controller of POWER9 and later, in exploitation mode. core/irq.h has the
 * calls. */
#ifndef ARCH_PPC64_XIVE_H
#define ARCH_PPC64_XIVE_H

struct vcpu;

/* Around a vCPU's run, on its thread: its presenter on and off the thread. */
void xive_push(struct vcpu *vcpu);
void xive_pull(struct vcpu *vcpu);

#endif
