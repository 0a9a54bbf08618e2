# rove - GNU make, out of tree: everything that is built lands in build/
#
#   make          build/rove, build/librove.so, build/librove.a
#   make help     every target
#   make V=1      show the commands
#
# SAN=address or SAN=thread builds a second tree with that sanitizer in build/$(SAN)/;
# SAN=fuzzer builds the fuzz targets with clang's libFuzzer in build/fuzzer/.

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

VERSION  := $(shell cat VERSION)
SOVERSION := 0

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
BINDIR     ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DESTDIR    ?=

V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$@')

SAN ?=
ifeq ($(SAN),)
B := build
else
B := build/$(SAN)
endif

CC      := gcc
CLANG   := clang
AR      := ar
PAHOLE  := pahole
PKGCONF := pkg-config
ARCH    := $(shell uname -m)

OPT ?= -O2
WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter \
	-Wno-missing-field-initializers -Wno-sign-compare $(if $(filter fuzzer,$(SAN)),-Wno-initializer-overrides \
	-Wno-gnu-variable-sized-type-not-at-end -Wno-unused-function,-Wno-override-init)
CPPFLAGS_ALL := -D_GNU_SOURCE -DROVE_VERSION='"$(VERSION)"' -Iinclude -Isrc $(CPPFLAGS)
CFLAGS_ALL := -std=gnu11 -g $(OPT) $(WARN) -fPIC -fvisibility=hidden -fno-strict-aliasing -pthread \
	$(CFLAGS)
# Timers change two words at once (src/base/atomic_pair.h).
ifeq ($(ARCH),x86_64)
CFLAGS_ALL += -mcx16
endif
LDFLAGS_ALL := -pthread $(LDFLAGS)
LIB_LIBS := $(shell $(PKGCONF) --libs liburcu-bp hwloc 2>/dev/null || echo -lurcu-bp -lurcu-common -lhwloc)
CLI_LIBS := build/libbpf-seam.a -lelf -lz -lsmartcols -ljson-c

ifeq ($(SAN),address)
CFLAGS_ALL  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DROVE_DEBUG
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(SAN),thread)
CFLAGS_ALL  += -fsanitize=thread -fno-omit-frame-pointer -DROVE_DEBUG
LDFLAGS_ALL += -fsanitize=thread
else ifeq ($(SAN),fuzzer)
CC := $(CLANG)
CFLAGS_ALL  += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DROVE_DEBUG -DROVE_LIBFUZZER
LDFLAGS_ALL += -fsanitize=fuzzer,address,undefined
endif

# --- what there is ----------------------------------------------------------------------------

find = $(sort $(shell find $(1) -name '$(2)' 2>/dev/null))

