// SPDX-License-Identifier: Apache-2.0
/* core/elf.c: good files of both byte orders load; every bad one is refused with nothing copied. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/elf.h"

#include <string.h>

#define RAM	 0x10000u
#define FILE_MAX 0x400u
#define PHDR(n)	 (64u + (n)*56u)
#define CODE	 0x200u

static uint8_t ram[RAM];
static uint8_t file[FILE_MAX];
static const struct guest_mem mem = {ram, {0x100000}, RAM};

static void put(bool little, unsigned int at, unsigned int n, uint64_t v)
{
	for (unsigned int i = 0; i < n; i++) {
		file[at + (little ? i : n - 1 - i)] = (uint8_t)(v >> (8 * i));
	}
}

static void put_segment(bool little, unsigned int n, uint64_t vaddr, uint64_t paddr,
	uint64_t filesz, uint64_t memsz)
{
	put(little, PHDR(n) + 0, 4, 1);
	put(little, PHDR(n) + 8, 8, CODE);
	put(little, PHDR(n) + 16, 8, vaddr);
	put(little, PHDR(n) + 24, 8, paddr);
	put(little, PHDR(n) + 32, 8, filesz);
	put(little, PHDR(n) + 40, 8, memsz);
}

/* Two segments, of 0x10 bytes of 0x20 and of 0x8 bytes of 0x8; entered in the first. */
static void make_file(bool little)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "\177ELF", 4);
	file[4] = 2;
	file[5] = little ? 1 : 2;
	put(little, 16, 2, 2);
	put(little, 18, 2, 21);
	put(little, 24, 8, 0xc000000000000004u);
	put(little, 32, 8, 64);
	put(little, 54, 2, 56);
	put(little, 56, 2, 2);
	put_segment(little, 0, 0xc000000000000000u, 0x4000, 0x10, 0x20);
	put_segment(little, 1, 0xc000000000002000u, 0x6000, 0x8, 0x8);
	for (unsigned int i = 0; i < 0x10; i++) {
		file[CODE + i] = (uint8_t)(0xa0 + i);
	}
	memset(ram, 0x55, sizeof(ram));
}

static void load_good(bool little)
{
	struct elf_image image;
	const char *why = "unset";

	make_file(little);
	assert_int_equal(elf_load(file, sizeof(file), &mem, &image, &why), 0);
	assert_null(why);
	assert_int_equal(image.entry.v, 0x4004);
	assert_int_equal(image.end.v, 0x6008);
	assert_memory_equal(ram + 0x4000, file + CODE, 0x10);
	for (unsigned int i = 0x4010; i < 0x4020; i++) {
		assert_int_equal(ram[i], 0);
	}
	assert_int_equal(ram[0x3fff], 0x55);
	assert_int_equal(ram[0x4020], 0x55);
	assert_memory_equal(ram + 0x6000, file + CODE, 8);
}

static void test_big_endian_file_loads(void **state)
{
	(void)state;
	load_good(false);
}

static void test_little_endian_file_loads(void **state)
{
	(void)state;
	load_good(true);
}

