// SPDX-License-Identifier: Apache-2.0
/*
 * Host bridges named on the command line, in the form QEMU's users know. The line comes from
 * whoever set up the boot: any length, any bytes. A word is taken whole or not at all.
 */
#include "core/plan.h"

#include "core/log.h"
#include "core/text.h"

#include <string.h>

#define CMDLINE "command line"

/* A piece of the command line; not terminated. */
struct piece {
	const char *at;
	size_t len;
};

enum legacy_key { KEY_ID, KEY_IOMMU, KEY_INDEX, KEY_COUNT };

static const char *const legacy_keys[KEY_COUNT] = {"id", "iommu", "index"};

static const char *const legacy_names[] = {"spapr-pci-vfio-host-bridge", "spapr-pci-host-bridge"};

/* For "%.*s": what of a piece is worth a message. */
#define PIECE_ARGS(p) (int)((p).len < 40 ? (p).len : 40), (p).at

static bool piece_is(struct piece p, const char *text)
{
	return p.len == strlen(text) && !memcmp(p.at, text, p.len);
}

/* Cuts p at the first sep: what is before it is answered, what is behind it is left. */
static struct piece piece_cut(struct piece *p, char sep)
{
	const char *end = memchr(p->at, sep, p->len);
	struct piece head = {p->at, end ? (size_t)(end - p->at) : p->len};
	size_t used = head.len + (end ? 1 : 0);

	p->at += used;
	p->len -= used;
	return head;
}

