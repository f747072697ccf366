// SPDX-License-Identifier: Apache-2.0
/*
 * The fake interrupt hardware; see fake_irq.h.
 */
#include "tests/fake/fake_irq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fake_irq fake_irq;

void fake_irq_reset(void)
{
	memset(&fake_irq, 0, sizeof(fake_irq));
}

void fake_irq_fail_at(unsigned int n, unsigned int more)
{
	fake_irq.fail_at = n;
	fake_irq.fail_more = more;
	fake_irq.nfallible = 0;
}

static bool is_time_to_fail(void)
{
	unsigned int n = ++fake_irq.nfallible;

	return fake_irq.fail_at && n >= fake_irq.fail_at &&
	       n - fake_irq.fail_at <= fake_irq.fail_more;
}

/* Looks at the lock without leaving a trace; there is one thread. */
static bool is_locked(void)
{
	struct lock *l = (struct lock *)(uintptr_t)fake_irq.lock;
	bool held;

	if (!l) {
		return false;
	}
	held = atomic_flag_test_and_set(&l->held);
	if (!held) {
		atomic_flag_clear(&l->held);
	}
	return held;
}

static void run_hook(enum fake_irq_op op)
{
	struct vcpu *running = fake_irq.running;

	if (fake_irq.hook && !fake_irq.in_hook) {
		fake_irq.in_hook = true;
		fake_irq.hook(op, is_locked());
		fake_irq.in_hook = false;
		fake_irq.running = running;
	}
}

static void enter(enum fake_irq_op op)
{
	fake_irq.ncalls[op]++;
	run_hook(op);
}

static void enter_firmware(enum fake_irq_op op)
{
	if (is_locked()) {
		fail_msg("fake irq: firmware is called (%d) with the lock held", (int)op);
	}
	if (op == FAKE_IRQ_ROUTE) {
		enter(op);
	} else {
		fake_irq.ncalls[op]++;
	}
}

static struct fake_irq_server *find_server(const struct vcpu *vcpu)
{
	for (unsigned int i = 0; i < FAKE_IRQ_SERVERS; i++) {
		if (vcpu && fake_irq.servers[i].vcpu == vcpu) {
			return &fake_irq.servers[i];
		}
	}
	return NULL;
}

static struct fake_irq_server *need_server(const struct vcpu *vcpu, const char *what)
{
	struct fake_irq_server *s = find_server(vcpu);

	if (!s) {
		fail_msg("fake irq: %s for a vCPU that is not attached", what);
	}
	return s;
}

static struct fake_irq_server *own_server(const struct vcpu *vcpu, const char *what)
{
	if (fake_irq.running != vcpu) {
		fail_msg("fake irq: %s on another thread than the vCPU's", what);
	}
	return need_server(vcpu, what);
}

static struct fake_irq_source *need_source(uint32_t source, const char *what)
{
	if (source >= FAKE_IRQ_SOURCES || !fake_irq.sources[source].exists) {
		fail_msg("fake irq: %s of source %u, which does not exist", what, (unsigned)source);
	}
	return &fake_irq.sources[source];
}

/* The most favoured priority with an event; IRQ_PRIO_NONE: there is none. */
static unsigned int first_waiting(const struct fake_irq_server *s)
{
	for (unsigned int prio = 0; prio <= IRQ_PRIO_LAST; prio++) {
		if (s->queues[prio].count) {
			return prio;
		}
	}
	return IRQ_PRIO_NONE;
}

static void send(uint32_t source)
{
	struct fake_irq_source *src = &fake_irq.sources[source];
	struct fake_irq_server *s = need_server(src->to, "event");
	struct fake_irq_queue *q = &s->queues[src->prio];

	if (q->count == FAKE_IRQ_QUEUE) {
		fail_msg("fake irq: more than %u events in a queue", FAKE_IRQ_QUEUE);
	}
	q->events[(q->first + q->count++) % FAKE_IRQ_QUEUE] =
		(struct fake_irq_event){source, src->number};
	src->events++;
	src->fired = true;
	if (src->prio < s->prio) {
		s->signal = true;
	}
}

