# SPDX-License-Identifier: Apache-2.0
#
# tcelot: builds, runs and tests everything. `make help` lists the targets.
#
# Everything made or fetched is under build/. Objects exist in variants, one directory each:
# image (big-endian PowerPC, bare metal), native (with sanitizers) and be (big-endian PowerPC under
# user-mode emulation) for the unit tests, and clang-image and clang-native, which only have to
# compile and pass.

B     := build
BOARD ?= qemu-powernv9
GUEST ?= linux
MACHINE = $(BOARD)$(if $(wildcard boards/$(BOARD)/$(GUEST).mk),/$(GUEST))
PLAN  ?= boards/$(BOARD)/$(GUEST).dts
JOBS  ?= $(shell nproc)

.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

ifeq ($(V),1)
Q     :=
brief  = @:
else ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
Q     := @
brief  = @:
else
Q     := @
brief  = @printf '  %-7s %s\n'
endif

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

.PHONY: all help image guests run check check-unit check-be check-lockstep check-mutants \
	check-boot lint coverage soak size bench clean distclean force

all: image

## help         this text
help:
	@echo 'usage: make [TARGET] [BOARD=$(BOARD)] [GUEST=$(GUEST)] [PLAN=file.dts] [V=1]'
	@sed -n 's/^## /  /p' Makefile
	@echo 'boards and their guests: $(patsubst boards/%.dts,%,$(wildcard boards/*/*.dts))'

# --- sources -------------------------------------------------------------------------------------

