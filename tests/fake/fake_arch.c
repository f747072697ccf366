// SPDX-License-Identifier: Apache-2.0
/*
 * The fake architecture; see fake_arch.h.
 */
#include "tests/fake/fake_arch.h"

#include "core/range.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fake_arch fake_arch;

/* What a partition's translation takes from the pool: one page, so that one not given back shows as
 * a leak. */
struct arch_partition {
	struct partition *owner;
	hpa_t table;
	unsigned int started; /* one bit per vCPU */
};

static struct arch_partition slots[PARTITION_MAX];

void fake_arch_reset(void)
{
	memset(&fake_arch, 0, sizeof(fake_arch));
	memset(slots, 0, sizeof(slots));
}

void fake_arch_fail_at(unsigned int n, int err)
{
	fake_arch.fail_at = n;
	fake_arch.fail_err = err;
	fake_arch.nfallible = 0;
}

void fake_arch_type(const char *bytes, size_t len)
{
	fake_arch.in = bytes;
	fake_arch.in_len = len;
}

void fake_arch_clear_out(void)
{
	fake_arch.out_len = 0;
	fake_arch.out[0] = '\0';
	fake_arch.nwrites = 0;
}

void fake_arch_clear_calls(void)
{
	fake_arch.ncalls = 0;
}

unsigned int fake_arch_count(enum fake_arch_op op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < fake_arch.ncalls; i++) {
		n += fake_arch.calls[i].op == op ? 1 : 0;
	}
	return n;
}

const struct fake_arch_call *fake_arch_nth(enum fake_arch_op op, unsigned int n)
{
	for (unsigned int i = 0; i < fake_arch.ncalls; i++) {
		if (fake_arch.calls[i].op == op && n-- == 0) {
			return &fake_arch.calls[i];
		}
	}
	return NULL;
}

const struct fake_arch_mmio *fake_arch_find_mmio(const struct partition *p, gpa_t at)
{
	for (unsigned int i = 0; i < fake_arch.nmmio; i++) {
		const struct fake_arch_mmio *m = &fake_arch.mmio[i];

		if (m->partition == p && range_inside(at.v, 1, m->at.v, m->size)) {
			return m;
		}
	}
	return NULL;
}

unsigned int fake_arch_live_partitions(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < PARTITION_MAX; i++) {
		n += slots[i].owner ? 1 : 0;
	}
	return n;
}

static int record(struct fake_arch_call call)
{
	if (fake_arch.ncalls == FAKE_ARCH_CALL_MAX) {
		fail_msg("fake arch: more than %u calls", FAKE_ARCH_CALL_MAX);
	}
	fake_arch.calls[fake_arch.ncalls++] = call;
	return call.result;
}

static bool is_time_to_fail(void)
{
	return ++fake_arch.nfallible == fake_arch.fail_at;
}

static struct arch_partition *need_slot(const struct partition *p, const char *what)
{
	if (!p->arch || p->arch->owner != p) {
		fail_msg("fake arch: %s for a partition without translation", what);
	}
	return p->arch;
}

void arch_console_write(const char *buf, size_t len)
{
	if (fake_arch.on_write) {
		fake_arch.on_write();
	}
	if (len > FAKE_ARCH_OUT_MAX - fake_arch.out_len) {
		fail_msg("fake arch: more than %u bytes written", FAKE_ARCH_OUT_MAX);
	}
	memcpy(fake_arch.out + fake_arch.out_len, buf, len);
	fake_arch.out_len += len;
	fake_arch.out[fake_arch.out_len] = '\0';
	fake_arch.nwrites++;
}

size_t arch_console_read(char *buf, size_t len)
{
	size_t n = len < fake_arch.in_len ? len : fake_arch.in_len;

	fake_arch.nreads++;
	if (n) {
		memcpy(buf, fake_arch.in, n);
		fake_arch.in += n;
		fake_arch.in_len -= n;
	}
	return n;
}

uint64_t arch_time_ns(void)
{
	uint64_t now = fake_arch.now_ns;

	fake_arch.now_ns += fake_arch.tick_ns;
	return now;
}

_Noreturn void arch_power_off(void)
{
	record((struct fake_arch_call){.op = FAKE_ARCH_POWER_OFF});
	fake_arch.powered_off = true;
	if (fake_arch.power_off_to) {
		longjmp(*fake_arch.power_off_to, 1);
	}
	print_error("fake arch: unexpected power off\n");
	abort();
}

