// SPDX-License-Identifier: Apache-2.0
/*
 * XICS on the presenters of core/irq.h.
 *
 * An IPI is a byte, the server's MFRR. The hardware's software source is only a kick that makes the
 * server look at it: it comes at the most favoured priority whatever the MFRR is, and taking it
 * says nothing. No request is lost:
 *
 * - Who requests stores the MFRR and then always kicks. So the server takes a kick after every
 *   store, and it reads the MFRR after each kick it has taken. That needs no agreement about the
 *   server's CPPR, at the price of a kick that finds nothing when the CPPR is too favoured.
 * - A request that was too little favoured when its kick was taken is kicked again by the server
 *   itself when its CPPR lets it through.
 *
 * An event of a source that is not live is dropped when it is taken. What it stood for comes again
 * when the source is live: a level by itself, an edge by a trigger.
 */
#include "core/xics.h"

#include "core/partition.h"
#include "core/range.h"

#include <string.h>

/* Events that one accept takes at most. A CPU that is kicked faster than it can look, or whose
 * queue is full of what is gone, gets "nothing" and is interrupted again. */
#define ACCEPT_MAX 32u

/* What the hardware is told: who has the number at present, and the number. */
#define EVENT_GEN_SHIFT	  16
#define EVENT_GEN_MASK	  0x7fffu
#define EVENT_NUMBER_MASK 0xffffu

#define XIRR_CPPR_SHIFT	 24
#define XIRR_NUMBER_MASK 0xffffffu

_Static_assert(XICS_MSI_FIRST + XICS_MSI_COUNT <= EVENT_NUMBER_MASK, "numbers fit into an event");
_Static_assert(XICS_LSI_FIRST + XICS_LSI_COUNT <= XICS_MSI_FIRST, "numbers are one kind's");

/* --- servers --- */

static unsigned int hardware_prio(unsigned int prio)
{
	return prio < IRQ_PRIO_LAST ? prio : IRQ_PRIO_LAST;
}

static unsigned int hardware_cppr(unsigned int cppr)
{
	return cppr <= IRQ_PRIO_LAST ? cppr : IRQ_PRIO_NONE;
}

static int attach(struct vcpu *vcpu)
{
	struct xics_server *s = &vcpu->server;
	int err = arch_irq_attach(vcpu, &s->ipi);

	if (err) {
		return err;
	}
	atomic_store(&s->cppr, 0);
	atomic_store(&s->mfrr, IRQ_PRIO_NONE);
	err = arch_irq_route(s->ipi, vcpu, 0, XICS_IPI);
	if (err) {
		arch_irq_detach(vcpu);
		return err;
	}
	/* Whoever had the source before may have left it waiting for this. */
	arch_irq_eoi(s->ipi);
	return 0;
}

static void detach(struct vcpu *vcpu)
{
	arch_irq_mask(vcpu->server.ipi);
	arch_irq_detach(vcpu);
}

int xics_init(struct partition *p)
{
	memset(&p->xics, 0, sizeof(p->xics));
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		int err = attach(&p->vcpus[i]);

		if (err) {
			while (i--) {
				detach(&p->vcpus[i]);
			}
			return err;
		}
	}
	return 0;
}

void xics_set_cppr(struct vcpu *vcpu, uint8_t cppr)
{
	struct xics_server *s = &vcpu->server;

	atomic_store(&s->cppr, cppr);
	arch_irq_set_priority(vcpu, hardware_cppr(cppr));
	if (atomic_load(&s->mfrr) < cppr) {
		arch_irq_trigger(s->ipi);
	}
}

int xics_ipi(struct partition *p, uint64_t server, uint8_t mfrr)
{
	if (server >= p->nvcpus) {
		return -EINVAL;
	}
	atomic_store(&p->vcpus[server].server.mfrr, mfrr);
	if (mfrr < IRQ_PRIO_NONE) {
		/* The kick is a store to a device: it must not overtake. */
		atomic_thread_fence(memory_order_seq_cst);
		arch_irq_trigger(p->vcpus[server].server.ipi);
	}
	return 0;
}

