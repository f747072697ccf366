# SPDX-License-Identifier: Apache-2.0
#
# The machine of GUEST=linux, instead of board.mk's: one core, an NVMe disk below host bridge 0, and
# a network card below host bridge 1. The network is QEMU's own and ends there.
#
# Firmware takes 52 MiB from 0x30000000, and a partition is one aligned range: 4 GiB leave room.
# Time is real time, since a disk and a network answer in it.
QEMU_ARGS += -M powernv9 -smp 1 -m 4G
QEMU_ARGS += -drive id=disk,if=none,format=raw,file=$(DISK)
QEMU_ARGS += -device nvme,serial=tcelot,drive=disk,bus=pcie.0,addr=0
QEMU_ARGS += -netdev user,id=net,restrict=on,tftp=build/linux/net
QEMU_ARGS += -device e1000e,netdev=net,bus=pcie.1,addr=0,romfile=
