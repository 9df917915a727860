/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/session.h"

#include "commands/command.h"
#include "commands/dump_open.h"
#include "commands/recorder.h"
#include "commands/recording.h"
#include "commands/scenario.h"
#include "commands/start.h"
#include "commands/travel.h"
#include "commands/words.h"
#include "coord/cold.h"
#include "coord/source.h"

#include <stdlib.h>
#include <string.h>

/* Lines that a block may hold. */
#define BLOCK_MAX 10000

/* A command line taken apart. */
struct invocation {
	const struct command *command;
	bool timed;
	uint64_t time;	  /* of the "[SECONDS]" prefix */
	const char *rest; /* after the command's name */
	char *const *block;
	unsigned int block_count;
};

/* A block that waits for its `end`. */
struct open_block {
	char *line; /* the opening line, NULL: none is open */
	char **lines;
	unsigned int count;
};

struct variable {
	char *name;
	struct value value;
};

struct session {
	struct options options;
	struct coord *coord;
	struct source *source; /* of --vmlinux, for the guest of `coord` */
	struct recorder *recorder;
	struct dump *dump;     /* whose instant `coord` shows; NULL: it is a guest */
	struct travel *travel; /* NULL: nobody has travelled */
	enum session_mode mode;
	struct open_block block;
	struct variable *variables;
	unsigned int variable_count;
	struct scenario *scenario;
	void (*progress)(void *context, const char *what);
	void *progress_context;
	const struct screen_ops *screen;
	void *screen_context;
	const struct command *last; /* what the last line named, NULL: nothing */
	bool powered_off;	    /* by the operator: nothing boots by itself any more */
	bool quit;
};

struct err *session_create(const struct options *options, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->options = *options;
	s->mode = MODE_SCRIPT;
	err = recorder_create(&s->recorder);
	if (!err)
		err = scenario_create(&s->scenario);
	if (err) {
		session_destroy(s);
		return err;
	}
	*ret = s;
	return NULL;
}

void session_drop_block(struct session *s)
{
	for (unsigned int i = 0; i < s->block.count; i++)
		free(s->block.lines[i]);
	free(s->block.lines);
	free(s->block.line);
	s->block = (struct open_block){0};
}

static void forget_variables(struct session *s)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		free(s->variables[i].name);
	free(s->variables);
	s->variables = NULL;
	s->variable_count = 0;
}

static void forget_guest(struct session *s)
{
	travel_destroy(s->travel);
	s->travel = NULL;
	source_close(s->source);
	s->source = NULL;
	coord_destroy(s->coord);
	s->coord = NULL;
	dump_close(s->dump);
	s->dump = NULL;
	forget_variables(s);
	scenario_forget(s->scenario);
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	session_drop_block(s);
	recorder_destroy(s->recorder);
	forget_guest(s);
	scenario_destroy(s->scenario);
	free(s);
}

const struct options *session_options(const struct session *s)
{
	return &s->options;
}

struct coord *session_coord(struct session *s)
{
	return s->coord;
}

struct source *session_source(struct session *s)
{
	return s->source;
}

struct recorder *session_recorder(struct session *s)
{
	return s->recorder;
}

struct scenario *session_scenario(struct session *s)
{
	return s->scenario;
}

bool session_quit(const struct session *s)
{
	return s->quit;
}

void session_set_quit(struct session *s)
{
	s->quit = true;
}

const char *session_open_block(const struct session *s)
{
	return s->block.line;
}

void session_set_progress(struct session *s, void (*progress)(void *context, const char *what),
			  void *context)
{
	s->progress = progress;
	s->progress_context = context;
}

void session_progress(struct session *s, const char *what)
{
	if (s->progress)
		s->progress(s->progress_context, what);
}

void session_set_screen(struct session *s, const struct screen_ops *ops, void *context)
{
	s->screen = ops;
	s->screen_context = context;
}

const struct screen_ops *session_screen(const struct session *s, void **ret_context)
{
	if (s->screen)
		*ret_context = s->screen_context;
	return s->screen;
}

/* ---- the guest ---- */

/* Guest time waits for commands only where that makes output repeatable. */
static enum coord_pacing pacing_for(const struct session *s, struct machine *machine)
{
	bool still = machine_info(machine)->still;
	bool scripted = s->mode == MODE_SCRIPT || s->mode == MODE_BATCH;

	return still || (scripted && machine_info(machine)->clock == CLOCK_VIRTUAL) ? COORD_LOCKSTEP
										    : COORD_FREE;
}

void session_set_mode(struct session *s, enum session_mode mode)
{
	s->mode = mode;
	if (s->coord)
		coord_set_pacing(s->coord, pacing_for(s, coord_machine(s->coord)));
}

enum session_mode session_mode(const struct session *s)
{
	return s->mode;
}

static void set_aside(struct session *s)
{
	coord_put_aside(s->coord);
	coord_set_pacing(s->coord, COORD_LOCKSTEP);
}

void session_exchange(struct session *a, struct session *b)
{
	struct session old = *a;

	a->coord = b->coord;
	a->source = b->source;
	a->recorder = b->recorder;
	a->variables = b->variables;
	a->variable_count = b->variable_count;
	b->coord = old.coord;
	b->source = old.source;
	b->recorder = old.recorder;
	b->variables = old.variables;
	b->variable_count = old.variable_count;
	recorder_take_file(a->recorder, b->recorder);
	set_aside(b);
	session_set_mode(a, a->mode);
}

struct travel **session_travel(struct session *s)
{
	return &s->travel;
}

static void report_progress(void *context, const char *what)
{
	session_progress(context, what);
}

/* Takes the machine, also when it fails. */
static struct err *take_machine(struct session *s, struct machine *machine)
{
	struct coord *coord;
	struct err *err = coord_create(machine, pacing_for(s, machine), &coord);

	if (err) {
		machine_destroy(machine);
		return err;
	}
	s->coord = coord;
	s->powered_off = false;
	/* One that stood still goes on when the operator says so, not before. */
	return machine_info(machine)->found_stopped ? coord_freeze(coord) : NULL;
}

static struct err *open_source(struct session *s)
{
	struct kernel *kernel;
	const struct kernel_info *info;
	struct err *err, *wrong;

	if (!s->options.vmlinux)
		return NULL;
	ERR_TRY(err_wrap(coord_kernel(s->coord, &kernel), "--vmlinux"));
	info = kernel_info(kernel);
	err = source_open(s->options.vmlinux, info->build_id, info->kaslr_offset, &s->source);
	if (!err || err_kind(err) != ERR_REFUSED)
		return err_wrap(err, "--vmlinux");
	/* Another build: this kernel and this file do not go together. */
	wrong = err_new(ERR_ENVIRONMENT, "--vmlinux: %s", err_detail(err));
	err_free(err);
	return wrong;
}

/* While the guest has just moved, so that later models know how late its clocks are. A kernel that
 * cannot be adopted is an error for whoever needs it. */
static void first_look(struct coord *coord)
{
	const struct model *model;

	err_free(coord_model(coord, &model));
}

/* What this host does not give a guest, memory or files, is no fault of the command that wanted one. */
static struct err *as_environment(struct err *err)
{
	struct err *other;

	if (!err || err_kind(err) != ERR_OS)
		return err;
	other = err_new(ERR_ENVIRONMENT, "%s", err_detail(err));
	err_free(err);
	return other;
}

struct err *session_take(struct session *s, struct machine *machine)
{
	ERR_TRY(take_machine(s, machine));
	return open_source(s);
}

struct dump *session_dump(const struct session *s)
{
	return s->dump;
}

/* Of the options only --vmlinux and those of the screen mean anything to it. */
static struct err *open_dump(struct session *s)
{
	struct machine *machine;
	struct err *err;

	ERR_TRY(err_wrap(dump_open(s->options.open_dump, &s->dump, &machine), "--open-dump"));
	err = session_take(s, machine);
	if (!err)
		coord_set_clock_behind(s->coord, dump_clock_behind(s->dump));
	if (err)
		forget_guest(s);
	return err;
}

struct err *session_boot(struct session *s)
{
	const struct machine_callbacks callbacks = {.progress = report_progress, .context = s};
	struct machine *machine;
	struct err *err;

