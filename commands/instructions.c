/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/instructions.h"

#include "base/parse.h"
#include "commands/halt_list.h"
#include "commands/moment.h"
#include "commands/show.h"

#include <string.h>

/* Guest time after which a CPU that executes nothing is given up. */
#define STEP_TIMEOUT 10000000000ull
#define STEPS_MAX 100000000ull

struct wanted {
	bool switches; /* to the next context switch, not so many instructions */
	bool any_cpu;
	unsigned int cpu;
	uint64_t count;
};

static struct err *parse(struct session *s, const struct command_line *line, struct wanted *ret)
{
	*ret = (struct wanted){.any_cpu = true, .count = 1};
	for (unsigned int i = 0; i < line->count; i++) {
		const char *word = line->words[i];

		if (i == 0 && strcmp(word, "switch") == 0) {
			ret->switches = true;
		} else if (ret->any_cpu && strncmp(word, "cpu:", 4) == 0) {
			ERR_TRY(show_cpu_number(s, word, &ret->cpu));
			ret->any_cpu = false;
		} else if (i + 1 == line->count && !ret->switches) {
			ERR_TRY(parse_u64(word, &ret->count));
		} else {
			return command_usage(&command_step);
		}
	}
	if (!ret->count || ret->count > STEPS_MAX)
		return err_new(ERR_USAGE, "from 1 to %llu instructions", STEPS_MAX);
	return NULL;
}

/* A machine that stands in a vCPU's turn goes on with that one; else it is CPU 0. */
static void choose_cpu(struct coord *coord, struct wanted *w)
{
	struct machine_hit hit;

	if (w->any_cpu && machine_hit(coord_machine(coord), &hit))
		w->cpu = hit.cpu;
}

/* ---- to the next switch ---- */

static struct err *judge_switch(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	const struct wanted *w = context;

	(void)what;
	*stop = w->any_cpu || w->cpu == hit->cpu;
	return NULL;
}

static const struct halt_ops switch_ops = {.judge = judge_switch};

static bool first_name(void *context, const char *name, uint64_t address, char kind)
{
	(void)name;
	(void)kind;
	*(uint64_t *)context = address;
	return false;
}

/* The new task's first steps; the compiler may have given it a longer name. */
static struct err *switch_place(struct kernel *k, struct machine_break *ret)
{
	*ret = (struct machine_break){.kind = BREAK_ENTRY};
	kernel_symbols_each(k, "finish_task_switch", first_name, &ret->address);
	return ret->address ? NULL
			    : err_new(ERR_ABSENT, "this kernel has no finish_task_switch()");
}

static struct err *go_to_switch(struct session *s, const struct wanted *w)
{
	struct coord *coord = session_coord(s);
	struct machine_break place;
	struct halt_spec spec = {.text = "switch",
				 .places = &place,
				 .place_count = 1,
				 .ops = &switch_ops,
				 .context = (void *)w};
	struct kernel *kernel;
	unsigned int number;
	struct err *err, *deleted;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(switch_place(kernel, &place));
	ERR_TRY(halts_add(coord_halts(coord), &spec, &number));
	coord_heed(coord, true);
	err = coord_run_until(coord, coord_time(coord) + STEP_TIMEOUT);
	coord_heed(coord, false);
	deleted = halts_delete(coord_halts(coord), number);
	if (err)
		err_free(deleted);
	else
		err = deleted;
	if (!err && !coord_stopped(coord))
		err = err_new(ERR_TIMEOUT, "no switch within %llu s of guest time",
			      STEP_TIMEOUT / 1000000000);
	return err;
}

static struct err *go_instructions(struct session *s, const struct wanted *w)
{
	struct coord *coord = session_coord(s);
	struct err *err;

	coord_heed(coord, true);
	err = coord_step(coord, w->cpu, w->count, STEP_TIMEOUT);
	coord_heed(coord, false);
	return err;
}

static void say_where(struct session *s, struct out *out)
{
	struct moment moment = {.session = s};
	struct machine_hit hit;
	struct str text = {0};
	char seconds[DURATION_TEXT];

	if (machine_hit(coord_machine(session_coord(s)), &hit))
		moment_describe(&moment, &hit, &text);
	out_text(out, "frozen at %s%s%s", format_seconds(coord_time(session_coord(s)), seconds),
		 text.len ? " " : "", str_text(&text));
	str_deinit(&text);
}

struct err *step_instructions(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	struct wanted wanted;
	struct err *err, *frozen;

	ERR_TRY(parse(s, line, &wanted));
	choose_cpu(coord, &wanted);
	ERR_TRY(coord_thaw(coord));
	err = wanted.switches ? go_to_switch(s, &wanted) : go_instructions(s, &wanted);
	frozen = coord_freeze(coord);
	if (err) {
		err_free(frozen);
		return err;
	}
	ERR_TRY(frozen);
	if (wanted.switches)
		coord_stop_is_known(coord);
	else
		halt_report(s, out);
	say_where(s, out);
	return NULL;
}
