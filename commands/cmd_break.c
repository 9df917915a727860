/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * break, watchpoint, delete: places at which the guest stands by itself.
 */
#include "commands/command.h"
#include "commands/halt_list.h"
#include "commands/moment.h"
#include "commands/show.h"
#include "coord/halts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct place {
	struct moment moment;
	struct expr *condition; /* NULL: none */
	/* Of a watchpoint: what it watches, and how that looked when it was last seen. */
	struct expr *watched;
	struct str value;
};

static void destroy_place(void *context)
{
	struct place *p = context;

	expr_destroy(p->condition);
	expr_destroy(p->watched);
	str_deinit(&p->value);
	free(p);
}

static struct err *judge_break(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct place *p = context;

	ERR_TRY(moment_test(&p->moment, hit, p->condition, stop));
	if (*stop)
		moment_describe(&p->moment, hit, what);
	return NULL;
}

static struct err *show_watched(struct place *p, struct str *ret)
{
	struct expr_context context = expr_session_context(p->moment.session);
	struct expr_result result;

	str_clear(ret);
	return expr_show(p->watched, &context, 0, ret, &result);
}

static struct err *judge_watchpoint(void *context, const struct machine_hit *hit, bool *stop,
				    struct str *what)
{
	struct place *p = context;
	struct str now = {0};
	struct err *err = moment_test(&p->moment, hit, p->condition, stop);

	if (!err)
		err = show_watched(p, &now);
	if (!err && *stop) {
		str_addf(what, "%s -> %s, ", str_text(&p->value), str_text(&now));
		moment_describe(&p->moment, hit, what);
	}
	str_clear(&p->value);
	str_add(&p->value, str_text(&now));
	str_deinit(&now);
	return err;
}

static const struct halt_ops break_ops = {judge_break, destroy_place};
static const struct halt_ops watchpoint_ops = {judge_watchpoint, destroy_place};

/* ---- making one ---- */

/* Cuts "WHAT if EXPR" in two. */
static struct err *split(const char *rest, char **ret_what, struct expr **ret_condition)
{
	const char *found = strstr(rest, " if ");
	char *what = found ? strndup(rest, (size_t)(found - rest)) : strdup(rest);
	struct err *err;

	if (!what)
		return err_nomem();
	for (size_t len = strlen(what); len && isspace((unsigned char)what[len - 1]); len--)
		what[len - 1] = '\0';
	*ret_condition = NULL;
	err = found ? expr_parse(found + 4, ret_condition) : NULL;
	if (err) {
		free(what);
		return err;
	}
	*ret_what = what;
	return NULL;
}

static struct err *new_place(struct session *s, const char *rest, char **ret_what, struct place **ret)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err *err;

	if (!p)
		return err_nomem();
	p->moment.session = s;
	err = split(rest, ret_what, &p->condition);
	if (err) {
		free(p);
		return err;
	}
	*ret = p;
	return NULL;
}

static struct err *find_place(struct session *s, const char *what, struct place *p,
			      struct machine_break *ret)
{
	struct kernel *kernel;
	uint64_t offset;
	char name[256];

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(show_address(s, what, &ret->address));
	if (!kernel_in_image(kernel, ret->address) && ret->address < UINT64_C(0xffffffff80000000))
		return err_new(ERR_USAGE, "%s: no code of the kernel", what);
	err_free(kernel_symbol_at(kernel, ret->address, name, sizeof(name), &offset));
	ret->kind = BREAK_INSIDE;
	if (!kernel_in_image(kernel, ret->address) ||
	    kernel_symbol_at(kernel, ret->address, name, sizeof(name), &offset) || offset)
		return NULL;
	ret->kind = BREAK_ENTRY;
	err_free(types_variable(kernel_types(kernel), name, &p->moment.prototype));
	return NULL;
}

