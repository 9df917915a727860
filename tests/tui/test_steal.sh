#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The view of steal: two vCPUs on one host CPU, what is taken of each second by second.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start -s 130x24 "$KTDBG" --cpu-budget 1 --topology 1n1l2c1t
wait_for '^CPU +BUSY% +CLASS' 90
type_text ':spawn @runner workers=2 work=spin'
keys Enter
wait_for 'spin-1' 60
type_text ':view steal'
keys Enter
wait_for '^ +CPU +GUEST +HOST DILATION.*source: bridge' 60
# Both are robbed, and the guest says so too.
wait_for '^ +0 +[1-9][0-9.]*% +[1-9][0-9.]*% +[1-9][0-9]*\.[0-9][0-9] +[a-z]+ +[0-9]+ [0-9]+ .*[▁▂▃▄▅▆▇█]' 60
wait_for '^ +1 +[1-9][0-9.]*% +[1-9][0-9.]*% ' 60
type_text ':quit'
keys Enter
wait_exit 0 60
expect_terminal_sane
