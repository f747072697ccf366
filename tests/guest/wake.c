// SPDX-License-Identifier: Apache-2.0
/*
 * The guest `wake`. Its boot arguments: n= rounds of each kind of wake-up by decrementer and IPI,
 * dev= rounds of those by a device, late= microseconds after which a wake-up is late, one-in= of
 * how many rounds one may be late.
 */
#include "tests/guest/wake.h"

#include "tests/guest/con.h"
#include "tests/guest/tap.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ROUNDS 100000u
#define DEFAULT_DEVICE 100000u
#define DEFAULT_LATE   20000u
/* The machine that QEMU runs on may be busy with other things now and then; and where all CPUs wait
 * QEMU's timer, which is a thread of its own, may come just as `stop` begins, and be forgotten. On
 * the boot CPU a wake-up that is lost is found by the hypervisor's tick, up to 100 ms later;
 * elsewhere by nothing, and then the round ends after a second as failed. */
#define LATE_ONE_IN  1000u
#define USEC_PER_SEC 1000000u

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_NAME "little"
#else
#define BYTE_ORDER_NAME "big"
#endif

void guest_main(const void *fdt) __attribute__((noreturn));

struct wake wake;

void late_add(struct lateness *l, uint64_t ticks)
{
	/* Timebases of two CPUs may differ by a little. */
	if ((int64_t)ticks < 0) {
		ticks = 0;
	}
	l->rounds++;
	l->sum += ticks;
	l->over += ticks > wake.late;
	if (ticks > l->worst) {
		l->worst = ticks;
	}
}

static uint64_t usecs(uint64_t ticks)
{
	return ticks * USEC_PER_SEC / tree.timebase_hz;
}

bool late_report(const struct lateness *l, bool complete, const char *what)
{
	tap_note("%s: %" PRIu64 " rounds, %" PRIu64 " us in the mean, %" PRIu64
		 " us at worst, %" PRIu64 " above %" PRIu64 " us",
		what, l->rounds, usecs(l->rounds ? l->sum / l->rounds : 0), usecs(l->worst),
		l->over, usecs(wake.late));
	complete = tap_ok(complete && l->rounds && l->over <= l->rounds / wake.one_in &&
				  l->worst <= tree.timebase_hz,
		"%s: none lost, at most one in %" PRIu64 " late", what, wake.one_in);
	interrupts_off();
	return complete;
}

/* The number after `name` among the boot arguments. */
static uint64_t argument(const char *name, uint64_t otherwise)
{
	const char *p = tree.bootargs;

	while ((p = strstr(p, name))) {
		if (p == tree.bootargs || p[-1] == ' ') {
			return strtoul(p + strlen(name), NULL, 10);
		}
		p++;
	}
	return otherwise;
}

static unsigned int count_cpus(const void *fdt)
{
	unsigned int n = 0;
	int cpu;

	fdt_for_each_subnode(cpu, fdt, fdt_path_offset(fdt, "/cpus"))
	{
		const char *type = fdt_getprop(fdt, cpu, "device_type", NULL);

		n += type && strcmp(type, "cpu") == 0;
	}
	return n;
}

void guest_main(const void *fdt)
{
	const char *wrong;

	cpu_init_boot();
	wrong = tree_read(fdt);
	con_init(tree.vty);
	rtas_init(tree.rtas_entry);
	if (wrong) {
		tap_bail("%s", wrong);
	}
	wake.ncpus = count_cpus(fdt);
	wake.n = argument("n=", DEFAULT_ROUNDS);
	wake.ndev = argument("dev=", DEFAULT_DEVICE);
	wake.late = argument("late=", DEFAULT_LATE) * tree.timebase_hz / USEC_PER_SEC;
	wake.one_in = argument("one-in=", LATE_ONE_IN);
	con_line("# wake guest, %s-endian, CPUs: %u, %s", BYTE_ORDER_NAME, wake.ncpus,
		tree.bootargs);
	test_registers();
	test_priorities();
	test_bad_calls();
	test_start_stop();
	test_decrementer();
	test_ipis();
	test_prod();
	test_device();
	test_idle();
	tap_plan();
	power_off();
}
