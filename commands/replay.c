/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/replay.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parse.h"
#include "commands/diff.h"
#include "commands/options.h"
#include "commands/recorder.h"
#include "commands/words.h"
#include "coord/coord.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONSOLE_MAX 65536 /* bytes of a failed guest's console that are kept */

struct replay {
	const struct recording *r;
	const struct replay_change *change;
	struct session *session;
	bool strict;	/* output is compared byte for byte */
	char **outputs; /* of each step that ran, whole lines; NULL: it did not run */
	size_t seen;	/* lines of the recorder's history that are in the transcript */
	struct str transcript, message, differs;
	enum replay_outcome outcome;
	bool command_failed; /* more went wrong than output that differs */
	unsigned int line;
	unsigned int step; /* that runs; the last one that ran */
	unsigned int failed_step;
};

/* ---- verdicts ---- */

/* The first thing that goes wrong decides; later ones are consequences. */
static void fail(struct replay *p, enum replay_outcome outcome, unsigned int line, const char *why)
{
	if (p->outcome != REPLAY_PASSED)
		return;
	p->outcome = outcome;
	p->line = line;
	p->failed_step = p->step;
	if (line)
		str_addf(&p->message, "%s:%u: ", p->r->path, line);
	str_add(&p->message, why);
}

static enum replay_outcome outcome_of(const struct err *err)
{
	switch (err_kind(err)) {
	case ERR_INTERRUPTED:
		return REPLAY_INTERRUPTED;
	case ERR_GUEST_DIED:
		return REPLAY_GUEST_DIED;
	case ERR_ENVIRONMENT:
	case ERR_QMP:
	case ERR_NOMEM:
		return REPLAY_ENVIRONMENT;
	default:
		return REPLAY_FAILED;
	}
}

/* ---- identity ---- */

static void differs(struct replay *p, const char *what, const char *recorded, const char *now)
{
	if (recorded && strcmp(recorded, now) != 0)
		str_addf(&p->differs, "%s%s is %s, was %s", p->differs.len ? "; " : "", what, now,
			 recorded);
}

/* Whether a `kernel` line means this one: a path is known by its build id, and "7.2" or "7.2.12" are written by
 * people. */
static bool names_kernel(const char *name, const char *release)
{
	size_t len = name ? strlen(name) : 0;

	if (!name || strchr(name, '/'))
		return true;
	return strncmp(name, release, len) == 0 && !isalnum((unsigned char)release[len]);
}

/* What must be as recorded for output to be the same. What the header leaves out is not asked for.
 */
static struct err *compare_identity(struct replay *p)
{
	struct coord *coord = session_coord(p->session);
	const struct machine_info *machine = machine_info(coord_machine(coord));
	const char *kernel_name = recording_header_value(p->r, "kernel");
	struct kernel *kernel;
	struct err *err = coord_kernel(coord, &kernel);

	if (machine->clock != CLOCK_VIRTUAL)
		str_add(&p->differs, "the clock is real");
	if (err) {
		str_addf(&p->differs, "%s%s", p->differs.len ? "; " : "", err_detail(err));
		err_free(err);
	} else {
		if (!names_kernel(kernel_name, kernel_info(kernel)->release))
			differs(p, "kernel", kernel_name, kernel_info(kernel)->release);
		differs(p, "kernel build", p->r->build_id, kernel_info(kernel)->build_id);
	}
	differs(p, "guest image", recording_header_value(p->r, "image"), machine->image_hash);
	differs(p, "qemu", recording_header_value(p->r, "qemu"), machine->qemu_version);
	differs(p, "saved machine", recording_header_value(p->r, "saved-machine"),
		*machine->saved_hash ? machine->saved_hash : "none");
	if (p->change->quantum)
		str_addf(&p->differs, "%sthe interleaving is not the recorded one",
			 p->differs.len ? "; " : "");
	p->strict = p->differs.len == 0;
	return str_error(&p->differs);
}

/* ---- steps ---- */

