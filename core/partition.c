// SPDX-License-Identifier: Apache-2.0
/*
 * A partition's life. It is built on the boot thread; its vCPUs run on threads of their own; the
 * last of them to leave takes it apart, on its thread, while nothing else of it runs, and if the
 * guest asked for that builds it again in the same memory. One that has stopped is built again from
 * nothing on its boot vCPU's thread, when somebody asks for it.
 *
 * Who is the last is decided by p->running alone. It counts a vCPU from before its thread gets it
 * until its leaving is over, and only a counted vCPU starts another, so it reaches 0 once for each
 * partition_start(), and whoever takes it there is alone.
 */
#include "core/partition.h"

#include "core/partition_parts.h"

#include <inttypes.h>
#include <string.h>

/* Ten samples a second: a guest that took no interrupt in any of so many is said to be deaf. */
#define DEAF_SAMPLES 10u

bool (*partition_on_starting)(struct partition *p);
void (*partition_on_stopped)(struct partition *p);

/* Firmware is asked once; from then on the timebase counts, through reboots, too, as a clock of the
 * guest's own would. */
static void set_clock(struct partition *p)
{
	uint64_t seconds;

	if (atomic_load(&p->clock_known)) {
		return;
	}
	if (arch_clock_read(&seconds) || seconds >= PARTITION_CLOCK_END) {
		log_limited(&p->log, LOG_WARN,
			"%s: firmware's clock cannot be read; the guest has no time of day",
			p->name);
		return;
	}
	atomic_store(&p->clock_ns, seconds * 1000000000u - arch_time_ns());
	atomic_store(&p->clock_known, true);
}

void partition_start(struct partition *p)
{
	set_clock(p);
	atomic_store(&p->state, PARTITION_RUNNING);
	atomic_store(&p->running, 1);
	atomic_store(&p->vcpus[0].state, VCPU_RUNNING);
	arch_vcpu_start(&p->vcpus[0], p->entry, p->tree);
}

int partition_start_vcpu(struct partition *p, uint64_t id, gpa_t entry, uint64_t r3)
{
	enum vcpu_state stopped = VCPU_STOPPED;

	if (id >= p->nvcpus) {
		return -EINVAL;
	}
	if (!atomic_compare_exchange_strong(&p->vcpus[id].state, &stopped, VCPU_RUNNING)) {
		return -EBUSY;
	}
	/* Its thread may still be on the way out of partition_vcpu_exited() and about to take its
	 * earlier run off the count; this run is counted apart, so in whichever order the two come,
	 * the count stays above 0. A request to stop that comes now sees it running and kicks it;
	 * its thread, asleep or not, looks for a request before it enters the guest. */
	atomic_fetch_add(&p->running, 1);
	arch_vcpu_start(&p->vcpus[id], entry, gpa(r3));
	return 0;
}

void partition_stop_vcpu(struct vcpu *self)
{
	atomic_store(&self->state, VCPU_STOPPING);
}

void partition_request_stop(struct partition *p, enum partition_stop why)
{
	enum partition_stop none = STOP_NONE;
	enum partition_state running = PARTITION_RUNNING;

	if (!atomic_compare_exchange_strong(&p->why, &none, why)) {
		return;
	}
	atomic_compare_exchange_strong(&p->state, &running, PARTITION_STOPPING);
	/* The reason is stored first: whom the kick wakes finds it. The caller is counted in
	 * p->running, so nothing is taken apart under the loop. A kick for a vCPU that has left
	 * meanwhile, or for the caller, ends nothing but a wait. */
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		if (atomic_load(&p->vcpus[i].state) == VCPU_RUNNING) {
			arch_kick(&p->vcpus[i]);
		}
	}
}

bool partition_must_stop(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->partition->why) != STOP_NONE ||
	       atomic_load(&vcpu->state) == VCPU_STOPPING;
}

void partition_crashed(struct vcpu *vcpu, const char *report)
{
	struct partition *p = vcpu->partition;

	log_msg(LOG_ERR, "%s: vCPU %u stopped; the report follows", p->name, vcpu->id);
	while (*report) {
		size_t len = strcspn(report, "\n");

		log_msg(LOG_ERR, "%s: %.*s", p->name, (int)len, report);
		report += len + (report[len] == '\n');
	}
	partition_request_stop(p, STOP_CRASHED);
}

