// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's life. It is built on the boot thread; its vCPUs run on threads of their own; the
 * last of them to leave takes it apart, on its thread, while nothing else of it runs, and if the
 * guest asked for that builds it again in the same memory.
 *
 * Who is the last is decided by p->running alone. It counts a vCPU from before its thread gets it
 * until its leaving is over, and only a counted vCPU starts another, so it reaches 0 once for each
 * partition_start(), and whoever takes it there is alone.
 */
#include "core/partition.h"

#include "core/dt_fill.h"
#include "core/elf.h"
#include "core/range.h"
#include "core/rtas.h"
#include "core/xics.h"
#include "dt/dt_guest.h"

#include <inttypes.h>
#include <string.h>

/* Ten samples a second: a guest that took no interrupt in any of so many is said to be deaf. */
#define DEAF_SAMPLES 10u
/* What lies above the kernel, from the top of memory down. */
#define BLOB_SIZE   0x1000u
#define PLACE_ALIGN 0x10000u
/* RTAS takes 32-bit addresses. */
#define PLACE_LIMIT 0x80000000u

void (*partition_on_stopped)(struct partition *p);
void (*partition_on_ending)(struct partition *p);

/* Largest alignment that a TCE page can use and that this much memory fills. */
static uint64_t memory_align(uint64_t size)
{
	return is_aligned(size, 1ull << 30) ? 1ull << 30 : 1ull << 21;
}

static int get_memory(struct partition *p, uint64_t size)
{
	hpa_t at;
	int err = mem_alloc_for(p->pool, MEM_GUEST, size, memory_align(size), &at);

	if (err) {
		log_msg(LOG_ERR,
			"%s: no %" PRIu64
			" MiB of memory in one piece; the largest left is %" PRIu64 " MiB",
			p->name, size >> 20, mem_largest(p->pool, memory_align(size)) >> 20);
		return err;
	}
	p->mem = (struct guest_mem){mem_ptr(p->pool, at), at, size};
	arch_clear_memory(p->mem.ptr, size);
	return 0;
}

static void give_back(struct partition *p, hpa_t at, uint64_t size, const char *what)
{
	if (mem_free(p->pool, at, size)) {
		log_msg(LOG_ERR, "%s: %s could not be given back", p->name, what);
	}
}

/* Both arrays lie in one piece. */
static uint64_t phb_bytes(unsigned int n)
{
	return n * (sizeof(struct phb) + sizeof(struct partition_phb));
}

int partition_alloc_phbs(struct partition *p, unsigned int n)
{
	hpa_t at;
	int err = n ? mem_alloc(p->pool, phb_bytes(n), MEM_PAGE, &at) : 0;

	if (err) {
		log_msg(LOG_ERR, "%s: no memory for %u host bridges", p->name, n);
		return err;
	}
	if (n) {
		p->phbs = mem_ptr(p->pool, at);
		p->bound = (struct partition_phb *)(p->phbs + n);
		p->phb_room = n;
		memset(p->phbs, 0, phb_bytes(n));
	}
	return 0;
}

void partition_free_phbs(struct partition *p)
{
	hpa_t at = hpa((uintptr_t)p->phbs - p->pool->bias);

	if (p->phb_room) {
		p->phbs = NULL;
		p->bound = NULL;
		give_back(p, at, phb_bytes(p->phb_room), "the memory of its host bridges");
		p->phb_room = 0;
	}
}

/* In one piece, once: a guest that starts again has the same tables' memory, as it has the same
 * memory. */
static int get_tables(struct partition *p, uint64_t size)
{
	int err = page_pool_init(&p->tables, p->pool, size);

	if (err) {
		log_msg(LOG_ERR,
			"%s: tce-table-kib: no %" PRIu64
			" KiB in one piece; the largest left is %" PRIu64 " KiB",
			p->name, size >> 10, mem_largest(p->pool, MEM_PAGE) >> 10);
	}
	return err;
}

/* Takes size bytes below *top; false if that would come under floor. */
static bool place_below(uint64_t *top, uint64_t size, uint64_t floor)
{
	if (size > *top || align_down(*top - size, PLACE_ALIGN) < floor) {
		return false;
	}
	*top = align_down(*top - size, PLACE_ALIGN);
	return true;
}

/* Where things are besides the kernel. */
struct places {
	uint64_t tree, blob, initrd;
};

