// SPDX-License-Identifier: Apache-2.0
/*
 * The rules a partition plan is held to. One function per property; each says what is wrong and
 * what would be right, and refuses its own partition only.
 */
#include "core/plan.h"

#include "core/log.h"
#include "core/partition.h"
#include "core/phb.h"
#include "core/range.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

#define MIB 0x100000u

/* What the partitions before have left of the machine. */
struct plan_left {
	uint64_t memory;
	unsigned int core; /* number of the first core that is free */
};

struct plan_ctx {
	struct plan *plan;
	const struct board *board;
	struct plan_left left;
	unsigned int at; /* number of the partition under the eye */
};

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

bool plan_name_valid(const char *name, size_t len)
{
	if (!len || len >= PLAN_NAME_MAX || name[0] == '-' || name[0] == '_' || name[0] == '.') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!name_char(name[i])) {
			return false;
		}
	}
	return true;
}

static size_t name_len(const char name[PLAN_NAME_MAX])
{
	const char *end = memchr(name, '\0', PLAN_NAME_MAX);

	return end ? (size_t)(end - name) : PLAN_NAME_MAX;
}

/* The i-th partition before this one, NULL if it is refused and so holds nothing. */
static const struct plan_partition *before(const struct plan_ctx *ctx, unsigned int i)
{
	const struct plan_partition *p = &ctx->plan->partitions[i];

	return p->refused ? NULL : p;
}

static void check_name(struct plan_ctx *ctx, struct plan_partition *p)
{
	if (!plan_name_valid(p->name, name_len(p->name))) {
		plan_refuse(
			p, "%s: name: \"%.31s\" is no name; %s", p->node, p->name, PLAN_NAME_RULE);
		return;
	}
	for (unsigned int i = 0; i < ctx->at; i++) {
		const struct plan_partition *o = before(ctx, i);

		if (o && !strcmp(o->name, p->name)) {
			plan_refuse(p, "%s: name: %s has the name \"%s\"; names are unique",
				p->node, o->node, p->name);
			return;
		}
	}
}

static void check_memory(struct plan_ctx *ctx, struct plan_partition *p)
{
	uint64_t fits = align_down(ctx->left.memory, PLAN_MEMORY_UNIT);

	if (p->memory < PLAN_MEMORY_MIN || !is_aligned(p->memory, PLAN_MEMORY_UNIT)) {
		plan_refuse(p,
			"%s: memory-mib: %" PRIu64 " is out of rule; a multiple of %u, at least %u",
			p->node, p->memory / MIB, PLAN_MEMORY_UNIT / MIB, PLAN_MEMORY_MIN / MIB);
	} else if (p->memory > fits) {
		plan_refuse(p,
			"%s: memory-mib: %" PRIu64 " do not fit; at most %" PRIu64 " are left",
			p->node, p->memory / MIB, fits / MIB);
	}
}

/* Running threads of a core. */
static unsigned int core_threads(const struct board *b, unsigned int core)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->nthreads; i++) {
		n += b->threads[i].core == core && b->threads[i].alive;
	}
	return n;
}

/* Running threads from *core on, as far as want needs them; *core is moved behind the last core
 * counted. */
static unsigned int take_cores(const struct board *b, unsigned int *core, unsigned int want)
{
	unsigned int got = 0;

	while (got < want && *core < BOARD_MAX_THREADS) {
		got += core_threads(b, (*core)++);
	}
	return got;
}

static void check_vcpus(struct plan_ctx *ctx, struct plan_partition *p)
{
	unsigned int core = ctx->left.core, got;

	if (!p->vcpus || p->vcpus > PARTITION_MAX_VCPUS) {
		plan_refuse(p, "%s: vcpus: %" PRIu32 " is out of range; 1 to %u", p->node, p->vcpus,
			PARTITION_MAX_VCPUS);
		return;
	}
	got = take_cores(ctx->board, &core, p->vcpus);
	if (got < p->vcpus) {
		plan_refuse(p,
			"%s: vcpus: %" PRIu32 " wanted, and the cores left run %u threads; "
			"a partition owns whole cores, one vCPU per thread",
			p->node, p->vcpus, got);
	}
}

static void check_console(struct plan_ctx *ctx, struct plan_partition *p)
{
	for (unsigned int i = 0; i < ctx->at && p->console_input; i++) {
		const struct plan_partition *o = before(ctx, i);

		if (o && o->console_input) {
			plan_refuse(p,
				"%s: console-input: %s has the input already; one partition gets "
				"what is typed",
				p->node, o->node);
			return;
		}
	}
}

