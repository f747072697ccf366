// SPDX-License-Identifier: Apache-2.0
/* The serial line, through OPAL. core/arch.h has the ordinary way in. */
#ifndef ARCH_PPC64_CONSOLE_H
#define ARCH_PPC64_CONSOLE_H

#include <stddef.h>

/* Straight to firmware, past the ring and without any lock: for reports from a thread that may have
 * been stopped anywhere. */
void console_write_now(const char *buf, size_t len);

/* Moves what waits in the ring to firmware; for the housekeeping. */
void console_drain(void);

/* Everything out, firmware's buffer included. */
void console_finish(void);

#endif
