# SPDX-License-Identifier: GPL-2.0-or-later
"""The drgn programs that --as-drgn prints: run, and their answers compared with ktdbg's own.

A program answers when it gives every key of the record that the command prints without --as-drgn.
"""
import contextlib
import io


def answer(prog, script):
    """What a program prints, by key; members of whole structs that follow are left out."""
    said, pairs = io.StringIO(), {}
    with contextlib.redirect_stdout(said):
        exec(compile(script, "--as-drgn", "exec"), {"prog": prog})
    for line in said.getvalue().splitlines():
        if not line.startswith(("\t", "}")) and " = (" not in line:
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


def differences(prog, command, script, record):
    theirs = answer(prog, script)
    for key in record.keys() | theirs.keys():
        if key not in theirs:
            yield f"{command} {key}: the program does not say"
        elif key not in record:
            yield f"{command} {key}: the program says {theirs[key]!r}, ktdbg nothing"
        elif theirs[key] not in as_text(record[key]):
            yield f"{command} {key}: the program {theirs[key]!r}, ktdbg {record[key]!r}"
