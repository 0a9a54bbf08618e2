#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/guest-wakeup.sh - in the guest: take every reading that compare.py compares
#
#	/out/SCENE/before.sysfs before.debugfs	the kernel's files, read without rove,
#	/out/SCENE/after.sysfs  after.debugfs	on both sides of what rove was asked
#	/out/SCENE/CASE.json .err .status	what rove answered, text: in debugfs's format
#	/out/quiet/diff-EARLIER-LATER.json	two sources compared
#	/out/bars-NUMBER.tsv			the times of each way to read
#	/out/loads.tsv				which BPF objects the kernel accepted
#
# Scenes: quiet (nothing changes but the time of active sources), busy (a thread changes every
# fourth one), churn (sources come and go), newline (a name that a line of text cannot hold),
# many (more than fit the ring buffer at first), small (what the bars read).

samples=21
debugfs=/sys/kernel/debug/wakeup_sources

readings()
{
	wakeup_readings dump >"$1.sysfs"
	cat $debugfs >"$1.debugfs"
}

# ask SCENE CASE ARGUMENTS...: each answer lies between two readings
ask()
{
	local at=/out/$1/$2

	shift 2
	rove wakeup -j "$@" >"$at.json" 2>"$at.err"
	echo $? >"$at.status"
}

scene()
{
	mkdir -p "/out/$1"
	readings "/out/$1/before"
	if [ -x /guest/rove ]; then
		ask "$1" kernel --source kernel
		ask "$1" sysfs --source sysfs
		ask "$1" debugfs --source debugfs
		ask "$1" auto --source auto -v
		ask "$1" bounded --source auto --max-objects 100
		rove wakeup -O debugfs >"/out/$1/text" 2>"/out/$1/text.err"
	fi
	readings "/out/$1/after"
}

# A recording of each source beside sysfs and debugfs as they are a little later.
compared()
{
	for source in kernel sysfs debugfs; do
		[ $source != kernel ] || [ "$with_bpf" = 1 ] || continue
		rove wakeup --source $source -w "/out/$1/tape" 2>"/out/$1/tape.err"
		for later in sysfs debugfs; do
			rove wakeup diff "/out/$1/tape" -j --source $later \
				>"/out/$1/diff-$source-$later.json" 2>"/out/$1/diff.err"
			echo $? >"/out/$1/diff-$source-$later.status"
		done
	done
}

# A walk takes a millisecond: one alone seldom meets a source that changes.
often()
{
	[ "$with_bpf" = 1 ] || return 0
	for i in $(seq 10); do
		ask "$1" "kernel-$i" --source kernel
	done
	readings "/out/$1/after"
}

# A user with no capability at all, and then a machine without debugfs.
less_allowed()
{
	mkdir -p /out/user /out/no-debugfs
	readings /out/user/before
	for source in auto kernel sysfs debugfs; do
		su nobody -s /bin/sh -c "/guest/rove wakeup -j --source $source -v" \
			>/out/user/$source.json 2>/out/user/$source.err
		echo $? >/out/user/$source.status
	done
	readings /out/user/after

	readings /out/no-debugfs/before
	umount /sys/kernel/debug
	ask no-debugfs auto --source auto -v
	ask no-debugfs debugfs --source debugfs
	mount -t debugfs debugfs /sys/kernel/debug
	readings /out/no-debugfs/after
}

bars()
{
	local object=

	[ "$with_bpf" = 1 ] && object=/guest/wakeup.bpf.o
	wakeup_readings bars $samples $object >"/out/bars-$1.tsv"
}

echo nobody:x:65534:65534:nobody:/:/bin/sh >>/etc/passwd
grep -q ' bpf_wakeup_sources_read_lock$' /proc/kallsyms && with_bpf=1

case ${1-all} in
quiet)
	scene quiet
	[ ! -x /guest/rove ] || compared quiet
	[ ! -x /guest/rove ] || less_allowed
	bars 400
	;;
busy)
	scene busy
	[ ! -x /guest/rove ] || often busy
	;;
churn)
	scene churn
	[ ! -x /guest/rove ] || often churn
	;;
newline)
	scene newline
	;;
many)
	mkdir -p /out/many
	readings /out/many/before
	[ ! -x /guest/rove ] || ask many auto --source auto -v
	cp /out/many/before.sysfs /out/many/after.sysfs
	cp /out/many/before.debugfs /out/many/after.debugfs
	;;
small)
	bars 150
	;;
all)
	set -e
	uname -r >/out/release
	echo "kfuncs ${with_bpf-0}" >>/out/release
	wakeup_readings load /guest/*.bpf.o >/out/loads.tsv
	make_wakeup_sources -n 440 -a 16 -- "$0" quiet
	make_wakeup_sources -n 440 -a 16 -b -- "$0" busy
	make_wakeup_sources -n 440 -a 16 -c -- "$0" churn 2>/out/churn.log
	make_wakeup_sources -n 40 -a 4 -l -- "$0" newline
	[ "${with_bpf-0}" = 0 ] || make_wakeup_sources -n 4000 -a 0 -s -- "$0" many
	make_wakeup_sources -n 150 -a 0 -- "$0" small
	;;
esac