/* What the recorder wrote since the last look. A `boot` begins its history anew. */
static void take_transcript(struct replay *p)
{
	const struct recorder *recorder = session_recorder(p->session);
	size_t count = recorder_lines(recorder);

	if (count < p->seen)
		p->seen = 0;
	for (; p->seen < count; p->seen++)
		str_addf(&p->transcript, "%s\n", recorder_line(recorder, p->seen));
}

/* All lines of a step through the session's door. */
struct err *replay_execute(struct session *session, const struct recording_step *step,
			   struct out *out)
{
	const char *at = step->command;
	struct err *err = NULL;
	bool more = false;

	for (bool first = true; !err && *at; first = false) {
		size_t len = strcspn(at, "\n");
		char *line = first && step->has_time
				     ? str_format("[%" PRIu64 ".%09" PRIu64 "] %.*s",
						  step->time / 1000000000, step->time % 1000000000,
						  (int)len, at)
				     : strndup(at, len);

		if (!line)
			return err_nomem();
		err = session_execute(session, line, out, &more);
		free(line);
		at += len + (at[len] == '\n');
	}
	if (more)
		session_drop_block(session);
	return err;
}

/* The line of the file that the first difference belongs to. */
static unsigned int first_difference(const struct recording_step *step,
				     const struct recording_compare *c)
{
	for (unsigned int i = 0; i < c->expected_count; i++)
		if (c->pairs[i] != i)
			return step->outputs[i].line;
	return step->last_line;
}

static struct err *judge_output(struct replay *p, const struct recording_step *step,
				const char *actual)
{
	struct recording_compare c;

	if (step->output_count == 0)
		return NULL;
	ERR_TRY(recording_compare(step, actual, &c));
	if (p->strict && !c.equal)
		fail(p, REPLAY_FAILED, first_difference(step, &c), "the output differs");
	else if (!c.matchers_hold)
		fail(p, REPLAY_FAILED, first_difference(step, &c),
		     "a line that must match is not there");
	recording_compare_deinit(&c);
	return NULL;
}

/* Whether the replay goes on after a command's error. */
static bool judge_error(struct replay *p, const struct recording_step *step, const struct err *err)
{
	enum replay_outcome outcome = outcome_of(err);
	struct coord *coord = session_coord(p->session);
	/* A panic that is part of the history leaves a guest to look into. */
	bool panic = outcome == REPLAY_GUEST_DIED && coord &&
		     machine_state(coord_machine(coord)) != MACHINE_DEAD;

	if ((outcome == REPLAY_FAILED || panic) && err_kind(err) != ERR_EXPECT &&
	    recording_expects_error(step))
		return true;
	if (outcome == REPLAY_INTERRUPTED && interrupt_expired()) {
		/* What it hangs in can be looked at. */
		interrupt_clear();
		outcome = REPLAY_FAILED;
	}
	p->command_failed = true;
	fail(p, outcome, step->line, err_detail(err));
	return false;
}

/* A time that has passed already is no failure: what runs late says so in its output, if it
 * matters. */
static void note_time(struct replay *p, const struct recording_step *step)
{
	struct coord *coord = session_coord(p->session);
	char wanted[DURATION_TEXT], now[DURATION_TEXT];

	if (step->has_time && coord && coord_time(coord) > step->time)
		log_info("%s:%u: its time, %s, has passed: it is %s", p->r->path, step->line,
			 format_seconds(step->time, wanted),
			 format_seconds(coord_time(coord), now));
}

static struct err *run_step(struct replay *p, unsigned int i, bool *go_on)
{
	const struct recording_step *step = &p->r->steps[i];
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *err;

	if (!out)
		return err_nomem();
	*go_on = true;
	p->step = i;
	note_time(p, step);
	log_info("%s:%u: %s", p->r->path, step->line, step->command);
	err = replay_execute(p->session, step, out);
	out_destroy(out);
	if (err) {
		recording_error_text(err, &text);
		*go_on = judge_error(p, step, err);
		err_free(err);
	}
	take_transcript(p);
	p->outputs[i] = str_take(&text);
	if (!p->outputs[i])
		return err_nomem();
	return judge_output(p, step, p->outputs[i]);
}

