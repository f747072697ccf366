// SPDX-License-Identifier: Apache-2.0
/*
 * The partition plan: what the owner of the machine asked for, read by dt/dt_plan.c, or from the
 * historic command line form by plan_add_legacy(). Everything here is untrusted until plan_check()
 * has looked at it.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/board.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_MAX_PARTITIONS 8u
#define PLAN_MAX_PHBS	    31u /* as many as there are places for, PHB_MAX_INDEX + 1 */
#define PLAN_MAX_GROUPS	    8u	/* of a bridge, which has room for as many functions */
#define PLAN_MAX_FUNCS	    32u /* options of single functions, in a partition */
#define PLAN_NAME_MAX	    32u
#define PLAN_NODE_MAX	    96u
#define PLAN_POLICY_MAX	    16u
#define PLAN_MATCH_MAX	    1024u
#define PLAN_BOOTARGS_MAX   2048u
#define PLAN_BOOTINDEX_MAX  0x7fffffffu

/* The ids that a guest may be shown in place of its device's. */
enum plan_id { PLAN_VENDOR, PLAN_DEVICE, PLAN_SUBSYS_VENDOR, PLAN_SUBSYS, PLAN_IDS };

struct plan_blob {
	const uint8_t *data; /* inside the bundle */
	size_t size;
};

/* What option ROM a guest has of a function. */
enum plan_rom { PLAN_ROM_OFF, PLAN_ROM_DEVICE, PLAN_ROM_FILE };

/* Options of one function of a group, by the host's BDF. */
struct plan_func {
	char node[PLAN_NODE_MAX];
	uint16_t domain; /* the PHB's number */
	uint16_t bdfn;
	bool hold;   /* keep it from the guest: it counts as there, bus master off (SEED-001.28) */
	bool insist; /* give it to the guest although that is dangerous */
	bool boots;  /* its firmware may start from it, smaller numbers of bootindex first */
	uint8_t ids_given;	      /* bit n: ids[n] is shown, not the device's */
	char policy[PLAN_POLICY_MAX]; /* what the guest is shown of it; empty: the full one */
	uint32_t ids[PLAN_IDS];
	uint32_t bootindex;
	enum plan_rom rom;
	struct plan_blob rom_file;
};

struct plan_phb {
	char node[PLAN_NODE_MAX]; /* where it was said, for messages: a path, or "command line" */
	char id[PLAN_NAME_MAX];	  /* empty: plan_check makes one */
	uint32_t group;		  /* the first of its groups, and those beside it */
	unsigned int nmore;
	uint32_t more[PLAN_MAX_GROUPS - 1];
	uint32_t index;
	uint64_t window_size; /* bytes of the 32-bit DMA window, */
	uint64_t window_page; /* and of its TCE pages */
	bool bypass;
	bool no_ddw; /* the guest makes no DMA windows of its own */
	/* Which functions of its groups the guest gets: texts as core/vfio_match.h has them, inside
	 * the bundle. No bytes: all. */
	uint16_t match_bytes;
	const char *match;
	unsigned int nfuncs;
	struct plan_func *funcs; /* among its partition's */
};

struct plan_partition {
	char node[PLAN_NODE_MAX];
	char name[PLAN_NAME_MAX];
	bool refused;	 /* a line in the log has said why */
	uint64_t memory; /* bytes */
	bool tables_said;
	uint64_t table_bytes; /* the most that its TCE tables may take, if that was said */
	uint32_t vcpus;
	bool console_input; /* gets what is typed */
	char bootargs[PLAN_BOOTARGS_MAX];
	struct plan_blob kernel, initrd;
	unsigned int nphbs;
	struct plan_phb phbs[PLAN_MAX_PHBS];
	unsigned int nfuncs; /* of all its bridges */
	struct plan_func funcs[PLAN_MAX_FUNCS];
};

struct plan {
	unsigned int npartitions;
	struct plan_partition partitions[PLAN_MAX_PARTITIONS];
};

#define PLAN_WINDOW_DEFAULT 0x40000000u
#define PLAN_WINDOW_MIN	    0x00100000u
#define PLAN_WINDOW_MAX	    0x80000000u
#define PLAN_PAGE_SHIFT	    12u /* TCE pages that nothing was said about */
#define PLAN_MEMORY_MIN	    0x01000000u
#define PLAN_MEMORY_UNIT    0x00200000u

/* The groups of a bridge, one or more, in the order of the plan. */
static inline unsigned int plan_ngroups(const struct plan_phb *phb)
{
	return 1 + phb->nmore;
}

