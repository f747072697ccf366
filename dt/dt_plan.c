// SPDX-License-Identifier: Apache-2.0
/*
 * The partition plan's binding: three kinds of node, one table of keys each, and one walk that
 * holds a node against its table. Only the shape of values is looked at here.
 */
#include "dt/dt_plan.h"

#include "core/log.h"
#include "core/text.h"
#include "dt/dt_util.h"

#include <libfdt.h>
#include <string.h>

#define MIB	   (UINT64_C(1) << 20)
#define KIB	   (UINT64_C(1) << 10)
#define COMPATIBLE "tcelot,plan"

enum shape {
	SHAPE_CELL,   /* one cell */
	SHAPE_CELLS,  /* one or more, up to max */
	SHAPE_FLAG,   /* no value */
	SHAPE_STRING, /* one string, shorter than max */
	SHAPE_TEXTS,  /* one string or more, max bytes in all */
	SHAPE_DATA,   /* any bytes, at least one */
};

struct key {
	const char *name;
	enum shape shape;
	bool required;
	size_t max;
	const char *right; /* how it is written */
};

struct value {
	bool given;
	struct dt_prop prop;
};

enum {
	PART_MEMORY,
	PART_VCPUS,
	PART_KERNEL,
	PART_INITRD,
	PART_BOOTARGS,
	PART_INPUT,
	PART_TABLES,
	PART_KEYS
};

static const struct key part_keys[PART_KEYS] = {
	[PART_MEMORY] = {"memory-mib", SHAPE_CELL, true, 0, "memory-mib = <128>;"},
	[PART_VCPUS] = {"vcpus", SHAPE_CELL, false, 0, "vcpus = <1>;"},
	[PART_KERNEL] = {"kernel", SHAPE_DATA, true, 0, "kernel = /incbin/(\"file\");"},
	[PART_INITRD] = {"initrd", SHAPE_DATA, false, 0, "initrd = /incbin/(\"file\");"},
	[PART_BOOTARGS] = {"bootargs", SHAPE_STRING, false, PLAN_BOOTARGS_MAX,
		"one text of at most 2047 characters, bootargs = \"console=hvc0\";"},
	[PART_INPUT] = {"console-input", SHAPE_FLAG, false, 0, "console-input;"},
	[PART_TABLES] = {"tce-table-kib", SHAPE_CELL, false, 0, "tce-table-kib = <4096>;"},
};

enum {
	PHB_ID,
	PHB_GROUP,
	PHB_INDEX,
	PHB_WINDOW,
	PHB_PAGE,
	PHB_BYPASS,
	PHB_NO_DDW,
	PHB_MATCH,
	PHB_KEYS
};

static const struct key phb_keys[PHB_KEYS] = {
	[PHB_ID] = {"id", SHAPE_STRING, false, PLAN_NAME_MAX, PLAN_NAME_RULE},
	[PHB_GROUP] = {"iommu", SHAPE_CELLS, true, PLAN_MAX_GROUPS,
		"iommu = <group>; or up to 8, iommu = <3 4>;"},
	[PHB_INDEX] = {"index", SHAPE_CELL, true, 0, "index = <0>; to index = <30>;"},
	[PHB_WINDOW] = {"dma-window-mib", SHAPE_CELL, false, 0, "dma-window-mib = <1024>;"},
	[PHB_PAGE] = {"dma-page-kib", SHAPE_CELL, false, 0, "dma-page-kib = <4>;"},
	[PHB_BYPASS] = {"bypass", SHAPE_FLAG, false, 0, "bypass;"},
	[PHB_NO_DDW] = {"no-ddw", SHAPE_FLAG, false, 0, "no-ddw;"},
	[PHB_MATCH] = {"match", SHAPE_TEXTS, false, PLAN_MATCH_MAX, "match = \"8086 10d3\";"},
};

#define BDF_RULE "domain:bus:slot.function in hex as in \"0000:01:00.0\""

/* FUNC_VENDOR and the three after it in the order of enum plan_id. */
enum {
	FUNC_HOST,
	FUNC_HOLD,
	FUNC_INSIST,
	FUNC_POLICY,
	FUNC_VENDOR,
	FUNC_DEVICE,
	FUNC_SUBSYS_VENDOR,
	FUNC_SUBSYS,
	FUNC_BOOTINDEX,
	FUNC_ROM,
	FUNC_KEYS
};

