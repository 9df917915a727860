/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/moment.h"

#include "commands/session.h"

#include <inttypes.h>
#include <string.h>

/* Where the System V ABI passes them. */
static const enum cpu_register argument_register[] = {REG_RDI, REG_RSI, REG_RDX,
						      REG_RCX, REG_R8,	REG_R9};
#define ARGUMENTS (sizeof(argument_register) / sizeof(argument_register[0]))

struct asked {
	const struct moment *moment;
	const struct machine_hit *hit;
	struct kernel *kernel;
};

/* The task that a CPU says it runs: a per-CPU variable, in older kernels a member of one. */
static struct err *current_task(struct kernel *k, unsigned int cpu, uint64_t *ret)
{
	int64_t offset = 0;
	uint64_t symbol;

	if (!kernel_find_symbol(k, "current_task", &symbol)) {
		offset = types_offset(kernel_types(k), "pcpu_hot", "current_task");
		if (offset < 0)
			return err_new(ERR_ABSENT, "this kernel does not say what a CPU runs");
		ERR_TRY(kernel_symbol(k, "pcpu_hot", &symbol));
	}
	ERR_TRY(kernel_percpu(k, symbol, cpu, &symbol));
	return kernel_read_u64(k, symbol + (uint64_t)offset, ret);
}

static struct err *current_object(struct kernel *k, unsigned int cpu, struct value *ret)
{
	uint64_t address;
	uint32_t type;

	ERR_TRY(types_parse(kernel_types(k), "struct task_struct", &type));
	ERR_TRY(current_task(k, cpu, &address));
	*ret = value_object(type, address);
	return NULL;
}

static struct err *argument(const struct asked *a, const char *name, bool *found, struct value *ret)
{
	const struct types *types = kernel_types(a->kernel);
	const char *parameter;
	uint32_t type;

	for (unsigned int i = 0; i < ARGUMENTS; i++) {
		uint64_t number = a->hit->registers.value[argument_register[i]];
		char position[8] = {'$', 'a', 'r', 'g', (char)('0' + i)};

		*found = true;
		if (strcmp(name, position) == 0) {
			*ret = value_unsigned(number);
			return NULL;
		}
		if (a->moment->prototype &&
		    types_parameter_at(types, a->moment->prototype, i, &parameter, &type) &&
		    strcmp(name, parameter) == 0) {
			struct value v = value_unsigned(number);

			return value_cast(a->kernel, &v, type, ret);
		}
	}
	*found = false;
	return NULL;
}

static struct err *name_of(void *row, const char *name, bool *found, struct value *ret)
{
	const struct asked *a = row;

	*found = true;
	if (strcmp(name, "cpu") == 0) {
		*ret = value_unsigned(a->hit->cpu);
		return NULL;
	}
	if (strcmp(name, "curr") == 0)
		return current_object(a->kernel, a->hit->cpu, ret);
	return argument(a, name, found, ret);
}

struct err *moment_test(const struct moment *m, const struct machine_hit *hit, const struct expr *e,
			bool *ret)
{
	struct expr_context context = expr_session_context(m->session);
	struct asked asked = {.moment = m, .hit = hit};

	*ret = true;
	if (!e)
		return NULL;
	ERR_TRY(session_kernel(m->session, &asked.kernel));
	context.name = name_of;
	context.row = &asked;
	return expr_true(e, &context, ret);
}

/* A pointer to text is that text. */
static void show_value(const struct expr_context *c, const struct value *v, struct str *s)
{
	struct value text;
	char buffer[256];
	struct err *err = value_text(c->kernel, v, buffer, sizeof(buffer));

	buffer[err ? 0 : strcspn(buffer, "\n")] = '\0';
	text = value_string(buffer);
	expr_show_value(c, err ? v : &text, s);
	err_free(err);
}

void moment_show(const struct moment *m, const struct machine_hit *hit, const struct expr *e,
		 struct str *s)
{
	struct expr_context context = expr_session_context(m->session);
	struct asked asked = {.moment = m, .hit = hit};
	struct value value;
	struct err *err = session_kernel(m->session, &asked.kernel);

	context.name = name_of;
	context.row = &asked;
	context.kernel = asked.kernel;
	if (!err)
		err = expr_eval(e, &context, &value);
	if (!err)
		show_value(&context, &value, s);
	else
		str_add(s, err_detail(err));
	err_free(err);
}

static void describe_task(struct kernel *k, unsigned int cpu, struct str *s)
{
	struct value task, comm, pid;
	char name[32];
	struct err *err = current_object(k, cpu, &task);

	if (!err)
		err = value_member(k, &task, "comm", &comm);
	if (!err)
		err = value_text(k, &comm, name, sizeof(name));
	if (!err)
		err = value_member(k, &task, "pid", &pid);
	if (!err)
		err = value_load(k, &pid, &pid);
	if (!err) {
		str_add(s, ", in ");
		str_add_clean(s, name, strlen(name));
		str_addf(s, " (pid %" PRId64 ")", (int64_t)pid.number);
	}
	err_free(err);
}

void moment_describe(const struct moment *m, const struct machine_hit *hit, struct str *s)
{
	struct kernel *k;
	uint64_t offset;
	char name[256];
	struct err *err = session_kernel(m->session, &k);

	str_addf(s, "on cpu %u", hit->cpu);
	if (!err)
		describe_task(k, hit->cpu, s);
	if (!err)
		err = kernel_symbol_at(k, hit->pc, name, sizeof(name), &offset);
	if (!err)
		str_addf(s, ", at %s+0x%" PRIx64, name, offset);
	err_free(err);
}
