// SPDX-License-Identifier: Apache-2.0
/*
 * Resets of a device and changes of its power state, in steps that never wait: each look at the
 * clock either says that it is too early, or makes one step. The times are the specifications'
 * (PCI Express 4.0, 6.6.2; Advanced Features ECN; PCI PM 1.2, 5.4), the last limit is Linux's.
 */
#include "core/vfio_pci_parts.h"

#include "core/arch.h"
#include "core/host_pci.h"
#include "core/vfio_perm.h"

#define MS 1000000ull

#define DRAIN_NS  (100 * MS)
#define RESET_NS  (100 * MS)
#define POWER_NS  (10 * MS)
#define LOOK_NS	  (10 * MS)
#define BUS_NS	  (2 * MS)
#define GIVEUP_NS (60000 * MS)

#define BRIDGE_CONTROL	   0x3eu
#define BRIDGE_CONTROL_RST 0x0040u
#define CRS_VENDOR	   0x0001u

/* Registers that a reset loses, of the header (cap 0), a capability, or an extended one. COMMAND
 * comes last, when all that it switches on is right; the BARs are where the board says. */
struct reg {
	bool ext;
	uint8_t cap;
	uint8_t off, size;
};

static const struct reg regs[] = {
	{true, PCI_EXT_CAP_REBAR, 8, 4}, /* before BARs are written */
	{false, 0, PCI_CACHE_LINE, 1},
	{false, 0, PCI_LATENCY, 1},
	{false, 0, PCI_ROM_BAR, 4},
	{false, 0, PCI_INTERRUPT_LINE, 1},
	{false, PCI_CAP_PCIX, PCI_PCIX_CMD, 2},
	{false, PCI_CAP_EXP, PCI_EXP_DEVCTL, 2},
	{false, PCI_CAP_EXP, PCI_EXP_LNKCTL, 2},
	{false, PCI_CAP_EXP, PCI_EXP_DEVCTL2, 2},
	{false, PCI_CAP_EXP, PCI_EXP_LNKCTL2, 2},
	{true, PCI_EXT_CAP_AER, PCI_AER_UNC_MASK, 4},
	{true, PCI_EXT_CAP_AER, PCI_AER_UNC_SEVER, 4},
	{true, PCI_EXT_CAP_AER, PCI_AER_COR_MASK, 4},
	{true, PCI_EXT_CAP_AER, PCI_AER_CTRL, 4},
	{true, PCI_EXT_CAP_ACS, 6, 2},
	{true, PCI_EXT_CAP_ARI, 6, 2},
	{true, PCI_EXT_CAP_ATS, 6, 2},
	{true, PCI_EXT_CAP_PRI, 4, 2},
	{true, PCI_EXT_CAP_PASID, 6, 2},
	{true, PCI_EXT_CAP_LTR, 4, 4},
	{true, PCI_EXT_CAP_TPH, 8, 4},
	{true, PCI_EXT_CAP_PTM, 8, 4},
	{true, PCI_EXT_CAP_L1PM, 12, 4},
	{true, PCI_EXT_CAP_L1PM, 8, 4},
	{false, 0, PCI_COMMAND, 2},
};

#define NUM_REGS (sizeof(regs) / sizeof(regs[0]))
_Static_assert(NUM_REGS <= VFIO_MAX_SAVED, "each register has room");

/* A cycle of ours, for the walks. */
static int cycle(void *arg, unsigned int off, unsigned int size, uint32_t *val)
{
	return vfio_cycle_read(arg, off, size, val);
}

/* --- save and restore --- */

static int save_reg(
	struct vfio_device *d, struct vfio_saved *s, unsigned int off, unsigned int size)
{
	struct vfio_saved_reg *r = &s->regs[s->n];
	int err = vfio_cycle_read(d, off, size, &r->val);

	if (!err) {
		r->off = (uint16_t)off;
		r->size = (uint8_t)size;
		s->n++;
	}
	return err;
}

static int save_list(
	struct vfio_device *d, struct vfio_saved *s, const struct vfio_cap_list *l, bool ext)
{
	int err = 0;

