#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tests/kernel/guest-all.sh - in the guest: every scene that one boot is enough for

/guest/guest-wakeup.sh all || exit
[ ! -x /guest/guest-dmabuf.sh ] || /guest/guest-dmabuf.sh all
