// SPDX-License-Identifier: Apache-2.0
/*
 * The specification of the TCE calls and dynamic DMA windows in a form that runs: what a guest is
 * told and what its devices reach, without a word about how. Written from docs/HCALLS.md,
 * docs/RTAS.md and LoPAR; it shares no code and no header with what it describes.
 *
 * It has one answer to everything but for the choices below, where it looks at what was answered
 * and says whether that may be:
 *  - how far one trap of H_STUFF_TCE goes (at least 512 TCEs, at most 512 of them live);
 *  - the largest window that a query announces; it must then be possible to make and fill it;
 *  - whether memory for tables or the hardware has failed, where the caller says that it may. Calls
 *    that want memory have then changed nothing. Hardware that does not confirm an invalidation
 *    leaves each TCE of the call the old or the new one until the same call succeeds; a failed
 *    remove or reset leaves the bridge's windows unknown until the partition starts again, but for
 *    the window that was to be removed: that is gone.
 */
#ifndef TESTS_SPEC_SPEC_H
#define TESTS_SPEC_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#define SPEC_NREGS	 10u /* r3 .. r12 */
#define SPEC_MAX_BRIDGES 2u
#define SPEC_WINDOWS	 2u

enum spec_service { SPEC_QUERY, SPEC_CREATE, SPEC_REMOVE, SPEC_RESET, SPEC_SERVICES };

enum spec_next { SPEC_RETURN, SPEC_REPEAT, SPEC_STOP };

/* A page that has had a TCE once, and what it has now; 0: nothing. */
struct spec_entry {
	uint64_t page;
	uint64_t tce;
};

struct spec_window {
	bool open, is_default;
	bool promised; /* there is memory for all of it */
	uint64_t base, npages;
	unsigned int shift;
	unsigned int nentries, room;
	struct spec_entry *entries; /* sorted */
};

/* Page sizes are masks: bit n is pages of 2^n bytes. */
struct spec_bridge {
	unsigned int index;
	uint64_t default_size; /* bytes */
	unsigned int default_shift;
	uint32_t pages, host_pages; /* what a window may have, and what the IOMMU has */
	bool ddw, plan_bypass;
	bool bypass; /* now */
	struct spec_window windows[SPEC_WINDOWS];
	bool unknown; /* a failed remove or reset: ask nothing before the next start */
};

struct spec_partition {
	bool running;
	bool unconfirmed; /* the last call was: make it again; the caller takes it back */
	uint8_t *ram;	  /* as the guest must see it; ram_size bytes */
	uint64_t ram_size;
	uint32_t tokens[SPEC_SERVICES];
	unsigned int nbridges;
	struct spec_bridge bridges[SPEC_MAX_BRIDGES];
	/* So many TCEs have been promised for a bridge by a query that was the last call (NULL: it
	 * was another), and by one that was the call before. */
	const struct spec_bridge *promised_to, *was_promised_to;
	uint64_t promise;
};

/* One trap: registers in, registers and what comes next out. */
struct spec_trap {
	uint64_t regs[SPEC_NREGS];
	bool problem, sf32;
	enum spec_next next;
};

/* What was answered, for the choices: the trap's outcome and the guest's memory after it. */
struct spec_seen {
	const struct spec_trap *trap;
	const uint8_t *ram;
	bool may_fail, may_run_out;
};

/* As at the start of a partition: default windows, empty; none others. ram is the caller's. */
void spec_start(struct spec_partition *p);

/* No window any more. */
void spec_stop(struct spec_partition *p);

/* Makes *t what must have come of it, p->ram included. The token of any service that is not in
 * p->tokens must be one that nobody has. */
void spec_trap(struct spec_partition *p, struct spec_trap *t, const struct spec_seen *seen);

/* The owner of the machine switches bypass, which may be refused where memory runs out, too:
 * whether that must have succeeded, and then it has. */
bool spec_bypass(struct spec_partition *p, struct spec_bridge *b, bool on, bool refused);

/* The TCE of a page of a window. */
uint64_t spec_lookup(const struct spec_window *w, uint64_t page);

/* What a device of the bridge reaches at a bus address; NULL: nothing. */
uint8_t *spec_dma(
	const struct spec_partition *p, const struct spec_bridge *b, uint64_t iova, bool write);

/* LIOBN of a bridge's window. */
uint64_t spec_liobn(const struct spec_bridge *b, unsigned int slot);

#endif
