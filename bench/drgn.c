/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/drgn.h"

#include "base/file.h"
#include "base/str.h"
#include "bench/measure.h"
#include "coord/vmcore.h"
#include "vmm/helper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Members that this kernel lacks are found once, not at every task. */
static const char script[] =
	"import time\n"
	"from drgn.helpers.linux.cgroup import cgroup_path\n"
	"from drgn.helpers.linux.cpumask import cpumask_to_cpulist\n"
	"from drgn.helpers.linux.pid import for_each_task\n"
	"from drgn.helpers.linux.sched import task_cpu, task_state_to_char\n"
	"names = '''pid tgid start_time flags policy prio static_prio normal_prio rt_priority sched_class on_rq\n"
	"on_cpu nvcsw nivcsw wake_cpu migration_disabled pi_blocked_on throttled se.sum_exec_runtime se.vruntime\n"
	"se.nr_migrations se.deadline se.vlag se.slice se.load.weight sched_info.run_delay sched_info.last_queued\n"
	"sched_info.pcount dl.deadline dl.runtime thread.sp scx.dsq_vtime scx.slice scx.weight scx.flags\n"
	"scx.sticky_cpu scx.holding_cpu scx.selected_cpu scx.ddsp_dsq_id scx.ddsp_enq_flags scx.dsq_flags\n"
	"scx.dsq_seq scx.disallow scx.kf_mask scx.runnable_at'''.split()\n"
	"def read(task, path):\n"
	"    for name in path:\n"
	"        task = task.member_(name)\n"
	"    return task.value_()\n"
	"paths = []\n"
	"for name in names:\n"
	"    try:\n"
	"        read(prog['init_task'], name.split('.'))\n"
	"        paths.append(name.split('.'))\n"
	"    except LookupError:\n"
	"        pass\n"
	"def walk():\n"
	"    rows = []\n"
	"    for task in for_each_task(prog):\n"
	"        row = [read(task, path) for path in paths]\n"
	"        row.append(task.comm.string_())\n"
	"        row.append(task_cpu(task))\n"
	"        row.append(task_state_to_char(task))\n"
	"        row.append(cpumask_to_cpulist(task.cpus_ptr))\n"
	"        row.append(cgroup_path(task.cgroups.dfl_cgrp))\n"
	"        rows.append(row)\n"
	"    return len(rows)\n"
	"walk()\n"
	"start = time.monotonic_ns()\n"
	"tasks = walk()\n"
	"print('walk', time.monotonic_ns() - start, tasks)\n";

static struct err *run(const char *core, const char *path, struct drgn *ret)
{
	const char *program = getenv("KTDBG_DRGN"), *vmlinux = getenv("KTDBG_VMLINUX");
	const char *argv[] = {program && *program ? program : "drgn", "-q", "-c", core, path, NULL, NULL, NULL};
	struct str output = {0};
	struct err *err;

	if (vmlinux && *vmlinux) {
		argv[4] = "-s";
		argv[5] = vmlinux;
		argv[6] = path;
	}
	err = helper_run(argv, NULL, 600 * SECOND, &output);
	if (err && err_kind(err) == ERR_NOT_FOUND)
		ret->why_not = "not installed";
	else if (err)
		ret->why_not = vmlinux ? "failed" : "no types";
	else if (sscanf(str_text(&output), "walk %" SCNu64 " %u", &ret->walk_ns, &ret->tasks) != 2)
		ret->why_not = "no answer";
	str_deinit(&output);
	err_free(err);
	return NULL;
}

struct err *drgn_measure(struct coord *c, const char *folder, struct drgn *ret)
{
	char *core = str_format("%s/core", folder), *path = str_format("%s/walk.py", folder);
	struct kernel *k;
	uint64_t bytes;
	struct err *err;

	*ret = (struct drgn){0};
	err = core && path ? coord_kernel(c, &k) : err_nomem();
	if (!err)
		err = replace_file(path, script, strlen(script));
	if (!err)
		err = vmcore_write(k, machine_ram(coord_machine(c)), core, &bytes);
	if (!err)
		err = run(core, path, ret);
	if (core)
		unlink(core);
	free(path);
	free(core);
	return err;
}
