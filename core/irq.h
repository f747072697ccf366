// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts, the contract: what core/xics.c and core/msi.c ask of the interrupt hardware. The
 * hardware has sources (numbers of firmware's), each sent to one virtual CPU at one priority, 0 the
 * most favoured to IRQ_PRIO_LAST, and for each virtual CPU a presenter with a current priority: it
 * interrupts the guest, without an exit, while something more favoured waits.
 *
 * A source is masked until it is routed. One that has fired is quiet until its eoi, wherever it is
 * routed and however often it is masked in between: a guest that moves an interrupt while it
 * handles it must not get it on two CPUs at once.
 *
 * Calls about a vCPU's presenter are made on the vCPU's own thread, but for attach and detach;
 * calls about sources from anywhere. mask, trigger and eoi of a source that was routed before make
 * no firmware call and are short: their callers may hold a lock.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct board;
struct mem_pool;
struct vcpu;

#define IRQ_PRIO_LAST 6u
#define IRQ_PRIO_NONE 0xffu

/* Takes the controller over from firmware; once, at start. -ENOTSUP: the machine's is not one we
 * know; -EIO. No vCPU can be attached then. */
int arch_irq_init(const struct board *board, struct mem_pool *pool) must_check;

/* Before the vCPU first runs: its presenter, at priority 0, so that nothing interrupts; its queues;
 * and one software source of its own, in *ipi, masked. -ENOMEM, -EIO, -ENOTSUP (this machine's
 * controller is not one we know). Detach: all that was routed to it is masked, and it is off its
 * thread. */
int arch_irq_attach(struct vcpu *vcpu, uint32_t *ipi) must_check;
void arch_irq_detach(struct vcpu *vcpu);

/* Sends a masked source to a vCPU at a priority, as number (what arch_irq_pop will say; 1 .. 2^31 -
 * 1), and lets it through: an edge that came while it was masked, or a level that is up, comes now.
 * -EINVAL, -EIO: it stays masked. */
int arch_irq_route(uint32_t source, struct vcpu *to, unsigned int prio, uint32_t number) must_check;

/* Nothing comes from this source from now on; what is already queued may still. */
void arch_irq_mask(uint32_t source);

/* Makes a software source, or an edge source, fire; not while it is masked. */
void arch_irq_trigger(uint32_t source);

/* The source may fire again; what happened since it last fired (edge), or still is so (level),
 * comes again. Of one that has not fired: nothing. Not while it is masked. */
void arch_irq_eoi(uint32_t source);

/* Takes the most favoured waiting event with a priority below limit (0 .. 0xff) off the vCPU's
 * queues. False: there is none. Either way the vCPU may not be interrupted for what still waits
 * until arch_irq_set_priority says where it stands, which is to be called after the last of a
 * series. */
bool arch_irq_pop(struct vcpu *vcpu, unsigned int limit, unsigned int *prio, uint32_t *number);

/* The vCPU's current priority: from now on only what is more favoured (less) interrupts it; if
 * something that is waits already, it does so now. 0 .. IRQ_PRIO_LAST, or 0xff: everything. */
void arch_irq_set_priority(struct vcpu *vcpu, unsigned int prio);

/* Whether the vCPU would be interrupted now, if it had interrupts on. */
bool arch_irq_pending(struct vcpu *vcpu);

#endif