CORE_SRC  := $(wildcard core/*.c)
DT_SRC    := $(wildcard dt/*.c)
ARCH_SRC  := $(wildcard arch/ppc64/*.c arch/ppc64/*.S)
# Parts of it that touch no register, so that unit tests can link them.
ARCH_PURE := arch/ppc64/emulate.c arch/ppc64/radix_walk.c
FAKE_SRC  := $(wildcard tests/fake/*.c)
UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT      := $(UNIT_SRC:%.c=%)
SPEC_SRC  := $(wildcard tests/spec/*.c)
LIBFDT    := fdt fdt_addresses fdt_check fdt_empty_tree fdt_overlay fdt_ro fdt_rw fdt_strerror \
	     fdt_sw fdt_wip

# --- compilers and flags -------------------------------------------------------------------------

CROSS    := powerpc64-linux-gnu-
NEWLIB   := $(B)/newlib/be/powerpc64-unknown-none
WARNINGS := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wmissing-prototypes \
	    -Wstrict-prototypes -Wvla -Wdate-time
COMMON   := -std=c11 -I. -isystem $(B)/libfdt-src/libfdt
TEST_INC := -isystem $(B)/cmocka-src/include
THEIRS   := -std=gnu11 -w -fno-lto -Os

# Asked once, and only after tools/setup has had its turn.
GCC_INC   = $(eval GCC_INC := $$(shell $(CROSS)gcc -print-file-name=include))$(GCC_INC)
CLANG_INC = $(eval CLANG_INC := $$(shell clang -print-resource-dir)/include)$(CLANG_INC)

# The hypervisor neither uses nor saves FP and vector registers, so the compiler must not either.
IMAGE_MACHINE := -mabi=elfv2 -mcpu=power8 -mno-altivec -mno-vsx -msoft-float -mlong-double-64 \
		 -mcmodel=medium
IMAGE_FLAGS   := -O2 -g -ffreestanding $(IMAGE_MACHINE) -fno-pic -fno-pie -fno-stack-protector \
		 -ffunction-sections -fdata-sections -fno-common -ffile-prefix-map=$(CURDIR)=. \
		 -nostdinc -isystem $(NEWLIB)/include
SANITIZE      := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TEST_FLAGS    := -O1 -g $(TEST_INC)

image_CC            := $(CROSS)gcc
# Linked as one piece: a hypercall goes through a dozen short functions of as many files. Each file
# is compiled for itself as well, for the warnings.
image_CFLAGS         = $(IMAGE_FLAGS) -mbig-endian -mstrict-align -isystem $(GCC_INC) \
		       -flto -ffat-lto-objects
image_SETUP         := run
clang-image_CC      := clang --target=powerpc64-linux-gnu
clang-image_CFLAGS   = $(IMAGE_FLAGS) -fno-integrated-as -isystem $(CLANG_INC)
clang-image_SETUP   := check
native_CC           := gcc
native_CFLAGS       := $(TEST_FLAGS) $(SANITIZE)
native_LDFLAGS      := $(SANITIZE)
native_SETUP        := check
clang-native_CC     := clang
clang-native_CFLAGS := $(TEST_FLAGS) $(SANITIZE)
clang-native_LDFLAGS := $(SANITIZE)
clang-native_SETUP  := check
be_CC               := $(CROSS)gcc
be_CFLAGS           := $(TEST_FLAGS)
be_LDFLAGS          := -static
be_SETUP            := check
# Counts what runs of core/ and dt/, as written: without optimization and without sanitizers, which add
# branches of their own.
coverage_CC         := gcc
coverage_CFLAGS     := -O0 -g $(TEST_INC)
coverage_LDFLAGS    := --coverage
coverage_SETUP      := check

# Per directory. A frame of core/ or dt/ must leave room on a thread's stack: that is for the compiler
# whose code runs there, and without sanitizers. Test programs are POSIX programs.
FRAME     := -Wframe-larger-than=1024
POSIX     := -D_POSIX_C_SOURCE=200809L
# Where one piece is made of all, the largest frame is that of a report's text, 2 KiB. What the
# compiler itself may call, memcpy and the like, stays out of it.
FRAME_ALL := -Wframe-larger-than=2304
NOT_LTO   := arch/ppc64/libc.c
# Code that runs when a partition starts or ends, or somebody types, is to be small; what a guest waits
# for is to be fast.
COLD      := dt/% core/plan% core/monitor% core/audit% core/init% core/dt_fill% core/host_pci% \
	     core/partition% core/elf% core/text% core/log% core/mem.% core/ddw% core/vfio.c \
	     core/vfio_co% core/vfio_p% core/vfio_r% core/vfio_irqs% core/vfio_match% core/pci_% core/rtas_% \
	     core/xics_% arch/ppc64/report% arch/ppc64/main% arch/ppc64/mmu%
dir_flags  = $(if $(filter image,$(1)),$(if $(filter core/% dt/%,$(2)),$(FRAME)) \
	     $(if $(filter $(COLD),$(2)),-Os)) \
	     $(if $(filter coverage,$(1)),$(if $(filter core/% dt/%,$(2)),--coverage -fprofile-update=atomic)) \
	     $(if $(filter $(NOT_LTO),$(2)),-fno-lto) $(if $(filter tests/%,$(2)),$(POSIX))

# --- getting what is needed ----------------------------------------------------------------------

$(B)/stamp/run $(B)/stamp/check: $(B)/stamp/%: tools/setup tools/versions
	@tools/setup $*

# tools/setup unpacks these.
$(B)/libfdt-src/%.c: | $(B)/stamp/run ;
$(B)/cmocka-src/%.c: | $(B)/stamp/check ;

# --- objects -------------------------------------------------------------------------------------

define variant_rules
$(B)/$(1)/%.o: %.c Makefile | $(B)/stamp/$($(1)_SETUP)
	$$(brief) CC '$$< ($(1))'
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(COMMON) $$($(1)_CFLAGS) $$(WARNINGS) $$(call dir_flags,$(1),$$<) \
		-MMD -MP -c -o $$@ $$<

$(B)/$(1)/%.o: %.S Makefile | $(B)/stamp/$($(1)_SETUP)
	$$(brief) AS '$$< ($(1))'
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(COMMON) $$($(1)_CFLAGS) -MMD -MP -c -o $$@ $$<

$(B)/$(1)/libfdt/%.o: $(B)/libfdt-src/libfdt/%.c Makefile | $(B)/stamp/$($(1)_SETUP)
	$$(brief) CC '$$(<F) ($(1), libfdt)'
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(COMMON) $$($(1)_CFLAGS) $$(THEIRS) -c -o $$@ $$<
endef

# A variant that runs unit tests: one library of all that is under test, one program a test file.
define test_rules
$(B)/$(1)/cmocka.o: $(B)/cmocka-src/src/cmocka.c Makefile | $(B)/stamp/check
	$$(brief) CC 'cmocka.c ($(1))'
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$($(1)_CFLAGS) $$(THEIRS) -DHAVE_SIGNAL_H -DHAVE_STRSIGNAL -DHAVE_CLOCK_GETTIME \
		-DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_REALTIME -c -o $$@ $$<

$(B)/$(1)/libtest.a: $$(patsubst %.c,$(B)/$(1)/%.o,$(CORE_SRC) $(DT_SRC) $(ARCH_PURE) $(FAKE_SRC)) \
		$(LIBFDT:%=$(B)/$(1)/libfdt/%.o) $(B)/$(1)/cmocka.o
	$$(brief) AR '$$@'
	@rm -f $$@
	$$(Q)ar qcs $$@ $$^

$(UNIT:%=$(B)/$(1)/%): %: %.o $(B)/$(1)/libtest.a
	$$(brief) LD '$$@'
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) -o $$@ $$^

$(B)/$(1)/tests/spec/lockstep: $(SPEC_SRC:%.c=$(B)/$(1)/%.o) $(B)/$(1)/libtest.a
	$$(brief) LD '$$@'
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) -o $$@ $$^

$(1)_UNIT := $(UNIT:%=$(B)/$(1)/%)
$(1)_TESTS := $(patsubst tests/unit/%,unit/$(1)/%,$(UNIT))
endef

TEST_VARIANTS := native be clang-native
$(foreach v,image clang-image $(TEST_VARIANTS) coverage,$(eval $(call variant_rules,$(v))))
$(foreach v,$(TEST_VARIANTS) coverage,$(eval $(call test_rules,$(v))))

# --- image and guests ----------------------------------------------------------------------------

IMAGE_OBJ := $(patsubst %,$(B)/image/%.o,$(basename $(CORE_SRC) $(DT_SRC) $(ARCH_SRC)))
CLANG_OBJ := $(IMAGE_OBJ:$(B)/image/%=$(B)/clang-image/%)

## image        build/tcelot.elf, the OPAL payload (default)
image: $(B)/tcelot.elf

$(B)/libfdt/be/libfdt.a: $(LIBFDT:%=$(B)/image/libfdt/%.o)
	$(brief) AR '$@'
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(CROSS)gcc-ar qcs $@ $^

$(B)/tcelot.elf: arch/ppc64/tcelot.lds $(IMAGE_OBJ) $(B)/libfdt/be/libfdt.a tools/check-image
	$(brief) LD '$@'
	$(Q)$(image_CC) $(image_CFLAGS) -flto=$(JOBS) -Werror $(FRAME_ALL) -nostdlib -no-pie -static -Wl,-T,$< \
		-Wl,--gc-sections,-z,max-page-size=0x10000,--build-id=none \
		-Wl,--no-warn-rwx-segments,-Map=$(B)/tcelot.map -o $@ $(IMAGE_OBJ) \
		$(B)/libfdt/be/libfdt.a $(NEWLIB)/lib/libc.a
	$(Q)CROSS=$(CROSS) tools/check-image $@

## guests       the in-tree guests, build/guest/*.elf
guests:
-include tests/guest/build.mk

# --- running -------------------------------------------------------------------------------------

$(B)/$(BOARD)/$(basename $(notdir $(PLAN))).dtb: $(PLAN) $(if $(filter linux,$(GUEST)),linux,guests) force
	$(brief) DTC '$@'
	$(Q)tools/bundle $(BOARD) $(PLAN) $@

## run          boot the image on BOARD (under QEMU) with the partitions of PLAN
run: image $(B)/$(BOARD)/$(basename $(notdir $(PLAN))).dtb
	@tools/run $(MACHINE) $(lastword $^)

# --- tests ---------------------------------------------------------------------------------------

# Seed and steps of each run, a million of them native; those with "faults" have hardware that fails.
LOCKSTEP_TESTS := $(addprefix lockstep/,native/1-250000 native/2-250000 native/3-250000 \
	native/4-250000-faults clang-native/5-50000 be/6-20000 be/7-20000-faults)
LOCKSTEP := $(foreach v,native clang-native be,$(B)/$(v)/tests/spec/lockstep)
LINT_TESTS := $(addprefix lint/,layers headers format spdx words conformance config-space mutants \
	clang-image)
BOOT_TESTS := $(addprefix boot/,$(shell tools/boot-test --list))
-include tests/guest-linux/build.mk
run_tests   = @GCC_IMAGE='$(image_CC) $(COMMON) $(image_CFLAGS) $(WARNINGS)' \
	CLANG_IMAGE='$(clang-image_CC) $(COMMON) $(clang-image_CFLAGS) $(WARNINGS)' \
	GCC_NATIVE='gcc $(COMMON) $(TEST_INC) $(POSIX) $(WARNINGS)' \
	CLANG_NATIVE='clang $(COMMON) $(TEST_INC) $(POSIX) $(WARNINGS)' \
	tools/run-tests -j $(JOBS)

# What does not build is a failed test, so that the count is always the last line: make goes on as
# far as it can, and the test build/... asks it once more whether all is there.
.PHONY: build-unit build-all build-clang-image
build-unit: $(native_UNIT) $(be_UNIT) $(LOCKSTEP)
build-all: image guests build-unit $(clang-native_UNIT)
build-clang-image: $(CLANG_OBJ)

## check        every test; the last line is "N passed, N failed"
check: | $(B)/stamp/check
	@$(MAKE) -k build-all || true
	$(run_tests) build/all $(LINT_TESTS) $(foreach v,$(TEST_VARIANTS),$($(v)_TESTS)) \
		$(LOCKSTEP_TESTS) $(BOOT_TESTS)

## check-unit   unit tests only, native with sanitizers
check-unit: | $(B)/stamp/check
	@$(MAKE) -k $(native_UNIT) || true
	$(run_tests) $(native_TESTS)

## check-be     the same, big-endian under emulation
check-be: | $(B)/stamp/check
	@$(MAKE) -k $(be_UNIT) || true
	$(run_tests) $(be_TESTS)

## check-lockstep  a million random steps beside the specification in tests/spec
check-lockstep: $(LOCKSTEP)
	$(run_tests) $(LOCKSTEP_TESTS)

## check-mutants  one fault at a time in the TCE path, to be found; minutes (NAME='ddw-* pool-*')
check-mutants: $(native_UNIT)
	@TEST_CC='$(native_CC) $(filter-out -I.,$(COMMON)) $(native_CFLAGS) $(POSIX)' \
		TEST_LD='$(native_CC) $(native_LDFLAGS)' \
		tools/check-mutants --run -j $(JOBS) $(NAME)

## check-boot   boot tests only
check-boot: image guests
	$(run_tests) $(BOOT_TESTS)

## lint         layering, headers, style, licence lines, and clang without a warning
lint: | $(B)/stamp/check
	$(run_tests) $(LINT_TESTS)

## coverage     lines and branches of core/ that tests reach, and why not the others
coverage: $(coverage_UNIT) $(B)/coverage/tests/spec/lockstep
	@tools/coverage $^

$(B)/native/tools/config-space: $(B)/native/tools/config-space.o $(B)/native/libtest.a
	$(brief) LD '$@'
	$(Q)$(native_CC) $(native_LDFLAGS) -o $@ $^

## docs         docs/CONFIG-SPACE.md, from the tables that it describes
.PHONY: docs
docs: $(B)/native/tools/config-space
	$(Q)$< >docs/CONFIG-SPACE.md

## soak         a million wake-ups of each kind; half an hour
soak: image guests
	$(run_tests) boot/wake-soak

## size         what the image costs in bytes, memory and virtual time, against its limits
size: image guests linux-all
	@CROSS=$(CROSS) tools/size $(B)/tcelot.elf

## bench        what hypercalls cost in instructions, against limits and a peer (docs/BENCH.md)
bench: image guests
	@tools/bench $(B)/tcelot.elf

# --- cleaning ------------------------------------------------------------------------------------

## clean        remove what was compiled, keep what was fetched
KEEP := $(addprefix $(B)/,newlib qemu linux libfdt-src cmocka-src fetch stamp)
clean:
	rm -rf $(filter-out $(KEEP),$(wildcard $(B)/*))

## distclean    remove build/
distclean:
	rm -rf $(B)

-include $(patsubst %.o,%.d,$(IMAGE_OBJ) $(CLANG_OBJ))
-include $(foreach v,$(TEST_VARIANTS) coverage,$(patsubst %.c,$(B)/$(v)/%.d,$(CORE_SRC) $(DT_SRC) $(ARCH_PURE) \
	$(FAKE_SRC) $(UNIT_SRC) $(SPEC_SRC) tools/config-space.c))
