// SPDX-License-Identifier: Apache-2.0
/*
 * The guest `wake`: interrupts by XICS, waiting in H_CEDE and being woken, CPUs that start and
 * stop. It uses two CPUs if there are two, the second for one job at a time: start-cpu gives it a
 * function, and it stops itself at the end.
 *
 * All code runs with interrupts off, except in H_CEDE and where a test turns them on to see that
 * nothing comes; so what a test looked at before it waits is still so when it waits. Printing turns
 * interrupts on.
 */
#ifndef TESTS_GUEST_WAKE_H
#define TESTS_GUEST_WAKE_H

#include "tests/guest/hv.h"
#include "tests/guest/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define H_EOI	   0x64u
#define H_CPPR	   0x68u
#define H_IPI	   0x6cu
#define H_IPOLL	   0x70u
#define H_XIRR	   0x74u
#define H_CEDE	   0xe0u
#define H_CONFER   0xe4u
#define H_PROD	   0xe8u
#define H_XIRR_X   0x2fcu
#define H_SET_MODE 0x31cu

#define XIRR_NUMBER 0xffffffu
#define IPI_NUMBER  2u
#define PRIO_ALL    0xffu /* a CPPR that lets everything through; an MFRR that asks for nothing */

#define WAKE_CPUS 2u

/* What has come to a CPU; written by its own interrupts only. */
struct wake_cpu {
	volatile uint64_t decs, ipis, devs;
	volatile uint64_t empty; /* H_XIRR had nothing */
	volatile uint64_t alien; /* or a source that is not ours */
	volatile uint64_t at;	 /* timebase of the last */
	volatile uint32_t xirr;	 /* what H_XIRR said last */
	struct rtas_buffer rtas;
};

struct wake {
	unsigned int ncpus; /* that the tree has, at most WAKE_CPUS are used */
	uint64_t n, ndev;   /* rounds */
	uint64_t late;	    /* ticks by which a wake-up may be late */
	uint64_t one_in;    /* of so many rounds one may be later */
	uint32_t source;    /* the device's interrupt, 0 if none is set up */
	uint64_t bar;	    /* its registers */
	struct wake_cpu cpus[WAKE_CPUS];
};

extern struct wake wake;

struct wake_cpu *self(void);
unsigned int self_id(void);

/* How long wake-ups took. */
struct lateness {
	uint64_t worst, sum, rounds, over;
};

void late_add(struct lateness *l, uint64_t ticks);
/* Prints them and whether all were in time, as one result. */
bool late_report(const struct lateness *l, bool complete, const char *what);

/* --- wake_cpu.c --- */

/* Vectors, byte order of interrupts, the calling CPU's number and CPPR. */
void cpu_init_boot(void);

/* A hypercall that leaves MSR and decrementer as they are. */
int64_t hcall(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6);
/* The same, and r4 afterwards. */
int64_t hcall_out(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t *out);
/* An RTAS call by H_RTAS, with a buffer of the calling CPU's own. */
int32_t rtas(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret);

void set_dec(uint64_t ticks);
void dec_far(void);

/* Waits in H_CEDE until *count is at least target; false after a second. */
bool wait_for(const volatile uint64_t *count, uint64_t target);
/* Lets a number of ticks pass in H_CEDE. */
void nap(uint64_t ticks);
/* Does nothing for some ticks. */
void spin(uint64_t ticks);
/* What a CPU that has waited in vain looks like. */
void say_stuck(const char *what, uint64_t round, unsigned int cpu);

/* Starts the second CPU with a job; a status of start-cpu. The job must end in other_stop(). */
int32_t other_start(void (*job)(void));
void other_stop(void) __attribute__((noreturn));
/* 0 stopped, 1 stopping, 2 not; -1 the call failed. */
int32_t other_state(void);
/* Waits until it has stopped; false after a minute. */
bool other_join(void);

/* --- tests, in the order they run --- */

void test_registers(void);
void test_decrementer(void);
void test_priorities(void);
void test_ipis(void);
void test_prod(void);
void test_start_stop(void);
void test_bad_calls(void);
void test_device(void);
void test_idle(void);

#endif
