// SPDX-License-Identifier: Apache-2.0
/*
 * Looks tests up in the list of differences, and notes which entries were met.
 */
#include "tests/guest/papr-dma/differences.h"

#include "tests/guest/papr-dma/differences_list.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/words.h"
#include "tests/guest/tap.h"

#include <stddef.h>
#include <string.h>

struct difference {
	const char *name;
	struct outcome here, qemu;
	const char *why;
};

/* clang-format off */
#define ROW(name, here, qemu, why) {name, here, qemu, why},
/* clang-format on */

static const struct difference list[] = {DIFFERENCES(ROW)};

#define LIST_LENGTH (sizeof(list) / sizeof(list[0]))

static bool met[LIST_LENGTH];
static unsigned int contradictions;

static const struct difference *find(const char *name)
{
	for (size_t i = 0; i < LIST_LENGTH; i++) {
		if (strcmp(list[i].name, name) == 0) {
			met[i] = true;
			return &list[i];
		}
	}
	return NULL;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status && a->effect == b->effect &&
	       a->value.symbol == b->value.symbol && a->value.plus == b->value.plus;
}

const struct outcome *expected(const char *name, const struct outcome *here)
{
	const struct difference *d = find(name);

	if (!d) {
		return here;
	}
	if (!same(&d->here, here)) {
		tap_note("the list of differences has another outcome of: %s", name);
		contradictions++;
	}
	return tree.qemu ? &d->qemu : here;
}

const char *whose(const struct outcome *want, const struct outcome *here)
{
	return want == here ? "" : " [as QEMU has it]";
}

bool differs(const char *name)
{
	return find(name) && tree.qemu;
}

bool tap_known(const char *prefix, const char *name, bool good)
{
	return tap_ok(good, "%s%s%s", prefix, name, differs(name) ? " [as QEMU has it]" : "");
}

bool skipped_here(const char *name)
{
	const struct difference *d = find(name);

	if (!d || !tree.qemu || d->qemu.effect != SKIPPED) {
		return false;
	}
	tap_skip(name, d->why);
	return true;
}

void test_differences(void)
{
	bool all = true;

	tap_ok(!contradictions, "the list of differences says of each test what the test says");
	/* Without a device some tests are not made. */
	if (!tree.qemu || !bench.edu) {
		return;
	}
	for (size_t i = 0; i < LIST_LENGTH; i++) {
		if (!met[i]) {
			tap_note("no test is called: %s", list[i].name);
			all = false;
		}
	}
	tap_ok(all, "the list of differences names tests that there are");
}
