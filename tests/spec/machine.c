// SPDX-License-Identifier: Apache-2.0
/*
 * The program under test is driven through its public face only: partitions built from plans,
 * traps, DMA, and the audit.
 */
#include "tests/spec/machine.h"

#include "core/audit.h"
#include "core/be.h"
#include "core/hcall.h"
#include "core/host_pci.h"
#include "core/partition.h"
#include "core/rtas.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB	 ((uint64_t)1 << 20)
#define RAM_SIZE (512 * MIB)
#define RTAS_AT	 0x7000u

#define K4  (1u << 12)
#define K64 (1u << 16)
#define M2  (1u << 21)

/* The second PHB knows small pages only: those of 64 KiB are made of sixteen. */
const uint32_t machine_host_pages[2] = {K4 | K64 | M2, K4};
const struct machine_bridge machine_bridges[MACHINE_PARTITIONS * SPEC_MAX_BRIDGES] = {
	{0, 0, 6, 4 * MIB, 12, K4 | K64 | M2, .ddw = true},
	{0, 1, 0, 32 * MIB, 16, K4 | K64, .ddw = true},
	{1, 0, 7, 16 * MIB, 21, K4 | K64 | M2, .ddw = false},
	{1, 1, 30, 8 * MIB, 12, K4 | K64, .ddw = true, .bypass = true},
};
const uint64_t machine_ram_size[MACHINE_PARTITIONS] = {6 * MIB, 4 * MIB};

static struct fake_ram ram;
static struct fake_phb phbs[2];
static struct board board;
static struct vfio vfio;
static struct plan_partition plans[MACHINE_PARTITIONS];
static struct partition *parts[MACHINE_PARTITIONS];
static struct audit_scope scope;
static uint8_t kernel[FAKE_KERNEL_SIZE];
static uint64_t free_at_start, tables_at_start[MACHINE_PARTITIONS];
static unsigned int running;

static void say_nothing(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

static const struct log_sink sink = {say_nothing, arch_time_ns};

static void note_stopped(struct partition *p)
{
	(void)p;
	running--;
}

static void make_plans(void)
{
	memset(plans, 0, sizeof(plans));
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		strcpy(plans[i].name, i ? "beta" : "alpha");
		plans[i].memory = machine_ram_size[i];
		plans[i].vcpus = 1;
		plans[i].kernel = (struct plan_blob){kernel, sizeof(kernel)};
	}
	for (unsigned int i = 0; i < MACHINE_PARTITIONS * SPEC_MAX_BRIDGES; i++) {
		const struct machine_bridge *b = &machine_bridges[i];
		struct plan_partition *plan = &plans[b->owner];
		struct plan_phb *phb = &plan->phbs[plan->nphbs++];

		snprintf(phb->id, sizeof(phb->id), "PHB%u", i);
		phb->group = 2 * b->phb + b->owner;
		phb->index = b->index;
		phb->window_size = b->window_size;
		phb->window_page = (uint64_t)1 << b->window_shift;
		phb->no_ddw = !b->ddw;
		phb->bypass = b->bypass;
	}
}

static uint16_t bdfn_of(const struct machine_bridge *b)
{
	return (uint16_t)((b->owner + 1) << 8);
}

/* Behind root port n of each PHB, on bus n + 1, is a device of partition n. */
static void make_board(void)
{
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = MACHINE_PARTITIONS;
	board.nphbs = 2;
	for (unsigned int i = 0; i < 2; i++) {
		board.threads[i].alive = true;
		fake_phb_init(&phbs[i], &board.phbs[i], i, &ram);
		board.phbs[i].page_shifts = machine_host_pages[i];
		fake_add_bridge(&phbs[i], 0x000, 1, 1);
		fake_add_bridge(&phbs[i], 0x008, 2, 2);
		fake_set_bar(fake_add_func(&phbs[i], 0x100, 0x11e81234), 0, MIB, false, false);
		fake_set_bar(fake_add_func(&phbs[i], 0x200, 0x11e81234), 0, MIB, false, false);
	}
}

static void must(bool ok, const char *what)
{
	if (!ok) {
		printf("lockstep: %s\n", what);
		fflush(stdout);
		abort();
	}
}

void machine_init(void)
{
	fake_arch_reset();
	fake_arch.tick_ns = 1000000; /* resets wait */
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, RAM_SIZE);
	make_board();
	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	make_plans();
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	must(board.ngroups == 4 && !vfio_register_driver(&vfio, &vfio_spapr_v2_driver),
		"the machine has not the groups that it was to have");
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		parts[i] = calloc(1, sizeof(*parts[i]));
		must(parts[i] != NULL, "no memory");
	}
	scope = (struct audit_scope){&board, &vfio, &ram.pool, parts, MACHINE_PARTITIONS};
	partition_on_stopped = note_stopped;
	free_at_start = mem_free_bytes(&ram.pool);
	running = 0;
}

void machine_exit(void)
{
	for (unsigned int i = 0; i < MACHINE_PARTITIONS; i++) {
		free(parts[i]);
	}
	fake_ram_free(&ram);
}