static const struct key func_keys[FUNC_KEYS] = {
	[FUNC_HOST] = {"host", SHAPE_STRING, true, sizeof("0000:01:00.0"), BDF_RULE},
	[FUNC_HOLD] = {"hold", SHAPE_FLAG, false, 0, "hold;"},
	[FUNC_INSIST] = {"insist", SHAPE_FLAG, false, 0, "insist;"},
	[FUNC_POLICY] = {"policy", SHAPE_STRING, false, PLAN_POLICY_MAX,
		"policy = \"full\"; or policy = \"minimal\";"},
	[FUNC_VENDOR] = {"vendor-id", SHAPE_CELL, false, 0, "vendor-id = <0x1014>;"},
	[FUNC_DEVICE] = {"device-id", SHAPE_CELL, false, 0, "device-id = <0x0001>;"},
	[FUNC_SUBSYS_VENDOR] = {"subsystem-vendor-id", SHAPE_CELL, false, 0,
		"subsystem-vendor-id = <0x1014>;"},
	[FUNC_SUBSYS] = {"subsystem-id", SHAPE_CELL, false, 0, "subsystem-id = <0x0001>;"},
	[FUNC_BOOTINDEX] = {"bootindex", SHAPE_CELL, false, 0, "bootindex = <1>;"},
	[FUNC_ROM] = {"rom", SHAPE_DATA, false, 0,
		"rom = \"device\"; rom = \"off\"; or rom = /incbin/(\"file\");"},
};

struct reader {
	const void *fdt;
	struct plan_partition *part;
};

static const char *node_name(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return name ? name : "?";
}

/* The path of a node of parent's, cut where there is no more room. */
static void set_path(char path[PLAN_NODE_MAX], const char *parent, const void *fdt, int node)
{
	struct dt_text t;

	dt_text_init(&t, path, PLAN_NODE_MAX);
	dt_text_add(&t, parent);
	dt_text_add(&t, "/");
	dt_text_add(&t, node_name(fdt, node));
}

/* A refusal that a bundle can cause any number of times in one node. */
static void refuse_limited(const struct reader *r, struct log_limit *limit, const char *path,
	const char *name, const char *rule)
{
	r->part->refused = true;
	log_limited(limit, LOG_ERR, "plan: %s: %.40s: %s", path, name, rule);
}

static bool has_shape(const struct key *key, const struct dt_prop *prop)
{
	switch (key->shape) {
	case SHAPE_CELL:
		return prop->len == sizeof(uint32_t);
	case SHAPE_CELLS:
		return prop->len && prop->len % sizeof(uint32_t) == 0 &&
		       prop->len / sizeof(uint32_t) <= key->max;
	case SHAPE_FLAG:
		return !prop->len;
	case SHAPE_STRING:
		return prop->len <= key->max && dt_prop_is_string(prop);
	case SHAPE_TEXTS:
		return prop->len && prop->len <= key->max && !prop->data[prop->len - 1];
	case SHAPE_DATA:
		return prop->len;
	}
	return false;
}

static const char *shape_rule(const struct key *key, const struct dt_prop *prop)
{
	switch (key->shape) {
	case SHAPE_CELL:
		return "is not one number of one cell";
	case SHAPE_CELLS:
		return prop->len > key->max * sizeof(uint32_t) ? "has too many numbers"
							       : "is not numbers of one cell";
	case SHAPE_FLAG:
		return "is a flag and has no value";
	case SHAPE_STRING:
		return prop->len > key->max ? "is too long" : "is not one text";
	case SHAPE_TEXTS:
		return prop->len > key->max ? "is too long" : "is not texts";
	case SHAPE_DATA:
		break;
	}
	return "is empty";
}

