// SPDX-License-Identifier: Apache-2.0
/*
 * core/vfio.c: containers, groups and drivers, with drivers that only record.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "core/vfio.h"
#include "tests/unit/vfio_links.h"

#include <stdio.h>
#include <string.h>

#define NGROUPS 6u

static struct board board;
static struct page_pool tables;
static struct vfio v;
static const struct vfio_owner owner = {"P", "disk"};

/* What the drivers were asked, in words: "A:open(7) A:attach0 ..." */
static char trace[1024];
static unsigned int fail_attach; /* the n-th attach fails; 0: none */
static int open_err, map_err;
static int data_of[2];
static const struct guest_mem memory = {.host = {0x100000}, .size = 0x30000};

static void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...)
{
	size_t len = strlen(trace);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(trace + len, sizeof(trace) - len, fmt, ap);
	va_end(ap);
}

static char name_of(const void *data)
{
	return data == &data_of[0] ? 'A' : 'B';
}

static bool ext_a(unsigned int extension)
{
	note("A?%u ", extension);
	return extension == VFIO_SPAPR_TCE_v2_IOMMU;
}

static bool ext_b(unsigned int extension)
{
	note("B?%u ", extension);
	return extension == VFIO_SPAPR_TCE_v2_IOMMU || extension == VFIO_TYPE1_IOMMU;
}

static int open_a(struct vfio_container *c, unsigned int model, void **data)
{
	assert_ptr_equal(c->vfio, &v);
	assert_ptr_equal(c->tables, &tables);
	note("A:open%u ", model);
	*data = &data_of[0];
	return open_err;
}

static int open_b(struct vfio_container *c, unsigned int model, void **data)
{
	assert_ptr_equal(c->vfio, &v);
	note("B:open%u ", model);
	*data = &data_of[1];
	return 0;
}

static void rec_release(void *data)
{
	note("%c:release ", name_of(data));
}

static int rec_attach(void *data, struct vfio_group *g)
{
	note("%c:attach%u ", name_of(data), g->host);
	return fail_attach && --fail_attach == 0 ? -EIO : 0;
}

static void rec_detach(void *data, struct vfio_group *g)
{
	note("%c:detach%u ", name_of(data), g->host);
}

static int rec_create(void *data, struct vfio_window *window)
{
	note("%c:create%u ", name_of(data), window->page_shift);
	return 0;
}

static int rec_remove(void *data, ioba_t start)
{
	note("%c:remove%u ", name_of(data), (unsigned int)start.v);
	return 0;
}

static int rec_reserve(void *data, ioba_t iova, uint64_t len)
{
	note("%c:reserve%u+%u ", name_of(data), (unsigned int)iova.v, (unsigned int)len);
	return 0;
}

static int rec_map(
	void *data, ioba_t iova, const uint64_t *words, unsigned int n, unsigned int page_shift)
{
	note("%c:map%u*%u@%u=%u ", name_of(data), (unsigned int)iova.v, n, page_shift,
		(unsigned int)words[n - 1]);
	return map_err;
}

static int rec_unmap(void *data, ioba_t iova, uint64_t len)
{
	note("%c:unmap%u+%u ", name_of(data), (unsigned int)iova.v, (unsigned int)len);
	return 0;
}

static int rec_lookup(void *data, ioba_t iova, uint64_t *word)
{
	note("%c:lookup%u ", name_of(data), (unsigned int)iova.v);
	*word = 0;
	return 0;
}

static uint64_t rec_skip(void *data, ioba_t iova, uint64_t len)
{
	note("%c:skip%u+%u ", name_of(data), (unsigned int)iova.v, (unsigned int)len);
	return len / 2;
}

static int rec_flush(void *data, ioba_t iova, uint64_t len)
{
	note("%c:flush%u+%u ", name_of(data), (unsigned int)iova.v, (unsigned int)len);
	return 0;
}

static int rec_backend(void *data, ioba_t start, const struct tce_backend_ops **ops, void **backend)
{
	note("%c:backend%u ", name_of(data), (unsigned int)start.v);
	*ops = NULL;
	*backend = data;
	return 0;
}

static const struct vfio_iommu_driver driver_a = {"a", ext_a, open_a, rec_release, rec_attach,
	rec_detach, rec_create, rec_remove, rec_reserve, rec_map, rec_unmap, rec_lookup, rec_skip,
	rec_flush, rec_backend};
