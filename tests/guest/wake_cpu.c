// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's CPUs: taking interrupts, waiting, starting the second.
 */
#include "tests/guest/wake.h"

#include "tests/guest/tap.h"
#include "tests/guest/trap.h"

#include <inttypes.h>
#include <string.h>

#define MSR_EE	    0x8000ull
#define DEC_FAR	    0x7fffffffull
#define MODE_ENDIAN 4u

#define REG_RAISED 0x24u
#define REG_ACK	   0x64u

#define NAP_TICKS 20000u
/* The other CPU may be slower by half a millisecond a round, as where the two take turns. */
#define JOIN_SECONDS   60u
#define JOIN_PER_ROUND 2000u

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE 1u
#else
#define LITTLE 0u
#endif

extern const uint8_t wake_take_500[], wake_take_900[], wake_take_end[];
void wake_other(void);
void wake_interrupt(uint64_t vector);

unsigned int self_id(void)
{
	uint64_t v;

	__asm__ volatile("mfspr %0, 272" : "=r"(v));
	return (unsigned int)v;
}

struct wake_cpu *self(void)
{
	return &wake.cpus[self_id()];
}

int64_t hcall_out(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t *out)
{
	struct hv_regs regs = {.r = {opcode, r4, r5}};

	hv_trap(&regs);
	*out = regs.r[1];
	return (int64_t)regs.r[0];
}

int64_t hcall(uint64_t opcode, uint64_t r4, uint64_t r5, uint64_t r6)
{
	struct hv_regs regs = {.r = {opcode, r4, r5, r6}};

	hv_trap(&regs);
	return (int64_t)regs.r[0];
}

int32_t rtas(const char *service, const uint32_t *args, unsigned int nargs, uint32_t *rets,
	unsigned int nret)
{
	struct rtas_buffer *b = &self()->rtas;
	uint32_t token;

	if (!tree_rtas_token(service, &token) || nargs + nret > RTAS_CELLS) {
		return -1000;
	}
	memset(b, 0, sizeof(*b));
	b->token = be32(token);
	b->nargs = be32(nargs);
	b->nret = be32(nret);
	for (unsigned int i = 0; i < nargs; i++) {
		b->cells[i] = be32(args[i]);
	}
	hcall(H_RTAS, (uintptr_t)b, 0, 0);
	__asm__ volatile("" : : : "memory");
	for (unsigned int i = 0; i < nret; i++) {
		rets[i] = be32(b->cells[nargs + i]);
	}
	return nret ? (int32_t)rets[0] : 0;
}

void set_dec(uint64_t ticks)
{
	__asm__ volatile("mtdec %0" : : "r"(ticks) : "memory");
}

void dec_far(void)
{
	set_dec(DEC_FAR);
}

/* --- interrupts --- */

static void copy_vector(uintptr_t at, const uint8_t *from, const uint8_t *end)
{
	/* The compiler must not know that this is a small constant address. */
	__asm__("" : "+r"(at));
	memcpy((void *)at, from, (size_t)(end - from));
	__asm__ volatile("dcbst 0, %0; sync; icbi 0, %0; sync; isync" : : "r"(at) : "memory");
}

static void cpu_init(unsigned int id)
{
	__asm__ volatile("mtspr 272, %0" : : "r"((uint64_t)id));
	dec_far();
	hcall(H_CPPR, PRIO_ALL, 0, 0);
}

void cpu_init_boot(void)
{
	trap_install();
	copy_vector(0x500, wake_take_500, wake_take_900);
	copy_vector(0x900, wake_take_900, wake_take_end);
	hcall(H_SET_MODE, LITTLE, MODE_ENDIAN, 0);
	cpu_init(0);
}

static void ack_device(void)
{
	uint64_t at = wake.bar + REG_ACK;

	if (tree.qemu) {
		hcall(H_LOGICAL_CI_STORE, 4, at, UINT32_MAX);
		return;
	}
	*(volatile uint32_t *)(uintptr_t)at = UINT32_MAX;
	/* A level is down before the end of its interrupt. */
	(void)*(volatile uint32_t *)(uintptr_t)(wake.bar + REG_RAISED);
	__asm__ volatile("sync" : : : "memory");
}

