// SPDX-License-Identifier: Apache-2.0
/*
 * What a plan may say about single functions of a group, and what a group must be like to be given
 * to a guest.
 */
#include "core/plan.h"

#include "core/host_pci.h"
#include "core/log.h"
#include "core/pci_policy.h"
#include "core/pci_rom.h"
#include "core/phb.h"
#include "core/text.h"
#include "core/vfio_match.h"

#include <inttypes.h>
#include <string.h>

/* Who has such a function reaches further than its PE, by ways that no IOMMU sees: it is not given
 * to a guest unless the plan insists (DF-07). */
struct danger {
	uint16_t vendor, device;
	const char *why;
};

static const struct danger dangers[] = {
	{0x1a03, 0x2000, "a BMC's graphics, a way into the memory of the BMC"},
};

/* NULL: it is none. */
static const char *danger_of(const struct host_func *f)
{
	for (unsigned int i = 0; i < sizeof(dangers) / sizeof(dangers[0]); i++) {
		if (f->vendor == dangers[i].vendor && f->device == dangers[i].device) {
			return dangers[i].why;
		}
	}
	return f->passes_iommu ? "a virtio device whose DMA no IOMMU sees, since it does not offer "
				 "VIRTIO_F_ACCESS_PLATFORM"
			       : NULL;
}

static bool func_is(const struct board *b, const struct host_func *h, const struct plan_func *f)
{
	return (uint16_t)b->phbs[h->phb].id == f->domain && h->bdfn == f->bdfn;
}

const struct plan_func *plan_find_func(
	const struct plan_phb *phb, const struct board *b, const struct host_func *h)
{
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		if (func_is(b, h, &phb->funcs[i])) {
			return &phb->funcs[i];
		}
	}
	return NULL;
}

bool plan_gives(const struct plan_phb *phb, const struct board *b, const struct host_func *h)
{
	const struct plan_func *f = plan_find_func(phb, b, h);

	return !(f && f->hold) && vfio_match(phb->match, phb->match_bytes, h);
}

static bool is_of(const struct plan_phb *phb, const struct board *b, const struct host_func *h)
{
	return h->group >= 0 && plan_has_group(phb, b->groups[h->group].id);
}

/* The function of the bridge's groups that these options are for; NULL: there is none. */
static const struct host_func *find_host(
	const struct plan_phb *phb, const struct board *b, const struct plan_func *f)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (is_of(phb, b, &b->funcs[i]) && func_is(b, &b->funcs[i], f)) {
			return &b->funcs[i];
		}
	}
	return NULL;
}

/* Functions as in "0001:03:00.0", for arguments of log_msg. */
#define FUNC_FMT     "%04x:%02x:%02x.%u"
#define FUNC_ARGS(f) (f)->domain, (f)->bdfn >> 8, (f)->bdfn >> 3 & 0x1fu, (f)->bdfn & 7u

/* Options may only name functions that the groups have, each once (SEED-001.77). */
static void check_functions(
	const struct board *b, struct plan_partition *p, const struct plan_phb *phb)
{
	for (unsigned int i = 0; i < phb->nfuncs; i++) {
		const struct plan_func *f = &phb->funcs[i];
		const struct host_func *h = find_host(phb, b, f);

		if (!h) {
			plan_refuse(p,
				"%s: host: " FUNC_FMT
				" is in no group of the bridge; options are for its own functions",
				f->node, FUNC_ARGS(f));
		} else if (f->rom == PLAN_ROM_DEVICE && h->rom.size > PCI_ROM_MAX) {
			plan_refuse(p,
				"%s: rom: that of " FUNC_FMT " is of %" PRIu64
				" bytes; at most %u, or a file",
				f->node, FUNC_ARGS(f), h->rom.size, PCI_ROM_MAX);
		}
		for (unsigned int k = 0; k < i; k++) {
			if (phb->funcs[k].domain == f->domain && phb->funcs[k].bdfn == f->bdfn) {
				plan_refuse(p,
					"%s: host: " FUNC_FMT
					" has options in %s already; one node per function",
					f->node, FUNC_ARGS(f), phb->funcs[k].node);
				break;
			}
		}
	}
}

/* The reason is said in one line; who it is, and why that is everybody's matter, in others. */
void plan_list_blockers(
	const struct plan_phb *phb, const struct board *b, const struct host_group *g)
{
	struct text t = {0};

	text_add(&t, "plan: ");
	text_add(&t, phb->node);
	text_add(&t, ": iommu: ");
	host_pci_print_blockers(b, g, t.s);
}

/* A group as a whole: all functions the scan met are known, and the guest gets at least one of
 * them (DF-06). How many it gets. */
static unsigned int check_members(
	const struct board *b, struct plan_partition *p, const struct plan_phb *phb, int group)
{
	unsigned int known = 0, given = 0, all = b->groups[group].nfuncs, id = b->groups[group].id;

	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (b->funcs[i].group == group) {
			known++;
			given += plan_gives(phb, b, &b->funcs[i]);
		}
	}
	if (known != all) {
		plan_refuse(p,
			"%s: iommu: functions of group %u are incomplete, %u of %u known; "
			"a group is given whole or not at all",
			phb->node, id, known, all);
	} else if (!given) {
		plan_refuse(p,
			"%s: iommu: group %u has no function left to give, %u held of %u; "
			"at least one that matches, without hold",
			phb->node, id, known, all);
	}
	return given;
}

