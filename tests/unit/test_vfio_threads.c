// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio.c on several threads, as partitions have them that start and stop when they like: of
 * those who want one thing exactly one gets it, commands run beside each other and never beside
 * what changes their container, and one container waits for no other.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/vfio.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NGROUPS	 6u
#define NTHREADS 4u
#define ROUNDS	 25000u /* of each thread */
#define MODEL	 VFIO_TYPE1_IOMMU

static struct board board;
static struct page_pool tables;
static struct vfio v;
static const struct vfio_owner owner = {"P", "disk"};
static const struct guest_mem memory = {.host = {0x100000}, .size = 0x10000};

/* What the driver sees in each container, and in all of them. */
static atomic_uint in_commands[VFIO_MAX_CONTAINERS], in_attach[VFIO_MAX_CONTAINERS];
static atomic_uint most_commands, broken;
static atomic_int attach_waits; /* > 0: attach stays until it is 0 again */
static atomic_uint meet;	/* commands wait for each other until so many are inside */

static unsigned int number_of(const struct vfio_container *c)
{
	return (unsigned int)(c - v.containers);
}

static bool rec_extension(unsigned int extension)
{
	return extension == MODEL;
}

static int rec_open(struct vfio_container *c, unsigned int model, void **data)
{
	(void)model;
	*data = c;
	return 0;
}

static void rec_release(void *data)
{
	broken += in_commands[number_of(data)] != 0;
}

static int rec_attach(void *data, struct vfio_group *g)
{
	unsigned int n = number_of(data);

	(void)g;
	broken += in_attach[n]++ != 0;
	while (attach_waits) {
		sched_yield();
	}
	broken += in_commands[n] != 0;
	in_attach[n]--;
	return 0;
}

static void rec_detach(void *data, struct vfio_group *g)
{
	(void)rec_attach(data, g);
}

static int command(const struct vfio_container *c)
{
	unsigned int n = number_of(c), inside = ++in_commands[n], most = most_commands;

	while (inside > most && !atomic_compare_exchange_weak(&most_commands, &most, inside)) {
	}
	while (most_commands < meet) {
		sched_yield();
	}
	broken += in_attach[n] != 0;
	in_commands[n]--;
	return 0;
}

static int rec_reserve(void *data, ioba_t iova, uint64_t len)
{
	(void)iova;
	(void)len;
	return command(data);
}

static int rec_map(
	void *data, ioba_t iova, const uint64_t *words, unsigned int n, unsigned int page_shift)
{
	(void)iova;
	(void)words;
	(void)n;
	(void)page_shift;
	return command(data);
}

static int rec_lookup(void *data, ioba_t iova, uint64_t *word)
{
	(void)iova;
	*word = 0;
	return command(data);
}

static uint64_t rec_skip(void *data, ioba_t iova, uint64_t len)
{
	(void)iova;
	(void)command(data);
	return len;
}

static const struct vfio_iommu_driver driver = {.name = "rec",
	.check_extension = rec_extension,
	.open = rec_open,
	.release = rec_release,
	.attach_group = rec_attach,
	.detach_group = rec_detach,
	.reserve = rec_reserve,
	.map = rec_map,
	.unmap = rec_reserve,
	.lookup = rec_lookup,
	.skip = rec_skip,
	.flush = rec_reserve};

static int setup(void **state)
{
	(void)state;
	memset(&board, 0, sizeof(board));
	board.ngroups = NGROUPS;
	for (unsigned int i = 0; i < NGROUPS; i++) {
		board.groups[i] = (struct host_group){.id = i, .closed = true};
	}
	vfio_init(&v, &board);
	assert_int_equal(vfio_register_driver(&v, &driver), 0);
	most_commands = broken = meet = 0;
	attach_waits = 0;
	return 0;
}

static struct vfio_container *new_container(void)
{
	struct vfio_container *c;

	assert_int_equal(vfio_open_container(&v, &tables, &c), 0);
	return c;
}

static struct vfio_group *new_group(unsigned int id)
{
	struct vfio_group *g;

	assert_int_equal(vfio_open_group(&v, id, owner, &g), 0);
	return g;
}

/* A container with its IOMMU set and this group in it. */
static struct vfio_container *live_container(unsigned int id)
{
	struct vfio_container *c = new_container();

	assert_int_equal(vfio_group_set_container(new_group(id), c), 0);
	assert_int_equal(vfio_set_iommu(c, MODEL), 0);
	assert_int_equal(vfio_register_memory(c, &memory), 0);
	return c;
}