/* Tree, RTAS blob and initial ramdisk from the top down; false: they do not fit above floor. */
static bool place_guest(const struct partition *p, uint64_t floor, struct places *at)
{
	uint64_t top = p->mem.size < PLACE_LIMIT ? p->mem.size : PLACE_LIMIT;

	if (!place_below(&top, dt_guest_size(p->plan->nphbs), floor)) {
		return false;
	}
	at->tree = top;
	if (!place_below(&top, BLOB_SIZE, floor)) {
		return false;
	}
	at->blob = top;
	if (!place_below(&top, p->plan->initrd.size, floor)) {
		return false;
	}
	at->initrd = top;
	return true;
}

/* The description is large, and needed only here. */
static int write_tree(struct partition *p, const struct places *at)
{
	uint64_t bytes = sizeof(struct dt_guest) + p->nphbs * sizeof(struct dt_guest_phb);
	struct dt_guest *tree;
	hpa_t room;
	int err = mem_alloc(p->pool, bytes, MEM_PAGE, &room);

	if (!err) {
		tree = mem_ptr(p->pool, room);
		dt_fill(tree, (struct dt_guest_phb *)(tree + 1), p, p->plan);
		tree->rtas = at->blob;
		tree->rtas_size = BLOB_SIZE;
		tree->initrd = at->initrd;
		tree->initrd_size = p->plan->initrd.size;
		err = dt_guest_build(tree, p->mem.ptr + at->tree, dt_guest_size(p->nphbs));
		give_back(p, room, bytes, "its tree's description");
	}
	if (err) {
		log_msg(LOG_ERR, "%s: its device tree could not be written (%s)", p->name,
			err_name(err));
	}
	return err;
}

static int load_guest(struct partition *p)
{
	const struct plan_partition *plan = p->plan;
	struct elf_image image;
	struct places at;
	const char *why;
	int err = elf_load(plan->kernel.data, plan->kernel.size, &p->mem, &image, &why);

	if (err) {
		log_msg(LOG_ERR, "%s: its kernel cannot be loaded: %s", p->name, why);
		return err;
	}
	if (!place_guest(p, image.end.v, &at)) {
		log_msg(LOG_ERR,
			"%s: kernel, initial ramdisk (%zu KiB) and device tree do not fit into its "
			"%" PRIu64 " MiB",
			p->name, plan->initrd.size >> 10, p->mem.size >> 20);
		return -ENOSPC;
	}
	memcpy(p->mem.ptr + at.blob, rtas_blob, RTAS_BLOB_SIZE);
	if (plan->initrd.size) {
		memcpy(p->mem.ptr + at.initrd, plan->initrd.data, plan->initrd.size);
	}
	p->entry = image.entry;
	p->tree = gpa(at.tree);
	return write_tree(p, &at);
}

/* All that a partition has besides its memory. On an error everything has been given back, but for
 * a device that could not be quarantined: then *clean is false, and nothing may use the memory. */
static int bring_up(struct partition *p, bool *clean)
{
	int err = arch_partition_init(p, p->pool);

	*clean = true;
	if (err) {
		log_msg(LOG_ERR, "%s: no memory for its page tables", p->name);
		return err;
	}
	/* Before the bridges, whose functions' interrupts go to its servers. */
	err = xics_init(p);
	if (err) {
		log_msg(LOG_ERR, "%s: no interrupt servers for its vCPUs (%s)", p->name,
			err_name(err));
		goto free_tables;
	}
	err = partition_bind_phbs(p, p->plan);
	if (!err) {
		err = load_guest(p);
	}
	if (!err) {
		return 0;
	}
	/* As far as binding went: a device may have seen the memory already. */
	*clean = partition_unbind_phbs(p);
	xics_exit(p);
free_tables:
	arch_partition_free(p, p->pool);
	return err;
}

/* The way back: quarantine first, and the memory last, so that nothing can reach it when it is used
 * again. False: something still may. */
static bool wind_down(struct partition *p)
{
	if (partition_on_ending) {
		partition_on_ending(p);
	}
	bool clean = partition_unbind_phbs(p);

	xics_exit(p);
	arch_partition_free(p, p->pool);
	arch_clear_memory(p->mem.ptr, p->mem.size);
	return clean;
}

