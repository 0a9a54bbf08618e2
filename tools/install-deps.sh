#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/install-deps.sh [--print] SET... - the Debian or Ubuntu packages rove is built and tested with
#
#	SET      build, check, full, kernel (QEMU), valgrind, bench; none means build
#	--print  only print the command that would install what is missing
#
# Installs what is missing when it may (root, or sudo without a password); otherwise prints
# the exact command and exits with 1.  Sets "kernel", "valgrind" and "bench" are optional: when a
# package of theirs cannot be had, the tests that need it skip with the reason, and the benchmarks
# name the library that is not here; so they never fail.

set -u

declare -A packages=(
	[build]="gcc make libc6-dev pkg-config binutils clang llvm libbpf-dev libelf-dev zlib1g-dev
		liburcu-dev libhwloc-dev dwarves libsmartcols-dev libjson-c-dev linux-libc-dev"
	[check]="libcmocka-dev python3 python3-jsonschema mandoc procps util-linux"
	[full]="libclang-rt-14-dev"
	[valgrind]="valgrind"
	[kernel]="qemu-system-x86 busybox-static cpio debian-archive-keyring xz-utils"
	[bench]="valgrind g++ libtbb-dev libuv1-dev libglib2.0-dev libck-dev libconcurrentqueue-dev
		libomp-dev libswiftlang libev-dev libevent-dev"
)

print_only=false
[ "${1:-}" = --print ] && { print_only=true; shift; }
[ $# -gt 0 ] || set -- build

if ! command -v dpkg-query >/dev/null; then
	echo "install-deps: no dpkg here; see the list in $0 for what to install" >&2
	exit 1
fi

# clang's runtime has its version in the package's name; libswiftlang (it has libdispatch) is in
# Debian from 13 on, and not worth a failing command elsewhere.
installed()
{
	case $1 in
	libswiftlang) [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ] ||
		! apt-cache show "$1" >/dev/null 2>&1 ;;
	libclang-rt-14-dev) ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
		>/dev/null 2>&1 ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ] ;;
	esac
}

required= optional=
for set in "$@"; do
	[ -n "${packages[$set]+x}" ] || { echo "install-deps: no set '$set'" >&2; exit 2; }
	for package in ${packages[$set]}; do
		installed "$package" && continue
		case $set in
		kernel|valgrind|bench) optional+=" $package" ;;
		*) required+=" $package" ;;
		esac
	done
done
[ -n "$required$optional" ] || exit 0

become=
[ "$(id -u)" = 0 ] || become="sudo "
command="${become}apt-get install -y --no-install-recommends$required$optional"

if $print_only; then
	echo "$command"
	exit 0
fi
if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
	echo "install-deps: packages are missing and this user may not install them; run:" >&2
	echo "	$command" >&2
	[ -z "$required" ]
	exit
fi

run()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "install-deps: installing$required$optional" >&2
if ! run apt-get install -y -q --no-install-recommends $required $optional </dev/null >"$log" 2>&1; then
	run apt-get update -q </dev/null >>"$log" 2>&1
	if [ -n "$required" ] && ! run apt-get install -y -q --no-install-recommends $required \
			</dev/null >>"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "install-deps: could not install; the command was: $command" >&2
		exit 1
	fi
	for package in $optional; do
		run apt-get install -y -q --no-install-recommends "$package" </dev/null >>"$log" 2>&1 ||
			echo "install-deps: not to be had here: $package (what needs it will skip)" >&2
	done
fi
exit 0