static void expect_nothing_held(void)
{
	for (unsigned int i = 0; i < NGROUPS; i++) {
		assert_false(v.groups[i].opened || v.groups[i].claimed);
		assert_null(v.groups[i].container);
	}
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		assert_int_equal(v.containers[i].refs, 0);
		assert_int_equal(v.containers[i].gate, 0);
		assert_null(v.containers[i].driver);
	}
	assert_int_equal(v.drivers[0].users, 0);
	assert_int_equal(broken, 0);
}

/* Threads of a test and their common start. */
struct runner {
	pthread_t thread;
	unsigned int number;
	int (*fn)(unsigned int number);
	pthread_barrier_t *together;
	int result;
};

static void *run(void *arg)
{
	struct runner *r = arg;

	(void)pthread_barrier_wait(r->together);
	r->result = r->fn(r->number);
	return NULL;
}

static void start(struct runner *r, unsigned int n, int (*fn)(unsigned int number))
{
	pthread_barrier_t *together = malloc(sizeof(*together));

	assert_int_equal(pthread_barrier_init(together, NULL, n), 0);
	for (unsigned int i = 0; i < n; i++) {
		r[i] = (struct runner){.number = i, .fn = fn, .together = together};
		assert_int_equal(pthread_create(&r[i].thread, NULL, run, &r[i]), 0);
	}
}

static void finish(struct runner *r, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(pthread_join(r[i].thread, NULL), 0);
	}
	assert_int_equal(pthread_barrier_destroy(r->together), 0);
	free(r->together);
}

static struct vfio_group *got[NTHREADS];

static int open_one(unsigned int number)
{
	return vfio_open_group(&v, 3, owner, &got[number]);
}

/* SEED-004.21: they start together, and there is one group and one who has it. */
static void test_of_two_openers_one_wins(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 1000; round++) {
		struct runner r[2];
		unsigned int winner;

		start(r, 2, open_one);
		finish(r, 2);
		winner = r[0].result ? 1 : 0;
		assert_int_equal(r[winner].result, 0);
		assert_int_equal(r[!winner].result, -EBUSY);
		assert_ptr_equal(got[winner], &v.groups[3]);
		assert_int_equal(vfio_close_group(got[winner]), 0);
	}
	expect_nothing_held();
}

static atomic_uint holders, wins;

static int open_and_close(unsigned int number)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct vfio_group *g;
		int err = vfio_open_group(&v, 5, owner, &g);

		if (!err) {
			broken += g != &v.groups[5] || holders++ != 0;
			wins++;
			broken += --holders != 0;
			broken += vfio_close_group(g) != 0;
		} else {
			broken += err != -EBUSY;
		}
	}
	(void)number;
	return 0;
}

/* SEED-004.21: 10^5 rounds, one object, one owner at a time, and nothing left. */
static void test_openers_and_closers_meet(void **state)
{
	struct runner r[NTHREADS];

	(void)state;
	holders = wins = 0;
	start(r, NTHREADS, open_and_close);
	finish(r, NTHREADS);
	assert_true(wins > 0);
	expect_nothing_held();
}

static struct vfio_group *the_group;
static struct vfio_container *target[NTHREADS];

static int join_one(unsigned int number)
{
	return vfio_group_set_container(the_group, target[number]);
}

static int leave_it(unsigned int number)
{
	(void)number;
	return vfio_group_unset_container(the_group);
}

/* Who comes while the other is at it is told so, who comes later finds it done. */
static void expect_one_winner(const struct runner *r)
{
	unsigned int winner = r[0].result ? 1 : 0;

	assert_int_equal(r[winner].result, 0);
	assert_true(r[!winner].result == -EBUSY || r[!winner].result == -EINVAL);
}

static void test_of_two_who_join_or_leave_one_wins(void **state)
{
	(void)state;
	target[0] = live_container(0);
	target[1] = live_container(1);
	the_group = new_group(2);
	for (unsigned int round = 0; round < 1000; round++) {
		struct runner r[2];

		start(r, 2, join_one);
		finish(r, 2);
		expect_one_winner(r);
		assert_int_equal(target[0]->ngroups + target[1]->ngroups, 3);
		assert_ptr_equal(the_group->container, target[r[0].result ? 1 : 0]);
		start(r, 2, leave_it);
		finish(r, 2);
		expect_one_winner(r);
		assert_int_equal(target[0]->ngroups + target[1]->ngroups, 2);
		assert_null(the_group->container);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(vfio_close_group(&v.groups[i]), 0);
	}
	vfio_put_container(target[0]);
	vfio_put_container(target[1]);
	expect_nothing_held();
}

