#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what ktdbg says of a frozen guest with what drgn reads from the same instant.

usage: compare.py CORE VMLINUX JSON_LINES

CORE and JSON_LINES come from one ktdbg run that holds the guest all the while:
    ktdbg -e 'dump CORE' -e tasks -e cpus --json > JSON_LINES
Prints one line per difference and a count; exits 1 when there is any.
"""
import json
import sys

import drgn
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.sched import task_cpu, task_state_to_char


def classes(prog):
    names = {"stop": "stop", "dl": "dl", "rt": "rt", "fair": "fair", "ext": "ext", "idle": "idle"}
    found = {}
    for prefix, name in names.items():
        try:
            found[prog.symbol(prefix + "_sched_class").address] = name
        except LookupError:
            pass
    return found


def number(read):
    try:
        return int(read())
    except AttributeError:
        return None


def task_row(task, by_class):
    return {
        "pid": int(task.pid),
        "tgid": int(task.tgid),
        "comm": task.comm.string_().decode(),
        "state": task_state_to_char(task)[0],
        "class": by_class.get(int(task.sched_class), "?"),
        "prio": int(task.prio),
        "nice": int(task.static_prio) - 120,
        "static_prio": int(task.static_prio),
        "normal_prio": int(task.normal_prio),
        "rt_priority": int(task.rt_priority),
        "cpu": int(task_cpu(task)),
        "on_rq": int(task.on_rq),
        "on_cpu": int(task.on_cpu),
        "runtime": int(task.se.sum_exec_runtime),
        "vruntime": int(task.se.vruntime),
        "switches": int(task.nvcsw + task.nivcsw),
        "run_delay": number(lambda: task.sched_info.run_delay),
        "start_time": int(task.start_time),
        "vtime": number(lambda: task.scx.dsq_vtime),
        "slice": number(lambda: task.scx.slice),
        "address": int(task),
    }


def cpu_row(prog, cpu, by_class):
    rq = per_cpu(prog["runqueues"], cpu)
    fair = getattr(rq.cfs, "h_nr_queued", None)
    return {
        "cpu": cpu,
        "pid": int(rq.curr.pid),
        "class": by_class.get(int(rq.curr.sched_class), "?"),
        "nr_running": int(rq.nr_running),
        "fair": int(fair if fair is not None else rq.cfs.h_nr_running),
        "rt": int(rq.rt.rt_nr_running),
        "dl": int(rq.dl.dl_nr_running),
        "ext": number(lambda: rq.scx.nr_running),
        "clock": int(rq.clock),
        "switches": int(rq.nr_switches),
        "rq": int(rq.address_of_()),
    }


def differences(kind, key, theirs, ours):
    mine = {row[key]: row for row in ours}
    for identity, expected in theirs.items():
        row = mine.pop(identity, None)
        if row is None:
            yield f"{kind} {identity}: ktdbg does not list it"
            continue
        for field, value in expected.items():
            if field in row and row[field] != value:
                yield f"{kind} {identity} {field}: drgn {value!r}, ktdbg {row[field]!r}"
            elif field not in row:
                yield f"{kind} {identity} {field}: ktdbg does not say"
    for identity in mine:
        yield f"{kind} {identity}: drgn does not list it"


def main(core, vmlinux, lines):
    prog = drgn.Program()
    prog.set_core_dump(core)
    prog.load_debug_info([vmlinux])
    by_class = classes(prog)
    rows = [json.loads(line) for line in open(lines)]
    tasks = {t.pid.value_(): task_row(t, by_class) for t in for_each_task(prog)}
    cpus = {c: cpu_row(prog, c, by_class) for c in for_each_online_cpu(prog)}
    wrong = list(differences("task", "address", {t["address"]: t for t in tasks.values()},
                             [r for r in rows if "comm" in r and "tgid" in r]))
    wrong += differences("cpu", "cpu", cpus, [r for r in rows if "nr_running" in r])
    for line in wrong[:50]:
        print(line)
    print(f"{len(tasks)} tasks, {len(cpus)} CPUs, {len(wrong)} differences")
    return 1 if wrong or not tasks else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