	if (s->coord && machine_state(coord_machine(s->coord)) != MACHINE_DEAD)
		return err_new(ERR_REFUSED, "a guest is running already; `poweroff` ends it");
	forget_guest(s);
	if (s->options.open_dump)
		return open_dump(s);
	err = start_machine(&s->options, &callbacks, &machine);
	session_progress(s, NULL);
	if (!err)
		err = take_machine(s, machine);
	ERR_TRY(as_environment(err));
	first_look(s->coord);
	err = recorder_boot(s->recorder, &s->options, s->coord);
	if (!err)
		err = start_scheduler(&s->options, s->coord);
	if (!err)
		err = open_source(s);
	/* A guest without what was asked for is not the guest that was asked for. */
	if (err)
		forget_guest(s);
	return err;
}

struct err *session_poweroff(struct session *s)
{
	if (!s->coord)
		return err_new(ERR_REFUSED, "no guest is running");
	forget_guest(s);
	s->powered_off = true;
	return NULL;
}

static struct err *need_guest(struct session *s)
{
	if (s->coord)
		return NULL;
	if (s->powered_off)
		return err_new(ERR_REFUSED, "no guest is running; `boot` starts one");
	return session_boot(s);
}

struct err *session_kernel(struct session *s, struct kernel **ret)
{
	ERR_TRY(need_guest(s));
	return coord_kernel(s->coord, ret);
}

/* ---- running one command ---- */

/* What `command_line` calls `words` and `rest`, then run(). */
static struct err *call_run(struct session *s, const struct invocation *in, struct out *out)
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
	err = call_run(s, in, out);
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
	return call_run(s, in, out);
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
	struct err *before = record_before(s, in), *err = call_run(s, in, out);

	show_recorder_problem(s, out);
	return first_error(err, before);
}

#define CMD_ANY_GUEST (CMD_GUEST | CMD_KERNEL | CMD_FROZEN | CMD_AGENT)

static struct err *run_in_window(struct session *s, const struct invocation *in, struct out *out)
{
	struct coord *coord;
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(need_guest(s));
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

static struct err *run_invocation(struct session *s, const struct invocation *in, struct out *out)
{
	s->last = in->command;
	if (s->options.open_dump && dump_keeps(in->command->name, in->rest)) {
		ERR_TRY(need_guest(s));
		return dump_answer(s->dump, in->command->name, in->rest, out);
	}
	ERR_TRY(check_allowed(s, in->command));
	if ((in->command->flags & CMD_ANY_GUEST) || in->timed)
		return run_in_window(s, in, out);
	/* `note` needs no guest, but belongs into the recording of one. */
	if ((in->command->flags & CMD_RECORDED) &&
	    (s->coord || (recorder_path(s->recorder) && !s->powered_off)))
		return run_in_window(s, in, out);
	return call_run(s, in, out);
}

/* ---- lines ---- */

static bool is_nothing(const char *line)
{
	line += strspn(line, " \t");
	return !*line || *line == '#';
}

/* Take `line` apart; `in` borrows it. */
static struct err *parse_line(const char *line, struct invocation *in)
{
	const char *start = line + strspn(line, " \t"), *rest;
	size_t column, len;
	char *name;
	struct err *err;

	ERR_TRY(recording_time(start, &in->timed, &in->time, &rest, &column));
	rest += strspn(rest, " \t");
	len = words_first(rest, &in->rest);
	name = strndup(rest, len);
	if (!name)
		return err_nomem();
	err = command_find(name, &in->command);
	free(name);
	return err;
}

static struct err *open_block(struct session *s, const char *line, bool *more)
{
	s->block.line = strdup(line);
	if (!s->block.line)
		return err_nomem();
	*more = true;
	return NULL;
}

static struct err *add_block_line(struct session *s, const char *line)
{
	struct open_block *b = &s->block;
	char **lines = reallocarray(b->lines, b->count + 1, sizeof(*lines));