# src/target and cli are the command's; everything else in src is librove's.
LIB_SRCS    := $(filter-out src/target/%,$(call find,src,*.c))
TARGET_SRCS := $(call find,src/target,*.c)
CLI_SRCS    := $(call find,cli,*.c)
PROG_SRCS   := $(call find,progs,*.bpf.c)
UNIT_SRCS   := $(call find,tests/unit,*.c)
TORTURE_SRCS := $(call find,tests/torture,*.c)
FUZZ_SRCS   := $(call find,tests/fuzz,*.c)
# A benchmark is bench/NAME.c; what is in bench/NAME/ belongs to it.
BENCH_SRCS  := $(sort $(wildcard bench/*.c))
BENCH_PROG_SRCS := $(call find,bench/progs,*.bpf.c)
TOOL_SRCS   := $(call find,tests/tool,*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJS    := $(call obj,$(LIB_SRCS)) $(B)/gen/self_btf.o
TARGET_OBJS := $(call obj,$(TARGET_SRCS))
CLI_OBJS    := $(call obj,$(CLI_SRCS)) $(B)/gen/progs.o
PROG_OBJS   := $(patsubst progs/%.bpf.c,build/progs/%.bpf.o,$(PROG_SRCS))
BENCH_PROG_OBJS := $(patsubst %.bpf.c,build/%.bpf.o,$(BENCH_PROG_SRCS))
UNIT_BINS   := $(patsubst %.c,$(B)/%,$(UNIT_SRCS))
TORTURE_BINS := $(patsubst %.c,$(B)/%,$(TORTURE_SRCS))
BENCH_BINS  := $(patsubst %.c,$(B)/%,$(BENCH_SRCS))
TOOL_BINS   := $(patsubst %.c,$(B)/%,$(TOOL_SRCS))
FUZZ_BINS   := $(patsubst %.c,$(B)/%,$(FUZZ_SRCS))

# --- the seam ---------------------------------------------------------------------------------

# The distribution's libbpf.a, whose own references to these functions, and no others, are
# renamed: they arrive in src/target/seam.c.
SEAM_SYMBOLS := syscall faccessat fopen64 open64 mmap64 close epoll_ctl ioctl

build/libbpf-seam.a: $(shell $(CC) -print-file-name=libbpf.a 2>/dev/null) Makefile
	@mkdir -p $(@D)
	$(call say,SEAM)
	$(Q)objcopy $(foreach s,$(SEAM_SYMBOLS),--redefine-sym $(s)=rove_seam_$(s)) $< $@

# --- the product ------------------------------------------------------------------------------

.PHONY: all
all: $(B)/rove $(B)/librove.so $(B)/librove.a $(B)/librove-libbpf.a $(B)/examples/profiler/profiler

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# Its threads never end: dlclose(3) must not take the code away from under them.
$(B)/librove.so: $(LIB_OBJS) src/librove.map
	$(call say,LD)
	$(Q)$(CC) -shared -Wl,-soname,librove.so.$(SOVERSION) -Wl,--version-script=src/librove.map \
		-Wl,-z,nodelete \
		$(LDFLAGS_ALL) -o $@ $(LIB_OBJS) $(LIB_LIBS)

# One object whose hidden symbols are local: no internal name can meet an application's.
$(B)/librove.a: $(LIB_OBJS)
	$(call say,AR)
	$(Q)ld -r -o $(B)/librove.o $(LIB_OBJS)
	$(Q)objcopy --localize-hidden $(B)/librove.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(B)/librove.o

$(B)/rove: $(LIB_OBJS) $(TARGET_OBJS) $(CLI_OBJS) build/libbpf-seam.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(CLI_LIBS) $(LIB_LIBS)

# libbpf for applications (rove/libbpf.h): the renamed one and where its calls go, as one object.
$(B)/librove-libbpf.a: build/libbpf-seam.a $(patsubst %,$(B)/obj/src/target/%.o,seam self kernel libbpf)
	$(call say,AR)
	$(Q)ld -r -o $(B)/librove-libbpf.o $(filter %.o,$^) --whole-archive build/libbpf-seam.a
	$(Q)objcopy --localize-hidden $(B)/librove-libbpf.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(B)/librove-libbpf.o

# --- BPF programs and BTF ---------------------------------------------------------------------

BPF_CFLAGS := -target bpf -mcpu=v3 -g -O2 -Wall -Iinclude -Iprogs -idirafter /usr/include/$(ARCH)-linux-gnu

build/progs/%.bpf.o: progs/%.bpf.c $(wildcard progs/*.h)
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

# Programs that only the verifier's benchmark loads.
build/bench/progs/%.bpf.o: bench/progs/%.bpf.c $(wildcard progs/*.h)
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I. -c $< -o $@

# Programs of tests, for the kernel and for this process.
TEST_PROG_SRCS := $(call find,tests/progs,*.bpf.c)
TEST_PROG_OBJS := $(patsubst %.bpf.c,build/%.bpf.o,$(TEST_PROG_SRCS))

build/tests/progs/%.bpf.o: tests/progs/%.bpf.c $(wildcard progs/*.h tests/progs/*.h)
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I. -c $< -o $@

$(B)/bench/verifier: | $(PROG_OBJS) $(BENCH_PROG_OBJS)
$(B)/bench/iter: | $(BENCH_PROG_OBJS)
$(B)/bench/async: | $(BENCH_PROG_OBJS)

# The object files inside the command: for each, where it begins and where it ends.
$(B)/gen/progs.o: $(PROG_OBJS) tools/embed.sh
	@mkdir -p $(@D)
	$(Q)tools/embed.sh $(PROG_OBJS) > $(B)/gen/progs.S
	$(Q)$(CC) -c $(B)/gen/progs.S -o $@

# The BTF of librove's own objects, kfuncs and iterators: what "vmlinux" is inside a process.  Compiled
# apart, without sanitizers and optimisation, so that every build describes the same layout.
BTF_SRCS := $(call find,src/objects,*.c) $(call find,src/bpf/kfunc,*.c) src/bpf/iter/declare.c
BTF_OBJS := $(patsubst %.c,build/btf/%.o,$(BTF_SRCS))

build/btf/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu11 -g -O1 -fvisibility=hidden -fno-strict-aliasing -MMD -MP -c $< -o $@

build/btf/self.btf: $(BTF_OBJS)
	$(call say,BTF)
	$(Q)ld -r -o build/btf/self.o $(BTF_OBJS)
	$(Q)rm -f $@	# pahole writes over what is there, and leaves the rest
	$(Q)$(PAHOLE) --btf_encode_detached=$@ build/btf/self.o

$(B)/gen/self_btf.o: build/btf/self.btf tools/embed.sh
	@mkdir -p $(@D)
	$(Q)tools/embed.sh $< > $(B)/gen/self_btf.S
	$(Q)$(CC) -c $(B)/gen/self_btf.S -o $@

# --- examples ---------------------------------------------------------------------------------

# As an application is built: with the installed headers and the libraries, and nothing else.
# examples/NAME.c stands alone: tools/check-install.sh builds and runs it.
EXAMPLE_OBJS := $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(call find,examples/profiler,*.c)))

build/examples/%.bpf.o: examples/%.bpf.c $(wildcard examples/*/*.h)
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/examples/%.o: examples/%.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -D_GNU_SOURCE -Iinclude $(CPPFLAGS) $(filter-out -fvisibility=hidden,$(CFLAGS_ALL)) \
		-fno-omit-frame-pointer -fno-optimize-sibling-calls -MMD -MP -c $< -o $@

$(B)/examples/profiler/program.o: build/examples/profiler/profiler.bpf.o tools/embed.sh
	@mkdir -p $(@D)
	$(Q)tools/embed.sh $< > $(@:.o=.S)
	$(Q)$(CC) -c $(@:.o=.S) -o $@

$(B)/examples/profiler/profiler: $(EXAMPLE_OBJS) $(B)/examples/profiler/program.o $(B)/librove-libbpf.a $(B)/librove.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS) -lelf -lz

