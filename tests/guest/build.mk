# SPDX-License-Identifier: Apache-2.0
#
# The in-tree guests: each has one source, a big- and a little-endian ELF; and a stub firmware that
# starts them on QEMU's own pseries machine. Included by the Makefile, whose $(B), $(Q) and $(brief)
# it uses.
#
#   build/guest/papr-dma-be.elf build/guest/papr-dma-le.elf: DMA and what governs it; for any
#       hypervisor, docs/CONFORMANCE.md
#   build/guest/wake-be.elf build/guest/wake-le.elf: interrupts, waiting, starting and stopping CPUs
#   build/guest/bench-be.elf build/guest/bench-le.elf: what hypercalls cost
#   build/guest/bench-opal.elf: a payload beside the hypervisor: what its calls of firmware cost
#   build/guest/stub.bin
#   guest-pseries-be, guest-pseries-le: run one on QEMU's pseries machine, TAP on the console;
#       GUEST_APPEND='test=hello' chooses another program of `papr-dma`, GUEST_ELF=wake the other guest

CROSS_BE     ?= powerpc64-linux-gnu-
CROSS_LE     ?= powerpc64le-linux-gnu-
NEWLIB_BE    ?= $(B)/newlib/be/powerpc64-unknown-none
NEWLIB_LE    ?= $(B)/newlib/le/powerpc64le-unknown-none
GUEST_BUILD  ?= $(B)/guest
GUEST_APPEND ?=

GUEST_ELF   ?= papr-dma
GUEST_ELFS  := papr-dma wake bench