static void give_memory_back(struct partition *p, bool clean)
{
	page_pool_exit(&p->tables, p->pool);
	if (!clean) {
		log_msg(LOG_ERR,
			"%s: a device could not be quarantined; its memory stays out of use",
			p->name);
	} else if (mem_free_for(p->pool, MEM_GUEST, p->mem.host, p->mem.size)) {
		log_msg(LOG_ERR, "%s: its memory could not be given back", p->name);
	}
	partition_free_phbs(p);
}

int partition_build(struct partition *p, const struct plan_partition *plan, struct board *board,
	struct vfio *vfio, struct mem_pool *pool, const unsigned int *threads, bool raw_console)
{
	bool clean;
	int err;

	memcpy(p->name, plan->name, sizeof(p->name));
	p->plan = plan;
	p->board = board;
	p->vfio = vfio;
	p->pool = pool;
	p->nvcpus = plan->vcpus;
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		p->vcpus[i].partition = p;
		p->vcpus[i].id = i;
		p->vcpus[i].thread = threads[i];
	}
	console_init(&p->console, raw_console ? NULL : p->name, plan->console_input);
	err = get_memory(p, plan->memory);
	if (err) {
		return err;
	}
	clean = true;
	err = get_tables(p, plan_table_bytes(plan));
	if (!err) {
		err = partition_alloc_phbs(p, plan->nphbs);
	}
	if (!err) {
		err = bring_up(p, &clean);
	}
	if (err) {
		give_memory_back(p, clean);
		return err;
	}
	log_msg(LOG_NOTICE, "%s: %" PRIu64 " MiB, %u vCPU%s, entry 0x%" PRIx64 ", tree 0x%" PRIx64,
		p->name, p->mem.size >> 20, p->nvcpus, p->nvcpus == 1 ? "" : "s", p->entry.v,
		p->tree.v);
	return 0;
}

/* Firmware is asked once; from then on the timebase counts, through reboots, too, as a clock of the
 * guest's own would. */
static void set_clock(struct partition *p)
{
	uint64_t seconds;

	if (atomic_load(&p->clock_known)) {
		return;
	}
	if (arch_clock_read(&seconds) || seconds >= PARTITION_CLOCK_END) {
		log_limited(&p->log, LOG_WARN,
			"%s: firmware's clock cannot be read; the guest has no time of day",
			p->name);
		return;
	}
	atomic_store(&p->clock_ns, seconds * 1000000000u - arch_time_ns());
	atomic_store(&p->clock_known, true);
}

void partition_start(struct partition *p)
{
	set_clock(p);
	atomic_store(&p->state, PARTITION_RUNNING);
	atomic_store(&p->running, 1);
	atomic_store(&p->vcpus[0].state, VCPU_RUNNING);
	arch_vcpu_start(&p->vcpus[0], p->entry, p->tree);
}

int partition_start_vcpu(struct partition *p, uint64_t id, gpa_t entry, uint64_t r3)
{
	enum vcpu_state stopped = VCPU_STOPPED;

	if (id >= p->nvcpus) {
		return -EINVAL;
	}
	if (!atomic_compare_exchange_strong(&p->vcpus[id].state, &stopped, VCPU_RUNNING)) {
		return -EBUSY;
	}
	/* Its thread may still be on the way out of partition_vcpu_exited() and about to take its
	 * earlier run off the count; this run is counted apart, so in whichever order the two come,
	 * the count stays above 0. A request to stop that comes now sees it running and kicks it; a
	 * kick that hits a thread still asleep is lost, and the first sample stops it instead. */
	atomic_fetch_add(&p->running, 1);
	arch_vcpu_start(&p->vcpus[id], entry, gpa(r3));
	return 0;
}

void partition_stop_vcpu(struct vcpu *self)
{
	atomic_store(&self->state, VCPU_STOPPING);
}

void partition_request_stop(struct partition *p, enum partition_stop why)
{
	enum partition_stop none = STOP_NONE;
	enum partition_state running = PARTITION_RUNNING;

	if (!atomic_compare_exchange_strong(&p->why, &none, why)) {
		return;
	}
	atomic_compare_exchange_strong(&p->state, &running, PARTITION_STOPPING);
	/* The reason is stored first: whom the kick wakes finds it. The caller is counted in
	 * p->running, so nothing is taken apart under the loop. A kick for a vCPU that has left
	 * meanwhile, or for the caller, ends nothing but a wait. */
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		if (atomic_load(&p->vcpus[i].state) == VCPU_RUNNING) {
			arch_kick(&p->vcpus[i]);
		}
	}
}

