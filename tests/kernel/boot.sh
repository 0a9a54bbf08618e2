#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/boot.sh - run a command on a real kernel in QEMU
#
#	tests/kernel/boot.sh --kernel WHICH [OPTIONS] --run SCRIPT
#	tests/kernel/boot.sh --kernel WHICH [OPTIONS] -- COMMAND...
#
#	--kernel WHICH   old, mid, new, a version (tools/fetch-kernel.sh), or the path of a bzImage
#	--run SCRIPT     a file: the guest's busybox shell, or its own #! line, runs it
#	--put FILE[:AS]  bring a file or folder as /guest/NAME, or as AS; the shared libraries
#	                 of a program come along
#	--out DIR        what the guest leaves in /out comes back here
#	--smp N          CPUs of the guest (2)
#	--memory MB      (1024)
#	--timeout S      for the command, without the boot (300)
#	--console FILE   keep the kernel's console here
#
# The command's stdout, stderr and exit status become this script's.  Other exit statuses:
# 77 and a reason on stderr when this machine cannot do it, 124 the time is over, 125 no boot
# reached user space.  A boot that dies before user space is tried again: kernels patch their
# own text early, and emulation on several host threads sometimes loses that race.
#
# Plain emulation is the rule.  ROVE_KERNEL_KVM=1 uses /dev/kvm instead.

set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
boot_tries=5
boot_seconds=90

kernel= script= out= console=
smp=2 memory=1024 seconds=300
puts=()
command=()

unavailable()
{
	echo "boot: $*" >&2
	exit 77
}

usage()
{
	sed -n '6,18s/^#\t\{0,1\}//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=${2-}; shift ;;
	--run) script=${2-}; shift ;;
	--put) puts+=("${2-}"); shift ;;
	--out) out=${2-}; shift ;;
	--smp) smp=${2-}; shift ;;
	--memory) memory=${2-}; shift ;;
	--timeout) seconds=${2-}; shift ;;
	--console) console=${2-}; shift ;;
	--) shift; command=("$@"); break ;;
	*) usage ;;
	esac
	shift
done
[ -n "$kernel" ] || usage
if [ -n "$script" ]; then
	[ -f "$script" ] && [ ${#command[@]} -eq 0 ] || usage
else
	[ ${#command[@]} -gt 0 ] || usage
fi

[ "$(uname -m)" = x86_64 ] || unavailable "the guests are x86_64, this machine is $(uname -m)"
qemu=$(command -v qemu-system-x86_64) || unavailable "qemu-system-x86_64 is not installed"
busybox=$(command -v busybox) || unavailable "busybox is not installed"
command -v cpio >/dev/null || unavailable "cpio is not installed"
! ldd "$busybox" >/dev/null 2>&1 ||
	unavailable "busybox needs shared libraries: install busybox-static"

accel="tcg,thread=multi" cpu=max
if [ -n "${ROVE_KERNEL_KVM:-}" ]; then
	[ -w /dev/kvm ] || unavailable "ROVE_KERNEL_KVM is set, and /dev/kvm cannot be opened"
	accel=kvm cpu=host,arch-capabilities=off boot_tries=2 boot_seconds=20
fi

if [ -f "$kernel" ]; then
	image=$kernel
else
	image=$("$here/../../tools/fetch-kernel.sh" "$kernel" | cut -f3) || exit 77
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rove-kernel.XXXXXX") || exit 1
pid=
cleanup()
{
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	fi
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
root=$scratch/root

# The shared libraries of a program, and its loader, at the paths they have here.
put_libraries()
{
	local lib

	ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' | while read -r lib; do
		[ -e "$root$lib" ] || install -D "$(readlink -f "$lib")" "$root$lib"
	done
}

put()
{
	local from=${1%%:*} as

	case $1 in
	*:*) as=${1#*:} ;;
	*) as=/guest/$(basename "$from") ;;
	esac
	if [ ! -e "$from" ]; then
		echo "boot: $from does not exist" >&2
		exit 2
	fi
	mkdir -p "$(dirname "$root$as")"
	cp -rL "$from" "$root$as"
	[ -f "$from" ] && [ -x "$from" ] && put_libraries "$from"
	return 0
}

mkdir -p "$root/bin" "$root/guest"
cp "$busybox" "$root/bin/busybox"
install "$here/guest-init.sh" "$root/init"
for file in ${puts[@]+"${puts[@]}"}; do
	put "$file"
done
if [ -n "$script" ]; then
	head -c2 "$script" | grep -q '#!' || echo '#!/bin/sh' >"$root/guest/.run"
	cat "$script" >>"$root/guest/.run"
else
	{ echo '#!/bin/sh'; printf '%q ' exec "${command[@]}"; echo; } >"$root/guest/.run"
fi
chmod 755 "$root/guest/.run"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$scratch/initramfs" || exit 1

is_up()
{
	[ "$(head -c 9 "$scratch/data" | tr -d '\0')" = 'guest: up' ]
}

# wait_for SECONDS CONDITION...: 0 it became true, 1 QEMU ended first, 2 too late
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		kill -0 "$pid" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || return 2
		sleep 0.1
	done
}

start()
{
	: >"$scratch/data"
	"$qemu" -nodefaults -no-user-config -display none -monitor none -no-reboot \
		-accel $accel -cpu $cpu -smp "$smp" -m "$memory" \
		-kernel "$image" -initrd "$scratch/initramfs" \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable clocksource=tsc" \
		-serial "file:$scratch/console" -serial "file:$scratch/data" \
		</dev/null >"$scratch/qemu" 2>&1 &
	pid=$!
}

stop()
{
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

keep_console()
{
	[ -z "$console" ] || cp "$scratch/console" "$console"
}

boot()
{
	local try

	for try in $(seq $boot_tries); do
		start
		if wait_for $boot_seconds is_up || is_up; then
			return 0
		fi
		echo "boot: try $try of $boot_tries died before user space" >&2
		stop
	done
	keep_console
	tail -n 20 "$scratch/console" "$scratch/qemu" >&2
	exit 125
}

boot
wait_for "$seconds" false
verdict=$?
stop
keep_console

result=${out:-$scratch/out}
mkdir -p "$result"
if ! tail -n +2 "$scratch/data" | gzip -dc 2>/dev/null | tar -x -C "$result" 2>/dev/null ||
   [ ! -f "$result/.status" ]; then
	tail -n 20 "$scratch/console" >&2
	[ $verdict -ne 2 ] || { echo "boot: the command took more than $seconds s" >&2; exit 124; }
	echo "boot: the guest ended without a result" >&2
	exit 125
fi
cat "$result/.stdout"
cat "$result/.stderr" >&2
status=$(cat "$result/.status")
rm -f "$result/.stdout" "$result/.stderr" "$result/.status"
exit "$status"