int xics_poll(struct partition *p, uint64_t server, uint32_t *xirr, uint8_t *mfrr)
{
	uint8_t cppr;

	if (server >= p->nvcpus) {
		return -EINVAL;
	}
	cppr = atomic_load(&p->vcpus[server].server.cppr);
	*mfrr = atomic_load(&p->vcpus[server].server.mfrr);
	*xirr = (uint32_t)cppr << XIRR_CPPR_SHIFT | (*mfrr < cppr ? XICS_IPI : 0);
	return 0;
}

bool xics_pending(struct vcpu *vcpu)
{
	return arch_irq_pending(vcpu) ||
	       atomic_load(&vcpu->server.mfrr) < atomic_load(&vcpu->server.cppr);
}

/* --- sources; the static functions are called with the lock held --- */

static struct xics_source *slot_of(struct xics *x, uint32_t number)
{
	if (number >= XICS_LSI_FIRST && number - XICS_LSI_FIRST < XICS_LSI_COUNT) {
		return &x->lsi[number - XICS_LSI_FIRST];
	}
	if (number >= XICS_MSI_FIRST && number - XICS_MSI_FIRST < XICS_MSI_COUNT) {
		return &x->msi[number - XICS_MSI_FIRST];
	}
	return NULL;
}

static struct xics_source *find_source(struct xics *x, uint32_t number)
{
	struct xics_source *s = slot_of(x, number);

	return s && s->used ? s : NULL;
}

static bool is_on(const struct xics_setting *set)
{
	return !set->off && set->prio != IRQ_PRIO_NONE;
}

static void mask(struct xics_source *s)
{
	if (s->live) {
		arch_irq_mask(s->hw);
		s->live = false;
	}
}

/* Route has let it through. */
static void go_live(struct xics_source *s)
{
	s->live = true;
	if (s->owed) {
		s->owed = false;
		arch_irq_eoi(s->hw);
	}
	if (s->again) {
		s->again = false;
		arch_irq_trigger(s->hw);
	}
}

static void end(struct xics_source *s)
{
	if (s->live) {
		arch_irq_eoi(s->hw);
	} else {
		s->owed = true;
	}
}

/* What an event of a source that is not live leaves behind. If the guest has the source, the guest
 * will end it. */
static void drop(struct xics_source *s)
{
	s->again = !s->level;
	s->owed = s->owed || !s->taken;
}

/* Every move is a firmware call; what the hardware would not notice is none. */
static bool is_same_route(const struct xics_setting *a, const struct xics_setting *b)
{
	return a->server == b->server && hardware_prio(a->prio) == hardware_prio(b->prio);
}

static int route(struct partition *p, const struct xics_setting *to, uint32_t hw, uint32_t event)
{
	return arch_irq_route(hw, &p->vcpus[to->server], hardware_prio(to->prio), event);
}

/* Drops the lock while firmware works, and takes it again. */
static int move(
	struct partition *p, struct xics_source *s, uint32_t number, const struct xics_setting *to)
{
	uint32_t event = (uint32_t)s->gen << EVENT_GEN_SHIFT | number;
	struct xics_setting from = s->set;
	bool was_live = s->live;
	bool is_back = false;
	int err;

	mask(s);
	s->busy = true;
	lock_drop(&p->xics.lock);
	err = route(p, to, s->hw, event);
	if (err && was_live) {
		is_back = route(p, &from, s->hw, event) == 0;
	}
	lock_take(&p->xics.lock);
	s->busy = false;
	if (!err) {
		s->set = *to;
	} else if (was_live && !is_back) {
		s->set.prio = IRQ_PRIO_NONE;
	}
	if (!err || is_back) {
		go_live(s);
	}
	return err ? -EIO : 0;
}

