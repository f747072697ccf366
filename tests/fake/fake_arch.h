// SPDX-License-Identifier: Apache-2.0
/*
 * A fake of the first half of core/arch.h: the serial line is two buffers, time stands still unless
 * told otherwise, second-level translation is a list of mappings, and what was asked is recorded.
 *
 * It is stricter than the hardware: what the contract forbids its caller (mapping for a partition
 * that has no translation, unmapping what is not mapped, starting a vCPU that is on its thread,
 * modes that there are not) fails the test.
 */
#ifndef TESTS_FAKE_FAKE_ARCH_H
#define TESTS_FAKE_FAKE_ARCH_H

#include "core/arch.h"
#include "core/mem.h"
#include "core/partition.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ARCH_OUT_MAX  65536u
#define FAKE_ARCH_CALL_MAX 256u
#define FAKE_ARCH_MMIO_MAX 64u

/* Guest-real addresses end here; what a radix tree of four levels can say. */
#define FAKE_ARCH_GPA_END ((uint64_t)1 << 52)

enum fake_arch_op {
	FAKE_ARCH_PARTITION_INIT,
	FAKE_ARCH_PARTITION_FREE,
	FAKE_ARCH_MAP_MMIO,
	FAKE_ARCH_UNMAP_MMIO,
	FAKE_ARCH_VCPU_START,
	FAKE_ARCH_CALL_ON,
	FAKE_ARCH_SET_LITTLE,
	FAKE_ARCH_SET_AIL,
	FAKE_ARCH_SET_PROCESS_TABLE,
	FAKE_ARCH_CEDE,
	FAKE_ARCH_KICK,
	FAKE_ARCH_CLOCK_READ,
	FAKE_ARCH_POWER_OFF,
};

/* One call, in order. Fields that the call does not have are 0. */
struct fake_arch_call {
	enum fake_arch_op op;
	struct partition *partition;
	struct vcpu *vcpu;
	gpa_t at; /* mmio: where; vcpu: entry */
	hpa_t to;
	uint64_t size;
	gpa_t tree;
	uint64_t value; /* a mode, a table's entry */
	int result;
};

struct fake_arch_mmio {
	struct partition *partition;
	gpa_t at;
	hpa_t to;
	uint64_t size;
};

struct fake_arch {
	/* The serial line. on_write, if set, runs inside every arch_console_write. */
	char out[FAKE_ARCH_OUT_MAX + 1]; /* a zero follows what was written */
	size_t out_len;
	unsigned int nwrites;
	void (*on_write)(void);
	const char *in;
	size_t in_len;
	unsigned int nreads;

	/* arch_time_ns answers now_ns and adds tick_ns to it. */
	uint64_t now_ns, tick_ns;

	/* arch_clock_read: what it answers, or fails with. */
	uint64_t clock_seconds;
	int clock_err;

	/* What arch_call_on() was asked for and has not been done: the test's thread runs it by
	 * fake_arch_run_call(). One at a time. */
	void (*call)(void *arg);
	void *call_arg;

	/* If set, run at the end of arch_vcpu_start, arch_kick and arch_cede: what the vCPU, or any
	 * other, does before its caller goes on. */
	void (*on_start)(struct vcpu *vcpu);
	void (*on_kick)(struct vcpu *vcpu);
	void (*on_cede)(struct vcpu *vcpu);

	unsigned int ncalls;
	struct fake_arch_call calls[FAKE_ARCH_CALL_MAX];

	/* Of the calls that can fail (init, map) the fail_at-th (from 1; 0: none) fails with
	 * fail_err. */
	unsigned int fail_at, nfallible;
	int fail_err;

	unsigned int nmmio;
	struct fake_arch_mmio mmio[FAKE_ARCH_MMIO_MAX];

	/* Who answers loads and stores of device memory; NULL: one fails the test. False: nobody is
	 * there, which fails it, too. */
	bool (*on_mmio)(void *arg, hpa_t at, unsigned int size, bool write, uint64_t *val);
	void *on_mmio_arg;

	/* Where arch_power_off goes; NULL: it aborts the program. */
	jmp_buf *power_off_to;
	bool powered_off;
};

extern struct fake_arch fake_arch;

/* Everything as at the start. */
void fake_arch_reset(void);

/* The n-th fallible call from now on (from 1) fails. */
void fake_arch_fail_at(unsigned int n, int err);

/* What arch_console_read will give; the bytes must live as long. */
void fake_arch_type(const char *bytes, size_t len);

/* Forgets what was written so far. */
void fake_arch_clear_out(void);

/* How many calls of this kind were made; and the n-th (from 0) of them, NULL if there is none. */
unsigned int fake_arch_count(enum fake_arch_op op);
const struct fake_arch_call *fake_arch_nth(enum fake_arch_op op, unsigned int n);

/* What is mapped at a guest-real address of a partition, NULL: nothing. */
const struct fake_arch_mmio *fake_arch_find_mmio(const struct partition *p, gpa_t at);

/* The vCPU's run is over and its thread free: what comes before partition_vcpu_exited(). Fails the
 * test if it was not started. */
void fake_arch_leave(struct vcpu *vcpu);

/* What a thread does that has been asked to call something; fails the test if none has. */
void fake_arch_run_call(void);

/* Whether a vCPU is on its thread. */
bool fake_arch_on_thread(const struct vcpu *vcpu);

/* Forgets the calls so far. */
void fake_arch_clear_calls(void);

/* Partitions that have a translation now. */
unsigned int fake_arch_live_partitions(void);

#endif
