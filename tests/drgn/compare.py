#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what ktdbg says of a frozen guest with what drgn reads from the same instant, cell by cell.

usage: compare.py CORE JSON_LINES IMAGE [VMLINUX]

CORE and JSON_LINES come from one ktdbg run with --json that holds the guest all the while. Each command's answer
stands behind `print "answer: COMMAND"`, and behind the last one is `print "answer: "`. Without a VMLINUX with DWARF drgn takes the types from the BTF in the
core, and walks stacks by the tables in IMAGE (image.py). Every cell of every row is compared, in order; one that drgn does not know of counts as a difference.
An answer to COMMAND --as-drgn is run, and compared with the one to COMMAND before it.
Prints the differences and the sums; exits 1 when there is any.
"""
import json
import sys

import drgn

import as_drgn
import btf
import says
import stacks

MARK = "answer: "
SHOWN = 60


def answers(path):
    """(command, rows) in the order of the file."""
    command, rows = None, []
    for line in open(path):
        row = json.loads(line)
        mark = str(row.get("value", "")) if "expression" in row else ""
        if not mark.startswith(MARK):
            rows.append(row)
            continue
        if command:
            yield command, rows
        command, rows = mark[len(MARK):], []


def row_differences(place, theirs, ours):
    for key in theirs.keys() | ours.keys():
        if key not in ours:
            yield f"{place} {key}: drgn {theirs[key]!r}, ktdbg does not say"
        elif key not in theirs:
            yield f"{place} {key}: ktdbg {ours[key]!r}, drgn does not say"
        elif theirs[key] != ours[key] or isinstance(theirs[key], bool) != isinstance(ours[key], bool):
            yield f"{place} {key}: drgn {theirs[key]!r}, ktdbg {ours[key]!r}"


def by_address(command, rows):
    """Tasks are listed in another order, and so are groups; all else has an order that matters."""
    return sorted(rows, key=lambda row: row["address"]) if command in ("tasks", "cgroups") else rows


def differences(guest, command, ours):
    name, *words = command.split()
    if name == "task":
        words = [ours[0]["pid"]]  # it may have been an expression
    theirs = by_address(command, says.COMMANDS[name](guest, *words))
    ours = by_address(command, ours)
    if len(theirs) != len(ours):
        yield f"{command}: drgn has {len(theirs)} rows, ktdbg {len(ours)}"
    for i, (expected, row) in enumerate(zip(theirs, ours)):
        who = row.get("pid", row.get("path", row.get("name", "")))
        yield from row_differences(f"{command}[{i}] ({who})", expected, row)


def open_program(core, image, vmlinux):
    if not vmlinux:
        prog = btf.program(core)
        stacks.use_image(prog, image)
        return prog
    prog = drgn.Program()
    prog.set_core_dump(core)
    prog.load_debug_info(vmlinux)
    return prog


def main(core, lines, image, *vmlinux):
    guest = says.Guest(open_program(core, image, vmlinux))
    guest.has_lines = bool(vmlinux)
    cells, rows_seen, wrong, before = 0, 0, [], None
    for command, rows in answers(lines):
        if command.endswith(" --as-drgn"):
            script = "".join(row["text"] + "\n" for row in rows)
            wrong += as_drgn.differences(guest.prog, command, script, before[0])
        elif command.startswith("registers "):
            guest.registers[rows[0]["cpu"]] = rows[0]
        elif command.startswith("backtrace "):
            wrong += stacks.differences(guest, command, rows)
        else:
            wrong += differences(guest, command, rows)
        before = rows
        rows_seen += len(rows)
        cells += sum(len(row) for row in rows)
    for line in wrong[:SHOWN]:
        print(line)
    print(f"{rows_seen} rows, {cells} cells, {len(wrong)} differences")
    return 1 if wrong or not cells else 0


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
