// SPDX-License-Identifier: Apache-2.0
/*
 * Plain and slow on purpose; see the header. Clause numbers are of LoPAR 14.5.4 and 7.3.32 and of
 * docs/HCALLS.md's table of differences.
 */
#include "tests/spec/spec.h"

#include <stdlib.h>
#include <string.h>

enum {
	OP_GET_TCE = 0x1c,
	OP_PUT_TCE = 0x20,
	OP_STUFF_TCE = 0x138,
	OP_PUT_TCE_INDIRECT = 0x13c,
	OP_RTAS = 0xf000,
};

enum {
	OK = 0,
	HARDWARE = -1,
	FUNCTION = -2,
	PRIVILEGE = -3,
	PARAMETER = -4,
	NO_RESOURCES = -44,
};

enum { RTAS_OK = 0, RTAS_HARDWARE = -1, RTAS_PARAMETER = -3 };

#define READ_WRITE     3u
#define BATCH	       512u
#define LIST_ALIGN     0x1000u
#define SECOND_BASE    ((uint64_t)1 << 59)
#define WINDOW_MAX     59u /* a place is 2^59 bytes, */
#define TABLE_MAX      45u /* and a table has at most 2^45 TCEs of the host's */
#define RTAS_HEADER    12u
#define RTAS_MAX_CELLS 16u

/* --- windows --- */

uint64_t spec_liobn(const struct spec_bridge *b, unsigned int slot)
{
	return 0x80000000u | b->index << 8 | slot;
}

