// SPDX-License-Identifier: Apache-2.0
/*
 * Dynamic DMA windows. What is asked for is checked, then a place is taken and a window opened in
 * it; no lock is held meanwhile, since firmware is called.
 */
#include "core/ddw.h"

#include "core/range.h"
#include "core/tce_table.h"
#include "core/vfio_spapr.h"

#include <inttypes.h>

/* Bus addresses of one window end here. */
#define WINDOW_SHIFT_MAX 59u
/* And its table's entries here. */
#define TABLE_SHIFT_MAX (TCE_TABLE_MAX_LEVELS * TCE_TABLE_BITS)

/* Where bypass is: what the guest makes goes into the first place that is free, and bypass must not
 * be found there. */
#define BYPASS_SLOT 1u

_Static_assert(PHB_BYPASS_BASE == (uint64_t)BYPASS_SLOT << WINDOW_SHIFT_MAX,
	"bypass is the second window");

/* LoPAR's bits for page sizes. 1 GiB, which hardware has, is not among them. */
static const struct {
	unsigned int shift;
	uint32_t bit;
} pages[] = {
	{12, 0x001},					    /* 4 KiB */
	{16, 0x002},					    /* 64 KiB */
	{21, 0x100},					    /* 2 MiB */
	{24, 0x004},					    /* 16 MiB */
	{25, 0x008}, {26, 0x010}, {27, 0x020}, {28, 0x040}, /* 256 MiB */
};

#define NUM_PAGES (sizeof(pages) / sizeof(pages[0]))

/* The IOMMU's page for the guest's of 2^shift, any number; 0: there is none. A page that the
 * partition's memory does not consist of could not be mapped, or not all of it; the IOMMU's pages
 * must also divide where the memory is. */
static unsigned int host_page(const struct ddw *d, unsigned int shift)
{
	const struct guest_mem *mem = d->c.mem;
	uint64_t divide = mem->host.v ^ (mem->host.v - 1); /* bits up to the lowest that is set */
	unsigned int host = vfio_bridge_host_page(d->c.page_shifts & (uint32_t)divide, shift);

	return host && is_aligned(mem->size, 1ull << shift) ? host : 0;
}

/* As host_page, of the pages that a guest may ask for. */
static unsigned int offered_page(const struct ddw *d, uint32_t shift)
{
	for (size_t i = 0; i < NUM_PAGES; i++) {
		if (pages[i].shift == shift) {
			return host_page(d, pages[i].shift);
		}
	}
	return 0;
}

static uint32_t page_mask(const struct ddw *d)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < NUM_PAGES; i++) {
		mask |= host_page(d, pages[i].shift) ? pages[i].bit : 0;
	}
	return mask;
}

static struct tce_window *window_of(const struct ddw *d, unsigned int slot)
{
	return &d->c.phb->windows[slot];
}

static bool is_open(const struct ddw *d, unsigned int slot)
{
	return window_of(d, slot)->npages != 0;
}

ioba_t ddw_slot_base(unsigned int slot)
{
	return ioba((uint64_t)slot << WINDOW_SHIFT_MAX);
}

/* The bypass window is in the second place and wants nothing beside it that the guest makes. */
static unsigned int count_free(const struct ddw *d)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PHB_MAX_WINDOWS && !d->c.phb->bypass_size; i++) {
		n += !is_open(d, i) && !d->slots[i].lost;
	}
	return n;
}

/* The first free place; there is one. VFIO takes the same. */
static unsigned int first_free(const struct ddw *d)
{
	unsigned int i = 0;

	while (i < PHB_MAX_WINDOWS - 1 && (is_open(d, i) || d->slots[i].lost)) {
		i++;
	}
	return i;
}

/* One window */

/* A place without a window: whether it can be used again is for VFIO to say. */
static void settle(struct ddw *d, unsigned int slot)
{
	d->slots[slot].lost = vfio_spapr_held_bytes(d->c.container, ddw_slot_base(slot)) != 0;
}

static int open_slot(struct ddw *d, unsigned int slot, uint64_t size, unsigned int page_shift)
{
	return vfio_bridge_open_window(&d->slots[slot].bridge, window_of(d, slot), d->c.container,
		d->c.phb->at.liobn[slot], ddw_slot_base(slot), size, page_shift,
		host_page(d, page_shift));
}

