// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor: one table of commands, a line editor that knows Backspace, and jobs, which are the
 * commands that look at whole TCE tables and do so in slices.
 */
#include "core/monitor.h"

#include "core/arch.h"
#include "core/console.h"
#include "core/host_pci.h"
#include "core/text.h"

#include <stdatomic.h>
#include <string.h>

#define INPUT_MAX 72u

#define KEY_BACKSPACE '\b'
#define KEY_DELETE    '\x7f'
#define KEY_KILL_LINE '\x15'

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
	for (unsigned int i = 0; monitor.scope && i < monitor.scope->npartitions; i++) {
		struct partition *p = monitor.scope->partitions[i];

		if (audit_visit(p)) {
			partition_print_funcs(p);
			audit_leave(p);
		}
	}
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
			text_add(&t, ", ");
			plan_put_groups(phb, &t);
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

static void do_windows_map(const char *arg)
{
	(void)arg;
	monitor_map(monitor.scope);
	monitor.job = monitor_map_step;
}

/* tce audit */

static bool audit_job(void)
{
	return audit_step(&monitor.audit, MONITOR_SLICE);
}

static void do_tce_audit(const char *arg)
{
	(void)arg;
	audit_begin(&monitor.audit, monitor.scope, monitor_say);
	monitor.job = audit_job;
}

static void do_tce_walk(const char *arg)
{
	monitor_walk(monitor.scope, arg);
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
