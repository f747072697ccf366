// SPDX-License-Identifier: Apache-2.0
/*
 * The device as QEMU's docs/specs/edu has it. Its registers have the byte order of the machine
 * model, which is big-endian on every PowerPC one, whatever the guest is.
 *
 * With translation off a plain load or store reaches a BAR: the hypervisor's mapping makes it
 * cache-inhibited. Where the hypervisor offers H_LOGICAL_CI_LOAD and STORE, they are used.
 */
#include "tests/guest/edu.h"

#include "tests/guest/hv.h"

#define REG_DMA_SOURCE	    0x80u
#define REG_DMA_DESTINATION 0x88u
#define REG_DMA_COUNT	    0x90u
#define REG_DMA_COMMAND	    0x98u
#define DMA_RUN		    0x1u
#define DMA_TO_MEMORY	    0x2u
#define DEVICE_BUFFER	    0x40000u

/* A DMA takes 100 ms of the machine's time. */
#define DMA_TIMEOUT_SECONDS 20u
#define DMA_POLLS_A_SECOND  1000u

static uint64_t bar;
static bool by_hcall;

int32_t pci_read(const struct tree_phb *phb, const struct tree_func *f, uint32_t offset,
	uint32_t size, uint32_t *value)
{
	const uint32_t args[4] = {
		f->config_addr | offset, (uint32_t)(phb->buid >> 32), (uint32_t)phb->buid, size};
	uint32_t rets[2] = {0, 0xffffffffu};
	int32_t status = rtas_call("ibm,read-pci-config", args, 4, rets, 2);

	*value = status ? 0xffffffffu : rets[1];
	return status;
}

int32_t pci_write(const struct tree_phb *phb, const struct tree_func *f, uint32_t offset,
	uint32_t size, uint32_t value)
{
	const uint32_t args[5] = {f->config_addr | offset, (uint32_t)(phb->buid >> 32),
		(uint32_t)phb->buid, size, value};
	uint32_t rets[1];

	return rtas_call("ibm,write-pci-config", args, 5, rets, 1);
}

uint64_t edu_open(const struct tree_phb *phb, const struct tree_func *f)
{
	uint64_t bus = f->bar0_bus ? f->bar0_bus : phb->mem32_bus;
	uint32_t command;

	if (!f->bar0_size || bus < phb->mem32_bus || bus - phb->mem32_bus >= phb->mem32_size) {
		return 0;
	}
	if (!f->bar0_bus && pci_write(phb, f, PCI_BAR0, 4, (uint32_t)bus)) {
		return 0;
	}
	if (pci_read(phb, f, PCI_COMMAND, 2, &command) ||
		pci_write(phb, f, PCI_COMMAND, 2,
			command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)) {
		return 0;
	}
	bar = phb->mem32_cpu + (bus - phb->mem32_bus);
	by_hcall = hv_call(H_LOGICAL_CI_LOAD, 4, bar, 0, 0) != H_FUNCTION;
	return bar;
}

static uint64_t ci_load(uint64_t size, uint64_t address)
{
	struct hv_regs regs = {.r = {H_LOGICAL_CI_LOAD, size, address}};

	return hv_call_regs(&regs, HV_NORMAL) ? UINT64_MAX : regs.r[1];
}

uint32_t edu_read32(uint32_t offset)
{
	if (by_hcall) {
		return (uint32_t)ci_load(4, bar + offset);
	}
	return be32(*(volatile uint32_t *)(uintptr_t)(bar + offset));
}

void edu_write32(uint32_t offset, uint32_t value)
{
	if (by_hcall) {
		hv_call(H_LOGICAL_CI_STORE, 4, bar + offset, value, 0);
		return;
	}
	*(volatile uint32_t *)(uintptr_t)(bar + offset) = be32(value);
}

static uint64_t read64(uint32_t offset)
{
	if (by_hcall) {
		return ci_load(8, bar + offset);
	}
	return be64(*(volatile uint64_t *)(uintptr_t)(bar + offset));
}

static void write64(uint32_t offset, uint64_t value)
{
	if (by_hcall) {
		hv_call(H_LOGICAL_CI_STORE, 8, bar + offset, value, 0);
		return;
	}
	*(volatile uint64_t *)(uintptr_t)(bar + offset) = be64(value);
}

/* Whether the command finished in time. */
static bool finishes(void)
{
	uint64_t start = timebase(), polled = start;

	while (timebase() - start < DMA_TIMEOUT_SECONDS * tree.timebase_hz) {
		if (timebase() - polled < tree.timebase_hz / DMA_POLLS_A_SECOND) {
			continue;
		}
		if (!(read64(REG_DMA_COMMAND) & DMA_RUN)) {
			return true;
		}
		interrupts_on();
		polled = timebase();
	}
	return false;
}

static void start(uint64_t source, uint64_t destination, uint32_t len, uint64_t command)
{
	write64(REG_DMA_SOURCE, source);
	write64(REG_DMA_DESTINATION, destination);
	write64(REG_DMA_COUNT, len);
	/* What we wrote to memory must be there before the device looks. */
	__asm__ volatile("sync" : : : "memory");
	write64(REG_DMA_COMMAND, command | DMA_RUN);
}

bool edu_dma_wait(void)
{
	bool finished = finishes();

	__asm__ volatile("sync" : : : "memory");
	return finished;
}

static bool in_buffer(uint32_t offset, uint32_t len)
{
	return len && offset <= EDU_BUFFER && len <= EDU_BUFFER - offset;
}

bool edu_dma_in(uint64_t ioba, uint32_t offset, uint32_t len)
{
	if (!in_buffer(offset, len)) {
		return false;
	}
	start(ioba, DEVICE_BUFFER + offset, len, 0);
	return edu_dma_wait();
}

bool edu_dma_start_out(uint64_t ioba, uint32_t offset, uint32_t len)
{
	if (!in_buffer(offset, len)) {
		return false;
	}
	start(DEVICE_BUFFER + offset, ioba, len, DMA_TO_MEMORY);
	return true;
}

bool edu_dma_out(uint64_t ioba, uint32_t offset, uint32_t len)
{
	return edu_dma_start_out(ioba, offset, len) && edu_dma_wait();
}
