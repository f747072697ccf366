// SPDX-License-Identifier: Apache-2.0
/*
 * The command "windows map": a line for each window of each bridge of each running partition, 64
 * cells long, a slice of the table at a time.
 */
#include "core/monitor.h"

#include "core/text.h"
#include "core/vfio_spapr.h"

#include <string.h>

#define MAP_CELLS 64u

/* Which window of which bridge is being drawn, and what was seen of it so far. */
struct map_job {
	const struct audit_scope *scope;
	unsigned int partition, phb, window;
	uint64_t entry, pages;
	bool bridge_said;
	uint64_t live[MAP_CELLS];
};

static struct map_job map; /* of the one command that runs */

struct map_walk {
	struct map_job *job;
	ioba_t start;
	unsigned int page_shift;
};

/* The cells of one page: its share of one, or several that are all its own. */
static void mark_page(void *ctx, const struct vfio_spapr_entry *e)
{
	const struct map_walk *w = ctx;
	uint64_t page = (e->at.v - w->start.v) >> w->page_shift;
	uint64_t pages = w->job->pages;
	uint64_t per_cell = pages / MAP_CELLS;

	/* The guest may have put another window in this place since it was looked at. */
	if (page >= pages) {
		return;
	}
	if (per_cell) {
		w->job->live[page / per_cell % MAP_CELLS]++;
		return;
	}
	for (uint64_t i = page * MAP_CELLS / pages; i < (page + 1) * MAP_CELLS / pages; i++) {
		w->job->live[i]++;
	}
}

static char cell_of(uint64_t live, uint64_t pages)
{
	uint64_t whole = pages < MAP_CELLS ? 1 : pages / MAP_CELLS;

	if (!live) {
		return ' ';
	}
	if (live >= whole) {
		return '#';
	}
	return live < whole / 3 ? '.' : live < whole * 2 / 3 ? ':' : '*';
}

static void say_window(const struct map_job *m, const struct vfio_spapr_view *v)
{
	char cells[MAP_CELLS + 1];
	struct text t = {0}, n = {0};

	for (unsigned int i = 0; i < MAP_CELLS; i++) {
		cells[i] = cell_of(m->live[i], m->pages);
	}
	cells[MAP_CELLS] = '\0';
	text_add_dec(&t, m->window);
	text_add_size(&n, 1ull << v->page_shift);
	text_add_right(&t, n.s, 5);
	n = (struct text){0};
	text_add_size(&n, v->size);
	text_add_right(&t, n.s, 5);
	text_add(&t, " |");
	text_add(&t, cells);
	text_add(&t, "|");
	monitor_say(t.s);
}

static void say_bridge(const struct partition *p, unsigned int phb)
{
	const struct partition_phb *bound = &p->bound[phb];
	struct text t = {0};

	text_add(&t, p->name);
	text_add(&t, ": ");
	text_add(&t, p->phbs[phb].id);
	for (unsigned int i = 0; i < bound->ngroups; i++) {
		const struct host_group *g = &p->board->groups[bound->groups[i]->host];

		text_add(&t, i ? "; group " : ": group ");
		text_add_dec(&t, g->id);
		text_add(&t, ", PE ");
		text_add_hex(&t, g->pe, 1);
	}
	if (p->phbs[phb].bypass_size) {
		text_add(&t, ", bypass");
	}
	monitor_say(t.s);
}

/* A slice of the window where the map is, of a partition that stays. */
static void map_slice(struct map_job *m, const struct partition *p)
{
	const struct vfio_container *c = p->bound[m->phb].container;
	struct vfio_spapr_view v;

	if (!c || !vfio_spapr_view(c, m->window, &v)) {
		m->window++;
	} else {
		struct map_walk w = {m, v.start, v.page_shift};
		uint64_t budget = MONITOR_SLICE;

		if (!m->bridge_said) {
			say_bridge(p, m->phb);
			m->bridge_said = true;
		}
		/* Another window in this place than at the last slice: from its start. */
		if (m->pages != v.size >> v.page_shift) {
			m->pages = v.size >> v.page_shift;
			m->entry = 0;
		}
		if (!m->entry) {
			memset(m->live, 0, sizeof(m->live));
		}
		m->entry = vfio_spapr_walk(c, m->window, m->entry, &budget, mark_page, &w);
		if (!budget && m->entry < m->pages && vfio_spapr_view(c, m->window, &v)) {
			return;
		}
		say_window(m, &v);
		m->window++;
	}
	m->entry = m->pages = 0;
}

static void map_partition(struct map_job *m, const struct partition *p)
{
	if (m->phb >= p->nphbs) {
		m->partition++;
		m->phb = m->window = 0;
		m->entry = m->pages = 0;
		m->bridge_said = false;
		return;
	}
	map_slice(m, p);
	if (m->window == HOST_PHB_MAX_WINDOWS) {
		m->window = 0;
		m->phb++;
		m->bridge_said = false;
	}
}

bool monitor_map_step(void)
{
	struct map_job *m = &map;
	struct partition *p;

	if (m->partition == m->scope->npartitions) {
		return true;
	}
	p = m->scope->partitions[m->partition];
	if (!audit_visit(p)) {
		*m = (struct map_job){.scope = m->scope, .partition = m->partition + 1};
		return false;
	}
	map_partition(m, p);
	audit_leave(p);
	return false;
}

void monitor_map(const struct audit_scope *scope)
{
	monitor_say(
		"# window, page, size, and 64 cells: ' ' no TCE gives access, '.' few, ':' half,");
	monitor_say("# '*' most, '#' all");
	map = (struct map_job){.scope = scope};
}
