# SPDX-License-Identifier: Apache-2.0
#
# The machine of `make bench`: one core, and an instruction is a nanosecond, so that the timebase
# counts them.
QEMU_ARGS += -M powernv9 -smp 1 -m 2G
QEMU_ARGS += -device edu,bus=pcie.0,addr=0,dma_mask=0xffffffffffffffff
QEMU_ARGS += -icount shift=0,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm
