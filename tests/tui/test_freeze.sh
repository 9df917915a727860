#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Space freezes and thaws: guest time stands, the picture stays, steps move it by what they say.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

guest_time() {
	screen | sed -nE 's/^ FROZEN +([0-9]+\.[0-9]+)s .*/\1/p'
}

start "$KTDBG" --clock virtual
wait_for '^ RUNNING ' 90
keys Space
wait_for '^ FROZEN +[0-9]+\.[0-9]{9}s'
expect '^frozen at [0-9.]+'
before=$(guest_time)
wait_for '^ FROZEN'
type_text ':run 2500us'
keys Enter
wait_gone "^ FROZEN +${before//./\\.}s"
after=$(guest_time)
[ "$(awk -v a="$after" -v b="$before" 'BEGIN { printf "%.0f", (a - b) * 1e6 }')" = 2500 ] ||
	fail "run 2500us went from $before to $after"

# The key for one millisecond.
keys .
wait_gone "^ FROZEN +${after//./\\.}s"
later=$(guest_time)
[ "$(awk -v a="$later" -v b="$after" 'BEGIN { printf "%.0f", (a - b) * 1e6 }')" = 1000 ] ||
	fail "a step went from $after to $later"

# Nothing moves while nothing runs.
type_text ':print time'
keys Enter
wait_for '^[0-9]+'
[ "$(guest_time)" = "$later" ] || fail "time moved while frozen: $later, then $(guest_time)"

keys Space
wait_for '^ RUNNING'
# All of that was recorded, as the commands that it was.
keys 5
wait_for '^[0-9]+ +\[[0-9.]+\] freeze'
expect '^[0-9]+ +\[[0-9.]+\] run 2500us'
expect '^[0-9]+ +\[[0-9.]+\] run 1ms'
expect '^[0-9]+ +\[[0-9.]+\] thaw'
type_text ':quit'
keys Enter
wait_exit 0
expect_terminal_sane
