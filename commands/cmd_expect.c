/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of recordings and of people who wait: expect, wait, until, let, note.
 */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "commands/halt_list.h"
#include "coord/coord.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_STEP 1000000ULL      /* guest ns between two looks */
#define WAIT_TIMEOUT 10000000000ULL /* guest ns, when none is given */

/* ---- expect ---- */

static struct err *explain(const struct expr *e, const struct expr_context *c, const char *why,
			   struct str *s)
{
	if (*why) {
		str_addf(s, "`%s` cannot be judged: %s", expr_text(e), why);
		return str_error(s);
	}
	return expr_explain(e, c, s);
}

static struct err *check(const struct expr *e, const struct expr_context *c)
{
	struct expr_test test;
	struct str s = {0};
	struct err *err;

	ERR_TRY(expr_test(e, c, &test));
	if (test.holds && test.missing == EXPR_COMPLETE)
		return NULL;
	err = explain(e, c, test.why, &s);
	if (!err)
		err = err_new(ERR_EXPECT, "%s", str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *expect_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct expr_context context = expr_session_context(s);
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(line->rest, &e));
	err = check(e, &context);
	expr_destroy(e);
	return err;
}

const struct command command_expect = {
	.name = "expect",
	.key = "",
	.group = GROUP_RECORD,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "expect EXPR",
	.summary = "fail unless an expression is true now",
	.help = "Says nothing when EXPR holds. When it does not, the values of both sides are in the\n"
		"message. A member that the kernel lacks, a bad address, or a task that is gone fails too.",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = expect_run,
	.check = command_check_expression,
};

/* ---- wait and until ---- */

/*
 * Cuts "EXPR timeout T" in two. The last word `timeout` counts, so that an expression may hold the
 * word in a text or as a name.
 */
static struct err *split_timeout(const char *rest, char **ret_text, uint64_t *ret_timeout)
{
	const char *found = NULL;
	char *text, *end;

	*ret_timeout = WAIT_TIMEOUT;
	for (const char *p = rest; (p = strstr(p, "timeout")); p += strlen("timeout"))
		if (p > rest && isspace((unsigned char)p[-1]) && isspace((unsigned char)p[7]))
			found = p;
	if (found) {
		struct err *err = parse_duration(found + 7 + strspn(found + 7, " \t"), ret_timeout);

		if (err)
			return err_wrap(err, "timeout");
	}
	text = found ? strndup(rest, (size_t)(found - rest)) : strdup(rest);
	if (!text)
		return err_nomem();
	for (end = text + strlen(text); end > text && isspace((unsigned char)end[-1]); end--)
		end[-1] = '\0';
	*ret_text = text;
	return NULL;
}

struct waiting {
	const struct expr *expr;
	const struct expr_context *context;
};

static struct err *is_true(void *context, bool *ret)
{
	const struct waiting *w = context;

	return expr_true(w->expr, w->context, ret);
}

static struct err *timed_out(const struct waiting *w, uint64_t timeout)
{
	struct expr_test test;
	struct str s = {0};
	char text[DURATION_TEXT];
	struct err *err;

