# The peers of the benchmarks: other people's libraries that do the same job.
#
# One shared object each, opened by the benchmark at run time: a benchmark builds and runs without
# any of them, and says by name which are not here.
#
#	bench/peers/NAME.c, NAME.cc    becomes $(B)/bench/peers/NAME.so, with
#	PEER_PKG_NAME     the pkg-config module it needs; it is built only where that is found
#	PEER_IF_NAME      or: anything but empty if it can be built here
#	PEER_CFLAGS_NAME, PEER_LIBS_NAME, PEER_CC_NAME    more, if it needs more
#
# A benchmark NAME depends on its peers by PEERS_OF_NAME, a prefix: "wq_" for bench/workqueue.

CXX := g++

PEER_PKG_timer_uv  := libuv
PEER_PKG_timer_event := libevent
PEER_IF_timer_ev    = $(wildcard /usr/include/ev.h)
PEER_LIBS_timer_ev := -lev
PEER_PKG_wq_tbb    := tbb
PEER_PKG_wq_glib   := glib-2.0
PEER_PKG_wq_uv     := libuv
PEER_PKG_wq_ck     := ck
PEER_PKG_wq_urcu   := liburcu-cds
# Where the header lies changed between Debian 12 and 13.
MOODY_H := blockingconcurrentqueue.h
PEER_IF_wq_moody   = $(firstword $(wildcard $(addsuffix /$(MOODY_H),/usr/include/concurrentqueue \
	/usr/include/concurrentqueue/moodycamel)))
PEER_CFLAGS_wq_moody = -I$(dir $(PEER_IF_wq_moody))
PEER_IF_wq_gomp    = $(wildcard $(shell $(CC) -print-file-name=libgomp.so))
PEER_IF_wq_libomp  = $(wildcard /usr/lib/llvm-*/lib/libomp.so /usr/lib/*/libomp.so)
PEER_CFLAGS_wq_gomp   := -fopenmp
PEER_LIBS_wq_gomp     := -fopenmp
PEER_CFLAGS_wq_libomp := -fopenmp=libomp
PEER_LIBS_wq_libomp   := -fopenmp=libomp
PEER_CC_wq_libomp     := $(CLANG)

PEERS_OF_workqueue := wq_
PEERS_OF_timer     := timer_

PEER_SRCS := $(call find,bench/peers,*.c) $(if $(shell command -v $(CXX)),$(call find,bench/peers,*.cc))

# $(1): a peer's name.
peer_has_pkg = $(shell $(PKGCONF) --exists '$(PEER_PKG_$(1))' 2>/dev/null && echo yes)
peer_is_here = $(if $(PEER_PKG_$(1)),$(peer_has_pkg),$(if $(filter undefined,$(origin PEER_IF_$(1))),yes,$(PEER_IF_$(1))))
peer_cflags = $(PEER_CFLAGS_$(1)) $(if $(PEER_PKG_$(1)),$(shell $(PKGCONF) --cflags $(PEER_PKG_$(1))))
peer_libs = $(PEER_LIBS_$(1)) $(if $(PEER_PKG_$(1)),$(shell $(PKGCONF) --libs $(PEER_PKG_$(1))))

PEERS := $(foreach name,$(basename $(notdir $(PEER_SRCS))),$(if $(call peer_is_here,$(name)),$(B)/bench/peers/$(name).so))

peer_build = @mkdir -p $(@D) $(B)/obj/bench/peers; $(if $(V),,printf '  %-8s%s\n' PEER '$@';) \
	$(1) -I. -MMD -MP -MF $(B)/obj/bench/peers/$(*F).d -MT $@ -shared $(LDFLAGS_ALL) \
	$(call peer_cflags,$(*F)) -o $@ $< $(call peer_libs,$(*F))

$(B)/bench/peers/%.so: bench/peers/%.c
	$(call peer_build,$(or $(PEER_CC_$(*F)),$(CC)) $(CPPFLAGS_ALL) $(CFLAGS_ALL))

# The only C++ here: two of the peers have no other interface.
$(B)/bench/peers/%.so: bench/peers/%.cc
	$(call peer_build,$(CXX) -D_GNU_SOURCE -Isrc -std=gnu++17 -g $(OPT) -Wall -fPIC -fvisibility=hidden -pthread)

define peers_of
$(B)/bench/$(1): | $(filter $(B)/bench/peers/$(PEERS_OF_$(1))%,$(PEERS))
endef
$(foreach name,$(basename $(notdir $(BENCH_SRCS))),$(if $(PEERS_OF_$(name)),$(eval $(call peers_of,$(name)))))
