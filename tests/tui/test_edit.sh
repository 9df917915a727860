#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fields of a task: open, search, edit through `write`, undo; what changed is shown.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start "$KTDBG"
wait_for '^ RUNNING ' 90
keys Space
wait_for '^ FROZEN'
type_text ':view task 2'
keys Enter
wait_for '^pid 2  comm kthreadd'
expect '__state +1 +unsigned int'

# A struct opens and closes.
type_text /scx
keys Enter
wait_for ' scx +\{\.\.\.\}'
keys Enter
wait_for '^ +dsq_vtime +[0-9]+ +u64|^ +dsq +NULL|^  . dsq +NULL'
keys Left
wait_gone '^  . dsq +NULL'

# A member of a closed struct is found by its name.
type_text /dsq_vtime
keys Enter
wait_for '^ +dsq_vtime +[0-9]+ +u64'

# Enter prepares the command. This task is of the fair class, so its writes have to be forced.
keys Enter
wait_for '^:write task 2 scx\.dsq_vtime [0-9]+$'
keys C-w
type_text 2592000000000000
keys Enter
wait_for '^L6: '
keys : Up C-a
wait_for '^:write task 2 scx\.dsq_vtime 2592000000000000$'
keys Right Right Right Right Right Right
type_text '--force L6 '
keys Enter
wait_for '^u64 [0-9]+ -> 2592000000000000'
expect '^ +dsq_vtime +2592000000000000 +u64'
type_text ':undo'
keys Enter
wait_for '^ +dsq_vtime +0 +u64|^ +dsq_vtime +[0-9]{1,12} +u64'

# An unknown field is named, on the last line.
type_text ':read task 2 nosuchfield'
keys Enter
wait_for 'nosuchfield'
keys 5
wait_for '^[0-9]+ +\[[0-9.]+\] write task 2 scx\.dsq_vtime 2592000000000000'
expect '^[0-9]+ +\[[0-9.]+\] write --force L6 task 2 scx\.dsq_vtime 2592000000000000'
expect '^[0-9]+ +\[[0-9.]+\] undo'
keys q y
wait_exit 0
expect_terminal_sane
