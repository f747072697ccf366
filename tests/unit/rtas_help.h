// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of RTAS share: a partition with 64 KiB of memory full of a pattern, and calls made
 * through H_RTAS as a guest makes them. help_same_but tells whether anything but what is named has
 * changed.
 */
#ifndef TESTS_UNIT_RTAS_HELP_H
#define TESTS_UNIT_RTAS_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/be.h"
#include "core/rtas.h"
#include "tests/fake/fake_arch.h"

#include <stdbool.h>
#include <string.h>

#define HELP_MEM  0x10000u
#define HELP_ARGS 0x2000u /* where help_call puts the buffer */

struct help_guest {
	struct partition part;
	/* Behind the partition's memory comes more of ours: writes past the end are seen. */
	uint8_t mem[HELP_MEM + 0x1000];
	uint8_t before[HELP_MEM + 0x1000];
};

static inline void help_init(struct help_guest *r)
{
	fake_arch_reset();
	memset(r, 0, sizeof(*r));
	memset(r->mem, 0xa5, sizeof(r->mem));
	r->part.mem = (struct guest_mem){r->mem, {0x40000000}, HELP_MEM};
	r->part.state = PARTITION_RUNNING;
	r->part.nvcpus = 1;
	r->part.vcpus[0].partition = &r->part;
	console_init(&r->part.console, NULL, false);
}

/* Big-endian words at a guest-real address, also past the end of the partition's memory. */
static inline void help_poke(
	struct help_guest *r, uint64_t at, const uint32_t *words, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		be32_t w = be32(words[i]);

		assert_true(at + 4 <= sizeof(r->mem));
		memcpy(r->mem + at, &w, 4);
		at += 4;
	}
}

static inline uint32_t help_peek(const struct help_guest *r, uint64_t at)
{
	be32_t w;

	assert_true(at + 4 <= sizeof(r->mem));
	memcpy(&w, r->mem + at, 4);
	return be32_get(w);
}

/* Writes header and nargs arguments at at, remembers all memory, and makes the call. */
static inline hret_t help_call_at(struct help_guest *r, uint64_t at, uint32_t token, uint32_t nargs,
	uint32_t nret, const uint32_t *args)
{
	const uint32_t header[] = {token, nargs, nret};
	uint64_t regs[HCALL_NARGS] = {at};

	/* Addresses that no memory of ours stands for get no buffer. */
	if (at < sizeof(r->mem) - 0x100) {
		help_poke(r, at, header, 3);
		help_poke(r, at + 12, args, nargs > RTAS_MAX_CELLS || !args ? 0 : nargs);
	}
	memcpy(r->before, r->mem, sizeof(r->mem));
	return h_rtas(&r->part.vcpus[0], regs);
}

static inline hret_t help_call(
	struct help_guest *r, uint32_t token, uint32_t nargs, uint32_t nret, const uint32_t *args)
{
	return help_call_at(r, HELP_ARGS, token, nargs, nret, args);
}

/* The i-th result of a call at HELP_ARGS with nargs arguments. */
static inline uint32_t help_ret(const struct help_guest *r, uint32_t nargs, unsigned int i)
{
	return help_peek(r, HELP_ARGS + 12 + 4 * (nargs + i));
}

/* Whether memory is as it was before the call, but for len bytes at at. */
static inline bool help_same_but(const struct help_guest *r, uint64_t at, uint64_t len)
{
	return !memcmp(r->before, r->mem, at) &&
	       !memcmp(r->before + at + len, r->mem + at + len, sizeof(r->mem) - at - len);
}

/* The token of a service, by its property's name; fails the test if there is none. */
static inline uint32_t help_token(const char *name)
{
	for (unsigned int i = 0; i < rtas_num_services; i++) {
		if (!strcmp(rtas_services[i].name, name)) {
			return rtas_services[i].token;
		}
	}
	fail_msg("there is no RTAS service %s", name);
	return 0;
}

#endif
