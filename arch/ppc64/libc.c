// SPDX-License-Identifier: Apache-2.0
/*
 * What newlib asks of a system. Formatting into a buffer is all we use of stdio: it opens no file
 * and needs no heap, so every one of these says no.
 */
#include "core/err.h"

#include <stddef.h>

struct stat;

int close(int fd);
int fstat(int fd, struct stat *st);
int isatty(int fd);
long lseek(int fd, long offset, int whence);
long read(int fd, void *buf, size_t len);
long write(int fd, const void *buf, size_t len);
void *sbrk(ptrdiff_t increment);

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

long lseek(int fd, long offset, int whence)
{
	(void)fd;
	(void)offset;
	(void)whence;
	return -1;
}

long read(int fd, void *buf, size_t len)
{
	(void)fd;
	(void)buf;
	(void)len;
	return -1;
}

long write(int fd, const void *buf, size_t len)
{
	(void)fd;
	(void)buf;
	(void)len;
	return -1;
}

void *sbrk(ptrdiff_t increment)
{
	(void)increment;
	return (void *)-1;
}
