#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The views: each by its key, by Tab, by mouse and by command; help; selection; back and quit.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start "$KTDBG"
wait_for '^CPU +BUSY% +CLASS' 90
expect '^ 1 CPUs  2 Tasks  3 Queue  4 Console  5 Recording  6 Ops'
expect '^ +0 .* swapper/0|^ +0 .* (fair|rt|ext|stop) '
expect '^ RUNNING .* (virtual|real) '

keys 2
wait_for '^ +PID S CLASS'
wait_for '^ +1 . rt .*ktdbg-agent'
keys 3
wait_for '^CPU 0  runs '
keys ']'
wait_for '^CPU 1  runs '
keys 4
wait_gone '^CPU 1  runs '
keys 5
wait_for 'kept in memory; .:record start FILE'
keys Tab
wait_for '^CGROUP +LIVES'
keys Tab
wait_for '^CPU +BUSY% +CLASS'
keys BTab
wait_for '^CGROUP +LIVES'
keys BTab
wait_for 'kept in memory'

# A filter as it is typed, the task behind a row, and back.
keys 2
wait_for '^ +PID S CLASS'
type_text /kthreadd
wait_for '^1 of [0-9]+ tasks  /kthreadd'
keys Enter Enter
wait_for '^pid 2  comm kthreadd  state S'
expect 'Task 2 kthreadd'
expect '^why waits for kernel threads to make'
keys q
wait_for '^1 of [0-9]+ tasks'
keys / Escape
wait_for '^[0-9]+ tasks'

# A filter by expression, evaluated in the guest.
keys '&'
type_text 'pid == 1 && rt_priority > 0'
keys Enter
wait_for '^1 of [0-9]+ tasks  .pid == 1'
keys '&' C-u
keys Enter
wait_for '^[0-9]+ tasks$'
keys '&'
type_text 'nonsense('
keys Enter
wait_for 'column [0-9]+'

# click COLUMN ROW, from 0: press and release, in the encoding that this terminal type asks for.
click() {
	local at
	at=$(printf '%b%b' "\\x$(printf %x $(($1 + 33)))" "\\x$(printf %x $(($2 + 33)))")
	type_text $'\e[M '"$at"
	type_text $'\e[M#'"$at"
}

# Sorted by pid, the first row is the agent; by a click on COMM it is not, nor after another.
keys N
wait_for '^ +1 S rt'
click 70 2
wait_gone '^ +1 S rt +.* ktdbg-agent'
# A click on a name in the first line.
click 2 0
wait_for '^CPU +BUSY% +CLASS'

# The keys are those of the tables.
keys '?'
wait_for 'Keys of the view cpus'
expect 'Space +freeze or thaw the guest'
type_text /undo
keys Enter
wait_for '^  undo '
keys q

: 'a view by command, its errors'
type_text ':view task 1'
keys Enter
wait_for '^pid 1  comm ktdbg-agent'
type_text ':view nosuch'
keys Enter
wait_for "no view 'nosuch'; there are cpus, tasks, queue, console, recording"
keys Escape 1

keys q
wait_for 'Quit and end the guest\? \[y/n\]'
keys n
wait_gone 'Quit and end'
keys q y
wait_exit 0
expect_terminal_sane