bool partition_must_stop(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->partition->why) != STOP_NONE ||
	       atomic_load(&vcpu->state) == VCPU_STOPPING;
}

void partition_crashed(struct vcpu *vcpu, const char *report)
{
	struct partition *p = vcpu->partition;

	log_msg(LOG_ERR, "%s: vCPU %u stopped; the report follows", p->name, vcpu->id);
	while (*report) {
		size_t len = strcspn(report, "\n");

		log_msg(LOG_ERR, "%s: %.*s", p->name, (int)len, report);
		report += len + (report[len] == '\n');
	}
	partition_request_stop(p, STOP_CRASHED);
}

void partition_sample(struct vcpu *vcpu, uint64_t pc, bool interrupts_on)
{
	if (interrupts_on) {
		vcpu->deaf = 0;
		return;
	}
	/* Past the limit the count stands still: said once, and then left alone. */
	if (vcpu->deaf < DEAF_SAMPLES && ++vcpu->deaf == DEAF_SAMPLES) {
		log_limited(&vcpu->log, LOG_WARN,
			"%s: vCPU %u has had interrupts off in %u samples, a second long, now at "
			"0x%" PRIx64 "; it is left alone",
			vcpu->partition->name, vcpu->id, DEAF_SAMPLES, pc);
	}
}

static void take_apart(struct partition *p)
{
	static const char *const words[] = {[STOP_NONE] = "",
		[STOP_POWER_OFF] = "powered off",
		[STOP_REBOOT] = "asked for a reboot",
		[STOP_CRASHED] = "crashed",
		[STOP_NO_VCPU] = "its last vCPU stopped itself"};

	console_flush(&p->console);
	log_msg(LOG_NOTICE, "%s: %s", p->name, words[atomic_load(&p->why)]);
	partition_print_summary(p);
	give_memory_back(p, wind_down(p));
}

/*
 * Everything but the memory itself is given back and taken anew, as at the first start: devices
 * have been in quarantine, windows and message interrupts are new and empty, the memory holds the
 * plan's kernel and tree and zeros. True: the guest runs again, perhaps on other threads already,
 * and nothing of p is the caller's any more.
 */
static bool start_again(struct partition *p)
{
	bool clean;

	console_flush(&p->console);
	log_limited(&p->log, LOG_NOTICE, "%s: starts again, as its guest asked", p->name);
	clean = wind_down(p);
	if (clean && !bring_up(p, &clean)) {
		for (unsigned int i = 0; i < p->nvcpus; i++) {
			memset(p->vcpus[i].areas, 0, sizeof(p->vcpus[i].areas));
		}
		atomic_store(&p->why, STOP_NONE);
		partition_start(p);
		return true;
	}
	log_msg(LOG_ERR, "%s: could not be started again", p->name);
	atomic_store(&p->why, STOP_CRASHED);
	give_memory_back(p, clean);
	return false;
}

/* The last vCPU has left. */
static void end(struct partition *p)
{
	enum partition_stop none = STOP_NONE;

	/* Nobody had asked: it stopped itself, as did all before it. */
	atomic_compare_exchange_strong(&p->why, &none, STOP_NO_VCPU);
	if (atomic_load(&p->why) != STOP_REBOOT) {
		take_apart(p);
	} else if (start_again(p)) {
		return;
	}
	atomic_store(&p->state, PARTITION_STOPPED);
	partition_on_stopped(p);
}

void partition_vcpu_exited(struct vcpu *vcpu)
{
	struct partition *p = vcpu->partition;

	/* A start finds it as new, and a prod or a count of an earlier life means nothing to it. */
	atomic_store(&vcpu->prodded, false);
	vcpu->deaf = 0;
	/* From here on another vCPU may start it again. That it does so before the count goes down
	 * does no harm; the other way round, this thread would write to the state of a partition
	 * that another thread may have taken apart or started again. */
	atomic_store(&vcpu->state, VCPU_STOPPED);
	if (atomic_fetch_sub(&p->running, 1) == 1) {
		end(p);
	}
}