static int init_slot(struct partition *p, struct mem_pool *pool)
{
	if (p->arch) {
		fail_msg("fake arch: partition_init twice");
	}
	if (!p->mem.size) {
		fail_msg("fake arch: partition_init before the partition's memory is set");
	}
	if (is_time_to_fail()) {
		return fake_arch.fail_err;
	}
	for (size_t i = 0; i < PARTITION_MAX; i++) {
		if (!slots[i].owner) {
			int err = mem_alloc(pool, MEM_PAGE, MEM_PAGE, &slots[i].table);

			if (err) {
				return -ENOMEM;
			}
			slots[i].owner = p;
			slots[i].started = 0;
			p->arch = &slots[i];
			return 0;
		}
	}
	return -ENOMEM;
}

int arch_partition_init(struct partition *p, struct mem_pool *pool)
{
	return record((struct fake_arch_call){
		.op = FAKE_ARCH_PARTITION_INIT, .partition = p, .result = init_slot(p, pool)});
}

void arch_partition_free(struct partition *p, struct mem_pool *pool)
{
	struct arch_partition *slot = need_slot(p, "partition_free");
	unsigned int kept = 0;

	if (slot->started) {
		fail_msg("fake arch: partition_free with vCPUs on their threads");
	}
	record((struct fake_arch_call){.op = FAKE_ARCH_PARTITION_FREE, .partition = p});
	assert_int_equal(mem_free(pool, slot->table, MEM_PAGE), 0);
	for (unsigned int i = 0; i < fake_arch.nmmio; i++) {
		if (fake_arch.mmio[i].partition != p) {
			fake_arch.mmio[kept++] = fake_arch.mmio[i];
		}
	}
	fake_arch.nmmio = kept;
	slot->owner = NULL;
	p->arch = NULL;
}

static int add_mmio(struct partition *p, gpa_t at, hpa_t to, uint64_t size)
{
	need_slot(p, "map_mmio");
	if (is_time_to_fail()) {
		return fake_arch.fail_err;
	}
	if (!size || !is_aligned(at.v | to.v | size, MEM_PAGE) ||
		!range_below(at.v, size, FAKE_ARCH_GPA_END)) {
		return -EINVAL;
	}
	if (range_overlaps(at.v, size, 0, p->mem.size)) {
		return -EEXIST;
	}
	for (unsigned int i = 0; i < fake_arch.nmmio; i++) {
		const struct fake_arch_mmio *m = &fake_arch.mmio[i];

		if (m->partition == p && range_overlaps(at.v, size, m->at.v, m->size)) {
			return -EEXIST;
		}
	}
	if (fake_arch.nmmio == FAKE_ARCH_MMIO_MAX) {
		return -ENOMEM;
	}
	fake_arch.mmio[fake_arch.nmmio++] = (struct fake_arch_mmio){p, at, to, size};
	return 0;
}

int arch_map_mmio(struct partition *p, gpa_t at, hpa_t to, uint64_t size)
{
	return record((struct fake_arch_call){.op = FAKE_ARCH_MAP_MMIO,
		.partition = p,
		.at = at,
		.to = to,
		.size = size,
		.result = add_mmio(p, at, to, size)});
}

void arch_unmap_mmio(struct partition *p, gpa_t at, uint64_t size)
{
	need_slot(p, "unmap_mmio");
	record((struct fake_arch_call){
		.op = FAKE_ARCH_UNMAP_MMIO, .partition = p, .at = at, .size = size});
	for (unsigned int i = 0; i < fake_arch.nmmio; i++) {
		struct fake_arch_mmio *m = &fake_arch.mmio[i];

		if (m->partition == p && m->at.v == at.v && m->size == size) {
			*m = fake_arch.mmio[--fake_arch.nmmio];
			return;
		}
	}
	fail_msg("fake arch: unmap_mmio of what is not mapped so");
}

static void mmio(hpa_t at, unsigned int size, bool write, uint64_t *val)
{
	if (!is_pow2(size) || size > 8 || !is_aligned(at.v, size)) {
		fail_msg("fake arch: device memory accessed with %u bytes at 0x%llx", size,
			(unsigned long long)at.v);
	}
	if (!fake_arch.on_mmio || !fake_arch.on_mmio(fake_arch.on_mmio_arg, at, size, write, val)) {
		fail_msg("fake arch: no device memory at 0x%llx", (unsigned long long)at.v);
	}
}

void arch_clear_memory(void *at, uint64_t size)
{
	if (size % MEM_PAGE) {
		fail_msg("fake arch: clearing a part of a page");
	}
	memset(at, 0, size);
}

uint64_t arch_mmio_read(hpa_t at, unsigned int size)
{
	uint64_t val = 0;

	mmio(at, size, false, &val);
	return val;
}

