# SPDX-License-Identifier: Apache-2.0
#
# The devices of the other boards' Linux guest on QEMU's own pseries machine, to tell a fault of the
# kernel or the ramdisk from one of ours. Interrupts are XICS, as in a partition of ours.
#
# The cap- options only say what emulation does anyway.
QEMU_ARGS += -M pseries,x-vof=on,ic-mode=xics,cap-cfpc=broken,cap-ibs=broken,cap-ccf-assist=off
QEMU_ARGS += -cpu power9 -m 512M -nodefaults -serial mon:stdio -no-reboot
QEMU_ARGS += -drive id=disk,if=none,format=raw,file=$(DISK)
QEMU_ARGS += -device nvme,serial=tcelot,drive=disk
QEMU_ARGS += -netdev user,id=net,restrict=on,tftp=build/linux/net
QEMU_ARGS += -device e1000e,netdev=net,romfile=
