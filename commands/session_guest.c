/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's guest: booted, exchanged for another one, opened from a dump, powered off. */
#include "commands/session_impl.h"

#include "commands/dump_open.h"
#include "commands/recorder.h"
#include "commands/scenario.h"
#include "commands/start.h"
#include "commands/travel.h"
#include "coord/source.h"

void session_forget_guest(struct session *s)
{
	travel_destroy(s->travel);
	s->travel = NULL;
	source_close(s->source);
	s->source = NULL;
	coord_destroy(s->coord);
	s->coord = NULL;
	dump_close(s->dump);
	s->dump = NULL;
	session_forget_variables(s);
	scenario_forget(s->scenario);
}

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
		session_forget_guest(s);
	return err;
}

struct err *session_boot(struct session *s)
{
	const struct machine_callbacks callbacks = {.progress = report_progress, .context = s};
	struct machine *machine;
	struct err *err;

	if (s->coord && machine_state(coord_machine(s->coord)) != MACHINE_DEAD)
		return err_new(ERR_REFUSED, "a guest is running already; `poweroff` ends it");
	session_forget_guest(s);
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
		session_forget_guest(s);
	return err;
}

struct err *session_poweroff(struct session *s)
{
	if (!s->coord)
		return err_new(ERR_REFUSED, "no guest is running");
	session_forget_guest(s);
	s->powered_off = true;
	return NULL;
}

struct err *session_need_guest(struct session *s)
{
	if (s->coord)
		return NULL;
	if (s->powered_off)
		return err_new(ERR_REFUSED, "no guest is running; `boot` starts one");
	return session_boot(s);
}

struct err *session_kernel(struct session *s, struct kernel **ret)
{
	ERR_TRY(session_need_guest(s));
	return coord_kernel(s->coord, ret);
}
