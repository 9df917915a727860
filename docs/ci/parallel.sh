#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A suite of recordings divided into N parts by GNU parallel, here or on other hosts:
#
#   docs/ci/parallel.sh 4 tests/recordings
#   PARALLEL='--sshlogin one,two --workdir .' docs/ci/parallel.sh 4 tests/recordings
#
# parallel tells each of its jobs which one it is (PARALLEL_SEQ), but not of how many: --shard has that.
# The exit status is the number of parts that failed.
set -eu

parts=${1:?usage: parallel.sh PARTS PATH...}
shift
results=${KTDBG_RESULTS:-results}
mkdir -p "$results"
seq "$parts" | parallel --quote --keep-order --max-procs 2 \
	"${KTDBG:-ktdbg}" --batch --jobs 1 --shard "$parts" \
	--junit "$results/part-{}.xml" --artifacts "$results/artifacts" "$@"