static const struct vfio_iommu_driver driver_b = {"b", ext_b, open_b, rec_release, rec_attach,
	rec_detach, NULL, NULL, rec_reserve, rec_map, rec_unmap, rec_lookup, rec_skip, rec_flush,
	NULL};
static const struct vfio_iommu_driver driver_a_again = {.name = "a", .check_extension = ext_b};

static int setup(void **state)
{
	(void)state;
	memset(&board, 0, sizeof(board));
	board.ngroups = NGROUPS;
	for (unsigned int i = 0; i < NGROUPS; i++) {
		board.groups[i] = (struct host_group){.id = 10 + i, .closed = true};
	}
	vfio_init(&v, &board);
	trace[0] = '\0';
	fail_attach = 0;
	open_err = 0;
	map_err = 0;
	return 0;
}

static void add_drivers(void)
{
	assert_int_equal(vfio_register_driver(&v, &driver_a), 0);
	assert_int_equal(vfio_register_driver(&v, &driver_b), 0);
}

static struct vfio_container *new_container(void)
{
	struct vfio_container *c;

	assert_int_equal(vfio_open_container(&v, &tables, &c), 0);
	return c;
}

static struct vfio_group *new_group(unsigned int index)
{
	struct vfio_group *g;

	assert_int_equal(vfio_open_group(&v, 10 + index, owner, &g), 0);
	return g;
}

static struct vfio_group *join(struct vfio_container *c, unsigned int index)
{
	struct vfio_group *g = new_group(index);

	assert_int_equal(vfio_group_set_container(g, c), 0);
	return g;
}

static void expect_baseline(void)
{
	vfio_check_links(&v);
	for (unsigned int i = 0; i < NGROUPS; i++) {
		assert_false(v.groups[i].opened);
		assert_null(v.groups[i].container);
	}
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		assert_false(v.containers[i].opened);
		assert_int_equal(v.containers[i].refs, 0);
		assert_int_equal(v.containers[i].gate, 0);
		assert_null(v.containers[i].driver);
	}
	for (unsigned int i = 0; i < v.ndrivers; i++) {
		assert_int_equal(v.drivers[i].users, 0);
	}
}

/* SEED-004.5, SEED-004.13, SEED-004.15: nothing but version and extension without an IOMMU. */
static void expect_unprivileged(struct vfio_container *c)
{
	const struct tce_backend_ops *ops = NULL;
	void *backend = NULL;
	struct vfio_window w = {.page_shift = 12, .size = 0x10000};
	struct guest_mem some = {.host = {0x10000}, .size = 0x10000};
	uint64_t word = 3;

	assert_int_equal(vfio_register_memory(c, &some), -EINVAL);
	assert_int_equal(vfio_create_window(c, &w), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
	assert_int_equal(vfio_reserve(c, ioba(0), 0x1000), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(0), &word, 1, 12), -EINVAL);
	assert_int_equal(vfio_unmap(c, ioba(0), 0x1000), -EINVAL);
	assert_int_equal(vfio_lookup(c, ioba(0), &word), -EINVAL);
	assert_true(vfio_skip(c, ioba(0), 0x1000) == 0);
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), -EINVAL);
	assert_true(!ops && !backend);
	assert_int_equal(vfio_flush(c, ioba(0), 0x1000), -EINVAL);
	assert_int_equal(vfio_get_api_version(c), VFIO_API_VERSION);
	assert_true(vfio_check_extension(c, VFIO_SPAPR_TCE_v2_IOMMU));
	assert_false(vfio_check_extension(c, 99));
}

/* SEED-004.1, SEED-004.22, SEED-004.23: nothing of it is taken from anywhere, so that no step can
 * fail, on a machine without groups neither; a group's object is that of its id for good, and a
 * device's that of its function and group. A group is opened, closed and put into a container, and
 * has no memory or config space to reach: those are a device's (SEED-004.17). */
static void test_init_makes_one_object_per_group_and_function(void **state)
{
	(void)state;
	board.nfuncs = 3;
	board.funcs[0].group = 2;
	board.funcs[1].group = -1;
	board.funcs[2].group = 0;
	vfio_init(&v, &board);
	assert_ptr_equal(v.devices[0].group, &v.groups[2]);
	assert_null(v.devices[1].group);
	assert_ptr_equal(v.devices[2].group, &v.groups[0]);
	assert_int_equal(v.devices[2].func, 2);
	assert_ptr_equal(v.groups[5].vfio, &v);
	expect_baseline();
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < NGROUPS; i++) {
			struct vfio_group *g = new_group(i);

			assert_ptr_equal(g, &v.groups[i]);
			assert_int_equal(board.groups[g->host].id, 10 + i);
			/* An id is not lost to a try that fails. */
			board.groups[i].closed = false;
			assert_int_equal(vfio_close_group(g), 0);
			assert_int_equal(vfio_open_group(&v, 10 + i, owner, &g), -EPERM);
			board.groups[i].closed = true;
		}
	}
	expect_baseline();
	board.ngroups = board.nfuncs = 0;
	vfio_init(&v, &board);
	expect_baseline();
	assert_int_equal(vfio_open_group(&v, 10, owner, &(struct vfio_group *){NULL}), -ENOENT);
	board.ngroups = NGROUPS;
}

