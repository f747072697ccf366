// SPDX-License-Identifier: Apache-2.0
/*
 * From the guest's windows to VFIO's: guest-real runs become host runs, and pages counted from a
 * window's start become bus addresses. Nothing outside the partition's memory passes here, whoever
 * asks: what the TCE layer has checked is checked again before a host address is made of it.
 */
#include "core/vfio_bridge.h"

#include "core/log.h"
#include "core/range.h"

_Static_assert(TCE_READ == VFIO_DMA_READ && TCE_WRITE == VFIO_DMA_WRITE,
	"TCE and VFIO permissions are the same bits");

static ioba_t page_at(const struct vfio_bridge_window *bw, uint64_t index)
{
	return ioba(bw->start.v + (index << bw->page_shift));
}

static int bridge_reserve(void *backend, uint64_t first, uint64_t npages)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_reserve(bw->container, page_at(bw, first), npages << bw->page_shift);
}

static int run_to_host(
	const struct vfio_bridge_window *bw, const struct tce_run *from, struct vfio_run *to)
{
	to->len = from->npages << bw->page_shift;
	to->perm = from->perm;
	to->target = hpa(0);
	if (to->len >> bw->page_shift != from->npages) {
		return -EFAULT;
	}
	if (from->perm) {
		if (!guest_mem_has(&bw->mem, from->gpa, to->len)) {
			return -EFAULT;
		}
		to->target = hpa(bw->mem.host.v + from->gpa.v);
	}
	return 0;
}

static int bridge_map(void *backend, uint64_t first, const struct tce_run *runs, unsigned int nruns)
{
	struct vfio_bridge_window *bw = backend;

	if (nruns > TCE_MAX_BATCH) {
		return -EINVAL;
	}
	for (unsigned int i = 0; i < nruns; i++) {
		int err = run_to_host(bw, &runs[i], &bw->runs[i]);

		if (err) {
			return err;
		}
	}
	return vfio_map(bw->container, page_at(bw, first), bw->runs, nruns);
}

static int bridge_unmap(void *backend, uint64_t first, uint64_t npages)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_unmap(bw->container, page_at(bw, first), npages << bw->page_shift);
}

static int bridge_lookup(void *backend, uint64_t index, gpa_t *gpa_out, unsigned int *perm)
{
	struct vfio_bridge_window *bw = backend;
	struct vfio_run run;
	int err = vfio_lookup(bw->container, page_at(bw, index), &run);

	if (err) {
		return err;
	}
	*perm = run.perm;
	*gpa_out = gpa(0);
	if (run.perm) {
		/* A host address that is not this partition's must not be told to it. */
		if (!range_inside(run.target.v, run.len, bw->mem.host.v, bw->mem.size)) {
			return -EFAULT;
		}
		*gpa_out = gpa(run.target.v - bw->mem.host.v);
	}
	return 0;
}

static int bridge_flush(void *backend, uint64_t first, uint64_t npages)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_flush(bw->container, page_at(bw, first), npages << bw->page_shift);
}

const struct tce_backend_ops vfio_bridge_tce_ops = {
	.reserve = bridge_reserve,
	.map = bridge_map,
	.unmap = bridge_unmap,
	.lookup = bridge_lookup,
	.flush = bridge_flush,
};

static int remove_window(struct vfio_container *c, ioba_t start)
{
	int err = vfio_remove_window(c, start);

	if (err) {
		log_msg(LOG_ERR, "DMA window at 0x%llx: closing it failed (%s)",
			(unsigned long long)start.v, err_name(err));
	}
	return err;
}

/* A window of exactly this place and shape, or none. */
static int create_at(struct vfio_container *c, ioba_t base, uint64_t size, unsigned int page_shift)
{
	struct vfio_window window = {.page_shift = page_shift, .size = size};
	int err = vfio_create_window(c, &window);

	if (err) {
		return err;
	}
	if (window.start.v != base.v) {
		(void)remove_window(c, window.start);
		return -EINVAL;
	}
	return 0;
}

int vfio_bridge_open_window(struct vfio_bridge_window *bw, struct tce_window *w,
	struct vfio_container *c, const struct guest_mem *mem, uint32_t liobn, ioba_t base,
	uint64_t size, unsigned int page_shift)
{
	int err = create_at(c, base, size, page_shift);

	if (err) {
		return err;
	}
	bw->container = c;
	bw->mem = *mem;
	bw->start = base;
	bw->page_shift = page_shift;
	err = tce_window_init(w, liobn, base, size, page_shift, &vfio_bridge_tce_ops, bw);
	if (err) {
		(void)remove_window(c, base);
	}
	return err;
}

int vfio_bridge_close_window(struct vfio_bridge_window *bw, struct tce_window *w)
{
	tce_window_close(w);
	return remove_window(bw->container, bw->start);
}

/* The largest of page_shifts whose pages divide both; 0: none does. */
static unsigned int largest_page(uint32_t page_shifts, uint64_t at, uint64_t size)
{
	for (unsigned int shift = 31; shift > 0; shift--) {
		if (page_shifts >> shift & 1 && is_aligned(at | size, 1ull << shift)) {
			return shift;
		}
	}
	return 0;
}

static int map_all(struct vfio_container *c, const struct guest_mem *mem, ioba_t base)
{
	struct vfio_run run = {mem->host, mem->size, VFIO_DMA_READ | VFIO_DMA_WRITE};
	int err = vfio_reserve(c, base, mem->size);

	if (!err) {
		err = vfio_map(c, base, &run, 1);
	}
	if (!err) {
		err = vfio_flush(c, base, mem->size);
	}
	return err;
}

int vfio_bridge_open_bypass(
	struct vfio_container *c, const struct guest_mem *mem, ioba_t base, uint32_t page_shifts)
{
	unsigned int shift = largest_page(page_shifts, mem->host.v, mem->size);
	uint64_t size;
	int err;

	if (!shift || !mem->size || mem->size > 1ull << 63) {
		return -EINVAL;
	}
	/* Windows are powers of two; what lies past the memory stays without access. */
	for (size = 1ull << shift; size < mem->size; size <<= 1) {
	}
	err = create_at(c, base, size, shift);
	if (err) {
		return err;
	}
	err = map_all(c, mem, base);
	if (err) {
		(void)remove_window(c, base);
	}
	return err;
}
