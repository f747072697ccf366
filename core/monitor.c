// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor: one table of commands, a line editor that knows Backspace, and jobs, which are the
 * commands that look at whole TCE tables and do so in slices.
 */
#include "core/monitor.h"

#include "core/arch.h"
#include "core/console.h"
#include "core/host_pci.h"
#include "core/range.h"
#include "core/text.h"
#include "core/vfio_spapr.h"

#include <stdatomic.h>
#include <string.h>

#define INPUT_MAX 72u
/* Table entries that one tick looks at: a fraction of a millisecond. */
#define SLICE	  65536u
#define MAP_CELLS 64u

#define KEY_BACKSPACE '\b'
#define KEY_DELETE    '\x7f'
#define KEY_KILL_LINE '\x15'

/* Which window of which bridge is being drawn, and what was seen of it so far. */
struct map_job {
	unsigned int partition, phb, window;
	uint64_t entry, pages;
	bool bridge_said;
	uint64_t live[MAP_CELLS];
};

/* monitor_run() lets one thread at a time in; only that one touches this. */
static struct {
	atomic_flag busy;
	struct board *board;
	const struct audit_scope *scope;
	bool greeted;
	bool after_cr;
	size_t used;
	char line[INPUT_MAX + 1];
	/* Goes on with a long command; true: it is over. NULL: there is none. */
	bool (*job)(void);
	struct audit audit;
	struct map_job map;
} monitor;

static void put(const char *s)
{
	arch_console_write(s, strlen(s));
}

/* In one piece, so that nobody's line comes into the middle. */
void monitor_say(const char *line)
{
	char out[TEXT_MAX + 1];
	size_t n = strlen(line);

	n = n < TEXT_MAX ? n : TEXT_MAX;
	memcpy(out, line, n);
	out[n++] = '\n';
	arch_console_write(out, n);
}

static void say(const struct text *t)
{
	monitor_say(t->s);
}

static struct partition *find_partition(const char *name)
{
	for (unsigned int i = 0; i < monitor.scope->npartitions; i++) {
		if (!strcmp(monitor.scope->partitions[i]->name, name)) {
			return monitor.scope->partitions[i];
		}
	}
	return NULL;
}

/* Commands */

static void do_list(const char *arg)
{
	(void)arg;
	host_pci_print(monitor.board);
}

static const char *state_word(const struct partition *p)
{
	static const char *const whys[] = {[STOP_NONE] = "stopped",
		[STOP_POWER_OFF] = "powered off",
		[STOP_REBOOT] = "rebooting",
		[STOP_CRASHED] = "crashed",
		[STOP_NO_VCPU] = "no vCPU left"};

	switch (atomic_load(&p->state)) {
	case PARTITION_FREE:
		return "built";
	case PARTITION_RUNNING:
		return "running";
	case PARTITION_STOPPING:
		return "stopping";
	case PARTITION_STARTING:
		return "starting";
	case PARTITION_STOPPED:
	default:
		return whys[atomic_load(&p->why)];
	}
}

static void do_partitions(const char *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < monitor.scope->npartitions; i++) {
		const struct partition *p = monitor.scope->partitions[i];
		struct text t = {0};

		text_add(&t, p->name);
		text_add(&t, ": ");
		text_add(&t, state_word(p));
		text_add(&t, ", ");
		text_add_dec(&t, p->nvcpus);
		text_add(&t, p->nvcpus == 1 ? " vCPU, " : " vCPUs, ");
		text_add_size(&t, p->plan->memory);
		text_add(&t, ", ");
		text_add_dec(&t, p->plan->nphbs);
		text_add(&t, p->plan->nphbs == 1 ? " bridge" : " bridges");
		say(&t);
		for (unsigned int k = 0; k < p->plan->nphbs; k++) {
			const struct plan_phb *phb = &p->plan->phbs[k];

			t = (struct text){0};
			text_add(&t, "  ");
			text_add(&t, phb->id);
			text_add(&t, ": index ");
			text_add_dec(&t, phb->index);
			text_add(&t, ", group ");
			text_add_dec(&t, phb->group);
			say(&t);
		}
	}
}

static void do_memory(const char *arg)
{
	struct text own = {0}, rest = {0};

	(void)arg;
	mem_describe(monitor.scope->pool, &own, &rest);
	say(&own);
	say(&rest);
}

/* windows map */

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
	say(&t);
}

