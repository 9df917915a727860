// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/payload.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PAYLOADS_MAX 256
#define KILL_DEADLINE 10000000000ULL /* ns of guest time */

/* "PID STATUS|- CGROUP NAME" */
static bool parse_line(const char *line, struct payload *ret)
{
	char status[16];

	*ret = (struct payload){0};
	if (sscanf(line, "%d %15s %63s %63[^\n]", &ret->pid, status, ret->cgroup, ret->name) != 4)
		return false;
	ret->ended = strcmp(status, "-") != 0;
	ret->status = ret->ended ? atoi(status) : 0;
	return true;
}

struct err *payload_list(struct agent *a, struct payload **ret, unsigned int *ret_count)
{
	struct payload *list = calloc(PAYLOADS_MAX, sizeof(*list));
	struct agent_reply reply;
	unsigned int count = 0;
	struct err *err;

	if (!list)
		return err_nomem();
	err = agent_call(a, WIRE_OP_RUN_LIST, NULL, 0, AGENT_DEADLINE, &reply);
	if (err) {
		free(list);
		return err;
	}
	for (const char *line = str_text(&reply.text); *line && count < PAYLOADS_MAX;
	     line += strcspn(line, "\n"), line += *line == '\n')
		count += parse_line(line, &list[count]);
	agent_reply_deinit(&reply);
	*ret = list;
	*ret_count = count;
	return NULL;
}

static const char *base_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

static struct err *not_found(const struct payload *list, unsigned int count, const char *name,
			     const char *cgroup)
{
	struct str text = {0};
	struct nearest near;
	struct err *err;

	nearest_init(&near, name);
	str_addf(&text, "no payload %s%s%s; there is ", name, cgroup ? " in " : "", cgroup ? cgroup : "");
	for (unsigned int i = 0; i < count; i++) {
		str_add(&text, i ? ", " : "");
		str_add_clean(&text, list[i].name, sizeof(list[i].name));
		str_add(&text, " in ");
		str_add_clean(&text, list[i].cgroup, sizeof(list[i].cgroup));
		nearest_offer(&near, list[i].name);
	}
	str_add(&text, count ? "" : "none");
	nearest_add(&near, &text);
	err = err_new(ERR_NOT_FOUND, "%s", str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *ambiguous(const struct payload *list, unsigned int count, const char *name)
{
	struct str text = {0};
	struct err *err;

	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) != 0)
			continue;
		str_add(&text, text.len ? ", " : "");
		str_add_clean(&text, list[i].cgroup, sizeof(list[i].cgroup));
	}
	err = err_new(ERR_REFUSED, "%s is in more than one cgroup: %s; say which with `in CGROUP`", name,
		      str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *choose(const struct payload *list, unsigned int count, const char *name,
			  const char *cgroup, struct payload *ret)
{
	const struct payload *found = NULL;

	for (unsigned int i = 0; i < count; i++) {
		const struct payload *p = &list[i];

		if (strcmp(p->name, name) != 0 || (cgroup && strcmp(p->cgroup, cgroup) != 0))
			continue;
		if (found && strcmp(found->cgroup, p->cgroup) != 0)
			return ambiguous(list, count, name);
		if (!found || !p->ended)
			found = p;
	}
	if (!found)
		return not_found(list, count, name, cgroup);
	*ret = *found;
	return NULL;
}

struct err *payload_find(struct agent *a, const char *program, const char *cgroup, struct payload *ret)
{
	struct payload *list;
	unsigned int count;
	struct err *err;

	ERR_TRY(payload_list(a, &list, &count));
	err = choose(list, count, base_name(program), cgroup, ret);
	free(list);
	return err;
}

/* The end of an earlier one that nobody asked about is told to nobody: the newer takes its name. */
static struct err *clear_name(struct agent *a, const char *name, const char *cgroup)
{
	struct str output = {0};
	struct payload old;
	struct err *err = payload_find(a, name, cgroup, &old);

	if (err && err_kind(err) == ERR_NOT_FOUND) {
		err_free(err);
		return NULL;
	}
	if (!err && !old.ended)
		err = err_new(ERR_REFUSED, "%s runs in %s already, as pid %d", name, cgroup, old.pid);
	if (!err)
		err = payload_wait(a, &old, 0, &output);
	str_deinit(&output);
	return err;
}

struct err *payload_run(struct agent *a, const char *program, unsigned int argument_count,
			char *const *arguments, const char *cgroup, int *ret_pid)
{
	for (const char *p = program; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return err_new(ERR_USAGE, "a program's name has no control bytes");
	ERR_TRY(clear_name(a, base_name(program), cgroup ? cgroup : WIRE_RUNNER));
	return agent_run(a, cgroup, program, argument_count, arguments, ret_pid);
}

struct err *payload_wait(struct agent *a, struct payload *p, uint64_t timeout_ns, struct str *output)
{
	struct err *err = agent_run_wait_output(a, p->pid, timeout_ns, &p->status, output);

	if (err && err_kind(err) == ERR_TIMEOUT) {
		err_free(err);
		return err_new(ERR_TIMEOUT, "%s in %s (pid %d) still runs", p->name, p->cgroup, p->pid);
	}
	p->ended = !err;
	return err;
}

struct err *payload_kill(struct agent *a, struct payload *p, struct str *output)
{
	ERR_TRY(agent_run_kill(a, p->pid, SIGKILL));
	return payload_wait(a, p, KILL_DEADLINE, output);
}

void payload_add_end(const struct payload *p, struct str *s)
{
	if (WIFEXITED(p->status))
		str_addf(s, "exited with %d", WEXITSTATUS(p->status));
	else
		str_addf(s, "was killed by signal %d", WTERMSIG(p->status));
}

int payload_exit_code(const struct payload *p)
{
	return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}
