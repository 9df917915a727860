#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was done on the screen replays unedited; an edited value fails with a diff, a bad line by its place.
# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel
recording=$TEST_DIR/session.ktdbg

start "$KTDBG" --record "$recording"
wait_for 'RUNNING' 120
keys Space
wait_for '^ FROZEN'
keys :
type_text 'read symbol jiffies_64'
keys Enter
wait_for 'u64 [0-9]+'
keys Space
wait_for '^ RUNNING'
keys Space
wait_for '^ FROZEN'
keys :
type_text 'read percpu runqueues.nr_switches cpu 1 as switches'
keys Enter
wait_for 'switches u64 [0-9]+'
keys :
type_text 'view recording'
keys Enter
wait_for "recording to $recording"
# By the lines of the file.
expect "^ *$(grep -n ' read symbol jiffies_64' "$recording" | cut -d: -f1)  \[[0-9.]+\] read symbol jiffies_64"
keys q
keys q
wait_for '\[y/n\]|\[ended'
keys y
wait_exit 0
cat "$recording"
grep -q '^\[[0-9.]*\] freeze$' "$recording" || fail 'the freeze is not in the recording'

# batch STATUS FILE: replay, with its output in $said.
batch() {
	said=$(timeout 100 "$KTDBG" --batch "$2" 2>&1)
	status=$?
	[ $status -eq "$1" ] || fail "exit status $status, not $1: $said"
}

batch 0 "$recording"
case $said in
*'not ok'*) fail "$said" ;;
*'ok 1'*) ;;
*) fail "no test in: $said" ;;
esac

sed -E 's/^(  \| (read )?.*u64 )([0-9]+)$/\17\3/' "$recording" >"$TEST_DIR/edited.ktdbg"
cmp -s "$recording" "$TEST_DIR/edited.ktdbg" && fail 'nothing to edit'
batch 1 "$TEST_DIR/edited.ktdbg"
case $said in
*'not ok 1'*u64*) ;;
*) fail "no diff in: $said" ;;
esac

lines=$(wc -l <"$recording")
{
	cat "$recording"
	echo 'no-such-command here'
} >"$TEST_DIR/bad.ktdbg"
batch 2 "$TEST_DIR/bad.ktdbg"
case $said in
*"bad.ktdbg:$((lines + 1)):"*) ;;
*) fail "no file:line in: $said" ;;
esac
: >"$TEST_DIR/empty.ktdbg"
batch 2 "$TEST_DIR/empty.ktdbg"

# A file that may not grow is as a full disk: said on the screen, and the session goes on.
start "$KTDBG" --record "$TEST_DIR/limited.ktdbg"
wait_for 'RUNNING' 120
keys Space
wait_for '^ FROZEN'
prlimit --pid "$(pgrep -nf "record $TEST_DIR/limited.ktdbg$")" --fsize=1000
for _ in 1 2 3 4 5 6 7 8 9 10; do
	keys :
	type_text 'read symbol jiffies_64'
	keys Enter
done
wait_for 'ends here: cannot write: File too large'
keys :
type_text 'print 6 * 7'
keys Enter
wait_for '^42|[^0-9]42( |$)'
keys Q
wait_for '\[y/n\]|\[ended'
keys y
wait_exit 0
"$KTDBG" recording check "$TEST_DIR/limited.ktdbg" || fail 'what is left is no recording'
grep -q '^\[[0-9.]*\] freeze$' "$TEST_DIR/limited.ktdbg" || fail 'the freeze is lost'