/* An edge, or a level seen up. */
static void fire(uint32_t source)
{
	struct fake_irq_source *src = &fake_irq.sources[source];

	if (src->live && !src->fired) {
		send(source);
	} else if (!src->level) {
		src->again = true;
	}
}

/* Nothing keeps the source quiet any more. */
static void look_again(uint32_t source)
{
	struct fake_irq_source *src = &fake_irq.sources[source];
	bool comes = src->level ? src->up : src->again;

	src->again = false;
	if (comes) {
		fire(source);
	}
}

void fake_irq_add(uint32_t source, bool level)
{
	assert_in_range(source, 1, FAKE_IRQ_IPI_FIRST - 1);
	fake_irq.sources[source] = (struct fake_irq_source){.exists = true, .level = level};
}

/* A message that comes before the source was ever routed goes nowhere. */
void fake_irq_edge(uint32_t source)
{
	struct fake_irq_source *src = need_source(source, "edge");

	assert_false(src->level);
	if (src->to) {
		fire(source);
	}
}

void fake_irq_level(uint32_t source, bool up)
{
	struct fake_irq_source *src = need_source(source, "level");

	assert_true(src->level);
	src->up = up;
	if (up) {
		fire(source);
	}
}

bool fake_irq_signal(const struct vcpu *vcpu)
{
	return need_server(vcpu, "signal")->signal;
}

unsigned int fake_irq_waiting(const struct vcpu *vcpu)
{
	const struct fake_irq_server *s = need_server(vcpu, "waiting");
	unsigned int n = 0;

	for (unsigned int prio = 0; prio <= IRQ_PRIO_LAST; prio++) {
		n += s->queues[prio].count;
	}
	return n;
}

static bool is_queued(uint32_t source)
{
	for (unsigned int i = 0; i < FAKE_IRQ_SERVERS; i++) {
		for (unsigned int prio = 0; prio <= IRQ_PRIO_LAST; prio++) {
			const struct fake_irq_queue *q = &fake_irq.servers[i].queues[prio];

			for (unsigned int k = 0; k < q->count; k++) {
				if (q->events[(q->first + k) % FAKE_IRQ_QUEUE].source == source) {
					return true;
				}
			}
		}
	}
	return false;
}

void fake_irq_check(bool (*held)(uint32_t source))
{
	for (unsigned int i = 0; i < FAKE_IRQ_SERVERS; i++) {
		const struct fake_irq_server *s = &fake_irq.servers[i];

		if (s->vcpu && first_waiting(s) < s->prio && !s->signal) {
			fail_msg("fake irq: vCPU %u lost a wake-up", s->vcpu->id);
		}
	}
	for (uint32_t n = 0; n < FAKE_IRQ_SOURCES; n++) {
		const struct fake_irq_source *src = &fake_irq.sources[n];

		if (src->live && src->fired && !is_queued(n) && !(held && held(n))) {
			fail_msg("fake irq: source %u fired, and nobody will end it", (unsigned)n);
		}
	}
}

unsigned int fake_irq_in_use(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_IRQ_SERVERS; i++) {
		n += fake_irq.servers[i].vcpu ? 1 : 0;
	}
	for (unsigned int i = 0; i < FAKE_IRQ_SOURCES; i++) {
		n += fake_irq.sources[i].live || fake_irq.sources[i].ipi ? 1 : 0;
	}
	return n;
}

int arch_irq_attach(struct vcpu *vcpu, uint32_t *ipi)
{
	enter_firmware(FAKE_IRQ_ATTACH);
	if (find_server(vcpu)) {
		fail_msg("fake irq: attached twice");
	}
	if (is_time_to_fail()) {
		return -EIO;
	}
	for (unsigned int i = 0; i < FAKE_IRQ_SERVERS; i++) {
		struct fake_irq_server *s = &fake_irq.servers[i];

		if (!s->vcpu) {
			memset(s, 0, sizeof(*s));
			s->vcpu = vcpu;
			*ipi = FAKE_IRQ_IPI_FIRST + i;
			/* As its last owner left it: it may have been in the middle of a kick. */
			fake_irq.sources[*ipi] = (struct fake_irq_source){
				.exists = true, .ipi = true, .fired = true};
			return 0;
		}
	}
	return -ENOMEM;
}

