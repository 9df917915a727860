/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/show.h"

#include "base/parse.h"
#include "commands/expr.h"

#include <inttypes.h>
#include <string.h>

struct out_value show_maybe(struct maybe m)
{
	return m.present ? out_u64(m.value) : out_absent();
}

struct out_value show_maybe_hex(struct maybe m)
{
	return m.present ? out_hex(m.value) : out_absent();
}

struct out_value show_maybe_signed(struct maybe m)
{
	return m.present ? out_s64((int64_t)m.value) : out_absent();
}

const char *show_comm(const struct model_task *task, char buffer[SHOW_COMM])
{
	memcpy(buffer, task->comm, sizeof(task->comm));
	buffer[sizeof(task->comm)] = '\0';
	return buffer;
}

void show_damage(struct out *out, const char *damage)
{
	if (damage[0])
		out_text(out, "not all could be read: %s", damage);
}

struct err *show_agent(struct session *s, struct agent **ret)
{
	*ret = coord_agent(session_coord(s));
	return *ret ? NULL
		    : err_new(ERR_ABSENT,
			      "no agent is known in this guest: nothing can be injected");
}

/* The value of `e` as a number; absence and faults are errors here. */
static struct err *number_of(struct session *s, const struct expr *e, struct value *ret)
{
	const struct expr_context context = expr_session_context(s);
	struct expr_result result;
	struct kernel *kernel;

	ERR_TRY(expr_eval_result(e, &context, &result));
	if (result.missing != EXPR_COMPLETE)
		return err_new(ERR_NOT_FOUND, "%s", result.why);
	*ret = result.value;
	if (ret->kind == VALUE_OBJECT) {
		ERR_TRY(session_kernel(s, &kernel));
		ERR_TRY(value_load(kernel, &result.value, ret));
	}
	if (ret->kind == VALUE_FAULT)
		return err_fault(ret->address);
	return ret->kind == VALUE_NUMBER ? NULL : err_new(ERR_USAGE, "not a number");
}

static struct err *evaluate(struct session *s, const char *word, uint64_t *ret)
{
	struct expr *e;
	struct value v;
	struct err *err;

	ERR_TRY(expr_parse(word, &e));
	err = number_of(s, e, &v);
	expr_destroy(e);
	if (err)
		return err_wrap(err, "%s", word);
	*ret = v.number;
	return NULL;
}

/* Plain numbers need no kernel. */
static bool plain_number(const char *word, uint64_t *ret)
{
	struct err *err = parse_u64(word, ret);
	int64_t number;

	if (!err)
		return true;
	err_free(err);
	err = parse_s64(word, &number);
	if (!err) {
		*ret = (uint64_t)number;
		return true;
	}
	err_free(err);
	return false;
}

struct err *show_number(struct session *s, const char *word, int64_t *ret)
{
	uint64_t number;

	if (!plain_number(word, &number))
		ERR_TRY(evaluate(s, word, &number));
	*ret = (int64_t)number;
	return NULL;
}

struct err *show_cpu_number(struct session *s, const char *word, unsigned int *ret)
{
	struct kernel *kernel;
	int64_t cpu;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(show_number(s, str_starts(word, "cpu:") ? word + 4 : word, &cpu));
	if (cpu < 0 || cpu >= kernel_cpus(kernel))
		return err_new(ERR_NOT_FOUND, "no CPU %" PRId64 ": this guest has CPUs 0 to %u",
			       cpu, kernel_cpus(kernel) - 1);
	*ret = (unsigned int)cpu;
	return NULL;
}

/* A name as the kernel's symbols have them, without anything that an expression would add. */
static bool is_symbol_name(const char *word)
{
	return word[0] && !strchr("0123456789$", word[0]) &&
	       word[strspn(word,
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$")] ==
		       '\0';
}

struct err *show_address(struct session *s, const char *word, uint64_t *ret)
{
	struct kernel *kernel;

	if (plain_number(word, ret))
		return NULL;
	if (is_symbol_name(word)) {
		ERR_TRY(session_kernel(s, &kernel));
		return kernel_symbol(kernel, word, ret);
	}
	return evaluate(s, word, ret);
}
