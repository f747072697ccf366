// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's life. It is built once, on the boot thread; its vCPUs run on threads of their own;
 * the last of them to leave takes it apart, on its thread, while nothing else of it runs.
 */
#include "core/partition.h"

#include "core/dt_fill.h"
#include "core/elf.h"
#include "core/range.h"
#include "core/rtas.h"
#include "dt/dt_guest.h"

#include <inttypes.h>
#include <string.h>

/* Ten samples a second: a guest that took no interrupt in any of so many is said to be deaf. */
#define DEAF_SAMPLES 10u
/* What lies above the kernel, from the top of memory down. */
#define TREE_SIZE   0x10000u
#define BLOB_SIZE   0x1000u
#define PLACE_ALIGN 0x10000u
/* RTAS takes 32-bit addresses. */
#define PLACE_LIMIT 0x80000000u

void (*partition_on_stopped)(struct partition *p);

/* Largest alignment that a TCE page can use and that this much memory fills. */
static uint64_t memory_align(uint64_t size)
{
	return is_aligned(size, 1ull << 30) ? 1ull << 30 : 1ull << 21;
}

static int get_memory(struct partition *p, uint64_t size)
{
	hpa_t at;
	int err = mem_alloc(p->pool, size, memory_align(size), &at);

	if (err) {
		log_msg(LOG_ERR,
			"%s: no %" PRIu64
			" MiB of memory in one piece; the largest left is %" PRIu64 " MiB",
			p->name, size >> 20, mem_largest(p->pool, memory_align(size)) >> 20);
		return err;
	}
	p->mem = (struct guest_mem){mem_ptr(p->pool, at), at, size};
	memset(p->mem.ptr, 0, size);
	return 0;
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

/* Kernel where it wants to be; tree, RTAS blob and initial ramdisk from the top down. */
static int load_guest(struct partition *p, const struct plan_partition *plan)
{
	struct dt_guest *tree = dt_fill(p, plan);
	struct elf_image image;
	const char *why;
	uint64_t top = p->mem.size < PLACE_LIMIT ? p->mem.size : PLACE_LIMIT;
	int err = elf_load(plan->kernel.data, plan->kernel.size, &p->mem, &image, &why);

	if (err) {
		log_msg(LOG_ERR, "%s: its kernel cannot be loaded: %s", p->name, why);
		return err;
	}
	if (!place_below(&top, TREE_SIZE, image.end.v)) {
		goto no_room;
	}
	p->tree = gpa(top);
	if (!place_below(&top, BLOB_SIZE, image.end.v)) {
		goto no_room;
	}
	tree->rtas = top;
	tree->rtas_size = BLOB_SIZE;
	memcpy(p->mem.ptr + top, rtas_blob, RTAS_BLOB_SIZE);
	if (plan->initrd.size) {
		if (!place_below(&top, plan->initrd.size, image.end.v)) {
			goto no_room;
		}
		tree->initrd = top;
		tree->initrd_size = plan->initrd.size;
		memcpy(p->mem.ptr + top, plan->initrd.data, plan->initrd.size);
	}
	p->entry = image.entry;
	err = dt_guest_build(tree, p->mem.ptr + p->tree.v, TREE_SIZE);
	if (err) {
		log_msg(LOG_ERR, "%s: its device tree could not be written (%s)", p->name,
			err_name(err));
	}
	return err;

no_room:
	log_msg(LOG_ERR,
		"%s: kernel, initial ramdisk (%zu KiB) and device tree do not fit into its "
		"%" PRIu64 " MiB",
		p->name, plan->initrd.size >> 10, p->mem.size >> 20);
	return -ENOSPC;
}

int partition_build(struct partition *p, const struct plan_partition *plan, struct board *board,
	struct vfio *vfio, struct mem_pool *pool, const unsigned int *threads, bool raw_console)
{
	int err;

	memcpy(p->name, plan->name, sizeof(p->name));
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
	err = arch_partition_init(p, pool);
	if (err) {
		log_msg(LOG_ERR, "%s: no memory for its page tables", p->name);
		goto free_memory;
	}
	err = partition_bind_phbs(p, plan);
	if (!err) {
		err = load_guest(p, plan);
	}
	if (err) {
		goto unbind;
	}
	log_msg(LOG_NOTICE, "%s: %" PRIu64 " MiB, %u vCPU%s, entry 0x%" PRIx64 ", tree 0x%" PRIx64,
		p->name, p->mem.size >> 20, p->nvcpus, p->nvcpus == 1 ? "" : "s", p->entry.v,
		p->tree.v);
	return 0;

unbind:
	if (!partition_unbind_phbs(p)) {
		log_msg(LOG_ERR,
			"%s: a device could not be quarantined; its memory stays out of use",
			p->name);
		return err;
	}
	arch_partition_free(p, pool);
free_memory:
	if (mem_free(pool, p->mem.host, p->mem.size)) {
		log_msg(LOG_ERR, "%s: its memory could not be given back", p->name);
	}
	return err;
}

void partition_start(struct partition *p)
{
	atomic_store(&p->state, PARTITION_RUNNING);
	atomic_store(&p->running, 1);
	arch_vcpu_start(&p->vcpus[0], p->entry, p->tree);
}

void partition_request_stop(struct partition *p, enum partition_stop why)
{
	enum partition_stop none = STOP_NONE;
	enum partition_state running = PARTITION_RUNNING;

	if (atomic_compare_exchange_strong(&p->why, &none, why)) {
		atomic_compare_exchange_strong(&p->state, &running, PARTITION_STOPPING);
	}
}

bool partition_must_stop(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->partition->why) != STOP_NONE;
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

/* Quarantine first, and the memory last: nothing may reach it when it is used again. */
static void take_apart(struct partition *p)
{
	static const char *const words[] = {
		"", "powered off", "asked for a reboot, and stopped", "crashed"};

	console_flush(&p->console);
	log_msg(LOG_NOTICE, "%s: %s", p->name, words[atomic_load(&p->why)]);
	partition_print_summary(p);
	bool quarantined = partition_unbind_phbs(p);

	arch_partition_free(p, p->pool);
	memset(p->mem.ptr, 0, p->mem.size);
	if (!quarantined) {
		log_msg(LOG_ERR,
			"%s: a device could not be quarantined; its memory stays out of use",
			p->name);
	} else if (mem_free(p->pool, p->mem.host, p->mem.size)) {
		log_msg(LOG_ERR, "%s: its memory could not be given back", p->name);
	}
	atomic_store(&p->state, PARTITION_STOPPED);
}

void partition_vcpu_exited(struct vcpu *vcpu)
{
	struct partition *p = vcpu->partition;

	if (atomic_fetch_sub(&p->running, 1) == 1) {
		take_apart(p);
		partition_on_stopped(p);
	}
}
