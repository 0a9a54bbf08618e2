#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/fetch-kernel.sh - Debian kernels from the mirror this machine already uses
#
#	tools/fetch-kernel.sh [--refresh] [--list] WHICH...
#
#	old      the kernel of bookworm (6.1): no kfuncs, so the fallbacks
#	mid      the newest of trixie itself (6.12): DMA-bufs that only debugfs and /proc tell of
#	new      the newest of trixie-backports and sid (7.2 or later): the BPF path
#	VERSION  the newest kernel whose version begins so, from any of them
#	source   of the newest kernel's sources the few files and directories that tests compile, libbpf too
#
# Prints one line for each: WHICH VERSION PATH-OF-THE-BZIMAGE (of source, of the directory), separated by tabs.
# --list prints every candidate instead.  Exit status 77 and a reason on stderr
# when the machine cannot give it.
#
# apt works in a private directory with a sources list of our own: the mirror is the one of
# the machine's configuration, signatures are checked against Debian's keyring, and neither
# the package lists nor the packages of the machine change.  Only the bzImage, and of 6.1 a few
# modules in the directory modules beside it, leave the package.  What was fetched stays in the cache and is used again when the mirror is gone.
#
#	ROVE_KERNEL_CACHE   default ${XDG_CACHE_HOME:-$HOME/.cache}/rove/kernels
#	ROVE_DEBIAN_MIRROR  a URI to use in place of the configured one

set -u -o pipefail

cache=${ROVE_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rove/kernels}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites="bookworm trixie trixie-backports sid"
# Nothing of these is copied into the repository: other licences.
source_files="tools/testing/selftests/bpf/progs/dmabuf_iter.c
	tools/testing/selftests/bpf/progs/timer.c
	tools/testing/selftests/bpf/progs/timer_failure.c
	tools/testing/selftests/bpf/progs/timer_interrupt.c
	tools/testing/selftests/bpf/progs/timer_start_delete_race.c
	tools/testing/selftests/bpf/progs/free_timer.c
	tools/testing/selftests/bpf/progs/wq.c
	tools/testing/selftests/bpf/progs/wq_failures.c
	tools/testing/selftests/bpf/progs/rhash.c
	tools/testing/selftests/bpf/progs/rhash_timer.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_rhash_map.c
	tools/testing/selftests/bpf/progs/timer_lockup.c
	tools/testing/selftests/bpf/progs/async_stack_depth.c
	tools/testing/selftests/bpf/progs/test_helper_restricted.c
	tools/testing/selftests/bpf/progs/verifier_async_cb_context.c
	tools/testing/selftests/bpf/progs/timer_mim.c
	tools/testing/selftests/bpf/progs/timer_mim_reject.c
	tools/testing/selftests/bpf/progs/test_btf_map_in_map.c
	tools/testing/selftests/bpf/progs/bpf_misc.h
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_map.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_link.c
	tools/testing/selftests/bpf/progs/bpf_iter_map_elem.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_array_map.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_hash_map.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_percpu_hash_map.c
	tools/testing/selftests/bpf/progs/bpf_iter_bpf_percpu_array_map.c
	tools/testing/selftests/bpf/progs/bpf_iter_test_kern4.c
	tools/testing/selftests/bpf/progs/bpf_iter_test_kern5.c
	tools/testing/selftests/bpf/progs/bpf_iter_test_kern6.c
	tools/testing/selftests/bpf/prog_tests/dmabuf_iter.c
	tools/testing/selftests/bpf/prog_tests/timer.c
	tools/testing/selftests/bpf/prog_tests/timer_start_delete_race.c
	tools/testing/selftests/bpf/prog_tests/free_timer.c
	tools/testing/selftests/bpf/prog_tests/wq.c
	tools/testing/selftests/bpf/prog_tests/rhash.c
	tools/testing/selftests/bpf/prog_tests/rhash_timer.c
	tools/testing/selftests/bpf/prog_tests/timer_lockup.c
	tools/testing/selftests/bpf/prog_tests/async_stack_depth.c
	tools/testing/selftests/bpf/prog_tests/helper_restricted.c
	tools/testing/selftests/bpf/prog_tests/btf_map_keyless.c
	tools/testing/selftests/bpf/prog_tests/timer_mim.c
	tools/testing/selftests/bpf/prog_tests/btf_map_in_map.c
	tools/testing/selftests/bpf/bpf_experimental.h
	tools/testing/selftests/bpf/gnu/stubs.h
	tools/testing/selftests/bpf/libarena/include/bpf_may_goto.h
	tools/testing/selftests/bpf/test_kmods/bpf_testmod_kfunc.h
	kernel/bpf/preload/iterators/iterators.bpf.c
	tools/lib/bpf tools/include tools/arch/x86/include tools/arch/arm64/include"
# 6.1 has nothing built in that makes DMA-bufs.  Where the package has them uncompressed:
modules="drm drm_shmem_helper vgem"
index_max_age_min=$((24 * 60))

unavailable()
{
	echo "fetch-kernel: $*" >&2
	exit 77
}

