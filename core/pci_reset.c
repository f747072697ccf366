// SPDX-License-Identifier: Apache-2.0
/*
 * Resets and changes of power state that a guest asks for. Nobody waits: the function is shut, its
 * guest reads all ones, and the first access after the device is back brings back what the reset
 * took. The guest's own view of config space does not change.
 *
 * Shut and asleep are changed under the claim, and under the lock for trapped accesses to BARs,
 * which take only that.
 */
#include "core/pci.h"
#include "core/pci_parts.h"

static void set_state(struct pci_func *f, bool shut, bool asleep)
{
	lock_take(&f->lock);
	f->shut = shut;
	f->asleep = asleep;
	lock_drop(&f->lock);
	pci_bars_update(f);
}

/* Mappings go first: nobody's load may meet a device that is not there. */
void pci_reset_start(struct pci_func *f, enum pci_reset how)
{
	bool asleep = f->asleep;

	if (!(f->resets >> how & 1) || (how == PCI_RESET_D0 && !asleep) ||
		(how == PCI_RESET_D3HOT && asleep)) {
		return;
	}
	set_state(f, true, how == PCI_RESET_D3HOT);
	if (f->ops->reset(f->dev, how)) {
		set_state(f, false, asleep);
	}
}

/* The device is itself again. Bus master is the last thing it gets back. */
static void wake(struct pci_func *f)
{
	if (pci_msi_restore(f)) {
		f->gone = true;
		return;
	}
	pci_msi_lift(f);
	pci_command_follow(f);
	pci_bars_update(f);
}

static bool settle(struct pci_func *f, bool wait)
{
	int err;

	if (!f->shut) {
		return true;
	}
	if (f->gone) {
		return false;
	}
	err = f->ops->settled(f->dev, wait);
	if (err == -EAGAIN) {
		return false;
	}
	if (err) {
		f->gone = true;
		return false;
	}
	if (f->asleep) {
		set_state(f, false, true);
	} else {
		wake(f);
	}
	return !f->gone;
}

bool pci_reset_settle(struct pci_func *f)
{
	return settle(f, false);
}

void pci_reset_abandon(struct pci_func *f)
{
	(void)settle(f, true);
	if (f->asleep && !f->gone) {
		pci_reset_start(f, PCI_RESET_D0);
		(void)settle(f, true);
	}
	/* What is mapped again is not decided here. */
	lock_take(&f->lock);
	f->shut = false;
	f->asleep = false;
	lock_drop(&f->lock);
}