static int close_slot(struct ddw *d, unsigned int slot)
{
	int err = vfio_bridge_close_window(&d->slots[slot].bridge, window_of(d, slot));

	if (!slot) {
		d->has_default = false;
	}
	settle(d, slot);
	return err ? -EIO : 0;
}

static int open_default(struct ddw *d)
{
	int err = d->slots[0].lost ? -EIO : open_slot(d, 0, d->c.default_size, d->c.default_shift);

	if (err) {
		log_limited(&d->log, LOG_ERR, "%s: host bridge %s: no default DMA window (%s)",
			d->c.owner, d->c.phb->id, err_name(err));
		settle(d, 0);
		return err == -ENOMEM ? err : -EIO;
	}
	d->has_default = true;
	return 0;
}

/* Changes, one at a time */

static int begin(struct ddw *d)
{
	return atomic_flag_test_and_set_explicit(&d->busy, memory_order_acquire) ? -EBUSY : 0;
}

static void end(struct ddw *d)
{
	atomic_flag_clear_explicit(&d->busy, memory_order_release);
}

int ddw_init(struct ddw *d, const struct ddw_config *config)
{
	struct page_pool *tables = config->container->tables;
	int err;

	d->c = *config;
	if (!d->c.default_shift) {
		d->c.default_shift = DDW_DEFAULT_SHIFT;
	}
	err = page_pool_reserve_roots(tables, PHB_MAX_WINDOWS);
	if (!err) {
		err = open_slot(d, 0, config->default_size, d->c.default_shift);
		if (err) {
			page_pool_release_roots(tables, PHB_MAX_WINDOWS);
		}
	}
	if (err) {
		d->c.phb = NULL;
		return err;
	}
	d->has_default = true;
	return 0;
}

static int close_bypass(struct ddw *d)
{
	int err = vfio_bridge_close_bypass(d->c.container, ioba(PHB_BYPASS_BASE));

	d->c.phb->bypass_size = 0;
	settle(d, BYPASS_SLOT);
	return err ? -EIO : 0;
}

void ddw_exit(struct ddw *d)
{
	if (!d->c.phb) {
		return;
	}
	/* Of what fails the log has the reason, and the container what is to be kept. */
	if (d->c.phb->bypass_size) {
		(void)close_bypass(d);
	}
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		if (is_open(d, i)) {
			(void)close_slot(d, i);
		}
	}
	page_pool_release_roots(d->c.container->tables, PHB_MAX_WINDOWS);
	d->c.phb = NULL;
}

/* Whether 2^bits TCEs of this page size make a window that there can be, and whose nodes below the
 * root, which is set aside, are left in the pool. */
static bool mappable(unsigned int bits, unsigned int shift, unsigned int host, uint64_t left)
{
	if (bits + shift > WINDOW_SHIFT_MAX || bits + shift - host > TABLE_SHIFT_MAX) {
		return false;
	}
	return vfio_spapr_table_size(1ull << (bits + shift), host) - MEM_PAGE <= left;
}

/* The largest that is mappable with every page that is offered: a guest is not asked for which it
 * wants to know. */
static uint64_t largest_block(const struct ddw *d)
{
	uint64_t left = page_pool_left(d->c.container->tables);
	unsigned int bits = TABLE_SHIFT_MAX;
	bool any = false;

	for (size_t i = 0; i < NUM_PAGES; i++) {
		unsigned int host = host_page(d, pages[i].shift);

		while (host && bits && !mappable(bits, pages[i].shift, host, left)) {
			bits--;
		}
		any = any || host;
	}
	return any ? 1ull << bits : 0;
}

int ddw_query(struct ddw *d, struct ddw_query *out)
{
	int err = begin(d);

	if (err) {
		return err;
	}
	out->windows = count_free(d);
	out->largest_block = out->windows ? largest_block(d) : 0;
	out->page_mask = page_mask(d);
	end(d);
	return 0;
}

/* Both shifts are checked, and a place is free. */
static int create(struct ddw *d, unsigned int slot, unsigned int page_shift,
	unsigned int window_shift, const char **why)
{
	int err;

	*why = "it is longer than a window's place on the bus";
	if (window_shift > WINDOW_SHIFT_MAX) {
		return -ENOSPC;
	}
	*why = "its table would need more than five levels";
	if (window_shift - host_page(d, page_shift) > TABLE_SHIFT_MAX) {
		return -ENOSPC;
	}
	*why = "the host could not make it";
	err = open_slot(d, slot, 1ull << window_shift, page_shift);
	if (err) {
		settle(d, slot);
		/* What it calls invalid was checked here: the host is not as it should be. */
		return err == -EINVAL ? -EIO : err;
	}
	return 0;
}