/* Takes one property into values; a word about what the table does not know is the caller's. */
static bool take_key(const struct reader *r, const char *path, const char *name,
	const struct dt_prop *prop, const struct key *keys, unsigned int nkeys,
	struct value *values)
{
	for (unsigned int k = 0; k < nkeys; k++) {
		if (strcmp(keys[k].name, name)) {
			continue;
		}
		if (values[k].given) {
			return false;
		}
		values[k] = (struct value){.given = true, .prop = *prop};
		if (!has_shape(&keys[k], prop)) {
			plan_refuse(r->part, "%s: %s: %s; %s", path, name,
				shape_rule(&keys[k], prop), keys[k].right);
			values[k].prop.len = 0;
		}
		return true;
	}
	return false;
}

/* "unknown key; known are a, b, c" */
static void put_known(char *text, size_t size, const struct key *keys, unsigned int nkeys)
{
	struct dt_text t;

	dt_text_init(&t, text, size);
	dt_text_add(&t, "unknown key, or said twice; known are ");
	for (unsigned int k = 0; k < nkeys; k++) {
		dt_text_add(&t, k ? ", " : "");
		dt_text_add(&t, keys[k].name);
	}
}

/* Holds a node's properties against its table. A value that is given and has the wrong shape has
 * length 0 on return, and the partition is refused. */
static void read_keys(const struct reader *r, int node, const char *path, const struct key *keys,
	unsigned int nkeys, struct value *values)
{
	struct log_limit limit = {0};
	char known[160];
	int at;

	memset(values, 0, nkeys * sizeof(*values));
	put_known(known, sizeof(known), keys, nkeys);
	fdt_for_each_property_offset(at, r->fdt, node)
	{
		const char *name = NULL;
		int len = 0;
		const void *data = fdt_getprop_by_offset(r->fdt, at, &name, &len);
		struct dt_prop prop = {.data = data, .len = len > 0 ? (size_t)len : 0};

		if (data && !take_key(r, path, name, &prop, keys, nkeys, values)) {
			refuse_limited(r, &limit, path, name, known);
		}
	}
	for (unsigned int k = 0; k < nkeys; k++) {
		if (keys[k].required && !values[k].given) {
			plan_refuse(r->part, "%s: %s: is missing; %s", path, keys[k].name,
				keys[k].right);
		}
	}
}

static uint32_t cell_or(const struct value *value, uint32_t otherwise)
{
	uint64_t v;

	return dt_prop_number(&value->prop, 0, 1, &v) ? (uint32_t)v : otherwise;
}

/* text has room for the longest string of the key, and is empty if the key is not given. */
static void copy_string(char *text, const struct value *value)
{
	memcpy(text, value->prop.data, value->prop.len);
}

/* Per-function options */

/* (SEED-000.2); len counts the NUL. */
static bool parse_bdf(const struct dt_prop *host, struct plan_func *func)
{
	return text_parse_bdf((const char *)host->data, host->len - 1, &func->domain, &func->bdfn);
}

/* values of the four ids; of a wrong shape, which has been said, are none. */
static void read_ids(const struct value values[PLAN_IDS], struct plan_func *func)
{
	for (unsigned int i = 0; i < PLAN_IDS; i++) {
		if (values[i].prop.len) {
			func->ids_given |= (uint8_t)(1u << i);
		}
		func->ids[i] = cell_or(&values[i], 0);
	}
}

static bool is_word(const struct dt_prop *prop, const char *word)
{
	return prop->len == strlen(word) + 1 && !memcmp(prop->data, word, prop->len);
}

/* One of two words, which begin as no ROM does, or the ROM itself. */
static void read_rom(const struct dt_prop *prop, struct plan_func *func)
{
	if (is_word(prop, "device")) {
		func->rom = PLAN_ROM_DEVICE;
	} else if (prop->len && !is_word(prop, "off")) {
		func->rom = PLAN_ROM_FILE;
		func->rom_file = (struct plan_blob){.data = prop->data, .size = prop->len};
	}
}

static void refuse_children(const struct reader *r, int node, const char *path)
{
	struct log_limit limit = {0};
	int child;

	fdt_for_each_subnode(child, r->fdt, node)
	{
		refuse_limited(r, &limit, path, node_name(r->fdt, child),
			"unknown node; a function's node holds no others");
	}
}

