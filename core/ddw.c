// SPDX-License-Identifier: Apache-2.0
/*
 * Dynamic DMA windows. What is asked for is checked, then a place, bytes of the account and a table
 * are taken in this order, and given back in the opposite one; no lock is held meanwhile, since
 * firmware is called.
 */
#include "core/ddw.h"

#include "core/plan.h"
#include "core/range.h"
#include "core/vfio_spapr.h"

#include <inttypes.h>

/* Bus addresses of one window end here. */
#define WINDOW_SHIFT_MAX 59u
#define TCE_BYTES	 8u
/* TCEs that are cleared with the window's lock held once. */
#define RESET_STEP 0x4000u

/* The largest default windows of all bridges must not use up the account. */
_Static_assert((PLAN_WINDOW_ALL >> DDW_DEFAULT_SHIFT) * TCE_BYTES <= DDW_TABLE_LIMIT / 2,
	"default windows leave no table memory for others");

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

/* A page that the partition's memory does not consist of could not be mapped, or not all of it. */
static bool page_usable(const struct ddw *d, unsigned int shift)
{
	return d->c.page_shifts >> shift & 1 &&
	       is_aligned(d->c.mem->host.v | d->c.mem->size, 1ull << shift);
}

/* shift is any number: it is compared before anything is shifted by it. */
static bool page_offered(const struct ddw *d, uint32_t shift)
{
	for (size_t i = 0; i < NUM_PAGES; i++) {
		if (pages[i].shift == shift) {
			return page_usable(d, pages[i].shift);
		}
	}
	return false;
}

static uint32_t page_mask(const struct ddw *d)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < NUM_PAGES; i++) {
		mask |= page_usable(d, pages[i].shift) ? pages[i].bit : 0;
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

/* The account */

static int charge(struct ddw_account *a, uint64_t bytes)
{
	int err = -ENOMEM;

	lock_take(&a->lock);
	if (range_below(a->used, bytes, DDW_TABLE_LIMIT)) {
		a->used += bytes;
		err = 0;
	}
	lock_drop(&a->lock);
	return err;
}

static void uncharge(struct ddw_account *a, uint64_t bytes)
{
	lock_take(&a->lock);
	a->used -= bytes;
	lock_drop(&a->lock);
}

static uint64_t bytes_left(struct ddw_account *a)
{
	uint64_t left;

	lock_take(&a->lock);
	left = DDW_TABLE_LIMIT - a->used;
	lock_drop(&a->lock);
	return left;
}

/* One window */

/* A place without a window: whether it can be used again is for VFIO to say. */
static void settle(struct ddw *d, unsigned int slot)
{
	struct ddw_slot *s = &d->slots[slot];

	s->lost = vfio_spapr_held_bytes(d->c.container, ddw_slot_base(slot)) != 0;
	if (!s->lost) {
		uncharge(d->c.account, s->charged);
		s->charged = 0;
	}
}

static int open_slot(struct ddw *d, unsigned int slot, uint64_t size, unsigned int page_shift)
{
	return vfio_bridge_open_window(&d->slots[slot].bridge, window_of(d, slot), d->c.container,
		d->c.mem, d->c.phb->at.liobn[slot], ddw_slot_base(slot), size, page_shift);
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
	int err = d->slots[0].lost ? -EIO : open_slot(d, 0, d->c.default_size, DDW_DEFAULT_SHIFT);

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
	int err;

	d->c = *config;
	d->default_bytes = vfio_spapr_table_size(config->default_size, DDW_DEFAULT_SHIFT);
	err = charge(config->account, d->default_bytes);
	if (!err) {
		err = open_slot(d, 0, config->default_size, DDW_DEFAULT_SHIFT);
		if (err) {
			uncharge(config->account, d->default_bytes);
		}
	}
	if (err) {
		d->c.phb = NULL;
		return err;
	}
	d->has_default = true;
	return 0;
}

void ddw_exit(struct ddw *d)
{
	if (!d->c.phb) {
		return;
	}
	for (unsigned int i = 0; i < PHB_MAX_WINDOWS; i++) {
		if (is_open(d, i)) {
			/* The log has the reason, and the container what is to be kept. */
			(void)close_slot(d, i);
		}
		uncharge(d->c.account, d->slots[i].charged);
		d->slots[i].charged = 0;
	}
	uncharge(d->c.account, d->default_bytes);
	d->c.phb = NULL;
}

/* The largest table, a power of two, that account and host have room for; 0: not the smallest. */
static uint64_t largest_table(const struct ddw *d)
{
	uint64_t left = bytes_left(d->c.account);
	uint64_t bytes = DDW_TABLE_LIMIT;

	while (bytes >= MEM_PAGE && (bytes > left || mem_largest(d->c.pool, bytes) < bytes)) {
		bytes >>= 1;
	}
	return bytes >= MEM_PAGE ? bytes : 0;
}

int ddw_query(struct ddw *d, struct ddw_query *out)
{
	int err = begin(d);

	if (err) {
		return err;
	}
	out->windows = count_free(d);
	out->largest_block = out->windows ? largest_table(d) / TCE_BYTES : 0;
	out->page_mask = page_mask(d);
	end(d);
	return 0;
}

/* Both shifts are checked, and a place is free. */
static int create(struct ddw *d, unsigned int slot, unsigned int page_shift,
	unsigned int window_shift, const char **why)
{
	uint64_t size = 1ull << window_shift;
	uint64_t bytes;
	int err;

	*why = "it is longer than a window's place on the bus";
	if (window_shift > WINDOW_SHIFT_MAX) {
		return -ENOSPC;
	}
	*why = "its table is more than the partition may have";
	bytes = vfio_spapr_table_size(size, page_shift);
	err = charge(d->c.account, bytes);
	if (err) {
		return err;
	}
	*why = "the host could not make it";
	d->slots[slot].charged = bytes;
	err = open_slot(d, slot, size, page_shift);
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

	if (!page_offered(d, page_shift) || window_shift < page_shift || window_shift > 63) {
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

/* Emptying it needs no memory and cannot lose it, as closing and opening it could. */
static int empty_default(struct ddw *d)
{
	ioba_t at = ioba(0);
	uint64_t npages = window_of(d, 0)->npages;
	int err = 0;

	while (npages) {
		uint64_t n = npages < RESET_STEP ? npages : RESET_STEP;
		int e = tce_clear(window_of(d, 0), at, n);

		err = err ? err : e;
		at.v += n << DDW_DEFAULT_SHIFT;
		npages -= n;
	}
	return err ? -EIO : 0;
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
