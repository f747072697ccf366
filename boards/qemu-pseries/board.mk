# SPDX-License-Identifier: Apache-2.0
#
# QEMU's own pseries machine, with a few instructions for firmware: the in-tree guest meets another
# implementation of the same interface here. The image does not run on it, so there are no plans.
#
# Time is counted in instructions, so that the 100 ms that edu takes for a DMA pass at once.
#
# The guest is to land where it is linked. The cap- options only say what emulation does anyway.
QEMU_ARGS += -M pseries,kernel-addr=0,cap-cfpc=broken,cap-ibs=broken,cap-ccf-assist=off
QEMU_ARGS += -cpu power9 -m 256M -nodefaults -serial stdio -no-reboot -bios build/guest/stub.bin
QEMU_ARGS += -device edu,dma_mask=0xffffffffffffffff
QEMU_ARGS += -icount shift=6,sleep=off
