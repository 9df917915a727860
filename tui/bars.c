/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/bars.h"

#include "base/parse.h"
#include "commands/recorder.h"
#include "coord/agent.h"
#include "tui/keys.h"
#include "tui/prompt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- first line ---- */

/* " 1 CPUs " */
static void tab_text(const struct screen *s, int i, char *buffer, size_t size)
{
	snprintf(buffer, size, " %d %s ", i + 1, s->listed[i]->title);
}

void bars_draw_tabs(struct screen *s, const struct area *a)
{
	struct view *top = screen_top(s);
	struct str label = {0};
	char text[64];
	int col = 0;

	area_fill(a, 0, 0, a->cols, ROLE_TAB, L' ');
	for (int i = 0; s->listed[i]; i++) {
		bool on = i == (int)s->tab && !s->depth;

		tab_text(s, i, text, sizeof(text));
		col = area_text(a, 0, col, on ? ROLE_TAB_ON : ROLE_TAB, text);
	}
	if (s->depth) {
		str_addf(&label, " %s", top->ops->title);
		if (top->ops->label) {
			str_add_c(&label, ' ');
			top->ops->label(top, &label);
		}
		str_add_c(&label, ' ');
		area_text(a, 0, col, ROLE_TAB_ON, str_text(&label));
	} else if (top->ops->label) {
		top->ops->label(top, &label);
		area_text(a, 0, col + 1, ROLE_TAB, str_text(&label));
	}
	str_deinit(&label);
}

int bars_tab_at(const struct screen *s, int x)
{
	char text[64];
	int col = 0;

	for (int i = 0; s->listed[i]; i++) {
		tab_text(s, i, text, sizeof(text));
		col += text_width(text);
		if (x < col)
			return i;
	}
	return -1;
}

int bars_draw_watches(struct screen *s, const struct area *a, int row)
{
	for (unsigned int i = 0; i < s->watch_count; i++) {
		const struct watch *w = &s->watches[i];
		enum role role = w->bad ? ROLE_ERROR : w->changed ? ROLE_CHANGED : ROLE_NORMAL;
		int col = area_textf(a, row + (int)i, 0, ROLE_LABEL, "%s = ", w->text);

		area_text(a, row + (int)i, col, role, w->value);
	}
	return (int)s->watch_count;
}

/* ---- status ---- */

#define PARTS_MAX 12
#define MESSAGE_ROWS 12

struct part {
	char text[128];
	enum role role;
	unsigned int priority; /* the lowest goes first when the line is short */
	bool gone;
};

struct parts {
	struct part part[PARTS_MAX];
	int count;
};

