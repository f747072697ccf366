// SPDX-License-Identifier: Apache-2.0
/*
 * H_PUT_TCE and its family: registers and lists become calls of core/tce.c. The results are those
 * of the table in docs/HCALLS.md.
 */
#include "core/hcall.h"

#include "core/be.h"
#include "core/log.h"
#include "core/phb.h"
#include "core/range.h"
#include "core/tce.h"

#include <inttypes.h>

/* LoPAR: the list of H_PUT_TCE_INDIRECT is one 4 KiB page, whatever the window's page size. */
#define LIST_PAGE 0x1000u

/* Whether it is open is for core/tce.c to find out, where it stays so. */
static inline struct tce_window *find_window(struct vcpu *vcpu, uint64_t liobn)
{
	return phb_find_place(&vcpu->partition->phb_map, liobn);
}

/* Bad arguments are the guest's own business; what else fails is worth a line for the owner of the
 * machine, who otherwise only sees a driver give up. args are LIOBN and address of the call. */
static __attribute__((noinline)) hret_t failed(struct vcpu *vcpu, const uint64_t *args, int err)
{
	hret_t ret = hcall_status(err);

	if (ret != H_PARAMETER) {
		log_limited(&vcpu->log, LOG_WARN, "%s: LIOBN %" PRIx64 ": TCE at %" PRIx64 ": %s%s",
			vcpu->partition->name, args[0], args[1], err_name(err),
			err == -ENOMEM ? "; tce-table-kib is used up" : "");
	}
	return ret;
}

static inline hret_t status(struct vcpu *vcpu, const uint64_t *args, int err)
{
	return err ? failed(vcpu, args, err) : H_SUCCESS;
}

/* H_PUT_TCE(liobn, ioba, tce) */
hret_t h_put_tce(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct tce_window *w = find_window(vcpu, args[0]);

	if (!w) {
		return H_PARAMETER;
	}
	return status(vcpu, args, tce_put_one(w, ioba(args[1]), args[2]));
}

/* H_GET_TCE(liobn, ioba): the TCE in r4 */
hret_t h_get_tce(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct tce_window *w = find_window(vcpu, args[0]);
	uint64_t tce;
	int err;

	if (!w) {
		return H_PARAMETER;
	}
	err = tce_get(w, ioba(args[1]), &tce);
	if (err) {
		return status(vcpu, args, err);
	}
	args[0] = tce;
	return H_SUCCESS;
}

/* Copies the list in; from here on the guest can change its own copy only. Its entries are
 * big-endian for guests of either kind. */
static int read_list(struct vcpu *vcpu, gpa_t list, unsigned int n)
{
	uint64_t *tce = vcpu->scratch.tce;
	int err = guest_mem_read(&vcpu->partition->mem, list, tce, n * sizeof(tce[0]));

	if (err) {
		return err;
	}
	for (unsigned int i = 0; i < n; i++) {
		tce[i] = be64_get((be64_t){tce[i]});
	}
	return 0;
}

/* H_PUT_TCE_INDIRECT(liobn, ioba, list, n) */
hret_t h_put_tce_indirect(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct tce_window *w = find_window(vcpu, args[0]);
	unsigned int n;
	int err;

	if (!w || !is_aligned(args[2], LIST_PAGE) || !args[3] || args[3] > TCE_MAX_BATCH) {
		return H_PARAMETER;
	}
	n = (unsigned int)args[3];
	err = read_list(vcpu, gpa(args[2]), n);
	if (!err) {
		err = tce_put(w, ioba(args[1]), n, &vcpu->scratch);
	}
	return status(vcpu, args, err);
}

/*
 * H_STUFF_TCE(liobn, ioba, value, n)
 *
 * A value without access is stored as 0 (design decision 14), so stuffing is clearing. Any n is
 * good, but not in one go: each trap clears one slice and moves r5 and r7 on, and the guest's `sc
 * 1` is made again with them. The whole range is looked at every time, so that a window that went
 * away meanwhile is noticed.
 */
hret_t h_stuff_tce(struct vcpu *vcpu, uint64_t args[HCALL_NARGS])
{
	struct tce_window *w = find_window(vcpu, args[0]);
	ioba_t at = ioba(args[1]);
	uint64_t n = args[3];
	int err;

	if (!w || (args[2] & TCE_PERM_MASK)) {
		return H_PARAMETER;
	}
	err = tce_clear_step(w, &at, &n);
	if (err || !n) {
		return status(vcpu, args, err);
	}
	args[1] = at.v;
	args[3] = n;
	return H_AGAIN_INTERNAL;
}