	for (unsigned int i = 0; i < NUM_REGS && !err; i++) {
		const struct vfio_cap *c = regs[i].cap ? vfio_find_cap(l, regs[i].cap) : NULL;

		/* Of PCI Express, version 1 ends before the second set. */
		if (regs[i].cap && regs[i].ext == ext && c &&
			(unsigned int)regs[i].off + regs[i].size <= c->room &&
			(ext || c->id != PCI_CAP_EXP || regs[i].off < PCI_EXP_SIZE_V1 ||
				d->reset.exp_version >= 2)) {
			err = save_reg(d, s, c->pos + (unsigned int)regs[i].off, regs[i].size);
		}
	}
	return err;
}

static int save_header(struct vfio_device *d, struct vfio_saved *s)
{
	int err = 0;

	for (unsigned int i = 0; i < NUM_REGS && !err; i++) {
		if (!regs[i].cap) {
			err = save_reg(d, s, regs[i].off, regs[i].size);
		}
	}
	return err;
}

/* Where the capabilities are that we use ourselves; the first of each. */
static int find_caps(struct vfio_device *d, struct vfio_cap_list *l)
{
	struct vfio_reset *r = &d->reset;
	const struct vfio_cap *exp, *af, *pm;
	uint32_t flags = 0;
	int err = vfio_walk_caps(cycle, d, l);

	if (err) {
		return err;
	}
	exp = vfio_find_cap(l, PCI_CAP_EXP);
	af = vfio_find_cap(l, PCI_CAP_AF);
	pm = vfio_find_cap(l, PCI_CAP_PM);
	r->exp = exp && exp->room >= PCI_EXP_SIZE_V1 ? exp->pos : 0;
	r->af = af && af->room >= PCI_AF_SIZE ? af->pos : 0;
	r->pm = pm && pm->room >= PCI_PM_SIZE ? pm->pos : 0;
	if (r->exp) {
		err = vfio_cycle_read(d, r->exp + PCI_CAP_FLAGS, 2, &flags);
	}
	r->exp_version = flags & 0xf;
	return err;
}

static int save(struct vfio_device *d, struct vfio_saved *s)
{
	struct vfio_cap_list l;
	int err = find_caps(d, &l);

	s->n = 0;
	if (!err) {
		err = save_list(d, s, &l, false);
	}
	if (!err && d->reset.exp) {
		err = vfio_walk_ext_caps(cycle, d, &l);
		if (!err) {
			err = save_list(d, s, &l, true);
		}
	}
	/* The header last, and in it COMMAND: so it is put back. */
	return err ? err : save_header(d, s);
}

static int restore_bars(struct vfio_device *d)
{
	const struct host_func *host = vfio_host_of(d);
	int err = 0;

	for (unsigned int i = 0; i < PCI_NUM_BARS && !err; i++) {
		unsigned int reg = PCI_BAR0 + 4 * i;

		if (!host->bars[i].size) {
			continue;
		}
		err = vfio_cycle_write(d, reg, 4, host->bars[i].bus);
		if (!err && host->bars[i].is64) {
			err = vfio_cycle_write(d, reg + 4, 4, 0);
		}
	}
	return err;
}

