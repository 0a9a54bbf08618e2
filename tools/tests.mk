# Targets that test, measure, show and install; the product itself is in Makefile.
#
# SECONDS_EACH: how long each torture test and fuzz target runs in check-full.
# VALGRIND_SECONDS: how long each torture test runs in check-valgrind.
# LONG_SECONDS: how long those of LONG_TORTURES run in check; a minute before each merge.

SECONDS_EACH ?= 60
VALGRIND_SECONDS ?= 3
LONG_SECONDS ?= 2
RUN_TESTS := tools/run-tests.py

E2E_TESTS := $(sort $(wildcard tests/e2e/*_test.sh tests/e2e/*_test.py))
# On real kernels in QEMU: rove against the kernel's own files; both verifiers; equal records.
KERNEL_TESTS := tests/kernel/run.sh
# The kernel's own tests, on this process.
SELFTESTS := tests/selftest/run.sh tests/selftest/run-async.sh tests/selftest/run-iter.sh
STATIC_TESTS := tools/check-layers.py tools/check-order.py tools/check-docs.py tools/check-symbols.sh \
	tools/check-install.sh

# Under memcheck: what has threads, lists without locks, or memory that is given back late.  Models
# visit states and use nothing of the library's; what checked reads do on purpose is what memcheck
# is there to report.  A few of them are in check.
under_valgrind = $(foreach t,$(1),"tools/valgrind.sh $(t)")
VALGRIND_BINS := $(filter-out %_model_test %/checked_copy_test %/checked_copy_chain_test,$(filter \
	$(addprefix $(B)/tests/unit/,base/% srcu/% softirq/% wq/% objects/% map/% async/%),$(UNIT_BINS))) \
	$(TORTURE_BINS)
VALGRIND_SOME := $(addprefix $(B)/tests/torture/,srcu_torture irq_work_torture hrtimer_torture \
	workqueue_torture dma_buf_torture async_torture)

LONG_TORTURES := $(addprefix $(B)/tests/torture/,async_torture dma_buf_torture rhash_torture)
for_long = $(foreach t,$(LONG_TORTURES),"env ROVE_TORTURE_SECONDS=$(LONG_SECONDS) $(t)")

.PHONY: deps-build deps-check deps-full
deps-build:
	@tools/install-deps.sh build
deps-check:
	@tools/install-deps.sh build check kernel valgrind
deps-full:
	@tools/install-deps.sh build check full kernel valgrind

# A second make, because what is installed now decides what this Makefile finds.
.PHONY: demo check check-full check-kernel check-valgrind bench
demo: deps-build
	@$(MAKE) --no-print-directory -j2 all $(B)/bench/bars >/dev/null
	@tools/demo.sh $(B)

check: deps-check
	@$(MAKE) --no-print-directory -j2 all tests $(TORTURE_BINS) $(BENCH_BINS) >/dev/null
	@$(MAKE) --no-print-directory run-check

.PHONY: run-check
run-check:
	@ROVE=$(B)/rove B=$(B) ROVE_TORTURE_SECONDS=2 $(RUN_TESTS) $(STATIC_TESTS) $(UNIT_BINS) \
		$(filter-out $(LONG_TORTURES),$(TORTURE_BINS)) $(for_long) \
		$(call under_valgrind,$(VALGRIND_SOME)) $(E2E_TESTS) \
		"$(B)/tests/tool/corpus --ours tests/corpus/verifier" \
		"$(B)/tests/tool/corpus --self tests/corpus/verifier" \
		"$(B)/tests/tool/corpus --kernel tests/corpus/verifier" \
		"$(B)/tests/tool/async_table -c tests/tool/async_table/linux-7.3.tsv" \
		$(B)/tests/tool/bpf_differ $(B)/tests/tool/differ $(B)/tests/tool/iter_differ \
		$(B)/tests/tool/async_differ $(SELFTESTS) $(KERNEL_TESTS)

check-kernel: deps-check
	@$(MAKE) --no-print-directory -j2 all tests >/dev/null
	@ROVE=$(B)/rove B=$(B) $(RUN_TESTS) --jobs 1 --verbose $(KERNEL_TESTS)

check-valgrind:
	@tools/install-deps.sh build check valgrind
	@$(MAKE) --no-print-directory -j2 all tests $(TORTURE_BINS) >/dev/null
	@$(MAKE) --no-print-directory run-valgrind

.PHONY: run-valgrind
run-valgrind:
	@ROVE_TORTURE_SECONDS=$(VALGRIND_SECONDS) $(RUN_TESTS) --jobs 1 $(call under_valgrind,$(VALGRIND_BINS))

# The torture tests and the whole suite under each sanitizer and valgrind, and the fuzz targets.
check-full: deps-full
	@$(MAKE) --no-print-directory -j2 all tests $(TORTURE_BINS) $(BENCH_BINS) >/dev/null
	@$(MAKE) --no-print-directory run-check
	@$(MAKE) --no-print-directory SAN=address check-sanitized
	@$(MAKE) --no-print-directory SAN=thread check-sanitized
	@$(MAKE) --no-print-directory run-valgrind
	@$(RUN_TESTS) --jobs 1 "tools/fuzz.sh $(SECONDS_EACH)"

.PHONY: fuzzers
fuzzers: $(FUZZ_BINS)

.PHONY: check-sanitized
check-sanitized:
	@$(MAKE) --no-print-directory -j2 all tests $(TORTURE_BINS) >/dev/null
	@ROVE=$(B)/rove B=$(B) ROVE_SAMPLE=100000 ROVE_TORTURE_SECONDS=$(SECONDS_EACH) $(RUN_TESTS) --jobs 1 $(UNIT_BINS) \
		$(TORTURE_BINS) $(E2E_TESTS) "$(B)/tests/tool/corpus --ours tests/corpus/verifier" \
		"$(B)/tests/tool/corpus --self tests/corpus/verifier" $(B)/tests/tool/differ $(B)/tests/tool/iter_differ \
		$(B)/tests/tool/async_differ "$(B)/tests/tool/async_differ --ours --programs 20000" \
		"$(B)/tests/tool/async_table -c tests/tool/async_table/linux-7.3.tsv"

# The tables on stdout; the same figures as JSON, a line each, in build/bench/results.ndjson.
bench:
	@tools/install-deps.sh build bench
	@$(MAKE) --no-print-directory -j2 all $(BENCH_BINS) >/dev/null
	@$(MAKE) --no-print-directory run-bench

.PHONY: run-bench
run-bench:
	@rm -f $(B)/bench/results.ndjson
	@for b in $(BENCH_BINS); do \
		echo "== $$b"; $$b -j $(B)/bench/results.ndjson || exit 1; echo; \
	done
	@echo "as JSON: $(B)/bench/results.ndjson"

# --- install ----------------------------------------------------------------------------------

.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/rove \
		$(DESTDIR)$(MANDIR)/man1
	install -m 755 $(B)/rove $(DESTDIR)$(BINDIR)/rove
	install -m 755 $(B)/librove.so $(DESTDIR)$(LIBDIR)/librove.so.$(VERSION)
	ln -sf librove.so.$(VERSION) $(DESTDIR)$(LIBDIR)/librove.so.$(SOVERSION)
	ln -sf librove.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/librove.so
	install -m 644 $(B)/librove.a $(B)/librove-libbpf.a $(DESTDIR)$(LIBDIR)/
	install -m 644 include/rove/*.h $(DESTDIR)$(INCLUDEDIR)/rove/
	install -m 644 docs/man/*.1 $(DESTDIR)$(MANDIR)/man1/
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' tools/rove.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/rove.pc

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo "make              build/rove, build/librove.so, build/librove.a"
	@echo "make demo         install what is missing, build, show live wakeup sources"
	@echo "make check        the tests (a few minutes), real kernels in QEMU among them"
	@echo "make check-full   also under sanitizers, torture and fuzzing (SECONDS_EACH=$(SECONDS_EACH))"
	@echo "make check-kernel only the tests on real kernels in QEMU"
	@echo "make check-valgrind  memory and threads under memcheck (VALGRIND_SECONDS=$(VALGRIND_SECONDS))"
	@echo "make bench        every benchmark, with medians and spread"
	@echo "make install      DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)"
	@echo "make clean        remove build/"
	@echo "SAN=address or SAN=thread builds with that sanitizer in build/\$$SAN/"
