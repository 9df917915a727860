/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "coord/agent.h"
#include "coord/cgroup_spec.h"
#include "coord/cold.h"
#include "coord/payload.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT 60000000000ULL /* ns of guest time */

/* The words behind the verb, taken apart. */
struct request {
	const char *program, *cgroup, *tag;
	unsigned int argument_count;
	char *const *arguments;
	uint64_t timeout;
};

static struct err *check_cgroup(const char *name)
{
	return strcmp(name, "@runner") == 0 ? NULL : cgroup_name_check(name);
}

/* PROGRAM [ARGS] [in CGROUP]: everything between is the program's own. */
static struct err *parse_run(const struct command_line *line, struct request *ret)
{
	unsigned int end = line->count;

	*ret = (struct request){.program = line->words[1]};
	if (end >= 4 && strcmp(line->words[end - 2], "in") == 0) {
		ret->cgroup = line->words[end - 1];
		end -= 2;
		ERR_TRY(check_cgroup(ret->cgroup));
	}
	ret->argument_count = end - 2;
	ret->arguments = line->words + 2;
	return NULL;
}

/* PROGRAM [in CGROUP] [timeout T] [as TAG] */
static struct err *parse_wait(const struct command_line *line, struct request *ret)
{
	*ret = (struct request){.program = line->words[1], .timeout = DEFAULT_TIMEOUT};
	if (line->count % 2)
		return command_usage(&command_payload);
	for (unsigned int i = 2; i < line->count; i += 2) {
		const char *key = line->words[i], *value = line->words[i + 1];

		if (strcmp(key, "in") == 0)
			ret->cgroup = value;
		else if (strcmp(key, "timeout") == 0)
			ERR_TRY(err_wrap(parse_duration(value, &ret->timeout), "timeout"));
		else if (strcmp(key, "as") == 0)
			ret->tag = value;
		else
			return command_usage(&command_payload);
	}
	return ret->cgroup ? check_cgroup(ret->cgroup) : NULL;
}

/* What --add-file brought, by which an operator knows what could be meant. */
static struct err *no_program(struct session *s, struct err *err, const char *program)
{
	const struct options *o = session_options(s);
	struct str text = {0};
	struct nearest near;

	nearest_init(&near, program);
	str_addf(&text, "%s; --add-file packed ", err_detail(err));
	for (unsigned int i = 0; i < o->add_file_count; i++) {
		const char *colon = strrchr(o->add_files[i], ':');
		const char *slash = strrchr(o->add_files[i], '/');
		const char *name = slash ? slash + 1 : o->add_files[i];

		str_addf(&text, "%s%s%s", i ? ", " : "", colon ? "" : "/ktdbg/bin/", colon ? colon + 1 : name);
		nearest_offer(&near, name);
	}
	str_add(&text, o->add_file_count ? "" : "nothing");
	nearest_add(&near, &text);
	err_free(err);
	err = err_new(ERR_NOT_FOUND, "%s", str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *run(struct session *s, struct agent *agent, const struct command_line *line,
		       struct out *out)
{
	struct request r;
	int pid = 0;
	struct err *err;

	ERR_TRY(parse_run(line, &r));
	err = payload_run(agent, r.program, r.argument_count, r.arguments, r.cgroup, &pid);
	if (err && err_kind(err) == ERR_NOT_FOUND && str_starts(err_detail(err), r.program))
		return no_program(s, err, r.program);
	if (!err)
		out_text(out, "%s in %s pid %d", r.program, r.cgroup ? r.cgroup : "@runner", pid);
	return err;
}

/* The number that a shell would have for its end, as a reply under that tag. */
static struct err *keep_result(struct session *s, const char *tag, const struct payload *p)
{
	struct cold_reply reply = {.type = "s32", .value = value_number(payload_exit_code(p))};

	snprintf(reply.tag, sizeof(reply.tag), "%s", tag);
	snprintf(reply.text, sizeof(reply.text), "%d", payload_exit_code(p));
	return cold_add_reply(coord_cold(session_coord(s)), &reply);
}

static struct err *report(struct session *s, const struct request *r, const struct payload *p,
			  const char *output, struct out *out)
{
	struct str text = {0};

	str_addf(&text, "%s in %s ", p->name, p->cgroup);
	payload_add_end(p, &text);
	out_text(out, "%s", str_text(&text));
	str_deinit(&text);
	out_lines(out, output);
	return r->tag ? keep_result(s, r->tag, p) : NULL;
}

static struct err *end(struct session *s, struct agent *agent, const struct command_line *line,
		       bool killed, struct out *out)
{
	struct str output = {0};
	struct payload p;
	struct request r;
	struct err *err;

	ERR_TRY(parse_wait(line, &r));
	ERR_TRY(payload_find(agent, r.program, r.cgroup, &p));
	if (killed && !p.ended)
		err = payload_kill(agent, &p, &output);
	else
		err = payload_wait(agent, &p, r.timeout, &output);
	if (!err)
		err = report(s, &r, &p, str_text(&output), out);
	str_deinit(&output);
	return err;
}

static const struct out_column columns[] = {
	{"name", 0}, {"cgroup", 0}, {"pid", OUT_RIGHT}, {"state", 0}};

static struct err *list(struct agent *agent, struct out *out)
{
	struct payload *list;
	unsigned int count;

	ERR_TRY(payload_list(agent, &list, &count));
	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int i = 0; i < count; i++) {
		struct str state = {0};

		if (list[i].ended)
			payload_add_end(&list[i], &state);
		else
			str_add(&state, "runs");
		out_row(out, (struct out_value[]){out_string(list[i].name), out_string(list[i].cgroup),
						  out_s64(list[i].pid), out_string(str_text(&state))});
		str_deinit(&state);
	}
	out_table_end(out);
	free(list);
	return NULL;
}

static struct err *run_payload(struct session *s, const struct command_line *line, struct out *out)
{
	const char *verb = line->count ? line->words[0] : "";
	struct agent *agent;

	ERR_TRY(show_agent(s, &agent));
	if (strcmp(verb, "list") == 0 && line->count == 1)
		return list(agent, out);
	if (line->count < 2)
		return command_usage(&command_payload);
	if (strcmp(verb, "run") == 0)
		return run(s, agent, line, out);
	if (strcmp(verb, "wait") == 0 || strcmp(verb, "kill") == 0)
		return end(s, agent, line, strcmp(verb, "kill") == 0, out);
	return command_usage(&command_payload);
}

const struct command command_payload = {
	.name = "payload",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "payload run PROGRAM [ARGS] [in CGROUP] | wait PROGRAM [in CGROUP] [timeout T] [as TAG] | "
		 "kill PROGRAM [in CGROUP] | list",
	.summary = "run programs of your own in the guest",
	.help = "PROGRAM is a path in the guest, or a name that --add-file PATH brought, with its libraries, or that "
		"the\n"
		"guest's /usr/bin and so on have. It is known from then on by its name and its cgroup. `wait` lets "
		"guest\n"
		"time pass (60s) until it ended, and shows how, and the newest 16 KiB of what it wrote; $TAG is its\n"
		"exit status, 128 and the signal's number when it was killed.\n"
		"\n"
		"    payload run stress -c 2 in web\n"
		"    payload wait stress timeout 5s as result",
	.arguments = {{"VERB", COMPLETE_WORD, "run|wait|kill|list"},
		      {"PROGRAM", COMPLETE_NONE, NULL},
		      {"CGROUP", COMPLETE_CGROUP, NULL}},
	.run = run_payload,
};