static void say_bridge(const struct partition *p, unsigned int phb)
{
	const struct host_group *g = &p->board->groups[p->bound[phb].group->host];
	struct text t = {0};

	text_add(&t, p->name);
	text_add(&t, ": ");
	text_add(&t, p->phbs[phb].id);
	text_add(&t, ": group ");
	text_add_dec(&t, g->id);
	text_add(&t, ", PE ");
	text_add_hex(&t, g->pe, 1);
	if (p->phbs[phb].bypass_size) {
		text_add(&t, ", bypass");
	}
	say(&t);
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
		uint64_t budget = SLICE;

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

static bool map_job(void)
{
	struct map_job *m = &monitor.map;
	struct partition *p;

	if (m->partition == monitor.scope->npartitions) {
		return true;
	}
	p = monitor.scope->partitions[m->partition];
	if (!audit_visit(p)) {
		*m = (struct map_job){.partition = m->partition + 1};
		return false;
	}
	map_partition(m, p);
	audit_leave(p);
	return false;
}

static void do_windows_map(const char *arg)
{
	(void)arg;
	monitor_say(
		"# window, page, size, and 64 cells: ' ' no TCE gives access, '.' few, ':' half,");
	monitor_say("# '*' most, '#' all");
	monitor.map = (struct map_job){0};
	monitor.job = map_job;
}

/* tce audit */

static bool audit_job(void)
{
	return audit_step(&monitor.audit, SLICE);
}

static void do_tce_audit(const char *arg)
{
	(void)arg;
	audit_begin(&monitor.audit, monitor.scope, monitor_say);
	monitor.job = audit_job;
}

/* tce walk */

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
		say(t);
		return;
	}
	text_add(t, ", ");
	text_add(t, perms[e->perm & 3]);
	say(t);
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
	say(t);
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
		say(&t);
		return;
	}
	text_add(&t, " -> entry ");
	text_add_hex(&t, entry, 1);
	say(&t);
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
	say(&t);
	if (p->bound[phb].container && vfio_spapr_view(p->bound[phb].container, win, &v)) {
		walk_window(p, phb, win, &v, addr);
		return;
	}
	t = (struct text){0};
	text_add(&t, "  -> window ");
	text_add_dec(&t, win);
	text_add(&t, win ? " (bit 59 is set)" : " (bit 59 is clear)");
	text_add(&t, ": there is none");
	say(&t);
}

static void do_tce_walk(const char *arg)
{
	uint64_t addr;

	if (!parse_address(arg, &addr)) {
		monitor_say("tce walk: ADDR is up to 16 hexadecimal digits");
		return;
	}
	for (unsigned int i = 0; i < monitor.scope->npartitions; i++) {
		struct partition *p = monitor.scope->partitions[i];

		if (!audit_visit(p)) {
			continue;
		}
		for (unsigned int k = 0; k < p->nphbs; k++) {
			walk_bridge(p, k, addr);
		}
		audit_leave(p);
	}
}

/* stop, start, reset */

#define NO_SUCH_NAME "no partition has this name; try: partitions"

static void ask_to_stop(const char *name, enum partition_stop why)
{
	struct partition *p = find_partition(name);

	if (!p) {
		monitor_say(NO_SUCH_NAME);
	} else if (!audit_visit(p)) {
		monitor_say("it does not run");
	} else {
		partition_request_stop(p, why);
		audit_leave(p);
	}
}

static void do_stop(const char *arg)
{
	ask_to_stop(arg, STOP_POWER_OFF);
}

static void do_reset(const char *arg)
{
	ask_to_stop(arg, STOP_REBOOT);
}

static void do_bypass(const char *arg)
{
	monitor_bypass(monitor.scope, arg);
}

static void do_config(const char *arg)
{
	if (monitor_config(monitor.scope, arg)) {
		monitor.job = monitor_config_step;
	}
}

static void do_start(const char *arg)
{
	struct partition *p = find_partition(arg);
	int err = p ? partition_restart(p) : 0;

	if (!p) {
		monitor_say(NO_SUCH_NAME);
	} else if (err == -EBUSY) {
		monitor_say("it has not stopped");
	} else if (err) {
		monitor_say("the machine is being switched off");
	}
}

static void leave(bool tilde)
{
	monitor.greeted = false;
	monitor_say("back to the partition");
	console_leave_monitor(tilde);
}

static void do_back(const char *arg)
{
	(void)arg;
	leave(false);
}

static void do_tilde(const char *arg)
{
	(void)arg;
	leave(true);
}

static void do_help(const char *arg);

