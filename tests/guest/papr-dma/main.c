// SPDX-License-Identifier: Apache-2.0
/*
 * The guest `papr-dma`. It knows its device tree and nothing else, and its boot arguments choose
 * what it does: all tests of the hypervisor's DMA interface, or one of the small programs that show
 * what happens when a guest goes wrong.
 */
#include "tests/guest/con.h"
#include "tests/guest/papr-dma/dma.h"
#include "tests/guest/hv.h"
#include "tests/guest/tap.h"
#include "tests/guest/trap.h"
#include "tests/guest/tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Guest-real addresses that are neither memory nor a bridge's window of any partition. */
#define NOWHERE 0x0000700000000000ull

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_NAME "little"
#else
#define BYTE_ORDER_NAME "big"
#endif

extern const uint8_t __image_end[];
void guest_main(const void *fdt) __attribute__((noreturn));

static void run_hello(const char *value)
{
	(void)value;
	con_line("hello from a %s-endian guest", BYTE_ORDER_NAME);
}

static void run_jump(const char *value)
{
	(void)value;
	con_line("# jumping to %016llx", NOWHERE);
	jump_to(NOWHERE);
}

static void run_touch(const char *value)
{
	(void)value;
	con_line("# loading from %016llx", NOWHERE);
	con_line("not ok 1 - the load gave %08" PRIx32, *(volatile uint32_t *)(uintptr_t)NOWHERE);
}

static void run_store(const char *value)
{
	(void)value;
	con_line("# storing to %016llx", NOWHERE);
	*(volatile uint32_t *)(uintptr_t)NOWHERE = 1;
	con_line("not ok 1 - the store went through");
}

static void run_illegal(const char *value)
{
	(void)value;
	con_line("# running an illegal instruction");
	run_illegal_instruction();
	con_line("not ok 1 - it went through");
}

static void run_spin(const char *value)
{
	(void)value;
	con_line("# spinning with interrupts off");
	interrupts_off();
	for (;;) {
		__asm__ volatile("");
	}
}

static void run_sleep(const char *value)
{
	unsigned long seconds = strtoul(value, NULL, 10);
	uint64_t start = timebase();

	for (unsigned long s = 1; s <= seconds; s++) {
		interrupts_on();
		while (timebase() - start < s * tree.timebase_hz) {
		}
		con_line("# tick %lu of %lu", s, seconds);
	}
	con_line("# PASS: slept %lu seconds", seconds);
}

struct program {
	const char *name;
	void (*run)(const char *value); /* what follows `name=` */
};

static const struct program programs[] = {
	{"hello", run_hello},
	{"jump", run_jump},
	{"touch", run_touch},
	{"store", run_store},
	{"illegal", run_illegal},
	{"bar", run_bar},
	{"spin", run_spin},
	{"sleep", run_sleep},
	{"dma", run_dma},
	{"tce", run_tce},
	{"races", run_races},
	{"lives", run_lives},
};

/* The value of `test=` among the boot arguments; NULL if it is not there. */
static const char *chosen_test(void)
{
	const char *p = tree.bootargs;

	while ((p = strstr(p, "test="))) {
		if (p == tree.bootargs || p[-1] == ' ') {
			return p + strlen("test=");
		}
		p++;
	}
	return NULL;
}

static void run_chosen(void)
{
	const char *chosen = chosen_test();

	if (!chosen) {
		chosen = "dma";
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		size_t len = strlen(programs[i].name);

		if (strncmp(chosen, programs[i].name, len) == 0 &&
			(chosen[len] == '\0' || chosen[len] == ' ' || chosen[len] == '=')) {
			programs[i].run(chosen[len] == '=' ? chosen + len + 1 : "");
			return;
		}
	}
	tap_bail("no such test: %s", chosen);
}

static bool overlaps_image(uint64_t start, uint64_t size)
{
	/* Vectors and process table below it count as the image. */
	return start < (uintptr_t)__image_end && size;
}

void guest_main(const void *fdt)
{
	const char *wrong;

	trap_install();
	wrong = tree_read(fdt);
	con_init(tree.vty);
	rtas_init(tree.rtas_entry);
	if (wrong) {
		tap_bail("%s", wrong);
	}
	con_line("# papr-dma guest, %s-endian, %" PRIu64 " MiB%s%s", BYTE_ORDER_NAME,
		tree.memory >> 20, tree.bootargs[0] ? ", " : "", tree.bootargs);
	if (overlaps_image(tree.blob, tree.blob_size) ||
		(tree.rtas_entry && overlaps_image(tree.rtas_base, tree.rtas_size))) {
		tap_bail("the tree or the RTAS blob lies in memory that is the image's");
	}
	run_chosen();
	power_off();
}