static void check_kernel(struct plan_partition *p)
{
	if (!p->kernel.data || !p->kernel.size) {
		plan_refuse(p, "%s: kernel: missing or empty; an ELF file put in with /incbin/",
			p->node);
	}
}

/* Decimal digits of v at text, which has room for eleven bytes. The number of digits. */
static size_t put_number(char *text, uint32_t v)
{
	char digits[10];
	size_t n = 0, len;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	for (len = 0; n; len++) {
		text[len] = digits[--n];
	}
	text[len] = '\0';
	return len;
}

#define GROUP_TEXT_MAX 80u

/* "0-3, 5" for groups 0 1 2 3 5; "..." where there is no more room. Ids come in rising order. */
static void put_group_ids(const struct board *b, char text[GROUP_TEXT_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < b->ngroups; i++) {
		unsigned int first = i;

		if (len + 30 > GROUP_TEXT_MAX) {
			memcpy(text + len, ", ...", sizeof(", ..."));
			return;
		}
		while (i + 1 < b->ngroups && b->groups[i + 1].id == b->groups[i].id + 1) {
			i++;
		}
		if (len) {
			text[len++] = ',';
			text[len++] = ' ';
		}
		len += put_number(text + len, b->groups[first].id);
		if (i > first) {
			text[len++] = '-';
			len += put_number(text + len, b->groups[i].id);
		}
	}
}

int plan_find_group(const struct board *b, uint32_t id)
{
	for (unsigned int i = 0; i < b->ngroups; i++) {
		if (b->groups[i].id == id) {
			return (int)i;
		}
	}
	return -1;
}

bool plan_has_group(const struct plan_phb *phb, uint32_t group)
{
	for (unsigned int i = 0; i < plan_ngroups(phb); i++) {
		if (plan_group(phb, i) == group) {
			return true;
		}
	}
	return false;
}

void plan_put_groups(const struct plan_phb *phb, struct text *t)
{
	text_add(t, plan_ngroups(phb) == 1 ? "group " : "groups ");
	for (unsigned int i = 0; i < plan_ngroups(phb); i++) {
		text_add(t, i ? ", " : "");
		text_add_dec(t, plan_group(phb, i));
	}
}

static const struct plan_phb *phb_with(
	const struct plan_partition *p, unsigned int nphbs, uint32_t group)
{
	for (unsigned int i = 0; i < nphbs; i++) {
		if (plan_has_group(&p->phbs[i], group)) {
			return &p->phbs[i];
		}
	}
	return NULL;
}

/* Whose the group is already; NULL: nobody's. k is the number of the bridge that asks. */
static const struct plan_phb *group_owner(
	const struct plan_ctx *ctx, const struct plan_partition *p, unsigned int k, uint32_t group)
{
	for (unsigned int i = 0; i < ctx->at; i++) {
		const struct plan_partition *o = before(ctx, i);
		const struct plan_phb *owner = o ? phb_with(o, o->nphbs, group) : NULL;

		if (owner) {
			return owner;
		}
	}
	return phb_with(p, k, group);
}

/* A group lives in the address space of one bridge, and of no other (SEED-001.20). */
static void check_owner(
	const struct plan_ctx *ctx, struct plan_partition *p, unsigned int k, unsigned int i)
{
	const struct plan_phb *phb = &p->phbs[k];
	uint32_t group = plan_group(phb, i);
	const struct plan_phb *owner = group_owner(ctx, p, k, group);
	bool twice = false;

	for (unsigned int m = 0; m < i; m++) {
		twice |= plan_group(phb, m) == group;
	}
	if (owner) {
		plan_refuse(p,
			"%s: iommu: group %" PRIu32
			" is taken by %s (id %.31s); a group belongs to one "
			"bridge of one partition",
			phb->node, group, owner->node, owner->id);
	} else if (twice) {
		plan_refuse(p, "%s: iommu: group %" PRIu32 " is named twice; each once", phb->node,
			group);
	}
}

