# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn says of a guest's scheduler, in the words of ktdbg's JSON: one function a command, one dict a row.

Read from the definitions, not from ktdbg: the average of a queue's virtual times is added up anew, members are
asked for by name. None is what the kernel lacks, or what does not apply.
"""
import drgn
from drgn.helpers.linux.cgroup import cgroup_path, css_for_each_descendant_pre
from drgn.helpers.linux.cpumask import cpumask_to_cpulist, for_each_online_cpu, for_each_possible_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu, per_cpu_ptr
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry
from drgn.helpers.linux.sched import task_cpu

CLASSES = ("stop", "dl", "rt", "fair", "ext", "idle")
POLICIES = ("normal", "fifo", "rr", "batch", "?", "idle", "deadline", "ext")
STATES = ("R", "S", "D", "T", "t", "X", "Z", "P", "I")
TASK_REPORT, TASK_IDLE, TASK_NOLOAD, TASK_RTLOCK_WAIT, TASK_FROZEN = 0x7f, 0x402, 0x400, 0x1000, 0x8000
PF_KTHREAD = 0x200000
NO_LIMIT = (1 << 64) - 1
NO_FLAGS = ("_SHIFT", "_BITS", "_MASK")


# ---- what every part needs ----

def dig(obj, path):
    """The member at `path`, or the first of several a|b; None where the kernel has none."""
    for choice in path.split("|"):
        found = obj
        for name in choice.split("."):
            if not hasattr(found, name):
                break
            found = getattr(found, name)
        else:
            return found
    return None


def value(obj):
    """The integer in an atomic_t, atomic_long_t, static key or plain integer; None for None."""
    for member in ("key", "enabled", "counter"):
        if obj is not None and hasattr(obj, member):
            obj = getattr(obj, member)
    return None if obj is None else int(obj.value_())


def number(obj, path):
    return value(dig(obj, path))


def variable(prog, *names):
    for name in names:
        try:
            return prog[name]
        except LookupError:
            pass
    return None


def signed(number_, bits=64):
    return number_ - (1 << bits) if number_ >> bits - 1 & 1 else number_


def wrapped(number_):
    return signed(number_ & NO_LIMIT)


def symbol(prog, name):
    try:
        return prog.symbol(name).address
    except LookupError:
        return None


class Guest:
    """What is asked for again and again, once."""

    def __init__(self, prog):
        self.prog = prog
        self.classes = {symbol(prog, name + "_sched_class"): name for name in CLASSES}
        clock = prog["clocksource_jiffies"]
        self.tick = int(clock.mult) >> int(clock.shift)
        self.jiffies = int(prog["jiffies_64"])
        self.cpus = list(for_each_possible_cpu(prog))
        self.rqs = {cpu: per_cpu(prog["runqueues"], cpu) for cpu in self.cpus}
        self.clock = max(int(rq.clock) for rq in self.rqs.values())
        self.paths = {}
        self.enums = {}
        self.registers = {}  # of CPUs, as they were told
        self.has_lines = False  # drgn knows DWARF

    def class_of(self, task):
        return self.classes.get(int(task.sched_class), "?")

    def path(self, cgroup):
        address = int(cgroup)
        if address not in self.paths:
            self.paths[address] = cgroup_path(cgroup).decode()
        return self.paths[address]

    def enum(self, name):
        if name not in self.enums:
            try:
                self.enums[name] = [(e.name, int(e.value)) for e in self.prog.type(f"enum {name}").enumerators]
            except LookupError:
                self.enums[name] = []
        return self.enums[name]

    def flags(self, value_, enum):
        words, rest = [], 0
        for flag in (1 << bit for bit in range(64) if value_ >> bit & 1):
            names = [n for n, v in self.enum(enum) if v & NO_LIMIT in (flag, flag | 0xffffffff << 32)
                     and (v == flag or flag == 1 << 31) and not n.endswith(NO_FLAGS)]
            words += names[:1]
            rest |= 0 if names else flag
        return "|".join(words + ([hex(rest)] if rest else [])) or "0"

    def task_flags(self, value_):
        """Parts of the word are numbers: how far a task is under sched_ext, why it was queued again."""
        names, words = self.enum("scx_ent_flags"), []
        constants = dict(names)
        for mask in ("SCX_TASK_STATE_MASK", "SCX_TASK_REENQ_REASON_MASK"):
            part = value_ & constants.get(mask, 0)
            value_ &= ~part
            shift = constants.get("SCX_TASK_STATE_SHIFT", 0)
            states = [(n, v << shift) for n, v in self.enum("scx_task_state")] if "STATE" in mask else []
            fits = [n for n, v in states + names if v == part and not n.endswith(NO_FLAGS)]
            words += fits[:1] if part else []
        rest = self.flags(value_, "scx_ent_flags")
        return "|".join(words + ([] if words and rest == "0" else [rest]))


def queue_name(id_):
    if id_ >> 62 == 3:
        return f"local:{id_ & 0xffffffff}"
    builtin = ("invalid", "global", "local", "bypass")
    if id_ >> 63 and id_ & ~(1 << 63) < len(builtin):
        return builtin[id_ & ~(1 << 63)]
    return hex(id_)


# ---- tasks ----

def state(task):
    """task_state_index() of include/linux/sched.h."""
    bits = int(task.__state)
    word = (bits | int(task.exit_state)) & TASK_REPORT
    if bits & TASK_IDLE == TASK_IDLE:
        return "I"
    if bits & (TASK_RTLOCK_WAIT | TASK_FROZEN):
        word = 2
    return STATES[word.bit_length()]


def task_row(g, task):
    queued = number(task, "sched_info.last_queued")
    row = {
        "pid": int(task.pid), "tgid": int(task.tgid), "comm": task.comm.string_().decode(), "state": state(task),
        "class": g.class_of(task), "policy": POLICIES[int(task.policy)], "prio": int(task.prio),
        "nice": int(task.static_prio) - 120, "cpu": int(task_cpu(task)), "on_rq": int(task.on_rq),
        "on_cpu": int(task.on_cpu), "runtime": int(task.se.sum_exec_runtime), "vruntime": int(task.se.vruntime),
        "switches": int(task.nvcsw + task.nivcsw), "run_delay": number(task, "sched_info.run_delay"),
        "static_prio": int(task.static_prio), "normal_prio": int(task.normal_prio),
        "rt_priority": int(task.rt_priority), "start_time": int(task.start_time),
        "kthread": bool(task.flags & PF_KTHREAD), "address": int(task),
        "cgroup": g.path(task.cgroups.dfl_cgrp), "cpus_allowed": cpumask_to_cpulist(task.cpus_ptr),
        "migration_disabled": number(task, "migration_disabled"), "boosted": int(task.prio < task.normal_prio),
        "pi_blocked_on": number(task, "pi_blocked_on"), "wake_cpu": number(task, "wake_cpu"),
        "nvcsw": int(task.nvcsw), "nivcsw": int(task.nivcsw), "migrations": int(task.se.nr_migrations),
        "timeslices": number(task, "sched_info.pcount"), "waiting": queued and max(0, g.clock - queued),
        "sp": int(task.thread.sp), "throttled": number(task, "throttled"), "deadline": number(task, "se.deadline"),
        "vlag": number(task, "se.vlag"), "fair_slice": number(task, "se.slice"),
        "load_weight": int(task.se.load.weight), "dl_deadline": int(task.dl.deadline),
        "dl_budget": int(task.dl.runtime),
    }
    row.update(scx_row(g, task))
    return row


def scx_row(g, task):
    scx = task.scx
    dsq = int(scx.dsq.id) if scx.dsq else None
    ops, shift = number(scx, "ops_state"), dict(g.enum("scx_ops_state")).get("SCX_OPSS_QSEQ_SHIFT", 2)
    states = {v: n for n, v in reversed(g.enum("scx_ops_state"))}
    node = scx.runnable_node
    linked = node.next and node.next != node.address_of_()
    row = {
        "dsq": dsq, "dsq_name": None if dsq is None else queue_name(dsq), "vtime": int(scx.dsq_vtime),
        "slice": int(scx.slice), "scx_flags": g.task_flags(int(scx.flags)),
        "ops_state": states[ops & (1 << shift) - 1], "ops_qseq": ops >> shift,
        "ddsp_dsq": queue_name(int(scx.ddsp_dsq_id)),
        "ddsp_enq_flags": g.flags(int(scx.ddsp_enq_flags), "scx_enq_flags"),
        "runnable_age": wrapped(g.jiffies - int(scx.runnable_at)) * g.tick if linked else None,
    }
    for name in ("weight", "sticky_cpu", "holding_cpu", "selected_cpu", "dsq_flags", "dsq_seq", "disallow",
                 "kf_mask", "tid", "runnable_at"):
        row[name] = number(scx, name)
    return row


def tasks(g):
    return [task_row(g, task) for task in for_each_task(g.prog)]


def one_task(g, pid):
    return [task_row(g, find_task(g.prog, int(pid)))]


# ---- CPUs ----

def mask(rq, name):
    found = dig(rq, "scx." + name)
    return None if found is None else cpumask_to_cpulist(found)


def times(g, cpu):
    stat, slots = per_cpu(g.prog["kernel_cpustat"], cpu).cpustat, dict(g.enum("cpu_usage_stat"))
    found = {"time_" + name[8:].lower(): int(stat[slot]) for name, slot in slots.items() if name != "NR_STATS"}
    found.setdefault("time_forceidle", None)
    return found


def bypassing(g, rq, cpu):
    """A flag of the run queue, since 7.1 of what a scheduler keeps for each CPU."""
    flag = dict(g.enum("scx_rq_flags")).get("SCX_RQ_BYPASSING")
    if flag:
        return int(bool(int(rq.scx.flags) & flag))
    root = variable(g.prog, "scx_root")
    flag = dict(g.enum("scx_sched_pcpu_flags")).get("SCX_SCHED_PCPU_BYPASSING")
    if not root or not flag:
        return None
    return int(bool(int(per_cpu_ptr(root.pcpu, cpu).flags) & flag))


def cpu_row(g, cpu):
    rq = g.rqs[cpu]
    word, preempt = int(rq.__lock.raw_lock.val.counter) & 0xffffffff, int(
        per_cpu(g.prog["__preempt_count"], cpu)) & 0xffffffff
    found = times(g, cpu)
    row = {
        "cpu": cpu, "online": cpu in set(for_each_online_cpu(g.prog)), "current": rq.curr.comm.string_().decode(),
        "pid": int(rq.curr.pid), "class": g.class_of(rq.curr), "nr_running": int(rq.nr_running),
        "fair": number(rq.cfs, "h_nr_queued|h_nr_running"), "rt": int(rq.rt.rt_nr_running),
        "dl": int(rq.dl.dl_nr_running), "ext": int(rq.scx.nr_running), "local_dsq": int(rq.scx.local_dsq.nr),
        "switches": int(rq.nr_switches), "locked": bool(word & 0xff), "clock": int(rq.clock),
        "steal": found["time_steal"], "user": found["time_user"] + found["time_nice"],
        "system": found["time_system"] + found["time_irq"] + found["time_softirq"],
        "idle": found["time_idle"] + found["time_iowait"], "wakeups": int(rq.ttwu_count),
        "wakeups_local": int(rq.ttwu_local), "rq": int(rq.address_of_()), "lock_pending": int(bool(word >> 8 & 0xff)),
        "lock_tail": (word >> 18) - 1 if word >> 18 else None, "lock_owner": None,
        "idle_state": rq.idle_state.name.string_().decode() if rq.idle_state else "",
        "need_resched": int(not preempt >> 31), "preempt_count": preempt & 0x7fffffff,
        "thread_flags": int(rq.curr.thread_info.flags), "capacity": int(rq.cpu_capacity),
        "clock_task": int(rq.clock_task), "uninterruptible": wrapped(int(rq.nr_uninterruptible)) if
        rq.nr_uninterruptible.type_.size == 8 else signed(int(rq.nr_uninterruptible), 32),
        "nr_iowait": int(rq.nr_iowait.counter), "pinned": int(rq.nr_pinned), "avg_idle": int(rq.avg_idle),
        "tick_stopped": int(rq.nohz_tick_stopped), "goidle": int(rq.sched_goidle),
        "scx_flags": g.flags(int(rq.scx.flags), "scx_rq_flags"), "bypassing": bypassing(g, rq, cpu),
        "scx_clock": number(rq, "scx.clock"), "kick_seq": number(rq, "scx.kick_sync|scx.pnt_seq"),
        "kick": mask(rq, "cpus_to_kick"), "kick_if_idle": mask(rq, "cpus_to_kick_if_idle"),
        "kick_preempt": mask(rq, "cpus_to_preempt"), "kick_wait": mask(rq, "cpus_to_wait"),
        "kick_sync": mask(rq, "cpus_to_sync"),
    }
    for name in ("ops_qseq", "cpu_released", "nr_immed", "cpuperf_target"):
        row[name] = number(rq, "scx." + name)
    row.update(found)
    return row


def cpus(g):
    return [cpu_row(g, cpu) for cpu in g.cpus]


def counters(g):
    rows = []
    for cpu in g.cpus:
        rq, whole = g.rqs[cpu], cpu_row(g, cpu)
        row = {name: whole[name] for name in ("cpu", "nr_running", "fair", "rt", "dl", "ext", "local_dsq", "switches",
                                              "wakeups", "wakeups_local", "goidle", "steal", "clock")}
        row.update(run_delay=int(rq.rq_sched_info.run_delay), runs=int(rq.rq_sched_info.pcount),
                   schedules=int(rq.sched_count), yields=int(rq.yld_count))
        rows.append(row)
    return rows + [{"event": name, "count": count} for name, count in events(g).items()]


# ---- run queues ----

ENTITY = ("class pid name eligible key deadline lag slice weight prio runtime current kind depth comm cgroup queued "
          "vruntime vlag delayed throttled remaining budget dl_runtime dl_period time_left address cpu").split()


def entity(g, cpu, class_, kind, address, depth=0, task=None, **more):
    row = dict.fromkeys(ENTITY)
    row.update({"class": class_, "kind": kind, "address": int(address), "depth": depth, "queued": True, "cpu": cpu,
                "current": False})
    if task is not None:
        comm = task.comm.string_().decode()
        row.update(pid=int(task.pid), prio=int(task.prio), runtime=int(task.se.sum_exec_runtime), comm=comm,
                   name="  " * depth + comm, cgroup=g.path(task.cgroups.dfl_cgrp),
                   current=g.rqs[cpu].curr == task)
    row.update(more)
    return row


def stop_entities(g, cpu, rq):
    if rq.stop and rq.stop.on_rq:
        yield entity(g, cpu, "stop", "task", rq.stop, task=rq.stop, key=0)


def dl_entities(g, cpu, rq):
    servers = [int(getattr(rq, name).address_of_()) for name in ("fair_server", "ext_server") if hasattr(rq, name)]
    for dl in rbtree_inorder_for_each_entry("struct sched_dl_entity", rq.dl.root.rb_root, "rb_node"):
        more = {"key": int(dl.deadline), "deadline": int(dl.deadline), "throttled": int(dl.dl_throttled),
                "budget": int(dl.runtime), "dl_runtime": int(dl.dl_runtime), "dl_period": int(dl.dl_period),
                "time_left": wrapped(int(dl.deadline) - int(rq.clock))}
        if int(dl) in servers:
            yield entity(g, cpu, "dl", "server", dl, name="(server)", **more)
        else:
            yield entity(g, cpu, "dl", "task", dl, task=drgn.container_of(dl, "struct task_struct", "dl"), **more)


def rt_entities(g, cpu, rq):
    for prio in range(100):
        for rt in list_for_each_entry("struct sched_rt_entity", rq.rt.active.queue[prio].address_of_(), "run_list"):
            yield entity(g, cpu, "rt", "task", rt, task=drgn.container_of(rt, "struct task_struct", "rt"), key=prio)


def ext_entities(g, cpu, rq):
    for place, task in enumerate(dsq_tasks(rq.scx.local_dsq)):
        yield entity(g, cpu, "ext", "task", task.scx.address_of_(), task=task, key=place)


def weigh(cfs, weight):
    """In the sums of a queue: scaled down, in full since they have a shift of their own."""
    shift = int(cfs.sum_shift) if hasattr(cfs, "sum_shift") else 10
    return max(2, weight >> shift) if shift and weight else weight


def fair_entities(g, cpu, cfs, depth=0):
    curr = cfs.curr if cfs.curr and cfs.curr.on_rq else None
    tree = list(rbtree_inorder_for_each_entry("struct sched_entity", cfs.tasks_timeline.rb_root, "run_node"))
    everybody = ([curr] if curr else []) + tree
    zero = int(cfs.zero_vruntime if hasattr(cfs, "zero_vruntime") else cfs.min_vruntime)
    total = sum(weigh(cfs, int(e.load.weight)) for e in everybody)
    average = sum(wrapped(int(e.vruntime) - zero) * weigh(cfs, int(e.load.weight)) for e in everybody)
    for e in everybody:
        key = wrapped(int(e.vruntime) - zero)
        more = {"key": int(e.vruntime), "vruntime": int(e.vruntime), "deadline": int(e.deadline), "vlag": int(e.vlag),
                "slice": int(e.slice), "weight": int(e.load.weight), "delayed": number(e, "sched_delayed"),
                "lag": average // total - key, "eligible": average >= key * total}
        if not e.my_q:
            yield entity(g, cpu, "fair", "task", e, depth, drgn.container_of(e, "struct task_struct", "se"), **more)
            continue
        if e.my_q.runtime_enabled:
            more.update(throttled=int(e.my_q.throttled), remaining=int(e.my_q.runtime_remaining))
        yield entity(g, cpu, "fair", "group", e, depth, current=bool(curr and e == curr),
                     **group_names(g, e.my_q.tg, depth), **more)
        yield from fair_entities(g, cpu, e.my_q, depth + 1)


def group_names(g, tg, depth):
    if tg.css.cgroup:
        path = g.path(tg.css.cgroup)
        return {"name": "  " * depth + path + ":", "cgroup": path}
    return {"name": "  " * depth + f"autogroup-{int(tg.autogroup.id)}:"}


def rq(g, cpu):
    cpu = int(cpu)
    queue, rows = g.rqs[cpu], []
    for walk in (stop_entities, dl_entities, rt_entities, ext_entities):
        rows += walk(g, cpu, queue)
    rows += fair_entities(g, cpu, queue.cfs)
    if int(queue.curr.pid) not in [row["pid"] for row in rows]:
        class_ = g.class_of(queue.curr)
        address = queue.curr.scx.address_of_() if class_ == "ext" else queue.curr
        rows.append(entity(g, cpu, class_, "task", address, task=queue.curr, queued=False))
    return rows


# ---- dispatch queues ----

def dsq_tasks(dsq):
    for node in list_for_each_entry("struct scx_dsq_list_node", dsq.list.address_of_(), "node"):
        if not node.flags:
            yield drgn.container_of(node, "struct task_struct", "scx.dsq_list")


def hashed(table, type_, member):
    """All objects of a struct rhashtable: chains that end with an odd pointer."""
    prog, tbl = table.prog_, table.tbl
    while tbl:
        for i in range(tbl.size):
            head = int(drgn.cast("unsigned long", tbl.buckets[i])) & ~1
            node = drgn.Object(prog, "struct rhash_head *", head)
            while node and not int(node) & 1:
                yield drgn.container_of(node, type_, member)
                node = node.next
        tbl = tbl.future_tbl


def all_dsqs(g):
    """(queue, kind, cpu, node)"""
    root, prog = variable(g.prog, "scx_root"), g.prog
    for cpu in g.cpus:
        yield g.rqs[cpu].scx.local_dsq, "local", cpu, None
    for node in range(int(prog["nr_node_ids"]) if root else 0):
        if hasattr(root, "pnode"):
            yield root.pnode[node].global_dsq, "global", None, node
        else:
            yield root.global_dsqs[node][0], "global", None, node
    for cpu in g.cpus:
        if hasattr(g.rqs[cpu].scx, "bypass_dsq"):
            yield g.rqs[cpu].scx.bypass_dsq, "bypass", cpu, None
        elif root and hasattr(root, "pcpu") and hasattr(per_cpu_ptr(root.pcpu, cpu), "bypass_dsq"):
            yield per_cpu_ptr(root.pcpu, cpu).bypass_dsq, "bypass", cpu, None
    if root:
        found = hashed(root.dsq_hash, "struct scx_dispatch_q", "hash_node")
        for dsq in sorted(found, key=lambda dsq: int(dsq.id)):
            yield dsq[0], "user", None, None


def dsq(g, wanted=None):
    rows = []
    for queue, kind, cpu, node in all_dsqs(g):
        names = (hex(queue.id), kind, f"{kind}:{cpu if node is None else node}")
        waiting = list(dsq_tasks(queue))
        if wanted is None:
            rows.append({"dsq": int(queue.id), "kind": kind, "cpu": cpu, "node": node, "queued": int(queue.nr),
                         "first": int(waiting[0].pid) if waiting else None, "address": int(queue.address_of_())})
        elif wanted in names:
            for place, task in enumerate(waiting):
                rows.append({"place": place, "pid": int(task.pid), "comm": task.comm.string_().decode(),
                             "cpu": int(task_cpu(task)), "vtime": int(task.scx.dsq_vtime),
                             "slice": int(task.scx.slice), "weight": int(task.scx.weight), "dsq": int(queue.id),
                             "of": node if cpu is None else cpu})
    return rows


# ---- the instance ----

def events(g):
    """Each CPU counts for itself."""
    root, total = variable(g.prog, "scx_root"), {}
    if not root:
        return total
    for cpu in g.cpus:
        stats = per_cpu_ptr(dig(root, "pcpu|event_stats_cpu"), cpu)
        stats = getattr(stats, "event_stats", stats)
        for member in g.prog.type("struct scx_event_stats").members:
            total[member.name] = total.get(member.name, 0) + int(getattr(stats, member.name))
    return total


def waiting_ages(g):
    for cpu in for_each_online_cpu(g.prog):
        head = g.rqs[cpu].scx.runnable_list.address_of_()
        for task in list_for_each_entry("struct task_struct", head, "scx.runnable_node"):
            yield wrapped(g.jiffies - int(task.scx.runnable_at)), int(task.pid)


def scx(g):
    prog, root = g.prog, variable(g.prog, "scx_root")
    root = root if root else None
    of_root = lambda path, *names: number(root, path) if root is not None and dig(
        root, path) is not None else value(variable(prog, *names))
    states = {v: n for n, v in g.enum("scx_enable_state") or g.enum("scx_ops_enable_state")}
    state_ = states[value(variable(prog, "scx_enable_state_var", "scx_ops_enable_state_var"))]
    limit = of_root("watchdog_timeout", "scx_watchdog_timeout")
    age, pid = max(waiting_ages(g), key=lambda pair: pair[0], default=(None, None))
    text = lambda path: root.exit_info.member_(path).string_().decode() if root is not None and \
        root.exit_info.member_(path) else ""
    row = {
        "state": state_.replace("SCX_OPS_", "SCX_").replace("SCX_", "").lower(),
        "ops": root.ops.name.string_().decode() if root is not None else "",
        "nr_rejected": value(variable(prog, "scx_nr_rejected")),
        "enable_seq": value(variable(prog, "scx_enable_seq")),
        "bypass_depth": of_root("bypass_depth", "scx_bypass_depth"),
        "switched_all": abs(value(variable(prog, "__scx_switched_all"))), "watchdog_timeout": limit,
        "watchdog_ns": limit and limit * g.tick, "longest_waiting": pid, "longest_wait": age and age * g.tick,
        "watchdog_left": None if age is None or limit is None else (limit - age) * g.tick,
        "ops_flags": g.flags(int(root.ops.flags), "scx_ops_flags") if root is not None else None,
        "slice_default": of_root("slice_dfl"), "aborting": of_root("aborting", "scx_aborting"),
        "exit_kind": of_root("exit_kind", "scx_exit_kind"),
        "exit_code": int(root.exit_info.exit_code) if root is not None else None,
        "exit_reason": text("reason"), "exit_message": text("msg"),
    }
    row.update({name.lower(): count for name, count in events(g).items()})
    return [row]


# ---- cgroups ----

def monotonic(g):
    data = variable(g.prog, "timekeeper_data", "tk_core")
    tkr = (data[0] if data.type_.kind == drgn.TypeKind.ARRAY else data).timekeeper.tkr_mono
    return int(tkr.base) + (int(tkr.xtime_nsec) >> int(tkr.shift))


def group_queue(tg, cpu):
    queues = tg.cfs_rq
    return queues[cpu] if queues.type_.type.kind == drgn.TypeKind.POINTER else per_cpu_ptr(queues, cpu)


def task_group(g, cgroup):
    css = cgroup.subsys[g.prog["cpu_cgrp_id"]]
    return drgn.container_of(css, "struct task_group", "css") if css else None


def refill(g, tg):
    bandwidth = tg.cfs_bandwidth
    return wrapped(int(bandwidth.period_timer.node.expires) - monotonic(g)) if bandwidth.period_active else None


def limits(g, tg):
    """What only groups below the root have."""
    bandwidth = tg.cfs_bandwidth
    quota, period = int(bandwidth.quota), int(bandwidth.period)
    shares = (int(tg.shares) >> 10) * 100
    return {
        "weight": max(1, min(10000, (shares + 512) // 1024)), "quota": None if quota == NO_LIMIT else quota,
        "cpu_max": f"{'max' if quota == NO_LIMIT else quota // 1000} {period // 1000}", "period": period,
        "burst": int(bandwidth.burst), "pool": int(bandwidth.runtime), "nr_periods": int(bandwidth.nr_periods),
        "nr_throttled": int(bandwidth.nr_throttled), "throttled_time": int(bandwidth.throttled_time),
        "refill": refill(g, tg),
    }


GROUP = ("name weight cpu_max tasks all_tasks throttled refill nr_throttled path depth idle frozen quota period burst "
         "pool nr_periods throttled_time task_group address").split()


def group_row(g, cgroup, counts):
    path, depth, tg = g.path(cgroup), int(cgroup.level), task_group(g, cgroup)
    row = dict.fromkeys(GROUP)
    row.update(name="  " * (depth - 1) + path.rsplit("/", 1)[1] if depth else "/", path=path, depth=depth,
               address=int(cgroup), frozen=number(cgroup, "freezer.freeze"), tasks=counts.get(path, 0),
               all_tasks=sum(n for p, n in counts.items() if p == path or p.startswith(path.rstrip("/") + "/")))
    if tg is not None:
        row.update(task_group=int(tg), idle=int(tg.idle), throttled=",".join(
            str(cpu) for cpu in g.cpus if group_queue(tg, cpu).throttled))
        row.update(limits(g, tg) if depth else {})
    return row


def every_cgroup(g):
    root = g.prog["cgrp_dfl_root"].cgrp.self.address_of_()
    return [css.cgroup for css in css_for_each_descendant_pre(root) if css.flags & g.prog["CSS_ONLINE"]]


def cgroups(g, name=None):
    if name:
        return one_group(g, name)
    counts = {}
    for task in for_each_task(g.prog):
        if state(task) not in "XZ":
            path = g.path(task.cgroups.dfl_cgrp)
            counts[path] = counts.get(path, 0) + 1
    return [group_row(g, cgroup, counts) for cgroup in every_cgroup(g)]


def one_group(g, name):
    tg = next(task_group(g, cgroup) for cgroup in every_cgroup(g) if g.path(cgroup).lstrip("/") == name)
    rows = []
    for cpu in g.cpus:
        queue = group_queue(tg, cpu)
        rows.append({
            "cpu": cpu, "queued": number(queue, "h_nr_queued|h_nr_running"), "throttled": int(queue.throttled),
            "above": int(queue.throttle_count), "address": int(queue),
            "remaining": int(queue.runtime_remaining) if queue.runtime_enabled else None,
            "refill": refill(g, tg) if queue.throttled else None,
        })
    return rows


COMMANDS = {"tasks": tasks, "task": one_task, "cpus": cpus, "rq": rq, "dsq": dsq, "scx": scx, "cgroups": cgroups,
            "counters": counters}
