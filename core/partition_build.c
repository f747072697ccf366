// SPDX-License-Identifier: Apache-2.0
/*
 * What a partition is made of, from its memory to its device tree, and the way back. None of it
 * runs while a vCPU of the partition does.
 */
#include "core/dt_fill.h"
#include "core/elf.h"
#include "core/partition.h"
#include "core/partition_parts.h"
#include "core/range.h"
#include "core/rtas.h"
#include "core/xics.h"
#include "dt/dt_guest.h"

#include <inttypes.h>
#include <string.h>

/* What lies above the kernel, from the top of memory down. */
#define BLOB_SIZE   0x1000u
#define PLACE_ALIGN 0x10000u
/* RTAS takes 32-bit addresses. */
#define PLACE_LIMIT 0x80000000u

void (*partition_on_ending)(struct partition *p);

/* Largest alignment that a TCE page can use and that this much memory fills. */
static uint64_t memory_align(uint64_t size)
{
	return is_aligned(size, 1ull << 30) ? 1ull << 30 : 1ull << 21;
}

static int get_memory(struct partition *p, unsigned int n)
{
	uint64_t size = p->plan->memory;
	hpa_t at;
	int err = mem_alloc_for(p->pool, MEM_GUEST, size, memory_align(size), &at);

	(void)n;
	if (err) {
		log_msg(LOG_ERR,
			"%s: no %" PRIu64
			" MiB of memory in one piece; the largest left is %" PRIu64 " MiB",
			p->name, size >> 20, mem_largest(p->pool, memory_align(size)) >> 20);
		return err;
	}
	p->mem = (struct guest_mem){mem_ptr(p->pool, at), at, size};
	p->exposed = false;
	arch_clear_memory(p->mem.ptr, size);
	return 0;
}

static void give_memory(struct partition *p, unsigned int n)
{
	(void)n;
	if (p->exposed) {
		log_msg(LOG_ERR,
			"%s: a device could not be quarantined; its memory stays out of use",
			p->name);
	} else if (mem_free_for(p->pool, MEM_GUEST, p->mem.host, p->mem.size)) {
		log_msg(LOG_ERR, "%s: its memory could not be given back", p->name);
	}
}

/* Nothing of a guest outlives it. */
static void clear_memory(struct partition *p, unsigned int n)
{
	(void)n;
	arch_clear_memory(p->mem.ptr, p->mem.size);
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

static int get_room(struct partition *p, unsigned int n)
{
	(void)n;
	return partition_alloc_phbs(p, p->plan->nphbs);
}

static void give_room(struct partition *p, unsigned int n)
{
	(void)n;
	partition_free_phbs(p);
}

/* In one piece, once: a guest that starts again has the same tables' memory, as it has the same
 * memory. */
static int get_tables(struct partition *p, unsigned int n)
{
	uint64_t size = plan_table_bytes(p->plan);
	int err = page_pool_init(&p->tables, p->pool, size);

	(void)n;
	if (err) {
		log_msg(LOG_ERR,
			"%s: tce-table-kib: no %" PRIu64
			" KiB in one piece; the largest left is %" PRIu64 " KiB",
			p->name, size >> 10, mem_largest(p->pool, MEM_PAGE) >> 10);
	}
	return err;
}

static void give_tables(struct partition *p, unsigned int n)
{
	(void)n;
	page_pool_exit(&p->tables, p->pool);
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

static int load_guest(struct partition *p, unsigned int n)
{
	const struct plan_partition *plan = p->plan;
	struct elf_image image;
	struct places at;
	const char *why;
	int err = elf_load(plan->kernel.data, plan->kernel.size, &p->mem, &image, &why);

	(void)n;
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

static int init_translation(struct partition *p, unsigned int n)
{
	int err = arch_partition_init(p, p->pool);

	(void)n;
	if (err) {
		log_msg(LOG_ERR, "%s: no memory for its page tables", p->name);
	}
	return err;
}

static void free_translation(struct partition *p, unsigned int n)
{
	(void)n;
	arch_partition_free(p, p->pool);
}

static int init_interrupts(struct partition *p, unsigned int n)
{
	int err = xics_init(p);

	(void)n;
	if (err) {
		log_msg(LOG_ERR, "%s: no interrupt servers for its vCPUs (%s)", p->name,
			err_name(err));
	}
	return err;
}

static void exit_interrupts(struct partition *p, unsigned int n)
{
	(void)n;
	xics_exit(p);
}

static int bind_phbs(struct partition *p, unsigned int n)
{
	(void)n;
	return partition_bind_phbs(p);
}

static void unbind_phbs(struct partition *p, unsigned int n)
{
	(void)n;
	(void)partition_unbind_phbs(p);
}

/* The devices are quarantined before anything that they can reach goes, and the memory is cleared
 * after that. The bridges come after the interrupts: those of their functions go to the servers. */
const struct partition_step partition_steps[PARTITION_STEPS] = {
	{"memory", get_memory, give_memory},
	{"table memory", get_tables, give_tables},
	{"room for bridges", get_room, give_room},
	{"scrub", NULL, clear_memory}, /* here a guest that starts again begins */
	{"translation", init_translation, free_translation},
	{"interrupts", init_interrupts, exit_interrupts},
	{"host bridges", bind_phbs, unbind_phbs},
	{"guest", load_guest, NULL},
};

static void say_ending(struct partition *p)
{
	if (partition_on_ending) {
		partition_on_ending(p);
	}
}

void partition_unmake_kept(struct partition *p)
{
	partition_undo_steps(partition_steps, PARTITION_KEPT, p, 0);
}

void partition_unmake(struct partition *p)
{
	say_ending(p);
	partition_undo_steps(partition_steps, PARTITION_STEPS, p, 0);
}

int partition_make_again(struct partition *p)
{
	const struct partition_step *anew = partition_steps + PARTITION_KEPT;
	const unsigned int n = PARTITION_STEPS - PARTITION_KEPT;
	const char *failed;

	say_ending(p);
	partition_undo_steps(anew, n, p, 0);
	return p->exposed ? -EIO : partition_make_steps(anew, n, p, 0, &failed);
}

int partition_make(struct partition *p)
{
	const char *failed;
	int err = partition_make_steps(partition_steps, PARTITION_STEPS, p, 0, &failed);

	if (err) {
		return err;
	}
	log_msg(LOG_NOTICE, "%s: %" PRIu64 " MiB, %u vCPU%s, entry 0x%" PRIx64 ", tree 0x%" PRIx64,
		p->name, p->mem.size >> 20, p->nvcpus, p->nvcpus == 1 ? "" : "s", p->entry.v,
		p->tree.v);
	return 0;
}

int partition_build(struct partition *p, const struct plan_partition *plan, struct board *board,
	struct vfio *vfio, struct mem_pool *pool, const unsigned int *threads, bool raw_console)
{
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
	return partition_make(p);
}
