#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/guest-init.sh - process 1 of the guest that boot.sh starts
#
# Runs /guest/.run with nothing but busybox, /guest and the usual file systems, then sends
# everything below /out, with the output and the exit status of the script, to the host over
# the second serial port and powers the machine off.  The port carries one line "guest: up"
# and then one gzipped tar archive.  ttyS0 is the kernel's console and carries no data.

export PATH=/bin:/guest HOME=/guest LD_LIBRARY_PATH=/guest/.lib
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /out /etc
/bin/busybox --install -s /bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
echo root:x:0:0:root:/guest:/bin/sh >/etc/passwd
echo root:x:0: >/etc/group
ifconfig lo 127.0.0.1 up

stty -F /dev/ttyS1 raw -echo
exec 3>/dev/ttyS1
echo 'guest: up' >&3

cd /guest || exit
/guest/.run >/out/.stdout 2>/out/.stderr 3>&-
echo $? >/out/.status
cd /out && tar -c . | gzip -1 >&3
exec 3>&-
poweroff -f
