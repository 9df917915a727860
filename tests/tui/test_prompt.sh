#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The plain prompt: errors, history, completion, Ctrl-C, the end.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start "$KTDBG" --plain
wait_for '^ktdbg \[[0-9.]+\]> *$' 120

type_text 'frz'
keys Enter
wait_for "no command 'frz'"

type_text 'freeze'
keys Enter
wait_for '^ktdbg \[[0-9.]+ frozen\]> *$'

# A unique rest is completed; the value is read at once.
type_text 'print jiffies_6'
keys Tab
wait_for 'frozen\]> print jiffies_64'
keys Enter
wait_for '^[0-9]{9,}$'

# History.
type_text 'print 40 + 2'
keys Enter
wait_for '^42$'
keys C-l
wait_gone '^42$'
keys Up Enter
wait_for '^42$'

# Ctrl-C drops the line, not the program.
type_text 'print 1000 + 1'
keys C-c
type_text 'print 1000 + 2'
keys Enter
wait_for '^1002$'
expect_not '^1001$'

keys C-d
wait_exit 0
expect_terminal_sane

# Without a terminal it reads lines and shows no colours or cursor moves.
said=$(printf 'print 6 * 7\nquit\n' | timeout 60 "$KTDBG" 2>&1)
case $said in
*42*) ;;
*) fail "no 42 from standard input: $said" ;;
esac
case $said in
*$'\033'*) fail 'control sequences without a terminal' ;;
esac