static int change(
	struct partition *p, struct xics_source *s, uint32_t number, const struct xics_setting *to)
{
	if (is_on(to) && !(s->live && is_same_route(to, &s->set))) {
		return move(p, s, number, to);
	}
	if (!is_on(to)) {
		mask(s);
	}
	s->set = *to;
	return 0;
}

static int check_free_to_change(const struct xics_source *s)
{
	if (!s || s->leaving) {
		return -EINVAL;
	}
	return s->busy ? -EBUSY : 0;
}

int xics_set(struct partition *p, uint32_t number, unsigned int server, uint8_t prio)
{
	struct xics_setting to = {.server = server, .prio = prio};
	struct xics_source *s;
	int err;

	if (server >= p->nvcpus) {
		return -EINVAL;
	}
	lock_take(&p->xics.lock);
	s = find_source(&p->xics, number);
	err = check_free_to_change(s);
	if (!err) {
		to.off = s->set.off;
		err = change(p, s, number, &to);
	}
	lock_drop(&p->xics.lock);
	return err;
}

int xics_set_enabled(struct partition *p, uint32_t number, bool on)
{
	struct xics_setting to;
	struct xics_source *s;
	int err;

	lock_take(&p->xics.lock);
	s = find_source(&p->xics, number);
	err = check_free_to_change(s);
	if (!err) {
		to = s->set;
		to.off = !on;
		err = change(p, s, number, &to);
	}
	lock_drop(&p->xics.lock);
	return err;
}

int xics_get(struct partition *p, uint32_t number, unsigned int *server, uint8_t *prio)
{
	struct xics_source *s;

	lock_take(&p->xics.lock);
	s = find_source(&p->xics, number);
	if (s) {
		*server = s->set.server;
		*prio = s->set.off ? IRQ_PRIO_NONE : s->set.prio;
	}
	lock_drop(&p->xics.lock);
	return s ? 0 : -EINVAL;
}

int xics_add_source(struct partition *p, uint32_t number, uint32_t hw, bool level)
{
	struct xics_source *s = slot_of(&p->xics, number);
	int err = 0;

	if (!s) {
		return -EINVAL;
	}
	lock_take(&p->xics.lock);
	if (s->used) {
		err = -EBUSY;
	} else {
		/* An event of who had hw before is known by its gen and dropped, so nobody else
		 * will end it. */
		*s = (struct xics_source){.used = true,
			.level = level,
			.owed = true,
			.gen = (uint16_t)((s->gen + 1u) & EVENT_GEN_MASK),
			.hw = hw,
			.set = {.prio = IRQ_PRIO_NONE}};
	}
	lock_drop(&p->xics.lock);
	return err;
}

/* leaving lets no other CPU begin to route it, so the wait is for one firmware call at most. */
void xics_remove_source(struct partition *p, uint32_t number)
{
	struct xics_source *s = slot_of(&p->xics, number);
	uint16_t gen;

	if (!s) {
		return;
	}
	lock_take(&p->xics.lock);
	gen = s->gen;
	s->leaving = s->used;
	while (s->leaving && s->gen == gen && s->busy) {
		lock_drop(&p->xics.lock);
		lock_take(&p->xics.lock);
	}
	if (s->leaving && s->gen == gen) {
		mask(s);
		s->used = false;
		s->leaving = false;
	}
	lock_drop(&p->xics.lock);
}

/* Numbers are small: this does not wrap. */
static uint64_t round_up(uint64_t number, unsigned int align)
{
	return align_down(number + align - 1, align);
}

int xics_find_msi_block(struct partition *p, unsigned int n, unsigned int align, uint32_t *first)
{
	uint64_t start = round_up(XICS_MSI_FIRST, align);
	int err = -ENOSPC;

	if (!n || !is_pow2(align)) {
		return -EINVAL;
	}
	lock_take(&p->xics.lock);
	for (uint64_t at = start; at < XICS_MSI_FIRST + XICS_MSI_COUNT; at++) {
		if (p->xics.msi[at - XICS_MSI_FIRST].used) {
			start = round_up(at + 1, align);
		} else if (at >= start && at - start == n - 1) {
			*first = (uint32_t)start;
			err = 0;
			break;
		}
	}
	lock_drop(&p->xics.lock);
	return err;
}

