// SPDX-License-Identifier: Apache-2.0
/*
 * What a call must answer and do, in the words that tables of cases use. differences.h keeps the
 * outcomes that are another hypervisor's.
 */
#ifndef TESTS_GUEST_PAPR_DMA_OUTCOME_H
#define TESTS_GUEST_PAPR_DMA_OUTCOME_H

#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/args.h"

#include <stdbool.h>
#include <stdint.h>

enum effect {
	/* Of a hypercall; its status is the outcome's. */
	SAME,	 /* no watched entry changed */
	HOLDS,	 /* the entry at the call's address is now the value; no other changed */
	GIVES,	 /* r4 is the value; no entry changed */
	EMPTIES, /* every watched entry is now without access */
	CHANGES, /* not compared: more entries changed, as the name says */
	/* Of an RTAS call; the status is that of RTAS. */
	ANSWERS,       /* H_SUCCESS; results may be written */
	STATUS_ONLY,   /* H_SUCCESS; of the results only the status is written */
	WRITES_NONE,   /* H_SUCCESS; no result is written */
	CALL_REFUSED,  /* H_PARAMETER; nothing is written */
	TOKEN_REFUSED, /* H_PARAMETER; only the status is written */
	/* Of either, or of a test that is no table's. */
	OTHERWISE, /* as the words say; the test itself knows */
	SKIPPED,   /* not made here */
};

struct outcome {
	int64_t status;
	enum effect effect;
	struct arg value;
	const char *words;
};

/* clang-format off */
#define REFUSED(code)	 {code, SAME, {SYM_NONE, 0}, ""}
#define DONE		 {H_SUCCESS, SAME, {SYM_NONE, 0}, ""}
#define STORED(...)	 {H_SUCCESS, HOLDS, __VA_ARGS__, ""}
#define GIVEN(...)	 {H_SUCCESS, GIVES, __VA_ARGS__, ""}
#define PARTLY(code)	 {code, CHANGES, {SYM_NONE, 0}, ""}
#define EMPTIED		 {H_SUCCESS, EMPTIES, {SYM_NONE, 0}, ""}
#define ANSWERED	 {0, ANSWERS, {SYM_NONE, 0}, ""}
#define STATUS(code)	 {code, STATUS_ONLY, {SYM_NONE, 0}, ""}
#define SILENT		 {0, WRITES_NONE, {SYM_NONE, 0}, ""}
#define BAD_CALL	 {0, CALL_REFUSED, {SYM_NONE, 0}, ""}
#define BAD_TOKEN	 {-3, TOKEN_REFUSED, {SYM_NONE, 0}, ""}
#define NOT_HERE	 {0, SKIPPED, {SYM_NONE, 0}, ""}
#define WORDS(text)	 {0, OTHERWISE, {SYM_NONE, 0}, text}
#define P		 H_PARAMETER
/* clang-format on */

#endif
