// SPDX-License-Identifier: Apache-2.0
/*
 * Resets of a device of VFIO, with its config space saved and put back. Nothing here waits but what
 * says so: a reset is begun, and vfio_poll_reset() takes it further whenever somebody asks. Until
 * it is over nobody else makes a cycle to the device (SEED-002.17).
 *
 * Calls on one device are for one thread at a time; so are those on devices of one group while
 * vfio_reset_group runs.
 */
#ifndef CORE_VFIO_RESET_H
#define CORE_VFIO_RESET_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct vfio_device;
struct vfio_group;

/* Function reset of PCI Express, of Advanced Features, and by D3hot and back where that resets. */
enum vfio_reset_kind { VFIO_RESET_FLR, VFIO_RESET_AF, VFIO_RESET_PM, VFIO_RESET_KINDS };

/* One register of the host's that a reset loses. */
struct vfio_saved_reg {
	uint16_t off;
	uint8_t size;
	uint32_t val;
};

#define VFIO_MAX_SAVED 32u

struct vfio_saved {
	unsigned int n;
	struct vfio_saved_reg regs[VFIO_MAX_SAVED];
};

enum vfio_reset_phase {
	VFIO_RESET_NONE,
	VFIO_RESET_DRAIN,  /* until its requests are answered, or long enough */
	VFIO_RESET_SLEEP,  /* on its way to D3hot, from where the reset goes on */
	VFIO_RESET_SETTLE, /* until it answers */
	VFIO_RESET_FALL,   /* on its way to D3hot, to stay there */
};

/* A part of struct vfio_device; core/vfio_reset.c's own. */
struct vfio_reset {
	enum vfio_reset_phase phase;
	enum vfio_reset_kind kind;
	bool asleep;	      /* in D3hot */
	bool flagged;	      /* that nothing resets it has been said */
	uint64_t due_ns;      /* no cycle before */
	uint64_t limit_ns;    /* the phase is over by then, or has failed */
	uint16_t exp, af, pm; /* where the capabilities are; 0: there is none */
	unsigned int exp_version;
	struct vfio_saved opened; /* as its owner found it */
	struct vfio_saved now;	  /* as it was before what is under way, or before it fell asleep */
};

/* Whether a device can be reset this way: one bit, 1 << kind, each. -EIO: it is gone. */
int vfio_probe_resets(struct vfio_device *d, unsigned int *kinds) must_check;

/* Saves and begins. -ENOTTY: it cannot be reset this way. -EBUSY: one is under way. -EIO: gone. */
int vfio_begin_reset(struct vfio_device *d, enum vfio_reset_kind kind) must_check;

/* To D3hot, saved, or back to D0, put back. Errors as above; -EALREADY: it is there. */
int vfio_begin_power(struct vfio_device *d, bool sleep) must_check;

/* 0: nothing is under way any more; config space is what it was, but for bus master, off, INTx
 * disable, set, and messages, disabled. -EAGAIN: not yet. -EIO: it does not come back, within a
 * minute: it is gone, its group may not be assigned again, and a log line has said so (DF-02).
 * Makes at most one look at the device every few milliseconds. */
int vfio_poll_reset(struct vfio_device *d) must_check;

/* Whether config cycles to the device have to wait. */
bool vfio_reset_is_on(const struct vfio_device *d);

/* Polls until it is over: up to a minute, mostly a tenth of a second. */
int vfio_wait_reset(struct vfio_device *d) must_check;

/* VFIO_DEVICE_RESET: by the first of the three ways that the device has, and waits; if it has none
 * and is alone in its group, by its bus. -ENOTTY: there is no way. -EBUSY, -EIO. */
int vfio_reset_device(struct vfio_device *d) must_check;

/* All functions of a group by a reset of the bus behind their root port, and waits. -ENOTTY: there
 * is no port above them. -EBUSY: one of them is being reset. -EIO: a device or the port is gone. */
int vfio_reset_group(struct vfio_group *g) must_check;

/* What is done with a group, quarantined, when its owner has gone (LC-04; core/vfio_clean.c): every
 * open device is reset, by a function reset if each has one, else by their bus; waits, for all at
 * once: a tenth of a second, at most a minute. A device that nothing resets is told in the log,
 * once, and is no error. -EIO, -EBUSY: one was not reset: a log line has said so, and the group is
 * not assigned again (DF-02). */
int vfio_clean_group(struct vfio_group *g) must_check;

#endif
