#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dump on the screen: the views of a guest that stands; nothing happens in it.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel
dump=$TEST_DIR/guest.json
"$KTDBG" -e 'spawn @runner workers=3 work=spin comm=busy' -e 'run 1s' -e "dump $dump" >"$TEST_DIR/dump.out" 2>&1 ||
	fail "no dump: $(cat "$TEST_DIR/dump.out")"

start "$KTDBG" --open-dump "$dump"
wait_for '^CPU +BUSY% +CLASS' 60
expect '^ DUMP .* virtual '
expect '^ +[0-9] .* (busy|swapper/[0-9]|ktdbg-agent)'
keys 2
wait_for '^ +PID S CLASS'
type_text /busy
keys Enter
wait_for '^3 of [0-9]+ tasks'
keys Enter
wait_for '^why runs on cpu [0-9]'
keys q
keys 3
wait_for '^CPU 0  runs '
keys 4
wait_gone '^CPU 0  runs '
keys Space
wait_for 'needs a guest, and a dump is one instant of it'
keys :
type_text 'backtrace cpu:0'
keys Enter
wait_for '^task +frame +function'
keys q
keys q
wait_for '\[y/n\]|\[ended'
keys y
wait_exit 0
