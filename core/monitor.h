// SPDX-License-Identifier: Apache-2.0
/*
 * The monitor: a few commands on the console for whoever sits at the machine (docs/MONITOR.md). It
 * lives from the housekeeping tick: at most one line of input, or one slice of a long command, each
 * time. It trusts nobody's timing: partitions may stop or start again between any two slices.
 */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include "core/audit.h"
#include "core/board.h"

/* Table entries that one tick looks at: a fraction of a millisecond. */
#define MONITOR_SLICE 65536u

/* Until this is called there is no monitor, and what is typed for it waits. b is what `list` shows;
 * everything lives for ever. */
void monitor_init(struct board *b, const struct audit_scope *scope);

/* Whatever has been typed for the monitor; from the tick, on any thread, without locks. The stop or
 * reset of a partition may come to its end in here. */
void monitor_run(void);

/* The command "windows map", in core/monitor_map.c: step is to be called until it returns true. */
void monitor_map(const struct audit_scope *scope);
bool monitor_map_step(void);

/* The command "tce walk", in core/monitor_walk.c. addr: hexadecimal digits. */
void monitor_walk(const struct audit_scope *scope, const char *addr);

/* The command "bypass", in core/monitor_bypass.c. line: PARTITION BRIDGE on|off. */
void monitor_bypass(const struct audit_scope *scope, const char *line);

/* The command "config", in core/monitor_config.c: the config space of a function of the host, as
 * the hardware has it. True: there is one, and step is to be called until it returns true. */
bool monitor_config(const struct audit_scope *scope, const char *bdf);
bool monitor_config_step(void);

/* One line of the monitor's output, without its newline; for audit_run(). */
void monitor_say(const char *line);

#endif
