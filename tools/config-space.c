// SPDX-License-Identifier: Apache-2.0
/*
 * Writes docs/CONFIG-SPACE.md from the permission tables: `make docs`. What is no table is text
 * here. With --script it writes the same for tests/guest-linux/check-config, which tries it with
 * setpci.
 */
#include "core/pci_policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char intro[] =
	"# Config space\n\n"
	"What a guest reads in the config space of a function that is assigned to it, what its "
	"writes do, and what of it\nreaches the device, bit by bit. This file is made from the "
	"tables "
	"that decide it (`core/vfio_perm_table.c`,\n`core/pci_policy.c`) by `make docs`; "
	"`make lint` fails when they differ. A boot test tries it in a\nLinux guest with `lspci` "
	"and "
	"`setpci`.\n\n"
	"How an access goes:\n\n"
	"- Each bit is *ours*, a copy, or *the device's*, read live. An access of which all bits "
	"are "
	"ours makes no cycle.\n"
	"- A write reaches the device first, in one cycle, the smallest that has all bits a guest "
	"may "
	"change there; bits\n  beside them keep what they are, those that a written 1 clears are "
	"written as 0. Then the copy changes, and what\n  depends on it follows: mappings, "
	"messages, a "
	"reset.\n"
	"- A read that fails is all ones, and the function is gone from then on: all ones, and "
	"writes "
	"are dropped.\n"
	"- While a function is reset or changes its power state it reads all ones and takes no "
	"write, "
	"and no cycle reaches\n  it. It is looked at again at the guest's next access: after 100 "
	"ms (a "
	"reset) or 10 ms (power), then every 10 ms,\n  for a minute; after that it is gone and its "
	"group "
	"is not assigned again. Afterwards the guest's config space and\n  its messages are what "
	"they "
	"were.\n"
	"- Of the header and of a capability that is shown, bytes that are no register (*none* in "
	"the "
	"tables) are the device's, and\n  no write changes them. A capability that no table names "
	"is "
	"not there, and neither is what lies between those that\n  are: it reads 0 and takes no "
	"write. "
	"In extended space that does not exist there is no access at all (RTAS answers -1,\n  "
	"which "
	"a "
	"guest takes for all ones).\n"
	"- Capabilities keep their places and their order. One that is too short, or longer than "
	"the "
	"room to the next one, is\n  hidden; so is the second of a kind, but for vendors', and so "
	"is "
	"one through which a guest could write to the device\n  and that starts inside the "
	"registers "
	"of another one. Of an extended list that goes on where we do not follow it\n  (backward, "
	"to "
	"an odd place, behind the 64th) nothing is shown: what is behind may lie over the rest.\n"
	"- Whatever a guest writes, and whatever the device says it is: the device's BARs, its ROM "
	"BAR, "
	"its messages, what it\n  does to the link, to bridges and to other functions, and the "
	"registers of capabilities that are not shown, stay as\n  the host has them "
	"(`tests/unit/test_pci_hostile.c`).\n\n"
	"Decided here, because the sources differ:\n\n"
	"- **STATUS**: error bits (0xf900) clear by a written 1, in the device, under both "
	"policies: "
	"they are this function's\n  own record.\n"
	"- **BIST** reads 0 (\"cannot\") and takes no write under either policy: a self-test takes "
	"the "
	"function off the bus for\n  up to two seconds.\n"
	"- **Cache line size, latency timer** are a copy (full) or the device's (minimal); the "
	"largest "
	"latency is 255 clocks.\n"
	"- **COMMAND**: bus master is the device's. Memory enable decides over the guest's "
	"mappings "
	"alone, the device's decoder\n  stays as the host placed it; behind a BAR that is off a "
	"load is "
	"all ones and a store is dropped. I/O enable reads 0:\n  there is no I/O space. INTx "
	"disable "
	"follows the guest's once INTx is routed, and is set until then, when the\n"
	"  interrupt pin reads 0.\n"
	"- **VPD** goes to the device as it is written, one cycle an access: a device that never "
	"answers keeps its guest waiting\n  and nobody else.\n"
	"- **Option ROM**: its BAR reads 0, or where a plan says `rom`, has the size of that ROM "
	"and "
	"an enable bit; behind it are\n  bytes of ours. The device's own ROM is off.\n"
	"- Ids may be replaced (a plan's `vendor-id` and so on); they are then ours.\n\n"
	"In the tables, *copy* means ours and as the guest wrote it, from 0 on if nothing else is "
	"said; "
	"*frozen* means ours and\nas the device had it when it was assigned; *live* means the "
	"device's.\n";