	if (!lines)
		return err_nomem();
	b->lines = lines;
	lines[b->count] = strdup(line);
	if (!lines[b->count])
		return err_nomem();
	b->count++;
	return NULL;
}

static struct err *close_block(struct session *s, struct out *out)
{
	struct open_block block = s->block;
	struct invocation in = {.block = block.lines, .block_count = block.count};
	struct err *err;

	/* The block is no longer open while it runs. */
	s->block = (struct open_block){0};
	err = parse_line(block.line, &in);
	if (!err)
		err = run_invocation(s, &in, out);
	s->block = block;
	session_drop_block(s);
	return err;
}

/* A line while a block is open. */
static struct err *continue_block(struct session *s, const char *line, struct out *out, bool *more)
{
	const char *word = line + strspn(line, " \t");
	struct err *err = NULL;

	if (strncmp(word, "end", 3) == 0 && !word[3 + strspn(word + 3, " \t")])
		return close_block(s, out);
	if (s->block.count == BLOCK_MAX)
		err = err_new(ERR_USAGE, "a block of more than %d lines", BLOCK_MAX);
	else if (!is_nothing(word))
		err = add_block_line(s, word);
	if (err)
		session_drop_block(s);
	else
		*more = true;
	return err;
}

/* What a recording could not hold as one line is no command line. */
static struct err *check_line(const char *line)
{
	size_t len = strlen(line), text;

	if (len >= RECORDING_MAX_LINE)
		return err_new(ERR_USAGE, "a line of %zu bytes: at most %d are allowed", len,
			       RECORDING_MAX_LINE - 1);
	text = str_text_length(line, len);
	if (text < len)
		return err_new(ERR_USAGE, "the line holds byte 0x%02x, which is no text",
			       (unsigned char)line[text]);
	return NULL;
}

struct err *session_execute(struct session *s, const char *line, struct out *out, bool *more)
{
	struct invocation in = {0};

	*more = false;
	s->last = NULL;
	ERR_TRY(check_line(line));
	if (s->block.line)
		return continue_block(s, line, out, more);
	if (is_nothing(line))
		return NULL;
	ERR_TRY(parse_line(line, &in));
	if (command_opens_block(in.command, in.rest))
		return open_block(s, line, more);
	travel_idle(s);
	return run_invocation(s, &in, out);
}

struct err *session_run_line(struct session *s, const char *line, struct out *out)
{
	struct invocation in = {0};

	ERR_TRY(check_line(line));
	ERR_TRY(parse_line(line, &in));
	return err_wrap(call_run(s, &in, out), "%s", in.command->name);
}

struct err *session_name_error(const struct session *s, struct err *err)
{
	if (!err || !s->last)
		return err;
	if (err_kind(err) == ERR_ENVIRONMENT || err_kind(err) == ERR_GUEST_DIED ||
	    err_kind(err) == ERR_INTERRUPTED || str_starts(err_detail(err), "usage: ") ||
	    str_starts(err_detail(err), s->last->name))
		return err;
	return err_wrap(err, "%s", s->last->name);
}

/* ---- variables ---- */

static struct variable *find_variable(const struct session *s, const char *name)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		if (strcmp(s->variables[i].name, name) == 0)
			return &s->variables[i];
	return NULL;
}

struct err *session_let(struct session *s, const char *name, const struct value *value)
{
	struct variable *v = find_variable(s, name), *grown;

	if (v) {
		v->value = *value;
		return NULL;
	}
	grown = reallocarray(s->variables, s->variable_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem();
	s->variables = grown;
	v = &grown[s->variable_count];
	*v = (struct variable){.name = strdup(name), .value = *value};
	if (!v->name)
		return err_nomem();
	s->variable_count++;
	return NULL;
}

bool session_variable(struct session *s, const char *name, struct value *ret)
{
	struct variable *v = find_variable(s, name);
	struct cold_reply reply;

	if (v) {
		*ret = v->value;
		return true;
	}
	if (!s->coord || !cold_find_tag(coord_cold(s->coord), name, &reply))
		return false;
	*ret = reply.value;
	return true;
}

void session_names_each(struct session *s, bool (*visit)(void *context, const char *name),
			void *context)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		if (!visit(context, s->variables[i].name))
			return;
}
