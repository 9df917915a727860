#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The screen: its views, freezing, the `:` line, help, resizing, the end.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start -s 100x30 "$KTDBG"
wait_for 'RUNNING' 120
wait_for '^ *CPU .*CURRENT'
expect '^ *3 .*(swapper/3|[a-z])'

keys 2
wait_for '^ *PID .*COMM'
wait_for '^ +1 .* ktdbg-agent'

# Frozen: the time stands.
keys Space
wait_for '^ FROZEN +[0-9.]+s'
frozen=$(screen | grep -oE 'FROZEN +[0-9.]+s')
keys 1
wait_for '^ *CPU .*CURRENT'
expect "$frozen"

# A command from the `:` line, and one that is none.
keys :
wait_for '^:'
type_text 'print 40 + 2'
keys Enter
wait_for '^42'
keys :
type_text 'frx'
keys Enter
wait_for "no command 'frx'"

# Task 1 in detail, and back.
keys 2
wait_for '^ *PID .*COMM'
keys 3
wait_for '^CPU 0 +runs'
keys 4
wait_gone '^CPU 0 +runs'
keys 5
wait_for '[Rr]ecord'

keys '?'
wait_for 'Space'
keys Escape
wait_for 'Help'

# Too small, and large again.
resize 60 20
wait_for 'window too small: 80x24 needed'
resize 80 24
wait_gone 'window too small'
expect '^ FROZEN'
resize 200 50
wait_for '^ FROZEN'

keys Space
wait_for '^ RUNNING'
keys q
wait_for '\[y/n\]'
keys y
wait_exit 0
expect_terminal_sane