struct id_name {
	unsigned int id;
	const char *name, *why;
};

static const struct id_name std_names[] = {
	{0x02, "AGP", "of a bus that is not there"},
	{0x04, "Slot Identification", "says where in the host"},
	{0x06, "CompactPCI Hot Swap", "the slot is the host's"},
	{0x08, "HyperTransport", "address maps of the host"},
	{0x0a, "Debug Port", "a second way into a BAR"},
	{0x0b, "CompactPCI resource control", "the slot is the host's"},
	{0x0c, "Hot-Plug", "the slot is the host's"},
	{0x0d, "Bridge subsystem ids", "of bridges"},
	{0x0e, "AGP 8x", "of a bus that is not there"},
	{0x0f, "Secure Device", "no driver knows it"},
	{0x12, "SATA index and data", "a second way into a BAR"},
	{0x14, "Enhanced Allocation", "would place BARs where the host has them"},
};

static const struct id_name ext_names[] = {
	{0x02, "Virtual Channel", "arbitration of the link"},
	{0x05, "Root Complex Link Declaration", "of the host"},
	{0x06, "Root Complex Internal Link", "of the host"},
	{0x07, "Root Complex Event Collector", "of the host"},
	{0x08, "Multi-Function Virtual Channel", "arbitration with other functions"},
	{0x09, "Virtual Channel", "arbitration of the link"},
	{0x0a, "Root Complex Register Block", "of the host"},
	{0x0d, "Access Control Services", "what keeps functions apart"},
	{0x0e, "Alternative Routing-ID", "changes requester ids"},
	{0x0f, "Address Translation Services", "the device would make host addresses"},
	{0x10, "SR-IOV", "functions that nobody assigned"},
	{0x11, "Multi-Root I/O Virtualization", "functions that nobody assigned"},
	{0x12, "Multicast", "writes to others"},
	{0x13, "Page Request", "needs address translation services"},
	{0x15, "Resizable BAR", "BARs would grow over others"},
	{0x16, "Dynamic Power Allocation", "the slot's power"},
	{0x17, "TPH Requester", "steers the host's caches"},
	{0x18, "Latency Tolerance Reporting", "messages to the root"},
	{0x19, "Secondary PCI Express", "the link"},
	{0x1b, "PASID", "more address spaces than the PE has"},
	{0x1d, "Downstream Port Containment", "of ports"},
	{0x1e, "L1 PM Substates", "the link"},
	{0x1f, "Precision Time Measurement", "messages to the root"},
	{0x23, "Designated Vendor-Specific", "may be of the link, as CXL's"},
	{0x25, "Data Link Feature", "the link"},
	{0x26, "Physical Layer 16 GT/s", "the link"},
	{0x27, "Lane Margining", "the link"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool bit(uint32_t mask, unsigned int n)
{
	return mask >> n & 1;
}

/* Whether two bits of a field are of one kind. */
static bool same(const struct vfio_perm_field *f, unsigned int a, unsigned int b)
{
	return bit(f->virt, a) == bit(f->virt, b) && bit(f->write, a) == bit(f->write, b) &&
	       bit(f->keep, a) == bit(f->keep, b) && bit(f->set, a) == bit(f->set, b) &&
	       bit(f->act_bits, a) == bit(f->act_bits, b) &&
	       bit(f->write & f->w1c, a) == bit(f->write & f->w1c, b);
}

static const char *reads(const struct vfio_perm_field *f, unsigned int n)
{
	if (!bit(f->virt, n)) {
		return "live";
	}
	if (f->act == VFIO_PERM_BAR) {
		return "copy, of which the bits below the size are fixed";
	}
	if (bit(f->write, n)) {
		return bit(f->keep, n)	? "copy, from the device's on"
		       : bit(f->set, n) ? "copy, from 1 on"
					: "copy";
	}
	return bit(f->keep, n) ? "frozen" : bit(f->set, n) ? "1" : "0";
}

static const char *writes(const struct vfio_perm_field *f, unsigned int n)
{
	if (bit(f->act_bits, n)) {
		return f->act == VFIO_PERM_FLR ? "a 1 resets the function, if it can"
					       : "D0 or D3hot, others nothing";
	}
	if (!bit(f->write, n)) {
		return "nothing";
	}
	if (!bit(f->virt, n)) {
		return bit(f->w1c, n) ? "a 1 clears it in the device" : "the device";
	}
	switch (f->act) {
	case VFIO_PERM_COMMAND:
		return "the copy; mappings and INTx follow";
	case VFIO_PERM_BAR:
		return "the copy; the mapping moves";
	case VFIO_PERM_MSI:
		return "the copy; the device follows what was granted";
	default:
		return "the copy";
	}
}

/* What no table says, because it differs from function to function. */
static const char *reads_special(
	const struct vfio_perm *p, const struct vfio_perm_field *f, unsigned int n)
{
	if (!p->size) {
		if (f->off == PCI_CAP_PTR || (f->off == PCI_STATUS && bit(f->virt, n))) {
			return "our list";
		}
		return f->off == PCI_HEADER_TYPE && n == 7 ? "whether the guest has more there"
							   : NULL;
	}
	if (f == p->fields) {
		return "our list";
	}
	if (p->id == PCI_CAP_PCIX && f->off == PCI_PCIX_STATUS && n < 16) {
		return "where its guest sees it";
	}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void print_field(const struct vfio_perm *p, const struct vfio_perm_field *f)
{
	unsigned int bits = f->len ? 8u * f->len : 8;

	for (unsigned int high = bits; high;) {
		unsigned int low = high - 1;
		const char *special = reads_special(p, f, low);

		while (low && same(f, low - 1, high - 1) &&
			same_text(reads_special(p, f, low - 1), special)) {
			low--;
		}
		if (f->len) {
			printf("| 0x%02x | ", f->off);
		} else {
			printf("| 0x%02x to end | ", f->off);
		}
		if (high - low == bits) {
			printf("all");
		} else if (high - 1 == low) {
			printf("%u", low);
		} else {
			printf("%u:%u", high - 1, low);
		}
		printf(" | %s | %s | %s |\n", f->name, special ? special : reads(f, low),
			writes(f, low));
		high = low;
	}
}

/* Bytes that the row shows at most; 0: as many as the device says. */
static unsigned int size_of(const struct vfio_perm *p)
{
	static const uint16_t flags[] = {1, 2, 6, 0x80, 0};
	unsigned int size = 0;

	if (!p->size) {
		return PCI_CAP_FIRST;
	}
	for (size_t i = 0; i < COUNT(flags) && !size; i++) {
		size = p->size(&(struct vfio_perm_probe){.flags = flags[i], .room = PCI_CAP_LIMIT});
	}
	return p->fields[p->nfields - 1].len ? size : 0;
}

static void print_gap(unsigned int from, unsigned int to)
{
	if (from + 1 < to) {
		printf("| 0x%02x to 0x%02x | all | none | live | nothing |\n", from, to - 1);
	} else if (from < to) {
		printf("| 0x%02x | all | none | live | nothing |\n", from);
	}
}

static void print_table(const struct vfio_perm *p)
{
	unsigned int at = 0;

	printf("\n| offset | bits | register | reads | a write changes |\n|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < p->nfields; i++) {
		print_gap(at, p->fields[i].off);
		print_field(p, &p->fields[i]);
		at = (unsigned int)p->fields[i].off + p->fields[i].len;
	}
	print_gap(at, size_of(p));
}

/* Bytes that the rows of one id show, in all. */
static void print_sizes(const struct vfio_perm *rows, unsigned int n, unsigned int id)
{
	const char *between = "";

	printf(" | ");
	for (unsigned int i = 0; i < n; i++) {
		if (rows[i].id != id) {
			continue;
		}
		if (size_of(&rows[i])) {
			printf("%s%u bytes", between, size_of(&rows[i]));
		} else {
			printf("as long as it says");
		}
		between = " or ";
	}
	printf("%s", *between ? "" : "not shown");
}

static void print_overview_of(const struct vfio_perm *full, unsigned int nfull,
	const struct vfio_perm *minimal, unsigned int nminimal)
{
	for (unsigned int i = 0; i < nfull; i++) {
		const char *name = full[i].name;

		if (i && full[i - 1].id == full[i].id) {
			continue;
		}
		printf("| 0x%02x | %.*s", full[i].id, (int)strcspn(name, ","), name);
		print_sizes(full, nfull, full[i].id);
		print_sizes(minimal, nminimal, full[i].id);
		printf(" |\n");
	}
}

static void print_overview(void)
{
	const struct pci_policy *f = &pci_policy_full, *m = &pci_policy_minimal;

	printf("\n## At a glance\n\nWhat is shown of a capability that the device has:\n\n"
	       "| id | capability | `%s` | `%s` |\n|---|---|---|---|\n",
		f->name, m->name);
	print_overview_of(f->std, f->nstd, m->std, m->nstd);
	printf("\nOf PCI Express, version 2, at least %u bytes, where there is no room for more.\n",
		PCI_EXP_MIN_V2);
	printf("\nAnd of extended ones, which a conventional function does not have:\n\n"
	       "| id | capability | `%s` | `%s` |\n|---|---|---|---|\n",
		f->name, m->name);
	print_overview_of(f->ext, f->next, m->ext, m->next);
}

static void print_policy(const struct pci_policy *p)
{
	printf("\n## Policy `%s`\n\n### Header\n", p->name);
	print_table(p->header);
	for (unsigned int i = 0; i < p->nstd; i++) {
		printf("\n### Capability 0x%02x: %s\n", p->std[i].id, p->std[i].name);
		print_table(&p->std[i]);
	}
	for (unsigned int i = 0; i < p->next; i++) {
		printf("\n### Extended capability 0x%02x: %s\n", p->ext[i].id, p->ext[i].name);
		print_table(&p->ext[i]);
	}
	if (!p->next) {
		printf("\nExtended config space does not exist.\n");
	}
}

static bool has(const struct vfio_perm *rows, unsigned int n, unsigned int id)
{
	for (unsigned int i = 0; i < n; i++) {
		if (rows[i].id == id) {
			return true;
		}
	}
	return false;
}

static int print_hidden(const char *what, const struct id_name *names, size_t n,
	const struct vfio_perm *rows, unsigned int nrows)
{
	printf("\n| %s | | why |\n|---|---|---|\n", what);
	for (size_t i = 0; i < n; i++) {
		if (has(rows, nrows, names[i].id)) {
			fprintf(stderr, "%s is hidden here and has a table\n", names[i].name);
			return 1;
		}
		printf("| 0x%02x | %s | %s |\n", names[i].id, names[i].name, names[i].why);
	}
	return 0;
}

/* --- what setpci is to find --- */

/*
 * One register. Bits that are tried: all but those that would reach the device, reset it, or change
 * its messages or mappings. Of these some are as they were written last, the others as before. Some
 * bits, tried or not, read 0 or 1 always.
 */
static void script_field(const struct vfio_perm *p, const struct vfio_perm_field *f)
{
	uint32_t all = UINT32_MAX >> (32 - 8 * f->len), zero = 0;
	uint32_t acts = f->act == VFIO_PERM_MSI ? f->write : f->act_bits;
	uint32_t tried = all & ~acts & ~(f->write & ~f->virt);

	for (unsigned int n = 0; n < 8u * f->len; n++) {
		if (bit(f->virt & ~f->write & ~f->keep & ~f->set, n) && !reads_special(p, f, n)) {
			zero |= 1u << n;
		}
	}
	printf("register 0x%02x %u 0x%x 0x%x 0x%x 0x%x 0x%x %s\n", f->off, f->len, tried,
		tried & f->virt & f->write, zero, f->virt & ~f->write & f->set,
		f->w1c & f->write & ~f->virt, f->name);
}

/* How setpci calls it, and what must be so of the 16 bits behind id and pointer: (bits & mask) is
 * value. */
static void script_section(const struct pci_policy *policy, const char *where, unsigned int mask,
	unsigned int value, const struct vfio_perm *p)
{
	printf("section %s %s 0x%x 0x%x %s\n", policy->name, where, mask, value,
		p->size ? p->name : "header");
	for (unsigned int i = 0; i < p->nfields; i++) {
		const struct vfio_perm_field *f = &p->fields[i];

		if (f->len && f->act != VFIO_PERM_BAR) {
			script_field(p, f);
		}
	}
}

/* The first row of its id that takes a capability with these bits. */
static const struct vfio_perm *find_row(
	const struct pci_policy *policy, unsigned int id, unsigned int flags)
{
	const struct vfio_perm_probe probe = {.flags = flags, .room = PCI_CONFIG_SIZE};

	for (unsigned int i = 0; i < policy->nstd; i++) {
		if (policy->std[i].id == id && policy->std[i].size(&probe)) {
			return &policy->std[i];
		}
	}
	return NULL;
}

/* Capabilities that have several forms, and the bits that tell them apart: MSI and PCI Express. */
static void script_forms(const struct pci_policy *policy, unsigned int id, unsigned int mask)
{
	char where[16];

	snprintf(where, sizeof(where), "CAP%02x", id);
	for (unsigned int value = 0; value <= mask; value++) {
		const struct vfio_perm *p = find_row(policy, id, value);

		if (!(value & ~mask) && p) {
			script_section(policy, where, mask, value, p);
		}
	}
}

static void script_policy(const struct pci_policy *policy)
{
	char where[16];

	script_section(policy, "HEADER", 0, 0, policy->header);
	script_forms(policy, PCI_CAP_MSI, 0x0080);
	script_forms(policy, PCI_CAP_EXP, 0x000f);
	for (unsigned int i = 0; i < policy->nstd; i++) {
		const struct vfio_perm *p = &policy->std[i];

		if (p->id != PCI_CAP_MSI && p->id != PCI_CAP_EXP) {
			snprintf(where, sizeof(where), "CAP%02x", p->id);
			script_section(policy, where, 0, 0, p);
		}
	}
	for (unsigned int i = 0; i < policy->next; i++) {
		snprintf(where, sizeof(where), "ECAP%02x", policy->ext[i].id);
		script_section(policy, where, 0, 0, &policy->ext[i]);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--script")) {
		script_policy(&pci_policy_full);
		script_policy(&pci_policy_minimal);
		return 0;
	}
	fputs(intro, stdout);
	print_overview();
	print_policy(&pci_policy_full);
	print_policy(&pci_policy_minimal);
	printf("\n## Not shown\n\nUnder every policy: each id without a table above. Those that "
	       "have "
	       "a name, and why:\n");
	return print_hidden("capability", std_names, COUNT(std_names), pci_policy_full.std,
		       pci_policy_full.nstd) ||
	       print_hidden("extended", ext_names, COUNT(ext_names), pci_policy_full.ext,
		       pci_policy_full.next);
}