# --- tests ------------------------------------------------------------------------------------

BENCH_LIBS := $(CLI_LIBS) $(LIB_LIBS) -lurcu-memb
TEST_LIBS := -lcmocka $(BENCH_LIBS)

# A unit test, torture test, benchmark, fuzz target or tool is one file; it sees the library's
# internals.
ONE_FILE_BINS := $(UNIT_BINS) $(TORTURE_BINS) $(TOOL_BINS) $(FUZZ_BINS) $(BENCH_BINS)

$(ONE_FILE_BINS): $(B)/%: $(B)/obj/%.o $(LIB_OBJS) $(TARGET_OBJS) $(B)/gen/progs.o build/libbpf-seam.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) \
		$(if $(filter $(BENCH_BINS),$@),$(BENCH_LIBS),$(TEST_LIBS))

define bench_parts
$(B)/bench/$(1): $(patsubst %.c,$(B)/obj/%.o,$(call find,bench/$(1),*.c))
endef
$(foreach name,$(basename $(notdir $(BENCH_SRCS))),$(eval $(call bench_parts,$(name))))
include tools/bench-peers.mk

# Unit tests of the command, and what reads recordings, see the command's internals too.
$(filter $(B)/tests/unit/cli/% $(B)/tests/fuzz/recording_fuzz,$(UNIT_BINS) $(FUZZ_BINS)): $(filter $(B)/obj/cli/%,$(filter-out %/main.o,$(CLI_OBJS)))

$(B)/obj/tests/%.o $(B)/obj/bench/%.o $(B)/obj/cli/%.o: CPPFLAGS_ALL += -I.

.PHONY: tests
tests: $(UNIT_BINS) $(TOOL_BINS) $(TEST_PROG_OBJS)

include tools/tests.mk

-include $(shell find $(B)/obj $(B)/examples build/btf -name '*.d' 2>/dev/null)
