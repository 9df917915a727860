/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/as_drgn.h"

#include "base/str.h"

#include <string.h>

/* Python, one line of it a line here. tests/drgn/as_drgn.py runs them against a dump. */
/* clang-format off */
static const char scx_script[] =
	"# The answer of `scx`, by drgn. To run it:\n"
	"#     ktdbg -e 'sched attach vtime' -e 'dump CORE' -e 'scx --as-drgn' > scx.py\n"
	"#     drgn -c CORE -s VMLINUX scx.py\n"
	"# The vmlinux is the kernel's own with DWARF; names are those of kernel/sched/ext.c.\n"
	"from drgn.helpers.linux.cpumask import for_each_possible_cpu\n"
	"from drgn.helpers.linux.percpu import per_cpu_ptr\n"
	"\n"
	"\n"
	"def show(key, value):\n"
	"    print(f\"{key:<35} {value}\")\n"
	"\n"
	"\n"
	"def variable(*names):\n"
	"    \"\"\"The first of these variables that this kernel has, else None.\"\"\"\n"
	"    for name in names:\n"
	"        try:\n"
	"            return prog[name]\n"
	"        except LookupError:\n"
	"            pass\n"
	"\n"
	"\n"
	"def number(obj):\n"
	"    \"\"\"The integer in an atomic_t, atomic_long_t, static key or plain integer.\"\"\"\n"
	"    for member in (\"key\", \"enabled\", \"counter\"):\n"
	"        if obj is not None and hasattr(obj, member):\n"
	"            obj = getattr(obj, member)\n"
	"    return \"<absent>\" if obj is None else int(obj)\n"
	"\n"
	"\n"
	"def text(pointer):\n"
	"    return pointer.string_().decode() if pointer else \"\"\n"
	"\n"
	"\n"
	"# Since 6.16 one struct scx_sched holds all of a scheduler; it is freed after its end.\n"
	"root = variable(\"scx_root\")\n"
	"sched = root if root is not None and root else None\n"
	"# Before, the same things were variables: scx_ops, scx_exit_info, scx_bypass_depth ...\n"
	"ops = sched.ops if sched is not None else variable(\"scx_ops\")\n"
	"info = sched.exit_info if sched is not None else variable(\"scx_exit_info\")\n"
	"\n"
	"\n"
	"def of_sched(member, *names):\n"
	"    \"\"\"A member of the scheduler; in kernels that keep it apart, the variable of these names.\"\"\"\n"
	"    return getattr(sched, member) if sched is not None and hasattr(sched, member) else variable(*names)\n"
	"\n"
	"\n"
	"state = variable(\"scx_enable_state_var\", \"scx_ops_enable_state_var\").counter\n"
	"names = dict((int(e.value), e.name) for e in prog.type(\"enum scx_enable_state\").enumerators)\n"
	"show(\"state\", names[int(state)].replace(\"SCX_\", \"\").lower())\n"
	"show(\"ops\", ops.name.string_().decode() if ops is not None else \"\")\n"
	"show(\"nr_rejected\", number(variable(\"scx_nr_rejected\")))\n"
	"show(\"enable_seq\", number(variable(\"scx_enable_seq\")))\n"
	"show(\"bypass_depth\", number(of_sched(\"bypass_depth\", \"scx_bypass_depth\")))\n"
	"show(\"switched_all\", number(variable(\"__scx_switched_all\")))\n"
	"show(\"watchdog_timeout\", number(of_sched(\"watchdog_timeout\", \"scx_watchdog_timeout\")))\n"
	"show(\"exit_kind\", number(of_sched(\"exit_kind\", \"scx_exit_kind\")))\n"
	"show(\"exit_reason\", text(info.reason) if info is not None and info else \"\")\n"
	"show(\"exit_message\", text(info.msg) if info is not None and info else \"\")\n"
	"\n"
	"# Each CPU counts events for itself; the kernel's own files add them up in the same way.\n"
	"if sched is not None:\n"
	"    percpu = sched.pcpu if hasattr(sched, \"pcpu\") else sched.event_stats_cpu\n"
	"    total = {}\n"
	"    for cpu in for_each_possible_cpu(prog):\n"
	"        stats = per_cpu_ptr(percpu, cpu)\n"
	"        stats = stats.event_stats if hasattr(stats, \"event_stats\") else stats\n"
	"        for member in prog.type(\"struct scx_event_stats\").members:\n"
	"            total[member.name] = total.get(member.name, 0) + int(getattr(stats, member.name))\n"
	"    for name, count in total.items():\n"
	"        show(name.lower(), count)\n";

