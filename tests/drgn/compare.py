#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what ktdbg says of a frozen guest with what drgn reads from the same instant.

usage: compare.py CORE VMLINUX JSON_LINES

CORE and JSON_LINES come from one ktdbg run that holds the guest all the while:
    ktdbg -e 'dump CORE' -e tasks -e cpus -e 'rq 0' ... -e cgroups -e dsq -e scx --json > JSON_LINES
Any of them but tasks and cpus may be left out. Prints one line per difference and a count; exits 1 when there is any.
"""
import json
import sys

import drgn
from drgn.helpers.linux.cgroup import cgroup_path, css_for_each_descendant_pre
from drgn.helpers.linux.cpumask import cpumask_to_cpulist, for_each_online_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry
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
        return int(read().value_())
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
        "cgroup": cgroup_path(task.cgroups.dfl_cgrp).decode(),
        "cpus_allowed": cpumask_to_cpulist(task.cpus_ptr),
        "migration_disabled": number(lambda: task.migration_disabled),
        "boosted": int(task.prio < task.normal_prio),
        "pi_blocked_on": number(lambda: task.pi_blocked_on),
        "wake_cpu": number(lambda: task.wake_cpu),
        "nvcsw": int(task.nvcsw),
        "nivcsw": int(task.nivcsw),
        "migrations": int(task.se.nr_migrations),
        "timeslices": number(lambda: task.sched_info.pcount),
        "sp": int(task.thread.sp),
        "throttled": number(lambda: task.throttled),
        "deadline": int(task.se.deadline),
        "vlag": int(task.se.vlag),
        "fair_slice": int(task.se.slice),
        "load_weight": int(task.se.load.weight),
        "dl_deadline": int(task.dl.deadline),
        "dl_budget": int(task.dl.runtime),
        "weight": number(lambda: task.scx.weight),
        "sticky_cpu": number(lambda: task.scx.sticky_cpu),
        "holding_cpu": number(lambda: task.scx.holding_cpu),
        "selected_cpu": number(lambda: task.scx.selected_cpu),
        "ops_qseq": number(lambda: task.scx.ops_state.counter >> 2),
        "ops_state": ops_state(task),
        "dsq_flags": number(lambda: task.scx.dsq_flags),
        "dsq_seq": number(lambda: task.scx.dsq_seq),
        "disallow": number(lambda: task.scx.disallow),
        "kf_mask": number(lambda: task.scx.kf_mask),
        "tid": number(lambda: task.scx.tid),
        "runnable_at": number(lambda: task.scx.runnable_at),
    }


def ops_state(task):
    states = {v: k for k, v in task.prog_.type("enum scx_ops_state").enumerators
              if not k.endswith("_SHIFT")}
    return states[int(task.scx.ops_state.counter) & 3]


def mask(rq, name):
    try:
        return cpumask_to_cpulist(getattr(rq.scx, name))
    except AttributeError:
        return None


def times(prog, cpu):
    stat = per_cpu(prog["kernel_cpustat"], cpu).cpustat
    slots = dict(prog.type("enum cpu_usage_stat").enumerators)
    return {"time_" + name[8:].lower(): int(stat[slot])
            for name, slot in slots.items() if name != "NR_STATS"}


def idle_state(rq):
    return rq.idle_state.name.string_().decode() if rq.idle_state else ""


def preempt(prog, cpu):
    return int(per_cpu(prog["__preempt_count"], cpu)) & 0xffffffff


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
        "locked": bool(rq.__lock.raw_lock.locked),
        "lock_pending": int(rq.__lock.raw_lock.pending != 0),
        "idle_state": idle_state(rq),
        "preempt_count": preempt(prog, cpu) & 0x7fffffff,
        "need_resched": int(not preempt(prog, cpu) >> 31),
        "thread_flags": int(rq.curr.thread_info.flags),
        "capacity": int(rq.cpu_capacity),
        "clock_task": int(rq.clock_task),
        "uninterruptible": drgn.cast("long", rq.nr_uninterruptible).value_(),
        "nr_iowait": int(rq.nr_iowait.counter),
        "pinned": int(rq.nr_pinned),
        "avg_idle": int(rq.avg_idle),
        "tick_stopped": int(rq.nohz_tick_stopped),
        "goidle": int(rq.sched_goidle),
        "ops_qseq": number(lambda: rq.scx.ops_qseq),
        "cpu_released": number(lambda: rq.scx.cpu_released),
        "nr_immed": number(lambda: rq.scx.nr_immed),
        "cpuperf_target": number(lambda: rq.scx.cpuperf_target),
        "scx_clock": number(lambda: rq.scx.clock),
        "kick": mask(rq, "cpus_to_kick"),
        "kick_if_idle": mask(rq, "cpus_to_kick_if_idle"),
        "kick_preempt": mask(rq, "cpus_to_preempt"),
        "kick_wait": mask(rq, "cpus_to_wait"),
        "kick_sync": mask(rq, "cpus_to_sync"),
        **times(prog, cpu),
    }


def fair_entities(cfs, depth):
    """The entities of a cfs_rq in order, what runs first; groups are entered."""
    curr = cfs.curr if cfs.curr and cfs.curr.on_rq else None
    entities = list(rbtree_inorder_for_each_entry("struct sched_entity",
                                                  cfs.tasks_timeline.rb_root, "run_node"))
    full = hasattr(cfs, "sum_shift")
    weigh = (lambda w: w) if full else (lambda w: max(2, w >> 10))
    everybody = entities + ([curr] if curr else [])
    # The definition, not the kernel's running sums.
    zero = int(cfs.zero_vruntime)
    total = sum(weigh(int(e.load.weight)) for e in everybody)
    average = sum((int(e.vruntime) - zero) * weigh(int(e.load.weight)) for e in everybody)
    for e in ([curr] if curr else []) + entities:
        key = int(e.vruntime) - zero
        yield {"address": int(e), "depth": depth, "vruntime": int(e.vruntime),
               "deadline": int(e.deadline), "vlag": int(e.vlag), "slice": int(e.slice),
               "weight": int(e.load.weight), "delayed": int(e.sched_delayed),
               "lag": average // total - key, "eligible": average >= key * total,
               "kind": "group" if e.my_q else "task"}
        if e.my_q:
            yield from fair_entities(e.my_q, depth + 1)


def compare_fair(prog, cpu, rows):
    expected = list(fair_entities(per_cpu(prog["runqueues"], cpu).cfs, 0))
    if [e["address"] for e in expected] != [r["address"] for r in rows]:
        yield f"cpu {cpu}: the fair tree has another order"
    yield from differences(f"cpu {cpu} entity", "address",
                           {e["address"]: e for e in expected}, rows)


def group_row(cgroup, counts):
    css = cgroup.subsys[cgroup.prog_["cpu_cgrp_id"]]
    row = {"address": int(cgroup), "path": cgroup_path(cgroup).decode(),
           "depth": int(cgroup.level), "tasks": counts.get(int(cgroup), 0),
           "task_group": None}
    if css:
        tg = drgn.cast("struct task_group *", css)
        row["task_group"] = int(tg)
        row["idle"] = int(tg.idle)
        if cgroup.level:
            bandwidth = tg.cfs_bandwidth
            row["weight"] = ((int(tg.shares) >> 10) * 100 + 512) // 1024
            row["quota"] = None if bandwidth.quota + 1 == 0 else int(bandwidth.quota)
            row["period"] = int(bandwidth.period)
            row["pool"] = int(bandwidth.runtime)
            row["nr_periods"] = int(bandwidth.nr_periods)
            row["nr_throttled"] = int(bandwidth.nr_throttled)
            row["throttled_time"] = int(bandwidth.throttled_time)
    return row


def groups(prog):
    counts = {}
    for task in for_each_task(prog):
        if task_state_to_char(task)[0] not in "XZ":
            address = int(task.cgroups.dfl_cgrp)
            counts[address] = counts.get(address, 0) + 1
    root = prog["cgrp_dfl_root"].cgrp.self.address_of_()
    found = (group_row(css.cgroup, counts) for css in css_for_each_descendant_pre(root))
    return {row["address"]: row for row in found}


def dsq_tasks(dsq):
    for node in list_for_each_entry("struct scx_dsq_list_node", dsq.list.address_of_(), "node"):
        if not node.flags:
            yield drgn.container_of(node, "struct task_struct", "scx.dsq_list")


def compare_dsqs(prog, rows):
    """Each queue that ktdbg found, against the struct at its address."""
    for row in rows:
        dsq = drgn.Object(prog, "struct scx_dispatch_q", address=row["address"])
        tasks = list(dsq_tasks(dsq))
        theirs = (int(dsq.id), int(dsq.nr), int(tasks[0].pid) if tasks else None)
        ours = (row["dsq"], row["queued"], row["first"])
        if theirs != ours or len(tasks) != row["queued"]:
            yield f"dispatch queue {row['address']:#x}: drgn {theirs}, ktdbg {ours}"


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
    entities = [r for r in rows if "eligible" in r]
    for cpu in {r["cpu"] for r in entities}:
        wrong += compare_fair(prog, cpu, [r for r in entities if r["cpu"] == cpu
                                          and r["class"] == "fair" and r["queued"]])
    groups_shown = [r for r in rows if "all_tasks" in r]
    if groups_shown:
        wrong += differences("group", "address", groups(prog), groups_shown)
    dsqs = [r for r in rows if "dsq" in r and "first" in r]
    wrong += compare_dsqs(prog, dsqs)
    print(f"{len(entities)} entities, {len(groups_shown)} groups, {len(dsqs)} dispatch queues")
    for line in wrong[:50]:
        print(line)
    print(f"{len(tasks)} tasks, {len(cpus)} CPUs, {len(wrong)} differences")
    return 1 if wrong or not tasks else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
