// SPDX-License-Identifier: Apache-2.0
/*
 * A partition: memory, virtual CPUs, host bridges, a console, and its life: planned, built,
 * running, stopping, stopped.
 */
#ifndef CORE_PARTITION_H
#define CORE_PARTITION_H

#include "core/arch.h"
#include "core/board.h"
#include "core/console.h"
#include "core/err.h"
#include "core/guest_mem.h"
#include "core/log.h"
#include "core/phb.h"
#include "core/plan.h"
#include "core/tce.h"
#include "core/vfio.h"
#include "core/vfio_bridge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PARTITION_MAX	    PLAN_MAX_PARTITIONS
#define PARTITION_MAX_VCPUS 8u
#define PARTITION_VTY	    0x71000000u /* unit address of the console */

enum partition_state { PARTITION_FREE, PARTITION_RUNNING, PARTITION_STOPPING, PARTITION_STOPPED };

enum partition_stop {
	STOP_NONE,
	STOP_POWER_OFF, /* the guest asked */
	STOP_REBOOT,	/* the guest asked; we do not start it again yet */
	STOP_CRASHED,	/* it did something that has no answer */
};

struct partition;

struct vcpu {
	struct partition *partition;
	unsigned int id;
	unsigned int thread; /* index into board.threads */
	unsigned int deaf;   /* successive samples with interrupts off */
	struct tce_scratch scratch;
	struct log_limit log;
};

/* What binds a guest function to the real one. */
struct partition_func {
	struct partition *partition;
	struct vfio_device *device;
	const struct host_func *host;
	gpa_t window; /* guest-real address of bus address PHB_MMIO32_BUS */
	gpa_t bar_at[PCI_NUM_BARS];
};

struct partition_phb {
	struct vfio_group *group;
	struct vfio_container *container;
	struct vfio_bridge_window window;
	struct partition_func funcs[PHB_MAX_FUNCS];
};

struct partition {
	unsigned int lpid; /* from 1 */
	char name[PLAN_NAME_MAX];
	_Atomic(enum partition_state) state;
	_Atomic(enum partition_stop) why;
	atomic_uint running; /* vCPUs on their threads */
	struct guest_mem mem;
	struct board *board;
	struct vfio *vfio;
	struct mem_pool *pool;
	gpa_t entry, tree;
	struct console console;
	unsigned int nvcpus;
	struct vcpu vcpus[PARTITION_MAX_VCPUS];
	unsigned int nphbs;
	struct phb phbs[PLAN_MAX_PHBS];
	struct partition_phb bound[PLAN_MAX_PHBS];
	struct arch_partition *arch;
};

/*
 * Builds a partition from its checked plan: memory, second-level translation, host bridges, kernel,
 * tree. p is zeroed but for lpid. threads are nvcpus indexes into board.threads, its own. An error
 * has been said in the log, and everything taken has been given back.
 */
int partition_build(struct partition *p, const struct plan_partition *plan, struct board *board,
	struct vfio *vfio, struct mem_pool *pool, const unsigned int *threads,
	bool raw_console) must_check;

/* Lets the boot vCPU run. The others wait for a start that no service offers yet. */
void partition_start(struct partition *p);

/* Asks the partition to stop: its vCPUs leave the guest at their next exit. The first reason stays.
 */
void partition_request_stop(struct partition *p, enum partition_stop why);

/* The host bridges, in core/partition_phb.c: binds every bridge of the plan to its group, or none;
 * and the way back, in the order of design decision 16. A bind that failed is to be unbound, too,
 * as far as it went. unbind returns false if a device could not be quarantined: the partition's
 * memory must then never be used again. */
int partition_bind_phbs(struct partition *p, const struct plan_partition *plan) must_check;
bool partition_unbind_phbs(struct partition *p);

/* One line per host bridge: group, placement, windows, live TCEs. */
void partition_print_summary(struct partition *p);

/* Called once, on whichever thread, when a partition has been taken apart. */
extern void (*partition_on_stopped)(struct partition *p);

#endif