static struct err *run_steps(struct replay *p)
{
	bool go_on = true;

	for (unsigned int i = 0; i < p->r->step_count && go_on && !session_quit(p->session); i++)
		ERR_TRY(run_step(p, i, &go_on));
	return NULL;
}

/* ---- the whole ---- */

static char *read_console(struct replay *p)
{
	struct coord *coord = session_coord(p->session);
	char *buffer = calloc(1, CONSOLE_MAX);

	if (buffer && coord)
		machine_console(coord_machine(coord), buffer, CONSOLE_MAX);
	return buffer;
}

/* ---- what a failure leaves behind ---- */

static void add_command(struct session *s, const char *line, struct out *out, struct str *text)
{
	bool more;
	struct err *err;

	str_addf(text, "ktdbg> %s\n", line);
	err = session_execute(s, line, out, &more);
	if (err)
		recording_error_text(err, text);
	err_free(err);
	str_add_c(text, '\n');
}

/* What somebody at the screen would have looked at. */
static struct err *write_screen(struct session *s, const char *folder)
{
	static const char *const lines[] = {"status", "cpus", "tasks", "scx", "dsq", "console"};
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	char *path = str_format("%s/screen", folder);
	struct err *err = out && path ? NULL : err_nomem();

	for (size_t i = 0; !err && i < sizeof(lines) / sizeof(lines[0]); i++)
		add_command(s, lines[i], out, &text);
	if (!err)
		err = str_error(&text);
	if (!err)
		err = replace_file(path, text.data, text.len);
	free(path);
	out_destroy(out);
	str_deinit(&text);
	return err;
}

/* `COMMAND FOLDER/NAME`, which writes that file. */
static struct err *write_by(struct session *s, const char *command, const char *folder,
			    const char *name)
{
	struct str line = {0}, ignored = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &ignored);
	char *path = str_format("%s/%s", folder, name);
	struct err *err = out && path ? NULL : err_nomem();
	bool more;

	if (!err) {
		/* `vmcore` overwrites nothing, and here an older one is of an older failure. */
		unlink(path);
		str_addf(&line, "%s ", command);
		words_quote(&line, path);
		err = session_execute(s, str_text(&line), out, &more);
	}
	free(path);
	out_destroy(out);
	str_deinit(&line);
	str_deinit(&ignored);
	return err;
}

/* After the transcript and all results were taken. Nothing here changes the verdict. */
static void leave_artifacts(struct replay *p)
{
	const char *folder = p->change->artifacts;
	struct err *err;

	if (!folder || p->outcome == REPLAY_PASSED || p->outcome == REPLAY_INTERRUPTED ||
	    !session_coord(p->session))
		return;
	session_drop_block(p->session);
	err = make_directories(folder, 0777);
	if (!err)
		err = write_screen(p->session, folder);
	if (!err)
		err = write_by(p->session, "dump", folder, "dump.json");
	if (!err)
		err = write_by(p->session, "vmcore", folder, "core");
	if (err)
		log_info("%s: artifacts: %s", p->r->path, err_detail(err));
	err_free(err);
}

/* ---- the whole result ---- */

static struct err *make_diff(struct replay *p, struct replay_result *ret)
{
	struct str blessed = {0}, plain = {0}, diff = {0};
	struct err *err = recording_bless(p->r, (const char *const *)p->outputs, &blessed);

	for (unsigned int i = 0; i < p->r->line_count; i++)
		str_addf(&plain, "%s\n", p->r->lines[i]);
	if (!err)
		err = str_error(&plain);
	if (!err)
		err = diff_unified(str_text(&plain), str_text(&blessed), p->r->path, "this run",
				   &diff);
	str_deinit(&plain);
	ret->blessed = str_take(&blessed);
	ret->diff = str_take(&diff);
	return err;
}

/* The recording as this run's options and output make it, but for the output of the step that failed:
 * with that it might pass. */