static void add_part(struct parts *p, enum role role, unsigned int priority, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void add_part(struct parts *p, enum role role, unsigned int priority, const char *fmt, ...)
{
	struct part *part = &p->part[p->count];
	va_list ap;

	if (p->count == PARTS_MAX)
		return;
	p->count++;
	*part = (struct part){.role = role, .priority = priority};
	va_start(ap, fmt);
	vsnprintf(part->text, sizeof(part->text), fmt, ap);
	va_end(ap);
}

static int parts_width(const struct parts *p)
{
	int width = 0;

	for (int i = 0; i < p->count; i++)
		if (!p->part[i].gone)
			width += text_width(p->part[i].text) + 2;
	return width;
}

static void fit_parts(struct parts *p, int width)
{
	while (parts_width(p) > width) {
		int least = -1;

		for (int i = 0; i < p->count; i++)
			if (!p->part[i].gone &&
			    (least < 0 || p->part[i].priority < p->part[least].priority))
				least = i;
		if (least < 0)
			return;
		p->part[least].gone = true;
	}
}

static void add_clock(struct parts *p, struct coord *coord, const struct machine_info *info)
{
	uint64_t time = coord_time(coord);
	bool virtual = info->clock == CLOCK_VIRTUAL;

	if (coord_frozen(coord))
		add_part(p, ROLE_STATUS, 90, "%" PRIu64 ".%09" PRIu64 "s", time / 1000000000,
			 time % 1000000000);
	else
		add_part(p, ROLE_STATUS, 90, "%" PRIu64 ".%" PRIu64 "s", time / 1000000000,
			 time % 1000000000 / 100000000);
	add_part(p, ROLE_STATUS, 70, "%s", virtual ? "virtual" : "real");
	add_part(p, ROLE_STATUS, 60, "%s", info->accel == ACCEL_KVM ? "KVM" : "TCG");
}

/* On a narrow screen the version alone, without what a distribution appends. */
static void add_kernel(struct parts *p, const struct screen *s)
{
	size_t len = s->canvas.cols < 100 ? strcspn(s->release, "-+") : strlen(s->release);

	if (len)
		add_part(p, ROLE_STATUS, 50, "%.*s", (int)len, s->release);
	else
		add_part(p, ROLE_STATUS, 50, "kernel not adopted");
}

static void add_guest(struct parts *p, struct screen *s, struct coord *coord)
{
	const struct machine_info *info = machine_info(coord_machine(coord));
	const struct model *m = sampler_model(&s->sampler);

	if (info->still)
		add_part(p, ROLE_FROZEN, 100, " DUMP ");
	else if (machine_state(coord_machine(coord)) == MACHINE_DEAD)
		add_part(p, ROLE_RECORDING, 100, " DEAD ");
	else if (coord_frozen(coord))
		add_part(p, ROLE_FROZEN, 100, " FROZEN ");
	else
		add_part(p, ROLE_RUNNING, 100, " RUNNING ");
	add_clock(p, coord, info);
	add_kernel(p, s);
	if (m && m->scx.present && m->scx.ops[0])
		add_part(p, ROLE_STATUS, 55, "scx:%.60s%s%s", m->scx.ops,
			 strcmp(m->scx.state, "enabled") ? " " : "",
			 strcmp(m->scx.state, "enabled") ? m->scx.state : "");
	else if (m)
		add_part(p, ROLE_STATUS, 30, "%s", m->scx.present ? "scx off" : "no sched_ext");
}

void bars_draw_status(struct screen *s, const struct area *a, int row)
{
	struct coord *coord = session_coord(s->session);
	struct recorder *recorder = session_recorder(s->session);
	struct parts parts = {0};
	int col = 0;

	area_fill(a, row, 0, a->cols, ROLE_STATUS, L' ');
	if (coord)
		add_guest(&parts, s, coord);
	else
		add_part(&parts, ROLE_FROZEN, 100, " NO GUEST ");
	if (recorder_path(recorder))
		add_part(&parts, ROLE_RECORDING, 95, " REC %zu ", recorder_lines(recorder));
	if (session_options(s->session)->readonly)
		add_part(&parts, ROLE_STATUS, 65, "read-only");
	fit_parts(&parts, a->cols + 1);
	for (int i = 0; i < parts.count; i++)
		if (!parts.part[i].gone)
			col = area_text(a, row, col, parts.part[i].role, parts.part[i].text) + 2;
}

void bars_warning(struct screen *s, char *buffer, size_t size)
{
	struct coord *coord = session_coord(s->session);
	const struct model *m = sampler_model(&s->sampler);
	struct agent *agent = coord ? coord_agent(coord) : NULL;
	struct agent_health health = {.ok = true};
	char time[DURATION_TEXT];

	buffer[0] = '\0';
	if (s->stale[0]) {
		if (m)
			snprintf(buffer, size, "stale, of guest time %s: %s",
				 format_duration(m->time, time), s->stale);
		else
			snprintf(buffer, size, "no picture: %s", s->stale);
		return;
	}
	if (m && m->damage[0]) {
		snprintf(buffer, size, "damaged: %s", m->damage);
		return;
	}
	if (agent && !session_dump(s->session))
		agent_health(agent, &health);
	if (!health.ok)
		snprintf(buffer, size, "agent: %s", health.reason);
}

/* ---- last line ---- */

static int draw_hint(const struct area *a, int row, int col, const char *key, const char *text)
{
	/* Whole hints only. */
	if (col + text_width(key) + text_width(text) + 1 > a->cols)
		return col;
	col = area_text(a, row, col, ROLE_KEY, key);
	col = area_text(a, row, col, ROLE_HINT, text);
	return col + 1;
}

static int draw_hints(struct screen *s, const struct area *a, int row, int col,
		      const struct key_binding *b)
{
	struct coord *coord = session_coord(s->session);
	char key[KEY_TEXT];

	for (; b && b->help; b++) {
		const char *hint = b->hint;

		if (!hint || !keys_offered(b))
			continue;
		if (b->keys[0] == ' ' && coord && coord_frozen(coord))
			hint = "Thaw";
		if (b->keys[0] == 'q' && !s->depth)
			hint = "Quit";
		col = draw_hint(a, row, col, key_text(b->keys[0], key), hint);
	}
	return col;
}

/* Draws the message in lines when `a` is given; returns how many it takes. */
static int wrap_message(const struct screen *s, const struct area *a, int row, int cols)
{
	const char *text = s->message;
	int rows = 0;

	while (*text && rows < MESSAGE_ROWS) {
		size_t len = text_line(text, cols);
		char line[sizeof(s->message)];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		if (a)
			area_text(a, row + rows, 0, s->message_role, line);
		rows++;
		text += len;
		text += strspn(text, " ");
	}
	return rows;
}

int bars_last_rows(const struct screen *s, int cols)
{
	int rows = s->prompt.kind == PROMPT_NONE ? wrap_message(s, NULL, 0, cols) : 1;

	return rows > 1 ? rows : 1;
}

static void draw_prompt(struct screen *s, const struct area *a, int row)
{
	int col = a->cols - text_width(s->message) - 1;

	prompt_draw(s, a, row);
	if (s->message[0])
		area_text(a, row, col > 0 ? col : 0, s->message_role, s->message);
}

void bars_draw_last(struct screen *s, const struct area *a, int row)
{
	int col;

	if (s->prompt.kind != PROMPT_NONE) {
		draw_prompt(s, a, row);
	} else if (s->message[0]) {
		wrap_message(s, a, row, a->cols);
	} else {
		col = draw_hints(s, a, row, 0, screen_top(s)->ops->keys);
		draw_hints(s, a, row, col, common_keys);
	}
}
