// SPDX-License-Identifier: Apache-2.0
/*
 * Two partitions over the strict PHB model, for the audit and the monitor: "alpha" has the bridge
 * CXGB3 with group 0, a window of 64 MiB in 4K pages and two vCPUs, "beta" only memory.
 */
#ifndef TESTS_UNIT_AUDIT_HELP_H
#define TESTS_UNIT_AUDIT_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/audit.h"
#include "core/host_pci.h"
#include "core/vfio_spapr.h"
#include "tests/fake/fake_arch.h"
#include "tests/fake/fake_irq.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_phb.h"

#include <stdlib.h>
#include <string.h>

#define MIB	   ((uint64_t)1 << 20)
#define GUEST_SIZE (16 * MIB)
#define WINDOW	   (64 * MIB)
#define BYPASS	   PHB_BYPASS_BASE

static struct fake_ram ram;
static struct fake_phb fake;
static struct board board;
static struct vfio vfio;
static struct plan_partition plans[2];
static struct partition *parts[2];
static struct audit_scope scope;
static uint8_t kernel[FAKE_KERNEL_SIZE];
static unsigned int nstopped;

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static inline void count_stopped(struct partition *p)
{
	(void)p;
	nstopped++;
}

static inline void make_plans(void)
{
	memset(plans, 0, sizeof(plans));
	for (unsigned int i = 0; i < 2; i++) {
		strcpy(plans[i].name, i ? "beta" : "alpha");
		plans[i].memory = GUEST_SIZE;
		plans[i].vcpus = i ? 1 : 2;
		plans[i].console_input = i == 0;
		plans[i].kernel = (struct plan_blob){kernel, sizeof(kernel)};
	}
	plans[0].nphbs = 1;
	strcpy(plans[0].phbs[0].id, "CXGB3");
	plans[0].phbs[0].index = 6;
	plans[0].phbs[0].window_size = WINDOW;
}

static inline int setup(void **state)
{
	(void)state;
	fake_arch_reset();
	fake_arch.tick_ns = 1000000; /* resets wait */
	fake_irq_reset();
	log_set_sink(&sink);
	fake_ram_init(&ram, 128 * MIB);
	memset(&board, 0, sizeof(board));
	board.pvr = 0x004e1202;
	board.timebase_hz = 512000000;
	board.nthreads = 3;
	for (unsigned int i = 0; i < board.nthreads; i++) {
		board.threads[i].alive = true;
	}
	board.nphbs = 1;
	fake_phb_init(&fake, &board.phbs[0], 0, &ram);
	fake_add_bridge(&fake, 0, 1, 1);
	fake_set_bar(fake_add_func(&fake, 0x100, 0x11e81234), 0, MIB, false, false);
	host_pci_scan(&board);
	vfio_init(&vfio, &board);
	assert_int_equal(vfio_register_driver(&vfio, &vfio_spapr_v2_driver), 0);
	fake_kernel_make(kernel, FAKE_KERNEL_BYTES);
	make_plans();
	partition_on_stopped = count_stopped;
	nstopped = 0;
	return 0;
}

/* Builds both; neither has been started. */
static inline void build(void)
{
	static const unsigned int threads[] = {0, 1, 2};

	for (unsigned int i = 0; i < 2; i++) {
		parts[i] = calloc(1, sizeof(*parts[i]));
		parts[i]->lpid = i + 1;
		assert_int_equal(partition_build(parts[i], &plans[i], &board, &vfio, &ram.pool,
					 threads + 2 * i, false),
			0);
	}
	scope = (struct audit_scope){&board, &vfio, &ram.pool, parts, 2};
}

static inline void start(void)
{
	build();
	partition_start(parts[0]);
	partition_start(parts[1]);
	fake_arch_clear_out();
}

static inline int teardown(void **state)
{
	(void)state;
	free(parts[0]);
	free(parts[1]);
	parts[0] = parts[1] = NULL;
	fake_ram_free(&ram);
	return 0;
}

/* What arch/ does with a vCPU that must not go back. */
static inline void leave(struct vcpu *vcpu)
{
	assert_true(partition_must_stop(vcpu));
	fake_arch_leave(vcpu);
	partition_vcpu_exited(vcpu);
}

static inline void stop(struct partition *p)
{
	partition_request_stop(p, STOP_POWER_OFF);
	leave(&p->vcpus[0]);
}

/* n pages of guest memory from page on, mapped from bus page first on. */
static inline void map_pages(uint64_t first, uint64_t page, unsigned int n)
{
	static struct tce_scratch s;

	for (unsigned int i = 0; i < n; i++) {
		s.tce[0] = (page + i) << 12 | 3;
		assert_int_equal(
			tce_put(&parts[0]->phbs[0].windows[0], ioba((first + i) << 12), 1, &s), 0);
	}
}

/* Straight into the table that the hardware walks, as no code of ours would, nodes and all. */
static inline void plant(unsigned int win, uint64_t entry, uint64_t tce)
{
	const struct fake_window *w = &fake.windows[board.groups[0].pe][win];
	hpa_t node = w->table;
	be64_t *at = NULL;

	assert_true(w->on);
	for (unsigned int level = w->levels; level-- > 0;) {
		at = (be64_t *)mem_ptr(&ram.pool, node) + (entry >> 9 * level & 511);
		if (level && !be64_get(*at)) {
			assert_int_equal(mem_alloc(&ram.pool, MEM_PAGE, MEM_PAGE, &node), 0);
			memset(mem_ptr(&ram.pool, node), 0, MEM_PAGE);
			*at = be64(node.v | 3);
		}
		node = hpa(be64_get(*at) & ~3ull);
	}
	*at = be64(tce);
}

static inline void assert_said(const char *text)
{
	if (!strstr(fake_arch.out, text)) {
		fail_msg("\"%s\" was not said, but:\n%s", text, fake_arch.out);
	}
}

static inline void assert_not_said(const char *text)
{
	if (strstr(fake_arch.out, text)) {
		fail_msg("\"%s\" was said:\n%s", text, fake_arch.out);
	}
}

#endif