void xics_exit(struct partition *p)
{
	lock_take(&p->xics.lock);
	for (unsigned int i = 0; i < XICS_LSI_COUNT; i++) {
		mask(&p->xics.lsi[i]);
	}
	for (unsigned int i = 0; i < XICS_MSI_COUNT; i++) {
		mask(&p->xics.msi[i]);
	}
	memset(p->xics.lsi, 0, sizeof(p->xics.lsi));
	memset(p->xics.msi, 0, sizeof(p->xics.msi));
	lock_drop(&p->xics.lock);
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		detach(&p->vcpus[i]);
	}
}

/* --- delivery --- */

/* Whether an event is one for the guest, and its number. */
static bool take_event(struct partition *p, uint32_t event, uint32_t *number)
{
	struct xics_source *s;
	bool is_good;

	*number = event & EVENT_NUMBER_MASK;
	lock_take(&p->xics.lock);
	s = find_source(&p->xics, *number);
	if (s && s->gen != event >> EVENT_GEN_SHIFT) {
		s = NULL;
	}
	is_good = s && s->live;
	if (is_good) {
		s->taken = true;
	} else if (s) {
		drop(s);
	}
	lock_drop(&p->xics.lock);
	if (!s) {
		atomic_fetch_add(&p->xics.dropped, 1);
	}
	return is_good;
}

/* The next interrupt more favoured than cppr: its number, and its priority in *prio. 0: none. */
static uint32_t next(struct vcpu *vcpu, unsigned int cppr, unsigned int *prio)
{
	struct xics_server *s = &vcpu->server;
	unsigned int mfrr, limit;
	uint32_t event, number;

	for (unsigned int n = 0;; n++) {
		/* After the last kick that was taken, and after its eoi. */
		mfrr = atomic_load(&s->mfrr);
		limit = mfrr < cppr ? mfrr : cppr;
		if (n == ACCEPT_MAX || !arch_irq_pop(vcpu, limit, prio, &event)) {
			break;
		}
		if (event == XICS_IPI) {
			arch_irq_eoi(s->ipi);
		} else if (take_event(vcpu->partition, event, &number)) {
			return number;
		}
	}
	*prio = mfrr;
	return mfrr < cppr ? XICS_IPI : 0;
}

uint32_t xics_accept(struct vcpu *vcpu)
{
	struct xics_server *s = &vcpu->server;
	uint8_t cppr = atomic_load(&s->cppr);
	unsigned int prio;
	uint32_t number = next(vcpu, cppr, &prio);

	if (number) {
		atomic_store(&s->cppr, (uint8_t)prio);
	}
	/* Also when nothing was found: what waits behind that must interrupt again. */
	arch_irq_set_priority(vcpu, hardware_cppr(number ? prio : cppr));
	return (uint32_t)cppr << XIRR_CPPR_SHIFT | number;
}

int xics_end(struct vcpu *vcpu, uint32_t xirr)
{
	struct xics *x = &vcpu->partition->xics;
	uint32_t number = xirr & XIRR_NUMBER_MASK;
	struct xics_source *s;

	if (number && number != XICS_IPI) {
		lock_take(&x->lock);
		s = find_source(x, number);
		/* Only what was accepted is ended, so that a source has one event in the queues,
		 * not as many as a guest likes. */
		if (s && s->taken) {
			s->taken = false;
			end(s);
		}
		lock_drop(&x->lock);
		if (!s) {
			return -EINVAL;
		}
	}
	xics_set_cppr(vcpu, (uint8_t)(xirr >> XIRR_CPPR_SHIFT));
	return 0;
}

void xics_reset_server(struct vcpu *vcpu)
{
	atomic_store(&vcpu->server.mfrr, IRQ_PRIO_NONE);
	xics_set_cppr(vcpu, 0);
}
