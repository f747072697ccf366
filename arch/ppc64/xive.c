// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts through native XIVE (skiboot doc/xive.rst and doc/opal-api). A vCPU has a virtual
 * processor of firmware's, pushed on the thread's OS ring while it runs, and one event queue for
 * each priority; a source's event state buffer (ESB) holds what is pending in two bits, P and Q.
 * The guest takes its interrupt at 0x500 without an exit (LPCR[LPES]); what follows are hypercalls.
 */
#include "arch/ppc64/xive.h"

#include "arch/ppc64/cpu.h"
#include "arch/ppc64/opal.h"
#include "arch/ppc64/spr.h"
#include "core/be.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/partition.h"

#include <inttypes.h>
#include <string.h>

#define XIVE_MODE_NATIVE 1
#define VP_ENABLED	 1
#define QUEUE_ENABLED	 1
#define QUEUE_NOTIFY	 2
#define NUM_QUEUES	 (IRQ_PRIO_LAST + 1)
#define QUEUE_SHIFT	 12
#define QUEUE_ENTRIES	 ((1u << QUEUE_SHIFT) / sizeof(uint32_t))
#define ENTRY_GEN	 0x80000000u
/* Firmware wants memory for its tables, a page of this size at a time. */
#define OPAL_XIVE_PROVISIONING (-31)
#define PROVISION_PAGE	       0x10000u
#define PROVISION_TRIES	       32u

/* The thread's interrupt management area: a page each for hypervisor and OS ring. */
#define TIMA_HV	       0x10000u
#define TIMA_OS	       0x20000u
#define OS_CPPR	       0x11u
#define OS_WORD2       0x18u
#define OS_CAM_VALID   0x80000000u
#define ACK_OS	       0x810u
#define SET_OS_PENDING 0x812u
#define PULL_OS	       0x818u

/* Loads from a source's ESB page: each answers the old P and Q and sets them. */
#define ESB_LOAD_EOI  0x000u
#define ESB_STORE_EOI 0x400u
#define ESB_SET_00    0xc00u
#define ESB_SET_10    0xe00u
#define ESB_SET_11    0xf00u
#define ESB_P	      2u
#define ESB_Q	      1u

#define SOURCE_STORE_EOI 2u
#define SOURCE_LEVEL	 4u

/* What firmware says of a source, looked up once. A table with open addressing; sources are added
 * and never taken out, as many as partitions can have. */
#define MAX_SOURCES 2048u
struct source {
	uint32_t number; /* 0: free */
	bool masked;
	bool routed; /* at least once; before that its ESB is off */
	bool fired;  /* when it was masked: sent, and not ended */
	uint64_t flags;
	uint64_t eoi, trigger;
};

struct queue {
	be32_t *entries;
	hpa_t page;
	unsigned int next;
	uint32_t gen; /* what ENTRY_GEN reads of an entry that is new */
};

struct server {
	bool attached;
	uint64_t vp;
	uint32_t cam;
	uint32_t ipi;
	unsigned int cppr;
	struct queue queues[NUM_QUEUES];
};

static uint64_t tima;
static uint32_t provision_chip;
static struct mem_pool *tables;
static struct lock source_lock;
static struct source sources[MAX_SOURCES];
static struct server servers[BOARD_MAX_THREADS]; /* by the thread a vCPU is pinned to */

static struct server *server_of(const struct vcpu *vcpu)
{
	return &servers[vcpu->thread];
}

static struct source *find_source(uint32_t number)
{
	uint32_t at = number * 2654435761u % MAX_SOURCES;

	for (unsigned int i = 0; i < MAX_SOURCES; i++, at = (at + 1) % MAX_SOURCES) {
		if (sources[at].number == number) {
			return &sources[at];
		}
		if (!sources[at].number) {
			break;
		}
	}
	return NULL;
}

static uint64_t esb_load(const struct source *s, unsigned int off)
{
	return cix_load64(s->eoi + off) & (ESB_P | ESB_Q);
}

/* Asks firmware before the lock is taken; two who ask at once find the same. */
static struct source *get_source(uint32_t number)
{
	struct source *s = find_source(number);
	struct source fresh = {.number = number};
	uint32_t shift, chip, at;

	if (s || !number) {
		return s;
	}
	if (opal_call(OPAL_XIVE_GET_IRQ_INFO, number, (uintptr_t)&fresh.flags,
		    (uintptr_t)&fresh.eoi, (uintptr_t)&fresh.trigger, (uintptr_t)&shift,
		    (uintptr_t)&chip, 0)) {
		return NULL;
	}
	lock_take(&source_lock);
	at = number * 2654435761u % MAX_SOURCES;
	for (unsigned int i = 0;
		i < MAX_SOURCES && sources[at].number && sources[at].number != number; i++) {
		at = (at + 1) % MAX_SOURCES;
	}
	if (!sources[at].number) {
		fresh.number = 0;
		sources[at] = fresh;
		/* Readers take no lock: the number comes last. */
		atomic_thread_fence(memory_order_release);
		sources[at].number = number;
	}
	lock_drop(&source_lock);
	return find_source(number);
}