static const struct command {
	const char *words, *arg, *help; /* arg "": it takes none */
	void (*run)(const char *arg);
} commands[] = {
	{"help", "", "this list", do_help},
	{"list", "", "host bridges, PEs, groups and functions", do_list},
	{"partitions", "", "name, state, vCPUs, memory, bridges", do_partitions},
	{"memory", "", "what the hypervisor itself takes, and the rest", do_memory},
	{"windows map", "", "how full each DMA window is", do_windows_map},
	{"tce walk", "ADDR", "what a device of each bridge finds at a bus address", do_tce_walk},
	{"tce audit", "", "prove that every live TCE stays in its owner's memory", do_tce_audit},
	{"stop", "NAME", "stop a partition, as if its guest switched off", do_stop},
	{"start", "NAME", "start a partition that has stopped, from its plan", do_start},
	{"reset", "NAME", "start a partition again, as if its guest asked", do_reset},
	{"config", "BDF", "config space of 0000:01:00.0, for lspci -F", do_config},
	{"bypass", "NAME BRIDGE on|off", "DMA round the TCEs, to its own RAM", do_bypass},
	{"back", "", "give the input back to the partition", do_back},
	{"~", "", "as back, and type one ~ for it", do_tilde},
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void do_help(const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < NUM_COMMANDS; i++) {
		const struct command *c = &commands[i];
		struct text t = {0};

		text_add(&t, c->words);
		text_add(&t, " ");
		text_add(&t, c->arg);
		do {
			text_add(&t, " ");
		} while (t.used < 16);
		text_add(&t, c->help);
		say(&t);
	}
}

/* One space between words, none around them. */
static void squeeze(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		if (*from != ' ' || (to > s && to[-1] != ' ')) {
			*to++ = *from;
		}
	}
	if (to > s && to[-1] == ' ') {
		to--;
	}
	*to = '\0';
}

static const struct command *find_command(const char *line, const char **arg)
{
	for (size_t i = 0; i < NUM_COMMANDS; i++) {
		size_t n = strlen(commands[i].words);

		if (strncmp(line, commands[i].words, n) || (line[n] && line[n] != ' ')) {
			continue;
		}
		*arg = line[n] ? line + n + 1 : "";
		if (!**arg == !*commands[i].arg) {
			return &commands[i];
		}
	}
	return NULL;
}

static void execute(void)
{
	const struct command *c;
	const char *arg;

	squeeze(monitor.line);
	if (!monitor.line[0]) {
		return;
	}
	c = find_command(monitor.line, &arg);
	if (c) {
		c->run(arg);
	} else {
		monitor_say("not a command; help lists them, back leaves the monitor");
	}
}

static void prompt(void)
{
	if (monitor.greeted && !monitor.job) {
		put("tcelot> ");
	}
}

static void erase(void)
{
	monitor.used--;
	put("\b \b");
}

/* One key; true: the line is complete. What has been typed is shown, since the terminal does not.
 */
static bool take_key(char ch)
{
	char echo[2] = {ch, '\0'};
	bool second_half = ch == '\n' && monitor.after_cr;

	monitor.after_cr = ch == '\r';
	if (second_half) {
		return false;
	}
	if (ch == '\r' || ch == '\n') {
		put("\n");
		monitor.line[monitor.used] = '\0';
		monitor.used = 0;
		return true;
	}
	if ((ch == KEY_BACKSPACE || ch == KEY_DELETE) && monitor.used) {
		erase();
	}
	while (ch == KEY_KILL_LINE && monitor.used) {
		erase();
	}
	if (ch >= ' ' && ch <= '~' && monitor.used < INPUT_MAX) {
		monitor.line[monitor.used++] = ch;
		put(echo);
	}
	return false;
}

static void take_line(void)
{
	char ch;

	if (!console_in_monitor()) {
		return;
	}
	if (!monitor.greeted) {
		monitor.greeted = true;
		put("\n");
		monitor_say("tcelot monitor: help lists the commands, back leaves");
		prompt();
	}
	while (console_read_monitor(&ch)) {
		if (take_key(ch)) {
			execute();
			prompt();
			return;
		}
	}
}

void monitor_init(struct board *b, const struct audit_scope *scope)
{
	memset(&monitor, 0, sizeof(monitor));
	monitor.board = b;
	monitor.scope = scope;
}

void monitor_run(void)
{
	if (atomic_flag_test_and_set(&monitor.busy)) {
		return;
	}
	if (monitor.job) {
		if (monitor.job()) {
			monitor.job = NULL;
			prompt();
		}
	} else if (monitor.scope) {
		take_line();
	}
	atomic_flag_clear(&monitor.busy);
}
