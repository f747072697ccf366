// SPDX-License-Identifier: Apache-2.0
/*
 * From the guest's windows to VFIO's: pages counted from a window's start become bus addresses.
 * What the pages map stays in guest-real terms: it is the container that knows where its memory is.
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

static int bridge_map(void *backend, uint64_t first, const uint64_t *words, unsigned int n)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_map(bw->container, page_at(bw, first), words, n, bw->page_shift);
}

static int bridge_unmap(void *backend, uint64_t first, uint64_t npages)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_unmap(bw->container, page_at(bw, first), npages << bw->page_shift);
}

static int bridge_lookup(void *backend, uint64_t index, uint64_t *word)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_lookup(bw->container, page_at(bw, index), word);
}

static uint64_t bridge_skip(void *backend, uint64_t first, uint64_t npages)
{
	struct vfio_bridge_window *bw = backend;

	return vfio_skip(bw->container, page_at(bw, first), npages << bw->page_shift) >>
	       bw->page_shift;
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
	.skip = bridge_skip,
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

unsigned int vfio_bridge_host_page(uint32_t host_shifts, unsigned int page_shift)
{
	for (unsigned int split = 0; split <= VFIO_BRIDGE_SPLIT_SHIFT && split < page_shift;
		split++) {
		if (page_shift - split < 32 && host_shifts >> (page_shift - split) & 1) {
			return page_shift - split;
		}
	}
	return 0;
}

int vfio_bridge_open_window(struct vfio_bridge_window *bw, struct tce_window *w,
	struct vfio_container *c, uint32_t liobn, ioba_t base, uint64_t size,
	unsigned int page_shift, unsigned int host_shift)
{
	const struct tce_backend_ops *ops = &vfio_bridge_tce_ops;
	void *backend = bw;
	int err;

	if (page_shift < host_shift || page_shift - host_shift > VFIO_BRIDGE_SPLIT_SHIFT) {
		return -EINVAL;
	}
	err = create_at(c, base, size, host_shift);

	if (err) {
		return err;
	}
	bw->container = c;
	bw->start = base;
	bw->page_shift = page_shift;
	/* Where pages are the same below, the driver does the work itself. */
	if (page_shift == host_shift && vfio_window_backend(c, base, &ops, &backend)) {
		ops = &vfio_bridge_tce_ops;
		backend = bw;
	}
	err = tce_window_init(w, liobn, base, size, page_shift, &c->memory, ops, backend);
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

/* Words of one map; all of a large memory is many of them. */
#define BYPASS_BATCH 64u

static int map_batch(struct vfio_container *c, ioba_t base, uint64_t at, unsigned int shift)
{
	uint64_t left = (c->memory.size - at) >> shift;
	unsigned int n = left < BYPASS_BATCH ? (unsigned int)left : BYPASS_BATCH;
	uint64_t words[BYPASS_BATCH];
	int err;

	for (unsigned int i = 0; i < n; i++) {
		words[i] = (at + ((uint64_t)i << shift)) | VFIO_DMA_READ | VFIO_DMA_WRITE;
	}
	err = vfio_reserve(c, ioba(base.v + at), (uint64_t)n << shift);
	return err ? err : vfio_map(c, ioba(base.v + at), words, n, shift);
}

static int map_all(struct vfio_container *c, ioba_t base, unsigned int shift)
{
	int err = 0;

	for (uint64_t at = 0; at < c->memory.size && !err; at += (uint64_t)BYPASS_BATCH << shift) {
		err = map_batch(c, base, at, shift);
	}
	return err ? err : vfio_flush(c, base, c->memory.size);
}

int vfio_bridge_open_bypass(struct vfio_container *c, ioba_t base, uint32_t page_shifts)
{
	const struct guest_mem *mem = &c->memory;
	unsigned int shift = largest_page(page_shifts, mem->host.v, mem->size);
	uint64_t size;
	int err;

	if (!shift || !mem->size || mem->size > 1ull << 58) {
		return -EINVAL;
	}
	/* Windows are powers of two; what lies past the memory stays without access. */
	for (size = 1ull << shift; size < mem->size; size <<= 1) {
	}
	err = create_at(c, base, size, shift);
	if (err) {
		return err;
	}
	err = map_all(c, base, shift);
	if (err) {
		(void)remove_window(c, base);
	}
	return err;
}

int vfio_bridge_close_bypass(struct vfio_container *c, ioba_t base)
{
	return remove_window(c, base);
}
