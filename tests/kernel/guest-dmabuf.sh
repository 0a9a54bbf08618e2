#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/guest-dmabuf.sh - in the guest: take every reading that compare_dmabuf.py compares
#
#	/out/dmabuf/release		the kernel, and whether it has udmabufs and our kfuncs
#	/out/dmabuf/ledger		what make_dmabufs did, or .skip with the reason
#	/out/dmabuf/bufinfo fdinfo maps	the kernel's files, read without rove
#	/out/dmabuf/CASE.json .err .status	what rove answered
#	/out/dmabuf/before.ndjson	a recording, before
#	/out/dmabuf/ledger.more		what make_dmabufs added to it
#	/out/dmabuf/ledger.stir		while others come and go
#	/out/dmabuf/ledger.many		many more than fit the ring buffer at first
#
# Nothing changes while a scene's answers are taken.

out=/out/dmabuf
buffers=/sys/kernel/debug/dma_buf/bufinfo

# ask CASE ARGUMENTS...
ask()
{
	local at=$out/$1

	shift
	rove dmabuf "$@" >"$at.json" 2>"$at.err"
	echo $? >"$at.status"
}

# A kernel that cannot give a source says so; that is an answer too.
every_source()
{
	for source in auto kernel debugfs sysfs proc; do
		ask $source -j -v --source $source
	done
	ROVE_DMABUF_BY_LINK=1 rove dmabuf -j -v --source kernel >$out/link.json 2>$out/link.err
	echo $? >$out/link.status
}

scene_ledger()
{
	cat $buffers >$out/bufinfo
	grep -H -E '^(ino|size|count|exp_name):' /proc/[0-9]*/task/*/fdinfo/* >$out/fdinfo 2>/dev/null
	grep -H ' /dmabuf:' /proc/[0-9]*/task/*/maps >$out/maps 2>/dev/null
	every_source
	ask by-exporter by-exporter -j
	ask by-process by-process -j
	ask by-device by-device -j
	ask bounded -j --max-objects 100
	ask budget -j --budget-ms 1 --source kernel
	ask of-parent -j -p $PPID
	ask text -n -O bufinfo -s inode
	ask table -s inode --top 40
	rove dmabuf -q -w $out/before.ndjson
	ask replayed by-process -j -r $out/before.ndjson

	su nobody -s /bin/sh -c "/guest/rove dmabuf -j -v" >$out/user.json 2>$out/user.err
	echo $? >$out/user.status
	umount /sys/kernel/debug
	ask no-debugfs -j -v
	mount -t debugfs debugfs /sys/kernel/debug

	make_dmabufs -n 50 -l $out/ledger.more -- "$0" more
}

scene_more()
{
	ask diff diff -j $out/before.ndjson
	ask growing diff --growing -j $out/before.ndjson
	ask same diff -j -i 0.01
}

case ${1-all} in
ledger)
	scene_ledger
	;;
more)
	scene_more
	;;
stir)
	ask stir-kernel -j --source kernel
	ask stir-debugfs -j --source debugfs
	;;
many)
	ask many -j -v
	;;
all)
	mkdir -p $out
	uname -r >$out/release
	grep -q ' bpf_iter_dmabuf_new$' /proc/kallsyms && with_bpf=1
	echo "kfuncs ${with_bpf-0}" >>$out/release
	echo nobody:x:65534:65534:nobody:/:/bin/sh >>/etc/passwd
	# What makes buffers where there are no udmabufs.
	for module in drm drm_shmem_helper vgem; do
		[ -e /dev/udmabuf ] || [ ! -f /guest/modules/$module.ko ] ||
			insmod /guest/modules/$module.ko
	done
	make_dmabufs -n 1000 -l $out/ledger -- "$0" ledger 2>$out/ledger.skip
	case $? in
	0)	rm $out/ledger.skip ;;
	77)	every_source; exit 0 ;;
	*)	cat $out/ledger.skip >&2; exit 1 ;;
	esac
	make_dmabufs -s -n 400 -l $out/ledger.stir -- "$0" stir
	[ "${with_bpf-0}" = 0 ] || make_dmabufs -n 3500 -l $out/ledger.many -- "$0" many
	;;
esac
