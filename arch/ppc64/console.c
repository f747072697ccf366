// SPDX-License-Identifier: Apache-2.0
/*
 * The serial line. Writers put their bytes into a ring, in one piece, under a lock; whoever finds
 * nobody else at it moves bytes from the ring to firmware. So no lock is held across a firmware
 * call, lines of several threads do not mix, and a slow line slows only those who fill the ring.
 */
#include "arch/ppc64/console.h"

#include "arch/ppc64/opal.h"
#include "core/arch.h"
#include "core/lock.h"

#include <stdatomic.h>

#define RING_SIZE 16384u
/* Firmware takes nothing for so many tries: the line is dead, and its bytes are dropped. */
#define MAX_TRIES 100000u

static struct lock ring_lock;
static atomic_flag draining;
static char ring[RING_SIZE];
static atomic_size_t ring_in, ring_out; /* free-running; in - out bytes wait */

void console_write_now(const char *buf, size_t len)
{
	unsigned int tries = 0;

	while (len && tries++ < MAX_TRIES) {
		uint64_t n = len;
		int64_t rc = opal_call3(OPAL_CONSOLE_WRITE, 0, (uintptr_t)&n, (uintptr_t)buf);

		if ((rc == OPAL_SUCCESS || rc == OPAL_PARTIAL) && n <= len) {
			if (n) {
				tries = 0;
			}
			buf += n;
			len -= n;
		} else if (rc != OPAL_BUSY && rc != OPAL_BUSY_EVENT) {
			return;
		}
		opal_call1(OPAL_POLL_EVENTS, 0);
	}
}

/* What waited at the call, and no more: a partition that keeps writing must not keep another's
 * thread here. The rest goes with the next write or the next tick. */
void console_drain(void)
{
	if (atomic_flag_test_and_set(&draining)) {
		return;
	}
	size_t out = atomic_load(&ring_out);
	size_t waiting = atomic_load(&ring_in) - out;

	while (waiting) {
		size_t at = out % RING_SIZE;
		size_t piece = RING_SIZE - at < waiting ? RING_SIZE - at : waiting;

		console_write_now(ring + at, piece);
		out += piece;
		waiting -= piece;
		atomic_store(&ring_out, out);
	}
	atomic_flag_clear(&draining);
}

static size_t ring_put(const char *buf, size_t len)
{
	size_t in = atomic_load(&ring_in);
	size_t room = RING_SIZE - (in - atomic_load(&ring_out));

	/* A write that fits an empty ring goes in whole or not yet. */
	if (len > RING_SIZE) {
		len = RING_SIZE;
	}
	if (room < len) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		ring[(in + i) % RING_SIZE] = buf[i];
	}
	atomic_store(&ring_in, in + len);
	return len;
}

void arch_console_write(const char *buf, size_t len)
{
	while (len) {
		lock_take(&ring_lock);
		size_t n = ring_put(buf, len);

		lock_drop(&ring_lock);
		buf += n;
		len -= n;
		console_drain();
	}
}

size_t arch_console_read(char *buf, size_t len)
{
	uint64_t n = len;

	opal_call1(OPAL_POLL_EVENTS, 0);
	int64_t rc = opal_call3(OPAL_CONSOLE_READ, 0, (uintptr_t)&n, (uintptr_t)buf);

	return rc == OPAL_SUCCESS && n <= len ? n : 0;
}

void console_finish(void)
{
	for (unsigned int i = 0; i < MAX_TRIES && ring_in != ring_out; i++) {
		console_drain();
	}
	for (unsigned int i = 0; i < MAX_TRIES; i++) {
		int64_t rc = opal_call1(OPAL_CONSOLE_FLUSH, 0);

		if (rc != OPAL_BUSY && rc != OPAL_PARTIAL && rc != OPAL_BUSY_EVENT) {
			return;
		}
		opal_call1(OPAL_POLL_EVENTS, 0);
	}
}