usage()
{
	sed -n '6,12s/^#\t\{0,1\}//p' "$0" >&2
	exit 2
}

# The suites' URI is that of a configured source with one of Debian's own suite names:
# derivatives share neither the names nor the keys.
mirror_uri()
{
	if [ -n "${ROVE_DEBIAN_MIRROR:-}" ]; then
		echo "$ROVE_DEBIAN_MIRROR"
		return
	fi
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 ~ /^(bookworm|trixie|forky|sid|unstable|testing|stable|oldstable)$/ {
			print $2; exit }'
}

apt_private()
{
	local tool=$1
	shift
	"$tool" -qq \
		-o Dir::State="$cache/apt/state" -o Dir::State::status="$cache/apt/status" \
		-o Dir::Cache="$cache/apt/cache" \
		-o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferences=- -o Dir::Etc::preferencesparts=- \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o APT::Update::Post-Invoke::= -o DPkg::Post-Invoke::= \
		"$@"
}

# No older than a day, and of the mirror that is configured now.
index_is_fresh()
{
	[ -z "$refresh" ] && [ "$(cat "$cache/apt/sources.list" 2>/dev/null)" = "$1" ] &&
		[ -n "$(find "$cache/apt/updated" -mmin -$index_max_age_min 2>/dev/null)" ]
}

index_update()
{
	local uri sources

	command -v apt-get >/dev/null || { why="apt-get is not installed"; return 1; }
	[ -r $keyring ] || { why="$keyring is missing (package debian-archive-keyring)"; return 1; }
	uri=$(mirror_uri)
	[ -n "$uri" ] || { why="apt has no Debian mirror configured"; return 1; }
	sources=$(for suite in $suites; do
		echo "deb [arch=amd64 target=Packages lang=none signed-by=$keyring] $uri $suite main"
	done)
	index_is_fresh "$sources" && return 0

	mkdir -p "$cache"/apt/state/lists/partial "$cache"/apt/cache/archives/partial
	rm -f "$cache/apt/updated"
	: >"$cache/apt/status"
	echo "$sources" >"$cache/apt/sources.list"
	if ! apt_private apt-get update --error-on=any 2>"$cache/apt/update.err"; then
		why="the mirror's package lists cannot be read: $(grep -m1 '^[EW]:' "$cache/apt/update.err" |
			sed 's#//[^/]*/#//.../#g')"
		return 1
	fi
	touch "$cache/apt/updated"
}

# "SUITE VERSION PACKAGE" of every plain amd64 kernel, ascending by version.  The signed
# twin of a package is left out: its bzImage is the same but it brings the modules along.
candidates()
{
	local names

	names=$(apt_private apt-cache pkgnames linux- |
		grep -E '^linux-(binary|image)(-unsigned)?-[0-9][0-9a-z.+~-]*-amd64(-unsigned)?$' |
		grep -E 'unsigned' | grep -vE -- '-(cloud|rt)-|-dbg')
	[ -n "$names" ] || return 0
	# shellcheck disable=SC2086
	apt_private apt-cache madison $names |
		sed -nE 's#^ *([^ |]+) *\| *([^ |]+) *\| *[^ ]+ ([a-z-]+)/main .*#\3 \2 \1#p' |
		sort -u | sort -k2,2V
}

choose()
{
	case $1 in
	old) candidates | awk '$1 == "bookworm"' ;;
	mid) candidates | awk '$1 == "trixie"' ;;
	new) candidates | awk '$1 != "bookworm" && $1 != "trixie"' ;;
	*)   candidates | awk -v v="$1" 'index($2, v) == 1' ;;
	esac | tail -1
}

