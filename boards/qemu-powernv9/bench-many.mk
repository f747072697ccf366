# SPDX-License-Identifier: Apache-2.0
#
# The machine of `make bench` with as many host bridges as a partition can have, 31: eight chips of
# one core each, whose first 31 host bridges have an edu device. An instruction is a nanosecond.
QEMU_ARGS += -M powernv9 -smp 8,sockets=8,cores=1,threads=1 -m 8G
QEMU_ARGS += -icount shift=0,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm
QEMU_ARGS += -device edu,bus=pcie.0,addr=0
QEMU_ARGS += -device edu,bus=pcie.1,addr=0
QEMU_ARGS += -device edu,bus=pcie.2,addr=0
QEMU_ARGS += -device edu,bus=pcie.3,addr=0
QEMU_ARGS += -device edu,bus=pcie.4,addr=0
QEMU_ARGS += -device edu,bus=pcie.5,addr=0
QEMU_ARGS += -device edu,bus=pcie.6,addr=0
QEMU_ARGS += -device edu,bus=pcie.7,addr=0
QEMU_ARGS += -device edu,bus=pcie.8,addr=0
QEMU_ARGS += -device edu,bus=pcie.9,addr=0
QEMU_ARGS += -device edu,bus=pcie.10,addr=0
QEMU_ARGS += -device edu,bus=pcie.11,addr=0
QEMU_ARGS += -device edu,bus=pcie.12,addr=0
QEMU_ARGS += -device edu,bus=pcie.13,addr=0
QEMU_ARGS += -device edu,bus=pcie.14,addr=0
QEMU_ARGS += -device edu,bus=pcie.15,addr=0
QEMU_ARGS += -device edu,bus=pcie.16,addr=0
QEMU_ARGS += -device edu,bus=pcie.17,addr=0
QEMU_ARGS += -device edu,bus=pcie.18,addr=0
QEMU_ARGS += -device edu,bus=pcie.19,addr=0
QEMU_ARGS += -device edu,bus=pcie.20,addr=0
QEMU_ARGS += -device edu,bus=pcie.21,addr=0
QEMU_ARGS += -device edu,bus=pcie.22,addr=0
QEMU_ARGS += -device edu,bus=pcie.23,addr=0
QEMU_ARGS += -device edu,bus=pcie.24,addr=0
QEMU_ARGS += -device edu,bus=pcie.25,addr=0
QEMU_ARGS += -device edu,bus=pcie.26,addr=0
QEMU_ARGS += -device edu,bus=pcie.27,addr=0
QEMU_ARGS += -device edu,bus=pcie.28,addr=0
QEMU_ARGS += -device edu,bus=pcie.29,addr=0
QEMU_ARGS += -device edu,bus=pcie.30,addr=0