void partition_sample(struct vcpu *vcpu, uint64_t pc, bool interrupts_on)
{
	if (interrupts_on) {
		vcpu->deaf = 0;
		return;
	}
	/* Past the limit the count stands still: said once, and then left alone. */
	if (vcpu->deaf < DEAF_SAMPLES && ++vcpu->deaf == DEAF_SAMPLES) {
		log_limited(&vcpu->log, LOG_WARN,
			"%s: vCPU %u has had interrupts off in %u samples, a second long, now at "
			"0x%" PRIx64 "; it is left alone",
			vcpu->partition->name, vcpu->id, DEAF_SAMPLES, pc);
	}
}

static void take_apart(struct partition *p)
{
	static const char *const words[] = {[STOP_NONE] = "",
		[STOP_POWER_OFF] = "powered off",
		[STOP_REBOOT] = "asked for a reboot",
		[STOP_CRASHED] = "crashed",
		[STOP_NO_VCPU] = "its last vCPU stopped itself"};

	console_flush(&p->console);
	log_msg(LOG_NOTICE, "%s: %s", p->name, words[atomic_load(&p->why)]);
	partition_print_summary(p);
	partition_unmake(p);
}

/* Nothing of an earlier life is left when the guest runs again. */
static void begin_anew(struct partition *p)
{
	for (unsigned int i = 0; i < p->nvcpus; i++) {
		memset(p->vcpus[i].areas, 0, sizeof(p->vcpus[i].areas));
	}
	atomic_store(&p->why, STOP_NONE);
	partition_start(p);
}

/*
 * Everything but the memory itself is given back and taken anew, as at the first start: devices
 * have been in quarantine, windows and message interrupts are new and empty, the memory holds the
 * plan's kernel and tree and zeros. True: the guest runs again, perhaps on other threads already,
 * and nothing of p is the caller's any more.
 */
static bool start_again(struct partition *p)
{
	console_flush(&p->console);
	log_limited(&p->log, LOG_NOTICE, "%s: starts again, as its guest asked", p->name);
	if (!partition_make_again(p)) {
		begin_anew(p);
		return true;
	}
	log_msg(LOG_ERR, "%s: could not be started again", p->name);
	atomic_store(&p->why, STOP_CRASHED);
	partition_unmake_kept(p);
	return false;
}

static void has_stopped(struct partition *p)
{
	atomic_store(&p->state, PARTITION_STOPPED);
	partition_on_stopped(p);
}

/* The last vCPU has left. */
static void end(struct partition *p)
{
	enum partition_stop none = STOP_NONE;

	/* Nobody had asked: it stopped itself, as did all before it. */
	atomic_compare_exchange_strong(&p->why, &none, STOP_NO_VCPU);
	if (atomic_load(&p->why) != STOP_REBOOT) {
		take_apart(p);
	} else if (start_again(p)) {
		return;
	}
	has_stopped(p);
}

/* On the boot vCPU's thread, which is parked otherwise. */
static void make_again(void *arg)
{
	struct partition *p = arg;

	if (!partition_make(p)) {
		begin_anew(p);
		return;
	}
	log_msg(LOG_ERR, "%s: could not be started again", p->name);
	atomic_store(&p->why, STOP_CRASHED);
	has_stopped(p);
}

int partition_restart(struct partition *p)
{
	enum partition_state stopped = PARTITION_STOPPED;

	if (!atomic_compare_exchange_strong(&p->state, &stopped, PARTITION_STARTING)) {
		return -EBUSY;
	}
	if (partition_on_starting && !partition_on_starting(p)) {
		atomic_store(&p->state, PARTITION_STOPPED);
		return -EPERM;
	}
	arch_call_on(p->vcpus[0].thread, make_again, p);
	return 0;
}

void partition_vcpu_exited(struct vcpu *vcpu)
{
	struct partition *p = vcpu->partition;

	/* A start finds it as new, and a prod or a count of an earlier life means nothing to it. */
	atomic_store(&vcpu->prodded, false);
	vcpu->deaf = 0;
	/* From here on another vCPU may start it again. That it does so before the count goes down
	 * does no harm; the other way round, this thread would write to the state of a partition
	 * that another thread may have taken apart or started again. */
	atomic_store(&vcpu->state, VCPU_STOPPED);
	if (atomic_fetch_sub(&p->running, 1) == 1) {
		end(p);
	}
}
