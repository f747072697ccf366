// SPDX-License-Identifier: Apache-2.0
/* The boot thread's first C, the end of the machine, and traps of our own. */
#include "arch/ppc64/console.h"
#include "arch/ppc64/cpu.h"
#include "arch/ppc64/guest.h"
#include "arch/ppc64/ioda.h"
#include "arch/ppc64/opal.h"
#include "arch/ppc64/report.h"
#include "arch/ppc64/spr.h"
#include "core/arch.h"
#include "core/board.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Arguments of OPAL_REINIT_CPUS. */
#define REINIT_BIG_ENDIAN 1
#define REINIT_RADIX	  8

extern uint8_t __image_start[], __image_end[];

_Noreturn void boot_main(const void *tree, uint64_t base, uint64_t entry);

/* Processors with radix partitions and `stop`, by the upper half of PVR: POWER9, 10, 11. */
static const uint16_t processors[] = {0x004e, 0x0080, 0x0082};

static bool processor_known(void)
{
	for (unsigned int i = 0; i < sizeof(processors) / sizeof(processors[0]); i++) {
		if (processors[i] == spr_read(SPR_PVR) >> 16) {
			return true;
		}
	}
	return false;
}

_Noreturn void boot_main(const void *tree, uint64_t base, uint64_t entry)
{
	static const char unknown[] = "tcelot: this processor is not POWER9, POWER10 or POWER11; "
				      "without radix partitions there is nothing to run on\n";

	opal_address = (struct opal_address){base, entry};
	if (!processor_known()) {
		console_write_now(unknown, sizeof(unknown) - 1);
		arch_power_off();
	}
	/* Interrupts big-endian, translation radix: what firmware may have been left in by another
	 * payload. It must be asked while all other threads are still its own. */
	opal_call1(OPAL_REINIT_CPUS, REINIT_BIG_ENDIAN | REINIT_RADIX);
	cpu_init_boot();
	core_main(tree);
}

void arch_board_init(struct board *b)
{
	b->pvr = (uint32_t)spr_read(SPR_PVR);
	timebase_hz = b->timebase_hz ? b->timebase_hz : timebase_hz;
	for (unsigned int i = 0; i < b->nphbs; i++) {
		b->phbs[i].ops = &ioda_phb_ops;
	}
}

void arch_threads_start(struct board *b, struct mem_pool *pool)
{
	cpu_start_all(b, pool);
}

struct mem_range arch_image(void)
{
	return (struct mem_range){
		(uintptr_t)__image_start, (uintptr_t)__image_end - (uintptr_t)__image_start};
}

uint64_t arch_low_memory(void)
{
	return LOW_CODE_SIZE;
}

_Noreturn void arch_run(void)
{
	cpu_main();
}

/* Asks once: each repetition would push another message into the service processor's queue. */
static _Noreturn void power_down(void)
{
	int64_t rc;

	do {
		rc = opal_call1(OPAL_CEC_POWER_DOWN, 0);
		opal_call1(OPAL_POLL_EVENTS, 0);
	} while (rc == OPAL_BUSY || rc == OPAL_BUSY_EVENT);
	for (;;) {
		opal_call1(OPAL_POLL_EVENTS, 0);
	}
}

_Noreturn void arch_power_off(void)
{
	console_finish();
	power_down();
}

_Noreturn void trap_in_hypervisor(struct vcpu_regs *regs)
{
	static const char last_words[] = "tcelot: a trap in the hypervisor; powering off\n";
	static atomic_flag spoken;
	struct cpu *self = cpu_self();

	/* One thread has the last words; a trap while it reports adds none. */
	if (self->trap_depth++ == 0 && !atomic_flag_test_and_set(&spoken)) {
		char text[REPORT_MAX];

		console_drain();
		report_hypervisor(regs, text, sizeof(text));
		console_write_now(text, strlen(text));
		console_write_now(last_words, sizeof(last_words) - 1);
		power_down();
	}
	for (;;) {
	}
}
