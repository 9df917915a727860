#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ctrl-C, Ctrl-Z, and a guest that dies: the screen goes on, and leaves nothing behind in the end.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

# ktdbg is the child of the shell in the pane.
program() {
	pgrep -P "$(in_tmux display-message -p '#{pane_pid}')" | head -n 1
}

guests_of() {
	pgrep -P "$1" -f qemu-system
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

run() {
	start "$KTDBG"
	wait_for '^ RUNNING ' 90
	pid=$(program)
	guest=$(guests_of "$pid")
	[ -n "$guest" ] || fail "no QEMU below $pid"
}

ended() { # STATUS
	wait_exit "$1"
	expect_terminal_sane
	wait_until 10 "QEMU $guest is left" is_gone "$guest"
	in_tmux kill-server
}

# Ctrl-C once tells how to quit, twice quits.
run
keys C-c
wait_for 'quit with q, or Ctrl-C again'
keys C-c
ended 130

# QEMU dies: the screen stays, says so, and can boot another.
run
kill -KILL "$guest"
wait_for '^ DEAD '
wait_for '^stale, of guest time .*: .*killed by signal 9'
type_text ':boot'
keys Enter
wait_for '^ RUNNING ' 60
guest=$(guests_of "$pid")
keys q y
ended 0

# A command that takes long shows that it does, and Ctrl-C ends it.
run
type_text ':until rq(0).nr_running > 1000000 timeout 1000s'
keys Enter
wait_for 'until rq.*Ctrl-C interrupts'
keys C-c
wait_gone 'Ctrl-C interrupts'
keys 2
wait_for '^ +PID S CLASS'

keys q y
ended 0

# Stopped and continued, by a shell with job control.
start bash --norc -i
type_text "PS1=:; $KTDBG"
keys Enter
wait_for '^ RUNNING ' 90
keys 2
wait_for '^ +PID S CLASS'
keys C-z
wait_for 'Stopped'
expect_not '^ +PID S CLASS'
type_text fg
keys Enter
wait_for '^ +PID S CLASS'
keys q y
wait_gone '^ +PID S CLASS'
type_text exit
keys Enter
wait_exit 0
