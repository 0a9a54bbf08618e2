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
seam=build/libbpf-seam.a
libbpf_headers=
self_btf=
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
	# shellcheck disable=SC2086
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -w $libbpf_headers "-I$out" -Itests/selftest \
		-c "$selftests/prog_tests/$name.c" -o "$out/$name.o" \
		>"$out/log" 2>&1 || fail "the kernel's test file $name.c compiles"
	for function; do
		objcopy --redefine-sym "$function=selftest_$function" "$out/$name.o"
	done
}

# kernels_libbpf: libbpf of the same sources, as these tests have it where they come from, in
# place of the system's: $seam, $libbpf_headers
kernels_libbpf()
{
	local dir=build/tests/selftest/libbpf tools=$sources/tools symbols

	symbols=$(sed -n 's/^SEAM_SYMBOLS := //p' Makefile)
	seam=$dir/libbpf-seam.a
	libbpf_headers="-I$tools/lib -I$dir/uapi"
	[ "$seam" -nt Makefile ] && [ "$seam" -nt "$tools/lib/bpf/libbpf.c" ] && return
	mkdir -p $dir/uapi/linux
	# Of the kernel's headers those that libbpf's include; the others are the system's.
	cp "$tools"/include/uapi/linux/bpf.h "$tools"/include/uapi/linux/bpf_common.h \
		"$tools"/include/uapi/linux/btf.h $dir/uapi/linux/
	rm -f $dir/*.o $dir/*.a
	# shellcheck disable=SC2016
	printf '%s\n' "$tools"/lib/bpf/*.c | xargs -P2 -I{} sh -c 'gcc -std=gnu11 -O1 -g -w \
		-D_GNU_SOURCE -D_LARGEFILE64_SOURCE \
		-D_FILE_OFFSET_BITS=64 -fvisibility=hidden "-I$2/lib/bpf" "-I$2/include" \
		"-I$2/include/uapi" -c "$1" -o "$3/$(basename "$1" .c).o"' \
		sh {} "$tools" $dir >"$out/log" 2>&1 || fail "the kernel's libbpf compiles"
	ar rcs $dir/libbpf.a $dir/*.o
	# shellcheck disable=SC2046
	objcopy $(printf -- '--redefine-sym %s ' $(for s in $symbols; do echo "$s=rove_seam_$s"; done)) \
		$dir/libbpf.a $seam
}

# more_kfuncs SOURCE: besides the library's own, what the driver's file SOURCE has for a
# struct kfunc selftest_kfuncs[]: in the BTF, and found by name
more_kfuncs()
{
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Iinclude -Isrc -I. -c "$1" -o "$out/kfuncs.o" \
		>"$out/log" 2>&1 || fail "the functions of the test module compile"
	ld -r -o "$out/self.o" build/btf/self.o "$out/kfuncs.o"
	rm -f "$out/self.btf"
	pahole "--btf_encode_detached=$out/self.btf" "$out/self.o" >"$out/log" 2>&1 ||
		fail "the functions of the test module have types"
	tools/embed.sh "$out/self.btf" >"$out/self_btf.S"
	gcc -c "$out/self_btf.S" -o "$out/self_btf.o"
	self_btf="$out/self_btf.o $out/kfuncs.o -Wl,--wrap=kfunc_find"
}

# link_driver SOURCE OBJECT...: with the library, to $out/driver
link_driver()
{
	# shellcheck disable=SC2046,SC2086
	gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $san $libbpf_headers -Iinclude -Isrc -I. \
		-o "$out/driver" "$@" $(find $b/obj/src -name '*.o') \
		${self_btf:-$b/gen/self_btf.o} $b/gen/progs.o $seam \
		-lelf -lz $(pkg-config --libs liburcu-bp hwloc) -pthread \
		>"$out/log" 2>&1 || fail "the driver compiles"
}
