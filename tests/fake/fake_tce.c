// SPDX-License-Identifier: Apache-2.0
/*
 * The fake TCE backend; see fake_tce.h.
 */
#include "tests/fake/fake_tce.h"

#include "core/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void fake_tce_init(struct fake_tce *f, struct tce_window *window)
{
	memset(f, 0, sizeof(*f));
	f->window = window;
	assert_true(window->npages <= FAKE_TCE_PAGES);
}

void fake_tce_fail_at(struct fake_tce *f, unsigned int n, int err)
{
	f->ncalls = 0;
	f->fail_at = n;
	f->fail_err = err;
}

static uint64_t as_tce(const struct fake_tce_entry *e)
{
	return e->perm ? e->gpa | e->perm : 0;
}

uint64_t fake_tce_device(const struct fake_tce *f, uint64_t index)
{
	return as_tce(&f->state.cache[index]);
}

unsigned int fake_tce_count(const struct fake_tce *f, enum fake_tce_op op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f->ncalls && i < FAKE_TCE_CALL_MAX; i++) {
		n += f->calls[i].op == op ? 1 : 0;
	}
	return n;
}

/* Records the call, checks what every call must keep to, and says whether it is to fail. */
static int enter(struct fake_tce *f, struct fake_tce_call call, bool want_lock)
{
	bool held = atomic_flag_test_and_set(&f->window->lock.held);

	if (!held) {
		atomic_flag_clear(&f->window->lock.held);
	}
	if (held != want_lock) {
		fail_msg("fake tce: call %d with the window's lock %s", (int)call.op,
			held ? "held" : "not held");
	}
	if (!call.npages || !range_below(call.first, call.npages, f->window->npages)) {
		fail_msg("fake tce: call %d outside the window", (int)call.op);
	}
	call.result = ++f->ncalls == f->fail_at ? f->fail_err : 0;
	if (f->ncalls <= FAKE_TCE_CALL_MAX) {
		f->calls[f->ncalls - 1] = call;
	}
	return call.result;
}

static int fake_reserve(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_RESERVE, first, npages, 0, 0}, false);

	if (!err) {
		for (uint64_t i = 0; i < npages; i++) {
			f->reserved[first + i] = true;
		}
	}
	return err;
}

static void check_runs(const struct fake_tce *f, const struct tce_run *runs, unsigned int nruns)
{
	for (unsigned int i = 0; i < nruns; i++) {
		if (!runs[i].npages || runs[i].perm > TCE_PERM_MASK) {
			fail_msg("fake tce: run %u is empty or has unknown permissions", i);
		}
		if (i && runs[i].perm == runs[i - 1].perm &&
			(!runs[i].perm ||
				runs[i - 1].gpa.v + (runs[i - 1].npages << f->window->page_shift) ==
					runs[i].gpa.v)) {
			fail_msg("fake tce: runs %u and %u could have been one", i - 1, i);
		}
	}
}

static uint64_t sum_runs(const struct tce_run *runs, unsigned int nruns)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < nruns; i++) {
		sum += runs[i].npages;
	}
	return sum;
}

static void store_runs(const struct fake_tce *f, struct fake_tce_entry *to, uint64_t first,
	const struct tce_run *runs, unsigned int nruns)
{
	for (unsigned int i = 0; i < nruns; i++) {
		for (uint64_t k = 0; k < runs[i].npages; k++) {
			to[first++] = (struct fake_tce_entry){
				runs[i].perm ? runs[i].gpa.v + (k << f->window->page_shift) : 0,
				runs[i].perm};
		}
	}
}

static int fake_map(void *backend, uint64_t first, const struct tce_run *runs, unsigned int nruns)
{
	struct fake_tce *f = backend;
	uint64_t npages = sum_runs(runs, nruns);
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_MAP, first, npages, nruns, 0}, true);

	check_runs(f, runs, nruns);
	for (uint64_t i = 0; i < npages; i++) {
		if (!f->reserved[first + i]) {
			fail_msg("fake tce: map of page %u without reserve", (unsigned)(first + i));
		}
	}
	store_runs(f, err ? f->state.cache : f->state.table, first, runs, nruns);
	return err;
}

static int fake_unmap(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_UNMAP, first, npages, 0, 0}, true);
	struct fake_tce_entry *to = err ? f->state.cache : f->state.table;

	memset(&to[first], 0, npages * sizeof(to[0]));
	return err;
}

static int fake_lookup(void *backend, uint64_t index, gpa_t *gpa_out, unsigned int *perm)
{
	struct fake_tce *f = backend;
	const struct fake_tce_entry *e = &f->state.table[index];
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_LOOKUP, index, 1, 0, 0}, true);

	if (err) {
		return err;
	}
	/* Without access the page means nothing, and nothing may be made of it. */
	*gpa_out = gpa(e->perm ? e->gpa : 0x5a5a5a5a5a5a5000);
	*perm = (unsigned int)e->perm;
	return 0;
}

static int fake_flush(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_FLUSH, first, npages, 0, 0}, false);

	if (!err) {
		memcpy(&f->state.cache[first], &f->state.table[first],
			npages * sizeof(f->state.table[0]));
	}
	return err;
}

const struct tce_backend_ops fake_tce_ops = {
	.reserve = fake_reserve,
	.map = fake_map,
	.unmap = fake_unmap,
	.lookup = fake_lookup,
	.flush = fake_flush,
};