/* bars: the device has lost them. Otherwise they are as they were, and decoding. */
static int restore(struct vfio_device *d, const struct vfio_saved *s, bool bars)
{
	int err = 0;

	for (unsigned int i = 0; i < s->n && !err; i++) {
		const struct vfio_saved_reg *r = &s->regs[i];
		uint32_t val = r->val;

		if (r->off == PCI_COMMAND) {
			val = (val & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF;
			err = bars ? restore_bars(d) : 0;
		}
		if (!err) {
			err = vfio_cycle_write(d, r->off, r->size, val);
		}
	}
	return err;
}

int vfio_save_device(struct vfio_device *d)
{
	return d->gone || save(d, &d->reset.opened) ? -EIO : 0;
}

void vfio_restore_device(struct vfio_device *d)
{
	if (!d->gone && restore(d, &d->reset.opened, false)) {
		(void)vfio_device_lost(d, "did not take its registers back");
	}
}

/* --- steps --- */

static bool time_has_come(uint64_t at)
{
	return arch_time_ns() >= at;
}

static void wait_in(struct vfio_device *d, enum vfio_reset_phase phase, uint64_t ns, uint64_t limit)
{
	uint64_t now = arch_time_ns();

	d->reset.phase = phase;
	d->reset.due_ns = now + ns;
	d->reset.limit_ns = now + limit;
}

static int fail(struct vfio_device *d)
{
	struct vfio_group *g = d->group;

	d->reset.phase = VFIO_RESET_NONE;
	d->reset.asleep = false;
	g->vfio->board->groups[g->host].refuse = "a function of it did not come back from a reset";
	return vfio_device_lost(d, "did not come back from a reset");
}

/* Bus master off, and a read that brings in what it has posted. */
static int stop_requests(struct vfio_device *d)
{
	uint32_t command;

	if (vfio_cycle_read(d, PCI_COMMAND, 2, &command) ||
		vfio_cycle_write(d, PCI_COMMAND, 2,
			(command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF) ||
		vfio_cycle_read(d, PCI_COMMAND, 2, &command)) {
		return -EIO;
	}
	return 0;
}

static int write_power(struct vfio_device *d, uint32_t state)
{
	unsigned int reg = d->reset.pm + PCI_PM_CTRL;
	uint32_t v;
	int err = vfio_cycle_read(d, reg, 2, &v);

	return err ? err
		   : vfio_cycle_write(d, reg, 2, (v & ~(PCI_PM_STATE | PCI_PM_PME_STATUS)) | state);
}

static int write_flr(struct vfio_device *d)
{
	unsigned int reg = d->reset.exp + PCI_EXP_DEVCTL;
	uint32_t v;
	int err = vfio_cycle_read(d, reg, 2, &v);

	return err ? err : vfio_cycle_write(d, reg, 2, v | PCI_EXP_DEVCTL_FLR);
}

/* What has been drained, or has had its time to, is reset. */
static int trigger(struct vfio_device *d)
{
	int err;

	switch (d->reset.kind) {
	case VFIO_RESET_FLR:
		err = write_flr(d);
		break;
	case VFIO_RESET_AF:
		err = vfio_cycle_write(d, d->reset.af + PCI_AF_CTRL, 1, PCI_AF_FLR);
		break;
	default:
		err = write_power(d, PCI_PM_D3HOT);
		break;
	}
	if (err) {
		return fail(d);
	}
	if (d->reset.kind == VFIO_RESET_PM) {
		wait_in(d, VFIO_RESET_SLEEP, POWER_NS, GIVEUP_NS);
	} else {
		wait_in(d, VFIO_RESET_SETTLE, RESET_NS, GIVEUP_NS);
	}
	return -EAGAIN;
}

static int drain(struct vfio_device *d)
{
	const struct vfio_reset *r = &d->reset;
	uint32_t status = 0;
	bool pending = false;
	int err = 0;

	if (r->kind == VFIO_RESET_FLR) {
		err = vfio_cycle_read(d, r->exp + PCI_EXP_DEVSTA, 2, &status);
		pending = status & PCI_EXP_DEVSTA_PENDING;
	} else if (r->kind == VFIO_RESET_AF) {
		err = vfio_cycle_read(d, r->af + PCI_AF_STATUS, 1, &status);
		pending = status & PCI_AF_STATUS_TP;
	}
	if (err) {
		return fail(d);
	}
	if (pending && !time_has_come(r->limit_ns)) {
		d->reset.due_ns = arch_time_ns() + LOOK_NS;
		return -EAGAIN;
	}
	return trigger(d);
}

/* A device that is not ready answers nothing, or that it is not (PCI Express 4.0, 2.3.1). */
static int look(struct vfio_device *d)
{
	uint32_t vendor;

	if (vfio_cycle_read(d, PCI_VENDOR_ID, 2, &vendor) || vendor == CRS_VENDOR || vendor == 0 ||
		(vendor == 0xffff && (!d->no_ids || !vfio_device_answers(d)))) {
		if (time_has_come(d->reset.limit_ns)) {
			return fail(d);
		}
		d->reset.due_ns = arch_time_ns() + LOOK_NS;
		return -EAGAIN;
	}
	if (restore(d, &d->reset.now, true)) {
		return fail(d);
	}
	d->reset.phase = VFIO_RESET_NONE;
	d->reset.asleep = false;
	return 0;
}

int vfio_poll_reset(struct vfio_device *d)
{
	struct vfio_reset *r = &d->reset;

	if (d->gone) {
		return -EIO;
	}
	if (r->phase == VFIO_RESET_NONE) {
		return 0;
	}
	if (!time_has_come(r->due_ns)) {
		return -EAGAIN;
	}
	switch (r->phase) {
	case VFIO_RESET_DRAIN:
		return drain(d);
	case VFIO_RESET_SLEEP:
		if (write_power(d, 0)) {
			return fail(d);
		}
		wait_in(d, VFIO_RESET_SETTLE, POWER_NS, GIVEUP_NS);
		return -EAGAIN;
	case VFIO_RESET_FALL:
		r->phase = VFIO_RESET_NONE;
		r->asleep = true;
		return 0;
	default:
		return look(d);
	}
}

bool vfio_reset_is_on(const struct vfio_device *d)
{
	return d->reset.phase != VFIO_RESET_NONE;
}

int vfio_wait_reset(struct vfio_device *d)
{
	int err;

	do {
		err = vfio_poll_reset(d);
	} while (err == -EAGAIN);
	return err;
}

/* --- what starts them --- */

static int begin_checks(const struct vfio_device *d)
{
	if (d->gone) {
		return -EIO;
	}
	return vfio_reset_is_on(d) ? -EBUSY : 0;
}

int vfio_probe_resets(struct vfio_device *d, unsigned int *kinds)
{
	struct vfio_cap_list l;
	uint32_t devcap = 0, af = 0, pm = PCI_PM_NO_SOFT_RESET;
	const struct vfio_reset *r = &d->reset;
	int err = begin_checks(d);

	*kinds = 0;
	if (err) {
		return err;
	}
	if (find_caps(d, &l) ||
		(r->exp && vfio_cycle_read(d, r->exp + PCI_EXP_DEVCAP, 4, &devcap)) ||
		(r->af && vfio_cycle_read(d, r->af + PCI_AF_CAP, 1, &af)) ||
		(r->pm && vfio_cycle_read(d, r->pm + PCI_PM_CTRL, 2, &pm))) {
		return vfio_device_lost(d, "does not answer any more");
	}
	*kinds = (devcap & PCI_EXP_DEVCAP_FLR ? 1u << VFIO_RESET_FLR : 0) |
		 (af & PCI_AF_CAP_FLR && af & PCI_AF_CAP_TP ? 1u << VFIO_RESET_AF : 0) |
		 (pm & PCI_PM_NO_SOFT_RESET ? 0 : 1u << VFIO_RESET_PM);
	return 0;
}

/* One that sleeps was saved before it fell asleep. */
static int save_now(struct vfio_device *d)
{
	if (!d->reset.asleep && save(d, &d->reset.now)) {
		return vfio_device_lost(d, "does not answer any more");
	}
	return 0;
}

int vfio_begin_reset(struct vfio_device *d, enum vfio_reset_kind kind)
{
	unsigned int kinds;
	int err = vfio_probe_resets(d, &kinds);

	if (!err && !(kinds >> kind & 1)) {
		err = -ENOTTY;
	}
	if (!err) {
		err = save_now(d);
	}
	if (!err && stop_requests(d)) {
		err = vfio_device_lost(d, "does not answer any more");
	}
	if (!err) {
		d->reset.kind = kind;
		wait_in(d, VFIO_RESET_DRAIN, 0, DRAIN_NS);
	}
	return err;
}

int vfio_begin_power(struct vfio_device *d, bool sleep)
{
	struct vfio_cap_list l;
	int err = begin_checks(d);

	if (!err && sleep == d->reset.asleep) {
		err = -EALREADY;
	}
	if (!err && find_caps(d, &l)) {
		err = vfio_device_lost(d, "does not answer any more");
	}
	if (!err && !d->reset.pm) {
		err = -ENOTTY;
	}
	if (!err) {
		err = save_now(d);
	}
	if (!err && ((sleep && stop_requests(d)) || write_power(d, sleep ? PCI_PM_D3HOT : 0))) {
		err = vfio_device_lost(d, "does not answer any more");
	}
	if (!err) {
		wait_in(d, sleep ? VFIO_RESET_FALL : VFIO_RESET_SETTLE, POWER_NS, GIVEUP_NS);
	}
	return err;
}

void vfio_wake_device(struct vfio_device *d)
{
	if (vfio_wait_reset(d) || !d->reset.asleep || vfio_begin_power(d, false)) {
		return;
	}
	/* What it is like afterwards, the read that comes next finds out. */
	if (vfio_wait_reset(d)) {
		return;
	}
}

int vfio_reset_device(struct vfio_device *d)
{
	const struct vfio_group *g = d->group;
	unsigned int kinds;
	int err = vfio_probe_resets(d, &kinds);

	if (err) {
		return err;
	}
	for (unsigned int k = 0; k < VFIO_RESET_KINDS; k++) {
		if (kinds >> k & 1) {
			err = vfio_begin_reset(d, k);
			return err ? err : vfio_wait_reset(d);
		}
	}
	if (g->vfio->board->groups[g->host].nfuncs != 1) {
		return -ENOTTY;
	}
	return vfio_reset_group(d->group);
}

/* --- the bus --- */

static int shake_bus(struct host_phb *phb, uint16_t port)
{
	uint32_t v;
	uint64_t until;
	int err = phb->ops->config_read(phb, port, BRIDGE_CONTROL, 2, &v);

	if (!err) {
		err = phb->ops->config_write(phb, port, BRIDGE_CONTROL, 2, v | BRIDGE_CONTROL_RST);
	}
	until = arch_time_ns() + BUS_NS;
	while (!err && arch_time_ns() < until) {
	}
	if (!err) {
		err = phb->ops->config_write(
			phb, port, BRIDGE_CONTROL, 2, v & ~(uint32_t)BRIDGE_CONTROL_RST);
	}
	return err;
}

static bool in_group(const struct vfio_group *g, unsigned int func)
{
	return g->vfio->devices[func].group == g;
}

static int prepare_group(struct vfio_group *g)
{
	for (unsigned int i = 0; i < g->vfio->board->nfuncs; i++) {
		struct vfio_device *d = &g->vfio->devices[i];
		int err = in_group(g, i) ? begin_checks(d) : 0;

		if (err) {
			return err;
		}
	}
	for (unsigned int i = 0; i < g->vfio->board->nfuncs; i++) {
		struct vfio_device *d = &g->vfio->devices[i];

		if (in_group(g, i) && (save_now(d) || stop_requests(d))) {
			return vfio_device_lost(d, "does not answer any more");
		}
	}
	return 0;
}

static void set_phases(struct vfio_group *g, enum vfio_reset_phase phase)
{
	for (unsigned int i = 0; i < g->vfio->board->nfuncs; i++) {
		if (in_group(g, i)) {
			g->vfio->devices[i].reset.phase = phase;
		}
	}
}

int vfio_reset_group(struct vfio_group *g)
{
	struct board *b = g->vfio->board;
	struct host_group *host = &b->groups[g->host];
	int err, first = 0;

	if (host->port < 0) {
		return -ENOTTY;
	}
	err = prepare_group(g);
	if (err) {
		return err;
	}
	/* From here on nobody else looks at them. */
	set_phases(g, VFIO_RESET_SETTLE);
	if (shake_bus(&b->phbs[host->phb], b->funcs[host->port].bdfn)) {
		err = -EIO;
	}
	if (!err) {
		err = host_pci_restore_bridges(b, host);
	}
	if (err) {
		set_phases(g, VFIO_RESET_NONE);
		return err;
	}
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		if (in_group(g, i)) {
			wait_in(&g->vfio->devices[i], VFIO_RESET_SETTLE, RESET_NS, GIVEUP_NS);
		}
	}
	for (unsigned int i = 0; i < b->nfuncs; i++) {
		err = in_group(g, i) ? vfio_wait_reset(&g->vfio->devices[i]) : 0;
		first = first ? first : err;
	}
	return first;
}
