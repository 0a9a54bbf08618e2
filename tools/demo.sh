#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/demo.sh BUILD - rove's main job, with real output

build=$1
rove=$build/rove

echo "== What rove finds on this machine ($(uname -sr))"
echo
"$rove" wakeup --top 20
case $? in
0) ;;
3) echo "(this machine's kernel cannot show wakeup sources; the message above says what is missing)" ;;
4) echo "(partial: see the message above)" ;;
6) echo "(not permitted; the message above says what is needed)" ;;
*) exit 1 ;;
esac

echo
echo "== The same program over 150 busy wakeup sources of this process"
echo
"$rove" wakeup --source self --sample 150 || exit 1

echo
echo "== What it costs, measured now"
echo
"$build/bench/bars" || exit 1
