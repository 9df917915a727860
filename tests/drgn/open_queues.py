#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Print the ktdbg commands that let a BPF program call scx_bpf_create_dsq() where the kernel's BTF hides it.

usage: open_queues.py CORE

From 7.1 on the function has a third argument that callers do not give. The BTF should show it without that
argument, and a twin "_impl" with it. Made by a pahole before 1.31 it does neither, and the verifier refuses
every call. What is printed makes the BTF in the guest's memory what it should be: only good for a test, since
scx_bpf_destroy_dsq(), whose name sorts next to it, becomes the twin. Prints nothing when nothing is amiss.
"""
import struct
import sys

import btf

NAME, NEIGHBOUR, TWIN = "scx_bpf_create_dsq", "scx_bpf_destroy_dsq", "scx_bpf_create_dsq_impl"


def spare_string(types):
    """Where a long name stands that no type has and nothing here needs: an enumerator's."""
    for number in range(1, len(types.offsets)):
        _, kind, _, _, at, vlen = types.record(number)
        for i in range(vlen if kind == btf.ENUM else 0):
            offset = types.words(at + 8 * i, 1)[0]
            name = types.string(offset)
            if len(name) >= len(TWIN) and not name.startswith(("SCX_", "CPU")):
                return offset
    raise SystemExit("no string to spare")


def main(core):
    prog = btf.bare_program(core)
    start, types = btf.section(prog)
    function, neighbour = (types.find(name, btf.FUNC) for name in (NAME, NEIGHBOUR))
    hidden, spare = types.record(function)[3], types.record(neighbour)[3]
    if types.record(hidden)[5] < 3 or types.find(TWIN, btf.FUNC):
        return
    # The function swaps its prototype with its neighbour, whose own becomes the one that callers see.
    twin, name = TWIN.encode() + b"\0", spare_string(types)
    shown = types.data[types.offsets[hidden] + 8:types.offsets[hidden] + 12]  # what it returns
    parameters = types.data[types.record(hidden)[4]:types.record(hidden)[4] + 16]
    for offset, content in (
            (types.str_off + name, twin),
            (types.offsets[neighbour], struct.pack("<I", name)),
            (types.offsets[neighbour] + 8, struct.pack("<I", hidden)),
            (types.offsets[function] + 8, struct.pack("<I", spare)),
            (types.offsets[spare] + 8, shown),
            (types.record(spare)[4], parameters)):
        print(f"write kva {start + offset:#x} {content.hex()} :bytes:{len(content)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
