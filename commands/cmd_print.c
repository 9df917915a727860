/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/expr.h"
#include "coord/coord.h"
#include "coord/source.h"

#include <string.h>


#define PRINT_DEPTH 8 /* levels of nested structs */

/* As a cell of JSON; untyped values need no kernel. `text` holds what the cell refers to. */
static struct out_value cell(struct kernel *k, const struct value *v, struct str *text, char buffer[256])
{
	switch (v->kind) {
	case VALUE_STRING:
		return out_string(v->string);
	case VALUE_ABSENT:
		return out_absent();
	case VALUE_FAULT:
		return out_fault(v->address);
	case VALUE_NUMBER:
		if (!v->type || !k)
			return v->is_unsigned ? out_u64(v->number) : out_s64((int64_t)v->number);
		break;
	default:
		break;
	}
	if (!value_is_compound(k, v))
		return value_out(k, v, buffer);
	value_json(k, v, PRINT_DEPTH, text);
	return out_json(str_text(text));
}

static struct err *write_result(const struct expr *e, struct kernel *k, const struct value *v,
				const char *text, struct out *out)
{
	struct str type = {0}, json = {0};
	struct out_value value = out_none();
	char buffer[256];
	struct err *err;

	if (k && v->type)
		types_name(kernel_types(k), v->type, &type);
	if (out_format(out) == OUT_JSON)
		value = cell(k, v, &json, buffer);
	err = str_error(&json);
	if (!err)
		out_result(out, expr_text(e), str_text(&type), text, value);
	str_deinit(&json);
	str_deinit(&type);
	return err;
}

/* A name that is misspelled and one that another kernel has look alike: say which struct, and what is near. */
static void explain_absent(struct kernel *k, const struct value *v, struct str *s)
{
	str_add(s, " (");
	value_absent_text(k, v, s);
	str_add(s, ")");
}

/* What is gone is an error here; what the kernel lacks or cannot read prints as <absent> and <fault>. */
static struct err *print_result(const struct expr *e, const struct expr_context *c, struct out *out)
{
	struct expr_result result;
	struct kernel *kernel = NULL;
	struct str text = {0};
	struct err *err = expr_show(e, c, PRINT_DEPTH, &text, &result);

	if (!err && result.missing == EXPR_GONE && result.value.kind == VALUE_ABSENT)
		err = err_new(ERR_NOT_FOUND, "%s", result.why);
	if (!err && c->coord)
		err_free(coord_kernel(c->coord, &kernel));
	if (!err && kernel && result.value.kind == VALUE_ABSENT && result.value.type)
		explain_absent(kernel, &result.value, &text);
	if (!err)
		err = write_result(e, kernel, &result.value, str_text(&text), out);
	str_deinit(&text);
	return err;
}

static struct err *print_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct expr_context context = expr_session_context(s);
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(line->rest, &e));
	err = print_result(e, &context, out);
	expr_destroy(e);
	return err;
}

const struct command command_print = {
	.name = "print",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "print EXPR",
	.summary = "show the value of an expression",
	.help = "C over the kernel's types: `print rq(1).clock`, `print task(1).comm`, `print *curr(0)`,\n"
		"`print percpu(kernel_cpustat,0).cpustat[CPUTIME_USER]`, `print sizeof(struct rq)`.\n"
		"A literal with a time unit is in nanoseconds. A member that this kernel lacks prints as\n"
		"<absent>, what cannot be read as <fault ADDR>.",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = print_run,
	.check = command_check_expression,
};

/* ---- ptype ---- */

/* The type of an expression's value, 0 when it has none. */
static struct err *type_of_expression(struct session *s, const char *text, uint32_t *ret)
{
	struct expr_context context = expr_session_context(s);
	struct value v;
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(text, &e));
	err = expr_eval(e, &context, &v);
	expr_destroy(e);
	if (!err)
		*ret = v.kind == VALUE_OBJECT || v.kind == VALUE_NUMBER ? v.type : 0;
	return err;
}

/* A type's name, or an expression whose value has a type. */
static struct err *find_type(struct session *s, const struct types *types, const char *text,
			     uint32_t *ret)
{
	struct err *err = types_parse(types, text, ret), *second;

	if (!err)
		return NULL;
	second = type_of_expression(s, text, ret);
	/* The first error is about types, which is what was asked for. DWARF takes longest: last. */
	if (second || !*ret) {
		err_free(second);
		second = source_parse_type(session_source(s), types, text, ret);
	}
	if (!second) {
		err_free(err);
		return NULL;
	}
	err_free(second);
	return err;
}

static struct err *ptype_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct kernel *kernel;
	struct str text = {0};
	uint32_t type = 0;
	struct err *err;

	if (!*line->rest)
		return command_usage(&command_ptype);
	ERR_TRY(coord_kernel(session_coord(s), &kernel));
	ERR_TRY(find_type(s, kernel_types(kernel), line->rest, &type));
	err = types_print(kernel_types(kernel), type, &text);
	if (!err)
		out_lines(out, str_text(&text));
	str_deinit(&text);
	return err;
}

const struct command command_ptype = {
	.name = "ptype",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "ptype TYPE",
	.summary = "show a type of the kernel with the places of its members",
	.help = "TYPE is a C type (`struct rq`, `u64`, `enum scx_exit_kind`) or an expression, whose type\n"
		"is shown (`ptype rq(0).cfs`). With --vmlinux also types that only its DWARF has.",
	.arguments = {{"TYPE", COMPLETE_TYPE, NULL}},
	.run = ptype_run,
};
