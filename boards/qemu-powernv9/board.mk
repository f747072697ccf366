# SPDX-License-Identifier: Apache-2.0
#
# QEMU's PowerNV machine with a POWER9: two cores, six host bridges, a BMC (without one, power-off
# does not end QEMU). Host bridges 0 and 1 have an edu device with a 64-bit DMA mask.
#
# Time is counted in instructions and the clock starts at a fixed date, so that two runs print the
# same, and the 100 ms that edu takes for a DMA pass at once.
QEMU_ARGS += -M powernv9 -smp 2 -m 2G
QEMU_ARGS += -device edu,bus=pcie.0,addr=0,dma_mask=0xffffffffffffffff
QEMU_ARGS += -device edu,bus=pcie.1,addr=0,dma_mask=0xffffffffffffffff
QEMU_ARGS += -icount shift=6,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm
