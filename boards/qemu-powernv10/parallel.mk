# SPDX-License-Identifier: Apache-2.0
#
# The machine of board.mk with its CPUs running at once, each on a thread of the host, to find races
# that CPUs taking turns do not have. Its time is the host's.
QEMU_ARGS += -M powernv10 -smp 2 -m 2G -accel tcg,thread=multi
QEMU_ARGS += -device edu,bus=pcie.0,addr=0,dma_mask=0xffffffffffffffff
QEMU_ARGS += -rtc base=2024-01-01T00:00:00,clock=vm
