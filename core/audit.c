// SPDX-License-Identifier: Apache-2.0
/*
 * The TCE audit. It walks the tables entry by entry through core/vfio_spapr.h and compares with the
 * partitions' memory; where it is is kept in struct audit, so that it can stop after any slice.
 */
#include "core/audit.h"

#include "core/arch.h"
#include "core/range.h"
#include "core/text.h"
#include "core/vfio_spapr.h"

#include <string.h>

/* What looking at a window or a partition costs, in table entries. */
#define STEP_COST 64u
/* What a guest that removes a window may have to wait for. */
#define RUN_SLICE 65536u

bool audit_visit(struct partition *p)
{
	unsigned int n = atomic_load(&p->running);

	/* At 0 somebody has it for taking apart; it must not rise from there. */
	while (n) {
		if (atomic_compare_exchange_weak(&p->running, &n, n + 1)) {
			return true;
		}
	}
	return false;
}

static void leave_last(void *vcpu)
{
	partition_vcpu_exited(vcpu);
}

void audit_leave(struct partition *p)
{
	struct vcpu *last = &p->vcpus[p->nvcpus - 1];
	unsigned int n = atomic_load(&p->running);

	while (n > 1) {
		if (atomic_compare_exchange_weak(&p->running, &n, n - 1)) {
			return;
		}
	}
	/* Nobody else is counted: every vCPU has left, and only one that is counted could start
	 * another. So this vCPU is stopped, its leaving is over, and leaving once more in its name
	 * changes nothing but the count. It does so on its own thread, which is free: what comes
	 * after may wait for resets. Until then this visit is counted, so whoever else visits and
	 * leaves does not come here before that thread has been here. */
	arch_call_on(last->thread, leave_last, last);
}

/* What a violation is about; each names as much of it as it has. */
struct finding {
	const struct partition *p;
	const struct phb *phb;
	const char *what;
	uint64_t at, value;
	bool located; /* at and value mean something */
};

static void report(struct audit *a, const struct finding *f)
{
	struct text t = {0};

	if (a->violations++ >= AUDIT_MAX_LINES) {
		return;
	}
	text_add(&t, "tce audit: ");
	if (f->p) {
		text_add(&t, f->p->name);
		text_add(&t, ": ");
	}
	if (f->phb) {
		text_add(&t, f->phb->id);
		text_add(&t, ": ");
	}
	text_add(&t, f->what);
	if (f->located) {
		text_add(&t, " at ");
		text_add_hex(&t, f->at, 1);
		text_add(&t, ": ");
		text_add_hex(&t, f->value, 1);
	}
	a->say(t.s);
}

/* Whose table is walked. */
struct walk {
	struct audit *audit;
	const struct partition *p;
	const struct phb *phb;
};

static void check_entry(void *ctx, const struct vfio_spapr_entry *e)
{
	const struct walk *w = ctx;

	w->audit->live++;
	if (!range_inside(e->target.v, e->len, w->p->mem.host.v, w->p->mem.size)) {
		report(w->audit, &(struct finding){w->p, w->phb, "a TCE leaves the owner's memory",
					 e->at.v, e->target.v | e->perm, true});
	}
}

/* Whether its memory is its own now. */
static bool has_memory(const struct partition *p)
{
	return atomic_load(&p->running) || atomic_load(&p->state) == PARTITION_FREE;
}

/* A guest that could write a table would decide itself what its device reaches. */
static void check_table(struct walk *w, const struct vfio_spapr_view *v)
{
	const struct audit_scope *s = w->audit->scope;

	for (unsigned int i = 0; i < s->npartitions; i++) {
		const struct partition *p = s->partitions[i];

		if (has_memory(p) &&
			range_overlaps(v->pool.v, v->pool_bytes, p->mem.host.v, p->mem.size)) {
			report(w->audit, &(struct finding){w->p, w->phb,
						 "a guest's memory has the table of the window",
						 v->start.v, v->table.v, true});
		}
	}
}

static void check_window(
	struct walk *w, const struct vfio_container *c, const struct vfio_spapr_view *v)
{
	struct vfio_spapr_view other;

	w->audit->windows++;
	check_table(w, v);
	for (unsigned int i = 0; i < w->audit->window; i++) {
		if (vfio_spapr_view(c, i, &other) &&
			range_overlaps(v->start.v, v->size, other.start.v, other.size)) {
			report(w->audit, &(struct finding){w->p, w->phb, "two windows overlap",
						 v->start.v, other.start.v, true});
		}
	}
}

/* Part of the window where a is, of a partition that stays; what it cost. When the window has been
 * seen a is at the next. */
static uint64_t look_at_window(struct audit *a, struct partition *p, uint64_t budget)
{
	struct walk w = {a, p, &p->phbs[a->phb]};
	const struct vfio_container *c = p->bound[a->phb].container;
	struct vfio_spapr_view v;
	uint64_t left = budget;

	if (c && vfio_spapr_view(c, a->window, &v)) {
		if (!a->entry) {
			check_window(&w, c, &v);
		}
		a->entry = vfio_spapr_walk(c, a->window, a->entry, &left, check_entry, &w);
	}
	if (left) {
		a->entry = 0;
		a->window++;
	}
	return budget - left + STEP_COST;
}

/* As much of a partition that stays as the budget is good for; true: all of it. */
static bool look_at_partition(struct audit *a, struct partition *p, uint64_t *budget)
{
	while (a->phb < p->nphbs) {
		uint64_t cost;

		if (!*budget) {
			return false;
		}
		cost = look_at_window(a, p, *budget);
		*budget -= cost < *budget ? cost : *budget;
		if (a->window == HOST_PHB_MAX_WINDOWS) {
			a->window = 0;
			a->phb++;
		}
	}
	return true;
}

/* Asked after what was seen of it: whoever starts it says so before anything of it changes. */
static bool is_stopped(const struct partition *p)
{
	return atomic_load(&p->state) == PARTITION_STOPPED;
}

static void check_group(struct audit *a, const struct partition *p, uint32_t id)
{
	const struct vfio *v = a->scope->vfio;

	for (unsigned int i = 0; i < a->scope->board->ngroups; i++) {
		const struct host_group *g = &a->scope->board->groups[i];

		if (g->id != id) {
			continue;
		}
		if ((v->groups[i].container || v->groups[i].opened) && is_stopped(p)) {
			report(a, &(struct finding){.p = p,
					  .what = "it has stopped, and still has a group",
					  .at = id,
					  .located = true});
		}
		if (!g->closed && is_stopped(p)) {
			report(a, &(struct finding){.p = p,
					  .what = "it has stopped, and a group is not closed",
					  .at = id,
					  .located = true});
		}
	}
}

/* Nothing may be left of a partition that has stopped. */
static void check_stopped(struct audit *a, const struct partition *p)
{
	for (unsigned int i = 0; i < p->plan->nphbs; i++) {
		const struct plan_phb *phb = &p->plan->phbs[i];

		for (unsigned int k = 0; k < plan_ngroups(phb); k++) {
			check_group(a, p, plan_group(phb, k));
		}
	}
}

static bool owns(const struct partition *p, const struct vfio_container *c)
{
	for (unsigned int i = 0; i < p->nphbs; i++) {
		if (p->bound[i].container == c) {
			return true;
		}
	}
	return false;
}

/* Whether all that do not stay are still what they were: see is_stopped. */
static bool rest_is_stopped(const struct audit_scope *s, const bool stays[PARTITION_MAX])
{
	for (unsigned int i = 0; i < s->npartitions; i++) {
		if (!stays[i] && !is_stopped(s->partitions[i])) {
			return false;
		}
	}
	return true;
}

