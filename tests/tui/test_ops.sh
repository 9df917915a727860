#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ops view: cgroups and workers as they are, ops by their forms, the steps of a scenario; and what was
# done there replays.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel
recording=$TEST_DIR/session.ktdbg

start "$KTDBG" --record "$recording"
wait_for 'RUNNING' 120
keys 6
wait_for '^CGROUP +LIVES +WORKERS'
wait_for '^@runner'
expect 'Scenario  none'

# A form: one field at a time, completed, then run.
keys a
wait_for '^cgroup add: make a cgroup'
wait_for 'NAME +a new cgroup; a/b lies in a \(needed\)'
keys r
wait_for 'NAME is needed'
keys Enter
wait_for '^NAME:'
type_text 'web'
keys Enter
wait_for '^:cgroup add web$'
keys Down Enter
wait_for '^weight:'
type_text '300'
keys Enter
wait_for '^:cgroup add web weight=300$'
keys r
wait_for '^  web .* 300'

# The list of ops, and the cgroup under the cursor in its place; Tab completes as in the command.
keys Down o
wait_for 'Ops: Enter opens the form'
keys Down
keys Enter
wait_for '^spawn: start workers'
expect 'NAME +web'
keys Down Down Enter
wait_for '^work:'
type_text 'yi'
keys Tab
wait_for '^work: yield'
keys Enter
wait_for '^:spawn web work=yield$'
keys r
wait_for 'web,0 pid [0-9]+ yield'
wait_for '^  web +session +1 '

# A step, typed as lines; the result stays in the lower half.
keys :
type_text 'step hold=50ms'
keys Enter
wait_for 'step>'
type_text 'def short workers=2 work=spin'
keys Enter
wait_for 'step>$'
type_text 'end'
keys Enter
wait_for 'short +step +2'
keys Escape
wait_for '^ +1 hold .* held'
expect '^  web +session +1 '
expect_not '^  short'
keys q
wait_for '\[y/n\]'
keys y
wait_exit 0

grep -q '\] cgroup add web weight=300$' "$recording" || fail "no form's command in: $(cat "$recording")"
grep -q '\] step hold=50ms$' "$recording" || fail "no step in: $(cat "$recording")"
said=$(timeout 100 "$KTDBG" --batch "$recording" 2>&1) || fail "$said"
case $said in
*'not ok'*) fail "$said" ;;
esac
