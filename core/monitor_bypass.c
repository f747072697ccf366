// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor's bypass command. Virtual CPUs of the partition run meanwhile; that no two change a
 * bridge's windows at once is core/ddw.c's to see to, and it does not wait for the other.
 */
#include "core/audit.h"
#include "core/ddw.h"
#include "core/monitor.h"
#include "core/text.h"

#include <string.h>

/* Passes over word at *line and the space after it, or its end; false: something else is there. */
static bool take_word(const char **line, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*line, word, n) || ((*line)[n] && (*line)[n] != ' ')) {
		return false;
	}
	*line += n + ((*line)[n] == ' ');
	return true;
}

static struct partition *take_partition(const struct audit_scope *scope, const char **line)
{
	for (unsigned int i = 0; i < scope->npartitions; i++) {
		if (take_word(line, scope->partitions[i]->name)) {
			return scope->partitions[i];
		}
	}
	return NULL;
}

static void say_result(const struct ddw *d, const char *state, int err, const char *why)
{
	struct text t = {0};

	text_add(&t, d->c.owner);
	text_add(&t, ": ");
	text_add(&t, d->c.phb->id);
	text_add(&t, ": bypass ");
	text_add(&t, state);
	if (err) {
		text_add(&t, ": ");
		text_add(&t, why);
		text_add(&t, " (");
		text_add(&t, err_name(err));
		text_add(&t, ")");
	}
	monitor_say(t.s);
}

static void turn_on(struct ddw *d)
{
	const char *why;
	int err = ddw_bypass_on(d, &why);

	say_result(d, err ? "is not switched on" : "is on", err, why);
}

static void turn_off(struct ddw *d)
{
	const char *why;
	int err = ddw_bypass_off(d, &why);

	say_result(d, err == -EBUSY ? "is not switched off" : "is off", err, why);
}

/* The partition stays while this goes on. */
static void bridge_command(struct partition *p, const char *line)
{
	struct ddw *d = NULL;

	for (unsigned int i = 0; i < p->nphbs && !d; i++) {
		d = take_word(&line, p->phbs[i].id) ? &p->bound[i].ddw : NULL;
	}
	if (!d) {
		monitor_say("it has no bridge of this name; try: partitions");
	} else if (!strcmp(line, "on")) {
		turn_on(d);
	} else if (!strcmp(line, "off")) {
		turn_off(d);
	} else {
		monitor_say("bypass: what is wanted is said by on or off");
	}
}

void monitor_bypass(const struct audit_scope *scope, const char *line)
{
	struct partition *p = take_partition(scope, &line);

	if (!p) {
		monitor_say("no partition has this name; try: partitions");
	} else if (!audit_visit(p)) {
		monitor_say("it does not run");
	} else {
		bridge_command(p, line);
		audit_leave(p);
	}
}
