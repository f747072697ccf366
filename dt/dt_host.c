// SPDX-License-Identifier: Apache-2.0
/*
 * The host's device tree, read once into plain facts. Every value is checked before it is kept, and
 * what is skipped is said by name; lines of one kind are limited, since a bad tree can hold any
 * number of bad nodes.
 */
#include "dt/dt_host.h"

#include "core/log.h"
#include "core/range.h"
#include "dt/dt_host_reader.h"
#include "dt/dt_util.h"

#include <libfdt.h>
#include <inttypes.h>
#include <string.h>

#define TIMEBASE_DEFAULT 512000000u
#define MAX_SMT		 8u
#define CELL		 4u

static const char *node_name(const struct dt_host_reader *r, int node)
{
	const char *name = fdt_get_name(r->fdt, node, NULL);

	return name && *name ? name : "/";
}

void dt_host_say_skipped(struct dt_host_reader *r, int node, const char *why)
{
	log_limited(&r->limit, LOG_WARN, "host tree: %.64s: skipped: %s", node_name(r, node), why);
}

void dt_host_next_kind(struct dt_host_reader *r)
{
	memset(&r->limit, 0, sizeof(r->limit));
}

bool dt_host_is_type(const struct dt_host_reader *r, int node, const char *type)
{
	return dt_lists(r->fdt, node, "device_type", type);
}

bool dt_host_is_okay(const struct dt_host_reader *r, int node)
{
	struct dt_prop prop;

	return !dt_prop_find(r->fdt, node, "status", &prop) ||
	       dt_lists(r->fdt, node, "status", "okay") || dt_lists(r->fdt, node, "status", "ok");
}

/* False: the property is there and is neither 1 nor 2. */
static bool read_ncells(
	const struct dt_host_reader *r, int node, const char *name, unsigned int *ncells)
{
	struct dt_prop prop;
	uint32_t v;

	if (!dt_prop_find(r->fdt, node, name, &prop)) {
		return true;
	}
	if (!dt_read_u32(r->fdt, node, name, &v) || v < 1 || v > 2) {
		return false;
	}
	*ncells = v;
	return true;
}

/* Memory and reserved ranges */

static const char *add_memory(struct board *b, uint64_t base, uint64_t size)
{
	if (!size) {
		return "its size is 0";
	}
	if (!range_below(base, size, DT_HOST_REAL_LIMIT)) {
		return "it reaches past the largest real address";
	}
	for (unsigned int i = 0; i < b->nmem; i++) {
		if (range_overlaps(base, size, b->mem[i].base, b->mem[i].size)) {
			return "it overlaps other memory";
		}
	}
	if (b->nmem == BOARD_MAX_RESERVED) {
		return "there are more pieces of memory than there is room for";
	}
	b->mem[b->nmem++] = (struct mem_range){.base = base, .size = size};
	return NULL;
}

static uint64_t gap_between(const struct mem_range *m, uint64_t base, uint64_t size)
{
	if (range_overlaps(m->base, m->size, base, size)) {
		return 0;
	}
	return base > m->base ? base - (m->base + m->size) : m->base - (base + size);
}

static void widen(struct mem_range *m, uint64_t base, uint64_t size)
{
	uint64_t end = m->base + m->size > base + size ? m->base + m->size : base + size;

	m->base = base < m->base ? base : m->base;
	m->size = end - m->base;
}

/*
 * Firmware says most of its ranges two or three times, and next to each other, so neighbours become
 * one. Nothing is ever left out: memory of firmware in a partition's hands would be the end of
 * both.
 */
static const char *add_reserved(struct board *b, uint64_t base, uint64_t size)
{
	struct mem_range *nearest = NULL;
	uint64_t best = UINT64_MAX;

	if (!size) {
		return "its size is 0";
	}
	if (size > UINT64_MAX - base) {
		size = UINT64_MAX - base;
	}
	for (unsigned int i = 0; i < b->nreserved; i++) {
		uint64_t gap = gap_between(&b->reserved[i], base, size);

		if (gap < best) {
			best = gap;
			nearest = &b->reserved[i];
		}
	}
	if (nearest && (!best || b->nreserved == BOARD_MAX_RESERVED)) {
		widen(nearest, base, size);
	} else {
		b->reserved[b->nreserved++] = (struct mem_range){.base = base, .size = size};
	}
	return NULL;
}