static void check_group(
	const struct plan_ctx *ctx, struct plan_partition *p, unsigned int k, unsigned int i)
{
	const struct plan_phb *phb = &p->phbs[k];
	uint32_t id = plan_group(phb, i);
	int group = plan_find_group(ctx->board, id);
	const struct host_group *g;

	if (group < 0) {
		char ids[GROUP_TEXT_MAX];

		put_group_ids(ctx->board, ids);
		plan_refuse(p, "%s: iommu: there is no group %" PRIu32 "; this machine has %s%s",
			phb->node, id, ids[0] ? "groups " : "none", ids);
		return;
	}
	check_owner(ctx, p, k, i);
	g = &ctx->board->groups[group];
	if (g->refuse) {
		plan_refuse(p,
			"%s: iommu: group %" PRIu32 " cannot be assigned (%.80s); another group",
			phb->node, id, g->refuse);
	} else if (!g->closed) {
		plan_refuse(p,
			"%s: iommu: group %" PRIu32 " could not be closed (bus masters and windows "
			"off); another group",
			phb->node, id);
	}
	if (g->refuse || !g->closed) {
		plan_list_blockers(phb, ctx->board, g);
	}
}

static void check_groups(const struct plan_ctx *ctx, struct plan_partition *p, unsigned int k)
{
	for (unsigned int i = 0; i < plan_ngroups(&p->phbs[k]); i++) {
		check_group(ctx, p, k, i);
	}
	plan_check_funcs(p, &p->phbs[k], ctx->board);
}

static void check_index(struct plan_partition *p, unsigned int k)
{
	const struct plan_phb *phb = &p->phbs[k];

	if (phb->index > PHB_MAX_INDEX) {
		plan_refuse(p, "%s: index: %" PRIu32 " is too large; 0 to %u", phb->node,
			phb->index, PHB_MAX_INDEX);
		return;
	}
	for (unsigned int i = 0; i < k; i++) {
		if (p->phbs[i].index == phb->index) {
			plan_refuse(p,
				"%s: index: %" PRIu32 " is used by %s (id %.31s); each bridge of a "
				"partition has its own",
				phb->node, phb->index, p->phbs[i].node, p->phbs[i].id);
			return;
		}
	}
}

static void check_id(struct plan_partition *p, unsigned int k)
{
	struct plan_phb *phb = &p->phbs[k];

	if (!phb->id[0]) {
		memcpy(phb->id, "phb", 3);
		(void)put_number(phb->id + 3, phb->index);
	}
	if (!plan_name_valid(phb->id, name_len(phb->id))) {
		plan_refuse(
			p, "%s: id: \"%.31s\" is no name; %s", phb->node, phb->id, PLAN_NAME_RULE);
		return;
	}
	for (unsigned int i = 0; i < k; i++) {
		/* Of two bridges with one index and no ids the index is what is wrong. */
		if (p->phbs[i].index != phb->index && !strcmp(p->phbs[i].id, phb->id)) {
			plan_refuse(p,
				"%s: id: %s has the id \"%s\"; ids of a partition are unique",
				phb->node, p->phbs[i].node, phb->id);
			return;
		}
	}
}

/* The TCE pages that the host bridges of all groups have; all, if there is no such group, which has
 * been said. */
static uint32_t page_shifts_of(const struct board *b, const struct plan_phb *phb)
{
	uint32_t shifts = UINT32_MAX;

	for (unsigned int i = 0; i < plan_ngroups(phb); i++) {
		int group = plan_find_group(b, plan_group(phb, i));

		shifts &= group < 0 ? UINT32_MAX : b->phbs[b->groups[group].phb].page_shifts;
	}
	return shifts;
}

static void check_partition(struct plan_ctx *ctx, struct plan_partition *p)
{
	check_name(ctx, p);
	check_memory(ctx, p);
	check_vcpus(ctx, p);
	check_console(ctx, p);
	check_kernel(p);
	for (unsigned int k = 0; k < p->nphbs; k++) {
		check_id(p, k);
		check_index(p, k);
		check_groups(ctx, p, k);
		plan_check_window(p, &p->phbs[k], page_shifts_of(ctx->board, &p->phbs[k]));
	}
	plan_check_tables(p);
}

void plan_check(struct plan *plan, const struct board *b, uint64_t free_mem)
{
	struct plan_ctx ctx = {.plan = plan, .board = b, .left = {.memory = free_mem}};

	for (ctx.at = 0; ctx.at < plan->npartitions; ctx.at++) {
		struct plan_partition *p = &plan->partitions[ctx.at];
		bool refused = p->refused;

		plan_check_options(p);
		if (refused) {
			continue;
		}
		check_partition(&ctx, p);
		if (!p->refused) {
			ctx.left.memory -= p->memory;
			(void)take_cores(b, &ctx.left.core, p->vcpus);
		}
	}
}
