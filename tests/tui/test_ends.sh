#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# However the program ends, the terminal is as it was and no QEMU is left.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

# The program in this test's tmux: a child of the shell in its pane.
program() {
	pgrep -P "$(in_tmux display-message -p '#{pane_pid}')" -f "$KTDBG" | head -n 1
}

# Child processes of a pid that are QEMU.
qemu_of() {
	pgrep -P "$1" qemu
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# ends_by SIGNAL STATUS: open the screen, end it by a signal, look at what is left.
ends_by() {
	local pid qemu
	start "$KTDBG"
	wait_for 'RUNNING' 120
	pid=$(program)
	[ -n "$pid" ] || fail 'where is the program?'
	qemu=$(qemu_of "$pid")
	[ -n "$qemu" ] || fail 'where is QEMU?'
	kill "-$1" "$pid"
	wait_exit "$2"
	wait_until 10 "QEMU is left after $1" gone "$qemu"
	if [ "$1" != KILL ]; then expect_terminal_sane; fi
	stop
}

ends_by TERM 130
ends_by SEGV 139
ends_by ABRT 134
ends_by KILL 137

# The terminal closes.
start "$KTDBG"
wait_for 'RUNNING' 120
pid=$(program)
qemu=$(qemu_of "$pid")
stop
wait_until 10 'the program outlives its terminal' gone "$pid"
wait_until 10 'QEMU outlives the terminal' gone "$qemu"

# QEMU dies under a frozen screen: said, and the screen stays.
start "$KTDBG"
wait_for 'RUNNING' 120
keys Space
wait_for '^ FROZEN'
kill -KILL "$(qemu_of "$(program)")"
wait_for 'killed by signal 9'
keys q
wait_until 10 'it does not end' sh -c "test -s '$TEST_DIR/status' || { tmux -S '$tmux_socket' send-keys y; false; }"
expect_terminal_sane