typedef const char *range_fn(struct board *b, uint64_t base, uint64_t size);

/* Hands every address and size of a reg-like property to add. */
static void read_ranges(struct dt_host_reader *r, int node, const char *name,
	unsigned int addr_cells, unsigned int size_cells, range_fn *add)
{
	size_t step = addr_cells + size_cells;
	struct dt_prop prop;
	uint64_t base, size;

	if (!dt_prop_find(r->fdt, node, name, &prop)) {
		dt_host_say_skipped(r, node, "it does not say where it is");
		return;
	}
	if (!prop.len || prop.len % (step * CELL)) {
		dt_host_say_skipped(r, node, "its addresses are not whole");
		/* Half a reserved range more is no reason to forget the whole ones before it. */
		if (add != add_reserved) {
			return;
		}
	}
	for (size_t at = 0; dt_prop_number(&prop, at, addr_cells, &base) &&
			    dt_prop_number(&prop, at + addr_cells, size_cells, &size);
		at += step) {
		const char *why = add(r->b, base, size);

		if (why) {
			log_limited(&r->limit, LOG_WARN,
				"host tree: %.64s: 0x%016" PRIx64 " + 0x%" PRIx64 ": skipped: %s",
				node_name(r, node), base, size, why);
		}
	}
}

static void read_memory(struct dt_host_reader *r)
{
	int node;

	dt_host_next_kind(r);
	fdt_for_each_subnode(node, r->fdt, 0)
	{
		if (!dt_host_is_type(r, node, "memory")) {
			continue;
		}
		if (!dt_host_is_okay(r, node)) {
			dt_host_say_skipped(r, node, "its status is not okay");
		} else if (dt_lists(r->fdt, node, "compatible", "ibm,coherent-device-memory")) {
			dt_host_say_skipped(r, node, "memory of a device");
		} else {
			read_ranges(r, node, "reg", r->addr_cells, r->size_cells, add_memory);
		}
	}
}

static void read_reserved_nodes(struct dt_host_reader *r)
{
	int parent = fdt_subnode_offset(r->fdt, 0, "reserved-memory");
	unsigned int addr_cells = r->addr_cells;
	unsigned int size_cells = r->size_cells;
	int node;

	if (parent < 0) {
		return;
	}
	if (!read_ncells(r, parent, "#address-cells", &addr_cells) ||
		!read_ncells(r, parent, "#size-cells", &size_cells)) {
		dt_host_say_skipped(r, parent, "#address-cells and #size-cells must be 1 or 2");
		return;
	}
	fdt_for_each_subnode(node, r->fdt, parent)
	{
		read_ranges(r, node, "reg", addr_cells, size_cells, add_reserved);
	}
}

static void read_reserved(struct dt_host_reader *r)
{
	struct dt_prop prop;
	uint64_t base, size;

	dt_host_next_kind(r);
	if (dt_prop_find(r->fdt, 0, "reserved-ranges", &prop)) {
		read_ranges(r, 0, "reserved-ranges", 2, 2, add_reserved);
	}
	read_reserved_nodes(r);
	for (int i = 0, n = fdt_num_mem_rsv(r->fdt); i < n; i++) {
		if (!fdt_get_mem_rsv(r->fdt, i, &base, &size)) {
			(void)add_reserved(r->b, base, size);
		}
	}
}

/* CPUs */

static bool has_thread(const struct board *b, uint64_t pir)
{
	for (unsigned int i = 0; i < b->nthreads; i++) {
		if (b->threads[i].pir == pir) {
			return true;
		}
	}
	return false;
}

/* The number of servers in a node's list; 0: *why says what is wrong with it. */
static size_t check_servers(const struct board *b, const struct dt_prop *prop, const char **why)
{
	size_t n = prop->len / CELL;
	uint64_t pir, other;

	if (!n || prop->len % CELL || n > MAX_SMT) {
		*why = "ibm,ppc-interrupt-server#s is not a list of 1 to 8 threads";
		return 0;
	}
	if (n > BOARD_MAX_THREADS - b->nthreads) {
		*why = "there are more threads than there is room for";
		return 0;
	}
	for (size_t i = 0; dt_prop_number(prop, i, 1, &pir); i++) {
		bool twice = has_thread(b, pir);

		for (size_t j = 0; j < i && dt_prop_number(prop, j, 1, &other); j++) {
			twice = twice || other == pir;
		}
		if (twice) {
			*why = "it names a thread that was named before";
			return 0;
		}
	}
	return n;
}