static int map_once(unsigned int number)
{
	return vfio_map(target[0], ioba(number << 12), &(uint64_t){3}, 1, 12);
}

/* SEED-004.14: each waits inside for the others, which therefore must be let in. */
static void test_commands_run_beside_each_other(void **state)
{
	struct runner r[NTHREADS];

	(void)state;
	target[0] = live_container(0);
	meet = NTHREADS;
	start(r, NTHREADS, map_once);
	finish(r, NTHREADS);
	for (unsigned int i = 0; i < NTHREADS; i++) {
		assert_int_equal(r[i].result, 0);
	}
	assert_int_equal(most_commands, NTHREADS);
	assert_int_equal(broken, 0);
}

static int use_or_change(unsigned int number)
{
	uint64_t word;

	for (unsigned int i = 0; i < ROUNDS / 25; i++) {
		ioba_t at = ioba((uint64_t)number << 20);

		if (number < 2) {
			broken += vfio_reserve(target[0], at, 0x1000) != 0;
			broken += vfio_map(target[0], at, &(uint64_t){3}, 1, 12) != 0;
			broken += vfio_lookup(target[0], at, &word) != 0;
			broken += vfio_skip(target[0], at, 0x1000) != 0x1000;
			broken += vfio_unmap(target[0], at, 0x1000) != 0;
			broken += vfio_flush(target[0], at, 0x1000) != 0;
			broken += !vfio_check_extension(target[0], MODEL);
		} else {
			struct vfio_group *g = &v.groups[number];

			broken += vfio_group_set_container(g, target[0]) != 0;
			broken += vfio_group_unset_container(g) != 0;
		}
	}
	return 0;
}

/* SEED-004.14: two map while two others let groups come and go. */
static void test_no_command_runs_beside_an_attach(void **state)
{
	struct runner r[NTHREADS];

	(void)state;
	target[0] = live_container(0);
	(void)new_group(2);
	(void)new_group(3);
	start(r, NTHREADS, use_or_change);
	finish(r, NTHREADS);
	assert_int_equal(broken, 0);
	assert_int_equal(target[0]->ngroups, 1);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(vfio_close_group(&v.groups[i]), 0);
	}
	vfio_put_container(target[0]);
	expect_nothing_held();
}

static int set_or_map(unsigned int number)
{
	int err;

	if (!number) {
		return vfio_set_iommu(target[0], MODEL);
	}
	/* None of it, or all: what is set half way is not to be seen. */
	err = vfio_unmap(target[0], ioba(0), 0x1000);
	broken += err != 0 && err != -EINVAL;
	return 0;
}

static void wait_for_attach(void)
{
	while (!in_attach[number_of(target[0])]) {
		sched_yield();
	}
}

/* SEED-004.11, SEED-004.12: an attach that takes its time holds up its own container only. */
static void test_a_slow_attach_holds_up_nobody_else(void **state)
{
	static const struct vfio_iommu_driver other = {
		.name = "other", .check_extension = rec_extension};
	struct runner r[2];
	struct vfio_container *d;

	(void)state;
	target[0] = new_container();
	target[1] = live_container(1);
	assert_int_equal(vfio_group_set_container(new_group(0), target[0]), 0);
	attach_waits = 1;
	start(r, 2, set_or_map);
	wait_for_attach();
	/* The registry, another container's commands, opening and closing. */
	assert_int_equal(vfio_register_driver(&v, &other), 0);
	assert_int_equal(vfio_unregister_driver(&v, &other), 0);
	/* Driver and group of the attach are in use already. */
	assert_int_equal(vfio_unregister_driver(&v, &driver), -EBUSY);
	assert_int_equal(vfio_map(target[1], ioba(0), &(uint64_t){3}, 1, 12), 0);
	d = new_container();
	assert_false(vfio_check_extension(d, 99));
	assert_int_equal(vfio_close_group(new_group(4)), 0);
	vfio_put_container(d);
	attach_waits = 0;
	finish(r, 2);
	assert_int_equal(r[0].result, 0);
	assert_int_equal(vfio_unmap(target[0], ioba(0), 0x1000), 0);
	assert_int_equal(broken, 0);
}

/* Long enough for a thread that nothing holds up to do what it is about to do. What it finds does
 * not hang on that: a short wait would only overlook a fault. */
static void wait_in_vain(void)
{
	static const struct timespec some = {0, 50000000};

	(void)nanosleep(&some, NULL);
}

static int join_own(unsigned int number)
{
	return vfio_group_set_container(&v.groups[2 + number], target[0]);
}