/* %PID stands for the number. */
static const char task_script[] =
	"# The answer of `task %PID`, by drgn. To run it:\n"
	"#     ktdbg -e 'dump CORE' -e 'task %PID --as-drgn' > task.py\n"
	"#     drgn -c CORE -s VMLINUX task.py\n"
	"# The vmlinux is the kernel's own with DWARF. Times are nanoseconds.\n"
	"from drgn.helpers.linux.cpumask import for_each_possible_cpu\n"
	"from drgn.helpers.linux.pid import find_task\n"
	"from drgn.helpers.linux.sched import task_cpu, task_state_to_char\n"
	"\n"
	"task = find_task(prog, %PID)\n"
	"if not task:\n"
	"    raise SystemExit(\"no such task\")\n"
	"\n"
	"\n"
	"def show(key, value):\n"
	"    print(f\"{key:<14} {value}\")\n"
	"\n"
	"\n"
	"def member(path):\n"
	"    \"\"\"A member that not every kernel has.\"\"\"\n"
	"    obj = task\n"
	"    for name in path.split(\".\"):\n"
	"        if not hasattr(obj, name):\n"
	"            return \"<absent>\"\n"
	"        obj = getattr(obj, name)\n"
	"    return int(obj)\n"
	"\n"
	"\n"
	"# A task's class is known by the address of its functions; its policy is what it asked for.\n"
	"classes = {}\n"
	"for name in (\"stop\", \"dl\", \"rt\", \"fair\", \"ext\", \"idle\"):\n"
	"    try:\n"
	"        classes[prog.symbol(name + \"_sched_class\").address] = name\n"
	"    except LookupError:\n"
	"        pass\n"
	"policies = [\"normal\", \"fifo\", \"rr\", \"batch\", \"?\", \"idle\", \"deadline\", \"ext\"]\n"
	"\n"
	"show(\"pid\", int(task.pid))\n"
	"show(\"tgid\", int(task.tgid))\n"
	"show(\"comm\", task.comm.string_().decode())\n"
	"show(\"state\", task_state_to_char(task)[0])\n"
	"show(\"class\", classes.get(int(task.sched_class), \"?\"))\n"
	"show(\"policy\", policies[int(task.policy)])\n"
	"show(\"prio\", int(task.prio))\n"
	"show(\"nice\", int(task.static_prio) - 120)  # PRIO_TO_NICE()\n"
	"show(\"cpu\", int(task_cpu(task)))\n"
	"show(\"on_rq\", int(task.on_rq))\n"
	"show(\"on_cpu\", int(task.on_cpu))\n"
	"show(\"runtime\", int(task.se.sum_exec_runtime))\n"
	"show(\"vruntime\", int(task.se.vruntime))\n"
	"show(\"switches\", int(task.nvcsw + task.nivcsw))\n"
	"show(\"run_delay\", member(\"sched_info.run_delay\"))\n"
	"show(\"static_prio\", int(task.static_prio))\n"
	"show(\"normal_prio\", int(task.normal_prio))\n"
	"show(\"rt_priority\", int(task.rt_priority))\n"
	"show(\"start_time\", int(task.start_time))\n"
	"queue = task.scx.dsq if hasattr(task, \"scx\") else None\n"
	"show(\"dsq\", hex(queue.id) if queue else \"<absent>\")\n"
	"show(\"vtime\", member(\"scx.dsq_vtime\"))\n"
	"show(\"slice\", member(\"scx.slice\"))\n"
	"show(\"kthread\", \"yes\" if task.flags & 0x00200000 else \"no\")  # PF_KTHREAD\n"
	"show(\"address\", hex(task))\n"
	"\n"
	"# cpus_mask is a bitmap; its ranges read as in /proc/PID/status.\n"
	"allowed = [cpu for cpu in for_each_possible_cpu(prog) if task.cpus_mask.bits[cpu // 64] >> cpu % 64 & 1]\n"
	"ranges = []\n"
	"for cpu in allowed:\n"
	"    if ranges and ranges[-1][1] == cpu - 1:\n"
	"        ranges[-1][1] = cpu\n"
	"    else:\n"
	"        ranges.append([cpu, cpu])\n"
	"show(\"cpus_allowed\", \",\".join(f\"{a}\" if a == b else f\"{a}-{b}\" for a, b in ranges))\n"
	"\n"
	"# The entity of its class, and what every class keeps, with all their members.\n"
	"owners = {\"se\": (\"fair\", \"ext\"), \"rt\": (\"rt\",), \"dl\": (\"dl\",), \"scx\": (\"ext\",)}\n"
	"for name in (\"se\", \"rt\", \"dl\", \"scx\", \"sched_info\"):\n"
	"    mine = classes.get(int(task.sched_class)) in owners.get(name, classes.values())\n"
	"    if mine and hasattr(task, name):\n"
	"        print(name, \"=\", getattr(task, name))\n";
/* clang-format on */

void as_drgn_scx(struct out *out)
{
	out_lines(out, scx_script);
}

struct err *as_drgn_task(int pid, struct out *out)
{
	struct str s = {0};
	const char *at = task_script, *next;
	struct err *err;

	for (; (next = strstr(at, "%PID")); at = next + strlen("%PID")) {
		str_add_n(&s, at, (size_t)(next - at));
		str_addf(&s, "%d", pid);
	}
	str_add(&s, at);
	err = str_error(&s);
	if (!err)
		out_lines(out, str_text(&s));
	str_deinit(&s);
	return err;
}