GUEST_SHARED := con edu hv libc_stubs problem tap trap tree
WAKE_C      := $(sort $(wildcard tests/guest/wake*.c)) $(GUEST_SHARED:%=tests/guest/%.c)
BENCH_C     := tests/guest/bench.c $(filter-out %/edu.c,$(GUEST_SHARED:%=tests/guest/%.c))
DMA_C       := $(sort $(wildcard tests/guest/papr-dma/*.c)) $(GUEST_SHARED:%=tests/guest/%.c)
GUEST_FDT   := fdt fdt_ro
GUEST_FLAGS := -std=c11 -D_DEFAULT_SOURCE -O2 -ffreestanding -mabi=elfv2 -mcpu=power8 -mno-altivec \
	-mno-vsx -msoft-float -mlong-double-64 -mcmodel=medium -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(CURDIR)=.
GUEST_WARN  := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wmissing-prototypes \
	-Wstrict-prototypes -Wvla -Wframe-larger-than=1024
GUEST_LINK  := -static -no-pie -nostdlib -mabi=elfv2 -Wl,--gc-sections,--build-id=none \
	-Wl,--no-warn-rwx-segments,-z,noexecstack,-z,max-page-size=0x1000,--fatal-warnings

# $(1) be or le, $(2) cross prefix, $(3) newlib
define guest_rules
GUEST_OBJ_$(1) := $(GUEST_BUILD)/$(1)/entry.o $$(GUEST_FDT:%=$(GUEST_BUILD)/$(1)/libfdt/%.o)
DMA_OBJ_$(1) := $$(DMA_C:tests/guest/%.c=$(GUEST_BUILD)/$(1)/%.o) $$(GUEST_OBJ_$(1)) \
	$(GUEST_BUILD)/$(1)/papr-dma/cpu_entry.o
WAKE_OBJ_$(1) := $$(WAKE_C:tests/guest/%.c=$(GUEST_BUILD)/$(1)/%.o) $$(GUEST_OBJ_$(1)) \
	$(GUEST_BUILD)/$(1)/wake_entry.o $(GUEST_BUILD)/$(1)/wake_regs_entry.o
BENCH_OBJ_$(1) := $$(BENCH_C:tests/guest/%.c=$(GUEST_BUILD)/$(1)/%.o) $$(GUEST_OBJ_$(1)) \
	$(GUEST_BUILD)/$(1)/bench_entry.o

# The compiler's own headers: asked once, and only when something is compiled.
GUEST_CC_INC_$(1) = $$(eval GUEST_CC_INC_$(1) := $$$$(shell $(2)gcc \
	-print-file-name=include))$$(GUEST_CC_INC_$(1))
GUEST_INC_$(1) = -nostdinc -isystem $(3)/include -isystem $$(GUEST_CC_INC_$(1)) \
	-isystem $(B)/libfdt-src/libfdt -I.

$(GUEST_BUILD)/$(1)/%.o: tests/guest/%.c tests/guest/build.mk | $(B)/stamp/run
	$$(brief) CC '$$< (guest, $(1))'
	@mkdir -p $$(@D)
	$$(Q)$(2)gcc $$(GUEST_FLAGS) -mstrict-align $$(GUEST_WARN) $$(GUEST_INC_$(1)) -MMD -MP \
		-c $$< -o $$@

$(GUEST_BUILD)/$(1)/%.o: tests/guest/%.S tests/guest/build.mk | $(B)/stamp/run
	$$(brief) AS '$$< (guest, $(1))'
	@mkdir -p $$(@D)
	$$(Q)$(2)gcc $$(GUEST_FLAGS) -I. -MMD -MP -c $$< -o $$@

$(GUEST_BUILD)/$(1)/libfdt/%.o: $(B)/libfdt-src/libfdt/%.c tests/guest/build.mk | $(B)/stamp/run
	$$(brief) CC '$$(<F) (guest, $(1), libfdt)'
	@mkdir -p $$(@D)
	$$(Q)$(2)gcc $$(GUEST_FLAGS) -mstrict-align $$(GUEST_INC_$(1)) -w -c $$< -o $$@

$(GUEST_BUILD)/papr-dma-$(1).elf: $$(DMA_OBJ_$(1))
$(GUEST_BUILD)/wake-$(1).elf: $$(WAKE_OBJ_$(1))
$(GUEST_BUILD)/bench-$(1).elf: $$(BENCH_OBJ_$(1))
$$(GUEST_ELFS:%=$(GUEST_BUILD)/%-$(1).elf): tests/guest/guest.ld
	$$(brief) LD '$$@'
	$$(Q)$(2)gcc $$(GUEST_LINK) -T $$< $$(filter %.o,$$^) $(3)/lib/libc.a -o $$@

guests: $$(GUEST_ELFS:%=$(GUEST_BUILD)/%-$(1).elf)

.PHONY: guest-pseries-$(1)
guest-pseries-$(1): $(GUEST_BUILD)/$(GUEST_ELF)-$(1).elf $(GUEST_BUILD)/stub.bin
	@tools/qemu qemu-pseries -kernel $$< -append '$(GUEST_APPEND)'

-include $$(patsubst %.o,%.d,$$(DMA_OBJ_$(1)) $$(WAKE_OBJ_$(1)) $$(BENCH_OBJ_$(1)))
endef

$(eval $(call guest_rules,be,$(CROSS_BE),$(NEWLIB_BE)))
$(eval $(call guest_rules,le,$(CROSS_LE),$(NEWLIB_LE)))

guests: $(GUEST_BUILD)/stub.bin $(GUEST_BUILD)/bench-opal.elf

$(GUEST_BUILD)/bench-opal.elf: tests/guest/bench_opal.ld $(GUEST_BUILD)/be/bench_opal_entry.o \
		$(GUEST_BUILD)/be/bench_opal.o
	$(brief) LD '$@'
	$(Q)$(CROSS_BE)gcc $(GUEST_LINK) -T $< $(filter %.o,$^) -o $@

$(GUEST_BUILD)/stub.bin: tests/guest/pseries-stub.S tests/guest/build.mk | $(B)/stamp/run
	$(brief) AS '$@'
	@mkdir -p $(@D)
	$(Q)$(CROSS_BE)gcc -c $< -o $(GUEST_BUILD)/stub.o
	$(Q)$(CROSS_BE)objcopy -O binary $(GUEST_BUILD)/stub.o $@
