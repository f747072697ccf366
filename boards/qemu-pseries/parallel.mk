# SPDX-License-Identifier: Apache-2.0
#
# The machine of board.mk with two CPUs that run at once. Its time is the host's.
QEMU_ARGS += -M pseries,kernel-addr=0,cap-cfpc=broken,cap-ibs=broken,cap-ccf-assist=off
QEMU_ARGS += -cpu power9 -m 256M -smp 2 -nodefaults -serial stdio -no-reboot -bios build/guest/stub.bin
QEMU_ARGS += -device edu,dma_mask=0xffffffffffffffff
