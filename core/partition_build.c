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

int partition_bring_up(struct partition *p, bool *clean)
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

/* Quarantine first, and the memory last, so that nothing can reach it when it is used again. */
bool partition_wind_down(struct partition *p)
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

void partition_give_memory_back(struct partition *p, bool clean)
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

int partition_make(struct partition *p)
{
	bool clean = true;
	int err = get_memory(p, p->plan->memory);

	if (err) {
		return err;
	}
	err = get_tables(p, plan_table_bytes(p->plan));
	if (!err) {
		err = partition_alloc_phbs(p, p->plan->nphbs);
	}
	if (!err) {
		err = partition_bring_up(p, &clean);
	}
	if (err) {
		partition_give_memory_back(p, clean);
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
