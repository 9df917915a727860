#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Colours, NO_COLOR, --ascii, the mouse.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

with_attributes() {
	in_tmux capture-pane -e -p
}

has_colours() {
	with_attributes | grep -qE $'\033\\[[0-9;]*(3|4|9)[0-7]'
}

ends() {
	keys q
	wait_for '\[y/n\]|\[ended'
	keys y
	wait_exit 0
	stop
}

start "$KTDBG"
wait_for 'RUNNING' 120
wait_until 10 'no colours' has_colours
# A click on the second tab: press and release at column 10, row 1 (SGR mouse reports).
type_text $'\033[<0;10;1M'
type_text $'\033[<0;10;1m'
wait_for '^ *PID .*COMM'
ends

start env NO_COLOR=1 "$KTDBG" --ascii
wait_for 'RUNNING' 120
wait_for '^ *CPU .*CURRENT'
has_colours && fail 'colours in spite of NO_COLOR'
for view in 1 2 3 4 5; do
	keys $view
	wait_for "RUNNING"
	screen | LC_ALL=C grep -q '[^ -~]' && fail "view $view is not ASCII under --ascii"
done
ends
