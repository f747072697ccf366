// SPDX-License-Identifier: Apache-2.0
/*
 * Regions: what a device has to be read and written, and every access to it. All rules are asked
 * before the first cycle.
 */
#include "core/vfio_region.h"

#include "core/arch.h"
#include "core/pci_regs.h"
#include "core/range.h"
#include "core/vfio_pci_parts.h"

/* Regions are this far apart in the device's file, as in Linux; no program should know. */
#define REGION_SHIFT 40

#define BAR_ACCESS_MAX	  8u
#define CONFIG_ACCESS_MAX 4u

static bool is_bar(unsigned int index)
{
	return index < PCI_NUM_BARS;
}

static uint64_t region_size(const struct vfio_device *d, unsigned int index)
{
	if (is_bar(index)) {
		return vfio_host_of(d)->bars[index].size;
	}
	return index == VFIO_PCI_CONFIG_REGION ? d->config_size : 0;
}

static uint64_t region_offset(unsigned int index)
{
	return (uint64_t)index << REGION_SHIFT;
}

static unsigned int access_max(unsigned int index)
{
	return index == VFIO_PCI_CONFIG_REGION ? CONFIG_ACCESS_MAX : BAR_ACCESS_MAX;
}

/* --- what there is --- */

int vfio_get_device_info(struct vfio_device *d, struct vfio_device_info *info)
{
	const struct host_group *host = &d->group->vfio->board->groups[d->group->host];
	unsigned int kinds;
	int err;

	if (!d->opened || info->argsz < sizeof(*info)) {
		return -EINVAL;
	}
	err = vfio_probe_resets(d, &kinds);
	if (err) {
		return err;
	}
	*info = (struct vfio_device_info){
		.argsz = sizeof(*info),
		.flags = VFIO_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};
	if (kinds || (host->nfuncs == 1 && host->port >= 0)) {
		info->flags |= VFIO_DEVICE_FLAGS_RESET;
	}
	return 0;
}

const char *vfio_check_device_info(const struct vfio_device_info *info)
{
	if (!(info->flags & VFIO_DEVICE_FLAGS_PCI)) {
		return "it is not PCI";
	}
	if (info->num_regions <= VFIO_PCI_CONFIG_REGION) {
		return "it has no config region";
	}
	return info->num_irqs <= VFIO_PCI_MSIX_IRQ ? "it has too few kinds of interrupt" : NULL;
}

int vfio_get_region_info(const struct vfio_device *d, struct vfio_region_info *info)
{
	unsigned int index = info->index;

	if (!d->opened || info->argsz < sizeof(*info) || index >= VFIO_PCI_NUM_REGIONS) {
		return -EINVAL;
	}
	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.index = index,
		.size = region_size(d, index),
		.offset = region_offset(index),
	};
	if (info->size) {
		info->flags = VFIO_REGION_INFO_READ | VFIO_REGION_INFO_WRITE |
			      (is_bar(index) ? VFIO_REGION_INFO_MMAP : 0);
	}
	return 0;
}

/* --- one access --- */

static bool access_sound(
	const struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size)
{
	return d->opened && is_pow2(size) && size <= access_max(index) && is_aligned(off, size) &&
	       range_below(off, size, region_size(d, index));
}

/* A load from a device that is not there would be the host's machine check (VF-15). */
static bool memory_answers(const struct vfio_device *d)
{
	return d->decodes && !d->gone && !d->reset.asleep && !vfio_reset_is_on(d);
}

static hpa_t bar_at(const struct vfio_device *d, unsigned int bar, uint64_t off)
{
	return hpa(vfio_host_of(d)->bars[bar].cpu.v + off);
}

static int device_lost(struct vfio_device *d)
{
	return vfio_device_lost(d, "does not answer any more");
}

/* Ids are the host's record's: what a virtual function has there is all ones (SEED-003.13). */
static uint32_t with_ids(
	const struct vfio_device *d, unsigned int off, unsigned int size, uint32_t answer)
{
	const struct host_func *host = vfio_host_of(d);
	uint32_t ids = host->vendor | (uint32_t)host->device << 16;

	return off < PCI_COMMAND ? ids >> (8 * off) & UINT32_MAX >> (32 - 8 * size) : answer;
}

static int config_load(struct vfio_device *d, unsigned int off, unsigned int size, uint64_t *val)
{
	uint32_t answer;

	if (vfio_reset_is_on(d)) {
		return -EBUSY;
	}
	if (d->gone || vfio_cycle_read(d, off, size, &answer)) {
		return device_lost(d);
	}
	/* All ones may be the register's value, or nobody's. */
	if (answer == UINT32_MAX >> (32 - 8 * size) && !vfio_device_answers(d)) {
		return device_lost(d);
	}
	*val = with_ids(d, off, size, answer);
	return 0;
}