fetch()
{
	local suite=$1 version=$2 package=$3 dir tmp deb image

	dir=$cache/$version
	[ -s "$dir/vmlinuz" ] && [ -d "$dir/modules" ] && return 0
	tmp=$(mktemp -d "$cache/fetch.XXXXXX") || return 1
	if ! (cd "$tmp" && apt_private apt-get download "$package=$version") 2>"$cache/apt/download.err"; then
		why="$package $version cannot be downloaded: $(sed 's#//[^/]*/#//.../#g;q' "$cache/apt/download.err")"
		rm -rf "$tmp"
		return 1
	fi
	deb=$(echo "$tmp"/*.deb)
	# boot/vmlinuz-VERSION, or in newer packages usr/lib/modules/VERSION/vmlinuz.unsigned.
	dpkg-deb --fsys-tarfile "$deb" | tar -C "$tmp" -x --wildcards --wildcards-match-slash \
		--no-anchored 'vmlinuz*' $(printf '%s.ko ' $modules) 2>/dev/null
	image=$(find "$tmp" -type f -name 'vmlinuz*' | head -1)
	if [ -z "$image" ]; then
		why="$package $version holds no vmlinuz"
		rm -rf "$tmp"
		return 1
	fi
	printf 'suite: %s\npackage: %s\nversion: %s\nsha256: %s\n' "$suite" "$package" "$version" \
		"$(sha256sum "$deb" | cut -d' ' -f1)" >"$tmp/origin"
	mv "$image" "$tmp/vmlinuz"
	mkdir "$tmp/modules"
	find "$tmp/lib" "$tmp/usr" -name '*.ko' 2>/dev/null -exec mv {} "$tmp/modules/" \;
	rm -rf "$deb" "$tmp/boot" "$tmp/usr" "$tmp/lib"
	chmod 755 "$tmp"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

# "SUITE VERSION PACKAGE" of the newest sources.
choose_source()
{
	local names

	names=$(apt_private apt-cache pkgnames linux-source- | grep -E '^linux-source-[0-9.]+$')
	[ -n "$names" ] || return 0
	# shellcheck disable=SC2086
	apt_private apt-cache madison $names |
		sed -nE 's#^ *([^ |]+) *\| *([^ |]+) *\| *[^ ]+ ([a-z-]+)/main .*#\3 \2 \1#p' |
		sort -u | sort -k2,2V | tail -1
}

# has_source_files DIR: all of them; sets $missing
has_source_files()
{
	local file

	missing=
	for file in $source_files; do
		[ -e "$1/$file" ] || missing=$file
	done
	[ -z "$missing" ]
}

fetch_source()
{
	local version=$2 package=$3 dir tmp deb missing=

	dir=$cache/source-$version
	has_source_files "$dir" && return 0
	tmp=$(mktemp -d "$cache/fetch.XXXXXX") || return 1
	if ! (cd "$tmp" && apt_private apt-get download "$package=$version") 2>"$cache/apt/download.err"; then
		why="$package $version cannot be downloaded: $(sed 's#//[^/]*/#//.../#g;q' "$cache/apt/download.err")"
		rm -rf "$tmp"
		return 1
	fi
	deb=$(echo "$tmp"/*.deb)
	mkdir "$tmp/files"
	# A package with one archive in it; its first directory is named after the version.
	# shellcheck disable=SC2046
	dpkg-deb --fsys-tarfile "$deb" | tar -x --to-stdout --wildcards '*/linux-source-*.tar.xz' |
		tar -C "$tmp/files" -xJ --strip-components=1 --wildcards \
			$(printf '*/%s ' $source_files) 2>/dev/null
	if ! has_source_files "$tmp/files"; then
		why="$package $version holds no $missing"
		rm -rf "$tmp"
		return 1
	fi
	chmod -R a+rX "$tmp/files"
	rm -rf "$dir"
	mv "$tmp/files" "$dir"
	rm -rf "$tmp"
}

give_source()
{
	local choice dir

	if index_update; then
		choice=$(choose_source)
		why="the mirror has no linux-source package"
		# shellcheck disable=SC2086
		if [ -n "$choice" ] && fetch_source $choice; then
			choice=$(echo "$choice" | cut -d' ' -f2)
			printf 'source\t%s\t%s\n' "$choice" "$cache/source-$choice"
			return
		fi
	fi
	dir=$(ls -d "$cache"/source-* 2>/dev/null | sort -V | tail -1)
	[ -n "$dir" ] || unavailable "$why"
	echo "fetch-kernel: $why; using ${dir##*/source-} from the cache" >&2
	printf 'source\t%s\t%s\n' "${dir##*/source-}" "$dir"
}

# What an earlier run took for WHICH, when this one cannot ask the mirror.
cached_choice()
{
	local version

	case $1 in
	old|mid|new)
		version=$(cat "$cache/$1" 2>/dev/null) ;;
	*)
		version=$(cd "$cache" 2>/dev/null && ls -d [0-9]* 2>/dev/null |
			awk -v v="$1" 'index($0, v) == 1' | sort -V | tail -1) ;;
	esac
	[ -n "$version" ] && [ -s "$cache/$version/vmlinuz" ] && echo "$version"
}

give()
{
	local which=$1 choice version

	if index_update; then
		choice=$(choose "$which")
		why="the mirror has no kernel for '$which'"
		# shellcheck disable=SC2086
		if [ -n "$choice" ] && fetch $choice; then
			version=$(echo "$choice" | cut -d' ' -f2)
			case $which in old|mid|new) echo "$version" >"$cache/$which" ;; esac
			printf '%s\t%s\t%s\n' "$which" "$version" "$cache/$version/vmlinuz"
			return
		fi
	fi
	version=$(cached_choice "$which") || unavailable "$why"
	echo "fetch-kernel: $why; using $version from the cache" >&2
	printf '%s\t%s\t%s\n' "$which" "$version" "$cache/$version/vmlinuz"
}

refresh=
list=
why=
while [ $# -gt 0 ]; do
	case $1 in
	--refresh) refresh=1 ;;
	--list) list=1 ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ -n "$list" ] || [ $# -gt 0 ] || usage

mkdir -p "$cache" || unavailable "the cache directory cannot be made"
exec 9>"$cache/lock"
flock 9

if [ -n "$list" ]; then
	index_update || unavailable "$why"
	candidates
	exit 0
fi
for which; do
	if [ "$which" = source ]; then give_source; else give "$which"; fi
	refresh=
done
