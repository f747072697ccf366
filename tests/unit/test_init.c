// SPDX-License-Identifier: Apache-2.0
/*
 * core/init.c, as far as it goes without memory at real addresses: a tree that cannot be read and a
 * machine without a bundle both end in order, with the reason said. Running partitions is for the
 * boot tests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/board.h"
#include "core/irq.h"
#include "tests/fake/fake_arch.h"
#include "tests/unit/dt_help.h"

#include <stdbool.h>

static unsigned int threads_started;
static int irq_result;
static bool ran;

void arch_board_init(struct board *b)
{
	b->pvr = 0x004e1202;
}

struct mem_range arch_image(void)
{
	return (struct mem_range){0x20000000, 0x60000};
}

uint64_t arch_low_memory(void)
{
	return 0x3000;
}

void arch_threads_start(struct board *b, struct mem_pool *pool)
{
	hpa_t at;

	threads_started++;
	/* Neither the image nor low memory may be handed out. */
	while (mem_alloc(pool, MEM_PAGE, MEM_PAGE, &at) == 0 && at.v < 0x100000) {
		assert_true(at.v >= 0x3000);
	}
	for (unsigned int i = 0; i < b->nthreads; i++) {
		b->threads[i].alive = true;
	}
}

int arch_irq_init(const struct board *b, struct mem_pool *pool)
{
	(void)b;
	(void)pool;
	return irq_result;
}

_Noreturn void arch_run(void)
{
	ran = true;
	longjmp(*fake_arch.power_off_to, 1);
}

/* core_main() until the machine is switched off. */
static void run(const void *tree)
{
	jmp_buf off;

	fake_arch_reset();
	fake_arch.power_off_to = &off;
	threads_started = 0;
	ran = false;
	if (setjmp(off) == 0) {
		core_main(tree);
	}
}

static void test_tree_that_cannot_be_read_ends_the_run(void **state)
{
	static const uint64_t nothing[8];

	(void)state;
	run(nothing);
	assert_non_null(strstr(fake_arch.out, "firmware's device tree cannot be read"));
	assert_non_null(strstr(fake_arch.out, "tcelot: finished: failed"));
	assert_int_equal(threads_started, 0);
	assert_false(ran);
}

static void test_machine_without_a_bundle_is_shown_and_ends(void **state)
{
	struct help_tree tree = help_compile("tests/data/host-powernv9.dts");
	int chosen = fdt_path_offset(tree.fdt, "/chosen");

	(void)state;
	assert_int_equal(fdt_delprop(tree.fdt, chosen, "linux,initrd-start"), 0);
	run(tree.fdt);
	assert_int_equal(threads_started, 1);
	assert_non_null(strstr(fake_arch.out, "memory: "));
	assert_non_null(strstr(fake_arch.out, "plan: there is no bundle"));
	assert_non_null(strstr(fake_arch.out, "finished: failed, there was no partition to run"));
	assert_false(ran);
	help_free(&tree);
}

static void test_unknown_interrupt_controller_is_said(void **state)
{
	struct help_tree tree = help_compile("tests/data/host-powernv9.dts");
	int chosen = fdt_path_offset(tree.fdt, "/chosen");

	(void)state;
	assert_int_equal(fdt_delprop(tree.fdt, chosen, "linux,initrd-start"), 0);
	irq_result = -ENOTSUP;
	run(tree.fdt);
	irq_result = 0;
	assert_non_null(strstr(fake_arch.out, "interrupts: no controller that can be used"));
	help_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_that_cannot_be_read_ends_the_run),
		cmocka_unit_test(test_machine_without_a_bundle_is_shown_and_ends),
		cmocka_unit_test(test_unknown_interrupt_controller_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