/* The first entry that is not below page. */
static unsigned int lower(const struct spec_window *w, uint64_t page)
{
	unsigned int from = 0, to = w->nentries;

	while (from < to) {
		unsigned int mid = from + (to - from) / 2;

		if (w->entries[mid].page < page) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	return from;
}

uint64_t spec_lookup(const struct spec_window *w, uint64_t page)
{
	unsigned int i = lower(w, page);

	return i < w->nentries && w->entries[i].page == page ? w->entries[i].tce : 0;
}

static void store(struct spec_window *w, uint64_t page, uint64_t tce)
{
	unsigned int i = lower(w, page);

	if (i == w->nentries || w->entries[i].page != page) {
		if (w->nentries == w->room) {
			w->room = w->room ? 2 * w->room : 64;
			w->entries = realloc(w->entries, w->room * sizeof(w->entries[0]));
			if (!w->entries) {
				abort();
			}
		}
		memmove(&w->entries[i + 1], &w->entries[i],
			(w->nentries - i) * sizeof(w->entries[0]));
		w->entries[i].page = page;
		w->nentries++;
	}
	w->entries[i].tce = tce;
}

static void clear(struct spec_window *w, uint64_t first, uint64_t n)
{
	for (unsigned int i = lower(w, first); i < w->nentries && w->entries[i].page - first < n;
		i++) {
		w->entries[i].tce = 0;
	}
}

static uint64_t count_live(const struct spec_window *w, uint64_t first, uint64_t n)
{
	uint64_t live = 0;

	for (unsigned int i = lower(w, first); i < w->nentries && w->entries[i].page - first < n;
		i++) {
		live += w->entries[i].tce != 0;
	}
	return live;
}

static void open_window(struct spec_bridge *b, unsigned int slot, uint64_t size, unsigned int shift)
{
	struct spec_window *w = &b->windows[slot];

	w->open = true;
	w->is_default = false;
	w->base = slot ? SECOND_BASE : 0;
	w->shift = shift;
	w->npages = size >> shift;
	w->nentries = 0;
	w->promised = false;
}

static void open_default(struct spec_bridge *b)
{
	open_window(b, 0, b->default_size, b->default_shift);
	b->windows[0].is_default = true;
}

static void close_all(struct spec_bridge *b)
{
	for (unsigned int i = 0; i < SPEC_WINDOWS; i++) {
		b->windows[i].open = false;
	}
}

void spec_start(struct spec_partition *p)
{
	for (unsigned int i = 0; i < p->nbridges; i++) {
		struct spec_bridge *b = &p->bridges[i];

		b->unknown = false;
		b->bypass = b->plan_bypass;
		close_all(b);
		open_default(b);
	}
	p->running = true;
	p->promised_to = NULL;
}

void spec_stop(struct spec_partition *p)
{
	p->running = false;
	for (unsigned int i = 0; i < p->nbridges; i++) {
		close_all(&p->bridges[i]);
	}
}

/* From here on other windows than this one may have taken what was promised. */
static void break_promises(struct spec_partition *p, const struct spec_window *but)
{
	for (unsigned int i = 0; i < p->nbridges * SPEC_WINDOWS; i++) {
		struct spec_window *w = &p->bridges[i / SPEC_WINDOWS].windows[i % SPEC_WINDOWS];

		w->promised = w->promised && w == but;
	}
}

/* Decision 9: not beside a window of the guest's own. */
bool spec_bypass(struct spec_partition *p, struct spec_bridge *b, bool on, bool refused)
{
	for (unsigned int i = 0; on && i < SPEC_WINDOWS; i++) {
		if (b->windows[i].open && !b->windows[i].is_default) {
			return false;
		}
	}
	break_promises(p, NULL);
	b->bypass = on && (!refused || b->bypass);
	return b->bypass == on;
}

/* The whole LIOBN counts, its high bits too; another partition's is one that does not exist. */
static struct spec_window *find_window(struct spec_partition *p, uint64_t liobn)
{
	for (unsigned int i = 0; i < p->nbridges; i++) {
		for (unsigned int k = 0; k < SPEC_WINDOWS; k++) {
			struct spec_window *w = &p->bridges[i].windows[k];

			if (w->open && spec_liobn(&p->bridges[i], k) == liobn) {
				return w;
			}
		}
	}
	return NULL;
}

/* The first of n pages from ioba on, if ioba is on a page and all of them are in the window. */
static bool find_pages(const struct spec_window *w, uint64_t ioba, uint64_t n, uint64_t *first)
{
	uint64_t offset = ioba - (w ? w->base : 0);

	if (!w || ioba < w->base || offset % ((uint64_t)1 << w->shift)) {
		return false;
	}
	*first = offset >> w->shift;
	return n && *first < w->npages && n <= w->npages - *first;
}

static bool in_ram(const struct spec_partition *p, uint64_t at, uint64_t len)
{
	return at <= p->ram_size && len <= p->ram_size - at;
}

/* Whether a TCE may be stored, and as what. Without R and W its other bits mean nothing. */
static bool good_tce(const struct spec_partition *p, const struct spec_window *w, uint64_t *tce)
{
	uint64_t page = (uint64_t)1 << w->shift;
	uint64_t at = *tce & ~(uint64_t)READ_WRITE;

	if (!(*tce & READ_WRITE)) {
		*tce = 0;
		return true;
	}
	return at % page == 0 && in_ram(p, at, page);
}

uint8_t *spec_dma(
	const struct spec_partition *p, const struct spec_bridge *b, uint64_t iova, bool write)
{
	for (unsigned int i = 0; i < SPEC_WINDOWS; i++) {
		const struct spec_window *w = &b->windows[i];
		uint64_t offset = iova - w->base;

		if (w->open && iova >= w->base && offset >> w->shift < w->npages) {
			uint64_t tce = spec_lookup(w, offset >> w->shift);
			uint64_t in_page = offset % ((uint64_t)1 << w->shift);

			return tce & (write ? 2 : 1)
				       ? p->ram + (tce & ~(uint64_t)READ_WRITE) + in_page
				       : NULL;
		}
	}
	/* Decision 9: exactly RAM. */
	if (p->running && b->bypass && iova >= SECOND_BASE && iova - SECOND_BASE < p->ram_size) {
		return p->ram + (iova - SECOND_BASE);
	}
	return NULL;
}

/* --- TCE calls; a[0] is r4 --- */

/* Whether a call that is right was answered by a failure that may be. w: the window that the call
 * needs memory for; NULL: it needs none. */
static bool failed(struct spec_partition *p, const struct spec_window *w,
	const struct spec_seen *seen, int64_t *status)
{
	*status = (int64_t)seen->trap->regs[0];
	if (seen->trap->next != SPEC_RETURN) {
		return false;
	}
	if (w) {
		break_promises(p, w);
	}
	p->unconfirmed = seen->may_fail && *status == HARDWARE;
	return p->unconfirmed ||
	       (w && seen->may_run_out && !w->promised && *status == NO_RESOURCES);
}

static int64_t get_tce(struct spec_partition *p, const uint64_t *a, struct spec_trap *t)
{
	const struct spec_window *w = find_window(p, a[0]);
	uint64_t page;

	if (!find_pages(w, a[1], 1, &page)) {
		return PARAMETER;
	}
	t->regs[1] = spec_lookup(w, page);
	return OK;
}

static int64_t put_tce(struct spec_partition *p, const uint64_t *a, const struct spec_seen *seen)
{
	struct spec_window *w = find_window(p, a[0]);
	uint64_t page, tce = a[2];
	int64_t status;

	if (!find_pages(w, a[1], 1, &page) || !good_tce(p, w, &tce)) {
		return PARAMETER;
	}
	if (failed(p, w, seen, &status)) {
		return status;
	}
	store(w, page, tce);
	return OK;
}

static uint64_t ram_word(const uint8_t *ram, uint64_t at, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		v = v << 8 | ram[at + i];
	}
	return v;
}

