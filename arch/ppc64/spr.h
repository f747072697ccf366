// SPDX-License-Identifier: Apache-2.0
/* Access to special purpose registers and the few instructions C has no words for. */
#ifndef ARCH_PPC64_SPR_H
#define ARCH_PPC64_SPR_H

#include "arch/ppc64/layout.h"

#include <stdint.h>

#define spr_read(spr)                                                                  \
	__extension__({                                                                \
		uint64_t value_;                                                       \
		__asm__ volatile("mfspr %0, %1" : "=r"(value_) : "i"(spr) : "memory"); \
		value_;                                                                \
	})

#define spr_write(spr, value) \
	__asm__ volatile("mtspr %0, %1" : : "i"(spr), "r"((uint64_t)(value)) : "memory")

static inline uint64_t timebase(void)
{
	return spr_read(SPR_TB);
}

static inline void isync(void)
{
	__asm__ volatile("isync" : : : "memory");
}

#endif
