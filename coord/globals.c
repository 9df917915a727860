/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/globals.h"

#include <string.h>

/* Variables of kernel/, init/ and arch/x86/ with the type of their definition. */
static const struct {
	const char *name, *type;
} declared[] = {
	{"jiffies", "unsigned long"},
	{"jiffies_64", "u64"},
	{"init_task", "struct task_struct"},
	{"init_pid_ns", "struct pid_namespace"},
	{"init_uts_ns", "struct uts_namespace"},
	{"init_css_set", "struct css_set"},
	{"init_mm", "struct mm_struct"},
	{"init_cred", "struct cred"},
	{"cgrp_dfl_root", "struct cgroup_root"},
	{"root_task_group", "struct task_group"},
	{"nr_threads", "int"},
	{"total_forks", "unsigned long"},
	{"nr_cpu_ids", "unsigned int"},
	{"panic_timeout", "int"},
	{"system_state", "enum system_states"},
	{"stop_sched_class", "struct sched_class"},
	{"dl_sched_class", "struct sched_class"},
	{"rt_sched_class", "struct sched_class"},
	{"fair_sched_class", "struct sched_class"},
	{"ext_sched_class", "struct sched_class"},
	{"idle_sched_class", "struct sched_class"},
	{"scx_root", "struct scx_sched *"},
	{"scx_enable_state_var", "atomic_t"},
	{"scx_ops_enable_state_var", "atomic_t"},
	{"scx_nr_rejected", "atomic_long_t"},
	{"scx_enable_seq", "atomic_long_t"},
	{"scx_hotplug_seq", "atomic_long_t"},
	{"scx_switching_all", "bool"},
	{"scx_watchdog_timeout", "unsigned long"},
	{"scx_watchdog_timestamp", "unsigned long"},
	{"scx_slice_dfl", "u64"},
	{"scx_slice_bypass_us", "unsigned int"},
	{"scx_bypass_depth", "int"},
	{"scx_tasks", "struct list_head"},
	{"scx_ops", "struct sched_ext_ops"},
	{"scx_exit_info", "struct scx_exit_info *"},
	{"sysctl_sched_base_slice", "unsigned int"},
	{"sysctl_sched_rt_runtime", "int"},
	{"sysctl_sched_rt_period", "unsigned int"},
	{"sysctl_sched_migration_cost", "unsigned int"},
	{"sysctl_sched_nr_migrate", "unsigned int"},
	{"sysctl_sched_features", "unsigned int"},
	{"sysctl_numa_balancing_mode", "int"},
	{"scheduler_running", "int"},
	{"calc_load_tasks", "atomic_long_t"},
	{"avenrun", "unsigned long [3]"},
	{"linux_banner", "char [256]"},
	{"saved_command_line", "char *"},
	{"boot_command_line", "char [2048]"},
	{"__cpu_online_mask", "struct cpumask"},
	{"__cpu_possible_mask", "struct cpumask"},
	{"__cpu_present_mask", "struct cpumask"},
	{"__cpu_active_mask", "struct cpumask"},
	{"loops_per_jiffy", "unsigned long"},
	{"tsc_khz", "unsigned int"},
	{"cpu_khz", "unsigned int"},
	{"high_memory", "void *"},
	{"max_pfn", "unsigned long"},
	{"phys_base", "unsigned long"},
	{"kptr_restrict", "int"},
	{"console_printk", "int [4]"},
};

const char *global_name_at(unsigned int i)
{
	return i < sizeof(declared) / sizeof(declared[0]) ? declared[i].name : NULL;
}

struct err *global_type(const struct types *types, const char *name, uint32_t *ret)
{
	struct err *err = types_variable(types, name, ret);

	if (!err || err_kind(err) != ERR_ABSENT)
		return err;
	for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++) {
		if (strcmp(declared[i].name, name) != 0)
			continue;
		err_free(err);
		err = types_parse(types, declared[i].type, ret);
		return err_wrap(err, "%s", name);
	}
	return err;
}