static struct err *find_watched(struct session *s, const char *what, struct place *p,
				struct machine_break *ret)
{
	struct expr_context context = expr_session_context(s);
	struct kernel *kernel;
	struct value v;
	uint64_t size;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(expr_parse(what, &p->watched));
	ERR_TRY(expr_eval(p->watched, &context, &v));
	if (v.kind != VALUE_OBJECT)
		return err_new(ERR_USAGE, "`%s` is nothing in guest memory", what);
	size = v.bit_size ? (v.bit_offset + v.bit_size + 7) / 8 : types_size(kernel_types(kernel), v.type);
	if (!size || size > 4096)
		return err_new(ERR_USAGE, "`%s` has %llu bytes: from 1 to 4096 can be watched", what,
			       (unsigned long long)size);
	*ret = (struct machine_break){BREAK_WRITE, v.address, (uint32_t)size};
	return show_watched(p, &p->value);
}

typedef struct err *(*find_fn)(struct session *s, const char *what, struct place *p,
			       struct machine_break *ret);

static struct err *add(struct session *s, const struct command *command, const char *rest, find_fn find,
		       const struct halt_ops *ops, struct out *out)
{
	struct machine_break place = {0};
	struct str text = {0};
	struct place *p;
	char *what;
	struct err *err;

	ERR_TRY(new_place(s, rest, &what, &p));
	str_addf(&text, "%s %s", command->name, rest);
	err = find(s, what, p, &place);
	if (!err)
		err = halt_add(s,
			       &(struct halt_spec){.text = str_text(&text),
						   .places = &place,
						   .place_count = 1,
						   .ops = ops,
						   .context = p},
			       out);
	else
		destroy_place(p);
	free(what);
	str_deinit(&text);
	return err;
}

static struct err *run_break(struct session *s, const struct command_line *line, struct out *out)
{
	if (!*line->rest)
		return halt_list(s, NULL, out);
	return add(s, &command_break, line->rest, find_place, &break_ops, out);
}

static struct err *run_watchpoint(struct session *s, const struct command_line *line, struct out *out)
{
	if (!*line->rest)
		return halt_list(s, "watchpoint", out);
	return add(s, &command_watchpoint, line->rest, find_watched, &watchpoint_ops, out);
}

const struct command command_break = {
	.name = "break",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "break [LOCATION [if EXPR]]",
	.summary = "stand before an instruction of the kernel",
	.help = "LOCATION is a function, an address or an expression. `run`, `until`, `wait` and "
		"`step` end there, and\n"
		"a guest that runs freely freezes; what waits for the agent passes it by. EXPR "
		"decides at each hit;\n"
		"it sees `cpu`, the running task `curr`, the function's arguments by name and as "
		"$arg0 to $arg5.\n"
		"Under the virtual clock the guest does not notice, and a replay stands at the "
		"same instruction and\n"
		"instant. Under the real one QEMU's debug stub does it, milliseconds a hit; with KVM "
		"there are four\n"
		"places at most, with --gdb none. `break` alone lists all that makes the guest stand; "
		"`delete N` takes\n"
		"one away.\n"
		"\n"
		"    break try_to_wake_up if p->pid == 42\n"
		"    run 1s",
	.arguments = {{"LOCATION", COMPLETE_SYMBOL, NULL}, {"if", COMPLETE_WORD, "if"},
		      {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_break,
};

const struct command command_watchpoint = {
	.name = "watchpoint",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "watchpoint [EXPR [if EXPR]]",
	.summary = "stand behind a write to a kernel variable or field",
	.help = "Says what the value was and is, and who wrote. The address is that of EXPR now. The "
		"kernel runs slower\n"
		"until the last watchpoint is deleted. Writes by devices, by the agent's mailbox and by "
		"ktdbg do not\n"
		"count. Under the real clock the place shown is behind the instruction that wrote, and "
		"a hot watchpoint\n"
		"rests between two hits, so that the guest goes on: writes of that time are passed "
		"over.\n"
		"\n"
		"    watchpoint rq(0).nr_running if cpu != 0",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_watchpoint,
};

static struct err *run_delete(struct session *s, const struct command_line *line, struct out *out)
{
	return line->count ? halt_delete(s, line, out) : command_usage(&command_delete);
}

const struct command command_delete = {
	.name = "delete",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED,
	.usage = "delete N...",
	.summary = "take breakpoints, watchpoints or triggers away",
	.help = "By the numbers that `break` lists.",
	.arguments = {{"N", COMPLETE_NONE, NULL}},
	.run = run_delete,
};