/* SEED-004.24 */
static void test_driver_is_registered_once(void **state)
{
	(void)state;
	add_drivers();
	assert_int_equal(vfio_register_driver(&v, &driver_a), -EBUSY);
	assert_int_equal(vfio_register_driver(&v, &driver_a_again), -EBUSY);
	assert_int_equal(v.ndrivers, 2);
	assert_int_equal(vfio_unregister_driver(&v, &driver_a), 0);
	assert_int_equal(vfio_unregister_driver(&v, &driver_a), -ENOENT);
	assert_int_equal(v.ndrivers, 1);
	assert_ptr_equal(v.drivers[0].driver, &driver_b);
	assert_int_equal(vfio_register_driver(&v, &driver_a), 0);
}

static void test_registry_is_bounded(void **state)
{
	static const struct vfio_iommu_driver many[VFIO_MAX_DRIVERS + 1] = {
		{.name = "0"}, {.name = "1"}, {.name = "2"}, {.name = "3"}, {.name = "4"}};

	(void)state;
	for (unsigned int i = 0; i < VFIO_MAX_DRIVERS; i++) {
		assert_int_equal(vfio_register_driver(&v, &many[i]), 0);
	}
	assert_int_equal(vfio_register_driver(&v, &many[VFIO_MAX_DRIVERS]), -ENOSPC);
}

/* SEED-004.10 */
static void test_driver_in_use_cannot_go(void **state)
{
	struct vfio_container *c = new_container();
	struct vfio_group *g;

	(void)state;
	add_drivers();
	g = join(c, 0);
	fail_attach = 1;
	assert_int_equal(vfio_set_iommu(c, 7), -EIO);
	assert_int_equal(vfio_unregister_driver(&v, &driver_a), 0);
	assert_int_equal(vfio_register_driver(&v, &driver_a), 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	assert_int_equal(vfio_unregister_driver(&v, &driver_b), -EBUSY);
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(vfio_unregister_driver(&v, &driver_b), 0);
}

/* SEED-004.6 */
static void test_extension_asks_all_drivers_or_the_one(void **state)
{
	struct vfio_container *c = new_container();

	(void)state;
	assert_false(vfio_check_extension(c, VFIO_SPAPR_TCE_v2_IOMMU));
	add_drivers();
	assert_true(vfio_check_extension(c, VFIO_TYPE1_IOMMU));
	assert_string_equal(trace, "A?1 B?1 ");
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	trace[0] = '\0';
	assert_false(vfio_check_extension(c, VFIO_TYPE1_IOMMU));
	assert_true(vfio_check_extension(c, VFIO_SPAPR_TCE_v2_IOMMU));
	assert_string_equal(trace, "A?1 A?7 ");
}

/* SEED-004.7, SEED-000.23, SEED-004.3: without drivers all is there but an IOMMU. */
static void test_set_iommu_needs_a_group_a_driver_and_happens_once(void **state)
{
	struct vfio_container *c = new_container();

	(void)state;
	assert_int_equal(vfio_set_iommu(c, 7), -EINVAL);
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), -ENODEV);
	add_drivers();
	assert_int_equal(vfio_set_iommu(c, 3), -ENODEV);
	expect_unprivileged(c);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	assert_int_equal(vfio_set_iommu(c, 7), -EINVAL);
	assert_int_equal(c->model, 7);
	vfio_check_links(&v);
}