	ERR_TRY(expr_test(w->expr, w->context, &test));
	err = explain(w->expr, w->context, test.why, &s);
	if (!err)
		err = err_new(ERR_EXPECT, "after %s of guest time %s", format_duration(timeout, text),
			      str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *wait_for(struct session *s, const struct expr *e, uint64_t timeout)
{
	struct expr_context context = expr_session_context(s);
	struct waiting waiting = {e, &context};
	uint64_t grid = machine_grid(coord_machine(context.coord));
	bool holds;
	struct err *err;

	ERR_TRY(is_true(&waiting, &holds));
	if (holds)
		return NULL;
	if (coord_frozen(context.coord))
		return err_new(ERR_REFUSED,
			       "`%s` is false, and no time passes while the guest is frozen (`thaw` first)",
			       expr_text(e));
	coord_heed(context.coord, true);
	err = coord_run_until_test(context.coord, is_true, &waiting,
				   grid > WAIT_STEP ? grid : WAIT_STEP, timeout);
	coord_heed(context.coord, false);
	if (!err || err_kind(err) != ERR_TIMEOUT)
		return err;
	err_free(err);
	return timed_out(&waiting, timeout);
}

static struct err *parse_wait(const char *rest, struct expr **ret, uint64_t *ret_timeout)
{
	struct err *err;
	char *text;

	ERR_TRY(split_timeout(rest, &text, ret_timeout));
	err = expr_parse(text, ret);
	free(text);
	return err;
}

static struct err *wait_check(const char *rest, const char **ret_at)
{
	uint64_t timeout;
	struct expr *e;

	ERR_TRY(parse_wait(rest, &e, &timeout));
	expr_destroy(e);
	return NULL;
}

static struct err *wait_run(struct session *s, const struct command_line *line, struct out *out)
{
	uint64_t timeout;
	struct expr *e;
	struct err *err;

	ERR_TRY(parse_wait(line->rest, &e, &timeout));
	err = wait_for(s, e, timeout);
	expr_destroy(e);
	/* What was waited for has not come. */
	if (!err && coord_stopped(session_coord(s))) {
		err = err_new(ERR_EXPECT, "%s", coord_stopped(session_coord(s)));
		coord_stop_is_known(session_coord(s));
	}
	return err;
}

const struct command command_wait = {
	.name = "wait",
	.key = "",
	.group = GROUP_RECORD,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WAITS | CMD_RAW,
	.usage = "wait EXPR [timeout T]",
	.summary = "let guest time pass until an expression is true",
	.help = "Looks every millisecond of guest time, 10 s of guest time at most unless a timeout is\n"
		"given; then it fails as `expect` does.",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = wait_run,
	.check = wait_check,
};

static struct err *until_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	uint64_t timeout;
	struct expr *e;
	struct err *err;

	ERR_TRY(parse_wait(line->rest, &e, &timeout));
	err = coord_thaw(coord);
	if (!err)
		err = wait_for(s, e, timeout);
	/* Frozen either way, at the moment that it was true or that it gave up. */
	if (!err || err_kind(err) == ERR_EXPECT) {
		struct err *freeze = coord_freeze(coord);

		if (!err)
			err = freeze;
		else
			err_free(freeze);
	}
	expr_destroy(e);
	if (!err)
		halt_report(s, out);
	return err;
}

const struct command command_until = {
	.name = "until",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WAITS | CMD_RAW,
	.usage = "until EXPR [timeout T]",
	.summary = "thaw, run until an expression is true, freeze",
	.help = "Looks every millisecond of guest time, 10 s of guest time at most unless a timeout is\n"
		"given. The guest is frozen afterwards in any case.",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = until_run,
	.check = wait_check,
};

/* ---- let and note ---- */

/* A scalar is read now, so that the variable keeps it; a struct stays a reference to guest memory. */
static struct err *settle(struct coord *coord, struct value *v)
{
	struct kernel *kernel;
	enum type_kind kind;

	if (v->kind != VALUE_OBJECT)
		return NULL;
	ERR_TRY(coord_kernel(coord, &kernel));
	kind = types_kind(kernel_types(kernel), v->type);
	if (value_is_text(kernel, v) && kind == TYPE_ARRAY) {
		char text[sizeof(v->string)];

		ERR_TRY(value_text(kernel, v, text, sizeof(text)));
		*v = value_string(text);
		return NULL;
	}
	if (kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_ARRAY)
		return NULL;
	return value_load(kernel, v, v);
}

static struct err *let_value(struct session *s, const char *name, const char *text)
{
	struct expr_context context = expr_session_context(s);
	struct expr_result result;
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(text, &e));
	err = expr_eval_result(e, &context, &result);
	if (!err && result.missing != EXPR_COMPLETE)
		err = err_new(ERR_NOT_FOUND, "`%s` has no value: %s", expr_text(e), result.why);
	expr_destroy(e);
	if (!err)
		err = settle(context.coord, &result.value);
	return err ? err : session_let(s, name, &result.value);
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > 63 || isdigit((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return true;
}

/* "NAME EXPR": the length of the name, and where the expression begins. */
static struct err *parse_let(const char *rest, size_t *ret_len, const char **ret_expr)
{
	size_t len = strcspn(rest, " \t");

	if (!is_name(rest, len) || !rest[len])
		return command_usage(&command_let);
	*ret_len = len;
	*ret_expr = rest + len + strspn(rest + len, " \t");
	return NULL;
}

static struct err *let_check(const char *rest, const char **ret_at)
{
	size_t len;

	ERR_TRY(parse_let(rest, &len, ret_at));
	return command_check_expression(*ret_at, ret_at);
}

static struct err *let_run(struct session *s, const struct command_line *line, struct out *out)
{
	const char *expr;
	size_t len;
	struct err *err;
	char *name;

	ERR_TRY(parse_let(line->rest, &len, &expr));
	name = strndup(line->rest, len);
	if (!name)
		return err_nomem();
	err = let_value(s, name, expr);
	free(name);
	return err;
}

const struct command command_let = {
	.name = "let",
	.key = "",
	.group = GROUP_RECORD,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "let NAME EXPR",
	.summary = "keep the value of an expression as $NAME",
	.help = "A number or a text is kept as it is now; a struct stays a reference to guest memory.\n"
		"`let w worker(@runner,0)` gives a worker's pid a name that means the same in every run.",
	.arguments = {{"NAME", COMPLETE_NONE, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = let_run,
	.check = let_check,
};

static struct err *note_run(struct session *s, const struct command_line *line, struct out *out)
{
	return NULL;
}

const struct command command_note = {
	.name = "note",
	.key = "",
	.group = GROUP_RECORD,
	.flags = CMD_RECORDED | CMD_RAW,
	.usage = "note TEXT",
	.summary = "keep a remark in the recording",
	.help = NULL,
	.arguments = {{"TEXT", COMPLETE_NONE, NULL}},
	.run = note_run,
};