void machine_start(unsigned int who)
{
	memset(parts[who], 0, sizeof(*parts[who]));
	parts[who]->lpid = who + 1;
	must(!partition_build(
		     parts[who], &plans[who], &board, &vfio, &ram.pool, &(unsigned int){who}, true),
		"a partition could not be built");
	partition_start(parts[who]);
	fake_arch_clear_calls();
	tables_at_start[who] = page_pool_used(&parts[who]->tables);
	running++;
}

/* The service stops the partition; then what arch/ does with a vCPU that must not go back. */
static void last_call(unsigned int who, const char *name, uint32_t nargs)
{
	struct vcpu *vcpu = &parts[who]->vcpus[0];
	uint64_t regs[1 + HCALL_NARGS] = {H_RTAS, RTAS_AT};
	uint32_t words[6] = {0, nargs, 1, UINT32_MAX, UINT32_MAX, UINT32_MAX};

	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, name)) {
			words[0] = rtas_services[i].token;
		}
	}
	for (unsigned int i = 0; i < 6; i++) {
		be32_t w = be32(words[i]);

		memcpy(parts[who]->mem.ptr + RTAS_AT + 4 * (uint64_t)i, &w, 4);
	}
	fake_irq.running = vcpu;
	must(hcall_dispatch(vcpu, regs, false, true) == HCALL_STOP, "the partition does not stop");
	fake_arch_leave(vcpu);
	partition_vcpu_exited(vcpu);
	fake_arch_clear_calls();
	fake_arch_clear_out();
}

bool machine_reboot(unsigned int who)
{
	uint64_t free_before = mem_free_bytes(&ram.pool);
	unsigned int irqs = fake_irq_in_use();

	last_call(who, "system-reboot", 0);
	return atomic_load(&parts[who]->state) == PARTITION_RUNNING &&
	       mem_free_bytes(&ram.pool) == free_before && fake_irq_in_use() == irqs &&
	       page_pool_used(&parts[who]->tables) == tables_at_start[who];
}

bool machine_stop(unsigned int who)
{
	last_call(who, "power-off", 2);
	return atomic_load(&parts[who]->state) == PARTITION_STOPPED &&
	       (running ||
		       (mem_free_bytes(&ram.pool) == free_at_start && fake_irq_in_use() == 0 &&
			       fake_arch_live_partitions() == 0 && !fake_phb_any_window(&phbs[0]) &&
			       !fake_phb_any_window(&phbs[1])));
}

uint8_t *machine_ram(unsigned int who)
{
	return parts[who]->mem.ptr;
}

uint32_t machine_token(enum spec_service s)
{
	static const char *const names[SPEC_SERVICES] = {
		[SPEC_QUERY] = "ibm,query-pe-dma-window",
		[SPEC_CREATE] = "ibm,create-pe-dma-window",
		[SPEC_REMOVE] = "ibm,remove-pe-dma-window",
		[SPEC_RESET] = "ibm,reset-pe-dma-window",
	};

	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, names[s])) {
			return rtas_services[i].token;
		}
	}
	must(false, "a service is missing");
	return 0;
}

/* 512 TCEs may be 8192 of the host's, in 17 nodes, and at most two of each level above. */
bool machine_tables_end(unsigned int who)
{
	return page_pool_left(&parts[who]->tables) < (uint64_t)25 * MEM_PAGE;
}

void machine_trap(unsigned int who, struct spec_trap *t)
{
	static const enum spec_next nexts[] = {[HCALL_RETURN] = SPEC_RETURN,
		[HCALL_REPEAT] = SPEC_REPEAT,
		[HCALL_STOP] = SPEC_STOP};
	struct vcpu *vcpu = &parts[who]->vcpus[0];

	fake_irq.running = vcpu;
	t->next = nexts[hcall_dispatch(vcpu, t->regs, t->problem, t->sf32)];
}

bool machine_dma(unsigned int bridge, uint64_t iova, uint8_t *byte, bool write)
{
	const struct machine_bridge *b = &machine_bridges[bridge];
	struct fake_phb *f = &phbs[b->phb];
	struct fake_func *func = fake_find_func(f, bdfn_of(b));

	fake_put(func, PCI_COMMAND, 2, fake_get(func, PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
	fake_phb_thaw(f);
	return !fake_phb_dma(f, bdfn_of(b), iova, byte, 1, write);
}

bool machine_bypass(unsigned int bridge, bool on)
{
	struct partition *p = parts[machine_bridges[bridge].owner];
	struct ddw *d = &p->bound[bridge % SPEC_MAX_BRIDGES].ddw;
	const char *why;

	return on ? !ddw_bypass_on(d, &why) : !ddw_bypass_off(d, &why);
}

void machine_fail_at(unsigned int n, bool late)
{
	for (unsigned int i = 0; i < 2; i++) {
		phbs[i].fail_at = n;
		phbs[i].fail_late = late;
	}
}

static void print(const char *line)
{
	if (!strstr(line, ": clean")) {
		printf("lockstep: %s\n", line);
	}
}

bool machine_audit(void)
{
	return audit_run(&scope, print);
}
