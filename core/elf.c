// SPDX-License-Identifier: Apache-2.0
/*
 * The ELF loader. Offsets are the ELF-64 object file format's; every field is read through get(),
 * which knows the file's byte order and its end. All headers are checked before a byte is copied.
 */
#include "core/elf.h"

#include "core/range.h"

#include <stdbool.h>
#include <string.h>

#define EHDR_SIZE     64u
#define EHDR_CLASS    4u
#define EHDR_DATA     5u
#define EHDR_TYPE     16u
#define EHDR_MACHINE  18u
#define EHDR_ENTRY    24u
#define EHDR_PHOFF    32u
#define EHDR_PHSIZE   54u
#define EHDR_PHNUM    56u
#define CLASS_64      2u
#define DATA_LITTLE   1u
#define DATA_BIG      2u
#define TYPE_EXEC     2u
#define TYPE_DYN      3u
#define MACHINE_PPC64 21u

#define PHDR_SIZE   56u
#define PHDR_TYPE   0u
#define PHDR_OFFSET 8u
#define PHDR_VADDR  16u
#define PHDR_PADDR  24u
#define PHDR_FILESZ 32u
#define PHDR_MEMSZ  40u
#define PT_LOAD	    1u

/* A kernel has a handful. */
#define MAX_SEGMENTS 16u

struct file {
	const uint8_t *data;
	size_t size;
	bool little;
};

struct segment {
	uint64_t offset, vaddr, paddr, filesz, memsz;
};

/* n bytes at off, which the caller has checked to be in the file. */
static uint64_t get(const struct file *f, uint64_t off, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n; i++) {
		v = v << 8 | f->data[off + (f->little ? n - 1 - i : i)];
	}
	return v;
}

static const char *check_header(struct file *f)
{
	static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};

	if (f->size < EHDR_SIZE || memcmp(f->data, magic, sizeof(magic)) != 0) {
		return "it is not an ELF file";
	}
	if (f->data[EHDR_CLASS] != CLASS_64 ||
		(f->data[EHDR_DATA] != DATA_LITTLE && f->data[EHDR_DATA] != DATA_BIG)) {
		return "it is not a 64-bit ELF file";
	}
	f->little = f->data[EHDR_DATA] == DATA_LITTLE;
	if (get(f, EHDR_MACHINE, 2) != MACHINE_PPC64) {
		return "it is not for 64-bit PowerPC";
	}
	uint64_t type = get(f, EHDR_TYPE, 2);

	if (type != TYPE_EXEC && type != TYPE_DYN) {
		return "it is not an executable";
	}
	if (get(f, EHDR_PHSIZE, 2) != PHDR_SIZE ||
		!range_below(get(f, EHDR_PHOFF, 8), get(f, EHDR_PHNUM, 2) * PHDR_SIZE, f->size)) {
		return "its program headers are not in the file";
	}
	return NULL;
}

static const char *read_segments(
	const struct file *f, struct segment seg[MAX_SEGMENTS], unsigned int *n)
{
	uint64_t at = get(f, EHDR_PHOFF, 8);
	uint64_t count = get(f, EHDR_PHNUM, 2);

	*n = 0;
	for (uint64_t i = 0; i < count; i++, at += PHDR_SIZE) {
		if (get(f, at + PHDR_TYPE, 4) != PT_LOAD || !get(f, at + PHDR_MEMSZ, 8)) {
			continue;
		}
		if (*n == MAX_SEGMENTS) {
			return "it has more than 16 segments";
		}
		seg[(*n)++] = (struct segment){get(f, at + PHDR_OFFSET, 8),
			get(f, at + PHDR_VADDR, 8), get(f, at + PHDR_PADDR, 8),
			get(f, at + PHDR_FILESZ, 8), get(f, at + PHDR_MEMSZ, 8)};
	}
	return *n ? NULL : "it has nothing to load";
}

static const char *check_segments(const struct file *f, const struct segment *seg, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (seg[i].filesz > seg[i].memsz) {
			return "a segment has more bytes in the file than in memory";
		}
		if (!range_below(seg[i].offset, seg[i].filesz, f->size)) {
			return "it is truncated: a segment ends past the file";
		}
		for (unsigned int j = 0; j < i; j++) {
			if (range_overlaps(
				    seg[i].paddr, seg[i].memsz, seg[j].paddr, seg[j].memsz)) {
				return "two of its segments overlap";
			}
		}
	}
	return NULL;
}

static bool find_entry(uint64_t entry, const struct segment *seg, unsigned int n, gpa_t *out)
{
	for (unsigned int i = 0; i < n; i++) {
		if (range_inside(entry, 4, seg[i].vaddr, seg[i].memsz)) {
			*out = gpa(entry - seg[i].vaddr + seg[i].paddr);
			return true;
		}
	}
	return false;
}

static void copy_segments(const struct file *f, const struct segment *seg, unsigned int n,
	const struct guest_mem *mem, struct elf_image *out)
{
	out->end = gpa(0);
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *to = mem->ptr + seg[i].paddr;

		memcpy(to, f->data + seg[i].offset, seg[i].filesz);
		memset(to + seg[i].filesz, 0, seg[i].memsz - seg[i].filesz);
		if (seg[i].paddr + seg[i].memsz > out->end.v) {
			out->end = gpa(seg[i].paddr + seg[i].memsz);
		}
	}
}

int elf_load(const uint8_t *file, size_t size, const struct guest_mem *mem, struct elf_image *out,
	const char **why)
{
	struct file f = {file, size, false};
	struct segment seg[MAX_SEGMENTS];
	unsigned int n = 0;

	*why = check_header(&f);
	if (!*why) {
		*why = read_segments(&f, seg, &n);
	}
	if (!*why) {
		*why = check_segments(&f, seg, n);
	}
	if (!*why && !find_entry(get(&f, EHDR_ENTRY, 8), seg, n, &out->entry)) {
		*why = "its entry is in none of its segments";
	}
	if (*why) {
		return -EINVAL;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (!guest_mem_has(mem, gpa(seg[i].paddr), seg[i].memsz)) {
			*why = "a segment lies outside the partition's memory";
			return -EFAULT;
		}
	}
	copy_segments(&f, seg, n, mem, out);
	return 0;
}
