# SPDX-License-Identifier: Apache-2.0
#
# The machine of board.mk without an edu device, and with a device of the virtual I/O bus, which has
# a DMA window of its own: what the in-tree guest tests where there is nothing to do DMA with.
QEMU_ARGS += -M pseries,kernel-addr=0,cap-cfpc=broken,cap-ibs=broken,cap-ccf-assist=off
QEMU_ARGS += -cpu power9 -m 256M -nodefaults -serial stdio -no-reboot -bios build/guest/stub.bin
QEMU_ARGS += -device spapr-vscsi
QEMU_ARGS += -icount shift=6,sleep=off