int arch_irq_init(const struct board *b, struct mem_pool *pool)
{
	tima = b->tima.v;
	provision_chip = b->xive_chip;
	tables = pool;
	if (!tima) {
		return -ENOTSUP;
	}
	return opal_error(opal_call1(OPAL_XIVE_RESET, XIVE_MODE_NATIVE)) ? -EIO : 0;
}

/* A call that firmware may want memory for. */
static int64_t call_provisioned(uint64_t token, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t rc = opal_call3(token, a, b, c);

	for (unsigned int i = 0; i < PROVISION_TRIES && rc == OPAL_XIVE_PROVISIONING; i++) {
		hpa_t page;

		/* Firmware keeps it for ever. */
		if (mem_alloc_for(tables, MEM_FIRMWARE, PROVISION_PAGE, PROVISION_PAGE, &page) ||
			opal_call2(OPAL_XIVE_DONATE_PAGE, provision_chip, page.v)) {
			return rc;
		}
		rc = opal_call3(token, a, b, c);
	}
	return rc;
}

static int open_queue(struct server *s, unsigned int prio)
{
	struct queue *q = &s->queues[prio];
	int err = mem_alloc(tables, 1u << QUEUE_SHIFT, 1u << QUEUE_SHIFT, &q->page);

	if (err) {
		return err;
	}
	q->entries = mem_ptr(tables, q->page);
	memset(q->entries, 0, 1u << QUEUE_SHIFT);
	q->next = 0;
	q->gen = ENTRY_GEN;
	return opal_call5(OPAL_XIVE_SET_QUEUE_INFO, s->vp, prio, q->page.v, QUEUE_SHIFT,
		       QUEUE_ENABLED | QUEUE_NOTIFY)
		       ? -EIO
		       : 0;
}

static void close_server(struct server *s)
{
	for (unsigned int prio = 0; prio < NUM_QUEUES; prio++) {
		struct queue *q = &s->queues[prio];

		if (!q->entries) {
			continue;
		}
		/* A queue that firmware would not turn off may still be written to. */
		if (opal_call5(OPAL_XIVE_SET_QUEUE_INFO, s->vp, prio, 0, 0, 0) ||
			mem_free(tables, q->page, 1u << QUEUE_SHIFT)) {
			log_msg(LOG_ERR, "XIVE: an event queue stays out of use");
		}
	}
	if (s->ipi) {
		struct source *ipi = find_source(s->ipi);

		/* Firmware turns it off; who gets the number next finds it as new. */
		opal_call1(OPAL_XIVE_FREE_IRQ, s->ipi);
		if (ipi) {
			ipi->routed = ipi->masked = ipi->fired = false;
		}
	}
	opal_call3(OPAL_XIVE_SET_VP_INFO, s->vp, 0, 0);
	opal_call1(OPAL_XIVE_FREE_VP_BLOCK, s->vp);
	memset(s, 0, sizeof(*s));
}

int arch_irq_attach(struct vcpu *vcpu, uint32_t *ipi)
{
	struct server *s = server_of(vcpu);
	uint64_t flags, cam = 0, cl;
	uint32_t chip = 0;
	int64_t rc;
	int err = 0;

	if (!tima) {
		return -ENOTSUP;
	}
	rc = call_provisioned(OPAL_XIVE_ALLOCATE_VP_BLOCK, 0, 0, 0);
	if (rc < 0) {
		log_msg(LOG_ERR, "XIVE: firmware has no virtual processor (OPAL %" PRId64 ")", rc);
		return -EIO;
	}
	memset(s, 0, sizeof(*s));
	s->vp = (uint64_t)rc;
	if (opal_call3(OPAL_XIVE_SET_VP_INFO, s->vp, VP_ENABLED, 0) ||
		opal_call5(OPAL_XIVE_GET_VP_INFO, s->vp, (uintptr_t)&flags, (uintptr_t)&cam,
			(uintptr_t)&cl, (uintptr_t)&chip)) {
		err = -EIO;
	}
	s->cam = (uint32_t)cam | OS_CAM_VALID;
	for (unsigned int prio = 0; prio < NUM_QUEUES && !err; prio++) {
		err = open_queue(s, prio);
	}
	if (!err) {
		rc = call_provisioned(OPAL_XIVE_ALLOCATE_IRQ, chip, 0, 0);
		err = rc <= 0 ? -EIO : 0;
		s->ipi = err ? 0 : (uint32_t)rc;
	}
	if (err) {
		close_server(s);
		return err;
	}
	s->attached = true;
	*ipi = s->ipi;
	return 0;
}

void arch_irq_detach(struct vcpu *vcpu)
{
	struct server *s = server_of(vcpu);

	if (s->attached) {
		close_server(s);
	}
}

