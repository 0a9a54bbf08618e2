# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/selftest/common.sh - what the kernel's own tests need to run on this process
#
# Sourced by each run*.sh.  Programs and test files are those of Debian's package of the newest
# kernel's sources (tools/fetch-kernel.sh source), compiled as they are.
#
#	B	the build to test (build)

set -u -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
b=${B:-build}
arch=$(uname -m)
san=
case $b in */address) san=-fsanitize=address,undefined ;; */thread) san=-fsanitize=thread ;; esac

# give_up REASON: nothing can be tested here
give_up()
{
	echo "1..0 # SKIP $*"
	exit 0
}

# fail WHAT: it ought to, and does not; $out/log says why
fail()
{
	sed 's/^/# /' "$out/log"
	echo "not ok 1 - selftest: $*"
	echo "1..1"
	exit 1
}

# begin NAME FILE: $out is NAME's directory, $sources the kernel's, $selftests its tests',
# among which is FILE
begin()
{
	local fetched

	out=build/tests/selftest/$1
	fetched=$(tools/fetch-kernel.sh source 2>&1) || give_up "${fetched##*fetch-kernel: }"
	sources=$(echo "$fetched" | cut -f3 | tail -1)
	selftests=$sources/tools/testing/selftests/bpf
	[ -r "$selftests/$2" ] || give_up "no sources of these tests at $sources"
	mkdir -p "$out"
}

# kernel_types TYPE: the running kernel's types, if TYPE is one of them, in $out/types.h
kernel_types()
{
	gcc -std=gnu11 -O1 -o "$out/vmlinux" tests/selftest/vmlinux.c -l:libbpf.a -lelf -lz \
		>"$out/log" 2>&1 || fail "the header's maker compiles"
	"$out/vmlinux" /sys/kernel/btf/vmlinux "$1" >"$out/types.h" 2>"$out/log"
}

# compile_program SOURCE NAME OPTION...: to $out/NAME.bpf.o, with $out/vmlinux.h
compile_program()
{
	clang -target bpf -mcpu=v3 -g -O2 -D__TARGET_ARCH_x86 "-I$out" "-I$sources/tools/lib" "-I$selftests" \
		"-I$selftests/progs" "-I$sources/tools/include/uapi" -I/usr/include/bpf \
		-idirafter "/usr/include/$arch-linux-gnu" -w "${@:3}" -c "$1" -o "$out/$2.bpf.o" \
		>"$out/log" 2>&1 || fail "the program $1 compiles"
}

# compile_test_file NAME FUNCTION...: the kernel's, to $out/NAME.o; what it calls as FUNCTION is
# the driver's selftest_FUNCTION
compile_test_file()
{
	local name=$1

	shift
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -w "-I$out" -Itests/selftest \
		-c "$selftests/prog_tests/$name.c" -o "$out/$name.o" \
		>"$out/log" 2>&1 || fail "the kernel's test file $name.c compiles"
	for function; do
		objcopy --redefine-sym "$function=selftest_$function" "$out/$name.o"
	done
}

# link_driver SOURCE OBJECT...: with the library, to $out/driver
link_driver()
{
	# shellcheck disable=SC2046,SC2086
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $san -Iinclude -Isrc -I. -o "$out/driver" "$@" \
		$(find $b/obj/src -name '*.o') $b/gen/self_btf.o $b/gen/progs.o build/libbpf-seam.a \
		-lelf -lz $(pkg-config --libs liburcu-bp hwloc) -pthread \
		>"$out/log" 2>&1 || fail "the driver compiles"
}
