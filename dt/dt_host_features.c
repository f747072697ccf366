// SPDX-License-Identifier: Apache-2.0
/*
 * What firmware says of the processor's weaknesses and remedies: nodes below
 * /ibm,opal/fw-features, each with an empty property "enabled" or "disabled".
 */
#include "dt/dt_host_reader.h"
#include "dt/dt_util.h"

#include <libfdt.h>

static const char *const names[BOARD_FEATURES] = {
	[BOARD_INST_SPEC_BARRIER] = "inst-spec-barrier-ori31,31,0",
	[BOARD_BCCTRL_SERIALIZED] = "fw-bcctrl-serialized",
	[BOARD_INST_L1D_FLUSH_ORI] = "inst-l1d-flush-ori30,30,0",
	[BOARD_INST_L1D_FLUSH_TRIG2] = "inst-l1d-flush-trig2",
	[BOARD_L1D_THREAD_SPLIT] = "fw-l1d-thread-split",
	[BOARD_COUNT_CACHE_DISABLED] = "fw-count-cache-disabled",
	[BOARD_COUNT_CACHE_FLUSH] = "fw-count-cache-flush-bcctr2,0,0",
	[BOARD_NEEDS_COUNT_CACHE_FLUSH] = "needs-count-cache-flush-on-context-switch",
	[BOARD_FAVOR_SECURITY] = "speculation-policy-favor-security",
	[BOARD_NEEDS_L1D_FLUSH_PR] = "needs-l1d-flush-msr-pr-0-to-1",
	[BOARD_NEEDS_SPEC_BARRIER] = "needs-spec-barrier-for-bound-checks",
	[BOARD_NO_L1D_FLUSH_ENTRY] = "no-need-l1d-flush-msr-pr-1-to-0",
	[BOARD_NO_L1D_FLUSH_UACCESS] = "no-need-l1d-flush-kernel-on-user-access",
	[BOARD_NO_STORE_DRAIN] = "no-need-store-drain-on-priv-state-switch",
};

void dt_host_read_features(struct dt_host_reader *r)
{
	int opal = fdt_subnode_offset(r->fdt, 0, "ibm,opal");
	int parent = opal < 0 ? opal : fdt_subnode_offset(r->fdt, opal, "fw-features");
	struct dt_prop prop;

	r->b->features_known = parent >= 0;
	for (unsigned int i = 0; i < BOARD_FEATURES && parent >= 0; i++) {
		int node = fdt_subnode_offset(r->fdt, parent, names[i]);

		if (node < 0) {
			continue;
		}
		if (dt_prop_find(r->fdt, node, "disabled", &prop)) {
			r->b->features_off |= 1u << i;
		} else if (dt_prop_find(r->fdt, node, "enabled", &prop)) {
			r->b->features_on |= 1u << i;
		}
	}
}