static struct err *make_pinned(struct replay *p, struct replay_result *ret)
{
	struct str blessed = {0}, pinned = {0};
	char *output = p->outputs[p->failed_step];
	struct recording *r = NULL;
	struct err *err;

	p->outputs[p->failed_step] = NULL;
	err = recording_bless(p->r, (const char *const *)p->outputs, &blessed);
	p->outputs[p->failed_step] = output;
	if (!err)
		err = recording_parse(p->r->path, blessed.data, blessed.len, &r);
	if (!err)
		err = recording_pin(r, session_options(p->session), &pinned);
	recording_destroy(r);
	str_deinit(&blessed);
	ret->pinned = str_take(&pinned);
	return err;
}

/* Where the history is exact, so is every byte of memory that it ends with. */
static uint64_t memory_sum(struct coord *coord)
{
	struct machine *machine = coord ? coord_machine(coord) : NULL;
	uint64_t sum = 0;

	if (!machine || machine_info(machine)->clock != CLOCK_VIRTUAL ||
	    machine_state(machine) != MACHINE_HELD)
		return 0;
	return ram_sum(machine_ram(machine), &sum) ? 0 : sum;
}

static struct err *finish(struct replay *p, uint64_t started, struct replay_result *ret)
{
	struct err *err = make_diff(p, ret);
	struct coord *coord = session_coord(p->session);

	ret->outcome = p->outcome;
	ret->line = p->line;
	ret->only_output = !p->command_failed;
	ret->host_ns = host_now() - started;
	ret->guest_ns = coord ? coord_time(coord) : 0;
	ret->memory = memory_sum(coord);
	ret->console = p->outcome == REPLAY_PASSED ? strdup("") : read_console(p);
	ret->message = str_take(&p->message);
	ret->differs = str_take(&p->differs);
	ret->transcript = str_take(&p->transcript);
	if (!err && p->change->quantum && p->outcome != REPLAY_PASSED)
		err = make_pinned(p, ret);
	if (!ret->pinned)
		ret->pinned = strdup("");
	if (err || (ret->console && ret->message && ret->differs && ret->transcript && ret->pinned))
		return err;
	return err_nomem();
}

static struct err *look(void *context)
{
	struct replay *p = context;

	return p->change->look(p->change->context, p->session);
}

static struct err *run_looked_at(struct replay *p)
{
	struct coord_lookout lookout = {.step = p->change->look_step,
					.end = UINT64_MAX,
					.look = look,
					.context = p};
	struct coord *coord = session_coord(p->session);
	struct err *err;

	if (!p->change->look)
		return run_steps(p);
	coord_set_lookout(coord, &lookout);
	err = run_steps(p);
	/* `boot` and `back` bring another guest. */
	if (session_coord(p->session) == coord)
		coord_set_lookout(coord, NULL);
	return err;
}

static struct err *boot_and_run(struct replay *p)
{
	struct err *err = session_boot(p->session);

	if (err) {
		p->command_failed = true;
		fail(p, outcome_of(err) == REPLAY_FAILED ? REPLAY_ENVIRONMENT : outcome_of(err), 0,
		     err_detail(err));
		err_free(err);
		return NULL;
	}
	ERR_TRY(compare_identity(p));
	return run_looked_at(p);
}

static struct err *with_session(struct replay *p, const struct options *options,
				struct replay_result *ret)
{
	uint64_t started = host_now();
	struct err *err = session_create(options, &p->session);

	if (err)
		return err;
	session_set_mode(p->session, MODE_BATCH);
	p->outputs = calloc(p->r->step_count + 1, sizeof(*p->outputs));
	err = p->outputs ? boot_and_run(p) : err_nomem();
	if (!err)
		err = finish(p, started, ret);
	if (!err)
		leave_artifacts(p);
	for (unsigned int i = 0; p->outputs && i < p->r->step_count; i++)
		free(p->outputs[i]);
	free(p->outputs);
	session_destroy(p->session);
	return err;
}