/* SEED-004.8: what was asked for is what is opened, by one driver for several of them. */
static void test_open_gets_the_model(void **state)
{
	struct vfio_container *c = new_container(), *d = new_container();

	(void)state;
	assert_int_equal(vfio_register_driver(&v, &driver_b), 0);
	join(c, 0);
	join(d, 1);
	assert_int_equal(vfio_set_iommu(c, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(vfio_set_iommu(d, VFIO_SPAPR_TCE_v2_IOMMU), 0);
	assert_string_equal(trace, "B?1 B:open1 B:attach0 B?7 B:open7 B:attach1 ");
	assert_int_equal(c->model, VFIO_TYPE1_IOMMU);
	assert_int_equal(d->model, VFIO_SPAPR_TCE_v2_IOMMU);
	assert_int_equal(v.drivers[0].users, 2);
}

/* SEED-004.9: B would do it, too, and is not asked. */
static void test_first_driver_that_serves_the_model_decides(void **state)
{
	struct vfio_container *c = new_container();

	(void)state;
	add_drivers();
	join(c, 0);
	open_err = -ENOMEM;
	assert_int_equal(vfio_set_iommu(c, 7), -ENOMEM);
	assert_string_equal(trace, "A?7 A:open7 ");
	assert_null(c->driver);
}

/* SEED-004.12, SEED-000.22: of five groups the k-th is not attached. */
static void test_failed_attach_undoes_those_before_in_reverse(void **state)
{
	static const unsigned int member[] = {0, 2, 3, 4, 5};
	struct vfio_container *c = new_container();

	(void)state;
	add_drivers();
	for (unsigned int i = 5; i-- > 0;) {
		join(c, member[i]);
	}
	join(new_container(), 1);
	for (unsigned int k = 0; k < 5; k++) {
		char want[sizeof(trace)] = "A?7 A:open7 ";
		size_t len = strlen(want);

		for (unsigned int i = 0; i <= k; i++) {
			len += (size_t)snprintf(
				want + len, sizeof(want) - len, "A:attach%u ", member[i]);
		}
		for (unsigned int i = k; i-- > 0;) {
			len += (size_t)snprintf(
				want + len, sizeof(want) - len, "A:detach%u ", member[i]);
		}
		snprintf(want + len, sizeof(want) - len, "A:release ");
		trace[0] = '\0';
		fail_attach = k + 1;
		assert_int_equal(vfio_set_iommu(c, 7), -EIO);
		assert_string_equal(trace, want);
		assert_null(c->driver);
		assert_null(c->data);
		expect_unprivileged(c);
		vfio_check_links(&v);
	}
	assert_int_equal(vfio_set_iommu(c, 7), 0);
}

static char said[1024];

static void keep_line(const char *line, size_t len)
{
	memcpy(said, line, len);
	said[len] = '\0';
}

static uint64_t no_time(void)
{
	return 0;
}

/* SEED-001.20, SEED-000.6: who asks second is told of both owners, and a thousand tries leave
 * nothing. */
static void test_open_group_is_busy_and_both_owners_are_named(void **state)
{
	static const struct log_sink sink = {keep_line, no_time};
	static const struct vfio_owner other = {"Q", "net"};
	struct vfio_group *g = new_group(3), *again = NULL;
	static struct vfio before;

	(void)state;
	log_set_sink(&sink);
	before = v;
	for (unsigned int i = 0; i < 1000; i++) {
		said[0] = '\0';
		assert_int_equal(vfio_open_group(&v, 13, other, &again), -EBUSY);
		assert_non_null(strstr(
			said, "group 13 is in P's bridge 'disk', not free for Q's bridge 'net'\n"));
	}
	assert_null(again);
	assert_memory_equal(&before, &v, sizeof(v));
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(vfio_open_group(&v, 13, other, &again), 0);
	said[0] = '\0';
	assert_int_equal(vfio_open_group(&v, 13, owner, &g), -EBUSY);
	assert_non_null(strstr(said, "is in Q's bridge 'net', not free for P's bridge 'disk'"));
	log_set_sink(NULL);
}

/* SEED-000.18, SEED-004.19 */
static void test_group_opens_by_id_and_once(void **state)
{
	struct vfio_group *g, *again;

	(void)state;
	assert_int_equal(vfio_open_group(&v, 9, owner, &g), -ENOENT);
	assert_int_equal(vfio_open_group(&v, 16, owner, &g), -ENOENT);
	assert_int_equal(vfio_open_group(&v, 12, owner, &g), 0);
	assert_int_equal(g->host, 2);
	assert_int_equal(vfio_open_group(&v, 12, owner, &again), -EBUSY);
	assert_int_equal(vfio_close_group(g), 0);
	assert_int_equal(vfio_open_group(&v, 12, owner, &again), 0);
	assert_ptr_equal(again, g);
}

/* SEED-000.19 */
static void test_group_that_is_not_viable_is_refused(void **state)
{
	struct vfio_container *c = new_container();
	struct vfio_group *g;

	(void)state;
	add_drivers();
	board.groups[0].closed = false;
	assert_int_equal(vfio_open_group(&v, 10, owner, &g), -EPERM);
	board.groups[1].refuse = "no";
	assert_int_equal(vfio_open_group(&v, 11, owner, &g), -EPERM);
	/* It may stop being viable later: by each call that would give it rights. */
	g = new_group(2);
	board.groups[2].closed = false;
	assert_int_equal(vfio_group_set_container(g, c), -EPERM);
	board.groups[2].closed = true;
	assert_int_equal(vfio_group_set_container(g, c), 0);
	board.groups[2].closed = false;
	assert_int_equal(vfio_set_iommu(c, 7), -EPERM);
	assert_string_equal(trace, "A?7 A:open7 A:release ");
	assert_int_equal(vfio_close_group(g), 0);
	vfio_put_container(c);
	expect_baseline();
}

static void test_group_joins_one_container(void **state)
{
	struct vfio_container *c = new_container(), *d = new_container();
	struct vfio_group *g = join(c, 0);

	(void)state;
	assert_int_equal(vfio_group_set_container(g, c), -EINVAL);
	assert_int_equal(vfio_group_set_container(g, d), -EINVAL);
	assert_int_equal(vfio_group_unset_container(g), 0);
	assert_int_equal(vfio_group_unset_container(g), -EINVAL);
	assert_int_equal(vfio_group_set_container(g, d), 0);
	assert_int_equal(vfio_group_unset_container(&v.groups[1]), -EINVAL);
	assert_int_equal(vfio_group_set_container(&v.groups[1], d), -EINVAL);
	vfio_check_links(&v);
}

/* VF-17: a container is a partition's own. Another cannot name it; should it, its groups do not get
 * in, and what they reach stays what it was. */
static void test_container_is_one_partitions(void **state)
{
	static const struct vfio_owner sibling = {"P", "net"}, stranger = {"Q", "disk"};
	struct vfio_container *c = new_container();
	struct vfio_group *g0, *g1, *g2;

	(void)state;
	add_drivers();
	g0 = join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	assert_int_equal(vfio_open_group(&v, 11, sibling, &g1), 0);
	assert_int_equal(vfio_open_group(&v, 12, stranger, &g2), 0);
	trace[0] = '\0';
	assert_int_equal(vfio_group_set_container(g2, c), -EPERM);
	assert_string_equal(trace, "");
	assert_null(g2->container);
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(vfio_close_group(g0), 0);
	assert_int_equal(vfio_group_set_container(g2, c), -EPERM);
	/* Empty it is anybody's. */
	assert_int_equal(vfio_close_group(g1), 0);
	assert_int_equal(vfio_group_set_container(g2, c), 0);
	vfio_check_links(&v);
}

/* SEED-000.20, SEED-000.21: a later group is attached at once, or not in at all. */
static void test_late_group_is_attached_at_once(void **state)
{
	struct vfio_container *c = new_container();
	struct vfio_group *g;

	(void)state;
	add_drivers();
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	g = new_group(1);
	trace[0] = '\0';
	fail_attach = 1;
	assert_int_equal(vfio_group_set_container(g, c), -EIO);
	assert_null(g->container);
	assert_int_equal(c->ngroups, 1);
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_string_equal(trace, "A:attach1 A:attach1 ");
	vfio_check_links(&v);
}

/* SEED-004.15 */
static void test_rights_end_with_the_last_group(void **state)
{
	struct vfio_container *c = new_container();
	struct vfio_group *g0, *g1;

	(void)state;
	add_drivers();
	g0 = join(c, 0);
	g1 = join(c, 1);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	trace[0] = '\0';
	assert_int_equal(vfio_close_group(g0), 0);
	assert_int_equal(vfio_unmap(c, ioba(0), 0x1000), 0);
	assert_int_equal(vfio_group_unset_container(g1), 0);
	assert_string_equal(trace, "A:detach0 A:unmap0+4096 A:detach1 A:release ");
	expect_unprivileged(c);
	/* And can be had again. */
	assert_int_equal(vfio_group_set_container(g1, c), 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	assert_int_equal(vfio_unmap(c, ioba(0), 0x1000), 0);
}

/* SEED-004.16 */
static void test_container_lives_as_long_as_opener_or_group(void **state)
{
	struct vfio_container *c = new_container(), *d;
	struct vfio_group *g = join(c, 0);

	(void)state;
	add_drivers();
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	vfio_put_container(c);
	d = new_container();
	assert_ptr_not_equal(c, d);
	assert_int_equal(vfio_unmap(c, ioba(0), 1), 0);
	vfio_put_container(d);
	assert_int_equal(vfio_close_group(g), 0);
	assert_ptr_equal(new_container(), c);
	vfio_put_container(c);
	vfio_put_container(c);
	expect_baseline();
}

static void test_containers_are_bounded(void **state)
{
	struct vfio_container *c;

	(void)state;
	for (unsigned int i = 0; i < VFIO_MAX_CONTAINERS; i++) {
		new_container();
	}
	assert_int_equal(vfio_open_container(&v, &tables, &c), -ENOSPC);
	vfio_put_container(&v.containers[7]);
	assert_int_equal(vfio_open_container(&v, &tables, &c), 0);
	assert_ptr_equal(c, &v.containers[7]);
}

/* SEED-001.72, VF-10 */
static void test_ranges_are_not_empty_and_do_not_wrap(void **state)
{
	static const struct {
		uint64_t iova, len;
		int err;
	} cases[] = {
		{0, 0, -EINVAL},
		{0x1000, UINT64_MAX - 0xfff, 0},
		{0x1000, UINT64_MAX - 0xffe, -EINVAL},
		{UINT64_MAX, 1, 0},
		{UINT64_MAX, 2, -EINVAL},
		{0, UINT64_MAX, 0},
	};
	struct vfio_container *c = new_container();

	(void)state;
	add_drivers();
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ioba_t at = ioba(cases[i].iova);

		assert_int_equal(vfio_reserve(c, at, cases[i].len), cases[i].err);
		assert_int_equal(vfio_unmap(c, at, cases[i].len), cases[i].err);
		assert_int_equal(vfio_flush(c, at, cases[i].len), cases[i].err);
		assert_true(
			vfio_skip(c, at, cases[i].len) == (cases[i].err ? 0 : cases[i].len / 2));
	}
}

/* The driver hears of a map only when there are words, not too many, and memory that they are
 * about; its answer is the caller's. */
static void test_map_needs_memory_and_a_batch(void **state)
{
	static const uint64_t words[VFIO_MAX_BATCH + 1] = {
		[0] = 0x1003, [VFIO_MAX_BATCH - 1] = 0x7001, [VFIO_MAX_BATCH] = 0x8001};
	struct vfio_container *c = new_container();

	(void)state;
	add_drivers();
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	trace[0] = '\0';
	assert_int_equal(vfio_map(c, ioba(0), words, 1, 12), -EPERM);
	assert_int_equal(vfio_register_memory(c, &memory), 0);
	assert_int_equal(vfio_map(c, ioba(0), words, 0, 12), -EINVAL);
	assert_int_equal(vfio_map(c, ioba(0), words, VFIO_MAX_BATCH + 1, 12), -EINVAL);
	assert_string_equal(trace, "");
	assert_int_equal(vfio_map(c, ioba(4096), words, 1, 12), 0);
	assert_int_equal(vfio_map(c, ioba(0), words, VFIO_MAX_BATCH, 16), 0);
	assert_string_equal(trace, "A:map4096*1@12=4099 A:map0*512@16=28673 ");
	map_err = -EAGAIN;
	assert_int_equal(vfio_map(c, ioba(0), words, 1, 12), -EAGAIN);
}

static void test_window_backend_is_the_drivers(void **state)
{
	const struct tce_backend_ops *ops = &(const struct tce_backend_ops){0};
	struct vfio_container *c = new_container();
	void *backend = NULL;

	(void)state;
	add_drivers();
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	trace[0] = '\0';
	assert_int_equal(vfio_window_backend(c, ioba(4096), &ops, &backend), 0);
	assert_string_equal(trace, "A:backend4096 ");
	assert_true(!ops && backend == &data_of[0]);
}

/* VF-05, SEED-001.26: one piece, whole pages, once, and only where an IOMMU is; it goes with the
 * rights. There is no call to take it back, and so nothing unknown to take back. */
static void test_memory_is_registered_once(void **state)
{
	static const struct guest_mem bad[] = {
		{.host = {0x10000}, .size = 0},
		{.host = {0x10000}, .size = 0x10800},
		{.host = {0x10800}, .size = 0x10000},
		{.host = {0x10001}, .size = 0x10000},
		{.host = {UINT64_MAX - 0xffff}, .size = 0x20000},
		{.host = {0x20000}, .size = UINT64_MAX - 0xffff},
	};
	static const struct guest_mem beside = {.host = {0x130000}, .size = 0x10000};
	static const struct guest_mem over = {.host = {0x120000}, .size = 0x30000};
	struct vfio_container *c = new_container();
	struct vfio_group *g;

	(void)state;
	add_drivers();
	assert_int_equal(vfio_register_memory(c, &memory), -EINVAL);
	g = join(c, 0);
	assert_int_equal(vfio_register_memory(c, &memory), -EINVAL);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vfio_register_memory(c, &bad[i]), -EINVAL);
		assert_true(c->memory.size == 0);
	}
	assert_int_equal(vfio_register_memory(c, &memory), 0);
	assert_int_equal(vfio_register_memory(c, &memory), -EBUSY);
	/* Nor what lies beside it, or over its end. */
	assert_int_equal(vfio_register_memory(c, &beside), -EBUSY);
	assert_int_equal(vfio_register_memory(c, &over), -EBUSY);
	assert_true(c->memory.host.v == memory.host.v && c->memory.size == memory.size);
	assert_int_equal(vfio_group_unset_container(g), 0);
	assert_true(c->memory.size == 0);
	/* Rights had again are rights without memory. */
	assert_int_equal(vfio_group_set_container(g, c), 0);
	assert_int_equal(vfio_set_iommu(c, 7), 0);
	assert_int_equal(vfio_map(c, ioba(0), &(uint64_t){3}, 1, 12), -EPERM);
	assert_int_equal(vfio_register_memory(c, &memory), 0);
	assert_int_equal(vfio_close_group(g), 0);
	vfio_put_container(c);
	assert_ptr_equal(new_container(), c);
	assert_true(c->memory.size == 0);
}

