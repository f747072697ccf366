// SPDX-License-Identifier: Apache-2.0
/*
 * The four TCE hypercalls on the window under test.
 */
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"

uint64_t tce_list[TCE_PAGE / 8] __attribute__((aligned(TCE_PAGE)));

static void count(uint64_t tce)
{
	if (tce & TCE_RW) {
		bench.tces_mapped++;
	}
}

int64_t tce_put(uint64_t ioba, uint64_t tce)
{
	int64_t status = hv_call(H_PUT_TCE, bench.phb->liobn, ioba, tce, 0);

	if (status == H_SUCCESS) {
		count(tce);
	}
	return status;
}

int64_t tce_get(uint64_t ioba, uint64_t *tce)
{
	struct hv_regs regs = {.r = {H_GET_TCE, bench.phb->liobn, ioba}};
	int64_t status = hv_call_regs(&regs, HV_NORMAL);

	*tce = regs.r[1];
	return status;
}

int64_t tce_put_list(uint64_t ioba, const uint64_t *tces, unsigned int n)
{
	int64_t status;

	for (unsigned int i = 0; i < n; i++) {
		tce_list[i] = be64(tces[i]);
	}
	status = hv_call(H_PUT_TCE_INDIRECT, bench.phb->liobn, ioba, (uintptr_t)tce_list, n);
	for (unsigned int i = 0; status == H_SUCCESS && i < n; i++) {
		count(tces[i]);
	}
	return status;
}

int64_t tce_clear(uint64_t ioba, uint64_t n)
{
	return hv_call(H_STUFF_TCE, bench.phb->liobn, ioba, 0, n);
}