void xive_push(struct vcpu *vcpu)
{
	struct server *s = server_of(vcpu);

	if (!s->attached) {
		return;
	}
	cix_store32(tima + TIMA_HV + OS_WORD2, s->cam);
	s->cppr = 0;
	cix_store8(tima + TIMA_OS + OS_CPPR, 0);
}

void xive_pull(struct vcpu *vcpu)
{
	if (server_of(vcpu)->attached) {
		(void)cix_load32(tima + TIMA_HV + PULL_OS);
	}
}

/* Out of the masked state. A source that has fired and not been ended is left as it is: P keeps it
 * quiet until its eoi, which looks at Q. Else what came meanwhile comes now; an ESB that was off
 * since start reads Q alone, and has nothing. */
static void unmask(struct source *src)
{
	src->masked = false;
	if (src->fired) {
		return;
	}
	if (src->flags & SOURCE_LEVEL && src->routed) {
		(void)esb_load(src, ESB_LOAD_EOI);
	} else if (esb_load(src, ESB_SET_00) == (ESB_P | ESB_Q)) {
		arch_irq_trigger(src->number);
	}
}

int arch_irq_route(uint32_t source, struct vcpu *to, unsigned int prio, uint32_t number)
{
	struct source *src = get_source(source);

	if (!src || prio > IRQ_PRIO_LAST || !number || number >= ENTRY_GEN) {
		return -EINVAL;
	}
	arch_irq_mask(source);
	if (opal_call4(OPAL_XIVE_SET_IRQ_CONFIG, source, server_of(to)->vp, prio, number)) {
		return -EIO;
	}
	unmask(src);
	src->routed = true;
	return 0;
}

void arch_irq_mask(uint32_t source)
{
	struct source *src = get_source(source);
	uint64_t old;

	if (!src || !src->routed || src->masked) {
		return;
	}
	src->masked = true;
	/* P alone: the next event is kept as Q and sent nowhere. */
	old = esb_load(src, ESB_SET_10);
	src->fired = (old & ESB_P) != 0;
	if (old == (ESB_P | ESB_Q)) {
		(void)esb_load(src, ESB_SET_11);
	}
}

void arch_irq_trigger(uint32_t source)
{
	struct source *src = get_source(source);

	if (src && src->trigger) {
		__asm__ volatile("sync" : : : "memory");
		cix_store64(src->trigger, 0);
	}
}

void arch_irq_eoi(uint32_t source)
{
	struct source *src = get_source(source);

	/* Masked: unmasking will look at what has come meanwhile. */
	if (!src || src->masked) {
		return;
	}
	if (src->flags & SOURCE_STORE_EOI) {
		cix_store64(src->eoi + ESB_STORE_EOI, 0);
	} else if (src->flags & SOURCE_LEVEL) {
		(void)esb_load(src, ESB_LOAD_EOI);
	} else if (esb_load(src, ESB_SET_00) & ESB_Q) {
		arch_irq_trigger(source);
	}
}

static bool queue_waits(const struct queue *q)
{
	uint32_t entry = be32_get(*(volatile be32_t *)&q->entries[q->next]);

	return (entry & ENTRY_GEN) == q->gen;
}

static uint32_t queue_take(struct queue *q)
{
	uint32_t entry = be32_get(*(volatile be32_t *)&q->entries[q->next]);

	q->next = (q->next + 1) % QUEUE_ENTRIES;
	if (!q->next) {
		q->gen ^= ENTRY_GEN;
	}
	return entry & ~ENTRY_GEN;
}

/* The most favoured priority below limit with an event; NUM_QUEUES: none. */
static unsigned int first_waiting(const struct server *s, unsigned int limit)
{
	for (unsigned int prio = 0; prio < NUM_QUEUES && prio < limit; prio++) {
		if (queue_waits(&s->queues[prio])) {
			return prio;
		}
	}
	return NUM_QUEUES;
}

bool arch_irq_pop(struct vcpu *vcpu, unsigned int limit, unsigned int *prio, uint32_t *number)
{
	struct server *s = server_of(vcpu);

	/* Takes the signal back that brought the guest here; set_priority gives it again if the
	 * queues say so. */
	(void)cix_load16(tima + TIMA_OS + ACK_OS);
	*prio = first_waiting(s, limit);
	if (*prio == NUM_QUEUES) {
		return false;
	}
	*number = queue_take(&s->queues[*prio]);
	return true;
}

void arch_irq_set_priority(struct vcpu *vcpu, unsigned int prio)
{
	struct server *s = server_of(vcpu);
	unsigned int waiting;

	s->cppr = prio;
	cix_store8(tima + TIMA_OS + OS_CPPR, (uint8_t)prio);
	waiting = first_waiting(s, prio);
	if (waiting != NUM_QUEUES) {
		cix_store8(tima + TIMA_OS + SET_OS_PENDING, (uint8_t)waiting);
	}
}

bool arch_irq_pending(struct vcpu *vcpu)
{
	const struct server *s = server_of(vcpu);

	return first_waiting(s, s->cppr) != NUM_QUEUES;
}
