// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's interrupts as it sees them: XICS (LoPAR, chapter 6 and 14.5). Sources with a server
 * and a priority; servers, one per vCPU, with a current priority (CPPR) and a most favoured request
 * (MFRR) by which others interrupt it. Underneath, core/irq.h.
 *
 * The guest's numbers: 2 is the IPI, XICS_LSI_FIRST + 4 * PHB index + pin the level sources, from
 * XICS_MSI_FIRST the message sources. Where a vCPU's priority stands in the hardware is the
 * business of its own thread; server fields that others touch are atomic.
 *
 * Sources have seven priorities, 0 to 6, as the hardware has: what a guest puts at 7 or beyond
 * (0xff apart, which is off) is served as 6, and ibm,get-xive still says what was set. A CPPR of 7
 * or more lets every source through. IPIs have no such limit: CPPR and MFRR are compared as they
 * are.
 */
#ifndef CORE_XICS_H
#define CORE_XICS_H

#include "core/err.h"
#include "core/irq.h"
#include "core/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define XICS_IPI       2u
#define XICS_LSI_FIRST 0x1200u
#define XICS_LSI_COUNT 124u /* four for each of 31 PHBs */
#define XICS_MSI_FIRST 0x1300u
#define XICS_MSI_COUNT 256u

struct vcpu;
struct partition;

/* What a guest says about a source. */
struct xics_setting {
	unsigned int server; /* vCPU number */
	uint8_t prio;	     /* as ibm,set-xive said; 0xff off */
	bool off;	     /* ibm,int-off; prio is kept for ibm,int-on */
};

/* A source of the partition. hw is arch's number, meaningful while used. */
struct xics_source {
	bool used;
	bool level;
	bool leaving; /* being removed: no new setting */
	bool busy;    /* being routed, with the lock dropped: its setting is one CPU's business */
	bool live;    /* the hardware lets it through */
	bool taken;   /* a guest's CPU has accepted it and not ended it yet */
	bool owed;    /* not live: to be ended when it is live again */
	bool again;   /* an edge was dropped while it was not live: to come when it is again */
	uint16_t gen; /* counts who had this number, so that an event of an earlier one is known */
	uint32_t hw;
	struct xics_setting set;
};

struct xics_server {
	uint32_t ipi;	      /* arch's number */
	_Atomic uint8_t cppr; /* written by the own thread only */
	_Atomic uint8_t mfrr;
};

struct xics {
	struct lock lock; /* of the sources' fields; never held across a firmware call */
	struct xics_source lsi[XICS_LSI_COUNT];
	struct xics_source msi[XICS_MSI_COUNT];
	atomic_uint dropped; /* events of sources that were gone when they were taken */
};

/* Brings up the servers of all vCPUs (arch_irq_attach, IPI routed): CPPR 0, MFRR 0xff. -errors of
 * arch; nothing left. */
int xics_init(struct partition *p) must_check;
/* Masks and forgets every source, detaches every vCPU. All of them are off their threads. */
void xics_exit(struct partition *p);

/* Adds a source, prio 0xff. -EBUSY: that number is used. -EINVAL: no such number. Remove masks it,
 * and when it returns nothing of the partition touches hw again; events that are queued still are
 * dropped when they are taken. Removing what is not there is nothing. */
int xics_add_source(struct partition *p, uint32_t number, uint32_t hw, bool level) must_check;
void xics_remove_source(struct partition *p, uint32_t number);

/* n free numbers in a row for messages, the first a multiple of align (a power of two). -ENOSPC.
 * -EINVAL: n or align is not one. They are not used until added. */
int xics_find_msi_block(
	struct partition *p, unsigned int n, unsigned int align, uint32_t *first) must_check;

/* ibm,set-xive, ibm,get-xive, ibm,int-on, ibm,int-off. -EINVAL: no such source or server. -EBUSY:
 * another CPU is at this very source. -EIO: the hardware would not; the source is as it was, or, if
 * the hardware would not have that either, at prio 0xff. get says 0xff of a source that is off. */
int xics_set(struct partition *p, uint32_t number, unsigned int server, uint8_t prio) must_check;
int xics_get(struct partition *p, uint32_t number, unsigned int *server, uint8_t *prio) must_check;
int xics_set_enabled(struct partition *p, uint32_t number, bool on) must_check;

/* The hypercalls' work; on the vCPU's own thread. accept answers CPPR << 24 | number, number 0 if
 * there is nothing; end takes the same value back. -EINVAL: the number is not the caller's (IR-08),
 * and nothing has changed. */
uint32_t xics_accept(struct vcpu *vcpu);
int xics_end(struct vcpu *vcpu, uint32_t xirr) must_check;
void xics_set_cppr(struct vcpu *vcpu, uint8_t cppr);

/* From any thread. Requests (mfrr < 0xff) or withdraws (0xff) an IPI at a server; what a server has
 * to say without accepting anything, which of interrupts is the IPI only. -EINVAL: no such server.
 */
int xics_ipi(struct partition *p, uint64_t server, uint8_t mfrr) must_check;
int xics_poll(struct partition *p, uint64_t server, uint32_t *xirr, uint8_t *mfrr) must_check;

/* The server as it was at the start: priority 0, no request. On the vCPU's own thread. */
void xics_reset_server(struct vcpu *vcpu);

/* Whether an interrupt waits that the guest would take with interrupts on; for H_CEDE. */
bool xics_pending(struct vcpu *vcpu);

#endif
