#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads TAP 14 strictly and prints a line for each test point: NUMBER ok|not-ok OUTCOME NAME.

usage: tap.py FILE; exit status 1 and a reason when the file is not valid TAP with YAML diagnostics.
As a module: read(FILE), the points as (number, passed, diagnostics, name).
"""
import re
import sys

import yaml


def fail(number, why):
    sys.exit(f"TAP, line {number}: {why}")


def unescape(text):
    return re.sub(r"\\([#\\])", r"\1", text)


def read(path):
    lines = open(path, encoding="utf-8").read().split("\n")
    if lines[0] != "TAP version 14":
        fail(1, "no version line")
    plan = re.fullmatch(r"1\.\.(\d+)", lines[1]) or fail(2, "no plan")
    points, at = [], 2
    while at < len(lines):
        line = lines[at]
        point = re.fullmatch(r"(not )?ok (\d+) - ((?:[^#\\]|\\[#\\])*)", line)
        if point:
            points.append([int(point[2]), not point[1], {}, unescape(point[3])])
        elif line == "  ---":
            if not points or not re.match(r"(not )?ok ", lines[at - 1]):
                fail(at + 1, "diagnostics without a test point")
            end = next((i for i in range(at, len(lines)) if lines[i] == "  ..."), None)
            if end is None:
                fail(at + 1, "diagnostics without an end")
            block = yaml.safe_load("\n".join(text[2:] for text in lines[at + 1:end]))
            if not isinstance(block, dict) or not {"message", "severity", "outcome", "file"} <= set(block):
                fail(at + 1, "diagnostics lack a member")
            points[-1][2] = block
            at = end
        elif line and not line.startswith("#"):
            fail(at + 1, f"what is this: {line!r}")
        at += 1
    if [point[0] for point in points] != list(range(1, int(plan[1]) + 1)):
        fail(2, f"the plan is {plan[1]}, the points are {[point[0] for point in points]}")
    for number, passed, diagnostics, _ in points:
        if not passed and not diagnostics:
            fail(2, f"point {number} failed without diagnostics")
    return points


def main():
    for number, passed, diagnostics, name in read(sys.argv[1]):
        outcome = diagnostics.get("outcome", "passed").replace(" ", "-")
        print(number, "ok" if passed else "not-ok", outcome, name)


if __name__ == "__main__":
    main()