static inline uint32_t plan_group(const struct plan_phb *phb, unsigned int i)
{
	return i ? phb->more[i - 1] : phb->group;
}

/* Whether a group is one of the bridge's. */
bool plan_has_group(const struct plan_phb *phb, uint32_t group);

/* "group 3", or "groups 3, 4". */
struct text;
void plan_put_groups(const struct plan_phb *phb, struct text *t);

/* Names of partitions and ids of bridges go to log lines and console prefixes. len does not count
 * the terminator. */
#define PLAN_NAME_RULE "1 to 31 of a-z A-Z 0-9 - _ . and a letter or digit first"
bool plan_name_valid(const char *name, size_t len);

/* One broken rule of a partition: a format that begins "%s: property: ", node first among the
 * arguments, then the rule, a semicolon, and what would be right. Users include core/log.h. */
#define plan_refuse(part, ...)                          \
	do {                                            \
		(part)->refused = true;                 \
		log_msg(LOG_ERR, "plan: " __VA_ARGS__); \
	} while (0)

/*
 * Adds the host bridges named in a command line to the first partition: words of the form
 * "spapr-pci-vfio-host-bridge,id=CXGB3,iommu=26,index=6", keys in any order, id optional; also
 * "spapr-pci-host-bridge,...", the later spelling. Numbers are decimal, without sign and without
 * leading zeros. A word "pci-assign,host=0000:01:00.0" after one of them puts that function of its
 * group under the minimal policy. Other words ("-device" before it among them) are not ours and are
 * skipped. A wrong word is logged with every rule it breaks, adds nothing and refuses the first
 * partition (SEED-001.1). The caller looks after a command line that firmware has cut.
 */
void plan_add_legacy(struct plan *plan, const char *cmdline);

/*
 * Bytes that the TCE tables of this partition may take: what the plan says, or enough for all its
 * bridges at once to map all memory with pages of 4 KiB and their default windows in full.
 */
uint64_t plan_table_bytes(const struct plan_partition *p);

/* Parts of plan_check(): a bridge's default window, of a host that has these TCE pages (bit n: of
 * 2^n bytes), and the partition's tables. */
void plan_check_window(struct plan_partition *p, const struct plan_phb *phb, uint32_t page_shifts);
void plan_check_tables(struct plan_partition *p);

/* Part of plan_check(): every option of every function for itself, whatever the machine is. */
void plan_check_options(struct plan_partition *p);

/* Part of plan_check(): which functions of a bridge's groups are named; and that the groups are
 * complete and no danger (DF-07). A group that there is not has been told of. */
void plan_check_funcs(struct plan_partition *p, const struct plan_phb *phb, const struct board *b);

/* Index into board.groups of the group with this id; -1: there is none. */
int plan_find_group(const struct board *b, uint32_t id);

/* Part of plan_check(): who keeps a group of a bridge from being assigned. */
void plan_list_blockers(
	const struct plan_phb *phb, const struct board *b, const struct host_group *g);

/* Whether a function of the bridge's groups is the guest's: it is not held, and matches. */
bool plan_gives(const struct plan_phb *phb, const struct board *b, const struct host_func *h);

/* The options of a function; NULL: nothing is said about it. */
const struct plan_func *plan_find_func(
	const struct plan_phb *phb, const struct board *b, const struct host_func *h);

/*
 * Holds the plan against the machine: names, indexes, groups, windows, memory, tables, vCPUs,
 * per-function options. Every broken rule is one log line "plan: NODE: PROPERTY: rule; what would
 * be right" and sets refused for that partition, never for another: of two partitions that want one
 * group the first in plan order keeps it. A host bridge without an id gets "phb<index>"
 * (SEED-001.9).
 *
 * A partition that is refused, here or before, holds nothing: neither groups nor memory, cores,
 * name or input are lost to those after it. Of one refused before, only the options of functions
 * are looked at, so that all errors of their nodes are told together (SEED-003.4). Cores are
 * counted as handed out whole, in the order of their numbers. free_mem is what the largest aligned
 * piece of memory is; what the plan wants of it is added up here only roughly, and allocation has
 * the last word.
 *
 * Nodes below a host bridge give options of single functions; all functions of a group belong to
 * the partition, but for those with hold set or without a match, which stay in quarantine.
 */
void plan_check(struct plan *plan, const struct board *b, uint64_t free_mem);

#endif
