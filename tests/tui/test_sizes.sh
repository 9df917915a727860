#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sizes: too small, back again, and large.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start "$KTDBG"
wait_for '^ RUNNING ' 90
resize 79 24
wait_for 'window too small: 80x24 needed'
resize 80 23
wait_for 'window too small: 80x24 needed'
resize 20 3
wait_for 'window too small'
resize 1 1
resize 80 24
wait_for '^CPU +BUSY% +CLASS'
wait_for '^ RUNNING '
keys 2
wait_for '^ +PID S CLASS'
expect_not TGID

# More columns and rows where there is room.
resize 300 90
wait_for '^ +PID +TGID S CLASS POLICY .*DSQ_VTIME .*TASK_STRUCT'
[ "$(screen | grep -cE '^ +[0-9]+ +[0-9]+ [A-Z] ')" -gt 50 ] || fail 'rows are missing at 300x90'
resize 80 24
wait_gone TGID
keys q y
wait_exit 0
expect_terminal_sane
