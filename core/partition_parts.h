// SPDX-License-Identifier: Apache-2.0
/* What the parts of a partition have from each other: its life in core/partition.c, its making in
 * core/partition_build.c, its host bridges in core/partition_phb.c, and of a bridge its functions
 * in core/partition_bind.c and core/partition_func.c, their ROMs in core/partition_rom.c and their
 * pins in core/partition_intx.c; lists of steps in core/partition_steps.c. Nobody else includes
 * this, but for tests. */
#ifndef CORE_PARTITION_PARTS_H
#define CORE_PARTITION_PARTS_H

#include "core/err.h"
#include "core/partition.h"

#include <stdbool.h>

/*
 * A row of a list of steps, for a partition (n is 0) or for its host bridge n. make is all or
 * nothing. undo cannot fail: what the hardware does not confirm stays closed and out of use, is
 * said in the log, and is marked in the partition (exposed) if it could reach its memory. Either
 * may be NULL: a row without make undoes what the guest has done meanwhile.
 */
struct partition_step {
	const char *name;
	int (*make)(struct partition *p, unsigned int n);
	void (*undo)(struct partition *p, unsigned int n);
};

/* From the first row to the last; and back, from the last to the first. When a step fails, those
 * before it have been undone in reverse, *failed is its name, and its error is returned. */
int partition_make_steps(const struct partition_step *steps, unsigned int nsteps,
	struct partition *p, unsigned int n, const char **failed) must_check;
void partition_undo_steps(const struct partition_step *steps, unsigned int nsteps,
	struct partition *p, unsigned int n);

/* A partition's list, in core/partition_build.c; what a guest that starts again keeps is before
 * row PARTITION_KEPT. */
#define PARTITION_STEPS 8u
#define PARTITION_KEPT	3u
extern const struct partition_step partition_steps[PARTITION_STEPS];

/* A host bridge's, in core/partition_phb.c. */
#define PARTITION_PHB_STEPS 9u
extern const struct partition_step partition_phb_steps[PARTITION_PHB_STEPS];

/* All that the plan says, from nothing; the guest may be started then. An error has been said in
 * the log, and everything taken has been given back. */
int partition_make(struct partition *p) must_check;

/* Down to what is kept, and up again. An error has been said in the log, and what is kept is still
 * there. */
int partition_make_again(struct partition *p) must_check;

/* The way back from partition_make, and from partition_make_again after an error: nothing is left.
 */
void partition_unmake(struct partition *p);
void partition_unmake_kept(struct partition *p);

/* And a function's, in core/partition_bind.c. */
#define PARTITION_FUNC_STEPS 6u
extern const struct partition_step partition_func_steps[PARTITION_FUNC_STEPS];

/* Gives host bridge n the functions of its groups, which are in a container with an IOMMU, but for
 * those that the plan holds back, or none; and the way back. An error has been said in the log.
 * -ENOSPC, or what made a function unfit. */
int partition_bind_funcs(struct partition *p, unsigned int n) must_check;
void partition_put_funcs(struct partition *p, unsigned int n);

/* In core/partition_func.c; dev is its struct partition_func. */
extern const struct pci_func_ops partition_func_ops;

/* The option ROM that the guest is to have of this function, by the plan: size 0: none, and if that
 * is not what the plan wants a log line has said why. -ENOMEM, or what made the function unfit. It
 * lasts until forget, which may be called in any case. */
int partition_load_rom(struct partition *p, struct partition_func *pf,
	const struct plan_func *options, struct plan_blob *rom) must_check;
void partition_forget_rom(struct partition *p, struct partition_func *pf);

/* The pins of bridge n's functions become sources of the guest, where no other guest bridge has
 * their line. */
void partition_route_intx(struct partition *p, unsigned int n);

#endif
