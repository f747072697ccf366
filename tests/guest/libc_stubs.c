// SPDX-License-Identifier: Apache-2.0
/*
 * What newlib's string formatting may ask of a system. There are no files and no heap here: a call
 * fails, and abort ends the run.
 */
#include "tests/guest/tap.h"

#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

int close(int fd)
{
	(void)fd;
	return -1;
}

int fstat(int fd, struct stat *st)
{
	(void)fd;
	(void)st;
	return -1;
}

int isatty(int fd)
{
	(void)fd;
	return 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
	(void)fd;
	(void)offset;
	(void)whence;
	return -1;
}

_READ_WRITE_RETURN_TYPE read(int fd, void *buf, size_t n)
{
	(void)fd;
	(void)buf;
	(void)n;
	return -1;
}

_READ_WRITE_RETURN_TYPE write(int fd, const void *buf, size_t n)
{
	(void)fd;
	(void)buf;
	(void)n;
	return -1;
}

void *sbrk(ptrdiff_t more)
{
	(void)more;
	return (void *)-1;
}

void _exit(int status)
{
	tap_bail("the C library gave up with status %d", status);
}
