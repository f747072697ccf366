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

/* Cache-inhibited access to device memory in real mode, big-endian as the processor is. */
#define CIX_LOAD(bits, type, insn)                                                      \
	static inline type cix_load##bits(uint64_t at)                                  \
	{                                                                               \
		uint64_t value;                                                         \
		__asm__ volatile(insn " %0, 0, %1" : "=r"(value) : "r"(at) : "memory"); \
		return (type)value;                                                     \
	}
CIX_LOAD(8, uint8_t, "lbzcix")
CIX_LOAD(16, uint16_t, "lhzcix")
CIX_LOAD(32, uint32_t, "lwzcix")
CIX_LOAD(64, uint64_t, "ldcix")

#define CIX_STORE(bits, type, insn)                                                               \
	static inline void cix_store##bits(uint64_t at, type value)                               \
	{                                                                                         \
		__asm__ volatile(insn " %0, 0, %1" : : "r"((uint64_t)value), "r"(at) : "memory"); \
	}
CIX_STORE(8, uint8_t, "stbcix")
CIX_STORE(16, uint16_t, "sthcix")
CIX_STORE(32, uint32_t, "stwcix")
CIX_STORE(64, uint64_t, "stdcix")

static inline void isync(void)
{
	__asm__ volatile("isync" : : : "memory");
}

#endif
