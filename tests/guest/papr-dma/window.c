// SPDX-License-Identifier: Apache-2.0
/*
 * See window.h. The bridge is the one under test.
 */
#include "tests/guest/papr-dma/window.h"

#include "tests/guest/hv.h"
#include "tests/guest/papr-dma/args.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/papr-dma/rtas_cases.h"
#include "tests/guest/tap.h"

#include <inttypes.h>

/* 1 GiB, which hardware has, has no bit. */
const struct page_size page_sizes[] = {
	{12, 0x001, "4K"},
	{16, 0x002, "64K"},
	{21, 0x100, "2M"},
	{24, 0x004, "16M"},
	{25, 0x008, "32M"},
	{26, 0x010, "64M"},
	{27, 0x020, "128M"},
	{28, 0x040, "256M"},
	{34, 0x080, "16G"},
};

const unsigned int num_page_sizes = sizeof(page_sizes) / sizeof(page_sizes[0]);

struct window default_window(void)
{
	return (struct window){.liobn = bench.phb->liobn,
		.base = bench.phb->window_base,
		.shift = 12,
		.npages = window_pages()};
}

/* Config address and BUID, which most of the calls begin with. */
static void name_bridge(uint32_t args[3])
{
	args[0] = bench_config_addr();
	args[1] = (uint32_t)(bench.phb->buid >> 32);
	args[2] = (uint32_t)bench.phb->buid;
}

int32_t ddw_query(struct window_query *q, unsigned int nret)
{
	uint32_t args[3], rets[6] = {0};
	int32_t status;
	unsigned int i = 1;

	name_bridge(args);
	status = rtas_call(QUERY_WINDOW, args, 3, rets, nret);
	q->windows = rets[i++];
	q->largest = nret == 6 ? (uint64_t)rets[i++] << 32 : 0;
	q->largest |= rets[i++];
	q->mask = rets[i++];
	q->migration = rets[i];
	return status;
}

bool query_is(const struct window_query *q)
{
	struct window_query now;
	int32_t status = ddw_query(&now, 5);

	if (!status && now.windows == q->windows && now.largest == q->largest &&
		now.mask == q->mask) {
		return true;
	}
	tap_note("query: status %" PRId32 ", windows %" PRIu32 ", largest %" PRIx64
		 ", pages %" PRIx32 "; should be %" PRIu32 ", %" PRIx64 ", %" PRIx32,
		status, now.windows, now.largest, now.mask, q->windows, q->largest, q->mask);
	return false;
}

int32_t ddw_create(unsigned int shift, unsigned int window_shift, struct window *w)
{
	uint32_t args[5], rets[4] = {0};
	int32_t status;

	name_bridge(args);
	args[3] = shift;
	args[4] = window_shift;
	status = rtas_call(CREATE_WINDOW, args, 5, rets, 4);
	*w = (struct window){.liobn = rets[1],
		.base = (uint64_t)rets[2] << 32 | rets[3],
		.shift = shift,
		.npages = 1ull << ((window_shift - shift) & 63)};
	return status;
}

int32_t ddw_remove(uint32_t liobn)
{
	uint32_t status;

	return rtas_call(REMOVE_WINDOW, &liobn, 1, &status, 1);
}

int32_t ddw_reset(void)
{
	uint32_t args[3], status;

	name_bridge(args);
	return rtas_call(RESET_WINDOW, args, 3, &status, 1);
}

int64_t window_put(const struct window *w, uint64_t ioba, uint64_t tce)
{
	int64_t status = hv_call(H_PUT_TCE, w->liobn, ioba, tce, 0);

	bench.tces_mapped += status == H_SUCCESS && (tce & TCE_RW);
	return status;
}

int64_t window_get(const struct window *w, uint64_t ioba, uint64_t *tce)
{
	struct hv_regs regs = {.r = {H_GET_TCE, w->liobn, ioba}};
	int64_t status = hv_call_regs(&regs, HV_NORMAL);

	*tce = regs.r[1];
	return status;
}

int64_t window_put_list(const struct window *w, uint64_t ioba, uint64_t n)
{
	return hv_call(H_PUT_TCE_INDIRECT, w->liobn, ioba, (uintptr_t)tce_list, n);
}

int64_t window_stuff(const struct window *w, uint64_t ioba, uint64_t n)
{
	return hv_call(H_STUFF_TCE, w->liobn, ioba, 0, n);
}

bool window_holds(const struct window *w, uint64_t ioba, uint64_t tce)
{
	uint64_t now = 0;
	int64_t status = window_get(w, ioba, &now);

	if (status == H_SUCCESS && now == tce) {
		return true;
	}
	tap_note("LIOBN %08" PRIx32 ": the entry at %" PRIx64 " is %" PRIx64 " (status %" PRId64
		 "), should be %" PRIx64,
		w->liobn, ioba, now, status, tce);
	return false;
}
