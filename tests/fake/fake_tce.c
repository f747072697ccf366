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
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_RESERVE, first, npages, 0}, false);

	if (!err) {
		for (uint64_t i = 0; i < npages; i++) {
			f->reserved[first + i] = true;
		}
	}
	return err;
}

static void check_word(const struct fake_tce *f, uint64_t word)
{
	uint64_t page = word & ~(uint64_t)TCE_PERM_MASK;

	if (word && (!(word & TCE_PERM_MASK) || !is_aligned(page, 1ull << f->window->page_shift))) {
		fail_msg("fake tce: no word of a map: 0x%llx", (unsigned long long)word);
	}
}

static int fake_map(void *backend, uint64_t first, const uint64_t *words, unsigned int n)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_MAP, first, n, 0}, true);
	struct fake_tce_entry *to = err ? f->state.cache : f->state.table;

	for (unsigned int i = 0; i < n; i++) {
		check_word(f, words[i]);
		if (!f->reserved[first + i]) {
			return err ? err : -EAGAIN;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		uint64_t perm = words[i] & TCE_PERM_MASK;

		to[first + i] = (struct fake_tce_entry){words[i] ^ perm, perm};
	}
	return err;
}

static int fake_unmap(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_UNMAP, first, npages, 0}, true);
	struct fake_tce_entry *to = err ? f->state.cache : f->state.table;

	memset(&to[first], 0, npages * sizeof(to[0]));
	return err;
}

static int fake_lookup(void *backend, uint64_t index, uint64_t *word)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_LOOKUP, index, 1, 0}, true);

	if (!err) {
		*word = as_tce(&f->state.table[index]);
	}
	return err;
}

static uint64_t fake_skip(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	uint64_t n = 0;

	(void)!enter(f, (struct fake_tce_call){FAKE_TCE_SKIP, first, npages, 0}, false);
	while (n < npages && n < f->skips && !f->reserved[first + n]) {
		n++;
	}
	return n;
}

static int fake_flush(void *backend, uint64_t first, uint64_t npages)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_FLUSH, first, npages, 0}, false);

	if (!err) {
		memcpy(&f->state.cache[first], &f->state.table[first],
			npages * sizeof(f->state.table[0]));
	}
	return err;
}

static int fake_put(void *backend, uint64_t index, uint64_t word)
{
	struct fake_tce *f = backend;
	int err = enter(f, (struct fake_tce_call){FAKE_TCE_PUT, index, 1, 0}, false);

	check_word(f, word);
	if (err) {
		return err;
	}
	f->reserved[index] = true;
	f->state.table[index] =
		(struct fake_tce_entry){word & ~(uint64_t)TCE_PERM_MASK, word & TCE_PERM_MASK};
	f->state.cache[index] = f->state.table[index];
	return 0;
}

const struct tce_backend_ops fake_tce_ops = {
	.reserve = fake_reserve,
	.map = fake_map,
	.unmap = fake_unmap,
	.lookup = fake_lookup,
	.skip = fake_skip,
	.flush = fake_flush,
};

const struct tce_backend_ops fake_tce_put_ops = {
	.reserve = fake_reserve,
	.map = fake_map,
	.put = fake_put,
	.unmap = fake_unmap,
	.lookup = fake_lookup,
	.skip = fake_skip,
	.flush = fake_flush,
};