void arch_irq_detach(struct vcpu *vcpu)
{
	struct fake_irq_server *s = need_server(vcpu, "detach");

	enter_firmware(FAKE_IRQ_DETACH);
	for (unsigned int i = 0; i < FAKE_IRQ_SOURCES; i++) {
		if (fake_irq.sources[i].live && fake_irq.sources[i].to == vcpu) {
			fail_msg("fake irq: detached while source %u is sent there", i);
		}
	}
	memset(&fake_irq.sources[FAKE_IRQ_IPI_FIRST + (size_t)(s - fake_irq.servers)], 0,
		sizeof(fake_irq.sources[0]));
	memset(s, 0, sizeof(*s));
}

int arch_irq_route(uint32_t source, struct vcpu *to, unsigned int prio, uint32_t number)
{
	struct fake_irq_source *src = need_source(source, "route");

	if (src->live || prio > IRQ_PRIO_LAST || !number || number >= 0x80000000) {
		fail_msg("fake irq: source %u %s is routed at %u as %u", (unsigned)source,
			src->live ? "(not masked)" : "", prio, (unsigned)number);
	}
	need_server(to, "route");
	enter_firmware(FAKE_IRQ_ROUTE);
	if (is_time_to_fail()) {
		run_hook(FAKE_IRQ_ROUTE);
		return -EIO;
	}
	src->live = true;
	src->to = to;
	src->prio = prio;
	src->number = number;
	if (fake_irq.forgets) {
		src->fired = false;
	}
	if (!src->fired) {
		look_again(source);
	}
	run_hook(FAKE_IRQ_ROUTE);
	return 0;
}

void arch_irq_mask(uint32_t source)
{
	struct fake_irq_source *src = need_source(source, "mask");

	enter(FAKE_IRQ_MASK);
	src->live = false;
	run_hook(FAKE_IRQ_MASK);
}

void arch_irq_trigger(uint32_t source)
{
	struct fake_irq_source *src = need_source(source, "trigger");

	enter(FAKE_IRQ_TRIGGER);
	if (src->level || !src->live) {
		fail_msg("fake irq: trigger of source %u, which is %s", (unsigned)source,
			src->level ? "a level" : "masked");
	}
	fire(source);
	run_hook(FAKE_IRQ_TRIGGER);
}

void arch_irq_eoi(uint32_t source)
{
	struct fake_irq_source *src = need_source(source, "eoi");

	enter(FAKE_IRQ_EOI);
	if (!src->live) {
		fail_msg("fake irq: eoi of source %u, which is masked", (unsigned)source);
	}
	if (src->fired) {
		src->fired = false;
		look_again(source);
	}
	run_hook(FAKE_IRQ_EOI);
}

bool arch_irq_pop(struct vcpu *vcpu, unsigned int limit, unsigned int *prio, uint32_t *number)
{
	struct fake_irq_server *s = own_server(vcpu, "pop");
	unsigned int at;

	assert_in_range(limit, 0, IRQ_PRIO_NONE);
	enter(FAKE_IRQ_POP);
	s->signal = false;
	at = first_waiting(s);
	if (at < limit) {
		struct fake_irq_queue *q = &s->queues[at];

		*prio = at;
		*number = q->events[q->first].number;
		q->first = (q->first + 1) % FAKE_IRQ_QUEUE;
		q->count--;
	}
	run_hook(FAKE_IRQ_POP);
	return at < limit;
}

void arch_irq_set_priority(struct vcpu *vcpu, unsigned int prio)
{
	struct fake_irq_server *s = own_server(vcpu, "set_priority");

	if (prio > IRQ_PRIO_LAST && prio != IRQ_PRIO_NONE) {
		fail_msg("fake irq: there is no priority %u", prio);
	}
	enter(FAKE_IRQ_SET_PRIORITY);
	s->prio = prio;
	s->signal = first_waiting(s) < prio;
	run_hook(FAKE_IRQ_SET_PRIORITY);
}

bool arch_irq_pending(struct vcpu *vcpu)
{
	struct fake_irq_server *s = own_server(vcpu, "pending");

	enter(FAKE_IRQ_PENDING);
	return first_waiting(s) < s->prio;
}
