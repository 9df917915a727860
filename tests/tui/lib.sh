# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Drives the real program in a tmux of a test's own, at a fixed size. Sourced by tests/tui/test_*.sh:
#
#   start [-s COLUMNSxROWS] COMMAND...   run it (80x24); its tmux server ends with the test
#   keys KEY...                          press keys, by tmux's names (Enter, Space, C-c, F1, x)
#   type_text TEXT                       type a text as it is
#   wait_for REGEX [SECONDS]             until a line of the screen matches; fails after 30 s
#   wait_gone REGEX [SECONDS]            until no line matches
#   wait_exit STATUS [SECONDS]           until the program has ended, with that status
#   expect REGEX / expect_not REGEX      about the screen as it is now
#   expect_terminal_sane                 after the end: echo and line mode are back, no alternate screen
#   stop                                 end the terminal, before another start
#   resize COLUMNS ROWS
#   screen                               the text on the screen
#
# There are no fixed pauses: a test waits for what it needs to see. What is waited for must not be on the
# screen before the key that makes it appear.
set -u

: "${KTDBG:?is the path of the program under test}"
: "${TEST_DIR:=$(mktemp -d)}"
export LC_ALL=C.UTF-8
unset TMUX
tmux_socket=$TEST_DIR/tmux.socket
# A socket's path has room for 107 bytes only.
if [ ${#tmux_socket} -gt 100 ]; then
	tmux_folder=$(mktemp -d /tmp/ktdbg-tui-XXXXXX)
	tmux_socket=$tmux_folder/s
fi

in_tmux() {
	tmux -u -S "$tmux_socket" -f "$TEST_DIR/tmux.conf" "$@"
}

printf '%s\n' 'set -g status off' 'set -g default-terminal screen-256color' 'set -s escape-time 0' \
	>"$TEST_DIR/tmux.conf"

server_is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# End the tmux server, and with it whatever runs in it: only then another one may use its socket.
stop() {
	local server
	server=$(in_tmux display-message -p '#{pid}' 2>/dev/null)
	in_tmux kill-server 2>/dev/null
	[ -z "$server" ] || wait_until 10 'the tmux server does not end' server_is_gone "$server"
}

cleanup() {
	in_tmux kill-server 2>/dev/null
	rm -rf "${tmux_folder:-}"
}
trap cleanup EXIT

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "failed: $*"
	echo "--- the screen:"
	screen
	exit 1
}

# There is no guest without a kernel.
need_kernel() {
	local image
	for image in "${XDG_CACHE_HOME:-$HOME/.cache}"/ktdbg/kernels/*/vmlinuz; do
		[ -f "$image" ] && return 0
	done
	skip 'no kernel in the cache: ktdbg kernel fetch'
}

# The first session of a server; one that was just killed may still be on its way out.
new_session() {
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		in_tmux new-session -d "$@" 2>"$TEST_DIR/tmux.log" && return 0
		read -r -t "0.$try" <>"$TEST_DIR/never"
	done
	cat "$TEST_DIR/tmux.log"
	return 1
}

start() {
	local size=80x24
	if [ "$1" = -s ]; then
		size=$2
		shift 2
	fi
	rm -f "$TEST_DIR/stty" "$TEST_DIR/status"
	# After the program has ended its screen stays, so that what it left behind can be looked at.
	# shellcheck disable=SC2016 # expanded by the shell inside
	new_session -x "${size%x*}" -y "${size#*x}" \
		bash -c 'folder=$1; shift; "$@"; status=$?; stty -a >"$folder/stty"
			echo $status >"$folder/status"; printf "[ended %d]\n" $status; read -r _' \
		- "$TEST_DIR" "$@" ||
		fail 'tmux does not start'
}

keys() {
	in_tmux send-keys "$@"
}

type_text() {
	in_tmux send-keys -l -- "$1"
}

resize() {
	in_tmux resize-window -x "$1" -y "$2"
}

screen() {
	in_tmux capture-pane -p 2>/dev/null
}

# wait_until SECONDS WHAT COMMAND...: poll until the command succeeds.
wait_until() {
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ $SECONDS -lt $deadline ] || fail "$what"
		read -r -t 0.05 <>"$TEST_DIR/never"
	done
	return 0
}
[ -p "$TEST_DIR/never" ] || mkfifo "$TEST_DIR/never"

matches() {
	screen | grep -qE -- "$1"
}

matches_not() {
	! matches "$1"
}

has_ended() {
	[ -s "$TEST_DIR/status" ]
}

wait_for() {
	wait_until "${2:-30}" "no line matches: $1" matches "$1"
}

wait_gone() {
	wait_until "${2:-30}" "a line still matches: $1" matches_not "$1"
}

wait_exit() {
	wait_until "${2:-30}" 'the program did not end' has_ended
	[ "$(cat "$TEST_DIR/status")" = "$1" ] || fail "exit status $(cat "$TEST_DIR/status"), not $1"
}

expect() {
	matches "$1" || fail "no line matches: $1"
}

expect_not() {
	matches_not "$1" || fail "a line matches: $1"
}

expect_terminal_sane() {
	grep -qw -- '-echo' "$TEST_DIR/stty" && fail 'echo is off'
	grep -qw -- '-icanon' "$TEST_DIR/stty" && fail 'line mode is off'
	[ "$(in_tmux display-message -p '#{alternate_on}')" = 0 ] || fail 'the alternate screen is on'
	[ "$(in_tmux display-message -p '#{mouse_any_flag}')" = 0 ] || fail 'mouse reports are on'
	[ "$(in_tmux display-message -p '#{cursor_flag}')" = 1 ] || fail 'the cursor is hidden'
}