#define R VFIO_DMA_READ
#define W VFIO_DMA_WRITE

static void expect_runs(const uint64_t *words, unsigned int n, unsigned int shift,
	const struct vfio_run *want, unsigned int nwant)
{
	struct vfio_run run = {77, 77, 77};
	unsigned int i = 0;

	for (unsigned int k = 0; k < nwant; k++) {
		assert_true(vfio_next_run(words, n, shift, &i, &run));
		if (run.perm != want[k].perm || run.len != want[k].len ||
			(run.perm && run.at != want[k].at)) {
			fail_msg("run %u is 0x%llx + 0x%llx, %u", k, (unsigned long long)run.at,
				(unsigned long long)run.len, run.perm);
		}
	}
	assert_int_equal(i, n);
	assert_false(vfio_next_run(words, n, shift, &i, &run));
	assert_int_equal(i, n);
}

/* What follows on in address with the same permission is one run, and what has no access is one. */
static void test_words_come_as_runs(void **state)
{
	static const uint64_t words[] = {0x5000 | R | W, 0x6000 | R | W, 0x7000 | R, 0x8000 | R,
		0x8000 | R, 0x9000 | W, 0, 0, 0, 0x1000 | W, 0, R, 0x1000 | R, 0x3000 | R,
		0x2000 | R};
	static const struct vfio_run want[] = {{0x5000, 0x2000, R | W}, {0x7000, 0x2000, R},
		{0x8000, 0x1000, R}, {0x9000, 0x1000, W}, {0, 0x3000, 0}, {0x1000, 0x1000, W},
		{0, 0x1000, 0}, {0, 0x2000, R}, {0x3000, 0x1000, R}, {0x2000, 0x1000, R}};

	(void)state;
	expect_runs(words, 15, 12, want, 10);
	expect_runs(words, 0, 12, NULL, 0);
	/* As pages of 8 KiB none of them follows on, but where there is nothing. */
	expect_runs(words, 2, 13,
		(const struct vfio_run[]){{0x5000, 0x2000, R | W}, {0x6000, 0x2000, R | W}}, 2);
	expect_runs(words + 6, 3, 30, (const struct vfio_run[]){{0, 3ull << 30, 0}}, 1);
}

