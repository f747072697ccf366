// SPDX-License-Identifier: Apache-2.0
/* Single accesses to device registers. PCI is little-endian and we are not: a byte-reversed store
 * does not exist in cache-inhibited form, so the number is turned round here. */
#include "arch/ppc64/spr.h"
#include "core/arch.h"

uint64_t arch_mmio_read(hpa_t at, unsigned int size)
{
	switch (size) {
	case 1:
		return cix_load8(at.v);
	case 2:
		return __builtin_bswap16(cix_load16(at.v));
	case 4:
		return __builtin_bswap32(cix_load32(at.v));
	default:
		return __builtin_bswap64(cix_load64(at.v));
	}
}

void arch_mmio_write(hpa_t at, unsigned int size, uint64_t val)
{
	switch (size) {
	case 1:
		cix_store8(at.v, (uint8_t)val);
		break;
	case 2:
		cix_store16(at.v, __builtin_bswap16((uint16_t)val));
		break;
	case 4:
		cix_store32(at.v, __builtin_bswap32((uint32_t)val));
		break;
	default:
		cix_store64(at.v, __builtin_bswap64(val));
		break;
	}
	/* Ordered before whatever the caller does next. */
	__asm__ volatile("sync" : : : "memory");
}
