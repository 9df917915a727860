/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command: whether it may run now, in which window, and what of it is recorded. */
#include "commands/session_impl.h"

#include "commands/dump_open.h"
#include "commands/recorder.h"
#include "commands/travel.h"
#include "commands/words.h"

#include <stdlib.h>
#include <string.h>

/* What `command_line` calls `words` and `rest`, then run(). */
struct err *session_call(struct session *s, const struct invocation *in, struct out *out)
{
	struct command_line line = {
		.rest = in->rest, .block = in->block, .block_count = in->block_count};
	struct words words = {0};
	struct err *err;

	if (!(in->command->flags & CMD_RAW))
		ERR_TRY(words_split(in->rest, &words));
	line.count = words.count;
	line.words = words.words;
	err = in->command->run(s, &line, out);
	words_deinit(&words);
	return err ? err : out_error(out);
}

/* "NAME REST" and a block's lines with its `end`, as the recorder wants them. */
static void canonical_line(const struct invocation *in, struct str *s)
{
	str_add(s, in->command->name);
	if (*in->rest)
		str_addf(s, " %s", in->rest);
	if (!command_opens_block(in->command, in->rest))
		return;
	for (unsigned int i = 0; i < in->block_count; i++)
		str_addf(s, "\n%s", in->block[i]);
	str_add(s, "\nend");
}

static struct err *record_before(struct session *s, const struct invocation *in)
{
	struct str line = {0};
	struct err *err;

	canonical_line(in, &line);
	err = str_error(&line);
	if (!err)
		err = recorder_command(s->recorder, coord_time(s->coord), str_text(&line));
	str_deinit(&line);
	/* The prompt and the screen show output as it comes; a script's waits for the disk by itself. */
	if (!err && (s->mode == MODE_PROMPT || s->mode == MODE_SCREEN))
		recorder_sync(s->recorder);
	return err;
}

static struct err *record_after(struct session *s, const struct str *text, const struct err *error)
{
	if (text->len)
		ERR_TRY(recorder_output(s->recorder, text->data, text->len));
	return error ? recorder_error(s->recorder, error) : NULL;
}

/* A recording that cannot be written does not keep a command from running, but is not kept quiet.
 */
static struct err *first_error(struct err *first, struct err *second)
{
	if (!first)
		return second;
	err_free(second);
	return first;
}

/* A full disk ends the recording, not the session; the operator sees it below the command's output.
 */
static void show_recorder_problem(struct session *s, struct out *out)
{
	char *problem = recorder_problem(s->recorder);

	if (problem)
		out_text(out, "%s", problem);
	free(problem);
}

static struct err *run_recorded(struct session *s, const struct invocation *in, struct out *out)
{
	struct str text = {0};
	struct out *copy = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *before, *err, *after;

	if (!copy)
		return err_nomem();
	before = record_before(s, in);
	out_set_tee(out, copy);
	err = session_call(s, in, out);
	out_set_tee(out, NULL);
	after = record_after(s, &text, err);
	out_destroy(copy);
	str_deinit(&text);
	show_recorder_problem(s, out);
	return first_error(err, first_error(before, after));
}

/* The line that is recorded is the one that runs, so that what is said of it is the same in a replay. */
static struct err *run_named(struct session *s, const struct invocation *in, struct out *out)
{
	struct invocation named = *in;
	struct str line = {0}, words = {0};
	struct err *err;

	str_addf(&line, "%s %s", in->command->name, in->rest);
	recorder_name_workers(s->recorder, str_text(&line), line.len, &words);
	err = str_error(&line);
	if (!err)
		err = str_error(&words);
	if (!err) {
		named.rest = words.data + strlen(in->command->name) + 1;
		err = run_recorded(s, &named, out);
	}
	str_deinit(&line);
	str_deinit(&words);
	return err;
}

/* Inside the command's window. */
static struct err *run_at_time(struct session *s, const struct invocation *in, struct out *out)
{
	if (in->timed)
		ERR_TRY(coord_go_to(s->coord, in->time));
	if (in->command->flags & CMD_RECORDED)
		return run_named(s, in, out);
	return session_call(s, in, out);
}

static bool is_hot(const struct invocation *in)
{
	struct words words;
	struct err *err;
	bool hot = false;

	if (!(in->command->flags & CMD_HOT) || in->timed)
		return false;
	err = words_split(in->rest, &words);
	if (err) {
		err_free(err);
		return false;
	}
	for (unsigned int i = 0; i < words.count; i++)
		hot |= strcmp(words.words[i], "--hot") == 0;
	words_deinit(&words);
	return hot;
}

static struct err *run_hot(struct session *s, const struct invocation *in, struct out *out)
{
	struct err *before = record_before(s, in), *err = session_call(s, in, out);

	show_recorder_problem(s, out);
	return first_error(err, before);
}

#define CMD_ANY_GUEST (CMD_GUEST | CMD_KERNEL | CMD_FROZEN | CMD_AGENT)

static struct err *run_in_window(struct session *s, const struct invocation *in, struct out *out)
{
	struct coord *coord;
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_need_guest(s));
	coord = s->coord;
	if (in->command->flags & CMD_KERNEL)
		ERR_TRY(coord_kernel(coord, &kernel));
	if (is_hot(in))
		return run_hot(s, in, out);
	ERR_TRY(coord_enter(coord));
	err = run_at_time(s, in, out);
	/* `poweroff` takes the window away with the guest. */
	return s->coord == coord ? coord_leave_with(coord, err) : err;
}

/* What a dump cannot answer: whatever lets something happen. */
static bool needs_life(const struct command *command)
{
	if (command->flags & (CMD_WRITES | CMD_AGENT | CMD_WAITS))
		return true;
	return command->group == GROUP_CONTROL || command->group == GROUP_INJECT;
}

static struct err *check_allowed(struct session *s, const struct command *command)
{
	if (s->options.open_dump && needs_life(command))
		return err_new(ERR_REFUSED, "%s: needs a guest, and a dump is one instant of it", command->name);
	if ((command->flags & CMD_WRITES) && s->options.readonly)
		return err_new(ERR_REFUSED, "%s: refused by --readonly", command->name);
	if (command->flags & (CMD_WRITES | CMD_AGENT | CMD_WAITS))
		ERR_TRY(travel_check(s, command->name));
	if ((command->flags & CMD_SCREEN_ONLY) && !s->screen)
		return err_new(ERR_REFUSED, "%s: works on the screen only", command->name);
	return NULL;
}

struct err *session_run(struct session *s, const struct invocation *in, struct out *out)
{
	s->last = in->command;
	if (s->options.open_dump && dump_keeps(in->command->name, in->rest)) {
		ERR_TRY(session_need_guest(s));
		return dump_answer(s->dump, in->command->name, in->rest, out);
	}
	ERR_TRY(check_allowed(s, in->command));
	if ((in->command->flags & CMD_ANY_GUEST) || in->timed)
		return run_in_window(s, in, out);
	/* `note` needs no guest, but belongs into the recording of one. */
	if ((in->command->flags & CMD_RECORDED) &&
	    (s->coord || (recorder_path(s->recorder) && !s->powered_off)))
		return run_in_window(s, in, out);
	return session_call(s, in, out);
}