/* A batch of one run, of none that join, and at the top of what a word can say, in every page size.
 */
static void test_runs_of_every_page_size(void **state)
{
	static const unsigned int shifts[] = {12, 16, 21, 24, 28, 30, 34};
	uint64_t words[VFIO_MAX_BATCH];

	(void)state;
	for (unsigned int s = 0; s < sizeof(shifts) / sizeof(shifts[0]); s++) {
		uint64_t page = 1ull << shifts[s];
		uint64_t at = (1ull << 59) - VFIO_MAX_BATCH * page;
		unsigned int i = 0;
		struct vfio_run run;

		for (unsigned int k = 0; k < VFIO_MAX_BATCH; k++) {
			words[k] = (at + k * page) | R | W;
		}
		expect_runs(words, VFIO_MAX_BATCH, shifts[s],
			&(const struct vfio_run){at, VFIO_MAX_BATCH * page, R | W}, 1);
		/* Looking ahead ends where the words end. */
		expect_runs(words, 3, shifts[s], &(const struct vfio_run){at, 3 * page, R | W}, 1);
		for (unsigned int k = 0; k < VFIO_MAX_BATCH; k++) {
			words[k] = (at + k * page) | (k & 1 ? R : W);
		}
		for (unsigned int k = 0; k < VFIO_MAX_BATCH; k++) {
			assert_true(vfio_next_run(words, VFIO_MAX_BATCH, shifts[s], &i, &run));
			assert_int_equal(i, k + 1);
			assert_true(run.at == at + k * page && run.len == page);
			assert_int_equal(run.perm, k & 1 ? R : W);
		}
	}
}

