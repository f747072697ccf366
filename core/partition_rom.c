// SPDX-License-Identifier: Apache-2.0
/*
 * The option ROM that a guest is given of a function: the plan's file, which lies in the bundle, or
 * a copy of the device's, made before the guest runs and forgotten with the function. Without one
 * the guest has no ROM, and the device does not matter.
 */
#include "core/partition_parts.h"

static void say_none(struct partition *p, const struct host_func *h, const char *why)
{
	log_limited(&p->log, LOG_WARN, "%s: function %02x:%02x.%x: no option ROM for its guest: %s",
		p->name, h->bdfn >> 8, h->bdfn >> 3 & 0x1f, h->bdfn & 7, why);
}

void partition_forget_rom(struct partition *p, struct partition_func *pf)
{
	if (pf->rom_bytes && mem_free_for(p->pool, MEM_GUEST, pf->rom, pf->rom_bytes)) {
		log_msg(LOG_ERR, "%s: the memory of an option ROM could not be given back",
			p->name);
	}
	pf->rom_bytes = 0;
}

/* The copy, checked; *why: why there is none, and the guest is to go without. An error ends the
 * assignment. */
static int copy_rom(struct partition *p, struct partition_func *pf, const char **why)
{
	uint32_t bytes = (uint32_t)pf->host->rom.size;
	uint8_t *copy;
	int err;

	if (!bytes || !pf->host->rom.bus) {
		*why = "the device has none, or its host bridge no room for it";
		return 0;
	}
	err = mem_alloc_for(p->pool, MEM_GUEST, bytes, MEM_PAGE, &pf->rom);
	if (err) {
		return err;
	}
	pf->rom_bytes = bytes;
	copy = mem_ptr(p->pool, pf->rom);
	err = vfio_read_rom(pf->device, copy, bytes);
	if (pf->device->gone) {
		return -EIO;
	}
	if (err) {
		*why = "the device's cannot be read";
	} else if (!pci_rom_check(copy, bytes, why)) {
		*why = NULL;
	}
	return 0;
}

int partition_load_rom(struct partition *p, struct partition_func *pf,
	const struct plan_func *options, struct plan_blob *rom)
{
	const char *why = NULL;
	int err;

	*rom = (struct plan_blob){NULL, 0};
	if (!options || options->rom == PLAN_ROM_OFF) {
		return 0;
	}
	if (options->rom == PLAN_ROM_FILE) {
		*rom = options->rom_file;
		return 0;
	}
	err = copy_rom(p, pf, &why);
	if (!err && why) {
		say_none(p, pf->host, why);
	}
	if (err || why) {
		partition_forget_rom(p, pf);
		return err;
	}
	*rom = (struct plan_blob){mem_ptr(p->pool, pf->rom), pf->rom_bytes};
	return 0;
}