static int64_t put_tce_indirect(
	struct spec_partition *p, const uint64_t *a, const struct spec_seen *seen)
{
	struct spec_window *w = find_window(p, a[0]);
	uint64_t tces[BATCH], page, n = a[3];
	int64_t status;

	if (n > BATCH || !find_pages(w, a[1], n, &page) || a[2] % LIST_ALIGN ||
		!in_ram(p, a[2], 8 * n)) {
		return PARAMETER;
	}
	for (unsigned int i = 0; i < n; i++) {
		tces[i] = ram_word(p->ram, a[2] + 8 * i, 8);
		if (!good_tce(p, w, &tces[i])) {
			return PARAMETER;
		}
	}
	if (failed(p, w, seen, &status)) {
		return status;
	}
	for (unsigned int i = 0; i < n; i++) {
		store(w, page + i, tces[i]);
	}
	return OK;
}

/* How many of n pages from first on this trap has done, by the count that it left in r7. */
static uint64_t stuff_done(const struct spec_window *w, uint64_t first, uint64_t n, uint64_t left)
{
	uint64_t done = n - left;

	return done >= BATCH && done < n && count_live(w, first, done) <= BATCH ? done : BATCH;
}

/* A call of more than 512 may come back to its sc 1 with r5 and r7 moved on. */
static int64_t stuff_tce(struct spec_partition *p, const uint64_t *a, struct spec_trap *t,
	const struct spec_seen *seen)
{
	struct spec_window *w = find_window(p, a[0]);
	uint64_t first, n = a[3];
	int64_t status;

	if (a[2] & READ_WRITE || !find_pages(w, a[1], n, &first)) {
		return PARAMETER;
	}
	if (failed(p, NULL, seen, &status)) {
		return status;
	}
	if (n > BATCH && (seen->trap->next == SPEC_REPEAT || count_live(w, first, n) > BATCH)) {
		uint64_t done = stuff_done(w, first, n, seen->trap->regs[4]);

		t->next = SPEC_REPEAT;
		t->regs[2] = a[1] + (done << w->shift);
		t->regs[4] = n - done;
		n = done;
	}
	clear(w, first, n);
	return OK;
}

/* --- RTAS --- */

struct call {
	struct spec_partition *p;
	uint32_t args[RTAS_MAX_CELLS];
	const uint8_t *seen_rets;
	bool may_fail, may_run_out;
	unsigned int nret, nout; /* asked for; to be written */
	uint32_t rets[RTAS_MAX_CELLS];
};

static uint32_t seen_ret(const struct call *c, unsigned int i)
{
	return (uint32_t)ram_word(c->seen_rets, 4 * i, 4);
}

/* The bridge that has this function: bus 0, device 0, function 0 of each. */
static struct spec_bridge *find_bridge(struct call *c)
{
	uint64_t buid = (uint64_t)c->args[1] << 32 | c->args[2];

