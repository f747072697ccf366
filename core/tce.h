// SPDX-License-Identifier: Apache-2.0
/*
 * A TCE window as its guest sees it: a LIOBN, a range of I/O bus addresses, a page size. This file
 * knows the geometry and which TCEs are right; where entries live is the backend's business.
 *
 * Every operation decodes first (nothing changed on refusal), then reserves, then commits under the
 * window's lock, and invalidates once after the lock is dropped (design decisions 6 and 14).
 *
 * A guest may remove a window on one virtual CPU while another is inside a call on it. The struct
 * itself stays where it is as long as its host bridge; an operation counts itself in before it
 * looks at the rest, and closing waits for those that are in.
 */
#ifndef CORE_TCE_H
#define CORE_TCE_H

#include "core/addr.h"
#include "core/err.h"
#include "core/guest_mem.h"
#include "core/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A TCE (LoPAR, "TCE page table entry"): the real page number in the high bits, and what the device
 * may do. */
#define TCE_READ      0x1u /* the device may read memory */
#define TCE_WRITE     0x2u /* the device may write memory */
#define TCE_PERM_MASK 0x3u

/* The most TCEs one operation handles; H_PUT_TCE_INDIRECT's own limit. */
#define TCE_MAX_BATCH 512u

/*
 * What stores the entries of one window. All ranges are in TCE pages from the window's start and
 * have been checked against its size.
 *
 * reserve: gets whatever the range needs (table levels, accounting). -ENOMEM or another error:
 *          nothing visible changed.
 * map:     the range first.. becomes what the n words say: guest-real page | permission, 0 without
 *          access; they have been checked. -EAGAIN: something of it is not reserved, nothing
 *          changed. 0, or an error with the range left as it was before.
 * unmap:   the range loses all access. Needs no reserve. Errors as map.
 * lookup:  the word of one entry.
 * skip:    how many pages from first on, up to npages, are certain to have no access; bounded time,
 *          so it may say too few.
 * put:     map of one word, in one piece, so that no lock is needed for it, and its flush; NULL:
 * the backend has no such thing. flush:   until this returns the device may use what the entries
 * said before map or unmap; after it, it cannot. -EIO: the hardware did not answer. Called after a
 * failed map or unmap too, because of entries that were there for a moment.
 *
 * map, unmap and lookup are called with the window's lock held, the others without it.
 */
struct tce_backend_ops {
	int (*reserve)(void *backend, uint64_t first, uint64_t npages);
	int (*map)(void *backend, uint64_t first, const uint64_t *words, unsigned int n);
	int (*unmap)(void *backend, uint64_t first, uint64_t npages);
	int (*lookup)(void *backend, uint64_t index, uint64_t *word);
	uint64_t (*skip)(void *backend, uint64_t first, uint64_t npages);
	int (*put)(void *backend, uint64_t index, uint64_t word);
	int (*flush)(void *backend, uint64_t first, uint64_t npages);
};

struct tce_window {
	uint32_t liobn;
	ioba_t base;
	/* 0: there is no window under this LIOBN. Written last when it opens, so that whoever sees
	 * it sees the others. */
	_Atomic uint64_t npages;
	unsigned int page_shift;
	uint64_t page_mask; /* the bits of an address within a page */
	/* Of a TCE that gives access: bits that must not be set; and the last page that is all
	 * memory, with every permission, above which nothing is right. */
	uint64_t undefined;
	uint64_t last;
	atomic_uint users; /* operations that are inside */
	struct lock lock;
	const struct tce_backend_ops *ops;
	void *backend;
};

/* Room for one operation's TCEs; one per virtual CPU, so that no operation allocates. */
struct tce_scratch {
	uint64_t tce[TCE_MAX_BATCH];
};

/* Opens a window on mem; w is all zeros or has been closed, and may be known to other threads: they
 * find it closed until it is complete. -EINVAL: page_shift outside 12..34, size 0 or not a multiple
 * of the page, base not a multiple of the page, or base + size passes 2^64. */
int tce_window_init(struct tce_window *w, uint32_t liobn, ioba_t base, uint64_t size,
	unsigned int page_shift, const struct guest_mem *mem, const struct tce_backend_ops *ops,
	void *backend) must_check;

/* From now on every operation finds no window; on return none is inside any more, so that the
 * backend may go. Waits for those that are, each of which is one hypercall's work. */
void tce_window_close(struct tce_window *w);

/* Stores one TCE: tce_put of one. */
int tce_put_one(struct tce_window *w, ioba_t at, uint64_t tce) must_check;

/* Stores n TCEs (1..TCE_MAX_BATCH) from s->tce, which is overwritten, at at and the pages after
 * it. All or nothing.
 * -EINVAL: at not on a page of the window, a page past its end, n out of range, or a TCE that gives
 *          access and names a page outside the memory or has an undefined bit set.
 * -ENOMEM, -EIO and others from the backend: what the guest must be told as a failed map. */
int tce_put(struct tce_window *w, ioba_t at, unsigned int n, struct tce_scratch *s) must_check;

/* Takes all access from npages pages (any number) from at. -EINVAL: as above, or npages 0. */
int tce_clear(struct tce_window *w, ioba_t at, uint64_t npages) must_check;

/* As tce_clear in steps of bounded time: the whole range is checked, pages that are certain to be
 * empty are passed over, up to TCE_MAX_BATCH after them are cleared, and *at and *npages become
 * what is left; *npages 0: nothing. */
int tce_clear_step(struct tce_window *w, ioba_t *at, uint64_t *npages) must_check;

/* Whether npages (1 or more) pages from at lie in the window and at is on a page: 0 or -EINVAL. */
int tce_check_range(struct tce_window *w, ioba_t at, uint64_t npages) must_check;

/* The guest's TCE at at: guest-real page | permission, 0 if it gives no access. -EINVAL: as above.
 */
int tce_get(struct tce_window *w, ioba_t at, uint64_t *tce) must_check;

#endif
