# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py SCHEMA DUMP KTDBG: the dump is of the schema; copies of it with one thing wrong are refused, by file and place."""
import copy
import json
import random
import subprocess
import sys

import jsonschema

BAD = "bad.json"
HOSTILE = [None, True, -1, 0, 1, 2**63, 2**64 - 1, 2**70, 1e300, "", "x", "\u0000", [], [0], [-1, 1], [[0, 0]], [[0, 2**40]],
           [[2**63, 2]], [[5, 1], [4, 1]], {}, {"a": 1}]


def opened(ktdbg):
    return subprocess.run([ktdbg, "--open-dump", BAD, "-e", "cpus", "-e", "tasks", "-e", "backtrace all"], capture_output=True,
                          text=True, errors="replace", timeout=120)


def judge(ktdbg, what, must_fail):
    done = opened(ktdbg)
    if done.returncode < 0 or done.returncode not in (0, 1, 3):
        sys.exit(f"{what}: exit status {done.returncode}: {done.stderr}")
    if must_fail and (done.returncode != 3 or BAD + ": " not in done.stderr):
        sys.exit(f"{what}: not refused: {done.returncode}: {done.stderr}")


def write(text):
    with open(BAD, "w", encoding="utf-8") as f:
        f.write(text)


def small(dump):
    """The same with few answers: what is wrong is looked for elsewhere."""
    dump = copy.deepcopy(dump)
    dump["answers"] = {"changes": dump["answers"]["changes"]}
    return dump


def members(dump):
    for name in dump:
        if name not in ("ktdbg", "answers", "history", "freeze", "late_pages"):
            yield (name,)
    for name in dump["machine"]:
        yield ("machine", name)
    for name in ("runs", "coding", "data"):
        yield ("memory", name)
    yield ("registers", 0)
    yield ("registers", 0, 3)
    yield ("machine", "segments", 0)
    yield ("memory", "runs", 1)


def main():
    schema, path, ktdbg = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    dump = json.loads(text)
    with open(schema, encoding="utf-8") as f:
        jsonschema.validate(dump, json.load(f))
    errors = {line: rows for line, rows in dump["answers"].items() if any("error" in row for row in rows)}
    if errors:
        sys.exit(f"answers with errors: {errors}")

    # Without its pages a dump is cheap to open: most of what is wrong is found before them.
    dump = small(dump)
    light = copy.deepcopy(dump)
    light["memory"]["runs"] = []
    chance = random.Random(7)
    for place in members(light):
        for value in chance.sample(HOSTILE, 3):
            bad = copy.deepcopy(dump if place == ("memory", "runs", 1) else light)
            inside = bad
            for step in place[:-1]:
                inside = inside[step]
            inside[place[-1]] = value
            write(json.dumps(bad))
            judge(ktdbg, f"{place} = {value}", False)
        if isinstance(place[-1], str):
            bad = copy.deepcopy(light)
            inside = bad
            for step in place[:-1]:
                inside = inside[step]
            del inside[place[-1]]
            write(json.dumps(bad))
            judge(ktdbg, f"no {place}", True)
    whole = json.dumps(light)
    for _ in range(20):
        write(whole[:chance.randrange(len(whole) - 1)])
        judge(ktdbg, "cut off", True)
    # Pages that say something else than the kernel did.
    data = dump["memory"]["data"]
    for _ in range(6):
        at = chance.randrange(len(data) - 100)
        dump["memory"]["data"] = data[:at] + "".join(chance.choices("ABCDabcd0123", k=64)) + data[at + 64:]
        write(json.dumps(dump))
        judge(ktdbg, f"other bytes at {at}", False)
    dump["memory"]["data"] = data[:len(data) // 2 // 4 * 4]
    write(json.dumps(dump))
    judge(ktdbg, "half of the pages", True)


main()