static void test_driver_without_windows_has_none(void **state)
{
	struct vfio_container *c = new_container();
	struct vfio_window w = {.page_shift = 12, .size = 0x1000};
	const struct tce_backend_ops *ops = NULL;
	void *backend = NULL;

	(void)state;
	add_drivers();
	join(c, 0);
	assert_int_equal(vfio_set_iommu(c, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(vfio_window_backend(c, ioba(0), &ops, &backend), -ENOTSUP);
	assert_true(!ops && !backend);
	assert_int_equal(vfio_create_window(c, &w), -EINVAL);
	assert_int_equal(vfio_remove_window(c, ioba(0)), -EINVAL);
}

static uint32_t seed = 1;

static unsigned int pick(unsigned int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 16) % n;
}

/* SEED-004.26: any sequence of calls leaves sound links, and all can be closed again. */
static void test_random_calls_keep_links_sound(void **state)
{
	struct vfio_container *c[4];
	int results = 0;

	(void)state;
	add_drivers();
	for (unsigned int i = 0; i < 4; i++) {
		c[i] = new_container();
	}
	for (unsigned int i = 0; i < 100000; i++) {
		struct vfio_group *g = &v.groups[pick(NGROUPS)];

		fail_attach = pick(4) ? 0 : 1 + pick(3);
		switch (pick(5)) {
		case 0:
			results += vfio_open_group(&v, 10 + g->host, owner, &g);
			break;
		case 1:
			results += vfio_close_group(g);
			break;
		case 2:
			results += vfio_group_set_container(g, c[pick(4)]);
			break;
		case 3:
			results += vfio_group_unset_container(g);
			break;
		default:
			results += vfio_set_iommu(c[pick(4)], 7);
		}
		trace[0] = '\0';
		vfio_check_links(&v);
	}
	assert_int_not_equal(results, 0);
	for (unsigned int i = 0; i < NGROUPS; i++) {
		assert_int_equal(vfio_close_group(&v.groups[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		vfio_put_container(c[i]);
	}
	expect_baseline();
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init_makes_one_object_per_group_and_function),
		TEST(test_driver_is_registered_once),
		TEST(test_registry_is_bounded),
		TEST(test_driver_in_use_cannot_go),
		TEST(test_extension_asks_all_drivers_or_the_one),
		TEST(test_set_iommu_needs_a_group_a_driver_and_happens_once),
		TEST(test_open_gets_the_model),
		TEST(test_first_driver_that_serves_the_model_decides),
		TEST(test_failed_attach_undoes_those_before_in_reverse),
		TEST(test_open_group_is_busy_and_both_owners_are_named),
		TEST(test_group_opens_by_id_and_once),
		TEST(test_group_that_is_not_viable_is_refused),
		TEST(test_group_joins_one_container),
		TEST(test_container_is_one_partitions),
		TEST(test_late_group_is_attached_at_once),
		TEST(test_rights_end_with_the_last_group),
		TEST(test_container_lives_as_long_as_opener_or_group),
		TEST(test_containers_are_bounded),
		TEST(test_ranges_are_not_empty_and_do_not_wrap),
		TEST(test_map_needs_memory_and_a_batch),
		TEST(test_window_backend_is_the_drivers),
		TEST(test_memory_is_registered_once),
		TEST(test_words_come_as_runs),
		TEST(test_runs_of_every_page_size),
		TEST(test_driver_without_windows_has_none),
		TEST(test_random_calls_keep_links_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