static struct err *apply_change(const struct replay_change *change, struct options *o)
{
	if (change->kernel)
		ERR_TRY(options_set(o, "kernel", change->kernel));
	if (!change->quantum)
		return NULL;
	if (o->clock == CLOCK_REAL)
		return err_new(ERR_USAGE,
			       "the recording wants --clock real, which has no interleavings to choose "
			       "from; exploring needs --clock virtual");
	o->clock = CLOCK_VIRTUAL;
	o->quantum = *change->quantum;
	return NULL;
}

struct err *replay_options(const struct recording *r, const struct options *base,
			   struct options *ret)
{
	*ret = *base;
	/* The list of files is owned by each struct; the header's come after the command line's. */
	ret->add_files = NULL;
	ret->add_file_count = 0;
	for (unsigned int i = 0; i < base->add_file_count; i++)
		ERR_TRY(options_set(ret, "add-file", base->add_files[i]));
	return recording_options(r, ret);
}

struct err *replay_run(const struct recording *r, const struct options *options,
		       const struct replay_change *change, struct replay_result *ret)
{
	static const struct replay_change none;
	struct replay replay = {.r = r, .change = change ? change : &none};
	struct options own;
	struct err *err = replay_options(r, options, &own);

	*ret = (struct replay_result){0};
	own.record = NULL;
	own.json = false;
	if (!err)
		err = apply_change(replay.change, &own);
	if (!err)
		err = with_session(&replay, &own, ret);
	options_deinit(&own);
	str_deinit(&replay.transcript);
	str_deinit(&replay.message);
	str_deinit(&replay.differs);
	if (err)
		replay_result_deinit(ret);
	return err;
}

void replay_result_deinit(struct replay_result *result)
{
	free(result->message);
	free(result->differs);
	free(result->transcript);
	free(result->diff);
	free(result->blessed);
	free(result->pinned);
	free(result->console);
	*result = (struct replay_result){0};
}

/* ---- up to a line ---- */

/* After this there is nothing to open. */
static bool ends_replay(const struct err *err)
{
	switch (outcome_of(err)) {
	case REPLAY_GUEST_DIED:
	case REPLAY_INTERRUPTED:
	case REPLAY_ENVIRONMENT:
		return true;
	default:
		return false;
	}
}

static struct err *replay_step(struct session *session, const struct recording *r,
			       const struct recording_step *step, struct out *out)
{
	struct err *err = replay_execute(session, step, out);
	struct str text = {0};

	if (!err)
		return NULL;
	err = err_wrap(err, "%s:%u", r->path, step->line);
	if (ends_replay(err))
		return err;
	recording_error_text(err, &text);
	out_lines(out, str_text(&text));
	str_deinit(&text);
	err_free(err);
	return NULL;
}

/* Frozen, at the time of the step that comes next, if it has one that is still to come. */
static struct err *hold_before(struct session *session, const struct recording_step *next,
			       struct out *out)
{
	struct coord *coord = session_coord(session);
	char *line;
	struct err *err;
	bool more;

	if (next && next->has_time && next->time > coord_time(coord))
		line = str_format("[%" PRIu64 ".%09" PRIu64 "] freeze", next->time / 1000000000,
				  next->time % 1000000000);
	else
		line = strdup("freeze");
	if (!line)
		return err_nomem();
	err = session_execute(session, line, out, &more);
	free(line);
	return err;
}

struct err *replay_until(struct session *session, const struct recording *r, unsigned int line,
			 struct out *out)
{
	unsigned int i = 0;

	session_set_mode(session, MODE_BATCH);
	ERR_TRY(session_boot(session));
	for (; i < r->step_count && (!line || r->steps[i].last_line < line); i++)
		ERR_TRY(replay_step(session, r, &r->steps[i], out));
	if (!session_coord(session))
		return err_new(ERR_ABSENT, "%s: its guest was powered off before line %u", r->path,
			       line);
	return hold_before(session, i < r->step_count ? &r->steps[i] : NULL, out);
}
