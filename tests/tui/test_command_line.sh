#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The `:` line: completion, history, results of one line and of many, errors.

# shellcheck source=tests/tui/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

start "$KTDBG"
wait_for '^ RUNNING ' 90

# One candidate is put in, several are listed.
keys :
type_text free
keys Tab
wait_for '^:freeze ?$'
keys C-u
type_text s
keys Tab
wait_for '^ save-screen .*sched'
keys C-u
type_text 'read percpu runq'
keys Tab
wait_for '^:read percpu runqueues'
keys Escape
wait_gone '^:read'

# One line of result stays on the screen's last line; the next key takes it away.
type_text ':print 6 * 7'
keys Enter
wait_for '^42'
keys j
wait_gone '^42'

# More becomes a view.
type_text ':status'
keys Enter
wait_for 'Output status'
expect '^guest +thawed'
keys q
wait_gone 'Output status'

# History, newest first, also in the next session.
keys : Up
wait_for '^:status$'
keys Up
wait_for '^:print 6 \* 7$'
keys Escape

# An error says what would have been right.
type_text ':frobnicate'
keys Enter
wait_for "^no command 'frobnicate'"
type_text ':print nosuchsymbol_'
keys Enter
wait_for 'nosuchsymbol_'
keys Escape

# A message that is longer than the line is broken, not cut.
type_text ':spawn @runner workers=1 work=nosuchwork'
keys Enter
wait_for '^unknown work type nosuchwork'
expect ' RUNNING '
expect 'cgroup-attach-storm$'
keys Escape
wait_gone '^unknown work type'

# A block is asked for line by line.
type_text ':batch'
keys Enter
wait_for '^batch>$'
type_text 'read symbol jiffies_64 as j'
keys Enter
wait_for '^batch>$'
type_text 'end'
keys Enter
wait_for '^j u64 [0-9]+'

# Ctrl-C closes the line; a watched expression stays in sight.
keys :
type_text abc
wait_for '^:abc'
keys C-c
wait_gone '^:abc'
type_text ':watch rq(0).nr_running + 1000'
keys Enter
wait_for '^rq\(0\)\.nr_running \+ 1000 = 100[0-9]'
type_text ':watch'
keys Enter
wait_gone '^rq\(0\)\.nr_running'

# What is seen can be kept.
type_text ":save-screen $TEST_DIR/saved"
keys Enter
wait_until 10 'no file was written' test -s "$TEST_DIR/saved"
grep -qE '^CPU +BUSY%' "$TEST_DIR/saved" || fail "the saved screen: $(cat "$TEST_DIR/saved")"

keys q y
wait_exit 0
expect_terminal_sane

start "$KTDBG"
wait_for '^ RUNNING ' 90
keys : Up
wait_for "^:save-screen $TEST_DIR/saved"
keys C-c
wait_gone '^:save-screen'
keys q y
wait_exit 0
