#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A suite of recordings divided among the members of a Slurm array:
#
#   sbatch docs/ci/slurm-array.sh tests/recordings
#
# ktdbg takes its part from SLURM_ARRAY_TASK_ID and _COUNT and says so in its report. The array's size
# is free; each member needs one CPU for each of its --jobs.
#SBATCH --job-name=ktdbg
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=00:30:00
#SBATCH --output=ktdbg-%A-%a.tap
set -eu

results=${KTDBG_RESULTS:-results}/${SLURM_ARRAY_JOB_ID:-0}
mkdir -p "$results"
exec "${KTDBG:-ktdbg}" --batch --jobs "${SLURM_CPUS_PER_TASK:-1}" \
	--junit "$results/part-${SLURM_ARRAY_TASK_ID:-1}.xml" \
	--artifacts "$results/artifacts" "$@"