	for (unsigned int i = 0; i < c->p->nbridges; i++) {
		struct spec_bridge *b = &c->p->bridges[i];

		if (buid == 0x800000020000000u + b->index && c->args[0] == 0 && b->ddw) {
			return b;
		}
	}
	return NULL;
}

static unsigned int places(const struct spec_bridge *b)
{
	return b->bypass ? 0 : !b->windows[0].open + !b->windows[1].open;
}

/* As LoPAR encodes page sizes. */
static uint32_t page_mask(uint32_t pages)
{
	return (pages >> 12 & 1) | (pages >> 16 & 1) << 1 | (pages >> 21 & 1) << 8;
}

static int32_t query(struct call *c)
{
	struct spec_bridge *b = find_bridge(c);
	bool wide = c->nret == 6;
	uint64_t block;

	if (!b) {
		return RTAS_PARAMETER;
	}
	block = wide ? (uint64_t)seen_ret(c, 2) << 32 | seen_ret(c, 3) : seen_ret(c, 2);
	if (!places(b)) {
		block = 0;
	} else if ((!block && !c->may_run_out) || block & (block - 1)) {
		block = 1;
	}
	c->p->promised_to = block ? b : NULL;
	c->p->promise = block;
	c->nout = c->nret;
	c->rets[1] = places(b);
	c->rets[2] = (uint32_t)(wide ? block >> 32 : block);
	c->rets[3] = wide ? (uint32_t)block : page_mask(b->pages);
	c->rets[4] = wide ? page_mask(b->pages) : 0;
	c->rets[5] = 0;
	return RTAS_OK;
}

/* The table has the host's pages, of which one of the guest's is some. */
static unsigned int host_shift(const struct spec_bridge *b, unsigned int shift)
{
	while (!(b->host_pages >> shift & 1)) {
		shift--;
	}
	return shift;
}

static int32_t create(struct call *c)
{
	struct spec_bridge *b = find_bridge(c);
	uint32_t page = c->args[3], window = c->args[4];
	unsigned int slot;

	if (!b || page > 31 || !(b->pages >> page & 1) || window < page || window > 63) {
		return RTAS_PARAMETER;
	}
	if (!places(b) || window > WINDOW_MAX || window - host_shift(b, page) > TABLE_MAX) {
		return RTAS_HARDWARE;
	}
	if (c->may_fail && seen_ret(c, 0) == (uint32_t)RTAS_HARDWARE) {
		return RTAS_HARDWARE;
	}
	slot = b->windows[0].open;
	open_window(b, slot, (uint64_t)1 << window, page);
	b->windows[slot].promised =
		c->p->was_promised_to == b && b->windows[slot].npages <= c->p->promise;
	c->nout = c->nret;
	c->rets[1] = (uint32_t)spec_liobn(b, slot);
	c->rets[2] = (uint32_t)(b->windows[slot].base >> 32);
	c->rets[3] = 0;
	return RTAS_OK;
}

/* Hardware that does not confirm the end of a window. */
static bool end_fails(struct call *c, struct spec_bridge *b)
{
	b->unknown = c->may_fail && seen_ret(c, 0) == (uint32_t)RTAS_HARDWARE;
	return b->unknown;
}

/* When the last window of the guest's own goes and the default one is not there, that comes back;
 * when the default one is the last to go, none does. */
static int32_t remove_window(struct call *c)
{
	for (unsigned int i = 0; i < c->p->nbridges; i++) {
		for (unsigned int k = 0; k < SPEC_WINDOWS; k++) {
			struct spec_bridge *b = &c->p->bridges[i];
			struct spec_window *w = &b->windows[k];

			if (!b->ddw || !w->open || spec_liobn(b, k) != c->args[0]) {
				continue;
			}
			w->open = false;
			if (end_fails(c, b)) {
				return RTAS_HARDWARE;
			}
			if (!w->is_default && !b->windows[!k].open) {
				open_default(b);
			}
			return RTAS_OK;
		}
	}
	return RTAS_PARAMETER;
}