static void read_func(const struct reader *r, int node, const char *parent, struct plan_func *func)
{
	struct value values[FUNC_KEYS];
	const struct dt_prop *host = &values[FUNC_HOST].prop;

	set_path(func->node, parent, r->fdt, node);
	read_keys(r, node, func->node, func_keys, FUNC_KEYS, values);
	refuse_children(r, node, func->node);
	func->hold = values[FUNC_HOLD].given;
	func->insist = values[FUNC_INSIST].given;
	read_ids(&values[FUNC_VENDOR], func);
	func->boots = values[FUNC_BOOTINDEX].prop.len;
	func->bootindex = cell_or(&values[FUNC_BOOTINDEX], 0);
	read_rom(&values[FUNC_ROM].prop, func);
	if (values[FUNC_POLICY].prop.len) {
		copy_string(func->policy, &values[FUNC_POLICY]);
		/* That it is one, plan_check() finds out; empty it would be as if not given. */
		if (!func->policy[0]) {
			plan_refuse(r->part, "%s: policy: is empty; %s", func->node,
				func_keys[FUNC_POLICY].right);
		}
	}
	if (host->len && !parse_bdf(host, func)) {
		plan_refuse(r->part, "%s: host: \"%.12s\" is not a function; %s", func->node,
			(const char *)host->data, BDF_RULE);
	}
}

/* Host bridges */

static void read_funcs(const struct reader *r, int node, struct plan_phb *phb)
{
	int child;

	phb->funcs = &r->part->funcs[r->part->nfuncs];
	fdt_for_each_subnode(child, r->fdt, node)
	{
		if (r->part->nfuncs == PLAN_MAX_FUNCS) {
			plan_refuse(r->part,
				"%s: %.40s: is one node too many; options for at most %u functions "
				"of a partition",
				phb->node, node_name(r->fdt, child), PLAN_MAX_FUNCS);
			return;
		}
		read_func(r, child, phb->node, &r->part->funcs[r->part->nfuncs++]);
		phb->nfuncs++;
	}
}

static void read_groups(struct plan_phb *phb, const struct dt_prop *prop)
{
	size_t n = prop->len / sizeof(uint32_t);
	uint64_t v;

	for (size_t i = 0; i < n && dt_prop_number(prop, i, 1, &v); i++) {
		*(i ? &phb->more[phb->nmore++] : &phb->group) = (uint32_t)v;
	}
}

static void read_phb(const struct reader *r, int node, struct plan_phb *phb)
{
	struct value values[PHB_KEYS];

	set_path(phb->node, r->part->node, r->fdt, node);
	read_keys(r, node, phb->node, phb_keys, PHB_KEYS, values);
	if (values[PHB_ID].prop.len) {
		copy_string(phb->id, &values[PHB_ID]);
		if (!plan_name_valid(phb->id, strlen(phb->id))) {
			plan_refuse(r->part, "%s: id: \"%.31s\" is no name; %s", phb->node, phb->id,
				PLAN_NAME_RULE);
		}
	}
	read_groups(phb, &values[PHB_GROUP].prop);
	phb->index = cell_or(&values[PHB_INDEX], 0);
	phb->window_size = cell_or(&values[PHB_WINDOW], PLAN_WINDOW_DEFAULT / MIB) * MIB;
	phb->window_page = cell_or(&values[PHB_PAGE], (1u << PLAN_PAGE_SHIFT) / KIB) * KIB;
	phb->bypass = values[PHB_BYPASS].given;
	phb->no_ddw = values[PHB_NO_DDW].given;
	phb->match = (const char *)values[PHB_MATCH].prop.data;
	phb->match_bytes = (uint16_t)values[PHB_MATCH].prop.len;
	read_funcs(r, node, phb);
}

/* Partitions */

static void read_phbs(const struct reader *r, int node)
{
	struct plan_partition *part = r->part;
	int child;

	fdt_for_each_subnode(child, r->fdt, node)
	{
		if (part->nphbs == PLAN_MAX_PHBS) {
			plan_refuse(part,
				"%s: %.40s: is one node too many; at most %u host bridges",
				part->node, node_name(r->fdt, child), PLAN_MAX_PHBS);
			return;
		}
		read_phb(r, child, &part->phbs[part->nphbs++]);
	}
}

