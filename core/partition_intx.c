// SPDX-License-Identifier: Apache-2.0
/*
 * The pins of a host bridge's functions: which line of the host's each is, which lines are the
 * guest's, and which of its sources they are.
 *
 * A host bridge has four lines for all that is below it. One that several guest bridges share goes
 * to the first of them that asks, which is the order of the plan, and stays with it: the pins of
 * the others are kept quiet by their INTx-disable bit, and a guest whose function it is not to be
 * has no pin there. Where a function has no such bit nobody gets a line that it shares. A line that
 * nobody has is masked at its source.
 */
#include "core/partition_parts.h"
#include "core/xics.h"

/* The bridge that leads to a bus; NULL: there is none. Numbers rise on the way down. */
static const struct host_func *find_bridge(
	const struct board *b, unsigned int phb, unsigned int bus)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->phb == phb && f->secondary == bus && f->bdfn >> 8 < bus) {
			return f;
		}
	}
	return NULL;
}

/* Pins are turned by the device number at each bridge on the way up; on bus 0 they are the host
 * bridge's lines, whatever the slot (SEED-003.39). -1: no pin, or no way up (SEED-003.38). */
static int line_of(const struct board *b, const struct host_func *f)
{
	unsigned int line = f->int_pin - 1u;
	uint16_t bdfn = f->bdfn;

	if (line >= PCI_NUM_PINS) {
		return -1;
	}
	while (bdfn >> 8) {
		const struct host_func *bridge = find_bridge(b, f->phb, bdfn >> 8);

		if (!bridge) {
			return -1;
		}
		line += bdfn >> 3 & 0x1f;
		bdfn = bridge->bdfn;
	}
	return (int)(line % PCI_NUM_PINS);
}

/* The first bridge that asks has it for good, by its first group, so that a guest that starts again
 * finds its own. */
static bool claim_line(struct host_phb *phb, unsigned int line, unsigned int group)
{
	uint8_t none = 0, mine = (uint8_t)(group + 1);

	return atomic_compare_exchange_strong(&phb->lsi_group[line], &none, mine) || none == mine;
}

/* None of its pins could be the guest's: others may have the line. */
static void unclaim_line(struct host_phb *phb, unsigned int line)
{
	atomic_store(&phb->lsi_group[line], 0);
}

static bool is_bound(const struct partition_phb *bound, unsigned int n, const struct host_func *f)
{
	for (unsigned int i = 0; i < n; i++) {
		if (bound->funcs[i].host == f) {
			return true;
		}
	}
	return false;
}

/* A bridge's own pin does not count: its registers are ours, and nothing there asks for one. */
static bool line_is_ours(struct partition *p, unsigned int n, unsigned int phb, unsigned int line)
{
	const struct board *b = p->board;
	bool shared = false, all_mask = true;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *f = &b->funcs[i];

		if (f->phb == phb && f->header_type != 1 && line_of(b, f) == (int)line) {
			shared = shared || !is_bound(&p->bound[n], p->phbs[n].nfuncs, f);
			all_mask = all_mask && f->masks_intx;
		}
	}
	return (!shared || all_mask) &&
	       claim_line(&p->board->phbs[phb], line, p->bound[n].groups[0]->host);
}

/* What feeds the guest's four sources; 0: nothing yet. */
struct feeds {
	uint32_t from[PCI_NUM_PINS];
};

/* Which of the guest's sources the host's one is: that of the line, or if another host bridge's has
 * that, as it may be with groups of several, one that is free. -1: there is none. Functions of one
 * guest share a line as on any machine: it may be there already. */
static int feed(struct partition *p, unsigned int n, struct feeds *feeds, unsigned int line,
	uint32_t source)
{
	for (unsigned int i = 0; i < PCI_NUM_PINS; i++) {
		if (feeds->from[i] == source) {
			return (int)i;
		}
	}
	for (unsigned int i = line; i < line + PCI_NUM_PINS; i++) {
		unsigned int k = i % PCI_NUM_PINS;

		if (!feeds->from[k] && !xics_add_source(p, p->phbs[n].at.lsi + k, source, true)) {
			feeds->from[k] = source;
			return (int)k;
		}
	}
	return -1;
}

/* A guest that starts again and again says so every time. */
static void say_no_pin(struct partition *p, const struct host_func *h, int line, const char *why)
{
	log_limited(&p->log, LOG_NOTICE, "%s: %02x:%02x.%x: no INTx: %s line %c", p->name,
		h->bdfn >> 8, h->bdfn >> 3 & 0x1f, h->bdfn & 7, why, 'A' + line);
}

static void route_pin(struct partition *p, unsigned int n, struct feeds *feeds, unsigned int i)
{
	struct phb *phb = &p->phbs[n];
	struct partition_func *pf = &p->bound[n].funcs[i];
	struct host_phb *host = &p->board->phbs[pf->host->phb];
	int line = line_of(p->board, pf->host);
	int k;

	if (line < 0 || !host->lsi_first) {
		return;
	}
	if (!line_is_ours(p, n, pf->host->phb, (unsigned int)line)) {
		say_no_pin(p, pf->host, line, "other functions of the host bridge share");
		return;
	}
	k = feed(p, n, feeds, (unsigned int)line, host->lsi_first + (uint32_t)line);
	if (k < 0) {
		unclaim_line(host, (unsigned int)line);
		say_no_pin(p, pf->host, line, "no source of its guest is left for");
		return;
	}
	pf->intx = phb->at.lsi + (uint32_t)k;
	pci_func_route_intx(&phb->funcs[i]);
}

void partition_route_intx(struct partition *p, unsigned int n)
{
	struct feeds feeds = {{0}};

	for (unsigned int i = 0; i < p->phbs[n].nfuncs; i++) {
		route_pin(p, n, &feeds, i);
	}
}