void arch_mmio_write(hpa_t at, unsigned int size, uint64_t val)
{
	mmio(at, size, true, &val);
}

void arch_vcpu_start(struct vcpu *vcpu, gpa_t entry, gpa_t tree)
{
	struct arch_partition *slot = need_slot(vcpu->partition, "vcpu_start");

	if (vcpu->id >= PARTITION_MAX_VCPUS || (slot->started & 1u << vcpu->id)) {
		fail_msg("fake arch: vcpu %u started twice or out of range", vcpu->id);
	}
	slot->started |= 1u << vcpu->id;
	record((struct fake_arch_call){.op = FAKE_ARCH_VCPU_START,
		.partition = vcpu->partition,
		.vcpu = vcpu,
		.at = entry,
		.tree = tree});
	if (fake_arch.on_start) {
		fake_arch.on_start(vcpu);
	}
}

void arch_call_on(unsigned int thread, void (*fn)(void *arg), void *arg)
{
	if (fake_arch.call) {
		fail_msg("fake arch: call_on while another call waits");
	}
	for (size_t i = 0; i < PARTITION_MAX; i++) {
		for (unsigned int k = 0; slots[i].owner && k < PARTITION_MAX_VCPUS; k++) {
			if ((slots[i].started & 1u << k) &&
				slots[i].owner->vcpus[k].thread == thread) {
				fail_msg("fake arch: call_on a thread that runs a vCPU");
			}
		}
	}
	record((struct fake_arch_call){.op = FAKE_ARCH_CALL_ON, .value = thread});
	fake_arch.call = fn;
	fake_arch.call_arg = arg;
}

void fake_arch_run_call(void)
{
	void (*fn)(void *arg) = fake_arch.call;

	if (!fn) {
		fail_msg("fake arch: there is no call");
	}
	fake_arch.call = NULL;
	fn(fake_arch.call_arg);
}

void fake_arch_leave(struct vcpu *vcpu)
{
	struct arch_partition *slot = need_slot(vcpu->partition, "leave");

	if (!(slot->started & 1u << vcpu->id)) {
		fail_msg("fake arch: vcpu %u leaves and was not started", vcpu->id);
	}
	slot->started &= ~(1u << vcpu->id);
}

bool fake_arch_on_thread(const struct vcpu *vcpu)
{
	const struct arch_partition *slot = vcpu->partition->arch;

	return slot && slot->owner == vcpu->partition && (slot->started & 1u << vcpu->id);
}

static void record_vcpu(enum fake_arch_op op, struct vcpu *vcpu, uint64_t value)
{
	if (!vcpu->partition || vcpu->id >= vcpu->partition->nvcpus) {
		fail_msg("fake arch: not a vCPU of a partition");
	}
	record((struct fake_arch_call){
		.op = op, .partition = vcpu->partition, .vcpu = vcpu, .value = value});
}

void arch_set_little_interrupts(struct vcpu *vcpu, bool little)
{
	record_vcpu(FAKE_ARCH_SET_LITTLE, vcpu, little);
}

int arch_set_ail(struct vcpu *vcpu, unsigned int ail)
{
	if (ail != 0 && ail != 3) {
		fail_msg("fake arch: AIL %u", ail);
	}
	record_vcpu(FAKE_ARCH_SET_AIL, vcpu, ail);
	return 0;
}

/* Radix, a base of 60 bits, a size of 5. */
#define ENTRY_KNOWN 0x8ffffffffffff01full

void arch_set_process_table(struct partition *p, uint64_t entry)
{
	if (entry && (!(entry >> 63) || (entry & ~ENTRY_KNOWN))) {
		fail_msg("fake arch: process table entry 0x%llx", (unsigned long long)entry);
	}
	record((struct fake_arch_call){
		.op = FAKE_ARCH_SET_PROCESS_TABLE, .partition = p, .value = entry});
}

void arch_cede(struct vcpu *vcpu)
{
	record_vcpu(FAKE_ARCH_CEDE, vcpu, 0);
	if (fake_arch.on_cede) {
		fake_arch.on_cede(vcpu);
	}
}

void arch_kick(struct vcpu *vcpu)
{
	record_vcpu(FAKE_ARCH_KICK, vcpu, 0);
	if (fake_arch.on_kick) {
		fake_arch.on_kick(vcpu);
	}
}

int arch_clock_read(uint64_t *seconds_since_1970)
{
	record((struct fake_arch_call){.op = FAKE_ARCH_CLOCK_READ, .result = fake_arch.clock_err});
	if (!fake_arch.clock_err) {
		*seconds_since_1970 = fake_arch.clock_seconds;
	}
	return fake_arch.clock_err;
}
