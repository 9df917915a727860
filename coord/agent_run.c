// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs inside the guest: started, waited for, killed. */
#include "coord/agent_impl.h"

#include <string.h>

#define WAIT_STEP 10000000ULL   /* ns of guest time between questions of agent_run_wait() */

struct err *agent_fill_program(const char *program, unsigned int count, char *const *arguments,
				struct wire_program *ret)
{
	if (strlen(program) >= sizeof(ret->program))
		return err_new(ERR_USAGE, "%.20s...: the name is too long", program);
	if (count > 64)
		return err_new(ERR_USAGE, "%u arguments are too many; 64 are possible", count);
	memset(ret, 0, sizeof(*ret));
	strcpy(ret->program, program);
	for (unsigned int i = 0; i < count; i++) {
		size_t len = strlen(arguments[i]) + 1;

		if (len > sizeof(ret->arguments) - ret->argument_len)
			return err_new(ERR_USAGE, "the arguments of %s are too long", program);
		memcpy(ret->arguments + ret->argument_len, arguments[i], len);
		ret->argument_len += (uint32_t)len;
	}
	ret->argument_count = count;
	return NULL;
}

struct err *agent_run(struct agent *a, const char *cgroup, const char *program,
		      unsigned int argument_count, char *const *arguments, int *ret_pid)
{
	struct wire_program payload;
	struct agent_reply reply;

	ERR_TRY(agent_fill_program(program, argument_count, arguments, &payload));
	if (cgroup)
		ERR_TRY(agent_name_payload(cgroup, payload.cgroup));
	ERR_TRY(agent_call(a, WIRE_OP_RUN, &payload, sizeof(payload), AGENT_DEADLINE, &reply));
	*ret_pid = (int)reply.values[0];
	agent_reply_deinit(&reply);
	return NULL;
}

/* One question: has it ended? */
static struct err *ask_ended(struct agent *a, int pid, uint64_t deadline_ns, bool *ret, int *ret_status,
			     struct str *output)
{
	struct wire_process payload = {.pid = (uint32_t)pid};
	struct agent_reply reply;
	struct err *err = agent_call(a, WIRE_OP_RUN_WAIT, &payload, sizeof(payload), deadline_ns, &reply);

	*ret = false;
	if (err && err_kind(err) == ERR_REFUSED) { /* EAGAIN: it still runs */
		err_free(err);
		return NULL;
	}
	if (err)
		return err;
	*ret = true;
	*ret_status = (int)(uint32_t)reply.values[0];
	if (output)
		str_add(output, str_text(&reply.text));
	agent_reply_deinit(&reply);
	return NULL;
}

struct err *agent_run_wait(struct agent *a, int pid, uint64_t timeout_ns, int *ret_status)
{
	return agent_run_wait_output(a, pid, timeout_ns, ret_status, NULL);
}

/* A program may keep the agent itself from running for as long as it is waited for. */
static uint64_t patience(uint64_t now, uint64_t end)
{
	return end > now && end - now > AGENT_DEADLINE ? end - now : AGENT_DEADLINE;
}

/* Inside a window. */
static struct err *wait_ended(struct agent *a, int pid, uint64_t end, int *ret_status, struct str *output)
{
	bool ended = false;

	for (;;) {
		uint64_t now = coord_time(a->coord);

		ERR_TRY(ask_ended(a, pid, patience(now, end), &ended, ret_status, output));
		if (ended)
			return NULL;
		now = coord_time(a->coord);
		if (now >= end)
			return err_new(ERR_TIMEOUT, "pid %d still runs", pid);
		ERR_TRY(coord_run_until(a->coord, now + WAIT_STEP));
	}
}

struct err *agent_run_wait_output(struct agent *a, int pid, uint64_t timeout_ns, int *ret_status,
				  struct str *output)
{
	uint64_t now = coord_time(a->coord);
	uint64_t end = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
	int status = 0;
	struct err *err;

	if (coord_frozen(a->coord))
		return err_new(ERR_REFUSED, "the guest is frozen, so nothing in it can end; thaw it first");
	ERR_TRY(coord_enter(a->coord));
	err = coord_leave_with(a->coord, wait_ended(a, pid, end, &status, output));
	if (!err)
		*ret_status = status;
	return err;
}

struct err *agent_run_kill(struct agent *a, int pid, int signal)
{
	struct wire_process payload = {.pid = (uint32_t)pid, .signal = (uint32_t)signal};

	return agent_call(a, WIRE_OP_RUN_KILL, &payload, sizeof(payload), AGENT_DEADLINE, NULL);
}