int ddw_create(struct ddw *d, uint32_t page_shift, uint32_t window_shift, unsigned int *slot)
{
	const char *why = "no place is free";
	int err;

	if (!offered_page(d, page_shift) || window_shift < page_shift || window_shift > 63) {
		return -EINVAL;
	}
	err = begin(d);
	if (err) {
		return err;
	}
	err = -ENOSPC;
	if (count_free(d)) {
		*slot = first_free(d);
		err = create(d, *slot, page_shift, window_shift, &why);
	} else if (d->c.phb->bypass_size) {
		why = "bypass is on";
	}
	end(d);
	if (err) {
		log_limited(&d->log, LOG_WARN,
			"%s: host bridge %s: no DMA window of 2^%" PRIu32
			" bytes with pages of 2^%" PRIu32 ": %s (%s)",
			d->c.owner, d->c.phb->id, window_shift, page_shift, why, err_name(err));
	}
	return err;
}

/* The caller is the one who changes. */
static int remove_slot(struct ddw *d, unsigned int slot)
{
	bool was_default = !slot && d->has_default;
	bool last = true;
	int err, back = 0;

	if (!is_open(d, slot)) {
		return -EINVAL;
	}
	err = close_slot(d, slot);
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		last = last && !is_open(d, i);
	}
	if (last && !was_default) {
		back = open_default(d);
	}
	return err ? err : back;
}

int ddw_remove(struct ddw *d, unsigned int slot)
{
	int err = begin(d);

	if (err) {
		return err;
	}
	err = remove_slot(d, slot);
	end(d);
	return err;
}

/* Emptying it needs no memory and cannot lose it, as closing and opening it could. Each step passes
 * over what is empty; one that fails is told, and the next one begins behind it. */
static int empty_default(struct ddw *d)
{
	struct tce_window *w = window_of(d, 0);

	return tce_clear(w, w->base, w->npages) ? -EIO : 0;
}

static int reset(struct ddw *d)
{
	int err = 0;

	for (unsigned int i = PHB_MAX_WINDOWS; i-- > 0;) {
		if (is_open(d, i) && (i || !d->has_default)) {
			int e = close_slot(d, i);

			err = err ? err : e;
		}
	}
	int e = d->has_default ? empty_default(d) : open_default(d);

	return err ? err : e;
}

int ddw_reset(struct ddw *d)
{
	int err = begin(d);

	if (err) {
		return err;
	}
	err = reset(d);
	end(d);
	return err;
}

/* Bypass */

/* VFIO takes the first place that is free: only with the default window in the first one is the
 * second one what it takes. */
static int check_places(const struct ddw *d, const char **why)
{
	*why = "the guest has a DMA window of its own";
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		if (is_open(d, i) && (i || !d->has_default)) {
			return -EEXIST;
		}
	}
	*why = "the guest has removed its default DMA window";
	if (!d->has_default) {
		return -ENOSPC;
	}
	*why = "the hardware has not confirmed the end of the last window in its place";
	return d->slots[BYPASS_SLOT].lost ? -ENOSPC : 0;
}

static int open_bypass(struct ddw *d, const char **why)
{
	int err = check_places(d, why);

	if (err) {
		return err;
	}
	err = vfio_bridge_open_bypass(d->c.container, ioba(PHB_BYPASS_BASE), d->c.page_shifts);
	if (err) {
		*why = err == -ENOMEM ? "its table is more than tce-table-kib has left"
				      : "the host's bridge refused it";
		settle(d, BYPASS_SLOT);
		return err;
	}
	d->c.phb->bypass_size = d->c.mem->size;
	return 0;
}

static const char being_changed[] = "its windows are being changed; try again";

int ddw_bypass_on(struct ddw *d, const char **why)
{
	int err = begin(d);

	*why = being_changed;
	if (err) {
		return err;
	}
	if (!d->c.phb->bypass_size) {
		err = open_bypass(d, why);
	}
	end(d);
	return err;
}

int ddw_bypass_off(struct ddw *d, const char **why)
{
	int err = begin(d);

	*why = being_changed;
	if (err) {
		return err;
	}
	*why = "the hardware did not confirm; its place is not used again";
	if (d->c.phb->bypass_size) {
		err = close_bypass(d);
	}
	end(d);
	return err;
}
