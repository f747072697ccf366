// SPDX-License-Identifier: Apache-2.0
/* The command "tce walk": from a bus address to memory, or to the step that fails, bridge by
 * bridge. */
#include "core/monitor.h"

#include "core/range.h"
#include "core/text.h"
#include "core/vfio_spapr.h"

#include <string.h>

/* Hexadecimal, with or without "0x"; false: it is not, or too long. */
static bool parse_address(const char *s, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int n = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		s += 2;
	}
	*out = 0;
	for (; *s; s++, n++) {
		char low = *s >= 'A' && *s <= 'F' ? (char)(*s - 'A' + 'a') : *s;
		const char *digit = strchr(digits, low);

		if (!digit || n == 16) {
			return false;
		}
		*out = *out << 4 | (uint64_t)(digit - digits);
	}
	return n > 0;
}

static void found_entry(void *ctx, const struct vfio_spapr_entry *e)
{
	*(struct vfio_spapr_entry *)ctx = *e;
}

/* The last steps: from an entry to memory. */
static void walk_entry(const struct partition *p, const struct vfio_spapr_entry *e, uint64_t offset,
	struct text *t)
{
	static const char *const perms[] = {"no access", "read", "write", "read write"};

	text_add(t, "  -> TCE ");
	text_add_hex(t, e->perm ? e->target.v | e->perm : 0, 16);
	if (!e->perm) {
		text_add(t, ": it gives no access");
		monitor_say(t->s);
		return;
	}
	text_add(t, ", ");
	text_add(t, perms[e->perm & 3]);
	monitor_say(t->s);
	*t = (struct text){0};
	if (range_inside(e->target.v, e->len, p->mem.host.v, p->mem.size)) {
		text_add(t, "  -> guest ");
		text_add_hex(t, e->target.v - p->mem.host.v + offset, 16);
		text_add(t, " -> host ");
		text_add_hex(t, e->target.v + offset, 16);
	} else {
		text_add(t, "  -> host ");
		text_add_hex(t, e->target.v + offset, 16);
		text_add(t, ": NOT this partition's memory");
	}
	monitor_say(t->s);
}

static void walk_window(const struct partition *p, unsigned int phb, unsigned int win,
	const struct vfio_spapr_view *v, uint64_t addr)
{
	uint64_t offset = addr & ((1ull << v->page_shift) - 1);
	uint64_t entry = (addr - v->start.v) >> v->page_shift;
	struct vfio_spapr_entry e = {.perm = 0};
	uint64_t budget = 1;
	struct text t = {0};

	text_add(&t, "  -> window ");
	text_add_dec(&t, win);
	if (p->phbs[phb].windows[win].npages) {
		text_add(&t, ", LIOBN ");
		text_add_hex(&t, p->phbs[phb].at.liobn[win], 8);
	} else {
		text_add(&t, ", bypass");
	}
	text_add(&t, ", pages of ");
	text_add_size(&t, 1ull << v->page_shift);
	if (!range_inside(addr, 1, v->start.v, v->size)) {
		text_add(&t, ": ends at ");
		text_add_hex(&t, v->start.v + (v->size - 1), 1);
		monitor_say(t.s);
		return;
	}
	text_add(&t, " -> entry ");
	text_add_hex(&t, entry, 1);
	monitor_say(t.s);
	t = (struct text){0};
	if (!vfio_spapr_walk(p->bound[phb].container, win, entry, &budget, found_entry, &e)) {
		monitor_say("  -> the window has just been closed");
		return;
	}
	walk_entry(p, &e, offset, &t);
}

static void walk_bridge(const struct partition *p, unsigned int phb, uint64_t addr)
{
	unsigned int win = addr >> 59 & 1;
	struct vfio_spapr_view v;
	struct text t = {0};

	text_add(&t, p->name);
	text_add(&t, ": ");
	text_add(&t, p->phbs[phb].id);
	text_add(&t, ": bus ");
	text_add_hex(&t, addr, 16);
	monitor_say(t.s);
	if (p->bound[phb].container && vfio_spapr_view(p->bound[phb].container, win, &v)) {
		walk_window(p, phb, win, &v, addr);
		return;
	}
	t = (struct text){0};
	text_add(&t, "  -> window ");
	text_add_dec(&t, win);
	text_add(&t, win ? " (bit 59 is set)" : " (bit 59 is clear)");
	text_add(&t, ": there is none");
	monitor_say(t.s);
}

void monitor_walk(const struct audit_scope *scope, const char *arg)
{
	uint64_t addr;

	if (!parse_address(arg, &addr)) {
		monitor_say("tce walk: ADDR is up to 16 hexadecimal digits");
		return;
	}
	for (unsigned int i = 0; i < scope->npartitions; i++) {
		struct partition *p = scope->partitions[i];

		if (!audit_visit(p)) {
			continue;
		}
		for (unsigned int k = 0; k < p->nphbs; k++) {
			walk_bridge(p, k, addr);
		}
		audit_leave(p);
	}
}