/* stays says which partitions have what they have for now. */
static void check_containers(struct audit *a, const bool stays[PARTITION_MAX])
{
	const struct audit_scope *s = a->scope;

	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		const struct vfio_container *c = &s->vfio->containers[i];
		bool owned = !c->driver && !c->ngroups;

		for (unsigned int k = 0; k < s->npartitions && !owned; k++) {
			owned = stays[k] && owns(s->partitions[k], c);
		}
		if (!owned && rest_is_stopped(s, stays)) {
			report(a, &(struct finding){.what = "a container is nobody's",
					  .at = i,
					  .value = c->ngroups,
					  .located = true});
		}
	}
}

/* Containers without an owner. Only if every partition is somewhere definite: one that is on its
 * way has some that cannot be told from them. */
static void look_at_rest(struct audit *a)
{
	const struct audit_scope *s = a->scope;
	bool visited[PARTITION_MAX] = {false}, stays[PARTITION_MAX] = {false};
	bool all = true;

	for (unsigned int i = 0; i < s->npartitions; i++) {
		struct partition *p = s->partitions[i];
		enum partition_state state;

		visited[i] = audit_visit(p);
		state = atomic_load(&p->state);
		/* Built and not started: nothing of it changes before the first visit succeeds. */
		stays[i] = visited[i] || state == PARTITION_FREE;
		all = all && (stays[i] || state == PARTITION_STOPPED);
	}
	if (all) {
		check_containers(a, stays);
	}
	for (unsigned int i = 0; i < s->npartitions; i++) {
		if (visited[i]) {
			audit_leave(s->partitions[i]);
		}
	}
}

static void say_result(const struct audit *a, const char *who)
{
	struct text t = {0};

	text_add(&t, who);
	text_add(&t, "tce audit: ");
	text_add_dec(&t, a->windows);
	text_add(&t, a->windows == 1 ? " window, " : " windows, ");
	text_add_dec(&t, a->live);
	text_add(&t, a->live == 1 ? " live TCE: " : " live TCEs: ");
	if (a->violations) {
		text_add_dec(&t, a->violations);
		text_add(&t, a->violations == 1 ? " VIOLATION" : " VIOLATIONS");
	} else {
		text_add(&t, "clean");
	}
	if (a->passed_over) {
		text_add(&t, " (");
		text_add_dec(&t, a->passed_over);
		text_add(&t, " on the way up or down, not looked at)");
	}
	a->say(t.s);
}

void audit_begin(struct audit *a, const struct audit_scope *scope, audit_say_fn say)
{
	memset(a, 0, sizeof(*a));
	a->scope = scope;
	a->say = say;
}

/* True: done with the partition where a is. */
static bool step_partition(struct audit *a, uint64_t *budget)
{
	struct partition *p = a->scope->partitions[a->partition];
	bool done = true;

	if (audit_visit(p)) {
		done = look_at_partition(a, p, budget);
		audit_leave(p);
	} else if (is_stopped(p)) {
		check_stopped(a, p);
	} else {
		a->passed_over++;
	}
	/* Last, so that the smallest budget gets on, too. */
	*budget -= STEP_COST < *budget ? STEP_COST : *budget;
	return done;
}

bool audit_step(struct audit *a, uint64_t budget)
{
	while (a->partition < a->scope->npartitions) {
		if (!budget) {
			return false;
		}
		if (step_partition(a, &budget)) {
			a->partition++;
			a->phb = a->window = 0;
			a->entry = 0;
		}
	}
	look_at_rest(a);
	say_result(a, "");
	return true;
}

bool audit_run(const struct audit_scope *scope, audit_say_fn say)
{
	struct audit a;

	audit_begin(&a, scope, say);
	while (!audit_step(&a, RUN_SLICE)) {
	}
	return !a.violations;
}

bool audit_run_one(const struct audit_scope *scope, struct partition *p, audit_say_fn say)
{
	uint64_t budget = UINT64_MAX;
	struct text who = {0};
	struct audit a;

	audit_begin(&a, scope, say);
	(void)look_at_partition(&a, p, &budget);
	text_add(&who, p->name);
	text_add(&who, ": ");
	say_result(&a, who.s);
	return !a.violations;
}
