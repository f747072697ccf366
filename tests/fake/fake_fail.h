// SPDX-License-Identifier: Apache-2.0
/*
 * Which calls of a fake fail. All zeros: none.
 */
#ifndef TESTS_FAKE_FAIL_H
#define TESTS_FAKE_FAIL_H

#include <stdbool.h>
#include <stdint.h>

struct fake_fail {
	unsigned int at; /* the at-th call from now fails, counting from 1; 0: it is over */
	uint64_t then;	 /* bit n: so does the n-th after it, from 0; the top bit: and all later */
	int err;	 /* what it returns */
	bool late;	 /* after its work, not before */
};

/* Counts a call: 0, or the error of one that fails. */
static inline int fake_fail_next(struct fake_fail *f)
{
	bool fails;

	if (f->at) {
		fails = !--f->at;
	} else {
		fails = f->then & 1;
		f->then = f->then >> 1 | (f->then & 1ull << 63);
	}
	return fails ? f->err : 0;
}

#endif