static void take_external(struct wake_cpu *cpu)
{
	uint64_t xirr;
	uint32_t number;

	hcall_out(H_XIRR, 0, 0, &xirr);
	number = xirr & XIRR_NUMBER;
	cpu->xirr = (uint32_t)xirr;
	if (!number) {
		cpu->empty++;
		return;
	}
	if (number == IPI_NUMBER) {
		hcall(H_IPI, self_id(), PRIO_ALL, 0);
		cpu->ipis++;
	} else if (number == wake.source) {
		ack_device();
		cpu->devs++;
	} else {
		cpu->alien++;
	}
	hcall(H_EOI, xirr, 0, 0);
}

void wake_interrupt(uint64_t vector)
{
	struct wake_cpu *cpu = self();

	cpu->at = timebase();
	if (vector == 0x900) {
		dec_far();
		cpu->decs++;
	} else {
		take_external(cpu);
	}
}

/* --- waiting --- */

bool wait_for(const volatile uint64_t *count, uint64_t target)
{
	uint64_t start = timebase();

	while (*count < target) {
		uint64_t gone = timebase() - start;

		if (gone >= tree.timebase_hz) {
			dec_far();
			return false;
		}
		set_dec(tree.timebase_hz - gone);
		hcall(H_CEDE, 0, 0, 0);
		interrupts_off();
	}
	dec_far();
	return true;
}

void nap(uint64_t ticks)
{
	uint64_t before = self()->decs;

	set_dec(ticks);
	while (self()->decs == before) {
		hcall(H_CEDE, 0, 0, 0);
		interrupts_off();
	}
}

void spin(uint64_t ticks)
{
	uint64_t start = timebase();

	while (timebase() - start < ticks) {
	}
}

void say_stuck(const char *what, uint64_t round, unsigned int cpu)
{
	struct hv_regs regs = {.r = {H_IPOLL, cpu}};
	const struct wake_cpu *c = &wake.cpus[cpu];

	hv_trap(&regs);
	tap_note("%s: nothing in round %" PRIu64 "; CPU %u: H_IPOLL %08" PRIx64 " MFRR %02" PRIx64
		 ", last XIRR %08" PRIx32 ", came: %" PRIu64 " decrementer, %" PRIu64
		 " IPI, %" PRIu64 " device, %" PRIu64 " empty, %" PRIu64 " alien",
		what, round, cpu, regs.r[1], regs.r[2], c->xirr, c->decs, c->ipis, c->devs,
		c->empty, c->alien);
	interrupts_off();
}

/* --- the second CPU --- */

static void (*volatile other_job)(void);

static void other_main(void)
{
	cpu_init(1);
	other_job();
	other_stop();
}

int32_t other_start(void (*job)(void))
{
	const uint32_t args[3] = {
		1, (uint32_t)(uintptr_t)wake_other, (uint32_t)(uintptr_t)other_main};
	uint32_t status;

	other_job = job;
	__asm__ volatile("sync" : : : "memory");
	return rtas("start-cpu", args, 3, &status, 1);
}

void other_stop(void)
{
	uint32_t status;

	for (;;) {
		rtas("stop-self", NULL, 0, &status, 1);
	}
}

int32_t other_state(void)
{
	const uint32_t cpu = 1;
	uint32_t rets[2];

	return rtas("query-cpu-stopped-state", &cpu, 1, rets, 2) ? -1 : (int32_t)rets[1];
}

bool other_join(void)
{
	uint64_t limit = (JOIN_SECONDS + wake.n / JOIN_PER_ROUND) * tree.timebase_hz;
	uint64_t start = timebase();

	while (timebase() - start < limit) {
		if (other_state() == 0) {
			return true;
		}
		nap(NAP_TICKS);
	}
	return false;
}