/* And all groups together have room in the bridge. */
static void check_groups(
	const struct board *b, struct plan_partition *p, const struct plan_phb *phb)
{
	unsigned int given = 0;

	for (unsigned int i = 0; i < plan_ngroups(phb); i++) {
		int group = plan_find_group(b, plan_group(phb, i));

		given += group < 0 ? 0 : check_members(b, p, phb, group);
	}
	if (given > PHB_MAX_FUNCS) {
		plan_refuse(p, "%s: iommu: %u functions in all; at most %u, the others with hold",
			phb->node, given, PHB_MAX_FUNCS);
	}
}

static void check_dangers(
	const struct board *b, struct plan_partition *p, const struct plan_phb *phb)
{
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		const struct host_func *h = &b->funcs[i];
		const char *danger = is_of(phb, b, h) ? danger_of(h) : NULL;
		const struct plan_func *f = danger ? plan_find_func(phb, b, h) : NULL;
		const struct plan_func at = {
			.domain = (uint16_t)b->phbs[h->phb].id, .bdfn = h->bdfn};

		if (!danger || !plan_gives(phb, b, h)) {
			continue;
		}
		if (f && f->insist) {
			log_msg(LOG_WARN,
				"plan: %s: insist: " FUNC_FMT " is given to a guest; it is %s",
				f->node, FUNC_ARGS(&at), danger);
		} else {
			plan_refuse(p,
				"%s: iommu: " FUNC_FMT
				" of group %u is %s; hold, or insist in a node of its own",
				phb->node, FUNC_ARGS(&at), b->groups[h->group].id, danger);
		}
	}
}

/* The first that is wrong: there may be any number. */
static void check_match(struct plan_partition *p, const struct plan_phb *phb)
{
	if (phb->match_bytes && phb->match[phb->match_bytes - 1]) {
		plan_refuse(p, "%s: match: is not texts; match = \"8086 10d3\";", phb->node);
		return;
	}
	for (size_t at = 0; at < phb->match_bytes; at += strlen(phb->match + at) + 1) {
		if (vfio_check_match(phb->match + at)) {
			plan_refuse(p,
				"%s: match: \"%.64s\" names no functions; vendor device "
				"[subvendor subdevice [class class_mask]] in hex, - before it for "
				"those left out",
				phb->node, phb->match + at);
			return;
		}
	}
}

void plan_check_funcs(struct plan_partition *p, const struct plan_phb *phb, const struct board *b)
{
	check_functions(b, p, phb);
	check_match(p, phb);
	check_groups(b, p, phb);
	check_dangers(b, p, phb);
}

/* 1 to PLAN_POLICY_MAX - 1 bytes and a terminator, or nothing: who wrote them is not known here. */
static void check_policy(struct plan_partition *p, const struct plan_func *f)
{
	if (f->policy[0] &&
		(!memchr(f->policy, '\0', sizeof(f->policy)) || !pci_policy_find(f->policy))) {
		plan_refuse(p, "%s: policy: \"%.15s\" is no policy; full or minimal", f->node,
			f->policy);
	}
}

/* All ones is what a function that is not there has for a vendor (SEED-001.22). */
static void check_ids(struct plan_partition *p, const struct plan_func *f)
{
	static const struct {
		const char *key;
		uint32_t most;
	} rules[PLAN_IDS] = {
		[PLAN_VENDOR] = {"vendor-id", 0xfffe},
		[PLAN_DEVICE] = {"device-id", 0xffff},
		[PLAN_SUBSYS_VENDOR] = {"subsystem-vendor-id", 0xffff},
		[PLAN_SUBSYS] = {"subsystem-id", 0xffff},
	};

	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		if (f->ids_given >> i & 1 && f->ids[i] > rules[i].most) {
			plan_refuse(p, "%s: %s: 0x%" PRIx32 " is no id; 0 to 0x%" PRIx32, f->node,
				rules[i].key, f->ids[i], rules[i].most);
		}
	}
}

/* Two with one number have no order (SEED-003.44). */
static void check_bootindex(struct plan_partition *p, const struct plan_func *f)
{
	if (!f->boots) {
		return;
	}
	if (f->bootindex > PLAN_BOOTINDEX_MAX) {
		plan_refuse(p, "%s: bootindex: %" PRIu32 " is too large; 0 to %u", f->node,
			f->bootindex, PLAN_BOOTINDEX_MAX);
	}
	for (const struct plan_func *o = p->funcs; o < f; o++) {
		if (o->boots && o->bootindex == f->bootindex) {
			plan_refuse(p,
				"%s: bootindex: %" PRIu32
				" is used by %s; each number once in a partition",
				f->node, f->bootindex, o->node);
			return;
		}
	}
}

/* A file may hold anything; the device's own is looked at when it is read. */
static void check_rom(struct plan_partition *p, const struct plan_func *f)
{
	const char *why;

	if (f->rom != PLAN_ROM_FILE) {
		return;
	}
	if (f->rom_file.size > PCI_ROM_MAX) {
		plan_refuse(p, "%s: rom: %zu bytes are too many; at most %u", f->node,
			f->rom_file.size, PCI_ROM_MAX);
	} else if (pci_rom_check(f->rom_file.data, f->rom_file.size, &why)) {
		plan_refuse(p,
			"%s: rom: is no option ROM (%s); \"device\", \"off\" or a file by "
			"/incbin/",
			f->node, why);
	}
}

void plan_check_options(struct plan_partition *p)
{
	for (unsigned int i = 0; i < p->nfuncs; i++) {
		check_policy(p, &p->funcs[i]);
		check_ids(p, &p->funcs[i]);
		check_bootindex(p, &p->funcs[i]);
		check_rom(p, &p->funcs[i]);
	}
}