/* A decimal number without sign and leading zeros: 010 is 8 to some and 10 to others. */
static bool piece_number(struct piece p, uint32_t *out)
{
	uint64_t v = 0;

	if (!p.len || p.len > 10 || (p.at[0] == '0' && p.len > 1)) {
		return false;
	}
	for (size_t i = 0; i < p.len; i++) {
		if (p.at[i] < '0' || p.at[i] > '9') {
			return false;
		}
		v = v * 10 + (uint64_t)(p.at[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool piece_name(struct piece p, char out[PLAN_NAME_MAX])
{
	if (!plan_name_valid(p.at, p.len)) {
		return false;
	}
	memcpy(out, p.at, p.len);
	out[p.len] = '\0';
	return true;
}

static void set_legacy(
	struct plan_partition *p, struct plan_phb *phb, enum legacy_key key, struct piece value)
{
	uint32_t *number = key == KEY_IOMMU ? &phb->group : &phb->index;

	if (key == KEY_ID && !piece_name(value, phb->id)) {
		plan_refuse(p, "%s: id: \"%.*s\" is no name; %s", CMDLINE, PIECE_ARGS(value),
			PLAN_NAME_RULE);
	}
	if (key != KEY_ID && !piece_number(value, number)) {
		plan_refuse(p, "%s: %s: \"%.*s\" is no number; decimal, no sign, no leading zero",
			CMDLINE, legacy_keys[key], PIECE_ARGS(value));
	}
}

static void parse_pair(
	struct plan_partition *p, struct plan_phb *phb, bool seen[KEY_COUNT], struct piece value)
{
	struct piece key = piece_cut(&value, '=');

	for (unsigned int i = 0; i < KEY_COUNT; i++) {
		if (!piece_is(key, legacy_keys[i])) {
			continue;
		}
		if (seen[i]) {
			plan_refuse(p, "%s: %s: given twice; once", CMDLINE, legacy_keys[i]);
		}
		seen[i] = true;
		set_legacy(p, phb, (enum legacy_key)i, value);
		return;
	}
	plan_refuse(p, "%s: %.*s: unknown key; id=, iommu= and index=", CMDLINE, PIECE_ARGS(key));
}

/* A word never brings more messages than this, however many wrong keys it has. */
#define LEGACY_MAX_PAIRS 8u
/* And a line no more than so many words with messages. */
#define LEGACY_MAX_WRONG 8u

static void parse_pairs(struct plan_partition *p, struct plan_phb *phb, struct piece word)
{
	bool seen[KEY_COUNT] = {false};
	unsigned int pairs = 0;

	if (word.at[word.len - 1] == ',') {
		plan_refuse(p, "%s: a host bridge ends in a comma; key=value behind each comma",
			CMDLINE);
	}
	(void)piece_cut(&word, ',');
	for (; word.len && pairs < LEGACY_MAX_PAIRS; pairs++) {
		parse_pair(p, phb, seen, piece_cut(&word, ','));
	}
	if (word.len) {
		plan_refuse(p, "%s: too many keys; id=, iommu= and index=", CMDLINE);
	}
	for (unsigned int i = KEY_IOMMU; i < KEY_COUNT; i++) {
		if (!seen[i]) {
			plan_refuse(p, "%s: %s: missing; %s=<number>", CMDLINE, legacy_keys[i],
				legacy_keys[i]);
		}
	}
}

/* Whether the word was right; if so its bridge is the partition's last. */
static bool parse_word(struct plan_partition *p, struct piece word)
{
	bool was_refused = p->refused, right;
	struct plan_phb *phb;

	if (p->nphbs >= PLAN_MAX_PHBS) {
		plan_refuse(p, "%s: too many host bridges; at most %u in a partition", CMDLINE,
			PLAN_MAX_PHBS);
		return false;
	}
	phb = &p->phbs[p->nphbs];
	memset(phb, 0, sizeof(*phb));
	memcpy(phb->node, CMDLINE, sizeof(CMDLINE));
	phb->window_size = PLAN_WINDOW_DEFAULT;
	phb->window_page = 1u << PLAN_PAGE_SHIFT;
	p->refused = false;
	parse_pairs(p, phb, word);
	right = !p->refused;
	p->nphbs += right;
	p->refused = was_refused || !right;
	return right;
}

/* "pci-assign,host=0000:01:00.0", the domain optional: this function of the bridge named before it
 * is shown as pci-assign would have shown it. Whether the word was right. */
static bool parse_assign(struct plan_partition *p, struct piece word)
{
	static const char key[] = "host=", any_domain[] = "0000:";
	struct plan_phb *phb = &p->phbs[p->nphbs - 1];
	struct plan_func *f = &p->funcs[p->nfuncs];
	char bdf[] = "0000:00:00.0";
	size_t cut;

	(void)piece_cut(&word, ',');
	if (word.len < sizeof(key) - 1 || memcmp(word.at, key, sizeof(key) - 1)) {
		plan_refuse(p, "%s: pci-assign: \"%.*s\" is not its host; host=0000:01:00.0",
			CMDLINE, PIECE_ARGS(word));
		return false;
	}
	(void)piece_cut(&word, '=');
	if (p->nfuncs == PLAN_MAX_FUNCS) {
		plan_refuse(p, "%s: pci-assign: one too many; options for at most %u functions",
			CMDLINE, PLAN_MAX_FUNCS);
		return false;
	}
	cut = word.len == sizeof(bdf) - sizeof(any_domain) ? sizeof(any_domain) - 1 : 0;
	*f = (struct plan_func){.node = CMDLINE, .policy = "minimal"};
	if (word.len + cut == sizeof(bdf) - 1) {
		memcpy(bdf + cut, word.at, word.len);
	}
	if (word.len + cut != sizeof(bdf) - 1 ||
		!text_parse_bdf(bdf, sizeof(bdf) - 1, &f->domain, &f->bdfn)) {
		plan_refuse(p, "%s: pci-assign: host: \"%.*s\" is not a function; 0000:01:00.0",
			CMDLINE, PIECE_ARGS(word));
		return false;
	}
	phb->funcs = phb->nfuncs ? phb->funcs : f;
	phb->nfuncs++;
	p->nfuncs++;
	return true;
}

static bool is_assign(struct piece word)
{
	return piece_is(piece_cut(&word, ','), "pci-assign");
}

static bool is_legacy(struct piece word)
{
	struct piece name = piece_cut(&word, ',');

	for (unsigned int i = 0; i < sizeof(legacy_names) / sizeof(legacy_names[0]); i++) {
		if (piece_is(name, legacy_names[i])) {
			return true;
		}
	}
	return false;
}

/* The next word, at and after *text; length 0 at the end. */
static struct piece next_word(const char **text)
{
	const char *at = *text + strspn(*text, " \t\r\n");
	size_t len = strcspn(at, " \t\r\n");

	*text = at + len;
	return (struct piece){at, len};
}

/* What a line has brought so far. */
struct legacy_line {
	unsigned int wrong;
	bool named; /* a bridge: right or wrong, the last one is what pci-assign is about */
	bool right;
};

static void add_word(struct plan_partition *p, struct piece w, struct legacy_line *line)
{
	if (!is_assign(w)) {
		line->named = true;
		line->right = parse_word(p, w);
		line->wrong += !line->right;
	} else if (!line->named) {
		plan_refuse(p,
			"%s: pci-assign: no host bridge before it; after the bridge of its group",
			CMDLINE);
		line->wrong++;
	} else if (line->right) {
		line->wrong += !parse_assign(p, w);
	}
}

void plan_add_legacy(struct plan *plan, const char *cmdline)
{
	struct legacy_line line = {0};

	for (struct piece w = next_word(&cmdline); w.len; w = next_word(&cmdline)) {
		if (!is_legacy(w) && !is_assign(w)) {
			continue;
		}
		if (!plan->npartitions) {
			log_msg(LOG_ERR,
				"plan: %s: host bridge without a partition to give it to; a bundle "
				"with a partition",
				CMDLINE);
			return;
		}
		if (line.wrong == LEGACY_MAX_WRONG) {
			plan_refuse(&plan->partitions[0],
				"%s: the host bridges after %u wrong ones are not looked at",
				CMDLINE, line.wrong);
			return;
		}
		add_word(&plan->partitions[0], w, &line);
	}
}