static void read_timebase(struct dt_host_reader *r, int node)
{
	uint64_t hz = 0;
	uint32_t hz32 = 0;

	if (!dt_read_u64(r->fdt, node, "ibm,extended-timebase-frequency", &hz) || !hz) {
		if (dt_read_u32(r->fdt, node, "timebase-frequency", &hz32)) {
			hz = hz32;
		}
	}
	r->b->timebase_hz = hz;
}

static void read_ap_encodings(struct dt_host_reader *r, int node)
{
	struct dt_prop prop;
	uint64_t v;

	if (!dt_prop_find(r->fdt, node, "ibm,processor-radix-AP-encodings", &prop)) {
		return;
	}
	if (!prop.len || prop.len % CELL || prop.len / CELL > BOARD_MAX_AP) {
		dt_host_say_skipped(
			r, node, "ibm,processor-radix-AP-encodings is not a list of 1 to 8");
		return;
	}
	while (dt_prop_number(&prop, r->b->nap, 1, &v)) {
		r->b->ap[r->b->nap++] = (uint32_t)v;
	}
}

static void read_cpu(struct dt_host_reader *r, int node)
{
	struct board *b = r->b;
	const char *why = NULL;
	struct dt_prop prop;
	uint64_t pir;
	size_t n;

	if (!dt_host_is_okay(r, node)) {
		dt_host_say_skipped(r, node, "its status is not okay");
		return;
	}
	if (!dt_prop_find(r->fdt, node, "ibm,ppc-interrupt-server#s", &prop)) {
		dt_host_say_skipped(r, node, "it has no ibm,ppc-interrupt-server#s");
		return;
	}
	n = check_servers(b, &prop, &why);
	if (!n) {
		dt_host_say_skipped(r, node, why);
		return;
	}
	for (size_t i = 0; i < n && dt_prop_number(&prop, i, 1, &pir); i++) {
		b->threads[b->nthreads++] =
			(struct host_thread){.pir = (uint32_t)pir, .core = r->ncores};
	}
	r->ncores++;
	if (!b->timebase_hz) {
		read_timebase(r, node);
	}
	if (!b->nap) {
		read_ap_encodings(r, node);
	}
}

static void read_cpus(struct dt_host_reader *r)
{
	int parent = fdt_subnode_offset(r->fdt, 0, "cpus");
	int node;

	dt_host_next_kind(r);
	if (parent < 0) {
		return;
	}
	fdt_for_each_subnode(node, r->fdt, parent)
	{
		if (dt_host_is_type(r, node, "cpu")) {
			read_cpu(r, node);
		}
	}
	if (r->b->nthreads && !r->b->timebase_hz) {
		r->b->timebase_hz = TIMEBASE_DEFAULT;
		log_msg(LOG_WARN, "host tree: no CPU has a timebase-frequency: %u Hz is taken",
			TIMEBASE_DEFAULT);
	}
}

/* Firmware and what it was told to start us with */

static bool read_opal(struct dt_host_reader *r)
{
	int node = fdt_subnode_offset(r->fdt, 0, "ibm,opal");
	struct board *b = r->b;
	uint64_t size;

	if (node < 0 || !dt_read_u64(r->fdt, node, "opal-base-address", &b->opal_base) ||
		!dt_read_u64(r->fdt, node, "opal-entry-address", &b->opal_entry)) {
		log_msg(LOG_ERR, "host tree: no /ibm,opal with a base and an entry address");
		return false;
	}
	if (b->opal_entry < b->opal_base || b->opal_entry >= DT_HOST_REAL_LIMIT) {
		log_msg(LOG_ERR, "host tree: /ibm,opal: an entry outside of OPAL");
		return false;
	}
	if (dt_read_u64(r->fdt, node, "opal-runtime-size", &size)) {
		(void)add_reserved(b, b->opal_base, size);
	}
	return true;
}

/* The number may have one cell or two. */
static bool read_address(const struct dt_host_reader *r, int node, const char *name, uint64_t *out)
{
	uint32_t v;

	if (dt_read_u32(r->fdt, node, name, &v)) {
		*out = v;
		return true;
	}
	return dt_read_u64(r->fdt, node, name, out);
}