static struct plan_blob blob_of(const struct value *value)
{
	return (struct plan_blob){.data = value->prop.data, .size = value->prop.len};
}

static void read_name(const struct reader *r, int node)
{
	struct plan_partition *part = r->part;
	const char *name = node_name(r->fdt, node);
	struct dt_text t;

	dt_text_init(&t, part->name, sizeof(part->name));
	dt_text_add(&t, name);
	if (!plan_name_valid(name, strlen(name))) {
		plan_refuse(part, "%s: name: \"%.31s\" is no name; %s", part->node, name,
			PLAN_NAME_RULE);
	}
}

static void read_partition(const struct reader *r, int node)
{
	struct plan_partition *part = r->part;
	struct value values[PART_KEYS];

	set_path(part->node, "/partitions", r->fdt, node);
	read_name(r, node);
	read_keys(r, node, part->node, part_keys, PART_KEYS, values);
	part->memory = cell_or(&values[PART_MEMORY], 0) * MIB;
	part->vcpus = cell_or(&values[PART_VCPUS], 1);
	part->console_input = values[PART_INPUT].given;
	part->tables_said = values[PART_TABLES].given;
	part->table_bytes = cell_or(&values[PART_TABLES], 0) * KIB;
	if (values[PART_BOOTARGS].prop.len) {
		copy_string(part->bootargs, &values[PART_BOOTARGS]);
	}
	part->kernel = blob_of(&values[PART_KERNEL]);
	part->initrd = blob_of(&values[PART_INITRD]);
	read_phbs(r, node);
}

static void read_partitions(const void *fdt, int parent, struct plan *plan)
{
	int node;

	fdt_for_each_subnode(node, fdt, parent)
	{
		struct reader r = {.fdt = fdt};

		if (plan->npartitions == PLAN_MAX_PARTITIONS) {
			log_msg(LOG_ERR,
				"plan: /partitions: %.40s: is one node too many, left out with all "
				"after it; at most %u partitions",
				node_name(fdt, node), PLAN_MAX_PARTITIONS);
			return;
		}
		r.part = &plan->partitions[plan->npartitions++];
		read_partition(&r, node);
	}
}

/* What a plan has no word for outside of partitions is nobody's fault but worth a line: a key that
 * was meant for a partition may have ended up there. */
static void say_strangers(
	const void *fdt, int node, const char *path, const char *known_key, const char *known_node)
{
	struct log_limit limit = {0};
	int at;

	fdt_for_each_property_offset(at, fdt, node)
	{
		const char *name = NULL;

		if (fdt_getprop_by_offset(fdt, at, &name, NULL) && strcmp(name, known_key)) {
			log_limited(&limit, LOG_WARN,
				"plan: %s: %.40s: unknown key, ignored; keys go into a partition's "
				"node",
				path, name);
		}
	}
	fdt_for_each_subnode(at, fdt, node)
	{
		if (known_node && strcmp(node_name(fdt, at), known_node)) {
			log_limited(&limit, LOG_WARN,
				"plan: %s: %.40s: unknown node, ignored; partitions are under "
				"/partitions",
				path, node_name(fdt, at));
		}
	}
}

int dt_plan_read(const void *bundle, size_t size, struct plan *plan)
{
	const char *why;
	int node;

	memset(plan, 0, sizeof(*plan));
	if (dt_check_tree(bundle, size, &why)) {
		log_msg(LOG_ERR, "plan: bundle: %s; a .dtb made by dtc", why);
		return -EINVAL;
	}
	if (!dt_lists(bundle, 0, "compatible", COMPATIBLE)) {
		log_msg(LOG_ERR, "plan: /: compatible: is not a plan's; compatible = \"%s\";",
			COMPATIBLE);
		return -EINVAL;
	}
	say_strangers(bundle, 0, "/", "compatible", "partitions");
	node = fdt_subnode_offset(bundle, 0, "partitions");
	if (node >= 0) {
		say_strangers(bundle, node, "/partitions", "", NULL);
		read_partitions(bundle, node, plan);
	}
	if (!plan->npartitions) {
		log_msg(LOG_ERR, "plan: /partitions: holds no partition; one node for each");
		return -ENOENT;
	}
	return 0;
}
