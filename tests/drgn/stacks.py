# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks of all tasks: frame by frame the address, the function, and with --vmlinux the functions that were inlined,
and the lines; of tasks that sleep, wait and run.

drgn reads the ORC tables from the kernel's image and knows no bounds of stacks; ktdbg reads them from memory. What
runs on a CPU is walked from the registers that ktdbg told, since a dump has none.
"""
import drgn
from drgn.helpers.linux.pid import for_each_task

KERNEL_HALF = 0xff00000000000000
PT_REGS = {"r15": "r15", "r14": "r14", "r13": "r13", "r12": "r12", "bp": "rbp", "bx": "rbx", "r11": "r11",
           "r10": "r10", "r9": "r9", "r8": "r8", "ax": "rax", "cx": "rcx", "dx": "rdx", "si": "rsi", "di": "rdi",
           "ip": "rip", "cs": "cs", "flags": "rflags", "sp": "rsp", "ss": "ss"}


def use_image(prog, image):
    """Without a vmlinux, the tables come from the kernel's image."""
    kernel, _ = next(iter(prog.loaded_modules()))
    kernel.loaded_file_status = drgn.ModuleFileStatus.WANT
    kernel.try_file(image, force=True)
    if kernel.loaded_file_path is None:
        raise ValueError(f"{image} is not this kernel")


def symbol(prog, address):
    try:
        return prog.symbol(address)
    except LookupError:
        return None


def says_same(prog, frame, text):
    """Whether NAME+OFFSET is this place, and in no other function than drgn says. A function of assembly may have
    labels, which kallsyms and ELF choose in ways of their own."""
    name, offset = text.split("/")[0].split("+")
    theirs = symbol(prog, frame.pc if frame.interrupted else frame.pc - 1) or symbol(prog, frame.pc)
    if theirs is None:
        return name.startswith("bpf")  # of which drgn knows no names
    if theirs.name == name:
        return theirs.address + int(offset, 16) == frame.pc
    return any(s.name == name and s.address + int(offset, 16) == frame.pc and s.address >= theirs.address
               for s in prog.symbols(name))


def trace(guest, task, registers):
    """The frames in the kernel."""
    if registers is None and (task.on_cpu or not task.stack):
        frames = []  # it is being switched away from, and what it has saved is old; or its stack is given back
    elif registers is None:
        frames = guest.prog.stack_trace(task)
    elif registers["mode"] == "user":
        frames = []
    else:
        frames = guest.prog.stack_trace(drgn.Object(guest.prog, "struct pt_regs", {
            member: registers[name] for member, name in PT_REGS.items()}))
    return [frame for frame in frames if frame.pc >= KERNEL_HALF]


def line_of(frame):
    try:
        file, line, _ = frame.source()
        return f"{file}:{line}"
    except LookupError:
        return ""


def frame_differences(prog, place, frame, row):
    if frame.pc != row["address"]:
        yield f"{place}: drgn {frame.pc:#x}, ktdbg {row['address']:#x} {row['function']}"
    elif frame.is_inline != (row["note"] == "inlined"):
        yield f"{place}: drgn {frame.name} inlined {frame.is_inline}, ktdbg {row['function']} {row['note']}"
    elif frame.name != row["function"] if frame.is_inline else (
            "+" in row["function"] and not says_same(prog, frame, row["function"])):
        yield f"{place}: drgn {frame.name} at {frame.pc:#x}, ktdbg {row['function']}"


def stack_differences(guest, place, frames, ours):
    both = guest.has_lines and any(row["source"] for row in ours)
    if not both:
        frames = [frame for frame in frames if not frame.is_inline]
        ours = [row for row in ours if row["note"] != "inlined"]
    if len(frames) != len(ours):
        yield f"{place}: drgn has {len(frames)} frames, ktdbg {len(ours)}"
    for i, (frame, row) in enumerate(zip(frames, ours)):
        yield from frame_differences(guest.prog, f"{place} #{i}", frame, row)
        if both and row["source"] and row["source"] != line_of(frame):
            yield f"{place} #{i}: drgn {line_of(frame)}, ktdbg {row['source']}"


def of_all(guest, rows):
    ours = {}
    for row in rows:
        ours.setdefault(row["pid"], []).append(row)
    current = {int(rq.curr): cpu for cpu, rq in guest.rqs.items()}
    for task in for_each_task(guest.prog):
        pid, cpu = int(task.pid), current.get(int(task))
        registers = None if cpu is None else guest.registers[cpu]
        mine = [row for row in ours.pop(pid, []) if row["frame"] >= 0]
        yield from stack_differences(guest, f"backtrace {pid}", trace(guest, task, registers), mine)
    for pid in ours.keys() - {0}:  # 0: the idle tasks, which no list has
        yield f"backtrace {pid}: ktdbg has this task, drgn has not"


def of_cpu(guest, word, rows):
    cpu = int(word.removeprefix("cpu:"))
    frames = trace(guest, guest.rqs[cpu].curr, guest.registers[cpu])
    yield from stack_differences(guest, f"backtrace {word}", frames, [row for row in rows if row["frame"] >= 0])


def differences(guest, command, rows):
    """Of `backtrace all ...` or `backtrace cpu:N ...`, after `registers` was told for all CPUs."""
    which = command.split()[1]
    return of_all(guest, rows) if which == "all" else of_cpu(guest, which, rows)
