# SPDX-License-Identifier: Apache-2.0
#
# The Linux guest: a stock kernel and an initial ramdisk, under build/linux/. The Makefile includes
# this file.
#
# KERNEL is a version of tools/versions, or the path of a vmlinux for ppc64le; then MODULES is a
# directory with its modules, without which the guest finds no drivers. CMD is a command for the
# guest to run. Without one there is a shell if someone is there to type, else a report of what the
# guest found.

KERNEL         ?= 6.1
MODULES        ?=
LINUX_VERSIONS := $(shell sed -n 's/^linux  *\([0-9][0-9.]*\) .*/\1/p' tools/versions)
LINUX          := $(B)/linux/$(if $(filter $(KERNEL),$(LINUX_VERSIONS)),$(KERNEL),given)
export LINUX

ifeq ($(GUEST),linux)
export TAP := no
ifneq ($(value CMD),)
# Not for make to expand: a dollar is the guest's.
override CMD := $(value CMD)
else ifneq ($(shell test -t 0 && echo terminal),terminal)
CMD := report
endif
export CMD
endif

$(LINUX_VERSIONS:%=$(B)/stamp/linux-%): $(B)/stamp/linux-%: tools/setup-linux tools/versions \
		| $(B)/stamp/run
	@tools/setup-linux $*

$(B)/stamp/linux-given: force | $(B)/stamp/run
	@tools/setup-linux given '$(KERNEL)' $(MODULES)

$(B)/linux/%/initramfs.cpio: $(B)/stamp/linux-% tests/guest-linux/init tools/initramfs tools/modinfo
	$(brief) CPIO '$@'
	$(Q)tools/initramfs $(@D) $@

# For tests of devices that no board has, and of what a guest sees of them.
$(B)/linux/%/initramfs-more.cpio: $(B)/stamp/linux-% tests/guest-linux/init tools/initramfs tools/modinfo \
		tests/guest-linux/check-config $(B)/linux/config-space
	$(brief) CPIO '$@'
	$(Q)tools/initramfs $(@D) $@ more

# The program is new whenever anything of core/ is; what it says seldom is.
$(B)/linux/config-space: $(B)/native/tools/config-space
	$(Q)$< --script >$@.new
	$(Q)cmp -s $@.new $@ || cp $@.new $@
	$(Q)rm $@.new

$(B)/linux/net/data: tools/test-data
	@tools/test-data net $(@D)

$(B)/guest/option.rom: tools/test-data
	@mkdir -p $(@D) && tools/test-data rom $@

.PHONY: linux linux-all linux-more
linux: $(LINUX)/initramfs.cpio $(B)/linux/net/data \
	$(if $(shell grep -l initramfs-more $(PLAN) 2>/dev/null),$(LINUX)/initramfs-more.cpio)
linux-all: $(LINUX_VERSIONS:%=$(B)/linux/%/initramfs.cpio) $(B)/linux/net/data $(B)/guest/option.rom
linux-more: $(LINUX_VERSIONS:%=$(B)/linux/%/initramfs-more.cpio)

# Boot tests want both kernels once one of them has this guest. What is made of core/ may fail to build.
ifneq ($(filter boot/linux-%,$(BOOT_TESTS)),)
check check-boot: linux-all
check-boot build-all: linux-more
endif
