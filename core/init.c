// SPDX-License-Identifier: Apache-2.0
/*
 * Set-up: one list, read from top to bottom, on the boot thread. What is wrong with one PHB, plan
 * or partition stops that one only; core_main() itself stops for nothing less than a tree that
 * cannot be read.
 */
#include "core/arch.h"
#include "core/audit.h"
#include "core/board.h"
#include "core/console.h"
#include "core/host_pci.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/monitor.h"
#include "core/partition.h"
#include "core/plan.h"
#include "core/text.h"
#include "core/vfio.h"
#include "core/vfio_spapr.h"
#include "dt/dt_host.h"
#include "dt/dt_plan.h"

#include <inttypes.h>
#include <string.h>

static struct board board;
static struct mem_pool pool;
static struct vfio vfio;
static struct plan plan;

/* The partitions that were built, and how many of them are still there. */
static struct partition *partitions[PARTITION_MAX];
static unsigned int npartitions;
static atomic_uint nleft;
static struct audit_scope scope = {
	.board = &board, .vfio = &vfio, .pool = &pool, .partitions = partitions};

static const struct log_sink sink = {arch_console_write, arch_time_ns};

static void say_memory(bool all)
{
	struct text own = {0}, rest = {0};

	mem_describe(&pool, &own, &rest);
	log_msg(LOG_NOTICE, "%s", own.s);
	if (all) {
		log_msg(LOG_NOTICE, "%s", rest.s);
	}
}

static _Noreturn void finish(void)
{
	unsigned int failed = plan.npartitions - npartitions;

	if (npartitions) {
		say_memory(false);
	}
	for (unsigned int i = 0; i < npartitions; i++) {
		failed += partitions[i]->why == STOP_CRASHED;
	}
	if (!plan.npartitions) {
		log_msg(LOG_NOTICE, "tcelot: finished: failed, there was no partition to run");
	} else if (failed) {
		log_msg(LOG_NOTICE,
			"tcelot: finished: failed, %u of %u partitions did not end in order",
			failed, plan.npartitions);
	} else {
		log_msg(LOG_NOTICE, "tcelot: finished: %u partition%s ended in order: ok",
			npartitions, npartitions == 1 ? "" : "s");
	}
	arch_power_off();
}

static void log_audit(const char *line)
{
	log_msg(LOG_NOTICE, "%s", line);
}

/* Nothing may be left of it, and the others must be as they were. */
static void partition_ending(struct partition *p)
{
	(void)audit_run_one(&scope, p, log_audit);
}

/* Not when the last has stopped: then the machine is being switched off. */
static bool partition_starting(struct partition *p)
{
	unsigned int n = atomic_load(&nleft);

	(void)p;
	while (n) {
		if (atomic_compare_exchange_weak(&nleft, &n, n + 1)) {
			return true;
		}
	}
	return false;
}

static void partition_stopped(struct partition *p)
{
	(void)p;
	(void)audit_run(&scope, log_audit);
	if (atomic_fetch_sub(&nleft, 1) == 1) {
		finish();
	}
}

/* What firmware says is memory, less what firmware, we, and the bundle already use. */
static void find_memory(void)
{
	struct mem_range image = arch_image();
	int err = 0;

	mem_init(&pool, 0);
	for (unsigned int i = 0; i < board.nmem; i++) {
		err |= mem_add(&pool, hpa(board.mem[i].base), board.mem[i].size);
	}
	for (unsigned int i = 0; i < board.nreserved; i++) {
		err |= mem_reserve(&pool, hpa(board.reserved[i].base), board.reserved[i].size);
	}
	err |= mem_reserve(&pool, hpa(0), arch_low_memory());
	err |= mem_reserve(&pool, hpa(image.base), image.size);
	mem_count_image(&pool, arch_low_memory() + image.size);
	if (board.initrd.size) {
		err |= mem_reserve(&pool, hpa(board.initrd.base), board.initrd.size);
	}
	if (err) {
		/* Whatever could not be taken out of the free memory may be in use: none is safe.
		 */
		log_msg(LOG_EMERG, "tcelot: the memory map cannot be held; no memory is used");
		mem_init(&pool, 0);
	}
	log_msg(LOG_NOTICE, "memory: %" PRIu64 " MiB free of %u range%s",
		mem_free_bytes(&pool) >> 20, board.nmem, board.nmem == 1 ? "" : "s");
}

static void read_plan(void)
{
	const void *bundle = mem_ptr(&pool, hpa(board.initrd.base));

	if (!board.initrd.size) {
		log_msg(LOG_ERR, "plan: there is no bundle; give one as the payload's initrd "
				 "(docs/BOARDS.md)");
	} else if (dt_plan_read(bundle, board.initrd.size, &plan)) {
		log_msg(LOG_ERR, "plan: no partition can be read from the bundle");
	}
	if (board.bootargs_cut) {
		/* Where it was cut, one number may have become another. */
		log_msg(LOG_ERR,
			"plan: the command line is longer than %zu bytes; none of it is used",
			sizeof(board.bootargs) - 1);
		plan.partitions[0].refused = true;
	} else {
		plan_add_legacy(&plan, board.bootargs);
	}
	plan_check(&plan, &board, mem_largest(&pool, 1u << 21));
}

/* Threads for a partition's vCPUs, from *next on; whole cores are its own. */
static bool take_threads(unsigned int *next, unsigned int n, unsigned int threads[])
{
	unsigned int i = *next, got = 0;

	for (; i < board.nthreads && got < n; i++) {
		if (board.threads[i].alive) {
			threads[got++] = i;
		}
	}
	if (got < n) {
		return false;
	}
	while (i < board.nthreads && board.threads[i].core == board.threads[threads[n - 1]].core) {
		i++;
	}
	*next = i;
	return true;
}

static struct partition *new_partition(unsigned int lpid)
{
	hpa_t at;

	if (mem_alloc(&pool, sizeof(struct partition), MEM_PAGE, &at)) {
		return NULL;
	}
	struct partition *p = mem_ptr(&pool, at);

	memset(p, 0, sizeof(*p));
	p->lpid = lpid;
	return p;
}

static void build_partition(const struct plan_partition *pp, unsigned int lpid, unsigned int *next)
{
	unsigned int threads[PARTITION_MAX_VCPUS];
	struct partition *p;

	if (pp->refused) {
		return;
	}
	if (!take_threads(next, pp->vcpus, threads)) {
		log_msg(LOG_ERR, "%s: fewer than %" PRIu32 " threads are left", pp->name,
			pp->vcpus);
		return;
	}
	p = new_partition(lpid);
	if (!p || partition_build(p, pp, &board, &vfio, &pool, threads, plan.npartitions == 1)) {
		log_msg(LOG_ERR, "%s: not started", pp->name);
		return;
	}
	partitions[npartitions++] = p;
}

static void build_partitions(void)
{
	unsigned int next_thread = 0;

	for (unsigned int i = 0; i < plan.npartitions; i++) {
		build_partition(&plan.partitions[i], i + 1, &next_thread);
	}
}

void core_tick(void)
{
	console_poll();
	monitor_run();
}

/* The word "debug" of the command line: every level of the log is written. */
static void set_log_level(void)
{
	static const char word[] = "debug";
	const char *s = board.bootargs;

	for (; *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " ");

		if (len == sizeof(word) - 1 && !memcmp(s, word, len)) {
			log_set_level(LOG_DEBUG);
		}
		s += len;
	}
	log_msg(LOG_DEBUG, "log: all of it, as the command line asks");
}

_Noreturn void core_main(const void *tree)
{
	log_set_sink(&sink);
	log_msg(LOG_NOTICE, "tcelot: sPAPR partitions on this machine's PCI host bridges");
	if (dt_host_read(tree, &board)) {
		log_msg(LOG_EMERG, "tcelot: firmware's device tree cannot be read");
		finish();
	}
	set_log_level();
	arch_board_init(&board);
	find_memory();
	arch_threads_start(&board, &pool);
	if (arch_irq_init(&board, &pool)) {
		log_msg(LOG_ERR, "interrupts: no controller that can be used; partitions need one");
	}
	host_pci_scan(&board);
	host_pci_print(&board);
	vfio_init(&vfio, &board);
	if (vfio_register_driver(&vfio, &vfio_spapr_v2_driver)) {
		log_msg(LOG_ERR, "vfio: the sPAPR driver could not be registered");
	}
	read_plan();
	build_partitions();
	if (!npartitions) {
		finish();
	}
	say_memory(true);
	partition_on_starting = partition_starting;
	partition_on_stopped = partition_stopped;
	partition_on_ending = partition_ending;
	atomic_store(&nleft, npartitions);
	scope.npartitions = npartitions;
	monitor_init(&board, &scope);
	for (unsigned int i = 0; i < npartitions; i++) {
		partition_start(partitions[i]);
	}
	arch_run();
}
