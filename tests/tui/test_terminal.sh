#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# However the program ends, the terminal is as it was and no QEMU is left.

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

run
kill -SEGV "$pid"
ended 139

run
kill -ABRT "$pid"
ended 134

run
kill -TERM "$pid"
ended 130

run
kill -KILL "$pid"
wait_exit 137
wait_until 10 "QEMU $guest is left" is_gone "$guest"
in_tmux kill-server

# Ctrl-C once tells how to quit, twice quits.
run
keys C-c
wait_for 'quit with q, or Ctrl-C again'
keys C-c
ended 130

# The terminal is closed.
run
in_tmux kill-server
wait_until 10 "ktdbg $pid is left" is_gone "$pid"
wait_until 10 "QEMU $guest is left" is_gone "$guest"

# QEMU dies: the screen stays, says so, and can boot another.
run
kill -KILL "$guest"
wait_for '^ DEAD '
expect 'the guest is gone: '
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

# Stopped and continued.
keys C-z
wait_gone '^ +PID S CLASS'
kill -CONT "$pid"
wait_for '^ +PID S CLASS'
keys q y
ended 0
