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
#include "core/ddw.h"
#include "core/err.h"
#include "core/guest_mem.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/page_pool.h"
#include "core/phb.h"
#include "core/plan.h"
#include "core/tce.h"
#include "core/vfio.h"
#include "core/vfio_bridge.h"
#include "core/xics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PARTITION_MAX	    PLAN_MAX_PARTITIONS
#define PARTITION_MAX_VCPUS 8u
#define PARTITION_VTY	    0x71000000u /* unit address of the console */

/* 2500-01-01 in seconds since 1970. Times of day end here: 64 bits of nanoseconds reach further,
 * so that a clock set to the last moment still counts on for decades. */
#define PARTITION_CLOCK_END 16725225600u

enum partition_state {
	PARTITION_FREE, /* built, never started */
	PARTITION_RUNNING,
	PARTITION_STOPPING,
	PARTITION_STOPPED,  /* it has nothing but its plan */
	PARTITION_STARTING, /* being built again */
};

enum partition_stop {
	STOP_NONE,
	STOP_POWER_OFF, /* the guest asked */
	STOP_REBOOT,	/* the guest asked; it is started again from its plan */
	STOP_CRASHED,	/* it did something that has no answer */
	STOP_NO_VCPU,	/* its last vCPU stopped itself; none is left to start another */
};

/*
 * STOPPED -> RUNNING by whoever starts it (compare and exchange: one starter wins), before it is
 * given to its thread; RUNNING -> STOPPING -> STOPPED by itself, the latter as its last act but one
 * (partition_vcpu_exited). So a vCPU that reads as STOPPED is off its thread, and its starter may
 * do with it what it likes.
 */
enum vcpu_state { VCPU_STOPPED, VCPU_RUNNING, VCPU_STOPPING };

/* What H_REGISTER_VPA registers. Kept for the guest's rules only; nothing is read or written there
 * after registration. */
enum vcpu_area_kind { AREA_VPA, AREA_DTL, AREA_SLB, AREA_KINDS };
struct vcpu_area {
	gpa_t at;
	uint64_t size; /* 0: not registered */
};

struct partition;

struct vcpu {
	struct partition *partition;
	unsigned int id;
	unsigned int thread; /* index into board.threads */
	_Atomic(enum vcpu_state) state;
	unsigned int deaf; /* successive samples with interrupts off */
	struct tce_scratch scratch;
	struct vcpu_area areas[AREA_KINDS]; /* under partition.area_lock */
	struct xics_server server;
	atomic_bool prodded; /* H_PROD since the last H_CEDE */
	struct log_limit log;
};

/* What binds a guest function to the real one. */
struct partition_func {
	struct partition *partition;
	struct vfio_device *device;
	const struct host_func *host;
	uint32_t intx; /* the guest's number of its pin's source; 0: the pin is not the guest's */
	gpa_t window;  /* guest-real address of bus address PHB_MMIO32_BUS */
	hpa_t rom;     /* a copy of the device's option ROM */
	uint64_t rom_bytes; /* 0: there is none */
};

struct partition_phb {
	unsigned int ngroups;
	struct vfio_group *groups[PLAN_MAX_GROUPS];
	struct vfio_container *container;
	struct ddw ddw;
	uint64_t next_bar; /* bus address from which on there are no BARs yet */
	struct partition_func funcs[PHB_MAX_FUNCS];
};

struct partition {
	unsigned int lpid; /* from 1 */
	char name[PLAN_NAME_MAX];
	_Atomic(enum partition_state) state;
	_Atomic(enum partition_stop) why;
	/* vCPUs that are not STOPPED, and those whose leaving is not over. Only a vCPU that is
	 * counted itself starts another, so that it never rises from 0 while the partition lives.
	 */
	atomic_uint running;
	struct guest_mem mem;
	bool exposed; /* a device may still reach mem: it is never used again */
	struct board *board;
	struct vfio *vfio;
	struct mem_pool *pool;
	struct page_pool tables; /* where its TCE tables come from; their limit */
	const struct plan_partition *plan;
	gpa_t entry, tree;
	/* Nanoseconds since 1970 when arch_time_ns() was 0, modulo 2^64; the guest may set it. */
	_Atomic uint64_t clock_ns;
	atomic_bool clock_known;
	struct lock area_lock;
	struct log_limit log;
	struct console console;
	struct xics xics;
	unsigned int nvcpus;
	struct vcpu vcpus[PARTITION_MAX_VCPUS];
	unsigned int nphbs, phb_room;
	/* phb_room of each, as many as the plan has, from partition_alloc_phbs(). */
	struct phb *phbs;
	struct partition_phb *bound;
	struct phb_map phb_map; /* of those */
	struct arch_partition *arch;
};

/*
 * Builds a partition from its checked plan: memory, second-level translation, host bridges, kernel,
 * tree. p is zeroed but for lpid. threads are nvcpus indexes into board.threads, its own. plan and
 * what it points to live as long as the partition, which is started again from them. An error has
 * been said in the log, and everything taken has been given back.
 */
int partition_build(struct partition *p, const struct plan_partition *plan, struct board *board,
	struct vfio *vfio, struct mem_pool *pool, const unsigned int *threads,
	bool raw_console) must_check;

/* Lets the boot vCPU run. The others wait for partition_start_vcpu(). */
void partition_start(struct partition *p);

/* Any thread: builds a partition that has stopped again from its plan, on its boot vCPU's thread,
 * and starts it; returns at once. That it could not be built is said in the log, and it has stopped
 * again. -EBUSY: it has not stopped. -EPERM: partition_on_starting forbids it. */
int partition_restart(struct partition *p) must_check;

/* Called by a running vCPU of the partition: lets another run, in real mode at entry, with r3.
 * -EINVAL: no such vCPU. -EBUSY: it is not stopped. */
int partition_start_vcpu(struct partition *p, uint64_t id, gpa_t entry, uint64_t r3) must_check;

/* Called by a vCPU about itself: it leaves the guest when the call it is in is over, and may be
 * started again. */
void partition_stop_vcpu(struct vcpu *self);

/* Called by a running vCPU of the partition, or while none runs. Asks the partition to stop: its
 * vCPUs are kicked and leave the guest, at the latest with their next sample. The first reason
 * stays. */
void partition_request_stop(struct partition *p, enum partition_stop why);

/* Room for n host bridges, zeroed, from the partition's pool; and the way back, when none is bound
 * any more. Without room there is nothing to free. -ENOMEM. */
int partition_alloc_phbs(struct partition *p, unsigned int n) must_check;
void partition_free_phbs(struct partition *p);

/* The host bridges, in core/partition_phb.c: binds every bridge of the plan to its groups, or none;
 * and the way back. unbind returns false, and exposed is set, if a device could not be quarantined:
 * the partition's memory must then never be used again. */
int partition_bind_phbs(struct partition *p) must_check;
bool partition_unbind_phbs(struct partition *p);

/* One line per function: where the host has it, and where its guest (SEED-001.74). */
void partition_print_funcs(const struct partition *p);

/* A few lines per host bridge: groups, placement, windows, live TCEs. */
void partition_print_summary(struct partition *p);

/* Called, if set, before a partition that has stopped is built again; false: it must not be. Then
 * partition_on_stopped will be called once more. */
extern bool (*partition_on_starting)(struct partition *p);

/* Called on whichever thread when a partition has been taken apart. */
extern void (*partition_on_stopped)(struct partition *p);

/* Called, if set, while a partition that has ended still has its windows and memory, on the thread
 * that takes it apart or starts it again. */
extern void (*partition_on_ending)(struct partition *p);

#endif