/* BB-02: one change to a good file each, of either byte order. */
static const struct {
	const char *name;
	unsigned int at, n;
	uint64_t v;
	size_t size;
	int err;
} bad[] = {
	{"magic", 0, 1, 0x7e, FILE_MAX, -EINVAL},
	{"32 bit", 4, 1, 1, FILE_MAX, -EINVAL},
	{"byte order 0", 5, 1, 0, FILE_MAX, -EINVAL},
	{"byte order 3", 5, 1, 3, FILE_MAX, -EINVAL},
	{"other machine", 18, 2, 62, FILE_MAX, -EINVAL},
	{"relocatable", 16, 2, 1, FILE_MAX, -EINVAL},
	{"program header size", 54, 2, 55, FILE_MAX, -EINVAL},
	{"program headers past the end", 32, 8, FILE_MAX - 100, FILE_MAX, -EINVAL},
	{"program headers wrap", 32, 8, UINT64_MAX - 10, FILE_MAX, -EINVAL},
	{"program header count", 56, 2, 0xffff, FILE_MAX, -EINVAL},
	{"no segment", 56, 2, 0, FILE_MAX, -EINVAL},
	{"entry in no segment", 24, 8, 0x4004, FILE_MAX, -EINVAL},
	{"entry in the last bytes of one", 24, 8, 0xc00000000000001du, FILE_MAX, -EINVAL},
	{"more file than memory", PHDR(0) + 32, 8, 0x21, FILE_MAX, -EINVAL},
	{"file part past the end", PHDR(0) + 8, 8, FILE_MAX - 0xf, FILE_MAX, -EINVAL},
	{"file part wraps", PHDR(0) + 8, 8, UINT64_MAX, FILE_MAX, -EINVAL},
	{"segments overlap", PHDR(1) + 24, 8, 0x401f, FILE_MAX, -EINVAL},
	{"no memory for all of the file", PHDR(1) + 40, 8, 0x7, FILE_MAX, -EINVAL},
	{"segment of no memory at all", PHDR(0) + 40, 8, 0, FILE_MAX, -EINVAL},
	{"segment past RAM by one", PHDR(1) + 24, 8, RAM - 7, FILE_MAX, -EFAULT},
	{"segment far away", PHDR(1) + 24, 8, 0x20000000, FILE_MAX, -EFAULT},
	{"segment wraps", PHDR(1) + 24, 8, UINT64_MAX - 3, FILE_MAX, -EFAULT},
	{"memory size huge", PHDR(1) + 40, 8, UINT64_MAX, FILE_MAX, -EFAULT},
	{"header cut", 0, 1, 0x7f, 63, -EINVAL},
	{"code cut", 0, 1, 0x7f, CODE + 0xf, -EINVAL},
	{"empty", 0, 1, 0x7f, 0, -EINVAL},
};

static void test_bad_file_is_refused_and_copies_nothing(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2 * sizeof(bad) / sizeof(bad[0]); k++) {
		size_t i = k / 2;
		bool little = k % 2;
		struct elf_image image;
		const char *why = NULL;

		make_file(little);
		put(little, bad[i].at, bad[i].n, bad[i].v);
		int err = elf_load(file, bad[i].size, &mem, &image, &why);

		if (err != bad[i].err || !why) {
			fail_msg("%s, %s: %d (%s)", bad[i].name, little ? "LE" : "BE", err,
				why ? why : "no reason");
		}
		for (size_t b = 0; b < RAM; b++) {
			assert_int_equal(ram[b], 0x55);
		}
	}
}

static void test_too_many_segments_are_refused(void **state)
{
	struct elf_image image;
	const char *why;
	static uint8_t many[64 + 17 * 56];

	(void)state;
	make_file(false);
	for (unsigned int i = 0; i < 17; i++) {
		memcpy(many + PHDR(i), file + PHDR(1), 56);
	}
	memcpy(many, file, 64);
	many[57] = 17;
	assert_int_equal(elf_load(many, sizeof(many), &mem, &image, &why), -EINVAL);
	assert_non_null(strstr(why, "16 segments"));
}

/* Any 4 bytes changed to anything: whatever the answer, no access out of bounds (the sanitizers
 * watch) and memory untouched on refusal. */
static void test_random_damage_never_harms(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		struct elf_image image;
		const char *why;

		make_file(round & 1);
		for (unsigned int k = 0; k < 4; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			file[(seed >> 33) % CODE] = (uint8_t)(seed >> 56);
		}
		if (elf_load(file, sizeof(file), &mem, &image, &why) == 0) {
			assert_true(image.end.v <= RAM);
		} else {
			assert_int_equal(ram[0x4000], 0x55);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_big_endian_file_loads),
		cmocka_unit_test(test_little_endian_file_loads),
		cmocka_unit_test(test_bad_file_is_refused_and_copies_nothing),
		cmocka_unit_test(test_too_many_segments_are_refused),
		cmocka_unit_test(test_random_damage_never_harms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