static int32_t reset(struct call *c)
{
	struct spec_bridge *b = find_bridge(c);

	if (!b) {
		return RTAS_PARAMETER;
	}
	if (end_fails(c, b)) {
		return RTAS_HARDWARE;
	}
	close_all(b);
	open_default(b);
	return RTAS_OK;
}

static const struct {
	unsigned int nargs, nret, or_nret;
	int32_t (*fn)(struct call *c);
} services[SPEC_SERVICES] = {
	[SPEC_QUERY] = {3, 5, 6, query},
	[SPEC_CREATE] = {5, 4, 4, create},
	[SPEC_REMOVE] = {1, 1, 1, remove_window},
	[SPEC_RESET] = {3, 1, 1, reset},
};

static int64_t serve(struct call *c, uint32_t token, uint32_t nargs)
{
	for (unsigned int i = 0; i < SPEC_SERVICES; i++) {
		if (token == c->p->tokens[i]) {
			bool counts =
				nargs == services[i].nargs &&
				(c->nret == services[i].nret || c->nret == services[i].or_nret);

			c->rets[0] = (uint32_t)(counts ? services[i].fn(c) : RTAS_PARAMETER);
			return OK;
		}
	}
	c->rets[0] = (uint32_t)RTAS_PARAMETER;
	return PARAMETER;
}

static int64_t rtas(struct spec_partition *p, uint64_t at, const struct spec_seen *seen)
{
	struct call c = {
		.p = p, .nout = 1, .may_fail = seen->may_fail, .may_run_out = seen->may_run_out};
	uint64_t nargs, rets;
	int64_t status;

	if (at % 4 || !in_ram(p, at, RTAS_HEADER)) {
		return PARAMETER;
	}
	nargs = ram_word(p->ram, at + 4, 4);
	c.nret = (unsigned int)ram_word(p->ram, at + 8, 4);
	if (nargs + c.nret > RTAS_MAX_CELLS || !in_ram(p, at, RTAS_HEADER + 4 * (nargs + c.nret))) {
		return PARAMETER;
	}
	for (unsigned int i = 0; i < nargs; i++) {
		c.args[i] = (uint32_t)ram_word(p->ram, at + RTAS_HEADER + 4 * i, 4);
	}
	rets = at + RTAS_HEADER + 4 * nargs;
	c.seen_rets = seen->ram + rets;
	status = serve(&c, (uint32_t)ram_word(p->ram, at, 4), (uint32_t)nargs);
	for (unsigned int i = 0; i < c.nret && i < c.nout; i++) {
		for (unsigned int k = 0; k < 4; k++) {
			p->ram[rets + 4 * i + k] = (uint8_t)(c.rets[i] >> (24 - 8 * k));
		}
	}
	return status;
}

/* --- the trap --- */

static int64_t call(struct spec_partition *p, struct spec_trap *t, const struct spec_seen *seen)
{
	const uint64_t *a = &t->regs[1];

	p->was_promised_to = p->promised_to;
	p->promised_to = NULL;
	if (t->problem) {
		return PRIVILEGE;
	}
	/* A 32-bit caller does not know that its registers have high halves, and loses them. */
	for (unsigned int i = 1; t->sf32 && i < SPEC_NREGS; i++) {
		t->regs[i] &= UINT32_MAX;
	}
	switch (t->sf32 ? (uint32_t)t->regs[0] : t->regs[0]) {
	case OP_GET_TCE:
		return get_tce(p, a, t);
	case OP_PUT_TCE:
		return put_tce(p, a, seen);
	case OP_PUT_TCE_INDIRECT:
		return put_tce_indirect(p, a, seen);
	case OP_STUFF_TCE:
		return stuff_tce(p, a, t, seen);
	case OP_RTAS:
		return rtas(p, a[0], seen);
	default:
		return FUNCTION;
	}
}

void spec_trap(struct spec_partition *p, struct spec_trap *t, const struct spec_seen *seen)
{
	int64_t status;

	t->next = SPEC_RETURN;
	status = call(p, t, seen);
	if (t->next == SPEC_RETURN) {
		t->regs[0] = (uint64_t)status;
	}
}