static bool is_memory(const struct board *b, uint64_t base, uint64_t size)
{
	for (unsigned int i = 0; i < b->nmem; i++) {
		if (range_inside(base, size, b->mem[i].base, b->mem[i].size)) {
			return true;
		}
	}
	return false;
}

static void read_initrd(struct dt_host_reader *r, int chosen)
{
	uint64_t start, end;

	if (!read_address(r, chosen, "linux,initrd-start", &start) ||
		!read_address(r, chosen, "linux,initrd-end", &end)) {
		return;
	}
	if (end <= start || !is_memory(r->b, start, end - start)) {
		log_msg(LOG_WARN,
			"host tree: /chosen: initrd from 0x%" PRIx64 " to 0x%" PRIx64
			" is empty or not in memory: ignored",
			start, end);
		return;
	}
	r->b->initrd = (struct mem_range){.base = start, .size = end - start};
}

static void read_bootargs(struct dt_host_reader *r, int chosen)
{
	struct board *b = r->b;
	struct dt_prop prop;
	const uint8_t *nul;
	size_t len;

	if (!dt_prop_find(r->fdt, chosen, "bootargs", &prop)) {
		return;
	}
	nul = memchr(prop.data, 0, prop.len);
	len = nul ? (size_t)(nul - prop.data) : prop.len;
	if (len >= sizeof(b->bootargs)) {
		len = sizeof(b->bootargs) - 1;
		b->bootargs_cut = true;
	}
	memcpy(b->bootargs, prop.data, len);
	b->bootargs[len] = '\0';
}

static void read_chosen(struct dt_host_reader *r)
{
	int chosen = fdt_subnode_offset(r->fdt, 0, "chosen");

	if (chosen >= 0) {
		read_initrd(r, chosen);
		read_bootargs(r, chosen);
	}
}

/* The interrupt controller: where a thread's management area is (the first of four pages), and the
 * chip that firmware wants table memory for. */
static void read_xive(struct dt_host_reader *r)
{
	int node = fdt_node_offset_by_compatible(r->fdt, -1, "ibm,opal-xive-pe");
	struct dt_prop prop;
	uint64_t tima, chip;

	if (node < 0 || !dt_prop_find(r->fdt, node, "reg", &prop) ||
		!dt_prop_number(&prop, 0, r->addr_cells, &tima) || tima >= DT_HOST_REAL_LIMIT) {
		log_msg(LOG_WARN, "host tree: no XIVE interrupt controller in it");
		return;
	}
	r->b->tima = hpa(tima);
	if (dt_prop_find(r->fdt, node, "ibm,xive-provision-chips", &prop) &&
		dt_prop_number(&prop, 0, 1, &chip)) {
		r->b->xive_chip = (uint32_t)chip;
	}
}

static void clear_board(struct board *b)
{
	b->timebase_hz = 0;
	b->nthreads = 0;
	b->nmem = 0;
	b->nreserved = 0;
	b->opal_base = 0;
	b->opal_entry = 0;
	b->tima = hpa(0);
	b->xive_chip = 0;
	b->initrd = (struct mem_range){.size = 0};
	b->bootargs[0] = '\0';
	b->bootargs_cut = false;
	b->nap = 0;
	b->features_known = false;
	b->features_on = b->features_off = 0;
	b->nphbs = 0;
}

int dt_host_read(const void *fdt, struct board *board)
{
	struct dt_host_reader r = {.fdt = fdt, .b = board, .addr_cells = 2, .size_cells = 1};
	const char *why;

	clear_board(board);
	if (dt_check_tree(fdt, DT_HOST_MAX, &why)) {
		log_msg(LOG_ERR, "host tree: %s", why);
		return -EINVAL;
	}
	if (!read_ncells(&r, 0, "#address-cells", &r.addr_cells) ||
		!read_ncells(&r, 0, "#size-cells", &r.size_cells)) {
		log_msg(LOG_ERR, "host tree: /: #address-cells and #size-cells must be 1 or 2");
		return -EINVAL;
	}
	read_memory(&r);
	read_reserved(&r);
	read_cpus(&r);
	if (!read_opal(&r)) {
		return -EINVAL;
	}
	dt_host_read_features(&r);
	read_chosen(&r);
	read_xive(&r);
	dt_host_read_phbs(&r);
	if (!board->nmem || !board->nthreads) {
		log_msg(LOG_ERR, "host tree: no %s in it", board->nmem ? "CPU" : "memory");
		return -EINVAL;
	}
	return 0;
}