static int config_store(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val)
{
	if (vfio_reset_is_on(d)) {
		return -EBUSY;
	}
	if (d->gone || vfio_cycle_write(d, off, size, val)) {
		return device_lost(d);
	}
	if (off == PCI_COMMAND) {
		d->decodes = val & PCI_COMMAND_MEMORY;
	}
	return 0;
}

static int access(struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size,
	uint64_t *val, bool write)
{
	if (!access_sound(d, index, off, size)) {
		return -EINVAL;
	}
	if (!is_bar(index)) {
		return write ? config_store(d, (unsigned int)off, size, (uint32_t)*val)
			     : config_load(d, (unsigned int)off, size, val);
	}
	if (!memory_answers(d)) {
		return -EIO;
	}
	if (write) {
		arch_mmio_write(bar_at(d, index, off), size, *val);
	} else {
		*val = arch_mmio_read(bar_at(d, index, off), size);
	}
	return 0;
}

int vfio_region_load(
	struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size, uint64_t *val)
{
	return access(d, index, off, size, val, false);
}

int vfio_region_store(
	struct vfio_device *d, unsigned int index, uint64_t off, unsigned int size, uint64_t val)
{
	return access(d, index, off, size, &val, true);
}

int vfio_config_read(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t *val)
{
	uint64_t v;
	int err = vfio_region_load(d, VFIO_PCI_CONFIG_REGION, off, size, &v);

	if (!err) {
		*val = (uint32_t)v;
	}
	return err;
}

int vfio_config_write(struct vfio_device *d, unsigned int off, unsigned int size, uint32_t val)
{
	return vfio_region_store(d, VFIO_PCI_CONFIG_REGION, off, size, val);
}

/* --- many --- */

/* Where in which region pos is, and how much of count is inside. */
static int find_bytes(const struct vfio_device *d, uint64_t pos, size_t count, unsigned int *index,
	uint64_t *off, size_t *n)
{
	uint64_t size;

	*n = 0;
	*index = (unsigned int)(pos >> REGION_SHIFT);
	*off = pos - region_offset(*index);
	size = region_size(d, *index);
	if (!d->opened || *off >= size) {
		return -EINVAL;
	}
	*n = count < size - *off ? count : (size_t)(size - *off);
	return 0;
}

/* The largest access at off that is aligned and no longer than left. */
static unsigned int step_at(unsigned int index, uint64_t off, size_t left)
{
	unsigned int size = access_max(index);

	while (size > left || !is_aligned(off, size)) {
		size /= 2;
	}
	return size;
}

int vfio_region_read(struct vfio_device *d, uint64_t pos, void *buf, size_t count, size_t *done)
{
	unsigned int index;
	uint64_t off;
	size_t n;
	int err = find_bytes(d, pos, count, &index, &off, &n);

	*done = 0;
	while (!err && *done < n) {
		unsigned int size = step_at(index, off + *done, n - *done);
		uint64_t v;

		err = vfio_region_load(d, index, off + *done, size, &v);
		for (unsigned int i = 0; !err && i < size; i++) {
			((uint8_t *)buf)[(*done)++] = (uint8_t)(v >> (8 * i));
		}
	}
	return err;
}

int vfio_region_write(
	struct vfio_device *d, uint64_t pos, const void *buf, size_t count, size_t *done)
{
	unsigned int index;
	uint64_t off;
	size_t n;
	int err = find_bytes(d, pos, count, &index, &off, &n);

	*done = 0;
	while (!err && *done < n) {
		unsigned int size = step_at(index, off + *done, n - *done);
		uint64_t v = 0;

		for (unsigned int i = 0; i < size; i++) {
			v |= (uint64_t)((const uint8_t *)buf)[*done + i] << (8 * i);
		}
		err = vfio_region_store(d, index, off + *done, size, v);
		*done += err ? 0 : size;
	}
	return err;
}

/* --- for a CPU --- */

/* Whether these pages hold a byte of the device's MSI-X table. */
static bool meets_table(const struct vfio_device *d, unsigned int bar, uint64_t off, uint64_t len)
{
	uint32_t at = d->irqs.table & ~PCI_MSIX_BIR;

	return bar == (d->irqs.table & PCI_MSIX_BIR) &&
	       range_overlaps(off, len, at, d->irqs.count[VFIO_PCI_MSIX_IRQ] * PCI_MSIX_ENTRY);
}

int vfio_region_mmap(
	const struct vfio_device *d, unsigned int index, uint64_t off, uint64_t len, hpa_t *at)
{
	uint64_t size = is_bar(index) ? region_size(d, index) : 0;

	if (size && size < MEM_PAGE) {
		size = MEM_PAGE;
	}
	if (!d->opened || !len || !is_aligned(off | len, MEM_PAGE) ||
		!range_below(off, len, size) || meets_table(d, index, off, len)) {
		return -EINVAL;
	}
	*at = bar_at(d, index, off);
	return 0;
}