/* SEED-004.14: nobody is let in beside a group that is being attached, neither a command nor
 * another group; and they have not been turned away. */
static void test_who_comes_while_a_group_is_attached_waits(void **state)
{
	struct runner first[1], r[NTHREADS];

	(void)state;
	target[0] = live_container(0);
	for (unsigned int i = 0; i < 3; i++) {
		(void)new_group(2 + i);
	}
	attach_waits = 1;
	start(first, 1, join_own);
	wait_for_attach();
	start(r, NTHREADS, map_once);
	wait_in_vain();
	assert_int_equal(most_commands, 0);
	attach_waits = 0;
	finish(first, 1);
	finish(r, NTHREADS);
	for (unsigned int i = 0; i < NTHREADS; i++) {
		assert_int_equal(r[i].result, 0);
	}
	assert_int_equal(vfio_close_group(&v.groups[2]), 0);
	attach_waits = 1;
	(void)new_group(2);
	start(r, 3, join_own);
	wait_for_attach();
	wait_in_vain();
	attach_waits = 0;
	finish(r, 3);
	assert_int_equal(target[0]->ngroups, 4);
	assert_int_equal(broken, 0);
}

/* And a group waits for the commands that are inside. */
static void test_group_waits_for_commands(void **state)
{
	struct runner mapper[1], joiner[1];

	(void)state;
	target[0] = live_container(0);
	(void)new_group(2);
	meet = 2;
	start(mapper, 1, map_once);
	while (!most_commands) {
		sched_yield();
	}
	attach_waits = 1;
	start(joiner, 1, join_own);
	wait_in_vain();
	assert_int_equal(in_attach[number_of(target[0])], 0);
	/* As if the other had come. */
	most_commands = 2;
	attach_waits = 0;
	finish(mapper, 1);
	finish(joiner, 1);
	assert_int_equal(mapper[0].result, 0);
	assert_int_equal(joiner[0].result, 0);
	assert_int_equal(broken, 0);
}

static int join_first(unsigned int number)
{
	(void)number;
	return join_one(0);
}

/* While a group is on its way in, every other call about it is refused. */
static void test_group_on_its_way_is_busy(void **state)
{
	struct runner r[1];

	(void)state;
	target[0] = live_container(0);
	the_group = new_group(2);
	attach_waits = 1;
	start(r, 1, join_first);
	wait_for_attach();
	assert_int_equal(vfio_group_set_container(the_group, target[0]), -EBUSY);
	assert_int_equal(vfio_group_unset_container(the_group), -EBUSY);
	assert_int_equal(vfio_close_group(the_group), -EBUSY);
	attach_waits = 0;
	finish(r, 1);
	assert_int_equal(r[0].result, 0);
	assert_int_equal(vfio_close_group(the_group), 0);
}

static int open_and_put(unsigned int number)
{
	for (unsigned int i = 0; i < ROUNDS / 25; i++) {
		struct vfio_container *c;
		struct vfio_group *g = &v.groups[number];

		if (vfio_open_container(&v, &tables, &c) || vfio_group_set_container(g, c) ||
			vfio_set_iommu(c, MODEL) || vfio_register_memory(c, &memory)) {
			broken++;
			return 0;
		}
		/* In both orders. */
		if (i & 1) {
			vfio_put_container(c);
		}
		broken += vfio_group_unset_container(g) != 0;
		if (!(i & 1)) {
			vfio_put_container(c);
		}
	}
	return 0;
}

/* Partitions that start again at once: each gets a container that is nobody else's. */
static void test_containers_come_and_go_on_all_threads(void **state)
{
	struct runner r[NTHREADS];

	(void)state;
	for (unsigned int i = 0; i < NTHREADS; i++) {
		(void)new_group(i);
	}
	start(r, NTHREADS, open_and_put);
	finish(r, NTHREADS);
	for (unsigned int i = 0; i < NTHREADS; i++) {
		assert_int_equal(vfio_close_group(&v.groups[i]), 0);
	}
	expect_nothing_held();
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_two_openers_one_wins),
		TEST(test_openers_and_closers_meet),
		TEST(test_of_two_who_join_or_leave_one_wins),
		TEST(test_commands_run_beside_each_other),
		TEST(test_no_command_runs_beside_an_attach),
		TEST(test_a_slow_attach_holds_up_nobody_else),
		TEST(test_who_comes_while_a_group_is_attached_waits),
		TEST(test_group_waits_for_commands),
		TEST(test_group_on_its_way_is_busy),
		TEST(test_containers_come_and_go_on_all_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
