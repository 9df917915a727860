#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the drgn programs that --as-drgn prints, and compare their answers with ktdbg's own.

usage: as_drgn.py CORE VMLINUX JSON_LINES SCRIPT...

CORE, JSON_LINES and the scripts come from one ktdbg run that holds the guest all the while:
    ktdbg -e 'dump CORE' -e scx -e 'task 1' --json > JSON_LINES
    ktdbg -e 'scx --as-drgn' > scx.py; ktdbg -e 'task 1 --as-drgn' > task.py
(a machine that is started again stands at the same instant under the virtual clock). A script
answers when it gives every key of one of the records. Prints one line per difference and a count;
exits 1 when there is any.
"""
import json
import subprocess
import sys


def answer(core, vmlinux, script):
    run = subprocess.run(["drgn", "-q", "-c", core, "-s", vmlinux, script],
                         stdout=subprocess.PIPE, text=True, check=True)
    pairs = {}
    for line in run.stdout.splitlines():
        if line.startswith(("\t", "}")) or " = (" in line:
            continue
        key, _, value = line.partition(" ")
        pairs[key] = value.strip()
    return pairs


def as_text(value):
    if value is None:
        return {"<absent>", "-"}
    if isinstance(value, bool):
        return {"yes" if value else "no"}
    if isinstance(value, int):
        return {str(value), hex(value)}
    return {str(value)}


def differences(script, theirs, record):
    for key, value in record.items():
        if key not in theirs:
            yield f"{script} {key}: drgn does not say"
        elif theirs[key] not in as_text(value):
            yield f"{script} {key}: drgn {theirs[key]!r}, ktdbg {value!r}"


def main(core, vmlinux, lines, *scripts):
    records = [json.loads(line) for line in open(lines)]
    records = [r for r in records if "state" in r]
    wrong = [] if len(records) == len(scripts) else ["not one record for each script"]
    compared = 0
    for script, record in zip(scripts, records):
        wrong += differences(script, answer(core, vmlinux, script), record)
        compared += len(record)
    for line in wrong:
        print(line)
    print(f"{compared} values, {len(wrong)} differences")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
