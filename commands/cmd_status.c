/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "coord/agent.h"
#include "coord/model.h"

#include <stdio.h>
#include <string.h>

static const char *clock_name(enum clock_kind clock)
{
	return clock == CLOCK_VIRTUAL ? "virtual" : "real";
}

static const char *accel_name(enum accel accel)
{
	return accel == ACCEL_KVM ? "kvm" : "tcg";
}

static void status_machine(struct session *s, struct out *out)
{
	struct coord *coord = session_coord(s);
	const struct machine_info *info = machine_info(coord_machine(coord));
	struct out_value time = out_duration(coord_time(coord));
	char text[DURATION_TEXT];

	time.string = format_seconds(time.u64, text);
	out_record(out, "guest", out_string(coord_frozen(coord) ? "frozen" : "thawed"));
	out_record(out, "time", time);
	out_record(out, "clock", out_string(clock_name(info->clock)));
	out_record(out, "accelerator", out_string(accel_name(info->accel)));
	out_record(out, "reason", out_string(info->accel_reason ? info->accel_reason : ""));
}

static void status_kernel(struct session *s, struct out *out)
{
	struct kernel *kernel;
	struct err *err = coord_kernel(session_coord(s), &kernel);

	if (err) {
		out_record(out, "kernel", out_string(err_detail(err)));
		err_free(err);
		return;
	}
	out_record(out, "kernel", out_string(kernel_info(kernel)->release));
	out_record(out, "build_id", out_string(kernel_info(kernel)->build_id));
}

static void status_scheduler(struct session *s, struct out *out)
{
	const struct model *model;
	struct err *err = coord_model(session_coord(s), &model);
	char text[256];

	if (err) {
		out_record(out, "scheduler", out_string(err_detail(err)));
		err_free(err);
		return;
	}
	if (!model->scx.present)
		snprintf(text, sizeof(text), "fair (this kernel has no sched_ext)");
	else if (model->scx.ops[0])
		snprintf(text, sizeof(text), "%s (sched_ext %s)", model->scx.ops, model->scx.state);
	else
		snprintf(text, sizeof(text), "fair (sched_ext %s)", model->scx.state);
	out_record(out, "scheduler", out_string(text));
	if (model->damage[0])
		out_record(out, "damage", out_string(model->damage));
}

static void status_agent(struct session *s, struct out *out)
{
	struct agent *agent = coord_agent(session_coord(s));
	struct agent_health health;

	if (!agent) {
		out_record(out, "agent", out_string("not known"));
		return;
	}
	agent_health(agent, &health);
	out_record(out, "agent", out_string(health.ok ? "answers" : health.reason));
}

static struct err *run_status(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count)
		return command_usage(&command_status);
	out_record_begin(out);
	status_machine(s, out);
	status_kernel(s, out);
	status_scheduler(s, out);
	status_agent(s, out);
	out_record_end(out);
	return NULL;
}

static void info_machine(struct session *s, struct out *out)
{
	struct coord *coord = session_coord(s);
	const struct machine_info *info = machine_info(coord_machine(coord));
	char topology[TOPOLOGY_TEXT], memory[DURATION_TEXT];
	struct out_value size = out_u64(info->memory);

	size.string = format_size(info->memory, memory);
	out_record_begin(out);
	out_record(out, "qemu", out_string(info->qemu_version));
	out_record(out, "pid", out_s64(info->pid));
	out_record(out, "accelerator", out_string(accel_name(info->accel)));
	out_record(out, "reason", out_string(info->accel_reason ? info->accel_reason : ""));
	out_record(out, "clock", out_string(clock_name(info->clock)));
	out_record(out, "quantum",
		   info->quantum.ns ? out_duration(info->quantum.ns) : out_string("random"));
	if (!info->quantum.ns)
		out_record(out, "seed", out_u64(info->quantum.seed));
	out_record(out, "topology", out_string(topology_format(&info->topology, topology)));
	out_record(out, "cpus", out_u64(topology_cpus(&info->topology)));
	out_record(out, "memory", size);
	out_record(out, "kernel_image", out_string(info->kernel));
	out_record(out, "guest_image", out_string(info->image_hash ? info->image_hash : ""));
	out_record(out, "saved_machine",
		   *info->saved_hash ? out_string(info->saved_hash) : out_none());
	out_record(out, "warm_start", out_bool(info->warm));
	out_record(out, "boot_time", out_duration(info->boot_ns));
	out_record_end(out);
}

static void info_kernel_record(struct kernel *kernel, struct out *out)
{
	const struct kernel_info *info = kernel_info(kernel);

	out_record_begin(out);
	out_record(out, "release", out_string(info->release));
	out_record(out, "build_id", out_string(info->build_id));
	out_record(out, "sched_ext", out_bool(info->sched_ext));
	out_record(out, "symbols", out_u64(info->symbols));
	out_record(out, "kaslr_offset", out_hex(info->kaslr_offset));
	out_record(out, "phys_base", out_hex(info->phys_base));
	out_record(out, "page_table_levels", out_u64(info->five_levels ? 5 : 4));
	out_record(out, "adoption_time", out_duration(info->adopt_ns));
	out_record_end(out);
}

static struct err *run_info(struct session *s, const struct command_line *line, struct out *out)
{
	struct kernel *kernel;

	if (line->count == 1 && strcmp(line->words[0], "machine") == 0) {
		info_machine(s, out);
		return NULL;
	}
	if (line->count == 1 && strcmp(line->words[0], "kernel") == 0) {
		ERR_TRY(session_kernel(s, &kernel));
		info_kernel_record(kernel, out);
		return NULL;
	}
	return command_usage(&command_info);
}

const struct command command_status = {
	.name = "status",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_HOST,
	.usage = "status",
	.summary = "clock, frozen or not, accelerator, kernel, scheduler, agent",
	.help = "Works without the guest's help and also before its kernel was recognised: what is "
		"not known\n"
		"says why.",
	.run = run_status,
};

const struct command command_info = {
	.name = "info",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_HOST,
	.usage = "info machine|kernel",
	.summary = "what the guest's machine and kernel are",
	.help = "`info machine`: QEMU, accelerator, clock, topology, memory, how it was started.\n"
		"`info kernel`: release, build-id, symbols, address layout, how long adoption "
		"took.",
	.arguments = {{"WHAT", COMPLETE_WORD, "machine|kernel"}},
	.run = run_info,
};
